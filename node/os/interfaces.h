/* The machine's own interfaces: the addresses a beacon can go out from, and word when something changed. */
#ifndef GX_OS_INTERFACES_H
#define GX_OS_INTERFACES_H

#include "node/os/modes.h"
#include "proto/addr.h"

struct gx_source {
    struct gx_addr addr;            /* port 0.  IPv4, or an IPv6 link-local address with its scope */
    uint32_t interface;
    char name[GX_NETWORK_BYTES];    /* of it, now */
    char router[GX_NETWORK_BYTES];  /* that of its network; "": none, or it is not known.  Not set here */
    uint32_t net, mask;             /* IPv4: the addresses behind it; as in sin_addr */
    bool multicast, broadcast;      /* one of them at least */
};

/* The sources of now, at most GX_LAN_SOURCES_MAX: first one address of each interface and family, then second ones; *left_out: how many more there are.
 * Up and running interfaces only, loopback among them; no tunnels between two, unless they do multicast.  IPv6: the link-local address, once the kernel
 * has made sure that nobody else has it: an answer to it stays on the link.  listen: the members' door; where it is not open to all addresses, only the
 * one that it is open at can be a source.  False: the kernel did not say, and *n is 0. */
bool gx_interfaces_read(struct gx_source out[GX_LAN_SOURCES_MAX], size_t *n, size_t *left_out, const struct gx_addr *listen) GX_MUST_CHECK;

/* Is that address on the link of the source, as far as addresses tell? */
bool gx_interfaces_near(const struct gx_source *source, const struct gx_addr *addr);

/* A descriptor that becomes readable when interfaces, addresses or routes change; the caller closes it.  -1: not to be had (errno). */
int gx_interfaces_watch(void);
/* Read all that is told there. */
enum gx_interfaces_news { GX_INTERFACES_SAME, GX_INTERFACES_CHANGED, GX_INTERFACES_LOST };
enum gx_interfaces_news gx_interfaces_news(int watch);

/* As gx_addr_parse, and the scope may be the name of an interface of now, as people know it: "[fe80::1%eth0]:7447". */
enum gx_err gx_interfaces_addr_parse(struct gx_addr *out, const char *text, bool zero_port) GX_MUST_CHECK;
/* The number of an interface that IPv6 link-local addresses are behind, for one of which it is not known which; another for each nth, in turns.  0: there is none. */
uint32_t gx_interfaces_guess(size_t nth);

#endif
