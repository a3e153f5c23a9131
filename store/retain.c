/* Dropping what is old: a log is shortened from its beginning, a segment at a time.  SCHEMA §3.7 */
#include "store/arrival.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/schema.h"
#include "store/segment.h"

static enum gx_err oldest(struct gx_txn *txn, struct gx_segment *seg, const struct gx_log_row *row)
{
    if (row->head_seq == row->base_seq || row->journal_first == row->base_seq + 1)
        return GX_E_ABSENT;
    enum gx_err err = gx_segment_find(txn, seg, row, row->base_seq + 1);
    /* The row says that it is held, and not in the journal. */
    if (err == GX_E_ABSENT || (err == GX_OK && (seg->first_seq != row->base_seq + 1 || gx_segment_last_seq(seg) > row->head_seq)))
        err = GX_E_CORRUPT;
    return err;
}

enum gx_err gx_events_oldest(struct gx_txn *txn, struct gx_oldest *out, const struct gx_log_row *row)
{
    struct gx_segment seg;
    enum gx_err err = oldest(txn, &seg, row);

    if (err == GX_OK)
        *out = (struct gx_oldest){.last_seq = gx_segment_last_seq(&seg), .last_arrival = gx_segment_arrival(&seg, gx_segment_last_seq(&seg)),
                                  .bytes = seg.records.n};
    return err;
}

enum gx_err gx_events_drop(struct gx_txn *txn, struct gx_log_row *row, const struct gx_group_id *group)
{
    uint64_t arrivals[GX_CHUNK_EVENTS_MAX];
    struct gx_key key = gx_key_u32x3(row->gnum, row->lnum, row->base_seq + 1);
    struct gx_segment seg;
    struct gx_event last;

    GX_ASSERT(txn->write && row->cls == GX_LOG_MESSAGES);
    enum gx_err err = oldest(txn, &seg, row);
    if (err != GX_OK)
        return err;
    /* Its id is known without, its tick is not; and what does not hash to the id that it should have says no tick. */
    const uint32_t base = gx_segment_last_seq(&seg);
    GX_ASSERT(base < row->head_seq);
    err = gx_events_get(txn, &last, row, group, base);
    if (err != GX_OK)
        return err;
    /* All that is borrowed from the segment ends with the first write. */
    const uint64_t base_tick = last.tick;
    const size_t bytes = seg.records.n;
    const uint16_t n = seg.count;
    const struct gx_event_id base_id = seg.last_id;
    for (uint32_t i = 0; i < n; i++)
        arrivals[i] = gx_segment_arrival(&seg, seg.first_seq + i);
    if (bytes > row->bytes || n > row->n_messages)
        return GX_E_CORRUPT;
    err = gx_message_keys_drop(txn, row->gnum, arrivals, n);
    if (err == GX_OK)
        err = gx_arrivals_drop(txn, arrivals, n);
    if (err == GX_OK)
        err = gx_table_del(txn, GX_TABLE_SEGMENT, &key);
    if (err != GX_OK) {
        /* Half of it may never be committed. */
        txn->failed = txn->failed == GX_OK ? err : txn->failed;
        return err;
    }
    /* Every event of such a log is a message. */
    row->read_messages -= row->read_seq >= base ? n : row->read_seq > row->base_seq ? row->read_seq - row->base_seq : 0;
    row->n_messages -= n;
    row->bytes -= bytes;
    row->base_seq = base;
    row->base_id = base_id;
    row->base_tick = base_tick;
    return GX_OK;
}

/* --- days ------------------------------------------------------------------------------------------------------------------------------- */

#define DAY_BYTES 12u
static const struct gx_key days_key = {.b = "days", .n = 4};        /* in meta */

enum gx_err gx_days_get(struct gx_txn *txn, struct gx_day days[GX_DAYS_MAX], uint32_t *n)
{
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_META, &days_key);

    *n = 0;
    if (err != GX_OK)
        return err == GX_E_ABSENT ? GX_OK : err;
    struct gx_rd r = gx_rd(value);
    while (r.left > 0 && !r.failed && *n < GX_DAYS_MAX) {
        days[*n].day = gx_rd_u32(&r);
        days[*n].arrival = gx_rd_u64(&r);
        if (*n > 0 && days[*n].arrival <= days[*n - 1].arrival)
            gx_rd_fail(&r);
        ++*n;
    }
    return gx_rd_finish(&r) == GX_OK ? GX_OK : GX_E_CORRUPT;
}

enum gx_err gx_days_put(struct gx_txn *txn, const struct gx_day *days, uint32_t n)
{
    uint8_t bytes[DAY_BYTES * GX_DAYS_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    GX_ASSERT(n <= GX_DAYS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        gx_wr_u32(&w, days[i].day);
        gx_wr_u64(&w, days[i].arrival);
    }
    return gx_table_put(txn, GX_TABLE_META, &days_key, gx_wr_span(&w));
}
