#include "node/cli/cli.h"

#include "node/os/system.h"

#include <stdlib.h>
#include <unistd.h>

/* The node itself ends a `join` and an `invite --nearby` at its time-out; this is for a node that does not answer at all. */
#define JOIN_GRACE_MS 15000
#define JOIN_MS 30000u
#define TIMEOUT_MAX 1000000000u

/* --- invite ----------------------------------------------------------------------------------------------------------------------- */

static void show_invite(const struct gx_cli *cli, const json_t *invite)
{
    const json_t *left = json_object_get(invite, "uses_left");
    char until[GX_TIME_BYTES], id[GX_SHORT_ID_BYTES], uses[40] = "any number of people";

    puts(gx_json_text(invite, "token"));
    gx_show_time(until, gx_json_number(invite, "expires_ms"));
    gx_show_id(id, gx_json_text(invite, "invite"));
    if (json_is_integer(left))
        snprintf(uses, sizeof uses, "%ju more", (uintmax_t)json_integer_value(left));
    gx_cli_notice(cli, "Invitation %s, good until %s for %s.  Whoever sees the code can join; guanxi revoke %s ends it.", id, until, uses, id);
}

static void show_sent(const struct gx_cli *cli, const json_t *v)
{
    char until[GX_TIME_BYTES], id[GX_SHORT_ID_BYTES], *name = gx_show_text(gx_json_text(v, "name"), true);

    gx_show_time(until, gx_json_number(v, "expires_ms"));
    gx_show_id(id, gx_json_text(v, "contact"));
    if (cli->out_tty)
        gx_cli_notice(cli, "Invited %s, until %s; nobody else can use it.  They see it with: guanxi requests", name, until);
    else
        printf("%s\t%s\t%s\t%s\n", id, name, until, gx_json_text(v, "state"));
    free(name);
}

static json_t *invite_params(const struct gx_args *args)
{
    json_t *params = json_pack("{s:s}", "group", args->words[0]);

    if (gx_args_has(args, GX_OPT_EXPIRES))
        (void)json_object_set_new(params, "expires_ms", json_integer((json_int_t)(gx_now().wall_ms + args->number[GX_OPT_EXPIRES])));
    if (gx_args_has(args, GX_OPT_USES))
        (void)json_object_set_new(params, "uses", json_integer((json_int_t)args->number[GX_OPT_USES]));
    if (gx_args_has(args, GX_OPT_FOR))
        (void)json_object_set_new(params, "who", json_string(args->text[GX_OPT_FOR]));
    return params;
}

/* It goes to the contact's node by itself. */
static int invite_contact(const struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;

    if (gx_args_has(args, GX_OPT_QR) || gx_args_has(args, GX_OPT_PNG) || gx_args_has(args, GX_OPT_USES))
        return gx_cli_usage(cli, "leave out --qr, --png and --uses, or --for", "an invitation for a contact has no code, and is for them alone");
    int code = gx_cli_call(cli, &result, "invite", invite_params(args));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE)
        show_sent(cli, result);
    json_decref(result);
    return code;
}

/* In two groups, as people read numbers out. */
static void show_digits(const struct gx_cli *cli, const json_t *note)
{
    const char *code = gx_json_text(note, "code");

    if (cli->json) {
        (void)gx_show_json(note);
    } else if (strlen(code) == 6) {
        printf("%s%.3s %.3s%s\n", gx_bold(cli), code, code + 3, gx_plain(cli));
        gx_cli_notice(cli, "Whoever types it first, on the same network, is let in:  guanxi join --nearby %.3s %.3s\n"
                           "This waits for them; Ctrl-C takes it back.", code, code + 3);
    }
    fflush(stdout);
}

static void show_came(const struct gx_cli *cli, const json_t *v)
{
    char id[GX_SHORT_ID_BYTES], *alias = gx_show_text(gx_json_text(v, "alias"), true), *name = gx_show_text(gx_json_text(v, "name"), true);

    gx_show_id(id, gx_json_text(v, "member"));
    if (cli->out_tty)
        printf("%s (%s) came in; %s has %ju members now.\n", alias, id, name, (uintmax_t)gx_json_number(v, "members"));
    else
        printf("%s\t%s\n", id, alias);
    free(alias);
    free(name);
}

