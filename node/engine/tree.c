/* The tree along which live events spread in a large group: whom they are pushed to, and from whom.  WIRE §6.1
 *
 * Of all who share a group a node is linked with a few.  What it takes in live it passes on along its eager links; what comes twice makes the link by which
 * it came later a lazy one, so that a tree is left.  On lazy links events are announced a little later: who lacks one by then asks for it, and the link is
 * eager from then on. */
#include "node/engine/internal.h"

#define LINKS_LEAST 5u              /* a node looks for more until it has so many, */
#define LINKS_MOST 8u               /* and takes no more than these */
#define LOOK_MS 50u                 /* so long after others came or went is looked whether there are enough: many do at once */
#define APART_MS 30000u             /* who would not is not asked again before */
#define TOLD_MS 10000u              /* who goes on as if the link were another is told so again */
#define WORDS_MAX 64u               /* of one peer about its link, */
#define WORDS_MS 10000u             /* in this time; who says more than that */
#define FLOOD_MS 60000u             /* has no link for so long */
#define LIVE_EVENTS_MAX 16u         /* a chunk with more than these is catch-up, however it came, */
#define LIVE_LOGS_MAX 16u           /* and so is an answer of more than these */
#define CAUGHT_UP_MS 5000u          /* what is told so soon after a group became shared is no news */
#define GRAFT_MS 1000u              /* who announced operations and does not give them by then, or within four round trips, is not waited for */
#define SPREAD_MS 150u              /* who asks first spares the others that are as far as it: it pushes on */

/* --- links ------------------------------------------------------------------------------------------------------------------------------ */

struct view {
    uint32_t hearers, links, eager;
};

static struct gx_channel *channel_at(struct gx_engine *e, const struct gx_group *g, uint32_t session)
{
    struct gx_session *s = e->sessions[session];
    struct gx_channel *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);

    return gx_announce_hears(c) ? c : NULL;
}

/* Each device is one, on the session that began last: one that opens many makes no group large, and has one link. */
static struct gx_channel *hearer(struct gx_engine *e, const struct gx_group *g, uint32_t session)
{
    struct gx_channel *c = channel_at(e, g, session);

    return c == NULL || c->is_double ? NULL : c;
}

static struct view view_of(struct gx_engine *e, const struct gx_group *g)
{
    struct view v = {.links = 0};

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_channel *c = hearer(e, g, i);

        v.hearers += c != NULL;
        v.links += c != NULL && c->link != GX_LINK_APART;
        v.eager += c != NULL && c->link == GX_LINK_EAGER;
    }
    return v;
}

static bool is_large(const struct view *v)
{
    return v->hearers > GX_FAN_OUT;
}

/* Says what the link is from now on. */
static void set(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, enum gx_link link)
{
    struct gx_wr w = gx_engine_wr(e, 4);

    c->link = link;
    gx_frame_write_link(&w, c->number, link);
    gx_engine_send(e, s, &w);
}

static void look_soon(struct gx_engine *e, struct gx_group *g, uint32_t after_ms)
{
    uint64_t at_ms = e->now.mono_ms + after_ms;

    if (g->tree_at_ms == 0 || at_ms < g->tree_at_ms)
        g->tree_at_ms = at_ms;
    gx_engine_wake(e, g->tree_at_ms);
}

typedef bool choose_fn(const struct gx_engine *e, const struct gx_channel *c);

static bool is_lazy(const struct gx_engine *e, const struct gx_channel *c)
{
    (void)e;
    return c->link == GX_LINK_LAZY;
}

static bool is_lazy_of_theirs(const struct gx_engine *e, const struct gx_channel *c)
{
    return is_lazy(e, c) && !c->link_mine;
}

static bool is_free(const struct gx_engine *e, const struct gx_channel *c)
{
    return c->link == GX_LINK_APART && e->now.mono_ms >= c->link_after_ms;
}

/* One of those of whom that is so, each with the same chance; NULL: there is none. */
static struct gx_session *choose(struct gx_engine *e, struct gx_group *g, choose_fn *may)
{
    struct gx_session *chosen = NULL;
    uint32_t n = 0, r = 0;

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_channel *c = hearer(e, g, i);

