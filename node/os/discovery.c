#include "node/os/discovery.h"

#include "node/os/interfaces.h"
#include "node/os/log.h"
#include "node/os/routers.h"
#include "node/os/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define DATAGRAMS_MAX (GX_DISCOVERY_INPUTS - 1u)    /* one is LAN */
#define SCAN_PAUSE_MS 1000u     /* an interface that flaps 250 times a second is looked at once, */
#define SCANS_QUICK 4u          /* and if it goes on less and less often, down to */
#define SCAN_DOUBLED_MAX 4u     /* once in 16 s: a look may mean beacons, connections and records for everybody */
#define SCAN_BLIND_MS 30000u    /* where nobody tells of changes, as of routers' names; or the interfaces could not be read */
#define SCAN_ROUTER_MS 2000u    /* where a mode hangs on such a name */
/* The loop comes by every 30 s at least.  Where it did not, the machine slept, and may be elsewhere now. */
#define SLEPT_MS 90000u
/* A socket that was read as fast as may be rests until there is room for some: one wake-up for each would be a hundred a second. */
#define REST_MS 160u
#define HOSTS 256u              /* single addresses.  Two may share one: a stranger cannot make a table overflow that has no entries to fill */
#define RECENT 64u              /* datagrams remembered, for */
#define RECENT_MS 2000u         /* so long: multicast and broadcast arrive together */
#define LOOPBACK 1u             /* its interface has that number on each Linux */

struct pace {
    uint64_t at_ms;
    uint32_t thousandths;
};

struct mouth {                  /* a socket that is read */
    const struct gx_udp *udp;
    const int *fd;              /* of udp; its own may be another one after a move */
    struct pace pace;
    uint64_t rest_until_ms;
};

#define FAMILIES 2u
#define MOUTHS (2u * FAMILIES)
static_assert(MOUTHS + 1 == GX_DISCOVERY_ITEMS, "and the watch");

struct gx_discovery {
    struct gx_addr listen;
    const struct gx_modes *modes;
    struct gx_udp udp[FAMILIES];
    struct mouth mouths[MOUTHS];            /* of those that are open */
    size_t n_mouths;
    int watch;                              /* -1: not to be had */
    uint64_t scan_at_ms, scanned_ms;        /* UINT64_MAX: when there is news */
    bool has_news;                          /* and a look is due for it */
    unsigned n_quick;                       /* news that followed closely upon a look */
    uint64_t took_ms;
    bool told;
    size_t n_sources;                       /* of networks that are not off */
    struct gx_source sources[GX_LAN_SOURCES_MAX];
    uint32_t contacts_only;                 /* bit i: what sources[i] is on */
    struct gx_addr addrs[GX_LAN_SOURCES_MAX];
    uint8_t key[crypto_shorthash_KEYBYTES];
    struct host {
        struct pace pace;
        uint32_t interface;                 /* by which it was heard last */
    } hosts[HOSTS];
    struct {
        uint64_t hash, at_ms;
    } recent[RECENT];
    size_t next_recent;
    uint8_t bytes[DATAGRAMS_MAX][GX_LAN_DATAGRAM_MAX];
    struct gx_discovery_stats stats;
};

/* --- how much -------------------------------------------------------------------------------------------------------------------------- */

/* Is there room for one?  The first time there is for all. */
static bool pace_allows(struct pace *p, uint64_t now_ms, uint32_t per_second, uint32_t burst)
{
    uint64_t passed = p->at_ms == 0 ? UINT32_MAX : now_ms - p->at_ms;
    uint64_t room = p->thousandths + (passed < 1000 * burst ? passed * per_second : (uint64_t)1000 * burst * per_second);

    p->thousandths = (uint32_t)(room < 1000 * burst ? room : 1000 * burst);
    p->at_ms = now_ms;
    return p->thousandths >= 1000;
}

static void pace_take(struct pace *p)
{
    p->thousandths -= 1000;
}

static uint64_t keyed_hash(const struct gx_discovery *d, const void *bytes, size_t n)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t hash;

    crypto_shorthash(out, bytes, n, d->key);
    memcpy(&hash, out, sizeof hash);
    return hash;
}

/* An address without its port, then whatever belongs to it. */
static size_t put_host(uint8_t *out, const struct gx_addr *a)
{
    out[0] = a->family;
    memcpy(out + 1, a->ip, sizeof a->ip);
    memcpy(out + 1 + sizeof a->ip, &a->scope, sizeof a->scope);
    return 1 + sizeof a->ip + sizeof a->scope;
}

