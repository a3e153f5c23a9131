/* Authenticated encryption: XChaCha20-Poly1305 (IETF), as libsodium has it.  KEYS §0. */
#ifndef GX_CRYPTO_AEAD_H
#define GX_CRYPTO_AEAD_H

#include "crypto/base.h"

#define GX_AEAD_TAG_BYTES 16u

struct gx_aead_nonce { uint8_t b[24]; };

/* For keys that seal one thing only. */
extern const struct gx_aead_nonce gx_aead_nonce_zero;

/* out: text.n + GX_AEAD_TAG_BYTES; text may lie at its beginning.  The pair of key and nonce is used once. */
void gx_aead_seal(uint8_t *out, const uint8_t key[32], const struct gx_aead_nonce *nonce, struct gx_span aad, struct gx_span text);
/* out: sealed.n - GX_AEAD_TAG_BYTES.  False, and zeroes in out: these are not the bytes that were sealed with that key, nonce and aad. */
bool gx_aead_open(uint8_t *out, const uint8_t key[32], const struct gx_aead_nonce *nonce, struct gx_span aad, struct gx_span sealed) GX_MUST_CHECK;

#endif
