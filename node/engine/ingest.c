/* Taking events in: from the wire, from this node's author, and from the store when it starts. */
#include "node/engine/internal.h"

/* --- operations ------------------------------------------------------------------------------------------------------------------------- */

uint32_t gx_group_person(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *member)
{
    for (uint32_t i = 0; i < g->law.n_persons; i++)
        if (gx_sign_pk_equal(&g->law.persons[i].member, member))
            return i;
    if (!gx_engine_grow(e, &g->law.persons, &g->cap_persons, g->law.n_persons, sizeof *g->law.persons))
        return GX_NONE;
    g->law.persons[g->law.n_persons] = (struct gx_law_person){
        .member = *member, .admit = GX_LAW_NONE, .voucher = GX_LAW_NONE, .alias = GX_LAW_NONE};
    return g->law.n_persons++;
}

/* The memberships that an event introduces: founder or joiner. */
const struct gx_intro *gx_group_intro(const struct gx_body *body)
{
    if (body->type == GX_EV_CREATE)
        return &body->u.create.founder;
    if (body->type == GX_EV_ADMIT)
        return &body->u.admit.request.joiner;
    return NULL;
}

void gx_group_note_own(struct gx_group *g, uint32_t index)
{
    struct gx_log *log = &g->logs[index];
    struct gx_log_id now;

    log->own = gx_sign_pk_equal(&log->row.device, &g->row.intro.device);
    if (!log->own)
        return;
    g->me = log->person;
    gx_log_id_make(&now, &log->row.member, &log->row.device, &g->incarnation, (enum gx_log_class)log->row.cls);
    if (!gx_log_id_equal(&now, &log->row.id))
        return;                 /* of an earlier incarnation */
    if (log->row.cls == GX_LOG_CONTROL && g->own_control != GX_NONE && gx_log_id_equal(&g->logs[g->own_control].row.id, &now))
        return;                 /* a branch that a clone of this node wrote */
    if (log->row.cls == GX_LOG_CONTROL)
        g->own_control = index;
    else
        g->own_messages = index;
}

static bool log_add(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *member, const struct gx_sign_pk *device,
                    const struct gx_incarnation *inc, enum gx_log_class cls, uint32_t person, bool later)
{
    struct gx_log_id id;
    struct gx_txn *txn = gx_engine_txn(e, true);

    gx_log_id_make(&id, member, device, inc, cls);
    if (gx_group_log(g, &id) != GX_NONE)
        return true;
    if (txn == NULL || !gx_engine_grow(e, &g->logs, &g->cap_logs, g->n_logs, sizeof *g->logs))
        return false;

    struct gx_log *log = &g->logs[g->n_logs];

    *log = (struct gx_log){.person = person, .later = later, .dirty = true};
    log->row = (struct gx_log_row){
        .gnum = g->row.gnum, .id = id, .cls = (uint8_t)cls, .member = *member, .device = *device, .incarnation = *inc};
    if (!gx_engine_ok(e, gx_log_new_number(txn, &log->row.lnum)))
        return false;
    gx_group_note_own(g, g->n_logs++);
    return true;
}

static bool token_add(struct gx_engine *e, struct gx_group *g, uint32_t op, const struct gx_body_token *body)
{
    if (!gx_engine_grow(e, &g->tokens, &g->cap_tokens, g->n_tokens, sizeof *g->tokens))
        return false;
    g->tokens[g->n_tokens++] = (struct gx_token_info){
        .op = op, .pk = body->token_pk, .lan = body->lan, .expires_min = body->expires_min, .uses = body->uses};
    e->doors_dirty = true;
    return true;
}

static void unhead(struct gx_group *g, const struct gx_event_id *id)
{
    uint32_t op = gx_group_op(g, id);

    if (op != GX_NONE && g->ops[op].is_head) {
        g->ops[op].is_head = false;
        g->n_heads--;
    }
}

static uint32_t depth_of(const struct gx_group *g, const struct gx_event *ev)
{
    uint32_t depth = 0;
    uint32_t prev = gx_group_op(g, &ev->prev);

    if (prev != GX_NONE)
        depth = g->law.ops[prev].depth + 1;
    for (size_t i = 0; i < ev->n_deps; i++) {
        struct gx_event_id dep = gx_event_dep(ev, i);
        uint32_t op = gx_group_op(g, &dep);

        if (op != GX_NONE && g->law.ops[op].depth + 1 > depth)
            depth = g->law.ops[op].depth + 1;
    }
    return depth;
}

static bool ops_grow(struct gx_engine *e, struct gx_group *g)
{
    uint32_t cap = g->cap_ops;

    if (!gx_engine_grow(e, &g->law.ops, &cap, g->law.n_ops, sizeof *g->law.ops))
        return false;
    cap = g->cap_ops;
    return gx_engine_grow(e, &g->ops, &g->cap_ops, g->law.n_ops, sizeof *g->ops);
}

