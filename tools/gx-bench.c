/* gx-bench: how fast two real nodes on this machine are, the law by itself, and the simulator, each figure beside what its parts cost raw in the same run.
 * Asserts nothing. */
#include "tools/bench/bench.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

#define EVENTS 300000u
#define EVENTS_QUICK 3000u
#define REPEATS 5u
#define REPEATS_QUICK 2u
#define TWO_THREADS_MIN 1.8

static const char usage[] =
    "Usage: gx-bench [options]        two nodes on loopback, the law by itself, the simulator, beside the raw cost in the same run\n"
    "\n"
    "      --guanxi PATH    the program to measure (default: beside this one)\n"
    "      --only NAME      one measure; may be given again\n"
    "      --list           names of the measures\n"
    "      --quick          small numbers: shows that it works, not how fast it is\n"
    "      --full           what takes minutes, too\n"
    "      --events N       messages of sends-many, of each repeat of catch-up, and three times those of catch-up-keys (default 300000)\n"
    "      --repeats N      2 to 32 (default 5)\n"
    "      --dir DIR        where homes are made and removed (default: TMPDIR or /tmp); its disk is what is measured\n"
    "      --json           one object on standard output\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit status: 0 when all was measured, whatever the figures; 1 when something failed; 2 when the command line makes no sense.\n";

/* --- what can be measured ------------------------------------------------------------------------------------------------------------ */

static bool one(struct gx_bench *bench, struct gx_measure *m)
{
    return gx_measure_sends_one(bench, m);
}

#define LINES_MAX 8u

static const struct subject {
    const char *name, *help;
    size_t lines;
    bool minutes;       /* it takes some: measured when it is named, and with --full; --quick makes it short */
    bool (*measure)(struct gx_bench *bench, struct gx_measure *m);
} subjects[] = {
    {"sends-many", "durable sends a second, 64 at once", 1, false, gx_measure_sends_many},
    {"sends-one", "durable sends a second, one at a time", 1, false, one},
    {"deliver", "from send on one node to watch on the other, durable on both", 2, false, gx_measure_deliver},
    {"attacked", "the same while a member attacks both, against the quiet p95", 3, true, gx_measure_attacked},
    {"catch-up", "a member that was away takes in what it missed", 4, false, gx_measure_catch_up},
    {"ten", "deliveries to nine others, ten real nodes", 1, false, gx_measure_ten},
    {"ingest", "control events come in, each verified", 1, false, gx_measure_ingest},
    {"catch-up-keys", "the same, with message keys learned and without", 3, false, gx_measure_catch_up_keys},
    {"size", "the file against the events in it", 2, false, gx_measure_size},
    {"cold", "start with 10^4 to 10^6 messages, and read the last 50", 6, true, gx_measure_cold},
    {"peers", "memory a connected peer, 2,000 of them", 1, true, gx_measure_peers},
    {"door-half-open", "350 half-open connections at 256 descriptors, and a visitor", 4, true, gx_measure_half_open},
    {"door-hostile", "memory, of 900 MiB of hostile frames", 4, true, gx_measure_hostile},
    {"door-joins", "10,000 joins with a code for ten", 1, true, gx_measure_joins},
    {"door-beacons", "100,000 beacons a second, in CPU", 3, true, gx_measure_beacons},
    {"idle", "wake-ups and writes of a node that rests", 1, false, gx_measure_idle},
    {"law-group", "the law: 500 members, from nothing", 2, false, gx_measure_law_group},
    {"law-replay", "the law: 10,000 operations, from nothing", 4, false, gx_measure_law_replay},
    {"law-growth", "the law: 10 to 10,000 operations, few concurrent heads and many", 8, false, gx_measure_law_growth},
    {"law-one-more", "the law: one more operation at 500 members", 4, false, gx_measure_law_one_more},
    {"law-rollback", "the law: the worst that one operation can do", 7, false, gx_measure_law_rollback},
    {"law-promotes", "the law: 100 PROMOTEs that do not know everything", 1, false, gx_measure_law_promotes},
    {"law-rejoin", "the law: a member who comes and goes without end", 1, false, gx_measure_law_rejoin},
    {"law-memory", "the law: what 10,000 operations take", 3, false, gx_measure_law_memory},
    {"seal", "a message is sealed, and opened", 2, false, gx_measure_seal},
    {"epoch", "an epoch for 10, 100 and 500 devices", 6, false, gx_measure_epoch},
    {"keys", "10,000 message keys are told", 1, false, gx_measure_keys},
    {"unlock", "a vault with a passphrase is opened", 1, false, gx_measure_unlock},
    {"key-rows", "message keys are written into the store, and read", 2, false, gx_measure_key_rows},
    {"rewrap", "the keys of a store change", 1, false, gx_measure_rewrap},
    {"sync", "two nodes find what one has and the other lacks", 3, false, gx_measure_sync},
    {"sync-wire", "the same between real nodes, held against the simulator", 2, true, gx_measure_sync_wire},
    {"sim-schedules", "the simulator: random worlds of 50 nodes", 1, false, gx_measure_sim_schedules},
    {"sim-group", "the simulator: 500 nodes in one group", 1, true, gx_measure_sim_group},
    {"sim-large", "the simulator: 10,000 nodes", 2, true, gx_measure_sim_large},
    {"redundancy", "the simulator: copies of a message in a group of 200, with --full of 500", 1, true, gx_measure_redundancy},
    {"vanish", "the simulator: 30 % of a group of 200, with --full of 500, fall silent at once", 2, true, gx_measure_vanish},
};

