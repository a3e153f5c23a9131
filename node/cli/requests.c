#include "node/cli/cli.h"

#include <stdlib.h>

int gx_cmd_requests(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"REQUEST", "KIND", "GROUP", "FROM", "SINCE"};
    json_t *result;
    (void)args;

    int code = gx_cli_call(cli, &result, "requests", NULL);
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        const json_t *list = json_object_get(result, "requests");
        struct gx_columns t;

        gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *r = json_array_get(list, i);
            gx_columns_id(&t, gx_json_text(r, "id"));
            gx_columns_text(&t, gx_json_text(r, "kind"));
            gx_columns_text(&t, gx_json_text(r, "name"));
            gx_columns_text(&t, gx_json_text(r, "from"));
            gx_columns_time(&t, gx_json_number(r, "since_ms"));
        }
        gx_columns_end(cli, &t);
        if (cli->out_tty && json_array_size(list) > 0)
            gx_cli_notice(cli, "A transfer makes you the owner of the group.  Answer with guanxi accept REQUEST, or guanxi refuse REQUEST.");
    }
    json_decref(result);
    return code;
}

/* The answer is written; what it changes happens at whoever asked. */
static void tell(const struct gx_cli *cli, const json_t *r)
{
    char *from = gx_show_text(gx_json_text(r, "from"), true), *name = gx_show_text(gx_json_text(r, "name"), true);
    char group[GX_SHORT_ID_BYTES];

    gx_show_id(group, gx_json_text(r, "group"));
    if (strcmp(gx_json_text(r, "state"), "accepted") == 0)
        gx_cli_notice(cli, "You accepted %s.  It is yours as soon as %s's node has seen that; guanxi group show %s tells.", name, from, group);
    else
        gx_cli_notice(cli, "You refused %s.  Nothing changes: it stays with %s.", name, from);
    free(from);
    free(name);
}

static int answer(const struct gx_cli *cli, const char *method, const char *who)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, method, json_pack("{s:s}", "who", who));
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE && cli->out_tty) {
        tell(cli, result);
    } else if (code == GX_EXIT_DONE) {
        char *name = gx_show_text(gx_json_text(result, "name"), true), id[GX_SHORT_ID_BYTES];

        gx_show_id(id, gx_json_text(result, "id"));
        printf("%s\t%s\t%s\t%s\n", id, gx_json_text(result, "kind"), name, gx_json_text(result, "state"));
        free(name);
    }
    json_decref(result);
    return code;
}

int gx_cmd_accept(struct gx_cli *cli, const struct gx_args *args)
{
    return answer(cli, "accept", args->words[0]);
}

int gx_cmd_refuse(struct gx_cli *cli, const struct gx_args *args)
{
    return answer(cli, "refuse", args->words[0]);
}
