#include "tests/unit/proto/story.h"

#include "crypto/hash.h"

static size_t encoded(uint8_t out[GX_TOKEN_BYTES_MAX], bool hint)
{
    struct gx_token token = story_token(story(), hint);
    struct gx_wr w = gx_wr(out, GX_TOKEN_BYTES_MAX);

    gx_token_encode(&w, &token);
    assert_false(w.failed);
    return w.n;
}

static void test_a_token_is_121_bytes_and_128_with_an_address(void **state)
{
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    char text[GX_TOKEN_TEXT_MAX];
    struct gx_token token = story_token(story(), true);
    (void)state;

    assert_int_equal(encoded(bytes, false), 121);
    assert_int_equal(encoded(bytes, true), 128);
    gx_token_format(text, &token);
    assert_int_equal(strlen(text), 4 + 205);        /* QR version 7-L holds 224 characters of this kind */
}

static void test_a_token_goes_there_and_back(void **state)
{
    (void)state;
    for (int hint = 0; hint < 2; hint++) {
        struct gx_token want = story_token(story(), hint), got;
        uint8_t bytes[GX_TOKEN_BYTES_MAX];
        size_t n = encoded(bytes, hint);
        assert_int_equal(gx_token_decode(&got, gx_span(bytes, n)), GX_OK);
        assert_memory_equal(got.group16, want.group16, 16);
        assert_memory_equal(got.issuer, want.issuer, 8);
        assert_memory_equal(got.as_of, want.as_of, 8);
        assert_memory_equal(got.seed.b, want.seed.b, 16);
        assert_memory_equal(got.sig.b, want.sig.b, 64);
        assert_int_equal(got.expires_min, STORY_EXPIRES_MIN);
        assert_int_equal(got.uses, 3);
        assert_true(gx_addr_equal(&got.hint, &want.hint));
    }
}