/* Take an operation into the tables: the same from the wire, from this node's author and from the store. */
bool gx_group_register(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body, uint32_t log,
                        uint32_t depth, uint64_t arrival)
{
    uint32_t index = g->law.n_ops;
    const struct gx_intro *intro = gx_group_intro(body);
    struct gx_law_op op = {.id = ev->id, .depth = depth, .type = ev->type, .target = GX_LAW_NONE, .token = GX_LAW_NONE};

    if (!ops_grow(e, g) || !gx_engine_ok(e, gx_idmap_put(&g->op_by_id, ev->id.b, index)))
        return false;
    if (intro != NULL)
        op.target = gx_group_person(e, g, &intro->member);
    if (ev->type == GX_EV_CREATE) {
        g->law.rules = body->u.create.rules;
        gx_gate_zero(&g->gate, &intro->e);
        g->has_create = true;
        g->logs[log].person = op.target;
    } else if (ev->type == GX_EV_ADMIT) {
        op.token = gx_group_op(g, &body->u.admit.request.token);
    } else if (ev->type == GX_EV_REVOKE) {
        if (body->u.revoke.what == GX_REVOKE_TOKEN)     /* FIXME: that of a member, when the law that knows it runs here */
            op.token = gx_group_op(g, &body->u.revoke.token);
    } else if (ev->type == GX_EV_TOKEN) {
        op.uses = body->u.token.uses;
        if (!token_add(e, g, index, &body->u.token))
            return false;
    }
    op.author = g->logs[log].person;
    if (op.author == GX_NONE || (intro != NULL && op.target == GX_NONE))
        return gx_engine_ok(e, GX_E_CORRUPT);
    g->law.ops[index] = op;
    g->ops[index] = (struct gx_op){.log = log, .seq = (uint32_t)ev->seq, .tick = ev->tick, .wall_ms = ev->wall_ms, .arrival = arrival, .is_head = true};
    g->n_heads++;
    unhead(g, &ev->prev);
    for (size_t i = 0; i < ev->n_deps; i++) {
        struct gx_event_id dep = gx_event_dep(ev, i);

        unhead(g, &dep);
    }
    g->law.n_ops++;
    if (ev->tick > g->max_tick)
        g->max_tick = ev->tick;
    g->deps_told = false;
    if (!g->law_dirty && gx_law_is_next(&g->law, index))
        gx_law_apply(&g->law, index);
    else
        g->law_dirty = true;
    if (intro != NULL || ev->type == GX_EV_LEAVE || ev->type == GX_EV_REVOKE || ev->type == GX_EV_INCARNATION)
        g->members_changed = true;
    return true;
}

void gx_group_settle(struct gx_engine *e, struct gx_group *g)
{
    if (!g->law_dirty)
        return;

    uint32_t *order = gx_arena_take(&e->arena, (g->law.n_ops + 1u) * sizeof *order);

    if (order == NULL) {
        gx_engine_ok(e, GX_E_MEMORY);
        return;
    }
    gx_law_resolve(&g->law, order);
    g->law_dirty = false;
    g->members_changed = true;
}

void gx_groups_settle(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        gx_group_settle(e, e->groups[i]);
}

/* --- taking in ----------------------------------------------------------------------------------------------------------------------------- */

enum gx_err gx_group_check_ticks(const struct gx_group *g, const struct gx_event *ev, uint64_t prev_tick, bool prev_known)
{
    uint64_t highest = prev_known ? prev_tick : 0;
    bool known = prev_known;

    for (size_t i = 0; i < ev->n_deps; i++) {
        struct gx_event_id dep = gx_event_dep(ev, i);
        uint32_t op = gx_group_op(g, &dep);

        if (op == GX_NONE)
            return GX_E_MISSING;
        known = true;
        if (g->ops[op].tick > highest)
            highest = g->ops[op].tick;
    }
    if (ev->tick <= highest || (known && ev->tick - highest > GX_EVENT_TICK_STEP_MAX))
        return GX_E_MALFORMED;
    return GX_OK;
}

static bool continues(const struct gx_log *log, const struct gx_event *ev)
{
    if (ev->seq != (uint64_t)log->row.head_seq + 1)
        return false;
    return gx_event_id_equal(&ev->prev, &log->row.head_id) || (ev->seq == 1 && log->later);
}

