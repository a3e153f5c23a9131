/* Scenario files: playing. */
#include "tests/sim/scenario.h"

#include "tests/sim/internal.h"
#include <inttypes.h>
#include <stdio.h>

#define REST_MS 900000u         /* after the last act all is healed and has so long */
#define LOOK_MS 1000u           /* what must never be is looked for so often */

struct play {
    struct gx_sim *sim;
    struct gx_scenario *scn;
    char group[GX_SCN_GROUPS_MAX][66];      /* ":id", empty before it is founded */
    char code[GX_SCN_GROUPS_MAX][600];
    uint64_t looked_ms;
};

/* --- acts ------------------------------------------------------------------------------------------------------------------------------------ */

static struct gx_command in_group(const struct play *p, enum gx_method method, const struct gx_scn_act *a)
{
    return (struct gx_command){.method = method, .group = p->group[a->group], .given = 1u << GX_PARAM_GROUP};
}

static void create(struct play *p, const struct gx_scn_act *a)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = p->scn->groups[a->group].text, .cap = a->n, .qr_max = a->m,
                             .given = 1u << GX_PARAM_NAME | (a->n == 0 ? 0 : 1u << GX_PARAM_CAP) | (a->m == 0 ? 0 : 1u << GX_PARAM_QR_MAX)};
    struct gx_sim_reply reply;
    char id[65];

    if (gx_sim_ask(p->sim, &reply, a->a, cmd, 0) && gx_sim_value(&reply, id, sizeof id, "group"))
        snprintf(p->group[a->group], sizeof p->group[0], ":%s", id);
}

static void show_qr(struct play *p, const struct gx_scn_act *a)
{
    struct gx_command cmd = in_group(p, GX_CMD_INVITE, a);
    struct gx_sim_reply reply;

    cmd.uses = a->n;
    cmd.given |= a->n == 0 ? 0 : 1u << GX_PARAM_USES;
    if (gx_sim_ask(p->sim, &reply, a->a, cmd, 2000))
        (void)gx_sim_value(&reply, p->code[a->group], sizeof p->code[0], "token");
}

static void about(struct play *p, const struct gx_scn_act *a)
{
    static const enum gx_method methods[] = {[GX_SCN_REMOVE] = GX_CMD_GROUP_REMOVE, [GX_SCN_BAN] = GX_CMD_GROUP_BAN, [GX_SCN_PROMOTE] = GX_CMD_GROUP_PROMOTE,
                                             [GX_SCN_INVITE] = GX_CMD_INVITE, [GX_SCN_ACCEPT] = GX_CMD_ACCEPT};
    struct gx_command cmd = in_group(p, methods[a->kind], a);
    char who[GX_SCN_NAME_MAX + 2];
    struct gx_sim_reply reply;

    snprintf(who, sizeof who, "@%s", p->scn->nodes[a->b].text);
    cmd.who = who;
    cmd.given = a->kind == GX_SCN_ACCEPT ? 1u << GX_PARAM_WHO : cmd.given | 1u << GX_PARAM_WHO;
    if (a->kind == GX_SCN_REMOVE) {
        cmd.yes = true;
        cmd.given |= 1u << GX_PARAM_YES;
    }
    if (gx_sim_ask(p->sim, &reply, a->a, cmd, 0) && (a->kind == GX_SCN_REMOVE || a->kind == GX_SCN_BAN))
        gx_sim_removed(p->sim, a->b, a->a);
}

static void scan(struct play *p, const struct gx_scn_act *a)
{
    struct gx_command id = {.method = GX_CMD_ID}, add = {.method = GX_CMD_CONTACT_ADD, .given = 1u << GX_PARAM_TOKEN};
    struct gx_sim_reply reply;
    char card[600];

    if (!gx_sim_ask(p->sim, &reply, a->b, id, 0) || !gx_sim_value(&reply, card, sizeof card, "card"))
        return;
    add.token = card;
    (void)gx_sim_ask(p->sim, &reply, a->a, add, 0);
}

