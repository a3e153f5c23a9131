/* Members who make others keep what they do not want, or keep nothing of what they do.  node/README.md §8, WIRE §6.34 */
#include "store/check.h"
#include "tests/unit/engine/sealing.h"

#define LIAR 2
#define MB (UINT64_C(1) << 20)

static struct net *tea_within(int n, struct gx_carry_limits limits)
{
    char token[600];
    struct net *net = net_new(n);

    for (int i = 0; i < n; i++)
        net->node[i].config.carry = eng(net, i)->config.carry = limits;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    for (int i = 1; i < n; i++)
        assert_true(net_join(net, i, token, NULL));
    net_run(net, 20000);
    return net;
}

static const struct gx_log *log_of(struct net *net, int i, int of)
{
    const struct gx_group *g = tea(net, i), *its = tea(net, of);
    uint32_t log = gx_group_log(g, &its->logs[its->own_messages].row.id);

    assert_true(log != GX_NONE);
    return &g->logs[log];
}

/* 56 KB each. */
static void say_long(struct net *net, int i, int n)
{
    char *text = calloc(1, GX_TEXT_BYTES_MAX + 1);

    memset(text, 'x', GX_TEXT_BYTES_MAX);
    for (int k = 0; k < n; k++) {
        net_send(net, i, "tea", text);
        net_run(net, 20);
    }
    free(text);
}

static void assert_sound(struct net *net, int i)
{
    struct gx_check_report report;
    struct gx_txn *txn = NULL;

    assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
    assert_int_equal(gx_store_check(txn, &report, NULL, NULL), GX_OK);
    gx_txn_abort(&txn);
    assert_int_equal(report.problems, 0);
}

static uint64_t dropped(struct net *net, int i, const char *name)
{
    return gx_engine_dropped(eng(net, i), name);
}

/* --- a fork holds fast ------------------------------------------------------------------------------------------------------------------- */

/* Another event than the second of those that n1 holds of the liar's log. */
static void fork_at_the_oldest(struct net *net, struct hand *h)
{
    const struct gx_log_row *row = &log_of(net, 1, LIAR)->row;
    struct gx_txn *txn = NULL;
    struct gx_event first;

    assert_int_equal(gx_txn_begin(&txn, net->node[1].store, false), GX_OK);
    assert_int_equal(gx_events_get(txn, &first, row, &tea(net, 1)->row.id, row->base_seq + 1), GX_OK);
    gx_txn_abort(&txn);
    hand_text(net, LIAR, h, "another branch", &row->id, row->base_seq + 2, &first.id, NULL, 0, first.tick + 1);
    tell(net, LIAR, 1, h);
    net_settle(net);
}

/* "So a member who floods a group drives out their own messages, and nobody else's": nor one who forks a long log, which is shortened to the fork at most. */
static void test_who_forks_a_long_log_drives_out_nobody_else(void **state)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.group_bytes = MB});
    struct hand *h = hand_new();

    (void)state;
    for (int i = 0; i < 5; i++)
        net_send(net, 0, "tea", "quiet");
    say_long(net, LIAR, 30);
    net_run(net, 700000);
    assert_true(log_of(net, 1, LIAR)->row.base_seq > 0);
    fork_at_the_oldest(net, h);
    say_long(net, 0, 5);
    net_run(net, 1500000);
    assert_int_equal(log_of(net, 1, 0)->row.base_seq, 0);
    assert_int_equal(log_of(net, 1, 0)->row.head_seq, 10);
    assert_true(tea(net, 1)->bytes < MB + MB / 4);
    assert_sound(net, 1);
    free(h);
    net_free(net);
}

/* A short one is kept, with both its branches. */
static void test_a_fork_of_a_short_log_is_kept(void **state)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.group_bytes = MB});
    struct hand *h = hand_new();

    (void)state;
    for (int i = 0; i < 5; i++)
        net_send(net, LIAR, "tea", "quiet");
    net_run(net, 1000);
    fork_at_the_oldest(net, h);
    assert_int_equal(gx_group_branches(tea(net, 1), &log_of(net, 1, LIAR)->row.id), 2);
    free(h);
    net_free(net);
}

/* --- the newest of each log ------------------------------------------------------------------------------------------------------------------ */

/* One more log of the liar's, and a long message in it, of which nothing ever goes: it is the newest there. */
static void open_log_with(struct net *net, struct hand *h, uint32_t number, const char *text)
{
    const struct gx_intro *me = &tea(net, LIAR)->row.intro;
    struct gx_incarnation incarnation;
    struct gx_log_id log;
    uint64_t tick = 0;
    struct gx_event_id dep = newest_op(net, 1, &tick), id;

    hand_incarnation(net, LIAR, h, number, &dep, 1, tick + 1);
    tell(net, LIAR, 1, h);
    net_settle(net);
    id = h->ev.id;
    memset(incarnation.b, 0xaa, sizeof incarnation.b);
    memcpy(incarnation.b, &number, sizeof number);
    gx_log_id_make(&log, &me->member, &me->device, &incarnation, GX_LOG_MESSAGES);
    hand_text(net, LIAR, h, text, &log, 1, NULL, &id, 1, tick + 2);
    tell(net, LIAR, 1, h);
    net_settle(net);
}

