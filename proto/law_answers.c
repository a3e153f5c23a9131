/* What the settled law says: names, questions, reasons, and the hash of it all. */
#include "crypto/hash.h"
#include "proto/law_work.h"

const char *gx_law_kind_name(enum gx_law_kind kind)
{
    static const char *const names[] = {
#define GX_X(name, text) [name] = text,
        GX_LAW_KIND_LIST(GX_X)
#undef GX_X
    };

    return kind < GX_OP_COUNT ? names[kind] : "?";
}

const char *gx_law_rule_name(enum gx_law_rule rule)
{
    static const char *const names[] = {
#define GX_X(name, text) [name] = text,
        GX_LAW_RULE_LIST(GX_X)
#undef GX_X
    };

    return rule < GX_RULE_COUNT ? names[rule] : "?";
}

enum gx_deny gx_law_deny(enum gx_law_rule rule)
{
    switch (rule) {
    case GX_RULE_NONE:
        return GX_DENY_NONE;
    case GX_RULE_AUTHOR:
        return GX_DENY_NOT_MEMBER;
    case GX_RULE_ISSUER:            /* an invitation ends with the membership of who made it */
    case GX_RULE_REVOKED:
        return GX_DENY_TOKEN_REVOKED;
    case GX_RULE_TOKEN:
    case GX_RULE_COUNT:
        return GX_DENY_TOKEN_UNKNOWN;
    case GX_RULE_BANNED:
        return GX_DENY_BANNED;
    case GX_RULE_USED_UP:
        return GX_DENY_TOKEN_USED_UP;
    case GX_RULE_QUOTA:
        return GX_DENY_QUOTA;
    case GX_RULE_FULL:
        return GX_DENY_FULL;
    case GX_RULE_QR_CLOSED:
        return GX_DENY_QR_CLOSED;
    case GX_RULE_OWNER:
        return GX_DENY_OWNER;
    case GX_RULE_CONSENT:           /* it asked before it left: a new request is needed */
    case GX_RULE_RANK:
    case GX_RULE_TARGET:
    case GX_RULE_LEFT:
    case GX_RULE_MAINLINE:
        return GX_DENY_NO_RANK;
    }
    return GX_DENY_NO_RANK;
}

enum gx_rank gx_law_rank(const struct gx_law *law, uint32_t person)
{
    return law->now.standings[person].member ? gx_law_rank_at(&law->now, person, GX_LAW_INFINITE) : GX_RANK_NONE;
}

uint32_t gx_law_seat(const struct gx_law *law, uint32_t person)
{
    return law->now.standings[person].seat;
}

uint32_t gx_law_voucher(const struct gx_law *law, uint32_t person)
{
    uint32_t seat = law->now.standings[person].seat;

    return seat == NONE || law->nodes[seat].op.kind == GX_OP_CREATE ? NONE : law->nodes[seat].op.author;
}

/* A question: one more operation, which knows all the others and comes last.  It counts with what nobody has witnessed yet: should it be a point
 * itself, it witnesses all of that, and every comparison of S comes to the same. */
static uint32_t ask_begin(struct gx_law *law, const struct gx_law_op *op)
{
    uint32_t x = law->n_ops;

    GX_ASSERT(law->n_settled == law->n_ops && law->n_ops > 0);
    law->nodes[x] = (struct gx_law_node){.op = *op, .by_before = NONE, .kind_before = NONE};
    law->nodes[x].target_in = op->target != NONE && law->now.standings[op->target].member;
    law->now.results[x] = (struct gx_law_result){.s = GX_LAW_INFINITE, .pos = law->now.n_order};
    return x;
}

bool gx_law_is_banned(struct gx_law *law, uint32_t person)
{
    struct gx_law_op op = {.kind = GX_OP_ADMIT, .target = person, .token = NONE};
    uint32_t culprit;

    return gx_law_banned_at(law, &law->now, ask_begin(law, &op), person, &culprit);
}

enum gx_law_rule gx_law_ask(struct gx_law *law, const struct gx_law_op *op)
{
    uint32_t x = ask_begin(law, op), culprit;

    if (op->kind == GX_OP_TRANSFER) {
        if (!law->nodes[x].target_in || (op->target == op->author && op->to_device == op->device))
            return GX_RULE_TARGET;
        return gx_law_is_giver(law, op->author, op->device) ? GX_RULE_NONE : GX_RULE_RANK;
    }

    enum gx_law_rule rule = gx_law_fault(law, &law->now, x, &culprit);

    if (op->kind != GX_OP_ADMIT || rule != GX_RULE_NONE || (op->target != NONE && law->now.standings[op->target].member))
        return rule;
    return gx_law_seat_fault(law, &law->now, x);
}

uint32_t gx_law_culprit(struct gx_law *law, uint32_t op)
{
    uint32_t culprit = NONE;

    return gx_law_fault(law, &law->now, op, &culprit) == GX_RULE_NONE ? NONE : culprit;
}

