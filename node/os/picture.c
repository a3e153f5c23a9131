#include "node/os/qr.h"

#include "node/os/confine.h"

#include <stdlib.h>
#include <zbar.h>

#define FILE_BYTES_MAX (16u * 1024u * 1024u)
#define PIXELS_MAX (40u * 1000u * 1000u)
#define LARGE_PIXELS (4u * 1000u * 1000u)       /* above: a photograph, whose halved copy is read sooner and as well */
#define ENLARGED_PIXELS_MAX (4u * 1000u * 1000u) /* only small pictures have modules too small to see */
#define CHILD_SECONDS_MAX 30u                    /* of processor time; the largest picture takes a few */
#define BORDER 16                               /* white pixels put around: a code cut out without its margin is found too */

/* The decoder grows its buffer with what a PNG inflates to, whatever size was declared: 16 MiB could become 4 GiB.  So its heap has a bound,
 * set from the declared size before each decoding (in a process of its own: see the end). */
static size_t decoder_block_max;

static void *decoder_malloc(size_t n)
{
    return n > decoder_block_max ? NULL : malloc(n);
}

static void *decoder_realloc(void *p, size_t n)
{
    return n > decoder_block_max ? NULL : realloc(p, n);
}

/* The header declares more than it then defines; gcc looks at that at the end of the file, so this cannot be popped. */
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_MALLOC(n) decoder_malloc(n)
#define STBI_REALLOC(p, n) decoder_realloc(p, n)
#define STBI_FREE(p) free(p)
#include <stb_image.h>

/* Grey, 8 bit, rows from the top. */
struct grey {
    size_t w, h;
    uint8_t *pixels;
};

/* What was found so far. */
struct found {
    char *out;
    size_t cap;
    const char *prefix;
    size_t n;               /* different codes that count */
    bool too_long;
};

/* One way to look at a picture. */
struct look {
    uint8_t enlarge, reduce;
    bool blur;
};

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool too_many_pixels(uint32_t w, uint32_t h)
{
    return (uint64_t)w * h > PIXELS_MAX;
}

/* The decoder calls a PNG of absurd size an unknown format: look for ourselves. */
static bool absurd_png(struct gx_span file)
{
    static const uint8_t start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};

    return file.n >= sizeof start + 8 && memcmp(file.p, start, sizeof start) == 0 &&
           too_many_pixels(u32_at(file.p + sizeof start), u32_at(file.p + sizeof start + 4));
}

/* Refuses by what the header declares, before a pixel is decoded. */
static enum gx_err measure(struct gx_span file, size_t *w, size_t *h, int *channels)
{
    int iw = 0, ih = 0;

    if (absurd_png(file))
        return GX_E_TOO_BIG;
    decoder_block_max = 1u << 20;               /* the decoder's own state: a header holds nothing large */
    if (!stbi_info_from_memory(file.p, (int)file.n, &iw, &ih, channels) || iw <= 0 || ih <= 0)
        return GX_E_MALFORMED;
    *w = (size_t)iw;
    *h = (size_t)ih;
    return too_many_pixels((uint32_t)iw, (uint32_t)ih) ? GX_E_TOO_BIG : GX_OK;
}

/* Decode to grey (1) or to grey and alpha (2), interleaved.  `raw` is freed by the caller. */
static enum gx_err decode(uint8_t **raw, struct gx_span file, size_t w, size_t h, int channels)
{
    int iw = 0, ih = 0, had = 0;

    /* 8 bytes a pixel is 16-bit RGBA; a JPEG pads to whole blocks of 16 and more; twice, because the inflater doubles its buffer. */
    decoder_block_max = 2 * 8 * (w + 64) * (h + 64) + (1u << 20);
    *raw = stbi_load_from_memory(file.p, (int)file.n, &iw, &ih, &had, channels);
    if (*raw == NULL)
        return strcmp(stbi_failure_reason(), "outofmem") == 0 ? GX_E_MEMORY : GX_E_MALFORMED;
    if ((size_t)iw != w || (size_t)ih != h) {
        free(*raw);
        *raw = NULL;
        return GX_E_MALFORMED;
    }
    return GX_OK;
}

/* Lay grey and alpha on a ground of one colour; says whether anything shone through. */
static bool flatten(uint8_t *pixels, const uint8_t *raw, size_t n, int channels, unsigned ground)
{
    bool shone = false;

    if (channels == 1) {
        memcpy(pixels, raw, n);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned grey = raw[2 * i], alpha = raw[2 * i + 1];

        shone = shone || alpha != 255;
        pixels[i] = (uint8_t)((grey * alpha + ground * (255 - alpha)) / 255);
    }
    return shone;
}