        n += c != NULL && may(e, c);
    }
    if (n == 0)
        return NULL;
    gx_rng_fill(e->config.rng, &r, sizeof r);
    r %= n;
    for (uint32_t i = 0; i < e->n_sessions && chosen == NULL; i++) {
        const struct gx_channel *c = hearer(e, g, i);

        if (c != NULL && may(e, c) && r-- == 0)
            chosen = e->sessions[i];
    }
    return chosen;
}

/* Room for one more link, if need be at the price of a lazy one: of one that the other side asked for, so that those whom this node chose by chance stay,
 * however many ask. */
static bool make_room(struct gx_engine *e, struct gx_group *g, bool at_a_price)
{
    struct gx_session *s = NULL;

    if (view_of(e, g).links < LINKS_MOST)
        return true;
    s = at_a_price ? choose(e, g, is_lazy_of_theirs) : NULL;
    if (s == NULL)
        return false;
    set(e, s, gx_session_channel_of(s, g->row.gnum), GX_LINK_APART);
    return true;
}

/* An eager link is gone: what came by it may come by another at once, and not when it is announced. */
static void lost_eager(struct gx_engine *e, struct gx_group *g)
{
    struct gx_session *s = choose(e, g, is_lazy);

    if (s != NULL)
        set(e, s, gx_session_channel_of(s, g->row.gnum), GX_LINK_EAGER);
}

/* When somebody who would not be linked may be asked again; 0: there is nobody. */
static uint64_t refused_until_ms(struct gx_engine *e, const struct gx_group *g)
{
    uint64_t until_ms = 0;

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_channel *c = hearer(e, g, i);

        if (c != NULL && c->link == GX_LINK_APART && c->link_after_ms > e->now.mono_ms && (until_ms == 0 || c->link_after_ms < until_ms))
            until_ms = c->link_after_ms;
    }
    return until_ms;
}

/* In a group that has more members than the few among whom all push to all, a node that is connected with few of them may hear only through these. */
static void look(struct gx_engine *e, struct gx_group *g)
{
    struct view v = view_of(e, g);
    bool large = is_large(&v);

    if (large && v.eager == 0)
        lost_eager(e, g);
    for (; v.links < LINKS_LEAST && (large || g->law.now.n_members > GX_FAN_OUT + 1); v.links++) {
        struct gx_session *s = choose(e, g, is_free);
        struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);

        if (c == NULL) {
            uint64_t until_ms = refused_until_ms(e, g);

            if (until_ms != 0)
                look_soon(e, g, (uint32_t)(until_ms - e->now.mono_ms));
            break;
        }
        c->link_mine = true;
        set(e, s, c, large ? GX_LINK_EAGER : GX_LINK_LAZY);
    }
}

void gx_tree_timer(struct gx_engine *e, struct gx_group *g)
{
    if (g->tree_at_ms != 0 && e->now.mono_ms >= g->tree_at_ms) {
        g->tree_at_ms = 0;
        if (gx_group_is_member(g))
            look(e, g);
    }
    if (g->tree_at_ms != 0)
        gx_engine_wake(e, g->tree_at_ms);
}

/* Another channel with the device of c. */
static struct gx_session *other_of(struct gx_engine *e, const struct gx_group *g, const struct gx_channel *c, bool is_double)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_channel *other = channel_at(e, g, i);

        if (other != NULL && other != c && other->is_double == is_double && gx_sign_pk_equal(&other->device, &c->device))
            return e->sessions[i];
    }
    return NULL;
}

static void end_link(struct gx_engine *e, struct gx_group *g, struct gx_channel *c)
{
    enum gx_link was = c->link;

    c->link = GX_LINK_APART;
    if (was == GX_LINK_EAGER)
        lost_eager(e, g);
    if (was != GX_LINK_APART)
        look_soon(e, g, LOOK_MS);
}

bool gx_tree_started(struct gx_engine *e, struct gx_group *g, struct gx_channel *c)
{
    struct gx_session *before = other_of(e, g, c, false);

    c->is_double = false;
    if (before != NULL) {
        struct gx_channel *of = gx_session_channel_of(before, g->row.gnum);

        of->is_double = true;
        if (of->link != GX_LINK_APART) {
            end_link(e, g, of);
            set(e, before, of, GX_LINK_APART);
        }
    }
    look_soon(e, g, LOOK_MS);
    return before == NULL;
}

