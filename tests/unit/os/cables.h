/* What the tests of discovery share: parties with their inputs, and two machines on one cable.
 *
 * `here` and `there` are network namespaces, a cable is a pair of veth.  Sockets stay in the namespace they were made in; what looks at interfaces does
 * so in the thread's own, so each party is turned in its own. */
#ifndef GX_TESTS_UNIT_OS_CABLES_H
#define GX_TESTS_UNIT_OS_CABLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/os/discovery.h"
#include "tests/alone.h"

#define PARTIES_MAX 3u
#define HEARD_MAX 4096u
#define GROUP "224.0.0.254"

static int here = -1, there = -1;   /* -1: not to be had */
static uint64_t clock_ahead_ms, clock_stopped_ms;

struct heard {
    struct gx_addr from;
    uint32_t contacts_only;
    size_t n;
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
};

struct party {
    struct gx_discovery *d;
    int net;
    size_t n_lans;                  /* LAN inputs; the last one said: */
    size_t n_sources;
    struct gx_addr sources[GX_LAN_SOURCES_MAX];
    uint32_t contacts_only;
    struct heard *heard;
    size_t n_heard;
};

static inline uint64_t mono_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline struct gx_time test_now(void)
{
    return (struct gx_time){.mono_ms = clock_stopped_ms != 0 ? clock_stopped_ms : mono_ms() + clock_ahead_ms};
}

static inline void enter(int net)
{
    assert_int_equal(setns(net, CLONE_NEWNET), 0);
}

static const struct gx_modes all_on = {.usual = GX_MODE_ON};

static inline struct party *party_open_with(struct party *p, int net, const char *listen, const struct gx_modes *modes)
{
    struct gx_fail why = {0};
    struct gx_addr addr;

    *p = (struct party){.net = net, .heard = calloc(HEARD_MAX, sizeof *p->heard)};
    assert_int_equal(gx_addr_parse(&addr, listen, true), GX_OK);
    enter(net);
    if (!gx_discovery_open(&p->d, &addr, modes, &why))
        fail_msg("%s", why.message);
    return p;
}

static inline struct party *party_open(struct party *p, int net, const char *listen)
{
    return party_open_with(p, net, listen, &all_on);
}

static inline void party_close(struct party *p)
{
    gx_discovery_close(p->d);
    free(p->heard);
    *p = (struct party){0};
}

static inline void party_take(struct party *p, const zmq_pollitem_t *items, size_t n_items)
{
    struct gx_input in[GX_DISCOVERY_INPUTS];

    enter(p->net);
    size_t n = gx_discovery_take(p->d, in, GX_DISCOVERY_INPUTS, items, n_items, test_now());
    assert_true(n <= GX_DISCOVERY_INPUTS);
    for (size_t i = 0; i < n; i++) {
        if (in[i].kind == GX_IN_LAN) {
            p->n_lans++;
            p->n_sources = in[i].n_addrs;
            memcpy(p->sources, in[i].addrs, in[i].n_addrs * sizeof in[i].addrs[0]);
            p->contacts_only = in[i].contacts_only;
            continue;
        }
        assert_int_equal(in[i].kind, GX_IN_DATAGRAM);
        GX_ASSERT(p->n_heard < HEARD_MAX);
        struct heard *h = &p->heard[p->n_heard++];
        *h = (struct heard){.from = in[i].peer_addr, .contacts_only = in[i].contacts_only, .n = in[i].bytes.n};
        memcpy(h->bytes, in[i].bytes.p, in[i].bytes.n);
    }
}

/* Waits at most ms for something to happen at any party, then lets each carry on. */
static inline void parties_turn(struct party *list, int64_t ms)
{
    zmq_pollitem_t items[PARTIES_MAX * GX_DISCOVERY_ITEMS];
    size_t at[PARTIES_MAX + 1] = {0};

    for (size_t i = 0; i < PARTIES_MAX; i++) {
        at[i + 1] = at[i] + gx_discovery_items(list[i].d, items + at[i], GX_DISCOVERY_ITEMS, test_now());
        int64_t due = gx_discovery_due_ms(list[i].d, test_now().mono_ms);
        ms = due >= 0 && due < ms ? due : ms;
    }
    assert_true(zmq_poll(items, (int)at[PARTIES_MAX], (long)ms) >= 0);
    for (size_t i = 0; i < PARTIES_MAX; i++)
        if (list[i].d != NULL)
            party_take(&list[i], items + at[i], at[i + 1] - at[i]);
}

