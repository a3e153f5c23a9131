/* Why a TTL of 255: a router lowers it, so who receives 255 knows that the sender is on the same link (RFC 5082).  A TTL of 1 would say the same of
 * nothing: anybody far away can choose one that arrives as 1.  It also keeps beacons from nobody, since routers pass on neither group, nor 255.255.255.255,
 * whatever the TTL is; 239.255/16, which they may pass on, would need the 1.  And switches that watch who joined what (IGMP snooping) carry 224.0.0/24 to
 * all ports always, where other groups are lost some minutes after the last query of a router that homes do not have (RFC 4541).
 *
 * What is not ours does not wake us: the kernel runs a filter before anything is queued. */
#include "node/os/udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* 224.0.0.254, "for experiments" (RFC 4727): FIXME when IANA gives this project a number in 224.0.0/24. */
#define GROUP4 0xe00000feu
/* ff12::8000:1d17: of the link, and of nobody for good (RFC 3307: what is not assigned has the highest bit of the last four bytes). */
#define GROUP6_FIRST 0xff120000u
#define GROUP6_LAST 0x80001d17u
static const struct in6_addr group6 = {{{0xff, 0x12, [12] = 0x80, [14] = 0x1d, [15] = 0x17}}};
#define EVERYBODY4 0xffffffffu

#define ONLY_TTL 255
#define RECEIVE_BYTES (64 * 1024)
#define HEADER_BYTES 8u         /* of UDP: where filters begin */

static bool set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* --- what the kernel lets through ------------------------------------------------------------------------------------------------------ */

#define LOAD(size, offset) BPF_STMT(BPF_LD | (size) | BPF_ABS, (uint32_t)(offset))
#define REFUSE BPF_STMT(BPF_RET | BPF_K, 0)
#define REQUIRE(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 1, 0), REFUSE
/* "guanxi", 0, and a byte for the version, which the engine looks at. */
#define OURS                                                                                \
    BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),                                                  \
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, HEADER_BYTES + GX_LAN_DATAGRAM_MIN, 1, 0), REFUSE,  \
    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, HEADER_BYTES + GX_LAN_DATAGRAM_MAX, 0, 1), REFUSE,  \
    LOAD(BPF_W, HEADER_BYTES), REQUIRE(0x6775616eu),                                        \
    LOAD(BPF_H, HEADER_BYTES + 4), REQUIRE(0x7869u),                                        \
    LOAD(BPF_B, HEADER_BYTES + 6), REQUIRE(0u)
#define TTL4 LOAD(BPF_B, SKF_NET_OFF + 8), REQUIRE(ONLY_TTL)
#define TTL6 LOAD(BPF_B, SKF_NET_OFF + 7), REQUIRE(ONLY_TTL)
#define ACCEPT BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)

static bool attach(int fd, struct sock_filter *rules, size_t n)
{
    struct sock_fprog program = {.len = (unsigned short)n, .filter = rules};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

/* What is said to all, and to nobody else: a single one at this port would come to the newest of this machine's nodes only. */
static bool filter_shared(int fd, int family)
{
    struct sock_filter four[] = {
        TTL4,
        OURS,
        LOAD(BPF_W, SKF_NET_OFF + 16),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GROUP4, 2, 0),
        REQUIRE(EVERYBODY4),
        ACCEPT,
    };
    struct sock_filter six[] = {
        TTL6,
        OURS,
        LOAD(BPF_W, SKF_NET_OFF + 24),
        REQUIRE(GROUP6_FIRST),
        LOAD(BPF_W, SKF_NET_OFF + 36),
        REQUIRE(GROUP6_LAST),
        ACCEPT,
    };

    return family == AF_INET ? attach(fd, four, GX_ARRAY_LEN(four)) : attach(fd, six, GX_ARRAY_LEN(six));
}

static bool filter_own(int fd, int family)
{
    struct sock_filter four[] = {TTL4, OURS, ACCEPT};
    struct sock_filter six[] = {TTL6, OURS, ACCEPT};

    return family == AF_INET ? attach(fd, four, GX_ARRAY_LEN(four)) : attach(fd, six, GX_ARRAY_LEN(six));
}

/* --- addresses ------------------------------------------------------------------------------------------------------------------------- */

struct sockaddr_any {
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } u;
    socklen_t n;
};

static struct sockaddr_any any_of(int family, uint16_t port)
{
    if (family == AF_INET)
        return (struct sockaddr_any){.u.four = {.sin_family = AF_INET, .sin_port = htons(port)}, .n = sizeof(struct sockaddr_in)};
    return (struct sockaddr_any){.u.six = {.sin6_family = AF_INET6, .sin6_port = htons(port)}, .n = sizeof(struct sockaddr_in6)};
}