/* "So a member who floods a group drives out their own messages, and nobody else's": nor one who opens many logs, of each of which the newest stays. */
static void test_who_opens_many_logs_drives_out_nobody_else(void **state)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.group_bytes = MB});
    struct hand *h = hand_new();
    char *text = calloc(1, GX_TEXT_BYTES_MAX + 1);

    (void)state;
    memset(text, 'x', GX_TEXT_BYTES_MAX);
    for (int i = 0; i < 5; i++)
        net_send(net, 0, "tea", "quiet");
    for (uint32_t number = 1; number <= 120; number++)
        open_log_with(net, h, number, text);
    net_run(net, 700000);
    say_long(net, 0, 5);
    net_run(net, 1500000);
    assert_int_equal(log_of(net, 1, 0)->row.base_seq, 0);
    assert_int_equal(log_of(net, 1, 0)->row.head_seq, 10);
    assert_true(tea(net, 1)->bytes < MB + MB / 4);
    assert_sound(net, 1);
    free(text);
    free(h);
    net_free(net);
}

/* A member who came back from a copy a few times opened a few logs, and is heard in each. */
static void test_who_opens_a_few_logs_is_heard_in_all_of_them(void **state)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.group_bytes = MB});
    struct hand *h = hand_new();

    (void)state;
    say_long(net, LIAR, 3);
    for (uint32_t number = 1; number <= 120; number++)
        open_log_with(net, h, number, "another life");
    assert_int_equal(dropped(net, 1, "quota"), 0);
    assert_int_equal(show_number(net, 1, "count"), 123);
    free(h);
    net_free(net);
}

/* --- told and gone in one step -------------------------------------------------------------------------------------------------------------- */

static void say_few(struct net *net, int i, int n)
{
    for (int k = 0; k < n; k++) {
        net_send(net, i, "tea", "few words");
        net_run(net, 20);
    }
}

static unsigned receipts_of(const struct net_node *node, const char *state)
{
    unsigned n = 0;

    for (const char *at = node->receipts; (at = strstr(at, state)) != NULL; at++)
        n++;
    return n;
}

static bool is_written;

/* In the step in which n2 says what it holds n0 writes something. */
static size_t writes_in_that_step(struct net *net, int from, int to, uint8_t *bytes, size_t n)
{
    static const struct gx_command send = {.method = GX_CMD_SEND, .group = "tea", .text = "at the same time", .given = NET_TEXT_GIVEN, .request = 7777};

    if (is_written || from != 2 || to != 0 || n == 0 || bytes[0] != GX_FRAME_FRONTIER || log_of(net, 2, 0)->row.head_seq < 60)
        return n;
    is_written = true;
    net_push(net, 0, (struct gx_input){.kind = GX_IN_COMMAND, .client = 7777, .command = &send}, gx_span(NULL, 0));
    return n;
}

/* n2 says at once that it holds all that n0 does not want to keep any longer than that: who watches is told of each, and then n0 rests. */
static void test_what_is_delivered_is_told_before_it_is_dropped(void **state)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.off_messages = 5});
    struct gx_command off = {.method = GX_CMD_GROUP_CARRY, .group = "tea", .carry = "off", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_CARRY};
    struct gx_command watch = {.method = GX_CMD_WATCH, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    uint64_t steps = 0;

    (void)state;
    net->node[0].receipts = calloc(1, NET_RECEIPTS);
    assert_true(net_ask(net, 0, off, "keeps", 0));
    assert_true(net_ask(net, 0, watch, "since", 0));
    net_stop(net, 2);
    for (int round = 0; round < 3; round++) {
        say_few(net, 0, 20);
        say_few(net, 1, 20);            /* because of which the journal is folded */
        net_run(net, 700000);
    }
    assert_int_equal(log_of(net, 0, 0)->row.base_seq, 0);
    assert_true(log_of(net, 0, 1)->row.base_seq > 0);
    is_written = false;
    net->spoil = writes_in_that_step;
    net->together = true;
    net_start(net, 2);
    net_run(net, 60000);
    net->spoil = NULL;
    assert_int_equal(receipts_of(&net->node[0], "delivered"), log_of(net, 0, 0)->row.head_seq);
    steps = eng(net, 0)->n_steps;
    net_run(net, 10000);
    assert_true(eng(net, 0)->n_steps - steps < 100);
    say_few(net, 0, 1);
    net_run(net, 5000);
    assert_true(log_of(net, 0, 0)->row.base_seq >= 20);
    assert_int_equal(receipts_of(&net->node[0], "delivered"), log_of(net, 0, 0)->row.head_seq);
    free(net->node[0].receipts);
    net_free(net);
}

