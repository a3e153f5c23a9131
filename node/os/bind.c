/* Bound ports: the members' door, the guests' doors, and the addresses they can be reached at. */
#include "node/os/transport_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool ip_is_zero(const struct gx_addr *a)
{
    static const uint8_t zero[16];
    return memcmp(a->ip, zero, sizeof zero) == 0;
}

static bool ip_is_loopback(const struct gx_addr *a)
{
    static const uint8_t six[16] = {[15] = 1};
    return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, six, sizeof six) == 0;
}

struct door *gx_bind_by_port(struct gx_transport *t, uint16_t port)
{
    for (size_t i = 0; i < DOOR_SLOTS; i++)
        if (t->doors[i].open && t->doors[i].port == port)
            return &t->doors[i];
    return NULL;
}

struct door *gx_bind_by_number(struct gx_transport *t, uint32_t number)
{
    for (size_t i = 0; i < DOOR_SLOTS; i++)
        if (t->doors[i].open && t->doors[i].number == number)
            return &t->doors[i];
    return NULL;
}

/* Options apply to what is bound after them: each door gets its own key and ZAP domain.  False: errno says why. */
static bool bind_one(struct gx_transport *t, struct door *door, const struct gx_curve_sk *sk, uint16_t port)
{
    struct gx_addr addr = t->listen;
    char text[GX_ADDR_TEXT_BYTES], endpoint[GX_ADDR_TEXT_BYTES + 8], domain[16] = "m";
    size_t n = sizeof door->endpoint;
    int six = addr.family == 6;

    addr.port = port;
    gx_addr_format(text, &addr);
    snprintf(endpoint, sizeof endpoint, "tcp://%s", text);
    if (door->number == MEMBERS_2)
        snprintf(domain, sizeof domain, "n");
    else if (door->number != 0)
        snprintf(domain, sizeof domain, "g%u", door->number);
    if (zmq_setsockopt(t->bound, ZMQ_IPV6, &six, sizeof six) != 0 ||
        zmq_setsockopt(t->bound, ZMQ_CURVE_SECRETKEY, sk->b, sizeof sk->b) != 0 ||
        zmq_setsockopt(t->bound, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) != 0 || zmq_bind(t->bound, endpoint) != 0 ||
        zmq_getsockopt(t->bound, ZMQ_LAST_ENDPOINT, door->endpoint, &n) != 0)
        return false;
    door->port = (uint16_t)strtoul(strrchr(door->endpoint, ':') + 1, NULL, 10);
    door->open = true;
    return true;
}

static enum gx_err bind_failed(int *sys_errno)
{
    *sys_errno = errno;
    return errno == ENOMEM ? GX_E_MEMORY : errno == EMFILE || errno == ENFILE ? GX_E_STORE : GX_E_USAGE;
}

/* [::] means every address there is: on a kernel without IPv6 that is 0.0.0.0. */
static bool kernel_lacks_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno == EAFNOSUPPORT;
    close(fd);
    return false;
}

enum gx_err gx_bind_members(struct gx_transport *t, const struct gx_transport_config *config, int *sys_errno)
{
    struct door *door = &t->doors[0];
    uint16_t port = config->listen.port;
    bool bound = false;

    t->listen = config->listen;
    if (t->listen.family == 6 && ip_is_zero(&t->listen) && kernel_lacks_ipv6())
        t->listen.family = 4;
    door->pk = config->pk;
    bound = port == 0 && config->preferred_port != 0 && bind_one(t, door, &config->sk, config->preferred_port);
    if (!bound && !bind_one(t, door, &config->sk, port))
        return bind_failed(sys_errno);
    return GX_OK;
}

