/* Leaving whole kinds of faults out at random finds more than having all of them always (Groce and others, "Swarm testing", ISSTA 2012). */
#include "tests/sim/swarm.h"

#include "tests/sim/internal.h"

#define ADMINS 6u
#define PAIRS 64u
#define EXPIRY_MS 60000          /* the shortest there is */
#define OVER_MS 130000u         /* by then such a code is good no more: a minute of grace, whole minutes */
#define DOWN 32u
#define MOVES 12u
#define PAIRINGS 8u             /* most groups are full, or past their QR limit: one in ten comes to something */
#define DIGITS_MS 30000
#define JOINED_MS 40000u        /* by then who joins at first is in, unless something keeps them out */

struct world {
    struct gx_scenario *scn;
    const struct gx_sim_swarm *of;
    struct sim_rng rng;
    uint64_t at_ms;
    bool crashing, cutting, losing, skewing, quarrelling, befriending, at_commits, naming, pausing, filling, lying;
    uint32_t n_islands;
    uint32_t admins[ADMINS], n_admins;      /* whom somebody promotes early; 0 is the founder */
    uint32_t showed[64], n_showed;          /* who has shown a code */
    uint32_t pairs[PAIRS][2], n_pairs;      /* who scanned whose card */
    struct { uint32_t node; bool saved; } down[DOWN];
    uint32_t n_down;
};

/* One draw a statement: compilers differ in which argument, and which member of a list, they evaluate first. */
static uint32_t pick(struct world *w, uint32_t n)
{
    return sim_pick(&w->rng, n);
}

static bool chance(struct world *w, uint32_t one_in)
{
    return pick(w, one_in) == 0;
}

static uint32_t somebody(struct world *w)
{
    return pick(w, w->of->n_nodes);
}

/* Anybody but the founder. */
static uint32_t other(struct world *w)
{
    return 1 + pick(w, w->of->n_nodes - 1);
}

static uint32_t admin(struct world *w)
{
    return w->admins[pick(w, w->n_admins)];
}

static void add(struct world *w, struct gx_scn_act a)
{
    a.at_ms = w->at_ms;
    gx_scn_add(w->scn, a);
}

static void one(struct world *w, enum gx_scn_act_kind kind, uint32_t a, uint32_t b)
{
    add(w, (struct gx_scn_act){.kind = kind, .a = a, .b = b});
}

static void show_qr(struct world *w, uint32_t node)
{
    struct gx_scn_act a = {.kind = GX_SCN_SHOW_QR, .a = node};

    if (chance(w, 2))
        a.n = 1 + pick(w, 3);
    if (!w->skewing && chance(w, 4))
        a.ms = EXPIRY_MS;
    add(w, a);
    if (w->n_showed < GX_ARRAY_LEN(w->showed))
        w->showed[w->n_showed++] = node;
}

static void join(struct world *w, uint32_t node)
{
    uint32_t by = w->showed[pick(w, w->n_showed)];

    one(w, GX_SCN_JOIN, node, chance(w, 3) ? GX_SCN_NOBODY : by);
}

static void quarrel(struct world *w, uint32_t node)
{
    uint32_t victim = chance(w, 3) ? admin(w) : other(w);

    switch (pick(w, 9)) {
    case 0:
        one(w, GX_SCN_REMOVE, node, victim);
        break;
    case 1:
        one(w, GX_SCN_BAN, node, victim);
        break;
    case 2:
        one(w, GX_SCN_LEAVE, other(w), 0);
        break;
    case 3:
        one(w, GX_SCN_DEMOTE, node, victim);
        break;
    case 4:
        w->at_ms += 1000;
        one(w, GX_SCN_BAN, node, victim);
        w->at_ms += pick(w, 3000);
        one(w, GX_SCN_UNBAN, node, victim);
        one(w, GX_SCN_JOIN, victim, GX_SCN_NOBODY);
        break;
    case 5:
        one(w, GX_SCN_TRANSFER, node, victim);
        one(w, GX_SCN_ACCEPT, victim, node);
        break;
    default:
        one(w, GX_SCN_PROMOTE, node, somebody(w));
        break;
    }
}

