/* Human form of anything that goes over the wire or lies in the store: one line, no control characters.  For gx-inspect and logs. */
#ifndef GX_PROTO_PRINT_H
#define GX_PROTO_PRINT_H

#include "proto/frame.h"

/* Always ends in 0; cut when cap is too small; returns the length written. */
size_t gx_print_event(char *out, size_t cap, const struct gx_event *ev);
size_t gx_print_frame(char *out, size_t cap, const struct gx_frame *frame);

#endif
