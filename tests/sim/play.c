/* Scenario files: playing. */
#include "tests/sim/scenario.h"

#include "tests/sim/internal.h"
#include "tests/sim/reader.h"
#include <inttypes.h>
#include <stdlib.h>

#define REST_MS 900000u         /* after the last act all is healed and has so long */
#define LOOK_MS 1000u           /* what must never be is looked for so often */
#define EXPIRY_GRACE_MS 60000u  /* codes are good so much longer: proto/LAW.md */
#define SHOW_MS 2000u           /* a door opens first */

struct code {
    uint32_t node, group;
    char text[600];
    uint64_t ends_ms;           /* by right clocks; 0: later than any run lasts */
};

struct digits {
    uint32_t node, group;
    char text[GX_NEAR_DIGITS + 1];      /* the newest */
};

struct play {
    struct gx_sim *sim;
    struct gx_scenario *scn;
    struct gx_scn_done *done;
    FILE *tell;
    char (*group)[66];          /* ":id", empty before it is founded */
    uint32_t *founder;
    struct code *codes;
    uint32_t n_codes, cap_codes;
    struct digits *digits;
    uint32_t n_digits, cap_digits;
    uint64_t looked_ms;
    struct rested { uint64_t at_ms, took_ms; } *rests;      /* at: by the file's clock */
    uint32_t n_rests, cap_rests;
    size_t n_told;              /* violations */
    bool skewed;                /* somebody's clock is wrong */
};

/* The file's clock stands while it rests: when that time comes in the world.  The time of a rest is when it began. */
static uint64_t world_ms(const struct play *p, uint64_t file_ms)
{
    uint64_t ms = file_ms;

    for (uint32_t i = 0; i < p->n_rests; i++)
        ms += p->rests[i].at_ms < file_ms ? p->rests[i].took_ms : 0;
    return ms;
}

/* --- acts ------------------------------------------------------------------------------------------------------------------------------------ */

static struct gx_command in_group(const struct play *p, enum gx_method method, const struct gx_scn_act *a)
{
    return (struct gx_command){.method = method, .group = p->group[a->group], .given = 1u << GX_PARAM_GROUP};
}

static bool ask(struct play *p, struct gx_sim_reply *reply, const struct gx_scn_act *a, struct gx_command cmd)
{
    return gx_sim_ask(p->sim, reply, a->a, cmd, 0);
}

static bool create(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = p->scn->groups[a->group].text, .cap = a->n, .qr_max = a->m, .history = (uint64_t)a->ms,
                             .given = 1u << GX_PARAM_NAME | (a->n == 0 ? 0 : 1u << GX_PARAM_CAP) | (a->m == 0 ? 0 : 1u << GX_PARAM_QR_MAX) |
                                      (a->ms == 0 ? 0 : 1u << GX_PARAM_HISTORY)};
    char id[65];

    if (!ask(p, reply, a, cmd) || !gx_sim_value(reply, id, sizeof id, "group"))
        return false;
    snprintf(p->group[a->group], sizeof p->group[0], ":%s", id);
    p->founder[a->group] = a->a;
    return true;
}

static bool show_qr(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    struct gx_command cmd = in_group(p, GX_CMD_INVITE, a);
    struct code code = {.node = a->a, .group = a->group};

    cmd.uses = a->n;
    cmd.given |= a->n == 0 ? 0 : 1u << GX_PARAM_USES;
    if (a->ms > 0) {
        cmd.expires_ms = code.ends_ms = gx_sim_wall_ms(p->sim) + (uint64_t)a->ms;
        cmd.given |= 1u << GX_PARAM_EXPIRES_MS;
    }
    if (!gx_sim_ask(p->sim, reply, a->a, cmd, SHOW_MS) || !gx_sim_value(reply, code.text, sizeof code.text, "token"))
        return false;
    p->codes = sim_grow(p->codes, &p->cap_codes, p->n_codes, sizeof *p->codes);
    p->codes[p->n_codes++] = code;
    return true;
}

