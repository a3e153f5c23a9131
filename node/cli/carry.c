/* What this node keeps of a group's messages, and the disk space of what it does not. */
#include "node/cli/cli.h"

#define VACUUM_MS 3600000           /* the whole store is written once */

static const char *megabytes(char out[32], uint64_t bytes)
{
    if (bytes < 10u << 20)
        snprintf(out, 32, "%.1f MB", (double)bytes / (1 << 20));
    else
        snprintf(out, 32, "%ju MB", (uintmax_t)(bytes >> 20));
    return out;
}

void gx_show_carry(const struct gx_cli *cli, const json_t *g)
{
    const json_t *c = json_object_get(g, "carry");
    const char *keeps = gx_json_text(c, "keeps");
    uint64_t dropped = gx_json_number(c, "dropped");
    char bytes[32], most[32], of_one[32];

    (void)megabytes(most, gx_json_number(c, "max_bytes"));
    (void)megabytes(of_one, gx_json_number(c, "author_max_bytes"));
    if (strcmp(keeps, "off") == 0)
        gx_show_pair(cli, "keeps", "off: the last %ju messages of each member, and its own that not all have", (uintmax_t)gx_json_number(c, "last"));
    else if (strcmp(keeps, "recent") == 0)
        gx_show_pair(cli, "keeps", "recent: the last %ju days on which something came, up to %s", (uintmax_t)gx_json_number(c, "days"), most);
    else
        gx_show_pair(cli, "keeps", "all: up to %s, of one member up to %s", most, of_one);
    if (dropped == 0)
        gx_show_pair(cli, "kept", "%s", megabytes(bytes, gx_json_number(c, "bytes")));
    else
        gx_show_pair(cli, "kept", "%s; %ju older messages are not kept any more", megabytes(bytes, gx_json_number(c, "bytes")), (uintmax_t)dropped);
}

int gx_cmd_group_carry(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, "group.carry", json_pack("{s:s, s:s}", "group", args->words[0], "carry", args->words[1]));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE)
        gx_show_carry(cli, result);
    json_decref(result);
    return code;
}

int gx_cmd_vacuum(struct gx_cli *cli, const struct gx_args *args)
{
    struct gx_reply reply;
    int code = GX_EXIT_DONE;
    (void)args;

    gx_cli_ask(cli, &reply, "vacuum", NULL, VACUUM_MS, "making the store smaller");
    if (reply.error != NULL) {
        code = gx_cli_error(cli, reply.error);
    } else if (cli->json) {
        code = gx_show_json(reply.result);
    } else {
        char bytes[32];

        gx_show_pair(cli, "before", "%s", megabytes(bytes, gx_json_number(reply.result, "before_bytes")));
        gx_show_pair(cli, "now", "%s", megabytes(bytes, gx_json_number(reply.result, "after_bytes")));
        gx_show_pair(cli, "dropped", "%ju messages", (uintmax_t)gx_json_number(reply.result, "dropped"));
    }
    gx_reply_clear(&reply);
    return code;
}
