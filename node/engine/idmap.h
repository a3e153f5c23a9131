/* A map from 32-byte ids to small numbers.  The hash is keyed, so that ids ground to collide are spread all the same. */
#ifndef GX_ENGINE_IDMAP_H
#define GX_ENGINE_IDMAP_H

#include "crypto/rng.h"
#include "proto/err.h"

struct gx_idmap_slot {
    uint8_t key[32];
    uint32_t value;
    bool used;
};
struct gx_idmap {
    struct gx_idmap_slot *slots;
    uint32_t n, cap;            /* cap: a power of two */
    uint8_t seed[16];
};

void gx_idmap_init(struct gx_idmap *t, struct gx_rng *rng);
void gx_idmap_free(struct gx_idmap *t);
/* GX_E_MEMORY, GX_E_DUPLICATE. */
enum gx_err gx_idmap_put(struct gx_idmap *t, const uint8_t key[32], uint32_t value) GX_MUST_CHECK;
/* UINT32_MAX when absent. */
uint32_t gx_idmap_get(const struct gx_idmap *t, const uint8_t key[32]);
void gx_idmap_del(struct gx_idmap *t, const uint8_t key[32]);

#endif
