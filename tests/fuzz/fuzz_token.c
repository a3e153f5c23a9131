/* The code of an invitation or a card, as text and as bytes.  What is taken is written again as it was. */
#include "proto/card.h"
#include "tests/fuzz/fuzz.h"

static void as_text(const uint8_t *data, size_t size)
{
    char text[GX_TOKEN_TEXT_MAX], again[GX_TOKEN_TEXT_MAX];
    struct gx_token token;
    struct gx_card_code card;

    if (size >= sizeof text)
        return;
    memcpy(text, data, size);
    text[size] = 0;
    uint8_t kind = gx_code_kind(text);
    enum gx_err as_token = gx_token_parse(&token, text), as_card = gx_card_parse(&card, text);
    GX_ASSERT(as_token != GX_OK || kind == GX_TOKEN_KIND_INVITE);
    GX_ASSERT(as_card != GX_OK || kind == GX_TOKEN_KIND_CARD);
    if (as_token != GX_OK && as_card != GX_OK)
        return;
    if (as_token == GX_OK)
        gx_token_format(again, &token);
    else
        gx_card_format(again, &card);
    GX_ASSERT(strstr(text, again) != NULL);        /* white space around it is dropped */
}

static void as_bytes(const uint8_t *data, size_t size)
{
    uint8_t again[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(again, sizeof again);
    struct gx_token token;
    struct gx_card_code card;

    if (gx_token_decode(&token, gx_span(data, size)) == GX_OK)
        gx_token_encode(&w, &token);
    else if (gx_card_decode(&card, gx_span(data, size)) == GX_OK)
        gx_card_encode(&w, &card);
    else
        return;
    GX_ASSERT(gx_span_equal(gx_wr_span(&w), gx_span(data, size)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_text(data, size);
    as_bytes(data, size);
    return 0;
}
