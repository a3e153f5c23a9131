/* Sessions by IPv6 addresses that mean something on one link alone: two machines that a cable joins. */
#include "tests/unit/os/cables.h"

#include "node/os/interfaces.h"
#include "node/os/transport.h"

#include <sodium.h>

struct end {
    struct gx_transport *t;
    struct gx_curve_pk pk;
    gx_session_id next_session;
    unsigned ups, downs;
    struct gx_addr peer;            /* of the last one that is up */
};

static struct end ends[2];

static void end_open(struct end *e, int net, const char *listen)
{
    struct gx_transport_config config = {.listen = {0}};
    int sys_errno;

    *e = (struct end){.next_session = 1};
    enter(net);
    assert_int_equal(gx_addr_parse(&config.listen, listen, true), GX_OK);
    crypto_box_keypair(config.pk.b, config.sk.b);
    e->pk = config.pk;
    assert_int_equal(gx_transport_open(&e->t, &config, &sys_errno), GX_OK);
}

static int close_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < GX_ARRAY_LEN(ends); i++)
        gx_transport_close(ends[i].t);
    memset(ends, 0, sizeof ends);
    cables_clear();
    return 0;
}

static void turn(void)
{
    zmq_pollitem_t items[2 * GX_TRANSPORT_ITEMS];
    struct gx_input in[GX_STEP_INPUTS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < 2; i++)
        n += gx_transport_items(ends[i].t, items + n, GX_TRANSPORT_ITEMS);
    zmq_poll(items, (int)n, 10);
    for (size_t i = 0; i < 2; i++) {
        size_t got = gx_transport_take(ends[i].t, in, GX_ARRAY_LEN(in), GX_STEP_BYTES_MAX, test_now());

        for (size_t k = 0; k < got; k++) {
            ends[i].ups += in[k].kind == GX_IN_SESSION_UP;
            ends[i].downs += in[k].kind == GX_IN_SESSION_DOWN;
            if (in[k].kind == GX_IN_SESSION_UP)
                ends[i].peer = in[k].peer_addr;
        }
    }
}

#define WAIT(condition)                          \
    do {                                         \
        uint64_t wait_end = mono_ms() + 20000;   \
        while (!(condition)) {                   \
            assert_true(mono_ms() < wait_end);   \
            turn();                              \
        }                                        \
    } while (0)

static void dial(struct end *from, const struct gx_addr *to, const struct end *whom)
{
    gx_transport_do(from->t, &(struct gx_effect){.kind = GX_OUT_CONNECT, .session = from->next_session, .addr = *to, .server_key = whom->pk});
    from->next_session += 2;
}

/* The other side knows of it with its first frame. */
static void greet(struct end *from)
{
    gx_transport_do(from->t, &(struct gx_effect){.kind = GX_OUT_SEND, .session = from->next_session - 2, .bytes = gx_span("hello", 5)});
}

/* The link-local address of an interface, once it can be used. */
static struct gx_addr link_local(int net, const char *name, uint16_t port)
{
    struct gx_addr out = {.family = 6, .port = port};
    uint64_t end = mono_ms() + 20000;

    enter(net);
    while (out.scope == 0) {
        struct gx_source sources[GX_LAN_SOURCES_MAX];
        size_t n, left_out;

        assert_true(mono_ms() < end && gx_interfaces_read(sources, &n, &left_out, &(struct gx_addr){.family = 6}));
        for (size_t i = 0; i < n; i++) {
            if (sources[i].addr.family != 6 || sources[i].interface != if_nametoindex(name))
                continue;
            memcpy(out.ip, sources[i].addr.ip, sizeof out.ip);
            out.scope = sources[i].interface;
        }
    }
    return out;
}

static void open_both(const char *listen)
{
    cable(NULL, NULL);
    end_open(&ends[0], here, listen);
    end_open(&ends[1], there, listen);
}

static void test_a_session_goes_by_the_interface_that_is_named(void **state)
{
    struct gx_addr to;
    (void)state;

    need_cables();
    open_both("[::]:0");
    (void)link_local(here, "west", 1);
    to = link_local(there, "east", gx_transport_port(ends[1].t));
    to.scope = index_of(here, "west");
    dial(&ends[0], &to, &ends[1]);
    WAIT(ends[0].ups == 1);
    assert_true(gx_addr_equal(&ends[0].peer, &to));
    greet(&ends[0]);
    WAIT(ends[1].ups == 1);
    assert_true(gx_addr_is_link_local(&ends[1].peer));
    assert_int_equal(ends[1].peer.scope, index_of(there, "east"));
    assert_int_equal(ends[0].downs + ends[1].downs, 0);
}

