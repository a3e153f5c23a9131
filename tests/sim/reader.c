/* Scenario files: words, names and links. */
#include "tests/sim/reader.h"

#include "proto/utf8.h"
#include "tests/sim/internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TIME_MOST_MS 3600000000ull

/* --- words ---------------------------------------------------------------------------------------------------------------------------------- */

static void bad(struct reader *r, uint32_t line, uint32_t column, const char *format, va_list args)
{
    if (r->failed)
        return;
    r->failed = true;
    r->bad_line = line;
    r->bad_column = column;
    vsnprintf(r->why, 300, format, args);
}

bool read_bad(struct reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bad(r, r->now.line, r->now.column, format, args);
    va_end(args);
    return false;
}

bool read_bad_last(struct reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bad(r, r->last_line, r->last_column, format, args);
    va_end(args);
    return false;
}

/* What a person does not see in a file decides nothing in it. */
bool read_is_text(struct reader *r, size_t n)
{
    uint32_t line = 1, column = 1, cp = 0;

    for (size_t i = 0; i < n;) {
        const char *c = r->at + i;
        bool newline = *c == '\n' || (*c == '\r' && c[1] == '\n');
        size_t bytes = newline || *c == '\t' ? 1 : gx_utf8_char(&cp, gx_span(c, n - i));

        r->now.line = line;
        r->now.column = column;
        if (*c == '\r' && !newline)
            return read_bad(r, "a carriage return that ends no line: lines end with LF, or with CR LF");
        if (bytes == 0 || (!newline && *c != '\t' && cp < ' '))
            return read_bad(r, "the byte 0x%02x is no text: UTF-8 is read, without control characters", (unsigned)(unsigned char)*c);
        line += *c == '\n';
        column = *c == '\n' ? 1 : column + (uint32_t)bytes;
        i += bytes;
    }
    return true;
}

void read_next(struct reader *r)
{
    size_t n = 0;

    r->last_line = r->now.line;
    r->last_column = r->now.column;
    r->now.begins_line = r->column == 1;
    for (;; r->at++) {
        if (*r->at == '#')
            while (r->at[1] != 0 && r->at[1] != '\n')
                r->at++;
        else if (*r->at == '\n') {
            r->line++;
            r->column = 0;
            r->now.begins_line = true;
        } else if (*r->at == 0 || (unsigned char)*r->at > ' ')
            break;
        r->column++;
    }
    r->now.line = r->line;
    r->now.column = r->column;
    r->now.end = *r->at == 0;
    for (; (unsigned char)*r->at > ' ' && *r->at != '#'; r->at++, r->column++)
        if (n < TOKEN_MAX)
            r->now.text[n++] = *r->at;
    r->now.text[n] = 0;
}

bool read_is(const struct reader *r, const char *word)
{
    return !r->now.end && strcmp(r->now.text, word) == 0;
}

bool read_take(struct reader *r, const char *word)
{
    bool yes = read_is(r, word);

    if (yes)
        read_next(r);
    return yes;
}

bool read_need(struct reader *r, const char *word)
{
    return read_take(r, word) || read_bad(r, "'%s' stands where '%s' belongs", r->now.end ? "the end" : r->now.text, word);
}

/* Words that stand where a node may stand, or behind one: those that begin a statement first. */
static const char *const words[] = {
    "nodes", "island", "link", "at", "expect",
    "partition", "cut", "mend", "flap", "steady", "heal", "rest", "members", "same", "delivered", "repeated", "pushed", "creates", "shows", "revokes", "calls", "join", "joins", "leave",
    "leaves", "send", "sends", "crash", "crashes", "save", "saves", "restart", "restarts", "pause", "pauses", "resume", "resumes", "beacon", "beacons", "move", "moves", "disk", "clock", "turn", "turns",
};
#define BEGIN_STATEMENTS 5u

bool read_begins_statement(const struct reader *r)
{
    for (size_t i = 0; i < BEGIN_STATEMENTS; i++)
        if (read_is(r, words[i]))
            return true;
    return r->now.end;
}

bool read_is_word(const char *name)
{
    size_t n = strlen(name);
    bool found = false;

    for (size_t i = 0; i < GX_ARRAY_LEN(words) && !found; i++)
        found = strcmp(name, words[i]) == 0;
    for (size_t i = 0; i < SCN_VERBS && !found; i++)
        found = strncmp(name, scn_verbs[i].verb, n) == 0 && n + 1 >= strlen(scn_verbs[i].verb);     /* removes, and remove */
    return found;
}

