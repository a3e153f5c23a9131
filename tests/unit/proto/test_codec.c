#include "tests/unit/proto/story.h"

static void test_what_is_written_is_read_back(void **state)
{
    uint8_t b[64], out[3];
    struct gx_wr w = gx_wr(b, sizeof b);
    (void)state;

    gx_wr_u8(&w, 0x81);
    gx_wr_u16(&w, 0x8182);
    gx_wr_u24(&w, 0x818283);
    gx_wr_u32(&w, 0x81828384);
    gx_wr_u64(&w, 0x8182838485868788);
    gx_wr_bytes(&w, "abc", 3);
    gx_wr_bytes(&w, "tail", 4);
    assert_false(w.failed);
    assert_int_equal(w.n, 1 + 2 + 3 + 4 + 8 + 3 + 4);

    struct gx_rd r = gx_rd(gx_wr_span(&w));
    assert_int_equal(gx_rd_u8(&r), 0x81);
    assert_int_equal(gx_rd_u16(&r), 0x8182);
    assert_int_equal(gx_rd_u24(&r), 0x818283);
    assert_int_equal(gx_rd_u32(&r), 0x81828384);
    assert_int_equal(gx_rd_u64(&r), 0x8182838485868788);
    gx_rd_bytes(&r, out, 3);
    assert_memory_equal(out, "abc", 3);
    struct gx_span rest = gx_rd_rest(&r);
    assert_int_equal(rest.n, 4);
    assert_memory_equal(rest.p, "tail", 4);
    assert_int_equal(gx_rd_finish(&r), GX_OK);
}

static void test_integers_lie_with_the_lowest_byte_first(void **state)
{
    uint8_t b[18];
    struct gx_wr w = gx_wr(b, sizeof b);
    (void)state;

    gx_wr_u8(&w, 1);
    gx_wr_u16(&w, 0x0302);
    gx_wr_u24(&w, 0x060504);
    gx_wr_u32(&w, 0x0a090807);
    gx_wr_u64(&w, 0x1211100f0e0d0c0b);
    for (size_t i = 0; i < sizeof b; i++)
        assert_int_equal(b[i], i + 1);
}

/* One read too far: zeroes come out, of this read and of every later one, though bytes would be left. */
static void test_a_failed_read_gives_zeroes_and_spoils_what_follows(void **state)
{
    static const uint8_t seven[] = {1, 2, 3, 4, 5, 6, 7};
    uint8_t out[4];
    (void)state;

    struct gx_rd r = gx_rd(gx_span(seven, sizeof seven));
    assert_int_equal(gx_rd_u64(&r), 0);
    assert_true(r.failed);
    assert_int_equal(gx_rd_u8(&r), 0);
    assert_int_equal(gx_rd_u16(&r), 0);
    assert_int_equal(gx_rd_u24(&r), 0);
    assert_int_equal(gx_rd_u32(&r), 0);
    memset(out, 0xff, sizeof out);
    gx_rd_bytes(&r, out, sizeof out);
    assert_memory_equal(out, "\0\0\0\0", 4);
    assert_null(gx_rd_span(&r, 1).p);
    assert_int_equal(gx_rd_span(&r, 0).n, 0);
    assert_int_equal(gx_rd_rest(&r).n, 0);
    assert_int_equal(gx_rd_finish(&r), GX_E_MALFORMED);
}

static void test_a_read_of_more_than_there_is_fails_at_every_length(void **state)
{
    uint8_t bytes[16], out[17];
    (void)state;

    story_run(bytes, 1, sizeof bytes);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        uint8_t *exact = test_malloc(n + 1);
        memcpy(exact, bytes, n);
        struct gx_rd r = gx_rd(gx_span(exact, n));
        gx_rd_bytes(&r, out, n + 1);
        assert_true(r.failed);
        r = gx_rd(gx_span(exact, n));
        gx_rd_bytes(&r, out, n);
        assert_int_equal(gx_rd_finish(&r), GX_OK);
        test_free(exact);
    }
}

static void test_a_length_that_would_wrap_around_is_only_too_long(void **state)
{
    static const uint8_t four[4] = {1, 2, 3, 4};
    (void)state;

    struct gx_rd r = gx_rd(gx_span(four, sizeof four));
    assert_null(gx_rd_span(&r, SIZE_MAX).p);
    assert_int_equal(gx_rd_finish(&r), GX_E_MALFORMED);
}

static void test_finish_refuses_what_is_left_over(void **state)
{
    static const uint8_t two[] = {1, 2};
    struct gx_rd r = gx_rd(gx_span(two, 2));
    (void)state;

    gx_rd_u8(&r);
    assert_int_equal(gx_rd_finish(&r), GX_E_MALFORMED);
    gx_rd_u8(&r);
    assert_int_equal(gx_rd_finish(&r), GX_OK);
}

