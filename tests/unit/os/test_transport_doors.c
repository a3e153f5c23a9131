/* Guests' doors: ports with keys of their own, for those who are not members yet. */
#include "tests/unit/os/net.h"

#include <sys/socket.h>

static gx_session_id visit(struct node *from, const struct door *door, struct gx_curve_pk *guest_pk)
{
    struct gx_curve_sk sk;

    crypto_box_keypair(guest_pk->b, sk.b);
    return dial_as(from, door->addr, &door->pk, guest_pk, &sk);
}

static void close_door(struct node *n, uint32_t number)
{
    gx_transport_do(n->t, &(struct gx_effect){.kind = GX_OUT_DOOR_CLOSE, .door = number});
}

/* libzmq closes a port in its own thread, some time after it was told to. */
static bool is_free(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool is = bind(fd, (struct sockaddr *)&in, sizeof in) == 0;
    close(fd);
    return is;
}

static void test_session_through_a_guests_door_tells_its_number_and_the_guests_key(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    struct gx_curve_pk guest;
    (void)state;

    struct door seven = open_door(b, 7, 0), big = open_door(b, 4294967294u, 0);
    assert_int_not_equal(seven.addr.port, gx_transport_port(b->t));
    assert_int_not_equal(seven.addr.port, big.addr.port);
    gx_session_id s = visit(a, &seven, &guest);
    WAIT(count(a, GX_IN_SESSION_UP, s) == 1);
    assert_memory_equal(&last(a, GX_IN_SESSION_UP)->peer_key, &seven.pk, 32);
    send_frame(a, s, 1, 4);
    WAIT(count(b, GX_IN_FRAME, 0) == 1);
    assert_int_equal(last(b, GX_IN_SESSION_UP)->door, 7);
    assert_memory_equal(&last(b, GX_IN_SESSION_UP)->peer_key, &guest, 32);
    assert_int_equal(stats(b).guests, 1);
    s = visit(a, &big, &guest);
    WAIT(count(a, GX_IN_SESSION_UP, s) == 1);
    send_frame(a, s, 1, 4);
    WAIT(count(b, GX_IN_FRAME, 0) == 2);
    assert_int_equal(last(b, GX_IN_SESSION_UP)->door, 4294967294u);
    send_frame(b, last(b, GX_IN_SESSION_UP)->session, 42, 4);
    WAIT(count(a, GX_IN_FRAME, s) == 1);
}

static void test_crossed_keys_get_nothing(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    (void)state;

    struct door one = open_door(b, 1, 0), two = open_door(b, 2, 0);
    size_t before = b->n_seen;
    gx_session_id s[4] = {dial_as(a, one.addr, &b->pk, NULL, NULL), dial_as(a, address_of(b), &one.pk, NULL, NULL),
                          dial_as(a, one.addr, &two.pk, NULL, NULL), dial_as(a, two.addr, &one.pk, NULL, NULL)};
    for (size_t i = 0; i < 4; i++)
        WAIT(count(a, GX_IN_SESSION_DOWN, s[i]) == 1);
    assert_int_equal(count(a, GX_IN_SESSION_UP, 0), 0);
    assert_int_equal(b->n_seen, before);
}

static void test_door_gets_its_old_port_or_any_when_that_is_taken(void **state)
{
    struct node *b = open_node(1, "127.0.0.1:0");
    (void)state;

    struct door one = open_door(b, 1, 0);
    struct door two = open_door(b, 2, one.addr.port);
    assert_int_not_equal(two.addr.port, one.addr.port);
    close_door(b, 1);
    WAIT(is_free(one.addr.port));
    struct door three = open_door(b, 3, one.addr.port);
    assert_int_equal(three.addr.port, one.addr.port);
}

/* The table of doors is bounded: what finds no place is told so. */
static void test_door_that_cannot_be_opened_has_no_address(void **state)
{
    struct node *b = open_node(1, "127.0.0.1:0");
    struct gx_effect e = {.kind = GX_OUT_DOOR_OPEN};
    (void)state;

    for (uint32_t i = 1; i <= 2 * GX_DOORS_MAX; i++)
        open_door(b, i, 0);
    crypto_box_keypair(e.door_pk.b, e.door_sk.b);
    e.door = 2 * GX_DOORS_MAX + 1;
    gx_transport_do(b->t, &e);
    WAIT(last(b, GX_IN_DOOR)->door == e.door);
    assert_int_equal(last(b, GX_IN_DOOR)->n_addrs, 0);
}

