/* Scenario files: reading. */
#include "tests/sim/scenario.h"

#include "tests/sim/internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TOKEN_MAX 64u

struct token {
    char text[TOKEN_MAX + 1];
    uint32_t line, column;
    bool end, begins_line;
};

struct reader {
    struct gx_scenario *scn;
    const char *at;
    uint32_t line, column;
    struct token now;
    char *why;
    bool failed;
};

/* --- words ---------------------------------------------------------------------------------------------------------------------------------- */

static bool bad(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool bad(struct reader *r, const char *format, ...)
{
    va_list args;

    if (r->failed)
        return false;
    r->failed = true;
    va_start(args, format);
    vsnprintf(r->why, 300, format, args);
    va_end(args);
    return false;
}

static void next(struct reader *r)
{
    size_t n = 0;

    r->now.begins_line = r->column == 1;
    for (;; r->at++) {
        if (*r->at == '#')
            while (r->at[1] != 0 && r->at[1] != '\n')
                r->at++;
        else if (*r->at == '\n') {
            r->line++;
            r->column = 0;
            r->now.begins_line = true;
        } else if (*r->at == 0 || (unsigned char)*r->at > ' ')
            break;
        r->column++;
    }
    r->now.line = r->line;
    r->now.column = r->column;
    r->now.end = *r->at == 0;
    for (; (unsigned char)*r->at > ' '; r->at++, r->column++)
        if (n < TOKEN_MAX)
            r->now.text[n++] = *r->at;
    r->now.text[n] = 0;
}

static bool is(const struct reader *r, const char *word)
{
    return !r->now.end && strcmp(r->now.text, word) == 0;
}

static bool take(struct reader *r, const char *word)
{
    bool yes = is(r, word);

    if (yes)
        next(r);
    return yes;
}

static bool need(struct reader *r, const char *word)
{
    return take(r, word) || bad(r, "'%s' stands where '%s' belongs", r->now.end ? "the end" : r->now.text, word);
}

static bool begins_statement(const struct reader *r)
{
    static const char *const words[] = {"nodes", "island", "link", "at", "expect"};

    for (size_t i = 0; i < GX_ARRAY_LEN(words); i++)
        if (is(r, words[i]))
            return true;
    return r->now.end;
}

/* A list of names goes to the end of its line, or to the next statement on it. */
static bool ends_list(const struct reader *r)
{
    return r->now.begins_line || begins_statement(r);
}

static bool number(struct reader *r, uint64_t *out, const char *of)
{
    char *end = NULL;

    if (r->now.end || r->now.text[0] < '0' || r->now.text[0] > '9')
        return bad(r, "'%s' is no number of %s", r->now.end ? "the end" : r->now.text, of);
    *out = strtoull(r->now.text, &end, 10);
    if (*end != 0 || *out > UINT32_MAX)
        return bad(r, "'%s' is no number of %s", r->now.text, of);
    next(r);
    return true;
}

static bool number_with(struct reader *r, double *out, const char *unit)
{
    char *end = NULL;

    *out = strtod(r->now.text, &end);
    if (r->now.end || end == r->now.text || *out < 0 || strcmp(end, unit) != 0)
        return bad(r, "'%s' is not like 5%s", r->now.end ? "the end" : r->now.text, unit);
    next(r);
    return true;
}

/* 250ms, 5s, 2m, 1h */
static bool span(struct reader *r, uint64_t *ms)
{
    static const struct { const char *unit; double ms; } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *end = NULL;
    double x = strtod(r->now.text, &end);

    if (r->now.text[0] == '-')
        return bad(r, "'%s' lies before the beginning: times are 0s and later", r->now.text);
    for (size_t i = 0; !r->now.end && end != r->now.text && i < GX_ARRAY_LEN(units); i++)
        if (strcmp(end, units[i].unit) == 0 && x * units[i].ms < 1e12) {
            *ms = (uint64_t)(x * units[i].ms + 0.5);
            next(r);
            return true;
        }
    return bad(r, "'%s' is no time: 250ms, 5s, 2m, 1h", r->now.end ? "the end" : r->now.text);
}

/* --- names ---------------------------------------------------------------------------------------------------------------------------------- */

static uint32_t find(const struct gx_scn_name *names, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(names[i].text, name) == 0)
            return i;
    return SIM_NONE;
}