/* Two who have a say do, within seconds and as often as not without knowing of each other, what does not go together. */
static void collide(struct world *w)
{
    uint32_t a = admin(w), b = admin(w);
    uint32_t victim = other(w);
    uint32_t guest = other(w);
    bool mildly = chance(w, 2);

    switch (pick(w, 6)) {
    case 0:                     /* removed here, let in there */
        one(w, mildly ? GX_SCN_REMOVE : GX_SCN_BAN, a, victim);
        one(w, GX_SCN_SHOW_QR, b, 0);
        one(w, GX_SCN_JOIN, victim, b);
        break;
    case 1:                     /* the last seat at two doors */
        one(w, GX_SCN_SHOW_QR, a, 0);
        one(w, GX_SCN_SHOW_QR, b, 0);
        one(w, GX_SCN_JOIN, victim, a);
        one(w, GX_SCN_JOIN, guest, b);
        break;
    case 2:                     /* one of them is removed, and has let somebody in */
        one(w, GX_SCN_SHOW_QR, b, 0);
        one(w, mildly ? GX_SCN_DEMOTE : GX_SCN_REMOVE, a, b);
        one(w, GX_SCN_JOIN, guest, b);
        break;
    case 3:                     /* the same one comes in at two doors, and is removed by who knows of one */
        one(w, GX_SCN_SHOW_QR, a, 0);
        one(w, GX_SCN_SHOW_QR, b, 0);
        one(w, GX_SCN_JOIN, victim, a);
        one(w, GX_SCN_JOIN, victim, b);
        w->at_ms += pick(w, 5000);
        one(w, GX_SCN_REMOVE, a, victim);
        break;
    case 4:                     /* more than a code is for */
        add(w, (struct gx_scn_act){.kind = GX_SCN_SHOW_QR, .a = a, .n = 1 + pick(w, 2)});
        for (int i = 0; i < 4; i++)
            one(w, GX_SCN_JOIN, other(w), a);
        break;
    default:                    /* both remove each other */
        one(w, GX_SCN_REMOVE, a, b);
        one(w, GX_SCN_REMOVE, b, a);
        break;
    }
    if (chance(w, 3)) {
        w->at_ms += pick(w, 3000);
        one(w, GX_SCN_SHOW_QR, a, 0);
        one(w, GX_SCN_JOIN, victim, a);
    }
}

/* Somebody scans another's card, is accepted, brings the other into the group or is brought in: whatever of it is possible by then. */
static void befriend(struct world *w, uint32_t node)
{
    const uint32_t *pair = w->pairs[w->n_pairs == 0 ? 0 : pick(w, w->n_pairs)];
    uint32_t friend = somebody(w);

    if (w->n_pairs < PAIRS && friend != node && chance(w, 3)) {
        one(w, GX_SCN_SCAN, node, friend);
        w->pairs[w->n_pairs][0] = node;
        w->pairs[w->n_pairs++][1] = friend;
        return;
    }
    for (uint32_t k = 0; k < 2 && w->n_pairs > 0; k++) {
        one(w, GX_SCN_INVITE, pair[k], pair[!k]);
        one(w, GX_SCN_ACCEPT, pair[k], pair[!k]);
    }
}

static void look(struct world *w, uint32_t node)
{
    struct gx_scenario *s = w->scn;

    one(w, GX_SCN_LOOK, node, 0);
    if (!w->naming || !chance(w, 2))
        return;
    s->words = sim_grow(s->words, &s->cap_words, s->n_words, sizeof *s->words);
    snprintf(s->words[s->n_words].text, sizeof s->words->text, "x%u%c", node, (char)('a' + pick(w, 26)));
    add(w, (struct gx_scn_act){.kind = GX_SCN_ALIAS, .a = node, .n = s->n_words++});
    one(w, GX_SCN_LOOK, somebody(w), 0);
}

static void crash(struct world *w, uint32_t node)
{
    bool save = node != 0 && chance(w, 3);

    if (w->n_down == DOWN)
        return;
    w->down[w->n_down].node = node;
    w->down[w->n_down++].saved = save;
    if (!save && w->at_commits && chance(w, 2))
        add(w, (struct gx_scn_act){.kind = GX_SCN_CRASH, .a = node, .n = 1 + pick(w, 5)});
    else
        one(w, save ? GX_SCN_SAVE : GX_SCN_CRASH, node, 0);
}