/* They are asked for until somebody has come in by them, or their time is over: nobody waits for that here. */
static bool show_digits(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    struct gx_command cmd = in_group(p, GX_CMD_INVITE, a);

    cmd.nearby = true;
    cmd.timeout_ms = (uint64_t)a->ms;
    cmd.given |= 1u << GX_PARAM_NEARBY | (a->ms == 0 ? 0 : 1u << GX_PARAM_TIMEOUT_MS);
    (void)ask(p, reply, a, cmd);
    if (reply->done || !gx_sim_is_up(p->sim, a->a) || p->sim->nodes[a->a].paused)
        return false;                   /* else it waits, and has shown them */
    GX_ASSERT(gx_sim_digits(p->sim, a->a) != NULL);
    for (uint32_t i = 0; i < p->n_digits; i++)
        if (p->digits[i].node == a->a && p->digits[i].group == a->group) {
            memcpy(p->digits[i].text, gx_sim_digits(p->sim, a->a), sizeof p->digits[i].text);
            return true;
        }
    p->digits = sim_grow(p->digits, &p->cap_digits, p->n_digits, sizeof *p->digits);
    p->digits[p->n_digits] = (struct digits){.node = a->a, .group = a->group};
    memcpy(p->digits[p->n_digits++].text, gx_sim_digits(p->sim, a->a), sizeof p->digits->text);
    return true;
}

static bool type(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    struct gx_command cmd = {.method = GX_CMD_JOIN, .given = 1u << GX_PARAM_NEAR};
    struct digits d = {.node = 0};

    for (uint32_t i = 0; i < p->n_digits; i++)
        if (p->digits[i].node == a->b && p->digits[i].group == a->group)
            d = p->digits[i];
    if (d.text[0] == 0)
        return false;
    if (a->n != 0)
        d.text[0] = d.text[0] == '9' ? '0' : (char)(d.text[0] + 1);
    cmd.near = d.text;
    return ask(p, reply, a, cmd) || !reply->done;
}

static bool revoke(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    struct gx_command cmd = {.method = GX_CMD_REVOKE, .given = 1u << GX_PARAM_INVITE};
    char id[80];

    if (!ask(p, reply, a, in_group(p, GX_CMD_INVITES, a)) || !gx_sim_value(reply, id, sizeof id, "invite"))
        return false;
    cmd.invite = id;
    return ask(p, reply, a, cmd);
}

/* The newest. */
static const struct code *code_of(const struct play *p, const struct gx_scn_act *a)
{
    for (uint32_t i = p->n_codes; i-- > 0;)
        if (p->codes[i].group == a->group && (a->b == GX_SCN_NOBODY || p->codes[i].node == a->b))
            return &p->codes[i];
    return NULL;
}

static bool join(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    struct gx_command cmd = {.method = GX_CMD_JOIN, .given = 1u << GX_PARAM_TOKEN};
    const struct code *code = code_of(p, a);

    if (code == NULL)
        return false;
    cmd.token = code->text;

    bool over = code->ends_ms != 0 && !p->skewed && gx_sim_wall_ms(p->sim) > code->ends_ms + EXPIRY_GRACE_MS &&
                gx_sim_is_up(p->sim, a->a) && !p->sim->nodes[a->a].paused && !gx_sim_lies(p->sim, a->a);      /* by what clock a liar goes is its affair */
    bool yes = ask(p, reply, a, cmd);

    p->done->expired += over;
    if (over)
        gx_sim_expect(p->sim, !yes && reply->done, a->a, "a code whose time was over was not refused");
    return yes || !reply->done;
}

/* By its id, while that can be looked up: names change. */
static void who(const struct play *p, const struct gx_scn_act *a, char out[66])
{
    const struct gx_group *g = sim_group_at(p->sim, a->b, p->group[a->group]);

    if (g == NULL) {
        snprintf(out, 66, "@%s", p->scn->nodes[a->b].text);
        return;
    }
    out[0] = ':';
    gx_hex(out + 1, g->row.intro.member.b, sizeof g->row.intro.member.b);
}

static bool about(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    static const enum gx_method methods[GX_SCN_ACT_COUNT] = {
        [GX_SCN_REMOVE] = GX_CMD_GROUP_REMOVE, [GX_SCN_BAN] = GX_CMD_GROUP_BAN, [GX_SCN_UNBAN] = GX_CMD_GROUP_UNBAN, [GX_SCN_PROMOTE] = GX_CMD_GROUP_PROMOTE,
        [GX_SCN_DEMOTE] = GX_CMD_GROUP_DEMOTE, [GX_SCN_TRANSFER] = GX_CMD_GROUP_TRANSFER, [GX_SCN_INVITE] = GX_CMD_INVITE};
    struct gx_command cmd = in_group(p, methods[a->kind], a);
    char id[66];

    who(p, a, id);
    if (a->kind == GX_SCN_INVITE)
        snprintf(id, sizeof id, "@%s", p->scn->nodes[a->b].text);
    cmd.who = id;
    cmd.given |= 1u << GX_PARAM_WHO;
    if (a->kind == GX_SCN_REMOVE) {
        cmd.yes = true;
        cmd.given |= 1u << GX_PARAM_YES;
    }

    bool yes = ask(p, reply, a, cmd);

    if (yes && (a->kind == GX_SCN_REMOVE || a->kind == GX_SCN_BAN))
        gx_sim_removed(p->sim, a->b, a->a);
    return yes;
}

