/* Groups from and to the store. */
#include "node/engine/sealing.h"

static bool load_logs(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_log_row row = {0};

    while (txn != NULL && gx_engine_ok(e, gx_log_next(txn, &row, g->row.gnum, row.lnum))) {
        if (!gx_engine_grow(e, &g->logs, &g->cap_logs, g->n_logs, sizeof *g->logs))
            return false;

        uint32_t person = gx_group_person(e, g, &row.member);

        if (person == GX_NONE)
            return false;
        g->logs[g->n_logs] = (struct gx_log){.row = row, .person = person, .device = gx_group_device(g, person, &row.device),
                                             .prekey_op = GX_NONE, .now_op = GX_NONE, .intro_op = GX_NONE,
                                             .pend_seq = row.head_seq, .pend_id = row.head_id, .pend_tick = row.head_tick};
        (void)gx_engine_ok(e, gx_locked_get(txn, &g->logs[g->n_logs].locked, g->row.gnum, row.lnum));
        g->logs[g->n_logs].locked_kept = g->logs[g->n_logs].locked;
        g->unopened = g->unopened || g->logs[g->n_logs].locked.unopened != 0;
        if (!gx_shown_load(e, &g->logs[g->n_logs++]) || !gx_group_index_log(e, g, g->n_logs - 1))
            return false;
        if (row.head_tick > g->max_tick)
            g->max_tick = row.head_tick;
    }
    return e->fault == GX_OK;
}

/* They came from the store in the order of their numbers. */
static uint32_t log_by_lnum(const struct gx_group *g, uint32_t lnum)
{
    uint32_t low = 0, high = g->n_logs;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (g->logs[mid].row.lnum < lnum)
            low = mid + 1;
        else
            high = mid;
    }
    return low < g->n_logs && g->logs[low].row.lnum == lnum ? low : GX_NONE;
}

static bool load_op(struct gx_engine *e, struct gx_group *g, const struct gx_op_row *row, uint32_t cnum, struct gx_events_cache *cache)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    uint32_t log = log_by_lnum(g, row->lnum);
    struct gx_event ev;
    struct gx_body body;

    if (txn == NULL)
        return false;

    enum gx_err err = log == GX_NONE ? GX_E_CORRUPT : gx_events_get_cached(txn, cache, &ev, &g->logs[log].row, &g->row.id, row->seq);

    if (!gx_engine_ok(e, err == GX_E_ABSENT ? GX_E_CORRUPT : err))
        return false;
    if (gx_body_decode(&body, &ev) != GX_OK)
        return gx_engine_ok(e, GX_E_CORRUPT);
    if (!gx_group_register(e, g, &ev, &body, log, row->arrival))
        return false;
    if (g->law.nodes[cnum].depth != row->depth)
        return gx_engine_ok(e, GX_E_CORRUPT);
    g->ops[cnum].has_key = gx_event_is_sealed(ev.type) && gx_has_key(e, g, row->arrival);
    gx_arena_reset(&e->arena);
    return true;
}

static bool load_ops(struct gx_engine *e, struct gx_group *g)
{
    struct gx_events_cache *cache = gx_events_cache_new();
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_op_row row;
    uint32_t cnum = 0;

    (void)gx_engine_ok(e, cache == NULL ? GX_E_MEMORY : GX_OK);
    while (e->fault == GX_OK && txn != NULL && gx_engine_ok(e, gx_op_get(txn, &row, g->row.gnum, cnum)) && load_op(e, g, &row, cnum, cache)) {
        cnum++;
        txn = gx_engine_txn(e, false);
    }
    gx_events_cache_free(cache);
    return e->fault == GX_OK;
}

static bool load_rest(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, false);

    while (txn != NULL && gx_engine_grow(e, &g->endpoints, &g->cap_endpoints, g->n_endpoints, sizeof *g->endpoints) &&
           gx_engine_ok(e, gx_endpoint_next(txn, &g->endpoints[g->n_endpoints], g->row.gnum,
                                            g->n_endpoints == 0 ? NULL : &g->endpoints[g->n_endpoints - 1].device)))
        g->n_endpoints++;
    while (txn != NULL && g->own_messages != GX_NONE && gx_engine_grow(e, &g->held, &g->cap_held, g->n_held, sizeof *g->held)) {
        struct gx_held *held = &g->held[g->n_held];

        *held = (struct gx_held){0};
        if (!gx_engine_ok(e, gx_held_next(txn, &held->row, g->logs[g->own_messages].row.lnum,
                                          g->n_held == 0 ? NULL : &g->held[g->n_held - 1].row.device)))
            break;
        g->n_held++;
    }
    if (txn != NULL)
        g->has_join = gx_engine_ok(e, gx_join_get(txn, &g->join, g->row.gnum));
    return e->fault == GX_OK;
}

enum gx_err gx_groups_load(struct gx_engine *e)
{
    static const uint8_t nothing[16];
    struct gx_group_row row = {0};

