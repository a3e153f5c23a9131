#include "tests/unit/crypto/support.h"

#include "crypto/card.h"
#include "crypto/hash.h"
#include "crypto/invite.h"
#include "crypto/member.h"
#include "crypto/sign.h"

/* alice tells bob who she is in a group; eve is somebody else that bob knows. */
static struct gx_dh_sk alice_card, alice_prekey, bob_card, eve_card, eve_prekey;
static struct gx_person alice, bob, eve;
static struct gx_dh_pk alice_prekey_pk, eve_prekey_pk;
static struct gx_sign_pk member;
static uint8_t group_id[32];

static void make_person(struct gx_person *p, struct gx_dh_sk *card_sk, uint8_t first)
{
    struct gx_recovery rec;

    run(rec.b, first, sizeof rec.b);
    run(card_sk->b, (uint8_t)(first + 0x10), sizeof card_sk->b);
    gx_person_make(p, &rec, card_sk, 7);
}

static int make_people(void **state)
{
    (void)state;
    make_person(&alice, &alice_card, 0x00);
    make_person(&bob, &bob_card, 0x40);
    make_person(&eve, &eve_card, 0x80);
    run(alice_prekey.b, 0xa0, 32);
    run(eve_prekey.b, 0xb0, 32);
    gx_dh_public(&alice_prekey_pk, &alice_prekey);
    gx_dh_public(&eve_prekey_pk, &eve_prekey);
    run(member.b, 0xc0, 32);
    run(group_id, 0xd0, 32);
    return 0;
}

static void test_a_persons_card_passes_its_check(void **state)
{
    struct gx_card card;
    (void)state;

    gx_card_of(&card, &alice);
    assert_true(gx_card_check(&card));
    assert_memory_equal(card.id.b, alice.id.b, 32);
    assert_memory_equal(card.key.b, alice.card.b, 32);
    assert_int_equal(card.serial, 7);
}

