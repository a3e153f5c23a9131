/* Members who lie about what they have, or make much of it: the others catch up with each other all the same.  WIRE §6.1. */
#include "tests/unit/engine/attack.h"

/* --- who never answers is asked for ever ------------------------------------------------------------------------------------------------ */

/* WIRE §6.1: "What a peer claims and does not deliver is not asked for again for a while, and meanwhile keeps nobody from asking others".
 * internal.h: "an unanswered WANT goes to another peer".  A member that claims and stays silent keeps nobody from catching up with the others. */

#define LIAR 2

static unsigned asked;

/* The liar's nodes says everything but CHUNKS. */
static bool no_chunks(struct net *net, int from, int to, struct gx_span bytes)
{
    if (net->cut[from][to])
        return false;
    asked += to == LIAR && bytes.n > 0 && bytes.p[0] == GX_FRAME_WANT;
    return from != LIAR || bytes.n == 0 || bytes.p[0] != GX_FRAME_CHUNKS;
}

static void test_a_member_that_claims_control_and_stays_silent_delays_nobody_for_ever(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net->pass = no_chunks;
    net_stop(net, 1);
    for (int i = 0; i < 5; i++)
        net_send(net, 0, "tea", "while n1 was away");
    assert_true(name_self(net, LIAR, "silent"));        /* n2 tells of it, and gives it to nobody */
    net_run(net, 20000);
    net_start(net, 1);
    net_run(net, 3600000);
    assert_int_equal(show_number(net, 1, "count"), 5);
    net_free(net);
}

/* The session with n2 is the older one. */
static void test_a_member_that_claims_messages_and_stays_silent_delays_nobody_for_ever(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net_stop(net, 1);
    for (int i = 0; i < 5; i++)
        net_send(net, 0, "tea", "while n1 was away");
    net_run(net, 20000);
    net->pass = no_chunks;
    asked = 0;
    net->cut[0][1] = net->cut[1][0] = true;
    net_start(net, 1);
    net_run(net, 10000);
    net->cut[0][1] = net->cut[1][0] = false;
    net_run(net, 3600000);
    assert_int_equal(show_number(net, 1, "count"), 5);
    net_free(net);
}

/* --- who claims anew each time it is asked ------------------------------------------------------------------------------------------------ */

/* WIRE §6.1: "What a peer claims and does not deliver is not asked for again for a while, and meanwhile keeps nobody from asking others". */

/* Of a log that nobody has. */
static void claim_unknown(struct net *net, int to)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    static uint32_t number;
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_frontier(&w, channel_number(net, LIAR, to), 0, NULL, NULL);
    struct gx_frontier_entry entry = {.seq = 1, .check = {1, 2, 3, 4}};

    number++;
    memcpy(entry.tag.b, &number, sizeof number);
    gx_frame_put_frontier(&w, &list, &entry);
    gx_frame_end(&w, &list);
    inject(net, LIAR, to, gx_wr_span(&w));
    net_settle(net);
}

static void test_a_member_that_claims_control_again_and_again_keeps_nobody_from_messages(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net_stop(net, 1);
    for (int i = 0; i < 5; i++)
        net_send(net, 0, "tea", "while n1 was away");
    net_run(net, 20000);
    net->pass = no_chunks;
    line(net, 0, 1, false);
    net_start(net, 1);
    net_run(net, 1000);
    claim_unknown(net, 1);              /* before n0 is there: its claim is the first that is looked at */
    line(net, 0, 1, true);
    for (unsigned s = 0; s < 60; s++) {
        net_run(net, 1000);
        claim_unknown(net, 1);
    }
    assert_int_equal(show_number(net, 1, "count"), 5);
    net_free(net);
}

/* --- who always has something to be verified ------------------------------------------------------------------------------------------------ */

static bool is_lost;                    /* what n0 pushes */

static bool loses_pushes(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    return !net->cut[from][to] && !(is_lost && from == 0 && to == 1 && gx_frame_decode(&f, bytes) == GX_OK && f.kind == GX_FRAME_CHUNKS &&
                                    (f.flags & GX_CHUNKS_PUSH));
}

