/* How much of a group's messages this node keeps: as the person chose for the group, and within quotas.  node/README.md §8, SCHEMA §3.7
 *
 * A log is shortened from its beginning, so what goes is the oldest of it.  Never what is unsent, nor control events, nor the newest of a log. */
#include "node/engine/commands.h"
#include "node/engine/internal.h"

#define PORTION 64u                     /* segments that one step drops: more than one step takes in */
#define FOLD_MS 600000u                 /* what lies in the journal is folded to be dropped after this at the earliest: each fold leaves small segments */
#define DAY_MS 86400000u
#define FAST_PART 4u                    /* so much of a group's quota forked logs may take; and as much what a device wrote in many logs */
#define SLACK (UINT64_C(4) << 20)       /* above a quota, and a quarter of it, nothing is taken in: dropping does not follow, or cannot */

struct gx_carry_limits gx_retain_limits(const struct gx_engine *e)
{
    struct gx_carry_limits l = e->config.carry;

    l.recent_days = l.recent_days == 0 ? GX_CARRY_RECENT_DAYS : l.recent_days > GX_DAYS_MAX ? GX_DAYS_MAX : l.recent_days;
    l.recent_bytes = l.recent_bytes == 0 ? GX_CARRY_RECENT_BYTES : l.recent_bytes;
    l.off_messages = l.off_messages == 0 ? GX_CARRY_OFF_MESSAGES : l.off_messages;
    l.author_bytes = l.author_bytes == 0 ? GX_CARRY_AUTHOR_BYTES : l.author_bytes;
    l.group_bytes = l.group_bytes == 0 ? GX_CARRY_GROUP_BYTES : l.group_bytes;
    return l;
}

/* Bytes of a group's messages. */
static uint64_t group_limit(const struct gx_carry_limits *l, const struct gx_group *g)
{
    return g->row.carry == GX_CARRY_RECENT && l->recent_bytes < l->group_bytes ? l->recent_bytes : l->group_bytes;
}

/* --- what may go ---------------------------------------------------------------------------------------------------------------------- */

uint32_t gx_retain_free(const struct gx_engine *e, const struct gx_group *g, uint32_t log)
{
    const struct gx_log *l = &g->logs[log];
    uint32_t upto = l->row.head_seq == 0 ? 0 : l->row.head_seq - 1;

    if (l->row.cls != GX_LOG_MESSAGES || gx_group_next_branch(g, &l->row.id, 0) != log)
        return l->row.base_seq;
    for (uint32_t i = gx_group_next_branch(g, &l->row.id, log + 1); i != GX_NONE; i = gx_group_next_branch(g, &l->row.id, i + 1))
        upto = g->logs[i].row.base_seq < upto ? g->logs[i].row.base_seq : upto;
    /* Chains go forward through what is not opened yet: what is behind it could not be opened without. */
    if (l->locked.unopened != 0 && l->locked.unopened <= upto)
        upto = l->locked.unopened - 1;
    if (l->own && !GX_MUTANT(RETAIN_UNSENT)) {
        uint32_t sent = 0, held = 0;

        if (log == g->own_messages)
            gx_messages_reached(g, &sent, &held);
        if (gx_receipts_are_due(e, g))      /* whoever watches is told of what it was, first */
            held = g->receipts.delivered < held ? g->receipts.delivered : held;
        upto = held < upto ? held : upto;
    }
    return upto < l->row.base_seq ? l->row.base_seq : upto;
}

uint64_t gx_retain_dropped(const struct gx_group *g)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < g->n_logs; i++)
        n += g->logs[i].row.base_seq - g->logs[i].row.begun_seq;
    return n;
}

/* --- dropping --------------------------------------------------------------------------------------------------------------------------- */

struct retaining {
    struct gx_engine *e;
    struct gx_group *g;
    struct gx_carry_limits limits;
    uint64_t before;            /* what arrived earlier is too old */
    uint32_t left;              /* segments that may still go in this step */
    bool wants_fold;            /* what should go lies in the journal */
    uint64_t *bytes;            /* by person */
};


