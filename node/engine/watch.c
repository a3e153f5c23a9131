#include "node/engine/commands.h"
#include "node/engine/people.h"
#include "node/engine/reader.h"

/* A step does so much for one subscription at most; the next goes on. */
#define NOTES_MAX 256u
#define VISITS_MAX 8192u

static void note_message(struct gx_reader *r, const struct gx_waiter *w, struct gx_reader_log *l, uint32_t seq, uint64_t arrival)
{
    struct gx_reader_row row = {.l = l, .seq = seq, .arrival = arrival, .m = gx_reader_forward(r, l, seq)};
    struct gx_answer_builder b;

    if (row.m == NULL || row.m->text == NULL)
        return;
    gx_answers_begin(&b, r->e, w->client, w->request);
    gx_answers_kept(&b, "type", "message");
    gx_reader_values(r, &b, &row);
    gx_answers_note(&b);
}

/* Operations are kept in order of arrival. */
static uint32_t op_at(const struct gx_group *g, uint64_t arrival)
{
    uint32_t low = 0, high = g->law.n_ops;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (g->ops[mid].arrival == arrival)
            return mid;
        if (g->ops[mid].arrival < arrival)
            low = mid + 1;
        else
            high = mid;
    }
    return GX_NONE;
}

/* Who came or went by this operation; GX_NONE when nobody did.  A second ADMIT of a member takes no seat and is no news. */
static uint32_t subject_of(const struct gx_law *law, uint32_t op, const char **what)
{
    const struct gx_law_op *o = &law->nodes[op].op;

    if (!gx_law_effective(law, op))
        return GX_NONE;
    switch ((enum gx_law_kind)o->kind) {
    case GX_OP_ADMIT:
        *what = "joined";
        return law->now.results[op].seat ? o->target : GX_NONE;
    case GX_OP_LEAVE:
        *what = "left";
        return law->now.results[op].moved ? o->author : GX_NONE;
    case GX_OP_REMOVE:
        *what = "removed";
        return law->now.results[op].moved ? o->target : GX_NONE;
    case GX_OP_BAN:
        *what = "banned";
        return o->target;
    case GX_OP_PROMOTE:
    case GX_OP_DEMOTE:
    case GX_OP_TRANSFER:
        *what = "rank";
        return o->target;
    case GX_OP_CREATE:
    case GX_OP_UNBAN:
    case GX_OP_TOKEN:
    case GX_OP_REVOKE:
    case GX_OP_CHECKPOINT:
    case GX_OP_META:
    case GX_OP_ALIAS:
    case GX_OP_BESIDE:
    case GX_OP_COUNT:
        break;
    }
    return GX_NONE;
}

/* The rank that an operation of this kind gives. */
static enum gx_rank rank_by(uint8_t kind)
{
    return kind == GX_OP_TRANSFER ? GX_RANK_OWNER : kind == GX_OP_PROMOTE ? GX_RANK_ADMIN : kind == GX_OP_DEMOTE ? GX_RANK_MEMBER : GX_RANK_NONE;
}

static void tell_member(struct gx_engine *e, const struct gx_waiter *w, struct gx_group *g, uint64_t arrival, uint32_t op, uint32_t person, const char *what)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, w->client, w->request);
    gx_answers_kept(&b, "type", "member");
    gx_answers_number(&b, "seq", arrival);
    gx_answers_hex(&b, "event", g->law.nodes[op].op.id.b, 32);
    gx_answers_kept(&b, "where", gx_group_label(e, g));
    gx_answers_hex(&b, "group", g->row.id.b, sizeof g->row.id.b);
    gx_answers_kept(&b, "what", what);
    gx_answers_hex(&b, "member", g->law.persons[person].member.b, 32);
    gx_answers_kept(&b, "alias", gx_person_label(e, g, person));
    gx_answers_hex(&b, "by", g->law.persons[g->law.nodes[op].op.author].member.b, 32);
    gx_answers_kept(&b, "by_alias", gx_person_label(e, g, g->law.nodes[op].op.author));
    if (rank_by(g->law.nodes[op].op.kind) != GX_RANK_NONE)
        gx_answers_kept(&b, "rank", gx_rank_text(rank_by(g->law.nodes[op].op.kind)));
    gx_answers_number(&b, "wall_ms", g->ops[op].wall_ms);
    gx_answers_note(&b);
}

