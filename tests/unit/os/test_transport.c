/* Sessions: made, used, ended.  Real sockets on the loopback interface, real CURVE. */
#include "tests/unit/os/net.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void test_frames_go_both_ways_between_authenticated_keys(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    (void)state;

    struct pair p = connect_nodes(a, b);
    const struct seen *up_a = last(a, GX_IN_SESSION_UP), *up_b = last(b, GX_IN_SESSION_UP);
    assert_false(up_a->inbound);
    assert_memory_equal(&up_a->peer_key, &b->pk, 32);
    assert_true(up_b->inbound);
    assert_int_equal(up_b->session % 2, 0);
    assert_int_equal(up_b->door, 0);
    assert_memory_equal(&up_b->peer_key, &a->pk, 32);
    assert_int_equal(up_b->peer_addr.family, 4);
    assert_int_equal(up_b->peer_addr.ip[0], 127);

    send_frame(b, p.to, 11, GX_FRAME_BYTES_MAX);
    send_frame(a, p.from, 12, GX_FRAME_BYTES_MAX);
    WAIT(count(a, GX_IN_FRAME, p.from) == 1 && count(b, GX_IN_FRAME, p.to) == 2);
    assert_int_equal(last(a, GX_IN_FRAME)->first, 11);
    assert_int_equal(last(a, GX_IN_FRAME)->bytes, GX_FRAME_BYTES_MAX);
    assert_int_equal(last(b, GX_IN_FRAME)->first, 12);
    assert_int_equal(stats(a).sessions_out, 1);
    assert_int_equal(stats(b).sessions_in, 1);
}

static void test_ipv6_and_ipv4_reach_a_node_bound_to_both(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "[::]:0");
    struct gx_addr six = address("[::1]:1"), four = address("127.0.0.1:1");
    (void)state;

    six.port = four.port = gx_transport_port(b->t);
    gx_session_id s6 = dial_as(a, six, &b->pk, NULL, NULL), s4 = dial_as(a, four, &b->pk, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_UP, s6) == 1 && count(a, GX_IN_SESSION_UP, s4) == 1);
    send_frame(a, s6, 6, 4);
    WAIT(count(b, GX_IN_SESSION_UP, 0) == 1);
    assert_int_equal(last(b, GX_IN_SESSION_UP)->peer_addr.family, 6);
    send_frame(a, s4, 4, 4);
    WAIT(count(b, GX_IN_SESSION_UP, 0) == 2);
    assert_int_equal(last(b, GX_IN_SESSION_UP)->peer_addr.family, 4);
}

/* libzmq ends all connections of one endpoint's name together: these have names of their own. */
static void test_two_sessions_to_one_address_live_and_end_apart(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    (void)state;

    struct pair p = connect_nodes(a, b), q = connect_nodes(a, b);
    assert_int_not_equal(p.to, q.to);
    disconnect(a, p.from);
    WAIT(count(b, GX_IN_SESSION_DOWN, p.to) == 1);
    send_frame(b, q.to, 5, 4);
    WAIT(count(a, GX_IN_FRAME, q.from) == 1);
    assert_int_equal(count(a, GX_IN_SESSION_DOWN, 0), 0);
}

static void test_wrong_server_key_gets_nothing(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    (void)state;

    gx_session_id s = dial_as(a, address_of(b), &a->pk, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_DOWN, s) == 1);
    settle(100);
    assert_int_equal(count(a, GX_IN_SESSION_UP, 0), 0);
    assert_int_equal(b->n_seen, 0);
    assert_true(stats(b).failed_handshakes >= 1);
}

#define FAR_MS 450u         /* one way */

/* What one side of a connection said, on its way to the other. */
struct way {
    int from, to;
    struct { uint64_t due_ms; size_t n; char bytes[4096]; } said[64];
    size_t head, tail;
};

