/* Leaving whole kinds of faults out at random finds more than having all of them always (Groce and others, "Swarm testing", ISSTA 2012). */
#include "tests/sim/swarm.h"

#include <stdio.h>
#include <string.h>

#define CODES 4u
#define PAIRS 64u

struct world {
    struct gx_sim *sim;
    const struct gx_sim_swarm *of;
    struct gx_sim_acts *acts;
    bool crashing, cutting, losing, skewing, quarrelling, befriending, at_commits;
    uint32_t n_islands;
    char codes[CODES][600];
    uint64_t ends_ms[CODES];        /* 0: in a week */
    uint32_t n_codes;
    uint32_t pairs[PAIRS][2], n_pairs;      /* who scanned whose card */
    uint32_t qr_max, cap;
};

static bool chance(struct world *w, uint32_t one_in)
{
    return gx_sim_pick(w->sim, one_in) == 0;
}

static bool ask(struct world *w, uint32_t node, enum gx_method method, const char *who)
{
    struct gx_sim_reply reply;
    struct gx_command cmd = {.method = method, .group = "tea", .who = who, .given = 1u << GX_PARAM_GROUP | (who == NULL ? 0 : 1u << GX_PARAM_WHO)};

    if (who != NULL && (method == GX_CMD_GROUP_REMOVE || method == GX_CMD_GROUP_BAN)) {
        cmd.yes = true;
        cmd.given |= method == GX_CMD_GROUP_REMOVE ? 1u << GX_PARAM_YES : 0;
    }
    return gx_sim_ask(w->sim, &reply, node, cmd, 0);
}

