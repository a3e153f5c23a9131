/* Who can read what: whom an epoch lists can read what was sealed under it, in the end; newcomers the last from before they came, as many as their group
 * tells them; and nobody else can.  And an epoch lists nobody of whose removal its author had heard. */
#include "tests/sim/internal.h"

#include "node/engine/people.h"
#include "node/engine/sealing.h"
#include <stdlib.h>

enum sim_reads sim_reads_message(struct gx_engine *e, struct gx_group *g, const struct sim_acked *a, struct gx_event_id *epoch)
{
    struct gx_event ev;
    struct gx_body body, plain;

    for (uint32_t at = gx_group_log(g, &a->log); at != GX_NONE; at = gx_group_next_branch(g, &a->log, at + 1)) {
        const struct gx_log_row *row = &g->logs[at].row;

        if (a->seq <= row->base_seq || a->seq > row->head_seq)
            continue;
        gx_arena_reset(&e->arena);
        if (!gx_group_read(e, g, &g->logs[at], a->seq, &ev, &body) || !gx_event_id_equal(&ev.id, &a->id))
            continue;
        memcpy(epoch->b, gx_body_sealed(&body)->head.epoch, sizeof epoch->b);
        return gx_message_open_at(e, g, &g->logs[at], &ev, &plain) ? SIM_OPEN : SIM_LOCKED;
    }
    return SIM_NOT_HELD;
}

bool sim_is_listed(struct gx_engine *e, struct gx_group *g, const struct gx_event_id *epoch, const struct gx_sign_pk *member)
{
    uint32_t op = gx_group_op(g, epoch), p = sim_person_of(g, member);

    return op != GX_NONE && p != g->law.n_persons && gx_epoch_lists_person(e, g, op, p);
}

/* Somebody who is there has its key, and may tell it. */
static bool anybody_reads(struct gx_sim *sim, const struct sim_acked *a)
{
    struct gx_event_id epoch;
    bool found = false;

    for (uint32_t i = 0; i < sim->options.n_nodes && !found; i++) {
        struct gx_engine *e = sim->nodes[i].up && sim_is_honest(sim, i) ? sim->nodes[i].engine : NULL;
        struct gx_group *g = e == NULL ? NULL : sim_group_of(e, &a->group);

        found = g != NULL && gx_group_is_member(g) && sim_reads_message(e, g, a, &epoch) == SIM_OPEN;
    }
    return found;
}

/* A place of a chain, and its key, is used once: of one log each message stands behind the one before, as long as both are under one epoch. */
static bool stands_behind(struct gx_engine *e, struct gx_group *g, const struct sim_acked *a)
{
    struct gx_sealed_head head, before;
    struct gx_event ev;
    struct gx_body body;

    for (uint32_t at = gx_group_log(g, &a->log); at != GX_NONE; at = gx_group_next_branch(g, &a->log, at + 1)) {
        const struct gx_log_row *row = &g->logs[at].row;

        if (a->seq <= row->base_seq + 1 || a->seq > row->head_seq)
            continue;
        gx_arena_reset(&e->arena);
        if (!gx_group_read(e, g, &g->logs[at], a->seq, &ev, &body) || !gx_event_id_equal(&ev.id, &a->id))
            continue;
        head = gx_body_sealed(&body)->head;
        if (!gx_group_read(e, g, &g->logs[at], a->seq - 1, &ev, &body))
            continue;
        before = gx_body_sealed(&body)->head;
        return memcmp(before.epoch, head.epoch, sizeof head.epoch) != 0 || before.n < head.n;
    }
    return true;
}

/* --- what newcomers read of before --------------------------------------------------------------------------------------------------------- */