/* A list of names goes to the end of its line, or to the next statement on it. */
bool read_ends_list(const struct reader *r)
{
    return r->now.begins_line || read_begins_statement(r);
}

bool read_number(struct reader *r, uint64_t *out, const char *of)
{
    char *end = NULL;

    if (r->now.end || r->now.text[0] < '0' || r->now.text[0] > '9')
        return read_bad(r, "'%s' is no number of %s", r->now.end ? "the end" : r->now.text, of);
    *out = strtoull(r->now.text, &end, 10);
    if (*end != 0 || *out > UINT32_MAX)
        return read_bad(r, "'%s' is no number of %s", r->now.text, of);
    read_next(r);
    return true;
}

bool read_number_with(struct reader *r, double *out, const char *unit)
{
    char *end = NULL;

    *out = strtod(r->now.text, &end);
    if (r->now.end || r->now.text[0] < '0' || r->now.text[0] > '9' || strcmp(end, unit) != 0)
        return read_bad(r, "'%s' is not like 5%s", r->now.end ? "the end" : r->now.text, unit);
    read_next(r);
    return true;
}

/* 250ms, 5s, 2m, 1h */
bool read_span(struct reader *r, uint64_t *ms)
{
    static const struct { const char *unit; double ms; } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *end = NULL;
    double x = strtod(r->now.text, &end);

    if (r->now.text[0] == '-')
        return read_bad(r, "'%s' lies before the beginning: times are 0s and later", r->now.text);
    for (size_t i = 0; !r->now.end && end != r->now.text && i < GX_ARRAY_LEN(units); i++)
        if (strcmp(end, units[i].unit) == 0 && x * units[i].ms < 1e12) {
            *ms = (uint64_t)(x * units[i].ms + 0.5);
            read_next(r);
            return true;
        }
    return read_bad(r, "'%s' is no time: 250ms, 5s, 2m, 1h, at most 277777h", r->now.end ? "the end" : r->now.text);
}

bool read_time(struct reader *r, uint64_t *ms)
{
    return read_span(r, ms) && (*ms <= TIME_MOST_MS || read_bad_last(r, "a scenario lasts for 1000h at most"));
}

/* --- names ---------------------------------------------------------------------------------------------------------------------------------- */

uint32_t read_find(const struct gx_scn_name *names, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(names[i].text, name) == 0)
            return i;
    return SIM_NONE;
}

/* What is known, for who wrote something else: as many as fit.  or: what else could stand there. */
static bool unknown(struct reader *r, const char *what, const struct gx_scn_name *names, uint32_t n, const char *or)
{
    char list[120] = "";
    size_t at = 0;
    uint32_t i = 0;

    for (; i < n && at + GX_SCN_NAME_MAX + 8 < sizeof list; i++)
        if (names[i].text[0] != 0)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", at == 0 ? "" : " ", names[i].text);
    return read_bad(r, "there is no %s '%.40s'; known: %s%s%s", what, r->now.end ? "" : r->now.text, list[0] == 0 ? "none" : list, i < n ? " ..." : "", or);
}

bool read_new_name(struct reader *r, struct gx_scn_name *out)
{
    if (read_begins_statement(r) || strlen(r->now.text) > GX_SCN_NAME_MAX)
        return read_bad(r, "'%.40s' is no name: at most %u characters, and no word that begins a statement", r->now.end ? "the end" : r->now.text, GX_SCN_NAME_MAX);
    snprintf(out->text, sizeof out->text, "%.32s", r->now.text);
    read_next(r);
    return true;
}

bool read_group(struct reader *r, uint32_t *out)
{
    *out = read_find(r->scn->groups, r->scn->n_groups, r->now.text);
    if (*out == SIM_NONE)
        return unknown(r, "group created before this line, called", r->scn->groups, r->scn->n_groups, "");
    read_next(r);
    return true;
}

bool read_island(struct reader *r, uint32_t *out)
{
    *out = read_find(r->scn->islands, r->scn->n_islands, r->now.text);
    if (*out == SIM_NONE || r->now.text[0] == 0)
        return unknown(r, "island", r->scn->islands, r->scn->n_islands, "");
    read_next(r);
    return true;
}

