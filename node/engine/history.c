/* What newcomers are told of before: the last messages, as many as the founding rule says.  WIRE §6.29 */
#include "node/engine/people.h"
#include "node/engine/sealing.h"

static bool read_at(struct gx_engine *e, const struct gx_group *g, uint32_t log, uint32_t seq, struct gx_last *out)
{
    const struct gx_log_row *row = &g->logs[log].row;
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_event ev;
    enum gx_err err = GX_OK;

    *out = (struct gx_last){.seq = 0};
    if (txn == NULL || seq <= row->base_seq)
        return false;
    err = gx_events_get(txn, &ev, row, &g->row.id, seq);
    if (err == GX_E_CORRUPT)
        gx_engine_drop(e, "corrupt");
    else if (gx_engine_ok(e, err))
        *out = (struct gx_last){.seq = seq, .tick = ev.tick, .id = ev.id};
    return out->seq != 0;
}

/* The last message of a log from before: ticks ascend in it. */
static void last_before(struct gx_engine *e, const struct gx_group *g, uint32_t log, uint64_t before, uint64_t after, struct gx_last *out)
{
    const struct gx_log_row *row = &g->logs[log].row;
    uint32_t low = row->base_seq, high = row->head_seq;

    *out = (struct gx_last){.seq = 0};
    if (row->cls != GX_LOG_MESSAGES || row->base_tick >= before || row->head_tick <= after)
        return;
    if (row->head_tick < before)
        low = high;
    while (low < high) {        /* low is from before, or lies before the first one; what is behind high is not */
        uint32_t mid = low + (high - low + 1) / 2;
        struct gx_last at;

        if (!read_at(e, g, log, mid, &at))
            return;
        if (at.tick < before)
            low = mid;
        else
            high = mid - 1;
    }
    if (read_at(e, g, log, low, out) && out->tick <= after)
        out->seq = 0;
}

/* The order in which messages are shown; of two branches of one log, which may have one tick, by id. */
static bool is_later(const struct gx_group *g, const struct gx_last *lasts, uint32_t a, uint32_t b)
{
    int order = memcmp(g->logs[a].row.id.b, g->logs[b].row.id.b, sizeof g->logs[a].row.id.b);

    if (lasts[a].tick != lasts[b].tick)
        return lasts[a].tick > lasts[b].tick;
    return order != 0 ? order > 0 : gx_event_id_cmp(&lasts[a].id, &lasts[b].id) > 0;
}

/* This node asks for its own again and again, so that is kept, and looked for anew only where something from before may have come. */
static bool is_kept(const struct gx_group *g, uint32_t log, uint32_t seat)
{
    const struct gx_log_row *row = &g->logs[log].row;
    const struct gx_log_history *kept = &g->logs[log].history;

    return g->history_seat == seat && log < g->history_logs && row->base_seq == kept->base_seq && (row->head_seq == kept->head_seq || kept->is_past);
}

/* The highest tick of what was dropped here.  Up to there nothing is told: what was dropped may have been among the last N, and others, older ones, would
 * be told in its place, to one who was told it before. */
static uint64_t dropped_until(const struct gx_group *g)
{
    uint64_t tick = 0;

    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].row.base_seq > g->logs[i].row.begun_seq && g->logs[i].row.base_tick > tick)
            tick = g->logs[i].row.base_tick;
    return tick;
}

/* The last message from before of each log.  False: they are those that are kept, and so is what follows from them. */
static bool find_lasts(struct gx_engine *e, const struct gx_group *g, const struct gx_history *h, uint32_t seat, struct gx_last *lasts)
{
    bool moved = g->history_seat != seat;

    for (uint32_t i = 0; i < g->n_logs; i++) {
        const struct gx_log_history *kept = &g->logs[i].history;

        if (is_kept(g, i, seat)) {
            lasts[i] = kept->last;
            continue;
        }
        last_before(e, g, i, h->before, h->after, &lasts[i]);
        moved = moved || lasts[i].seq != kept->last.seq || g->logs[i].row.base_seq != kept->base_seq;
    }
    return moved;
}

