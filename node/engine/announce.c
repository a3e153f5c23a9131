/* Telling others what this node holds.  WIRE §6.1.
 *
 * A FRONTIER is at once an announcement and an acknowledgement: it is sent after the commit of what it names. */
#include "node/engine/internal.h"

#define STRAYS 2u                       /* of those who are not linked with this node, so many are told of what came live */
#define FRONTIER_AGAIN_MS 60000u        /* an announcement that was lost is repaired when what both hold is compared */

/* --- to whom ------------------------------------------------------------------------------------------------------------------------- */

bool gx_announce_hears(const struct gx_channel *c)
{
    return c != NULL && gx_channel_shared(c) && c->started;
}

static struct gx_channel *channel_at(struct gx_engine *e, const struct gx_group *g, uint32_t session)
{
    struct gx_session *s = e->sessions[session];

    return s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);
}

struct gx_fan_out gx_announce_fan_out(struct gx_engine *e, struct gx_group *g, uint32_t to)
{
    struct gx_fan_out of = {.to = to};

    if (g->hearers_step != e->n_steps || g->n_hearers <= GX_FAN_OUT) {
        g->n_hearers = 0;
        for (uint32_t i = 0; i < e->n_sessions; i++) {
            const struct gx_channel *c = channel_at(e, g, i);

            g->n_hearers += gx_announce_hears(c) && !c->is_double;
        }
        g->hearers_step = e->n_steps;
    }
    of.n = g->n_hearers;
    if (of.n > GX_FAN_OUT)
        gx_rng_fill(e->config.rng, &of.chance, sizeof of.chance);
    return of;
}

/* Marsaglia's xorshift: one number of the node's own is enough for all sessions. */
bool gx_announce_picks(struct gx_fan_out *of)
{
    if (of->n <= GX_FAN_OUT)
        return true;
    of->chance ^= of->chance << 13;
    of->chance ^= of->chance >> 7;
    of->chance ^= of->chance << 17;
    return of->chance % of->n < of->to;
}

/* --- what ---------------------------------------------------------------------------------------------------------------------------- */

/* Who leaves with messages that nobody holds yet gives these first: once the LEAVE is known nothing more is taken from the one who left. */
bool gx_announce_withheld(const struct gx_group *g, uint32_t log)
{
    return !GX_MUTANT(LEAVE_FIRST) && g->row.state == GX_GROUP_LEFT && log == g->own_control && gx_messages_unsent(g) > 0;
}

/* The newest event of a log that this channel may hear of. */
uint32_t gx_announce_shown_seq(const struct gx_group *g, uint32_t log)
{
    return g->logs[log].row.head_seq - (gx_announce_withheld(g, log) ? 1 : 0);
}

static struct gx_event_id shown_id(const struct gx_group *g, uint32_t log)
{
    uint32_t seq = gx_announce_shown_seq(g, log);

    if (seq != g->logs[log].row.head_seq)
        for (uint32_t op = g->law.n_ops; op-- > 0;)
            if (g->ops[op].log == log && g->ops[op].seq == seq)
                return g->law.nodes[op].op.id;
    return g->logs[log].row.head_id;
}

/* Who wrote what is not kept here any more is told that it was: nobody else acknowledges it in this node's place.  WIRE §6.34 */
static void put_dropped(struct gx_wr *w, struct gx_frame_list *list, const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    const struct gx_log_row *row = &g->logs[log].row;
    struct gx_frontier_entry entry = {.base_seq = row->begun_seq, .seq = row->base_seq};

    if (row->base_seq == row->begun_seq || !gx_sign_pk_equal(&row->device, &c->device) || GX_MUTANT(DROPPED_UNTOLD))
        return;
    memcpy(entry.tag.b, row->id.b, sizeof entry.tag.b);
    memcpy(entry.check, row->base_id.b, sizeof entry.check);
    gx_frame_put_frontier(w, list, &entry);
}

