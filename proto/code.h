/* What the codes of invitations and cards have in common: their kind, their hint, their check, and their text.  WIRE §7. */
#ifndef GX_PROTO_CODE_H
#define GX_PROTO_CODE_H

#include "proto/addr.h"
#include "proto/codec.h"
#include "proto/limits.h"

/* Kind, length (n_plain, or that and a hint) and check, in this order; then r reads what stands between kind and check.
 * Returns GX_E_MALFORMED, GX_E_VERSION (any other kind but 0), GX_E_SIGNATURE. */
enum gx_err gx_code_begin(struct gx_rd *r, struct gx_span bytes, uint8_t kind, size_t n_plain) GX_MUST_CHECK;
/* The hint, if one is left, and the end. */
enum gx_err gx_code_end(struct gx_rd *r, struct gx_addr *hint) GX_MUST_CHECK;

/* Hint and check behind what was written from `start` on. */
void gx_code_close(struct gx_wr *w, size_t start, const struct gx_addr *hint);

void gx_code_format(char out[GX_TOKEN_TEXT_MAX], struct gx_span bytes);
/* What gx_token_parse says of the text; the bytes are not looked at.  The caller wipes them. */
enum gx_err gx_code_parse(struct gx_wr *out, const char *text) GX_MUST_CHECK;

#endif
