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
uint64_t sim_member_since(const struct sim_node *node, const struct gx_group_id *group)
{
    for (uint32_t i = 0; i < node->n_members; i++)
        if (gx_group_id_equal(&node->members[i].group, group) && node->members[i].member)
            return node->members[i].since_ms;
    return UINT64_MAX;
}

struct gx_group *sim_group_of(struct gx_engine *e, const struct gx_group_id *id)
{
    struct gx_group *found = NULL;

    for (uint32_t k = 0; k < e->n_groups; k++)          /* who came in again has a row of before, too */
        if (gx_group_id_equal(&e->groups[k]->row.id, id) && (found == NULL || gx_group_is_member(e->groups[k])))
            found = e->groups[k];
    return found;
}

uint32_t sim_room_of(struct gx_sim *sim, const struct gx_group_id *group)
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
        node->members[node->n_members++] = (struct sim_member){.group = g->row.id, .room = sim_room_of(sim, &g->row.id)};

        struct sim_room *room = &sim->rooms[node->members[i].room];

        room->nodes = sim_grow(room->nodes, &room->cap_nodes, room->n_nodes, sizeof *room->nodes);
        room->nodes[room->n_nodes++] = node_at;
    }
    if (member && !node->members[i].member) {
        node->members[i].since_ms = sim->now_ms;
        node->members[i].times++;
        began = true;
    }
    node->members[i].member = member;
    return began;
}

/* Is the device of a channel a member's?  Who is one stays so while the law and the logs do. */
static bool is_live(struct sim_node *node, const struct gx_session *s, const struct gx_channel *c, const struct gx_group *g)
{
    struct sim_live *known = &node->live[(s->id * 7 + c->group) % SIM_LIVE_KEPT];

    if (known->session == s->id && known->gnum == c->group && known->life == node->life && known->generation == g->law.generation &&
        known->n_logs == g->n_logs && gx_sign_pk_equal(&known->device, &c->device))
        return true;
    if (!gx_group_live(g, &c->device))
        return false;
    *known = (struct sim_live){.session = s->id, .gnum = c->group, .life = node->life, .generation = g->law.generation, .n_logs = g->n_logs,
                               .device = c->device};
    return true;
}

/* Who was cut stays out as long as that says. */
static void look_shut(struct gx_sim *sim, uint32_t i, const struct gx_channel *c, const struct gx_group *g)
{
    const struct gx_engine *e = sim->nodes[i].engine;
    uint32_t log = gx_idmap_get(&g->log_by_device, c->device.b);
    const struct gx_account *a = log == GX_NONE ? NULL : g->logs[log].account;

    if (a != NULL && c->started && e->now.mono_ms < a->shut_until_ms && c->started_ms + a->shut_ms > a->shut_until_ms)
        sim_violated(sim, GX_SIM_BOUNDS, i, "a device that was cut is served %llu ms too early", (unsigned long long)(a->shut_until_ms - e->now.mono_ms));
}

/* Tags show interest; what serves is the device key. */
static void look_served(struct gx_sim *sim, uint32_t i, const struct gx_session *s)
{
    for (uint32_t k = 0; k < s->n_channels; k++) {
        const struct gx_channel *c = &s->channels[k];
        const struct gx_group *g = gx_channel_shared(c) ? gx_group_by_gnum(sim->nodes[i].engine, c->group) : NULL;

        if (g != NULL && !is_live(&sim->nodes[i], s, c, g))
            sim_violated(sim, GX_SIM_SERVED, i, "it serves a device that is no member's in its view");
        if (g != NULL)
            look_shut(sim, i, c, g);
    }
}

