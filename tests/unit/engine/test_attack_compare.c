/* Two nodes that compare what they hold by one number, and one of them lies, or the line between them is slow.  WIRE §6.30 to §6.32 */
#include "tests/unit/engine/attack.h"

#define SECOND 1000u
#define MINUTE 60000u

/* --- what goes over the line ---------------------------------------------------------------------------------------------------------- */

static struct {
    unsigned sums[NET_NODES], buckets[NET_NODES], frontiers[NET_NODES];      /* by who sent them */
} seen;

static bool count(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (net->cut[from][to] || gx_frame_decode(&f, bytes) != GX_OK)
        return false;
    seen.sums[from] += f.kind == GX_FRAME_SUM;
    seen.buckets[from] += f.kind == GX_FRAME_BUCKETS;
    seen.frontiers[from] += f.kind == GX_FRAME_FRONTIER;
    return true;
}

/* So many others hold the newest message of node i, as it shows. */
static uint32_t held_by(struct net *net, int i)
{
    const struct gx_group *g = tea(net, i);
    uint32_t by = 0, of = 0;

    gx_messages_held(g, g->logs[g->own_messages].row.head_seq, &by, &of);
    return by;
}


static void say_sum(struct net *net, int from, int to, uint8_t flags, const uint8_t sum[GX_SUM_BYTES])
{
    uint16_t channel = channel_number(net, from, to);
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_frame_write_sum(&w, flags, &channel, 1, sum);
    inject(net, from, to, gx_wr_span(&w));
    net_settle(net);
}

/* A question that nothing can be the same as. */
static void say_other(struct net *net, int from, int to)
{
    static const uint8_t other[GX_SUM_BYTES] = {1};

    say_sum(net, from, to, GX_SUM_ASK, other);
}

/* --- who says what the other one said --------------------------------------------------------------------------------------------------- */

/* WIRE §6.30: "each knows that the other holds the heads that it holds, which acknowledges its own messages too". */

static bool echoes(struct net *net, int from, int to, struct gx_span bytes)
{
    uint8_t echo[GX_FRAME_BYTES_MAX];

    if (from == 0 && (bytes.p[0] == GX_FRAME_CHUNKS || bytes.p[0] == GX_FRAME_FRONTIER))
        return false;
    if (from != 0 || (bytes.p[0] != GX_FRAME_SUM && bytes.p[0] != GX_FRAME_BUCKETS))
        return count(net, from, to, bytes);
    memcpy(echo, bytes.p, bytes.n);
    if (echo[0] == GX_FRAME_SUM)
        echo[1] = 0;                    /* no question any more: an answer */
    (void)count(net, from, to, bytes);
    inject(net, 1, 0, gx_span(echo, bytes.n));
    return false;
}

static void test_who_echoes_a_sum_acknowledges_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    net_send(net, 0, "tea", "which it has");
    net_run(net, 5 * MINUTE);
    assert_int_equal(held_by(net, 0), 1);
    memset(&seen, 0, sizeof seen);
    net->pass = echoes;
    net_send(net, 0, "tea", "which nobody gets");
    net_run(net, 90 * SECOND);
    assert_true(seen.sums[0] > 0);
    assert_int_equal(held_by(net, 0), 0);
    net_free(net);
}

static void test_who_echoes_digests_acknowledges_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    net_send(net, 0, "tea", "which it has");
    net_run(net, 5 * MINUTE);
    assert_int_equal(held_by(net, 0), 1);
    memset(&seen, 0, sizeof seen);
    net->pass = echoes;
    net_send(net, 0, "tea", "which nobody gets");
    say_other(net, 1, 0);
    assert_true(seen.buckets[0] > 0);
    assert_int_equal(held_by(net, 0), 0);
    net_free(net);
}

/* An answer that names no logs: of one bucket, which differs or not. */
static void say_frontier(struct net *net, int from, int to, uint8_t mask)
{
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    static const uint8_t same[GX_SUM_BYTES];
    struct gx_frame_list list = gx_frame_begin_frontier(&w, channel_number(net, from, to), 0, &mask, same);

    gx_frame_end(&w, &list);
    inject(net, from, to, gx_wr_span(&w));
    net_settle(net);
}

