#include "node/engine/answers.h"

#include <stdarg.h>
#include <stdio.h>

#define VALUES_FIRST 32u

const struct gx_value *gx_answer_find(const struct gx_answer *a, const char *key)
{
    size_t depth = 0;

    for (size_t i = 0; i < a->n; i++) {
        const struct gx_value *v = &a->values[i];

        if (depth == 0 && v->key != NULL && strcmp(v->key, key) == 0)
            return v;
        if (v->kind == GX_VALUE_OBJECT || v->kind == GX_VALUE_LIST)
            depth++;
        else if (v->kind == GX_VALUE_END)
            depth--;
    }
    return NULL;
}

void gx_answers_begin(struct gx_answer_builder *b, struct gx_engine *e, uint64_t client, uint64_t request)
{
    *b = (struct gx_answer_builder){.e = e, .client = client, .request = request};
}

void gx_answers_reserve(struct gx_answer_builder *b, size_t n)
{
    if (b->cap - b->n >= n)
        return;

    struct gx_value *values = gx_arena_take(&b->e->arena, (b->n + n) * sizeof *values);

    if (values == NULL) {
        (void)gx_engine_ok(b->e, GX_E_MEMORY);
        return;
    }
    if (b->n > 0)
        memcpy(values, b->values, b->n * sizeof *values);
    b->values = values;
    b->cap = b->n + n;
}

static void put(struct gx_answer_builder *b, const struct gx_value *value)
{
    if (b->n == b->cap)
        gx_answers_reserve(b, b->cap == 0 ? VALUES_FIRST : b->cap);
    if (b->n < b->cap)
        b->values[b->n++] = *value;
}

void gx_answers_kept(struct gx_answer_builder *b, const char *key, const char *text)
{
    put(b, &(struct gx_value){.kind = GX_VALUE_TEXT, .key = key, .text = text});
}

void gx_answers_text(struct gx_answer_builder *b, const char *key, const char *text)
{
    const char *copy = gx_arena_text(&b->e->arena, text, strlen(text));

    if (gx_engine_ok(b->e, copy == NULL ? GX_E_MEMORY : GX_OK))
        gx_answers_kept(b, key, copy);
}

void gx_answers_hex(struct gx_answer_builder *b, const char *key, const uint8_t *p, size_t n)
{
    char *text = gx_arena_take(&b->e->arena, GX_HEX_BYTES(n));

    if (!gx_engine_ok(b->e, text == NULL ? GX_E_MEMORY : GX_OK))
        return;
    gx_hex(text, p, n);
    gx_answers_kept(b, key, text);
}

void gx_answers_number(struct gx_answer_builder *b, const char *key, uint64_t number)
{
    put(b, &(struct gx_value){.kind = GX_VALUE_NUMBER, .key = key, .number = number});
}

void gx_answers_bool(struct gx_answer_builder *b, const char *key, bool value)
{
    put(b, &(struct gx_value){.kind = GX_VALUE_BOOL, .key = key, .number = value});
}

void gx_answers_addr(struct gx_answer_builder *b, const char *key, const struct gx_addr *addr)
{
    char text[GX_ADDR_TEXT_BYTES];

    gx_addr_format(text, addr);
    gx_answers_text(b, key, text);
}

void gx_answers_object(struct gx_answer_builder *b, const char *key)
{
    put(b, &(struct gx_value){.kind = GX_VALUE_OBJECT, .key = key});
    b->depth++;
}

void gx_answers_list(struct gx_answer_builder *b, const char *key)
{
    put(b, &(struct gx_value){.kind = GX_VALUE_LIST, .key = key});
    b->depth++;
}

void gx_answers_end(struct gx_answer_builder *b)
{
    GX_ASSERT(b->depth > 0);
    put(b, &(struct gx_value){.kind = GX_VALUE_END});
    b->depth--;
}

/* Out of the door: the answer itself lies in the arena too, where effects point. */
static void leave(struct gx_answer_builder *b, enum gx_effect_kind kind, struct gx_answer answer)
{
    GX_ASSERT(b->depth == 0);
    answer.n = b->n;
    answer.values = b->values;
    if (b->e->fault != GX_OK)
        return;

    const struct gx_answer *kept = gx_arena_copy(&b->e->arena, &answer, sizeof answer);

    if (!gx_engine_ok(b->e, kept == NULL ? GX_E_MEMORY : GX_OK))
        return;

    struct gx_effect *effect = gx_engine_effect(b->e, kind);

    if (effect == NULL)
        return;
    effect->client = b->client;
    effect->request = b->request;
    effect->answer = kept;
}