/* Nobody who answers from then on knows less: only who lost its home. */
static bool all_have(struct gx_sim *sim, const struct sim_acked *a, uint32_t but)
{
    const struct sim_room *room = &sim->rooms[sim_room_of(sim, &a->group)];

    for (uint32_t k = 0; k < room->n_nodes; k++) {
        struct gx_engine *e = sim->nodes[room->nodes[k]].engine;
        struct gx_group *g = e == NULL ? NULL : sim_group_of(e, &a->group);
        uint32_t log = g == NULL ? GX_NONE : gx_group_log(g, &a->log);
        enum sim_held held = log == GX_NONE ? SIM_LACKING : sim_held(e, g, a);

        if (e != NULL)
            gx_txn_abort(&e->txn);
        if (room->nodes[k] == but || sim_member_since(&sim->nodes[room->nodes[k]], &a->group) == UINT64_MAX)
            continue;
        /* Who came later, and is given nothing as old as that, tells nothing as old. */
        if (log == GX_NONE || gx_group_is_forked(g, log) || (held != SIM_HELD && held != SIM_BEFORE))
            return false;
    }
    return true;
}

void sim_came(struct gx_sim *sim, uint32_t i, const struct gx_group *g)
{
    for (uint32_t k = 0; k < sim->n_acked && g->rules.history > 0; k++) {
        struct sim_acked *a = &sim->acked[k];

        a->old[i / 8] &= (uint8_t)~(1u << i % 8);
        if (gx_group_id_equal(&a->group, &g->row.id) && !a->lie && all_have(sim, a, i))
            a->old[i / 8] |= (uint8_t)(1u << i % 8);
    }
}

/* The ticks of all admissions of a person, and how many there are. */
static uint32_t admissions(const struct gx_group *g, const struct gx_sign_pk *member, uint64_t *least, uint64_t *most)
{
    uint32_t p = sim_person_of(g, member), n = 0;

    *least = UINT64_MAX;
    *most = 0;
    for (uint32_t a = p == g->law.n_persons ? GX_LAW_NONE : g->law.persons[p].last_admit; a != GX_LAW_NONE; a = g->law.nodes[a].kind_before, n++) {
        *least = g->ops[a].tick < *least ? g->ops[a].tick : *least;
        *most = g->ops[a].tick > *most ? g->ops[a].tick : *most;
    }
    return n;
}

static bool is_behind(const struct sim_acked *a, const struct sim_acked *b)
{
    int order = memcmp(a->log.b, b->log.b, sizeof a->log.b);

    return a->tick != b->tick ? a->tick > b->tick : order != 0 ? order > 0 : a->seq > b->seq;
}

static bool anybody_lost(const struct gx_sim *sim)
{
    bool lost = false;

    for (uint32_t i = 0; i < sim->options.n_nodes && !lost; i++)
        lost = sim->nodes[i].lost_ms != 0;
    return lost;
}

/* It can read what was not sealed to it. */
static void check_before(struct gx_sim *sim, uint32_t i, const struct gx_group *g, const struct sim_acked *a)
{
    const struct sim_node *node = &sim->nodes[i];
    uint64_t least, most;
    uint32_t n_admits = admissions(g, &g->row.intro.member, &least, &most), n = 0, times = 0;

    for (uint32_t k = 0; k < node->n_members; k++)
        times = gx_group_id_equal(&node->members[k].group, &g->row.id) ? node->members[k].times : times;
    if (g->rules.history == 0 || n_admits == 0 || a->tick >= most) {
        sim_violated(sim, GX_SIM_SECRETS, i, "it can read message %u of %s, which was not sealed to it", a->seq, gx_sim_node_name(sim, a->node));
        return;
    }
    sim->counts.before++;
    if (times > 1 || anybody_lost(sim))
        return;                 /* it may have been told then what was the last then */
    for (uint32_t k = 0; k < sim->n_acked; k++) {
        const struct sim_acked *b = &sim->acked[k];

        n += gx_group_id_equal(&b->group, &a->group) && (b->old[i / 8] & 1u << i % 8) != 0 && b->tick < least && is_behind(b, a) &&
             admissions(g, &b->member, &(uint64_t){0}, &(uint64_t){0}) == 1;
    }
    if (n >= g->rules.history)
        sim_violated(sim, GX_SIM_SECRETS, i, "it can read message %u of %s from before it came, behind which were %u, and it is told %u", a->seq,
                     gx_sim_node_name(sim, a->node), n, g->rules.history);
}

static bool is_told(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *member, const struct sim_acked *a)
{
    struct gx_history history = {.person = sim_person_of(g, member)};
    uint32_t log = gx_group_log(g, &a->log);

    gx_arena_reset(&e->arena);
    return history.person < g->law.n_persons && log != GX_NONE && !gx_group_is_forked(g, log) &&
           gx_history_has(e, g, &history, log, &(struct gx_event){.seq = a->seq, .tick = a->tick});
}

