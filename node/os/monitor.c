/* What libzmq tells of its connections, and what follows from it.
 *
 * Events of a bound socket name the descriptor, those of a dialing one the endpoint it was asked for.  A DISCONNECTED comes before libzmq
 * closes the descriptor, so an ACCEPTED with the same number always follows it; frames are another queue, and may come before or after. */
#include "node/os/transport_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define EVENT_TEXT_BYTES 160u
#define FAILED_EVENTS \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
/* Only what libzmq's own thread sends: an event sent from ours could wait for a queue that we alone empty. */
#define WANTED_EVENTS                                                                                                      \
    (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | \
     FAILED_EVENTS)

struct event {
    uint16_t what;
    int value;                      /* descriptor or errno */
    char endpoint[EVENT_TEXT_BYTES];
};

enum gx_err gx_monitor_open(void **events, void *ctx, void *socket, const char *endpoint)
{
    int none = 0;

    *events = zmq_socket(ctx, ZMQ_PAIR);
    /* No limit: at a limit libzmq's thread would wait for us, and with it every connection. */
    if (*events == NULL || zmq_setsockopt(*events, ZMQ_RCVHWM, &none, sizeof none) != 0 ||
        zmq_socket_monitor(socket, endpoint, WANTED_EVENTS) != 0 || zmq_connect(*events, endpoint) != 0)
        return GX_E_STORE;
    return GX_OK;
}

/* libzmq ends everything that has the name of an endpoint when one of it fails; and this name is all that its events tell of an outbound
 * connection.  It reads the port with atoi, so a number can be added to make each name unique. */
void gx_monitor_dial_endpoint(char out[DIAL_ENDPOINT_BYTES], const struct conn *c)
{
    char addr[GX_ADDR_TEXT_BYTES];

    gx_addr_format(addr, &c->peer);
    snprintf(out, DIAL_ENDPOINT_BYTES, "tcp://%s-%" PRIu64, addr, c->session);
}

static struct conn *dialed(struct gx_transport *t, const char *endpoint)
{
    const char *dash = strrchr(endpoint, '-');
    struct conn *c = dash == NULL ? NULL : gx_conn_by_session(t, strtoull(dash + 1, NULL, 10));

    return c == NULL || c->inbound ? NULL : c;
}

static bool receive_part(void *socket, void *out, size_t cap, size_t *n, bool *more)
{
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    bool got = gx_frame_part_in(socket, &msg);
    if (got) {
        *n = zmq_msg_size(&msg) < cap ? zmq_msg_size(&msg) : cap;
        memcpy(out, zmq_msg_data(&msg), *n);
        *more = zmq_msg_more(&msg) != 0;
    }
    zmq_msg_close(&msg);
    return got;
}

static bool receive_event(void *socket, struct event *e)
{
    uint8_t head[6];
    uint32_t value;
    size_t n = 0;
    bool more = false;

    if (!receive_part(socket, head, sizeof head, &n, &more) || n != sizeof head || !more)
        return false;
    memcpy(&e->what, head, sizeof e->what);
    memcpy(&value, head + sizeof e->what, sizeof value);
    e->value = (int)value;
    if (!receive_part(socket, e->endpoint, sizeof e->endpoint - 1, &n, &more))
        return false;
    e->endpoint[n] = 0;
    return true;
}

static uint16_t port_of(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');
    return colon == NULL ? 0 : (uint16_t)strtoul(colon + 1, NULL, 10);
}

static bool may_come_in(struct gx_transport *t, const struct door *door, const struct gx_addr *peer)
{
    if (door == NULL || door->closing)
        return false;
    if (!gx_bind_for_members(door->number) && !gx_bind_make_room(t, peer)) {
        t->stats.refused_guests++;
        return false;
    }
    return gx_link_make_room(t, &t->n_in);
}

static void accepted(struct gx_transport *t, const struct event *e)
{
    struct conn *before = gx_conn_newest(t, e->value), *c = NULL;
    struct conn seen = {.fd = e->value};
    struct door *door = gx_bind_by_port(t, port_of(e->endpoint));

    t->n_accepted++;
    if (before != NULL && before->handshakes_to > t->n_handshakes)
        before->handshakes_to = t->n_handshakes;
    if (before != NULL && before->state != CONN_LOST)
        gx_link_lose(t, before);
    if (!gx_tcp_identify(&seen))
        return;     /* gone already */
    if (may_come_in(t, door, &seen.peer_seen))
        c = gx_conn_new_inbound(t, door->number);
    if (c != NULL && gx_conn_set_fd(t, c, e->value) != GX_OK) {
        gx_conn_free(t, c);
        c = NULL;
    }
    if (c == NULL) {
        gx_tcp_shutdown(&seen, SHUT_RDWR);
        return;
    }
    c->peer = c->peer_seen = seen.peer_seen;
    c->local_port = seen.local_port;
    c->handshakes_from = t->n_handshakes;
    c->handshakes_to = UINT64_MAX;
    gx_tcp_watch(t, c);
}

static void bound_event(struct gx_transport *t, const struct event *e)
{
    struct conn *c;

    if (e->what == ZMQ_EVENT_ACCEPTED) {
        accepted(t, e);
    } else if ((e->what & FAILED_EVENTS) != 0) {
        t->stats.failed_handshakes++;
    } else if (e->what == ZMQ_EVENT_DISCONNECTED) {
        c = gx_conn_newest(t, e->value);
        if (c != NULL && c->state != CONN_LOST)
            gx_link_lose(t, c);
    }
}

static void connected(struct gx_transport *t, struct conn *c, int fd)
{
    c->fd = fd;
    if (gx_tcp_identify(c))
        gx_tcp_watch(t, c);
}

static void dialer_event(struct gx_transport *t, const struct event *e)
{
    struct conn *c = dialed(t, e->endpoint);

    if ((e->what & FAILED_EVENTS) != 0)
        t->stats.failed_handshakes++;
    if (c == NULL)
        return;
    if (e->what == ZMQ_EVENT_CONNECTED)
        connected(t, c, e->value);
    else if (e->what != ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        gx_link_lose(t, c);
    else if (c->state == CONN_DIALING)
        gx_link_up(t, c, c->session, &c->server_key);
}

void gx_monitor_read(struct gx_transport *t)
{
    struct event e;

    while (receive_event(t->dialer_events, &e))
        dialer_event(t, &e);
    while (receive_event(t->bound_events, &e))
        bound_event(t, &e);
}
