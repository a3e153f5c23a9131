#include "tests/unit/os/homes.h"

#include "node/os/config.h"

static struct gx_config config;
static struct gx_fail why;

static bool parse(const char *text)
{
    memset(&why, 0, sizeof why);
    return gx_config_parse(&config, gx_span(text, strlen(text)), "f.conf", &why);
}

static void refused_at(const char *text, const char *place, const char *what)
{
    assert_false(parse(text));
    assert_int_equal(why.code, GX_EXIT_USAGE);
    assert_int_equal(strncmp(why.message, place, strlen(place)), 0);
    assert_non_null(strstr(why.message, what));
}

static void test_nothing_is_the_defaults(void **state)
{
    (void)state;
    assert_true(parse(""));
    assert_int_equal(config.listen_line, 0);
    assert_int_equal(config.listen.family, 6);
    assert_int_equal(config.listen.port, 0);
}

static void test_listen_is_read_with_comments_and_blanks_around_it(void **state)
{
    (void)state;
    assert_true(parse("# who\n\n; what\r\n\t listen =  192.0.2.1:7000 \r\n"));
    assert_int_equal(config.listen_line, 4);
    assert_int_equal(config.listen.family, 4);
    assert_int_equal(config.listen.port, 7000);
    assert_true(parse("listen=[::]:0"));
    assert_int_equal(config.listen_line, 1);
}

static void test_the_lan_is_on_unless_it_is_off(void **state)
{
    (void)state;
    assert_true(parse(""));
    assert_int_equal(config.lan.usual, GX_MODE_ON);
    assert_int_equal(config.lan.line, 0);
    assert_true(parse("lan = on\n"));
    assert_int_equal(config.lan.usual, GX_MODE_ON);
    assert_true(parse("\nlan=off\n"));
    assert_int_equal(config.lan.usual, GX_MODE_OFF);
    assert_int_equal(config.lan.line, 2);
    assert_true(parse("lan = contacts\n"));
    assert_int_equal(config.lan.usual, GX_MODE_CONTACTS);
    refused_at("lan = no", "f.conf:1: ", "on, contacts or off");
    refused_at("lan =", "f.conf:1: ", "on, contacts or off");
    refused_at("lan = on\nlan = on", "f.conf:2: ", "second time");
}

static void test_networks_have_modes_of_their_own(void **state)
{
    static char many[GX_CONFIG_BYTES_MAX];
    size_t n = 0;
    (void)state;

    assert_true(parse("lan = contacts\nlan.eth0 = on\n lan.wg-home=off\n"));
    assert_int_equal(config.lan.n, 2);
    assert_int_equal(config.lan.named[1].line, 3);
    assert_int_equal(gx_modes_of(&config.lan, "eth0", ""), GX_MODE_ON);
    assert_int_equal(gx_modes_of(&config.lan, "wg-home", "02:00:5e:10:00:01"), GX_MODE_OFF);
    assert_int_equal(gx_modes_of(&config.lan, "eth1", ""), GX_MODE_CONTACTS);
    assert_int_equal(gx_modes_of(&config.lan, "eth", ""), GX_MODE_CONTACTS);
    assert_true(parse("lan = off\n"));
    assert_int_equal(gx_modes_most(&config.lan), GX_MODE_OFF);
    assert_true(parse("lan = off\nlan.eth0 = contacts\n"));
    assert_int_equal(gx_modes_most(&config.lan), GX_MODE_CONTACTS);
    assert_false(gx_modes_by_router(&config.lan));
    assert_true(parse("lan.eth0 = off\nlan.02:00:5E:10:00:0a = contacts\n"));
    assert_int_equal(gx_modes_of(&config.lan, "eth0", "02:00:5e:10:00:0a"), GX_MODE_CONTACTS);
    assert_int_equal(gx_modes_of(&config.lan, "eth0", "02:00:5e:10:00:0b"), GX_MODE_OFF);
    assert_int_equal(gx_modes_of(&config.lan, "eth1", ""), GX_MODE_ON);
    assert_true(gx_modes_by_router(&config.lan));
    refused_at("lan.02:00:5E:10:00:0a = on\nlan.02:00:5e:10:00:0A = on", "f.conf:2: ", "second time");
    refused_at("lan.02:00:5e:10:00:0g = on", "f.conf:1: ", "by its router");
    refused_at("lan.02:00:5e:10:00 = on", "f.conf:1: ", "by its router");
    refused_at("lan.02-00-5e-10-00-01 = on", "f.conf:1: ", "by its router");
    assert_true(parse("lan.123456789012345 = on"));
    refused_at("lan.1234567890123456 = on", "f.conf:1: ", "named by its interface");
    refused_at("lan. = on", "f.conf:1: ", "named by its interface");
    refused_at("lan... = on", "f.conf:1: ", "named by its interface");
    refused_at("lan.eth0:1 = on", "f.conf:1: ", "eth0:1");
    refused_at("lan.my net = on", "f.conf:1: ", "my net");
    refused_at("lan.eth0 = yes", "f.conf:1: ", "on, contacts or off");
    refused_at("lan.eth0 = on\nlan.eth0 = off", "f.conf:2: ", "second time");
    for (unsigned i = 0; i < GX_LAN_MODES_MAX; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "lan.eth%u = on\n", i);
    assert_true(parse(many));
    snprintf(many + n, sizeof many - n, "lan.wlan0 = on\n");
    refused_at(many, "f.conf:65: ", "more than 64");
}

