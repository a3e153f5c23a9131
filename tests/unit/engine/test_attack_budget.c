/* Members who cost what they can: each kind of it has an end, is counted, and keeps nobody else from anything.  WIRE §6.1 */
#include "tests/unit/engine/attack.h"

#define LIAR 2

static uint64_t chunk_bytes[NET_NODES];        /* of CHUNKS that came to a node */
static unsigned wants[NET_NODES];

static bool counts(struct net *net, int from, int to, struct gx_span bytes)
{
    chunk_bytes[to] += bytes.n > 0 && bytes.p[0] == GX_FRAME_CHUNKS ? bytes.n : 0;
    wants[to] += bytes.n > 0 && bytes.p[0] == GX_FRAME_WANT;
    return !net->cut[from][to];
}

/* n0 founds tea, n1 and n2 are in; what n0 said takes some 600 KB. */
static struct net *tea_with_much(int n)
{
    char token[600], *text = calloc(1, GX_TEXT_BYTES_MAX + 1);
    struct net *net = tea_of(n, n, token);

    memset(text, 'x', GX_TEXT_BYTES_MAX);
    for (int i = 0; i < 10; i++)
        net_send(net, 0, "tea", text);
    net_run(net, 5000);
    free(text);
    memset(chunk_bytes, 0, sizeof chunk_bytes);
    memset(wants, 0, sizeof wants);
    net->pass = counts;
    return net;
}

static void want_from(struct net *net, int from, int to, uint8_t credit, unsigned entries, uint32_t seq)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_want(&w, channel_number(net, from, to), GX_WANT_MESSAGES, credit);
    struct gx_want_entry entry = {.from_seq = seq, .check = {seq > 1, 2, 3, 4}};

    if (seq == 1)
        memset(entry.check, 0, sizeof entry.check);
    memcpy(entry.tag.b, tea(net, 0)->logs[tea(net, 0)->own_messages].row.id.b, sizeof entry.tag.b);
    for (unsigned i = 0; i < entries; i++)
        gx_frame_put_want(&w, &list, &entry);
    gx_frame_end(&w, &list);
    inject(net, from, to, gx_wr_span(&w));
    net_settle(net);
}

static uint64_t dropped(struct net *net, int i, const char *name)
{
    return gx_engine_dropped(net->node[i].engine, name);
}

static bool are_shared(struct net *net, int a, int b)
{
    struct gx_channel *c = channel_with(net, a, b);

    return c != NULL && gx_channel_shared(c);
}

/* --- who asks for everything again and again ------------------------------------------------------------------------------------------- */

/* "4 MiB of that at once, and 128 KiB a second": and the first time it is free. */
static void test_who_asks_for_all_again_and_again_is_given_it_once_and_then_little(void **state)
{
    struct net *net = tea_with_much(3);
    unsigned asked = 0;

    (void)state;
    for (unsigned ms = 0; ms < 10000; ms += 100)
        for (unsigned i = 0; i < 2 && are_shared(net, LIAR, 0); i++, asked++) {
            want_from(net, LIAR, 0, GX_WANT_CHUNKS_MAX, 1, 1);
            net_run(net, 50);
        }
    assert_true(asked > 150);
    assert_true(chunk_bytes[LIAR] > (4u << 20));
    assert_true(chunk_bytes[LIAR] < (4u << 20) + 10 * (128u << 10) + 2 * (600u << 10));     /* and not 100 MB */
    assert_true(dropped(net, 0, "want_budget") > 100);
    net_free(net);
}

/* To begin anew gains nothing: it is the device that was given so much. */
static void test_another_session_is_no_other_budget(void **state)
{
    struct net *net = tea_with_much(3);

    (void)state;
    for (unsigned turn = 0; turn < 6; turn++) {
        for (unsigned i = 0; i < 30 && are_shared(net, LIAR, 0); i++)
            want_from(net, LIAR, 0, GX_WANT_CHUNKS_MAX, 1, 1);
        line(net, 0, LIAR, false);
        line(net, 0, LIAR, true);
        net_run(net, 2000);
    }
    assert_true(chunk_bytes[LIAR] < (4u << 20) + 20 * (128u << 10) + 2 * (600u << 10));
    net_free(net);
}

/* Who is dropped and does not stop is cut, and not let in again at once. */
static void test_who_goes_on_asking_is_cut_and_backed_off(void **state)
{
    struct net *net = tea_with_much(3);

    (void)state;
    for (unsigned i = 0; i < 2000 && are_shared(net, LIAR, 0); i++)
        want_from(net, LIAR, 0, GX_WANT_CHUNKS_MAX, 1, 1);
    assert_false(are_shared(net, LIAR, 0));
    for (unsigned turn = 0; turn < 3; turn++) {
        net_run(net, 10000);
        for (unsigned i = 0; i < 2000 && are_shared(net, LIAR, 0); i++)
            want_from(net, LIAR, 0, GX_WANT_CHUNKS_MAX, 1, 1);
    }
    assert_true(dropped(net, 0, "backed_off") > 0);
    net_run(net, 600000);
    assert_true(are_shared(net, LIAR, 0));              /* and in again once it is good */
    net_free(net);
}