static void do_act(struct play *p, const struct gx_scn_act *a)
{
    struct gx_command cmd;
    struct gx_sim_reply reply;

    switch (a->kind) {
    case GX_SCN_CREATE:
        create(p, a);
        break;
    case GX_SCN_SHOW_QR:
        show_qr(p, a);
        break;
    case GX_SCN_JOIN:
        cmd = (struct gx_command){.method = GX_CMD_JOIN, .token = p->code[a->group], .given = 1u << GX_PARAM_TOKEN};
        (void)gx_sim_ask(p->sim, &reply, a->a, cmd, 0);
        break;
    case GX_SCN_SEND:
        cmd = in_group(p, GX_CMD_SEND, a);
        cmd.text = "word";
        cmd.given |= 1u << GX_PARAM_TEXT;
        (void)gx_sim_ask(p->sim, &reply, a->a, cmd, 0);
        break;
    case GX_SCN_LEAVE:
        (void)gx_sim_ask(p->sim, &reply, a->a, in_group(p, GX_CMD_GROUP_LEAVE, a), 0);
        break;
    case GX_SCN_REMOVE:
    case GX_SCN_BAN:
    case GX_SCN_PROMOTE:
    case GX_SCN_INVITE:
    case GX_SCN_ACCEPT:
        about(p, a);
        break;
    case GX_SCN_SCAN:
        scan(p, a);
        break;
    case GX_SCN_CRASH:
        gx_sim_crash(p->sim, a->a);
        break;
    case GX_SCN_SAVE:
        gx_sim_crash(p->sim, a->a);
        gx_sim_save(p->sim, a->a);
        break;
    case GX_SCN_RESTART:
        gx_sim_start(p->sim, a->a, (enum gx_sim_store)a->n);
        break;
    case GX_SCN_CLOCK:
        gx_sim_skew(p->sim, a->a, a->ms);
        break;
    case GX_SCN_CUT:
        gx_sim_cut(p->sim, a->a, a->b, true);
        break;
    case GX_SCN_HEAL:
        gx_sim_heal(p->sim);
        break;
    case GX_SCN_LINK:
        gx_sim_link(p->sim, a->a, a->b, &a->link);
        break;
    }
}

/* --- what is expected -------------------------------------------------------------------------------------------------------------------------- */

static bool shown(struct play *p, uint32_t node, uint32_t group, struct gx_sim_reply *reply)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_SHOW, .group = p->group[group], .given = 1u << GX_PARAM_GROUP};
    char state[32];

    return p->group[group][0] != 0 && gx_sim_ask(p->sim, reply, node, cmd, 0) && gx_sim_value(reply, state, sizeof state, "state") &&
           strcmp(state, "member") == 0;
}

static bool compares(enum gx_scn_compare how, uint64_t got, uint64_t wanted)
{
    return how == GX_SCN_EQUAL ? got == wanted : how == GX_SCN_MOST ? got <= wanted : got >= wanted;
}

static bool same_state(struct play *p, struct gx_scn_expect *x)
{
    struct gx_sim_reply reply;
    char first[65] = "", state[65];
    uint32_t of = 0, n = 0;

    for (uint32_t i = 0; i < p->scn->n_nodes; i++) {
        if (!shown(p, i, x->group, &reply) || !gx_sim_value(&reply, state, sizeof state, "state_hash"))
            continue;
        if (n++ == 0) {
            snprintf(first, sizeof first, "%s", state);
            of = i;
        } else if (strcmp(first, state) != 0) {
            snprintf(x->got, sizeof x->got, "%s has %.8s, %s has %.8s", p->scn->nodes[of].text, first, p->scn->nodes[i].text, state);
            return false;
        }
    }
    snprintf(x->got, sizeof x->got, "%.8s on %u nodes", first, n);
    return n > 0;
}

static bool members(struct play *p, struct gx_scn_expect *x)
{
    struct gx_sim_reply reply;
    char text[24];
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->scn->n_nodes; i++) {
        if (!shown(p, i, x->group, &reply) || !gx_sim_value(&reply, text, sizeof text, "members"))
            continue;
        n++;
        snprintf(x->got, sizeof x->got, "%s at %s", text, p->scn->nodes[i].text);
        uint64_t got = 0;

        for (const char *c = text; *c >= '0' && *c <= '9'; c++)
            got = 10 * got + (uint64_t)(*c - '0');
        if (!compares(x->compare, got, x->number))
            return false;
    }
    return n > 0;
}

