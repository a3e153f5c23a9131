/* What a node keeps of a group's messages, and what others get of it then.  node/README.md §8 */
#include "store/check.h"
#include "tests/unit/engine/sealing.h"

static void say_problem(void *ctx, const char *line)
{
    (void)ctx;
    print_error("%s\n", line);
}

static void assert_sound(struct net *net, int i)
{
    struct gx_check_report report;
    struct gx_txn *txn = NULL;

    assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
    assert_int_equal(gx_store_check(txn, &report, say_problem, NULL), GX_OK);
    gx_txn_abort(&txn);
    assert_int_equal(report.problems, 0);
}

/* n nodes that keep no more than `limits` allow, of which the first has tea, and a code of it. */
static struct net *tea_to_come(int n, struct gx_carry_limits limits, uint64_t history, char token[600])
{
    struct net *net = net_new(n);
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = "tea", .history = history, .given = 1u << GX_PARAM_NAME | 1u << GX_PARAM_HISTORY};

    for (int i = 0; i < n; i++)
        net->node[i].config.carry = eng(net, i)->config.carry = limits;
    assert_true(net_ask(net, 0, cmd, "group", 0));
    net_invite(net, 0, "tea", token, 0);
    return net;
}

static struct net *tea_within(int n, struct gx_carry_limits limits)
{
    char token[600];
    struct net *net = tea_to_come(n, limits, 0, token);

    for (int i = 1; i < n; i++)
        assert_true(net_join(net, i, token, NULL));
    net_run(net, 20000);
    return net;
}

static void keeps(struct net *net, int i, const char *what)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_CARRY, .group = "tea", .carry = what, .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_CARRY};

    assert_true(net_ask(net, i, cmd, "keeps", 0));
    assert_string_equal(net->node[i].text, what);
}

static void say_many(struct net *net, int i, const char *word, int from, int to)
{
    char text[40];

    for (int k = from; k < to; k++) {
        snprintf(text, sizeof text, "%s %d", word, k);
        net_send(net, i, "tea", text);
        net_run(net, 20);
    }
}

static bool reads_number(struct net *net, int i, const char *word, int number)
{
    struct gx_command cmd = {.method = GX_CMD_READ, .group = "tea", .limit = 0, .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_LIMIT};
    char line[60];

    snprintf(line, sizeof line, "text=%s %d\n", word, number);
    assert_true(net_ask(net, i, cmd, "text", 0));
    return strstr(net->node[i].all, line) != NULL;
}

static const struct gx_log *log_of(struct net *net, int i, int of)
{
    const struct gx_group *g = tea(net, i), *its = tea(net, of);
    uint32_t log = gx_group_log(g, &its->logs[its->own_messages].row.id);

    assert_true(log != GX_NONE);
    return &g->logs[log];
}

/* Long enough for the journal to be folded for it. */
#define FOLD_PASSES_MS 700000u

static void test_who_keeps_nothing_for_others_still_reads_the_last(void **state)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.off_messages = 10});

    (void)state;
    keeps(net, 1, "off");
    say_many(net, 0, "one", 0, 40);
    net_run(net, FOLD_PASSES_MS);
    say_many(net, 0, "two", 0, 12);
    net_run(net, FOLD_PASSES_MS);
    assert_true(log_of(net, 1, 0)->row.base_seq > 0 && log_of(net, 1, 0)->row.begun_seq == 0);
    assert_true(log_of(net, 1, 0)->row.n_messages >= 10 && log_of(net, 1, 0)->row.n_messages < 52);
    assert_true(reads_number(net, 1, "two", 0) && reads_number(net, 1, "two", 11) && !reads_number(net, 1, "one", 0));
    assert_true(reads_number(net, 2, "one", 0));
    assert_int_equal(show_number(net, 1, "dropped"), log_of(net, 1, 0)->row.base_seq);
    assert_int_equal(show_number(net, 1, "count"), log_of(net, 1, 0)->row.n_messages);
    assert_int_equal(log_of(net, 2, 0)->row.base_seq, 0);
    for (int i = 0; i < 3; i++)
        assert_sound(net, i);
    restart(net, 1);
    net_run(net, 20000);
    assert_true(reads_number(net, 1, "two", 11) && !reads_number(net, 1, "one", 0));
    say_many(net, 0, "three", 0, 3);
    assert_true(reads_number(net, 1, "three", 2));
    net_free(net);
}