static void test_what_is_not_known_is_refused_with_its_line(void **state)
{
    (void)state;
    refused_at("\nlisten = nowhere\n", "f.conf:2: ", "ADDR:PORT");
    refused_at("listen = 1.2.3.4:99999", "f.conf:1: ", "ADDR:PORT");
    refused_at("listen", "f.conf:1: ", "key = value");
    refused_at("#\nlisen = [::]:1\n", "f.conf:2: ", "no such setting");
    refused_at("[node]\nlisten = [::]:1\n", "f.conf:1: ", "sections");
    refused_at("listen = [::]:1\nlisten = [::]:2\n", "f.conf:2: ", "second time");
    refused_at("listen = [::]:1 # here\n", "f.conf:1: ", "ADDR:PORT");
    refused_at("\n\n\xff\n", "f.conf:3: ", "UTF-8");
}

static void test_what_is_kept_is_read_with_units(void **state)
{
    (void)state;
    assert_true(parse("carry_recent_days = 7\ncarry_author_bytes = 64K\ncarry_group_bytes=3G\ncarry_off_messages = 5\n"));
    assert_int_equal(config.carry.recent_days, 7);
    assert_int_equal(config.carry.author_bytes, 65536);
    assert_int_equal(config.carry.group_bytes, UINT64_C(3) << 30);
    assert_int_equal(config.carry.off_messages, 5);
    assert_int_equal(config.carry.recent_bytes, 0);
    assert_int_equal(config.carry_lines[GX_CONFIG_group_bytes], 3);
    assert_int_equal(gx_config_carry_value(&config, GX_CONFIG_recent_bytes), GX_CARRY_RECENT_BYTES);
    assert_int_equal(gx_config_carry_value(&config, GX_CONFIG_recent_days), 7);
    refused_at("carry_recent_days = 0", "f.conf:1: ", "1 to 366");
    refused_at("carry_recent_days = 1K", "f.conf:1: ", "1 to 366");
    refused_at("carry_group_bytes = 63K", "f.conf:1: ", "64K or more");
    refused_at("carry_group_bytes = 64KB", "f.conf:1: ", "64K or more");
    refused_at("carry_group_bytes = -1", "f.conf:1: ", "64K or more");
    refused_at("carry_group_bytes = 9999999999999999G", "f.conf:1: ", "64K or more");
    refused_at("carry_off_messages = 5\ncarry_off_messages = 6", "f.conf:2: ", "second time");
}

static void test_a_zero_byte_hides_nothing(void **state)
{
    static const char text[] = "listen = [::]:1\0 and more\n";
    (void)state;

    assert_false(gx_config_parse(&config, gx_span(text, sizeof text - 1), "f.conf", &why));
}

static void test_long_lines_and_long_files_are_refused(void **state)
{
    static char text[GX_CONFIG_BYTES_MAX + 2];
    (void)state;

    memset(text, '#', 2000);
    text[2000] = 0;
    refused_at(text, "f.conf:1: ", "too long");
    memset(text, '\n', sizeof text);
    assert_true(gx_config_parse(&config, gx_span(text, GX_CONFIG_BYTES_MAX), "f.conf", &why));
    assert_false(gx_config_parse(&config, gx_span(text, GX_CONFIG_BYTES_MAX + 1), "f.conf", &why));
}

static void test_a_missing_file_is_no_error_and_a_present_one_is_read(void **state)
{
    struct gx_home home;
    (void)state;

    home_make(&home);
    assert_true(gx_config_read(&config, &home, &why));
    assert_int_equal(config.listen_line, 0);
    assert_int_equal(gx_file_replace(&home, "guanxi.conf", (uint8_t *)(char[]){"listen = [::1]:5\n"}, 17, NULL), GX_OK);
    assert_true(gx_config_read(&config, &home, &why));
    assert_int_equal(config.listen.port, 5);
    home_remove(&home);
}

static void test_mutations_are_refused_with_a_line_or_are_another_file(void **state)
{
    static const char start[] = "# the node of Mei\nlisten = [2001:db8::7]:7447\nlan.02:00:5e:10:00:01 = off\n; end\n";
    unsigned accepted = 0, refused = 0;
    struct gx_rng_stream rng;
    (void)state;

    rng_seed(&rng, 3);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t text[256];
        memcpy(text, start, sizeof start - 1);
        size_t n = mutate(&rng, text, sizeof start - 1, sizeof text);
        if (gx_config_parse(&config, gx_span(text, n), "f.conf", &why)) {
            accepted++;
            assert_true(config.listen.family == 4 || config.listen.family == 6);
        } else {
            refused++;
            assert_int_equal(strncmp(why.message, "f.conf:", 7), 0);
        }
    }
    printf("mutants: %u accepted, %u refused\n", accepted, refused);
    assert_true(accepted > 1000 && refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_the_defaults),
        cmocka_unit_test(test_listen_is_read_with_comments_and_blanks_around_it),
        cmocka_unit_test(test_the_lan_is_on_unless_it_is_off),
        cmocka_unit_test(test_networks_have_modes_of_their_own),
        cmocka_unit_test(test_what_is_not_known_is_refused_with_its_line),
        cmocka_unit_test(test_what_is_kept_is_read_with_units),
        cmocka_unit_test(test_a_zero_byte_hides_nothing),
        cmocka_unit_test(test_long_lines_and_long_files_are_refused),
        cmocka_unit_test(test_a_missing_file_is_no_error_and_a_present_one_is_read),
        cmocka_unit_test(test_mutations_are_refused_with_a_line_or_are_another_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
