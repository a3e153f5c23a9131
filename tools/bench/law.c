/* The measures of the law: histories played to it as a node does, beside what each operation costs before the law sees it. */
#include "tools/bench/bench.h"

#include <stdlib.h>
#include <time.h>

#define MEMBERS GX_GROUP_MEMBERS_MAX
#define OPERATIONS 10000u
#define OPERATIONS_QUICK 600u
#define TAIL 100u               /* operations that the owner has not witnessed yet */
#define APART_ROUNDS 10u        /* operations of each author between two points, where all write at once */
#define REJOINS 300u
#define RAW_VERIFIES 200u       /* in one look at the raw cost */
#define RAW_HASHES 4000u
#define SAMPLES 100u            /* of what takes microseconds */
#define OPERATIONS_A_REPEAT 20000u

#define LINE(name_is, unit_is, what)                                                                                                        \
    (struct gx_measure){.name = name_is, .unit = unit_is, .raw = "1 verification an operation, " unit_is,                                    \
                        .beside = "1 hash of a header an operation", .note = what}

/* ---- memory ---------------------------------------------------------------------------------------------------------------- */

struct held {
    size_t bytes;
};

/* Each block behind its size. */
static void *resize(void *self, void *block, size_t bytes)
{
    struct held *held = self;
    size_t *old = block == NULL ? NULL : (size_t *)block - 2, had = old == NULL ? 0 : *old, *p = NULL;

    if (bytes == 0) {
        held->bytes -= had;
        free(old);
        return NULL;
    }
    p = realloc(old, bytes + 2 * sizeof *p);
    if (p == NULL)
        return NULL;
    *p = bytes;
    held->bytes = held->bytes + bytes - had;
    return p + 2;
}

/* ---- playing --------------------------------------------------------------------------------------------------------------- */

struct play {
    struct gx_law law;
    struct held held;
};

static bool play_begin(struct play *play, const struct gx_history *h)
{
    play->held = (struct held){0};
    gx_law_begin(&play->law, &(struct gx_law_memory){.resize = resize, .self = &play->held}, MEMBERS, GX_GROUP_QR_JOIN_MAX, GX_GROUP_QUOTA);
    for (uint32_t p = 0; p < h->n_persons; p++)
        if (gx_law_add_person(&play->law, &h->persons[p].member) == GX_LAW_NONE)
            return gx_bench_fail("out of memory");
    return true;
}

static bool play_on(struct play *play, const struct gx_history *h, uint32_t to)
{
    for (uint32_t x = play->law.n_ops; x < to; x++) {
        const struct gx_history_op *op = &h->ops[x];
        struct gx_law_edges edges = {.deps = h->edges + op->deps, .n_deps = op->n_deps, .heads = h->edges + op->heads, .n_heads = op->n_heads,
                                     .prev = op->prev};

        if (gx_law_add(&play->law, &op->op, &edges) != GX_OK)
            return gx_bench_fail("the law is out of memory");
    }
    return gx_law_settle(&play->law) == GX_OK || gx_bench_fail("the law is out of memory");
}

/* What the law made of it. */
static void count(struct gx_measure *m, const struct play *play, uint64_t judged)
{
    uint32_t n_void = 0;

    for (uint32_t x = 0; x < play->law.n_ops; x++)
        n_void += !gx_law_effective(&play->law, x);
    m->counts[0] = (struct gx_bench_count){.what = "operations", .n = play->law.n_ops};
    m->counts[1] = (struct gx_bench_count){.what = "judged", .n = judged};
    m->counts[2] = (struct gx_bench_count){.what = "void", .n = n_void};
    m->counts[3] = (struct gx_bench_count){.what = "members", .n = play->law.now.n_members};
}

static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- figures ---------------------------------------------------------------------------------------------------------------- */

struct took {
    double seconds, cpu;
};

static struct took since(struct took begin)
{
    return (struct took){.seconds = gx_bench_now() - begin.seconds, .cpu = cpu_now() - begin.cpu};
}

static struct took now(void)
{
    return since((struct took){0});
}

