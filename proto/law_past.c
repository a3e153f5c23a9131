/* Pasts: for each operation one bit for every operation added before it.
 *
 * In blocks of 512 bits, each kept once where an operation has it from one that it names: most of a past is some other's past.  A group whose
 * operations follow one another pays 64 bytes and 4 for every 512 operations before; one in which all are concurrent n²/16 bytes in all. */
#include "proto/law_work.h"

#define BLOCK_BITS 512u
#define BLOCK_NONE 0u           /* no bit */
#define BLOCK_FULL 1u           /* every bit */

/* Where the row of x begins: the blocks of all rows before it. */
static size_t row_of(uint32_t x)
{
    if (x == 0)
        return 0;

    size_t full = (x - 1) / BLOCK_BITS, rest = (x - 1) % BLOCK_BITS;

    return BLOCK_BITS / 2 * full * (full + 1) + rest * (full + 1);
}

static uint32_t row_blocks(uint32_t x)
{
    return (x + BLOCK_BITS - 1) / BLOCK_BITS;
}

static uint32_t edge(const struct gx_law_edges *edges, uint32_t i)
{
    return i < edges->n_deps ? edges->deps[i] : edges->prev;
}

static uint32_t n_edges(const struct gx_law_edges *edges)
{
    return edges->n_deps + (edges->prev != NONE);
}

static bool blocks_begin(struct gx_law *law)
{
    if (law->n_blocks > 0)
        return true;
    if (!gx_law_room(law, &law->blocks, &law->cap_blocks, 64, sizeof *law->blocks))
        return false;
    memset(law->blocks[BLOCK_NONE], 0, sizeof *law->blocks);
    memset(law->blocks[BLOCK_FULL], 0xff, sizeof *law->blocks);
    law->n_blocks = 2;
    return true;
}

static bool rows_room(struct gx_law *law, size_t n)
{
    size_t cap = law->cap_rows == 0 ? 1024 : law->cap_rows;
    uint32_t *more = NULL;

    while (cap < n)
        cap += cap / 2;
    if (cap == law->cap_rows)
        return true;
    more = law->memory.resize(law->memory.self, law->rows, cap * sizeof *more);
    if (more == NULL)
        return false;
    law->rows = more;
    law->cap_rows = cap;
    return true;
}

static bool is_full(const uint64_t bits[8])
{
    for (int i = 0; i < 8; i++)
        if (bits[i] != UINT64_MAX)
            return false;
    return true;
}

/* A block of the new past: what one of the edges has, where that is all; else a new one.  There is room for it. */
static uint32_t block_of(struct gx_law *law, const struct gx_law_edges *edges, uint32_t b)
{
    uint64_t *bits = law->blocks[law->n_blocks];
    uint32_t from = BLOCK_NONE;
    bool own = false;

    memset(bits, 0, sizeof *law->blocks);
    for (uint32_t i = 0; i < n_edges(edges); i++) {
        uint32_t d = edge(edges, i), k = b < row_blocks(d) ? law->rows[row_of(d) + b] : BLOCK_NONE;

        if (k != from && k != BLOCK_NONE) {
            uint64_t more = 0, lack = 0;

            for (int w = 0; w < 8; w++) {
                more |= law->blocks[k][w] & ~bits[w];
                lack |= bits[w] & ~law->blocks[k][w];
                bits[w] |= law->blocks[k][w];
            }
            if (more != 0) {
                from = k;
                own = lack != 0;
            }
        }
        if (d / BLOCK_BITS == b && (bits[d % BLOCK_BITS / 64] >> (d % 64) & 1) == 0) {
            bits[d % BLOCK_BITS / 64] |= 1ull << (d % 64);
            own = true;
        }
    }
    if (!own)
        return from;
    return is_full(bits) ? BLOCK_FULL : law->n_blocks++;
}

bool gx_law_past_add(struct gx_law *law, const struct gx_law_edges *edges)
{
    uint32_t x = law->n_ops, n = row_blocks(x);

    if (!blocks_begin(law) || !gx_law_room(law, &law->blocks, &law->cap_blocks, law->n_blocks + n + 1, sizeof *law->blocks) ||
        !rows_room(law, row_of(x) + n))
        return false;
    for (uint32_t b = 0; b < n; b++)
        law->rows[row_of(x) + b] = block_of(law, edges, b);
    return true;
}

bool gx_law_past_is_all(const struct gx_law *law, uint32_t x)
{
    const uint32_t *row = law->rows + row_of(x);

    for (uint32_t b = 0; b < x / BLOCK_BITS; b++)
        if (row[b] != BLOCK_FULL)
            return false;
    for (uint32_t i = x / BLOCK_BITS * BLOCK_BITS; i < x; i += 64) {
        uint64_t want = x - i >= 64 ? UINT64_MAX : (1ull << (x - i)) - 1;

        if ((law->blocks[row[x / BLOCK_BITS]][i % BLOCK_BITS / 64] & want) != want)
            return false;
    }
    return true;
}

bool gx_law_past_covers_mark(const struct gx_law *law, uint32_t x)
{
    const uint32_t *row = law->rows + row_of(x);

    for (uint32_t w = 0; w < x / 64; w++)
        if ((law->mark[w] & ~law->blocks[row[w / 8]][w % 8]) != 0)
            return false;
    return x % 64 == 0 || (law->mark[x / 64] & ~law->blocks[row[x / BLOCK_BITS]][x / 64 % 8] & ((1ull << (x % 64)) - 1)) == 0;
}

void gx_law_mark_past(struct gx_law *law, uint32_t x)
{
    const uint32_t *row = law->rows + row_of(x);

    for (uint32_t w = 0; w < (x + 63) / 64; w++)
        law->mark[w] = law->blocks[row[w / 8]][w % 8];
}

void gx_law_mark_common(struct gx_law *law, uint32_t x)
{
    const uint32_t *row = law->rows + row_of(x);

    for (uint32_t w = 0; w < (x + 63) / 64; w++)
        law->mark[w] &= law->blocks[row[w / 8]][w % 8];
}

bool gx_law_would_know(const struct gx_law *law, const struct gx_law_edges *edges, uint32_t y)
{
    for (uint32_t i = 0; i < n_edges(edges); i++)
        if (edge(edges, i) == y || gx_law_past(law, y, edge(edges, i)))
            return true;
    return false;
}
