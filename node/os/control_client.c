#include "node/os/control_client.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES 16384u

/* There may be a passphrase in it. */
static void release(struct gx_control_buffer *b)
{
    if (b->p != NULL)
        gx_wipe(b->p, b->n);
    free(b->p);
}

static bool room(struct gx_control_buffer *b, size_t more)
{
    if (b->cap - b->n >= more)
        return true;
    size_t cap = b->cap == 0 ? READ_BYTES : b->cap;
    while (cap - b->n < more)
        cap *= 2;
    /* Not realloc, which leaves behind what it copied. */
    char *p = malloc(cap);
    if (p == NULL)
        return false;
    if (b->n > 0)
        memcpy(p, b->p, b->n);
    release(b);
    b->p = p;
    b->cap = cap;
    return true;
}

static void drop(struct gx_control_buffer *b, size_t n)
{
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
    gx_wipe(b->p + b->n, n);
    /* A long line now and then should not be kept for the life of the connection. */
    if (b->n == 0 && b->cap > READ_BYTES) {
        free(b->p);
        *b = (struct gx_control_buffer){0};
    }
}

void gx_control_client_free(struct gx_control_client *cl)
{
    if (cl->fd >= 0)
        close(cl->fd);
    for (size_t i = 0; i < GX_CONTROL_PENDING; i++)
        json_decref(cl->pending[i].id);
    release(&cl->in);
    release(&cl->out);
    memset(cl, 0, sizeof *cl);
}

void gx_control_client_end(struct gx_control_client *cl)
{
    cl->gone = true;
    if (cl->fd >= 0)
        close(cl->fd);
    cl->fd = -1;
}

bool gx_control_client_full(const struct gx_control_client *cl)
{
    return cl->out.n - cl->sent > GX_CONTROL_QUEUE_MAX;
}

void gx_control_client_flush(struct gx_control_client *cl)
{
    while (!cl->gone && cl->sent < cl->out.n) {
        ssize_t n = send(cl->fd, cl->out.p + cl->sent, cl->out.n - cl->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n <= 0) {
            gx_control_client_end(cl);
            return;
        }
        cl->sent += (size_t)n;
    }
    /* A reader that never quite catches up must not make the buffer grow without end. */
    if (cl->sent > 0 && (cl->sent == cl->out.n || cl->sent > GX_CONTROL_QUEUE_MAX)) {
        drop(&cl->out, cl->sent);
        cl->sent = 0;
    }
}

void gx_control_client_say(struct gx_control_client *cl, json_t *line)
{
    char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);
    size_t n = text == NULL ? 0 : strlen(text);

    json_decref(line);
    if (cl->gone || text == NULL || !room(&cl->out, n + 1)) {
        gx_control_client_end(cl);
    } else {
        memcpy(cl->out.p + cl->out.n, text, n);
        cl->out.p[cl->out.n + n] = '\n';
        cl->out.n += n + 1;
    }
    free(text);
}

char *gx_control_client_room(struct gx_control_client *cl, size_t n)
{
    if (!cl->gone && room(&cl->out, n))
        return cl->out.p + cl->out.n;
    gx_control_client_end(cl);
    return NULL;
}

void gx_control_client_said(struct gx_control_client *cl, size_t n)
{
    cl->out.n += n;
}

size_t gx_control_client_line(struct gx_control_client *cl, const char **line)
{
    size_t left = cl->in.n - cl->read;

    /* Nothing has come yet: there is no buffer to count from. */
    if (left == 0)
        return 0;
    const char *begin = cl->in.p + cl->read;
    const char *end = left == cl->scanned ? NULL : memchr(begin + cl->scanned, '\n', left - cl->scanned);

    if (end == NULL)
        cl->scanned = left;
    *line = begin;
    return end == NULL ? 0 : (size_t)(end - begin) + 1;
}

struct gx_control_pending *gx_control_client_pending(struct gx_control_client *cl, uint64_t request)
{
    for (size_t i = 0; i < GX_CONTROL_PENDING; i++)
        if (cl->pending[i].request == request)
            return &cl->pending[i];
    return NULL;
}

bool gx_control_client_over(struct gx_control_client *cl, bool hung_up)
{
    const char *line;

    if (!cl->eof || gx_control_client_line(cl, &line) != 0)
        return false;
    bool waits = cl->sent < cl->out.n;
    for (size_t i = 0; i < GX_CONTROL_PENDING; i++)
        waits = waits || cl->pending[i].request != 0;
    return hung_up || !waits;
}

void gx_control_client_read(struct gx_control_client *cl)
{
    if (cl->read > 0)
        drop(&cl->in, cl->read);
    cl->read = 0;
    while (!cl->gone && !cl->eof && cl->in.n <= GX_CONTROL_LINE_MAX) {
        if (!room(&cl->in, READ_BYTES)) {
            gx_control_client_end(cl);
            return;
        }
        ssize_t n = recv(cl->fd, cl->in.p + cl->in.n, READ_BYTES, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0)
            gx_control_client_end(cl);
        else if (n == 0)
            cl->eof = true;
        else
            cl->in.n += (size_t)n;
    }
}

bool gx_control_client_endless(const struct gx_control_client *cl)
{
    return cl->in.n - cl->read > GX_CONTROL_LINE_MAX && memchr(cl->in.p + cl->read, '\n', GX_CONTROL_LINE_MAX + 1) == NULL;
}

void gx_control_client_drop(struct gx_control_client *cl, size_t n)
{
    gx_wipe(cl->in.p + cl->read, n);        /* there may be a passphrase in it */
    cl->read += n;
    cl->scanned = 0;
    if (cl->read < cl->in.n)
        return;
    /* The usual case: nothing to move. */
    drop(&cl->in, cl->read);
    cl->read = 0;
}
