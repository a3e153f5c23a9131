/* What must never happen, and what must have happened in the end. */
#include "tests/sim/internal.h"

#include "store/check.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *gx_sim_oracle_name(enum gx_sim_oracle oracle)
{
    static const char *const names[] = {
#define GX_X(id, name, says) [id] = name,
        GX_SIM_ORACLES(GX_X)
#undef GX_X
    };

    return names[oracle];
}

void sim_violated(struct gx_sim *sim, enum gx_sim_oracle oracle, uint32_t node, const char *format, ...)
{
    struct gx_sim_violation *v = NULL;
    va_list args;

    if (sim->n_violations++ >= SIM_VIOLATIONS_MAX)
        return;
    v = &sim->violations[sim->n_violations - 1];
    *v = (struct gx_sim_violation){.oracle = oracle, .at_ms = sim->now_ms, .node = node};
    va_start(args, format);
    vsnprintf(v->text, sizeof v->text, format, args);
    va_end(args);
}

const struct gx_sim_violation *gx_sim_violations(const struct gx_sim *sim, size_t *n)
{
    *n = sim->n_violations < SIM_VIOLATIONS_MAX ? sim->n_violations : SIM_VIOLATIONS_MAX;
    return sim->violations;
}

void gx_sim_expect(struct gx_sim *sim, bool holds, uint32_t node, const char *text)
{
    if (!holds)
        sim_violated(sim, GX_SIM_EXPECT, node, "%s", text);
}

/* --- at every step -------------------------------------------------------------------------------------------------------------------------- */

/* What a node does that lied once is its own affair. */
bool sim_is_honest(const struct gx_sim *sim, uint32_t i)
{
    return sim->nodes[i].liar == NULL;
}

/* Since when it is a member, without a break. */
static uint64_t member_since(const struct sim_node *node, const struct gx_group_id *group)
{
    for (uint32_t i = 0; i < node->n_members; i++)
        if (gx_group_id_equal(&node->members[i].group, group) && node->members[i].member)
            return node->members[i].since_ms;
    return UINT64_MAX;
}

static struct gx_group *group_of(struct gx_engine *e, const struct gx_group_id *id)
{
    struct gx_group *found = NULL;

    for (uint32_t k = 0; k < e->n_groups; k++)          /* who came in again has a row of before, too */
        if (gx_group_id_equal(&e->groups[k]->row.id, id) && (found == NULL || gx_group_is_member(e->groups[k])))
            found = e->groups[k];
    return found;
}

static uint32_t room_of(struct gx_sim *sim, const struct gx_group_id *group)
{
    uint32_t i = 0;

    while (i < sim->n_rooms && !gx_group_id_equal(&sim->rooms[i].group, group))
        i++;
    if (i == sim->n_rooms) {
        sim->rooms = sim_grow(sim->rooms, &sim->cap_rooms, i, sizeof *sim->rooms);
        sim->rooms[sim->n_rooms++] = (struct sim_room){.group = *group};
    }
    return i;
}

/* Whether it has become one by now. */
static bool note_member(struct gx_sim *sim, uint32_t node_at, const struct gx_group *g, bool member)
{
    struct sim_node *node = &sim->nodes[node_at];
    uint32_t i = 0;
    bool began = false;

    while (i < node->n_members && !gx_group_id_equal(&node->members[i].group, &g->row.id))
        i++;
    if (i == node->n_members) {
        node->members = sim_grow(node->members, &node->cap_members, i, sizeof *node->members);
        node->members[node->n_members++] = (struct sim_member){.group = g->row.id, .room = room_of(sim, &g->row.id)};

        struct sim_room *room = &sim->rooms[node->members[i].room];

        room->nodes = sim_grow(room->nodes, &room->cap_nodes, room->n_nodes, sizeof *room->nodes);
        room->nodes[room->n_nodes++] = node_at;
    }
    if (member && !node->members[i].member) {
        node->members[i].since_ms = sim->now_ms;
        began = true;
    }
    node->members[i].member = member;
    return began;
}

/* What strangers and members may fill has an end.  node/engine/internal.h, proto/limits.h */
static void look_bounds(struct gx_sim *sim, uint32_t i)
{
    const struct gx_engine *e = sim->nodes[i].engine;
    uint32_t stride = 1 + e->n_sessions / 32;       /* of many some with each step: what is broken stays so */

    for (uint32_t k = (uint32_t)(sim->counts.steps % stride); k < e->n_sessions; k += stride) {
        const struct gx_session *s = e->sessions[k];

        if (s->strikes >= 3 || s->n_channels > GX_FRAME_GROUPS_MAX || (s->kind == GX_SESSION_DOOR && s->bytes > GX_GUEST_BYTES_MAX) ||
            s->bytes > 4ull * GX_STEP_BYTES_MAX)
            sim_violated(sim, GX_SIM_BOUNDS, i, "a session goes on with %u strikes, %u channels, %llu bytes of a stranger", s->strikes, s->n_channels,
                         (unsigned long long)s->bytes);
    }
    if (e->n_jobs > GX_JOBS_MAX || e->job_bytes > GX_JOB_BYTES_MAX || e->arena.bytes > GX_EFFECTS_BYTES_MAX + (1u << 20) || e->n_sessions > GX_SESSIONS_MAX)
        sim_violated(sim, GX_SIM_BOUNDS, i, "%u jobs of %zu bytes, %zu bytes of effects, %u sessions", e->n_jobs, e->job_bytes, e->arena.bytes, e->n_sessions);
    for (uint32_t k = 0; k < e->n_groups; k++)
        if (e->groups[k]->n_logs > GX_GROUP_LOGS_MAX || e->groups[k]->law.n_ops > GX_GROUP_CONTROL_MAX || e->groups[k]->n_collected > GX_COLLECTED_BYTES_MAX)
            sim_violated(sim, GX_SIM_BOUNDS, i, "%u logs, %u operations, %zu bytes collected", e->groups[k]->n_logs, e->groups[k]->law.n_ops,
                         e->groups[k]->n_collected);
}

