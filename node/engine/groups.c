#include "node/engine/internal.h"
#include <stdlib.h>

/* Room for one more in a growing array; false when memory is out (noted). */
static bool grow(struct gx_engine *e, void *array, uint32_t *cap, uint32_t n, size_t size)
{
    void **p = array;

    if (n < *cap)
        return true;

    uint32_t more = *cap == 0 ? 8 : *cap * 2;
    void *bigger = realloc(*p, more * size);

    if (bigger == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    *p = bigger;
    *cap = more;
    return true;
}

/* --- finding ------------------------------------------------------------------------------------------------------------------------- */

struct gx_group *gx_group_by_gnum(struct gx_engine *e, uint32_t gnum)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (e->groups[i]->row.gnum == gnum)
            return e->groups[i];
    return NULL;
}

struct gx_group *gx_group_by_id(struct gx_engine *e, const struct gx_group_id *id)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (gx_group_id_equal(&e->groups[i]->row.id, id))
            return e->groups[i];
    return NULL;
}

uint32_t gx_group_log(const struct gx_group *g, const struct gx_log_id *id)
{
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (gx_log_id_equal(&g->logs[i].row.id, id))
            return i;
    return GX_NONE;
}

uint32_t gx_group_log_by_tag(const struct gx_group *g, const struct gx_log_tag *tag)
{
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (memcmp(g->logs[i].row.id.b, tag->b, sizeof tag->b) == 0)
            return i;
    return GX_NONE;
}

uint32_t gx_group_person_of_device(const struct gx_group *g, const struct gx_sign_pk *device)
{
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (gx_sign_pk_equal(&g->logs[i].row.device, device))
            return g->logs[i].person;
    return GX_NONE;
}

bool gx_group_live(const struct gx_group *g, const struct gx_sign_pk *device)
{
    uint32_t person = gx_group_person_of_device(g, device);

    return person != GX_NONE && g->law.persons[person].rank != GX_RANK_NONE;
}

bool gx_group_is_member(const struct gx_group *g)
{
    return g->row.state == GX_GROUP_MEMBER && g->me != GX_NONE && g->law.persons[g->me].rank != GX_RANK_NONE;
}

bool gx_group_active(const struct gx_group *g)
{
    return gx_group_is_member(g) || (g->row.state == GX_GROUP_LEFT && g->has_create && !g->left_told);
}

uint32_t gx_group_op(const struct gx_group *g, const struct gx_event_id *id)
{
    return gx_idmap_get(&g->op_by_id, id->b);
}

struct gx_token_info *gx_group_token(const struct gx_group *g, uint32_t op)
{
    for (uint32_t i = 0; i < g->n_tokens; i++)
        if (g->tokens[i].op == op)
            return &g->tokens[i];
    return NULL;
}

uint32_t gx_group_heads(struct gx_engine *e, const struct gx_group *g, uint32_t *out, uint32_t cap)
{
    uint32_t *all = gx_arena_take(&e->arena, (g->n_heads + 1u) * sizeof *all);
    uint32_t n = 0;

    if (all == NULL) {
        gx_engine_ok(e, GX_E_MEMORY);
        return 0;
    }
    /* Heads are young: look from the end, and stop when all were seen. */
    for (uint32_t i = g->law.n_ops; i-- > 0 && n < g->n_heads;) {
        if (!g->ops[i].is_head)
            continue;

        uint32_t at = n++;

        for (; at > 0 && gx_event_id_cmp(&g->law.ops[all[at - 1]].id, &g->law.ops[i].id) > 0; at--)
            all[at] = all[at - 1];
        all[at] = i;
    }
    if (n > cap)
        n = cap;
    memcpy(out, all, n * sizeof *out);
    return n;
}

/* --- making ---------------------------------------------------------------------------------------------------------------------------- */

static struct gx_group *group_alloc(struct gx_engine *e)
{
    struct gx_group *g = NULL;
    struct gx_group **list = NULL;

    if (e->n_groups >= GX_GROUPS_MAX)
        return NULL;
    list = realloc(e->groups, (e->n_groups + 1) * sizeof(struct gx_group *));
    if (list != NULL)
        e->groups = list;
    g = calloc(1, sizeof *g);
    if (list == NULL || g == NULL) {
        free(g);
        gx_engine_ok(e, GX_E_MEMORY);
        return NULL;
    }
    g->own_control = g->own_messages = g->me = GX_NONE;
    g->law.meta = g->law.last = g->title_op = GX_LAW_NONE;
    g->index = e->n_groups;
    gx_idmap_init(&g->op_by_id, e->config.rng);
    e->groups[e->n_groups++] = g;
    return g;
}

