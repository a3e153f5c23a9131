#include "node/os/control_client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCEPT_PAUSE_MS 1000u

/* A command that was handed out, and what its texts lie in. */
struct taken {
    json_t *root;
    struct gx_command command;
};

struct gx_control {
    struct gx_control_config config;
    int fd;
    bool stop, locked;
    uint64_t next_client, next_request;
    uint64_t accept_after_ms;
    struct gx_control_client clients[GX_CONTROL_PLACES];   /* behind GX_CONTROL_CLIENTS: those kept for `status` and `stop` */
    struct taken taken[GX_CONTROL_COMMANDS];
    size_t n_taken, taken_bytes;
    struct gx_control_stats stats;
};

static bool bind_socket(struct gx_control *c, struct gx_fail *why)
{
    const struct gx_home *home = c->config.home;
    char path[GX_PATH_MAX];
    struct sockaddr_un addr;
    int dir_fd;

    gx_home_socket_path(path, home);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0 || !gx_home_socket_addr(&addr, &dir_fd, home->socket_dir, home->socket_name))
        return gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot open the control socket %s", path);
    (void)unlink(path);
    mode_t mask = umask(0177);
    int rc = bind(c->fd, (const struct sockaddr *)&addr, sizeof addr);
    int saved = errno;
    umask(mask);
    if (dir_fd >= 0)
        close(dir_fd);
    if (rc == 0 && listen(c->fd, (int)GX_CONTROL_CLIENTS) == 0)
        return true;
    return gx_fail_errno(why, GX_EXIT_STORE, "io", rc == 0 ? errno : saved, "cannot open the control socket %s", path);
}

bool gx_control_open(struct gx_control **out, const struct gx_control_config *config, struct gx_fail *why)
{
    struct gx_control *c = calloc(1, sizeof *c);

    *out = NULL;
    if (c == NULL)
        return gx_fail(why, GX_EXIT_STORE, "memory", NULL, "out of memory");
    c->config = *config;
    c->next_client = c->next_request = 1;
    if (!bind_socket(c, why)) {
        if (c->fd >= 0)
            close(c->fd);
        free(c);
        return false;
    }
    *out = c;
    return true;
}

static void release_commands(struct gx_control *c)
{
    while (c->n_taken > 0)
        json_decref(c->taken[--c->n_taken].root);
    c->taken_bytes = 0;
}

void gx_control_close(struct gx_control *c)
{
    char path[GX_PATH_MAX];

    if (c == NULL)
        return;
    gx_control_flush(c);
    release_commands(c);
    /* First the socket: who is hung up on and looks again must not find a node. */
    gx_home_socket_path(path, c->config.home);
    (void)unlink(path);
    close(c->fd);
    for (size_t i = 0; i < GX_CONTROL_PLACES; i++)
        if (c->clients[i].number != 0)
            gx_control_client_free(&c->clients[i]);
    free(c);
}

static void refuse(struct gx_control *c, struct gx_control_client *cl, const json_t *id, const struct gx_refusal *why)
{
    c->stats.refused++;
    gx_control_client_say(cl, gx_json_reply(id, "error", gx_json_refusal(why)));
}

static bool same_user(int fd)
{
    struct ucred cred;
    socklen_t n = sizeof cred;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 && cred.uid == geteuid();
}

static void say_failed(struct gx_control_client *cl, const json_t *id, const struct gx_fail *why)
{
    gx_control_client_say(cl, gx_json_reply(id, "error", gx_json_fail(why)));
}

static const char busy_hint[] = "end a program that is connected to it (guanxi watch, guanxi wait), or try again later";

static void say_busy(struct gx_control *c, struct gx_control_client *cl, const json_t *id)
{
    struct gx_fail why;

    c->stats.too_many++;
    gx_fail(&why, GX_EXIT_FAILED, "busy", busy_hint, "the node is busy: %u programs are connected to it", GX_CONTROL_CLIENTS);
    say_failed(cl, id, &why);
}

/* A free place, else one of those kept; of these the longest there has had its time, and goes. */
static struct gx_control_client *place(struct gx_control *c)
{
    struct gx_control_client *oldest = &c->clients[GX_CONTROL_CLIENTS];

