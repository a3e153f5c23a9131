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

/* As Linux has it (dev_valid_name). */
bool gx_network_name_ok(const char *name)
{
    return name[0] != 0 && strlen(name) < GX_NETWORK_BYTES && strpbrk(name, "/: \t\n\v\f\r") == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int gx_modes_find(const struct gx_modes *modes, const char *name)
{
    for (size_t i = 0; i < modes->n; i++)
        if (strcmp(modes->named[i].network, name) == 0)
            return (int)i;
    return -1;
}

enum gx_mode gx_modes_of(const struct gx_modes *modes, const char *interface)
{
    int at = gx_modes_find(modes, interface);

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
