/* Forked and refused logs as weapons: every node keeps the same branches, shows the same, and nobody honest is struck.  WIRE §3.4, LAW §12. */
#include "crypto/hash.h"
#include "tests/unit/engine/attack.h"

/* --- a fork without a proof ------------------------------------------------------------------------------------------------------------- */

/* LAW §12: "The two signed headers prove the fork to anybody".  WIRE §5.1: of a chunk of messages the last event's
 * signature covers those before it, whose own nobody verified. */

/* Two messages in one chunk: the first with a signature of nothing. */
static void tell_two(struct net *net, const struct gx_log_id *log, const char *text, const struct gx_event_id *head, uint64_t tick)
{
    struct hand *a = hand_new(), *b = hand_new();
    static uint8_t chunk[4096], bytes[8192];
    struct gx_wr c = gx_wr(chunk, sizeof chunk), w = gx_wr(bytes, sizeof bytes);

    hand_text(net, 2, a, text, log, 1, NULL, head, 1, tick + 1);
    memset(a->ev.sig.b, 0x11, sizeof a->ev.sig.b);
    hand_text(net, 2, b, text, log, 2, &a->ev.id, NULL, 0, tick + 2);
    gx_chunk_write_header(&c, log, 1, &a->ev.prev, 2);
    gx_record_encode(&c, &a->ev);
    gx_record_encode(&c, &b->ev);

    struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_number(net, 2, 1), GX_CHUNKS_PUSH);

    gx_frame_put_chunk(&w, &list, gx_wr_span(&c));
    gx_frame_end(&w, &list);
    inject(net, 2, 1, gx_wr_span(&w));
    net_settle(net);
    free(a);
    free(b);
}

static void test_the_headers_that_status_shows_lead_to_signed_ones(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_log_id log = g->logs[g->own_messages].row.id;
    struct gx_sign_pk device = g->row.intro.device;
    struct gx_command cmd = {.method = GX_CMD_STATUS};
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick);
    struct gx_event_id named = {{0}};
    unsigned n_signed = 0;

    (void)state;
    tell_two(net, &log, "left", &head, tick);
    tell_two(net, &log, "right", &head, tick);
    assert_true(net_ask(net, 1, cmd, "forks", 0));
    assert_int_equal(net->node[1].number, 1);

    const char *at = strstr(net->node[1].all, "proof=");

    assert_non_null(at);
    for (int i = 0; i < 4; i++) {
        uint8_t bytes[600];
        struct gx_sig sig;

        at = strchr(at, '\n') + 2;

        size_t n = strcspn(at, "\n") / 2;
        char *digits = strndup(at, 2 * n);

        assert_true(n > 64 && n < sizeof bytes && gx_unhex(bytes, n, digits));
        free(digits);
        memcpy(sig.b, bytes + n - 64, 64);

        bool is_signed = gx_verify(&device, GX_DOMAIN_EVENT, gx_span(bytes, n - 64), &sig);

        assert_int_equal(is_signed, i % 2);         /* the one that nobody signed, and the one that names it */
        if (is_signed)
            assert_non_null(memmem(bytes, n - 64, named.b, sizeof named.b));
        gx_hash(named.b, "gx-event-id", gx_span(bytes, n - 64));
        n_signed += is_signed;
    }
    assert_int_equal(n_signed, 2);
    net_free(net);
}

/* An ADMIT that is refused, beside an event of its log. */
static void test_what_was_refused_is_no_fork(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_event_id create = g->law.nodes[0].op.id;
    struct gx_log_id log = g->logs[g->own_control].row.id;
    struct gx_command cmd = {.method = GX_CMD_STATUS};
    uint32_t seat = 0, logs = tea(net, 1)->n_logs;
    struct gx_event ev;
    struct gx_body body;
    struct hand *h = hand_new();

    (void)state;
    while (g->ops[seat].type != GX_EV_ADMIT)
        seat++;
    assert_true(gx_group_read(net->node[2].engine, g, &g->logs[g->ops[seat].log], g->ops[seat].seq, &ev, &body));
    hand_make(net, 2, h, &body, &log, 1, NULL, &create, 1, 2);
    gx_txn_abort(&net->node[2].engine->txn);
    tell(net, 2, 1, h);
    net_run(net, 1000);
    assert_int_equal(gx_engine_dropped(net->node[1].engine, "malformed"), 1);
    assert_int_equal(tea(net, 1)->n_logs, logs);
    assert_true(net_ask(net, 1, cmd, "forks", 0));
    assert_int_equal(net->node[1].number, 0);
    free(h);
    net_free(net);
}

