#include "tests/unit/crypto/support.h"

#include "crypto/epoch.h"
#include "crypto/member.h"

#define N 5u

static struct gx_dh_sk secrets[N];
static struct gx_epoch_to to[N];
static struct gx_rng_stream rng;
static struct gx_context context;
static struct gx_dh_pk prekey;
static struct gx_epoch_head head;
static struct gx_epoch_key made;
static uint8_t slots[N * GX_EPOCH_SLOT_BYTES];

static int make_epoch(void **state)
{
    uint8_t bytes[145];
    (void)state;

    run(bytes, 0x01, sizeof bytes);
    gx_rng_stream_init(&rng, bytes);
    gx_context_of(&context, gx_span(bytes, sizeof bytes));
    for (uint8_t i = 0; i < N; i++) {
        gx_rng_fill(&rng.rng, secrets[i].b, 32);
        gx_dh_public(&to[i].prekey, &secrets[i]);
        run(to[i].log, (uint8_t)(0x10 * (i + 1)), sizeof to[i].log);
    }
    prekey = to[0].prekey;
    return gx_epoch_seal(&made, &head, slots, &rng.rng, &context, &prekey, to, N) ? 0 : 1;
}

static bool opens(struct gx_epoch_key *key, uint32_t i)
{
    return gx_epoch_open(key, &head, gx_span(slots, sizeof slots), &context, to[i].log, &to[i].prekey, &secrets[i]);
}

static void test_every_device_that_is_listed_comes_to_the_same_key(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        struct gx_epoch_key key;

        assert_true(opens(&key, i));
        assert_memory_equal(key.b, made.b, 32);
    }
}

static void test_who_is_not_listed_or_holds_another_prekey_gets_nothing(void **state)
{
    struct gx_epoch_key key;
    uint8_t log[16];
    (void)state;

    memset(log, 0xee, sizeof log);
    assert_false(gx_epoch_open(&key, &head, gx_span(slots, sizeof slots), &context, log, &to[0].prekey, &secrets[0]));
    assert_false(gx_epoch_open(&key, &head, gx_span(slots, sizeof slots), &context, to[0].log, &to[1].prekey, &secrets[1]));
    assert_true(all_zero(&key, sizeof key));
    assert_false(gx_epoch_open(&key, &head, gx_span(slots, 0), &context, to[0].log, &to[0].prekey, &secrets[0]));
}

/* The slot names 8 bytes of the log; the key hangs on all 16. */
static void test_a_slot_is_for_the_whole_log_id(void **state)
{
    struct gx_epoch_key key;
    uint8_t log[16];
    (void)state;

    memcpy(log, to[2].log, sizeof log);
    log[15] ^= 1;
    assert_false(gx_epoch_open(&key, &head, gx_span(slots, sizeof slots), &context, log, &to[2].prekey, &secrets[2]));
}