/* What was given is held against what there was to give, and not against what is kept of it. */
static void test_who_was_given_what_is_kept_no_more_is_given_what_is_new(void **state)
{
    struct net *net = tea_within(2, (struct gx_carry_limits){.author_bytes = 8u << 20, .group_bytes = 8u << 20});
    char *text = calloc(1, 3001);

    (void)state;
    memset(text, 'x', 3000);
    for (int turn = 0; turn < 2; turn++) {
        net_stop(net, 1);
        for (int i = 0; i < 2000; i++)
            net_send(net, 0, "tea", text);          /* 8 MB: twice what may be asked for again */
        net_start(net, 1);
        net_run(net, 3000);
        assert_int_equal(log_of(net, 1, 0)->row.head_seq, 2000 * (turn + 1));
        net_run(net, FOLD_PASSES_MS);
    }
    assert_true(log_of(net, 0, 0)->row.base_seq >= 1000);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "want_budget"), 0);
    free(text);
    net_free(net);
}

/* It had them and said so: that it keeps them no longer takes nothing back. */
static void test_what_was_delivered_stays_delivered_when_the_other_drops_it(void **state)
{
    struct net *net = tea_within(2, (struct gx_carry_limits){.off_messages = 5});
    uint32_t by = 0, of = 0;

    (void)state;
    keeps(net, 1, "off");
    say_many(net, 0, "one", 0, 20);
    net_run(net, FOLD_PASSES_MS);
    say_many(net, 0, "two", 0, 20);
    net_run(net, FOLD_PASSES_MS);
    assert_true(log_of(net, 1, 0)->row.base_seq >= 20);
    for (uint32_t seq = 1; seq <= 40; seq++) {
        gx_messages_held(tea(net, 0), seq, &by, &of);
        assert_int_equal(by, 1);
    }
    assert_int_equal(gx_messages_unsent(tea(net, 0)), 0);
    net_free(net);
}

static void test_nobodys_own_messages_go_before_all_others_have_them(void **state)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.off_messages = 5});

    (void)state;
    keeps(net, 0, "off");
    net_stop(net, 2);
    say_many(net, 0, "one", 0, 20);
    net_run(net, FOLD_PASSES_MS);
    say_many(net, 0, "two", 0, 20);
    net_run(net, 2 * FOLD_PASSES_MS);
    assert_int_equal(log_of(net, 1, 0)->row.head_seq, 40);          /* one has them, */
    assert_int_equal(log_of(net, 0, 0)->row.base_seq, 0);           /* the other does not */
    net_start(net, 2);
    net_run(net, 60000);
    say_many(net, 0, "three", 0, 20);
    net_run(net, 2 * FOLD_PASSES_MS);
    say_many(net, 0, "four", 0, 20);
    net_run(net, 2 * FOLD_PASSES_MS);
    assert_true(log_of(net, 0, 0)->row.base_seq >= 40);
    assert_true(reads_number(net, 2, "one", 0) && reads_number(net, 2, "four", 19));
    assert_sound(net, 0);
    net_free(net);
}

