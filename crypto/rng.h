/* Randomness is an argument.  The node hands in one that asks the system, the simulator a seeded stream. */
#ifndef GX_CRYPTO_RNG_H
#define GX_CRYPTO_RNG_H

#include "crypto/keys.h"

struct gx_rng {
    /* Fills n bytes; cannot fail. */
    void (*fill)(struct gx_rng *self, uint8_t *out, size_t n);
};

static inline void gx_rng_fill(struct gx_rng *rng, void *out, size_t n)
{
    rng->fill(rng, out, n);
}

/* Deterministic: the same seed gives the same bytes for the same sequence of calls. */
struct gx_rng_stream {
    struct gx_rng rng;      /* first: a stream is an rng */
    uint8_t key[32];        /* replaced at every call (fast key erasure) */
};
void gx_rng_stream_init(struct gx_rng_stream *s, const uint8_t seed[32]);

/* Hedged: expands K(device seed, "gx-hedge", fresh32 || counter u64), where fresh comes from `source` at every call: neither a weak system
 * generator nor a stolen seed alone predicts it.  KEYS §0. */
struct gx_rng_hedged {
    struct gx_rng rng;
    struct gx_rng *source;          /* borrowed */
    struct gx_device_seed seed;
    uint64_t counter;
};
void gx_rng_hedged_init(struct gx_rng_hedged *h, struct gx_rng *source, const struct gx_device_seed *seed);

#endif