void sim_look(struct gx_sim *sim, uint32_t i)
{
    struct gx_engine *e = sim->nodes[i].engine;

    if (sim_is_honest(sim, i))
        look_bounds(sim, i);
    for (uint32_t k = 0; k < e->n_groups; k++) {
        const struct gx_group *g = e->groups[k];

        if (!g->has_create)
            continue;
        sim->counts.joined += note_member(sim, i, g, gx_group_is_member(group_of(e, &g->row.id)));
        if (g->law.now.n_members > g->rules.cap && sim_is_honest(sim, i))
            sim_violated(sim, GX_SIM_CAP, i, "%u members where %u may be", g->law.now.n_members, g->rules.cap);
    }
}

/* --- acknowledged messages --------------------------------------------------------------------------------------------------------------------- */

/* What stands in a message log of the node. */
static struct sim_acked *note(struct gx_sim *sim, uint32_t i, const struct gx_group *g, const struct gx_log_row *row, const struct gx_event_id *id, uint32_t seq)
{
    struct sim_acked *a = NULL;

    sim->acked = sim_grow(sim->acked, &sim->cap_acked, sim->n_acked, sizeof *sim->acked);
    a = &sim->acked[sim->n_acked++];
    *a = (struct sim_acked){.id = *id, .node = i, .seq = seq, .group = g->row.id, .member = row->member, .device = row->device, .log = row->id,
                            .at_ms = sim->now_ms, .due = calloc(1, sim->options.n_nodes / 8 + 1)};
    GX_ASSERT(a->due != NULL);
    a->too_late = sim->nodes[i].removed_ms != 0 && member_since(&sim->nodes[i], &g->row.id) < sim->nodes[i].removed_ms;

    const struct sim_room *room = &sim->rooms[room_of(sim, &g->row.id)];

    for (uint32_t n = 0; n < room->n_nodes; n++)
        if (member_since(&sim->nodes[room->nodes[n]], &g->row.id) != UINT64_MAX)
            a->due[room->nodes[n] / 8] |= (uint8_t)(1u << room->nodes[n] % 8);
    return a;
}

void sim_told(struct gx_sim *sim, uint32_t author, const struct gx_group *g, const struct gx_event *ev, bool late)
{
    uint32_t log = gx_group_log(g, &ev->log);
    struct sim_acked *a = NULL;

    if (log == GX_NONE || (late && sim->nodes[author].removed_ms == 0))
        return;
    a = note(sim, author, g, &g->logs[log].row, &ev->id, (uint32_t)ev->seq);
    a->lie = true;
    a->at_ms = sim_lies_since(sim, author);
    a->too_late = late;
}

void sim_told_own(struct gx_sim *sim, uint32_t author, const struct gx_group_id *group, bool late)
{
    const struct gx_group *g = group_of(sim->nodes[author].engine, group);
    const struct gx_log_row *row = g == NULL || g->own_messages == GX_NONE ? NULL : &g->logs[g->own_messages].row;

    if (row != NULL)
        sim_told(sim, author, g, &(struct gx_event){.log = row->id, .id = row->head_id, .seq = row->head_seq}, late);
}

void sim_sent(struct gx_sim *sim, uint32_t i, const struct gx_answer *answer)
{
    const struct gx_engine *e = sim->nodes[i].engine;
    const struct gx_value *event = gx_answer_find(answer, "event");
    char hex[65];

    for (uint32_t k = 0; event != NULL && k < e->n_groups; k++) {
        const struct gx_group *g = e->groups[k];
        const struct gx_log_row *row = g->own_messages == GX_NONE ? NULL : &g->logs[g->own_messages].row;

        if (row == NULL)
            continue;
        gx_hex(hex, row->head_id.b, sizeof row->head_id.b);
        if (strcmp(hex, event->text) != 0)
            continue;
        (void)note(sim, i, g, row, &row->head_id, row->head_seq);
        sim->counts.acked++;
        sim_measure_sent(sim);
        return;
    }
    sim_violated(sim, GX_SIM_ACKED, i, "an event that was acknowledged is not the newest of its log");
}

enum held { HELD, LACKING, ANOTHER, BEFORE };

