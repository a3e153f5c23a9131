/* Errors, named by what the caller can do about them.  Three kinds: a peer's mistake is returned and counted; the machine's failure is
 * returned and stops the step; our own mistake asserts (GX_ASSERT). */
#ifndef GX_PROTO_ERR_H
#define GX_PROTO_ERR_H

#include "crypto/base.h"

#define GX_ERR_LIST(X)                                                                              \
    X(GX_OK, "ok")                                                                                  \
    X(GX_E_MALFORMED, "bytes are not a canonical encoding")            /* refuse, count */          \
    X(GX_E_VERSION, "made by another version of the format")           /* refuse, tell to update */ \
    X(GX_E_SIGNATURE, "a signature or a hash does not match")          /* refuse, count */          \
    X(GX_E_TOO_BIG, "beyond a fixed limit")                            /* refuse, count */          \
    X(GX_E_EXPIRED, "its time is over")                                /* ask for a new one */      \
    X(GX_E_DENIED, "the group's rules do not allow this")              /* see enum gx_deny */       \
    X(GX_E_ABSENT, "there is no such thing here")                      /* often no error */         \
    X(GX_E_AMBIGUOUS, "more than one thing matches")                   /* show candidates */        \
    X(GX_E_DUPLICATE, "already here")                                  /* nothing to do */          \
    X(GX_E_FORK, "another event stands at this place of the log")      /* keep proof, count */      \
    X(GX_E_MISSING, "earlier events are needed first")                 /* fetch, then again */      \
    X(GX_E_AGAIN, "a queue or budget is full now")                     /* later */                  \
    X(GX_E_FULL, "the disk, the map or a quota is full")               /* free room */              \
    X(GX_E_STORE, "the database failed")                               /* abort the step */         \
    X(GX_E_CORRUPT, "stored bytes do not match their check")           /* quarantine, refetch */    \
    X(GX_E_LOCKED, "sealed under a key that is not at hand")           /* open the vault */         \
    X(GX_E_MEMORY, "out of memory")                                    /* abort the step */         \
    X(GX_E_USAGE, "the request makes no sense")                        /* tell the person */

enum gx_err {
#define GX_X(name, text) name,
    GX_ERR_LIST(GX_X)
#undef GX_X
        GX_ERR_COUNT
};

/* Why the law of a group (or a door) says no.  The names are the JSON error names of INTERFACE. */
#define GX_DENY_LIST(X)                                                                                       \
    X(GX_DENY_NONE, "none", "")                                                                               \
    X(GX_DENY_QR_CLOSED, "qr_closed", "the group is too large to be joined by QR code")                       \
    X(GX_DENY_FULL, "full", "the group has all the members it may have")                                      \
    X(GX_DENY_TOKEN_REVOKED, "token_revoked", "this invitation was revoked")                                  \
    X(GX_DENY_TOKEN_USED_UP, "token_used_up", "this invitation was used as often as it may be")               \
    X(GX_DENY_TOKEN_EXPIRED, "token_expired", "this invitation has expired")                                  \
    X(GX_DENY_TOKEN_UNKNOWN, "token_unknown", "nobody asked knows this invitation")                           \
    X(GX_DENY_BANNED, "banned", "this member was banned from the group")                                      \
    X(GX_DENY_NO_RANK, "no_rank", "your rank in the group does not allow this")                               \
    X(GX_DENY_QUOTA, "quota", "too many joins wait for the owner to see them")                                \
    X(GX_DENY_NOT_MEMBER, "not_member", "you are not a member of this group")                                 \
    X(GX_DENY_OWNER, "owner", "the owner cannot leave: hand the group over first")

enum gx_deny {
#define GX_X(name, json, text) name,
    GX_DENY_LIST(GX_X)
#undef GX_X
        GX_DENY_COUNT
};

const char *gx_err_text(enum gx_err err);      /* "bytes are not a canonical encoding" */
const char *gx_err_name(enum gx_err err);      /* "malformed": lower case, without the prefix; the key in dropped{reason} */
const char *gx_deny_name(enum gx_deny deny);
const char *gx_deny_text(enum gx_deny deny);

#endif
