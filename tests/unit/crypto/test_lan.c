#include "tests/unit/crypto/support.h"

#include "crypto/lan.h"
#include "crypto/member.h"
#include "crypto/rng.h"
#include "crypto/sign.h"

static struct gx_lan_key key, other_key;
static struct gx_lan_said said;
static struct gx_dh_sk r;
static struct gx_sign_pk device;
static struct gx_sign_sk device_sk;
static struct gx_rng_stream rng;
static uint8_t group[32];

static int make(void **state)
{
    struct gx_gate_key gate;
    struct gx_sign_seed seed;
    struct gx_dh_pk pk;
    uint8_t stream[32];
    (void)state;

    run(gate.b, 0x20, 32);
    gx_lan_key_of_gate(&key, &gate);
    run(gate.b, 0x21, 32);
    gx_lan_key_of_gate(&other_key, &gate);
    run(r.b, 0x41, 32);
    gx_dh_public(&pk, &r);
    memcpy(said.b, pk.b, 32);
    run(said.b + 32, 0x61, sizeof said.b - 32);
    run(seed.b, 0x55, 32);
    gx_sign_keypair(&device, &device_sk, &seed);
    run(group, 0x91, 32);
    run(stream, 0x77, 32);
    gx_rng_stream_init(&rng, stream);
    return 0;
}

static void test_a_tag_is_bound_to_the_key_and_to_every_byte_of_what_is_said(void **state)
{
    struct gx_lan_tag tag, other;
    (void)state;

    gx_lan_tag(&tag, &key, &said);
    gx_lan_tag(&other, &other_key, &said);
    assert_memory_not_equal(tag.b, other.b, sizeof tag.b);
    for (size_t i = 0; i < sizeof said.b; i++) {
        struct gx_lan_said changed = said;

        changed.b[i] ^= 1;
        gx_lan_tag(&other, &key, &changed);
        assert_memory_not_equal(tag.b, other.b, sizeof tag.b);
    }
}

static void test_a_capsule_names_the_device_to_who_has_the_key(void **state)
{
    struct gx_lan_capsule capsule;
    struct gx_sign_pk found;
    (void)state;

    gx_lan_capsule_seal(&capsule, &key, &said, group, &device, &device_sk);
    assert_true(gx_lan_capsule_open(&found, &capsule, &key, &said, group));
    assert_memory_equal(found.b, device.b, 32);
    assert_false(gx_lan_capsule_open(&found, &capsule, &other_key, &said, group));
    assert_true(all_zero(&found, sizeof found));
}

static void test_a_capsule_of_another_group_another_time_or_with_a_flipped_bit_is_none(void **state)
{
    struct gx_lan_capsule capsule;
    struct gx_lan_said changed = said;
    struct gx_sign_pk found;
    uint8_t elsewhere[32];
    (void)state;

    gx_lan_capsule_seal(&capsule, &key, &said, group, &device, &device_sk);
    memcpy(elsewhere, group, 32);
    elsewhere[31] ^= 1;
    assert_false(gx_lan_capsule_open(&found, &capsule, &key, &said, elsewhere));
    changed.b[GX_LAN_SAID_BYTES - 1] ^= 1;
    assert_false(gx_lan_capsule_open(&found, &capsule, &key, &changed, group));
    for (size_t bit = 0; bit < 8 * sizeof capsule; bit++) {
        ((uint8_t *)&capsule)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_lan_capsule_open(&found, &capsule, &key, &said, group));
        ((uint8_t *)&capsule)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(gx_lan_capsule_open(&found, &capsule, &key, &said, group));
}

static void test_an_answer_is_read_by_who_asked_alone(void **state)
{
    struct gx_lan_sealed answer;
    struct gx_dh_sk other = r;
    uint8_t place[GX_LAN_PLACE_BYTES], read[GX_LAN_PLACE_BYTES];
    (void)state;

    run(place, 0xb1, sizeof place);
    assert_true(gx_lan_answer_seal(&answer, &rng.rng, &key, &said, place));
    assert_true(gx_lan_answer_open(read, &answer, &key, &said, &r));
    assert_memory_equal(read, place, sizeof place);
    other.b[5] ^= 1;
    assert_false(gx_lan_answer_open(read, &answer, &key, &said, &other));      /* who has the key, and did not ask */
    assert_true(all_zero(read, sizeof read));
    assert_false(gx_lan_answer_open(read, &answer, &other_key, &said, &r));
    answer.bytes[3] ^= 1;
    assert_false(gx_lan_answer_open(read, &answer, &key, &said, &r));
}

static void test_nothing_is_sealed_to_a_point_that_x25519_refuses(void **state)
{
    struct gx_lan_said zero = said;
    struct gx_lan_sealed answer;
    uint8_t place[GX_LAN_PLACE_BYTES] = {1};
    (void)state;

    memset(zero.b, 0, 32);
    assert_false(gx_lan_answer_seal(&answer, &rng.rng, &key, &zero, place));
}

static void test_the_key_of_an_invitation_is_its_bk(void **state)
{
    struct gx_invite_lan_key bk;
    struct gx_lan_key out;
    (void)state;

    run(bk.b, 0x33, 32);
    gx_lan_key_of_invite(&out, &bk);
    assert_memory_equal(out.b, bk.b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tag_is_bound_to_the_key_and_to_every_byte_of_what_is_said),
        cmocka_unit_test(test_a_capsule_names_the_device_to_who_has_the_key),
        cmocka_unit_test(test_a_capsule_of_another_group_another_time_or_with_a_flipped_bit_is_none),
        cmocka_unit_test(test_an_answer_is_read_by_who_asked_alone),
        cmocka_unit_test(test_nothing_is_sealed_to_a_point_that_x25519_refuses),
        cmocka_unit_test(test_the_key_of_an_invitation_is_its_bk),
    };

    return cmocka_run_group_tests(tests, make, NULL);
}
