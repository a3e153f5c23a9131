/* Memberships that ended: telling who it was up to the operations that ended them, and nothing else; and hearing it oneself.  WIRE §6.1, LAW §12 */
#include "node/engine/people.h"
#include "node/engine/sealing.h"

bool gx_group_bumped(const struct gx_group *g)
{
    return g->row.state == GX_GROUP_REMOVED && g->has_join;
}

bool gx_group_joining(const struct gx_group *g)
{
    return g->row.state == GX_GROUP_JOINING || gx_group_bumped(g);
}

bool gx_group_answers(const struct gx_group *g)
{
    return gx_group_active(g) || gx_group_asking(g) || ((g->row.state == GX_GROUP_REMOVED || g->row.state == GX_GROUP_LEFT) && g->has_create);
}

static bool has_member(struct gx_engine *e, struct gx_group *in, const struct gx_sign_pk *member)
{
    gx_group_settle(e, in);
    for (uint32_t p = 0; p < in->law.n_persons && e->fault == GX_OK; p++)
        if (gx_sign_pk_equal(&in->law.persons[p].member, member))
            return gx_law_is_member(&in->law, p);
    return false;
}

/* Has it another membership of this node for a member? */
static bool has_another(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (e->groups[i] != g && gx_group_id_equal(&e->groups[i]->row.id, &g->row.id) && has_member(e, g, &e->groups[i]->row.intro.member))
            return true;
    return false;
}

/* Does the other one hold what ended g? */
static bool knows_end(const struct gx_group *other, struct gx_group *g)
{
    uint32_t ops[GX_EVENT_DEPS_MAX], n = g->me == GX_NONE ? 0 : gx_law_ending(&g->law, ops, GX_EVENT_DEPS_MAX, g->me);

    for (uint32_t i = 0; i < n; i++)
        if (gx_group_op(other, &g->law.nodes[ops[i]].op.id) == GX_NONE)
            return false;
    return true;
}

/* Another membership of that group knows that this one, too, is a member: what ended it here counts for nothing, and others wait for it to speak.  Where
 * this one says the same of another, the word counts of who knows what ended it: else that one may only not have heard of it yet. */
static bool is_back(struct gx_engine *e, struct gx_group *g)
{
    bool says_another = has_another(e, g);

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *other = e->groups[i];

        if (other != g && gx_group_id_equal(&other->row.id, &g->row.id) && has_member(e, other, &g->row.intro.member) &&
            (!says_another || knows_end(other, g)))
            return true;
    }
    return false;
}

/* A leave that nobody heard of yet is urgent and soon over; whose membership ended only answers: who was removed may hear that this did not count, when
 * one that was left has nothing more to hear. */
static unsigned urgency(struct gx_engine *e, struct gx_group *g)
{
    bool left = g->row.state == GX_GROUP_LEFT;

    if (!gx_group_answers(g) || g->silent)
        return 0;
    if (gx_group_active(g) && left)
        return 4;
    if (gx_group_active(g) || gx_group_asking(g) || is_back(e, g))
        return 3;
    return left ? 1 : 2;
}

bool gx_group_speaks(struct gx_engine *e, struct gx_group *g)
{
    unsigned mine = urgency(e, g);

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *other = e->groups[i];
        unsigned its = other == g || !gx_group_id_equal(&other->row.id, &g->row.id) ? 0 : urgency(e, other);

        if (its > mine || (its == mine && other->row.gnum > g->row.gnum))
            return false;
    }
    return mine > 0;
}

bool gx_group_is_outdone(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (e->groups[i] != g && gx_group_id_equal(&e->groups[i]->row.id, &g->row.id) && gx_group_active(e->groups[i]) && gx_group_speaks(e, e->groups[i]))
            return true;
    return false;
}

/* Where one of the memberships of a group speaks no more, and another one does, that is proved on the sessions there are, and connects to whom it takes for
 * members. */
static void look_who_speaks(struct gx_engine *e, const struct gx_group_id *id)
{
    struct gx_group *now = NULL;
    bool ceased = false;

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        bool speaks = gx_group_id_equal(&g->row.id, id) && gx_group_speaks(e, g);

        if (!gx_group_id_equal(&g->row.id, id))
            continue;
        ceased = ceased || (g->proved && !speaks);
        now = speaks ? g : now;
        g->proved = g->proved && speaks;
    }
    if (!ceased || now == NULL)
        return;
    gx_targets_reload(e);
    gx_sessions_new_group(e, now);
}

void gx_ended_heard(struct gx_engine *e, struct gx_group *g)
{
    if (g->left_told)
        return;
    g->left_told = true;
    look_who_speaks(e, &g->row.id);
}

/* --- telling ---------------------------------------------------------------------------------------------------------------------------- */

static uint32_t find_ending(struct gx_group *g, uint32_t out[GX_EVENT_DEPS_MAX], const struct gx_channel *c)
{
    uint32_t person = gx_group_person_of_device(g, &c->device);

    return person == GX_NONE ? 0 : gx_law_ending(&g->law, out, GX_EVENT_DEPS_MAX, person);
}

