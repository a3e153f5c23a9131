#include "tests/unit/store/support.h"

#include "store/schema.h"
#include "store/segment.h"

static struct author authors[4];

/* ---- appending ---- */

static void test_arrivals_are_dense_and_start_at_1(void **state)
{
    struct place p;
    (void)state;

    scene_make(&p, authors, 2);
    assert_int_equal(info_of(&p).next_arrival, 1);
    struct gx_txn *txn = begin(&p, true);
    for (uint64_t expected = 1; expected <= 20; expected++)
        assert_int_equal(author_append(txn, &authors[expected % 2], 30), expected);
    commit(txn);
    assert_int_equal(info_of(&p).next_arrival, 21);
    assert_int_equal(info_of(&p).journal_events, 20);
    place_remove(&p);
}

static uint64_t arrival_of_row(struct place *p)
{
    struct gx_txn *txn = begin(p, false);
    struct gx_counters row;

    OK(gx_counters_read(txn, &row));
    gx_txn_abort(&txn);
    return row.next_arrival;
}

/* A live event costs no page of meta, and no number is given twice, whatever the journal was emptied by and whenever the store was opened. */
static void test_the_next_arrival_is_known_from_the_journal_or_the_row(void **state)
{
    struct place p;
    (void)state;

    scene_make(&p, authors, 1);
    uint64_t written = arrival_of_row(&p);
    struct gx_txn *txn = begin(&p, true);
    for (unsigned i = 0; i < 5; i++)
        author_append(txn, &authors[0], 30);
    OK(gx_log_put(txn, &authors[0].row));
    commit(txn);
    assert_int_equal(arrival_of_row(&p), written);
    assert_int_equal(info_of(&p).next_arrival, 6);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){0}));
    assert_int_equal(info_of(&p).next_arrival, 6);

    txn = begin(&p, true);
    fold_now(txn, authors, 1);
    commit(txn);
    assert_int_equal(arrival_of_row(&p), 6);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){0}));
    txn = begin(&p, true);
    assert_int_equal(author_append(txn, &authors[0], 30), 6);
    gx_txn_abort(&txn);
    assert_int_equal(info_of(&p).next_arrival, 6);
    place_remove(&p);
}

static void test_an_append_moves_the_row_and_nothing_else_of_it(void **state)
{
    struct place p;
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    struct gx_log_row before = authors[0].row;
    author_append(txn, &authors[0], 30);
    const struct gx_log_row *row = &authors[0].row;
    assert_int_equal(row->head_seq, 1);
    assert_int_equal(row->head_arrival, 1);
    assert_int_equal(row->head_tick, 11);
    assert_int_equal(row->journal_first, 1);
    assert_int_equal(row->n_messages, 1);
    assert_int_equal(row->base_seq, before.base_seq);
    assert_int_equal(row->read_seq, 0);
    author_append(txn, &authors[0], 30);
    assert_int_equal(row->journal_first, 1);
    assert_int_equal(row->n_messages, 2);
    commit(txn);
    place_remove(&p);
}

/* A node signs all that one step wrote together, after it was appended; the longest text lies on pages of its own. */
static void test_events_can_be_signed_after_they_were_appended(void **state)
{
    static const size_t sizes[] = {30, GX_TEXT_BYTES_MAX, 31, 500};
    static uint8_t bodies[GX_ARRAY_LEN(sizes)][GX_EVENT_BODY_MAX];
    struct gx_event events[GX_ARRAY_LEN(sizes)], read;
    uint64_t arrivals[GX_ARRAY_LEN(sizes)];
    struct author *a = &authors[0];
    struct place p;
    (void)state;

    scene_make(&p, authors, 2);
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, &authors[1], 30);
    a->unsigned_events = true;
    for (size_t i = 0; i < GX_ARRAY_LEN(sizes); i++) {
        author_write(a, &events[i], a->row.head_seq + 1, &a->row.head_id, sizes[i]);
        memcpy(bodies[i], events[i].body.p, events[i].body.n);
        events[i].body.p = bodies[i];
        OK(gx_events_append(txn, &arrivals[i], &a->row, &events[i]));
        author_append(txn, &authors[1], 30);
    }
    for (size_t i = GX_ARRAY_LEN(sizes); i-- > 0;) {
        OK(gx_events_get(txn, &read, &a->row, &a->group, (uint32_t)i + 1));
        assert_false(gx_event_verify(&read, &a->row.device));
        gx_event_sign(&events[i], &a->sk);
        OK(gx_events_signed(txn, arrivals[i], &events[i]));
    }
    OK(gx_log_put(txn, &a->row));
    OK(gx_log_put(txn, &authors[1].row));
    commit(txn);

    txn = begin(&p, false);
    for (size_t i = 0; i < GX_ARRAY_LEN(sizes); i++) {
        uint64_t arrival;
        OK(gx_events_get(txn, &read, &a->row, &a->group, (uint32_t)i + 1));
        assert_true(gx_event_verify(&read, &a->row.device));
        assert_true(gx_event_id_equal(&read.id, &events[i].id));
        OK(gx_events_arrival(txn, &arrival, &a->row, (uint32_t)i + 1));
        assert_int_equal(arrival, arrivals[i]);
    }
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_control_events_are_not_counted_as_messages(void **state)
{
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    author_make(&authors[0], 1, 1, GX_LOG_CONTROL);
    author_register(txn, &authors[0]);
    author_append(txn, &authors[0], 9);
    assert_int_equal(authors[0].row.n_messages, 0);
    assert_int_equal(authors[0].row.head_seq, 1);
    commit(txn);
    place_remove(&p);
}

