#include "tests/unit/crypto/support.h"

#include "crypto/near.h"
#include "crypto/rng.h"

static struct gx_rng_stream rng;
static struct gx_near_secret s;
static struct gx_near_code code, other_code;

static int make(void **state)
{
    uint8_t stream[32];
    (void)state;

    run(stream, 0x77, 32);
    gx_rng_stream_init(&rng, stream);
    run(s.b, 0x35, 32);
    memcpy(code.digits, "482913", sizeof code.digits);
    memcpy(other_code.digits, "482914", sizeof code.digits);
    return 0;
}

static void test_a_code_is_six_digits_and_all_are_met(void **state)
{
    unsigned count[GX_NEAR_DIGITS][10] = {{0}};
    struct gx_near_code made;
    (void)state;

    for (size_t n = 0; n < 10000; n++) {
        gx_near_code_make(&made, &rng.rng);
        for (size_t i = 0; i < GX_NEAR_DIGITS; i++) {
            assert_in_range(made.digits[i], '0', '9');
            count[i][made.digits[i] - '0']++;
        }
    }
    for (size_t i = 0; i < GX_NEAR_DIGITS; i++)
        for (size_t d = 0; d < 10; d++)
            assert_in_range(count[i][d], 800, 1200);
}

static void test_both_sides_come_to_the_same_keys_by_the_same_code(void **state)
{
    struct gx_near_scalar x;
    struct gx_near_point a, b, told;
    struct gx_near_keys joiner, inviter;
    uint8_t plain[GX_NEAR_PLAIN_BYTES], read[GX_NEAR_PLAIN_BYTES], sealed[GX_NEAR_SEALED_BYTES];
    (void)state;

    gx_near_ask(&x, &a, &code, &rng.rng);
    assert_true(gx_near_reply(&told, &s, &code, &a));
    assert_true(gx_near_joiner_keys(&joiner, &x, &a, &told));
    assert_true(gx_near_inviter_keys(&inviter, &b, &s, &code, &a));
    assert_memory_equal(&told, &b, sizeof b);
    assert_memory_equal(&joiner, &inviter, sizeof joiner);
    assert_memory_not_equal(joiner.proof.b, joiner.gift, 32);
    run(plain, 1, sizeof plain);
    gx_near_seal(sealed, &inviter, plain);
    assert_true(gx_near_open(read, &joiner, sealed));
    assert_memory_equal(read, plain, sizeof plain);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        assert_false(gx_near_open(read, &joiner, sealed));
        sealed[i] ^= 1;
    }
}

static void test_another_code_gives_other_keys(void **state)
{
    struct gx_near_scalar x;
    struct gx_near_point a, b;
    struct gx_near_keys joiner, inviter;
    (void)state;

    gx_near_ask(&x, &a, &other_code, &rng.rng);
    assert_true(gx_near_inviter_keys(&inviter, &b, &s, &code, &a));
    assert_true(gx_near_joiner_keys(&joiner, &x, &a, &b));
    assert_memory_not_equal(joiner.proof.b, inviter.proof.b, 32);
    assert_memory_not_equal(joiner.gift, inviter.gift, 32);
}

/* Who has heard an exchange, and knows the code afterwards, has none of its secrets; and who was the inviter in one exchange cannot play the other. */
static void test_the_keys_of_an_exchange_hang_on_both_points_and_on_their_places(void **state)
{
    struct gx_near_scalar x, z;
    struct gx_near_point a, b, c;
    struct gx_near_keys keys, others, turned;
    (void)state;

    gx_near_ask(&x, &a, &code, &rng.rng);
    gx_near_ask(&z, &c, &code, &rng.rng);
    assert_true(gx_near_inviter_keys(&keys, &b, &s, &code, &a));
    assert_true(gx_near_joiner_keys(&others, &z, &a, &b));
    assert_memory_not_equal(keys.proof.b, others.proof.b, 32);
    /* x·B by who says that B asked and A answered. */
    assert_true(gx_near_joiner_keys(&turned, &x, &b, &a));
    assert_memory_not_equal(keys.proof.b, turned.proof.b, 32);
}

static void test_who_asks_again_is_answered_the_same_and_who_asks_otherwise_by_another_secret(void **state)
{
    struct gx_near_scalar x;
    struct gx_near_point a[2], b[4];
    struct gx_near_secret other = s;
    (void)state;

    gx_near_ask(&x, &a[0], &code, &rng.rng);
    gx_near_ask(&x, &a[1], &code, &rng.rng);
    other.b[31] ^= 1;
    assert_true(gx_near_reply(&b[0], &s, &code, &a[0]));
    assert_true(gx_near_reply(&b[1], &s, &code, &a[0]));
    assert_true(gx_near_reply(&b[2], &s, &code, &a[1]));
    assert_true(gx_near_reply(&b[3], &other, &code, &a[0]));
    assert_memory_equal(&b[0], &b[1], sizeof b[0]);
    assert_memory_not_equal(&b[0], &b[2], sizeof b[0]);
    assert_memory_not_equal(&b[0], &b[3], sizeof b[0]);
}

/* The identity; those that RFC 9496 A.2 lists: a field element written otherwise, negative ones, none of the curve. */
static void test_what_is_no_point_or_the_identity_is_refused_on_both_sides(void **state)
{
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct gx_near_scalar x;
    struct gx_near_point a, b, p;
    struct gx_near_keys keys;
    (void)state;

    gx_near_ask(&x, &a, &code, &rng.rng);
    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++) {
        unhex(p.b, 32, bad[i]);
        assert_false(gx_near_reply(&b, &s, &code, &p));
        assert_true(all_zero(&b, sizeof b));
        assert_false(gx_near_inviter_keys(&keys, &b, &s, &code, &p));
        assert_false(gx_near_joiner_keys(&keys, &x, &a, &p));
        assert_true(all_zero(&keys, sizeof keys));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_code_is_six_digits_and_all_are_met),
        cmocka_unit_test(test_both_sides_come_to_the_same_keys_by_the_same_code),
        cmocka_unit_test(test_another_code_gives_other_keys),
        cmocka_unit_test(test_the_keys_of_an_exchange_hang_on_both_points_and_on_their_places),
        cmocka_unit_test(test_who_asks_again_is_answered_the_same_and_who_asks_otherwise_by_another_secret),
        cmocka_unit_test(test_what_is_no_point_or_the_identity_is_refused_on_both_sides),
    };
    return cmocka_run_group_tests_name("crypto/near", tests, make, NULL);
}
