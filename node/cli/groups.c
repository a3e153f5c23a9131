#include "node/cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

static json_t *group_param(const struct gx_args *args)
{
    return json_pack("{s:s}", "group", args->words[0]);
}

static void show_me(const struct gx_cli *cli, const json_t *g)
{
    const char *state = gx_json_text(g, "state"), *rank = gx_json_text(g, "rank"), *reason = gx_json_text(g, "reason");

    if (json_is_true(json_object_get(g, "provisional")))
        gx_show_pair(cli, "you are", "%s, provisional: the owner's node has not seen yet that you were let in", rank);
    else
        gx_show_pair(cli, "you are", "%s%s%s", rank[0] == 0 ? state : rank, reason[0] == 0 ? "" : ": ", reason);
}

/* The owner's log decides what came first: what it has not seen may still turn out otherwise. */
static void show_waiting(const struct gx_cli *cli, const json_t *g)
{
    uint64_t n = gx_json_number(json_object_get(g, "finality"), "unsettled");

    if (n == 0)
        gx_show_pair(cli, "changes", "everything is seen by the owner's node");
    else
        gx_show_pair(cli, "changes", "%ju change%s not seen by the owner's node yet", (uintmax_t)n, n == 1 ? "" : "s");
}

static void show_banned(const struct gx_cli *cli, const json_t *g)
{
    const json_t *list = json_object_get(g, "banned");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        char id[GX_SHORT_ID_BYTES];

        gx_show_id(id, gx_json_text(m, "member"));
        gx_show_pair(cli, "banned", "%s %s", gx_json_text(m, "alias"), id);
    }
}

static void show_group(const struct gx_cli *cli, const json_t *g)
{
    const char *reason = gx_json_text(g, "qr_reason");
    const char *qr = gx_json_text(g, "qr");

    gx_show_pair(cli, "group", "%s", gx_json_text(g, "group"));
    gx_show_pair(cli, "name", "%s", gx_json_text(g, "name"));
    show_me(cli, g);
    if (json_object_get(g, "members") == NULL)
        return;                                 /* nothing of it has come yet */
    gx_show_pair(cli, "members", "%ju of at most %ju, up to %ju by QR code", (uintmax_t)gx_json_number(g, "members"),
                 (uintmax_t)gx_json_number(g, "cap"), (uintmax_t)gx_json_number(g, "qr_max"));
    gx_show_pair(cli, "QR codes", "%s%s%s", qr, reason[0] == 0 ? "" : ": ", reason);
    if (gx_json_number(g, "history") == 0)
        gx_show_pair(cli, "newcomers", "read what is written once they are in");
    else
        gx_show_pair(cli, "newcomers", "read the last %ju messages from before, too", (uintmax_t)gx_json_number(g, "history"));
    show_waiting(cli, g);
    show_banned(cli, g);
    gx_show_pair(cli, "messages", "%ju", (uintmax_t)gx_json_number(g, "count"));
    gx_show_carry(cli, g);
    gx_show_pair(cli, "state", "%s", gx_json_text(g, "state_hash"));
}

int gx_cmd_group_new(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *params = json_pack("{s:s}", "name", args->words[0]), *result;

    if (gx_args_has(args, GX_OPT_QR_MAX))
        (void)json_object_set_new(params, "qr_max", json_integer((json_int_t)args->number[GX_OPT_QR_MAX]));
    if (gx_args_has(args, GX_OPT_CAP))
        (void)json_object_set_new(params, "cap", json_integer((json_int_t)args->number[GX_OPT_CAP]));
    if (gx_args_has(args, GX_OPT_HISTORY))
        (void)json_object_set_new(params, "history", json_integer((json_int_t)args->number[GX_OPT_HISTORY]));
    int code = gx_cli_call(cli, &result, "group.new", params);
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        char id[GX_SHORT_ID_BYTES];

        /* By its id: a name may hold what a shell obeys, and another group may have the same. */
        gx_show_id(id, gx_json_text(result, "group"));
        show_group(cli, result);
        if (gx_json_number(result, "qr_max") <= 1)
            gx_cli_notice(cli, "Next: guanxi invite %s --for @WHO: no code admits anybody here, contacts do", id);
        else
            gx_cli_notice(cli, "Next: guanxi invite %s --qr", id);
    }
    json_decref(result);
    return code;
}

