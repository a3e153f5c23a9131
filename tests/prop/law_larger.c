/* The theorems that hold a set against a smaller one: T3, T7, T8, T9. */
#include "tests/prop/law_theorems.h"

/* ---- T3, T7 ------------------------------------------------------------------------------------------------------------------- */

static void compare_final(const struct history *h, const struct verdict *p, const struct verdict *v)
{
    uint32_t x;

    theorem_tried[3]++;
    for (EACH(x, p->set)) {
        if (has(p->effective, x) && !has(v->effective, x))
            theorem_fails(3, h, "effective at a point of the mainline, and void later", x);
        else if (p->rule[x] != v->rule[x] || has(p->seats, x) != has(v->seats, x) || p->s[x] != v->s[x])
            theorem_fails(3, h, "settled at a point of the mainline, and judged otherwise later", x);
    }
    if (memcmp(p->order, v->order, p->n_order) != 0)
        theorem_fails(3, h, "what was settled comes first, in the same order", p->main[p->n_main - 1]);
}

static bool is_named(const struct ground *g, uint32_t person, uint64_t among)
{
    uint32_t x;

    for (EACH(x, g->v.effective & among)) {
        const struct gx_law_op *op = &act_of(g, x)->op;

        if ((op->kind == GX_OP_PROMOTE || op->kind == GX_OP_DEMOTE || op->kind == GX_OP_TRANSFER) &&
            (op->target == person || (op->kind == GX_OP_TRANSFER && op->author == person)))
            return true;
    }
    return false;
}

static void compare_members(const struct ground *g, const struct verdict *p)
{
    for (uint32_t u = 0; u < g->h->n_cast; u++) {
        if (p->rank[u] == GX_RANK_NONE || (g->removals[u] & ~p->set) != 0)
            continue;
        theorem_tried[7]++;
        if (g->v.rank[u] == GX_RANK_NONE)
            theorem_fails(7, g->h, "a member whom nobody removed is none any more", u);
        else if (g->v.rank[u] != p->rank[u] && !is_named(g, u, ~p->set))
            theorem_fails(7, g->h, "a rank that nobody changed is another", u);
    }
}

void check_finality(const struct ground *g, bool between)
{
    struct verdict p, more;

    for (uint32_t k = 0; k + 1 < g->v.n_order && k < g->v.n_main && !g->forked; k++) {
        uint32_t c = g->v.main[k];
        uint64_t settled = act_of(g, c)->past | bit(c), left = g->v.set & ~settled;

        if (left == 0)
            continue;
        resolve(g->h, settled, &p);
        compare_final(g->h, &p, &g->v);
        compare_members(g, &p);
        if (!between)
            continue;
        for (uint32_t i = 0; i < 2; i++) {
            uint32_t x = pick_of(left);

            settled |= act_of(g, x)->past | bit(x);
        }
        resolve(g->h, settled, &more);
        compare_final(g->h, &p, &more);
    }
}

/* ---- T8 ----------------------------------------------------------------------------------------------------------------------- */

/* A request that names the latest the admitter knows is what a question supposes. */
static bool can_be_asked(const struct history *h, const struct act *act)
{
    if (act->op.kind == GX_OP_ADMIT)
        return (history_heads(h, act->past) & ~act->heads) == 0;
    return act->op.kind != GX_OP_CREATE && (act->op.kind != GX_OP_TRANSFER || act->op.accepted);
}

static void check_question(const struct ground *g, uint32_t x, bool effective)
{
    const struct act *act = act_of(g, x);
    struct gx_law_op op = act->op;
    struct told t;
    enum gx_err err;
    uint32_t y;

    if (!can_be_asked(g->h, act))
        return;
    told_begin(&t, g->h, NULL);
    for (EACH(y, act->past))
        tell(&t, y);
    err = gx_law_settle(&t.law);
    GX_ASSERT(err == GX_OK);
    op.token = op.token == GX_LAW_NONE ? GX_LAW_NONE : t.index_of[op.token];
    theorem_tried[8]++;
    if ((gx_law_ask(&t.law, &op) == GX_RULE_NONE) != effective)
        theorem_fails(8, g->h, "the answer to a question is not what became of it", x);
    told_end(&t);
}