void gx_tree_gone(struct gx_engine *e, struct gx_group *g, struct gx_channel *c)
{
    struct gx_session *left = c->started && !c->is_double ? other_of(e, g, c, true) : NULL;

    if (left != NULL)
        gx_session_channel_of(left, g->row.gnum)->is_double = false;
    c->started = false;
    end_link(e, g, c);
}

/* --- what the other says of it ------------------------------------------------------------------------------------------------------------- */

/* Each word may cost a look at all sessions, and an eager link costs all that is said. */
static bool is_heeded(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    enum gx_link was = c->link;

    if (e->now.mono_ms < c->link_shut_ms) {
        gx_engine_drop(e, "link_flood");
        return false;
    }
    if (e->now.mono_ms >= c->link_words_ms + WORDS_MS) {
        c->link_words_ms = e->now.mono_ms;
        c->link_words = 0;
    }
    if (++c->link_words <= WORDS_MAX)
        return true;
    gx_engine_drop(e, "link_flood");
    c->link_shut_ms = c->link_after_ms = e->now.mono_ms + FLOOD_MS;
    set(e, s, c, GX_LINK_APART);
    if (was == GX_LINK_EAGER)
        lost_eager(e, g);
    look_soon(e, g, LOOK_MS);
    return false;
}

void gx_tree_take(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    enum gx_link said = (enum gx_link)f->flags, was = c->link;

    if (!is_heeded(e, s, g, c))
        return;
    if (was == GX_LINK_APART && said != GX_LINK_APART) {
        if (c->is_double || !make_room(e, g, said == GX_LINK_EAGER)) {
            set(e, s, c, GX_LINK_APART);
            return;
        }
        c->link_mine = false;
    }
    c->link = said;
    if (said == GX_LINK_APART)
        c->link_after_ms = e->now.mono_ms + APART_MS;
    if (was == GX_LINK_EAGER && said == GX_LINK_APART)
        lost_eager(e, g);
    if (said != GX_LINK_EAGER)
        look_soon(e, g, LOOK_MS);        /* perhaps it was the last eager one, or there are too few now */
}

/* --- live chunks --------------------------------------------------------------------------------------------------------------------------- */

void gx_tree_fresh(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool of_others)
{
    c->link_offers = c->link_offers || c->link != GX_LINK_APART;
    if (c->link == GX_LINK_LAZY && of_others)
        set(e, s, c, GX_LINK_EAGER);        /* it passes on to this node: its word and mine crossed.  What it wrote itself it may push to all */
}

void gx_tree_again(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool of_others)
{
    bool told = c->link_told_ms != 0 && e->now.mono_ms < c->link_told_ms + TOLD_MS;

    gx_engine_drop(e, "pushed_again");
    if (GX_MUTANT(PUSH_TWICE) || (c->link != GX_LINK_EAGER && (told || !of_others)))
        return;
    c->link_told_ms = e->now.mono_ms;
    set(e, s, c, c->link == GX_LINK_APART ? GX_LINK_APART : GX_LINK_LAZY);
}

uint32_t gx_tree_offered(struct gx_engine *e, const struct gx_group *g, struct gx_channel *c)
{
    uint32_t r = 0;

    if ((c->link == GX_LINK_APART && g->n_hearers <= GX_FAN_OUT) || e->now.mono_ms < c->started_ms + CAUGHT_UP_MS)
        return GX_WANT_DELAY_MS;
    c->link_offers = true;
    gx_rng_fill(e->config.rng, &r, sizeof r);
    return GX_WANT_DELAY_MS + r % SPREAD_MS;
}

