/* Every planted bug (crypto/mutant.h) is found: by what breaks a rule, or by a node that ends itself.  What found it before is played first, of all
 * of them at once, a scenario with up to 8 seeds; then, of one that this does not find any more, the scenarios of the gallery, for these take the
 * least time, then random worlds.
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

/* What found each before: a scenario, or a random world by its seed.  It says what is played first, so a word that does not hold any more takes time, no more. */
static const struct known {
    const char *file;
    uint64_t seed;
} known[GX_MUTANT_COUNT] = {
    [GX_MUTANT_CAP_BY_ONE] = {.file = "liars.scn"},
    [GX_MUTANT_QR_BY_ONE] = {.file = "cafe.scn"},
    [GX_MUTANT_REMOVAL_UNDONE] = {.file = "back_in.scn"},
    [GX_MUTANT_REMOVED_ADMITS] = {.file = "bumped_and_back.scn"},
    [GX_MUTANT_READMITTED] = {.file = "removed_at_one_door.scn"},
    [GX_MUTANT_BAN_OVER] = {.file = "banned_and_asked_for.scn"},
    [GX_MUTANT_RANK_EQUAL] = {.seed = 2},
    [GX_MUTANT_USES_UNCOUNTED] = {.seed = 23},
    [GX_MUTANT_REVOKED_GOOD] = {.file = "revoked_code.scn"},
    [GX_MUTANT_CONSENT_STALE] = {.file = "left_and_asked_for.scn"},
    [GX_MUTANT_COUNT_TWICE] = {.file = "two_doors.scn"},
    [GX_MUTANT_ARRIVAL_ORDER] = {.file = "joined_behind_a_fork.scn"},
    [GX_MUTANT_NO_REACHING_BACK] = {.file = "late_removal.scn"},
    [GX_MUTANT_ALIAS_STALE] = {.file = "back_in.scn"},
    [GX_MUTANT_EXPIRED_GOOD] = {.file = "revoked_code.scn"},
    [GX_MUTANT_RECORD_EARLY] = {.file = "founder_alone.scn"},
    [GX_MUTANT_BASELINE_NONE] = {.file = "before_their_time.scn"},
    [GX_MUTANT_MESSAGES_UNPROVED] = {.file = "liars.scn"},
    [GX_MUTANT_CONTROL_UNPROVED] = {.file = "liars.scn"},
    [GX_MUTANT_TWICE] = {.file = "islands.scn"},
    [GX_MUTANT_BRANCH_REFUSED] = {.file = "islands.scn"},
    [GX_MUTANT_CUT_IGNORED] = {.file = "looked_before_the_cut.scn"},
    [GX_MUTANT_CUT_LOW] = {.file = "cafe.scn"},
    [GX_MUTANT_OUT_SERVED] = {.file = "back_in.scn"},
    [GX_MUTANT_GATE_TRUSTED] = {.file = "back_in.scn"},
    [GX_MUTANT_OUT_UNTOLD] = {.file = "back_in.scn"},
    [GX_MUTANT_LEAVE_FIRST] = {.file = "leaves_with_unsent.scn"},
    [GX_MUTANT_HASH_STALE] = {.file = "looked_before_the_cut.scn"},
    [GX_MUTANT_BUCKET_LOST] = {.file = "back_in.scn"},
    [GX_MUTANT_WANT_UNSERVED] = {.file = "back_in.scn"},
    [GX_MUTANT_WANT_NEWEST] = {.file = "cafe.scn"},
    [GX_MUTANT_RELAY_NONE] = {.file = "back_in.scn"},
    [GX_MUTANT_CONTROL_UNASKED] = {.file = "back_in.scn"},
    [GX_MUTANT_BASE_UNTOLD] = {.file = "before_their_time.scn"},
    [GX_MUTANT_WANT_EVER] = {.file = "liars.scn"},
    [GX_MUTANT_WASTE_EVER] = {.file = "liars.scn"},
    [GX_MUTANT_SHUT_NEVER] = {.file = "liars.scn"},
    [GX_MUTANT_DIAL_ONCE] = {.file = "back_in.scn"},
    [GX_MUTANT_FOUND_NOWHERE] = {.file = "moved_and_found.scn"},
    [GX_MUTANT_DIGITS_UNPROVED] = {.file = "digits_in_one_room.scn"},
    [GX_MUTANT_DIGITS_EVER] = {.file = "digits_guessed.scn"},
    [GX_MUTANT_CAPSULE_NONE] = {.file = "missed_removal_and_moved.scn"},
    [GX_MUTANT_CAPSULE_TRUSTED] = {.file = "missed_removal_and_moved.scn"},
    [GX_MUTANT_HEAD_LATE] = {.file = "before_their_time.scn"},
    [GX_MUTANT_SIGNATURE_LOST] = {.file = "back_in.scn"},
    [GX_MUTANT_RETAIN_UNSENT] = {.file = "keeps_little.scn"},
    [GX_MUTANT_DROPPED_UNTOLD] = {.file = "keeps_little_and_is_left.scn"},
    [GX_MUTANT_FOLD_LAST] = {.file = "cafe.scn"},
    [GX_MUTANT_EPOCH_KEPT] = {.file = "back_in.scn"},
    [GX_MUTANT_OPENED_BUT_ONE] = {.file = "back_in.scn"},
    [GX_MUTANT_REMOVED_LISTED] = {.file = "back_in.scn"},
    [GX_MUTANT_KEY_TWICE] = {.file = "banned_and_asked_for.scn"},
    [GX_MUTANT_KEYS_UNASKED] = {.file = "islands.scn"},
    [GX_MUTANT_HISTORY_ALL] = {.file = "before_their_time.scn"},
    [GX_MUTANT_HISTORY_EVER] = {.seed = 18},
    [GX_MUTANT_KEYS_UNCHECKED] = {.file = "told_wrong_keys.scn"},
    [GX_MUTANT_TRANSPORT_KEPT] = {.file = "back_in.scn"},
    [GX_MUTANT_PUSH_TWICE] = {.file = "silent_neighbour.scn"},
    [GX_MUTANT_GRAFT_NEVER] = {.file = "silent_neighbour.scn"},
    [GX_MUTANT_SEGMENT_UNCOUNTED] = {.file = "leaves_with_unsent.scn"},
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

struct trial {
    const struct gallery *gallery;
    int mutant;
    bool wanted;
    bool all;                   /* not only until one finds it */
    unsigned tried[2], found[2];        /* scenarios, worlds */
    uint64_t known_tried;       /* how often what found it before was played */
    char first[300], word[32];  /* that found it, and how */
};

static bool is_found(const struct trial *t)
{
    return t->found[0] + t->found[1] > 0;
}

/* A scenario, or without one a random world. */
static int play(const char *file, uint64_t seed, const char *dir)
{
    struct gx_scn_options options = {.seed = seed, .dir = dir};
    struct gx_scn_done done = {.expired = 0};
    struct gx_scenario scn;
    struct gx_sim *sim = NULL;
    size_t n = 0;

    if (file == NULL)
        gx_sim_swarm(&scn, &(struct gx_sim_swarm){.seed = seed, .n_nodes = NODES, .n_acts = ACTS});
    else if (!read_scenario(&scn, file))
        return UNREADABLE;
    if (freopen("/dev/null", "w", stderr) == NULL || gx_scn_play(&sim, &scn, &done, &options) != GX_OK)
        return MACHINE;

    const struct gx_sim_violation *v = gx_sim_violations(sim, &n);

    return n == 0 ? CLEAN : BROKEN + (int)v[0].oracle;
}

static void note(struct trial *t, const struct gx_sim_job *job, const char *file, uint64_t seed)
{
    bool broken = job->signal != 0 || job->code != CLEAN, is_world = file == NULL;

    if (job->code == MACHINE || job->code == UNREADABLE) {
        fprintf(stderr, "gx-sim-mutants: %s\n", job->code == MACHINE ? "no world can be made in /dev/shm" : "a scenario cannot be read");
        exit(job->code);
    }
    if (broken && !is_found(t)) {
        if (is_world)
            snprintf(t->first, sizeof t->first, "seed %llu", (unsigned long long)seed);
        else
            snprintf(t->first, sizeof t->first, "%s", file);
        snprintf(t->word, sizeof t->word, "%s", job->signal != 0 ? strsignal(job->signal) : gx_sim_oracle_name((enum gx_sim_oracle)(job->code - BROKEN)));
    }
    t->tried[is_world]++;
    t->found[is_world] += broken;
}

static void run(struct gx_sim_jobs jobs)
{
    int ended = 0;

    jobs.seconds = SECONDS;
    ended = gx_sim_jobs_run(&jobs);
    if (ended == 0)
        return;
    if (ended < 0)
        fputs("gx-sim-mutants: no process, or no folder in /dev/shm, can be made\n", stderr);
    exit(ended < 0 ? MACHINE : 128 + ended);
}

/* --- what found them before ----------------------------------------------------------------------------------------------------------------------- */

#define KNOWN_SEEDS 8u      /* of a scenario: who happens to ask whom is another with each, and a liar is not always met */

static uint64_t known_seed(const struct trial *t)
{
    return known[t->mutant].file != NULL ? t->known_tried : known[t->mutant].seed;
}

static int play_known(void *ctx, uint64_t index, const char *dir, void *result, FILE *out)
{
    const struct trial *t = ((const struct trial *const *)ctx)[index];

    (void)result;
    (void)out;
    gx_mutant = t->mutant;
    return play(known[t->mutant].file, known_seed(t), dir);
}

static bool look_known(void *ctx, const struct gx_sim_job *job)
{
    struct trial *t = ((struct trial *const *)ctx)[job->index];

    note(t, job, known[t->mutant].file, known_seed(t));
    return true;
}

static void try_known(struct trial *trials)
{
    struct trial *list[GX_MUTANT_COUNT];
    uint64_t n = 0;

    for (int m = 0; m < GX_MUTANT_COUNT; m++)
        if (trials[m].wanted && !trials[m].all && !is_found(&trials[m]) && (known[m].file != NULL || (known[m].seed != 0 && trials[m].known_tried == 0))) {
            trials[m].known_tried++;
            list[n++] = &trials[m];
        }
    run((struct gx_sim_jobs){.n = n, .work = play_known, .done = look_known, .ctx = list});
}

/* --- all there is ---------------------------------------------------------------------------------------------------------------------------------- */

/* Indexes: the files of the gallery, then seeds from 1 on. */
static const char *file_at(const struct trial *t, uint64_t index)
{
    return index < (uint64_t)t->gallery->n ? t->gallery->file[index]->d_name : NULL;
}

static uint64_t seed_at(const struct trial *t, uint64_t index)
{
    uint64_t n_files = (uint64_t)t->gallery->n;

    return index < n_files ? 1 : index - n_files + 1;
}

static int play_next(void *ctx, uint64_t index, const char *dir, void *result, FILE *out)
{
    const struct trial *t = ctx;

    (void)result;
    (void)out;
    gx_mutant = t->mutant;
    return play(file_at(t, index), seed_at(t, index), dir);
}

static bool look_next(void *ctx, const struct gx_sim_job *job)
{
    struct trial *t = ctx;

    note(t, job, file_at(t, job->index), seed_at(t, job->index));
    return t->all || !is_found(t);
}

static void try_all(struct trial *t, unsigned seeds)
{
    run((struct gx_sim_jobs){.n = (uint64_t)t->gallery->n + seeds, .work = play_next, .done = look_next, .ctx = t});
}

/* --- the verdict ----------------------------------------------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    static struct trial trials[GX_MUTANT_COUNT];
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
        trials[m] = (struct trial){.gallery = &gallery, .mutant = m, .wanted = wanted, .all = many != NULL || m == GX_MUTANT_NONE};
    }
    for (unsigned i = 0; i < KNOWN_SEEDS; i++)
        try_known(trials);
    for (int m = GX_MUTANT_NONE; m < GX_MUTANT_COUNT; m++) {
        struct trial *t = &trials[m];

        if (!t->wanted)
            continue;
        if (!is_found(t))
            try_all(t, seeds);

        bool found = is_found(t), bad = found == (m == GX_MUTANT_NONE);

        if (found)
            printf("%-18s found by %s in %s (%u of %u scenarios, %u of %u worlds)\n", mutants[m].name, t->word, t->first, t->found[0], t->tried[0],
                   t->found[1], t->tried[1]);
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
