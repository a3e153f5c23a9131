#include "tests/unit/crypto/support.h"

#include "crypto/sign.h"

static struct gx_sign_pk pk;
static struct gx_sign_sk sk;

static int make_keys(void **state)
{
    struct gx_sign_seed seed;
    (void)state;

    run(seed.b, 0x55, sizeof seed.b);
    gx_sign_keypair(&pk, &sk, &seed);
    return 0;
}

static struct gx_span text(const char *s)
{
    return gx_span(s, strlen(s));
}

static void test_signature_holds_for_its_domain_and_message(void **state)
{
    struct gx_sig sig;
    (void)state;

    for (unsigned d = 0; d < GX_DOMAIN_COUNT; d++) {
        gx_sign(&sig, &sk, (enum gx_domain)d, text("hello"));
        assert_true(gx_verify(&pk, (enum gx_domain)d, text("hello"), &sig));
    }
}

/* RFC 8032, 7.1, TEST 2: the key pair of that seed.  A domain always stands before the message, so the RFC's signatures themselves
 * cannot come out of gx_sign; the next test ties that part to plain Ed25519. */
static void test_key_pair_is_the_one_of_rfc_8032(void **state)
{
    struct gx_sign_seed seed;
    struct gx_sign_pk want, got;
    struct gx_sign_sk secret;
    (void)state;

    unhex(seed.b, 32, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    unhex(want.b, 32, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    gx_sign_keypair(&got, &secret, &seed);
    assert_memory_equal(got.b, want.b, 32);
    assert_memory_equal(secret.b, seed.b, 32);
    assert_memory_equal(secret.b + 32, want.b, 32);
}

static void test_what_is_signed_is_the_sixteen_byte_domain_and_the_message(void **state)
{
    static const uint8_t framed[21] = "gx join\0\0\0\0\0\0\0\0\0hello";
    struct gx_sig ours, theirs;
    (void)state;

    gx_sign(&ours, &sk, GX_DOMAIN_JOIN, text("hello"));
    assert_int_equal(crypto_sign_detached(theirs.b, NULL, framed, sizeof framed, sk.b), 0);
    assert_memory_equal(ours.b, theirs.b, 64);
    assert_int_equal(crypto_sign_verify_detached(ours.b, framed, sizeof framed, pk.b), 0);
}

static void test_signature_for_one_domain_is_refused_in_every_other(void **state)
{
    (void)state;

    for (unsigned made = 0; made < GX_DOMAIN_COUNT; made++) {
        struct gx_sig sig;

        gx_sign(&sig, &sk, (enum gx_domain)made, text("hello"));
        for (unsigned shown = 0; shown < GX_DOMAIN_COUNT; shown++)
            assert_int_equal(gx_verify(&pk, (enum gx_domain)shown, text("hello"), &sig), made == shown);
    }
}

/* "gx join" is the beginning of "gx join token": the padding keeps them apart. */
static void test_end_of_a_domain_name_cannot_be_smuggled_into_the_message(void **state)
{
    struct gx_sig sig;
    (void)state;

    gx_sign(&sig, &sk, GX_DOMAIN_JOIN, text(" token"));
    assert_false(gx_verify(&pk, GX_DOMAIN_JOIN_TOKEN, text(""), &sig));
    assert_false(gx_verify(&pk, GX_DOMAIN_JOIN_TOKEN, text(" token"), &sig));
}

static void test_every_domain_is_at_most_sixteen_bytes_and_unlike_the_others(void **state)
{
    static const char *const names[] = {
#define GX_X(name, name_text) name_text,
        GX_DOMAIN_LIST(GX_X)
#undef GX_X
    };
    (void)state;

    assert_int_equal(GX_ARRAY_LEN(names), GX_DOMAIN_COUNT);
    for (size_t i = 0; i < GX_ARRAY_LEN(names); i++) {
        assert_in_range(strlen(names[i]), 4, 16);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
}

static void test_flipped_bit_anywhere_in_a_signature_is_refused(void **state)
{
    struct gx_sig sig;
    (void)state;

    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, text("hello"));
    for (unsigned bit = 0; bit < 512; bit++) {
        sig.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_verify(&pk, GX_DOMAIN_EVENT, text("hello"), &sig));
        sig.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(gx_verify(&pk, GX_DOMAIN_EVENT, text("hello"), &sig));
}

static void test_flipped_bit_in_the_message_or_key_is_refused(void **state)
{
    uint8_t message[24];
    struct gx_sign_pk other = pk;
    struct gx_sig sig;
    (void)state;

    run(message, 0, sizeof message);
    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, gx_span(message, sizeof message));
    for (unsigned bit = 0; bit < 8 * sizeof message; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_verify(&pk, GX_DOMAIN_EVENT, gx_span(message, sizeof message), &sig));
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned bit = 0; bit < 256; bit++) {
        other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_verify(&other, GX_DOMAIN_EVENT, gx_span(message, sizeof message), &sig));
        other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_message_cut_short_or_longer_is_refused(void **state)
{
    uint8_t message[40];
    struct gx_sig sig;
    (void)state;

    run(message, 9, sizeof message);
    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, gx_span(message, 20));
    for (size_t n = 0; n <= sizeof message; n++)
        assert_int_equal(gx_verify(&pk, GX_DOMAIN_EVENT, gx_span(message, n), &sig), n == 20);
}

