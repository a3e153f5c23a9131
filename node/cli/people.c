#include "node/cli/cli.h"

#include "crypto/keys.h"

#include <stdlib.h>
#include <unistd.h>

bool gx_contact_look(const struct gx_cli *cli, const char *where)
{
    struct gx_reply reply;

    if (where[0] != '@')
        return false;
    /* What is wrong with `where` is told by whoever uses it. */
    gx_cli_ask(cli, &reply, "contact.show", json_pack("{s:s}", "who", where), GX_CALL_MS, NULL);
    bool changed = json_is_true(json_object_get(reply.result, "changed"));
    gx_contact_warn(cli, reply.result);
    gx_reply_clear(&reply);
    return changed;
}

static bool is(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static json_t *who_param(const struct gx_args *args)
{
    return json_pack("{s:s}", "who", args->words[0]);
}

/* --- add -------------------------------------------------------------------------------------------------------------------------- */

static json_t *add_params(const struct gx_args *args, const char *code_text)
{
    json_t *params = json_pack("{s:s}", "token", code_text);

    gx_args_addresses(params, args);
    if (args->text[GX_OPT_PETNAME] != NULL)
        (void)json_object_set_new(params, "name", json_string(args->text[GX_OPT_PETNAME]));
    return params;
}

/* For a pipe. */
static void show_line(const json_t *v)
{
    char *name = gx_show_text(gx_json_text(v, "name"), true), id[GX_SHORT_ID_BYTES];

    gx_show_id(id, gx_json_text(v, "who"));
    printf("%s\t%s\t%s\n", id, name, gx_json_text(v, "state"));
    free(name);
}

static void tell_added(const struct gx_cli *cli, const json_t *v)
{
    char *name = gx_show_text(gx_json_text(v, "name"), true), word[GX_SHORT_ID_BYTES];

    gx_contact_word(word, v);
    if (strcmp(gx_json_text(v, "state"), "asked") != 0) {
        gx_cli_notice(cli, "%s is your contact.  Are they who they say?  guanxi contact verify %s", name, word);
    } else if (json_is_false(json_object_get(v, "reachable"))) {
        gx_cli_notice(cli, "The card does not say where %s can be reached.  Add the same card again, with --at ADDR:PORT.", name);
    } else {
        gx_cli_notice(cli, "Asked %s, whose node has not answered yet; yours keeps trying while it runs.", name);
        gx_cli_notice(cli, "They see it with: guanxi requests");
    }
    free(name);
}

int gx_cmd_contact_add(struct gx_cli *cli, const struct gx_args *args)
{
    char code_text[GX_CODE_BYTES];
    struct gx_fail why;
    json_t *result;

    if (!gx_read_code(code_text, args->words[0], &why))
        return gx_cli_fail(cli, &why);
    int code = gx_cli_call(cli, &result, "contact.add", add_params(args, code_text));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE && cli->out_tty)
        tell_added(cli, result);
    else if (code == GX_EXIT_DONE)
        show_line(result);
    json_decref(result);
    gx_wipe(code_text, sizeof code_text);
    return code;
}

/* --- list and show ---------------------------------------------------------------------------------------------------------------- */

static void add_contact(struct gx_columns *t, const json_t *c)
{
    char remarks[GX_REMARKS_BYTES] = "";

    if (is(c, "changed"))
        gx_remark(remarks, "KEY CHANGED!");
    if (is(c, "blocked"))
        gx_remark(remarks, "blocked");
    if (is(c, "verified"))
        gx_remark(remarks, "verified");
    gx_remark(remarks, gx_mark_text(c));
    gx_columns_text(t, gx_json_text(c, "name"));
    gx_columns_id(t, gx_json_text(c, "who"));
    gx_columns_text(t, gx_json_text(c, "state"));
    gx_columns_number(t, gx_json_number(c, "unread"));
    gx_columns_text(t, remarks);
}

int gx_cmd_contact_list(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"NAME", "CONTACT", "STATE", ">UNREAD", ""};
    json_t *result;
    (void)args;

    int code = gx_cli_call(cli, &result, "contact.list", NULL);
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        const json_t *list = json_object_get(result, "contacts");
        struct gx_columns t;

        gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
        for (size_t i = 0; i < json_array_size(list); i++)
            add_contact(&t, json_array_get(list, i));
        gx_columns_end(cli, &t);
        fflush(stdout);
        for (size_t i = 0; i < json_array_size(list); i++)
            gx_contact_warn(cli, json_array_get(list, i));
        if (cli->out_tty && json_array_size(list) == 0)
            gx_cli_notice(cli, "Nobody yet.  Next: show somebody your card with guanxi id --qr, or guanxi contact add CODE|PICTURE");
    }
    json_decref(result);
    return code;
}

