#include "tests/unit/crypto/support.h"

#include "crypto/hash.h"

static struct gx_span text(const char *s)
{
    return gx_span(s, strlen(s));
}

static void test_label_is_the_personal_field_padded_with_zeroes(void **state)
{
    static const uint8_t personal[16] = "gx-body";
    uint8_t ours[32], theirs[32];
    (void)state;

    gx_hash(ours, "gx-body", text("what was said"));
    assert_int_equal(crypto_generichash_blake2b_salt_personal(theirs, 32, (const uint8_t *)"what was said", 13, NULL, 0,
                                                              NULL, personal), 0);
    assert_memory_equal(ours, theirs, 32);
}

static void test_keyed_hash_is_blake2b_with_key_and_label(void **state)
{
    static const uint8_t personal[16] = "gx-device";
    uint8_t key[32], ours[32], theirs[32];
    (void)state;

    run(key, 5, sizeof key);
    gx_hash_keyed(ours, "gx-device", gx_span(key, sizeof key), text("x"));
    assert_int_equal(crypto_generichash_blake2b_salt_personal(theirs, 32, (const uint8_t *)"x", 1, key, sizeof key, NULL,
                                                              personal), 0);
    assert_memory_equal(ours, theirs, 32);
}

static void test_two_labels_never_give_the_same_hash(void **state)
{
    static const char *const labels[] = {"gx-event-id", "gx-body", "gx-log-id", "gx-b", "gx-bod", "gx-body-", "gx-bodz"};
    uint8_t h[GX_ARRAY_LEN(labels)][32];
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(labels); i++) {
        gx_hash(h[i], labels[i], text("same bytes"));
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(h[i], h[j], 32);
    }
}

/* The label does not simply stand before the input: moving a letter across gives something else. */
static void test_letter_moved_from_label_to_input_changes_the_hash(void **state)
{
    uint8_t a[32], b[32];
    (void)state;

    gx_hash(a, "gx-body", text("x"));
    gx_hash(b, "gx-bod", text("yx"));
    assert_memory_not_equal(a, b, 32);
}

static void test_label_of_sixteen_bytes_is_taken_whole(void **state)
{
    uint8_t a[32], b[32];
    (void)state;

    gx_hash(a, "gx-sixteen-bytes", text("x"));
    gx_hash(b, "gx-sixteen-bytez", text("x"));
    assert_memory_not_equal(a, b, 32);
}

static void label_of_17(void)
{
    uint8_t out[32];

    gx_hash(out, "gx-seventeenbytes", text("x"));
}

static void label_of_0(void)
{
    uint8_t out[32];

    gx_hash(out, "", text("x"));
}

static void key_of_15(void)
{
    uint8_t out[32], key[15] = {0};

    gx_hash_keyed(out, "gx-test", gx_span(key, sizeof key), text("x"));
}

static void key_of_65(void)
{
    uint8_t out[32], key[65] = {0};

    gx_hash_keyed(out, "gx-test", gx_span(key, sizeof key), text("x"));
}

/* libsodium would hash without a key, and everybody could compute the result. */
static void key_forgotten(void)
{
    uint8_t out[32];

    gx_hash_keyed(out, "gx-test", gx_span(NULL, 0), text("x"));
}

static void test_label_or_key_of_a_wrong_length_is_our_mistake_and_stops_the_program(void **state)
{
    (void)state;
    assert_true(aborts(label_of_0));
    assert_true(aborts(label_of_17));
    assert_true(aborts(key_forgotten));
    assert_true(aborts(key_of_15));
    assert_true(aborts(key_of_65));
}

static void test_pieces_hash_like_the_whole_however_they_are_cut(void **state)
{
    uint8_t message[300], whole[32], pieces[32];
    (void)state;

    run(message, 0, sizeof message);
    gx_hash(whole, "gx-test", gx_span(message, sizeof message));
    /* 128 is BLAKE2b's block. */
    for (size_t cut = 0; cut <= sizeof message; cut++) {
        struct gx_hasher h;

        gx_hash_begin(&h, "gx-test");
        gx_hash_add(&h, message, cut);
        gx_hash_add(&h, message + cut, sizeof message - cut);
        gx_hash_end(&h, pieces);
        assert_memory_equal(whole, pieces, 32);
    }
}

