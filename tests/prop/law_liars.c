#include "tests/prop/law_liars.h"

struct liars {
    struct history *h;
    uint64_t logs[CAST_MAX][2];     /* operations of each person's devices */
    uint32_t lying;                 /* of 100 operations, those written by a view of the liar's choice */
    uint32_t forking;               /* of 100, those whose prev is not the last of their log */
    uint32_t owner_forks;           /* of 100, in the owner's first log */
};

static const struct { uint8_t kind, weight; } kinds[] = {
    {GX_OP_ADMIT, 36}, {GX_OP_TOKEN, 8},  {GX_OP_LEAVE, 5},      {GX_OP_REMOVE, 6}, {GX_OP_BAN, 3},   {GX_OP_UNBAN, 3},  {GX_OP_REVOKE, 4},
    {GX_OP_PROMOTE, 8}, {GX_OP_DEMOTE, 2}, {GX_OP_CHECKPOINT, 10}, {GX_OP_META, 4},   {GX_OP_ALIAS, 4}, {GX_OP_BESIDE, 2}, {GX_OP_TRANSFER, 3},
};

static bool chance(uint32_t percent)
{
    return pick(100) < percent;
}

static uint8_t random_kind(void)
{
    uint32_t sum = 0, at;

    for (size_t i = 0; i < GX_ARRAY_LEN(kinds); i++)
        sum += kinds[i].weight;
    at = pick(sum);
    for (size_t i = 0; i < GX_ARRAY_LEN(kinds); i++) {
        if (at < kinds[i].weight)
            return kinds[i].kind;
        at -= kinds[i].weight;
    }
    return GX_OP_BESIDE;
}

static uint64_t of_kind(const struct history *h, uint64_t among, uint8_t kind)
{
    uint64_t found = 0;
    uint32_t x;

    for (EACH(x, among))
        if (h->acts[x].op.kind == kind)
            found |= bit(x);
    return found;
}

static uint64_t closed(const struct history *h, uint64_t some)
{
    uint64_t all = some;
    uint32_t x;

    for (EACH(x, some))
        all |= h->acts[x].past;
    return all;
}

static uint32_t put(struct liars *w, struct act *act)
{
    for (int k = 0; k < 4; k++)
        act->op.id.b[k] = (uint8_t)pick(256);
    act->op.id.b[4] = (uint8_t)w->h->n;
    w->logs[act->op.author][act->op.device] |= bit(w->h->n);
    return history_put(w->h, act);
}

static struct act begin(const struct liars *w, uint8_t kind, uint32_t author, uint32_t device, uint64_t view)
{
    uint64_t log = w->logs[author][device];
    struct act act = {.op = {.kind = kind, .author = author, .device = device, .target = GX_LAW_NONE, .token = GX_LAW_NONE},
                      .prev = log == 0 ? GX_LAW_NONE : 63u - (uint32_t)__builtin_clzll(log)};

    act.deps = history_heads(w->h, view);
    return act;
}

/* By the owner's first device, which knows everything. */
static struct act by_owner(const struct liars *w, uint8_t kind)
{
    return begin(w, kind, 0, 0, all_of(w->h));
}

/* ---- what an operation says ---------------------------------------------------------------------------------------------- */

static uint32_t anybody(const struct liars *w)
{
    return pick(w->h->n_cast);
}

static void fill_admit(const struct liars *w, struct act *act, uint64_t known, uint64_t tokens)
{
    uint64_t admits = of_kind(w->h, all_of(w->h), GX_OP_ADMIT);

    act->op.target = anybody(w);
    act->op.qr = tokens != 0 && chance(60);
    if (act->op.qr)
        act->op.token = pick_of(tokens);
    act->heads = chance(50) ? history_heads(w->h, known) : bit(pick_of(known));
    if (admits != 0 && chance(20)) {            /* somebody else's request, served again */
        const struct act *other = &w->h->acts[pick_of(admits)];

        act->op.target = other->op.target;
        act->heads = other->heads;
        if (chance(50) && other->op.qr) {
            act->op.qr = true;
            act->op.token = other->op.token;
        }
    }
}

