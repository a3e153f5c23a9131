#include "node/os/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES 65536u
#define CONNECT_S 10          /* for a node whose queue of connections is full */
#define LOST_MS 2000

void gx_reply_clear(struct gx_reply *reply)
{
    json_decref(reply->result);
    json_decref(reply->error);
    *reply = (struct gx_reply){0};
}

static void set_error(struct gx_reply *reply, int code, const char *name, const char *message, const json_t *data)
{
    gx_reply_clear(reply);
    reply->error = json_pack("{s:i, s:s, s:s}", "code", code, "name", name, "message", message);
    if (reply->error != NULL && data != NULL)
        (void)json_object_update_missing(reply->error, (json_t *)(uintptr_t)data);
    /* Out of memory while telling of a failure: there is still an error to be seen. */
    if (reply->error == NULL)
        reply->error = json_object();
}

void gx_reply_fail(struct gx_reply *reply, const struct gx_fail *why)
{
    json_t *rpc = gx_json_fail(why);

    set_error(reply, why->code, why->name, json_string_value(json_object_get(rpc, "message")), json_object_get(rpc, "data"));
    json_decref(rpc);
}

void gx_reply_from_rpc(struct gx_reply *reply, const json_t *message)
{
    const json_t *error = json_object_get(message, "error"), *data = json_object_get(error, "data");
    json_t *result = json_object_get(message, "result");
    const char *text = json_string_value(json_object_get(error, "message"));
    const char *name = json_string_value(json_object_get(data, "name"));
    const json_t *code = json_object_get(data, "code");

    gx_reply_clear(reply);
    if (json_is_object(result))
        reply->result = json_incref(result);
    else if (text != NULL && name != NULL && json_is_integer(code))
        set_error(reply, (int)json_integer_value(code), name, text, data);
    else if (text != NULL)
        set_error(reply, GX_EXIT_USAGE, "usage", text, NULL);
    else
        set_error(reply, GX_EXIT_FAILED, "protocol", "the node's answer makes no sense: is it another version?", NULL);
}

/* *busy: a node is there and did not take the connection. */
static int connect_at(bool *busy, const char *dir, const char *name)
{
    struct sockaddr_un addr;
    int dir_fd, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval most = {.tv_sec = CONNECT_S};
    bool ok = fd >= 0 && gx_home_socket_addr(&addr, &dir_fd, dir, name);

    if (ok) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
        ok = connect(fd, (const struct sockaddr *)&addr, sizeof addr) == 0;
        *busy = !ok && errno == EAGAIN;
        if (dir_fd >= 0)
            close(dir_fd);
    }
    if (!ok && fd >= 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool gx_client_open(struct gx_client *out, const struct gx_home *home, struct gx_fail *why)
{
    struct ucred cred;
    socklen_t n = sizeof cred;
    bool busy = false;

    memset(out, 0, sizeof *out);
    out->next_id = 1;
    out->fd = connect_at(&busy, home->socket_dir, home->socket_name);
    /* A node that was started without a runtime directory binds in its home. */
    if (out->fd < 0 && !busy)
        out->fd = connect_at(&busy, home->data, "guanxi.sock");
    if (busy)
        return gx_fail(why, GX_EXIT_FAILED, "busy", "try again later", "the node takes no connections: it is busy or was halted");
    if (out->fd < 0)
        return gx_fail(why, GX_EXIT_DOWN, "node_down", "start it with: guanxi up -d", "the node is not running");
    if (getsockopt(out->fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0 || cred.uid != geteuid()) {
        gx_client_close(out);
        return gx_fail(why, GX_EXIT_DOWN, "node_down", NULL, "the control socket belongs to somebody else");
    }
    out->pid = cred.pid;
    return true;
}

void gx_client_close(struct gx_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->in);
    memset(c, 0, sizeof *c);
    c->fd = -1;
}

uint64_t gx_client_ask(struct gx_client *c, const char *method, json_t *params)
{
    uint64_t id = c->next_id++;
    json_t *line = json_pack("{s:s, s:I, s:s, s:o*}", "jsonrpc", "2.0", "id", (json_int_t)id, "method", method, "params", params);
    char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);
    size_t n = text == NULL ? 0 : strlen(text);
    bool ok = text != NULL;

    json_decref(line);
    if (ok)
        text[n++] = '\n';           /* where the 0 was */
    /* A node that hung up may have said why: whoever asks finds that, or the end, in gx_client_next. */
    for (size_t at = 0; ok && at < n;) {
        ssize_t sent = send(c->fd, text + at, n - at, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            break;
        at += (size_t)sent;
    }
    free(text);
    return ok ? id : 0;
}

static bool take_line(struct gx_client *c, json_t **out)
{
    struct gx_refusal why;
    const char *start = c->in + c->taken;
    const char *end = c->n == c->taken ? NULL : memchr(start, '\n', c->n - c->taken);

    if (end == NULL)
        return false;
    *out = gx_json_parse(&why, start, (size_t)(end - start));
    if (*out == NULL)
        *out = json_object();
    c->taken += (size_t)(end - start) + 1;
    return true;
}

static bool make_room(struct gx_client *c)
{
    if (c->taken > 0) {
        memmove(c->in, c->in + c->taken, c->n - c->taken);
        c->n -= c->taken;
        c->taken = 0;
    }
    if (c->cap - c->n >= READ_BYTES)
        return true;
    char *p = realloc(c->in, 2 * c->cap + READ_BYTES);
    if (p == NULL)
        return false;
    c->in = p;
    c->cap = 2 * c->cap + READ_BYTES;
    return true;
}

enum gx_client_state gx_client_next(struct gx_client *c, json_t **out, int timeout_ms)
{
    *out = NULL;
    while (!take_line(c, out)) {
        struct pollfd item = {.fd = c->fd, .events = POLLIN};
        int ready = poll(&item, 1, timeout_ms);

        if (ready == 0 || (ready < 0 && errno == EINTR))
            return GX_CLIENT_TIMEOUT;
        if (ready < 0 || !make_room(c))
            return GX_CLIENT_OVER;
        ssize_t n = recv(c->fd, c->in + c->n, c->cap - c->n, 0);
        if (n < 0 && errno == EINTR)
            return GX_CLIENT_TIMEOUT;
        if (n <= 0)
            return GX_CLIENT_OVER;
        c->n += (size_t)n;
    }
    return GX_CLIENT_LINE;
}

bool gx_client_lost(const struct gx_home *home, struct gx_fail *why)
{
    struct gx_client again;

    json_t *message = NULL;
    bool runs = gx_client_open(&again, home, why);

    /* A process that ends lets one connect to the last; an answer to this comes from one that lives. */
    if (runs) {
        runs = gx_client_ask(&again, "status", NULL) != 0 && gx_client_next(&again, &message, LOST_MS) != GX_CLIENT_OVER;
        json_decref(message);
        gx_client_close(&again);
    }
    if (runs)
        return gx_fail(why, GX_EXIT_FAILED, "busy", "try again", "the node hung up before it answered, and still runs");
    return gx_fail(why, GX_EXIT_DOWN, "node_down", "start it with: guanxi up -d", "the node stopped before it answered");
}
