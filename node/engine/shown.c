/* Which messages are shown: those that their authors could write as members.  LAW §11 */
#include "node/engine/internal.h"
#include <stdlib.h>

/* --- what messages know --------------------------------------------------------------------------------------------------------------- */

/* Is it known at message seq? */
static bool is_in(const struct gx_known_list *known, uint32_t admit, uint32_t seq)
{
    for (uint32_t i = 0; i < known->n; i++)
        if (known->list[i].admit == admit && known->list[i].seq <= seq)
            return true;
    return false;
}

static bool knows(const struct gx_group *g, const struct gx_event *ev, uint32_t admit)
{
    for (size_t i = 0; i < ev->n_deps; i++) {
        struct gx_event_id dep = gx_event_dep(ev, i);
        uint32_t op = gx_group_op(g, &dep);

        if (op == admit || (op != GX_NONE && gx_law_past(&g->law, admit, op)))
            return true;
    }
    return false;
}

bool gx_shown_learn(struct gx_engine *e, const struct gx_group *g, const struct gx_log *log, struct gx_known_list *out, struct gx_arena *arena,
                    const struct gx_event *ev, uint32_t common)
{
    if (ev->n_deps == 0)
        return true;
    for (uint32_t a = g->law.persons[log->person].last_admit; a != GX_LAW_NONE; a = g->law.nodes[a].kind_before) {
        if (is_in(&log->known, a, common) || is_in(out, a, UINT32_MAX) || !knows(g, ev, a))
            continue;
        if (out->n == out->cap) {
            uint32_t cap = out->cap == 0 ? 4 : 2 * out->cap;
            struct gx_known *more = gx_arena_take(arena, cap * sizeof *more);

            if (more == NULL)
                return gx_engine_ok(e, GX_E_MEMORY);
            if (out->n > 0)
                memcpy(more, out->list, out->n * sizeof *more);
            out->list = more;
            out->cap = cap;
        }
        out->list[out->n++] = (struct gx_known){.admit = a, .seq = (uint32_t)ev->seq};
    }
    return true;
}

bool gx_shown_keep(struct gx_engine *e, struct gx_log *log, const struct gx_known_list *fresh)
{
    for (uint32_t i = 0; i < fresh->n; i++) {
        struct gx_txn *txn = gx_engine_txn(e, true);

        if (fresh->list[i].seq > log->row.head_seq || is_in(&log->known, fresh->list[i].admit, UINT32_MAX))
            continue;
        if (txn == NULL || !gx_engine_grow(e, &log->known.list, &log->known.cap, log->known.n, sizeof *log->known.list))
            return false;
        log->known.list[log->known.n++] = fresh->list[i];
        if (!gx_engine_ok(e, gx_knows_put(txn, log->row.lnum, fresh->list[i].admit, fresh->list[i].seq)))
            return false;
    }
    return true;
}

bool gx_shown_load(struct gx_engine *e, struct gx_log *log)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_known known = {.admit = 0};

    while (txn != NULL && gx_engine_ok(e, gx_knows_next(txn, &known.admit, &known.seq, log->row.lnum))) {
        if (!gx_engine_grow(e, &log->known.list, &log->known.cap, log->known.n, sizeof *log->known.list))
            return false;
        log->known.list[log->known.n++] = known;
        known.admit++;
    }
    return e->fault == GX_OK;
}

/* --- what is shown ---------------------------------------------------------------------------------------------------------------------- */

/* The first message of the log that was ever held, whether or not it is still kept; a branch goes on from the first one's. */
static uint32_t held_from(const struct gx_group *g, const struct gx_log *log)
{
    return log->row.begun_seq == 0 ? 1 : g->logs[gx_group_next_branch(g, &log->row.id, 0)].row.begun_seq + 1;
}

/* The first message of the log that knows this admission; UINT32_MAX: none yet.  Of a log that this node holds from a later place on, what its own
 * admission knew counts as known there, whatever names it later: the messages that said it first are not held. */
static uint32_t known_from(const struct gx_group *g, const struct gx_log *log, uint32_t admit)
{
    uint32_t first = held_from(g, log), mine = first == 1 || g->me == GX_NONE ? GX_LAW_NONE : gx_law_seat(&g->law, g->me);

    if (mine != GX_LAW_NONE && gx_law_past(&g->law, admit, mine))
        return first;
    for (uint32_t i = 0; i < log->known.n; i++)
        if (log->known.list[i].admit == admit)
            return log->known.list[i].seq;
    return UINT32_MAX;
}

uint32_t gx_shown_knows_all(const struct gx_group *g, const struct gx_log *log, uint32_t op)
{
    uint32_t from = log->row.base_seq + 1;

    for (uint32_t a = g->law.persons[log->person].last_admit; a != GX_LAW_NONE; a = g->law.nodes[a].kind_before) {
        uint32_t known = gx_law_past(&g->law, a, op) ? known_from(g, log, a) : 0;

        from = known > from ? known : from;
    }
    return from;
}

