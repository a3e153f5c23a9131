#include "node/cli/cli.h"

#include "node/os/version.h"
#include "proto/utf8.h"

#include <locale.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define B GX_OPT_BIT

static const struct gx_cli_command commands[] = {
    {"init", NULL, "Start", "", "make an identity and its recovery words", B(NAME), 0, 0, gx_cmd_init},
    {"up", NULL, "Start", "", "run the node, in the foreground or with -d in the background", B(DETACH) | B(LISTEN) | B(NO_LAN) | B(LOCKED), 0, 0, gx_cmd_up},
    {"down", NULL, "Start", "", "stop the node; returns when it is gone", 0, 0, 0, gx_cmd_down},
    {"lock", NULL, "Start", "", "forget all keys until the passphrase is given again", 0, 0, 0, gx_cmd_lock},
    {"unlock", NULL, "Start", "", "give the passphrase to a node that is locked", 0, 0, 0, gx_cmd_unlock},
    {"status", NULL, "Start", "", "what this node is doing", 0, 0, 0, gx_cmd_status},
    {"wait", NULL, "Start", "", "return when the node is ready and every condition holds",
     B(PEERS) | B(MEMBERS) | B(HASH) | B(COUNT) | B(IDLE) | B(TIMEOUT), 0, 0, gx_cmd_wait},

    {"id", NULL, "You", "", "who you are; with --qr your card, for others to scan", B(QR) | B(PNG), 0, 0, gx_cmd_id},
    {"profile", "set", "You", "name TEXT", "what you call yourself, to your contacts", 0, 2, 2, gx_cmd_profile_set},
    {"config", NULL, "You", "", "settings, and where each came from", 0, 0, 0, gx_cmd_config},

    {"contact", "add", "People", "CODE|PICTURE", "ask somebody, by their card, to be your contact", B(AT) | B(PETNAME), 1, 1,
     gx_cmd_contact_add},
    {"contact", "list", "People", "", "your contacts, and whom you asked", 0, 0, 0, gx_cmd_contact_list},
    {"contact", "show", "People", "WHO", "one contact", 0, 1, 1, gx_cmd_contact_show},
    {"contact", "verify", "People", "WHO", "twelve words to compare by voice or face to face; -y: they are the same", B(YES), 1, 1,
     gx_cmd_contact_verify},
    {"contact", "name", "People", "WHO PETNAME", "what you call a contact; an empty name takes it away", 0, 2, 2, gx_cmd_contact_name},
    {"contact", "block", "People", "WHO|:REQUEST", "hear nothing from somebody any more, and tell them nothing", 0, 1, 1,
     gx_cmd_contact_block},
    {"contact", "unblock", "People", "WHO", "take a block back", 0, 1, 1, gx_cmd_contact_unblock},
    {"contact", "remove", "People", "WHO", "be contacts no more", B(YES), 1, 1, gx_cmd_contact_remove},
    {"requests", NULL, "People", "", "what waits for your answer", 0, 0, 0, gx_cmd_requests},
    {"accept", NULL, "People", "WHO|GROUP|:REQUEST", "say yes to a request", 0, 1, 1, gx_cmd_accept},
    {"refuse", NULL, "People", "WHO|GROUP|:REQUEST", "say no to a request", 0, 1, 1, gx_cmd_refuse},
    {"block", NULL, "People", "WHO|:REQUEST", "the same as contact block", 0, 1, 1, gx_cmd_contact_block},

    {"group", "new", "Groups", "NAME", "found a group", B(QR_MAX) | B(CAP) | B(HISTORY), 1, 1, gx_cmd_group_new},
    {"group", "list", "Groups", "", "your groups", 0, 0, 0, gx_cmd_group_list},
    {"group", "show", "Groups", "GROUP", "one group", 0, 1, 1, gx_cmd_group_show},
    {"group", "members", "Groups", "GROUP", "who is in a group", 0, 1, 1, gx_cmd_group_members},
    {"group", "leave", "Groups", "GROUP", "leave a group, or give up joining it", 0, 1, 1, gx_cmd_group_leave},

    {"group", "rename", "Groups", "GROUP NAME", "give a group another name", 0, 2, 2, gx_cmd_group_rename},
    {"group", "alias", "Groups", "GROUP NAME", "what you are called in a group; an empty name takes it away", 0, 2, 2, gx_cmd_group_alias},
    {"group", "carry", "Groups", "GROUP off|recent|all", "how much of a group's messages this node keeps", 0, 2, 2, gx_cmd_group_carry},
    {"group", "reveal", "Groups", "GROUP WHO", "tell a contact which member of a group you are", B(YES), 2, 2, gx_cmd_group_reveal},
    {"group", "remove", "Groups", "GROUP WHO", "end a membership; an invitation can bring them back", B(YES) | B(VOUCHED), 2, 2,
     gx_cmd_group_remove},
    {"group", "ban", "Groups", "GROUP WHO", "end a membership for good, and the invitation they came by", B(YES), 2, 2, gx_cmd_group_ban},
    {"group", "unban", "Groups", "GROUP WHO", "let who was banned be invited again", 0, 2, 2, gx_cmd_group_unban},
    {"group", "promote", "Groups", "GROUP WHO", "make a member an admin", 0, 2, 2, gx_cmd_group_promote},
    {"group", "demote", "Groups", "GROUP WHO", "make an admin a plain member", 0, 2, 2, gx_cmd_group_demote},
    {"group", "transfer", "Groups", "GROUP WHO", "offer a group of yours to a member, who may accept", B(YES), 2, 2, gx_cmd_group_transfer},
    {"group", "why", "Groups", "GROUP WHO|:EVENT", "by what right somebody is in a group, or why not; or whether an act counts", 0, 2, 2,
     gx_cmd_group_why},

    {"invite", NULL, "Invites", "GROUP", "make an invitation; its code is printed, or it goes to a contact",
     B(QR) | B(PNG) | B(EXPIRES) | B(USES) | B(FOR) | B(PAIR) | B(PAIR_TIMEOUT), 1, 1, gx_cmd_invite},
    {"invites", NULL, "Invites", "[GROUP]", "invitations that are known", 0, 0, 1, gx_cmd_invites},
    {"revoke", NULL, "Invites", "INVITE", "end an invitation", 0, 1, 1, gx_cmd_revoke},
    {"inspect", NULL, "Invites", "CODE|PICTURE", "what an invitation or a card says, without using it", 0, 1, 1, gx_cmd_inspect},
    {"join", NULL, "Invites", "CODE|PICTURE|DIGITS", "join a group by an invitation, or by six digits that somebody shows you",
     B(AT) | B(AS) | B(TIMEOUT) | B(YES) | B(PAIR), 1, 2, gx_cmd_join},

    {"send", NULL, "Talk", "WHERE [TEXT|-]", "send a message; without a text, what standard input says",
     B(REPLY) | B(WAIT) | B(TIMEOUT), 1, 2, gx_cmd_send},
    {"read", NULL, "Talk", "[WHERE]", "messages, oldest first", B(UNREAD) | B(SINCE) | B(LIMIT), 0, 1, gx_cmd_read},
    {"watch", NULL, "Talk", "[WHERE]", "what happens, as it happens, until Ctrl-C", B(SINCE), 0, 1, gx_cmd_watch},

    {"peers", NULL, "Network", "", "nodes that are connected, or that were heard on the LAN", B(NEARBY), 0, 0, gx_cmd_peers},
    {"peer", "add", "Network", "ADDR:PORT", "an address to try", 0, 1, 1, gx_cmd_peer_add},
    {"peer", "drop", "Network", "ADDR:PORT", "forget an address", 0, 1, 1, gx_cmd_peer_drop},

    {"vacuum", NULL, "Care", "", "drop what is not to be kept, and give the disk space back", 0, 0, 0, gx_cmd_vacuum},
    {"doctor", NULL, "Care", "", "look whether this home is in good order", 0, 0, 0, gx_cmd_doctor},
    {"passwd", NULL, "Care", "", "set, change or take away the passphrase of this home", 0, 0, 0, gx_cmd_passwd},

    {"call", NULL, "Tools", "METHOD [JSON]", "one method of the control socket; rpc.discover lists them", 0, 1, 2, gx_cmd_call},
    {"help", NULL, "Tools", "[COMMAND]", "this help, or that of one command", 0, 0, 2, gx_cmd_help},
    {"version", NULL, "Tools", "", "the program's version", 0, 0, 0, gx_cmd_version},
};

