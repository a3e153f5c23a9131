/* Inside the store layer only: rows of the journal.  SCHEMA §3.1 */
#ifndef GX_STORE_JOURNAL_H
#define GX_STORE_JOURNAL_H

#include "store/events.h"

/* gnum u32 | lnum u32 | seq u32 | flags u8 | previous arrival u64 | prev id[32] | record */
#define GX_JOURNAL_HEADER_BYTES 53u

enum gx_journal_flags {
    GX_JOURNAL_VERIFIED = 1     /* its own signature was verified; else: that of a later event that came with it */
};

struct gx_journal {
    uint32_t gnum, lnum, seq;
    uint8_t flags;
    uint64_t prev_arrival;          /* of event seq - 1 of this log; 0: it is not held */
    struct gx_event_id prev;
    struct gx_span record;          /* borrowed */
};

enum gx_err gx_journal_decode(struct gx_journal *out, struct gx_span value) GX_MUST_CHECK;
enum gx_err gx_journal_get(struct gx_txn *txn, struct gx_journal *out, uint64_t arrival) GX_MUST_CHECK;
enum gx_err gx_journal_append(struct gx_txn *txn, uint64_t arrival, const struct gx_log_row *row, const struct gx_event *ev, uint8_t flags) GX_MUST_CHECK;
/* How long its record is. */
size_t gx_journal_record_bytes(const struct gx_event *ev);
/* The row of the same event anew: its signature has changed. */
enum gx_err gx_journal_replace(struct gx_txn *txn, uint64_t arrival, const struct gx_event *ev) GX_MUST_CHECK;

#endif