static void test_empty_message_may_be_null(void **state)
{
    struct gx_sig sig;
    (void)state;

    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, gx_span(NULL, 0));
    assert_true(gx_verify(&pk, GX_DOMAIN_EVENT, gx_span(NULL, 0), &sig));
    assert_true(gx_verify(&pk, GX_DOMAIN_EVENT, text(""), &sig));
    assert_false(gx_verify(&pk, GX_DOMAIN_EVENT, text("x"), &sig));
}

static void test_longest_message_is_signed_and_a_longer_one_only_refused(void **state)
{
    static uint8_t message[GX_SIGN_MSG_MAX + 1];
    struct gx_sig sig;
    (void)state;

    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, gx_span(message, GX_SIGN_MSG_MAX));
    assert_true(gx_verify(&pk, GX_DOMAIN_EVENT, gx_span(message, GX_SIGN_MSG_MAX), &sig));
    /* A stranger's length does not abort the node. */
    assert_false(gx_verify(&pk, GX_DOMAIN_EVENT, gx_span(message, GX_SIGN_MSG_MAX + 1), &sig));
    assert_false(gx_verify(&pk, GX_DOMAIN_EVENT, gx_span(message, SIZE_MAX), &sig));
}

static void sign_too_much(void)
{
    static const uint8_t message[GX_SIGN_MSG_MAX + 1];
    struct gx_sig sig;

    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, gx_span(message, sizeof message));
}

static void sign_for_no_domain(void)
{
    struct gx_sig sig;

    gx_sign(&sig, &sk, GX_DOMAIN_COUNT, gx_span(NULL, 0));
}

static void test_signing_too_much_or_for_no_domain_is_our_mistake_and_stops_the_program(void **state)
{
    (void)state;
    assert_true(aborts(sign_too_much));
    assert_true(aborts(sign_for_no_domain));
}

/* S + L signs the same bytes as S for a careless verifier: then one event could have two signatures, made by anybody. */
static void test_signature_with_the_group_order_added_is_refused(void **state)
{
    uint8_t order[32];
    struct gx_sig sig;
    (void)state;

    unhex(order, 32, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, text("hello"));
    sodium_add(sig.b + 32, order, sizeof order);
    assert_false(gx_verify(&pk, GX_DOMAIN_EVENT, text("hello"), &sig));
}

/* Under the neutral element as a key, R = S B with any S verifies every message if nobody looks at the key. */
static void test_small_order_public_key_is_refused(void **state)
{
    static const char *const small[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    };
    struct gx_sig sig;
    uint8_t s[32] = {1};
    (void)state;

    assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(sig.b, s), 0);
    memcpy(sig.b + 32, s, sizeof s);
    for (size_t i = 0; i < GX_ARRAY_LEN(small); i++) {
        struct gx_sign_pk key;

        unhex(key.b, 32, small[i]);
        assert_false(gx_verify(&key, GX_DOMAIN_EVENT, text("hello"), &sig));
        assert_false(gx_verify(&key, GX_DOMAIN_EVENT, text("anything"), &sig));
    }
}

static void test_the_same_message_is_signed_with_the_same_bytes(void **state)
{
    struct gx_sig a, b;
    (void)state;

    gx_sign(&a, &sk, GX_DOMAIN_CARD, text("hello"));
    gx_sign(&b, &sk, GX_DOMAIN_CARD, text("hello"));
    assert_memory_equal(a.b, b.b, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature_holds_for_its_domain_and_message),
        cmocka_unit_test(test_key_pair_is_the_one_of_rfc_8032),
        cmocka_unit_test(test_what_is_signed_is_the_sixteen_byte_domain_and_the_message),
        cmocka_unit_test(test_signature_for_one_domain_is_refused_in_every_other),
        cmocka_unit_test(test_end_of_a_domain_name_cannot_be_smuggled_into_the_message),
        cmocka_unit_test(test_every_domain_is_at_most_sixteen_bytes_and_unlike_the_others),
        cmocka_unit_test(test_flipped_bit_anywhere_in_a_signature_is_refused),
        cmocka_unit_test(test_flipped_bit_in_the_message_or_key_is_refused),
        cmocka_unit_test(test_message_cut_short_or_longer_is_refused),
        cmocka_unit_test(test_empty_message_may_be_null),
        cmocka_unit_test(test_longest_message_is_signed_and_a_longer_one_only_refused),
        cmocka_unit_test(test_signing_too_much_or_for_no_domain_is_our_mistake_and_stops_the_program),
        cmocka_unit_test(test_signature_with_the_group_order_added_is_refused),
        cmocka_unit_test(test_small_order_public_key_is_refused),
        cmocka_unit_test(test_the_same_message_is_signed_with_the_same_bytes),
    };
    return cmocka_run_group_tests_name("crypto/sign", tests, make_keys, NULL);
}
