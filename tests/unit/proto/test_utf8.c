#include "tests/unit/proto/story.h"

#include "proto/utf8.h"

static bool ok(const char *s)
{
    return gx_utf8_ok(story_str(s));
}

static void test_text_of_every_script_is_well_formed(void **state)
{
    (void)state;
    assert_true(ok(""));
    assert_true(ok("plain"));
    assert_true(ok("\xc3\xa9t\xc3\xa9"));                        /* two bytes */
    assert_true(ok("\xe5\x85\xb3\xe7\xb3\xbb"));                 /* three */
    assert_true(ok("\xf0\x9f\xa7\xa7"));                         /* four */
    assert_true(ok("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
}

static void test_every_malformed_form_is_refused(void **state)
{
    static const char *const wrong[] = {
        "\x80", "\xbf", "a\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xc2\xc2", "\xe0\x80\x80", "\xe0\x9f\xbf",
        "\xe1\x80", "\xe1\x80 ", "\xe1 \x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
        "\xf0\x90\x80 ", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff",
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(wrong); i++)
        assert_false(ok(wrong[i]));
    assert_false(gx_utf8_ok(gx_span("a\0b", 3)));
    assert_false(gx_utf8_ok(gx_span("", 1)));
}

/* Encode one code point without asking whether it may be. */
static size_t encode(uint8_t out[4], uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (uint8_t)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (uint8_t)(0xc0 | cp >> 6);
        out[1] = (uint8_t)(0x80 | (cp & 63));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (uint8_t)(0xe0 | cp >> 12);
        out[1] = (uint8_t)(0x80 | (cp >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (cp & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | cp >> 18);
    out[1] = (uint8_t)(0x80 | (cp >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (cp >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (cp & 63));
    return 4;
}

static void test_every_code_point_but_nul_and_surrogates_is_taken(void **state)
{
    unsigned taken = 0;
    (void)state;

    for (uint32_t cp = 0; cp < 0x112000; cp++) {
        uint8_t b[4];
        bool want = cp != 0 && cp <= 0x10ffff && !(cp >= 0xd800 && cp <= 0xdfff);
        assert_int_equal(gx_utf8_ok(gx_span(b, encode(b, cp))), want);
        taken += want;
    }
    printf("code points taken: %u\n", taken);
    assert_int_equal(taken, 0x110000 - 0x800 - 1);
}

static void test_a_character_cut_off_by_the_end_is_refused_and_not_read_past(void **state)
{
    static const char whole[] = "\xf0\x9f\xa7\xa7";
    (void)state;

    for (size_t n = 1; n < 4; n++) {
        uint8_t *exact = test_malloc(n);
        memcpy(exact, whole, n);
        assert_false(gx_utf8_ok(gx_span(exact, n)));
        test_free(exact);
    }
}

static void shown(const char *want, const char *text, bool keep_newlines)
{
    char out[256];
    size_t n = gx_utf8_show(out, sizeof out, story_str(text), keep_newlines);

    assert_string_equal(out, want);
    assert_int_equal(n, strlen(want));
}

#define R "\xef\xbf\xbd"

static void test_ordinary_text_is_shown_as_it_is(void **state)
{
    (void)state;
    shown("hello, \xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\xa7\xa7 \xc3\xa9 e\xcc\x81", "hello, \xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\xa7\xa7 \xc3\xa9 e\xcc\x81", false);
    shown("", "", false);
}

/* An escape sequence would move the cursor, clear the screen or set the title. */
static void test_control_characters_are_replaced(void **state)
{
    (void)state;
    shown(R "[2J", "\x1b[2J", true);
    shown(R "31m", "\xc2\x9b" "31m", true);
    shown("a" R "b", "a\rb", true);
    shown("a" R "b", "a\x7f" "b", true);
    for (unsigned c = 1; c < 0x20; c++) {
        const char text[] = {(char)c, 0};
        if (c != '\n' && c != '\t')
            shown(R, text, true);
        shown(R, text, false);
    }
}

/* Whatever a terminal would obey: its first character is gone, in 7 bits and in 8. */
static void test_escape_sequences_are_disarmed(void **state)
{
    (void)state;
    shown(R "]0;title" R "a", "\x1b]0;title\aa", true);
    shown(R "]52;c;YQ==" R "\\", "\x1b]52;c;YQ==\x1b\\", true);
    shown(R "P1$r" R "\\", "\x1bP1$r\x1b\\", true);
    shown(R "]8;;http://x" R "\\a", "\x1b]8;;http://x\x1b\\a", true);
    shown(R "c" R "[?1049h" R R, "\x1b" "c\x1b[?1049h\b\v", true);
    for (uint32_t c1 = 0x80; c1 < 0xa0; c1++) {
        uint8_t b[5] = {0};
        (void)encode(b, c1);
        shown(R, (const char *)b, true);
    }
    /* As bytes of Latin-1 they are no UTF-8. */
    shown(R "31m" R, "\x9b" "31m\x9c", true);
}

static void test_newline_and_tab_stay_only_in_texts(void **state)
{
    (void)state;
    shown("a\n\tb", "a\n\tb", true);
    shown("a" R R "b", "a\n\tb", false);
}

static void test_direction_and_invisible_characters_are_replaced(void **state)
{
    static const uint32_t hidden[] = {0x00ad, 0x034f, 0x061c, 0x115f, 0x1160, 0x180e, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e,
                                      0x2060, 0x2066, 0x2069, 0x3164, 0xfeff, 0xffa0, 0xfff9, 0xfffa, 0xfffb, 0x1d173, 0xe0000, 0xe0001,
                                      0xe0020, 0xe0041, 0xe007f, 0xe0080, 0xe00ff, 0xe01f0, 0xe0fff};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(hidden); i++) {
        char text[8] = "a";
        size_t n = encode((uint8_t *)text + 1, hidden[i]);
        text[1 + n] = 'b';
        text[2 + n] = 0;
        shown("a" R "b", text, false);
        shown("a" R "b", text, true);
    }
}

/* A font may draw anything for them, or nothing. */
static void test_private_use_and_what_is_not_assigned_are_replaced(void **state)
{
    static const uint32_t nobodys[] = {0x0378, 0x05ff, 0x2fe0, 0xe000, 0xf8ff, 0xfdd0, 0xfdef, 0xfffe, 0xffff, 0x1fffe, 0x2ffff, 0x40000, 0xe1000,
                                       0xf0000, 0xffffd, 0x10fffd, 0x10ffff};
    static const uint32_t ready[] = {0x1fae9, 0x1f6ff, 0x323b0, 0x3347f};         /* later emoji and Chinese characters */
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(nobodys); i++) {
        uint8_t b[5] = {0};
        (void)encode(b, nobodys[i]);
        shown(R, (const char *)b, true);
        assert_true(gx_utf8_is(nobodys[i], GX_UTF8_UNASSIGNED));
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(ready); i++) {
        uint8_t b[5] = {0};
        (void)encode(b, ready[i]);
        shown((const char *)b, (const char *)b, true);
    }
}

/* Names of many languages have two or three. */
static void test_four_marks_on_a_character_are_shown_and_no_more(void **state)
{
    char tower[2 + 2 * 30000], out[64];
    (void)state;

    shown("e\u0302\u0303\u0323\u0308x\u0301", "e\u0302\u0303\u0323\u0308x\u0301", false);
    shown("e\u0300\u0301\u0302\u0303x\u0301", "e\u0300\u0301\u0302\u0303\u0304\u0305x\u0301", false);
    shown("\u0300\u0301\u0302\u0303", "\u0300\u0301\u0302\u0303\u0304", false);
    /* A joiner does not make it two towers. */
    shown("e\u0300\u0301\u0302\u200d\u0303\u200d", "e\u0300\u0301\u0302\u200d\u0303\u200d\u0304", true);
    shown("e\u0300\u0301\u0302\u0303" R "\u0304", "e\u0300\u0301\u0302\u0303\u200b\u0304", true);

    tower[0] = 'e';
    for (size_t i = 0; i < 30000; i++)
        memcpy(tower + 1 + 2 * i, "\u0301", 2);
    tower[sizeof tower - 1] = 'x';
    assert_int_equal(gx_utf8_show(out, sizeof out, gx_span(tower, sizeof tower), true), 10);
    assert_string_equal(out, "e\u0301\u0301\u0301\u0301x");
}

/* "mi-khaham" in Persian, and a family of emoji: a text may join, a name may not pretend. */
static void test_joiners_stay_in_texts_and_not_in_names(void **state)
{
    (void)state;
    shown("\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", true);
    shown("\xd9\x85\xdb\x8c" R "\xd8\xae", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", false);
    shown("a\u200c" R "\u200db", "a\u200c\u200d\u200db", true);
    shown("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", true);
}

static void test_bytes_that_are_no_characters_are_replaced_one_by_one(void **state)
{
    char out[16];
    (void)state;

    shown(R, "\xff", false);
    shown("a" R R "b", "a\xc3\xff" "b", false);
    shown(R R R, "\xed\xa0\x80", false);
    assert_int_equal(gx_utf8_show(out, sizeof out, gx_span("a\0b", 3), true), 5);
    assert_string_equal(out, "a" R "b");
}

static void test_a_copy_is_cut_at_a_whole_character(void **state)
{
    static const char text[] = "a\xc3\xa9\xe4\xb8\x96\xf0\x9f\xa7\xa7";
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    (void)state;

    for (size_t cap = 1; cap <= GX_ARRAY_LEN(want); cap++) {
        char *out = test_malloc(cap);
        size_t n = gx_utf8_show(out, cap, story_str(text), false);
        assert_int_equal(n, want[cap - 1]);
        assert_int_equal(out[n], 0);
        assert_memory_equal(out, text, n);
        test_free(out);
    }
}

/* Whatever comes in, what goes out is well formed and holds no control character. */
static void test_what_is_shown_is_always_well_formed(void **state)
{
    unsigned shown_pairs = 0;
    (void)state;

    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++) {
            const uint8_t in[] = {'x', (uint8_t)first, (uint8_t)second, 0xa7, 'y'};
            char out[32];
            size_t n = gx_utf8_show(out, sizeof out, gx_span(in, sizeof in), false);
            assert_int_equal(n, strlen(out));
            assert_true(gx_utf8_ok(gx_span(out, n)));
            for (size_t i = 0; i < n; i++)
                assert_true((uint8_t)out[i] >= 0x20 && out[i] != 0x7f);
            shown_pairs++;
        }
    assert_int_equal(shown_pairs, 65536);
}

static void test_columns_are_counted_as_a_terminal_does(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},
        {"plain", 5},
        {"\xc3\xa9", 1},                          /* é */
        {"e\xcc\x81", 1},                         /* e and a combining acute */
        {"\xe5\x85\xb3\xe7\xb3\xbb", 4},          /* two Chinese characters */
        {"\xef\xbc\xa1", 2},                      /* fullwidth A */
        {"\xef\xbd\xb1", 1},                      /* halfwidth katakana */
        {"\xed\x95\x9c", 2},                      /* a Hangul syllable */
        {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", 2}, /* the same from its three parts */
        {"\xf0\x9f\xa7\xa7", 2},                  /* red envelope */
        {"\xf0\x9f\x98\x80", 2},
        {"\xf0\xa0\x80\x80", 2},                  /* CJK extension B */
        {"\xe2\x80\x8b", 0},                      /* zero width space */
        {"\xef\xbb\xbf", 0},
        {R, 1},
        {"\xff", 1},                              /* as it would be shown */
        {"a\tb", 2},
        {"\xe2\x96\x88", 1},                      /* full block, of which QR codes are made */
        {"\xd7\xa9\xd7\x81", 1},                  /* Hebrew letter and point */
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++)
        if (gx_utf8_width(cases[i].text) != cases[i].columns)
            fail_msg("case %zu: %zu columns, not %zu", i, gx_utf8_width(cases[i].text), cases[i].columns);
}

static void test_as_much_as_fits_some_columns_is_measured_at_whole_characters(void **state)
{
    static const char text[] = "ae\u0301\u4e16x\xff";
    static const size_t want[] = {0, 1, 4, 4, 7, 8, 9, 9};
    (void)state;

    for (size_t columns = 0; columns < GX_ARRAY_LEN(want); columns++)
        assert_int_equal(gx_utf8_fit(text, columns), want[columns]);
    assert_int_equal(gx_utf8_fit("", 3), 0);
    assert_int_equal(gx_utf8_fit("\u0301\u0301", 0), 4);
}

static void test_characters_are_of_the_kinds_they_are_of(void **state)
{
    (void)state;
    assert_true(gx_utf8_is('A', GX_UTF8_LATIN) && gx_utf8_is(0x1ec5, GX_UTF8_LATIN) && gx_utf8_is(0xff2d, GX_UTF8_LATIN));
    assert_true(gx_utf8_is(0x0430, GX_UTF8_CYRILLIC) && gx_utf8_is(0x03b1, GX_UTF8_GREEK) && gx_utf8_is(0x1f00, GX_UTF8_GREEK));
    assert_false(gx_utf8_is('1', GX_UTF8_LATIN) || gx_utf8_is(' ', GX_UTF8_LATIN) || gx_utf8_is(0x0430, GX_UTF8_LATIN));
    assert_true(gx_utf8_is(0x0301, GX_UTF8_MARK) && gx_utf8_is(0x20e3, GX_UTF8_MARK) && gx_utf8_is(0xfe0f, GX_UTF8_MARK));
    assert_false(gx_utf8_is('e', GX_UTF8_MARK) || gx_utf8_is(0x1161, GX_UTF8_MARK) || gx_utf8_is(0x200b, GX_UTF8_MARK));
    assert_true(gx_utf8_is(0x1f469, GX_UTF8_PICTURE) && gx_utf8_is(0x1f3fd, GX_UTF8_PICTURE) && gx_utf8_is(0x2764, GX_UTF8_PICTURE));
    assert_false(gx_utf8_is('1', GX_UTF8_PICTURE) || gx_utf8_is(0x4e16, GX_UTF8_PICTURE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_every_script_is_well_formed),
        cmocka_unit_test(test_every_malformed_form_is_refused),
        cmocka_unit_test(test_every_code_point_but_nul_and_surrogates_is_taken),
        cmocka_unit_test(test_a_character_cut_off_by_the_end_is_refused_and_not_read_past),
        cmocka_unit_test(test_ordinary_text_is_shown_as_it_is),
        cmocka_unit_test(test_control_characters_are_replaced),
        cmocka_unit_test(test_escape_sequences_are_disarmed),
        cmocka_unit_test(test_newline_and_tab_stay_only_in_texts),
        cmocka_unit_test(test_direction_and_invisible_characters_are_replaced),
        cmocka_unit_test(test_private_use_and_what_is_not_assigned_are_replaced),
        cmocka_unit_test(test_four_marks_on_a_character_are_shown_and_no_more),
        cmocka_unit_test(test_joiners_stay_in_texts_and_not_in_names),
        cmocka_unit_test(test_bytes_that_are_no_characters_are_replaced_one_by_one),
        cmocka_unit_test(test_a_copy_is_cut_at_a_whole_character),
        cmocka_unit_test(test_what_is_shown_is_always_well_formed),
        cmocka_unit_test(test_columns_are_counted_as_a_terminal_does),
        cmocka_unit_test(test_as_much_as_fits_some_columns_is_measured_at_whole_characters),
        cmocka_unit_test(test_characters_are_of_the_kinds_they_are_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
