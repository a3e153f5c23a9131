/* What is taken in where there is little room. */
#include "tests/unit/engine/net.h"

#define MANY 20                 /* come as one chunk, and are kept as one */

/* Node 1 from the others. */
static void apart(struct net *net, bool cut)
{
    net->cut[0][1] = net->cut[1][0] = net->cut[2][1] = net->cut[1][2] = cut;
    for (int k = 0; cut && k < NET_LINKS; k++) {
        struct net_link *l = &net->link[k];

        if (!l->open || (l->node[0] != 1 && l->node[1] != 1))
            continue;
        l->open = false;
        for (int side = 0; side < 2; side++)
            net_push(net, l->node[side], (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = l->session[side]}, gx_span(NULL, 0));
    }
    net_run(net, 1000);
}

/* That LMDB has no page left is found at any write of a step, the one of a whole chunk included.  The step is undone, and has failed for want of room
 * and nothing else: two steps that failed otherwise end the node. */
static void test_messages_that_find_no_room_wait_until_there_is(void **state)
{
    struct net *net = net_new(3);
    struct gx_txn *reader = NULL;
    char token[600];
    unsigned n_full = 0;

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL) && net_join(net, 2, token, NULL));
    net_run(net, 5000);
    net->together = true;
    assert_int_equal(gx_txn_begin(&reader, net->node[1].store, false), GX_OK);
    for (unsigned k = 0; k < 60; k++)
        net_send(net, 1, "tea", "mine");
    for (unsigned pages = 0; pages < 24; pages++) {
        apart(net, true);
        for (unsigned k = 0; k < 2 * MANY; k++)
            net_send(net, k % 2 == 0 ? 0 : 2, "tea", "meanwhile");
        net_leave_pages(net, 1, pages);
        net->node[1].full = true;
        net->node[1].n_full = 0;
        apart(net, false);
        net_run(net, 20000);
        n_full += net->node[1].n_full > 0;
        net_leave_pages(net, 1, 1u << 16);
        net->node[1].full = false;
        net_run(net, 400000);
        net_get(net, 1, GX_CMD_GROUP_SHOW, "tea", "count");
        assert_int_equal(net->node[1].number, 60 + 2 * MANY * (pages + 1));
    }
    print_message("without room %u of 24 times\n", n_full);
    assert_in_range(n_full, 4, 23);
    gx_txn_abort(&reader);
    net_free(net);
}

/* What wakes a node may fail as anything else, before a deadline was looked at: the wake-up has to be asked for again. */
static void test_a_deadline_whose_step_was_undone_is_kept(void **state)
{
    struct net *net = net_new(2);
    struct gx_txn *reader = NULL;
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = "milk", .given = 1u << GX_PARAM_NAME};
    struct gx_input in[2] = {{.kind = GX_IN_COMMAND, .client = 1, .command = &cmd}, {.kind = GX_IN_TIMER}};
    uint64_t rests_until = 0;

    (void)state;
    net_group(net, 0, "tea");
    assert_int_equal(gx_txn_begin(&reader, net->node[0].store, false), GX_OK);
    net_leave_pages(net, 0, 0);
    net->node[0].full = true;
    net_steps(net, 0, in, 1);
    assert_int_equal(net->node[0].n_full, 1);
    rests_until = net->node[0].wake;
    assert_true(rests_until > net->now.mono_ms);

    net->now.wall_ms += rests_until - net->now.mono_ms;
    net->now.mono_ms = rests_until;
    net_steps(net, 0, in, 2);
    assert_int_equal(net->node[0].n_full, 2);
    assert_true(net->node[0].wake != 0);
    gx_txn_abort(&reader);
    net_free(net);
}

/* Reading everything anew finds others to call, and that would be now: but the rest comes first. */
static void test_a_node_that_is_full_is_not_woken_again_at_once(void **state)
{
    char token[600];
    struct net *net = net_new(2);
    struct gx_txn *reader = NULL;
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = "milk", .given = 1u << GX_PARAM_NAME};
    struct gx_input in = {.kind = GX_IN_COMMAND, .client = 1, .command = &cmd};

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 5000);
    net_stop(net, 1);
    assert_int_equal(gx_txn_begin(&reader, net->node[0].store, false), GX_OK);
    net_leave_pages(net, 0, 0);
    net->node[0].full = true;
    net_steps(net, 0, &in, 1);
    assert_int_equal(net->node[0].n_full, 1);
    assert_true(net->node[0].wake > net->now.mono_ms);
    gx_txn_abort(&reader);
    net_free(net);
}

/* That it listens, and where, is said once: also when the step that was told so is undone. */
static void test_a_node_that_was_full_when_it_began_to_listen_still_tells_where_it_is(void **state)
{
    struct net *net = net_new(1);
    struct gx_addr addr = net_addr(4242);
    struct gx_input in = {.kind = GX_IN_LISTENING, .n_addrs = 1, .addrs = &addr};
    struct gx_effects effects;
    struct gx_engine *e = NULL;

    (void)state;
    net_group(net, 0, "tea");
    e = net->node[0].engine;
    e->listening = false;
    e->fault = GX_E_FULL;               /* before it is looked at */
    in.now = net->now;
    assert_int_equal(gx_engine_step(e, &effects, &in, 1), GX_E_FULL);
    for (size_t i = 0; i < effects.n; i++)
        net_effect(net, 0, &effects.list[i]);
    net_run(net, 180000);
    assert_true(e->listening);
    assert_int_equal(gx_endpoints_of(e->groups[0], &e->groups[0]->row.intro.device)->addrs[0].port, 4242);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_that_find_no_room_wait_until_there_is),
        cmocka_unit_test(test_a_deadline_whose_step_was_undone_is_kept),
        cmocka_unit_test(test_a_node_that_is_full_is_not_woken_again_at_once),
        cmocka_unit_test(test_a_node_that_was_full_when_it_began_to_listen_still_tells_where_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