/* --- a forked log is lost on who was away ----------------------------------------------------------------------------------------------- */

/* WIRE §3.4: "Both branches are kept and reach everybody, each from the event that both have on". */

/* n1 was away while n2 wrote three messages and then forked its log; n0 has all of it. */
static void test_who_was_away_gets_both_branches_and_what_lies_before(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_log_id log = g->logs[g->own_messages].row.id;
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick), prev = {{0}};
    struct hand *h = hand_new();

    (void)state;
    net_stop(net, 1);
    for (unsigned i = 1; i <= 3; i++) {
        hand_text(net, 2, h, "common", &log, i, &prev, &head, i == 1, tick + i);
        tell(net, 2, 0, h);
        net_settle(net);
        prev = h->ev.id;
    }
    for (unsigned i = 0; i < 2; i++) {
        hand_text(net, 2, h, i ? "left" : "right", &log, 4, &prev, NULL, 0, tick + 4);
        tell(net, 2, 0, h);
        net_settle(net);
    }
    assert_int_equal(show_number(net, 0, "count"), 5);
    net_stop(net, 2);
    net_start(net, 1);
    net_run(net, 3600000);
    assert_int_equal(show_number(net, 1, "count"), 5);
    free(h);
    net_free(net);
}

/* --- a branch from before a newcomers time ---------------------------------------------------------------------------------------------- */

static unsigned asked, given;

static bool counts(struct net *net, int from, int to, struct gx_span bytes)
{
    asked += from == 3 && bytes.n > 0 && bytes.p[0] == GX_FRAME_WANT;
    given += to == 3 && bytes.n > 0 && bytes.p[0] == GX_FRAME_CHUNKS;
    return !net->cut[from][to];
}

/* LAW §12, what cannot be: a newcomer begins each log at one event, and the branch that does not go through it never joins on.  The log was forked before
 * n3 came; both branches go on afterwards. */
static void test_of_two_branches_from_before_a_join_the_newcomer_follows_one_and_counts_the_other(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_log_id log = g->logs[g->own_messages].row.id;
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick);
    struct hand *h[5];

    (void)state;
    for (int i = 0; i < 5; i++)
        h[i] = hand_new();
    hand_text(net, 2, h[0], "common", &log, 1, NULL, &head, 1, tick + 1);
    hand_text(net, 2, h[1], "left", &log, 2, &h[0]->ev.id, NULL, 0, tick + 2);
    hand_text(net, 2, h[2], "right", &log, 2, &h[0]->ev.id, NULL, 0, tick + 2);
    for (int i = 0; i < 3; i++) {
        tell(net, 2, 0, h[i]);
        net_settle(net);
    }
    net_run(net, 20000);
    assert_true(net_join(net, 3, token, NULL));
    net_run(net, 20000);
    assert_int_equal(show_number(net, 0, "count"), 3);
    assert_int_equal(show_number(net, 3, "count"), 0);
    hand_text(net, 2, h[3], "left goes on", &log, 3, &h[1]->ev.id, NULL, 0, tick + 3);
    hand_text(net, 2, h[4], "right goes on", &log, 3, &h[2]->ev.id, NULL, 0, tick + 3);
    for (int i = 3; i < 5; i++) {
        tell(net, 2, 0, h[i]);
        net_settle(net);
    }
    net_run(net, 600000);
    assert_int_equal(show_number(net, 0, "count"), 5);
    assert_int_equal(show_number(net, 3, "count"), 1);
    assert_true(gx_engine_dropped(net->node[3].engine, "fork_unjoined") > 0);

    /* Whose branch it is announces it for ever, and it is asked for in vain less and less. */
    net->pass = counts;
    net_run(net, 6 * 3600000);
    print_message("in six hours asked %u times, given %u frames\n", asked, given);
    assert_true(asked < 60);
    for (int i = 0; i < 5; i++)
        free(h[i]);
    net_free(net);
}

/* What is asked for of messages. */
static struct {
    unsigned n_wants, n_empty;
} heard;

