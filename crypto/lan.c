#include "crypto/lan.h"

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/member.h"
#include "crypto/rng.h"
#include "crypto/sign.h"

struct capsule_key { uint8_t b[32]; };
struct answer_key { uint8_t b[32]; };

struct capsule {
    struct gx_sign_pk device;
    struct gx_sig sig;
};
static_assert(sizeof(struct capsule) + GX_AEAD_TAG_BYTES == GX_LAN_CAPSULE_BYTES, "a capsule is a device and its signature");

#define SIGNED_BYTES (32u + GX_LAN_SAID_BYTES)

void gx_lan_key_of_gate(struct gx_lan_key *out, const struct gx_gate_key *gate)
{
    gx_hash_keyed(out->b, "gx-beacon", gx_span(gate->b, sizeof gate->b), gx_span(NULL, 0));
}

void gx_lan_key_of_invite(struct gx_lan_key *out, const struct gx_invite_lan_key *bk)
{
    static_assert(sizeof out->b == sizeof bk->b, "bk is a key of this kind");
    memcpy(out->b, bk->b, sizeof out->b);
}

static void tag(struct gx_lan_tag *out, const char *label, const struct gx_lan_key *key, const struct gx_lan_said *said)
{
    uint8_t full[32];

    gx_hash_keyed(full, label, gx_span(key->b, sizeof key->b), gx_span(said->b, sizeof said->b));
    memcpy(out->b, full, sizeof out->b);
}

void gx_lan_tag(struct gx_lan_tag *out, const struct gx_lan_key *key, const struct gx_lan_said *said)
{
    tag(out, "gx-lan-tag", key, said);
}

static void signed_bytes(uint8_t out[SIGNED_BYTES], const uint8_t group_id[32], const struct gx_lan_said *said)
{
    memcpy(out, group_id, 32);
    memcpy(out + 32, said->b, sizeof said->b);
}

void gx_lan_code_id(uint8_t out[32], const uint8_t group16[16])
{
    memset(out, 0, 32);
    memcpy(out, group16, 16);
}

void gx_lan_capsule_seal(struct gx_lan_capsule *out, const struct gx_lan_key *key, const struct gx_lan_said *said, const uint8_t group_id[32],
                         const struct gx_sign_pk *device, const struct gx_sign_sk *device_sk)
{
    struct capsule plain = {.device = *device};
    struct capsule_key k;
    uint8_t bytes[SIGNED_BYTES];

    signed_bytes(bytes, group_id, said);
    gx_sign(&plain.sig, device_sk, GX_DOMAIN_BEACON, gx_span(bytes, sizeof bytes));
    tag(&out->tag, "gx-lan-old", key, said);
    gx_hash_keyed(k.b, "gx-lan-capsule", gx_span(key->b, sizeof key->b), gx_span(said->b, sizeof said->b));
    gx_aead_seal(out->sealed, k.b, &gx_aead_nonce_zero, gx_span(NULL, 0), gx_span(&plain, sizeof plain));
    gx_wipe(&k, sizeof k);
}

bool gx_lan_capsule_open(struct gx_sign_pk *device, const struct gx_lan_capsule *capsule, const struct gx_lan_key *key, const struct gx_lan_said *said,
                         const uint8_t group_id[32])
{
    struct gx_lan_tag expected;
    struct capsule plain;
    struct capsule_key k;
    uint8_t bytes[SIGNED_BYTES];
    bool ok = false;

    memset(device, 0, sizeof *device);
    tag(&expected, "gx-lan-old", key, said);
    if (memcmp(expected.b, capsule->tag.b, sizeof expected.b) != 0)
        return false;
    gx_hash_keyed(k.b, "gx-lan-capsule", gx_span(key->b, sizeof key->b), gx_span(said->b, sizeof said->b));
    ok = gx_aead_open((uint8_t *)&plain, k.b, &gx_aead_nonce_zero, gx_span(NULL, 0), gx_span(capsule->sealed, sizeof capsule->sealed));
    gx_wipe(&k, sizeof k);
    signed_bytes(bytes, group_id, said);
    if (!ok || !gx_verify(&plain.device, GX_DOMAIN_BEACON, gx_span(bytes, sizeof bytes), &plain.sig))
        return false;
    *device = plain.device;
    return true;
}

/* Sealed to R as well as under B: an old B is known to who is out. */
static bool answer_key(struct answer_key *out, const struct gx_dh_sk *own, const struct gx_dh_pk *other, const struct gx_dh_pk *y, const struct gx_lan_key *key,
                       const struct gx_lan_said *said)
{
    uint8_t shared[32];
    struct gx_hasher h;
    bool ok = gx_dh(shared, own, other);

    memset(out, 0, sizeof *out);
    if (ok) {
        gx_hash_begin_keyed(&h, "gx-lan-answer", gx_span(key->b, sizeof key->b));
        gx_hash_add(&h, shared, sizeof shared);
        gx_hash_add(&h, y->b, sizeof y->b);
        gx_hash_add(&h, said->b, sizeof said->b);
        gx_hash_end(&h, out->b);
    }
    gx_wipe(shared, sizeof shared);
    return ok;
}

bool gx_lan_answer_seal(struct gx_lan_sealed *out, struct gx_rng *rng, const struct gx_lan_key *key, const struct gx_lan_said *said,
                        const uint8_t place[GX_LAN_PLACE_BYTES])
{
    struct gx_dh_pk r;
    struct gx_dh_sk y;
    struct answer_key k;
    bool ok = false;

    memcpy(r.b, said->b, sizeof r.b);
    gx_rng_fill(rng, y.b, sizeof y.b);
    gx_dh_public(&out->y, &y);
    ok = answer_key(&k, &y, &r, &out->y, key, said);
    if (ok)
        gx_aead_seal(out->bytes, k.b, &gx_aead_nonce_zero, gx_span(NULL, 0), gx_span(place, GX_LAN_PLACE_BYTES));
    gx_wipe(&y, sizeof y);
    gx_wipe(&k, sizeof k);
    return ok;
}

bool gx_lan_answer_open(uint8_t place[GX_LAN_PLACE_BYTES], const struct gx_lan_sealed *answer, const struct gx_lan_key *key, const struct gx_lan_said *said,
                        const struct gx_dh_sk *r)
{
    struct answer_key k;
    bool ok = answer_key(&k, r, &answer->y, &answer->y, key, said);

    memset(place, 0, GX_LAN_PLACE_BYTES);
    ok = ok && gx_aead_open(place, k.b, &gx_aead_nonce_zero, gx_span(NULL, 0), gx_span(answer->bytes, sizeof answer->bytes));
    gx_wipe(&k, sizeof k);
    return ok;
}
