/* What members say to each other once a group is shared: frontiers, wants, chunks.  WIRE §6.1. */
#include "node/engine/sealing.h"
#include <stdlib.h>

#define UNACKED_MAX_MS 60000u
#define OVERDUE_MS 1000u                /* how often is looked whether an answer is overdue */
#define SLOW_MS 1000u                   /* of what has not come after this another is asked, who has nothing else to give */
#define DRY_MS 30000u                   /* a peer that had no messages for me is not asked for the same ones before, */
#define DRY_MAX_MS 3600000u             /* nor, when it has none again and again, before this */

/* --- what a peer holds ---------------------------------------------------------------------------------------------------------------- */

uint32_t gx_repair_their_seq(const struct gx_channel *c, uint32_t log)
{
    return log < c->n_their ? c->their[log].seq : 0;
}

void gx_repair_note_theirs(struct gx_engine *e, struct gx_group *g, struct gx_channel *c, uint32_t log, uint32_t base_seq, uint32_t seq)
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
static const struct gx_doubt *doubt_of(const struct gx_channel *c, uint32_t log)
{
    static const struct gx_doubt none = {.forked = false};

    return log >= c->n_their || c->their[log].doubt == 0 ? &none : &c->doubts[c->their[log].doubt - 1];
}

/* The same, to be written.  NULL: it told nothing of that log, or memory is out. */
static struct gx_doubt *doubt(struct gx_engine *e, struct gx_channel *c, uint32_t log)
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
static bool can_give(const struct gx_engine *e, const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    uint32_t pend = g->logs[log].pend_seq;
    const struct gx_their_log *t = log < c->n_their ? &c->their[log] : NULL;

    if (t == NULL || t->seq <= pend || t->base_seq > pend || gx_shown_ended(g, &g->logs[log], pend + 1))
        return false;

    const struct gx_doubt *d = doubt_of(c, log);

    return d->dry_seq != pend + 1 || d->dry_ops != g->law.n_ops || e->now.mono_ms >= d->dry_until_ms;
}

/* The peer's device holds this node's messages from base_seq + 1 to seq: what `sent` and `delivered` rest on. */
static void note_held(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device, uint32_t base_seq, uint32_t seq)
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

bool gx_repair_note_held_again(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device, uint32_t seq)
{
    for (uint32_t i = 0; i < g->n_held; i++)
        if (gx_sign_pk_equal(&g->held[i].row.device, device)) {
            note_held(e, g, device, g->held[i].row.base_seq, seq);
            return true;
        }
    return false;
}

static bool checks(const uint8_t check[4], const struct gx_event_id *id)
{
    return memcmp(id->b, check, 4) == 0;
}

/* The branch of a message log that has the event an entry names.  What is longer than all of them may go on one; what lies before my time is told
 * of the first. */
static uint32_t message_branch(struct gx_engine *e, struct gx_group *g, uint32_t first, const struct gx_frontier_entry *entry)
{
    if (entry->seq > g->logs[first].row.head_seq && !gx_group_is_forked(g, first))
        return first;
    if (entry->seq <= g->logs[first].row.base_seq)
        return first;
    for (uint32_t i = first; i != GX_NONE; i = gx_group_next_branch(g, &g->logs[first].row.id, i + 1)) {
        struct gx_event_id id;

        if (gx_group_event_id(e, g, i, entry->seq, &id) && checks(entry->check, &id))
            return i;
    }
    return GX_NONE;
}

/* The log, and the branch of it, that an entry speaks of: the one that has the event it names, else one that it may continue. */
static uint32_t named_log(struct gx_engine *e, struct gx_group *g, const struct gx_frontier_entry *entry)
{
    uint32_t first = gx_group_log_by_tag(g, &entry->tag);
    uint32_t exact = first == GX_NONE                               ? GX_NONE
                     : g->logs[first].row.cls == GX_LOG_CONTROL ? gx_group_branch(g, entry)
                                                                : message_branch(e, g, first, entry);

    if (exact != GX_NONE)
        return exact;
    for (uint32_t i = first; i != GX_NONE; i = g->logs[i].next_of_tag)
        if (g->logs[i].row.head_seq < entry->seq)
            return i;
    return GX_NONE;
}

/* Does the entry name an event of this node's own log, and not one of another branch (of a cloned home, or made up)? */
static bool holds_mine(struct gx_engine *e, struct gx_group *g, const struct gx_frontier_entry *entry)
{
    struct gx_event_id id;

    return entry->seq > g->logs[g->own_messages].row.base_seq && gx_group_event_id(e, g, g->own_messages, entry->seq, &id) && checks(entry->check, &id);
}