    for (size_t i = 0; i < GX_CONTROL_PLACES; i++)
        if (c->clients[i].number == 0)
            return &c->clients[i];
    for (size_t i = GX_CONTROL_CLIENTS; i < GX_CONTROL_PLACES; i++)
        if (c->clients[i].number < oldest->number)
            oldest = &c->clients[i];
    if (!oldest->gone) {
        say_busy(c, oldest, NULL);
        gx_control_client_flush(oldest);
    }
    /* What it asked is answered already, or will be to nobody: neither of its two methods leaves anything waiting in the engine. */
    gx_control_client_free(oldest);
    return oldest;
}

static void accept_one(struct gx_control *c, int fd)
{
    if (!same_user(fd)) {
        c->stats.strangers++;
        close(fd);
        return;
    }
    *place(c) = (struct gx_control_client){.number = c->next_client++, .fd = fd};
}

static void accept_all(struct gx_control *c, struct gx_time now)
{
    for (;;) {
        int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            accept_one(c, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        /* Out of descriptors: the socket stays readable, so it rests for a while. */
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            c->accept_after_ms = now.mono_ms + ACCEPT_PAUSE_MS;
        return;
    }
}

static void read_client(struct gx_control *c, struct gx_control_client *cl)
{
    gx_control_client_read(cl);
    if (gx_control_client_endless(cl)) {
        struct gx_refusal why = {.code = GX_RPC_REQUEST, .message = "a line is longer than 1 MiB"};
        refuse(c, cl, NULL, &why);
        gx_control_client_flush(cl);
        gx_control_client_end(cl);
    }
}

static void do_own_method(struct gx_control *c, struct gx_control_client *cl, const struct gx_request *req)
{
    struct gx_fail why;

    if (req->os == GX_OS_DISCOVER) {
        gx_control_client_say(cl, gx_json_reply(req->id, "result", gx_json_discover()));
        return;
    }
    if (req->os == GX_OS_STOP)
        c->stop = true;
    else if (!c->config.vault(c->config.ctx, req, &why)) {
        say_failed(cl, req->id, &why);
        return;
    }
    gx_control_client_say(cl, gx_json_reply(req->id, "result", json_object()));
}

static void do_locked(struct gx_control *c, struct gx_control_client *cl, const struct gx_request *req)
{
    struct gx_fail why;

    if (req->command.method == GX_CMD_STATUS) {
        json_t *result = json_object();

        c->config.decorate(c->config.ctx, result);
        gx_control_client_say(cl, gx_json_reply(req->id, "result", result));
        return;
    }
    gx_fail(&why, GX_EXIT_PASSPHRASE, "locked", "unlock it with: guanxi unlock", "this node is locked");
    say_failed(cl, req->id, &why);
}

/* In a place that is kept, only what is short and must always work. */
static bool allowed(const struct gx_control *c, const struct gx_control_client *cl, const struct gx_request *req)
{
    return cl < &c->clients[GX_CONTROL_CLIENTS] || req->os == GX_OS_STOP || (req->os == GX_OS_NONE && req->command.method == GX_CMD_STATUS);
}

enum outcome { NOTHING, COMMAND, LATER };

/* Parse one line.  NOTHING goes to the engine when it is answered already; LATER: the line stays. */
static enum outcome parse_line(struct gx_control *c, struct gx_control_client *cl, const char *line, size_t n, bool first)
{
    struct gx_control_pending *p = gx_control_client_pending(cl, 0);
    struct taken *t = &c->taken[c->n_taken];
    struct gx_request req = {0};
    struct gx_refusal why;

    /* What was taken before in this step will be answered by it. */
    if (p == NULL && !first)
        return LATER;
    t->root = gx_json_parse(&why, line, n);
    if (t->root == NULL || !gx_json_request(&req, &why, t->root)) {
        refuse(c, cl, req.id, &why);
    } else if (!allowed(c, cl, &req)) {
        say_busy(c, cl, req.id);
    } else if (req.os != GX_OS_NONE) {
        do_own_method(c, cl, &req);
    } else if (c->locked) {
        do_locked(c, cl, &req);
    } else if (p == NULL) {
        why = (struct gx_refusal){.code = GX_RPC_REQUEST, .message = "too many requests are under way on this connection"};
        refuse(c, cl, req.id, &why);
    } else {
        t->command = req.command;
        t->command.request = c->next_request++;
        *p = (struct gx_control_pending){.request = t->command.request, .id = json_incref(req.id), .method = req.command.method};
        c->n_taken++;
        c->taken_bytes += n;
        return COMMAND;
    }
    json_decref(t->root);
    return NOTHING;
}

/* The next command of this client, when it has sent one and reads its answers; NULL: none.  first: of this client in this step. */
static const struct gx_command *client_take(struct gx_control *c, struct gx_control_client *cl, bool first)
{
    while (!cl->gone && !gx_control_client_full(cl)) {
        const char *line;
        size_t n = gx_control_client_line(cl, &line);
        if (n == 0)
            return NULL;
        bool blank = n == 1 || (n == 2 && line[0] == '\r');
        enum outcome got = blank ? NOTHING : parse_line(c, cl, line, n - 1, first);
        if (got == LATER)
            return NULL;
        gx_control_client_drop(cl, n);
        if (got == COMMAND)
            return &c->taken[c->n_taken - 1].command;
    }
    return NULL;
}

static void read_clients(struct gx_control *c, const zmq_pollitem_t *items, size_t n_items, struct gx_time now)
{
    for (size_t k = 0; k < n_items; k++) {
        if (items[k].revents == 0)
            continue;
        if (items[k].fd == c->fd) {
            accept_all(c, now);
            continue;
        }
        for (size_t i = 0; i < GX_CONTROL_PLACES; i++) {
            struct gx_control_client *cl = &c->clients[i];
            if (cl->number == 0 || cl->gone || cl->fd != items[k].fd)
                continue;
            if ((items[k].revents & (ZMQ_POLLIN | ZMQ_POLLERR)) != 0)
                read_client(c, cl);
            if (!cl->gone && gx_control_client_over(cl, (items[k].revents & ZMQ_POLLERR) != 0))
                gx_control_client_end(cl);
        }
    }
}

/* One command of each client; those whose command may be followed by another in the same step are noted in `again`. */
static size_t take_first(struct gx_control *c, struct gx_input *inputs, size_t cap, bool again[GX_CONTROL_PLACES], struct gx_time now)
{
    size_t n = 0;

    for (size_t i = 0; i < GX_CONTROL_PLACES && n < cap; i++) {
        struct gx_control_client *cl = &c->clients[i];
        if (cl->number == 0)
            continue;
        const struct gx_command *command = client_take(c, cl, true);
        if (command != NULL) {
            cl->asked = true;
            again[i] = command->method == GX_CMD_SEND;
            inputs[n++] = (struct gx_input){.kind = GX_IN_COMMAND, .now = now, .client = cl->number, .command = command};
        } else if (!cl->gone && gx_control_client_over(cl, false)) {
            gx_control_client_end(cl);
        }
        if (cl->gone) {
            if (cl->asked)
                inputs[n++] = (struct gx_input){.kind = GX_IN_CLIENT_GONE, .now = now, .client = cl->number};
            gx_control_client_free(cl);
        }
    }
    return n;
}

size_t gx_control_take(struct gx_control *c, struct gx_input *inputs, size_t cap, const zmq_pollitem_t *items, size_t n_items,
                       struct gx_time now)
{
    bool again[GX_CONTROL_PLACES] = {false};

    if (cap > GX_CONTROL_COMMANDS)
        cap = GX_CONTROL_COMMANDS;
    release_commands(c);
    read_clients(c, items, n_items, now);
    size_t n = take_first(c, inputs, cap, again, now);
    /* Only what follows a `send`, whose answer is short, in turns: any other might have 64 long answers made before one is read. */
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < GX_CONTROL_PLACES && n < cap && c->taken_bytes < GX_STEP_BYTES_MAX; i++) {
            const struct gx_command *command = again[i] ? client_take(c, &c->clients[i], false) : NULL;
            again[i] = command != NULL && command->method == GX_CMD_SEND;
            more = more || again[i];
            if (command != NULL)
                inputs[n++] = (struct gx_input){.kind = GX_IN_COMMAND, .now = now, .client = c->clients[i].number, .command = command};
        }
    }
    return n;
}