/* Questions to which there is no answer cost looking for one. */
static void test_questions_without_an_answer_have_an_end_too(void **state)
{
    struct net *net = tea_with_much(3);
    unsigned asked = 0;

    (void)state;
    for (; asked < 200 && are_shared(net, LIAR, 0); asked++)
        want_from(net, LIAR, 0, 1, GX_FRONTIER_ENTRIES_MAX, 5);        /* no event of that log has this check */
    assert_true(dropped(net, 0, "want_budget") >= 100);
    net_free(net);
}

/* As many as one frame may have, each of which names an event of n0's that is none; two logs by turns. */
static void want_what_is_none(struct net *net, unsigned entries)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_want(&w, channel_number(net, LIAR, 0), GX_WANT_MESSAGES, 1);

    for (unsigned i = 0; i < entries; i++) {
        struct gx_want_entry entry = {.from_seq = 5, .check = {1, 2, 3, 4}};

        memcpy(entry.tag.b, tea(net, 0)->logs[i % 2 == 0 ? tea(net, 0)->own_messages : tea(net, 0)->own_control].row.id.b, sizeof entry.tag.b);
        gx_frame_put_want(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    inject(net, LIAR, 0, gx_wr_span(&w));
    net_settle(net);
}

/* Each event that is read in vain costs as much as a question: a core reads some 10,000 a second, and one frame may name 3,600. */
static void test_events_that_are_looked_for_in_vain_are_not_looked_for_without_end(void **state)
{
    struct net *net = tea_with_much(3);
    uint64_t before = 0;

    (void)state;
    for (unsigned asked = 0; asked < 100; asked++)
        want_what_is_none(net, GX_FRONTIER_ENTRIES_MAX);
    before = dropped(net, 0, "want_budget");
    assert_true(before >= 95);
    net_run(net, 100000);
    for (unsigned asked = 0; asked < 100; asked++)
        want_what_is_none(net, 2);
    assert_int_equal(dropped(net, 0, "want_budget"), before);
    net_free(net);
}

static struct gx_event_id id_of(struct net *net, int i, uint32_t log, uint32_t seq)
{
    struct gx_txn *txn = NULL;
    struct gx_event ev;

    assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
    assert_int_equal(gx_events_get(txn, &ev, &tea(net, i)->logs[log].row, &tea(net, i)->row.id, seq), GX_OK);
    gx_txn_abort(&txn);
    return ev.id;
}

/* 20 times event seq of a log of n0's, until nothing more is looked at.  Returns how often. */
static unsigned claim_without_end(struct net *net, uint32_t log, uint32_t seq, bool is_true)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_frontier(&w, channel_number(net, LIAR, 0), 0, NULL, NULL);
    uint64_t before = dropped(net, 0, "frontier_budget");
    unsigned said = 0;

    for (unsigned i = 0; i < 20; i++) {
        struct gx_frontier_entry entry = {.seq = seq, .check = {1, 2, 3, (uint8_t)i}};
        struct gx_event_id id = id_of(net, 0, log, seq);

        memcpy(entry.tag.b, tea(net, 0)->logs[log].row.id.b, sizeof entry.tag.b);
        if (is_true)
            memcpy(entry.check, id.b, sizeof entry.check);
        gx_frame_put_frontier(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    for (; said < 20000 && dropped(net, 0, "frontier_budget") == before; said++) {
        inject(net, LIAR, 0, gx_wr_span(&w));
        net_settle(net);
    }
    return said;
}

/* Nor are those that a frontier names, and that are none, or were named before. */
static void test_events_that_are_claimed_in_vain_are_not_looked_for_without_end(void **state)
{
    struct net *net = tea_with_much(3);
    uint32_t logs[] = {tea(net, 0)->own_messages, tea(net, 0)->own_control};

    (void)state;
    for (size_t k = 0; k < GX_ARRAY_LEN(logs); k++)
        for (unsigned is_true = 0; is_true < 2; is_true++) {
            net_run(net, 200000);
            assert_in_range(claim_without_end(net, logs[k], 3, is_true), 100, 400);
        }
    net_free(net);
}

/* What is acknowledged one after the other is looked for one after the other, and begins anew with each session: but not more than there is, in an hour. */
static void test_what_is_acknowledged_on_one_session_after_the_other_has_an_end_too(void **state)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    static struct gx_event_id ids[1000];
    char token[600];
    struct net *net = tea_of(3, 3, token);
    unsigned sessions = 0;

    (void)state;
    for (unsigned i = 0; i < GX_ARRAY_LEN(ids); i++)
        net_send(net, 0, "tea", "word");
    net_run(net, 5000);
    for (unsigned i = 0; i < GX_ARRAY_LEN(ids); i++)
        ids[i] = id_of(net, 0, tea(net, 0)->own_messages, i + 1);
    for (; sessions < 40 && dropped(net, 0, "frontier_budget") == 0; sessions++) {
        line(net, 0, LIAR, false);
        line(net, 0, LIAR, true);
        net_run(net, 2000);
        channel_with(net, LIAR, 0)->their[tea(net, 0)->own_messages].seq = 0;       /* a liar would not have said at once that it holds all */
        for (unsigned seq = 1; seq + 20 < GX_ARRAY_LEN(ids) && are_shared(net, LIAR, 0); seq += 20) {
            struct gx_wr w = gx_wr(bytes, sizeof bytes);
            struct gx_frame_list list = gx_frame_begin_frontier(&w, channel_number(net, LIAR, 0), 0, NULL, NULL);

            for (unsigned i = 0; i < 20; i++) {
                struct gx_frontier_entry entry = {.seq = seq + i};

                memcpy(entry.tag.b, tea(net, 0)->logs[tea(net, 0)->own_messages].row.id.b, sizeof entry.tag.b);
                memcpy(entry.check, ids[seq + i - 1].b, sizeof entry.check);
                gx_frame_put_frontier(&w, &list, &entry);
            }
            gx_frame_end(&w, &list);
            inject(net, LIAR, 0, gx_wr_span(&w));
            net_settle(net);
        }
    }
    assert_in_range(sessions, 5, 39);
    net_free(net);
}

/* All control events are gone through for one that is not the last of its log. */
static void test_control_events_that_are_named_are_not_looked_for_without_end(void **state)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct net *net = tea_with_much(3);
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_want(&w, channel_number(net, LIAR, 0), GX_WANT_CONTROL, 1);
    uint32_t log = tea(net, 0)->own_control;

    (void)state;
    for (unsigned i = 0; i < GX_FRONTIER_ENTRIES_MAX; i++) {
        struct gx_frontier_entry entry = {.seq = 2};
        struct gx_event_id id = id_of(net, 0, log, 2);

        memcpy(entry.tag.b, tea(net, 0)->logs[log].row.id.b, sizeof entry.tag.b);
        memcpy(entry.check, id.b, sizeof entry.check);
        gx_frame_put_frontier(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    for (unsigned asked = 0; asked < 100; asked++) {
        inject(net, LIAR, 0, gx_wr_span(&w));
        net_settle(net);
    }
    assert_true(dropped(net, 0, "want_budget") >= 95);
    net_free(net);
}

/* Who was away and comes back gets all of it, as fast as without the flood. */
static void test_a_flood_keeps_nobody_from_catching_up(void **state)
{
    unsigned took[2];

    (void)state;
    for (unsigned flood = 0; flood < 2; flood++) {
        char token[600];
        struct net *net = tea_of(3, 3, token);

        net_stop(net, 1);
        for (int i = 0; i < 2000; i++)
            net_send(net, 0, "tea", "while n1 was away");
        net_run(net, 5000);
        net->pass = counts;
        net_start(net, 1);
        for (took[flood] = 0; show_number(net, 1, "count") < 2000 && took[flood] < 100000; took[flood] += 10) {
            for (unsigned i = 0; i < 20 && flood == 1 && are_shared(net, LIAR, 0); i++)
                want_from(net, LIAR, 0, GX_WANT_CHUNKS_MAX, 1, 1);
            net_run(net, 10);
        }
        assert_true(flood == 0 || dropped(net, 0, "want_budget") > 0);
        net_free(net);
    }
    assert_true(took[1] <= 2 * took[0]);
}

/* Catching up is no flood, however much it is: nothing is counted against who lacks it. */
static void test_a_long_absence_is_caught_up_with_at_once(void **state)
{
    char token[600], *text = calloc(1, 3001);
    struct net *net = tea_of(2, 2, token);

    (void)state;
    memset(text, 'x', 3000);
    net_stop(net, 1);
    for (int i = 0; i < 3000; i++)
        net_send(net, 0, "tea", text);          /* 12 MB: three times what may be asked for again */
    net_start(net, 1);
    net_run(net, 3000);
    assert_int_equal(show_number(net, 1, "count"), 3000);
    assert_int_equal(dropped(net, 0, "want_budget"), 0);
    free(text);
    net_free(net);
}

/* --- who sends what brings nothing ------------------------------------------------------------------------------------------------------- */

/* The same chunk, and one that joins nothing; 64 KiB each. */
static void test_chunks_that_bring_nothing_are_not_looked_at_any_more_after_a_while(void **state)
{
    struct net *net = tea_with_much(3);
    struct gx_txn *txn = NULL;
    struct gx_log *log = &tea(net, 0)->logs[tea(net, 0)->own_messages];
    static uint8_t chunk[GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX], bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr c = gx_wr(chunk, sizeof chunk), w = gx_wr(bytes, sizeof bytes);
    uint32_t next = 0;

    (void)state;
    assert_int_equal(gx_txn_begin(&txn, net->node[0].store, false), GX_OK);
    assert_int_equal(gx_events_read_chunk(txn, &c, &next, &log->row, &tea(net, 0)->row.id, 3, 1, GX_CHUNK_BYTES_MAX), GX_OK);
    gx_txn_abort(&txn);

    struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_number(net, LIAR, 1), GX_CHUNKS_PUSH);

    gx_frame_put_chunk(&w, &list, gx_wr_span(&c));
    gx_frame_end(&w, &list);
    for (unsigned i = 0; i < 1000; i++) {
        inject(net, LIAR, 1, gx_wr_span(&w));
        net_settle(net);
    }
    assert_true(dropped(net, 1, "duplicate") < 100);            /* 4 MiB of them */
    assert_true(dropped(net, 1, "chunks_budget") > 900);
    net_send(net, 0, "tea", "others are heard");
    net_run(net, 100);
    assert_int_equal(show_number(net, 1, "count"), 11);
    net_run(net, 60000);
    net_send(net, LIAR, "tea", "and so is it, later");
    net_run(net, 100);
    assert_int_equal(show_number(net, 1, "count"), 12);
    net_free(net);
}

/* A chunk of one short event costs as much to look at: what stands at its place is read. */
static void test_small_chunks_that_bring_nothing_are_not_looked_at_without_end(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    struct gx_event_id first;
    uint64_t tick = 0;
    unsigned said = 0;

    (void)state;
    for (int i = 0; i < 40; i++)
        net_send(net, LIAR, "tea", "short");
    net_run(net, 1000);
    first = id_of(net, LIAR, tea(net, LIAR)->own_messages, 1);
    newest_op(net, LIAR, &tick);
    hand_text(net, LIAR, h, "x", &tea(net, LIAR)->logs[tea(net, LIAR)->own_messages].row.id, 3, &first, NULL, 0, tick + 100);
    for (; said < 100000 && are_shared(net, LIAR, 1); said++) {
        tell(net, LIAR, 1, h);
        net_settle(net);
    }
    assert_in_range(dropped(net, 1, "fork_unjoined"), 1000, 5000);
    assert_in_range(dropped(net, 1, "chunks_budget"), 8000, 8193);      /* and then it is cut */
    free(h);
    net_free(net);
}

/* A proof is verified, also one that holds and that was given before; one frame has 256 of them. */
static void test_proofs_are_not_verified_without_end(void **state)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct net *net = tea_with_much(3);
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_proof(&w);
    struct gx_proof proof = {.channel = 5};
    uint8_t signed_bytes[GX_PROOF_SIGNED_BYTES];
    uint64_t verifies = 0;

    (void)state;
    ghost_connects(net, 0, LIAR);
    proof.device = ghost.pk;
    gx_gate_tag(&proof.tag, &tea(net, 0)->gate_zero, GX_ROLE_CLIENT, &ghost.transcript);
    gx_proof_signed_bytes(signed_bytes, &tea(net, 0)->row.id, GX_ROLE_CLIENT, &ghost.transcript);
    gx_sign(&proof.sig, &ghost.sk, GX_DOMAIN_SESSION, gx_span(signed_bytes, sizeof signed_bytes));
    for (unsigned i = 0; i < GX_FRAME_GROUPS_MAX; i++)
        gx_frame_put_proof(&w, &list, &proof);
    gx_frame_end(&w, &list);
    verifies = net->node[0].verifies;
    for (unsigned k = 0; k < 100; k++)
        ghost_says(&w);
    assert_in_range(net->node[0].verifies - verifies, 4000, 8192 + 256);
    assert_true(dropped(net, 0, "talk") > 0);
    net_free(net);
}