/* n0 wrote what n1 never got, and n1 does not say so. */
static bool nothing_of_node_0(struct net *net, int from, int to, struct gx_span bytes)
{
    return !(from == 0 && to == 1) && count(net, from, to, bytes);
}

/* WIRE §6.31: "all other logs are the same on both sides". */
static void test_who_says_that_nothing_differs_and_shows_nothing_acknowledges_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    net_send(net, 0, "tea", "which it has");
    net_run(net, 5 * MINUTE);
    assert_int_equal(held_by(net, 0), 1);
    memset(&seen, 0, sizeof seen);
    net->pass = nothing_of_node_0;
    net_send(net, 0, "tea", "which nobody gets");
    say_other(net, 1, 0);
    say_frontier(net, 1, 0, 0);
    assert_int_equal(held_by(net, 0), 0);
    net_free(net);
}

/* --- a slow line ------------------------------------------------------------------------------------------------------------------------ */

/* From the first BUCKETS on what n0 says to n1 is under way until it is let through. */
static struct {
    bool on;
    uint8_t *bytes[64];
    size_t n[64];
    size_t head, tail;
} slow;

static bool slowly(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)net;
    if (bytes.p[0] == GX_FRAME_ENDPOINTS)
        return false;                   /* so that records differ, and logs do not */
    seen.buckets[from] += bytes.p[0] == GX_FRAME_BUCKETS;
    slow.on |= bytes.p[0] == GX_FRAME_BUCKETS;
    if (!slow.on || from != 0 || to != 1)
        return true;
    assert_true(slow.tail < 64);
    slow.bytes[slow.tail] = malloc(bytes.n);
    memcpy(slow.bytes[slow.tail], bytes.p, bytes.n);
    slow.n[slow.tail++] = bytes.n;
    return false;
}

static void one_comes(struct net *net)
{
    assert_true(slow.head < slow.tail);
    inject(net, 0, 1, gx_span(slow.bytes[slow.head], slow.n[slow.head]));
    slow.head++;
    net_settle(net);
}

/* n1 asks n0, and for lack of an answer asks again; meanwhile n0 writes.  The answer to what n0 told first speaks of what was before. */
static void test_an_answer_to_what_was_told_first_does_not_acknowledge_what_was_told_second(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_addr elsewhere = net_addr(777);

    (void)state;
    net_send(net, 0, "tea", "which it has");
    net_run(net, 5 * MINUTE);
    memset(&seen, 0, sizeof seen);
    memset(&slow, 0, sizeof slow);
    line(net, 0, 1, false);
    net->pass = slowly;
    net_step(net, 1, (struct gx_input){.kind = GX_IN_LISTENING, .addrs = &elsewhere, .n_addrs = 1});
    net->cut[1][0] = false;             /* n1 connects, and so it asks */
    for (unsigned i = 0; i < 600 && slow.tail == 0; i++)
        net_run(net, SECOND);
    assert_int_equal(slow.tail, 1);
    net_send(net, 0, "tea", "which it has not");
    net_run(net, 6 * SECOND);
    assert_true(seen.buckets[0] >= 2);
    one_comes(net);
    assert_int_equal(held_by(net, 0), 0);
    line(net, 0, 1, false);
    assert_int_equal(held_by(net, 0), 0);
    while (slow.tail > 0)
        free(slow.bytes[--slow.tail]);
    net_free(net);
}

/* --- sizes that do not fit together ------------------------------------------------------------------------------------------------------ */

static void tell_made_up(struct net *net, int from, int to, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct gx_endpoint record = *record_of(net, from, from);
        struct gx_sign_seed seed = {{(uint8_t)(i + 1), 0x66}};
        struct gx_sign_sk sk;

        gx_sign_keypair(&record.device, &sk, &seed);
        record.counter = 1;
        sign_record(net, &record, &sk);
        tell_record(net, from, to, &record);
    }
}

