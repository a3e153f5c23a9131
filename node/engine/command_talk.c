#include "node/engine/commands.h"
#include "node/engine/people.h"
#include "node/engine/reader.h"
#include "proto/utf8.h"

#define LIMIT_DEFAULT 50u
#define ROWS_MAX 100000u                            /* rows of one answer; `more` tells that there are more */
#define TEXT_MAX (64u * 1024u * 1024u)              /* and their texts together */
#define BACKWARD 32u                                /* events read at once */

/* --- send ---------------------------------------------------------------------------------------------------------------------------- */

/* The event that arrived as number `reply`, if it is a message of this group. */
static bool read_reply(struct gx_answer_builder *b, struct gx_group *g, struct gx_body_text *text, uint64_t reply)
{
    struct gx_txn *txn = gx_engine_txn(b->e, false);
    uint32_t lnum = 0, seq = 0, i = 0;
    struct gx_event ev;

    if (txn == NULL)
        return false;

    enum gx_err err = gx_events_at(txn, &lnum, &seq, reply);

    while (err == GX_OK && i < g->n_logs && g->logs[i].row.lnum != lnum)
        i++;
    if (err == GX_OK && (i == g->n_logs || g->logs[i].row.cls != GX_LOG_MESSAGES))
        err = GX_E_ABSENT;
    if (err == GX_OK)
        err = gx_events_get(txn, &ev, &g->logs[i].row, &g->row.id, seq);
    if (err == GX_E_ABSENT)
        gx_answers_refuse(b, err, "see the first column of `guanxi read`", "there is no message %llu in this group", (unsigned long long)reply);
    if (!gx_engine_ok(b->e, err))
        return false;
    text->has_reply = true;
    text->reply = ev.id;
    return true;
}

static bool read_text(struct gx_answer_builder *b, struct gx_body_text *out, const char *text)
{
    out->text = gx_span(text, strlen(text));
    out->wall_ms = gx_author_minute(b->e->now);     /* no finer: who is in two groups could tell by it that two members are one person */
    if (out->text.n == 0)
        gx_answers_refuse(b, GX_E_USAGE, NULL, "the message is empty");
    else if (out->text.n > GX_TEXT_BYTES_MAX)
        gx_answers_refuse(b, GX_E_USAGE, "send it in parts", "a message has %u bytes at most, this one %zu", GX_TEXT_BYTES_MAX, out->text.n);
    else if (!gx_utf8_ok(out->text))
        gx_answers_refuse(b, GX_E_USAGE, NULL, "the message is not UTF-8");
    else
        return true;
    return false;
}

static bool read_wait(struct gx_answer_builder *b, const struct gx_command *cmd)
{
    bool known = cmd->wait == NULL || strcmp(cmd->wait, "sent") == 0 || strcmp(cmd->wait, "delivered") == 0;

    if (!known)
        gx_answers_refuse(b, GX_E_USAGE, "sent: another device holds it; delivered: all do", "a message is not waited for until it is \"%s\"", cmd->wait);
    else if (cmd->wait == NULL && gx_command_has(cmd, GX_PARAM_TIMEOUT_MS))
        gx_answers_refuse(b, GX_E_USAGE, "say until when: sent or delivered", "there is nothing to wait for");
    else
        return true;
    return false;
}

