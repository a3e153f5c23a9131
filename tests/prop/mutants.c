/* Every planted bug (crypto/mutant.h) is found: by what breaks a rule, or by a node that ends itself.  The scenarios of the gallery are played first,
 * for these take the least time, then random worlds.
 *
 *     gx-sim-mutants [NAME ...]      all of them, or those named; GX_SEEDS=N plays all scenarios and seeds 1 to N of each one there is
 *
 * Exits 1 when one was not found, or when the sources without any break a rule (tried with GX_SEEDS, or by name: NONE). */
#include "crypto/mutant.h"
#include "tests/sim/jobs.h"
#include "tests/sim/swarm.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS 100u
#define NODES 12u
#define ACTS 200u
#define SECONDS 60u         /* a world of this size takes a fifth of one */
#define FILE_MAX (1u << 20)
#define CLEAN 0
#define UNREADABLE 8
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

/* --- what is played --------------------------------------------------------------------------------------------------------------------------- */

struct gallery {
    struct dirent **file;       /* by name */
    int n;
};

static int is_scenario(const struct dirent *d)
{
    const char *end = strrchr(d->d_name, '.');

    return end != NULL && strcmp(end, ".scn") == 0;
}

static bool read_scenario(struct gx_scenario *scn, const char *name)
{
    static char text[FILE_MAX + 1];
    char path[600], why[300];
    uint32_t line = 0, column = 0;
    size_t n = 0;
    FILE *f = NULL;

    snprintf(path, sizeof path, "%s/%s", GX_GALLERY, name);
    f = fopen(path, "rb");
    if (f == NULL)
        return false;
    n = fread(text, 1, FILE_MAX, f);
    fclose(f);
    text[n] = 0;
    return gx_scn_read(scn, text, n, why, &line, &column);
}

/* Indexes: the files of the gallery, then seeds from 1 on. */
struct trial {
    const struct gallery *gallery;
    bool all;                   /* not only until one finds it */
    unsigned tried[2], found[2];        /* scenarios, worlds */
    char first[300], word[32];  /* that found it, and how */
};

static int play(void *ctx, uint64_t index, const char *dir, void *result, FILE *out)
{
    const struct gallery *gallery = ((const struct trial *)ctx)->gallery;
    uint64_t n_files = (uint64_t)gallery->n, seed = index < n_files ? 1 : index - n_files + 1;
    struct gx_scn_options options = {.seed = seed, .dir = dir};
    struct gx_scn_done done = {.expired = 0};
    struct gx_scenario scn;
    struct gx_sim *sim = NULL;
    size_t n = 0;

    (void)result;
    (void)out;
    if (index >= n_files)
        gx_sim_swarm(&scn, &(struct gx_sim_swarm){.seed = seed, .n_nodes = NODES, .n_acts = ACTS});
    else if (!read_scenario(&scn, gallery->file[index]->d_name))
        return UNREADABLE;
    if (freopen("/dev/null", "w", stderr) == NULL || gx_scn_play(&sim, &scn, &done, &options) != GX_OK)
        return MACHINE;

    const struct gx_sim_violation *v = gx_sim_violations(sim, &n);

    return n == 0 ? CLEAN : BROKEN + (int)v[0].oracle;
}

static bool look(void *ctx, const struct gx_sim_job *job)
{
    struct trial *t = ctx;
    uint64_t n_files = (uint64_t)t->gallery->n;
    bool broken = job->signal != 0 || job->code != CLEAN, is_world = job->index >= n_files;

    if (job->code == MACHINE || job->code == UNREADABLE) {
        fprintf(stderr, "gx-sim-mutants: %s\n", job->code == MACHINE ? "no world can be made in /dev/shm" : "a scenario cannot be read");
        exit(job->code);
    }
    if (broken && t->found[0] + t->found[1] == 0) {
        if (is_world)
            snprintf(t->first, sizeof t->first, "seed %llu", (unsigned long long)(job->index - n_files + 1));
        else
            snprintf(t->first, sizeof t->first, "%s", t->gallery->file[job->index]->d_name);
        snprintf(t->word, sizeof t->word, "%s", job->signal != 0 ? strsignal(job->signal) : gx_sim_oracle_name((enum gx_sim_oracle)(job->code - BROKEN)));
    }
    t->tried[is_world]++;
    t->found[is_world] += broken;
    return t->all || !broken;
}

static struct trial try(const struct gallery *gallery, int mutant, unsigned seeds, bool all)
{
    struct trial t = {.gallery = gallery, .all = all};
    struct gx_sim_jobs jobs = {.n = (uint64_t)gallery->n + seeds, .seconds = SECONDS, .work = play, .done = look, .ctx = &t};
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
    struct gallery gallery = {.n = 0};

    gallery.n = scandir(GX_GALLERY, &gallery.file, is_scenario, alphasort);
    if (gallery.n <= 0) {
        fputs("gx-sim-mutants: no scenarios in " GX_GALLERY "\n", stderr);
        return UNREADABLE;
    }
    for (int m = GX_MUTANT_NONE; m < GX_MUTANT_COUNT; m++) {
        bool wanted = argc < 2 && (many != NULL || m != GX_MUTANT_NONE);     /* others run these without any */

        for (int k = 1; k < argc; k++)
            wanted = wanted || strcmp(argv[k], mutants[m].name) == 0;
        if (!wanted)
            continue;

        struct trial t = try(&gallery, m, seeds, many != NULL || m == GX_MUTANT_NONE);
        bool found = t.found[0] + t.found[1] > 0, bad = found == (m == GX_MUTANT_NONE);

        if (found)
            printf("%-18s found by %s in %s (%u of %u scenarios, %u of %u worlds)\n", mutants[m].name, t.word, t.first, t.found[0], t.tried[0], t.found[1],
                   t.tried[1]);
        else
            printf("%-18s %s in %d scenarios and %u worlds: %s\n", mutants[m].name, m == GX_MUTANT_NONE ? "clean" : "NOT FOUND", gallery.n, seeds,
                   mutants[m].says);
        missed += bad;
        n_found += m != GX_MUTANT_NONE && found;
    }
    printf("%u of %d mutants found, %u missed\n", n_found, GX_MUTANT_COUNT - 1, missed);
    for (int k = 0; k < gallery.n; k++)
        free(gallery.file[k]);
    free(gallery.file);
    return missed == 0 ? 0 : 1;
}