int gx_cmd_group_list(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"NAME", "GROUP", ">MEMBERS", ">UNREAD", "STATE"};
    json_t *result;
    (void)args;

    int code = gx_cli_call(cli, &result, "group.list", NULL);
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        const json_t *list = json_object_get(result, "groups");
        struct gx_columns t;

        gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *g = json_array_get(list, i);
            gx_columns_text(&t, gx_json_text(g, "name"));
            gx_columns_id(&t, gx_json_text(g, "group"));
            gx_columns_number(&t, gx_json_number(g, "members"));
            gx_columns_number(&t, gx_json_number(g, "unread"));
            gx_columns_text(&t, gx_json_text(g, "state"));
        }
        gx_columns_end(cli, &t);
    }
    json_decref(result);
    return code;
}

int gx_cmd_group_show(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, "group.show", group_param(args));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE)
        show_group(cli, result);
    json_decref(result);
    return code;
}

/* A name says little where everybody chooses their own: who let them in says more. */
static void add_member_name(struct gx_columns *t, const json_t *m)
{
    char name[2 * GX_NAME_BYTES_MAX + 16];
    const char *through = gx_json_text(m, "through");

    snprintf(name, sizeof name, "%s%s%s", gx_json_text(m, "alias"), through[0] == 0 ? "" : ", through ", through);
    gx_columns_text(t, name);
}

static void add_remarks(struct gx_columns *t, const json_t *m)
{
    char remarks[GX_REMARKS_BYTES] = "";

    gx_remark(remarks, gx_mark_text(m));
    if (json_is_true(json_object_get(m, "you")))
        gx_remark(remarks, "you");
    if (gx_json_text(m, "contact")[0] != 0)
        gx_remark(remarks, "your contact");
    if (json_is_false(json_object_get(m, "settled")))
        gx_remark(remarks, "not seen by the owner yet");
    gx_columns_text(t, remarks);
}

int gx_cmd_group_members(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"NAME", "MEMBER", "RANK", "CAME BY", ">LET IN", "SINCE", ""};
    json_t *result;

    int code = gx_cli_call(cli, &result, "group.members", group_param(args));
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        const json_t *list = json_object_get(result, "members");
        struct gx_columns t;

        gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *m = json_array_get(list, i);
            add_member_name(&t, m);
            gx_columns_id(&t, gx_json_text(m, "member"));
            gx_columns_text(&t, gx_json_text(m, "rank"));
            gx_columns_text(&t, gx_json_text(m, "via"));
            gx_columns_number(&t, gx_json_number(m, "vouched"));
            gx_columns_time(&t, gx_json_number(m, "since_ms"));
            add_remarks(&t, m);
        }
        gx_columns_end(cli, &t);
    }
    json_decref(result);
    return code;
}

int gx_cmd_group_leave(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, "group.leave", group_param(args));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE) {
        char *shown = gx_show_text(args->words[0], true);
        gx_cli_notice(cli, "You have left %s.", shown);
        free(shown);
    }
    json_decref(result);
    return code;
}

/* --- names ------------------------------------------------------------------------------------------------------------------------ */

/* The act's id and the name, for a pipe. */
static void show_named(const json_t *v, const char *name)
{
    char event[GX_SHORT_ID_BYTES];

    gx_show_id(event, gx_json_text(v, "event"));
    printf("%s\t%s\n", event, name);
}

int gx_cmd_group_rename(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, "group.rename", json_pack("{s:s, s:s}", "group", args->words[0], "name", args->words[1]));
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        char *name = gx_show_text(gx_json_text(result, "name"), true);
        if (cli->out_tty)
            gx_cli_notice(cli, "The group is called %s now.", name);
        else
            show_named(result, name);
        free(name);
    }
    json_decref(result);
    return code;
}

