/* Nodes that lie.  The engine of one goes on as it is; beside it the simulation says what the engine would not, changes or keeps back what it does
 * say, and does not tell it what the liar wants not to know.  A heal ends the lies: from there on the node is the engine alone, as when somebody puts
 * the right program back, and whatever it said before it has to live with like all others. */
#include "tests/sim/liar.h"

#include <stdlib.h>

const char *gx_sim_role_name(enum gx_sim_role role)
{
    static const char *const names[] = {
#define GX_X(id, name, does) [id] = name,
        GX_SIM_ROLES(GX_X)
#undef GX_X
    };

    return names[role];
}

/* --- chance ------------------------------------------------------------------------------------------------------------------------------------- */

uint32_t sim_liar_pick(struct sim_liar *liar, uint32_t n)
{
    return sim_pick(&liar->rng, n);
}

void sim_liar_bytes(struct sim_liar *liar, void *out, size_t n)
{
    for (size_t k = 0; k < n; k++)
        ((uint8_t *)out)[k] = (uint8_t)sim_draw(&liar->rng);
}

/* --- counting ------------------------------------------------------------------------------------------------------------------------------------- */

void sim_lied(struct gx_sim *sim, uint32_t node)
{
    sim->counts.lies++;
    sim->counts.told[sim->nodes[node].liar->role]++;
}

void sim_lie_arrived(struct gx_sim *sim, uint32_t receiver, uint32_t role)
{
    sim->counts.arrived[role] += sim->nodes[receiver].liar == NULL;
}

uint8_t sim_lie_mark(const struct gx_sim *sim, uint32_t node)
{
    const struct sim_liar *liar = sim->nodes[node].liar;

    return liar == NULL || !liar->telling ? 0 : (uint8_t)(liar->role + 1);
}

/* --- life ----------------------------------------------------------------------------------------------------------------------------------------- */

static void act_soon(struct gx_sim *sim, uint32_t node)
{
    struct sim_liar *liar = sim->nodes[node].liar;

    sim_at(sim, sim->now_ms + sim_lie_pause_ms(liar), (struct sim_event){.kind = SIM_LIE, .a = node, .number = liar->generation});
}

static void turn(struct gx_sim *sim, uint32_t node, enum gx_sim_role role, uint32_t with)
{
    struct sim_node *n = &sim->nodes[node];

    if (n->liar == NULL) {
        n->liar = calloc(1, sizeof *n->liar);
        GX_ASSERT(n->liar != NULL);
        n->liar->since_ms = sim->now_ms;
    }
    n->liar->role = role;
    n->liar->with = with;
    n->liar->lying = true;
    n->liar->n_acts = 0;
    n->liar->generation = ++sim->generation;
    sim_mark(sim, node, "turn %s", gx_sim_role_name(role));
    n->liar->rng = sim_rng(sim->options.seed, 2000 + node + (uint64_t)role * 100000);
    act_soon(sim, node);
}

void gx_sim_turn(struct gx_sim *sim, uint32_t node, enum gx_sim_role role, uint32_t with)
{
    GX_ASSERT(node < sim->options.n_nodes && with != node && (with == GX_SIM_NOBODY || with < sim->options.n_nodes));
    GX_ASSERT((role == GX_SIM_COLLUDER) == (with != GX_SIM_NOBODY));
    turn(sim, node, role, with);
    if (with != GX_SIM_NOBODY)
        turn(sim, with, role, node);
}

bool gx_sim_lies(const struct gx_sim *sim, uint32_t node)
{
    return sim->nodes[node].liar != NULL;
}

uint64_t sim_lies_since(const struct gx_sim *sim, uint32_t node)
{
    return sim->nodes[node].liar->since_ms;
}

void sim_lie(struct gx_sim *sim, const struct sim_event *ev)
{
    struct sim_node *n = &sim->nodes[ev->a];

    if (n->liar == NULL || !n->liar->lying || n->liar->generation != ev->number)
        return;
    if (n->up && !n->paused) {
        sim_lie_act(sim, ev->a);
        n->liar->n_acts++;
    }
    if (n->liar->n_acts < SIM_ACTS_MAX)
        act_soon(sim, ev->a);
}

