/* The members' door, and strangers who connect and go no further, or who send without end.  Beside them comes somebody who only wants to be greeted. */
#include "tools/bench/stranger.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HALF_OPEN 350u
#define FILES 256u              /* that the node may have open */
#define VISITOR 2u              /* 127.0.0.2 */
#define BETWEEN_MS 50           /* two visits */
#define SERVED_S 30.0           /* whom it does not greet by then it does not serve */

static bool begin(struct gx_bench *bench, uint32_t files, struct gx_addr *at, struct gx_curve_pk *key)
{
    struct gx_bench_node *node = &bench->door;

    if ((node->name[0] == 0 && !gx_bench_init(bench, node, "door")) || !gx_bench_down(node))
        return false;
    node->files_max = files;
    return gx_bench_up(node, bench->options.guanxi) && gx_bench_door(node, at, key);
}

/* Tries until it is greeted.  Seconds; negative when it was not. */
static double visit(const struct gx_addr *at, const struct gx_curve_pk *key)
{
    double begun = gx_bench_now();
    bool greeted = false;

    while (!greeted && gx_bench_now() < begun + SERVED_S && !gx_bench_stopped()) {
        struct gx_nonce mine, theirs;
        struct gx_stranger s;

        greeted = gx_stranger_connect(&s, at, VISITOR) && gx_stranger_meet(&s, key) && gx_stranger_greet(&s, &mine, &theirs);
        gx_stranger_close(&s);
    }
    return greeted ? gx_bench_now() - begun : -1;
}

static json_int_t dropped(struct gx_bench_node *node, const char *why)
{
    json_t *status = gx_bench_call(node, "status", NULL);
    json_int_t n = json_integer_value(json_object_get(json_object_get(status, "dropped"), why));

    json_decref(status);
    return n;
}

/* --- half-open --------------------------------------------------------------------------------------------------------------------------- */

struct visits {
    const struct gx_addr *at;
    const struct gx_curve_pk *key;
    atomic_bool over, done;     /* told to come no more; it does not */
    uint32_t n;
    double longest;             /* negative: somebody was not served */
};

static void *come_and_go(void *arg)
{
    struct visits *v = arg;

    do {
        double took = visit(v->at, v->key);

        v->n++;
        v->longest = took < 0 || took > v->longest ? took : v->longest;
        (void)poll(NULL, 0, BETWEEN_MS);
    } while (!v->over && v->longest >= 0);
    v->done = true;
    return NULL;
}

struct siege {
    int fds[HALF_OPEN];
    int again_ms;               /* whose connection the node ended comes again so soon */
    struct sockaddr_in at;
    uint64_t opened, refused;   /* connections; those that the node ended */
};

static int half_open(struct siege *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&s->at, sizeof s->at) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    s->opened += fd >= 0;
    return fd;
}

