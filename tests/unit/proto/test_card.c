#include "tests/unit/proto/story.h"

#include "crypto/hash.h"

#define CARD_BYTES_PLAIN 153u
#define CARD_BYTES_HINT 160u

static size_t encoded(uint8_t out[GX_TOKEN_BYTES_MAX], bool hint)
{
    struct gx_card_code code = story_card(hint);
    struct gx_wr w = gx_wr(out, GX_TOKEN_BYTES_MAX);

    gx_card_encode(&w, &code);
    assert_false(w.failed);
    return w.n;
}

/* A good check behind what was changed. */
static void check_again(uint8_t *bytes, size_t n)
{
    uint8_t full[32];

    gx_hash(full, "gx-token-check", gx_span(bytes, n - 4));
    memcpy(bytes + n - 4, full, 4);
}

static void test_a_card_is_153_bytes_and_160_with_an_address(void **state)
{
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    char text[GX_TOKEN_TEXT_MAX];
    struct gx_card_code code = story_card(true);
    (void)state;

    assert_int_equal(encoded(bytes, false), CARD_BYTES_PLAIN);
    assert_int_equal(encoded(bytes, true), CARD_BYTES_HINT);
    gx_card_format(text, &code);
    assert_int_equal(strlen(text), 4 + 256);        /* QR version 8-L holds 279 characters of this kind */
}

static void test_a_card_goes_there_and_back_in_bytes_and_text(void **state)
{
    (void)state;
    for (int hint = 0; hint < 2; hint++) {
        struct gx_card_code want = story_card(hint), got[2];
        uint8_t bytes[GX_TOKEN_BYTES_MAX];
        char text[GX_TOKEN_TEXT_MAX];
        size_t n = encoded(bytes, hint);
        gx_card_format(text, &want);
        assert_int_equal(gx_card_decode(&got[0], gx_span(bytes, n)), GX_OK);
        assert_int_equal(gx_card_parse(&got[1], text), GX_OK);
        for (size_t i = 0; i < 2; i++) {
            assert_memory_equal(got[i].card.id.b, want.card.id.b, 32);
            assert_memory_equal(got[i].card.key.b, want.card.key.b, 32);
            assert_int_equal(got[i].card.serial, 0x01020304);
            assert_memory_equal(got[i].card.sig.b, want.card.sig.b, 64);
            assert_memory_equal(got[i].seed.b, want.seed.b, 16);
            assert_true(gx_addr_equal(&got[i].hint, &want.hint));
        }
    }
}

static void test_every_truncation_and_a_byte_too_many_are_refused(void **state)
{
    struct tally tally = {0};
    unsigned tried = 0;
    (void)state;

    for (int hint = 0; hint < 2; hint++) {
        uint8_t bytes[GX_TOKEN_BYTES_MAX];
        size_t whole = encoded(bytes, hint);
        for (size_t n = 0; n <= whole + 1; n++) {
            struct gx_card_code code;
            if (n == whole)
                continue;
            uint8_t *exact = test_calloc(1, n + 1);
            memcpy(exact, bytes, n < whole ? n : whole);
            tally.by_err[gx_card_decode(&code, gx_span(exact, n))]++;
            test_free(exact);
            tried++;
        }
    }
    tally_print(&tally, "truncated and overlong cards", tried);
    assert_int_equal(tally_refused(&tally), tried);
}

