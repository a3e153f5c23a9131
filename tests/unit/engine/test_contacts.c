/* Cards, contacts and direct chats.  WIRE §6.23, §6.24. */
#include "tests/unit/engine/people.h"

static void test_who_scans_a_card_and_is_accepted_is_a_contact(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    assert_true(scan(net, 0, 1));
    assert_string_equal(net->node[0].text, "asked");
    net_run(net, 3000);
    assert_int_equal(waiting(net, 1), 1);
    assert_string_equal(state(net, 0, "n1"), "not_found");      /* what they call themself is theirs to say */
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "n0", "state"));
    net_run(net, 5000);
    assert_int_equal(waiting(net, 1), 0);
    assert_string_equal(state(net, 0, "n1"), "contact");
    assert_string_equal(state(net, 1, "@n0"), "contact");
    net_send(net, 0, "@n1", "hello");
    net_send(net, 1, "@n0", "hello back");
    net_run(net, 3000);
    assert_int_equal(texts(net, 0, "@n1"), 2);
    assert_int_equal(texts(net, 1, "@n0"), 2);
    net_free(net);
}

static void test_two_who_scan_each_other_at_once_have_one_chat(void **s)
{
    struct net *net = net_new(2);
    char card[2][600];

    (void)s;
    for (int i = 0; i < 2; i++)
        card_of(net, i, card[i]);
    for (int i = 0; i < 2; i++) {
        struct gx_command cmd = {.method = GX_CMD_CONTACT_ADD, .token = card[!i], .given = 1u << GX_PARAM_TOKEN, .request = 1};

        net_step(net, i, (struct gx_input){.kind = GX_IN_COMMAND, .client = 900, .command = &cmd});     /* nothing was carried yet */
    }
    net_run(net, 20000);
    for (int i = 0; i < 2; i++) {
        const char *other = i == 0 ? "n1" : "n0";

        assert_int_equal(waiting(net, i), 0);
        assert_string_equal(state(net, i, other), "contact");
        assert_int_equal(net->node[i].engine->n_groups, 2);
    }
    net_send(net, 0, "@n1", "one");
    net_send(net, 1, "@n0", "two");
    net_run(net, 5000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(texts(net, i, i == 0 ? "@n1" : "@n0"), 2);
    net_free(net);
}

static void test_scanning_back_is_the_answer(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    assert_true(scan(net, 0, 1));
    net_run(net, 3000);
    assert_true(scan(net, 1, 0));
    net_run(net, 5000);
    for (int i = 0; i < 2; i++)
        assert_string_equal(state(net, i, i == 0 ? "n1" : "n0"), "contact");
    assert_int_equal(net->node[0].engine->n_groups, 1);
    assert_int_equal(net->node[1].engine->n_groups, 1);
    net_free(net);
}

/* The one who was scanned is away, then the one who scanned; each looks for the other whenever it is up. */
static void test_a_scan_waits_until_both_are_up(void **s)
{
    struct net *net = net_new(2);
    char card[600];
    struct gx_command cmd = {.method = GX_CMD_CONTACT_ADD, .token = card, .given = 1u << GX_PARAM_TOKEN};

    (void)s;
    card_of(net, 1, card);
    net_stop(net, 1);
    assert_true(net_ask(net, 0, cmd, "state", 0));
    net_run(net, 300000);
    net_start(net, 1);
    net_run(net, 70000);
    assert_int_equal(waiting(net, 1), 1);
    net_stop(net, 0);
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "n0", "state"));
    net_run(net, 300000);
    net_stop(net, 1);
    net_start(net, 1);
    net_run(net, 10000);
    net_start(net, 0);
    net_run(net, 20000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(net->node[i].engine->groups[0]->law.now.n_members, 2);
    assert_string_equal(state(net, 1, "n0"), "contact");
    net_send(net, 1, "@n0", "there you are");
    net_run(net, 2000);
    assert_string_equal(state(net, 0, "n1"), "contact");
    assert_int_equal(texts(net, 0, "@n1"), 1);
    net_free(net);
}

static void test_a_card_twice_and_an_answered_card_change_nothing(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    assert_true(scan(net, 0, 1));
    assert_true(scan(net, 0, 1));
    net_run(net, 3000);
    assert_int_equal(waiting(net, 1), 1);
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "n0", "state"));
    net_run(net, 3000);
    assert_true(scan(net, 0, 1));
    assert_string_equal(net->node[0].text, "contact");
    net_run(net, 30000);
    assert_int_equal(waiting(net, 1), 0);
    assert_int_equal(net->node[0].engine->n_groups, 1);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_scans_a_card_and_is_accepted_is_a_contact),
        cmocka_unit_test(test_two_who_scan_each_other_at_once_have_one_chat),
        cmocka_unit_test(test_scanning_back_is_the_answer),
        cmocka_unit_test(test_a_scan_waits_until_both_are_up),
        cmocka_unit_test(test_a_card_twice_and_an_answered_card_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