static void way_turn(struct way *w)
{
    ssize_t n = w->tail - w->head == GX_ARRAY_LEN(w->said) ? -1 : recv(w->from, w->said[w->tail % 64].bytes, sizeof w->said[0].bytes, MSG_DONTWAIT);

    if (n > 0) {
        w->said[w->tail % 64].n = (size_t)n;
        w->said[w->tail++ % 64].due_ms = mono_ms() + FAR_MS;
    }
    for (; w->head < w->tail && mono_ms() >= w->said[w->head % 64].due_ms; w->head++)
        (void)!send(w->to, w->said[w->head % 64].bytes, w->said[w->head % 64].n, MSG_NOSIGNAL);
}

/* A long way to that node: a process through which one connection goes.  Returns where it begins. */
static struct gx_addr far_from(struct gx_addr node, pid_t *relay)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof in;
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct gx_addr at = node;

    assert_int_equal(bind(door, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&in, &n), 0);
    at.port = ntohs(in.sin_port);
    *relay = fork();
    if (*relay == 0) {
        static struct way there, back;
        int one = 1;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        there.from = back.to = accept(door, NULL, NULL);
        there.to = back.from = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        in.sin_port = htons(node.port);
        setsockopt(there.to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(back.to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(there.to, (struct sockaddr *)&in, sizeof in) != 0)
            _exit(1);
        for (;;) {
            way_turn(&there);
            way_turn(&back);
            poll(NULL, 0, 1);
        }
    }
    close(door);
    return at;
}

/* Eight journeys until both have shown who they are, of which each takes as long as by satellite. */
static void test_nodes_that_are_far_from_each_other_meet(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    pid_t relay;
    (void)state;

    gx_session_id s = dial_as(a, far_from(address_of(b), &relay), &b->pk, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_UP, s) + count(a, GX_IN_SESSION_DOWN, s) > 0);
    assert_int_equal(count(a, GX_IN_SESSION_UP, s), 1);
    send_frame(a, s, 7, 4);
    WAIT(count(b, GX_IN_FRAME, 0) == 1);
    assert_int_equal(last(b, GX_IN_FRAME)->first, 7);
    kill(relay, SIGKILL);
    waitpid(relay, NULL, 0);
}

static void test_a_key_that_was_replaced_is_answered_to_where_it_was(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    struct gx_addr old_place = address_of(b);
    struct gx_curve_pk old = b->pk;
    (void)state;

    struct pair p = connect_nodes(a, b);
    assert_memory_equal(&last(b, GX_IN_SESSION_UP)->own_key, &old, 32);
    assert_memory_equal(&last(a, GX_IN_SESSION_UP)->own_key, &a->pk, 32);
    crypto_box_keypair(b->pk.b, b->sk.b);
    assert_true(gx_transport_replace_key(b->t, &b->pk, &b->sk));
    struct gx_addr new_place = address_of(b);
    assert_int_not_equal(new_place.port, old_place.port);

    /* Who is connected stays so; who comes gets in by either, each where it belongs. */
    send_frame(b, p.to, 5, 4);
    WAIT(count(a, GX_IN_FRAME, p.from) == 1);
    gx_session_id by_old = dial_as(a, old_place, &old, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_UP, by_old) == 1);
    send_frame(a, by_old, 6, 4);
    WAIT(count(b, GX_IN_SESSION_UP, 0) == 2);
    assert_int_equal(last(b, GX_IN_SESSION_UP)->door, 0);
    assert_memory_equal(&last(b, GX_IN_SESSION_UP)->own_key, &old, 32);
    gx_session_id by_new = dial_as(a, new_place, &b->pk, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_UP, by_new) == 1);
    send_frame(a, by_new, 7, 4);
    WAIT(count(b, GX_IN_SESSION_UP, 0) == 3);
    assert_int_equal(last(b, GX_IN_SESSION_UP)->door, 0);
    assert_memory_equal(&last(b, GX_IN_SESSION_UP)->own_key, &b->pk, 32);
    gx_session_id crossed = dial_as(a, new_place, &old, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_DOWN, crossed) == 1);

    /* It goes to others with the new one. */
    gx_session_id out = dial_node(b, a);
    WAIT(count(b, GX_IN_SESSION_UP, out) == 1);
    send_frame(b, out, 8, 4);
    WAIT(count(a, GX_IN_FRAME, 0) == 2);
    assert_memory_equal(&last(a, GX_IN_SESSION_UP)->peer_key, &b->pk, 32);

    gx_transport_retire_key(b->t);
    WAIT(count(a, GX_IN_SESSION_DOWN, by_old) == 1);
    assert_int_equal(count(a, GX_IN_SESSION_DOWN, by_new), 0);
    gx_session_id late = dial_as(a, old_place, &old, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_DOWN, late) == 1);

    /* And again, in the place that became free. */
    crypto_box_keypair(b->pk.b, b->sk.b);
    assert_true(gx_transport_replace_key(b->t, &b->pk, &b->sk));
    gx_session_id newest = dial_node(a, b);
    WAIT(count(a, GX_IN_SESSION_UP, newest) == 1);
}

