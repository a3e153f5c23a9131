/* When a simulated world counts as being at rest. */
#include "tests/sim/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define BOUND_MS 900000u

/* n0 founds tea and shows a code. */
static struct gx_sim *founded(const struct gx_sim_options *options, char token[600])
{
    struct gx_command found = {.method = GX_CMD_GROUP_NEW, .name = "tea", .given = 1u << GX_PARAM_NAME};
    struct gx_command invite = {.method = GX_CMD_INVITE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    struct gx_sim_reply reply;
    struct gx_sim *sim = NULL;

    assert_int_equal(gx_sim_new(&sim, options), GX_OK);
    assert_true(gx_sim_ask(sim, &reply, 0, found, 0));
    assert_true(gx_sim_ask(sim, &reply, 0, invite, 5000));
    assert_true(gx_sim_value(&reply, token, 600, "token"));
    return sim;
}

static void joins(struct gx_sim *sim, uint32_t node, const char *token)
{
    struct gx_command join = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};
    struct gx_sim_reply reply;

    assert_true(gx_sim_ask(sim, &reply, node, join, 10000));
}

static struct gx_sim *world(uint32_t n_nodes)
{
    struct gx_sim_options options = {.seed = 5, .n_nodes = n_nodes};
    char token[600];
    struct gx_sim *sim = founded(&options, token);

    for (uint32_t i = 1; i < n_nodes; i++)
        joins(sim, i, token);
    return sim;
}

static void say(struct gx_sim *sim, uint32_t node)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = "tea", .text = "word", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_TEXT};
    struct gx_sim_reply reply;

    assert_true(gx_sim_ask(sim, &reply, node, cmd, 0));
}

static void test_a_world_in_which_all_is_said_comes_to_rest_long_before_the_bound(void **state)
{
    struct gx_sim *sim = world(6);

    (void)state;
    say(sim, 3);
    assert_in_range(gx_sim_rest(sim, BOUND_MS), 90000, 200000);
    assert_int_equal(gx_sim_rest(sim, BOUND_MS), 90000);
    assert_true(gx_sim_check(sim));
    gx_sim_free(sim);
}

/* After an hour apart both wait for minutes before they try again: nothing is said in this time, and it is no rest. */
static void test_who_waits_to_connect_again_is_waited_for(void **state)
{
    struct gx_sim *sim = world(2);

    (void)state;
    gx_sim_island(sim, 1, 1);
    gx_sim_cut(sim, 0, 1, true);
    gx_sim_cut(sim, 1, 0, true);
    gx_sim_run(sim, 3600000);
    say(sim, 1);
    gx_sim_heal(sim);
    assert_in_range(gx_sim_rest(sim, BOUND_MS), 91000, BOUND_MS - 1);
    assert_true(gx_sim_check(sim));
    assert_int_equal(gx_sim_counts(sim)->delivered, 2);         /* at its author, and at the other */
    gx_sim_free(sim);
}

/* Nobody is reached behind a cut, so nobody is waited for there. */
static void test_what_cannot_be_is_not_waited_for(void **state)
{
    struct gx_sim *sim = world(2);

    (void)state;
    gx_sim_run(sim, 120000);
    gx_sim_crash(sim, 1);
    assert_in_range(gx_sim_rest(sim, BOUND_MS), 90000, 200000);
    gx_sim_free(sim);
}

/* Who was let in and lost it with a store of before knows nobody there: it is called for ever, and goes on closing. */
static void test_who_knows_nothing_of_it_is_not_waited_for(void **state)
{
    struct gx_sim_options options = {.seed = 5, .n_nodes = 2};
    struct gx_sim *sim = NULL;
    char token[600];

    (void)state;
    sim = founded(&options, token);
    gx_sim_crash(sim, 1);
    gx_sim_save(sim, 1);
    gx_sim_start(sim, 1, GX_SIM_SAME);
    joins(sim, 1, token);
    gx_sim_run(sim, 5000);
    gx_sim_crash(sim, 1);
    gx_sim_start(sim, 1, GX_SIM_SAVED);
    assert_in_range(gx_sim_rest(sim, BOUND_MS), 90000, 200000);
    assert_true(gx_sim_check(sim));
    gx_sim_free(sim);
}

/* The same of who came in a second time: by turns seven call for the second membership, and hear and say of the first one, again, that it ended. */
static void test_who_hears_again_that_it_is_out_disturbs_no_rest(void **state)
{
    struct gx_sim_options options = {.seed = 5, .n_nodes = 8};
    struct gx_command removal = {.method = GX_CMD_GROUP_REMOVE, .group = "tea", .who = "@n1", .yes = true,
                                 .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_WHO | 1u << GX_PARAM_YES};
    struct gx_sim_reply reply;
    struct gx_sim *sim = NULL;
    char token[600];

    (void)state;
    sim = founded(&options, token);
    for (uint32_t i = 1; i < 8; i++)
        joins(sim, i, token);
    gx_sim_run(sim, 20000);
    gx_sim_crash(sim, 1);
    gx_sim_save(sim, 1);
    gx_sim_start(sim, 1, GX_SIM_SAME);
    gx_sim_run(sim, 20000);
    assert_true(gx_sim_ask(sim, &reply, 0, removal, 0));
    gx_sim_run(sim, 5000);
    joins(sim, 1, token);
    gx_sim_run(sim, 5000);
    gx_sim_crash(sim, 1);
    gx_sim_start(sim, 1, GX_SIM_SAVED);
    assert_in_range(gx_sim_rest(sim, BOUND_MS), 90000, 300000);
    assert_true(gx_sim_check(sim));
    gx_sim_free(sim);
}

static void test_a_bound_ends_it(void **state)
{
    struct gx_sim *sim = world(2);

    (void)state;
    assert_int_equal(gx_sim_rest(sim, 30000), 30000);
    gx_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_world_in_which_all_is_said_comes_to_rest_long_before_the_bound),
        cmocka_unit_test(test_who_waits_to_connect_again_is_waited_for),
        cmocka_unit_test(test_what_cannot_be_is_not_waited_for),
        cmocka_unit_test(test_who_knows_nothing_of_it_is_not_waited_for),
        cmocka_unit_test(test_who_hears_again_that_it_is_out_disturbs_no_rest),
        cmocka_unit_test(test_a_bound_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