/* The mean of the k by k pixels at (x, y). */
static uint8_t mean(const struct grey *g, size_t x, size_t y, size_t k)
{
    unsigned sum = 0;

    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            sum += g->pixels[(y + i) * g->w + x + j];
    return (uint8_t)(sum / (k * k));
}

static uint8_t seen(const struct grey *g, const struct look *look, size_t x, size_t y)
{
    if (look->blur)
        return mean(g, x, y, 3);
    if (look->reduce > 1)
        return mean(g, x * look->reduce, y * look->reduce, look->reduce);
    return g->pixels[y / look->enlarge * g->w + x / look->enlarge];
}

/* A copy as `look` sees it, black on white if the code is white on black (inverted), with a white border. */
static enum gx_err view(struct grey *out, const struct grey *g, const struct look *look, bool inverted)
{
    size_t w = g->w * look->enlarge / look->reduce - (look->blur ? 2 : 0);
    size_t h = g->h * look->enlarge / look->reduce - (look->blur ? 2 : 0);
    size_t row = w + 2 * BORDER, n = row * (h + 2 * BORDER);
    uint8_t flip = inverted ? 0xff : 0;

    *out = (struct grey){.w = row, .h = h + 2 * BORDER, .pixels = malloc(n)};
    if (out->pixels == NULL)
        return GX_E_MEMORY;
    memset(out->pixels, 0xff, n);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            out->pixels[(y + BORDER) * row + x + BORDER] = seen(g, look, x, y) ^ flip;
    return GX_OK;
}

/* Does `look` make sense for a picture of this size? */
static bool suits(const struct look *look, const struct grey *g)
{
    size_t pixels = g->w * g->h, smaller = g->w < g->h ? g->w : g->h;

    if (look->enlarge > 1)
        return pixels * look->enlarge * look->enlarge <= ENLARGED_PIXELS_MAX;
    return smaller >= 64u * (look->reduce - 1u) && smaller > 3;
}

static void note(struct found *found, const char *data, size_t n)
{
    size_t prefix = strlen(found->prefix);

    if (n == 0 || n < prefix || memcmp(data, found->prefix, prefix) != 0 || memchr(data, 0, n) != NULL)
        return;
    if (n >= found->cap) {
        found->too_long = true;
        return;
    }
    if (found->n > 0 && strlen(found->out) == n && memcmp(found->out, data, n) == 0)
        return;
    if (found->n++ > 0)
        return;
    memcpy(found->out, data, n);
    found->out[n] = 0;
}

static enum gx_err scan(struct found *found, zbar_image_scanner_t *scanner, const struct grey *g)
{
    zbar_image_t *image = zbar_image_create();

    if (image == NULL)
        return GX_E_MEMORY;
    zbar_image_set_format(image, zbar_fourcc('Y', '8', '0', '0'));
    zbar_image_set_size(image, (unsigned)g->w, (unsigned)g->h);
    zbar_image_set_data(image, g->pixels, g->w * g->h, NULL);
    zbar_scan_image(scanner, image);
    for (const zbar_symbol_t *s = zbar_image_first_symbol(image); s != NULL; s = zbar_symbol_next(s))
        note(found, zbar_symbol_get_data(s), zbar_symbol_get_data_length(s));
    zbar_image_destroy(image);
    return GX_OK;
}

/* Look until something is found: as it is and inverted, at every scale that suits.  A look costs a few milliseconds. */
static enum gx_err search(struct found *found, zbar_image_scanner_t *scanner, const struct grey *g)
{
    static const struct look small[] = {{1, 1, false}, {2, 1, false}, {3, 1, false}, {4, 1, false},
                                        {1, 1, true},  {1, 2, false}, {1, 4, false}};
    static const struct look large[] = {{1, 2, false}, {1, 4, false}, {1, 1, false}, {1, 8, false}, {1, 1, true}};
    bool is_large = g->w * g->h > LARGE_PIXELS;
    const struct look *looks = is_large ? large : small;
    size_t n = is_large ? GX_ARRAY_LEN(large) : GX_ARRAY_LEN(small);

