#include "node/cli/cli.h"

#include "crypto/keys.h"
#include "node/os/qr.h"
#include "proto/card.h"
#include "proto/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* gx_picture_read refuses anything longer. */
#define PICTURE_BYTES_MAX (16u * 1024u * 1024u)

/* Read a descriptor to its end, at most cap bytes (one more shows that there were more; then it fails with too_long); malloc'ed. */
static bool read_all(uint8_t **out, size_t *n, size_t cap, enum gx_exit too_long, int fd, const char *name, struct gx_fail *why)
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
            return gx_fail(why, too_long, "too_big", NULL, "%s is longer than %zu bytes", name, cap);
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
                       "no code was found in %s", name);
    if (err == GX_E_AMBIGUOUS)
        return gx_fail(why, GX_EXIT_NOT_FOUND, "ambiguous", "cut out the one you mean", "%s shows several codes", name);
    return gx_fail(why, GX_EXIT_TOKEN, "token_malformed", NULL, "%s cannot be read as a picture: %s", name, gx_err_text(err));
}

/* GX1:... in whatever state: what is wrong with it is then more than how it begins. */
static bool begins_as_code(const char *text, size_t n)
{
    size_t at = 0;

    while (at < n && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r')))
        at++;
    return n - at >= 2 && (text[at] == 'G' || text[at] == 'g') && (text[at + 1] == 'X' || text[at + 1] == 'x') &&
           memchr(text + at, ':', n - at) != NULL;
}

/* Other faults are told by the node, which knows what the code was given for. */
static bool code_is_whole(const char *text, struct gx_fail *why)
{
    bool is_card = gx_code_kind(text) == GX_TOKEN_KIND_CARD;
    struct gx_card_code card;
    struct gx_token token;
    enum gx_err err = is_card ? gx_card_parse(&card, text) : gx_token_parse(&token, text);

    gx_wipe(&card, sizeof card);
    gx_wipe(&token, sizeof token);
    return err != GX_E_MALFORMED || gx_fail(why, GX_EXIT_TOKEN, "token_malformed", "paste it again, whole",
                                            "this code is cut short or mistyped: its check does not fit");
}

/* A picture of a code, or the code itself as text. */
static bool code_from_bytes(char out[GX_CODE_BYTES], const uint8_t *p, size_t n, const char *name, struct gx_fail *why)
{
    if (n == 0)
        return gx_fail(why, GX_EXIT_TOKEN, "token_malformed", "give a code (GX1:...), or a PNG or JPEG picture of one", "%s is empty", name);
    if (is_picture(p, n)) {
        enum gx_err err = gx_picture_read(out, GX_CODE_BYTES, gx_span(p, n), "GX");
        return err == GX_OK ? code_is_whole(out, why) : picture_fail(why, err, name);
    }
    if (!gx_utf8_ok(gx_span(p, n)) || !begins_as_code((const char *)p, n))
        return gx_fail(why, GX_EXIT_TOKEN, "token_malformed", "give a code (GX1:...), or a PNG or JPEG picture of one",
                       "%s holds no code: it is no picture, and those begin with GX1:", name);
    /* What has no room here is longer than any code; its beginning is none. */
    if (n >= GX_CODE_BYTES)
        n = GX_CODE_BYTES - 1;
    memcpy(out, p, n);
    out[n] = 0;
    return code_is_whole(out, why);
}

static bool no_file(const char *argument, struct gx_fail *why)
{
    return gx_fail(why, GX_EXIT_TOKEN, "token_malformed", "give a code, or a PNG or JPEG picture of one",
                   "there is no file %.200s, and it is no code either: those begin with GX1:", argument);
}

/* -1 with *why: nothing that can be read to an end (a pipe would be waited for). */
static int open_file(const char *name, struct gx_fail *why)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 && errno == EACCES) {
        gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot read %.200s", name);
    } else if (fd < 0 && errno == ENXIO) {
        gx_fail(why, GX_EXIT_TOKEN, "token_malformed", "give a picture, or - and the picture on standard input", "%.200s is no file", name);
    } else if (fd < 0) {
        no_file(name, why);
    } else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        gx_fail(why, GX_EXIT_TOKEN, "token_malformed", "give a picture, or - and the picture on standard input", "%.200s is no file", name);
        close(fd);
        fd = -1;
    }
    return fd;
}

bool gx_read_code(char out[GX_CODE_BYTES], const char *argument, struct gx_fail *why)
{
    bool from_stdin = strcmp(argument, "-") == 0;
    const char *name = from_stdin ? "standard input" : argument;
    size_t n = strlen(argument);
    uint8_t *bytes;

    if (!from_stdin && (n == 0 || begins_as_code(argument, n)) && access(argument, F_OK) != 0)
        return code_from_bytes(out, (const uint8_t *)argument, n, "this argument", why);
    int fd = from_stdin ? STDIN_FILENO : open_file(argument, why);
    if (fd < 0)
        return false;
    bool ok = read_all(&bytes, &n, PICTURE_BYTES_MAX, GX_EXIT_TOKEN, fd, name, why);
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
    if (!read_all(&bytes, &n, cap + 1, GX_EXIT_USAGE, STDIN_FILENO, "standard input", why))
        return false;
    if (n > 0 && bytes[n - 1] == '\n')
        n--;
    if (n > cap || !gx_utf8_ok(gx_span(bytes, n))) {
        free(bytes);
        return gx_fail(why, GX_EXIT_USAGE, n > cap ? "too_big" : "not_text", NULL,
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

static bool ask_yes(const char *question)
{
    char line[16];

    return gx_ask_line(line, sizeof line, question) && (line[0] == 'y' || line[0] == 'Y');
}

int gx_ask_whether(const char *question)
{
    if (ask_yes(question))
        return GX_EXIT_DONE;
    fputs("Nothing was done.\n", stderr);
    return GX_EXIT_FAILED;
}
