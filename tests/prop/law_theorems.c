/* The theorems that are said of one set: T2, T4, T5, T6, T10. */
#include "tests/prop/law_theorems.h"

uint64_t theorem_tried[THEOREMS + 1], theorem_failed[THEOREMS + 1];

void theorem_fails(int theorem, const struct history *h, const char *what, uint32_t x)
{
    if (theorem_failed[theorem]++ > 0)
        return;
    printf("T%d fails: history %llu, operation %u: %s\n", theorem, (unsigned long long)h->seed, x, what);
    history_print(h, stdout);
}

int theorems_report(void)
{
    int failed = 0;

    for (int i = 1; i <= THEOREMS; i++) {
        printf("T%-3d put to the test %9llu times", i, (unsigned long long)theorem_tried[i]);
        if (theorem_failed[i] > 0)
            printf(", T%d fails %llu times", i, (unsigned long long)theorem_failed[i]);
        printf("\n");
        failed += theorem_failed[i] > 0;
    }
    return failed;
}

/* ---- a ground ---------------------------------------------------------------------------------------------------------- */

uint64_t ground_log(const struct ground *g, uint32_t author, uint32_t device)
{
    uint64_t log = 0;
    uint32_t x;

    for (EACH(x, g->v.set))
        if (act_of(g, x)->op.author == author && act_of(g, x)->op.device == device)
            log |= bit(x);
    return log;
}

static void add_mainline_log(struct ground *g, uint32_t author, uint32_t device)
{
    uint64_t log = ground_log(g, author, device);
    uint32_t x, y;

    g->mainline_logs |= log;
    for (EACH(x, log))
        for (EACH(y, log & (bit(x) - 1)))
            g->forked = g->forked || !is_before(g->h, y, x);
}

void ground_make(struct ground *g, const struct history *h, const struct verdict *v)
{
    uint32_t x;

    *g = (struct ground){.h = h, .v = *v};
    for (EACH(x, v->effective)) {
        const struct act *act = act_of(g, x);

        if (act->op.kind == GX_OP_ADMIT || act->op.kind == GX_OP_CREATE)
            g->admits[act->op.target] |= bit(x);
        else if (is_removal(act))
            g->removals[about(act)] |= bit(x);
    }
    add_mainline_log(g, act_of(g, 0)->op.author, act_of(g, 0)->op.device);
    for (uint32_t k = 1; k < v->n_main; k++)
        if (act_of(g, v->main[k])->op.kind == GX_OP_TRANSFER && has(v->effective, v->main[k]))
            add_mainline_log(g, act_of(g, v->main[k])->op.target, act_of(g, v->main[k])->op.to_device);
}

/* Rule 8, by those of `among` only. */
static bool is_member_by(const struct ground *g, uint32_t person, uint64_t among)
{
    uint32_t a;

    for (EACH(a, g->admits[person] & among))
        if ((g->removals[person] & among & ~act_of(g, a)->past) == 0)
            return true;
    return false;
}

static uint32_t members_by(const struct ground *g, uint64_t among)
{
    uint32_t n = 0;

    for (uint32_t p = 0; p < g->h->n_cast; p++)
        n += is_member_by(g, p, among);
    return n;
}

/* ---- T2 ------------------------------------------------------------------------------------------------------------------ */

static uint32_t sponsor_of(const struct ground *g, uint32_t x)
{
    uint32_t m = act_of(g, x)->op.author, a, latest = NEVER;

    for (EACH(a, g->admits[m] & g->v.seats))
        if (g->v.at[a] < g->v.at[x] && (latest == NEVER || g->v.at[a] > g->v.at[latest]))
            latest = a;
    if (latest == NEVER || act_of(g, latest)->op.kind == GX_OP_CREATE || g->v.s[latest] < g->v.s[x])
        return m;
    return sponsor_of(g, latest);
}

static uint32_t seats_by_token(const struct ground *g, uint32_t token, uint64_t seats)
{
    uint32_t n = 0, a;

    for (EACH(a, seats))
        n += act_of(g, a)->op.qr && act_of(g, a)->op.token == token;
    return n;
}

static void check_seat(const struct ground *g, uint32_t x, uint64_t earlier, uint32_t sponsored[CAST_MAX][ACTS_MAX + 1])
{
    const struct gx_law_op *op = &act_of(g, x)->op;
    uint32_t n = members_by(g, earlier), s = g->v.s[x] == NEVER ? ACTS_MAX : g->v.s[x];

    theorem_tried[2]++;
    if (n >= g->h->cap)
        theorem_fails(2, g->h, "a seat was given in a full group", x);
    if (op->qr && n >= g->h->qr_max)
        theorem_fails(2, g->h, "a code gave a seat above its limit of members", x);
    if (op->qr && act_of(g, op->token)->op.uses != 0 && seats_by_token(g, op->token, g->v.seats & earlier) >= act_of(g, op->token)->op.uses)
        theorem_fails(2, g->h, "a token gave more seats than it has uses", x);
    if (++sponsored[sponsor_of(g, x)][s] > g->h->quota)
        theorem_fails(2, g->h, "a sponsor gave more seats than the quota", x);
}