/* What is known, for who wrote something else: as many as fit. */
static bool unknown(struct reader *r, const char *what, const struct gx_scn_name *names, uint32_t n)
{
    char list[200] = "";
    size_t at = 0;

    for (uint32_t i = 0; i < n && at + GX_SCN_NAME_MAX + 8 < sizeof list; i++)
        if (names[i].text[0] != 0)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", at == 0 ? "" : " ", names[i].text);
    return bad(r, "there is no %s '%.40s'; known: %s%s", what, r->now.end ? "" : r->now.text, list[0] == 0 ? "none" : list, n > 12 ? " ..." : "");
}

static bool group(struct reader *r, uint32_t *out)
{
    *out = find(r->scn->groups, r->scn->n_groups, r->now.text);
    if (*out == SIM_NONE)
        return unknown(r, "group created before this line, called", r->scn->groups, r->scn->n_groups);
    next(r);
    return true;
}

static bool island(struct reader *r, uint32_t *out)
{
    *out = find(r->scn->islands, r->scn->n_islands, r->now.text);
    if (*out == SIM_NONE || r->now.text[0] == 0)
        return unknown(r, "island", r->scn->islands, r->scn->n_islands);
    next(r);
    return true;
}

/* name, or name[1..40]: calls each.  False when one is refused. */
static bool each_name(struct reader *r, bool (*call)(struct reader *r, const char *name, void *ctx), void *ctx)
{
    char base[TOKEN_MAX + 1], name[TOKEN_MAX + 16], *open = NULL;
    unsigned first = 0, last = 0;
    int used = 0;

    snprintf(base, sizeof base, "%s", r->now.text);
    open = strchr(base, '[');
    if (open == NULL) {
        if (strlen(base) > GX_SCN_NAME_MAX)
            return bad(r, "'%.40s...' is longer than a name of %u characters", base, GX_SCN_NAME_MAX);
        if (!call(r, base, ctx))
            return false;
        next(r);
        return true;
    }
    if (sscanf(open, "[%u..%u]%n", &first, &last, &used) != 2 || open[used] != 0 || last < first || last - first >= GX_SIM_NODES_MAX)
        return bad(r, "'%s' is not like k[1..40]", base);
    *open = 0;
    for (unsigned i = first; i <= last; i++) {
        snprintf(name, sizeof name, "%s%u", base, i);
        if (strlen(name) > GX_SCN_NAME_MAX)
            return bad(r, "'%.40s' is longer than a name of %u characters", name, GX_SCN_NAME_MAX);
        if (!call(r, name, ctx))
            return false;
    }
    next(r);
    return true;
}

static bool add_node(struct reader *r, const char *name, void *ctx)
{
    struct gx_scenario *s = r->scn;

    (void)ctx;
    if (find(s->nodes, s->n_nodes, name) != SIM_NONE)
        return bad(r, "there is a node '%s' already", name);
    if (s->n_nodes >= GX_SIM_NODES_MAX)
        return bad(r, "more than %u nodes", GX_SIM_NODES_MAX);
    snprintf(s->nodes[s->n_nodes++].text, GX_SCN_NAME_MAX + 1, "%.32s", name);
    return true;
}

/* Nodes of a statement, in their order. */
struct list { uint32_t node[GX_SIM_NODES_MAX]; uint32_t n; };

static bool list_node(struct reader *r, const char *name, void *ctx)
{
    struct list *l = ctx;
    uint32_t i = find(r->scn->nodes, r->scn->n_nodes, name);

    if (i == SIM_NONE) {
        snprintf(r->now.text, sizeof r->now.text, "%.40s", name);
        return unknown(r, "node", r->scn->nodes, r->scn->n_nodes);
    }
    if (l->n == GX_SIM_NODES_MAX)
        return bad(r, "more than %u nodes", GX_SIM_NODES_MAX);
    l->node[l->n++] = i;
    return true;
}

static bool one_node(struct reader *r, uint32_t *out)
{
    struct list l = {.n = 0};

    if (!each_name(r, list_node, &l))
        return false;
    *out = l.node[0];
    return l.n == 1 || bad(r, "one node belongs here");
}

/* --- links ---------------------------------------------------------------------------------------------------------------------------------- */

