/* One struct type per meaning of a key, so that the compiler reviews every call.  KEYS §0 to §11.
 *
 * All are plain bytes.  Types named _sk, _seed, _secret, _key hold secrets: whoever fills one wipes it with gx_wipe
 * in the function where its use ends. */
#ifndef GX_CRYPTO_KEYS_H
#define GX_CRYPTO_KEYS_H

#include "crypto/base.h"

struct gx_hash { uint8_t b[32]; };

struct gx_sign_seed { uint8_t b[32]; };      /* Ed25519 seed */
struct gx_sign_pk { uint8_t b[32]; };
struct gx_sign_sk { uint8_t b[64]; };        /* libsodium's form: seed || public key */
struct gx_sig { uint8_t b[64]; };

struct gx_dh_pk { uint8_t b[32]; };          /* X25519: prekeys, card keys, recovery key, E of a membership */
struct gx_dh_sk { uint8_t b[32]; };
struct gx_curve_pk { uint8_t b[32]; };       /* ZeroMQ CURVE, raw (not Z85): transport keys and doors */
struct gx_curve_sk { uint8_t b[32]; };

struct gx_recovery { uint8_t b[32]; };             /* shown once as 24 words, then wiped */
struct gx_device_seed { uint8_t b[32]; };          /* every device key of this node comes from it */
struct gx_incarnation_secret { uint8_t b[32]; };   /* lives in a file that backups leave out */
struct gx_incarnation { uint8_t b[8]; };           /* inc_g: public, one per group and incarnation */
struct gx_token_seed { uint8_t b[16]; };           /* the secret inside a QR code */
struct gx_invite_lan_key { uint8_t b[32]; };       /* bk: every member has it, none can spend the token with it */
struct gx_gate_key { uint8_t b[32]; };
struct gx_lan_key { uint8_t b[32]; };              /* B: by which those who have it find each other on a LAN */
struct gx_nonce { uint8_t b[32]; };                /* fresh per session and side */
struct gx_tag { uint8_t b[16]; };                  /* a gate's tag in a HELLO */

void gx_wipe(void *p, size_t n);

/* Compare secrets, or anything a stranger may probe, in constant time. */
bool gx_equal_ct(const void *a, const void *b, size_t n) GX_MUST_CHECK;

#endif
