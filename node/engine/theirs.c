/* What a peer told to hold of each log, and what of that is in doubt.  WIRE §6.1, §6.9 */
#include "node/engine/fetch.h"

#include <stdlib.h>

#define DRY_MAX_MS 3600000u             /* who has nothing again and again is not asked for the same messages before this */

/* --- what a peer holds ---------------------------------------------------------------------------------------------------------------- */

uint32_t gx_theirs_seq(const struct gx_channel *c, uint32_t log)
{
    return log < c->n_their ? c->their[log].seq : 0;
}

void gx_theirs_note(struct gx_engine *e, struct gx_group *g, struct gx_channel *c, uint32_t log, uint32_t base_seq, uint32_t seq)
{
    if (log >= c->n_their) {
        if (g->n_logs > c->cap_their) {
            uint32_t cap = g->n_logs + g->n_logs / 4;
            struct gx_their_log *more = realloc(c->their, cap * sizeof *more);

            if (more == NULL) {
                gx_engine_ok(e, GX_E_MEMORY);
                return;
            }
            c->their = more;
            c->cap_their = cap;
        }
        memset(c->their + c->n_their, 0, (g->n_logs - c->n_their) * sizeof *c->their);
        c->n_their = g->n_logs;
    }
    /* Branches of one log may be told one after the other: it holds from the lowest on.  Of messages the base is that of the whole log, and rises when the
     * oldest are dropped there: what was told last counts. */
    if (c->their[log].seq == 0 || base_seq < c->their[log].base_seq || (base_seq < seq && g->logs[log].row.cls == GX_LOG_MESSAGES))
        c->their[log].base_seq = base_seq;
    if (seq > c->their[log].seq)
        c->their[log].seq = seq;
    c->more |= seq > g->logs[log].row.head_seq;
}

/* What is in doubt of a log that it told of. */
const struct gx_doubt *gx_theirs_doubt_of(const struct gx_channel *c, uint32_t log)
{
    static const struct gx_doubt none = {.forked = false};

    return log >= c->n_their || c->their[log].doubt == 0 ? &none : &c->doubts[c->their[log].doubt - 1];
}

/* The same, to be written.  NULL: it told nothing of that log, or memory is out. */
struct gx_doubt *gx_theirs_doubt(struct gx_engine *e, struct gx_channel *c, uint32_t log)
{
    if (log >= c->n_their)
        return NULL;
    if (c->their[log].doubt == 0) {
        if (!gx_engine_grow(e, &c->doubts, &c->cap_doubts, c->n_doubts, sizeof *c->doubts))
            return NULL;
        c->doubts[c->n_doubts++] = (struct gx_doubt){.forked = false};
        c->their[log].doubt = c->n_doubts;
    }
    return &c->doubts[c->their[log].doubt - 1];
}

/* Can it give what follows my head?  Not when it joined later, nor when it had nothing the last time. */
bool gx_theirs_can_give(const struct gx_engine *e, const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    uint32_t pend = g->logs[log].pend_seq;
    const struct gx_their_log *t = log < c->n_their ? &c->their[log] : NULL;

    if (t == NULL || t->seq <= pend || t->base_seq > pend || gx_shown_ended(g, &g->logs[log], pend + 1))
        return false;

    const struct gx_doubt *d = gx_theirs_doubt_of(c, log);

    return d->dry_seq != pend + 1 || d->dry_ops != g->law.n_ops || e->now.mono_ms >= d->dry_until_ms;
}

/* The peer's device holds this node's messages from base_seq + 1 to seq: what `sent` and `delivered` rest on. */
void gx_theirs_held(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device, uint32_t base_seq, uint32_t seq)
{
    struct gx_held *h = NULL;

    if (seq == 0)
        return;
    for (uint32_t i = 0; i < g->n_held && h == NULL; i++)
        if (gx_sign_pk_equal(&g->held[i].row.device, device))
            h = &g->held[i];
    if (h == NULL) {
        if (!gx_engine_grow(e, &g->held, &g->cap_held, g->n_held, sizeof *g->held))
            return;
        h = &g->held[g->n_held++];
        *h = (struct gx_held){.row = {.device = *device, .base_seq = base_seq}};
    }
    if (seq <= h->row.seq)
        return;
    /* A base that rose says that it keeps no more, not that it never had it: a log is taken without a gap. */
    if (base_seq < h->row.base_seq)
        h->row.base_seq = base_seq;
    h->row.seq = seq;
    h->dirty = g->receipts.due = true;
    if (!e->held_dirty) {
        e->held_dirty = true;
        e->held_flush_ms = e->now.mono_ms + GX_HELD_FLUSH_MS;
        gx_engine_wake(e, e->held_flush_ms);
    }
}

