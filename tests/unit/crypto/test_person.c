#include "tests/unit/crypto/support.h"

#include "crypto/hash.h"
#include "crypto/member.h"
#include "crypto/person.h"
#include "crypto/sign.h"
#include "crypto/words.h"

static struct gx_recovery rec;
static struct gx_dh_sk card_sk;

static int make_inputs(void **state)
{
    (void)state;
    run(rec.b, 0x00, sizeof rec.b);
    run(card_sk.b, 0x20, sizeof card_sk.b);
    return 0;
}

static void test_fresh_person_passes_its_own_check(void **state)
{
    struct gx_person p;
    (void)state;

    gx_person_make(&p, &rec, &card_sk, 1);
    assert_true(gx_person_check(&p));
    assert_int_equal(p.card_serial, 1);
}

static void test_same_words_give_the_same_person(void **state)
{
    struct gx_person first, again;
    struct gx_recovery typed;
    char text[GX_WORDS_TEXT_BYTES];
    (void)state;

    gx_person_make(&first, &rec, &card_sk, 3);
    gx_words_from_recovery(text, &rec);
    assert_true(gx_words_to_recovery(&typed, text));
    gx_person_make(&again, &typed, &card_sk, 3);
    assert_memory_equal(&first.id, &again.id, sizeof first.id);
    assert_memory_equal(&first.recovery, &again.recovery, sizeof first.recovery);
    assert_memory_equal(&first.card_sig, &again.card_sig, sizeof first.card_sig);
}

static void test_identity_is_the_ed25519_key_of_the_labelled_hash(void **state)
{
    struct gx_person p;
    uint8_t seed[32], pk[32], sk[64];
    (void)state;

    gx_person_make(&p, &rec, &card_sk, 1);
    gx_hash_keyed(seed, "gx-id-root", gx_span(rec.b, 32), gx_span(NULL, 0));
    assert_int_equal(crypto_sign_seed_keypair(pk, sk, seed), 0);
    assert_memory_equal(p.id.b, pk, 32);
}

static void test_recovery_key_is_the_x25519_key_of_another_label(void **state)
{
    struct gx_person p;
    uint8_t sk[32], pk[32];
    (void)state;

    gx_person_make(&p, &rec, &card_sk, 1);
    gx_hash_keyed(sk, "gx-rec-dh", gx_span(rec.b, 32), gx_span(NULL, 0));
    assert_int_equal(crypto_scalarmult_base(pk, sk), 0);
    assert_memory_equal(p.recovery.b, pk, 32);
    assert_true(gx_dh_usable(&p.recovery));
}

static void test_every_bit_of_the_words_changes_the_whole_person(void **state)
{
    struct gx_person p, q;
    (void)state;

    gx_person_make(&p, &rec, &card_sk, 1);
    for (unsigned bit = 0; bit < 256; bit += 17) {
        struct gx_recovery other = rec;

        other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        gx_person_make(&q, &other, &card_sk, 1);
        assert_memory_not_equal(p.id.b, q.id.b, 32);
        assert_memory_not_equal(p.recovery.b, q.recovery.b, 32);
        assert_memory_equal(p.card.b, q.card.b, 32);    /* the card key is random, not from the words */
    }
}

static void test_new_card_of_the_same_person_keeps_the_identity(void **state)
{
    struct gx_person p, q;
    struct gx_dh_sk other;
    (void)state;

    run(other.b, 0x21, sizeof other.b);
    gx_person_make(&p, &rec, &card_sk, 1);
    gx_person_make(&q, &rec, &other, 2);
    assert_memory_equal(p.id.b, q.id.b, 32);
    assert_memory_not_equal(p.card.b, q.card.b, 32);
    assert_true(gx_person_check(&q));
}

static void test_card_signs_key_and_serial_in_little_endian(void **state)
{
    struct gx_person p;
    uint8_t card[36];
    (void)state;

    gx_person_make(&p, &rec, &card_sk, 0x01020304);
    memcpy(card, p.card.b, 32);
    memcpy(card + 32, "\x04\x03\x02\x01", 4);
    assert_true(gx_verify(&p.id, GX_DOMAIN_CARD, gx_span(card, sizeof card), &p.card_sig));
}

static void test_largest_serial_is_signed(void **state)
{
    struct gx_person p;
    (void)state;

    gx_person_make(&p, &rec, &card_sk, UINT32_MAX);
    assert_true(gx_person_check(&p));
    p.card_serial = 0;
    assert_false(gx_person_check(&p));
}

static void refuse_every_flipped_bit(struct gx_person *p, uint8_t *field, size_t n)
{
    for (unsigned bit = 0; bit < 8 * n; bit++) {
        field[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_person_check(p));
        field[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(gx_person_check(p));
}

static void test_flipped_bit_in_a_card_signature_is_refused(void **state)
{
    struct gx_person p;
    (void)state;

    gx_person_make(&p, &rec, &card_sk, 1);
    refuse_every_flipped_bit(&p, p.card_sig.b, sizeof p.card_sig.b);
}

static void test_flipped_bit_in_identity_card_or_serial_is_refused(void **state)
{
    struct gx_person p;
    (void)state;

    gx_person_make(&p, &rec, &card_sk, 1);
    refuse_every_flipped_bit(&p, p.id.b, sizeof p.id.b);
    refuse_every_flipped_bit(&p, p.card.b, sizeof p.card.b);
    for (unsigned bit = 0; bit < 32; bit++) {
        p.card_serial ^= UINT32_C(1) << bit;
        assert_false(gx_person_check(&p));
        p.card_serial ^= UINT32_C(1) << bit;
    }
}

/* KEYS §1: "the card does not cover R_pk".  Whoever stores a person needs a check of their own over it. */
static void test_card_signature_says_nothing_of_the_recovery_key(void **state)
{
    struct gx_person p;
    (void)state;

    gx_person_make(&p, &rec, &card_sk, 1);
    p.recovery.b[0] ^= 1;
    assert_true(gx_person_check(&p));
}

static void test_card_signature_of_another_person_is_refused(void **state)
{
    struct gx_person p, q;
    struct gx_recovery other;
    (void)state;

    run(other.b, 0x01, sizeof other.b);
    gx_person_make(&p, &rec, &card_sk, 1);
    gx_person_make(&q, &other, &card_sk, 1);
    p.card_sig = q.card_sig;
    assert_false(gx_person_check(&p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fresh_person_passes_its_own_check),
        cmocka_unit_test(test_same_words_give_the_same_person),
        cmocka_unit_test(test_identity_is_the_ed25519_key_of_the_labelled_hash),
        cmocka_unit_test(test_recovery_key_is_the_x25519_key_of_another_label),
        cmocka_unit_test(test_every_bit_of_the_words_changes_the_whole_person),
        cmocka_unit_test(test_new_card_of_the_same_person_keeps_the_identity),
        cmocka_unit_test(test_card_signs_key_and_serial_in_little_endian),
        cmocka_unit_test(test_largest_serial_is_signed),
        cmocka_unit_test(test_flipped_bit_in_a_card_signature_is_refused),
        cmocka_unit_test(test_flipped_bit_in_identity_card_or_serial_is_refused),
        cmocka_unit_test(test_card_signature_says_nothing_of_the_recovery_key),
        cmocka_unit_test(test_card_signature_of_another_person_is_refused),
    };
    return cmocka_run_group_tests_name("crypto/person", tests, make_inputs, NULL);
}
