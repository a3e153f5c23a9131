#include "node/cli/cli.h"

#include "crypto/keys.h"
#include "node/os/qr.h"
#include "proto/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* gx_picture_read refuses anything longer. */
#define PICTURE_BYTES_MAX (16u * 1024u * 1024u)

/* Read a descriptor to its end, at most cap bytes (one more shows that there were more); malloc'ed. */
static bool read_all(uint8_t **out, size_t *n, size_t cap, int fd, const char *name, struct gx_fail *why)
{
    size_t room = 65536;

    *n = 0;
    *out = malloc(room);
    while (*out != NULL) {
        if (*n == room) {
            uint8_t *p = realloc(*out, room * 2);
            if (p == NULL)
                break;
            *out = p;
            room *= 2;
        }
        ssize_t got = read(fd, *out + *n, room - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(*out);
            return gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot read %s", name);
        }
        *n += (size_t)got;
        if (*n > cap) {
            free(*out);
            return gx_fail(why, GX_EXIT_FAILED, "too_big", NULL, "%s is longer than %zu bytes", name, cap);
        }
        if (got == 0)
            return true;
    }
    free(*out);
    return gx_fail(why, GX_EXIT_STORE, "memory", NULL, "out of memory");
}

static bool is_picture(const uint8_t *p, size_t n)
{
    return (n >= 4 && memcmp(p, "\x89PNG", 4) == 0) || (n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0);
}

static bool picture_fail(struct gx_fail *why, enum gx_err err, const char *name)
{
    if (err == GX_E_ABSENT)
        return gx_fail(why, GX_EXIT_TOKEN, "token_malformed", "try a sharper picture, with the whole code and some white around it",
                       "no invitation was found in %s", name);
    if (err == GX_E_AMBIGUOUS)
        return gx_fail(why, GX_EXIT_NOT_FOUND, "ambiguous", "cut out the one you mean", "%s shows several invitations", name);
    return gx_fail(why, GX_EXIT_TOKEN, "token_malformed", NULL, "%s cannot be read as a picture: %s", name, gx_err_text(err));
}

/* A picture of a code, or the code itself as text. */
static bool code_from_bytes(char out[GX_CODE_BYTES], const uint8_t *p, size_t n, const char *name, struct gx_fail *why)
{
    if (is_picture(p, n)) {
        enum gx_err err = gx_picture_read(out, GX_CODE_BYTES, gx_span(p, n), "GX");
        return err == GX_OK || picture_fail(why, err, name);
    }
    if (n >= GX_CODE_BYTES || !gx_utf8_ok(gx_span(p, n)))
        return gx_fail(why, GX_EXIT_TOKEN, "token_malformed", "give a code (GX1:...), or a PNG or JPEG picture of one",
                       "%s holds no invitation", name);
    if (n > 0)
        memcpy(out, p, n);
    out[n] = 0;
    return true;
}

bool gx_read_code(char out[GX_CODE_BYTES], const char *argument, struct gx_fail *why)
{
    bool from_stdin = strcmp(argument, "-") == 0;
    const char *name = from_stdin ? "standard input" : argument;
    int fd = from_stdin ? STDIN_FILENO : open(argument, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    uint8_t *bytes;
    size_t n;

    /* Not a file: then it is the code, and whoever knows codes says what is wrong with it. */
    if (fd < 0)
        return code_from_bytes(out, (const uint8_t *)argument, strlen(argument), "this argument", why);
    bool ok = read_all(&bytes, &n, PICTURE_BYTES_MAX, fd, name, why);
    if (!from_stdin)
        close(fd);
    if (!ok)
        return false;
    ok = code_from_bytes(out, bytes, n, name, why);
    gx_wipe(bytes, n);
    free(bytes);
    return ok;
}

bool gx_read_text(char **out, size_t cap, struct gx_fail *why)
{
    uint8_t *bytes;
    size_t n;

    *out = NULL;
    if (!read_all(&bytes, &n, cap + 1, STDIN_FILENO, "standard input", why))
        return false;
    if (n > 0 && bytes[n - 1] == '\n')
        n--;
    if (n > cap || !gx_utf8_ok(gx_span(bytes, n))) {
        free(bytes);
        return gx_fail(why, GX_EXIT_FAILED, n > cap ? "too_big" : "not_text", NULL,
                       n > cap ? "a message holds at most %zu bytes of text" : "standard input is not UTF-8 text (%zu bytes at most)", cap);
    }
    *out = realloc(bytes, n + 1);
    if (*out == NULL) {
        free(bytes);
        return gx_fail(why, GX_EXIT_STORE, "memory", NULL, "out of memory");
    }
    (*out)[n] = 0;
    return true;
}

bool gx_ask_line(char *out, size_t cap, const char *question)
{
    fprintf(stderr, "%s", question);
    fflush(stderr);
    if (fgets(out, (int)cap, stdin) == NULL)
        return false;
    out[strcspn(out, "\n")] = 0;
    return true;
}

bool gx_ask_yes(const char *question)
{
    char line[16];

    return gx_ask_line(line, sizeof line, question) && (line[0] == 'y' || line[0] == 'Y');
}
