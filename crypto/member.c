#include "crypto/member.h"

#include "crypto/hash.h"
#include "crypto/sign.h"

#include <sodium.h>

void gx_dh_public(struct gx_dh_pk *pk, const struct gx_dh_sk *sk)
{
    int rc = crypto_scalarmult_base(pk->b, sk->b);
    GX_ASSERT(rc == 0);
}

bool gx_dh_usable(const struct gx_dh_pk *pk)
{
    /* X25519 clamps every scalar to a multiple of 8, so a point of small order gives zero, and is refused, with each of
     * them.  One public scalar therefore answers for all the secrets anybody may hold. */
    static const uint8_t one[32] = {1};
    uint8_t shared[32];

    return crypto_scalarmult(shared, one, pk->b) == 0;
}

/* KEYS §2: M = ED(K(DH(e, R_pk), "gx-member-root", E || R_pk)).  With the words the same comes from DH(r, E). */
static void member_root(struct gx_sign_pk *pk, struct gx_sign_sk *sk, const struct gx_dh_sk *e_sk, const struct gx_dh_pk *e,
                        const struct gx_dh_pk *recovery)
{
    uint8_t shared[32];
    struct gx_hasher h;
    struct gx_sign_seed m;

    /* R_pk is this node's own and came out of X25519: a refusal is our mistake, not a stranger's. */
    int rc = crypto_scalarmult(shared, e_sk->b, recovery->b);
    GX_ASSERT(rc == 0);

    gx_hash_begin_keyed(&h, "gx-member-root", gx_span(shared, sizeof shared));
    gx_hash_add(&h, e->b, sizeof e->b);
    gx_hash_add(&h, recovery->b, sizeof recovery->b);
    gx_hash_end(&h, m.b);
    gx_sign_keypair(pk, sk, &m);

    gx_wipe(shared, sizeof shared);
    gx_wipe(&m, sizeof m);
}

void gx_device_key(struct gx_sign_pk *pk, struct gx_sign_sk *sk, const struct gx_device_seed *seed, const struct gx_dh_pk *e)
{
    struct gx_sign_seed d;

    gx_hash_keyed(d.b, "gx-device", gx_span(seed->b, sizeof seed->b), gx_span(e->b, sizeof e->b));
    gx_sign_keypair(pk, sk, &d);
    gx_wipe(&d, sizeof d);
}

void gx_incarnation_of(struct gx_incarnation *out, const struct gx_incarnation_secret *secret, const struct gx_sign_pk *device)
{
    uint8_t full[32];

    gx_hash_keyed(full, "gx-incarnation", gx_span(secret->b, sizeof secret->b), gx_span(device->b, sizeof device->b));
    memcpy(out->b, full, sizeof out->b);
    /* The other 24 bytes were never meant to be known. */
    gx_wipe(full, sizeof full);
}

void gx_intro_cert_bytes(uint8_t out[96], const struct gx_intro *intro)
{
    memcpy(out, intro->e.b, 32);
    memcpy(out + 32, intro->member.b, 32);
    memcpy(out + 64, intro->device.b, 32);
}

void gx_intro_make(struct gx_intro *out, const struct gx_dh_sk *e_sk, const struct gx_dh_pk *recovery,
                   const struct gx_device_seed *seed, const struct gx_incarnation_secret *inc, const struct gx_dh_pk *prekey)
{
    struct gx_sign_sk member_sk, device_sk;
    uint8_t cert[96];

    gx_dh_public(&out->e, e_sk);
    member_root(&out->member, &member_sk, e_sk, &out->e, recovery);
    gx_device_key(&out->device, &device_sk, seed, &out->e);
    gx_wipe(&device_sk, sizeof device_sk);

    gx_intro_cert_bytes(cert, out);
    gx_sign(&out->cert, &member_sk, GX_DOMAIN_DEVICE, gx_span(cert, sizeof cert));
    /* From here on nothing on this machine can speak as the member root. */
    gx_wipe(&member_sk, sizeof member_sk);

    gx_incarnation_of(&out->incarnation, inc, &out->device);
    out->prekey = *prekey;
}
