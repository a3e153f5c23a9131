#include "tests/sim/shrink.h"

#include "tests/sim/internal.h"
#include "tests/sim/jobs.h"
#include <stdlib.h>

#define HOLDS 0
#define BROKEN 1
#define FULL 8              /* there was no room */
#define MACHINE 9
#define SECONDS 600u        /* a run that takes as long is one that ends itself */

enum what { NOTHING, ACTS, NODES, EXPECTS };

/* How a run ended. */
struct verdict {
    int code;               /* or a signal below 0 */
    enum gx_sim_oracle oracle;      /* BROKEN: the first that was */
    uint32_t line, column;  /* EXPECT: of the first line that did not hold, 0 when the file has none that did not */
    bool open;              /* likewise */
    uint64_t members;
};

struct shrink {
    const struct gx_scenario *base;
    const struct gx_scn_options *options;
    enum what what;
    uint32_t size;          /* ACTS: so many at once */
    struct verdict wanted, got;
    uint64_t at;            /* the candidate that ended so */
};

static void copy(struct gx_scenario *out, const struct gx_scenario *of)
{
    gx_scn_begin(out);
    for (uint32_t i = 0; i < of->n_nodes; i++)
        gx_scn_add_node(out, of->nodes[i].text, of->island[i]);
    memcpy(out->islands, of->islands, sizeof out->islands);
    memcpy(out->groups, of->groups, sizeof out->groups);
    out->n_islands = of->n_islands;
    out->n_groups = of->n_groups;
    for (uint32_t i = 0; i < of->n_words; i++) {
        out->words = sim_grow(out->words, &out->cap_words, i, sizeof *out->words);
        out->words[out->n_words++] = of->words[i];
    }
    for (uint32_t i = 0; i < of->n_acts; i++)
        gx_scn_add(out, of->acts[i]);
    for (uint32_t i = 0; i < of->n_expects; i++) {
        out->expects = sim_grow(out->expects, &out->cap_expects, i, sizeof *out->expects);
        out->expects[out->n_expects++] = of->expects[i];
    }
}

static void drop_act(struct gx_scenario *s, uint32_t i, uint32_t n)
{
    n = n < s->n_acts - i ? n : s->n_acts - i;
    memmove(s->acts + i, s->acts + i + n, (s->n_acts - i - n) * sizeof *s->acts);
    s->n_acts -= n;
}

static void drop_expect(struct gx_scenario *s, uint32_t i)
{
    memmove(s->expects + i, s->expects + i + 1, (s->n_expects - i - 1) * sizeof *s->expects);
    s->n_expects--;
}

static bool has_b(enum gx_scn_act_kind kind)
{
    return kind == GX_SCN_JOIN || kind == GX_SCN_TYPE || kind == GX_SCN_TURN || (kind >= GX_SCN_REMOVE && kind <= GX_SCN_ACCEPT);
}

static bool is_of_world(enum gx_scn_act_kind kind)
{
    return kind == GX_SCN_CUT || kind == GX_SCN_FLAP || kind == GX_SCN_LINK || kind == GX_SCN_HEAL;
}

static bool names(uint32_t *node, uint32_t gone)
{
    bool yes = *node == gone;

    *node -= *node > gone && *node != GX_SCN_NOBODY;
    return yes;
}

/* Without that node, and all that is done by it or to it. */
static void drop_node(struct gx_scenario *s, uint32_t gone)
{
    for (uint32_t i = 0; i < s->n_acts;) {
        struct gx_scn_act *a = &s->acts[i];
        bool by = !is_of_world(a->kind) && names(&a->a, gone), to = has_b(a->kind) && names(&a->b, gone);

        if (by || to)
            drop_act(s, i, 1);
        else
            i++;
    }
    for (uint32_t i = 0; i < s->n_expects;) {
        struct gx_scn_expect *x = &s->expects[i];
        bool a = x->kind >= GX_SCN_IS_MEMBER && names(&x->a, gone), b = x->kind == GX_SCN_READS && names(&x->b, gone);

        if (a || b)
            drop_expect(s, i);
        else
            i++;
    }
    s->n_nodes--;
    memmove(s->nodes + gone, s->nodes + gone + 1, (s->n_nodes - gone) * sizeof *s->nodes);
    memmove(s->island + gone, s->island + gone + 1, (s->n_nodes - gone) * sizeof *s->island);
}

/* Nothing is expected in a file of a group that it does not create. */
static bool is_created(const struct gx_scenario *s, uint32_t group)
{
    bool found = false;

    for (uint32_t i = 0; i < s->n_acts && !found; i++)
        found = s->acts[i].kind == GX_SCN_CREATE && s->acts[i].group == group;
    return found;
}