static bool link_is(struct reader *r, struct gx_sim_link *out)
{
    static const struct { const char *name; struct gx_sim_link link; } presets[] = {
        {"lan", {.delay_ms = 1, .bytes_per_s = 100000000}},
        {"wifi", {.delay_ms = 5, .jitter_ms = 15, .loss_ppm = 10000, .bytes_per_s = 3000000}},
        {"3g", {.delay_ms = 80, .jitter_ms = 60, .loss_ppm = 20000, .bytes_per_s = 125000}},
    };
    uint64_t ms = 0;
    double x = 0;
    bool any = false;

    *out = (struct gx_sim_link){.delay_ms = 1};
    for (size_t i = 0; i < GX_ARRAY_LEN(presets); i++)
        if (take(r, presets[i].name)) {
            *out = presets[i].link;
            any = true;
            break;
        }
    for (;; any = true) {
        if (take(r, "delay")) {
            if (!span(r, &ms) || ms == 0 || ms > 60000)
                return bad(r, "a delay is 1ms to 60s");
            out->delay_ms = (uint32_t)ms;
        } else if (take(r, "jitter")) {
            if (!span(r, &ms) || ms > 60000)
                return bad(r, "a jitter is at most 60s");
            out->jitter_ms = (uint32_t)ms;
        } else if (take(r, "loss")) {
            if (!number_with(r, &x, "%") || x > 90)
                return bad(r, "a loss is 0%% to 90%%");
            out->loss_ppm = (uint32_t)(x * 10000);
        } else if (take(r, "rate")) {
            if (!number_with(r, &x, "kB/s") || x < 1 || x > 1e6)
                return bad(r, "a rate is 1kB/s to 1000000kB/s");
            out->bytes_per_s = (uint32_t)(x * 1000);
        } else {
            return any || bad(r, "'%s' is no link; known: lan wifi 3g, delay 5ms, jitter 5ms, loss 5%%, rate 100kB/s", r->now.end ? "the end" : r->now.text);
        }
    }
}

/* --- acts ------------------------------------------------------------------------------------------------------------------------------------ */

static void act(struct reader *r, struct gx_scn_act a)
{
    struct gx_scenario *s = r->scn;

    s->acts = sim_grow(s->acts, &s->cap_acts, s->n_acts, sizeof *s->acts);
    a.order = s->n_acts;
    s->acts[s->n_acts++] = a;
}

/* The same for all of a list, spread over a time, each `times`. */
static void acts(struct reader *r, struct gx_scn_act a, const struct list *who, uint64_t over_ms, uint64_t times)
{
    uint64_t begin = a.at_ms, n = who->n * times;

    for (uint64_t i = 0; i < n; i++) {
        a.at_ms = begin + over_ms * i / n;
        a.a = who->node[i % who->n];
        act(r, a);
    }
}

static bool over(struct reader *r, uint64_t *ms)
{
    *ms = 0;
    return !take(r, "over") || span(r, ms);
}

static bool link_acts(struct reader *r, struct gx_scn_act a)
{
    uint32_t first = 0, other = 0;
    bool all = take(r, "all");

    a.kind = GX_SCN_LINK;
    if (!all && (!island(r, &first) || !island(r, &other)))
        return false;
    if (!link_is(r, &a.link))
        return false;
    a.a = first;
    a.b = other;
    if (!all)
        act(r, a);
    for (a.a = 0; all && a.a < r->scn->n_islands; a.a++)
        for (a.b = a.a; a.b < r->scn->n_islands; a.b++)
            act(r, a);
    return true;
}

static bool partition(struct reader *r, struct gx_scn_act a, bool both)
{
    a.kind = GX_SCN_CUT;
    if (!island(r, &a.a) || !need(r, both ? "|" : ">") || !island(r, &a.b))
        return false;
    act(r, a);
    if (both) {
        uint32_t other = a.a;

        a.a = a.b;
        a.b = other;
        act(r, a);
    }
    return true;
}

