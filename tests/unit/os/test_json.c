#include "tests/unit/os/homes.h"

#include "node/os/json.h"

static struct gx_refusal why;
static json_t *root;
static struct gx_request req;

/* Parse a line and look at it as a request; the line's JSON stays until the next call. */
static bool ask_n(const char *line, size_t n)
{
    memset(&why, 0, sizeof why);
    memset(&req, 0, sizeof req);
    json_decref(root);
    root = gx_json_parse(&why, line, n);
    return root != NULL && gx_json_request(&req, &why, root);
}

static bool ask(const char *line)
{
    return ask_n(line, strlen(line));
}

static void refused(const char *line, int code, const char *what)
{
    assert_false(ask(line));
    assert_int_equal(why.code, code);
    if (strstr(why.message, what) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", line, why.message, what);
}

static int drop_root(void **state)
{
    (void)state;
    json_decref(root);
    root = NULL;
    return 0;
}

static void test_a_request_becomes_a_command(void **state)
{
    (void)state;
    assert_true(ask("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"send\",\"params\":{\"group\":\"tea\",\"text\":\"a\\nb\",\"reply\":0}}"));
    assert_int_equal(req.command.method, GX_CMD_SEND);
    assert_string_equal(req.command.group, "tea");
    assert_string_equal(req.command.text, "a\nb");
    assert_true(gx_command_has(&req.command, GX_PARAM_REPLY));
    assert_false(gx_command_has(&req.command, GX_PARAM_SINCE));
    assert_int_equal(json_integer_value(req.id), 7);
}

static void test_each_type_of_parameter_arrives(void **state)
{
    (void)state;
    assert_true(ask("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"join\",\"params\":{\"token\":\"T\",\"at\":[\"a\",\"b\"],\"timeout_ms\":5}}"));
    assert_int_equal(req.command.n_at, 2);
    assert_string_equal(req.command.at[1], "b");
    assert_int_equal(req.command.timeout_ms, 5);
    assert_true(ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"read\",\"params\":{\"unread\":true,\"since\":\"9007199254740993\"}}"));
    assert_true(req.command.unread);
    assert_true(req.command.since == 9007199254740993ull);
}

static void test_every_method_of_the_table_is_found_and_asks_for_what_it_needs(void **state)
{
    char line[160];
    (void)state;

    for (int i = 0; i < (int)GX_METHOD_COUNT; i++) {
        const char *name = gx_method_name((enum gx_method)i);
        assert_int_equal(gx_method_find(name), i);
        snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{\"zzz\":1}}", name);
        refused(line, GX_RPC_PARAMS, "zzz");
    }
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\",\"params\":{\"group\":\"g\"}}", GX_RPC_PARAMS, "needs text");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\"}", GX_RPC_PARAMS, "needs group");
}

static void test_what_is_no_json_is_a_parse_error(void **state)
{
    (void)state;
    refused("", GX_RPC_PARSE, "");
    refused("{", GX_RPC_PARSE, "");
    refused("{\"a\":1}x", GX_RPC_PARSE, "");
    refused("{\"a\":1,\"a\":2}", GX_RPC_PARSE, "");
    refused("{\"a\":\"\xff\"}", GX_RPC_PARSE, "");
    refused("{\"a\":\"\\u0000\"}", GX_RPC_PARSE, "");
    refused("{\"a\":\"\\ud800\"}", GX_RPC_PARSE, "");
    refused("{\"a\":99999999999999999999}", GX_RPC_PARSE, "");
    assert_false(ask_n("{\"a\"\0:1}", 8));
    assert_int_equal(why.code, GX_RPC_PARSE);
}

static void test_what_is_no_request_is_told_so(void **state)
{
    (void)state;
    refused("[]", GX_RPC_REQUEST, "batches");
    refused("3", GX_RPC_REQUEST, "");
    refused("{\"jsonrpc\":\"2.0\",\"method\":\"status\"}", GX_RPC_REQUEST, "id");
    refused("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"status\"}", GX_RPC_REQUEST, "id");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"status\"}", GX_RPC_REQUEST, "id");
    refused("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"status\"}", GX_RPC_REQUEST, "2.0");
    refused("{\"id\":1,\"method\":\"status\"}", GX_RPC_REQUEST, "2.0");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1}", GX_RPC_REQUEST, "method");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", GX_RPC_REQUEST, "method");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"parms\":{}}", GX_RPC_REQUEST, "nothing else");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no.such\"}", GX_RPC_METHOD, "no.such");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":[]}", GX_RPC_PARAMS, "by name");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\",\"params\":{\"now\":true}}", GX_RPC_PARAMS, "no parameters");
}

