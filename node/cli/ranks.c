#include "node/cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

#define ID_PREFIX_MIN 4u

/* What is done to a member by rank. */
struct act {
    const char *method;
    const char *verb, *link, *warning;      /* "Remove" somebody "from" a group, and what to know before; NULL: it is not asked */
    /* Names are safe for a terminal. */
    void (*tell)(const struct gx_cli *cli, const json_t *done, const char *name, const char *group);
};

/* --- asking before ---------------------------------------------------------------------------------------------------------------- */

static bool fits(const json_t *member, const char *who)
{
    const char *name = who[0] == '@' ? who + 1 : who, *digits = who[0] == ':' ? who + 1 : who;

    if (who[0] != ':' && strcmp(gx_json_text(member, "alias"), name) == 0)
        return true;
    return who[0] != '@' && strlen(digits) >= ID_PREFIX_MIN && strncmp(gx_json_text(member, "member"), digits, strlen(digits)) == 0;
}

/* The one member that is meant, so that the question can tell more than what was typed; NULL: the node will say what is wrong. */
static const json_t *find_member(const json_t *members, const char *who)
{
    const json_t *list = json_object_get(members, "members"), *found = NULL;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        if (!fits(m, who))
            continue;
        if (found != NULL)
            return NULL;
        found = m;
    }
    return found;
}

static int ask(const struct act *act, const json_t *member, const char *who, const char *where)
{
    char *name = gx_show_text(member == NULL ? who : gx_json_text(member, "alias"), true), *group = gx_show_text(where, true);
    char id[GX_SHORT_ID_BYTES];

    gx_show_id(id, gx_json_text(member, "member"));
    if (member != NULL)
        fprintf(stderr, "%s is %s, %s of %s.\n", name, id, gx_json_text(member, "rank"), group);
    fprintf(stderr, "%s %s %s %s?  ", act->verb, name, act->link, group);
    free(name);
    free(group);
    return gx_ask_whether(act->warning);
}

/* GX_EXIT_DONE is yes. */
static int confirm(const struct gx_cli *cli, const struct act *act, const struct gx_args *args)
{
    json_t *members;

    if (act->verb == NULL || gx_args_has(args, GX_OPT_YES))
        return GX_EXIT_DONE;
    if (isatty(STDIN_FILENO) != 1)
        return gx_cli_usage(cli, "say that you mean it with -y", "there is no terminal to ask on");
    int code = gx_cli_call(cli, &members, "group.members", json_pack("{s:s}", "group", args->words[0]));
    if (code == GX_EXIT_DONE)
        code = ask(act, find_member(members, args->words[1]), args->words[1], args->words[0]);
    json_decref(members);
    return code;
}

/* --- telling what was done ---------------------------------------------------------------------------------------------------------- */

static const char *unseen(const json_t *done)
{
    return json_is_false(json_object_get(done, "settled")) ? "  The owner's node has not seen it yet." : "";
}

static void tell_removed(const struct gx_cli *cli, const json_t *done, const char *name, const char *group)
{
    gx_cli_notice(cli, "%s was removed from %s.%s", name, group, unseen(done));
}

static void tell_banned(const struct gx_cli *cli, const json_t *done, const char *name, const char *group)
{
    char ended[GX_SHORT_ID_BYTES];

    gx_show_id(ended, gx_json_text(done, "revoked"));
    gx_cli_notice(cli, "%s is banned from %s.%s", name, group, unseen(done));
    if (ended[0] != 0)
        gx_cli_notice(cli, "The invitation they came by, %s, was ended too.", ended);
    gx_cli_notice(cli, "A ban stops this key, not the person: with a new key and an invitation they can come again.");
}

/* Also where nobody looks at sentences: the door that this ban was to close is open. */
static void warn_open(const struct gx_cli *cli, const json_t *done)
{
    char open[GX_SHORT_ID_BYTES];

    gx_show_id(open, gx_json_text(done, "not_revoked"));
    if (open[0] != 0)
        gx_cli_notice(cli, "The invitation they came by is still open: your rank does not reach so far.  "
                           "Ask whoever made it, or the owner, for: guanxi revoke %s", open);
}

static void tell_unbanned(const struct gx_cli *cli, const json_t *done, const char *name, const char *group)
{
    gx_cli_notice(cli, "%s may join %s again, with an invitation.%s", name, group, unseen(done));
}

static void tell_rank(const struct gx_cli *cli, const json_t *done, const char *name, const char *group)
{
    gx_cli_notice(cli, "%s is %s of %s now.%s", name, gx_json_text(done, "rank"), group, unseen(done));
}

static void tell_offered(const struct gx_cli *cli, const json_t *done, const char *name, const char *group)
{
    (void)done;
    gx_cli_notice(cli, "Offered %s to %s.  When %s accepts, the group is theirs; until then nothing changes.", group, name, name);
    gx_cli_notice(cli, "%s sees the offer with: guanxi requests", name);
}