/* name, or name[1..40]: calls each.  False when one is refused. */
bool read_each_name(struct reader *r, bool (*call)(struct reader *r, const char *name, void *ctx), void *ctx)
{
    char base[TOKEN_MAX + 1], name[TOKEN_MAX + 16], *open = NULL;
    unsigned first = 0, last = 0;
    int used = 0;

    snprintf(base, sizeof base, "%s", r->now.text);
    open = strchr(base, '[');
    if (open == NULL) {
        if (strlen(base) > GX_SCN_NAME_MAX)
            return read_bad(r, "'%.40s...' is longer than a name of %u characters", base, GX_SCN_NAME_MAX);
        if (!call(r, base, ctx))
            return false;
        read_next(r);
        return true;
    }
    if (sscanf(open, "[%u..%u]%n", &first, &last, &used) != 2 || open[used] != 0 || last < first || last - first >= GX_SIM_NODES_MAX)
        return read_bad(r, "'%s' is not like k[1..40]: from the lesser to the greater number, at most %u of them", base, GX_SIM_NODES_MAX);
    *open = 0;
    for (unsigned i = first; i <= last; i++) {
        snprintf(name, sizeof name, "%s%u", base, i);
        if (strlen(name) > GX_SCN_NAME_MAX)
            return read_bad(r, "'%.40s' is longer than a name of %u characters", name, GX_SCN_NAME_MAX);
        if (!call(r, name, ctx))
            return false;
    }
    read_next(r);
    return true;
}

static bool list_node(struct reader *r, const char *name, void *ctx)
{
    struct list *l = ctx;
    uint32_t i = read_find(r->scn->nodes, r->scn->n_nodes, name);

    if (i == SIM_NONE) {
        snprintf(r->now.text, sizeof r->now.text, "%.40s", name);
        return unknown(r, "node", r->scn->nodes, r->scn->n_nodes, r->or == NULL ? "" : r->or);
    }
    l->node = sim_grow(l->node, &l->cap, l->n, sizeof *l->node);
    l->node[l->n++] = i;
    return true;
}

bool read_nodes(struct reader *r, struct list *out)
{
    return read_each_name(r, list_node, out);
}

bool read_one_node(struct reader *r, uint32_t *out)
{
    struct list l = {.n = 0};
    bool ok = read_nodes(r, &l) && (l.n == 1 || read_bad_last(r, "one node belongs here"));

    *out = ok ? l.node[0] : SIM_NONE;
    free(l.node);
    return ok;
}

/* --- links ---------------------------------------------------------------------------------------------------------------------------------- */

bool read_link(struct reader *r, struct gx_sim_link *out)
{
    static const struct { const char *name; struct gx_sim_link link; } presets[] = {
        {"lan", {.delay_ms = 1, .bytes_per_s = 100000000}},
        {"wifi", {.delay_ms = 5, .jitter_ms = 15, .loss_ppm = 10000, .bytes_per_s = 3000000}},
        {"3g", {.delay_ms = 80, .jitter_ms = 60, .loss_ppm = 20000, .bytes_per_s = 125000}},
    };
    static const char *const values[] = {"delay", "jitter", "loss", "rate"};
    uint64_t ms = 0;
    double x = 0;
    bool any = false, had[GX_ARRAY_LEN(values)] = {false};

    *out = (struct gx_sim_link){.delay_ms = 1};
    for (size_t i = 0; i < GX_ARRAY_LEN(presets); i++)
        if (read_take(r, presets[i].name)) {
            *out = presets[i].link;
            any = true;
            break;
        }
    for (;; any = true) {
        for (size_t i = 0; i < GX_ARRAY_LEN(values); i++) {
            if (had[i] && read_is(r, values[i]))
                return read_bad(r, "there is a %s already", values[i]);
            had[i] = had[i] || read_is(r, values[i]);
        }
        if (read_take(r, "delay")) {
            if (!read_span(r, &ms) || ms == 0 || ms > 60000)
                return read_bad_last(r, "a delay is 1ms to 60s");
            out->delay_ms = (uint32_t)ms;
        } else if (read_take(r, "jitter")) {
            if (!read_span(r, &ms) || ms > 60000)
                return read_bad_last(r, "a jitter is at most 60s");
            out->jitter_ms = (uint32_t)ms;
        } else if (read_take(r, "loss")) {
            if (!read_number_with(r, &x, "%") || x > 90)
                return read_bad_last(r, "a loss is 0%% to 90%%");
            out->loss_ppm = (uint32_t)(x * 10000 + 0.5);
        } else if (read_take(r, "rate")) {
            if (!read_number_with(r, &x, "kB/s") || x < 1 || x > 1e6)
                return read_bad_last(r, "a rate is 1kB/s to 1000000kB/s");
            out->bytes_per_s = (uint32_t)(x * 1000 + 0.5);
        } else {
            return any || read_bad(r, "'%s' is no link; known: lan wifi 3g, delay 5ms, jitter 5ms, loss 5%%, rate 100kB/s", r->now.end ? "the end" : r->now.text);
        }
    }
}
