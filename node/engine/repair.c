/* What members say to each other once a group is shared: frontiers, wants, chunks.  WIRE §6.1. */
#include "node/engine/commands.h"
#include "node/engine/fetch.h"
#include "node/engine/sealing.h"

#define UNACKED_MAX_MS 60000u
#define OVERDUE_MS 1000u                /* how often is looked whether an answer is overdue */
#define VERIFYING_MS 2000u              /* what is under verification may be what is lacking, and is waited for so long: there may always be some */

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

/* Who keeps no more what lies up to there says so with each acknowledgement to who wrote it: that is not looked for each time.  WIRE §6.34 */
static bool is_base_again(const struct gx_group *g, const struct gx_channel *c, uint32_t first, const struct gx_frontier_entry *entry)
{
    return first != GX_NONE && first < c->n_their && entry->seq > 0 && entry->seq == c->their[first].base_seq && entry->seq < c->their[first].seq &&
           g->logs[first].row.cls == GX_LOG_MESSAGES && entry->seq < g->logs[first].row.head_seq && !gx_group_is_forked(g, first);
}

/* Does the entry name an event of this node's own log, and not one of another branch (of a cloned home, or made up)? */
static bool holds_mine(struct gx_engine *e, struct gx_group *g, const struct gx_frontier_entry *entry)
{
    struct gx_event_id id;

    return entry->seq > g->logs[g->own_messages].row.base_seq && gx_group_event_id(e, g, g->own_messages, entry->seq, &id) && checks(entry->check, &id);
}

/* Of an ended log nothing is asked for that lies behind what is held, so that no answer shows that another branch is meant.  Who names two ends of it has a fork. */
static bool is_ended_and_forked(const struct gx_group *g, uint32_t index, const struct gx_frame *f, size_t n, size_t i)
{
    struct gx_frontier_entry entry = gx_frame_frontier_at(f, i);
    const struct gx_log *log = &g->logs[index];

    if (log->row.cls != GX_LOG_MESSAGES || entry.seq <= log->row.head_seq || !gx_shown_ended(g, log, log->row.head_seq + 1) || gx_group_is_forked(g, index))
        return false;
    for (size_t k = 0; k < n; k++) {
        struct gx_frontier_entry other = gx_frame_frontier_at(f, k);

        if (k != i && memcmp(other.tag.b, entry.tag.b, sizeof entry.tag.b) == 0)
            return true;
    }
    return false;
}

/* Whatever comes in before does not put it off. */
void gx_repair_look_by(struct gx_engine *e, struct gx_group *g, uint64_t at_ms)
{
    if (g->want_at_ms == 0 || at_ms < g->want_at_ms)
        g->want_at_ms = at_ms;
    gx_engine_wake(e, g->want_at_ms);
}

