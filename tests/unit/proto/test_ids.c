#include "tests/unit/proto/story.h"

#include "crypto/hash.h"

static void test_a_log_id_is_the_hash_of_member_device_incarnation_and_class(void **state)
{
    const struct story *s = story();
    uint8_t bytes[73], want[32];
    struct gx_log_id id;
    (void)state;

    memcpy(bytes, s->alice.member_pk.b, 32);
    memcpy(bytes + 32, s->alice.device_pk.b, 32);
    memcpy(bytes + 64, s->alice.intro.incarnation.b, 8);
    bytes[72] = GX_LOG_MESSAGES;
    gx_hash(want, "gx-log-id", gx_span(bytes, sizeof bytes));
    gx_log_id_make(&id, &s->alice.member_pk, &s->alice.device_pk, &s->alice.intro.incarnation, GX_LOG_MESSAGES);
    assert_memory_equal(id.b, want, 16);
}

static void test_device_incarnation_and_class_each_give_another_log(void **state)
{
    const struct story *s = story();
    const struct gx_log_id *ids[] = {&s->alice.control, &s->alice.messages, &s->second_control, &s->bob.control, &s->bob.messages};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(ids); i++)
        for (size_t k = 0; k < i; k++)
            assert_false(gx_log_id_equal(ids[i], ids[k]));
}

/* One node can be two members of a group, with one device key; nothing that the second says may then count as the first's. */
static void test_one_device_key_of_two_members_makes_two_logs(void **state)
{
    const struct story *s = story();
    struct gx_log_id mine, other;
    (void)state;

    gx_log_id_make(&mine, &s->alice.member_pk, &s->alice.device_pk, &s->alice.intro.incarnation, GX_LOG_CONTROL);
    gx_log_id_make(&other, &s->bob.member_pk, &s->alice.device_pk, &s->alice.intro.incarnation, GX_LOG_CONTROL);
    assert_false(gx_log_id_equal(&mine, &other));
}

static void test_hex_goes_there_and_back(void **state)
{
    uint8_t bytes[256], back[256];
    char text[GX_HEX_BYTES(256)];
    (void)state;

    story_run(bytes, 0, sizeof bytes);
    gx_hex(text, bytes, sizeof bytes);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f", 32);
    assert_true(gx_unhex(back, sizeof back, text));
    assert_memory_equal(back, bytes, sizeof bytes);
}

static void test_hex_of_nothing_is_the_empty_text(void **state)
{
    char text[GX_HEX_BYTES(0)] = {'x'};
    (void)state;

    gx_hex(text, NULL, 0);
    assert_string_equal(text, "");
    assert_true(gx_unhex(NULL, 0, ""));
    assert_false(gx_unhex(NULL, 0, "0"));
}

static void test_unhex_takes_both_cases_and_nothing_else(void **state)
{
    static const char *const wrong[] = {"", "0", "0a", "0a1", "0a1b2", "0a1b2c", "0a1g", "g0a1", "0a 1", "0x0a", " 0a1", "0a1\n"};
    uint8_t out[2];
    (void)state;

    assert_true(gx_unhex(out, 2, "0aF9"));
    assert_int_equal(out[0], 0x0a);
    assert_int_equal(out[1], 0xf9);
    for (size_t i = 0; i < GX_ARRAY_LEN(wrong); i++)
        assert_false(gx_unhex(out, 2, wrong[i]));
}

/* A digit is one of 22 characters, all others are refused wherever they stand. */
static void test_unhex_refuses_every_other_character(void **state)
{
    uint8_t out[1];
    unsigned taken = 0;
    (void)state;

    for (int c = 1; c < 256; c++) {
        const char high[] = {(char)c, '0', 0}, low[] = {'0', (char)c, 0};
        bool digit = strchr("0123456789abcdefABCDEF", c) != NULL;
        assert_int_equal(gx_unhex(out, 1, high), digit);
        assert_int_equal(gx_unhex(out, 1, low), digit);
        taken += digit;
    }
    assert_int_equal(taken, 22);
}

/* The text is exactly as long as its memory: reading on would be seen by the sanitizer. */
static void test_unhex_reads_nothing_behind_a_short_text(void **state)
{
    uint8_t out[16];
    (void)state;

    for (size_t n = 0; n < 32; n++) {
        char *text = test_malloc(n + 1);
        memset(text, 'a', n);
        text[n] = 0;
        assert_false(gx_unhex(out, sizeof out, text));
        test_free(text);
    }
}

static void test_equality_looks_at_every_byte(void **state)
{
    struct gx_event_id a = {{0}}, b = {{0}};
    struct gx_group_id g = {{0}}, h = {{0}};
    (void)state;

    for (size_t i = 0; i < 32; i++) {
        b.b[i] = h.b[i] = 1;
        assert_false(gx_event_id_equal(&a, &b));
        assert_false(gx_group_id_equal(&g, &h));
        assert_true(gx_event_id_cmp(&a, &b) < 0);
        assert_true(gx_event_id_cmp(&b, &a) > 0);
        b.b[i] = h.b[i] = 0;
    }
    assert_true(gx_event_id_equal(&a, &b));
    assert_int_equal(gx_event_id_cmp(&a, &b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_log_id_is_the_hash_of_member_device_incarnation_and_class),
        cmocka_unit_test(test_device_incarnation_and_class_each_give_another_log),
        cmocka_unit_test(test_one_device_key_of_two_members_makes_two_logs),
        cmocka_unit_test(test_hex_goes_there_and_back),
        cmocka_unit_test(test_hex_of_nothing_is_the_empty_text),
        cmocka_unit_test(test_unhex_takes_both_cases_and_nothing_else),
        cmocka_unit_test(test_unhex_refuses_every_other_character),
        cmocka_unit_test(test_unhex_reads_nothing_behind_a_short_text),
        cmocka_unit_test(test_equality_looks_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
