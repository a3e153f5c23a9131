/* The law of a group: who is a member, by what right, on every node the same.  LAW.md.
 *
 * What the law says is a function of the set of control operations alone; how and when they arrived plays no part.  Two ways to it:
 *   incremental  gx_law_add and gx_law_settle: what a node runs.  An operation costs what has to be judged anew because of it.
 *   batch        gx_law_resolve: everything from nothing, which is the definition.  A test holds both equal.
 *
 * Operations and persons are named by their index in order of adding, which is causal: whatever is in the past of an operation was added
 * before it.  Memory comes from the caller through one function; nothing here knows a heap, a clock or a store. */
#ifndef GX_PROTO_LAW_H
#define GX_PROTO_LAW_H

#include "proto/err.h"
#include "proto/ids.h"
#include "proto/limits.h"

#define GX_LAW_NONE UINT32_MAX
#define GX_LAW_INFINITE UINT32_MAX              /* S of what the owner has not witnessed */

#define GX_LAW_KIND_LIST(X)                     \
    X(GX_OP_CREATE, "CREATE")                   \
    X(GX_OP_ADMIT, "ADMIT")                     \
    X(GX_OP_LEAVE, "LEAVE")                     \
    X(GX_OP_REMOVE, "REMOVE")                   \
    X(GX_OP_BAN, "BAN")                         \
    X(GX_OP_UNBAN, "UNBAN")                     \
    X(GX_OP_TOKEN, "TOKEN")                     \
    X(GX_OP_REVOKE, "REVOKE")                   \
    X(GX_OP_PROMOTE, "PROMOTE")                 \
    X(GX_OP_DEMOTE, "DEMOTE")                   \
    X(GX_OP_TRANSFER, "TRANSFER")               \
    X(GX_OP_CHECKPOINT, "CHECKPOINT")           \
    X(GX_OP_META, "META")                       \
    X(GX_OP_ALIAS, "ALIAS")                     \
    X(GX_OP_BESIDE, "BESIDE") /* all else: it counts in past, depth and mainline, and does nothing */

enum gx_law_kind {
#define GX_X(name, text) name,
    GX_LAW_KIND_LIST(GX_X)
#undef GX_X
        GX_OP_COUNT
};

/* Why an operation is void: the first question that it fails, in this order.  LAW §7, §8 */
#define GX_LAW_RULE_LIST(X)                                                                     \
    X(GX_RULE_NONE, "")                                                                         \
    X(GX_RULE_AUTHOR, "author")         /* the admitter was no member when it wrote */          \
    X(GX_RULE_ISSUER, "issuer")         /* nor who made the invitation */                       \
    X(GX_RULE_TOKEN, "token")           /* names no TOKEN in its past */                        \
    X(GX_RULE_BANNED, "banned")                                                                 \
    X(GX_RULE_CONSENT, "consent")       /* the joiner left after asking */                      \
    X(GX_RULE_REVOKED, "revoked")                                                               \
    X(GX_RULE_USED_UP, "used_up")                                                               \
    X(GX_RULE_QUOTA, "quota")                                                                   \
    X(GX_RULE_FULL, "full")                                                                     \
    X(GX_RULE_QR_CLOSED, "qr_closed")                                                           \
    X(GX_RULE_RANK, "rank")                                                                     \
    X(GX_RULE_TARGET, "target")         /* PROMOTE, TRANSFER: of somebody who cannot be */      \
    X(GX_RULE_LEFT, "left")             /* the author left, and was given no rank since */      \
    X(GX_RULE_OWNER, "owner")           /* the owner cannot leave */                            \
    X(GX_RULE_MAINLINE, "mainline")     /* a TRANSFER that is no point of the mainline */

enum gx_law_rule {
#define GX_X(name, text) name,
    GX_LAW_RULE_LIST(GX_X)
#undef GX_X
        GX_RULE_COUNT
};

enum gx_rank { GX_RANK_NONE = 0, GX_RANK_MEMBER = 1, GX_RANK_ADMIN = 2, GX_RANK_OWNER = 3 };

/* Where memory comes from.  resize: as realloc, with bytes 0 to free; NULL: there is none, and the old block stays as it was. */
struct gx_law_memory {
    void *(*resize)(void *self, void *block, size_t bytes);
    void *self;
};

/* An operation as it is given. */
struct gx_law_op {
    struct gx_event_id id;          /* decides between equal depths; no two alike */
    uint32_t author;                /* person */
    uint32_t device;                /* the caller's number of the author's device: together they name "that log" of the mainline */
    uint32_t target;                /* person: CREATE: its author; ADMIT and all that are about somebody; else GX_LAW_NONE */
    uint32_t to_device;             /* TRANSFER: the device of the target that takes over */
    uint32_t token;                 /* ADMIT by QR, REVOKE of one token: the operation named; else, or when it is not there, GX_LAW_NONE */
    uint32_t uses;                  /* TOKEN: how many seats it gives; 0: no limit of its own */
    uint8_t kind;                   /* enum gx_law_kind */
    bool qr;                        /* ADMIT: by QR; else by a member's invitation */
    bool accepted;                  /* TRANSFER: it holds a valid acceptance */
};

