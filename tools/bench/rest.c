/* What a node takes when nothing is asked of it: its file, its start, its rest; and the last messages, which are asked for most. */
#include "tools/bench/bench.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

/* --- the file ----------------------------------------------------------------------------------------------------------------------- */

/* A message of 64 bytes in full form: header, signature, the head of a sealed body and 128 bytes padded with their tag.  WIRE §3.1, §4.16 */
#define EVENT_BYTES (113u + 32u + 64u + 92u + 128u + 16u)

static double file_bytes(const struct gx_bench_node *node)
{
    char path[600];
    struct stat st;

    snprintf(path, sizeof path, "%s/store.mdb", node->home_dir);
    return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

/* Pages of it that are in use. */
static double used_bytes(struct gx_bench_node *node)
{
    json_t *status = gx_bench_call(node, "status", NULL);
    double used = (double)json_integer_value(json_object_get(json_object_get(status, "store"), "used_bytes"));

    json_decref(status);
    return used;
}

bool gx_measure_size(struct gx_bench *bench, struct gx_measure m[2])
{
    static const char *const names[] = {"file_written", "file_caught_up"};
    struct gx_bench_node *nodes[] = {&bench->a, &bench->b};
    uint32_t n = bench->options.events, more = n / 100;

    for (int k = 0; k < 2; k++)
        m[k] = (struct gx_measure){.name = names[k], .unit = "MB", .raw = "MB of events in full form", .goal_is = GX_GOAL_AT_MOST, .goal = 1.10,
                                   .note = k == 0 ? "of who wrote them" : "of who was away; their keys are kept, search is not there yet"};
    if (!gx_bench_ready(bench) || !gx_bench_down(&bench->b) || gx_bench_send_many(bench, n, GX_BENCH_WINDOW) < 0)
        return false;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        double cpu[2];

        gx_bench_progress(bench, "size of the file, %u of %u", r + 1, bench->options.repeats);
        cpu[0] = gx_bench_cpu(&bench->a);
        if (gx_bench_send_many(bench, more, GX_BENCH_WINDOW) < 0 || (bench->b.keeper == 0 && !gx_bench_up(&bench->b, bench->options.guanxi)))
            return false;
        cpu[1] = r == 0 ? 0 : gx_bench_cpu(&bench->b);
        if (!gx_bench_wait(&bench->b, json_pack("{s:s, s:I}", "group", GX_BENCH_GROUP, "count", (json_int_t)bench->events)))
            return false;
        for (int k = 0; k < 2; k++) {
            double used = used_bytes(nodes[k]), events = (double)bench->events * EVENT_BYTES;

            gx_figures_add(&m[k].value, used / 1e6);
            gx_figures_add(&m[k].raw_value, events / 1e6);
            gx_figures_add(&m[k].ratio, used / events);
            gx_figures_add(&m[k].cpu_us, (gx_bench_cpu(nodes[k]) - cpu[k]) / more * 1e6);
            m[k].counts[0] = (struct gx_bench_count){"messages", bench->events};
            m[k].counts[1] = (struct gx_bench_count){"file_bytes", (uint64_t)file_bytes(nodes[k])};
        }
        gx_bench_note_noise(bench);
    }
    return true;
}

/* --- the start, and the last 50 --------------------------------------------------------------------------------------------------------- */

#define READS 20u

/* Seconds from its beginning to its first answer; negative when it failed. */
static double start(struct gx_bench *bench, struct gx_bench_node *node)
{
    double begin = gx_bench_now();
    json_t *groups = gx_bench_up(node, bench->options.guanxi) ? gx_bench_call(node, "group.list", NULL) : NULL;
    double took = groups == NULL ? -1 : gx_bench_now() - begin;

    json_decref(groups);
    return took;
}

/* Seconds of one call. */
static double call(struct gx_bench_node *node, const char *method, json_t *params)
{
    double begin = gx_bench_now();
    json_t *result = gx_bench_call(node, method, params);
    double took = result == NULL ? -1 : gx_bench_now() - begin;

    json_decref(result);
    return took;
}

/* Where there are so many messages: it starts, and the last 50 are read. */
static bool cold_round(struct gx_bench *bench, struct gx_measure *starts, struct gx_measure *last)
{
    struct gx_bench_node *node = &bench->alone;

    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        double reads = 0, ids = 0, empty, took, cpu;

        gx_bench_progress(bench, "%s, %u of %u", starts->name, r + 1, bench->options.repeats);
        if (!gx_bench_down(node) || !gx_bench_down(&bench->empty) || (empty = start(bench, &bench->empty)) < 0 || (took = start(bench, node)) < 0)
            return false;
        gx_figures_add(&starts->value, took * 1e3);
        gx_figures_add(&starts->raw_value, empty * 1e3);
        gx_figures_add(&starts->ratio, took / empty);
        gx_figures_add(&starts->cpu_us, gx_bench_cpu(node) * 1e6);
        cpu = gx_bench_cpu(node);
        for (uint32_t i = 0; i < READS; i++) {
            double one = call(node, "read", json_pack("{s:s, s:i}", "group", GX_BENCH_GROUP, "limit", 50)), id = call(node, "id", NULL);

            if (one < 0 || id < 0)
                return false;
            reads += one;
            ids += id;
        }
        gx_figures_add(&last->value, reads / READS * 1e3);
        gx_figures_add(&last->raw_value, ids / READS * 1e3);
        gx_figures_add(&last->ratio, reads / ids);
        gx_figures_add(&last->cpu_us, (gx_bench_cpu(node) - cpu) / READS / 2 * 1e6);
        gx_bench_note_noise(bench);
    }
    return true;
}

