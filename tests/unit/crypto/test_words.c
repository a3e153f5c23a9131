#include "tests/unit/crypto/support.h"

#include <ctype.h>
#include <stdio.h>

#include "crypto/words.h"
#include "crypto/words_english.h"

/* The published vectors of BIP-39 for 24 words. */
static const struct {
    const char *entropy;
    const char *words;
} official[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art"},
    {"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
     "legal winner thank year wave sausage worth useful legal winner thank year "
     "wave sausage worth useful legal winner thank year wave sausage worth title"},
    {"8080808080808080808080808080808080808080808080808080808080808080",
     "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd "
     "amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless"},
    {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote"},
    {"68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
     "hamster diagram private dutch cause delay private meat slide toddler razor book "
     "happy fancy gospel tennis maple dilemma loan word shrug inflict delay length"},
    {"9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863",
     "panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich "
     "alcohol speed nation flash devote level hobby quick inner drive ghost inside"},
    {"066dca1a2bb7e8a1db2832148ce9933eea0f3ac9548d793112d9a95c9407efad",
     "all hour make first leader extend hole alien behind guard gospel lava "
     "path output census museum junior mass reopen famous sing advance salt reform"},
    {"f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
     "void come effort suffer camp survey warrior heavy shoot primary clutch crush "
     "open amazing screen patrol group space point ten exist slush involve unfold"},
};

static bool refused(const char *text)
{
    struct gx_recovery rec;

    memset(&rec, 0xee, sizeof rec);
    if (gx_words_to_recovery(&rec, text))
        return false;
    assert_true(all_zero(&rec, sizeof rec));
    return true;
}

static void test_official_entropies_give_the_official_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < GX_ARRAY_LEN(official); i++) {
        struct gx_recovery rec;
        char text[GX_WORDS_TEXT_BYTES];

        unhex(rec.b, 32, official[i].entropy);
        gx_words_from_recovery(text, &rec);
        assert_string_equal(text, official[i].words);
    }
}

static void test_official_words_give_the_official_entropies(void **state)
{
    (void)state;
    for (size_t i = 0; i < GX_ARRAY_LEN(official); i++) {
        struct gx_recovery rec, want;

        unhex(want.b, 32, official[i].entropy);
        assert_true(gx_words_to_recovery(&rec, official[i].words));
        assert_memory_equal(rec.b, want.b, 32);
    }
}

static void test_every_secret_survives_the_way_over_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        struct gx_recovery rec, back;
        char text[GX_WORDS_TEXT_BYTES];

        assert_int_equal(crypto_generichash(rec.b, 32, (const uint8_t *)&i, sizeof i, NULL, 0), 0);
        gx_words_from_recovery(text, &rec);
        assert_true(gx_words_to_recovery(&back, text));
        assert_memory_equal(rec.b, back.b, 32);
    }
}

static void test_table_is_the_official_list(void **state)
{
    crypto_hash_sha256_state st;
    uint8_t got[32], want[32];
    (void)state;

    unhex(want, 32, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
    assert_int_equal(crypto_hash_sha256_init(&st), 0);
    for (size_t i = 0; i < GX_ARRAY_LEN(gx_words_english); i++) {
        const char *word = gx_words_english[i];

        assert_int_equal(crypto_hash_sha256_update(&st, (const uint8_t *)word, strlen(word)), 0);
        assert_int_equal(crypto_hash_sha256_update(&st, (const uint8_t *)"\n", 1), 0);
    }
    assert_int_equal(crypto_hash_sha256_final(&st, got), 0);
    assert_memory_equal(got, want, 32);
    assert_int_equal(GX_ARRAY_LEN(gx_words_english), 2048);
}

static void test_longest_words_fill_the_text_buffer_exactly(void **state)
{
    size_t longest = 0;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(gx_words_english); i++)
        if (strlen(gx_words_english[i]) > longest)
            longest = strlen(gx_words_english[i]);
    assert_int_equal(longest, 8);
    assert_int_equal(GX_WORDS_TEXT_BYTES, GX_WORDS_COUNT * longest + (GX_WORDS_COUNT - 1) + 1);
}

/* "absolute" is not in the list, "absorb" and "abstract" are; 23 words of 8 letters need all 216 bytes. */
static void test_words_of_eight_letters_fit_and_come_back(void **state)
{
    struct gx_recovery rec, back;
    char text[GX_WORDS_TEXT_BYTES];
    (void)state;

    /* 7 is "abstract": the 11 bits 00000000111, over and over, as long as they are whole. */
    memset(rec.b, 0, sizeof rec.b);
    for (unsigned word = 0; word < 23; word++)
        for (unsigned bit = 8; bit < 11; bit++)
            rec.b[(11 * word + bit) / 8] |= (uint8_t)(0x80u >> (11 * word + bit) % 8);
    gx_words_from_recovery(text, &rec);
    assert_memory_equal(text, "abstract abstract ", 18);
    assert_in_range(strlen(text), 23 * 9 + 3, GX_WORDS_TEXT_BYTES - 1);
    assert_true(gx_words_to_recovery(&back, text));
    assert_memory_equal(rec.b, back.b, 32);
}