static void test_the_largest_event_comes_back_whole(void **state)
{
    struct place p;
    struct gx_event ev;
    struct gx_body outer, plain;
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, &authors[0], GX_TEXT_BYTES_MAX);
    author_append(txn, &authors[0], 1);
    OK(gx_events_get(txn, &ev, &authors[0].row, &authors[0].group, 1));
    assert_int_equal(ev.body.n, 58476);
    OK(gx_body_decode(&outer, &ev));
    assert_int_equal(outer.u.sealed.sealed.n, 57 * 1024 + GX_AEAD_TAG_BYTES);
    /* Made by hand, it lies there as it was (tests/blind.h): time, field, length, text. */
    OK(gx_plain_decode(&plain, GX_EV_TEXT, gx_span(outer.u.sealed.sealed.p, 8 + 1 + 2 + GX_TEXT_BYTES_MAX)));
    assert_int_equal(plain.u.text.text.n, GX_TEXT_BYTES_MAX);
    assert_int_equal(plain.u.text.text.p[0], 'b');
    assert_int_equal(plain.u.text.text.p[GX_TEXT_BYTES_MAX - 1], 'b');
    commit(txn);
    place_remove(&p);
}

/* A deleted body leaves its hash: the chain goes on over it. */
static void test_an_event_without_its_body_keeps_its_place_and_id(void **state)
{
    struct place p;
    struct gx_event ev, back;
    uint64_t arrival;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    author_write(a, &ev, 1, &a->row.head_id, 40);
    ev.body = gx_span(NULL, 0);
    OK(gx_events_append(txn, &arrival, &a->row, &ev));
    author_append(txn, a, 40);
    OK(gx_events_get(txn, &back, &a->row, &a->group, 1));
    assert_null(back.body.p);
    assert_int_equal(back.body_len, ev.body_len);
    assert_true(gx_event_id_equal(&back.id, &ev.id));
    assert_true(gx_event_verify(&back, &a->row.device));
    fold_now(txn, authors, 1);
    OK(gx_events_get(txn, &back, &a->row, &a->group, 1));
    assert_true(gx_event_id_equal(&back.id, &ev.id));
    commit(txn);
    place_remove(&p);
}

static void test_what_is_not_held_is_absent(void **state)
{
    struct place p;
    struct gx_event ev;
    uint64_t arrival;
    uint32_t lnum, seq, next;
    uint8_t bytes[1000];
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, a, 10);
    for (uint32_t wrong = 0; wrong <= 2; wrong += 2) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        assert_int_equal(gx_events_get(txn, &ev, &a->row, &a->group, wrong), GX_E_ABSENT);
        assert_int_equal(gx_events_arrival(txn, &arrival, &a->row, wrong), GX_E_ABSENT);
        assert_int_equal(gx_events_at(txn, &lnum, &seq, wrong), GX_E_ABSENT);
        assert_int_equal(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, wrong, 9, 900), GX_E_ABSENT);
        assert_int_equal(w.n, 0);
    }
    assert_int_equal(gx_events_at(txn, &lnum, &seq, UINT64_MAX), GX_E_ABSENT);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- a log that does not begin at 1 ---- */

static void test_a_newcomers_log_begins_after_its_base(void **state)
{
    struct place p;
    struct gx_event ev;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    memset(a->row.base_id.b, 0xba, sizeof a->row.base_id.b);
    a->row.base_seq = a->row.head_seq = 41;
    a->row.head_id = a->row.base_id;
    a->row.base_tick = a->row.head_tick = 51;
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, a, 20);
    author_append(txn, a, 20);
    assert_int_equal(a->row.n_messages, 2);
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 42));
    assert_true(gx_event_id_equal(&ev.prev, &a->row.base_id));
    assert_int_equal(gx_events_get(txn, &ev, &a->row, &a->group, 41), GX_E_ABSENT);
    OK(gx_log_put(txn, &a->row));
    commit(txn);
    assert_int_equal(check_clean(&p).events, 2);
    place_remove(&p);
}

/* ---- chunks ---- */

static struct parcel parcel;

static void test_a_chunk_is_stored_as_received(void **state)
{
    struct place p;
    uint64_t first;
    uint32_t next;
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    parcel_make(&parcel, a, 200, 50);
    OK(parcel_put(txn, &first, a, &parcel, true));
    assert_int_equal(first, 1);
    assert_int_equal(a->row.head_seq, 200);
    assert_int_equal(a->row.head_arrival, 200);
    assert_int_equal(a->row.n_messages, 200);
    assert_int_equal(a->row.journal_first, 0);
    OK(gx_log_put(txn, &a->row));
    commit(txn);

    txn = begin(&p, false);
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 1, 256, GX_CHUNK_BYTES_MAX));
    assert_int_equal(next, 201);
    assert_true(gx_span_equal(gx_wr_span(&w), gx_wr_span(&parcel.w)));
    read_all(txn, a);
    gx_txn_abort(&txn);
    assert_int_equal(info_of(&p).journal_events, 0);
    assert_int_equal(check_clean(&p).segments, 1);
    place_remove(&p);
}