static size_t host_at(const struct gx_discovery *d, const struct gx_addr *addr)
{
    uint8_t host[64];

    return (size_t)(keyed_hash(d, host, put_host(host, addr)) % HOSTS);
}

static bool is_hasty(struct gx_discovery *d, const struct gx_addr *from, uint32_t interface, uint64_t now_ms)
{
    struct host *host = &d->hosts[host_at(d, from)];

    if (!pace_allows(&host->pace, now_ms, GX_LAN_HOST_PACE, GX_LAN_HOST_BURST))
        return true;
    pace_take(&host->pace);
    host->interface = interface;
    return false;
}

/* From the same sender, that is: else who says the same first could keep others from being heard. */
static bool is_repeated(struct gx_discovery *d, const struct gx_addr *from, struct gx_span bytes, uint64_t now_ms)
{
    uint8_t all[64 + GX_LAN_DATAGRAM_MAX];
    size_t n = put_host(all, from);

    memcpy(all + n, &from->port, sizeof from->port);
    n += sizeof from->port;
    memcpy(all + n, bytes.p, bytes.n);
    uint64_t hash = keyed_hash(d, all, n + bytes.n);
    for (size_t i = 0; i < RECENT; i++)
        if (d->recent[i].hash == hash && d->recent[i].at_ms + RECENT_MS > now_ms)
            return true;
    d->recent[d->next_recent].hash = hash;
    d->recent[d->next_recent].at_ms = now_ms;
    d->next_recent = (d->next_recent + 1) % RECENT;
    return false;
}

/* --- opening ---------------------------------------------------------------------------------------------------------------------------- */

static void open_family(struct gx_discovery *d, struct gx_udp *u, int family)
{
    if (gx_udp_open(u, family)) {
        d->mouths[d->n_mouths++] = (struct mouth){.udp = u, .fd = &u->shared};
        d->mouths[d->n_mouths++] = (struct mouth){.udp = u, .fd = &u->own};
    } else if (errno != EAFNOSUPPORT) {
        gx_log("nothing is heard on the LAN by IPv%d: UDP port %u: %s", family == AF_INET ? 4 : 6, GX_LAN_PORT, strerror(errno));
    }
}

bool gx_discovery_open(struct gx_discovery **out, const struct gx_addr *listen, const struct gx_modes *modes, struct gx_fail *why)
{
    struct gx_discovery *d = calloc(1, sizeof *d);

    *out = NULL;
    if (d == NULL || sodium_init() < 0) {
        free(d);
        return gx_fail(why, GX_EXIT_FAILED, "memory", NULL, "out of memory");
    }
    d->listen = *listen;
    d->modes = modes;
    d->watch = -1;
    randombytes_buf(d->key, sizeof d->key);
    open_family(d, &d->udp[0], AF_INET);
    open_family(d, &d->udp[1], AF_INET6);
    if (d->n_mouths == 0) {
        gx_discovery_close(d);
        return gx_fail(why, GX_EXIT_FAILED, "lan", NULL, "nobody is found on the LAN: there is no socket to hear them with");
    }
    d->watch = gx_interfaces_watch();
    *out = d;
    return true;
}

void gx_discovery_close(struct gx_discovery *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < FAMILIES; i++)
        gx_udp_close(&d->udp[i]);
    if (d->watch >= 0)
        close(d->watch);
    free(d);
}

/* --- interfaces ------------------------------------------------------------------------------------------------------------------------- */

/* Whether or not it is open. */
static const struct gx_udp *udp_of(const struct gx_discovery *d, uint8_t family)
{
    return &d->udp[family == 4 ? 0 : 1];
}

static bool is_same(const struct gx_discovery *d, const struct gx_source *found, size_t n)
{
    bool same = n == d->n_sources;

    for (size_t i = 0; same && i < n; i++) {
        const struct gx_source *a = &found[i], *b = &d->sources[i];

        same = gx_addr_equal(&a->addr, &b->addr) && a->interface == b->interface && a->multicast == b->multicast && a->broadcast == b->broadcast;
    }
    return same;
}

/* What networks there are, and their modes. */
static void see(struct gx_discovery *d, const struct gx_source *list, size_t n)
{
    size_t seen = 0;

    for (size_t i = 0; i < n; i++) {
        size_t k = 0;

        while (k < seen && strcmp(d->stats.networks[k].name, list[i].name) != 0)
            k++;
        if (k < seen)
            continue;
        memcpy(d->stats.networks[seen].name, list[i].name, sizeof list[i].name);
        memcpy(d->stats.networks[seen].router, list[i].router, sizeof list[i].router);
        d->stats.networks[seen++].mode = gx_modes_of(d->modes, list[i].name, list[i].router);
    }
    d->stats.n_networks = seen;
}

