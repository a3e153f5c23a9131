/* An address as it is typed, pasted or configured.  What is taken has one form that is taken as the same address. */
#include "proto/addr.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), form[GX_ADDR_TEXT_BYTES];
    struct gx_addr addr, again;

    enum gx_err strict = gx_addr_parse(&addr, text, false), err = gx_addr_parse(&again, text, true);
    GX_ASSERT(strict == GX_OK ? err == GX_OK && gx_addr_equal(&addr, &again) && addr.port != 0 : err != GX_OK || again.port == 0);
    if (err == GX_OK) {
        addr = again;
        gx_addr_format(form, &addr);
        GX_ASSERT(gx_addr_parse(&again, form, true) == GX_OK && gx_addr_equal(&addr, &again));
        /* Of IPv4 there is no second form. */
        GX_ASSERT(addr.family == 6 || strcmp(form, text) == 0);
    }
    free(text);
    return 0;
}
