/* ZeroMQ with CURVE: sessions for the engine.  node/README.md §4.
 *
 * Two ROUTERs: one is bound (the members' door and the guests' doors, each its own port and CURVE key), one connects.  Every limit is set
 * before bind or connect.  A guest who was sent no frame above 64 bytes has not proved its code: when all places are taken, the oldest such gives
 * up its own after 1 s, and is told as SESSION_DOWN.  Single-threaded: all calls come from the loop's thread. */
#ifndef GX_OS_TRANSPORT_H
#define GX_OS_TRANSPORT_H

#include "node/engine/engine.h"
#include <zmq.h>

struct gx_transport;

struct gx_transport_config {
    struct gx_curve_pk pk;
    struct gx_curve_sk sk;          /* copied; wiped at close */
    struct gx_addr listen;          /* ip may be unspecified ([::] binds both families); port 0: any */
    uint16_t preferred_port;        /* with port 0 in listen: try this one first (a kept port) */
};

/* Opens both sockets and binds the members' door.
 * Returns GX_E_USAGE (address not on this machine, port taken: *sys_errno), GX_E_STORE (no sockets to be had), GX_E_MEMORY. */
enum gx_err gx_transport_open(struct gx_transport **out, const struct gx_transport_config *config, int *sys_errno) GX_MUST_CHECK;
void gx_transport_close(struct gx_transport *t);       /* NULL does nothing; at most 1 s for what is queued */

/* Another transport key, with a members' door on a port of its own; the one until now is still answered to where it was, and the one before that no more.
 * False: no port is to be had, and nothing changed but that. */
bool gx_transport_replace_key(struct gx_transport *t, const struct gx_curve_pk *pk, const struct gx_curve_sk *sk) GX_MUST_CHECK;
/* A transport key of before is answered to as well, at that port and no other: nobody would look for it elsewhere.  False: the port is taken; it may be
 * tried again. */
bool gx_transport_answer_old_key(struct gx_transport *t, const struct gx_curve_pk *pk, const struct gx_curve_sk *sk, uint16_t port) GX_MUST_CHECK;
/* The one of before is answered to no more; who came by it is cut. */
void gx_transport_retire_key(struct gx_transport *t);

/* Port of the members' door. */
uint16_t gx_transport_port(const struct gx_transport *t);
/* Addresses that others may use for a door on `port`: at most cap, best first; loopback only when bound there or nothing else exists.  False: they could
 * not be read now, for want of a descriptor or memory, and may be as they were. */
bool gx_transport_addresses(const struct gx_transport *t, struct gx_addr *out, size_t *n, size_t cap, uint16_t port) GX_MUST_CHECK;

/* Items for zmq_poll; cap at least GX_TRANSPORT_ITEMS. */
#define GX_TRANSPORT_ITEMS 6
size_t gx_transport_items(struct gx_transport *t, zmq_pollitem_t *items, size_t cap);

/* Carry on: answer ZAP, read monitors, take frames.  Fills at most cap inputs (FRAME, SESSION_UP, SESSION_DOWN, DOOR) whose bytes stay valid until
 * the next call; stops at max_bytes of frames.  A SESSION_UP comes before the session's first FRAME, a SESSION_DOWN after its last. */
size_t gx_transport_take(struct gx_transport *t, struct gx_input *inputs, size_t cap, size_t max_bytes, struct gx_time now);

/* SEND, CONNECT, DISCONNECT, DOOR_OPEN and DOOR_CLOSE effects; others are the caller's.  What happens comes back through gx_transport_take. */
void gx_transport_do(struct gx_transport *t, const struct gx_effect *effect);

/* Deadlines of its own (handshakes that hang, guests over their time): ms until gx_transport_take should be called again, or -1. */
int64_t gx_transport_due_ms(const struct gx_transport *t, uint64_t now_mono_ms);

struct gx_transport_stats {
    uint64_t sessions_in, sessions_out, guests;
    uint64_t in_bytes, out_bytes;       /* of frames, as they are on the wire, since the start */
    uint64_t refused_guests, cut_guests, refused_limit, dropped_sends, cut_flood, failed_handshakes;
};
void gx_transport_stats(const struct gx_transport *t, struct gx_transport_stats *out);

#endif