static void test_a_key_of_before_is_answered_to_once_its_port_is_free(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0"), *other = open_node(2, "127.0.0.1:0");
    struct gx_addr place = address_of(other);
    struct gx_curve_pk pk;
    struct gx_curve_sk sk;
    (void)state;

    crypto_box_keypair(pk.b, sk.b);
    assert_false(gx_transport_answer_old_key(b->t, &pk, &sk, place.port));
    gx_session_id early = dial_as(a, place, &pk, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_DOWN, early) == 1);
    close_node(other);
    WAIT(gx_transport_answer_old_key(b->t, &pk, &sk, place.port));
    gx_session_id s = dial_as(a, place, &pk, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_UP, s) == 1);
    send_frame(a, s, 5, 4);
    WAIT(count(b, GX_IN_SESSION_UP, 0) == 1);
    assert_memory_equal(&last(b, GX_IN_SESSION_UP)->own_key, &pk, 32);
    assert_true(gx_transport_answer_old_key(b->t, &pk, &sk, place.port));
}

static void test_clients_without_curve_get_nothing(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0");
    (void)state;

    struct stranger null = stranger_new(NULL), plain = stranger_new(NULL);
    zmq_setsockopt(plain.socket, ZMQ_PLAIN_USERNAME, "admin", 5);
    zmq_setsockopt(plain.socket, ZMQ_PLAIN_PASSWORD, "admin", 5);
    stranger_connect(&null, address_of(a), NULL);
    stranger_connect(&plain, address_of(a), NULL);
    zmq_send(null.socket, "hello", 5, ZMQ_DONTWAIT);
    zmq_send(plain.socket, "hello", 5, ZMQ_DONTWAIT);
    WAIT(stats(a).failed_handshakes >= 2);
    settle(100);
    assert_int_equal(a->n_seen, 0);
    stranger_close(&null);
    stranger_close(&plain);
}

static void test_connection_refused_is_told_at_once(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    struct gx_addr gone = address_of(b);
    struct gx_curve_pk key = b->pk;
    (void)state;

    close_node(b);
    uint64_t before = mono_ms();
    gx_session_id s = dial_as(a, gone, &key, NULL, NULL);
    WAIT(count(a, GX_IN_SESSION_DOWN, s) == 1);
    assert_true(mono_ms() - before < 1000);
    assert_int_equal(a->n_seen, 1);
}

static void test_address_that_is_none_is_told_at_once(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0");
    (void)state;

    gx_session_id s = dial_as(a, (struct gx_addr){0}, &a->pk, NULL, NULL);
    assert_int_equal(gx_transport_due_ms(a->t, net_now().mono_ms), 0);
    take(a);
    assert_int_equal(count(a, GX_IN_SESSION_DOWN, s), 1);
}

