/* Where events lie: the journal, in order of arrival, and segments, by log.  SCHEMA §3.
 *
 * A row of `log` is the caller's: the functions here change it in memory, gx_log_put writes it (once per touched log and step).
 * Arrival numbers are dense, start at 1 and are the `seq` that people and scripts see. */
#ifndef GX_STORE_EVENTS_H
#define GX_STORE_EVENTS_H

#include "proto/chunk.h"
#include "store/env.h"

struct gx_log_row {
    uint32_t gnum, lnum;            /* numbers of group and log, both from 1, both unique in the store */
    struct gx_log_id id;
    uint8_t cls;                    /* enum gx_log_class */
    struct gx_sign_pk member;
    struct gx_sign_pk device;
    struct gx_incarnation incarnation;
    uint32_t base_seq;              /* events up to here are not held (a newcomer's messages begin after it); 0 at the start */
    struct gx_event_id base_id;     /* id of event base_seq; zero when base_seq is 0 and the log has no earlier incarnation */
    uint64_t base_tick;
    uint32_t head_seq;              /* base_seq when nothing is held */
    struct gx_event_id head_id;     /* base_id when nothing is held */
    uint64_t head_tick;
    uint64_t head_arrival;          /* arrival of the head; 0 when nothing is held */
    uint32_t journal_first;         /* lowest seq that still lies in the journal; 0: none does */
    uint32_t n_messages;            /* TEXT events held */
    uint32_t read_seq;              /* TEXT events up to here were read */
    uint32_t read_messages;         /* how many those were: unread = n_messages - read_messages */
    uint32_t begun_seq;             /* what base_seq was before anything was dropped: nothing up to there was ever here; <= base_seq */
    uint64_t bytes;                 /* of the records of all events held */
};

/* `log` table.  put inserts or replaces; new rows take their lnum from gx_log_new_number. */
enum gx_err gx_log_new_number(struct gx_txn *txn, uint32_t *lnum) GX_MUST_CHECK;
enum gx_err gx_log_put(struct gx_txn *txn, const struct gx_log_row *row) GX_MUST_CHECK;
/* Rows of one group in order of lnum: the first with a number above `after`.  GX_E_ABSENT at the end. */
enum gx_err gx_log_next(struct gx_txn *txn, struct gx_log_row *out, uint32_t gnum, uint32_t after) GX_MUST_CHECK;

/* Append the event after row's head to the journal.  ev->seq, prev and log must continue the head (asserted: the caller checked it), and its
 * own signature was verified, or made here.
 * Out: arrival, and row's head, journal_first, n_messages. */
enum gx_err gx_events_append(struct gx_txn *txn, uint64_t *arrival, struct gx_log_row *row, const struct gx_event *ev) GX_MUST_CHECK;

/* ev, which this transaction appended as number `arrival`, has its signature now.  Nothing else of the store depends on it, so many events can be
 * appended first and signed together; before that none may be read out. */
enum gx_err gx_events_signed(struct gx_txn *txn, uint64_t arrival, const struct gx_event *ev) GX_MUST_CHECK;

/* gx_events_append for an event of a received chunk whose own signature was not verified: a later event of that chunk, appended in the same transaction,
 * proves it.  Chunks that are read out do not end with such an event if it can be helped. */
enum gx_err gx_events_append_covered(struct gx_txn *txn, uint64_t *arrival, struct gx_log_row *row, const struct gx_event *ev) GX_MUST_CHECK;

/* Store a chunk that continues row's head as one segment, as it was received.  Its hashes were walked by the caller, who hands over the ids
 * (chunk->count of them), the last tick and how many are TEXT.  verified_all: every event's own signature was checked (else: the last one's).
 * Out: arrival of its first event (the others follow densely), row's head and n_messages. */
enum gx_err gx_events_put_chunk(struct gx_txn *txn, uint64_t *first_arrival, struct gx_log_row *row, const struct gx_chunk *chunk,
                                const struct gx_event_id *ids, uint64_t last_tick, uint32_t n_texts, bool verified_all) GX_MUST_CHECK;

/* Read event `seq` of row's log.  base_seq < seq <= head_seq.  The event is checked against the id that the store holds for it or its successor.
 * Out: borrowed from LMDB: valid until the next write through txn or its end.  group: the group's id.
 * Returns GX_E_ABSENT, GX_E_CORRUPT (a bad page: quarantine, fetch again from peers), GX_E_STORE. */
enum gx_err gx_events_get(struct gx_txn *txn, struct gx_event *out, const struct gx_log_row *row, const struct gx_group_id *group, uint32_t seq) GX_MUST_CHECK;
/* The same for many events, asked for log by log upwards or in any mixture of logs: what was hashed for one is not hashed again for the next.  SCHEMA §3.5
 * One cache for one transaction, whose end is the end of all it gave; the caller frees it.  new: NULL when there is no memory.  In a transaction that writes nothing
 * is kept.  Errors as gx_events_get, of which GX_E_CORRUPT may be of an event close by; and GX_E_MEMORY. */
