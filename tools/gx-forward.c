/* A switch of descriptors: every frame read from one is written to those it is for, later, more than once, or never, as was said of the two islands that
 * it goes between.  Descriptors of TAP devices make a network of it, for tools/netlab; any that keep frames apart do.
 *
 *     gx-forward SEED PCAP ISLAND:FD ...       PCAP: a file for all that is read, as tcpdump writes it; empty: none is wanted
 *
 * Lines on standard input say how it is from then on, and each is answered by one line; the end of it ends the program:
 *     link A B DELAY JITTER LOSS TWICE EARLY RATE      between two islands, both ways: us, us, and of a million frames; bytes a second, 0: any number
 *     cut A B 1                                       nothing goes from A to B any more; 0: it does again
 *     count                                           what came and went so far
 * An island is a LAN: what is said to all stays there, but for who asks where somebody is, as a router would ask for it.
 * The n-th frame from one descriptor to another meets the same fate in each run with that seed. */
#include "crypto/base.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PORTS_MAX 256u
#define ISLANDS_MAX 64u
#define FRAME_MAX 65536u
#define HEADER 14u              /* of an Ethernet frame */
#define AT_ONCE 64u             /* frames of one descriptor before others have their turn */
#define WAITING_MAX 4096u       /* frames from one to another: a switch has so much room, and what finds none is lost */
#define MILLION 1000000u
#define US 1000ull
#define EXIT_USAGE 2
#define EXIT_MACHINE 74

struct link {
    uint64_t delay_us, jitter_us, bytes_per_s;
    uint32_t loss, twice, early;        /* of a million frames */
    bool cut;
};

/* From one descriptor to another. */
struct way {
    uint64_t chance;                    /* a stream of its own, so that what others say changes nothing here */
    uint64_t last_ns, free_ns;          /* when what was sent last is due; when the line has room */
    uint32_t waiting;
};

struct port {
    int fd;
    uint32_t island;
    uint64_t in, in_bytes, out, out_bytes;
    uint8_t mac[6];                     /* of who spoke last */
    bool spoke;
};

struct frame {
    uint64_t due_ns, number;
    uint32_t from, to, n;
    uint8_t bytes[];
};

static struct {
    struct port ports[PORTS_MAX];
    uint32_t n_ports;
    struct link links[ISLANDS_MAX][ISLANDS_MAX];
    struct way ways[PORTS_MAX][PORTS_MAX];
    struct frame **heap;                /* the one that is due first at its top */
    uint32_t n_heap, cap_heap;
    uint64_t number, apart, lost, cut, full, twice, early;
    FILE *pcap;
} all;

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "gx-forward: %s: %s\n", what, strerror(errno));
    exit(EXIT_MACHINE);
}

/* splitmix64 */
static uint64_t draw(uint64_t *chance)
{
    uint64_t x = *chance += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* --- what waits --------------------------------------------------------------------------------------------------------------------------------- */

static bool before(const struct frame *a, const struct frame *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void heap_add(struct frame *f)
{
    uint32_t i = all.n_heap++;

    if (all.n_heap > all.cap_heap) {
        all.cap_heap = all.cap_heap == 0 ? 1024 : 2 * all.cap_heap;
        all.heap = realloc(all.heap, all.cap_heap * sizeof *all.heap);
        if (all.heap == NULL)
            die("no memory");
    }
    for (; i > 0 && before(f, all.heap[(i - 1) / 2]); i = (i - 1) / 2)
        all.heap[i] = all.heap[(i - 1) / 2];
    all.heap[i] = f;
}

static struct frame *heap_take(void)
{
    struct frame *top = all.heap[0], *last = all.heap[--all.n_heap];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child + 1 < all.n_heap && before(all.heap[child + 1], all.heap[child]))
            child++;
        if (child >= all.n_heap || before(last, all.heap[child]))
            break;
        all.heap[i] = all.heap[child];
        i = child;
    }
    all.heap[i] = last;
    return top;
}

static void put(uint32_t from, uint32_t to, const uint8_t *bytes, uint32_t n, uint64_t due_ns)
{
    struct frame *f = malloc(sizeof *f + n);

    if (f == NULL)
        die("no memory");
    *f = (struct frame){.due_ns = due_ns, .number = ++all.number, .from = from, .to = to, .n = n};
    memcpy(f->bytes, bytes, n);
    all.ways[from][to].waiting++;
    heap_add(f);
}

static void deliver(struct frame *f)
{
    struct port *to = &all.ports[f->to];

    all.ways[f->from][f->to].waiting--;
    if (write(to->fd, f->bytes, f->n) == (ssize_t)f->n) {
        to->out++;
        to->out_bytes += f->n;
    } else {
        all.full++;             /* who has no room, or is down, does not get it */
    }
    free(f);
}

/* --- what comes --------------------------------------------------------------------------------------------------------------------------------- */