void gx_repair_frontier(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);
    size_t most = f->n < 2u * g->n_logs + 8u ? f->n : 2u * g->n_logs + 8u;      /* more than there can be: each may cost a look into the store */
    bool of_buckets = (f->flags & GX_OF_BUCKETS) != 0;
    uint32_t *asked = of_buckets ? NULL : gx_arena_room(&e->arena, (most + 1) * sizeof *asked);
    uint32_t n_asked = 0;
    size_t n_idle = 0, n_looked = 0, n_acked = 0;   /* entries that acknowledge nothing; events that were looked for because of these, and of all others */
    bool lacking = false;

    if (of_buckets)
        c->ahead = false;
    for (size_t i = 0; i < most; i++) {
        struct gx_frontier_entry entry = gx_frame_frontier_at(f, i);
        uint32_t first = gx_group_log_by_tag(g, &entry.tag);
        bool is_again = is_base_again(g, c, first, &entry);
        uint32_t index = is_again ? first : named_log(e, g, &entry);
        bool is_idle = index == GX_NONE || entry.seq > g->logs[index].row.head_seq || entry.seq <= gx_theirs_seq(c, index);

        n_idle += is_idle;
        *(is_idle ? &n_looked : &n_acked) += is_again ? 0 : gx_group_n_inside(g, &entry.tag, entry.seq);
        if (index == GX_NONE && first != GX_NONE && g->logs[first].row.cls == GX_LOG_MESSAGES) {
            gx_repair_note_forked(e, s, g, &g->logs[first].row.id);
            continue;
        }
        if (index == GX_NONE) {         /* a log, or a branch of one, that my view does not know */
            c->ahead = c->blind = lacking = true;
            continue;
        }

        struct gx_log *log = &g->logs[index];

        if (is_ended_and_forked(g, index, f, most, i)) {
            gx_repair_note_forked(e, s, g, &log->row.id);
            continue;
        }
        gx_theirs_note(e, g, c, index, entry.base_seq, entry.seq);
        lacking |= entry.seq > log->row.head_seq;
        if (asked != NULL && entry.seq <= log->row.head_seq && gx_sign_pk_equal(&log->row.device, &c->device))
            asked[n_asked++] = index;           /* it wrote this, and has not heard that I hold it */
        if (index == g->own_messages && !is_again && holds_mine(e, g, &entry))
            gx_theirs_held(e, g, &c->device, entry.base_seq, entry.seq);
        if (index == g->own_control && g->row.state == GX_GROUP_LEFT && entry.seq >= log->row.head_seq)
            gx_ended_heard(e, g);
    }
    gx_budget_claims(e, s, g, n_idle + f->n - most, n_looked, n_acked);
    if (g->row.state == GX_GROUP_LEFT && !g->left_told)
        (void)gx_announce_unacked(e, s, g, c);
    gx_announce_logs(e, s, g, c, asked, n_asked);
    if (of_buckets)
        gx_compare_answered(e, s, g, c, f);
    if (!lacking)
        return;

    /* An announcement of something live: the author's own push is probably under way. */
    gx_repair_look_by(e, g, e->now.mono_ms + (of_buckets ? 0 : gx_tree_offered(e, g, c)));
}

void gx_repair_start(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool is_asked)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);
    struct gx_fan_out of = gx_announce_fan_out(e, g, GX_FAN_OUT);
    bool picked = gx_announce_picks(&of);

    c->started = true;
    g->n_hearers += gx_tree_started(e, g, c);       /* many may begin in one step */
    c->started_ms = e->now.mono_ms;
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


/* Of all control there is, so much was given as the credit covered.  What comes behind may be of logs that I did not know when I asked, and would not be given
 * to who asks for those it knows. */
static void note_answer(struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    g->asked_frames++;
    if ((f->flags & GX_CHUNKS_LAST) != 0 && g->asked_all && g->asked_frames >= GX_WANT_CHUNKS_MAX)
        c->ahead = true;
}

void gx_repair_chunks(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);
    struct gx_rd rd = gx_rd(f->list);
    bool of_others = false, has_more = false;

    s->live = (f->flags & GX_CHUNKS_PUSH) || c->link_owes;
    s->n_again = 0;
    for (size_t i = 0; i < f->n && !s->closed; i++) {
        struct gx_span bytes = gx_frame_chunk_next(&rd);
        struct gx_chunk chunk;

        if (gx_chunk_decode(&chunk, bytes) == GX_OK) {
            uint32_t log = gx_group_log(g, &chunk.log);

            of_others |= log != GX_NONE && !gx_sign_pk_equal(&g->logs[log].row.device, &c->device);
            if (log != GX_NONE && !gx_theirs_in_doubt(g, c, log))
                gx_theirs_note(e, g, c, log, log < c->n_their ? c->their[log].base_seq : 0, chunk.first_seq + chunk.count - 1u);
        }
        gx_jobs_chunk(e, s, g, bytes);
    }
    s->live = false;
    if ((f->flags & GX_CHUNKS_PUSH) && f->n > 0 && s->n_again == f->n)
        gx_tree_again(e, s, c, of_others);
    else if (f->flags & GX_CHUNKS_PUSH)
        gx_tree_fresh(e, s, c, of_others);
    else if (g->asked == s->id && !g->answered)
        note_answer(g, c, f);
    if (f->flags & GX_CHUNKS_ON)
        gx_fetch_on(e, s, g, c, &f->on);
    if (!(f->flags & GX_CHUNKS_LAST) || gx_fetch_is_ahead(c))
        return;
    c->link_owes = false;
    if (g->asked == s->id && !g->answered)
        g->answered = true;
    for (uint32_t i = 0; i < g->n_logs; i++) {
        struct gx_log *log = &g->logs[i];

        if (log->asked != s->id)
            continue;
        log->asked = 0;
        has_more |= log->asked_seq > log->pend_seq;
        if (log->pend_seq == log->asked_pend)
            gx_theirs_nothing_came(e, g, c, i);
        gx_theirs_haves_answered(e, c, i);
    }
    if (has_more)
        gx_fetch_gave(e, c);
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

