#include "tests/unit/store/support.h"

#include "store/arrival.h"
#include "store/schema.h"
#include "store/segment.h"

static struct author authors[40];
static struct parcel parcel;

/* Arrivals of all events of an author, by reading. */
static void arrivals_of(struct gx_txn *txn, const struct author *a, uint64_t *out)
{
    for (uint32_t seq = a->row.base_seq + 1; seq <= a->row.head_seq; seq++)
        OK(gx_events_arrival(txn, &out[seq - a->row.base_seq - 1], &a->row, seq));
}

static void test_folding_moves_every_event_and_changes_none(void **state)
{
    struct place p;
    static uint64_t before[3][400], after[3][400];
    (void)state;

    scene_make(&p, authors, 3);
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 900; i++)
        author_append(txn, &authors[i % 7 % 3], 20 + i % 50);
    for (size_t i = 0; i < 3; i++)
        arrivals_of(txn, &authors[i], before[i]);
    assert_int_equal(fold_now(txn, authors, 3), 900);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(authors[i].row.journal_first, 0);
        read_all(txn, &authors[i]);
        arrivals_of(txn, &authors[i], after[i]);
        assert_memory_equal(before[i], after[i], authors[i].row.head_seq * sizeof before[0][0]);
    }
    commit(txn);
    assert_int_equal(info_of(&p).journal_events, 0);
    struct gx_check_report report = check_clean(&p);
    assert_int_equal(report.events, 900);
    assert_true(report.segments >= 4);      /* the first author has more than 256 */
    assert_int_equal(report.journal, 0);
    place_remove(&p);
}

static void test_a_short_journal_is_folded_only_when_forced(void **state)
{
    struct place p;
    uint32_t folded = 7;
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, &authors[0], 10);
    OK(gx_log_put(txn, &authors[0].row));
    OK(gx_events_fold(txn, &folded, false, NULL, NULL));
    assert_int_equal(folded, 0);
    OK(gx_events_fold(txn, &folded, true, NULL, NULL));
    assert_int_equal(folded, 1);
    OK(gx_events_fold(txn, &folded, true, NULL, NULL));
    assert_int_equal(folded, 0);
    commit(txn);
    place_remove(&p);
}

static void test_a_full_journal_is_folded_unasked(void **state)
{
    struct place p;
    uint32_t folded;
    struct copies c = {authors, 40, 0};
    (void)state;

    scene_make(&p, authors, 40);
    for (size_t i = 0; i < 40; i++)
        authors[i].unsigned_events = true;
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < GX_JOURNAL_FOLD; i++)
        author_append(txn, &authors[i % 40], 12);
    for (size_t i = 0; i < 40; i++)
        OK(gx_log_put(txn, &authors[i].row));
    commit(txn);
    txn = begin(&p, true);
    OK(gx_events_fold(txn, &folded, false, copy_row, &c));
    assert_int_equal(folded, GX_JOURNAL_FOLD);
    assert_int_equal(c.calls, 40);
    commit(txn);
    txn = begin(&p, false);
    for (size_t i = 0; i < 40; i++) {
        struct gx_event ev;
        OK(gx_events_get(txn, &ev, &authors[i].row, &authors[i].group, 1));
        OK(gx_events_get(txn, &ev, &authors[i].row, &authors[i].group, authors[i].row.head_seq));
    }
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_rows_are_changed_on_disk_and_told(void **state)
{
    struct place p;
    struct gx_log_row row;
    (void)state;

    scene_make(&p, authors, 2);
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, &authors[0], 10);
    OK(gx_log_put(txn, &authors[0].row));
    struct copies c = {authors, 2, 0};
    uint32_t folded;
    OK(gx_events_fold(txn, &folded, true, copy_row, &c));
    assert_int_equal(c.calls, 1);           /* the second author has no event in the journal */
    OK(gx_log_next(txn, &row, 1, 0));
    assert_memory_equal(&row.head_id, &authors[0].row.head_id, sizeof row.head_id);
    assert_int_equal(row.journal_first, 0);
    assert_int_equal(authors[0].row.journal_first, 0);
    commit(txn);
    place_remove(&p);
}

/* ---- shapes of segments ---- */

static uint32_t count_segments(struct gx_txn *txn)
{
    return (uint32_t)gx_table_rows(txn, GX_TABLE_SEGMENT);
}