static bool creates(struct reader *r, struct gx_scn_act a)
{
    struct gx_scenario *s = r->scn;
    uint64_t n = 0;

    a.kind = GX_SCN_CREATE;
    if (find(s->groups, s->n_groups, r->now.text) != SIM_NONE)
        return bad(r, "there is a group '%s' already", r->now.text);
    if (r->now.end || s->n_groups >= GX_SCN_GROUPS_MAX || strlen(r->now.text) > GX_SCN_NAME_MAX)
        return bad(r, "a name of at most %u characters belongs here, and there are at most %u groups", GX_SCN_NAME_MAX, GX_SCN_GROUPS_MAX);
    snprintf(s->groups[s->n_groups].text, GX_SCN_NAME_MAX + 1, "%.32s", r->now.text);
    a.group = s->n_groups++;
    next(r);
    if (take(r, "cap")) {
        if (!number(r, &n, "members") || n < 2 || n > GX_GROUP_MEMBERS_MAX)
            return bad(r, "a cap is 2 to %u", GX_GROUP_MEMBERS_MAX);
        a.n = (uint32_t)n;
    }
    if (take(r, "qr")) {
        if (!number(r, &n, "members") || n < 1 || n > GX_GROUP_QR_JOIN_MAX)
            return bad(r, "a QR limit is 1 to %u", GX_GROUP_QR_JOIN_MAX);
        a.m = (uint32_t)n;
    }
    act(r, a);
    return true;
}

static bool sends(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    uint64_t n = 0, ms = 0;
    bool of_members = who == NULL;

    a.kind = GX_SCN_SEND;
    if (!number(r, &n, "messages") || n == 0 || n > 100000 || (!of_members && (!need(r, "to") || !group(r, &a.group))) || !over(r, &ms))
        return bad(r, "like: send 5 to tea over 60s");
    if (!of_members) {
        acts(r, a, who, ms, n);
        return true;
    }

    struct list everybody = {.n = 0};

    while (everybody.n < r->scn->n_nodes) {
        everybody.node[everybody.n] = everybody.n;
        everybody.n++;
    }
    acts(r, a, &everybody, ms, n);      /* who is no member then sends nothing */
    return true;
}

static bool clock_of(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    bool back = r->now.text[0] == '-';
    uint64_t ms = 0;

    if (r->now.text[0] != '-' && r->now.text[0] != '+')
        return bad(r, "like: clock +5m");
    memmove(r->now.text, r->now.text + 1, strlen(r->now.text));
    if (!span(r, &ms))
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
    if (take(r, "with")) {
        if (is(r, "old") || is(r, "empty"))
            a.n = is(r, "old") ? GX_SIM_SAVED : GX_SIM_EMPTY;
        else if (!is(r, "same"))
            return bad(r, "'%s' is no store to restart with; known: same old empty", r->now.text);
        next(r);
        if (!need(r, "store"))
            return false;
    }
    acts(r, a, who, 0, 1);
    return true;
}

/* Verbs of one node about another: "bo removes k3 from tea". */
static bool about(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    static const struct { const char *verb, *where; enum gx_scn_act_kind kind; } verbs[] = {
        {"removes", "from", GX_SCN_REMOVE}, {"bans", "from", GX_SCN_BAN},     {"promotes", "in", GX_SCN_PROMOTE},
        {"invites", "to", GX_SCN_INVITE},   {"scans", NULL, GX_SCN_SCAN},     {"accepts", NULL, GX_SCN_ACCEPT},
    };

    for (size_t i = 0; i < GX_ARRAY_LEN(verbs); i++)
        if (take(r, verbs[i].verb)) {
            a.kind = verbs[i].kind;
            a.a = who->node[0];
            if (who->n != 1)
                return bad(r, "one node %s", verbs[i].verb);
            if (!one_node(r, &a.b) || (verbs[i].where != NULL && (!need(r, verbs[i].where) || !group(r, &a.group))))
                return false;
            act(r, a);
            return true;
        }
    return bad(r, "'%s' is nothing that a node does; known: creates shows join send removes bans promotes leave scans accepts invites crash save restart clock",
               r->now.end ? "the end" : r->now.text);
}

static bool node_acts(struct reader *r, struct gx_scn_act a, const struct list *who)
{
    uint64_t n = 0, ms = 0;

    a.a = who->node[0];
    if (take(r, "creates"))
        return creates(r, a);
    if (take(r, "shows")) {
        a.kind = GX_SCN_SHOW_QR;
        if (!need(r, "qr") || !need(r, "of") || !group(r, &a.group) || (take(r, "uses") && !number(r, &n, "uses")))
            return false;
        a.n = (uint32_t)n;
        act(r, a);
        return true;
    }
    if (is(r, "join") || is(r, "joins") || is(r, "leave") || is(r, "leaves")) {
        a.kind = r->now.text[0] == 'j' ? GX_SCN_JOIN : GX_SCN_LEAVE;
        next(r);
        if (!group(r, &a.group) || !over(r, &ms))
            return false;
        acts(r, a, who, ms, 1);
        return true;
    }
    if (take(r, "send") || take(r, "sends"))
        return sends(r, a, who);
    if (is(r, "crash") || is(r, "crashes") || is(r, "save") || is(r, "saves")) {
        a.kind = r->now.text[0] == 'c' ? GX_SCN_CRASH : GX_SCN_SAVE;
        next(r);
        if (!over(r, &ms))
            return false;
        acts(r, a, who, ms, 1);
        return true;
    }
    if (take(r, "restart") || take(r, "restarts"))
        return restarts(r, a, who);
    if (take(r, "clock"))
        return clock_of(r, a, who);
    return about(r, a, who);
}

