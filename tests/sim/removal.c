/* How long a removal takes until it is heard, and what is sealed to the removed one meanwhile: who has not heard of it goes on to speak to them.  KEYS,
 * "What this does not protect". */
#include "tests/sim/internal.h"

#include <stdlib.h>

/* A message that was written behind a removal. */
struct sim_after {
    uint32_t acked;
    bool knew;              /* its author had heard of it, and of nobody who let them in since */
};

struct sim_removal {
    struct gx_group_id group;
    struct gx_event_id op;
    struct gx_sign_pk member;       /* who is out */
    uint32_t node, by;              /* theirs, and whose it was */
    uint64_t at_ms;
    bool apart;                     /* some link was cut then */
    bool good;                      /* it counts: as found at the last rest */
    uint64_t *heard_ms;             /* by node; 0: not yet; UINT64_MAX: it is not waited for */
    uint32_t n_waiting;
    struct sim_after *after;
    uint32_t n_after, cap_after;
};

static bool has_heard(struct gx_engine *e, const struct sim_removal *r)
{
    const struct gx_group *g = sim_group_of(e, &r->group);

    return g != NULL && gx_group_op(g, &r->op) != GX_NONE;
}

static bool is_noted(const struct gx_sim *sim, const struct gx_event_id *op)
{
    bool found = false;

    for (uint32_t k = 0; k < sim->n_removals && !found; k++)
        found = gx_event_id_equal(&sim->removals[k].op, op);
    return found;
}

/* The newest removal of that node's own, in the group where it was not noted yet. */
static uint32_t newest_own(const struct gx_sim *sim, const struct gx_group *g)
{
    for (uint32_t op = g->law.n_ops; op-- > 0;) {
        const struct gx_law_op *o = &g->law.nodes[op].op;

        if ((o->kind == GX_OP_REMOVE || o->kind == GX_OP_BAN) && o->author == g->me)
            return is_noted(sim, &o->id) ? GX_NONE : op;
    }
    return GX_NONE;
}

static void note(struct gx_sim *sim, uint32_t node, uint32_t by, const struct gx_group *g, uint32_t op)
{
    struct sim_removal *r = NULL;

    sim->removals = sim_grow(sim->removals, &sim->cap_removals, sim->n_removals, sizeof *sim->removals);
    r = &sim->removals[sim->n_removals++];
    *r = (struct sim_removal){.group = g->row.id, .op = g->law.nodes[op].op.id, .member = g->law.persons[g->law.nodes[op].op.target].member, .node = node, .by = by,
                              .at_ms = sim->now_ms, .apart = sim_is_cut(sim), .heard_ms = calloc(sim->options.n_nodes, sizeof *r->heard_ms)};
    GX_ASSERT(r->heard_ms != NULL);
    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        bool waits = i != node && i != by && sim_is_honest(sim, i) && sim_member_since(&sim->nodes[i], &r->group) != UINT64_MAX;

        r->heard_ms[i] = waits ? 0 : UINT64_MAX;
        r->n_waiting += waits;
    }
}

void sim_removal_note(struct gx_sim *sim, uint32_t node, uint32_t by)
{
    const struct gx_engine *e = sim->nodes[by].engine;

    for (uint32_t k = 0; e != NULL && k < e->n_groups; k++) {
        uint32_t op = e->groups[k]->me == GX_NONE ? GX_NONE : newest_own(sim, e->groups[k]);

        if (op != GX_NONE)
            note(sim, node, by, e->groups[k], op);
    }
}

void sim_removal_step(struct gx_sim *sim, uint32_t i)
{
    for (uint32_t k = 0; k < sim->n_removals; k++) {
        struct sim_removal *r = &sim->removals[k];

        if (r->n_waiting == 0 || r->heard_ms[i] != 0 || !has_heard(sim->nodes[i].engine, r))
            continue;
        r->heard_ms[i] = sim->now_ms;
        r->n_waiting--;
    }
}