void gx_repair_frontier(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);
    size_t most = f->n < 2u * g->n_logs + 8u ? f->n : 2u * g->n_logs + 8u;      /* more than there can be: each may cost a look into the store */
    bool of_buckets = (f->flags & GX_OF_BUCKETS) != 0;
    uint32_t *asked = of_buckets ? NULL : gx_arena_room(&e->arena, (most + 1) * sizeof *asked);
    uint32_t n_asked = 0;
    bool lacking = false;

    if (of_buckets)
        c->ahead = false;
    for (size_t i = 0; i < most; i++) {
        struct gx_frontier_entry entry = gx_frame_frontier_at(f, i);
        uint32_t index = named_log(e, g, &entry), first = gx_group_log_by_tag(g, &entry.tag);

        if (index == GX_NONE && first != GX_NONE && g->logs[first].row.cls == GX_LOG_MESSAGES) {
            gx_repair_note_forked(e, s, g, &g->logs[first].row.id);
            continue;
        }
        if (index == GX_NONE) {         /* a log, or a branch of one, that my view does not know */
            c->ahead = c->blind = lacking = true;
            continue;
        }

        struct gx_log *log = &g->logs[index];

        gx_repair_note_theirs(e, g, c, index, entry.base_seq, entry.seq);
        lacking |= entry.seq > log->row.head_seq;
        if (asked != NULL && entry.seq <= log->row.head_seq && gx_sign_pk_equal(&log->row.device, &c->device))
            asked[n_asked++] = index;           /* it wrote this, and has not heard that I hold it */
        if (index == g->own_messages && holds_mine(e, g, &entry))
            note_held(e, g, &c->device, entry.base_seq, entry.seq);
        if (index == g->own_control && g->row.state == GX_GROUP_LEFT && entry.seq >= log->row.head_seq)
            gx_ended_heard(e, g);
    }
    if (g->row.state == GX_GROUP_LEFT && !g->left_told)
        (void)gx_announce_unacked(e, s, g, c);
    gx_announce_logs(e, s, g, c, asked, n_asked);
    if (of_buckets)
        gx_compare_answered(e, s, g, c, f);
    if (!lacking)
        return;

    /* An announcement of something live: the author's own push is probably under way. */
    uint64_t at = e->now.mono_ms + (of_buckets ? 0 : gx_tree_offered(e, g, c));

    if (g->want_at_ms == 0 || at < g->want_at_ms)
        g->want_at_ms = at;
    gx_engine_wake(e, g->want_at_ms);
}

void gx_repair_start(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool is_asked)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);
    struct gx_fan_out of = gx_announce_fan_out(e, g, GX_FAN_OUT);
    bool picked = gx_announce_picks(&of);

    c->started = true;
    g->n_hearers++;             /* many may begin in one step */
    c->started_ms = e->now.mono_ms;
    gx_tree_started(e, g);
    if (g->keys_lack)
        gx_keys_hurry(e, g);        /* it may have keys that are lacking here */
    if (picked && !is_asked)
        gx_compare_begin(e, c);
    if (!picked && !is_asked) {
        gx_endpoints_send_own(e, s, c);
        gx_announce_pair(e, s, g, c);
    }
    c->unacked_wait_ms = GX_UNACKED_MS;
    gx_repair_unacked_at(e, c, e->now.mono_ms + GX_UNACKED_MS);
}

void gx_repair_look_at_channels(struct gx_engine *e, uint64_t at_ms)
{
    if (e->channels_at_ms == 0 || at_ms < e->channels_at_ms)
        e->channels_at_ms = at_ms;
    gx_engine_wake(e, at_ms);
}

void gx_repair_unacked_at(struct gx_engine *e, struct gx_channel *c, uint64_t at_ms)
{
    c->unacked_at_ms = at_ms;
    gx_repair_look_at_channels(e, at_ms);
}

/* Of all branches that are there. */
static uint64_t held_of(const struct gx_group *g, const struct gx_log_id *log)
{
    uint64_t n = 0;

    for (uint32_t i = gx_group_next_branch(g, log, 0); i != GX_NONE; i = gx_group_next_branch(g, log, i + 1))
        n += g->logs[i].row.head_seq - g->logs[i].row.base_seq;
    return n;
}

static void dry_at(struct gx_engine *e, struct gx_group *g, uint64_t at_ms)
{
    if (g->dry_at_ms == 0 || at_ms < g->dry_at_ms)
        g->dry_at_ms = at_ms;
    gx_engine_wake(e, g->dry_at_ms);
}

