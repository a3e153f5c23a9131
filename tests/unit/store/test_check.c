#include "tests/unit/store/support.h"

#include <sys/mman.h>

#include "store/journal.h"
#include "store/keys.h"
#include "store/people.h"
#include "store/schema.h"
#include "store/wrap.h"
#include "store/segment.h"

static struct author talker, second, owner;
static struct parcel parcel;

/* One control event and its op. */
static void put_control(struct gx_txn *txn, struct author *a, uint32_t cnum)
{
    struct gx_op_row op = {.lnum = a->row.lnum, .depth = cnum};

    op.arrival = author_append(txn, a, 8);
    op.seq = a->row.head_seq;
    op.id = a->row.head_id;
    OK(gx_op_put(txn, a->row.gnum, cnum, &op));
}

static void put_row(struct gx_txn *txn, struct author *a)
{
    OK(gx_log_put(txn, &a->row));
}

static void copy_rows(void *ctx, const struct gx_log_row *row)
{
    struct author *all[] = {&talker, &second, &owner};
    (void)ctx;

    for (size_t i = 0; i < GX_ARRAY_LEN(all); i++)
        if (all[i]->row.lnum == row->lnum)
            all[i]->row = *row;
}

/* A store with a little of everything: chunks proved wholly and by their last event, folded segments with and without gaps, a journal with a
 * chunk between, control events, two groups, rows of every table. */
static void little_of_everything(struct place *p)
{
    struct gx_event_id token = {{4}};
    struct gx_invite_row invite = {.token = token, .hint = {.family = 4, .ip = {127, 0, 0, 1}, .port = 9}};
    struct gx_addr addr = {.family = 4, .ip = {10, 0, 0, 1}, .port = 7447};
    struct gx_endpoint endpoint = {.counter = 1};
    struct gx_join_row join = {.alias_bytes = 2, .alias = "ab"};
    struct gx_contact_row contact = {.flags = GX_CONTACT_ASKS, .n_addrs = 1, .addrs = {addr}, .name_bytes = 3, .name = "mei"};
    struct gx_asked_row asked = {.contact = {{1}}, .inviter = {{2}}};
    struct gx_invited_row invited = {.contact = {{1}}, .inviter = {{3}}, .title_bytes = 2, .title = "ab"};
    struct gx_epoch_row epoch = {.state = GX_EPOCH_OPEN, .gate = {{1}}, .n_chains = 2};
    struct gx_chain_row chains[] = {{.log = {{1}}, .next = 3}, {.log = {{2}}}};
    struct gx_prekey_row prekey = {.pk = {{6}}, .sk = {{7}}, .since_ms = 1};
    struct gx_message_key mk = {{8}};
    uint64_t first;
    uint32_t folded;

    place_fresh(p);
    struct gx_txn *txn = begin(p, true);
    group_put(txn, 1);
    group_put(txn, 2);
    author_make(&talker, 1, 1, GX_LOG_MESSAGES);
    author_make(&second, 2, 2, GX_LOG_MESSAGES);
    author_make(&owner, 1, 1, GX_LOG_CONTROL);
    author_register(txn, &talker);
    author_register(txn, &second);
    author_register(txn, &owner);
    parcel_make(&parcel, &talker, 20, 30);
    OK(parcel_put(txn, &first, &talker, &parcel, true));
    put_control(txn, &owner, 0);
    for (size_t i = 0; i < 5; i++) {
        author_append(txn, &talker, 30);
        author_append(txn, &second, 30);
    }
    put_control(txn, &owner, 1);
    put_row(txn, &talker);
    put_row(txn, &second);
    put_row(txn, &owner);
    OK(gx_events_fold(txn, &folded, true, copy_rows, NULL));
    assert_int_equal(folded, 12);
    author_append(txn, &talker, 30);
    parcel_make(&parcel, &talker, 18, 30);
    OK(parcel_put(txn, &first, &talker, &parcel, false));
    author_append(txn, &talker, 30);
    author_append(txn, &second, 30);
    put_control(txn, &owner, 2);
    talker.row.read_seq = 10;
    talker.row.read_messages = 10;
    put_row(txn, &talker);
    put_row(txn, &second);
    put_row(txn, &owner);
    OK(gx_invite_put(txn, 1, &invite));
    OK(gx_manual_put(txn, &addr));
    OK(gx_door_put(txn, &token, 99));
    OK(gx_endpoint_put(txn, 1, &endpoint));
    OK(gx_held_put(txn, talker.row.lnum, &(struct gx_held_row){.device = talker.row.device, .seq = 5}));
    OK(gx_join_put(txn, 2, &join));
    OK(gx_knows_put(txn, talker.row.lnum, 1, 2));
    OK(gx_contact_put(txn, &contact));
    OK(gx_asked_put(txn, 2, &asked));
    OK(gx_offered_put(txn, 1, &asked.contact, 9));
    OK(gx_invited_put(txn, &invited));
    OK(gx_revealed_put(txn, 1, &asked.inviter, &asked.contact));
    OK(gx_told_put(txn, &(struct gx_told_row){.contact = {{1}}, .member = {{5}}}));
    OK(gx_epoch_put(txn, 1, 1, &epoch, chains));
    OK(gx_prekey_put(txn, 1, &prekey));
    OK(gx_kept_put(txn, 1, 1, &chains[0].log, 2, &mk));
    OK(gx_message_key_put(txn, 1, 3, &mk));
    OK(gx_message_key_put(txn, 1, first, &mk));
    OK(gx_locked_put(txn, 1, talker.row.lnum, &(struct gx_locked_row){.first = 2, .last = 4}));
    commit(txn);
}