static void show_line(const json_t *done, const char *name)
{
    char event[GX_SHORT_ID_BYTES], member[GX_SHORT_ID_BYTES];

    gx_show_id(event, gx_json_text(done, "event"));
    gx_show_id(member, gx_json_text(done, "member"));
    printf("%s\t%s\t%s\t%s\t%s\n", event, member, name, gx_json_text(done, "rank"), unseen(done)[0] == 0 ? "seen" : "unseen");
}

static int run(const struct gx_cli *cli, const struct act *act, const struct gx_args *args)
{
    json_t *done = NULL;

    int code = confirm(cli, act, args);
    if (code == GX_EXIT_DONE)
        code = gx_cli_call(cli, &done, act->method, json_pack("{s:s, s:s}", "group", args->words[0], "who", args->words[1]));
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(done);
    } else if (code == GX_EXIT_DONE) {
        char *name = gx_show_text(gx_json_text(done, "alias"), true), *group = gx_show_text(gx_json_text(done, "name"), true);
        if (cli->out_tty)
            act->tell(cli, done, name, group[0] == 0 ? args->words[0] : group);
        else
            show_line(done, name);
        warn_open(cli, done);
        free(name);
        free(group);
    }
    json_decref(done);
    return code;
}

/* --- with whom they let in ------------------------------------------------------------------------------------------------------------ */

static json_t *vouched_params(const struct gx_args *args, bool yes)
{
    return json_pack("{s:s, s:s, s:b, s:b}", "group", args->words[0], "who", args->words[1], "vouched", 1, "yes", yes);
}

static void show_would(const json_t *list, const char *group)
{
    fprintf(stderr, "From %s would go:\n", group);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        char *name = gx_show_text(gx_json_text(m, "alias"), true), id[GX_SHORT_ID_BYTES];

        gx_show_id(id, gx_json_text(m, "member"));
        fprintf(stderr, "  %s  %s\n", id, name);
        free(name);
    }
}

static int confirm_vouched(const struct gx_cli *cli, const struct gx_args *args)
{
    json_t *would;

    if (gx_args_has(args, GX_OPT_YES))
        return GX_EXIT_DONE;
    if (isatty(STDIN_FILENO) != 1)
        return gx_cli_usage(cli, "say that you mean it with -y", "there is no terminal to ask on");
    int code = gx_cli_call(cli, &would, "group.remove", vouched_params(args, false));
    if (code == GX_EXIT_DONE) {
        const json_t *list = json_object_get(would, "would");
        char *group = gx_show_text(args->words[0], true);

        show_would(list, group);
        if (json_array_size(list) == 1)
            fputs("Remove this member?  ", stderr);
        else
            fprintf(stderr, "Remove these %zu members?  ", json_array_size(list));
        code = gx_ask_whether("With an invitation they can join again. [y/N] ");
        free(group);
    }
    json_decref(would);
    return code;
}

static int remove_vouched(const struct gx_cli *cli, const struct gx_args *args)
{
    json_t *done = NULL;

    int code = confirm_vouched(cli, args);
    if (code == GX_EXIT_DONE)
        code = gx_cli_call(cli, &done, "group.remove", vouched_params(args, true));
    const json_t *list = json_object_get(done, "removed");
    for (size_t i = 0; i < json_array_size(list) && !cli->json; i++) {
        const json_t *m = json_array_get(list, i);
        char *name = gx_show_text(gx_json_text(m, "alias"), true), *group = gx_show_text(args->words[0], true);

        if (cli->out_tty)
            tell_removed(cli, m, name, group);
        else
            show_line(m, name);
        free(name);
        free(group);
    }
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(done);
    json_decref(done);
    return code;
}

/* --- commands --------------------------------------------------------------------------------------------------------------------- */

int gx_cmd_group_remove(struct gx_cli *cli, const struct gx_args *args)
{
    static const struct act act = {"group.remove", "Remove", "from", "With an invitation they can join again. [y/N] ", tell_removed};

    return gx_args_has(args, GX_OPT_VOUCHED) ? remove_vouched(cli, args) : run(cli, &act, args);
}

int gx_cmd_group_ban(struct gx_cli *cli, const struct gx_args *args)
{
    static const struct act act = {"group.ban", "Ban", "from", "It stops the key they have, not a person with a new one. [y/N] ", tell_banned};

    return run(cli, &act, args);
}

int gx_cmd_group_unban(struct gx_cli *cli, const struct gx_args *args)
{
    static const struct act act = {"group.unban", NULL, NULL, NULL, tell_unbanned};

    return run(cli, &act, args);
}

int gx_cmd_group_promote(struct gx_cli *cli, const struct gx_args *args)
{
    static const struct act act = {"group.promote", NULL, NULL, NULL, tell_rank};

    return run(cli, &act, args);
}

int gx_cmd_group_demote(struct gx_cli *cli, const struct gx_args *args)
{
    static const struct act act = {"group.demote", NULL, NULL, NULL, tell_rank};

    return run(cli, &act, args);
}

int gx_cmd_group_transfer(struct gx_cli *cli, const struct gx_args *args)
{
    static const struct act act = {"group.transfer", "Make", "the owner of", "Once they accept, you are an admin. [y/N] ", tell_offered};

    return run(cli, &act, args);
}