static void note_member(struct gx_engine *e, const struct gx_waiter *w, struct gx_group *g, uint64_t arrival)
{
    const char *what = NULL;
    uint32_t op = op_at(g, arrival), person = op == GX_NONE ? GX_NONE : subject_of(&g->law, op, &what);

    if (person != GX_NONE)
        tell_member(e, w, g, arrival, op, person, what);
}

/* Under the number of the admission, which was told when it came: nothing arrived now that is about this person. */
void gx_watch_bumped(struct gx_engine *e, struct gx_group *g, uint32_t admit)
{
    for (uint32_t i = 0; i < e->n_waiters; i++) {
        const struct gx_waiter *w = &e->waiters[i];

        if (w->kind == GX_WAIT_WATCH && (w->group == GX_NONE || w->group == g->row.gnum))
            tell_member(e, w, g, g->ops[admit].arrival, admit, g->law.nodes[admit].op.target, "bumped");
    }
}

void gx_watch_people(struct gx_engine *e, const struct gx_contact *c, const char *what, const char *name)
{
    for (uint32_t i = 0; i < e->n_waiters; i++) {
        struct gx_answer_builder b;

        if (e->waiters[i].kind != GX_WAIT_WATCH || e->waiters[i].group != GX_NONE)
            continue;
        gx_answers_begin(&b, e, e->waiters[i].client, e->waiters[i].request);
        gx_answers_kept(&b, "type", "person");
        gx_answers_kept(&b, "what", what);
        gx_answers_hex(&b, "who", c->row.card.id.b, 32);
        gx_answers_kept(&b, "alias", gx_contact_label(e, c));
        if (name != NULL)
            gx_answers_kept(&b, "name", name);
        gx_answers_number(&b, "wall_ms", e->now.wall_ms);
        gx_answers_note(&b);
    }
}

void gx_messages_watch(struct gx_engine *e, struct gx_waiter *w)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_group *only = w->group == GX_NONE ? NULL : gx_group_by_gnum(e, w->group);
    struct gx_store_info info = {0};
    struct gx_reader r;
    size_t before = e->n_effects;

    if (txn == NULL)
        return;
    gx_txn_info(txn, &info);
    if (w->next_arrival >= info.next_arrival || (w->group != GX_NONE && only == NULL) || !gx_reader_begin(&r, e, only))
        return;
    for (uint32_t visits = 0; w->next_arrival < info.next_arrival && e->fault == GX_OK; visits++) {
        uint32_t lnum = 0, seq = 0;

        if (visits == VISITS_MAX || e->n_effects - before >= NOTES_MAX) {
            gx_engine_wake(e, e->now.mono_ms + 1);      /* others come first */
            return;
        }
        txn = gx_engine_txn(e, false);
        if (txn == NULL)
            return;

        struct gx_reader_log *l = gx_engine_ok(e, gx_events_at(txn, &lnum, &seq, w->next_arrival)) ? gx_reader_find(&r, lnum) : NULL;

        if (l != NULL && l->shown && (l->log->own || gx_message_shown(l->g, l->log, seq)))
            note_message(&r, w, l, seq, w->next_arrival);
        else if (l != NULL && l->log->row.cls == GX_LOG_CONTROL)
            note_member(e, w, l->g, w->next_arrival);
        w->next_arrival++;
    }
}

/* --- receipts: how far the own messages got ------------------------------------------------------------------------------------------- */

static bool is_watched(const struct gx_engine *e, const struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_waiters; i++)
        if (e->waiters[i].kind == GX_WAIT_WATCH && (e->waiters[i].group == GX_NONE || e->waiters[i].group == g->row.gnum))
            return true;
    return false;
}

static void tell_receipt(struct gx_engine *e, struct gx_group *g, uint32_t seq, const struct gx_event_id *id, uint64_t arrival)
{
    uint32_t by = 0, of = 0;

    gx_messages_held(g, seq, &by, &of);
    for (uint32_t i = 0; by > 0 && i < e->n_waiters; i++) {     /* 0: who holds what follows came too late for this one */
        const struct gx_waiter *w = &e->waiters[i];
        struct gx_answer_builder b;

        /* What it was not told of yet comes with its state. */
        if (w->kind != GX_WAIT_WATCH || (w->group != GX_NONE && w->group != g->row.gnum) || arrival >= w->next_arrival)
            continue;
        gx_answers_begin(&b, e, w->client, w->request);
        gx_answers_kept(&b, "type", "receipt");
        gx_messages_put_state(&b, g, id, arrival, seq);
        gx_answers_kept(&b, "where", gx_group_label(e, g));
        gx_answers_hex(&b, "group", g->row.id.b, sizeof g->row.id.b);
        gx_answers_note(&b);
    }
}