static bool lacks_control(const struct gx_engine *e, const struct gx_group *g, const struct gx_channel *c)
{
    if (gx_budget_doubts(e, g, c) != 0)
        return false;
    if (c->ahead && !GX_MUTANT(CONTROL_UNASKED))
        return true;
    for (uint32_t i = 0; c->more && i < g->n_logs && !GX_MUTANT(CONTROL_UNASKED); i++)
        if (g->logs[i].row.cls == GX_LOG_CONTROL && gx_theirs_seq(c, i) > g->logs[i].row.head_seq)
            return true;
    return false;
}

bool gx_repair_lacks_control(const struct gx_engine *e, const struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_channel *c = e->sessions[i]->closed ? NULL : gx_session_channel_of(e->sessions[i], g->row.gnum);

        if (c != NULL && gx_channel_shared(c) && lacks_control(e, g, c))
            return true;
    }
    return false;
}

/* Of logs that it told of where it has more; of all, when it has some that I do not know. */
static bool entry_control(const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    if (g->logs[log].row.cls != GX_LOG_CONTROL)
        return false;
    return c->ahead ? g->logs[log].row.head_seq > 0 : gx_theirs_seq(c, log) > g->logs[log].row.head_seq;
}

/* Up to where both have a log, as far as the other told: a name that it knows if it is on the same branch. */
static void put_common(struct gx_wr *w, struct gx_frame_list *list, const struct gx_group *g, const struct gx_channel *c, uint32_t log)
{
    const struct gx_log_row *row = &g->logs[log].row;
    uint32_t told = gx_theirs_seq(c, log);
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
    g->asked_all = c->ahead;
    g->asked_frames = 0;
    g->answered = false;
    c->ahead = false;               /* what it still knows more of, its next frontier says again */
}

void gx_repair_note_forked(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_log_id *log)
{
    struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);
    uint32_t first = gx_group_next_branch(g, log, 0);

    if (c == NULL || first == GX_NONE)
        return;
    gx_theirs_note(e, g, c, first, first < c->n_their ? c->their[first].base_seq : 0, 0);

    struct gx_doubt *d = gx_group_branches(g, log) >= GX_LOG_BRANCHES_MAX ? NULL : gx_theirs_doubt(e, c, first);

    if (d == NULL)
        return;
    d->forked = c->more = true;
    gx_repair_look_by(e, g, e->now.mono_ms + GX_WANT_DELAY_MS);
}

void gx_repair_note_branch(struct gx_engine *e, struct gx_session *s, struct gx_group *g)
{
    struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);

    if (c == NULL)
        return;
    c->blind = true;
    gx_repair_look_by(e, g, e->now.mono_ms + GX_WANT_DELAY_MS);
}

/* An answer about control brought nothing: what that peer says it has does not keep this node from its messages, nor from asking others.  Its next frontier
 * counts anew, but not at once. */
static void forget_claims(struct gx_engine *e, struct gx_group *g)
{
    struct gx_session *s = gx_session_find(e, g->asked);
    struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);

    gx_engine_drop(e, "claim");
    if (c != NULL)
        gx_theirs_look_at(e, g, gx_budget_claimed(e, g, c));
    for (uint32_t i = 0; c != NULL && i < c->n_their; i++)
        if (g->logs[i].row.cls == GX_LOG_CONTROL && c->their[i].seq > g->logs[i].row.head_seq)
            c->their[i].seq = g->logs[i].row.head_seq;
}

