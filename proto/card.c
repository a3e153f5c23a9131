#include "proto/card.h"

#include "crypto/member.h"
#include "proto/code.h"

#define CARD_BYTES_PLAIN 153u

void gx_card_write(struct gx_wr *w, const struct gx_card *card)
{
    gx_wr_bytes(w, card->id.b, sizeof card->id.b);
    gx_wr_bytes(w, card->key.b, sizeof card->key.b);
    gx_wr_u32(w, card->serial);
    gx_wr_bytes(w, card->sig.b, sizeof card->sig.b);
}

void gx_card_read(struct gx_rd *r, struct gx_card *out)
{
    gx_rd_bytes(r, out->id.b, sizeof out->id.b);
    gx_rd_bytes(r, out->key.b, sizeof out->key.b);
    out->serial = gx_rd_u32(r);
    gx_rd_bytes(r, out->sig.b, sizeof out->sig.b);
    if (!r->failed && !gx_dh_usable(&out->key))
        gx_rd_fail(r);
}

enum gx_err gx_card_decode(struct gx_card_code *out, struct gx_span bytes)
{
    struct gx_rd r;

    memset(out, 0, sizeof *out);
    enum gx_err err = gx_code_begin(&r, bytes, GX_TOKEN_KIND_CARD, CARD_BYTES_PLAIN);
    if (err != GX_OK)
        return err;
    gx_card_read(&r, &out->card);
    gx_rd_bytes(&r, out->seed.b, sizeof out->seed.b);
    err = gx_code_end(&r, &out->hint);
    if (err == GX_OK && !gx_card_check(&out->card))
        err = GX_E_SIGNATURE;
    if (err != GX_OK)
        gx_wipe(out, sizeof *out);
    return err;
}

void gx_card_encode(struct gx_wr *w, const struct gx_card_code *code)
{
    size_t start = w->n;

    gx_wr_u8(w, GX_TOKEN_KIND_CARD);
    gx_card_write(w, &code->card);
    gx_wr_bytes(w, code->seed.b, sizeof code->seed.b);
    gx_code_close(w, start, &code->hint);
}

void gx_card_format(char out[GX_TOKEN_TEXT_MAX], const struct gx_card_code *code)
{
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_card_encode(&w, code);
    GX_ASSERT(!w.failed);
    gx_code_format(out, gx_wr_span(&w));
    gx_wipe(bytes, sizeof bytes);
}

enum gx_err gx_card_parse(struct gx_card_code *out, const char *text)
{
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    memset(out, 0, sizeof *out);
    enum gx_err err = gx_code_parse(&w, text);
    if (err == GX_OK)
        err = gx_card_decode(out, gx_wr_span(&w));
    gx_wipe(bytes, sizeof bytes);
    return err;
}

uint8_t gx_code_kind(const char *text)
{
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    uint8_t kind = gx_code_parse(&w, text) == GX_OK && w.n >= 1 ? bytes[0] : 0;

    gx_wipe(bytes, sizeof bytes);
    return kind == GX_TOKEN_KIND_INVITE || kind == GX_TOKEN_KIND_CARD ? kind : 0;
}