/* Frames from one to another stay in their order, but for those that go early.  As many numbers are drawn for each, whatever becomes of it. */
static void send_on(uint32_t from, uint32_t to, const uint8_t *bytes, uint32_t n, uint64_t now)
{
    const struct link *link = &all.links[all.ports[from].island][all.ports[to].island];
    struct way *way = &all.ways[from][to];
    bool lost = draw(&way->chance) % MILLION < link->loss, twice = draw(&way->chance) % MILLION < link->twice, early = draw(&way->chance) % MILLION < link->early;
    uint64_t jitter_us[2] = {draw(&way->chance) % (link->jitter_us + 1), draw(&way->chance) % (link->jitter_us + 1)};

    if (link->cut) {
        all.cut++;
        return;
    }
    if (lost) {
        all.lost++;
        return;
    }
    for (uint32_t k = 0; k < 1u + twice; k++) {
        if (way->waiting >= WAITING_MAX) {
            all.full++;
            return;
        }
        if (k == 0 && early) {
            all.early++;
            put(from, to, bytes, n, now);
            continue;
        }
        way->free_ns = (way->free_ns < now ? now : way->free_ns) + (link->bytes_per_s == 0 ? 0 : n * 1000000000ull / link->bytes_per_s);

        uint64_t due = way->free_ns + (link->delay_us + jitter_us[k]) * US;

        way->last_ns = due < way->last_ns ? way->last_ns : due;
        all.twice += k;
        put(from, to, bytes, n, way->last_ns);
    }
}

static void note(const uint8_t *bytes, uint32_t n)
{
    uint64_t at = now_ns(CLOCK_REALTIME);
    uint32_t head[4] = {(uint32_t)(at / 1000000000u), (uint32_t)(at % 1000000000u / 1000u), n, n};

    if (all.pcap != NULL && (fwrite(head, sizeof head, 1, all.pcap) != 1 || fwrite(bytes, n, 1, all.pcap) != 1))
        die("the capture cannot be written");
}

/* Said to all, and neither ARP nor a neighbour solicitation of IPv6. */
static bool is_for_the_lan(const uint8_t *bytes)
{
    static const uint8_t arp[] = {0x08, 0x06}, solicited[] = {0x33, 0x33, 0xff};

    return (bytes[0] & 1) != 0 && memcmp(bytes + 12, arp, sizeof arp) != 0 && memcmp(bytes, solicited, sizeof solicited) != 0;
}

/* For one, when it is known who that is; else for all others. */
static void forward(uint32_t from, const uint8_t *bytes, uint32_t n, uint64_t now)
{
    uint32_t only = from;

    memcpy(all.ports[from].mac, bytes + 6, 6);
    all.ports[from].spoke = true;
    for (uint32_t to = 0; to < all.n_ports && (bytes[0] & 1) == 0 && only == from; to++)
        if (to != from && all.ports[to].spoke && memcmp(all.ports[to].mac, bytes, 6) == 0)
            only = to;
    for (uint32_t to = 0; to < all.n_ports; to++) {
        bool apart = all.ports[to].island != all.ports[from].island && is_for_the_lan(bytes);

        if (to == from || (only != from && only != to))
            continue;
        all.apart += apart;
        if (!apart)
            send_on(from, to, bytes, n, now);
    }
}

static void take_in(uint32_t from)
{
    static uint8_t bytes[FRAME_MAX];
    struct port *p = &all.ports[from];
    uint64_t now = now_ns(CLOCK_MONOTONIC);

    for (uint32_t i = 0; i < AT_ONCE; i++) {
        ssize_t n = read(p->fd, bytes, sizeof bytes);

        if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == EIO))       /* EIO: the device is down */
            return;
        if (n < 0)
            die("a descriptor cannot be read");
        if (n == 0) {
            p->fd = -1;
            return;
        }
        if ((size_t)n < HEADER)
            continue;
        p->in++;
        p->in_bytes += (uint64_t)n;
        note(bytes, (uint32_t)n);
        forward(from, bytes, (uint32_t)n, now);
    }
}

/* --- what is said ------------------------------------------------------------------------------------------------------------------------------- */

static bool say_link(const char *line)
{
    struct link l = {.cut = false};
    uint32_t a = 0, b = 0;
    int used = 0;

    if (sscanf(line, "link %" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu64 "%n", &a, &b, &l.delay_us, &l.jitter_us,
               &l.loss, &l.twice, &l.early, &l.bytes_per_s, &used) != 8 || line[used] != 0 || a >= ISLANDS_MAX || b >= ISLANDS_MAX)
        return false;
    l.cut = all.links[a][b].cut;
    all.links[a][b] = l;
    l.cut = all.links[b][a].cut;
    all.links[b][a] = l;
    return true;
}

static bool say_cut(const char *line)
{
    uint32_t a = 0, b = 0, cut = 0;
    int used = 0;

    if (sscanf(line, "cut %" SCNu32 " %" SCNu32 " %" SCNu32 "%n", &a, &b, &cut, &used) != 3 || line[used] != 0 || a >= ISLANDS_MAX || b >= ISLANDS_MAX || cut > 1)
        return false;
    all.links[a][b].cut = cut != 0;
    return true;
}

