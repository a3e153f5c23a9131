#include "node/os/interfaces.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static_assert(GX_NETWORK_BYTES >= IF_NAMESIZE, "names");

/* More than a machine with some containers has; what is beyond is not looked at. */
#define CANDIDATES_MAX 128u
/* The ends of containers' cables, of which there may be dozens, have IPv6 alone: they come after so many addresses of what has IPv4 too. */
#define BEFORE_ALONE 4u
/* The kernel's queue of news.  What does not fit is told as ENOBUFS: news, too. */
#define NEWS_BYTES (32 * 1024)
/* The messages of a queue of that size, and some. */
#define NEWS_READS_MAX 1024u

struct candidate {
    struct gx_source source;
    unsigned rank;          /* small first */
};

static bool carries_beacons(unsigned flags)
{
    if ((flags & IFF_UP) == 0 || (flags & IFF_RUNNING) == 0)
        return false;
    return (flags & (IFF_MULTICAST | IFF_LOOPBACK)) != 0 || ((flags & IFF_BROADCAST) != 0 && (flags & IFF_POINTOPOINT) == 0);
}

static bool is_unspecified(const struct gx_addr *a)
{
    static const uint8_t zero[16];
    return memcmp(a->ip, zero, sizeof zero) == 0;
}

/* An address on trial (duplicate address detection) cannot be bound yet; the end of the trial is news. */
static bool is_usable(const struct sockaddr_in6 *in6)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)in6, sizeof *in6) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

static bool address_of(struct gx_addr *out, const struct ifaddrs *i)
{
    *out = (struct gx_addr){0};
    if (i->ifa_addr == NULL)
        return false;
    if (i->ifa_addr->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, i->ifa_addr, sizeof in);
        out->family = 4;
        memcpy(out->ip, &in.sin_addr, 4);
        return !is_unspecified(out);
    }
    if (i->ifa_addr->sa_family != AF_INET6)
        return false;

    struct sockaddr_in6 in6;

    memcpy(&in6, i->ifa_addr, sizeof in6);
    out->family = 6;
    memcpy(out->ip, &in6.sin6_addr, 16);
    out->scope = in6.sin6_scope_id;
    return gx_addr_is_link_local(out) && out->scope != 0 && is_usable(&in6);
}

static bool is_listened_at(const struct gx_addr *a, const struct gx_addr *listen)
{
    if (is_unspecified(listen))
        return listen->family == 6 || a->family == 4;
    return a->family == listen->family && memcmp(a->ip, listen->ip, sizeof a->ip) == 0;
}

/* Between two alone: the other end. */
static void put_net(struct gx_source *s, const struct ifaddrs *i)
{
    bool two = (i->ifa_flags & IFF_POINTOPOINT) != 0 && i->ifa_dstaddr != NULL;
    const struct sockaddr *of = two ? i->ifa_dstaddr : i->ifa_addr;
    struct sockaddr_in in, mask;

    s->mask = UINT32_MAX;
    if (!two && i->ifa_netmask != NULL) {
        memcpy(&mask, i->ifa_netmask, sizeof mask);
        s->mask = mask.sin_addr.s_addr;
    }
    memcpy(&in, of, sizeof in);
    s->net = in.sin_addr.s_addr & s->mask;
}

static bool candidate_from(struct candidate *out, const struct ifaddrs *i, const struct gx_addr *listen)
{
    struct gx_source *s = &out->source;

    *out = (struct candidate){.source = {.multicast = (i->ifa_flags & (IFF_MULTICAST | IFF_LOOPBACK)) != 0}};
    if (!carries_beacons(i->ifa_flags) || !address_of(&s->addr, i) || !is_listened_at(&s->addr, listen))
        return false;
    if (s->addr.family == 4)
        put_net(s, i);
    s->broadcast = s->addr.family == 4 && (i->ifa_flags & IFF_BROADCAST) != 0;
    s->interface = if_nametoindex(i->ifa_name);
    return s->interface != 0 && if_indextoname(s->interface, s->name) != NULL && (s->multicast || s->broadcast);
}

static size_t others_of(const struct candidate *list, size_t n, uint32_t interface, uint8_t family)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        found += list[i].source.interface == interface && list[i].source.addr.family == family;
    return found;
}

