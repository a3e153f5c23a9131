#include "tests/unit/store/support.h"

#include "store/keys.h"
#include "store/schema.h"

static struct author authors[4];
static struct parcel parcel;

static void put_rows(struct gx_txn *txn, size_t n)
{
    for (size_t i = 0; i < n; i++)
        OK(gx_log_put(txn, &authors[i].row));
}

static void put_chunk(struct gx_txn *txn, struct author *a, uint16_t count)
{
    uint64_t first;

    parcel_make(&parcel, a, count, 20);
    OK(parcel_put(txn, &first, a, &parcel, true));
}

static void drop(struct gx_txn *txn, struct author *a)
{
    OK(gx_events_drop(txn, &a->row, &a->group));
    OK(gx_log_put(txn, &a->row));
}

static void give_key(struct gx_txn *txn, uint64_t arrival)
{
    OK(gx_message_key_put(txn, 1, arrival, &(struct gx_message_key){{(uint8_t)arrival, 1}}));
}

static enum gx_err key_of(struct gx_txn *txn, uint64_t arrival)
{
    struct gx_message_key key;
    enum gx_err err = gx_message_key_get(txn, &key, 1, arrival);

    assert_true(err != GX_OK || key.b[0] == (uint8_t)arrival);
    return err;
}

/* What is left of the log links to the new base, and what is gone is not there by any way. */
static void test_a_segment_is_dropped_with_its_numbers_and_its_keys(void **state)
{
    struct place p;
    struct author *a = &authors[0];
    struct gx_event ev;
    struct gx_oldest oldest;
    uint32_t lnum, seq;
    uint64_t bytes;
    (void)state;

    scene_make(&p, authors, 2);
    struct gx_txn *txn = begin(&p, true);
    put_chunk(txn, a, 100);
    author_append(txn, &authors[1], 20);
    put_chunk(txn, a, 50);
    for (uint64_t arrival = 1; arrival <= 151; arrival++)
        give_key(txn, arrival);
    put_rows(txn, 2);
    commit(txn);
    check_clean(&p);
    txn = begin(&p, true);
    bytes = a->row.bytes;
    OK(gx_events_oldest(txn, &oldest, &a->row));
    assert_int_equal(oldest.last_seq, 100);
    assert_int_equal(oldest.last_arrival, 100);
    drop(txn, a);
    assert_int_equal(a->row.base_seq, 100);
    assert_int_equal(a->row.begun_seq, 0);
    assert_int_equal(a->row.n_messages, 50);
    assert_int_equal(a->row.bytes + oldest.bytes, bytes);
    read_all(txn, a);
    assert_int_equal(gx_events_get(txn, &ev, &a->row, &a->group, 100), GX_E_ABSENT);
    for (uint64_t arrival = 1; arrival <= 100; arrival++) {
        assert_int_equal(gx_events_at(txn, &lnum, &seq, arrival), GX_E_ABSENT);
        assert_int_equal(key_of(txn, arrival), GX_E_ABSENT);
    }
    for (uint64_t arrival = 101; arrival <= 151; arrival++) {
        OK(gx_events_at(txn, &lnum, &seq, arrival));
        OK(key_of(txn, arrival));
    }
    commit(txn);
    assert_int_equal(check_clean(&p).dropped, 100);
    place_remove(&p);
}