/* The node shows the digits as long as this waits: however it ends, nobody else comes in by them. */
static int invite_nearby(const struct gx_cli *cli, const struct gx_args *args)
{
    uint64_t timeout = gx_args_has(args, GX_OPT_PAIR_TIMEOUT) ? args->number[GX_OPT_PAIR_TIMEOUT] : GX_NEAR_MS_MAX;
    int code = GX_EXIT_DONE;
    struct gx_reply reply;

    if (gx_args_has(args, GX_OPT_QR) || gx_args_has(args, GX_OPT_PNG) || gx_args_has(args, GX_OPT_USES) || gx_args_has(args, GX_OPT_EXPIRES) ||
        gx_args_has(args, GX_OPT_FOR))
        return gx_cli_usage(cli, "leave out --qr, --png, --uses, --expires and --for, or --nearby",
                            "six digits are for one person, for ten minutes, and no picture");
    if (timeout > GX_NEAR_MS_MAX)
        timeout = GX_NEAR_MS_MAX;

    json_t *params = json_pack("{s:s, s:b, s:I}", "group", args->words[0], "nearby", 1, "timeout_ms", (json_int_t)timeout);

    gx_cli_ask_noting(cli, &reply, "invite", params, (int)timeout + JOIN_GRACE_MS, "waiting for who types it", show_digits);
    if (reply.error != NULL)
        code = gx_cli_error(cli, reply.error);
    else if (cli->json)
        code = gx_show_json(reply.result);
    else
        show_came(cli, reply.result);
    gx_reply_clear(&reply);
    return code;
}

int gx_cmd_invite(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result = NULL;

    if (gx_args_has(args, GX_OPT_PAIR))
        return invite_nearby(cli, args);
    if (gx_args_has(args, GX_OPT_PAIR_TIMEOUT))
        return gx_cli_usage(cli, "--expires says how long an invitation is good", "only --nearby waits for anybody");
    if (gx_args_has(args, GX_OPT_FOR))
        return invite_contact(cli, args);
    int code = gx_code_may_show(cli, args);
    if (code == GX_EXIT_DONE)
        code = gx_cli_call(cli, &result, "invite", invite_params(args));
    if (code == GX_EXIT_DONE)
        code = gx_code_show(cli, args, result, "token", show_invite);
    json_decref(result);
    return code;
}

static const char *flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key)) ? key : "";
}

int gx_cmd_invites(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"INVITE", "GROUP", "KIND", ">USES", ">LEFT", "UNTIL", "", ""};
    json_t *result;

    int code = gx_cli_call(cli, &result, "invites", args->n_words > 0 ? json_pack("{s:s}", "group", args->words[0]) : NULL);
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        const json_t *list = json_object_get(result, "invites");
        struct gx_columns t;

        gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *v = json_array_get(list, i);
            gx_columns_id(&t, gx_json_text(v, "invite"));
            gx_columns_id(&t, gx_json_text(v, "group"));
            gx_columns_text(&t, gx_json_text(v, "kind"));
            gx_columns_number(&t, gx_json_number(v, "uses"));
            if (json_is_integer(json_object_get(v, "uses_left")))
                gx_columns_number(&t, gx_json_number(v, "uses_left"));
            else
                gx_columns_text(&t, "any");
            gx_columns_time(&t, gx_json_number(v, "expires_ms"));
            gx_columns_text(&t, flag(v, "revoked"));
            gx_columns_text(&t, flag(v, "mine"));
        }
        gx_columns_end(cli, &t);
    }
    json_decref(result);
    return code;
}