static enum held held(struct gx_engine *e, struct gx_group *g, const struct sim_acked *a)
{
    struct gx_event ev;
    struct gx_body body;
    enum held found = LACKING;

    for (uint32_t at = gx_group_log(g, &a->log); at != GX_NONE; at = gx_group_next_branch(g, &a->log, at + 1)) {
        const struct gx_log_row *row = &g->logs[at].row;

        if (a->seq <= row->base_seq) {
            found = BEFORE;
            continue;
        }
        if (a->seq > row->head_seq)
            continue;
        gx_arena_reset(&e->arena);
        if (!gx_group_read(e, g, &g->logs[at], a->seq, &ev, &body))
            return ANOTHER;
        if (gx_event_id_equal(&ev.id, &a->id))
            return HELD;
        found = ANOTHER;
    }
    return found;
}

/* Of several memberships in a group the newest is meant; one of before has what was said before. */
static enum held held_anywhere(struct gx_engine *e, const struct sim_acked *a)
{
    struct gx_group *g = group_of(e, &a->group);
    enum held found = g == NULL ? LACKING : held(e, g, a);

    for (uint32_t k = 0; k < e->n_groups && found != HELD; k++)
        if (gx_group_id_equal(&e->groups[k]->row.id, &a->group) && held(e, e->groups[k], a) == HELD)
            found = HELD;
    return found;
}

bool sim_holds(struct gx_sim *sim, uint32_t node, const struct sim_acked *a)
{
    struct gx_engine *e = sim->nodes[node].engine;
    bool found = e != NULL && held_anywhere(e, a) == HELD;

    if (e != NULL)
        gx_txn_abort(&e->txn);
    return found;
}

void sim_started(struct gx_sim *sim, uint32_t i)
{
    struct gx_engine *e = sim->nodes[i].engine;

    for (uint32_t k = 0; k < sim->n_acked && sim_is_honest(sim, i); k++) {
        const struct sim_acked *a = &sim->acked[k];
        bool lost = sim->nodes[i].lost_ms != 0 && a->at_ms <= sim->nodes[i].lost_ms;

        if (a->node == i && !lost && held_anywhere(e, a) != HELD)
            sim_violated(sim, GX_SIM_ACKED, i, "message %u of its own was acknowledged, and is not in the store after a crash", a->seq);
    }
    gx_txn_abort(&e->txn);
}

/* --- at rest ---------------------------------------------------------------------------------------------------------------------------------- */

static void say_problem(void *ctx, const char *line)
{
    snprintf(ctx, 160, "%s", line);
}

static bool anybody_lies(const struct gx_sim *sim)
{
    bool found = false;

    for (uint32_t i = 0; i < sim->options.n_nodes && !found; i++)
        found = !sim_is_honest(sim, i);
    return found;
}

static void check_store(struct gx_sim *sim, uint32_t i)
{
    if (!sim->nodes[i].up || !sim_is_honest(sim, i))
        return;

    struct gx_check_report report;
    struct gx_txn *txn = NULL;
    char line[160] = "";

    if (gx_txn_begin(&txn, sim->nodes[i].store, false) != GX_OK || gx_store_check(txn, &report, say_problem, line) != GX_OK)
        sim_violated(sim, GX_SIM_STORE, i, "its store cannot be checked");
    else if (report.problems != 0)
        sim_violated(sim, GX_SIM_STORE, i, "%llu problems, the last: %s", (unsigned long long)report.problems, line);
    else if (report.covered_unsigned != 0 && !anybody_lies(sim))    /* who passes a chunk on can spoil signatures that its last one stands for */
        sim_violated(sim, GX_SIM_STORE, i, "%llu signatures do not hold of events that a later one proves", (unsigned long long)report.covered_unsigned);
    else
        sim->counts.events_checked += report.events;
    gx_txn_abort(&txn);
}

/* What the law says, counted anew along its resolved order by the plain rules: seats, limits, uses, bans. */
struct recount {
    bool *in, *banned;          /* by person */
    uint32_t *used;             /* by operation: of a token */
    bool *revoked;              /* by operation, likewise */
    uint8_t *rank;              /* by person: 2 owner, 1 admin */
    uint32_t n;
};

/* Who left asks anew: the request names the LEAVE, or something that knows it. */
static bool is_asked_anew(const struct gx_group *g, uint32_t admit)
{
    const struct gx_law_node *x = &g->law.nodes[admit];
    bool anew = true;

    for (uint32_t l = g->law.now.standings[x->op.target].removals; l != GX_LAW_NONE && anew; l = g->law.now.results[l].next) {
        if (g->law.nodes[l].op.kind != GX_OP_LEAVE || !gx_law_past(&g->law, l, admit))
            continue;
        anew = false;
        for (uint32_t k = 0; k < x->n_heads && !anew; k++)
            anew = g->law.heads[x->heads + k] == l || gx_law_past(&g->law, l, g->law.heads[x->heads + k]);
    }
    return anew;
}

