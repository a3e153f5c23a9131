/* Groups that many sessions share: what is for everybody goes from hand to hand, and what is for one goes to that one. */
#include "tests/sim/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NODES 40u
#define SMALL (GX_FAN_OUT + 1)
static_assert(NODES > 2 * GX_FAN_OUT, "most are not told by any one node");

static struct gx_sim *world_of(uint32_t nodes)
{
    struct gx_sim_options options = {.seed = 9, .n_nodes = nodes, .measure = true};
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
    for (uint32_t i = 1; i < nodes; i++)
        assert_true(gx_sim_ask(sim, &reply, i, join, 10000));
    (void)gx_sim_rest(sim, 900000);
    for (uint32_t i = 0; i < nodes; i++)
        assert_int_equal(sim->nodes[i].engine->n_sessions, nodes - 1);
    return sim;
}

static struct gx_sim *world(void)
{
    return world_of(NODES);
}

static uint64_t frames_of(struct gx_sim *sim, enum gx_frame_kind kind)
{
    struct gx_sim_figures figures;
    uint64_t n = 0;

    assert_true(gx_sim_figures(&figures, sim));
    n = figures.kind_frames[kind];
    gx_sim_figures_free(&figures);
    return n;
}

static struct sim_copies copies(struct gx_sim *sim, uint64_t after_ms)
{
    char where[66] = ":";

    gx_hex(where + 1, sim->nodes[0].engine->groups[0]->row.id.b, 32);
    return sim_measure_copies(sim, where, after_ms);
}

static struct gx_channel *channel(struct gx_sim *sim, uint32_t node, uint32_t session)
{
    struct gx_engine *e = sim->nodes[node].engine;

    return gx_session_channel_of(e->sessions[session], e->groups[0]->row.gnum);
}

static uint32_t links(struct gx_sim *sim, uint32_t node, enum gx_link least)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < sim->nodes[node].engine->n_sessions; i++)
        n += channel(sim, node, i)->link >= least;
    return n;
}

