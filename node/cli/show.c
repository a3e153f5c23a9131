#include "node/cli/cli.h"

#include "proto/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

static void *must(void *p)
{
    if (p == NULL) {
        fputs("guanxi: out of memory\n", stderr);
        exit(GX_EXIT_STORE);
    }
    return p;
}

/* The character at p, which is well formed, as \uXXXX; beyond 16 bits as a pair of them. */
static void put_spelt_out(FILE *out, const uint8_t *p, size_t n)
{
    uint32_t cp = n == 1 ? p[0] : p[0] & (0x7fu >> n);

    for (size_t i = 1; i < n; i++)
        cp = cp << 6 | (p[i] & 0x3fu);
    if (cp >= 0x10000)
        fprintf(out, "\\u%04X\\u%04X", 0xd800 + ((cp - 0x10000) >> 10), 0xdc00 + ((cp - 0x10000) & 0x3ff));
    else
        fprintf(out, "\\u%04X", cp);
}

/* JSON comes to terminals too: what these obey or hide is spelt out, beside the few characters for which the standard asks that. */
void gx_json_put(FILE *out, const json_t *value, size_t flags)
{
    char *text = must(json_dumps(value, flags | JSON_ENCODE_ANY));

    for (const uint8_t *p = (const uint8_t *)text; *p != 0;) {
        size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
        char shown[8];

        gx_utf8_show(shown, sizeof shown, gx_span(p, n), true);
        if (memcmp(shown, p, n) == 0)
            fwrite(p, 1, n, out);
        else
            put_spelt_out(out, p, n);
        p += n;
    }
    putc('\n', out);
    free(text);
}

int gx_show_json(const json_t *value)
{
    gx_json_put(stdout, value, JSON_COMPACT);
    return GX_EXIT_DONE;
}

const char *gx_json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

uint64_t gx_json_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    uint64_t number = 0;

    if (json_is_string(value) && gx_number_parse(&number, json_string_value(value)))
        return number;
    return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

/* A tab or newline would be a column or row of its own. */
static char *escape(char *text)
{
    char *out = must(malloc(2 * strlen(text) + 1)), *w = out;

    for (const char *r = text; *r != 0; r++) {
        if (*r == '\n' || *r == '\t' || *r == '\\') {
            *w++ = '\\';
            *w++ = *r == '\n' ? 'n' : *r == '\t' ? 't' : '\\';
        } else {
            *w++ = *r;
        }
    }
    *w = 0;
    free(text);
    return out;
}

char *gx_show_text(const char *text, bool one_line)
{
    size_t n = strlen(text);
    /* U+FFFD is 3 bytes, for each byte that may not be shown. */
    char *out = must(malloc(3 * n + 1));

    gx_utf8_show(out, 3 * n + 1, gx_span(text, n), true);
    return one_line ? escape(out) : out;
}

void gx_show_time(char out[GX_TIME_BYTES], uint64_t wall_ms)
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm day;

    out[0] = 0;
    if (wall_ms != 0 && localtime_r(&s, &day) != NULL)
        strftime(out, GX_TIME_BYTES, "%Y-%m-%d %H:%M", &day);
}

void gx_show_id(char out[GX_SHORT_ID_BYTES], const char *id)
{
    bool hex = strlen(id) >= 16 && id[strspn(id, "0123456789abcdef")] == 0;

    if (hex)
        snprintf(out, GX_SHORT_ID_BYTES, ":%.8s", id);
    else
        gx_utf8_show(out, GX_SHORT_ID_BYTES, gx_span(id, strlen(id)), false);
}

void gx_show_words(FILE *out, const char *text)
{
    unsigned number = 1;

    for (const char *word = text; *word != 0; number++) {
        size_t n = strcspn(word, " ");
        fprintf(out, "  %2u %-10.*s%s", number, (int)n, word, number % 4 == 0 ? "\n" : "");
        word += n + (word[n] == ' ' ? 1 : 0);
    }
}

void gx_remark(char out[GX_REMARKS_BYTES], const char *text)
{
    size_t n = strlen(out);

    snprintf(out + n, GX_REMARKS_BYTES - n, "%s%s", n == 0 || text[0] == 0 ? "" : out[n - 1] == '!' ? " " : ", ", text);
}

const char *gx_mark_text(const json_t *person)
{
    const char *mark = gx_json_text(person, "mark");

    if (strcmp(mark, "lookalike") == 0)
        return "looks like another name here!";
    return strcmp(mark, "invisible") == 0 ? "has invisible characters in the name!" : "";
}

const char *gx_bold(const struct gx_cli *cli)
{
    return cli->colour ? "\033[1m" : "";
}

const char *gx_faint(const struct gx_cli *cli)
{
    return cli->colour ? "\033[2m" : "";
}

const char *gx_plain(const struct gx_cli *cli)
{
    return cli->colour ? "\033[0m" : "";
}

/* Nothing in it that a shell obeys or a screen hides. */
static bool is_plain(const char *text)
{
    char *shown = gx_show_text(text, true);
    bool plain = strcmp(shown, text) == 0;

    free(shown);
    for (; plain && *text != 0; text++)
        plain = (unsigned char)*text >= 0x80 || strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._-", *text) != NULL;
    return plain;
}