/* The numbers of a folded segment lie in blocks, between those of others. */
static void test_numbers_of_others_in_the_same_block_stay(void **state)
{
    struct place p;
    struct author *a = &authors[0], *b = &authors[1];
    uint32_t lnum, seq;
    (void)state;

    scene_make(&p, authors, 2);
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < 300; i++) {
        give_key(txn, author_append(txn, a, 20));
        give_key(txn, author_append(txn, b, 20));
    }
    fold_now(txn, authors, 2);
    author_append(txn, a, 20);
    put_rows(txn, 2);
    drop(txn, a);
    assert_int_equal(a->row.base_seq, 250);         /* so many fit 64 KiB */
    commit(txn);
    check_clean(&p);
    txn = begin(&p, true);
    for (uint64_t arrival = 1; arrival <= 600; arrival++) {
        bool gone = arrival % 2 == 1 && arrival <= 500;

        assert_int_equal(gx_events_at(txn, &lnum, &seq, arrival), gone ? GX_E_ABSENT : GX_OK);
        assert_int_equal(key_of(txn, arrival), gone ? GX_E_ABSENT : GX_OK);
    }
    drop(txn, b);
    /* Now the first block leads to nothing. */
    uint64_t blocks = gx_table_rows(txn, GX_TABLE_ARRIVAL);
    commit(txn);
    assert_int_equal(blocks, 1);
    assert_int_equal(check_clean(&p).dropped, 500);
    place_remove(&p);
}

static void test_what_lies_in_the_journal_stays_until_it_is_folded(void **state)
{
    struct place p;
    struct author *a = &authors[0];
    struct gx_oldest oldest;
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    assert_int_equal(gx_events_oldest(txn, &oldest, &a->row), GX_E_ABSENT);     /* nothing is held */
    for (size_t i = 0; i < 10; i++)
        author_append(txn, a, 20);
    put_chunk(txn, a, 10);
    put_rows(txn, 1);
    struct gx_log_row before = a->row;
    assert_int_equal(gx_events_oldest(txn, &oldest, &a->row), GX_E_ABSENT);
    assert_int_equal(gx_events_drop(txn, &a->row, &a->group), GX_E_ABSENT);
    assert_memory_equal(&before, &a->row, sizeof before);
    fold_now(txn, authors, 1);
    drop(txn, a);
    assert_int_equal(a->row.base_seq, 10);
    read_all(txn, a);
    commit(txn);
    check_clean(&p);
    place_remove(&p);
}

/* Behind the base lies a journal: its first event names one that is gone. */
static void test_a_journal_behind_what_was_dropped_is_read_and_folded(void **state)
{
    struct place p;
    struct author *a = &authors[0];
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    put_chunk(txn, a, 40);
    for (size_t i = 0; i < 10; i++)
        author_append(txn, a, 20);
    put_rows(txn, 1);
    drop(txn, a);
    read_all(txn, a);
    commit(txn);
    check_clean(&p);
    txn = begin(&p, true);
    fold_now(txn, authors, 1);
    read_all(txn, a);
    commit(txn);
    check_clean(&p);
    place_remove(&p);
}

static void test_what_was_read_is_counted_of_what_is_left(void **state)
{
    static const struct {
        uint32_t read_seq, left;
    } cases[] = {{0, 0}, {10, 0}, {30, 0}, {35, 5}, {60, 30}};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        struct place p;
        struct author *a = &authors[0];

        scene_make(&p, authors, 1);
        struct gx_txn *txn = begin(&p, true);
        put_chunk(txn, a, 30);
        put_chunk(txn, a, 30);
        a->row.read_seq = a->row.read_messages = cases[i].read_seq;
        put_rows(txn, 1);
        drop(txn, a);
        assert_int_equal(a->row.read_messages, cases[i].left);
        assert_int_equal(a->row.read_seq, cases[i].read_seq);
        commit(txn);
        check_clean(&p);
        place_remove(&p);
    }
}

/* Of an event that does not hash to its id the tick is not believed, and without one there is no base. */
static void test_a_log_whose_new_base_is_bad_stays_as_it_is(void **state)
{
    struct place p;
    struct author *a = &authors[0];
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    put_chunk(txn, a, 30);
    put_chunk(txn, a, 30);
    put_rows(txn, 1);
    commit(txn);
    txn = begin(&p, true);
    struct gx_key key = gx_key_u32x3(1, a->row.lnum, 1);
    struct gx_span value;
    static uint8_t copy[GX_CHUNK_BYTES_MAX];
    OK(gx_table_get(txn, &value, GX_TABLE_SEGMENT, &key));
    memcpy(copy, value.p, value.n);
    copy[value.n - 1] ^= 1;
    OK(gx_table_put(txn, GX_TABLE_SEGMENT, &key, gx_span(copy, value.n)));
    struct gx_log_row before = a->row;
    assert_int_equal(gx_events_drop(txn, &a->row, &a->group), GX_E_CORRUPT);
    assert_memory_equal(&before, &a->row, sizeof before);
    commit(txn);        /* nothing was spoilt */
    place_remove(&p);
}

