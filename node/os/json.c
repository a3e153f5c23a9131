#include "node/os/json.h"

#include "crypto/keys.h"
#include "proto/utf8.h"

#include <malloc.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum param_type { TEXT, TEXTS, NUMBER, BOOL };

static const struct param {
    const char *name, *help;
    enum param_type type;
    size_t at;              /* offset in struct gx_command */
} params_table[] = {
#define GX_X(id, member, type, help) {#member, help, type, offsetof(struct gx_command, member)},
    GX_PARAM_LIST(GX_X)
#undef GX_X
};
static_assert(GX_ARRAY_LEN(params_table) == GX_PARAM_COUNT_, "one row a parameter");

static const char *const type_names[] = {[TEXT] = "text", [TEXTS] = "list of texts", [NUMBER] = "number", [BOOL] = "true or false"};

static const struct method {
    const char *name, *help;
    uint32_t params, needed;
    bool offline;
} methods_table[] = {
#define GX_X(id, name, params, needed, offline, help) {name, help, params, needed, offline},
    GX_METHOD_LIST(GX_X)
#undef GX_X
};
static_assert(GX_ARRAY_LEN(methods_table) == GX_METHOD_COUNT, "one row a method");

static bool refuse(struct gx_refusal *why, enum gx_rpc_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool refuse(struct gx_refusal *why, enum gx_rpc_code code, const char *format, ...)
{
    char text[sizeof why->message];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    why->code = code;
    /* A name that came from outside is quoted in here: safe to show, and whole characters only. */
    gx_utf8_show(why->message, sizeof why->message, gx_span(text, strlen(text)), false);
    return false;
}

const char *gx_method_name(enum gx_method method)
{
    GX_ASSERT(method < GX_METHOD_COUNT);
    return methods_table[method].name;
}

enum gx_method gx_method_find(const char *name)
{
    for (size_t i = 0; i < GX_METHOD_COUNT; i++)
        if (strcmp(methods_table[i].name, name) == 0)
            return (enum gx_method)i;
    return GX_METHOD_COUNT;
}

bool gx_method_offline(enum gx_method method)
{
    GX_ASSERT(method < GX_METHOD_COUNT);
    return methods_table[method].offline;
}

/* Brackets outside of strings.  Jansson itself would follow them 2,048 deep. */
static bool too_deep(const char *line, size_t n)
{
    unsigned depth = 0;
    bool text = false;

    for (size_t i = 0; i < n; i++) {
        if (text && line[i] == '\\')
            i++;
        else if (line[i] == '"')
            text = !text;
        else if (!text && (line[i] == '{' || line[i] == '['))
            depth++;
        else if (!text && (line[i] == '}' || line[i] == ']'))
            depth -= depth > 0 ? 1 : 0;
        if (depth > GX_JSON_DEPTH_MAX)
            return true;
    }
    return false;
}

static void free_wiped(void *p)
{
    if (p != NULL)
        gx_wipe(p, malloc_usable_size(p));
    free(p);
}

void gx_json_wipe_memory(void)
{
    json_set_alloc_funcs(malloc, free_wiped);
}

json_t *gx_json_parse(struct gx_refusal *why, const char *line, size_t n)
{
    json_error_t error;

    if (too_deep(line, n)) {
        refuse(why, GX_RPC_PARSE, "nested deeper than %u", GX_JSON_DEPTH_MAX);
        return NULL;
    }
    /* Without JSON_ALLOW_NUL a \u0000 is refused, and so is UTF-8 that is not well formed. */
    json_t *root = json_loadb(line, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (root == NULL)
        refuse(why, GX_RPC_PARSE, "not JSON: %.100s", error.text);
    return root;
}

static bool take_texts(struct gx_command *out, const json_t *value)
{
    if (!json_is_array(value) || json_array_size(value) > GX_COMMAND_ADDRS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        out->at[i] = json_string_value(json_array_get(value, i));
        if (out->at[i] == NULL)
            return false;
    }
    out->n_at = json_array_size(value);
    return true;
}

/* A whole number from 0 on; beyond 2^53 it may come as a string of digits. */
static bool take_number(uint64_t *out, const json_t *value)
{
    const char *digits = json_string_value(value);

    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *out = (uint64_t)json_integer_value(value);
        return true;
    }
    if (digits == NULL || digits[0] == 0 || strlen(digits) > 19 || digits[strspn(digits, "0123456789")] != 0)
        return false;
    *out = strtoull(digits, NULL, 10);
    return true;
}

static bool take_value(struct gx_command *out, const struct param *param, const json_t *value)
{
    char *field = (char *)out + param->at;

    switch (param->type) {
    case TEXT: {
        const char *text = json_string_value(value);
        memcpy(field, &text, sizeof text);
        return text != NULL;
    }
    case TEXTS:
        return take_texts(out, value);
    case NUMBER: {
        uint64_t number = 0;
        bool ok = take_number(&number, value);
        memcpy(field, &number, sizeof number);
        return ok;
    }
    case BOOL: {
        bool yes = json_is_true(value);
        memcpy(field, &yes, sizeof yes);
        return json_is_boolean(value);
    }
    }
    return false;
}

static size_t param_find(const char *name)
{
    size_t i = 0;

    while (i < GX_PARAM_COUNT_ && strcmp(params_table[i].name, name) != 0)
        i++;
    return i;
}

static bool take_params(struct gx_command *out, struct gx_refusal *why, const struct method *method, const json_t *params)
{
    void *iter = json_object_iter((json_t *)(uintptr_t)params);

    for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)params, iter)) {
        const char *key = json_object_iter_key(iter);
        size_t i = param_find(key);

        if (i == GX_PARAM_COUNT_ || (method->params & (1u << i)) == 0)
            return refuse(why, GX_RPC_PARAMS, "%s has no parameter \"%.60s\"", method->name, key);
        if (!take_value(out, &params_table[i], json_object_iter_value(iter)))
            return refuse(why, GX_RPC_PARAMS, "%s must be: %s", key, type_names[params_table[i].type]);
        out->given |= 1u << i;
    }
    return true;
}