/* What one operation costs raw, seconds. */
struct parts {
    double verify, hash;
};

static struct parts parts_now(struct gx_bench *bench)
{
    return (struct parts){.verify = gx_raw_verify(bench->raw, RAW_VERIFIES) / RAW_VERIFIES, .hash = gx_raw_hash(bench->raw, RAW_HASHES) / RAW_HASHES};
}

/* `took` for n operations, of which each costs its parts; `unit` seconds are one of m->unit. */
static void note(struct gx_measure *m, struct took took, double n, struct parts parts, double unit)
{
    gx_figures_add(&m->value, took.seconds / unit);
    gx_figures_add(&m->raw_value, n * parts.verify / unit);
    gx_figures_add(&m->ratio, took.seconds / (n * parts.verify));
    gx_figures_add(&m->beside_value, n * parts.hash / unit);
    gx_figures_add(&m->beside_ratio, took.seconds / (n * parts.hash));
    gx_figures_add(&m->cpu_us, took.cpu / n * 1e6);
}

static void set_goal(struct gx_measure *m, double goal)
{
    m->goal_is = GX_GOAL_AT_MOST;
    m->goal_of_value = true;
    m->goal = goal;
}

static uint32_t operations(const struct gx_bench *bench)
{
    return bench->options.quick ? OPERATIONS_QUICK : OPERATIONS;
}

static uint32_t members(const struct gx_bench *bench)
{
    return bench->options.quick ? MEMBERS / 4 : MEMBERS;
}

/* ---- replay from nothing ------------------------------------------------------------------------------------------------------ */

/* What a node does with its operations when it starts; then the batch form by itself.  `rounds` times, for what is too short for a clock. */
static bool replay(struct gx_measure *m, const struct gx_history *h, struct took *all, struct took *batch, uint32_t rounds)
{
    *all = *batch = (struct took){0};
    for (uint32_t i = 0; i < rounds; i++) {
        struct play play;
        struct took begin = now(), took;
        bool ok = play_begin(&play, h) && play_on(&play, h, h->n);

        took = since(begin);
        all->seconds += took.seconds / rounds;
        all->cpu += took.cpu / rounds;
        if (ok)
            count(m, &play, play.law.n_judged);
        begin = now();
        ok = ok && (gx_law_resolve(&play.law) == GX_OK || gx_bench_fail("the law is out of memory"));
        took = since(begin);
        batch->seconds += took.seconds / rounds;
        batch->cpu += took.cpu / rounds;
        gx_law_end(&play.law);
        if (!ok)
            return false;
    }
    return true;
}

/* m[0] from nothing, m[1] (may be NULL) the batch form alone. */
static bool measure_replay(struct gx_bench *bench, struct gx_measure *m, struct gx_measure *batch, const struct gx_history *h, double unit)
{
    uint32_t rounds = bench->options.quick ? 1 : (OPERATIONS_A_REPEAT + h->n - 1) / h->n;

    gx_bench_note_noise(bench);
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        struct parts parts = parts_now(bench);
        struct took took, took_batch;

        gx_bench_progress(bench, "%s, %u of %u", m->name, r + 1, bench->options.repeats);
        if (gx_bench_stopped() || !replay(m, h, &took, &took_batch, rounds))
            return false;
        note(m, took, h->n, parts, unit);
        if (batch != NULL)
            note(batch, took_batch, h->n, parts, unit);
    }
    return true;
}

bool gx_measure_law_group(struct gx_bench *bench, struct gx_measure m[2])
{
    struct gx_history h;

    m[0] = LINE("law_replay_500", "us", "500 members, as they come and go: all added, settled once");
    m[1] = LINE("law_resolve_500", "us", "the batch form alone");

    bool ok = gx_history_group(&h, members(bench)) && measure_replay(bench, &m[0], &m[1], &h, 1e-6);

    gx_history_free(&h);
    return ok;
}