/* A branch is a log of its own that begins behind the event both have. */
static uint32_t branch_add(struct gx_engine *e, struct gx_group *g, uint32_t first, const struct gx_event *ev, uint64_t tick)
{
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_grow(e, &g->logs, &g->cap_logs, g->n_logs, sizeof *g->logs))
        return GX_NONE;

    const struct gx_log_row *like = &g->logs[first].row;
    struct gx_log log = {.person = g->logs[first].person, .own = g->logs[first].own, .later = g->logs[first].later, .dirty = true};

    log.row = (struct gx_log_row){.gnum = g->row.gnum, .id = like->id, .cls = like->cls, .member = like->member, .device = like->device,
                                  .incarnation = like->incarnation,
                                  .base_seq = (uint32_t)ev->seq - 1, .base_id = ev->prev, .base_tick = tick,
                                  .head_seq = (uint32_t)ev->seq - 1, .head_id = ev->prev, .head_tick = tick};
    if (!gx_engine_ok(e, gx_log_new_number(txn, &log.row.lnum)))
        return GX_NONE;
    gx_engine_drop(e, "fork");
    g->logs[g->n_logs] = log;
    return g->n_logs++;
}

/* The branch of its log that the event continues; a new one when it stands at a place that another event has.  WIRE §3.4 */
static enum gx_err find_branch(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, uint32_t *index)
{
    uint32_t first = gx_group_log(g, &ev->log), before = gx_group_op(g, &ev->prev);

    if (first == GX_NONE)
        return GX_E_MISSING;
    if (gx_group_op(g, &ev->id) != GX_NONE)
        return GX_E_DUPLICATE;
    for (*index = first; *index < g->n_logs; ++*index)
        if (gx_log_id_equal(&g->logs[*index].row.id, &ev->log) && continues(&g->logs[*index], ev))
            return GX_OK;
    if (ev->seq == 1 && !g->logs[first].later && !gx_event_id_equal(&ev->prev, &(struct gx_event_id){{0}}))
        return GX_E_MALFORMED;
    if (ev->seq > 1 && (before == GX_NONE || !gx_log_id_equal(&g->logs[g->ops[before].log].row.id, &ev->log) || g->ops[before].seq + 1 != ev->seq))
        return GX_E_MISSING;
    if (g->n_logs >= GX_GROUP_LOGS_MAX)
        return GX_E_TOO_BIG;
    *index = branch_add(e, g, first, ev, ev->seq > 1 ? g->ops[before].tick : 0);
    return *index == GX_NONE ? e->fault : GX_OK;
}

/* Whose device comes back: it was introduced as that member's, and not as another's. */
static uint32_t person_of(const struct gx_group *g, const struct gx_body_incarnation *b)
{
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (gx_sign_pk_equal(&g->logs[i].row.member, &b->member) && gx_sign_pk_equal(&g->logs[i].row.device, &b->device))
            return g->logs[i].person;
    return GX_NONE;
}

static bool introduce(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body)
{
    const struct gx_intro *intro = gx_group_intro(body);

    if (intro != NULL) {
        uint32_t person = gx_group_person(e, g, &intro->member);

        return person != GX_NONE && log_add(e, g, &intro->member, &intro->device, &intro->incarnation, GX_LOG_CONTROL, person, false) &&
               log_add(e, g, &intro->member, &intro->device, &intro->incarnation, GX_LOG_MESSAGES, person, false);
    }
    if (ev->type == GX_EV_INCARNATION) {
        const struct gx_body_incarnation *b = &body->u.incarnation;
        uint32_t person = person_of(g, b);

        return person != GX_NONE && log_add(e, g, &b->member, &b->device, &b->incarnation, GX_LOG_CONTROL, person, true) &&
               log_add(e, g, &b->member, &b->device, &b->incarnation, GX_LOG_MESSAGES, person, true);
    }
    return true;
}

void gx_log_begins_after(struct gx_log *log, const struct gx_event_id *prev)
{
    if (log->later && log->row.head_seq == 0)
        log->row.base_id = log->row.head_id = *prev;
}

/* CREATE and INCARNATION open the log they stand in, so the log is made before the event is appended; ADMIT opens the joiner's. */
static enum gx_err check_opening(const struct gx_group *g, const struct gx_event *ev, const struct gx_body *body)
{
    struct gx_log_id id;

    if (ev->type == GX_EV_CREATE) {
        const struct gx_intro *founder = &body->u.create.founder;

        gx_log_id_make(&id, &founder->member, &founder->device, &founder->incarnation, GX_LOG_CONTROL);
        if (g->has_create)
            return GX_E_DUPLICATE;
        if (memcmp(g->row.id.b, ev->id.b, 16) != 0)     /* all that is known of a group that is being joined */
            return GX_E_SIGNATURE;
        return gx_log_id_equal(&id, &ev->log) ? GX_OK : GX_E_MALFORMED;
    }
    if (ev->type == GX_EV_INCARNATION) {
        const struct gx_body_incarnation *b = &body->u.incarnation;

        gx_log_id_make(&id, &b->member, &b->device, &b->incarnation, GX_LOG_CONTROL);
        if (!gx_log_id_equal(&id, &ev->log) || ev->seq != 1)
            return GX_E_MALFORMED;
        return person_of(g, b) == GX_NONE ? GX_E_MISSING : GX_OK;
    }
    return GX_OK;
}