/* n0 knows many logs and few records, n1 few logs and many records. */
static void test_two_that_know_many_of_different_things_come_to_an_end(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);

    (void)state;
    line(net, 0, 1, false);
    line(net, 0, 2, false);
    line(net, 1, 3, false);
    line(net, 2, 3, false);
    tell_made_up(net, 2, 1, 8);
    assert_int_equal(tea(net, 1)->n_endpoints, 3 + 8);
    assert_true(net_join(net, 3, token, NULL));
    assert_int_equal(tea(net, 0)->n_logs, 8);
    net_run(net, 2 * MINUTE);
    net_stop(net, 2);
    net_stop(net, 3);
    memset(&seen, 0, sizeof seen);
    net->pass = count;
    net->cut[0][1] = net->cut[1][0] = false;
    net_run(net, 10 * MINUTE);
    assert_non_null(channel_with(net, 0, 1));
    assert_int_equal(tea(net, 1)->n_logs, 8);
    assert_in_range(seen.buckets[0] + seen.buckets[1], 1, 8);
    net_free(net);
}

/* --- a record of another life ------------------------------------------------------------------------------------------------------------- */

static void copy_store(struct net *net, int i, const char *from, const char *to)
{
    char command[600];

    snprintf(command, sizeof command, "cp %s/%s %s/%s", net->node[i].dir, from, net->node[i].dir, to);
    assert_int_equal(system(command), 0);
}

/* WIRE §6.2: "A device that hears of one of its own with a counter not below its own, and other contents, was put back from an old copy: it signs anew
 * above that". */
static void test_a_home_that_was_put_back_hears_of_its_record_with_the_same_counter(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_addr before = net_addr(777), now = net_addr(778);

    (void)state;
    net_stop(net, 1);
    copy_store(net, 1, "store.mdb", "saved");
    net_start(net, 1);
    net_run(net, MINUTE);
    net_step(net, 1, (struct gx_input){.kind = GX_IN_LISTENING, .addrs = &before, .n_addrs = 1});
    net_run(net, MINUTE);
    assert_int_equal(record_of(net, 0, 1)->addrs[0].port, 777);
    net_stop(net, 1);
    copy_store(net, 1, "saved", "store.mdb");
    memset(net->node[1].config.incarnation.b, 0x5a, sizeof net->node[1].config.incarnation.b);
    net->cut[0][1] = net->cut[1][0] = true;
    net_start(net, 1);
    net_step(net, 1, (struct gx_input){.kind = GX_IN_LISTENING, .addrs = &now, .n_addrs = 1});
    assert_int_equal(record_of(net, 1, 1)->counter, record_of(net, 0, 1)->counter);
    net->cut[0][1] = net->cut[1][0] = false;
    net_run(net, 10 * MINUTE);
    assert_int_equal(record_of(net, 0, 1)->addrs[0].port, 778);
    net_free(net);
}

/* --- answers that nobody asked for ---------------------------------------------------------------------------------------------------------- */

static void test_answers_that_nobody_asked_for_are_not_answered(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    net_run(net, 5 * MINUTE);
    memset(&seen, 0, sizeof seen);
    net->pass = count;
    for (unsigned i = 0; i < 1000; i++)
        say_frontier(net, 1, 0, 1);
    assert_in_range(seen.frontiers[0], 0, 8);
    net_free(net);
}

/* WIRE §6.30: "One peer may begin 8 rounds a second for a group". */
static void test_a_group_is_looked_into_eight_times_a_second_whatever_others_it_is_asked_with(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint8_t bytes[64];

    (void)state;
    net_group(net, 0, "rice");
    net_invite(net, 0, "rice", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 5 * MINUTE);
    memset(&seen, 0, sizeof seen);
    net->pass = count;

    struct gx_session *s = gx_session_find(net->node[0].engine, session_with(net, 1, 0));
    uint16_t channels[2] = {s->channels[0].number, s->channels[1].number};

    assert_int_equal(s->n_channels, 2);
    if (channels[0] > channels[1]) {
        channels[0] = s->channels[1].number;
        channels[1] = s->channels[0].number;
    }
    for (unsigned i = 0; i < 100; i++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        const uint8_t sum[GX_SUM_BYTES] = {1};

        gx_frame_write_sum(&w, GX_SUM_ASK, channels + i % 2, 2 - i % 2, sum);       /* both; the second */
        inject(net, 1, 0, gx_wr_span(&w));
    }
    net_settle(net);
    assert_in_range(seen.buckets[0], 8, 2 * 8);
    net_free(net);
}

