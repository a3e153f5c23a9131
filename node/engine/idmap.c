#include "node/engine/idmap.h"
#include "crypto/hash.h"
#include <stdlib.h>

void gx_idmap_init(struct gx_idmap *t, struct gx_rng *rng)
{
    *t = (struct gx_idmap){0};
    gx_rng_fill(rng, t->seed, sizeof t->seed);
}

void gx_idmap_free(struct gx_idmap *t)
{
    free(t->slots);
    t->slots = NULL;
    t->n = t->cap = 0;
}

static uint32_t home_of(const struct gx_idmap *t, const uint8_t key[32])
{
    return (uint32_t)gx_hash_table(t->seed, key) & (t->cap - 1);
}

/* The slot of key, or the free slot where it would go. */
static struct gx_idmap_slot *find(const struct gx_idmap *t, const uint8_t key[32])
{
    for (uint32_t i = home_of(t, key);; i = (i + 1) & (t->cap - 1)) {
        struct gx_idmap_slot *s = &t->slots[i];

        if (!s->used || memcmp(s->key, key, 32) == 0)
            return s;
    }
}

static enum gx_err grow(struct gx_idmap *t)
{
    struct gx_idmap_slot *old = t->slots;
    uint32_t old_cap = t->cap;

    t->cap = old_cap == 0 ? 16 : old_cap * 2;
    t->slots = calloc(t->cap, sizeof *t->slots);
    if (t->slots == NULL) {
        t->slots = old;
        t->cap = old_cap;
        return GX_E_MEMORY;
    }
    for (uint32_t i = 0; i < old_cap; i++)
        if (old[i].used)
            *find(t, old[i].key) = old[i];
    free(old);
    return GX_OK;
}

enum gx_err gx_idmap_put(struct gx_idmap *t, const uint8_t key[32], uint32_t value)
{
    if ((t->n + 1) * 4 > t->cap * 3) {
        enum gx_err err = grow(t);

        if (err != GX_OK)
            return err;
    }

    struct gx_idmap_slot *s = find(t, key);

    if (s->used)
        return GX_E_DUPLICATE;
    memcpy(s->key, key, 32);
    s->value = value;
    s->used = true;
    t->n++;
    return GX_OK;
}

uint32_t gx_idmap_get(const struct gx_idmap *t, const uint8_t key[32])
{
    if (t->cap == 0)
        return UINT32_MAX;

    const struct gx_idmap_slot *s = find(t, key);

    return s->used ? s->value : UINT32_MAX;
}

/* Linear probing without tombstones: what follows moves up into the hole when its home allows. */
void gx_idmap_del(struct gx_idmap *t, const uint8_t key[32])
{
    if (t->cap == 0)
        return;

    struct gx_idmap_slot *s = find(t, key);

    if (!s->used)
        return;

    uint32_t hole = (uint32_t)(s - t->slots);

    t->slots[hole].used = false;
    t->n--;
    for (uint32_t i = (hole + 1) & (t->cap - 1); t->slots[i].used; i = (i + 1) & (t->cap - 1)) {
        uint32_t home = home_of(t, t->slots[i].key);

        if (((i - home) & (t->cap - 1)) >= ((i - hole) & (t->cap - 1))) {
            t->slots[hole] = t->slots[i];
            t->slots[i].used = false;
            hole = i;
        }
    }
}