/* What it refers to: borrowed while it is added. */
struct gx_law_edges {
    const uint32_t *deps, *heads;   /* heads: control heads that the join request names (ADMIT), those that exist */
    uint32_t n_deps, n_heads;
    uint32_t prev;                  /* the control operation before it in its own log, or GX_LAW_NONE */
};

/* An operation with what follows from its past alone. */
struct gx_law_node {
    struct gx_law_op op;
    uint32_t depth;                 /* the longest way to CREATE */
    uint32_t by_before;             /* the author's operation before it in order of adding */
    uint32_t kind_before;           /* LEAVE: the author's; ADMIT: the target's; ALIAS: the author's; META, TRANSFER: the group's before it */
    bool in_line;                   /* all that come by kind_before lie in its past, and so before it in L */
    uint32_t heads, n_heads;        /* ADMIT: those heads of the request that lie in its past, in law->heads */
    bool target_in;                 /* PROMOTE, TRANSFER: the target is a member in Resolve(past) */
};

/* What the law makes of an operation. */
struct gx_law_result {
    uint32_t s;                     /* the mainline point that witnessed it, or GX_LAW_INFINITE */
    uint32_t pos;                   /* place in L */
    uint32_t used;                  /* TOKEN: seats taken by it */
    uint8_t rule;                   /* enum gx_law_rule; GX_RULE_NONE: effective */
    bool seat;                      /* ADMIT: effective, and it took a seat */
    /* the rest is how to go on from there, and back */
    bool moved;                     /* it made or ended a membership */
    uint32_t next;                  /* older, in the list of the person (or token) that it is an effective operation about */
    uint32_t revokes;               /* TOKEN: effective REVOKEs of it */
    uint32_t sponsor;               /* ADMIT that took a seat */
    uint32_t old_seat, old_quota_s, old_quota_n;
};

/* What the law makes of a person.  Lists hold effective operations, newest in L first, linked by `next`. */
struct gx_law_standing {
    uint32_t admits, removals, promotes, unbans, revokes;
    uint32_t changes;               /* of rank, newest first */
    uint32_t seat;                  /* the latest ADMIT (or CREATE) that took a seat */
    uint32_t quota_s, quota_n;      /* seats it sponsored among those with S = quota_s */
    bool member;
};

struct gx_law_person {
    struct gx_sign_pk member;       /* M_pk */
    uint32_t last_by, last_admit, last_leave, last_alias;      /* the newest added, of all */
    uint32_t alias, alias_at;       /* the ALIAS in force, found at this generation */
};

/* From ROLES(from) on. */
struct gx_law_change {
    uint32_t from, before;          /* before: the older change, or GX_LAW_NONE */
    uint8_t rank;                   /* enum gx_rank */
};

/* A stretch of the mainline with one giver. */
struct gx_law_stage {
    uint32_t author, device;
    uint32_t since;                 /* the point before its first */
    uint32_t handed;                /* the TRANSFER that ended it, or GX_LAW_NONE */
    uint32_t n_candidates, n_points;
    bool frozen;                    /* TRANSFERs that nobody ordered */
};

/* One resolution of a causally closed set. */
struct gx_law_run {
    struct gx_law_result *results;          /* by operation, and one more for questions */
    struct gx_law_standing *standings;      /* by person */
    uint32_t *order, n_order;               /* L */
    uint32_t *main, n_main;                 /* C0 = CREATE first */
    struct gx_law_stage *stages;
    uint32_t n_stages, cap_stages;
    struct gx_law_change *changes;
    uint32_t n_changes, cap_changes;
    uint32_t n_members;
};

struct gx_law {
    struct gx_law_memory memory;
    uint32_t cap, qr_max, quota;            /* the group's rules */
    struct gx_law_node *nodes;
    uint32_t n_ops, cap_ops;
    struct gx_law_person *persons;
    uint32_t n_persons, cap_persons;
    struct gx_law_run now;                  /* results of the operations that are settled */
    uint32_t n_settled;
    uint32_t generation;                    /* counts what changed results */
    uint32_t changed_from;                  /* before this place of L all is as it was when the caller last set this to now.n_order */
    /* inside */
    uint64_t (*blocks)[8];                  /* pasts, 512 bits each; equal ones are shared */
    uint32_t n_blocks, cap_blocks;
    uint32_t *rows;                         /* for each operation the blocks of its past, one behind the other */
    size_t cap_rows;
    uint32_t *sorted;                       /* all, by (depth, id) */
    uint32_t *heads;
    uint32_t n_heads, cap_heads;
    struct gx_law_run past;                 /* scratch: the resolution of one past */
    uint32_t *list, *list2, *count;         /* scratch */
    uint64_t *mark;                         /* scratch: bits */
    uint32_t last_meta, last_transfer, title, title_at;
    uint64_t n_judged;                      /* operations judged since the beginning: what settling costs */
};

