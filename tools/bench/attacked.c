/* Publish to deliver between honest members, quiet and while a third attacks both. */
#include "tools/bench/attacked.h"

#include <poll.h>
#include <stdio.h>

#define REACHES_S 20.0
#define LOOK_MS 20
#define QUANTILE 0.95

#define COUNTS 3

struct attack {
    const char *name, *note;
    const char *counts[COUNTS];     /* what honest nodes drop of it: any of them shows that it reached them */
};

static const struct attack *attack_of(enum gx_attack how)
{
    static const struct attack attacks[] = {
        [GX_ATTACK_SIGNATURES] = {"attacked_signatures", "message chunks whose signatures do not hold", {"signature", "backed_off", NULL}},
        [GX_ATTACK_WANTS] = {"attacked_wants", "everything is asked for, again and again", {"want_budget", "backed_off", NULL}},
        [GX_ATTACK_CLAIMS] = {"attacked_claims", "it claims to have what it never sends", {"claim", "frontier_budget", "backed_off"}},
    };

    return &attacks[how];
}

/* How often both honest nodes dropped something for each of its reasons.  False: they did not say. */
static bool dropped(struct gx_bench *bench, const struct attack *attack, uint64_t n[COUNTS])
{
    struct gx_bench_node *nodes[] = {&bench->a, &bench->b};

    memset(n, 0, COUNTS * sizeof n[0]);
    for (size_t i = 0; i < GX_ARRAY_LEN(nodes); i++) {
        json_t *status = gx_bench_call(nodes[i], "status", NULL);

        if (status == NULL)
            return false;
        for (int k = 0; k < COUNTS && attack->counts[k] != NULL; k++)
            n[k] += (uint64_t)json_integer_value(json_object_get(json_object_get(status, "dropped"), attack->counts[k]));
        json_decref(status);
    }
    return true;
}

static bool reaches(struct gx_bench *bench, const struct attack *attack)
{
    double until = gx_bench_now() + REACHES_S;

    while (gx_bench_now() < until && !gx_bench_stopped()) {
        uint64_t n[COUNTS];

        if (!dropped(bench, attack, n))
            return false;
        for (int k = 0; k < COUNTS; k++)
            if (n[k] > 0)
                return true;
        (void)poll(NULL, 0, LOOK_MS);
    }
    return gx_bench_fail("%s: the attack does not reach the nodes", attack->name);
}

/* So long, and at least so many. */
static bool deliver(struct gx_bench *bench, struct gx_client *watching, struct gx_samples *took)
{
    uint32_t least = bench->options.quick ? 20 : 500, most = 100 * least;
    double until = gx_bench_now() + (bench->options.quick ? 0.1 : 2.0);

    if (!gx_samples_room(took, most))
        return false;
    while (took->n < most && (took->n < least || gx_bench_now() < until)) {
        double one = gx_bench_send_one(bench, watching);

        if (one < 0)
            return gx_bench_fail("a message did not come through");
        gx_samples_add(took, one);
    }
    return true;
}

static bool ready(struct gx_bench *bench)
{
    if (!gx_bench_ready(bench))
        return false;
    if (bench->liar.name[0] != 0)
        return true;
    return gx_bench_init(bench, &bench->liar, "liar") && gx_bench_up(&bench->liar, bench->options.guanxi) && gx_bench_join(bench, &bench->liar) &&
           gx_bench_meet(&bench->liar, 1) && gx_bench_down(&bench->liar);
}

/* What the honest nodes hold against the attacker is forgotten with their processes. */
static bool anew(struct gx_bench *bench)
{
    return gx_bench_down(&bench->a) && gx_bench_down(&bench->b) && gx_bench_ready(bench);
}

static bool round_of(struct gx_bench *bench, enum gx_attack how, struct gx_measure *m)
{
    const struct attack *attack = attack_of(how);
    struct gx_samples quiet = {0}, attacked = {0};
    struct gx_client watching = {.fd = -1};
    struct gx_attacker attacker;
    struct gx_attack_seen seen;
    uint64_t n[COUNTS];
    bool ok = anew(bench) && gx_bench_watch(&watching, &bench->b) && deliver(bench, &watching, &quiet) && gx_attack_begin(&attacker, &bench->liar, how);

    if (ok) {
        double cpu = gx_bench_cpu(&bench->a) + gx_bench_cpu(&bench->b);

        ok = reaches(bench, attack) && deliver(bench, &watching, &attacked);
        cpu = gx_bench_cpu(&bench->a) + gx_bench_cpu(&bench->b) - cpu;
        ok = gx_attack_end(&attacker, &seen) && ok && dropped(bench, attack, n);
        if (ok) {
            double before = gx_samples_quantile(&quiet, QUANTILE), under = gx_samples_quantile(&attacked, QUANTILE);

            gx_figures_add(&m->value, under * 1e6);
            gx_figures_add(&m->raw_value, before * 1e6);
            gx_figures_add(&m->ratio, under / before);
            gx_figures_add(&m->cpu_us, cpu / (double)attacked.n * 1e6);
            m->counts[0].n += seen.frames;
            m->counts[1].n += seen.bytes;
            for (int k = 0; k < COUNTS; k++)
                m->counts[2 + k].n += n[k];
        }
    }
    gx_samples_free(&quiet);
    gx_samples_free(&attacked);
    if (watching.fd >= 0)
        gx_client_close(&watching);
    return ok;
}

bool gx_measure_attacked(struct gx_bench *bench, struct gx_measure m[3])
{
    if (!ready(bench))
        return false;
    for (uint32_t how = 0; how < 3; how++) {
        const struct attack *attack = attack_of((enum gx_attack)how);

        m[how] = (struct gx_measure){.name = attack->name, .unit = "us", .raw = "p95 of publish to deliver, quiet, us", .goal_is = GX_GOAL_AT_MOST, .goal = 2,
                                     .note = attack->note,
                                     .counts = {{"hostile_frames", 0}, {"hostile_bytes", 0}, {attack->counts[0], 0}, {attack->counts[1], 0}, {attack->counts[2], 0}}};
        if (how == GX_ATTACK_WANTS && gx_bench_send_many(bench, bench->options.quick ? 2000 : 20000, GX_BENCH_WINDOW) < 0)
            return false;
        for (uint32_t r = 0; r < bench->options.repeats; r++) {
            gx_bench_progress(bench, "%s, %u of %u", attack->name, r + 1, bench->options.repeats);
            if (!round_of(bench, (enum gx_attack)how, &m[how]))
                return false;
            gx_bench_note_noise(bench);
        }
    }
    return true;
}