const struct gx_cli_command *gx_cli_commands(size_t *n)
{
    *n = GX_ARRAY_LEN(commands);
    return commands;
}

/* --- help --------------------------------------------------------------------------------------------------------------------- */

static void help_line(FILE *out, const struct gx_cli_command *c)
{
    char left[64];

    snprintf(left, sizeof left, "%s%s%s%s%s", c->name, c->sub == NULL ? "" : " ", c->sub == NULL ? "" : c->sub,
             c->usage[0] == 0 ? "" : " ", c->usage);
    fprintf(out, "  %-26s  %s\n", left, c->help);
}

static void help_all(FILE *out)
{
    const char *family = "";

    fputs("guanxi [--home DIR | -P PROFILE] [--json] [-q] [-v] COMMAND ...\n", out);
    for (size_t i = 0; i < GX_ARRAY_LEN(commands); i++) {
        if (strcmp(family, commands[i].family) != 0)
            fprintf(out, "\n%s\n", commands[i].family);
        family = commands[i].family;
        help_line(out, &commands[i]);
    }
    fputs("\nEverywhere\n", out);
    gx_options_help(out, GX_OPT_GLOBAL);
    fputs("\nGROUP: a group's name, or : and 4 or more characters of its id.  WHO: @ and a name, or : and 4 or more characters of an id.\n"
          "WHERE: a GROUP, or @ and a contact's name.\n"
          "guanxi help COMMAND says more.\n", out);
}