/* --- who is out and polls ---------------------------------------------------------------------------------------------------------------------- */

static bool heard_key[NET_NODES];       /* of whom n3 was told the new transport key */
static bool is_slow;                    /* what n2 asks for takes its time */

static bool hears_keys(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (net->cut[from][to] || gx_frame_decode(&f, bytes) != GX_OK || (is_slow && to == 2 && f.kind == GX_FRAME_CHUNKS))
        return false;
    if (from == 2 && to == 3 && f.kind == GX_FRAME_ENDPOINTS) {
        struct gx_rd rd = gx_rd(f.list);

        for (size_t i = 0; i < f.n; i++) {
            struct gx_endpoint record;

            gx_frame_endpoint_next(&rd, &record);
            for (int k = 0; k < 2; k++)
                heard_key[k] |= memcmp(&record.transport, &net->node[k].config.transport_pk, sizeof record.transport) == 0;
        }
    }
    return true;
}

static void ask_for_records(struct net *net, int from, int to)
{
    static const uint8_t all = 1;
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_records(&w, channel_number(net, from, to), 0, &all);

    gx_frame_end(&w, &list);
    inject(net, from, to, gx_wr_span(&w));
    net_settle(net);
}

/* n3 was removed and n0 and n1 have other transport keys since; n2 was away and hears of both, while n3 asks it for records all the time. */
static void test_who_is_out_and_asks_for_records_does_not_hear_the_new_keys_from_who_was_away(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    unsigned polls = 0;

    (void)state;
    for (int a = 0; a < 2; a++)
        for (int b = 2; b < 4; b++)
            line(net, a, b, false);
    net_run(net, SECOND);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n3"));
    net_run(net, 3 * MINUTE);
    assert_int_equal(net->node[0].transport_keys, 1);
    memset(heard_key, 0, sizeof heard_key);
    is_slow = true;
    net->pass = hears_keys;
    for (int a = 0; a < 2; a++)
        net->cut[a][2] = net->cut[2][a] = false;
    for (unsigned i = 0; i < 3000 && channel_with(net, 0, 2) == NULL && channel_with(net, 1, 2) == NULL; i++)
        net_run(net, 100);
    for (unsigned i = 0; i < 10 && channel_with(net, 3, 2) != NULL; i++) {
        ask_for_records(net, 3, 2);
        net_run(net, 200);
        polls++;
    }
    is_slow = false;
    net_run(net, 5 * MINUTE);
    assert_true(polls > 0);
    assert_memory_equal(&record_of(net, 2, 0)->transport, &net->node[0].config.transport_pk, 32);
    assert_false(heard_key[0] || heard_key[1]);
    net_free(net);
}

/* --- who was out, came in again as the same, and is out again --------------------------------------------------------------------------- */

/* n2's home of when it had asked to be let in is put back once it is out: it comes in as the same member, writes, and is removed once more.  n1 was away. */
static void test_what_was_written_between_two_removals_is_lacked_by_who_was_away(void **state)
{
    char token[600], hash[65];
    struct net *net = tea_of(3, 2, token);
    struct gx_command join = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};

    (void)state;
    join.request = ++net->node[2].client;
    net_step(net, 2, (struct gx_input){.kind = GX_IN_COMMAND, .client = net->node[2].client, .command = &join});
    net_stop(net, 2);
    copy_store(net, 2, "store.mdb", "saved");
    net_start(net, 2);
    net_run(net, 20 * SECOND);
    net_send(net, 2, "tea", "before");
    net_run(net, MINUTE);
    net_stop(net, 1);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, MINUTE);
    net_stop(net, 2);
    copy_store(net, 2, "saved", "store.mdb");
    net_start(net, 2);
    net_run(net, MINUTE);
    assert_true(gx_group_is_member(tea(net, 2)));
    net_send(net, 2, "tea", "in between");
    net_send(net, 2, "tea", "and one more");
    net_run(net, MINUTE);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, MINUTE);
    net_stop(net, 2);
    assert_int_equal(show_number(net, 0, "count"), 3);
    net_start(net, 1);
    net_run(net, 10 * MINUTE);
    assert_int_equal(show_number(net, 1, "count"), 3);
    snprintf(hash, sizeof hash, "%s", show(net, 0, "messages_hash"));
    assert_string_equal(show(net, 1, "messages_hash"), hash);
    net_free(net);
}

