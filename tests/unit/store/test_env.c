#include "tests/unit/store/support.h"

#include <errno.h>

#include "store/image.h"
#include "store/schema.h"

static struct author authors[2];
static struct parcel parcel;

static const struct gx_store_options plain = {.create = true};

static void write_file(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* ---- opening ---- */

static void test_a_store_is_made_only_when_asked(void **state)
{
    struct place p;
    (void)state;

    place_make(&p);
    assert_int_equal(place_open(&p, (struct gx_store_options){0}), GX_E_ABSENT);
    assert_null(p.store);
    assert_int_equal(place_open(&p, (struct gx_store_options){.create = true, .read_only = true}), GX_E_ABSENT);
    OK(place_open(&p, plain));
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){0}));
    place_remove(&p);
}

static void test_a_new_store_knows_its_uuid_and_format(void **state)
{
    struct place p;
    struct gx_store_options other = plain;
    int sys_errno;
    (void)state;

    place_make(&p);
    OK(place_open(&p, plain));
    place_close(&p);
    memset(other.uuid, 0x11, sizeof other.uuid);
    OK(gx_store_open(&p.store, p.dir, &other, &sys_errno));
    struct gx_store_info info = info_of(&p);
    assert_int_equal(info.format, GX_STORE_FORMAT);
    for (size_t i = 0; i < sizeof info.uuid; i++)
        assert_int_equal(info.uuid[i], 0x75);       /* of the first, not of who opens */
    assert_int_equal(info.next_arrival, 1);
    assert_int_equal(info.journal_events, 0);
    place_remove(&p);
}

static void test_only_the_owner_may_read_the_file(void **state)
{
    struct place p;
    struct stat st;
    (void)state;

    place_make(&p);
    mode_t mask = umask(0);
    OK(place_open(&p, plain));
    umask(mask);
    assert_int_equal(stat(p.file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    place_remove(&p);
}

static void test_the_map_has_16_gib_of_addresses_at_least(void **state)
{
    struct place p;
    (void)state;

    place_make(&p);
    OK(place_open(&p, plain));
    assert_true(info_of(&p).map_bytes >= 16ull << 30);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){.map_bytes = (3u << 20) + 1}));
    assert_int_equal(info_of(&p).map_bytes, (3u << 20) + 4096);
    place_remove(&p);
}

static void test_a_folder_that_is_not_there_is_the_systems_refusal(void **state)
{
    struct gx_store *store;
    int sys_errno = 0;
    (void)state;

    assert_int_equal(gx_store_open(&store, "/nonexistent/folder", &plain, &sys_errno), GX_E_STORE);
    assert_int_equal(sys_errno, ENOENT);
    assert_null(store);
}

static void test_what_a_killed_creation_left_is_no_hindrance(void **state)
{
    struct place p;
    char fresh[128];
    (void)state;

    place_make(&p);
    snprintf(fresh, sizeof fresh, "%.95s.new", p.file);
    write_file(fresh, "half a store", 12);
    OK(place_open(&p, plain));
    assert_int_equal(access(fresh, F_OK), -1);
    place_remove(&p);
}

static void test_closing_nothing_does_nothing(void **state)
{
    struct gx_txn *none = NULL;
    (void)state;

    gx_store_close(NULL);
    gx_txn_abort(&none);
}

static void test_two_hundred_stores_are_open_at_once(void **state)
{
    static struct place many[200];
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(many); i++)
        place_fresh(&many[i]);
    for (size_t i = 0; i < GX_ARRAY_LEN(many); i++) {
        struct gx_txn *txn = begin(&many[i], true);
        group_put(txn, 1);
        commit(txn);
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(many); i++)
        place_remove(&many[i]);
}

static void test_a_store_mapped_for_writing_is_the_same_store(void **state)
{
    struct place p;
    (void)state;

    place_make(&p);
    OK(place_open(&p, (struct gx_store_options){.create = true, .volatile_store = true, .writemap = true, .map_bytes = 8 << 20}));
    struct gx_txn *txn = begin(&p, true);
    group_put(txn, 1);
    author_make(&authors[0], 1, 1, GX_LOG_MESSAGES);
    author_register(txn, &authors[0]);
    for (size_t i = 0; i < 50; i++)
        author_append(txn, &authors[0], 100);
    fold_now(txn, authors, 1);
    commit(txn);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){.volatile_store = true}));
    assert_int_equal(check_clean(&p).events, 50);
    place_remove(&p);
}

