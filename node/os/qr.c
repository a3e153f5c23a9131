#include "node/os/qr.h"

#include <errno.h>
#include <limits.h>
#include <qrencode.h>
#include <stdlib.h>

/* The header declares more than it then defines; gcc looks at that at the end of the file, so this cannot be popped. */
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

#define TERMINAL_MARGIN 2       /* enough for every reader tried, and a version 7 code still fits 80x30 */
#define PNG_MARGIN 4            /* what the QR standard asks for */
#define PNG_SIDE_MAX 8192       /* pixels; far beyond any printer's need */

/* Colours 16 and 231 of the 256 are black and white whatever the theme; the sixteen named ones are not. */
#define BLACK_ON_WHITE "\033[0;38;5;16;48;5;231m"
#define PLAIN "\033[0m"

static QRecLevel level_of(enum gx_qr_level level)
{
    switch (level) {
    case GX_QR_L:
        return QR_ECLEVEL_L;
    case GX_QR_M:
        return QR_ECLEVEL_M;
    case GX_QR_Q:
        return QR_ECLEVEL_Q;
    }
    return QR_ECLEVEL_L;
}

static enum gx_err err_of_errno(void)
{
    if (errno == ERANGE)
        return GX_E_TOO_BIG;
    return errno == ENOMEM ? GX_E_MEMORY : GX_E_MALFORMED;
}

static enum gx_err keep(struct gx_qr *out, const QRcode *code)
{
    size_t n = (size_t)code->width * (size_t)code->width;
    uint8_t *modules = malloc(n);

    if (modules == NULL)
        return GX_E_MEMORY;
    for (size_t i = 0; i < n; i++)
        modules[i] = code->data[i] & 1;         /* the other bits tell what a module is for */
    *out = (struct gx_qr){.size = code->width, .version = code->version, .modules = modules};
    return GX_OK;
}

enum gx_err gx_qr_make(struct gx_qr *out, const char *text, enum gx_qr_level level)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    size_t n = strlen(text);
    enum gx_err err = GX_OK;
    QRcode *code = NULL;
    QRinput *input;

    *out = (struct gx_qr){0};
    if (n == 0 || strspn(text, alphabet) != n)
        return GX_E_MALFORMED;
    if (n > INT_MAX)
        return GX_E_TOO_BIG;
    input = QRinput_new2(0, level_of(level));
    if (input == NULL)
        return GX_E_MEMORY;
    if (QRinput_append(input, QR_MODE_AN, (int)n, (const unsigned char *)text) != 0 ||
        (code = QRcode_encodeInput(input)) == NULL)
        err = err_of_errno();
    else
        err = keep(out, code);
    QRcode_free(code);
    QRinput_free(input);
    return err;
}

void gx_qr_free(struct gx_qr *qr)
{
    if (qr == NULL)
        return;
    free(qr->modules);
    *qr = (struct gx_qr){0};
}

/* Outside the code everything is white: that is the margin. */
static bool is_black(const struct gx_qr *qr, int x, int y)
{
    return x >= 0 && y >= 0 && x < qr->size && y < qr->size && qr->modules[y * qr->size + x] != 0;
}

void gx_qr_terminal_size(const struct gx_qr *qr, int *columns, int *rows)
{
    int side = qr->size + 2 * TERMINAL_MARGIN;

    *columns = side;
    *rows = (side + 1) / 2;
}

void gx_qr_draw(FILE *out, const struct gx_qr *qr)
{
    /* Two modules a character, one above the other: white, upper half block, lower half block, full block. */
    static const char *const cells[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}};
    int end = qr->size + TERMINAL_MARGIN;

    for (int y = -TERMINAL_MARGIN; y < end; y += 2) {
        fputs(BLACK_ON_WHITE, out);
        for (int x = -TERMINAL_MARGIN; x < end; x++)
            fputs(cells[is_black(qr, x, y)][is_black(qr, x, y + 1)], out);
        fputs(PLAIN "\n", out);
    }
}

enum gx_err gx_qr_png(uint8_t **png, size_t *n, const struct gx_qr *qr, int scale)
{
    int modules = qr->size + 2 * PNG_MARGIN, side, written = 0;
    uint8_t *pixels;

    *png = NULL;
    *n = 0;
    if (scale < 1 || scale > PNG_SIDE_MAX / modules)
        return GX_E_TOO_BIG;
    side = modules * scale;
    pixels = malloc((size_t)side * (size_t)side);
    if (pixels == NULL)
        return GX_E_MEMORY;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            pixels[(size_t)y * (size_t)side + (size_t)x] =
                is_black(qr, x / scale - PNG_MARGIN, y / scale - PNG_MARGIN) ? 0 : 255;
    *png = stbi_write_png_to_mem(pixels, side, side, side, 1, &written);
    free(pixels);
    if (*png == NULL)
        return GX_E_MEMORY;
    *n = (size_t)written;
    return GX_OK;
}
