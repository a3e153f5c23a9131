/* The law of a group: who is a member, by what right.  LAW.md.
 *
 * Resolution is a pure function of the set of control events: sorted by (depth, id) and replayed.  This is the law for histories without
 * concurrency; where two operations are concurrent the order (depth, id) decides, equally on every node.
 *
 * Storage is the caller's: an array of operations and one of persons, both with room for results. */
#ifndef GX_PROTO_LAW_H
#define GX_PROTO_LAW_H

#include "proto/bodies.h"

#define GX_LAW_NONE UINT32_MAX

enum gx_rank { GX_RANK_NONE = 0, GX_RANK_MEMBER = 1, GX_RANK_ADMIN = 2, GX_RANK_OWNER = 3 };

/* A control event as the law sees it.  Persons and operations are named by their index in the caller's arrays. */
struct gx_law_op {
    struct gx_event_id id;
    uint32_t depth;                 /* longest path over deps and the previous control event of its own log; CREATE 0 */
    uint8_t type;                   /* enum gx_event_type */
    uint32_t author;                /* person */
    uint32_t target;                /* ADMIT: person admitted; else GX_LAW_NONE */
    uint32_t token;                 /* ADMIT, REVOKE: the TOKEN operation; else GX_LAW_NONE */
    uint8_t uses;                   /* TOKEN: how many may join by it; 0: no limit of its own */
    /* results */
    bool effective;
    enum gx_deny deny;              /* why not */
    uint32_t used;                  /* TOKEN: seats taken by it */
    bool revoked;                   /* TOKEN */
};

struct gx_law_person {
    struct gx_sign_pk member;       /* M_pk */
    /* results */
    enum gx_rank rank;              /* GX_RANK_NONE: no member now */
    bool was_member;
    uint32_t admit;                 /* the effective, seat-taking ADMIT (or CREATE) of the present membership */
    uint32_t voucher;               /* who wrote it; GX_LAW_NONE for the founder */
    uint32_t alias;                 /* the ALIAS operation in force, or GX_LAW_NONE */
};

struct gx_law {
    struct gx_rules rules;
    struct gx_law_op *ops;
    struct gx_law_person *persons;
    uint32_t n_ops, n_persons;
    /* results */
    uint32_t n_members;
    uint32_t meta;                  /* the META operation in force, or GX_LAW_NONE */
    uint32_t last;                  /* the operation that was applied last: the next one may sort behind it */
};

/* Forget all results. */
void gx_law_reset(struct gx_law *law);
/* Apply operation `op` behind everything applied so far; it must sort behind law->last (asserted). */
void gx_law_apply(struct gx_law *law, uint32_t op);
/* Does `op` sort behind everything applied so far? */
bool gx_law_is_next(const struct gx_law *law, uint32_t op);
/* All of them in order.  order: scratch for n_ops indices, the caller's. */
void gx_law_resolve(struct gx_law *law, uint32_t *order);

/* What would the law say now?  GX_DENY_NONE: allowed. */
enum gx_deny gx_law_may_admit(const struct gx_law *law, uint32_t author, uint32_t token, bool is_member);

/* Over members and ranks sorted by member key, and for names and the title the id of the winning event.  scratch: n_persons indices. */
void gx_law_state_hash(const struct gx_law *law, uint8_t out[32], uint32_t *scratch);

#endif
