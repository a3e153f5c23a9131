#include "tests/unit/proto/story.h"

static const char *const good[] = {
    "192.0.2.1:7447", "0.0.0.0:1", "255.255.255.255:65535", "[::]:1", "[::1]:65535",
    "[2001:db8::1]:7447", "[2001:db8:1:2:3:4:5:6]:80", "[fe80::1]:9", "[fe80::1%2]:7447",
    "[febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535",
};

static void test_an_address_goes_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < GX_ARRAY_LEN(good); i++) {
        char text[GX_ADDR_TEXT_BYTES];
        struct gx_addr addr;
        assert_int_equal(gx_addr_parse(&addr, good[i], false), GX_OK);
        assert_int_equal(addr.family, good[i][0] == '[' ? 6 : 4);
        gx_addr_format(text, &addr);
        assert_string_equal(text, good[i]);
    }
}

static void test_what_ipv4_does_not_use_is_zero(void **state)
{
    static const uint8_t want[16] = {192, 0, 2, 1};
    struct gx_addr addr;
    (void)state;

    memset(&addr, 0xff, sizeof addr);
    assert_int_equal(gx_addr_parse(&addr, "192.0.2.1:7447", false), GX_OK);
    assert_memory_equal(addr.ip, want, 16);
    assert_int_equal(addr.port, 7447);
}

static void test_port_zero_is_taken_only_when_asked_for(void **state)
{
    struct gx_addr addr;
    (void)state;

    assert_int_equal(gx_addr_parse(&addr, "0.0.0.0:0", false), GX_E_MALFORMED);
    assert_int_equal(gx_addr_parse(&addr, "0.0.0.0:0", true), GX_OK);
    assert_int_equal(addr.port, 0);
    assert_int_equal(gx_addr_parse(&addr, "[::]:0", true), GX_OK);
}

/* Names are not looked up, and there is one way to write an address. */
static void test_anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", ":", ":7447", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:99999", "192.0.2.1:100000",
        "192.0.2.1:07447", "192.0.2.1:00", "192.0.2.1:+1", "192.0.2.1:-1", "192.0.2.1:1 ", " 192.0.2.1:1", "192.0.2.1: 1",
        "192.0.2.1:1a", "192.0.2:1", "192.0.2.256:1", "192.0.2.01:1", "0x7f.0.0.1:1", "example.org:1", "localhost:1",
        "::1:7447", "[::1]", "[::1]:", "[::1]7447", "[::1:7447", "::1]:7447", "[]:1", "[", "[]", "[192.0.2.1]:1",
        "[::1%lo]:1", "[::1%1]:1", "[2001:db8::1%2]:1", "[fec0::1%2]:1", "[fe80::1%]:1",
        "[fe80::1%0]:1", "[fe80::1%02]:1", "[fe80::1%4294967296]:1", "[fe80::1%18446744073709551618]:1", "[fe80::1%-1]:1", "[fe80::1%+1]:1", "[fe80::1%2%3]:1",
        "[fe80::1%eth0]:1", "[fe80::1% 2]:1", "[fe80::%2", "[%2]:1", "169.254.0.1%2:1", "[2001:db8:1:2:3:4:5:6:7]:1", "[::g]:1",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:1",
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(wrong); i++) {
        struct gx_addr addr;
        if (gx_addr_parse(&addr, wrong[i], true) != GX_E_MALFORMED)
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(addr.family, 0);
    }
}

static void test_no_address_is_shown_as_none(void **state)
{
    char text[GX_ADDR_TEXT_BYTES];
    (void)state;

    gx_addr_format(text, &(struct gx_addr){0});
    assert_string_equal(text, "none");
    gx_addr_format(text, &(struct gx_addr){.family = 9, .port = 1});
    assert_string_equal(text, "none");
}

static void test_the_longest_address_fits_its_text(void **state)
{
    struct gx_addr addr = {.family = 6, .port = 65535, .scope = UINT32_MAX};
    char text[GX_ADDR_TEXT_BYTES];
    (void)state;

    memset(addr.ip, 0xff, sizeof addr.ip);
    gx_addr_format(text, &addr);
    assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

static void test_equal_means_family_address_port_and_scope(void **state)
{
    struct gx_addr a = {.family = 4, .ip = {192, 0, 2, 1}, .port = 1}, b = a;
    (void)state;

    assert_true(gx_addr_equal(&a, &b));
    b.port = 2;
    assert_false(gx_addr_equal(&a, &b));
    b = a;
    b.family = 6;
    assert_false(gx_addr_equal(&a, &b));
    b = a;
    b.ip[15] = 1;
    assert_false(gx_addr_equal(&a, &b));
    b = a;
    b.scope = 1;
    assert_false(gx_addr_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_goes_there_and_back),
        cmocka_unit_test(test_what_ipv4_does_not_use_is_zero),
        cmocka_unit_test(test_port_zero_is_taken_only_when_asked_for),
        cmocka_unit_test(test_anything_else_is_refused),
        cmocka_unit_test(test_no_address_is_shown_as_none),
        cmocka_unit_test(test_the_longest_address_fits_its_text),
        cmocka_unit_test(test_equal_means_family_address_port_and_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