/* Of those that are off. */
static size_t drop_off(const struct gx_discovery *d, struct gx_source *list, size_t n, uint32_t *contacts_only)
{
    size_t kept = 0;

    *contacts_only = 0;
    for (size_t i = 0; i < n; i++) {
        enum gx_mode mode = gx_modes_of(d->modes, list[i].name, list[i].router);

        if (mode == GX_MODE_OFF)
            continue;
        *contacts_only |= mode == GX_MODE_CONTACTS ? 1u << kept : 0;
        list[kept++] = list[i];
    }
    return kept;
}

static size_t drop_unheard(const struct gx_discovery *d, struct gx_source *list, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (udp_of(d, list[i].addr.family)->own >= 0)
            list[kept++] = list[i];
    return kept;
}

/* By which routers these networks lead elsewhere.  False: of one the name is not known yet. */
static bool name_routers(struct gx_source *list, size_t n)
{
    struct gx_router routers[GX_LAN_SOURCES_MAX];
    size_t n_routers;
    bool known = gx_routers_read(routers, &n_routers);

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_routers; k++)
            if (routers[k].interface == list[i].interface) {
                memcpy(list[i].router, routers[k].name, sizeof list[i].router);
                known = known && routers[k].name[0] != 0;
            }
    return known;
}

static void scan_within(struct gx_discovery *d, uint64_t now_ms, uint64_t ms)
{
    if (d->scan_at_ms > now_ms + ms)
        d->scan_at_ms = now_ms + ms;
}

static uint64_t scan_pause(const struct gx_discovery *d)
{
    unsigned more = d->n_quick < SCANS_QUICK ? 0 : d->n_quick - SCANS_QUICK + 1;

    return (uint64_t)SCAN_PAUSE_MS << (more < SCAN_DOUBLED_MAX ? more : SCAN_DOUBLED_MAX);
}

/* Elsewhere nobody is to know by the port who comes from where. */
static void take_other_ports(struct gx_discovery *d)
{
    for (size_t i = 0; i < FAMILIES; i++)
        if (d->udp[i].own >= 0 && !gx_udp_renew(&d->udp[i]))
            gx_log("beacons go on from UDP port %u: %s", d->udp[i].port, strerror(errno));
}

static void scan(struct gx_discovery *d, uint64_t now_ms)
{
    struct gx_source found[GX_LAN_SOURCES_MAX];
    size_t n, left_out;
    uint32_t contacts_only;

    if (d->watch < 0)
        d->watch = gx_interfaces_watch();
    /* Before looking, so that what changes meanwhile is news again. */
    if (d->watch >= 0)
        (void)gx_interfaces_news(d->watch);
    bool read = gx_interfaces_read(found, &n, &left_out, &d->listen);
    d->scanned_ms = now_ms;
    d->has_news = false;
    d->scan_at_ms = UINT64_MAX;
    if (d->watch < 0 || !read)
        scan_within(d, now_ms, SCAN_BLIND_MS);
    if (!read)
        return;
    n = drop_unheard(d, found, n);
    if (!name_routers(found, n))
        scan_within(d, now_ms, gx_modes_by_router(d->modes) && d->n_quick < SCANS_QUICK ? SCAN_ROUTER_MS : SCAN_BLIND_MS);
    see(d, found, n);
    n = drop_off(d, found, n, &contacts_only);
    d->stats.left_out = left_out;
    for (size_t i = 0; i < FAMILIES; i++)
        if (d->udp[i].own >= 0)
            gx_udp_join(&d->udp[i], found, n);
    bool same = is_same(d, found, n);
    if (!same && d->n_sources > 0)
        take_other_ports(d);
    d->told = d->told && same && contacts_only == d->contacts_only;
    d->contacts_only = contacts_only;
    memcpy(d->sources, found, n * sizeof found[0]);
    d->n_sources = n;
    for (size_t i = 0; i < n; i++) {
        d->addrs[i] = found[i].addr;
        d->addrs[i].port = udp_of(d, found[i].addr.family)->port;
    }
}