static void test_wrong_types_are_refused_by_name(void **state)
{
    static const char *const wrong[] = {"\"group\":1", "\"group\":null", "\"since\":-1", "\"since\":1.5", "\"since\":\"\"",
                                        "\"since\":\"1x\"", "\"since\":\"12345678901234567890\"", "\"since\":true", "\"unread\":1",
                                        "\"unread\":\"true\"", "\"limit\":[]"};
    char line[160];
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(wrong); i++) {
        snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"read\",\"params\":{%s}}", wrong[i]);
        refused(line, GX_RPC_PARAMS, "must be");
    }
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"join\",\"params\":{\"token\":\"t\",\"at\":\"a\"}}", GX_RPC_PARAMS, "list");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"join\",\"params\":{\"token\":\"t\",\"at\":[1]}}", GX_RPC_PARAMS, "list");
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"join\",\"params\":{\"token\":\"t\",\"at\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}}",
            GX_RPC_PARAMS, "list");
}

static void test_depth_has_an_end_and_brackets_in_texts_do_not_count(void **state)
{
    static char line[4000];
    (void)state;

    memset(line, '[', sizeof line - 1);
    refused(line, GX_RPC_PARSE, "deeper");
    memset(line, 0, sizeof line);
    snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\",\"params\":{\"group\":\"g\",\"text\":\"%s\"}}",
             "[[[[[[[[[[[[[[[[[[[[[[[[[[ \\\" {{{{{{{{{{{{{{{{{{{{{{{");
    assert_true(ask(line));
}

static void test_a_name_from_outside_is_safe_in_the_refusal(void **state)
{
    (void)state;
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\u001b[31m\"}", GX_RPC_METHOD, "[31m");
    assert_null(strchr(why.message, 0x1b));
    /* Cut in the middle of a character, the message is still text. */
    refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85"
            "\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\xe6\xa2\x85\"}",
            GX_RPC_METHOD, "no method");
    json_t *error = gx_json_refusal(&why);
    assert_non_null(error);
    json_decref(error);
}

static void test_answers_nest_one_to_one(void **state)
{
    static const struct gx_value values[] = {
        {.kind = GX_VALUE_TEXT, .key = "name", .text = "tea"},
        {.kind = GX_VALUE_OBJECT, .key = "peers"},
        {.kind = GX_VALUE_NUMBER, .key = "up", .number = 3},
        {.kind = GX_VALUE_END},
        {.kind = GX_VALUE_LIST, .key = "groups"},
        {.kind = GX_VALUE_OBJECT},
        {.kind = GX_VALUE_BOOL, .key = "you", .number = 1},
        {.kind = GX_VALUE_NULL, .key = "by"},
        {.kind = GX_VALUE_END},
        {.kind = GX_VALUE_TEXT, .text = "x"},
        {.kind = GX_VALUE_END},
        {.kind = GX_VALUE_NUMBER, .key = "big", .number = 1ull << 53},
        {.kind = GX_VALUE_NUMBER, .key = "fits", .number = (1ull << 53) - 1},
        {.kind = GX_VALUE_TEXT, .key = "odd", .text = "a\xff" "b"},
    };
    const struct gx_answer answer = {.n = GX_ARRAY_LEN(values), .values = values};
    (void)state;

    json_t *json = gx_json_values(&answer);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, "{\"name\":\"tea\",\"peers\":{\"up\":3},\"groups\":[{\"you\":true,\"by\":null},\"x\"],"
                              "\"big\":\"9007199254740992\",\"fits\":9007199254740991,\"odd\":\"a\xef\xbf\xbd" "b\"}");
    free(text);
    json_decref(json);
}

/* --- as text, without a tree --- */

#define WRITTEN_VALUES 60u

static uint64_t chance;

static unsigned below(unsigned n)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(chance >> 33) % n;
}

