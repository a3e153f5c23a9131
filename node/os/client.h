/* The other end of the control socket, for the program's own verbs. */
#ifndef GX_OS_CLIENT_H
#define GX_OS_CLIENT_H

#include "node/os/home.h"
#include "node/os/json.h"

#include <sys/types.h>

/* What came back.  Exactly one is set; gx_reply_clear drops it. */
struct gx_reply {
    json_t *result;
    json_t *error;          /* {"code":4,"name":"qr_closed","message":"...","hint":"...", ...}: what --json prints */
};
void gx_reply_clear(struct gx_reply *reply);
/* A reply that tells of this program's own failure. */
void gx_reply_fail(struct gx_reply *reply, const struct gx_fail *why);
/* From "result" or "error" of a JSON-RPC message; a broken one becomes an error too. */
void gx_reply_from_rpc(struct gx_reply *reply, const json_t *message);

struct gx_client {
    int fd;
    pid_t pid;              /* of the node, as the kernel knows it */
    char *in;
    size_t n, cap, taken;
    uint64_t next_id;
};

/* Fails with exit 69 when no node of this home listens, with 1 (busy) when one listens and does not take us in time. */
bool gx_client_open(struct gx_client *out, const struct gx_home *home, struct gx_fail *why) GX_MUST_CHECK;
void gx_client_close(struct gx_client *c);
/* The node hung up before it answered: *why tells whether it has stopped (69) or runs on and was too busy (1).  Always false. */
bool gx_client_lost(const struct gx_home *home, struct gx_fail *why);

/* Send one request; takes over params (NULL: none).  Returns its id, 0 without memory; that the node has gone is told by gx_client_next. */
uint64_t gx_client_ask(struct gx_client *c, const char *method, json_t *params);

enum gx_client_state { GX_CLIENT_LINE, GX_CLIENT_TIMEOUT, GX_CLIENT_OVER };
/* The next message of the node; *out is the caller's with GX_CLIENT_LINE.  timeout_ms: -1 for ever.  A signal counts as a time-out. */
enum gx_client_state gx_client_next(struct gx_client *c, json_t **out, int timeout_ms);

#endif
