/* Answers and notes as text, without a tree of values between: what is sent and watched by the thousand.  The same bytes as gx_json_values prints. */
#include "node/os/json.h"

#include "proto/utf8.h"

#include <inttypes.h>
#include <stdio.h>

#define SHOWN_BYTES 1024u       /* of a text that is not UTF-8 */
#define ESCAPED_MAX 6u          /* \u001F */
#define VALUE_MAX 32u           /* a number, quotes, colon, comma, brackets */

struct text {
    char *p;
    size_t n;
};

static void put(struct text *t, const char *bytes, size_t n)
{
    memcpy(t->p + t->n, bytes, n);
    t->n += n;
}

static void put_escape(struct text *t, unsigned char c)
{
    static const char short_form[32] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

    t->p[t->n++] = '\\';
    if (c == '"' || c == '\\')
        t->p[t->n++] = (char)c;
    else if (short_form[c] != 0)
        t->p[t->n++] = short_form[c];
    else
        t->n += (size_t)snprintf(t->p + t->n, ESCAPED_MAX, "u%04X", c);
}

static void put_string(struct text *t, const char *s)
{
    char shown[SHOWN_BYTES];
    size_t n = strlen(s);

    if (!gx_utf8_ok(gx_span(s, n))) {
        n = gx_utf8_show(shown, sizeof shown, gx_span(s, n), true);
        s = shown;
    }
    t->p[t->n++] = '"';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x20 || c == '"' || c == '\\')
            put_escape(t, c);
        else
            t->p[t->n++] = s[i];
    }
    t->p[t->n++] = '"';
}

static void put_number(struct text *t, uint64_t number)
{
    const char *quote = number <= GX_JSON_NUMBER_MAX ? "" : "\"";

    t->n += (size_t)snprintf(t->p + t->n, VALUE_MAX, "%s%ju%s", quote, (uintmax_t)number, quote);
}

/* All but the end of an object or list. */
static void put_value(struct text *t, const struct gx_value *v)
{
    switch (v->kind) {
    case GX_VALUE_TEXT:
        put_string(t, v->text);
        return;
    case GX_VALUE_NUMBER:
        put_number(t, v->number);
        return;
    case GX_VALUE_BOOL:
        put(t, v->number != 0 ? "true" : "false", v->number != 0 ? 4 : 5);
        return;
    case GX_VALUE_NULL:
        put(t, "null", 4);
        return;
    case GX_VALUE_OBJECT:
        put(t, "{", 1);
        return;
    case GX_VALUE_LIST:
        put(t, "[", 1);
        return;
    case GX_VALUE_END:
        break;
    }
    GX_ASSERT(!"an end is no value");
}

static void put_answer(struct text *t, const struct gx_answer *answer)
{
    char closing[GX_JSON_DEPTH_MAX];
    size_t depth = 0;
    bool first = true;

    put(t, "{", 1);
    closing[0] = '}';
    for (size_t i = 0; i < answer->n; i++) {
        const struct gx_value *v = &answer->values[i];

        if (v->kind == GX_VALUE_END) {
            GX_ASSERT(depth > 0);
            put(t, &closing[depth--], 1);
            first = false;
            continue;
        }
        if (!first)
            put(t, ",", 1);
        GX_ASSERT((closing[depth] == ']') == (v->key == NULL));
        if (v->key != NULL) {
            put_string(t, v->key);
            put(t, ":", 1);
        }
        put_value(t, v);
        first = v->kind == GX_VALUE_OBJECT || v->kind == GX_VALUE_LIST;
        if (first) {
            GX_ASSERT(depth + 1 < GX_JSON_DEPTH_MAX);
            closing[++depth] = v->kind == GX_VALUE_OBJECT ? '}' : ']';
        }
    }
    GX_ASSERT(depth == 0);
    put(t, "}", 1);
}

/* A byte that is no UTF-8 becomes three, one that is escaped at most six. */
static size_t string_max(const char *s)
{
    return ESCAPED_MAX * strlen(s) + 2;
}

#define HEAD_MAX 96u            /* what stands around id and answer */

size_t gx_json_line_max(const struct gx_answer *answer, const json_t *id)
{
    size_t n = HEAD_MAX + (json_is_string(id) ? ESCAPED_MAX * json_string_length(id) : VALUE_MAX);

    for (size_t i = 0; i < answer->n; i++) {
        const struct gx_value *v = &answer->values[i];
        n += VALUE_MAX + (v->key == NULL ? 0 : string_max(v->key)) + (v->kind == GX_VALUE_TEXT ? string_max(v->text) : 0);
    }
    return n;
}

static void put_text(struct text *t, const char *s)
{
    put(t, s, strlen(s));
}

size_t gx_json_reply_line(char *out, const json_t *id, const struct gx_answer *answer)
{
    struct text t = {.p = out};

    put_text(&t, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (json_is_string(id))
        put_string(&t, json_string_value(id));
    else
        t.n += (size_t)snprintf(t.p + t.n, VALUE_MAX, "%jd", (intmax_t)json_integer_value(id));
    put_text(&t, ",\"result\":");
    put_answer(&t, answer);
    put_text(&t, "}\n");
    return t.n;
}

size_t gx_json_note_line(char *out, enum gx_method method, const struct gx_answer *answer)
{
    struct text t = {.p = out};

    put_text(&t, "{\"jsonrpc\":\"2.0\",\"method\":");
    put_string(&t, gx_method_name(method));
    put_text(&t, ",\"params\":");
    put_answer(&t, answer);
    put_text(&t, "}\n");
    return t.n;
}
