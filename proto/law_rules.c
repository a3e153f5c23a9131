/* Ranks, authority, and the replay of the admissions.  LAW §7, §8 */
#include "proto/law_work.h"

static const struct gx_law_op *op_of(const struct gx_law *law, uint32_t x)
{
    return &law->nodes[x].op;
}

/* ---- ranks ------------------------------------------------------------------------------------------------------------ */

enum gx_rank gx_law_rank_at(const struct gx_law_run *run, uint32_t person, uint32_t k)
{
    for (uint32_t i = run->standings[person].changes; i != NONE; i = run->changes[i].before)
        if (k == GX_LAW_INFINITE || run->changes[i].from <= k)
            return (enum gx_rank)run->changes[i].rank;
    return GX_RANK_MEMBER;
}

/* What is effective at S = k changes ROLES(k+1); nothing that nobody witnessed changes a rank.  Room was made: two for each operation. */
static void change_rank(struct gx_law_run *run, uint32_t person, uint32_t k, enum gx_rank rank)
{
    if (k == GX_LAW_INFINITE)
        return;
    run->changes[run->n_changes] = (struct gx_law_change){.from = k + 1, .before = run->standings[person].changes, .rank = (uint8_t)rank};
    run->standings[person].changes = run->n_changes++;
}

static void unchange_rank(struct gx_law_run *run, uint32_t person, uint32_t k)
{
    if (k == GX_LAW_INFINITE)
        return;
    GX_ASSERT(run->standings[person].changes == run->n_changes - 1);
    run->standings[person].changes = run->changes[--run->n_changes].before;
}

/* ---- authority -------------------------------------------------------------------------------------------------------- */

/* k of the longest run C0..Ck in past(x).  Every point has those before it in its past. */
static uint32_t run_in_past(const struct gx_law *law, const struct gx_law_run *run, uint32_t x)
{
    uint32_t low = 0, high = run->n_main;

    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;

        if (gx_law_past(law, run->main[mid], x))
            low = mid;
        else
            high = mid;
    }
    return low;
}

struct ranks {
    enum gx_rank author, target;    /* the lesser, the greater, of two */
};

/* As the owner saw it when it witnessed x, and as x's author could have known it: nobody gains by waiting, nor by looking away. */
static struct ranks ranks_at(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t a, uint32_t b)
{
    uint32_t s = run->results[x].s, known = run_in_past(law, run, x) + 1;
    enum gx_rank a1 = gx_law_rank_at(run, a, s), a2 = gx_law_rank_at(run, a, known);
    enum gx_rank b1 = gx_law_rank_at(run, b, s), b2 = gx_law_rank_at(run, b, known);

    return (struct ranks){.author = a1 < a2 ? a1 : a2, .target = b1 > b2 ? b1 : b2};
}

bool gx_law_had_rank(const struct gx_law *law, const struct gx_law_run *run, uint32_t x)
{
    uint32_t author = op_of(law, x)->author;

    return ranks_at(law, run, x, author, author).author >= GX_RANK_ADMIN;
}

static bool may_remove(struct ranks r)
{
    return r.author >= GX_RANK_ADMIN && (r.author > r.target || WITHOUT(5) || GX_MUTANT(RANK_EQUAL));
}

/* An effective LEAVE of `a` in past(x), with no effective PROMOTE of or TRANSFER to `a` since, in past(x); or NONE. */
static uint32_t left_by(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t a)
{
    const struct gx_law_standing *standing = &run->standings[a];

    for (uint32_t l = standing->removals; l != NONE; l = run->results[l].next) {
        bool back = false;

        if (op_of(law, l)->kind != GX_OP_LEAVE || !gx_law_past(law, l, x))
            continue;
        for (uint32_t v = standing->promotes; v != NONE && !back; v = run->results[v].next)
            back = gx_law_past(law, l, v) && gx_law_past(law, v, x);
        if (!back)
            return l;
    }
    return NONE;
}