static void test_keyed_pieces_hash_like_the_whole(void **state)
{
    uint8_t key[32], message[200], whole[32], pieces[32];
    struct gx_hasher h;
    (void)state;

    run(key, 1, sizeof key);
    run(message, 2, sizeof message);
    gx_hash_keyed(whole, "gx-test", gx_span(key, sizeof key), gx_span(message, sizeof message));
    gx_hash_begin_keyed(&h, "gx-test", gx_span(key, sizeof key));
    for (size_t i = 0; i < sizeof message; i++)
        gx_hash_add(&h, message + i, 1);
    gx_hash_end(&h, pieces);
    assert_memory_equal(whole, pieces, 32);
}

static void test_empty_input_may_be_null(void **state)
{
    uint8_t a[32], b[32];
    (void)state;

    gx_hash(a, "gx-test", gx_span(NULL, 0));
    gx_hash(b, "gx-test", text(""));
    assert_memory_equal(a, b, 32);
}

static void test_every_key_length_from_16_to_64_is_another_function(void **state)
{
    static const size_t lengths[] = {16, 17, 31, 32, 33, 63, 64};
    uint8_t key[64] = {0}, h[GX_ARRAY_LEN(lengths) + 1][32];
    (void)state;

    gx_hash(h[GX_ARRAY_LEN(lengths)], "gx-test", text("x"));
    /* All-zero keys: only their length tells them apart, and from no key. */
    for (size_t i = 0; i < GX_ARRAY_LEN(lengths); i++) {
        gx_hash_keyed(h[i], "gx-test", gx_span(key, lengths[i]), text("x"));
        assert_memory_not_equal(h[i], h[GX_ARRAY_LEN(lengths)], 32);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(h[i], h[j], 32);
    }
}

static void test_every_bit_of_the_key_counts(void **state)
{
    uint8_t key[32] = {0}, plain[32], flipped[32];
    (void)state;

    gx_hash_keyed(plain, "gx-test", gx_span(key, sizeof key), text("x"));
    for (unsigned bit = 0; bit < 256; bit++) {
        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        gx_hash_keyed(flipped, "gx-test", gx_span(key, sizeof key), text("x"));
        assert_memory_not_equal(plain, flipped, 32);
        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* The state of a keyed hash can stand in for its key. */
static void test_state_is_zero_after_the_end(void **state)
{
    struct gx_hasher h;
    uint8_t key[32], out[32];
    (void)state;

    run(key, 7, sizeof key);
    gx_hash_begin_keyed(&h, "gx-test", gx_span(key, sizeof key));
    gx_hash_add(&h, "abc", 3);
    assert_false(all_zero(&h, sizeof h));
    gx_hash_end(&h, out);
    assert_true(all_zero(&h, sizeof h));
    assert_false(all_zero(out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label_is_the_personal_field_padded_with_zeroes),
        cmocka_unit_test(test_keyed_hash_is_blake2b_with_key_and_label),
        cmocka_unit_test(test_two_labels_never_give_the_same_hash),
        cmocka_unit_test(test_letter_moved_from_label_to_input_changes_the_hash),
        cmocka_unit_test(test_label_of_sixteen_bytes_is_taken_whole),
        cmocka_unit_test(test_label_or_key_of_a_wrong_length_is_our_mistake_and_stops_the_program),
        cmocka_unit_test(test_pieces_hash_like_the_whole_however_they_are_cut),
        cmocka_unit_test(test_keyed_pieces_hash_like_the_whole),
        cmocka_unit_test(test_empty_input_may_be_null),
        cmocka_unit_test(test_every_key_length_from_16_to_64_is_another_function),
        cmocka_unit_test(test_every_bit_of_the_key_counts),
        cmocka_unit_test(test_state_is_zero_after_the_end),
    };
    return cmocka_run_group_tests_name("crypto/hash", tests, NULL, NULL);
}
