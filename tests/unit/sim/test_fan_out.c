/* Groups that many sessions share: what is for everybody goes from hand to hand, and what is for one goes to that one. */
#include "tests/sim/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define NODES 40u
static_assert(NODES > 2 * GX_FAN_OUT, "most are not told by any one node");

static struct gx_sim *world(void)
{
    struct gx_sim_options options = {.seed = 9, .n_nodes = NODES};
    struct gx_command found = {.method = GX_CMD_GROUP_NEW, .name = "tea", .given = 1u << GX_PARAM_NAME};
    struct gx_command invite = {.method = GX_CMD_INVITE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    struct gx_command join = {.method = GX_CMD_JOIN, .given = 1u << GX_PARAM_TOKEN};
    struct gx_sim_reply reply;
    struct gx_sim *sim = NULL;
    char token[600];

    assert_int_equal(gx_sim_new(&sim, &options), GX_OK);
    assert_true(gx_sim_ask(sim, &reply, 0, found, 0));
    assert_true(gx_sim_ask(sim, &reply, 0, invite, 5000));
    assert_true(gx_sim_value(&reply, token, sizeof token, "token"));
    join.token = token;
    for (uint32_t i = 1; i < NODES; i++)
        assert_true(gx_sim_ask(sim, &reply, i, join, 10000));
    (void)gx_sim_rest(sim, 900000);
    for (uint32_t i = 0; i < NODES; i++)
        assert_true(sim->nodes[i].engine->n_sessions > GX_FAN_OUT);
    return sim;
}

static void say(struct gx_sim *sim, uint32_t node)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = "tea", .text = "word", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_TEXT};
    struct gx_sim_reply reply;

    assert_true(gx_sim_ask(sim, &reply, node, cmd, 0));
}

/* How many of the other members' nodes said that they hold the newest message of this one. */
static uint32_t held_by(struct gx_sim *sim, uint32_t node)
{
    const struct gx_group *g = sim->nodes[node].engine->groups[0];
    uint32_t by = 0, of = 0;

    gx_messages_held(g, g->logs[g->own_messages].row.head_seq, &by, &of);
    assert_int_equal(of, NODES - 1);
    return by;
}

static uint32_t holders(struct gx_sim *sim, uint32_t author)
{
    const struct gx_group *a = sim->nodes[author].engine->groups[0];
    const struct gx_log_row *row = &a->logs[a->own_messages].row;
    uint32_t n = 0;

    for (uint32_t i = 0; i < NODES; i++) {
        const struct gx_group *g = sim->nodes[i].engine->groups[0];

        n += g->logs[gx_group_log(g, &row->id)].row.head_seq == row->head_seq;
    }
    return n;
}

static void test_who_wrote_hears_at_once_from_all_who_hold_it(void **state)
{
    struct gx_sim *sim = world();

    (void)state;
    say(sim, 7);
    gx_sim_run(sim, 5);
    assert_int_equal(holders(sim, 7), NODES);
    assert_int_equal(held_by(sim, 7), NODES - 1);
    gx_sim_free(sim);
}

/* 39 x 39 announcements a message it would be, and for each message again. */
static void test_what_others_hold_is_told_together_and_to_some(void **state)
{
    struct gx_sim *sim = world();
    uint64_t frames = gx_sim_counts(sim)->frames;

    (void)state;
    for (uint32_t k = 0; k < 20; k++) {
        say(sim, k);
        gx_sim_run(sim, 50);
    }
    gx_sim_run(sim, 2000);
    frames = gx_sim_counts(sim)->frames - frames;
    assert_in_range(frames, 20 * 2 * (NODES - 1), 20 * 2 * (NODES - 1) + 4 * NODES * (GX_FAN_OUT + 8));
    gx_sim_free(sim);
}

/* Node 0 reaches node 1 only, and that one all others. */
static void test_what_its_author_could_not_give_goes_from_hand_to_hand(void **state)
{
    struct gx_sim *sim = world();

    (void)state;
    gx_sim_island(sim, 0, 1);
    gx_sim_island(sim, 1, 2);
    gx_sim_cut(sim, 0, 1, true);
    gx_sim_cut(sim, 1, 0, true);
    for (uint32_t k = 0; k < 5; k++) {
        say(sim, 0);
        gx_sim_run(sim, 100);
    }
    assert_int_equal(holders(sim, 0), 2);
    gx_sim_run(sim, 5000);
    assert_int_equal(holders(sim, 0), NODES);
    gx_sim_heal(sim);
    (void)gx_sim_rest(sim, 900000);
    assert_int_equal(held_by(sim, 0), NODES - 1);
    assert_true(gx_sim_check(sim));
    gx_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_wrote_hears_at_once_from_all_who_hold_it),
        cmocka_unit_test(test_what_others_hold_is_told_together_and_to_some),
        cmocka_unit_test(test_what_its_author_could_not_give_goes_from_hand_to_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