static void fill(const struct liars *w, struct act *act, uint64_t known)
{
    uint64_t tokens = of_kind(w->h, known, GX_OP_TOKEN), bans = of_kind(w->h, known, GX_OP_BAN);

    if (chance(3) || (tokens == 0 && chance(30)))       /* something else, or from outside its past */
        tokens = chance(50) ? all_of(w->h) : of_kind(w->h, all_of(w->h), GX_OP_TOKEN);
    switch ((enum gx_law_kind)act->op.kind) {
    case GX_OP_ADMIT:
        fill_admit(w, act, known, tokens);
        break;
    case GX_OP_TOKEN:
        act->op.uses = (uint32_t[]){0, 1, 1, 2, 5}[pick(5)];
        break;
    case GX_OP_REVOKE:
        if (tokens != 0 && chance(70))
            act->op.token = pick_of(tokens);
        else
            act->op.target = anybody(w);
        break;
    case GX_OP_TRANSFER:
        act->op.target = anybody(w);
        act->op.accepted = chance(85);
        act->op.to_device = act->op.target == act->op.author ? pick(2) : 0;
        break;
    case GX_OP_UNBAN:
        act->op.target = bans != 0 ? w->h->acts[pick_of(bans)].op.target : anybody(w);
        break;
    case GX_OP_REMOVE:
    case GX_OP_BAN:
    case GX_OP_PROMOTE:
    case GX_OP_DEMOTE:
        act->op.target = anybody(w);
        break;
    case GX_OP_CREATE:
    case GX_OP_LEAVE:
    case GX_OP_CHECKPOINT:
    case GX_OP_META:
    case GX_OP_ALIAS:
    case GX_OP_BESIDE:
    case GX_OP_COUNT:
        break;
    }
}

/* ---- who writes, knowing what ---------------------------------------------------------------------------------------------- */

static uint32_t some_author(const struct liars *w)
{
    uint64_t admits = of_kind(w->h, all_of(w->h), GX_OP_ADMIT);

    if (chance(35))
        return 0;
    return admits != 0 && chance(70) ? w->h->acts[pick_of(admits)].op.target : anybody(w);
}

/* Everything; or, to be backdated or out of touch, what one or two operations know. */
static uint64_t some_view(const struct liars *w, uint32_t author)
{
    uint64_t some = 0, all = all_of(w->h);

    if (!chance(author == 0 ? w->lying / 2 : w->lying))
        return all;
    for (uint32_t n = 1 + pick(2); n > 0; n--)
        some |= bit(pick_of(all));
    return closed(w->h, some);
}

static void write_one(struct liars *w)
{
    uint32_t author = some_author(w), device = chance(85) ? 0 : 1;
    uint64_t log = w->logs[author][device];
    struct act act = begin(w, random_kind(), author, device, some_view(w, author));

    if (log != 0 && chance(author == 0 && device == 0 ? w->owner_forks : w->forking))
        act.prev = pick_of(log);
    fill(w, &act, closed(w->h, act.deps | (act.prev == GX_LAW_NONE ? 0 : bit(act.prev))));
    put(w, &act);
}

/* ---- attacks that chance alone seldom builds ---------------------------------------------------------------------------------- */

/* An owner's device that was copied: two TRANSFERs that do not know each other. */
static void hand_over_twice(struct liars *w)
{
    uint64_t log = w->logs[0][0];

    for (int i = 0; i < 2 && log != 0; i++) {
        uint32_t last = 63u - (uint32_t)__builtin_clzll(log);
        struct act act = begin(w, GX_OP_TRANSFER, 0, 0, bit(last));

        act.prev = last;
        act.op.target = anybody(w);
        act.op.accepted = true;
        put(w, &act);
        log &= ~bit(last);
    }
}

/* Several members give away the same few seats at once. */
static void rush(struct liars *w)
{
    uint64_t view = some_view(w, 1), admits = of_kind(w->h, view, GX_OP_ADMIT), tokens = of_kind(w->h, view, GX_OP_TOKEN);
    uint32_t token = tokens == 0 ? GX_LAW_NONE : pick_of(tokens), author = admits == 0 ? 0 : w->h->acts[pick_of(admits)].op.target;

    for (uint32_t i = 2 + pick(3); i > 0; i--) {
        struct act act = begin(w, GX_OP_ADMIT, author, author == 0 ? 1 : 0, view);

        act.prev = GX_LAW_NONE;
        act.op.target = anybody(w);
        act.op.qr = token != GX_LAW_NONE && chance(70);
        act.op.token = act.op.qr ? token : GX_LAW_NONE;
        act.heads = act.deps;
        put(w, &act);
        if (chance(50))
            author = admits == 0 ? 0 : w->h->acts[pick_of(admits)].op.target;
    }
}

static void act_after_leaving(struct liars *w)
{
    static const uint8_t acts[] = {GX_OP_REMOVE, GX_OP_BAN, GX_OP_UNBAN, GX_OP_REVOKE};
    uint32_t author = 1 + pick(2);

    for (int i = 0; i < 2; i++) {
        struct act act = begin(w, i == 0 ? GX_OP_LEAVE : acts[pick(4)], author, 0, all_of(w->h));

        act.op.target = i == 0 ? GX_LAW_NONE : anybody(w);
        put(w, &act);
    }
}