void check_caps(const struct ground *g)
{
    static uint32_t sponsored[CAST_MAX][ACTS_MAX + 1];
    uint64_t earlier = 0;

    memset(sponsored, 0, sizeof sponsored);
    for (uint32_t i = 0; i < g->v.n_order; i++) {
        uint32_t x = g->v.order[i];

        if (act_of(g, x)->op.kind == GX_OP_ADMIT && has(g->v.effective, x)) {
            if (has(g->v.seats, x) == is_member_by(g, act_of(g, x)->op.target, earlier))
                theorem_fails(2, g->h, "a seat is taken exactly by who is no member", x);
            if (has(g->v.seats, x))
                check_seat(g, x, earlier, sponsored);
        }
        earlier |= bit(x);
        if (members_by(g, earlier) > g->h->cap)
            theorem_fails(2, g->h, "more members than the cap", x);
    }
    if (g->v.n_members != members_by(g, earlier))
        theorem_fails(2, g->h, "another number of members than there are", 0);
}

/* ---- T4 ------------------------------------------------------------------------------------------------------------------- */

static bool is_readmitted(const struct ground *g, uint32_t person, uint32_t r, uint32_t x)
{
    uint32_t a;

    for (EACH(a, g->admits[person] & act_of(g, x)->past))
        if (is_before(g->h, r, a))
            return true;
    return false;
}

static void check_right_of(const struct ground *g, uint32_t person, uint32_t x)
{
    uint32_t r;

    if ((g->admits[person] & act_of(g, x)->past) == 0)
        theorem_fails(4, g->h, "somebody who was never admitted admits or invites", x);
    for (EACH(r, g->removals[person])) {
        bool knew = act_of(g, r)->op.kind != GX_OP_LEAVE || is_before(g->h, r, x);

        theorem_tried[4]++;
        if (knew && !is_before(g->h, x, r) && g->v.s[x] >= g->v.s[r] && !is_readmitted(g, person, r, x))
            theorem_fails(4, g->h, "somebody who is removed admits or invites", x);
    }
}

static void check_consent(const struct ground *g, uint32_t x)
{
    const struct act *act = act_of(g, x);
    uint64_t named = act->heads & act->past;
    uint32_t l, k;

    for (EACH(k, act->heads & act->past))
        named |= act_of(g, k)->past;
    for (EACH(l, g->removals[act->op.target] & act->past & ~named))
        if (act_of(g, l)->op.kind == GX_OP_LEAVE)
            theorem_fails(4, g->h, "somebody who left is admitted by what they asked before", x);
}

void check_removal(const struct ground *g)
{
    uint32_t x;

    for (uint32_t p = 0; p < g->h->n_cast; p++)
        if ((g->v.rank[p] != GX_RANK_NONE) != is_member_by(g, p, UINT64_MAX))
            theorem_fails(4, g->h, "a member is who was admitted after every removal", p);
    for (EACH(x, g->v.effective)) {
        const struct gx_law_op *op = &act_of(g, x)->op;

        if (op->kind != GX_OP_ADMIT)
            continue;
        check_right_of(g, op->author, x);
        if (op->qr)
            check_right_of(g, act_of(g, op->token)->op.author, x);
        check_consent(g, x);
    }
}

/* ---- T5, T10 ---------------------------------------------------------------------------------------------------------------- */

typedef uint8_t roles_table[ACTS_MAX + 1][CAST_MAX];

static void apply(const struct ground *g, uint32_t x, uint8_t roles[CAST_MAX])
{
    const struct gx_law_op *op = &act_of(g, x)->op;

    if (is_removal(act_of(g, x)) || op->kind == GX_OP_DEMOTE)
        roles[about(act_of(g, x))] = GX_RANK_MEMBER;
    else if (op->kind == GX_OP_PROMOTE)
        roles[op->target] = GX_RANK_ADMIN;
    else if (op->kind == GX_OP_TRANSFER) {
        roles[op->author] = GX_RANK_ADMIN;
        roles[op->target] = GX_RANK_OWNER;
    }
}

/* ROLES(0) to ROLES(the last). */
static void find_roles(const struct ground *g, roles_table roles)
{
    uint32_t i = 0;

    memset(roles[0], GX_RANK_MEMBER, CAST_MAX);
    roles[0][act_of(g, 0)->op.author] = GX_RANK_OWNER;
    for (uint32_t k = 0; k < g->v.n_main; k++) {
        memcpy(roles[k + 1], roles[k], CAST_MAX);
        for (; i < g->v.n_order && g->v.s[g->v.order[i]] == k; i++)
            if (has(g->v.effective, g->v.order[i]))
                apply(g, g->v.order[i], roles[k + 1]);
    }
}

static uint32_t points_known(const struct ground *g, uint32_t x)
{
    uint32_t n = 0;

    while (n < g->v.n_main && is_before(g->h, g->v.main[n], x))
        n++;
    return n;
}