static void test_the_text_form_goes_there_and_back(void **state)
{
    (void)state;
    for (int hint = 0; hint < 2; hint++) {
        struct gx_token want = story_token(story(), hint), got;
        char text[GX_TOKEN_TEXT_MAX], again[GX_TOKEN_TEXT_MAX];
        gx_token_format(text, &want);
        assert_memory_equal(text, "GX1:", 4);
        assert_int_equal(strspn(text + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), strlen(text + 4));
        assert_int_equal(gx_token_parse(&got, text), GX_OK);
        gx_token_format(again, &got);
        assert_string_equal(again, text);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    struct tally tally = {0};
    unsigned tried = 0;
    (void)state;

    for (int hint = 0; hint < 2; hint++) {
        uint8_t bytes[GX_TOKEN_BYTES_MAX];
        size_t whole = encoded(bytes, hint);
        for (size_t n = 0; n < whole; n++, tried++) {
            struct gx_token token;
            uint8_t *exact = test_malloc(n + 1);
            memcpy(exact, bytes, n);
            tally.by_err[gx_token_decode(&token, gx_span(exact, n))]++;
            test_free(exact);
        }
    }
    tally_print(&tally, "truncations of tokens", tried);
    assert_int_equal(tally_refused(&tally), tried);
    assert_int_equal(tried, 121 + 128);
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
            struct gx_token token;
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            tally.by_err[gx_token_decode(&token, gx_span(bytes, n))]++;
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    tally_print(&tally, "flipped bits of tokens", tried);
    assert_int_equal(tally_refused(&tally), tried);
    assert_int_equal(tried, 8 * (121 + 128));
    assert_true(tally.by_err[GX_E_SIGNATURE] >= 8 * (120 + 127));
}

/* Somebody types it over: each character changed into each of the 94 others that can be typed. */
static void test_every_changed_character_of_the_text_is_refused(void **state)
{
    struct tally tally = {0};
    unsigned tried = 0;
    (void)state;

    for (int hint = 0; hint < 2; hint++) {
        struct gx_token token = story_token(story(), hint);
        char text[GX_TOKEN_TEXT_MAX];
        gx_token_format(text, &token);
        for (size_t i = 0; text[i] != 0; i++) {
            const char was = text[i];
            for (char c = '!'; c <= '~'; c++) {
                if (c == was)
                    continue;
                text[i] = c;
                tally.by_err[gx_token_parse(&token, text)]++;
                tried++;
            }
            text[i] = was;
        }
    }
    tally_print(&tally, "changed characters of tokens", tried);
    assert_int_equal(tally_refused(&tally), tried);
    assert_true(tally.by_err[GX_E_SIGNATURE] > 31 * 350 && tally.by_err[GX_E_MALFORMED] > 0 && tally.by_err[GX_E_VERSION] > 0);
}

static void test_every_truncation_of_the_text_is_refused(void **state)
{
    struct gx_token token = story_token(story(), true);
    char text[GX_TOKEN_TEXT_MAX];
    struct tally tally = {0};
    (void)state;

    gx_token_format(text, &token);
    size_t whole = strlen(text);
    for (size_t n = whole; n-- > 0;) {
        text[n] = 0;
        tally.by_err[gx_token_parse(&token, text)]++;
    }
    tally_print(&tally, "truncations of the text", (unsigned)whole);
    assert_int_equal(tally_refused(&tally), whole);
}

/* A paste brings blanks and line ends along; inside, they are a mistake. */
static void test_white_space_around_the_text_is_dropped_and_nothing_else(void **state)
{
    struct gx_token token = story_token(story(), true);
    char text[GX_TOKEN_TEXT_MAX], padded[GX_TOKEN_TEXT_MAX + 32];
    (void)state;

    gx_token_format(text, &token);
    snprintf(padded, sizeof padded, " \t\r\n\v\f%s\n\r\t ", text);
    assert_int_equal(gx_token_parse(&token, padded), GX_OK);
    snprintf(padded, sizeof padded, "%.100s %s", text, text + 100);
    assert_int_equal(gx_token_parse(&token, padded), GX_E_MALFORMED);
    snprintf(padded, sizeof padded, "%.100s\n%s", text, text + 100);
    assert_int_equal(gx_token_parse(&token, padded), GX_E_MALFORMED);
    snprintf(padded, sizeof padded, "<%s>", text);
    assert_int_equal(gx_token_parse(&token, padded), GX_E_MALFORMED);
    snprintf(padded, sizeof padded, "%s=", text);
    assert_int_equal(gx_token_parse(&token, padded), GX_E_MALFORMED);
    snprintf(padded, sizeof padded, "%sA", text);
    assert_int_equal(gx_token_parse(&token, padded), GX_E_MALFORMED);
    snprintf(padded, sizeof padded, "%sAA", text);
    assert_int_equal(gx_token_parse(&token, padded), GX_E_MALFORMED);
}

static void test_lower_case_and_other_prefixes_are_refused_by_name(void **state)
{
    static const struct {
        const char *text;
        enum gx_err want;
    } cases[] = {
        {"", GX_E_MALFORMED},     {" ", GX_E_MALFORMED},       {"GX", GX_E_MALFORMED},    {"GX1", GX_E_MALFORMED},
        {"GX1:", GX_E_MALFORMED}, {"GX1;AE", GX_E_MALFORMED},  {"gx1:AE", GX_E_MALFORMED}, {"GX2:AE", GX_E_VERSION},
        {"GX0:", GX_E_VERSION},   {"GXA:AE", GX_E_MALFORMED},  {"http://example.org", GX_E_MALFORMED},
        {"GX1:ae", GX_E_MALFORMED}, {"GX1:AA", GX_E_MALFORMED}, {"GX1:AI", GX_E_VERSION}, {"GX1:A1", GX_E_MALFORMED},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        struct gx_token token;
        enum gx_err err = gx_token_parse(&token, cases[i].text);
        if (err != cases[i].want)
            fail_msg("%s: %s", cases[i].text, gx_err_name(err));
    }
}

/* 205 characters carry 1,025 bits: the last one must be zero, else two texts would be one token. */
static void test_bits_left_over_must_be_zero(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    (void)state;

    for (int hint = 0; hint < 2; hint++) {
        struct gx_token token = story_token(story(), hint);
        char text[GX_TOKEN_TEXT_MAX];
        gx_token_format(text, &token);
        char *last = text + strlen(text) - 1;
        size_t value = (size_t)(strchr(digits, *last) - digits), left = hint ? 1 : 2;
        assert_int_equal(value % (1u << left), 0);
        for (size_t extra = 1; extra < 1u << left; extra++) {
            *last = digits[value + extra];
            assert_int_equal(gx_token_parse(&token, text), GX_E_MALFORMED);
        }
    }
}

static void test_a_very_long_text_is_refused(void **state)
{
    static char text[100000];
    struct gx_token token;
    (void)state;

    memset(text, 'A', sizeof text - 1);
    memcpy(text, "GX1:", 4);
    assert_int_equal(gx_token_parse(&token, text), GX_E_MALFORMED);
    memset(text, ' ', sizeof text - 1);
    assert_int_equal(gx_token_parse(&token, text), GX_E_MALFORMED);
}

/* A place to go to that nobody could go to, behind a good check. */
static void test_a_hint_must_be_ipv4_with_a_port(void **state)
{
    static const uint8_t wrong[][7] = {{6, 192, 0, 2, 7, 1, 0}, {0, 192, 0, 2, 7, 1, 0}, {4, 192, 0, 2, 7, 0, 0}};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(wrong); i++) {
        uint8_t bytes[GX_TOKEN_BYTES_MAX], full[32];
        struct gx_token token, zero = {.uses = 0};
        encoded(bytes, true);
        memcpy(bytes + 117, wrong[i], 7);
        gx_hash(full, "gx-token-check", gx_span(bytes, 124));
        memcpy(bytes + 124, full, 4);
        assert_int_equal(gx_token_decode(&token, gx_span(bytes, 128)), GX_E_MALFORMED);
        assert_memory_equal(&token.seed, &zero.seed, sizeof zero.seed);        /* the secret is not left behind */
    }
}