static void take_news(struct gx_discovery *d, uint64_t now_ms)
{
    enum gx_interfaces_news news = gx_interfaces_news(d->watch);

    if (news == GX_INTERFACES_LOST) {
        gx_log("the system does not tell of changes of its network any more: asking for it anew");
        close(d->watch);
        d->watch = -1;
    }
    if (news == GX_INTERFACES_SAME)
        return;
    d->n_quick = now_ms < d->scanned_ms + 2 * scan_pause(d) ? d->n_quick + 1 : 0;

    uint64_t at_ms = d->scanned_ms + scan_pause(d);

    at_ms = at_ms > now_ms ? at_ms : now_ms;
    d->scan_at_ms = at_ms < d->scan_at_ms ? at_ms : d->scan_at_ms;
    d->has_news = true;
}

/* --- what comes ------------------------------------------------------------------------------------------------------------------------- */

/* Whichever interface it comes in by: two of them may be on one network. */
static bool is_own(const struct gx_discovery *d, const struct gx_addr *from)
{
    const struct gx_udp *u = udp_of(d, from->family);

    if (from->port != u->port && from->port != u->port_before)
        return false;
    for (size_t i = 0; i < d->n_sources; i++)
        if (d->addrs[i].family == from->family && memcmp(d->addrs[i].ip, from->ip, sizeof from->ip) == 0)
            return true;
    return false;
}

static bool is_same_host(const struct gx_addr *a, const struct gx_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* The address that is on the link of that one: best the same, else one of the interface by which it was heard last.  NULL: none, as when its network is off. */
static const struct gx_source *source_near(const struct gx_discovery *d, const struct gx_addr *to)
{
    const struct gx_source *near = NULL;
    uint32_t heard_by = d->hosts[host_at(d, to)].interface;

    for (size_t i = 0; i < d->n_sources; i++) {
        const struct gx_source *s = &d->sources[i];

        if (is_same_host(&s->addr, to))
            return s;
        if (gx_interfaces_near(s, to) && (near == NULL || (near->interface != heard_by && s->interface == heard_by)))
            near = s;
    }
    return near;
}

/* Which source is on the network that it came by; n_sources: none.  Who says to be where an answer would go by another network is on neither.  What this
 * machine says to itself comes by the interface of loopback, from the address that it is for. */
static size_t source_at(const struct gx_discovery *d, const struct gx_addr *from, uint32_t interface)
{
    bool anywhere = source_near(d, from) == NULL;
    size_t i = 0;

    for (; i < d->n_sources; i++) {
        const struct gx_source *s = &d->sources[i];

        if (s->interface == interface ? anywhere || gx_interfaces_near(s, from) : interface == LOOPBACK && is_same_host(&s->addr, from))
            break;
    }
    return i;
}

/* Up to cap into inputs, whose bytes lie from d->bytes[first] on. */
static size_t receive(struct gx_discovery *d, struct mouth *m, struct gx_input *inputs, size_t first, size_t cap, struct gx_time now)
{
    size_t taken = 0;

    while (taken < cap) {
        uint8_t *bytes = d->bytes[first + taken];
        struct gx_addr from;
        uint32_t interface;
        size_t n, at;

        if (!pace_allows(&m->pace, now.mono_ms, GX_LAN_PACE, GX_LAN_BURST)) {
            m->rest_until_ms = now.mono_ms + REST_MS;
            break;
        }
        if (!gx_udp_receive(m->udp, *m->fd, bytes, GX_LAN_DATAGRAM_MAX, &n, &from, &interface))
            break;
        pace_take(&m->pace);
        if (is_own(d, &from)) {
            d->stats.own++;
            continue;
        }
        at = source_at(d, &from, interface);
        if (at == d->n_sources) {
            d->stats.astray++;
            continue;
        }
        if (is_hasty(d, &from, d->sources[at].interface, now.mono_ms)) {
            d->stats.hasty++;
            continue;
        }
        if (is_repeated(d, &from, gx_span(bytes, n), now.mono_ms)) {
            d->stats.repeated++;
            continue;
        }
        d->stats.heard++;
        inputs[taken++] = (struct gx_input){.kind = GX_IN_DATAGRAM, .now = now, .bytes = gx_span(bytes, n), .peer_addr = from,
                                               .contacts_only = d->contacts_only >> at & 1u};
    }
    return taken;
}

static bool is_readable(const zmq_pollitem_t *items, size_t n, int fd)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].socket == NULL && items[i].fd == fd)
            return items[i].revents != 0;
    return false;
}

/* Each socket has its part, and what those before it left. */
static size_t receive_all(struct gx_discovery *d, struct gx_input *inputs, const zmq_pollitem_t *items, size_t n_items, struct gx_time now)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n_mouths; i++) {
        size_t cap = (DATAGRAMS_MAX - n) / (d->n_mouths - i);

        if (is_readable(items, n_items, *d->mouths[i].fd))
            n += receive(d, &d->mouths[i], inputs + n, n, cap, now);
    }
    return n;
}