/* One of the last from before it came, by all that it has; and by all that somebody has who can read it. */
static bool is_owed_of_before(struct gx_sim *sim, uint32_t i, struct gx_group *g, const struct sim_acked *a)
{
    uint64_t least, most;
    bool found = false;

    if (g->rules.history == 0 || admissions(g, &g->row.intro.member, &least, &most) != 1 || !is_told(sim->nodes[i].engine, g, &g->row.intro.member, a))
        return false;
    for (uint32_t n = 0; n < sim->options.n_nodes && !found; n++) {
        struct gx_engine *e = n != i && sim->nodes[n].up && sim_is_honest(sim, n) ? sim->nodes[n].engine : NULL;
        struct gx_group *its = e == NULL ? NULL : sim_group_of(e, &a->group);
        struct gx_event_id epoch;

        found = its != NULL && gx_group_is_member(its) && sim_reads_message(e, its, a, &epoch) == SIM_OPEN && is_told(e, its, &g->row.intro.member, a);
    }
    return found;
}

/* --- messages ------------------------------------------------------------------------------------------------------------------------------ */

static void check_message(struct gx_sim *sim, const struct sim_acked *a)
{
    bool known = false, readable = false;

    if (a->lie || !sim_is_honest(sim, a->node))
        return;
    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        struct gx_engine *e = sim->nodes[i].engine;
        struct gx_group *g = e == NULL ? NULL : sim_group_of(e, &a->group);
        struct gx_event_id epoch;
        enum sim_reads r = g == NULL ? SIM_NOT_HELD : sim_reads_message(e, g, a, &epoch);
        bool listed = r != SIM_NOT_HELD && (gx_group_is_direct(g) || sim_is_listed(e, g, &epoch, &g->row.intro.member));

        if (r == SIM_NOT_HELD)
            continue;
        if (!stands_behind(e, g, a))
            sim_violated(sim, GX_SIM_SECRETS, i, "message %u of %s has the place of another in its chain", a->seq, gx_sim_node_name(sim, a->node));
        sim->counts.sealed++;
        sim->counts.locked += r == SIM_LOCKED;
        if (r == SIM_OPEN && !listed)
            check_before(sim, i, g, a);
        if (r == SIM_OPEN || !sim->nodes[i].up || !sim_is_honest(sim, i) || !gx_group_is_member(g))
            continue;
        if (!listed && is_owed_of_before(sim, i, g, a))
            sim_violated(sim, GX_SIM_SECRETS, i, "message %u of %s is one of the last from before it came, and it cannot read it", a->seq,
                         gx_sim_node_name(sim, a->node));
        if (!listed)
            continue;
        readable = known ? readable : anybody_reads(sim, a);
        known = true;
        if (readable)
            sim_violated(sim, GX_SIM_SECRETS, i, "message %u of %s was sealed to it, and it cannot read it", a->seq, gx_sim_node_name(sim, a->node));
    }
}

/* Was this one let in again, as who wrote the epoch saw it?  An admission that is void for what they had not heard of counted for them. */
static bool let_in_since(struct gx_group *g, uint32_t removal, uint32_t epoch, uint32_t person)
{
    bool found = false;

    for (uint32_t x = g->law.persons[person].last_admit; x != GX_LAW_NONE && !found; x = g->law.nodes[x].kind_before) {
        uint32_t why = gx_law_effective(&g->law, x) ? GX_LAW_NONE : gx_law_culprit(&g->law, x);

        found = gx_law_past(&g->law, removal, x) && gx_law_past(&g->law, x, epoch) && (why == GX_LAW_NONE || !gx_law_past(&g->law, why, epoch));
    }
    return found;
}

/* Had who wrote it heard that this one is out? */
static bool knew_out(struct gx_group *g, uint32_t epoch, uint32_t person)
{
    const struct gx_law_run *now = &g->law.now;
    bool out = false;

    for (uint32_t r = now->standings[person].removals; r != GX_LAW_NONE && !out; r = now->results[r].next)
        out = gx_law_past(&g->law, r, epoch) && !let_in_since(g, r, epoch, person);
    return out;
}

