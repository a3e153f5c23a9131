#include "tests/unit/crypto/support.h"

#include "crypto/hash.h"
#include "crypto/member.h"
#include "crypto/person.h"
#include "crypto/sign.h"

static struct gx_recovery rec;
static struct gx_person person;
static struct gx_dh_sk e_sk, prekey_sk;
static struct gx_dh_pk prekey;
static struct gx_device_seed seed;
static struct gx_incarnation_secret inc;
static struct gx_intro intro;

static int make_intro(void **state)
{
    struct gx_dh_sk card_sk;
    (void)state;

    run(rec.b, 0x00, sizeof rec.b);
    run(card_sk.b, 0x20, sizeof card_sk.b);
    run(e_sk.b, 0x40, sizeof e_sk.b);
    run(seed.b, 0x60, sizeof seed.b);
    run(inc.b, 0x80, sizeof inc.b);
    run(prekey_sk.b, 0xa0, sizeof prekey_sk.b);
    gx_person_make(&person, &rec, &card_sk, 1);
    gx_dh_public(&prekey, &prekey_sk);
    gx_intro_make(&intro, &e_sk, &person.recovery, &seed, &inc, &prekey);
    return 0;
}

static bool cert_holds(const struct gx_intro *in)
{
    uint8_t bytes[96];

    gx_intro_cert_bytes(bytes, in);
    return gx_verify(&in->member, GX_DOMAIN_DEVICE, gx_span(bytes, sizeof bytes), &in->cert);
}

static void test_member_root_certifies_the_device(void **state)
{
    (void)state;
    assert_true(cert_holds(&intro));
}

static void test_certificate_bytes_are_e_member_device(void **state)
{
    uint8_t bytes[96];
    (void)state;

    gx_intro_cert_bytes(bytes, &intro);
    assert_memory_equal(bytes, intro.e.b, 32);
    assert_memory_equal(bytes + 32, intro.member.b, 32);
    assert_memory_equal(bytes + 64, intro.device.b, 32);
}

static void test_certificate_for_another_e_member_or_device_is_refused(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 256; bit += 5) {
        const uint8_t flip = (uint8_t)(1u << bit % 8);
        struct gx_intro a = intro, b = intro, c = intro;

        a.e.b[bit / 8] ^= flip;
        b.member.b[bit / 8] ^= flip;
        c.device.b[bit / 8] ^= flip;
        assert_false(cert_holds(&a));
        assert_false(cert_holds(&b));
        assert_false(cert_holds(&c));
    }
}

/* A device is lost and with it e.  What is left are 24 words and the public E, and they are enough. */
static void test_words_and_public_e_recompute_the_member_root(void **state)
{
    uint8_t r_sk[32], shared[32], m[32], pk[32], sk[64], input[64];
    (void)state;

    gx_hash_keyed(r_sk, "gx-rec-dh", gx_span(rec.b, 32), gx_span(NULL, 0));
    assert_int_equal(crypto_scalarmult(shared, r_sk, intro.e.b), 0);
    memcpy(input, intro.e.b, 32);
    memcpy(input + 32, person.recovery.b, 32);
    gx_hash_keyed(m, "gx-member-root", gx_span(shared, 32), gx_span(input, 64));
    assert_int_equal(crypto_sign_seed_keypair(pk, sk, m), 0);
    assert_memory_equal(intro.member.b, pk, 32);
}

static void test_two_memberships_of_one_person_share_no_public_key(void **state)
{
    struct gx_dh_sk other_e;
    struct gx_intro other;
    (void)state;

    run(other_e.b, 0x41, sizeof other_e.b);
    gx_intro_make(&other, &other_e, &person.recovery, &seed, &inc, &prekey);
    assert_memory_not_equal(intro.e.b, other.e.b, 32);
    assert_memory_not_equal(intro.member.b, other.member.b, 32);
    assert_memory_not_equal(intro.device.b, other.device.b, 32);
    assert_memory_not_equal(intro.incarnation.b, other.incarnation.b, 8);
    assert_true(cert_holds(&other));
}

static void test_member_keys_do_not_contain_the_identity(void **state)
{
    (void)state;
    assert_memory_not_equal(intro.member.b, person.id.b, 32);
    assert_memory_not_equal(intro.device.b, person.id.b, 32);
    assert_memory_not_equal(intro.e.b, person.recovery.b, 32);
}

static void test_making_the_intro_again_gives_the_same_bytes(void **state)
{
    struct gx_intro again;
    (void)state;

    memset(&again, 0xee, sizeof again);
    gx_intro_make(&again, &e_sk, &person.recovery, &seed, &inc, &prekey);
    assert_memory_equal(&intro, &again, sizeof again);
    assert_int_equal(sizeof again, 200);
}

/* The node keeps the seed and E, and finds its device key again after a restart. */
static void test_device_key_is_found_again_from_seed_and_e(void **state)
{
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;
    struct gx_sig sig;
    (void)state;

    gx_device_key(&pk, &sk, &seed, &intro.e);
    assert_memory_equal(pk.b, intro.device.b, 32);
    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, gx_span("x", 1));
    assert_true(gx_verify(&intro.device, GX_DOMAIN_EVENT, gx_span("x", 1), &sig));
}

static void test_another_device_seed_gives_another_device_of_the_same_member(void **state)
{
    struct gx_device_seed other;
    struct gx_intro second;
    (void)state;

    run(other.b, 0x61, sizeof other.b);
    gx_intro_make(&second, &e_sk, &person.recovery, &other, &inc, &prekey);
    assert_memory_equal(second.member.b, intro.member.b, 32);
    assert_memory_not_equal(second.device.b, intro.device.b, 32);
    assert_true(cert_holds(&second));
}

