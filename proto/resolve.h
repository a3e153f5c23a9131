/* Resolve: the full law of a group, in its batch form, which is the definition.  LAW.md, "The full law".
 *
 * A pure function of a causally closed set of control operations; nothing here knows how they arrived.  No command of the node reaches it yet
 * (proto/law.h is what the node runs): tools/gx-law does.
 *
 * Storage is the caller's: the operations, which also take the results, and one block of scratch of gx_resolve_bytes(). */
#ifndef GX_PROTO_RESOLVE_H
#define GX_PROTO_RESOLVE_H

#include "crypto/base.h"
#include "proto/err.h"
#include "proto/limits.h"

#define GX_RESOLVE_NONE UINT32_MAX
#define GX_RESOLVE_INFINITE UINT32_MAX          /* S of what the owner has not witnessed */

#define GX_RESOLVE_KIND_LIST(X)                 \
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
    X(GX_OP_META, "META") /* and all else that stands beside the law: it counts in past, depth and mainline */

enum gx_resolve_kind {
#define GX_X(name, text) name,
    GX_RESOLVE_KIND_LIST(GX_X)
#undef GX_X
        GX_OP_COUNT
};

/* Why an operation is void: the first question that it fails, in this order. */
#define GX_RESOLVE_RULE_LIST(X)                                                                 \
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

enum gx_resolve_rule {
#define GX_X(name, text) name,
    GX_RESOLVE_RULE_LIST(GX_X)
#undef GX_X
        GX_RULE_COUNT
};

enum gx_resolve_rank { GX_RESOLVE_MEMBER, GX_RESOLVE_ADMIN, GX_RESOLVE_OWNER };

/* Operations and persons are named by their index in the caller's numbering. */
struct gx_resolve_op {
    struct gx_span id;              /* decides between equal depths, bytewise; no two alike */
    const uint32_t *deps, *heads;   /* heads: control heads that the join request names (ADMIT), those that exist */
    uint32_t n_deps, n_heads;
    uint32_t prev;                  /* the control operation before it in its own log, or GX_RESOLVE_NONE */
    uint32_t author, device;        /* together they name "that log" of the mainline; devices are numbered per member, 0 is the first */
    uint32_t target;                /* CREATE: its author; a person where the kind has one; else GX_RESOLVE_NONE */
    uint32_t token;                 /* ADMIT by QR, REVOKE: the operation named, or GX_RESOLVE_NONE */
    uint32_t uses;                  /* TOKEN: how many seats it gives; 0: no limit of its own */
    enum gx_resolve_kind kind;
    bool qr;                        /* ADMIT: by QR; else by invitation */
    bool accepted;                  /* TRANSFER: it holds a valid acceptance */
    /* results */
    enum gx_resolve_rule rule;      /* GX_RULE_NONE: effective */
    uint32_t witnessed;             /* S: the mainline point that witnessed it, or GX_RESOLVE_INFINITE */
    bool seat;                      /* ADMIT: effective, and it took a seat */
};

struct gx_resolve_member {
    bool is_member;
    enum gx_resolve_rank rank;
};

struct gx_resolve {
    struct gx_resolve_op *ops;
    uint32_t n_ops, n_persons;
    uint32_t cap, qr_max, quota;
    /* results, inside the scratch */
    const struct gx_resolve_member *members;    /* n_persons */
    const uint32_t *order;                      /* L: n_ops operations */
    const uint32_t *mainline;                   /* n_mainline operations, C0 = CREATE first */
    uint32_t n_members, n_mainline;
    uint32_t at_fault;                          /* the operation an error is about */
};

/* Scratch for so many: n²/16 bytes for the pasts (625 MB at 100,000 operations, 6 MB at 10,000) and 200 to 300 an operation and person. */
size_t gx_resolve_bytes(uint32_t n_ops, uint32_t n_persons);

/* Fill in the results of all operations.  scratch: gx_resolve_bytes(), aligned for uint64_t; results point into it.
 *
 * Returns: GX_OK
 *          GX_E_MALFORMED  a cycle, not exactly one CREATE, or an operation that does not descend from it: at_fault tells which
 *          GX_E_TOO_BIG    more operations or deps than limits.h allows */
enum gx_err gx_resolve(struct gx_resolve *law, void *scratch) GX_MUST_CHECK;

const char *gx_resolve_kind_name(enum gx_resolve_kind kind);
const char *gx_resolve_rule_name(enum gx_resolve_rule rule);
const char *gx_resolve_rank_name(enum gx_resolve_rank rank);

#endif