/* A command is the last input of its step: what its node knows now it knew when it wrote. */
void sim_removal_sent(struct gx_sim *sim)
{
    const struct sim_acked *a = &sim->acked[sim->n_acked - 1];
    struct gx_engine *e = sim->nodes[a->node].engine;

    for (uint32_t k = 0; k < sim->n_removals; k++) {
        struct sim_removal *r = &sim->removals[k];

        if (!gx_group_id_equal(&r->group, &a->group) || r->node == a->node)
            continue;
        r->after = sim_grow(r->after, &r->cap_after, r->n_after, sizeof *r->after);
        r->after[r->n_after++] = (struct sim_after){.acked = sim->n_acked - 1, .knew = has_heard(e, r) && !sim_is_in(sim_group_of(e, &r->group), &r->member)};
    }
}

void sim_removals_free(struct gx_sim *sim)
{
    for (uint32_t k = 0; k < sim->n_removals; k++) {
        free(sim->removals[k].heard_ms);
        free(sim->removals[k].after);
    }
    free(sim->removals);
}

/* --- at rest ---------------------------------------------------------------------------------------------------------------------------------- */

/* Does it count, for somebody who was in until then and has not been let in since? */
static bool is_for_good(const struct gx_group *view, const struct sim_removal *r)
{
    const struct gx_law *law = &view->law;
    uint32_t op = gx_group_op(view, &r->op), p = sim_person_of(view, &r->member);
    bool good = op != GX_NONE && p != law->n_persons && gx_law_effective(law, op) && !gx_law_is_member(law, p);

    for (uint32_t x = good ? law->now.standings[p].admits : GX_LAW_NONE; x != GX_LAW_NONE && good; x = law->now.results[x].next)
        good = !gx_law_past(law, op, x);
    for (uint32_t x = good ? law->now.standings[p].removals : GX_LAW_NONE; x != GX_LAW_NONE && good; x = law->now.results[x].next)
        good = law->nodes[x].op.kind != GX_OP_LEAVE || !gx_law_past(law, x, op);
    return good;
}

static bool is_same_person(const struct sim_removal *a, const struct sim_removal *b)
{
    return gx_group_id_equal(&a->group, &b->group) && gx_sign_pk_equal(&a->member, &b->member);
}

/* Of several removals of one person that count the first is when it happened, and who knows of any knows. */
static bool is_first(const struct gx_sim *sim, uint32_t at)
{
    bool first = sim->removals[at].good;

    for (uint32_t k = 0; k < at && first; k++)
        first = !sim->removals[k].good || !is_same_person(&sim->removals[k], &sim->removals[at]);
    return first;
}

static bool knew_any(const struct gx_sim *sim, uint32_t first, uint32_t acked)
{
    bool knew = false;

    for (uint32_t k = first; k < sim->n_removals && !knew; k++) {
        const struct sim_removal *r = &sim->removals[k];
        bool same = r->good && is_same_person(r, &sim->removals[first]);

        for (uint32_t n = 0; n < r->n_after && same && !knew; n++)
            knew = r->after[n].acked == acked && r->after[n].knew;
    }
    return knew;
}

/* When a node first heard of any; 0: never; UINT64_MAX: it is not waited for. */
static uint64_t heard_any(const struct gx_sim *sim, uint32_t first, uint32_t node)
{
    uint64_t ms = sim->removals[first].heard_ms[node];

    for (uint32_t k = first + 1; k < sim->n_removals && ms != UINT64_MAX; k++) {
        const struct sim_removal *r = &sim->removals[k];
        uint64_t other = r->by == node ? r->at_ms : r->heard_ms[node];

        if (r->good && is_same_person(r, &sim->removals[first]) && other != 0 && other != UINT64_MAX)
            ms = other < ms || ms == 0 ? other : ms;
    }
    return ms;
}

static void count_heard(struct gx_sim *sim, uint32_t at, const struct gx_group *view)
{
    const struct sim_removal *r = &sim->removals[at];

    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        struct gx_group *g = !sim->nodes[i].up || !sim_is_honest(sim, i) ? NULL : sim_group_of(sim->nodes[i].engine, &r->group);
        uint64_t ms = g == NULL || sim_member_since(&sim->nodes[i], &r->group) > r->at_ms || !sim_is_in(view, &g->row.intro.member)
                          ? UINT64_MAX : heard_any(sim, at, i);

        if (ms != UINT64_MAX && ms != 0)
            gx_sim_spread_note(&sim->removed.heard, ms - r->at_ms, 1);
        sim->removed.unheard += ms == 0;
    }
}

