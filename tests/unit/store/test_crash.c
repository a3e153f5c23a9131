/* kill -9 at any moment: what was acknowledged after its commit is there, and what is there is sound. */
#include "tests/unit/store/support.h"

#include <time.h>

static struct author writer;
static struct parcel parcel;

/* What the writer says after each commit. */
struct ack {
    uint32_t head_seq;
    uint64_t next_arrival;
};

static void sleep_us(uint32_t us)
{
    const struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

    (void)nanosleep(&t, NULL);
}

/* In the child nothing asserts by cmocka: it leaves with a number that says where. */
#define CHILD(condition, number) do { if (!(condition)) _exit(number); } while (0)

static void child_row(void *ctx, const struct gx_log_row *row)
{
    struct author *a = ctx;

    if (row->lnum == a->row.lnum)
        a->row = *row;
}

/* Find the writer's log, or make it. */
static void child_begin(struct place *p)
{
    struct gx_txn *txn;
    struct gx_log_row row;

    CHILD(place_open(p, (struct gx_store_options){.create = true}) == GX_OK, 10);
    author_make(&writer, 1, 1, GX_LOG_MESSAGES);
    CHILD(gx_txn_begin(&txn, p->store, true) == GX_OK, 11);
    if (gx_log_next(txn, &row, 1, 0) == GX_OK) {
        writer.row = row;
        gx_txn_abort(&txn);
        return;
    }
    struct gx_group_row group = {.id = group_id(1), .state = GX_GROUP_MEMBER};
    CHILD(gx_group_new_number(txn, &group.gnum) == GX_OK && gx_group_put(txn, &group) == GX_OK, 12);
    CHILD(gx_log_new_number(txn, &writer.row.lnum) == GX_OK && gx_log_put(txn, &writer.row) == GX_OK, 13);
    CHILD(gx_txn_commit(&txn) == GX_OK, 14);
}

static void child_step(struct place *p, struct chance *c, int acks)
{
    struct gx_txn *txn;
    struct gx_store_info info;
    struct gx_event ev;
    uint64_t arrival;
    uint32_t folded;

    CHILD(gx_txn_begin(&txn, p->store, true) == GX_OK, 20);
    switch (chance_below(c, 8)) {
    case 0:
        parcel_make(&parcel, &writer, (uint16_t)(1 + chance_below(c, 40)), 60);
        CHILD(parcel_put(txn, &arrival, &writer, &parcel, true) == GX_OK, 21);
        break;
    case 1:
        CHILD(gx_events_fold(txn, &folded, true, child_row, &writer) == GX_OK, 22);
        break;
    default:
        for (uint32_t n = 1 + chance_below(c, 4); n > 0; n--) {
            author_write(&writer, &ev, writer.row.head_seq + 1, &writer.row.head_id, 1 + chance_below(c, 400));
            CHILD(gx_events_append(txn, &arrival, &writer.row, &ev) == GX_OK, 23);
        }
        break;
    }
    CHILD(gx_log_put(txn, &writer.row) == GX_OK, 24);
    gx_txn_info(txn, &info);
    CHILD(gx_txn_commit(&txn) == GX_OK, 25);
    struct ack ack = {.head_seq = writer.row.head_seq, .next_arrival = info.next_arrival};
    CHILD(write(acks, &ack, sizeof ack) == sizeof ack, 26);
}

static pid_t start_writer(struct place *p, int *acks, uint64_t seed)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct chance c;
        (void)close(ends[0]);
        chance_init(&c, seed);
        child_begin(p);
        for (;;)
            child_step(p, &c, ends[1]);
    }
    assert_int_equal(close(ends[1]), 0);
    *acks = ends[0];
    return child;
}

/* Kill it `us` after it spoke first (or after it was started), and take what it had said by then. */
static uint32_t kill_writer(pid_t child, int acks, struct ack *last, bool after_ack, uint32_t us)
{
    struct ack ack;
    uint32_t n = 0;
    int status;

    if (after_ack) {
        assert_int_equal(read(acks, last, sizeof *last), sizeof *last);
        n++;
    }
    sleep_us(us);

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        print_error("the writer left by itself with %d\n", WEXITSTATUS(status));
    assert_true(WIFSIGNALED(status));
    while (read(acks, &ack, sizeof ack) == sizeof ack) {
        *last = ack;
        n++;
    }
    assert_int_equal(close(acks), 0);
    return n;
}

