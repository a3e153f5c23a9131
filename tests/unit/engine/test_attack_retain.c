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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_forks_a_long_log_drives_out_nobody_else),
        cmocka_unit_test(test_a_fork_of_a_short_log_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
