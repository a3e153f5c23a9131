/* A flood of beacons, on a network of its own: what is not for a node, what may be and is not, and what once was. */
#include "tools/bench/bench.h"

#include "node/os/system.h"
#include "proto/lan.h"
#include "tests/alone.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RATE 100000.0           /* datagrams a second */
#define SENDERS 2u              /* threads */
#define BATCH 50u
#define HOSTS 200u              /* they come from so many addresses */
#define GROUPS 100u             /* that the node is in: the keys it may recognise others by are many */
#define RECORDED_MAX 4u
#define RECORD_MS 1500

enum flood { RANDOM, TAGS, REPLAYED };
#define FLOODS 3u

/* Of one round, told by the process that is alone. */
struct round_of_floods {
    bool ok;
    const char *skipped;        /* NULL: it was had */
    struct {
        double share, bare, rate;
        json_int_t heard;
    } of[FLOODS];
};

struct scene {
    struct gx_bench *bench;
    struct gx_bench_node near, far;
    uint8_t recorded[RECORDED_MAX][GX_BEACON_BYTES];
    size_t n_recorded;
    uint16_t near_port, far_port;       /* UDP, of their own */
};

/* --- what is sent ------------------------------------------------------------------------------------------------------------------------ */

struct sender {
    const struct scene *scene;
    enum flood how;
    int fd;
    double seconds;
    uint64_t sent;
};

struct letter {
    uint8_t bytes[GX_BEACON_BYTES];
    struct sockaddr_in to;
    struct iovec part;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* To all by turns, and to the node alone; each from the next host. */
static void write_letter(struct letter *l, struct mmsghdr *m, const struct sender *s, uint64_t number)
{
    const struct scene *scene = s->scene;
    bool to_all = number % 2 == 0;
    struct in_pktinfo from = {.ipi_ifindex = 1};
    uint32_t host = s->how == REPLAYED && number % 4 < 2 ? 1 : 2 + (uint32_t)(number / 2 % HOSTS);

    if (s->how == REPLAYED)
        memcpy(l->bytes, scene->recorded[number / 4 % scene->n_recorded], sizeof l->bytes);
    else
        memcpy(l->bytes + 8, &number, sizeof number);           /* no two are the same */
    from.ipi_spec_dst.s_addr = htonl(0x7f000000u | host);
    l->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(to_all ? GX_LAN_PORT : scene->near_port),
                                 .sin_addr = {htonl(to_all ? 0xe00000feu : INADDR_LOOPBACK)}};
    l->part = (struct iovec){.iov_base = l->bytes, .iov_len = sizeof l->bytes};
    m->msg_hdr = (struct msghdr){.msg_name = &l->to, .msg_namelen = sizeof l->to, .msg_iov = &l->part, .msg_iovlen = 1,
                                 .msg_control = l->control, .msg_controllen = sizeof l->control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m->msg_hdr);
    *c = (struct cmsghdr){.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof from)};
    memcpy(CMSG_DATA(c), &from, sizeof from);
}

static void *send_all(void *arg)
{
    static _Thread_local struct letter letters[BATCH];
    struct mmsghdr messages[BATCH];
    struct sender *s = arg;
    uint64_t first;
    double begun = gx_bench_now(), now;

    gx_rng_fill(gx_system_rng(), &first, sizeof first);
    for (size_t i = 0; i < BATCH; i++) {
        gx_rng_fill(gx_system_rng(), letters[i].bytes, sizeof letters[i].bytes);
        if (s->how != RANDOM)
            memcpy(letters[i].bytes, "guanxi\0\1", 8);
    }
    while ((now = gx_bench_now()) < begun + s->seconds) {
        if ((double)s->sent >= (now - begun) * RATE / SENDERS) {
            (void)usleep(200);
            continue;
        }
        memset(messages, 0, sizeof messages);
        for (size_t i = 0; i < BATCH; i++)
            write_letter(&letters[i], &messages[i], s, first + s->sent + i);
        int n = sendmmsg(s->fd, messages, BATCH, 0);
        s->sent += n > 0 ? (uint64_t)n : 0;
    }
    return NULL;
}

/* port: where they come from; 0: any. */
static int mouth(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct ip_mreqn through = {.imr_ifindex = 1};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ttl = 255, again = 1;

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again) == 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof through) == 0 &&
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl) == 0 && setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Datagrams a second; negative when it failed. */
static double flood(const struct scene *scene, enum flood how, double seconds)
{
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    int fd = mouth(how == REPLAYED ? scene->far_port : 0);
    double begun = gx_bench_now();
    uint64_t sent = 0;
    size_t n = 0;

    for (; fd >= 0 && n < SENDERS; n++) {
        senders[n] = (struct sender){.scene = scene, .how = how, .fd = fd, .seconds = seconds};
        if (pthread_create(&threads[n], NULL, send_all, &senders[n]) != 0)
            break;
    }
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        sent += senders[i].sent;
    }
    if (fd >= 0)
        close(fd);
    return n == SENDERS ? (double)sent / (gx_bench_now() - begun) : -1;
}