static void test_a_segment_holds_at_most_256_events(void **state)
{
    struct place p;
    struct gx_segment seg;
    (void)state;

    scene_make(&p, authors, 1);
    authors[0].bare_events = true;
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 300; i++)
        author_append(txn, &authors[0], 10);
    fold_now(txn, authors, 1);
    assert_int_equal(count_segments(txn), 2);
    OK(gx_segment_find(txn, &seg, &authors[0].row, 256));
    assert_int_equal(seg.count, 256);
    assert_int_equal(seg.flags, GX_SEGMENT_ALL | GX_SEGMENT_RUN);
    OK(gx_segment_find(txn, &seg, &authors[0].row, 257));
    assert_int_equal(seg.count, 44);
    assert_int_equal(seg.prev_arrival, 256);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* So that each can be sent as one chunk. */
static void test_a_segment_and_a_chunk_header_fit_64_kib(void **state)
{
    struct place p;
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 60; i++)
        author_append(txn, a, 5000 + 37 * i);
    author_append(txn, a, GX_TEXT_BYTES_MAX);
    author_append(txn, a, GX_TEXT_BYTES_MAX);
    fold_now(txn, authors, 1);
    uint32_t segments = 0;
    for (uint32_t seq = 1; seq <= a->row.head_seq; segments++) {
        struct gx_segment seg;
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        uint32_t next;
        OK(gx_segment_find(txn, &seg, &a->row, seq));
        assert_int_equal(seg.first_seq, seq);
        assert_true(seg.records.n + GX_CHUNK_HEADER_BYTES <= GX_CHUNK_BYTES_MAX);
        OK(gx_events_read_chunk(txn, &w, &next, &a->row, &a->group, seq, 256, GX_CHUNK_BYTES_MAX));
        assert_int_equal(next, gx_segment_last_seq(&seg) + 1);
        seq = next;
    }
    assert_int_equal(segments, count_segments(txn));
    assert_true(segments >= 6);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_chunk_between_events_parts_their_segments(void **state)
{
    struct place p;
    struct gx_segment seg;
    uint64_t first;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, a, 10);
    author_append(txn, a, 10);
    parcel_make(&parcel, a, 30, 10);
    OK(parcel_put(txn, &first, a, &parcel, false));
    author_append(txn, a, 10);
    assert_int_equal(a->row.journal_first, 1);
    assert_int_equal(fold_now(txn, authors, 1), 3);
    assert_int_equal(count_segments(txn), 3);
    OK(gx_segment_find(txn, &seg, &a->row, 2));
    assert_true(gx_event_id_equal(&seg.last_id, &parcel.chunk.prev));
    OK(gx_segment_find(txn, &seg, &a->row, 33));
    assert_int_equal(seg.first_seq, 33);
    assert_int_equal(seg.prev_arrival, 32);
    read_all(txn, a);
    commit(txn);
    check_clean(&p);
    place_remove(&p);
}

/* A segment that ended with an event which only a later one proves would be a chunk without proof. */
static void test_a_segment_ends_with_a_verified_event(void **state)
{
    struct place p;
    struct gx_segment seg;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    a->bare_events = true;
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 250; i++)
        author_append(txn, a, 10);
    for (size_t i = 0; i < 9; i++)
        author_append_covered(txn, a, 10);
    author_append(txn, a, 10);
    for (size_t i = 0; i < 300; i++)
        author_append_covered(txn, a, 10);
    author_append(txn, a, 10);
    author_append(txn, a, 10);
    assert_int_equal(fold_now(txn, authors, 1), 562);
    static const struct {
        uint32_t first, count;
        uint8_t flags;
    } expected[] = {{1, 250, GX_SEGMENT_ALL}, {251, 10, 0}, {261, 256, GX_SEGMENT_OPEN}, {517, 46, 0}};
    assert_int_equal(count_segments(txn), GX_ARRAY_LEN(expected));
    for (size_t i = 0; i < GX_ARRAY_LEN(expected); i++) {
        OK(gx_segment_find(txn, &seg, &a->row, expected[i].first));
        assert_int_equal(seg.first_seq, expected[i].first);
        assert_int_equal(seg.count, expected[i].count);
        assert_int_equal(seg.flags, expected[i].flags | GX_SEGMENT_RUN);
    }
    read_all(txn, a);
    commit(txn);
    check_clean(&p);
    place_remove(&p);
}