static bool scan(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    struct gx_command id = {.method = GX_CMD_ID}, add = {.method = GX_CMD_CONTACT_ADD, .given = 1u << GX_PARAM_TOKEN};
    char card[600];

    if (!gx_sim_ask(p->sim, reply, a->b, id, 0) || !gx_sim_value(reply, card, sizeof card, "card"))
        return false;
    add.token = card;
    return ask(p, reply, a, add);
}

static bool rest(struct play *p, uint64_t file_ms, uint32_t away)
{
    uint64_t begin = p->sim->now_ms;

    p->skewed = false;
    if (away != GX_SCN_NOBODY)
        gx_sim_crash(p->sim, away);
    gx_sim_heal_but(p->sim, away);
    if (gx_sim_rest(p->sim, REST_MS) >= REST_MS)
        sim_violated(p->sim, GX_SIM_IDLE, SIM_NONE, "15 minutes after healing there is no rest");
    (void)gx_sim_check(p->sim);
    p->done->away += away != GX_SCN_NOBODY;
    p->rests = sim_grow(p->rests, &p->cap_rests, p->n_rests, sizeof *p->rests);
    p->rests[p->n_rests++] = (struct rested){.at_ms = file_ms, .took_ms = p->sim->now_ms - begin};
    return true;
}

/* What a person asks their node for. */
static bool do_asked(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    struct gx_command cmd = {.method = GX_CMD_ACCEPT};
    char name[GX_SCN_NAME_MAX + 2];

    switch ((int)a->kind) {
    case GX_SCN_CREATE:
        return create(p, a, reply);
    case GX_SCN_SHOW_QR:
        return show_qr(p, a, reply);
    case GX_SCN_REVOKE:
        return revoke(p, a, reply);
    case GX_SCN_JOIN:
        return join(p, a, reply);
    case GX_SCN_SHOW_DIGITS:
        return show_digits(p, a, reply);
    case GX_SCN_TYPE:
        return type(p, a, reply);
    case GX_SCN_SEND:
        cmd = in_group(p, GX_CMD_SEND, a);
        cmd.text = "word";
        cmd.given |= 1u << GX_PARAM_TEXT;
        return ask(p, reply, a, cmd);
    case GX_SCN_LEAVE:
        return ask(p, reply, a, in_group(p, GX_CMD_GROUP_LEAVE, a));
    case GX_SCN_LOOK:
        return ask(p, reply, a, in_group(p, GX_CMD_GROUP_SHOW, a));
    case GX_SCN_CARRY:
        cmd = in_group(p, GX_CMD_GROUP_CARRY, a);
        cmd.carry = scn_carries[a->n];
        cmd.given |= 1u << GX_PARAM_CARRY;
        return ask(p, reply, a, cmd);
    case GX_SCN_ALIAS:
        cmd = in_group(p, GX_CMD_GROUP_ALIAS, a);
        cmd.name = p->scn->words[a->n].text;
        cmd.given |= 1u << GX_PARAM_NAME;
        return ask(p, reply, a, cmd);
    case GX_SCN_SCAN:
        return scan(p, a, reply);
    case GX_SCN_ACCEPT:
        snprintf(name, sizeof name, "@%s", p->scn->nodes[a->b].text);
        cmd.who = name;
        cmd.given = 1u << GX_PARAM_WHO;
        return ask(p, reply, a, cmd);
    default:
        return about(p, a, reply);
    }
}