size_t gx_discovery_items(struct gx_discovery *d, zmq_pollitem_t *items, size_t cap, struct gx_time now)
{
    size_t n = 0;

    if (d == NULL)
        return 0;
    GX_ASSERT(cap >= GX_DISCOVERY_ITEMS);
    for (size_t i = 0; i < d->n_mouths; i++)
        if (now.mono_ms >= d->mouths[i].rest_until_ms)
            items[n++] = (zmq_pollitem_t){.fd = *d->mouths[i].fd, .events = ZMQ_POLLIN};
    /* A storm of news does not wake us while a look at the interfaces is due for it already. */
    if (d->watch >= 0 && !d->has_news)
        items[n++] = (zmq_pollitem_t){.fd = d->watch, .events = ZMQ_POLLIN};
    return n;
}

size_t gx_discovery_take(struct gx_discovery *d, struct gx_input *inputs, size_t cap, const zmq_pollitem_t *items, size_t n_items, struct gx_time now)
{
    size_t n = 0;

    if (d == NULL)
        return 0;
    GX_ASSERT(cap >= GX_DISCOVERY_INPUTS);
    if (d->took_ms != 0 && now.mono_ms > d->took_ms + SLEPT_MS) {
        d->scan_at_ms = now.mono_ms;
        d->told = false;
    }
    d->took_ms = now.mono_ms;
    if (d->watch >= 0 && is_readable(items, n_items, d->watch))
        take_news(d, now.mono_ms);
    if (now.mono_ms >= d->scan_at_ms)
        scan(d, now.mono_ms);
    if (!d->told)
        inputs[n++] = (struct gx_input){.kind = GX_IN_LAN, .now = now, .n_addrs = d->n_sources, .addrs = d->addrs,
                                           .contacts_only = d->contacts_only};
    d->told = true;
    return n + receive_all(d, inputs + n, items, n_items, now);
}

uint64_t gx_discovery_looked_ms(const struct gx_discovery *d)
{
    return d == NULL ? 0 : d->scanned_ms;
}

int64_t gx_discovery_due_ms(const struct gx_discovery *d, uint64_t now_mono_ms)
{
    if (d == NULL)
        return -1;

    uint64_t due = d->scan_at_ms;

    for (size_t i = 0; i < d->n_mouths; i++)
        if (d->mouths[i].rest_until_ms > now_mono_ms && d->mouths[i].rest_until_ms < due)
            due = d->mouths[i].rest_until_ms;
    return due == UINT64_MAX ? -1 : due <= now_mono_ms ? 0 : (int64_t)(due - now_mono_ms);
}

/* --- what goes out ---------------------------------------------------------------------------------------------------------------------- */

/* The address may have gone since the engine heard of it.  Two interfaces may have the same one. */
static void send_beacon(struct gx_discovery *d, const struct gx_effect *effect)
{
    bool any = false;

    for (size_t i = 0; i < d->n_sources; i++) {
        unsigned failed;

        if (!gx_addr_equal(&d->addrs[i], &effect->addr))
            continue;
        any = true;
        d->stats.sent += gx_udp_beacon(udp_of(d, effect->addr.family), &d->sources[i], effect->bytes, &failed);
        d->stats.unsent += failed;
    }
    if (!any)
        d->stats.unsent++;
}

void gx_discovery_do(struct gx_discovery *d, const struct gx_effect *effect)
{
    if (d == NULL)
        return;
    GX_ASSERT(effect->bytes.n >= GX_LAN_DATAGRAM_MIN && effect->bytes.n <= GX_LAN_DATAGRAM_MAX);
    if (effect->kind == GX_OUT_BEACON) {
        send_beacon(d, effect);
        return;
    }
    GX_ASSERT(effect->kind == GX_OUT_DATAGRAM);

    const struct gx_source *from = source_near(d, &effect->addr);

    if (from != NULL && gx_udp_send(udp_of(d, effect->addr.family), from, &effect->addr, effect->bytes))
        d->stats.sent++;
    else
        d->stats.unsent++;
}

void gx_discovery_stats(const struct gx_discovery *d, struct gx_discovery_stats *out)
{
    *out = (struct gx_discovery_stats){0};
    if (d == NULL)
        return;
    *out = d->stats;
    for (size_t i = 0; i < FAMILIES; i++)
        out->unfit += gx_udp_dropped(&d->udp[i]);
    out->n_sources = d->n_sources;
    memcpy(out->sources, d->addrs, d->n_sources * sizeof d->addrs[0]);
}
