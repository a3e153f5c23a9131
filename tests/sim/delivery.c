/* Acknowledged messages: they are in the store after any crash, and in the end everywhere where they are due. */
#include "tests/sim/internal.h"

#include <stdlib.h>
#include <string.h>

/* What stands in a message log of the node. */
static struct sim_acked *note(struct gx_sim *sim, uint32_t i, const struct gx_group *g, const struct gx_log_row *row, const struct gx_event_id *id, uint32_t seq)
{
    struct sim_acked *a = NULL;

    sim->acked = sim_grow(sim->acked, &sim->cap_acked, sim->n_acked, sizeof *sim->acked);
    a = &sim->acked[sim->n_acked++];
    *a = (struct sim_acked){.id = *id, .node = i, .seq = seq, .group = g->row.id, .member = row->member, .device = row->device, .log = row->id,
                            .at_ms = sim->now_ms, .due = calloc(1, sim->options.n_nodes / 8 + 1), .old = calloc(1, sim->options.n_nodes / 8 + 1)};
    GX_ASSERT(a->due != NULL && a->old != NULL);
    a->too_late = sim->nodes[i].removed_ms != 0 && sim_member_since(&sim->nodes[i], &g->row.id) < sim->nodes[i].removed_ms;

    const struct sim_room *room = &sim->rooms[sim_room_of(sim, &g->row.id)];

    for (uint32_t n = 0; n < room->n_nodes; n++)
        if (sim_member_since(&sim->nodes[room->nodes[n]], &g->row.id) != UINT64_MAX)
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
    const struct gx_group *g = sim_group_of(sim->nodes[author].engine, group);
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
        note(sim, i, g, row, &row->head_id, row->head_seq)->tick = row->head_tick;
        sim->counts.acked++;
        sim_measure_sent(sim);
        sim_removal_sent(sim);
        return;
    }
    sim_violated(sim, GX_SIM_ACKED, i, "an event that was acknowledged is not the newest of its log");
}

enum sim_held sim_held(struct gx_engine *e, struct gx_group *g, const struct sim_acked *a)
{
    struct gx_event ev;
    struct gx_body body;
    enum sim_held found = SIM_LACKING;

    for (uint32_t at = gx_group_log(g, &a->log); at != GX_NONE; at = gx_group_next_branch(g, &a->log, at + 1)) {
        const struct gx_log_row *row = &g->logs[at].row;

        if (a->seq <= row->base_seq) {
            found = a->seq <= row->begun_seq ? SIM_BEFORE : SIM_DROPPED;
            continue;
        }
        if (a->seq > row->head_seq)
            continue;
        gx_arena_reset(&e->arena);
        if (!gx_group_read(e, g, &g->logs[at], a->seq, &ev, &body))
            return SIM_ANOTHER;
        if (gx_event_id_equal(&ev.id, &a->id))
            return SIM_HELD;
        found = SIM_ANOTHER;
    }
    return found;
}

/* Of several memberships in a group the newest is meant; one of before has what was said before. */
static enum sim_held held_anywhere(struct gx_engine *e, const struct sim_acked *a)
{
    struct gx_group *g = sim_group_of(e, &a->group);
    enum sim_held found = g == NULL ? SIM_LACKING : sim_held(e, g, a);

    for (uint32_t k = 0; k < e->n_groups && !sim_had(found); k++)
        if (gx_group_id_equal(&e->groups[k]->row.id, &a->group) && sim_held(e, e->groups[k], a) == SIM_HELD)
            found = SIM_HELD;
    return found;
}

bool sim_holds(struct gx_sim *sim, uint32_t node, const struct sim_acked *a)
{
    struct gx_engine *e = sim->nodes[node].engine;
    bool found = e != NULL && sim_had(held_anywhere(e, a));

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

        if (a->node == i && !lost && !sim_had(held_anywhere(e, a)))
            sim_violated(sim, GX_SIM_ACKED, i, "message %u of its own was acknowledged, and is not in the store after a crash", a->seq);
    }
    gx_txn_abort(&e->txn);
}