struct gx_events_cache;
struct gx_events_cache *gx_events_cache_new(void);
void gx_events_cache_free(struct gx_events_cache *cache);       /* NULL: nothing */
enum gx_err gx_events_get_cached(struct gx_txn *txn, struct gx_events_cache *cache, struct gx_event *out, const struct gx_log_row *row,
                                 const struct gx_group_id *group, uint32_t seq) GX_MUST_CHECK;
/* Append to w one chunk (header and records) that starts at from_seq and holds at most max_events events and max_bytes bytes, but at least
 * one event.  It may cross from segments into the journal and back.  What lies in a segment is checked by its sum, else by ids.  Out: next_seq, one past the last event written.
 * It ends with an event whose own signature was verified here, if there is one in what fits: whoever is sent it verifies the last one only.
 * Returns GX_E_ABSENT (from_seq is not held), GX_E_CORRUPT (event from_seq is bad; what lies before a bad event is still given),
 *         GX_E_TOO_BIG (w has no room for one event; w->failed), GX_E_MEMORY, GX_E_STORE; w->n is then what it was. */
enum gx_err gx_events_read_chunk(struct gx_txn *txn, struct gx_wr *w, uint32_t *next_seq, const struct gx_log_row *row, const struct gx_group_id *group,
                                 uint32_t from_seq, uint32_t max_events, size_t max_bytes) GX_MUST_CHECK;

/* Which event arrived as number `arrival`?  GX_E_ABSENT past the end. */
enum gx_err gx_events_at(struct gx_txn *txn, uint32_t *lnum, uint32_t *seq, uint64_t arrival) GX_MUST_CHECK;
/* Which number did event seq of row's log get?  For display; a walk of at most one segment or the log's part of the journal. */
enum gx_err gx_events_arrival(struct gx_txn *txn, uint64_t *arrival, const struct gx_log_row *row, uint32_t seq) GX_MUST_CHECK;

/* The oldest events of a log that lie together: all that one segment holds.  SCHEMA §3.7 */
struct gx_oldest {
    uint32_t last_seq;              /* base_seq + 1 to last_seq */
    uint64_t last_arrival;
    size_t bytes;                   /* of their records */
};
/* Returns GX_OK, GX_E_ABSENT (nothing is held, or the oldest lie in the journal: to be folded first), GX_E_CORRUPT, GX_E_STORE. */
enum gx_err gx_events_oldest(struct gx_txn *txn, struct gx_oldest *out, const struct gx_log_row *row) GX_MUST_CHECK;
/* Drop them, with their numbers and their keys: row's base moves up to last_seq, and what it counts goes down.  The caller puts the row in the same transaction;
 * a log of control events is never shortened, nor one to nothing (both asserted): its newest event is what newcomers are told of.
 * Returns GX_E_ABSENT as above, GX_E_CORRUPT (the event that would be the new base is bad: the log stays as it is), GX_E_LOCKED (no root key), GX_E_STORE. */
enum gx_err gx_events_drop(struct gx_txn *txn, struct gx_log_row *row, const struct gx_group_id *group) GX_MUST_CHECK;

/* The days on which something arrived, and the number that was next when that was first noted: how old an event is, as far as this node can know, for
 * numbers have no time and what authors say of theirs is their own.  The last GX_DAYS_MAX of them.  SCHEMA §2.1 */
#define GX_DAYS_MAX 366u
struct gx_day {
    uint32_t day;                   /* since 1970-01-01, UTC */
    uint64_t arrival;
};
enum gx_err gx_days_get(struct gx_txn *txn, struct gx_day days[GX_DAYS_MAX], uint32_t *n) GX_MUST_CHECK;     /* none were noted yet: GX_OK, n is 0 */
enum gx_err gx_days_put(struct gx_txn *txn, const struct gx_day *days, uint32_t n) GX_MUST_CHECK;            /* n <= GX_DAYS_MAX */

/* Fold the journal into segments when it holds at least GX_JOURNAL_FOLD events (or any, with force).  Rows of the logs that it touches are
 * changed on disk and through `each` (the caller's copies in memory), once all is written.  *folded: how many events moved.
 * Rows of groups and logs that changed in memory must have been put before: the fold starts from those on disk (GX_E_CORRUPT when they do
 * not know an event).  Events of a group that was forgotten are dropped.  After an error the transaction can only be aborted. */
#define GX_JOURNAL_FOLD 32768u
enum gx_err gx_events_fold(struct gx_txn *txn, uint32_t *folded, bool force, void (*each)(void *ctx, const struct gx_log_row *row), void *ctx) GX_MUST_CHECK;

#endif