/* A port that accepts and then says nothing. */
static void test_handshake_that_hangs_is_given_up(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0");
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;

    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
    struct gx_addr addr = address("127.0.0.1:1");
    addr.port = ntohs(in.sin_port);
    gx_session_id s = dial_as(a, addr, &a->pk, NULL, NULL);
    settle(50);
    assert_int_equal(count(a, GX_IN_SESSION_DOWN, s), 0);
    clock_ahead_ms += 5000;
    WAIT(count(a, GX_IN_SESSION_DOWN, s) == 1);
    settle(20);
    assert_int_equal(a->n_seen, 1);
    close(fd);
}

/* What was sent before the end arrives before the end is told. */
static void test_peer_that_vanishes_is_told_after_its_last_frame(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0"), *c = open_node(2, "127.0.0.1:0");
    (void)state;

    struct pair ab = connect_nodes(a, b), bc = connect_nodes(b, c);
    for (uint32_t i = 0; i < 20; i++) {
        send_frame(b, ab.to, i, 1000);
        send_frame(b, bc.from, i, 1000);
    }
    close_node(b);
    WAIT(count(a, GX_IN_SESSION_DOWN, ab.from) == 1 && count(c, GX_IN_SESSION_DOWN, bc.to) == 1);
    assert_int_equal(count(a, GX_IN_FRAME, ab.from), 20);
    assert_int_equal(count(c, GX_IN_FRAME, bc.to), 21);
    assert_int_equal(a->seen[a->n_seen - 1].kind, GX_IN_SESSION_DOWN);
    assert_int_equal(c->seen[c->n_seen - 1].kind, GX_IN_SESSION_DOWN);
}

/* 2 MB are more than the kernel takes at once: the last frame waits inside libzmq when DISCONNECT comes. */
static void test_disconnect_lets_what_was_sent_before_out(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    (void)state;

    struct pair p = connect_nodes(a, b), q = connect_nodes(a, b);
    for (uint32_t i = 1; i <= 30; i++) {
        send_frame(a, p.from, i, GX_FRAME_BYTES_MAX);
        send_frame(b, q.to, i, GX_FRAME_BYTES_MAX);
    }
    disconnect(a, p.from);
    disconnect(b, q.to);
    WAIT(count(b, GX_IN_SESSION_DOWN, p.to) == 1 && count(a, GX_IN_SESSION_DOWN, q.from) == 1);
    assert_int_equal(count(b, GX_IN_FRAME, p.to), 31);
    assert_int_equal(count(a, GX_IN_FRAME, q.from), 30);
    assert_int_equal(last(a, GX_IN_FRAME)->first, 30);
    assert_int_equal(last(b, GX_IN_FRAME)->first, 30);
}

static void test_no_session_down_follows_a_disconnect(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    (void)state;

    struct pair p = connect_nodes(a, b), q = connect_nodes(a, b);
    gx_session_id unborn = dial_node(a, b);
    disconnect(a, unborn);
    disconnect(a, p.from);
    disconnect(b, q.to);
    send_frame(a, p.from, 9, 4);     /* too late */
    send_frame(b, p.to, 9, 4);       /* to one who listens no more */
    WAIT(count(b, GX_IN_SESSION_DOWN, p.to) == 1 && count(a, GX_IN_SESSION_DOWN, q.from) == 1);
    settle(50);
    assert_int_equal(count(a, GX_IN_SESSION_DOWN, 0), 1);
    assert_int_equal(count(b, GX_IN_SESSION_DOWN, 0), 1);
    assert_int_equal(count(a, GX_IN_FRAME, 0), 0);
    assert_int_equal(count(b, GX_IN_FRAME, p.to), 1);
}