/* Carry all there is; of what n1's verifiers have done the last is kept back, so that it always waits for something. */
static void settle_but_one(struct net *net)
{
    static struct gx_input done[64];
    static size_t n_done;

    while (net->head != net->tail) {
        struct net_item item = net->queue[net->head++ % NET_QUEUE];

        if (item.node == 1 && item.in.kind == GX_IN_VERIFIED) {
            assert_true(n_done < GX_ARRAY_LEN(done));
            done[n_done++] = item.in;
        } else if (net->node[item.node].up) {
            net_step(net, item.node, item.in);
        }
        free(item.bytes);
        while (net->head == net->tail && n_done > 1) {
            net_step(net, 1, done[0]);
            memmove(done, done + 1, --n_done * sizeof done[0]);
        }
    }
}

/* While something is under verification it is not asked for control events, for they may be among it: but not for ever. */
static void test_who_keeps_a_node_verifying_does_not_keep_it_from_asking(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    uint64_t tick = 0;
    struct gx_event_id dep, prev = {{0}};
    struct gx_log_id log = tea(net, LIAR)->logs[tea(net, LIAR)->own_messages].row.id;

    (void)state;
    net_run(net, 20000);
    dep = newest_op(net, LIAR, &tick);
    for (uint32_t seq = 1; seq <= 4000; seq++) {
        hand_text(net, LIAR, h, "x", &log, seq, &prev, &dep, seq == 1, tick + seq);
        prev = h->ev.id;
        tell(net, LIAR, 1, h);
        settle_but_one(net);
        if (seq == 10) {
            net->pass = loses_pushes;
            is_lost = true;
            assert_true(name_self(net, 0, "heard of"));
            net_send(net, 0, "tea", "and behind it");
            is_lost = false;
        }
        net->now.mono_ms += 2;
        net->now.wall_ms += 2;
        for (int i = 0; i < 3; i++)
            if (net->node[i].wake != 0 && net->node[i].wake <= net->now.mono_ms)
                net_step(net, i, (struct gx_input){.kind = GX_IN_TIMER});
        settle_but_one(net);
    }

    uint32_t of_n0 = gx_group_log(tea(net, 1), &tea(net, 0)->logs[tea(net, 0)->own_messages].row.id);

    assert_int_equal(tea(net, 1)->logs[of_n0].row.head_seq, 1);
    free(h);
    net_free(net);
}

/* --- who gives little at a time --------------------------------------------------------------------------------------------------------- */

/* WIRE §6.1: "Of one log one peer is asked".  Issue and WIRE alike: the slowest does not set the pace. */

#define MUCH 1500

static struct {
    bool is_open, goes_on;              /* n1 asked the liar for messages; and it says where its answer goes on */
    uint32_t from;
} crawl;

/* The liar's own answers are lost: it answers by hand. */
static bool crawls(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (net->cut[from][to])
        return false;
    if (from == 1 && to == LIAR && gx_frame_decode(&f, bytes) == GX_OK && f.kind == GX_FRAME_WANT && f.flags == GX_WANT_MESSAGES) {
        for (size_t i = 0; i < f.n; i++) {
            struct gx_want_entry want = gx_frame_want_at(&f, i);

            if (gx_group_log_by_tag(tea(net, 0), &want.tag) == tea(net, 0)->own_messages) {
                crawl.is_open = true;
                crawl.from = want.from_seq;
            }
        }
    }
    return from != LIAR || to != 1 || bytes.n == 0 || bytes.p[0] != GX_FRAME_CHUNKS;
}

static void say_chunks(struct net *net, struct gx_span bytes)
{
    inject(net, LIAR, 1, bytes);
    net_settle(net);
}

/* The answer that goes on ends, with nothing more: the next question stays open. */
static void end_answer(struct net *net)
{
    static uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_number(net, LIAR, 1), GX_CHUNKS_LAST);

    gx_frame_end(&w, &list);
    say_chunks(net, gx_wr_span(&w));
}