static void test_a_sound_store_has_no_problems_and_is_counted(void **state)
{
    struct place p;
    (void)state;

    little_of_everything(&p);
    struct gx_check_report r = check_clean(&p);
    assert_int_equal(r.groups, 2);
    assert_int_equal(r.logs, 3);
    assert_int_equal(r.events, 20 + 5 + 5 + 2 + 1 + 18 + 1 + 1 + 1);
    assert_int_equal(r.segments, 5);
    assert_int_equal(r.journal, 4);
    assert_int_equal(r.ops, 3);
    place_remove(&p);
}

static void test_an_empty_store_has_no_problems(void **state)
{
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_check_report r = check_clean(&p);
    assert_int_equal(r.groups + r.logs + r.events + r.segments + r.journal + r.ops, 0);
    place_remove(&p);
}

/* ---- damage to one value, looked at within a transaction that is then undone ---- */

static uint64_t problems_in(struct gx_txn *txn)
{
    struct gx_check_report r;

    OK(gx_store_check(txn, &r, NULL, NULL));
    return r.problems + r.covered_unsigned;
}

struct row {
    struct gx_key key;
    uint8_t value[16384];
    size_t n;
};

/* Copies of all rows of a table. */
static size_t rows_of(struct place *p, enum gx_table t, struct row *rows, size_t max)
{
    struct gx_txn *txn = begin(p, false);
    struct gx_scan scan;
    struct gx_span key, value;
    size_t n = 0;

    OK(gx_scan_begin(&scan, txn, t));
    while (gx_scan_next(&scan, &key, &value) == GX_OK) {
        OK(gx_wrap_open(txn, &value, t, key, value));
        assert_true(n < max && key.n <= sizeof rows[n].key.b && value.n <= sizeof rows[n].value);
        memcpy(rows[n].key.b, key.p, key.n);
        rows[n].key.n = key.n;
        if (value.n > 0)
            memcpy(rows[n].value, value.p, value.n);
        rows[n++].n = value.n;
    }
    gx_scan_end(&scan);
    gx_txn_abort(&txn);
    return n;
}

static uint64_t problems_with(struct place *p, enum gx_table t, const struct row *row)
{
    struct gx_txn *txn = begin(p, true);

    OK(gx_table_put(txn, t, &row->key, gx_span(row->value, row->n)));
    if (t == GX_TABLE_META) {       /* read when a transaction begins, which one of zeroes prevents */
        commit(txn);
        if (gx_txn_begin(&txn, p->store, true) == GX_E_CORRUPT)
            return 1;
    }
    uint64_t problems = problems_in(txn);
    gx_txn_abort(&txn);
    return problems;
}

