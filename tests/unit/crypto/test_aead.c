#include "tests/unit/crypto/support.h"

#include "crypto/aead.h"

static void test_a_text_can_be_sealed_and_opened_where_it_lies(void **state)
{
    uint8_t key[32], bytes[100 + GX_AEAD_TAG_BYTES], text[100];
    (void)state;

    run(key, 0x01, sizeof key);
    run(text, 0x40, sizeof text);
    memcpy(bytes, text, sizeof text);
    gx_aead_seal(bytes, key, &gx_aead_nonce_zero, gx_span("a", 1), gx_span(bytes, sizeof text));
    assert_memory_not_equal(bytes, text, sizeof text);
    assert_true(gx_aead_open(bytes, key, &gx_aead_nonce_zero, gx_span("a", 1), gx_span(bytes, sizeof bytes)));
    assert_memory_equal(bytes, text, sizeof text);
}

static void test_what_is_shorter_than_a_tag_is_refused(void **state)
{
    uint8_t key[32] = {0}, bytes[GX_AEAD_TAG_BYTES] = {0}, out[1] = {7};
    (void)state;

    for (size_t n = 0; n <= sizeof bytes; n++)
        assert_false(gx_aead_open(out, key, &gx_aead_nonce_zero, gx_span(NULL, 0), gx_span(bytes, n)));
    assert_int_equal(out[0], 7);        /* there is no room to write to */
}

static void test_nothing_but_a_tag_is_an_empty_text(void **state)
{
    uint8_t key[32] = {9}, bytes[GX_AEAD_TAG_BYTES], out[1] = {7};
    (void)state;

    gx_aead_seal(bytes, key, &gx_aead_nonce_zero, gx_span("aad", 3), gx_span(NULL, 0));
    assert_true(gx_aead_open(out, key, &gx_aead_nonce_zero, gx_span("aad", 3), gx_span(bytes, sizeof bytes)));
    assert_false(gx_aead_open(out, key, &gx_aead_nonce_zero, gx_span("aae", 3), gx_span(bytes, sizeof bytes)));
    assert_int_equal(out[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_can_be_sealed_and_opened_where_it_lies),
        cmocka_unit_test(test_what_is_shorter_than_a_tag_is_refused),
        cmocka_unit_test(test_nothing_but_a_tag_is_an_empty_text),
    };
    return cmocka_run_group_tests_name("crypto/aead", tests, NULL, NULL);
}