/* What happens to the world. */
static bool do_act(struct play *p, const struct gx_scn_act *a, struct gx_sim_reply *reply)
{
    bool was_up = a->kind >= GX_SCN_CRASH && a->kind <= GX_SCN_RESTART && gx_sim_is_up(p->sim, a->a);

    switch ((int)a->kind) {
    case GX_SCN_CRASH:
        if (a->n > 0)
            gx_sim_crash_at(p->sim, a->a, a->n);
        else
            gx_sim_crash(p->sim, a->a);
        return was_up;
    case GX_SCN_SAVE:
        gx_sim_crash(p->sim, a->a);
        gx_sim_save(p->sim, a->a);
        return was_up;
    case GX_SCN_RESTART:
        gx_sim_start(p->sim, a->a, (enum gx_sim_store)a->n);
        return !was_up;
    case GX_SCN_CLOCK:
        gx_sim_skew(p->sim, a->a, a->ms);
        p->skewed = p->skewed || a->ms != 0;
        return true;
    case GX_SCN_PAUSE:
        gx_sim_pause(p->sim, a->a, a->n != 0);
        return true;
    case GX_SCN_BEACONS:
        gx_sim_beacons(p->sim, a->a);
        return true;
    case GX_SCN_MOVE:
        gx_sim_move(p->sim, a->a);
        return true;
    case GX_SCN_DISK:
        gx_sim_disk_full(p->sim, a->a, a->n != 0);
        return true;
    case GX_SCN_TURN:
        gx_sim_turn(p->sim, a->a, (enum gx_sim_role)a->n, a->b);
        return true;
    case GX_SCN_FLAP:
        gx_sim_flap(p->sim, a->a, a->b, (uint64_t)a->ms);
        return true;
    case GX_SCN_CUT:
        gx_sim_cut(p->sim, a->a, a->b, a->n != 0);
        return true;
    case GX_SCN_LINK:
        gx_sim_link(p->sim, a->a, a->b, &a->link);
        return true;
    case GX_SCN_HEAL:
        p->skewed = false;
        gx_sim_heal(p->sim);
        return true;
    case GX_SCN_REST:
        return rest(p, a->at_ms, a->a);
    default:
        return do_asked(p, a, reply);
    }
}

static void tell_violations(struct play *p)
{
    size_t n = 0;
    const struct gx_sim_violation *v = gx_sim_violations(p->sim, &n);

    for (; p->tell != NULL && p->n_told < n; p->n_told++) {
        const struct gx_sim_violation *x = &v[p->n_told];

        fprintf(p->tell, "%9.3f s  VIOLATED %s%s%s: %s\n", (double)x->at_ms / 1e3, gx_sim_oracle_name(x->oracle), x->node == SIM_NONE ? "" : ", ",
                x->node == SIM_NONE ? "" : gx_sim_node_name(p->sim, x->node), x->text);
    }
}

/* Of what was not done. */
static const char *why_not(const struct play *p, const struct gx_scn_act *a, const struct gx_sim_reply *reply)
{
    if (reply->done)
        return reply->error[0] != 0 ? reply->error : "it is refused";
    if (a->kind > GX_SCN_LOOK)
        return a->kind == GX_SCN_RESTART ? "it is up" : "it is down";
    if (!gx_sim_is_up(p->sim, a->a))
        return "it is down";
    if (p->sim->nodes[a->a].paused)
        return "it is paused";
    return a->kind == GX_SCN_TYPE || (a->kind == GX_SCN_JOIN && code_of(p, a) == NULL) ? "there is no code" : "there is no answer";
}

static void act(struct play *p, const struct gx_scn_act *a)
{
    struct gx_sim_reply reply = {.done = false};

    tell_violations(p);
    if (p->tell != NULL) {
        fprintf(p->tell, "%9.3f s  ", (double)gx_sim_now_ms(p->sim) / 1e3);
        gx_scn_say(p->tell, p->scn, a);
        fflush(p->tell);
    }

    bool yes = do_act(p, a, &reply);

    p->done->tried[a->kind]++;
    p->done->yes[a->kind] += yes;
    if (p->tell != NULL)
        fprintf(p->tell, "%s%s\n", yes ? "" : ": no, ", yes ? "" : why_not(p, a, &reply));
    if (p->tell != NULL && a->kind == GX_SCN_REST)
        fprintf(p->tell, "%9.3f s  that took %.3f s, in which the file's clock stood\n", (double)gx_sim_now_ms(p->sim) / 1e3,
                (double)p->rests[p->n_rests - 1].took_ms / 1e3);
    tell_violations(p);
}

/* --- what is expected -------------------------------------------------------------------------------------------------------------------------- */

