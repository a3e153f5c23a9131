/* Who is asked for what, and when: long answers to a WANT, and several peers.  WIRE §6.1, §6.11. */
#include "tests/unit/engine/attack.h"

#define AWAY 1
#define LONG 20                 /* messages of which one fills a frame: three questions */

static unsigned wants, ahead;

/* A question that begins behind what its asker holds, checked or not. */
static bool note_wants(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (from != AWAY || bytes.n == 0 || bytes.p[0] != GX_FRAME_WANT || gx_frame_decode(&f, bytes) != GX_OK || f.flags != GX_WANT_MESSAGES)
        return !net->cut[from][to];

    struct gx_want_entry want = gx_frame_want_at(&f, 0);
    uint32_t log = gx_group_log_by_tag(tea(net, AWAY), &want.tag);

    wants++;
    ahead += want.from_seq > tea(net, AWAY)->logs[log].pend_seq + 1;
    return !net->cut[from][to];
}

static struct net *tea_with_a_long_log(void)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    char *text = calloc(1, GX_TEXT_BYTES_MAX + 1);

    memset(text, 'x', GX_TEXT_BYTES_MAX);
    net_stop(net, AWAY);
    for (unsigned i = 0; i < LONG; i++)
        net_send(net, 0, "tea", text);
    free(text);
    wants = ahead = 0;
    net->pass = note_wants;
    return net;
}

static void test_what_follows_a_long_answer_is_asked_for_while_it_comes(void **state)
{
    struct net *net = tea_with_a_long_log();

    (void)state;
    net_start(net, AWAY);
    net_run(net, 20000);
    assert_int_equal(show_number(net, AWAY, "count"), LONG);
    assert_int_equal(wants, 3);
    assert_int_equal(ahead, 2);
    assert_int_equal(gx_engine_dropped(net->node[AWAY].engine, "duplicate"), 0);
    assert_int_equal(gx_engine_dropped(net->node[AWAY].engine, "missing"), 0);
    net_free(net);
}

/* Of every frame of chunks nothing stays but what it says of itself. */
static size_t without_chunks(struct net *net, int from, int to, uint8_t *bytes, size_t n)
{
    size_t at = 4;

    (void)net;
    (void)to;
    if (from == AWAY || n < 6 || bytes[0] != GX_FRAME_CHUNKS)
        return n;
    if (bytes[3] & GX_CHUNKS_ON)
        at += GX_CHUNKS_ON_BYTES;
    memset(bytes + at, 0, 2);
    return at + 2;
}

static void test_who_says_that_it_goes_on_and_gives_nothing_is_not_asked_ahead(void **state)
{
    struct net *net = tea_with_a_long_log();

    (void)state;
    net->spoil = without_chunks;
    net_start(net, AWAY);
    net_run(net, 20000);
    assert_int_equal(show_number(net, AWAY, "count"), 0);
    assert_int_equal(ahead, 0);
    assert_in_range(wants, 1, 2);           /* once more by what it holds, for the log might have been forked */
    net->spoil = NULL;
    net_run(net, 60000);
    assert_int_equal(show_number(net, AWAY, "count"), LONG);
    net_free(net);
}

static uint64_t lossy_until_ms;

/* The frames behind the first of an answer are lost. */
static bool first_alone(struct net *net, int from, int to, struct gx_span bytes)
{
    bool lost = from == 0 && bytes.n > 6 && bytes.p[0] == GX_FRAME_CHUNKS && (bytes.p[3] & (GX_CHUNKS_ON | GX_CHUNKS_PUSH)) == 0 && net->now.mono_ms < lossy_until_ms;

    return note_wants(net, from, to, bytes) && !lost;
}

static void test_a_question_asked_ahead_of_what_was_lost_is_asked_again(void **state)
{
    struct net *net = tea_with_a_long_log();

    (void)state;
    lossy_until_ms = net->now.mono_ms + 30000;
    net->pass = first_alone;
    net_start(net, AWAY);
    net_run(net, 120000);
    assert_int_equal(show_number(net, AWAY, "count"), LONG);
    assert_int_equal(gx_engine_dropped(net->node[AWAY].engine, "signature"), 0);
    net_free(net);
}

/* --- several peers ------------------------------------------------------------------------------------------------------------------------ */

static unsigned asked_of[3], logs_asked_of[3];

/* What is said live is lost on the way to n1, so that it has to ask. */
static bool no_pushes(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (from == AWAY && bytes.n > 0 && bytes.p[0] == GX_FRAME_WANT && gx_frame_decode(&f, bytes) == GX_OK && f.flags == GX_WANT_MESSAGES && to < 3 &&
        asked_of[to]++ == 0)
        logs_asked_of[to] = (unsigned)f.n;
    return !net->cut[from][to] && !(to == AWAY && bytes.n > 6 && bytes.p[0] == GX_FRAME_CHUNKS && (bytes.p[3] & GX_CHUNKS_PUSH));
}

