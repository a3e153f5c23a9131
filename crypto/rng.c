#include "crypto/rng.h"

#include "crypto/hash.h"

#include <sodium.h>

static const uint8_t nonce0[crypto_stream_chacha20_NONCEBYTES];

/* libsodium's portable ChaCha20 leaves the key and its last block on the stack below its caller (seen in a test). */
#define CHACHA20_STACK_BYTES 1024u

/* ChaCha20's key stream from 64-byte block `block` on.  A key is used for one request only, hence the constant nonce. */
static void key_stream(uint8_t *out, size_t n, uint64_t block, const uint8_t key[32])
{
    if (n == 0)
        return;
    memset(out, 0, n);
    int rc = crypto_stream_chacha20_xor_ic(out, out, n, nonce0, block, key);
    GX_ASSERT(rc == 0);
    sodium_stackzero(CHACHA20_STACK_BYTES);
}

/* Block 0 is the next key, what was asked for starts at block 1: who takes the state later cannot go back. */
static void stream_fill(struct gx_rng *self, uint8_t *out, size_t n)
{
    struct gx_rng_stream *s = (struct gx_rng_stream *)self;
    uint8_t next[32];

    key_stream(next, sizeof next, 0, s->key);
    key_stream(out, n, 1, s->key);
    memcpy(s->key, next, sizeof s->key);
    gx_wipe(next, sizeof next);
}

void gx_rng_stream_init(struct gx_rng_stream *s, const uint8_t seed[32])
{
    s->rng.fill = stream_fill;
    memcpy(s->key, seed, sizeof s->key);
}

/* KEYS §0: K(device seed, "gx-hedge", fresh32 || counter u64), expanded. */
static void hedged_fill(struct gx_rng *self, uint8_t *out, size_t n)
{
    struct gx_rng_hedged *h = (struct gx_rng_hedged *)self;
    uint8_t input[40], key[32];

    gx_rng_fill(h->source, input, 32);
    for (unsigned i = 0; i < 8; i++)
        input[32 + i] = (uint8_t)(h->counter >> (8 * i));
    /* Even a source that repeats itself never makes this node repeat itself while it runs. */
    h->counter++;

    gx_hash_keyed(key, "gx-hedge", gx_span(h->seed.b, sizeof h->seed.b), gx_span(input, sizeof input));
    key_stream(out, n, 0, key);
    gx_wipe(input, sizeof input);
    gx_wipe(key, sizeof key);
}

void gx_rng_hedged_init(struct gx_rng_hedged *h, struct gx_rng *source, const struct gx_device_seed *seed)
{
    h->rng.fill = hedged_fill;
    h->source = source;
    h->seed = *seed;
    h->counter = 0;
}