/* ADMIT and DOOR_CLOSE may come in one step: the guest gets its answer, and nobody comes after. */
static void test_closed_door_lets_its_guest_finish_and_nobody_in(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    struct gx_curve_pk guest;
    (void)state;

    struct door one = open_door(b, 1, 0);
    gx_session_id s = visit(a, &one, &guest);
    WAIT(count(a, GX_IN_SESSION_UP, s) == 1);
    send_frame(a, s, 1, 4);
    WAIT(count(b, GX_IN_FRAME, 0) == 1);
    gx_session_id at_b = last(b, GX_IN_SESSION_UP)->session;
    close_door(b, 1);
    send_frame(b, at_b, 2, 4);
    gx_session_id late = visit(a, &one, &guest);
    WAIT(count(a, GX_IN_FRAME, s) == 1 && count(a, GX_IN_SESSION_DOWN, late) == 1);
    settle(50);
    assert_int_equal(count(a, GX_IN_SESSION_DOWN, s), 0);
    disconnect(b, at_b);
    WAIT(count(a, GX_IN_SESSION_DOWN, s) == 1);
    WAIT(is_free(one.addr.port));
    struct door again = open_door(b, 2, one.addr.port);
    assert_int_equal(again.addr.port, one.addr.port);
    assert_int_equal(count(b, GX_IN_SESSION_DOWN, 0), 0);
}

static void test_guest_that_stays_at_a_closed_door_is_cut(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    struct gx_curve_pk guest;
    (void)state;

    struct door one = open_door(b, 1, 0);
    gx_session_id s = visit(a, &one, &guest);
    WAIT(count(a, GX_IN_SESSION_UP, s) == 1);
    send_frame(a, s, 1, 4);
    WAIT(count(b, GX_IN_FRAME, 0) == 1);
    close_door(b, 1);
    settle(20);
    clock_ahead_ms += GX_GUEST_MS_MAX;
    WAIT(count(a, GX_IN_SESSION_DOWN, s) == 1 && count(b, GX_IN_SESSION_DOWN, 0) == 1);
    WAIT(is_free(one.addr.port));
    assert_int_equal(open_door(b, 2, one.addr.port).addr.port, one.addr.port);
}

static void test_fifth_guest_of_one_host_is_refused_and_the_four_are_served(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    struct gx_curve_pk guest;
    gx_session_id s[GX_GUESTS_PER_HOST_MAX];
    (void)state;

    struct door one = open_door(b, 1, 0), two = open_door(b, 2, 0);
    for (size_t i = 0; i < GX_GUESTS_PER_HOST_MAX; i++) {
        s[i] = visit(a, i % 2 == 0 ? &one : &two, &guest);
        WAIT(count(a, GX_IN_SESSION_UP, s[i]) == 1);
    }
    gx_session_id fifth = visit(a, &one, &guest);
    WAIT(count(a, GX_IN_SESSION_DOWN, fifth) == 1);
    assert_int_equal(stats(b).refused_guests, 1);
    for (size_t i = 0; i < GX_GUESTS_PER_HOST_MAX; i++)
        send_frame(a, s[i], 1, 4);
    WAIT(count(b, GX_IN_FRAME, 0) == GX_GUESTS_PER_HOST_MAX);
    /* Members are not counted, and a place left is a place to be had. */
    connect_nodes(a, b);
    disconnect(a, s[0]);
    WAIT(stats(b).guests == GX_GUESTS_PER_HOST_MAX - 1);
    gx_session_id sixth = visit(a, &one, &guest);
    WAIT(count(a, GX_IN_SESSION_UP, sixth) == 1);
}

static void stranger_knock(struct stranger *s, const struct door *door, const char *from)
{
    *s = stranger_new(&door->pk);
    stranger_connect(s, door->addr, from);
    zmq_send(s->socket, "knock", 5, ZMQ_DONTWAIT);
}

/* Whom the engine told more than HELLO has proved the code. */
#define PATH_BYTES 200u

static void test_guest_who_did_not_prove_the_code_gives_up_its_place_after_a_second(void **state)
{
    struct node *b = open_node(1, "127.0.0.1:0");
    struct stranger s[GX_GUESTS_PER_HOST_MAX + 3];
    gx_session_id id[GX_GUESTS_PER_HOST_MAX + 3] = {0};
    (void)state;

    struct door one = open_door(b, 1, 0);
    clock_stopped_ms = mono_ms();
    for (size_t i = 0; i < GX_GUESTS_PER_HOST_MAX; i++) {
        stranger_knock(&s[i], &one, "127.0.0.10");
        WAIT(count(b, GX_IN_FRAME, 0) == i + 1);
        id[i] = last(b, GX_IN_SESSION_UP)->session;
        send_frame(b, id[i], 1, i == 0 ? PATH_BYTES : 34);
        clock_ahead_ms += i == 1 ? 1 : 0;
    }
    clock_ahead_ms += 998;
    stranger_knock(&s[4], &one, "127.0.0.10");
    WAIT(stats(b).refused_guests == 1);
    clock_ahead_ms += 1;
    for (size_t i = 5; i < 7; i++) {
        stranger_knock(&s[i], &one, "127.0.0.10");
        WAIT(i == 5 ? count(b, GX_IN_FRAME, 0) == 5 : stats(b).refused_guests == 2);
    }
    assert_int_equal(count(b, GX_IN_SESSION_DOWN, 0), 1);
    assert_int_equal(count(b, GX_IN_SESSION_DOWN, id[1]), 1);
    assert_int_equal(stats(b).cut_guests, 1);
    assert_int_equal(stats(b).guests, GX_GUESTS_PER_HOST_MAX);
    for (size_t i = 0; i < GX_ARRAY_LEN(s); i++)
        stranger_close(&s[i]);
}