/* ---- what is no store, or not ours ---- */

static void test_what_is_no_store_is_refused_and_left_alone(void **state)
{
    static const uint8_t zeroes[16384];
    struct place p;
    struct stat st;
    (void)state;

    for (size_t n = 0; n <= sizeof zeroes; n += 4096) {
        place_make(&p);
        write_file(p.file, zeroes, n);
        assert_int_equal(place_open(&p, plain), GX_E_CORRUPT);
        assert_int_equal(stat(p.file, &st), 0);
        assert_int_equal(st.st_size, n);
        place_remove(&p);
    }
    place_make(&p);
    assert_int_equal(mkdir(p.file, 0700), 0);
    assert_int_equal(place_open(&p, plain), GX_E_CORRUPT);
    assert_int_equal(rmdir(p.file), 0);
    place_remove(&p);
}

static void refused_as_format(uint8_t number)
{
    struct place p;
    struct gx_key key = {.b = "format", .n = 6};
    uint8_t format[40] = {number};

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_table_put(txn, GX_TABLE_META, &key, gx_span(format, sizeof format)));
    commit(txn);
    place_close(&p);
    assert_int_equal(place_open(&p, plain), GX_E_VERSION);
    place_remove(&p);
}

static void test_a_later_format_asks_for_a_later_program(void **state)
{
    (void)state;
    refused_as_format(GX_STORE_FORMAT + 1);
}

/* Its rows mean something else: it is not read as if they did not. */
static void test_a_former_format_is_refused_too(void **state)
{
    (void)state;
    refused_as_format(GX_STORE_FORMAT - 1);
}

static void test_an_lmdb_file_of_something_else_is_corrupt(void **state)
{
    struct place p;
    MDB_env *env;
    MDB_txn *mdb;
    MDB_dbi dbi;
    (void)state;

    place_make(&p);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, p.file, MDB_NOSUBDIR | MDB_NOLOCK, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &mdb), 0);
    assert_int_equal(mdb_dbi_open(mdb, "things", MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_txn_commit(mdb), 0);
    mdb_env_close(env);
    assert_int_equal(place_open(&p, plain), GX_E_CORRUPT);
    place_remove(&p);
}

static void a_store_with_events(struct place *p, size_t n, bool fold)
{
    scene_make(p, authors, 1);
    for (size_t batch = 0; batch < 4; batch++) {
        struct gx_txn *txn = begin(p, true);
        for (size_t i = 0; i < n / 4; i++)
            author_append(txn, &authors[0], 200);
        OK(gx_log_put(txn, &authors[0].row));
        if (fold && batch == 2)
            fold_now(txn, authors, 1);
        commit(txn);
    }
}

/* The one thing that must not happen is a SIGBUS later: a short file is refused, unless all that it lacks is free. */
static void test_a_file_cut_short_is_refused_or_whole(void **state)
{
    struct place p;
    struct stat st;
    struct chance c;
    uint32_t refused = 0, whole = 0;
    (void)state;

    chance_init(&c, 7);
    for (int i = 0; i < 60; i++) {
        a_store_with_events(&p, 80, i % 2 == 1);
        place_close(&p);
        assert_int_equal(stat(p.file, &st), 0);
        off_t cut = i < 20 ? st.st_size - 1 - i * 500 : (off_t)chance_below(&c, (uint32_t)st.st_size);
        assert_int_equal(truncate(p.file, cut), 0);
        enum gx_err err = place_open(&p, (struct gx_store_options){.volatile_store = true});
        if (err == GX_OK) {
            assert_int_equal(check_clean(&p).events, 80);
            whole++;
        } else {
            assert_int_equal(err, GX_E_CORRUPT);
            refused++;
        }
        place_remove(&p);
    }
    assert_true(refused > 40);
    (void)whole;
}

/* LMDB never writes a page that was taken from the end and given back in one transaction.  A check of the length alone would refuse this
 * store, which lacks nothing. */
