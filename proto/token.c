#include "proto/token.h"

#include "crypto/mutant.h"
#include "proto/code.h"

#define TOKEN_BYTES_PLAIN 121u
#define MINUTE_MS 60000u
#define U24_MAX 0xffffffu

enum gx_err gx_token_decode(struct gx_token *out, struct gx_span bytes)
{
    struct gx_rd r;

    memset(out, 0, sizeof *out);
    enum gx_err err = gx_code_begin(&r, bytes, GX_TOKEN_KIND_INVITE, TOKEN_BYTES_PLAIN);
    if (err != GX_OK)
        return err;
    gx_rd_bytes(&r, out->group16, sizeof out->group16);
    gx_rd_bytes(&r, out->issuer, sizeof out->issuer);
    gx_rd_bytes(&r, out->as_of, sizeof out->as_of);
    gx_rd_bytes(&r, out->seed.b, sizeof out->seed.b);
    out->expires_min = gx_rd_u24(&r);
    out->uses = gx_rd_u8(&r);
    gx_rd_bytes(&r, out->sig.b, sizeof out->sig.b);
    err = gx_code_end(&r, &out->hint);
    if (err != GX_OK)
        gx_wipe(out, sizeof *out);
    return err;
}

void gx_token_encode(struct gx_wr *w, const struct gx_token *token)
{
    size_t start = w->n;

    gx_wr_u8(w, GX_TOKEN_KIND_INVITE);
    gx_wr_bytes(w, token->group16, sizeof token->group16);
    gx_wr_bytes(w, token->issuer, sizeof token->issuer);
    gx_wr_bytes(w, token->as_of, sizeof token->as_of);
    gx_wr_bytes(w, token->seed.b, sizeof token->seed.b);
    gx_wr_u24(w, token->expires_min);
    gx_wr_u8(w, token->uses);
    gx_wr_bytes(w, token->sig.b, sizeof token->sig.b);
    gx_code_close(w, start, &token->hint);
}

void gx_token_format(char out[GX_TOKEN_TEXT_MAX], const struct gx_token *token)
{
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_token_encode(&w, token);
    GX_ASSERT(!w.failed);
    gx_code_format(out, gx_wr_span(&w));
    gx_wipe(bytes, sizeof bytes);
}

enum gx_err gx_token_parse(struct gx_token *out, const char *text)
{
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    memset(out, 0, sizeof *out);
    enum gx_err err = gx_code_parse(&w, text);
    if (err == GX_OK)
        err = gx_token_decode(out, gx_wr_span(&w));
    gx_wipe(bytes, sizeof bytes);
    return err;
}

void gx_token_signed_bytes(uint8_t out[GX_TOKEN_SIGNED_BYTES], const struct gx_token *token, const struct gx_group_id *group,
                           const struct gx_sign_pk *token_pk)
{
    struct gx_wr w = gx_wr(out, GX_TOKEN_SIGNED_BYTES);

    gx_wr_bytes(&w, group->b, sizeof group->b);
    gx_wr_u8(&w, GX_TOKEN_KIND_INVITE);
    gx_wr_bytes(&w, token->group16, sizeof token->group16);
    gx_wr_bytes(&w, token->issuer, sizeof token->issuer);
    gx_wr_bytes(&w, token->as_of, sizeof token->as_of);
    gx_wr_bytes(&w, token_pk->b, sizeof token_pk->b);
    gx_wr_u24(&w, token->expires_min);
    gx_wr_u8(&w, token->uses);
    GX_ASSERT(!w.failed && w.n == GX_TOKEN_SIGNED_BYTES);
}

uint32_t gx_token_expiry_min(uint64_t wall_ms)
{
    if (wall_ms <= GX_TOKEN_EPOCH_MS)
        return 0;
    uint64_t since = wall_ms - GX_TOKEN_EPOCH_MS;
    uint64_t minutes = since / MINUTE_MS + (since % MINUTE_MS != 0);

    return minutes > U24_MAX ? U24_MAX : (uint32_t)minutes;
}

uint64_t gx_token_expiry_ms(uint32_t expires_min)
{
    return GX_TOKEN_EPOCH_MS + (uint64_t)expires_min * MINUTE_MS;
}

bool gx_token_expired(uint32_t expires_min, struct gx_time now)
{
    return !GX_MUTANT(EXPIRED_GOOD) && now.wall_ms >= gx_token_expiry_ms(expires_min);
}
