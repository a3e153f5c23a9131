/* What can be a name of a person or a group, wherever one is typed in.  What comes from others is stored as it was sent and shown with care
 * (proto/utf8.h, proto/looks.h). */
#ifndef GX_PROTO_NAME_H
#define GX_PROTO_NAME_H

#include "proto/limits.h"

/* UTF-8, 1 to max bytes, not only blanks. */
bool gx_name_ok(const char *name, size_t max) GX_MUST_CHECK;
/* Nothing in it that a terminal obeys or that hides in it.  For names of at most GX_NAME_BYTES_MAX: look with gx_name_ok first. */
bool gx_name_plain(const char *name) GX_MUST_CHECK;

#endif