static void test_a_sound_file_may_be_shorter_than_it_says(void **state)
{
    static uint8_t large[300000];
    struct place p;
    struct stat st;
    MDB_envinfo info;
    (void)state;

    a_store_with_events(&p, 80, true);
    struct gx_txn *txn = begin(&p, true);
    struct gx_key key = gx_key_u32(77);
    /* Something is freed first: only with a list of free pages at hand does LMDB give pages back at once. */
    for (size_t i = 0; i < 20; i++)
        author_append(txn, &authors[0], 200);
    OK(gx_log_put(txn, &authors[0].row));
    OK(gx_table_put(txn, GX_TABLE_JOIN, &key, gx_span(large, sizeof large)));
    OK(gx_table_del(txn, GX_TABLE_JOIN, &key));
    commit(txn);
    assert_int_equal(mdb_env_info(p.store->env, &info), 0);
    assert_int_equal(stat(p.file, &st), 0);
    assert_true((uint64_t)st.st_size < (info.me_last_pgno + 1) * 4096);
    place_close(&p);

    OK(place_open(&p, (struct gx_store_options){.volatile_store = true}));
    assert_int_equal(check_clean(&p).events, 100);
    txn = begin(&p, true);
    for (size_t i = 0; i < 300; i++)
        author_append(txn, &authors[0], 400);
    OK(gx_log_put(txn, &authors[0].row));
    commit(txn);
    assert_int_equal(check_clean(&p).events, 400);

    /* One page less, and something is missing. */
    assert_int_equal(stat(p.file, &st), 0);
    place_close(&p);
    assert_int_equal(truncate(p.file, st.st_size / 2), 0);
    assert_int_equal(place_open(&p, (struct gx_store_options){.volatile_store = true}), GX_E_CORRUPT);
    place_remove(&p);
}

/* Whatever bits of a short file are turned over, the walk over its free list ends and keeps within its buffers. */
static void flip_while_short(struct place *p, off_t size)
{
    struct chance c;
    uint32_t refused = 0;
    int sys_errno;

    chance_init(&c, 11);
    assert_int_equal(truncate(p->file, size), 0);
    int fd = open(p->file, O_RDWR);
    assert_true(fd >= 0);
    for (int i = 0; i < 3000; i++) {
        off_t page = 2 + chance_below(&c, (uint32_t)(size / 4096) - 2), at = page * 4096 + chance_below(&c, 64);
        uint8_t byte, before;
        assert_int_equal(pread(fd, &before, 1, at), 1);
        byte = (uint8_t)(before ^ (1u << chance_below(&c, 8)));
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        enum gx_err err = gx_image_check(p->file, &sys_errno);
        assert_true(err == GX_OK || err == GX_E_CORRUPT);
        refused += err != GX_OK;
        assert_int_equal(pwrite(fd, &before, 1, at), 1);
    }
    assert_true(refused > 5);
    assert_int_equal(close(fd), 0);
}

/* The same by hand, with a list of free pages that is a tree of several pages and has an entry larger than a page. */
static void test_free_pages_at_the_end_are_found_in_a_large_free_list(void **state)
{
    static uint8_t large[3000000];
    struct place p;
    struct stat st;
    struct gx_key key = gx_key_u32(77);
    (void)state;

    place_make(&p);
    OK(place_open(&p, plain));
    struct gx_txn *txn = begin(&p, true);
    group_put(txn, 1);
    author_make(&authors[0], 1, 1, GX_LOG_MESSAGES);
    author_register(txn, &authors[0]);
    commit(txn);
    struct gx_txn *reader = begin(&p, false);       /* keeps what is freed from being used: entries gather */
    for (size_t i = 0; i < 150; i++) {
        txn = begin(&p, true);
        author_append(txn, &authors[0], 100);
        OK(gx_log_put(txn, &authors[0].row));
        commit(txn);
    }
    txn = begin(&p, true);
    OK(gx_table_put(txn, GX_TABLE_JOIN, &key, gx_span(large, sizeof large)));
    commit(txn);
    gx_txn_abort(&reader);
    txn = begin(&p, true);
    OK(gx_table_del(txn, GX_TABLE_JOIN, &key));
    commit(txn);
    place_close(&p);

    assert_int_equal(stat(p.file, &st), 0);
    assert_true(st.st_size > (off_t)sizeof large);
    for (off_t cut = 4096; cut < (off_t)sizeof large; cut *= 3) {
        assert_int_equal(truncate(p.file, st.st_size - cut), 0);
        OK(place_open(&p, (struct gx_store_options){.read_only = true}));
        assert_int_equal(check_clean(&p).events, 150);
        place_close(&p);
    }
    flip_while_short(&p, st.st_size - 2000000);
    assert_int_equal(truncate(p.file, st.st_size - (off_t)sizeof large - 20 * 4096), 0);
    assert_int_equal(place_open(&p, (struct gx_store_options){.read_only = true}), GX_E_CORRUPT);
    place_remove(&p);
}

