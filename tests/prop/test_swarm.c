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
#define ACTS 400u

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_no_rule_is_broken_in_random_worlds(void **state)
{
    uint64_t seeds = from_environment("GX_SEEDS", SEEDS), nodes = from_environment("GX_NODES", NODES), broken = 0;
    struct gx_sim_acts acts = {.joins = 0};
    struct gx_sim_counts all = {.steps = 0};

    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct gx_sim_swarm of = {.seed = seed, .n_nodes = (uint32_t)nodes, .n_acts = ACTS};
        struct gx_sim *sim = NULL;
        size_t n = 0;

        assert_int_equal(gx_sim_swarm(&sim, &acts, &of), GX_OK);

        const struct gx_sim_violation *v = gx_sim_violations(sim, &n);

        for (size_t i = 0; i < n; i++)
            printf("%s at %llu ms, n%u: %s\n", gx_sim_oracle_name(v[i].oracle), (unsigned long long)v[i].at_ms, v[i].node, v[i].text);
        if (n > 0)
            printf("again: gx-sim swarm --seed %llu --nodes %llu --acts %u\n", (unsigned long long)seed, (unsigned long long)nodes, ACTS);
        broken += n > 0;
        gx_sim_counts_add(&all, gx_sim_counts(sim));
        gx_sim_free(sim);
    }
    printf("joined %llu closed %llu sent %llu removed %llu left %llu promoted %llu contacts %llu invited %llu; crashes %llu at commits %llu old stores %llu "
           "cuts %llu stalled %llu resent %llu; due %llu too late %llu checked %llu\n",
           (unsigned long long)acts.joined, (unsigned long long)acts.closed, (unsigned long long)acts.sends, (unsigned long long)(acts.removals + acts.bans),
           (unsigned long long)acts.leaves, (unsigned long long)acts.promotions, (unsigned long long)acts.accepted, (unsigned long long)acts.invited,
           (unsigned long long)acts.crashes, (unsigned long long)all.crashes_at_commit, (unsigned long long)all.restored, (unsigned long long)acts.cuts,
           (unsigned long long)all.stalled, (unsigned long long)all.resent, (unsigned long long)all.due, (unsigned long long)all.too_late,
           (unsigned long long)all.events_checked);
    assert_int_equal(broken, 0);
    assert_true(acts.joined > 0 && acts.closed > 0 && acts.sends > 0 && acts.removals + acts.bans > 0 && acts.leaves > 0 && acts.promotions > 0);
    assert_true(acts.accepted > 0 && acts.invited > 0 && acts.crashes > 0 && all.crashes_at_commit > 0 && all.restored > 0 && acts.cuts > 0);
    assert_true(acts.revokes > 0 && acts.expired > 0 && acts.away > 0);
    assert_true(all.stalled > 0 && all.resent > 0 && all.due > 0 && all.too_late > 0 && all.events_checked > 0);
}

static void trace_of(uint8_t out[32], struct gx_sim_swarm of)
{
    struct gx_sim_acts acts = {.joins = 0};
    struct gx_sim *sim = NULL;

    assert_int_equal(gx_sim_swarm(&sim, &acts, &of), GX_OK);
    gx_sim_trace(sim, out);
    gx_sim_free(sim);
}

static void test_the_same_seed_is_the_same_run_however_stores_are_written_and_signatures_remembered(void **state)
{
    uint8_t first[32], again[32];

    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        trace_of(first, (struct gx_sim_swarm){.seed = seed, .n_nodes = NODES, .n_acts = ACTS});
        trace_of(again, (struct gx_sim_swarm){.seed = seed, .n_nodes = NODES, .n_acts = ACTS});
        assert_memory_equal(first, again, sizeof first);
        trace_of(again, (struct gx_sim_swarm){.seed = seed, .n_nodes = NODES, .n_acts = ACTS, .no_writemap = true});
        assert_memory_equal(first, again, sizeof first);
        trace_of(again, (struct gx_sim_swarm){.seed = seed, .n_nodes = NODES, .n_acts = ACTS, .no_memo = true});
        assert_memory_equal(first, again, sizeof first);
        trace_of(again, (struct gx_sim_swarm){.seed = seed + 1000, .n_nodes = NODES, .n_acts = ACTS});
        assert_memory_not_equal(first, again, sizeof first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rule_is_broken_in_random_worlds),
        cmocka_unit_test(test_the_same_seed_is_the_same_run_however_stores_are_written_and_signatures_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