bool gx_json_command(struct gx_command *out, struct gx_refusal *why, const char *method_name, const json_t *params)
{
    memset(out, 0, sizeof *out);
    out->method = gx_method_find(method_name);
    if (out->method == GX_METHOD_COUNT)
        return refuse(why, GX_RPC_METHOD, "there is no method \"%.60s\"; rpc.discover lists them", method_name);
    if (params != NULL && !json_is_object(params))
        return refuse(why, GX_RPC_PARAMS, "parameters are given by name, in an object");

    const struct method *method = &methods_table[out->method];
    if (params != NULL && !take_params(out, why, method, params))
        return false;
    for (size_t i = 0; i < GX_PARAM_COUNT_; i++)
        if ((method->needed & ~out->given & (1u << i)) != 0)
            return refuse(why, GX_RPC_PARAMS, "%s needs %s: %s", method->name, params_table[i].name, params_table[i].help);
    return true;
}

/* Methods that the engine has no part in.  All their parameters are needed, and text. */
static const struct own {
    const char *name, *help;
    struct {
        const char *name, *help;
    } params[2];
} own[GX_OS_COUNT] = {
    [GX_OS_STOP] = {"stop", "end this node in good order", {{NULL, NULL}}},
    [GX_OS_DISCOVER] = {"rpc.discover", "this list", {{NULL, NULL}}},
    [GX_OS_LOCK] = {"lock", "forget all keys until the passphrase is given again", {{NULL, NULL}}},
    [GX_OS_UNLOCK] = {"unlock", "open the vault, and run", {{"passphrase", "that of this home"}}},
    [GX_OS_PASSWD] = {"passwd", "change the passphrase", {{"passphrase", "the one until now; empty: none"}, {"next", "the new one; empty: none"}}},
};

