#include "tests/unit/crypto/support.h"

#include "crypto/hash.h"
#include "crypto/invite.h"
#include "crypto/member.h"
#include "crypto/sign.h"

static struct gx_token_seed seed;
static uint8_t group16[16];
static struct gx_token_keys keys;

static int make_token(void **state)
{
    (void)state;
    run(seed.b, 0xc0, sizeof seed.b);
    run(group16, 0xd0, sizeof group16);
    gx_token_keys_make(&keys, &seed, group16);
    return 0;
}

static void test_who_scanned_the_code_can_prove_it_without_showing_the_seed(void **state)
{
    struct gx_token_keys scanned;
    struct gx_sig proof;
    (void)state;

    gx_token_keys_make(&scanned, &seed, group16);
    gx_sign(&proof, &scanned.sk, GX_DOMAIN_JOIN_TOKEN, gx_span("challenge", 9));
    assert_true(gx_verify(&keys.pk, GX_DOMAIN_JOIN_TOKEN, gx_span("challenge", 9), &proof));
}

static void test_token_key_is_the_ed25519_key_of_seed_and_group(void **state)
{
    uint8_t t[32], pk[32], sk[64];
    (void)state;

    gx_hash_keyed(t, "gx-token-sign", gx_span(seed.b, 16), gx_span(group16, 16));
    assert_int_equal(crypto_sign_seed_keypair(pk, sk, t), 0);
    assert_memory_equal(keys.pk.b, pk, 32);
    assert_memory_equal(keys.sk.b, sk, 64);
}

static void test_members_key_is_another_hash_of_the_same_seed(void **state)
{
    uint8_t bk[32];
    (void)state;

    gx_hash_keyed(bk, "gx-invite-lan", gx_span(seed.b, 16), gx_span(group16, 16));
    assert_memory_equal(keys.lan.b, bk, 32);
    /* Every member holds bk: nothing of the token's own secret may stand in it. */
    assert_memory_not_equal(keys.lan.b, keys.sk.b, 32);
}

static void test_the_same_seed_in_another_group_is_another_token(void **state)
{
    struct gx_token_keys other;
    (void)state;

    for (unsigned bit = 0; bit < 128; bit++) {
        group16[bit / 8] ^= (uint8_t)(1u << bit % 8);
        gx_token_keys_make(&other, &seed, group16);
        assert_memory_not_equal(other.pk.b, keys.pk.b, 32);
        assert_memory_not_equal(other.lan.b, keys.lan.b, 32);
        group16[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_every_bit_of_the_seed_counts(void **state)
{
    struct gx_token_keys other;
    (void)state;

    for (unsigned bit = 0; bit < 128; bit++) {
        struct gx_token_seed flipped = seed;

        flipped.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        gx_token_keys_make(&other, &flipped, group16);
        assert_memory_not_equal(other.pk.b, keys.pk.b, 32);
        assert_memory_not_equal(other.lan.b, keys.lan.b, 32);
    }
}

/* The inviter may be away: any member opens the door, and the guest finds the same key in the code. */
static void test_member_and_guest_derive_the_same_door(void **state)
{
    struct gx_token_keys scanned;
    struct gx_curve_pk member_pk, guest_pk;
    struct gx_curve_sk member_sk, guest_sk;
    (void)state;

    gx_token_keys_make(&scanned, &seed, group16);
    gx_door_keys_make(&guest_pk, &guest_sk, &scanned.lan);
    gx_door_keys_make(&member_pk, &member_sk, &keys.lan);
    assert_memory_equal(guest_pk.b, member_pk.b, 32);
    assert_memory_equal(guest_sk.b, member_sk.b, 32);
}

static void test_door_secret_is_the_hash_of_bk_and_its_public_half_fits(void **state)
{
    struct gx_curve_pk pk;
    struct gx_curve_sk sk;
    uint8_t want_sk[32], want_pk[32];
    (void)state;

    gx_door_keys_make(&pk, &sk, &keys.lan);
    gx_hash_keyed(want_sk, "gx-invite-door", gx_span(keys.lan.b, 32), gx_span(NULL, 0));
    assert_memory_equal(sk.b, want_sk, 32);
    assert_int_equal(crypto_scalarmult_base(want_pk, want_sk), 0);
    assert_memory_equal(pk.b, want_pk, 32);
}

/* A CURVE key pair is one of crypto_box: both sides of a handshake reach the same secret with a door. */
static void test_door_keys_work_as_a_curve_key_pair(void **state)
{
    struct gx_curve_pk door_pk;
    struct gx_curve_sk door_sk;
    uint8_t guest_pk[32], guest_sk[32], guest_seed[32], there[32], here[32];
    (void)state;

    run(guest_seed, 3, sizeof guest_seed);
    assert_int_equal(crypto_box_seed_keypair(guest_pk, guest_sk, guest_seed), 0);
    gx_door_keys_make(&door_pk, &door_sk, &keys.lan);
    assert_int_equal(crypto_box_beforenm(there, door_pk.b, guest_sk), 0);
    assert_int_equal(crypto_box_beforenm(here, guest_pk, door_sk.b), 0);
    assert_memory_equal(there, here, 32);
}

static void test_doors_of_two_tokens_differ(void **state)
{
    struct gx_token_seed other_seed;
    struct gx_token_keys other;
    struct gx_curve_pk a, b;
    struct gx_curve_sk sk;
    (void)state;

    run(other_seed.b, 0xc1, sizeof other_seed.b);
    gx_token_keys_make(&other, &other_seed, group16);
    gx_door_keys_make(&a, &sk, &keys.lan);
    gx_door_keys_make(&b, &sk, &other.lan);
    assert_memory_not_equal(a.b, b.b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_scanned_the_code_can_prove_it_without_showing_the_seed),
        cmocka_unit_test(test_token_key_is_the_ed25519_key_of_seed_and_group),
        cmocka_unit_test(test_members_key_is_another_hash_of_the_same_seed),
        cmocka_unit_test(test_the_same_seed_in_another_group_is_another_token),
        cmocka_unit_test(test_every_bit_of_the_seed_counts),
        cmocka_unit_test(test_member_and_guest_derive_the_same_door),
        cmocka_unit_test(test_door_secret_is_the_hash_of_bk_and_its_public_half_fits),
        cmocka_unit_test(test_door_keys_work_as_a_curve_key_pair),
        cmocka_unit_test(test_doors_of_two_tokens_differ),
    };
    return cmocka_run_group_tests_name("crypto/invite", tests, make_token, NULL);
}
