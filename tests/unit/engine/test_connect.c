/* Connections: one a pair, whatever peers, links and clocks do; and how often somebody connects, in numbers. */
#include "tests/unit/engine/sealing.h"

/* Open connections between two nodes. */
static int links_of(struct net *net, int a, int b)
{
    int n = 0;

    for (int k = 0; k < NET_LINKS; k++)
        n += net->link[k].open && ((net->link[k].node[0] == a && net->link[k].node[1] == b) || (net->link[k].node[0] == b && net->link[k].node[1] == a));
    return n;
}

static uint64_t connects(const struct net *net)
{
    uint64_t n = 0;

    for (int i = 0; i < net->n; i++)
        n += net->node[i].connects;
    return n;
}

/* Every connection breaks, and both ends are told. */
static void break_all(struct net *net)
{
    for (int k = 0; k < NET_LINKS; k++)
        for (int side = 0; net->link[k].open && side < 2; side++)
            net_push(net, net->link[k].node[side], (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = net->link[k].session[side]}, gx_span(NULL, 0));
    for (int k = 0; k < NET_LINKS; k++)
        net->link[k].open = false;
    net_settle(net);
}

/* All connect to all in one moment. */
static void connect_at_once(struct net *net)
{
    for (int i = 0; i < net->n; i++) {
        for (uint32_t k = 0; k < eng(net, i)->n_targets; k++)
            eng(net, i)->targets[k].next_ms = net->now.mono_ms;
        gx_engine_wake(eng(net, i), net->now.mono_ms);
        net_step(net, i, (struct gx_input){.kind = GX_IN_TIMER});
    }
    net_settle(net);
}

static void test_who_connect_at_once_are_left_with_one_connection_a_pair(void **state)
{
    char token[600];
    struct net *net = tea_of(NET_NODES, NET_NODES, token);
    uint64_t before = 0;
    (void)state;

    for (int round = 0; round < 20; round++) {
        break_all(net);
        before = connects(net);
        connect_at_once(net);
        assert_int_equal(connects(net) - before, NET_NODES * (NET_NODES - 1));      /* twice a pair */
        for (int a = 0; a < NET_NODES; a++)
            for (int b = 0; b < a; b++)
                assert_int_equal(links_of(net, a, b), 1);
        net_run(net, 5000);
    }
    /* And it stays: nobody begins anew what was settled. */
    before = connects(net);
    net_run(net, 3600000);
    assert_int_equal(connects(net), before);
    net_send(net, 3, "tea", "after all that");
    net_run(net, 3000);
    for (int i = 0; i < NET_NODES; i++)
        assert_true(reads(net, i, "after all that"));
    net_free(net);
}

/* It hears nothing, says nothing and does not know how late it is. */
static void falls_asleep(struct net *net, int i)
{
    net->node[i].up = false;
}

static void wakes_up(struct net *net, int i)
{
    net->node[i].up = true;
    net_run(net, 1);
}

static bool thinks_that_it_is_connected(struct net *net, int i)
{
    return eng(net, i)->n_sessions > 0;
}

/* Its peer gave it up hours ago, and it takes that for a connection still. */
static void test_a_laptop_that_slept_for_hours_is_connected_once_and_with_one_try(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint64_t before = 0;
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    assert_int_equal(links_of(net, 0, 1), 1);
    falls_asleep(net, 1);
    net_run(net, 8 * 3600000);
    assert_false(thinks_that_it_is_connected(net, 0));
    assert_true(thinks_that_it_is_connected(net, 1));
    before = net->node[1].connects;
    wakes_up(net, 1);
    assert_false(eng(net, 1)->n_sessions > 1);
    net_run(net, 3000);
    assert_int_equal(links_of(net, 0, 1), 1);
    assert_in_range(net->node[1].connects - before, 0, 2);
    net_send(net, 0, "tea", "good morning");
    net_run(net, 3000);
    assert_true(reads(net, 1, "good morning"));
    net_free(net);
}

/* Two lids shut and opened together: both take it for a connection, and it may even be one. */
static void test_two_laptops_that_slept_together_are_connected_once(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint64_t before = 0;
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    falls_asleep(net, 0);
    falls_asleep(net, 1);
    before = connects(net);
    net->now.mono_ms += 8 * 3600000;
    net->now.wall_ms += 8 * 3600000;
    net->node[0].up = net->node[1].up = true;
    /* What a person says first is said into what is no connection any more. */
    net_send(net, 1, "tea", "good morning");
    net_run(net, 5000);
    assert_int_equal(links_of(net, 0, 1), 1);
    assert_in_range(connects(net) - before, 1, 4);
    assert_true(reads(net, 0, "good morning"));
    net_free(net);
}

