#include "node/cli/cli.h"

#include "node/os/offline.h"
#include "node/os/system.h"

#include <stdarg.h>
#include <stdlib.h>

static const char *first_of(const json_t *object, const char *const *keys)
{
    while (*keys != NULL && gx_json_text(object, *keys)[0] == 0)
        keys++;
    return *keys == NULL ? "" : gx_json_text(object, *keys);
}

/* Groups, members, contacts, requests or acts. */
static void print_candidates(const json_t *error)
{
    static const char *const names[] = {"name", "alias", "text", NULL}, *const ids[] = {"id", "member", "who", "event", "group", NULL};
    const json_t *list = json_object_get(error, "candidates");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        const char *text = json_is_string(c) ? json_string_value(c) : first_of(c, names);
        char *shown = gx_show_text(text, true), id[GX_SHORT_ID_BYTES];

        gx_show_id(id, first_of(c, ids));
        fprintf(stderr, "  %s%s%s\n", shown, id[0] != 0 ? "  " : "", id);
        free(shown);
    }
}

int gx_cli_error(const struct gx_cli *cli, const json_t *error)
{
    json_int_t code = json_integer_value(json_object_get(error, "code"));

    if (code < 1 || code > 125)
        code = GX_EXIT_FAILED;
    if (cli->json) {
        json_t *whole = json_pack("{s:O}", "error", error);
        if (whole != NULL)
            gx_json_put(stderr, whole, JSON_COMPACT);
        json_decref(whole);
        return (int)code;
    }
    char *message = gx_show_text(gx_json_text(error, "message"), true);
    char *hint = gx_show_text(gx_json_text(error, "hint"), true);
    fprintf(stderr, "guanxi: %s%s%s\n", message, hint[0] == 0 ? "" : "; ", hint);
    free(message);
    free(hint);
    print_candidates(error);
    return (int)code;
}

int gx_cli_fail(const struct gx_cli *cli, const struct gx_fail *why)
{
    struct gx_reply reply = {0};

    gx_reply_fail(&reply, why);
    int code = gx_cli_error(cli, reply.error);
    gx_reply_clear(&reply);
    return code;
}

int gx_cli_usage(const struct gx_cli *cli, const char *hint, const char *format, ...)
{
    char text[512];
    struct gx_fail why;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    gx_fail(&why, GX_EXIT_USAGE, "usage", hint, "%s", text);
    return gx_cli_fail(cli, &why);
}

void gx_cli_notice(const struct gx_cli *cli, const char *format, ...)
{
    va_list args;

    if (cli->quiet)
        return;
    char *text = NULL, *shown;

    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        return;
    shown = gx_show_text(text, false);
    fprintf(stderr, "%s\n", shown);
    free(shown);
    free(text);
}

bool gx_cli_node_up(const struct gx_cli *cli)
{
    struct gx_client client;
    bool up = gx_client_open(&client, &cli->home, NULL);

    gx_client_close(&client);
    return up;
}

uint64_t gx_status_left(const json_t *status)
{
    const char *group;
    json_t *left;
    uint64_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)json_object_get(status, "syncing"), group, left)
        n += json_integer_value(left) > 0 ? (uint64_t)json_integer_value(left) : 0;
    return n;
}

#define LOOK_MS 200

/* What the node knows of and does not hold yet, or has not opened yet; nothing, too, when it does not say so at once. */
static void show_left(const struct gx_cli *cli)
{
    struct gx_client client;
    json_t *answer = NULL;

    if (!gx_client_open(&client, &cli->home, NULL))
        return;
    if (gx_client_ask(&client, "status", NULL) != 0 && gx_client_next(&client, &answer, LOOK_MS) == GX_CLIENT_LINE) {
        const json_t *status = json_object_get(answer, "result");
        uint64_t left = gx_status_left(status), unopened = gx_json_number(status, "unopened");

        if (left > 0)
            fprintf(stderr, ", %ju still to fetch", (uintmax_t)left);
        else if (unopened > 0)
            fprintf(stderr, ", %ju still to open", (uintmax_t)unopened);
        json_decref(answer);
    }
    gx_client_close(&client);
}

static void show_progress(const struct gx_cli *cli, const char *progress, uint64_t since_ms, bool over)
{
    if (progress == NULL || !cli->err_tty || cli->quiet)
        return;
    if (over) {
        fprintf(stderr, "\r\033[K");
    } else {
        fprintf(stderr, "\r\033[K%s %ju s", progress, (uintmax_t)((gx_now().mono_ms - since_ms) / 1000));
        show_left(cli);
    }
    fflush(stderr);
}

