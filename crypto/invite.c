#include "crypto/invite.h"

#include "crypto/hash.h"
#include "crypto/sign.h"

#include <sodium.h>

void gx_token_keys_make(struct gx_token_keys *out, const struct gx_token_seed *seed, const uint8_t group16[16])
{
    struct gx_sign_seed t;

    gx_hash_keyed(t.b, "gx-token-sign", gx_span(seed->b, sizeof seed->b), gx_span(group16, 16));
    gx_sign_keypair(&out->pk, &out->sk, &t);
    gx_wipe(&t, sizeof t);

    gx_hash_keyed(out->lan.b, "gx-invite-lan", gx_span(seed->b, sizeof seed->b), gx_span(group16, 16));
}

void gx_door_keys_make(struct gx_curve_pk *pk, struct gx_curve_sk *sk, const struct gx_invite_lan_key *lan)
{
    gx_hash_keyed(sk->b, "gx-invite-door", gx_span(lan->b, sizeof lan->b), gx_span(NULL, 0));
    int rc = crypto_scalarmult_base(pk->b, sk->b);
    GX_ASSERT(rc == 0);
}