static bool take_own(struct gx_request *out, struct gx_refusal *why, const json_t *params)
{
    const struct own *m = &own[out->os];
    const char **const fields[] = {&out->passphrase, &out->next};
    size_t n = 0;

    if (params != NULL && !json_is_object(params))
        return refuse(why, GX_RPC_PARAMS, "parameters are given by name, in an object");
    for (; n < GX_ARRAY_LEN(m->params) && m->params[n].name != NULL; n++) {
        *fields[n] = json_string_value(json_object_get(params, m->params[n].name));
        if (*fields[n] == NULL)
            return refuse(why, GX_RPC_PARAMS, "%s needs %s: %s", m->name, m->params[n].name, m->params[n].help);
    }
    return json_object_size(params) == n || refuse(why, GX_RPC_PARAMS, n == 0 ? "%s has no parameters" : "%s has other parameters", m->name);
}

bool gx_json_request(struct gx_request *out, struct gx_refusal *why, const json_t *root)
{
    memset(out, 0, sizeof *out);
    if (!json_is_object(root))
        return refuse(why, GX_RPC_REQUEST, "a request is one object; batches are not served");
    json_t *id = json_object_get(root, "id");
    if (json_is_string(id) || json_is_integer(id))
        out->id = id;
    else
        return refuse(why, GX_RPC_REQUEST, "a request needs an id, text or whole number: each is answered");

    const char *version = json_string_value(json_object_get(root, "jsonrpc"));
    const char *method = json_string_value(json_object_get(root, "method"));
    const json_t *params = json_object_get(root, "params");
    if (version == NULL || strcmp(version, "2.0") != 0)
        return refuse(why, GX_RPC_REQUEST, "jsonrpc must be \"2.0\"");
    if (method == NULL)
        return refuse(why, GX_RPC_REQUEST, "a request needs a method");
    if (json_object_size(root) > (params == NULL ? 3u : 4u))
        return refuse(why, GX_RPC_REQUEST, "a request has jsonrpc, id, method and params, and nothing else");

    out->os = GX_OS_NONE;
    for (size_t i = 0; i < GX_ARRAY_LEN(own); i++)
        if (own[i].name != NULL && strcmp(method, own[i].name) == 0)
            out->os = (enum gx_os_method)i;
    return out->os == GX_OS_NONE ? gx_json_command(&out->command, why, method, params) : take_own(out, why, params);
}

static json_t *number(uint64_t v)
{
    char digits[24];

    if (v <= GX_JSON_NUMBER_MAX)
        return json_integer((json_int_t)v);
    snprintf(digits, sizeof digits, "%ju", (uintmax_t)v);
    return json_string(digits);
}

/* Text of the engine is UTF-8; what is not (it came from a stranger) is shown as far as it can be. */
static json_t *text_value(const char *text)
{
    char shown[1024];

    GX_ASSERT(text != NULL);
    json_t *json = json_string(text);
    if (json != NULL)
        return json;
    gx_utf8_show(shown, sizeof shown, gx_span(text, strlen(text)), true);
    return json_string(shown);
}

static json_t *value_new(const struct gx_value *v)
{
    switch (v->kind) {
    case GX_VALUE_TEXT:
        return text_value(v->text);
    case GX_VALUE_NUMBER:
        return number(v->number);
    case GX_VALUE_BOOL:
        return json_boolean(v->number != 0);
    case GX_VALUE_NULL:
        return json_null();
    case GX_VALUE_OBJECT:
        return json_object();
    case GX_VALUE_LIST:
        return json_array();
    case GX_VALUE_END:
        break;
    }
    return NULL;
}

