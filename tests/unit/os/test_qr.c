#include "tests/unit/os/codes.h"

static void test_text_that_just_fits_comes_back_at_every_version_up_to_eleven(void **state)
{
    char text[GX_TOKEN_TEXT_MAX], back[GX_TOKEN_TEXT_MAX];
    unsigned done = 0;
    (void)state;

    for (int level = GX_QR_L; level <= GX_QR_Q; level++) {
        for (int version = 1; version <= 11; version++) {
            struct gx_qr qr;
            uint8_t *png;
            size_t n;

            sample(text, capacity[level][version - 1], (uint64_t)(100 * level + version));
            assert_int_equal(gx_qr_make(&qr, text, (enum gx_qr_level)level), GX_OK);
            assert_int_equal(qr.version, version);
            assert_int_equal(qr.size, 17 + 4 * version);
            assert_int_equal(gx_qr_png(&png, &n, &qr, 3), GX_OK);
            assert_int_equal(gx_picture_read(back, sizeof back, gx_span(png, n), "GX"), GX_OK);
            assert_string_equal(back, text);
            free(png);
            gx_qr_free(&qr);
            done++;
        }
    }
    assert_int_equal(done, 33);
}

static void test_one_character_more_takes_the_next_version(void **state)
{
    char text[GX_TOKEN_TEXT_MAX];
    (void)state;

    for (int version = 1; version <= 11; version++) {
        struct gx_qr qr;

        sample(text, capacity[0][version - 1] + 1, (uint64_t)version);
        assert_int_equal(gx_qr_make(&qr, text, GX_QR_L), GX_OK);
        assert_int_equal(qr.version, version + 1);
        gx_qr_free(&qr);
    }
}

/* 128 bytes, the usual token with an address, is version 7-L and 49x25 characters: it fits a window of 80x30 with its text.  The longest that
 * is allowed is version 11. */
static void test_token_of_128_bytes_fits_a_small_window_and_250_bytes_version_11(void **state)
{
    char text[GX_TOKEN_TEXT_MAX];
    int columns, rows;
    struct gx_qr qr;
    (void)state;

    sample(text, 4 + (128 * 8 + 4) / 5, 1);
    assert_int_equal(gx_qr_make(&qr, text, GX_QR_L), GX_OK);
    assert_int_equal(qr.version, 7);
    gx_qr_terminal_size(&qr, &columns, &rows);
    assert_int_equal(columns, 49);
    assert_int_equal(rows, 25);
    gx_qr_free(&qr);

    sample(text, 4 + (GX_TOKEN_BYTES_MAX * 8 + 4) / 5, 2);
    assert_int_equal(gx_qr_make(&qr, text, GX_QR_L), GX_OK);
    assert_true(qr.version <= 11);
    gx_qr_free(&qr);
}

static void test_every_character_of_the_alphabet_comes_back(void **state)
{
    static const char all[] = "GX 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    char back[64];
    struct gx_qr qr;
    uint8_t *png;
    size_t n;
    (void)state;

    assert_int_equal(gx_qr_make(&qr, all, GX_QR_M), GX_OK);
    assert_int_equal(gx_qr_png(&png, &n, &qr, 4), GX_OK);
    assert_int_equal(gx_picture_read(back, sizeof back, gx_span(png, n), "GX"), GX_OK);
    assert_string_equal(back, all);
    free(png);
    gx_qr_free(&qr);
}

/* A character outside would silently switch the mode, and the picture would become coarser. */
static void test_every_byte_outside_the_alphabet_is_refused(void **state)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    unsigned refused = 0;
    (void)state;

    for (int c = 1; c < 256; c++) {
        char text[] = "GX1:A_B";
        struct gx_qr qr;

        if (strchr(alphabet, c) != NULL)
            continue;
        text[5] = (char)c;
        assert_int_equal(gx_qr_make(&qr, text, GX_QR_L), GX_E_MALFORMED);
        assert_null(qr.modules);
        refused++;
    }
    assert_int_equal(refused, 255 - 45);
}

