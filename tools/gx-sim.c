/* Networks of nodes that exist in this process only: the engine and the store that ship, a clock that jumps.  tests/README.md, "Simulating".
 *
 *     gx-sim run FILE.scn [--seed N] [--runs K]                     a scenario; exit 1 when something expected, or a rule, does not hold
 *     gx-sim swarm [--seeds N] [--seed N] [--nodes N] [--acts N]     random worlds; exit 1 when one breaks a rule, with the command that shows it again
 */
#include "proto/ids.h"
#include "tests/sim/scenario.h"
#include "tests/sim/swarm.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define EXIT_MACHINE 74

struct args {
    uint64_t seed, seeds, nodes, acts;
    uint64_t runs;
    bool one, no_writemap, no_memo;
};

static struct gx_sim *sim;      /* the one that is there now */

static void interrupted(int signal)
{
    gx_sim_clean(sim);
    _exit(128 + signal);
}

static void done(void)
{
    sigset_t held, before;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, &before);
    gx_sim_free(sim);
    sim = NULL;
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Two descriptors a node, one map of 64 MB of addresses, and what it writes: 1 MB is plenty for short runs. */
static bool machine_can(uint64_t nodes)
{
    struct rlimit files = {0};
    struct statvfs fs;
    uint64_t need = 2 * nodes + 32, room = 0;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < need) {
        files.rlim_cur = files.rlim_max < need ? files.rlim_max : need;
        (void)setrlimit(RLIMIT_NOFILE, &files);
        if (files.rlim_cur < need) {
            fprintf(stderr, "gx-sim: %" PRIu64 " nodes need %" PRIu64 " open files, and %" PRIu64 " are allowed: ulimit -n %" PRIu64 "\n", nodes, need,
                    (uint64_t)files.rlim_cur, need);
            return false;
        }
    }
    if (statvfs("/dev/shm", &fs) == 0 && (room = (uint64_t)fs.f_bavail * fs.f_frsize) < nodes << 20) {
        fprintf(stderr, "gx-sim: %" PRIu64 " nodes need some %" PRIu64 " MB in /dev/shm, and %" PRIu64 " are free\n", nodes, nodes, room >> 20);
        return false;
    }
    return true;
}

static int usage(void)
{
    fputs("gx-sim run FILE.scn [--seed N] [--runs K]\n"
          "    plays a scenario with that seed (1), and K - 1 more; `expect` lines and all rules have to hold\n"
          "gx-sim swarm [--seeds N | --seed N] [--nodes N] [--acts N] [--no-writemap] [--no-memo]\n"
          "    runs N random worlds (100) of that many nodes (12) and acts (400), heals them, and looks whether every rule held\n",
          stderr);
    return EXIT_USAGE;
}

static bool number(uint64_t *out, const char *text, uint64_t least, uint64_t most)
{
    char *end = NULL;

    errno = 0;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == 0 && *out >= least && *out <= most;
}

static bool read_args(struct args *a, char **argv)
{
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, "--no-writemap") == 0) {
            a->no_writemap = true;
            continue;
        }
        if (strcmp(*argv, "--no-memo") == 0) {
            a->no_memo = true;
            continue;
        }

        const char *name = *argv, *value = argv[1];
        bool ok = strcmp(name, "--seed") == 0    ? number(&a->seed, value, 0, UINT64_MAX) && (a->one = true)
                  : strcmp(name, "--seeds") == 0 ? number(&a->seeds, value, 1, 1000000)
                  : strcmp(name, "--runs") == 0  ? number(&a->runs, value, 1, 1000000)
                  : strcmp(name, "--nodes") == 0 ? number(&a->nodes, value, 4, GX_SIM_NODES_MAX)
                  : strcmp(name, "--acts") == 0  ? number(&a->acts, value, 1, 1000000)
                                                 : false;
        if (!ok) {
            fprintf(stderr, "gx-sim: %s%s%s is not understood\n", name, value == NULL ? "" : " ", value == NULL ? "" : value);
            return false;
        }
        argv++;
    }
    return true;
}

static void say_violations(const struct gx_sim *of, uint64_t seed)
{
    size_t n = 0;
    const struct gx_sim_violation *v = gx_sim_violations(of, &n);

    for (size_t i = 0; i < n; i++) {
        printf("seed %" PRIu64 ": %s at %" PRIu64 " ms", seed, gx_sim_oracle_name(v[i].oracle), v[i].at_ms);
        if (v[i].node != UINT32_MAX)
            printf(", %s", gx_sim_node_name(of, v[i].node));
        printf(": %s\n", v[i].text);
    }
}

static void say_again(const struct args *a, uint64_t seed)
{
    printf("again: gx-sim swarm --seed %" PRIu64 " --nodes %" PRIu64 " --acts %" PRIu64 "\n", seed, a->nodes, a->acts);
}