/* From where on the log knows an effective admission of its author with `removal` in its past; GX_LAW_NONE: any. */
static uint32_t admitted_from(const struct gx_group *g, const struct gx_log *log, uint32_t removal)
{
    uint32_t first = UINT32_MAX;

    for (uint32_t a = g->law.now.standings[log->person].admits; a != GX_LAW_NONE; a = g->law.now.results[a].next) {
        uint32_t from = removal == GX_LAW_NONE || gx_law_past(&g->law, removal, a) ? known_from(g, log, a) : UINT32_MAX;

        first = from < first ? from : first;
    }
    return first;
}

/* NULL: none of it counts. */
static const struct gx_cut *cut_in(const struct gx_group *g, const struct gx_log *log, uint32_t removal)
{
    uint32_t low = 0, high = g->n_cuts;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (g->cuts[mid].op < removal)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < g->n_cuts && g->cuts[low].op == removal; low++)
        if (gx_log_id_equal(&g->cuts[low].cut.log, &log->row.id))
            return &g->cuts[low].cut;
    return NULL;
}

static uint32_t cut_of(const struct gx_group *g, const struct gx_log *log, uint32_t removal)
{
    const struct gx_cut *cut = cut_in(g, log, removal);

    return cut == NULL ? 0 : cut->seq;
}

bool gx_log_shown(const struct gx_group *g, const struct gx_log *log)
{
    return log->row.cls == GX_LOG_MESSAGES && log->person != GX_NONE && g->law.now.standings[log->person].admits != GX_LAW_NONE;
}

/* Is message seq shown, and up to where is it the same with those behind it? */
static bool shown_at(const struct gx_group *g, const struct gx_log *log, uint32_t seq, uint32_t *to)
{
    uint32_t from = admitted_from(g, log, GX_LAW_NONE);
    bool shown = true;

    *to = log->row.head_seq;
    if (seq < from) {
        *to = from - 1 < *to ? from - 1 : *to;
        return false;
    }
    for (uint32_t r = g->law.now.standings[log->person].removals; r != GX_LAW_NONE; r = g->law.now.results[r].next) {
        uint32_t cut = cut_of(g, log, r), again = admitted_from(g, log, r);

        if (seq <= cut && cut < *to && shown)
            *to = cut;
        if (seq <= cut || seq >= again || GX_MUTANT(CUT_IGNORED))
            continue;
        *to = shown || again - 1 > *to ? again - 1 : *to;
        shown = false;
    }
    *to = *to < log->row.head_seq ? *to : log->row.head_seq;
    return shown;
}

bool gx_shown_run(const struct gx_group *g, const struct gx_log *log, uint32_t *from, uint32_t *to)
{
    if (!gx_log_shown(g, log))
        return false;
    for (uint32_t seq = *from > log->row.base_seq ? *from : log->row.base_seq + 1; seq <= log->row.head_seq; seq = *to + 1) {
        if (!shown_at(g, log, seq, to))
            continue;
        *from = seq;
        return true;
    }
    return false;
}

bool gx_message_shown(const struct gx_group *g, const struct gx_log *log, uint32_t seq)
{
    uint32_t to;

    return gx_log_shown(g, log) && shown_at(g, log, seq, &to);
}

/* Was the person let in again after it?  Then what they wrote since counts, whatever ended that. */
static bool is_admitted_after(const struct gx_group *g, uint32_t person, uint32_t removal)
{
    for (uint32_t a = g->law.now.standings[person].admits; a != GX_LAW_NONE; a = g->law.now.results[a].next)
        if (gx_law_past(&g->law, removal, a))
            return true;
    return false;
}

static bool ends(const struct gx_group *g, const struct gx_log *log, uint32_t removal)
{
    return gx_law_is_settled(&g->law, removal) && !is_admitted_after(g, log->person, removal);
}

bool gx_shown_ended(const struct gx_group *g, const struct gx_log *log, uint32_t seq)
{
    if (gx_law_is_member(&g->law, log->person) || log->own)
        return false;
    for (uint32_t r = g->law.now.standings[log->person].removals; r != GX_LAW_NONE; r = g->law.now.results[r].next)
        if (ends(g, log, r) && seq > cut_of(g, log, r))
            return true;
    return false;
}

bool gx_shown_as_cut(struct gx_engine *e, struct gx_group *g, uint32_t at)
{
    const struct gx_log *log = &g->logs[at];

    for (uint32_t r = g->law.now.standings[log->person].removals; r != GX_LAW_NONE; r = g->law.now.results[r].next) {
        const struct gx_cut *cut = ends(g, log, r) ? cut_in(g, log, r) : NULL;
        struct gx_event_id id;

        if (cut == NULL || cut->seq < log->row.base_seq || cut->seq > log->row.head_seq)
            continue;
        if (!gx_group_event_id(e, g, at, cut->seq, &id) || !gx_event_id_equal(&id, &cut->id))
            return false;
    }
    return true;
}

uint32_t gx_shown_count(const struct gx_group *g, const struct gx_log *log, uint32_t from)
{
    uint32_t n = 0, to = 0;

    for (; gx_shown_run(g, log, &from, &to); from = to + 1)
        n += to - from + 1;
    return n;
}
