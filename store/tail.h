/* Inside the store layer only: where the events that still lie in the journal are.  SCHEMA §3.4.
 *
 * The journal is ordered by arrival, and each event names the arrival before it in its log: reading a log there goes backwards.  A tail is
 * what such a walk found, kept in memory: deep reading walks once, not once a chunk.  Built only for logs that are read, only as deep as they
 * are read, longer by each append, forgotten at each fold and abort: never more entries than the journal has events. */
#ifndef GX_STORE_TAIL_H
#define GX_STORE_TAIL_H

#include "store/events.h"

struct gx_tail_entry {
    uint64_t arrival;
    uint32_t seq;
};

struct gx_tail_list {
    struct gx_tail_entry *at;
    uint32_t n, cap;
};

struct gx_tail {
    uint32_t lnum;                  /* 0: an empty slot */
    uint32_t top_seq;               /* head of the log as known here */
    uint32_t walk_seq;              /* the walk goes on below with this event; */
    uint64_t walk_arrival;          /* which arrived with this number */
    struct gx_tail_list down;       /* walked: seq descends */
    struct gx_tail_list up;         /* appended since: seq ascends */
};

/* A hash table by lnum; n_slots is 0 or a power of two. */
struct gx_tails {
    struct gx_tail *slots;
    uint32_t n_slots, n_tails;
};

/* With which number did event seq of row's log arrive, if it lies in the journal?
 * Returns GX_OK, GX_E_ABSENT (it lies in a segment), GX_E_CORRUPT, GX_E_MEMORY, GX_E_STORE. */
enum gx_err gx_tail_find(struct gx_txn *txn, uint64_t *arrival, const struct gx_log_row *row, uint32_t seq) GX_MUST_CHECK;

/* The head of a log moved in txn: by one event in the journal, or by a chunk. */
void gx_tail_appended(struct gx_txn *txn, uint32_t lnum, uint32_t seq, uint64_t arrival);
void gx_tail_chunk(struct gx_txn *txn, uint32_t lnum, uint32_t last_seq);

void gx_tails_drop(struct gx_tails *tails);

#endif