/* The oldest segment of a log, if it may go.  What may go and lies in the journal is folded first. */
static bool oldest(struct retaining *r, uint32_t log, struct gx_oldest *out)
{
    struct gx_txn *txn = gx_engine_txn(r->e, false);
    uint32_t upto = gx_retain_free(r->e, r->g, log);
    enum gx_err err = GX_OK;

    if (txn == NULL || upto <= r->g->logs[log].row.base_seq)
        return false;
    err = gx_events_oldest(txn, out, &r->g->logs[log].row);
    if (err == GX_E_CORRUPT) {
        gx_engine_drop(r->e, "corrupt");
        return false;
    }
    *out = err == GX_OK ? *out : (struct gx_oldest){.last_seq = 0};
    return (err == GX_E_ABSENT || gx_engine_ok(r->e, err)) && out->last_seq <= upto;
}

/* Nothing that lacks its key lies before the new base any more.  The row follows at the end of the step. */
static void move_locked(struct gx_log *log)
{
    struct gx_locked_row *locked = &log->locked;

    if (locked->first == 0 || locked->first > log->row.base_seq)
        return;
    if (locked->last <= log->row.base_seq)
        locked->first = locked->last = 0;
    else
        locked->first = log->row.base_seq + 1;
}

/* False: it stays, because a page is bad or the step failed. */
static bool drop(struct retaining *r, uint32_t index)
{
    struct gx_engine *e = r->e;
    struct gx_log *log = &r->g->logs[index];
    struct gx_txn *txn = gx_engine_txn(e, true);
    uint64_t bytes = log->row.bytes;
    enum gx_err err = txn == NULL ? GX_E_STORE : gx_events_drop(txn, &log->row, &r->g->row.id);

    if (err == GX_E_CORRUPT) {
        gx_engine_drop(e, "corrupt");
        return false;
    }
    if (txn == NULL || !gx_engine_ok(e, err))
        return false;
    move_locked(log);
    bytes -= log->row.bytes;
    log->counted_bytes -= bytes;
    r->g->bytes -= bytes;
    if (r->bytes != NULL)
        r->bytes[log->person] -= bytes;
    r->g->hash_valid = false;
    log->changed = true;            /* others hear from where on this node holds it */
    gx_log_touch(e, r->g, log);
    r->left--;
    return e->fault == GX_OK;
}

/* By what the person chose: too old, or more of a log than is to be kept. */
static bool is_too_much(const struct retaining *r, uint32_t log, const struct gx_oldest *oldest)
{
    const struct gx_log_row *row = &r->g->logs[log].row;
    uint64_t arrival = 0;

    switch ((enum gx_carry)r->g->row.carry) {
    case GX_CARRY_ALL:
        return false;
    case GX_CARRY_RECENT:
        if (oldest->last_seq != 0)
            return oldest->last_arrival < r->before;
        return r->before > 0 && gx_log_arrival(r->e, row, row->base_seq + 1, &arrival) && arrival < r->before;
    case GX_CARRY_OFF:
        /* Of a journal not each event alone. */
        return oldest->last_seq != 0 ? row->head_seq - oldest->last_seq >= r->limits.off_messages
                                     : row->head_seq - row->base_seq > r->limits.off_messages + r->limits.off_messages / 2;
    }
    GX_ASSERT(!"a choice that is not in the list");
}

static void drop_by_choice(struct retaining *r)
{
    struct gx_oldest first;

    for (uint32_t i = 0; i < r->g->n_logs && r->g->row.carry != GX_CARRY_ALL && r->e->fault == GX_OK; i++)
        while (r->left > 0 && oldest(r, i, &first) && is_too_much(r, i, &first)) {
            r->wants_fold |= first.last_seq == 0;
            if (first.last_seq == 0 || !drop(r, i))
                break;
        }
}

/* Of a person's logs the one with the oldest segment of all that may go; GX_NONE. */
static uint32_t oldest_of(struct retaining *r, uint32_t person)
{
    uint32_t best = GX_NONE;
    uint64_t arrival = UINT64_MAX;

    for (uint32_t i = 0; i < r->g->n_logs; i++) {
        struct gx_oldest first;

        if (r->g->logs[i].person != person || !oldest(r, i, &first))
            continue;
        if (first.last_seq == 0) {
            r->wants_fold = true;
        } else if (first.last_arrival < arrival) {
            arrival = first.last_arrival;
            best = i;
        }
    }
    return best;
}

