/* When a world has come to rest. */
#include "tests/sim/internal.h"

#include "node/engine/people.h"

/* What the engine does again by itself it does within this: announcing what changed, or was not heard of (60 s); joining, bringing a card, asking to be
 * let in (60 s and a quarter of jitter); ending a session that is dead (90 s).  Dialling is another matter. */
#define QUIET_MS 90000u
#define LOOK_MS 1000u
#define CALLED_BACK_MS 360000u      /* how long the pauses of who was removed have grown within a world */

/* Frames that take something to where it was not.  Others go on at rest: somebody is refused again, a card has no answer, sessions begin and ping; who is
 * out is told so again, and asks by HEADS where it is news. */
static bool is_news(enum gx_frame_kind kind)
{
    switch (kind) {
    case GX_FRAME_HEADS:
    case GX_FRAME_WANT:
    case GX_FRAME_CHUNKS:
    case GX_FRAME_PATH:
    case GX_FRAME_JOIN:
    case GX_FRAME_ADMITTED:
    case GX_FRAME_BASELINE:
    case GX_FRAME_KEYS:
        return true;
    case GX_FRAME_HELLO:
    case GX_FRAME_TAGS:
    case GX_FRAME_PROOF:
    case GX_FRAME_AGAIN:
    case GX_FRAME_FRONTIER:
    case GX_FRAME_ENDPOINTS:
    case GX_FRAME_GUEST:
    case GX_FRAME_REFUSED:
    case GX_FRAME_BYE:
    case GX_FRAME_PING:
    case GX_FRAME_PONG:
    case GX_FRAME_CARD:
    case GX_FRAME_ASK:
    case GX_FRAME_DENIED:
    case GX_FRAME_ENDED:
    case GX_FRAME_ASK_KEYS:
    case GX_FRAME_SUM:
    case GX_FRAME_BUCKETS:
    case GX_FRAME_RECORDS:
    case GX_FRAME_LINK:
        return false;
    }
    return true;
}

void sim_note_news(struct gx_sim *sim, struct gx_span frame)
{
    if (frame.n > 0 && is_news((enum gx_frame_kind)frame.p[0]))
        sim->news_ms = sim->now_ms;
}

/* Is that device at that node?  Who was let in and restored from before it has it no more, and is called for it in vain for ever. */
static bool is_there(const struct gx_sim *sim, const struct gx_curve_pk *transport, const struct gx_group_id *group, const struct gx_sign_pk *device)
{
    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        const struct sim_node *node = &sim->nodes[i];
        bool answers = node->up && (memcmp(&node->config.transport_pk, transport, sizeof *transport) == 0 ||
                                    memcmp(&node->config.old_transport_pk, transport, sizeof *transport) == 0);

        for (uint32_t k = 0; answers && k < node->engine->n_groups; k++)
            if (gx_group_id_equal(&node->engine->groups[k]->row.id, group) && gx_sign_pk_equal(&node->engine->groups[k]->row.intro.device, device))
                return true;
    }
    return false;
}

/* Is anybody there for whom it calls?  Who was removed calls at pauses that grow to a day, and mostly hears once more that it is out: once is enough. */
static bool is_answered(const struct gx_sim *sim, const struct gx_engine *e, const struct gx_target *t, uint64_t begin)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        const struct gx_group *g = e->groups[i];

        for (uint32_t k = 0; k < g->n_endpoints; k++)
            if ((gx_group_active(g) || gx_group_asking(g) || (g->row.state == GX_GROUP_REMOVED && t->next_ms < begin + SIM_MONO_MS + CALLED_BACK_MS)) &&
                memcmp(&g->endpoints[k].transport, &t->key, sizeof t->key) == 0 && gx_group_live(g, &g->endpoints[k].device) &&
                is_there(sim, &t->key, &g->row.id, &g->endpoints[k].device))
                return true;
    }
    return false;
}

/* Will it connect to somebody whom it can reach?  It may wait six minutes before it tries again. */
static bool is_apart(const struct gx_sim *sim, uint32_t i, uint64_t begin)
{
    const struct gx_engine *e = sim->nodes[i].engine;

    for (uint32_t k = 0; k < e->n_targets; k++) {
        const struct gx_target *t = &e->targets[k];

        if (t->session == 0 && t->next_ms != UINT64_MAX && t->n_places > 0 && sim_reaches(sim, i, &t->places[0].addr) && is_answered(sim, e, t, begin))
            return true;
    }
    return false;
}

/* Their invitation is revoked when nobody came in by them. */
static bool shows_digits(const struct gx_engine *e)
{
    return e->near.offer.active || e->near.has_void;
}

uint64_t gx_sim_rest(struct gx_sim *sim, uint64_t most_ms)
{
    uint64_t begin = sim->now_ms, end = begin + most_ms;
    bool apart = true;

    sim->news_ms = sim->now_ms;
    while (sim->now_ms < end && (apart || sim->now_ms < sim->news_ms + QUIET_MS)) {
        uint64_t next = apart ? sim->now_ms + LOOK_MS : sim->news_ms + QUIET_MS;

        next = next < sim->news_ms + QUIET_MS ? sim->news_ms + QUIET_MS : next;
        gx_sim_run(sim, (next < end ? next : end) - sim->now_ms);
        apart = false;
        for (uint32_t i = 0; i < sim->options.n_nodes && !apart; i++)
            apart = sim->nodes[i].up && (is_apart(sim, i, begin) || shows_digits(sim->nodes[i].engine));
    }
    return sim->now_ms - begin;
}
