/* Rows of `log`, and the numbers of logs.  SCHEMA §2.11 */
#include "store/events.h"
#include "store/schema.h"

#define LOG_ROW_BYTES 213u

static void encode(struct gx_wr *w, const struct gx_log_row *row)
{
    gx_wr_bytes(w, row->id.b, sizeof row->id.b);
    gx_wr_u8(w, row->cls);
    gx_wr_bytes(w, row->member.b, sizeof row->member.b);
    gx_wr_bytes(w, row->device.b, sizeof row->device.b);
    gx_wr_bytes(w, row->incarnation.b, sizeof row->incarnation.b);
    gx_wr_u32(w, row->base_seq);
    gx_wr_bytes(w, row->base_id.b, sizeof row->base_id.b);
    gx_wr_u64(w, row->base_tick);
    gx_wr_u32(w, row->head_seq);
    gx_wr_bytes(w, row->head_id.b, sizeof row->head_id.b);
    gx_wr_u64(w, row->head_tick);
    gx_wr_u64(w, row->head_arrival);
    gx_wr_u32(w, row->journal_first);
    gx_wr_u32(w, row->n_messages);
    gx_wr_u32(w, row->read_seq);
    gx_wr_u32(w, row->read_messages);
    gx_wr_u32(w, row->begun_seq);
    gx_wr_u64(w, row->bytes);
}

/* What a row may not say whatever its events are.  The last line keeps sums of unread messages from going below zero. */
static bool makes_sense(const struct gx_log_row *row)
{
    return row->gnum != 0 && row->lnum != 0
        && (row->cls == GX_LOG_CONTROL || row->cls == GX_LOG_MESSAGES)
        && row->base_seq <= row->head_seq && row->head_seq <= GX_EVENT_SEQ_MAX
        && (row->head_arrival == 0) == (row->head_seq == row->base_seq)
        && (row->journal_first == 0 || (row->journal_first > row->base_seq && row->journal_first <= row->head_seq))
        && row->n_messages <= row->head_seq - row->base_seq
        && row->read_messages <= row->n_messages && row->read_seq <= row->head_seq
        && row->begun_seq <= row->base_seq && (row->bytes == 0) == (row->head_seq == row->base_seq);
}

static enum gx_err decode(struct gx_log_row *out, struct gx_span key, struct gx_span value)
{
    struct gx_rd r = gx_rd(value);

    if (key.n != 8)
        return GX_E_CORRUPT;
    out->gnum = gx_get_be32(key.p);
    out->lnum = gx_get_be32(key.p + 4);
    gx_rd_bytes(&r, out->id.b, sizeof out->id.b);
    out->cls = gx_rd_u8(&r);
    gx_rd_bytes(&r, out->member.b, sizeof out->member.b);
    gx_rd_bytes(&r, out->device.b, sizeof out->device.b);
    gx_rd_bytes(&r, out->incarnation.b, sizeof out->incarnation.b);
    out->base_seq = gx_rd_u32(&r);
    gx_rd_bytes(&r, out->base_id.b, sizeof out->base_id.b);
    out->base_tick = gx_rd_u64(&r);
    out->head_seq = gx_rd_u32(&r);
    gx_rd_bytes(&r, out->head_id.b, sizeof out->head_id.b);
    out->head_tick = gx_rd_u64(&r);
    out->head_arrival = gx_rd_u64(&r);
    out->journal_first = gx_rd_u32(&r);
    out->n_messages = gx_rd_u32(&r);
    out->read_seq = gx_rd_u32(&r);
    out->read_messages = gx_rd_u32(&r);
    out->begun_seq = gx_rd_u32(&r);
    out->bytes = gx_rd_u64(&r);
    return gx_rd_finish(&r) == GX_OK && makes_sense(out) ? GX_OK : GX_E_CORRUPT;
}

enum gx_err gx_log_new_number(struct gx_txn *txn, uint32_t *lnum)
{
    GX_ASSERT(txn->write);
    if (txn->counters.next_lnum == UINT32_MAX)
        return GX_E_TOO_BIG;
    *lnum = txn->counters.next_lnum++;
    return GX_OK;
}

enum gx_err gx_log_put(struct gx_txn *txn, const struct gx_log_row *row)
{
    struct gx_key key = gx_key_u32_u32(row->gnum, row->lnum);
    uint8_t bytes[LOG_ROW_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    GX_ASSERT(makes_sense(row));
    encode(&w, row);
    GX_ASSERT(!w.failed && w.n == sizeof bytes);
    return gx_table_put(txn, GX_TABLE_LOG, &key, gx_wr_span(&w));
}

enum gx_err gx_log_next(struct gx_txn *txn, struct gx_log_row *out, uint32_t gnum, uint32_t after)
{
    struct gx_span key, value;

    if (after == UINT32_MAX)
        return GX_E_ABSENT;
    struct gx_key from = gx_key_u32_u32(gnum, after + 1);
    enum gx_err err = gx_table_seek(txn, &key, &value, GX_TABLE_LOG, &from);
    if (err != GX_OK)
        return err;
    if (key.n == 8 && gx_get_be32(key.p) != gnum)
        return GX_E_ABSENT;
    return decode(out, key, value);
}
