/* Inside the store layer only: a few consecutive events of one log, from wherever they lie, hashed and checked.  SCHEMA §3.5 */
#ifndef GX_STORE_WINDOW_H
#define GX_STORE_WINDOW_H

#include "store/segment.h"

/* All borrowed from LMDB: valid until the next write through txn or its end. */
struct gx_window {
    uint32_t first, n;                  /* seqs first to first + n - 1 */
    bool in_journal;
    struct gx_segment seg;              /* the segment they lie in, unless in the journal */
    struct gx_event_id prev, next;      /* the stored ids of the event before the first and of the last */
    uint64_t arrivals[GX_SEGMENT_GROUP];
    bool verified[GX_SEGMENT_GROUP];    /* was the event's own signature verified before it was stored? */
    uint64_t prev_arrival;              /* as stored with the first; 0 too when the window begins inside a segment */
    struct gx_span records[GX_SEGMENT_GROUP];
    struct gx_event events[GX_SEGMENT_GROUP];
};

/* Find the window that holds seq: in a segment its whole group, in the journal from seq on, at most `want` events.
 * Fills all but events.  After GX_E_CORRUPT with n > 0 only these n events are unreadable; with n == 0 it is not known how many. */
enum gx_err gx_window_find(struct gx_txn *txn, struct gx_window *out, const struct gx_log_row *row, uint32_t seq, uint32_t want) GX_MUST_CHECK;
/* Decode the events and compare the last one's id with what the store holds for it. */
enum gx_err gx_window_check(struct gx_window *win, const struct gx_log_row *row, const struct gx_group_id *group) GX_MUST_CHECK;

#endif
