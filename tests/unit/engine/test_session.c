/* Nodes that meet: joining by a code, through any member, and what happens when somebody vanishes half way. */
#include "tests/unit/engine/net.h"

static void same_everywhere(struct net *net, const char *group, int n)
{
    char state[600], messages[600];

    snprintf(state, sizeof state, "%s", net_get(net, 0, GX_CMD_GROUP_SHOW, group, "state_hash"));
    snprintf(messages, sizeof messages, "%s", net_get(net, 0, GX_CMD_GROUP_SHOW, group, "messages_hash"));
    for (int i = 1; i < n; i++) {
        assert_string_equal(net_get(net, i, GX_CMD_GROUP_SHOW, group, "state_hash"), state);
        assert_string_equal(net_get(net, i, GX_CMD_GROUP_SHOW, group, "messages_hash"), messages);
    }
}

static void test_two_people_meet_by_a_code_and_talk(void **state)
{
    struct net *net = net_new(2);
    char token[600];

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_send(net, 0, "tea", "hello");
    net_settle(net);
    net_send(net, 1, "tea", "hello back");
    net_settle(net);
    net_get(net, 1, GX_CMD_GROUP_SHOW, "tea", "count");
    assert_int_equal(net->node[1].number, 2);
    same_everywhere(net, "tea", 2);
    net_free(net);
}

/* A is down; B admits C by A's code. */
static void test_any_member_admits_while_the_inviter_is_away(void **state)
{
    struct net *net = net_new(3);
    char token[600], at[64];

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_stop(net, 0);
    net_get(net, 1, GX_CMD_INVITES, "tea", "at");
    snprintf(at, sizeof at, "127.0.0.1:%u", 1001u);
    assert_true(net_join(net, 2, token, at));
    net_run(net, 3000);
    net_send(net, 2, "tea", "is anyone there");
    net_settle(net);
    net_start(net, 0);
    net_run(net, 5000);
    net_send(net, 0, "tea", "back");
    net_run(net, 5000);
    same_everywhere(net, "tea", 3);
    net_get(net, 0, GX_CMD_GROUP_SHOW, "tea", "members");
    assert_int_equal(net->node[0].number, 3);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_people_meet_by_a_code_and_talk),
        cmocka_unit_test(test_any_member_admits_while_the_inviter_is_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