bool gx_law_is_giver(const struct gx_law *law, uint32_t person, uint32_t device)
{
    const struct gx_law_stage *last = law->now.n_stages == 0 ? NULL : &law->now.stages[law->now.n_stages - 1];

    return last != NULL && !last->frozen && last->author == person && last->device == device;
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

/* The last in L of those chained behind `x` that count. */
static uint32_t in_force(struct gx_law *law, uint32_t x, bool (*counts)(const struct gx_law *, uint32_t))
{
    uint32_t best = NONE;

    for (; x != NONE; x = law->nodes[x].kind_before) {
        if (x < law->n_settled && (best == NONE || law->now.results[x].pos > law->now.results[best].pos) && counts(law, x))
            best = x;
        if (best == x && law->nodes[x].in_line)
            break;          /* a name that was changed 40,000 times is found by its last change */
    }
    return best;
}

static bool alias_counts(const struct gx_law *law, uint32_t x)
{
    uint32_t culprit;

    return gx_law_author_ok(law, &law->now, x, law->nodes[x].op.author, &culprit);
}

static bool title_counts(const struct gx_law *law, uint32_t x)
{
    return alias_counts(law, x) && gx_law_had_rank(law, &law->now, x);
}

uint32_t gx_law_alias(struct gx_law *law, uint32_t person)
{
    struct gx_law_person *p = &law->persons[person];

    if (p->alias_at != law->generation && !(GX_MUTANT(ALIAS_STALE) && p->alias_at != GX_LAW_NONE)) {
        p->alias = in_force(law, p->last_alias, alias_counts);
        p->alias_at = law->generation;
    }
    return p->alias;
}

uint32_t gx_law_title(struct gx_law *law)
{
    if (law->title_at != law->generation) {
        law->title = in_force(law, law->last_meta, title_counts);
        law->title_at = law->generation;
    }
    return law->title;
}

/* ---- what ended a membership --------------------------------------------------------------------------------------------- */

struct endings {
    uint32_t *out, cap, n;
};

static void put(struct endings *e, uint32_t op)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (e->out[i] == op)
            return;
    if (op != NONE && e->n < e->cap)
        e->out[e->n++] = op;
}

static bool takes_away(uint8_t kind)
{
    return kind == GX_OP_REMOVE || kind == GX_OP_BAN || kind == GX_OP_LEAVE || kind == GX_OP_REVOKE;
}

/* A void ADMIT: what it failed by, and what put the others before it.  What the owner witnessed is settled by its point.  Of the rest it takes who had
 * a seat, and all that keeps others from one, wherever it stands in L: removals free seats, and reach back. */
static void put_void(struct gx_law *law, struct endings *e, uint32_t x)
{
    const struct gx_law_run *run = &law->now;
    uint32_t s = run->results[x].s;

    put(e, gx_law_culprit(law, x));
    put(e, x);
    put(e, run->main[s == GX_LAW_INFINITE ? run->n_main - 1 : s]);
    for (uint32_t i = run->n_order; i-- > 0 && s == GX_LAW_INFINITE && run->results[run->order[i]].s == s;) {
        uint32_t y = run->order[i];

        if ((run->results[y].seat && i < run->results[x].pos) || (takes_away(law->nodes[y].op.kind) && gx_law_effective(law, y)))
            put(e, y);
    }
}

uint32_t gx_law_ending(struct gx_law *law, uint32_t *out, uint32_t cap, uint32_t person)
{
    struct endings e = {.out = out, .cap = cap};

    if (law->now.standings[person].member)
        return 0;
    for (uint32_t r = law->now.standings[person].removals; r != NONE; r = law->now.results[r].next)
        put(&e, r);
    for (uint32_t a = law->persons[person].last_admit; a != NONE; a = law->nodes[a].kind_before)
        /* Who admits itself learns nothing by it. */
        if (law->now.results[a].rule != GX_RULE_NONE && law->nodes[a].op.author != person)
            put_void(law, &e, a);
    return e.n;
}

/* ---- the hash ------------------------------------------------------------------------------------------------------------- */

static void hash_op(struct gx_hasher *h, const struct gx_law *law, uint32_t op)
{
    static const struct gx_event_id none;

    gx_hash_add(h, op == NONE ? none.b : law->nodes[op].op.id.b, 32);
}

/* Sorted by member key: persons are few hundred, and mostly come unsorted. */
static uint32_t sorted_persons(struct gx_law *law, uint32_t *out, bool (*take)(struct gx_law *, uint32_t))
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < law->n_persons; i++) {
        if (!take(law, i))
            continue;

        uint32_t at = n++;

        for (; at > 0 && memcmp(law->persons[out[at - 1]].member.b, law->persons[i].member.b, 32) > 0; at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    return n;
}

static bool is_member(struct gx_law *law, uint32_t person)
{
    return law->now.standings[person].member;
}

void gx_law_state_hash(struct gx_law *law, uint8_t out[32], uint32_t *scratch)
{
    struct gx_hasher h;
    uint32_t n = sorted_persons(law, scratch, is_member);
    uint8_t count[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};

    gx_hash_begin(&h, "gx-state");
    gx_hash_add(&h, count, sizeof count);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t rank = (uint8_t)gx_law_rank(law, scratch[i]);

        gx_hash_add(&h, law->persons[scratch[i]].member.b, 32);
        gx_hash_add(&h, &rank, 1);
        hash_op(&h, law, gx_law_alias(law, scratch[i]));
    }
    n = law->n_ops == 0 ? 0 : sorted_persons(law, scratch, gx_law_is_banned);
    for (uint32_t i = 0; i < n; i++)
        gx_hash_add(&h, law->persons[scratch[i]].member.b, 32);
    hash_op(&h, law, gx_law_title(law));
    gx_hash_end(&h, out);
}