static void test_a_chunk_of_one_event_beyond_the_limit_is_stored(void **state)
{
    struct place p;
    struct gx_event ev;
    uint64_t first;
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    parcel_make(&parcel, &authors[0], 1, GX_TEXT_BYTES_MAX);
    OK(parcel_put(txn, &first, &authors[0], &parcel, false));
    OK(gx_events_get(txn, &ev, &authors[0].row, &authors[0].group, 1));
    gx_txn_abort(&txn);
    place_remove(&p);
}

static uint32_t count_of(const struct gx_wr *w)
{
    struct gx_chunk chunk;

    OK(gx_chunk_decode(&chunk, gx_wr_span(w)));
    return chunk.count;
}

/* Reading from any place gives a chunk that a stranger can walk, and whose hashes end where the next one begins. */
static void test_a_chunk_can_begin_and_end_anywhere(void **state)
{
    struct place p;
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    uint64_t first;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    parcel_make(&parcel, a, 40, 20);
    OK(parcel_put(txn, &first, a, &parcel, true));
    for (size_t i = 0; i < 10; i++)
        author_append(txn, a, 20);
    for (uint32_t from = 1; from <= 50; from++) {
        for (uint32_t max = 1; max <= 51 - from; max += 3) {
            struct gx_wr w = gx_wr(bytes, sizeof bytes);
            struct gx_chunk chunk;
            struct gx_chunk_iter it;
            struct gx_event ev, expected;
            uint32_t next, seen = from;
            OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, from, max, GX_CHUNK_BYTES_MAX));
            assert_int_equal(next, from + max);
            OK(gx_chunk_decode(&chunk, gx_wr_span(&w)));
            gx_chunk_begin(&it, &chunk, &a->group);
            for (; gx_chunk_next(&it, &ev, NULL) == GX_OK; seen++) {
                OK(gx_events_get(txn, &expected, &a->row, &a->group, seen));
                assert_true(gx_event_id_equal(&ev.id, &expected.id));
            }
            assert_int_equal(seen, next);
        }
    }
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_chunk_keeps_to_its_bytes_but_holds_one_event_at_least(void **state)
{
    struct place p;
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    uint32_t next;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 30; i++)
        author_append(txn, a, 100);
    for (size_t max = 0; max < 4000; max += 7) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 3, 256, max));
        assert_true(next == 4 || w.n <= max);
        assert_int_equal(count_of(&w), next - 3);
    }
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_writer_that_is_nearly_full_gets_what_fits(void **state)
{
    struct place p;
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    uint32_t next, given = 0, refused = 0;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 30; i++)
        author_append(txn, a, 100);
    for (size_t cap = 0; cap < 2000; cap += 11) {
        struct gx_wr w = gx_wr(bytes, cap);
        gx_wr_bytes(&w, "abc", 3);
        size_t before = w.n;
        enum gx_err err = gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 1, 256, GX_CHUNK_BYTES_MAX);
        if (err == GX_OK) {
            struct gx_wr only = {.p = w.p + before, .n = w.n - before, .cap = w.cap};
            assert_int_equal(count_of(&only), next - 1);
            given++;
        } else {
            assert_int_equal(err, GX_E_TOO_BIG);
            assert_int_equal(w.n, before);
            refused++;
        }
    }
    assert_true(given > 0 && refused > 0);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* Of such a segment only the last signature proves anything: a chunk that ended inside it would have no proof. */
static void test_a_segment_proved_by_its_last_event_is_not_cut_when_it_need_not_be(void **state)
{
    struct place p;
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    uint64_t first;
    uint32_t next;
    (void)state;

    for (int all = 0; all <= 1; all++) {
        scene_make(&p, authors, 1);
        struct author *a = &authors[0];
        a->bare_events = true;
        struct gx_txn *txn = begin(&p, true);
        for (size_t i = 0; i < 3; i++) {
            parcel_make(&parcel, a, 100, 20);
            OK(parcel_put(txn, &first, a, &parcel, all == 1));
        }
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 1, 256, GX_CHUNK_BYTES_MAX));
        assert_int_equal(next, all == 1 ? 257 : 201);
        /* From inside, its own end is the first place to stop; what one chunk cannot hold is cut all the same. */
        w = gx_wr(bytes, sizeof bytes);
        OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 150, 120, GX_CHUNK_BYTES_MAX));
        assert_int_equal(next, all == 1 ? 270 : 201);
        w = gx_wr(bytes, sizeof bytes);
        OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 101, 30, GX_CHUNK_BYTES_MAX));
        assert_int_equal(next, 131);
        gx_txn_abort(&txn);
        place_remove(&p);
    }
}

