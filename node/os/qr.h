/* QR codes: text to modules, to a terminal, to a PNG file; and pictures of them back to text. */
#ifndef GX_OS_QR_H
#define GX_OS_QR_H

#include "proto/err.h"
#include <stdio.h>

struct gx_qr {
    int size;               /* modules a side */
    int version;            /* 1 to 40 */
    uint8_t *modules;       /* size * size, 1 is black; owned, freed by gx_qr_free */
};

/* Error correction: L for screens, M or Q for print. */
enum gx_qr_level { GX_QR_L, GX_QR_M, GX_QR_Q };

/* text: of the QR alphanumeric alphabet (0-9 A-Z blank $%*+-./:).  GX_E_MALFORMED, GX_E_TOO_BIG, GX_E_MEMORY. */
enum gx_err gx_qr_make(struct gx_qr *out, const char *text, enum gx_qr_level level) GX_MUST_CHECK;
void gx_qr_free(struct gx_qr *qr);

/* Columns and rows gx_qr_draw needs (half-block characters, a margin of 2 modules). */
void gx_qr_terminal_size(const struct gx_qr *qr, int *columns, int *rows);
/* Explicit black on white, whatever the terminal's theme. */
void gx_qr_draw(FILE *out, const struct gx_qr *qr);

/* PNG, grey 8 bit, `scale` pixels a module, a margin of 4 modules.  *png is malloc'ed. */
enum gx_err gx_qr_png(uint8_t **png, size_t *n, const struct gx_qr *qr, int scale) GX_MUST_CHECK;

/* Find a code in a PNG or JPEG picture.  Tries the picture as it is, inverted, and at other scales.
 * want_prefix: only codes that begin so ("GX") count; several different ones are GX_E_AMBIGUOUS.
 * Returns GX_E_TOO_BIG (over 16 MiB or 40 megapixels, checked before decoding), GX_E_MALFORMED (not a PNG or JPEG, or broken), GX_E_ABSENT (no code in it). */
enum gx_err gx_picture_read(char *out, size_t cap, struct gx_span file, const char *want_prefix) GX_MUST_CHECK;

#endif
