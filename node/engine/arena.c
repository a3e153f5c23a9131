#include "node/engine/arena.h"
#include <stdlib.h>

#define BLOCK_FIRST_BYTES 4000u         /* many arenas hold one frame and no more */
#define BLOCK_BYTES (128u * 1024u)
/* What is given back to the system has to be faulted in anew, page by page, in the next step. */
#define KEEP_BYTES (1024u * 1024u)
#define SPARE_MAX 32u                   /* and what so many steps did not need is given back: a join takes a hundred times as much as a message */

struct gx_arena_block {
    struct gx_arena_block *next;
    size_t cap, n;
    _Alignas(16) uint8_t bytes[];
};

static size_t rounded(size_t n)
{
    return (n + 15u) & ~(size_t)15u;
}

void *gx_arena_room(struct gx_arena *a, size_t n)
{
    struct gx_arena_block *b = a->blocks;
    size_t need = rounded(n);

    if (b == NULL || b->cap - b->n < need) {
        size_t next = a->next == 0 ? BLOCK_FIRST_BYTES : a->next;
        size_t cap = need > next ? need : next;

        a->next = next * 4 < BLOCK_BYTES ? next * 4 : BLOCK_BYTES;
        b = malloc(sizeof *b + cap);
        if (b == NULL)
            return NULL;
        b->cap = cap;
        b->n = 0;
        b->next = a->blocks;
        a->blocks = b;
    }

    uint8_t *p = b->bytes + b->n;

    b->n += need;
    a->bytes += need;
    a->most = a->bytes > a->most ? a->bytes : a->most;
    return p;
}

void gx_arena_trim(struct gx_arena *a, const void *p, size_t n, size_t used)
{
    struct gx_arena_block *b = a->blocks;

    if (b == NULL || p == NULL || b->n < rounded(n) || b->bytes + b->n - rounded(n) != p)
        return;
    b->n -= rounded(n) - rounded(used);
    a->bytes -= rounded(n) - rounded(used);
}

void *gx_arena_take(struct gx_arena *a, size_t n)
{
    void *p = gx_arena_room(a, n);

    if (p != NULL)
        memset(p, 0, n);
    return p;
}

void *gx_arena_copy(struct gx_arena *a, const void *p, size_t n)
{
    void *copy = gx_arena_room(a, n == 0 ? 1 : n);

    if (copy != NULL && n > 0)
        memcpy(copy, p, n);
    return copy;
}

char *gx_arena_text(struct gx_arena *a, const void *p, size_t n)
{
    char *copy = gx_arena_room(a, n + 1);

    if (copy != NULL && n > 0)
        memcpy(copy, p, n);
    if (copy != NULL)
        copy[n] = 0;
    return copy;
}

void gx_arena_reset(struct gx_arena *a)
{
    size_t most = a->most;

    a->spare = a->blocks != NULL && most < a->blocks->cap / 8 && a->blocks->cap > BLOCK_FIRST_BYTES ? a->spare + 1 : 0;
    if (a->blocks != NULL && a->blocks->next == NULL && a->blocks->cap <= KEEP_BYTES && a->spare < SPARE_MAX) {
        a->blocks->n = 0;
        a->bytes = a->most = 0;
        return;
    }
    gx_arena_free(a);
    a->spare = 0;
    a->next = most < KEEP_BYTES ? most : KEEP_BYTES;
}

void gx_arena_free(struct gx_arena *a)
{
    while (a->blocks != NULL) {
        struct gx_arena_block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
    a->bytes = a->most = a->next = 0;
}
