#include "tests/unit/proto/story.h"

#include "proto/looks.h"
#include "proto/utf8.h"

static bool alike(const char *a, const char *b)
{
    char one[GX_LOOKS_BYTES_MAX], two[GX_LOOKS_BYTES_MAX];

    gx_looks_skeleton(one, a);
    gx_looks_skeleton(two, b);
    return strcmp(one, two) == 0;
}

/* One code point as UTF-8. */
static void encode(char out[5], uint32_t cp)
{
    size_t n = cp < 0x80 ? 0 : cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
    uint8_t lead = (uint8_t)(n == 0 ? 0 : 0xff00u >> (n + 1));

    out[0] = (char)(lead | cp >> 6 * n);
    for (size_t i = 1; i <= n; i++)
        out[i] = (char)(0x80 | (cp >> 6 * (n - i) & 0x3f));
    out[n + 1] = 0;
}

struct pair {
    const char *a, *b;
};

static void all_alike(const struct pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!alike(pairs[i].a, pairs[i].b))
            fail_msg("not alike: %s and %s", pairs[i].a, pairs[i].b);
}

static void test_letters_of_another_alphabet_pass_for_latin_ones(void **state)
{
    static const struct pair pairs[] = {
        {"paypal", "p\u0430ypal"},                          /* a Cyrillic a */
        {"Mei", "\u041cei"},                                /* a Cyrillic capital Em */
        {"ann", "\u0430nn"},
        {"coco", "\u0441\u043e\u0441\u043e"},               /* all of it Cyrillic */
        {"AHHA", "\u0410\u041d\u041d\u0410"},               /* Anna in Russian capitals */
        {"ANNA", "\u0391\u039d\u039d\u0391"},               /* and in Greek ones */
        {"Bob", "\u0392ob"},
        {"Kate", "\u039aate"},
        {"John", "J\u03bfhn"},                              /* a Greek omicron */
        {"unu", "\u057dn\u057d"},                           /* an Armenian seh */
        {"Jose", "Jos\u0435"},
        {"Alice", "Al\u0456ce"},                            /* a Ukrainian i */
        {"hello", "h\u0435ll\u043e"},
        {"\u0412\u0430\u0441\u044f", "B\u0430c\u044f"},     /* Vasya in Russian, with a Latin B and c */
    };
    (void)state;

    all_alike(pairs, GX_ARRAY_LEN(pairs));
}

static void test_case_makes_no_difference(void **state)
{
    static const struct pair pairs[] = {
        {"mei", "MEI"},
        {"Jos\u00e9", "JOS\u00c9"},
        {"stra\u00dfe", "STRASSE"},
        {"\u0412\u043b\u0430\u0434\u0438\u043c\u0438\u0440", "\u0432\u043b\u0430\u0434\u0438\u043c\u0438\u0440"},
        {"\u03a0\u0391\u039d\u039f\u03a3", "\u03c0\u03b1\u03bd\u03bf\u03c2"},         /* the sigma of a word's end too */
        {"\u0130zmir", "izmir"},                            /* a Turkish capital I with its dot */
        {"\u0561\u0576\u056b", "\u0531\u0546\u053b"},       /* Armenian */
    };
    (void)state;

    all_alike(pairs, GX_ARRAY_LEN(pairs));
}

static void test_digits_and_strokes_pass_for_letters(void **state)
{
    static const struct pair pairs[] = {
        {"Bob", "B0b"}, {"OTTO", "0TT0"}, {"l", "I"}, {"l", "1"}, {"l", "i"}, {"Ill", "1l|"}, {"Alice", "A1ice"}, {"paypal", "paypaI"},
        {"modern", "modem"}, {"Martin", "rnartin"}, {"will", "vvill"}, {"Lia", "Ila"}, {"Zo\u00eb", "Z0\u00eb"},
    };
    (void)state;

    all_alike(pairs, GX_ARRAY_LEN(pairs));
}

static void test_compatibility_forms_are_what_they_are_forms_of(void **state)
{
    static const struct pair pairs[] = {
        {"Mei", "\uff2d\uff45\uff49"},                      /* fullwidth */
        {"Mei", "\U0001d40c\U0001d41e\U0001d422"},          /* mathematical bold */
        {"Mei", "\u24c2\u24d4\u24d8"},                      /* circled */
        {"fi", "\ufb01"},
        {"Jos\u00e9", "Jose\u0301"},                        /* one character, or an e and its accent */
        {"Nguy\u1ec5n", "Nguye\u0302\u0303n"},
        {"\ud55c", "\u1112\u1161\u11ab"},                   /* a syllable of Hangul, and its letters */
        {"\u6885", "\ufa44"},                               /* a Chinese character, and its double for compatibility */
        {"\u30ab", "\uff76"},                               /* halfwidth katakana */
        {"O'Neil", "O\u2019Neil"},
        {"O'Neil", "O\u00b4Neil"},
    };
    (void)state;

    all_alike(pairs, GX_ARRAY_LEN(pairs));
}