/* The peer is stopped, not gone: its queue and the kernel's fill up. */
static void test_full_queue_drops_and_counts_and_never_blocks(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    uint32_t sent = 0;
    (void)state;

    struct pair p = connect_nodes(a, b);
    b->deaf = true;
    uint64_t before = mono_ms();
    while (stats(a).dropped_sends < 10 && sent < 4000) {
        send_frame(a, p.from, ++sent, GX_FRAME_BYTES_MAX);
        turn(0);
    }
    assert_int_equal(stats(a).dropped_sends, 10);
    assert_true(mono_ms() - before < 10000);
    b->deaf = false;
    WAIT(count(b, GX_IN_FRAME, p.to) == 1 + sent - 10);
    assert_int_equal(count(a, GX_IN_SESSION_DOWN, 0), 0);
    send_frame(a, p.from, 7777, 4);
    WAIT(last(b, GX_IN_FRAME)->first == 7777);
}

/* Inputs come in the right order and whole however few fit a take. */
static void test_small_takes_lose_nothing(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    (void)state;

    b->cap = 2;
    for (uint32_t i = 0; i < 10; i++) {
        gx_session_id s = dial_node(a, b);
        WAIT(count(a, GX_IN_SESSION_UP, s) == 1);
        b->deaf = true;
        for (uint32_t k = 1; k <= 20; k++)
            send_frame(a, s, k, 100);
        disconnect(a, s);
        settle(10);
        b->deaf = false;
    }
    WAIT(count(b, GX_IN_SESSION_DOWN, 0) == 10);
    assert_int_equal(count(b, GX_IN_SESSION_UP, 0), 10);
    assert_int_equal(count(b, GX_IN_FRAME, 0), 200);
    for (gx_session_id s = 2; s <= 20; s += 2) {
        const struct seen *before = NULL;
        for (size_t i = 0; i < b->n_seen; i++) {
            const struct seen *x = &b->seen[i];
            if (x->session != s)
                continue;
            assert_true(before != NULL || x->kind == GX_IN_SESSION_UP);
            assert_true(before == NULL || before->kind != GX_IN_SESSION_DOWN);
            if (x->kind == GX_IN_FRAME)
                assert_int_equal(x->first, before->first + 1);
            before = x;
        }
    }
}

static void test_200_connections_that_come_and_go_leave_nothing(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    struct pair p[4];
    (void)state;

    struct pair first = connect_nodes(a, b);
    disconnect(a, first.from);
    WAIT(count(b, GX_IN_SESSION_DOWN, 0) == 1);
    settle(50);
    size_t fds = open_fds();
    for (unsigned round = 0; round < 50; round++) {
        for (size_t i = 0; i < 4; i++)
            p[i] = connect_nodes(a, b);
        for (size_t i = 0; i < 4; i++)
            disconnect(i % 2 == 0 ? a : b, i % 2 == 0 ? p[i].from : p[i].to);
        WAIT(stats(a).sessions_out == 0 && stats(b).sessions_in == 0);
    }
    WAIT(count(a, GX_IN_SESSION_DOWN, 0) == 100 && count(b, GX_IN_SESSION_DOWN, 0) == 101);
    WAIT(open_fds() <= fds);
    assert_int_equal(count(b, GX_IN_SESSION_UP, 0), 201);
    /* Nothing is due either: an idle node sleeps. */
    WAIT(gx_transport_due_ms(a->t, net_now().mono_ms) == -1 && gx_transport_due_ms(b->t, net_now().mono_ms) == -1);
}

/* The descriptor a node on that port accepted its only connection on. */
static int accepted_fd(uint16_t port)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in in = {0};
        socklen_t n = sizeof in;
        if (getsockname(fd, (struct sockaddr *)&in, &n) == 0 && in.sin_family == AF_INET && in.sin_port == htons(port) &&
            getpeername(fd, (struct sockaddr *)&in, &n) == 0)
            return fd;
    }
    return -1;
}

/* All descriptors below `fd` are taken but one, if there is one. */
static size_t take_all_below(int fd, int taken[static 1024])
{
    size_t n = 0;

    while ((taken[n] = dup(STDIN_FILENO)) >= 0 && taken[n] < fd)
        n++;
    close(taken[n]);
    if (n > 0)
        close(taken[--n]);
    return n;
}

