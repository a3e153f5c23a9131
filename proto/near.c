#include "proto/near.h"

#define CODE_BYTES 121u         /* of an invitation without an address */
static_assert(2u + CODE_BYTES <= GX_NEAR_PLAIN_BYTES, "a port and a code");

bool gx_near_is(struct gx_span bytes)
{
    return bytes.n == GX_NEAR_ASK_BYTES || bytes.n == GX_NEAR_REPLY_BYTES || bytes.n == GX_NEAR_CONFIRM_BYTES || bytes.n == GX_NEAR_GIFT_BYTES;
}

enum gx_err gx_near_ask_decode(struct gx_near_ask *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    enum gx_err err = gx_lan_magic_read(&r, GX_NEAR_ASK_BYTES);

    memset(out, 0, sizeof *out);
    if (err != GX_OK)
        return err;
    gx_rd_bytes(&r, out->a.b, sizeof out->a.b);
    gx_rd_bytes(&r, out->filler, sizeof out->filler);
    return gx_rd_finish(&r);
}

void gx_near_ask_encode(struct gx_wr *w, const struct gx_near_ask *ask)
{
    gx_lan_magic_write(w);
    gx_wr_bytes(w, ask->a.b, sizeof ask->a.b);
    gx_wr_bytes(w, ask->filler, sizeof ask->filler);
}

enum gx_err gx_near_reply_decode(struct gx_near_reply *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    enum gx_err err = gx_lan_magic_read(&r, GX_NEAR_REPLY_BYTES);

    memset(out, 0, sizeof *out);
    if (err != GX_OK)
        return err;
    gx_rd_bytes(&r, out->echo, sizeof out->echo);
    gx_rd_bytes(&r, out->b.b, sizeof out->b.b);
    return gx_rd_finish(&r);
}

void gx_near_reply_encode(struct gx_wr *w, const struct gx_near_reply *reply)
{
    gx_lan_magic_write(w);
    gx_wr_bytes(w, reply->echo, sizeof reply->echo);
    gx_wr_bytes(w, reply->b.b, sizeof reply->b.b);
}

enum gx_err gx_near_confirm_decode(struct gx_near_confirm *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    enum gx_err err = gx_lan_magic_read(&r, GX_NEAR_CONFIRM_BYTES);

    memset(out, 0, sizeof *out);
    if (err != GX_OK)
        return err;
    gx_rd_bytes(&r, out->a.b, sizeof out->a.b);
    gx_rd_bytes(&r, out->echo, sizeof out->echo);
    gx_rd_bytes(&r, out->proof.b, sizeof out->proof.b);
    gx_rd_bytes(&r, out->filler, sizeof out->filler);
    return gx_rd_finish(&r);
}

void gx_near_confirm_encode(struct gx_wr *w, const struct gx_near_confirm *confirm)
{
    gx_lan_magic_write(w);
    gx_wr_bytes(w, confirm->a.b, sizeof confirm->a.b);
    gx_wr_bytes(w, confirm->echo, sizeof confirm->echo);
    gx_wr_bytes(w, confirm->proof.b, sizeof confirm->proof.b);
    gx_wr_bytes(w, confirm->filler, sizeof confirm->filler);
}

enum gx_err gx_near_gift_decode(struct gx_near_gift *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    enum gx_err err = gx_lan_magic_read(&r, GX_NEAR_GIFT_BYTES);

    memset(out, 0, sizeof *out);
    if (err != GX_OK)
        return err;
    gx_rd_bytes(&r, out->echo, sizeof out->echo);
    gx_rd_bytes(&r, out->sealed, sizeof out->sealed);
    return gx_rd_finish(&r);
}

void gx_near_gift_encode(struct gx_wr *w, const struct gx_near_gift *gift)
{
    gx_lan_magic_write(w);
    gx_wr_bytes(w, gift->echo, sizeof gift->echo);
    gx_wr_bytes(w, gift->sealed, sizeof gift->sealed);
}

enum gx_err gx_near_plain_decode(struct gx_token *token, uint16_t *port, const uint8_t plain[GX_NEAR_PLAIN_BYTES])
{
    static const uint8_t zeroes[GX_NEAR_PLAIN_BYTES];
    struct gx_rd r = gx_rd(gx_span(plain, GX_NEAR_PLAIN_BYTES));
    enum gx_err err = GX_OK;

    *port = gx_rd_u16(&r);
    err = gx_token_decode(token, gx_rd_span(&r, CODE_BYTES));

    struct gx_span rest = gx_rd_rest(&r);

    if (err == GX_OK && (*port == 0 || memcmp(rest.p, zeroes, rest.n) != 0))
        err = GX_E_MALFORMED;
    if (err != GX_OK)
        gx_wipe(token, sizeof *token);
    return err;
}

void gx_near_plain_encode(uint8_t plain[GX_NEAR_PLAIN_BYTES], const struct gx_token *token, uint16_t port)
{
    struct gx_wr w = gx_wr(plain, GX_NEAR_PLAIN_BYTES);
    struct gx_token bare = *token;

    bare.hint = (struct gx_addr){.family = 0};
    memset(plain, 0, GX_NEAR_PLAIN_BYTES);
    gx_wr_u16(&w, port);
    gx_token_encode(&w, &bare);
    GX_ASSERT(!w.failed && w.n == 2u + CODE_BYTES);
    gx_wipe(&bare, sizeof bare);
}