static void test_flipped_bit_in_any_field_of_a_card_is_refused(void **state)
{
    struct gx_card card;
    uint8_t *const fields[] = {card.id.b, card.key.b, card.sig.b};
    static const size_t sizes[] = {32, 32, 64};
    (void)state;

    gx_card_of(&card, &alice);
    for (size_t i = 0; i < GX_ARRAY_LEN(fields); i++)
        for (unsigned bit = 0; bit < 8 * sizes[i]; bit++) {
            fields[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(gx_card_check(&card));
            fields[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    for (unsigned bit = 0; bit < 32; bit++) {
        card.serial ^= UINT32_C(1) << bit;
        assert_false(gx_card_check(&card));
        card.serial ^= UINT32_C(1) << bit;
    }
    assert_true(gx_card_check(&card));
}

/* An identity that lies about itself can sign what it likes. */
static void test_signed_card_with_a_key_that_x25519_refuses_is_refused(void **state)
{
    struct gx_sign_seed seed;
    struct gx_sign_sk sk;
    struct gx_card card = {.serial = 1};
    uint8_t bytes[GX_CARD_SIGNED_BYTES];
    (void)state;

    run(seed.b, 0x33, 32);
    gx_sign_keypair(&card.id, &sk, &seed);
    gx_card_signed_bytes(bytes, &card);
    gx_sign(&card.sig, &sk, GX_DOMAIN_CARD, gx_span(bytes, sizeof bytes));
    assert_true(gx_verify(&card.id, GX_DOMAIN_CARD, gx_span(bytes, sizeof bytes), &card.sig));
    assert_false(gx_card_check(&card));
}

static void test_the_seed_follows_from_the_card_secret_and_the_serial(void **state)
{
    struct gx_token_seed seed, again, other;
    uint8_t want[32];
    (void)state;

    gx_card_seed(&seed, &alice_card, 0x01020304);
    gx_card_seed(&again, &alice_card, 0x01020304);
    gx_hash_keyed(want, "gx-card-seed", gx_span(alice_card.b, 32), gx_span("\x04\x03\x02\x01", 4));
    assert_memory_equal(seed.b, want, 16);
    assert_memory_equal(seed.b, again.b, 16);
    gx_card_seed(&other, &alice_card, 0x01020305);
    assert_memory_not_equal(seed.b, other.b, 16);
    gx_card_seed(&other, &bob_card, 0x01020304);
    assert_memory_not_equal(seed.b, other.b, 16);
}

/* KEYS §1: as of an invitation, with the identity in the group's place. */
static void test_who_scanned_the_card_finds_the_door_that_its_owner_opens(void **state)
{
    struct gx_token_seed owned, scanned;
    struct gx_token_keys owners, scanners;
    struct gx_card card;
    struct gx_curve_pk door, found;
    struct gx_curve_sk sk;
    (void)state;

    gx_card_of(&card, &alice);
    gx_card_seed(&owned, &alice_card, alice.card_serial);
    scanned = owned;
    gx_token_keys_make(&owners, &owned, alice.id.b);
    gx_token_keys_make(&scanners, &scanned, card.id.b);
    assert_memory_equal(owners.pk.b, scanners.pk.b, 32);
    gx_door_keys_make(&door, &sk, &owners.lan);
    gx_door_keys_make(&found, &sk, &scanners.lan);
    assert_memory_equal(door.b, found.b, 32);
    gx_token_keys_make(&scanners, &scanned, bob.id.b);
    assert_memory_not_equal(owners.pk.b, scanners.pk.b, 32);
}

static struct gx_reveal reveal_to_bob(void)
{
    struct gx_reveal reveal;

    assert_true(gx_reveal_make(&reveal, &alice_card, &alice_prekey, &bob.card, group_id, &member));
    return reveal;
}

static void test_who_is_told_can_check_it(void **state)
{
    struct gx_reveal reveal = reveal_to_bob();
    (void)state;

    assert_true(gx_reveal_check(&reveal, &bob_card, &alice.card, &alice_prekey_pk, group_id, &member));
}

static void test_flipped_bit_of_a_reveal_is_refused(void **state)
{
    struct gx_reveal reveal = reveal_to_bob();
    (void)state;

    for (unsigned bit = 0; bit < 256; bit++) {
        reveal.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_reveal_check(&reveal, &bob_card, &alice.card, &alice_prekey_pk, group_id, &member));
        reveal.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_a_reveal_holds_for_its_group_and_member_alone(void **state)
{
    struct gx_reveal reveal = reveal_to_bob();
    uint8_t other_group[32];
    struct gx_sign_pk other_member = member;
    (void)state;

    memcpy(other_group, group_id, 32);
    other_group[31] ^= 1;
    other_member.b[0] ^= 1;
    assert_false(gx_reveal_check(&reveal, &bob_card, &alice.card, &alice_prekey_pk, other_group, &member));
    assert_false(gx_reveal_check(&reveal, &bob_card, &alice.card, &alice_prekey_pk, group_id, &other_member));
}

/* Somebody of the group cannot pass for a contact, nor a contact for somebody of the group. */
static void test_both_the_card_and_the_prekey_have_to_be_ones_own(void **state)
{
    struct gx_reveal reveal;
    (void)state;

    assert_true(gx_reveal_make(&reveal, &eve_card, &alice_prekey, &bob.card, group_id, &member));
    assert_false(gx_reveal_check(&reveal, &bob_card, &alice.card, &alice_prekey_pk, group_id, &member));
    assert_true(gx_reveal_make(&reveal, &alice_card, &eve_prekey, &bob.card, group_id, &member));
    assert_false(gx_reveal_check(&reveal, &bob_card, &alice.card, &alice_prekey_pk, group_id, &member));
    assert_true(gx_reveal_check(&reveal, &bob_card, &alice.card, &eve_prekey_pk, group_id, &member));
}

static void test_what_was_told_to_one_says_nothing_to_another(void **state)
{
    struct gx_reveal reveal = reveal_to_bob();
    (void)state;

    assert_false(gx_reveal_check(&reveal, &eve_card, &alice.card, &alice_prekey_pk, group_id, &member));
}

/* bob can make the very same bytes, of DH(cx', CX) || DH(cx', P), so nobody has to believe him that alice did. */
static void test_who_was_told_could_have_made_it(void **state)
{
    struct gx_reveal reveal = reveal_to_bob();
    struct gx_hasher h;
    uint8_t shared[64], made[32];
    (void)state;

    assert_int_equal(crypto_scalarmult(shared, bob_card.b, alice.card.b), 0);
    assert_int_equal(crypto_scalarmult(shared + 32, bob_card.b, alice_prekey_pk.b), 0);
    gx_hash_begin_keyed(&h, "gx-reveal", gx_span(shared, sizeof shared));
    gx_hash_add(&h, group_id, 32);
    gx_hash_add(&h, member.b, 32);
    gx_hash_add(&h, alice.card.b, 32);
    gx_hash_add(&h, bob.card.b, 32);
    gx_hash_end(&h, made);
    assert_memory_equal(reveal.b, made, 32);
}

static void test_a_key_that_x25519_refuses_makes_no_reveal_and_passes_no_check(void **state)
{
    static const struct gx_dh_pk zero;
    struct gx_reveal reveal = reveal_to_bob(), none;
    (void)state;

    assert_false(gx_reveal_make(&none, &alice_card, &alice_prekey, &zero, group_id, &member));
    assert_true(all_zero(none.b, 32));
    assert_false(gx_reveal_check(&reveal, &bob_card, &zero, &alice_prekey_pk, group_id, &member));
    assert_false(gx_reveal_check(&reveal, &bob_card, &alice.card, &zero, group_id, &member));
}

static unsigned words_in(const char *text)
{
    unsigned n = *text != '\0';

    for (; *text != '\0'; text++)
        n += *text == ' ';
    return n;
}

static void test_two_people_read_the_same_12_words_to_each_other(void **state)
{
    char hers[GX_SAFETY_TEXT_BYTES], his[GX_SAFETY_TEXT_BYTES];
    (void)state;

    gx_safety_words(hers, &alice.id, &bob.id);
    gx_safety_words(his, &bob.id, &alice.id);
    assert_string_equal(hers, his);
    assert_int_equal(words_in(hers), GX_SAFETY_WORDS);
    print_message("%s\n", hers);
}

static void test_any_other_pair_has_other_words(void **state)
{
    char words[3][GX_SAFETY_TEXT_BYTES];
    struct gx_sign_pk near = bob.id;
    (void)state;

    near.b[31] ^= 0x80;
    gx_safety_words(words[0], &alice.id, &bob.id);
    gx_safety_words(words[1], &alice.id, &eve.id);
    gx_safety_words(words[2], &alice.id, &near);
    assert_string_not_equal(words[0], words[1]);
    assert_string_not_equal(words[0], words[2]);
    assert_string_not_equal(words[1], words[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_persons_card_passes_its_check),
        cmocka_unit_test(test_flipped_bit_in_any_field_of_a_card_is_refused),
        cmocka_unit_test(test_signed_card_with_a_key_that_x25519_refuses_is_refused),
        cmocka_unit_test(test_the_seed_follows_from_the_card_secret_and_the_serial),
        cmocka_unit_test(test_who_scanned_the_card_finds_the_door_that_its_owner_opens),
        cmocka_unit_test(test_who_is_told_can_check_it),
        cmocka_unit_test(test_flipped_bit_of_a_reveal_is_refused),
        cmocka_unit_test(test_a_reveal_holds_for_its_group_and_member_alone),
        cmocka_unit_test(test_both_the_card_and_the_prekey_have_to_be_ones_own),
        cmocka_unit_test(test_what_was_told_to_one_says_nothing_to_another),
        cmocka_unit_test(test_who_was_told_could_have_made_it),
        cmocka_unit_test(test_a_key_that_x25519_refuses_makes_no_reveal_and_passes_no_check),
        cmocka_unit_test(test_two_people_read_the_same_12_words_to_each_other),
        cmocka_unit_test(test_any_other_pair_has_other_words),
    };
    return cmocka_run_group_tests_name("crypto/card", tests, make_people, NULL);
}
