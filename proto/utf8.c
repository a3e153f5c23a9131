#include "proto/utf8.h"

#include "proto/utf8_tables.h"

#define REPLACEMENT "\xef\xbf\xbd"        /* U+FFFD */

/* Characters that do not show, or that change how their neighbours show: no honest text loses by having them marked.  Fillers and
 * joiners make two names look the same that are not. */
static const struct range hidden_ranges[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c},
    {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe00ff},
};

/* Length of the well-formed character at p, its code point in *cp; 0 when there is none. */
static size_t char_at(uint32_t *cp, const uint8_t *p, size_t left)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = left > 0 ? p[0] : 0x80;
    size_t n = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;

    if (n == 0 || n > left)
        return 0;
    uint32_t v = n == 1 ? lead : lead & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3fu);
    }
    if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return 0;
    *cp = v;
    return n;
}

bool gx_utf8_ok(struct gx_span text)
{
    for (size_t i = 0; i < text.n;) {
        uint32_t cp = 0;
        size_t n = char_at(&cp, text.p + i, text.n - i);

        if (n == 0 || cp == 0)
            return false;
        i += n;
    }
    return true;
}

static bool in_ranges(uint32_t cp, const struct range *ranges, size_t n)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = low + (n - low) / 2;

        if (cp < ranges[mid].first)
            n = mid;
        else if (cp > ranges[mid].last)
            low = mid + 1;
        else
            return true;
    }
    return false;
}

static bool may_show(uint32_t cp, bool keep_newlines)
{
    if (cp == '\n' || cp == '\t')
        return keep_newlines;
    /* Persian, the scripts of India and families of emoji are not written without the two joiners; a name can do without. */
    if (cp == 0x200c || cp == 0x200d)
        return keep_newlines;
    return !in_ranges(cp, hidden_ranges, GX_ARRAY_LEN(hidden_ranges));
}

size_t gx_utf8_show(char *out, size_t cap, struct gx_span text, bool keep_newlines)
{
    size_t done = 0;

    GX_ASSERT(cap >= 1);
    for (size_t i = 0; i < text.n;) {
        uint32_t cp = 0;
        size_t n = char_at(&cp, text.p + i, text.n - i);
        bool good = n > 0 && may_show(cp, keep_newlines);
        const void *bytes = good ? (const void *)(text.p + i) : REPLACEMENT;
        size_t len = good ? n : sizeof REPLACEMENT - 1;

        if (len > cap - 1 - done)
            break;
        memcpy(out + done, bytes, len);
        done += len;
        i += n > 0 ? n : 1;
    }
    out[done] = 0;
    return done;
}

size_t gx_utf8_width(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t left = strlen(text), width = 0;

    while (left > 0) {
        uint32_t cp = 0xfffd;        /* for a byte that is no character, as it would be shown */
        size_t n = char_at(&cp, p, left);

        if (in_ranges(cp, wide_ranges, GX_ARRAY_LEN(wide_ranges)))
            width += 2;
        else if (cp >= 0x20 && cp != 0x7f && !in_ranges(cp, zero_ranges, GX_ARRAY_LEN(zero_ranges)))
            width += 1;
        n = n > 0 ? n : 1;
        p += n;
        left -= n;
    }
    return width;
}
