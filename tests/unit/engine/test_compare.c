/* Comparing what two nodes hold: one number when nothing differs, parts when something does.  WIRE §6.30 to §6.32 */
#include "tests/unit/engine/net.h"

/* --- what goes over the line --------------------------------------------------------------------------------------------------------------- */

static struct {
    unsigned sums, asks, buckets, frontiers, entries, records, endpoints, wants, bytes;
} seen;

static bool count(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    (void)net;
    (void)from;
    (void)to;
    if (gx_frame_decode(&f, bytes) != GX_OK)
        return true;
    seen.sums += f.kind == GX_FRAME_SUM;
    seen.asks += f.kind == GX_FRAME_SUM && (f.flags & GX_SUM_ASK) != 0;
    seen.buckets += f.kind == GX_FRAME_BUCKETS;
    seen.frontiers += f.kind == GX_FRAME_FRONTIER;
    seen.entries += f.kind == GX_FRAME_FRONTIER ? (unsigned)f.n : 0;
    seen.records += f.kind == GX_FRAME_RECORDS;
    seen.endpoints += f.kind == GX_FRAME_ENDPOINTS ? (unsigned)f.n : 0;
    seen.wants += f.kind == GX_FRAME_WANT;
    if (f.kind == GX_FRAME_SUM || f.kind == GX_FRAME_BUCKETS || f.kind == GX_FRAME_FRONTIER || f.kind == GX_FRAME_RECORDS || f.kind == GX_FRAME_ENDPOINTS)
        seen.bytes += (unsigned)bytes.n;
    return true;
}

static bool count_uncut(struct net *net, int from, int to, struct gx_span bytes)
{
    return !net->cut[from][to] && count(net, from, to, bytes);
}

/* All lines of two nodes end, and they meet again. */
static void part(struct net *net, int a, int b)
{
    net->cut[a][b] = net->cut[b][a] = true;
    for (int i = 0; i < NET_LINKS; i++) {
        struct net_link *l = &net->link[i];

        if (!l->open || !((l->node[0] == a && l->node[1] == b) || (l->node[0] == b && l->node[1] == a)))
            continue;
        l->open = false;
        for (int side = 0; side < 2; side++)
            net_push(net, l->node[side], (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = l->session[side]}, gx_span(NULL, 0));
    }
    net_settle(net);
}

static void meet(struct net *net, int a, int b)
{
    memset(&seen, 0, sizeof seen);
    net->cut[a][b] = net->cut[b][a] = false;
    net_run(net, 400000);
}

static struct net *two_in(const char *group)
{
    struct net *net = net_new(2);
    char token[600];

    net->pass = count_uncut;
    net_group(net, 0, group);
    net_invite(net, 0, group, token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 100000);
    return net;
}

static void another_group(struct net *net, const char *group)
{
    char token[600];

    net_group(net, 0, group);
    net_invite(net, 0, group, token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 100000);
}

static const char *hash_of(struct net *net, int i, const char *group)
{
    return net_get(net, i, GX_CMD_GROUP_SHOW, group, "messages_hash");
}

static void same_messages(struct net *net, const char *group)
{
    char hash[65];

    snprintf(hash, sizeof hash, "%s", hash_of(net, 0, group));
    for (int i = 1; i < net->n; i++)
        assert_string_equal(hash_of(net, i, group), hash);
}

/* --- nothing differs ------------------------------------------------------------------------------------------------------------------------ */

static void test_when_nothing_differs_28_bytes_say_so(void **state)
{
    struct net *net = two_in("tea");

    (void)state;
    for (int i = 0; i < 20; i++)
        net_send(net, i % 2, "tea", "one of many");
    net_run(net, 100000);
    part(net, 0, 1);
    meet(net, 0, 1);
    assert_int_equal(seen.sums, 2);
    assert_int_equal(seen.asks, 1);
    assert_int_equal(seen.buckets + seen.frontiers + seen.records + seen.endpoints + seen.wants, 0);
    assert_int_equal(seen.bytes, 28);
    net_free(net);
}

