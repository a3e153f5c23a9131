/* What it takes to find what one of two nodes has and the other lacks: bytes that go over their line, but for the events themselves.  In the simulator, where
 * nothing else is said; the frames are those of the wire. */
#include "tools/bench/bench.h"
#include "tools/bench/counted.h"
#include "tests/sim/measure.h"

#include <stdio.h>
#include <time.h>

#define NODES 100u              /* in one group, so 200 logs: as many as come in by one code */
#define NODES_QUICK 12u
#define LACKING 1000u           /* events that the one who was away lacks */
#define FEW 10u                 /* authors of these, where they are not of all */
#define ENTRY_BYTES 12.0        /* tag, seq and check of one log: less cannot be told of it */
#define NOTHING_BYTES 32.0      /* two sums that nobody can prepare things for */
#define REST_MS 900000u
#define MEET_MS 30000u          /* before the two look once more whether they hold the same */

static struct gx_sim *sim;

static bool ask(uint32_t node, struct gx_command cmd, struct gx_sim_reply *reply, uint64_t wait_ms)
{
    return !gx_bench_stopped() && gx_sim_ask(sim, reply, node, cmd, wait_ms);
}

static bool group_of(uint32_t nodes)
{
    struct gx_command new = {.method = GX_CMD_GROUP_NEW, .name = "tea", .given = 1u << GX_PARAM_NAME};
    struct gx_command invite = {.method = GX_CMD_INVITE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    struct gx_command join = {.method = GX_CMD_JOIN, .given = 1u << GX_PARAM_TOKEN};
    struct gx_sim_reply reply;
    char token[600];

    if (!ask(0, new, &reply, 0) || !ask(0, invite, &reply, 5000) || !gx_sim_value(&reply, token, sizeof token, "token"))
        return false;
    join.token = token;
    for (uint32_t i = 1; i < nodes; i++) {
        (void)ask(i, join, &reply, 0);
        gx_sim_run(sim, 300);
    }
    (void)gx_sim_rest(sim, REST_MS);
    return !gx_bench_stopped();
}

/* The first `authors` say n messages in turn. */
static bool say(uint32_t authors, uint32_t n)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = "tea", .text = "word", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_TEXT};
    struct gx_sim_reply reply;

    for (uint32_t k = 0; k < n; k++) {
        if (!ask(k % authors, cmd, &reply, 0))
            return false;
        gx_sim_run(sim, 20);
    }
    (void)gx_sim_rest(sim, REST_MS);
    return !gx_bench_stopped();
}

/* Bytes of all frames by which nodes tell what they hold and ask for what they lack. */
static bool bytes_told(uint64_t *bytes, uint64_t *frames, uint64_t *events)
{
    struct gx_sim_figures figures;

    if (!gx_sim_figures(&figures, sim))
        return gx_bench_fail("the world does not measure");
    *bytes = *frames = 0;
    for (size_t i = 0; i < GX_ARRAY_LEN(gx_told_kinds); i++) {
        *bytes += figures.kind_bytes[gx_told_kinds[i]];
        *frames += figures.kind_frames[gx_told_kinds[i]];
    }
    *events = figures.all.received;
    gx_sim_figures_free(&figures);
    return true;
}

/* The last node was away; now it and the first are alone, and meet. */
static bool meet(uint32_t nodes, struct gx_measure *m, double raw)
{
    uint64_t bytes[2], frames[2], events[2];
    clock_t begin = 0;

    for (uint32_t i = 1; i + 1 < nodes; i++)
        gx_sim_crash(sim, i);
    gx_sim_run(sim, 1000);
    if (!bytes_told(&bytes[0], &frames[0], &events[0]))
        return false;
    begin = clock();
    gx_sim_start(sim, nodes - 1, GX_SIM_SAME);
    gx_sim_run(sim, MEET_MS);
    if (!bytes_told(&bytes[1], &frames[1], &events[1]))
        return false;
    gx_figures_add(&m->cpu_us, (double)(clock() - begin) * 1e6 / CLOCKS_PER_SEC);
    for (uint32_t i = 1; i + 1 < nodes; i++)
        gx_sim_start(sim, i, GX_SIM_SAME);
    (void)gx_sim_rest(sim, REST_MS);
    gx_figures_add(&m->value, (double)(bytes[1] - bytes[0]));
    gx_figures_add(&m->raw_value, raw);
    gx_figures_add(&m->ratio, (double)(bytes[1] - bytes[0]) / raw);
    m->counts[0] = (struct gx_bench_count){.what = "nodes", .n = nodes};
    m->counts[1] = (struct gx_bench_count){.what = "logs", .n = 2ull * nodes};
    m->counts[2] = (struct gx_bench_count){.what = "frames", .n = frames[1] - frames[0]};
    m->counts[3] = (struct gx_bench_count){.what = "events_lacking", .n = events[1] - events[0]};
    return !gx_bench_stopped();
}