/* One page of a file made by hand: pages of 512 bytes, whose nodes are all the same. */
static void hand_page(int fd, uint64_t pgno, uint16_t flags, unsigned n_nodes, uint64_t child)
{
    uint8_t page[512] = {0};
    struct gx_wr w = gx_wr(page, sizeof page);

    gx_wr_u64(&w, pgno);
    gx_wr_u16(&w, 0);
    gx_wr_u16(&w, flags);
    gx_wr_u16(&w, (uint16_t)(16 + 2 * n_nodes));
    gx_wr_u16(&w, sizeof page - 8);
    for (unsigned i = 0; i < n_nodes; i++)
        gx_wr_u16(&w, sizeof page - 8);
    w.n = sizeof page - 8;
    gx_wr_u64(&w, child);               /* a branch's node is its child's number, and a key of no bytes */
    assert_false(w.failed);
    assert_int_equal(pwrite(fd, page, sizeof page, (off_t)(pgno * sizeof page)), sizeof page);
}

static void hand_meta(int fd, uint64_t pgno, uint64_t root, uint64_t last_page)
{
    uint8_t page[512] = {0};
    struct gx_wr w = gx_wr(page, sizeof page);

    gx_wr_u64(&w, pgno);
    gx_wr_u16(&w, 0);
    gx_wr_u16(&w, 8);
    gx_wr_u32(&w, 0);
    gx_wr_u32(&w, 0xbeefc0de);
    gx_wr_u32(&w, 1);
    gx_wr_u64(&w, 0);
    gx_wr_u64(&w, 1u << 20);
    gx_wr_u32(&w, sizeof page);
    w.n += 36;
    gx_wr_u64(&w, root);
    w.n += 40;
    gx_wr_u64(&w, UINT64_MAX);          /* no main table */
    gx_wr_u64(&w, last_page);
    gx_wr_u64(&w, pgno);
    assert_false(w.failed || w.n != 152);
    assert_int_equal(pwrite(fd, page, sizeof page, (off_t)(pgno * sizeof page)), sizeof page);
}

/* Ten levels, each of 40 nodes that lead to the same page of the next: 40^10 ways through 13 pages, that would be walked for years. */
static void test_a_free_list_whose_pages_are_led_to_again_and_again_is_refused(void **state)
{
    struct place p;
    int sys_errno;
    (void)state;

    place_make(&p);
    int fd = open(p.file, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    hand_meta(fd, 0, 2, 13);
    hand_meta(fd, 1, 2, 13);
    for (uint64_t level = 0; level < 10; level++)
        hand_page(fd, 2 + level, 1, 40, 3 + level);
    hand_page(fd, 12, 2, 0, 0);         /* the last one, with nothing on it; page 13 is missing */
    assert_int_equal(gx_image_check(p.file, &sys_errno), GX_E_CORRUPT);
    assert_int_equal(close(fd), 0);
    place_remove(&p);
}

/* Bits of the two meta pages: refused by name, or without meaning. */
static void test_flips_in_the_meta_pages_never_crash_the_opening(void **state)
{
    struct place p;
    uint8_t head[8192], spoiled[8192];
    uint32_t refused = 0;
    (void)state;

    a_store_with_events(&p, 40, false);
    place_close(&p);
    int fd = open(p.file, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, head, sizeof head, 0), sizeof head);
    for (size_t i = 0; i < 2 * 152; i++) {
        size_t at = i < 152 ? i : 4096 + i - 152;
        int sys_errno;
        memcpy(spoiled, head, sizeof head);
        spoiled[at] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(pwrite(fd, spoiled, sizeof spoiled, 0), sizeof spoiled);
        enum gx_err err = gx_image_check(p.file, &sys_errno);
        assert_true(err == GX_OK || err == GX_E_CORRUPT || err == GX_E_VERSION);
        refused += err != GX_OK;
    }
    assert_true(refused > 60);
    assert_int_equal(close(fd), 0);
    place_remove(&p);
}

