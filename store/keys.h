/* What opens sealed events: epochs and their chains, prekeys, message keys.  SCHEMA §2.18 to §2.22.
 *
 * All but `locked` are secrets, and sealed (SCHEMA §1.6). */
#ifndef GX_STORE_KEYS_H
#define GX_STORE_KEYS_H

#include "crypto/epoch.h"
#include "crypto/message.h"
#include "proto/ids.h"
#include "store/env.h"

/* `epoch`: (gnum, cnum of its EPOCH operation) -> row.  Of an epoch that this node is not listed in there is none. */
/* SHUT: listed, and could not be opened.  SPENT: it was open, and its gate alone is left. */
enum gx_epoch_state { GX_EPOCH_SHUT = 1, GX_EPOCH_OPEN = 2, GX_EPOCH_SPENT = 3 };
struct gx_epoch_row {
    uint8_t state;                      /* enum gx_epoch_state */
    bool instead;                       /* somebody who is listed could not open it, and said so: nothing more is sealed under it */
    uint64_t since_ms;                  /* wall clock when it was heard of */
    uint32_t used;                      /* messages sealed under it, as far as they came here */
    struct gx_gate_key gate;            /* zero where it is shut */
    uint16_t n_chains;
};
struct gx_chain_row {
    struct gx_log_tag log;              /* of a sender's message log */
    uint32_t next;                      /* place of the next message that has not come yet */
    struct gx_chain_key key;            /* CK of that place */
};
/* chains: n_chains of them, their logs strictly ascending, as the slots of the epoch do. */
enum gx_err gx_epoch_put(struct gx_txn *txn, uint32_t gnum, uint32_t cnum, const struct gx_epoch_row *row, const struct gx_chain_row *chains) GX_MUST_CHECK;
/* The first with cnum at least *cnum, without its chains.  GX_E_ABSENT at the end. */
enum gx_err gx_epoch_next(struct gx_txn *txn, uint32_t *cnum, struct gx_epoch_row *out, uint32_t gnum) GX_MUST_CHECK;
/* chains: room for n, which are as many as the row said. */
enum gx_err gx_epoch_chains(struct gx_txn *txn, struct gx_chain_row *chains, uint16_t n, uint32_t gnum, uint32_t cnum) GX_MUST_CHECK;
/* With all keys that were kept of it: without its chains nobody asks for them. */
enum gx_err gx_epoch_del(struct gx_txn *txn, uint32_t gnum, uint32_t cnum) GX_MUST_CHECK;

/* `prekey`: (gnum, public key) -> the pair of a prekey that this node told. */
struct gx_prekey_row {
    struct gx_dh_pk pk;
    struct gx_dh_sk sk;
    uint64_t since_ms;                  /* wall clock when it was made */
};
enum gx_err gx_prekey_put(struct gx_txn *txn, uint32_t gnum, const struct gx_prekey_row *row) GX_MUST_CHECK;
enum gx_err gx_prekey_next(struct gx_txn *txn, struct gx_prekey_row *out, uint32_t gnum, const struct gx_dh_pk *after) GX_MUST_CHECK;   /* NULL: the first */
enum gx_err gx_prekey_del(struct gx_txn *txn, uint32_t gnum, const struct gx_dh_pk *pk) GX_MUST_CHECK;

/* `kept`: (gnum, cnum, tag of a sender's log, place) -> the key of a message that was passed over, and may come. */
enum gx_err gx_kept_put(struct gx_txn *txn, uint32_t gnum, uint32_t cnum, const struct gx_log_tag *log, uint32_t n, const struct gx_message_key *key) GX_MUST_CHECK;
enum gx_err gx_kept_get(struct gx_txn *txn, struct gx_message_key *key, uint32_t gnum, uint32_t cnum, const struct gx_log_tag *log, uint32_t n) GX_MUST_CHECK;
/* Taken out.  GX_E_ABSENT, of both: there is none. */
enum gx_err gx_kept_take(struct gx_txn *txn, struct gx_message_key *key, uint32_t gnum, uint32_t cnum, const struct gx_log_tag *log, uint32_t n) GX_MUST_CHECK;

/* `key`: (gnum, block of 64 arrivals) -> the message keys of those of the group's events among them that this node can open. */
#define GX_KEY_BLOCK 64u
enum gx_err gx_message_key_put(struct gx_txn *txn, uint32_t gnum, uint64_t arrival, const struct gx_message_key *key) GX_MUST_CHECK;
/* Of n events that arrived one behind the other: those that `have` says are known. */
enum gx_err gx_message_keys_put(struct gx_txn *txn, uint32_t gnum, uint64_t first_arrival, const struct gx_message_key *keys, const bool *have, uint32_t n) GX_MUST_CHECK;
enum gx_err gx_message_key_get(struct gx_txn *txn, struct gx_message_key *out, uint32_t gnum, uint64_t arrival) GX_MUST_CHECK;      /* GX_E_ABSENT */

/* Those of n events, in order of arrival, are no longer known.  A row that makes no sense stays as it is. */
enum gx_err gx_message_keys_drop(struct gx_txn *txn, uint32_t gnum, const uint64_t *arrivals, uint32_t n) GX_MUST_CHECK;

/* `locked`: (gnum, lnum) -> between which events of that log some lie whose keys this node lacks, and from where on it has not looked for any. */
struct gx_locked_row {
    uint32_t first, last;               /* seq; first <= last, or both 0: none is lacking */
    uint32_t unopened;                  /* seq; 0: it looked for all.  No row at all where first is 0, too */
};
enum gx_err gx_locked_put(struct gx_txn *txn, uint32_t gnum, uint32_t lnum, const struct gx_locked_row *row) GX_MUST_CHECK;
enum gx_err gx_locked_get(struct gx_txn *txn, struct gx_locked_row *out, uint32_t gnum, uint32_t lnum) GX_MUST_CHECK;
enum gx_err gx_locked_del(struct gx_txn *txn, uint32_t gnum, uint32_t lnum) GX_MUST_CHECK;

#endif
