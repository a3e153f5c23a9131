/* Deliveries to nine others: ten real nodes in one group. */
#include "tools/bench/bench.h"

#include <stdio.h>

#define VERIFIES 2000u

static bool add(struct gx_bench *bench, uint32_t i)
{
    struct gx_bench_node *node = &bench->more[i];
    char name[8];

    snprintf(name, sizeof name, "n%u", i);
    return gx_bench_init(bench, node, name) && gx_bench_up(node, bench->options.guanxi) && gx_bench_join(bench, node);
}

static bool ready(struct gx_bench *bench)
{
    if (!gx_bench_ready(bench))
        return false;
    for (uint32_t i = 0; i < GX_BENCH_MORE; i++)
        if (bench->more[i].keeper == 0 && !add(bench, i))
            return false;
    for (uint32_t i = 0; i < GX_BENCH_MORE; i++)
        if (!gx_bench_meet(&bench->more[i], GX_BENCH_MORE + 1))
            return false;
    return true;
}

/* A number of its group: "count" of messages, "members"; negative: it did not say. */
static json_int_t shown(struct gx_bench_node *node, const char *what)
{
    json_t *group = gx_bench_call(node, "group.show", json_pack("{s:s}", "group", GX_BENCH_GROUP));
    json_int_t number = group == NULL ? -1 : json_integer_value(json_object_get(group, what));

    json_decref(group);
    return number;
}

/* They go for good: nobody dials them while others are measured. */
static bool all_leave(struct gx_bench *bench)
{
    json_int_t members = shown(&bench->a, "members");

    for (uint32_t i = 0; i < GX_BENCH_MORE; i++) {
        json_t *left = gx_bench_call(&bench->more[i], "group.leave", json_pack("{s:s}", "group", GX_BENCH_GROUP));

        json_decref(left);
        if (left == NULL)
            return false;
    }
    if (members < 0 || !gx_bench_wait(&bench->a, json_pack("{s:s, s:I}", "group", GX_BENCH_GROUP, "members", members - GX_BENCH_MORE)))
        return false;
    for (uint32_t i = 0; i < GX_BENCH_MORE; i++)
        if (!gx_bench_down(&bench->more[i]))
            return false;
    return true;
}

static double cpu_of_all(const struct gx_bench *bench)
{
    double cpu = gx_bench_cpu(&bench->a) + gx_bench_cpu(&bench->b);

    for (uint32_t i = 0; i < GX_BENCH_MORE; i++)
        cpu += gx_bench_cpu(&bench->more[i]);
    return cpu;
}

static struct gx_bench_node *other(struct gx_bench *bench, uint32_t i)
{
    return i < GX_BENCH_MORE ? &bench->more[i] : &bench->b;
}

/* Seconds from the first send until the last of the nine holds all; negative when it failed. */
static double deliver(struct gx_bench *bench, uint32_t n)
{
    json_int_t before[GX_BENCH_MORE + 1];

    for (uint32_t i = 0; i <= GX_BENCH_MORE; i++)
        if ((before[i] = shown(other(bench, i), "count")) < 0)
            return -1;

    double begin = gx_bench_now();

    if (gx_bench_send_many(bench, n, GX_BENCH_WINDOW) < 0)
        return -1;
    for (uint32_t i = 0; i <= GX_BENCH_MORE; i++)
        if (!gx_bench_wait(other(bench, i), json_pack("{s:s, s:I}", "group", GX_BENCH_GROUP, "count", before[i] + n)))
            return -1;
    return gx_bench_now() - begin;
}

bool gx_measure_ten(struct gx_bench *bench, struct gx_measure *m)
{
    uint32_t n = bench->options.quick ? 200 : 10000;

    *m = (struct gx_measure){.name = "deliveries_ten", .unit = "/s", .raw = "verifications/s, two cores", .goal_is = GX_GOAL_AT_LEAST, .goal = 120000,
                             .goal_of_value = true, .note = "one sender, nine others; every one commits what it got"};
    if (!ready(bench))
        return false;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        double limit = gx_raw_verify_threads(bench->raw, VERIFIES), cpu = cpu_of_all(bench);

        gx_bench_progress(bench, "ten nodes, %u of %u", r + 1, bench->options.repeats);

        double took = deliver(bench, n);

        if (took < 0)
            return false;
        gx_figures_add(&m->value, n * (GX_BENCH_MORE + 1) / took);
        gx_figures_add(&m->raw_value, 2 * VERIFIES / limit);
        gx_figures_add(&m->ratio, n * (GX_BENCH_MORE + 1) / took / (2 * VERIFIES / limit));
        gx_figures_add(&m->cpu_us, (cpu_of_all(bench) - cpu) / n / (GX_BENCH_MORE + 1) * 1e6);
        gx_bench_note_noise(bench);
    }
    return all_leave(bench);
}