bool gx_ended_tell(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    uint32_t ops[GX_EVENT_DEPS_MAX], n = find_ending(g, ops, c);
    struct gx_wr w = gx_engine_wr(e, 16 + 32u * (size_t)n);
    struct gx_frame_list list;

    if (n == 0 || GX_MUTANT(OUT_UNTOLD))
        return false;
    list = gx_frame_begin_ended(&w, c->number);
    for (uint32_t i = 0; i < n; i++)
        gx_frame_put_id(&w, &list, &g->law.nodes[ops[i]].op.id);
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    c->ended = true;
    c->shown_ops = 0;                   /* what it was shown as a member does not answer what it asks about this */
    if (gx_session_is_for(s, c) && (s->deadline_ms == 0 || !s->is_told))    /* time to ask what it is about */
        gx_session_deadline(e, s, e->now.mono_ms + GX_MEET_MS);
    s->is_told = true;
    return true;
}

void gx_ended_serve(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *heads)
{
    uint32_t ops[GX_EVENT_DEPS_MAX], n = find_ending(g, ops, c);

    gx_serve_past(e, s, g, c, heads, ops, n);
    if (gx_session_is_for(s, c))
        gx_session_close(e, s, GX_BYE_DONE);
}

/* --- hearing ---------------------------------------------------------------------------------------------------------------------------- */

/* The other side says that I am no member, by these operations.  What I lack of them I ask for.  If I know them all and am a member all the same,
 * it is the other side that lacks something: how I came back. */
void gx_ended_take(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    bool all = true;

    for (size_t i = 0; i < f->n; i++) {
        struct gx_event_id id = gx_frame_head_at(f, i);

        all = all && gx_group_op(g, &id) != GX_NONE;
    }
    gx_group_settle(e, g);
    if (f->n == 0 || !gx_greet_trusts(s, g, c)) {
        gx_engine_drop(e, "channel");
    } else if (!all && !c->asked_heads) {
        gx_greet_heads(e, s, g, c);
        c->told = true;
    } else if (all && gx_group_is_member(g) && c->shown_ops != g->law.n_ops) {
        c->shown_ops = g->law.n_ops;
        gx_serve_missing(e, s, g, c, f);
    } else if (all && g->row.state == GX_GROUP_LEFT) {
        gx_ended_heard(e, g);           /* it knows that I left */
    }
}

/* An effective removal of mine: by my own LEAVE, or by others. */
static bool is_gone(const struct gx_group *g, bool by_leave)
{
    for (uint32_t r = g->law.now.standings[g->me].removals; r != GX_LAW_NONE; r = g->law.now.results[r].next)
        if ((g->law.nodes[r].op.kind == GX_OP_LEAVE) == by_leave)
            return true;
    return false;
}

/* The seat is sure: the invitation is not needed any more. */
static void forget_join(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn != NULL)
        gx_engine_ok(e, gx_join_del(txn, g->row.gnum));
    gx_wipe(&g->join, sizeof g->join);
    g->has_join = false;
}

void gx_ended_give_up(struct gx_engine *e, struct gx_group *g)
{
    forget_join(e, g);
    for (uint32_t i = 0; i < e->n_sessions; i++)
        if (e->sessions[i]->kind == GX_SESSION_GUEST && e->sessions[i]->group == g->row.gnum)
            gx_session_close(e, e->sessions[i], GX_BYE_DONE);
}

void gx_ended_reason(struct gx_group *g)
{
    uint32_t seat = g->me == GX_NONE ? GX_LAW_NONE : g->law.persons[g->me].last_admit;

    g->join_deny = seat == GX_LAW_NONE ? GX_DENY_NONE : gx_law_deny((enum gx_law_rule)g->law.now.results[seat].rule);
}

/* Who was bumped keeps the invitation and knocks again: a seat may come free. */
static void bump(struct gx_engine *e, struct gx_group *g)
{
    gx_ended_reason(g);
    g->join_backoff_ms = 0;
    g->join_next_ms = e->now.mono_ms + GX_BACKOFF_FIRST_MS;
    gx_engine_wake(e, g->join_next_ms);
    gx_engine_log(e, "an admission did not last: %s; it is tried again", gx_deny_text(g->join_deny));
}

void gx_ended_check(struct gx_engine *e, struct gx_group *g)
{
    bool member = g->me != GX_NONE && gx_law_is_member(&g->law, g->me);

    if (g->me == GX_NONE || e->config.offline)
        return;
    if ((g->row.state == GX_GROUP_REMOVED || g->row.state == GX_GROUP_LEFT) && member) {
        /* What had ended it does not count, as the LEAVE of who was made the owner meanwhile; or a door let me in again. */
        g->row.state = GX_GROUP_MEMBER;
        g->left_told = false;
        g->dirty = true;
        g->join_deny = GX_DENY_NONE;
        gx_author_endpoint(e, g);
        gx_targets_reload(e);
        gx_sessions_new_group(e, g);
        gx_keys_hurry(e, g);
    } else if (g->row.state == GX_GROUP_MEMBER && !member) {
        bool removed = is_gone(g, false);

        /* A LEAVE that this node does not remember came back to a restored home. */
        g->row.state = !removed && is_gone(g, true) ? GX_GROUP_LEFT : GX_GROUP_REMOVED;
        g->left_told = true;
        g->dirty = true;
        e->doors_dirty = true;
        if (g->has_join && (removed || g->row.state == GX_GROUP_LEFT))
            forget_join(e, g);
        if (g->has_join)
            bump(e, g);
        gx_sessions_group_gone(e, g);
    }
    if (g->has_join && g->row.state == GX_GROUP_MEMBER && gx_law_is_settled(&g->law, gx_law_seat(&g->law, g->me)))
        forget_join(e, g);
    look_who_speaks(e, &g->row.id);
}
