/* The measures of the simulator: worlds with the real engine, beside a bare heap of as many events and the commits alone. */
#include "tools/bench/bench.h"
#include "store/schema.h"
#include "tests/sim/swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RAW_HEAP 1000000u       /* events that come and go in the raw heap, and how many wait in it */
#define RAW_HEAP_WAITING 100000u
#define RAW_COMMITS 2000u
#define QR_MEMBERS 99u          /* join by the founder's code, the others by a contact */
#define GROUP_NODES 20u

static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- raw ------------------------------------------------------------------------------------------------------------------------------ */

/* Seconds for one event of a heap that holds many: it is taken, and another comes in. */
static double raw_event(void)
{
    uint64_t *heap = malloc(RAW_HEAP_WAITING * sizeof *heap), state = 1;
    double begin = cpu_now();

    GX_ASSERT(heap != NULL);
    for (uint32_t i = 0; i < RAW_HEAP_WAITING; i++)
        heap[i] = i;
    for (uint32_t k = 0; k < RAW_HEAP; k++) {
        uint64_t at = heap[0] + 1 + (state = state * 6364136223846793005ull + 1442695040888963407ull) % RAW_HEAP_WAITING;
        uint32_t i = 0;

        for (uint32_t child = 1; child < RAW_HEAP_WAITING; child = 2 * i + 1) {
            child += child + 1 < RAW_HEAP_WAITING && heap[child + 1] < heap[child];
            if (heap[child] >= at)
                break;
            heap[i] = heap[child];
            i = child;
        }
        heap[i] = at;
    }

    double took = cpu_now() - begin;

    free(heap);
    return took / RAW_HEAP;
}

/* Seconds for one commit of a row as long as a message, as the simulator's stores make it. */
static double raw_commit(void)
{
    char path[64] = "/dev/shm/gx-bench-XXXXXX";
    uint8_t row[200] = {0};
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi table = 0;
    int fd = mkstemp(path);
    bool ok = fd >= 0 && close(fd) == 0 && mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, 64u << 20) == 0 &&
              mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOLOCK | MDB_NOSYNC | MDB_WRITEMAP, 0600) == 0 &&
              mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, NULL, 0, &table) == 0 && mdb_txn_commit(txn) == 0;
    double begin = cpu_now();

    for (uint32_t i = 0; i < RAW_COMMITS && ok; i++) {
        MDB_val key = {.mv_size = sizeof i, .mv_data = &i}, value = {.mv_size = sizeof row, .mv_data = row};

        ok = mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_put(txn, table, &key, &value, 0) == 0 && mdb_txn_commit(txn) == 0;
    }

    double took = cpu_now() - begin;

    if (env != NULL)
        mdb_env_close(env);
    unlink(path);
    return ok ? took / RAW_COMMITS : -1;
}

/* What a store with nothing in it takes of a tmpfs, KB. */
static double raw_store(void)
{
    struct gx_store_options options = {.create = true, .volatile_store = true};
    char dir[64] = "/dev/shm/gx-bench-XXXXXX", path[96];
    struct gx_store *store = NULL;
    struct stat st = {.st_blocks = 0};
    int sys = 0;
    bool ok = mkdtemp(dir) != NULL && gx_store_open(&store, dir, &options, &sys) == GX_OK;

    gx_store_close(store);
    snprintf(path, sizeof path, "%s/" GX_STORE_FILE, dir);
    ok = ok && stat(path, &st) == 0;
    unlink(path);
    rmdir(dir);
    return ok ? (double)st.st_blocks / 2 : -1;
}

/* --- worlds --------------------------------------------------------------------------------------------------------------------------- */

static struct gx_sim *sim;

/* Ctrl-C leaves nothing in the tmpfs: what was asked last is answered, and the world is freed. */
static bool ask(uint32_t node, struct gx_command cmd, struct gx_sim_reply *reply, uint64_t wait_ms)
{
    return !gx_bench_stopped() && gx_sim_ask(sim, reply, node, cmd, wait_ms);
}

