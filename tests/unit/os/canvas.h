/* Pictures for the tests of gx_picture_read: codes on a canvas, written as PNG and JPEG. */
#ifndef GX_TESTS_UNIT_OS_CANVAS_H
#define GX_TESTS_UNIT_OS_CANVAS_H

#include "tests/unit/os/codes.h"

/* The header declares more than it then defines; gcc looks at that at the end of the file.  Its JPEG writer shifts into the sign bit, which is
 * not what is tested here: the sanitizer shall look away (the attribute means nothing on its variables). */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wattributes"
#define static static __attribute__((no_sanitize("undefined")))
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>
#undef static

/* A picture under construction: `depth` bytes a pixel. */
struct canvas {
    int w, h, depth;
    uint8_t *px;
};

static inline struct canvas blank(int w, int h, uint8_t value)
{
    struct canvas c = {w, h, 1, malloc((size_t)w * (size_t)h)};

    assert_non_null(c.px);
    memset(c.px, value, (size_t)w * (size_t)h);
    return c;
}

static inline uint8_t *at(const struct canvas *c, int x, int y)
{
    return c->px + (y * c->w + x) * c->depth;
}

/* Put a code at (x, y), `scale` pixels a module, no margin of its own. */
static inline int put(struct canvas *c, const char *text, int x, int y, int scale)
{
    struct gx_qr qr;
    int side;

    assert_int_equal(gx_qr_make(&qr, text, GX_QR_L), GX_OK);
    side = qr.size * scale;
    assert_true(x + side <= c->w && y + side <= c->h);
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            *at(c, x + j, y + i) = qr.modules[i / scale * qr.size + j / scale] ? 0 : 255;
    gx_qr_free(&qr);
    return side;
}

struct file {
    uint8_t *p;
    size_t n, cap;
};

/* The JPEG writer hands over byte by byte: room is doubled, for a sanitizer's realloc always copies. */
static inline void append(void *context, void *data, int n)
{
    struct file *f = context;
    size_t need = f->n + (size_t)n;

    if (need > f->cap) {
        f->cap = need > 2 * f->cap ? need : 2 * f->cap;
        f->p = realloc(f->p, f->cap);
        assert_non_null(f->p);
    }
    memcpy(f->p + f->n, data, (size_t)n);
    f->n = need;
}

/* Without the room that is left, so that a sanitizer sees one byte too many. */
static inline void trim(struct file *f)
{
    f->p = realloc(f->p, f->n);
    assert_non_null(f->p);
    f->cap = f->n;
}

static inline struct file png_of(const struct canvas *c)
{
    struct file f = {0};

    assert_true(stbi_write_png_to_func(append, &f, c->w, c->h, c->depth, c->px, c->w * c->depth));
    trim(&f);
    return f;
}

static inline struct file jpeg_of(const struct canvas *c, int quality)
{
    struct file f = {0};

    assert_true(stbi_write_jpg_to_func(append, &f, c->w, c->h, c->depth, c->px, quality));
    trim(&f);
    return f;
}

#endif