static void test_a_chunk_from_the_journal_ends_with_a_verified_event(void **state)
{
    struct place p;
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    static const uint32_t expected[] = {2, 2, 4, 4, 4, 4, 8, 8, 8};        /* next, for at most 1, 2, ... events from 1 on */
    uint32_t next;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, a, 10);
    author_append_covered(txn, a, 10);
    author_append(txn, a, 10);
    for (size_t i = 0; i < 3; i++)
        author_append_covered(txn, a, 10);
    author_append(txn, a, 10);
    author_append_covered(txn, a, 10);
    author_append_covered(txn, a, 10);
    for (uint32_t max = 1; max <= 9; max++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 1, max, GX_CHUNK_BYTES_MAX));
        assert_int_equal(next, expected[max - 1]);
        assert_int_equal(count_of(&w), next - 1);
    }
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 4, 2, GX_CHUNK_BYTES_MAX));
    assert_int_equal(next, 6);          /* none of the two is: better than nothing */
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- reading deep into the journal ---- */

static uint32_t tail_entries(const struct place *p)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->store->tails.n_slots; i++)
        n += p->store->tails.slots[i].down.n + p->store->tails.slots[i].up.n;
    return n;
}

static void test_the_tail_is_only_as_deep_as_it_was_read(void **state)
{
    struct place p;
    struct gx_event ev;
    (void)state;

    scene_make(&p, authors, 2);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 100; i++) {
        author_append(txn, a, 10);
        author_append(txn, &authors[1], 10);
    }
    assert_int_equal(tail_entries(&p), 0);
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 96));
    assert_int_equal(tail_entries(&p), 5);
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 98));
    assert_int_equal(tail_entries(&p), 5);
    author_append(txn, a, 10);
    assert_int_equal(tail_entries(&p), 6);
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 101));
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 1));
    assert_int_equal(tail_entries(&p), 101);
    commit(txn);
    assert_int_equal(tail_entries(&p), 101);
    place_remove(&p);
}

static void test_an_aborted_transaction_leaves_no_trace_in_the_tail(void **state)
{
    struct place p;
    struct gx_event ev;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, a, 10);
    commit(txn);
    struct gx_log_row kept = a->row;
    txn = begin(&p, true);
    author_append(txn, a, 10);
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 1));
    assert_int_equal(tail_entries(&p), 2);
    gx_txn_abort(&txn);
    assert_int_equal(tail_entries(&p), 0);
    a->row = kept;

    /* Another event at the same place. */
    txn = begin(&p, true);
    author_append(txn, a, 33);
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 2));
    assert_true(gx_event_id_equal(&ev.id, &a->row.head_id));
    commit(txn);
    place_remove(&p);
}

/* A bound on work, not on time: each event of the journal is walked over once, however many chunks are read. */
static void test_serving_a_long_journal_walks_it_once(void **state)
{
    struct place p;
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    uint32_t next = 1, chunks = 0;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    a->unsigned_events = true;
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 20000; i++)
        author_append(txn, a, 10);
    while (next <= a->row.head_seq) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, next, 256, GX_CHUNK_BYTES_MAX));
        chunks++;
        assert_int_equal(tail_entries(&p), 20000);
    }
    assert_true(chunks >= 20000 / 256);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- wrong bytes ---- */

static void test_a_wrong_group_id_is_noticed(void **state)
{
    struct place p;
    struct gx_event ev;
    struct gx_group_id other = group_id(9);
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, &authors[0], 10);
    assert_int_equal(gx_events_get(txn, &ev, &authors[0].row, &other, 1), GX_E_CORRUPT);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* One bad event costs its group of 16; what lies before it is still served. */
static void test_a_chunk_ends_before_a_bad_event(void **state)
{
    struct place p;
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    uint64_t first;
    uint32_t next;
    struct gx_span key, value;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    parcel_make(&parcel, a, 100, 20);
    OK(parcel_put(txn, &first, a, &parcel, true));
    struct gx_key at = gx_key_u32x3(1, 1, 1);
    OK(gx_table_seek(txn, &key, &value, GX_TABLE_SEGMENT, &at));
    static uint8_t copy[1 << 16];
    memcpy(copy, value.p, value.n);
    copy[value.n - parcel.chunk.records.n / 2] ^= 1;        /* event 50 or so */
    OK(gx_table_put(txn, GX_TABLE_SEGMENT, &at, gx_span(copy, value.n)));

    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 1, 256, GX_CHUNK_BYTES_MAX));
    assert_int_equal(next, 49);
    w = gx_wr(bytes, sizeof bytes);
    assert_int_equal(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 49, 256, GX_CHUNK_BYTES_MAX), GX_E_CORRUPT);
    assert_int_equal(w.n, 0);
    w = gx_wr(bytes, sizeof bytes);
    OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 65, 256, GX_CHUNK_BYTES_MAX));
    assert_int_equal(next, 101);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* Not hashed, and noticed all the same; but for signatures, which no id covers. */