/* An old store is that of an earlier crash: it was set aside, and the node went on with its own. */
static void restart(struct world *w)
{
    uint32_t i = w->n_down == 0 ? 0 : pick(w, w->n_down), node = w->down[i].node;

    if (w->n_down == 0)
        return;
    if (w->down[i].saved && chance(w, 2)) {
        add(w, (struct gx_scn_act){.kind = GX_SCN_RESTART, .a = node, .n = GX_SIM_SAME});
        add(w, (struct gx_scn_act){.kind = GX_SCN_SEND, .a = node});
        w->at_ms += pick(w, 3000);
        one(w, GX_SCN_CRASH, node, 0);
        add(w, (struct gx_scn_act){.kind = GX_SCN_RESTART, .a = node, .n = GX_SIM_SAVED});
    } else {
        add(w, (struct gx_scn_act){.kind = GX_SCN_RESTART, .a = node, .n = GX_SIM_SAME});
    }
    w->down[i] = w->down[--w->n_down];
}

static void link_all(struct world *w)
{
    for (uint32_t a = 0; a < w->n_islands; a++)
        for (uint32_t b = a; b < w->n_islands; b++) {
            struct gx_sim_link link = {.delay_ms = 1 + pick(w, a == b ? 5 : 80)};

            link.jitter_ms = pick(w, 20);
            link.loss_ppm = w->losing ? pick(w, 100000) : 0;
            add(w, (struct gx_scn_act){.kind = GX_SCN_LINK, .a = 1 + a, .b = 1 + b, .link = link});
        }
}

static void cut(struct world *w, uint32_t from, uint32_t to, bool cuts)
{
    add(w, (struct gx_scn_act){.kind = GX_SCN_CUT, .a = 1 + from, .b = 1 + to, .n = cuts});
}

static void cut_one(struct world *w)
{
    uint32_t from = pick(w, w->n_islands);
    uint32_t to = pick(w, w->n_islands);

    cut(w, from, to, chance(w, 2));
}

/* One island from all others, both ways. */
static void cut_off(struct world *w, bool cuts)
{
    uint32_t island = pick(w, w->n_islands);

    for (uint32_t k = 0; k < w->n_islands; k++)
        if (k != island) {
            cut(w, island, k, cuts);
            cut(w, k, island, cuts);
        }
}

/* What hinders a node for a while, or for as long as it takes until all is healed. */
static void hinder(struct world *w, uint32_t node)
{
    bool disk = w->filling && (!w->pausing || chance(w, 2));
    struct gx_scn_act a = {.kind = disk ? GX_SCN_DISK : GX_SCN_PAUSE, .a = node, .n = chance(w, 2)};

    if (w->filling || w->pausing)
        add(w, a);
}

/* The founder does not lie: somebody has to have founded. */
static void turn(struct world *w)
{
    uint32_t node = other(w);
    uint32_t role = pick(w, GX_SIM_ROLE_COUNT);

    add(w, (struct gx_scn_act){.kind = GX_SCN_TURN, .a = node, .n = role, .b = GX_SCN_NOBODY});
    if (role != GX_SIM_COLLUDER)
        return;

    uint32_t with = other(w);

    w->scn->acts[w->scn->n_acts - 1].b = with == node ? 1 + node % (w->of->n_nodes - 1) : with;     /* or the one behind it */
}