bool gx_measure_law_replay(struct gx_bench *bench, struct gx_measure m[4])
{
    struct gx_history few = {0}, many = {0};

    m[0] = LINE("law_replay_10k_few", "ms", "500 members, few concurrent heads");
    m[1] = LINE("law_resolve_10k_few", "ms", "the batch form alone");
    m[2] = LINE("law_replay_10k_many", "ms", "254 authors, 10 operations each between two points");
    m[3] = LINE("law_resolve_10k_many", "ms", "the batch form alone");
    set_goal(&m[0], 50);
    set_goal(&m[2], 50);

    bool ok = gx_history_go_on(&few, operations(bench), members(bench)) && gx_history_apart(&many, operations(bench), APART_ROUNDS) &&
              measure_replay(bench, &m[0], &m[1], &few, 1e-3) && measure_replay(bench, &m[2], &m[3], &many, 1e-3);

    gx_history_free(&few);
    gx_history_free(&many);
    return ok;
}

bool gx_measure_law_growth(struct gx_bench *bench, struct gx_measure m[8])
{
    static const struct { uint32_t n; const char *few, *many; } sizes[] = {
        {10, "law_growth_few_10", "law_growth_many_10"},
        {100, "law_growth_few_100", "law_growth_many_100"},
        {1000, "law_growth_few_1k", "law_growth_many_1k"},
        {10000, "law_growth_few_10k", "law_growth_many_10k"},
    };
    bool ok = true;

    for (uint32_t i = 0; ok && i < GX_ARRAY_LEN(sizes); i++) {
        uint32_t n = sizes[i].n < operations(bench) ? sizes[i].n : operations(bench);
        struct gx_history few = {0}, many = {0};

        m[i] = LINE(sizes[i].few, "ns/op", "replay from nothing");
        m[4 + i] = LINE(sizes[i].many, "ns/op", "replay from nothing");
        ok = gx_history_go_on(&few, n, members(bench)) && gx_history_apart(&many, n, APART_ROUNDS) &&
             measure_replay(bench, &m[i], NULL, &few, n * 1e-9) &&
             measure_replay(bench, &m[4 + i], NULL, &many, n * 1e-9);
        gx_history_free(&few);
        gx_history_free(&many);
    }
    return ok;
}

/* ---- one more ------------------------------------------------------------------------------------------------------------------- */

/* The last operation of the history, with all others settled. */
static bool last_one(struct gx_measure *m, const struct gx_history *h, struct took *took)
{
    struct play play;
    bool ok = play_begin(&play, h) && play_on(&play, h, h->n - 1);
    uint64_t judged = play.law.n_judged;
    struct took begin = now();

    ok = ok && play_on(&play, h, h->n);
    *took = since(begin);
    if (ok)
        count(m, &play, play.law.n_judged - judged);
    gx_law_end(&play.law);
    return ok;
}

static bool measure_last(struct gx_bench *bench, struct gx_measure *m, const struct gx_history *h, uint32_t samples, double unit)
{
    struct gx_samples wall = {0}, cpu = {0};
    bool ok = gx_samples_room(&wall, samples) && gx_samples_room(&cpu, samples);

    gx_bench_note_noise(bench);
    samples = bench->options.quick ? 1 : samples;
    for (uint32_t r = 0; ok && r < bench->options.repeats; r++) {
        struct parts parts = parts_now(bench);

        gx_bench_progress(bench, "%s, %u of %u", m->name, r + 1, bench->options.repeats);
        wall.n = cpu.n = 0;
        for (uint32_t i = 0; ok && i < samples; i++) {
            struct took took = {0};

            ok = !gx_bench_stopped() && last_one(m, h, &took);
            gx_samples_add(&wall, took.seconds);
            gx_samples_add(&cpu, took.cpu);
        }
        if (ok)
            note(m, (struct took){.seconds = gx_samples_quantile(&wall, 0.5), .cpu = gx_samples_quantile(&cpu, 0.5)}, 1, parts, unit);
    }
    gx_samples_free(&wall);
    gx_samples_free(&cpu);
    return ok;
}