/* A removal wins over what is concurrent with it: an admission that does not know of one before it takes a seat of its code, and lets nobody in. */
static bool is_kept_out(const struct gx_group *g, uint32_t admit)
{
    const struct gx_law_run *now = &g->law.now;
    bool kept = false;

    for (uint32_t r = now->standings[g->law.nodes[admit].op.target].removals; r != GX_LAW_NONE && !kept; r = now->results[r].next)
        kept = now->results[r].pos < now->results[admit].pos && !gx_law_past(&g->law, r, admit);
    return kept;
}

static void recount_admit(struct gx_sim *sim, uint32_t i, const struct gx_group *g, struct recount *r, uint32_t op)
{
    const struct gx_law_op *o = &g->law.nodes[op].op;

    if (!r->in[o->target] && r->n >= g->rules.cap)
        sim_violated(sim, GX_SIM_CAP, i, "somebody came in as member %u, and the cap is %u", r->n + 1, g->rules.cap);
    if (!r->in[o->target] && o->qr && r->n >= g->rules.qr_max)
        sim_violated(sim, GX_SIM_QR, i, "somebody came in by QR as member %u, and the limit is %u", r->n + 1, g->rules.qr_max);
    if (r->banned[o->target])
        sim_violated(sim, GX_SIM_SEATS, i, "somebody who is banned was let in");
    if (!is_asked_anew(g, op))
        sim_violated(sim, GX_SIM_SEATS, i, "somebody who left was let in by a request from before");
    if (o->qr && o->token < g->law.n_ops) {
        uint32_t uses = g->law.nodes[o->token].op.uses;

        if (r->revoked[o->token])
            sim_violated(sim, GX_SIM_SEATS, i, "somebody came in by a code that was revoked");
        if (++r->used[o->token] > uses && uses > 0)
            sim_violated(sim, GX_SIM_SEATS, i, "%u came in by a code for %u", r->used[o->token], uses);
    }
    if (r->in[o->target] || is_kept_out(g, op))
        return;
    r->n++;
    r->in[o->target] = true;
}

static void recount(struct gx_sim *sim, uint32_t i, const struct gx_group *g)
{
    struct recount r = {.in = calloc(g->law.n_persons + 1, sizeof *r.in), .banned = calloc(g->law.n_persons + 1, sizeof *r.banned),
                        .used = calloc(g->law.n_ops + 1, sizeof *r.used), .revoked = calloc(g->law.n_ops + 1, sizeof *r.revoked),
                        .rank = calloc(g->law.n_persons + 1, sizeof *r.rank)};

    GX_ASSERT(r.in != NULL && r.banned != NULL && r.used != NULL && r.revoked != NULL && r.rank != NULL);
    for (uint32_t k = 0; k < g->law.now.n_order; k++) {
        uint32_t op = g->law.now.order[k];
        const struct gx_law_op *o = &g->law.nodes[op].op;
        uint32_t who = o->kind == GX_OP_LEAVE ? o->author : o->target;

        if (!gx_law_effective(&g->law, op))
            continue;
        if (o->kind == GX_OP_REVOKE && o->token < g->law.n_ops)
            r.revoked[o->token] = true;
        if (who >= g->law.n_persons)
            continue;
        if ((o->kind == GX_OP_REMOVE || o->kind == GX_OP_BAN) && r.in[who] && r.rank[o->author] <= r.rank[who])
            sim_violated(sim, GX_SIM_SEATS, i, "somebody was removed by one of no higher rank");
        if (o->kind == GX_OP_CREATE || o->kind == GX_OP_TRANSFER)
            r.rank[who] = 2;
        if (o->kind == GX_OP_TRANSFER)          /* who was the owner is an admin */
            r.rank[o->author] = 1;
        if (o->kind == GX_OP_PROMOTE || o->kind == GX_OP_DEMOTE || o->kind == GX_OP_LEAVE || o->kind == GX_OP_REMOVE || o->kind == GX_OP_BAN)
            r.rank[who] = o->kind == GX_OP_PROMOTE;
        if (o->kind == GX_OP_CREATE || o->kind == GX_OP_ADMIT)
            recount_admit(sim, i, g, &r, op);
        if (o->kind == GX_OP_REMOVE || o->kind == GX_OP_BAN || o->kind == GX_OP_LEAVE) {
            r.n -= r.in[who];
            r.in[who] = false;
        }
        if (o->kind == GX_OP_BAN || o->kind == GX_OP_UNBAN)
            r.banned[who] = o->kind == GX_OP_BAN;
    }
    for (uint32_t p = 0; p < g->law.n_persons; p++)
        if (r.in[p] != gx_law_is_member(&g->law, p))
            sim_violated(sim, GX_SIM_SEATS, i, "person %u is %s, and counted anew %s", p, r.in[p] ? "out" : "in", r.in[p] ? "in" : "out");
    if (r.n != g->law.now.n_members)
        sim_violated(sim, GX_SIM_SEATS, i, "%u members, and counted anew %u", g->law.now.n_members, r.n);
    free(r.in);
    free(r.banned);
    free(r.used);
    free(r.revoked);
    free(r.rank);
}