/* --- records of nobody ------------------------------------------------------------------------------------------------------------------- */

/* n2 makes records up and tells them to n1 alone; n0 and n1 hold the same all the same. */
static void test_records_of_who_is_no_member_are_not_compared(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net_run(net, 5 * MINUTE);
    line(net, 0, 1, false);
    line(net, 0, 2, false);
    tell_made_up(net, 2, 1, 20);
    assert_int_equal(tea(net, 1)->n_endpoints, 3 + 20);
    net_run(net, MINUTE);
    net_stop(net, 2);
    memset(&seen, 0, sizeof seen);
    net->pass = count;
    net->cut[0][1] = net->cut[1][0] = false;
    net_run(net, 10 * MINUTE);
    assert_non_null(channel_with(net, 0, 1));
    assert_int_equal(seen.sums[0] + seen.sums[1], 2);
    assert_int_equal(seen.buckets[0] + seen.buckets[1], 0);
    assert_int_equal(tea(net, 0)->n_endpoints, 3);
    net_free(net);
}

/* --- at rest ------------------------------------------------------------------------------------------------------------------------------- */

static unsigned compared(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < NET_NODES; i++)
        n += seen.sums[i] + seen.buckets[i] + seen.frontiers[i];
    return n;
}

/* Two records of n2 with one counter: n0 has one, n1 the other, and neither is newer. */
static void test_two_that_can_never_hold_the_same_are_quiet(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_endpoint record = *record_of(net, 2, 2);
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    (void)state;
    net_run(net, 5 * MINUTE);
    line(net, 0, 1, false);
    gx_device_key(&pk, &sk, &net->node[2].config.device_seed, &tea(net, 2)->row.intro.e);
    record.counter += 10;
    for (int to = 0; to < 2; to++) {
        record.addrs[0] = net_addr((uint16_t)(777 + to));
        sign_record(net, &record, &sk);
        tell_record(net, 2, to, &record);
    }
    net_run(net, MINUTE);
    net_stop(net, 2);
    net->pass = count;
    net->cut[0][1] = net->cut[1][0] = false;
    memset(&seen, 0, sizeof seen);
    net_run(net, 90 * MINUTE);          /* with what the owner's node writes within an hour */
    assert_true(compared() > 0);
    assert_int_equal(gx_endpoints_of(tea(net, 0), &pk)->addrs[0].port, 777);
    assert_int_equal(gx_endpoints_of(tea(net, 1), &pk)->addrs[0].port, 778);
    memset(&seen, 0, sizeof seen);
    net_run(net, 60 * MINUTE);
    assert_non_null(channel_with(net, 0, 1));
    assert_int_equal(compared(), 0);
    net_free(net);
}

/* n1 tells of a log that nobody knows, whenever it is asked. */
static void test_a_log_that_is_claimed_and_never_shown_is_asked_for_now_and_then(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    static const struct gx_frontier_entry made_up = {.tag = {{0xee, 1, 2, 3, 4, 5, 6, 7}}, .seq = 3};

    (void)state;
    net_run(net, 5 * MINUTE);
    memset(&seen, 0, sizeof seen);
    net->pass = count;
    for (unsigned i = 0; i < 600; i++) {
        uint8_t bytes[64];
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_frame_list list = gx_frame_begin_frontier(&w, channel_number(net, 1, 0), 0, NULL, NULL);

        gx_frame_put_frontier(&w, &list, &made_up);
        gx_frame_end(&w, &list);
        inject(net, 1, 0, gx_wr_span(&w));
        net_run(net, SECOND);
    }
    assert_in_range(seen.sums[0], 1, 600 / 30 + 1);
    net_free(net);
}

