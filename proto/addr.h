/* An address to reach a node at.  WIRE §6.2 */
#ifndef GX_PROTO_ADDR_H
#define GX_PROTO_ADDR_H

#include "proto/err.h"

struct gx_addr {
    uint8_t family;      /* 4 or 6; 0: none */
    uint8_t ip[16];      /* IPv4 in the first four bytes, the rest 0 */
    uint16_t port;
    uint32_t scope;      /* of an IPv6 link-local address: the number of the own interface that it is behind; 0: not said.  Never told to others */
};

#define GX_ADDR_TEXT_BYTES 60u
/* "192.0.2.1:7447", "[2001:db8::1]:7447", "[fe80::1%2]:7447". */
void gx_addr_format(char out[GX_ADDR_TEXT_BYTES], const struct gx_addr *addr);
/* The same forms, port 1 to 65535 (0 too when zero_port); a scope is a number, and only link-local addresses have one.  GX_E_MALFORMED otherwise;
 * names are not looked up. */
enum gx_err gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port) GX_MUST_CHECK;
bool gx_addr_equal(const struct gx_addr *a, const struct gx_addr *b);
/* fe80::/10: there is one such network behind each interface. */
bool gx_addr_is_link_local(const struct gx_addr *addr);

#endif
