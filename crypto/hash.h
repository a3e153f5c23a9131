/* BLAKE2b with a mandatory label of its purpose.  KEYS §0.
 *
 *   H(label, x)    = blake2b_salt_personal(32, x, no key, salt 0, personal = label padded with zeroes to 16)
 *   K(k, label, x) = the same keyed with k
 *
 * Inputs are of fixed length or carry their length first; that is the caller's duty. */
#ifndef GX_CRYPTO_HASH_H
#define GX_CRYPTO_HASH_H

#include "crypto/keys.h"
#include <sodium.h>

struct gx_hasher { crypto_generichash_blake2b_state st; };

/* label: at most 16 bytes (asserted). */
void gx_hash_begin(struct gx_hasher *h, const char *label);
/* key: 16 to 64 bytes (asserted). */
void gx_hash_begin_keyed(struct gx_hasher *h, const char *label, struct gx_span key);
void gx_hash_add(struct gx_hasher *h, const void *p, size_t n);
/* The state is wiped. */
void gx_hash_end(struct gx_hasher *h, uint8_t out[32]);

/* H and K over one span. */
void gx_hash(uint8_t out[32], const char *label, struct gx_span x);
void gx_hash_keyed(uint8_t out[32], const char *label, struct gx_span key, struct gx_span x);

/* Where an id goes in a table in memory: SipHash under the table's own seed, so that ids ground to collide are spread all the same. */
uint64_t gx_hash_table(const uint8_t seed[16], const uint8_t id[32]);

#endif