static void test_no_event_is_read_out_of_a_segment_as_another(void **state)
{
    struct place p;
    static uint8_t bytes[GX_FRAME_BYTES_MAX], copy[1 << 16];
    uint64_t first;
    uint32_t next, n_short = 0;
    struct gx_span key, value;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    parcel_make(&parcel, a, 40, 20);
    OK(parcel_put(txn, &first, a, &parcel, true));
    struct gx_key at = gx_key_u32x3(1, 1, 1);
    OK(gx_table_seek(txn, &key, &value, GX_TABLE_SEGMENT, &at));
    size_t n = value.n;
    memcpy(copy, value.p, n);
    for (size_t i = 0; i < n; i++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_chunk chunk;
        struct gx_chunk_iter it;
        struct gx_event ev;

        copy[i] ^= 0x10;
        OK(gx_table_put(txn, GX_TABLE_SEGMENT, &at, gx_span(copy, n)));
        copy[i] ^= 0x10;
        enum gx_err err = gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, 1, 256, GX_CHUNK_BYTES_MAX);
        n_short += err == GX_E_CORRUPT || next <= 40;
        if (err == GX_E_CORRUPT)
            continue;
        OK(err);
        OK(gx_chunk_decode(&chunk, gx_wr_span(&w)));
        gx_chunk_begin(&it, &chunk, &a->group);
        for (uint32_t k = 0; gx_chunk_next(&it, &ev, NULL) == GX_OK; k++)
            assert_memory_equal(&ev.id, &parcel.ids[k], sizeof ev.id);
    }
    assert_true(n_short > n / 3);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- the caller's own mistakes stop the program ---- */

static struct place wrong_place;
static struct gx_txn *wrong_txn;

static void append_with(uint64_t seq, uint8_t prev, uint8_t log)
{
    struct gx_event ev;
    uint64_t arrival;

    author_write(&authors[0], &ev, 1, &authors[0].row.head_id, 10);
    ev.seq = seq;
    ev.prev.b[0] ^= prev;
    ev.log.b[0] ^= log;
    (void)!gx_events_append(wrong_txn, &arrival, &authors[0].row, &ev);
}

static void mistake_a_gap(void)
{
    append_with(2, 0, 0);
}

static void mistake_another_prev(void)
{
    append_with(1, 1, 0);
}

static void mistake_another_log(void)
{
    append_with(1, 0, 1);
}

static void mistake_a_chunk_that_does_not_continue(void)
{
    uint64_t first;

    parcel_make(&parcel, &authors[0], 3, 10);
    parcel.chunk.first_seq++;
    (void)!parcel_put(wrong_txn, &first, &authors[0], &parcel, true);
}

static void mistake_a_chunk_with_fewer_records(void)
{
    uint64_t first;

    parcel_make(&parcel, &authors[0], 3, 10);
    parcel.chunk.count++;
    (void)!parcel_put(wrong_txn, &first, &authors[0], &parcel, true);
}

static void mistake_two_writers(void)
{
    struct gx_txn *txn;

    (void)!gx_txn_begin(&txn, wrong_place.store, true);
}

static void mistake_a_row_that_makes_no_sense(void)
{
    authors[0].row.read_messages = 1;
    (void)!gx_log_put(wrong_txn, &authors[0].row);
}

static void mistake_writing_while_reading(void)
{
    struct gx_txn *txn;

    gx_txn_abort(&wrong_txn);
    if (gx_txn_begin(&txn, wrong_place.store, false) == GX_OK)
        (void)!gx_log_put(txn, &authors[0].row);
}

static void no_mistake(void)
{
    append_with(1, 0, 0);
}

static void test_what_the_caller_promised_is_asserted(void **state)
{
    static void (*const mistakes[])(void) = {
        mistake_a_gap, mistake_another_prev, mistake_another_log, mistake_a_chunk_that_does_not_continue, mistake_a_chunk_with_fewer_records,
        mistake_two_writers, mistake_a_row_that_makes_no_sense, mistake_writing_while_reading,
    };
    (void)state;

    scene_make(&wrong_place, authors, 1);
    wrong_txn = begin(&wrong_place, true);
    for (size_t i = 0; i < GX_ARRAY_LEN(mistakes); i++)
        assert_true(aborts(mistakes[i]));
    assert_false(aborts(no_mistake));
    gx_txn_abort(&wrong_txn);
    place_remove(&wrong_place);
}

/* ---- anything, in any order, against a model ---- */

#define MODEL_EVENTS_MAX 60000u

struct model_event {
    struct gx_event_id id;
    uint64_t arrival;
    bool verified;
};

struct model {
    struct place place;
    struct chance chance;
    struct gx_txn *txn;             /* NULL between transactions */
    struct author *authors;
    struct gx_log_row kept[4];      /* rows as last committed */
    struct model_event *logs[4];    /* [seq - 1] */
    uint32_t by_arrival[MODEL_EVENTS_MAX][2];       /* [arrival - 1]: author, seq */
    uint64_t n, n_kept;
    bool forget_to_drop_tails;      /* the ablation */
    uint32_t wrong;
    struct {
        uint32_t appends, chunks, folds, folded, aborts, aborted_events, reopens, reads, into_journal, into_segment, beyond_one_window, cut_back, unproved, cached;
    } seen;
};