/* It was asked for what follows the (pending) head, and did not give it.  Where nothing changed since the last time it is left alone for longer. */
static void note_dry(struct gx_engine *e, struct gx_group *g, struct gx_doubt *d, const struct gx_log *log)
{
    uint64_t held = held_of(g, &log->row.id);

    gx_engine_drop(e, "claim_messages");
    if (d->dry_ms == 0 || d->dry_seq != log->pend_seq + 1 || d->dry_ops != g->law.n_ops || d->dry_held != held)
        d->dry_ms = DRY_MS;
    else if (e->now.mono_ms >= d->dry_until_ms)
        d->dry_ms = 2 * d->dry_ms > DRY_MAX_MS ? DRY_MAX_MS : 2 * d->dry_ms;
    d->dry_seq = log->pend_seq + 1;
    d->dry_ops = g->law.n_ops;
    d->dry_held = held;
    d->dry_until_ms = e->now.mono_ms + d->dry_ms;
    dry_at(e, g, d->dry_until_ms);
}

/* It says that it has more, and gave nothing that goes on here: perhaps its branch leaves mine earlier.  When it was asked for that, what it says is of
 * another branch, and its next frontier counts anew. */
static void nothing_came(struct gx_engine *e, struct gx_group *g, struct gx_channel *c, uint32_t at)
{
    const struct gx_log *log = &g->logs[at];
    struct gx_doubt *d = doubt(e, c, at);

    if (d == NULL)
        return;
    note_dry(e, g, d, log);
    if (log->row.cls != GX_LOG_MESSAGES || c->their[at].seq <= log->pend_seq)
        return;
    if (d->asked_haves)
        c->their[at].seq = log->pend_seq;
    else
        d->forked = c->more = true;
}

static void haves_answered(struct gx_engine *e, struct gx_channel *c, uint32_t log)
{
    if (doubt_of(c, log)->asked_haves)
        doubt(e, c, log)->asked_haves = false;
}

/* Of which branch is what it gives of the log?  Its frontier says so. */
static bool is_in_doubt(const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    return gx_group_is_forked(g, log) || doubt_of(c, log)->forked || doubt_of(c, log)->asked_haves;
}

/* Of all logs that it was asked for. */
static uint64_t pending_of_asked(const struct gx_group *g, const struct gx_session *s)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < g->n_logs; i++)
        n += g->logs[i].asked == s->id ? g->logs[i].pend_seq : 0;
    return n;
}

static void put_wanted(struct gx_wr *w, struct gx_frame_list *list, const struct gx_log *log)
{
    struct gx_want_entry want = {.from_seq = log->pend_seq + 1};

    memcpy(want.tag.b, log->row.id.b, sizeof want.tag.b);
    if (log->pend_seq > 0)          /* else it is a head of an earlier incarnation, in another log */
        memcpy(want.check, log->pend_id.b, sizeof want.check);
    gx_frame_put_want(w, list, &want);
}

/* An answer that its credit does not cover has begun, and says where it will end: what follows is asked for now, so that the peer reads it while the
 * answer is taken in here.  One that says so and gave nothing since it was asked is not believed again. */
static void ask_on(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_want_entry *on)
{
    uint32_t at = gx_group_log_by_tag(g, &on->tag);
    uint64_t pending = pending_of_asked(g, s);

    if (at == GX_NONE || g->logs[at].asked != s->id || c->n_asked != 1 || pending == c->asked_pend || is_in_doubt(g, c, at) || g->asked != 0 ||
        !gx_group_is_member(g) || gx_shown_ended(g, &g->logs[at], on->from_seq))
        return;

    struct gx_wr w = gx_engine_wr(e, 16 + sizeof *on * ((size_t)g->n_logs + 1));
    struct gx_frame_list list = gx_frame_begin_want(&w, c->number, GX_WANT_MESSAGES, GX_WANT_CHUNKS_MAX);

    gx_frame_put_want(&w, &list, on);
    for (uint32_t i = 0; i < g->n_logs; i++) {
        if (g->logs[i].asked != s->id)
            continue;
        g->logs[i].asked_until_ms = e->now.mono_ms + GX_WANT_MS;
        if (i > at && list.n < GX_FRONTIER_ENTRIES_MAX)     /* it answers in the order of the question */
            put_wanted(&w, &list, &g->logs[i]);
    }
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    c->asked_until_ms = e->now.mono_ms + GX_WANT_MS;
    gx_engine_wake(e, c->asked_until_ms);
    c->n_asked = 2;
    c->asked_pend = pending;
}

/* The question that was asked ahead is still open. */
static bool answers_one_of_two(struct gx_channel *c)
{
    bool two = c->n_asked > 1;

    c->n_asked = two;
    return two;
}

