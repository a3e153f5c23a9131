#include "node/cli/cli.h"

#include "node/os/qr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PNG_SCALE 8

/* A code is a secret until it is given away: nobody else may read the file. */
static bool write_file(const char *name, const uint8_t *bytes, size_t n, struct gx_fail *why)
{
    bool to_stdout = strcmp(name, "-") == 0;
    int fd = to_stdout ? STDOUT_FILENO : open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0;

    while (ok && n > 0) {
        ssize_t w = write(fd, bytes, n);
        if (w < 0 && errno == EINTR)
            continue;
        ok = w > 0;
        bytes += ok ? w : 0;
        n -= ok ? (size_t)w : 0;
    }
    int saved = errno;
    if (fd >= 0 && !to_stdout && close(fd) != 0)
        ok = false;
    return ok || gx_fail_errno(why, GX_EXIT_STORE, "io", saved, "cannot write %s", name);
}

static bool write_png(const struct gx_qr *qr, const char *name, struct gx_fail *why)
{
    uint8_t *png;
    size_t n;
    enum gx_err err = gx_qr_png(&png, &n, qr, PNG_SCALE);

    if (err != GX_OK)
        return gx_fail(why, GX_EXIT_STORE, "picture", NULL, "cannot make the picture: %s", gx_err_text(err));
    bool ok = write_file(name, png, n, why);
    free(png);
    return ok;
}

/* On the terminal that is there; where none is, what is drawn is for a file and has room. */
static void draw(const struct gx_cli *cli, const struct gx_qr *qr)
{
    int columns, rows, fd = cli->out_tty ? STDOUT_FILENO : STDERR_FILENO;
    struct winsize size;

    gx_qr_terminal_size(qr, &columns, &rows);
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && (size.ws_col < columns || size.ws_row < rows)) {
        gx_cli_notice(cli, "This window is too small for the QR code (%d x %d needed, %u x %u there): enlarge it, or use --png FILE.",
                      columns, rows, size.ws_col, size.ws_row);
        return;
    }
    gx_qr_draw(cli->out_tty ? stdout : stderr, qr);
    fflush(stdout);
}

static bool show_pictures(const struct gx_cli *cli, const struct gx_args *args, const char *text, struct gx_fail *why)
{
    const char *png = args->text[GX_OPT_PNG];
    struct gx_qr qr;

    if (png == NULL && !gx_args_has(args, GX_OPT_QR))
        return true;
    enum gx_err err = gx_qr_make(&qr, text, GX_QR_L);
    if (err != GX_OK)
        return gx_fail(why, GX_EXIT_FAILED, "picture", NULL, "cannot make a QR code: %s", gx_err_text(err));
    if (gx_args_has(args, GX_OPT_QR))
        draw(cli, &qr);
    bool ok = png == NULL || write_png(&qr, png, why);
    gx_qr_free(&qr);
    return ok;
}

static bool png_to_stdout(const struct gx_args *args)
{
    const char *png = args->text[GX_OPT_PNG];

    return png != NULL && strcmp(png, "-") == 0;
}

int gx_code_may_show(const struct gx_cli *cli, const struct gx_args *args)
{
    if (png_to_stdout(args) && (cli->json || cli->out_tty))
        return gx_cli_usage(cli, "use --png FILE", "standard output cannot take the picture %s", cli->json ? "beside JSON" : "on a terminal");
    return GX_EXIT_DONE;
}

int gx_code_show(const struct gx_cli *cli, const struct gx_args *args, json_t *answer, const char *key, gx_code_tell *tell)
{
    const char *png = args->text[GX_OPT_PNG];
    struct gx_fail why;

    if (!show_pictures(cli, args, gx_json_text(answer, key), &why))
        return gx_cli_fail(cli, &why);
    if (png != NULL)
        (void)json_object_set_new(answer, "png", json_string(png));
    if (cli->json)
        return gx_show_json(answer);
    if (!png_to_stdout(args))
        tell(cli, answer);
    return GX_EXIT_DONE;
}
