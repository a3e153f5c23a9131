#include "crypto/vault.h"

#include "crypto/hash.h"

#include <sodium.h>

#define STACK_BYTES 8192u

static_assert(GX_VAULT_SALT_BYTES == crypto_pwhash_argon2id_SALTBYTES, "Argon2id's salt");

bool gx_vault_stretch(struct gx_vault_key *out, struct gx_span passphrase, const uint8_t salt[GX_VAULT_SALT_BYTES])
{
    GX_ASSERT(passphrase.n > 0 && passphrase.n <= GX_PASSPHRASE_BYTES_MAX);
    int rc = crypto_pwhash_argon2id(out->b, sizeof out->b, (const char *)passphrase.p, passphrase.n, salt, crypto_pwhash_argon2id_OPSLIMIT_MODERATE,
                                    crypto_pwhash_argon2id_MEMLIMIT_MODERATE, crypto_pwhash_argon2id_ALG_ARGON2ID13);

    /* What it hashed first, the passphrase, and what it hashed last are left on the stack by libsodium 1.0.18 (seen in a test). */
    sodium_stackzero(STACK_BYTES);
    return rc == 0;
}

static void slot_key(uint8_t out[32], const struct gx_vault_key *key, const struct gx_pepper *pepper)
{
    gx_hash_keyed(out, "gx-vault", gx_span(key->b, sizeof key->b), gx_span(pepper->b, sizeof pepper->b));
}

void gx_vault_seal_secrets(uint8_t *out, const struct gx_vault_key *key, const struct gx_pepper *pepper, struct gx_span aad, struct gx_span secrets)
{
    uint8_t k[32];

    slot_key(k, key, pepper);
    gx_aead_seal(out, k, &gx_aead_nonce_zero, aad, secrets);
    gx_wipe(k, sizeof k);
}

bool gx_vault_open_secrets(uint8_t *out, const struct gx_vault_key *key, const struct gx_pepper *pepper, struct gx_span aad, struct gx_span sealed)
{
    uint8_t k[32];

    slot_key(k, key, pepper);
    bool ok = gx_aead_open(out, k, &gx_aead_nonce_zero, aad, sealed);
    gx_wipe(k, sizeof k);
    return ok;
}

void *gx_secret_alloc(size_t n)
{
    /* Before sodium_init, which may be called again and again, there is none to be had: libsodium does not know the size of a page. */
    void *p = sodium_init() < 0 ? NULL : sodium_malloc(n);

    if (p != NULL)
        memset(p, 0, n);
    return p;
}

void gx_secret_free(void *p)
{
    sodium_free(p);
}