/* --- what is not taken in ---------------------------------------------------------------------------------------------------------------------- */

/* As much as can be held fast: n1 takes in no more messages of others. */
static struct net *tea_that_n1_has_no_room_for(void)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.group_bytes = 0});

    net->node[1].config.carry.group_bytes = eng(net, 1)->config.carry.group_bytes = MB;
    net_send(net, 0, "tea", "quiet");
    net_run(net, 1000);
    tea(net, 1)->bytes += 8 * MB;
    return net;
}

/* Who gives it knows nothing of n1's quota: it is heard in all else that it says. */
static void test_who_gives_what_a_quota_keeps_out_is_heard_all_the_same(void **state)
{
    struct net *net = tea_that_n1_has_no_room_for();

    (void)state;
    say_long(net, 0, 120);              /* 7 MB, of which each but the first goes on from what n1 did not take */
    assert_true(name_self(net, 0, "the talker"));
    net_settle(net);
    assert_int_equal(log_of(net, 1, 0)->row.head_seq, 1);
    assert_int_equal(log_of(net, 2, 0)->row.head_seq, 121);
    assert_int_equal(tea(net, 1)->law.n_ops, tea(net, 0)->law.n_ops);
    assert_int_equal(dropped(net, 1, "chunks_budget") + dropped(net, 1, "frontier_budget"), 0);
    tea(net, 1)->bytes -= 8 * MB;
    net->node[1].config.carry.group_bytes = eng(net, 1)->config.carry.group_bytes = 64 * MB;
    net_run(net, 400000);
    assert_int_equal(log_of(net, 1, 0)->row.head_seq, 121);
    assert_sound(net, 1);
    net_free(net);
}

/* And what is kept out is not looked at without end. */
static void test_what_a_quota_keeps_out_has_an_end_too(void **state)
{
    struct net *net = tea_that_n1_has_no_room_for();
    struct hand *h = hand_new();
    const struct gx_log_row *row = &log_of(net, LIAR, LIAR)->row;
    uint64_t tick = 0;
    struct gx_event_id dep = newest_op(net, LIAR, &tick);

    (void)state;
    hand_text(net, LIAR, h, "once more", &row->id, 1, NULL, &dep, 1, tick + 1);
    for (unsigned i = 0; i < 30000 && channel_with(net, LIAR, 1) != NULL; i++) {
        tell(net, LIAR, 1, h);
        net_settle(net);
    }
    assert_in_range(dropped(net, 1, "quota"), 1000, 20000);
    assert_in_range(dropped(net, 1, "chunks_budget"), 8000, 8193);
    free(h);
    net_free(net);
}

/* --- who keeps little and is told much ------------------------------------------------------------------------------------------------------------ */

/* To the author it says with each acknowledgement what it had and does not keep any more, which is no news: 1,000 times a second for ten seconds. */
static void test_who_keeps_little_is_heard_however_much_it_acknowledges(void **state)
{
    struct net *net = tea_within(2, (struct gx_carry_limits){.off_messages = 5});
    struct gx_command off = {.method = GX_CMD_GROUP_CARRY, .group = "tea", .carry = "off", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_CARRY};

    (void)state;
    assert_true(net_ask(net, 1, off, "keeps", 0));
    for (int round = 0; round < 3; round++) {
        say_few(net, 0, 20);
        net_run(net, 700000);
    }
    assert_true(log_of(net, 1, 0)->row.base_seq > 0);
    for (int i = 0; i < 10000; i++) {
        net_send(net, 0, "tea", "word");
        net_run(net, 1);
    }
    assert_int_equal(dropped(net, 0, "frontier_budget"), 0);
    assert_int_equal(gx_messages_unsent(tea(net, 0)), 0);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_forks_a_long_log_drives_out_nobody_else),
        cmocka_unit_test(test_a_fork_of_a_short_log_is_kept),
        cmocka_unit_test(test_who_opens_many_logs_drives_out_nobody_else),
        cmocka_unit_test(test_who_opens_a_few_logs_is_heard_in_all_of_them),
        cmocka_unit_test(test_what_is_delivered_is_told_before_it_is_dropped),
        cmocka_unit_test(test_who_gives_what_a_quota_keeps_out_is_heard_all_the_same),
        cmocka_unit_test(test_what_a_quota_keeps_out_has_an_end_too),
        cmocka_unit_test(test_who_keeps_little_is_heard_however_much_it_acknowledges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