static struct sockaddr_any any_from(const struct gx_addr *a)
{
    struct sockaddr_any out = any_of(a->family == 4 ? AF_INET : AF_INET6, a->port);

    if (a->family == 4) {
        memcpy(&out.u.four.sin_addr, a->ip, 4);
    } else {
        memcpy(&out.u.six.sin6_addr, a->ip, 16);
        out.u.six.sin6_scope_id = a->scope;
    }
    return out;
}

static struct gx_addr addr_from(const struct sockaddr_any *any)
{
    struct gx_addr out = {.family = any->u.any.sa_family == AF_INET ? 4 : 6};

    if (out.family == 4) {
        out.port = ntohs(any->u.four.sin_port);
        memcpy(out.ip, &any->u.four.sin_addr, 4);
    } else {
        out.port = ntohs(any->u.six.sin6_port);
        memcpy(out.ip, &any->u.six.sin6_addr, 16);
        out.scope = any->u.six.sin6_scope_id;
    }
    return out;
}

/* --- sockets --------------------------------------------------------------------------------------------------------------------------- */

/* Groups are heard where they were joined, not where another process did. */
static bool set_shared(int fd, int family)
{
    return set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
           (family == AF_INET ? set_int(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0) : set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0)) && filter_shared(fd, family);
}

/* DONTROUTE: only to who is on a link of this machine.  IPv6 needs none: link-local addresses are. */
static bool set_own(int fd, int family)
{
    bool ok = family == AF_INET ? set_int(fd, IPPROTO_IP, IP_TTL, ONLY_TTL) && set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, ONLY_TTL) &&
                                      set_int(fd, SOL_SOCKET, SO_BROADCAST, 1) && set_int(fd, SOL_SOCKET, SO_DONTROUTE, 1)
                                : set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ONLY_TTL) && set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ONLY_TTL);

    return ok && filter_own(fd, family);
}

/* -1: errno. */
static int open_one(int family, uint16_t port, bool (*set)(int fd, int family))
{
    struct sockaddr_any at = any_of(family, port);
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if ((family == AF_INET || set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
        (family == AF_INET6 || set_int(fd, IPPROTO_IP, IP_PKTINFO, 1)) && set_int(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES) && set(fd, family) &&
        bind(fd, &at.u.any, at.n) == 0)
        return fd;

    int why = errno;

    close(fd);
    errno = why;
    return -1;
}

static bool read_port(uint16_t *port, int fd)
{
    struct sockaddr_any at = {.n = sizeof at.u};
    bool ok = getsockname(fd, &at.u.any, &at.n) == 0;

    *port = ok ? addr_from(&at).port : 0;
    return ok;
}

bool gx_udp_open(struct gx_udp *u, int family)
{
    *u = (struct gx_udp){.family = family, .shared = -1, .own = open_one(family, 0, set_own)};
    u->shared = u->own < 0 ? -1 : open_one(family, GX_LAN_PORT, set_shared);
    if (u->shared >= 0 && read_port(&u->port, u->own))
        return true;

    int why = errno;

    gx_udp_close(u);
    errno = why;
    return false;
}

static uint64_t dropped_at(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t n = sizeof info;

    return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &n) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

bool gx_udp_renew(struct gx_udp *u)
{
    uint16_t port;
    int fd = open_one(u->family, 0, set_own);

    if (fd < 0)
        return false;
    if (!read_port(&port, fd)) {
        close(fd);
        return false;
    }
    u->dropped_before += dropped_at(u->own);
    close(u->own);
    u->own = fd;
    u->port_before = u->port;
    u->port = port;
    return true;
}

void gx_udp_close(struct gx_udp *u)
{
    if (u->shared >= 0)
        close(u->shared);
    if (u->own >= 0)
        close(u->own);
    u->shared = u->own = -1;
    u->n_joined = 0;
}

/* --- groups ---------------------------------------------------------------------------------------------------------------------------- */

static bool member(const struct gx_udp *u, uint32_t interface, bool join)
{
    if (u->family == AF_INET) {
        struct ip_mreqn what = {.imr_multiaddr = {htonl(GROUP4)}, .imr_ifindex = (int)interface};
        return setsockopt(u->shared, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &what, sizeof what) == 0;
    }

    struct ipv6_mreq what = {.ipv6mr_multiaddr = group6, .ipv6mr_interface = interface};

    return setsockopt(u->shared, IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &what, sizeof what) == 0;
}

static bool wanted(const struct gx_udp *u, const struct gx_source *sources, size_t n, uint32_t interface)
{
    for (size_t i = 0; i < n; i++)
        if (sources[i].interface == interface && sources[i].multicast && (sources[i].addr.family == 4) == (u->family == AF_INET))
            return true;
    return false;
}

static bool is_joined(const struct gx_udp *u, uint32_t interface)
{
    for (size_t i = 0; i < u->n_joined; i++)
        if (u->joined[i] == interface)
            return true;
    return false;
}

/* An interface that went is left, though the kernel did that, or one that has its number later could not be joined.  What fails is tried again. */
void gx_udp_join(struct gx_udp *u, const struct gx_source *sources, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < u->n_joined; i++) {
        if (wanted(u, sources, n, u->joined[i]))
            u->joined[kept++] = u->joined[i];
        else
            (void)member(u, u->joined[i], false);
    }
    u->n_joined = kept;
    for (size_t i = 0; i < n; i++)
        if (wanted(u, sources, n, sources[i].interface) && !is_joined(u, sources[i].interface) && member(u, sources[i].interface, true))
            u->joined[u->n_joined++] = sources[i].interface;
}