/* As JSON; what the capture has so far is in its file then. */
static void say_count(void)
{
    printf("{\"apart\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"full\":%" PRIu64 ",\"twice\":%" PRIu64 ",\"early\":%" PRIu64 ",\"ports\":[", all.apart, all.lost, all.cut, all.full,
           all.twice, all.early);
    for (uint32_t i = 0; i < all.n_ports; i++)
        printf("%s{\"in\":%" PRIu64 ",\"in_bytes\":%" PRIu64 ",\"out\":%" PRIu64 ",\"out_bytes\":%" PRIu64 "}", i == 0 ? "" : ",", all.ports[i].in,
               all.ports[i].in_bytes, all.ports[i].out, all.ports[i].out_bytes);
    puts("]}");
    if (all.pcap != NULL && fflush(all.pcap) != 0)
        die("the capture cannot be written");
}

/* Whole lines.  False: there will be no more. */
static bool hear(void)
{
    static char text[4096];
    static size_t n;
    ssize_t got = read(STDIN_FILENO, text + n, sizeof text - 1 - n);
    char *line = text, *end = NULL;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    n += (size_t)got;
    text[n] = 0;
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        if (strcmp(line, "count") == 0)
            say_count();
        else
            puts(say_link(line) || say_cut(line) ? "ok" : "this is not understood");
    }
    n -= (size_t)(line - text);
    memmove(text, line, n);
    return fflush(stdout) == 0 && n < sizeof text - 1;
}

/* --- all of it ---------------------------------------------------------------------------------------------------------------------------------- */

static void set_timer(int timer, uint64_t due_ns)
{
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)(due_ns / 1000000000u), .tv_nsec = (long)(due_ns % 1000000000u)}};

    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) != 0)
        die("no timer");
}

static void run(int timer)
{
    struct pollfd ready[PORTS_MAX + 2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = timer, .events = POLLIN}};

    for (bool goes_on = true; goes_on;) {
        uint64_t now = 0;

        for (uint32_t i = 0; i < all.n_ports; i++)
            ready[i + 2] = (struct pollfd){.fd = all.ports[i].fd, .events = POLLIN};
        set_timer(timer, all.n_heap == 0 ? 0 : all.heap[0]->due_ns);
        if (poll(ready, all.n_ports + 2, -1) < 0 && errno != EINTR)
            die("poll");
        for (uint32_t i = 0; i < all.n_ports; i++)
            if (ready[i + 2].revents != 0)
                take_in(i);
        now = now_ns(CLOCK_MONOTONIC);
        while (all.n_heap > 0 && all.heap[0]->due_ns <= now)
            deliver(heap_take());
        goes_on = ready[0].revents == 0 || hear();
    }
}

static bool read_port(const char *text, uint64_t seed)
{
    struct port *p = &all.ports[all.n_ports];
    int used = 0;

    if (all.n_ports >= PORTS_MAX || sscanf(text, "%" SCNu32 ":%d%n", &p->island, &p->fd, &used) != 2 || text[used] != 0 || p->island >= ISLANDS_MAX)
        return false;
    if (fcntl(p->fd, F_SETFL, O_NONBLOCK) != 0)
        return false;
    for (uint32_t i = 0; i < PORTS_MAX; i++) {
        all.ways[all.n_ports][i].chance = seed ^ ((uint64_t)all.n_ports << 32 | i) * 0xd6e8feb86659fd93u;
        (void)draw(&all.ways[all.n_ports][i].chance);
    }
    all.n_ports++;
    return true;
}

static void open_pcap(const char *path)
{
    static const uint32_t head[] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, FRAME_MAX, 1};        /* version 2.4, little end first; 1: Ethernet */

    all.pcap = path[0] == 0 ? NULL : fopen(path, "we");
    if (path[0] != 0 && (all.pcap == NULL || fwrite(head, sizeof head, 1, all.pcap) != 1))
        die(path);
}

int main(int argc, char **argv)
{
    char *end = NULL;
    uint64_t seed = argc < 4 ? 0 : strtoull(argv[1], &end, 10);
    int timer = -1;

    if (argc < 4 || end == argv[1] || *end != 0) {
        fputs("usage: gx-forward SEED PCAP ISLAND:FD ...\n", stderr);
        return EXIT_USAGE;
    }
    for (int i = 3; i < argc; i++)
        if (!read_port(argv[i], seed)) {
            fprintf(stderr, "gx-forward: '%s' is no descriptor that is open, with one of %u islands before it\n", argv[i], ISLANDS_MAX);
            return EXIT_USAGE;
        }
    open_pcap(argv[2]);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0)
        die("no timer");
    run(timer);
    if (all.pcap != NULL && fclose(all.pcap) != 0)
        die("the capture cannot be written");
    return 0;
}
