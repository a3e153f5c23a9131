/* Pictures, as far as they are read outside of the confined child, and what is ours within it.  Neither decoder is fit for hostile bytes (picture.c says
 * so), which is why they have a process of their own: here the parent judges any answer of a child that was taken over, and the child's own arithmetic
 * looks at pictures of any small size. */
#include "tests/fuzz/fuzz.h"

#ifdef ZERO_EVER                /* a planted bug: zeroes are not looked for */
#define memchr(p, c, n) ((void)(p), (void)(n), (void *)NULL)
#endif
#include "node/os/picture.c"       /* all of it is static but the way in, which forks */

/* cap u8 | length of the prefix u8 | prefix | the answer */
static void answer(struct fuzz_in in)
{
    size_t cap = 1 + fuzz_u8(&in);
    char prefix[8] = "";
    struct gx_span text = fuzz_take(&in, fuzz_u8(&in) % sizeof prefix);
    char *out = malloc(cap);

    GX_ASSERT(out != NULL);
    if (text.n > 0)
        memcpy(prefix, text.p, text.n);
    prefix[text.n] = 0;
    out[0] = 0;
    enum gx_err err = judge(out, cap, in.p, in.left, prefix);
    GX_ASSERT(err < GX_ERR_COUNT);
    if (err == GX_OK)
        GX_ASSERT(strlen(out) == in.left - 1 && strncmp(out, prefix, strlen(prefix)) == 0 && memcmp(out, in.p + 1, in.left - 1) == 0);
    else
        GX_ASSERT(out[0] == 0);
    free(out);
}

/* What the scanner found, in any order and number: the first that counts is kept, whole, and another one is seen to be another. */
static void codes(struct fuzz_in in)
{
    char out[64];
    struct found found = {.out = out, .cap = 1 + fuzz_u8(&in) % sizeof out, .prefix = (fuzz_u8(&in) & 1) != 0 ? "GX" : ""};

    out[0] = 0;
    while (in.left > 0) {
        struct gx_span code = fuzz_take(&in, fuzz_u8(&in));
        char *exact = malloc(code.n + 1);

        GX_ASSERT(exact != NULL);
        if (code.n > 0)
            memcpy(exact, code.p, code.n);
        note(&found, exact, code.n);
        free(exact);
    }
    GX_ASSERT(found.n == 0 || (strlen(out) > 0 && strlen(out) < found.cap && strncmp(out, found.prefix, strlen(found.prefix)) == 0));
}

/* Width and height u8 | channels | pixels: every look that suits stays within the picture. */
static void looks(struct fuzz_in in)
{
    static const struct look all[] = {{1, 1, false}, {2, 1, false}, {3, 1, false}, {4, 1, false}, {1, 1, true}, {1, 2, false}, {1, 4, false}, {1, 8, false}};
    struct grey g = {.w = 1u + fuzz_u8(&in) % 80u, .h = 1u + fuzz_u8(&in) % 20u}, copy;
    int channels = (fuzz_u8(&in) & 1) + 1;
    unsigned which = fuzz_u8(&in);
    size_t n = g.w * g.h;
    uint8_t *raw = calloc(n, (size_t)channels);

    g.pixels = malloc(n);
    GX_ASSERT(raw != NULL && g.pixels != NULL);
    struct gx_span bytes = fuzz_take(&in, n * (size_t)channels);
    if (bytes.n > 0)
        memcpy(raw, bytes.p, bytes.n);
    (void)flatten(g.pixels, raw, n, channels, which % 2 == 0 ? 0 : 255);
    const struct look *look = &all[which % GX_ARRAY_LEN(all)];
    if (suits(look, &g)) {
        GX_ASSERT(view(&copy, &g, look, (which & 64) != 0) == GX_OK && copy.w > 2 * BORDER && copy.h > 2 * BORDER);
        free(copy.pixels);
    }
    free(raw);
    free(g.pixels);
}

/* A PNG that declares too many pixels is refused before the decoder sees it. */
static void header(struct gx_span file)
{
    if (absurd_png(file))
        GX_ASSERT(file.n >= 24 && (uint64_t)u32_at(file.p + 16) * u32_at(file.p + 20) > PIXELS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};

    header(gx_span(data, size));
    switch (fuzz_u8(&in) % 3) {
    case 0:
        answer(in);
        break;
    case 1:
        codes(in);
        break;
    default:
        looks(in);
    }
    return 0;
}