/* They come again by themselves, and never say more than hello. */
static void test_silent_guests_of_ten_hosts_do_not_keep_an_honest_one_out(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    struct stranger s[40];
    struct gx_curve_pk guest;
    gx_session_id mine = 0, at_b = 0;
    int soon = 10;
    (void)state;

    struct door one = open_door(b, 1, 0);
    for (unsigned i = 0; i < GX_ARRAY_LEN(s); i++) {
        char from[16];
        snprintf(from, sizeof from, "127.0.0.%u", 10 + i % 10);
        s[i] = stranger_new(&one.pk);
        zmq_setsockopt(s[i].socket, ZMQ_RECONNECT_IVL, &soon, sizeof soon);
        stranger_connect(&s[i], one.addr, from);
        zmq_send(s[i].socket, "knock", 5, ZMQ_DONTWAIT);
    }
    WAIT(stats(b).guests == GX_GUESTS_MAX);
    settle(200);
    uint64_t start = mono_ms();
    for (bool in = false; !in;) {
        size_t before = count(b, GX_IN_FRAME, 0);
        mine = visit(a, &one, &guest);
        WAIT(count(a, GX_IN_SESSION_UP, mine) + count(a, GX_IN_SESSION_DOWN, mine) > 0);
        send_frame(a, mine, 1, 4);
        WAIT(count(b, GX_IN_FRAME, 0) > before || count(a, GX_IN_SESSION_DOWN, mine) > 0);
        for (size_t i = 0; i < b->n_seen; i++)
            if (b->seen[i].kind == GX_IN_SESSION_UP && memcmp(&b->seen[i].peer_key, &guest, sizeof guest) == 0) {
                at_b = b->seen[i].session;
                in = true;
            }
    }
    assert_true(mono_ms() - start < 3000);
    send_frame(b, at_b, 1, PATH_BYTES);
    WAIT(count(a, GX_IN_FRAME, mine) == 1);
    settle(1500);
    assert_int_equal(count(a, GX_IN_SESSION_DOWN, mine), 0);
    send_frame(b, at_b, 1, 4);
    WAIT(count(a, GX_IN_FRAME, mine) == 2);
    for (unsigned i = 0; i < GX_ARRAY_LEN(s); i++)
        stranger_close(&s[i]);
}

/* Strangers of ten hosts, four of each: 32 in all, for all of these have proved the code. */
static void test_thirty_third_guest_of_all_is_refused(void **state)
{
    struct node *b = open_node(1, "127.0.0.1:0");
    struct stranger s[40];
    (void)state;

    struct door one = open_door(b, 1, 0);
    for (unsigned i = 0; i < GX_ARRAY_LEN(s); i++) {
        char from[16];
        snprintf(from, sizeof from, "127.0.0.%u", 10 + i / GX_GUESTS_PER_HOST_MAX);
        stranger_knock(&s[i], &one, from);
        WAIT(count(b, GX_IN_SESSION_UP, 0) + stats(b).refused_guests == i + 1);
        if (i < GX_GUESTS_MAX)
            send_frame(b, last(b, GX_IN_SESSION_UP)->session, 1, PATH_BYTES);
    }
    assert_int_equal(count(b, GX_IN_SESSION_UP, 0), GX_GUESTS_MAX);
    assert_int_equal(stats(b).refused_guests, GX_ARRAY_LEN(s) - GX_GUESTS_MAX);
    for (unsigned i = 0; i < GX_ARRAY_LEN(s); i++)
        stranger_close(&s[i]);
    WAIT(stats(b).guests == 0);
}

static int start(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, close_all)
    const struct CMUnitTest tests[] = {
        TEST(test_session_through_a_guests_door_tells_its_number_and_the_guests_key),
        TEST(test_crossed_keys_get_nothing),
        TEST(test_door_gets_its_old_port_or_any_when_that_is_taken),
        TEST(test_door_that_cannot_be_opened_has_no_address),
        TEST(test_closed_door_lets_its_guest_finish_and_nobody_in),
        TEST(test_guest_that_stays_at_a_closed_door_is_cut),
        TEST(test_fifth_guest_of_one_host_is_refused_and_the_four_are_served),
        TEST(test_guest_who_did_not_prove_the_code_gives_up_its_place_after_a_second),
        TEST(test_silent_guests_of_ten_hosts_do_not_keep_an_honest_one_out),
        TEST(test_thirty_third_guest_of_all_is_refused),
    };
    return cmocka_run_group_tests_name("os/transport_doors", tests, start, NULL);
}
