/* What this node shows on a network, as its person wants it. */
#ifndef GX_OS_MODES_H
#define GX_OS_MODES_H

#include "proto/limits.h"

enum gx_mode {
    GX_MODE_OFF,
    GX_MODE_CONTACTS,       /* contacts are looked for, and who has a code is let in; groups are not shown */
    GX_MODE_ON
};

#define GX_NETWORK_BYTES 18u            /* of a name, with the 0 */

struct gx_modes {
    enum gx_mode usual;     /* of a network that is not named */
    unsigned line;          /* of the configuration that says so; 0: none does */
    size_t n;
    struct {
        char network[GX_NETWORK_BYTES];     /* its interface's name, or the hardware address of its router */
        enum gx_mode mode;
        unsigned line;
    } named[GX_LAN_MODES_MAX];
};

/* "off", "contacts" or "on". */
const char *gx_mode_text(enum gx_mode mode);
/* False: it is none of them. */
bool gx_mode_read(enum gx_mode *out, const char *text) GX_MUST_CHECK;

/* The name of an interface as it is, that of a router in small letters.  False: it could be neither. */
bool gx_network_name(char out[GX_NETWORK_BYTES], const char *text) GX_MUST_CHECK;
/* What stands there of the network with that name; -1: nothing. */
int gx_modes_find(const struct gx_modes *modes, const char *name);
/* The router's line counts, then that of the interface.  router "": none, or it is not known. */
enum gx_mode gx_modes_of(const struct gx_modes *modes, const char *interface, const char *router);
/* Does what is shown depend on routers? */
bool gx_modes_by_router(const struct gx_modes *modes);
/* The mode of the network on which most may be shown. */
enum gx_mode gx_modes_most(const struct gx_modes *modes);

#endif