static void group_free(struct gx_group *g)
{
    gx_idmap_free(&g->op_by_id);
    free(g->logs);
    free(g->law.ops);
    free(g->law.persons);
    free(g->ops);
    free(g->order);
    free(g->tokens);
    free(g->endpoints);
    free(g->held);
    free(g->baseline);
    gx_wipe(g, sizeof *g);
    free(g);
}

void gx_groups_free(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        group_free(e->groups[i]);
    free(e->groups);
    e->groups = NULL;
    e->n_groups = 0;
}

void gx_group_drop(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_ok(e, gx_group_forget(txn, g->row.gnum)))
        return;
    gx_jobs_kill(e, g->row.gnum);
    for (uint32_t i = 0; i < e->n_sessions; i++)
        if (e->sessions[i]->kind == GX_SESSION_GUEST && e->sessions[i]->group == g->row.gnum)
            gx_session_close(e, e->sessions[i], GX_BYE_DONE);
    for (uint32_t i = g->index + 1; i < e->n_groups; i++) {
        e->groups[i - 1] = e->groups[i];
        e->groups[i - 1]->index = i - 1;
    }
    e->n_groups--;
    group_free(g);
}

struct gx_group *gx_group_add(struct gx_engine *e, enum gx_group_state state)
{
    struct gx_txn *txn = gx_engine_txn(e, true);
    struct gx_group *g = txn == NULL ? NULL : group_alloc(e);
    struct gx_dh_sk e_sk;
    struct gx_dh_pk prekey;

    if (g == NULL)
        return NULL;
    if (!gx_engine_ok(e, gx_group_new_number(txn, &g->row.gnum)))
        return NULL;
    g->row.state = (uint8_t)state;
    g->row.since_ms = e->now.wall_ms;
    gx_rng_fill(e->config.rng, e_sk.b, sizeof e_sk.b);
    gx_rng_fill(e->config.rng, g->row.prekey_sk.b, sizeof g->row.prekey_sk.b);
    gx_dh_public(&prekey, &g->row.prekey_sk);
    gx_intro_make(&g->row.intro, &e_sk, &e->config.person.recovery, &e->config.device_seed, &e->config.incarnation, &prekey);
    gx_wipe(&e_sk, sizeof e_sk);
    g->incarnation = g->row.intro.incarnation;
    g->dirty = true;
    return g;
}

/* --- operations ------------------------------------------------------------------------------------------------------------------------- */

static uint32_t person_of(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *member)
{
    for (uint32_t i = 0; i < g->law.n_persons; i++)
        if (gx_sign_pk_equal(&g->law.persons[i].member, member))
            return i;
    if (!grow(e, &g->law.persons, &g->cap_persons, g->law.n_persons, sizeof *g->law.persons))
        return GX_NONE;
    g->law.persons[g->law.n_persons] = (struct gx_law_person){
        .member = *member, .admit = GX_LAW_NONE, .voucher = GX_LAW_NONE, .alias = GX_LAW_NONE};
    return g->law.n_persons++;
}

/* The memberships that an event introduces: founder or joiner. */
static const struct gx_intro *intro_of(const struct gx_body *body)
{
    if (body->type == GX_EV_CREATE)
        return &body->u.create.founder;
    if (body->type == GX_EV_ADMIT)
        return &body->u.admit.request.joiner;
    return NULL;
}

static void note_own(struct gx_engine *e, struct gx_group *g, uint32_t index)
{
    struct gx_log *log = &g->logs[index];
    struct gx_log_id now;

    (void)e;
    log->own = gx_sign_pk_equal(&log->row.device, &g->row.intro.device);
    if (!log->own)
        return;
    g->me = log->person;
    gx_log_id_make(&now, &log->row.device, &g->incarnation, (enum gx_log_class)log->row.cls);
    if (!gx_log_id_equal(&now, &log->row.id))
        return;
    if (log->row.cls == GX_LOG_CONTROL)
        g->own_control = index;
    else
        g->own_messages = index;
}

static bool log_add(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device, const struct gx_incarnation *inc,
                    enum gx_log_class cls, uint32_t person, bool later)
{
    struct gx_log_id id;
    struct gx_txn *txn = gx_engine_txn(e, true);

    gx_log_id_make(&id, device, inc, cls);
    if (gx_group_log(g, &id) != GX_NONE)
        return true;
    if (txn == NULL || !grow(e, &g->logs, &g->cap_logs, g->n_logs, sizeof *g->logs))
        return false;