/* One event; and either that was all, or more is to come. */
static void answer_little(struct net *net)
{
    static uint8_t chunk[GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX], bytes[GX_FRAME_BYTES_MAX];
    struct gx_group *g = tea(net, LIAR);
    uint32_t log = gx_group_log(g, &tea(net, 0)->logs[tea(net, 0)->own_messages].row.id), next = 0;
    struct gx_wr c = gx_wr(chunk, sizeof chunk), w = gx_wr(bytes + GX_CHUNKS_ON_BYTES, sizeof bytes - GX_CHUNKS_ON_BYTES);
    struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_number(net, LIAR, 1), crawl.goes_on ? 0 : GX_CHUNKS_LAST);
    struct gx_want_entry on = {.from_seq = crawl.from + 1};
    struct gx_txn *txn = NULL;
    struct gx_event ev;

    assert_int_equal(gx_txn_begin(&txn, net->node[LIAR].store, false), GX_OK);
    assert_int_equal(gx_events_read_chunk(txn, &c, &next, &g->logs[log].row, &g->row.id, crawl.from, 1, GX_CHUNK_BYTES_MAX), GX_OK);
    assert_int_equal(gx_events_get(txn, &ev, &g->logs[log].row, &g->row.id, crawl.from), GX_OK);
    memcpy(on.check, ev.id.b, sizeof on.check);
    gx_txn_abort(&txn);
    memcpy(on.tag.b, g->logs[log].row.id.b, sizeof on.tag.b);
    gx_frame_put_chunk(&w, &list, gx_wr_span(&c));
    gx_frame_end(&w, &list);
    crawl.is_open = false;
    if (crawl.goes_on)
        gx_frame_chunks_on(bytes, &on);
    say_chunks(net, crawl.goes_on ? gx_span(bytes, w.n + GX_CHUNKS_ON_BYTES) : gx_wr_span(&w));
    if (crawl.goes_on && crawl.is_open)
        end_answer(net);
}

static void catch_up_beside_who_crawls(bool goes_on)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    unsigned ms = 0;

    net_stop(net, 1);
    for (int i = 0; i < MUCH; i++)
        net_send(net, 0, "tea", "while n1 was away");
    net_run(net, 20000);
    net->pass = crawls;
    memset(&crawl, 0, sizeof crawl);
    crawl.goes_on = goes_on;
    crawl.goes_on = goes_on;
    line(net, 0, 1, false);
    net_start(net, 1);
    for (; ms < 60000 && show_number(net, 1, "count") < MUCH; ms += 500) {
        if (ms == 2000)
            line(net, 0, 1, true);
        net_run(net, 500);          /* before a second is over, in which nothing came */
        if (crawl.is_open && channel_with(net, LIAR, 1) != NULL)
            answer_little(net);
    }
    assert_true(ms < 20000);
    net_free(net);
}

static void test_who_gives_one_message_an_answer_does_not_set_the_pace(void **state)
{
    (void)state;
    catch_up_beside_who_crawls(false);
}

static void test_who_says_that_it_goes_on_and_gives_one_message_does_not_set_the_pace(void **state)
{
    (void)state;
    catch_up_beside_who_crawls(true);
}

/* --- who was away misses a newcomers messages ------------------------------------------------------------------------------------------- */

/* node/README §1: "When any two nodes that share the group meet, they exchange frontiers, and whoever lacks something asks for it".  Nobody lies here. */

/* While n2 is away n3 joins by n1, writes and goes, as does the owner.  n2 comes back and meets n1, who has it all and has nothing new to say. */
static void test_who_was_away_gets_what_somebody_new_wrote_meanwhile(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    unsigned minutes = 0;

    (void)state;
    net_stop(net, 2);
    assert_true(net_join(net, 3, token, NULL));
    net_run(net, 20000);
    net_send(net, 3, "tea", "hello from somebody new");
    net_run(net, 200000);
    net_stop(net, 3);
    net_stop(net, 0);
    net_run(net, 200000);
    assert_int_equal(show_number(net, 1, "count"), 1);
    net_start(net, 2);
    for (; minutes < 24 * 60 && show_number(net, 2, "count") == 0; minutes++)
        net_run(net, 60000);
    assert_true(minutes < 5);
    net_free(net);
}

/* --- covered messages break the session of who passes them on --------------------------------------------------------------------------- */

/* WIRE §5.1: one signature covers a prefix, and every event's own travels with it.  SCHEMA §3.5:
 * "whoever got a part that ends among them would have no proof."  An honest node that passes on what it was given is not struck for it. */

#define LOGS 6
#define MESSAGES 150