static bool at(struct reader *r)
{
    struct gx_scn_act a = {.line = r->now.line, .column = r->now.column};
    struct list who = {.n = 0};

    if (!span(r, &a.at_ms))
        return false;
    if (take(r, "partition"))
        return partition(r, a, true);
    if (take(r, "cut"))
        return partition(r, a, false);
    if (take(r, "link"))
        return link_acts(r, a);
    if (take(r, "heal")) {
        a.kind = GX_SCN_HEAL;
        act(r, a);
        return true;
    }
    if (take(r, "members"))
        return need(r, "of") && group(r, &a.group) && (take(r, "send") || need(r, "send")) && sends(r, a, NULL);
    if (begins_statement(r))
        return bad(r, "who does what then?");
    if (!each_name(r, list_node, &who))
        return false;
    while (!r->failed && !r->now.end && (find(r->scn->nodes, r->scn->n_nodes, r->now.text) != SIM_NONE || strchr(r->now.text, '[') != NULL))
        (void)each_name(r, list_node, &who);
    return !r->failed && node_acts(r, a, &who);
}

/* --- what is expected -------------------------------------------------------------------------------------------------------------------------- */

static bool compare(struct reader *r, struct gx_scn_expect *x)
{
    if (take(r, "="))
        x->compare = GX_SCN_EQUAL;
    else if (take(r, "<="))
        x->compare = GX_SCN_MOST;
    else if (take(r, ">="))
        x->compare = GX_SCN_LEAST;
    else
        return bad(r, "'%s' compares nothing; known: = <= >=", r->now.end ? "the end" : r->now.text);
    return true;
}

static bool expected(struct reader *r, struct gx_scn_expect *x)
{
    double percent = 0;

    if (take(r, "same")) {
        x->kind = GX_SCN_SAME_STATE;
        return need(r, "state") && need(r, "in") && group(r, &x->group);
    }
    if (take(r, "delivered")) {
        x->kind = GX_SCN_DELIVERED;
        if (x->when != GX_SCN_AT_END)
            return bad(r, "what was delivered is known at the end");
        if (!group(r, &x->group) || !compare(r, x) || !number_with(r, &percent, "%"))
            return false;
        x->number = (uint64_t)percent;
        return true;
    }
    if (take(r, "members")) {
        x->kind = GX_SCN_MEMBERS;
        return need(r, "of") && group(r, &x->group) && compare(r, x) && number(r, &x->number, "members");
    }
    if (!one_node(r, &x->a))
        return false;
    if (take(r, "is")) {
        x->kind = GX_SCN_IS_MEMBER;
        x->not = take(r, "not");
        return need(r, "member") && need(r, "of") && group(r, &x->group);
    }
    x->kind = GX_SCN_READS;
    return need(r, "reads") && need(r, "what") && one_node(r, &x->b) && need(r, "sent") && (!take(r, "after") || span(r, &x->after_ms));
}

static bool expect(struct reader *r)
{
    struct gx_scenario *s = r->scn;
    struct gx_scn_expect x = {.line = r->now.line};

    if (take(r, "by")) {
        x.when = GX_SCN_BY;
        if (!span(r, &x.by_ms))
            return false;
    } else if (take(r, "never")) {
        x.when = GX_SCN_NEVER;
    } else if (take(r, "at") && need(r, "end")) {
        x.when = GX_SCN_AT_END;
    } else {
        return bad(r, "'%s' is no time to expect something at; known: by 60s, at end, never", r->now.end ? "the end" : r->now.text);
    }
    if (!expected(r, &x))
        return false;
    s->expects = sim_grow(s->expects, &s->cap_expects, s->n_expects, sizeof *s->expects);
    s->expects[s->n_expects++] = x;
    return true;
}

/* --- the whole ----------------------------------------------------------------------------------------------------------------------------------- */

