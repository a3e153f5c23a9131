/* Every planted bug (crypto/mutant.h) is found by random worlds: by what breaks a rule, or by a node that ends itself.
 *
 *     gx-sim-mutants [NAME ...]      those that have to be found, or those named; GX_SEEDS=N tries seeds 1 to N of each one there is
 *
 * Exits 1 when one was not found that should have been, or when the sources without any break a rule (tried with GX_SEEDS, or by name: NONE). */
#include "crypto/mutant.h"
#include "tests/sim/jobs.h"
#include "tests/sim/swarm.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS 100u
#define NODES 12u
#define ACTS 200u
#define SECONDS 60u         /* a world of this size takes a fifth of one */
#define CLEAN 0
#define MACHINE 9
#define BROKEN 10           /* + the oracle */

int gx_mutant = GX_MUTANT_NONE;

static const struct {
    const char *name, *says;
} mutants[] = {
    [GX_MUTANT_NONE] = {"NONE", "the sources as they are"},
#define GX_X(id, says) [GX_MUTANT_##id] = {#id, says},
    GX_MUTANT_LIST(GX_X)
#undef GX_X
};

/* FIXME: random worlds do not find these in so many seeds; each goes when they do.  The first wants an old request that somebody uses again, the next
 * two admins who act at once on two sides of a cut, the last an oracle of their own. */
static const enum gx_mutant beyond[] = {
    GX_MUTANT_CONSENT_STALE, GX_MUTANT_REMOVED_ADMITS, GX_MUTANT_READMITTED, GX_MUTANT_BAN_OVER, GX_MUTANT_COUNT_TWICE, GX_MUTANT_NO_REACHING_BACK,
    GX_MUTANT_ALIAS_STALE, GX_MUTANT_HASH_STALE, GX_MUTANT_BASELINE_NONE, GX_MUTANT_BASE_UNTOLD, GX_MUTANT_LEAVE_FIRST,
};

static bool is_beyond(int mutant)
{
    for (size_t i = 0; i < GX_ARRAY_LEN(beyond); i++)
        if ((int)beyond[i] == mutant)
            return true;
    return false;
}

struct trial {
    bool all;               /* every seed, not only until one finds it */
    unsigned tried, found;
    uint64_t first;
    char word[32];          /* of the first that did */
};

static int world(void *ctx, uint64_t seed, const char *dir, void *result, FILE *out)
{
    struct gx_scn_options options = {.seed = seed, .dir = dir};
    struct gx_scn_done done = {.expired = 0};
    struct gx_scenario scn;
    struct gx_sim *sim = NULL;
    size_t n = 0;

    (void)ctx;
    (void)result;
    (void)out;
    gx_sim_swarm(&scn, &(struct gx_sim_swarm){.seed = seed, .n_nodes = NODES, .n_acts = ACTS});
    if (freopen("/dev/null", "w", stderr) == NULL || gx_scn_play(&sim, &scn, &done, &options) != GX_OK)
        return MACHINE;

    const struct gx_sim_violation *v = gx_sim_violations(sim, &n);

    return n == 0 ? CLEAN : BROKEN + (int)v[0].oracle;
}

static bool look(void *ctx, const struct gx_sim_job *job)
{
    struct trial *t = ctx;
    bool broken = job->signal != 0 || job->code != CLEAN;

    if (job->code == MACHINE) {
        fputs("gx-sim-mutants: no world can be made in /dev/shm\n", stderr);
        exit(MACHINE);
    }
    t->tried++;
    if (broken && t->found++ == 0) {
        t->first = job->index;
        snprintf(t->word, sizeof t->word, "%s", job->signal != 0 ? strsignal(job->signal) : gx_sim_oracle_name((enum gx_sim_oracle)(job->code - BROKEN)));
    }
    return t->all || !broken;
}

static struct trial try(int mutant, unsigned seeds, bool all)
{
    struct trial t = {.all = all};
    struct gx_sim_jobs jobs = {.first = 1, .n = seeds, .seconds = SECONDS, .work = world, .done = look, .ctx = &t};
    int ended = 0;

    gx_mutant = mutant;
    ended = gx_sim_jobs_run(&jobs);
    if (ended != 0) {
        if (ended < 0)
            fputs("gx-sim-mutants: no process, or no folder in /dev/shm, can be made\n", stderr);
        exit(ended < 0 ? MACHINE : 128 + ended);
    }
    return t;
}

int main(int argc, char **argv)
{
    const char *many = getenv("GX_SEEDS");
    unsigned seeds = many == NULL ? SEEDS : (unsigned)strtoul(many, NULL, 10), missed = 0, n_found = 0;

    for (int m = GX_MUTANT_NONE; m < GX_MUTANT_COUNT; m++) {
        bool wanted = argc < 2 && (many != NULL || (!is_beyond(m) && m != GX_MUTANT_NONE));     /* prop/swarm runs these worlds without any */

        for (int k = 1; k < argc; k++)
            wanted = wanted || strcmp(argv[k], mutants[m].name) == 0;
        if (!wanted)
            continue;

        struct trial t = try(m, seeds, many != NULL || m == GX_MUTANT_NONE);
        bool bad = m == GX_MUTANT_NONE ? t.found > 0 : t.found == 0 && !is_beyond(m);

        if (t.found > 0)
            printf("%-18s found by %s at seed %llu (%u of %u)\n", mutants[m].name, t.word, (unsigned long long)t.first, t.found, t.tried);
        else
            printf("%-18s %s in %u seeds: %s\n", mutants[m].name, m == GX_MUTANT_NONE ? "clean" : "NOT FOUND", seeds, mutants[m].says);
        missed += bad;
        n_found += m != GX_MUTANT_NONE && t.found > 0;
    }
    printf("%u of %d mutants found, %u missed, %zu not looked for\n", n_found, GX_MUTANT_COUNT - 1, missed, GX_ARRAY_LEN(beyond));
    return missed == 0 ? 0 : 1;
}