/* A record that is news is verified, and one frame has 256 of them: the same one, or ever newer ones. */
static void test_records_are_not_verified_without_end(void **state)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct net *net = tea_with_much(3);
    struct gx_endpoint record = *record_of(net, 1, LIAR);
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;
    uint64_t verifies = net->node[1].verifies;

    (void)state;
    gx_device_key(&pk, &sk, &net->node[LIAR].config.device_seed, &tea(net, LIAR)->row.intro.e);
    for (unsigned k = 0; k < 200; k++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_frame_list list = gx_frame_begin_endpoints(&w, channel_number(net, LIAR, 1));

        record.counter++;
        sign_record(net, &record, &sk);
        for (unsigned i = 0; i < GX_ENDPOINTS_PER_FRAME_MAX; i++)
            gx_frame_put_endpoint(&w, &list, &record);
        gx_frame_end(&w, &list);
        inject(net, LIAR, 1, gx_wr_span(&w));
        net_settle(net);
    }
    assert_in_range(net->node[1].verifies - verifies, 4000, 10000);
    assert_true(dropped(net, 1, "endpoints_budget") > 100);
    net_run(net, 20000);
    record.counter++;
    sign_record(net, &record, &sk);
    tell_record(net, LIAR, 1, &record);
    assert_true(record_of(net, 1, LIAR)->counter == record.counter);
    net_free(net);
}

