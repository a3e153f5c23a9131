/* Scenario files: what happens when. */
#include "tests/sim/internal.h"
#include "tests/sim/reader.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGES_MAX 100000u
#define ACTS_MAX 1000000u
#define CODE_LEAST_MS 60000u            /* as node/engine */
#define CODE_MOST_MS 31536000000ull
#define DIGITS_LEAST_MS 1000u

const struct scn_verb scn_verbs[SCN_VERBS] = {
    {"removes", "from", GX_SCN_REMOVE},   {"bans", "from", GX_SCN_BAN},     {"unbans", "in", GX_SCN_UNBAN}, {"promotes", "in", GX_SCN_PROMOTE},
    {"demotes", "in", GX_SCN_DEMOTE},     {"invites", "to", GX_SCN_INVITE}, {"scans", NULL, GX_SCN_SCAN},   {"accepts", NULL, GX_SCN_ACCEPT},
    {"offers", NULL, GX_SCN_TRANSFER},    {"looks", "at", GX_SCN_LOOK},
};

const char *const scn_carries[SCN_CARRIES] = {[GX_CARRY_ALL] = "all", [GX_CARRY_RECENT] = "recent", [GX_CARRY_OFF] = "off"};

/* The same for all of a list, spread over a time, each `times`. */
static void acts(struct reader *r, struct gx_scn_act a, const struct list *who, uint64_t over_ms, uint64_t times)
{
    uint64_t begin = a.at_ms, n = who->n * times;

    if (n + r->scn->n_acts > ACTS_MAX) {
        (void)read_bad_last(r, "that makes more than %u acts of this file", ACTS_MAX);
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        a.at_ms = begin + over_ms * i / n;
        a.a = who->node[i % who->n];
        gx_scn_add(r->scn, a);
    }
}

static bool over(struct reader *r, uint64_t *ms)
{
    *ms = 0;
    return !read_take(r, "over") || read_time(r, ms);
}

/* --- islands ----------------------------------------------------------------------------------------------------------------------------------- */

bool read_link_acts(struct reader *r, struct gx_scn_act a)
{
    uint32_t first = 0, other = 0;
    bool all = read_take(r, "all");

    a.kind = GX_SCN_LINK;
    if (!all && (!read_island(r, &first) || !read_island(r, &other)))
        return false;
    if (!read_link(r, &a.link))
        return false;
    a.a = first;
    a.b = other;
    if (!all)
        gx_scn_add(r->scn, a);
    for (a.a = 0; all && a.a < r->scn->n_islands; a.a++)
        for (a.b = a.a; a.b < r->scn->n_islands; a.b++)
            gx_scn_add(r->scn, a);
    return true;
}

static bool cuts(struct reader *r, struct gx_scn_act a, bool cut, bool both)
{
    a.kind = GX_SCN_CUT;
    a.n = cut;
    if (!read_island(r, &a.a) || !read_need(r, both ? "|" : ">") || !read_island(r, &a.b))
        return false;
    gx_scn_add(r->scn, a);
    if (both) {
        uint32_t other = a.a;

        a.a = a.b;
        a.b = other;
        gx_scn_add(r->scn, a);
    }
    return true;
}

static bool flaps(struct reader *r, struct gx_scn_act a, bool flap)
{
    uint64_t period = 0, ms = 0;

    a.kind = GX_SCN_FLAP;
    if (!read_island(r, &a.a) || !read_need(r, "|") || !read_island(r, &a.b))
        return false;
    if (flap && (!read_need(r, "every") || !read_span(r, &period) || period == 0))
        return read_bad_last(r, "like: flap home | cafe every 2s");
    if (flap && read_take(r, "for") && !read_time(r, &ms))
        return false;
    a.ms = (int64_t)period;
    gx_scn_add(r->scn, a);
    a.at_ms += ms;
    a.ms = 0;
    if (ms > 0)
        gx_scn_add(r->scn, a);
    return true;
}

