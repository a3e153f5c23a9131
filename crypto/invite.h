/* What follows from the seed of an invitation.  KEYS §8. */
#ifndef GX_CRYPTO_INVITE_H
#define GX_CRYPTO_INVITE_H

#include "crypto/keys.h"

struct gx_token_keys {
    struct gx_sign_pk pk;           /* T_pk: stands in the TOKEN operation */
    struct gx_sign_sk sk;           /* T: proves possession of the code without sending it */
    struct gx_invite_lan_key lan;   /* bk */
};

/* T = ED(K(seed, "gx-token-sign", group16)); bk = K(seed, "gx-invite-lan", group16). */
void gx_token_keys_make(struct gx_token_keys *out, const struct gx_token_seed *seed, const uint8_t group16[16]);

/* The guests' door of a token: X25519 secret K(bk, "gx-invite-door", "").  Every member can open it. */
void gx_door_keys_make(struct gx_curve_pk *pk, struct gx_curve_sk *sk, const struct gx_invite_lan_key *lan);

#endif