static enum gx_law_rule left_rule(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t *culprit)
{
    *culprit = left_by(law, run, x, op_of(law, x)->author);
    return *culprit == NONE ? GX_RULE_NONE : GX_RULE_LEFT;
}

static enum gx_law_rule revoke_fault(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t *culprit)
{
    const struct gx_law_op *op = op_of(law, x);
    uint32_t whose = op->target;

    if (whose == NONE) {
        if (op->token == NONE || op_of(law, op->token)->kind != GX_OP_TOKEN || !gx_law_past(law, op->token, x))
            return GX_RULE_TOKEN;
        whose = op_of(law, op->token)->author;
    }
    if (whose == op->author)
        return GX_RULE_NONE;
    return may_remove(ranks_at(law, run, x, op->author, whose)) ? left_rule(law, run, x, culprit) : GX_RULE_RANK;
}

/* A TRANSFER counts only as the point at which the mainline changed hands. */
static enum gx_law_rule transfer_fault(const struct gx_law *law, const struct gx_law_run *run, uint32_t x)
{
    const struct gx_law_node *node = &law->nodes[x];
    uint32_t s = run->results[x].s;

    if (!node->op.accepted || !node->target_in || (node->op.target == node->op.author && node->op.to_device == node->op.device))
        return GX_RULE_TARGET;
    return s < run->n_main && run->main[s] == x ? GX_RULE_NONE : GX_RULE_MAINLINE;
}

/* REMOVE, BAN, UNBAN, PROMOTE, DEMOTE. */
static enum gx_law_rule rank_fault(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t *culprit)
{
    const struct gx_law_node *node = &law->nodes[x];
    struct ranks r = ranks_at(law, run, x, node->op.author, node->op.target);
    bool may;

    if (node->op.kind == GX_OP_REMOVE || node->op.kind == GX_OP_BAN)
        may = may_remove(r);
    else if (node->op.kind == GX_OP_UNBAN)
        may = r.author >= GX_RANK_ADMIN;
    else
        may = r.author == GX_RANK_OWNER && r.target != GX_RANK_OWNER;
    if (!may)
        return GX_RULE_RANK;
    if (node->op.kind == GX_OP_PROMOTE && !node->target_in)
        return GX_RULE_TARGET;
    return left_rule(law, run, x, culprit);
}

static enum gx_law_rule leave_fault(const struct gx_law *law, const struct gx_law_run *run, uint32_t x)
{
    uint32_t a = op_of(law, x)->author;
    bool owner = gx_law_rank_at(run, a, run->results[x].s) == GX_RANK_OWNER || gx_law_rank_at(run, a, run_in_past(law, run, x) + 1) == GX_RANK_OWNER;

    return owner && !WITHOUT(10) ? GX_RULE_OWNER : GX_RULE_NONE;
}

/* ---- was the author a member? ------------------------------------------------------------------------------------------ */

static bool is_harmless(const struct gx_law *law, const struct gx_law_run *run, uint32_t admit, uint32_t r, uint32_t x)
{
    return gx_law_past(law, r, admit) || gx_law_past(law, x, r) || (run->results[x].s < run->results[r].s && !WITHOUT(7)) ||
           (op_of(law, r)->kind == GX_OP_LEAVE && !gx_law_past(law, r, x) && !WITHOUT(9)) ||
           (GX_MUTANT(REMOVED_ADMITS) && !gx_law_past(law, r, x));
}

/* The first removal of who ADMIT a let in that does harm to x, or NONE. */
static uint32_t harm_to(const struct gx_law *law, const struct gx_law_run *run, uint32_t a, uint32_t x, uint32_t person)
{
    uint32_t r = run->standings[person].removals;

    while (r != NONE && is_harmless(law, run, a, r, x))
        r = run->results[r].next;
    return r;
}

