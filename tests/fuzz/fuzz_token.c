/* A token as text when the input begins like one, else as bytes.  What is taken is written again as it was. */
#include "proto/token.h"
#include "tests/fuzz/fuzz.h"

static void as_text(const uint8_t *data, size_t size)
{
    char text[GX_TOKEN_TEXT_MAX], again[GX_TOKEN_TEXT_MAX];
    struct gx_token token;

    if (size >= sizeof text)
        return;
    memcpy(text, data, size);
    text[size] = 0;
    if (gx_token_parse(&token, text) != GX_OK)
        return;
    gx_token_format(again, &token);
    GX_ASSERT(strstr(text, again) != NULL);        /* white space around it is dropped */
}

static void as_bytes(const uint8_t *data, size_t size)
{
    uint8_t again[GX_TOKEN_BYTES_MAX];
    struct gx_wr w = gx_wr(again, sizeof again);
    struct gx_token token;

    if (gx_token_decode(&token, gx_span(data, size)) != GX_OK)
        return;
    gx_token_encode(&w, &token);
    GX_ASSERT(gx_span_equal(gx_wr_span(&w), gx_span(data, size)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_text(data, size);
    as_bytes(data, size);
    return 0;
}
