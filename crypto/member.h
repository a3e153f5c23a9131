/* A member and a device in one group: fresh keys that link to nothing else.  KEYS §2. */
#ifndef GX_CRYPTO_MEMBER_H
#define GX_CRYPTO_MEMBER_H

#include "crypto/keys.h"

/* The public keys a founder or joiner introduces itself with.  Encoded in this order: 200 bytes (WIRE §4.1). */
struct gx_intro {
    struct gx_dh_pk e;                 /* E: with the words, recomputes member */
    struct gx_sign_pk member;          /* M_pk: the member root; its secret is on no device */
    struct gx_sign_pk device;          /* D_pk */
    struct gx_sig cert;                /* SIG(M, "device", E || M_pk || D_pk) */
    struct gx_incarnation incarnation; /* inc_g */
    struct gx_dh_pk prekey;            /* P: first prekey */
};

/* Make the intro of a new membership.
 *
 * In:  e_sk     32 fresh random bytes, wiped by the caller afterwards: with them anyone could speak as the member root.
 *      recovery R_pk of the person.
 *      prekey   public half of the first prekey, made by the caller. */
void gx_intro_make(struct gx_intro *out, const struct gx_dh_sk *e_sk, const struct gx_dh_pk *recovery,
                   const struct gx_device_seed *seed, const struct gx_incarnation_secret *inc, const struct gx_dh_pk *prekey);

/* The device key of this node in the group whose membership has E = `e`: D = ED(K(device seed, "gx-device", E)). */
void gx_device_key(struct gx_sign_pk *pk, struct gx_sign_sk *sk, const struct gx_device_seed *seed, const struct gx_dh_pk *e);

/* inc_g = K(incarnation secret, "gx-incarnation", D_pk)[0..8). */
void gx_incarnation_of(struct gx_incarnation *out, const struct gx_incarnation_secret *secret, const struct gx_sign_pk *device);

/* The bytes the certificate signs: E || M_pk || D_pk. */
void gx_intro_cert_bytes(uint8_t out[96], const struct gx_intro *intro);

/* A prekey pair from a random secret (clamped by X25519). */
void gx_dh_public(struct gx_dh_pk *pk, const struct gx_dh_sk *sk);
/* X25519 of the two: 32 bytes that the caller wipes.  False, and zeroes, for a key that it refuses. */
bool gx_dh(uint8_t out[32], const struct gx_dh_sk *sk, const struct gx_dh_pk *pk) GX_MUST_CHECK;
/* False for keys X25519 refuses (small order): such a prekey makes its event invalid, for all nodes alike.  KEYS §4. */
bool gx_dh_usable(const struct gx_dh_pk *pk) GX_MUST_CHECK;

#endif