static void test_every_acknowledged_event_survives_kill_9(void **state)
{
    struct place p;
    struct chance c;
    struct ack last = {0};
    uint32_t acknowledged = 0, rounds_with_acks = 0, beyond = 0;
    (void)state;

    chance_init(&c, 20);
    place_make(&p);
    for (uint64_t round = 0; round < 20; round++) {
        int acks;
        pid_t child = start_writer(&p, &acks, round);
        uint32_t n = kill_writer(child, acks, &last, round % 5 != 0, chance_below(&c, 30000));
        acknowledged += n;
        rounds_with_acks += n > 0;

        enum gx_err err = place_open(&p, (struct gx_store_options){.read_only = true});
        if (err == GX_E_ABSENT) {
            assert_int_equal(acknowledged, 0);      /* killed before the store was made */
            continue;
        }
        OK(err);
        struct gx_txn *txn = begin(&p, false);
        struct gx_log_row row;
        err = gx_log_next(txn, &row, 1, 0);
        if (err == GX_OK) {
            author_make(&writer, 1, 1, GX_LOG_MESSAGES);
            writer.row = row;
            assert_true(row.head_seq >= last.head_seq);
            assert_true(info_of(&p).next_arrival >= last.next_arrival);
            beyond += row.head_seq > last.head_seq;
            read_all(txn, &writer);
        } else {
            assert_int_equal(err, GX_E_ABSENT);
            assert_int_equal(last.head_seq, 0);
        }
        gx_txn_abort(&txn);
        if (round % 4 == 3)
            assert_int_equal(check_clean(&p).events, err == GX_OK ? row.head_seq : 0);
        place_close(&p);
    }
    assert_true(rounds_with_acks >= 16 && acknowledged >= 16);
    print_message("%u commits acknowledged, %u of 20 kills fell between commit and acknowledgement\n", acknowledged, beyond);
    place_remove(&p);
}

/* Killed while it is made: it is whole or not there. */
static void test_a_store_killed_while_it_is_made_is_whole_or_not_there(void **state)
{
    struct place p;
    struct chance c;
    uint32_t there = 0;
    char fresh[128];
    (void)state;

    chance_init(&c, 3);
    for (int round = 0; round < 30; round++) {
        struct ack last;
        int acks;
        place_make(&p);
        pid_t child = start_writer(&p, &acks, 1);
        kill_writer(child, acks, &last, round == 29, chance_below(&c, 30000));
        enum gx_err err = place_open(&p, (struct gx_store_options){.read_only = true});
        assert_true(err == GX_OK || err == GX_E_ABSENT);
        if (err == GX_OK) {
            check_clean(&p);
            place_close(&p);
            there++;
        }
        OK(place_open(&p, (struct gx_store_options){.create = true}));
        check_clean(&p);
        place_close(&p);
        snprintf(fresh, sizeof fresh, "%.95s.new", p.file);
        (void)unlink(fresh);
        place_remove(&p);
    }
    print_message("%u of 30 were there\n", there);
    assert_true(there > 0);
}

/* As gx-inspect does beside a running node. */
static void test_a_reader_beside_a_writer_always_sees_a_whole_state(void **state)
{
    struct place p;
    struct ack last = {0};
    uint64_t before = 0;
    int acks, looks = 0;
    (void)state;

    place_make(&p);
    pid_t child = start_writer(&p, &acks, 5);
    struct ack first;
    assert_int_equal(read(acks, &first, sizeof first), sizeof first);
    for (; looks < 8; looks++) {
        OK(place_open(&p, (struct gx_store_options){.read_only = true}));
        struct gx_check_report r = check_clean(&p);
        assert_true(r.events >= before);
        before = r.events;
        place_close(&p);
        sleep_us(2000);
    }
    /* Opening is the delicate part: the file grows and changes under the look that comes before mapping it. */
    for (looks = 0; looks < 300; looks++) {
        OK(place_open(&p, (struct gx_store_options){.read_only = true}));
        place_close(&p);
    }
    OK(place_open(&p, (struct gx_store_options){.read_only = true}));
    kill_writer(child, acks, &last, true, 0);
    assert_true(check_clean(&p).events >= last.head_seq);
    assert_true(last.head_seq > first.head_seq);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_acknowledged_event_survives_kill_9),
        cmocka_unit_test(test_a_store_killed_while_it_is_made_is_whole_or_not_there),
        cmocka_unit_test(test_a_reader_beside_a_writer_always_sees_a_whole_state),
    };
    return cmocka_run_group_tests_name("store/crash", tests, NULL, NULL);
}
