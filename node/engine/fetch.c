/* Asking peers for messages: who is asked for which logs, ahead of the answer, and in the place of who is slow.  WIRE §6.1, §6.10 */
#include "node/engine/fetch.h"

#define SLOW_MS 1000u                   /* of what has not come after this another is asked, who has nothing else to give */
#define CRAWL_BYTES 32768u              /* nor of who gave less than this in each such time, or in an answer behind which it has more */

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

/* --- how much it gives ---------------------------------------------------------------------------------------------------------------- */

static void note_question(struct gx_engine *e, struct gx_channel *c, uint8_t n, uint64_t pending)
{
    c->n_asked = n;
    c->asked_until_ms = e->now.mono_ms + GX_WANT_MS;
    c->asked_pend = pending;
    if (n == 1 || e->now.mono_ms >= c->given_since_ms + SLOW_MS) {      /* else it would be asked ahead before it was seen how much it gives */
        c->given_since_ms = e->now.mono_ms;
        c->n_given = 0;
    }
    gx_engine_wake(e, c->asked_until_ms);
}

void gx_fetch_given(struct gx_session *s, const struct gx_group *g, const struct gx_log *log, size_t n_bytes)
{
    struct gx_channel *c = log->asked == s->id ? gx_session_channel_of(s, g->row.gnum) : NULL;

    if (c != NULL)
        c->n_given += n_bytes;
}

static void note_crawls(struct gx_engine *e, struct gx_channel *c)
{
    gx_engine_drop(e, "crawl");
    c->crawls_until_ms = e->now.mono_ms + GX_DRY_MS;
}

void gx_fetch_gave(struct gx_engine *e, struct gx_channel *c)
{
    if (c->n_given < CRAWL_BYTES)
        note_crawls(e, c);
}

static bool crawls(const struct gx_engine *e, const struct gx_channel *c)
{
    return e->now.mono_ms < c->crawls_until_ms;
}

/* Does its answer come in so slowly that somebody else had better give the rest? */
static bool is_crawling(const struct gx_engine *e, const struct gx_channel *c)
{
    uint64_t ms = e->now.mono_ms - c->given_since_ms;

    return c->n_asked > 0 && ms >= SLOW_MS && c->n_given < CRAWL_BYTES * (ms / SLOW_MS);
}

/* --- asking ahead ------------------------------------------------------------------------------------------------------------------------ */

/* An answer that its credit does not cover has begun, and says where it will end: what follows is asked for now, so that the peer reads it while the
 * answer is taken in here.  One that says so and gave nothing since it was asked is not believed again. */
void gx_fetch_on(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_want_entry *on)
{
    uint32_t at = gx_group_log_by_tag(g, &on->tag);
    uint64_t pending = pending_of_asked(g, s);

    if (at == GX_NONE || g->logs[at].asked != s->id || c->n_asked != 1 || pending == c->asked_pend || is_crawling(e, c) || gx_theirs_in_doubt(g, c, at) ||
        g->asked != 0 || !gx_group_is_member(g) || gx_shown_ended(g, &g->logs[at], on->from_seq))
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
    note_question(e, c, 2, pending);
}

/* The question that was asked ahead is still open. */
bool gx_fetch_is_ahead(struct gx_channel *c)
{
    bool two = c->n_asked > 1;

    c->n_asked = two;
    return two;
}

/* --- asking ---------------------------------------------------------------------------------------------------------------------------- */

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