static void test_an_aborted_drop_leaves_all_as_it_was(void **state)
{
    struct place p;
    struct author *a = &authors[0];
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    put_chunk(txn, a, 30);
    put_chunk(txn, a, 30);
    put_rows(txn, 1);
    commit(txn);
    struct gx_log_row before = a->row;
    txn = begin(&p, true);
    drop(txn, a);
    gx_txn_abort(&txn);
    a->row = before;
    assert_int_equal(check_clean(&p).events, 60);
    place_remove(&p);
}

static void drop_all(void)
{
    struct place p;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    put_chunk(txn, &authors[0], 30);
    OK(gx_events_drop(txn, &authors[0].row, &authors[0].group));
}

static void test_the_newest_event_is_never_dropped(void **state)
{
    (void)state;
    assert_true(aborts(drop_all));
}

/* Four authors, chunks, folds, restarts and drops as chance has it: whatever is there is whole. */
static void test_a_store_that_drops_for_long_stays_sound(void **state)
{
    struct place p;
    struct chance c;
    uint64_t written = 0, dropped = 0;
    (void)state;

    chance_init(&c, 7);
    scene_make(&p, authors, 4);
    for (size_t round = 0; round < 400; round++) {
        struct gx_txn *txn = begin(&p, true);
        struct author *a = &authors[chance_below(&c, 4)];

        if (chance_below(&c, 3) == 0) {
            put_chunk(txn, a, (uint16_t)(1 + chance_below(&c, 40)));
        } else {
            for (uint32_t n = 1 + chance_below(&c, 20); n > 0; n--)
                author_append(txn, &authors[chance_below(&c, 4)], 20);
        }
        for (size_t i = 0; i < 4; i++)
            authors[i].row.read_messages = authors[i].row.read_seq > authors[i].row.base_seq ? authors[i].row.read_seq - authors[i].row.base_seq : 0;
        if (chance_below(&c, 5) == 0) {
            a->row.read_seq = a->row.head_seq;
            a->row.read_messages = a->row.n_messages;
        }
        put_rows(txn, 4);
        if (chance_below(&c, 10) == 0)
            fold_now(txn, authors, 4);
        for (size_t i = 0; i < 4; i++) {
            struct gx_oldest oldest;

            while (authors[i].row.n_messages > 200 && gx_events_oldest(txn, &oldest, &authors[i].row) == GX_OK && oldest.last_seq < authors[i].row.head_seq)
                drop(txn, &authors[i]);
        }
        commit(txn);
        if (round % 20 == 19) {
            struct gx_check_report report = check_clean(&p);

            written = report.events + report.dropped;
            dropped = report.dropped;
        }
    }
    assert_true(written > 3000 && dropped > 2000);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_segment_is_dropped_with_its_numbers_and_its_keys),
        cmocka_unit_test(test_numbers_of_others_in_the_same_block_stay),
        cmocka_unit_test(test_what_lies_in_the_journal_stays_until_it_is_folded),
        cmocka_unit_test(test_a_journal_behind_what_was_dropped_is_read_and_folded),
        cmocka_unit_test(test_what_was_read_is_counted_of_what_is_left),
        cmocka_unit_test(test_a_log_whose_new_base_is_bad_stays_as_it_is),
        cmocka_unit_test(test_an_aborted_drop_leaves_all_as_it_was),
        cmocka_unit_test(test_the_newest_event_is_never_dropped),
        cmocka_unit_test(test_a_store_that_drops_for_long_stays_sound),
    };
    return cmocka_run_group_tests_name("store/retain", tests, NULL, NULL);
}