#define EXPECT(m, condition) ((condition) ? (void)0 : (void)(m)->wrong++)

static void model_add(struct model *m, uint32_t who, const struct gx_event_id *id, uint64_t arrival, bool verified)
{
    uint32_t seq = m->authors[who].row.head_seq;

    assert_true(m->n < MODEL_EVENTS_MAX);
    assert_int_equal(arrival, m->n + 1);
    m->logs[who][seq - 1] = (struct model_event){.id = *id, .arrival = arrival, .verified = verified};
    m->by_arrival[m->n][0] = who;
    m->by_arrival[m->n][1] = seq;
    m->n++;
}

static size_t some_bytes(struct chance *c)
{
    switch (chance_below(c, 40)) {
    case 0:
        return 3000 + chance_below(c, 3000);    /* an overflow page in the journal */
    case 1:
        return 30000 + chance_below(c, 20000);
    default:
        return 1 + chance_below(c, 120);
    }
}

static void step_append(struct model *m)
{
    for (uint32_t n = 1 + chance_below(&m->chance, 12); n > 0 && m->n + 300 < MODEL_EVENTS_MAX; n--) {
        uint32_t who = chance_below(&m->chance, 4);
        for (uint32_t covered = chance_below(&m->chance, 8); covered >= 4; covered--) {
            uint64_t before = author_append_covered(m->txn, &m->authors[who], some_bytes(&m->chance));
            model_add(m, who, &m->authors[who].row.head_id, before, false);
        }
        uint64_t arrival = author_append(m->txn, &m->authors[who], some_bytes(&m->chance));
        model_add(m, who, &m->authors[who].row.head_id, arrival, true);
        m->seen.appends++;
    }
}

static void step_chunk(struct model *m)
{
    uint32_t who = chance_below(&m->chance, 4);
    uint16_t count = (uint16_t)(1 + chance_below(&m->chance, chance_below(&m->chance, 4) == 0 ? 200 : 20));
    uint64_t first;

    if (m->n + 300 >= MODEL_EVENTS_MAX)
        return;
    parcel_make(&parcel, &m->authors[who], count, 1 + chance_below(&m->chance, 100));
    struct gx_log_row before = m->authors[who].row;
    bool all = chance_below(&m->chance, 2) == 0;
    OK(parcel_put(m->txn, &first, &m->authors[who], &parcel, all));
    struct gx_log_row after = m->authors[who].row;
    assert_int_equal(after.head_seq, before.head_seq + count);
    for (uint16_t i = 0; i < count; i++) {
        m->authors[who].row.head_seq = before.head_seq + 1u + i;
        model_add(m, who, &parcel.ids[i], first + i, all || i + 1 == count);
    }
    m->authors[who].row = after;
    m->seen.chunks++;
}

static void step_fold(struct model *m)
{
    uint32_t folded = fold_now(m->txn, m->authors, 4);

    m->seen.folds++;
    m->seen.folded += folded;
    for (size_t i = 0; i < 4; i++)
        EXPECT(m, m->authors[i].row.journal_first == 0);
}

static void end_step(struct model *m)
{
    if (chance_below(&m->chance, 4) == 0) {
        if (m->forget_to_drop_tails)
            m->txn->tails_touched = false;
        gx_txn_abort(&m->txn);
        m->seen.aborts++;
        m->seen.aborted_events += (uint32_t)(m->n - m->n_kept);
        m->n = m->n_kept;
        for (size_t i = 0; i < 4; i++)
            m->authors[i].row = m->kept[i];
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        OK(gx_log_put(m->txn, &m->authors[i].row));
        m->kept[i] = m->authors[i].row;
    }
    OK(gx_txn_commit(&m->txn));
    m->n_kept = m->n;
}

static void step_reopen(struct model *m)
{
    place_close(&m->place);
    OK(place_open(&m->place, (struct gx_store_options){.volatile_store = true}));
    struct gx_txn *txn = begin(&m->place, false);
    struct gx_log_row row = {0};
    for (size_t i = 0; i < 4; i++) {
        OK(gx_log_next(txn, &row, 1, row.lnum));
        EXPECT(m, row.lnum == m->kept[i].lnum && gx_event_id_equal(&row.head_id, &m->kept[i].head_id) && row.journal_first == m->kept[i].journal_first);
        m->authors[i].row = row;
    }
    gx_txn_abort(&txn);
    m->seen.reopens++;
}

/* A segment remembers of its events only whether all were verified: it may know less than we do, never more. */
static bool known_verified(struct model *m, struct gx_txn *txn, uint32_t who, uint32_t seq)
{
    bool verified = m->logs[who][seq - 1].verified;
    struct gx_segment seg;

    if (gx_segment_find(txn, &seg, &m->authors[who].row, seq) != GX_OK)
        return verified;
    bool known = (seg.flags & GX_SEGMENT_ALL) != 0 || (seq == gx_segment_last_seq(&seg) && (seg.flags & GX_SEGMENT_OPEN) == 0);
    EXPECT(m, verified || !known);
    return known;
}

