#include "node/cli/cli.h"

#include <stdlib.h>

/* What each kind asks of you, and how it is answered. */
static void show_answers(const struct gx_cli *cli, const json_t *list)
{
    static const struct {
        const char *kind, *text;
    } kinds[] = {
        {"contact", "contact: they have your card and ask you to be their contact."},
        {"invite", "invite: a contact asks you into the group."},
        {"transfer", "transfer: the group would be yours."},
    };

    for (size_t k = 0; k < GX_ARRAY_LEN(kinds); k++)
        for (size_t i = 0; i < json_array_size(list); i++)
            if (strcmp(gx_json_text(json_array_get(list, i), "kind"), kinds[k].kind) == 0) {
                gx_cli_notice(cli, "%s", kinds[k].text);
                break;
            }
    gx_cli_notice(cli, "Answer with guanxi accept REQUEST or guanxi refuse REQUEST; after guanxi block REQUEST you hear nothing from them.");
}

int gx_cmd_requests(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"REQUEST", "KIND", "GROUP", "FROM", "SINCE", ""};
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
            gx_columns_text(&t, gx_mark_text(r));
        }
        gx_columns_end(cli, &t);
        fflush(stdout);
        for (size_t i = 0; i < json_array_size(list); i++)
            gx_contact_warn(cli, json_array_get(list, i));
        if (cli->out_tty && json_array_size(list) > 0)
            show_answers(cli, list);
        else if (cli->out_tty)
            gx_cli_notice(cli, "Nothing waits for your answer.");
    }
    json_decref(result);
    return code;
}

/* The answer is written; what it changes happens at whoever asked.  Names are safe for a terminal. */
static void tell(const struct gx_cli *cli, const json_t *r, const char *from, const char *name)
{
    const char *kind = gx_json_text(r, "kind");
    bool yes = strcmp(gx_json_text(r, "state"), "accepted") == 0;
    char group[GX_SHORT_ID_BYTES];

    gx_show_id(group, gx_json_text(r, "group"));
    if (strcmp(kind, "contact") == 0 && yes)
        gx_cli_notice(cli, "You accepted %s.  You can write to each other as soon as your nodes have met; guanxi contact list tells.", from);
    else if (strcmp(kind, "contact") == 0)
        gx_cli_notice(cli, "You refused %s.  They are not told, and may ask again.", from);
    else if (strcmp(kind, "invite") == 0 && yes)
        gx_cli_notice(cli, "You accepted %s.  You are in as soon as %s's node has seen that; guanxi group show %s tells.", name, from, group);
    else if (strcmp(kind, "invite") == 0)
        gx_cli_notice(cli, "You refused %s.  You may be invited again.", name);
    else if (yes)
        gx_cli_notice(cli, "You accepted %s.  It is yours as soon as %s's node has seen that; guanxi group show %s tells.", name, from, group);
    else
        gx_cli_notice(cli, "You refused %s.  Nothing changes: it stays with %s.", name, from);
}

static int answer(const struct gx_cli *cli, const char *method, const char *who)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, method, json_pack("{s:s}", "who", who));
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        char *from = gx_show_text(gx_json_text(result, "from"), true), *name = gx_show_text(gx_json_text(result, "name"), true);
        char id[GX_SHORT_ID_BYTES];

        gx_show_id(id, gx_json_text(result, "id"));
        if (cli->out_tty)
            tell(cli, result, from, name);
        else
            printf("%s\t%s\t%s\t%s\t%s\n", id, gx_json_text(result, "kind"), name, from, gx_json_text(result, "state"));
        free(from);
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
