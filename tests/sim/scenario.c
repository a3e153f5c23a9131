/* Scenario files: the whole of one. */
#include "tests/sim/scenario.h"

#include "tests/sim/internal.h"
#include "tests/sim/reader.h"
#include <stdlib.h>

/* --- building ----------------------------------------------------------------------------------------------------------------------------------- */

void gx_scn_begin(struct gx_scenario *out)
{
    *out = (struct gx_scenario){.n_islands = 1, .islands = {{"elsewhere"}}};
}

void gx_scn_add_node(struct gx_scenario *scn, const char *name, uint32_t island)
{
    uint32_t cap = scn->cap_nodes;

    GX_ASSERT(scn->n_nodes < GX_SIM_NODES_MAX && strlen(name) <= GX_SCN_NAME_MAX);
    scn->island = sim_grow(scn->island, &cap, scn->n_nodes, sizeof *scn->island);
    scn->nodes = sim_grow(scn->nodes, &scn->cap_nodes, scn->n_nodes, sizeof *scn->nodes);
    scn->island[scn->n_nodes] = island;
    snprintf(scn->nodes[scn->n_nodes++].text, sizeof scn->nodes->text, "%.32s", name);
}

void gx_scn_add(struct gx_scenario *scn, struct gx_scn_act act)
{
    scn->acts = sim_grow(scn->acts, &scn->cap_acts, scn->n_acts, sizeof *scn->acts);
    act.order = scn->n_acts;
    scn->acts[scn->n_acts++] = act;
}