static void show(struct gx_sim *sim, uint32_t i, const struct gx_group *g, char state[65])
{
    struct gx_sim_reply reply;
    char where[66] = ":";
    struct gx_command cmd = {.method = GX_CMD_GROUP_SHOW, .group = where, .given = 1u << GX_PARAM_GROUP};

    gx_hex(where + 1, g->row.id.b, sizeof g->row.id.b);
    if (!gx_sim_ask(sim, &reply, i, cmd, 0) || !gx_sim_value(&reply, state, 65, "state_hash"))
        snprintf(state, 65, "%s", reply.error);
}

/* Members whose node knows that they are: they know all that there is to know. */
static void check_states(struct gx_sim *sim)
{
    struct seen { struct gx_group_id group; char state[65]; uint32_t node; } *seen = NULL;
    uint32_t n = 0, cap = 0;

    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        struct gx_engine *e = sim->nodes[i].engine;

        for (uint32_t k = 0; e != NULL && k < e->n_groups; k++) {
            struct gx_group *g = e->groups[k];
            char state[65];
            uint32_t at = 0;

            if (!g->has_create || !gx_group_is_member(g) || !sim_is_honest(sim, i))
                continue;
            recount(sim, i, g);
            show(sim, i, g, state);
            while (at < n && !gx_group_id_equal(&seen[at].group, &g->row.id))
                at++;
            if (at == n) {
                seen = sim_grow(seen, &cap, n, sizeof *seen);
                seen[n] = (struct seen){.group = g->row.id, .node = i};
                snprintf(seen[n++].state, sizeof seen->state, "%s", state);
            } else if (strcmp(seen[at].state, state) != 0) {
                sim_violated(sim, GX_SIM_STATE, i, "its state is %.16s, and that of %s is %.16s", state, gx_sim_node_name(sim, seen[at].node),
                             seen[at].state);
            }
        }
    }
    free(seen);
}

static uint32_t person_of(const struct gx_group *g, const struct gx_sign_pk *member)
{
    uint32_t p = 0;

    while (p < g->law.n_persons && !gx_sign_pk_equal(&g->law.persons[p].member, member))
        p++;
    return p;
}

static bool is_in(const struct gx_group *g, const struct gx_sign_pk *member)
{
    uint32_t p = person_of(g, member);

    return p < g->law.n_persons && gx_law_is_member(&g->law, p);
}

/* Out by nothing but its own LEAVE. */
static bool has_left(const struct gx_group *g, const struct gx_sign_pk *member)
{
    uint32_t p = person_of(g, member), r = p == g->law.n_persons ? GX_LAW_NONE : g->law.now.standings[p].removals;
    bool left = r != GX_LAW_NONE && !gx_law_is_member(&g->law, p);

    for (; r != GX_LAW_NONE && left; r = g->law.now.results[r].next)
        left = g->law.nodes[r].op.kind == GX_OP_LEAVE;
    return left;
}

/* Does an admission of theirs count?  Who was let in by somebody who was removed meanwhile never was a member. */
static bool was_in(const struct gx_group *g, const struct gx_sign_pk *member)
{
    uint32_t p = person_of(g, member);

    return p != g->law.n_persons && g->law.now.standings[p].seat != GX_LAW_NONE;
}

/* Its author was a member when it was written, and is or left; then it gives what it wrote before it says that it left. */
static bool is_owed(struct gx_sim *sim, const struct sim_acked *a)
{
    const struct sim_node *author = &sim->nodes[a->node];
    const struct gx_group *g = author->engine == NULL ? NULL : group_of(author->engine, &a->group);

    if (member_since(author, &a->group) <= a->at_ms)
        return true;
    return g != NULL && g->row.state == GX_GROUP_LEFT && gx_sign_pk_equal(&g->row.intro.member, &a->member);
}

static bool anybody_has(struct gx_sim *sim, const struct sim_acked *a)
{
    bool found = sim->nodes[a->node].up && !a->lie;

    for (uint32_t i = 0; i < sim->options.n_nodes && !found; i++) {
        struct gx_engine *e = sim->nodes[i].engine;
        struct gx_group *g = e == NULL || !sim_is_honest(sim, i) || member_since(&sim->nodes[i], &a->group) == UINT64_MAX ? NULL : group_of(e, &a->group);

        found = g != NULL && held(e, g, a) == HELD;
    }
    return found;
}

/* Who is away, lies, or lost what it had, may have had it when it said so. */
static bool may_have(struct gx_sim *sim, uint32_t i, const struct sim_acked *a)
{
    return !sim->nodes[i].up || !sim_is_honest(sim, i) || sim->nodes[i].lost_ms != 0 || held_anywhere(sim->nodes[i].engine, a) == HELD;
}

/* Whoever left knew that this one is out: it does not count among those who hold something then. */
static bool knew_out(const struct gx_group *g, const struct gx_sign_pk *left, const struct gx_sign_pk *other)
{
    const struct gx_law_run *now = &g->law.now;
    uint32_t p = person_of(g, left), o = person_of(g, other);
    bool out = false;

    if (p == g->law.n_persons || o == g->law.n_persons)
        return false;
    for (uint32_t r = now->standings[o].removals; r != GX_LAW_NONE && !out; r = now->results[r].next) {
        out = true;
        for (uint32_t l = now->standings[p].removals; l != GX_LAW_NONE && out; l = now->results[l].next)
            out = gx_law_past(&g->law, r, l);
        for (uint32_t x = now->standings[o].admits; x != GX_LAW_NONE && out; x = now->results[x].next)
            out = !gx_law_past(&g->law, r, x);
    }
    return out;
}