/* Under which epoch it was written, as somebody says who holds it. */
static bool epoch_of(struct gx_sim *sim, const struct sim_acked *a, struct gx_event_id *epoch)
{
    bool found = false;

    for (uint32_t i = 0; i < sim->options.n_nodes && !found; i++) {
        struct gx_engine *e = sim_is_honest(sim, i) ? sim->nodes[i].engine : NULL;
        struct gx_group *g = e == NULL ? NULL : sim_group_of(e, &a->group);

        found = g != NULL && sim_reads_message(e, g, a, epoch) != SIM_NOT_HELD;
    }
    return found;
}

/* Whom its epoch lists can read it, whether it has come to them or not. */
static void count_message(struct gx_sim *sim, uint32_t at, struct gx_engine *e, struct gx_group *view, uint32_t acked)
{
    const struct sim_removal *r = &sim->removals[at];
    const struct sim_acked *a = &sim->acked[acked];
    struct gx_engine *out = sim->nodes[r->node].engine;
    struct gx_group *its = out == NULL ? NULL : sim_group_of(out, &r->group);
    bool knew = knew_any(sim, at, acked), listed = false;
    struct gx_event_id epoch;

    if (a->lie || a->too_late || !sim_is_honest(sim, a->node) || !epoch_of(sim, a, &epoch))
        return;
    listed = sim_is_listed(e, view, &epoch, &r->member);
    sim->removed.behind += knew;
    sim->removed.knowing += knew && listed;
    if (knew && listed)
        sim_violated(sim, GX_SIM_SECRETS, a->node, "it sealed message %u to %s, of whose removal it had heard", a->seq, gx_sim_node_name(sim, r->node));
    if (knew || !listed)
        return;
    gx_sim_spread_note(&sim->removed.window, a->at_ms - r->at_ms, 1);
    sim->removed.read += its != NULL && sim_reads_message(out, its, a, &epoch) == SIM_OPEN;
}

static struct gx_engine *member_of(struct gx_sim *sim, const struct gx_group_id *id)
{
    struct gx_engine *found = NULL;

    for (uint32_t i = 0; i < sim->options.n_nodes && found == NULL; i++) {
        struct gx_engine *e = sim->nodes[i].up && sim_is_honest(sim, i) ? sim->nodes[i].engine : NULL;
        struct gx_group *g = e == NULL ? NULL : sim_group_of(e, id);

        found = g != NULL && gx_group_is_member(g) ? e : NULL;
    }
    return found;
}

void sim_check_removals(struct gx_sim *sim)
{
    sim->removed = (struct gx_sim_removals){.n = 0};
    for (uint32_t k = 0; k < sim->n_removals; k++) {
        struct gx_engine *e = member_of(sim, &sim->removals[k].group);

        sim->removals[k].good = e != NULL && is_for_good(sim_group_of(e, &sim->removals[k].group), &sim->removals[k]);
    }
    for (uint32_t k = 0; k < sim->n_removals; k++) {
        const struct sim_removal *r = &sim->removals[k];
        struct gx_engine *e = is_first(sim, k) ? member_of(sim, &r->group) : NULL;
        struct gx_group *view = e == NULL ? NULL : sim_group_of(e, &r->group);

        if (view == NULL)
            continue;
        sim->removed.n++;
        sim->removed.apart += r->apart;
        count_heard(sim, k, view);
        for (uint32_t n = 0; n < r->n_after; n++)
            count_message(sim, k, e, view, r->after[n].acked);
    }
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)
        if (sim->nodes[i].engine != NULL)
            gx_txn_abort(&sim->nodes[i].engine->txn);
}

const struct gx_sim_removals *gx_sim_removals(const struct gx_sim *sim)
{
    return &sim->removed;
}

void gx_sim_removals_add(struct gx_sim_removals *sum, const struct gx_sim_removals *more)
{
    static_assert(offsetof(struct gx_sim_removals, window) % sizeof(uint64_t) == 0, "numbers come first");

    sim_add(sum, more, offsetof(struct gx_sim_removals, window) / sizeof(uint64_t));
    gx_sim_spread_add(&sum->window, &more->window);
    gx_sim_spread_add(&sum->heard, &more->heard);
}
