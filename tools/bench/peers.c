/* What a connected peer takes: a node with 2,000 sessions, beside a bare ROUTER with as many CURVE connections. */
#include "tools/bench/bench.h"

#include "node/os/system.h"
#include "node/os/transport.h"
#include "proto/frame.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEERS 2000u
#define AT_ONCE 64u             /* dialed and not there yet: one that takes 5 s is given up */
#define LONGEST_S 30.0

static double memory_of(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    return (double)gx_bench_proc(path, "RssAnon:");
}

/* --- those who connect ----------------------------------------------------------------------------------------------------------------- */

struct crowd {
    struct gx_transport *t;
    struct gx_addr to;
    struct gx_curve_pk key;
    uint32_t dialed, up, gone;
};

static void draw_keys(struct gx_curve_pk *pk, struct gx_curve_sk *sk)
{
    gx_rng_fill(gx_system_rng(), sk->b, sizeof sk->b);
    gx_dh_public((struct gx_dh_pk *)(void *)pk, (const struct gx_dh_sk *)(const void *)sk);
}

static void dial(struct crowd *c)
{
    struct gx_effect e = {.kind = GX_OUT_CONNECT, .session = 1 + 2 * (gx_session_id)c->dialed++, .addr = c->to, .server_key = c->key, .as_guest = true};

    draw_keys(&e.guest_pk, &e.guest_sk);        /* each is somebody else */
    gx_transport_do(c->t, &e);
}

static void say_hello(struct crowd *c, gx_session_id session)
{
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_nonce nonce;

    gx_rng_fill(gx_system_rng(), &nonce, sizeof nonce);
    gx_frame_write_hello(&w, &nonce);
    gx_transport_do(c->t, &(struct gx_effect){.kind = GX_OUT_SEND, .session = session, .bytes = gx_wr_span(&w)});
}

/* Until all are there; those who were there and were sent away count too.  False: something failed. */
static bool come(struct crowd *c, uint32_t n)
{
    static struct gx_input inputs[GX_STEP_INPUTS_MAX];
    double until = gx_bench_now() + LONGEST_S;

    while (c->up + c->gone < n && gx_bench_now() < until && !gx_bench_stopped()) {
        zmq_pollitem_t items[GX_TRANSPORT_ITEMS];

        while (c->dialed < n && c->dialed - c->up - c->gone < AT_ONCE)
            dial(c);

        size_t got = gx_transport_take(c->t, inputs, GX_ARRAY_LEN(inputs), GX_STEP_BYTES_MAX, gx_now());

        for (size_t i = 0; i < got; i++) {
            if (inputs[i].kind == GX_IN_SESSION_UP)
                say_hello(c, inputs[i].session);
            c->up += inputs[i].kind == GX_IN_SESSION_UP;
            c->gone += inputs[i].kind == GX_IN_SESSION_DOWN;
        }
        if (got == 0)
            (void)zmq_poll(items, (int)gx_transport_items(c->t, items, GX_ARRAY_LEN(items)), 5);
    }
    return c->up > c->gone || gx_bench_fail("of %u connections none stays", n);
}

/* KiB of memory of that process, each of n that connect; negative when it failed. */
static double each(pid_t pid, const struct gx_addr *at, const struct gx_curve_pk *key, uint32_t n)
{
    struct gx_transport_config config = {.listen = {.family = 4, .ip = {127, 0, 0, 1}}};
    struct crowd c = {.to = *at, .key = *key};
    double before = memory_of(pid), after = -1;
    int sys = 0;

    draw_keys(&config.pk, &config.sk);
    if (gx_transport_open(&c.t, &config, &sys) != GX_OK)
        return gx_bench_fail("no transport: %s", strerror(sys)) ? 0 : -1;
    if (come(&c, n)) {
        (void)poll(NULL, 0, 200);           /* the last HELLOs are answered */
        after = memory_of(pid);
    }
    gx_transport_close(c.t);
    return after < 0 ? -1 : (after - before) / (c.up - c.gone);
}

/* --- whom they connect to ---------------------------------------------------------------------------------------------------------------- */

static double each_of_node(struct gx_bench *bench, uint32_t n)
{
    struct gx_bench_node *node = &bench->empty;
    struct gx_curve_pk key;
    struct gx_addr at;

    if (!gx_bench_down(node) || !gx_bench_up(node, bench->options.guanxi) || !gx_bench_door(node, &at, &key))
        return -1;
    return each(node->pid, &at, &key, n);
}

/* A process with nothing but a ROUTER.  Its port comes through the pipe. */
static void be_bare(int out, const struct gx_curve_sk *sk)
{
    void *ctx = zmq_ctx_new(), *router = ctx == NULL ? NULL : zmq_socket(ctx, ZMQ_ROUTER);
    int server = 1, max = (int)PEERS + 100;
    char endpoint[80];
    size_t n = sizeof endpoint;

    (void)zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, max);
    if (router == NULL || zmq_setsockopt(router, ZMQ_CURVE_SERVER, &server, sizeof server) != 0 ||
        zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, sk->b, sizeof sk->b) != 0 || zmq_bind(router, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &n) != 0 || write(out, endpoint, n) != (ssize_t)n)
        _exit(1);
    for (char bytes[256];;)
        (void)zmq_recv(router, bytes, sizeof bytes, 0);
}

static double each_of_bare(uint32_t n)
{
    struct gx_curve_pk pk;
    struct gx_curve_sk sk;
    struct gx_addr at;
    char endpoint[80] = "";
    int ends[2];
    double kib = -1;
    pid_t parent = getpid();

    draw_keys(&pk, &sk);
    if (pipe(ends) != 0)
        return gx_bench_fail("no pipe") ? 0 : -1;

    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            be_bare(ends[1], &sk);
        _exit(1);
    }
    close(ends[1]);
    if (pid > 0 && read(ends[0], endpoint, sizeof endpoint - 1) > 6 && gx_addr_parse(&at, endpoint + 6, false) == GX_OK)
        kib = each(pid, &at, &pk, n);
    close(ends[0]);
    if (pid > 0) {
        kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    return kib;
}

bool gx_measure_peers(struct gx_bench *bench, struct gx_measure *m)
{
    uint32_t n = bench->options.quick ? 100 : PEERS;

    *m = (struct gx_measure){.name = "peers_memory", .unit = "KiB", .raw = "of a bare ROUTER over CURVE, KiB", .goal_is = GX_GOAL_AT_MOST, .goal = 1.5,
                             .note = "each of those who connected and said HELLO; no group is shared", .counts = {{"peers", n}}};
    if (bench->empty.name[0] == 0 && !gx_bench_init(bench, &bench->empty, "empty"))
        return false;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        gx_bench_progress(bench, "memory of %u peers, %u of %u", n, r + 1, bench->options.repeats);

        double bare = each_of_bare(n), kib = bare < 0 ? -1 : each_of_node(bench, n);

        if (kib < 0)
            return false;
        gx_figures_add(&m->value, kib);
        gx_figures_add(&m->raw_value, bare);
        gx_figures_add(&m->ratio, kib / bare);
        gx_figures_add(&m->cpu_us, gx_bench_cpu(&bench->empty) / n * 1e6);
        gx_bench_note_noise(bench);
    }
    return gx_bench_down(&bench->empty);
}