/* A branch is kept from the fork on, but what lies before is held with the first one. */
static void put_entry(struct gx_wr *w, struct gx_frame_list *list, const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    put_dropped(w, list, g, c, log);

    uint32_t first = g->logs[log].row.base_seq == 0 ? log : gx_group_next_branch(g, &g->logs[log].row.id, 0);
    struct gx_frontier_entry entry = {.base_seq = GX_MUTANT(BASE_UNTOLD) ? 0 : g->logs[first].row.base_seq, .seq = gx_announce_shown_seq(g, log)};
    struct gx_event_id id = shown_id(g, log);

    memcpy(entry.tag.b, g->logs[log].row.id.b, sizeof entry.tag.b);
    memcpy(entry.check, id.b, sizeof entry.check);
    gx_frame_put_frontier(w, list, &entry);
}

static bool entry_all(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    (void)e;
    (void)c;
    return gx_announce_shown_seq(g, log) > 0 && (!GX_MUTANT(RELAY_NONE) || g->logs[log].own);
}

/* What moved in this step: news for who does not have it, and an acknowledgement for who wrote it. */
static bool entry_changed(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    const struct gx_log *l = &g->logs[log];

    (void)e;
    if (!l->changed || l->pushed_from != 0 || gx_announce_withheld(g, log))
        return false;
    return gx_theirs_seq(c, log) < l->row.head_seq || gx_sign_pk_equal(&l->row.device, &c->device);
}

/* What of it came from the one who wrote it: that acknowledgement does not wait. */
static bool entry_ack(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    return g->logs[log].live_of_author && gx_sign_pk_equal(&g->logs[log].row.device, &c->device) && entry_changed(e, g, c, log);
}

static bool entry_late_ack(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    (void)e;
    return gx_sign_pk_equal(&g->logs[log].row.device, &c->device);
}

static bool entry_late(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    return gx_theirs_seq(c, log) < gx_announce_shown_seq(g, log) || entry_late_ack(e, g, c, log);
}

/* What a peer that told of this bucket did not tell of, or waits to hear of. */
static bool entry_differing(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    return entry_all(e, g, c, log) && entry_late(e, g, c, log);
}

/* What concerns nobody but the two. */
static bool entry_pair(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    return entry_all(e, g, c, log) && (g->logs[log].own || gx_sign_pk_equal(&g->logs[log].row.device, &c->device));
}

bool gx_announce_is_apart(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    const struct gx_log_id *id = &g->logs[log].row.id;
    bool apart = false;

    for (uint32_t i = gx_group_next_branch(g, id, 0); i != GX_NONE; i = gx_group_next_branch(g, id, i + 1)) {
        if (gx_theirs_seq(c, i) == 0)
            continue;
        if (gx_group_common(e, g, log, i) >= c->their[i].base_seq)
            return false;
        apart = true;
    }
    return apart;
}

static bool entry_unacked(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    return g->logs[log].own && gx_theirs_seq(c, log) < gx_announce_shown_seq(g, log) && !gx_announce_is_apart(e, g, c, log);
}

typedef bool want_fn(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log);

/* The buckets that a FRONTIER is of; and all others, as one number. */
struct buckets {
    uint8_t bits;
    const uint8_t *mask, *same;
};

static const struct buckets no_buckets;