void sim_liars_end(struct gx_sim *sim)
{
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)
        if (sim->nodes[i].liar != NULL)
            sim->nodes[i].liar->lying = false;
}

void sim_liar_free(struct sim_liar *liar)
{
    for (uint32_t k = 0; liar != NULL && k < liar->n_seen; k++)
        free(liar->seen[k]);
    free(liar);
}

/* --- what its engine says and hears ---------------------------------------------------------------------------------------------------------------- */

static void remember(struct sim_liar *liar, struct gx_span bytes)
{
    struct sim_frame *f = bytes.n == 0 ? NULL : malloc(sizeof *f + bytes.n);
    uint32_t at = liar->n_seen < SIM_SEEN ? liar->n_seen++ : sim_liar_pick(liar, SIM_SEEN);

    GX_ASSERT(f != NULL);
    *f = (struct sim_frame){.n = bytes.n};
    memcpy(f->bytes, bytes.p, bytes.n);
    free(liar->seen[at]);
    liar->seen[at] = f;
}

/* Of a CHUNKS frame: is an event in it of a log that is not the node's own? */
static bool relays(const struct gx_sim *sim, uint32_t node, const struct gx_frame *f)
{
    const struct gx_engine *e = sim->nodes[node].engine;
    struct gx_rd rd = gx_rd(f->list);
    bool others = false;

    for (size_t i = 0; i < f->n && !others; i++) {
        struct gx_chunk chunk;

        others = gx_chunk_decode(&chunk, gx_frame_chunk_next(&rd)) == GX_OK;
        for (uint32_t k = 0; k < e->n_groups && others; k++) {
            uint32_t log = gx_group_log(e->groups[k], &chunk.log);

            others = log == GX_NONE || !e->groups[k]->logs[log].own;
        }
    }
    return others;
}

/* What it was asked for it does not give; of what it has it speaks all the same. */
static bool omits(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef)
{
    struct gx_frame f;

    if (gx_frame_decode(&f, ef->bytes) != GX_OK)
        return false;
    return f.kind == GX_FRAME_PATH || f.kind == GX_FRAME_BASELINE ||
           (f.kind == GX_FRAME_CHUNKS && ((f.flags & GX_CHUNKS_PUSH) == 0 || relays(sim, node, &f)));
}

/* One bit, in one frame of eight; the greeting is left, or nobody would hear the rest. */
static bool spoils(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef)
{
    struct sim_liar *liar = sim->nodes[node].liar;
    uint8_t bytes[GX_FRAME_BYTES_MAX];

    if (ef->bytes.n <= 3 || ef->bytes.p[0] <= GX_FRAME_PROOF || sim_liar_pick(liar, 8) != 0)
        return false;
    memcpy(bytes, ef->bytes.p, ef->bytes.n);
    bytes[sim_liar_pick(liar, (uint32_t)ef->bytes.n)] ^= (uint8_t)(1u << sim_liar_pick(liar, 8));
    sim_say(sim, node, ef->session, gx_span(bytes, ef->bytes.n));
    return true;
}

bool sim_liar_sends(struct gx_sim *sim, uint32_t node, const struct gx_effect *ef)
{
    struct sim_liar *liar = sim->nodes[node].liar;
    uint32_t peer = SIM_NONE;

    if (liar == NULL || !liar->lying)
        return false;
    if (liar->role == GX_SIM_REPLAYER || liar->role == GX_SIM_GARBAGE)
        remember(liar, ef->bytes);
    if (liar->role == GX_SIM_GARBAGE)
        return spoils(sim, node, ef);
    if (liar->role != GX_SIM_OMITTER || !omits(sim, node, ef))
        return false;
    sim_lied(sim, node);
    peer = sim_peer(sim, node, ef->session);
    if (peer != SIM_NONE)
        sim_lie_arrived(sim, peer, liar->role);
    return true;
}