/* --- who is out ------------------------------------------------------------------------------------------------------------------------------ */

static unsigned told_to_2;

static bool counts_for_2(struct net *net, int from, int to, struct gx_span bytes)
{
    told_to_2 += to == 2 && bytes.p[0] != GX_FRAME_ENDED && bytes.p[0] != GX_FRAME_PING && bytes.p[0] != GX_FRAME_PONG && bytes.p[0] != GX_FRAME_BYE;
    return !net->cut[from][to];
}

/* All that can be said of what one holds, in the step that removes the one who says it. */
static void test_who_is_removed_in_the_same_step_is_told_nothing_more(void **state)
{
    static const uint8_t other[GX_SUM_BYTES] = {1}, all = 1;
    static const struct gx_command removed = {.method = GX_CMD_GROUP_REMOVE, .group = "tea", .who = "@n2", .given = GIVEN_WHO};
    char token[600];
    struct net *net = tea_of(3, 3, token);
    uint16_t channel = channel_number(net, 2, 0);
    gx_session_id session = session_with(net, 2, 0);
    uint8_t bytes[3][64];
    struct gx_wr w[3] = {gx_wr(bytes[0], 64), gx_wr(bytes[1], 64), gx_wr(bytes[2], 64)};
    struct gx_input in[4] = {{.kind = GX_IN_COMMAND, .client = 1000, .command = &removed}};
    struct gx_frame_list list;

    (void)state;
    net_run(net, 5 * MINUTE);
    net->pass = counts_for_2;
    gx_frame_write_sum(&w[0], GX_SUM_ASK, &channel, 1, other);
    gx_frame_write_buckets(&w[1], channel, 0, other, 0, other);
    list = gx_frame_begin_records(&w[2], channel, 0, &all);
    gx_frame_end(&w[2], &list);
    for (int i = 0; i < 3; i++)
        in[1 + i] = (struct gx_input){.kind = GX_IN_FRAME, .session = session, .bytes = gx_wr_span(&w[i])};
    net_steps(net, 0, in, 4);
    assert_int_equal(told_to_2, 0);
    net_free(net);
}

/* n1 has left, with a message that nobody holds: until somebody does, what it compares does not tell so. */
static bool heard_of_leave;

static bool shows_no_leave(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;
    const struct gx_group *g = tea(net, 1);
    const struct gx_log_row *row = &g->logs[g->own_control].row;

    if (net->cut[from][to] || gx_frame_decode(&f, bytes) != GX_OK || (from == 1 && f.kind == GX_FRAME_CHUNKS))
        return false;
    for (size_t i = 0; from == 1 && f.kind == GX_FRAME_FRONTIER && i < f.n; i++) {
        struct gx_frontier_entry entry = gx_frame_frontier_at(&f, i);

        heard_of_leave |= memcmp(entry.tag.b, row->id.b, sizeof entry.tag.b) == 0 && entry.seq == row->head_seq;
    }
    return count(net, from, to, bytes);
}

static void test_a_leave_that_is_kept_back_is_not_told_by_comparing(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};

    (void)state;
    net_run(net, 5 * MINUTE);
    line(net, 0, 1, false);
    net_send(net, 1, "tea", "which nobody has");
    (void)net_ask(net, 1, leave, "group", 0);
    assert_int_equal(tea(net, 1)->row.state, GX_GROUP_LEFT);
    memset(&seen, 0, sizeof seen);
    heard_of_leave = false;
    net->pass = shows_no_leave;
    net->cut[0][1] = net->cut[1][0] = false;
    net_run(net, 5 * MINUTE);
    say_other(net, 0, 1);
    assert_true(seen.sums[0] + seen.sums[1] > 0);
    assert_true(seen.frontiers[1] > 0);
    assert_false(heard_of_leave);
    net->pass = NULL;
    net_run(net, 5 * MINUTE);
    assert_int_equal(tea(net, 0)->law.now.n_members, 1);
    assert_int_equal(show_number(net, 0, "count"), 1);
    net_free(net);
}

