/* What becomes of a message while those it is for are away: queued, sent, held by some, delivered; and who is told. */
#include "tests/unit/engine/net.h"

#define WAIT_GIVEN (NET_TEXT_GIVEN | 1u << GX_PARAM_WAIT)

static struct net *net;
static char receipts[NET_RECEIPTS];

static int setup(void **state)
{
    (void)state;
    receipts[0] = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    net_free(net);
    return 0;
}

/* A group "tea" that node 0 founded and all others joined, in order. */
static void meet(int n)
{
    char token[600];

    net = net_new(n);
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    for (int i = 1; i < n; i++) {
        assert_true(net_join(net, i, token, NULL));
        net_run(net, 3000);
    }
}

/* Node 0 sends, and has its answer within `ms` or none. */
static void send_and_wait(const char *text, const char *until, uint64_t ms)
{
    net_ask(net, 0, (struct gx_command){.method = GX_CMD_SEND, .group = "tea", .text = text, .wait = until, .given = WAIT_GIVEN}, "state", ms);
}

static void assert_state(const char *expected, uint32_t held_by, uint32_t held_of)
{
    const struct gx_group *g = net->node[0].engine->groups[0];
    uint32_t by = 0, of = 0;

    assert_string_equal(net_get(net, 0, GX_CMD_READ, "tea", "state"), expected);
    gx_messages_held(g, g->logs[g->own_messages].row.head_seq, &by, &of);
    assert_int_equal(by, held_by);
    assert_int_equal(of, held_of);
}

static void watch(int i)
{
    assert_true(net_ask(net, i, (struct gx_command){.method = GX_CMD_WATCH}, NULL, 0));
    net->node[i].receipts = receipts;
}

static uint64_t queued(int i)
{
    assert_true(net_ask(net, i, (struct gx_command){.method = GX_CMD_STATUS}, "outbox", 0));
    return net->node[i].number;
}

/* --- send --wait -------------------------------------------------------------------------------------------------------------------- */

static void test_a_send_that_waits_is_answered_when_one_holds_it(void **state)
{
    (void)state;
    meet(3);
    net_stop(net, 2);
    net_settle(net);
    send_and_wait("hello", "sent", 100);
    assert_true(net->node[0].answered);
    assert_int_equal(net->node[0].exit_code, 0);
    assert_string_equal(net->node[0].text, "sent");
    assert_non_null(strstr(net->node[0].all, "by=1\nof=2\n"));
}

static void test_a_send_that_waits_for_all_is_answered_when_all_hold_it(void **state)
{
    (void)state;
    meet(3);
    net_stop(net, 2);
    net_settle(net);
    send_and_wait("hello", "delivered", 20000);
    assert_false(net->node[0].answered);
    net_start(net, 2);
    net_run(net, 9000);
    assert_true(net->node[0].answered);
    assert_int_equal(net->node[0].exit_code, 0);
    assert_string_equal(net->node[0].text, "delivered");
}

/* "with 6 on time-out": and then it goes out all the same. */
static void test_what_was_waited_for_in_vain_stays_queued_and_goes_out_later(void **state)
{
    (void)state;
    meet(2);
    net_stop(net, 1);
    net_settle(net);
    send_and_wait("hello", "sent", 31000);
    assert_true(net->node[0].answered);
    assert_int_equal(net->node[0].exit_code, 6);
    assert_string_equal(net->node[0].error, "timeout");
    assert_string_equal(net->node[0].text, "queued");
    assert_non_null(strstr(net->node[0].all, "event="));
    assert_int_equal(queued(0), 1);
    net_stop(net, 0);
    net_start(net, 0);
    assert_int_equal(queued(0), 1);
    net_start(net, 1);
    net_run(net, 30000);
    assert_int_equal(queued(0), 0);
    assert_state("delivered", 1, 1);
}

/* Ctrl-C ends the waiting and nothing else. */
static void test_a_client_that_goes_takes_its_message_with_it_nowhere(void **state)
{
    (void)state;
    meet(2);
    net_stop(net, 1);
    net_settle(net);
    send_and_wait("hello", "delivered", 0);
    net_step(net, 0, (struct gx_input){.kind = GX_IN_CLIENT_GONE, .client = net->node[0].client});
    assert_int_equal(net->node[0].engine->n_waiters, 0);
    net_start(net, 1);
    net_run(net, 30000);
    assert_false(net->node[0].answered);
    assert_state("delivered", 1, 1);
}

static void test_a_wait_for_something_else_is_refused_and_nothing_is_sent(void **state)
{
    (void)state;
    meet(2);
    send_and_wait("hello", "read", 0);
    assert_int_equal(net->node[0].exit_code, 2);
    net_ask(net, 0, (struct gx_command){.method = GX_CMD_SEND, .group = "tea", .text = "x", .given = NET_TEXT_GIVEN | 1u << GX_PARAM_TIMEOUT_MS}, NULL, 0);
    assert_int_equal(net->node[0].exit_code, 2);
    for (uint32_t i = 0; i < GX_WAITERS_MAX; i++)
        net_ask(net, 0, (struct gx_command){.method = GX_CMD_WAIT, .peers = 9, .given = 1u << GX_PARAM_PEERS}, NULL, 0);
    send_and_wait("hello", "sent", 0);
    assert_string_equal(net->node[0].error, "busy");
    assert_int_equal(gx_messages_count(net->node[0].engine->groups[0]), 0);
}

