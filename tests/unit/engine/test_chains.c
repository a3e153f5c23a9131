/* Keys of messages that came in faster than they can be found: learned when there is time, and read before.  KEYS §6. */
#include "tests/unit/engine/sealing.h"

#define AWAY 1
#define MISSED 600

/* n1 was away, has just taken in all that it missed, and opened nothing of it. */
static struct net *tea_with_missed(uint64_t missed)
{
    char token[600], text[40];
    struct net *net = tea_of(2, 2, token);

    net_stop(net, AWAY);
    for (uint64_t i = 1; i <= missed; i++) {
        snprintf(text, sizeof text, "said %u", (unsigned)i);
        net_send(net, 0, "tea", text);
    }
    net_start(net, AWAY);
    for (int i = 0; i < 5000 && show_number(net, AWAY, "count") < missed; i++)
        net_run(net, 2);
    assert_int_equal(show_number(net, AWAY, "count"), missed);
    assert_int_equal(gx_chains_left(tea(net, AWAY)), missed);
    return net;
}

static struct net *tea_caught_up(void)
{
    return tea_with_missed(MISSED);
}

/* All of them, by what lies in the store. */
static void assert_all_opened(struct net *net)
{
    struct gx_group *g = tea(net, AWAY);
    const struct gx_log *log = &g->logs[gx_group_log(g, &tea(net, 0)->logs[tea(net, 0)->own_messages].row.id)];
    struct gx_txn *txn = NULL;
    struct gx_message_key key;

    assert_int_equal(gx_chains_left(g), 0);
    assert_int_equal(gx_txn_begin(&txn, net->node[AWAY].store, false), GX_OK);
    for (uint32_t seq = log->row.base_seq + 1; seq <= log->row.head_seq; seq++) {
        uint64_t arrival = 0;

        assert_int_equal(gx_events_arrival(txn, &arrival, &log->row, seq), GX_OK);
        assert_int_equal(gx_message_key_get(txn, &key, g->row.gnum, arrival), GX_OK);
    }
    gx_txn_abort(&txn);
    assert_int_equal(rows(net, AWAY, GX_TABLE_LOCKED), 0);
    assert_int_equal(rows(net, AWAY, GX_TABLE_KEPT), 0);
}

static uint64_t unopened(struct net *net)
{
    assert_true(net_ask(net, AWAY, (struct gx_command){.method = GX_CMD_STATUS}, "unopened", 0));
    return net->node[AWAY].number;
}

static void test_what_was_missed_is_read_before_it_is_opened(void **state)
{
    struct net *net = tea_caught_up();

    (void)state;
    assert_true(reads(net, AWAY, "said 600"));
    assert_true(reads(net, AWAY, "said 560"));
    assert_int_equal(gx_chains_left(tea(net, AWAY)), MISSED);
    assert_int_equal(unopened(net), MISSED);
    net_run(net, 1000);
    assert_int_equal(unopened(net), 0);
    assert_all_opened(net);
    assert_true(reads(net, AWAY, "said 600"));
    net_free(net);
}

static void test_a_node_that_ended_before_it_opened_them_goes_on_where_it_was(void **state)
{
    struct net *net = tea_caught_up();

    (void)state;
    net_stop(net, AWAY);
    net_stop(net, 0);
    net_start(net, AWAY);               /* alone: nobody tells it a key */
    assert_true(reads(net, AWAY, "said 600"));
    net_run(net, 1000);
    assert_true(reads(net, AWAY, "said 599"));
    net_start(net, 0);
    net_run(net, 20000);
    assert_all_opened(net);
    net_free(net);
}

/* Nobody has to be asked for it: no time passes. */
static void test_a_name_that_is_told_behind_messages_that_were_not_opened_is_read(void **state)
{
    struct net *net = tea_caught_up();
    struct gx_group *g = tea(net, AWAY);

    (void)state;
    assert_true(MISSED > GX_CHAIN_SKIP_MAX);
    assert_true(name_self(net, 0, "later"));
    net_settle(net);
    assert_int_equal(g->ops[g->law.n_ops - 1].type, GX_EV_ALIAS);
    assert_true(g->ops[g->law.n_ops - 1].has_key);
    net_run(net, 1000);
    assert_all_opened(net);
    net_free(net);
}