static void act(struct world *w)
{
    uint32_t node = somebody(w);
    uint32_t kind = pick(w, 32);

    w->at_ms += chance(w, 3) ? 0 : pick(w, 1500);
    if (kind < 3) {
        join(w, node);
    } else if (kind == 3) {
        show_qr(w, chance(w, 2) ? admin(w) : node);
    } else if (kind == 4 && w->crashing) {
        crash(w, node);
    } else if (kind < 7 && w->crashing) {
        restart(w);
    } else if (kind == 7 && w->cutting) {
        if (w->n_islands > 1 && chance(w, 4))
            add(w, (struct gx_scn_act){.kind = GX_SCN_FLAP, .a = 1, .b = 2, .ms = 1 + pick(w, 20000)});
        else if (chance(w, 2))
            cut_off(w, chance(w, 2));
        else
            cut_one(w);
    } else if (kind == 8 && w->skewing) {
        add(w, (struct gx_scn_act){.kind = GX_SCN_CLOCK, .a = node, .ms = (int64_t)pick(w, 7200000) - 3600000});
    } else if (kind == 9 && w->quarrelling) {
        quarrel(w, admin(w));
    } else if (kind == 10 && w->quarrelling) {
        quarrel(w, node);
    } else if (kind < 13 && w->n_admins > 1) {
        collide(w);
    } else if (kind == 13) {
        one(w, GX_SCN_REVOKE, chance(w, 2) ? admin(w) : node, 0);
    } else if (kind == 14) {
        look(w, node);
    } else if (kind == 31) {
        hinder(w, node);
    } else if (kind < 18 && w->befriending) {
        befriend(w, node);
    } else {
        one(w, GX_SCN_SEND, node, 0);
    }
}

/* Some have a say early, on other islands if there are any. */
static void promote(struct world *w)
{
    w->admins[w->n_admins++] = 0;
    if (!w->quarrelling && chance(w, 2))
        return;
    for (uint32_t n = 1 + pick(w, ADMINS - 1); w->n_admins < n;) {
        uint32_t node = other(w);

        one(w, GX_SCN_PROMOTE, 0, node);
        w->admins[w->n_admins++] = node;
    }
    w->at_ms += 2000;
    for (uint32_t i = 1; i < w->n_admins; i++)
        show_qr(w, w->admins[i]);
}

static void found(struct world *w)
{
    struct gx_scn_act a = {.kind = GX_SCN_CREATE};
    uint32_t n = w->of->n_nodes;

    /* Limits are near as often as not, so that they are run into: the greater one by contacts alone. */
    a.n = 3 + (w->befriending && chance(w, 2) ? pick(w, 4) : chance(w, 2) ? pick(w, n) : n);
    a.n = a.n < GX_GROUP_MEMBERS_MAX ? a.n : GX_GROUP_MEMBERS_MAX;
    a.m = chance(w, 2) ? a.n : 2 + pick(w, a.n - 1);
    a.m = a.m < a.n ? a.m : a.n;
    a.m = a.m < GX_GROUP_QR_JOIN_MAX ? a.m : GX_GROUP_QR_JOIN_MAX;
    if (chance(w, 2))
        a.ms = 1 + pick(w, chance(w, 2) ? 4 : 40);
    add(w, a);
    for (int i = 0; i < 2; i++)
        show_qr(w, 0);
    add(w, (struct gx_scn_act){.kind = GX_SCN_SHOW_QR, .a = 0});
    for (uint32_t i = 1; i < n; i++)
        if (!chance(w, 4)) {
            w->at_ms += pick(w, 2 * JOINED_MS / 3 / n);
            join(w, i);
        }
    w->at_ms = JOINED_MS;
}

/* By a code that was good. */
static void late(struct world *w)
{
    uint32_t a = admin(w);

    add(w, (struct gx_scn_act){.kind = GX_SCN_SHOW_QR, .a = a, .ms = EXPIRY_MS});
    w->at_ms += OVER_MS;
    one(w, GX_SCN_JOIN, other(w), a);
    one(w, GX_SCN_JOIN, other(w), a);
}

/* Of streams of their own: a world without these is the same as before. */
static bool beacons(struct world *w)
{
    struct sim_rng rng = sim_rng(w->of->seed, 4);

    if (sim_pick(&rng, 3) > 0)
        return false;
    for (uint32_t i = 0; i < w->of->n_nodes; i++)
        add(w, (struct gx_scn_act){.kind = GX_SCN_BEACONS, .a = i});
    return true;
}

/* At some time since those who came first are in. */
static struct gx_scn_act on_lan(const struct world *w, struct sim_rng *rng, enum gx_scn_act_kind kind, uint32_t a)
{
    return (struct gx_scn_act){.kind = kind, .a = a, .at_ms = JOINED_MS + sim_pick(rng, (uint32_t)(w->at_ms - JOINED_MS) + 1)};
}