bool gx_cli_help(FILE *out, const char *name, const char *sub)
{
    bool found = false;

    if (name == NULL) {
        help_all(out);
        return true;
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(commands); i++) {
        const struct gx_cli_command *c = &commands[i];
        if (strcmp(c->name, name) != 0 || (sub != NULL && (c->sub == NULL || strcmp(c->sub, sub) != 0)))
            continue;
        fprintf(out, "%sguanxi %s%s%s %s%s\n  %s\n", found ? "\n" : "", c->name, c->sub == NULL ? "" : " ", c->sub == NULL ? "" : c->sub,
                c->usage, c->options == 0 ? "" : " [options]", c->help);
        if (c->options != 0)
            fputc('\n', out);
        gx_options_help(out, c->options);
        found = true;
    }
    return found;
}

int gx_cmd_help(struct gx_cli *cli, const struct gx_args *args)
{
    const char *name = args->n_words > 0 ? args->words[0] : NULL, *sub = args->n_words > 1 ? args->words[1] : NULL;

    if (gx_cli_help(stdout, name, sub))
        return GX_EXIT_DONE;
    return gx_cli_usage(cli, "see: guanxi help", "there is no command \"%.60s\"", name);
}

int gx_cmd_version(struct gx_cli *cli, const struct gx_args *args)
{
    (void)args;
    if (cli->json)
        printf("{\"version\":\"%s\"}\n", GX_VERSION);
    else
        printf("guanxi %s\n", GX_VERSION);
    return GX_EXIT_DONE;
}

/* --- the program ------------------------------------------------------------------------------------------------------------------ */

static void look_at_terminal(struct gx_cli *cli)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    struct winsize size;

    cli->out_tty = isatty(STDOUT_FILENO) == 1;
    cli->err_tty = isatty(STDERR_FILENO) == 1;
    cli->columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    cli->colour = cli->out_tty && (no_color == NULL || no_color[0] == 0) && (term == NULL || strcmp(term, "dumb") != 0);
}

static bool has_subs(const char *name)
{
    for (size_t i = 0; i < GX_ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].sub != NULL;
    return false;
}

/* What concerns every command, wherever it stood. */
static void take_globals(struct gx_cli *cli, const struct gx_args *args)
{
    cli->json = gx_args_has(args, GX_OPT_JSON);
    cli->quiet = gx_args_has(args, GX_OPT_QUIET);
    cli->verbose = gx_args_has(args, GX_OPT_VERBOSE);
    if (cli->json)
        cli->colour = false;
}

