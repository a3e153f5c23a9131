#include "node/os/transport_parts.h"

#include "crypto/keys.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* All limits, before anything is bound or connected. */
static bool set_limits(void *socket)
{
    int64_t frame_max = GX_FRAME_BYTES_MAX + CURVE_OVERHEAD;

    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0 &&
           set_int(socket, ZMQ_RCVHWM, RECEIVE_QUEUE) && set_int(socket, ZMQ_SNDHWM, SEND_QUEUE) &&
           set_int(socket, ZMQ_HANDSHAKE_IVL, (int)GX_HANDSHAKE_MS_MAX) && set_int(socket, ZMQ_LINGER, 0) &&
           set_int(socket, ZMQ_ROUTER_MANDATORY, 1) && set_int(socket, ZMQ_TCP_KEEPALIVE, 1) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, 60) && set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, 10) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, 3) && set_int(socket, ZMQ_TCP_MAXRT, 30000);
}

static enum gx_err open_sockets(struct gx_transport *t)
{
    /* The handler first: without one libzmq refuses, and a bound port must never be without. */
    t->zap = zmq_socket(t->ctx, ZMQ_REP);
    if (t->zap == NULL || !set_int(t->zap, ZMQ_LINGER, 0) || zmq_bind(t->zap, "inproc://zeromq.zap.01") != 0)
        return GX_E_STORE;
    /* libzmq takes the first routing id it gives from rand(), which nobody seeds: it is the same in every process.  A peer may choose its own
     * routing id, and one that chose the next of the count makes libzmq abort.  So start the count where nobody can guess. */
    srand(randombytes_random());
    t->bound = zmq_socket(t->ctx, ZMQ_ROUTER);
    t->dialer = zmq_socket(t->ctx, ZMQ_ROUTER);
    if (t->bound == NULL || t->dialer == NULL || !set_limits(t->bound) || !set_limits(t->dialer))
        return GX_E_STORE;
    if (!set_int(t->bound, ZMQ_CURVE_SERVER, 1) || !set_int(t->bound, ZMQ_BACKLOG, 1024) ||
        !set_int(t->dialer, ZMQ_RECONNECT_IVL, -1) ||
        !set_int(t->dialer, ZMQ_CONNECT_TIMEOUT, (int)GX_CONNECT_MS_MAX))
        return GX_E_STORE;
    if (gx_monitor_open(&t->bound_events, t->ctx, t->bound, "inproc://bound-events") != GX_OK ||
        gx_monitor_open(&t->dialer_events, t->ctx, t->dialer, "inproc://dialer-events") != GX_OK)
        return GX_E_STORE;
    t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return t->epoll_fd < 0 ? GX_E_STORE : GX_OK;
}

/* Where libzmq's count of routing ids stands: what lies outside of it was chosen by a peer. */
static enum gx_err learn_rid(struct gx_transport *t)
{
    static const char endpoint[] = "inproc://first-routing-id";
    void *probe = zmq_socket(t->ctx, ZMQ_DEALER);
    uint8_t rid[RID_BYTES] = {0}, empty[1];
    bool ok = probe != NULL && set_int(probe, ZMQ_LINGER, 0) && zmq_bind(t->bound, endpoint) == 0 &&
              zmq_connect(probe, endpoint) == 0 && zmq_send(probe, "", 0, ZMQ_DONTWAIT) == 0 &&
              zmq_recv(t->bound, rid, sizeof rid, 0) == (int)sizeof rid && zmq_recv(t->bound, empty, 1, 0) == 0 &&
              zmq_unbind(t->bound, endpoint) == 0;

    if (probe != NULL)
        zmq_close(probe);
    t->rid_first = ((uint32_t)rid[1] << 24 | (uint32_t)rid[2] << 16 | (uint32_t)rid[3] << 8 | rid[4]) + 1;
    return ok ? GX_OK : GX_E_STORE;
}

static uint32_t descriptors_max(void)
{
    struct rlimit limit = {.rlim_cur = 256};

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > UINT32_MAX ? UINT32_MAX : (uint32_t)(limit.rlim_cur / 10 * 8);
}

enum gx_err gx_transport_open(struct gx_transport **out, const struct gx_transport_config *config, int *sys_errno)
{
    struct gx_transport *t = calloc(1, sizeof *t);
    enum gx_err err = GX_E_MEMORY;

    *out = NULL;
    *sys_errno = ENOMEM;
    if (t == NULL)
        return err;
    t->epoll_fd = -1;
    if (sodium_init() < 0)
        goto fail;
    t->pk = config->pk;
    t->sk = config->sk;
    t->n_fds_max = descriptors_max();
    err = gx_conn_table_open(t);
    if (err != GX_OK)
        goto fail;
    t->ctx = zmq_ctx_new();
    err = t->ctx == NULL ? GX_E_STORE : open_sockets(t);
    if (err == GX_OK)
        err = learn_rid(t);
    if (err == GX_OK)
        err = gx_bind_members(t, config, sys_errno);
    else
        *sys_errno = errno;
    if (err != GX_OK)
        goto fail;
    *out = t;
    return GX_OK;
fail:
    gx_transport_close(t);
    return err;
}

static void close_socket(void *socket, int linger_ms)
{
    if (socket == NULL)
        return;
    (void)zmq_socket_monitor(socket, NULL, 0);
    (void)set_int(socket, ZMQ_LINGER, linger_ms);
    zmq_close(socket);
}

static void release_frames(struct gx_transport *t)
{
    while (t->n_held > 0)
        zmq_msg_close(&t->held[--t->n_held]);
}