struct report {
    struct gx_measure lines[GX_ARRAY_LEN(subjects) * LINES_MAX];
    size_t n;
};

/* --- telling -------------------------------------------------------------------------------------------------------------------------- */

static bool met(const struct gx_measure *m)
{
    double figure = gx_figures_median(m->goal_of_value ? &m->value : &m->ratio);

    return m->goal_is == GX_GOAL_AT_LEAST ? figure >= m->goal : figure <= m->goal;
}

static void print_goal(const struct gx_measure *m)
{
    const char *is = m->goal_is == GX_GOAL_AT_LEAST ? "at least" : "at most";

    if (m->goal_is == GX_GOAL_NONE)
        return;
    if (m->goal_of_value)
        printf("  goal %s %g %s: %s", is, m->goal, m->unit, met(m) ? "met" : "not met");
    else
        printf("  goal %s %.2f: %s", is, m->goal, met(m) ? "met" : "not met");
}

static void print_line(const struct gx_measure *m)
{
    if (m->skipped != NULL) {
        printf("%-23s skipped: %s\n", m->name, m->skipped);
        return;
    }

    int digits = gx_figures_median(&m->value) < 10 ? 3 : 1, raw_digits = gx_figures_median(&m->raw_value) < 10 ? 3 : 1;

    printf("%-23s %10.*f %-8s (%.*f to %.*f) ratio %7.3f (%.3f to %.3f)", m->name, digits, gx_figures_median(&m->value), m->unit, digits,
           gx_figures_min(&m->value), digits, gx_figures_max(&m->value), gx_figures_median(&m->ratio), gx_figures_min(&m->ratio),
           gx_figures_max(&m->ratio));
    print_goal(m);
    printf("\n%-23s %10.*f %s", "", raw_digits, gx_figures_median(&m->raw_value), m->raw);
    if (m->beside != NULL)
        printf("; %.1f times %s", gx_figures_median(&m->beside_ratio), m->beside);
    printf("; CPU %.1f us each", gx_figures_median(&m->cpu_us));
    for (size_t i = 0; i < GX_BENCH_COUNTS_MAX && m->counts[i].what != NULL; i++)
        printf("; %s %" PRIu64, m->counts[i].what, m->counts[i].n);
    printf("%s%s\n", m->note == NULL ? "" : "; ", m->note == NULL ? "" : m->note);
}

