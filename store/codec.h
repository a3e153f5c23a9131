/* Inside the store layer only: pieces that several rows share. */
#ifndef GX_STORE_CODEC_H
#define GX_STORE_CODEC_H

#include "proto/addr.h"
#include "proto/codec.h"

/* family u8 | ip[16] | port u16; family 0 (no address) is all zero. */
#define GX_STORE_ADDR_BYTES 19u
void gx_store_addr_write(struct gx_wr *w, const struct gx_addr *addr);
void gx_store_addr_read(struct gx_rd *r, struct gx_addr *out);

#endif
