#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "node/os/verify.h"

#define JOBS 2000u

static struct gx_sign_pk pk;
static struct gx_sign_sk sk;
static uint8_t messages[JOBS][8];
static struct gx_sig sigs[JOBS];
static struct gx_time now = {.mono_ms = 77};

/* Every third signature is spoilt. */
static bool is_spoilt(uint64_t i)
{
    return i % 3 == 1;
}

static int make_signatures(void **state)
{
    struct gx_sign_seed seed = {{9}};
    (void)state;

    if (sodium_init() < 0)
        return -1;
    gx_sign_keypair(&pk, &sk, &seed);
    for (size_t i = 0; i < JOBS; i++) {
        memcpy(messages[i], &i, sizeof i);
        gx_sign(&sigs[i], &sk, GX_DOMAIN_EVENT, gx_span(messages[i], 8));
        sigs[i].b[40] ^= is_spoilt(i) ? 1 : 0;
    }
    return 0;
}

static void add(struct gx_verifier *v, size_t i, uint64_t ticket)
{
    struct gx_effect e = {.kind = GX_OUT_VERIFY,
                          .ticket = ticket,
                          .domain = GX_DOMAIN_EVENT,
                          .bytes = gx_span(messages[i], 8),
                          .pk = &pk,
                          .sig = &sigs[i]};
    gx_verifier_add(v, &e);
}

