#include "tests/unit/engine/sealing.h"

#include "node/engine/sealing.h"

#define MINUTE 60000u

static struct gx_endpoint *record_of(struct net *net, int holder, int of)
{
    struct gx_group *g = tea(net, holder);

    for (uint32_t k = 0; k < g->n_endpoints; k++)
        if (gx_sign_pk_equal(&g->endpoints[k].device, &tea(net, of)->row.intro.device))
            return &g->endpoints[k];
    return NULL;
}

static void test_after_a_removal_who_is_left_has_another_transport_key(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    struct gx_curve_pk before[4];
    (void)state;

    for (int i = 0; i < 4; i++)
        before[i] = eng(net, i)->config.transport_pk;
    net_run(net, 2 * MINUTE);
    for (int i = 0; i < 4; i++)
        assert_int_equal(net->node[i].transport_keys, 0);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n3"));
    net_run(net, 2 * MINUTE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(net->node[i].transport_keys, 1);
        assert_memory_not_equal(&eng(net, i)->config.transport_pk, &before[i], sizeof before[i]);
        assert_false(gx_transport_key_due(eng(net, i)));
        for (int k = 0; k < 3; k++)
            assert_memory_equal(&record_of(net, i, k)->transport, &eng(net, k)->config.transport_pk, sizeof before[0]);
    }
    /* Who is out has none of them, and no reason for another of its own. */
    assert_int_equal(net->node[3].transport_keys, 0);
    for (int k = 0; k < 3; k++)
        assert_memory_equal(&record_of(net, 3, k)->transport, &before[k], sizeof before[k]);
    net_send(net, 0, "tea", "by the new keys");
    net_run(net, 3000);
    assert_true(reads(net, 1, "by the new keys") && reads(net, 2, "by the new keys"));
    assert_false(reads(net, 3, "by the new keys"));
    net_free(net);
}

static void test_who_was_away_meanwhile_still_finds_the_others_and_hears_of_it(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    (void)state;

    net_stop(net, 2);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n3"));
    net_run(net, 2 * MINUTE);
    net_send(net, 1, "tea", "while you were away");
    net_run(net, 3000);
    net_start(net, 2);
    net_run(net, 5 * MINUTE);
    assert_true(reads(net, 2, "while you were away"));
    for (int k = 0; k < 3; k++)
        assert_memory_equal(&record_of(net, 2, k)->transport, &eng(net, k)->config.transport_pk, sizeof(struct gx_curve_pk));
    assert_int_equal(net->node[2].transport_keys, 1);
    net_free(net);
}

static void test_who_leaves_knows_the_key_as_well(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    (void)state;

    assert_true(net_ask(net, 2, (struct gx_command){.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP}, "left", 0));
    net_run(net, 3 * MINUTE);
    assert_int_equal(net->node[0].transport_keys, 1);
    assert_int_equal(net->node[1].transport_keys, 1);
    net_free(net);
}

static void test_a_node_that_ended_before_it_changed_does_so_when_it_runs_again(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    (void)state;

    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 500);
    assert_int_equal(net->node[0].transport_keys, 0);
    net_stop(net, 0);
    net_start(net, 0);
    assert_true(gx_transport_key_due(eng(net, 0)));
    net_run(net, 2 * MINUTE);
    assert_int_equal(net->node[0].transport_keys, 1);
    net_stop(net, 0);
    net_start(net, 0);
    net_run(net, 2 * MINUTE);
    assert_int_equal(net->node[0].transport_keys, 1);
    net_free(net);
}

static void test_who_came_in_after_others_were_out_has_no_reason_for_another_key(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    (void)state;

    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 2 * MINUTE);
    assert_true(net_join(net, 3, token, NULL));
    net_run(net, 2 * MINUTE);
    assert_int_equal(net->node[3].transport_keys, 0);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_a_removal_who_is_left_has_another_transport_key),
        cmocka_unit_test(test_who_was_away_meanwhile_still_finds_the_others_and_hears_of_it),
        cmocka_unit_test(test_who_leaves_knows_the_key_as_well),
        cmocka_unit_test(test_a_node_that_ended_before_it_changed_does_so_when_it_runs_again),
        cmocka_unit_test(test_who_came_in_after_others_were_out_has_no_reason_for_another_key),
    };
    return cmocka_run_group_tests_name("engine/transport_key", tests, NULL, NULL);
}
