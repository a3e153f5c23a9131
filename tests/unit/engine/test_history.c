/* What newcomers are told of before.  WIRE §6.29. */
#include "tests/unit/engine/sealing.h"

/* tea, which tells newcomers the last `history`; n0 to members - 1 are in. */
static struct net *tea_that_tells(uint64_t history, int n, int members, char token[600])
{
    struct net *net = net_new(n);
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = "tea", .history = history, .given = 1u << GX_PARAM_NAME | 1u << GX_PARAM_HISTORY};

    assert_true(net_ask(net, 0, cmd, "history", 0));
    assert_int_equal(net->node[0].number, history);
    net_invite(net, 0, "tea", token, 0);
    for (int i = 1; i < members; i++)
        assert_true(net_join(net, i, token, NULL));
    net_run(net, 20000);
    return net;
}

static void says(struct net *net, int i, const char *word, int number)
{
    char text[40];

    snprintf(text, sizeof text, "%s %d", word, number);
    net_send(net, i, "tea", text);
    net_run(net, 100);
}

static bool reads_number(struct net *net, int i, const char *word, int number)
{
    char text[40];

    snprintf(text, sizeof text, "%s %d", word, number);
    return reads(net, i, text);
}

/* The messages that node i holds, and how many of them it cannot read. */
static uint64_t held_by(struct net *net, int i, unsigned *locked)
{
    struct gx_command cmd = {.method = GX_CMD_READ, .group = "tea", .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_LIMIT};

    *locked = 0;
    assert_true(net_ask(net, i, cmd, "kind", 0));
    for (const char *at = net->node[i].all; (at = strstr(at, "kind=sealed\n")) != NULL; at++)
        ++*locked;
    return show_number(net, i, "count");
}

static void test_a_newcomer_reads_the_last_of_all_that_was_said_and_no_more(void **state)
{
    char token[600];
    struct net *net = tea_that_tells(5, 3, 2, token);
    unsigned locked = 0;

    (void)state;
    for (int k = 0; k < 8; k++)
        says(net, k % 2, "before", k);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    for (int k = 0; k < 8; k++)
        assert_int_equal(reads_number(net, 2, "before", k), k >= 3);
    assert_int_equal(held_by(net, 2, &locked), 5);
    assert_int_equal(locked, 0);
    assert_int_equal(show_number(net, 2, "history"), 5);
    restart(net, 2);
    says(net, 2, "after", 0);
    net_run(net, 20000);
    for (int k = 0; k < 8; k++)
        assert_int_equal(reads_number(net, 2, "before", k), k >= 3);
    assert_true(reads_number(net, 0, "after", 0) && reads_number(net, 1, "after", 0));
    net_free(net);
}

static void test_where_less_was_said_all_of_it_is_read(void **state)
{
    char token[600];
    struct net *net = tea_that_tells(1000, 3, 2, token);
    unsigned locked = 0;

    (void)state;
    for (int k = 0; k < 300; k++)
        net_send(net, k % 2, "tea", "all of it");
    net_run(net, 5000);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 60000);
    assert_int_equal(held_by(net, 2, &locked), 300);
    assert_int_equal(locked, 0);
    net_free(net);
}

/* n1 opens the door and n0, who said most of it, is not there. */
static void test_it_is_told_by_whoever_is_there(void **state)
{
    char token[600], door[600];
    struct net *net = tea_that_tells(3, 4, 3, token);

    (void)state;
    for (int k = 0; k < 4; k++)
        says(net, 0, "before", k);
    net_run(net, 5000);
    net_stop(net, 0);
    net_invite(net, 1, "tea", door, 0);
    assert_true(net_join(net, 3, door, NULL));
    net_run(net, 20000);
    for (int k = 0; k < 4; k++)
        assert_int_equal(reads_number(net, 3, "before", k), k >= 1);
    net_free(net);
}