static void test_every_flipped_bit_of_an_epoch_is_refused_by_all(void **state)
{
    struct gx_epoch_key key;
    unsigned refused = 0;
    (void)state;

    for (uint32_t bit = 0; bit < 8 * sizeof slots; bit++) {
        slots[bit / 8] ^= (uint8_t)(1u << bit % 8);
        for (uint32_t i = 0; i < N; i += N - 1)
            refused += !opens(&key, i);
        slots[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(refused, 2 * 8 * sizeof slots);
    /* X25519 does not look at the highest bit of a point; the key hangs on it all the same. */
    for (uint32_t bit = 0; bit < 8 * 96; bit++) {
        uint8_t *at = bit < 256 ? head.x.b : bit < 512 ? head.conf : head.prekey.b;

        at[bit % 256 / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(opens(&key, 0));
        at[bit % 256 / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (uint32_t bit = 0; bit < 256; bit++) {
        context.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(opens(&key, 0));
        context.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(opens(&key, 0));
}

/* The author seals one secret to four and another to the fifth: by conf the fifth is left out, and does not follow into a room of its own. */
static void test_an_epoch_that_cheats_one_of_them_is_refused_by_that_one(void **state)
{
    struct gx_epoch_head other_head;
    struct gx_epoch_key key, other;
    uint8_t others[N * GX_EPOCH_SLOT_BYTES], kept[sizeof slots];
    (void)state;

    memcpy(kept, slots, sizeof kept);
    assert_true(gx_epoch_seal(&other, &other_head, others, &rng.rng, &context, &prekey, to, N));
    memcpy(slots + 4 * GX_EPOCH_SLOT_BYTES, others + 4 * GX_EPOCH_SLOT_BYTES, GX_EPOCH_SLOT_BYTES);
    assert_false(opens(&key, 4));
    assert_false(opens(&key, 0));       /* and by the rest, who come to another key than conf was made for */
    assert_true(all_zero(&key, sizeof key));
    memcpy(slots, kept, sizeof kept);
}

static void test_two_epochs_for_the_same_devices_have_nothing_in_common(void **state)
{
    struct gx_epoch_head other_head;
    struct gx_epoch_key other;
    uint8_t others[N * GX_EPOCH_SLOT_BYTES];
    (void)state;

    assert_true(gx_epoch_seal(&other, &other_head, others, &rng.rng, &context, &prekey, to, N));
    assert_memory_not_equal(other.b, made.b, 32);
    assert_memory_not_equal(other_head.x.b, head.x.b, 32);
    for (uint32_t i = 0; i < N; i++)
        assert_memory_not_equal(others + i * GX_EPOCH_SLOT_BYTES + 8, slots + i * GX_EPOCH_SLOT_BYTES + 8, 48);
}

static void test_a_prekey_of_small_order_seals_nothing(void **state)
{
    struct gx_epoch_to bad[2] = {to[0], to[1]};
    struct gx_epoch_head other_head;
    struct gx_epoch_key key;
    uint8_t others[2 * GX_EPOCH_SLOT_BYTES];
    (void)state;

    memset(bad[1].prekey.b, 0, 32);
    assert_false(gx_epoch_seal(&key, &other_head, others, &rng.rng, &context, &prekey, bad, 2));
    assert_true(all_zero(&key, sizeof key));
    memset(head.x.b, 0, 32);
    assert_false(opens(&key, 0));
    assert_int_equal(make_epoch(NULL), 0);
}

static void test_each_sender_has_a_chain_of_its_own(void **state)
{
    struct gx_chain_key a, b;
    struct gx_gate_key gate;
    (void)state;

    gx_epoch_chain(&a, &made, to[0].log);
    gx_epoch_chain(&b, &made, to[1].log);
    gx_epoch_gate(&gate, &made);
    assert_memory_not_equal(a.b, b.b, 32);
    assert_memory_not_equal(a.b, gate.b, 32);
}

static void seal_unsorted(void)
{
    struct gx_epoch_to two[2] = {to[1], to[0]};

    (void)!gx_epoch_seal(&made, &head, slots, &rng.rng, &context, &prekey, two, 2);
}

static void seal_none(void)
{
    (void)!gx_epoch_seal(&made, &head, slots, &rng.rng, &context, &prekey, to, 0);
}

static void test_mistakes_of_the_caller_stop_the_program(void **state)
{
    (void)state;
    assert_true(aborts(seal_unsorted));
    assert_true(aborts(seal_none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_device_that_is_listed_comes_to_the_same_key),
        cmocka_unit_test(test_who_is_not_listed_or_holds_another_prekey_gets_nothing),
        cmocka_unit_test(test_a_slot_is_for_the_whole_log_id),
        cmocka_unit_test(test_every_flipped_bit_of_an_epoch_is_refused_by_all),
        cmocka_unit_test(test_an_epoch_that_cheats_one_of_them_is_refused_by_that_one),
        cmocka_unit_test(test_two_epochs_for_the_same_devices_have_nothing_in_common),
        cmocka_unit_test(test_a_prekey_of_small_order_seals_nothing),
        cmocka_unit_test(test_each_sender_has_a_chain_of_its_own),
        cmocka_unit_test(test_mistakes_of_the_caller_stop_the_program),
    };
    return cmocka_run_group_tests_name("crypto/epoch", tests, make_epoch, NULL);
}