void gx_contact_word(char out[GX_SHORT_ID_BYTES], const json_t *contact)
{
    const char *where = gx_json_text(contact, "where");

    if (where[0] == '@' && strlen(where) < GX_SHORT_ID_BYTES && is_plain(where))
        snprintf(out, GX_SHORT_ID_BYTES, "%s", where);
    else
        gx_show_id(out, gx_json_text(contact, "who"));
}

/* Not a notice: -q does not silence it. */
void gx_contact_warn(const struct gx_cli *cli, const json_t *contact)
{
    const char *start = cli->err_tty ? gx_bold(cli) : "", *end = cli->err_tty ? gx_plain(cli) : "";
    const char *from = gx_json_text(contact, "from");
    char *name = gx_show_text(from[0] != 0 ? from : gx_json_text(contact, "name"), true), word[GX_SHORT_ID_BYTES];

    if (!cli->json && json_is_true(json_object_get(contact, "changed"))) {
        gx_contact_word(word, contact);
        fprintf(stderr, "%sWARNING: the key on %s's card is not the one it was.%s\n"
                        "  Either %s has made a new one, or somebody else answers in their name.  Until you know, write nothing that others\n"
                        "  must not read.  Ask them by voice or face to face, and compare the words: guanxi contact verify %s\n",
                start, name, end, name, word);
    }
    free(name);
}

void gx_columns_begin(struct gx_columns *t, const char *const *heads, size_t n_columns)
{
    *t = (struct gx_columns){.heads = heads, .n_columns = n_columns};
}

void gx_columns_text(struct gx_columns *t, const char *text)
{
    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 64 : 2 * t->cap;
        t->cells = must(realloc(t->cells, t->cap * sizeof *t->cells));
    }
    t->cells[t->n++] = gx_show_text(text, true);
}

void gx_columns_number(struct gx_columns *t, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%ju", (uintmax_t)number);
    gx_columns_text(t, text);
}

void gx_columns_time(struct gx_columns *t, uint64_t wall_ms)
{
    char text[GX_TIME_BYTES];

    gx_show_time(text, wall_ms);
    gx_columns_text(t, text);
}

void gx_columns_id(struct gx_columns *t, const char *id)
{
    char text[GX_SHORT_ID_BYTES];

    gx_show_id(text, id);
    gx_columns_text(t, text);
}

/* What is too wide ends in an ellipsis. */
static char *cut(char *text)
{
    static const char ellipsis[] = "\xe2\x80\xa6";

    if (gx_utf8_width(text) <= GX_COLUMN_MAX)
        return text;
    size_t n = gx_utf8_fit(text, GX_COLUMN_MAX - 1);
    text = must(realloc(text, n + sizeof ellipsis));
    memcpy(text + n, ellipsis, sizeof ellipsis);
    return text;
}

static const char *head_text(const char *head)
{
    return head[0] == '>' ? head + 1 : head;
}

static size_t column_width(const struct gx_columns *t, size_t column)
{
    size_t width = strlen(head_text(t->heads[column]));

    for (size_t i = column; i < t->n; i += t->n_columns) {
        size_t w = gx_utf8_width(t->cells[i]);
        width = w > width ? w : width;
    }
    return width;
}

static void print_cell(const struct gx_columns *t, size_t column, const char *text, size_t width)
{
    bool last = column + 1 == t->n_columns, right = t->heads[column][0] == '>';
    size_t w = gx_utf8_width(text);
    int pad = w < width ? (int)(width - w) : 0;

    printf("%*s%s%*s%s", right ? pad : 0, "", text, right || last ? 0 : pad, "", last ? "" : "  ");
}

static void print_aligned(const struct gx_cli *cli, const struct gx_columns *t)
{
    size_t *widths = must(calloc(t->n_columns, sizeof *widths));

    for (size_t c = 0; c < t->n_columns; c++)
        widths[c] = column_width(t, c);
    printf("%s", gx_bold(cli));
    for (size_t c = 0; c < t->n_columns; c++)
        print_cell(t, c, head_text(t->heads[c]), widths[c]);
    printf("%s\n", gx_plain(cli));
    for (size_t i = 0; i < t->n; i++) {
        print_cell(t, i % t->n_columns, t->cells[i], widths[i % t->n_columns]);
        if (i % t->n_columns + 1 == t->n_columns)
            putchar('\n');
    }
    free(widths);
}

void gx_columns_end(const struct gx_cli *cli, struct gx_columns *t)
{
    GX_ASSERT(t->n % t->n_columns == 0);
    for (size_t i = 0; cli->out_tty && !t->whole && i < t->n; i++)
        t->cells[i] = cut(t->cells[i]);
    if (cli->out_tty)
        print_aligned(cli, t);
    else
        for (size_t i = 0; i < t->n; i++)
            printf("%s%c", t->cells[i], i % t->n_columns + 1 == t->n_columns ? '\n' : '\t');
    for (size_t i = 0; i < t->n; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct gx_columns){0};
}

void gx_show_pair(const struct gx_cli *cli, const char *key, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *shown = gx_show_text(text, true);
    if (cli->out_tty)
        printf("%s%-10s%s  %s\n", gx_faint(cli), key, gx_plain(cli), shown);
    else
        printf("%s\t%s\n", key, shown);
    free(shown);
}