bool gx_control_waiting(const struct gx_control *c)
{
    for (size_t i = 0; i < GX_CONTROL_PLACES; i++) {
        const struct gx_control_client *cl = &c->clients[i];
        if (cl->number == 0)
            continue;
        if (cl->gone)
            return true;
        size_t from = cl->read + cl->scanned;
        if (!gx_control_client_full(cl) && cl->in.n > from && memchr(cl->in.p + from, '\n', cl->in.n - from) != NULL)
            return true;
    }
    return false;
}

size_t gx_control_items(struct gx_control *c, zmq_pollitem_t *items, size_t cap, struct gx_time now)
{
    size_t n = 0;

    GX_ASSERT(cap >= GX_CONTROL_ITEMS);
    if (now.mono_ms >= c->accept_after_ms)
        items[n++] = (zmq_pollitem_t){.fd = c->fd, .events = ZMQ_POLLIN};
    for (size_t i = 0; i < GX_CONTROL_PLACES; i++) {
        const struct gx_control_client *cl = &c->clients[i];
        if (cl->number == 0 || cl->gone)
            continue;
        /* Who does not read its answers is not read from; who said all it had to say is watched for its end only. */
        bool read = !cl->eof && !gx_control_client_full(cl) && cl->in.n - cl->read <= GX_CONTROL_LINE_MAX;
        int events = ZMQ_POLLERR | (read ? ZMQ_POLLIN : 0) | (cl->sent < cl->out.n ? ZMQ_POLLOUT : 0);
        items[n++] = (zmq_pollitem_t){.fd = cl->fd, .events = (short)events};
    }
    return n;
}