bool gx_measure_law_one_more(struct gx_bench *bench, struct gx_measure m[4])
{
    uint32_t n = operations(bench), full = members(bench);
    struct gx_history one = {0}, grown = {0}, tail = {0}, point = {0};

    m[0] = LINE("law_one_more", "us", "the ADMIT of the 500th member, a few operations behind the last point");
    m[1] = LINE("law_one_more_10k", "us", "the same with 10,000 operations before it");
    m[2] = LINE("law_one_more_tail", "us", "the same when nobody has witnessed those 10,000");
    m[3] = LINE("law_one_more_checkpoint", "us", "a point of the owner, which witnesses a tail of 100");
    set_goal(&m[0], 20);

    bool ok = gx_history_group(&one, full - 1) && gx_history_admit(&one) && measure_last(bench, &m[0], &one, SAMPLES, 1e-6) &&
              gx_history_go_on(&grown, n, full - 1) && gx_history_admit(&grown) && measure_last(bench, &m[1], &grown, SAMPLES / 10, 1e-6) &&
              gx_history_group(&tail, full - 1) && gx_history_owner_gone(&tail, tail.n + n, full - 1) && gx_history_admit(&tail) &&
              measure_last(bench, &m[2], &tail, SAMPLES / 10, 1e-6) &&
              gx_history_group(&point, full - 1) && gx_history_point(&point, GX_OP_CHECKPOINT, GX_LAW_NONE) &&
              gx_history_owner_gone(&point, point.n + TAIL, full) && gx_history_point(&point, GX_OP_CHECKPOINT, GX_LAW_NONE) &&
              measure_last(bench, &m[3], &point, SAMPLES, 1e-6);

    gx_history_free(&one);
    gx_history_free(&grown);
    gx_history_free(&tail);
    gx_history_free(&point);
    return ok;
}

/* ---- the worst that one operation can do --------------------------------------------------------------------------------------------- */

/* 500 members, then nobody has heard of the owner for long. */
static bool unwitnessed(struct gx_history *h, const struct gx_bench *bench)
{
    uint32_t n = operations(bench);

    return gx_history_group(h, members(bench) - 1) && gx_history_owner_gone(h, h->n + n, members(bench));
}

static bool late(struct gx_history *h, const struct gx_bench *bench)
{
    return unwitnessed(h, bench) && gx_history_late(h);
}

static bool removal(struct gx_history *h, const struct gx_bench *bench)
{
    return unwitnessed(h, bench) && gx_history_removal(h);
}

static bool witness(struct gx_history *h, const struct gx_bench *bench)
{
    return unwitnessed(h, bench) && gx_history_point(h, GX_OP_CHECKPOINT, GX_LAW_NONE);
}

static bool fork_group(struct gx_history *h, const struct gx_bench *bench)
{
    return gx_history_go_on(h, operations(bench), members(bench)) && gx_history_fork(h, GX_OP_CHECKPOINT, GX_LAW_NONE);
}

static bool fork_owner(struct gx_history *h, const struct gx_bench *bench)
{
    return gx_history_owner(h, operations(bench), members(bench)) && gx_history_fork(h, GX_OP_CHECKPOINT, GX_LAW_NONE);
}

/* The owner handed over; a copy of its device did so long before, to somebody else. */
static bool transfers(struct gx_history *h, const struct gx_bench *bench)
{
    return gx_history_owner(h, operations(bench), members(bench)) && gx_history_point(h, GX_OP_TRANSFER, 1) && gx_history_fork(h, GX_OP_TRANSFER, 2);
}