int gx_cmd_revoke(struct gx_cli *cli, const struct gx_args *args)
{
    const char *id = args->words[0][0] == ':' ? args->words[0] + 1 : args->words[0];
    json_t *result;

    int code = gx_cli_call(cli, &result, "revoke", json_pack("{s:s}", "invite", id));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE)
        gx_cli_notice(cli, "The invitation is revoked.");
    json_decref(result);
    return code;
}

/* --- inspect and join --------------------------------------------------------------------------------------------------------------- */

static void show_inspected(const struct gx_cli *cli, const json_t *v)
{
    static const char *const keys[] = {"kind", "who", "group", "issuer"};
    char until[GX_TIME_BYTES];

    gx_show_time(until, gx_json_number(v, "expires_ms"));
    for (size_t i = 0; i < GX_ARRAY_LEN(keys); i++)
        if (gx_json_text(v, keys[i])[0] != 0)
            gx_show_pair(cli, keys[i], "%s", gx_json_text(v, keys[i]));
    if (until[0] != 0)
        gx_show_pair(cli, "until", "%s", until);
    gx_show_pair(cli, "valid", "%s", json_is_true(json_object_get(v, "valid")) ? "as far as can be told without asking anybody" : "no");
    if (gx_json_text(v, "reason")[0] != 0)
        gx_show_pair(cli, "reason", "%s", gx_json_text(v, "reason"));
}

/* A bad one is still described: {"valid":false,"reason":...} on stdout, the error on stderr, exit 5. */
static int show_bad(const struct gx_cli *cli, const json_t *error)
{
    if (cli->json && gx_json_number(error, "code") == GX_EXIT_TOKEN) {
        json_t *out = json_pack("{s:b, s:s}", "valid", 0, "reason", gx_json_text(error, "name"));
        json_t *copy = json_copy((json_t *)(uintptr_t)error);

        (void)json_object_del(copy, "code");
        (void)json_object_del(copy, "name");
        (void)json_object_del(copy, "message");
        (void)json_object_del(copy, "hint");
        (void)json_object_update(out, copy);
        (void)gx_show_json(out);
        json_decref(copy);
        json_decref(out);
    }
    return gx_cli_error(cli, error);
}

int gx_cmd_inspect(struct gx_cli *cli, const struct gx_args *args)
{
    char code_text[GX_CODE_BYTES];
    struct gx_reply reply = {0};
    struct gx_fail why;

    if (gx_read_code(code_text, args->words[0], &why))
        gx_cli_ask(cli, &reply, "inspect", json_pack("{s:s}", "token", code_text), GX_CALL_MS, NULL);
    else
        gx_reply_fail(&reply, &why);
    int code = GX_EXIT_DONE;
    if (reply.error != NULL)
        code = show_bad(cli, reply.error);
    else if (cli->json)
        code = gx_show_json(reply.result);
    else
        show_inspected(cli, reply.result);
    /* Described without an error, and bad all the same. */
    if (reply.result != NULL && json_is_false(json_object_get(reply.result, "valid")))
        code = GX_EXIT_TOKEN;
    gx_reply_clear(&reply);
    return code;
}

/* Show what the code says and ask; GX_EXIT_DONE is yes. */
static int confirm(const struct gx_cli *cli, const char *code_text)
{
    char until[GX_TIME_BYTES], issuer[GX_SHORT_ID_BYTES], group[GX_SHORT_ID_BYTES];
    json_t *v;

    int code = gx_cli_call(cli, &v, "inspect", json_pack("{s:s}", "token", code_text));
    if (code == GX_EXIT_DONE && strcmp(gx_json_text(v, "kind"), "card") == 0) {
        code = gx_cli_usage(cli, "guanxi contact add asks them to be your contact", "this is somebody's card, no invitation");
    } else if (code == GX_EXIT_DONE) {
        gx_show_time(until, gx_json_number(v, "expires_ms"));
        gx_show_id(issuer, gx_json_text(v, "issuer"));
        gx_show_id(group, gx_json_text(v, "group"));
        fprintf(stderr, "An invitation (%s) to group %s, made by %s, good until %s.\n", gx_json_text(v, "kind"), group, issuer, until);
        code = gx_ask_whether("Join? [y/N] ");
    }
    json_decref(v);
    return code;
}

