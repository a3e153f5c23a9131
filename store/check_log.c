#include "store/check_parts.h"
#include "store/schema.h"
#include "store/window.h"

/* Where the walk over one log is. */
struct walk {
    struct gx_check *c;
    const struct gx_log_row *row;
    bool linked;                    /* prev, arrival and tick are those of the event before: nothing was skipped */
    struct gx_event_id prev;
    uint64_t arrival, tick;
    uint32_t journal_first;
    uint32_t texts, texts_read;
    uint64_t bytes;                 /* of the records */
    bool complete;                  /* every event could be read */
};

static enum gx_err check_place(struct walk *w, uint32_t seq, uint64_t arrival)
{
    uint32_t lnum, at_seq;
    enum gx_err err = gx_events_at(w->c->txn, &lnum, &at_seq, arrival);

    if (gx_check_stops(err))
        return err;
    if (err != GX_OK || lnum != w->row->lnum || at_seq != seq)
        gx_check_problem(w->c, "log %u event %u: arrival %llu does not lead to it", w->row->lnum, seq, (unsigned long long)arrival);
    return GX_OK;
}

static enum gx_err check_event(struct walk *w, const struct gx_event *ev, uint64_t arrival, bool verified)
{
    struct gx_check *c = w->c;
    enum gx_log_class cls;
    uint32_t seq = (uint32_t)ev->seq, lnum = w->row->lnum;

    c->out->events++;
    /* A later event proves one that came inside a chunk: nobody looked at its own signature, and it need not hold.  WIRE §5 */
    bool signed_by_device = gx_event_verify(ev, &w->row->device);
    if (!signed_by_device && !verified)
        c->out->covered_unsigned++;
    else if (!signed_by_device)
        gx_check_problem(c, "log %u event %u: its signature does not hold", lnum, seq);
    if (!gx_event_class(&cls, ev->type) || cls != w->row->cls)
        gx_check_problem(c, "log %u event %u: its type is not of this log's class", lnum, seq);
    else if (cls == GX_LOG_CONTROL)
        c->control_events++;
    if (w->linked && arrival <= w->arrival)
        gx_check_problem(c, "log %u event %u: it arrived before the one before it", lnum, seq);
    if (gx_event_is_message(ev->type)) {
        w->texts++;
        if (seq <= w->row->read_seq)
            w->texts_read++;
    }
    w->arrival = arrival;
    w->tick = ev->tick;
    w->prev = ev->id;
    w->linked = true;
    return check_place(w, seq, arrival);
}

/* A window that was found and whose hashes hold: does it join what came before? */
static enum gx_err check_window(struct walk *w, const struct gx_window *win)
{
    struct gx_check *c = w->c;
    uint32_t lnum = w->row->lnum;
    bool first_of_place = win->in_journal || win->first == win->seg.first_seq;
    enum gx_err err = GX_OK;

    if (!win->in_journal && win->first == win->seg.first_seq)
        c->out->segments++;
    if (win->in_journal && w->journal_first == 0)
        w->journal_first = win->first;
    if (w->linked && !gx_event_id_equal(&win->prev, &w->prev))
        gx_check_problem(c, "log %u event %u: it does not follow the one before", lnum, win->first);
    /* The one before the first was dropped: its number is of no use any more, and stays where it stands. */
    bool first_left = win->first == w->row->base_seq + 1 && w->row->begun_seq < w->row->base_seq;
    if (w->linked && first_of_place && !first_left && win->prev_arrival != w->arrival)
        gx_check_problem(c, "log %u event %u: it names arrival %llu as the one before, which is %llu", lnum, win->first,
                         (unsigned long long)win->prev_arrival, (unsigned long long)w->arrival);
    if (!win->in_journal && win->first == win->seg.first_seq && !gx_segment_sound(&win->seg))
        gx_check_problem(c, "log %u event %u: the sum of its segment is wrong", lnum, win->first);
    for (uint32_t i = 0; i < win->n; i++)
        w->bytes += win->records[i].n;
    for (uint32_t i = 0; err == GX_OK && i < win->n; i++)
        err = check_event(w, &win->events[i], win->arrivals[i], win->verified[i]);
    return err;
}

/* After a window that cannot be read: where does the next one begin? */
static uint32_t skip(struct walk *w, const struct gx_window *win, uint32_t seq)
{
    struct gx_segment seg = {0};

    w->linked = false;
    w->complete = false;
    if (win->n > 0) {
        if (!win->in_journal && win->first == win->seg.first_seq)
            w->c->out->segments++;
        return win->first + win->n;
    }
    /* Its extent is unknown: go on with the next segment, whose key at least is there. */
    enum gx_err err = gx_segment_from(w->c->txn, &seg, w->row, seq + 1);
    return err == GX_E_ABSENT || gx_check_stops(err) || seg.first_seq <= seq ? w->row->head_seq + 1 : seg.first_seq;
}

static void check_row(struct walk *w)
{
    const struct gx_log_row *row = w->row;
    struct gx_log_id id;

    gx_log_id_make(&id, &row->member, &row->device, &row->incarnation, row->cls);
    if (!gx_log_id_equal(&id, &row->id))
        gx_check_problem(w->c, "log %u: its id is not that of its member and device", row->lnum);
    if (w->linked && !gx_event_id_equal(&w->prev, &row->head_id))
        gx_check_problem(w->c, "log %u: its head is another event", row->lnum);
    if (w->linked && (w->arrival != row->head_arrival || (row->head_seq > row->base_seq && w->tick != row->head_tick)))
        gx_check_problem(w->c, "log %u: arrival or tick of its head is another", row->lnum);
    if (!w->complete)
        return;
    if (w->journal_first != row->journal_first)
        gx_check_problem(w->c, "log %u: the journal holds it from %u, its row says %u", row->lnum, w->journal_first, row->journal_first);
    if (w->texts != row->n_messages || w->texts_read != row->read_messages)
        gx_check_problem(w->c, "log %u: %u messages, %u of them read; its row says %u and %u", row->lnum, w->texts, w->texts_read,
                         row->n_messages, row->read_messages);
    if (w->bytes != row->bytes)
        gx_check_problem(w->c, "log %u: %llu bytes of records, its row says %llu", row->lnum, (unsigned long long)w->bytes, (unsigned long long)row->bytes);
}

enum gx_err gx_check_log(struct gx_check *c, const struct gx_log_row *row, const struct gx_group_id *group)
{
    struct walk w = {.c = c, .row = row, .linked = true, .prev = row->base_id, .complete = true};

    for (uint64_t seq = row->base_seq + UINT64_C(1); seq <= row->head_seq;) {
        struct gx_window win;
        enum gx_err err = gx_window_find(c->txn, &win, row, (uint32_t)seq, 1);
        if (err == GX_OK)
            err = gx_window_check(&win, row, group);
        if (gx_check_stops(err))
            return err;
        if (err == GX_OK) {
            err = check_window(&w, &win);
            if (err != GX_OK)
                return err;
            seq = win.first + UINT64_C(1) * win.n;
            continue;
        }
        uint64_t next = skip(&w, &win, (uint32_t)seq);
        gx_check_problem(c, "log %u events %llu to %llu: they cannot be read", row->lnum, (unsigned long long)seq,
                         (unsigned long long)next - 1);
        seq = next;
    }
    check_row(&w);
    c->out->dropped += row->base_seq - row->begun_seq;
    return GX_OK;
}