/* A member admits, the owner witnesses it, and then somebody acts on that member by a view from before, or from after. */
static void act_too_late(struct liars *w)
{
    static const uint8_t acts[] = {GX_OP_REMOVE, GX_OP_BAN, GX_OP_REVOKE};
    uint64_t before = all_of(w->h), tokens = of_kind(w->h, before, GX_OP_TOKEN);
    uint32_t admitter = 1 + pick(2);
    struct act act = begin(w, GX_OP_ADMIT, admitter, 0, before);

    act.op.target = anybody(w);
    act.op.qr = chance(50);
    act.op.token = act.op.qr ? pick_of(tokens) : GX_LAW_NONE;
    act.heads = act.deps;
    put(w, &act);
    act = by_owner(w, GX_OP_CHECKPOINT);
    put(w, &act);
    act = begin(w, acts[pick(3)], 0, chance(80) ? 1 : 0, chance(60) ? before : all_of(w->h));
    act.op.target = admitter;
    if (act.op.device == 1 && chance(70))
        act.prev = GX_LAW_NONE;
    put(w, &act);
}

/* Banned by one, pardoned by one, invited again: each by the owner, or by who may be no admin. */
static void ban_and_pardon(struct liars *w)
{
    static const uint8_t acts[] = {GX_OP_BAN, GX_OP_UNBAN, GX_OP_ADMIT};
    uint32_t target = 1 + pick(w->h->n_cast - 1);

    for (int i = 0; i < 3; i++) {
        struct act act = begin(w, acts[i], pick(3) == 0 ? 1 : 0, 0, all_of(w->h));

        act.op.target = target;
        act.heads = act.deps;
        put(w, &act);
    }
}

/* The last word: an ADMIT copied into another's log, or a LEAVE, that knows as little as possible and is known by nothing. */
static void strike_last(struct liars *w)
{
    uint64_t all = all_of(w->h), admits = of_kind(w->h, all, GX_OP_ADMIT);
    uint32_t author = 1 + pick(w->h->n_cast - 1), device = pick(2), x = admits == 0 ? 0 : pick_of(admits);
    const struct act *other = &w->h->acts[x];
    uint64_t log = w->logs[author][device];
    struct act act = begin(w, chance(50) ? GX_OP_LEAVE : GX_OP_ADMIT, author, device, log != 0 && chance(30) ? closed(w->h, log) : other->past | 1);

    if (act.prev != GX_LAW_NONE && chance(50))
        act.prev = pick_of(log);
    if (act.op.kind == GX_OP_ADMIT) {
        act.op.target = other->op.target;
        act.op.qr = other->op.qr;
        act.op.token = other->op.token;
        act.heads = other->heads;
    }
    put(w, &act);
}

/* Something to fight about: a member or two, most times an admin, a token. */
static void write_beginning(struct liars *w)
{
    uint32_t n = 1 + pick(3);
    struct act act = {.op = {.kind = GX_OP_CREATE, .target = 0, .token = GX_LAW_NONE}, .prev = GX_LAW_NONE};

    put(w, &act);
    for (uint32_t i = 0; i < n; i++) {
        act = by_owner(w, GX_OP_ADMIT);
        act.op.target = 1 + i;
        put(w, &act);
    }
    if (chance(60)) {
        act = by_owner(w, GX_OP_PROMOTE);
        act.op.target = 1;
        put(w, &act);
    }
    act = by_owner(w, GX_OP_TOKEN);
    act.op.uses = pick(3);
    put(w, &act);
}

void liars_write(struct history *h, uint64_t seed)
{
    struct liars w = {.h = h};
    uint32_t n;

    pick_from(seed);
    *h = (struct history){.seed = seed, .n_cast = 4 + pick(CAST_MAX - 3)};
    h->cap = (uint32_t[]){2, 3, 4, 5, 6, 8}[pick(6)];
    h->qr_max = 1 + pick(h->cap);
    h->quota = (uint32_t[]){1, 2, 3, 32}[pick(4)];
    w.lying = (uint32_t[]){0, 20, 40, 70}[pick(4)];
    w.forking = w.lying / 2;
    w.owner_forks = (uint32_t[]){0, 0, 10, 30}[pick(4)];
    write_beginning(&w);
    n = h->n + 4 + pick(34);
    while (h->n < n) {
        uint32_t dice = pick(100);

        if (dice < 2 && w.owner_forks > 0)
            hand_over_twice(&w);
        else if (dice < 6)
            act_after_leaving(&w);
        else if (dice < 9)
            ban_and_pardon(&w);
        else if (dice < 13)
            rush(&w);
        else if (dice < 16)
            act_too_late(&w);
        else
            write_one(&w);
    }
    for (uint32_t i = pick(4); i > 0; i--)
        strike_last(&w);
}