static bool rests(struct reader *r, struct gx_scn_act a)
{
    a.kind = GX_SCN_REST;
    a.a = GX_SCN_NOBODY;
    if (read_take(r, "without") && !read_one_node(r, &a.a))
        return false;
    gx_scn_add(r->scn, a);
    return true;
}

/* --- nodes ------------------------------------------------------------------------------------------------------------------------------------- */

static bool creates(struct reader *r, struct gx_scn_act a)
{
    struct gx_scenario *s = r->scn;
    uint64_t n = 0;

    a.kind = GX_SCN_CREATE;
    if (read_find(s->groups, s->n_groups, r->now.text) != SIM_NONE)
        return read_bad(r, "there is a group '%s' already", r->now.text);
    if (s->n_groups >= GX_SCN_GROUPS_MAX)
        return read_bad(r, "there are at most %u groups", GX_SCN_GROUPS_MAX);
    if (!read_new_name(r, &s->groups[s->n_groups]))
        return false;
    a.group = s->n_groups++;
    if (read_take(r, "cap")) {
        if (!read_number(r, &n, "members") || n < 2 || n > GX_GROUP_MEMBERS_MAX)
            return read_bad_last(r, "a cap is 2 to %u", GX_GROUP_MEMBERS_MAX);
        a.n = (uint32_t)n;
    }
    if (read_take(r, "qr")) {
        if (!read_number(r, &n, "members") || n < 1 || n > GX_GROUP_QR_JOIN_MAX)
            return read_bad_last(r, "a QR limit is 1 to %u", GX_GROUP_QR_JOIN_MAX);
        if (a.n != 0 && n > a.n)
            return read_bad_last(r, "a QR limit is at most the cap, which is %u", a.n);
        a.m = (uint32_t)n;
    }
    if (read_take(r, "history")) {
        if (!read_number(r, &n, "messages") || n < 1 || n > GX_GROUP_HISTORY_MAX)
            return read_bad_last(r, "newcomers are told 1 to %u messages", GX_GROUP_HISTORY_MAX);
        a.ms = (int64_t)n;
    }
    gx_scn_add(s, a);
    return true;
}

static bool shows_digits(struct reader *r, struct gx_scn_act a)
{
    uint64_t ms = 0;

    a.kind = GX_SCN_SHOW_DIGITS;
    if (!read_need(r, "of") || !read_group(r, &a.group))
        return false;
    if (read_take(r, "for") && (!read_span(r, &ms) || ms < DIGITS_LEAST_MS || ms > GX_NEAR_MS_MAX))
        return read_bad_last(r, "digits are shown for 1s to %us", GX_NEAR_MS_MAX / 1000);
    a.ms = (int64_t)ms;
    gx_scn_add(r->scn, a);
    return true;
}

static bool shows(struct reader *r, struct gx_scn_act a)
{
    uint64_t n = 0, ms = 0;

    if (read_take(r, "digits"))
        return shows_digits(r, a);

    a.kind = GX_SCN_SHOW_QR;
    if (!read_need(r, "qr") || !read_need(r, "of") || !read_group(r, &a.group))
        return false;
    if (read_take(r, "uses") && (!read_number(r, &n, "uses") || n < 1 || n > UINT8_MAX))
        return read_bad_last(r, "a code is for 1 to %u uses, or for any number without a word", UINT8_MAX);
    if (read_take(r, "for") && (!read_span(r, &ms) || ms < CODE_LEAST_MS || ms > CODE_MOST_MS))
        return read_bad_last(r, "a code is good for 60s to 8760h");
    a.n = (uint32_t)n;
    a.ms = (int64_t)ms;
    gx_scn_add(r->scn, a);
    return true;
}

