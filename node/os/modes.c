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

#define INTERFACE_BYTES 16u         /* IF_NAMESIZE */

static bool is_router(const char *name)
{
    return strchr(name, ':') != NULL;       /* which no interface has in its name */
}

static bool router_name(char out[GX_NETWORK_BYTES], const char *text)
{
    if (strlen(text) != GX_NETWORK_BYTES - 1)
        return false;
    for (size_t i = 0; i < GX_NETWORK_BYTES - 1; i++) {
        char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];

        if (i % 3 == 2 ? c != ':' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        out[i] = c;
    }
    out[GX_NETWORK_BYTES - 1] = 0;
    return true;
}

bool gx_network_name(char out[GX_NETWORK_BYTES], const char *text)
{
    size_t n = strlen(text);

    if (is_router(text))
        return router_name(out, text);
    /* As Linux has it (dev_valid_name). */
    if (n == 0 || n >= INTERFACE_BYTES || strpbrk(text, "/ \t\n\v\f\r") != NULL || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    memcpy(out, text, n + 1);
    return true;
}

int gx_modes_find(const struct gx_modes *modes, const char *name)
{
    for (size_t i = 0; i < modes->n; i++)
        if (strcmp(modes->named[i].network, name) == 0)
            return (int)i;
    return -1;
}

enum gx_mode gx_modes_of(const struct gx_modes *modes, const char *interface, const char *router)
{
    int at = gx_modes_find(modes, router);

    if (at < 0)
        at = gx_modes_find(modes, interface);
    return at < 0 ? modes->usual : modes->named[at].mode;
}

enum gx_mode gx_modes_most(const struct gx_modes *modes)
{
    enum gx_mode most = modes->usual;

    for (size_t i = 0; i < modes->n; i++)
        if (modes->named[i].mode > most)
            most = modes->named[i].mode;
    return most;
}

bool gx_modes_by_router(const struct gx_modes *modes)
{
    for (size_t i = 0; i < modes->n; i++)
        if (is_router(modes->named[i].network))
            return true;
    return false;
}
