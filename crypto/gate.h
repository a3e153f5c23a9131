/* Gates: how two members notice that they share a group, without naming it.  KEYS §11.
 * A gate hides interest; it never gives authority. */
#ifndef GX_CRYPTO_GATE_H
#define GX_CRYPTO_GATE_H

#include "crypto/keys.h"

enum gx_role { GX_ROLE_CLIENT = 0, GX_ROLE_SERVER = 1 };

/* Both ends of one connection.  Client is who connected. */
struct gx_transcript {
    struct gx_curve_pk client_key, server_key;
    struct gx_nonce client_nonce, server_nonce;
};

/* Gate 0 = K(E of CREATE, "gx-gate", ""). */
void gx_gate_zero(struct gx_gate_key *out, const struct gx_dh_pk *create_e);

/* K(gate, "gx-hello-tag", role u8 || client key || server key || client nonce || server nonce)[0..16). */
void gx_gate_tag(struct gx_tag *out, const struct gx_gate_key *gate, enum gx_role role, const struct gx_transcript *t);

/* role u8 || the four fields of the transcript: what session, guest and door proofs sign after their own subject. */
#define GX_TRANSCRIPT_BYTES 129u
void gx_transcript_bytes(uint8_t out[GX_TRANSCRIPT_BYTES], enum gx_role role, const struct gx_transcript *t);

#endif