/* Node `to` hears that word of whom it has that session with. */
static void hears_link(struct gx_sim *sim, uint32_t to, uint32_t session, enum gx_link link)
{
    struct sim_frame *frame = calloc(1, sizeof *frame + 4);
    struct gx_wr w = gx_wr(frame == NULL ? NULL : frame->bytes, 4);

    assert_non_null(frame);
    frame->n = 4;
    gx_frame_write_link(&w, channel(sim, to, session)->number, link);
    sim_push(sim, to, (struct gx_input){.kind = GX_IN_FRAME, .session = sim->nodes[to].engine->sessions[session]->id}, frame);
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

static void test_who_wrote_hears_from_all_who_hold_it(void **state)
{
    struct gx_sim *sim = world();

    (void)state;
    say(sim, 7);
    gx_sim_run(sim, 1000);
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
    gx_sim_run(sim, 5000);
    assert_int_equal(holders(sim, 0), NODES);
    gx_sim_heal(sim);
    (void)gx_sim_rest(sim, 900000);
    assert_int_equal(held_by(sim, 0), NODES - 1);
    assert_true(gx_sim_check(sim));
    gx_sim_free(sim);
}

static void test_what_is_said_comes_once_to_each(void **state)
{
    struct gx_sim *sim = world();
    uint64_t begin = gx_sim_now_ms(sim);
    struct sim_copies sum;

    (void)state;
    for (uint32_t k = 0; k < 2 * NODES; k++) {
        begin = k == NODES ? gx_sim_now_ms(sim) : begin;        /* the tree is as the joins left it, until all have spoken once */
        say(sim, k % NODES);
        gx_sim_run(sim, 50);
    }
    gx_sim_run(sim, 2000);
    sum = copies(sim, begin);
    print_message("%llu first copies, %llu pushed, %llu more\n", (unsigned long long)sum.first, (unsigned long long)sum.pushed, (unsigned long long)sum.again);
    assert_int_equal(sum.first, NODES * (NODES - 1));
    assert_true(sum.pushed * 100 >= sum.first * 98);
    assert_true(sum.again * 100 <= sum.first * 5);
    gx_sim_free(sim);
}

static void test_everybody_has_a_few_links_and_both_sides_say_the_same_of_them(void **state)
{
    struct gx_sim *sim = world();
    uint32_t n[3] = {0}, ends = 0;

    (void)state;
    for (uint32_t i = 0; i < NODES; i++) {
        assert_in_range(links(sim, i, GX_LINK_LAZY), 5, 8);
        assert_true(links(sim, i, GX_LINK_EAGER) >= 1);
        for (uint32_t k = 0; k < NODES - 1; k++) {
            uint32_t other = sim_peer(sim, i, sim->nodes[i].engine->sessions[k]->id);
            enum gx_link link = channel(sim, i, k)->link;

            n[link]++;
            for (uint32_t m = 0; m < NODES - 1; m++)
                if (sim_peer(sim, other, sim->nodes[other].engine->sessions[m]->id) == i) {
                    assert_int_equal(channel(sim, other, m)->link, link);
                    ends++;
                }
        }
    }
    print_message("ends of links: %u eager, %u lazy; of a tree they would be %u\n", n[GX_LINK_EAGER], n[GX_LINK_LAZY], 2 * (NODES - 1));
    assert_int_equal(ends, NODES * (NODES - 1));
    assert_true(n[GX_LINK_EAGER] >= 2 * (NODES - 1) && n[GX_LINK_LAZY] > 0);
    gx_sim_free(sim);
}

static void test_a_small_group_has_no_tree(void **state)
{
    struct gx_sim *sim = world_of(SMALL);

    (void)state;
    for (uint32_t k = 0; k < SMALL; k++) {
        say(sim, k);
        gx_sim_run(sim, 5);
        assert_int_equal(copies(sim, 0).first, (k + 1) * (SMALL - 1));
    }
    assert_int_equal(copies(sim, 0).again, 0);
    assert_int_equal(copies(sim, 0).pushed, SMALL * (SMALL - 1));
    assert_int_equal(frames_of(sim, GX_FRAME_LINK), 0);
    gx_sim_free(sim);
}

static void test_who_is_told_by_all_that_it_pushes_in_vain_pushes_on(void **state)
{
    struct gx_sim *sim = world();

    (void)state;
    for (uint32_t i = 0; i < NODES - 1; i++)
        if (channel(sim, 3, i)->link == GX_LINK_EAGER)
            hears_link(sim, 3, i, GX_LINK_LAZY);
    gx_sim_run(sim, 1);
    assert_int_equal(links(sim, 3, GX_LINK_EAGER), 0);
    gx_sim_run(sim, 100);
    assert_true(links(sim, 3, GX_LINK_EAGER) >= 1);
    say(sim, 3);
    gx_sim_run(sim, 1000);
    assert_int_equal(holders(sim, 3), NODES);
    gx_sim_free(sim);
}

static void test_who_says_without_end_what_its_link_is_has_none(void **state)
{
    struct gx_sim *sim = world();
    const struct gx_engine *e = sim->nodes[3].engine;
    uint32_t mine = 0;

    (void)state;
    for (uint32_t k = 0; k < 1000; k++)
        hears_link(sim, 3, 11, k % 2 == 0 ? GX_LINK_EAGER : GX_LINK_APART);
    gx_sim_run(sim, 1);
    assert_int_equal(channel(sim, 3, 11)->link, GX_LINK_APART);
    assert_int_equal(gx_engine_dropped(e, "link_flood"), 1000 - 64);
    hears_link(sim, 3, 11, GX_LINK_EAGER);
    gx_sim_run(sim, 1);
    assert_int_equal(channel(sim, 3, 11)->link, GX_LINK_APART);

    /* However many ask, those that it chose stay. */
    for (uint32_t i = 0; i < NODES - 1; i++)
        mine += channel(sim, 3, i)->link != GX_LINK_APART && channel(sim, 3, i)->link_mine;
    assert_true(mine > 0);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < NODES - 1; i++)
            hears_link(sim, 3, i, GX_LINK_EAGER);
    gx_sim_run(sim, 1);
    for (uint32_t i = 0; i < NODES - 1; i++)
        mine -= channel(sim, 3, i)->link != GX_LINK_APART && channel(sim, 3, i)->link_mine;
    assert_int_equal(mine, 0);
    assert_in_range(links(sim, 3, GX_LINK_LAZY), 1, 8);
    say(sim, 3);
    gx_sim_run(sim, 1000);
    assert_int_equal(holders(sim, 3), NODES);
    gx_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_wrote_hears_from_all_who_hold_it),
        cmocka_unit_test(test_what_others_hold_is_told_together_and_to_some),
        cmocka_unit_test(test_what_its_author_could_not_give_goes_from_hand_to_hand),
        cmocka_unit_test(test_what_is_said_comes_once_to_each),
        cmocka_unit_test(test_everybody_has_a_few_links_and_both_sides_say_the_same_of_them),
        cmocka_unit_test(test_a_small_group_has_no_tree),
        cmocka_unit_test(test_who_is_told_by_all_that_it_pushes_in_vain_pushes_on),
        cmocka_unit_test(test_who_says_without_end_what_its_link_is_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