static void test_empty_text_is_refused(void **state)
{
    struct gx_qr qr;
    (void)state;

    assert_int_equal(gx_qr_make(&qr, "", GX_QR_L), GX_E_MALFORMED);
}

static void test_text_longer_than_any_code_is_too_big(void **state)
{
    static char text[4298];
    struct gx_qr qr;
    (void)state;

    sample(text, 4296, 3);
    assert_int_equal(gx_qr_make(&qr, text, GX_QR_L), GX_OK);
    assert_int_equal(qr.version, 40);
    gx_qr_free(&qr);
    sample(text, 4297, 3);
    assert_int_equal(gx_qr_make(&qr, text, GX_QR_L), GX_E_TOO_BIG);
    assert_null(qr.modules);
}

static void test_freeing_twice_or_nothing_does_nothing(void **state)
{
    struct gx_qr qr;
    (void)state;

    assert_int_equal(gx_qr_make(&qr, "GX1:AAAA", GX_QR_L), GX_OK);
    gx_qr_free(&qr);
    gx_qr_free(&qr);
    gx_qr_free(NULL);
    assert_null(qr.modules);
}

/* ---- the terminal ---- */

/* What a terminal would show: two modules a character.  Every character must be drawn in black on white that were named, not inherited. */
struct screen {
    int columns, rows;          /* rows of modules: two a line */
    uint8_t black[400][400];
};

static const char *skip_colours(const char *p, bool *named)
{
    const char *end = strchr(p, 'm');

    assert_non_null(end);
    *named = strncmp(p, "\033[0;38;5;16;48;5;231m", (size_t)(end - p + 1)) == 0;
    if (!*named)
        assert_int_equal(strncmp(p, "\033[0m", (size_t)(end - p + 1)), 0);
    return end + 1;
}

static void parse(struct screen *s, const char *text)
{
    static const struct {
        const char *glyph;
        uint8_t upper, lower;
    } glyphs[] = {{" ", 0, 0}, {"\xe2\x96\x84", 0, 1}, {"\xe2\x96\x80", 1, 0}, {"\xe2\x96\x88", 1, 1}};
    bool named = false;
    int x = 0;

    *s = (struct screen){0};
    while (*text != 0) {
        size_t i = 0;

        if (*text == '\033') {
            text = skip_colours(text, &named);
            continue;
        }
        if (*text == '\n') {
            assert_false(named);            /* the rest of the line keeps the theme's colours */
            assert_true(s->rows == 0 || x == s->columns);
            s->columns = x;
            s->rows += 2;
            x = 0;
            text++;
            continue;
        }
        assert_true(named);
        while (i < 4 && strncmp(text, glyphs[i].glyph, strlen(glyphs[i].glyph)) != 0)
            i++;
        assert_true(i < 4);
        s->black[s->rows][x] = glyphs[i].upper;
        s->black[s->rows + 1][x++] = glyphs[i].lower;
        text += strlen(glyphs[i].glyph);
    }
}

static char *drawn(const struct gx_qr *qr)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    gx_qr_draw(out, qr);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_what_is_drawn_parses_back_to_the_modules_in_a_white_margin_of_two(void **state)
{
    static struct screen s;
    char text[GX_TOKEN_TEXT_MAX];
    (void)state;

    for (int version = 1; version <= 11; version++) {
        struct gx_qr qr;
        int columns, rows;
        char *shown;

        sample(text, capacity[0][version - 1], (uint64_t)version + 50);
        assert_int_equal(gx_qr_make(&qr, text, GX_QR_L), GX_OK);
        shown = drawn(&qr);
        parse(&s, shown);
        gx_qr_terminal_size(&qr, &columns, &rows);
        assert_int_equal(s.columns, columns);
        assert_int_equal(s.rows, 2 * rows);
        assert_int_equal(columns, qr.size + 4);
        for (int y = 0; y < s.rows; y++) {
            for (int x = 0; x < s.columns; x++) {
                bool inside = x >= 2 && y >= 2 && x < qr.size + 2 && y < qr.size + 2;
                uint8_t want = inside ? qr.modules[(y - 2) * qr.size + x - 2] : 0;

                assert_int_equal(s.black[y][x], want);
            }
        }
        free(shown);
        gx_qr_free(&qr);
    }
}