/* Those from *at + 1 to `to`, as long as there is room; *at is then the last one.  False: there was not. */
static bool tell_receipts(struct gx_engine *e, struct gx_group *g, uint32_t *at, uint32_t to, uint32_t *left)
{
    const struct gx_log *log = &g->logs[g->own_messages];

    for (; *at < to && *left > 0; --*left) {
        struct gx_txn *txn = gx_engine_txn(e, false);
        struct gx_event_id id;
        uint64_t arrival = 0;

        if (txn == NULL || !gx_engine_ok(e, gx_events_arrival(txn, &arrival, &log->row, *at + 1)) ||
            !gx_group_event_id(e, g, g->own_messages, *at + 1, &id))
            return false;
        tell_receipt(e, g, ++*at, &id, arrival);
    }
    return *at >= to;
}

/* The marks are those of the log that is written into now. */
static bool begin_log(struct gx_group *g)
{
    const struct gx_log_row *row = g->own_messages == GX_NONE ? NULL : &g->logs[g->own_messages].row;

    g->receipts.due = false;
    if (row != NULL && g->receipts.lnum != row->lnum)
        g->receipts = (struct gx_receipts){.lnum = row->lnum, .sent = row->base_seq, .delivered = row->base_seq};
    return row != NULL;
}

void gx_receipts_skip(struct gx_group *g)
{
    struct gx_receipts *r = &g->receipts;
    uint32_t sent = 0, delivered = 0;

    if (!begin_log(g))
        return;
    gx_messages_reached(g, &sent, &delivered);
    r->sent = sent > r->sent ? sent : r->sent;
    r->delivered = delivered > r->delivered ? delivered : r->delivered;
}

static void receipts_of(struct gx_engine *e, struct gx_group *g)
{
    struct gx_receipts *r = &g->receipts;
    uint32_t sent = 0, delivered = 0, left = NOTES_MAX;

    if (!begin_log(g))
        return;
    gx_messages_reached(g, &sent, &delivered);
    if (sent > r->sent || delivered > r->delivered)
        gx_messages_keep_held(e);
    r->due = !tell_receipts(e, g, &r->delivered, delivered, &left);
    r->sent = r->delivered > r->sent ? r->delivered : r->sent;
    r->due = r->due || !tell_receipts(e, g, &r->sent, sent, &left);
    if (r->due)
        gx_engine_wake(e, e->now.mono_ms + 1);
}

bool gx_receipts_are_due(const struct gx_engine *e, const struct gx_group *g)
{
    return g->receipts.due && is_watched(e, g);
}

void gx_receipts_run(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++)
        if (gx_receipts_are_due(e, e->groups[i]))
            receipts_of(e, e->groups[i]);
}

/* Somebody begins to watch g; NULL: all groups. */
static void receipts_begin(struct gx_engine *e, const struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if ((g == NULL || g == e->groups[i]) && !is_watched(e, e->groups[i]))
            gx_receipts_skip(e->groups[i]);
}

void gx_command_watch(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = cmd->group == NULL ? NULL : gx_command_group(e, client, cmd);
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_store_info info = {0};
    struct gx_answer_builder b;

    if ((cmd->group != NULL && g == NULL) || txn == NULL)
        return;
    gx_txn_info(txn, &info);
    receipts_begin(e, g);

    struct gx_waiter *w = gx_waiter_new(e, GX_WAIT_WATCH, client, cmd->request);

    if (w == NULL)
        return;
    w->group = g == NULL ? GX_NONE : g->row.gnum;
    w->next_arrival = gx_command_has(cmd, GX_PARAM_SINCE) && cmd->since < info.next_arrival ? cmd->since + 1 : info.next_arrival;
    /* Said before anything happens: who hears it is subscribed, and can resume from there. */
    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_number(&b, "since", w->next_arrival - 1);
    gx_answers_send(&b);
}
