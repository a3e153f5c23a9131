/* Rules 4 to 8: ranks, authority, and the replay of the admissions.  LAW.md, "The full law". */
#include "proto/resolve_work.h"

/* ---- 4 ranks ----------------------------------------------------------------------------------------------------- */

enum gx_resolve_rank gx_rrank(const struct gx_rwork *w, uint32_t person, uint32_t k)
{
    for (uint32_t i = w->persons[person].changes; i != NONE; i = w->changes[i].before) {
        if (k == GX_RESOLVE_INFINITE || w->changes[i].from <= k)
            return (enum gx_resolve_rank)w->changes[i].rank;
    }
    return GX_RESOLVE_MEMBER;
}

/* What is effective at S = k changes ROLES(k+1); nothing that nobody witnessed changes a rank. */
static void change_rank(struct gx_rwork *w, uint32_t person, uint32_t k, enum gx_resolve_rank rank)
{
    struct gx_rchange *change = &w->changes[w->n_changes];

    if (k == GX_RESOLVE_INFINITE)
        return;
    *change = (struct gx_rchange){.from = k + 1, .before = w->persons[person].changes, .rank = (uint8_t)rank};
    w->persons[person].changes = w->n_changes++;
}

/* ---- 5 authority ------------------------------------------------------------------------------------------------- */