/* n2 lacks what n1 does not keep: it asks n1 for nothing, takes nothing of n1's for a fork, and gets all from n0. */
static void test_who_was_away_for_longer_than_another_keeps_gets_it_elsewhere(void **state)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.off_messages = 5});
    uint64_t missing = 0;

    (void)state;
    keeps(net, 1, "off");
    say_many(net, 0, "zero", 0, 2);
    net_stop(net, 2);
    say_many(net, 0, "one", 0, 20);
    net_run(net, FOLD_PASSES_MS);
    say_many(net, 0, "two", 0, 20);
    net_run(net, FOLD_PASSES_MS);
    assert_true(log_of(net, 1, 0)->row.base_seq > 10);
    net_stop(net, 0);
    net_start(net, 2);
    net_run(net, 120000);
    assert_int_equal(log_of(net, 2, 1)->row.head_seq, log_of(net, 1, 1)->row.head_seq);
    say_many(net, 1, "mine", 0, 2);
    assert_true(reads_number(net, 2, "mine", 1));
    missing = gx_engine_dropped(eng(net, 2), "missing");
    net_run(net, 600000);
    assert_int_equal(gx_engine_dropped(eng(net, 2), "missing"), missing);
    assert_int_equal(gx_engine_dropped(eng(net, 2), "fork") + gx_engine_dropped(eng(net, 2), "fork_unjoined"), 0);
    assert_false(reads_number(net, 2, "two", 0));
    net_start(net, 0);
    net_run(net, 120000);
    assert_true(reads_number(net, 2, "one", 0) && reads_number(net, 2, "two", 19));
    assert_int_equal(log_of(net, 2, 0)->row.base_seq, 0);
    assert_sound(net, 2);
    net_free(net);
}

/* 9 KB each, and 12 for both: what goes is of the one who wrote much. */
static void test_who_writes_much_drives_out_nobody_else(void **state)
{
    struct net *net = tea_within(3, (struct gx_carry_limits){.author_bytes = 9000, .group_bytes = 12000});

    (void)state;
    say_many(net, 1, "quiet", 0, 5);
    for (int round = 0; round < 10; round++) {
        say_many(net, 0, "much", 20 * round, 20 * round + 20);
        net_run(net, FOLD_PASSES_MS);
    }
    assert_true(reads_number(net, 2, "quiet", 0) && reads_number(net, 2, "quiet", 4));
    assert_true(!reads_number(net, 2, "much", 0) && reads_number(net, 2, "much", 199));
    assert_true(log_of(net, 2, 0)->row.bytes <= 9000 + 20 * 400);       /* and the last segment */
    assert_true(tea(net, 2)->bytes == log_of(net, 2, 0)->row.bytes + log_of(net, 2, 1)->row.bytes + log_of(net, 2, 2)->row.bytes);
    for (int i = 0; i < 3; i++)
        assert_sound(net, i);
    net_free(net);
}

/* What passes a quota by a quarter and 4 MB is not taken in: dropping does not follow, or cannot. */
static bool refuses(struct net *net, int i, int of, size_t bytes)
{
    const struct gx_group *g = tea(net, i);

    return gx_retain_refuses(eng(net, i), g, (uint32_t)(log_of(net, i, of) - g->logs), bytes, false);
}

static void test_each_quota_by_itself_keeps_out_what_passes_it(void **state)
{
    static const struct {
        const char *keeps;
        struct gx_carry_limits limits;
    } cases[] = {
        {"all", {.author_bytes = 65536}},
        {"all", {.group_bytes = 65536}},
        {"recent", {.recent_bytes = 65536}},
    };
    (void)state;

    for (size_t k = 0; k < GX_ARRAY_LEN(cases); k++) {
        struct net *net = tea_within(2, cases[k].limits);

        keeps(net, 1, cases[k].keeps);
        say_many(net, 0, "one", 0, 3);
        assert_false(refuses(net, 1, 0, 65536));
        assert_false(refuses(net, 1, 0, 4u << 20));
        assert_true(refuses(net, 1, 0, 5u << 20));
        assert_false(refuses(net, 1, 1, 5u << 20));             /* its own */
        net_free(net);
    }
}