/* The command of these words.  *n_words: how many of them name it.  NULL with *why: none. */
static const struct gx_cli_command *find_command(const char *name, const char *sub, struct gx_fail *why)
{
    char subs[128] = "";
    bool known = false;

    for (size_t i = 0; i < GX_ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        if (commands[i].sub == NULL || (sub != NULL && strcmp(commands[i].sub, sub) == 0))
            return &commands[i];
        size_t n = strlen(subs);
        snprintf(subs + n, sizeof subs - n, "%s%s", known ? ", " : "", commands[i].sub);
        known = true;
    }
    if (known)
        gx_fail(why, GX_EXIT_USAGE, "usage", "see: guanxi help", "guanxi %s needs one of: %s", name, subs);
    else
        gx_fail(why, GX_EXIT_USAGE, "usage", "see: guanxi help", "there is no command \"%.60s\"", name);
    return NULL;
}

static int run(struct gx_cli *cli, const struct gx_cli_command *command, const struct gx_args *args)
{
    struct gx_fail why;

    if (args->n_words < command->min_words || args->n_words > command->max_words)
        return gx_cli_usage(cli, "quote a text that has blanks; see: guanxi help", "usage: guanxi %s%s%s %s", command->name,
                            command->sub == NULL ? "" : " ", command->sub == NULL ? "" : command->sub, command->usage);
    /* What is sent to the node is text; the name of a file need not be. */
    bool file = command->run == gx_cmd_join || command->run == gx_cmd_inspect || command->run == gx_cmd_contact_add;
    for (size_t i = 0; i < args->n_words && !file; i++)
        if (!gx_utf8_ok(gx_span(args->words[i], strlen(args->words[i]))))
            return gx_cli_usage(cli, NULL, "an argument is not UTF-8 text");
    if (!gx_home_find(&cli->home, args->text[GX_OPT_HOME], args->text[GX_OPT_PROFILE], &why))
        return gx_cli_fail(cli, &why);
    if (cli->verbose)
        gx_cli_notice(cli, "home %s (%s)", cli->home.data, cli->home.from);
    int code = command->run(cli, args);
    if (fflush(stdout) != 0 && code == GX_EXIT_DONE)
        code = GX_EXIT_STORE;
    return code;
}

/* Globals may stand before the command, between its words and after it. */
static int parse_and_run(struct gx_cli *cli, int argc, char **argv)
{
    static const struct gx_cli_command overview = {"", NULL, "", "", "", 0, 0, 0, gx_cmd_overview};
    struct gx_args args = {0};
    struct gx_fail why;
    const char *name = NULL, *sub = NULL;
    int next;

    for (int word = 0; word < 2; word++) {
        bool ok = gx_args_parse(&args, &next, GX_OPT_GLOBAL, true, argc, argv, &why);
        take_globals(cli, &args);
        if (!ok)
            return gx_cli_fail(cli, &why);
        if (next >= argc)
            break;
        if (word == 0)
            name = argv[next];
        else
            sub = argv[next];
        if (word == 1 || !has_subs(name)) {
            argc -= next;
            argv += next;
            break;
        }
        argc -= next;
        argv += next;
    }
    if (gx_args_has(&args, GX_OPT_VERSION))
        return gx_cmd_version(cli, &args);
    if (gx_args_has(&args, GX_OPT_HELP) && (name == NULL || gx_cli_help(stdout, name, sub))) {
        if (name == NULL)
            (void)gx_cli_help(stdout, NULL, NULL);
        return GX_EXIT_DONE;
    }
    const struct gx_cli_command *command = name == NULL ? &overview : find_command(name, sub, &why);
    if (command == NULL)
        return gx_cli_fail(cli, &why);
    if (name != NULL) {
        bool ok = gx_args_parse(&args, &next, GX_OPT_GLOBAL | command->options, false, argc, argv, &why);
        take_globals(cli, &args);
        if (!ok)
            return gx_cli_fail(cli, &why);
        if (gx_args_has(&args, GX_OPT_HELP)) {
            (void)gx_cli_help(stdout, command->name, command->sub);
            return GX_EXIT_DONE;
        }
    }
    return run(cli, command, &args);
}

int gx_cli_main(int argc, char **argv)
{
    struct gx_cli cli = {0};

    setlocale(LC_CTYPE, "");
    if (sodium_init() < 0) {
        fputs("guanxi: no randomness on this system\n", stderr);
        return GX_EXIT_STORE;
    }
    gx_json_wipe_memory();
    look_at_terminal(&cli);
    return parse_and_run(&cli, argc, argv);
}
