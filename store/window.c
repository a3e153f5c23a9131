#include "store/window.h"

#include "store/journal.h"
#include "store/schema.h"

static enum gx_err find_in_segment(struct gx_window *out, const struct gx_log_row *row, uint32_t seq)
{
    const struct gx_segment *seg = &out->seg;
    uint32_t g = (seq - seg->first_seq) / GX_SEGMENT_GROUP;
    uint32_t begin = g * GX_SEGMENT_GROUP;
    struct gx_span records;

    out->first = seg->first_seq + begin;
    out->n = seg->count - begin < GX_SEGMENT_GROUP ? seg->count - begin : GX_SEGMENT_GROUP;
    out->prev = gx_segment_base(seg, g);
    out->prev_arrival = g == 0 ? seg->prev_arrival : 0;
    out->next = gx_segment_base(seg, g + 1);
    if (seg->first_seq <= row->base_seq || gx_segment_last_seq(seg) > row->head_seq)
        return GX_E_CORRUPT;
    enum gx_err err = gx_segment_group(seg, &records, g);
    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(records);
    for (uint32_t i = 0; i < out->n; i++) {
        if (!gx_segment_record(&r, &out->records[i]))
            return GX_E_CORRUPT;
        out->arrivals[i] = gx_segment_arrival(seg, out->first + i);
        out->verified[i] = (seg->flags & GX_SEGMENT_ALL) != 0 || (out->first + i == gx_segment_last_seq(seg) && (seg->flags & GX_SEGMENT_OPEN) == 0);
    }
    return r.left == 0 ? GX_OK : GX_E_CORRUPT;
}

/* The id of event seq, as its successor or the log's row tells it. */
static enum gx_err id_after(struct gx_txn *txn, struct gx_event_id *out, const struct gx_log_row *row, uint32_t seq)
{
    uint64_t arrival;
    struct gx_journal j;
    struct gx_segment seg;

    if (seq == row->head_seq) {
        *out = row->head_id;
        return GX_OK;
    }
    enum gx_err err = gx_tail_find(txn, &arrival, row, seq + 1);
    if (err == GX_OK) {
        err = gx_journal_get(txn, &j, arrival);
        if (err == GX_OK)
            *out = j.prev;
    } else if (err == GX_E_ABSENT) {
        err = gx_segment_find(txn, &seg, row, seq + 1);
        if (err == GX_OK && seg.first_seq == seq + 1)
            *out = gx_segment_base(&seg, 0);
        else if (err == GX_OK)
            err = GX_E_CORRUPT;
    }
    return err == GX_E_ABSENT ? GX_E_CORRUPT : err;
}

static enum gx_err find_in_journal(struct gx_txn *txn, struct gx_window *out, const struct gx_log_row *row, uint32_t seq, uint32_t want)
{
    out->in_journal = true;
    out->first = seq;
    while (out->n < want && out->n < GX_SEGMENT_GROUP && seq + out->n <= row->head_seq) {
        struct gx_journal j;
        enum gx_err err = gx_tail_find(txn, &out->arrivals[out->n], row, seq + out->n);
        if (err == GX_E_ABSENT && out->n > 0)
            break;
        if (err == GX_OK)
            err = gx_journal_get(txn, &j, out->arrivals[out->n]);
        if (err == GX_OK && (j.gnum != row->gnum || j.lnum != row->lnum || j.seq != seq + out->n))
            err = GX_E_CORRUPT;
        if (err != GX_OK)
            return err;
        if (out->n == 0) {
            out->prev = j.prev;
            out->prev_arrival = j.prev_arrival;
        }
        out->verified[out->n] = (j.flags & GX_JOURNAL_VERIFIED) != 0;
        out->records[out->n++] = j.record;
    }
    return id_after(txn, &out->next, row, seq + out->n - 1);
}

enum gx_err gx_window_find(struct gx_txn *txn, struct gx_window *out, const struct gx_log_row *row, uint32_t seq, uint32_t want)
{
    out->n = 0;
    out->in_journal = false;
    if (seq <= row->base_seq || seq > row->head_seq)
        return GX_E_ABSENT;
    GX_ASSERT(want > 0);
    enum gx_err err = gx_segment_find(txn, &out->seg, row, seq);
    if (err == GX_OK)
        return find_in_segment(out, row, seq);
    if (err != GX_E_ABSENT)
        return err;
    err = find_in_journal(txn, out, row, seq, want);
    /* The log's row says that it is held, and it is nowhere. */
    return err == GX_E_ABSENT ? GX_E_CORRUPT : err;
}

enum gx_err gx_window_check(struct gx_window *win, const struct gx_log_row *row, const struct gx_group_id *group)
{
    const struct gx_event_id *prev = &win->prev;

    for (uint32_t i = 0; i < win->n; i++) {
        if (gx_record_decode(&win->events[i], win->records[i], group, &row->id, win->first + i, prev) != GX_OK)
            return GX_E_CORRUPT;
        prev = &win->events[i].id;
    }
    return gx_event_id_equal(prev, &win->next) ? GX_OK : GX_E_CORRUPT;
}