/* The store keeps no number, which is another one when the machine starts again: then each attempt takes another interface. */
static void test_where_no_interface_is_named_they_are_tried_in_turns(void **state)
{
    struct gx_addr to;
    unsigned tries = 0;
    (void)state;

    need_cables();
    /* First, so that they have the lower numbers. */
    run_ip(here, "link add north type veth peer name south");
    run_ip(here, "link set north up");
    run_ip(here, "link set south up");
    open_both("[::]:0");
    (void)link_local(here, "west", 1);
    (void)link_local(here, "north", 1);
    (void)link_local(here, "south", 1);
    to = link_local(there, "east", gx_transport_port(ends[1].t));
    to.scope = 0;
    enter(here);
    for (; ends[0].ups == 0 && tries < 3; tries++) {
        dial(&ends[0], &to, &ends[1]);
        WAIT(ends[0].ups == 1 || ends[0].downs == tries + 1);
    }
    assert_int_equal(ends[0].ups, 1);
    assert_int_equal(ends[0].peer.scope, index_of(here, "west"));
    run_ip(here, "link del north");
}

/* Others would look for it behind an interface of theirs. */
static void test_a_door_at_a_link_local_address_is_told_to_nobody(void **state)
{
    struct gx_addr at, addrs[4];
    char listen[GX_ADDR_TEXT_BYTES];
    size_t n;
    (void)state;

    need_cables();
    cable(NULL, NULL);
    at = link_local(there, "east", 0);
    gx_addr_format(listen, &at);
    end_open(&ends[1], there, listen);
    assert_true(gx_transport_addresses(ends[1].t, addrs, &n, 4, gx_transport_port(ends[1].t)));
    assert_int_equal(n, 0);
    end_open(&ends[0], here, "[::]:0");
    (void)link_local(here, "west", 1);
    at.port = gx_transport_port(ends[1].t);
    at.scope = index_of(here, "west");
    dial(&ends[0], &at, &ends[1]);
    WAIT(ends[0].ups == 1);
}

static void test_interfaces_are_known_by_name(void **state)
{
    struct gx_addr addr;
    (void)state;

    assert_int_equal(gx_interfaces_addr_parse(&addr, "[fe80::1%lo]:7447", false), GX_OK);
    assert_int_equal(addr.scope, if_nametoindex("lo"));
    assert_int_equal(gx_interfaces_addr_parse(&addr, "[fe80::1%7]:7447", false), GX_OK);
    assert_int_equal(addr.scope, 7);
    assert_int_equal(gx_interfaces_addr_parse(&addr, "192.0.2.1:7447", false), GX_OK);
    assert_int_equal(gx_interfaces_addr_parse(&addr, "[::]:0", true), GX_OK);
    assert_int_equal(gx_interfaces_addr_parse(&addr, "[fe80::1%nosuchif]:7447", false), GX_E_MALFORMED);
    assert_int_equal(gx_interfaces_addr_parse(&addr, "[fe80::1%a name that no interface can have]:7447", false), GX_E_MALFORMED);
    assert_int_equal(gx_interfaces_addr_parse(&addr, "[2001:db8::1%lo]:7447", false), GX_E_MALFORMED);
    assert_int_equal(gx_interfaces_addr_parse(&addr, "[fe80::1%lo", false), GX_E_MALFORMED);
    assert_int_equal(gx_interfaces_addr_parse(&addr, "%lo]:1", false), GX_E_MALFORMED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, close_all)
    const struct CMUnitTest tests[] = {
        TEST(test_a_session_goes_by_the_interface_that_is_named),
        TEST(test_where_no_interface_is_named_they_are_tried_in_turns),
        TEST(test_a_door_at_a_link_local_address_is_told_to_nobody),
        cmocka_unit_test(test_interfaces_are_known_by_name),
    };

    if (sodium_init() < 0)
        return 1;
    cables_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