/* --- what goes out and comes in -------------------------------------------------------------------------------------------------------- */

/* From exactly this address, through exactly this interface. */
static bool send_from(const struct gx_udp *u, const struct gx_source *from, const struct sockaddr_any *to, struct gx_span bytes)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n};
    union {
        struct cmsghdr align;
        uint8_t b[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control = {.b = {0}};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)&to->u, .msg_namelen = to->n, .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control.b, .msg_controllen = sizeof control.b};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    if (u->family == AF_INET) {
        struct in_pktinfo info = {.ipi_ifindex = (int)from->interface};

        memcpy(&info.ipi_spec_dst, from->addr.ip, 4);
        *c = (struct cmsghdr){.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof info)};
        memcpy(CMSG_DATA(c), &info, sizeof info);
        message.msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = from->interface};

        memcpy(&info.ipi6_addr, from->addr.ip, 16);
        *c = (struct cmsghdr){.cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO, .cmsg_len = CMSG_LEN(sizeof info)};
        memcpy(CMSG_DATA(c), &info, sizeof info);
    }
    return sendmsg(u->own, &message, MSG_DONTWAIT) == (ssize_t)bytes.n;
}

unsigned gx_udp_beacon(const struct gx_udp *u, const struct gx_source *from, struct gx_span bytes, unsigned *failed)
{
    struct sockaddr_any group = any_of(u->family, GX_LAN_PORT), everybody = group;
    unsigned tried = (from->multicast ? 1u : 0u) + (from->broadcast ? 1u : 0u), sent = 0;

    if (u->family == AF_INET) {
        group.u.four.sin_addr.s_addr = htonl(GROUP4);
        everybody.u.four.sin_addr.s_addr = htonl(EVERYBODY4);
    } else {
        group.u.six.sin6_addr = group6;
        group.u.six.sin6_scope_id = from->interface;
    }
    if (from->multicast)
        sent += send_from(u, from, &group, bytes);
    if (from->broadcast)
        sent += send_from(u, from, &everybody, bytes);
    *failed = tried - sent;
    return sent;
}

bool gx_udp_send(const struct gx_udp *u, const struct gx_source *from, const struct gx_addr *to, struct gx_span bytes)
{
    struct sockaddr_any at = any_from(to);

    return send_from(u, from, &at, bytes);
}

/* IPv6: the scope of a link-local address; others are not heard of here. */
static uint32_t interface_of(struct msghdr *message, const struct gx_addr *from)
{
    struct in_pktinfo info = {.ipi_ifindex = 0};

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            memcpy(&info, CMSG_DATA(c), sizeof info);
    return from->family == 4 ? (uint32_t)info.ipi_ifindex : from->scope;
}

bool gx_udp_receive(const struct gx_udp *u, int fd, uint8_t *out, size_t cap, size_t *n, struct gx_addr *from, uint32_t *interface)
{
    struct sockaddr_any at = {.n = sizeof at.u};
    struct iovec part = {.iov_base = out, .iov_len = cap};
    union {
        struct cmsghdr align;
        uint8_t b[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {.b = {0}};
    struct msghdr message = {.msg_name = &at.u, .msg_namelen = at.n, .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control.b, .msg_controllen = sizeof control.b};
    ssize_t got;

    GX_ASSERT(fd == u->shared || fd == u->own);
    do
        got = recvmsg(fd, &message, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return false;
    *n = (size_t)got;
    *from = addr_from(&at);
    *interface = interface_of(&message, from);
    return true;
}

uint64_t gx_udp_dropped(const struct gx_udp *u)
{
    return dropped_at(u->shared) + dropped_at(u->own) + u->dropped_before;
}