bool gx_send_answer(struct gx_engine *e, const struct gx_waiter *w)
{
    struct gx_group *g = gx_group_by_gnum(e, w->group);
    bool late = w->until_ms != 0 && e->now.mono_ms >= w->until_ms;
    struct gx_answer_builder b;
    uint32_t by = 0, of = 0;

    gx_answers_begin(&b, e, w->client, w->request);
    /* Nothing is told to a group that one is out of, and a log of another life goes on from here as others hold it. */
    if (g == NULL || !gx_group_is_member(g) || g->own_messages == GX_NONE || g->logs[g->own_messages].row.lnum != w->lnum) {
        gx_answers_no(&b, "not_told", "guanxi read shows what became of it", "it is not known any more who holds the message");
        return true;
    }
    gx_messages_held(g, w->seq, &by, &of);
    if (!late && (by == 0 || (w->delivered && by < of)))
        return false;
    gx_messages_put_state(&b, g, &w->event, w->arrival, w->seq);
    if (by == 0 || (w->delivered && by < of)) {
        gx_answers_timeout(&b, "it is kept, and goes out when somebody who can carry it is online", "%u of %u hold the message", by, of);
    } else {
        gx_messages_keep_held(e);
        gx_answers_send(&b);
    }
    return true;
}

void gx_command_send(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_body body = {.type = GX_EV_TEXT};
    struct gx_answer_builder b;
    struct gx_event_id id = {{0}};
    struct gx_waiter *w = NULL;
    uint32_t seq = 0;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (!read_wait(&b, cmd))
        return;
    if (g->silent) {
        gx_answers_no(&b, "not_in_touch", "guanxi contact unblock, or contact add, takes that back", "you have blocked or removed %s, and they do not hear you",
                      gx_group_label(e, g));
        return;
    }
    if (!gx_member_or_deny(&b, g) || !read_text(&b, &body.u.text, cmd->text))
        return;
    if (gx_command_has(cmd, GX_PARAM_REPLY) && !read_reply(&b, g, &body.u.text, cmd->reply))
        return;

    if (cmd->wait != NULL && (w = gx_waiter_new(e, GX_WAIT_SEND, client, cmd->request)) == NULL)
        return;                 /* and nothing was written */

    enum gx_err err = gx_author_write(e, g, &body, &id, &seq);

    if (err != GX_OK || e->fault != GX_OK) {
        e->n_waiters -= w != NULL;
        gx_write_refuse(&b, err);
        return;
    }

    const struct gx_log_row *row = &g->logs[g->own_messages].row;

    if (w == NULL) {
        gx_messages_put_state(&b, g, &id, row->head_arrival, seq);      /* queued: nobody can hold what was written now */
        gx_answers_send(&b);
        return;
    }
    w->group = g->row.gnum;
    w->event = id;
    w->lnum = row->lnum;
    w->seq = seq;
    w->arrival = row->head_arrival;
    w->delivered = strcmp(cmd->wait, "delivered") == 0;
    gx_waiter_timeout(e, w, gx_command_has(cmd, GX_PARAM_TIMEOUT_MS) ? cmd->timeout_ms : GX_WAIT_DEFAULT_MS);
}

/* --- read: choosing rows -------------------------------------------------------------------------------------------------------------- */

struct selection {
    struct gx_reader reader;
    struct gx_group *g;             /* NULL: all */
    bool unread;
    struct gx_reader_row *rows;
    size_t n, cap;
    size_t text_bytes;
    bool more;
};

static bool room(struct selection *s)
{
    if (s->n < s->cap && s->text_bytes < TEXT_MAX)
        return true;
    s->more = true;
    return false;
}

static void take(struct selection *s, struct gx_reader_log *l, uint32_t seq, uint64_t arrival, const struct gx_message *m)
{
    if (m->text == NULL || !(l->log->own || gx_message_shown(l->g, l->log, seq)))
        return;
    s->text_bytes += strlen(m->text);
    s->rows[s->n++] = (struct gx_reader_row){.l = l, .seq = seq, .arrival = arrival, .m = m};
}

static uint32_t stop_of(const struct selection *s, const struct gx_reader_log *l)
{
    const struct gx_log_row *row = &l->log->row;

    return s->unread && row->read_seq > row->base_seq ? row->read_seq : row->base_seq;
}

static bool wanted(const struct selection *s, const struct gx_reader_log *l)
{
    return l->shown && !(s->unread && l->log->own);
}