static void test_what_comes_behind_them_is_read_at_once(void **state)
{
    struct net *net = tea_caught_up();

    (void)state;
    net_send(net, 0, "tea", "live");
    net_settle(net);
    assert_true(reads(net, AWAY, "live"));
    net_run(net, 1000);
    assert_all_opened(net);
    net_send(net, 0, "tea", "and later");
    net_settle(net);
    assert_true(reads(net, AWAY, "and later"));
    assert_int_equal(gx_chains_left(tea(net, AWAY)), 0);
    net_free(net);
}

/* It tells keys that it has not looked for itself. */
static void test_who_lacks_a_key_is_told_it_by_one_who_did_not_open_the_message(void **state)
{
    struct net *net = tea_caught_up();
    struct gx_group *g = tea(net, AWAY);
    uint32_t log = gx_group_log(g, &tea(net, 0)->logs[tea(net, 0)->own_messages].row.id);
    struct gx_message_key key, other;
    struct gx_event ev;
    struct gx_body body;

    (void)state;
    gx_arena_reset(&eng(net, AWAY)->arena);
    assert_true(gx_group_read(eng(net, AWAY), g, &g->logs[log], 300, &ev, &body));
    assert_true(gx_message_key_of(eng(net, AWAY), g, &g->logs[log], &ev, &gx_body_sealed(&body)->head, &key));
    gx_txn_abort(&eng(net, AWAY)->txn);
    g = tea(net, 0);
    log = g->own_messages;
    assert_true(gx_group_read(eng(net, 0), g, &g->logs[log], 300, &ev, &body));
    assert_true(gx_message_key_of(eng(net, 0), g, &g->logs[log], &ev, &gx_body_sealed(&body)->head, &other));
    gx_txn_abort(&eng(net, 0)->txn);
    assert_memory_equal(&key, &other, sizeof key);
    net_free(net);
}

/* An epoch that is long over is kept as long as something of it was not opened: its chains are all there is to open that with. */
static void test_an_epoch_is_not_forgotten_before_what_came_of_it_was_opened(void **state)
{
    char token[600], text[40];
    struct net *net = tea_of(2, 2, token);
    struct gx_epoch *first = NULL;

    (void)state;
    net_send(net, 0, "tea", "said 0");
    net_run(net, 1000);
    first = newest_epoch(net, AWAY);
    assert_int_equal(first->row.state, GX_EPOCH_OPEN);

    uint32_t op = first->op;

    net_stop(net, AWAY);
    for (int i = 1; i <= MISSED; i++) {
        snprintf(text, sizeof text, "said %d", i);
        net_send(net, 0, "tea", text);
    }
    net->now.wall_ms += 8 * DAY_MS;
    net_send(net, 0, "tea", "said a week later");
    net_start(net, AWAY);
    for (int i = 0; i < 5000 && show_number(net, AWAY, "count") < MISSED + 2; i++)
        net_run(net, 2);
    assert_int_equal(gx_chains_left(tea(net, AWAY)), MISSED + 1);
    assert_int_not_equal(newest_epoch(net, AWAY)->op, op);
    net_stop(net, AWAY);
    net_stop(net, 0);                   /* nobody is there who could tell a key */
    net->now.wall_ms += 60 * DAY_MS;
    net_start(net, AWAY);
    net_run(net, 5);                    /* its prekey is renewed, and what is over forgotten */
    assert_int_equal(gx_chains_left(tea(net, AWAY)), MISSED + 1);
    net_run(net, 1000);
    assert_int_equal(gx_chains_left(tea(net, AWAY)), 0);
    assert_int_equal(rows(net, AWAY, GX_TABLE_LOCKED), 0);
    assert_true(reads(net, AWAY, "said 600") && reads(net, AWAY, "said a week later"));
    net->now.wall_ms += 60 * DAY_MS;    /* and then it goes, with the next epoch */
    net_send(net, AWAY, "tea", "said here");
    assert_int_not_equal(gx_epoch_by_op(tea(net, AWAY), op)->row.state, GX_EPOCH_OPEN);
    assert_true(reads(net, AWAY, "said 600"));
    net_free(net);
}

