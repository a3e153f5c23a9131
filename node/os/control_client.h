/* One connection of the control socket: what came in and is no whole line yet, what goes out and is not sent yet.  Used by control.c alone. */
#ifndef GX_OS_CONTROL_CLIENT_H
#define GX_OS_CONTROL_CLIENT_H

#include "node/os/control.h"

struct gx_control_buffer {
    char *p;
    size_t n, cap;
};

struct gx_control_pending {
    uint64_t request;           /* 0: free */
    json_t *id;
    enum gx_method method;
};

struct gx_control_client {
    uint64_t number;            /* 0: free; never used twice */
    int fd;
    bool eof, gone, asked;      /* asked: the engine has heard of it */
    struct gx_control_buffer in, out;
    size_t read;                /* bytes of `in` that are done with */
    size_t scanned;             /* bytes behind them known to hold no newline */
    size_t sent;                /* bytes of `out` that are on their way */
    struct gx_control_pending pending[GX_CONTROL_PENDING];
};

void gx_control_client_free(struct gx_control_client *cl);
/* Nothing more is read from it and nothing sent; gx_control_take tells the engine and frees it. */
void gx_control_client_end(struct gx_control_client *cl);
/* Does more wait for it to be read than a client may leave waiting? */
bool gx_control_client_full(const struct gx_control_client *cl);
void gx_control_client_flush(struct gx_control_client *cl);
/* Queue one line; takes over `line`.  Without memory (or NULL) the client is cut off rather than left without an answer. */
void gx_control_client_say(struct gx_control_client *cl, json_t *line);
/* Room for a line of at most n bytes at the end of what is queued, and how many were written there; NULL: it was cut off. */
char *gx_control_client_room(struct gx_control_client *cl, size_t n);
void gx_control_client_said(struct gx_control_client *cl, size_t n);
/* Take what there is, up to one line's limit and a little. */
void gx_control_client_read(struct gx_control_client *cl);
/* Is it sending a line beyond the limit? */
bool gx_control_client_endless(const struct gx_control_client *cl);
/* The first whole line and its length with its newline; 0: none.  What was searched once is not searched again. */
size_t gx_control_client_line(struct gx_control_client *cl, const char **line);
/* That line is done with. */
void gx_control_client_drop(struct gx_control_client *cl, size_t n);
/* The request with this number; 0 finds a free place.  NULL: none. */
struct gx_control_pending *gx_control_client_pending(struct gx_control_client *cl, uint64_t request);
/* The other side sends no more: it is over when everything it asked for was answered and sent, or when it listens no more either. */
bool gx_control_client_over(struct gx_control_client *cl, bool hung_up);

#endif
