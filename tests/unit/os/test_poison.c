#include "tests/unit/os/homes.h"

#include "node/os/poison.h"
#include "proto/frame.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static struct gx_home home;
static struct gx_fail why;
static struct gx_poison poison;
static uint8_t hash[GX_POISON_HASH];
static bool found;

static int make(void **state)
{
    (void)state;
    home_make(&home);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    home_remove(&home);
    return 0;
}

static const uint8_t bad[] = "bad frame", good[] = "good frame";

/* TIMER, the bad frame, a good one. */
static size_t batch(struct gx_input out[3])
{
    out[0] = (struct gx_input){.kind = GX_IN_TIMER};
    out[1] = (struct gx_input){.kind = GX_IN_FRAME, .bytes = gx_span(bad, sizeof bad)};
    out[2] = (struct gx_input){.kind = GX_IN_FRAME, .bytes = gx_span(good, sizeof good)};
    return gx_poison_batch(&poison, out, 3);
}

/* A process that ends in the middle of input `at`: by abort, or (sig) killed from outside. */
static void die_at(uint32_t at, int sig)
{
    struct gx_input inputs[3];
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (!gx_poison_open(&poison, &found, hash, &home, &why) || batch(inputs) <= at)
            _exit(1);
        *gx_poison_progress(&poison) = at;
        if (sig == SIGABRT)
            abort();
        (void)kill(getpid(), sig);
        for (;;)
            pause();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), sig);
}

static size_t left_after_start(void)
{
    struct gx_input inputs[3];

    assert_true(gx_poison_open(&poison, &found, hash, &home, &why));
    size_t n = batch(inputs);
    for (size_t i = 0; i < n; i++)
        if (inputs[i].kind == GX_IN_FRAME && n == 2)
            assert_ptr_equal(inputs[i].bytes.p, good);
    gx_poison_close(&poison);
    return n;
}

static void test_a_clean_end_names_nothing(void **state)
{
    (void)state;
    assert_int_equal(left_after_start(), 3);
    assert_int_equal(left_after_start(), 3);
    assert_false(found);
}

static void test_a_frame_that_made_the_node_abort_is_skipped_at_the_second_start(void **state)
{
    (void)state;
    die_at(1, SIGABRT);
    assert_int_equal(left_after_start(), 2);
    assert_true(found);
    /* And from then on. */
    assert_int_equal(left_after_start(), 2);
    assert_false(found);
}

/* kill -9 in the middle of a frame says little about the frame: a node that is killed at random must not lose good ones. */
static void test_a_frame_is_skipped_only_after_several_kills_from_outside(void **state)
{
    (void)state;
    for (unsigned i = 1; i < GX_POISON_KILLS; i++) {
        die_at(1, SIGKILL);
        assert_int_equal(left_after_start(), 3);
        assert_true(found);
    }
    die_at(1, SIGKILL);
    assert_int_equal(left_after_start(), 2);
}

static void test_an_input_that_is_no_frame_is_not_named(void **state)
{
    (void)state;
    die_at(0, SIGABRT);
    assert_int_equal(left_after_start(), 3);
    assert_false(found);
}

static void test_damaged_files_are_no_files(void **state)
{
    uint8_t junk[4096];
    struct gx_rng_stream rng;
    (void)state;

    rng_seed(&rng, 9);
    for (unsigned i = 0; i < 50; i++) {
        size_t n = rng_below(&rng, sizeof junk);
        gx_rng_fill(&rng.rng, junk, n);
        assert_int_equal(gx_file_replace(&home, i % 2 == 0 ? "poison" : "progress", junk, n, NULL), GX_OK);
        assert_int_equal(left_after_start(), 3);
    }
}

static void test_the_list_is_bounded_and_the_oldest_makes_room(void **state)
{
    uint32_t number;
    struct gx_input input = {.kind = GX_IN_FRAME, .bytes = gx_span(&number, sizeof number)};
    (void)state;

    for (number = 0; number < GX_POISON_MAX + 5; number++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            if (!gx_poison_open(&poison, &found, hash, &home, &why))
                _exit(1);
            (void)gx_poison_batch(&poison, &input, 1);
            *gx_poison_progress(&poison) = 0;
            abort();
        }
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    assert_true(gx_poison_open(&poison, &found, hash, &home, &why));
    assert_int_equal(poison.n, GX_POISON_MAX);
    number = GX_POISON_MAX + 4;
    assert_int_equal(gx_poison_batch(&poison, &input, 1), 0);
    number = 0;
    assert_int_equal(gx_poison_batch(&poison, &input, 1), 1);
    gx_poison_close(&poison);
}

/* The page lies in a file: what is written to it goes to the disk.  Here it cannot be written to at all. */
static void test_a_step_without_frames_writes_nothing(void **state)
{
    static const uint8_t ping[] = {GX_FRAME_PING, 0, 0, 0, 0, 0, 0, 0, 1};
    struct gx_input inputs[] = {{.kind = GX_IN_TIMER}, {.kind = GX_IN_COMMAND}, {.kind = GX_IN_FRAME, .bytes = gx_span(ping, sizeof ping)}};

    (void)state;
    assert_true(gx_poison_open(&poison, &found, hash, &home, &why));
    assert_int_equal(mprotect(poison.page, 4096, PROT_READ), 0);
    assert_int_equal(gx_poison_batch(&poison, inputs, GX_ARRAY_LEN(inputs)), GX_ARRAY_LEN(inputs));
    gx_poison_done(&poison);
    assert_int_equal(mprotect(poison.page, 4096, PROT_READ | PROT_WRITE), 0);
    gx_poison_close(&poison);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_a_clean_end_names_nothing),
        T(test_a_frame_that_made_the_node_abort_is_skipped_at_the_second_start),
        T(test_a_frame_is_skipped_only_after_several_kills_from_outside),
        T(test_an_input_that_is_no_frame_is_not_named),
        T(test_a_step_without_frames_writes_nothing),
        T(test_damaged_files_are_no_files),
        T(test_the_list_is_bounded_and_the_oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