/* ---- reading only ---- */

static void test_reading_only_changes_no_byte(void **state)
{
    static uint8_t before[1 << 20], after[1 << 20];
    struct place p;
    (void)state;

    a_store_with_events(&p, 40, true);
    place_close(&p);
    FILE *f = fopen(p.file, "rb");
    size_t n = fread(before, 1, sizeof before, f);
    assert_int_equal(fclose(f), 0);
    OK(place_open(&p, (struct gx_store_options){.read_only = true, .create = true}));
    assert_int_equal(check_clean(&p).events, 40);
    place_close(&p);
    f = fopen(p.file, "rb");
    assert_int_equal(fread(after, 1, sizeof after, f), n);
    assert_int_equal(fclose(f), 0);
    assert_memory_equal(before, after, n);
    place_remove(&p);
}

/* ---- transactions ---- */

static void test_a_reader_keeps_the_state_it_began_with(void **state)
{
    struct place p;
    struct gx_log_row row;
    (void)state;

    place_make(&p);
    OK(place_open(&p, plain));
    struct gx_txn *txn = begin(&p, true);
    author_make(&authors[0], 1, 1, GX_LOG_MESSAGES);
    author_register(txn, &authors[0]);
    commit(txn);
    struct gx_txn *reader = begin(&p, false);
    txn = begin(&p, true);
    author_append(txn, &authors[0], 10);
    OK(gx_log_put(txn, &authors[0].row));
    commit(txn);
    OK(gx_log_next(reader, &row, 1, 0));
    assert_int_equal(row.head_seq, 0);
    gx_txn_abort(&reader);
    reader = begin(&p, false);
    OK(gx_log_next(reader, &row, 1, 0));
    assert_int_equal(row.head_seq, 1);
    OK(gx_txn_commit(&reader));         /* of a reader it only ends it */
    assert_null(reader);
    place_remove(&p);
}

static void test_an_aborted_transaction_gives_its_numbers_back(void **state)
{
    struct place p;
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    struct gx_log_row kept = authors[0].row;
    assert_int_equal(author_append(txn, &authors[0], 10), 1);
    gx_txn_abort(&txn);
    assert_null(txn);
    assert_int_equal(info_of(&p).next_arrival, 1);
    authors[0].row = kept;
    txn = begin(&p, true);
    assert_int_equal(author_append(txn, &authors[0], 10), 1);
    commit(txn);
    place_remove(&p);
}

/* So a step that wrote nothing costs no sync. */
static void test_a_transaction_that_wrote_nothing_leaves_the_file_as_it_is(void **state)
{
    struct place p;
    MDB_envinfo before, after;
    (void)state;

    scene_make(&p, authors, 1);
    assert_int_equal(mdb_env_info(p.store->env, &before), 0);
    for (int i = 0; i < 10; i++)
        commit(begin(&p, true));
    assert_int_equal(mdb_env_info(p.store->env, &after), 0);
    assert_int_equal(before.me_last_txnid, after.me_last_txnid);
    place_remove(&p);
}

/* One event: journal, log row and the next number, nothing else. */
static void test_a_commit_of_one_event_writes_three_tables(void **state)
{
    struct place p;
    uint64_t rows[GX_TABLE_COUNT];
    (void)state;

    scene_make(&p, authors, 1);
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, &authors[0], 10);
    OK(gx_log_put(txn, &authors[0].row));
    for (size_t t = 0; t < GX_TABLE_COUNT; t++)
        rows[t] = gx_table_rows(txn, (enum gx_table)t);
    commit(txn);
    txn = begin(&p, true);
    author_append(txn, &authors[0], 10);
    OK(gx_log_put(txn, &authors[0].row));
    for (size_t t = 0; t < GX_TABLE_COUNT; t++)
        assert_int_equal(gx_table_rows(txn, (enum gx_table)t), rows[t] + (t == GX_TABLE_JOURNAL));
    commit(txn);
    place_remove(&p);
}