/* Out by nothing but its own LEAVE. */
static bool has_left(const struct gx_group *g, const struct gx_sign_pk *member)
{
    uint32_t p = sim_person_of(g, member), r = p == g->law.n_persons ? GX_LAW_NONE : g->law.now.standings[p].removals;
    bool left = r != GX_LAW_NONE && !gx_law_is_member(&g->law, p);

    for (; r != GX_LAW_NONE && left; r = g->law.now.results[r].next)
        left = g->law.nodes[r].op.kind == GX_OP_LEAVE;
    return left;
}

/* Does an admission of theirs count?  Who was let in by somebody who was removed meanwhile never was a member. */
static bool was_in(const struct gx_group *g, const struct gx_sign_pk *member)
{
    uint32_t p = sim_person_of(g, member);

    return p != g->law.n_persons && g->law.now.standings[p].seat != GX_LAW_NONE;
}

/* Its author was a member when it was written, and is or left; then it gives what it wrote before it says that it left. */
static bool is_owed(struct gx_sim *sim, const struct sim_acked *a)
{
    const struct sim_node *author = &sim->nodes[a->node];
    const struct gx_group *g = author->engine == NULL ? NULL : sim_group_of(author->engine, &a->group);

    if (sim_member_since(author, &a->group) <= a->at_ms)
        return true;
    return g != NULL && g->row.state == GX_GROUP_LEFT && gx_sign_pk_equal(&g->row.intro.member, &a->member);
}

static bool anybody_has(struct gx_sim *sim, const struct sim_acked *a)
{
    bool found = sim->nodes[a->node].up && !a->lie;

    for (uint32_t i = 0; i < sim->options.n_nodes && !found; i++) {
        struct gx_engine *e = sim->nodes[i].engine;
        struct gx_group *g = e == NULL || !sim_is_honest(sim, i) || sim_member_since(&sim->nodes[i], &a->group) == UINT64_MAX ? NULL : sim_group_of(e, &a->group);

        found = g != NULL && sim_held(e, g, a) == SIM_HELD;
    }
    return found;
}

/* Who is away, lies, or lost what it had, may have had it when it said so. */
static bool may_have(struct gx_sim *sim, uint32_t i, const struct sim_acked *a)
{
    return !sim->nodes[i].up || !sim_is_honest(sim, i) || sim->nodes[i].lost_ms != 0 || sim_had(held_anywhere(sim->nodes[i].engine, a));
}