static void show_verified(const struct gx_cli *cli, const json_t *v)
{
    char word[GX_SHORT_ID_BYTES];

    gx_contact_word(word, v);
    if (is(v, "verified"))
        gx_show_pair(cli, "verified", "yes, you have compared the words");
    else
        gx_show_pair(cli, "verified", "no; compare the words with: guanxi contact verify %s", word);
}

static void show_groups(const struct gx_cli *cli, const json_t *v)
{
    const json_t *list = json_object_get(v, "groups");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *g = json_array_get(list, i);
        char member[GX_SHORT_ID_BYTES], group[GX_SHORT_ID_BYTES];

        gx_show_id(member, gx_json_text(g, "member"));
        gx_show_id(group, gx_json_text(g, "group"));
        gx_show_pair(cli, "member of", "%s %s, as %s", gx_json_text(g, "name"), group, member);
    }
}

/* What they said of themself, where it is not what they are shown by. */
static void show_other_name(const struct gx_cli *cli, const json_t *v, const char *key, const char *label)
{
    if (gx_json_text(v, key)[0] != 0 && strcmp(gx_json_text(v, key), gx_json_text(v, "name")) != 0)
        gx_show_pair(cli, label, "%s", gx_json_text(v, key));
}

static void show_contact(const struct gx_cli *cli, const json_t *v)
{
    char since[GX_TIME_BYTES];

    gx_show_time(since, gx_json_number(v, "since_ms"));
    gx_show_pair(cli, "contact", "%s", gx_json_text(v, "who"));
    gx_show_pair(cli, "name", "%s%s%s", gx_json_text(v, "name"), gx_mark_text(v)[0] == 0 ? "" : ": ", gx_mark_text(v));
    show_other_name(cli, v, "claimed", "their name");
    show_other_name(cli, v, "was", "before");
    gx_show_pair(cli, "state", "%s%s", gx_json_text(v, "state"), is(v, "blocked") ? ", blocked" : "");
    if (gx_json_text(v, "where")[0] != 0)
        gx_show_pair(cli, "write to", "%s", gx_json_text(v, "where"));
    show_verified(cli, v);
    if (is(v, "changed"))
        gx_show_pair(cli, "key", "CHANGED!");
    if (since[0] != 0)
        gx_show_pair(cli, "since", "%s", since);
    show_groups(cli, v);
    fflush(stdout);
    gx_contact_warn(cli, v);
}

int gx_cmd_contact_show(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, "contact.show", who_param(args));
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE)
        show_contact(cli, result);
    json_decref(result);
    return code;
}

/* --- verify ----------------------------------------------------------------------------------------------------------------------- */

static void show_words(const struct gx_cli *cli, const json_t *v, const char *name)
{
    if (!cli->out_tty) {
        gx_show_pair(cli, "name", "%s", name);
        gx_show_pair(cli, "words", "%s", gx_json_text(v, "words"));
        gx_show_pair(cli, "verified", "%s", is(v, "verified") ? "yes" : "no");
        return;
    }
    printf("%s sees the same words with guanxi contact verify.  Read them to each other, by voice or face to face:\n\n", name);
    gx_show_words(stdout, gx_json_text(v, "words"));
    putchar('\n');
    fflush(stdout);
}

/* By the id: the words that were shown are of this person. */
static int mark_verified(const struct gx_cli *cli, const char *id)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, "contact.verify", json_pack("{s:s+, s:b}", "who", ":", id, "yes", 1));
    json_decref(result);
    return code;
}

static int compare(const struct gx_cli *cli, const json_t *v, const char *name)
{
    if (gx_ask_whether("Do both of you have the same words? [y/N] ") != GX_EXIT_DONE) {
        gx_cli_notice(cli, "If the words differ, somebody stands between you: what you write to %s is not for them alone.", name);
        return GX_EXIT_FAILED;
    }
    int code = mark_verified(cli, gx_json_text(v, "who"));
    if (code == GX_EXIT_DONE)
        gx_cli_notice(cli, "%s is verified.", name);
    return code;
}