static void test_what_a_quota_keeps_out_is_counted_and_comes_when_there_is_room(void **state)
{
    struct net *net = tea_within(2, (struct gx_carry_limits){.group_bytes = 65536});
    struct gx_group *g = tea(net, 1);

    (void)state;
    say_many(net, 0, "one", 0, 3);
    g->bytes += 8u << 20;               /* as much as a forked log may hold */
    say_many(net, 0, "two", 0, 3);
    assert_true(gx_engine_dropped(eng(net, 1), "quota") >= 1);
    assert_false(reads_number(net, 1, "two", 0));
    g->bytes -= 8u << 20;
    net_run(net, 400000);
    assert_true(reads_number(net, 1, "two", 2));
    assert_sound(net, 1);
    net_free(net);
}

static void test_recent_goes_by_days_on_which_something_came(void **state)
{
    struct net *net = tea_within(2, (struct gx_carry_limits){.recent_days = 3});

    (void)state;
    keeps(net, 1, "recent");
    for (int day = 0; day < 6; day++) {
        say_many(net, 0, "day", day, day + 1);
        net_run(net, DAY_MS);
    }
    say_many(net, 0, "day", 6, 7);
    net_run(net, DAY_MS / 2);
    assert_true(reads_number(net, 1, "day", 6) && reads_number(net, 1, "day", 4));
    assert_true(!reads_number(net, 1, "day", 0) && !reads_number(net, 1, "day", 2));
    assert_sound(net, 1);
    /* Months without a word, or a clock that says so, are one day. */
    net->now.wall_ms += 90 * DAY_MS;
    say_many(net, 0, "late", 0, 1);
    net_run(net, FOLD_PASSES_MS);
    say_many(net, 0, "late", 1, 2);
    net_run(net, FOLD_PASSES_MS);
    assert_true(reads_number(net, 1, "day", 6) && reads_number(net, 1, "late", 1));
    restart(net, 1);
    net_run(net, 20000);
    assert_true(reads_number(net, 1, "day", 6));
    net_free(net);
}

/* A newcomer, let in by one who dropped some, gets what is written from then on like any other. */
static void test_a_newcomer_comes_in_at_the_door_of_who_keeps_little(void **state)
{
    char token[600];
    struct net *net = tea_to_come(3, (struct gx_carry_limits){.off_messages = 5}, 0, token);

    (void)state;
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 20000);
    keeps(net, 0, "off");
    keeps(net, 1, "off");
    for (int round = 0; round < 3; round++) {
        say_many(net, 0, "one", 20 * round, 20 * round + 20);
        say_many(net, 1, "two", 20 * round, 20 * round + 20);
        net_run(net, FOLD_PASSES_MS);
    }
    assert_true(log_of(net, 0, 1)->row.base_seq > 0 && log_of(net, 0, 0)->row.base_seq > 0);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    say_many(net, 1, "three", 0, 3);
    say_many(net, 2, "four", 0, 3);
    net_run(net, 20000);
    assert_true(reads_number(net, 2, "three", 2) && !reads_number(net, 2, "one", 59));
    assert_true(reads_number(net, 0, "four", 2) && reads_number(net, 1, "four", 2));
    assert_int_equal(log_of(net, 2, 1)->row.begun_seq, 60);
    for (int i = 0; i < 3; i++)
        assert_sound(net, i);
    net_free(net);
}

/* Of 50 the newcomer is told what is left of the newest, and not in their place older ones: it may have been told of what was dropped before. */
static void test_what_is_older_than_what_was_dropped_is_not_told_in_its_place(void **state)
{
    char token[600];
    struct net *net = tea_to_come(3, (struct gx_carry_limits){.off_messages = 5}, 50, token);

    (void)state;
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 20000);
    keeps(net, 0, "off");
    say_many(net, 1, "older", 0, 3);
    for (int round = 0; round < 3; round++) {
        say_many(net, 0, "one", 20 * round, 20 * round + 20);
        net_run(net, FOLD_PASSES_MS);
    }
    assert_true(log_of(net, 0, 0)->row.base_seq > 0 && reads_number(net, 0, "older", 0));
    net_stop(net, 1);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    assert_true(reads_number(net, 2, "one", 59));
    assert_false(reads_number(net, 2, "older", 0) || reads_number(net, 2, "older", 2));
    net_free(net);
}

