#include "proto/codec.h"

/* The one place that moves the reader: n bytes that are there, or NULL and nothing more from this reader. */
static const uint8_t *take(struct gx_rd *r, size_t n)
{
    const uint8_t *p = r->p;

    if (r->failed || n > r->left) {
        gx_rd_fail(r);
        return NULL;
    }
    if (n > 0)
        r->p += n;
    r->left -= n;
    return p;
}

static uint64_t take_le(struct gx_rd *r, size_t n)
{
    const uint8_t *p = take(r, n);
    uint64_t v = 0;

    if (p == NULL)
        return 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

uint8_t gx_rd_u8(struct gx_rd *r)
{
    return (uint8_t)take_le(r, 1);
}

uint16_t gx_rd_u16(struct gx_rd *r)
{
    return (uint16_t)take_le(r, 2);
}

uint32_t gx_rd_u24(struct gx_rd *r)
{
    return (uint32_t)take_le(r, 3);
}

uint32_t gx_rd_u32(struct gx_rd *r)
{
    return (uint32_t)take_le(r, 4);
}

uint64_t gx_rd_u64(struct gx_rd *r)
{
    return take_le(r, 8);
}

void gx_rd_bytes(struct gx_rd *r, uint8_t *out, size_t n)
{
    const uint8_t *p = take(r, n);

    if (n == 0)
        return;
    if (p == NULL)
        memset(out, 0, n);
    else
        memcpy(out, p, n);
}

struct gx_span gx_rd_span(struct gx_rd *r, size_t n)
{
    const uint8_t *p = take(r, n);

    return p == NULL ? gx_span(NULL, 0) : gx_span(p, n);
}

struct gx_span gx_rd_rest(struct gx_rd *r)
{
    return gx_rd_span(r, r->left);
}

void gx_rd_fail(struct gx_rd *r)
{
    r->failed = true;
    r->left = 0;
}

enum gx_err gx_rd_finish(const struct gx_rd *r)
{
    return r->failed || r->left > 0 ? GX_E_MALFORMED : GX_OK;
}

void gx_wr_bytes(struct gx_wr *w, const void *p, size_t n)
{
    if (w->failed || n > w->cap - w->n) {
        w->failed = true;
        return;
    }
    if (n > 0)
        memcpy(w->p + w->n, p, n);
    w->n += n;
}

static void to_le(uint8_t *out, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

static void put_le(struct gx_wr *w, uint64_t v, size_t n)
{
    uint8_t b[8];

    to_le(b, v, n);
    gx_wr_bytes(w, b, n);
}

void gx_wr_u8(struct gx_wr *w, uint8_t v)
{
    put_le(w, v, 1);
}

void gx_wr_u16(struct gx_wr *w, uint16_t v)
{
    put_le(w, v, 2);
}

void gx_wr_u24(struct gx_wr *w, uint32_t v)
{
    GX_ASSERT(v < 1u << 24);
    put_le(w, v, 3);
}

void gx_wr_u32(struct gx_wr *w, uint32_t v)
{
    put_le(w, v, 4);
}

void gx_wr_u64(struct gx_wr *w, uint64_t v)
{
    put_le(w, v, 8);
}

static void patch(struct gx_wr *w, size_t at, uint64_t v, size_t n)
{
    /* After a write that did not fit the place may not be there either, and nobody will use these bytes. */
    if (w->failed)
        return;
    GX_ASSERT(at <= w->n && n <= w->n - at);
    to_le(w->p + at, v, n);
}

void gx_wr_patch_u16(struct gx_wr *w, size_t at, uint16_t v)
{
    patch(w, at, v, 2);
}

void gx_wr_patch_u32(struct gx_wr *w, size_t at, uint32_t v)
{
    patch(w, at, v, 4);
}

void gx_put_be32(uint8_t out[4], uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

void gx_put_be64(uint8_t out[8], uint64_t v)
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

uint32_t gx_get_be32(const uint8_t p[4])
{
    uint32_t v = 0;

    for (size_t i = 0; i < 4; i++)
        v = v << 8 | p[i];
    return v;
}

uint64_t gx_get_be64(const uint8_t p[8])
{
    uint64_t v = 0;

    for (size_t i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}