static void test_intro_carries_the_prekey_it_was_given(void **state)
{
    (void)state;
    assert_memory_equal(intro.prekey.b, prekey.b, 32);
    assert_true(gx_dh_usable(&intro.prekey));
}

/* A restore from a backup leaves the incarnation file out, so the device starts a log that no peer has seen. */
static void test_another_incarnation_secret_gives_another_incarnation_and_nothing_else(void **state)
{
    struct gx_incarnation_secret other;
    struct gx_intro restored;
    (void)state;

    run(other.b, 0x81, sizeof other.b);
    gx_intro_make(&restored, &e_sk, &person.recovery, &seed, &other, &prekey);
    assert_memory_not_equal(restored.incarnation.b, intro.incarnation.b, 8);
    restored.incarnation = intro.incarnation;
    assert_memory_equal(&restored, &intro, sizeof intro);
}

static void test_incarnation_is_the_first_eight_bytes_of_its_hash(void **state)
{
    uint8_t full[32];
    struct gx_incarnation got;
    (void)state;

    gx_hash_keyed(full, "gx-incarnation", gx_span(inc.b, 32), gx_span(intro.device.b, 32));
    gx_incarnation_of(&got, &inc, &intro.device);
    assert_memory_equal(got.b, full, 8);
    assert_memory_equal(got.b, intro.incarnation.b, 8);
}

/* RFC 7748, 6.1: Alice's keys. */
static void test_public_half_is_the_one_of_rfc_7748(void **state)
{
    struct gx_dh_sk sk;
    struct gx_dh_pk want, got;
    (void)state;

    unhex(sk.b, 32, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    unhex(want.b, 32, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    gx_dh_public(&got, &sk);
    assert_memory_equal(got.b, want.b, 32);
}

/* All encodings of points of small order: 0, 1, the two of order 8, p - 1, and p, p + 1 that stand for 0 and 1; X25519 ignores the
 * highest bit, so each once more with it. */
static void test_low_order_points_are_refused_as_prekeys(void **state)
{
    static const char *const low[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(low); i++) {
        struct gx_dh_pk p;

        unhex(p.b, 32, low[i]);
        assert_false(gx_dh_usable(&p));
        p.b[31] ^= 0x80;
        assert_false(gx_dh_usable(&p));
    }
}

/* The answer is that of X25519, for random points, for all near zero and near p, and for those that differ in one bit from one of order 8. */
static void test_usable_agrees_with_x25519_everywhere(void **state)
{
    static const char *const near[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    };
    uint8_t sk[32], shared[32];
    (void)state;

    run(sk, 3, sizeof sk);
    for (unsigned u = 0; u < 256; u++) {
        for (size_t i = 0; i < GX_ARRAY_LEN(near) + 1; i++) {
            struct gx_dh_pk p;

            run(p.b, (uint8_t)u, sizeof p.b);
            if (i < GX_ARRAY_LEN(near))
                unhex(p.b, 32, near[i]);
            if (i < 2)
                p.b[0] = (uint8_t)u;
            else if (i < GX_ARRAY_LEN(near))
                p.b[u / 8] ^= (uint8_t)(1u << (u % 8));
            assert_int_equal(gx_dh_usable(&p), crypto_scalarmult(shared, sk, p.b) == 0);
        }
    }
}

/* What is refused does not depend on who asks: any secret gets the same answer from X25519. */
static void test_usable_agrees_with_x25519_under_many_secrets(void **state)
{
    unsigned usable = 0, refused = 0;
    (void)state;

    for (unsigned u = 0; u < 64; u++) {
        struct gx_dh_pk p = {.b = {(uint8_t)u}};
        const bool want = gx_dh_usable(&p);

        for (unsigned k = 0; k < 8; k++) {
            uint8_t sk[32], shared[32];

            run(sk, (uint8_t)(31 * k), sizeof sk);
            assert_int_equal(crypto_scalarmult(shared, sk, p.b) == 0, want);
        }
        usable += want;
        refused += !want;
    }
    assert_int_equal(refused, 2);   /* 0 and 1 */
    assert_int_equal(usable, 62);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_member_root_certifies_the_device),
        cmocka_unit_test(test_certificate_bytes_are_e_member_device),
        cmocka_unit_test(test_certificate_for_another_e_member_or_device_is_refused),
        cmocka_unit_test(test_words_and_public_e_recompute_the_member_root),
        cmocka_unit_test(test_two_memberships_of_one_person_share_no_public_key),
        cmocka_unit_test(test_member_keys_do_not_contain_the_identity),
        cmocka_unit_test(test_making_the_intro_again_gives_the_same_bytes),
        cmocka_unit_test(test_device_key_is_found_again_from_seed_and_e),
        cmocka_unit_test(test_another_device_seed_gives_another_device_of_the_same_member),
        cmocka_unit_test(test_intro_carries_the_prekey_it_was_given),
        cmocka_unit_test(test_another_incarnation_secret_gives_another_incarnation_and_nothing_else),
        cmocka_unit_test(test_incarnation_is_the_first_eight_bytes_of_its_hash),
        cmocka_unit_test(test_public_half_is_the_one_of_rfc_7748),
        cmocka_unit_test(test_low_order_points_are_refused_as_prekeys),
        cmocka_unit_test(test_usable_agrees_with_x25519_everywhere),
        cmocka_unit_test(test_usable_agrees_with_x25519_under_many_secrets),
    };
    return cmocka_run_group_tests_name("crypto/member", tests, make_intro, NULL);
}
