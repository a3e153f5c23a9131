/* Reader and writer with sticky failure: check once, at the end.  Little-endian, fixed widths, one encoding per value.  WIRE §1 */
#ifndef GX_PROTO_CODEC_H
#define GX_PROTO_CODEC_H

#include "proto/err.h"

struct gx_rd {
    const uint8_t *p;
    size_t left;
    bool failed;
};

static inline struct gx_rd gx_rd(struct gx_span s)
{
    return (struct gx_rd){.p = s.p, .left = s.n};
}
/* Zeroes (or an empty span) come out of a failed read. */
uint8_t gx_rd_u8(struct gx_rd *r);
uint16_t gx_rd_u16(struct gx_rd *r);
uint32_t gx_rd_u24(struct gx_rd *r);
uint32_t gx_rd_u32(struct gx_rd *r);
uint64_t gx_rd_u64(struct gx_rd *r);
void gx_rd_bytes(struct gx_rd *r, uint8_t *out, size_t n);
struct gx_span gx_rd_span(struct gx_rd *r, size_t n);        /* borrowed from the input */
struct gx_span gx_rd_rest(struct gx_rd *r);                  /* all that is left */
void gx_rd_fail(struct gx_rd *r);                            /* a value that may not be */
/* GX_OK exactly when nothing failed and nothing is left over. */
enum gx_err gx_rd_finish(const struct gx_rd *r) GX_MUST_CHECK;

struct gx_wr {
    uint8_t *p;
    size_t cap, n;
    bool failed;         /* did not fit; n then stays */
};

static inline struct gx_wr gx_wr(void *p, size_t cap)
{
    return (struct gx_wr){.p = p, .cap = cap};
}
void gx_wr_u8(struct gx_wr *w, uint8_t v);
void gx_wr_u16(struct gx_wr *w, uint16_t v);
void gx_wr_u24(struct gx_wr *w, uint32_t v);
void gx_wr_u32(struct gx_wr *w, uint32_t v);
void gx_wr_u64(struct gx_wr *w, uint64_t v);
void gx_wr_bytes(struct gx_wr *w, const void *p, size_t n);
/* Overwrite 2 or 4 bytes written before, at offset `at` (asserted). */
void gx_wr_patch_u16(struct gx_wr *w, size_t at, uint16_t v);
void gx_wr_patch_u32(struct gx_wr *w, size_t at, uint32_t v);
static inline struct gx_span gx_wr_span(const struct gx_wr *w)
{
    return gx_span(w->p, w->n);
}

/* Big-endian, for keys that LMDB sorts. */
void gx_put_be32(uint8_t out[4], uint32_t v);
void gx_put_be64(uint8_t out[8], uint64_t v);
uint32_t gx_get_be32(const uint8_t p[4]);
uint64_t gx_get_be64(const uint8_t p[8]);

#endif