static bool about(uint32_t node, enum gx_method method, uint32_t other, const char *group)
{
    struct gx_sim_reply reply;
    char who[16];
    struct gx_command cmd = {.method = method, .group = group, .who = who, .given = 1u << GX_PARAM_WHO | (group == NULL ? 0 : 1u << GX_PARAM_GROUP)};

    snprintf(who, sizeof who, "@n%u", other);
    return ask(node, cmd, &reply, 0);
}

struct plan {
    uint32_t nodes, per_group, messages;        /* messages of each group */
    uint32_t join_ms, say_ms;                   /* between two of a group */
    bool by_contact;                            /* whoever comes after QR_MEMBERS */
    bool parted;                                /* two islands in the middle, then one again */
};

struct group {
    char token[600];
};

static bool found(struct group *g, uint32_t founder)
{
    struct gx_command new = {.method = GX_CMD_GROUP_NEW, .name = "tea", .given = 1u << GX_PARAM_NAME};
    struct gx_command invite = {.method = GX_CMD_INVITE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    struct gx_sim_reply reply;

    return ask(founder, new, &reply, 0) && ask(founder, invite, &reply, 5000) && gx_sim_value(&reply, g->token, sizeof g->token, "token");
}

static bool scan(uint32_t node, uint32_t other)
{
    struct gx_command id = {.method = GX_CMD_ID}, add = {.method = GX_CMD_CONTACT_ADD, .given = 1u << GX_PARAM_TOKEN};
    struct gx_sim_reply reply;
    char card[600];

    if (!ask(other, id, &reply, 0) || !gx_sim_value(&reply, card, sizeof card, "card"))
        return false;
    add.token = card;
    return ask(node, add, &reply, 0);
}

/* The k-th of a group comes in; by a contact in four acts, each when the one before has been heard. */
static void join(const struct plan *plan, const struct group *g, uint32_t first, uint32_t k)
{
    struct gx_command cmd = {.method = GX_CMD_JOIN, .token = g->token, .given = 1u << GX_PARAM_TOKEN};
    uint32_t node = first + k, by = first + k % QR_MEMBERS;
    struct gx_sim_reply reply;

    if (!plan->by_contact || k <= QR_MEMBERS) {
        (void)ask(node, cmd, &reply, 0);
        return;
    }
    (void)scan(node, by);
    gx_sim_run(sim, plan->join_ms);
    (void)about(by, GX_CMD_ACCEPT, node, NULL);
    gx_sim_run(sim, plan->join_ms);
    (void)about(by, GX_CMD_INVITE, node, "tea");
    gx_sim_run(sim, plan->join_ms);
    (void)about(node, GX_CMD_ACCEPT, by, NULL);
}

static void part(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->nodes; i++)
        gx_sim_island(sim, i, i % 2);
    gx_sim_cut(sim, 0, 1, true);
    gx_sim_cut(sim, 1, 0, true);
}

static void say(const struct plan *plan, uint32_t groups)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = "tea", .text = "word", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_TEXT};
    struct gx_sim_reply reply;

    for (uint32_t k = 0; k < plan->messages && !gx_bench_stopped(); k++) {
        if (plan->parted && k == plan->messages / 3)
            part(plan);
        if (plan->parted && k == plan->messages * 2 / 3)
            gx_sim_heal(sim);
        for (uint32_t g = 0; g < groups; g++)
            (void)ask(g * plan->per_group + k % plan->per_group, cmd, &reply, 0);
        gx_sim_run(sim, plan->say_ms);
    }
}