static bool stands(int fd)
{
    char b[256];
    ssize_t n;

    if (fd < 0)
        return false;
    do
        n = recv(fd, b, sizeof b, MSG_DONTWAIT);
    while (n > 0);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static void besiege(struct siege *s)
{
    for (size_t i = 0; i < HALF_OPEN; i++) {
        if (stands(s->fds[i]))
            continue;
        if (s->fds[i] >= 0) {
            s->refused++;
            close(s->fds[i]);
        }
        s->fds[i] = half_open(s);
        if (s->fds[i] >= 0)         /* half of what a greeting begins with, and no more */
            (void)send(s->fds[i], "\xff\0\0\0\0", 5, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static void raise_siege(struct siege *s)
{
    for (size_t i = 0; i < HALF_OPEN; i++)
        if (s->fds[i] >= 0)
            close(s->fds[i]);
}

/* For so long, besieged or not: the longest that a visitor waited, and the part of a core that the node had. */
static bool hold(struct gx_bench *bench, struct siege *siege, double seconds, struct visits *v, double *share)
{
    double from = gx_bench_now(), cpu = gx_bench_cpu(&bench->door);
    pthread_t visitor;

    *share = 0;
    v->over = v->done = false;
    v->n = 0;
    v->longest = 0;
    if (pthread_create(&visitor, NULL, come_and_go, v) != 0)
        return gx_bench_fail("no thread");
    while (!v->done) {          /* who came last is besieged to the end, too */
        if (siege != NULL)
            besiege(siege);
        (void)poll(NULL, 0, siege != NULL ? siege->again_ms : BETWEEN_MS);
        if (v->over || (gx_bench_now() < from + seconds && !gx_bench_stopped()))
            continue;
        *share = 100 * (gx_bench_cpu(&bench->door) - cpu) / (gx_bench_now() - from);
        v->over = true;
    }
    pthread_join(visitor, NULL);
    return v->longest >= 0 || gx_bench_fail("whoever is honest was not served within %g s", SERVED_S);
}

/* First without a siege, then with one. */
static bool hold_both(struct gx_bench *bench, int again_ms, struct gx_measure *served, struct gx_measure *cpu)
{
    double seconds = bench->options.quick ? 0.5 : 10, quiet, share, before;
    struct siege siege = {.again_ms = again_ms, .at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    struct gx_curve_pk key;
    struct gx_addr at;
    struct visits v = {.at = &at, .key = &key};

    memset(siege.fds, 0xff, sizeof siege.fds);
    if (!begin(bench, FILES, &at, &key) || !hold(bench, NULL, seconds / 5, &v, &quiet))
        return false;
    before = v.longest;
    siege.at.sin_port = htons(at.port);
    bool ok = hold(bench, &siege, seconds, &v, &share);
    raise_siege(&siege);
    if (!ok)
        return false;
    gx_figures_add(&served->value, v.longest);
    gx_figures_add(&served->raw_value, before);
    gx_figures_add(&served->ratio, v.longest / before);
    gx_figures_add(&served->cpu_us, share / 100 * seconds / (double)siege.opened * 1e6);
    gx_figures_add(&cpu->value, share);
    gx_figures_add(&cpu->raw_value, quiet);
    gx_figures_add(&cpu->ratio, share / quiet);
    gx_figures_add(&cpu->cpu_us, share / 100 * seconds / (double)siege.opened * 1e6);
    served->counts[0].n += v.n;
    served->counts[1].n += siege.opened;
    served->counts[2].n += siege.refused;
    gx_bench_note_noise(bench);
    return true;
}

bool gx_measure_half_open(struct gx_bench *bench, struct gx_measure m[4])
{
    static const char *const names[] = {"door_half_open", "door_half_open_cpu", "door_storm", "door_storm_cpu"};
    static const int again_ms[] = {1000, 20};
    static const char *const notes[] = {
        "350 half-open connections at 256 descriptors, each again a second after it was ended: the longest until another host is greeted",
        "the same, each again after 20 ms"};

    for (int k = 0; k < 2; k++) {
        m[2 * k] = (struct gx_measure){.name = names[2 * k], .unit = "s", .raw = "without them, s", .goal_is = GX_GOAL_AT_MOST, .goal = 5,
                                       .goal_of_value = true, .note = notes[k], .counts = {{"visits", 0}, {"half_open", 0}, {"ended", 0}}};
        m[2 * k + 1] = (struct gx_measure){.name = names[2 * k + 1], .unit = "%", .raw = "without them, %; CPU of each of them",
                                           .goal_of_value = true, .note = "of a core, the node's part, visits and all"};
        if (k == 0) {
            m[1].goal_is = GX_GOAL_AT_MOST;
            m[1].goal = 20;
        }
        for (uint32_t r = 0; r < bench->options.repeats; r++) {
            gx_bench_progress(bench, "%s, %u of %u", names[2 * k], r + 1, bench->options.repeats);
            if (!hold_both(bench, again_ms[k], &m[2 * k], &m[2 * k + 1]))
                return false;
        }
    }
    return gx_bench_down(&bench->door);
}

/* --- without end ------------------------------------------------------------------------------------------------------------------------- */

enum hostile { LARGE, FULL, MORE, MORE_SMALL };

/* One connection, until it is ended or has sent so much.  Bytes. */
static uint64_t pour(const struct gx_addr *at, const struct gx_curve_pk *key, enum hostile how, uint64_t most)
{
    static const uint8_t nothing[GX_FRAME_BYTES_MAX];
    struct gx_nonce mine, theirs;
    struct gx_stranger s;
    bool ok = gx_stranger_connect(&s, at, 1) && gx_stranger_meet(&s, key);

    if (how == FULL)
        ok = ok && gx_stranger_greet(&s, &mine, &theirs);
    while (ok && s.out_bytes < most)
        ok = how == LARGE  ? gx_stranger_say_large(&s, 1u << 20)
             : how == FULL ? gx_stranger_say(&s, gx_span(nothing, sizeof nothing), false)
             : how == MORE ? gx_stranger_say(&s, gx_span(nothing, 1u << 16), true)
                           : gx_stranger_say_small(&s, 1u << 10);
    gx_stranger_close(&s);
    return s.out_bytes;
}

static double status_of(const struct gx_bench_node *node, const char *key)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/status", (int)node->pid);
    return (double)gx_bench_proc(path, key) * 1024 / 1e6;
}

static bool pour_all(struct gx_bench *bench, enum hostile how, uint64_t bytes, struct gx_measure *m)
{
    struct gx_bench_node *node = &bench->door;
    uint64_t sent = 0, connections = 0;
    struct gx_curve_pk key;
    struct gx_addr at;

    if (!begin(bench, 0, &at, &key) || visit(&at, &key) < 0)
        return false;

    double before = status_of(node, "VmRSS:"), cpu = gx_bench_cpu(node);

    for (; sent < bytes && !gx_bench_stopped(); connections++) {
        uint64_t more = pour(&at, &key, how, bytes - sent);

        if (more == 0 && visit(&at, &key) < 0)
            break;
        sent += more;
    }
    cpu = gx_bench_cpu(node) - cpu;

    double grew = status_of(node, "VmHWM:") - before;       /* the most that it ever was */

    if (visit(&at, &key) < 0)
        return gx_bench_fail("whoever is honest was not served within %g s", SERVED_S);
    gx_figures_add(&m->value, grew);
    gx_figures_add(&m->raw_value, (double)sent / 1e6);
    gx_figures_add(&m->ratio, grew / (double)sent * 1e6);
    gx_figures_add(&m->cpu_us, cpu * 1e6 / (double)sent * 1e6);
    m->counts[0].n += connections;
    m->counts[1].n += (uint64_t)dropped(node, "flood");
    gx_bench_note_noise(bench);
    return true;
}

bool gx_measure_hostile(struct gx_bench *bench, struct gx_measure m[4])
{
    static const char *const names[] = {"door_hostile_large", "door_hostile_full", "door_hostile_more", "door_hostile_small"};
    static const char *const notes[] = {"frames of 1 MiB, each on a connection that ends by it", "frames as large as may be, of no meaning",
                                        "endless messages of frames of 64 KiB", "endless messages of frames of a byte"};
    uint64_t bytes = (bench->options.quick ? 8ull : 900ull) << 20;

    for (uint32_t how = 0; how < GX_ARRAY_LEN(names); how++) {
        m[how] = (struct gx_measure){.name = names[how], .unit = "MB", .raw = "sent, MB; CPU of each of them", .goal_is = GX_GOAL_AT_MOST, .goal = 16,
                                     .goal_of_value = true, .note = notes[how], .counts = {{"connections", 0}, {"cut_as_floods", 0}}};
        for (uint32_t r = 0; r < bench->options.repeats; r++) {
            gx_bench_progress(bench, "%s, %u of %u", names[how], r + 1, bench->options.repeats);
            if (!pour_all(bench, (enum hostile)how, bytes, &m[how]))
                return false;
        }
    }
    return gx_bench_down(&bench->door);
}