static bool counts_wants(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (net->cut[from][to])
        return false;
    if (gx_frame_decode(&f, bytes) == GX_OK) {
        heard.n_wants += f.kind == GX_FRAME_WANT;
        heard.n_empty += f.kind == GX_FRAME_CHUNKS && f.n == 0;
    }
    return true;
}

/* Everybody has what can be had, and knows it: while nobody writes nothing is asked for, and `guanxi wait --idle` ends. */
static void assert_rest(struct net *net, int n)
{
    net_run(net, 600000);
    heard.n_wants = heard.n_empty = 0;
    net->pass = counts_wants;
    net_run(net, 1200000);
    net->pass = NULL;
    assert_int_equal(heard.n_wants, 0);
    assert_int_equal(heard.n_empty, 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(gx_repair_left(net->node[i].engine, tea(net, i)), 0);
        assert_null(gx_repair_busy(net->node[i].engine));
    }
}

/* n2, whose own log it is, has both branches too, and what the newcomer cannot take it does not offer it for ever. */
static void test_the_other_branch_from_before_a_join_is_not_offered_for_ever(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_log_id log = g->logs[g->own_messages].row.id;
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick), prev[2] = {{{0}}, {{0}}};
    struct hand *h = hand_new();

    (void)state;
    for (unsigned seq = 1; seq <= 3; seq++)
        for (unsigned b = 0; b < 2; b++) {
            if (seq == 3 && b == 0) {               /* both began before n3 came, and one is longer then */
                net_run(net, 20000);
                assert_true(net_join(net, 3, token, NULL));
                net_run(net, 20000);
            }
            hand_text(net, 2, h, b == 0 ? "left" : "right", &log, seq, seq == 1 ? NULL : &prev[b], &head, seq == 1, tick + seq);
            prev[b] = h->ev.id;
            tell(net, 2, 0, h);
            net_settle(net);
        }
    net_run(net, 20000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(show_number(net, i, "count"), 6);
    assert_int_equal(show_number(net, 3, "count"), 1);
    assert_rest(net, 4);
    free(h);
    net_free(net);
}

/* A log of three branches, of which the third leaves the second; it comes in one piece from the beginning to who has the other two. */
static void test_a_branch_of_a_branch_is_kept_whole(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_log_id log = g->logs[g->own_messages].row.id;
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick);
    struct hand *h[5] = {hand_new(), hand_new(), hand_new(), hand_new(), hand_new()};
    static uint8_t chunk[8192], bytes[8192];
    struct gx_wr c = gx_wr(chunk, sizeof chunk), w = gx_wr(bytes, sizeof bytes);

    (void)state;
    hand_text(net, 2, h[0], "common", &log, 1, NULL, &head, 1, tick + 1);
    hand_text(net, 2, h[1], "left", &log, 2, &h[0]->ev.id, NULL, 0, tick + 2);
    hand_text(net, 2, h[2], "right", &log, 2, &h[0]->ev.id, NULL, 0, tick + 2);
    hand_text(net, 2, h[3], "right goes on", &log, 3, &h[2]->ev.id, NULL, 0, tick + 3);
    hand_text(net, 2, h[4], "right goes on otherwise", &log, 3, &h[2]->ev.id, NULL, 0, tick + 3);
    for (int i = 0; i < 4; i++) {
        tell(net, 2, 1, h[i]);
        net_settle(net);
    }
    gx_chunk_write_header(&c, &log, 1, &h[0]->ev.prev, 3);
    gx_record_encode(&c, &h[0]->ev);
    gx_record_encode(&c, &h[2]->ev);
    gx_record_encode(&c, &h[4]->ev);

    struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_number(net, 2, 1), GX_CHUNKS_PUSH);

    gx_frame_put_chunk(&w, &list, gx_wr_span(&c));
    gx_frame_end(&w, &list);
    inject(net, 2, 1, gx_wr_span(&w));
    net_settle(net);
    assert_int_equal(show_number(net, 1, "count"), 5);
    assert_rest(net, 3);
    assert_same(net, 0, 1);
    for (int i = 0; i < 5; i++)
        free(h[i]);
    net_free(net);
}

