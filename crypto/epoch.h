/* Epochs: a secret that one device seals to each live device of a group, and what follows from it.  KEYS §5.
 *
 * Whoever can open an epoch can compute every sender's keys under it: an epoch hides, and the signature over the event says who speaks. */
#ifndef GX_CRYPTO_EPOCH_H
#define GX_CRYPTO_EPOCH_H

#include "crypto/gate.h"
#include "crypto/rng.h"

/* H("gx-ctx", hdr0): what a body is tied to, the header before body_hash.  KEYS §3 */
struct gx_context { uint8_t b[32]; };
void gx_context_of(struct gx_context *out, struct gx_span hdr0);

#define GX_EPOCH_LOG_BYTES 8u           /* of a log id, in a slot */
#define GX_EPOCH_SLOT_BYTES 56u         /* log_id[0..8) | ct[48] */

/* Whom an epoch is for: the message log of a live device, and that device's newest prekey. */
struct gx_epoch_to {
    uint8_t log[16];
    struct gx_dh_pk prekey;
};

/* The public fields of an EPOCH but for its slots. */
struct gx_epoch_head {
    struct gx_dh_pk x;                  /* X: made for this epoch, its secret is wiped */
    uint8_t conf[32];                   /* shows who opens a slot that all slots are those the author made */
    struct gx_dh_pk prekey;             /* P_a: the author's next prekey */
};

struct gx_epoch_key { uint8_t b[32]; };         /* ex: of one epoch, the same for all */
struct gx_chain_key { uint8_t b[32]; };         /* CK: of one sender under one epoch, moves on with each message */

/* Seal a new epoch.
 *
 * In:  context  of the EPOCH event, whose body has n slots.
 *      prekey   P_a, which goes into the body.
 *      to, n    log ids strictly ascending by their first 8 bytes; 1 to 2,000 (asserted).
 * Out: slots    n x GX_EPOCH_SLOT_BYTES, in the order of `to`.
 *      key      ex; the caller wipes it.
 * False when X25519 refuses a prekey: its event should never have been accepted. */
bool gx_epoch_seal(struct gx_epoch_key *key, struct gx_epoch_head *head, uint8_t *slots, struct gx_rng *rng, const struct gx_context *context,
                   const struct gx_dh_pk *prekey, const struct gx_epoch_to *to, size_t n) GX_MUST_CHECK;

/* Open the slot of log `log` with the pair of the prekey it was sealed to.  False: there is no slot of that log, it does not open, or conf does not
 * match, because the author gave this one another secret or others other slots.  Nothing is left in *key then. */
bool gx_epoch_open(struct gx_epoch_key *key, const struct gx_epoch_head *head, struct gx_span slots, const struct gx_context *context, const uint8_t log[16],
                   const struct gx_dh_pk *prekey, const struct gx_dh_sk *prekey_sk) GX_MUST_CHECK;

/* Is there a slot of that log? */
bool gx_epoch_lists(struct gx_span slots, const uint8_t log[16]);

/* CK[log][0] = K(ex, "gx-chain-0", log id). */
void gx_epoch_chain(struct gx_chain_key *out, const struct gx_epoch_key *key, const uint8_t log[16]);
/* G = K(ex, "gx-gate", ""). */
void gx_epoch_gate(struct gx_gate_key *out, const struct gx_epoch_key *key);

#endif