/* One connection ends right after its first frame, the next gets its descriptor, and the node hears of all this only afterwards. */
static void test_descriptor_used_again_belongs_to_the_new_session(void **state)
{
    struct node *b = open_node(1, "127.0.0.1:0");
    int taken[1024];
    unsigned used_again = 0;
    (void)state;

    for (uint32_t round = 1; round <= 5; round++) {
        struct node *a = open_node(0, "127.0.0.1:0"), *c = open_node(2, "127.0.0.1:0");
        struct gx_curve_pk a_key = a->pk;
        gx_session_id s = dial_node(a, b);
        WAIT(count(a, GX_IN_SESSION_UP, s) == 1);
        int fd = accepted_fd(gx_transport_port(b->t));
        assert_true(fd > 0);
        b->deaf = true;
        send_frame(a, s, round, 4);
        close_node(a);
        for (uint64_t end = mono_ms() + 5000; accepted_fd(gx_transport_port(b->t)) >= 0;)
            assert_true(mono_ms() < end);
        size_t n = take_all_below(fd, taken);
        gx_session_id r = dial_node(c, b);
        for (uint64_t end = mono_ms() + 5000; accepted_fd(gx_transport_port(b->t)) < 0; turn(1))
            assert_true(mono_ms() < end);
        used_again += accepted_fd(gx_transport_port(b->t)) == fd;
        while (n > 0)
            close(taken[--n]);
        b->deaf = false;
        WAIT(count(c, GX_IN_SESSION_UP, r) == 1 && count(b, GX_IN_FRAME, 0) == 2 * round - 1);
        assert_int_equal(last(b, GX_IN_FRAME)->first, round);
        assert_memory_equal(&last(b, GX_IN_SESSION_UP)->peer_key, &a_key, 32);
        send_frame(c, r, 100 + round, 4);
        WAIT(count(b, GX_IN_FRAME, 0) == 2 * round);
        assert_memory_equal(&last(b, GX_IN_SESSION_UP)->peer_key, &c->pk, 32);
        assert_int_equal(last(b, GX_IN_FRAME)->session, last(b, GX_IN_SESSION_UP)->session);
        close_node(c);
        WAIT(count(b, GX_IN_SESSION_DOWN, 0) == 2 * round);
    }
    assert_true(used_again > 0);
}

static void test_close_gives_queued_frames_their_time(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "127.0.0.1:0");
    (void)state;

    struct pair p = connect_nodes(a, b);
    for (uint32_t i = 1; i <= 25; i++)
        send_frame(a, p.from, i, GX_FRAME_BYTES_MAX);
    /* b reads only afterwards: what fits the queues on the way must be there. */
    uint64_t before = mono_ms();
    close_node(a);
    assert_true(mono_ms() - before < 3000);
    WAIT(count(b, GX_IN_SESSION_DOWN, p.to) == 1);
    assert_int_equal(count(b, GX_IN_FRAME, p.to), 26);
}

static void test_kept_port_is_taken_again_and_any_other_if_it_is_not_free(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0");
    struct gx_transport_config config = {.listen = address("127.0.0.1:0"), .preferred_port = gx_transport_port(a->t)};
    struct gx_transport *t = NULL;
    int sys_errno = 0;
    (void)state;

    assert_int_equal(gx_transport_open(&t, &config, &sys_errno), GX_OK);
    assert_int_not_equal(gx_transport_port(t), config.preferred_port);
    gx_transport_close(t);
    close_node(a);
    assert_int_equal(gx_transport_open(&t, &config, &sys_errno), GX_OK);
    assert_int_equal(gx_transport_port(t), config.preferred_port);
    /* Asked for by name it must be that one. */
    struct gx_transport *u = NULL;
    config.listen.port = config.preferred_port;
    assert_int_equal(gx_transport_open(&u, &config, &sys_errno), GX_E_USAGE);
    assert_int_equal(sys_errno, EADDRINUSE);
    assert_null(u);
    config.listen = address("203.0.113.9:0");
    assert_int_equal(gx_transport_open(&u, &config, &sys_errno), GX_E_USAGE);
    assert_int_equal(sys_errno, EADDRNOTAVAIL);
    gx_transport_close(t);
    gx_transport_close(NULL);
}

