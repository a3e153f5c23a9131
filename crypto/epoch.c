#include "crypto/epoch.h"

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/member.h"

#define SLOTS_MAX 2000u

struct slot_key { uint8_t b[32]; };
struct epoch_secret { uint8_t b[32]; };

static_assert(GX_EPOCH_SLOT_BYTES == GX_EPOCH_LOG_BYTES + 32 + GX_AEAD_TAG_BYTES, "a slot is a name and a sealed secret");

void gx_context_of(struct gx_context *out, struct gx_span hdr0)
{
    gx_hash(out->b, "gx-ctx", hdr0);
}

/* K(DH(x, P), "gx-epoch-slot", ctx || X || P || log id): `sk` and `other` are x and P on one side, p and X on the other. */
static bool slot_key(struct slot_key *out, const struct gx_dh_sk *sk, const struct gx_dh_pk *other, const struct gx_context *context,
                     const struct gx_dh_pk *x, const struct gx_epoch_to *to)
{
    uint8_t shared[32];
    struct gx_hasher h;
    bool ok = gx_dh(shared, sk, other);

    memset(out, 0, sizeof *out);
    if (ok) {
        gx_hash_begin_keyed(&h, "gx-epoch-slot", gx_span(shared, sizeof shared));
        gx_hash_add(&h, context->b, sizeof context->b);
        gx_hash_add(&h, x->b, sizeof x->b);
        gx_hash_add(&h, to->prekey.b, sizeof to->prekey.b);
        gx_hash_add(&h, to->log, sizeof to->log);
        gx_hash_end(&h, out->b);
    }
    gx_wipe(shared, sizeof shared);
    return ok;
}

/* ex binds everything that was said beside the secret, so that two who open different slots of one event come to one key or to none. */
static void epoch_key(struct gx_epoch_key *out, const struct epoch_secret *es, const struct gx_context *context, const struct gx_epoch_head *head,
                      struct gx_span slots)
{
    struct gx_hasher h;
    uint8_t all[32];

    gx_hash(all, "gx-epoch-slots", slots);
    gx_hash_begin_keyed(&h, "gx-epoch-root", gx_span(es->b, sizeof es->b));
    gx_hash_add(&h, context->b, sizeof context->b);
    gx_hash_add(&h, head->x.b, sizeof head->x.b);
    gx_hash_add(&h, head->prekey.b, sizeof head->prekey.b);
    gx_hash_add(&h, all, sizeof all);
    gx_hash_end(&h, out->b);
}

static void confirmation(uint8_t out[32], const struct gx_epoch_key *key)
{
    gx_hash_keyed(out, "gx-epoch-conf", gx_span(key->b, sizeof key->b), gx_span(NULL, 0));
}

static bool seal_slot(uint8_t slot[GX_EPOCH_SLOT_BYTES], const struct gx_dh_sk *x_sk, const struct gx_context *context, const struct gx_dh_pk *x,
                      const struct gx_epoch_to *to, const struct epoch_secret *es)
{
    struct slot_key k;
    bool ok = slot_key(&k, x_sk, &to->prekey, context, x, to);

    memcpy(slot, to->log, GX_EPOCH_LOG_BYTES);
    if (ok)
        gx_aead_seal(slot + GX_EPOCH_LOG_BYTES, k.b, &gx_aead_nonce_zero, gx_span(context->b, sizeof context->b), gx_span(es->b, sizeof es->b));
    gx_wipe(&k, sizeof k);
    return ok;
}

bool gx_epoch_seal(struct gx_epoch_key *key, struct gx_epoch_head *head, uint8_t *slots, struct gx_rng *rng, const struct gx_context *context,
                   const struct gx_dh_pk *prekey, const struct gx_epoch_to *to, size_t n)
{
    struct gx_dh_sk x_sk;
    struct epoch_secret es;
    bool ok = true;

    GX_ASSERT(n >= 1 && n <= SLOTS_MAX);
    gx_rng_fill(rng, x_sk.b, sizeof x_sk.b);
    gx_rng_fill(rng, es.b, sizeof es.b);
    gx_dh_public(&head->x, &x_sk);
    head->prekey = *prekey;
    for (size_t i = 0; i < n && ok; i++) {
        GX_ASSERT(i == 0 || memcmp(to[i - 1].log, to[i].log, GX_EPOCH_LOG_BYTES) < 0);
        ok = seal_slot(slots + i * GX_EPOCH_SLOT_BYTES, &x_sk, context, &head->x, &to[i], &es);
    }
    memset(key, 0, sizeof *key);
    if (ok) {
        epoch_key(key, &es, context, head, gx_span(slots, n * GX_EPOCH_SLOT_BYTES));
        confirmation(head->conf, key);
    }
    gx_wipe(&x_sk, sizeof x_sk);
    gx_wipe(&es, sizeof es);
    return ok;
}

static const uint8_t *find_slot(struct gx_span slots, const uint8_t log[16])
{
    size_t low = 0, high = slots.n / GX_EPOCH_SLOT_BYTES;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const uint8_t *slot = slots.p + middle * GX_EPOCH_SLOT_BYTES;
        int order = memcmp(slot, log, GX_EPOCH_LOG_BYTES);

        if (order == 0)
            return slot;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool gx_epoch_lists(struct gx_span slots, const uint8_t log[16])
{
    return find_slot(slots, log) != NULL;
}

bool gx_epoch_open(struct gx_epoch_key *key, const struct gx_epoch_head *head, struct gx_span slots, const struct gx_context *context, const uint8_t log[16],
                   const struct gx_dh_pk *prekey, const struct gx_dh_sk *prekey_sk)
{
    const uint8_t *slot = find_slot(slots, log);
    struct gx_epoch_to me = {.prekey = *prekey};
    struct slot_key k;
    struct epoch_secret es;
    uint8_t conf[32];
    bool ok = false;

    memset(key, 0, sizeof *key);
    memcpy(me.log, log, sizeof me.log);
    if (slot == NULL || !slot_key(&k, prekey_sk, &head->x, context, &head->x, &me))
        return false;
    if (gx_aead_open(es.b, k.b, &gx_aead_nonce_zero, gx_span(context->b, sizeof context->b),
                     gx_span(slot + GX_EPOCH_LOG_BYTES, GX_EPOCH_SLOT_BYTES - GX_EPOCH_LOG_BYTES))) {
        epoch_key(key, &es, context, head, slots);
        confirmation(conf, key);
        ok = gx_equal_ct(conf, head->conf, sizeof conf);
        gx_wipe(&es, sizeof es);
    }
    if (!ok)
        gx_wipe(key, sizeof *key);
    gx_wipe(&k, sizeof k);
    return ok;
}

void gx_epoch_chain(struct gx_chain_key *out, const struct gx_epoch_key *key, const uint8_t log[16])
{
    gx_hash_keyed(out->b, "gx-chain-0", gx_span(key->b, sizeof key->b), gx_span(log, 16));
}

void gx_epoch_gate(struct gx_gate_key *out, const struct gx_epoch_key *key)
{
    gx_hash_keyed(out->b, "gx-gate", gx_span(key->b, sizeof key->b), gx_span(NULL, 0));
}
