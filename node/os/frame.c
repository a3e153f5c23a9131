/* Frames: whose they are, into the inputs of a take, and out. */
#include "node/os/transport_parts.h"

#include <errno.h>
#include <stdio.h>

#define BATCH 16u       /* frames from one socket before the other has its turn */

bool gx_frame_part_in(void *socket, zmq_msg_t *part)
{
    int rc;

    do
        rc = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc >= 0;
}

bool gx_frame_part_out(void *socket, zmq_msg_t *part, bool more)
{
    int rc;

    do
        rc = zmq_msg_send(part, socket, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
    while (rc < 0 && errno == EINTR);
    return rc >= 0;
}

static bool receive_frame(struct gx_transport *t, bool inbound)
{
    void *socket = inbound ? t->bound : t->dialer;
    struct frame *f = &t->frame;
    bool more = true;
    zmq_msg_t part;

    zmq_msg_init(&part);
    if (!gx_frame_part_in(socket, &part)) {
        zmq_msg_close(&part);
        return false;
    }
    f->inbound = inbound;
    f->rid_n = zmq_msg_size(&part);
    memcpy(f->rid, zmq_msg_data(&part), f->rid_n < sizeof f->rid ? f->rid_n : sizeof f->rid);
    zmq_msg_init(&f->payload);
    if (gx_frame_part_in(socket, &f->payload))
        more = zmq_msg_more(&f->payload) != 0;
    f->alone = !more;
    while (more && gx_frame_part_in(socket, &part))
        more = zmq_msg_more(&part) != 0;
    zmq_msg_close(&part);
    t->has_frame = true;
    return true;
}

/* One that libzmq counted up to: not one a peer chose to stand in another's way. */
static bool rid_is_counted(const struct gx_transport *t, const struct frame *f)
{
    uint32_t count = (uint32_t)f->rid[1] << 24 | (uint32_t)f->rid[2] << 16 | (uint32_t)f->rid[3] << 8 | f->rid[4];
    return f->rid_n == RID_BYTES && f->rid[0] == 0 && count - t->rid_first < t->n_accepted;
}

/* Its first frame.  False: it gets no session. */
static bool introduce(struct gx_transport *t, struct conn *c, const struct frame *f, const char *user, const struct zap_user *u)
{
    if ((c->state != CONN_SILENT && c->state != CONN_LOST) || u->door != c->door)
        return false;
    if (!rid_is_counted(t, f)) {
        gx_link_cut(t, c);
        return false;
    }
    c->bound = true;
    memcpy(c->rid, f->rid, RID_BYTES);
    snprintf(c->user, sizeof c->user, "%s", user);
    gx_link_up(t, c, t->next_session, &u->key);
    t->next_session += 2;
    return true;
}

/* The payload's metadata says which descriptor and who: the routing id is only a name, and a peer may choose it.  A descriptor may be another
 * connection's by now, so the number of the handshake decides.  NULL: nobody's, or of one that is forgotten. */
static struct conn *inbound_owner(struct gx_transport *t, struct frame *f)
{
    int fd = zmq_msg_get(&f->payload, ZMQ_SRCFD);
    const char *user = zmq_msg_gets(&f->payload, "User-Id");
    struct zap_user u;
    struct conn *c;

    if (fd < 0 || user == NULL || !gx_zap_user_parse(&u, user))
        return NULL;
    c = gx_conn_of_frame(t, fd, u.handshake);
    if (c == NULL)
        return NULL;
    if (!c->bound)
        return introduce(t, c, f, user, &u) ? c : NULL;
    return strcmp(c->user, user) == 0 ? c : NULL;
}

static struct conn *outbound_owner(struct gx_transport *t, struct frame *f)
{
    gx_session_id session = 0;
    struct conn *c;

    for (size_t i = 0; i < sizeof f->rid; i++)
        session = session << 8 | f->rid[i];
    c = gx_conn_by_session(t, session);
    if (c != NULL && c->state == CONN_DIALING) {
        gx_monitor_read(t);     /* its handshake is told there */
        c = gx_conn_by_session(t, session);
    }
    return c;
}

/* False: no room now, the frame is kept. */
static bool deliver(struct gx_transport *t, size_t *bytes)
{
    struct frame *f = &t->frame;
    size_t n = zmq_msg_size(&f->payload);
    struct conn *c = f->inbound ? inbound_owner(t, f) : outbound_owner(t, f);

    if (t->n_backlog > 0 || t->n_inputs >= t->inputs_cap)
        return false;
    t->has_frame = false;
    t->stats.in_bytes += gx_tcp_frame_bytes(n);
    if (c != NULL)
        c->delivered_bytes += gx_tcp_frame_bytes(n);
    if (c != NULL && (!f->alone || n > GX_FRAME_BYTES_MAX))
        gx_link_cut(t, c);
    else if (c != NULL && (c->state == CONN_UP || c->state == CONN_LOST)) {
        zmq_msg_t *held = &t->held[t->n_held++];
        zmq_msg_init(held);
        zmq_msg_move(held, &f->payload);
        *bytes += n;
        gx_transport_emit(t, &(struct gx_input){.kind = GX_IN_FRAME, .now = t->now, .session = c->session,
                                                .bytes = gx_span(zmq_msg_data(held), n)});
    }
    zmq_msg_close(&f->payload);
    return true;
}

static bool has_room(const struct gx_transport *t, size_t bytes, size_t max_bytes)
{
    return t->n_backlog == 0 && t->inputs_cap - t->n_inputs >= 2 && t->n_held < GX_ARRAY_LEN(t->held) && bytes < max_bytes;
}

void gx_frame_read(struct gx_transport *t, size_t max_bytes)
{
    size_t bytes = 0;
    bool empty[2] = {false, false};

    for (unsigned s = 0; !empty[0] || !empty[1]; s ^= 1) {
        for (unsigned i = 0; i < BATCH; i++) {
            if (!has_room(t, bytes, max_bytes))
                return;
            empty[s] = !t->has_frame && !receive_frame(t, s == 0);
            if (empty[s])
                break;
            if (!deliver(t, &bytes))
                return;
        }
    }
    t->n_drains++;
}

/* The first part names the peer: refused when there is none or its queue is full. */
static bool send_name(void *socket, const struct conn *c)
{
    size_t n = c->inbound ? RID_BYTES : DIALED_RID_BYTES;
    zmq_msg_t name;

    if (zmq_msg_init_size(&name, n) != 0)
        return false;
    memcpy(zmq_msg_data(&name), c->rid, n);
    bool sent = gx_frame_part_out(socket, &name, true);
    if (!sent && errno == EAGAIN) {
        /* A sender in a hurry hears only once in a millisecond of what was read meanwhile; asking for events makes it listen. */
        int events;
        size_t events_n = sizeof events;
        (void)zmq_getsockopt(socket, ZMQ_EVENTS, &events, &events_n);
        sent = gx_frame_part_out(socket, &name, true);
    }
    int err = errno;
    zmq_msg_close(&name);
    errno = err;
    return sent;
}

void gx_frame_send(struct gx_transport *t, gx_session_id session, struct gx_span bytes)
{
    struct conn *c = gx_conn_by_session(t, session);
    zmq_msg_t msg;

    GX_ASSERT(bytes.n <= GX_FRAME_BYTES_MAX);
    if (c == NULL || c->state != CONN_UP)
        return;
    /* Before the name: what is begun must be ended. */
    if (zmq_msg_init_size(&msg, bytes.n) != 0) {
        t->stats.dropped_sends++;
        return;
    }
    if (bytes.n > 0)
        memcpy(zmq_msg_data(&msg), bytes.p, bytes.n);
    void *socket = c->inbound ? t->bound : t->dialer;
    if (send_name(socket, c) && gx_frame_part_out(socket, &msg, false)) {
        c->sent_bytes += gx_tcp_frame_bytes(bytes.n);
        t->stats.out_bytes += gx_tcp_frame_bytes(bytes.n);
        c->proved |= bytes.n > UNPROVED_BYTES_MAX;
        return;
    }
    t->stats.dropped_sends++;
    if (errno == EHOSTUNREACH)
        gx_link_lose(t, c);
    zmq_msg_close(&msg);
}
