#include "tests/unit/proto/frames.h"

#include "proto/near.h"

static void counting(void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)(i + 1);
}

static void test_each_has_its_length_and_is_read_as_it_was_written(void **state)
{
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    struct gx_near_ask ask, ask_read;
    struct gx_near_reply reply, reply_read;
    struct gx_near_confirm confirm, confirm_read;
    struct gx_near_gift gift, gift_read;
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    counting(&ask, sizeof ask);
    gx_near_ask_encode(&w, &ask);
    assert_int_equal(w.n, 64);
    assert_memory_equal(bytes, "guanxi\0\1", 8);
    assert_int_equal(gx_near_ask_decode(&ask_read, gx_wr_span(&w)), GX_OK);
    assert_memory_equal(&ask, &ask_read, sizeof ask);

    w = gx_wr(bytes, sizeof bytes);
    counting(&reply, sizeof reply);
    gx_near_reply_encode(&w, &reply);
    assert_int_equal(w.n, 48);
    assert_int_equal(gx_near_reply_decode(&reply_read, gx_wr_span(&w)), GX_OK);
    assert_memory_equal(&reply, &reply_read, sizeof reply);

    w = gx_wr(bytes, sizeof bytes);
    counting(&confirm, sizeof confirm);
    gx_near_confirm_encode(&w, &confirm);
    assert_int_equal(w.n, 168);
    assert_int_equal(gx_near_confirm_decode(&confirm_read, gx_wr_span(&w)), GX_OK);
    assert_memory_equal(&confirm, &confirm_read, sizeof confirm);

    w = gx_wr(bytes, sizeof bytes);
    counting(&gift, sizeof gift);
    gx_near_gift_encode(&w, &gift);
    assert_int_equal(w.n, 160);
    assert_int_equal(gx_near_gift_decode(&gift_read, gx_wr_span(&w)), GX_OK);
    assert_memory_equal(&gift, &gift_read, sizeof gift);
}

static void test_no_two_kinds_of_datagram_have_one_length(void **state)
{
    static const size_t lengths[] = {GX_BEACON_BYTES, GX_LAN_ANSWER_BYTES, GX_NEAR_ASK_BYTES, GX_NEAR_REPLY_BYTES, GX_NEAR_CONFIRM_BYTES, GX_NEAR_GIFT_BYTES};
    uint8_t bytes[GX_LAN_DATAGRAM_MAX] = {0};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(lengths); i++) {
        assert_int_equal(gx_near_is(gx_span(bytes, lengths[i])), i >= 2);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(lengths[i], lengths[k]);
    }
}

static void test_every_other_length_and_another_constant_is_malformed_and_another_version_is_told_apart(void **state)
{
    uint8_t bytes[GX_LAN_DATAGRAM_MAX + 1] = "guanxi\0\1";
    struct gx_near_ask ask;
    struct gx_near_reply reply;
    struct gx_near_confirm confirm;
    struct gx_near_gift gift;
    (void)state;

    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct gx_span all = gx_span(bytes, n);

        assert_int_equal(gx_near_ask_decode(&ask, all), n == GX_NEAR_ASK_BYTES ? GX_OK : GX_E_MALFORMED);
        assert_int_equal(gx_near_reply_decode(&reply, all), n == GX_NEAR_REPLY_BYTES ? GX_OK : GX_E_MALFORMED);
        assert_int_equal(gx_near_confirm_decode(&confirm, all), n == GX_NEAR_CONFIRM_BYTES ? GX_OK : GX_E_MALFORMED);
        assert_int_equal(gx_near_gift_decode(&gift, all), n == GX_NEAR_GIFT_BYTES ? GX_OK : GX_E_MALFORMED);
    }
    for (size_t i = 0; i < 8; i++) {
        enum gx_err err = i == 7 ? GX_E_VERSION : GX_E_MALFORMED;

        bytes[i] ^= 0x40;
        assert_int_equal(gx_near_ask_decode(&ask, gx_span(bytes, GX_NEAR_ASK_BYTES)), err);
        assert_int_equal(gx_near_reply_decode(&reply, gx_span(bytes, GX_NEAR_REPLY_BYTES)), err);
        assert_int_equal(gx_near_confirm_decode(&confirm, gx_span(bytes, GX_NEAR_CONFIRM_BYTES)), err);
        assert_int_equal(gx_near_gift_decode(&gift, gx_span(bytes, GX_NEAR_GIFT_BYTES)), err);
        bytes[i] ^= 0x40;
    }
}

static void test_an_invitation_is_read_as_it_was_written_but_for_its_address(void **state)
{
    struct gx_token token = {.expires_min = 700000, .uses = 1, .hint = {.family = 4, .ip = {192, 0, 2, 1}, .port = 7447}}, read;
    uint8_t plain[GX_NEAR_PLAIN_BYTES];
    uint16_t port = 0;
    (void)state;

    counting(token.group16, sizeof token.group16);
    counting(&token.seed, sizeof token.seed);
    counting(&token.sig, sizeof token.sig);
    gx_near_plain_encode(plain, &token, 4711);
    assert_int_equal(gx_near_plain_decode(&read, &port, plain), GX_OK);
    assert_int_equal(port, 4711);
    assert_int_equal(read.hint.family, 0);
    assert_int_equal(read.expires_min, 700000);
    assert_int_equal(read.uses, 1);
    assert_memory_equal(read.group16, token.group16, sizeof token.group16);
    assert_memory_equal(&read.seed, &token.seed, sizeof token.seed);
    assert_memory_equal(&read.sig, &token.sig, sizeof token.sig);
}

/* What comes sealed comes from who knew the code, which may be anybody that guessed it. */
static void test_port_0_filler_that_is_not_zero_and_every_other_invitation_is_refused(void **state)
{
    struct gx_token token = {.expires_min = 700000, .uses = 1}, read;
    uint8_t plain[GX_NEAR_PLAIN_BYTES];
    uint16_t port = 0;
    (void)state;

    gx_near_plain_encode(plain, &token, 0);
    assert_int_equal(gx_near_plain_decode(&read, &port, plain), GX_E_MALFORMED);
    gx_near_plain_encode(plain, &token, 1);
    for (size_t i = 2; i < sizeof plain; i++) {
        plain[i] ^= 0x80;
        assert_int_not_equal(gx_near_plain_decode(&read, &port, plain), GX_OK);
        plain[i] ^= 0x80;
    }
    assert_int_equal(gx_near_plain_decode(&read, &port, plain), GX_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_length_and_is_read_as_it_was_written),
        cmocka_unit_test(test_no_two_kinds_of_datagram_have_one_length),
        cmocka_unit_test(test_every_other_length_and_another_constant_is_malformed_and_another_version_is_told_apart),
        cmocka_unit_test(test_an_invitation_is_read_as_it_was_written_but_for_its_address),
        cmocka_unit_test(test_port_0_filler_that_is_not_zero_and_every_other_invitation_is_refused),
    };
    return cmocka_run_group_tests_name("proto/near", tests, NULL, NULL);
}
