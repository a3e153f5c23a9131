/* An address to reach a node at.  WIRE §6.2 */
#ifndef GX_PROTO_ADDR_H
#define GX_PROTO_ADDR_H

#include "proto/err.h"

struct gx_addr {
    uint8_t family;      /* 4 or 6; 0: none */
    uint8_t ip[16];      /* IPv4 in the first four bytes, the rest 0 */
    uint16_t port;
};

#define GX_ADDR_TEXT_BYTES 56u
/* "192.0.2.1:7447", "[2001:db8::1]:7447". */
void gx_addr_format(char out[GX_ADDR_TEXT_BYTES], const struct gx_addr *addr);
/* The same forms, port 1 to 65535 (0 too when zero_port).  GX_E_MALFORMED otherwise; names are not looked up. */
enum gx_err gx_addr_parse(struct gx_addr *out, const char *text, bool zero_port) GX_MUST_CHECK;
bool gx_addr_equal(const struct gx_addr *a, const struct gx_addr *b);

#endif
