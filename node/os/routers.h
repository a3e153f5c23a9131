/* The routers by which this machine's networks lead elsewhere: as good a name for a network as there is without rights. */
#ifndef GX_OS_ROUTERS_H
#define GX_OS_ROUTERS_H

#include "node/os/modes.h"

struct gx_router {
    uint32_t interface;
    uint8_t family;             /* of ip: 4 or 6 */
    uint8_t ip[16];
    uint32_t metric;
    char name[GX_NETWORK_BYTES];    /* its hardware address, "02:00:5e:10:00:01"; "": not known yet, for nobody of this machine spoke to it */
};

/* One of each interface that a default route leads by, IPv4 first, then the route with the lowest metric; at most GX_LAN_SOURCES_MAX.  False: the kernel did
 * not say, and *n is 0. */
bool gx_routers_read(struct gx_router out[GX_LAN_SOURCES_MAX], size_t *n) GX_MUST_CHECK;

#endif
