/* Networks of nodes that exist in this process only: the engine and the store that ship, a clock that jumps.  tests/README.md, "Simulating". */
#include "proto/ids.h"
#include "tests/sim/jobs.h"
#include "tests/sim/report/report.h"
#include "tests/sim/shrink.h"
#include "tests/sim/swarm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define EXIT_MACHINE 74
#define FILE_MAX (1u << 20)

struct args {
    const char *file;           /* NULL: random worlds */
    const char *out, *report;   /* report: folder for it; NULL: none is wanted */
    const char *range;          /* of a sweep */
    uint64_t seed, n, nodes, acts, jobs;
    bool no_writemap, no_memo, verbose, tell, quiet;
    char at[48];                /* one value of a sweep, as a sweep of its own; empty: none is made */
    struct gx_scenario scn;     /* of the file */
    char *text;
};

/* What one run gives to the process that counts. */
struct result {
    struct gx_sim_counts counts;
    struct gx_sim_removals removals;
    struct gx_scn_done done;
    uint8_t trace[32];
    uint64_t violations;
    bool unreported;            /* its report could not be written */
    bool ran_full;              /* there was no room for its stores */
};

struct total {
    struct args *a;
    struct result all;
    uint64_t runs, broken;
    bool unreported, ran_full;
};

static void usage(FILE *out)
{
    fputs("gx-sim run FILE.scn [--seed N] [--runs K] [--jobs J] [--report DIR]\n"
          "    plays a scenario with that seed (1), and K - 1 more; `expect` lines and all rules have to hold\n"
          "gx-sim compare A.json B.json [--within FACTOR]\n"
          "    where two reports differ; or whether in both all holds, as much was delivered, and half of it within times that are no farther apart\n"
          "gx-sim print FILE.scn\n"
          "    a scenario as JSON, act by act\n"
          "gx-sim swarm [--seeds N | --seed N] [--nodes N] [--acts N] [--jobs J] [--report DIR]\n"
          "    runs N random worlds (100) of that many nodes (12) and acts (200), heals them, and looks whether every rule held\n"
          "gx-sim replay [FILE.scn] [--seed N] [--report DIR]    without a file: [--nodes N] [--acts N]\n"
          "    one run, told act by act: what each node answered, and when a rule was broken\n"
          "gx-sim shrink [FILE.scn] [--seed N] [--out FILE]    without a file: [--nodes N] [--acts N]\n"
          "    a run that breaks a rule, made as small as it still breaks that rule, as a scenario file\n"
          "gx-sim sweep WHAT=FROM..TO:STEP FILE.scn [--seed N] [--runs K] [--jobs J] [--report DIR]\n"
          "    a scenario at each of these: loss (percent), delay or jitter (ms), of all links, named in it or not\n"
          "gx-sim mutants [NAME ...]\n"
          "    bugs planted on purpose have to be found\n"
          "All but compare, print and mutants: [--no-writemap] stores are written as the node does, [--no-memo] signatures are verified as often as they come\n",
          out);
}

/* --- the machine ------------------------------------------------------------------------------------------------------------------------------ */

static bool machine_can(const struct args *a, uint64_t at_once)
{
    struct gx_sim_options options = {.n_nodes = (uint32_t)a->nodes, .no_writemap = a->no_writemap};
    char why[200];

    if (gx_sim_machine_can(&options, at_once, why))
        return true;
    fprintf(stderr, "gx-sim: %s\n", why);
    return false;
}

static int no_world(const struct args *a, int why)
{
    if (!gx_sim_has_room("/dev/shm"))
        fprintf(stderr, "gx-sim: /dev/shm is full");
    else
        fprintf(stderr, "gx-sim: no world can be made in /dev/shm%s%s", why == 0 ? "" : ": ", why == 0 ? "" : strerror(why));
    fprintf(stderr, "; %" PRIu64 " nodes need some %" PRIu64 " MB of room there for each run\n", a->nodes, a->nodes / 2 + 1);
    return EXIT_MACHINE;
}