/* A node whose store is full takes in no more messages: that is not held against who gives them, nor is it asked for them with each that comes. */
static void test_who_gives_what_there_is_no_room_for_is_heard_all_the_same(void **state)
{
    char *text = calloc(1, GX_TEXT_BYTES_MAX + 1);
    struct net *net = tea_with_much(3);

    (void)state;
    memset(text, 'x', GX_TEXT_BYTES_MAX);
    net_leave_pages(net, 1, 60);        /* less than a fifth of what the store can become */
    for (int i = 0; i < 120; i++) {
        net_send(net, 0, "tea", text);
        net_run(net, 20);
    }
    assert_true(name_self(net, 0, "the talker"));
    net_run(net, 1000);
    assert_int_equal(net->node[1].n_full, 0);
    assert_true(dropped(net, 1, "full") > 0);
    assert_int_equal(tea(net, 1)->law.n_ops, tea(net, 0)->law.n_ops);
    assert_int_equal(dropped(net, 1, "chunks_budget") + dropped(net, 1, "frontier_budget"), 0);
    assert_true(wants[0] < 6);
    net_leave_pages(net, 1, 1u << 16);
    net_run(net, 120000);
    assert_int_equal(show_number(net, 1, "count"), 130);
    free(text);
    net_free(net);
}