static void look_at_chunk(struct model *m, struct gx_txn *txn, uint32_t who, uint32_t from)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    const struct author *a = &m->authors[who];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    uint32_t max = 1 + chance_below(&m->chance, 256), next = 0, seq = from;
    size_t max_bytes = chance_below(&m->chance, 3) == 0 ? chance_below(&m->chance, 5000) : GX_CHUNK_BYTES_MAX;
    struct gx_chunk chunk = {0};
    struct gx_chunk_iter it;
    struct gx_event ev;

    enum gx_err err = gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, from, max, max_bytes);
    EXPECT(m, err == GX_OK);
    if (err != GX_OK)
        return;
    EXPECT(m, next > from && next <= from + max && (next == from + 1 || w.n <= max_bytes));
    EXPECT(m, gx_chunk_decode(&chunk, gx_wr_span(&w)) == GX_OK && chunk.count == next - from && chunk.first_seq == from);
    gx_chunk_begin(&it, &chunk, &a->group);
    for (; gx_chunk_next(&it, &ev, NULL) == GX_OK; seq++)
        EXPECT(m, gx_event_id_equal(&ev.id, &m->logs[who][seq - 1].id));
    EXPECT(m, seq == next);
    bool any = false;
    for (seq = from; seq < next; seq++)
        any = any || known_verified(m, txn, who, seq);
    EXPECT(m, !any || known_verified(m, txn, who, next - 1));
    m->seen.unproved += !any;
    m->seen.cut_back += next <= a->row.head_seq && !m->logs[who][next - 1].verified;
    if (a->row.journal_first > from && next > a->row.journal_first)
        m->seen.into_journal++;
    if (next - from > 16)
        m->seen.beyond_one_window++;
    uint32_t in_segment = 0;
    struct gx_segment seg;
    if (a->row.journal_first != 0 && from >= a->row.journal_first && gx_segment_from(txn, &seg, &a->row, from + 1) == GX_OK)
        in_segment = seg.first_seq;
    if (in_segment != 0 && gx_segment_find(txn, &seg, &a->row, in_segment - 1) == GX_E_ABSENT && next > in_segment)
        m->seen.into_segment++;
}

/* As a start does: upwards in each log, now of one and now of another; and a step back now and then. */
static void look_from_cache(struct model *m, struct gx_txn *txn)
{
    struct gx_events_cache *cache = gx_events_cache_new();
    uint32_t at[4];

    assert_non_null(cache);
    for (uint32_t who = 0; who < 4; who++)
        at[who] = 1 + chance_below(&m->chance, m->authors[who].row.head_seq + 1);
    for (uint32_t i = 0; i < 60; i++) {
        uint32_t who = chance_below(&m->chance, 4);
        const struct author *a = &m->authors[who];
        struct gx_event ev = {0};

        if (at[who] > a->row.head_seq)
            continue;
        EXPECT(m, gx_events_get_cached(txn, cache, &ev, &a->row, &a->group, at[who]) == GX_OK && gx_event_id_equal(&ev.id, &m->logs[who][at[who] - 1].id));
        m->seen.cached++;
        at[who] = chance_below(&m->chance, 8) == 0 ? 1 + at[who] / 2 : at[who] + 1;
    }
    gx_events_cache_free(cache);
}

static void look(struct model *m, struct gx_txn *txn)
{
    uint32_t who = chance_below(&m->chance, 4), lnum = 0, seq = 0;
    const struct author *a = &m->authors[who];
    struct gx_event ev = {0};
    uint64_t arrival = 0;

    if (a->row.head_seq == 0)
        return;
    m->seen.reads++;
    uint32_t at = 1 + chance_below(&m->chance, a->row.head_seq);
    if (chance_below(&m->chance, 2) == 0 && a->row.head_seq > 40)
        at = a->row.head_seq - chance_below(&m->chance, 40);
    EXPECT(m, gx_events_get(txn, &ev, &a->row, &a->group, at) == GX_OK && gx_event_id_equal(&ev.id, &m->logs[who][at - 1].id));
    EXPECT(m, gx_events_arrival(txn, &arrival, &a->row, at) == GX_OK && arrival == m->logs[who][at - 1].arrival);
    look_at_chunk(m, txn, who, at);
    arrival = 1 + chance_below(&m->chance, (uint32_t)m->n);
    EXPECT(m, gx_events_at(txn, &lnum, &seq, arrival) == GX_OK && lnum == m->authors[m->by_arrival[arrival - 1][0]].row.lnum
                  && seq == m->by_arrival[arrival - 1][1]);
    EXPECT(m, gx_events_at(txn, &lnum, &seq, m->n + 1) == GX_E_ABSENT);
    if (chance_below(&m->chance, 8) == 0)
        look_from_cache(m, txn);
}

static void model_step(struct model *m)
{
    if (m->txn == NULL) {
        if (chance_below(&m->chance, 12) == 0)
            step_reopen(m);
        struct gx_txn *txn = begin(&m->place, false);
        look(m, txn);
        gx_txn_abort(&txn);
        m->txn = begin(&m->place, true);
    }
    switch (chance_below(&m->chance, 16)) {
    case 0: case 1: case 2: case 3: case 4:
        step_append(m);
        break;
    case 5: case 6:
        step_chunk(m);
        break;
    case 7:
        if (chance_below(&m->chance, 4) == 0)
            step_fold(m);
        break;
    case 8: case 9: case 10:
        end_step(m);
        break;
    default:
        look(m, m->txn);
        break;
    }
}

