#include "tests/unit/crypto/support.h"

#include "crypto/gate.h"
#include "crypto/hash.h"

static struct gx_gate_key gate;
static struct gx_transcript both;

static int make_gate(void **state)
{
    struct gx_dh_pk e;
    (void)state;

    run(e.b, 0x40, sizeof e.b);
    gx_gate_zero(&gate, &e);
    run(both.client_key.b, 0x11, 32);
    run(both.server_key.b, 0x31, 32);
    run(both.client_nonce.b, 0x51, 32);
    run(both.server_nonce.b, 0x71, 32);
    return 0;
}

static void test_gate_zero_is_the_hash_keyed_with_the_founders_e(void **state)
{
    uint8_t e[32], want[32];
    (void)state;

    run(e, 0x40, sizeof e);
    gx_hash_keyed(want, "gx-gate", gx_span(e, sizeof e), gx_span(NULL, 0));
    assert_memory_equal(gate.b, want, 32);
}

static void test_two_groups_have_two_gates(void **state)
{
    struct gx_dh_pk e;
    struct gx_gate_key other;
    (void)state;

    run(e.b, 0x41, sizeof e.b);
    gx_gate_zero(&other, &e);
    assert_memory_not_equal(gate.b, other.b, 32);
}

static void test_transcript_is_role_then_keys_then_nonces(void **state)
{
    uint8_t bytes[GX_TRANSCRIPT_BYTES];
    (void)state;

    gx_transcript_bytes(bytes, GX_ROLE_SERVER, &both);
    assert_int_equal(bytes[0], 1);
    assert_memory_equal(bytes + 1, both.client_key.b, 32);
    assert_memory_equal(bytes + 33, both.server_key.b, 32);
    assert_memory_equal(bytes + 65, both.client_nonce.b, 32);
    assert_memory_equal(bytes + 97, both.server_nonce.b, 32);
    assert_int_equal(sizeof bytes, 1 + 4 * 32);

    gx_transcript_bytes(bytes, GX_ROLE_CLIENT, &both);
    assert_int_equal(bytes[0], 0);
}

static void test_both_ends_compute_the_same_tag_for_one_role(void **state)
{
    struct gx_transcript seen_there = both;
    struct gx_tag a, b;
    (void)state;

    gx_gate_tag(&a, &gate, GX_ROLE_CLIENT, &both);
    gx_gate_tag(&b, &gate, GX_ROLE_CLIENT, &seen_there);
    assert_memory_equal(a.b, b.b, 16);
}

/* Else a stranger could send a member's own tag back and seem to know the group. */
static void test_tag_of_one_role_is_not_the_tag_of_the_other(void **state)
{
    struct gx_tag client, server;
    (void)state;

    gx_gate_tag(&client, &gate, GX_ROLE_CLIENT, &both);
    gx_gate_tag(&server, &gate, GX_ROLE_SERVER, &both);
    assert_memory_not_equal(client.b, server.b, 16);
}

static void test_tag_is_the_first_sixteen_bytes_of_the_keyed_hash(void **state)
{
    uint8_t bytes[GX_TRANSCRIPT_BYTES], full[32];
    struct gx_tag tag;
    (void)state;

    gx_transcript_bytes(bytes, GX_ROLE_CLIENT, &both);
    gx_hash_keyed(full, "gx-hello-tag", gx_span(gate.b, 32), gx_span(bytes, sizeof bytes));
    gx_gate_tag(&tag, &gate, GX_ROLE_CLIENT, &both);
    assert_memory_equal(tag.b, full, 16);
}

/* A tag heard in one connection is worth nothing in another: every byte of both keys and both nonces is in it. */
static void test_every_byte_of_the_transcript_changes_the_tag(void **state)
{
    struct gx_tag plain, changed;
    uint8_t *const fields[] = {both.client_key.b, both.server_key.b, both.client_nonce.b, both.server_nonce.b};
    (void)state;

    gx_gate_tag(&plain, &gate, GX_ROLE_CLIENT, &both);
    for (size_t f = 0; f < GX_ARRAY_LEN(fields); f++)
        for (size_t i = 0; i < 32; i++) {
            fields[f][i] ^= 0x10;
            gx_gate_tag(&changed, &gate, GX_ROLE_CLIENT, &both);
            assert_memory_not_equal(plain.b, changed.b, 16);
            fields[f][i] ^= 0x10;
        }
}

/* Swapping ends is another connection. */
static void test_client_and_server_swapped_change_the_tag(void **state)
{
    struct gx_transcript swapped = {
        .client_key = both.server_key,
        .server_key = both.client_key,
        .client_nonce = both.server_nonce,
        .server_nonce = both.client_nonce,
    };
    struct gx_tag a, b;
    (void)state;

    gx_gate_tag(&a, &gate, GX_ROLE_CLIENT, &both);
    gx_gate_tag(&b, &gate, GX_ROLE_CLIENT, &swapped);
    assert_memory_not_equal(a.b, b.b, 16);
    gx_gate_tag(&b, &gate, GX_ROLE_SERVER, &swapped);
    assert_memory_not_equal(a.b, b.b, 16);
}

static void test_stranger_with_another_gate_gets_another_tag(void **state)
{
    struct gx_gate_key other = gate;
    struct gx_tag a, b;
    (void)state;

    gx_gate_tag(&a, &gate, GX_ROLE_CLIENT, &both);
    for (unsigned bit = 0; bit < 256; bit++) {
        other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        gx_gate_tag(&b, &other, GX_ROLE_CLIENT, &both);
        assert_memory_not_equal(a.b, b.b, 16);
        other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void third_role(void)
{
    uint8_t bytes[GX_TRANSCRIPT_BYTES];

    gx_transcript_bytes(bytes, (enum gx_role)2, &both);
}

static void test_third_role_is_our_mistake_and_stops_the_program(void **state)
{
    (void)state;
    assert_true(aborts(third_role));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate_zero_is_the_hash_keyed_with_the_founders_e),
        cmocka_unit_test(test_two_groups_have_two_gates),
        cmocka_unit_test(test_transcript_is_role_then_keys_then_nonces),
        cmocka_unit_test(test_both_ends_compute_the_same_tag_for_one_role),
        cmocka_unit_test(test_tag_of_one_role_is_not_the_tag_of_the_other),
        cmocka_unit_test(test_tag_is_the_first_sixteen_bytes_of_the_keyed_hash),
        cmocka_unit_test(test_every_byte_of_the_transcript_changes_the_tag),
        cmocka_unit_test(test_client_and_server_swapped_change_the_tag),
        cmocka_unit_test(test_stranger_with_another_gate_gets_another_tag),
        cmocka_unit_test(test_third_role_is_our_mistake_and_stops_the_program),
    };
    return cmocka_run_group_tests_name("crypto/gate", tests, make_gate, NULL);
}