static bool sends(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    uint64_t n = 0, ms = 0;
    struct list everybody = {.n = 0};

    a.kind = GX_SCN_SEND;
    if (!read_number(r, &n, "messages") || n == 0 || n > MESSAGES_MAX)
        return read_bad_last(r, "1 to %u messages can be sent at once", MESSAGES_MAX);
    if ((who != NULL && (!read_need(r, "to") || !read_group(r, &a.group))) || !over(r, &ms))
        return false;
    for (uint32_t i = 0; who == NULL && i < r->scn->n_nodes; i++) {         /* who is no member then sends nothing */
        everybody.node = sim_grow(everybody.node, &everybody.cap, i, sizeof *everybody.node);
        everybody.node[everybody.n++] = i;
    }
    acts(r, a, who == NULL ? &everybody : who, ms, n);
    free(everybody.node);
    return true;
}

static bool clock_of(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    bool back = r->now.text[0] == '-';
    uint64_t ms = 0;

    if (r->now.text[0] != '-' && r->now.text[0] != '+')
        return read_bad(r, "like: clock +5m");
    memmove(r->now.text, r->now.text + 1, strlen(r->now.text));
    if (!read_span(r, &ms))
        return false;
    a.kind = GX_SCN_CLOCK;
    a.ms = back ? -(int64_t)ms : (int64_t)ms;
    acts(r, a, who, 0, 1);
    return true;
}

static bool restarts(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    a.kind = GX_SCN_RESTART;
    a.n = GX_SIM_SAME;
    if (read_take(r, "with")) {
        if (read_is(r, "old") || read_is(r, "empty"))
            a.n = read_is(r, "old") ? GX_SIM_SAVED : GX_SIM_EMPTY;
        else if (!read_is(r, "same"))
            return read_bad(r, "'%s' is no store to restart with; known: same old empty", r->now.text);
        read_next(r);
        if (!read_need(r, "store"))
            return false;
    }
    acts(r, a, who, 0, 1);
    return true;
}

static bool crashes(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    uint64_t ms = 0, n = 0;

    a.kind = GX_SCN_CRASH;
    if (read_take(r, "after")) {
        if (!read_number(r, &n, "steps") || n == 0)
            return read_bad_last(r, "like: k1 crashes after 3 steps");
        if (!read_take(r, "step") && !read_need(r, "steps"))
            return false;
        a.n = (uint32_t)n;
    }
    if (!over(r, &ms))
        return false;
    acts(r, a, who, ms, 1);
    return true;
}

/* For a while, or until it ends: "k1 pauses for 10s", "k1 disk full". */
static bool hindered(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    uint64_t ms = 0;

    if (a.n != 0 && read_take(r, "for") && !read_time(r, &ms))
        return false;
    acts(r, a, who, 0, 1);
    a.at_ms += ms;
    a.n = 0;
    if (ms > 0)
        acts(r, a, who, 0, 1);
    return true;
}

static bool disk(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    a.kind = GX_SCN_DISK;
    a.n = read_is(r, "full");
    if (a.n == 0 && !read_is(r, "free"))
        return read_bad(r, "like: k1 disk full for 10s, k1 disk free");
    read_next(r);
    return hindered(r, a, who);
}

static bool turns(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    char known[200] = "";
    size_t n = 0;

    a.kind = GX_SCN_TURN;
    for (a.n = 0; a.n < GX_SIM_ROLE_COUNT && !read_is(r, gx_sim_role_name((enum gx_sim_role)a.n)); a.n++)
        n += (size_t)snprintf(known + n, sizeof known - n, " %s", gx_sim_role_name((enum gx_sim_role)a.n));
    if (a.n == GX_SIM_ROLE_COUNT)
        return read_bad(r, "'%s' is no way to lie; known:%s", r->now.end ? "the end" : r->now.text, known);
    read_next(r);
    if (read_take(r, "with") && !read_one_node(r, &a.b))
        return false;
    acts(r, a, who, 0, 1);
    return true;
}

static bool calls(struct reader *r, struct gx_scn_act a)
{
    struct gx_scenario *s = r->scn;
    struct gx_scn_name name;

    a.kind = GX_SCN_ALIAS;
    if (!read_need(r, "itself") || !read_new_name(r, &name) || !read_need(r, "in") || !read_group(r, &a.group))
        return false;
    s->words = sim_grow(s->words, &s->cap_words, s->n_words, sizeof *s->words);
    a.n = s->n_words;
    s->words[s->n_words++] = name;
    gx_scn_add(s, a);
    return true;
}

