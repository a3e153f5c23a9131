#include "store/journal.h"

#include "store/schema.h"

enum gx_err gx_journal_decode(struct gx_journal *out, struct gx_span value)
{
    struct gx_rd r = gx_rd(value);

    out->gnum = gx_rd_u32(&r);
    out->lnum = gx_rd_u32(&r);
    out->seq = gx_rd_u32(&r);
    out->flags = gx_rd_u8(&r);
    out->prev_arrival = gx_rd_u64(&r);
    gx_rd_bytes(&r, out->prev.b, sizeof out->prev.b);
    out->record = gx_rd_rest(&r);
    if (r.failed || out->gnum == 0 || out->lnum == 0 || out->seq == 0 || (out->flags & ~GX_JOURNAL_VERIFIED) != 0)
        return GX_E_CORRUPT;
    return GX_OK;
}

enum gx_err gx_journal_get(struct gx_txn *txn, struct gx_journal *out, uint64_t arrival)
{
    struct gx_key key = gx_key_u64(arrival);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_JOURNAL, &key);

    return err == GX_OK ? gx_journal_decode(out, value) : err;
}

/* As gx_record_encode writes it (WIRE §5.2): asserted below. */
size_t gx_journal_record_bytes(const struct gx_event *ev)
{
    bool deleted = ev->body.p == NULL && ev->body_len > 0;

    return 4 + 21 + 32 * (size_t)ev->n_deps + 64 + (deleted ? 36 : ev->body.n);
}

/* j: all but the record. */
static enum gx_err put(struct gx_txn *txn, uint64_t arrival, const struct gx_journal *j, const struct gx_event *ev, bool append)
{
    struct gx_key key = gx_key_u64(arrival);
    size_t n = GX_JOURNAL_HEADER_BYTES + gx_journal_record_bytes(ev);
    uint8_t *room;
    enum gx_err err = gx_table_reserve(txn, &room, GX_TABLE_JOURNAL, &key, n, append);

    if (err != GX_OK)
        return err;
    struct gx_wr w = gx_wr(room, n);
    gx_wr_u32(&w, j->gnum);
    gx_wr_u32(&w, j->lnum);
    gx_wr_u32(&w, j->seq);
    gx_wr_u8(&w, j->flags);
    gx_wr_u64(&w, j->prev_arrival);
    gx_wr_bytes(&w, ev->prev.b, sizeof ev->prev.b);
    gx_record_encode(&w, ev);
    GX_ASSERT(!w.failed && w.n == n);
    return GX_OK;
}

enum gx_err gx_journal_append(struct gx_txn *txn, uint64_t arrival, const struct gx_log_row *row, const struct gx_event *ev, uint8_t flags)
{
    const struct gx_journal j = {.gnum = row->gnum, .lnum = row->lnum, .seq = (uint32_t)ev->seq, .flags = flags, .prev_arrival = row->head_arrival};

    return put(txn, arrival, &j, ev, true);
}

enum gx_err gx_journal_replace(struct gx_txn *txn, uint64_t arrival, const struct gx_event *ev)
{
    struct gx_journal j;
    enum gx_err err = gx_journal_get(txn, &j, arrival);

    if (err != GX_OK)
        return err == GX_E_ABSENT ? GX_E_CORRUPT : err;
    GX_ASSERT(j.seq == ev->seq && gx_event_id_equal(&j.prev, &ev->prev));
    return put(txn, arrival, &j, ev, false);
}
