/* How live events spread in one large group, in the simulator: copies of a message, and what becomes of it when many vanish at once, each against flood on
 * the same links of the same world.
 *
 * Linked with --wrap=gx_tree_again: where it floods, nobody is told that what it pushed was there already, and all links are eager. */
#include "tools/bench/bench.h"
#include "tests/sim/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define QR_MEMBERS 99u          /* join by the founder's code, the others by a contact */
#define ACT_MS 200u             /* between the acts of one who joins */
#define MEET_MS 300000u
#define START_MS 20u
#define LOOK_MS 10u
#define REST_MS 900000u
#define SAY_MS 100u             /* between two messages */
#define WAIT_MS 20000u          /* and behind the last: who has not got it by then is not waited for */
#define SECOND_MS 1000u
#define NODES 200u
#define NODES_FULL 500u         /* they take a quarter of an hour to come together */
#define NODES_QUICK 24u
#define GONE_PERCENT 30u
#define APART 3u                /* in links as noted: there is no channel */

void __real_gx_tree_again(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool of_others);
void __wrap_gx_tree_again(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool of_others);

static bool floods;

void __wrap_gx_tree_again(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool of_others)
{
    if (!floods)
        __real_gx_tree_again(e, s, c, of_others);
}

/* --- the world --------------------------------------------------------------------------------------------------------------------------- */

struct world {
    struct gx_sim *sim;
    uint32_t n;
    char where[66];
};

static bool ask(struct world *w, uint32_t node, struct gx_command cmd, struct gx_sim_reply *reply, uint64_t wait_ms)
{
    return !gx_bench_stopped() && gx_sim_ask(w->sim, reply, node, cmd, wait_ms);
}

static bool about(struct world *w, uint32_t node, enum gx_method method, uint32_t other, const char *group)
{
    struct gx_sim_reply reply;
    char who[16];
    struct gx_command cmd = {.method = method, .group = group, .who = who, .given = 1u << GX_PARAM_WHO | (group == NULL ? 0 : 1u << GX_PARAM_GROUP)};

    snprintf(who, sizeof who, "@n%u", other);
    return ask(w, node, cmd, &reply, 0);
}

static bool scan(struct world *w, uint32_t node, uint32_t other)
{
    struct gx_command id = {.method = GX_CMD_ID}, add = {.method = GX_CMD_CONTACT_ADD, .given = 1u << GX_PARAM_TOKEN};
    struct gx_sim_reply reply;
    char card[600];

    if (!ask(w, other, id, &reply, 0) || !gx_sim_value(&reply, card, sizeof card, "card"))
        return false;
    add.token = card;
    return ask(w, node, add, &reply, 0);
}

static bool is_in(struct world *w, uint32_t node)
{
    struct gx_group *g = sim_group_at(w->sim, node, w->where);

    return g != NULL && gx_group_is_member(g);
}

/* Until that node has what node 0 has of the group. */
static bool meets(struct world *w, uint32_t node)
{
    for (uint32_t ms = 0; ms < MEET_MS && !gx_bench_stopped(); ms += LOOK_MS) {
        const struct gx_group *g = sim_group_at(w->sim, node, w->where), *first = sim_group_at(w->sim, 0, w->where);

        if (is_in(w, node) && g->law.n_ops == first->law.n_ops && w->sim->nodes[node].engine->n_jobs == 0)
            return true;
        gx_sim_run(w->sim, LOOK_MS);
    }
    return gx_bench_fail("node %u of %u did not join", node, w->n);
}

static bool join_by_code(struct world *w, const char *token, uint32_t k)
{
    struct gx_command cmd = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};
    struct gx_sim_reply reply;

    gx_sim_start(w->sim, k, GX_SIM_SAME);
    gx_sim_run(w->sim, ACT_MS);
    return ask(w, k, cmd, &reply, MEET_MS) && meets(w, k);
}

