#include "node/cli/cli.h"

#include "node/os/interfaces.h"
#include "proto/utf8.h"

#include <getopt.h>
#include <stdlib.h>

enum takes { FLAG, TEXT, TEXTS, NUMBER, NUMBER_OR_NONE, SECONDS, SPAN };

static const struct row {
    const char *name;
    char short_name;
    enum takes takes;
    const char *shown, *help;
} rows[] = {
#define GX_X(id, name, short_name, takes, shown, help) {name, short_name, takes, shown, help},
    GX_OPTION_LIST(GX_X)
#undef GX_X
};

/* Long options are returned by their place in the table, out of the way of characters. */
#define LONG_BASE 1000

bool gx_number_parse(uint64_t *out, const char *text)
{
    size_t n = strlen(text);

    if (n == 0 || n > 18 || text[strspn(text, "0123456789")] != 0)
        return false;
    *out = strtoull(text, NULL, 10);
    return true;
}

bool gx_span_parse(uint64_t *ms, const char *text, bool bare_seconds)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};
    char digits[12];
    size_t n = strlen(text);

    /* 9 digits of days stay far below what 64 bits hold. */
    if (n == 0 || n > 10)
        return false;
    memcpy(digits, text, n + 1);
    uint64_t unit = bare_seconds ? 1000 : 0;
    for (size_t i = 0; i < GX_ARRAY_LEN(units); i++) {
        if (digits[n - 1] == units[i].unit) {
            unit = units[i].ms;
            digits[n - 1] = 0;
            break;
        }
    }
    uint64_t number;
    if (unit == 0 || !gx_number_parse(&number, digits) || number > 999999999)
        return false;
    *ms = number * unit;
    return true;
}

static bool take(struct gx_args *out, enum gx_option o, const char *value, struct gx_fail *why)
{
    const struct row *row = &rows[o];
    bool ok = true;

    out->given |= 1ull << o;
    if (value != NULL && !gx_utf8_ok(gx_span(value, strlen(value))) && o != GX_OPT_HOME && o != GX_OPT_PNG)
        return gx_fail(why, GX_EXIT_USAGE, "usage", NULL, "--%s: this is not UTF-8 text", row->name);
    switch (row->takes) {
    case FLAG:
        break;
    case TEXT:
        out->text[o] = value;
        break;
    case TEXTS:
        ok = out->n_list < GX_ARGS_LIST_MAX;
        if (ok) {
            out->list[out->n_list].option = o;
            out->list[out->n_list++].text = value;
        }
        break;
    case NUMBER:
        ok = gx_number_parse(&out->number[o], value);
        break;
    case NUMBER_OR_NONE:
        out->number[o] = 0;
        ok = strcmp(value, "none") == 0 || gx_number_parse(&out->number[o], value);
        break;
    case SECONDS:
        ok = gx_span_parse(&out->number[o], value, true);
        break;
    case SPAN:
        ok = gx_span_parse(&out->number[o], value, false);
        break;
    }
    return ok || gx_fail(why, GX_EXIT_USAGE, "usage", row->help, "--%s %s makes no sense (%s)", row->name, value, row->shown);
}

static enum gx_option option_of(int c)
{
    if (c >= LONG_BASE)
        return (enum gx_option)(c - LONG_BASE);
    for (size_t i = 0; i < GX_OPTION_COUNT; i++)
        if (rows[i].short_name == c)
            return (enum gx_option)i;
    return GX_OPTION_COUNT;
}

bool gx_args_parse(struct gx_args *out, int *next, uint64_t options, bool stop, int argc, char **argv, struct gx_fail *why)
{
    struct option longs[GX_OPTION_COUNT + 1] = {{0}};
    char shorts[3 * GX_OPTION_COUNT + 4];
    size_t n_longs = 0, n_shorts = 0;
    int c;

    if (stop)
        shorts[n_shorts++] = '+';
    shorts[n_shorts++] = ':';
    for (int i = 0; i < (int)GX_OPTION_COUNT; i++) {
        int argument = rows[i].takes == FLAG ? no_argument : required_argument;
        if ((options & (1ull << i)) == 0)
            continue;
        longs[n_longs++] = (struct option){.name = rows[i].name, .has_arg = argument, .val = LONG_BASE + i};
        if (rows[i].short_name != 0) {
            shorts[n_shorts++] = rows[i].short_name;
            if (argument == required_argument)
                shorts[n_shorts++] = ':';
        }
    }
    shorts[n_shorts] = 0;

    opterr = 0;
    optind = 0;         /* GNU: begin anew */
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const char *at = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (c == '?')
            return gx_fail(why, GX_EXIT_USAGE, "usage", "see: guanxi help", "%s is no option here", at);
        if (c == ':')
            return gx_fail(why, GX_EXIT_USAGE, "usage", "see: guanxi help", "%s needs a value", at);
        if (!take(out, option_of(c), optarg, why))
            return false;
    }
    *next = optind;
    out->words = argv + optind;
    out->n_words = (size_t)(argc - optind);
    return true;
}

/* What is none is passed on: the node says so. */
static json_t *address(const char *text)
{
    char numbered[GX_ADDR_TEXT_BYTES];
    struct gx_addr addr;

    if (gx_interfaces_addr_parse(&addr, text, false) != GX_OK)
        return json_string(text);
    gx_addr_format(numbered, &addr);
    return json_string(numbered);
}

void gx_args_addresses(json_t *params, const struct gx_args *args)
{
    json_t *at = json_array();

    for (size_t i = 0; i < args->n_list; i++)
        if (args->list[i].option == GX_OPT_AT)
            (void)json_array_append_new(at, address(args->list[i].text));
    if (json_array_size(at) > 0)
        (void)json_object_set(params, "at", at);
    json_decref(at);
}

void gx_options_help(FILE *out, uint64_t options)
{
    for (size_t i = 0; i < GX_OPTION_COUNT; i++) {
        char left[48], short_form[8] = "";

        if ((options & (1ull << i)) == 0)
            continue;
        if (rows[i].short_name != 0)
            snprintf(short_form, sizeof short_form, "-%c, ", rows[i].short_name);
        snprintf(left, sizeof left, "%s--%s%s%s", short_form, rows[i].name, rows[i].shown == NULL ? "" : " ",
                 rows[i].shown == NULL ? "" : rows[i].shown);
        fprintf(out, "  %-24s  %s\n", left, rows[i].help);
    }
}