/* Nobody is served, or heard, who spent more than it may, and one answer, or frame, too many is all that it gets.  budget.c */
static void look_accounts(struct gx_sim *sim, uint32_t i, const struct gx_group *g)
{
    int64_t most = (int64_t)GX_WANT_CHUNKS_MAX * GX_FRAME_BYTES_MAX + GX_FRAME_BYTES_MAX;

    for (uint32_t k = 0; k < g->n_logs; k++)
        if (g->logs[k].account != NULL && g->logs[k].account->again.left < -most)
            sim_violated(sim, GX_SIM_BOUNDS, i, "a device is %lld bytes beyond what it may be given again", -(long long)g->logs[k].account->again.left);
    for (uint32_t k = 0; k < g->n_logs; k++)
        if (g->logs[k].account != NULL && g->logs[k].account->waste.left < -(int64_t)GX_FRAME_BYTES_MAX)
            sim_violated(sim, GX_SIM_BOUNDS, i, "a device sent %lld bytes for nothing, beyond what it may", -(long long)g->logs[k].account->waste.left);
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
        look_served(sim, i, s);
    }
    if (e->next_ticket - e->answered_ticket - 1 > GX_VERIFIES_MAX || e->job_bytes > GX_JOB_BYTES_MAX || e->arena.bytes > GX_EFFECTS_BYTES_MAX + (1u << 20) || e->n_sessions > GX_SESSIONS_MAX)
        sim_violated(sim, GX_SIM_BOUNDS, i, "%u jobs of %zu bytes, %zu bytes of effects, %u sessions", e->n_jobs, e->job_bytes, e->arena.bytes, e->n_sessions);
    for (uint32_t k = 0; k < e->n_groups; k++)
        look_accounts(sim, i, e->groups[k]);
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
        if (note_member(sim, i, g, gx_group_is_member(sim_group_of(e, &g->row.id)))) {
            sim->counts.joined++;
            sim_came(sim, i, g);
        }
        if (g->law.now.n_members > g->rules.cap && sim_is_honest(sim, i))
            sim_violated(sim, GX_SIM_CAP, i, "%u members where %u may be", g->law.now.n_members, g->rules.cap);
    }
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
            sim_recount(sim, i, g);
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

uint32_t sim_person_of(const struct gx_group *g, const struct gx_sign_pk *member)
{
    uint32_t p = 0;

    while (p < g->law.n_persons && !gx_sign_pk_equal(&g->law.persons[p].member, member))
        p++;
    return p;
}

bool sim_is_in(const struct gx_group *g, const struct gx_sign_pk *member)
{
    uint32_t p = sim_person_of(g, member);

    return p < g->law.n_persons && gx_law_is_member(&g->law, p);
}

static const struct gx_group *members_view(struct gx_sim *sim, const struct gx_group_id *id)
{
    const struct gx_group *found = NULL;

    for (uint32_t i = 0; i < sim->options.n_nodes && found == NULL; i++) {
        struct gx_group *g = sim->nodes[i].engine == NULL || !sim_is_honest(sim, i) ? NULL : sim_group_of(sim->nodes[i].engine, id);

        found = g != NULL && gx_group_is_member(g) ? g : NULL;
    }
    return found;
}

/* Whoever is a member knows it. */
static void check_known(struct gx_sim *sim)
{
    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        struct gx_engine *e = sim->nodes[i].engine;

        for (uint32_t k = 0; e != NULL && k < e->n_groups && sim_is_honest(sim, i) && sim->nodes[i].lost_ms == 0; k++) {
            struct gx_group *g = e->groups[k];
            const struct gx_group *view = g->row.state != GX_GROUP_REMOVED || !gx_group_speaks(e, g) ? NULL : members_view(sim, &g->row.id);

            if (view != NULL && sim_is_in(view, &g->row.intro.member))
                sim_violated(sim, GX_SIM_STATE, i, "it is a member, and does not know it");
        }
    }
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

bool gx_sim_check(struct gx_sim *sim)
{
    sim_memo_use(sim);
    sim->counts.due = sim->counts.delivered = sim->counts.too_late = sim->counts.agreed = 0;
    sim->counts.dropped = sim->counts.sealed = sim->counts.locked = sim->counts.before = sim->counts.epochs = 0;
    check_idle(sim);
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)
        check_store(sim, i);
    check_states(sim);
    check_known(sim);
    sim_check_delivery(sim);
    sim_check_shown(sim);
    sim_check_secrets(sim);
    sim_check_removals(sim);
    sim_check_again(sim);
    return sim->n_violations == 0;
}