void gx_transport_close(struct gx_transport *t)
{
    if (t == NULL)
        return;
    release_frames(t);
    if (t->has_frame)
        zmq_msg_close(&t->frame.payload);
    close_socket(t->bound, (int)CLOSE_MS);
    close_socket(t->dialer, (int)CLOSE_MS);
    close_socket(t->bound_events, 0);
    close_socket(t->dialer_events, 0);
    close_socket(t->zap, 0);
    while (t->ctx != NULL && zmq_ctx_term(t->ctx) != 0 && errno == EINTR)
        ;
    if (t->epoll_fd >= 0)
        close(t->epoll_fd);
    gx_conn_table_close(t);
    free(t->backlog);
    gx_wipe(t, sizeof *t);
    free(t);
}

uint16_t gx_transport_port(const struct gx_transport *t)
{
    return t->doors[t->current].port;
}

size_t gx_transport_items(struct gx_transport *t, zmq_pollitem_t *items, size_t cap)
{
    void *sockets[] = {t->bound, t->dialer, t->bound_events, t->dialer_events, t->zap};
    size_t n = 0;

    GX_ASSERT(cap >= GX_TRANSPORT_ITEMS);
    for (; n < GX_ARRAY_LEN(sockets); n++)
        items[n] = (zmq_pollitem_t){.socket = sockets[n], .events = ZMQ_POLLIN};
    items[n++] = (zmq_pollitem_t){.fd = t->epoll_fd, .events = ZMQ_POLLIN};
    return n;
}

/* --- What the engine is told --- */

static void backlog_add(struct gx_transport *t, const struct gx_input *input)
{
    if (t->n_backlog == t->backlog_cap) {
        /* At most an up and a down for each connection of the table, and an answer for each effect of one step. */
        size_t cap = t->backlog_cap == 0 ? 64 : 2 * t->backlog_cap;
        struct gx_input *grown = calloc(cap, sizeof *grown);
        GX_ASSERT(grown != NULL);
        for (size_t i = 0; i < t->n_backlog; i++)
            grown[i] = t->backlog[(t->backlog_head + i) % t->backlog_cap];
        free(t->backlog);
        t->backlog = grown;
        t->backlog_cap = cap;
        t->backlog_head = 0;
    }
    t->backlog[(t->backlog_head + t->n_backlog++) % t->backlog_cap] = *input;
}

void gx_transport_emit(struct gx_transport *t, const struct gx_input *input)
{
    if (t->n_backlog > 0 || t->n_inputs >= t->inputs_cap)
        backlog_add(t, input);
    else
        t->inputs[t->n_inputs++] = *input;
}

static void backlog_flush(struct gx_transport *t)
{
    for (; t->n_backlog > 0 && t->n_inputs < t->inputs_cap; t->n_backlog--) {
        t->inputs[t->n_inputs] = t->backlog[t->backlog_head];
        t->inputs[t->n_inputs++].now = t->now;
        t->backlog_head = (t->backlog_head + 1) % t->backlog_cap;
    }
}

size_t gx_transport_take(struct gx_transport *t, struct gx_input *inputs, size_t cap, size_t max_bytes, struct gx_time now)
{
    release_frames(t);
    t->now = now;
    t->inputs = inputs;
    t->inputs_cap = cap;
    t->n_inputs = 0;
    backlog_flush(t);
    gx_monitor_read(t);
    gx_zap_answer(t);
    gx_frame_read(t, max_bytes);
    gx_tcp_tick(t);
    gx_bind_tick(t);
    gx_link_tick(t);
    t->inputs_cap = 0;
    return t->n_inputs;
}

void gx_transport_do(struct gx_transport *t, const struct gx_effect *effect)
{
    switch (effect->kind) {
    case GX_OUT_SEND:
        gx_frame_send(t, effect->session, effect->bytes);
        break;
    case GX_OUT_CONNECT:
        gx_link_ask(t, effect);
        break;
    case GX_OUT_DISCONNECT:
        gx_link_let_go(t, effect->session);
        break;
    case GX_OUT_DOOR_OPEN:
        gx_bind_door(t, effect);
        break;
    case GX_OUT_DOOR_CLOSE:
        gx_bind_close_door(t, effect->door);
        break;
    case GX_OUT_BEACON:
    case GX_OUT_DATAGRAM:
    case GX_OUT_VERIFY:
    case GX_OUT_ANSWER:
    case GX_OUT_NOTE:
    case GX_OUT_NAME:
    case GX_OUT_TRANSPORT_KEY:
    case GX_OUT_VACUUM:
    case GX_OUT_LOG:
    case GX_OUT_WAKE:
        break;
    }
}

int64_t gx_transport_due_ms(const struct gx_transport *t, uint64_t now_mono_ms)
{
    uint64_t due = t->timed_due_ms < t->hot_due_ms ? t->timed_due_ms : t->hot_due_ms, doors = gx_bind_due_ms(t);

    if (t->n_backlog > 0 || t->has_frame)
        return 0;
    if (t->silent.head != NONE && t->conns[t->silent.head].since_ms + SILENT_MS < due)
        due = t->conns[t->silent.head].since_ms + SILENT_MS;
    due = doors < due ? doors : due;
    return due == UINT64_MAX ? -1 : due <= now_mono_ms ? 0 : (int64_t)(due - now_mono_ms);
}

void gx_transport_stats(const struct gx_transport *t, struct gx_transport_stats *out)
{
    *out = t->stats;
    out->guests = t->n_guests;
    for (uint32_t i = 0; i < t->n_conns_used; i++) {
        out->sessions_in += t->conns[i].state == CONN_UP && t->conns[i].inbound;
        out->sessions_out += t->conns[i].state == CONN_UP && !t->conns[i].inbound;
    }
}
