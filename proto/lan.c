#include "proto/lan.h"

void gx_lan_magic_write(struct gx_wr *w)
{
    gx_wr_bytes(w, GX_LAN_MAGIC, GX_LAN_MAGIC_BYTES);
    gx_wr_u8(w, GX_LAN_VERSION);
}

/* Of another version the length may be another one, too. */
enum gx_err gx_lan_magic_read(struct gx_rd *r, size_t n)
{
    struct gx_span magic = gx_rd_span(r, GX_LAN_MAGIC_BYTES);
    size_t length = GX_LAN_MAGIC_BYTES + r->left;
    uint8_t version = gx_rd_u8(r);

    if (r->failed || memcmp(magic.p, GX_LAN_MAGIC, GX_LAN_MAGIC_BYTES) != 0)
        return GX_E_MALFORMED;
    if (version != GX_LAN_VERSION)
        return GX_E_VERSION;
    return length == n ? GX_OK : GX_E_MALFORMED;
}

enum gx_err gx_beacon_decode(struct gx_beacon *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    enum gx_err err = gx_lan_magic_read(&r, GX_BEACON_BYTES);

    memset(out, 0, sizeof *out);
    if (err != GX_OK)
        return err;
    gx_rd_bytes(&r, out->r.b, sizeof out->r.b);
    for (size_t i = 0; i < GX_BEACON_TAGS; i++)
        gx_rd_bytes(&r, out->tags[i].b, sizeof out->tags[i].b);
    gx_rd_bytes(&r, out->capsule.tag.b, sizeof out->capsule.tag.b);
    gx_rd_bytes(&r, out->capsule.sealed, sizeof out->capsule.sealed);
    gx_rd_bytes(&r, out->filler, sizeof out->filler);
    return gx_rd_finish(&r);
}

void gx_beacon_encode(struct gx_wr *w, const struct gx_beacon *beacon)
{
    gx_lan_magic_write(w);
    gx_wr_bytes(w, beacon->r.b, sizeof beacon->r.b);
    for (size_t i = 0; i < GX_BEACON_TAGS; i++)
        gx_wr_bytes(w, beacon->tags[i].b, sizeof beacon->tags[i].b);
    gx_wr_bytes(w, beacon->capsule.tag.b, sizeof beacon->capsule.tag.b);
    gx_wr_bytes(w, beacon->capsule.sealed, sizeof beacon->capsule.sealed);
    gx_wr_bytes(w, beacon->filler, sizeof beacon->filler);
}

enum gx_err gx_lan_answer_decode(struct gx_lan_answer *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    enum gx_err err = gx_lan_magic_read(&r, GX_LAN_ANSWER_BYTES);

    memset(out, 0, sizeof *out);
    if (err != GX_OK)
        return err;
    gx_rd_bytes(&r, out->echo, sizeof out->echo);
    gx_rd_bytes(&r, out->sealed.y.b, sizeof out->sealed.y.b);
    gx_rd_bytes(&r, out->sealed.bytes, sizeof out->sealed.bytes);
    return gx_rd_finish(&r);
}

void gx_lan_answer_encode(struct gx_wr *w, const struct gx_lan_answer *answer)
{
    gx_lan_magic_write(w);
    gx_wr_bytes(w, answer->echo, sizeof answer->echo);
    gx_wr_bytes(w, answer->sealed.y.b, sizeof answer->sealed.y.b);
    gx_wr_bytes(w, answer->sealed.bytes, sizeof answer->sealed.bytes);
}

static bool is_zero(struct gx_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != 0)
            return false;
    return true;
}

enum gx_err gx_lan_place_decode(struct gx_lan_place *out, const uint8_t bytes[GX_LAN_PLACE_BYTES])
{
    struct gx_rd r = gx_rd(gx_span(bytes, GX_LAN_PLACE_BYTES));

    memset(out, 0, sizeof *out);
    out->kind = gx_rd_u8(&r);
    out->port = gx_rd_u16(&r);
    gx_rd_bytes(&r, out->transport.b, sizeof out->transport.b);
    if (out->kind > GX_LAN_DOOR || out->port == 0 || !is_zero(gx_rd_rest(&r)))
        return GX_E_MALFORMED;
    return is_zero(gx_span(out->transport.b, sizeof out->transport.b)) == (out->kind == GX_LAN_DOOR) ? GX_OK : GX_E_MALFORMED;
}

void gx_lan_place_encode(uint8_t out[GX_LAN_PLACE_BYTES], const struct gx_lan_place *place)
{
    struct gx_wr w = gx_wr(out, GX_LAN_PLACE_BYTES);

    memset(out, 0, GX_LAN_PLACE_BYTES);
    gx_wr_u8(&w, place->kind);
    gx_wr_u16(&w, place->port);
    gx_wr_bytes(&w, place->transport.b, sizeof place->transport.b);
    GX_ASSERT(!w.failed);
}

void gx_lan_said(struct gx_lan_said *out, const struct gx_dh_pk *r, const struct gx_addr *from, uint32_t slot)
{
    struct gx_wr w = gx_wr(out->b, sizeof out->b);

    gx_wr_bytes(&w, r->b, sizeof r->b);
    gx_wr_u8(&w, from->family);
    gx_wr_bytes(&w, from->ip, sizeof from->ip);
    gx_wr_u16(&w, from->port);
    gx_wr_u32(&w, slot);
    GX_ASSERT(!w.failed && w.n == sizeof out->b);
}
