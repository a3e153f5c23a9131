/* Random worlds of real nodes, healed at the end, keep every rule; and the same seed is the same run.
 *
 * GX_SEEDS=N runs seeds 1 to N, GX_NODES=N that many nodes.  A failure names the command that shows it again. */
#include "tests/sim/swarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#ifdef GX_SLOW
#define SEEDS 15u
#else
#define SEEDS 100u
#endif
#define NODES 12u
#define ACTS 200u

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void play(struct gx_sim **sim, struct gx_scn_done *done, const struct gx_scn_options *options, uint64_t nodes)
{
    struct gx_scenario scn;

    gx_sim_swarm(&scn, &(struct gx_sim_swarm){.seed = options->seed, .n_nodes = (uint32_t)nodes, .n_acts = ACTS});
    assert_int_equal(gx_scn_play(sim, &scn, done, options), GX_OK);
    gx_scn_free(&scn);
}

/* Ways of a world that have to be met, each by what it counts. */
static void reached(const struct gx_sim_counts *all, const struct gx_sim_removals *removals, const struct gx_scn_done *done)
{
    const struct { const char *what; uint64_t n; } must[] = {
        {"joined", all->joined}, {"QR closed", all->closed}, {"codes over", done->expired}, {"away", done->away}, {"stalled", all->stalled},
        {"resent", all->resent}, {"crashed at a commit", all->crashes_at_commit}, {"old stores", all->restored}, {"due", all->due},
        {"too late", all->too_late}, {"checked", all->events_checked}, {"read anew", all->read_anew}, {"read of before", all->before},
        {"out for good", removals->n}, {"while cut", removals->apart}, {"heard", removals->heard.n}, {"said by who had heard", removals->behind},
        {"sealed to who is out", removals->window.n}, {"read by who is out", removals->read},
        {"compared, the same", all->compared_same}, {"compared in parts", all->compared_parts}, {"met by a gate", all->met_by_gate}, {"met by gate 0", all->met_by_gate_zero}, {"transport keys replaced", all->transport_keys},
        {"other addresses", all->moves}, {"beacons", all->beacons}, {"invitations by digits", all->gifts},
    };
    unsigned missed = 0;

    for (size_t i = 0; i < GX_ARRAY_LEN(must); i++) {
        printf("%s %llu\n", must[i].what, (unsigned long long)must[i].n);
        missed += must[i].n == 0;
    }
    for (int k = 0; k < GX_SCN_ACT_COUNT; k++) {
        printf("%s %llu of %llu\n", gx_scn_act_name((enum gx_scn_act_kind)k), (unsigned long long)done->yes[k], (unsigned long long)done->tried[k]);
        missed += done->yes[k] == 0 && k != GX_SCN_HEAL && k != GX_SCN_CARRY;   /* it rests at the end; the other is in scenarios alone */
    }
#ifndef GX_SLOW                     /* few worlds: they are for what a sanitizer sees */
    assert_int_equal(missed, 0);
#endif
    assert_true(all->joined > 0 && all->due > 0 && all->events_checked > 0);
}

static void test_no_rule_is_broken_in_random_worlds(void **state)
{
    uint64_t seeds = from_environment("GX_SEEDS", SEEDS), nodes = from_environment("GX_NODES", NODES), broken = 0;
    struct gx_scn_done done = {.expired = 0};
    struct gx_sim_counts all = {.steps = 0};
    struct gx_sim_removals removals = {.n = 0};

    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct gx_sim *sim = NULL;
        size_t n = 0;

        play(&sim, &done, &(struct gx_scn_options){.seed = seed}, nodes);

        const struct gx_sim_violation *v = gx_sim_violations(sim, &n);

        for (size_t i = 0; i < n; i++)
            printf("%s at %llu ms, n%u: %s\n", gx_sim_oracle_name(v[i].oracle), (unsigned long long)v[i].at_ms, v[i].node, v[i].text);
        if (n > 0)
            printf("again: gx-sim replay --seed %llu --nodes %llu --acts %u\n", (unsigned long long)seed, (unsigned long long)nodes, ACTS);
        broken += n > 0;
        gx_sim_counts_add(&all, gx_sim_counts(sim));
        gx_sim_removals_add(&removals, gx_sim_removals(sim));
        gx_sim_free(sim);
    }
    assert_int_equal(broken, 0);
    assert_int_equal(removals.knowing + removals.unheard, 0);
    reached(&all, &removals, &done);
}

static void trace_of(uint8_t out[32], struct gx_scn_options options)
{
    struct gx_scn_done done = {.expired = 0};
    struct gx_sim *sim = NULL;

    play(&sim, &done, &options, NODES);
    gx_sim_trace(sim, out);
    gx_sim_free(sim);
}

static void test_the_same_seed_is_the_same_run_however_stores_are_written_and_signatures_remembered(void **state)
{
    uint8_t first[32], again[32];

    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        trace_of(first, (struct gx_scn_options){.seed = seed});
        trace_of(again, (struct gx_scn_options){.seed = seed});
        assert_memory_equal(first, again, sizeof first);
        trace_of(again, (struct gx_scn_options){.seed = seed, .no_writemap = true});
        assert_memory_equal(first, again, sizeof first);
        trace_of(again, (struct gx_scn_options){.seed = seed, .no_memo = true});
        assert_memory_equal(first, again, sizeof first);
        trace_of(again, (struct gx_scn_options){.seed = seed + 1000});
        assert_memory_not_equal(first, again, sizeof first);
    }
}

/* What is drawn can be written down, and what is written is played as what was drawn. */
static void test_a_random_world_written_as_a_scenario_file_is_the_same_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct gx_scn_options options = {.seed = seed};
        struct gx_scn_done done = {.expired = 0};
        struct gx_scenario scn;
        struct gx_sim *sim = NULL;
        char *text = NULL, why[300];
        size_t n = 0;
        uint32_t line = 0, column = 0;
        uint8_t drawn[32], read[32];
        FILE *f = open_memstream(&text, &n);

        assert_non_null(f);
        trace_of(drawn, options);
        gx_sim_swarm(&scn, &(struct gx_sim_swarm){.seed = seed, .n_nodes = NODES, .n_acts = ACTS});
        gx_scn_write(f, &scn);
        assert_int_equal(fclose(f), 0);
        gx_scn_free(&scn);
        if (!gx_scn_read(&scn, text, strlen(text), why, &line, &column))
            fail_msg("%u:%u: %s", line, column, why);
        assert_int_equal(gx_scn_play(&sim, &scn, &done, &options), GX_OK);
        gx_sim_trace(sim, read);
        assert_memory_equal(drawn, read, sizeof drawn);
        gx_sim_free(sim);
        gx_scn_free(&scn);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rule_is_broken_in_random_worlds),
        cmocka_unit_test(test_the_same_seed_is_the_same_run_however_stores_are_written_and_signatures_remembered),
        cmocka_unit_test(test_a_random_world_written_as_a_scenario_file_is_the_same_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