/* Rules of the group; everything else is zero.  CREATE is the first to be added. */
void gx_law_begin(struct gx_law *law, const struct gx_law_memory *memory, uint32_t cap, uint32_t qr_max, uint32_t quota);
void gx_law_end(struct gx_law *law);        /* gives all memory back */

/* The next person.  Returns its index, or GX_LAW_NONE without memory. */
uint32_t gx_law_add_person(struct gx_law *law, const struct gx_sign_pk *member) GX_MUST_CHECK;

/* Add an operation whose deps and prev were added.  Its index is law->n_ops as it was before.  Results are brought up to date by gx_law_settle.
 * Returns GX_OK
 *         GX_E_TOO_BIG  as many operations as limits.h allows are there
 *         GX_E_MEMORY   the law is of no use any more: end it, and begin again when there is memory */
enum gx_err gx_law_add(struct gx_law *law, const struct gx_law_op *op, const struct gx_law_edges *edges) GX_MUST_CHECK;

/* Bring results up to date with what was added.  GX_E_MEMORY: as above. */
enum gx_err gx_law_settle(struct gx_law *law) GX_MUST_CHECK;

/* The batch form: forget all results and find them from nothing. */
enum gx_err gx_law_resolve(struct gx_law *law) GX_MUST_CHECK;

/* Is y in the past of x? */
static inline bool gx_law_past(const struct gx_law *law, uint32_t y, uint32_t x)
{
    if (y >= x)
        return false;
    if (x >= law->n_ops)                    /* a question: it knows everything */
        return true;

    uint64_t full = (x - 1) / 512, row = 256 * full * (full + 1) + (x - 1) % 512 * (full + 1);

    return law->blocks[law->rows[row + y / 512]][y % 512 / 64] >> (y % 64) & 1;
}

/* Would an operation with these edges have `y` in its past? */
bool gx_law_would_know(const struct gx_law *law, const struct gx_law_edges *edges, uint32_t y);

static inline bool gx_law_effective(const struct gx_law *law, uint32_t op)
{
    return law->now.results[op].rule == GX_RULE_NONE;
}

/* Has the owner witnessed it?  Then it stays as it is, for mainline logs that nobody forked. */
static inline bool gx_law_is_settled(const struct gx_law *law, uint32_t op)
{
    return law->now.results[op].s != GX_LAW_INFINITE;
}

static inline bool gx_law_is_member(const struct gx_law *law, uint32_t person)
{
    return law->now.standings[person].member;
}

/* GX_RANK_NONE for who is no member. */
enum gx_rank gx_law_rank(const struct gx_law *law, uint32_t person);
/* The ADMIT (or CREATE) by which a member has its seat, or had the last; GX_LAW_NONE: never. */
uint32_t gx_law_seat(const struct gx_law *law, uint32_t person);
/* Who wrote it; GX_LAW_NONE for the founder and for who never was a member. */
uint32_t gx_law_voucher(const struct gx_law *law, uint32_t person);
bool gx_law_is_banned(struct gx_law *law, uint32_t person);
/* Does this device make mainline points now? */
bool gx_law_is_giver(const struct gx_law *law, uint32_t person, uint32_t device);
/* The ALIAS in force of a person, the META in force; GX_LAW_NONE when none is.  LAW §9 */
uint32_t gx_law_alias(struct gx_law *law, uint32_t person);
uint32_t gx_law_title(struct gx_law *law);

/* What would become of `op`, written now by somebody who knows every operation here?  All must be settled.  ADMIT: target GX_LAW_NONE is somebody
 * new; a member's request is taken as fresh. */
enum gx_law_rule gx_law_ask(struct gx_law *law, const struct gx_law_op *op);

/* The operation that a void one failed by (a removal, BAN, REVOKE, LEAVE), or GX_LAW_NONE where it is no single one. */
uint32_t gx_law_culprit(struct gx_law *law, uint32_t op);

/* What ended a membership, or kept it from beginning: operations with which, and with their pasts, anybody comes to the same answer about this
 * person, for mainline logs that nobody forked.  At most cap are written to out; the number is returned. */
uint32_t gx_law_ending(struct gx_law *law, uint32_t *out, uint32_t cap, uint32_t person);

/* LAW §10.  Over members and ranks, bans, and the ids of the ALIAS and META in force; all sorted by member key.  scratch: n_persons indices. */
void gx_law_state_hash(struct gx_law *law, uint8_t out[32], uint32_t *scratch);

const char *gx_law_kind_name(enum gx_law_kind kind);
const char *gx_law_rule_name(enum gx_law_rule rule);
enum gx_deny gx_law_deny(enum gx_law_rule rule);

#endif