static json_t *figures_json(const struct gx_figures *f)
{
    return json_pack("{s:f, s:f, s:f, s:I}", "median", gx_figures_median(f), "min", gx_figures_min(f), "max", gx_figures_max(f), "repeats",
                     (json_int_t)f->n);
}

static json_t *line_json(const struct gx_measure *m)
{
    if (m->skipped != NULL)
        return json_pack("{s:s, s:s}", "name", m->name, "skipped", m->skipped);

    json_t *line = json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o}", "name", m->name, "unit", m->unit, "value", figures_json(&m->value), "raw_is",
                             m->raw, "raw", figures_json(&m->raw_value), "ratio", figures_json(&m->ratio), "cpu_us", figures_json(&m->cpu_us));

    if (m->beside != NULL)
        (void)json_object_update_new(line, json_pack("{s:s, s:o, s:o}", "beside_is", m->beside, "beside", figures_json(&m->beside_value), "beside_ratio",
                                                     figures_json(&m->beside_ratio)));
    for (size_t i = 0; i < GX_BENCH_COUNTS_MAX && m->counts[i].what != NULL; i++)
        (void)json_object_set_new(line, m->counts[i].what, json_integer((json_int_t)m->counts[i].n));
    if (m->goal_is != GX_GOAL_NONE)
        (void)json_object_update_new(line, json_pack("{s:f, s:s, s:s, s:b}", "goal", m->goal, "goal_is",
                                                     m->goal_is == GX_GOAL_AT_LEAST ? "at_least" : "at_most", "goal_of",
                                                     m->goal_of_value ? "value" : "ratio", "met", (int)met(m)));
    return line;
}

static bool print_json(const struct gx_bench *bench, const struct report *report)
{
    double two_threads = gx_figures_median(&bench->two_threads);
    json_t *lines = json_array();

    for (size_t i = 0; i < report->n; i++)
        (void)json_array_append_new(lines, line_json(&report->lines[i]));
    json_t *all = json_pack("{s:s, s:b, s:I, s:I, s:f, s:b, s:o}", "version", GX_VERSION, "quick", (int)bench->options.quick, "events",
                            (json_int_t)bench->options.events, "repeats", (json_int_t)bench->options.repeats, "two_threads", two_threads,
                            "noisy", two_threads < TWO_THREADS_MIN, "measures", lines);
    bool ok = all != NULL && json_dumpf(all, stdout, JSON_INDENT(1)) == 0 && putchar('\n') == '\n' && fflush(stdout) == 0;

    json_decref(all);
    return ok || gx_bench_fail("cannot write the report");
}

static bool print_all(const struct gx_bench *bench, const struct report *report)
{
    double two_threads = gx_figures_median(&bench->two_threads);

    if (two_threads < TWO_THREADS_MIN)
        fprintf(stderr, "gx-bench: two threads verify only %.2f times as much as one: something else runs here; do not rely on these figures\n",
                two_threads);
    if (bench->options.quick)
        fprintf(stderr, "gx-bench: quick: these figures tell nothing about speed\n");
    if (bench->options.json)
        return print_json(bench, report);
    for (size_t i = 0; i < report->n; i++)
        print_line(&report->lines[i]);
    return fflush(stdout) == 0;
}

/* --- command line ----------------------------------------------------------------------------------------------------------------------- */

static bool chosen[GX_ARRAY_LEN(subjects)];

static bool choose(const char *name)
{
    for (size_t i = 0; i < GX_ARRAY_LEN(subjects); i++)
        if (strcmp(subjects[i].name, name) == 0)
            return chosen[i] = true;
    return gx_bench_fail("there is no measure %s; --list names them", name);
}

static bool number(uint32_t *out, const char *text, uint32_t min, uint32_t max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value < min || value > max)
        return gx_bench_fail("%s: a number from %u to %u is expected", text, min, max);
    *out = (uint32_t)value;
    return true;
}