static int by_time(const void *a, const void *b)
{
    const struct gx_scn_act *x = a, *y = b;

    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

void gx_scn_sort(struct gx_scenario *scn)
{
    if (scn->n_acts > 0)
        qsort(scn->acts, scn->n_acts, sizeof *scn->acts, by_time);
}

void gx_scn_free(struct gx_scenario *scn)
{
    free(scn->nodes);
    free(scn->island);
    free(scn->words);
    free(scn->acts);
    free(scn->expects);
    *scn = (struct gx_scenario){.n_nodes = 0};
}

static bool is_in_group(enum gx_scn_act_kind kind)
{
    return kind <= GX_SCN_LOOK && kind != GX_SCN_CREATE && kind != GX_SCN_SCAN && kind != GX_SCN_ACCEPT;
}

/* Whether somebody (b, or anybody) has shown a code of that kind, of that group before the n-th act. */
static bool has_shown(const struct gx_scenario *s, uint32_t n, enum gx_scn_act_kind kind, uint32_t group, uint32_t b)
{
    for (uint32_t i = 0; i < n; i++)
        if (s->acts[i].kind == kind && s->acts[i].group == group && (b == GX_SCN_NOBODY || s->acts[i].a == b))
            return true;
    return false;
}

/* What acts so far have made possible. */
struct so_far {
    bool there[GX_SCN_GROUPS_MAX];
    struct { bool down, crashing, saved, paused, full; } *node;    /* down: perhaps; crashing: it goes down at a step to come; the others: ever */
};

static void all_up(struct so_far *f, uint32_t n_nodes, uint32_t away)
{
    for (uint32_t i = 0; i < n_nodes; i++) {
        f->node[i].down = i == away;
        f->node[i].crashing = false;
    }
}

/* Behind the n-th act. */
static void done(const struct gx_scenario *s, struct so_far *f, uint32_t n)
{
    const struct gx_scn_act *a = &s->acts[n];

    switch ((int)a->kind) {
    case GX_SCN_CREATE:
        f->there[a->group] = true;
        break;
    case GX_SCN_CRASH:
    case GX_SCN_SAVE:
        f->node[a->a].down = true;
        f->node[a->a].crashing = a->kind == GX_SCN_CRASH && a->n > 0;
        f->node[a->a].saved = f->node[a->a].saved || a->kind == GX_SCN_SAVE;
        break;
    case GX_SCN_RESTART:
        f->node[a->a].down = f->node[a->a].crashing;
        break;
    case GX_SCN_PAUSE:
        f->node[a->a].paused = f->node[a->a].paused || a->n != 0;
        break;
    case GX_SCN_DISK:
        f->node[a->a].full = f->node[a->a].full || a->n != 0;
        break;
    case GX_SCN_HEAL:
    case GX_SCN_REST:
        all_up(f, s->n_nodes, a->kind == GX_SCN_REST ? a->a : GX_SCN_NOBODY);
        break;
    default:
        break;
    }
}

/* Does the n-th act make sense behind those before it?  False: why says why not. */
static bool makes_sense(const struct gx_scenario *s, const struct so_far *f, uint32_t n, char why[300])
{
    const struct gx_scn_act *a = &s->acts[n];
    const char *group = s->groups[a->group].text, *name = a->kind >= GX_SCN_CRASH && a->kind <= GX_SCN_TURN ? s->nodes[a->a].text : "";
    int said = 0;

    if (is_in_group(a->kind) && !f->there[a->group])
        said = snprintf(why, 300, "the group '%s' is not there yet at that time", group);
    else if (a->kind == GX_SCN_JOIN && !has_shown(s, n, GX_SCN_SHOW_QR, a->group, a->b))
        said = snprintf(why, 300, "%s has shown a QR code of '%s' by then: at ... %s shows qr of %s", a->b == GX_SCN_NOBODY ? "nobody" : "that node never", group,
                        s->nodes[a->b == GX_SCN_NOBODY ? 0 : a->b].text, group);
    else if (a->kind == GX_SCN_TYPE && !has_shown(s, n, GX_SCN_SHOW_DIGITS, a->group, a->b))
        said = snprintf(why, 300, "that node never has shown digits of '%s' by then: at ... %s shows digits of %s", group, s->nodes[a->b].text, group);
    else if (a->kind == GX_SCN_TURN && ((a->n == GX_SIM_COLLUDER) != (a->b != GX_SCN_NOBODY) || a->a == a->b))
        said = snprintf(why, 300, "a colluder is in league with somebody else, and no other liar with anybody: at ... %s turns colluder with NODE", name);
    else if (a->kind == GX_SCN_RESTART && !f->node[a->a].down)
        said = snprintf(why, 300, "%s is up at that time: at ... %s crashes", name, name);
    else if (a->kind == GX_SCN_RESTART && a->n == GX_SIM_SAVED && !f->node[a->a].saved)
        said = snprintf(why, 300, "no store of %s was set aside by then: at ... %s saves", name, name);
    else if (a->kind == GX_SCN_PAUSE && a->n == 0 && !f->node[a->a].paused)
        said = snprintf(why, 300, "%s was not paused by then: at ... %s pauses", name, name);
    else if (a->kind == GX_SCN_DISK && a->n == 0 && !f->node[a->a].full)
        said = snprintf(why, 300, "the disk of %s was not full by then: at ... %s disk full", name, name);
    return said == 0;
}

static struct so_far begin(const struct gx_scenario *s)
{
    struct so_far f = {.node = calloc(s->n_nodes + 1, sizeof *f.node)};

    GX_ASSERT(f.node != NULL);
    return f;
}

uint32_t gx_scn_senseless(const struct gx_scenario *s, char why[300])
{
    struct so_far f = begin(s);
    uint32_t i = 0;

    for (; i < s->n_acts && makes_sense(s, &f, i, why); i++)
        done(s, &f, i);
    free(f.node);
    return i;
}

void gx_scn_drop_senseless(struct gx_scenario *s)
{
    struct so_far f = begin(s);
    uint32_t n = s->n_acts, kept = 0;
    char why[300];

    for (uint32_t i = 0; i < n; i++) {
        s->acts[kept] = s->acts[i];
        if (!makes_sense(s, &f, kept, why))
            continue;
        done(s, &f, kept++);
    }
    s->n_acts = kept;
    free(f.node);
}

/* --- what is expected -------------------------------------------------------------------------------------------------------------------------- */

static bool compare(struct reader *r, struct gx_scn_expect *x)
{
    if (read_take(r, "="))
        x->compare = GX_SCN_EQUAL;
    else if (read_take(r, "<="))
        x->compare = GX_SCN_MOST;
    else if (read_take(r, ">="))
        x->compare = GX_SCN_LEAST;
    else
        return read_bad(r, "'%s' compares nothing; known: = <= >=", r->now.end ? "the end" : r->now.text);
    return true;
}

static bool expected(struct reader *r, struct gx_scn_expect *x)
{
    double percent = 0;

    if (read_take(r, "same")) {
        x->kind = GX_SCN_SAME_STATE;
        return read_need(r, "state") && read_need(r, "in") && read_group(r, &x->group);
    }
    if (read_take(r, "delivered")) {
        x->kind = GX_SCN_DELIVERED;
        if (x->when != GX_SCN_AT_END)
            return read_bad(r, "what was delivered is known at the end");
        if (!read_group(r, &x->group) || !compare(r, x) || !read_number_with(r, &percent, "%"))
            return false;
        if (percent > 100 || percent > (double)(uint64_t)percent)
            return read_bad_last(r, "so much is delivered: 0%% to 100%%, in whole ones");
        x->number = (uint64_t)percent;
        return true;
    }
    x->kind = read_is(r, "repeated") ? GX_SCN_REPEATED : GX_SCN_PUSHED;
    if (read_take(r, "repeated") || read_take(r, "pushed")) {
        if (x->when != GX_SCN_AT_END)
            return read_bad(r, "how often what came is known at the end");
        if (!read_group(r, &x->group) || !compare(r, x) || !read_number_with(r, &percent, "%"))
            return false;
        if (percent > 1000 || percent > (double)(uint64_t)percent)
            return read_bad_last(r, "of 100 first copies so many: 0%% to 1000%%, in whole ones");
        x->number = (uint64_t)percent;
        return !read_take(r, "after") || read_span(r, &x->after_ms);
    }
    if (read_take(r, "members")) {
        x->kind = GX_SCN_MEMBERS;
        return read_need(r, "of") && read_group(r, &x->group) && compare(r, x) && read_number(r, &x->number, "members");
    }
    r->or = "; or: same state in, members of, delivered, repeated, pushed";
    if (!read_one_node(r, &x->a))
        return false;
    r->or = NULL;
    if (read_take(r, "is")) {
        x->kind = GX_SCN_IS_MEMBER;
        x->not = read_take(r, "not");
        return read_need(r, "member") && read_need(r, "of") && read_group(r, &x->group);
    }
    x->kind = GX_SCN_READS;
    return read_need(r, "reads") && read_need(r, "what") && read_one_node(r, &x->b) && read_need(r, "sent") && (!read_take(r, "after") || read_span(r, &x->after_ms));
}

static bool expect(struct reader *r)
{
    struct gx_scenario *s = r->scn;
    struct gx_scn_expect x = {.line = r->now.line, .column = r->now.column};

    if (read_take(r, "by")) {
        x.when = GX_SCN_BY;
        if (!read_time(r, &x.by_ms))
            return false;
    } else if (read_take(r, "never")) {
        x.when = GX_SCN_NEVER;
    } else if (read_take(r, "at") && read_need(r, "end")) {
        x.when = GX_SCN_AT_END;
    } else {
        return read_bad(r, "'%s' is no time to expect something at; known: by 60s, at end, never", r->now.end ? "the end" : r->now.text);
    }
    if (!expected(r, &x))
        return false;
    s->expects = sim_grow(s->expects, &s->cap_expects, s->n_expects, sizeof *s->expects);
    s->expects[s->n_expects++] = x;
    return true;
}

/* --- reading ------------------------------------------------------------------------------------------------------------------------------------- */

static bool add_node(struct reader *r, const char *name, void *ctx)
{
    struct gx_scenario *s = r->scn;

    (void)ctx;
    if (read_find(s->nodes, s->n_nodes, name) != SIM_NONE)
        return read_bad(r, "there is a node '%s' already", name);
    if (read_is_word(name))
        return read_bad(r, "'%s' is a word of scenario files, and no name for a node", name);
    if (s->n_nodes >= GX_SIM_NODES_MAX)
        return read_bad(r, "more than %u nodes", GX_SIM_NODES_MAX);
    gx_scn_add_node(s, name, 0);
    return true;
}

static bool put_on_island(struct reader *r)
{
    struct gx_scenario *s = r->scn;
    struct list who = {.n = 0};
    uint32_t n = 0;

    if (read_find(s->islands, s->n_islands, r->now.text) != SIM_NONE)
        return read_bad(r, "there is an island '%s' already", r->now.text);
    if (read_is(r, "all"))
        return read_bad(r, "'all' islands are meant by it: it is no name of one");
    if (s->n_islands >= GX_SIM_ISLANDS_MAX)
        return read_bad(r, "there are at most %u islands", GX_SIM_ISLANDS_MAX - 1);
    if (!read_new_name(r, &s->islands[s->n_islands]))
        return false;
    s->n_islands++;
    while (!r->failed && !read_ends_list(r)) {
        (void)read_nodes(r, &who);
        for (; n < who.n && !r->failed; n++) {
            uint32_t *island = &s->island[who.node[n]];

            if (*island != 0)
                (void)read_bad_last(r, "%s is on '%s' already", s->nodes[who.node[n]].text, s->islands[*island].text);
            *island = s->n_islands - 1;
        }
    }
    free(who.node);
    return !r->failed;
}

static bool statement(struct reader *r)
{
    struct gx_scn_act now = {.line = r->now.line, .column = r->now.column};

    if (read_take(r, "nodes")) {
        while (!r->failed && !read_ends_list(r))
            (void)read_each_name(r, add_node, NULL);
        return !r->failed;
    }
    if (read_take(r, "island"))
        return put_on_island(r);
    if (read_take(r, "link"))
        return read_link_acts(r, now);
    if (read_take(r, "at"))
        return read_at(r);
    if (read_take(r, "expect"))
        return expect(r);
    return read_bad(r, "'%s' begins nothing; known: nodes island link at expect", r->now.text);
}

bool gx_scn_read(struct gx_scenario *out, const char *text, size_t n, char why[300], uint32_t *line, uint32_t *column)
{
    struct reader r = {.scn = out, .at = text, .line = 1, .column = 1, .why = why};

    gx_scn_begin(out);
    why[0] = 0;
    if (read_is_text(&r, n))
        read_next(&r);
    while (!r.failed && !r.now.end)
        (void)statement(&r);
    if (!r.failed && out->n_nodes == 0)
        (void)read_bad(&r, "there are no nodes: nodes ann bob k[1..40]");
    *line = r.bad_line;
    *column = r.bad_column;
    if (r.failed)
        return false;
    gx_scn_sort(out);

    uint32_t at = gx_scn_senseless(out, why);

    if (at == out->n_acts)
        return true;
    *line = out->acts[at].line;
    *column = out->acts[at].column;
    return false;
}