/* --- bad signatures at full rate ---------------------------------------------------------------------------------------------------------- */

/* Three, then it is cut; and let in again after a second, and each time after twice as long. */
static void test_bad_signatures_cost_less_and_less(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    uint64_t verifies = net->node[0].verifies;
    unsigned told = 0;

    (void)state;
    for (unsigned s = 0; s < 3600; s++) {
        for (unsigned i = 0; i < 100 && are_shared(net, LIAR, 0); i++, told++) {
            const struct gx_log *log = &tea(net, LIAR)->logs[tea(net, LIAR)->own_messages];
            struct gx_event_id dep;
            uint64_t tick = 0;

            dep = newest_op(net, LIAR, &tick);
            hand_text(net, LIAR, h, "x", &log->row.id, 1, &log->row.head_id, &dep, 1, tick + 1 + told);
            h->bytes[h->n - 1] ^= 1;
            tell(net, LIAR, 0, h);
            net_settle(net);
        }
        net_run(net, 1000);
    }
    assert_true(told > 3 && told < 200);
    assert_true(net->node[0].verifies - verifies < 1000);       /* its proofs among them */
    assert_true(dropped(net, 0, "signature") > 3);
    assert_true(dropped(net, 0, "backed_off") > 0);
    free(h);
    net_free(net);
}

/* --- frontiers from the future, and none ---------------------------------------------------------------------------------------------------- */

static void claim(struct net *net, int to, uint32_t base_seq, uint32_t seq)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_frontier(&w, channel_number(net, LIAR, to), 0, NULL, NULL);

    for (uint32_t k = 0; k < tea(net, to)->n_logs; k++) {
        struct gx_frontier_entry entry = {.base_seq = base_seq, .seq = seq, .check = {9, 9, 9, (uint8_t)k}};

        memcpy(entry.tag.b, tea(net, to)->logs[k].row.id.b, sizeof entry.tag.b);
        gx_frame_put_frontier(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    inject(net, LIAR, to, gx_wr_span(&w));
    net_settle(net);
}

/* It is asked for what it claims, seldom, and not believed in anything: not that it holds what was not written yet. */
static void test_frontiers_from_the_future_are_asked_about_and_forgotten(void **state)
{
    static const struct { uint32_t base_seq, seq; } of[] = {
        {0, GX_EVENT_SEQ_MAX}, {GX_EVENT_SEQ_MAX - 1, GX_EVENT_SEQ_MAX}, {GX_EVENT_SEQ_MAX, GX_EVENT_SEQ_MAX}, {0, 0}, {1, 1}, {3, 3}, {1, 4},
    };
    struct net *net = tea_with_much(3);
    uint32_t by = 0, n_of = 0;

    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        claim(net, 0, of[round % GX_ARRAY_LEN(of)].base_seq, of[round % GX_ARRAY_LEN(of)].seq);
        claim(net, 1, of[round % GX_ARRAY_LEN(of)].base_seq, of[round % GX_ARRAY_LEN(of)].seq);
        net_run(net, 500);
    }
    assert_true(wants[LIAR] > 0 && wants[LIAR] < 200);
    assert_true(dropped(net, 0, "claim") > 0 && dropped(net, 0, "claim_messages") > 0);
    net_run(net, 120000);               /* asked once more, at the latest, and forgotten */
    assert_int_equal(gx_repair_left(net->node[0].engine, tea(net, 0)), 0);
    net_stop(net, 1);
    net_settle(net);
    net->pass = NULL;
    net_send(net, 0, "tea", "new");
    net_run(net, 5000);
    gx_messages_held(tea(net, 0), 11, &by, &n_of);
    assert_int_equal(by, 1);
    net_start(net, 1);
    net_run(net, 30000);
    assert_int_equal(show_number(net, 1, "count"), 11);
    assert_same(net, 0, 1);
    net_free(net);
}