/* Nobody can be asked on a node that is down or stopped: what is expected of it is neither so nor not so. */
static bool answers(struct play *p, struct gx_scn_expect *x)
{
    bool up = gx_sim_is_up(p->sim, x->a);

    if (up && !p->sim->nodes[x->a].paused)
        return true;
    snprintf(x->got, sizeof x->got, "%s is %s", p->scn->nodes[x->a].text, up ? "paused" : "down");
    return false;
}

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

    snprintf(x->got, sizeof x->got, "nobody who is up is a member");
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
    x->open = n == 0;
    if (n > 0)
        snprintf(x->got, sizeof x->got, "%.8s on %u nodes", first, n);
    return n > 0;
}

static bool members(struct play *p, struct gx_scn_expect *x)
{
    struct gx_sim_reply reply;
    char text[24];
    uint32_t n = 0;

    snprintf(x->got, sizeof x->got, "nobody who is up is a member");
    for (uint32_t i = 0; i < p->scn->n_nodes; i++) {
        if (!shown(p, i, x->group, &reply) || !gx_sim_value(&reply, text, sizeof text, "members"))
            continue;
        n++;
        snprintf(x->got, sizeof x->got, "%s at %s", text, p->scn->nodes[i].text);
        uint64_t got = 0;

        for (const char *c = text; *c >= '0' && *c <= '9'; c++)
            got = 10 * got + (uint64_t)(*c - '0');
        x->members = got;
        if (!compares(x->compare, got, x->number))
            return false;
    }
    x->open = n == 0;
    return n > 0;
}

static bool copies(struct play *p, struct gx_scn_expect *x)
{
    struct sim_copies sum = sim_measure_copies(p->sim, p->group[x->group], world_ms(p, x->after_ms));
    uint64_t n = x->kind == GX_SCN_PUSHED ? sum.pushed : sum.again;

    snprintf(x->got, sizeof x->got, "%" PRIu64 " for %" PRIu64 " first ones", n, sum.first);
    x->open = sum.first == 0;
    if (x->open)
        return false;
    /* In hundredths, rounded to where it does not hold. */
    return compares(x->compare, x->compare == GX_SCN_LEAST ? n * 100 / sum.first : (n * 100 + sum.first - 1) / sum.first, x->number);
}

/* The fact itself, whatever is wanted of it. */
static bool is_so(struct play *p, struct gx_scn_expect *x)
{
    struct gx_sim_reply reply;
    uint64_t read = 0, due = 0, delivered = 0;

    switch (x->kind) {
    case GX_SCN_SAME_STATE:
        return same_state(p, x);
    case GX_SCN_MEMBERS:
        return members(p, x);
    case GX_SCN_DELIVERED:
        sim_delivered(p->sim, p->group[x->group], &due, &delivered);
        snprintf(x->got, sizeof x->got, "%" PRIu64 " of %" PRIu64, delivered, due);
        x->open = due == 0;
        return due > 0 && compares(x->compare, delivered * 100 / due, x->number);
    case GX_SCN_REPEATED:
    case GX_SCN_PUSHED:
        return copies(p, x);
    case GX_SCN_IS_MEMBER: {
        bool yes = shown(p, x->a, x->group, &reply);

        snprintf(x->got, sizeof x->got, "%s a member", yes ? "is" : "is not");
        return yes != x->not;
    }
    case GX_SCN_READS:
        read = sim_reads(p->sim, x->a, x->b, world_ms(p, x->after_ms));
        snprintf(x->got, sizeof x->got, "%" PRIu64 " message%s", read, read == 1 ? "" : "s");
        return read > 0;
    }
    return false;
}

/* last: there is no other time to look. */
static void look(struct play *p, enum gx_scn_when when, bool last)
{
    for (uint32_t i = 0; i < p->scn->n_expects; i++) {
        struct gx_scn_expect *x = &p->scn->expects[i];

        if (x->when != when || (when == GX_SCN_BY && (x->looked_at || world_ms(p, x->by_ms) > p->sim->now_ms)) || (when == GX_SCN_NEVER && x->looked_at && !x->ok))
            continue;
        x->open = false;

        bool so = is_so(p, x) == (when != GX_SCN_NEVER);
        bool asked = x->kind < GX_SCN_IS_MEMBER || answers(p, x);       /* afterwards: it may go down as it is asked */

        if (!asked && when == GX_SCN_NEVER && !last)
            continue;
        x->open = x->open || !asked;
        x->looked_at = true;
        x->at_ms = p->sim->now_ms;
        x->ok = asked && so;
        if (!x->ok)
            sim_violated(p->sim, GX_SIM_EXPECT, SIM_NONE, "line %u does not hold: %s", x->line, x->got);
    }
}

