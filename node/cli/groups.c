#include "node/cli/cli.h"

#include <stdlib.h>

static json_t *group_param(const struct gx_args *args)
{
    return json_pack("{s:s}", "group", args->words[0]);
}

static void show_group(const struct gx_cli *cli, const json_t *g)
{
    const char *reason = gx_json_text(g, "qr_reason");
    const char *qr = gx_json_text(g, "qr");

    gx_show_pair(cli, "group", "%s", gx_json_text(g, "group"));
    gx_show_pair(cli, "name", "%s", gx_json_text(g, "name"));
    gx_show_pair(cli, "you are", "%s, %s", gx_json_text(g, "state"), gx_json_text(g, "rank"));
    gx_show_pair(cli, "members", "%ju of at most %ju", (uintmax_t)gx_json_number(g, "members"), (uintmax_t)gx_json_number(g, "cap"));
    gx_show_pair(cli, "QR codes", "%s%s%s (they admit while there are fewer than %ju members)", qr, reason[0] == 0 ? "" : ": ", reason,
                 (uintmax_t)gx_json_number(g, "qr_max"));
    gx_show_pair(cli, "messages", "%ju", (uintmax_t)gx_json_number(g, "count"));
    gx_show_pair(cli, "state", "%s", gx_json_text(g, "state_hash"));
}

int gx_cmd_group_new(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *params = json_pack("{s:s}", "name", args->words[0]), *result;

    if (gx_args_has(args, GX_OPT_QR_MAX))
        (void)json_object_set_new(params, "qr_max", json_integer((json_int_t)args->number[GX_OPT_QR_MAX]));
    if (gx_args_has(args, GX_OPT_CAP))
        (void)json_object_set_new(params, "cap", json_integer((json_int_t)args->number[GX_OPT_CAP]));
    int code = gx_cli_call(cli, &result, "group.new", params);
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        char id[GX_SHORT_ID_BYTES];

        /* By its id: a name may hold what a shell obeys, and another group may have the same. */
        gx_show_id(id, gx_json_text(result, "group"));
        show_group(cli, result);
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

int gx_cmd_group_members(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"NAME", "MEMBER", "RANK", "CAME BY", "LET IN BY", "SINCE", ""};
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
            gx_columns_text(&t, gx_json_text(m, "alias"));
            gx_columns_id(&t, gx_json_text(m, "member"));
            gx_columns_text(&t, gx_json_text(m, "rank"));
            gx_columns_text(&t, gx_json_text(m, "via"));
            gx_columns_id(&t, gx_json_text(m, "voucher"));
            gx_columns_time(&t, gx_json_number(m, "since_ms"));
            gx_columns_text(&t, json_is_true(json_object_get(m, "you")) ? "you" : "");
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