/* Those of the n logs in `of` that are wanted; NULL: of the first n.  buckets: what it is of.  Returns how many these were. */
static uint32_t send_entries(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct buckets *buckets,
                             const uint32_t *of, uint32_t n_of, want_fn *want)
{
    uint32_t at = 0, sent = 0;

    while (at < n_of) {
        struct gx_wr w = gx_wr(NULL, 0);
        struct gx_frame_list list = {0};
        uint32_t n = 0;

        for (; at < n_of && list.n + 2u <= GX_FRONTIER_ENTRIES_MAX; at++) {     /* a log may take two */
            uint32_t log = of == NULL ? at : of[at];

            if (!want(e, g, c, log))
                continue;
            if (n++ == 0) {
                uint32_t left = 2 * (n_of - at);

                w = gx_engine_wr(e, 64 + sizeof(struct gx_frontier_entry) * (left < GX_FRONTIER_ENTRIES_MAX ? left : GX_FRONTIER_ENTRIES_MAX));
                list = gx_frame_begin_frontier(&w, c->number, buckets->bits, buckets->mask, buckets->same);
            }
            put_entry(&w, &list, g, c, log);
        }
        if (n == 0)
            break;
        gx_frame_end(&w, &list);
        gx_engine_send(e, s, &w);
        sent += n;
    }
    return sent;
}

void gx_announce_pair(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    (void)send_entries(e, s, g, c, &no_buckets, NULL, g->n_logs, entry_pair);
}

/* The logs of these buckets; NULL: memory is out (noted). */
static uint32_t *logs_of_buckets(struct gx_engine *e, const struct gx_group *g, uint8_t bits, struct gx_span mask, uint32_t *n)
{
    uint32_t *logs = gx_arena_room(&e->arena, (g->n_logs + 1u) * sizeof *logs);

    *n = 0;
    if (!gx_engine_ok(e, logs == NULL ? GX_E_MEMORY : GX_OK))
        return NULL;
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (gx_mask_has(mask, gx_bucket_of(g->logs[i].row.id.b[0], bits)))
            logs[(*n)++] = i;
    return logs;
}

void gx_announce_buckets(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, uint8_t bits, const uint8_t *mask,
                         const uint8_t same[GX_SUM_BYTES])
{
    struct buckets buckets = {.bits = bits, .mask = mask, .same = same};
    uint32_t n = 0;
    const uint32_t *logs = logs_of_buckets(e, g, bits, gx_span(mask, GX_MASK_BYTES(bits)), &n);

    if (logs == NULL || send_entries(e, s, g, c, &buckets, logs, n, entry_all) > 0)
        return;

    /* That I hold nothing of them is an answer, too. */
    struct gx_wr w = gx_engine_wr(e, 64);
    struct gx_frame_list list = gx_frame_begin_frontier(&w, c->number, bits, mask, same);

    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
}

void gx_announce_differing(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, uint8_t bits, struct gx_span mask)
{
    uint32_t n = 0;
    const uint32_t *logs = logs_of_buckets(e, g, bits, mask, &n);

    if (logs != NULL)
        (void)send_entries(e, s, g, c, &no_buckets, logs, n, entry_differing);
}

void gx_announce_logs(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const uint32_t *logs, uint32_t n)
{
    (void)send_entries(e, s, g, c, &no_buckets, logs, n, entry_all);
}

bool gx_announce_unacked(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    return send_entries(e, s, g, c, &no_buckets, NULL, g->n_logs, entry_unacked) > 0;
}

/* --- the end of a step --------------------------------------------------------------------------------------------------------------- */

static void flush_channel(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_push *push, bool large)
{
    if (push != NULL) {
        if (!large || c->link == GX_LINK_EAGER)
            gx_serve_push(e, s, c, push);
        if (c->unacked_at_ms == 0) {
            c->unacked_wait_ms = GX_UNACKED_MS;
            gx_repair_unacked_at(e, c, e->now.mono_ms + c->unacked_wait_ms);
        }
    }
    (void)send_entries(e, s, g, c, &no_buckets, g->touched, g->n_touched, large ? entry_ack : entry_changed);
}

