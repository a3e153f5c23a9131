/* The life of a session: asked for or accepted, up, let go of or lost, forgotten. */
#include "node/os/transport_parts.h"

#include "crypto/keys.h"
#include "node/os/interfaces.h"

#include <sys/socket.h>

static void tell_down(struct gx_transport *t, gx_session_id session)
{
    gx_transport_emit(t, &(struct gx_input){.kind = GX_IN_SESSION_DOWN, .now = t->now, .session = session});
}

void gx_link_up(struct gx_transport *t, struct conn *c, gx_session_id session, const struct gx_curve_pk *peer_key)
{
    if (c->session != session)
        gx_conn_set_session(t, c, session);
    if (c->state != CONN_LOST)
        gx_conn_set_state(t, c, CONN_UP);
    if (!gx_tcp_written(c, &c->sent_before))
        c->sent_before = 0;
    const struct door *door = c->inbound && gx_bind_for_members(c->door) ? &t->doors[c->door == 0 ? 0 : 1] : NULL;
    gx_transport_emit(t, &(struct gx_input){.kind = GX_IN_SESSION_UP, .now = t->now, .session = session, .inbound = c->inbound,
                                            .door = door != NULL ? 0 : c->door, .peer_key = *peer_key, .own_key = door != NULL ? door->pk : c->own_pk,
                                            .peer_addr = c->peer});
}

static void forget(struct gx_transport *t, struct conn *c)
{
    char endpoint[DIAL_ENDPOINT_BYTES];

    if (c->dialed) {
        gx_monitor_dial_endpoint(endpoint, c);
        (void)zmq_disconnect(t->dialer, endpoint);
    }
    gx_conn_free(t, c);
}

/* The engine hears of the end of what it knows and has not let go of itself. */
static void drop(struct gx_transport *t, struct conn *c)
{
    if (c->session != 0 && (c->state == CONN_DIALING || c->state == CONN_UP || c->state == CONN_LOST))
        tell_down(t, c->session);
    forget(t, c);
}

void gx_link_lose(struct gx_transport *t, struct conn *c)
{
    switch (c->state) {
    case CONN_SILENT:
    case CONN_UP:
        gx_tcp_unwatch(t, c);
        gx_conn_set_state(t, c, CONN_LOST);
        c->drains = t->n_drains;
        break;
    case CONN_DIALING:
        drop(t, c);
        break;
    case CONN_CLOSING:
    case CONN_CUT:
        forget(t, c);
        break;
    case CONN_LOST:
    case CONN_FREE:
        break;
    }
}

void gx_link_cut(struct gx_transport *t, struct conn *c)
{
    gx_tcp_shutdown(c, SHUT_RDWR);
    if (!c->inbound || c->state == CONN_LOST) {
        drop(t, c);
        return;
    }
    if (c->state == CONN_UP)
        tell_down(t, c->session);
    gx_tcp_unwatch(t, c);
    gx_conn_set_session(t, c, 0);
    gx_conn_set_state(t, c, CONN_CUT);
}

static bool dial(struct gx_transport *t, struct conn *c)
{
    const struct gx_curve_pk *pk = c->as_guest ? &c->guest_pk : &t->pk;
    const struct gx_curve_sk *sk = c->as_guest ? &c->guest_sk : &t->sk;
    char endpoint[DIAL_ENDPOINT_BYTES];
    int six = c->peer.family == 6;

    gx_monitor_dial_endpoint(endpoint, c);
    c->dialed = zmq_setsockopt(t->dialer, ZMQ_IPV6, &six, sizeof six) == 0 &&
                zmq_setsockopt(t->dialer, ZMQ_CURVE_SERVERKEY, c->server_key.b, sizeof c->server_key.b) == 0 &&
                zmq_setsockopt(t->dialer, ZMQ_CURVE_PUBLICKEY, pk->b, sizeof pk->b) == 0 &&
                zmq_setsockopt(t->dialer, ZMQ_CURVE_SECRETKEY, sk->b, sizeof sk->b) == 0 &&
                zmq_setsockopt(t->dialer, ZMQ_CONNECT_ROUTING_ID, c->rid, sizeof c->rid) == 0 &&
                zmq_connect(t->dialer, endpoint) == 0;
    c->own_pk = *pk;
    gx_wipe(&c->guest_sk, sizeof c->guest_sk);
    return c->dialed;
}

/* Each of these does what is due for one connection and returns when to look again; the connection may be gone after it. */

static uint64_t tick_dialing(struct gx_transport *t, struct conn *c)
{
    uint64_t now = t->now.mono_ms;

    if (c->deadline_ms == 0)
        c->deadline_ms = now + DIAL_MS;
    /* libzmq knows a lost connection by an address of memory that it may give to a new one: first bury, then dial. */
    if (now >= c->deadline_ms || (!c->dialed && t->n_lost_out == 0 && !dial(t, c))) {
        drop(t, c);
        return UINT64_MAX;
    }
    return c->dialed ? c->deadline_ms : now + 1;
}

/* libzmq cannot flush one peer.  The kernel counts what it was given, and we know what we sent: when all has left libzmq, close our half of
 * the connection; the other side reads to the end and closes its own. */