static struct gx_control_client *client_find(struct gx_control *c, uint64_t number)
{
    for (size_t i = 0; i < GX_CONTROL_PLACES; i++)
        if (c->clients[i].number == number && !c->clients[i].gone)
            return &c->clients[i];
    return NULL;
}

static void say_status(struct gx_control *c, struct gx_control_client *cl, const struct gx_control_pending *p, const struct gx_answer *answer)
{
    json_t *value = gx_json_values(answer);

    if (value != NULL && c->config.decorate != NULL)
        c->config.decorate(c->config.ctx, value);
    gx_control_client_say(cl, gx_json_reply(p->id, "result", value));
}

static void say_result(struct gx_control_client *cl, const struct gx_control_pending *p, const struct gx_answer *answer)
{
    char *out = gx_control_client_room(cl, gx_json_line_max(answer, p->id));

    if (out != NULL)
        gx_control_client_said(cl, gx_json_reply_line(out, p->id, answer));
}

static void do_answer(struct gx_control *c, struct gx_control_client *cl, struct gx_control_pending *p, const struct gx_answer *answer)
{
    bool ok = answer->err == GX_OK && answer->exit_code == 0;

    if (!ok)
        gx_control_client_say(cl, gx_json_reply(p->id, "error", gx_json_error(answer)));
    else if (p->method == GX_CMD_STATUS)
        say_status(c, cl, p, answer);
    else
        say_result(cl, p, answer);
    /* A subscription that was granted goes on until its client leaves. */
    if (ok && p->method == GX_CMD_WATCH)
        return;
    json_decref(p->id);
    *p = (struct gx_control_pending){0};
}

static void do_note(struct gx_control *c, struct gx_control_client *cl, const struct gx_control_pending *p, const struct gx_answer *answer)
{
    if (gx_control_client_full(cl)) {
        c->stats.slow++;
        gx_control_client_end(cl);
        return;
    }
    char *out = gx_control_client_room(cl, gx_json_line_max(answer, NULL));
    if (out != NULL)
        gx_control_client_said(cl, gx_json_note_line(out, p->method, answer));
}

void gx_control_do(struct gx_control *c, const struct gx_effect *effect)
{
    struct gx_control_client *cl = client_find(c, effect->client);
    struct gx_control_pending *p = cl == NULL ? NULL : gx_control_client_pending(cl, effect->request);

    /* Whom this was for has gone: nothing is lost, the step is committed. */
    if (p == NULL || effect->request == 0)
        return;
    if (effect->kind == GX_OUT_NOTE)
        do_note(c, cl, p, effect->answer);
    else
        do_answer(c, cl, p, effect->answer);
}

void gx_control_flush(struct gx_control *c)
{
    for (size_t i = 0; i < GX_CONTROL_PLACES; i++) {
        struct gx_control_client *cl = &c->clients[i];
        if (cl->number == 0)
            continue;
        gx_control_client_flush(cl);
        if (!cl->gone && gx_control_client_over(cl, false))
            gx_control_client_end(cl);
    }
}

void gx_control_set_locked(struct gx_control *c, bool locked)
{
    c->locked = locked;
}

bool gx_control_stop_asked(const struct gx_control *c)
{
    return c->stop;
}

void gx_control_stats(const struct gx_control *c, struct gx_control_stats *out)
{
    *out = c->stats;
}