/* SCHEMA §5: what cannot be derived. */
static bool cannot_be_known(enum gx_table t, const struct row *row, size_t at, uint8_t bit)
{
    if (t == GX_TABLE_LOG && row->value[16] == GX_LOG_CONTROL && at >= 193 && at < 197)
        return true;                                    /* read_seq, where there are no messages */
    if (t == GX_TABLE_LOG)
        return at >= 125 && at < 133;                   /* base_tick */
    if (t == GX_TABLE_JOURNAL)
        return at == 12 && bit == GX_JOURNAL_VERIFIED;
    if (t == GX_TABLE_SEGMENT)
        return at == 2 && bit != GX_SEGMENT_RUN && bit <= GX_SEGMENT_OPEN;
    if (t == GX_TABLE_KEY)
        return at >= 8;                                 /* the keys; which events they are of is said before */
    /* format and uuid; next_gnum and next_lnum may be too high */
    return t == GX_TABLE_META && (row->n != 24 || (at >= 8 && at < 16));
}

static struct row rows[64];

static void flip_bits(enum gx_table t, uint32_t tries_a_row, uint32_t at_least)
{
    struct place p;
    struct chance c;
    uint32_t flips = 0;

    chance_init(&c, t);
    little_of_everything(&p);
    size_t n = rows_of(&p, t, rows, GX_ARRAY_LEN(rows));
    for (size_t i = 0; i < n; i++) {
        struct row *row = &rows[i];
        for (uint32_t k = 0; k < tries_a_row; k++) {
            size_t at = tries_a_row >= row->n ? k % row->n : chance_below(&c, (uint32_t)row->n);
            uint8_t bit = (uint8_t)(1u << chance_below(&c, 8));
            if (cannot_be_known(t, row, at, bit))
                continue;
            row->value[at] ^= bit;
            uint64_t problems = problems_with(&p, t, row);
            if (problems == 0)
                print_error("table %s row %zu byte %zu of %zu bit %#x went unnoticed\n", gx_table_name(t), i, at, row->n, bit);
            assert_true(problems > 0);
            row->value[at] ^= bit;
            assert_true(flips++ < 1u << 20);
        }
    }
    assert_true(flips >= at_least);
    if (t != GX_TABLE_META)
        check_clean(&p);
    place_remove(&p);
}

static void test_a_flipped_bit_of_a_segment_is_noticed(void **state)
{
    (void)state;
    flip_bits(GX_TABLE_SEGMENT, 80, 350);
}

static void test_a_flipped_bit_of_the_journal_is_noticed(void **state)
{
    (void)state;
    flip_bits(GX_TABLE_JOURNAL, 70, 250);
}

static void test_a_flipped_bit_of_a_log_row_is_noticed(void **state)
{
    (void)state;
    flip_bits(GX_TABLE_LOG, 213, 580);
}

static void test_a_flipped_bit_of_an_arrival_is_noticed(void **state)
{
    (void)state;
    flip_bits(GX_TABLE_ARRIVAL, 200, 300);
}

static void test_a_flipped_bit_of_an_operation_is_noticed(void **state)
{
    (void)state;
    flip_bits(GX_TABLE_OP, 52, 150);
}

static void test_a_flipped_bit_of_the_next_arrival_is_noticed(void **state)
{
    (void)state;
    flip_bits(GX_TABLE_META, 24, 13);
}

static void test_a_flipped_bit_of_which_message_keys_there_are_is_noticed(void **state)
{
    (void)state;
    flip_bits(GX_TABLE_KEY, 720, 80);
}

/* Values cut short, or longer by zeroes, at every length. */
static void test_a_value_of_another_length_is_noticed(void **state)
{
    struct place p;
    (void)state;

    little_of_everything(&p);
    for (enum gx_table t = 0; t < GX_TABLE_COUNT; t++) {
        if (t == GX_TABLE_META)         /* read before any check: by the opening, and when a transaction begins */
            continue;
        size_t n = rows_of(&p, t, rows, GX_ARRAY_LEN(rows));
        assert_true(n > 0);
        struct row *row = &rows[n - 1];
        size_t whole = row->n, step = whole / 20 + 1;
        for (size_t cut = 0; cut < whole; cut += step) {
            row->n = cut;
            assert_true(problems_with(&p, t, row) > 0);
        }
        memset(row->value + whole, 0, 8);
        row->n = whole + 1;
        assert_true(problems_with(&p, t, row) > 0);
    }
    place_remove(&p);
}

