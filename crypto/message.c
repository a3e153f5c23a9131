#include "crypto/message.h"

#include "crypto/hash.h"
#include "crypto/member.h"

#define PAD_FIRST 64u
#define PAD_STEP 1024u
#define PAD_MARK 0x80u          /* ISO/IEC 7816-4: the mark, then zeroes */

struct seal_key { uint8_t b[32]; };

void gx_chain_step(struct gx_message_key *out, struct gx_chain_key *chain)
{
    struct gx_chain_key next;

    gx_hash_keyed(out->b, "gx-msg", gx_span(chain->b, sizeof chain->b), gx_span(NULL, 0));
    gx_hash_keyed(next.b, "gx-chain-next", gx_span(chain->b, sizeof chain->b), gx_span(NULL, 0));
    *chain = next;
    gx_wipe(&next, sizeof next);
}

size_t gx_sealed_padded(size_t n)
{
    size_t padded = PAD_FIRST;

    while (padded <= n && padded < PAD_STEP)
        padded *= 2;
    return padded > n ? padded : (n / PAD_STEP + 1) * PAD_STEP;
}

/* --- one message ------------------------------------------------------------------------------------------------------------------- */

/* aad = hdr0 || epoch id || n, of which all but hdr0 is short. */
static void put_place(uint8_t out[36], const struct gx_sealed_head *head)
{
    memcpy(out, head->epoch, 32);
    for (unsigned i = 0; i < 4; i++)
        out[32 + i] = (uint8_t)(head->n >> (8 * i));
}

static void commitment(uint8_t out[32], const struct gx_sealed_head *head, const struct gx_message_key *key, struct gx_span hdr0)
{
    uint8_t place[36];
    struct gx_hasher h;

    put_place(place, head);
    gx_hash_begin_keyed(&h, "gx-msg-commit", gx_span(key->b, sizeof key->b));
    gx_hash_add(&h, hdr0.p, hdr0.n);
    gx_hash_add(&h, place, sizeof place);
    gx_hash_add(&h, head->nonce.b, sizeof head->nonce.b);
    gx_hash_end(&h, out);
}

/* The text hangs on hdr0 and its place by the commitment, which holds both and the nonce: one fixed length instead of a header of up to 8 KB. */
static void seal_key(struct seal_key *out, const struct gx_message_key *key)
{
    gx_hash_keyed(out->b, "gx-msg-key", gx_span(key->b, sizeof key->b), gx_span(NULL, 0));
}

void gx_message_seal(uint8_t *out, struct gx_sealed_head *head, const struct gx_message_key *key, struct gx_rng *rng, struct gx_span hdr0, struct gx_span text)
{
    size_t padded = gx_sealed_padded(text.n);
    uint8_t fresh[32], nonce[32];
    struct gx_hasher h;
    struct seal_key ek;

    /* From the text too: a generator that repeats itself, or a clone of this machine, does not seal two texts with one nonce. */
    gx_rng_fill(rng, fresh, sizeof fresh);
    gx_hash_begin_keyed(&h, "gx-msg-nonce", gx_span(key->b, sizeof key->b));
    gx_hash_add(&h, fresh, sizeof fresh);
    gx_hash_add(&h, text.p, text.n);
    gx_hash_end(&h, nonce);
    memcpy(head->nonce.b, nonce, sizeof head->nonce.b);
    commitment(head->commit, head, key, hdr0);

    if (text.n > 0)
        memmove(out, text.p, text.n);
    out[text.n] = PAD_MARK;
    memset(out + text.n + 1, 0, padded - text.n - 1);
    seal_key(&ek, key);
    gx_aead_seal(out, ek.b, &head->nonce, gx_span(head->commit, sizeof head->commit), gx_span(out, padded));
    gx_wipe(&ek, sizeof ek);
    gx_wipe(fresh, sizeof fresh);
    gx_wipe(nonce, sizeof nonce);
}