static void note_appended(struct gx_group *g, struct gx_log *log, uint32_t first)
{
    log->dirty = log->changed = true;
    if (log->own && log->pushed_from == 0)
        log->pushed_from = first;
    if (log->pend_seq < log->row.head_seq) {
        log->pend_seq = log->row.head_seq;
        log->pend_id = log->row.head_id;
        log->pend_tick = log->row.head_tick;
    }
    if (log->row.head_tick > g->max_tick)
        g->max_tick = log->row.head_tick;
}

enum gx_err gx_group_ingest(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body)
{
    enum gx_err err = check_opening(g, ev, body);
    struct gx_txn *txn = gx_engine_txn(e, true);
    uint64_t arrival = 0;

    if (err != GX_OK || txn == NULL)
        return err;
    if (g->law.n_ops >= GX_GROUP_CONTROL_MAX)
        return GX_E_TOO_BIG;
    if ((ev->type == GX_EV_CREATE || ev->type == GX_EV_INCARNATION) && gx_group_log(g, &ev->log) == GX_NONE && !introduce(e, g, ev, body))
        return GX_E_MISSING;

    uint32_t index = GX_NONE, before = gx_group_op(g, &ev->prev);

    err = gx_group_check_ticks(g, ev, before == GX_NONE ? 0 : g->ops[before].tick, before != GX_NONE);
    if (err == GX_OK)
        err = find_branch(e, g, ev, &index);
    if (err != GX_OK)
        return err;

    if (ev->type == GX_EV_CREATE) {
        memcpy(g->row.id.b, ev->id.b, sizeof g->row.id.b);
        g->dirty = true;
    }

    if (ev->seq == 1)
        gx_log_begins_after(&g->logs[index], &ev->prev);

    uint32_t depth = depth_of(g, ev);
    struct gx_op_row row = {.id = ev->id, .lnum = g->logs[index].row.lnum, .seq = (uint32_t)ev->seq, .depth = depth};

    if (!gx_engine_ok(e, gx_events_append(txn, &arrival, &g->logs[index].row, ev)))
        return GX_OK;
    row.arrival = arrival;
    if (!gx_engine_ok(e, gx_op_put(txn, g->row.gnum, g->law.n_ops, &row)) || (ev->type == GX_EV_ADMIT && !introduce(e, g, ev, body)))
        return GX_OK;
    note_appended(g, &g->logs[index], (uint32_t)ev->seq);
    gx_group_register(e, g, ev, body, index, depth, arrival);
    return GX_OK;
}

/* Few events go to the journal, many are kept as the chunk they came in.  STORE: a segment costs one value, the journal one each. */
#define CHUNK_AS_SEGMENT 16u

static enum gx_err append_each(struct gx_engine *e, struct gx_group *g, struct gx_log *log, const struct gx_chunk *chunk)
{
    struct gx_chunk_iter it;
    struct gx_event ev;
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_txn_room(txn, chunk->records.n))
        return GX_E_FULL;
    gx_chunk_begin(&it, chunk, &g->row.id);
    for (uint32_t left = chunk->count; gx_chunk_next(&it, &ev, NULL) == GX_OK; left--) {
        uint64_t arrival = 0;
        /* The signature that was checked is the last one's; it covers those before. */
        enum gx_err err = left > 1 ? gx_events_append_covered(txn, &arrival, &log->row, &ev) : gx_events_append(txn, &arrival, &log->row, &ev);

        if (!gx_engine_ok(e, err))
            break;
    }
    return GX_OK;
}

enum gx_err gx_group_ingest_chunk(struct gx_engine *e, struct gx_group *g, uint32_t index, const struct gx_chunk *chunk,
                                  const struct gx_event_id *ids, uint64_t last_tick, uint32_t n_texts)
{
    struct gx_log *log = &g->logs[index];
    struct gx_txn *txn = gx_engine_txn(e, true);
    uint64_t first = 0;
    enum gx_err err = GX_OK;

    if (txn == NULL)
        return e->fault;
    gx_log_begins_after(log, &chunk->prev);
    if (chunk->count < CHUNK_AS_SEGMENT)
        err = append_each(e, g, log, chunk);
    else
        err = gx_events_put_chunk(txn, &first, &log->row, chunk, ids, last_tick, n_texts, false);
    if (err == GX_E_FULL)
        return err;             /* nothing was written: what others say can wait until there is room; own events still fit */
    gx_engine_ok(e, err);
    note_appended(g, log, chunk->first_seq);
    if (log->own) {                 /* what I wrote is not news to me, even when another node had to give it back */
        log->row.read_seq = log->row.head_seq;
        log->row.read_messages = log->row.n_messages;
    }
    g->hash_valid = false;
    return GX_OK;
}