static void wait_readable(struct gx_verifier *v)
{
    struct pollfd p = {.fd = gx_verifier_fd(v), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
}

static bool is_readable(struct gx_verifier *v)
{
    struct pollfd p = {.fd = gx_verifier_fd(v), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* Takes all of [first, end), whose ticket is i + offset, and holds each answer against what it must be. */
static void take_all(struct gx_verifier *v, uint64_t first, uint64_t end, uint64_t offset, size_t cap)
{
    struct gx_input in[64];

    while (first < end) {
        wait_readable(v);
        size_t n = gx_verifier_take(v, in, cap, now);
        assert_true(n <= cap);
        for (size_t i = 0; i < n; i++, first++) {
            assert_int_equal(in[i].kind, GX_IN_VERIFIED);
            assert_int_equal(in[i].ticket, first + offset);
            assert_int_equal(in[i].now.mono_ms, now.mono_ms);
            assert_true(in[i].ok == !is_spoilt(first % JOBS));
        }
    }
    assert_int_equal(first, end);
}

static void test_results_come_in_ticket_order_whichever_thread_was_first(void **state)
{
    struct gx_verifier *v;
    (void)state;

    assert_int_equal(gx_verifier_open(&v, 4), GX_OK);
    for (size_t i = 0; i < JOBS; i++)
        add(v, i, i + 100);
    gx_verifier_flush(v);
    assert_int_equal(gx_verifier_pending(v), JOBS);
    take_all(v, 0, JOBS, 100, 64);
    assert_int_equal(gx_verifier_pending(v), 0);
    gx_verifier_close(v);
}

/* What is added while results are taken joins the end; the ring goes round three times. */
static void test_more_can_be_added_while_others_are_under_way(void **state)
{
    struct gx_verifier *v;
    uint64_t added = 0, taken = 0;
    (void)state;

    assert_int_equal(gx_verifier_open(&v, 2), GX_OK);
    while (taken < 3 * GX_VERIFIES_MAX) {
        for (unsigned i = 0; i < 300 && added < 3 * GX_VERIFIES_MAX && added - taken < GX_VERIFIES_MAX; i++, added++)
            add(v, added % JOBS, added + 1);
        gx_verifier_flush(v);
        uint64_t upto = taken + 150 < added ? taken + 150 : added;
        if (added == 3 * GX_VERIFIES_MAX)
            upto = added;
        struct gx_input in[64];
        wait_readable(v);
        while (taken < upto) {
            size_t n = gx_verifier_take(v, in, GX_ARRAY_LEN(in), now);
            if (n == 0)
                wait_readable(v);
            for (size_t i = 0; i < n; i++, taken++) {
                assert_int_equal(in[i].ticket, taken + 1);
                assert_true(in[i].ok == !is_spoilt(taken % JOBS));
            }
        }
    }
    assert_int_equal(gx_verifier_pending(v), 0);
    gx_verifier_close(v);
}

/* The results are there when flush returns: no thread was asked. */
static void test_a_few_are_done_at_once(void **state)
{
    struct gx_verifier *v;
    struct gx_input in[GX_VERIFY_INLINE];
    (void)state;

    assert_int_equal(gx_verifier_open(&v, 1), GX_OK);
    for (size_t i = 0; i < GX_VERIFY_INLINE; i++)
        add(v, i, i + 1);
    assert_false(is_readable(v));
    gx_verifier_flush(v);
    assert_true(is_readable(v));
    assert_int_equal(gx_verifier_take(v, in, GX_ARRAY_LEN(in), now), GX_VERIFY_INLINE);
    for (size_t i = 0; i < GX_VERIFY_INLINE; i++)
        assert_true(in[i].ok == !is_spoilt(i));
    assert_false(is_readable(v));
    gx_verifier_close(v);
}

/* What was done at once is told at once, and only until it is taken. */
static void test_ready_tells_whether_a_take_gives_something(void **state)
{
    struct gx_verifier *v;
    struct gx_input in[8];
    (void)state;

    assert_int_equal(gx_verifier_open(&v, 2), GX_OK);
    assert_false(gx_verifier_ready(v));
    add(v, 0, 1);
    assert_false(gx_verifier_ready(v));
    gx_verifier_flush(v);
    assert_true(gx_verifier_ready(v));
    assert_int_equal(gx_verifier_take(v, in, 8, now), 1);
    assert_false(gx_verifier_ready(v));
    gx_verifier_close(v);
}

static void test_nothing_starts_before_flush(void **state)
{
    struct gx_verifier *v;
    struct gx_input in[1];
    (void)state;

    assert_int_equal(gx_verifier_open(&v, 1), GX_OK);
    add(v, 0, 1);
    assert_int_equal(gx_verifier_take(v, in, 1, now), 0);
    assert_int_equal(gx_verifier_pending(v), 1);
    gx_verifier_flush(v);
    assert_int_equal(gx_verifier_take(v, in, 1, now), 1);
    gx_verifier_flush(v);
    assert_int_equal(gx_verifier_take(v, in, 1, now), 0);
    gx_verifier_close(v);
}

/* A caller that takes fewer than there are is told again. */
static void test_the_descriptor_stays_readable_while_results_are_left(void **state)
{
    struct gx_verifier *v;
    (void)state;

    assert_int_equal(gx_verifier_open(&v, 2), GX_OK);
    for (size_t i = 0; i < 200; i++)
        add(v, i, i + 1);
    gx_verifier_flush(v);
    take_all(v, 0, 200, 1, 1);
    assert_false(is_readable(v));
    gx_verifier_close(v);
}

static void test_signature_of_another_domain_is_refused(void **state)
{
    struct gx_verifier *v;
    struct gx_input in[1];
    struct gx_effect e = {.kind = GX_OUT_VERIFY,
                          .ticket = 1,
                          .domain = GX_DOMAIN_TOKEN,
                          .bytes = gx_span(messages[0], 8),
                          .pk = &pk,
                          .sig = &sigs[0]};
    (void)state;

    assert_int_equal(gx_verifier_open(&v, 1), GX_OK);
    gx_verifier_add(v, &e);
    gx_verifier_flush(v);
    assert_int_equal(gx_verifier_take(v, in, 1, now), 1);
    assert_false(in[0].ok);
    gx_verifier_close(v);
}

static void test_closing_with_work_under_way_waits_for_the_threads(void **state)
{
    struct gx_verifier *v;
    (void)state;

    for (unsigned threads = 1; threads <= 16; threads += 5) {
        assert_int_equal(gx_verifier_open(&v, threads), GX_OK);
        for (size_t i = 0; i < 500; i++)
            add(v, i, i + 1);
        gx_verifier_flush(v);
        gx_verifier_close(v);
    }
    gx_verifier_close(NULL);
}

static atomic_uint times_done[JOBS];

static void do_one(void *ctx, size_t i)
{
    assert_ptr_equal(ctx, messages);
    atomic_fetch_add(&times_done[i], 1);
}

/* Also while signatures are under way: what the loop waits for goes first. */
static void test_each_thing_is_done_once_before_it_returns(void **state)
{
    static const size_t sizes[] = {0, 1, 3, 4, 5, 64, JOBS};
    struct gx_input in[300];
    struct gx_verifier *v;
    (void)state;

    for (unsigned threads = 1; threads <= 4; threads += 3) {
        assert_int_equal(gx_verifier_open(&v, threads), GX_OK);
        for (size_t i = 0; i < 300; i++)
            add(v, i, i + 1);
        gx_verifier_flush(v);
        for (size_t s = 0; s < GX_ARRAY_LEN(sizes); s++) {
            for (size_t i = 0; i < JOBS; i++)
                atomic_store(&times_done[i], 0);
            gx_verifier_each(v, do_one, messages, sizes[s]);
            for (size_t i = 0; i < JOBS; i++)
                assert_int_equal(atomic_load(&times_done[i]), i < sizes[s] ? 1 : 0);
        }
        for (size_t taken = 0; taken < 300;) {
            wait_readable(v);
            size_t n = gx_verifier_take(v, in, 300, now);
            for (size_t i = 0; i < n; i++, taken++)
                assert_int_equal(in[i].ok, !is_spoilt(taken));
        }
        gx_verifier_close(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_come_in_ticket_order_whichever_thread_was_first),
        cmocka_unit_test(test_more_can_be_added_while_others_are_under_way),
        cmocka_unit_test(test_a_few_are_done_at_once),
        cmocka_unit_test(test_ready_tells_whether_a_take_gives_something),
        cmocka_unit_test(test_nothing_starts_before_flush),
        cmocka_unit_test(test_the_descriptor_stays_readable_while_results_are_left),
        cmocka_unit_test(test_signature_of_another_domain_is_refused),
        cmocka_unit_test(test_closing_with_work_under_way_waits_for_the_threads),
        cmocka_unit_test(test_each_thing_is_done_once_before_it_returns),
    };
    return cmocka_run_group_tests_name("os/verify", tests, make_signatures, NULL);
}
