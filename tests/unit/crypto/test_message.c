#include "tests/unit/crypto/support.h"

#include "crypto/hash.h"
#include "crypto/member.h"
#include "crypto/message.h"

#define TEXT_MAX 4096u

static struct gx_rng_stream rng;
static struct gx_message_key key, other_key;
static uint8_t hdr0_bytes[177], text[TEXT_MAX], sealed[2 * TEXT_MAX], opened[2 * TEXT_MAX];
static struct gx_span hdr0;

static int make_keys(void **state)
{
    struct gx_chain_key chain;
    uint8_t seed[32];
    (void)state;

    run(seed, 0x44, sizeof seed);
    gx_rng_stream_init(&rng, seed);
    run(chain.b, 0x10, sizeof chain.b);
    gx_chain_step(&key, &chain);
    gx_chain_step(&other_key, &chain);
    run(hdr0_bytes, 0x07, sizeof hdr0_bytes);
    hdr0 = gx_span(hdr0_bytes, sizeof hdr0_bytes);
    run(text, 0x20, sizeof text);
    return 0;
}

static size_t seal(struct gx_sealed_head *head, size_t n)
{
    *head = (struct gx_sealed_head){.n = 7};
    run(head->epoch, 0x60, sizeof head->epoch);
    gx_message_seal(sealed, head, &key, &rng.rng, hdr0, gx_span(text, n));
    return gx_sealed_padded(n) + GX_AEAD_TAG_BYTES;
}

static void test_padding_has_few_lengths(void **state)
{
    static const size_t lengths[][2] = {{0, 64},      {63, 64},     {64, 128},    {127, 128},   {128, 256},   {511, 512},      {512, 1024},
                                        {1023, 1024}, {1024, 2048}, {2047, 2048}, {2048, 3072}, {3071, 3072}, {57390, 58368}};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(lengths); i++)
        assert_int_equal(gx_sealed_padded(lengths[i][0]), lengths[i][1]);
}

static void test_what_was_sealed_opens_at_every_length(void **state)
{
    struct gx_sealed_head head;
    (void)state;

    for (size_t n = 0; n <= 2100; n += n < 130 ? 1 : 97) {
        size_t bytes = seal(&head, n), got = 1;

        assert_true(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, bytes)));
        assert_int_equal(got, n);
        assert_memory_equal(opened, text, n);
    }
}

/* Texts end in zeroes, in the mark of the padding, or are nothing else. */
static void test_padding_is_not_mistaken_for_text(void **state)
{
    static const uint8_t ends[][4] = {{0, 0, 0, 0}, {0x80, 0, 0, 0}, {0x80, 0x80, 0x80, 0x80}, {1, 0, 0x80, 0}};
    uint8_t kept[TEXT_MAX];
    struct gx_sealed_head head;
    (void)state;

    memcpy(kept, text, sizeof kept);
    for (size_t i = 0; i < GX_ARRAY_LEN(ends); i++)
        for (size_t n = 4; n < 70; n++) {
            size_t got = 0;

            memcpy(text + n - 4, ends[i], 4);
            assert_true(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, seal(&head, n))));
            assert_int_equal(got, n);
            memcpy(text, kept, sizeof kept);
        }
}

static void test_every_flipped_bit_is_refused(void **state)
{
    struct gx_sealed_head head;
    size_t bytes = seal(&head, 100), got = 0;
    unsigned refused = 0;
    (void)state;

    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused += !gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, bytes));
        assert_true(got == 0 && all_zero(opened, 128));
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(refused, 8 * bytes);
    for (size_t bit = 0; bit < 8 * hdr0.n; bit++) {
        hdr0_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, bytes)));
        hdr0_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * (sizeof head.epoch + sizeof head.nonce + sizeof head.commit); bit++) {
        uint8_t *at = bit < 256 ? &head.epoch[bit / 8] : bit < 448 ? &head.nonce.b[(bit - 256) / 8] : &head.commit[(bit - 448) / 8];

        *at ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, bytes)));
        *at ^= (uint8_t)(1u << bit % 8);
    }
    head.n ^= 1;
    assert_false(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, bytes)));
    head.n ^= 1;
    assert_true(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, bytes)));
}