static uint64_t tick_closing(struct gx_transport *t, struct conn *c)
{
    uint64_t now = t->now.mono_ms, written = 0;

    if (c->deadline_ms == 0)
        c->deadline_ms = now + CLOSE_MS;
    if (now >= c->deadline_ms) {
        gx_link_cut(t, c);
        return UINT64_MAX;
    }
    if (!c->finished && (!gx_tcp_written(c, &written) || written >= c->sent_before + c->sent_bytes)) {
        gx_tcp_shutdown(c, SHUT_WR);
        c->finished = true;
    }
    return c->finished ? c->deadline_ms : now + CLOSE_POLL_MS;
}

static uint64_t tick_lost(struct gx_transport *t, struct conn *c)
{
    uint64_t now = t->now.mono_ms, due = c->since_ms + LOST_MS;

    if (now >= c->since_ms + LOST_MS_MAX || (now >= due && t->n_drains > c->drains)) {
        drop(t, c);
        return UINT64_MAX;
    }
    return now < due ? due : now + LOST_MS;
}

static uint64_t tick_cut(struct gx_transport *t, struct conn *c)
{
    if (c->deadline_ms == 0)
        c->deadline_ms = t->now.mono_ms + CUT_MS;
    if (t->now.mono_ms < c->deadline_ms)
        return c->deadline_ms;
    forget(t, c);
    return UINT64_MAX;
}

static uint64_t tick_one(struct gx_transport *t, struct conn *c)
{
    switch (c->state) {
    case CONN_DIALING:
        return tick_dialing(t, c);
    case CONN_CLOSING:
        return tick_closing(t, c);
    case CONN_LOST:
        return tick_lost(t, c);
    case CONN_CUT:
        return tick_cut(t, c);
    case CONN_FREE:
    case CONN_SILENT:
    case CONN_UP:
        break;
    }
    GX_ASSERT(!"a connection without a deadline in the list of those with one");
    return 0;
}

void gx_link_tick(struct gx_transport *t)
{
    struct conn *silent;
    uint64_t due = UINT64_MAX;

    while ((silent = gx_conn_at(t, t->silent.head)) != NULL && t->now.mono_ms >= silent->since_ms + SILENT_MS)
        gx_link_cut(t, silent);
    if (t->now.mono_ms < t->timed_due_ms)
        return;
    t->timed_due_ms = UINT64_MAX;
    for (uint32_t i = t->timed.head, next; i != NONE; i = next) {
        next = t->conns[i].next;
        uint64_t again = tick_one(t, &t->conns[i]);
        due = again < due ? again : due;
    }
    /* Earlier when one entered a new state on the way. */
    t->timed_due_ms = due < t->timed_due_ms ? due : t->timed_due_ms;
}

/* Hosts, roughly: two may share a number. */
#define HOSTS 256u

static size_t host_of(const struct gx_addr *a)
{
    size_t n = a->family == 4 ? 4 : gx_addr_is_link_local(a) ? 16 : 8;      /* the /64 of others is one host's */
    uint32_t hash = a->family;

    for (size_t i = 0; i < n; i++)
        hash = hash * 31 + a->ip[i];
    return hash % HOSTS;
}

/* Of the host that has the most of them, the one that has been silent the longest.  NULL: all have spoken. */
static struct conn *least_missed(struct gx_transport *t)
{
    uint32_t of_host[HOSTS] = {0};
    struct conn *least = NULL, *c;

    for (uint32_t i = t->silent.head; (c = gx_conn_at(t, i)) != NULL; i = c->next)
        of_host[host_of(&c->peer)]++;
    for (uint32_t i = t->silent.head; (c = gx_conn_at(t, i)) != NULL; i = c->next)
        if (least == NULL || of_host[host_of(&c->peer)] > of_host[host_of(&least->peer)])
            least = c;
    return least;
}

bool gx_link_make_room(struct gx_transport *t, const uint32_t *side)
{
    bool full = *side >= GX_SESSIONS_MAX;
    struct conn *least = NULL;

    if (!full && t->n_in + t->n_out < t->n_fds_max)
        return true;
    t->stats.refused_limit++;
    if (!(full && side == &t->n_out))
        least = least_missed(t);
    if (least == NULL)
        return false;
    gx_link_cut(t, least);
    return true;
}

void gx_link_ask(struct gx_transport *t, const struct gx_effect *e)
{
    struct conn *c = NULL;

    GX_ASSERT((e->session & 1) == 1 && gx_conn_by_session(t, e->session) == NULL);
    if (e->addr.family != 0 && e->addr.port != 0 && gx_link_make_room(t, &t->n_out))
        c = gx_conn_new_outbound(t);
    if (c == NULL) {
        tell_down(t, e->session);
        return;
    }
    gx_conn_set_session(t, c, e->session);
    /* Used once and never again: libzmq aborts at a second connection of that name. */
    for (size_t i = 0; i < sizeof c->rid; i++)
        c->rid[i] = (uint8_t)(e->session >> (56 - 8 * i));
    c->peer = e->addr;
    if (gx_addr_is_link_local(&c->peer) && c->peer.scope == 0)
        c->peer.scope = gx_interfaces_guess(t->n_guesses++);
    c->server_key = e->server_key;
    c->as_guest = e->as_guest;
    if (e->as_guest) {
        c->guest_pk = e->guest_pk;
        c->guest_sk = e->guest_sk;
    }
}

void gx_link_let_go(struct gx_transport *t, gx_session_id session)
{
    struct conn *c = gx_conn_by_session(t, session);

    if (c == NULL)
        return;
    if (c->state == CONN_UP)
        gx_conn_set_state(t, c, CONN_CLOSING);
    else if (c->state == CONN_DIALING || c->state == CONN_LOST)
        forget(t, c);
}