/* Rows that nothing else leads to: found by walking their table, whatever key they stand under. */
static void test_a_row_under_a_key_of_another_length_is_noticed(void **state)
{
    static const enum gx_table tables[] = {GX_TABLE_JOIN,  GX_TABLE_INVITE,  GX_TABLE_DOOR,  GX_TABLE_ENDPOINT, GX_TABLE_HELD,    GX_TABLE_KNOWS,
                                           GX_TABLE_ADDR,  GX_TABLE_CONTACT, GX_TABLE_ASKED, GX_TABLE_OFFERED,  GX_TABLE_INVITED, GX_TABLE_REVEALED,
                                           GX_TABLE_TOLD,  GX_TABLE_EPOCH,   GX_TABLE_PREKEY, GX_TABLE_KEPT,  GX_TABLE_KEY,     GX_TABLE_LOCKED};
    struct place p;
    (void)state;

    little_of_everything(&p);
    for (size_t k = 0; k < GX_ARRAY_LEN(tables); k++) {
        size_t n = rows_of(&p, tables[k], rows, GX_ARRAY_LEN(rows));
        assert_true(n > 0);
        struct row *row = &rows[n - 1];
        row->key.b[row->key.n++] = 0;
        assert_true(problems_with(&p, tables[k], row) > 0);
        row->key.n -= 2;
        assert_true(problems_with(&p, tables[k], row) > 0);
    }
    place_remove(&p);
}

/* Rows that are laid out as they have to be, under a key that names nothing.  A message key of a number that is not given yet would be taken for that of
 * the event which gets it. */
static void test_keys_of_what_is_not_there_are_noticed(void **state)
{
    static const struct {
        const char *what;
        enum gx_table table;
        size_t at;              /* of the row's key */
        uint8_t bytes[4];
        size_t n;
    } strays[] = {
        {"an epoch of a control event that is not there", GX_TABLE_EPOCH, 4, {0, 0, 0, 3}, 4},
        {"an epoch of a group that is not there", GX_TABLE_EPOCH, 0, {0, 0, 0, 9}, 4},
        {"a kept key of a control event that is not there", GX_TABLE_KEPT, 4, {0, 0, 0, 3}, 4},
        {"a kept key behind the end of a chain", GX_TABLE_KEPT, 16, {0, 0, GX_CHAIN_MAX >> 8, 0}, 4},
        {"message keys of numbers that are not given yet", GX_TABLE_KEY, 11, {1}, 1},
        {"message keys of a block that is past all numbers", GX_TABLE_KEY, 4, {4}, 1},
    };
    struct place p;
    (void)state;

    little_of_everything(&p);
    for (size_t i = 0; i < GX_ARRAY_LEN(strays); i++) {
        assert_int_equal(rows_of(&p, strays[i].table, rows, GX_ARRAY_LEN(rows)), 1);
        memcpy(rows[0].key.b + strays[i].at, strays[i].bytes, strays[i].n);
        uint64_t problems = problems_with(&p, strays[i].table, &rows[0]);
        if (problems != 1)
            print_error("%s: %llu problems\n", strays[i].what, (unsigned long long)problems);
        assert_int_equal(problems, 1);
    }
    /* No event has the number 0. */
    struct gx_txn *txn = begin(&p, true);
    OK(gx_message_key_put(txn, 1, 0, &(struct gx_message_key){{1}}));
    assert_int_equal(problems_in(txn), 1);
    gx_txn_abort(&txn);
    txn = begin(&p, true);
    OK(gx_message_key_put(txn, 1, txn->counters.next_arrival - 1, &(struct gx_message_key){{1}}));
    assert_int_equal(problems_in(txn), 0);
    OK(gx_message_key_put(txn, 1, txn->counters.next_arrival, &(struct gx_message_key){{1}}));
    assert_int_equal(problems_in(txn), 1);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_missing_row_is_noticed(void **state)
{
    static const enum gx_table tables[] = {GX_TABLE_GROUP, GX_TABLE_OP, GX_TABLE_LOG, GX_TABLE_JOURNAL, GX_TABLE_SEGMENT, GX_TABLE_ARRIVAL};
    struct place p;
    (void)state;

    little_of_everything(&p);
    for (size_t k = 0; k < GX_ARRAY_LEN(tables); k++) {
        size_t n = rows_of(&p, tables[k], rows, GX_ARRAY_LEN(rows));
        for (size_t i = 0; i < n; i++) {
            struct gx_txn *txn = begin(&p, true);
            OK(gx_table_del(txn, tables[k], &rows[i].key));
            uint64_t problems = problems_in(txn);
            if (problems == 0)
                print_error("table %s row %zu\n", gx_table_name(tables[k]), i);
            assert_true(problems > 0);
            gx_txn_abort(&txn);
        }
    }
    place_remove(&p);
}

static void test_a_row_too_many_is_noticed(void **state)
{
    struct place p;
    (void)state;

    little_of_everything(&p);
    static const enum gx_table tables[] = {GX_TABLE_OP, GX_TABLE_LOG, GX_TABLE_JOURNAL, GX_TABLE_SEGMENT, GX_TABLE_ARRIVAL};
    for (size_t k = 0; k < GX_ARRAY_LEN(tables); k++) {
        size_t n = rows_of(&p, tables[k], rows, GX_ARRAY_LEN(rows));
        struct row *last = &rows[n - 1];
        last->key.b[last->key.n - 1]++;     /* the same once more, one place further */
        assert_true(problems_with(&p, tables[k], last) > 0);
    }
    place_remove(&p);
}

/* The number that is next must be above every number in use. */
static void test_numbers_in_use_above_the_next_are_noticed(void **state)
{
    struct place p;
    (void)state;

    little_of_everything(&p);
    size_t n = rows_of(&p, GX_TABLE_META, rows, GX_ARRAY_LEN(rows));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].n, 24);
    for (size_t at = 8; at < 16; at += 4) {
        uint8_t before = rows[0].value[at];
        rows[0].value[at] = 1;
        assert_true(problems_with(&p, GX_TABLE_META, &rows[0]) > 0);
        rows[0].value[at] = before;
    }
    place_remove(&p);
}

