/* What the tests of the transport share: nodes that are turned until something happens, and strangers who speak plain libzmq. */
#ifndef GX_TESTS_UNIT_OS_NET_H
#define GX_TESTS_UNIT_OS_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "node/os/transport.h"

#define NODES_MAX 4u
#define SEEN_MAX 8192u

struct seen {
    enum gx_input_kind kind;
    gx_session_id session;
    bool inbound;
    uint32_t door;
    struct gx_curve_pk peer_key, own_key;
    struct gx_addr peer_addr, addr;
    size_t n_addrs, bytes;
    uint32_t first;             /* the first four bytes of a frame */
};

struct node {
    struct gx_transport *t;
    struct gx_curve_pk pk;
    struct gx_curve_sk sk;
    struct seen *seen;
    size_t n_seen;
    gx_session_id next_session;
    bool deaf;                  /* not turned */
    size_t cap;                 /* inputs a take */
};

static struct node nodes[NODES_MAX];
static uint64_t clock_ahead_ms;     /* lets hours pass */
static uint64_t clock_stopped_ms;   /* the time it stands still at; 0: it goes */

static inline uint64_t mono_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline struct gx_time net_now(void)
{
    return (struct gx_time){.mono_ms = (clock_stopped_ms != 0 ? clock_stopped_ms : mono_ms()) + clock_ahead_ms};
}

static inline void remember(struct node *n, const struct gx_input *in)
{
    GX_ASSERT(n->n_seen < SEEN_MAX);
    struct seen *s = &n->seen[n->n_seen++];
    *s = (struct seen){.kind = in->kind, .session = in->session, .inbound = in->inbound, .door = in->door,
                       .peer_key = in->peer_key, .own_key = in->own_key, .peer_addr = in->peer_addr, .n_addrs = in->n_addrs,
                       .bytes = in->bytes.n};
    if (in->n_addrs > 0)
        s->addr = in->addrs[0];
    if (in->bytes.n >= sizeof s->first)
        memcpy(&s->first, in->bytes.p, sizeof s->first);
}

static inline void take(struct node *n)
{
    struct gx_input in[GX_STEP_INPUTS_MAX];
    size_t cap = n->cap == 0 ? GX_ARRAY_LEN(in) : n->cap;
    size_t got = gx_transport_take(n->t, in, cap, GX_STEP_BYTES_MAX, net_now());

    assert_true(got <= cap);
    for (size_t i = 0; i < got; i++)
        remember(n, &in[i]);
}

/* Waits at most ms for something to happen at any node, then lets each carry on. */
static inline void turn(int64_t ms)
{
    zmq_pollitem_t items[NODES_MAX * GX_TRANSPORT_ITEMS];
    size_t n = 0;

    for (size_t i = 0; i < NODES_MAX; i++) {
        if (nodes[i].t == NULL || nodes[i].deaf)
            continue;
        n += gx_transport_items(nodes[i].t, items + n, GX_ARRAY_LEN(items) - n);
        int64_t due = gx_transport_due_ms(nodes[i].t, net_now().mono_ms);
        ms = due >= 0 && due < ms ? due : ms;
    }
    zmq_poll(items, (int)n, (long)ms);
    for (size_t i = 0; i < NODES_MAX; i++)
        if (nodes[i].t != NULL && !nodes[i].deaf)
            take(&nodes[i]);
}

#define WAIT(condition)                          \
    do {                                         \
        uint64_t wait_end = mono_ms() + 20000;   \
        while (!(condition)) {                   \
            assert_true(mono_ms() < wait_end);   \
            turn(100);                           \
        }                                        \
    } while (0)

/* Nothing more happens: all have been idle for ms. */
static inline void settle(uint64_t ms)
{
    for (uint64_t end = mono_ms() + ms; mono_ms() < end;)
        turn(20);
}

static inline struct gx_addr address(const char *text)
{
    struct gx_addr a;

    assert_int_equal(gx_addr_parse(&a, text, true), GX_OK);
    return a;
}

static inline struct node *open_node(size_t i, const char *listen)
{
    struct node *n = &nodes[i];
    struct gx_transport_config config = {.listen = address(listen)};
    int sys_errno = 0;

    *n = (struct node){.next_session = 1, .seen = calloc(SEEN_MAX, sizeof *n->seen)};
    crypto_box_keypair(n->pk.b, n->sk.b);
    config.pk = n->pk;
    config.sk = n->sk;
    assert_int_equal(gx_transport_open(&n->t, &config, &sys_errno), GX_OK);
    return n;
}

static inline void close_node(struct node *n)
{
    gx_transport_close(n->t);
    free(n->seen);
    *n = (struct node){0};
}

static inline int close_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < NODES_MAX; i++)
        close_node(&nodes[i]);
    clock_ahead_ms = clock_stopped_ms = 0;
    return 0;
}

static inline struct gx_addr address_of(const struct node *n)
{
    struct gx_addr a;
    size_t found;

    assert_true(gx_transport_addresses(n->t, &a, &found, 1, gx_transport_port(n->t)));
    assert_int_equal(found, 1);
    return a;
}