    for (size_t i = 0; i < 2 * n && found->n == 0; i++) {
        const struct look *look = &looks[i / 2];
        struct grey copy;
        enum gx_err err;

        if (!suits(look, g))
            continue;
        err = view(&copy, g, look, i % 2 == 1);
        if (err == GX_OK)
            err = scan(found, scanner, &copy);
        free(copy.pixels);
        if (err != GX_OK)
            return err;
    }
    return GX_OK;
}

static zbar_image_scanner_t *scanner_new(void)
{
    zbar_image_scanner_t *scanner = zbar_image_scanner_create();

    if (scanner == NULL)
        return NULL;
    zbar_set_verbosity(0);
    zbar_image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
    zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
    return scanner;
}

/* On white first; a picture that is partly clear is tried on black too. */
static enum gx_err search_grounds(struct found *found, const uint8_t *raw, size_t w, size_t h, int channels)
{
    zbar_image_scanner_t *scanner = scanner_new();
    struct grey g = {.w = w, .h = h, .pixels = malloc(w * h)};
    enum gx_err err = GX_E_MEMORY;

    if (scanner == NULL || g.pixels == NULL)
        goto done;
    if (flatten(g.pixels, raw, w * h, channels, 255)) {
        err = search(found, scanner, &g);
        if (err != GX_OK || found->n > 0)
            goto done;
        flatten(g.pixels, raw, w * h, channels, 0);
    }
    err = search(found, scanner, &g);
done:
    if (scanner != NULL)
        zbar_image_scanner_destroy(scanner);
    free(g.pixels);
    return err;
}

/* In the child: what to read, and where. */
struct job {
    struct gx_span file;
    const char *prefix;
};

static enum gx_err read_picture(struct found *found, struct gx_span file)
{
    size_t w = 0, h = 0;
    int channels = 0;
    uint8_t *raw = NULL;
    enum gx_err err = measure(file, &w, &h, &channels);

    if (err != GX_OK)
        return err;
    channels = channels == 2 || channels == 4 ? 2 : 1;
    err = decode(&raw, file, w, h, channels);
    if (err != GX_OK)
        return err;
    err = search_grounds(found, raw, w, h, channels);
    free(raw);
    if (err != GX_OK)
        return err;
    if (found->n > 1)
        return GX_E_AMBIGUOUS;
    if (found->n == 1)
        return GX_OK;
    return found->too_long ? GX_E_TOO_BIG : GX_E_ABSENT;
}

/* The answer: the error, and without one the text. */
static size_t work(uint8_t *out, size_t cap, void *arg)
{
    const struct job *job = arg;
    struct found found = {.out = (char *)out + 1, .cap = cap - 1, .prefix = job->prefix};
    enum gx_err err = read_picture(&found, job->file);

    out[0] = (uint8_t)err;
    return err == GX_OK ? 1 + strlen(found.out) : 1;
}

/* A child that was taken over can answer with any text, as the picture itself could; but with nothing else. */
static enum gx_err judge(char *out, size_t cap, const uint8_t *answer, size_t n, const char *prefix)
{
    if (n < 1 || n > cap || answer[0] >= GX_ERR_COUNT || (answer[0] != GX_OK && n != 1))
        return GX_E_MALFORMED;
    if (answer[0] != GX_OK)
        return (enum gx_err)answer[0];
    if (n - 1 < strlen(prefix) || memcmp(answer + 1, prefix, strlen(prefix)) != 0 || memchr(answer + 1, 0, n - 1) != NULL)
        return GX_E_MALFORMED;
    memcpy(out, answer + 1, n - 1);
    out[n - 1] = 0;
    return GX_OK;
}

/* In a child process, because neither decoder is fit for hostile bytes: stb_image 2.27 writes beyond its Huffman tables when a JPEG defines
 * more than 256 codes, and zbar has had its own. */
enum gx_err gx_picture_read(char *out, size_t cap, struct gx_span file, const char *want_prefix)
{
    struct job job = {.file = file, .prefix = want_prefix != NULL ? want_prefix : ""};
    uint8_t *answer = malloc(cap + 1);
    size_t n = 0;
    enum gx_err err = GX_E_MEMORY;

    GX_ASSERT(cap > 0);
    out[0] = 0;
    if (file.n > FILE_BYTES_MAX)
        err = GX_E_TOO_BIG;
    else if (answer != NULL && gx_confined(answer, &n, cap + 1, CHILD_SECONDS_MAX, work, &job))
        err = judge(out, cap, answer, n, job.prefix);
    else if (answer != NULL)
        err = GX_E_MALFORMED;
    free(answer);
    return err;
}
