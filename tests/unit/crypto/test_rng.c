#include "tests/unit/crypto/support.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/rng.h"

/* A source that gives the same bytes at every call: the worst there is. */
struct stuck {
    struct gx_rng rng;
    uint8_t byte;
    unsigned calls;
};

static void stuck_fill(struct gx_rng *self, uint8_t *out, size_t n)
{
    struct stuck *s = (struct stuck *)self;

    memset(out, s->byte, n);
    s->calls++;
}

static void stream_init(struct gx_rng_stream *s, uint8_t first)
{
    uint8_t seed[32];

    run(seed, first, sizeof seed);
    gx_rng_stream_init(s, seed);
}

static void test_same_seed_and_calls_give_the_same_bytes(void **state)
{
    struct gx_rng_stream a, b;
    uint8_t x[300], y[300];
    (void)state;

    stream_init(&a, 1);
    stream_init(&b, 1);
    for (size_t n = 0; n <= sizeof x; n += 13) {
        gx_rng_fill(&a.rng, x, n);
        gx_rng_fill(&b.rng, y, n);
        assert_memory_equal(x, y, n);
    }
    gx_rng_fill(&a.rng, x, 32);
    gx_rng_fill(&b.rng, y, 32);
    assert_memory_equal(x, y, 32);
}

static void test_another_seed_gives_other_bytes(void **state)
{
    struct gx_rng_stream a, b;
    uint8_t x[32], y[32];
    (void)state;

    stream_init(&a, 1);
    stream_init(&b, 2);
    gx_rng_fill(&a.rng, x, sizeof x);
    gx_rng_fill(&b.rng, y, sizeof y);
    assert_memory_not_equal(x, y, sizeof x);
}

