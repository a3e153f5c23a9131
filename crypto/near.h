/* Pairing by six digits that two people see: CPace over ristretto255.  KEYS §13.
 *
 * Who shows the code is the inviter, who types it the joiner.  Nobody learns from what they say to each other whether a guess of the code is right. */
#ifndef GX_CRYPTO_NEAR_H
#define GX_CRYPTO_NEAR_H

#include "crypto/keys.h"

struct gx_rng;

#define GX_NEAR_DIGITS 6u
struct gx_near_code { char digits[GX_NEAR_DIGITS]; };       /* the secret: '0' to '9', no closing 0 */

struct gx_near_point { uint8_t b[32]; };                    /* A, B: of ristretto255 */
struct gx_near_scalar { uint8_t b[32]; };                   /* x, y */
struct gx_near_secret { uint8_t b[32]; };                   /* s: every y of one code comes from it */
struct gx_near_proof { uint8_t b[32]; };

/* What both have in the end. */
struct gx_near_keys {
    struct gx_near_proof proof;         /* the joiner's: it knows the code */
    uint8_t gift[32];                   /* what the inviter gives is sealed with it: so it knows the code, too */
};

void gx_near_code_make(struct gx_near_code *out, struct gx_rng *rng);

/* The joiner's part. */
void gx_near_ask(struct gx_near_scalar *x, struct gx_near_point *a, const struct gx_near_code *code, struct gx_rng *rng);
/* False: B is none, or the one that tells nothing. */
bool gx_near_joiner_keys(struct gx_near_keys *out, const struct gx_near_scalar *x, const struct gx_near_point *a, const struct gx_near_point *b) GX_MUST_CHECK;

/* The inviter's part: the same for the same A, so that nothing need be kept of who asked.  False: A is none, or the one that tells nothing. */
bool gx_near_reply(struct gx_near_point *b, const struct gx_near_secret *s, const struct gx_near_code *code, const struct gx_near_point *a) GX_MUST_CHECK;
bool gx_near_inviter_keys(struct gx_near_keys *out, struct gx_near_point *b, const struct gx_near_secret *s, const struct gx_near_code *code,
                          const struct gx_near_point *a) GX_MUST_CHECK;

#define GX_NEAR_PLAIN_BYTES 128u
#define GX_NEAR_SEALED_BYTES (GX_NEAR_PLAIN_BYTES + 16u)    /* and the AEAD's tag */
/* One text for each pair of keys. */
void gx_near_seal(uint8_t out[GX_NEAR_SEALED_BYTES], const struct gx_near_keys *keys, const uint8_t plain[GX_NEAR_PLAIN_BYTES]);
bool gx_near_open(uint8_t plain[GX_NEAR_PLAIN_BYTES], const struct gx_near_keys *keys, const uint8_t sealed[GX_NEAR_SEALED_BYTES]) GX_MUST_CHECK;

#endif