/* Events that may be chosen at all. */
static uint64_t candidates(const struct selection *s)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < s->reader.n; i++)
        if (wanted(s, &s->reader.logs[i]))
            n += s->reader.logs[i].log->row.head_seq - stop_of(s, &s->reader.logs[i]);
    return n;
}

static const struct gx_message *at_cursor(struct selection *s, struct gx_reader_log *l)
{
    uint32_t left = l->cursor - l->stop;

    return gx_reader_get(&s->reader, l, l->cursor, l->cursor - (left < BACKWARD ? left : BACKWARD) + 1, l->cursor);
}

/* Is the newest of x shown behind the newest of y?  By (tick, log id): the order in which every node shows them. */
static bool is_newer(const struct gx_reader_log *x, const struct gx_reader_log *y)
{
    if (x->tick != y->tick)
        return x->tick > y->tick;
    return memcmp(x->log->row.id.b, y->log->row.id.b, sizeof x->log->row.id.b) > 0;
}

/* One further back.  Of heads the tick is known without reading; what cannot be read stands with the event behind it. */
static void step_back(struct selection *s, struct gx_reader_log *l)
{
    if (--l->cursor == l->stop)
        return;

    const struct gx_message *m = at_cursor(s, l);

    if (m != NULL && m->text != NULL)
        l->tick = m->tick;
}

static struct gx_reader_log *newest(const struct gx_reader *r)
{
    struct gx_reader_log *best = NULL;

    for (uint32_t i = 0; i < r->n; i++)
        if (r->logs[i].cursor > r->logs[i].stop && (best == NULL || is_newer(&r->logs[i], best)))
            best = &r->logs[i];
    return best;
}

/* The newest messages of one group, newest first: a merge of its logs from their ends. */
static void select_newest(struct selection *s)
{
    struct gx_reader *r = &s->reader;

    for (uint32_t i = 0; i < r->n; i++) {
        struct gx_reader_log *l = &r->logs[i];

        l->stop = stop_of(s, l);
        l->cursor = wanted(s, l) ? l->log->row.head_seq : l->stop;
        l->tick = l->log->row.head_tick;
    }
    for (struct gx_reader_log *l = newest(r); l != NULL && room(s); l = newest(r)) {
        const struct gx_message *m = at_cursor(s, l);
        struct gx_txn *txn = gx_engine_txn(r->e, false);
        uint64_t arrival = 0;

        if (m == NULL || txn == NULL || !gx_engine_ok(r->e, gx_events_arrival(txn, &arrival, &l->log->row, l->cursor)))
            return;
        take(s, l, l->cursor, arrival, m);
        step_back(s, l);
    }
}

/* What arrived as number `arrival`, when it is a message to be shown. */
static struct gx_reader_log *wanted_at(struct selection *s, uint32_t *seq, uint64_t arrival)
{
    struct gx_txn *txn = gx_engine_txn(s->reader.e, false);
    uint32_t lnum = 0;

    if (txn == NULL || !gx_engine_ok(s->reader.e, gx_events_at(txn, &lnum, seq, arrival)))
        return NULL;

    struct gx_reader_log *l = gx_reader_find(&s->reader, lnum);

    return l != NULL && wanted(s, l) && *seq > stop_of(s, l) ? l : NULL;
}

static void select_since(struct selection *s, uint64_t first, uint64_t end)
{
    for (uint64_t arrival = first; arrival < end && s->reader.e->fault == GX_OK; arrival++) {
        uint32_t seq = 0;
        struct gx_reader_log *l = wanted_at(s, &seq, arrival);

        if (l == NULL)
            continue;
        if (!room(s))
            return;

        const struct gx_message *m = gx_reader_forward(&s->reader, l, seq);

        if (m != NULL)
            take(s, l, seq, arrival, m);
    }
}