static void test_one_sum_stands_for_all_groups_that_two_share(void **state)
{
    struct net *net = two_in("tea");

    (void)state;
    another_group(net, "rice");
    another_group(net, "salt");
    net_send(net, 0, "rice", "how much");
    net_send(net, 1, "salt", "a little");
    net_run(net, 100000);
    part(net, 0, 1);
    meet(net, 0, 1);
    assert_int_equal(seen.sums, 2);
    assert_int_equal(seen.bytes, 2 * (12 + 2 * 3));
    net_free(net);
}

/* --- something differs ------------------------------------------------------------------------------------------------------------------------ */

static void test_of_several_groups_only_the_one_that_differs_is_looked_into(void **state)
{
    struct net *net = two_in("tea");

    (void)state;
    another_group(net, "rice");
    another_group(net, "salt");
    part(net, 0, 1);
    for (int i = 0; i < 5; i++)
        net_send(net, 0, "rice", "not heard yet");
    meet(net, 0, 1);
    same_messages(net, "rice");
    assert_int_equal(seen.asks, 1 + 1);         /* and who took something in looks once more within a minute */
    assert_in_range(seen.buckets, 1, 4);
    assert_in_range(seen.entries, 1, 12);       /* a group of two has four logs */
    net_free(net);
}

static bool count_of_last(struct net *net, int from, int to, struct gx_span bytes)
{
    return !net->cut[from][to] && (from != net->n - 1 && to != net->n - 1 ? true : count(net, from, to, bytes));
}

/* What is told grows with the logs that moved, not with those that there are. */
/* A group of all; then the last is apart from the others. */
static void seven_and_one(struct net *net)
{
    int last = net->n - 1;
    char token[600];

    net->pass = count_uncut;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    for (int i = 1; i < net->n; i++)
        assert_true(net_join(net, i, token, NULL));
    for (int i = 0; i < net->n; i++)
        net_send(net, i, "tea", "hello");
    net_run(net, 200000);
    for (int i = 0; i < last; i++)
        part(net, i, last);
}

static void test_only_buckets_that_differ_are_told(void **state)
{
    struct net *net = net_new(NET_NODES);
    int last = net->n - 1;

    (void)state;
    seven_and_one(net);
    net_send(net, 0, "tea", "the one that is lacking");
    net_run(net, 100000);
    net->pass = count_of_last;
    meet(net, 0, last);
    same_messages(net, "tea");
    assert_int_equal(net->node[0].engine->groups[0]->n_logs, 2 * net->n);
    assert_int_equal(seen.wants, 1);
    assert_in_range(seen.entries, 1, 2 * net->n - 1);
    net_free(net);
}

/* --- what it acknowledges ---------------------------------------------------------------------------------------------------------------------- */

static bool loses_acknowledgements(struct net *net, int from, int to, struct gx_span bytes)
{
    return !(from == 1 && bytes.n > 0 && bytes.p[0] == GX_FRAME_FRONTIER) && count_uncut(net, from, to, bytes);
}

static void test_the_same_sum_acknowledges_what_one_wrote(void **state)
{
    struct net *net = two_in("tea");
    uint32_t by = 0, of = 0;

    (void)state;
    net_send(net, 0, "tea", "of which it says that it has it");
    net_run(net, 100000);
    net->pass = loses_acknowledgements;
    net_send(net, 0, "tea", "of which it never says so");
    net_settle(net);
    gx_messages_held(net->node[0].engine->groups[0], 2, &by, &of);
    assert_int_equal(by, 0);
    part(net, 0, 1);
    meet(net, 0, 1);
    assert_true(seen.sums >= 2);
    gx_messages_held(net->node[0].engine->groups[0], 2, &by, &of);
    assert_int_equal(by, 1);
    assert_int_equal(of, 1);
    net_free(net);
}

