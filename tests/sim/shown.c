/* Whose messages are shown, and to whom: what was written behind a removal by nobody, what lies before it on and on. */
#include "tests/sim/internal.h"

#include <string.h>

void gx_sim_removed(struct gx_sim *sim, uint32_t node, uint32_t by)
{
    struct gx_engine *e = sim->nodes[by].engine;

    sim->nodes[node].removed_ms = sim->now_ms + 1;
    sim->nodes[node].removals++;
    sim_removal_note(sim, node, by);
    /* What the remover has lies before the cut: it goes on to be shown, unless somebody else removes them too. */
    for (uint32_t k = 0; e != NULL && k < sim->n_acked; k++) {
        struct sim_acked *a = &sim->acked[k];
        struct gx_group *g = a->node == node ? sim_group_of(e, &a->group) : NULL;

        a->before_cut = g != NULL && sim_is_honest(sim, node) && gx_group_is_member(g) && sim_held(e, g, a) == SIM_HELD;
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
    uint32_t p = sim_person_of(g, &a->member);
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
    uint32_t p = sim_person_of(g, &a->member);
    bool knows = false, found = false;

    for (uint32_t n = 0; n < sim->options.n_nodes && p < g->law.n_persons && !found; n++) {
        struct gx_engine *e = sim_is_honest(sim, n) ? sim->nodes[n].engine : NULL;
        struct gx_group *its = e == NULL ? NULL : sim_group_of(e, &a->group);
        uint32_t log = its == NULL ? GX_NONE : gx_group_log(its, &a->log);

        found = log != GX_NONE && its->logs[log].row.base_seq == 0 && sim_held(e, its, a) == SIM_HELD;
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

        if (author->removed_ms == 0 || a->node == i || !gx_group_id_equal(&g->row.id, &a->group) || sim_is_in(g, &a->member))
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
            (a->due[i / 8] & 1u << i % 8) != 0 && sim_member_since(&sim->nodes[i], &a->group) <= a->at_ms && knows_admission(sim, g, a))
            sim_violated(sim, GX_SIM_SHOWN, i, "it does not show message %u of %s, which was there when they were removed", a->seq,
                         gx_sim_node_name(sim, a->node));
    }
}

/* Does node i show it?  Of a branch, too.  false as well where it does not hold it (*held). */
static bool shows(struct gx_sim *sim, uint32_t i, struct gx_group *g, const struct sim_acked *a, bool *held)
{
    *held = sim_held(sim->nodes[i].engine, g, a) == SIM_HELD;
    for (uint32_t at = gx_group_log(g, &a->log); at != GX_NONE && *held; at = gx_group_next_branch(g, &a->log, at + 1))
        if (a->seq > g->logs[at].row.base_seq && a->seq <= g->logs[at].row.head_seq)
            return gx_message_shown(g, &g->logs[at], a->seq);
    return false;
}

/* What a newcomer was given of before it shows as one who holds that log from its start, and came in once. */
static void check_before(struct gx_sim *sim, const struct sim_acked *a)
{
    struct gx_group *of = NULL;
    bool held = false, there = false;

    for (uint32_t i = 0; i < sim->options.n_nodes && of == NULL && !a->lie; i++) {
        struct gx_group *g = sim->nodes[i].up && sim_is_honest(sim, i) ? sim_group_of(sim->nodes[i].engine, &a->group) : NULL;
        uint32_t log = g == NULL || !gx_group_is_member(g) || g->rules.history == 0 ? GX_NONE : gx_group_log(g, &a->log);

        if (log == GX_NONE || g->logs[log].row.base_seq != 0 || gx_group_is_forked(g, log))
            continue;
        there = shows(sim, i, g, a, &held);
        of = held ? g : NULL;
    }
    for (uint32_t i = 0; i < sim->options.n_nodes && of != NULL; i++) {
        struct gx_group *g = sim->nodes[i].up && sim_is_honest(sim, i) ? sim_group_of(sim->nodes[i].engine, &a->group) : NULL;
        uint32_t seat = g == NULL || !gx_group_is_member(g) ? GX_LAW_NONE : gx_law_seat(&g->law, g->me);

        if (seat == GX_LAW_NONE || a->tick >= g->ops[seat].tick || shows(sim, i, g, a, &held) == there || !held)
            continue;
        sim_violated(sim, GX_SIM_SHOWN, i, "message %u of %s is from before it came, and it %s it", a->seq, gx_sim_node_name(sim, a->node),
                     there ? "does not show" : "alone shows");
    }
}

void sim_check_shown(struct gx_sim *sim)
{
    for (uint32_t k = 0; k < sim->n_acked; k++)
        check_before(sim, &sim->acked[k]);
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

void gx_sim_check_heard(struct gx_sim *sim)
{
    const struct sim_acked *a = sim->n_acked == 0 ? NULL : &sim->acked[sim->n_acked - 1];
    const struct gx_group *by = a == NULL || !sim->nodes[a->node].up ? NULL : sim_group_of(sim->nodes[a->node].engine, &a->group);

    for (uint32_t i = 0; by != NULL && i < sim->options.n_nodes; i++) {
        struct gx_engine *e = sim->nodes[i].engine;

        for (uint32_t k = 0; e != NULL && k < e->n_groups; k++) {
            struct gx_group *g = e->groups[k];

            /* A liar is out when who wrote says so; it may not know it. */
            if (gx_group_id_equal(&g->row.id, &a->group) && sim_held(e, g, a) == SIM_HELD &&
                (sim_is_honest(sim, i) ? sim_member_since(&sim->nodes[i], &a->group) == UINT64_MAX : !sim_is_in(by, &g->row.intro.member)))
                sim_violated(sim, GX_SIM_SHOWN, i, "it is out, and got a message that was written long after");
        }
        if (e != NULL)
            gx_txn_abort(&e->txn);
    }
}
