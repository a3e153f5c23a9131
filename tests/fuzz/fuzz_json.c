/* A line on the control socket, and what the node says of what strangers wrote.  A line that is taken is a request within its limits; an answer with any
 * text in it is one line of JSON, as long as it was said to be, and both writers say the same. */
#include "node/os/json.h"
#include "proto/utf8.h"
#include "tests/fuzz/fuzz.h"

static unsigned depth_of(const json_t *json)
{
    unsigned deepest = 0;
    const char *key;
    json_t *value;
    size_t i;

    if (json_is_object(json)) {
        json_object_foreach((json_t *)(uintptr_t)json, key, value) {
            unsigned depth = depth_of(value);
            deepest = depth > deepest ? depth : deepest;
        }
    } else if (json_is_array(json)) {
        json_array_foreach(json, i, value) {
            unsigned depth = depth_of(value);
            deepest = depth > deepest ? depth : deepest;
        }
    } else {
        return 0;
    }
    return deepest + 1;
}

static void refused(const struct gx_refusal *why)
{
    size_t n = strnlen(why->message, sizeof why->message);

    GX_ASSERT(why->code == GX_RPC_PARSE || why->code == GX_RPC_REQUEST || why->code == GX_RPC_METHOD || why->code == GX_RPC_PARAMS);
    GX_ASSERT(n > 0 && n < sizeof why->message && gx_utf8_ok(gx_span(why->message, n)));
    fuzz_prints(n, why->message, sizeof why->message);
    json_t *error = gx_json_refusal(why);
    GX_ASSERT(error != NULL);
    json_decref(error);
}

static void command(const struct gx_command *cmd)
{
    GX_ASSERT(cmd->method < GX_METHOD_COUNT && cmd->n_at <= GX_COMMAND_ADDRS_MAX);
    GX_ASSERT(cmd->given >> GX_PARAM_COUNT_ == 0);
    for (size_t i = 0; i < cmd->n_at; i++)
        GX_ASSERT(cmd->at[i] != NULL && gx_utf8_ok(gx_span(cmd->at[i], strlen(cmd->at[i]))));
    GX_ASSERT((cmd->given & (1u << GX_PARAM_GROUP)) == 0 || cmd->group != NULL);
    GX_ASSERT((cmd->given & (1u << GX_PARAM_TEXT)) == 0 || cmd->text != NULL);
}

static void request(const uint8_t *data, size_t size)
{
    struct gx_refusal why = {.code = 0};
    struct gx_request req;
    json_t *root = gx_json_parse(&why, (const char *)data, size);

    if (root == NULL) {
        refused(&why);
        return;
    }
    GX_ASSERT(depth_of(root) <= GX_JSON_DEPTH_MAX);
    if (!gx_json_request(&req, &why, root))
        refused(&why);
    else if (req.os == GX_OS_NONE)
        command(&req.command);
    else
        GX_ASSERT(req.os < GX_OS_COUNT);
    json_decref(root);
}

/* An answer whose texts, and their number, are the input's; and its id. */
static void answer(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"text", "name", "title", "from"};
    struct gx_value values[16];
    struct gx_answer a = {.values = values};
    struct fuzz_in in = {data, size};
    char *texts[GX_ARRAY_LEN(values)] = {NULL};
    size_t open = 0;

    while (in.left > 0 && a.n + open < GX_ARRAY_LEN(values) - 1) {
        uint8_t what = fuzz_u8(&in);
        struct gx_value *v = &values[a.n];

        *v = (struct gx_value){.key = open > 0 ? NULL : keys[a.n % GX_ARRAY_LEN(keys)]};
        if (what < 128) {
            struct gx_span text = fuzz_take(&in, what);
            v->kind = GX_VALUE_TEXT;
            v->text = texts[a.n] = fuzz_text(text.p, text.n);
        } else if (what < 200) {
            v->kind = what < 190 ? GX_VALUE_NUMBER : what < 195 ? GX_VALUE_BOOL : GX_VALUE_NULL;
            v->number = (uint64_t)fuzz_u16(&in) << (what - 128) % 48;
        } else if (open == 0) {
            v->kind = GX_VALUE_LIST;
            open = 1;
        } else {
            v->kind = GX_VALUE_END;
            open = 0;
        }
        a.n++;
    }
    if (open > 0)
        values[a.n++] = (struct gx_value){.kind = GX_VALUE_END};

    json_t *id = texts[0] != NULL ? json_string(texts[0]) : NULL;
    if (id == NULL)
        id = json_integer((json_int_t)size);
    size_t most = gx_json_line_max(&a, id);
    char *line = malloc(most);
    GX_ASSERT(id != NULL && line != NULL);
    size_t n = gx_json_reply_line(line, id, &a);
    GX_ASSERT(n > 0 && n <= most && memchr(line, '\n', n) == line + n - 1);
    json_t *as_tree = gx_json_reply(id, "result", gx_json_values(&a)), *as_line = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    /* Two values of one key are one value in a tree. */
    GX_ASSERT(a.n > GX_ARRAY_LEN(keys) || (as_tree != NULL && as_line != NULL && json_equal(as_tree, as_line)));
    n = gx_json_note_line(line, GX_CMD_SEND, &a);
    GX_ASSERT(n <= most);
    json_decref(as_tree);
    json_decref(as_line);
    json_decref(id);
    free(line);
    for (size_t i = 0; i < GX_ARRAY_LEN(texts); i++)
        free(texts[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    request(data, size);
    answer(data, size);
    return 0;
}