static uint64_t resident(void)
{
    unsigned long long all = 0, here = 0, shared = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    bool ok = f != NULL && fscanf(f, "%llu %llu %llu", &all, &here, &shared) == 3;

    if (f != NULL)
        fclose(f);
    return ok ? here * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

struct outcome {
    double cpu;
    uint64_t bytes;             /* when all was said, the pages of the stores included: they are mapped */
    struct gx_sim_counts counts;
};

static bool run(const struct plan *plan, uint64_t seed, struct outcome *out)
{
    struct gx_sim_options options = {.seed = seed, .n_nodes = plan->nodes};
    uint32_t groups = plan->nodes / plan->per_group;
    struct group *list = calloc(groups, sizeof *list);
    uint64_t before = resident();
    double begin = cpu_now();
    char why[200];
    bool ok = list != NULL && (gx_sim_machine_can(&options, 1, why) || gx_bench_fail("%s", why)) &&
              (gx_sim_new(&sim, &options) == GX_OK || gx_bench_fail("no world can be made in /dev/shm"));

    for (uint32_t g = 0; g < groups && ok; g++)
        ok = found(&list[g], g * plan->per_group) || gx_bench_fail("a group was not founded");
    for (uint32_t k = 1; k < plan->per_group && ok && !gx_bench_stopped(); k++) {
        for (uint32_t g = 0; g < groups && !gx_bench_stopped(); g++)
            join(plan, &list[g], g * plan->per_group, k);
        gx_sim_run(sim, plan->join_ms);
    }
    ok = ok && !gx_bench_stopped();
    if (ok) {
        (void)gx_sim_rest(sim, 900000);
        say(plan, groups);
        if (!gx_bench_stopped())
            (void)gx_sim_rest(sim, 900000);
        out->bytes = resident() - before;
        ok = !gx_bench_stopped() && (gx_sim_check(sim) || gx_bench_fail("a rule is broken"));
        out->counts = *gx_sim_counts(sim);
        out->cpu = cpu_now() - begin;
    }
    gx_sim_free(sim);
    sim = NULL;
    free(list);
    return ok && !gx_bench_stopped();
}

/* --- measures ------------------------------------------------------------------------------------------------------------------------- */

/* What as many events of a bare heap cost, and a commit for each step. */
static void note_raw(struct gx_measure *m, double value, double per_raw, const struct gx_sim_counts *c, double event, double commit)
{
    double events = (double)(c->frames + c->steps) * event, commits = (double)c->steps * commit;

    gx_figures_add(&m->value, value);
    gx_figures_add(&m->raw_value, per_raw > 0 ? per_raw / events : events);
    gx_figures_add(&m->ratio, per_raw > 0 ? value * events / per_raw : value / events);
    gx_figures_add(&m->beside_value, per_raw > 0 ? per_raw / commits : commits);
    gx_figures_add(&m->beside_ratio, per_raw > 0 ? value * commits / per_raw : value / commits);
}

static void count(struct gx_measure *m, uint64_t nodes, const struct gx_sim_counts *c)
{
    m->counts[0] = (struct gx_bench_count){.what = "nodes", .n = nodes};
    m->counts[1] = (struct gx_bench_count){.what = "steps", .n = c->steps};
    m->counts[2] = (struct gx_bench_count){.what = "frames", .n = c->frames};
    m->counts[3] = (struct gx_bench_count){.what = "deliveries", .n = c->delivered - c->acked};
}

static const struct gx_measure line = {.raw = "a bare heap of as many events", .beside = "a commit for each step"};

bool gx_measure_sim_schedules(struct gx_bench *bench, struct gx_measure *m)
{
    uint32_t worlds = bench->options.quick ? 2 : 5;
    struct gx_sim_swarm of = {.n_nodes = bench->options.quick ? 12 : 50, .n_acts = bench->options.quick ? 50 : 200};

    *m = line;
    m->name = "sim_schedules";
    m->unit = "worlds/s";
    m->note = "random worlds of 50 nodes and 200 acts, healed and checked, on one core; aim 20";
    m->goal_is = GX_GOAL_AT_LEAST;
    m->goal_of_value = true;
    m->goal = 5;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        struct gx_sim_counts all = {.steps = 0};
        struct gx_scn_done acts = {.away = 0};
        double begin = cpu_now(), took = 0, event = raw_event(), commit = raw_commit();

        for (uint32_t k = 0; k < worlds; k++) {
            struct gx_scenario scn;
            size_t violations = 0;

            of.seed = 1 + r * worlds + k;
            begin = cpu_now();
            gx_sim_swarm(&scn, &of);
            if (gx_scn_play(&sim, &scn, &acts, &(struct gx_scn_options){.seed = of.seed}) != GX_OK || commit < 0)
                return gx_bench_fail("no world can be made in /dev/shm");
            took += cpu_now() - begin;
            (void)gx_sim_violations(sim, &violations);
            gx_sim_counts_add(&all, gx_sim_counts(sim));
            begin = cpu_now();
            gx_sim_free(sim);
            gx_scn_free(&scn);
            took += cpu_now() - begin;
            sim = NULL;
            if (violations > 0 || gx_bench_stopped())
                return gx_bench_fail("a rule is broken, or it was stopped");
        }
        note_raw(m, worlds / took, worlds, &all, event, commit);
        gx_figures_add(&m->cpu_us, took / worlds * 1e6);
        count(m, of.n_nodes, &all);
        gx_bench_note_noise(bench);
    }
    return true;
}

