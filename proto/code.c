#include "proto/code.h"

#include "crypto/hash.h"

#define TEXT_PREFIX "GX1:"
#define TEXT_PREFIX_CHARS 4u
#define HINT_BYTES 7u
#define CHECK_BYTES 4u

static_assert(TEXT_PREFIX_CHARS + (GX_TOKEN_BYTES_MAX * 8u + 4u) / 5u < GX_TOKEN_TEXT_MAX, "the text form fits");

static void check_hash(uint8_t out[CHECK_BYTES], struct gx_span before)
{
    uint8_t full[32];

    gx_hash(full, "gx-token-check", before);
    memcpy(out, full, CHECK_BYTES);
}

enum gx_err gx_code_begin(struct gx_rd *r, struct gx_span bytes, uint8_t kind, size_t n_plain)
{
    uint8_t check[CHECK_BYTES];

    *r = gx_rd(bytes);
    uint8_t found = gx_rd_u8(r);
    if (r->failed || found == 0)
        return GX_E_MALFORMED;
    if (found != kind)
        return GX_E_VERSION;
    if (bytes.n != n_plain && bytes.n != n_plain + HINT_BYTES)
        return GX_E_MALFORMED;
    struct gx_span before = gx_span(bytes.p, bytes.n - CHECK_BYTES);
    check_hash(check, before);
    if (memcmp(check, bytes.p + before.n, CHECK_BYTES) != 0)
        return GX_E_SIGNATURE;
    r->left -= CHECK_BYTES;
    return GX_OK;
}

/* family u8 = 4 | ip[4] | port u16 */
enum gx_err gx_code_end(struct gx_rd *r, struct gx_addr *hint)
{
    if (r->left > 0) {
        hint->family = gx_rd_u8(r);
        gx_rd_bytes(r, hint->ip, 4);
        hint->port = gx_rd_u16(r);
        if (hint->family != 4 || hint->port == 0)
            gx_rd_fail(r);
    }
    return gx_rd_finish(r);
}

void gx_code_close(struct gx_wr *w, size_t start, const struct gx_addr *hint)
{
    uint8_t check[CHECK_BYTES];

    GX_ASSERT(hint->family == 0 || (hint->family == 4 && hint->port != 0));
    if (hint->family == 4) {
        gx_wr_u8(w, hint->family);
        gx_wr_bytes(w, hint->ip, 4);
        gx_wr_u16(w, hint->port);
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

void gx_code_format(char out[GX_TOKEN_TEXT_MAX], struct gx_span bytes)
{
    GX_ASSERT(bytes.n <= GX_TOKEN_BYTES_MAX);
    memcpy(out, TEXT_PREFIX, TEXT_PREFIX_CHARS);
    out[TEXT_PREFIX_CHARS + base32_encode(out + TEXT_PREFIX_CHARS, bytes)] = 0;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

enum gx_err gx_code_parse(struct gx_wr *out, const char *text)
{
    while (is_blank(*text))
        text++;
    size_t n = strlen(text);
    while (n > 0 && is_blank(text[n - 1]))
        n--;

    if (n < TEXT_PREFIX_CHARS || text[0] != 'G' || text[1] != 'X' || text[3] != ':')
        return GX_E_MALFORMED;
    if (text[2] != '1')
        return text[2] >= '0' && text[2] <= '9' ? GX_E_VERSION : GX_E_MALFORMED;
    return base32_decode(out, text + TEXT_PREFIX_CHARS, n - TEXT_PREFIX_CHARS) ? GX_OK : GX_E_MALFORMED;
}