static bool join_by_contact(struct world *w, uint32_t by, uint32_t k)
{
    gx_sim_start(w->sim, k, GX_SIM_SAME);
    gx_sim_run(w->sim, ACT_MS);
    if (!scan(w, k, by))
        return false;
    gx_sim_run(w->sim, ACT_MS);
    (void)about(w, by, GX_CMD_ACCEPT, k, NULL);
    gx_sim_run(w->sim, ACT_MS);
    (void)about(w, by, GX_CMD_INVITE, k, "tea");
    gx_sim_run(w->sim, ACT_MS);
    (void)about(w, k, GX_CMD_ACCEPT, by, NULL);
    return meets(w, k);
}

/* One after the other, with nobody up but the founder and who lets them in: that is 500 joins, and not 500 times 500 meetings. */
static bool join_all(struct world *w, const char *token)
{
    uint32_t each = (w->n + QR_MEMBERS - 1) / QR_MEMBERS - 1, k = QR_MEMBERS + 1;

    for (uint32_t i = 1; i < w->n; i++)
        gx_sim_crash(w->sim, i);
    for (uint32_t i = 1; i <= QR_MEMBERS && i < w->n; i++) {
        if (!join_by_code(w, token, i))
            return false;
        gx_sim_crash(w->sim, i);
    }
    for (uint32_t by = 1; k < w->n; by++) {
        gx_sim_start(w->sim, by, GX_SIM_SAME);
        if (!meets(w, by))
            return false;
        for (uint32_t n = 0; n < each && k < w->n; n++, k++) {
            if (!join_by_contact(w, by, k))
                return false;
            gx_sim_crash(w->sim, k);
        }
        gx_sim_crash(w->sim, by);
    }
    for (uint32_t i = 1; i < w->n; i++) {
        gx_sim_start(w->sim, i, GX_SIM_SAME);
        gx_sim_run(w->sim, START_MS);
    }
    return !gx_bench_stopped();
}

static bool make(struct world *w, uint32_t n, uint64_t seed)
{
    struct gx_sim_options options = {.seed = seed, .n_nodes = n, .measure = true};
    struct gx_command new = {.method = GX_CMD_GROUP_NEW, .name = "tea", .given = 1u << GX_PARAM_NAME};
    struct gx_command invite = {.method = GX_CMD_INVITE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    struct gx_sim_link link = {.delay_ms = 5, .jitter_ms = 5};
    struct gx_sim_reply reply;
    char why[200], token[600];

    *w = (struct world){.n = n};
    floods = false;
    if (!gx_sim_machine_can(&options, 1, why))
        return gx_bench_fail("%s", why);
    if (gx_sim_new(&w->sim, &options) != GX_OK)
        return gx_bench_fail("no world can be made in /dev/shm");
    gx_sim_link(w->sim, 0, 0, &link);
    if (!ask(w, 0, new, &reply, 0) || !ask(w, 0, invite, &reply, 5000) || !gx_sim_value(&reply, token, sizeof token, "token"))
        return gx_bench_fail("a group was not founded");
    gx_hex(w->where + 1, w->sim->nodes[0].engine->groups[0]->row.id.b, 32);
    w->where[0] = ':';
    if (!join_all(w, token))
        return false;
    (void)gx_sim_rest(w->sim, REST_MS);
    return !gx_bench_stopped();
}

/* --- links ---------------------------------------------------------------------------------------------------------------------------------- */

static struct gx_channel *channel(struct world *w, uint32_t node, uint32_t session)
{
    struct gx_engine *e = w->sim->nodes[node].engine;

    return e->sessions[session]->closed ? NULL : gx_session_channel_of(e->sessions[session], sim_group_at(w->sim, node, w->where)->row.gnum);
}

/* The links as they are now, so that flood, and who vanishes, finds the same: APART of a channel that is not there. */
static uint8_t *links_now(struct world *w)
{
    uint8_t *links = malloc((size_t)w->n * GX_SESSIONS_MAX);

    GX_ASSERT(links != NULL);
    for (uint32_t i = 0; i < w->n; i++)
        for (uint32_t k = 0; k < w->sim->nodes[i].engine->n_sessions; k++) {
            const struct gx_channel *c = channel(w, i, k);

            links[i * GX_SESSIONS_MAX + k] = c == NULL ? APART : (uint8_t)c->link;
        }
    return links;
}

static void links_set(struct world *w, const uint8_t *links)
{
    for (uint32_t i = 0; i < w->n; i++)
        for (uint32_t k = 0; k < w->sim->nodes[i].engine->n_sessions; k++) {
            struct gx_channel *c = channel(w, i, k);
            uint8_t link = links[i * GX_SESSIONS_MAX + k];

            if (c != NULL && link != APART)
                c->link = floods && link == GX_LINK_LAZY ? GX_LINK_EAGER : (enum gx_link)link;
        }
}

/* --- what is said ----------------------------------------------------------------------------------------------------------------------------- */

struct said {
    struct sim_copies copies;
    uint64_t due, in_time, most_ms;     /* deliveries to who is there; those within a second; how long the last took */
    double cpu;
};

static bool say(struct world *w, uint32_t n, uint32_t first, const bool *gone)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = w->where, .text = "word", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_TEXT};
    struct gx_sim_reply reply;

    for (uint32_t k = 0; k < n; k++) {
        uint32_t node = (first + 7 * k) % w->n;

        while (gone != NULL && gone[node])
            node = (node + 1) % w->n;
        if (!ask(w, node, cmd, &reply, 0))
            return false;
        gx_sim_run(w->sim, SAY_MS);
    }
    return true;
}

