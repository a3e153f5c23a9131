#include "tests/unit/proto/frames.h"

#include "proto/lan.h"

static void counting(void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)(i + 1);
}

static void test_a_beacon_has_256_bytes_and_is_read_as_it_was_written(void **state)
{
    struct gx_beacon beacon, read;
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    counting(&beacon, sizeof beacon);
    gx_beacon_encode(&w, &beacon);
    assert_false(w.failed);
    assert_int_equal(w.n, GX_BEACON_BYTES);
    assert_memory_equal(bytes, "guanxi\0\1", 8);
    assert_int_equal(gx_beacon_decode(&read, gx_wr_span(&w)), GX_OK);
    assert_memory_equal(&read, &beacon, sizeof read);
}

static void test_an_answer_has_half_the_bytes_of_a_beacon(void **state)
{
    struct gx_lan_answer answer, read;
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    counting(&answer, sizeof answer);
    gx_lan_answer_encode(&w, &answer);
    assert_int_equal(w.n, GX_LAN_ANSWER_BYTES);
    assert_int_equal(2 * GX_LAN_ANSWER_BYTES, GX_BEACON_BYTES);
    assert_int_equal(gx_lan_answer_decode(&read, gx_wr_span(&w)), GX_OK);
    assert_memory_equal(&read, &answer, sizeof read);
}

static void test_every_truncation_another_constant_and_another_length_is_malformed(void **state)
{
    struct gx_beacon beacon, read;
    struct gx_lan_answer answer;
    uint8_t bytes[GX_BEACON_BYTES + 1] = {0};
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    counting(&beacon, sizeof beacon);
    gx_beacon_encode(&w, &beacon);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        if (n != GX_BEACON_BYTES)
            assert_int_equal(gx_beacon_decode(&read, gx_span(bytes, n)), GX_E_MALFORMED);
        if (n != GX_LAN_ANSWER_BYTES)
            assert_int_equal(gx_lan_answer_decode(&answer, gx_span(bytes, n)), GX_E_MALFORMED);
    }
    for (size_t i = 0; i < GX_LAN_MAGIC_BYTES; i++) {
        bytes[i] ^= 0x20;
        assert_int_equal(gx_beacon_decode(&read, gx_span(bytes, GX_BEACON_BYTES)), GX_E_MALFORMED);
        bytes[i] ^= 0x20;
    }
}

static void test_another_version_is_refused_as_such_whatever_its_length(void **state)
{
    struct gx_beacon read;
    uint8_t bytes[40] = "guanxi\0\2";
    (void)state;

    assert_int_equal(gx_beacon_decode(&read, gx_span(bytes, sizeof bytes)), GX_E_VERSION);
}

static void test_a_place_is_a_node_with_its_key_or_a_door_without(void **state)
{
    struct gx_lan_place node = {.kind = GX_LAN_NODE, .port = 7447}, door = {.kind = GX_LAN_DOOR, .port = 1}, read;
    uint8_t bytes[GX_LAN_PLACE_BYTES];
    (void)state;

    node.transport.b[31] = 1;
    gx_lan_place_encode(bytes, &node);
    assert_int_equal(gx_lan_place_decode(&read, bytes), GX_OK);
    assert_int_equal(read.port, 7447);
    assert_memory_equal(read.transport.b, node.transport.b, 32);
    gx_lan_place_encode(bytes, &door);
    assert_int_equal(gx_lan_place_decode(&read, bytes), GX_OK);
    assert_int_equal(read.kind, GX_LAN_DOOR);
}

static void test_a_place_that_makes_no_sense_is_malformed(void **state)
{
    struct gx_lan_place node = {.kind = GX_LAN_NODE, .port = 7447}, read;
    uint8_t bytes[GX_LAN_PLACE_BYTES];
    (void)state;

    gx_lan_place_encode(bytes, &node);          /* a node without a key */
    assert_int_equal(gx_lan_place_decode(&read, bytes), GX_E_MALFORMED);
    node.transport.b[0] = 1;
    node.kind = GX_LAN_DOOR;                    /* a door with one */
    gx_lan_place_encode(bytes, &node);
    assert_int_equal(gx_lan_place_decode(&read, bytes), GX_E_MALFORMED);
    node.kind = 2;
    gx_lan_place_encode(bytes, &node);
    assert_int_equal(gx_lan_place_decode(&read, bytes), GX_E_MALFORMED);
    node.kind = GX_LAN_NODE;
    node.port = 0;
    gx_lan_place_encode(bytes, &node);
    assert_int_equal(gx_lan_place_decode(&read, bytes), GX_E_MALFORMED);
    node.port = 1;
    gx_lan_place_encode(bytes, &node);
    bytes[GX_LAN_PLACE_BYTES - 1] = 1;
    assert_int_equal(gx_lan_place_decode(&read, bytes), GX_E_MALFORMED);
}

static void test_what_is_said_is_r_the_address_without_its_scope_and_the_slot(void **state)
{
    struct gx_dh_pk r;
    struct gx_addr from = {.family = 4, .ip = {192, 0, 2, 1}, .port = 0x1234};
    struct gx_lan_said said;
    uint8_t want[GX_LAN_SAID_BYTES] = {0};
    (void)state;

    counting(r.b, sizeof r.b);
    counting(want, 32);
    memcpy(want + 32, (const uint8_t[]){4, 192, 0, 2, 1}, 5);
    memcpy(want + 49, (const uint8_t[]){0x34, 0x12, 0x78, 0x56, 0, 0}, 6);
    gx_lan_said(&said, &r, &from, 0x5678);
    assert_memory_equal(said.b, want, sizeof want);
    assert_int_equal(gx_lan_slot(2 * GX_LAN_SLOT_MS - 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_beacon_has_256_bytes_and_is_read_as_it_was_written),
        cmocka_unit_test(test_an_answer_has_half_the_bytes_of_a_beacon),
        cmocka_unit_test(test_every_truncation_another_constant_and_another_length_is_malformed),
        cmocka_unit_test(test_another_version_is_refused_as_such_whatever_its_length),
        cmocka_unit_test(test_a_place_is_a_node_with_its_key_or_a_door_without),
        cmocka_unit_test(test_a_place_that_makes_no_sense_is_malformed),
        cmocka_unit_test(test_what_is_said_is_r_the_address_without_its_scope_and_the_slot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