/* --- who hears it ------------------------------------------------------------------------------------------------------------------------ */

static int ear(uint16_t port, bool all)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct ip_mreqn group = {.imr_multiaddr = {htonl(0xe00000feu)}, .imr_ifindex = 1};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), again = 1;

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again) == 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
        (!all || setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) == 0))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Reads whatever comes, and does nothing with it. */
static void be_bare(uint16_t port)
{
    struct pollfd fds[] = {{.fd = ear(GX_LAN_PORT, true), .events = POLLIN}, {.fd = ear(port, false), .events = POLLIN}};
    char bytes[GX_LAN_DATAGRAM_MAX];

    for (;;) {
        (void)poll(fds, GX_ARRAY_LEN(fds), -1);
        for (size_t i = 0; i < GX_ARRAY_LEN(fds); i++)
            while (recv(fds[i].fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
                ;
    }
}

/* The part of a core that it takes to read all, in percent; negative when it failed. */
static double bare_share(const struct scene *scene, enum flood how, double seconds)
{
    struct gx_bench_node bare = {.pid = fork()};
    double cpu, rate;

    if (bare.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        be_bare(scene->near_port);
    }
    if (bare.pid < 0)
        return -1;
    cpu = gx_bench_cpu(&bare);
    rate = flood(scene, how, seconds);
    cpu = gx_bench_cpu(&bare) - cpu;
    kill(bare.pid, SIGKILL);
    (void)waitpid(bare.pid, NULL, 0);
    return rate < 0 ? -1 : 100 * cpu / seconds;
}

static uint16_t own_port(struct gx_bench_node *node)
{
    json_t *status = gx_bench_call(node, "status", NULL);
    const char *text = json_string_value(json_array_get(json_object_get(json_object_get(status, "lan"), "sources"), 0));
    struct gx_addr a = {0};

    if (text == NULL || gx_addr_parse(&a, text, false) != GX_OK)
        gx_bench_fail("node %s is on no LAN", node->name);
    json_decref(status);
    return a.port;
}

static json_int_t heard(struct gx_bench_node *node)
{
    json_t *status = gx_bench_call(node, "status", NULL);
    json_int_t n = json_integer_value(json_object_get(json_object_get(status, "lan"), "heard"));

    json_decref(status);
    return n;
}

/* --- the scene --------------------------------------------------------------------------------------------------------------------------- */

static bool call(struct gx_bench_node *node, const char *method, json_t *params)
{
    json_t *result = gx_bench_call(node, method, params);

    json_decref(result);
    return result != NULL;
}

/* What far says when it comes up. */
static bool record(struct scene *s)
{
    int fd = ear(GX_LAN_PORT, true);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t enough = s->bench->options.quick ? 1 : RECORDED_MAX;

    if (fd < 0 || !gx_bench_up(&s->far, s->bench->options.guanxi) || (s->far_port = own_port(&s->far)) == 0)
        return false;
    for (double until = gx_bench_now() + RECORD_MS / 1000.0; gx_bench_now() < until && s->n_recorded < enough;) {
        struct sockaddr_in from = {0};
        socklen_t n = sizeof from;

        if (poll(&p, 1, 10) == 1 && recvfrom(fd, s->recorded[s->n_recorded], GX_BEACON_BYTES, 0, (struct sockaddr *)&from, &n) == GX_BEACON_BYTES &&
            ntohs(from.sin_port) == s->far_port)
            s->n_recorded++;
    }
    close(fd);
    return gx_bench_down(&s->far) && (s->n_recorded > 0 || gx_bench_fail("node %s said nothing", s->far.name));
}

static bool set_scene(struct scene *s, size_t round)
{
    uint32_t groups = s->bench->options.quick ? 2 : GROUPS;
    char near[32], far[32];

    snprintf(near, sizeof near, "near%zu", round);
    snprintf(far, sizeof far, "far%zu", round);
    if (!gx_bench_init(s->bench, &s->near, near) || !gx_bench_init(s->bench, &s->far, far))
        return false;
    s->near.lan = s->far.lan = true;
    if (!gx_bench_up(&s->near, s->bench->options.guanxi) || !gx_bench_up(&s->far, s->bench->options.guanxi))
        return false;
    for (uint32_t i = 0; i < groups; i++) {
        char name[32];

        snprintf(name, sizeof name, i == 0 ? GX_BENCH_GROUP : "group %u", i);
        if (!call(&s->near, "group.new", json_pack("{s:s}", "name", name)))
            return false;
    }

    json_t *invite = gx_bench_call(&s->near, "invite", json_pack("{s:s}", "group", GX_BENCH_GROUP));
    const char *token = json_string_value(json_object_get(invite, "token"));
    bool ok = token != NULL && call(&s->far, "join", json_pack("{s:s, s:I}", "token", token, "timeout_ms", (json_int_t)30000));

    json_decref(invite);
    return ok && gx_bench_down(&s->near) && gx_bench_down(&s->far) && record(s);
}

static bool play(struct gx_bench *bench, struct round_of_floods *out, size_t round)
{
    double seconds = bench->options.quick ? 0.3 : 5;
    static struct scene s;

    s.bench = bench;
    if (!set_scene(&s, round) || !gx_bench_up(&s.near, bench->options.guanxi) || (s.near_port = own_port(&s.near)) == 0)
        return false;
    for (uint32_t how = 0; how < FLOODS; how++) {
        json_int_t before = heard(&s.near);
        double cpu = gx_bench_cpu(&s.near), rate = flood(&s, (enum flood)how, seconds);

        out->of[how].share = 100 * (gx_bench_cpu(&s.near) - cpu) / seconds;
        out->of[how].rate = rate;
        out->of[how].heard = heard(&s.near) - before;
        if (rate < 0)
            return gx_bench_fail("nothing can be sent");
        if (out->of[how].heard == 0 && how != RANDOM)
            return gx_bench_fail("the flood does not reach the node");
    }
    if (!gx_bench_down(&s.near))
        return false;
    for (uint32_t how = 0; how < FLOODS; how++)
        if ((out->of[how].bare = bare_share(&s, (enum flood)how, seconds / 5)) < 0)
            return false;
    return true;
}

/* In a process of its own, which has a network that no other has. */
static bool play_alone(struct gx_bench *bench, struct round_of_floods *out, size_t round)
{
    pid_t parent = getpid(), pid = fork();
    int status = 0;

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent && !(own_namespace() && loopback_up()))
            out->skipped = "no network namespace can be made here";
        else if (getppid() == parent)
            out->ok = play(bench, out, round);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && !gx_bench_stopped())
        ;
    return out->ok || out->skipped != NULL || gx_bench_fail("the flood ended by itself");
}

