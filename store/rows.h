/* The small tables: groups, control events, joins under way, own invitations, endpoint records, what others hold, addresses.  SCHEMA §2.
 * Every row is a struct here and a canonical encoding in the store; a value that does not decode is GX_E_CORRUPT. */
#ifndef GX_STORE_ROWS_H
#define GX_STORE_ROWS_H

#include "proto/bodies.h"
#include "proto/frame.h"
#include "proto/token.h"
#include "store/env.h"

enum gx_group_state { GX_GROUP_JOINING = 1, GX_GROUP_MEMBER = 2, GX_GROUP_LEFT = 3, GX_GROUP_REMOVED = 4 };

/* What a person wants this node to keep of a group's messages.  node/README.md §8 */
enum gx_carry { GX_CARRY_ALL, GX_CARRY_RECENT, GX_CARRY_OFF };

/* `group`: gnum -> row */
struct gx_group_row {
    uint32_t gnum;
    struct gx_group_id id;              /* of a join under way only the first 16 bytes are known, the rest is zero */
    uint8_t state;                      /* enum gx_group_state */
    struct gx_intro intro;              /* this node's own membership */
    struct gx_dh_sk prekey_sk;          /* secret of intro.prekey */
    uint32_t control_lnum, messages_lnum; /* own logs of this incarnation; 0 before the first event */
    uint64_t since_ms;                  /* wall clock when this node founded or began to join */
    uint64_t endpoint_counter;          /* of the own endpoint record last signed */
    uint32_t key_out;                   /* removals, and who came in in vain, when members were first told of the present transport key */
    struct gx_incarnation incarnation;  /* opened because the own log was forked; counts while the home's own is `under` */
    struct gx_incarnation under;        /* what the home's file made of this group's device then; both zero: never */
    uint8_t carry;                      /* enum gx_carry */
};
enum gx_err gx_group_new_number(struct gx_txn *txn, uint32_t *gnum) GX_MUST_CHECK;
enum gx_err gx_group_put(struct gx_txn *txn, const struct gx_group_row *row) GX_MUST_CHECK;
enum gx_err gx_group_next(struct gx_txn *txn, struct gx_group_row *out, uint32_t after_gnum) GX_MUST_CHECK;   /* GX_E_ABSENT at the end */
/* Forget a group that never was joined: its rows wherever a key begins with its number; events in the journal stay until folded. */
enum gx_err gx_group_forget(struct gx_txn *txn, uint32_t gnum) GX_MUST_CHECK;

/* `op`: (gnum, cnum) -> row.  Control events in order of arrival, cnum from 0: what the law is computed from, and sent to newcomers in. */
struct gx_op_row {
    struct gx_event_id id;
    uint32_t lnum, seq;
    uint32_t depth;
    uint64_t arrival;
};
enum gx_err gx_op_put(struct gx_txn *txn, uint32_t gnum, uint32_t cnum, const struct gx_op_row *row) GX_MUST_CHECK;
enum gx_err gx_op_get(struct gx_txn *txn, struct gx_op_row *out, uint32_t gnum, uint32_t cnum) GX_MUST_CHECK;

/* `join`: gnum -> row.  A join under way; it survives restarts and is retried until it ends or the person forgets it. */
#define GX_JOIN_ADDRS_MAX 8u
struct gx_join_row {
    struct gx_token token;
    uint8_t alias_bytes;                /* wish for a name in this group, up to 255 bytes */
    uint8_t alias[255];
    uint8_t n_addrs;
    struct gx_addr addrs[GX_JOIN_ADDRS_MAX];   /* guests' doors to try, the code's hint first */
};
enum gx_err gx_join_put(struct gx_txn *txn, uint32_t gnum, const struct gx_join_row *row) GX_MUST_CHECK;
enum gx_err gx_join_get(struct gx_txn *txn, struct gx_join_row *out, uint32_t gnum) GX_MUST_CHECK;
enum gx_err gx_join_del(struct gx_txn *txn, uint32_t gnum) GX_MUST_CHECK;

/* `invite`: (gnum, token event id) -> the seed of an invitation made on this node. */
struct gx_invite_row {
    struct gx_event_id token;
    struct gx_token_seed seed;
    struct gx_addr hint;                /* the address written into the code; family 0: none */
};
enum gx_err gx_invite_put(struct gx_txn *txn, uint32_t gnum, const struct gx_invite_row *row) GX_MUST_CHECK;
enum gx_err gx_invite_get(struct gx_txn *txn, struct gx_invite_row *out, uint32_t gnum, const struct gx_event_id *token) GX_MUST_CHECK;

/* `door`: token event id -> port of the guests' door that this node opened for it; kept over restarts. */
enum gx_err gx_door_put(struct gx_txn *txn, const struct gx_event_id *token, uint16_t port) GX_MUST_CHECK;
enum gx_err gx_door_get(struct gx_txn *txn, uint16_t *port, const struct gx_event_id *token) GX_MUST_CHECK;

/* `endpoint`: (gnum, device) -> record, verified before it is put. */
enum gx_err gx_endpoint_put(struct gx_txn *txn, uint32_t gnum, const struct gx_endpoint *record) GX_MUST_CHECK;
enum gx_err gx_endpoint_del(struct gx_txn *txn, uint32_t gnum, const struct gx_sign_pk *device) GX_MUST_CHECK;
/* In order of device key: the first above `after` (NULL: the first).  GX_E_ABSENT at the end. */
enum gx_err gx_endpoint_next(struct gx_txn *txn, struct gx_endpoint *out, uint32_t gnum, const struct gx_sign_pk *after) GX_MUST_CHECK;

/* `held`: (own lnum, device) -> row: that device told that it holds this node's log from base_seq + 1 to seq. */
struct gx_held_row {
    struct gx_sign_pk device;
    uint32_t base_seq, seq;             /* base_seq <= seq */
};
enum gx_err gx_held_put(struct gx_txn *txn, uint32_t lnum, const struct gx_held_row *row) GX_MUST_CHECK;
enum gx_err gx_held_next(struct gx_txn *txn, struct gx_held_row *out, uint32_t lnum, const struct gx_sign_pk *after) GX_MUST_CHECK;

/* `knows`: (lnum, cnum) -> seq: the first message of the log that has control event cnum, an admission of its author, in its past. */
enum gx_err gx_knows_put(struct gx_txn *txn, uint32_t lnum, uint32_t cnum, uint32_t seq) GX_MUST_CHECK;
/* The first with cnum at least *cnum.  GX_E_ABSENT at the end. */
enum gx_err gx_knows_next(struct gx_txn *txn, uint32_t *cnum, uint32_t *seq, uint32_t lnum) GX_MUST_CHECK;

/* `addr`: addresses that a person gave with `peer add`. */
enum gx_err gx_manual_put(struct gx_txn *txn, const struct gx_addr *addr) GX_MUST_CHECK;
enum gx_err gx_manual_del(struct gx_txn *txn, const struct gx_addr *addr) GX_MUST_CHECK;
enum gx_err gx_manual_next(struct gx_txn *txn, struct gx_addr *out, const struct gx_addr *after) GX_MUST_CHECK;   /* NULL: the first */

#endif