static void test_addresses_are_those_that_others_can_use(void **state)
{
    struct node *a = open_node(0, "127.0.0.1:0"), *b = open_node(1, "[::]:0"), *c = open_node(2, "0.0.0.0:0");
    struct gx_addr out[16];
    size_t n;
    (void)state;

    assert_true(gx_transport_addresses(a->t, out, &n, 16, 4321));
    assert_int_equal(n, 1);
    assert_int_equal(out[0].port, 4321);
    assert_int_equal(out[0].ip[0], 127);
    assert_true(gx_transport_addresses(a->t, out, &n, 0, 4321));
    assert_int_equal(n, 0);
    assert_true(gx_transport_addresses(b->t, out, &n, 16, 4321));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(out[i].port, 4321);
        assert_false(out[i].family == 6 && out[i].ip[0] == 0xfe && out[i].ip[1] == 0x80);
        assert_true(i == 0 || out[i - 1].family <= out[i].family);
        assert_true(n == 1 || out[i].family != 4 || out[i].ip[0] != 127);
    }
    assert_true(gx_transport_addresses(c->t, out, &n, 16, 4321));
    assert_true(n >= 1);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(out[i].family, 4);
    assert_true(gx_transport_addresses(c->t, out, &n, 1, 4321));
    assert_int_equal(n, 1);
}

/* They are told to everybody: none, because there was no descriptor to look with, would be a record by which nobody is reached. */
static void test_where_addresses_cannot_be_read_they_are_not_taken_for_gone(void **state)
{
    struct node *a = open_node(0, "0.0.0.0:0");
    struct gx_addr out[16];
    struct rlimit before, none;
    size_t n = 0;
    int free_fd = dup(0);
    (void)state;

    assert_true(gx_transport_addresses(a->t, out, &n, 16, 4321));
    assert_true(free_fd >= 0 && n >= 1);
    close(free_fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)free_fd;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool ok = gx_transport_addresses(a->t, out, &n, 16, 4321);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(ok);
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
        TEST(test_frames_go_both_ways_between_authenticated_keys),
        TEST(test_ipv6_and_ipv4_reach_a_node_bound_to_both),
        TEST(test_two_sessions_to_one_address_live_and_end_apart),
        TEST(test_wrong_server_key_gets_nothing),
        TEST(test_nodes_that_are_far_from_each_other_meet),
        TEST(test_a_key_that_was_replaced_is_answered_to_where_it_was),
        TEST(test_a_key_of_before_is_answered_to_once_its_port_is_free),
        TEST(test_clients_without_curve_get_nothing),
        TEST(test_connection_refused_is_told_at_once),
        TEST(test_address_that_is_none_is_told_at_once),
        TEST(test_handshake_that_hangs_is_given_up),
        TEST(test_peer_that_vanishes_is_told_after_its_last_frame),
        TEST(test_disconnect_lets_what_was_sent_before_out),
        TEST(test_no_session_down_follows_a_disconnect),
        TEST(test_full_queue_drops_and_counts_and_never_blocks),
        TEST(test_small_takes_lose_nothing),
        TEST(test_200_connections_that_come_and_go_leave_nothing),
        TEST(test_descriptor_used_again_belongs_to_the_new_session),
        TEST(test_close_gives_queued_frames_their_time),
        TEST(test_kept_port_is_taken_again_and_any_other_if_it_is_not_free),
        TEST(test_addresses_are_those_that_others_can_use),
        TEST(test_where_addresses_cannot_be_read_they_are_not_taken_for_gone),
    };
    return cmocka_run_group_tests_name("os/transport", tests, start, NULL);
}