static uint32_t largest(const struct retaining *r, const bool *done)
{
    uint32_t best = GX_NONE;

    for (uint32_t p = 0; p < r->g->law.n_persons; p++)
        if (!done[p] && r->bytes[p] > 0 && (best == GX_NONE || r->bytes[p] > r->bytes[best]))
            best = p;
    return best;
}

/* More than the author's quota, or than the group's: then of the one who has most, so that nobody who writes much drives out what others say. */
static void drop_by_quota(struct retaining *r)
{
    bool *done = gx_arena_take(&r->e->arena, r->g->law.n_persons + 1u);

    r->bytes = gx_arena_take(&r->e->arena, (r->g->law.n_persons + 1u) * sizeof *r->bytes);
    if (!gx_engine_ok(r->e, done == NULL || r->bytes == NULL ? GX_E_MEMORY : GX_OK))
        return;
    for (uint32_t i = 0; i < r->g->n_logs; i++)
        if (r->g->logs[i].row.cls == GX_LOG_MESSAGES)
            r->bytes[r->g->logs[i].person] += r->g->logs[i].row.bytes;
    while (r->left > 0 && r->e->fault == GX_OK) {
        uint32_t person = largest(r, done), log = GX_NONE;

        if (person == GX_NONE || (r->bytes[person] <= r->limits.author_bytes && r->g->bytes <= group_limit(&r->limits, r->g)))
            break;
        log = oldest_of(r, person);
        done[person] = log == GX_NONE || !drop(r, log);
    }
}

/* --- when -------------------------------------------------------------------------------------------------------------------------------- */

/* What this step changed. */
static void count(struct gx_engine *e, struct gx_group *g)
{
    const struct gx_carry_limits l = gx_retain_limits(e);

    for (uint32_t k = 0; k < g->n_touched; k++) {
        struct gx_log *log = &g->logs[g->touched[k]];

        if (log->row.cls != GX_LOG_MESSAGES)
            continue;
        g->bytes += log->row.bytes - log->counted_bytes;
        log->counted_bytes = log->row.bytes;
        g->retain_due |= g->row.carry == GX_CARRY_OFF && log->row.head_seq - log->row.base_seq > l.off_messages;
        g->retain_due |= g->bytes > l.author_bytes || g->bytes > group_limit(&l, g);
    }
}

/* A clock that jumps adds one day, however far: so much is not dropped because of a wrong one. */
static void note_day(struct gx_engine *e)
{
    uint32_t day = (uint32_t)(e->now.wall_ms / DAY_MS);
    struct gx_store_info info = {0};
    struct gx_txn *txn = NULL;

    for (uint32_t i = e->n_days; i-- > 0;)
        if (e->days[i].day == day)
            return;
    txn = e->txn != NULL && e->writing ? e->txn : NULL;     /* no step writes for this alone */
    if (txn == NULL)
        return;
    gx_txn_info(txn, &info);
    if (info.next_arrival == (e->n_days == 0 ? 1 : e->days[e->n_days - 1].arrival))
        return;
    if (e->n_days == GX_DAYS_MAX)
        memmove(e->days, e->days + 1, --e->n_days * sizeof e->days[0]);
    e->days[e->n_days++] = (struct gx_day){.day = day, .arrival = info.next_arrival};
    (void)gx_engine_ok(e, gx_days_put(txn, e->days, e->n_days));
    for (uint32_t i = 0; i < e->n_groups; i++)
        e->groups[i]->retain_due |= e->groups[i]->row.carry == GX_CARRY_RECENT;
}

bool gx_retain_load(struct gx_engine *e)
{
    struct gx_txn *txn = gx_engine_txn(e, false);

    e->fold_due = false;
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        g->bytes = 0;
        g->retain_due = true;
        for (uint32_t k = 0; k < g->n_logs; k++) {
            g->logs[k].counted_bytes = g->logs[k].row.cls == GX_LOG_MESSAGES ? g->logs[k].row.bytes : 0;
            g->bytes += g->logs[k].counted_bytes;
        }
    }
    return txn != NULL && gx_engine_ok(e, gx_days_get(txn, e->days, &e->n_days));
}