bool gx_measure_cold(struct gx_bench *bench, struct gx_measure m[6])
{
    static const char *const names[] = {"cold_start_10k", "cold_start_100k", "cold_start_1m", "last_50_10k", "last_50_100k", "last_50_1m"};
    uint32_t n = bench->options.quick ? 100 : 10000;
    uint64_t events = 0;

    for (int k = 0; k < 3; k++, n *= 10) {
        m[k] = (struct gx_measure){.name = names[k], .unit = "ms", .raw = "of a node with nothing, ms", .goal_is = GX_GOAL_AT_MOST, .goal = 1.10,
                                   .note = "from the program's start to its first answer: the same however many there are"};
        m[3 + k] = (struct gx_measure){.name = names[3 + k], .unit = "ms", .raw = "of the shortest answer, ms", .goal_is = GX_GOAL_AT_MOST, .goal = 1,
                                       .goal_of_value = true};
        if (k == 0 && (!gx_bench_init(bench, &bench->alone, "alone") ||
                       (bench->empty.name[0] == 0 && !gx_bench_init(bench, &bench->empty, "empty")) ||
                       !gx_bench_up(&bench->alone, bench->options.guanxi) ||
                       call(&bench->alone, "group.new", json_pack("{s:s}", "name", GX_BENCH_GROUP)) < 0))
            return false;
        gx_bench_progress(bench, "%s: messages are written", m[k].name);
        if (gx_bench_send_from(&bench->alone, &events, n - (uint32_t)events, GX_BENCH_WINDOW) < 0)
            return false;
        m[k].counts[0] = m[3 + k].counts[0] = (struct gx_bench_count){"messages", events};
        if (!cold_round(bench, &m[k], &m[3 + k]))
            return false;
    }
    return gx_bench_down(&bench->alone) && gx_bench_down(&bench->empty);
}

/* --- rest ------------------------------------------------------------------------------------------------------------------------------- */

/* How often its threads went to sleep, and so woke up. */
static uint64_t wake_ups(const struct gx_bench_node *node)
{
    char path[400];
    uint64_t n = 0;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/task", (int)node->pid);
    dir = opendir(path);
    for (struct dirent *d = dir == NULL ? NULL : readdir(dir); d != NULL; d = readdir(dir)) {
        snprintf(path, sizeof path, "/proc/%d/task/%.32s/status", (int)node->pid, d->d_name);
        n += d->d_name[0] == '.' ? 0 : gx_bench_proc(path, "voluntary_ctxt_switches:");
    }
    if (dir != NULL)
        closedir(dir);
    return n;
}

#define LOOK_MS 2000
#define SETTLES_S 90            /* what two say to each other after they met is over in a minute */

/* What was begun before is over: a look brings nothing. */
static void settle(const struct gx_bench_node *node)
{
    double until = gx_bench_now() + SETTLES_S;

    for (uint64_t before = UINT64_MAX, now = wake_ups(node); now != before && gx_bench_now() < until && !gx_bench_stopped(); now = wake_ups(node)) {
        before = now;
        (void)poll(NULL, 0, LOOK_MS);
    }
}

bool gx_measure_idle(struct gx_bench *bench, struct gx_measure *m)
{
    int ms = bench->options.quick ? 500 : 10000;
    struct gx_bench_node *node = &bench->b;
    char io[64];

    *m = (struct gx_measure){.name = "idle", .unit = "wakes/s", .raw = "a second, as it may be", .goal_is = GX_GOAL_AT_MOST, .goal = 1,
                             .note = "of all its threads, with a peer; the question at the end is among them"};
    if (!gx_bench_ready(bench))
        return false;
    snprintf(io, sizeof io, "/proc/%d/io", (int)node->pid);
    if (!bench->options.quick)
        settle(node);
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        uint64_t wakes = wake_ups(node), written = gx_bench_proc(io, "write_bytes:");
        double cpu = gx_bench_cpu(node), begin = gx_bench_now();

        gx_bench_progress(bench, "idle, %u of %u", r + 1, bench->options.repeats);
        (void)poll(NULL, 0, ms);
        if (used_bytes(node) <= 0)
            return false;

        double took = gx_bench_now() - begin;

        gx_figures_add(&m->value, (double)(wake_ups(node) - wakes) / took);
        gx_figures_add(&m->raw_value, 1);
        gx_figures_add(&m->ratio, (double)(wake_ups(node) - wakes) / took);
        gx_figures_add(&m->cpu_us, (gx_bench_cpu(node) - cpu) / took * 1e6);
        m->counts[0] = (struct gx_bench_count){"written_bytes", m->counts[0].n + gx_bench_proc(io, "write_bytes:") - written};
        gx_bench_note_noise(bench);
    }
    return true;
}