static bool keeps(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    a.kind = GX_SCN_CARRY;
    for (a.n = 0; a.n < SCN_CARRIES && !read_is(r, scn_carries[a.n]); a.n++)
        ;
    if (a.n == SCN_CARRIES)
        return read_bad(r, "like: k1 keeps off of tea; known: all recent off");
    read_next(r);
    if (!read_need(r, "of") || !read_group(r, &a.group))
        return false;
    acts(r, a, who, 0, 1);
    return true;
}

/* One with one, one with each, each with one, or the first with the first, the second with the second, and so on. */
static bool pair(struct reader *r, struct gx_scn_act a, const struct list *who, const struct list *whom)
{
    uint64_t begin = a.at_ms, ms = 0;
    uint32_t n = who->n > whom->n ? who->n : whom->n;

    if (who->n != n && who->n != 1)
        return read_bad_last(r, "%u nodes with %u: as many on both sides, or one", who->n, whom->n);
    if (whom->n != n && whom->n != 1)
        return read_bad_last(r, "%u nodes with %u: as many on both sides, or one", who->n, whom->n);
    if (!over(r, &ms))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        a.at_ms = begin + ms * i / n;
        a.a = who->node[who->n == 1 ? 0 : i];
        a.b = whom->node[whom->n == 1 ? 0 : i];
        gx_scn_add(r->scn, a);
    }
    return true;
}

static bool about(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    struct list whom = {.n = 0};
    bool ok = true;

    for (size_t i = 0; i < SCN_VERBS; i++) {
        const struct scn_verb *v = &scn_verbs[i];
        char several[TOKEN_MAX];

        snprintf(several, sizeof several, "%.*s", (int)strlen(v->verb) - 1, v->verb);
        if (!read_take(r, v->verb) && !read_take(r, several))
            continue;
        a.kind = v->kind;
        if (a.kind == GX_SCN_TRANSFER)
            ok = read_group(r, &a.group) && read_need(r, "to");
        if (a.kind == GX_SCN_LOOK)
            whom = (struct list){.node = calloc(1, sizeof *whom.node), .n = 1};
        else
            ok = ok && read_nodes(r, &whom);
        ok = ok && (v->where == NULL || (read_need(r, v->where) && read_group(r, &a.group))) && pair(r, a, who, &whom);
        free(whom.node);
        return ok;
    }
    return read_bad(r, "'%s' is nothing that a node does; known: creates shows revokes join send removes bans unbans promotes demotes offers leave scans "
                    "accepts invites looks keeps calls crash save restart pause resume beacon move disk clock turns", r->now.end ? "the end" : r->now.text);
}

/* Verbs of one node alone. */
static bool one_acts(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    static const char *const words[] = {"creates", "shows", "calls", "revokes"};

    for (size_t i = 0; who->n > 1 && i < GX_ARRAY_LEN(words); i++)
        if (read_is(r, words[i]))
            return read_bad(r, "'%s' is what one node does", words[i]);
    if (read_take(r, "creates"))
        return creates(r, a);
    if (read_take(r, "shows"))
        return shows(r, a);
    if (read_take(r, "calls"))
        return calls(r, a);
    if (read_take(r, "revokes")) {
        a.kind = GX_SCN_REVOKE;
        if (!read_need(r, "qr") || !read_need(r, "of") || !read_group(r, &a.group))
            return false;
        gx_scn_add(r->scn, a);
        return true;
    }
    return about(r, a, who);
}

/* The code of whom to join by, and of which kind. */
static bool by_code(struct reader *r, struct gx_scn_act *a)
{
    a->n = read_take(r, "wrong");
    if (a->n != 0 ? read_need(r, "digits") : read_take(r, "digits"))
        a->kind = GX_SCN_TYPE;
    else if (a->n != 0 || !read_need(r, "qr"))
        return false;
    return read_need(r, "of") && read_one_node(r, &a->b);
}

