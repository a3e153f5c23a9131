/* The two sockets of one family that discovery uses: node/README.md §4. */
#ifndef GX_OS_UDP_H
#define GX_OS_UDP_H

#include "crypto/base.h"
#include "node/os/interfaces.h"

struct gx_udp {
    int family;                             /* AF_INET or AF_INET6 */
    int shared, own;                        /* hears what is said to all; sends, and hears answers.  -1: not open */
    uint16_t port, port_before;             /* of own, and of the one that it had before; 0: none */
    uint64_t dropped_before;                /* by the kernel, at that one and those before it */
    uint32_t joined[GX_LAN_SOURCES_MAX];    /* interfaces on which the group is heard */
    size_t n_joined;
};

/* Both sockets, or none and errno. */
bool gx_udp_open(struct gx_udp *u, int family) GX_MUST_CHECK;
void gx_udp_close(struct gx_udp *u);
/* Another own socket, with another port.  False, and errno: it is as it was. */
bool gx_udp_renew(struct gx_udp *u) GX_MUST_CHECK;

/* Hear the group on the interfaces of these sources, and on no other. */
void gx_udp_join(struct gx_udp *u, const struct gx_source *sources, size_t n);

/* To all on the source's link: the group, and for IPv4 everybody, where the interface does that.  Datagrams that were sent, and in *failed others. */
unsigned gx_udp_beacon(const struct gx_udp *u, const struct gx_source *from, struct gx_span bytes, unsigned *failed);
/* To one on the source's link. */
bool gx_udp_send(const struct gx_udp *u, const struct gx_source *from, const struct gx_addr *to, struct gx_span bytes);

/* What waits at fd, one of the two: at most cap bytes of it, who sent it, and the number of the interface that it came by, which is that of loopback for
 * what this machine says to itself.  False: nothing. */
bool gx_udp_receive(const struct gx_udp *u, int fd, uint8_t *out, size_t cap, size_t *n, struct gx_addr *from, uint32_t *interface);

/* What the kernel dropped at both sockets since they were opened. */
uint64_t gx_udp_dropped(const struct gx_udp *u);

#endif
