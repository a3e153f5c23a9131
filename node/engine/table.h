/* A map from 32-byte ids to small numbers.  The hash is keyed, so that ids ground to collide are spread all the same. */
#ifndef GX_ENGINE_TABLE_H
#define GX_ENGINE_TABLE_H

#include "crypto/rng.h"
#include "proto/err.h"

struct gx_table_slot {
    uint8_t key[32];
    uint32_t value;
    bool used;
};
struct gx_table {
    struct gx_table_slot *slots;
    uint32_t n, cap;            /* cap: a power of two */
    uint8_t seed[16];
};

void gx_table_init(struct gx_table *t, struct gx_rng *rng);
void gx_table_free(struct gx_table *t);
/* GX_E_MEMORY, GX_E_DUPLICATE. */
enum gx_err gx_table_put(struct gx_table *t, const uint8_t key[32], uint32_t value) GX_MUST_CHECK;
/* UINT32_MAX when absent. */
uint32_t gx_table_get(const struct gx_table *t, const uint8_t key[32]);
void gx_table_del(struct gx_table *t, const uint8_t key[32]);

#endif