static inline gx_session_id dial_as(struct node *n, struct gx_addr addr, const struct gx_curve_pk *server_key,
                                    const struct gx_curve_pk *pk, const struct gx_curve_sk *sk)
{
    struct gx_effect e = {.kind = GX_OUT_CONNECT, .session = n->next_session, .addr = addr, .server_key = *server_key};

    if (pk != NULL) {
        e.as_guest = true;
        e.guest_pk = *pk;
        e.guest_sk = *sk;
    }
    n->next_session += 2;
    gx_transport_do(n->t, &e);
    return e.session;
}

static inline gx_session_id dial_node(struct node *from, struct node *to)
{
    return dial_as(from, address_of(to), &to->pk, NULL, NULL);
}

/* A frame of n bytes (at least 4) that begins with `first`. */
static inline void send_frame(struct node *n, gx_session_id session, uint32_t first, size_t bytes)
{
    uint8_t *b = calloc(1, bytes);

    memcpy(b, &first, sizeof first);
    gx_transport_do(n->t, &(struct gx_effect){.kind = GX_OUT_SEND, .session = session, .bytes = gx_span(b, bytes)});
    free(b);
}

static inline void disconnect(struct node *n, gx_session_id session)
{
    gx_transport_do(n->t, &(struct gx_effect){.kind = GX_OUT_DISCONNECT, .session = session});
}

static inline size_t count(const struct node *n, enum gx_input_kind kind, gx_session_id session)
{
    size_t found = 0;

    for (size_t i = 0; i < n->n_seen; i++)
        found += n->seen[i].kind == kind && (session == 0 || n->seen[i].session == session);
    return found;
}

/* The newest of that kind; all zero when there is none. */
static inline const struct seen *last(const struct node *n, enum gx_input_kind kind)
{
    static const struct seen nothing;

    for (size_t i = n->n_seen; i-- > 0;)
        if (n->seen[i].kind == kind)
            return &n->seen[i];
    return &nothing;
}

static inline struct gx_transport_stats stats(const struct node *n)
{
    struct gx_transport_stats s;

    gx_transport_stats(n->t, &s);
    return s;
}

/* Two sessions of one connection: from's and to's. */
struct pair {
    gx_session_id from, to;
};

static inline struct pair connect_nodes(struct node *from, struct node *to)
{
    struct pair p = {.from = dial_node(from, to)};
    size_t before = count(to, GX_IN_SESSION_UP, 0);

    WAIT(count(from, GX_IN_SESSION_UP, p.from) == 1);
    send_frame(from, p.from, 0, 4);
    WAIT(count(to, GX_IN_SESSION_UP, 0) == before + 1);
    p.to = last(to, GX_IN_SESSION_UP)->session;
    return p;
}

struct door {
    struct gx_curve_pk pk;
    struct gx_curve_sk sk;
    struct gx_addr addr;
};

static inline struct door open_door(struct node *n, uint32_t number, uint16_t port)
{
    struct gx_effect e = {.kind = GX_OUT_DOOR_OPEN, .door = number, .port = port};
    size_t before = count(n, GX_IN_DOOR, 0);

    crypto_box_keypair(e.door_pk.b, e.door_sk.b);
    gx_transport_do(n->t, &e);
    WAIT(count(n, GX_IN_DOOR, 0) == before + 1);
    assert_int_equal(last(n, GX_IN_DOOR)->door, number);
    assert_true(last(n, GX_IN_DOOR)->n_addrs >= 1);
    return (struct door){.pk = e.door_pk, .sk = e.door_sk, .addr = last(n, GX_IN_DOOR)->addr};
}

/* A stranger: a DEALER with a context of its own.  server_key NULL: no security at all. */
struct stranger {
    void *ctx, *socket;
    struct gx_curve_pk pk;
    struct gx_curve_sk sk;
};

static inline struct stranger stranger_new(const struct gx_curve_pk *server_key)
{
    struct stranger s = {.ctx = zmq_ctx_new()};
    int none = 0, never = -1;

    s.socket = zmq_socket(s.ctx, ZMQ_DEALER);
    zmq_setsockopt(s.socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(s.socket, ZMQ_RECONNECT_IVL, &never, sizeof never);
    crypto_box_keypair(s.pk.b, s.sk.b);
    if (server_key != NULL) {
        zmq_setsockopt(s.socket, ZMQ_CURVE_SERVERKEY, server_key->b, sizeof server_key->b);
        zmq_setsockopt(s.socket, ZMQ_CURVE_PUBLICKEY, s.pk.b, sizeof s.pk.b);
        zmq_setsockopt(s.socket, ZMQ_CURVE_SECRETKEY, s.sk.b, sizeof s.sk.b);
    }
    return s;
}

/* from: an address of this host to come from, or NULL. */
static inline void stranger_connect(struct stranger *s, struct gx_addr to, const char *from)
{
    char text[GX_ADDR_TEXT_BYTES], endpoint[2 * GX_ADDR_TEXT_BYTES];

    gx_addr_format(text, &to);
    snprintf(endpoint, sizeof endpoint, "tcp://%s%s%s", from == NULL ? "" : from, from == NULL ? "" : ":0;", text);
    assert_int_equal(zmq_connect(s->socket, endpoint), 0);
}

static inline void stranger_close(struct stranger *s)
{
    zmq_close(s->socket);
    zmq_ctx_term(s->ctx);
}

static inline size_t open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

#endif