static void candidate(struct gx_scenario *out, const struct shrink *k, uint64_t i)
{
    copy(out, k->base);
    if (k->what == ACTS)
        drop_act(out, (uint32_t)i * k->size, k->size);
    if (k->what == NODES)
        drop_node(out, out->n_nodes - 1 - (uint32_t)i);
    if (k->what == EXPECTS)
        drop_expect(out, (uint32_t)i);
    gx_scn_drop_senseless(out);
    for (uint32_t x = 0; x < out->n_expects;)
        if (out->expects[x].kind <= GX_SCN_IS_MEMBER && !is_created(out, out->expects[x].group))
            drop_expect(out, x);
        else
            x++;
}

static int work(void *ctx, uint64_t i, const char *dir, void *result, FILE *out)
{
    const struct shrink *k = ctx;
    struct verdict *verdict = result;
    struct gx_scn_options options = *k->options;
    struct gx_scn_done done = {.expired = 0};
    struct gx_scenario scn;
    struct gx_sim *sim = NULL;
    uint64_t first_ms = 0;
    size_t n = 0;

    (void)out;
    options.dir = dir;
    candidate(&scn, k, i);
    if (gx_scn_play(&sim, &scn, &done, &options) != GX_OK)
        return MACHINE;

    const struct gx_sim_violation *v = gx_sim_violations(sim, &n);

    if (n == 0)
        return HOLDS;
    if (gx_sim_ran_full(sim))
        return FULL;
    verdict->oracle = v[0].oracle;
    for (uint32_t x = 0; v[0].oracle == GX_SIM_EXPECT && x < scn.n_expects; x++) {
        const struct gx_scn_expect *e = &scn.expects[x];

        if (!e->ok && (verdict->line == 0 || e->at_ms < first_ms)) {
            first_ms = e->at_ms;
            verdict->line = e->line;
            verdict->column = e->column;
            verdict->open = e->open;
            verdict->members = e->members;
        }
    }
    return BROKEN;
}

static bool same(const struct verdict *a, const struct verdict *b)
{
    return a->code == b->code && a->oracle == b->oracle && a->line == b->line && a->column == b->column &&
           a->open == b->open && a->members == b->members;
}

static bool look(void *ctx, const struct gx_sim_job *job)
{
    struct shrink *k = ctx;

    memcpy(&k->got, job->result, sizeof k->got);
    k->got.code = job->no_room && (job->signal != 0 || job->code != HOLDS) ? FULL : job->signal != 0 ? -job->signal : job->code;
    k->at = job->index;
    return !same(&k->got, &k->wanted) && k->got.code != MACHINE && k->got.code != FULL;
}

/* Whether one of n candidates ends as wanted: k->at.  Returns what gx_scn_shrink does, or 0. */
static int any(struct shrink *k, uint64_t n)
{
    struct gx_sim_jobs jobs = {.n = n, .seconds = SECONDS, .result_bytes = sizeof(struct verdict), .work = work, .done = look, .ctx = k};

    int ended = 0;

    k->got = (struct verdict){.code = HOLDS};
    ended = n == 0 ? 0 : gx_sim_jobs_run(&jobs);
    return ended != 0 ? ended : k->got.code == MACHINE ? -1 : k->got.code == FULL ? -2 : 0;
}

int gx_scn_shrink(struct gx_scenario *scn, const struct gx_scn_options *options, void (*better)(void *ctx, const struct gx_scenario *scn), void *ctx)
{
    struct shrink k = {.base = scn, .options = options, .what = NOTHING, .wanted = {.code = MACHINE}};
    int ended = any(&k, 1);
    bool smaller = true;

    if (ended != 0)
        return ended;
    if (k.got.code == HOLDS)
        return 1;
    k.wanted = k.got;
    better(ctx, scn);
    while (smaller) {
        smaller = false;
        for (k.what = ACTS, k.size = (scn->n_acts + 1) / 2; k.what <= EXPECTS;) {
            uint64_t n = k.what == ACTS ? (k.size == 0 ? 0 : (scn->n_acts + k.size - 1) / k.size) : k.what == NODES ? (scn->n_nodes > 1 ? scn->n_nodes : 0) : scn->n_expects;

            ended = any(&k, n);
            if (ended != 0)
                return ended;
            if (same(&k.got, &k.wanted) && n > 0) {
                struct gx_scenario next;

                candidate(&next, &k, k.at);
                gx_scn_free(scn);
                *scn = next;
                smaller = true;
                better(ctx, scn);
            } else if (k.what == ACTS && k.size > 1) {
                k.size /= 2;
            } else {
                k.what++;
            }
        }
    }
    return 0;
}
