/* Beacons: how those who have a key find each other on a LAN, and nobody else.  KEYS §12. */
#ifndef GX_CRYPTO_LAN_H
#define GX_CRYPTO_LAN_H

#include "crypto/keys.h"

struct gx_rng;

/* What a tag, a capsule and an answer are bound to: R[32] || address[19] || slot u32 of the beacon (proto/lan.h writes it). */
#define GX_LAN_SAID_BYTES 55u
struct gx_lan_said { uint8_t b[GX_LAN_SAID_BYTES]; };

struct gx_lan_tag { uint8_t b[8]; };

/* B = K(gate, "gx-beacon", ""). */
void gx_lan_key_of_gate(struct gx_lan_key *out, const struct gx_gate_key *gate);
/* bk itself. */
void gx_lan_key_of_invite(struct gx_lan_key *out, const struct gx_invite_lan_key *bk);

void gx_lan_tag(struct gx_lan_tag *out, const struct gx_lan_key *key, const struct gx_lan_said *said);

/* A device names itself under a key that others may have, too. */
#define GX_LAN_CAPSULE_BYTES 112u           /* D_pk[32] | sig[64], sealed */
struct gx_lan_capsule {
    struct gx_lan_tag tag;                  /* the old tag */
    uint8_t sealed[GX_LAN_CAPSULE_BYTES];
};
/* The group_id of a code: group16, and zeroes. */
void gx_lan_code_id(uint8_t out[32], const uint8_t group16[16]);
void gx_lan_capsule_seal(struct gx_lan_capsule *out, const struct gx_lan_key *key, const struct gx_lan_said *said, const uint8_t group_id[32],
                         const struct gx_sign_pk *device, const struct gx_sign_sk *device_sk);
/* False: it was made under another key, from elsewhere or at another time; or the device did not sign it. */
bool gx_lan_capsule_open(struct gx_sign_pk *device, const struct gx_lan_capsule *capsule, const struct gx_lan_key *key, const struct gx_lan_said *said,
                         const uint8_t group_id[32]) GX_MUST_CHECK;

/* What somebody who recognised a beacon answers. */
#define GX_LAN_PLACE_BYTES 64u
struct gx_lan_sealed {
    struct gx_dh_pk y;
    uint8_t bytes[GX_LAN_PLACE_BYTES + 16u];        /* and the AEAD's tag */
};
/* False: R is a point that X25519 refuses. */
bool gx_lan_answer_seal(struct gx_lan_sealed *out, struct gx_rng *rng, const struct gx_lan_key *key, const struct gx_lan_said *said,
                        const uint8_t place[GX_LAN_PLACE_BYTES]) GX_MUST_CHECK;
/* r: the secret of the beacon.  False: it is no answer to that beacon under that key. */
bool gx_lan_answer_open(uint8_t place[GX_LAN_PLACE_BYTES], const struct gx_lan_sealed *answer, const struct gx_lan_key *key, const struct gx_lan_said *said,
                        const struct gx_dh_sk *r) GX_MUST_CHECK;

#endif