/* Deltas of arrivals are two bytes: a quiet log beside a catch-up gets a new segment rather than a wrong number. */
static void test_events_far_apart_in_arrival_lie_in_different_segments(void **state)
{
    struct place p;
    uint64_t arrival, first, apart;
    (void)state;

    scene_make(&p, authors, 2);
    authors[1].unsigned_events = authors[1].bare_events = true;
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, &authors[0], 10);
    for (size_t i = 0; i < 256; i++) {
        parcel_make(&parcel, &authors[1], 256, 1);
        OK(parcel_put(txn, &first, &authors[1], &parcel, true));
    }
    apart = author_append(txn, &authors[0], 10);
    assert_true(apart > GX_SEGMENT_ARRIVALS_MAX);
    author_append(txn, &authors[0], 10);
    assert_int_equal(fold_now(txn, authors, 2), 3);
    OK(gx_events_arrival(txn, &arrival, &authors[0].row, 1));
    assert_int_equal(arrival, 1);
    OK(gx_events_arrival(txn, &arrival, &authors[0].row, 2));
    assert_int_equal(arrival, apart);
    assert_int_equal(count_segments(txn), 256 + 2);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- arrivals ---- */

static void test_every_number_finds_its_event_before_and_after(void **state)
{
    struct place p;
    static uint32_t places[1700][2];
    uint64_t first;
    uint32_t n = 0;
    (void)state;

    scene_make(&p, authors, 3);
    struct gx_txn *txn = begin(&p, true);
    while (n < 1600) {
        if (n % 700 == 650) {
            parcel_make(&parcel, &authors[1], 50, 10);
            OK(parcel_put(txn, &first, &authors[1], &parcel, true));
            for (uint32_t i = 0; i < 50; i++, n++) {
                places[n][0] = authors[1].row.lnum;
                places[n][1] = parcel.chunk.first_seq + i;
            }
            continue;
        }
        struct author *a = &authors[n % 3];
        author_append(txn, a, 10);
        places[n][0] = a->row.lnum;
        places[n++][1] = a->row.head_seq;
    }
    for (int after = 0; after <= 1; after++) {
        uint32_t lnum, seq;
        for (uint32_t i = 0; i < n; i++) {
            OK(gx_events_at(txn, &lnum, &seq, i + 1));
            assert_int_equal(lnum, places[i][0]);
            assert_int_equal(seq, places[i][1]);
        }
        assert_int_equal(gx_events_at(txn, &lnum, &seq, n + 1), GX_E_ABSENT);
        if (after == 0)
            fold_now(txn, authors, 3);
    }
    /* 650 events make two blocks, then a run, and so on: rows are few. */
    assert_true(gx_table_rows(txn, GX_TABLE_ARRIVAL) <= 8);
    commit(txn);
    check_clean(&p);
    place_remove(&p);
}

/* ---- mistakes and damage ---- */

/* A row that the caller forgot to put would lose the end of its log. */
static void test_a_row_that_lags_behind_the_journal_stops_the_fold(void **state)
{
    struct place p;
    uint32_t folded;
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, &authors[0], 10);
    OK(gx_log_put(txn, &authors[0].row));
    author_append(txn, &authors[0], 10);
    assert_int_equal(gx_events_fold(txn, &folded, true, NULL, NULL), GX_E_CORRUPT);
    assert_int_equal(gx_txn_commit(&txn), GX_E_CORRUPT);
    assert_null(txn);
    place_remove(&p);
}

static void test_a_new_log_whose_row_was_not_put_stops_the_fold(void **state)
{
    struct place p;
    uint32_t folded;
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    author_make(&authors[1], 9, 1, GX_LOG_MESSAGES);
    OK(gx_log_new_number(txn, &authors[1].row.lnum));
    author_append(txn, &authors[1], 10);
    assert_int_equal(gx_events_fold(txn, &folded, true, NULL, NULL), GX_E_CORRUPT);
    assert_int_equal(gx_txn_commit(&txn), GX_E_CORRUPT);
    place_remove(&p);
}

static void test_events_of_a_forgotten_group_are_dropped_and_their_numbers_lead_nowhere(void **state)
{
    struct place p;
    uint32_t lnum, seq;
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    group_put(txn, 2);
    author_make(&authors[1], 2, 2, GX_LOG_MESSAGES);
    author_register(txn, &authors[1]);
    author_append(txn, &authors[0], 10);
    author_append(txn, &authors[1], 10);
    author_append(txn, &authors[0], 10);
    OK(gx_log_put(txn, &authors[1].row));
    OK(gx_log_put(txn, &authors[0].row));
    OK(gx_group_forget(txn, 2));
    commit(txn);
    check_clean(&p);

    txn = begin(&p, true);
    assert_int_equal(fold_now(txn, authors, 1), 3);
    assert_int_equal(count_segments(txn), 1);
    OK(gx_events_at(txn, &lnum, &seq, 1));
    assert_int_equal(gx_events_at(txn, &lnum, &seq, 2), GX_E_ABSENT);
    OK(gx_events_at(txn, &lnum, &seq, 3));
    assert_int_equal(seq, 2);
    commit(txn);
    check_clean(&p);
    place_remove(&p);
}