bool gx_theirs_held_again(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device, uint32_t seq)
{
    for (uint32_t i = 0; i < g->n_held; i++)
        if (gx_sign_pk_equal(&g->held[i].row.device, device)) {
            gx_theirs_held(e, g, device, g->held[i].row.base_seq, seq);
            return true;
        }
    return false;
}

/* Of all branches that are there. */
static uint64_t held_of(const struct gx_group *g, const struct gx_log_id *log)
{
    uint64_t n = 0;

    for (uint32_t i = gx_group_next_branch(g, log, 0); i != GX_NONE; i = gx_group_next_branch(g, log, i + 1))
        n += g->logs[i].row.head_seq - g->logs[i].row.base_seq;
    return n;
}

void gx_theirs_look_at(struct gx_engine *e, struct gx_group *g, uint64_t at_ms)
{
    if (g->dry_at_ms == 0 || at_ms < g->dry_at_ms)
        g->dry_at_ms = at_ms;
    gx_engine_wake(e, g->dry_at_ms);
}

/* It was asked for what follows the (pending) head, and did not give it.  Where nothing changed since the last time it is left alone for longer. */
void gx_theirs_dry(struct gx_engine *e, struct gx_group *g, struct gx_doubt *d, const struct gx_log *log)
{
    uint64_t held = held_of(g, &log->row.id);

    gx_engine_drop(e, "claim_messages");
    if (d->dry_ms == 0 || d->dry_seq != log->pend_seq + 1 || d->dry_ops != g->law.n_ops || d->dry_held != held)
        d->dry_ms = GX_DRY_MS;
    else if (e->now.mono_ms >= d->dry_until_ms)
        d->dry_ms = 2 * d->dry_ms > DRY_MAX_MS ? DRY_MAX_MS : 2 * d->dry_ms;
    d->dry_seq = log->pend_seq + 1;
    d->dry_ops = g->law.n_ops;
    d->dry_held = held;
    d->dry_until_ms = e->now.mono_ms + d->dry_ms;
    gx_theirs_look_at(e, g, d->dry_until_ms);
}

/* It says that it has more, and gave nothing that goes on here: perhaps its branch leaves mine earlier.  When it was asked for that, what it says is of
 * another branch, and its next frontier counts anew. */
void gx_theirs_nothing_came(struct gx_engine *e, struct gx_group *g, struct gx_channel *c, uint32_t at)
{
    const struct gx_log *log = &g->logs[at];
    struct gx_doubt *d = gx_theirs_doubt(e, c, at);

    if (d == NULL)
        return;
    gx_theirs_dry(e, g, d, log);
    if (log->row.cls != GX_LOG_MESSAGES || c->their[at].seq <= log->pend_seq)
        return;
    if (d->asked_haves)
        c->their[at].seq = log->pend_seq;
    else
        d->forked = c->more = true;
}

void gx_theirs_haves_answered(struct gx_engine *e, struct gx_channel *c, uint32_t log)
{
    if (gx_theirs_doubt_of(c, log)->asked_haves)
        gx_theirs_doubt(e, c, log)->asked_haves = false;
}

/* Of which branch is what it gives of the log?  Its frontier says so. */
bool gx_theirs_in_doubt(const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    return gx_group_is_forked(g, log) || gx_theirs_doubt_of(c, log)->forked || gx_theirs_doubt_of(c, log)->asked_haves;
}

/* What was claimed and not given is asked for again, or it would be missing for ever, here and in what is told to be left. */
void gx_theirs_timer(struct gx_engine *e, struct gx_group *g)
{
    if (g->dry_at_ms == 0 || e->now.mono_ms < g->dry_at_ms) {
        if (g->dry_at_ms != 0)
            gx_engine_wake(e, g->dry_at_ms);
        return;
    }
    g->dry_at_ms = 0;
    if (g->want_at_ms == 0)
        g->want_at_ms = e->now.mono_ms;
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_channel *c = e->sessions[i]->closed ? NULL : gx_session_channel_of(e->sessions[i], g->row.gnum);

        if (c != NULL && (c->ahead || c->more) && gx_budget_doubts(e, g, c) != 0)
            gx_theirs_look_at(e, g, gx_budget_doubts(e, g, c));
        for (uint32_t k = 0; c != NULL && c->n_doubts > 0 && k < c->n_their; k++)
            if (gx_theirs_doubt_of(c, k)->dry_until_ms > e->now.mono_ms && c->their[k].seq > g->logs[k].row.head_seq)
                gx_theirs_look_at(e, g, gx_theirs_doubt_of(c, k)->dry_until_ms);
    }
}