bool gx_transport_replace_key(struct gx_transport *t, const struct gx_curve_pk *pk, const struct gx_curve_sk *sk)
{
    unsigned next = 1 - t->current;
    struct door *door = &t->doors[next];

    gx_transport_retire_key(t);
    *door = (struct door){.number = next == 0 ? 0 : MEMBERS_2, .pk = *pk};
    if (!bind_one(t, door, sk, 0))
        return false;
    t->current = next;
    t->pk = *pk;
    t->sk = *sk;
    return true;
}

bool gx_transport_answer_old_key(struct gx_transport *t, const struct gx_curve_pk *pk, const struct gx_curve_sk *sk, uint16_t port)
{
    unsigned other = 1 - t->current;

    if (t->doors[other].open)
        return true;
    t->doors[other] = (struct door){.number = other == 0 ? 0 : MEMBERS_2, .pk = *pk};
    return bind_one(t, &t->doors[other], sk, port);
}

void gx_transport_retire_key(struct gx_transport *t)
{
    struct door *door = &t->doors[1 - t->current];

    if (door->open)
        (void)zmq_unbind(t->bound, door->endpoint);
    door->open = false;
}

void gx_bind_door(struct gx_transport *t, const struct gx_effect *effect)
{
    struct gx_input input = {.kind = GX_IN_DOOR, .now = t->now, .door = effect->door};
    struct door *door = NULL;

    GX_ASSERT(effect->door != 0 && gx_bind_by_number(t, effect->door) == NULL);
    for (size_t i = MEMBERS_SLOTS; i < DOOR_SLOTS && door == NULL; i++)
        if (!t->doors[i].open)
            door = &t->doors[i];
    if (door != NULL) {
        *door = (struct door){.number = effect->door};
        /* A port that was kept may be taken by now: then any. */
        if ((effect->port != 0 && bind_one(t, door, &effect->door_sk, effect->port)) ||
            bind_one(t, door, &effect->door_sk, 0)) {
            if (!gx_transport_addresses(t, door->addrs, &input.n_addrs, GX_ARRAY_LEN(door->addrs), door->port))
                gx_bind_close_door(t, effect->door);        /* nobody could be told where it is */
            input.addrs = door->addrs;
        }
    }
    gx_transport_emit(t, &input);
}

/* libzmq ends a port's connections together with the port.  The last guest may just be getting its answer: so nobody comes in from now on,
 * and the port is given up when all have gone. */
void gx_bind_close_door(struct gx_transport *t, uint32_t number)
{
    struct door *door = gx_bind_by_number(t, number);

    if (door == NULL || number == 0)
        return;
    door->closing = true;
    door->deadline_ms = 0;
}

static bool in_use(struct gx_transport *t, const struct door *door, bool cut)
{
    bool used = false;

    for (uint32_t i = t->n_guests; i-- > 0;) {
        struct conn *c = gx_conn_at(t, t->guests[i]);
        if (c->door != door->number)
            continue;
        used = true;
        if (cut)
            gx_link_cut(t, c);
    }
    return used;
}

void gx_bind_tick(struct gx_transport *t)
{
    for (size_t i = MEMBERS_SLOTS; i < DOOR_SLOTS; i++) {
        struct door *door = &t->doors[i];
        if (!door->open || !door->closing)
            continue;
        if (door->deadline_ms == 0)
            door->deadline_ms = t->now.mono_ms + DOOR_CLOSE_MS;
        if (in_use(t, door, t->now.mono_ms >= door->deadline_ms))
            continue;
        (void)zmq_unbind(t->bound, door->endpoint);
        door->open = false;
    }
}

uint64_t gx_bind_due_ms(const struct gx_transport *t)
{
    uint64_t due = UINT64_MAX;

    for (size_t i = MEMBERS_SLOTS; i < DOOR_SLOTS; i++)
        if (t->doors[i].open && t->doors[i].closing && t->doors[i].deadline_ms < due)
            due = t->doors[i].deadline_ms;
    return due;
}

/* Of a link-local address the /64 is everybody's: there the whole address is the host. */
static bool same_host(const struct gx_addr *a, const struct gx_addr *b)
{
    size_t n = a->family == 4 ? 4 : gx_addr_is_link_local(a) ? 16 : 8;

    return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, n) == 0;
}