    struct gx_log *log = &g->logs[g->n_logs];

    *log = (struct gx_log){.person = person, .later = later, .dirty = true};
    log->row = (struct gx_log_row){.gnum = g->row.gnum, .id = id, .cls = (uint8_t)cls, .device = *device, .incarnation = *inc};
    if (!gx_engine_ok(e, gx_log_new_number(txn, &log->row.lnum)))
        return false;
    note_own(e, g, g->n_logs++);
    return true;
}

static bool token_add(struct gx_engine *e, struct gx_group *g, uint32_t op, const struct gx_body_token *body)
{
    if (!grow(e, &g->tokens, &g->cap_tokens, g->n_tokens, sizeof *g->tokens))
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

    if (!grow(e, &g->law.ops, &cap, g->law.n_ops, sizeof *g->law.ops))
        return false;
    cap = g->cap_ops;
    return grow(e, &g->ops, &g->cap_ops, g->law.n_ops, sizeof *g->ops);
}

/* Take an operation into the tables: the same from the wire, from this node's author and from the store. */
static bool op_register(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body, uint32_t log,
                        uint32_t depth, uint64_t arrival)
{
    uint32_t index = g->law.n_ops;
    const struct gx_intro *intro = intro_of(body);
    struct gx_law_op op = {.id = ev->id, .depth = depth, .type = ev->type, .target = GX_LAW_NONE, .token = GX_LAW_NONE};

    if (!ops_grow(e, g) || !gx_engine_ok(e, gx_idmap_put(&g->op_by_id, ev->id.b, index)))
        return false;
    if (intro != NULL)
        op.target = person_of(e, g, &intro->member);
    if (ev->type == GX_EV_CREATE) {
        g->law.rules = body->u.create.rules;
        gx_gate_zero(&g->gate, &intro->e);
        g->has_create = true;
        g->logs[log].person = op.target;
    } else if (ev->type == GX_EV_ADMIT) {
        op.token = gx_group_op(g, &body->u.admit.request.token);
    } else if (ev->type == GX_EV_REVOKE) {
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

/* Does the event continue its log? */
static enum gx_err check_place(const struct gx_group *g, const struct gx_log *log, const struct gx_event *ev)
{
    if (ev->seq <= log->row.head_seq)
        return gx_group_op(g, &ev->id) != GX_NONE ? GX_E_DUPLICATE : GX_E_FORK;
    if (ev->seq != (uint64_t)log->row.head_seq + 1)
        return GX_E_MISSING;
    if (ev->seq == 1 && log->later)
        return GX_OK;
    return gx_event_id_equal(&ev->prev, &log->row.head_id) ? GX_OK : GX_E_FORK;
}

static bool introduce(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body)
{
    const struct gx_intro *intro = intro_of(body);

    if (intro != NULL) {
        uint32_t person = person_of(e, g, &intro->member);

        return person != GX_NONE && log_add(e, g, &intro->device, &intro->incarnation, GX_LOG_CONTROL, person, false) &&
               log_add(e, g, &intro->device, &intro->incarnation, GX_LOG_MESSAGES, person, false);
    }
    if (ev->type == GX_EV_INCARNATION) {
        const struct gx_body_incarnation *b = &body->u.incarnation;
        uint32_t person = gx_group_person_of_device(g, &b->device);

        return person != GX_NONE && log_add(e, g, &b->device, &b->incarnation, GX_LOG_CONTROL, person, true) &&
               log_add(e, g, &b->device, &b->incarnation, GX_LOG_MESSAGES, person, true);
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
        gx_log_id_make(&id, &body->u.create.founder.device, &body->u.create.founder.incarnation, GX_LOG_CONTROL);
        if (g->has_create)
            return GX_E_DUPLICATE;
        if (memcmp(g->row.id.b, ev->id.b, 16) != 0)     /* all that is known of a group that is being joined */
            return GX_E_SIGNATURE;
        return gx_log_id_equal(&id, &ev->log) ? GX_OK : GX_E_MALFORMED;
    }
    if (ev->type == GX_EV_INCARNATION) {
        gx_log_id_make(&id, &body->u.incarnation.device, &body->u.incarnation.incarnation, GX_LOG_CONTROL);
        if (!gx_log_id_equal(&id, &ev->log) || ev->seq != 1)
            return GX_E_MALFORMED;
        return gx_group_person_of_device(g, &body->u.incarnation.device) == GX_NONE ? GX_E_MISSING : GX_OK;
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

    uint32_t index = gx_group_log(g, &ev->log);

    if (index == GX_NONE)
        return GX_E_MISSING;
    err = check_place(g, &g->logs[index], ev);
    if (err == GX_OK)
        err = gx_group_check_ticks(g, ev, g->logs[index].row.head_tick, g->logs[index].row.head_seq > 0);
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
    op_register(e, g, ev, body, index, depth, arrival);
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

/* --- reading ------------------------------------------------------------------------------------------------------------------------------- */

/* A copy in the arena: what LMDB lends does not outlive the next write. */
static bool copy_event(struct gx_engine *e, struct gx_event *ev)
{
    uint8_t *deps = gx_arena_copy(&e->arena, ev->deps, 32u * (size_t)ev->n_deps);
    uint8_t *body = gx_arena_copy(&e->arena, ev->body.p, ev->body.n);

    if (deps == NULL || body == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    ev->deps = deps;
    if (ev->body.p != NULL)
        ev->body.p = body;
    return true;
}

bool gx_group_read(struct gx_engine *e, struct gx_group *g, struct gx_log *log, uint32_t seq, struct gx_event *ev, struct gx_body *body)
{
    struct gx_txn *txn = gx_engine_txn(e, false);

    if (txn == NULL)
        return false;

    enum gx_err err = gx_events_get(txn, ev, &log->row, &g->row.id, seq);

    if (err == GX_E_CORRUPT) {
        gx_engine_drop(e, "corrupt");
        return false;
    }
    if (!gx_engine_ok(e, err) || !copy_event(e, ev))
        return false;
    return gx_body_decode(body, ev) == GX_OK;
}

static const char *name_from(struct gx_engine *e, struct gx_group *g, uint32_t op)
{
    struct gx_event ev;
    struct gx_body body;

    if (op == GX_LAW_NONE || !gx_group_read(e, g, &g->logs[g->ops[op].log], g->ops[op].seq, &ev, &body))
        return "";

    struct gx_span name = ev.type == GX_EV_ALIAS ? body.u.alias.name : body.u.meta.name;
    const char *text = gx_arena_text(&e->arena, name.p, name.n);

    return text == NULL ? "" : text;
}

const char *gx_group_name(struct gx_engine *e, struct gx_group *g)
{
    if (g->law.meta == GX_LAW_NONE)
        return "";
    if (g->title_op != g->law.meta) {
        const char *title = name_from(e, g, g->law.meta);

        if (title[0] == 0 || strlen(title) > GX_NAME_BYTES_MAX)
            return title;
        memcpy(g->title, title, strlen(title) + 1);
        g->title_op = g->law.meta;
    }

    /* A copy: the title may change before the answer is out. */
    const char *text = gx_arena_text(&e->arena, g->title, strlen(g->title));

    return text == NULL ? "" : text;
}

const char *gx_group_alias(struct gx_engine *e, struct gx_group *g, uint32_t person)
{
    return person == GX_NONE ? "" : name_from(e, g, g->law.persons[person].alias);
}

/* --- from and to the store ------------------------------------------------------------------------------------------------------------------- */

static bool load_logs(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_log_row row = {0};

    while (txn != NULL && gx_engine_ok(e, gx_log_next(txn, &row, g->row.gnum, row.lnum))) {
        if (!grow(e, &g->logs, &g->cap_logs, g->n_logs, sizeof *g->logs))
            return false;
        g->logs[g->n_logs++] = (struct gx_log){.row = row, .person = GX_NONE, .pend_seq = row.head_seq, .pend_id = row.head_id, .pend_tick = row.head_tick};
        if (row.head_tick > g->max_tick)
            g->max_tick = row.head_tick;
    }
    return e->fault == GX_OK;
}

/* Logs are told whose they are by the operation that opened them. */
static void claim_logs(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body)
{
    const struct gx_intro *intro = intro_of(body);

    for (uint32_t i = 0; i < g->n_logs; i++) {
        struct gx_log *log = &g->logs[i];

        if (intro != NULL && gx_sign_pk_equal(&log->row.device, &intro->device))
            log->person = person_of(e, g, &intro->member);
        if (ev->type == GX_EV_INCARNATION && memcmp(&log->row.incarnation, &body->u.incarnation.incarnation, sizeof log->row.incarnation) == 0 &&
            gx_sign_pk_equal(&log->row.device, &body->u.incarnation.device))
            log->later = true;
    }
}

static bool load_ops(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t cnum = 0;; cnum++) {
        struct gx_txn *txn = gx_engine_txn(e, false);
        struct gx_op_row row;
        struct gx_event ev;
        struct gx_body body;
        uint32_t log = 0;

        if (txn == NULL || !gx_engine_ok(e, gx_op_get(txn, &row, g->row.gnum, cnum)))
            return e->fault == GX_OK;
        while (log < g->n_logs && g->logs[log].row.lnum != row.lnum)
            log++;
        if (log == g->n_logs || !gx_group_read(e, g, &g->logs[log], row.seq, &ev, &body))
            return gx_engine_ok(e, GX_E_CORRUPT);
        claim_logs(e, g, &ev, &body);
        if (!op_register(e, g, &ev, &body, log, row.depth, row.arrival))
            return false;
        gx_arena_reset(&e->arena);
    }
}

static bool load_rest(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, false);

    while (txn != NULL && grow(e, &g->endpoints, &g->cap_endpoints, g->n_endpoints, sizeof *g->endpoints) &&
           gx_engine_ok(e, gx_endpoint_next(txn, &g->endpoints[g->n_endpoints], g->row.gnum,
                                            g->n_endpoints == 0 ? NULL : &g->endpoints[g->n_endpoints - 1].device)))
        g->n_endpoints++;
    while (txn != NULL && g->own_messages != GX_NONE && grow(e, &g->held, &g->cap_held, g->n_held, sizeof *g->held)) {
        struct gx_held *held = &g->held[g->n_held];

        *held = (struct gx_held){0};
        if (!gx_engine_ok(e, gx_held_next(txn, &held->row, g->logs[g->own_messages].row.lnum,
                                          g->n_held == 0 ? NULL : &g->held[g->n_held - 1].row.device)))
            break;
        g->n_held++;
    }
    if (g->row.state == GX_GROUP_JOINING && txn != NULL)
        gx_engine_ok(e, gx_join_get(txn, &g->join, g->row.gnum));
    return e->fault == GX_OK;
}

enum gx_err gx_groups_load(struct gx_engine *e)
{
    struct gx_group_row row = {0};

    for (;;) {
        struct gx_txn *txn = gx_engine_txn(e, false);

        if (txn == NULL || !gx_engine_ok(e, gx_group_next(txn, &row, row.gnum)))
            return e->fault;

        struct gx_group *g = group_alloc(e);

        if (g == NULL)
            return e->fault == GX_OK ? GX_E_CORRUPT : e->fault;
        g->row = row;
        gx_incarnation_of(&g->incarnation, &e->config.incarnation, &row.intro.device);
        if (!load_logs(e, g) || !load_ops(e, g))
            return e->fault;
        for (uint32_t i = 0; i < g->n_logs; i++)
            note_own(e, g, i);
        gx_group_settle(e, g);
        g->members_changed = false;
        if (!load_rest(e, g))
            return e->fault;
    }
}

static void folded(void *ctx, const struct gx_log_row *row)
{
    struct gx_engine *e = ctx;
    struct gx_group *g = gx_group_by_gnum(e, row->gnum);

    for (uint32_t i = 0; g != NULL && i < g->n_logs; i++)
        if (g->logs[i].row.lnum == row->lnum)
            g->logs[i].row.journal_first = row->journal_first;
}

static void flush_held(struct gx_engine *e, struct gx_group *g, struct gx_txn *txn)
{
    for (uint32_t i = 0; i < g->n_held && g->own_messages != GX_NONE; i++) {
        if (!g->held[i].dirty)
            continue;
        gx_engine_ok(e, gx_held_put(txn, g->logs[g->own_messages].row.lnum, &g->held[i].row));
        g->held[i].dirty = false;
    }
}

void gx_groups_flush(struct gx_engine *e)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        struct gx_group *g = e->groups[i];
        struct gx_txn *txn = NULL;

        for (uint32_t k = 0; k < g->n_logs; k++) {
            struct gx_log *log = &g->logs[k];

            log->changed = false;
            log->pushed_from = 0;
            if (log->dirty && (txn = gx_engine_txn(e, true)) != NULL)
                gx_engine_ok(e, gx_log_put(txn, &log->row));
            log->dirty = false;
        }
        if (g->dirty && (txn = gx_engine_txn(e, true)) != NULL)
            gx_engine_ok(e, gx_group_put(txn, &g->row));
        g->dirty = false;
    }
    if (e->fault != GX_OK || e->txn == NULL || !e->writing)
        return;
    if (e->held_dirty && e->now.mono_ms >= e->held_flush_ms) {
        for (uint32_t i = 0; i < e->n_groups; i++)
            flush_held(e, e->groups[i], e->txn);
        e->held_dirty = false;
    }
    gx_engine_ok(e, gx_events_fold(e->txn, &n, false, folded, e));
}