void gx_repair_chunks(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);
    struct gx_rd rd = gx_rd(f->list);
    bool of_others = false;

    s->live = (f->flags & GX_CHUNKS_PUSH) || c->link_owes;
    s->n_again = 0;
    for (size_t i = 0; i < f->n && !s->closed; i++) {
        struct gx_span bytes = gx_frame_chunk_next(&rd);
        struct gx_chunk chunk;

        if (gx_chunk_decode(&chunk, bytes) == GX_OK) {
            uint32_t log = gx_group_log(g, &chunk.log);

            of_others |= log != GX_NONE && !gx_sign_pk_equal(&g->logs[log].row.device, &c->device);
            if (log != GX_NONE && !is_in_doubt(g, c, log))
                gx_repair_note_theirs(e, g, c, log, log < c->n_their ? c->their[log].base_seq : 0, chunk.first_seq + chunk.count - 1u);
        }
        gx_jobs_chunk(e, s, g, bytes);
    }
    s->live = false;
    if ((f->flags & GX_CHUNKS_PUSH) && f->n > 0 && s->n_again == f->n)
        gx_tree_again(e, s, c, of_others);
    else if (f->flags & GX_CHUNKS_PUSH)
        gx_tree_fresh(e, s, c, of_others);
    if (f->flags & GX_CHUNKS_ON)
        ask_on(e, s, g, c, &f->on);
    if (!(f->flags & GX_CHUNKS_LAST) || answers_one_of_two(c))
        return;
    c->link_owes = false;
    if (g->asked == s->id && !g->answered)
        g->answered = true;
    for (uint32_t i = 0; i < g->n_logs; i++) {
        struct gx_log *log = &g->logs[i];

        if (log->asked != s->id)
            continue;
        log->asked = 0;
        if (log->pend_seq == log->asked_pend)
            nothing_came(e, g, c, i);
        haves_answered(e, c, i);
    }
    g->want_at_ms = e->now.mono_ms;
    gx_engine_wake(e, g->want_at_ms);
}

void gx_repair_shown(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);
    struct gx_rd rd = gx_rd(f->list);

    for (size_t i = 0; i < f->n && !s->closed; i++) {
        struct gx_span bytes = gx_frame_chunk_next(&rd);
        struct gx_chunk chunk;
        uint32_t log = gx_chunk_decode(&chunk, bytes) == GX_OK ? gx_group_log(g, &chunk.log) : GX_NONE;

        if (log != GX_NONE && g->logs[log].row.cls == GX_LOG_MESSAGES)
            gx_engine_drop(e, "not_shared");
        else
            gx_jobs_chunk(e, s, g, bytes);
    }
}

/* --- looking for what is lacking ----------------------------------------------------------------------------------------------------------- */

static bool lacks_control(const struct gx_group *g, const struct gx_channel *c)
{
    if (c->ahead && !GX_MUTANT(CONTROL_UNASKED))
        return true;
    for (uint32_t i = 0; c->more && i < g->n_logs && !GX_MUTANT(CONTROL_UNASKED); i++)
        if (g->logs[i].row.cls == GX_LOG_CONTROL && gx_repair_their_seq(c, i) > g->logs[i].row.head_seq)
            return true;
    return false;
}

bool gx_repair_lacks_control(const struct gx_engine *e, const struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_channel *c = e->sessions[i]->closed ? NULL : gx_session_channel_of(e->sessions[i], g->row.gnum);

        if (c != NULL && gx_channel_shared(c) && lacks_control(g, c))
            return true;
    }
    return false;
}

/* Of logs that it told of where it has more; of all, when it has some that I do not know. */
static bool entry_control(const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    if (g->logs[log].row.cls != GX_LOG_CONTROL)
        return false;
    return c->ahead ? g->logs[log].row.head_seq > 0 : gx_repair_their_seq(c, log) > g->logs[log].row.head_seq;
}

/* Up to where both have a log, as far as the other told: a name that it knows if it is on the same branch. */
static void put_common(struct gx_wr *w, struct gx_frame_list *list, const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    const struct gx_log_row *row = &g->logs[log].row;
    uint32_t told = gx_repair_their_seq(c, log);
    uint32_t seq = told > row->base_seq && told < row->head_seq ? told : row->head_seq;
    struct gx_frontier_entry entry = {.base_seq = row->base_seq, .seq = seq};
    const struct gx_event_id *id = gx_group_id_at(g, log, seq);

    memcpy(entry.tag.b, row->id.b, sizeof entry.tag.b);
    memcpy(entry.check, id == NULL ? row->head_id.b : id->b, sizeof entry.check);
    gx_frame_put_frontier(w, list, &entry);
}