/* Would it wake up now? */
static inline bool is_readable(struct party *p)
{
    zmq_pollitem_t items[GX_DISCOVERY_ITEMS];
    size_t n = gx_discovery_items(p->d, items, GX_DISCOVERY_ITEMS, test_now());

    return zmq_poll(items, (int)n, 0) > 0;
}

static inline struct gx_discovery_stats stats_of(const struct party *p)
{
    struct gx_discovery_stats s;

    gx_discovery_stats(p->d, &s);
    return s;
}

/* --- what is said and heard ---------------------------------------------------------------------------------------------------------------- */

static inline size_t word_put(uint8_t out[GX_LAN_DATAGRAM_MAX], const char *word)
{
    static const uint8_t begin[8] = {'g', 'u', 'a', 'n', 'x', 'i', 0, 1};

    memcpy(out, begin, sizeof begin);
    memcpy(out + sizeof begin, word, strlen(word));
    return sizeof begin + strlen(word);
}

static inline void effect(struct party *p, enum gx_effect_kind kind, const struct gx_addr *addr, const char *word)
{
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    size_t n = word_put(bytes, word);

    gx_discovery_do(p->d, &(struct gx_effect){.kind = kind, .addr = *addr, .bytes = gx_span(bytes, n)});
}

static inline void beacon_from(struct party *p, const struct gx_addr *source, const char *word)
{
    effect(p, GX_OUT_BEACON, source, word);
}

static inline void beacon(struct party *p, size_t source, const char *word)
{
    assert_true(source < p->n_sources);
    beacon_from(p, &p->sources[source], word);
}

static inline void answer(struct party *p, const struct gx_addr *to, const char *word)
{
    effect(p, GX_OUT_DATAGRAM, to, word);
}

static inline size_t heard(const struct party *p, const char *word)
{
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    size_t n = word_put(bytes, word), found = 0;

    for (size_t i = 0; i < p->n_heard; i++)
        found += p->heard[i].n == n && memcmp(p->heard[i].bytes, bytes, n) == 0;
    return found;
}

static inline const struct heard *last_heard(const struct party *p)
{
    assert_true(p->n_heard > 0);
    return &p->heard[p->n_heard - 1];
}

static inline const struct gx_addr *source_of(const struct party *p, const char *ip)
{
    uint8_t four[16] = {0};

    assert_int_equal(inet_pton(AF_INET, ip, four), 1);
    for (size_t i = 0; i < p->n_sources; i++)
        if (p->sources[i].family == 4 && memcmp(p->sources[i].ip, four, sizeof four) == 0)
            return &p->sources[i];
    return NULL;
}

static inline const struct gx_addr *link_local_of(const struct party *p)
{
    for (size_t i = 0; i < p->n_sources; i++)
        if (p->sources[i].family == 6)
            return &p->sources[i];
    return NULL;
}

/* --- strangers on the loopback interface ------------------------------------------------------------------------------------------------------ */

static inline int stranger(int ttl, const char *from)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {inet_addr(from)}};
    struct ip_mreqn through = {.imr_ifindex = 1};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof through), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl), 0);
    return fd;
}

static inline void stranger_says(int fd, const char *to, const uint8_t *bytes, size_t n)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(GX_LAN_PORT), .sin_addr = {inet_addr(to)}};

    assert_int_equal(sendto(fd, bytes, n, 0, (struct sockaddr *)&at, sizeof at), n);
}

/* From one port, whatever is said. */
static inline void say(const char *to, int ttl, const char *from, const uint8_t *bytes, size_t n)
{
    static int fd = -1, last_ttl;
    static char last_from[16];

    if (fd < 0 || ttl != last_ttl || strcmp(from, last_from) != 0) {
        if (fd >= 0)
            close(fd);
        fd = stranger(ttl, from);
        last_ttl = ttl;
        snprintf(last_from, sizeof last_from, "%s", from);
    }
    stranger_says(fd, to, bytes, n);
}

static inline void number_say(int fd, uint64_t number)
{
    uint8_t bytes[GX_LAN_DATAGRAM_MAX] = {0};

    memcpy(bytes + word_put(bytes, ""), &number, sizeof number);
    stranger_says(fd, GROUP, bytes, sizeof bytes);
}

static inline void say_number(const char *from, uint64_t number)
{
    int fd = stranger(255, from);

    number_say(fd, number);
    close(fd);
}

/* n datagrams, no two the same, from so many hosts in turn. */
static inline void flood(size_t n, size_t hosts)
{
    static uint64_t number = 1000;

    for (size_t host = 0; host < hosts; host++) {
        char from[32];

        snprintf(from, sizeof from, "127.0.1.%zu", host + 1);
        int fd = stranger(255, from);
        for (size_t i = host; i < n; i += hosts)
            number_say(fd, number++);
        close(fd);
    }
}

