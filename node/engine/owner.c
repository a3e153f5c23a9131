/* What the owner's node does by itself: witnessing what others wrote, and handing the group over once the receiver agreed.  LAW §6, §11 */
#include "node/engine/internal.h"

#define WITNESS_SOON_MS 3000u           /* joins come in bursts: one point for all of them */
#define WITNESS_REST_MS 10000u          /* between two points that nothing but others' acts asked for */
#define WITNESS_LATE_MS 3600000u        /* what changes no membership can wait: "else at most hourly" */

bool gx_group_is_giver(const struct gx_group *g)
{
    return gx_group_is_member(g) && g->own_control != GX_NONE && gx_law_is_giver(&g->law, g->me, g->logs[g->own_control].device);
}

/* --- witnessing ---------------------------------------------------------------------------------------------------------------------- */

/* How long what nobody has witnessed yet may wait; 0: there is nothing. */
static uint32_t witness_after_ms(const struct gx_group *g)
{
    const struct gx_law_run *run = &g->law.now;
    uint32_t after = 0;

    for (uint32_t i = run->results[run->main[run->n_main - 1]].pos + 1; i < run->n_order; i++) {
        uint8_t kind = g->law.nodes[run->order[i]].op.kind;

        if (kind == GX_OP_ADMIT || kind == GX_OP_REMOVE || kind == GX_OP_BAN || kind == GX_OP_LEAVE || kind == GX_OP_REVOKE)
            return WITNESS_SOON_MS;
        after = WITNESS_LATE_MS;
    }
    return after;
}

static void plan_witness(struct gx_engine *e, struct gx_group *g)
{
    uint32_t after = witness_after_ms(g);
    uint64_t at = e->now.mono_ms + after;

    if (after == 0) {
        g->witness_at_ms = 0;
        return;
    }
    if (g->witnessed_ms != 0 && at < g->witnessed_ms + WITNESS_REST_MS)
        at = g->witnessed_ms + WITNESS_REST_MS;
    if (g->witness_at_ms == 0 || at < g->witness_at_ms)
        g->witness_at_ms = at;
    gx_engine_wake(e, g->witness_at_ms);
}

static void witness(struct gx_engine *e, struct gx_group *g)
{
    struct gx_body body = {.type = GX_EV_CHECKPOINT};

    g->witness_at_ms = 0;
    if (witness_after_ms(g) == 0)
        return;                         /* an act of this node's own did it */
    g->witnessed_ms = e->now.mono_ms;
    if (gx_author_write(e, g, &body, NULL, NULL) == GX_OK)
        plan_witness(e, g);             /* more heads than one event can name */
}

void gx_owner_timer(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        struct gx_group *g = e->groups[i];

        if (g->witness_at_ms == 0)
            continue;
        gx_group_settle(e, g);
        if (!gx_group_is_giver(g))
            g->witness_at_ms = 0;
        else if (e->now.mono_ms >= g->witness_at_ms)
            witness(e, g);
        else
            gx_engine_wake(e, g->witness_at_ms);
    }
}

/* --- handing over -------------------------------------------------------------------------------------------------------------------- */

uint32_t gx_group_offer(const struct gx_group *g)
{
    const struct gx_law_run *run = &g->law.now;
    const struct gx_law_stage *stage = run->n_stages == 0 ? NULL : &run->stages[run->n_stages - 1];
    uint32_t op = g->n_offers == 0 || stage == NULL || stage->frozen ? GX_NONE : g->law.persons[stage->author].last_by;

    for (; op != GX_NONE; op = g->law.nodes[op].by_before) {
        if (g->law.nodes[op].op.device != stage->device)
            continue;
        if (g->ops[op].type == GX_EV_TRANSFER)
            return GX_NONE;             /* that device handed it over since, and has it back */
        if (g->ops[op].type == GX_EV_OFFER)
            return op;
    }
    return GX_NONE;
}

uint32_t gx_group_reply(const struct gx_group *g, uint32_t offer)
{
    uint32_t op = g->law.persons[g->law.nodes[offer].op.target].last_by;

    while (op != GX_NONE && op > offer && !(g->ops[op].type == GX_EV_ACCEPT && g->ops[op].offer == offer))
        op = g->law.nodes[op].by_before;
    return op == GX_NONE || op < offer ? GX_NONE : op;
}

/* The newest offer was agreed to: make it so. */
static void hand_over(struct gx_engine *e, struct gx_group *g)
{
    uint32_t offer = gx_group_offer(g), reply = offer == GX_NONE ? GX_NONE : gx_group_reply(g, offer);
    struct gx_event ev;
    struct gx_body said, body = {.type = GX_EV_TRANSFER};

    if (reply == GX_NONE || !gx_law_is_member(&g->law, g->law.nodes[offer].op.target) ||
        !gx_group_read(e, g, &g->logs[g->ops[reply].log], g->ops[reply].seq, &ev, &said) || said.u.accept.answer != GX_ACCEPT_YES)
        return;

    const struct gx_log_row *row = &g->logs[g->ops[reply].log].row;

    body.u.transfer = (struct gx_body_transfer){.target = row->member, .device = row->device, .offer = said.u.accept.offer, .sig = said.u.accept.sig};
    if (gx_author_write(e, g, &body, NULL, NULL) == GX_OK)
        gx_engine_log(e, "a group was handed over: its receiver agreed");
}

void gx_owner_look(struct gx_engine *e, struct gx_group *g)
{
    if (e->config.offline || !gx_group_is_giver(g))
        return;
    hand_over(e, g);
    if (e->fault == GX_OK && gx_group_is_giver(g))
        plan_witness(e, g);
}