/* The same bytes need the same calls: how they are cut matters. */
static void test_two_short_calls_are_not_one_long_call(void **state)
{
    struct gx_rng_stream a, b;
    uint8_t x[64], y[64];
    (void)state;

    stream_init(&a, 1);
    stream_init(&b, 1);
    gx_rng_fill(&a.rng, x, 64);
    gx_rng_fill(&b.rng, y, 32);
    gx_rng_fill(&b.rng, y + 32, 32);
    assert_memory_equal(x, y, 32);
    assert_memory_not_equal(x + 32, y + 32, 32);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void test_no_output_repeats_in_ten_thousand_calls(void **state)
{
    struct gx_rng_stream s;
    static uint64_t seen[10000];
    (void)state;

    stream_init(&s, 9);
    for (size_t i = 0; i < GX_ARRAY_LEN(seen); i++)
        gx_rng_fill(&s.rng, &seen[i], sizeof seen[i]);
    qsort(seen, GX_ARRAY_LEN(seen), sizeof seen[0], ascending);
    for (size_t i = 1; i < GX_ARRAY_LEN(seen); i++)
        assert_int_not_equal(seen[i], seen[i - 1]);
}

static void test_bits_are_balanced(void **state)
{
    struct gx_rng_stream s;
    static uint8_t bytes[125000];
    unsigned ones = 0;
    (void)state;

    stream_init(&s, 4);
    gx_rng_fill(&s.rng, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        ones += (unsigned)__builtin_popcount(bytes[i]);
    /* A million fair bits are within 500,000 +- 2,500 (five standard deviations); the seed is fixed, so is the answer. */
    assert_in_range(ones, 497500, 502500);
}

/* Fast key erasure: the state after a call does not contain the key that made its output. */
static void test_key_is_replaced_at_every_call_even_an_empty_one(void **state)
{
    struct gx_rng_stream s;
    uint8_t before[32], out[32];
    (void)state;

    stream_init(&s, 1);
    memcpy(before, s.key, 32);
    gx_rng_fill(&s.rng, out, sizeof out);
    assert_memory_not_equal(before, s.key, 32);
    assert_memory_not_equal(out, s.key, 32);
    memcpy(before, s.key, 32);
    gx_rng_fill(&s.rng, NULL, 0);
    assert_memory_not_equal(before, s.key, 32);
}

static void test_stream_writes_only_what_was_asked_for(void **state)
{
    struct gx_rng_stream s;
    uint8_t out[66];
    (void)state;

    stream_init(&s, 1);
    for (size_t n = 0; n <= 64; n++) {
        memset(out, 0xee, sizeof out);
        gx_rng_fill(&s.rng, out + 1, n);
        assert_int_equal(out[0], 0xee);
        assert_int_equal(out[n + 1], 0xee);
    }
}

static void test_hedged_output_is_the_stream_of_the_documented_key(void **state)
{
    struct stuck source = {.rng = {stuck_fill}, .byte = 0x5a};
    struct gx_rng_hedged h;
    struct gx_device_seed seed;
    uint8_t input[40] = {0}, key[32], want[100], got[100];
    static const uint8_t nonce[8];
    (void)state;

    run(seed.b, 0x60, sizeof seed.b);
    gx_rng_hedged_init(&h, &source.rng, &seed);
    memset(input, 0x5a, 32);
    for (uint8_t call = 0; call < 3; call++) {
        input[32] = call;
        gx_hash_keyed(key, "gx-hedge", gx_span(seed.b, 32), gx_span(input, sizeof input));
        assert_int_equal(crypto_stream_chacha20(want, sizeof want, nonce, key), 0);
        gx_rng_fill(&h.rng, got, sizeof got);
        assert_memory_equal(got, want, sizeof got);
    }
}

static void test_stuck_source_never_makes_hedged_output_repeat(void **state)
{
    struct stuck source = {.rng = {stuck_fill}, .byte = 0};
    struct gx_rng_hedged h;
    struct gx_device_seed seed;
    uint8_t out[100][32];
    (void)state;

    run(seed.b, 0x60, sizeof seed.b);
    gx_rng_hedged_init(&h, &source.rng, &seed);
    for (size_t i = 0; i < GX_ARRAY_LEN(out); i++) {
        gx_rng_fill(&h.rng, out[i], 32);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(out[i], out[j], 32);
    }
    assert_int_equal(source.calls, GX_ARRAY_LEN(out));
}

/* Two nodes with the same broken system generator, as after cloning an image before first boot. */
static void test_two_devices_on_the_same_stuck_source_differ(void **state)
{
    struct stuck source = {.rng = {stuck_fill}, .byte = 0};
    struct gx_rng_hedged a, b;
    struct gx_device_seed seed_a, seed_b;
    uint8_t x[32], y[32];
    (void)state;

    run(seed_a.b, 0x60, 32);
    run(seed_b.b, 0x61, 32);
    gx_rng_hedged_init(&a, &source.rng, &seed_a);
    gx_rng_hedged_init(&b, &source.rng, &seed_b);
    gx_rng_fill(&a.rng, x, 32);
    gx_rng_fill(&b.rng, y, 32);
    assert_memory_not_equal(x, y, 32);
}

/* A thief of the seed alone does not know the next bytes. */
static void test_same_seed_on_two_sources_differs(void **state)
{
    struct stuck one = {.rng = {stuck_fill}, .byte = 1}, two = {.rng = {stuck_fill}, .byte = 2};
    struct gx_rng_hedged a, b;
    struct gx_device_seed seed;
    uint8_t x[32], y[32];
    (void)state;

    run(seed.b, 0x60, 32);
    gx_rng_hedged_init(&a, &one.rng, &seed);
    gx_rng_hedged_init(&b, &two.rng, &seed);
    gx_rng_fill(&a.rng, x, 32);
    gx_rng_fill(&b.rng, y, 32);
    assert_memory_not_equal(x, y, 32);
}

static void test_hedged_over_a_stream_is_deterministic_for_the_simulator(void **state)
{
    struct gx_rng_stream s1, s2;
    struct gx_rng_hedged a, b;
    struct gx_device_seed seed;
    uint8_t x[500], y[500];
    (void)state;

    run(seed.b, 0x60, 32);
    stream_init(&s1, 7);
    stream_init(&s2, 7);
    gx_rng_hedged_init(&a, &s1.rng, &seed);
    gx_rng_hedged_init(&b, &s2.rng, &seed);
    for (size_t n = 0; n <= sizeof x; n += 50) {
        gx_rng_fill(&a.rng, x, n);
        gx_rng_fill(&b.rng, y, n);
        assert_memory_equal(x, y, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_and_calls_give_the_same_bytes),
        cmocka_unit_test(test_another_seed_gives_other_bytes),
        cmocka_unit_test(test_two_short_calls_are_not_one_long_call),
        cmocka_unit_test(test_no_output_repeats_in_ten_thousand_calls),
        cmocka_unit_test(test_bits_are_balanced),
        cmocka_unit_test(test_key_is_replaced_at_every_call_even_an_empty_one),
        cmocka_unit_test(test_stream_writes_only_what_was_asked_for),
        cmocka_unit_test(test_hedged_output_is_the_stream_of_the_documented_key),
        cmocka_unit_test(test_stuck_source_never_makes_hedged_output_repeat),
        cmocka_unit_test(test_two_devices_on_the_same_stuck_source_differ),
        cmocka_unit_test(test_same_seed_on_two_sources_differs),
        cmocka_unit_test(test_hedged_over_a_stream_is_deterministic_for_the_simulator),
    };
    return cmocka_run_group_tests_name("crypto/rng", tests, NULL, NULL);
}
