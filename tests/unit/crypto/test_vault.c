#include "tests/unit/crypto/support.h"

#include "crypto/vault.h"

static const uint8_t salt[GX_VAULT_SALT_BYTES] = "saltsaltsaltsalt";

/* By the program of Argon2's authors (Debian's package argon2): argon2 saltsaltsaltsalt -id -t 3 -k 262144 -p 1 -l 32 -v 13 */
static void test_a_passphrase_is_stretched_as_argon2_says(void **state)
{
    static const uint8_t expected[32] = {0x30, 0x04, 0x23, 0x79, 0x59, 0xd0, 0x21, 0x95, 0xbf, 0xf8, 0x89, 0x45, 0xe9, 0x91, 0x00, 0xa5,
                                         0x23, 0x7e, 0x0a, 0x1a, 0x29, 0x0e, 0x24, 0xef, 0xec, 0x65, 0x0e, 0xbd, 0x66, 0x28, 0x02, 0xe1};
    struct gx_vault_key key;
    (void)state;

    assert_true(gx_vault_stretch(&key, gx_span("correct horse", 13), salt));
    assert_memory_equal(key.b, expected, 32);
}

static void test_what_was_sealed_opens_with_the_same_key_pepper_and_place_alone(void **state)
{
    const struct gx_vault_key key = {{1}}, other_key = {{2}};
    const struct gx_pepper pepper = {{3}}, other_pepper = {{4}};
    struct gx_span place = gx_span("slot", 4), other_place = gx_span("slop", 4);
    uint8_t text[300], sealed[300 + GX_AEAD_TAG_BYTES], back[300];
    (void)state;

    run(text, 0x30, sizeof text);
    gx_vault_seal_secrets(sealed, &key, &pepper, place, gx_span(text, sizeof text));
    assert_true(gx_vault_open_secrets(back, &key, &pepper, place, gx_span(sealed, sizeof sealed)));
    assert_memory_equal(back, text, sizeof text);
    assert_false(gx_vault_open_secrets(back, &other_key, &pepper, place, gx_span(sealed, sizeof sealed)));
    assert_false(gx_vault_open_secrets(back, &key, &other_pepper, place, gx_span(sealed, sizeof sealed)));
    assert_false(gx_vault_open_secrets(back, &key, &pepper, other_place, gx_span(sealed, sizeof sealed)));
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_vault_open_secrets(back, &key, &pepper, place, gx_span(sealed, sizeof sealed)));
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < sizeof sealed; n++)
        assert_false(gx_vault_open_secrets(back, &key, &pepper, place, gx_span(sealed, n)));
}

static void test_memory_for_secrets_begins_empty(void **state)
{
    (void)state;

    for (size_t n = 1; n < 10000; n += 333) {
        uint8_t *p = gx_secret_alloc(n);

        assert_non_null(p);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xee, n);
        gx_secret_free(p);
    }
    gx_secret_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_passphrase_is_stretched_as_argon2_says),
        cmocka_unit_test(test_what_was_sealed_opens_with_the_same_key_pepper_and_place_alone),
        cmocka_unit_test(test_memory_for_secrets_begins_empty),
    };
    return cmocka_run_group_tests_name("crypto/vault", tests, NULL, NULL);
}