bool gx_measure_beacons(struct gx_bench *bench, struct gx_measure m[3])
{
    static const char *const names[] = {"door_beacons_random", "door_beacons_tags", "door_beacons_replayed"};
    static const char *const notes[] = {"of a core, the node's part; bytes of no meaning, which the kernel drops",
                                        "beacons with random tags, from 200 addresses; the node is in 100 groups",
                                        "real beacons of a member again, half of them from where it was"};
    struct round_of_floods *round = mmap(NULL, sizeof *round, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool ok = round != MAP_FAILED;

    for (uint32_t how = 0; how < FLOODS; how++)
        m[how] = (struct gx_measure){.name = names[how], .unit = "%", .raw = "of a bare socket that is read, %", .goal_is = GX_GOAL_AT_MOST, .goal = 20,
                                     .goal_of_value = true, .note = notes[how], .counts = {{"sent_a_second", 0}, {"heard", 0}}};
    for (uint32_t r = 0; ok && r < bench->options.repeats && m[0].skipped == NULL; r++) {
        gx_bench_progress(bench, "floods of beacons, %u of %u", r + 1, bench->options.repeats);
        memset(round, 0, sizeof *round);
        ok = play_alone(bench, round, r);
        for (uint32_t how = 0; ok && how < FLOODS; how++) {
            m[how].skipped = round->skipped;
            if (m[how].skipped != NULL)
                continue;
            gx_figures_add(&m[how].value, round->of[how].share);
            gx_figures_add(&m[how].raw_value, round->of[how].bare);
            gx_figures_add(&m[how].ratio, round->of[how].share / round->of[how].bare);
            gx_figures_add(&m[how].cpu_us, round->of[how].share / 100 / round->of[how].rate * 1e6);
            if (r == 0 || round->of[how].rate < (double)m[how].counts[0].n)
                m[how].counts[0].n = (uint64_t)round->of[how].rate;
            m[how].counts[1].n += (uint64_t)round->of[how].heard;
        }
        gx_bench_note_noise(bench);
    }
    if (round != MAP_FAILED)
        (void)munmap(round, sizeof *round);
    return ok;
}