static void test_the_slot_of_a_killed_reader_is_cleaned_at_the_next_opening(void **state)
{
    struct place p;
    int ready[2], dead = -1, status;
    char byte;
    (void)state;

    place_make(&p);
    OK(place_open(&p, plain));
    place_close(&p);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct gx_txn *txn;
        if (place_open(&p, (struct gx_store_options){.read_only = true}) != GX_OK || gx_txn_begin(&txn, p.store, false) != GX_OK)
            _exit(1);
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    OK(place_open(&p, (struct gx_store_options){0}));
    assert_int_equal(mdb_reader_check(p.store->env, &dead), 0);
    assert_int_equal(dead, 0);
    assert_int_equal(close(ready[0]) + close(ready[1]), 0);
    place_remove(&p);
}

/* ---- full ---- */

static void small_scene(struct place *p, size_t map_bytes)
{
    place_make(p);
    OK(place_open(p, (struct gx_store_options){.create = true, .volatile_store = true, .map_bytes = map_bytes}));
    struct gx_txn *txn = begin(p, true);
    group_put(txn, 1);
    for (size_t i = 0; i < 2; i++) {
        author_make(&authors[i], (uint8_t)(i + 1), 1, GX_LOG_MESSAGES);
        author_register(txn, &authors[i]);
    }
    commit(txn);
}

/* Others' bulk until the store says no.  17 of these events with their index take nearly two whole pages: what is asked for is what is used. */
static uint32_t fill_with_chunks(struct place *p)
{
    uint32_t chunks = 0;

    for (;; chunks++) {
        struct gx_txn *txn = begin(p, true);
        uint64_t first;
        parcel_make(&parcel, &authors[1], 17, 200);
        struct gx_log_row kept = authors[1].row;
        enum gx_err err = gx_txn_room(txn, parcel.chunk.records.n) ? parcel_put(txn, &first, &authors[1], &parcel, true) : GX_E_FULL;
        if (err != GX_OK) {
            assert_int_equal(err, GX_E_FULL);
            authors[1].row = kept;
            commit(txn);            /* refused before anything was written: the rest of the step may stand */
            return chunks;
        }
        OK(gx_log_put(txn, &authors[1].row));
        commit(txn);
    }
}

static void test_bulk_stops_at_the_reserve_and_own_events_still_fit(void **state)
{
    struct place p;
    (void)state;

    small_scene(&p, 2 << 20);
    uint32_t chunks = fill_with_chunks(&p);
    assert_true(chunks > 100);
    struct gx_store_info info = info_of(&p);
    assert_true(info.used_bytes > info.map_bytes / 2 && info.used_bytes <= info.map_bytes * 4 / 5);
    for (size_t i = 0; i < 200; i++) {
        struct gx_txn *txn = begin(&p, true);
        author_append(txn, &authors[0], 200);
        OK(gx_log_put(txn, &authors[0].row));
        commit(txn);
    }
    struct gx_txn *txn = begin(&p, true);
    assert_true(fold_now(txn, authors, 2) == 200);
    commit(txn);
    assert_int_equal(check_clean(&p).events, chunks * 17 + 200);
    place_remove(&p);
}

static enum gx_err append_one(struct place *p, size_t bytes)
{
    struct gx_txn *txn = begin(p, true);
    struct gx_log_row kept = authors[0].row;
    struct gx_event ev;
    uint64_t arrival;

    author_write(&authors[0], &ev, kept.head_seq + 1, &kept.head_id, bytes);
    enum gx_err err = gx_events_append(txn, &arrival, &authors[0].row, &ev);
    if (err == GX_OK)
        err = gx_log_put(txn, &authors[0].row);
    if (err == GX_OK)
        err = gx_txn_commit(&txn);
    gx_txn_abort(&txn);
    if (err != GX_OK)
        authors[0].row = kept;
    return err;
}