/* Who is a newcomer itself passes on what it was given. */
static void test_newcomers_let_in_newcomers_who_read_what_these_do(void **state)
{
    char token[600], door[600];
    struct net *net = tea_that_tells(4, 3, 1, token);

    (void)state;
    for (int k = 0; k < 9; k++)
        says(net, 0, "before", k);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 20000);
    says(net, 1, "before", 9);
    net_stop(net, 0);
    net_invite(net, 1, "tea", door, 0);
    assert_true(net_join(net, 2, door, NULL));
    net_run(net, 20000);
    for (int k = 0; k < 10; k++)
        assert_int_equal(reads_number(net, 2, "before", k), k >= 6);
    net_free(net);
}

static bool carries(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)bytes;
    return !net->cut[from][to];
}

/* Of n1's messages n0 had none when it removed n1: n2, who has them, shows them no more, and they take places among the last all the same.  Else whoever may
 * remove could uncover older ones. */
static void test_what_is_not_shown_any_more_uncovers_nothing_older(void **state)
{
    char token[600], door[600];
    struct net *net = tea_that_tells(3, 4, 3, token);

    (void)state;
    for (int k = 0; k < 4; k++)
        says(net, 0, "before", k);
    net_run(net, 5000);
    net->pass = carries;
    net->cut[0][1] = net->cut[1][0] = net->cut[0][2] = net->cut[2][0] = true;
    for (int k = 0; k < 2; k++)
        says(net, 1, "unheard", k);
    net_run(net, 5000);
    assert_true(reads(net, 2, "unheard 1"));
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    net_stop(net, 1);
    net->cut[0][2] = net->cut[2][0] = false;
    net_run(net, 200000);
    assert_false(reads(net, 2, "unheard 1"));
    net_invite(net, 2, "tea", door, 0);
    assert_true(net_join(net, 3, door, NULL));
    net_run(net, 200000);
    for (int k = 0; k < 4; k++)
        assert_int_equal(reads_number(net, 3, "before", k), k >= 3);
    assert_false(reads(net, 3, "unheard 0"));
    net_free(net);
}

/* n1 was away when n2 came in, and had said something: it has places among the last, which n2 found before it knew of that. */
static void test_what_comes_late_from_before_is_read_too(void **state)
{
    char token[600], door[600];
    struct net *net = tea_that_tells(5, 3, 2, token);

    (void)state;
    net->pass = carries;
    net->cut[0][1] = net->cut[1][0] = net->cut[1][2] = net->cut[2][1] = true;
    for (int k = 0; k < 3; k++)
        says(net, 0, "before", k);
    for (int k = 0; k < 2; k++)
        says(net, 1, "apart", k);
    net_invite(net, 0, "tea", door, 0);
    assert_true(net_join(net, 2, door, NULL));
    net_run(net, 200000);
    for (int k = 0; k < 3; k++)
        assert_true(reads_number(net, 2, "before", k));
    assert_int_not_equal(tea(net, 2)->history_seat, GX_LAW_NONE);
    memset(net->cut, 0, sizeof net->cut);
    net_run(net, 400000);
    for (int k = 0; k < 3; k++)
        assert_true(reads_number(net, 2, "before", k) && (k == 2 || reads_number(net, 2, "apart", k)));
    net_free(net);
}

/* --- who lies ------------------------------------------------------------------------------------------------------------------------------ */

static unsigned told;           /* keys to n2 */

static bool counts(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (to == 2 && gx_frame_decode(&f, bytes) == GX_OK && f.kind == GX_FRAME_KEYS)
        told += (unsigned)f.n;
    return !net->cut[from][to];
}