static void test_the_signature_binds_group_key_expiry_and_uses(void **state)
{
    const struct story *s = story();
    struct gx_token token = story_token(s, true), changed;
    struct gx_group_id group = s->group;
    struct gx_sign_pk pk = s->keys.pk;
    uint8_t b[GX_TOKEN_SIGNED_BYTES];
    (void)state;

    gx_token_signed_bytes(b, &token, &group, &pk);
    assert_true(gx_verify(&s->alice.device_pk, GX_DOMAIN_TOKEN, gx_span(b, sizeof b), &token.sig));
    group.b[31] ^= 1;
    gx_token_signed_bytes(b, &token, &group, &pk);
    assert_false(gx_verify(&s->alice.device_pk, GX_DOMAIN_TOKEN, gx_span(b, sizeof b), &token.sig));
    pk.b[0] ^= 1;
    gx_token_signed_bytes(b, &token, &s->group, &pk);
    assert_false(gx_verify(&s->alice.device_pk, GX_DOMAIN_TOKEN, gx_span(b, sizeof b), &token.sig));
    changed = token;
    changed.expires_min++;
    gx_token_signed_bytes(b, &changed, &s->group, &s->keys.pk);
    assert_false(gx_verify(&s->alice.device_pk, GX_DOMAIN_TOKEN, gx_span(b, sizeof b), &token.sig));
    changed = token;
    changed.uses = 0;
    gx_token_signed_bytes(b, &changed, &s->group, &s->keys.pk);
    assert_false(gx_verify(&s->alice.device_pk, GX_DOMAIN_TOKEN, gx_span(b, sizeof b), &token.sig));
    /* Whoever passes the code on may put another address on it: it is a hint. */
    changed = token;
    changed.hint.port = 1;
    gx_token_signed_bytes(b, &changed, &s->group, &s->keys.pk);
    assert_true(gx_verify(&s->alice.device_pk, GX_DOMAIN_TOKEN, gx_span(b, sizeof b), &token.sig));
}

