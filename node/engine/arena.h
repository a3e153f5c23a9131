/* Memory for one step: taken piece by piece, given back at once. */
#ifndef GX_ENGINE_ARENA_H
#define GX_ENGINE_ARENA_H

#include "crypto/base.h"

struct gx_arena_block;
struct gx_arena {
    struct gx_arena_block *blocks;      /* newest first */
    size_t bytes;                       /* handed out since the last reset */
    size_t most;                        /* and the highest that this was */
    size_t next;                        /* how large the next block will be; 0: a first one */
    uint32_t spare;                     /* resets since much of the block was needed */
};

/* Aligned for any type, zeroed; NULL when memory is out. */
void *gx_arena_take(struct gx_arena *a, size_t n);
/* The same as it is, for large rooms that are written before they are read. */
void *gx_arena_room(struct gx_arena *a, size_t n);
/* Of n bytes at p, taken last, only the first `used` are needed; where something was taken since, nothing happens. */
void gx_arena_trim(struct gx_arena *a, const void *p, size_t n, size_t used);
void *gx_arena_copy(struct gx_arena *a, const void *p, size_t n);
char *gx_arena_text(struct gx_arena *a, const void *p, size_t n);   /* a copy that ends in 0 */
/* Give everything back; one block, as large as what was taken but within bounds, is kept for the next step. */
void gx_arena_reset(struct gx_arena *a);
void gx_arena_free(struct gx_arena *a);

#endif