static int swarm(const struct args *a)
{
    struct gx_sim_acts acts = {.joins = 0};
    struct gx_sim_counts all = {.steps = 0};
    uint64_t broken = 0, first = a->one ? a->seed : 1, n = a->one ? 1 : a->seeds;
    bool terminal = isatty(STDERR_FILENO) == 1;

    if (!machine_can(a->nodes))
        return EXIT_MACHINE;
    for (uint64_t seed = first; seed < first + n; seed++) {
        struct gx_sim_swarm of = {.seed = seed, .n_nodes = (uint32_t)a->nodes, .n_acts = (uint32_t)a->acts, .no_writemap = a->no_writemap, .no_memo = a->no_memo};
        enum gx_err err = gx_sim_swarm(&sim, &acts, &of);
        size_t violations = 0;

        if (err != GX_OK) {
            fprintf(stderr, "gx-sim: no world can be made in /dev/shm: %s; %" PRIu64 " nodes need two descriptors each and some 2 MB of room there\n",
                    gx_err_text(err), a->nodes);
            return EXIT_MACHINE;
        }
        (void)gx_sim_violations(sim, &violations);
        if (violations > 0) {
            broken++;
            say_violations(sim, seed);
            say_again(a, seed);
        }
        if (a->one) {
            uint8_t trace[32];
            char hex[65];

            gx_sim_trace(sim, trace);
            gx_hex(hex, trace, sizeof trace);
            printf("trace %s\n", hex);
        }
        gx_sim_counts_add(&all, gx_sim_counts(sim));
        done();
        if (terminal)
            fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " worlds, %" PRIu64 " broken ", seed - first + 1, n, broken);
    }
    if (terminal)
        fputc('\n', stderr);
    printf("worlds %" PRIu64 " broken %" PRIu64 "; joined %" PRIu64 " of %" PRIu64 " (closed %" PRIu64 "), sent %" PRIu64 " (refused %" PRIu64 "), removed %" PRIu64
           ", banned %" PRIu64 ", left %" PRIu64 ", promoted %" PRIu64
           ", cards scanned %" PRIu64 ", requests accepted %" PRIu64 ", contacts invited %" PRIu64 "\n",
           n, broken, acts.joined, acts.joins, acts.closed, acts.sends, acts.refused, acts.removals, acts.bans, acts.leaves, acts.promotions,
           acts.scans, acts.accepted, acts.invited);
    printf("crashes %" PRIu64 " (at a commit %" PRIu64 "), restarts %" PRIu64 " (old stores %" PRIu64 "), cuts %" PRIu64 ", stalled %" PRIu64 ", resent %" PRIu64
           ", clocks %" PRIu64 "\n",
           acts.crashes, all.crashes_at_commit, acts.restarts, all.restored, acts.cuts, all.stalled, all.resent, acts.skews);
    printf("steps %" PRIu64 ", frames %" PRIu64 "; acknowledged %" PRIu64 ", due %" PRIu64 ", delivered %" PRIu64 ", too late %" PRIu64 "; events checked %" PRIu64 "\n",
           all.steps, all.frames, all.acked, all.due, all.delivered, all.too_late, all.events_checked);
    return broken == 0 ? 0 : 1;
}

/* --- scenarios -------------------------------------------------------------------------------------------------------------------------------- */

#define FILE_MAX (1u << 20)

static char *read_file(const char *path)
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
    return text;
}

static void progress(uint64_t now_ms, uint64_t end_ms)
{
    fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " s ", now_ms / 1000, end_ms / 1000);
}

static void say_run(const struct gx_scenario *scn, const struct gx_sim *of, uint64_t seed)
{
    const struct gx_sim_counts *c = gx_sim_counts(of);
    uint8_t trace[32];
    char hex[65];
    size_t n = 0;

    (void)gx_sim_violations(of, &n);
    gx_sim_trace(of, trace);
    gx_hex(hex, trace, sizeof trace);
    for (uint32_t i = 0; i < scn->n_expects; i++)
        printf("line %u: %s (%s)\n", scn->expects[i].line, scn->expects[i].ok ? "holds" : "DOES NOT HOLD", scn->expects[i].got);
    say_violations(of, seed);
    printf("seed %" PRIu64 ": %s; messages %" PRIu64 ", delivered %" PRIu64 " of %" PRIu64 ", frames %" PRIu64 ", bytes %" PRIu64 "; trace %.16s\n", seed,
           n == 0 ? "all holds" : "BROKEN", c->acked, c->delivered, c->due, c->frames, c->bytes, hex);
}

static int run(const char *path, const struct args *a)
{
    struct gx_scenario scn;
    char why[300], *text = read_file(path);
    uint32_t line = 0, column = 0;
    uint64_t first = a->one ? a->seed : 1, broken = 0;

    if (text == NULL)
        return EXIT_MACHINE;
    if (!gx_scn_read(&scn, text, why, &line, &column)) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, line, column, why);
        gx_scn_free(&scn);
        free(text);
        return EXIT_USAGE;
    }
    if (!machine_can(scn.n_nodes)) {
        gx_scn_free(&scn);
        free(text);
        return EXIT_MACHINE;
    }
    for (uint64_t seed = first; seed < first + a->runs; seed++) {
        size_t n = 0;
        enum gx_err err = gx_scn_play(&sim, &scn, seed, isatty(STDERR_FILENO) == 1 ? progress : NULL);

        if (err != GX_OK) {
            fprintf(stderr, "gx-sim: no world can be made in /dev/shm: %s; %u nodes need two descriptors each and some 2 MB of room there\n", gx_err_text(err),
                    scn.n_nodes);
            return EXIT_MACHINE;
        }
        (void)gx_sim_violations(sim, &n);
        broken += n > 0;
        say_run(&scn, sim, seed);
        if (n > 0)
            printf("again: gx-sim run %s --seed %" PRIu64 "\n", path, seed);
        done();
    }
    gx_scn_free(&scn);
    free(text);
    return broken == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct args a = {.seeds = 100, .nodes = 12, .acts = 400, .runs = 1};

    signal(SIGINT, interrupted);
    signal(SIGTERM, interrupted);
    if (argc >= 3 && strcmp(argv[1], "run") == 0 && read_args(&a, argv + 3))
        return run(argv[2], &a);
    if (argc < 2 || strcmp(argv[1], "swarm") != 0 || !read_args(&a, argv + 2))
        return usage();
    return swarm(&a);
}