/* The fold hashes nothing: what was bad before is bad after, alone, and everything else is moved. */
static void test_a_bad_record_is_folded_and_noticed_when_read(void **state)
{
    struct place p;
    struct gx_event ev;
    struct gx_span value;
    static uint8_t copy[4096];
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 40; i++)
        author_append(txn, a, 10);
    struct gx_key key = gx_key_u64(20);
    OK(gx_table_get(txn, &value, GX_TABLE_JOURNAL, &key));
    memcpy(copy, value.p, value.n);
    copy[value.n - 1] ^= 0x10;
    OK(gx_table_put(txn, GX_TABLE_JOURNAL, &key, gx_span(copy, value.n)));
    assert_int_equal(gx_events_get(txn, &ev, &a->row, &a->group, 20), GX_E_CORRUPT);
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 21));
    assert_int_equal(fold_now(txn, authors, 1), 40);
    assert_int_equal(gx_events_get(txn, &ev, &a->row, &a->group, 20), GX_E_CORRUPT);
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 16));
    OK(gx_events_get(txn, &ev, &a->row, &a->group, 33));
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_an_aborted_fold_leaves_the_journal_as_it_was(void **state)
{
    struct place p;
    (void)state;

    scene_make(&p, authors, 1);
    struct author *a = &authors[0];
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 40; i++)
        author_append(txn, a, 10);
    OK(gx_log_put(txn, &a->row));
    commit(txn);
    struct gx_log_row kept = a->row;
    txn = begin(&p, true);
    fold_now(txn, authors, 1);
    gx_txn_abort(&txn);
    a->row = kept;
    assert_int_equal(info_of(&p).journal_events, 40);
    txn = begin(&p, true);
    read_all(txn, a);
    author_append(txn, a, 10);
    OK(gx_log_put(txn, &a->row));
    commit(txn);
    check_clean(&p);
    place_remove(&p);
}

/* Fold after fold the file stops growing: freed pages are used again. */
static void test_the_pages_of_a_folded_journal_are_used_again(void **state)
{
    struct place p;
    struct stat st;
    off_t sizes[12];
    (void)state;

    scene_make(&p, authors, 3);
    for (size_t round = 0; round < GX_ARRAY_LEN(sizes); round++) {
        for (size_t batch = 0; batch < 10; batch++) {
            struct gx_txn *txn = begin(&p, true);
            for (size_t i = 0; i < 60; i++)
                author_append(txn, &authors[i % 3], 100);
            for (size_t i = 0; i < 3; i++)
                OK(gx_log_put(txn, &authors[i].row));
            if (batch == 9)
                fold_now(txn, authors, 3);
            commit(txn);
        }
        assert_int_equal(stat(p.file, &st), 0);
        sizes[round] = st.st_size;
    }
    uint64_t per_round = info_of(&p).used_bytes / GX_ARRAY_LEN(sizes);
    assert_true((uint64_t)(sizes[11] - sizes[3]) < 8 * per_round * 2);
    assert_true((uint64_t)sizes[11] < 3 * info_of(&p).used_bytes);
    check_clean(&p);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folding_moves_every_event_and_changes_none),
        cmocka_unit_test(test_a_short_journal_is_folded_only_when_forced),
        cmocka_unit_test(test_a_full_journal_is_folded_unasked),
        cmocka_unit_test(test_rows_are_changed_on_disk_and_told),
        cmocka_unit_test(test_a_segment_holds_at_most_256_events),
        cmocka_unit_test(test_a_segment_and_a_chunk_header_fit_64_kib),
        cmocka_unit_test(test_a_chunk_between_events_parts_their_segments),
        cmocka_unit_test(test_a_segment_ends_with_a_verified_event),
        cmocka_unit_test(test_events_far_apart_in_arrival_lie_in_different_segments),
        cmocka_unit_test(test_every_number_finds_its_event_before_and_after),
        cmocka_unit_test(test_a_row_that_lags_behind_the_journal_stops_the_fold),
        cmocka_unit_test(test_a_new_log_whose_row_was_not_put_stops_the_fold),
        cmocka_unit_test(test_events_of_a_forgotten_group_are_dropped_and_their_numbers_lead_nowhere),
        cmocka_unit_test(test_a_bad_record_is_folded_and_noticed_when_read),
        cmocka_unit_test(test_an_aborted_fold_leaves_the_journal_as_it_was),
        cmocka_unit_test(test_the_pages_of_a_folded_journal_are_used_again),
    };
    return cmocka_run_group_tests_name("store/fold", tests, NULL, NULL);
}
