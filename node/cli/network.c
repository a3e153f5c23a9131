#include "node/cli/cli.h"

#include "node/os/interfaces.h"

static int show_nearby(struct gx_cli *cli, const json_t *result)
{
    static const char *const heads[] = {"ADDRESS", ">HEARD", "OF"};
    const json_t *list = json_object_get(result, "nearby");
    struct gx_columns t;

    if (cli->json) {
        json_t *whole = json_pack("{s:O?}", "nearby", list);
        int code = gx_show_json(whole);

        json_decref(whole);
        return code;
    }
    gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i);
        bool known = json_is_true(json_object_get(p, "known"));
        char ago[32];

        snprintf(ago, sizeof ago, "%ju s ago", (uintmax_t)(gx_json_number(p, "ago_ms") / 1000u));
        gx_columns_text(&t, gx_json_text(p, "addr"));
        gx_columns_text(&t, ago);
        gx_columns_text(&t, !known ? "nothing that you share" : json_is_true(json_object_get(p, "asks")) ? "asks to be let in" : gx_json_text(p, "name"));
    }
    gx_columns_end(cli, &t);
    return GX_EXIT_DONE;
}

int gx_cmd_peers(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"PEER", "ADDRESS", "FOUND BY", "STATE", ">MS", ">GROUPS"};
    json_t *result;

    int code = gx_cli_call(cli, &result, "peers", NULL);
    if (code == GX_EXIT_DONE && gx_args_has(args, GX_OPT_NEARBY))
        code = show_nearby(cli, result);
    else if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        const json_t *list = json_object_get(result, "peers");
        struct gx_columns t;

        gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *p = json_array_get(list, i);
            const json_t *groups = json_object_get(p, "groups");
            gx_columns_id(&t, gx_json_text(p, "peer"));
            gx_columns_text(&t, gx_json_text(p, "addr"));
            gx_columns_text(&t, gx_json_text(p, "via"));
            gx_columns_text(&t, gx_json_text(p, "state"));
            if (json_is_integer(json_object_get(p, "rtt_ms")))
                gx_columns_number(&t, gx_json_number(p, "rtt_ms"));
            else
                gx_columns_text(&t, "");
            gx_columns_number(&t, json_is_array(groups) ? json_array_size(groups) : gx_json_number(p, "groups"));
        }
        gx_columns_end(cli, &t);
    }
    json_decref(result);
    return code;
}

static int peer(struct gx_cli *cli, const struct gx_args *args, const char *method, const char *done)
{
    const char *text = args->words[0];
    char numbered[GX_ADDR_TEXT_BYTES];
    struct gx_addr addr;
    json_t *result;

    if (gx_interfaces_addr_parse(&addr, text, false) != GX_OK)
        return gx_cli_usage(cli, "such as 192.0.2.1:7447, [2001:db8::1]:7447 or [fe80::1%eth0]:7447", "%.60s is no ADDR:PORT", text);
    gx_addr_format(numbered, &addr);
    int code = gx_cli_call(cli, &result, method, json_pack("{s:s}", "addr", numbered));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE)
        gx_cli_notice(cli, "%s %s", text, done);
    json_decref(result);
    return code;
}

int gx_cmd_peer_add(struct gx_cli *cli, const struct gx_args *args)
{
    return peer(cli, args, "peer.add", "will be tried.");
}

int gx_cmd_peer_drop(struct gx_cli *cli, const struct gx_args *args)
{
    return peer(cli, args, "peer.drop", "is forgotten.");
}
