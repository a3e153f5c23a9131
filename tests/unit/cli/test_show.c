#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/cli/cli.h"
#include "proto/utf8.h"

static const char *const heads[] = {"NAME", ">N", "STATE"};
static const struct gx_cli terminal = {.out_tty = true, .columns = 80}, pipe_of = {.columns = 80};

static char drawn[1 << 19];

/* One row under the heads, as it is drawn on standard output. */
static void draw(const struct gx_cli *cli, const char *name, const char *state, bool whole)
{
    struct gx_columns t;
    FILE *f = tmpfile();
    int kept = dup(STDOUT_FILENO);

    assert_non_null(f);
    fflush(stdout);
    assert_true(kept >= 0 && dup2(fileno(f), STDOUT_FILENO) >= 0);
    gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
    t.whole = whole;
    gx_columns_text(&t, name);
    gx_columns_number(&t, 7);
    gx_columns_text(&t, state);
    gx_columns_end(cli, &t);
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    rewind(f);
    drawn[fread(drawn, 1, sizeof drawn - 1, f)] = 0;
    fclose(f);
}

static char *repeated(const char *part, size_t bytes)
{
    size_t len = strlen(part), n = bytes / len;
    char *out = test_malloc(n * len + 1);

    for (size_t i = 0; i < n; i++)
        memcpy(out + i * len, part, len);
    out[n * len] = 0;
    return out;
}

/* Two lines, and the row no wider than its columns may be. */
static void assert_fits(void)
{
    char *row = strchr(drawn, '\n');

    assert_non_null(row);
    row++;
    assert_int_equal(row[strcspn(row, "\n") + 1], 0);
    row[strcspn(row, "\n")] = 0;
    if (gx_utf8_width(row) > 2 * GX_COLUMN_MAX + 5)
        fail_msg("%zu columns: %.200s", gx_utf8_width(row), row);
    assert_true(gx_utf8_ok(gx_span(row, strlen(row))));
}

static void test_a_short_name_is_drawn_whole(void **state)
{
    (void)state;
    draw(&terminal, "\u6885", "here", false);
    assert_string_equal(drawn, "NAME  N  STATE\n\u6885    7  here\n");
    char *fits = repeated("a", GX_COLUMN_MAX);
    draw(&terminal, fits, "here", false);
    assert_non_null(strstr(drawn, fits));
    assert_null(strstr(drawn, "\u2026"));
    test_free(fits);
}

static void test_what_is_too_wide_for_a_column_ends_in_an_ellipsis(void **state)
{
    char *wide = repeated("\u6885", 3 * GX_COLUMN_MAX), *cut = repeated("\u6885", 3 * (GX_COLUMN_MAX / 2 - 1));
    char want[512];
    (void)state;

    draw(&terminal, wide, "here", false);
    snprintf(want, sizeof want, "\n%s\u2026  7  here\n", cut);
    assert_non_null(strstr(drawn, want));
    draw(&terminal, "x", wide, false);
    assert_non_null(strstr(drawn, "\u2026\n"));
    assert_fits();
    test_free(cut);
    test_free(wide);
}

static void test_a_name_of_64_kilobytes_breaks_no_screen(void **state)
{
    static const char *const parts[] = {
        "a", "\u6885", "e\u0301", "\u0301", "\u202e", "\u200d", "\n", "\t", "\\", "\x1b[2J", "\xff", "\U0001f469\u200d\U0001f52c", "\ue000", "\ufe0f",
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(parts); i++) {
        char *name = repeated(parts[i], 65536);
        draw(&terminal, name, name, false);
        assert_fits();
        test_free(name);
    }
}

static void test_nothing_is_cut_in_a_pipe_nor_of_what_is_to_be_copied(void **state)
{
    char *name = repeated("a", 1000);
    (void)state;

    draw(&pipe_of, name, "here", false);
    assert_int_equal(strlen(drawn), 1000 + strlen("\t7\there\n"));
    draw(&terminal, name, "here", true);
    assert_non_null(strstr(drawn, name));
    test_free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_short_name_is_drawn_whole),
        cmocka_unit_test(test_what_is_too_wide_for_a_column_ends_in_an_ellipsis),
        cmocka_unit_test(test_a_name_of_64_kilobytes_breaks_no_screen),
        cmocka_unit_test(test_nothing_is_cut_in_a_pipe_nor_of_what_is_to_be_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