/* A chunk of messages of which only the last is signed. */
static void tell_covered(struct net *net, const struct gx_incarnation *inc, const struct gx_event_id *head, uint64_t tick)
{
    struct gx_group *g = tea(net, 2);
    struct hand *h = hand_new();
    static uint8_t chunk[GX_CHUNK_BYTES_MAX], bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr c = gx_wr(chunk, sizeof chunk), w = gx_wr(bytes, sizeof bytes);
    struct gx_event_id prev = {{0}};
    struct gx_log_id log;
    char text[101];

    memset(text, 'x', 100);
    text[100] = 0;
    gx_log_id_make(&log, &g->row.intro.member, &g->row.intro.device, inc, GX_LOG_MESSAGES);
    gx_chunk_write_header(&c, &log, 1, &prev, MESSAGES);
    for (unsigned i = 1; i <= MESSAGES; i++) {
        hand_text(net, 2, h, text, &log, i, &prev, head, i == 1, tick + i);
        if (i < MESSAGES)
            memset(h->ev.sig.b, 0x11, sizeof h->ev.sig.b);
        gx_record_encode(&c, &h->ev);
        prev = h->ev.id;
    }
    assert_false(c.failed);

    struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_number(net, 2, 0), GX_CHUNKS_PUSH);

    gx_frame_put_chunk(&w, &list, gx_wr_span(&c));
    gx_frame_end(&w, &list);
    inject(net, 2, 0, gx_wr_span(&w));
    net_settle(net);
    free(h);
}

static void test_who_passes_on_what_it_was_given_is_not_struck(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    uint64_t tick = 0, t = 0;

    (void)state;
    net_stop(net, 1);
    for (uint32_t i = 0; i < LOGS; i++) {
        struct gx_event_id head = newest_op(net, 0, &tick);
        struct gx_body body;

        hand_incarnation(net, 2, h, i, &head, 1, tick + 1);
        assert_int_equal(gx_body_decode(&body, &h->ev), GX_OK);
        tell(net, 2, 0, h);
        net_settle(net);
        tell_covered(net, &body.u.incarnation.incarnation, &h->ev.id, tick + 1);
    }
    assert_int_equal(show_number(net, 0, "count"), LOGS * MESSAGES);
    net_stop(net, 2);
    net_start(net, 1);
    net_run(net, 30000);
    net_send(net, 0, "tea", "so that n0 tells again what it has");       /* who_was_away_misses_a_newcomers_messages */
    while (t < 1800 && show_number(net, 1, "count") < LOGS * MESSAGES + 1) {
        net_run(net, 1000);
        t++;
    }
    assert_int_equal(gx_engine_dropped(net->node[1].engine, "signature"), 0);
    free(h);
    net_free(net);
}

/* --- one frontier reads a message thousands of times ------------------------------------------------------------------------------------ */

/* engine.h, 6: "Every table has a bound".  limits.h: a step's arena is 64 MiB.  A frame of 72 KiB must not cost hundreds of megabytes. */

static struct net *tea_with_long_messages(struct gx_log_id *log)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    char *text = calloc(1, GX_TEXT_BYTES_MAX + 1);

    memset(text, 'x', GX_TEXT_BYTES_MAX);
    for (int i = 0; i < 2; i++)
        net_send(net, 2, "tea", text);
    net_run(net, 5000);
    assert_int_equal(show_number(net, 1, "count"), 2);
    *log = tea(net, 2)->logs[tea(net, 2)->own_messages].row.id;
    free(text);
    return net;
}

static void measure(struct net *net, const struct gx_wr *w)
{
    struct gx_engine *e = net->node[1].engine;

    net_step(net, 1, (struct gx_input){.kind = GX_IN_FRAME, .session = session_with(net, 2, 1), .bytes = gx_wr_span(w)});
    assert_true(e->arena.bytes < GX_EFFECTS_BYTES_MAX);
}

static void test_a_frontier_that_names_one_message_often_costs_no_memory(void **state)
{
    struct gx_log_id log;
    struct net *net = tea_with_long_messages(&log);
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_frontier(&w, channel_number(net, 2, 1), 0, NULL, NULL);
    struct gx_frontier_entry entry = {.seq = 1, .check = {1, 2, 3, 4}};

    (void)state;
    memcpy(entry.tag.b, log.b, sizeof entry.tag.b);
    for (unsigned i = 0; i < GX_FRONTIER_ENTRIES_MAX; i++)
        gx_frame_put_frontier(&w, &list, &entry);
    gx_frame_end(&w, &list);
    measure(net, &w);
    net_free(net);
}