/* Once a repeat in quick runs; else once: it takes minutes. */
static bool measure(struct gx_bench *bench, struct gx_measure *m, const struct plan *plan, struct gx_figures *kb)
{
    for (uint32_t r = 0; r < (bench->options.quick ? bench->options.repeats : 1); r++) {
        struct outcome out = {.cpu = 0};
        double event = raw_event(), commit = raw_commit();

        gx_bench_progress(bench, "%s: %u nodes", m->name, plan->nodes);
        if (commit < 0 || !run(plan, 1 + r, &out))
            return gx_bench_fail("%s was not measured", m->name);
        note_raw(m, out.cpu, 0, &out.counts, event, commit);
        gx_figures_add(&m->cpu_us, out.cpu / (double)(out.counts.delivered - out.counts.acked) * 1e6);
        if (kb != NULL)
            gx_figures_add(kb, (double)out.bytes / 1024 / plan->nodes);
        count(m, plan->nodes, &out.counts);
        gx_bench_note_noise(bench);
    }
    return true;
}

bool gx_measure_sim_group(struct gx_bench *bench, struct gx_measure *m)
{
    bool quick = bench->options.quick;
    struct plan plan = {.nodes = quick ? 24 : 500, .per_group = quick ? 24 : 500, .messages = quick ? 30 : 1000, .join_ms = 200, .say_ms = 50,
                        .by_contact = true, .parted = true};

    *m = line;
    m->name = "sim_group";
    m->unit = "s";
    m->note = "500 nodes in one group, 99 by QR and 400 by contacts, 1,000 messages, a third of them in two islands";
    m->goal_is = GX_GOAL_AT_MOST;
    m->goal_of_value = true;
    m->goal = 60;
    return measure(bench, m, &plan, NULL);
}

bool gx_measure_sim_large(struct gx_bench *bench, struct gx_measure m[2])
{
    bool quick = bench->options.quick;
    struct plan plan = {.nodes = quick ? 2 * GROUP_NODES : 10000, .per_group = GROUP_NODES, .messages = quick ? 5 : 106, .join_ms = 200, .say_ms = 100};
    struct gx_figures kb = {.n = 0};

    m[0] = line;
    m[0].name = "sim_large";
    m[0].unit = "s";
    m[0].note = "10,000 nodes in groups of 20, 1,000,000 deliveries, on one core";
    m[0].goal_is = GX_GOAL_AT_MOST;
    m[0].goal_of_value = true;
    m[0].goal = 25;
    if (!measure(bench, &m[0], &plan, &kb))
        return false;
    m[1] = (struct gx_measure){.name = "sim_large_memory", .unit = "KB", .raw = "an empty store", .value = kb, .cpu_us = m[0].cpu_us,
                               .note = "memory and store of one of those nodes", .goal_is = GX_GOAL_AT_MOST, .goal_of_value = true, .goal = 128};
    for (size_t i = 0; i < kb.n; i++) {
        double raw = raw_store();

        if (raw <= 0)
            return gx_bench_fail("no store can be made in /dev/shm");
        gx_figures_add(&m[1].raw_value, raw);
        gx_figures_add(&m[1].ratio, kb.v[i] / raw);
    }
    count(&m[1], plan.nodes, &(struct gx_sim_counts){.steps = m[0].counts[1].n, .frames = m[0].counts[2].n, .delivered = m[0].counts[3].n});
    return true;
}