static size_t guests_of(struct gx_transport *t, const struct gx_addr *host)
{
    size_t n = 0;

    for (uint32_t i = 0; i < t->n_guests; i++)
        n += same_host(&gx_conn_at(t, t->guests[i])->peer, host);
    return n;
}

/* The oldest of those that may be cut for a guest whose host has `of_host` places; NULL: none.  A host's first guest need not wait for one that
 * is old enough: it takes the place of one whose host has several, or who knocks the oftenest would get what comes free. */
static struct conn *oldest_unproved(struct gx_transport *t, const struct gx_addr *guest, size_t of_host)
{
    struct conn *oldest = NULL;

    for (uint32_t i = 0; i < t->n_guests; i++) {
        struct conn *c = gx_conn_at(t, t->guests[i]);
        if (c->proved || (oldest != NULL && oldest->came_ms <= c->came_ms) ||
            (of_host >= GX_GUESTS_PER_HOST_MAX && !same_host(&c->peer, guest)))
            continue;
        if (t->now.mono_ms >= c->came_ms + UNPROVED_MS || (of_host == 0 && guests_of(t, &c->peer) > 1))
            oldest = c;
    }
    return oldest;
}

bool gx_bind_make_room(struct gx_transport *t, const struct gx_addr *guest)
{
    size_t of_host = guests_of(t, guest);
    struct conn *oldest;

    if (t->n_guests < GX_GUESTS_MAX && of_host < GX_GUESTS_PER_HOST_MAX)
        return true;
    oldest = oldest_unproved(t, guest, of_host);
    if (oldest == NULL)
        return false;
    t->stats.cut_guests++;
    gx_link_cut(t, oldest);
    return true;
}

/* How good an address is for others, small first; -1: of no use to them. */
static int rank(const struct gx_transport *t, const struct gx_addr *a)
{
    bool any_four = t->listen.family == 4, loopback = ip_is_loopback(a);

    if (any_four && a->family != 4)
        return -1;
    if (gx_addr_is_link_local(a))
        return -1;      /* means nothing without an interface, whose number is this machine's own */
    if (a->family == 4 && a->ip[0] == 169 && a->ip[1] == 254)
        return 2;
    return (loopback ? 3 : 0) + (a->family == 4 ? 0 : 1);
}

static bool addr_of_interface(struct gx_addr *out, const struct ifaddrs *i, uint16_t port)
{
    *out = (struct gx_addr){.port = port};
    if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0)
        return false;
    if (i->ifa_addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, i->ifa_addr, sizeof in);
        out->family = 4;
        memcpy(out->ip, &in.sin_addr, 4);
        return true;
    }
    if (i->ifa_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, i->ifa_addr, sizeof in6);
        out->family = 6;
        memcpy(out->ip, &in6.sin6_addr, 16);
        return true;
    }
    return false;
}

bool gx_transport_addresses(const struct gx_transport *t, struct gx_addr *out, size_t *n, size_t cap, uint16_t port)
{
    struct ifaddrs *all = NULL;
    struct gx_addr addr = t->listen;

    *n = 0;
    if (!ip_is_zero(&t->listen)) {
        addr.port = port;
        if (cap > 0 && rank(t, &addr) >= 0)
            out[(*n)++] = addr;
        return true;
    }
    if (getifaddrs(&all) != 0)
        return false;
    for (int want = 0; want < 5; want++) {
        /* Loopback only when there is nothing else. */
        if (want >= 3 && *n > 0)
            break;
        for (const struct ifaddrs *i = all; i != NULL && *n < cap; i = i->ifa_next)
            if (addr_of_interface(&addr, i, port) && rank(t, &addr) == want)
                out[(*n)++] = addr;
    }
    freeifaddrs(all);
    return true;
}