static void test_two_peers_that_have_the_same_logs_are_asked_for_one_each(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net_run(net, 20000);
    memset(asked_of, 0, sizeof asked_of);
    net->pass = no_pushes;
    net_send(net, 0, "tea", "by n0");
    net_send(net, 2, "tea", "by n2");
    net_run(net, 20000);
    assert_int_equal(show_number(net, AWAY, "count"), 2);
    assert_int_equal(asked_of[0], 1);
    assert_int_equal(asked_of[2], 1);
    assert_int_equal(logs_asked_of[0], 1);
    assert_int_equal(logs_asked_of[2], 1);
    assert_int_equal(gx_engine_dropped(net->node[AWAY].engine, "duplicate"), 0);
    net_free(net);
}

static int silent;

static bool one_gives_nothing(struct net *net, int from, int to, struct gx_span bytes)
{
    return no_pushes(net, from, to, bytes) && !(from == silent && to == AWAY && bytes.n > 0 && bytes.p[0] == GX_FRAME_CHUNKS);
}

/* Before its time is over, by who has given what it was asked for itself. */
static void test_what_one_peer_is_slow_to_give_another_is_asked_for(void **state)
{
    (void)state;
    for (silent = 0; silent < 3; silent += 2) {
        char token[600];
        struct net *net = tea_of(3, 3, token);

        net_run(net, 20000);
        memset(asked_of, 0, sizeof asked_of);
        net->pass = one_gives_nothing;
        net_send(net, 0, "tea", "by n0");
        net_send(net, 2, "tea", "by n2");
        net_run(net, GX_WANT_MS / 2);
        assert_int_equal(show_number(net, AWAY, "count"), 2);
        assert_int_equal(asked_of[2 - silent], 2);
        net_free(net);
    }
}

/* --- one push was lost, and more come ------------------------------------------------------------------------------------------------------ */

static unsigned pushes;

static bool loses_the_third_push(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (from == 0 && to == AWAY && gx_frame_decode(&f, bytes) == GX_OK && f.kind == GX_FRAME_CHUNKS && (f.flags & GX_CHUNKS_PUSH) && ++pushes == 3)
        return false;
    return !net->cut[from][to];
}

/* Each that comes shows that something is lacking before it; none puts off that this is asked for. */
static void test_what_was_lost_is_asked_for_however_much_comes_behind_it(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    net_run(net, 20000);
    pushes = 0;
    net->pass = loses_the_third_push;
    for (uint64_t i = 1; i <= 100; i++) {
        net_send(net, 0, "tea", "on and on");
        net_run(net, 10);
        if (i >= 20)
            assert_int_equal(show_number(net, AWAY, "count"), i);
    }
    net_free(net);
}

/* Who comes back lacks more than one answer holds, and in what is behind it logs are opened that it did not know when it asked. */
static void test_control_that_takes_several_answers_comes_in_its_order(void **state)
{
    char token[600], name[64];
    struct net *net = tea_of(7, 2, token);

    (void)state;
    net_stop(net, AWAY);
    for (int who = 2; who < 7; who++) {
        assert_true(net_join(net, who, token, NULL));
        for (int i = 0; i < 500; i++) {
            snprintf(name, sizeof name, "name %d, while %d came", i, who);
            assert_true(name_self(net, 0, name));
        }
        net_run(net, 5000);
        net_stop(net, who);
    }
    net_start(net, AWAY);
    net_run(net, 5000);
    assert_int_equal(gx_engine_dropped(net->node[AWAY].engine, "missing"), 0);
    assert_int_equal(gx_engine_dropped(net->node[AWAY].engine, "claim"), 0);
    assert_same(net, 0, AWAY);
    net_free(net);
}

/* All control comes at once, and its signatures are verified one after the other. */
static void test_who_joins_waits_with_what_cannot_be_verified_at_once(void **state)
{
    char token[600], name[40];
    struct net *net = tea_of(2, 1, token);

    (void)state;
    for (unsigned i = 0; i < GX_VERIFIES_MAX + 1000; i++) {
        snprintf(name, sizeof name, "name %u", i);
        assert_true(name_self(net, 0, name));
    }
    assert_true(net_join(net, AWAY, token, NULL));
    assert_int_equal(gx_engine_dropped(net->node[AWAY].engine, "jobs_full"), 0);
    assert_int_equal(gx_engine_dropped(net->node[AWAY].engine, "missing"), 0);
    assert_int_equal((uint64_t)tea(net, AWAY)->n_waiting, 0);
    net_run(net, 20000);
    assert_same(net, 0, AWAY);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_follows_a_long_answer_is_asked_for_while_it_comes),
        cmocka_unit_test(test_who_says_that_it_goes_on_and_gives_nothing_is_not_asked_ahead),
        cmocka_unit_test(test_a_question_asked_ahead_of_what_was_lost_is_asked_again),
        cmocka_unit_test(test_two_peers_that_have_the_same_logs_are_asked_for_one_each),
        cmocka_unit_test(test_what_one_peer_is_slow_to_give_another_is_asked_for),
        cmocka_unit_test(test_what_was_lost_is_asked_for_however_much_comes_behind_it),
        cmocka_unit_test(test_control_that_takes_several_answers_comes_in_its_order),
        cmocka_unit_test(test_who_joins_waits_with_what_cannot_be_verified_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