static void test_every_shortened_or_lengthened_text_is_refused(void **state)
{
    struct gx_sealed_head head;
    size_t bytes = seal(&head, 30), got = 0;
    (void)state;

    for (size_t n = 0; n < bytes; n++)
        assert_false(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, n)));
    sealed[bytes] = 0;
    assert_false(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, bytes + 1)));
}

/* An author who pads more than has to be, or not at all: two nodes would not show two texts, but one text would have two encodings. */
static void test_padding_that_is_not_the_least_is_refused(void **state)
{
    struct gx_sealed_head head;
    uint8_t padded[256] = {'h', 'i', 0x80}, ek[32];
    size_t got = 0;
    (void)state;

    (void)seal(&head, 2);
    gx_hash_keyed(ek, "gx-msg-key", gx_span(key.b, 32), gx_span(NULL, 0));
    gx_aead_seal(sealed, ek, &head.nonce, gx_span(head.commit, 32), gx_span(padded, 64));
    assert_true(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, 64 + GX_AEAD_TAG_BYTES)));
    gx_aead_seal(sealed, ek, &head.nonce, gx_span(head.commit, 32), gx_span(padded, 128));
    assert_false(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, 128 + GX_AEAD_TAG_BYTES)));
    padded[2] = 0;
    gx_aead_seal(sealed, ek, &head.nonce, gx_span(head.commit, 32), gx_span(padded, 64));
    assert_false(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, 64 + GX_AEAD_TAG_BYTES)));
    memset(padded, 0, sizeof padded);
    gx_aead_seal(sealed, ek, &head.nonce, gx_span(head.commit, 32), gx_span(padded, 64));
    assert_false(gx_message_open(opened, &got, &head, &key, hdr0, gx_span(sealed, 64 + GX_AEAD_TAG_BYTES)));
    assert_true(all_zero(opened, 64));
}

static void test_another_key_does_not_fit(void **state)
{
    struct gx_sealed_head head;
    size_t bytes = seal(&head, 10), got = 0;
    (void)state;

    assert_true(gx_message_key_fits(&head, &key, hdr0));
    assert_false(gx_message_key_fits(&head, &other_key, hdr0));
    assert_false(gx_message_open(opened, &got, &head, &other_key, hdr0, gx_span(sealed, bytes)));
}

static void test_the_same_text_sealed_twice_is_not_the_same_bytes(void **state)
{
    struct gx_sealed_head first, second;
    uint8_t kept[128];
    (void)state;

    (void)seal(&first, 20);
    memcpy(kept, sealed, 64 + GX_AEAD_TAG_BYTES);
    (void)seal(&second, 20);
    assert_memory_not_equal(first.nonce.b, second.nonce.b, sizeof first.nonce.b);
    assert_memory_not_equal(kept, sealed, 64);
}

/* A generator that gives the same bytes again, as that of a clone: another text has another nonce, and the key stream is not used twice. */
static void test_two_texts_never_share_a_nonce_even_with_the_same_random_bytes(void **state)
{
    struct gx_sealed_head first, second;
    struct gx_rng_stream before = rng;
    (void)state;

    (void)seal(&first, 20);
    rng = before;
    (void)seal(&second, 21);
    assert_memory_not_equal(first.nonce.b, second.nonce.b, sizeof first.nonce.b);
}

static void test_a_chain_goes_forward_and_no_two_places_are_alike(void **state)
{
    struct gx_message_key list[64];
    struct gx_chain_key chain, first;
    (void)state;

    run(chain.b, 0x10, sizeof chain.b);
    first = chain;
    for (size_t i = 0; i < GX_ARRAY_LEN(list); i++) {
        gx_chain_step(&list[i], &chain);
        assert_memory_not_equal(chain.b, first.b, 32);
        assert_memory_not_equal(chain.b, list[i].b, 32);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(list[i].b, list[k].b, 32);
    }
}