/* Node 2 came when two messages had been said.  Node 0 has not seen it since, and the first thing it hears from it is a sum. */
static void test_who_came_later_does_not_count_as_holding_what_was_before(void **state)
{
    struct net *net = net_new(3);
    uint32_t by = 0, of = 0;
    char token[600];

    (void)state;
    net->pass = count_uncut;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_send(net, 0, "tea", "before");
    net_send(net, 0, "tea", "and before");
    net_run(net, 100000);
    net_invite(net, 1, "tea", token, 0);
    net->cut[0][2] = net->cut[2][0] = true;
    assert_true(net_join(net, 2, token, NULL));
    net_send(net, 0, "tea", "after");
    net_run(net, 200000);
    assert_int_equal(net->node[0].engine->groups[0]->law.now.n_members, 3);
    meet(net, 0, 2);
    gx_messages_held(net->node[0].engine->groups[0], 2, &by, &of);
    assert_int_equal(by, 1);
    gx_messages_held(net->node[0].engine->groups[0], 3, &by, &of);
    assert_int_equal(by, 2);
    assert_int_equal(of, 2);
    net_free(net);
}

/* --- the answer is late, or never comes ---------------------------------------------------------------------------------------------------------- */

static bool no_answers(struct net *net, int from, int to, struct gx_span bytes)
{
    bool is_answer = from == 1 && bytes.n > 1 && ((bytes.p[0] == GX_FRAME_SUM && bytes.p[1] == 0) || bytes.p[0] == GX_FRAME_BUCKETS);

    return count_uncut(net, from, to, bytes) && !is_answer;
}

static void test_an_ask_without_an_answer_is_made_four_times(void **state)
{
    struct net *net = two_in("tea");

    (void)state;
    part(net, 0, 1);
    net->pass = no_answers;
    memset(&seen, 0, sizeof seen);
    net->cut[0][1] = false;                     /* node 0 connects, and so it asks */
    net_run(net, 20000);
    net->cut[1][0] = false;
    net_run(net, 1000000);
    assert_int_equal(seen.asks, 4);
    net->pass = count_uncut;
    net_send(net, 0, "tea", "it goes on all the same");
    net_run(net, 100000);
    same_messages(net, "tea");
    net_free(net);
}

/* An answer speaks of what was asked about.  What was written while it was under way counts as held by nobody. */
static int writer;              /* whom the answer goes to */

static bool says_meanwhile(struct net *net, int from, int to, struct gx_span bytes)
{
    static const struct gx_command said = {.method = GX_CMD_SEND, .group = "tea", .text = "meanwhile", .given = NET_TEXT_GIVEN};
    struct gx_frame f;

    if (net->cut[from][to] || gx_frame_decode(&f, bytes) != GX_OK)
        return false;
    if (writer < 0 && f.kind == GX_FRAME_FRONTIER && (f.flags & GX_OF_BUCKETS)) {
        writer = to;
        net_push(net, to, (struct gx_input){.kind = GX_IN_COMMAND, .client = 1000, .command = &said}, gx_span(NULL, 0));    /* before the answer */
    }
    return f.kind != GX_FRAME_CHUNKS || from != writer;         /* which nobody gets */
}

static uint32_t bucket_of(struct net *net, int i)
{
    const struct gx_group *g = net->node[i].engine->groups[0];

    return g->logs[g->own_messages].row.id.b[0] >> 5;           /* of 16 logs there are eight */
}