/* Of who left the others get what one of them has.  What none has the LEAVE was to wait for (WIRE §6.1), unless somebody took it of whom the author could
 * not know that they were out, or that they would lie, be away or lose it: from one who is no member, as from one who left, nothing is taken. */
static bool is_owed_of_left(struct gx_sim *sim, const struct gx_group *g, const struct sim_acked *a)
{
    const struct sim_room *room = &sim->rooms[room_of(sim, &a->group)];
    bool lost = false;

    if (a->lie || !has_left(g, &a->member) || !was_in(g, &a->member))
        return false;
    for (uint32_t k = 0; k < room->n_nodes; k++) {
        const struct sim_node *node = &sim->nodes[room->nodes[k]];
        struct gx_group *its = node->engine == NULL ? NULL : group_of(node->engine, &a->group);

        if (room->nodes[k] == a->node || !may_have(sim, room->nodes[k], a))
            continue;
        if (its != NULL && sim_is_honest(sim, room->nodes[k]) && is_in(g, &its->row.intro.member) && held(node->engine, its, a) == HELD)
            return true;
        lost = lost || its == NULL || !knew_out(g, &a->member, &its->row.intro.member);
    }
    return !lost;
}

/* What its author is told of who has a message by now is not more than who has it: nobody leaves, or ends their node, in that belief. */
static void check_held(struct gx_sim *sim, const struct sim_acked *a)
{
    struct gx_group *g = !sim->nodes[a->node].up || sim->nodes[a->node].lost_ms != 0 ? NULL : group_of(sim->nodes[a->node].engine, &a->group);
    const struct sim_room *room = g == NULL ? NULL : &sim->rooms[room_of(sim, &a->group)];
    uint32_t by = 0, of = 0, have = 0;

    if (g == NULL || a->lie || g->own_messages == GX_NONE || !gx_log_id_equal(&g->logs[g->own_messages].row.id, &a->log))
        return;
    gx_messages_held(g, a->seq, &by, &of);
    if (by < a->n_held)             /* that counts the author */
        return;
    for (uint32_t k = 0; k < room->n_nodes; k++)
        have += room->nodes[k] != a->node && may_have(sim, room->nodes[k], a);
    if (by > have)
        sim_violated(sim, GX_SIM_DELIVERY, a->node, "it says that %u others have message %u, and %u do", by, a->seq, have);
}

/* Everybody who is up has what anybody has who is up: an author may be away. */
static void check_delivery(struct gx_sim *sim)
{
    for (uint32_t k = 0; k < sim->n_acked; k++) {
        struct sim_acked *a = &sim->acked[k];

        a->n_due = a->n_held = 0;
        /* What lay in a store that is lost is lost, unless others have it; who is out is not waited for. */
        if (a->lie ? a->too_late : !sim_is_honest(sim, a->node) || !is_owed(sim, a) || sim->nodes[a->node].lost_ms != 0)
            continue;
        if (!anybody_has(sim, a))
            continue;
        for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
            struct gx_engine *e = (a->due[i / 8] & 1u << i % 8) == 0 ? NULL : sim->nodes[i].engine;
            struct gx_group *g = e == NULL ? NULL : group_of(e, &a->group);

            if (g == NULL || member_since(&sim->nodes[i], &a->group) > a->at_ms || sim->nodes[i].lost_ms != 0 || !sim_is_honest(sim, i) ||
                !(is_in(g, &a->member) || is_owed_of_left(sim, g, a)))         /* who is away may be out and not know it */
                continue;

            enum held h = held_anywhere(e, a);

            if (!a->lie) {
                a->n_due++;
                a->n_held += h == HELD;
            }
            sim->counts.agreed += a->lie && h == HELD;
            if (h != HELD)
                sim_measure_missing(sim, k, i);
            if (h != HELD)
                sim_violated(sim, GX_SIM_DELIVERY, i, "message %u of %s, written at %llu ms, %s", a->seq, gx_sim_node_name(sim, a->node),
                             (unsigned long long)a->at_ms, h == LACKING ? "is not there" : h == BEFORE ? "is taken for one of before" : "is another");
        }
        check_held(sim, a);
        sim->counts.due += a->n_due;
        sim->counts.delivered += a->n_held;
    }
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)         /* one transaction a node was enough */
        if (sim->nodes[i].engine != NULL)
            gx_txn_abort(&sim->nodes[i].engine->txn);
}

struct gx_group *sim_group_at(const struct gx_sim *sim, uint32_t node, const char *where)
{
    struct gx_engine *e = sim->nodes[node].engine;
    struct gx_group *found = NULL;
    char hex[66] = ":";