/* n messages, and what became of them when there was time enough. */
static bool tell(struct world *w, struct said *out, uint32_t n, const bool *gone)
{
    uint64_t begin = gx_sim_now_ms(w->sim);
    double cpu = gx_bench_now();
    struct gx_sim_figures figures;

    *out = (struct said){.due = 0};
    if (!say(w, n, 3, gone))
        return gx_bench_fail("a message was refused");
    gx_sim_run(w->sim, WAIT_MS);
    out->cpu = gx_bench_now() - cpu;
    out->copies = sim_measure_copies(w->sim, w->where, begin);
    if (!gx_sim_figures(&figures, w->sim))
        return false;
    for (size_t i = 0; i < figures.n_pairs; i++) {
        uint64_t ms = figures.pairs[i].latency_ms;

        if (figures.pairs[i].written_ms < begin)
            continue;
        out->due++;
        out->in_time += ms <= SECOND_MS;
        out->most_ms = ms > out->most_ms ? ms : out->most_ms;
    }
    gx_sim_figures_free(&figures);
    return true;
}

static double copies_each(const struct said *s)
{
    return (double)(s->copies.first + s->copies.again) / (double)s->copies.first;
}

/* --- measures -------------------------------------------------------------------------------------------------------------------------------- */

/* That of the last repeat of redundancy, for the first of vanish, which comes next: to come together takes longer than what is measured. */
static struct world kept;

/* A world in which some have spoken since all came together. */
static bool warm(struct gx_bench *bench, struct world *w, uint32_t repeat)
{
    uint32_t n = bench->options.quick ? NODES_QUICK : bench->options.full ? NODES_FULL : NODES;

    *w = kept;
    kept = (struct world){.sim = NULL};
    if (w->sim != NULL)
        return true;
    gx_bench_progress(bench, "a group of %u nodes comes together", n);
    if (!make(w, n, 1 + repeat))
        return false;
    if (!say(w, n / 4, 0, NULL))
        return gx_bench_fail("a message was refused");
    gx_sim_run(w->sim, WAIT_MS);
    return true;
}

static uint32_t repeats(const struct gx_bench *bench)
{
    return bench->options.quick ? bench->options.repeats : 1;
}

static void note(struct gx_measure *m, double tree, double flood)
{
    gx_figures_add(&m->value, tree);
    gx_figures_add(&m->raw_value, flood);
    gx_figures_add(&m->ratio, tree / flood);
}

