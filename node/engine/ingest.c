/* Taking events in: from the wire, from this node's author, and from the store when it starts. */
#include "node/engine/sealing.h"

/* --- operations ------------------------------------------------------------------------------------------------------------------------- */

uint32_t gx_group_person(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *member)
{
    for (uint32_t i = 0; i < g->law.n_persons; i++)
        if (gx_sign_pk_equal(&g->law.persons[i].member, member))
            return i;

    uint32_t person = gx_law_add_person(&g->law, member);

    if (person == GX_LAW_NONE)
        gx_engine_ok(e, GX_E_MEMORY);
    return person;
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

uint32_t gx_group_device(const struct gx_group *g, uint32_t person, const struct gx_sign_pk *device)
{
    uint32_t i = gx_idmap_get(&g->log_by_device, device->b);

    while (i != GX_NONE && g->logs[i].person != person)
        i = g->logs[i].next_of_device;
    return i == GX_NONE ? g->n_logs : i;
}

static bool log_add(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *member, const struct gx_sign_pk *device,
                    const struct gx_incarnation *inc, enum gx_log_class cls)
{
    struct gx_log_id id;
    struct gx_txn *txn = gx_engine_txn(e, true);
    uint32_t person = gx_group_person(e, g, member);

    gx_log_id_make(&id, member, device, inc, cls);
    if (gx_group_log(g, &id) != GX_NONE)
        return true;
    if (txn == NULL || person == GX_NONE || !gx_engine_grow(e, &g->logs, &g->cap_logs, g->n_logs, sizeof *g->logs))
        return false;

    struct gx_log *log = &g->logs[g->n_logs];

    *log = (struct gx_log){.person = person, .device = gx_group_device(g, person, device), .prekey_op = GX_NONE, .now_op = GX_NONE, .intro_op = GX_NONE};
    log->row = (struct gx_log_row){
        .gnum = g->row.gnum, .id = id, .cls = (uint8_t)cls, .member = *member, .device = *device, .incarnation = *inc};
    if (!gx_engine_ok(e, gx_log_new_number(txn, &log->row.lnum)))
        return false;
    if (!gx_group_index_log(e, g, g->n_logs++))
        return false;
    gx_group_note_own(g, g->n_logs - 1);
    gx_log_touch(e, g, log);
    return true;
}

static bool logs_add(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *member, const struct gx_sign_pk *device,
                     const struct gx_incarnation *inc)
{
    return log_add(e, g, member, device, inc, GX_LOG_CONTROL) && log_add(e, g, member, device, inc, GX_LOG_MESSAGES);
}

static bool token_add(struct gx_engine *e, struct gx_group *g, uint32_t op, const struct gx_body_token *body)
{
    if (!gx_engine_grow(e, &g->tokens, &g->cap_tokens, g->n_tokens, sizeof *g->tokens))
        return false;
    g->tokens[g->n_tokens++] = (struct gx_token_info){
        .op = op, .pk = body->token_pk, .expires_min = body->expires_min, .uses = body->uses};
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

/* What the law makes of the type of an event. */
static enum gx_law_kind kind_of(uint8_t type)
{
    switch ((enum gx_event_type)type) {
    case GX_EV_CREATE:
        return GX_OP_CREATE;
    case GX_EV_ADMIT:
        return GX_OP_ADMIT;
    case GX_EV_LEAVE:
        return GX_OP_LEAVE;
    case GX_EV_REMOVE:
        return GX_OP_REMOVE;
    case GX_EV_BAN:
        return GX_OP_BAN;
    case GX_EV_UNBAN:
        return GX_OP_UNBAN;
    case GX_EV_TOKEN:
        return GX_OP_TOKEN;
    case GX_EV_REVOKE:
        return GX_OP_REVOKE;
    case GX_EV_PROMOTE:
        return GX_OP_PROMOTE;
    case GX_EV_DEMOTE:
        return GX_OP_DEMOTE;
    case GX_EV_TRANSFER:
        return GX_OP_TRANSFER;
    case GX_EV_CHECKPOINT:
        return GX_OP_CHECKPOINT;
    case GX_EV_META:
        return GX_OP_META;
    case GX_EV_ALIAS:
        return GX_OP_ALIAS;
    case GX_EV_INCARNATION:
    case GX_EV_OFFER:
    case GX_EV_ACCEPT:
    case GX_EV_EPOCH:
    case GX_EV_PREKEY:
    case GX_EV_TEXT:
    case GX_EV_INVITE:
    case GX_EV_REVEAL:
        break;
    }
    return GX_OP_BESIDE;
}

/* The member that a body is about; NULL when it is about none. */
static const struct gx_sign_pk *target_of(const struct gx_body *body)
{
    const struct gx_intro *intro = gx_group_intro(body);

    if (intro != NULL)
        return &intro->member;
    switch ((enum gx_event_type)body->type) {
    case GX_EV_REMOVE:
    case GX_EV_BAN:
        return &body->u.removal.target;
    case GX_EV_UNBAN:
    case GX_EV_PROMOTE:
    case GX_EV_DEMOTE:
    case GX_EV_OFFER:
        return &body->u.target.target;
    case GX_EV_TRANSFER:
        return &body->u.transfer.target;
    case GX_EV_REVOKE:
        return body->u.revoke.what == GX_REVOKE_MEMBER ? &body->u.revoke.member : NULL;
    case GX_EV_CREATE:
    case GX_EV_ADMIT:
    case GX_EV_LEAVE:
    case GX_EV_TOKEN:
    case GX_EV_CHECKPOINT:
    case GX_EV_ALIAS:
    case GX_EV_META:
    case GX_EV_INCARNATION:
    case GX_EV_ACCEPT:
    case GX_EV_EPOCH:
    case GX_EV_PREKEY:
    case GX_EV_TEXT:
    case GX_EV_INVITE:
    case GX_EV_REVEAL:
        break;
    }
    return NULL;
}

/* The number of the device that an admission of `person`, known to who writes with these edges, introduced. */
static uint32_t introduced(const struct gx_group *g, const struct gx_law_edges *edges, uint32_t person, const struct gx_sign_pk *device)
{
    uint32_t number = gx_group_device(g, person, device);

    for (uint32_t a = g->law.persons[person].last_admit; a != GX_LAW_NONE; a = g->law.nodes[a].kind_before)
        if (g->ops[a].introduces == number && gx_law_would_know(&g->law, edges, a))
            return number;
    return GX_NONE;
}

/* The acceptance in a TRANSFER is good once: for the OFFER that its author's device made to this member, before any TRANSFER of that device that
 * has it in its past.  LAW §6.  Its signature was verified with the event. */
static bool is_accepted(const struct gx_group *g, const struct gx_law_op *op, const struct gx_law_edges *edges, const struct gx_event_id *offer_id)
{
    const struct gx_law *law = &g->law;
    uint32_t offer = gx_group_op(g, offer_id);

    if (op->to_device == GX_NONE || offer == GX_NONE || g->ops[offer].type != GX_EV_OFFER || !gx_law_would_know(law, edges, offer))
        return false;

    const struct gx_law_op *o = &law->nodes[offer].op;

    if (o->author != op->author || o->device != op->device || o->target != op->target)
        return false;
    for (uint32_t t = law->persons[op->author].last_by; t != GX_LAW_NONE && t > offer; t = law->nodes[t].by_before)
        if (law->nodes[t].op.kind == GX_OP_TRANSFER && law->nodes[t].op.device == op->device && gx_law_past(law, offer, t) &&
            gx_law_would_know(law, edges, t))
            return false;
    return true;
}

/* What the body says to the law; persons that it names are added. */
static bool read_op(struct gx_engine *e, struct gx_group *g, struct gx_law_op *op, const struct gx_law_edges *edges, const struct gx_event *ev,
                    const struct gx_body *body)
{
    const struct gx_sign_pk *target = target_of(body);

    op->target = op->token = op->to_device = GX_LAW_NONE;
    if (target != NULL && (op->target = gx_group_person(e, g, target)) == GX_NONE)
        return false;
    if (ev->type == GX_EV_ADMIT) {
        op->qr = body->u.admit.request.via == GX_VIA_QR;
        op->token = op->qr ? gx_group_op(g, &body->u.admit.request.token) : GX_LAW_NONE;
    } else if (ev->type == GX_EV_REVOKE && body->u.revoke.what == GX_REVOKE_TOKEN) {
        op->token = gx_group_op(g, &body->u.revoke.token);
    } else if (ev->type == GX_EV_TOKEN) {
        op->uses = body->u.token.uses;
    } else if (ev->type == GX_EV_TRANSFER) {
        op->to_device = introduced(g, edges, op->target, &body->u.transfer.device);
        op->accepted = is_accepted(g, op, edges, &body->u.transfer.offer);
    }
    return true;
}

/* What it refers to, as indices; ids that are not held do not come here but among the heads of a request. */
static bool read_edges(struct gx_engine *e, const struct gx_group *g, struct gx_law_edges *edges, const struct gx_event *ev, const struct gx_body *body)
{
    const struct gx_join_request *req = body->type == GX_EV_ADMIT ? &body->u.admit.request : NULL;
    uint32_t n_heads = req == NULL ? 0 : req->n_heads;
    uint32_t *deps = gx_arena_take(&e->arena, ((size_t)ev->n_deps + n_heads + 1u) * sizeof *deps);

    if (deps == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    *edges = (struct gx_law_edges){.deps = deps, .heads = deps + ev->n_deps, .prev = gx_group_op(g, &ev->prev)};
    for (size_t i = 0; i < ev->n_deps; i++) {
        struct gx_event_id dep = gx_event_dep(ev, i);

        deps[edges->n_deps++] = gx_group_op(g, &dep);
    }
    for (uint32_t i = 0; i < n_heads; i++) {
        struct gx_event_id id;
        uint32_t op = GX_NONE;

        memcpy(id.b, req->heads + 32u * (size_t)i, sizeof id.b);
        op = gx_group_op(g, &id);
        if (op != GX_NONE)
            deps[ev->n_deps + edges->n_heads++] = op;
    }
    return true;
}

/* Cuts of a removal, kept where messages are chosen. */
static bool cuts_add(struct gx_engine *e, struct gx_group *g, uint32_t op, const struct gx_body *body)
{
    bool leave = body->type == GX_EV_LEAVE, removal = body->type == GX_EV_REMOVE || body->type == GX_EV_BAN;
    struct gx_span cuts = leave ? body->u.leave.cuts : removal ? body->u.removal.cuts : gx_span(NULL, 0);

    for (size_t i = 0; i < cuts.n / GX_CUT_BYTES; i++) {
        if (!gx_engine_grow(e, &g->cuts, &g->cap_cuts, g->n_cuts, sizeof *g->cuts))
            return false;
        g->cuts[g->n_cuts].op = op;
        gx_cut_read(&g->cuts[g->n_cuts++].cut, cuts, i);
    }
    return true;
}

static void create_read(struct gx_group *g, const struct gx_body_create *create)
{
    g->rules = create->rules;
    g->law.cap = g->rules.cap;
    g->law.qr_max = g->rules.qr_max;
    gx_gate_zero(&g->gate_zero, &create->founder.e);
    g->has_create = true;
}

/* Take an operation into the tables: the same from the wire, from this node's author and from the store. */
bool gx_group_register(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body, uint32_t log, uint64_t arrival)
{
    uint32_t index = g->law.n_ops;
    const struct gx_intro *intro = gx_group_intro(body);
    struct gx_law_op op = {.id = ev->id, .author = g->logs[log].person, .device = g->logs[log].device, .kind = (uint8_t)kind_of(ev->type)};
    struct gx_law_edges edges;

    if (!gx_engine_grow(e, &g->ops, &g->cap_ops, index, sizeof *g->ops) || !read_edges(e, g, &edges, ev, body) ||
        !read_op(e, g, &op, &edges, ev, body))
        return false;
    if (ev->type == GX_EV_CREATE)
        create_read(g, &body->u.create);
    if (!gx_engine_ok(e, gx_law_add(&g->law, &op, &edges)) || !gx_engine_ok(e, gx_idmap_put(&g->op_by_id, ev->id.b, index)))
        return false;
    g->ops[index] = (struct gx_op){.log = log, .type = ev->type, .seq = (uint32_t)ev->seq, .tick = ev->tick, .wall_ms = ev->wall_ms, .arrival = arrival,
                                   .introduces = intro == NULL ? GX_NONE : gx_group_device(g, op.target, &intro->device),
                                   .offer = ev->type == GX_EV_ACCEPT ? gx_group_op(g, &body->u.accept.offer) : GX_NONE, .is_head = true};
    g->n_offers += ev->type == GX_EV_OFFER;
    if ((ev->type == GX_EV_TOKEN && !token_add(e, g, index, &body->u.token)) || !cuts_add(e, g, index, body))
        return false;
    g->n_heads++;
    unhead(g, &ev->prev);
    for (size_t i = 0; i < ev->n_deps; i++) {
        struct gx_event_id dep = gx_event_dep(ev, i);

        unhead(g, &dep);
    }
    if (ev->tick > g->max_tick)
        g->max_tick = ev->tick;
    g->deps_told = false;
    if (op.kind != GX_OP_ALIAS && op.kind != GX_OP_META && op.kind != GX_OP_TOKEN && ev->type != GX_EV_EPOCH && ev->type != GX_EV_PREKEY)
        g->members_changed = true;
    return gx_epochs_register(e, g, index, ev, body);
}

/* ADMITs that stood until now: their joiners are told. */
static void note_bumped(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t i = g->law.changed_from; i < g->law.now.n_order; i++) {
        uint32_t op = g->law.now.order[i];
        bool stands = gx_law_effective(&g->law, op);

        if (g->law.nodes[op].op.kind != GX_OP_ADMIT || stands == g->ops[op].stood)
            continue;
        g->ops[op].stood = stands;
        if (!stands && !gx_law_is_member(&g->law, g->law.nodes[op].op.target))
            gx_watch_bumped(e, g, op);
    }
    g->law.changed_from = g->law.now.n_order;
}

void gx_group_settle(struct gx_engine *e, struct gx_group *g)
{
    uint32_t points = g->law.now.n_main;

    if (g->law.n_settled == g->law.n_ops || e->fault != GX_OK || !gx_engine_ok(e, gx_law_settle(&g->law)))
        return;
    g->members_changed = g->members_changed || points != g->law.now.n_main;
    if (g->members_changed)
        note_bumped(e, g);
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

/* The first event of a log may follow one of an earlier incarnation.  WIRE §3.4 */
static bool continues(const struct gx_log *log, const struct gx_event *ev)
{
    return ev->seq == (uint64_t)log->row.head_seq + 1 && (ev->seq == 1 || gx_event_id_equal(&ev->prev, &log->row.head_id));
}

/* This node's own log was forked: a copy of its home wrote beside it.  What it writes from now on goes into new logs, and no log ends there.  The
 * number is drawn, so that the copy, which may notice the same, opens others.  LAW §12 */
static void heal(struct gx_engine *e, struct gx_group *g)
{
    gx_incarnation_of(&g->row.under, &e->config.incarnation, &g->row.intro.device);
    gx_rng_fill(e->config.rng, g->row.incarnation.b, sizeof g->row.incarnation.b);
    g->incarnation = g->row.incarnation;
    g->own_control = g->own_messages = GX_NONE;
    g->n_held = 0;
    g->dirty = true;
    gx_engine_log(e, "this node's log was forked by a copy of its home: it goes on in new ones");
}

/* A branch is a log of its own that begins behind the event both have. */
uint32_t gx_group_branch_add(struct gx_engine *e, struct gx_group *g, uint32_t first, const struct gx_event *ev, uint64_t tick)
{
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_grow(e, &g->logs, &g->cap_logs, g->n_logs, sizeof *g->logs))
        return GX_NONE;

    const struct gx_log_row *like = &g->logs[first].row;
    struct gx_log log = {.person = g->logs[first].person, .device = g->logs[first].device, .own = g->logs[first].own,
                         .prekey_op = GX_NONE, .now_op = GX_NONE, .intro_op = GX_NONE};

    log.row = (struct gx_log_row){.gnum = g->row.gnum, .id = like->id, .cls = like->cls, .member = like->member, .device = like->device,
                                  .incarnation = like->incarnation,
                                  .begun_seq = (uint32_t)ev->seq - 1,
                                  .base_seq = (uint32_t)ev->seq - 1, .base_id = ev->prev, .base_tick = tick,
                                  .head_seq = (uint32_t)ev->seq - 1, .head_id = ev->prev, .head_tick = tick};
    if (!gx_engine_ok(e, gx_log_new_number(txn, &log.row.lnum)))
        return GX_NONE;
    gx_engine_drop(e, "fork");
    g->logs[g->n_logs] = log;
    gx_log_touch(e, g, &g->logs[g->n_logs]);
    if (log.own && memcmp(&like->incarnation, &g->incarnation, sizeof g->incarnation) == 0)
        heal(e, g);
    /* What both have in common is known in both. */
    if (!gx_shown_keep(e, &g->logs[g->n_logs], &g->logs[first].known) || !gx_group_index_log(e, g, g->n_logs))
        return GX_NONE;
    return g->n_logs++;
}

/* The branch of its log that the event continues; a new one when it stands at a place that another event has.  WIRE §3.4 */
static enum gx_err find_branch(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, uint32_t *index)
{
    uint32_t first = gx_group_log(g, &ev->log), before = gx_group_op(g, &ev->prev);

    if (first == GX_NONE)
        return GX_E_MISSING;
    if (gx_group_op(g, &ev->id) != GX_NONE && !GX_MUTANT(TWICE))
        return GX_E_DUPLICATE;
    for (*index = first; *index != GX_NONE; *index = gx_group_next_branch(g, &ev->log, *index + 1))
        if (continues(&g->logs[*index], ev))
            return GX_OK;
    if (ev->seq > 1 && (before == GX_NONE || !gx_log_id_equal(&g->logs[g->ops[before].log].row.id, &ev->log) || g->ops[before].seq + 1 != ev->seq))
        return GX_E_MISSING;
    if (g->n_logs >= GX_GROUP_LOGS_MAX)
        return GX_E_TOO_BIG;
    *index = gx_group_branch_add(e, g, first, ev, ev->seq > 1 ? g->ops[before].tick : 0);
    return *index == GX_NONE ? e->fault : GX_OK;
}

/* Whose device comes back: it was introduced as that member's, and not as another's. */
static bool is_known(const struct gx_group *g, const struct gx_body_incarnation *b)
{
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (gx_sign_pk_equal(&g->logs[i].row.member, &b->member) && gx_sign_pk_equal(&g->logs[i].row.device, &b->device))
            return true;
    return false;
}

static bool introduce(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body)
{
    const struct gx_intro *intro = gx_group_intro(body);
    const struct gx_body_incarnation *b = &body->u.incarnation;

    if (intro != NULL)
        return logs_add(e, g, &intro->member, &intro->device, &intro->incarnation);
    return ev->type != GX_EV_INCARNATION || logs_add(e, g, &b->member, &b->device, &b->incarnation);
}

void gx_log_begins_after(struct gx_log *log, const struct gx_event_id *prev)
{
    if (log->row.head_seq == 0)
        log->row.base_id = log->row.head_id = *prev;
}

/* The event before the first of a later incarnation: a control event of the same device. */
static enum gx_err check_incarnation(const struct gx_group *g, const struct gx_event *ev, const struct gx_body_incarnation *b)
{
    static const struct gx_event_id none;
    uint32_t before = gx_group_op(g, &ev->prev);
    struct gx_log_id id;

    gx_log_id_make(&id, &b->member, &b->device, &b->incarnation, GX_LOG_CONTROL);
    if (!gx_log_id_equal(&id, &ev->log) || ev->seq != 1)
        return GX_E_MALFORMED;
    if (!is_known(g, b) || (before == GX_NONE && !gx_event_id_equal(&ev->prev, &none)))
        return GX_E_MISSING;
    if (before == GX_NONE)
        return GX_OK;

    const struct gx_log_row *row = &g->logs[g->ops[before].log].row;

    return gx_sign_pk_equal(&row->member, &b->member) && gx_sign_pk_equal(&row->device, &b->device) ? GX_OK : GX_E_MALFORMED;
}

/* CREATE and INCARNATION open the log they stand in, so the log is made before the event is appended; ADMIT opens the joiner's. */
static enum gx_err check_opening(const struct gx_group *g, const struct gx_event *ev, const struct gx_body *body)
{
    static const struct gx_event_id none;
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
    if (ev->type == GX_EV_INCARNATION)
        return check_incarnation(g, ev, &body->u.incarnation);
    return ev->seq == 1 && !gx_event_id_equal(&ev->prev, &none) ? GX_E_MALFORMED : GX_OK;
}

/* In a direct chat there is nothing to decide: its members are the founder and whom the founder let in first.  LAW §16 */
static enum gx_err check_direct(const struct gx_group *g, const struct gx_event *ev, const struct gx_body *body)
{
    if (!g->has_create || g->rules.kind != GX_GROUP_DIRECT || ev->type == GX_EV_ALIAS || ev->type == GX_EV_INCARNATION || ev->type == GX_EV_CREATE ||
        ev->type == GX_EV_EPOCH || ev->type == GX_EV_PREKEY)
        return GX_OK;
    if (ev->type != GX_EV_ADMIT || body->u.admit.request.via != GX_VIA_INV)
        return GX_E_MALFORMED;
    return gx_sign_pk_equal(&body->u.admit.request.inviter, &g->law.persons[g->law.nodes[0].op.author].member) ? GX_OK : GX_E_MALFORMED;
}

/* An admission names a TOKEN that its author knew: what the guest signed with can be verified by everybody who has the event's past; or the author
 * itself, who was asked to let the joiner in. */
static enum gx_err check_admit(struct gx_engine *e, const struct gx_group *g, const struct gx_event *ev, const struct gx_body *body)
{
    struct gx_law_edges edges;
    uint32_t token = GX_NONE, log = gx_group_log(g, &ev->log);

    if (body->type != GX_EV_ADMIT)
        return GX_OK;
    if (body->u.admit.request.via == GX_VIA_INV)
        return log == GX_NONE ? GX_E_MISSING
               : gx_sign_pk_equal(&g->logs[log].row.member, &body->u.admit.request.inviter) ? GX_OK : GX_E_MALFORMED;
    if (!read_edges(e, g, &edges, ev, body))
        return GX_OK;
    token = gx_group_op(g, &body->u.admit.request.token);
    return token != GX_NONE && g->ops[token].type == GX_EV_TOKEN && gx_law_would_know(&g->law, &edges, token) ? GX_OK : GX_E_MALFORMED;
}

static void note_appended(struct gx_engine *e, struct gx_group *g, struct gx_log *log, uint32_t first)
{
    log->changed = true;
    gx_log_touch(e, g, log);
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

    uint32_t index = GX_NONE, before = gx_group_op(g, &ev->prev);

    /* What is refused opens no log: others may never hear of it. */
    err = gx_group_check_ticks(g, ev, before == GX_NONE ? 0 : g->ops[before].tick, before != GX_NONE);
    if (err == GX_OK && g->n_logs + 2 > GX_GROUP_LOGS_MAX)
        err = GX_E_TOO_BIG;
    if (err == GX_OK)
        err = check_direct(g, ev, body);
    if (err == GX_OK)
        err = check_admit(e, g, ev, body);
    if (err == GX_OK && (ev->type == GX_EV_CREATE || ev->type == GX_EV_INCARNATION) && gx_group_log(g, &ev->log) == GX_NONE &&
        !introduce(e, g, ev, body))
        return GX_OK;
    if (err == GX_OK)
        err = find_branch(e, g, ev, &index);
    if (err != GX_OK || e->fault != GX_OK)
        return err;

    if (ev->type == GX_EV_CREATE) {
        memcpy(g->row.id.b, ev->id.b, sizeof g->row.id.b);
        g->dirty = true;
    }

    if (ev->seq == 1)
        gx_log_begins_after(&g->logs[index], &ev->prev);

    struct gx_op_row row = {.id = ev->id, .lnum = g->logs[index].row.lnum, .seq = (uint32_t)ev->seq};

    if (!gx_engine_ok(e, gx_events_append(txn, &arrival, &g->logs[index].row, ev)))
        return GX_OK;
    row.arrival = arrival;
    note_appended(e, g, &g->logs[index], (uint32_t)ev->seq);
    if ((ev->type == GX_EV_ADMIT && !introduce(e, g, ev, body)) || !gx_group_register(e, g, ev, body, index, arrival))
        return GX_OK;
    row.depth = g->law.nodes[g->law.n_ops - 1].depth;
    if (gx_engine_ok(e, gx_op_put(txn, g->row.gnum, g->law.n_ops - 1, &row))) {
        gx_epochs_heard(e, g, g->law.n_ops - 1, ev, body);
        gx_chain_learn(e, g, index, ev, arrival);
    }
    return GX_OK;
}

/* Few events go to the journal, many are kept as the chunk they came in.  STORE: a segment costs one value, the journal one each. */
#define CHUNK_AS_SEGMENT 16u

static enum gx_err append_each(struct gx_txn *txn, const struct gx_group *g, struct gx_log *log, const struct gx_chunk *chunk, const struct gx_event_id *ids,
                               uint64_t *first)
{
    struct gx_chunk_iter it;
    struct gx_event ev;
    enum gx_err err = GX_OK;

    gx_chunk_begin_known(&it, chunk, &g->row.id, ids);
    for (uint32_t left = chunk->count; err == GX_OK && gx_chunk_next(&it, &ev, NULL) == GX_OK; left--) {
        uint64_t arrival = 0;

        /* The signature that was checked is the last one's; it covers those before. */
        err = left > 1 ? gx_events_append_covered(txn, &arrival, &log->row, &ev) : gx_events_append(txn, &arrival, &log->row, &ev);
        if (left == chunk->count)
            *first = arrival;
    }
    return err;
}

enum gx_err gx_group_ingest_chunk(struct gx_engine *e, struct gx_group *g, const struct gx_job *job)
{
    const struct gx_chunk *chunk = &job->chunk;
    struct gx_log *log = &g->logs[job->log];
    struct gx_txn *txn = gx_engine_txn(e, true);
    uint64_t first = 0;
    enum gx_err err = GX_OK;

    if (txn == NULL)
        return e->fault;
    if (!gx_txn_room(txn, chunk->records.n))
        return GX_E_FULL;       /* what others say can wait until there is room; own events still fit */
    gx_log_begins_after(log, &chunk->prev);
    if (chunk->count < CHUNK_AS_SEGMENT)
        err = append_each(txn, g, log, chunk, job->ids, &first);
    else
        err = gx_events_put_chunk(txn, &first, &log->row, chunk, job->ids, job->last_tick, job->n_texts, false);
    if (!gx_engine_ok(e, err) || !gx_shown_keep(e, log, &job->known))
        return GX_OK;
    note_appended(e, g, log, chunk->first_seq);
    gx_chain_later(e, g, job->log, chunk->first_seq);
    if (log->own) {                 /* what I wrote is not news to me, even when another node had to give it back */
        log->row.read_seq = log->row.head_seq;
        log->row.read_messages = log->row.n_messages;
    }
    g->hash_valid = false;
    return GX_OK;
}