    for (uint32_t k = 0; e != NULL && k < e->n_groups; k++) {
        gx_hex(hex + 1, e->groups[k]->row.id.b, sizeof e->groups[k]->row.id.b);
        if (strcmp(hex, where) == 0 && (found == NULL || gx_group_is_member(e->groups[k])))
            found = e->groups[k];
    }
    return found;
}

void sim_delivered(const struct gx_sim *sim, const char *where, uint64_t *due, uint64_t *delivered)
{
    char hex[66] = ":";

    *due = *delivered = 0;
    for (uint32_t k = 0; k < sim->n_acked; k++) {
        gx_hex(hex + 1, sim->acked[k].group.b, sizeof sim->acked[k].group.b);
        if (strcmp(hex, where) != 0)
            continue;
        *due += sim->acked[k].n_due;
        *delivered += sim->acked[k].n_held;
    }
}

void gx_sim_removed(struct gx_sim *sim, uint32_t node, uint32_t by)
{
    struct gx_engine *e = sim->nodes[by].engine;

    sim->nodes[node].removed_ms = sim->now_ms + 1;
    sim->nodes[node].removals++;
    /* What the remover has lies before the cut: it goes on to be shown, unless somebody else removes them too. */
    for (uint32_t k = 0; e != NULL && k < sim->n_acked; k++) {
        struct sim_acked *a = &sim->acked[k];
        struct gx_group *g = a->node == node ? group_of(e, &a->group) : NULL;

        a->before_cut = g != NULL && sim_is_honest(sim, node) && gx_group_is_member(g) && held(e, g, a) == HELD;
    }
    if (e != NULL)
        gx_txn_abort(&e->txn);
}

static uint32_t cut_of(const struct gx_group *g, uint32_t removal, const struct gx_log_id *log)
{
    for (uint32_t k = 0; k < g->n_cuts; k++)
        if (g->cuts[k].op == removal && gx_log_id_equal(&g->cuts[k].cut.log, log))
            return g->cuts[k].cut.seq;
    return 0;
}

/* Was its author removed in this membership, for good, and by who did not have it?  A cut is a number: a liar can write beside what was there.  Of who
 * was let in again behind it what they wrote while they were in goes on to be shown. */
static bool is_cut_off(const struct gx_group *g, const struct sim_acked *a)
{
    uint32_t p = person_of(g, &a->member);
    bool removed = false, again = false;

    for (uint32_t r = p == g->law.n_persons ? GX_LAW_NONE : g->law.now.standings[p].removals; r != GX_LAW_NONE; r = g->law.now.results[r].next) {
        removed = removed || (g->law.nodes[r].op.kind != GX_OP_LEAVE && cut_of(g, r, &a->log) < a->seq);
        for (uint32_t x = g->law.now.standings[p].admits; x != GX_LAW_NONE && !again; x = g->law.now.results[x].next)
            again = gx_law_past(&g->law, r, x);
    }
    return removed && !again;
}

/* Does it know an admission of its author that counts at g?  By what its log names up to it, where that is held from the start.  A message from before is
 * shown to nobody: who was let in by one who was out, and then by another, did not write it as a member.  LAW §11 */
static bool knows_admission(struct gx_sim *sim, const struct gx_group *g, const struct sim_acked *a)
{
    uint32_t p = person_of(g, &a->member);
    bool knows = false, found = false;

    for (uint32_t n = 0; n < sim->options.n_nodes && p < g->law.n_persons && !found; n++) {
        struct gx_engine *e = sim_is_honest(sim, n) ? sim->nodes[n].engine : NULL;
        struct gx_group *its = e == NULL ? NULL : group_of(e, &a->group);
        uint32_t log = its == NULL ? GX_NONE : gx_group_log(its, &a->log);

        found = log != GX_NONE && its->logs[log].row.base_seq == 0 && held(e, its, a) == HELD;
        for (uint32_t seq = 1; found && seq <= a->seq && !knows; seq++) {
            struct gx_event ev;
            struct gx_body body;

            gx_arena_reset(&e->arena);
            if (!gx_group_read(e, its, &its->logs[log], seq, &ev, &body))
                break;
            for (size_t d = 0; d < ev.n_deps && !knows; d++) {
                struct gx_event_id id = gx_event_dep(&ev, d);
                uint32_t op = gx_group_op(g, &id);

                for (uint32_t x = g->law.now.standings[p].admits; op != GX_NONE && x != GX_LAW_NONE && !knows; x = g->law.now.results[x].next)
                    knows = x == op || gx_law_past(&g->law, x, op);
            }
        }
        if (e != NULL)
            gx_txn_abort(&e->txn);
    }
    return knows;
}

/* What somebody writes after a removal the remover cannot have known: no node shows it.  What the remover had is shown on.  Who left and came in
 * again goes on to show what it had of before; that is another row of its own. */