/* ---- the PNG file ---- */

static void test_png_is_grey_of_eight_bits_with_a_margin_of_four_modules(void **state)
{
    static const uint8_t magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    struct gx_qr qr;
    uint8_t *png;
    size_t n;
    (void)state;

    assert_int_equal(gx_qr_make(&qr, "GX1:AAAA", GX_QR_L), GX_OK);
    assert_int_equal(gx_qr_png(&png, &n, &qr, 8), GX_OK);
    assert_true(n > 33);
    assert_memory_equal(png, magic, sizeof magic);
    assert_memory_equal(png + 12, "IHDR", 4);
    assert_int_equal(png[18] << 8 | png[19], (21 + 8) * 8);
    assert_int_equal(png[22] << 8 | png[23], (21 + 8) * 8);
    assert_int_equal(png[24], 8);       /* bits */
    assert_int_equal(png[25], 0);       /* grey */
    free(png);
    gx_qr_free(&qr);
}

static void test_same_text_gives_the_same_file(void **state)
{
    struct gx_qr a, b;
    uint8_t *png_a, *png_b;
    size_t n_a, n_b;
    (void)state;

    assert_int_equal(gx_qr_make(&a, "GX1:SAME", GX_QR_L), GX_OK);
    assert_int_equal(gx_qr_make(&b, "GX1:SAME", GX_QR_L), GX_OK);
    assert_int_equal(gx_qr_png(&png_a, &n_a, &a, 5), GX_OK);
    assert_int_equal(gx_qr_png(&png_b, &n_b, &b, 5), GX_OK);
    assert_int_equal(n_a, n_b);
    assert_memory_equal(png_a, png_b, n_a);
    free(png_a);
    free(png_b);
    gx_qr_free(&a);
    gx_qr_free(&b);
}

static void test_scale_of_nothing_or_beyond_all_measure_is_refused(void **state)
{
    static const int scales[] = {0, -1, 10000, 2147483647};
    struct gx_qr qr;
    uint8_t *png;
    size_t n;
    (void)state;

    assert_int_equal(gx_qr_make(&qr, "GX1:AAAA", GX_QR_L), GX_OK);
    for (size_t i = 0; i < GX_ARRAY_LEN(scales); i++) {
        assert_int_equal(gx_qr_png(&png, &n, &qr, scales[i]), GX_E_TOO_BIG);
        assert_null(png);
    }
    gx_qr_free(&qr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_that_just_fits_comes_back_at_every_version_up_to_eleven),
        cmocka_unit_test(test_one_character_more_takes_the_next_version),
        cmocka_unit_test(test_token_of_128_bytes_fits_a_small_window_and_250_bytes_version_11),
        cmocka_unit_test(test_every_character_of_the_alphabet_comes_back),
        cmocka_unit_test(test_every_byte_outside_the_alphabet_is_refused),
        cmocka_unit_test(test_empty_text_is_refused),
        cmocka_unit_test(test_text_longer_than_any_code_is_too_big),
        cmocka_unit_test(test_freeing_twice_or_nothing_does_nothing),
        cmocka_unit_test(test_what_is_drawn_parses_back_to_the_modules_in_a_white_margin_of_two),
        cmocka_unit_test(test_png_is_grey_of_eight_bits_with_a_margin_of_four_modules),
        cmocka_unit_test(test_same_text_gives_the_same_file),
        cmocka_unit_test(test_scale_of_nothing_or_beyond_all_measure_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
