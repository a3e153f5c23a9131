/* Times in steps: which lies where, and what can be told of them then. */
#include "tests/sim/spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static uint32_t only_step(const struct gx_sim_spread *s)
{
    uint32_t found = UINT32_MAX, n = 0;

    for (uint32_t i = 0; i < GX_SIM_SPREAD_STEPS; i++)
        if (s->steps[i] > 0) {
            found = i;
            n++;
        }
    assert_int_equal(n, 1);
    return found;
}

static void test_every_time_lies_in_the_step_that_ends_at_it_or_next_behind_it(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms <= UINT32_MAX; ms += 1 + ms / 1000) {
        struct gx_sim_spread s = {.n = 0};
        uint32_t step = 0;

        gx_sim_spread_note(&s, ms, 1);
        step = only_step(&s);
        assert_true(gx_sim_spread_end(step) >= ms);
        assert_true(gx_sim_spread_end(step) - ms <= ms / 32);
        assert_true(step == 0 || gx_sim_spread_end(step - 1) < ms);
    }
    assert_int_equal(gx_sim_spread_end(GX_SIM_SPREAD_STEPS - 1), UINT32_MAX);
}

static void test_a_time_that_is_too_long_for_32_bits_is_the_greatest_and_lies_in_the_last_step(void **state)
{
    struct gx_sim_spread s = {.n = 0};

    (void)state;
    gx_sim_spread_note(&s, UINT64_MAX, 1);
    assert_int_equal(only_step(&s), GX_SIM_SPREAD_STEPS - 1);
    assert_true(gx_sim_spread_quantile(&s, 1) == UINT64_MAX);
}

static void test_quantiles_are_exact_below_32_ms_and_the_greatest_always_is(void **state)
{
    struct gx_sim_spread s = {.n = 0};

    (void)state;
    assert_int_equal(gx_sim_spread_quantile(&s, .5), 0);
    for (uint64_t ms = 1; ms <= 20; ms++)
        gx_sim_spread_note(&s, ms, 1);
    assert_int_equal(gx_sim_spread_quantile(&s, 0), 1);
    assert_int_equal(gx_sim_spread_quantile(&s, .5), 10);
    assert_int_equal(gx_sim_spread_quantile(&s, .9), 18);
    assert_int_equal(gx_sim_spread_quantile(&s, .99), 20);
    gx_sim_spread_note(&s, 100001, 80);
    assert_int_equal(gx_sim_spread_quantile(&s, .2), 20);
    assert_int_equal(gx_sim_spread_quantile(&s, .21), 100001);      /* no later than the greatest */
    assert_int_equal(gx_sim_spread_quantile(&s, 1), 100001);
}

static void test_spreads_of_two_together_are_as_if_all_had_been_noted_in_one(void **state)
{
    struct gx_sim_spread all = {.n = 0}, two[2] = {{.n = 0}};

    (void)state;
    for (uint64_t k = 0; k < 1000; k++) {
        gx_sim_spread_note(&all, k * k, 1 + k % 3);
        gx_sim_spread_note(&two[k % 2], k * k, 1 + k % 3);
    }
    gx_sim_spread_add(&two[0], &two[1]);
    assert_memory_equal(&all, &two[0], sizeof all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_time_lies_in_the_step_that_ends_at_it_or_next_behind_it),
        cmocka_unit_test(test_a_time_that_is_too_long_for_32_bits_is_the_greatest_and_lies_in_the_last_step),
        cmocka_unit_test(test_quantiles_are_exact_below_32_ms_and_the_greatest_always_is),
        cmocka_unit_test(test_spreads_of_two_together_are_as_if_all_had_been_noted_in_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