/* What makes one ADMIT no good makes those in its past no good: fewer removals are in their pasts.  They are passed over. */
bool gx_law_author_ok(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t person, uint32_t *culprit)
{
    uint32_t failed = NONE, last = NONE;

    if (WITHOUT(4) && run->standings[person].admits != NONE)
        return true;
    for (uint32_t a = run->standings[person].admits; a != NONE; a = run->results[a].next) {
        if (!gx_law_past(law, a, x))
            continue;
        last = a;
        if (failed != NONE && gx_law_past(law, a, failed))
            continue;
        if (harm_to(law, run, a, x, person) == NONE)
            return true;
        failed = a;
    }
    if (last != NONE)
        *culprit = harm_to(law, run, last, x, person);
    return false;
}

/* ---- admissions ---------------------------------------------------------------------------------------------------------- */

static bool is_earlier(const struct gx_law_run *run, uint32_t x, uint32_t y)
{
    return run->results[x].pos < run->results[y].pos;
}

static bool is_covered(const struct gx_law *law, const struct gx_law_run *run, uint32_t ban, uint32_t x)
{
    enum gx_rank needed = gx_law_rank_at(run, op_of(law, ban)->author, run->results[ban].s);

    for (uint32_t v = run->standings[op_of(law, ban)->target].unbans; v != NONE; v = run->results[v].next)
        if (gx_law_past(law, ban, v) && gx_law_past(law, v, x) && gx_law_rank_at(run, op_of(law, v)->author, run->results[v].s) >= needed)
            return true;
    return false;
}

/* A BAN earlier in L cannot have x in its past: L grows along edges. */
bool gx_law_banned_at(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t person, uint32_t *culprit)
{
    for (uint32_t b = person == NONE ? NONE : run->standings[person].removals; b != NONE; b = run->results[b].next) {
        if (op_of(law, b)->kind == GX_OP_BAN && is_earlier(run, b, x) && !is_covered(law, run, b, x) && !WITHOUT(6) && !GX_MUTANT(BAN_OVER)) {
            *culprit = b;
            return true;
        }
    }
    return false;
}

/* The joiner asked after each effective LEAVE that x knows of: a request is not good for a second time. */
static bool is_consent_fresh(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t *culprit)
{
    const struct gx_law_node *node = &law->nodes[x];

    for (uint32_t l = x >= law->n_ops ? NONE : run->standings[node->op.target].removals; l != NONE; l = run->results[l].next) {
        bool named = false;

        if (op_of(law, l)->kind != GX_OP_LEAVE || !gx_law_past(law, l, x))
            continue;
        for (uint32_t i = 0; i < node->n_heads && !named; i++)
            named = l == law->heads[node->heads + i] || gx_law_past(law, l, law->heads[node->heads + i]);
        if (!named) {
            *culprit = l;
            return false;
        }
    }
    return true;
}

static bool revokes(const struct gx_law *law, const struct gx_law_run *run, uint32_t v, uint32_t x)
{
    return (!gx_law_past(law, x, v) || WITHOUT(8)) && !(run->results[x].s < run->results[v].s);
}

static bool is_revoked(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t *culprit)
{
    uint32_t t = op_of(law, x)->token;

    for (uint32_t v = run->results[t].revokes; v != NONE; v = run->results[v].next) {
        if (revokes(law, run, v, x)) {
            *culprit = v;
            return true;
        }
    }
    for (uint32_t v = run->standings[op_of(law, t)->author].revokes; v != NONE; v = run->results[v].next) {
        if (!gx_law_past(law, v, t) && revokes(law, run, v, x)) {
            *culprit = v;
            return true;
        }
    }
    return false;
}

static enum gx_law_rule admit_fault(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t *culprit)
{
    const struct gx_law_op *op = op_of(law, x);

    if (!gx_law_author_ok(law, run, x, op->author, culprit))
        return GX_RULE_AUTHOR;
    if (op->qr) {
        if (op->token == NONE || op_of(law, op->token)->kind != GX_OP_TOKEN || !gx_law_past(law, op->token, x))
            return GX_RULE_TOKEN;
        if (!gx_law_author_ok(law, run, x, op_of(law, op->token)->author, culprit))
            return GX_RULE_ISSUER;
    }
    *culprit = NONE;
    if (gx_law_banned_at(law, run, x, op->target, culprit))
        return GX_RULE_BANNED;
    if (!GX_MUTANT(CONSENT_STALE) && !is_consent_fresh(law, run, x, culprit))
        return GX_RULE_CONSENT;
    return op->qr && !GX_MUTANT(REVOKED_GOOD) && is_revoked(law, run, x, culprit) ? GX_RULE_REVOKED : GX_RULE_NONE;
}

