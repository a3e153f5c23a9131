#include "crypto/member.h"

#include "crypto/hash.h"
#include "crypto/sign.h"

#include <sodium.h>

void gx_dh_public(struct gx_dh_pk *pk, const struct gx_dh_sk *sk)
{
    int rc = crypto_scalarmult_base(pk->b, sk->b);
    GX_ASSERT(rc == 0);
}

bool gx_dh(uint8_t out[32], const struct gx_dh_sk *sk, const struct gx_dh_pk *pk)
{
    return crypto_scalarmult(out, sk->b, pk->b) == 0;
}

/* X25519 clamps every scalar to a multiple of 8, so it gives zero for points of small order, whoever asks, and for no others: 0, 1, p - 1, the two of
 * order 8, and p and p + 1, which stand for 0 and 1.  It ignores the highest bit.  To compare costs a thousandth of asking it, and each member of a
 * group brings two such keys. */
bool gx_dh_usable(const struct gx_dh_pk *pk)
{
    static const uint8_t order_8[2][32] = {
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
         0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
         0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    };
    const uint8_t highest = pk->b[31] & 0x7f;
    uint8_t middle_and = 0xff, middle_or = 0;

    for (size_t i = 0; i < GX_ARRAY_LEN(order_8); i++)
        if (memcmp(pk->b, order_8[i], 31) == 0 && highest == order_8[i][31])
            return false;
    for (size_t i = 1; i < 31; i++) {
        middle_and &= pk->b[i];
        middle_or |= pk->b[i];
    }
    if (middle_or == 0 && highest == 0)
        return pk->b[0] > 1;
    return middle_and != 0xff || highest != 0x7f || pk->b[0] < 0xec || pk->b[0] > 0xee;
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
