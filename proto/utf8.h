/* Text from strangers: checked when it comes in, made safe when it is shown. */
#ifndef GX_PROTO_UTF8_H
#define GX_PROTO_UTF8_H

#include "proto/err.h"

/* Well-formed UTF-8 (no overlong forms, no surrogates, no NUL)? */
bool gx_utf8_ok(struct gx_span text) GX_MUST_CHECK;

/* Length of the first character, its code point in *cp; 0 when the bytes there are none. */
size_t gx_utf8_char(uint32_t *cp, struct gx_span text) GX_MUST_CHECK;

enum gx_utf8_kind {
    GX_UTF8_HIDDEN,          /* does not show, or changes how its neighbours show; the selectors of variants are marks */
    GX_UTF8_UNASSIGNED,      /* of private use, or of no use */
    GX_UTF8_MARK,            /* is drawn on the character before it, and takes no room */
    GX_UTF8_PICTURE,         /* emoji and what may become one */
    GX_UTF8_LATIN,
    GX_UTF8_GREEK,
    GX_UTF8_CYRILLIC,
};
bool gx_utf8_is(uint32_t cp, enum gx_utf8_kind kind);

#define GX_UTF8_MARKS_MAX 4u        /* on one character; Hebrew and Vietnamese do with less, and a tower of them covers the lines above */

/* Copy for a screen: control characters (C0, DEL, C1), direction and invisible format characters, private use and what is not assigned become
 * U+FFFD, and marks above GX_UTF8_MARKS_MAX on one character are left out; with keep_newlines \n and \t stay, and one at a time of the two joiners
 * that some scripts are written with (U+200C, U+200D).  Always ends in 0; cut at a whole character when cap is too small; returns bytes written
 * without the 0. */
size_t gx_utf8_show(char *out, size_t cap, struct gx_span text, bool keep_newlines);

/* Columns the text takes on a terminal: 0 for combining marks, 2 for East Asian wide characters and emoji. */
size_t gx_utf8_width(const char *text);

/* Bytes of the text's beginning that take no more than so many columns, marks included. */
size_t gx_utf8_fit(const char *text, size_t columns);

#endif