/* What an honest member wrote before n3 came is brought to n3 by somebody who has it: n3 has nothing to compare it with. */
static void test_what_was_written_before_a_join_is_no_fork(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    struct gx_group *g = tea(net, 1);
    struct gx_command cmd = {.method = GX_CMD_STATUS};
    struct gx_log *log = NULL;
    struct gx_txn *txn = NULL;
    static uint8_t chunk[8192], bytes[8192];

    (void)state;
    for (int i = 0; i < 3; i++)
        net_send(net, 1, "tea", "before n3 came");
    net_run(net, 20000);
    assert_true(net_join(net, 3, token, NULL));
    net_run(net, 20000);
    net_send(net, 1, "tea", "since n3 came");
    net_run(net, 20000);
    log = &g->logs[g->own_messages];
    for (uint32_t n = 1; n <= 4; n++) {         /* one alone; up to where n3 began; and further */
        struct gx_wr c = gx_wr(chunk, sizeof chunk), w = gx_wr(bytes, sizeof bytes);
        uint32_t next = 0;

        assert_int_equal(gx_txn_begin(&txn, net->node[1].store, false), GX_OK);
        assert_int_equal(gx_events_read_chunk(txn, &c, &next, &log->row, &g->row.id, 1, n, sizeof chunk), GX_OK);
        gx_txn_abort(&txn);
        assert_int_equal(next, n + 1);

        struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_number(net, 2, 3), GX_CHUNKS_PUSH);

        gx_frame_put_chunk(&w, &list, gx_wr_span(&c));
        gx_frame_end(&w, &list);
        inject(net, 2, 3, gx_wr_span(&w));
        net_run(net, 20000);
    }
    assert_true(net_ask(net, 3, cmd, "forks", 0));
    assert_int_equal(net->node[3].number, 0);
    assert_int_equal(show_number(net, 3, "count"), 1);
    assert_rest(net, 4);
    net_free(net);
}

/* --- a refused incarnation splits the group --------------------------------------------------------------------------------------------- */

/* LAW §1: the same operations give the same members, whatever the order they came in and whoever lied.  WIRE §3.4: neither who sent an event
 * nor the order of arrival plays a part. */

/* n2 lies to n1 alone. */
static void test_an_incarnation_that_is_refused_opens_no_log(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *inc = hand_new(), *alias = hand_new();
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick), nowhere;
    uint32_t logs = tea(net, 1)->n_logs;

    (void)state;
    memset(nowhere.b, 0x77, sizeof nowhere.b);
    hand_incarnation(net, 2, inc, 1, &nowhere, 1, tick + 1);       /* its dep does not exist: missing, now and for ever */
    tell(net, 2, 1, inc);
    net_run(net, 1000);
    assert_int_equal(tea(net, 1)->n_logs, logs);
    hand_alias(net, 2, alias, "nobody", &inc->ev.log, 1, NULL, &head, 1, tick + 1);
    tell(net, 2, 1, alias);
    net_run(net, 120000);
    net_send(net, 1, "tea", "does anybody hear me?");
    assert_true(name_self(net, 1, "still n1"));
    net_run(net, 400000);
    assert_same(net, 0, 1);
    free(inc);
    free(alias);
    net_free(net);
}

static void test_refused_incarnations_cost_no_memory(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *inc = hand_new();
    uint64_t tick = 0;
    struct gx_event_id nowhere;
    uint32_t logs = tea(net, 1)->n_logs, ops = tea(net, 1)->law.n_ops;

    (void)state;
    newest_op(net, 2, &tick);
    memset(nowhere.b, 0x77, sizeof nowhere.b);
    for (uint32_t i = 0; i < 1000; i++) {
        hand_incarnation(net, 2, inc, i, &nowhere, 1, tick + 1);
        tell(net, 2, 1, inc);
        net_settle(net);
    }
    assert_int_equal(tea(net, 1)->n_logs, logs);
    assert_int_equal(tea(net, 1)->law.n_ops, ops);
    free(inc);
    net_free(net);
}

/* --- an honest restored node is struck -------------------------------------------------------------------------------------------------- */

/* WIRE §6.1: "The third malformed or wrongly signed thing closes" a session.  A home that was restored says nothing malformed. */

static void test_the_first_messages_of_a_new_incarnation_are_not_malformed(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint64_t before = 0;

    (void)state;
    net_stop(net, 1);
    gx_rng_fill(&net->node[1].rng.rng, net->node[1].config.incarnation.b, 32);      /* what a restored home draws */
    net_start(net, 1);
    net_run(net, 20000);
    before = gx_engine_dropped(net->node[0].engine, "malformed");
    for (int i = 0; i < 3; i++) {       /* three quick messages: no answer comes between */
        struct gx_command send = {.method = GX_CMD_SEND, .group = "tea", .text = "back again", .given = NET_TEXT_GIVEN, .request = 1};

        net_step(net, 1, (struct gx_input){.kind = GX_IN_COMMAND, .client = (uint64_t)(900 + i), .command = &send});
    }
    net_settle(net);
    assert_int_equal(gx_engine_dropped(net->node[0].engine, "malformed"), before);
    assert_non_null(link_between(net, 1, 0, &(int){0}));
    net_free(net);
}