static int ran_full(void)
{
    fputs("gx-sim: /dev/shm ran full, and what was found there proves nothing: it has to be larger (mount -o remount,size=), or less at once in it (--jobs)\n",
          stderr);
    return EXIT_MACHINE;
}

/* --- arguments -------------------------------------------------------------------------------------------------------------------------------- */

static bool number(uint64_t *out, const char *text, uint64_t least, uint64_t most)
{
    char *end = NULL;

    errno = 0;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == 0 && *out >= least && *out <= most;
}

static char *read_file(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    char *text = malloc(FILE_MAX + 1);
    size_t n = f == NULL || text == NULL ? 0 : fread(text, 1, FILE_MAX + 1, f);
    bool ok = f != NULL && text != NULL && n <= FILE_MAX && ferror(f) == 0;

    if (!ok)
        fprintf(stderr, "gx-sim: %s cannot be read: %s\n", path, n > FILE_MAX ? "longer than 1 MiB" : strerror(errno));
    if (f != NULL)
        fclose(f);
    if (!ok) {
        free(text);
        return NULL;
    }
    text[n] = 0;
    *bytes = n;
    return text;
}

static int read_scenario(struct args *a)
{
    char why[300];
    uint32_t line = 0, column = 0;
    size_t n = 0;

    a->text = read_file(a->file, &n);
    if (a->text == NULL)
        return EXIT_MACHINE;
    if (gx_scn_read(&a->scn, a->text, n, why, &line, &column)) {
        a->nodes = a->scn.n_nodes;
        return 0;
    }
    fprintf(stderr, "%s:%u:%u: %s\n", a->file, line, column, why);
    return EXIT_USAGE;
}

/* What may be said to a command, each in blanks: `of_file` with a scenario, `of_world` without one; NULL: it needs one, or takes none. */
struct command {
    const char *name;
    int (*call)(struct args *a);
    const char *of_file, *of_world;
};

static bool is_of(const char *list, const char *name)
{
    char word[24];

    return list != NULL && (size_t)snprintf(word, sizeof word, " %s ", name) < sizeof word && strstr(list, word) != NULL;
}