static void invite(struct world *w, uint32_t node)
{
    struct gx_command cmd = {.method = GX_CMD_INVITE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    struct gx_sim_reply reply;

    if (chance(w, 2)) {
        cmd.uses = 1 + gx_sim_pick(w->sim, 3);
        cmd.given |= 1u << GX_PARAM_USES;
    }
    if (!w->skewing && chance(w, 4)) {
        cmd.expires_ms = gx_sim_wall_ms(w->sim) + 90000;
        cmd.given |= 1u << GX_PARAM_EXPIRES_MS;
    }
    if (gx_sim_ask(w->sim, &reply, node, cmd, 2000) && gx_sim_value(&reply, w->codes[w->n_codes % CODES], sizeof w->codes[0], "token")) {
        w->ends_ms[w->n_codes % CODES] = cmd.expires_ms;
        w->n_codes++;
    }
}

static void revoke(struct world *w, uint32_t node)
{
    struct gx_command list = {.method = GX_CMD_INVITES, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    struct gx_command cmd = {.method = GX_CMD_REVOKE, .given = 1u << GX_PARAM_INVITE};
    struct gx_sim_reply reply;
    char id[80];

    if (!gx_sim_ask(w->sim, &reply, node, list, 0) || !gx_sim_value(&reply, id, sizeof id, "invite"))
        return;
    cmd.invite = id;
    w->acts->revokes += gx_sim_ask(w->sim, &reply, node, cmd, 0);
}

/* Another name, or a look at the group: what is remembered of it has to change with it. */
static void look(struct world *w, uint32_t node)
{
    char name[16];
    struct gx_command alias = {.method = GX_CMD_GROUP_ALIAS, .group = "tea", .name = name, .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_NAME};
    struct gx_sim_reply reply;

    (void)ask(w, node, GX_CMD_GROUP_SHOW, NULL);
    if (!chance(w, 4))
        return;
    snprintf(name, sizeof name, "n%u", node);           /* the same again: who is called by it stays who it is */
    (void)gx_sim_ask(w->sim, &reply, node, alias, 0);
}

static void join(struct world *w, uint32_t node)
{
    struct gx_command cmd = {.method = GX_CMD_JOIN, .given = 1u << GX_PARAM_TOKEN};
    struct gx_sim_reply reply;
    uint32_t n = w->n_codes < CODES ? w->n_codes : CODES;

    if (n == 0)
        return;
    n = gx_sim_pick(w->sim, n);
    cmd.token = w->codes[n];
    w->acts->joins++;

    bool over = w->ends_ms[n] != 0 && gx_sim_wall_ms(w->sim) > w->ends_ms[n] + 60000;

    w->acts->expired += over;
    if (over)
        gx_sim_expect(w->sim, !gx_sim_ask(w->sim, &reply, node, cmd, 0) && reply.done, node, "a code whose time was over was not refused");
    else if (gx_sim_ask(w->sim, &reply, node, cmd, chance(w, 2) ? 5000 : 0))
        w->acts->joined++;
    else if (strcmp(reply.error, "qr_closed") == 0)
        w->acts->closed++;
}

static void quarrel(struct world *w, uint32_t node)
{
    char who[16];
    uint32_t other = gx_sim_pick(w->sim, w->of->n_nodes);

    snprintf(who, sizeof who, "@n%u", other);
    switch (gx_sim_pick(w->sim, 6)) {
    case 0:
        if (other != 0 && ask(w, node, GX_CMD_GROUP_REMOVE, who)) {
            w->acts->removals++;
            gx_sim_removed(w->sim, other, node);
        }
        break;
    case 1:
        if (other != 0 && ask(w, node, GX_CMD_GROUP_BAN, who)) {
            w->acts->bans++;
            gx_sim_removed(w->sim, other, node);
        }
        break;
    case 2:
        w->acts->leaves += node != 0 && ask(w, node, GX_CMD_GROUP_LEAVE, NULL);
        break;
    default:
        w->acts->promotions += ask(w, node, GX_CMD_GROUP_PROMOTE, who);
        break;
    }
}

/* Somebody scans another's card, is accepted, brings the other into the group or is brought in: whatever of it is possible by now. */
static void befriend(struct world *w, uint32_t node)
{
    struct gx_sim_reply reply;
    struct gx_command id = {.method = GX_CMD_ID}, add = {.method = GX_CMD_CONTACT_ADD, .given = 1u << GX_PARAM_TOKEN};
    struct gx_command yes = {.method = GX_CMD_ACCEPT, .given = 1u << GX_PARAM_WHO};
    uint32_t other = gx_sim_pick(w->sim, w->of->n_nodes), pair = w->n_pairs == 0 ? 0 : gx_sim_pick(w->sim, w->n_pairs);
    char who[2][16], card[600];

    if (w->n_pairs < PAIRS && other != node && chance(w, 3)) {
        if (!gx_sim_ask(w->sim, &reply, other, id, 0) || !gx_sim_value(&reply, card, sizeof card, "card"))
            return;
        add.token = card;
        if (!gx_sim_ask(w->sim, &reply, node, add, 0))
            return;
        w->acts->scans++;
        w->pairs[w->n_pairs][0] = node;
        w->pairs[w->n_pairs++][1] = other;
        return;
    }
    if (w->n_pairs == 0)
        return;
    for (int k = 0; k < 2; k++)
        snprintf(who[k], sizeof who[k], "@n%u", w->pairs[pair][k]);
    for (int k = 0; k < 2; k++) {
        w->acts->invited += ask(w, w->pairs[pair][k], GX_CMD_INVITE, who[!k]);
        yes.who = who[!k];
        w->acts->accepted += gx_sim_ask(w->sim, &reply, w->pairs[pair][k], yes, 0);
    }
}

static void crash(struct world *w, uint32_t node)
{
    w->acts->crashes++;
    if (w->at_commits && chance(w, 2)) {
        gx_sim_crash_at(w->sim, node, 1 + gx_sim_pick(w->sim, 5));
        return;
    }
    gx_sim_crash(w->sim, node);
    if (node != 0 && chance(w, 4)) {
        gx_sim_save(w->sim, node);
        w->acts->saved++;
    }
}

static void restart(struct world *w, uint32_t node)
{
    enum gx_sim_store which = node != 0 && chance(w, 8) ? GX_SIM_SAVED : GX_SIM_SAME;

    w->acts->restarts++;
    gx_sim_start(w->sim, node, which);
}

static void link_all(struct world *w)
{
    for (uint32_t a = 0; a < w->n_islands; a++)
        for (uint32_t b = a; b < w->n_islands; b++) {
            struct gx_sim_link link = {.delay_ms = 1 + gx_sim_pick(w->sim, a == b ? 5 : 80), .jitter_ms = gx_sim_pick(w->sim, 20),
                                       .loss_ppm = w->losing ? gx_sim_pick(w->sim, 100000) : 0};

            gx_sim_link(w->sim, a, b, &link);
        }
}

static void act(struct world *w)
{
    uint32_t node = gx_sim_pick(w->sim, w->of->n_nodes), kind = gx_sim_pick(w->sim, 28);
    struct gx_command say = {.method = GX_CMD_SEND, .group = "tea", .text = "word", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_TEXT};
    struct gx_sim_reply reply;

    if (!gx_sim_is_up(w->sim, node)) {
        if (chance(w, 2))
            restart(w, node);
        return;
    }
    if (kind < 3) {
        join(w, node);
    } else if (kind < 4) {
        invite(w, node);
    } else if (kind == 4 && w->crashing) {
        crash(w, node);
    } else if (kind == 5 && w->cutting) {
        gx_sim_cut(w->sim, gx_sim_pick(w->sim, w->n_islands), gx_sim_pick(w->sim, w->n_islands), chance(w, 2));
        w->acts->cuts++;
    } else if (kind == 6 && w->skewing) {
        gx_sim_skew(w->sim, node, (int64_t)gx_sim_pick(w->sim, 7200000) - 3600000);
        w->acts->skews++;
    } else if (kind == 7 && w->quarrelling) {
        quarrel(w, chance(w, 2) ? 0 : node);
    } else if (kind == 27) {
        revoke(w, node);
    } else if (kind == 26) {
        look(w, node);
    } else if (kind >= 24 && w->quarrelling) {
        quarrel(w, node);
    } else if (kind >= 20 && w->befriending) {
        befriend(w, node);
    } else if (kind < 10) {
        gx_sim_run(w->sim, gx_sim_pick(w->sim, 5000));
    } else if (gx_sim_ask(w->sim, &reply, node, say, 0)) {
        w->acts->sends++;
    } else {
        w->acts->refused++;
    }
}

/* Healed, with somebody away first as often as not: the others do without.  At last somebody speaks, and who was removed does not hear it. */
static void rest(struct world *w)
{
    uint32_t away = 1 + gx_sim_pick(w->sim, w->of->n_nodes - 1);
    struct gx_command say = {.method = GX_CMD_SEND, .group = "tea", .text = "last", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_TEXT};
    struct gx_sim_reply reply;

    if (chance(w, 2)) {
        gx_sim_crash(w->sim, away);
        gx_sim_heal_but(w->sim, away);
        gx_sim_run(w->sim, 900000);
        (void)gx_sim_check(w->sim);
        w->acts->away++;
    }
    gx_sim_heal(w->sim);
    gx_sim_run(w->sim, 900000);
    (void)gx_sim_check(w->sim);
    gx_sim_run(w->sim, 60000);
    if (gx_sim_ask(w->sim, &reply, 0, say, 0)) {
        gx_sim_run(w->sim, 60000);
        gx_sim_check_heard(w->sim);
    }
}

enum gx_err gx_sim_swarm(struct gx_sim **out, struct gx_sim_acts *acts, const struct gx_sim_swarm *swarm)
{
    struct gx_sim_options options = {.seed = swarm->seed, .n_nodes = swarm->n_nodes, .dir = swarm->dir, .no_writemap = swarm->no_writemap, .no_memo = swarm->no_memo};
    struct world w = {.of = swarm, .acts = acts};
    enum gx_err err = gx_sim_new(out, &options);
    struct gx_command found = {.method = GX_CMD_GROUP_NEW, .name = "tea"};
    struct gx_sim_reply reply;

    w.sim = *out;
    if (err != GX_OK)
        return err;
    w.crashing = chance(&w, 2);
    w.cutting = chance(&w, 2);
    w.losing = chance(&w, 2);
    w.skewing = chance(&w, 4);
    w.quarrelling = chance(&w, 2);
    w.befriending = chance(&w, 2);
    w.at_commits = chance(&w, 2);
    w.n_islands = 1 + gx_sim_pick(w.sim, 4);
    for (uint32_t i = 0; i < swarm->n_nodes; i++)
        gx_sim_island(w.sim, i, gx_sim_pick(w.sim, w.n_islands));
    link_all(&w);
    /* Limits are near as often as not, so that they are run into. */
    w.cap = 3 + (chance(&w, 2) ? gx_sim_pick(w.sim, swarm->n_nodes) : swarm->n_nodes);
    w.qr_max = chance(&w, 2) ? w.cap : 2 + gx_sim_pick(w.sim, w.cap - 1);
    found.cap = w.cap;
    found.qr_max = w.qr_max < w.cap ? w.qr_max : w.cap;
    found.given = 1u << GX_PARAM_NAME | 1u << GX_PARAM_CAP | 1u << GX_PARAM_QR_MAX;
    gx_sim_expect(w.sim, gx_sim_ask(w.sim, &reply, 0, found, 0), 0, "the group was not founded");
    for (int i = 0; i < 2; i++)
        invite(&w, 0);
    for (uint32_t i = 1; i < swarm->n_nodes; i++)
        if (!chance(&w, 4))
            join(&w, i);
    for (uint32_t i = 0; i < swarm->n_acts; i++)
        act(&w);
    rest(&w);
    return GX_OK;
}