/* --- branches show what the log hides --------------------------------------------------------------------------------------------------- */

/* LAW §11: a message is shown when an effective ADMIT of its author is in its past: on every node alike. */

/* n1 writes messages that do not know its own admission, and forks them; n2 hears one branch first, n3 the other. */
static void test_both_orders_of_a_fork_show_the_same(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    struct gx_group *g = tea(net, 1);
    struct gx_log_id log = g->logs[g->own_messages].row.id;
    struct gx_event_id create = g->law.nodes[0].op.id;
    struct hand *h[3] = {hand_new(), hand_new(), hand_new()};

    (void)state;
    hand_text(net, 1, h[0], "common", &log, 1, NULL, &create, 1, 100);
    hand_text(net, 1, h[1], "left", &log, 2, &h[0]->ev.id, NULL, 0, 101);
    hand_text(net, 1, h[2], "right", &log, 2, &h[0]->ev.id, NULL, 0, 101);
    tell(net, 1, 2, h[0]);
    tell(net, 1, 2, h[1]);
    tell(net, 1, 3, h[0]);
    tell(net, 1, 3, h[2]);
    net_run(net, 400000);
    assert_same(net, 2, 3);
    for (int i = 0; i < 3; i++)
        free(h[i]);
    net_free(net);
}

/* --- one frame makes more branches than are kept ---------------------------------------------------------------------------------------- */

/* WIRE §3.4: "Of a message log at most 8 branches are kept." */

static void test_a_frame_of_many_forks_leaves_eight_branches(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_log_id log = g->logs[g->own_messages].row.id;
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick);
    struct hand *h = hand_new();
    static uint8_t bytes[GX_FRAME_BYTES_MAX];

    (void)state;
    hand_text(net, 2, h, "the log that is forked", &log, 1, NULL, &head, 1, tick + 1);
    tell(net, 2, 1, h);
    net_settle(net);
    for (int frame = 0; frame < 8; frame++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_number(net, 2, 1), GX_CHUNKS_PUSH);

        for (int i = 0; i < 150; i++) {
            char text[32];

            snprintf(text, sizeof text, "fork %d %d", frame, i);
            hand_text(net, 2, h, text, &log, 1, NULL, &head, 1, tick + 1);
            gx_frame_put_chunk(&w, &list, gx_span(h->bytes, h->n));
        }
        gx_frame_end(&w, &list);
        inject(net, 2, 1, gx_wr_span(&w));
    }
    net_run(net, 1000);

    uint32_t branches = 0;

    for (uint32_t i = gx_group_next_branch(tea(net, 1), &log, 0); i != GX_NONE; i = gx_group_next_branch(tea(net, 1), &log, i + 1))
        branches++;
    assert_true(branches > 1 && branches <= GX_LOG_BRANCHES_MAX);
    free(h);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_headers_that_status_shows_lead_to_signed_ones),
        cmocka_unit_test(test_what_was_refused_is_no_fork),
        cmocka_unit_test(test_who_was_away_gets_both_branches_and_what_lies_before),
        cmocka_unit_test(test_of_two_branches_from_before_a_join_the_newcomer_follows_one_and_counts_the_other),
        cmocka_unit_test(test_the_other_branch_from_before_a_join_is_not_offered_for_ever),
        cmocka_unit_test(test_a_branch_of_a_branch_is_kept_whole),
        cmocka_unit_test(test_what_was_written_before_a_join_is_no_fork),
        cmocka_unit_test(test_an_incarnation_that_is_refused_opens_no_log),
        cmocka_unit_test(test_refused_incarnations_cost_no_memory),
        cmocka_unit_test(test_the_first_messages_of_a_new_incarnation_are_not_malformed),
        cmocka_unit_test(test_both_orders_of_a_fork_show_the_same),
        cmocka_unit_test(test_a_frame_of_many_forks_leaves_eight_branches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
