#include "node/os/config.h"

#include "proto/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024u

struct place {
    const char *file;
    unsigned line;
    struct gx_fail *why;
};

static bool refuse(const struct place *at, const char *what, const char *detail)
{
    return gx_fail(at->why, GX_EXIT_USAGE, "config", "see: guanxi config", "%.700s:%u: %s%s", at->file, at->line, what, detail);
}

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    size_t n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
        s[--n] = 0;
    return s;
}

struct gx_addr gx_config_default_listen(void)
{
    return (struct gx_addr){.family = 6};
}

static bool take_value(struct gx_config *out, const char *key, const char *value, const struct place *at)
{
    if (strcmp(key, "listen") == 0) {
        if (out->listen_line != 0)
            return refuse(at, "\"listen\" stands here a second time", "");
        if (gx_addr_parse(&out->listen, value, true) != GX_OK)
            return refuse(at, "listen must be ADDR:PORT, such as [::]:7447 or 192.0.2.1:0", "");
        out->listen_line = at->line;
        return true;
    }
    return refuse(at, "there is no such setting; known: listen", "");
}

/* line: ends in 0, is changed. */
static bool take_line(struct gx_config *out, char *line, const struct place *at)
{
    char *key = trim(line);

    if (key[0] == 0 || key[0] == '#' || key[0] == ';')
        return true;
    if (key[0] == '[')
        return refuse(at, "sections are not used here", "");
    char *equal = strchr(key, '=');
    if (equal == NULL)
        return refuse(at, "a line is: key = value", "");
    *equal = 0;
    return take_value(out, trim(key), trim(equal + 1), at);
}

bool gx_config_parse(struct gx_config *out, struct gx_span text, const char *file_name, struct gx_fail *why)
{
    struct place at = {.file = file_name, .line = 0, .why = why};
    char line[LINE_MAX_BYTES];

    memset(out, 0, sizeof *out);
    out->listen = gx_config_default_listen();
    if (text.n > GX_CONFIG_BYTES_MAX)
        return refuse(&at, "the file is longer than 64 KiB", "");
    while (text.n > 0) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end == NULL ? text.n : (size_t)(end - text.p);

        at.line++;
        if (n >= sizeof line)
            return refuse(&at, "the line is too long", "");
        /* Refuses 0 bytes too, so that what is compared below is all that stands here. */
        if (!gx_utf8_ok(gx_span(text.p, n)))
            return refuse(&at, "the line is not UTF-8 text", "");
        memcpy(line, text.p, n);
        line[n] = 0;
        if (!take_line(out, line, &at))
            return false;
        n += end == NULL ? 0 : 1;
        text = gx_span(text.p + n, text.n - n);
    }
    return true;
}

bool gx_config_read(struct gx_config *out, const struct gx_home *home, struct gx_fail *why)
{
    static uint8_t text[GX_CONFIG_BYTES_MAX + 1];
    size_t n = 0;
    ssize_t got;

    int fd = open(home->config, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return gx_config_parse(out, gx_span(NULL, 0), home->config, why);
    if (fd < 0)
        return gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot read %s", home->config);
    while (n < sizeof text && (got = read(fd, text + n, sizeof text - n)) > 0)
        n += (size_t)got;
    close(fd);
    return gx_config_parse(out, gx_span(text, n), home->config, why);
}