static uint32_t node_of(const struct gx_sim *sim, const struct gx_group_id *group, const struct gx_sign_pk *member)
{
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)
        for (uint32_t k = 0; sim->nodes[i].engine != NULL && k < sim->nodes[i].engine->n_groups; k++) {
            const struct gx_group *g = sim->nodes[i].engine->groups[k];

            if (gx_group_id_equal(&g->row.id, group) && gx_sign_pk_equal(&g->row.intro.member, member))
                return i;
        }
    return SIM_NONE;
}

static void check_epochs(struct gx_sim *sim, uint32_t i, struct gx_group *g)
{
    struct gx_engine *e = sim->nodes[i].engine;

    for (uint32_t op = 0; op < g->law.n_ops; op++) {
        uint32_t by = g->ops[op].type != GX_EV_EPOCH ? SIM_NONE : node_of(sim, &g->row.id, &g->law.persons[g->law.nodes[op].op.author].member);

        if (by == SIM_NONE || !sim_is_honest(sim, by))
            continue;
        sim->counts.epochs++;
        gx_arena_reset(&e->arena);
        for (uint32_t p = 0; p < g->law.n_persons; p++)
            if (knew_out(g, op, p) && gx_epoch_lists_person(e, g, op, p))
                sim_violated(sim, GX_SIM_SECRETS, by, "it sealed an epoch to person %u, of whose removal it had heard", p);
    }
}

/* Names in force are read by every member, newcomers too, when anybody can. */
static void check_names(struct gx_sim *sim, uint32_t i, struct gx_group *g)
{
    struct gx_engine *e = sim->nodes[i].engine;

    for (uint32_t p = 0; p <= g->law.n_persons; p++) {
        uint32_t op = p == g->law.n_persons ? gx_law_title(&g->law) : gx_law_is_member(&g->law, p) ? gx_law_alias(&g->law, p) : GX_LAW_NONE;
        struct gx_body plain;
        bool found = false;

        gx_arena_reset(&e->arena);
        if (op == GX_LAW_NONE || gx_op_open(e, g, op, &plain))
            continue;
        for (uint32_t n = 0; n < sim->options.n_nodes && !found; n++) {
            struct gx_engine *its = n != i && sim->nodes[n].up && sim_is_honest(sim, n) ? sim->nodes[n].engine : NULL;
            struct gx_group *at = its == NULL ? NULL : sim_group_of(its, &g->row.id);
            uint32_t there = at == NULL || !gx_group_is_member(at) ? GX_NONE : gx_group_op(at, &g->law.nodes[op].op.id);

            if (there == GX_NONE)
                continue;
            gx_arena_reset(&its->arena);
            found = gx_op_open(its, at, there, &plain);
        }
        if (found)
            sim_violated(sim, GX_SIM_SECRETS, i, "it cannot read a name that others can: of %s", p == g->law.n_persons ? "the group" : "a member");
    }
}

void sim_check_secrets(struct gx_sim *sim)
{
    bool looked = false;

    for (uint32_t k = 0; k < sim->n_acked; k++)
        check_message(sim, &sim->acked[k]);
    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        struct gx_engine *e = sim->nodes[i].up && sim_is_honest(sim, i) ? sim->nodes[i].engine : NULL;

        if (e != NULL && sim->nodes[i].own_door_before.port == 0 && gx_transport_key_due(e))
            sim_violated(sim, GX_SIM_SECRETS, i, "it has the transport key still that who is out knows");
        for (uint32_t k = 0; e != NULL && k < e->n_groups; k++) {
            struct gx_group *g = e->groups[k];

            if (!gx_group_is_member(g) || sim_group_of(e, &g->row.id) != g)
                continue;
            check_names(sim, i, g);
            if (!looked || gx_group_is_direct(g))
                check_epochs(sim, i, g);        /* members agree: one of them tells all */
            looked = looked || !gx_group_is_direct(g);
        }
    }
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)
        if (sim->nodes[i].engine != NULL)
            gx_txn_abort(&sim->nodes[i].engine->txn);
}