bool gx_measure_law_rollback(struct gx_bench *bench, struct gx_measure m[7])
{
    static const struct {
        const char *name, *what;
        bool (*make)(struct gx_history *h, const struct gx_bench *bench);
    } cases[] = {
        {"law_rollback_late", "an ADMIT that sorts first among 10,000 that nobody witnessed", late},
        {"law_rollback_removal", "a removal that reaches the first of 10,000 that nobody witnessed", removal},
        {"law_rollback_witness", "a point that witnesses 10,000 at once", witness},
        {"law_rollback_fork", "a fork of the owner's log at its beginning, 500 members and 10,000 operations", fork_group},
        {"law_rollback_fork_owner", "the same, when the owner wrote them all", fork_owner},
        {"law_rollback_transfer", "a second handing over, concurrent with 10,000 points and the first", transfers},
    };
    size_t worst = 0;
    bool ok = true;

    for (size_t i = 0; ok && i < GX_ARRAY_LEN(cases); i++) {
        struct gx_history h = {0};

        m[1 + i] = LINE(cases[i].name, "ms", cases[i].what);
        ok = cases[i].make(&h, bench) && measure_last(bench, &m[1 + i], &h, 1, 1e-3);
        gx_history_free(&h);
        worst = gx_figures_median(&m[1 + i].value) > gx_figures_median(&m[1 + worst].value) ? i : worst;
    }
    m[0] = m[1 + worst];
    m[0].name = "law_worst_rollback";
    return ok;
}

bool gx_measure_law_promotes(struct gx_bench *bench, struct gx_measure *m)
{
    struct gx_history h = {0};

    *m = LINE("law_promotes_100", "ms", "10,000 operations, 100 of them PROMOTEs that do not know all: one resolution each");

    bool ok = gx_history_promotes(&h, operations(bench), members(bench), bench->options.quick ? 5 : 100) && measure_replay(bench, m, NULL, &h, 1e-3);

    gx_history_free(&h);
    return ok;
}

bool gx_measure_law_rejoin(struct gx_bench *bench, struct gx_measure *m)
{
    struct gx_history h = {0};

    *m = LINE("law_rejoin", "ms", "a member who leaves 300 times, is admitted 300 times and admits 300 times");

    bool ok = gx_history_rejoin(&h, bench->options.quick ? 20 : REJOINS) && measure_replay(bench, m, NULL, &h, 1e-3);

    gx_history_free(&h);
    return ok;
}

/* ---- memory --------------------------------------------------------------------------------------------------------------------------- */

static bool measure_memory(struct gx_bench *bench, struct gx_measure *m, const struct gx_history *h)
{
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        struct play play;
        struct took begin = now();
        bool ok = play_begin(&play, h) && play_on(&play, h, h->n);
        double plain = (double)h->n * h->n / 16;

        gx_figures_add(&m->cpu_us, since(begin).cpu / h->n * 1e6);
        gx_figures_add(&m->value, (double)play.held.bytes / 1e6);
        gx_figures_add(&m->raw_value, plain / 1e6);
        gx_figures_add(&m->ratio, (double)play.held.bytes / plain);
        m->counts[0] = (struct gx_bench_count){.what = "operations", .n = h->n};
        m->counts[1] = (struct gx_bench_count){.what = "bytes", .n = play.held.bytes};
        m->counts[2] = (struct gx_bench_count){.what = "bytes_of_pasts", .n = play.law.n_blocks * sizeof *play.law.blocks};
        gx_law_end(&play.law);
        if (!ok)
            return false;
    }
    return true;
}

bool gx_measure_law_memory(struct gx_bench *bench, struct gx_measure m[3])
{
    uint32_t n = operations(bench);
    struct gx_history few = {0}, many = {0}, stale = {0};
    const char *raw = "every past as plain bits, MB";

    m[0] = (struct gx_measure){.name = "law_memory_few", .unit = "MB", .raw = raw, .note = "few concurrent heads"};
    m[1] = (struct gx_measure){.name = "law_memory_many", .unit = "MB", .raw = raw, .note = "254 authors, 10 operations each between two points"};
    m[2] = (struct gx_measure){.name = "law_memory_stale", .unit = "MB", .raw = raw,
                               .note = "a member who left 1,000 times, admitted 1,000 times by a request older than that"};

    bool ok = gx_history_go_on(&few, n, members(bench)) && gx_history_apart(&many, n, APART_ROUNDS) && gx_history_stale(&stale, n / 10) &&
              measure_memory(bench, &m[0], &few) && measure_memory(bench, &m[1], &many) && measure_memory(bench, &m[2], &stale);

    gx_history_free(&few);
    gx_history_free(&many);
    gx_history_free(&stale);
    return ok;
}
