/* The control socket: JSON-RPC 2.0, a line each, for programs of the same user.  node/README.md §6.
 *
 * Bounds: GX_CONTROL_CLIENTS connections, and GX_CONTROL_KEPT more that may ask for `status` and `stop` only (of these the longest there makes
 * room for one more: however busy a node is, it can be looked at and stopped), GX_CONTROL_LINE_MAX bytes a line, GX_CONTROL_PENDING requests under way a connection.  A client that
 * reads too slowly for its `watch` (over GX_CONTROL_QUEUE_MAX bytes wait) is disconnected: it resumes with `since`. */
#ifndef GX_OS_CONTROL_H
#define GX_OS_CONTROL_H

#include "node/engine/engine.h"
#include "node/os/home.h"
#include "node/os/json.h"

#include <zmq.h>

#define GX_CONTROL_CLIENTS 64u
#define GX_CONTROL_KEPT 4u
#define GX_CONTROL_PLACES (GX_CONTROL_CLIENTS + GX_CONTROL_KEPT)
#define GX_CONTROL_LINE_MAX (1024u * 1024u)
#define GX_CONTROL_QUEUE_MAX (1024u * 1024u)
#define GX_CONTROL_PENDING 64u
#define GX_CONTROL_COMMANDS GX_CONTROL_PLACES   /* of all connections, in one step */
static_assert(GX_CONTROL_COMMANDS >= GX_CONTROL_PLACES, "each gets its turn");

struct gx_control;

struct gx_control_config {
    const struct gx_home *home;         /* borrowed; its lock is held by the caller, so a socket that is there is a stale one */
    /* May add to the result of `status`: what the engine cannot know.  NULL: none. */
    void (*decorate)(void *ctx, json_t *result);
    /* `lock`, `unlock` and `passwd`.  False with *why: refused. */
    bool (*vault)(void *ctx, const struct gx_request *request, struct gx_fail *why);
    void *ctx;
};

bool gx_control_open(struct gx_control **out, const struct gx_control_config *config, struct gx_fail *why) GX_MUST_CHECK;
void gx_control_close(struct gx_control *c);        /* what is queued is tried once; removes the socket; NULL does nothing */

/* Items for zmq_poll; cap at least GX_CONTROL_ITEMS. */
#define GX_CONTROL_ITEMS (GX_CONTROL_PLACES + 1u)
size_t gx_control_items(struct gx_control *c, zmq_pollitem_t *items, size_t cap, struct gx_time now);
/* Accept, read and parse: at most cap inputs (COMMAND, CLIENT_GONE), valid until the next call.  One command a connection,
 * and of many `send`s as many as there is room for: they share one commit.  items: as gx_control_items filled them. */
size_t gx_control_take(struct gx_control *c, struct gx_input *inputs, size_t cap, const zmq_pollitem_t *items, size_t n_items,
                       struct gx_time now);
/* Is a whole line waiting that gx_control_take can take without new input? */
bool gx_control_waiting(const struct gx_control *c);
/* ANSWER and NOTE effects. */
void gx_control_do(struct gx_control *c, const struct gx_effect *effect);
/* Send what can be sent. */
void gx_control_flush(struct gx_control *c);
/* While it is locked, all but `status` and the methods of os is refused, and gx_control_take has no commands. */
void gx_control_set_locked(struct gx_control *c, bool locked);
/* Did somebody ask this node to stop? */
bool gx_control_stop_asked(const struct gx_control *c);

struct gx_control_stats {
    uint64_t refused, slow, too_many, strangers;
};
void gx_control_stats(const struct gx_control *c, struct gx_control_stats *out);

#endif