/* To that time of the file, stopping where something is expected. */
static void go(struct play *p, uint64_t file_ms)
{
    uint64_t until_ms = world_ms(p, file_ms);
    bool nevers = false;

    look(p, GX_SCN_BY, true);
    for (uint32_t i = 0; i < p->scn->n_expects; i++)
        nevers = nevers || p->scn->expects[i].when == GX_SCN_NEVER;
    while (p->sim->now_ms < until_ms) {
        uint64_t next = until_ms;

        for (uint32_t i = 0; i < p->scn->n_expects; i++) {
            uint64_t by_ms = p->scn->expects[i].when == GX_SCN_BY ? world_ms(p, p->scn->expects[i].by_ms) : 0;

            next = by_ms > p->sim->now_ms && by_ms < next ? by_ms : next;
        }
        if (nevers && p->looked_ms + LOOK_MS < next)
            next = p->looked_ms + LOOK_MS;
        gx_sim_run(p->sim, next > p->sim->now_ms ? next - p->sim->now_ms : 1);
        look(p, GX_SCN_BY, true);
        if (nevers && p->sim->now_ms >= p->looked_ms + LOOK_MS) {
            look(p, GX_SCN_NEVER, false);
            p->looked_ms = p->sim->now_ms;
        }
        tell_violations(p);
    }
}

/* In each group its founder says one thing more: who is out does not hear it.  Of the messages that are counted it is none. */
static void last_words(struct play *p)
{
    uint64_t acked = p->sim->counts.acked;

    for (uint32_t i = 0; i < p->scn->n_groups; i++) {
        struct gx_scn_act say = {.kind = GX_SCN_SEND, .a = p->founder[i], .group = i};
        struct gx_sim_reply reply;

        if (p->group[i][0] == 0 || !do_asked(p, &say, &reply))
            continue;
        gx_sim_run(p->sim, 60000);
        gx_sim_check_heard(p->sim);
    }
    p->sim->counts.acked = acked;
}

static void finish(struct play *p, uint64_t end_ms)
{
    (void)rest(p, end_ms, GX_SCN_NOBODY);
    look(p, GX_SCN_AT_END, true);
    look(p, GX_SCN_NEVER, true);
    sim_measure_stop(p->sim);
    last_words(p);
    tell_violations(p);
}

enum gx_err gx_scn_play(struct gx_sim **out, struct gx_scenario *scn, struct gx_scn_done *done, const struct gx_scn_options *o)
{
    struct gx_sim_options options = {.seed = o->seed, .n_nodes = scn->n_nodes, .names = scn->nodes[0].text, .name_bytes = sizeof scn->nodes[0],
                                     .dir = o->dir, .no_writemap = o->no_writemap, .no_memo = o->no_memo, .measure = o->measure,
                                     .islands = scn->islands[0].text, .island_bytes = sizeof scn->islands[0]};
    struct play p = {.scn = scn, .done = done, .tell = o->tell};
    enum gx_err err = GX_OK;
    uint64_t end = 0;

    for (uint32_t i = 0; i < scn->n_expects; i++)
        options.measure = options.measure || scn->expects[i].kind == GX_SCN_REPEATED || scn->expects[i].kind == GX_SCN_PUSHED;
    err = gx_sim_new(out, &options);

    p.sim = *out;
    if (err != GX_OK)
        return err;
    p.group = calloc(scn->n_groups + 1, sizeof *p.group);
    p.founder = calloc(scn->n_groups + 1, sizeof *p.founder);
    GX_ASSERT(p.group != NULL && p.founder != NULL);
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
        if (o->progress != NULL)
            o->progress(p.sim->now_ms, end + REST_MS);
        act(&p, &scn->acts[i]);
    }
    go(&p, end);
    finish(&p, end);
    free(p.group);
    free(p.founder);
    free(p.codes);
    free(p.digits);
    free(p.rests);
    return GX_OK;
}

const char *gx_scn_act_name(enum gx_scn_act_kind kind)
{
    static const char *const names[] = {
#define GX_X(id, name) [id] = name,
        GX_SCN_ACTS(GX_X)
#undef GX_X
    };

    return names[kind];
}

void gx_scn_done_add(struct gx_scn_done *sum, const struct gx_scn_done *more)
{
    sim_add(sum, more, sizeof *sum / sizeof(uint64_t));
}