/* Ask session s for the branches it has and I lack. */
static bool ask_branches(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    for (uint32_t i = 0; i < g->n_logs && i < c->n_their; i++) {
        struct gx_log *log = &g->logs[i];
        struct gx_doubt *d = gx_theirs_doubt_of(c, i)->forked ? gx_theirs_doubt(e, c, i) : NULL;

        if (d == NULL || e->now.mono_ms < d->haves_until_ms || log->asked != 0)
            continue;

        struct gx_wr w = gx_engine_wr(e, 16 + 64 * sizeof(struct gx_want_entry));
        struct gx_frame_list list = gx_frame_begin_want(&w, c->number, GX_WANT_MESSAGES, GX_WANT_CHUNKS_MAX);

        put_haves(e, &w, &list, g, i, c->their[i].base_seq + 1);
        gx_frame_end(&w, &list);
        gx_engine_send(e, s, &w);
        d->forked = false;
        d->asked_haves = true;
        d->haves_until_ms = e->now.mono_ms + (d->dry_ms > GX_DRY_MS ? d->dry_ms : GX_DRY_MS);
        log->asked = s->id;
        log->asked_until_ms = e->now.mono_ms + GX_WANT_MS;
        log->asked_pend = log->pend_seq;
        log->asked_seq = 0;
        note_question(e, c, 1, pending_of_asked(g, s));
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

    gx_theirs_haves_answered(e, to->c, at);
    log->asked = to->s->id;
    log->asked_until_ms = e->now.mono_ms + GX_WANT_MS;
    log->asked_pend = log->pend_seq;
    log->asked_seq = gx_theirs_seq(to->c, at);
    to->n++;
    to->events += gx_theirs_seq(to->c, at) - log->pend_seq;
}

/* Who is the better one to ask: who does not crawl, then who has least to give so far. */
static bool is_better(const struct gx_engine *e, const struct asking *a, const struct asking *b)
{
    return b == NULL || (crawls(e, a->c) != crawls(e, b->c) ? crawls(e, b->c) : a->events < b->events);
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
            if (list[k].n < GX_FRONTIER_ENTRIES_MAX && is_better(e, &list[k], to) && gx_theirs_can_give(e, g, list[k].c, i))
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

/* Nothing came of it since its question went out, which is a while ago, or little of all that was asked for there, and `to` is not known to give as little.
 * Who was asked for a branch is left to look for it. */
static bool is_slow(struct gx_engine *e, const struct gx_group *g, uint32_t at, const struct gx_channel *to)
{
    const struct gx_log *log = &g->logs[at];
    const struct gx_channel *c = channel_asked(e, g, log);

    if (c == NULL || log->row.cls != GX_LOG_MESSAGES || gx_theirs_doubt_of(c, at)->asked_haves)
        return false;
    return (log->asked_pend == log->pend_seq && e->now.mono_ms + GX_WANT_MS >= log->asked_until_ms + SLOW_MS) || (is_crawling(e, c) && !crawls(e, to));
}

/* Who has nothing to give takes half of what others have not come to, the last of it first: so the slowest does not set the pace. */
static void take_over(struct gx_engine *e, struct gx_group *g, struct asking *to)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < g->n_logs; i++)
        n += is_slow(e, g, i, to->c) && gx_theirs_can_give(e, g, to->c, i);
    n = (n + 1) / 2;
    for (uint32_t i = g->n_logs; i-- > 0 && to->n < n && to->n < GX_FRONTIER_ENTRIES_MAX;) {
        if (!is_slow(e, g, i, to->c) || !gx_theirs_can_give(e, g, to->c, i))
            continue;

        struct gx_channel *c = channel_asked(e, g, &g->logs[i]);
        struct gx_doubt *d = gx_theirs_doubt(e, c, i);

        if (d != NULL)
            gx_theirs_dry(e, g, d, &g->logs[i]);
        if (is_crawling(e, c))
            note_crawls(e, c);
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
    note_question(e, to->c, 1, pending_of_asked(g, to->s));
    gx_tree_asked(e, to->s, g, to->c);
}

void gx_fetch_look(struct gx_engine *e, struct gx_group *g)
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

/* What was asked for and not answered in time is asked of others first. */
void gx_fetch_give_up(struct gx_engine *e, struct gx_group *g)
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

        struct gx_doubt *d = c == NULL ? NULL : gx_theirs_doubt(e, c, i);

        if (d != NULL)
            gx_theirs_dry(e, g, d, log);
    }
}