/* What was said to be sent is on the disk: a kill -9 does not take it back. */
static void test_what_a_wait_was_told_outlives_a_kill(void **state)
{
    (void)state;
    meet(2);
    send_and_wait("hello", "sent", 50);
    assert_true(net->node[0].answered);
    net_stop(net, 1);
    net_stop(net, 0);
    net_start(net, 0);
    assert_state("delivered", 1, 1);
}

/* --- who holds it -------------------------------------------------------------------------------------------------------------------- */

/* Ann (0) and Cleo (2) are never up together; Ben (1) is in between.  Ann knows what Ben said; that Cleo has it she hears from her alone. */
static void test_what_goes_by_way_of_a_third_is_sent_until_the_last_one_says_so(void **state)
{
    (void)state;
    meet(3);
    net_stop(net, 1);
    net_stop(net, 2);
    net_settle(net);
    net_send(net, 0, "tea", "one");
    net_send(net, 0, "tea", "two");
    assert_state("queued", 0, 2);
    assert_int_equal(queued(0), 2);
    net_start(net, 1);
    net_run(net, 30000);
    assert_state("sent", 1, 2);
    assert_int_equal(queued(0), 0);
    net_stop(net, 0);
    net_start(net, 2);
    net_run(net, 30000);
    assert_int_equal(gx_messages_count(net->node[2].engine->groups[0]), 2);
    net_stop(net, 2);
    net_start(net, 0);
    net_run(net, 30000);
    assert_state("sent", 1, 2);
    net_start(net, 2);
    net_run(net, 30000);
    assert_state("delivered", 2, 2);
}

/* Who comes later is not given what was said before, and takes nothing back. */
static void test_a_newcomer_makes_no_old_message_undelivered(void **state)
{
    char token[600];
    (void)state;

    net = net_new(3);
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_send(net, 0, "tea", "hello");
    net_run(net, 3000);
    assert_state("delivered", 1, 1);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 3000);
    assert_state("delivered", 1, 1);
}

/* --- receipts ----------------------------------------------------------------------------------------------------------------------- */

static void test_a_watcher_is_told_when_a_message_is_sent_and_when_delivered(void **state)
{
    (void)state;
    meet(3);
    net_stop(net, 1);
    net_stop(net, 2);
    net_settle(net);
    net_send(net, 0, "tea", "one");
    watch(0);
    net_send(net, 0, "tea", "two");
    assert_string_equal(receipts, "");
    net_start(net, 1);
    net_run(net, 30000);
    assert_string_equal(receipts, "sent 1 of 2\nsent 1 of 2\n");
    net_start(net, 2);
    net_run(net, 30000);
    assert_string_equal(receipts, "sent 1 of 2\nsent 1 of 2\ndelivered 2 of 2\ndelivered 2 of 2\n");
}

static void test_with_one_other_delivered_is_all_that_is_told(void **state)
{
    (void)state;
    meet(2);
    watch(0);
    net_send(net, 0, "tea", "one");
    net_run(net, 3000);
    assert_string_equal(receipts, "delivered 1 of 1\n");
}

/* The last one who lacked it is gone: all others hold it now. */
static void test_a_removal_can_deliver(void **state)
{
    struct gx_command remove = {.method = GX_CMD_GROUP_REMOVE, .group = "tea", .who = "@n2", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_WHO};
    (void)state;

    meet(3);
    net_stop(net, 2);
    net_settle(net);
    watch(0);
    net_send(net, 0, "tea", "one");
    net_run(net, 3000);
    assert_string_equal(receipts, "sent 1 of 2\n");
    assert_true(net_ask(net, 0, remove, NULL, 0));
    assert_string_equal(receipts, "sent 1 of 2\ndelivered 1 of 1\n");
}

/* A step tells so many; the next ones go on, and each is told once. */
static void test_many_receipts_come_step_by_step(void **state)
{
    size_t n = 0;
    (void)state;

    meet(2);
    net_stop(net, 1);
    net_settle(net);
    watch(0);
    for (unsigned i = 0; i < 600; i++)
        net_send(net, 0, "tea", "x");
    net_start(net, 1);
    net_run(net, 30000);
    for (const char *p = receipts; (p = strstr(p, "delivered 1 of 1\n")) != NULL; p++)
        n++;
    assert_int_equal(n, 600);
    assert_null(strstr(receipts, "sent"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_send_that_waits_is_answered_when_one_holds_it),
        TEST(test_a_send_that_waits_for_all_is_answered_when_all_hold_it),
        TEST(test_what_was_waited_for_in_vain_stays_queued_and_goes_out_later),
        TEST(test_a_client_that_goes_takes_its_message_with_it_nowhere),
        TEST(test_a_wait_for_something_else_is_refused_and_nothing_is_sent),
        TEST(test_what_a_wait_was_told_outlives_a_kill),
        TEST(test_what_goes_by_way_of_a_third_is_sent_until_the_last_one_says_so),
        TEST(test_a_newcomer_makes_no_old_message_undelivered),
        TEST(test_a_watcher_is_told_when_a_message_is_sent_and_when_delivered),
        TEST(test_with_one_other_delivered_is_all_that_is_told),
        TEST(test_a_removal_can_deliver),
        TEST(test_many_receipts_come_step_by_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