static void test_a_value_that_may_not_be_fails_like_a_short_input(void **state)
{
    static const uint8_t two[] = {1, 2};
    struct gx_rd r = gx_rd(gx_span(two, 2));
    (void)state;

    gx_rd_fail(&r);
    assert_int_equal(gx_rd_u8(&r), 0);
    assert_int_equal(gx_rd_finish(&r), GX_E_MALFORMED);
}

static void test_nothing_at_all_is_well_formed(void **state)
{
    struct gx_rd r = gx_rd(gx_span(NULL, 0));
    (void)state;

    gx_rd_bytes(&r, NULL, 0);
    assert_int_equal(gx_rd_rest(&r).n, 0);
    assert_int_equal(gx_rd_finish(&r), GX_OK);
}

/* n stays where the last write that fitted left it, also when a later one would fit again. */
static void test_a_write_that_does_not_fit_leaves_everything_as_it_was(void **state)
{
    uint8_t b[4] = {9, 9, 9, 9};
    struct gx_wr w = gx_wr(b, 3);
    (void)state;

    gx_wr_u16(&w, 0x0201);
    gx_wr_u16(&w, 0x0403);
    assert_true(w.failed);
    assert_int_equal(w.n, 2);
    gx_wr_u8(&w, 5);
    assert_true(w.failed);
    assert_int_equal(w.n, 2);
    assert_int_equal(b[2], 9);
    assert_int_equal(b[3], 9);
}

static void test_a_writer_of_no_room_takes_nothing(void **state)
{
    struct gx_wr w = gx_wr(NULL, 0);
    (void)state;

    gx_wr_bytes(&w, NULL, 0);
    assert_false(w.failed);
    gx_wr_u8(&w, 1);
    assert_true(w.failed);
    assert_int_equal(gx_wr_span(&w).n, 0);
}

static void test_a_patch_overwrites_what_was_written(void **state)
{
    uint8_t b[8];
    struct gx_wr w = gx_wr(b, sizeof b);
    (void)state;

    gx_wr_u64(&w, 0);
    gx_wr_patch_u16(&w, 1, 0x1122);
    gx_wr_patch_u32(&w, 4, 0x33445566);
    assert_memory_equal(b, "\x00\x22\x11\x00\x66\x55\x44\x33", 8);
    assert_int_equal(w.n, 8);
}

/* What began before the room ran out is patched when it is over: then the place may not exist. */
static void test_a_patch_after_a_failed_write_does_nothing(void **state)
{
    uint8_t b[2] = {7, 7};
    struct gx_wr w = gx_wr(b, sizeof b);
    (void)state;

    gx_wr_u32(&w, 1);
    gx_wr_patch_u16(&w, 0, 0x1122);
    gx_wr_patch_u32(&w, 100, 0x1122);
    assert_memory_equal(b, "\7\7", 2);
}

static void test_keys_for_the_database_sort_like_their_numbers(void **state)
{
    static const uint64_t values[] = {0, 1, 255, 256, 65535, 65536, 0xfffffffe, 0xffffffff, 0x100000000, UINT64_MAX - 1, UINT64_MAX};
    uint8_t before[8], now[8], four[4];
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(values); i++) {
        gx_put_be64(now, values[i]);
        assert_int_equal(gx_get_be64(now), values[i]);
        gx_put_be32(four, (uint32_t)values[i]);
        assert_int_equal(gx_get_be32(four), (uint32_t)values[i]);
        if (i > 0)
            assert_true(memcmp(before, now, 8) < 0);
        memcpy(before, now, 8);
    }
    gx_put_be32(four, 0x01020304);
    assert_memory_equal(four, "\1\2\3\4", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_back),
        cmocka_unit_test(test_integers_lie_with_the_lowest_byte_first),
        cmocka_unit_test(test_a_failed_read_gives_zeroes_and_spoils_what_follows),
        cmocka_unit_test(test_a_read_of_more_than_there_is_fails_at_every_length),
        cmocka_unit_test(test_a_length_that_would_wrap_around_is_only_too_long),
        cmocka_unit_test(test_finish_refuses_what_is_left_over),
        cmocka_unit_test(test_a_value_that_may_not_be_fails_like_a_short_input),
        cmocka_unit_test(test_nothing_at_all_is_well_formed),
        cmocka_unit_test(test_a_write_that_does_not_fit_leaves_everything_as_it_was),
        cmocka_unit_test(test_a_writer_of_no_room_takes_nothing),
        cmocka_unit_test(test_a_patch_overwrites_what_was_written),
        cmocka_unit_test(test_a_patch_after_a_failed_write_does_nothing),
        cmocka_unit_test(test_keys_for_the_database_sort_like_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