/* Who reads what the issuer signed learns nothing of the secret. */
static void test_the_signed_bytes_do_not_hold_the_seed(void **state)
{
    struct gx_token token = story_token(story(), true);
    uint8_t b[GX_TOKEN_SIGNED_BYTES];
    (void)state;

    gx_token_signed_bytes(b, &token, &story()->group, &story()->keys.pk);
    assert_null(memmem(b, sizeof b, token.seed.b, sizeof token.seed.b));
}

static void test_expiry_is_rounded_up_to_minutes_and_kept_in_24_bits(void **state)
{
    (void)state;
    assert_int_equal(gx_token_expiry_min(0), 0);
    assert_int_equal(gx_token_expiry_min(GX_TOKEN_EPOCH_MS), 0);
    assert_int_equal(gx_token_expiry_min(GX_TOKEN_EPOCH_MS + 1), 1);
    assert_int_equal(gx_token_expiry_min(GX_TOKEN_EPOCH_MS + 60000), 1);
    assert_int_equal(gx_token_expiry_min(GX_TOKEN_EPOCH_MS + 60001), 2);
    assert_int_equal(gx_token_expiry_min(UINT64_MAX), 0xffffff);
    assert_int_equal(gx_token_expiry_ms(0), GX_TOKEN_EPOCH_MS);
    assert_int_equal(gx_token_expiry_ms(0xffffff), GX_TOKEN_EPOCH_MS + 0xffffffull * 60000);
    assert_int_equal(gx_token_expiry_min(STORY_WALL_MS + GX_TOKEN_EXPIRES_DEFAULT_MS), STORY_EXPIRES_MIN);
}

static void test_a_token_is_good_until_its_minute_and_no_longer(void **state)
{
    const uint64_t end = gx_token_expiry_ms(STORY_EXPIRES_MIN);
    (void)state;

    assert_false(gx_token_expired(STORY_EXPIRES_MIN, (struct gx_time){.wall_ms = 0}));
    assert_false(gx_token_expired(STORY_EXPIRES_MIN, (struct gx_time){.wall_ms = end - 1, .mono_ms = UINT64_MAX}));
    assert_true(gx_token_expired(STORY_EXPIRES_MIN, (struct gx_time){.wall_ms = end}));
    assert_true(gx_token_expired(STORY_EXPIRES_MIN, (struct gx_time){.wall_ms = UINT64_MAX}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_121_bytes_and_128_with_an_address),
        cmocka_unit_test(test_a_token_goes_there_and_back),
        cmocka_unit_test(test_the_text_form_goes_there_and_back),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_every_changed_character_of_the_text_is_refused),
        cmocka_unit_test(test_every_truncation_of_the_text_is_refused),
        cmocka_unit_test(test_white_space_around_the_text_is_dropped_and_nothing_else),
        cmocka_unit_test(test_lower_case_and_other_prefixes_are_refused_by_name),
        cmocka_unit_test(test_bits_left_over_must_be_zero),
        cmocka_unit_test(test_a_very_long_text_is_refused),
        cmocka_unit_test(test_a_hint_must_be_ipv4_with_a_port),
        cmocka_unit_test(test_the_signature_binds_group_key_expiry_and_uses),
        cmocka_unit_test(test_the_signed_bytes_do_not_hold_the_seed),
        cmocka_unit_test(test_expiry_is_rounded_up_to_minutes_and_kept_in_24_bits),
        cmocka_unit_test(test_a_token_is_good_until_its_minute_and_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