static void check_rank_of(const struct ground *g, roles_table roles, uint32_t x)
{
    const struct gx_law_op *op = &act_of(g, x)->op;
    uint32_t known = points_known(g, x), s = g->v.s[x] < g->v.n_main ? g->v.s[x] : g->v.n_main, b = about(act_of(g, x));
    uint8_t a = roles[s][op->author] < roles[known][op->author] ? roles[s][op->author] : roles[known][op->author];

    if (op->kind == GX_OP_REVOKE && b == GX_LAW_NONE)
        b = act_of(g, op->token)->op.author;
    if (b == GX_LAW_NONE)
        return;

    uint8_t of = roles[s][b] > roles[known][b] ? roles[s][b] : roles[known][b];
    bool removes = op->kind == GX_OP_REMOVE || op->kind == GX_OP_BAN || (op->kind == GX_OP_REVOKE && b != op->author);

    theorem_tried[5]++;
    if (removes && (a < GX_RANK_ADMIN || a <= of))
        theorem_fails(5, g->h, "somebody acts on an equal or higher rank, or with none", x);
    if (op->kind == GX_OP_UNBAN && a < GX_RANK_ADMIN)
        theorem_fails(5, g->h, "a pardon by somebody without rank", x);
    if ((op->kind == GX_OP_PROMOTE || op->kind == GX_OP_DEMOTE) && (a != GX_RANK_OWNER || of == GX_RANK_OWNER))
        theorem_fails(5, g->h, "a rank that was not the owner's to give or take", x);
}

static bool removes_other(const struct act *act)
{
    return act->op.kind == GX_OP_REMOVE || act->op.kind == GX_OP_BAN;
}

static void check_mutual(const struct ground *g, uint32_t x)
{
    uint32_t y;

    if (!removes_other(act_of(g, x)))
        return;
    for (EACH(y, g->removals[act_of(g, x)->op.author]))
        if (removes_other(act_of(g, y)) && act_of(g, y)->op.author == act_of(g, x)->op.target && g->v.s[x] == g->v.s[y] && x != y &&
            !are_comparable(g->h, x, y))
            theorem_fails(5, g->h, "two remove each other", x);
}

void check_ranks(const struct ground *g)
{
    static roles_table roles;
    uint32_t x, owner = act_of(g, 0)->op.author;

    find_roles(g, roles);
    for (EACH(x, g->v.effective)) {
        check_rank_of(g, roles, x);
        check_mutual(g, x);
        if (act_of(g, x)->op.kind == GX_OP_TRANSFER && (g->v.s[x] == NEVER || g->v.main[g->v.s[x]] != x))
            theorem_fails(5, g->h, "a TRANSFER beside the mainline", x);
    }
    for (uint32_t k = 1; k < g->v.n_main; k++)
        if (act_of(g, g->v.main[k])->op.kind == GX_OP_TRANSFER && has(g->v.effective, g->v.main[k]))
            owner = act_of(g, g->v.main[k])->op.target;
    theorem_tried[10]++;
    for (uint32_t p = 0; p < g->h->n_cast; p++) {
        if (g->v.rank[p] != GX_RANK_NONE && g->v.rank[p] != roles[g->v.n_main][p])
            theorem_fails(5, g->h, "a member has another rank than was given", p);
        if ((g->v.rank[p] == GX_RANK_OWNER) != (p == owner))
            theorem_fails(10, g->h, "the owner is no member, or somebody else is owner", p);
    }
}

/* ---- T6 --------------------------------------------------------------------------------------------------------------------- */

static uint8_t rank_at(const struct ground *g, roles_table roles, uint32_t x)
{
    return roles[g->v.s[x] < g->v.n_main ? g->v.s[x] : g->v.n_main][act_of(g, x)->op.author];
}

static bool is_answered(const struct ground *g, roles_table roles, uint32_t ban, uint32_t x)
{
    uint32_t v;

    for (EACH(v, g->v.effective & act_of(g, x)->past))
        if (act_of(g, v)->op.kind == GX_OP_UNBAN && act_of(g, v)->op.target == act_of(g, ban)->op.target && is_before(g->h, ban, v) &&
            rank_at(g, roles, v) >= rank_at(g, roles, ban))
            return true;
    return false;
}

void check_bans(const struct ground *g)
{
    static roles_table roles;
    uint32_t b, x;

    find_roles(g, roles);
    for (uint32_t p = 0; p < g->h->n_cast; p++) {
        if (g->v.banned[p] && g->v.rank[p] != GX_RANK_NONE)
            theorem_fails(6, g->h, "a member is banned", p);
        for (EACH(b, g->removals[p])) {
            if (act_of(g, b)->op.kind != GX_OP_BAN)
                continue;
            for (EACH(x, g->admits[p] & ~act_of(g, b)->past)) {
                theorem_tried[6]++;
                if ((is_before(g->h, b, x) || g->v.at[b] < g->v.at[x]) && !is_answered(g, roles, b, x))
                    theorem_fails(6, g->h, "somebody who is banned is admitted", x);
            }
        }
    }
}