/* --- disclosure ---------------------------------------------------------------------------------------------------------------------- */

static void test_disclosed_keys_reach_the_holder_of_the_prekey_and_nobody_else(void **state)
{
    struct gx_dh_sk mine, others;
    struct gx_dh_pk prekey, x;
    uint8_t group[32], ids[64], out[64 + GX_AEAD_TAG_BYTES];
    struct gx_message_key keys[2] = {key, other_key}, got[2];
    (void)state;

    gx_rng_fill(&rng.rng, mine.b, 32);
    gx_rng_fill(&rng.rng, others.b, 32);
    gx_dh_public(&prekey, &mine);
    run(group, 0x01, 32);
    run(ids, 0x21, 64);
    assert_true(gx_keys_seal(out, &x, &rng.rng, group, &prekey, gx_span(ids, 64), keys, 2));
    assert_true(gx_keys_open(got, 2, &x, group, &mine, gx_span(ids, 64), gx_span(out, sizeof out)));
    assert_memory_equal(got, keys, sizeof keys);
    assert_false(gx_keys_open(got, 2, &x, group, &others, gx_span(ids, 64), gx_span(out, sizeof out)));
    assert_true(all_zero(got, sizeof got));
    assert_false(gx_keys_open(got, 1, &x, group, &mine, gx_span(ids, 32), gx_span(out, sizeof out)));

    for (size_t bit = 0; bit < 8 * sizeof out; bit++) {
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_keys_open(got, 2, &x, group, &mine, gx_span(ids, 64), gx_span(out, sizeof out)));
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * 128; bit++) {
        uint8_t *at = bit < 256 ? &x.b[bit / 8] : bit < 512 ? &group[(bit - 256) / 8] : &ids[(bit - 512) / 8];

        *at ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_keys_open(got, 2, &x, group, &mine, gx_span(ids, 64), gx_span(out, sizeof out)));
        *at ^= (uint8_t)(1u << bit % 8);
    }
    memset(prekey.b, 0, 32);
    assert_false(gx_keys_seal(out, &x, &rng.rng, group, &prekey, gx_span(ids, 64), keys, 2));
}

/* A helper cannot put words into somebody's mouth: what it discloses is held against what the author signed. */
static void test_a_disclosed_key_that_is_not_the_authors_does_not_fit(void **state)
{
    struct gx_sealed_head head;
    unsigned fits = 0;
    (void)state;

    (void)seal(&head, 10);
    for (size_t bit = 0; bit < 256; bit++) {
        struct gx_message_key bent = key;

        bent.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        fits += gx_message_key_fits(&head, &bent, hdr0);
    }
    assert_int_equal(fits, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_padding_has_few_lengths),
        cmocka_unit_test(test_what_was_sealed_opens_at_every_length),
        cmocka_unit_test(test_padding_is_not_mistaken_for_text),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_every_shortened_or_lengthened_text_is_refused),
        cmocka_unit_test(test_padding_that_is_not_the_least_is_refused),
        cmocka_unit_test(test_another_key_does_not_fit),
        cmocka_unit_test(test_the_same_text_sealed_twice_is_not_the_same_bytes),
        cmocka_unit_test(test_two_texts_never_share_a_nonce_even_with_the_same_random_bytes),
        cmocka_unit_test(test_a_chain_goes_forward_and_no_two_places_are_alike),
        cmocka_unit_test(test_disclosed_keys_reach_the_holder_of_the_prekey_and_nobody_else),
        cmocka_unit_test(test_a_disclosed_key_that_is_not_the_authors_does_not_fit),
    };
    return cmocka_run_group_tests_name("crypto/message", tests, make_keys, NULL);
}