static bool world(const struct gx_bench *bench, uint64_t seed, struct gx_measure m[3])
{
    uint32_t nodes = bench->options.quick ? NODES_QUICK : NODES, lacking = bench->options.quick ? 2 * NODES_QUICK : LACKING;
    uint32_t others = nodes - 1, few = bench->options.quick ? 2 : FEW;
    struct gx_sim_options options = {.seed = seed, .n_nodes = nodes, .measure = true};
    char why[200];
    bool ok = (gx_sim_machine_can(&options, 1, why) || gx_bench_fail("%s", why)) &&
              (gx_sim_new(&sim, &options) == GX_OK || gx_bench_fail("no world can be made in /dev/shm"));

    ok = ok && group_of(nodes) && say(nodes, nodes);
    if (ok) {
        gx_sim_crash(sim, nodes - 1);
        ok = meet(nodes, &m[0], NOTHING_BYTES);
    }
    for (uint32_t k = 1; k < 3 && ok; k++) {
        uint32_t authors = k == 1 ? few : others;

        gx_sim_crash(sim, nodes - 1);
        ok = say(authors, lacking) && meet(nodes, &m[k], ENTRY_BYTES * authors);
    }
    gx_sim_free(sim);
    sim = NULL;
    return ok && !gx_bench_stopped();
}

static bool counted(struct gx_counted *out)
{
    struct gx_sim_figures figures;

    if (!gx_sim_figures(&figures, sim))
        return gx_bench_fail("the world does not measure");
    static_assert(GX_COUNTED_KINDS == GX_SIM_KINDS_MAX, "as many kinds here as there");
    memcpy(out->frames, figures.kind_frames, sizeof out->frames);
    memcpy(out->bytes, figures.kind_bytes, sizeof out->bytes);
    gx_sim_figures_free(&figures);
    return true;
}

bool gx_sync_in_simulator(struct gx_counted *out, uint64_t seed, uint32_t nodes, uint32_t authors, uint32_t lacking)
{
    struct gx_sim_options options = {.seed = seed, .n_nodes = nodes, .measure = true};
    struct gx_counted before;
    char why[200];
    bool ok = (gx_sim_machine_can(&options, 1, why) || gx_bench_fail("%s", why)) &&
              (gx_sim_new(&sim, &options) == GX_OK || gx_bench_fail("no world can be made in /dev/shm"));

    ok = ok && group_of(nodes) && say(nodes, nodes);
    if (ok)
        gx_sim_crash(sim, nodes - 1);
    ok = ok && say(authors, lacking);
    for (uint32_t i = 1; ok && i + 1 < nodes; i++)
        gx_sim_crash(sim, i);
    if (ok) {
        gx_sim_run(sim, 1000);
        ok = counted(&before);
        gx_sim_start(sim, nodes - 1, GX_SIM_SAME);
        gx_sim_run(sim, MEET_MS);
        ok = ok && counted(out);
    }
    for (size_t i = 0; ok && i < GX_COUNTED_KINDS; i++) {
        out->frames[i] -= before.frames[i];
        out->bytes[i] -= before.bytes[i];
    }
    gx_sim_free(sim);
    sim = NULL;
    return ok && !gx_bench_stopped();
}

bool gx_measure_sync(struct gx_bench *bench, struct gx_measure m[3])
{
    m[0] = (struct gx_measure){.name = "sync_same", .unit = "bytes", .raw = "two sums of 16 bytes", .note = "nothing differs", .goal_is = GX_GOAL_AT_MOST,
                               .goal_of_value = true, .goal = 40};
    m[1] = (struct gx_measure){.name = "sync_few", .unit = "bytes", .raw = "12 a log that differs", .note = "of few authors; negentropy takes 34 kB for its newest 1,000",
                               .goal_is = GX_GOAL_AT_MOST, .goal_of_value = true, .goal = 1700};
    m[2] = (struct gx_measure){.name = "sync_all", .unit = "bytes", .raw = "12 a log that differs", .note = "of all authors; negentropy takes 1.34 MB for 1,000 anywhere",
                               .goal_is = GX_GOAL_AT_MOST, .goal_of_value = true, .goal = 6700};
    for (uint32_t r = 0; r < (bench->options.quick ? bench->options.repeats : 1); r++) {
        gx_bench_progress(bench, "sync: two nodes of a group meet");
        if (!world(bench, 1 + r, m))
            return gx_bench_fail("sync was not measured");
    }
    return true;
}