bool gx_message_key_fits(const struct gx_sealed_head *head, const struct gx_message_key *key, struct gx_span hdr0)
{
    uint8_t expected[32];

    commitment(expected, head, key, hdr0);
    return gx_equal_ct(expected, head->commit, sizeof expected);
}

/* The mark's place: one encoding of a text, so padding that is longer than it has to be is none. */
static bool unpad(size_t *n, const uint8_t *text, size_t padded)
{
    size_t at = padded;

    while (at > 0 && text[at - 1] == 0)
        at--;
    if (at == 0 || text[at - 1] != PAD_MARK || gx_sealed_padded(at - 1) != padded)
        return false;
    *n = at - 1;
    return true;
}

bool gx_message_open(uint8_t *out, size_t *n, const struct gx_sealed_head *head, const struct gx_message_key *key, struct gx_span hdr0, struct gx_span sealed)
{
    struct seal_key ek;
    bool ok = gx_message_key_fits(head, key, hdr0);

    *n = 0;
    if (!ok)
        return false;
    seal_key(&ek, key);
    ok = gx_aead_open(out, ek.b, &head->nonce, gx_span(head->commit, sizeof head->commit), sealed);
    gx_wipe(&ek, sizeof ek);
    if (ok && !unpad(n, out, sealed.n - GX_AEAD_TAG_BYTES)) {
        gx_wipe(out, sealed.n - GX_AEAD_TAG_BYTES);
        ok = false;
    }
    return ok;
}

/* --- disclosure -------------------------------------------------------------------------------------------------------------------- */

static bool keys_key(struct seal_key *out, const struct gx_dh_sk *sk, const struct gx_dh_pk *other, const uint8_t group[32], const struct gx_dh_pk *x,
                     const struct gx_dh_pk *prekey)
{
    uint8_t shared[32];
    struct gx_hasher h;
    bool ok = gx_dh(shared, sk, other);

    memset(out, 0, sizeof *out);
    if (ok) {
        gx_hash_begin_keyed(&h, "gx-keys", gx_span(shared, sizeof shared));
        gx_hash_add(&h, group, 32);
        gx_hash_add(&h, x->b, sizeof x->b);
        gx_hash_add(&h, prekey->b, sizeof prekey->b);
        gx_hash_end(&h, out->b);
    }
    gx_wipe(shared, sizeof shared);
    return ok;
}

bool gx_keys_seal(uint8_t *out, struct gx_dh_pk *x, struct gx_rng *rng, const uint8_t group[32], const struct gx_dh_pk *to, struct gx_span which,
                  const struct gx_message_key *keys, size_t n)
{
    struct gx_dh_sk x_sk;
    struct seal_key k;
    bool ok = false;

    gx_rng_fill(rng, x_sk.b, sizeof x_sk.b);
    gx_dh_public(x, &x_sk);
    ok = keys_key(&k, &x_sk, to, group, x, to);
    if (ok)
        gx_aead_seal(out, k.b, &gx_aead_nonce_zero, which, gx_span(keys, n * sizeof *keys));
    gx_wipe(&x_sk, sizeof x_sk);
    gx_wipe(&k, sizeof k);
    return ok;
}

bool gx_keys_open(struct gx_message_key *keys, size_t n, const struct gx_dh_pk *x, const uint8_t group[32], const struct gx_dh_sk *to_sk, struct gx_span which,
                  struct gx_span sealed)
{
    struct gx_dh_pk to;
    struct seal_key k;
    bool ok = false;

    if (sealed.n != n * sizeof *keys + GX_AEAD_TAG_BYTES)
        return false;
    gx_dh_public(&to, to_sk);
    ok = keys_key(&k, to_sk, x, group, x, &to) && gx_aead_open((uint8_t *)keys, k.b, &gx_aead_nonce_zero, which, sealed);
    gx_wipe(&k, sizeof k);
    return ok;
}
