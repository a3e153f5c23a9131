#include "tests/unit/store/support.h"

#include <errno.h>
#include <time.h>

#include "store/schema.h"

static struct author authors[2];
static struct parcel parcel;

static uint64_t file_bytes(const struct place *p)
{
    struct stat st;

    assert_int_equal(stat(p->file, &st), 0);
    return (uint64_t)st.st_size;
}

static bool fresh_is_there(const struct place *p)
{
    char fresh[128];

    snprintf(fresh, sizeof fresh, "%.63s/%s", p->dir, GX_STORE_FRESH);
    return access(fresh, F_OK) == 0;
}

static enum gx_err vacuum(struct place *p, struct gx_vacuumed *out)
{
    int sys_errno;

    return gx_store_vacuum(p->store, p->dir, out, &sys_errno);
}

/* A store as a node has it, with locks and syncs, in which most of what was written is dropped. */
static void with_holes(struct place *p)
{
    uint64_t first;

    place_make(p);
    OK(place_open(p, (struct gx_store_options){.create = true}));
    struct gx_txn *txn = begin(p, true);
    group_put(txn, 1);
    for (size_t i = 0; i < 2; i++) {
        author_make(&authors[i], (uint8_t)(i + 1), 1, GX_LOG_MESSAGES);
        author_register(txn, &authors[i]);
    }
    for (size_t i = 0; i < 20; i++) {
        parcel_make(&parcel, &authors[0], 50, 900);
        OK(parcel_put(txn, &first, &authors[0], &parcel, true));
        author_append(txn, &authors[1], 20);
    }
    for (size_t i = 0; i < 2; i++)
        OK(gx_log_put(txn, &authors[i].row));
    commit(txn);
    txn = begin(p, true);
    for (size_t i = 0; i < 18; i++)
        OK(gx_events_drop(txn, &authors[0].row, &authors[0].group));
    OK(gx_log_put(txn, &authors[0].row));
    commit(txn);
}

static void write_more(struct place *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct gx_txn *txn = begin(p, true);

        author_append(txn, &authors[1], 20);
        OK(gx_log_put(txn, &authors[1].row));
        commit(txn);
    }
}

static void assert_whole(struct place *p)
{
    struct gx_txn *txn = begin(p, false);

    for (size_t i = 0; i < 2; i++)
        read_all(txn, &authors[i]);
    gx_txn_abort(&txn);
    assert_int_equal(check_clean(p).events, 100 + authors[1].row.head_seq);
}

static void test_the_file_becomes_smaller_and_holds_the_same(void **state)
{
    struct place p;
    struct gx_vacuumed done;
    uint8_t uuid[16];
    (void)state;

    with_holes(&p);
    memcpy(uuid, info_of(&p).uuid, sizeof uuid);
    uint64_t next = info_of(&p).next_arrival;
    OK(vacuum(&p, &done));
    assert_int_equal(done.after_bytes, file_bytes(&p));
    assert_true(done.before_bytes > 900000 && done.after_bytes < 300000);
    assert_false(fresh_is_there(&p));
    assert_memory_equal(info_of(&p).uuid, uuid, sizeof uuid);
    assert_int_equal(info_of(&p).next_arrival, next);
    assert_whole(&p);
    write_more(&p, 5);
    assert_whole(&p);
    OK(vacuum(&p, &done));          /* and once more, with a journal that has grown */
    write_more(&p, 5);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){0}));
    assert_whole(&p);
    place_remove(&p);
}

/* As gx-inspect beside a node: whoever has the old file open keeps its lock file, which tells of transactions that the new file does not have. */
static void beside_a_reader(size_t transactions)
{
    struct place p, reader;
    struct gx_vacuumed done;
    int begun[2], go[2], status = 0;
    char c = 0;

    with_holes(&p);
    write_more(&p, transactions);       /* the number of the last one is far above that of a new file */
    assert_int_equal(pipe(begun), 0);
    assert_int_equal(pipe(go), 0);
    uint64_t expected = 100 + authors[1].row.head_seq;
    place_close(&p);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct gx_txn *txn;
        struct gx_check_report report;

        close(go[1]);       /* so that it ends with us */
        reader = p;
        if (place_open(&reader, (struct gx_store_options){.read_only = true}) != GX_OK || gx_txn_begin(&txn, reader.store, false) != GX_OK)
            _exit(1);
        if (write(begun[1], "x", 1) != 1 || read(go[0], &c, 1) != 1)
            _exit(2);
        _exit(gx_store_check(txn, &report, NULL, NULL) == GX_OK && report.problems == 0 && report.events == expected ? 0 : 3);
    }
    assert_int_equal(read(begun[0], &c, 1), 1);
    OK(place_open(&p, (struct gx_store_options){0}));
    OK(vacuum(&p, &done));
    assert_whole(&p);
    write_more(&p, 3);
    assert_whole(&p);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){0}));
    assert_whole(&p);
    write_more(&p, 3);
    assert_int_equal(write(go[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_whole(&p);
    place_remove(&p);
}

/* The lowest bit of that number says which of the two meta pages is read. */
static void test_a_reader_of_the_old_file_does_no_harm(void **state)
{
    (void)state;
    beside_a_reader(20);
    beside_a_reader(21);
}

/* kill -9 at one moment after another, later each time, until some come too late. */
static void test_whenever_it_is_killed_the_store_is_whole(void **state)
{
    struct place p;
    unsigned killed = 0, done_in_time = 0;
    (void)state;

    with_holes(&p);
    place_close(&p);
    for (unsigned round = 0; done_in_time < 3 && round < 2000; round++) {
        pid_t child = fork();
        int status = 0;

        assert_true(child >= 0);
        if (child == 0) {
            struct gx_vacuumed done;

            _exit(place_open(&p, (struct gx_store_options){0}) == GX_OK && vacuum(&p, &done) == GX_OK ? 0 : 1);
        }
        const struct timespec pause = {.tv_nsec = 400000l * round};
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status);
        done_in_time += WIFEXITED(status);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        OK(place_open(&p, (struct gx_store_options){0}));
        assert_false(fresh_is_there(&p));
        assert_whole(&p);
        write_more(&p, 1);
        place_close(&p);
    }
    print_message("killed %u times, %u were done\n", killed, done_in_time);
    assert_true(killed > 0 && done_in_time > 0);
    OK(place_open(&p, (struct gx_store_options){0}));
    place_remove(&p);
}

/* The system takes no byte more of any file than so many: as a full disk, in the middle of the copy. */
static void test_without_room_for_the_copy_nothing_is_done(void **state)
{
    struct place p;
    struct gx_vacuumed done;
    struct rlimit before, little;
    (void)state;

    with_holes(&p);
    uint64_t bytes = file_bytes(&p);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = (struct rlimit){.rlim_cur = 65536, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    enum gx_err err = vacuum(&p, &done);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err, GX_E_FULL);
    assert_true(gx_store_is_open(p.store));
    assert_int_equal(file_bytes(&p), bytes);
    assert_false(fresh_is_there(&p));
    write_more(&p, 2);
    assert_whole(&p);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_file_becomes_smaller_and_holds_the_same),
        cmocka_unit_test(test_a_reader_of_the_old_file_does_no_harm),
        cmocka_unit_test(test_whenever_it_is_killed_the_store_is_whole),
        cmocka_unit_test(test_without_room_for_the_copy_nothing_is_done),
    };
    return cmocka_run_group_tests_name("store/vacuum", tests, NULL, NULL);
}