json_t *gx_json_values(const struct gx_answer *answer)
{
    json_t *stack[GX_JSON_DEPTH_MAX];
    size_t depth = 0;
    bool ok = (stack[0] = json_object()) != NULL;

    for (size_t i = 0; ok && i < answer->n; i++) {
        const struct gx_value *v = &answer->values[i];
        json_t *open = stack[depth];

        if (v->kind == GX_VALUE_END) {
            GX_ASSERT(depth > 0);
            depth--;
            continue;
        }
        json_t *json = value_new(v);
        GX_ASSERT(json_is_array(open) == (v->key == NULL));
        ok = (v->key == NULL ? json_array_append_new(open, json) : json_object_set_new(open, v->key, json)) == 0;
        if (ok && (v->kind == GX_VALUE_OBJECT || v->kind == GX_VALUE_LIST)) {
            GX_ASSERT(depth + 1 < GX_JSON_DEPTH_MAX);
            stack[++depth] = json;
        }
    }
    GX_ASSERT(!ok || depth == 0);
    if (!ok && stack[0] != NULL) {
        json_decref(stack[0]);
        return NULL;
    }
    return stack[0];
}

/* Takes over data, which gets code, name and hint in front of what it has. */
static json_t *error_object(int exit_code, const char *name, const char *message, const char *hint, json_t *data)
{
    json_t *head = json_pack("{s:i, s:s}", "code", exit_code, "name", name);
    json_t *out = NULL;

    if (head != NULL && hint != NULL && hint[0] != 0)
        (void)json_object_set_new(head, "hint", text_value(hint));
    if (head != NULL && (data == NULL || json_object_update_missing(head, data) == 0))
        out = json_pack("{s:i, s:o, s:O}", "code", GX_RPC_NODE - exit_code, "message", text_value(message), "data", head);
    json_decref(head);
    json_decref(data);
    return out;
}

json_t *gx_json_error(const struct gx_answer *answer)
{
    int code = answer->exit_code == 0 ? GX_EXIT_FAILED : answer->exit_code;
    const char *name = answer->name == NULL ? gx_err_name(answer->err) : answer->name;
    const char *message = answer->message == NULL ? gx_err_text(answer->err) : answer->message;

    return error_object(code, name, message, answer->hint, gx_json_values(answer));
}

json_t *gx_json_fail(const struct gx_fail *why)
{
    return error_object(why->code, why->name, why->message, why->hint, NULL);
}

json_t *gx_json_refusal(const struct gx_refusal *why)
{
    return json_pack("{s:i, s:s}", "code", why->code, "message", why->message);
}

json_t *gx_json_reply(const json_t *id, const char *key, json_t *value)
{
    if (value == NULL)
        return NULL;
    return json_pack("{s:s, s:O?, s:o}", "jsonrpc", "2.0", "id", id, key, value);
}

static json_t *discover_method(const struct method *m)
{
    json_t *params = json_array();

    for (size_t i = 0; i < GX_PARAM_COUNT_; i++)
        if ((m->params & (1u << i)) != 0)
            (void)json_array_append_new(params, json_pack("{s:s, s:s, s:b, s:s}", "name", params_table[i].name, "type",
                                                          type_names[params_table[i].type], "required",
                                                          (int)((m->needed >> i) & 1u), "description", params_table[i].help));
    return json_pack("{s:s, s:s, s:b, s:o}", "name", m->name, "description", m->help, "offline", (int)m->offline, "params", params);
}

static json_t *discover_own(const struct own *m)
{
    json_t *params = json_array();

    for (size_t i = 0; i < GX_ARRAY_LEN(m->params) && m->params[i].name != NULL; i++)
        (void)json_array_append_new(params, json_pack("{s:s, s:s, s:b, s:s}", "name", m->params[i].name, "type", type_names[TEXT], "required", 1,
                                                      "description", m->params[i].help));
    return json_pack("{s:s, s:s, s:b, s:o}", "name", m->name, "description", m->help, "offline", 0, "params", params);
}

json_t *gx_json_discover(void)
{
    json_t *methods = json_array();

    for (size_t i = 0; i < GX_ARRAY_LEN(methods_table); i++)
        (void)json_array_append_new(methods, discover_method(&methods_table[i]));
    for (size_t i = 0; i < GX_ARRAY_LEN(own); i++)
        if (own[i].name != NULL)
            (void)json_array_append_new(methods, discover_own(&own[i]));
    return json_pack("{s:o}", "methods", methods);
}