static void test_what_is_not_seen_makes_no_difference(void **state)
{
    static const struct pair pairs[] = {
        {"Mei", "Mei\u200b"},
        {"Mei", "\u200d\u2060M\u00ade\u034fi\ufeff"},
        {"Mei", "\u202eMei\u202c"},
        {"Mei", "M\ufe0fei\U000e0100"},
        {"Mei", "Mei\U000e0041\U000e007f"},                 /* tags */
        {"Mei", "Mei\u3164"},                               /* a filler of Hangul */
        {"Mei", "Mei\x1b"},
        {"Mei", " \t Mei\u00a0\u3000"},
        {"Mei Li", "Mei   Li"},
        {"Mei Li", "Mei\u2003\u2800 Li"},
        {"", "\u200b \u2800"},
        {"\u2764", "\u2764\ufe0f"},
    };
    (void)state;

    all_alike(pairs, GX_ARRAY_LEN(pairs));
    assert_false(alike("Mei Li", "MeiLi"));
}

static void test_marks_count_once_each_in_any_order_and_as_many_as_are_shown(void **state)
{
    static const struct pair pairs[] = {
        {"e\u0323\u0302", "e\u0302\u0323"},
        {"e\u0301\u0301", "e\u0301"},
        {"i\u0307", "i"},
        {"e\u0300\u0301\u0302\u0303\u0304\u0306", "e\u0300\u0301\u0302\u0303"},
        {"e\u0300\u0300\u0300\u0300\u0306", "e\u0300"},
    };
    (void)state;

    all_alike(pairs, GX_ARRAY_LEN(pairs));
    assert_false(alike("e\u0301", "e"));
    assert_false(alike("e\u0301", "e\u0300"));
}

/* As their owners write them. */
static const char *const ordinary[] = {
    "Mei", "Ann", "Bob", "Claude", "Diana", "Jos\u00e9", "Jose", "Ren\u00e9e", "S\u00f8ren", "\u0141ukasz", "\u0160\u00e1rka", "O\u2019Brien",
    "Jean-Luc", "Anna Maria", "Mr. X", "user_42", "Nguy\u1ec5n", "Nguy\u1ec5n Th\u1ecb Ho\u00e0ng", "\u0130brahim", "Ma\u00efa", "Wim", "Kim",
    "\u5f20\u4f1f",                                                                         /* Chinese */
    "\u5f35\u5049",                                                                         /* the same in full form */
    "\u6885",
    "\u6885\u5a77",
    "\u845b\U000e0100\u98fe",                                                               /* Japanese, with a selector of the form of the first */
    "\u3055\u304f\u3089",
    "\u30b5\u30af\u30e9",
    "\u7530\u4e2d \u30a2\u30f3",
    "\uae40\ubbfc\uc900",                                                                   /* Korean */
    "\u03a0\u03b1\u03bd\u03b1\u03b3\u03b9\u03ce\u03c4\u03b7\u03c2",                         /* Greek */
    "\u0392\u03bb\u03b1\u03b4\u03af\u03bc\u03b7\u03c1\u03bf\u03c2",
    "\u0412\u043b\u0430\u0434\u0438\u043c\u0438\u0440",                                     /* Russian */
    "\u041e\u043b\u044c\u0433\u0430 \u041a\u043e\u0432\u0430\u043b\u0451\u0432\u0430",
    "\u042e\u0440\u0456\u0439",                                                             /* Ukrainian */
    "\u0418\u0432\u0430\u043d (Ivan)",                                                      /* two alphabets, and not in one word */
    "\u0418\u0432\u0430\u043d-John",
    "\u0639\u0645\u0631",                                                                   /* Arabic */
    "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f",                                     /* with its vowels */
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",                                     /* Persian, with a non-joiner */
    "\u05d3\u05d5\u05d3",                                                                   /* Hebrew */
    "\u05d3\u05b8\u05bc\u05d5\u05b4\u05d3",
    "\u0905\u092e\u093f\u0924",                                                             /* Hindi */
    "\u0930\u0915\u094d\u200d\u0937\u093e",                                                 /* with a joiner */
    "\u0b95\u0bae\u0bb2\u0bcd",                                                             /* Tamil */
    "\u0e2a\u0e21\u0e0a\u0e32\u0e22",                                                       /* Thai */
    "\u1019\u1004\u103a\u1038",                                                             /* Burmese */
    "\u10d2\u10d8\u10dd\u10e0\u10d2\u10d8",                                                 /* Georgian */
    "\u0531\u0580\u0561\u0574",                                                             /* Armenian */
    "\u12a0\u1260\u1260",                                                                   /* Amharic */
    "\U0001f469\u200d\U0001f52c",                                                           /* a woman scientist */
    "\U0001f469\U0001f3fd\u200d\U0001f680",                                                 /* an astronaut with a colour of skin */
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",                                           /* a family */
    "\u2764\ufe0f",
    "\u2764\ufe0f\u200d\U0001f525 Mia",
    "\U0001f1e9\U0001f1ea",                                                                 /* a flag */
    "No 1\ufe0f\u20e3",                                                                     /* a keycap */
    "\U0001f9e7",
};