/* The fact itself, whatever is wanted of it. */
static bool is_so(struct play *p, struct gx_scn_expect *x)
{
    struct gx_sim_reply reply;
    const struct gx_sim_counts *c = gx_sim_counts(p->sim);
    uint64_t read = 0;

    switch (x->kind) {
    case GX_SCN_SAME_STATE:
        return same_state(p, x);
    case GX_SCN_MEMBERS:
        return members(p, x);
    case GX_SCN_DELIVERED:
        snprintf(x->got, sizeof x->got, "%" PRIu64 " of %" PRIu64, c->delivered, c->due);
        return c->due > 0 && compares(x->compare, c->delivered * 100 / c->due, x->number);
    case GX_SCN_IS_MEMBER: {
        bool yes = shown(p, x->a, x->group, &reply);

        snprintf(x->got, sizeof x->got, "%s a member", yes ? "is" : "is not");
        return yes != x->not;
    }
    case GX_SCN_READS:
        read = sim_reads(p->sim, x->a, x->b, x->after_ms);
        snprintf(x->got, sizeof x->got, "%" PRIu64 " messages", read);
        return read > 0;
    }
    return false;
}

static void look(struct play *p, enum gx_scn_when when)
{
    for (uint32_t i = 0; i < p->scn->n_expects; i++) {
        struct gx_scn_expect *x = &p->scn->expects[i];

        if (x->when != when || (when == GX_SCN_BY && (x->looked_at || x->by_ms != p->sim->now_ms)) || (when == GX_SCN_NEVER && x->looked_at && !x->ok))
            continue;
        x->looked_at = true;
        x->ok = is_so(p, x) == (when != GX_SCN_NEVER);
    }
}

/* To that time, stopping where something is expected. */
static void go(struct play *p, uint64_t until_ms)
{
    while (p->sim->now_ms < until_ms) {
        uint64_t next = until_ms;

        for (uint32_t i = 0; i < p->scn->n_expects; i++)
            if (p->scn->expects[i].when == GX_SCN_BY && p->scn->expects[i].by_ms > p->sim->now_ms && p->scn->expects[i].by_ms < next)
                next = p->scn->expects[i].by_ms;
        gx_sim_run(p->sim, next - p->sim->now_ms);
        look(p, GX_SCN_BY);
    }
    if (p->sim->now_ms >= p->looked_ms + LOOK_MS) {
        look(p, GX_SCN_NEVER);
        p->looked_ms = p->sim->now_ms;
    }
}

enum gx_err gx_scn_play(struct gx_sim **out, struct gx_scenario *scn, uint64_t seed, void (*progress)(uint64_t now_ms, uint64_t end_ms))
{
    struct gx_sim_options options = {.seed = seed, .n_nodes = scn->n_nodes, .names = scn->nodes[0].text, .name_bytes = sizeof scn->nodes[0]};
    struct play p = {.scn = scn};
    enum gx_err err = gx_sim_new(out, &options);
    uint64_t end = 0;

    p.sim = *out;
    if (err != GX_OK)
        return err;
    for (uint32_t i = 0; i < scn->n_nodes; i++)
        gx_sim_island(p.sim, i, scn->island[i]);
    for (uint32_t i = 0; i < scn->n_acts; i++)
        end = scn->acts[i].at_ms > end ? scn->acts[i].at_ms : end;
    for (uint32_t i = 0; i < scn->n_expects; i++) {
        scn->expects[i].looked_at = scn->expects[i].ok = false;
        end = scn->expects[i].by_ms > end ? scn->expects[i].by_ms : end;
    }
    for (uint32_t i = 0; i < scn->n_acts; i++) {
        go(&p, scn->acts[i].at_ms);
        if (progress != NULL)
            progress(p.sim->now_ms, end + REST_MS);
        do_act(&p, &scn->acts[i]);
    }
    go(&p, end);
    gx_sim_heal(p.sim);
    go(&p, end + REST_MS);
    (void)gx_sim_check(p.sim);
    look(&p, GX_SCN_AT_END);
    look(&p, GX_SCN_NEVER);
    for (uint32_t i = 0; i < scn->n_expects; i++)
        if (!scn->expects[i].ok)
            sim_violated(p.sim, GX_SIM_EXPECT, SIM_NONE, "line %u does not hold: %s", scn->expects[i].line, scn->expects[i].got);
    return GX_OK;
}
