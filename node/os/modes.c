#include "node/os/modes.h"

static const char *const texts[] = {[GX_MODE_OFF] = "off", [GX_MODE_CONTACTS] = "contacts", [GX_MODE_ON] = "on"};

const char *gx_mode_text(enum gx_mode mode)
{
    return texts[mode];
}

bool gx_mode_read(enum gx_mode *out, const char *text)
{
    for (size_t i = 0; i < GX_ARRAY_LEN(texts); i++)
        if (strcmp(text, texts[i]) == 0) {
            *out = (enum gx_mode)i;
            return true;
        }
    return false;
}