static bool refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool refuse(const char *format, ...)
{
    va_list args;

    fputs("gx-sim: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("; gx-sim help says what there is\n", stderr);
    return false;
}

/* One option, and what is behind it. */
static bool read_option(struct args *a, const char *name, const char *value)
{
    const struct { const char *name; uint64_t *out, least, most; } numbers[] = {
        {"--seed", &a->seed, 0, UINT64_MAX},  {"--seeds", &a->n, 1, 1000000},      {"--runs", &a->n, 1, 1000000},
        {"--nodes", &a->nodes, 4, GX_SIM_NODES_MAX}, {"--acts", &a->acts, 1, 1000000}, {"--jobs", &a->jobs, 1, 1024},
    };

    if (value == NULL)
        return refuse("%s wants something behind it", name);
    for (size_t i = 0; i < GX_ARRAY_LEN(numbers); i++)
        if (strcmp(name, numbers[i].name) == 0)
            return number(numbers[i].out, value, numbers[i].least, numbers[i].most) ||
                   refuse("%s is a number from %" PRIu64 " to %" PRIu64 ", and not '%s'", name, numbers[i].least, numbers[i].most, value);
    if (strcmp(name, "--out") == 0)
        a->out = value;
    else
        a->report = value;
    return true;
}

static bool read_args(struct args *a, const struct command *c, char **argv)
{
    bool sweeps = strcmp(c->name, "sweep") == 0, seed = false;
    const char *other = NULL;           /* an option that only the other kind of run has */

    for (; *argv != NULL; argv++) {
        const char *name = *argv;

        if (strncmp(name, "--", 2) != 0) {
            const char **what = sweeps && a->range == NULL ? &a->range : &a->file;

            if (*what != NULL || (c->of_file == NULL && what == &a->file))
                return refuse("'%s' is one file too many for %s", name, c->name);
            *what = name;
            continue;
        }
        if (strcmp(name, "--no-writemap") == 0 || strcmp(name, "--no-memo") == 0) {
            a->no_writemap = a->no_writemap || name[5] == 'w';
            a->no_memo = a->no_memo || name[5] == 'm';
            continue;
        }
        if (!is_of(c->of_file, name) && !is_of(c->of_world, name))
            return refuse("%s takes no %s", c->name, name);
        if (!read_option(a, name, argv[1]))
            return false;
        seed = seed || strcmp(name, "--seed") == 0;
        other = other == NULL && c->of_file != NULL && !is_of(c->of_file, name) ? name : other;
        argv++;
    }
    if (sweeps && a->range == NULL)
        return refuse("sweep wants what to set: loss=0..40:5, delay=1..500:50 or jitter=0..100:20");
    if (a->file == NULL && c->of_world == NULL)
        return refuse("%s wants a scenario file", c->name);
    if (a->file != NULL && other != NULL)
        return refuse("%s is of random worlds, and not of a scenario file", other);
    if (seed && a->n == 0)
        a->n = 1;
    if (a->n > 0 && a->seed > UINT64_MAX - (a->n - 1))
        return refuse("%" PRIu64 " runs from seed %" PRIu64 " on are more than there are seeds: the last is %" PRIu64, a->n, a->seed, UINT64_MAX);
    return true;
}

/* --- runs ------------------------------------------------------------------------------------------------------------------------------------- */

static void say_again(FILE *out, const struct args *a, const char *verb, uint64_t seed)
{
    if (a->at[0] != 0)
        fprintf(out, "gx-sim sweep %s %s --seed %" PRIu64 "\n", a->at, a->file, seed);
    else if (a->file != NULL)
        fprintf(out, "gx-sim %s %s --seed %" PRIu64 "\n", verb, a->file, seed);
    else
        fprintf(out, "gx-sim %s --seed %" PRIu64 " --nodes %" PRIu64 " --acts %" PRIu64 "\n", verb, seed, a->nodes, a->acts);
}

static void say_violations(FILE *out, const struct gx_sim *of, uint64_t seed)
{
    size_t n = 0;
    const struct gx_sim_violation *v = gx_sim_violations(of, &n);

    for (size_t i = 0; i < n; i++) {
        fprintf(out, "seed %" PRIu64 ": %s at %" PRIu64 " ms", seed, gx_sim_oracle_name(v[i].oracle), v[i].at_ms);
        if (v[i].node != UINT32_MAX)
            fprintf(out, ", %s", gx_sim_node_name(of, v[i].node));
        fprintf(out, ": %s\n", v[i].text);
    }
}

static void say_expects(FILE *out, const struct gx_scenario *scn)
{
    for (uint32_t i = 0; i < scn->n_expects; i++)
        fprintf(out, "line %u: %s (%s)\n", scn->expects[i].line, scn->expects[i].ok ? "holds" : "DOES NOT HOLD", scn->expects[i].got);
}

static void say_run(FILE *out, const struct result *r, uint64_t seed)
{
    char hex[65];

    gx_hex(hex, r->trace, sizeof r->trace);
    fprintf(out, "seed %" PRIu64 ": %s; messages %" PRIu64 ", delivered %" PRIu64 " of %" PRIu64 ", frames %" PRIu64 ", bytes %" PRIu64 "; trace %.16s\n", seed,
            r->violations == 0 ? "all holds" : "BROKEN", r->counts.acked, r->counts.delivered, r->counts.due, r->counts.frames, r->counts.bytes, hex);
}

/* One run: in that folder; of several each has one of its own. */
static bool report(const struct args *a, uint64_t seed, struct gx_sim *sim, const struct gx_scenario *scn)
{
    char title[80], dir[1100], *again = NULL, *source = NULL;
    size_t n = 0, m = 0;
    FILE *command = open_memstream(&again, &n), *text = open_memstream(&source, &m);
    int err = command == NULL || text == NULL ? ENOMEM : 0;

    snprintf(title, sizeof title, "Random world of %u nodes and %u acts", scn->n_nodes, scn->n_acts);
    snprintf(dir, sizeof dir, a->n == 1 ? "%s" : "%s/seed-%" PRIu64, a->report, seed);
    if (command != NULL) {
        say_again(command, a, a->file == NULL ? "swarm" : "run", seed);
        fclose(command);
    }
    if (text != NULL) {
        if (a->text == NULL)
            gx_scn_write(text, scn);
        fclose(text);
    }
    if (err == 0)
        err = gx_report_write(sim, &(struct gx_report){.title = a->file == NULL ? title : a->file, .again = again, .scn = scn, .source = a->text == NULL ? source : a->text}, dir);
    if (err != 0)
        fprintf(stderr, "gx-sim: no report can be written in %s: %s\n", dir, strerror(err));
    free(again);
    free(source);
    return err == 0;
}

/* Of one run; of many, runs are counted. */
static void progress(uint64_t now_ms, uint64_t end_ms)
{
    fprintf(stderr, "\r\033[K%" PRIu64 " s of %" PRIu64 " s at most ", now_ms / 1000, end_ms / 1000);
}

static int play(struct args *a, uint64_t seed, const char *dir, struct result *r, FILE *out)
{
    struct gx_scenario drawn, *scn = &a->scn;      /* marked with what was found: in a process of its own */
    struct gx_scn_options options = {.seed = seed, .dir = dir, .no_writemap = a->no_writemap, .no_memo = a->no_memo, .measure = a->report != NULL,
                                     .tell = a->tell ? stdout : NULL, .progress = a->n == 1 && !a->tell && isatty(STDERR_FILENO) == 1 ? progress : NULL};
    struct gx_sim *sim = NULL;
    size_t n = 0;

    if (a->file == NULL) {
        gx_sim_swarm(&drawn, &(struct gx_sim_swarm){.seed = seed, .n_nodes = (uint32_t)a->nodes, .n_acts = (uint32_t)a->acts});
        scn = &drawn;
    }
    if (gx_scn_play(&sim, scn, &r->done, &options) != GX_OK)
        return EXIT_MACHINE;
    (void)gx_sim_violations(sim, &n);
    r->violations = n;
    r->ran_full = n > 0 && gx_sim_ran_full(sim);
    r->counts = *gx_sim_counts(sim);
    r->removals = *gx_sim_removals(sim);
    gx_sim_trace(sim, r->trace);
    if (a->file != NULL)
        say_expects(out, scn);
    say_violations(out, sim, seed);
    if (a->file != NULL || a->verbose || a->tell || n > 0)
        say_run(out, r, seed);

    r->unreported = a->report != NULL && !report(a, seed, sim, scn);
    gx_sim_free(sim);
    if (a->file == NULL)
        gx_scn_free(&drawn);
    return n == 0 ? 0 : 1;
}

static int work(void *ctx, uint64_t seed, const char *dir, void *result, FILE *out)
{
    struct total *t = ctx;

    int code = play(t->a, seed, dir, result, out);

    fflush(stdout);
    return code;
}

static bool count(void *ctx, const struct gx_sim_job *job)
{
    struct total *t = ctx;
    const struct result *r = job->result;
    bool broken = job->signal != 0 || job->code != 0;

    t->ran_full = r->ran_full || (broken && job->no_room);
    if (job->code == EXIT_MACHINE || t->ran_full) {
        t->runs = 0;
        return false;
    }
    if (isatty(STDERR_FILENO) == 1)
        fputs("\r\033[K", stderr);
    if (!t->a->quiet)
        fputs(job->text, stdout);
    if (job->signal != 0)
        printf("seed %" PRIu64 ": ended by itself: %s\n", job->index, strsignal(job->signal));
    t->runs++;
    t->broken += broken;
    t->unreported = t->unreported || r->unreported;
    if (broken && !t->a->tell) {
        fputs("again: ", stdout);
        say_again(stdout, t->a, "replay", job->index);
    }
    if (job->signal == 0) {
        gx_sim_counts_add(&t->all.counts, &r->counts);
        gx_sim_removals_add(&t->all.removals, &r->removals);
        gx_scn_done_add(&t->all.done, &r->done);
    }
    fflush(stdout);
    if (isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "%" PRIu64 " of %" PRIu64 " runs, %" PRIu64 " broken ", t->runs, t->a->n, t->broken);
    return true;
}

/* All of them; 0 or what to exit with. */
static int run_all(struct total *t)
{
    const struct args *a = t->a;
    struct gx_sim_jobs jobs = {.first = a->seed, .n = a->n, .at_once = (uint32_t)a->jobs, .result_bytes = sizeof(struct result), .work = work, .done = count, .ctx = t};
    uint64_t at_once = a->jobs == 0 ? gx_sim_jobs_processors() : a->jobs;

    if (!machine_can(a, at_once < a->n ? at_once : a->n))
        return EXIT_MACHINE;
    if (a->report != NULL)
        gx_report_clear(a->report);

    int ended = gx_sim_jobs_run(&jobs), err = errno;

    if (isatty(STDERR_FILENO) == 1)
        fputs("\r\033[K", stderr);
    if (ended > 0)
        return 128 + ended;
    if (t->ran_full)
        return ran_full();
    if (ended < 0 || t->runs == 0)
        return no_world(a, ended < 0 ? err : 0);
    if (a->report != NULL && a->n > 1 && !t->unreported) {
        err = gx_report_index(a->report, a->file == NULL ? "Random worlds" : a->file, a->seed, t->runs);
        if (err != 0)
            fprintf(stderr, "gx-sim: no index can be written in %s: %s\n", a->report, strerror(err));
        t->unreported = err != 0;
    }
    return t->unreported ? EXIT_MACHINE : t->broken == 0 ? 0 : 1;
}

static void say_spread(const struct gx_sim_spread *s)
{
    if (s->n > 0)
        printf("; half %" PRIu64 " ms, 90 %% %" PRIu64 " ms, 99 %% %" PRIu64 " ms, the last %" PRIu64 " ms", gx_sim_spread_quantile(s, .5),
               gx_sim_spread_quantile(s, .9), gx_sim_spread_quantile(s, .99), s->most_ms);
    fputs("\n", stdout);
}

static void say_removals(const struct gx_sim_removals *r)
{
    printf("removals %" PRIu64 ", while a link was cut %" PRIu64 "; sealed to who is out: of %" PRIu64 " messages by who had heard %" PRIu64 "\n", r->n, r->apart,
           r->behind, r->knowing);
    printf("a removal was heard by members %" PRIu64, r->heard.n);
    say_spread(&r->heard);
    printf("sealed to who is out by who had not heard %" PRIu64 ", read there %" PRIu64, r->window.n, r->read);
    say_spread(&r->window);
}

static void say_total(const struct total *t)
{
    const struct gx_sim_counts *c = &t->all.counts;
    const struct gx_scn_done *d = &t->all.done;

    printf("worlds %" PRIu64 " broken %" PRIu64 ";", t->runs, t->broken);
    for (int k = 0; k < GX_SCN_ACT_COUNT; k++)
        if (d->tried[k] > 0)
            printf(" %s %" PRIu64 "/%" PRIu64, gx_scn_act_name((enum gx_scn_act_kind)k), d->yes[k], d->tried[k]);
    printf("\njoined %" PRIu64 ", QR closed to %" PRIu64 ", codes over %" PRIu64 "; crashes at a commit %" PRIu64 ", old stores %" PRIu64 ", stalled %" PRIu64
           ", resent %" PRIu64 ", rests without somebody %" PRIu64 "\n",
           c->joined, c->closed, d->expired, c->crashes_at_commit, c->restored, c->stalled, c->resent, d->away);
    printf("steps %" PRIu64 ", frames %" PRIu64 "; acknowledged %" PRIu64 ", due %" PRIu64 ", delivered %" PRIu64 ", too late %" PRIu64 "; events checked %" PRIu64 "\n",
           c->steps, c->frames, c->acked, c->due, c->delivered, c->too_late, c->events_checked);
    printf("sealed: epochs %" PRIu64 ", messages at nodes %" PRIu64 ", of which locked %" PRIu64 ", read of before %" PRIu64 "\n", c->epochs, c->sealed, c->locked,
           c->before);
    say_removals(&t->all.removals);
    printf("compared: the same %" PRIu64 ", in parts %" PRIu64 "\n", c->compared_same, c->compared_parts);
    printf("on LANs: beacons %" PRIu64 ", answers %" PRIu64 ", invitations by digits %" PRIu64 "; other addresses %" PRIu64 "\n", c->beacons, c->datagrams,
           c->gifts, c->moves);
    printf("links: eager %" PRIu64 ", lazy %" PRIu64 ", apart %" PRIu64 "\n", c->links_eager, c->links_lazy, c->links_apart);
    printf("met: by gates of epochs %" PRIu64 ", by gate 0 %" PRIu64 "; transport keys replaced %" PRIu64 "\n", c->met_by_gate, c->met_by_gate_zero,
           c->transport_keys);
}

static int run(struct args *a)
{
    struct total t = {.a = a};

    a->n = a->n == 0 ? 1 : a->n;
    return run_all(&t);
}

static int swarm(struct args *a)
{
    struct total t = {.a = a};
    int code = 0;

    a->verbose = a->n == 1;
    a->n = a->n == 0 ? 100 : a->n;
    code = run_all(&t);
    if (code <= 1)
        say_total(&t);
    return code;
}

static int replay(struct args *a)
{
    struct total t = {.a = a};

    a->n = a->jobs = 1;
    a->tell = true;
    return run_all(&t);
}

/* --- smaller ------------------------------------------------------------------------------------------------------------------------------------ */

/* The smallest so far is always there. */
static void better(void *ctx, const struct gx_scenario *scn)
{
    const struct args *a = ctx;
    FILE *f = fopen(a->out, "w");

    if (f != NULL) {
        fprintf(f, "# gx-sim run %s --seed %" PRIu64 "\n", a->out, a->seed);
        gx_scn_write(f, scn);
    }
    if (f == NULL || fclose(f) != 0) {
        fprintf(stderr, "gx-sim: %s cannot be written: %s\n", a->out, strerror(errno));
        exit(EXIT_MACHINE);
    }
    if (isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "\r\033[K%u acts, %u nodes ", scn->n_acts, scn->n_nodes);
}

static int shrink(struct args *a)
{
    struct gx_scn_options options = {.seed = a->seed, .no_writemap = a->no_writemap, .no_memo = a->no_memo};
    int ended = 0;

    if (a->out == NULL && access("shrunk.scn", F_OK) == 0) {
        fputs("gx-sim: there is a shrunk.scn already: --out FILE says where else to write\n", stderr);
        return EXIT_USAGE;
    }
    a->out = a->out == NULL ? "shrunk.scn" : a->out;
    if (a->file == NULL)
        gx_sim_swarm(&a->scn, &(struct gx_sim_swarm){.seed = a->seed, .n_nodes = (uint32_t)a->nodes, .n_acts = (uint32_t)a->acts});
    if (!machine_can(a, gx_sim_jobs_processors()))
        return EXIT_MACHINE;

    uint32_t acts = a->scn.n_acts, nodes = a->scn.n_nodes;

    ended = gx_scn_shrink(&a->scn, &options, better, a);
    if (isatty(STDERR_FILENO) == 1)
        fputs("\r\033[K", stderr);
    if (ended == 1)
        fputs("gx-sim: every rule holds in that run; there is nothing to make smaller\n", stderr);
    if (ended < 0)
        return ended == -1 ? no_world(a, 0) : ran_full();
    if (ended == 0)
        printf("%u acts of %u, %u nodes of %u%s: gx-sim run %s --seed %" PRIu64 "\n", a->scn.n_acts, acts, a->scn.n_nodes, nodes,
               a->scn.n_acts == acts && a->scn.n_nodes == nodes ? ", none can be left out" : "", a->out, a->seed);
    if (ended > 1 && a->scn.n_acts < acts)
        fprintf(stderr, "gx-sim: stopped; the smallest so far, of %u acts, is in %s\n", a->scn.n_acts, a->out);
    return ended > 1 ? 128 + ended : ended;
}

/* --- one thing at many values --------------------------------------------------------------------------------------------------------------------- */

/* loss=0..40:5 */
static bool read_range(const char *text, char what[16], unsigned *from, unsigned *to, unsigned *step)
{
    int used = 0;

    return sscanf(text, "%15[a-z]=%u..%u:%u%n", what, from, to, step, &used) == 4 && text[used] == 0 && *step > 0 && *from <= *to &&
           (strcmp(what, "loss") == 0 ? *to <= 90 : (strcmp(what, "delay") == 0 && *from > 0 && *to <= 60000) || (strcmp(what, "jitter") == 0 && *to <= 60000));
}

/* All links are there to be set: those that the file says nothing of are as they are without a word. */
static void name_links(struct gx_scenario *scn)
{
    uint32_t n = scn->n_acts, more = 0;
    struct gx_scn_act *first = NULL;

    for (uint32_t a = 0; a < scn->n_islands; a++)
        for (uint32_t b = a; b < scn->n_islands; b++)
            gx_scn_add(scn, (struct gx_scn_act){.kind = GX_SCN_LINK, .a = a, .b = b, .link = {.delay_ms = 1}});
    more = scn->n_acts - n;
    first = malloc(more * sizeof *first);
    GX_ASSERT(first != NULL);
    memcpy(first, scn->acts + n, more * sizeof *first);
    memmove(scn->acts + more, scn->acts, n * sizeof *first);        /* before what the file says of the beginning */
    memcpy(scn->acts, first, more * sizeof *first);
    free(first);
}

static void set_links(struct gx_scenario *scn, const char *what, unsigned x)
{
    for (uint32_t i = 0; i < scn->n_acts; i++) {
        struct gx_sim_link *link = &scn->acts[i].link;

        if (scn->acts[i].kind != GX_SCN_LINK)
            continue;
        if (strcmp(what, "loss") == 0)
            link->loss_ppm = x * 10000;
        else if (strcmp(what, "delay") == 0)
            link->delay_ms = x;
        else
            link->jitter_ms = x;
    }
}

static int sweep(struct args *a)
{
    char what[16];
    unsigned from = 0, to = 0, step = 0;
    int code = 0, worst = 0;
    const char *dir = a->report;
    char folder[1100];

    if (!read_range(a->range, what, &from, &to, &step)) {
        fprintf(stderr, "gx-sim: '%s' is not like loss=0..40:5, delay=1..500:50 or jitter=0..100:20\n", a->range);
        return EXIT_USAGE;
    }
    a->n = a->n == 0 ? 1 : a->n;
    a->quiet = true;
    name_links(&a->scn);
    if (dir != NULL)
        gx_report_clear(dir);
    printf("%8s %6s %7s %12s %12s %12s %14s\n", what, "runs", "broken", "messages", "delivered", "frames", "bytes");
    for (unsigned x = from; x <= to && worst <= 1; x += step) {
        struct total t = {.a = a};

        snprintf(folder, sizeof folder, "%s/%s-%u", dir == NULL ? "" : dir, what, x);
        a->report = dir == NULL ? NULL : folder;
        snprintf(a->at, sizeof a->at, "%s=%u..%u:1", what, x, x);
        set_links(&a->scn, what, x);
        code = run_all(&t);
        worst = code > worst ? code : worst;
        if (code <= 1)
            printf("%8u %6" PRIu64 " %7" PRIu64 " %12" PRIu64 " %11.2f%% %12" PRIu64 " %14" PRIu64 "\n", x, t.runs, t.broken, t.all.counts.acked,
                   t.all.counts.due == 0 ? 0.0 : 100.0 * (double)t.all.counts.delivered / (double)t.all.counts.due, t.all.counts.frames, t.all.counts.bytes);
    }
    return worst;
}

/* --- planted bugs --------------------------------------------------------------------------------------------------------------------------------- */

/* A program of its own: the layers it stands on are built with the bugs in them. */
static int mutants(char **argv)
{
    static const char *const places[] = {"tests/gx-sim-mutants", "gx-sim-mutants"};
    char path[4096], beside[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    const char *slash = NULL;

    path[n < 0 ? 0 : n] = 0;
    slash = strrchr(path, '/');
    for (size_t i = 0; slash != NULL && i < GX_ARRAY_LEN(places); i++) {
        if ((size_t)snprintf(beside, sizeof beside, "%.*s/%s", (int)(slash - path), path, places[i]) >= sizeof beside)
            break;
        argv[0] = beside;
        execv(beside, argv);
    }
    fputs("gx-sim: gx-sim-mutants is not there: cmake -DBUILD_TESTING=ON builds it\n", stderr);
    return EXIT_MACHINE;
}

/* --- reports and files ---------------------------------------------------------------------------------------------------------------------------- */

static int compare(int argc, char **argv)
{
    double within = 0;
    char *end = NULL;
    bool ok = argc == 4;

    if (argc == 6 && strcmp(argv[4], "--within") == 0) {
        within = strtod(argv[5], &end);
        ok = end != argv[5] && *end == 0 && within >= 1 && within <= 1000;
        if (!ok)
            (void)refuse("--within is a number from 1 to 1000, and not '%s'", argv[5]);
    } else if (!ok) {
        (void)refuse("compare wants two report.json, and --within FACTOR at most");
    }
    return ok ? gx_report_compare(argv[2], argv[3], within, stdout) : EXIT_USAGE;
}

static int print(struct args *a)
{
    return gx_report_acts(stdout, &a->scn) ? 0 : EXIT_MACHINE;
}

static int command(int argc, char **argv)
{
    static const struct command commands[] = {
        {"run", run, " --seed --runs --jobs --report ", NULL},
        {"swarm", swarm, NULL, " --seed --seeds --nodes --acts --jobs --report "},
        {"replay", replay, " --seed --report ", " --seed --nodes --acts --report "},
        {"shrink", shrink, " --seed --out ", " --seed --nodes --acts --out "},
        {"sweep", sweep, " --seed --runs --jobs --report ", NULL},
        {"print", print, "", NULL},
    };
    struct args a = {.seed = 1, .nodes = 12, .acts = 200};
    int code = EXIT_USAGE;

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || (i == 1 && (strcmp(argv[i], "help") == 0 || strcmp(argv[i], "-h") == 0))) {
            usage(stdout);
            return 0;
        }
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "mutants") == 0)
        return mutants(argv + 1);
    if (strcmp(argv[1], "compare") == 0)
        return compare(argc, argv);
    for (size_t i = 0; i < GX_ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (!read_args(&a, &commands[i], argv + 2))
            return EXIT_USAGE;
        code = a.file == NULL ? 0 : read_scenario(&a);
        code = code == 0 ? commands[i].call(&a) : code;
        gx_scn_free(&a.scn);
        free(a.text);
        return code;
    }
    (void)refuse("there is no '%s' to do", argv[1]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    bool open = fcntl(STDOUT_FILENO, F_GETFD) >= 0;        /* else a file of ours would get its number */
    int code = open ? command(argc, argv) : EXIT_MACHINE;

    if (open && ((fflush(stdout) == 0 && ferror(stdout) == 0) || code == 128 + SIGPIPE))
        return code;
    fputs("gx-sim: what it says cannot be written\n", stderr);
    return EXIT_MACHINE;
}