void gx_answers_send(struct gx_answer_builder *b)
{
    leave(b, GX_OUT_ANSWER, (struct gx_answer){.err = GX_OK});
}

void gx_answers_note(struct gx_answer_builder *b)
{
    leave(b, GX_OUT_NOTE, (struct gx_answer){.err = GX_OK, .more = true});
}

/* What INTERFACE calls it, and its exit code. */
static void classify(struct gx_answer *a)
{
    switch (a->err) {
    case GX_E_USAGE:
        a->name = "usage";
        a->exit_code = 2;
        return;
    case GX_E_ABSENT:
        a->name = "not_found";
        a->exit_code = 3;
        return;
    case GX_E_AMBIGUOUS:
        a->name = "ambiguous";
        a->exit_code = 3;
        return;
    case GX_E_DENIED:
        /* INTERFACE has no name of its own for an owner who would leave. */
        a->name = gx_deny_name(a->deny == GX_DENY_OWNER ? GX_DENY_NO_RANK : a->deny);
        a->exit_code = a->deny == GX_DENY_TOKEN_EXPIRED ? 5 : 4;
        return;
    case GX_E_MALFORMED:
        a->name = "token_malformed";
        a->exit_code = 5;
        return;
    case GX_E_SIGNATURE:
        a->name = "token_signature";
        a->exit_code = 5;
        return;
    case GX_E_VERSION:
        a->name = "token_version";
        a->exit_code = 5;
        return;
    case GX_E_EXPIRED:
        a->name = "token_expired";
        a->exit_code = 5;
        return;
    case GX_E_FULL:
    case GX_E_STORE:
    case GX_E_CORRUPT:
    case GX_E_LOCKED:
    case GX_E_MEMORY:
        a->name = "store";
        a->exit_code = 74;
        return;
    case GX_E_AGAIN:
        a->name = "busy";
        a->exit_code = 1;
        return;
    case GX_E_TOO_BIG:
    case GX_E_DUPLICATE:
    case GX_E_FORK:
    case GX_E_MISSING:
        a->name = gx_err_name(a->err);
        a->exit_code = 1;
        return;
    case GX_OK:
    case GX_ERR_COUNT:
        break;
    }
    GX_ASSERT(!"a refusal without a reason");
}

static const char *format_text(struct gx_engine *e, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);

    char *text = n < 0 ? NULL : gx_arena_take(&e->arena, (size_t)n + 1);

    if (!gx_engine_ok(e, text == NULL ? GX_E_MEMORY : GX_OK))
        return "";
    (void)vsnprintf(text, (size_t)n + 1, format, args);
    return text;
}

const char *gx_answers_format(struct gx_engine *e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *text = format_text(e, format, args);
    va_end(args);
    return text;
}

void gx_answers_refuse(struct gx_answer_builder *b, enum gx_err err, const char *hint, const char *format, ...)
{
    struct gx_answer a = {.err = err, .hint = hint};
    va_list args;

    classify(&a);
    va_start(args, format);
    a.message = format_text(b->e, format, args);
    va_end(args);
    leave(b, GX_OUT_ANSWER, a);
}

void gx_answers_deny(struct gx_answer_builder *b, enum gx_deny deny, const char *hint, const char *format, ...)
{
    struct gx_answer a = {.err = GX_E_DENIED, .deny = deny, .hint = hint};
    va_list args;

    classify(&a);
    va_start(args, format);
    a.message = format_text(b->e, format, args);
    va_end(args);
    leave(b, GX_OUT_ANSWER, a);
}

void gx_answers_no(struct gx_answer_builder *b, const char *name, const char *hint, const char *format, ...)
{
    struct gx_answer a = {.err = GX_E_DENIED, .name = name, .exit_code = 1, .hint = hint};
    va_list args;

    va_start(args, format);
    a.message = format_text(b->e, format, args);
    va_end(args);
    leave(b, GX_OUT_ANSWER, a);
}

void gx_answers_timeout(struct gx_answer_builder *b, const char *hint, const char *format, ...)
{
    struct gx_answer a = {.err = GX_E_AGAIN, .name = "timeout", .exit_code = 6, .hint = hint};
    va_list args;

    va_start(args, format);
    a.message = format_text(b->e, format, args);
    va_end(args);
    leave(b, GX_OUT_ANSWER, a);
}