static struct model *model_run(uint64_t seed, uint32_t steps, bool ablation)
{
    struct model *m = calloc(1, sizeof *m);

    assert_non_null(m);
    m->authors = authors;
    m->forget_to_drop_tails = ablation;
    scene_make(&m->place, authors, 4);
    chance_init(&m->chance, seed);
    for (size_t i = 0; i < 4; i++) {
        m->logs[i] = calloc(MODEL_EVENTS_MAX, sizeof *m->logs[i]);
        assert_non_null(m->logs[i]);
        m->kept[i] = authors[i].row;
        authors[i].unsigned_events = ablation;
    }
    for (uint32_t i = 0; i < steps; i++) {
        model_step(m);
        if (m->wrong > 0 && !ablation) {
            print_error("seed %llu step %u\n", (unsigned long long)seed, i);
            break;
        }
    }
    if (m->txn != NULL)
        end_step(m);
    return m;
}

static void model_free(struct model *m)
{
    place_remove(&m->place);
    for (size_t i = 0; i < 4; i++)
        free(m->logs[i]);
    free(m);
}

static void test_any_mix_of_steps_agrees_with_a_plain_model(void **state)
{
    (void)state;

    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct model *m = model_run(seed, 2000, false);
        assert_int_equal(m->wrong, 0);
        assert_true(m->seen.appends > 1000);
        assert_true(m->seen.chunks > 50);
        assert_true(m->seen.folds > 10 && m->seen.folded > 500);
        assert_true(m->seen.aborts > 20 && m->seen.aborted_events > 100);
        assert_true(m->seen.reopens > 5);
        assert_true(m->seen.reads > 500);
        assert_true(m->seen.into_journal > 10);         /* chunks that cross from segments into the journal */
        assert_true(m->seen.into_segment > 10);         /* and from the journal into a later segment */
        assert_true(m->seen.beyond_one_window > 100);
        assert_true(m->seen.cached > 1000);
        assert_true(m->seen.cut_back > 50);             /* chunks that end before events proved only by later ones */
        assert_true(m->seen.unproved > 5);              /* and such where none in reach is proved */
        assert_int_equal(check_clean(&m->place).events, m->n_kept);
        model_free(m);
    }
}

/* The same with one rule broken: what the model cannot notice is not tested. */
static void test_the_model_notices_tails_that_outlive_an_abort(void **state)
{
    uint32_t wrong = 0;
    (void)state;

    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct model *m = model_run(seed, 2000, true);
        wrong += m->wrong;
        model_free(m);
    }
    assert_true(wrong > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrivals_are_dense_and_start_at_1),
        cmocka_unit_test(test_the_next_arrival_is_known_from_the_journal_or_the_row),
        cmocka_unit_test(test_an_append_moves_the_row_and_nothing_else_of_it),
        cmocka_unit_test(test_events_can_be_signed_after_they_were_appended),
        cmocka_unit_test(test_control_events_are_not_counted_as_messages),
        cmocka_unit_test(test_the_largest_event_comes_back_whole),
        cmocka_unit_test(test_an_event_without_its_body_keeps_its_place_and_id),
        cmocka_unit_test(test_what_is_not_held_is_absent),
        cmocka_unit_test(test_a_newcomers_log_begins_after_its_base),
        cmocka_unit_test(test_a_chunk_is_stored_as_received),
        cmocka_unit_test(test_a_chunk_of_one_event_beyond_the_limit_is_stored),
        cmocka_unit_test(test_a_chunk_can_begin_and_end_anywhere),
        cmocka_unit_test(test_a_chunk_keeps_to_its_bytes_but_holds_one_event_at_least),
        cmocka_unit_test(test_a_writer_that_is_nearly_full_gets_what_fits),
        cmocka_unit_test(test_a_segment_proved_by_its_last_event_is_not_cut_when_it_need_not_be),
        cmocka_unit_test(test_a_chunk_from_the_journal_ends_with_a_verified_event),
        cmocka_unit_test(test_the_tail_is_only_as_deep_as_it_was_read),
        cmocka_unit_test(test_an_aborted_transaction_leaves_no_trace_in_the_tail),
        cmocka_unit_test(test_serving_a_long_journal_walks_it_once),
        cmocka_unit_test(test_a_wrong_group_id_is_noticed),
        cmocka_unit_test(test_a_chunk_ends_before_a_bad_event),
        cmocka_unit_test(test_no_event_is_read_out_of_a_segment_as_another),
        cmocka_unit_test(test_what_the_caller_promised_is_asserted),
        cmocka_unit_test(test_any_mix_of_steps_agrees_with_a_plain_model),
        cmocka_unit_test(test_the_model_notices_tails_that_outlive_an_abort),
    };
    return cmocka_run_group_tests_name("store/events", tests, NULL, NULL);
}