/* Where the last `want` messages of all groups begin. */
static uint64_t first_of_last(struct selection *s, uint64_t end, uint64_t want)
{
    uint64_t left = candidates(s), arrival = end;

    s->more = left > want;
    want = left < want ? left : want;
    while (want > 0 && arrival > 1 && s->reader.e->fault == GX_OK) {
        uint32_t seq = 0;

        want -= wanted_at(s, &seq, --arrival) != NULL;
    }
    return arrival;
}

static void reverse(struct selection *s)
{
    for (size_t i = 0, k = s->n; i + 1 < k; i++) {
        struct gx_reader_row swap = s->rows[i];

        s->rows[i] = s->rows[--k];
        s->rows[k] = swap;
    }
}

/* Unread messages, and those since a number, are taken from the oldest on, so that a limit skips none; else the newest are meant. */
static bool choose(struct selection *s, struct gx_engine *e, const struct gx_command *cmd, uint64_t want)
{
    bool since = gx_command_has(cmd, GX_PARAM_SINCE);
    bool oldest = s->unread && s->g != NULL && !since;      /* all are chosen and the newest then left out */
    struct gx_store_info info = {0};
    struct gx_txn *txn = gx_engine_txn(e, false);

    if (txn == NULL || !gx_reader_begin(&s->reader, e, s->g))
        return false;
    gx_txn_info(txn, &info);

    uint64_t most = candidates(s), cap = oldest ? ROWS_MAX : want;

    s->cap = (size_t)(most < cap ? most : cap);
    s->rows = gx_arena_take(&e->arena, (s->cap + 1) * sizeof *s->rows);
    if (!gx_engine_ok(e, s->rows == NULL ? GX_E_MEMORY : GX_OK))
        return false;
    if (since) {
        select_since(s, cmd->since < info.next_arrival ? cmd->since + 1 : info.next_arrival, info.next_arrival);
    } else if (s->g == NULL) {
        select_since(s, first_of_last(s, info.next_arrival, s->unread ? most : want), info.next_arrival);
    } else {
        select_newest(s);
        reverse(s);
    }
    if (s->n > want) {
        s->n = (size_t)want;
        s->more = true;
    }
    return e->fault == GX_OK;
}

/* limit: 0 is all. */
static uint64_t want_of(const struct gx_command *cmd)
{
    bool all = gx_command_has(cmd, GX_PARAM_SINCE) || cmd->unread;
    uint64_t limit = gx_command_has(cmd, GX_PARAM_LIMIT) ? cmd->limit : all ? 0 : LIMIT_DEFAULT;

    return limit == 0 || limit > ROWS_MAX ? ROWS_MAX : limit;
}

/* --- read: answering ------------------------------------------------------------------------------------------------------------------ */

/* Everything up to what was shown. */
static void mark_read(struct selection *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct gx_log *log = s->rows[i].l->log;

        if (s->rows[i].seq <= log->row.read_seq)
            continue;
        log->row.read_seq = s->rows[i].seq;
        log->row.read_messages = log->row.n_messages - (log->row.head_seq - log->row.read_seq);    /* these logs hold messages alone */
        gx_log_touch(s->reader.e, s->rows[i].l->g, log);
    }
}

void gx_command_read(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = cmd->group == NULL ? NULL : gx_command_group(e, client, cmd);
    struct selection s = {.g = g, .unread = cmd->unread};
    struct gx_answer_builder b;

    if (cmd->group != NULL && g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (!choose(&s, e, cmd, want_of(cmd)))
        return;
    gx_answers_reserve(&b, s.n * (GX_READER_VALUES + 2) + 4);
    gx_answers_list(&b, "messages");
    for (size_t i = 0; i < s.n; i++) {
        gx_answers_object(&b, NULL);
        gx_reader_values(&s.reader, &b, &s.rows[i]);
        gx_answers_end(&b);
    }
    gx_answers_end(&b);
    if (s.more)
        gx_answers_bool(&b, "more", true);
    if (cmd->mark && !e->config.offline)
        mark_read(&s);
    gx_answers_send(&b);
}
