#include "crypto/near.h"

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/rng.h"

static_assert(sizeof(struct gx_near_point) == crypto_core_ristretto255_BYTES, "a point of ristretto255");
static_assert(sizeof(struct gx_near_scalar) == crypto_core_ristretto255_SCALARBYTES, "a scalar of ristretto255");

#define CODES 1000000u

void gx_near_code_make(struct gx_near_code *out, struct gx_rng *rng)
{
    uint64_t r = 0;

    gx_rng_fill(rng, &r, sizeof r);         /* of 2^64: no code is likelier than another by more than one in 10^13 */
    r %= CODES;
    for (size_t i = GX_NEAR_DIGITS; i-- > 0; r /= 10)
        out->digits[i] = (char)('0' + r % 10);
    gx_wipe(&r, sizeof r);
}

/* libsodium 1.0.18 leaves the digits of the scalar, and multiples of the point, on the stack below its caller (seen in a test). */
#define RISTRETTO_STACK_BYTES 4096u

/* n times the point; false where that is the identity, or the point is none: what it would tell does not hang on n. */
static bool multiply(uint8_t out[32], const struct gx_near_scalar *n, const uint8_t point[32])
{
    int rc = crypto_scalarmult_ristretto255(out, n->b, point);

    sodium_stackzero(RISTRETTO_STACK_BYTES);
    return rc == 0;
}

/* The generator that only who knows the code has.  What is mapped is twice as long as a point, so that none is likelier than another. */
static void generator(struct gx_near_point *out, const struct gx_near_code *code)
{
    uint8_t hash[64];
    int rc = 0;

    gx_hash(hash, "gx-near-1", gx_span(code->digits, sizeof code->digits));
    gx_hash(hash + 32, "gx-near-2", gx_span(code->digits, sizeof code->digits));
    rc = crypto_core_ristretto255_from_hash(out->b, hash);
    sodium_stackzero(RISTRETTO_STACK_BYTES);
    GX_ASSERT(rc == 0);
    gx_wipe(hash, sizeof hash);
}

static bool public_of(struct gx_near_point *out, const struct gx_near_scalar *n, const struct gx_near_code *code)
{
    struct gx_near_point g;
    bool ok = false;

    generator(&g, code);
    ok = multiply(out->b, n, g.b);
    gx_wipe(&g, sizeof g);
    return ok;
}

static bool keys_of(struct gx_near_keys *out, const struct gx_near_scalar *own, const struct gx_near_point *other, const struct gx_near_point *a,
                    const struct gx_near_point *b)
{
    uint8_t shared[32], both[64];
    struct { uint8_t b[32]; } k;
    bool ok = multiply(shared, own, other->b);

    memset(out, 0, sizeof *out);
    if (ok) {
        memcpy(both, a->b, sizeof a->b);
        memcpy(both + 32, b->b, sizeof b->b);
        gx_hash_keyed(k.b, "gx-near", gx_span(shared, sizeof shared), gx_span(both, sizeof both));
        gx_hash_keyed(out->proof.b, "gx-near-joiner", gx_span(k.b, sizeof k.b), gx_span(NULL, 0));
        gx_hash_keyed(out->gift, "gx-near-inviter", gx_span(k.b, sizeof k.b), gx_span(NULL, 0));
        gx_wipe(&k, sizeof k);
    }
    gx_wipe(shared, sizeof shared);
    return ok;
}

void gx_near_ask(struct gx_near_scalar *x, struct gx_near_point *a, const struct gx_near_code *code, struct gx_rng *rng)
{
    uint8_t random[64];
    bool ok = false;

    gx_rng_fill(rng, random, sizeof random);
    crypto_core_ristretto255_scalar_reduce(x->b, random);
    sodium_stackzero(RISTRETTO_STACK_BYTES);
    gx_wipe(random, sizeof random);
    ok = public_of(a, x, code);
    GX_ASSERT(ok);                  /* unless x is 0: it is not, but once in 2^252 */
}

bool gx_near_joiner_keys(struct gx_near_keys *out, const struct gx_near_scalar *x, const struct gx_near_point *a, const struct gx_near_point *b)
{
    return keys_of(out, x, b, a, b);
}

/* CPace wants another y for each exchange: each A has its own. */
static void y_of(struct gx_near_scalar *y, const struct gx_near_secret *s, const struct gx_near_point *a)
{
    uint8_t hash[64];

    gx_hash_keyed(hash, "gx-near-y1", gx_span(s->b, sizeof s->b), gx_span(a->b, sizeof a->b));
    gx_hash_keyed(hash + 32, "gx-near-y2", gx_span(s->b, sizeof s->b), gx_span(a->b, sizeof a->b));
    crypto_core_ristretto255_scalar_reduce(y->b, hash);
    sodium_stackzero(RISTRETTO_STACK_BYTES);
    gx_wipe(hash, sizeof hash);
}

/* Canonical, and not the identity, whose multiples all are the same. */
static bool is_usable(const struct gx_near_point *p)
{
    static const struct gx_near_point identity;

    return crypto_core_ristretto255_is_valid_point(p->b) == 1 && memcmp(p->b, identity.b, sizeof p->b) != 0;
}

bool gx_near_reply(struct gx_near_point *b, const struct gx_near_secret *s, const struct gx_near_code *code, const struct gx_near_point *a)
{
    struct gx_near_scalar y;
    bool ok = false;

    memset(b, 0, sizeof *b);
    if (!is_usable(a))
        return false;
    y_of(&y, s, a);
    ok = public_of(b, &y, code);
    gx_wipe(&y, sizeof y);
    return ok;
}

bool gx_near_inviter_keys(struct gx_near_keys *out, struct gx_near_point *b, const struct gx_near_secret *s, const struct gx_near_code *code,
                          const struct gx_near_point *a)
{
    struct gx_near_scalar y;
    bool ok = false;

    y_of(&y, s, a);
    ok = public_of(b, &y, code) && keys_of(out, &y, a, a, b);
    gx_wipe(&y, sizeof y);
    return ok;
}

void gx_near_seal(uint8_t out[GX_NEAR_SEALED_BYTES], const struct gx_near_keys *keys, const uint8_t plain[GX_NEAR_PLAIN_BYTES])
{
    gx_aead_seal(out, keys->gift, &gx_aead_nonce_zero, gx_span(NULL, 0), gx_span(plain, GX_NEAR_PLAIN_BYTES));
}

bool gx_near_open(uint8_t plain[GX_NEAR_PLAIN_BYTES], const struct gx_near_keys *keys, const uint8_t sealed[GX_NEAR_SEALED_BYTES])
{
    return gx_aead_open(plain, keys->gift, &gx_aead_nonce_zero, gx_span(NULL, 0), gx_span(sealed, GX_NEAR_SEALED_BYTES));
}