/* Even without the reserve: nothing is lost, everything can be read, and room that is made can be used. */
static void test_a_full_map_refuses_reads_on_and_recovers(void **state)
{
    struct place p;
    uint32_t appended = 0;
    enum gx_err err;
    (void)state;

    small_scene(&p, 1 << 20);
    struct gx_txn *txn = begin(&p, true);
    for (uint32_t gnum = 2; gnum <= 3; gnum++)
        group_put(txn, gnum);
    struct gx_op_row op = {.lnum = 1, .seq = 1, .arrival = 1};
    for (uint32_t cnum = 0; cnum < 1000; cnum++)
        OK(gx_op_put(txn, 3, cnum, &op));
    commit(txn);
    while ((err = append_one(&p, 20000)) == GX_OK)
        appended++;
    assert_int_equal(err, GX_E_FULL);
    assert_true(appended > 20);

    txn = begin(&p, false);
    read_all(txn, &authors[0]);
    gx_txn_abort(&txn);
    assert_int_equal(append_one(&p, 20000), GX_E_FULL);
    txn = begin(&p, false);
    read_all(txn, &authors[0]);
    gx_txn_abort(&txn);

    txn = begin(&p, true);
    OK(gx_group_forget(txn, 3));
    commit(txn);
    commit(begin(&p, true));
    uint32_t more = 0;
    while (append_one(&p, 200) == GX_OK)
        more++;
    assert_true(more > 5);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){.volatile_store = true, .map_bytes = 4 << 20}));
    OK(append_one(&p, 3000));
    txn = begin(&p, false);
    read_all(txn, &authors[0]);
    gx_txn_abort(&txn);
    assert_int_equal(authors[0].row.head_seq, appended + more + 1);
    assert_int_equal(check_clean(&p).events, authors[0].row.head_seq);
    place_remove(&p);
}

/* LMDB answers nothing more in that transaction: what is said is why, and not that the store is broken, for which a node ends. */
static void test_behind_a_write_that_found_no_room_everything_says_so(void **state)
{
    struct place p;
    struct gx_event ev;
    uint64_t arrival;
    uint32_t n = 0;
    (void)state;

    small_scene(&p, 1 << 20);
    OK(append_one(&p, 300));
    struct gx_txn *txn = begin(&p, true);
    struct gx_log_row kept = authors[0].row, found;
    enum gx_err err = GX_OK;
    for (; err == GX_OK; n++) {
        author_write(&authors[0], &ev, authors[0].row.head_seq + 1, &authors[0].row.head_id, 50000);
        err = gx_events_append(txn, &arrival, &authors[0].row, &ev);
    }
    authors[0].row = kept;
    assert_true(n > 5);
    assert_int_equal(err, GX_E_FULL);
    assert_int_equal(gx_events_get(txn, &ev, &authors[0].row, &authors[0].group, 1), GX_E_FULL);
    assert_int_equal(gx_log_next(txn, &found, authors[0].row.gnum, 0), GX_E_FULL);
    assert_int_equal(gx_log_put(txn, &authors[0].row), GX_E_FULL);
    assert_int_equal(gx_txn_commit(&txn), GX_E_FULL);
    OK(append_one(&p, 300));
    assert_int_equal(check_clean(&p).events, 2);
    place_remove(&p);
}

/* A limit on the size of files stands for the full disk: the write fails while LMDB commits. */
static void full_disk_child(struct place *p)
{
    struct rlimit limit = {.rlim_cur = 256 << 10, .rlim_max = RLIM_INFINITY};
    uint32_t appended = 0;
    enum gx_err err = GX_OK;

    (void)signal(SIGXFSZ, SIG_IGN);
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(2);
    limit.rlim_cur = 256 << 10;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(3);
    while ((err = append_one(p, 3000)) == GX_OK)
        appended++;
    if (err != GX_E_FULL || appended < 10)
        _exit(4);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || append_one(p, 3000) != GX_OK)
        _exit(5);
    struct gx_check_report report;
    struct gx_txn *txn;
    if (gx_txn_begin(&txn, p->store, false) != GX_OK || gx_store_check(txn, &report, say_stderr, NULL) != GX_OK)
        _exit(6);
    gx_txn_abort(&txn);
    _exit(report.problems == 0 && report.events == appended + 1 ? 0 : 7);
}