/* Until a point witnessed its own admission, a member admits on the account of who admitted it. */
static uint32_t sponsor_of(const struct gx_law *law, const struct gx_law_run *run, uint32_t x)
{
    uint32_t m = op_of(law, x)->author, seat = run->standings[m].seat;

    GX_ASSERT(seat != NONE);        /* m's first effective ADMIT took a seat */
    return op_of(law, seat)->kind == GX_OP_CREATE || run->results[seat].s < run->results[x].s ? m : run->results[seat].sponsor;
}

enum gx_law_rule gx_law_seat_fault(const struct gx_law *law, const struct gx_law_run *run, uint32_t x)
{
    const struct gx_law_op *op = op_of(law, x);
    const struct gx_law_standing *sponsor = &run->standings[sponsor_of(law, run, x)];

    if (op->qr && !GX_MUTANT(USES_UNCOUNTED) && op_of(law, op->token)->uses != 0 && run->results[op->token].used >= op_of(law, op->token)->uses)
        return GX_RULE_USED_UP;
    if ((sponsor->quota_s == run->results[x].s ? sponsor->quota_n : 0) >= law->quota)
        return GX_RULE_QUOTA;
    if (run->n_members >= law->cap + (WITHOUT(2) || GX_MUTANT(CAP_BY_ONE) ? 1 : 0))
        return GX_RULE_FULL;
    return op->qr && run->n_members >= law->qr_max + (GX_MUTANT(QR_BY_ONE) ? 1 : 0) ? GX_RULE_QR_CLOSED : GX_RULE_NONE;
}

/* ---- effects ------------------------------------------------------------------------------------------------------------- */

enum gx_law_rule gx_law_fault(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t *culprit)
{
    *culprit = NONE;
    switch ((enum gx_law_kind)op_of(law, x)->kind) {
    case GX_OP_REMOVE:
    case GX_OP_BAN:
    case GX_OP_UNBAN:
    case GX_OP_PROMOTE:
    case GX_OP_DEMOTE:
        return rank_fault(law, run, x, culprit);
    case GX_OP_REVOKE:
        return revoke_fault(law, run, x, culprit);
    case GX_OP_LEAVE:
        return leave_fault(law, run, x);
    case GX_OP_TRANSFER:
        return transfer_fault(law, run, x);
    case GX_OP_ADMIT:
        return admit_fault(law, run, x, culprit);
    case GX_OP_CREATE:
    case GX_OP_TOKEN:
    case GX_OP_CHECKPOINT:
    case GX_OP_META:
    case GX_OP_ALIAS:
    case GX_OP_BESIDE:
    case GX_OP_COUNT:
        break;
    }
    return GX_RULE_NONE;
}

/* The list that an effective operation stands in; NULL: in none. */
static uint32_t *list_of(const struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    const struct gx_law_op *op = op_of(law, x);

    switch ((enum gx_law_kind)op->kind) {
    case GX_OP_REMOVE:
    case GX_OP_BAN:
        return &run->standings[op->target].removals;
    case GX_OP_LEAVE:
        return &run->standings[op->author].removals;
    case GX_OP_UNBAN:
        return &run->standings[op->target].unbans;
    case GX_OP_REVOKE:
        return op->target == NONE ? &run->results[op->token].revokes : &run->standings[op->target].revokes;
    case GX_OP_PROMOTE:
    case GX_OP_TRANSFER:
        return &run->standings[op->target].promotes;
    case GX_OP_CREATE:
    case GX_OP_ADMIT:
        return &run->standings[op->target].admits;
    case GX_OP_DEMOTE:
    case GX_OP_TOKEN:
    case GX_OP_CHECKPOINT:
    case GX_OP_META:
    case GX_OP_ALIAS:
    case GX_OP_BESIDE:
    case GX_OP_COUNT:
        break;
    }
    return NULL;
}

