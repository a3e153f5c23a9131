/* Histories of groups, as a node holds them: made once, the same in each run, played to the law as often as a measure likes. */
#include "tools/bench/bench.h"

#include <stdlib.h>

#define DOORS 8u                /* members whose codes newcomers scan */
#define SPONSORS 24u            /* members who invite, later */
#define WITNESS_EVERY 16u       /* operations between two points of the owner */
#define OWNER 0u

/* splitmix64: chance that is the same in each run. */
static uint64_t draw(struct gx_history *h)
{
    uint64_t z = h->chance += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t below(struct gx_history *h, uint32_t n)
{
    return (uint32_t)(draw(h) % n);
}

static void draw_bytes(struct gx_history *h, uint8_t out[32])
{
    for (size_t i = 0; i < 32; i += 8) {
        uint64_t bits = draw(h);

        memcpy(out + i, &bits, sizeof bits);
    }
}

/* ---- room ---------------------------------------------------------------------------------------------------------------- */

static bool room(void *array, uint32_t *cap, uint32_t n, size_t size)
{
    void **p = array, *more = NULL;
    uint32_t bigger = *cap == 0 ? 1024 : *cap;

    while (bigger < n)
        bigger *= 2;
    if (bigger == *cap)
        return true;
    more = realloc(*p, bigger * size);
    if (more == NULL)
        return gx_bench_fail("out of memory");
    *p = more;
    *cap = bigger;
    return true;
}

void gx_history_free(struct gx_history *h)
{
    free(h->ops);
    free(h->edges);
    free(h->persons);
    *h = (struct gx_history){0};
}

static bool person_add(struct gx_history *h, uint32_t *out)
{
    if (!room(&h->persons, &h->cap_persons, h->n_persons + 1, sizeof *h->persons))
        return false;
    *out = h->n_persons++;
    h->persons[*out] = (struct gx_history_person){.last = GX_LAW_NONE};
    draw_bytes(h, h->persons[*out].member.b);
    return true;
}

/* ---- operations ------------------------------------------------------------------------------------------------------------ */

static struct gx_law_op op_of(uint32_t author, enum gx_law_kind kind, uint32_t target)
{
    return (struct gx_law_op){.author = author, .target = target, .token = GX_LAW_NONE, .kind = (uint8_t)kind};
}

/* The next operation, by somebody who knows the first `view` of them and what they wrote themselves: its deps are the heads of that. */
static bool put(struct gx_history *h, struct gx_law_op op, uint32_t view, uint32_t prev)
{
    uint32_t x = h->n, begin = h->n_edges;

    if (!room(&h->ops, &h->cap, x + 1, sizeof *h->ops) || !room(&h->edges, &h->cap_edges, begin + x + 2, sizeof *h->edges))
        return false;
    for (uint32_t y = h->named; y < view; y++)
        if (h->ops[y].named >= view && y != prev && h->n_edges - begin < GX_EVENT_DEPS_MAX)
            h->edges[h->n_edges++] = y;
    draw_bytes(h, op.id.b);
    h->ops[x] = (struct gx_history_op){.op = op, .deps = begin, .n_deps = h->n_edges - begin, .prev = prev, .named = UINT32_MAX};
    for (uint32_t i = begin; i < h->n_edges; i++)
        h->ops[h->edges[i]].named = x < h->ops[h->edges[i]].named ? x : h->ops[h->edges[i]].named;
    if (prev != GX_LAW_NONE)
        h->ops[prev].named = x < h->ops[prev].named ? x : h->ops[prev].named;
    if (op.kind == GX_OP_ADMIT) {       /* the joiner had heard of one head */
        h->ops[x].heads = h->n_edges;
        h->edges[h->n_edges++] = h->ops[x].n_deps == 0 ? prev : h->edges[begin];
        h->ops[x].n_heads = 1;
    }
    h->n++;
    return true;
}

/* The last operation names this one as well. */
static bool name(struct gx_history *h, uint32_t y)
{
    struct gx_history_op *last = &h->ops[h->n - 1];

    GX_ASSERT(last->n_deps == 0);
    if (!room(&h->edges, &h->cap_edges, h->n_edges + 1, sizeof *h->edges))
        return false;
    last->deps = h->n_edges;
    last->n_deps = 1;
    h->edges[h->n_edges++] = y;
    h->ops[y].named = h->n - 1 < h->ops[y].named ? h->n - 1 : h->ops[y].named;
    return true;
}

/* Written where its log goes on. */
static bool act(struct gx_history *h, struct gx_law_op op, uint32_t view)
{
    struct gx_history_person *who = &h->persons[op.author];
    uint32_t prev = who->last;

    who->last = h->n;
    return put(h, op, view, prev);
}

/* What a member has seen: all but the last few.  Its own admission it knows. */
static uint32_t view_of(struct gx_history *h, uint32_t who)
{
    uint32_t lag = who == OWNER ? 0 : below(h, 4), view = h->n > lag + 1 ? h->n - lag : 1;

    return view > h->persons[who].since ? view : h->persons[who].since + 1;
}

static bool member_acts(struct gx_history *h, uint32_t who, enum gx_law_kind kind, uint32_t target)
{
    return act(h, op_of(who, kind, target), view_of(h, who));
}

static bool begin(struct gx_history *h)
{
    uint32_t owner = 0;

    *h = (struct gx_history){.chance = 1, .n_members = 1};
    if (!person_add(h, &owner) || !act(h, op_of(OWNER, GX_OP_CREATE, OWNER), 0))
        return false;
    h->persons[owner].in = true;
    h->token = h->n;
    return member_acts(h, OWNER, GX_OP_TOKEN, GX_LAW_NONE);
}

/* ---- a group that lives -------------------------------------------------------------------------------------------------------- */

/* One of the first so many members, who is still there: the owner when the one drawn is not. */
static uint32_t some_member(struct gx_history *h, uint32_t first)
{
    uint32_t p = below(h, h->n_persons < first ? h->n_persons : first);

    return h->persons[p].in && h->persons[p].since < h->n ? p : OWNER;
}

/* By the owner's code while that is open, by a member's invitation later; then the name in this group. */
static bool join(struct gx_history *h)
{
    bool qr = h->n_members < GX_GROUP_QR_JOIN_MAX;
    uint32_t who = some_member(h, qr ? DOORS : SPONSORS), joiner = 0;

    if (who == OWNER && h->owner_gone)
        who = 1;
    if (!person_add(h, &joiner))
        return false;
    h->persons[joiner].since = h->n;
    h->persons[joiner].in = true;
    h->n_members++;

    struct gx_law_op op = op_of(who, GX_OP_ADMIT, joiner);

    op.qr = qr;
    op.token = qr ? h->token : GX_LAW_NONE;
    return act(h, op, view_of(h, who)) && (below(h, 5) == 0 || member_acts(h, joiner, GX_OP_ALIAS, GX_LAW_NONE));
}

/* Members go: most of themselves, some by the owner.  The first ones stay. */
static bool go(struct gx_history *h)
{
    uint32_t p = SPONSORS + below(h, h->n_persons - SPONSORS), how = below(h, 8);

    if (!h->persons[p].in)
        return true;
    h->persons[p].in = false;
    h->n_members--;
    if (how >= 3 || h->owner_gone)
        return member_acts(h, p, GX_OP_LEAVE, GX_LAW_NONE);
    return member_acts(h, OWNER, how == 0 ? GX_OP_BAN : GX_OP_REMOVE, p);
}

static bool live(struct gx_history *h, uint32_t members)
{
    uint32_t what = below(h, 100), who = some_member(h, h->n_persons);

    if (!h->owner_gone && h->n - h->witnessed >= WITNESS_EVERY) {
        h->witnessed = h->n;
        return member_acts(h, OWNER, GX_OP_CHECKPOINT, GX_LAW_NONE);
    }
    if (what < 3 && h->n_persons > 2 * SPONSORS)
        return go(h);
    if (h->n_members < members && what < 75)
        return join(h);
    if (h->n_members >= members && what < 40)
        return go(h);
    if (who == OWNER && h->owner_gone)
        who = 1;
    if (what < 44)
        return member_acts(h, who, GX_OP_TOKEN, GX_LAW_NONE);
    if (what < 45 && !h->owner_gone && h->n_persons > DOORS)
        return member_acts(h, OWNER, GX_OP_PROMOTE, 1 + below(h, DOORS - 1));
    return what < 48 && !h->owner_gone ? member_acts(h, OWNER, GX_OP_META, GX_LAW_NONE) : member_acts(h, who, GX_OP_ALIAS, GX_LAW_NONE);
}

bool gx_history_group(struct gx_history *h, uint32_t members)
{
    bool ok = begin(h);

    while (ok && h->n_members < members)
        ok = live(h, members);
    return ok;
}

bool gx_history_go_on(struct gx_history *h, uint32_t n, uint32_t members)
{
    bool ok = h->n > 0 || begin(h);

    while (ok && h->n < n)
        ok = live(h, members);
    if (ok)
        h->n = n;               /* what came in twos may have gone past it */
    return ok;
}

bool gx_history_owner_gone(struct gx_history *h, uint32_t n, uint32_t members)
{
    h->owner_gone = true;
    return gx_history_go_on(h, n, members);
}

/* Each PROMOTE lacks one operation that is there already: what its target was must be found by a resolution of that past. */
bool gx_history_promotes(struct gx_history *h, uint32_t n, uint32_t members, uint32_t promotes)
{
    bool ok = gx_history_group(h, SPONSORS + 2);

    for (uint32_t i = 1; ok && i <= promotes; i++) {
        ok = gx_history_go_on(h, h->n + (n - h->n) / (promotes + 1 - i) - 2, members) && member_acts(h, 1, GX_OP_ALIAS, GX_LAW_NONE) &&
             act(h, op_of(OWNER, GX_OP_PROMOTE, 1 + below(h, DOORS - 1)), h->n - 1);
    }
    return ok && gx_history_go_on(h, n, members);
}

/* ---- made up ------------------------------------------------------------------------------------------------------------------- */

bool gx_history_owner(struct gx_history *h, uint32_t n, uint32_t members)
{
    bool ok = begin(h);

    while (ok && h->n < n) {
        uint32_t joiner = 0;
        bool full = h->n_members >= members;

        ok = full || person_add(h, &joiner);
        if (ok && !full) {
            h->persons[joiner].since = h->n;
            h->n_members++;
        }
        ok = ok && member_acts(h, OWNER, full ? GX_OP_CHECKPOINT : GX_OP_ADMIT, full ? GX_LAW_NONE : joiner);
    }
    return ok;
}

static bool apart_acts(struct gx_history *h, uint32_t who, uint32_t view)
{
    uint32_t what = below(h, 10), joiner = GX_LAW_NONE;

    if (what < 4 && !person_add(h, &joiner))
        return false;
    return act(h, op_of(who, what < 4 ? GX_OP_ADMIT : what < 5 ? GX_OP_TOKEN : GX_OP_ALIAS, joiner), view);
}

bool gx_history_apart(struct gx_history *h, uint32_t n, uint32_t rounds)
{
    uint32_t authors = n / 4 < GX_EVENT_DEPS_MAX - 1 ? n / 4 : GX_EVENT_DEPS_MAX - 1;
    bool ok = gx_history_owner(h, authors + 2, authors + 1);

    while (ok && h->n + 1 < n) {
        uint32_t view = h->n;

        for (uint32_t i = 0; ok && i < rounds * authors && h->n + 1 < n; i++)
            ok = apart_acts(h, 1 + i % authors, view);
        ok = ok && member_acts(h, OWNER, GX_OP_CHECKPOINT, GX_LAW_NONE);
    }
    return ok;
}

/* A guest who comes back without end, and an accomplice; each step is theirs to take.  The guest leaves `n` times on a branch of its log that nobody
 * names, and once where all see it; it is admitted n times by who has not heard of that; then it admits, n times. */
bool gx_history_rejoin(struct gx_history *h, uint32_t n)
{
    bool ok = begin(h) && join(h) && join(h);
    uint32_t other = 1, guest = 2, known = 0, left = 0;

    if (!ok)
        return false;
    known = h->n;
    ok = put(h, op_of(guest, GX_OP_LEAVE, GX_LAW_NONE), known, h->persons[guest].last);
    left = known;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = put(h, op_of(guest, GX_OP_LEAVE, GX_LAW_NONE), known, i == 0 ? h->persons[guest].last : h->n - 1);
    for (uint32_t i = 0; ok && i < n; i++)
        ok = act(h, op_of(other, GX_OP_ADMIT, guest), known);
    for (uint32_t i = 0; ok && i < n; i++)
        ok = put(h, op_of(guest, GX_OP_ADMIT, other), 0, i == 0 ? left : h->n - 1) && name(h, h->persons[other].last);
    return ok;
}

bool gx_history_stale(struct gx_history *h, uint32_t n)
{
    uint32_t other = 1, guest = 2;
    bool ok = begin(h) && join(h) && join(h);

    for (uint32_t i = 0; ok && i < n; i++)
        ok = act(h, op_of(guest, GX_OP_LEAVE, GX_LAW_NONE), h->n);
    for (uint32_t i = 0; ok && i < n; i++) {
        ok = act(h, op_of(other, GX_OP_ADMIT, guest), h->n);
        h->ops[h->n - 1].n_heads = 0;
    }
    return ok;
}

/* ---- one more -------------------------------------------------------------------------------------------------------------------- */

bool gx_history_admit(struct gx_history *h)
{
    uint32_t joiner = 0;

    return person_add(h, &joiner) && member_acts(h, 1, GX_OP_ADMIT, joiner);
}

bool gx_history_point(struct gx_history *h, enum gx_law_kind kind, uint32_t target)
{
    struct gx_law_op op = op_of(OWNER, kind, target);

    op.accepted = true;
    return act(h, op, h->n);
}

bool gx_history_late(struct gx_history *h)
{
    uint32_t joiner = 0;

    return person_add(h, &joiner) && put(h, op_of(1, GX_OP_ADMIT, joiner), h->persons[1].since + 1, GX_LAW_NONE);
}

/* An admin, who knows everything, removes who admitted first of those nobody witnessed. */
bool gx_history_removal(struct gx_history *h)
{
    uint32_t first = h->witnessed, admin = 1;

    while (first + 1 < h->n && h->ops[first].op.kind != GX_OP_ADMIT)
        first++;
    for (uint32_t x = 0; x < h->witnessed; x++)
        if (h->ops[x].op.kind == GX_OP_PROMOTE && h->ops[x].op.target != h->ops[first].op.author)
            admin = h->ops[x].op.target;
    return act(h, op_of(admin, GX_OP_REMOVE, h->ops[first].op.author), h->n);
}

/* From a copy of the owner's device, as old as its second operation. */
bool gx_history_fork(struct gx_history *h, enum gx_law_kind kind, uint32_t target)
{
    struct gx_law_op op = op_of(OWNER, kind, target);
    uint32_t view = kind == GX_OP_TRANSFER ? h->persons[target].since + 1 : h->token + 1;

    op.accepted = true;
    return put(h, op, view, h->token);
}