static void test_text_is_zero_behind_the_last_word(void **state)
{
    struct gx_recovery rec = {.b = {0}};
    char text[GX_WORDS_TEXT_BYTES];
    (void)state;

    memset(text, 'x', sizeof text);
    memset(rec.b, 0xff, sizeof rec.b);
    gx_words_from_recovery(text, &rec);
    const size_t n = strlen(text);
    assert_true(all_zero(text + n, sizeof text - n));
}

static void test_runs_of_blanks_and_line_ends_are_accepted(void **state)
{
    char text[600];
    size_t at = 0;
    struct gx_recovery rec, want;
    (void)state;

    at += (size_t)snprintf(text + at, sizeof text - at, " \t\r\n");
    for (const char *p = official[4].words; *p != '\0'; p++)
        at += (size_t)snprintf(text + at, sizeof text - at, *p == ' ' ? " \t\r\n" : "%c", *p);
    snprintf(text + at, sizeof text - at, "  \n");
    unhex(want.b, 32, official[4].entropy);
    assert_true(gx_words_to_recovery(&rec, text));
    assert_memory_equal(rec.b, want.b, 32);
}

static void test_upper_case_is_accepted(void **state)
{
    char text[GX_WORDS_TEXT_BYTES] = "";
    struct gx_recovery rec, want;
    (void)state;

    for (size_t i = 0; official[4].words[i] != '\0'; i++)
        text[i] = (char)(i % 3 == 0 ? toupper((unsigned char)official[4].words[i]) : official[4].words[i]);
    unhex(want.b, 32, official[4].entropy);
    assert_true(gx_words_to_recovery(&rec, text));
    assert_memory_equal(rec.b, want.b, 32);
}

static void test_wrong_last_word_is_refused_by_the_checksum(void **state)
{
    (void)state;
    assert_true(refused("zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo"));
    assert_true(refused("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
                        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"));
}

/* Eight bits of checksum: of the 2,048 last words exactly 8 are right, for any 23 before. */
static void test_one_last_word_in_256_is_right(void **state)
{
    char text[GX_WORDS_TEXT_BYTES];
    unsigned accepted = 0;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(gx_words_english); i++) {
        struct gx_recovery rec;

        snprintf(text, sizeof text, "%s%.8s", "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo "
                 "zoo zoo zoo ", gx_words_english[i]);
        accepted += gx_words_to_recovery(&rec, text);
    }
    assert_int_equal(accepted, 8);
}

static void test_two_words_exchanged_are_refused(void **state)
{
    (void)state;
    /* "hamster" and "diagram" changed places. */
    assert_true(refused("diagram hamster private dutch cause delay private meat slide toddler razor book "
                        "happy fancy gospel tennis maple dilemma loan word shrug inflict delay length"));
}

static void test_words_cut_short_at_any_byte_are_refused(void **state)
{
    (void)state;
    for (size_t v = 0; v < GX_ARRAY_LEN(official); v++) {
        const size_t whole = strlen(official[v].words);
        char text[GX_WORDS_TEXT_BYTES];

        for (size_t n = 0; n < whole; n++) {
            memcpy(text, official[v].words, n);
            text[n] = '\0';
            assert_true(refused(text));
        }
    }
}

static void test_one_word_more_is_refused(void **state)
{
    char text[GX_WORDS_TEXT_BYTES + 16];
    (void)state;

    snprintf(text, sizeof text, "%s zoo", official[3].words);
    assert_true(refused(text));
    snprintf(text, sizeof text, "%s x", official[3].words);
    assert_true(refused(text));
}

static void test_unknown_words_are_refused(void **state)
{
    static const char *const unknown[] = {"guanxi", "zo", "zooo", "abandonabandon", "zoo,", "z\xc3\xb6o", "-", "\x7f", "zoo\v"};
    char text[GX_WORDS_TEXT_BYTES + 16];
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(unknown); i++) {
        snprintf(text, sizeof text, "%s zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
                 unknown[i]);
        assert_true(refused(text));
    }
}

/* Two words run together have at most 16 letters: the reader must not write past its eight. */
static void test_very_long_word_is_refused(void **state)
{
    static char text[100000];
    (void)state;

    memset(text, 'a', sizeof text - 1);
    assert_true(refused(text));
    memset(text, ' ', sizeof text - 1);
    assert_true(refused(text));
    assert_true(refused(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_official_entropies_give_the_official_words),
        cmocka_unit_test(test_official_words_give_the_official_entropies),
        cmocka_unit_test(test_every_secret_survives_the_way_over_words),
        cmocka_unit_test(test_table_is_the_official_list),
        cmocka_unit_test(test_longest_words_fill_the_text_buffer_exactly),
        cmocka_unit_test(test_words_of_eight_letters_fit_and_come_back),
        cmocka_unit_test(test_text_is_zero_behind_the_last_word),
        cmocka_unit_test(test_runs_of_blanks_and_line_ends_are_accepted),
        cmocka_unit_test(test_upper_case_is_accepted),
        cmocka_unit_test(test_wrong_last_word_is_refused_by_the_checksum),
        cmocka_unit_test(test_one_last_word_in_256_is_right),
        cmocka_unit_test(test_two_words_exchanged_are_refused),
        cmocka_unit_test(test_words_cut_short_at_any_byte_are_refused),
        cmocka_unit_test(test_one_word_more_is_refused),
        cmocka_unit_test(test_unknown_words_are_refused),
        cmocka_unit_test(test_very_long_word_is_refused),
    };
    return cmocka_run_group_tests_name("crypto/words", tests, NULL, NULL);
}