static json_t *join_params(const struct gx_args *args, const char *code_text, uint64_t timeout_ms)
{
    json_t *params = json_pack("{s:s, s:I}", gx_args_has(args, GX_OPT_PAIR) ? "near" : "token", code_text, "timeout_ms", (json_int_t)timeout_ms);

    gx_args_addresses(params, args);
    if (args->text[GX_OPT_AS] != NULL)
        (void)json_object_set_new(params, "name", json_string(args->text[GX_OPT_AS]));
    return params;
}

static void show_joined(const struct gx_cli *cli, const json_t *v)
{
    char by[GX_SHORT_ID_BYTES];

    gx_show_id(by, gx_json_text(v, "admitted_by"));
    gx_show_pair(cli, "group", "%s", gx_json_text(v, "group"));
    if (gx_json_text(v, "name")[0] != 0)
        gx_show_pair(cli, "name", "%s", gx_json_text(v, "name"));
    gx_show_pair(cli, "members", "%ju", (uintmax_t)gx_json_number(v, "members"));
    gx_show_pair(cli, "let in by", "%s", by);
    gx_show_pair(cli, "state", "%s%s", gx_json_text(v, "state"),
                 json_is_true(json_object_get(v, "provisional")) ? ", provisional until the owner's node has seen that you were let in" : "");
}

static int join(const struct gx_cli *cli, const struct gx_args *args, const char *code_text, const char *progress)
{
    uint64_t timeout = gx_args_has(args, GX_OPT_TIMEOUT) ? args->number[GX_OPT_TIMEOUT] : JOIN_MS;
    int code = GX_EXIT_DONE;
    struct gx_reply reply;

    if (timeout > TIMEOUT_MAX)
        timeout = TIMEOUT_MAX;
    gx_cli_ask(cli, &reply, "join", join_params(args, code_text, timeout), (int)timeout + JOIN_GRACE_MS, progress);
    if (reply.error != NULL)
        code = gx_cli_error(cli, reply.error);
    else if (cli->json)
        code = gx_show_json(reply.result);
    else
        show_joined(cli, reply.result);
    gx_reply_clear(&reply);
    return code;
}

/* As they were shown, in two groups, or in one.  To type them says yes. */
static int join_nearby(const struct gx_cli *cli, const struct gx_args *args)
{
    char digits[32] = "";
    size_t n = 0;

    for (size_t i = 0; i < args->n_words; i++)
        for (const char *c = args->words[i]; *c != 0 && n + 1 < sizeof digits; c++)
            digits[n++] = (*c >= '0' && *c <= '9') || *c == ' ' || *c == '-' ? *c : '?';      /* which the node refuses */
    int code = join(cli, args, digits, "looking for who shows it");
    gx_wipe(digits, sizeof digits);
    return code;
}

int gx_cmd_join(struct gx_cli *cli, const struct gx_args *args)
{
    bool ask = !gx_args_has(args, GX_OPT_YES);
    char code_text[GX_CODE_BYTES];
    struct gx_fail why;

    if (gx_args_has(args, GX_OPT_PAIR))
        return join_nearby(cli, args);
    if (args->n_words != 1)
        return gx_cli_usage(cli, "quote a text that has blanks; only the six digits of --nearby may be two words", "usage: guanxi join CODE|PICTURE|DIGITS");
    if (ask && (isatty(STDIN_FILENO) != 1 || strcmp(args->words[0], "-") == 0))
        return gx_cli_usage(cli, "look at it with: guanxi inspect; then join with -y", "there is no terminal to ask on");
    if (!gx_read_code(code_text, args->words[0], &why))
        return gx_cli_fail(cli, &why);
    int code = ask ? confirm(cli, code_text) : GX_EXIT_DONE;
    if (code == GX_EXIT_DONE)
        code = join(cli, args, code_text, "joining");
    gx_wipe(code_text, sizeof code_text);
    return code;
}