/* Of that one's LAN, if there is anybody. */
static uint32_t neighbour(const struct world *w, struct sim_rng *rng, uint32_t of)
{
    uint32_t at = sim_pick(rng, w->of->n_nodes), i = at;

    do
        i = (i + 1) % w->of->n_nodes;
    while (i != at && (i == of || w->scn->island[i] != w->scn->island[of]));
    return i;
}

/* Machines that get other addresses, all of one LAN: two that are on two, and both moved while they were apart, know no way to each other any more.  And
 * people who pair, or guess. */
static void move_and_pair(struct world *w)
{
    struct sim_rng rng = sim_rng(w->of->seed, 5);
    uint32_t n = w->of->n_nodes, island = 1 + sim_pick(&rng, w->n_islands);

    for (uint32_t i = sim_pick(&rng, MOVES + 1); i > 0; i--) {
        uint32_t node = sim_pick(&rng, n);

        if (w->scn->island[node] == island)
            gx_scn_add(w->scn, on_lan(w, &rng, GX_SCN_MOVE, node));
    }
    for (uint32_t i = sim_pick(&rng, PAIRINGS + 1); i > 0; i--) {
        uint32_t by = w->admins[sim_pick(&rng, w->n_admins)];
        struct gx_scn_act shows = on_lan(w, &rng, GX_SCN_SHOW_DIGITS, by), types = shows;

        shows.ms = DIGITS_MS;
        gx_scn_add(w->scn, shows);
        types.kind = GX_SCN_TYPE;
        types.b = shows.a;
        for (uint32_t k = 1 + sim_pick(&rng, GX_NEAR_TRIES_MAX + 1); k > 0; k--) {
            types.a = neighbour(w, &rng, by);
            types.n = sim_pick(&rng, 2);
            types.at_ms += sim_pick(&rng, DIGITS_MS / GX_NEAR_TRIES_MAX);
            gx_scn_add(w->scn, types);
        }
    }
}

void gx_sim_swarm(struct gx_scenario *out, const struct gx_sim_swarm *swarm)
{
    struct world w = {.scn = out, .of = swarm, .rng = sim_rng(swarm->seed, 3)};
    char name[16];
    bool lan = false;

    gx_scn_begin(out);
    w.crashing = chance(&w, 2);
    w.cutting = chance(&w, 2);
    w.losing = chance(&w, 2);
    w.skewing = chance(&w, 4);
    w.quarrelling = chance(&w, 2);
    w.befriending = chance(&w, 2);
    w.at_commits = chance(&w, 2);
    w.naming = chance(&w, 2);
    w.pausing = chance(&w, 3);
    w.filling = chance(&w, 4);
    w.lying = chance(&w, 3);
    w.n_islands = 1 + pick(&w, 4);
    for (; out->n_islands <= w.n_islands; out->n_islands++)
        snprintf(out->islands[out->n_islands].text, sizeof out->islands->text, "i%u", out->n_islands);
    snprintf(out->groups[out->n_groups++].text, sizeof out->groups->text, "tea");
    for (uint32_t i = 0; i < swarm->n_nodes; i++) {
        snprintf(name, sizeof name, "n%u", i);
        gx_scn_add_node(out, name, 1 + pick(&w, w.n_islands));
    }
    lan = beacons(&w);
    link_all(&w);
    found(&w);
    promote(&w);
    if (w.cutting)
        cut_off(&w, true);
    for (uint32_t i = 0; i < swarm->n_acts; i++) {
        if (w.lying && i % (swarm->n_acts / 3 + 1) == 5)
            turn(&w);
        act(&w);
    }
    if (lan)
        move_and_pair(&w);
    if (chance(&w, 2))
        late(&w);
    /* Somebody is away first as often as not: the others do without. */
    if (chance(&w, 2))
        one(&w, GX_SCN_REST, other(&w), 0);
    gx_scn_sort(out);
    gx_scn_drop_senseless(out);         /* who was drawn to start while up did nothing */
}