static void ask_control(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    struct gx_wr w = gx_engine_wr(e, 16 + sizeof(struct gx_frontier_entry) * g->n_logs);
    struct gx_frame_list list = gx_frame_begin_want(&w, c->number, c->ahead ? GX_WANT_CONTROL : GX_WANT_CONTROL_OF, GX_WANT_CHUNKS_MAX);

    for (uint32_t i = 0; i < g->n_logs && list.n < GX_FRONTIER_ENTRIES_MAX; i++)
        if (entry_control(g, c, i))
            put_common(&w, &list, g, c, i);
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    g->asked = s->id;
    g->asked_until_ms = e->now.mono_ms + GX_WANT_MS;
    gx_tree_asked(e, s, g, c);
    g->asked_ops = g->law.n_ops;
    g->answered = false;
    c->ahead = false;               /* what it still knows more of, its next frontier says again */
}

void gx_repair_note_forked(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_log_id *log)
{
    struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);
    uint32_t first = gx_group_next_branch(g, log, 0);

    if (c == NULL || first == GX_NONE)
        return;
    gx_repair_note_theirs(e, g, c, first, first < c->n_their ? c->their[first].base_seq : 0, 0);

    struct gx_doubt *d = gx_group_branches(g, log) >= GX_LOG_BRANCHES_MAX ? NULL : doubt(e, c, first);

    if (d == NULL)
        return;
    d->forked = c->more = true;
    if (g->want_at_ms == 0)
        g->want_at_ms = e->now.mono_ms + GX_WANT_DELAY_MS;
    gx_engine_wake(e, g->want_at_ms);
}

void gx_repair_note_branch(struct gx_engine *e, struct gx_session *s, struct gx_group *g)
{
    struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);

    if (c == NULL)
        return;
    c->blind = true;
    if (g->want_at_ms == 0)
        g->want_at_ms = e->now.mono_ms + GX_WANT_DELAY_MS;
    gx_engine_wake(e, g->want_at_ms);
}

/* Where the other's branch leaves mine is not known: events of mine, the newest first and ever further apart, of which it takes the first it has.  One
 * is where its part of the log begins (`there`): behind that the next one may be out of its sight. */
static void put_haves(struct gx_engine *e, struct gx_wr *w, struct gx_frame_list *list, struct gx_group *g, uint32_t log, uint32_t there)
{
    const struct gx_log_row *row = &g->logs[log].row;
    struct gx_want_entry want = {.from_seq = row->head_seq + 1};

    memcpy(want.tag.b, row->id.b, sizeof want.tag.b);
    for (uint32_t step = 1; list->n < GX_FRONTIER_ENTRIES_MAX; step *= 2) {
        struct gx_event_id id;

        memset(want.check, 0, sizeof want.check);
        if (want.from_seq > 1 && !gx_group_event_id(e, g, log, want.from_seq - 1, &id))
            return;
        if (want.from_seq > 1)
            memcpy(want.check, id.b, sizeof want.check);
        gx_frame_put_want(w, list, &want);
        if (want.from_seq <= row->base_seq + 1)
            return;

        uint32_t next = want.from_seq - row->base_seq - 1 > step ? want.from_seq - step : row->base_seq + 1;

        want.from_seq = there > next && there < want.from_seq ? there : next;
    }
}

static void note_asked(struct gx_engine *e, const struct gx_group *g, const struct gx_session *s, struct gx_channel *c)
{
    c->n_asked = 1;
    c->asked_until_ms = e->now.mono_ms + GX_WANT_MS;
    c->asked_pend = pending_of_asked(g, s);
    gx_engine_wake(e, c->asked_until_ms);
}

/* Ask session s for the branches it has and I lack. */
static bool ask_branches(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    for (uint32_t i = 0; i < g->n_logs && i < c->n_their; i++) {
        struct gx_log *log = &g->logs[i];
        struct gx_doubt *d = doubt_of(c, i)->forked ? doubt(e, c, i) : NULL;

        if (d == NULL || e->now.mono_ms < d->haves_until_ms || log->asked != 0)
            continue;

        struct gx_wr w = gx_engine_wr(e, 16 + 64 * sizeof(struct gx_want_entry));
        struct gx_frame_list list = gx_frame_begin_want(&w, c->number, GX_WANT_MESSAGES, GX_WANT_CHUNKS_MAX);

        put_haves(e, &w, &list, g, i, c->their[i].base_seq + 1);
        gx_frame_end(&w, &list);
        gx_engine_send(e, s, &w);
        d->forked = false;
        d->asked_haves = true;
        d->haves_until_ms = e->now.mono_ms + (d->dry_ms > DRY_MS ? d->dry_ms : DRY_MS);
        log->asked = s->id;
        log->asked_until_ms = e->now.mono_ms + GX_WANT_MS;
        log->asked_pend = log->pend_seq;
        note_asked(e, g, s, c);
        return true;
    }
    return false;
}

