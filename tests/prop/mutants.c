/* Every planted bug (crypto/mutant.h) is found by random worlds: by what breaks a rule, or by a node that ends itself.
 *
 *     gx-sim-mutants [NAME ...]      those that have to be found, or those named; GX_SEEDS=N tries seeds 1 to N of each one there is
 *
 * Each world runs in a process of its own, because a mutant may end it.  Exits 1 when one was not found that should have been, or when the
 * sources without any are found to be broken. */
#include "crypto/mutant.h"
#include "tests/sim/swarm.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEDS 24u
#define NODES 12u
#define ACTS 200u
#define SECONDS 60u         /* a world of this size takes a third of one */
#define CLEAN 0
#define SAID 100            /* + the oracle */
#define MACHINE 99

int gx_mutant = GX_MUTANT_NONE;

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    stopped = signal;
}

static const struct {
    const char *name, *says;
} mutants[] = {
    [GX_MUTANT_NONE] = {"NONE", "the sources as they are"},
#define GX_X(id, says) [GX_MUTANT_##id] = {#id, says},
    GX_MUTANT_LIST(GX_X)
#undef GX_X
};

/* FIXME: random worlds do not find these yet; each goes when they do.  The first need somebody who lies or a home that was copied, the next two admins
 * who act at once on two sides of a cut, the last an oracle of their own. */
static const enum gx_mutant beyond[] = {
    GX_MUTANT_MESSAGES_UNPROVED, GX_MUTANT_CONTROL_UNPROVED, GX_MUTANT_CONSENT_STALE, GX_MUTANT_BRANCH_REFUSED,
    GX_MUTANT_REMOVED_ADMITS, GX_MUTANT_READMITTED, GX_MUTANT_BAN_OVER, GX_MUTANT_COUNT_TWICE, GX_MUTANT_ARRIVAL_ORDER, GX_MUTANT_NO_REACHING_BACK,
    GX_MUTANT_ALIAS_STALE, GX_MUTANT_HASH_STALE, GX_MUTANT_BASELINE_NONE, GX_MUTANT_BASE_UNTOLD, GX_MUTANT_OUT_SERVED, GX_MUTANT_LEAVE_FIRST,
};

static bool is_beyond(int mutant)
{
    for (size_t i = 0; i < GX_ARRAY_LEN(beyond); i++)
        if ((int)beyond[i] == mutant)
            return true;
    return false;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static _Noreturn void world(int mutant, uint64_t seed, const char *dir)
{
    struct gx_scn_done acts = {.expired = 0};
    struct gx_scn_options options = {.seed = seed, .dir = dir};
    struct gx_scenario scn;
    struct gx_sim *sim = NULL;
    size_t n = 0;

    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    gx_mutant = mutant;
    alarm(SECONDS);
    gx_sim_swarm(&scn, &(struct gx_sim_swarm){.seed = seed, .n_nodes = NODES, .n_acts = ACTS});
    if (freopen("/dev/null", "w", stderr) == NULL || gx_scn_play(&sim, &scn, &acts, &options) != GX_OK)
        _exit(MACHINE);
    const struct gx_sim_violation *v = gx_sim_violations(sim, &n);
    int code = n == 0 ? CLEAN : SAID + (int)v[0].oracle;
    gx_sim_free(sim);
    _exit(code);
}

/* How many seeds found it, and the word of the first that did. */
static unsigned try(int mutant, unsigned seeds, bool all, char word[32], uint64_t *first)
{
    unsigned found = 0;

    for (uint64_t seed = 1; seed <= seeds && (all || found == 0); seed++) {
        char dir[] = "/dev/shm/gx-mutant-XXXXXX";
        int status = 0;

        if (mkdtemp(dir) == NULL)
            exit(MACHINE);
        fflush(stdout);

        pid_t child = fork();

        if (child == 0)
            world(mutant, seed, dir);
        if (child < 0 || waitpid(child, &status, 0) != child || (WIFEXITED(status) && WEXITSTATUS(status) == MACHINE)) {
            fputs("gx-sim-mutants: no world can be made in /dev/shm\n", stderr);
            exit(MACHINE);
        }
        (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (stopped)            /* the world was stopped too, and nothing lies in tmpfs any more */
            exit(128 + stopped);
        if (WIFEXITED(status) && WEXITSTATUS(status) == CLEAN)
            continue;
        if (found++ > 0)
            continue;
        *first = seed;
        snprintf(word, 32, "%s", WIFEXITED(status) ? gx_sim_oracle_name((enum gx_sim_oracle)(WEXITSTATUS(status) - SAID)) : strsignal(WTERMSIG(status)));
    }
    return found;
}

int main(int argc, char **argv)
{
    const char *many = getenv("GX_SEEDS");
    signal(SIGINT, stop);
    signal(SIGTERM, stop);

    unsigned seeds = many == NULL ? SEEDS : (unsigned)strtoul(many, NULL, 10), missed = 0, n_found = 0;

    for (int m = GX_MUTANT_NONE; m < GX_MUTANT_COUNT; m++) {
        bool wanted = argc < 2 && (many != NULL || !is_beyond(m));
        char word[32] = "";
        uint64_t first = 0;

        for (int k = 1; k < argc; k++)
            wanted = wanted || strcmp(argv[k], mutants[m].name) == 0;
        if (!wanted)
            continue;

        unsigned found = try(m, seeds, many != NULL || m == GX_MUTANT_NONE, word, &first);
        bool bad = m == GX_MUTANT_NONE ? found > 0 : found == 0 && !is_beyond(m);

        if (found > 0)
            printf("%-18s found by %s at seed %llu (%u of %u)\n", mutants[m].name, word, (unsigned long long)first, found, many != NULL ? seeds : (unsigned)first);
        else
            printf("%-18s %s in %u seeds: %s\n", mutants[m].name, m == GX_MUTANT_NONE ? "clean" : "NOT FOUND", seeds, mutants[m].says);
        missed += bad;
        n_found += m != GX_MUTANT_NONE && found > 0;
    }
    printf("%u of %d mutants found, %u missed, %zu not looked for\n", n_found, GX_MUTANT_COUNT - 1, missed, GX_ARRAY_LEN(beyond));
    return missed == 0 ? 0 : 1;
}
