#include "tests/unit/engine/sealing.h"

#include "node/engine/sealing.h"

#define MINUTE 60000u

static bool knows_key(struct net *net, int who, int of)
{
    return memcmp(&record_of(net, who, of)->transport, &eng(net, of)->config.transport_pk, sizeof(struct gx_curve_pk)) == 0;
}

static int links(struct net *net, int a, int b)
{
    int n = 0;

    for (int k = 0; k < NET_LINKS; k++)
        n += is_between(&net->link[k], a, b);
    return n;
}

/* Until that node has asked for another key; what it asked for has not come to it yet. */
static void run_to_change(struct net *net, int who)
{
    for (int ms = 0; ms < 200000 && net->node[who].transport_keys == 0; ms++) {
        net->now.mono_ms++;
        net->now.wall_ms++;
        for (int k = 0; k < net->n && net->node[who].transport_keys == 0; k++)
            if (net->node[k].up && net->node[k].wake != 0 && net->node[k].wake <= net->now.mono_ms)
                net_step(net, k, (struct gx_input){.kind = GX_IN_TIMER});
        if (net->node[who].transport_keys == 0)
            net_settle(net);
    }
    assert_int_equal(net->node[who].transport_keys, 1);
}

static void copy_store(struct net *net, int i, const char *from, const char *to)
{
    char command[600];

    snprintf(command, sizeof command, "cp %s/%s %s/%s", net->node[i].dir, from, net->node[i].dir, to);
    assert_int_equal(system(command), 0);
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

/* --- what a fresh reader broke ------------------------------------------------------------------------------------------------------------ */

/* n2 comes back to those who changed, and is still connected with n3, of whose removal it hears there. */
static void test_who_is_out_does_not_hear_the_new_keys_from_who_was_away(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    (void)state;

    for (int a = 0; a < 2; a++)
        for (int b = 2; b < 4; b++)
            line(net, a, b, false);
    net_run(net, 1000);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n3"));
    net_run(net, 3 * MINUTE);
    assert_int_equal(net->node[0].transport_keys, 1);
    for (int a = 0; a < 2; a++)
        line(net, a, 2, true);
    net_run(net, 5 * MINUTE);
    assert_true(knows_key(net, 2, 0) && knows_key(net, 2, 1));
    assert_false(knows_key(net, 3, 0) || knows_key(net, 3, 1) || knows_key(net, 3, 2));
    net_free(net);
}

static void test_one_connection_a_pair_is_left_after_a_change(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    (void)state;

    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n3"));
    net_run(net, 5 * MINUTE);
    for (int a = 0; a < 3; a++)
        for (int b = a + 1; b < 3; b++)
            assert_int_equal(links(net, a, b), 1);

    uint64_t asked_for = eng(net, 0)->next_session;

    net_run(net, 600 * MINUTE);
    assert_int_equal(eng(net, 0)->next_session, asked_for);
    net_free(net);
}

static void test_a_step_that_is_undone_does_not_lose_the_new_key(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    (void)state;

    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    run_to_change(net, 1);

    struct net_item *item = &net->queue[(net->tail - 1) % NET_QUEUE];
    struct gx_input in = item->in;
    struct gx_effects effects;

    assert_int_equal(in.kind, GX_IN_TRANSPORT_KEY);
    in.now = net->now;
    eng(net, 1)->fault = GX_E_FULL;
    assert_int_equal(gx_engine_step(eng(net, 1), &effects, &in, 1), GX_E_FULL);
    for (size_t k = 0; k < effects.n; k++)
        net_effect(net, 1, &effects.list[k]);
    item->in = (struct gx_input){.kind = GX_IN_TIMER};
    net_run(net, 3 * MINUTE);
    assert_memory_equal(&eng(net, 1)->config.transport_pk, &net->node[1].config.transport_pk, sizeof(struct gx_curve_pk));
    assert_true(knows_key(net, 0, 1));
    net_free(net);
}

static void test_a_crash_before_the_new_key_was_told_asks_for_no_second_one(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    (void)state;

    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    run_to_change(net, 1);
    net_stop(net, 1);
    net_start(net, 1);
    net_run(net, 3000);
    assert_true(knows_key(net, 0, 1));
    assert_false(gx_transport_key_due(eng(net, 1)));
    net_free(net);
}

/* n3 tells of as many keys of its own as there is room for whom to call, and is removed. */
static void test_one_member_with_many_keys_does_not_keep_others_from_being_found(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    struct gx_endpoint record = {.n_addrs = 1, .addrs = {net_addr(9999)}};
    struct gx_sign_sk sk;
    (void)state;

    gx_device_key(&record.device, &sk, &net->node[3].config.device_seed, &tea(net, 3)->row.intro.e);
    for (uint32_t i = 0; i < GX_SESSIONS_MAX; i++) {
        record.counter = 100 + i;
        memcpy(record.transport.b, &i, sizeof i);
        record.transport.b[9] = 7;
        sign_record(net, &record, &sk);
        for (int to = 0; to < 3; to++)
            tell_record(net, 3, to, &record);
    }
    assert_int_equal(eng(net, 0)->n_targets, GX_SESSIONS_MAX);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n3"));
    net_run(net, 3 * MINUTE);
    for (int up = 0; up < 2; up++) {
        for (int a = 0; a < 3; a++)
            for (int b = a + 1; b < 3; b++)
                line(net, a, b, up);
        net_run(net, 10 * MINUTE);
    }
    for (int a = 0; a < 3; a++)
        for (int b = a + 1; b < 3; b++)
            assert_int_equal(links(net, a, b), 1);
    net_free(net);
}

/* n3's home of when it had asked to be let in is put back once it is out: it comes in as the same member, while n2 goes. */
static void test_who_comes_in_again_does_not_make_up_for_who_goes(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    struct gx_command join = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};
    (void)state;

    join.request = ++net->node[3].client;
    net_step(net, 3, (struct gx_input){.kind = GX_IN_COMMAND, .client = net->node[3].client, .command = &join});
    net_stop(net, 3);
    copy_store(net, 3, "store.mdb", "saved");
    net_start(net, 3);
    net_run(net, 20000);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n3"));
    net_run(net, 3 * MINUTE);
    assert_int_equal(net->node[1].transport_keys, 1);
    net_stop(net, 3);
    net_stop(net, 1);
    copy_store(net, 3, "saved", "store.mdb");
    net_start(net, 3);
    net_run(net, MINUTE);
    assert_true(gx_group_is_member(tea(net, 3)));
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 3 * MINUTE);
    net_start(net, 1);
    net_run(net, 5 * MINUTE);
    assert_int_equal(net->node[0].transport_keys, 2);
    assert_int_equal(net->node[1].transport_keys, 2);
    net_free(net);
}

