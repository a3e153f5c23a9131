#include "node/os/routers.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define DUMP_BYTES 32768u       /* as much as the kernel gives at a time */
#define DUMPS_MAX 64u           /* some ten thousand routes; what is behind is not looked at, and default routes come first */
#define HARDWARE_BYTES 6u
#define KNOWN (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

struct list {
    struct gx_router *routers;
    size_t n;
};

/* The body of a message, and what is behind its fixed part. */
typedef void take_fn(struct list *list, struct gx_span body);

static bool attribute(struct gx_span all, size_t fixed, uint16_t type, void *out, size_t n)
{
    struct rtattr a;

    for (size_t at = NLMSG_ALIGN(fixed); at + sizeof a <= all.n; at += RTA_ALIGN(a.rta_len)) {
        memcpy(&a, all.p + at, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > all.n - at)
            return false;
        if (a.rta_type == type && a.rta_len - sizeof a == n) {
            memcpy(out, all.p + at + sizeof a, n);
            return true;
        }
    }
    return false;
}

static uint8_t family_of(uint8_t family)
{
    return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

static size_t ip_bytes(uint8_t family)
{
    return family == 4 ? 4 : 16;
}

static bool is_better(const struct gx_router *a, const struct gx_router *b)
{
    return a->family != b->family ? a->family < b->family : a->metric < b->metric;
}

static void take_route(struct list *list, struct gx_span body)
{
    struct gx_router r = {.name = ""};
    struct rtmsg m;
    size_t i = 0;

    if (body.n < sizeof m)
        return;
    memcpy(&m, body.p, sizeof m);
    r.family = family_of(m.rtm_family);
    if (r.family == 0 || m.rtm_dst_len != 0 || m.rtm_type != RTN_UNICAST || !attribute(body, sizeof m, RTA_OIF, &r.interface, sizeof r.interface) ||
        !attribute(body, sizeof m, RTA_GATEWAY, r.ip, ip_bytes(r.family)))
        return;
    (void)attribute(body, sizeof m, RTA_PRIORITY, &r.metric, sizeof r.metric);
    while (i < list->n && list->routers[i].interface != r.interface)
        i++;
    if (i == list->n && i < GX_LAN_SOURCES_MAX)
        list->routers[list->n++] = r;
    else if (i < list->n && is_better(&r, &list->routers[i]))
        list->routers[i] = r;
}

static void take_neighbour(struct list *list, struct gx_span body)
{
    struct ndmsg m;
    uint8_t ip[16] = {0}, h[HARDWARE_BYTES];

    if (body.n < sizeof m)
        return;
    memcpy(&m, body.p, sizeof m);

    uint8_t family = family_of(m.ndm_family);

    if (family == 0 || (m.ndm_state & KNOWN) == 0 || !attribute(body, sizeof m, NDA_DST, ip, ip_bytes(family)) ||
        !attribute(body, sizeof m, NDA_LLADDR, h, sizeof h))
        return;
    for (size_t i = 0; i < list->n; i++) {
        struct gx_router *r = &list->routers[i];

        if (r->interface == (uint32_t)m.ndm_ifindex && r->family == family && memcmp(r->ip, ip, sizeof ip) == 0)
            snprintf(r->name, sizeof r->name, "%02x:%02x:%02x:%02x:%02x:%02x", h[0], h[1], h[2], h[3], h[4], h[5]);
    }
}

/* -1: that was the end; 0: more is to come; 1: it is no answer. */
static int take_messages(struct list *list, take_fn *take, struct gx_span all)
{
    struct nlmsghdr head;

    while (all.n >= sizeof head) {
        memcpy(&head, all.p, sizeof head);
        if (head.nlmsg_type == NLMSG_DONE)
            return -1;
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > all.n || head.nlmsg_type == NLMSG_ERROR)
            return 1;
        take(list, gx_span(all.p + sizeof head, head.nlmsg_len - sizeof head));

        size_t whole = NLMSG_ALIGN(head.nlmsg_len);

        all = whole < all.n ? gx_span(all.p + whole, all.n - whole) : gx_span(NULL, 0);
    }
    return 0;
}

/* What the kernel has of a kind.  It answers at once. */
static bool ask(struct list *list, uint16_t type, take_fn *take)
{
    struct {
        struct nlmsghdr head;
        struct rtgenmsg all;
    } question = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), more = 1;
    uint8_t bytes[DUMP_BYTES];

    if (fd < 0)
        return false;
    if (send(fd, &question, question.head.nlmsg_len, 0) == (ssize_t)question.head.nlmsg_len)
        more = 0;
    for (unsigned i = 0; i < DUMPS_MAX && more == 0; i++) {
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

        more = got <= 0 ? 1 : take_messages(list, take, gx_span(bytes, (size_t)got));
    }
    close(fd);
    return more <= 0;
}

bool gx_routers_read(struct gx_router out[GX_LAN_SOURCES_MAX], size_t *n)
{
    struct list list = {.routers = out};
    bool ok = ask(&list, RTM_GETROUTE, take_route) && ask(&list, RTM_GETNEIGH, take_neighbour);

    *n = ok ? list.n : 0;
    return ok;
}
