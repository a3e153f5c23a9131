/* What this node shows on a network, as its person wants it. */
#ifndef GX_OS_MODES_H
#define GX_OS_MODES_H

#include "crypto/base.h"

enum gx_mode {
    GX_MODE_OFF,
    GX_MODE_CONTACTS,       /* contacts are looked for, and who has a code is let in; groups are not shown */
    GX_MODE_ON
};

struct gx_modes {
    enum gx_mode usual;
    unsigned line;          /* of the configuration that says so; 0: none does */
};

/* "off", "contacts" or "on". */
const char *gx_mode_text(enum gx_mode mode);
/* False: it is none of them. */
bool gx_mode_read(enum gx_mode *out, const char *text) GX_MUST_CHECK;

#endif