static void keep_line(void *ctx, const char *line)
{
    snprintf(ctx, 300, "%s", line);
}

static void test_a_problem_names_its_place(void **state)
{
    struct place p;
    struct gx_check_report r;
    char line[300] = "";
    (void)state;

    little_of_everything(&p);
    struct gx_txn *txn = begin(&p, true);
    second.row.n_messages--;
    put_row(txn, &second);
    OK(gx_store_check(txn, &r, keep_line, line));
    assert_int_equal(r.problems, 1);
    assert_string_equal(line, "log 2: 6 messages, 0 of them read; its row says 5 and 0");
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void say_count(void *ctx, const char *line)
{
    uint32_t *calls = ctx;

    assert_null(strchr(line, '\n'));
    assert_true(strlen(line) > 10);
    (*calls)++;
}

static void test_as_many_lines_as_problems(void **state)
{
    struct place p;
    struct gx_check_report r;
    uint32_t calls = 0;
    (void)state;

    little_of_everything(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_table_clear(txn, GX_TABLE_ARRIVAL));
    OK(gx_store_check(txn, &r, say_count, &calls));
    assert_true(r.problems > 20);
    assert_int_equal(calls, r.problems);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- what the hashes do not cover ---- */

/* A signature that was never looked at came along with a chunk proved by its last event: the check looks. */
static void test_a_wrong_signature_inside_a_chunk_is_noticed(void **state)
{
    struct place p;
    uint64_t first;
    struct gx_event ev;
    (void)state;

    scene_make(&p, &talker, 1);
    struct gx_txn *txn = begin(&p, true);
    parcel_make(&parcel, &talker, 10, 30);
    size_t record = parcel.chunk.records.n / 10;
    size_t sig = GX_CHUNK_HEADER_BYTES + 3 * record + 4 + 21;
    parcel.bytes[sig] ^= 1;
    OK(parcel_put(txn, &first, &talker, &parcel, false));
    put_row(txn, &talker);
    commit(txn);
    txn = begin(&p, false);
    OK(gx_events_get(txn, &ev, &talker.row, &talker.group, 4));
    assert_false(gx_event_verify(&ev, &talker.row.device));
    assert_int_equal(problems_in(txn), 1);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_log_that_is_not_its_devices_is_noticed(void **state)
{
    struct place p;
    (void)state;

    little_of_everything(&p);
    struct gx_txn *txn = begin(&p, true);
    struct gx_group_row group;
    OK(gx_group_next(txn, &group, 0));
    group.control_lnum = owner.row.lnum;
    OK(gx_group_put(txn, &group));
    assert_int_equal(problems_in(txn), 1);          /* the group's own device is another */
    group.intro.device = owner.row.device;
    OK(gx_group_put(txn, &group));
    assert_int_equal(problems_in(txn), 0);
    group.messages_lnum = owner.row.lnum;
    OK(gx_group_put(txn, &group));
    assert_int_equal(problems_in(txn), 1);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- damage in the file ---- */

/* The bytes of a text, found in the file and flipped there: LMDB hands them out without a word, the reader does not. */
static void test_a_bit_that_flips_on_the_disk_is_noticed_when_it_is_read(void **state)
{
    struct place p;
    struct stat st;
    struct gx_event ev;
    uint32_t noticed = 0;
    (void)state;

    for (uint32_t seq = 1; seq <= 40; seq += 3) {
        scene_make(&p, &talker, 1);
        struct gx_txn *txn = begin(&p, true);
        for (size_t i = 0; i < 30; i++)
            author_append(txn, &talker, 100);
        fold_now(txn, &talker, 1);
        for (size_t i = 0; i < 10; i++)
            author_append(txn, &talker, 100);
        put_row(txn, &talker);
        commit(txn);
        place_close(&p);

        char text[100];
        memset(text, 'a' + (int)(seq % 26), sizeof text);
        int fd = open(p.file, O_RDWR);
        assert_int_equal(fstat(fd, &st), 0);
        uint8_t *file = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(file != MAP_FAILED);
        uint8_t *at = file;
        while ((at = memmem(at, (size_t)(file + st.st_size - at), text, sizeof text)) != NULL) {
            at[50] ^= 4;
            at += sizeof text;
        }
        assert_int_equal(munmap(file, (size_t)st.st_size), 0);
        assert_int_equal(close(fd), 0);

        OK(place_open(&p, (struct gx_store_options){.volatile_store = true}));
        txn = begin(&p, false);
        assert_int_equal(gx_events_get(txn, &ev, &talker.row, &talker.group, seq), GX_E_CORRUPT);
        noticed++;
        gx_txn_abort(&txn);
        assert_true(check_quietly(&p).problems > 0);
        place_remove(&p);
    }
    assert_int_equal(noticed, 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_store_has_no_problems_and_is_counted),
        cmocka_unit_test(test_an_empty_store_has_no_problems),
        cmocka_unit_test(test_a_flipped_bit_of_a_segment_is_noticed),
        cmocka_unit_test(test_a_flipped_bit_of_the_journal_is_noticed),
        cmocka_unit_test(test_a_flipped_bit_of_a_log_row_is_noticed),
        cmocka_unit_test(test_a_flipped_bit_of_an_arrival_is_noticed),
        cmocka_unit_test(test_a_flipped_bit_of_an_operation_is_noticed),
        cmocka_unit_test(test_a_flipped_bit_of_the_next_arrival_is_noticed),
        cmocka_unit_test(test_a_flipped_bit_of_which_message_keys_there_are_is_noticed),
        cmocka_unit_test(test_a_value_of_another_length_is_noticed),
        cmocka_unit_test(test_a_row_under_a_key_of_another_length_is_noticed),
        cmocka_unit_test(test_keys_of_what_is_not_there_are_noticed),
        cmocka_unit_test(test_a_missing_row_is_noticed),
        cmocka_unit_test(test_a_row_too_many_is_noticed),
        cmocka_unit_test(test_numbers_in_use_above_the_next_are_noticed),
        cmocka_unit_test(test_a_problem_names_its_place),
        cmocka_unit_test(test_as_many_lines_as_problems),
        cmocka_unit_test(test_a_wrong_signature_inside_a_chunk_is_noticed),
        cmocka_unit_test(test_a_log_that_is_not_its_devices_is_noticed),
        cmocka_unit_test(test_a_bit_that_flips_on_the_disk_is_noticed_when_it_is_read),
    };
    return cmocka_run_group_tests_name("store/check", tests, NULL, NULL);
}
