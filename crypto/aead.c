#include "crypto/aead.h"

#include <sodium.h>

static_assert(GX_AEAD_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "Poly1305's tag");
static_assert(sizeof(struct gx_aead_nonce) == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "XChaCha20's nonce");

/* libsodium 1.0.18 leaves the state of ChaCha20, and so its key, on the stack below its caller (seen in a test). */
#define STACK_BYTES 2048u

const struct gx_aead_nonce gx_aead_nonce_zero = {{0}};

void gx_aead_seal(uint8_t *out, const uint8_t key[32], const struct gx_aead_nonce *nonce, struct gx_span aad, struct gx_span text)
{
    int rc = crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, text.p, text.n, aad.p, aad.n, NULL, nonce->b, key);

    GX_ASSERT(rc == 0);
    sodium_stackzero(STACK_BYTES);
}

bool gx_aead_open(uint8_t *out, const uint8_t key[32], const struct gx_aead_nonce *nonce, struct gx_span aad, struct gx_span sealed)
{
    int rc = sealed.n < GX_AEAD_TAG_BYTES
                 ? -1
                 : crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.p, sealed.n, aad.p, aad.n, nonce->b, key);

    if (rc != 0 && sealed.n > GX_AEAD_TAG_BYTES)
        memset(out, 0, sealed.n - GX_AEAD_TAG_BYTES);
    sodium_stackzero(STACK_BYTES);
    return rc == 0;
}