/* Wait for the reply with this id; take may be NULL: then notes in between belong to nobody here. */
static bool await(const struct gx_cli *cli, struct gx_reply *reply, struct gx_client *client, uint64_t id, int timeout_ms,
                  const char *progress, gx_note_take *take, struct gx_fail *why)
{
    uint64_t start = gx_now().mono_ms;
    bool got = false;

    while (!got) {
        json_t *message;
        uint64_t spent = gx_now().mono_ms - start;

        if (spent >= (uint64_t)timeout_ms)
            return gx_fail(why, GX_EXIT_TIMEOUT, "timeout", NULL, "the node did not answer in time");
        int left = timeout_ms - (int)spent;
        enum gx_client_state state = gx_client_next(client, &message, left > 1000 ? 1000 : left);
        if (state == GX_CLIENT_OVER)
            return gx_client_lost(&cli->home, why);
        if (state == GX_CLIENT_TIMEOUT) {
            show_progress(cli, progress, start, false);
            continue;
        }
        const json_t *of = json_object_get(message, "id");
        got = (json_is_integer(of) && (uint64_t)json_integer_value(of) == id) || json_is_null(of);
        if (got)
            gx_reply_from_rpc(reply, message);
        else if (take != NULL && json_object_get(message, "method") != NULL)
            take(cli, json_object_get(message, "params"));
        json_decref(message);
    }
    return true;
}

/* How things stand can be told without opening the vault. */
static void ask_offline(const struct gx_cli *cli, struct gx_reply *reply, const char *method, const json_t *params)
{
    struct gx_passphrase passphrase = {.n = 0};
    struct gx_fail why;
    bool needed = strcmp(method, "status") != 0 && gx_vault_asks(&cli->home);
    enum gx_asked asked = needed ? gx_ask_passphrase(&passphrase, &why) : GX_ASKED_NOBODY;

    if (asked == GX_ASKED_FAILED)
        gx_reply_fail(reply, &why);
    else
        gx_offline_call(reply, &cli->home, asked == GX_ASKED_GIVEN ? &passphrase : NULL, method, params);
    gx_wipe(&passphrase, sizeof passphrase);
}

void gx_cli_ask_noting(const struct gx_cli *cli, struct gx_reply *reply, const char *method, json_t *params, int timeout_ms, const char *progress,
                       gx_note_take *take)
{
    enum gx_method known = gx_method_find(method);
    struct gx_client client;
    struct gx_fail why;

    *reply = (struct gx_reply){0};
    if (gx_client_open(&client, &cli->home, &why)) {
        if (cli->verbose)
            gx_cli_notice(cli, "asking the node, process %jd", (intmax_t)client.pid);
        uint64_t id = gx_client_ask(&client, method, params);
        if (id == 0)
            gx_fail(&why, GX_EXIT_STORE, "memory", NULL, "out of memory");
        bool ok = id != 0 && await(cli, reply, &client, id, timeout_ms, progress, take, &why);
        show_progress(cli, progress, 0, true);
        gx_client_close(&client);
        if (!ok)
            gx_reply_fail(reply, &why);
        return;
    }
    if (why.code == GX_EXIT_DOWN && known != GX_METHOD_COUNT && gx_method_offline(known)) {
        if (cli->verbose)
            gx_cli_notice(cli, "the node is not running; reading %s", cli->home.data);
        ask_offline(cli, reply, method, params);
    } else {
        gx_reply_fail(reply, &why);
    }
    json_decref(params);
}

void gx_cli_ask(const struct gx_cli *cli, struct gx_reply *reply, const char *method, json_t *params, int timeout_ms, const char *progress)
{
    gx_cli_ask_noting(cli, reply, method, params, timeout_ms, progress, NULL);
}

int gx_cli_call(const struct gx_cli *cli, json_t **result, const char *method, json_t *params)
{
    struct gx_reply reply;

    *result = NULL;
    gx_cli_ask(cli, &reply, method, params, GX_CALL_MS, NULL);
    int code = reply.error != NULL ? gx_cli_error(cli, reply.error) : GX_EXIT_DONE;
    *result = json_incref(reply.result);
    gx_reply_clear(&reply);
    return code;
}