/* A peer whose link comes and goes 250 times a second, for ten seconds. */
static void test_who_flaps_250_times_a_second_makes_nobody_connect_more_than_now_and_then(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint64_t before = 0, frames = 0;
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    before = net->node[0].connects;
    frames = net->node[0].frames;
    for (int i = 0; i < 2500; i++) {
        break_all(net);
        for (uint32_t k = 0; k < eng(net, 1)->n_targets; k++)
            eng(net, 1)->targets[k].next_ms = net->now.mono_ms;
        gx_engine_wake(eng(net, 1), net->now.mono_ms);
        net_step(net, 1, (struct gx_input){.kind = GX_IN_TIMER});
        net_settle(net);
        assert_int_equal(links_of(net, 0, 1), 1);
        net_run(net, 4);
    }
    assert_in_range(net->node[0].connects - before, 0, 20);
    assert_in_range(net->node[0].frames - frames, 2500, 2500 * 8);
    net_run(net, 120000);
    assert_int_equal(links_of(net, 0, 1), 1);
    net_free(net);
}

/* Refused as fast as it is tried: 8 times in the first quarter of an hour, then every 5 minutes. */
static void test_who_is_not_there_is_tried_less_and_less(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint64_t before = 0;
    (void)state;

    net_stop(net, 1);
    net_settle(net);
    before = net->node[0].connects;
    net_run(net, 900000);
    assert_in_range(net->node[0].connects - before, 8, 16);
    before = net->node[0].connects;
    net_run(net, 3600000);
    assert_in_range(net->node[0].connects - before, 9, 17);
    net_free(net);
}

/* It is told of, and what is open stays open: nobody connects because of it, until it breaks. */
static void test_an_address_that_changes_breaks_no_connection(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint64_t before = 0, frames = 0;
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    before = connects(net);
    frames = net->node[1].frames;
    for (uint16_t i = 0; i < 10; i++) {
        struct gx_addr addr = net_addr((uint16_t)(300 + i));

        for (int k = 0; k < net->n_doors; k++)
            if (net->door[k].node == 1 && net->door[k].number == 0)
                net->door[k].port = addr.port;
        net_step(net, 1, (struct gx_input){.kind = GX_IN_LISTENING, .n_addrs = 1, .addrs = &addr});
        net_run(net, 1000);
    }
    assert_int_equal(connects(net), before);
    assert_int_equal(links_of(net, 0, 1), 1);
    assert_in_range(net->node[1].frames - frames, 10, 30);
    falls_asleep(net, 1);                   /* so that it is node 0 that has to look for it */
    break_all(net);
    net->node[1].up = true;
    net_step(net, 1, (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = eng(net, 1)->sessions[0]->id});
    net->node[1].wake = 0;
    before = net->node[0].connects;
    net_run(net, 5000);
    assert_int_equal(links_of(net, 0, 1), 1);
    assert_int_equal(net->node[0].connects - before, 1);
    net_free(net);
}

/* Node `to` is a copy of node `of` from now on, and both run. */
static void clone_of(struct net *net, int of, int to)
{
    char from[128], at[128], bytes[65536];
    size_t n = 0;

    net_stop(net, of);
    net_stop(net, to);
    snprintf(from, sizeof from, "%s/%s", net->node[of].dir, GX_STORE_FILE);
    snprintf(at, sizeof at, "%s/%s", net->node[to].dir, GX_STORE_FILE);

    FILE *in = fopen(from, "rb"), *out = fopen(at, "wb");

    assert_true(in != NULL && out != NULL);
    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(in);
    fclose(out);
    net->node[to].config = net->node[of].config;
    net->node[to].transport_sk = net->node[of].transport_sk;
    memset(net->node[to].config.incarnation.b, 0x5a, sizeof net->node[to].config.incarnation.b);
    net_start(net, of);
    net_start(net, to);
}

/* A backup that was put back while the original runs: one device, one key, two nodes, and each takes the place of the other. */
static void test_two_lives_of_one_home_do_not_push_each_other_out_all_day(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 2, token);
    uint64_t before = 0;
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    clone_of(net, 1, 2);
    net_run(net, 60000);
    before = connects(net);
    net_run(net, 3600000);
    assert_in_range(connects(net) - before, 30, 150);
    net_send(net, 0, "tea", "to both");
    net_run(net, 180000);
    assert_true(reads(net, 1, "to both") && reads(net, 2, "to both"));
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_connect_at_once_are_left_with_one_connection_a_pair),
        cmocka_unit_test(test_a_laptop_that_slept_for_hours_is_connected_once_and_with_one_try),
        cmocka_unit_test(test_two_laptops_that_slept_together_are_connected_once),
        cmocka_unit_test(test_who_flaps_250_times_a_second_makes_nobody_connect_more_than_now_and_then),
        cmocka_unit_test(test_who_is_not_there_is_tried_less_and_less),
        cmocka_unit_test(test_an_address_that_changes_breaks_no_connection),
        cmocka_unit_test(test_two_lives_of_one_home_do_not_push_each_other_out_all_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