/* A program beside this one. */
static const char *beside(const char *name, char path[4096])
{
    ssize_t n = readlink("/proc/self/exe", path, 4096);

    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n <= 0 || (size_t)n + strlen(name) >= 4096)
        return name;
    memcpy(path + n, name, strlen(name) + 1);
    return path;
}

static int list(void)
{
    for (size_t i = 0; i < GX_ARRAY_LEN(subjects); i++)
        printf("%-14s %s%s\n", subjects[i].name, subjects[i].help, subjects[i].minutes ? " (minutes)" : "");
    return EXIT_SUCCESS;
}

/* -1: go on. */
static int read_options(struct gx_bench_options *out, int argc, char **argv)
{
    enum { OPT_GUANXI = 256, OPT_ONLY, OPT_LIST, OPT_QUICK, OPT_FULL, OPT_EVENTS, OPT_REPEATS, OPT_DIR, OPT_JSON };
    static const struct option options[] = {
        {"guanxi", required_argument, NULL, OPT_GUANXI}, {"only", required_argument, NULL, OPT_ONLY},
        {"list", no_argument, NULL, OPT_LIST},           {"quick", no_argument, NULL, OPT_QUICK},
        {"events", required_argument, NULL, OPT_EVENTS}, {"repeats", required_argument, NULL, OPT_REPEATS},
        {"dir", required_argument, NULL, OPT_DIR},       {"json", no_argument, NULL, OPT_JSON},
        {"full", no_argument, NULL, OPT_FULL},            {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    bool ok = true;

    for (int c; ok && (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case OPT_GUANXI:
            out->guanxi = optarg;
            break;
        case OPT_ONLY:
            ok = choose(optarg);
            break;
        case OPT_LIST:
            return list();
        case OPT_QUICK:
            out->quick = true;
            break;
        case OPT_FULL:
            out->full = true;
            break;
        case OPT_EVENTS:
            ok = number(&out->events, optarg, 100, 100000000);
            break;
        case OPT_REPEATS:
            ok = number(&out->repeats, optarg, 2, GX_BENCH_REPEATS_MAX);
            break;
        case OPT_DIR:
            out->dir = optarg;
            break;
        case OPT_JSON:
            out->json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            return EXIT_USAGE;
        }
    }
    if (ok && optind < argc)
        ok = gx_bench_fail("%s: nothing is expected here", argv[optind]);
    if (!ok)
        return EXIT_USAGE;
    out->events = out->events != 0 ? out->events : out->quick ? EVENTS_QUICK : EVENTS;
    out->repeats = out->repeats != 0 ? out->repeats : out->quick ? REPEATS_QUICK : REPEATS;
    return -1;
}

static bool measure_all(struct gx_bench *bench, struct report *report)
{
    bool all = true;

    for (size_t i = 0; i < GX_ARRAY_LEN(subjects); i++)
        all = all && !chosen[i];
    for (size_t i = 0; i < GX_ARRAY_LEN(subjects); i++) {
        if (all ? subjects[i].minutes && !bench->options.full && !bench->options.quick : !chosen[i])
            continue;
        if (!subjects[i].measure(bench, &report->lines[report->n]))
            return false;
        report->n += subjects[i].lines;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct gx_bench bench;
    static struct report report;
    static char guanxi[4096], keyless[4096], counted[4096];
    const char *tmp = getenv("TMPDIR");
    struct gx_bench_options options = {.guanxi = beside("guanxi", guanxi),
                                       .keyless = beside("gx-bench-keyless", keyless),
                                       .counted = beside("gx-bench-counted", counted),
                                       .dir = tmp == NULL || *tmp == '\0' ? "/tmp" : tmp};
    int code = read_options(&options, argc, argv);

    if (code >= 0)
        return code;
    gx_bench_catch_signals();
    bool ok = gx_bench_open(&bench, &options) && measure_all(&bench, &report);
    gx_bench_close(&bench);
    if (gx_bench_stopped())
        return EXIT_INTERRUPTED;
    return ok && print_all(&bench, &report) ? EXIT_SUCCESS : EXIT_FAILED;
}