static void rank_all(struct candidate *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct gx_source *s = &list[i].source;
        size_t nth = others_of(list, i, s->interface, s->addr.family);
        bool alone = s->addr.family == 6 && others_of(list, n, s->interface, 4) == 0;

        list[i].rank = (unsigned)nth + (alone ? BEFORE_ALONE : 0);
    }
}

/* Wholly in order, so that what did not change compares equal. */
static int before(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    const struct gx_source *s = &x->source, *t = &y->source;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (s->interface != t->interface)
        return s->interface < t->interface ? -1 : 1;
    if (s->addr.family != t->addr.family)
        return s->addr.family < t->addr.family ? -1 : 1;
    return memcmp(s->addr.ip, t->addr.ip, sizeof s->addr.ip);
}

bool gx_interfaces_read(struct gx_source out[GX_LAN_SOURCES_MAX], size_t *n, size_t *left_out, const struct gx_addr *listen)
{
    struct candidate list[CANDIDATES_MAX];
    struct ifaddrs *all = NULL;
    size_t found = 0;

    *n = *left_out = 0;
    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *i = all; i != NULL && found < CANDIDATES_MAX; i = i->ifa_next)
        if (candidate_from(&list[found], i, listen))
            found++;
    freeifaddrs(all);
    rank_all(list, found);
    qsort(list, found, sizeof list[0], before);
    *n = found < GX_LAN_SOURCES_MAX ? found : GX_LAN_SOURCES_MAX;
    *left_out = found - *n;
    for (size_t i = 0; i < *n; i++)
        out[i] = list[i].source;
    return true;
}

bool gx_interfaces_near(const struct gx_source *source, const struct gx_addr *addr)
{
    uint32_t ip;

    if (addr->family != source->addr.family)
        return false;
    if (addr->family == 6)
        return gx_addr_is_link_local(addr) && addr->scope == source->interface;
    memcpy(&ip, addr->ip, sizeof ip);
    return (ip & source->mask) == source->net || memcmp(addr->ip, source->addr.ip, sizeof addr->ip) == 0;
}

enum gx_err gx_interfaces_addr_parse(struct gx_addr *out, const char *text, bool zero_port)
{
    const char *name = strchr(text, '%'), *end = name == NULL ? NULL : strchr(name, ']');
    char interface[IF_NAMESIZE], numbered[GX_ADDR_TEXT_BYTES];
    uint32_t index = 0;

    if (end != NULL && (size_t)(end - name - 1) < sizeof interface) {
        memcpy(interface, name + 1, (size_t)(end - name - 1));
        interface[end - name - 1] = 0;
        index = if_nametoindex(interface);
    }
    /* A name may be digits; then it is meant as a number. */
    if (index == 0 || gx_addr_parse(out, text, zero_port) == GX_OK)
        return gx_addr_parse(out, text, zero_port);
    int n = snprintf(numbered, sizeof numbered, "%.*s%%%u%s", (int)(name - text), text, index, end);
    return n > 0 && (size_t)n < sizeof numbered ? gx_addr_parse(out, numbered, zero_port) : GX_E_MALFORMED;
}

uint32_t gx_interfaces_guess(size_t nth)
{
    struct gx_source sources[GX_LAN_SOURCES_MAX];
    size_t n, left_out, kept = 0;

    if (!gx_interfaces_read(sources, &n, &left_out, &(struct gx_addr){.family = 6}))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (sources[i].addr.family == 6)
            sources[kept++] = sources[i];
    return kept == 0 ? 0 : sources[nth % kept].interface;
}

int gx_interfaces_watch(void)
{
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK,
                               .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), bytes = NEWS_BYTES;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (bind(fd, (const struct sockaddr *)&addr, sizeof addr) == 0)
        return fd;

    int why = errno;

    close(fd);
    errno = why;
    return -1;
}

/* What changed is not read: many changes are one look at how things are now. */
enum gx_interfaces_news gx_interfaces_news(int watch)
{
    enum gx_interfaces_news news = GX_INTERFACES_SAME;
    uint8_t some[64];

    for (unsigned i = 0; i < NEWS_READS_MAX; i++) {
        ssize_t got = recv(watch, some, sizeof some, MSG_DONTWAIT);

        if (got < 0 && errno == EAGAIN)
            break;
        if (got == 0 || (got < 0 && errno != EINTR && errno != ENOBUFS))
            return GX_INTERFACES_LOST;
        news = GX_INTERFACES_CHANGED;
    }
    return news;
}