/* A peer that may be asked for messages now, and what it is asked for. */
struct asking {
    struct gx_session *s;
    struct gx_channel *c;
    uint32_t n;                 /* logs */
    uint64_t events;            /* in them, as far as it told */
};

/* Those that told of something that is lacking, and have no question open. */
static struct asking *askable(struct gx_engine *e, struct gx_group *g, uint32_t *n)
{
    struct asking *list = gx_arena_take(&e->arena, (e->n_sessions + 1u) * sizeof *list);

    *n = 0;
    if (!gx_engine_ok(e, list == NULL ? GX_E_MEMORY : GX_OK))
        return NULL;
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];
        struct gx_channel *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);

        if (c == NULL || !gx_channel_shared(c) || !c->more || (c->n_asked > 0 && e->now.mono_ms < c->asked_until_ms))
            continue;
        if (!ask_branches(e, s, g, c))
            list[(*n)++] = (struct asking){.s = s, .c = c};
    }
    return list;
}

static void deal_log(struct gx_engine *e, struct gx_group *g, uint32_t at, struct asking *to)
{
    struct gx_log *log = &g->logs[at];

    haves_answered(e, to->c, at);
    log->asked = to->s->id;
    log->asked_until_ms = e->now.mono_ms + GX_WANT_MS;
    log->asked_pend = log->pend_seq;
    to->n++;
    to->events += gx_repair_their_seq(to->c, at) - log->pend_seq;
}

/* Each log that nobody was asked for goes to the one, of those who can give it, that has least to give so far. */
static void deal(struct gx_engine *e, struct gx_group *g, struct asking *list, uint32_t n)
{
    for (uint32_t i = 0; i < g->n_logs; i++) {
        const struct gx_log *log = &g->logs[i];
        struct asking *to = NULL;

        if (log->row.cls != GX_LOG_MESSAGES || (log->asked != 0 && e->now.mono_ms < log->asked_until_ms))
            continue;
        for (uint32_t k = 0; k < n; k++)
            if (list[k].n < GX_FRONTIER_ENTRIES_MAX && (to == NULL || list[k].events < to->events) && can_give(e, g, list[k].c, i))
                to = &list[k];
        if (to != NULL)
            deal_log(e, g, i, to);
    }
}

static struct gx_channel *channel_asked(struct gx_engine *e, const struct gx_group *g, const struct gx_log *log)
{
    struct gx_session *s = log->asked == 0 ? NULL : gx_session_find(e, log->asked);

    return s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);
}

/* Nothing came of it since its question went out, which is a while ago.  Who was asked for a branch is left to look for it. */
static bool is_slow(struct gx_engine *e, const struct gx_group *g, uint32_t at)
{
    const struct gx_log *log = &g->logs[at];
    const struct gx_channel *c = channel_asked(e, g, log);

    return c != NULL && log->row.cls == GX_LOG_MESSAGES && log->asked_pend == log->pend_seq && !doubt_of(c, at)->asked_haves &&
           e->now.mono_ms + GX_WANT_MS >= log->asked_until_ms + SLOW_MS;
}

/* Who has nothing to give takes half of what others have not come to, the last of it first: so the slowest does not set the pace. */
static void take_over(struct gx_engine *e, struct gx_group *g, struct asking *to)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < g->n_logs; i++)
        n += is_slow(e, g, i) && can_give(e, g, to->c, i);
    n = (n + 1) / 2;
    for (uint32_t i = g->n_logs; i-- > 0 && to->n < n && to->n < GX_FRONTIER_ENTRIES_MAX;) {
        if (!is_slow(e, g, i) || !can_give(e, g, to->c, i))
            continue;

        struct gx_doubt *d = doubt(e, channel_asked(e, g, &g->logs[i]), i);

        if (d != NULL)
            note_dry(e, g, d, &g->logs[i]);
        deal_log(e, g, i, to);
    }
}

static void ask_messages(struct gx_engine *e, struct gx_group *g, struct asking *to)
{
    struct gx_wr w = gx_engine_wr(e, 16 + sizeof(struct gx_want_entry) * (size_t)to->n);
    struct gx_frame_list list = gx_frame_begin_want(&w, to->c->number, GX_WANT_MESSAGES, GX_WANT_CHUNKS_MAX);

    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].asked == to->s->id)
            put_wanted(&w, &list, &g->logs[i]);
    gx_frame_end(&w, &list);
    gx_engine_send(e, to->s, &w);
    note_asked(e, g, to->s, to->c);
    gx_tree_asked(e, to->s, g, to->c);
}

static void look_messages(struct gx_engine *e, struct gx_group *g)
{
    uint32_t n = 0;
    struct asking *list = askable(e, g, &n);

    if (list == NULL)
        return;
    deal(e, g, list, n);
    for (uint32_t k = 0; k < n; k++) {
        if (list[k].n == 0)
            take_over(e, g, &list[k]);
        if (list[k].n > 0)
            ask_messages(e, g, &list[k]);
    }
}