static void keep(struct gx_engine *e, struct gx_group *g, const struct gx_history *h, uint32_t seat, const struct gx_last *lasts)
{
    g->history_seat = e->fault == GX_OK ? seat : GX_LAW_NONE;
    g->history_logs = g->n_logs;
    for (uint32_t i = 0; i < g->n_logs; i++) {
        const struct gx_log_row *row = &g->logs[i].row;

        g->logs[i].history = (struct gx_log_history){.base_seq = row->base_seq, .head_seq = row->head_seq, .is_past = row->head_tick >= h->before,
                                                     .from = g->logs[i].history.from, .last = lasts[i]};
    }
}

/* Of all these the last n, each in the place of a later one of its log. */
static void take_last(struct gx_engine *e, const struct gx_group *g, const struct gx_history *h, struct gx_last *lasts, uint32_t n)
{
    for (; n > 0 && e->fault == GX_OK; n--) {
        uint32_t newest = GX_NONE;

        for (uint32_t i = 0; i < g->n_logs; i++)
            if (lasts[i].seq != 0 && (newest == GX_NONE || is_later(g, lasts, i, newest)))
                newest = i;
        if (newest == GX_NONE)
            break;
        h->from[newest] = lasts[newest].seq;
        if (read_at(e, g, newest, lasts[newest].seq - 1, &lasts[newest]) && lasts[newest].tick <= h->after)
            lasts[newest].seq = 0;
    }
}

static void find(struct gx_engine *e, struct gx_group *g, struct gx_history *h)
{
    bool is_own = h->person == g->me, moved = false;
    uint32_t n = GX_MUTANT(HISTORY_ALL) ? UINT32_MAX : g->rules.history;
    uint32_t seat = h->person == GX_NONE ? GX_LAW_NONE : gx_law_seat(&g->law, h->person);
    struct gx_last *lasts = NULL;

    h->known = true;
    if (n == 0 || seat == GX_LAW_NONE || gx_group_is_direct(g))
        return;
    lasts = gx_arena_take(&e->arena, (g->n_logs + 1u) * sizeof *lasts);
    h->from = gx_arena_take(&e->arena, (g->n_logs + 1u) * sizeof *h->from);
    if (!gx_engine_ok(e, lasts == NULL || h->from == NULL ? GX_E_MEMORY : GX_OK)) {
        h->from = NULL;
        return;
    }
    h->before = GX_MUTANT(HISTORY_EVER) ? UINT64_MAX : g->ops[seat].tick;
    h->after = is_own ? 0 : dropped_until(g);
    moved = find_lasts(e, g, h, seat, lasts);
    if (is_own)
        keep(e, g, h, seat, lasts);
    if (moved)
        take_last(e, g, h, lasts, n);
    for (uint32_t i = 0; i < g->n_logs && (is_own || !moved); i++)
        if (moved)
            g->logs[i].history.from = h->from[i];
        else
            h->from[i] = g->logs[i].history.from;
}

bool gx_history_has(struct gx_engine *e, struct gx_group *g, struct gx_history *h, uint32_t log, const struct gx_event *ev)
{
    if (!h->known)
        find(e, g, h);
    return h->from != NULL && h->from[log] != 0 && ev->seq >= h->from[log] && ev->tick < h->before;
}

uint32_t gx_history_base(struct gx_engine *e, struct gx_group *g, struct gx_history *h, uint32_t log)
{
    const struct gx_log *of = &g->logs[log];
    uint32_t from = 0, knows = 0;

    if (!h->known)
        find(e, g, h);
    if (h->from == NULL || h->from[log] == 0 || gx_group_is_forked(g, log))
        return of->row.head_seq;
    /* What it is given it takes for known to all that its own admission knew (LAW §11); and the event before it has to be here, to be named. */
    from = h->from[log] == of->row.base_seq + 1 && of->row.base_seq > 0 ? h->from[log] + 1 : h->from[log];
    knows = gx_shown_knows_all(g, of, gx_law_seat(&g->law, h->person));
    from = knows > from ? knows : from;
    return from - 1 < of->row.head_seq ? from - 1 : of->row.head_seq;
}