static void push(const struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    uint32_t *list = list_of(law, run, x);

    if (list == NULL)
        return;
    run->results[x].next = *list;
    *list = x;
}

static void pop(const struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    uint32_t *list = list_of(law, run, x);

    if (list == NULL)
        return;
    GX_ASSERT(*list == x);
    *list = run->results[x].next;
}

static bool is_admission(const struct gx_law_op *op)
{
    return op->kind == GX_OP_ADMIT || op->kind == GX_OP_CREATE;
}

static bool is_removal(const struct gx_law_op *op)
{
    return op->kind == GX_OP_REMOVE || op->kind == GX_OP_BAN || op->kind == GX_OP_LEAVE;
}

static uint32_t removed_of(const struct gx_law_op *op)
{
    return op->kind == GX_OP_LEAVE ? op->author : op->target;
}

void gx_law_run_begin(const struct gx_law *law, struct gx_law_run *run)
{
    for (uint32_t p = 0; p < law->n_persons; p++)
        run->standings[p] = (struct gx_law_standing){
            .admits = NONE, .removals = NONE, .promotes = NONE, .unbans = NONE, .revokes = NONE, .changes = NONE, .seat = NONE};
    run->n_order = run->n_members = run->n_changes = 0;
    if (law->n_ops == 0)
        return;
    run->changes[run->n_changes] = (struct gx_law_change){.from = 0, .before = NONE, .rank = GX_RANK_OWNER};      /* ROLES(0) */
    run->standings[law->nodes[0].op.author].changes = run->n_changes++;
}

void gx_law_judge(struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    const struct gx_law_op *op = op_of(law, x);
    struct gx_law_result *result = &run->results[x];
    uint32_t culprit;

    law->n_judged++;
    result->used = 0;
    result->seat = result->moved = false;
    result->next = result->revokes = result->sponsor = NONE;
    result->rule = GX_RULE_NONE;
    if (is_admission(op))
        return;                     /* judged in the replay */
    result->rule = (uint8_t)gx_law_fault(law, run, x, &culprit);
    if (result->rule != GX_RULE_NONE)
        return;
    push(law, run, x);
    if (is_removal(op))
        change_rank(run, removed_of(op), result->s, GX_RANK_MEMBER);
    else if (op->kind == GX_OP_PROMOTE)
        change_rank(run, op->target, result->s, GX_RANK_ADMIN);
    else if (op->kind == GX_OP_DEMOTE)
        change_rank(run, op->target, result->s, GX_RANK_MEMBER);
    else if (op->kind == GX_OP_TRANSFER) {
        change_rank(run, op->author, result->s, GX_RANK_ADMIN);
        change_rank(run, op->target, result->s, GX_RANK_OWNER);     /* last: giver and receiver may be one */
    }
}

void gx_law_unjudge(const struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    const struct gx_law_op *op = op_of(law, x);
    struct gx_law_result *result = &run->results[x];

    if (is_admission(op) || result->rule != GX_RULE_NONE)
        return;
    if (is_removal(op)) {
        unchange_rank(run, removed_of(op), result->s);
    } else if (op->kind == GX_OP_PROMOTE || op->kind == GX_OP_DEMOTE) {
        unchange_rank(run, op->target, result->s);
    } else if (op->kind == GX_OP_TRANSFER) {
        unchange_rank(run, op->target, result->s);
        unchange_rank(run, op->author, result->s);
    }
    pop(law, run, x);
}