/* An answer about control brought nothing: what that peer says it has does not keep this node from its messages.  Its next frontier counts anew. */
static void forget_claims(struct gx_engine *e, struct gx_group *g)
{
    struct gx_session *s = gx_session_find(e, g->asked);
    struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);

    gx_engine_drop(e, "claim");
    for (uint32_t i = 0; c != NULL && i < c->n_their; i++)
        if (g->logs[i].row.cls == GX_LOG_CONTROL && c->their[i].seq > g->logs[i].row.head_seq)
            c->their[i].seq = g->logs[i].row.head_seq;
}

/* Control first: messages name control heads.  False while an answer is under way. */
static bool look_control(struct gx_engine *e, struct gx_group *g)
{
    if (g->answered && g->n_jobs == 0) {
        if (g->law.n_ops == g->asked_ops)
            forget_claims(e, g);
        g->asked = 0;
        g->answered = false;
    }
    if (g->asked != 0 && e->now.mono_ms < g->asked_until_ms)
        return false;
    if (g->asked != 0)
        forget_claims(e, g);        /* who claims and stays silent is not asked before others again */
    g->asked = 0;
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];
        struct gx_channel *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);

        if (c == NULL || !gx_channel_shared(c) || !lacks_control(g, c))
            continue;
        if (g->n_jobs > 0) {
            gx_engine_wake(e, e->now.mono_ms + GX_WANT_DELAY_MS);
            return false;
        }
        ask_control(e, s, g, c);
        gx_engine_wake(e, g->asked_until_ms);
        return false;
    }
    return true;
}

/* Control is whole: what the other said of logs that were not known then can be placed now. */
static void compare_again(struct gx_engine *e, struct gx_channel *c)
{
    if (!c->blind || (c->again_ms != 0 && e->now.mono_ms < c->again_ms + DRY_MS))
        return;
    c->blind = false;
    c->again_ms = e->now.mono_ms;
    gx_compare_begin(e, c);
}

/* What was asked for and not answered in time is asked of others first. */
static void give_up_unanswered(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t i = 0; i < g->n_logs; i++) {
        struct gx_log *log = &g->logs[i];
        struct gx_channel *c = NULL;

        if (log->asked == 0 || e->now.mono_ms < log->asked_until_ms)
            continue;
        c = channel_asked(e, g, log);
        log->asked = 0;
        if (c != NULL)
            c->n_asked = 0;

        struct gx_doubt *d = c == NULL ? NULL : doubt(e, c, i);

        if (d != NULL)
            note_dry(e, g, d, log);
    }
}

/* A node in a large group looks often, at each step while it joins, and few of 500 others have anything that it lacks. */
static void note_more(const struct gx_group *g, struct gx_channel *c)
{
    c->more = false;
    for (uint32_t i = 0; i < c->n_their && !c->more; i++)
        c->more = doubt_of(c, i)->forked || c->their[i].seq > g->logs[i].row.head_seq;
}

void gx_repair_look(struct gx_engine *e, struct gx_group *g)
{
    if (!gx_group_answers(g)) {
        g->want_at_ms = 0;
        return;
    }
    if (!look_control(e, g))
        return;                     /* want_at_ms stays: looked at again with each step until control is whole */
    g->want_at_ms = 0;
    if (!gx_group_is_member(g))
        return;
    give_up_unanswered(e, g);
    look_messages(e, g);
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];
        struct gx_channel *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);

        if (c == NULL || !gx_channel_shared(c))
            continue;
        compare_again(e, c);
        if (c->more)
            note_more(g, c);
    }
}

void gx_repair_session_gone(struct gx_engine *e, const struct gx_session *s)
{
    for (uint32_t i = 0; i < s->n_channels; i++) {
        struct gx_group *g = gx_group_by_gnum(e, s->channels[i].group);

        if (g == NULL)
            continue;
        gx_tree_gone(e, g, &s->channels[i]);
        if (g->asked == s->id) {
            g->asked = 0;
            g->answered = false;
        }
        for (uint32_t k = 0; k < g->n_logs; k++)
            if (g->logs[k].asked == s->id)
                g->logs[k].asked = 0;
        g->want_at_ms = e->now.mono_ms;
        gx_engine_wake(e, e->now.mono_ms + 1);
    }
}