/* By a program that shares it with nobody; -1: this machine has no such family. */
static inline int taken_port(int family)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(GX_LAN_PORT)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(GX_LAN_PORT)};
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), only = 1;

    if (fd < 0)
        return -1;
    if (family == AF_INET6)
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only), 0);
    assert_int_equal(family == AF_INET ? bind(fd, (struct sockaddr *)&four, sizeof four) : bind(fd, (struct sockaddr *)&six, sizeof six), 0);
    return fd;
}

/* The one of this process; -1: none. */
static inline int netlink_fd(void)
{
    for (int fd = 3; fd < 64; fd++) {
        struct sockaddr_nl at = {0};
        socklen_t n = sizeof at;

        if (getsockname(fd, (struct sockaddr *)&at, &n) == 0 && at.nl_family == AF_NETLINK)
            return fd;
    }
    return -1;
}

/* --- cables ---------------------------------------------------------------------------------------------------------------------------------- */

/* `ip` of iproute2, with these lines. */
static inline void run_batch(int net, unsigned times, const char *lines)
{
    char command[512];
    FILE *to;

    enter(net);
    snprintf(command, sizeof command, "ip -batch -");
    to = popen(command, "w");
    assert_non_null(to);
    for (unsigned i = 0; i < times; i++)
        fputs(lines, to);
    assert_int_equal(pclose(to), 0);
    clock_ahead_ms += 1000;     /* and may be looked at at once */
}

static inline void run_ip(int net, const char *line)
{
    run_batch(net, 1, line);
}

static inline uint32_t index_of(int net, const char *name)
{
    enter(net);
    return if_nametoindex(name);
}

static inline void cable_end(int net, const char *name, const char *ip)
{
    char lines[256];

    snprintf(lines, sizeof lines, "%s%s%s%s\nlink set %s up\n", ip == NULL ? "" : "addr add ", ip == NULL ? "" : ip, ip == NULL ? "" : "/24 brd + dev ",
             ip == NULL ? "" : name, name);
    run_ip(net, lines);
}

/* The kernel has it run in its own time. */
static inline bool is_running(int net, const char *name)
{
    struct ifreq what = {.ifr_name = ""};
    int fd;

    enter(net);
    snprintf(what.ifr_name, sizeof what.ifr_name, "%s", name);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    bool running = ioctl(fd, SIOCGIFFLAGS, &what) == 0 && (what.ifr_flags & IFF_RUNNING) != 0;
    close(fd);
    return running;
}

/* One end is here, the other one there; NULL: no IPv4 address. */
static inline void cable_of(const char *one, const char *one_ip, const char *other, const char *other_ip)
{
    char lines[256];

    snprintf(lines, sizeof lines, "link add %s type veth peer name %s\nlink set %s netns /proc/%d/fd/%d\n", one, other, other, getpid(), there);
    run_ip(here, lines);
    cable_end(there, other, other_ip);
    cable_end(here, one, one_ip);
    for (uint64_t end = mono_ms() + 20000; !is_running(here, one) || !is_running(there, other);)
        assert_true(mono_ms() < end);
}

static inline void cable(const char *west_ip, const char *east_ip)
{
    cable_of("west", west_ip, "east", east_ip);
}

static inline void cables_clear(void)
{
    static const char *const ends[] = {"west", "north", "roof"};
    char line[32];

    for (size_t i = 0; i < GX_ARRAY_LEN(ends) && here >= 0; i++)
        if (index_of(here, ends[i]) != 0) {
            snprintf(line, sizeof line, "link del %s", ends[i]);
            run_ip(here, line);
        }
}

/* Before any thread. */
static inline void cables_open(void)
{
    char path[512];

    snprintf(path, sizeof path, "%s:/usr/sbin:/sbin", getenv("PATH"));
    setenv("PATH", path, 1);
    if (own_namespace() && loopback_up())
        here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (here >= 0 && system("ip link show >/dev/null 2>&1") == 0 && unshare(CLONE_NEWNET) == 0 && loopback_up())
        there = open("/proc/self/ns/net", O_RDONLY);    /* `ip` is told of it by its number */
}

/* On the machine's own loopback interface other nodes would be heard. */
static inline void need_network(void)
{
    if (here >= 0)
        return;
    print_message("no network namespaces are to be had here\n");
    skip();
}

static inline void need_cables(void)
{
    need_network();
    if (there >= 0)
        return;
    print_message("`ip` (Debian: iproute2) is not to be had here\n");
    skip();
}

#endif