/* All of the logs, and logs that nobody opened. */
static void claim_everything(struct net *net, int to, unsigned round)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_frontier(&w, channel_number(net, LIAR, to), 0, NULL, NULL);

    for (uint32_t k = 0; k < tea(net, to)->n_logs + 8; k++) {
        struct gx_frontier_entry entry = {.tag = {{0xee, (uint8_t)k, (uint8_t)round, (uint8_t)(round >> 8)}},
                                          .seq = GX_EVENT_SEQ_MAX, .check = {9, 9, 9, (uint8_t)k}};

        if (k < tea(net, to)->n_logs)
            memcpy(entry.tag.b, tea(net, to)->logs[k].row.id.b, sizeof entry.tag.b);
        gx_frame_put_frontier(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    inject(net, LIAR, to, gx_wr_span(&w));
    net_settle(net);
}

/* As fast as it can: what it may claim in a second is looked at, the rest is dropped, and then it is cut. */
static void test_claims_without_end_are_dropped_and_who_makes_them_is_cut(void **state)
{
    struct net *net = tea_with_much(3);
    unsigned said = 0;

    (void)state;
    for (; said < 100000 && are_shared(net, LIAR, 0); said++)
        claim_everything(net, 0, said);
    assert_in_range(said, 4u * 1024 * 1024 / 20 / 20, 60000);       /* 4 MiB of entries, of which there are more than 14 and less than 20 in each */
    assert_true(dropped(net, 0, "frontier_budget") >= 256);
    assert_true(gx_budget_is_shut(net->node[0].engine, tea(net, 0), &tea(net, LIAR)->row.intro.device));
    net_free(net);
}

static void inject_ping(struct net *net)
{
    uint8_t bytes[16];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_frame_write_echo(&w, GX_FRAME_PING, 1);
    inject(net, LIAR, 0, gx_wr_span(&w));
    net_settle(net);
}

/* A frame that asks for nothing but an answer costs little, and there is an end to it all the same. */
static void test_who_talks_without_end_is_cut(void **state)
{
    struct net *net = tea_with_much(3);
    unsigned said = 0;

    (void)state;
    for (; said < 100000 && are_shared(net, LIAR, 0); said++)
        inject_ping(net);
    assert_in_range(said, 8000, 8193);
    assert_int_equal(dropped(net, 0, "talk"), 1);
    net_free(net);
}

/* Nor does a frame that may bring something and is empty: what it costs is held against nobody. */
static void test_who_says_empty_frames_without_end_is_cut(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct net *net = tea_with_much(3);
        unsigned said = 0;

        for (; said < 100000 && are_shared(net, LIAR, 0); said++) {
            uint8_t bytes[64];
            struct gx_wr w = gx_wr(bytes, sizeof bytes);
            struct gx_frame_list list = k == 0 ? gx_frame_begin_chunks(&w, channel_number(net, LIAR, 0), GX_CHUNKS_LAST)
                                               : gx_frame_begin_frontier(&w, channel_number(net, LIAR, 0), 0, NULL, NULL);

            gx_frame_end(&w, &list);
            inject(net, LIAR, 0, gx_wr_span(&w));
            net_settle(net);
        }
        assert_in_range(said, 8000, 8193);
        net_free(net);
    }
}

/* To begin anew gains nothing here either. */
static void test_who_talks_without_end_is_cut_whatever_sessions_it_begins(void **state)
{
    struct net *net = tea_with_much(3);
    unsigned said = 0;

    (void)state;
    for (unsigned turn = 0; turn < 6 && dropped(net, 0, "talk") == 0; turn++) {
        for (unsigned i = 0; i < 4000 && are_shared(net, LIAR, 0); i++, said++)
            inject_ping(net);
        line(net, 0, LIAR, false);
        line(net, 0, LIAR, true);
        net_run(net, 2000);
    }
    assert_in_range(said, 8000, 8192 + 256 * 12);
    net_free(net);
}

static unsigned sessions_of(struct net *net, int i, const struct gx_sign_pk *device)
{
    struct gx_engine *e = net->node[i].engine;
    unsigned n = 0;

    for (uint32_t k = 0; k < e->n_sessions; k++) {
        const struct gx_channel *c = e->sessions[k]->closed ? NULL : gx_session_channel_of(e->sessions[k], tea(net, i)->row.gnum);

        n += c != NULL && gx_channel_shared(c) && gx_sign_pk_equal(&c->device, device);
    }
    return n;
}

/* One transport key after the other: all places of a node's sessions would be one member's. */
static void test_a_device_with_many_keys_has_few_sessions(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    for (unsigned number = 0; number < 100; number++) {
        ghost_connects_as(net, 0, LIAR, (uint8_t)number);
        assert_in_range(sessions_of(net, 0, &tea(net, LIAR)->row.intro.device), 1, 16);
    }
    assert_true(ghost.n_frames > 2 && net->link[NET_LINKS - 100].open);         /* the last one is in, as if it had lost the others, */
    assert_int_equal(sessions_of(net, 0, &tea(net, 1)->row.intro.device), 1);   /* and nobody else lost theirs */
    net_free(net);
}