/* Texts that need care: quotes, control characters, what is no UTF-8, what is beyond ASCII. */
static const char *any_text(void)
{
    static const char *const pieces[] = {"", "a", "\"", "\\", "/", "\n", "\t\r\b\f", "\x01", "\x1f", "\x7f", "\xff", "\xc3", "\xe6\xa2\x85", "\xf0\x9f\x8d\xb5",
                                         "\xed\xa0\x80", "a longer piece of plain text", "\xe2\x80\xa8"};
    static char texts[WRITTEN_VALUES][256];
    static unsigned turn;
    char *text = texts[turn++ % WRITTEN_VALUES];
    size_t at = 0;

    text[0] = 0;
    for (unsigned n = below(6); n > 0; n--)
        at += (size_t)snprintf(text + at, sizeof texts[0] - at, "%s", pieces[below(GX_ARRAY_LEN(pieces))]);
    return text;
}

static size_t any_values(struct gx_value *values)
{
    static char names[WRITTEN_VALUES][8];
    bool list[GX_JSON_DEPTH_MAX] = {false};
    size_t n = 0, depth = 0;

    for (size_t left = WRITTEN_VALUES / 2; left > 0; left--) {
        unsigned kind = below(7);
        if (kind == GX_VALUE_END && depth == 0)
            kind = GX_VALUE_TEXT;
        if (depth + 2 >= GX_JSON_DEPTH_MAX && (kind == GX_VALUE_OBJECT || kind == GX_VALUE_LIST))
            kind = GX_VALUE_NULL;
        snprintf(names[n], sizeof names[n], "k%zu", n);
        values[n] = (struct gx_value){.kind = (enum gx_value_kind)kind, .key = list[depth] || kind == GX_VALUE_END ? NULL : names[n]};
        if (kind == GX_VALUE_TEXT)
            values[n].text = any_text();
        if (kind == GX_VALUE_NUMBER)
            values[n].number = below(2) == 0 ? below(1000) : GX_JSON_NUMBER_MAX - 1 + below(4);
        if (kind == GX_VALUE_BOOL)
            values[n].number = below(2);
        if (kind == GX_VALUE_END)
            depth--;
        if (kind == GX_VALUE_OBJECT || kind == GX_VALUE_LIST)
            list[++depth] = kind == GX_VALUE_LIST;
        n++;
    }
    for (; depth > 0; depth--)
        values[n++] = (struct gx_value){.kind = GX_VALUE_END};
    return n;
}

/* Byte for byte what Jansson prints of the same answer, within the room that was told. */
static void test_an_answer_written_at_once_is_the_one_printed_from_a_tree(void **state)
{
    struct gx_value values[WRITTEN_VALUES];
    unsigned escaped = 0, deep = 0;
    (void)state;

    chance = 7;
    for (unsigned round = 0; round < 3000; round++) {
        const struct gx_answer answer = {.n = any_values(values), .values = values};
        json_t *id = round % 2 == 0 ? json_integer((json_int_t)round - 500) : json_string("q\"\xe6\xa2\x85");
        json_t *reply = gx_json_reply(id, "result", gx_json_values(&answer));
        char *expected = json_dumps(reply, JSON_COMPACT);
        size_t n = strlen(expected), max = gx_json_line_max(&answer, id);
        char *line = malloc(max);

        assert_int_equal(gx_json_reply_line(line, id, &answer), n + 1);
        assert_true(n + 1 <= max);
        assert_memory_equal(line, expected, n);
        assert_int_equal(line[n], '\n');
        escaped += strstr(expected, "\\u0001") != NULL;
        deep += strstr(expected, "[{") != NULL;
        free(line);
        free(expected);
        json_decref(reply);
        json_decref(id);
    }
    assert_true(escaped > 100 && deep > 100);
}

static void test_a_note_is_one_line(void **state)
{
    static const struct gx_value values[] = {{.kind = GX_VALUE_TEXT, .key = "text", .text = "two\nlines"}};
    const struct gx_answer answer = {.n = 1, .values = values};
    char line[512];
    (void)state;

    assert_true(gx_json_line_max(&answer, NULL) <= sizeof line);
    size_t n = gx_json_note_line(line, GX_CMD_WATCH, &answer);
    line[n] = 0;
    assert_string_equal(line, "{\"jsonrpc\":\"2.0\",\"method\":\"watch\",\"params\":{\"text\":\"two\\nlines\"}}\n");
}