/* k of the longest run C0..Ck in past(x).  Every point has those before it in its past. */
static uint32_t run_in_past(const struct gx_rwork *w, uint32_t x)
{
    uint32_t lo = 0, hi = w->n_main;

    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (gx_rpast(w, w->main[mid], x))
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

struct ranks {
    enum gx_resolve_rank author, target;    /* the lesser, the greater, of two */
};

/* As the owner saw it when it witnessed x, and as x's author could have known it: nobody gains by waiting, nor by looking away. */
static struct ranks ranks_at(const struct gx_rwork *w, uint32_t x, uint32_t a, uint32_t b)
{
    uint32_t s = w->nodes[x].s, known = run_in_past(w, x) + 1;
    enum gx_resolve_rank a1 = gx_rrank(w, a, s), a2 = gx_rrank(w, a, known), b1 = gx_rrank(w, b, s), b2 = gx_rrank(w, b, known);

    return (struct ranks){.author = a1 < a2 ? a1 : a2, .target = b1 > b2 ? b1 : b2};
}

static bool may_remove(struct ranks r)
{
    return r.author >= GX_RESOLVE_ADMIN && r.author > r.target;
}

/* An effective LEAVE of `a` in past(x), with no effective PROMOTE of or TRANSFER to `a` since, in past(x). */
static bool has_left(const struct gx_rwork *w, uint32_t x, uint32_t a)
{
    for (uint32_t l = w->persons[a].removals; l != NONE; l = w->nodes[l].next) {
        bool back = false;

        if (w->nodes[l].kind != GX_OP_LEAVE || !gx_rpast(w, l, x))
            continue;
        for (uint32_t v = w->persons[a].promotes; v != NONE && !back; v = w->nodes[v].next)
            back = gx_rpast(w, l, v) && gx_rpast(w, v, x);
        if (!back)
            return true;
    }
    return false;
}

static enum gx_resolve_rule judge_revoke(const struct gx_rwork *w, uint32_t x)
{
    const struct gx_rnode *node = &w->nodes[x];
    uint32_t whose = node->target;

    if (whose == NONE) {
        if (node->token == NONE || w->nodes[node->token].kind != GX_OP_TOKEN || !gx_rpast(w, node->token, x))
            return GX_RULE_TOKEN;
        whose = w->nodes[node->token].author;
    }
    if (whose == node->author)
        return GX_RULE_NONE;
    if (!may_remove(ranks_at(w, x, node->author, whose)))
        return GX_RULE_RANK;
    return has_left(w, x, node->author) ? GX_RULE_LEFT : GX_RULE_NONE;
}

/* A TRANSFER counts only as the point at which the mainline changed hands. */
static enum gx_resolve_rule judge_transfer(const struct gx_rwork *w, uint32_t x)
{
    const struct gx_rnode *node = &w->nodes[x];

    if (!node->accepted || !node->target_in || (node->target == node->author && node->device == 0))
        return GX_RULE_TARGET;
    return node->s < w->n_main && w->main[node->s] == x ? GX_RULE_NONE : GX_RULE_MAINLINE;
}

/* REMOVE, BAN, UNBAN, PROMOTE, DEMOTE. */
static enum gx_resolve_rule judge_rank(const struct gx_rwork *w, uint32_t x)
{
    const struct gx_rnode *node = &w->nodes[x];
    struct ranks r = ranks_at(w, x, node->author, node->target);
    bool may;

    if (node->kind == GX_OP_REMOVE || node->kind == GX_OP_BAN)
        may = may_remove(r);
    else if (node->kind == GX_OP_UNBAN)
        may = r.author >= GX_RESOLVE_ADMIN;
    else
        may = r.author == GX_RESOLVE_OWNER && r.target != GX_RESOLVE_OWNER;
    if (!may)
        return GX_RULE_RANK;
    if (node->kind == GX_OP_PROMOTE && !node->target_in)
        return GX_RULE_TARGET;
    return has_left(w, x, node->author) ? GX_RULE_LEFT : GX_RULE_NONE;
}

static enum gx_resolve_rule judge_leave(const struct gx_rwork *w, uint32_t x)
{
    uint32_t a = w->nodes[x].author;

    return gx_rrank(w, a, w->nodes[x].s) == GX_RESOLVE_OWNER || gx_rrank(w, a, run_in_past(w, x) + 1) == GX_RESOLVE_OWNER ? GX_RULE_OWNER
                                                                                                                          : GX_RULE_NONE;
}

static enum gx_resolve_rule judge(const struct gx_rwork *w, uint32_t x)
{
    switch ((enum gx_resolve_kind)w->nodes[x].kind) {
    case GX_OP_REMOVE:
    case GX_OP_BAN:
    case GX_OP_UNBAN:
    case GX_OP_PROMOTE:
    case GX_OP_DEMOTE:
        return judge_rank(w, x);
    case GX_OP_REVOKE:
        return judge_revoke(w, x);
    case GX_OP_LEAVE:
        return judge_leave(w, x);
    case GX_OP_TRANSFER:
        return judge_transfer(w, x);
    case GX_OP_CREATE:
    case GX_OP_ADMIT:               /* judged in the replay */
    case GX_OP_TOKEN:
    case GX_OP_CHECKPOINT:
    case GX_OP_META:
    case GX_OP_COUNT:
        break;
    }
    return GX_RULE_NONE;
}

static void push(struct gx_rwork *w, uint32_t *head, uint32_t x)
{
    w->nodes[x].next = *head;
    *head = x;
}

static void take_effect(struct gx_rwork *w, uint32_t x)
{
    struct gx_rnode *node = &w->nodes[x];

    switch ((enum gx_resolve_kind)node->kind) {
    case GX_OP_REMOVE:
    case GX_OP_BAN:
        push(w, &w->persons[node->target].removals, x);
        change_rank(w, node->target, node->s, GX_RESOLVE_MEMBER);
        break;
    case GX_OP_LEAVE:
        push(w, &w->persons[node->author].removals, x);
        change_rank(w, node->author, node->s, GX_RESOLVE_MEMBER);
        break;
    case GX_OP_UNBAN:
        push(w, &w->persons[node->target].unbans, x);
        break;
    case GX_OP_REVOKE:
        push(w, node->target == NONE ? &w->nodes[node->token].revokes : &w->persons[node->target].revokes, x);
        break;
    case GX_OP_PROMOTE:
        push(w, &w->persons[node->target].promotes, x);
        change_rank(w, node->target, node->s, GX_RESOLVE_ADMIN);
        break;
    case GX_OP_DEMOTE:
        change_rank(w, node->target, node->s, GX_RESOLVE_MEMBER);
        break;
    case GX_OP_TRANSFER:
        push(w, &w->persons[node->target].promotes, x);
        change_rank(w, node->author, node->s, GX_RESOLVE_ADMIN);
        change_rank(w, node->target, node->s, GX_RESOLVE_OWNER);    /* last: giver and target may be one */
        break;
    case GX_OP_CREATE:
    case GX_OP_ADMIT:
    case GX_OP_TOKEN:
    case GX_OP_CHECKPOINT:
    case GX_OP_META:
    case GX_OP_COUNT:
        break;
    }
}

/* ---- 6 was the author a member? ---------------------------------------------------------------------------------- */

static bool survives(const struct gx_rwork *w, uint32_t admit, uint32_t removals, uint32_t x)
{
    for (uint32_t r = removals; r != NONE; r = w->nodes[r].next) {
        bool harmless = gx_rpast(w, r, admit) || gx_rpast(w, x, r) || w->nodes[x].s < w->nodes[r].s ||
                        (w->nodes[r].kind == GX_OP_LEAVE && !gx_rpast(w, r, x));
        if (!harmless)
            return false;
    }
    return true;
}

static bool author_ok(const struct gx_rwork *w, uint32_t x, uint32_t person)
{
    const struct gx_rperson *p = &w->persons[person];

    for (uint32_t a = p->admits; a != NONE; a = w->nodes[a].next) {
        if (gx_rpast(w, a, x) && survives(w, a, p->removals, x))
            return true;
    }
    return false;
}

/* ---- 7 the replay of the admissions ------------------------------------------------------------------------------ */

/* Is x earlier in L than y? */
static bool is_earlier(const struct gx_rwork *w, uint32_t x, uint32_t y)
{
    uint32_t s = w->nodes[x].s, t = w->nodes[y].s;

    return s != t ? s < t : x < y;
}

static bool is_covered(const struct gx_rwork *w, uint32_t ban, uint32_t x)
{
    enum gx_resolve_rank needed = gx_rrank(w, w->nodes[ban].author, w->nodes[ban].s);

    for (uint32_t v = w->persons[w->nodes[ban].target].unbans; v != NONE; v = w->nodes[v].next) {
        if (gx_rpast(w, ban, v) && gx_rpast(w, v, x) && gx_rrank(w, w->nodes[v].author, w->nodes[v].s) >= needed)
            return true;
    }
    return false;
}

/* A BAN earlier in L cannot have x in its past: L grows along edges. */
static bool is_banned(const struct gx_rwork *w, uint32_t x)
{
    for (uint32_t b = w->persons[w->nodes[x].target].removals; b != NONE; b = w->nodes[b].next) {
        if (w->nodes[b].kind == GX_OP_BAN && is_earlier(w, b, x) && !is_covered(w, b, x))
            return true;
    }
    return false;
}

/* The joiner asked after each LEAVE that x knows of: a request is not good for a second time. */
static bool is_consent_fresh(const struct gx_rwork *w, uint32_t x)
{
    const struct gx_resolve_op *op = &w->law->ops[w->nodes[x].op];

    for (uint32_t l = w->persons[w->nodes[x].target].removals; l != NONE; l = w->nodes[l].next) {
        bool named = false;

        if (w->nodes[l].kind != GX_OP_LEAVE || !gx_rpast(w, l, x))
            continue;
        for (uint32_t i = 0; i < op->n_heads && !named; i++) {
            uint32_t h = w->place[op->heads[i]];
            named = gx_rpast(w, h, x) && (l == h || gx_rpast(w, l, h));
        }
        if (!named)
            return false;
    }
    return true;
}

static bool revokes(const struct gx_rwork *w, uint32_t v, uint32_t x)
{
    return !gx_rpast(w, x, v) && !(w->nodes[x].s < w->nodes[v].s);
}

static bool is_revoked(const struct gx_rwork *w, uint32_t x)
{
    uint32_t t = w->nodes[x].token;

    for (uint32_t v = w->nodes[t].revokes; v != NONE; v = w->nodes[v].next) {
        if (revokes(w, v, x))
            return true;
    }
    for (uint32_t v = w->persons[w->nodes[t].author].revokes; v != NONE; v = w->nodes[v].next) {
        if (!gx_rpast(w, v, t) && revokes(w, v, x))
            return true;
    }
    return false;
}

/* Until a point witnessed its own admission, a member admits on the account of who admitted it. */
static uint32_t sponsor_of(const struct gx_rwork *w, uint32_t x)
{
    uint32_t m = w->nodes[x].author, seat = w->persons[m].seat;

    GX_ASSERT(seat != NONE);        /* author_ok: m's first effective ADMIT took a seat */
    return w->nodes[seat].kind == GX_OP_CREATE || w->nodes[seat].s < w->nodes[x].s ? m : w->nodes[seat].sponsor;
}

static enum gx_resolve_rule judge_admit(const struct gx_rwork *w, uint32_t x)
{
    const struct gx_rnode *node = &w->nodes[x];

    if (!author_ok(w, x, node->author))
        return GX_RULE_AUTHOR;
    if (node->qr) {
        if (node->token == NONE || w->nodes[node->token].kind != GX_OP_TOKEN || !gx_rpast(w, node->token, x))
            return GX_RULE_TOKEN;
        if (!author_ok(w, x, w->nodes[node->token].author))
            return GX_RULE_ISSUER;
    }
    if (is_banned(w, x))
        return GX_RULE_BANNED;
    if (!is_consent_fresh(w, x))
        return GX_RULE_CONSENT;
    return node->qr && is_revoked(w, x) ? GX_RULE_REVOKED : GX_RULE_NONE;
}

static enum gx_resolve_rule judge_seat(const struct gx_rwork *w, uint32_t x)
{
    const struct gx_rnode *node = &w->nodes[x];
    const struct gx_rperson *sponsor = &w->persons[sponsor_of(w, x)];

    if (node->qr && w->nodes[node->token].uses != 0 && w->nodes[node->token].used >= w->nodes[node->token].uses)
        return GX_RULE_USED_UP;
    if ((sponsor->quota_s == node->s ? sponsor->quota_n : 0) >= w->law->quota)
        return GX_RULE_QUOTA;
    if (w->n_members >= w->law->cap)
        return GX_RULE_FULL;
    return node->qr && w->n_members >= w->law->qr_max ? GX_RULE_QR_CLOSED : GX_RULE_NONE;
}

static void take_seat(struct gx_rwork *w, uint32_t x)
{
    struct gx_rnode *node = &w->nodes[x];

    node->seat = true;
    if (node->kind == GX_OP_ADMIT) {
        node->sponsor = sponsor_of(w, x);
        struct gx_rperson *sponsor = &w->persons[node->sponsor];
        sponsor->quota_n = sponsor->quota_s == node->s ? sponsor->quota_n + 1 : 1;
        sponsor->quota_s = node->s;
        if (node->qr)
            w->nodes[node->token].used++;
    }
    w->persons[node->target].seat = x;
}

/* 8: a member by this ADMIT, unless a removal so far is not in its past.  later: removals of all of G; those behind x in L count when L comes
 * to them. */
static void admit(struct gx_rwork *w, uint32_t x)
{
    struct gx_rperson *joiner = &w->persons[w->nodes[x].target];
    bool stands = true;

    push(w, &joiner->admits, x);
    for (uint32_t r = joiner->removals; r != NONE && stands; r = w->nodes[r].next)
        stands = gx_rpast(w, r, x) || is_earlier(w, x, r);
    if (stands && !joiner->member) {
        joiner->member = true;
        w->n_members++;
    }
}

static void expel(struct gx_rwork *w, uint32_t person)
{
    w->n_members -= w->persons[person].member;
    w->persons[person].member = false;
}

/* No ADMIT earlier in L has a removal in its past that comes now, so a removal ends whatever membership there is. */
static void replay(struct gx_rwork *w, uint32_t x)
{
    struct gx_rnode *node = &w->nodes[x];

    if (node->kind == GX_OP_ADMIT) {
        node->rule = (uint8_t)judge_admit(w, x);
        if (node->rule == GX_RULE_NONE && !w->persons[node->target].member) {
            node->rule = (uint8_t)judge_seat(w, x);
            if (node->rule == GX_RULE_NONE)
                take_seat(w, x);
        }
    }
    if (node->rule != GX_RULE_NONE)
        return;
    if (node->kind == GX_OP_CREATE)
        take_seat(w, x);
    if (node->kind == GX_OP_CREATE || node->kind == GX_OP_ADMIT)
        admit(w, x);
    else if (node->kind == GX_OP_REMOVE || node->kind == GX_OP_BAN)
        expel(w, node->target);
    else if (node->kind == GX_OP_LEAVE)
        expel(w, node->author);
}

static void forget(struct gx_rwork *w, struct gx_rset set)
{
    for (uint32_t p = 0; p < w->law->n_persons; p++) {
        uint32_t first_by = w->persons[p].first_by, first_admit = w->persons[p].first_admit;
        w->persons[p] = (struct gx_rperson){.first_by = first_by, .first_admit = first_admit, .admits = NONE, .removals = NONE, .promotes = NONE, .unbans = NONE,
                                            .revokes = NONE, .changes = NONE, .seat = NONE};
    }
    for (uint32_t x = 0; x < set.bound; x++) {
        struct gx_rnode *node = &w->nodes[x];
        node->rule = GX_RULE_NONE;
        node->seat = false;
        node->next = node->revokes = node->sponsor = NONE;
        node->used = 0;
    }
    w->changes[0] = (struct gx_rchange){.from = 0, .before = NONE, .rank = GX_RESOLVE_OWNER};      /* ROLES(0) */
    w->persons[w->founder].changes = 0;
    w->n_changes = 1;
    w->n_members = 0;
}

void gx_rrules(struct gx_rwork *w, struct gx_rset set)
{
    forget(w, set);
    for (uint32_t i = 0; i < w->n_order; i++) {
        uint32_t x = w->order[i];
        w->nodes[x].rule = (uint8_t)judge(w, x);
        if (w->nodes[x].rule == GX_RULE_NONE)
            take_effect(w, x);
    }
    for (uint32_t i = 0; i < w->n_order; i++)
        replay(w, w->order[i]);
}
