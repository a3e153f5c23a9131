#include "proto/token.h"

#include "crypto/hash.h"

#define TEXT_PREFIX "GX1:"
#define TEXT_PREFIX_CHARS 4u
#define TOKEN_BYTES_PLAIN 121u
#define TOKEN_BYTES_HINT 128u
#define CHECK_BYTES 4u
#define MINUTE_MS 60000u
#define U24_MAX 0xffffffu

static_assert(TOKEN_BYTES_HINT <= GX_TOKEN_BYTES_MAX, "a token with a hint is still easy to scan");
static_assert(TEXT_PREFIX_CHARS + (GX_TOKEN_BYTES_MAX * 8u + 4u) / 5u < GX_TOKEN_TEXT_MAX, "the text form fits");

static void check_hash(uint8_t out[CHECK_BYTES], struct gx_span before)
{
    uint8_t full[32];

    gx_hash(full, "gx-token-check", before);
    memcpy(out, full, CHECK_BYTES);
}

/* family u8 = 4 | ip[4] | port u16 */
static void hint_read(struct gx_rd *r, struct gx_addr *out)
{
    out->family = gx_rd_u8(r);
    gx_rd_bytes(r, out->ip, 4);
    out->port = gx_rd_u16(r);
    if (out->family != 4 || out->port == 0)
        gx_rd_fail(r);
}

enum gx_err gx_token_decode(struct gx_token *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    uint8_t check[CHECK_BYTES];

    memset(out, 0, sizeof *out);
    uint8_t kind = gx_rd_u8(&r);
    if (r.failed || kind == 0)
        return GX_E_MALFORMED;
    if (kind != GX_TOKEN_KIND_INVITE)
        return GX_E_VERSION;
    if (bytes.n != TOKEN_BYTES_PLAIN && bytes.n != TOKEN_BYTES_HINT)
        return GX_E_MALFORMED;
    check_hash(check, gx_span(bytes.p, bytes.n - CHECK_BYTES));
    if (memcmp(check, bytes.p + bytes.n - CHECK_BYTES, CHECK_BYTES) != 0)
        return GX_E_SIGNATURE;

    gx_rd_bytes(&r, out->group16, sizeof out->group16);
    gx_rd_bytes(&r, out->issuer, sizeof out->issuer);
    gx_rd_bytes(&r, out->as_of, sizeof out->as_of);
    gx_rd_bytes(&r, out->seed.b, sizeof out->seed.b);
    out->expires_min = gx_rd_u24(&r);
    out->uses = gx_rd_u8(&r);
    gx_rd_bytes(&r, out->sig.b, sizeof out->sig.b);
    if (bytes.n == TOKEN_BYTES_HINT)
        hint_read(&r, &out->hint);
    gx_rd_bytes(&r, check, CHECK_BYTES);
    enum gx_err err = gx_rd_finish(&r);
    if (err != GX_OK)
        gx_wipe(out, sizeof *out);
    return err;
}

void gx_token_encode(struct gx_wr *w, const struct gx_token *token)
{
    size_t start = w->n;
    uint8_t check[CHECK_BYTES];

    GX_ASSERT(token->hint.family == 0 || (token->hint.family == 4 && token->hint.port != 0));
    gx_wr_u8(w, GX_TOKEN_KIND_INVITE);
    gx_wr_bytes(w, token->group16, sizeof token->group16);
    gx_wr_bytes(w, token->issuer, sizeof token->issuer);
    gx_wr_bytes(w, token->as_of, sizeof token->as_of);
    gx_wr_bytes(w, token->seed.b, sizeof token->seed.b);
    gx_wr_u24(w, token->expires_min);
    gx_wr_u8(w, token->uses);
    gx_wr_bytes(w, token->sig.b, sizeof token->sig.b);
    if (token->hint.family == 4) {
        gx_wr_u8(w, token->hint.family);
        gx_wr_bytes(w, token->hint.ip, 4);
        gx_wr_u16(w, token->hint.port);
    }
    if (w->failed)
        return;
    check_hash(check, gx_span(w->p + start, w->n - start));
    gx_wr_bytes(w, check, sizeof check);
}

static const char base32_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* RFC 4648 without padding.  The left-over bits of the last digit are zero. */
static size_t base32_encode(char *out, struct gx_span in)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        bits = (bits << 8 | in.p[i]) & 0xfffu;
        have += 8;
        while (have >= 5) {
            have -= 5;
            out[n++] = base32_digits[bits >> have & 31];
        }
    }
    if (have > 0)
        out[n++] = base32_digits[bits << (5 - have) & 31];
    return n;
}

/* The inverse, of exactly that form: no whole digit left over and no bit set in what is left of the last. */
static bool base32_decode(struct gx_wr *out, const char *text, size_t n)
{
    uint32_t bits = 0;
    unsigned have = 0;

    for (size_t i = 0; i < n; i++) {
        const char *digit = memchr(base32_digits, text[i], 32);

        if (digit == NULL)
            return false;
        bits = (bits << 5 | (uint32_t)(digit - base32_digits)) & 0xfffu;
        have += 5;
        if (have >= 8) {
            have -= 8;
            gx_wr_u8(out, (uint8_t)(bits >> have));
        }
    }
    return !out->failed && have < 5 && (bits & ((1u << have) - 1)) == 0;
}

void gx_token_format(char out[GX_TOKEN_TEXT_MAX], const struct gx_token *token)
{
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_token_encode(&w, token);
    GX_ASSERT(!w.failed);
    memcpy(out, TEXT_PREFIX, TEXT_PREFIX_CHARS);
    out[TEXT_PREFIX_CHARS + base32_encode(out + TEXT_PREFIX_CHARS, gx_wr_span(&w))] = 0;
    gx_wipe(bytes, sizeof bytes);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

enum gx_err gx_token_parse(struct gx_token *out, const char *text)
{
    uint8_t bytes[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    enum gx_err err = GX_E_MALFORMED;

    memset(out, 0, sizeof *out);
    while (is_blank(*text))
        text++;
    size_t n = strlen(text);
    while (n > 0 && is_blank(text[n - 1]))
        n--;

    if (n < TEXT_PREFIX_CHARS || text[0] != 'G' || text[1] != 'X' || text[3] != ':')
        return GX_E_MALFORMED;
    if (text[2] != '1')
        return text[2] >= '0' && text[2] <= '9' ? GX_E_VERSION : GX_E_MALFORMED;
    if (base32_decode(&w, text + TEXT_PREFIX_CHARS, n - TEXT_PREFIX_CHARS))
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
    return now.wall_ms >= gx_token_expiry_ms(expires_min);
}