/* What lies in the journal is folded at once, so that it can go; the node talks on, on the smaller file. */
static void test_a_vacuum_drops_what_is_due_and_gives_its_space_back(void **state)
{
    struct net *net = tea_within(2, (struct gx_carry_limits){.off_messages = 5});
    struct gx_command cmd = {.method = GX_CMD_VACUUM};
    struct stat before, after;
    char file[FOLDER_MAX + 20];

    (void)state;
    keeps(net, 1, "off");
    say_many(net, 0, "one", 0, 40);
    net_run(net, FOLD_PASSES_MS);
    say_many(net, 0, "two", 0, 40);
    snprintf(file, sizeof file, "%s/%s", net->node[1].dir, GX_STORE_FILE);
    assert_int_equal(stat(file, &before), 0);
    assert_true(log_of(net, 1, 0)->row.journal_first != 0);
    assert_true(net_ask(net, 1, cmd, "after_bytes", 1000));
    assert_int_equal(log_of(net, 1, 0)->row.journal_first, 0);
    assert_int_equal(stat(file, &after), 0);
    assert_true(after.st_size < before.st_size);
    assert_int_equal(net->node[1].number, after.st_size);
    assert_sound(net, 1);
    say_many(net, 0, "three", 0, 3);
    say_many(net, 1, "four", 0, 3);
    net_run(net, 20000);
    assert_true(reads_number(net, 1, "three", 2) && reads_number(net, 1, "two", 39) && reads_number(net, 0, "four", 2));
    restart(net, 1);
    net_run(net, 20000);
    assert_true(reads_number(net, 1, "four", 2));
    assert_sound(net, 1);
    net_free(net);
}

static void test_a_choice_that_is_not_in_the_list_is_refused(void **state)
{
    struct net *net = net_new(1);
    struct gx_command cmd = {.method = GX_CMD_GROUP_CARRY, .group = "tea", .carry = "some", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_CARRY};

    (void)state;
    net_group(net, 0, "tea");
    assert_false(net_ask(net, 0, cmd, "keeps", 0));
    assert_int_equal(net->node[0].exit_code, 2);
    assert_int_equal(tea(net, 0)->row.carry, GX_CARRY_ALL);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_keeps_nothing_for_others_still_reads_the_last),
        cmocka_unit_test(test_who_was_given_what_is_kept_no_more_is_given_what_is_new),
        cmocka_unit_test(test_what_was_delivered_stays_delivered_when_the_other_drops_it),
        cmocka_unit_test(test_nobodys_own_messages_go_before_all_others_have_them),
        cmocka_unit_test(test_who_was_away_for_longer_than_another_keeps_gets_it_elsewhere),
        cmocka_unit_test(test_who_writes_much_drives_out_nobody_else),
        cmocka_unit_test(test_each_quota_by_itself_keeps_out_what_passes_it),
        cmocka_unit_test(test_what_a_quota_keeps_out_is_counted_and_comes_when_there_is_room),
        cmocka_unit_test(test_recent_goes_by_days_on_which_something_came),
        cmocka_unit_test(test_a_newcomer_comes_in_at_the_door_of_who_keeps_little),
        cmocka_unit_test(test_what_is_older_than_what_was_dropped_is_not_told_in_its_place),
        cmocka_unit_test(test_a_vacuum_drops_what_is_due_and_gives_its_space_back),
        cmocka_unit_test(test_a_choice_that_is_not_in_the_list_is_refused),
    };
    return cmocka_run_group_tests_name("engine/retain", tests, NULL, NULL);
}