int gx_cmd_contact_verify(struct gx_cli *cli, const struct gx_args *args)
{
    bool yes = gx_args_has(args, GX_OPT_YES);
    json_t *params = who_param(args), *result;

    if (yes)
        (void)json_object_set_new(params, "yes", json_true());
    int code = gx_cli_call(cli, &result, "contact.verify", params);
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        char *name = gx_show_text(gx_json_text(result, "name"), true);

        gx_contact_warn(cli, result);
        show_words(cli, result, name);
        if (is(result, "verified"))
            gx_cli_notice(cli, yes ? "%s is verified." : "You have compared them before: %s is verified.", name);
        else if (isatty(STDIN_FILENO) == 1)
            code = compare(cli, result, name);
        free(name);
    }
    json_decref(result);
    return code;
}

/* --- what is done to a contact ---------------------------------------------------------------------------------------------------- */

/* tell: what to say of it, with the name and a word that stands for the contact. */
static int act(const struct gx_cli *cli, const char *method, const char *who, void (*tell)(const struct gx_cli *, const char *, const char *))
{
    json_t *result;

    int code = gx_cli_call(cli, &result, method, json_pack("{s:s}", "who", who));
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE && cli->out_tty) {
        char *name = gx_show_text(gx_json_text(result, "name"), true), id[GX_SHORT_ID_BYTES];

        gx_show_id(id, gx_json_text(result, "who"));
        tell(cli, name, id);
        free(name);
    } else if (code == GX_EXIT_DONE) {
        show_line(result);
    }
    json_decref(result);
    return code;
}

static void tell_blocked(const struct gx_cli *cli, const char *name, const char *word)
{
    gx_cli_notice(cli, "%s is blocked: you hear nothing from them, and your node tells them nothing.", name);
    gx_cli_notice(cli, "In groups that you share they still see what you write.  guanxi contact unblock %s takes it back.", word);
}

static void tell_unblocked(const struct gx_cli *cli, const char *name, const char *word)
{
    (void)word;
    gx_cli_notice(cli, "%s is not blocked any more.", name);
}

static void tell_removed(const struct gx_cli *cli, const char *name, const char *word)
{
    (void)word;
    gx_cli_notice(cli, "%s is your contact no more.", name);
}

int gx_cmd_contact_block(struct gx_cli *cli, const struct gx_args *args)
{
    return act(cli, "contact.block", args->words[0], tell_blocked);
}

int gx_cmd_contact_unblock(struct gx_cli *cli, const struct gx_args *args)
{
    return act(cli, "contact.unblock", args->words[0], tell_unblocked);
}

int gx_cmd_contact_remove(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *contact;

    if (gx_args_has(args, GX_OPT_YES))
        return act(cli, "contact.remove", args->words[0], tell_removed);
    if (isatty(STDIN_FILENO) != 1)
        return gx_cli_usage(cli, "say that you mean it with -y", "there is no terminal to ask on");
    int code = gx_cli_call(cli, &contact, "contact.show", who_param(args));
    if (code == GX_EXIT_DONE) {
        char *name = gx_show_text(gx_json_text(contact, "name"), true), id[GX_SHORT_ID_BYTES];

        gx_show_id(id, gx_json_text(contact, "who"));
        fprintf(stderr, "%s is %s.\n", name, id);
        free(name);
        code = gx_ask_whether("You cannot write to each other any more.  Remove this contact? [y/N] ");
    }
    json_decref(contact);
    return code == GX_EXIT_DONE ? act(cli, "contact.remove", args->words[0], tell_removed) : code;
}

int gx_cmd_contact_name(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;

    int code = gx_cli_call(cli, &result, "contact.name", json_pack("{s:s, s:s}", "who", args->words[0], "name", args->words[1]));
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        char *name = gx_show_text(gx_json_text(result, "name"), true), id[GX_SHORT_ID_BYTES];

        gx_show_id(id, gx_json_text(result, "who"));
        if (!cli->out_tty)
            printf("%s\t%s\n", id, name);
        else if (args->words[1][0] != 0)
            gx_cli_notice(cli, "You call them %s now; nobody else sees that.", name);
        else
            gx_cli_notice(cli, "You have no name of your own for %s any more.", name);
        free(name);
    }
    json_decref(result);
    return code;
}