/* What is left to do, and when: at once, or when the journal may be folded. */
static void go_on(struct retaining *r)
{
    struct gx_engine *e = r->e;
    uint64_t limit = group_limit(&r->limits, r->g);
    bool pressing = r->g->bytes > limit + limit / 4 || r->g->bytes > r->limits.author_bytes + r->limits.author_bytes / 4;

    r->g->retain_due = r->left == 0 || r->wants_fold;
    if (r->left == 0) {
        e->retain_more = true;
        gx_engine_wake(e, e->now.mono_ms + 1);
    } else if (r->wants_fold && (pressing || e->now.mono_ms >= e->fold_after_ms)) {
        e->fold_due = e->retain_more = true;
        e->fold_after_ms = e->now.mono_ms + FOLD_MS;
        gx_engine_wake(e, e->now.mono_ms + 1);
    } else if (r->wants_fold) {
        gx_engine_wake(e, e->fold_after_ms);
    }
}

void gx_retain_flush(struct gx_engine *e)
{
    struct retaining r = {.e = e, .limits = gx_retain_limits(e), .left = PORTION};

    e->retain_more = false;
    if (e->config.offline)
        return;
    note_day(e);
    r.before = e->n_days >= r.limits.recent_days ? e->days[e->n_days - r.limits.recent_days].arrival : 0;
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        r.g = e->groups[i];
        r.wants_fold = false;
        r.bytes = NULL;
        count(e, r.g);
        e->retain_more |= r.g->retain_due && r.left == 0;
        if (!r.g->retain_due || r.left == 0)
            continue;
        drop_by_choice(&r);
        drop_by_quota(&r);
        if (e->fault == GX_OK)
            go_on(&r);
    }
}

void gx_retain_hurry(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        e->groups[i]->retain_due = true;
    e->fold_after_ms = 0;
}

/* A log that was forked is shortened to the fork at most.  So all that are may hold a part of what the group may, or nobody else's could stay. */
static bool holds_fast(const struct gx_group *g, uint32_t log, size_t bytes, bool forks, uint64_t limit)
{
    uint64_t fast = bytes;

    if (!forks && !gx_group_is_forked(g, log))
        return false;
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].row.cls == GX_LOG_MESSAGES && !g->logs[i].own && (i == log || gx_group_is_forked(g, i)))
            fast += g->logs[i].row.bytes;
    return fast > limit / FAST_PART;
}

/* Of each log the newest stays, and what lies in one segment with it.  Who opens many would hold so much that nobody else's could stay. */
static bool opens_many(const struct gx_group *g, uint32_t log, uint64_t limit)
{
    uint64_t fast = 0;

    if (g->logs[log].row.bytes >= GX_CHUNK_BYTES_MAX)
        return false;
    for (uint32_t i = gx_idmap_get(&g->log_by_device, g->logs[log].row.device.b); i != GX_NONE; i = g->logs[i].next_of_device) {
        const struct gx_log *l = &g->logs[i];
        bool is_under_way = l->pend_seq > l->row.head_seq;

        if (i != log && l->row.cls == GX_LOG_MESSAGES)
            fast += is_under_way || l->row.bytes > GX_CHUNK_BYTES_MAX ? GX_CHUNK_BYTES_MAX : l->row.bytes;
    }
    return fast > limit / FAST_PART;
}

bool gx_retain_refuses(const struct gx_engine *e, const struct gx_group *g, uint32_t log, size_t bytes, bool forks)
{
    const struct gx_carry_limits l = gx_retain_limits(e);
    uint64_t limit = group_limit(&l, g), of_author = bytes;

    if (!g->logs[log].own && (holds_fast(g, log, bytes, forks, limit) || opens_many(g, log, limit)))
        return true;
    if (g->logs[log].own || g->bytes + bytes <= (l.author_bytes < limit ? l.author_bytes : limit))
        return false;
    if (g->bytes + bytes > limit + limit / 4 + SLACK)
        return true;
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].person == g->logs[log].person && g->logs[i].row.cls == GX_LOG_MESSAGES)
            of_author += g->logs[i].row.bytes;
    return of_author > l.author_bytes + l.author_bytes / 4 + SLACK;
}