static void test_a_full_disk_undoes_the_commit_and_ends_by_itself(void **state)
{
    struct place p;
    int status;
    (void)state;

    small_scene(&p, 8 << 20);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        full_disk_child(&p);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    place_remove(&p);
}

static void test_room_is_counted_within_a_transaction(void **state)
{
    struct place p;
    (void)state;

    small_scene(&p, 10 << 20);
    struct gx_txn *txn = begin(&p, true);
    assert_false(gx_txn_room(txn, 9 << 20));
    assert_true(gx_txn_room(txn, 4 << 20));
    assert_true(gx_txn_room(txn, 3 << 20));
    assert_false(gx_txn_room(txn, 1 << 20));
    gx_txn_abort(&txn);
    txn = begin(&p, true);
    assert_true(gx_txn_room(txn, 4 << 20));
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- the specification ---- */

static void test_the_specification_lists_the_tables_of_the_code(void **state)
{
    static const char *const rows[] = {
#define GX_X(name, text, key, value, written) "| " text " | " key " | " value " | " written " |",
        GX_TABLE_LIST(GX_X)
#undef GX_X
    };
    static char text[1 << 16];
    (void)state;

    FILE *f = fopen(GX_SOURCE_DIR "/store/SCHEMA.md", "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    assert_int_equal(fclose(f), 0);
    text[n] = 0;
    const char *at = text;
    for (size_t i = 0; i < GX_ARRAY_LEN(rows); i++) {
        const char *found = strstr(at, rows[i]);
        if (found == NULL)
            print_error("SCHEMA.md has no row, or not in this place: %s\n", rows[i]);
        assert_non_null(found);
        at = found;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_store_is_made_only_when_asked),
        cmocka_unit_test(test_a_new_store_knows_its_uuid_and_format),
        cmocka_unit_test(test_only_the_owner_may_read_the_file),
        cmocka_unit_test(test_the_map_has_16_gib_of_addresses_at_least),
        cmocka_unit_test(test_a_folder_that_is_not_there_is_the_systems_refusal),
        cmocka_unit_test(test_what_a_killed_creation_left_is_no_hindrance),
        cmocka_unit_test(test_closing_nothing_does_nothing),
        cmocka_unit_test(test_two_hundred_stores_are_open_at_once),
        cmocka_unit_test(test_a_store_mapped_for_writing_is_the_same_store),
        cmocka_unit_test(test_what_is_no_store_is_refused_and_left_alone),
        cmocka_unit_test(test_a_later_format_asks_for_a_later_program),
        cmocka_unit_test(test_a_former_format_is_refused_too),
        cmocka_unit_test(test_an_lmdb_file_of_something_else_is_corrupt),
        cmocka_unit_test(test_a_file_cut_short_is_refused_or_whole),
        cmocka_unit_test(test_a_sound_file_may_be_shorter_than_it_says),
        cmocka_unit_test(test_free_pages_at_the_end_are_found_in_a_large_free_list),
        cmocka_unit_test(test_a_free_list_whose_pages_are_led_to_again_and_again_is_refused),
        cmocka_unit_test(test_flips_in_the_meta_pages_never_crash_the_opening),
        cmocka_unit_test(test_reading_only_changes_no_byte),
        cmocka_unit_test(test_a_reader_keeps_the_state_it_began_with),
        cmocka_unit_test(test_an_aborted_transaction_gives_its_numbers_back),
        cmocka_unit_test(test_a_transaction_that_wrote_nothing_leaves_the_file_as_it_is),
        cmocka_unit_test(test_a_commit_of_one_event_writes_three_tables),
        cmocka_unit_test(test_the_slot_of_a_killed_reader_is_cleaned_at_the_next_opening),
        cmocka_unit_test(test_bulk_stops_at_the_reserve_and_own_events_still_fit),
        cmocka_unit_test(test_a_full_map_refuses_reads_on_and_recovers),
        cmocka_unit_test(test_behind_a_write_that_found_no_room_everything_says_so),
        cmocka_unit_test(test_a_full_disk_undoes_the_commit_and_ends_by_itself),
        cmocka_unit_test(test_room_is_counted_within_a_transaction),
        cmocka_unit_test(test_the_specification_lists_the_tables_of_the_code),
    };
    return cmocka_run_group_tests_name("store/env", tests, NULL, NULL);
}
