/* Sealing what a member says: one key a message, from a chain of hashes that only goes forward.  KEYS §6, §7. */
#ifndef GX_CRYPTO_MESSAGE_H
#define GX_CRYPTO_MESSAGE_H

#include "crypto/aead.h"
#include "crypto/epoch.h"

struct gx_message_key { uint8_t b[32]; };       /* MK: opens one message */

/* MK of the chain's place; the chain moves on by one, and what it was is gone. */
void gx_chain_step(struct gx_message_key *out, struct gx_chain_key *chain);

/* What stands before the sealed text in a body. */
#define GX_SEALED_HEAD_BYTES 92u
struct gx_sealed_head {
    uint8_t epoch[32];                  /* id of the EPOCH */
    uint32_t n;                         /* place in the author's chain of that epoch, from 0 */
    struct gx_aead_nonce nonce;
    uint8_t commit[32];                 /* to the key: the author cannot show two people two texts with two keys */
};

/* Bytes of a text of n bytes once padded: the least of 64, 128, 256, 512, 1,024 and then the multiples of 1,024 that is greater. */
size_t gx_sealed_padded(size_t n);

/* Seal text with the key of its place.
 *
 * In:  head     epoch and n are set.
 *      hdr0     of the event, whose body has GX_SEALED_HEAD_BYTES + gx_sealed_padded(text.n) + GX_AEAD_TAG_BYTES bytes.
 * Out: out      the last two of these.  head: nonce and commit. */
void gx_message_seal(uint8_t *out, struct gx_sealed_head *head, const struct gx_message_key *key, struct gx_rng *rng, struct gx_span hdr0, struct gx_span text);

/* Is that the key its author sealed it with?  A key that was disclosed by somebody else is taken only then. */
bool gx_message_key_fits(const struct gx_sealed_head *head, const struct gx_message_key *key, struct gx_span hdr0) GX_MUST_CHECK;

/* Check the key and open.  out: sealed.n - GX_AEAD_TAG_BYTES, of which the first *n are the text.  False: the key is another, the bytes are, or the padding
 * is none; nothing of the text is left in out. */
bool gx_message_open(uint8_t *out, size_t *n, const struct gx_sealed_head *head, const struct gx_message_key *key, struct gx_span hdr0,
                     struct gx_span sealed) GX_MUST_CHECK;

/* Disclose message keys to who asked with the key P, made for this, on a session on which it proved itself.
 *
 *   ct = AEAD(K(DH(x, P), "gx-keys", group_id || X || P), 0, which, MK ...)     x fresh, wiped
 *
 * In:  group    its id.   which: names the events, in the order of the keys.   out: 32 n + GX_AEAD_TAG_BYTES.
 * False when X25519 refuses P. */
bool gx_keys_seal(uint8_t *out, struct gx_dh_pk *x, struct gx_rng *rng, const uint8_t group[32], const struct gx_dh_pk *to, struct gx_span which,
                  const struct gx_message_key *keys, size_t n) GX_MUST_CHECK;
/* keys: n of them, each still to be held against its event (gx_message_key_fits). */
bool gx_keys_open(struct gx_message_key *keys, size_t n, const struct gx_dh_pk *x, const uint8_t group[32], const struct gx_dh_sk *to_sk, struct gx_span which,
                  struct gx_span sealed) GX_MUST_CHECK;

#endif
