/* Text from strangers: checked when it comes in, made safe when it is shown. */
#ifndef GX_PROTO_UTF8_H
#define GX_PROTO_UTF8_H

#include "proto/err.h"

/* Well-formed UTF-8 (no overlong forms, no surrogates, no NUL)? */
bool gx_utf8_ok(struct gx_span text) GX_MUST_CHECK;

/* Copy for a screen: control characters (C0, DEL, C1), direction and invisible format characters become U+FFFD; with keep_newlines \n and
 * \t stay, and the two joiners that some scripts are written with (U+200C, U+200D).  Always ends in 0; cut at a whole character when cap is
 * too small; returns bytes written without the 0. */
size_t gx_utf8_show(char *out, size_t cap, struct gx_span text, bool keep_newlines);

/* Columns the text takes on a terminal: 0 for combining marks, 2 for East Asian wide characters and emoji. */
size_t gx_utf8_width(const char *text);

#endif