static void test_ordinary_names_of_many_languages_are_not_odd(void **state)
{
    (void)state;
    for (size_t i = 0; i < GX_ARRAY_LEN(ordinary); i++)
        if (gx_looks_odd(ordinary[i]))
            fail_msg("odd: %s", ordinary[i]);
    assert_false(gx_looks_odd(""));
}

static void test_ordinary_names_of_many_languages_are_distinct(void **state)
{
    unsigned pairs = 0;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(ordinary); i++)
        for (size_t k = i + 1; k < GX_ARRAY_LEN(ordinary); k++) {
            if (alike(ordinary[i], ordinary[k]))
                fail_msg("alike: %s and %s", ordinary[i], ordinary[k]);
            pairs++;
        }
    printf("pairs of names: %u\n", pairs);
    assert_true(pairs > 1000);
}

/* Whatever chain of likenesses there is, an alphabet stays an alphabet. */
static void test_the_letters_of_an_alphabet_are_distinct(void **state)
{
    static const struct {
        uint32_t first, last;
    } alphabets[] = {{'a', 'z'}, {0x03b1, 0x03c1}, {0x0430, 0x044f}, {0x0561, 0x0586}, {0x10d0, 0x10f0}};
    unsigned same = 0;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(alphabets); i++)
        for (uint32_t a = alphabets[i].first; a <= alphabets[i].last; a++)
            for (uint32_t b = a + 1; b <= alphabets[i].last; b++) {
                char one[5], two[5];
                encode(one, a);
                encode(two, b);
                if (!alike(one, two))
                    continue;
                if (a != 'i' || b != 'l')
                    fail_msg("alike: %s and %s", one, two);
                same++;
            }
    assert_int_equal(same, 1);
}

static void test_names_with_something_unseen_are_odd(void **state)
{
    static const char *const odd[] = {
        "Mei\u200b",                        /* a zero width space */
        "\ufeffMei",
        "M\u00adei",                        /* a soft hyphen */
        "M\u200dei",                        /* a joiner where nothing joins */
        "Mei\u200c",
        "Mei\u200d",
        "\U0001f469\u200d",
        "\u200d\U0001f52c",
        "Mei\ufe0f",                        /* a selector of nothing */
        "1\ufe0f",
        "\u2764\ufe0f\ufe0f",
        "Mei\U000e0100",
        "\u202eieM",                        /* the other way round */
        "\u2066Mei\u2069",
        "\u200fMei",
        "\u061cMei",
        "Mei\U000e0001\U000e0041",          /* tags */
        "Mei\ufff9x\ufffa" "a\ufffb",       /* an annotation between the lines */
        "Mei\u2028",
        "Mei\n",
        "Mei\t",
        "\x1b[2JMei",
        "Mei\xc2\x9b",                      /* a C1 control */
        "Mei\u3164",
        "Mei\u2800",
        "Mei\u115f",
        "Mei\u034f",
        "Mei\ue000",                        /* private use */
        "Mei\U0010fffd",
        "Mei\u0378",                        /* not assigned */
        "Mei\U000e1000",
        " ",
        "\u00a0\u3000",
        "Mei\xff",
        "Mei\xe4\xb8",
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(odd); i++)
        if (!gx_looks_odd(odd[i]))
            fail_msg("not odd: number %zu, %s", i, odd[i]);
}

static void test_names_that_draw_over_others_are_odd(void **state)
{
    (void)state;
    assert_false(gx_looks_odd("Me\u0300\u0301\u0302\u0303i"));
    assert_true(gx_looks_odd("Me\u0300\u0301\u0302\u0303\u0304i"));
    assert_true(gx_looks_odd("Me\u0301\u0301i"));
    assert_true(gx_looks_odd("\u0301Mei"));
    assert_true(gx_looks_odd("Mei \u0301"));
    assert_true(gx_looks_odd("Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334a\u0324\u031elgo"));
}

