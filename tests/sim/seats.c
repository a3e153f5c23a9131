/* What the law says, counted anew along its resolved order by the plain rules: seats, limits, uses, bans. */
#include "tests/sim/internal.h"

#include <stdlib.h>

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

void sim_recount(struct gx_sim *sim, uint32_t i, const struct gx_group *g)
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