static void test_every_flipped_bit_is_refused(void **state)
{
    struct tally tally = {0};
    unsigned tried = 0;
    (void)state;

    for (int hint = 0; hint < 2; hint++) {
        uint8_t bytes[GX_TOKEN_BYTES_MAX];
        size_t n = encoded(bytes, hint);
        for (size_t bit = 0; bit < 8 * n; bit++, tried++) {
            struct gx_card_code code;
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            tally.by_err[gx_card_decode(&code, gx_span(bytes, n))]++;
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    tally_print(&tally, "flipped bits of cards", tried);
    assert_int_equal(tally_refused(&tally), tried);
    assert_int_equal(tally.by_err[GX_E_SIGNATURE], tried - 16);        /* the other 16 are bits of the kind */
}

/* Whoever makes a code of their own can make its check as well. */
static void test_behind_a_good_check_the_identitys_own_signature_is_looked_at(void **state)
{
    struct gx_card_code code, zero = {.card.serial = 0};
    unsigned refused = 0;
    (void)state;

    for (size_t bit = 8; bit < 8 * (1 + 132); bit++) {
        uint8_t bytes[GX_TOKEN_BYTES_MAX];
        size_t n = encoded(bytes, false);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        check_again(bytes, n);
        refused += gx_card_decode(&code, gx_span(bytes, n)) == GX_E_SIGNATURE;
        assert_memory_equal(&code.seed, &zero.seed, sizeof zero.seed);        /* the secret is not left behind */
    }
    assert_int_equal(refused, 8 * 132);
}

/* Signed by their own identity even so: a reveal made with it would be everybody's. */
static void test_a_key_that_x25519_refuses_is_malformed(void **state)
{
    struct gx_card_code code;
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    size_t n = encoded(bytes, false);
    (void)state;

    memset(bytes + 33, 0, 32);
    check_again(bytes, n);
    assert_int_equal(gx_card_decode(&code, gx_span(bytes, n)), GX_E_MALFORMED);
}

static void test_a_hint_must_be_ipv4_with_a_port(void **state)
{
    static const uint8_t wrong[][7] = {{6, 192, 0, 2, 7, 1, 0}, {0, 192, 0, 2, 7, 1, 0}, {4, 192, 0, 2, 7, 0, 0}};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(wrong); i++) {
        uint8_t bytes[GX_TOKEN_BYTES_MAX];
        struct gx_card_code code;
        size_t n = encoded(bytes, true);
        memcpy(bytes + CARD_BYTES_PLAIN - 4, wrong[i], 7);
        check_again(bytes, n);
        assert_int_equal(gx_card_decode(&code, gx_span(bytes, n)), GX_E_MALFORMED);
    }
}

/* The seed and the hint are nobody's to sign: a card whose door moved is the same card. */
static void test_seed_and_hint_are_outside_the_signature(void **state)
{
    struct gx_card_code code = story_card(true), got;
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    code.seed.b[0] ^= 1;
    code.hint.port = 1;
    gx_card_encode(&w, &code);
    assert_int_equal(gx_card_decode(&got, gx_wr_span(&w)), GX_OK);
    assert_int_equal(got.hint.port, 1);
}

static void test_a_code_tells_whether_it_is_an_invitation_or_a_card(void **state)
{
    struct gx_token token = story_token(story(), true);
    struct gx_card_code card = story_card(true);
    char token_text[GX_TOKEN_TEXT_MAX], card_text[GX_TOKEN_TEXT_MAX], padded[GX_TOKEN_TEXT_MAX + 8];
    (void)state;

    gx_token_format(token_text, &token);
    gx_card_format(card_text, &card);
    assert_int_equal(gx_code_kind(token_text), GX_TOKEN_KIND_INVITE);
    assert_int_equal(gx_code_kind(card_text), GX_TOKEN_KIND_CARD);
    snprintf(padded, sizeof padded, " \n%s\t", card_text);
    assert_int_equal(gx_code_kind(padded), GX_TOKEN_KIND_CARD);
    /* Whoever does not ask first is told of a version, as by any other kind. */
    assert_int_equal(gx_token_parse(&token, card_text), GX_E_VERSION);
    assert_int_equal(gx_card_parse(&card, token_text), GX_E_VERSION);
}

static void test_what_is_no_code_is_of_no_kind(void **state)
{
    static const char *const none[] = {"",        " ",      "GX1:",   "GX1:AA", "GX1:AM", "GX2:AI", "gx1:AI", "GX1:ai",
                                       "GX1:AI=", "GX1:A1", "GX1:AJ", "GX1:A",  "AI",     "<GX1:AI>"};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(none); i++)
        if (gx_code_kind(none[i]) != 0)
            fail_msg("%s", none[i]);
    assert_int_equal(gx_code_kind("GX1:AE"), GX_TOKEN_KIND_INVITE);        /* and nothing of what it says was looked at */
    assert_int_equal(gx_code_kind("GX1:AI"), GX_TOKEN_KIND_CARD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_card_is_153_bytes_and_160_with_an_address),
        cmocka_unit_test(test_a_card_goes_there_and_back_in_bytes_and_text),
        cmocka_unit_test(test_every_truncation_and_a_byte_too_many_are_refused),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_behind_a_good_check_the_identitys_own_signature_is_looked_at),
        cmocka_unit_test(test_a_key_that_x25519_refuses_is_malformed),
        cmocka_unit_test(test_a_hint_must_be_ipv4_with_a_port),
        cmocka_unit_test(test_seed_and_hint_are_outside_the_signature),
        cmocka_unit_test(test_a_code_tells_whether_it_is_an_invitation_or_a_card),
        cmocka_unit_test(test_what_is_no_code_is_of_no_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