static void test_two_alphabets_in_one_word_are_odd(void **state)
{
    (void)state;
    assert_true(gx_looks_odd("p\u0430ypal"));
    assert_true(gx_looks_odd("\u041cei"));
    assert_true(gx_looks_odd("J\u03bfhn"));
    assert_true(gx_looks_odd("\u0430\u03bf"));
    assert_true(gx_looks_odd("John \u0430nn"));
    assert_true(gx_looks_odd("a1\u0430"));
    assert_true(gx_looks_odd("\u0430\U0001d40cb"));
    assert_false(gx_looks_odd("ann \u0430\u043d\u044f"));
    assert_false(gx_looks_odd("\u0430\u043d\u044f/ann"));
    assert_false(gx_looks_odd("\u0430\u2764" "b"));
}

static char *repeated(const char *part, size_t n)
{
    size_t len = strlen(part);
    char *out = test_malloc(n * len + 1);

    for (size_t i = 0; i < n; i++)
        memcpy(out + i * len, part, len);
    out[n * len] = 0;
    return out;
}

/* Of every character there is as many as a name holds: the skeleton fits, is UTF-8, and is the skeleton of itself. */
static void test_every_character_has_a_skeleton_that_fits_and_is_its_own(void **state)
{
    unsigned tried = 0, changed = 0;
    size_t longest = 0;
    (void)state;

    for (uint32_t cp = 1; cp <= 0x10ffff; cp++) {
        char one[5], out[GX_LOOKS_BYTES_MAX], again[GX_LOOKS_BYTES_MAX];
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        encode(one, cp);
        gx_looks_skeleton(out, one);
        assert_true(strlen(out) <= 3 * strlen(one));
        assert_true(gx_utf8_ok(story_str(out)));
        gx_looks_skeleton(again, out);
        if (strcmp(out, again) != 0)
            fail_msg("U+%04X: %s becomes %s", cp, out, again);
        changed += strcmp(out, one) != 0;
        tried++;
        if (changed % 16 == 0 && strcmp(out, one) != 0) {
            char *many = repeated(one, GX_NAME_BYTES_MAX / strlen(one));
            gx_looks_skeleton(out, many);
            longest = strlen(out) > longest ? strlen(out) : longest;
            test_free(many);
        }
    }
    printf("characters: %u, changed %u, the longest skeleton %zu\n", tried, changed, longest);
    assert_int_equal(tried, 0x110000 - 0x800 - 1);
    assert_true(changed > 6000);
    assert_true(longest > 2 * GX_NAME_BYTES_MAX && longest < GX_LOOKS_BYTES_MAX);
}

static void test_a_name_that_is_too_long_is_odd_and_only_its_head_is_looked_at(void **state)
{
    char out[GX_LOOKS_BYTES_MAX], other[GX_LOOKS_BYTES_MAX];
    char *fits = repeated("m", GX_NAME_BYTES_MAX), *more = repeated("m", 65536), *unseen = repeated("\u200b", 65536);
    (void)state;

    assert_false(gx_looks_odd(fits));
    assert_true(gx_looks_odd(more));
    gx_looks_skeleton(out, fits);
    gx_looks_skeleton(other, more);
    assert_int_equal(strlen(out), 2 * GX_NAME_BYTES_MAX);
    assert_string_equal(out, other);
    gx_looks_skeleton(out, unseen);
    assert_true(gx_looks_odd(unseen));
    test_free(unseen);
    test_free(more);
    test_free(fits);
}

static void test_bytes_that_are_no_characters_look_as_they_are_shown(void **state)
{
    (void)state;
    assert_true(alike("M\xff", "M\ufffd"));
    assert_true(alike("M\xe4\xb8", "M\ufffd\ufffd"));
    assert_true(alike("M\ue000", "M\ufffd"));
    assert_false(alike("M\xff", "M"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_of_another_alphabet_pass_for_latin_ones),
        cmocka_unit_test(test_case_makes_no_difference),
        cmocka_unit_test(test_digits_and_strokes_pass_for_letters),
        cmocka_unit_test(test_compatibility_forms_are_what_they_are_forms_of),
        cmocka_unit_test(test_what_is_not_seen_makes_no_difference),
        cmocka_unit_test(test_marks_count_once_each_in_any_order_and_as_many_as_are_shown),
        cmocka_unit_test(test_ordinary_names_of_many_languages_are_not_odd),
        cmocka_unit_test(test_ordinary_names_of_many_languages_are_distinct),
        cmocka_unit_test(test_the_letters_of_an_alphabet_are_distinct),
        cmocka_unit_test(test_names_with_something_unseen_are_odd),
        cmocka_unit_test(test_names_that_draw_over_others_are_odd),
        cmocka_unit_test(test_two_alphabets_in_one_word_are_odd),
        cmocka_unit_test(test_every_character_has_a_skeleton_that_fits_and_is_its_own),
        cmocka_unit_test(test_a_name_that_is_too_long_is_odd_and_only_its_head_is_looked_at),
        cmocka_unit_test(test_bytes_that_are_no_characters_look_as_they_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