static void test_a_want_that_names_one_message_often_costs_no_memory(void **state)
{
    struct gx_log_id log;
    struct net *net = tea_with_long_messages(&log);
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_want(&w, channel_number(net, 2, 1), GX_WANT_MESSAGES, 1);
    struct gx_want_entry entry = {.from_seq = 2, .check = {1, 2, 3, 4}};

    (void)state;
    memcpy(entry.tag.b, log.b, sizeof entry.tag.b);
    for (unsigned i = 0; i < GX_FRONTIER_ENTRIES_MAX; i++)
        gx_frame_put_want(&w, &list, &entry);
    gx_frame_end(&w, &list);
    measure(net, &w);
    net_free(net);
}

/* --- many heads disarm an admin --------------------------------------------------------------------------------------------------------- */

/* LAW §1, T8: "an operation that is valid in its author's view is effective when nothing is concurrent with it": and an admin who sees everything, and
 * is told by its own node that it may, removes a member.  The node names 255 of the heads it saw, "of more than 255 the lowest ids" (WIRE §3.4); what
 * gave the admin its rank, or the TOKEN that a guest came by, need not be behind these. */

/* n2 opens n incarnations that know nothing but how n1 came in (which n1 sees to, author.c: put_deps), and tells only of those with low ids. */
static void flood(struct net *net, int to, unsigned n)
{
    struct hand *h = hand_new();
    struct gx_group *g = tea(net, 1);
    uint32_t seat = gx_law_seat(&g->law, g->me);

    for (uint32_t i = 0; n > 0; i++) {
        hand_incarnation(net, 2, h, i, &g->law.nodes[seat].op.id, 1, g->ops[seat].tick + 1);
        if (h->ev.id.b[0] >= 0x10)
            continue;
        tell(net, 2, to, h);
        net_settle(net);
        n--;
    }
    free(h);
}

static void test_an_admin_removes_whoever_floods_the_group(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    assert_true(act(net, 0, GX_CMD_GROUP_PROMOTE, "@n1"));
    net_run(net, 20000);
    net_stop(net, 0);
    flood(net, 1, 300);
    assert_true(act(net, 1, GX_CMD_GROUP_REMOVE, "@n2"));
    assert_int_equal(show_number(net, 1, "members"), 2);
    net_free(net);
}

/* n1's door, by n0's code. */
static void test_a_guest_comes_in_by_any_door_however_many_heads_there_are(void **state)
{
    char token[600], at[32] = "";
    struct net *net = tea_of(4, 3, token);

    (void)state;
    net_invite(net, 0, "tea", token, 0);        /* a code from after n1 came */
    net_run(net, 5000);
    snprintf(at, sizeof at, "%s", net_guest_door(net, 1));
    net_stop(net, 0);
    flood(net, 1, 300);
    bool in = net_join(net, 3, token, at);

    assert_true(in);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_that_claims_control_and_stays_silent_delays_nobody_for_ever),
        cmocka_unit_test(test_a_member_that_claims_messages_and_stays_silent_delays_nobody_for_ever),
        cmocka_unit_test(test_a_member_that_claims_control_again_and_again_keeps_nobody_from_messages),
        cmocka_unit_test(test_who_keeps_a_node_verifying_does_not_keep_it_from_asking),
        cmocka_unit_test(test_who_gives_one_message_an_answer_does_not_set_the_pace),
        cmocka_unit_test(test_who_says_that_it_goes_on_and_gives_one_message_does_not_set_the_pace),
        cmocka_unit_test(test_who_was_away_gets_what_somebody_new_wrote_meanwhile),
        cmocka_unit_test(test_who_passes_on_what_it_was_given_is_not_struck),
        cmocka_unit_test(test_a_frontier_that_names_one_message_often_costs_no_memory),
        cmocka_unit_test(test_a_want_that_names_one_message_often_costs_no_memory),
        cmocka_unit_test(test_an_admin_removes_whoever_floods_the_group),
        cmocka_unit_test(test_a_guest_comes_in_by_any_door_however_many_heads_there_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