/* --- a log that was forked, and ended -------------------------------------------------------------------------------------------------------- */

static bool no_messages_for_3(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    return !net->cut[from][to] && gx_frame_decode(&f, bytes) == GX_OK && !(from == 3 && f.kind == GX_FRAME_WANT && f.flags == GX_WANT_MESSAGES);
}

/* WIRE §3.4: "Both branches are kept and reach everybody".  n2 tells one to n0 and the other to n1, and is removed.  n1 hears of that from n3, which has
 * neither: so where n0 and n1 meet, both know that nothing follows. */
static void test_branches_of_a_log_that_ended_reach_each_other(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    struct gx_log_id log = tea(net, 2)->logs[tea(net, 2)->own_messages].row.id;
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick);
    struct hand *h = hand_new();

    (void)state;
    line(net, 0, 1, false);
    line(net, 0, 3, false);
    line(net, 1, 3, false);
    line(net, 2, 3, false);
    for (int to = 0; to < 2; to++) {
        hand_text(net, 2, h, to ? "right" : "left", &log, 1, NULL, &head, 1, tick + 1);
        tell(net, 2, to, h);
        net_settle(net);
        line(net, 2, to, false);
        assert_int_equal(show_number(net, to, "count"), 1);
    }
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_stop(net, 2);
    net_run(net, MINUTE);
    net->pass = no_messages_for_3;
    for (int a = 0; a < 2; a++) {
        net->cut[a][3] = net->cut[3][a] = false;
        net_run(net, 10 * MINUTE);
        assert_int_equal(tea(net, 3)->law.now.n_members, 3);
        line(net, a, 3, false);
    }
    assert_int_equal(tea(net, 1)->law.now.n_members, 3);
    assert_int_equal(show_number(net, 1, "count"), 1);
    net_stop(net, 3);
    net->cut[0][1] = net->cut[1][0] = false;
    net_run(net, 10 * MINUTE);
    assert_int_equal(show_number(net, 0, "count"), 2);
    assert_int_equal(show_number(net, 1, "count"), 2);
    assert_same(net, 0, 1);
    free(h);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_echoes_a_sum_acknowledges_nothing),
        cmocka_unit_test(test_who_echoes_digests_acknowledges_nothing),
        cmocka_unit_test(test_who_says_that_nothing_differs_and_shows_nothing_acknowledges_nothing),
        cmocka_unit_test(test_an_answer_to_what_was_told_first_does_not_acknowledge_what_was_told_second),
        cmocka_unit_test(test_two_that_know_many_of_different_things_come_to_an_end),
        cmocka_unit_test(test_a_home_that_was_put_back_hears_of_its_record_with_the_same_counter),
        cmocka_unit_test(test_answers_that_nobody_asked_for_are_not_answered),
        cmocka_unit_test(test_a_group_is_looked_into_eight_times_a_second_whatever_others_it_is_asked_with),
        cmocka_unit_test(test_who_is_out_and_asks_for_records_does_not_hear_the_new_keys_from_who_was_away),
        cmocka_unit_test(test_what_was_written_between_two_removals_is_lacked_by_who_was_away),
        cmocka_unit_test(test_records_of_who_is_no_member_are_not_compared),
        cmocka_unit_test(test_two_that_can_never_hold_the_same_are_quiet),
        cmocka_unit_test(test_a_log_that_is_claimed_and_never_shown_is_asked_for_now_and_then),
        cmocka_unit_test(test_who_is_removed_in_the_same_step_is_told_nothing_more),
        cmocka_unit_test(test_a_leave_that_is_kept_back_is_not_told_by_comparing),
        cmocka_unit_test(test_branches_of_a_log_that_ended_reach_each_other),
    };

    return cmocka_run_group_tests_name("engine/attack_compare", tests, NULL, NULL);
}