void gx_tree_asked(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    uint64_t until_ms = e->now.mono_ms + (4 * s->rtt_ms > GRAFT_MS ? 4 * s->rtt_ms : GRAFT_MS);

    uint32_t n = 0;

    c->link_owes = false;               /* what it owed before was not given, or is not waited for */
    if (!c->link_offers)
        return;
    c->link_offers = false;
    for (uint32_t i = 0; i < g->n_logs; i++)
        n += g->logs[i].asked == s->id;
    if (n > LIVE_LOGS_MAX)
        return;
    c->link_owes = true;
    if (g->asked == s->id && until_ms < g->asked_until_ms)
        g->asked_until_ms = until_ms;
    if (GX_MUTANT(GRAFT_NEVER) || c->link == GX_LINK_EAGER || c->is_double || e->now.mono_ms < c->link_shut_ms)
        return;
    if (c->link == GX_LINK_APART && !make_room(e, g, true))
        return;
    set(e, s, c, GX_LINK_EAGER);
}

/* --- passing on ------------------------------------------------------------------------------------------------------------------------------ */

void gx_tree_note(struct gx_engine *e, struct gx_group *g, const struct gx_job *job)
{
    struct gx_session *s = job->live ? gx_session_find(e, job->session) : NULL;
    const struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);
    uint32_t op = job->kind == GX_JOB_CONTROL ? gx_group_op(g, &job->event.id) : GX_NONE;
    uint32_t at = job->kind == GX_JOB_CONTROL ? op == GX_NONE ? GX_NONE : g->ops[op].log : job->log;

    if (c == NULL || at == GX_NONE || (job->kind == GX_JOB_MESSAGES && job->chunk.count > LIVE_EVENTS_MAX))
        return;

    struct gx_log *log = &g->logs[at];

    log->live_of = s->id;
    log->live_of_author = gx_sign_pk_equal(&log->row.device, &c->device);
    if (op != GX_NONE) {
        g->ops[op].live_of = s->id;
        g->live_ops = g->live_ops == 0 ? op + 1 : g->live_ops;
    } else if (log->live_from == 0) {
        log->live_from = job->chunk.first_seq;
    }
}

/* Whom it is pushed on to. */
struct eager {
    struct gx_session *s[LINKS_MOST];
    struct gx_channel *c[LINKS_MOST];
    uint32_t n;
};

static struct eager eager_of(struct gx_engine *e, struct gx_group *g)
{
    struct eager to = {.n = 0};

    for (uint32_t i = 0; i < e->n_sessions && to.n < LINKS_MOST; i++) {
        struct gx_channel *c = hearer(e, g, i);

        if (c == NULL || c->link != GX_LINK_EAGER || (g->members_changed && !gx_group_live(g, &c->device)))
            continue;
        to.s[to.n] = e->sessions[i];
        to.c[to.n++] = c;
    }
    return to;
}

/* A log's events from `from` on, or an operation, up to seq; `of` gave them. */
static void pass_on(struct gx_engine *e, struct gx_group *g, const struct eager *to, uint32_t log, uint32_t from, uint32_t op, uint32_t seq, gx_session_id of)
{
    struct gx_push push = {.n = 0};
    bool made = false;

    for (uint32_t i = 0; i < to->n && e->fault == GX_OK; i++) {
        if (to->s[i]->id == of || gx_theirs_seq(to->c[i], log) >= seq)
            continue;
        if (!made)
            gx_serve_push_live(e, g, log, from, op, &push);
        made = true;
        gx_serve_push(e, to->s[i], to->c[i], &push);
    }
}

void gx_tree_flush(struct gx_engine *e, struct gx_group *g)
{
    struct eager to = {.n = 0};
    bool live = g->live_ops != 0;

    for (uint32_t k = 0; k < g->n_touched && !live; k++)
        live = g->logs[g->touched[k]].live_from != 0;
    if (!live)
        return;
    to = eager_of(e, g);
    /* Operations in the order in which they came, and before messages that may name them. */
    for (uint32_t op = g->live_ops == 0 ? g->law.n_ops : g->live_ops - 1; op < g->law.n_ops; op++) {
        if (g->ops[op].live_of != 0)
            pass_on(e, g, &to, g->ops[op].log, 0, op, g->ops[op].seq, g->ops[op].live_of);
        g->ops[op].live_of = 0;
    }
    g->live_ops = 0;
    for (uint32_t k = 0; k < g->n_touched; k++) {
        struct gx_log *log = &g->logs[g->touched[k]];

        if (log->live_from != 0)
            pass_on(e, g, &to, g->touched[k], log->live_from, GX_NONE, log->row.head_seq, log->live_of);
        log->live_from = 0;
    }
}
