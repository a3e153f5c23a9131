/* Text from strangers: names, titles, messages.  What is shown is well formed, fits, and holds nothing that a terminal obeys; shown again it is the same. */
#include "proto/ids.h"
#include "proto/looks.h"
#include "proto/name.h"
#include "proto/utf8.h"
#include "tests/fuzz/fuzz.h"

/* Characters that a terminal obeys or that turn the direction of what follows, listed here once more. */
static bool is_obeyed(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e || cp == 0x200f ||
           cp == 0x061c || cp == 0xfeff;
}

static void harmless(const char *shown, size_t n, bool lines)
{
    for (size_t i = 0; i < n;) {
        uint32_t cp = 0;
        size_t step = gx_utf8_char(&cp, gx_span(shown + i, n - i));

        GX_ASSERT(step > 0);
        GX_ASSERT(!is_obeyed(cp) || (lines && (cp == '\n' || cp == '\t')));
        i += step;
    }
}

static void show(struct gx_span text, size_t cap, bool lines)
{
    char *once = malloc(cap), *twice = malloc(cap);

    GX_ASSERT(once != NULL && twice != NULL);
    size_t n = gx_utf8_show(once, cap, text, lines);
    GX_ASSERT(n < cap && strlen(once) == n);
    harmless(once, n, lines);
    GX_ASSERT(gx_utf8_show(twice, cap, gx_span(once, n), lines) == n && strcmp(once, twice) == 0);
    free(once);
    free(twice);
}

static void fit(const char *text, size_t columns)
{
    size_t n = gx_utf8_fit(text, columns), all = strlen(text);
    char *head = fuzz_text((const uint8_t *)text, n);

    GX_ASSERT(n <= all && gx_utf8_width(head) <= columns);
    GX_ASSERT(n == all || gx_utf8_width(text) > columns);
    free(head);
}

/* Case and what is not seen make no difference to the skeleton. */
static void look(const char *name)
{
    char plain[GX_LOOKS_BYTES_MAX], other[GX_LOOKS_BYTES_MAX], changed[GX_NAME_BYTES_MAX + 1];
    size_t n = strlen(name);

    gx_looks_skeleton(plain, name);
    GX_ASSERT(strlen(plain) < sizeof plain && gx_utf8_ok(gx_span(plain, strlen(plain))));
    GX_ASSERT(n == 0 || gx_looks_odd(name) || (gx_name_ok(name, GX_NAME_BYTES_MAX) && gx_name_plain(name)));
    if (n + 3 > GX_NAME_BYTES_MAX)
        return;
    memcpy(changed, "\xe2\x80\x8b", 3);
    for (size_t i = 0; i <= n; i++)
        changed[3 + i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
    gx_looks_skeleton(other, changed);
    GX_ASSERT(strcmp(plain, other) == 0);
}

static void hex(const char *text)
{
    uint8_t bytes[8];
    char again[GX_HEX_BYTES(sizeof bytes)];

    if (!gx_unhex(bytes, sizeof bytes, text))
        return;
    gx_hex(again, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof again; i++)
        GX_ASSERT(again[i] == (text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    size_t cap = 1 + fuzz_u8(&in);
    bool lines = (cap & 1) != 0;
    char *text = fuzz_text(in.p, in.left);

    show(gx_span(in.p, in.left), cap, lines);
    show(gx_span(in.p, in.left), 3 * in.left + 1, !lines);
    fit(text, cap);
    look(text);
    hex(text);
    GX_ASSERT(!gx_name_ok(text, 64) || (gx_utf8_ok(gx_span(text, strlen(text))) && strlen(text) <= 64));
    free(text);
    return 0;
}
