/* What the parts of Resolve share: operations in the order (depth, id), their pasts as bits, and the state of one replay.
 * Only proto/resolve*.c include this. */
#ifndef GX_PROTO_RESOLVE_WORK_H
#define GX_PROTO_RESOLVE_WORK_H

#include "proto/resolve.h"

#define NONE GX_RESOLVE_NONE

/* An operation, named from here on by its place in the order (depth, id): whatever is in its past has a smaller one. */
struct gx_rnode {
    uint32_t author, target, token, uses, device;
    uint32_t op;                    /* in the caller's numbering */
    uint32_t next_of_author;        /* the author's next, in the same order */
    uint32_t next_admit;            /* ADMIT: the target's next, in the same order */
    uint8_t kind;                   /* enum gx_resolve_kind */
    bool qr, accepted;
    bool target_in;                 /* PROMOTE, TRANSFER: the target is a member in Resolve(past) */
    /* one replay */
    uint8_t rule;
    bool seat;
    uint32_t s;
    uint32_t next;                  /* in the list of the person (or token) that it is an effective operation about */
    uint32_t revokes;               /* TOKEN: effective REVOKEs of it */
    uint32_t used;                  /* TOKEN: seats so far */
    uint32_t sponsor;               /* ADMIT that took a seat */
};

/* From ROLES(from) on. */
struct gx_rchange {
    uint32_t from, before;          /* before: the older change, or NONE */
    uint8_t rank;
};

/* Lists of effective operations, newest in L first. */
struct gx_rperson {
    uint32_t first_by;              /* operations written, all */
    uint32_t first_admit;           /* ADMITs (or CREATE) of this person, all */
    uint32_t admits, removals, promotes, unbans, revokes;
    uint32_t changes;               /* of rank, newest first */
    uint32_t seat;                  /* the latest ADMIT (or CREATE) that took a seat */
    uint32_t quota_s, quota_n;      /* seats it sponsored among those with S = quota_s */
    bool member;                    /* by the part of L replayed so far */
};

/* A causally closed set: bits over places below `bound`. */
struct gx_rset {
    const uint64_t *bits;
    uint32_t bound;
};

struct gx_rwork {
    const struct gx_resolve *law;
    uint32_t n;
    struct gx_rnode *nodes;
    struct gx_rperson *persons;
    struct gx_rchange *changes;
    uint32_t n_changes;
    uint64_t *rows;                 /* rows[row(x)..]: x bits, one for each place below x */
    uint64_t *all, *mark, *spare;   /* n bits each */
    uint32_t *place;                /* operation -> node */
    uint32_t *list;                 /* scratch: n */
    uint32_t *order, n_order;       /* L */
    uint32_t *main, n_main;
    uint32_t *out_order, *out_main;
    struct gx_resolve_member *members;
    uint32_t n_members;
    uint32_t founder;
};

static inline size_t gx_rwords(uint32_t bits)
{
    return ((size_t)bits + 63) / 64;
}

/* Where the row of x begins: the words of all rows before it. */
static inline size_t gx_rrow(uint32_t x)
{
    if (x == 0)
        return 0;
    size_t full = (x - 1) / 64, rest = (x - 1) % 64;

    return 32 * full * (full + 1) + rest * (full + 1);
}

static inline bool gx_rbit(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

/* Is y in past(x)? */
static inline bool gx_rpast(const struct gx_rwork *w, uint32_t y, uint32_t x)
{
    return y < x && gx_rbit(w->rows + gx_rrow(x), y);
}

static inline bool gx_rin(struct gx_rset set, uint32_t x)
{
    return x < set.bound && gx_rbit(set.bits, x);
}

/* Rules 1 to 3: fills main, every s, and order. */
void gx_rmainline(struct gx_rwork *w, struct gx_rset set);
/* Rules 4 to 8 over that. */
void gx_rrules(struct gx_rwork *w, struct gx_rset set);
/* Rank in ROLES(k); k may be GX_RESOLVE_INFINITE. */
enum gx_resolve_rank gx_rrank(const struct gx_rwork *w, uint32_t person, uint32_t k);

#endif