    for (;;) {
        struct gx_txn *txn = gx_engine_txn(e, false);

        if (txn == NULL || !gx_engine_ok(e, gx_group_next(txn, &row, row.gnum)))
            return e->fault;

        struct gx_group *g = gx_group_alloc(e);

        if (g == NULL)
            return e->fault == GX_OK ? GX_E_CORRUPT : e->fault;
        g->row = row;
        gx_incarnation_of(&g->incarnation, &e->config.incarnation, &row.intro.device);
        if (memcmp(&g->incarnation, &row.under, sizeof row.under) == 0)
            g->incarnation = row.incarnation;       /* opened since, because of a fork */
        if (!load_logs(e, g) || !load_ops(e, g) || !gx_epochs_load(e, g))
            return e->fault;
        for (uint32_t i = 0; i < g->n_logs; i++)
            gx_group_note_own(g, i);
        gx_group_settle(e, g);
        g->members_changed = false;
        g->keys_at_ms = 1;              /* what was lacking may be known by now */
        g->keys_lack = true;
        if (!load_rest(e, g))
            return e->fault;
        gx_receipts_skip(g);
        if (gx_group_bumped(g))
            gx_ended_reason(g);
        /* The whole id is known from the path on, behind which the request goes out: what became of that is not. */
        g->join_unsure = row.state == GX_GROUP_JOINING && memcmp(row.id.b + sizeof row.id.b / 2, nothing, sizeof nothing) != 0;
    }
}

static void folded(void *ctx, const struct gx_log_row *row)
{
    struct gx_engine *e = ctx;
    struct gx_group *g = gx_group_by_gnum(e, row->gnum);

    for (uint32_t i = 0; g != NULL && i < g->n_logs; i++)
        if (g->logs[i].row.lnum == row->lnum)
            g->logs[i].row.journal_first = row->journal_first;
}

static void flush_held(struct gx_engine *e, struct gx_group *g, struct gx_txn *txn)
{
    for (uint32_t i = 0; i < g->n_held && g->own_messages != GX_NONE; i++) {
        if (!g->held[i].dirty)
            continue;
        gx_engine_ok(e, gx_held_put(txn, g->logs[g->own_messages].row.lnum, &g->held[i].row));
        g->held[i].dirty = false;
    }
}

void gx_log_touch(struct gx_engine *e, struct gx_group *g, struct gx_log *log)
{
    gx_compare_log_moved(g, log);
    if (log->touched || !gx_engine_grow(e, &g->touched, &g->cap_touched, g->n_touched, sizeof *g->touched))
        return;
    log->touched = true;
    g->touched[g->n_touched++] = (uint32_t)(log - g->logs);
}

/* A message that is opened in the step in which it came leaves no trace here. */
static void flush_locked(struct gx_engine *e, struct gx_txn *txn, struct gx_log *log)
{
    const struct gx_locked_row *row = &log->locked;

    if (row->first == log->locked_kept.first && row->last == log->locked_kept.last && row->unopened == log->locked_kept.unopened)
        return;
    (void)gx_engine_ok(e, row->first == 0 && row->unopened == 0 ? gx_locked_del(txn, log->row.gnum, log->row.lnum)
                                                                : gx_locked_put(txn, log->row.gnum, log->row.lnum, row));
    log->locked_kept = *row;
}

void gx_groups_flush(struct gx_engine *e)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        struct gx_group *g = e->groups[i];
        struct gx_txn *txn = NULL;

        for (uint32_t k = 0; k < g->n_touched; k++) {
            struct gx_log *log = &g->logs[g->touched[k]];

            log->touched = log->changed = false;
            log->pushed_from = 0;
            if (!(GX_MUTANT(HEAD_LATE) && g->touched[k] == g->own_messages && log->row.head_seq > 1 && log->row.head_seq % 2 == 1) &&
                (txn = gx_engine_txn(e, true)) != NULL)
                gx_engine_ok(e, gx_log_put(txn, &log->row));
            if ((txn = gx_engine_txn(e, true)) != NULL)
                flush_locked(e, txn, log);
        }
        g->n_touched = 0;
        gx_epochs_flush(e, g);
        if (g->dirty && (txn = gx_engine_txn(e, true)) != NULL)
            gx_engine_ok(e, gx_group_put(txn, &g->row));
        g->dirty = false;
    }
    if (e->fold_due)
        (void)gx_engine_txn(e, true);
    if (e->fault != GX_OK || e->txn == NULL || !e->writing)
        return;
    if (e->held_dirty && e->now.mono_ms >= e->held_flush_ms) {
        for (uint32_t i = 0; i < e->n_groups; i++)
            flush_held(e, e->groups[i], e->txn);
        e->held_dirty = false;
    }
    gx_engine_ok(e, gx_events_fold(e->txn, &n, e->fold_due, folded, e));
    e->fold_due = false;
}