static void ask_for(struct net *net, int from, int of, struct gx_log *log, uint32_t n)
{
    static uint8_t out[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(out, sizeof out);
    struct gx_dh_sk sk = {{5}};
    struct gx_dh_pk p;
    struct gx_frame_list list = {.n = 0};

    gx_dh_public(&p, &sk);
    list = gx_frame_begin_ask_keys(&w, channel_number(net, from, of), &p);
    for (uint32_t seq = 1; seq <= n; seq++) {
        struct gx_key_entry entry = {.seq = seq};
        struct gx_event ev;
        struct gx_body body;

        memcpy(entry.tag.b, log->row.id.b, sizeof entry.tag.b);
        assert_true(gx_group_read(eng(net, of), tea(net, of), log, seq, &ev, &body));
        memcpy(entry.check, ev.id.b, sizeof entry.check);
        gx_frame_put_key(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    inject(net, from, of, gx_wr_span(&w));
    net_settle(net);
}

static void test_who_asks_for_more_is_told_the_last_and_again_the_same(void **state)
{
    char token[600];
    struct net *net = tea_that_tells(5, 3, 2, token);

    (void)state;
    for (int k = 0; k < 20; k++)
        says(net, k % 2, "before", k);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    told = 0;
    net->pass = counts;
    ask_for(net, 2, 0, &tea(net, 0)->logs[tea(net, 0)->own_messages], 10);
    net_run(net, 2000);
    assert_int_equal(told, 2);              /* of n0's own, and n1 said the other three */
    for (int k = 20; k < 30; k++)
        says(net, 0, "after", k);           /* sealed to n2, too: they take no places, and give none */
    net_run(net, 2000);
    told = 0;
    ask_for(net, 2, 0, &tea(net, 0)->logs[tea(net, 0)->own_messages], 10);
    assert_int_equal(told, 2);
    net_free(net);
}

static void test_who_is_out_is_told_nothing(void **state)
{
    char token[600];
    struct net *net = tea_that_tells(5, 3, 3, token);
    struct gx_log *log = NULL;

    (void)state;
    for (int k = 0; k < 5; k++)
        says(net, 0, "before", k);
    net_run(net, 2000);
    net->cut[0][2] = true;                  /* it does not hear of it, and holds its session open */
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net->pass = counts;
    told = 0;
    log = &tea(net, 0)->logs[tea(net, 0)->own_messages];
    if (channel_with(net, 2, 0) != NULL)
        ask_for(net, 2, 0, log, 5);
    assert_int_equal(told, 0);
    net_free(net);
}

/* n1's messages came to n0 in one chunk, of which the last signature covers the others, and one of these was spoiled under way.  The door names that one to
 * the newcomer, and behind it the newest: so nothing of that log is given, and not all of it. */
static unsigned spoiled;

static size_t spoils(struct net *net, int from, int to, uint8_t *bytes, size_t n)
{
    struct gx_frame f;
    struct gx_rd rd;

    if (from != 1 || to != 0 || gx_frame_decode(&f, gx_span(bytes, n)) != GX_OK || f.kind != GX_FRAME_CHUNKS)
        return n;
    rd = gx_rd(f.list);
    for (size_t i = 0; i < f.n; i++) {
        struct gx_chunk chunk;
        struct gx_chunk_iter it;
        struct gx_event ev;

        if (gx_chunk_decode(&chunk, gx_frame_chunk_next(&rd)) != GX_OK || chunk.count < 10)
            continue;
        gx_chunk_begin(&it, &chunk, &tea(net, 0)->row.id);
        while (gx_chunk_next(&it, &ev, NULL) == GX_OK) {
            uint8_t *sig = ev.seq == 7 ? memmem(bytes, n, ev.sig.b, sizeof ev.sig.b) : NULL;

            if (sig == NULL)
                continue;
            sig[5] ^= 1;
            spoiled++;
        }
    }
    return n;
}

static void test_a_spoiled_signature_where_a_log_would_begin_gives_nobody_all_of_it(void **state)
{
    char token[600];
    struct net *net = tea_that_tells(3, 3, 2, token);

    (void)state;
    net_stop(net, 0);
    for (int k = 1; k <= 10; k++)
        says(net, 1, "before", k);
    spoiled = 0;
    net->spoil = spoils;
    net_start(net, 0);
    net_run(net, 20000);
    assert_true(spoiled > 0);
    assert_int_equal(show_number(net, 0, "count"), 10);
    net_stop(net, 1);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    assert_int_equal(show_number(net, 2, "count"), 0);
    net_free(net);
}

static bool drops_baselines(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    return !net->cut[from][to] && (gx_frame_decode(&f, bytes) != GX_OK || f.kind != GX_FRAME_BASELINE || f.n == 0);
}

static uint64_t unread(struct net *net, int i)
{
    assert_true(net_ask(net, i, (struct gx_command){.method = GX_CMD_GROUP_LIST}, "unread", 0));
    return net->node[i].number;
}

/* To whom a door names no beginnings it gives all logs from their first event on: of these the last are read, as by everybody else, and the others are there,
 * are counted, and stay shut. */
static void test_a_door_that_names_no_beginnings_gives_nobody_more_to_read(void **state)
{
    char token[600];
    struct net *net = tea_that_tells(5, 3, 2, token);
    struct gx_command reads_all = {.method = GX_CMD_READ, .group = "tea", .unread = true, .mark = true,
                                   .given = 1u << GX_PARAM_GROUP | 1u << GX_PARAM_UNREAD | 1u << GX_PARAM_MARK};
    unsigned locked = 0;

    (void)state;
    for (int k = 0; k < 12; k++)
        says(net, k % 2, "before", k);
    net->pass = drops_baselines;
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 60000);
    for (int k = 0; k < 12; k++)
        assert_int_equal(reads_number(net, 2, "before", k), k >= 7);
    assert_int_equal(held_by(net, 2, &locked), 12);
    assert_int_equal(locked, 7);
    assert_int_equal(unread(net, 2), 12);
    assert_true(net_ask(net, 2, reads_all, "kind", 0));
    assert_int_equal(unread(net, 2), 0);
    restart(net, 2);
    net_run(net, 60000);
    assert_int_equal(held_by(net, 2, &locked), 12);
    assert_int_equal(locked, 7);
    assert_int_equal(unread(net, 2), 0);
    net_free(net);
}

static void test_who_comes_in_again_reads_the_last_of_what_was_said_meanwhile(void **state)
{
    char token[600];
    struct net *net = tea_that_tells(5, 3, 3, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    unsigned locked = 0;

    (void)state;
    says(net, 2, "with it", 0);
    (void)net_ask(net, 2, leave, "group", 0);
    net_run(net, 3000);
    for (int k = 0; k < 12; k++)
        says(net, k % 2, "meanwhile", k);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 60000);
    for (int k = 0; k < 12; k++)
        assert_int_equal(reads_number(net, 2, "meanwhile", k), k >= 7);
    assert_int_equal(held_by(net, 2, &locked), 5);
    assert_int_equal(locked, 0);
    assert_int_equal(unread(net, 2), 5);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_newcomer_reads_the_last_of_all_that_was_said_and_no_more),
        cmocka_unit_test(test_where_less_was_said_all_of_it_is_read),
        cmocka_unit_test(test_it_is_told_by_whoever_is_there),
        cmocka_unit_test(test_newcomers_let_in_newcomers_who_read_what_these_do),
        cmocka_unit_test(test_what_is_not_shown_any_more_uncovers_nothing_older),
        cmocka_unit_test(test_what_comes_late_from_before_is_read_too),
        cmocka_unit_test(test_who_asks_for_more_is_told_the_last_and_again_the_same),
        cmocka_unit_test(test_who_is_out_is_told_nothing),
        cmocka_unit_test(test_a_spoiled_signature_where_a_log_would_begin_gives_nobody_all_of_it),
        cmocka_unit_test(test_a_door_that_names_no_beginnings_gives_nobody_more_to_read),
        cmocka_unit_test(test_who_comes_in_again_reads_the_last_of_what_was_said_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