/* Does the frame tell the node that it is out? */
static bool ends(const struct gx_sim *sim, uint32_t node, const struct gx_frame *f)
{
    const struct gx_engine *e = sim->nodes[node].engine;
    struct gx_rd rd = gx_rd(f->list);
    bool found = f->kind == GX_FRAME_ENDED;

    for (size_t i = 0; f->kind == GX_FRAME_CHUNKS && i < f->n && !found; i++) {
        struct gx_chunk chunk;
        struct gx_chunk_iter it;
        struct gx_event ev;
        struct gx_body body;

        if (gx_chunk_decode(&chunk, gx_frame_chunk_next(&rd)) != GX_OK)
            continue;
        gx_chunk_begin(&it, &chunk, &(struct gx_group_id){{0}});        /* ids come out wrong, and are not looked at */
        while (!found && gx_chunk_next(&it, &ev, NULL) == GX_OK)
            for (uint32_t k = 0; (ev.type == GX_EV_REMOVE || ev.type == GX_EV_BAN) && k < e->n_groups && !found; k++)
                found = gx_body_decode(&body, &ev) == GX_OK && gx_sign_pk_equal(&body.u.removal.target, &e->groups[k]->row.intro.member);
    }
    return found;
}

bool sim_hears(struct gx_sim *sim, uint32_t node, const struct sim_frame *frame)
{
    struct sim_liar *liar = sim->nodes[node].liar;
    struct gx_frame f;

    if (frame->lie != 0)
        sim_lie_arrived(sim, node, frame->lie - 1u);
    if (liar == NULL || !liar->lying || !sim->nodes[node].up)
        return true;
    if (liar->role == GX_SIM_REPLAYER || liar->role == GX_SIM_GARBAGE)
        remember(liar, gx_span(frame->bytes, frame->n));
    return liar->role != GX_SIM_TALKER || gx_frame_decode(&f, gx_span(frame->bytes, frame->n)) != GX_OK || !ends(sim, node, &f);
}

bool sim_crawls(const struct gx_sim *sim, uint32_t node)
{
    const struct sim_liar *liar = sim->nodes[node].liar;

    return liar != NULL && liar->lying && liar->role == GX_SIM_SLOW;
}

void sim_crawled(struct gx_sim *sim, uint32_t node, uint32_t from)
{
    sim_lied(sim, node);
    sim_lie_arrived(sim, from, GX_SIM_SLOW);
}

/* --- saying more ------------------------------------------------------------------------------------------------------------------------------------ */

void sim_say(struct gx_sim *sim, uint32_t node, gx_session_id session, struct gx_span bytes)
{
    struct sim_liar *liar = sim->nodes[node].liar;
    struct gx_effect ef = {.kind = GX_OUT_SEND, .session = session, .bytes = bytes};

    liar->telling = true;
    sim_send(sim, node, &ef);
    liar->telling = false;
    sim_lied(sim, node);
}

bool sim_write(struct gx_sim *sim, uint32_t i, const struct gx_group_id *group, const struct gx_body *body, struct gx_event_id *id)
{
    struct sim_node *node = &sim->nodes[i];
    struct gx_engine *e = node->engine;
    struct gx_group *g = sim_group(e, group);
    enum gx_err err = GX_OK;

    if (g == NULL)
        return false;
    e->now = sim_time(sim, node);
    err = gx_author_write(e, g, body, id, NULL);
    gx_author_sign(e);
    sim_push(sim, i, (struct gx_input){.kind = GX_IN_TIMER}, NULL);
    sim_lied(sim, i);
    node->liar->telling = true;
    sim_step(sim, i);               /* commits it, and pushes it to the others */
    node->liar->telling = false;
    if (!node->up || err != GX_OK || (g = sim_group(node->engine, group)) == NULL)
        return false;
    if (!gx_event_is_message(body->type))
        return gx_group_op(g, id) != GX_NONE;
    return g->own_messages != GX_NONE && gx_event_id_equal(&g->logs[g->own_messages].row.head_id, id);
}

bool sim_write_text(struct gx_sim *sim, uint32_t node, const struct gx_group_id *group, const char *text, struct gx_event_id *id)
{
    struct gx_body body = {.type = GX_EV_TEXT, .u.text = {.wall_ms = sim_time(sim, &sim->nodes[node]).wall_ms, .text = gx_span(text, strlen(text))}};

    return sim_write(sim, node, group, &body, id);
}
