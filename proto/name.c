#include "proto/name.h"

#include "proto/utf8.h"
#include <string.h>

/* The blanks people type: ASCII, no-break space (c2 a0), ideographic space (e3 80 80). */
static size_t blank(const uint8_t *p, size_t n)
{
    if (p[0] <= ' ')
        return 1;
    if (n >= 2 && p[0] == 0xc2 && p[1] == 0xa0)
        return 2;
    return n >= 3 && p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80 ? 3 : 0;
}

bool gx_name_ok(const char *name, size_t max)
{
    const uint8_t *p = (const uint8_t *)name;
    size_t n = strlen(name), i = 0;

    if (n == 0 || n > max || !gx_utf8_ok(gx_span(p, n)))
        return false;
    while (i < n) {
        size_t step = blank(p + i, n - i);

        if (step == 0)
            return true;
        i += step;
    }
    return false;
}

bool gx_name_plain(const char *name)
{
    char shown[3 * GX_NAME_BYTES_MAX + 1];

    gx_utf8_show(shown, sizeof shown, gx_span(name, strlen(name)), true);
    return strcmp(shown, name) == 0 && strpbrk(name, "\t\n") == NULL;
}