static void take_seat(const struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    struct gx_law_result *result = &run->results[x];
    struct gx_law_standing *joiner = &run->standings[op_of(law, x)->target];

    result->seat = true;
    if (op_of(law, x)->kind == GX_OP_ADMIT) {
        result->sponsor = sponsor_of(law, run, x);

        struct gx_law_standing *sponsor = &run->standings[result->sponsor];

        result->old_quota_n = sponsor->quota_n;
        result->old_quota_s = sponsor->quota_s;
        sponsor->quota_n = sponsor->quota_s == result->s ? sponsor->quota_n + 1 : 1;
        sponsor->quota_s = result->s;
        if (op_of(law, x)->qr)
            run->results[op_of(law, x)->token].used++;
    }
    result->old_seat = joiner->seat;
    joiner->seat = x;
}

/* A member by this ADMIT, unless a removal so far is not in its past.  Those behind x in L count when L comes to them. */
static void admit(const struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    struct gx_law_standing *joiner = &run->standings[op_of(law, x)->target];
    bool stands = true;

    push(law, run, x);
    for (uint32_t r = joiner->removals; r != NONE && stands; r = run->results[r].next)
        stands = gx_law_past(law, r, x) || is_earlier(run, x, r) || WITHOUT(40) || GX_MUTANT(READMITTED);
    run->results[x].moved = stands && !joiner->member;
    joiner->member = joiner->member || stands;
    run->n_members += GX_MUTANT(COUNT_TWICE) ? stands : run->results[x].moved;
}

/* No ADMIT earlier in L has a removal in its past that comes now, so a removal ends whatever membership there is. */
void gx_law_replay(const struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    const struct gx_law_op *op = op_of(law, x);
    struct gx_law_result *result = &run->results[x];
    uint32_t culprit;

    if (op->kind == GX_OP_ADMIT) {
        result->seat = false;
        result->sponsor = NONE;
        result->rule = (uint8_t)admit_fault(law, run, x, &culprit);
        if (result->rule == GX_RULE_NONE && (!run->standings[op->target].member || WITHOUT(90))) {
            result->rule = (uint8_t)gx_law_seat_fault(law, run, x);
            if (result->rule == GX_RULE_NONE)
                take_seat(law, run, x);
        }
    }
    result->moved = false;
    if (result->rule != GX_RULE_NONE)
        return;
    if (op->kind == GX_OP_CREATE)
        take_seat(law, run, x);
    if (is_admission(op)) {
        admit(law, run, x);
    } else if (is_removal(op) && !(GX_MUTANT(REMOVAL_UNDONE) && op->kind == GX_OP_REMOVE)) {
        struct gx_law_standing *gone = &run->standings[removed_of(op)];

        result->moved = gone->member;
        run->n_members -= gone->member;
        gone->member = false;
    }
}

void gx_law_unreplay(const struct gx_law *law, struct gx_law_run *run, uint32_t x)
{
    const struct gx_law_op *op = op_of(law, x);
    struct gx_law_result *result = &run->results[x];

    if (result->rule != GX_RULE_NONE)
        return;
    if (is_removal(op) && result->moved) {
        run->standings[removed_of(op)].member = true;
        run->n_members++;
    }
    if (!is_admission(op))
        return;
    if (result->moved) {
        run->standings[op->target].member = false;
        run->n_members--;
    }
    pop(law, run, x);
    if (!result->seat)
        return;
    run->standings[op->target].seat = result->old_seat;
    if (op->kind != GX_OP_ADMIT)
        return;
    run->standings[result->sponsor].quota_n = result->old_quota_n;
    run->standings[result->sponsor].quota_s = result->old_quota_s;
    if (op->qr)
        run->results[op->token].used--;
}

bool gx_law_touches(const struct gx_law *law, uint32_t r, uint32_t x)
{
    const struct gx_law_op *op = op_of(law, r), *admit_op = op_of(law, x);
    uint32_t issuer = admit_op->qr && admit_op->token != NONE ? op_of(law, admit_op->token)->author : NONE;

    if (admit_op->kind != GX_OP_ADMIT)
        return false;
    if (is_removal(op))
        return removed_of(op) == admit_op->author || removed_of(op) == issuer;
    return op->kind == GX_OP_REVOKE && issuer != NONE && (op->target == NONE ? op->token == admit_op->token : op->target == issuer);
}
