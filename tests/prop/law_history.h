/* Histories of a group for the tests of its law: operations with pasts worked out here, and what the law makes of them.
 *
 * Operations are named by their place in the history, which is causal; the law is told them in any order and numbers them anew. */
#ifndef GX_TESTS_LAW_HISTORY_H
#define GX_TESTS_LAW_HISTORY_H

#include <stdio.h>

#include "proto/law.h"

#define ACTS_MAX 64u            /* sets of places are bits of one word */
#define CAST_MAX 8u
#define NEVER 255u              /* S of what nobody witnessed; no place */

struct act {
    struct gx_law_op op;        /* token: a place */
    uint64_t deps, heads, past; /* heads: what the join request names */
    uint32_t prev, depth;       /* prev: a place, or GX_LAW_NONE */
};

struct history {
    uint64_t seed;
    uint32_t cap, qr_max, quota, n_cast, n;
    struct act acts[ACTS_MAX];
};

/* What the law says of a causally closed set, by place and person.  Bytes between the fields are zero. */
struct verdict {
    uint64_t set, effective, seats;
    uint8_t rule[ACTS_MAX], s[ACTS_MAX], at[ACTS_MAX];      /* at: place in L */
    uint8_t order[ACTS_MAX], n_order;
    uint8_t main[ACTS_MAX], n_main;
    uint8_t rank[CAST_MAX], n_members;                      /* rank: enum gx_rank, 0 for who is no member */
    bool banned[CAST_MAX], frozen;
    /* asked for by name */
    uint8_t alias[CAST_MAX], title, hash[32];
};

/* A law, and how its numbers and ours go together. */
struct told {
    const struct history *h;
    struct gx_law law;
    uint32_t index_of[ACTS_MAX], person_at[CAST_MAX];       /* person_at: index of a person */
    uint8_t place_of[ACTS_MAX];
};

static inline uint64_t bit(uint32_t i)
{
    return 1ull << i;
}

static inline bool has(uint64_t set, uint32_t i)
{
    return i < ACTS_MAX && (set >> i & 1) != 0;
}

static inline uint32_t lowest(uint64_t set)
{
    return (uint32_t)__builtin_ctzll(set);
}

/* for (EACH(x, set)): the places of a set, the lowest first. */
#define EACH(x, some) uint64_t rest_##x = (some); rest_##x != 0 && ((x) = lowest(rest_##x), true); rest_##x &= rest_##x - 1

static inline uint64_t all_of(const struct history *h)
{
    return h->n == 64 ? UINT64_MAX : bit(h->n) - 1;
}

static inline bool is_before(const struct history *h, uint32_t y, uint32_t x)
{
    return has(h->acts[x].past, y);
}

static inline bool are_comparable(const struct history *h, uint32_t x, uint32_t y)
{
    return x == y || is_before(h, x, y) || is_before(h, y, x);
}

static inline bool is_removal(const struct act *act)
{
    return act->op.kind == GX_OP_REMOVE || act->op.kind == GX_OP_BAN || act->op.kind == GX_OP_LEAVE;
}

static inline uint32_t about(const struct act *act)
{
    return act->op.kind == GX_OP_LEAVE ? act->op.author : act->op.target;
}

/* A small linear generator: the same histories on every machine. */
uint32_t pick(uint32_t n);
void pick_from(uint64_t seed);
uint32_t pick_of(uint64_t set);     /* a place of a set that has one */

/* The next operation, with its edges given: past and depth follow.  Returns its place. */
uint32_t history_put(struct history *h, const struct act *act);
uint64_t history_heads(const struct history *h, uint64_t set);
/* As tools/gx-law reads it: what a failing test prints can be given to it, and to tests/vectors/law_model.py. */
void history_print(const struct history *h, FILE *out);

/* cast: persons in the order in which the law is to hear of them; NULL: as they are. */
void told_begin(struct told *t, const struct history *h, const uint8_t *cast);
void tell(struct told *t, uint32_t place);
void told_read(struct told *t, struct verdict *out);
void told_read_names(struct told *t, struct verdict *out);
void told_end(struct told *t);

/* The batch form on a closed set. */
void resolve(const struct history *h, uint64_t set, struct verdict *out);
void resolve_named(const struct history *h, uint64_t set, struct verdict *out);
/* Names the first thing that two verdicts say differently; NULL when nothing is. */
const char *differ(const struct verdict *a, const struct verdict *b);

#endif