static bool redundancy(struct gx_bench *bench, struct gx_measure *m, struct world *w)
{
    uint32_t n = bench->options.quick ? 20 : 100;
    struct said tree, flood;

    if (!tell(w, &tree, n, NULL))
        return false;

    uint8_t *links = links_now(w);

    floods = true;
    links_set(w, links);

    bool ok = tell(w, &flood, n, NULL);

    floods = false;
    links_set(w, links);
    free(links);
    if (!ok)
        return false;
    note(m, copies_each(&tree), copies_each(&flood));
    gx_figures_add(&m->cpu_us, tree.cpu / (double)tree.due * 1e6);
    m->counts[0] = (struct gx_bench_count){.what = "nodes", .n = w->n};
    m->counts[1] = (struct gx_bench_count){.what = "deliveries", .n = tree.copies.first};
    m->counts[2] = (struct gx_bench_count){.what = "pushed", .n = tree.copies.pushed};
    m->counts[3] = (struct gx_bench_count){.what = "last_ms", .n = tree.most_ms};
    return true;
}

bool gx_measure_redundancy(struct gx_bench *bench, struct gx_measure *m)
{
    bool ok = true;

    *m = (struct gx_measure){.name = "redundancy", .unit = "copies", .raw = "copies where all links push", .goal_is = GX_GOAL_AT_MOST, .goal_of_value = true,
                             .goal = 1.1, .note = "of a message for each node that gets it, in the simulator"};
    for (uint32_t r = 0; r < repeats(bench) && ok; r++) {
        struct world w;

        ok = warm(bench, &w, r) && redundancy(bench, m, &w);
        if (ok && r + 1 == repeats(bench))
            kept = w;
        else
            gx_sim_free(w.sim);
        gx_bench_note_noise(bench);
    }
    return ok;
}

/* Without a word: their connections stay, and nothing comes through any more. */
static void vanish(struct world *w, const bool *gone, bool away)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (gone[i])
            gx_sim_pause(w->sim, i, away);
}

static bool vanished(struct gx_bench *bench, struct gx_measure m[2], struct world *w)
{
    uint32_t n = bench->options.quick ? 10 : 20, n_gone = w->n * GONE_PERCENT / 100;
    bool *gone = calloc(w->n, sizeof *gone), ok = gone != NULL;
    uint8_t *links = links_now(w);
    struct said tree, flood;

    for (uint32_t k = 0; k < n_gone && ok; k++) {
        uint32_t node = gx_sim_pick(w->sim, w->n);

        while (gone[node])
            node = (node + 1) % w->n;
        gone[node] = true;
    }
    for (uint32_t round = 0; round < 2 && ok; round++) {
        floods = round == 1;
        links_set(w, links);
        vanish(w, gone, true);
        ok = tell(w, floods ? &flood : &tree, n, gone);
        vanish(w, gone, false);
        gx_sim_run(w->sim, WAIT_MS);
    }
    if (ok) {
        note(&m[0], (double)tree.most_ms, (double)flood.most_ms);
        note(&m[1], copies_each(&tree), copies_each(&flood));
        for (uint32_t i = 0; i < 2; i++)
            gx_figures_add(&m[i].cpu_us, tree.cpu / (double)tree.due * 1e6);
        m[0].counts[0] = (struct gx_bench_count){.what = "nodes", .n = w->n - n_gone};
        m[0].counts[1] = (struct gx_bench_count){.what = "wanted", .n = (uint64_t)n * (w->n - n_gone - 1)};
        m[0].counts[2] = (struct gx_bench_count){.what = "delivered", .n = tree.due};
        m[0].counts[3] = (struct gx_bench_count){.what = "within_1_s", .n = tree.in_time};
        m[1].counts[0] = (struct gx_bench_count){.what = "within_1_s_by_flood", .n = flood.in_time};
    }
    free(links);
    free(gone);
    return ok;
}

bool gx_measure_vanish(struct gx_bench *bench, struct gx_measure m[2])
{
    bool ok = true;

    m[0] = (struct gx_measure){.name = "vanish", .unit = "ms", .raw = "ms where all links push",
                               .note = "until all have what is said after 30 % fell silent at once, in the simulator"};
    m[1] = (struct gx_measure){.name = "vanish_copies", .unit = "copies", .raw = "copies where all links push", .note = "of those messages"};
    for (uint32_t r = 0; r < repeats(bench) && ok; r++) {
        struct world w;

        ok = warm(bench, &w, r) && vanished(bench, m, &w);
        floods = false;
        gx_sim_free(w.sim);
        gx_bench_note_noise(bench);
    }
    return ok;
}