/* n messages of one step, which others are pushed as one chunk. */
static void say_at_once(struct net *net, int i, unsigned n)
{
    static struct gx_command cmd[64];
    static struct gx_input in[64];

    for (unsigned k = 0; k < n; k++) {
        cmd[k] = (struct gx_command){.method = GX_CMD_SEND, .group = "tea", .text = "and on", .given = NET_TEXT_GIVEN, .request = 1000 + k};
        in[k] = (struct gx_input){.kind = GX_IN_COMMAND, .client = 1000 + k, .command = &cmd[k]};
    }
    net_steps(net, i, in, n);
    net_settle(net);
}

/* More comes in each step than is opened in one, before it was quiet for long enough.  What is not opened cannot be dropped either, and keeps its epoch. */
static void test_who_writes_on_and_on_keeps_nothing_from_being_opened(void **state)
{
    struct net *net = tea_with_missed(20);
    uint64_t said = 20;

    (void)state;
    for (unsigned i = 0; i < 57; i++, said += 17) {         /* 1,083 ms, under one epoch */
        say_at_once(net, 0, 17);
        net_run(net, 19);
    }
    assert_int_equal(show_number(net, AWAY, "count"), said);
    assert_true(gx_chains_left(tea(net, AWAY)) < said / 2);
    net_run(net, 1000);
    assert_all_opened(net);
    net_free(net);
}

/* A page of the store is bad: what lies there is lost, and all the rest is opened; no step fails for it. */
static void test_a_bad_page_among_them_hides_no_others(void **state)
{
    struct net *net = tea_caught_up();
    struct gx_group *g = tea(net, AWAY);
    const struct gx_log *log = &g->logs[gx_group_log(g, &tea(net, 0)->logs[tea(net, 0)->own_messages].row.id)];
    struct gx_key key = gx_key_u32x3(g->row.gnum, log->row.lnum, log->row.base_seq + 1);
    struct gx_span value;
    struct gx_txn *txn = NULL;
    uint8_t short_of[12];

    (void)state;
    assert_int_equal(gx_txn_begin(&txn, net->node[AWAY].store, true), GX_OK);
    assert_int_equal(gx_table_get(txn, &value, GX_TABLE_SEGMENT, &key), GX_OK);
    memcpy(short_of, value.p, sizeof short_of);
    assert_int_equal(gx_table_put(txn, GX_TABLE_SEGMENT, &key, gx_span(short_of, sizeof short_of)), GX_OK);
    assert_int_equal(gx_txn_commit(&txn), GX_OK);
    net_run(net, 1000);
    assert_int_equal(gx_chains_left(g), 0);
    assert_true(gx_engine_dropped(eng(net, AWAY), "corrupt") > 0);
    assert_true(reads(net, AWAY, "said 600"));
    net_send(net, 0, "tea", "live");
    net_settle(net);
    assert_true(reads(net, AWAY, "live"));
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_missed_is_read_before_it_is_opened),
        cmocka_unit_test(test_a_node_that_ended_before_it_opened_them_goes_on_where_it_was),
        cmocka_unit_test(test_a_name_that_is_told_behind_messages_that_were_not_opened_is_read),
        cmocka_unit_test(test_what_comes_behind_them_is_read_at_once),
        cmocka_unit_test(test_who_lacks_a_key_is_told_it_by_one_who_did_not_open_the_message),
        cmocka_unit_test(test_an_epoch_is_not_forgotten_before_what_came_of_it_was_opened),
        cmocka_unit_test(test_a_bad_page_among_them_hides_no_others),
        cmocka_unit_test(test_who_writes_on_and_on_keeps_nothing_from_being_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