/* In a large group all that moved is told together, some time within GX_OFFER_MS: who hears it from another meanwhile is not told again. */
static void keep_for_later(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t k = 0; k < g->n_touched; k++) {
        struct gx_log *log = &g->logs[g->touched[k]];

        if (!log->changed || log->late || !gx_engine_grow(e, &g->late, &g->cap_late, g->n_late, sizeof *g->late))
            continue;
        log->late = true;
        g->late[g->n_late++] = g->touched[k];
    }
    if (g->n_late > 0 && g->late_at_ms == 0) {
        uint32_t r = 0;

        gx_rng_fill(e->config.rng, &r, sizeof r);
        g->late_at_ms = e->now.mono_ms + GX_OFFER_MS / 2 + r % (GX_OFFER_MS / 2);
        gx_engine_wake(e, g->late_at_ms);
    }
}

/* To lazy links, and to a few whom chance picks: who lost all its links hears of it, too.  To the others only that their own came. */
static void announce_late(struct gx_engine *e, struct gx_group *g)
{
    struct gx_fan_out of = gx_announce_fan_out(e, g, STRAYS);

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_channel *c = channel_at(e, g, i);
        bool picked = gx_announce_picks(&of);

        if (gx_announce_hears(c))
            (void)send_entries(e, e->sessions[i], g, c, &no_buckets, g->late, g->n_late,
                               c->link == GX_LINK_LAZY || (picked && c->link == GX_LINK_APART) ? entry_late : entry_late_ack);
    }
    for (uint32_t k = 0; k < g->n_late; k++)
        g->logs[g->late[k]].late = false;
    g->n_late = 0;
    g->late_at_ms = 0;
}

static void announce_again(struct gx_engine *e, struct gx_group *g)
{
    struct gx_fan_out of = gx_announce_fan_out(e, g, GX_FAN_OUT);

    g->again_at_ms = 0;
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_channel *c = gx_announce_picks(&of) ? channel_at(e, g, i) : NULL;

        if (gx_announce_hears(c))
            gx_compare_begin(e, c);
    }
}

void gx_announce_timer(struct gx_engine *e, struct gx_group *g)
{
    gx_tree_timer(e, g);
    if (g->late_at_ms != 0 && e->now.mono_ms >= g->late_at_ms)
        announce_late(e, g);
    if (g->again_at_ms != 0 && e->now.mono_ms >= g->again_at_ms)
        announce_again(e, g);
    if (g->late_at_ms != 0)
        gx_engine_wake(e, g->late_at_ms);
    if (g->again_at_ms != 0)
        gx_engine_wake(e, g->again_at_ms);
}

void gx_announce_flush(struct gx_engine *e, struct gx_group *g)
{
    struct gx_push push = {.n = 0};
    bool pushed = false, changed = false;

    for (uint32_t k = 0; k < g->n_touched; k++) {
        pushed |= g->logs[g->touched[k]].pushed_from != 0;
        changed |= g->logs[g->touched[k]].changed;
    }

    uint32_t n = changed ? gx_announce_fan_out(e, g, GX_FAN_OUT).n : 0;

    gx_tree_flush(e, g);
    if (pushed && n > 0)
        gx_serve_push_make(e, g, &push);

    for (uint32_t k = 0; n > 0 && k < e->n_sessions && e->fault == GX_OK; k++) {
        struct gx_channel *c = channel_at(e, g, k);

        /* Who is no member since this step hears that it ended, and no more of what this step did. */
        if (gx_announce_hears(c) && (!g->members_changed || gx_group_live(g, &c->device)))
            flush_channel(e, e->sessions[k], g, c, pushed ? &push : NULL, n > GX_FAN_OUT);
    }
    if (n > GX_FAN_OUT)
        keep_for_later(e, g);
    if (n > 0 && g->again_at_ms == 0) {
        g->again_at_ms = e->now.mono_ms + FRONTIER_AGAIN_MS;
        gx_engine_wake(e, g->again_at_ms);
    }
    for (uint32_t k = 0; k < g->n_touched; k++) {
        g->logs[g->touched[k]].changed = g->logs[g->touched[k]].live_of_author = false;
        g->logs[g->touched[k]].pushed_from = 0;
    }
}