static void test_what_is_written_while_the_answer_is_under_way_is_not_acknowledged_by_it(void **state)
{
    struct net *net = net_new(NET_NODES);
    int last = net->n - 1, other = 1;
    const struct gx_group *g = NULL;
    uint32_t by = 0, of = 0;

    (void)state;
    seven_and_one(net);
    while (other < last && (bucket_of(net, other) == bucket_of(net, 0) || bucket_of(net, other) == bucket_of(net, last)))
        other++;
    assert_true(other < last);
    net_send(net, other, "tea", "so that something differs");
    net_run(net, 100000);
    for (int i = 1; i < last; i++)
        net_stop(net, i);
    writer = -1;
    net->pass = says_meanwhile;
    net->cut[0][last] = net->cut[last][0] = false;
    for (unsigned i = 0; i < 400 && writer < 0; i++)
        net_run(net, 1000);
    net_settle(net);
    assert_true(writer == 0 || writer == last);
    g = net->node[writer].engine->groups[0];
    gx_messages_held(g, g->logs[g->own_messages].row.head_seq, &by, &of);
    assert_int_equal(by, 0);
    net->pass = count_uncut;
    net_run(net, 400000);
    gx_messages_held(g, g->logs[g->own_messages].row.head_seq, &by, &of);
    assert_int_equal(by, 1);
    net_free(net);
}

/* --- records -------------------------------------------------------------------------------------------------------------------------------------- */

static bool loses_records(struct net *net, int from, int to, struct gx_span bytes)
{
    return !(bytes.n > 0 && bytes.p[0] == GX_FRAME_ENDPOINTS) && count_uncut(net, from, to, bytes);
}

static void test_a_record_that_one_lacks_is_told_and_no_other(void **state)
{
    struct net *net = two_in("tea");
    struct gx_addr elsewhere = net_addr(777);
    const struct gx_group *mine = net->node[1].engine->groups[0], *theirs = net->node[0].engine->groups[0];
    const struct gx_endpoint *told = NULL, *own = NULL;

    (void)state;
    net->pass = loses_records;
    net_step(net, 1, (struct gx_input){.kind = GX_IN_LISTENING, .addrs = &elsewhere, .n_addrs = 1});
    net_run(net, 100000);
    own = gx_endpoints_of(mine, &mine->row.intro.device);
    told = gx_endpoints_of(theirs, &mine->row.intro.device);
    assert_true(own->counter > told->counter);
    net->pass = count_uncut;
    part(net, 0, 1);
    meet(net, 0, 1);
    told = gx_endpoints_of(theirs, &mine->row.intro.device);
    assert_int_equal(told->counter, own->counter);
    assert_true(seen.records >= 1);
    assert_int_equal(seen.endpoints, 1);
    assert_int_equal(seen.wants, 0);
    net_free(net);
}

/* --- who asks without end --------------------------------------------------------------------------------------------------------------------------- */

static void test_a_peer_that_compares_without_end_is_answered_eight_times_a_second(void **state)
{
    struct net *net = two_in("tea");
    struct gx_session *s = net->node[1].engine->sessions[0];
    uint16_t channel = s->channels[0].number;
    uint8_t bytes[64], sum[GX_SUM_BYTES] = {1};
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)state;
    gx_frame_write_sum(&w, GX_SUM_ASK, &channel, 1, sum);
    memset(&seen, 0, sizeof seen);
    for (unsigned i = 0; i < 1000; i++)
        net_step(net, 1, (struct gx_input){.kind = GX_IN_FRAME, .session = s->id, .bytes = gx_wr_span(&w)});
    assert_int_equal(gx_engine_dropped(net->node[1].engine, "compare"), 1000 - 8);
    net_settle(net);
    assert_in_range(seen.buckets, 8, 16);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_nothing_differs_28_bytes_say_so),
        cmocka_unit_test(test_one_sum_stands_for_all_groups_that_two_share),
        cmocka_unit_test(test_of_several_groups_only_the_one_that_differs_is_looked_into),
        cmocka_unit_test(test_only_buckets_that_differ_are_told),
        cmocka_unit_test(test_the_same_sum_acknowledges_what_one_wrote),
        cmocka_unit_test(test_who_came_later_does_not_count_as_holding_what_was_before),
        cmocka_unit_test(test_an_ask_without_an_answer_is_made_four_times),
        cmocka_unit_test(test_what_is_written_while_the_answer_is_under_way_is_not_acknowledged_by_it),
        cmocka_unit_test(test_a_record_that_one_lacks_is_told_and_no_other),
        cmocka_unit_test(test_a_peer_that_compares_without_end_is_answered_eight_times_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