static void channel_timer(struct gx_engine *e, struct gx_session *s, struct gx_channel *c)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);

    if (g == NULL || !gx_channel_shared(c))
        return;
    if (c->unacked_at_ms != 0 && e->now.mono_ms >= c->unacked_at_ms) {
        c->unacked_at_ms = 0;
        if (gx_announce_unacked(e, s, g, c)) {
            c->unacked_wait_ms = c->unacked_wait_ms * 2 > UNACKED_MAX_MS ? UNACKED_MAX_MS : c->unacked_wait_ms * 2;
            c->unacked_at_ms = e->now.mono_ms + c->unacked_wait_ms;
        }
    }
    if (c->unacked_at_ms != 0)
        gx_repair_unacked_at(e, c, c->unacked_at_ms);
    gx_compare_timer(e, c);
}

/* Of all sessions there are many, and a deadline of one of them is seldom: they are looked through when the first of these has come. */
static void channels_timer(struct gx_engine *e)
{
    if (e->channels_at_ms == 0 || e->now.mono_ms < e->channels_at_ms) {
        if (e->channels_at_ms != 0)
            gx_engine_wake(e, e->channels_at_ms);
        return;
    }
    e->channels_at_ms = 0;
    for (uint32_t i = 0; i < e->n_sessions; i++)
        for (uint32_t k = 0; !e->sessions[i]->closed && k < e->sessions[i]->n_channels; k++)
            channel_timer(e, e->sessions[i], &e->sessions[i]->channels[k]);
}

/* What was claimed and not given is asked for again, or it would be missing for ever, here and in what is told to be left. */
static void dry_timer(struct gx_engine *e, struct gx_group *g)
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

        for (uint32_t k = 0; c != NULL && c->n_doubts > 0 && k < c->n_their; k++)
            if (doubt_of(c, k)->dry_until_ms > e->now.mono_ms && c->their[k].seq > g->logs[k].row.head_seq)
                dry_at(e, g, doubt_of(c, k)->dry_until_ms);
    }
}

void gx_repair_timer(struct gx_engine *e)
{
    channels_timer(e);
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        bool waits = g->asked != 0;

        gx_announce_timer(e, g);
        gx_endpoints_timer(e, g);
        dry_timer(e, g);
        for (uint32_t k = 0; k < g->n_logs && !waits; k++)
            waits = g->logs[k].asked != 0;
        if (waits && g->want_at_ms == 0)
            g->want_at_ms = e->now.mono_ms;         /* an answer may be overdue */
        if (waits)
            gx_engine_wake(e, e->now.mono_ms + OVERDUE_MS);
        if (g->want_at_ms > e->now.mono_ms)
            gx_engine_wake(e, g->want_at_ms);
    }
}

/* --- the end of a step ------------------------------------------------------------------------------------------------------------------------ */

void gx_repair_flush(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        struct gx_group *g = e->groups[i];

        gx_announce_flush(e, g);
        if (g->want_at_ms != 0 && e->now.mono_ms >= g->want_at_ms)
            gx_repair_look(e, g);
    }
    gx_compare_flush(e);
}

/* --- how far ------------------------------------------------------------------------------------------------------------------------------------ */

uint64_t gx_repair_left(struct gx_engine *e, struct gx_group *g)
{
    uint64_t left = 0;

    for (uint32_t i = 0; i < g->n_logs; i++) {
        uint32_t most = g->logs[i].row.head_seq;

        for (uint32_t k = 0; k < e->n_sessions; k++) {
            struct gx_channel *c = e->sessions[k]->closed ? NULL : gx_session_channel_of(e->sessions[k], g->row.gnum);

            if (c != NULL && gx_channel_shared(c) && gx_repair_their_seq(c, i) > most && (g->logs[i].row.cls == GX_LOG_CONTROL || can_give(e, g, c, i)))
                most = gx_repair_their_seq(c, i);
        }
        left += most - g->logs[i].row.head_seq;
    }
    return left;
}

static bool channel_idle(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c)
{
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].own && gx_repair_their_seq(c, i) < g->logs[i].row.head_seq && !gx_announce_is_apart(e, g, c, i))
            return false;
    return true;
}

bool gx_repair_idle(struct gx_engine *e)
{
    if (e->n_jobs > 0)
        return false;
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        if (gx_group_joining(g) || g->want_at_ms != 0 || g->asked != 0 || gx_repair_left(e, g) > 0 || gx_chains_left(g) > 0)
            return false;
        if (gx_group_is_member(g) && g->law.now.n_members > 1 && gx_messages_unsent(g) > 0)
            return false;
        for (uint32_t k = 0; k < e->n_sessions; k++) {
            struct gx_channel *c = e->sessions[k]->closed ? NULL : gx_session_channel_of(e->sessions[k], g->row.gnum);

            if (c != NULL && gx_channel_shared(c) && (!c->started || c->sum_due || c->unheard_at_ms != 0 || !channel_idle(e, g, c)))
                return false;
        }
    }
    return true;
}