static bool node_acts(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    uint64_t ms = 0;

    a.a = who->node[0];
    a.b = GX_SCN_NOBODY;
    if (read_is(r, "join") || read_is(r, "joins") || read_is(r, "leave") || read_is(r, "leaves")) {
        a.kind = r->now.text[0] == 'j' ? GX_SCN_JOIN : GX_SCN_LEAVE;
        read_next(r);
        if (!read_group(r, &a.group))
            return false;
        if (a.kind == GX_SCN_JOIN && read_take(r, "by") && !by_code(r, &a))
            return false;
        if (!over(r, &ms))
            return false;
        acts(r, a, who, ms, 1);
        return true;
    }
    if (read_take(r, "send") || read_take(r, "sends"))
        return sends(r, a, who);
    if (read_take(r, "keep") || read_take(r, "keeps"))
        return keeps(r, a, who);
    if (read_take(r, "crash") || read_take(r, "crashes"))
        return crashes(r, a, who);
    if (read_take(r, "save") || read_take(r, "saves")) {
        a.kind = GX_SCN_SAVE;
        acts(r, a, who, 0, 1);
        return true;
    }
    if (read_take(r, "restart") || read_take(r, "restarts"))
        return restarts(r, a, who);
    if (read_take(r, "clock"))
        return clock_of(r, a, who);
    if (read_take(r, "disk"))
        return disk(r, a, who);
    if (read_take(r, "turn") || read_take(r, "turns"))
        return turns(r, a, who);
    if (read_is(r, "beacon") || read_is(r, "beacons") || read_is(r, "move") || read_is(r, "moves")) {
        a.kind = r->now.text[0] == 'b' ? GX_SCN_BEACONS : GX_SCN_MOVE;
        read_next(r);
        acts(r, a, who, 0, 1);
        return true;
    }
    if (read_is(r, "pause") || read_is(r, "pauses") || read_is(r, "resume") || read_is(r, "resumes")) {
        a.kind = GX_SCN_PAUSE;
        a.n = r->now.text[0] == 'p';
        read_next(r);
        return hindered(r, a, who);
    }
    return one_acts(r, a, who);
}

static bool by_nodes(struct reader *r, struct gx_scn_act a)
{
    struct list who = {.n = 0};
    bool ok = false;

    r->or = "; or what happens to all: partition cut mend flap steady link heal rest, members of";
    ok = read_nodes(r, &who);
    r->or = NULL;
    while (ok && !r->now.end && (read_find(r->scn->nodes, r->scn->n_nodes, r->now.text) != SIM_NONE || strchr(r->now.text, '[') != NULL))
        ok = read_nodes(r, &who);
    ok = ok && node_acts(r, a, &who);
    free(who.node);
    return ok;
}

bool read_at(struct reader *r)
{
    struct gx_scn_act a = {.line = r->now.line, .column = r->now.column};

    if (!read_time(r, &a.at_ms))
        return false;
    if (read_take(r, "partition"))
        return cuts(r, a, true, true);
    if (read_take(r, "cut"))
        return cuts(r, a, true, false);
    if (read_take(r, "mend"))
        return cuts(r, a, false, false);
    if (read_take(r, "flap"))
        return flaps(r, a, true);
    if (read_take(r, "steady"))
        return flaps(r, a, false);
    if (read_take(r, "link"))
        return read_link_acts(r, a);
    if (read_take(r, "rest"))
        return rests(r, a);
    if (read_take(r, "heal")) {
        a.kind = GX_SCN_HEAL;
        gx_scn_add(r->scn, a);
        return true;
    }
    if (read_take(r, "members"))
        return read_need(r, "of") && read_group(r, &a.group) && (read_take(r, "send") || read_need(r, "send")) && sends(r, a, NULL);
    if (read_begins_statement(r))
        return read_bad(r, "who does what then?");
    return by_nodes(r, a);
}