static void test_errors_carry_exit_code_name_hint_and_detail(void **state)
{
    static const struct gx_value values[] = {{.kind = GX_VALUE_NUMBER, .key = "members", .number = 100}};
    const struct gx_answer answer = {.err = GX_E_DENIED, .deny = GX_DENY_QR_CLOSED, .name = "qr_closed", .message = "too large",
                                     .hint = "ask", .exit_code = 4, .n = 1, .values = values};
    (void)state;

    json_t *json = gx_json_error(&answer);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, "{\"code\":-32004,\"message\":\"too large\",\"data\":{\"code\":4,\"name\":\"qr_closed\",\"hint\":\"ask\",\"members\":100}}");
    free(text);
    json_decref(json);
}

static void test_an_error_without_words_still_says_something(void **state)
{
    const struct gx_answer answer = {.err = GX_E_STORE};
    (void)state;

    json_t *json = gx_json_error(&answer);
    assert_int_equal(json_integer_value(json_object_get(json, "code")), -32001);
    assert_string_equal(json_string_value(json_object_get(json, "message")), gx_err_text(GX_E_STORE));
    json_decref(json);
}

static void test_discover_lists_every_method_once(void **state)
{
    (void)state;
    json_t *all = gx_json_discover();
    assert_int_equal(json_array_size(json_object_get(all, "methods")), GX_METHOD_COUNT + 5);
    json_decref(all);
}

static void test_mutated_lines_are_refused_or_are_another_request(void **state)
{
    static const char *const starts[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"join\",\"params\":{\"token\":\"GX1:ABC\",\"at\":[\"192.0.2.1:7447\"],\"timeout_ms\":30000}}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"wait\",\"params\":{\"group\":\"tea\",\"members\":3,\"hash\":\"00ff\",\"idle\":true}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\",\"params\":{\"group\":\"\\u8336\",\"text\":\"x \\ud83c\\udf75 y\",\"reply\":4}}",
    };
    unsigned accepted = 0, codes[4] = {0};
    struct gx_rng_stream rng;
    (void)state;

    rng_seed(&rng, 11);
    for (unsigned i = 0; i < 30000; i++) {
        const char *start = starts[i % GX_ARRAY_LEN(starts)];
        uint8_t line[512];
        size_t n = strlen(start);
        memcpy(line, start, n);
        n = mutate(&rng, line, n, sizeof line);
        if (ask_n((const char *)line, n))
            accepted++;
        else
            codes[why.code == GX_RPC_PARSE ? 0 : why.code == GX_RPC_REQUEST ? 1 : why.code == GX_RPC_METHOD ? 2 : 3]++;
    }
    printf("mutants: %u accepted, %u no JSON, %u no request, %u no method, %u wrong parameters\n", accepted, codes[0], codes[1], codes[2],
           codes[3]);
    assert_true(accepted > 100 && codes[0] > 100 && codes[1] > 100 && codes[2] > 100 && codes[3] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_becomes_a_command),
        cmocka_unit_test(test_each_type_of_parameter_arrives),
        cmocka_unit_test(test_every_method_of_the_table_is_found_and_asks_for_what_it_needs),
        cmocka_unit_test(test_what_is_no_json_is_a_parse_error),
        cmocka_unit_test(test_what_is_no_request_is_told_so),
        cmocka_unit_test(test_wrong_types_are_refused_by_name),
        cmocka_unit_test(test_depth_has_an_end_and_brackets_in_texts_do_not_count),
        cmocka_unit_test(test_a_name_from_outside_is_safe_in_the_refusal),
        cmocka_unit_test(test_answers_nest_one_to_one),
        cmocka_unit_test(test_errors_carry_exit_code_name_hint_and_detail),
        cmocka_unit_test(test_an_answer_written_at_once_is_the_one_printed_from_a_tree),
        cmocka_unit_test(test_a_note_is_one_line),
        cmocka_unit_test(test_an_error_without_words_still_says_something),
        cmocka_unit_test(test_discover_lists_every_method_once),
        cmocka_unit_test(test_mutated_lines_are_refused_or_are_another_request),
    };
    return cmocka_run_group_tests(tests, NULL, drop_root);
}
