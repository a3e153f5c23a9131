/* UDP on the LAN: carries beacons to all and datagrams to one, and what comes.  What is said is the engine's.  node/README.md §4.
 *
 * Two sockets of each family: one hears at GX_LAN_PORT, beside those of other nodes on this machine; all is sent from the other, whose port is its own
 * until the addresses change, and answers come there.  Sent with a TTL of 255, and taken only with 255: no router was between.  The groups are ones that no router passes on.
 *
 * A network is what is behind one interface.  What the modes say of it holds here: of one that is off the engine hears nothing, and nothing is sent there.
 *
 * Bounds: GX_LAN_PACE datagrams a second of each socket, GX_LAN_HOST_PACE of one address; what is beyond stays with the kernel, which drops it.
 * GX_IN_LAN at most once a second.  A discovery that is NULL is off.  Single-threaded: all calls come from the loop's thread. */
#ifndef GX_OS_DISCOVERY_H
#define GX_OS_DISCOVERY_H

#include "node/engine/engine.h"
#include "node/os/fail.h"
#include "node/os/modes.h"

#include <zmq.h>

struct gx_discovery;

/* listen: the members' door, for nobody can be met where it is not open.  modes: borrowed.  False with *why (1): no socket of either family; *out is NULL.
 * Where one family fails, the log says why. */
bool gx_discovery_open(struct gx_discovery **out, const struct gx_addr *listen, const struct gx_modes *modes, struct gx_fail *why) GX_MUST_CHECK;
void gx_discovery_close(struct gx_discovery *d);        /* NULL does nothing */

/* Items for zmq_poll; cap at least GX_DISCOVERY_ITEMS.  Sockets that were read as fast as may be are left out for a moment. */
#define GX_DISCOVERY_ITEMS 5u
size_t gx_discovery_items(struct gx_discovery *d, zmq_pollitem_t *items, size_t cap, struct gx_time now);

/* LAN and DATAGRAM inputs, at most GX_DISCOVERY_INPUTS, which cap is at least; valid until the next call.  items: as gx_discovery_items filled them, and
 * zmq_poll then. */
#define GX_DISCOVERY_INPUTS 17u
size_t gx_discovery_take(struct gx_discovery *d, struct gx_input *inputs, size_t cap, const zmq_pollitem_t *items, size_t n_items, struct gx_time now);
/* When it last looked at the interfaces, because something changed there or it may have. */
uint64_t gx_discovery_looked_ms(const struct gx_discovery *d);

/* BEACON and DATAGRAM effects.  What cannot be sent is counted. */
void gx_discovery_do(struct gx_discovery *d, const struct gx_effect *effect);

/* ms until gx_discovery_take should be called again, or -1. */
int64_t gx_discovery_due_ms(const struct gx_discovery *d, uint64_t now_mono_ms);

struct gx_network {
    char name[GX_NETWORK_BYTES];
    char router[GX_NETWORK_BYTES];      /* "": none, or it is not known */
    enum gx_mode mode;
};

struct gx_discovery_stats {
    uint64_t heard, sent;           /* datagrams: handed on; given to the kernel */
    uint64_t own;                   /* sent, and come back: nothing on this machine keeps others' away */
    uint64_t unfit;                 /* by the kernel: they were not ours or not from this link; or there was no room, since they came too fast */
    uint64_t astray;                /* from a network that is off, or where nobody has such an address */
    uint64_t hasty;                 /* over GX_LAN_HOST_PACE */
    uint64_t repeated;              /* heard a second time */
    uint64_t unsent;
    uint64_t left_out;              /* own addresses beyond GX_LAN_SOURCES_MAX */
    size_t n_sources;
    struct gx_addr sources[GX_LAN_SOURCES_MAX];
    size_t n_networks;
    struct gx_network networks[GX_LAN_SOURCES_MAX];
};
void gx_discovery_stats(const struct gx_discovery *d, struct gx_discovery_stats *out);

#endif