static void check_shown_in(struct gx_sim *sim, uint32_t i, struct gx_group *g)
{
    char where[66] = ":", line[80] = "event=";
    struct gx_command cmd = {.method = GX_CMD_READ, .group = where, .given = 1u << GX_PARAM_LIMIT | 1u << GX_PARAM_GROUP};
    struct gx_sim_reply reply = {.done = false};

    gx_hex(where + 1, g->row.id.b, sizeof g->row.id.b);
    for (uint32_t k = 0; k < sim->n_acked; k++) {
        const struct sim_acked *a = &sim->acked[k];
        const struct sim_node *author = &sim->nodes[a->node];

        if (author->removed_ms == 0 || a->node == i || !gx_group_id_equal(&g->row.id, &a->group) || is_in(g, &a->member))
            continue;
        if (!reply.done)
            (void)gx_sim_ask(sim, &reply, i, cmd, 0);
        gx_hex(line + 6, a->id.b, sizeof a->id.b);

        bool shows = strstr(reply.values, line) != NULL;
        bool out = a->too_late && author->removals == 1 && is_cut_off(g, a);       /* of several removals the first may count for nothing */

        sim->counts.too_late += out;
        if (shows && out)
            sim_violated(sim, GX_SIM_SHOWN, i, "it shows message %u of %s, who was removed before it was written", a->seq, gx_sim_node_name(sim, a->node));
        if (!shows && a->before_cut && author->removals == 1 && author->lost_ms == 0 && sim->nodes[i].lost_ms == 0 &&
            (a->due[i / 8] & 1u << i % 8) != 0 && member_since(&sim->nodes[i], &a->group) <= a->at_ms && knows_admission(sim, g, a))
            sim_violated(sim, GX_SIM_SHOWN, i, "it does not show message %u of %s, which was there when they were removed", a->seq,
                         gx_sim_node_name(sim, a->node));
    }
}

static void check_shown(struct gx_sim *sim)
{
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)
        for (uint32_t k = 0; sim->nodes[i].up && sim_is_honest(sim, i) && k < sim->nodes[i].engine->n_groups; k++)
            if (gx_group_is_member(sim->nodes[i].engine->groups[k]))
                check_shown_in(sim, i, sim->nodes[i].engine->groups[k]);
}

uint64_t sim_reads(struct gx_sim *sim, uint32_t node, uint32_t author, uint64_t after_ms)
{
    struct gx_command cmd = {.method = GX_CMD_READ, .given = 1u << GX_PARAM_LIMIT};
    struct gx_sim_reply reply;
    char line[80] = "event=";
    uint64_t n = 0;

    (void)gx_sim_ask(sim, &reply, node, cmd, 0);
    for (uint32_t k = 0; k < sim->n_acked; k++) {
        if (sim->acked[k].node != author || sim->acked[k].at_ms < after_ms)
            continue;
        gx_hex(line + 6, sim->acked[k].id.b, sizeof sim->acked[k].id.b);
        n += strstr(reply.values, line) != NULL;
    }
    return n;
}

/* Two minutes in which nobody does anything: each connection is pinged twice at most, and who waits to be let in
 * tries whom it waits for every 15 s, should that one be away.  What liars still want of each other is theirs. */
static void check_idle(struct gx_sim *sim)
{
    uint64_t frames = sim->counts.frames - sim->counts.among_liars, connects = sim->counts.connects;
    uint32_t conns = sim->n_conns - sim->n_free;

    gx_sim_run(sim, 120000);
    frames = sim->counts.frames - sim->counts.among_liars - frames;
    connects = sim->counts.connects - connects;
    if (frames > 8ull * (conns + connects) + 8 || connects > 16ull * sim->options.n_nodes)
        sim_violated(sim, GX_SIM_IDLE, SIM_NONE, "%llu frames on %u connections and %llu new ones in two minutes of rest", (unsigned long long)frames, conns,
                     (unsigned long long)connects);
}

void gx_sim_check_heard(struct gx_sim *sim)
{
    const struct sim_acked *a = sim->n_acked == 0 ? NULL : &sim->acked[sim->n_acked - 1];
    const struct gx_group *by = a == NULL || !sim->nodes[a->node].up ? NULL : group_of(sim->nodes[a->node].engine, &a->group);

    for (uint32_t i = 0; by != NULL && i < sim->options.n_nodes; i++) {
        struct gx_engine *e = sim->nodes[i].engine;

        for (uint32_t k = 0; e != NULL && k < e->n_groups; k++) {
            struct gx_group *g = e->groups[k];

            /* A liar is out when who wrote says so; it may not know it. */
            if (gx_group_id_equal(&g->row.id, &a->group) && held(e, g, a) == HELD &&
                (sim_is_honest(sim, i) ? member_since(&sim->nodes[i], &a->group) == UINT64_MAX : !is_in(by, &g->row.intro.member)))
                sim_violated(sim, GX_SIM_SHOWN, i, "it is out, and got a message that was written long after");
        }
        if (e != NULL)
            gx_txn_abort(&e->txn);
    }
}

bool gx_sim_check(struct gx_sim *sim)
{
    sim_memo_use(sim);
    sim->counts.due = sim->counts.delivered = sim->counts.too_late = sim->counts.agreed = 0;
    check_idle(sim);
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)
        check_store(sim, i);
    check_states(sim);
    check_delivery(sim);
    check_shown(sim);
    sim_check_again(sim);
    return sim->n_violations == 0;
}