void check_liveness(const struct ground *g, uint32_t x)
{
    uint64_t known = act_of(g, x)->past | bit(x), calm = known;
    struct verdict v;
    bool effective;

    for (uint32_t y = x + 1; y < g->h->n; y++)
        if (has(g->v.set, y) && is_before(g->h, x, y) && (act_of(g, y)->past & ~calm) == 0)
            calm |= bit(y);
    resolve(g->h, known, &v);
    effective = has(v.effective, x);
    check_question(g, x, effective);
    if (!effective || calm == known)
        return;
    resolve(g->h, calm, &v);
    theorem_tried[8]++;
    if (!has(v.effective, x))
        theorem_fails(8, g->h, "valid by what its author knew, with nothing concurrent, and void", x);
}

/* ---- T9 ----------------------------------------------------------------------------------------------------------------------- */

/* Did one of the admissions fall by which `person` could act in x? */
static bool lost_a_seat(const struct ground *without, const struct ground *with, uint32_t person, uint32_t x)
{
    return (without->admits[person] & ~with->admits[person] & act_of(with, x)->past) != 0;
}

static bool fell_with_another(const struct ground *without, const struct ground *with, uint32_t x)
{
    const struct gx_law_op *op = &act_of(with, x)->op;
    uint32_t rule = with->v.rule[x];

    return (rule == GX_RULE_AUTHOR && lost_a_seat(without, with, op->author, x)) ||
           (rule == GX_RULE_ISSUER && lost_a_seat(without, with, act_of(with, op->token)->op.author, x));
}

static bool somebody_waits(const struct ground *g)
{
    uint32_t x;

    for (EACH(x, g->v.set & ~g->v.effective))
        if (is_seat_rule(g->v.rule[x]))
            return true;
    return false;
}

static void check_stranger(const struct ground *without, const struct ground *with, uint32_t y)
{
    uint32_t x;

    for (EACH(x, without->v.set))
        if (without->v.rule[x] != with->v.rule[x] || has(without->v.seats, x) != has(with->v.seats, x))
            theorem_fails(9, with->h, "a stranger's ADMIT or LEAVE changes what others did", y);
}

static void check_copy(const struct ground *without, const struct ground *with, uint32_t y)
{
    uint32_t x, joiner = act_of(with, y)->op.target;

    if ((without->removals[joiner] & ~act_of(with, y)->past) != 0)
        return;
    for (EACH(x, without->admits[joiner])) {
        theorem_tried[9]++;
        if (!has(with->v.effective, x) && !fell_with_another(without, with, x))
            theorem_fails(9, with->h, "a copied ADMIT makes the first void", x);
    }
}

static void check_leave(const struct ground *without, const struct ground *with, uint32_t y)
{
    uint64_t own = without->admits[act_of(with, y)->op.author];
    bool calm = !somebody_waits(without) && (own & (own - 1)) == 0;
    uint32_t x;

    for (EACH(x, without->v.effective)) {
        if (act_of(with, x)->op.kind != GX_OP_ADMIT)
            continue;
        theorem_tried[9]++;
        if (has(with->v.effective, x))
            continue;
        if (calm)
            theorem_fails(9, with->h, "a LEAVE makes an ADMIT void, and nobody waited for a seat", x);
        else if (!is_seat_rule(with->v.rule[x]) && !fell_with_another(without, with, x))
            theorem_fails(9, with->h, "a LEAVE makes an ADMIT void", x);
    }
}

void check_last(const struct ground *with, uint32_t y)
{
    const struct act *act = act_of(with, y);
    struct verdict v;
    struct ground without;

    if (act->op.kind != GX_OP_ADMIT && act->op.kind != GX_OP_LEAVE)
        return;
    resolve(with->h, with->v.set & ~bit(y), &v);
    ground_make(&without, with->h, &v);
    if (has(with->mainline_logs, y) || ground_log(&without, act->op.author, act->op.device) & without.mainline_logs)
        return;
    theorem_tried[9]++;
    if (without.admits[act->op.author] == 0)
        check_stranger(&without, with, y);
    else if (act->op.kind == GX_OP_LEAVE)
        check_leave(&without, with, y);
    else
        check_copy(&without, with, y);
}