/* Two are let in for the last seat on two sides of a cut. */
static void test_who_came_in_in_vain_is_a_reason_for_another_key(void **state)
{
    char token[600], other[600];
    struct net *net = net_new(4);
    struct gx_command found = {.method = GX_CMD_GROUP_NEW, .name = "tea", .cap = 3, .given = (1u << GX_PARAM_NAME) | (1u << GX_PARAM_CAP)};
    (void)state;

    assert_true(net_ask(net, 0, found, "group", 0));
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 5000);
    net_invite(net, 1, "tea", other, 0);
    net_run(net, 5000);
    for (int up = 0; up < 2; up++) {
        line(net, 0, 1, up);
        line(net, 0, 3, up);
        line(net, 1, 2, up);
        line(net, 2, 3, up);
        if (up)
            break;
        assert_true(net_join(net, 3, other, NULL));
        assert_true(net_join(net, 2, token, NULL));
        net_run(net, 20000);
        assert_true(knows_key(net, 3, 1));
    }
    net_run(net, 5 * MINUTE);
    assert_false(gx_group_is_member(tea(net, 3)));
    assert_int_equal(net->node[1].transport_keys, 1);
    assert_false(knows_key(net, 3, 1));
    net_free(net);
}

/* n1's home of before the change is put back: with the same counter it would name another key than the one that others hold. */
static void test_a_home_that_is_put_back_is_found_by_its_next_key(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    struct gx_curve_pk pk = net->node[1].config.transport_pk;
    struct gx_curve_sk sk = net->node[1].transport_sk;
    (void)state;

    net_stop(net, 1);
    copy_store(net, 1, "store.mdb", "saved");
    net_start(net, 1);
    net_run(net, 5000);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n3"));
    net_run(net, 3 * MINUTE);
    assert_int_equal(net->node[1].transport_keys, 1);
    net_stop(net, 1);
    copy_store(net, 1, "saved", "store.mdb");
    net->node[1].config.transport_pk = pk;
    net->node[1].transport_sk = sk;
    memset(&net->node[1].config.old_transport_pk, 0, sizeof pk);
    memset(net->node[1].config.incarnation.b, 0x5a, sizeof net->node[1].config.incarnation.b);
    net_start(net, 1);
    net_run(net, 30 * MINUTE);
    assert_int_equal(net->node[1].transport_keys, 2);
    assert_true(knows_key(net, 0, 1) && knows_key(net, 2, 1));
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
        cmocka_unit_test(test_who_is_out_does_not_hear_the_new_keys_from_who_was_away),
        cmocka_unit_test(test_one_connection_a_pair_is_left_after_a_change),
        cmocka_unit_test(test_a_step_that_is_undone_does_not_lose_the_new_key),
        cmocka_unit_test(test_a_crash_before_the_new_key_was_told_asks_for_no_second_one),
        cmocka_unit_test(test_one_member_with_many_keys_does_not_keep_others_from_being_found),
        cmocka_unit_test(test_who_comes_in_again_does_not_make_up_for_who_goes),
        cmocka_unit_test(test_who_came_in_in_vain_is_a_reason_for_another_key),
        cmocka_unit_test(test_a_home_that_is_put_back_is_found_by_its_next_key),
    };
    return cmocka_run_group_tests_name("engine/transport_key", tests, NULL, NULL);
}