int gx_cmd_group_alias(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, "group.alias", json_pack("{s:s, s:s}", "group", args->words[0], "name", args->words[1]));
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        char *alias = gx_show_text(gx_json_text(result, "alias"), true), *name = gx_show_text(gx_json_text(result, "name"), true);
        if (!cli->out_tty)
            show_named(result, alias);
        else if (args->words[1][0] != 0)
            gx_cli_notice(cli, "You are called %s in %s now.", alias, name);
        else
            gx_cli_notice(cli, "You have no name in %s any more; others see %s.", name, alias);
        free(alias);
        free(name);
    }
    json_decref(result);
    return code;
}

static int ask_reveal(const struct gx_cli *cli, const struct gx_args *args)
{
    char *who = gx_show_text(args->words[1], true), *group = gx_show_text(args->words[0], true);
    int code = GX_EXIT_DONE;

    if (isatty(STDIN_FILENO) != 1) {
        code = gx_cli_usage(cli, "say that you mean it with -y", "there is no terminal to ask on");
    } else {
        fprintf(stderr, "%s will know which member of %s you are.  ", who[0] == '@' ? who + 1 : who, group);
        code = gx_ask_whether("It cannot be taken back.  Tell them? [y/N] ");
    }
    free(who);
    free(group);
    return code;
}

static void show_revealed(const struct gx_cli *cli, const json_t *v)
{
    char *name = gx_show_text(gx_json_text(v, "name"), true), group[GX_SHORT_ID_BYTES], who[GX_SHORT_ID_BYTES];

    gx_show_id(group, gx_json_text(v, "group"));
    gx_show_id(who, gx_json_text(v, "who"));
    if (cli->out_tty)
        gx_cli_notice(cli, "Told %s which member of %s you are.", name, group);
    else
        printf("%s\t%s\t%s\t%s\n", group, who, name, gx_json_text(v, "state"));
    free(name);
}

int gx_cmd_group_reveal(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result = NULL;

    int code = gx_args_has(args, GX_OPT_YES) ? GX_EXIT_DONE : ask_reveal(cli, args);
    if (code == GX_EXIT_DONE)
        code = gx_cli_call(cli, &result, "group.reveal", json_pack("{s:s, s:s}", "group", args->words[0], "who", args->words[1]));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE)
        show_revealed(cli, result);
    json_decref(result);
    return code;
}

/* --- why -------------------------------------------------------------------------------------------------------------------------- */

#define RESTS_ON_MAX 12u        /* on a terminal; --json has them all */

static void show_why(const struct gx_cli *cli, const json_t *v)
{
    const json_t *by = json_object_get(v, "by");
    char *text = gx_show_text(gx_json_text(v, "text"), true), when[GX_TIME_BYTES], ids[RESTS_ON_MAX * GX_SHORT_ID_BYTES] = "";
    size_t n = json_array_size(by);

    puts(text);
    free(text);
    gx_show_time(when, gx_json_number(v, "when_ms"));
    if (when[0] != 0)
        gx_show_pair(cli, "when", "%s", when);
    for (size_t i = 0; i < n && i < RESTS_ON_MAX; i++) {
        char id[GX_SHORT_ID_BYTES];
        size_t used = strlen(ids);

        gx_show_id(id, json_string_value(json_array_get(by, i)));
        snprintf(ids + used, sizeof ids - used, "%s%s", i == 0 ? "" : " ", id);
    }
    if (n > 0)
        gx_show_pair(cli, "rests on", "%s%s", ids, n > RESTS_ON_MAX ? " ..." : "");
}

int gx_cmd_group_why(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, "group.why", json_pack("{s:s, s:s}", "group", args->words[0], "who", args->words[1]));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE)
        show_why(cli, result);
    json_decref(result);
    return code;
}