/* Nor does it matter that nothing listens at that channel. */
static void test_who_talks_to_nobody_is_cut(void **state)
{
    struct net *net = tea_with_much(3);
    unsigned said = 0;

    (void)state;
    for (; said < 100000 && are_shared(net, LIAR, 0); said++) {
        uint8_t bytes[64];
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_frame_list list = gx_frame_begin_want(&w, 4711, GX_WANT_CONTROL, 1);

        gx_frame_end(&w, &list);
        inject(net, LIAR, 0, gx_wr_span(&w));
        net_settle(net);
    }
    assert_in_range(said, 8000, 8193);
    net_free(net);
}

/* Twice a second for an hour: who says no more than may be said is never cut. */
static void test_who_talks_little_is_never_cut(void **state)
{
    struct net *net = tea_with_much(3);

    (void)state;
    for (unsigned i = 0; i < 7200; i++) {
        inject_ping(net);
        net_run(net, 500);
    }
    assert_true(are_shared(net, LIAR, 0));
    net_free(net);
}

/* However often it is looked how much is there: 200 a second are less than 256, in whatever beat they come. */
static void test_who_talks_little_in_an_uneven_beat_is_not_cut_either(void **state)
{
    struct net *net = tea_with_much(3);

    (void)state;
    for (unsigned i = 0; i < 10000 && are_shared(net, LIAR, 0); i++) {
        inject_ping(net);
        net_run(net, 3);
        inject_ping(net);
        net_run(net, 7);
    }
    assert_true(are_shared(net, LIAR, 0));
    net_free(net);
}

static void test_what_is_spent_comes_back_however_often_it_is_asked_for(void **state)
{
    static const uint64_t rates[] = {1, 100, 256, 1000, 131072};

    (void)state;
    for (size_t r = 0; r < GX_ARRAY_LEN(rates); r++)
        for (uint64_t beat = 1; beat <= 10; beat++) {
            struct gx_budget b = {.left = 0, .at_ms = 5000};
            uint64_t spent = 0;

            for (uint64_t ms = 5000; ms <= 15000; ms += beat)
                while (gx_budget_is_left(&b, ms, rates[r], 1 << 20)) {
                    b.left--;
                    spent++;
                }
            assert_in_range(spent, 10 * rates[r] - rates[r] * beat / 1000 - 1, 10 * rates[r]);
        }
}

static bool loses, is_silent;

/* What n0 gives n1 is lost; and what the liar gives anybody, if it is silent. */
static bool loses_chunks(struct net *net, int from, int to, struct gx_span bytes)
{
    if (bytes.n > 0 && bytes.p[0] == GX_FRAME_CHUNKS && ((loses && from == 0 && to == 1) || (is_silent && from == LIAR)))
        return false;
    return counts(net, from, to, bytes);
}

/* n1 lacks a control event and a message behind it, which n0 has; ten times a second the liar claims to have all that there will ever be.  It is asked less and
 * less, and n0 all the same. */
static void claims_keep_nobody_from_others(bool silent)
{
    struct net *net = tea_with_much(3);

    is_silent = silent;
    net->pass = loses_chunks;
    line(net, 0, 1, false);             /* the session with the liar is the older one */
    line(net, 0, 1, true);
    net_run(net, 5000);
    wants[LIAR] = 0;
    for (unsigned k = 0; k < 5; k++) {
        loses = true;
        assert_true(name_self(net, 0, k % 2 == 0 ? "another" : "the one"));
        net_send(net, 0, "tea", "and so it goes");
        net_settle(net);
        loses = false;
        for (unsigned i = 0; i < 300; i++) {
            claim_everything(net, 1, i);
            net_run(net, 100);
        }
        assert_int_equal(show_number(net, 1, "count"), 11 + k);
        assert_int_equal(tea(net, 1)->law.n_ops, tea(net, 0)->law.n_ops);
    }
    assert_true(dropped(net, 1, "claim") > 1);
    assert_true(wants[LIAR] < 50);              /* in two and a half minutes, with 1,500 claims */
    net_free(net);
}

static void test_who_claims_everything_and_gives_nothing_keeps_nobody_from_others(void **state)
{
    (void)state;
    claims_keep_nobody_from_others(false);
}

static void test_who_claims_everything_and_stays_silent_keeps_nobody_from_others(void **state)
{
    (void)state;
    claims_keep_nobody_from_others(true);
}

static void test_a_frontier_past_the_last_number_is_malformed(void **state)
{
    struct net *net = tea_with_much(3);

    (void)state;
    claim(net, 0, 0, UINT32_MAX);
    assert_true(dropped(net, 0, "too_big") + dropped(net, 0, "malformed") == 1);
    claim(net, 0, 5, 4);
    assert_true(dropped(net, 0, "too_big") + dropped(net, 0, "malformed") == 2);
    net_free(net);
}

