/* What the kernel knows of a connection: whether a descriptor is still the same socket, what came in and went out, and who floods.
 *
 * libzmq closes descriptors in its own thread, so each one used here may have been closed, and given to another connection, a moment ago.
 * So both ends are compared before anything is done to it. */
#include "node/os/transport_parts.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* How long a connection's bytes may go uncounted once some arrived.  At 100 MB/s a flood grows by 2 MB in that time.  The interval is longer
 * when many are busy, so that counting never takes more than 1 or 2 % of a core. */
#define HOT_MS 20u
#define HOT_CONNS_PER_MS 8u

static bool addr_from(struct gx_addr *out, const struct sockaddr_storage *ss)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    *out = (struct gx_addr){0};
    if (ss->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, ss, sizeof in);
        out->family = 4;
        memcpy(out->ip, &in.sin_addr, 4);
        out->port = ntohs(in.sin_port);
        return true;
    }
    if (ss->ss_family != AF_INET6)
        return false;
    struct sockaddr_in6 in6;
    memcpy(&in6, ss, sizeof in6);
    out->port = ntohs(in6.sin6_port);
    if (memcmp(&in6.sin6_addr, mapped, sizeof mapped) == 0) {
        out->family = 4;
        memcpy(out->ip, (const uint8_t *)&in6.sin6_addr + sizeof mapped, 4);
    } else {
        out->family = 6;
        memcpy(out->ip, &in6.sin6_addr, 16);
        out->scope = gx_addr_is_link_local(out) ? in6.sin6_scope_id : 0;
    }
    return true;
}

static bool ends_of(int fd, struct gx_addr *peer, uint16_t *local_port)
{
    struct sockaddr_storage ss = {0};
    socklen_t n = sizeof ss;
    struct gx_addr local;

    if (fd < 0 || getpeername(fd, (struct sockaddr *)&ss, &n) != 0 || !addr_from(peer, &ss))
        return false;
    n = sizeof ss;
    if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0 || !addr_from(&local, &ss))
        return false;
    *local_port = local.port;
    return true;
}

bool gx_tcp_identify(struct conn *c)
{
    return ends_of(c->fd, &c->peer_seen, &c->local_port);
}

static bool still_the_same(const struct conn *c)
{
    struct gx_addr peer;
    uint16_t local_port;

    return c->peer_seen.family != 0 && ends_of(c->fd, &peer, &local_port) && local_port == c->local_port &&
           gx_addr_equal(&peer, &c->peer_seen);
}

void gx_tcp_shutdown(const struct conn *c, int how)
{
    if (still_the_same(c))
        (void)shutdown(c->fd, how);
}

uint64_t gx_tcp_frame_bytes(size_t payload)
{
    size_t n = payload + CURVE_OVERHEAD;
    return n + (n > UINT8_MAX ? 9u : 2u);
}

static bool info_of(const struct conn *c, struct tcp_info *info)
{
    socklen_t n = sizeof *info;

    memset(info, 0, sizeof *info);
    return still_the_same(c) && getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, info, &n) == 0 &&
           n >= offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof info->tcpi_bytes_retrans;
}

bool gx_tcp_written(const struct conn *c, uint64_t *bytes)
{
    struct tcp_info info;

    if (!info_of(c, &info))
        return false;
    *bytes = info.tcpi_bytes_sent - info.tcpi_bytes_retrans + info.tcpi_notsent_bytes;
    return true;
}

/* Bytes libzmq read from the kernel beyond the frames it handed over. */
static uint64_t inside_libzmq(const struct conn *c)
{
    struct tcp_info info;
    int unread = 0;

    if (!info_of(c, &info) || info.tcpi_bytes_received <= c->delivered_bytes + FLOOD_BYTES_MAX)
        return 0;
    (void)ioctl(c->fd, SIOCINQ, &unread);
    uint64_t accounted = c->delivered_bytes + (uint64_t)(unread > 0 ? unread : 0);
    return info.tcpi_bytes_received > accounted ? info.tcpi_bytes_received - accounted : 0;
}

/* What the kernel has of it libzmq would still read, and keep: as much again as a flood may be, and more.  Nobody else comes by it: the rest of a stream
 * that lacks its middle is of no use. */
static void discard(const struct conn *c)
{
    if (!still_the_same(c))
        return;
    (void)shutdown(c->fd, SHUT_RDWR);
    while (recv(c->fd, NULL, FLOOD_BYTES_MAX, MSG_TRUNC | MSG_DONTWAIT) > 0)
        ;
}

/* An idle node must not wake up to count, and a flood of unfinished messages wakes nobody but libzmq's thread.  So the kernel tells of the
 * first byte that arrives after a quiet time (EPOLLONESHOT), and counting goes on only while bytes keep coming. */
static void arm(struct gx_transport *t, const struct conn *c, int op)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = gx_conn_index(t, c)};

    if (epoll_ctl(t->epoll_fd, op, c->fd, &ev) != 0 && op == EPOLL_CTL_ADD)
        (void)epoll_ctl(t->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
}

void gx_tcp_watch(struct gx_transport *t, struct conn *c)
{
    arm(t, c, EPOLL_CTL_ADD);
}

void gx_tcp_unwatch(struct gx_transport *t, struct conn *c)
{
    uint32_t self = gx_conn_index(t, c), i = 0;

    if (!c->hot)
        return;
    while (t->hot[i] != self)
        i++;
    t->hot[i] = t->hot[--t->n_hot];
    c->hot = false;
}

static void note_arrivals(struct gx_transport *t)
{
    struct epoll_event events[64];
    int n = (int)GX_ARRAY_LEN(events);

    while (n == (int)GX_ARRAY_LEN(events)) {
        n = epoll_wait(t->epoll_fd, events, (int)GX_ARRAY_LEN(events), 0);
        for (int i = 0; i < n; i++) {
            /* The record may be another's by now: counting that one does no harm. */
            struct conn *c = gx_conn_at(t, events[i].data.u32);
            if (c->state == CONN_FREE || c->state == CONN_CUT || c->state == CONN_LOST || c->fd < 0 || c->hot)
                continue;
            c->hot = true;
            t->hot[t->n_hot++] = gx_conn_index(t, c);
            if (t->hot_due_ms == UINT64_MAX)
                t->hot_due_ms = t->now.mono_ms + HOT_MS + t->n_hot_before / HOT_CONNS_PER_MS;
        }
    }
}

void gx_tcp_tick(struct gx_transport *t)
{
    note_arrivals(t);
    if (t->now.mono_ms < t->hot_due_ms)
        return;
    t->n_hot_before = t->n_hot;
    t->hot_due_ms = UINT64_MAX;
    while (t->n_hot > 0) {
        struct conn *c = gx_conn_at(t, t->hot[t->n_hot - 1]);
        gx_tcp_unwatch(t, c);
        if (inside_libzmq(c) > FLOOD_BYTES_MAX) {
            t->stats.cut_flood++;
            discard(c);
            gx_link_cut(t, c);
        } else {
            arm(t, c, EPOLL_CTL_MOD);
        }
    }
}
