#include "tools/bench/bench.h"

#include "node/os/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS 20000u
#define END_MS 20000u
#define POLL_MS 5
#define CONNECT_US 200          /* between two tries: a start is measured by it */
#define ANSWER_MS (GX_BENCH_WAIT_MS + 20000)    /* what was waited for in vain says why */
#define LINE_BYTES 512u
#define READ_BYTES 65536u

static volatile sig_atomic_t stopped;

/* --- the run itself --------------------------------------------------------------------------------------------------------------- */

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

bool gx_bench_stopped(void)
{
    return stopped != 0;
}

/* No SA_RESTART: what waits is woken. */
void gx_bench_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool gx_bench_fail(const char *format, ...)
{
    va_list args;

    if (gx_bench_stopped())
        return false;           /* what fails now fails because it was stopped */
    va_start(args, format);
    fputs(isatty(STDERR_FILENO) ? "\r\033[Kgx-bench: " : "gx-bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

void gx_bench_progress(const struct gx_bench *bench, const char *format, ...)
{
    va_list args;

    (void)bench;
    if (!isatty(STDERR_FILENO))
        return;
    va_start(args, format);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, format, args);
    fflush(stderr);
    va_end(args);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

bool gx_bench_open(struct gx_bench *out, const struct gx_bench_options *options)
{
    *out = (struct gx_bench){.options = *options};
    snprintf(out->dir, sizeof out->dir, "%s/gx-bench-XXXXXX", options->dir);
    if (mkdtemp(out->dir) == NULL) {
        out->dir[0] = '\0';
        return gx_bench_fail("cannot make a folder in %s: %s", options->dir, strerror(errno));
    }
    return gx_raw_open(&out->raw, out->dir);
}

void gx_bench_close(struct gx_bench *bench)
{
    (void)gx_bench_down(&bench->a);
    (void)gx_bench_down(&bench->b);
    (void)gx_bench_down(&bench->keyless);
    (void)gx_bench_down(&bench->liar);
    (void)gx_bench_down(&bench->alone);
    (void)gx_bench_down(&bench->empty);
    (void)gx_bench_down(&bench->door);
    for (size_t i = 0; i < GX_BENCH_MORE; i++)
        (void)gx_bench_down(&bench->more[i]);
    for (size_t i = 0; i < GX_BENCH_WIRE; i++)
        (void)gx_bench_down(&bench->wire[i]);
    gx_raw_close(bench->raw);
    if (bench->dir[0] != '\0')
        (void)nftw(bench->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    gx_bench_progress(bench, "%s", "");
}

/* --- processes -------------------------------------------------------------------------------------------------------------------- */

/* The node's own lines go to a file in the run's folder. */
static pid_t start(struct gx_bench_node *node, const char *guanxi, char *const argv[])
{
    char log[600];
    pid_t parent = getpid();

    snprintf(log, sizeof log, "%s.out", node->home_dir);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int in = open("/dev/null", O_RDONLY), out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    struct rlimit files = {.rlim_cur = node->files_max, .rlim_max = node->files_max};
    /* Nothing is left behind, however this program ends. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || (node->files_max > 0 && setrlimit(RLIMIT_NOFILE, &files) != 0) || in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(126);
    execv(guanxi, argv);
    _exit(127);
}

/* Waits for it to end, at most ms; its exit code, -1 when it runs on or was killed. */
static int end_of(pid_t pid, unsigned ms)
{
    double until = gx_bench_now() + ms / 1000.0;
    int status = 0;

    for (;;) {
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        if (done < 0 && errno != EINTR)
            return 128;
        if (gx_bench_now() > until)
            return -1;
        (void)poll(NULL, 0, POLL_MS);
    }
}

static void kill_now(pid_t pid)
{
    kill(pid, SIGKILL);
    (void)end_of(pid, END_MS);
}

/* Of millions of messages by one member none may go for being too many: what is measured is all of them. */
static bool keeps_all(const struct gx_bench_node *node)
{
    FILE *config = fopen(node->home.config, "we");
    bool ok = config != NULL && fputs("carry_author_bytes = 64G\ncarry_group_bytes = 64G\n", config) >= 0;

    if (config != NULL)
        ok = fclose(config) == 0 && ok;
    return ok || gx_bench_fail("cannot write %s: %s", node->home.config, strerror(errno));
}

bool gx_bench_init(struct gx_bench *bench, struct gx_bench_node *node, const char *name)
{
    char *argv[] = {"guanxi", "--home", node->home_dir, "init", "--name", node->name, NULL};
    struct gx_fail why;

    snprintf(node->name, sizeof node->name, "%s", name);
    snprintf(node->home_dir, sizeof node->home_dir, "%s/%s", bench->dir, node->name);
    if (!gx_home_find(&node->home, node->home_dir, NULL, &why))
        return gx_bench_fail("%s", why.message);
    pid_t pid = start(node, bench->options.guanxi, argv);
    if (pid < 0)
        return gx_bench_fail("cannot start a process: %s", strerror(errno));
    int code = end_of(pid, START_MS);
    if (code < 0)
        kill_now(pid);
    if (code != 0)
        return gx_bench_fail("%s init: exit %d (127: no such program)", bench->options.guanxi, code);
    return keeps_all(node);
}

bool gx_bench_up(struct gx_bench_node *node, const char *guanxi)
{
    char *argv[] = {"guanxi", "--home", node->home_dir, "up", "--listen", "127.0.0.1:0", node->lan ? NULL : "--no-lan", NULL};
    double until = gx_bench_now() + START_MS / 1000.0;
    struct gx_fail why;
    int status;

    node->keeper = start(node, guanxi, argv);
    if (node->keeper < 0) {
        node->keeper = 0;
        return gx_bench_fail("cannot start a process: %s", strerror(errno));
    }
    while (!gx_bench_stopped() && gx_bench_now() < until) {
        if (gx_client_open(&node->client, &node->home, &why)) {
            node->connected = true;
            node->pid = node->client.pid;
            return true;
        }
        if (waitpid(node->keeper, &status, WNOHANG) == node->keeper) {
            node->keeper = 0;
            return gx_bench_fail("node %s ended while it started: see %s.out", node->name, node->home_dir);
        }
        (void)usleep(CONNECT_US);
    }
    return gx_bench_fail("node %s does not start: %s", node->name, why.message);
}

bool gx_bench_down(struct gx_bench_node *node)
{
    if (node->connected)
        gx_client_close(&node->client);
    node->connected = false;
    if (node->keeper == 0)
        return true;
    kill(node->keeper, SIGTERM);
    int code = end_of(node->keeper, END_MS);
    if (code < 0)
        kill_now(node->keeper);
    node->keeper = node->pid = 0;
    return code == 0 || gx_bench_fail("node %s ended with exit %d", node->name, code);
}

double gx_bench_cpu(const struct gx_bench_node *node)
{
    clockid_t clock;
    struct timespec t;

    if (node->pid == 0 || clock_getcpuclockid(node->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t gx_bench_proc(const char *path, const char *key)
{
    char line[256];
    uint64_t n = 0;
    FILE *f = fopen(path, "r");

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            n = strtoull(line + strlen(key), NULL, 10);
    if (f != NULL)
        fclose(f);
    return n;
}

/* --- calls ------------------------------------------------------------------------------------------------------------------------ */

json_t *gx_bench_call(struct gx_bench_node *node, const char *method, json_t *params)
{
    double until = gx_bench_now() + ANSWER_MS / 1000.0;
    uint64_t id = gx_client_ask(&node->client, method, params);
    json_t *line = NULL, *result = NULL;

    while (id != 0 && !gx_bench_stopped() && gx_bench_now() < until) {
        enum gx_client_state state = gx_client_next(&node->client, &line, 1000);
        if (state == GX_CLIENT_OVER)
            break;
        if (state == GX_CLIENT_TIMEOUT)
            continue;
        if (json_integer_value(json_object_get(line, "id")) == (json_int_t)id) {
            result = json_incref(json_object_get(line, "result"));
            if (result == NULL) {
                char *text = json_dumps(line, JSON_COMPACT);
                gx_bench_fail("%s on node %s: %s", method, node->name, text);
                free(text);
            }
            json_decref(line);
            return result;
        }
        json_decref(line);
    }
    gx_bench_fail("%s on node %s: no answer", method, node->name);
    return NULL;
}

static bool call(struct gx_bench_node *node, const char *method, json_t *params)
{
    json_t *result = gx_bench_call(node, method, params);

    json_decref(result);
    return result != NULL;
}

bool gx_bench_join(struct gx_bench *bench, struct gx_bench_node *node)
{
    json_t *invite = gx_bench_call(&bench->a, "invite", json_pack("{s:s}", "group", GX_BENCH_GROUP));
    const char *token = json_string_value(json_object_get(invite, "token"));
    bool ok = token != NULL && call(node, "join", json_pack("{s:s, s:I}", "token", token, "timeout_ms", (json_int_t)30000));
    json_decref(invite);
    return ok;
}

bool gx_bench_wait(struct gx_bench_node *node, json_t *conditions)
{
    json_object_set_new(conditions, "timeout_ms", json_integer(GX_BENCH_WAIT_MS));
    return call(node, "wait", conditions);
}

bool gx_bench_meet(struct gx_bench_node *node, uint32_t peers)
{
    return gx_bench_wait(node, json_pack("{s:i, s:b}", "peers", (int)peers, "idle", 1));
}

bool gx_bench_ready(struct gx_bench *bench)
{
    const char *guanxi = bench->options.guanxi;

    if (!bench->joined && (!gx_bench_init(bench, &bench->a, "a") || !gx_bench_init(bench, &bench->b, "b")))
        return false;
    if ((bench->a.keeper == 0 && !gx_bench_up(&bench->a, guanxi)) || (bench->b.keeper == 0 && !gx_bench_up(&bench->b, guanxi)))
        return false;
    if (!bench->joined && (!call(&bench->a, "group.new", json_pack("{s:s}", "name", GX_BENCH_GROUP)) || !gx_bench_join(bench, &bench->b)))
        return false;
    bench->joined = true;
    return gx_bench_meet(&bench->a, 1) && gx_bench_meet(&bench->b, 1);
}

bool gx_bench_ready_keyless(struct gx_bench *bench)
{
    struct gx_bench_node *node = &bench->keyless;

    if (!gx_bench_ready(bench) || (!bench->keyless_joined && !gx_bench_init(bench, node, "keyless")))
        return false;
    if (node->keeper == 0 && !gx_bench_up(node, bench->options.keyless))
        return false;
    if (!bench->keyless_joined && !gx_bench_join(bench, node))
        return false;
    bench->before_keyless = bench->keyless_joined ? bench->before_keyless : bench->events;
    bench->keyless_joined = true;
    return gx_bench_meet(node, 1);
}

bool gx_bench_door(struct gx_bench_node *node, struct gx_addr *at, struct gx_curve_pk *key)
{
    json_t *status = gx_bench_call(node, "status", NULL);
    const char *listen = json_string_value(json_array_get(json_object_get(json_object_get(status, "node"), "listen"), 0));
    struct gx_vault *vault = NULL;
    struct gx_fail why;
    bool ok = false;

    if (listen == NULL || gx_addr_parse(at, listen, false) != GX_OK) {
        gx_bench_fail("node %s says no address", node->name);
    } else if (!gx_vault_open(&vault, &node->home, NULL, &why)) {
        gx_bench_fail("%s", why.message);
    } else {
        *key = vault->id.transport_pk;
        ok = true;
    }
    gx_vault_close(vault);
    json_decref(status);
    return ok;
}

/* --- sending ---------------------------------------------------------------------------------------------------------------------- */

static size_t request(char out[LINE_BYTES], uint64_t number)
{
    int n = snprintf(out, LINE_BYTES,
                     "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"send\",\"params\":{\"group\":\"" GX_BENCH_GROUP
                     "\",\"text\":\"%0*llu\"}}\n",
                     (unsigned long long)number, (int)GX_BENCH_TEXT_BYTES, (unsigned long long)number);

    GX_ASSERT(n > 0 && (size_t)n < LINE_BYTES);
    return (size_t)n;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR && !gx_bench_stopped())
            continue;
        if (sent <= 0)
            return gx_bench_fail("the node does not listen: %s", strerror(errno));
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Whole lines that came: how many, negative when the node has gone or one of them is an error. */
static int read_lines(int fd, char *buffer, size_t cap, size_t *kept)
{
    ssize_t got = recv(fd, buffer + *kept, cap - *kept, 0);
    int lines = 0;

    if (got < 0 && errno == EINTR && !gx_bench_stopped())
        return 0;
    if (got <= 0) {
        gx_bench_fail("the node does not answer");
        return -1;
    }
    size_t n = *kept + (size_t)got, from = 0;
    for (char *end = memchr(buffer, '\n', n); end != NULL; end = memchr(buffer + from, '\n', n - from)) {
        size_t length = (size_t)(end - (buffer + from));
        if (memmem(buffer + from, length, "\"error\":", 8) != NULL) {
            gx_bench_fail("the node refuses: %.*s", (int)length, buffer + from);
            return -1;
        }
        from += length + 1;
        lines++;
    }
    memmove(buffer, buffer + from, n - from);
    *kept = n - from;
    return lines;
}

double gx_bench_send_from(struct gx_bench_node *node, uint64_t *events, uint32_t n, uint32_t window)
{
    static char out[GX_BENCH_WINDOW * LINE_BYTES], in[READ_BYTES];
    int fd = node->client.fd;
    size_t kept = 0;
    uint32_t sent = 0, answered = 0;
    double begin = gx_bench_now();

    GX_ASSERT(window <= GX_BENCH_WINDOW);
    while (answered < n) {
        size_t bytes = 0;
        for (; sent < n && sent - answered < window; sent++)
            bytes += request(out + bytes, *events + sent + 1);
        if (bytes > 0 && !write_all(fd, out, bytes))
            return -1;
        int lines = read_lines(fd, in, sizeof in, &kept);
        if (lines < 0)
            return -1;
        answered += (uint32_t)lines;
    }
    *events += n;
    return gx_bench_now() - begin;
}

double gx_bench_send_many(struct gx_bench *bench, uint32_t n, uint32_t window)
{
    return gx_bench_send_from(&bench->a, &bench->events, n, window);
}

static bool await_line(int fd)
{
    static char in[READ_BYTES];
    size_t kept = 0;
    int lines = 0;

    while (lines == 0)
        lines = read_lines(fd, in, sizeof in, &kept);
    if (lines > 0 && (lines != 1 || kept != 0))
        return gx_bench_fail("one line was expected of the node, %d came", lines);
    return lines > 0;
}

double gx_bench_send_one(struct gx_bench *bench, struct gx_client *on)
{
    char line[LINE_BYTES];
    size_t n = request(line, bench->events + 1);
    double begin = gx_bench_now(), end = 0;

    if (!write_all(bench->a.client.fd, line, n))
        return -1;
    if (on != NULL && !await_line(on->fd))
        return -1;
    end = gx_bench_now();
    if (!await_line(bench->a.client.fd))
        return -1;
    bench->events++;
    return (on != NULL ? end : gx_bench_now()) - begin;
}