static bool is_verifying(struct gx_engine *e, struct gx_group *g)
{
    if (g->n_jobs > 0 && g->verifying_ms == 0)
        g->verifying_ms = e->now.mono_ms;
    if (g->n_jobs > 0 && e->now.mono_ms < g->verifying_ms + VERIFYING_MS)
        return true;
    g->verifying_ms = 0;
    return false;
}

/* Control first: messages name control heads.  False while an answer is under way. */
static bool look_control(struct gx_engine *e, struct gx_group *g)
{
    if (g->answered && !is_verifying(e, g)) {
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

        if (c == NULL || !gx_channel_shared(c) || !lacks_control(e, g, c))
            continue;
        if (is_verifying(e, g)) {
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
    if (!c->blind || (c->again_ms != 0 && e->now.mono_ms < c->again_ms + GX_DRY_MS))
        return;
    c->blind = false;
    c->again_ms = e->now.mono_ms;
    gx_compare_begin(e, c);
}

static void note_more(const struct gx_group *g, struct gx_channel *c)
{
    c->more = false;
    for (uint32_t i = 0; i < c->n_their && !c->more; i++)
        c->more = gx_theirs_doubt_of(c, i)->forked || c->their[i].seq > g->logs[i].row.head_seq;
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
    gx_fetch_give_up(e, g);
    gx_fetch_look(e, g);
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

void gx_repair_timer(struct gx_engine *e)
{
    channels_timer(e);
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        bool waits = g->asked != 0;

        gx_announce_timer(e, g);
        gx_endpoints_timer(e, g);
        gx_theirs_timer(e, g);
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

            if (c != NULL && gx_channel_shared(c) && gx_theirs_seq(c, i) > most && (g->logs[i].row.cls == GX_LOG_CONTROL || gx_theirs_can_give(e, g, c, i)))
                most = gx_theirs_seq(c, i);
        }
        left += most - g->logs[i].row.head_seq;
    }
    return left;
}

static bool channel_idle(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c)
{
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].own && gx_theirs_seq(c, i) < g->logs[i].row.head_seq && !gx_announce_is_apart(e, g, c, i))
            return false;
    return true;
}

/* What channel c still waits for; NULL: nothing. */
static const char *channel_busy(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c)
{
    if (!gx_channel_shared(c))
        return NULL;
    if (!c->started || c->sum_due || c->unheard_at_ms != 0)
        return "what this node holds is being compared with a peer";
    return channel_idle(e, g, c) ? NULL : "a peer lacks events that this node wrote";
}

static const char *group_busy(struct gx_engine *e, struct gx_group *g)
{
    uint64_t left = gx_repair_left(e, g);
    const char *busy = NULL;

    if (gx_group_joining(g))
        return "nobody let this node in yet";
    if (left > 0)
        return gx_answers_format(e, "%llu events are still coming", (unsigned long long)left);
    if (g->want_at_ms != 0 || g->asked != 0)
        return "a peer was asked for events";
    if (gx_chains_left(g) > 0)
        return gx_answers_format(e, "%llu messages are not opened yet", (unsigned long long)gx_chains_left(g));
    if (gx_group_is_member(g) && g->law.now.n_members > 1 && gx_messages_unsent(g) > 0)
        return gx_answers_format(e, "%llu messages are held by nobody else yet", (unsigned long long)gx_messages_unsent(g));
    for (uint32_t k = 0; k < e->n_sessions && busy == NULL; k++) {
        struct gx_channel *c = e->sessions[k]->closed ? NULL : gx_session_channel_of(e->sessions[k], g->row.gnum);

        busy = c == NULL ? NULL : channel_busy(e, g, c);
    }
    return busy;
}

const char *gx_repair_busy(struct gx_engine *e)
{
    if (e->n_jobs > 0)
        return "events are being verified";
    for (uint32_t i = 0; i < e->n_groups; i++) {
        const char *busy = group_busy(e, e->groups[i]);

        if (busy != NULL)
            return gx_answers_format(e, "%s: %s", gx_group_label(e, e->groups[i]), busy);
    }
    return NULL;
}