static bool put_on_island(struct reader *r)
{
    struct gx_scenario *s = r->scn;
    struct list who = {.n = 0};

    if (begins_statement(r) || find(s->islands, s->n_islands, r->now.text) != SIM_NONE || s->n_islands >= GX_SIM_ISLANDS_MAX ||
        strlen(r->now.text) > GX_SCN_NAME_MAX)
        return bad(r, "a new name belongs here, and there are at most %u islands", GX_SIM_ISLANDS_MAX - 1);
    snprintf(s->islands[s->n_islands++].text, GX_SCN_NAME_MAX + 1, "%.32s", r->now.text);
    next(r);
    while (!r->failed && !ends_list(r))
        (void)each_name(r, list_node, &who);
    for (uint32_t i = 0; i < who.n; i++)
        s->island[who.node[i]] = s->n_islands - 1;
    return !r->failed;
}

static bool statement(struct reader *r)
{
    struct gx_scn_act now = {.line = r->now.line, .column = r->now.column};

    if (take(r, "nodes")) {
        while (!r->failed && !ends_list(r))
            (void)each_name(r, add_node, NULL);
        return !r->failed;
    }
    if (take(r, "island"))
        return put_on_island(r);
    if (take(r, "link"))
        return link_acts(r, now);
    if (take(r, "at"))
        return at(r);
    if (take(r, "expect"))
        return expect(r);
    return bad(r, "'%s' begins nothing; known: nodes island link at expect", r->now.text);
}

static int by_time(const void *a, const void *b)
{
    const struct gx_scn_act *x = a, *y = b;

    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* In the order of time: a group is there before anybody is in it, and a code before anybody scans it. */
static bool makes_sense(struct gx_scenario *s, char why[300], uint32_t *line, uint32_t *column)
{
    bool there[GX_SCN_GROUPS_MAX] = {false}, shown[GX_SCN_GROUPS_MAX] = {false};

    for (uint32_t i = 0; i < s->n_acts; i++) {
        const struct gx_scn_act *a = &s->acts[i];
        bool in_group = a->kind == GX_SCN_SHOW_QR || a->kind == GX_SCN_JOIN || a->kind == GX_SCN_SEND || a->kind == GX_SCN_REMOVE || a->kind == GX_SCN_BAN ||
                        a->kind == GX_SCN_PROMOTE || a->kind == GX_SCN_LEAVE || a->kind == GX_SCN_INVITE;

        there[a->group] = there[a->group] || a->kind == GX_SCN_CREATE;
        shown[a->group] = shown[a->group] || a->kind == GX_SCN_SHOW_QR;
        *line = a->line;
        *column = a->column;
        if (in_group && !there[a->group]) {
            snprintf(why, 300, "the group '%s' is not there yet at that time", s->groups[a->group].text);
            return false;
        }
        if (a->kind == GX_SCN_JOIN && !shown[a->group]) {
            snprintf(why, 300, "nobody has shown a QR code of '%s' by then: at ... %s shows qr of %s", s->groups[a->group].text, s->nodes[0].text, s->groups[a->group].text);
            return false;
        }
    }
    return true;
}

bool gx_scn_read(struct gx_scenario *out, const char *text, char why[300], uint32_t *line, uint32_t *column)
{
    struct reader r = {.scn = out, .at = text, .line = 1, .column = 1, .why = why};

    *out = (struct gx_scenario){.n_islands = 1, .nodes = calloc(GX_SIM_NODES_MAX, sizeof *out->nodes), .island = calloc(GX_SIM_NODES_MAX, sizeof *out->island)};
    GX_ASSERT(out->nodes != NULL && out->island != NULL);
    why[0] = 0;
    next(&r);
    while (!r.failed && !r.now.end)
        (void)statement(&r);
    if (!r.failed && out->n_nodes == 0)
        (void)bad(&r, "there are no nodes: nodes ann bob k[1..40]");
    *line = r.now.line;
    *column = r.now.column;
    if (r.failed)
        return false;
    if (out->n_acts > 0)
        qsort(out->acts, out->n_acts, sizeof *out->acts, by_time);
    return makes_sense(out, why, line, column);
}

void gx_scn_free(struct gx_scenario *scn)
{
    free(scn->nodes);
    free(scn->island);
    free(scn->acts);
    free(scn->expects);
    *scn = (struct gx_scenario){.n_nodes = 0};
}
