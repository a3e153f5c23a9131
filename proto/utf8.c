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

size_t gx_utf8_char(uint32_t *cp, struct gx_span text)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *p = text.p;
    size_t left = text.n;
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
        size_t n = gx_utf8_char(&cp, gx_span(text.p + i, text.n - i));

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

bool gx_utf8_is(uint32_t cp, enum gx_utf8_kind kind)
{
    static const struct {
        const struct range *ranges;
        size_t n;
    } tables[] = {
        [GX_UTF8_HIDDEN] = {hidden_ranges, GX_ARRAY_LEN(hidden_ranges)},
        [GX_UTF8_UNASSIGNED] = {unassigned_ranges, GX_ARRAY_LEN(unassigned_ranges)},
        [GX_UTF8_MARK] = {zero_ranges, GX_ARRAY_LEN(zero_ranges)},
        [GX_UTF8_PICTURE] = {picture_ranges, GX_ARRAY_LEN(picture_ranges)},
        [GX_UTF8_LATIN] = {latin_ranges, GX_ARRAY_LEN(latin_ranges)},
        [GX_UTF8_GREEK] = {greek_ranges, GX_ARRAY_LEN(greek_ranges)},
        [GX_UTF8_CYRILLIC] = {cyrillic_ranges, GX_ARRAY_LEN(cyrillic_ranges)},
    };

    if (!in_ranges(cp, tables[kind].ranges, tables[kind].n))
        return false;
    /* Vowels and finals of Hangul are letters, and what does not show is drawn on nothing. */
    return kind != GX_UTF8_MARK || (!(cp >= 0x1160 && cp <= 0x11ff) && !in_ranges(cp, hidden_ranges, GX_ARRAY_LEN(hidden_ranges)));
}

/* Persian, the scripts of India and families of emoji are not written without the two joiners; a name can do without. */
static bool is_joiner(uint32_t cp)
{
    return cp == 0x200c || cp == 0x200d;
}

static bool may_show(uint32_t cp, bool keep_newlines)
{
    if (cp == '\n' || cp == '\t' || is_joiner(cp))
        return keep_newlines;
    return !gx_utf8_is(cp, GX_UTF8_HIDDEN) && !gx_utf8_is(cp, GX_UTF8_UNASSIGNED);
}

size_t gx_utf8_show(char *out, size_t cap, struct gx_span text, bool keep_newlines)
{
    size_t done = 0, marks = 0;
    bool joined = false;                /* the last one shown is a joiner: nobody writes two */

    GX_ASSERT(cap >= 1);
    for (size_t i = 0; i < text.n;) {
        uint32_t cp = 0;
        size_t n = gx_utf8_char(&cp, gx_span(text.p + i, text.n - i));
        bool good = n > 0 && may_show(cp, keep_newlines) && !(joined && is_joiner(cp));
        const void *bytes = good ? (const void *)(text.p + i) : REPLACEMENT;
        size_t len = good ? n : sizeof REPLACEMENT - 1;

        i += n > 0 ? n : 1;
        /* A joiner is seen through: it does not begin a new tower. */
        if (good && gx_utf8_is(cp, GX_UTF8_MARK))
            marks++;
        else if (!good || !is_joiner(cp))
            marks = 0;
        if (marks > GX_UTF8_MARKS_MAX)
            continue;
        if (len > cap - 1 - done)
            break;
        memcpy(out + done, bytes, len);
        done += len;
        joined = good && is_joiner(cp);
    }
    out[done] = 0;
    return done;
}

/* Columns of the first character, its length in *n: a byte that is no character as it would be shown. */
static size_t char_width(size_t *n, struct gx_span text)
{
    uint32_t cp = 0xfffd;

    *n = gx_utf8_char(&cp, text);
    *n = *n > 0 ? *n : 1;
    if (in_ranges(cp, wide_ranges, GX_ARRAY_LEN(wide_ranges)))
        return 2;
    return cp >= 0x20 && cp != 0x7f && !in_ranges(cp, zero_ranges, GX_ARRAY_LEN(zero_ranges)) ? 1 : 0;
}

size_t gx_utf8_width(const char *text)
{
    size_t width = 0;

    for (size_t i = 0, n, left = strlen(text); i < left; i += n)
        width += char_width(&n, gx_span(text + i, left - i));
    return width;
}

size_t gx_utf8_fit(const char *text, size_t columns)
{
    size_t i = 0, n = 0, width = 0;

    for (size_t all = strlen(text); i < all; i += n) {
        width += char_width(&n, gx_span(text + i, all - i));
        if (width > columns)
            break;
    }
    return i;
}