/* Whoever left knew that this one is out: it does not count among those who hold something then. */
static bool knew_out(const struct gx_group *g, const struct gx_sign_pk *left, const struct gx_sign_pk *other)
{
    const struct gx_law_run *now = &g->law.now;
    uint32_t p = sim_person_of(g, left), o = sim_person_of(g, other);
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

/* Can g take it of them?  A log is taken from where one's own ends: who was let in later than it began holds no more than its end. */
static bool links(const struct gx_group *g, const struct gx_group *its, const struct gx_log_id *log)
{
    uint32_t head = 0;
    bool found = false;

    for (uint32_t at = gx_group_log(g, log); at != GX_NONE; at = gx_group_next_branch(g, log, at + 1))
        head = g->logs[at].row.head_seq > head ? g->logs[at].row.head_seq : head;
    for (uint32_t at = gx_group_log(its, log); at != GX_NONE && !found; at = gx_group_next_branch(its, log, at + 1))
        found = its->logs[at].row.base_seq <= head;
    return found;
}

/* Of who left the others get what one of them has.  What none has the LEAVE was to wait for (WIRE §6.1), unless somebody took it of whom the author could
 * not know that they were out, or that they would lie, be away or lose it: from one who is no member, as from one who left, nothing is taken. */
static bool is_owed_of_left(struct gx_sim *sim, const struct gx_group *g, const struct sim_acked *a)
{
    const struct sim_room *room = &sim->rooms[sim_room_of(sim, &a->group)];
    bool lost = false;

    if (a->lie || !has_left(g, &a->member) || !was_in(g, &a->member))
        return false;
    for (uint32_t k = 0; k < room->n_nodes; k++) {
        const struct sim_node *node = &sim->nodes[room->nodes[k]];
        struct gx_group *its = node->engine == NULL ? NULL : sim_group_of(node->engine, &a->group);

        if (room->nodes[k] == a->node || !may_have(sim, room->nodes[k], a))
            continue;
        if (its != NULL && sim_is_honest(sim, room->nodes[k]) && sim_is_in(g, &its->row.intro.member) && sim_held(node->engine, its, a) == SIM_HELD &&
            links(g, its, &a->log))
            return true;
        lost = lost || its == NULL || !knew_out(g, &a->member, &its->row.intro.member);
    }
    return !lost;
}

/* How many members of the group that node is.  It may be two: by codes of two doors at once.  Of who is down, lies or lost its home that is not known here. */
static uint32_t seats(const struct gx_sim *sim, uint32_t i, const struct gx_group_id *group)
{
    const struct sim_node *node = &sim->nodes[i];
    uint32_t n = 0;

    for (uint32_t k = 0; node->engine != NULL && k < node->engine->n_groups; k++)
        n += gx_group_id_equal(&node->engine->groups[k]->row.id, group);
    return node->up && node->lost_ms == 0 && sim_is_honest(sim, i) ? n : n + 1;
}

/* What its author is told of who has a message by now is not more than who has it: nobody leaves, or ends their node, in that belief.  It counts members, for
 * it cannot know that two of them are one node. */
static void check_held(struct gx_sim *sim, const struct sim_acked *a)
{
    struct gx_group *g = !sim->nodes[a->node].up || sim->nodes[a->node].lost_ms != 0 ? NULL : sim_group_of(sim->nodes[a->node].engine, &a->group);
    const struct sim_room *room = g == NULL ? NULL : &sim->rooms[sim_room_of(sim, &a->group)];
    uint32_t by = 0, of = 0, have = 0;

    if (g == NULL || a->lie || g->own_messages == GX_NONE || !gx_log_id_equal(&g->logs[g->own_messages].row.id, &a->log))
        return;
    gx_messages_held(g, a->seq, &by, &of);
    if (by < a->n_held)             /* that counts the author */
        return;
    for (uint32_t k = 0; k < room->n_nodes; k++)
        if (room->nodes[k] != a->node && may_have(sim, room->nodes[k], a))
            have += seats(sim, room->nodes[k], &a->group);
    if (by > have)
        sim_violated(sim, GX_SIM_DELIVERY, a->node, "it says that %u others have message %u, and %u do", by, a->seq, have);
}

/* Everybody who is up has what anybody has who is up: an author may be away. */
void sim_check_delivery(struct gx_sim *sim)
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
            struct gx_group *g = e == NULL ? NULL : sim_group_of(e, &a->group);

            if (g == NULL || sim_member_since(&sim->nodes[i], &a->group) > a->at_ms || sim->nodes[i].lost_ms != 0 || !sim_is_honest(sim, i) ||
                !(sim_is_in(g, &a->member) || is_owed_of_left(sim, g, a)))         /* who is away may be out and not know it */
                continue;

            enum sim_held h = held_anywhere(e, a);

            if (!a->lie) {
                a->n_due++;
                a->n_held += sim_had(h);
                sim->counts.dropped += h == SIM_DROPPED;
            }
            sim->counts.agreed += a->lie && h == SIM_HELD;
            if (!sim_had(h))
                sim_measure_missing(sim, k, i);
            if (!sim_had(h))
                sim_violated(sim, GX_SIM_DELIVERY, i, "message %u of %s, written at %llu ms, %s", a->seq, gx_sim_node_name(sim, a->node),
                             (unsigned long long)a->at_ms, h == SIM_LACKING ? "is not there" : h == SIM_BEFORE ? "is taken for one of before" : "is another");
        }
        check_held(sim, a);
        sim->counts.due += a->n_due;
        sim->counts.delivered += a->n_held;
    }
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)         /* one transaction a node was enough */
        if (sim->nodes[i].engine != NULL)
            gx_txn_abort(&sim->nodes[i].engine->txn);
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