/* The first event of a log that rests on nothing may have any tick: nobody shows it, and nobody's count runs over because of it. */
static void test_a_tick_at_the_end_of_all_ticks_ends_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    const struct gx_log *log = &tea(net, LIAR)->logs[tea(net, LIAR)->own_messages];

    (void)state;
    hand_text(net, LIAR, h, "the end", &log->row.id, 1, NULL, NULL, 0, UINT64_MAX);
    tell(net, LIAR, 0, h);
    net_run(net, 5000);
    assert_int_equal(show_number(net, 0, "count"), 0);
    for (int i = 0; i < 3; i++) {
        net_send(net, 0, "tea", "one");
        net_send(net, 1, "tea", "two");
    }
    net_run(net, 5000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(show_number(net, i, "count"), 6);
    assert_same(net, 0, 1);
    assert_int_equal(dropped(net, 1, "malformed"), 0);
    free(h);
    net_free(net);
}

/* --- a silent peer whose queue is full --------------------------------------------------------------------------------------------------- */

static bool is_deaf;

/* What goes to the liar finds its queue full. */
static bool not_to_the_deaf(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)bytes;
    return !net->cut[from][to] && !(is_deaf && to == LIAR);
}

/* Pushes and acknowledgements that were dropped are said again when there is room: nothing is lost. */
static void test_what_a_full_queue_dropped_is_said_again(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    uint32_t by = 0, of = 0;

    (void)state;
    net->pass = not_to_the_deaf;
    is_deaf = true;
    for (int i = 0; i < 50; i++)
        net_send(net, 0, "tea", "pushed in vain");
    net_send(net, LIAR, "tea", "acknowledged in vain");
    net_run(net, 10000);
    gx_messages_held(tea(net, LIAR), 1, &by, &of);
    assert_int_equal(by, 0);
    assert_int_equal(show_number(net, 1, "count"), 51);
    is_deaf = false;
    net_run(net, 60000);
    gx_messages_held(tea(net, LIAR), 1, &by, &of);
    assert_int_equal(by, 2);
    assert_int_equal(show_number(net, LIAR, "count"), 51);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_asks_for_all_again_and_again_is_given_it_once_and_then_little),
        cmocka_unit_test(test_another_session_is_no_other_budget),
        cmocka_unit_test(test_who_goes_on_asking_is_cut_and_backed_off),
        cmocka_unit_test(test_questions_without_an_answer_have_an_end_too),
        cmocka_unit_test(test_events_that_are_looked_for_in_vain_are_not_looked_for_without_end),
        cmocka_unit_test(test_events_that_are_claimed_in_vain_are_not_looked_for_without_end),
        cmocka_unit_test(test_what_is_acknowledged_on_one_session_after_the_other_has_an_end_too),
        cmocka_unit_test(test_control_events_that_are_named_are_not_looked_for_without_end),
        cmocka_unit_test(test_small_chunks_that_bring_nothing_are_not_looked_at_without_end),
        cmocka_unit_test(test_a_flood_keeps_nobody_from_catching_up),
        cmocka_unit_test(test_a_long_absence_is_caught_up_with_at_once),
        cmocka_unit_test(test_chunks_that_bring_nothing_are_not_looked_at_any_more_after_a_while),
        cmocka_unit_test(test_proofs_are_not_verified_without_end),
        cmocka_unit_test(test_records_are_not_verified_without_end),
        cmocka_unit_test(test_who_gives_what_there_is_no_room_for_is_heard_all_the_same),
        cmocka_unit_test(test_bad_signatures_cost_less_and_less),
        cmocka_unit_test(test_frontiers_from_the_future_are_asked_about_and_forgotten),
        cmocka_unit_test(test_claims_without_end_are_dropped_and_who_makes_them_is_cut),
        cmocka_unit_test(test_who_talks_without_end_is_cut),
        cmocka_unit_test(test_who_says_empty_frames_without_end_is_cut),
        cmocka_unit_test(test_who_talks_without_end_is_cut_whatever_sessions_it_begins),
        cmocka_unit_test(test_a_device_with_many_keys_has_few_sessions),
        cmocka_unit_test(test_who_talks_to_nobody_is_cut),
        cmocka_unit_test(test_who_talks_little_is_never_cut),
        cmocka_unit_test(test_who_talks_little_in_an_uneven_beat_is_not_cut_either),
        cmocka_unit_test(test_what_is_spent_comes_back_however_often_it_is_asked_for),
        cmocka_unit_test(test_who_claims_everything_and_gives_nothing_keeps_nobody_from_others),
        cmocka_unit_test(test_who_claims_everything_and_stays_silent_keeps_nobody_from_others),
        cmocka_unit_test(test_a_frontier_past_the_last_number_is_malformed),
        cmocka_unit_test(test_a_tick_at_the_end_of_all_ticks_ends_nothing),
        cmocka_unit_test(test_what_a_full_queue_dropped_is_said_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
