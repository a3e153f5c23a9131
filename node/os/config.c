#include "node/os/config.h"

#include "node/os/interfaces.h"
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

struct carry {
    const char *key, *what;
    uint64_t least, most, usual;
};
static const struct carry carries[GX_CONFIG_CARRY_COUNT] = {
#define GX_X(key, member, least, most, usual, what) [GX_CONFIG_##member] = {key, what, least, most, usual},
    GX_CONFIG_CARRY_LIST(GX_X)
#undef GX_X
};

const char *gx_config_carry_key(enum gx_config_carry which)
{
    return carries[which].key;
}

uint64_t gx_config_carry_value(const struct gx_config *config, enum gx_config_carry which)
{
    const uint64_t values[GX_CONFIG_CARRY_COUNT] = {
#define GX_X(key, member, least, most, usual, what) [GX_CONFIG_##member] = config->carry.member,
        GX_CONFIG_CARRY_LIST(GX_X)
#undef GX_X
    };

    return config->carry_lines[which] == 0 ? carries[which].usual : values[which];
}

/* Digits, and of bytes K, M or G. */
static bool read_number(uint64_t *out, const char *value, bool bytes)
{
    static const char units[] = "KMG";
    uint64_t n = 0;
    size_t digits = strspn(value, "0123456789");
    const char *unit = value[digits] == 0 || !bytes ? NULL : strchr(units, value[digits]);

    if (digits == 0 || digits > 16 || (value[digits] != 0 && (unit == NULL || value[digits + 1] != 0)))
        return false;
    for (size_t i = 0; i < digits; i++)
        n = n * 10 + (uint64_t)(value[i] - '0');
    unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);
    *out = n << shift;
    return *out >> shift == n;
}

static void put_number(struct gx_carry_limits *out, enum gx_config_carry which, uint64_t n)
{
    switch ((int)which) {
    case GX_CONFIG_recent_days:
        out->recent_days = (uint32_t)n;
        break;
    case GX_CONFIG_recent_bytes:
        out->recent_bytes = n;
        break;
    case GX_CONFIG_off_messages:
        out->off_messages = (uint32_t)n;
        break;
    case GX_CONFIG_author_bytes:
        out->author_bytes = n;
        break;
    default:
        out->group_bytes = n;
        break;
    }
}

static bool take_number(struct gx_config *out, const struct carry *c, enum gx_config_carry which, const char *value, const struct place *at)
{
    uint64_t n = 0;

    if (out->carry_lines[which] != 0)
        return refuse(at, c->key, " stands here a second time");
    if (!read_number(&n, value, c->least > 1) || n < c->least || n > c->most)
        return refuse(at, "a value that cannot be: it is ", c->what);
    put_number(&out->carry, which, n);
    out->carry_lines[which] = at->line;
    return true;
}

static bool take_network(struct gx_config *out, const char *name, const char *value, const struct place *at)
{
    struct gx_modes *modes = &out->lan;
    char network[GX_NETWORK_BYTES];

    if (!gx_network_name(network, name))
        return refuse(at, "a network is named by its interface, or by its router, as in lan.eth0 or lan.02:00:5e:10:00:01 (guanxi doctor shows them), and not ",
                      name);
    if (gx_modes_find(modes, network) >= 0)
        return refuse(at, "that network stands here a second time: lan.", name);
    if (modes->n == GX_LAN_MODES_MAX)
        return refuse(at, "more than 64 networks are named here", "");
    if (!gx_mode_read(&modes->named[modes->n].mode, value))
        return refuse(at, "what is shown on a network must be on, contacts or off: lan.", name);
    memcpy(modes->named[modes->n].network, network, sizeof network);
    modes->named[modes->n++].line = at->line;
    return true;
}

static bool take_value(struct gx_config *out, const char *key, const char *value, const struct place *at)
{
    if (strcmp(key, "listen") == 0) {
        if (out->listen_line != 0)
            return refuse(at, "\"listen\" stands here a second time", "");
        if (gx_interfaces_addr_parse(&out->listen, value, true) != GX_OK)
            return refuse(at, "listen must be ADDR:PORT, such as [::]:7447 or 192.0.2.1:0", "");
        out->listen_line = at->line;
        return true;
    }
    if (strcmp(key, "lan") == 0) {
        if (out->lan.line != 0)
            return refuse(at, "\"lan\" stands here a second time", "");
        if (!gx_mode_read(&out->lan.usual, value))
            return refuse(at, "lan must be on, contacts or off", "");
        out->lan.line = at->line;
        return true;
    }
    if (strncmp(key, "lan.", 4) == 0)
        return take_network(out, key + 4, value, at);
    for (size_t i = 0; i < GX_CONFIG_CARRY_COUNT; i++)
        if (strcmp(key, carries[i].key) == 0)
            return take_number(out, &carries[i], (enum gx_config_carry)i, value, at);
    return refuse(at, "there is no such setting; known: listen, lan, lan.NETWORK, carry_recent_days, carry_recent_bytes, carry_off_messages, carry_author_bytes, carry_group_bytes", "");
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
    out->lan.usual = GX_MODE_ON;
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
