/* The client: one table of commands and one of options make the parser, the help and the checks.  node/README.md §7. */
#ifndef GX_CLI_CLI_H
#define GX_CLI_CLI_H

#include "node/os/client.h"
#include "node/os/vault.h"
#include "node/os/home.h"
#include "node/os/json.h"

#include <stdio.h>

/* id, long name, short name (0: none), what it takes, shown as, help */
#define GX_OPTION_LIST(X)                                                                                              \
    X(HOME, "home", 0, TEXT, "DIR", "keep everything under DIR")                                                       \
    X(PROFILE, "profile", 'P', TEXT, "PROFILE", "one of several nodes of yours")                                       \
    X(JSON, "json", 0, FLAG, NULL, "print JSON")                                                                       \
    X(QUIET, "quiet", 'q', FLAG, NULL, "no notices")                                                                   \
    X(VERBOSE, "verbose", 'v', FLAG, NULL, "say where things are")                                                     \
    X(HELP, "help", 'h', FLAG, NULL, "help, also for one command")                                                     \
    X(VERSION, "version", 0, FLAG, NULL, "the program's version")                                                      \
    X(NAME, "name", 0, TEXT, "NAME", "what you call yourself")                                                         \
    X(LOCKED, "locked", 0, FLAG, NULL, "start locked, and ask for no passphrase")                                      \
    X(DETACH, "detach", 'd', FLAG, NULL, "run in the background; return when it is ready")                             \
    X(LISTEN, "listen", 0, TEXT, "ADDR:PORT", "where to be reached; port 0 picks a free one and keeps it")             \
    X(NO_LAN, "no-lan", 0, FLAG, NULL, "look for nobody on the LAN, and do not be found there")                         \
    X(TIMEOUT, "timeout", 0, SECONDS, "SECONDS", "give up after so long (default 30)")                                 \
    X(PEERS, "peers", 0, NUMBER, "N", "at least N nodes of members are connected")                                     \
    X(MEMBERS, "members", 0, TEXTS, "G=N", "group G has exactly N members; may be given several times")                \
    X(HASH, "hash", 0, TEXTS, "G=HEX", "group G's state or message hash is this")                                      \
    X(COUNT, "count", 0, TEXTS, "G=N", "this node holds exactly N messages of group G")                                \
    X(IDLE, "idle", 0, FLAG, NULL, "nothing is left to send or fetch")                                                 \
    X(QR_MAX, "qr-max", 0, NUMBER, "N", "QR codes admit while there are fewer members (at most 100)")                  \
    X(CAP, "cap", 0, NUMBER, "N", "members at most (at most 500)")                                                     \
    X(HISTORY, "history", 0, NUMBER_OR_NONE, "N", "newcomers are told the last N messages from before (at most 1000; default none)") \
    X(QR, "qr", 0, FLAG, NULL, "draw the QR code")                                                                     \
    X(PNG, "png", 0, TEXT, "FILE", "write the QR code as a picture; - is standard output")                             \
    X(EXPIRES, "expires", 0, SPAN, "7d", "valid for so long: 7d, 12h, 30m, 90s")                                       \
    X(USES, "uses", 0, NUMBER, "N", "how many may join by it (1 to 255; default: no limit of its own)")                \
    X(AT, "at", 0, TEXTS, "ADDR:PORT", "where to knock, beside what the code says; may be given several times")        \
    X(AS, "as", 0, TEXT, "ALIAS", "what to be called in this group")                                                   \
    X(PETNAME, "as", 0, TEXT, "PETNAME", "what you call them; only you see it")                                        \
    X(FOR, "for", 0, TEXT, "WHO", "invite this contact, without a code; also where codes admit nobody any more")       \
    X(VOUCHED, "with-vouched", 0, FLAG, NULL, "and everybody they let in, and whom those let in")                      \
    X(YES, "yes", 'y', FLAG, NULL, "do not ask")                                                                       \
    X(WAIT, "wait", 0, TEXT, "sent|delivered", "return when another device holds it, or all do (--timeout: 30 s)")     \
    X(NEARBY, "nearby", 0, FLAG, NULL, "who was heard on the LAN in the last minutes")                                 \
    X(PAIR, "nearby", 0, FLAG, NULL, "by six digits, with one person on the same network")                             \
    X(PAIR_TIMEOUT, "timeout", 0, SECONDS, "SECONDS", "show six digits for so long (at most 600, the default)")        \
    X(REPLY, "reply", 0, NUMBER, "SEQ", "answer the message with this number")                                         \
    X(UNREAD, "unread", 0, FLAG, NULL, "only what was not read yet")                                                   \
    X(SINCE, "since", 0, NUMBER, "SEQ", "only what arrived after this number")                                         \
    X(LIMIT, "limit", 'n', NUMBER, "N", "at most N messages; 0 is all (default 50, all with --since or --unread)")

enum gx_option {
#define GX_X(id, name, short_name, takes, shown, help) GX_OPT_##id,
    GX_OPTION_LIST(GX_X)
#undef GX_X
        GX_OPTION_COUNT
};
static_assert(GX_OPTION_COUNT <= 64, "options are bits");
#define GX_OPT_BIT(id) (1ull << GX_OPT_##id)
#define GX_OPT_GLOBAL \
    (GX_OPT_BIT(HOME) | GX_OPT_BIT(PROFILE) | GX_OPT_BIT(JSON) | GX_OPT_BIT(QUIET) | GX_OPT_BIT(VERBOSE) | GX_OPT_BIT(HELP) | GX_OPT_BIT(VERSION))

#define GX_ARGS_LIST_MAX 64u
struct gx_args {
    uint64_t given;                             /* bits of enum gx_option */
    const char *text[GX_OPTION_COUNT];          /* TEXT, the last one given */
    uint64_t number[GX_OPTION_COUNT];           /* NUMBER, 0 for none; SECONDS and SPAN in ms */
    struct {
        enum gx_option option;
        const char *text;
    } list[GX_ARGS_LIST_MAX];                   /* TEXTS, in order */
    size_t n_list;
    char **words;                               /* what is no option */
    size_t n_words;
};
static inline bool gx_args_has(const struct gx_args *a, enum gx_option o)
{
    return (a->given & (1ull << o)) != 0;
}

struct gx_cli {
    struct gx_home home;
    bool json, quiet, verbose;
    bool out_tty, err_tty, colour;
    int columns;                                /* of the terminal; 80 when unknown */
};

struct gx_cli_command {
    const char *name, *sub;                     /* "group", "new"; sub NULL for one word */
    const char *family, *usage, *help;
    uint64_t options;
    size_t min_words, max_words;
    int (*run)(struct gx_cli *cli, const struct gx_args *args);
};
/* NULL: none.  *n: how many there are. */
const struct gx_cli_command *gx_cli_commands(size_t *n);

/* --- parsing (args.c) ------------------------------------------------------------------------------------------------------------ */

/* Parse argv[1..] with these options.  stop: at the first word that is no option, *next is then its place in argv.  Fails with exit 2. */
bool gx_args_parse(struct gx_args *out, int *next, uint64_t options, bool stop, int argc, char **argv, struct gx_fail *why) GX_MUST_CHECK;
/* "7d", "12h", "30m", "90s"; a bare number is seconds when bare_seconds. */
bool gx_span_parse(uint64_t *ms, const char *text, bool bare_seconds) GX_MUST_CHECK;
bool gx_number_parse(uint64_t *out, const char *text) GX_MUST_CHECK;
/* Put what --at gave into "at" of these parameters. */
void gx_args_addresses(json_t *params, const struct gx_args *args);
/* "  --name NAME     help" lines of these options. */
void gx_options_help(FILE *out, uint64_t options);

/* --- asking the node (call.c) ----------------------------------------------------------------------------------------------------- */

/* Print an error to stderr (with --json as JSON) and return its exit code. */
int gx_cli_error(const struct gx_cli *cli, const json_t *error);
int gx_cli_fail(const struct gx_cli *cli, const struct gx_fail *why);
int gx_cli_usage(const struct gx_cli *cli, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A remark on stderr, unless -q. */
void gx_cli_notice(const struct gx_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define GX_CALL_MS 60000
/* Ask the running node, or, for methods that can do without, this home itself.  Takes over params (may be NULL).  *reply is always filled.
 * progress: shown on a terminal while it takes, with the seconds and how much is still to be fetched; may be NULL. */
void gx_cli_ask(const struct gx_cli *cli, struct gx_reply *reply, const char *method, json_t *params, int timeout_ms, const char *progress);
/* The same; take is handed each note that comes before the reply. */
typedef void gx_note_take(const struct gx_cli *cli, const json_t *note);
void gx_cli_ask_noting(const struct gx_cli *cli, struct gx_reply *reply, const char *method, json_t *params, int timeout_ms, const char *progress,
                       gx_note_take *take);
/* The same as gx_cli_ask, with the error printed: returns the exit code, and *result (the caller's) with 0. */
int gx_cli_call(const struct gx_cli *cli, json_t **result, const char *method, json_t *params);
/* How many events that status says are still to be fetched, in all groups together. */
uint64_t gx_status_left(const json_t *status);
/* Does a node of this home listen? */
bool gx_cli_node_up(const struct gx_cli *cli);

/* --- showing (show.c) ------------------------------------------------------------------------------------------------------------- */

/* JSON as a terminal can be given it, and a newline.  flags: jansson's. */
void gx_json_put(FILE *out, const json_t *value, size_t flags);
/* One compact line on stdout. */
int gx_show_json(const json_t *value);
/* "" or 0 when absent. */
const char *gx_json_text(const json_t *object, const char *key);
uint64_t gx_json_number(const json_t *object, const char *key);

#define GX_COLUMN_MAX 48u                       /* an IPv6 address and its port fit; no name pushes what stands beside it off the screen */
/* Columns: on a terminal aligned and cut to GX_COLUMN_MAX, in a pipe separated by tabs, whole and without a head.  A head that begins with >
 * is aligned to the right. */
struct gx_columns {
    const char *const *heads;
    size_t n_columns;
    char **cells;
    size_t n, cap;
    bool whole;                                 /* nothing is cut: our own paths, to be copied */
};
void gx_columns_begin(struct gx_columns *t, const char *const *heads, size_t n_columns);
void gx_columns_text(struct gx_columns *t, const char *text);
void gx_columns_number(struct gx_columns *t, uint64_t number);
void gx_columns_time(struct gx_columns *t, uint64_t wall_ms);
/* Ids are shown as : and 8 characters. */
void gx_columns_id(struct gx_columns *t, const char *id);
void gx_columns_end(const struct gx_cli *cli, struct gx_columns *t);

/* What of the messages is kept, of the answer to group.show or group.carry. */
void gx_show_carry(const struct gx_cli *cli, const json_t *g);
/* "key   value" on a terminal, "key TAB value" in a pipe. */
void gx_show_pair(const struct gx_cli *cli, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Text of others, safe for a terminal; in a pipe tabs, newlines and backslashes are escaped.  Freed by the caller. */
char *gx_show_text(const char *text, bool one_line);
#define GX_TIME_BYTES 24u
void gx_show_time(char out[GX_TIME_BYTES], uint64_t wall_ms);
#define GX_SHORT_ID_BYTES 40u
void gx_show_id(char out[GX_SHORT_ID_BYTES], const char *id);
/* Numbered, four in a line. */
void gx_show_words(FILE *out, const char *text);
/* Add a remark to others; "" adds nothing. */
#define GX_REMARKS_BYTES 256u
void gx_remark(char out[GX_REMARKS_BYTES], const char *text);
/* What to beware of in somebody's name, "" mostly. */
const char *gx_mark_text(const json_t *person);
/* Of a contact, for a hint that can be pasted: @ and the name if a shell takes it as it is, else : and the beginning of the id. */
void gx_contact_word(char out[GX_SHORT_ID_BYTES], const json_t *contact);
/* The warning, when the key of this contact, or of who made this request, has changed. */
void gx_contact_warn(const struct gx_cli *cli, const json_t *contact);
/* Start and end of bold and faint text, "" without colours. */
const char *gx_bold(const struct gx_cli *cli);
const char *gx_faint(const struct gx_cli *cli);
const char *gx_plain(const struct gx_cli *cli);

/* --- reading (input.c) ------------------------------------------------------------------------------------------------------------ */

#define GX_CODE_BYTES 8192u
/* An invitation or a card from what a person gave: the code itself, a file with it, a picture of it, or - for either on standard input. */
bool gx_read_code(char out[GX_CODE_BYTES], const char *argument, struct gx_fail *why) GX_MUST_CHECK;
/* All of standard input, at most cap bytes, UTF-8, less one newline at the end; malloc'ed. */
bool gx_read_text(char **out, size_t cap, struct gx_fail *why) GX_MUST_CHECK;
/* Can somebody be called that?  (start.c) */
bool gx_name_fits(const char *name, struct gx_fail *why);
/* Ask on the terminal.  GX_EXIT_DONE is yes; after anything else it says that nothing was done. */
int gx_ask_whether(const char *question);
/* One line of the terminal, without its newline. */
bool gx_ask_line(char *out, size_t cap, const char *question);

/* --- passphrases (vault.c) ---------------------------------------------------------------------------------------------------------- */

enum gx_asked { GX_ASKED_GIVEN, GX_ASKED_NOBODY, GX_ASKED_FAILED };
/* The passphrase of this home: from GUANXI_PASSPHRASE_CMD, a command that prints it in one line, else from the terminal.
 * NOBODY: neither is there.  FAILED: with *why. */
enum gx_asked gx_ask_passphrase(struct gx_passphrase *out, struct gx_fail *why) GX_MUST_CHECK;
/* A new one, typed twice on a terminal; n is 0 for none.  second_line: the command prints the old one in the line before. */
enum gx_asked gx_ask_new_passphrase(struct gx_passphrase *out, bool second_line, struct gx_fail *why) GX_MUST_CHECK;

/* --- codes (code.c) --------------------------------------------------------------------------------------------------------------- */

/* Before the code is made: exit 2 when its picture can have no place on standard output. */
int gx_code_may_show(const struct gx_cli *cli, const struct gx_args *args) GX_MUST_CHECK;
/* The code in answer[key], as --qr, --png and --json ask for it; tell: says it in text.  Returns the exit code. */
typedef void gx_code_tell(const struct gx_cli *cli, const json_t *answer);
int gx_code_show(const struct gx_cli *cli, const struct gx_args *args, json_t *answer, const char *key, gx_code_tell *tell);

/* --- contacts (people.c) ---------------------------------------------------------------------------------------------------------- */

/* Before something goes to this contact (@mei; nothing else is looked up): the warning, when their key has changed.  Has it? */
bool gx_contact_look(const struct gx_cli *cli, const char *where);

/* --- commands --------------------------------------------------------------------------------------------------------------------- */

#define GX_COMMAND_FUNCTION(name) int gx_cmd_##name(struct gx_cli *cli, const struct gx_args *args)
GX_COMMAND_FUNCTION(init);              /* start.c */
GX_COMMAND_FUNCTION(up);
GX_COMMAND_FUNCTION(down);
GX_COMMAND_FUNCTION(lock);              /* vault.c */
GX_COMMAND_FUNCTION(unlock);
GX_COMMAND_FUNCTION(passwd);
GX_COMMAND_FUNCTION(doctor);            /* doctor.c */
GX_COMMAND_FUNCTION(status);            /* care.c */
GX_COMMAND_FUNCTION(overview);          /* bare `guanxi` */
GX_COMMAND_FUNCTION(wait);
GX_COMMAND_FUNCTION(call);
GX_COMMAND_FUNCTION(help);              /* cli.c */
GX_COMMAND_FUNCTION(version);
GX_COMMAND_FUNCTION(id);                /* you.c */
GX_COMMAND_FUNCTION(profile_set);
GX_COMMAND_FUNCTION(config);
GX_COMMAND_FUNCTION(contact_add);       /* people.c */
GX_COMMAND_FUNCTION(contact_list);
GX_COMMAND_FUNCTION(contact_show);
GX_COMMAND_FUNCTION(contact_verify);
GX_COMMAND_FUNCTION(contact_name);
GX_COMMAND_FUNCTION(contact_block);
GX_COMMAND_FUNCTION(contact_unblock);
GX_COMMAND_FUNCTION(contact_remove);
GX_COMMAND_FUNCTION(group_new);         /* groups.c */
GX_COMMAND_FUNCTION(group_list);
GX_COMMAND_FUNCTION(group_show);
GX_COMMAND_FUNCTION(group_members);
GX_COMMAND_FUNCTION(group_leave);
GX_COMMAND_FUNCTION(group_rename);
GX_COMMAND_FUNCTION(group_alias);
GX_COMMAND_FUNCTION(group_why);
GX_COMMAND_FUNCTION(group_reveal);
GX_COMMAND_FUNCTION(group_carry);       /* carry.c */
GX_COMMAND_FUNCTION(vacuum);
GX_COMMAND_FUNCTION(group_remove);      /* ranks.c */
GX_COMMAND_FUNCTION(group_ban);
GX_COMMAND_FUNCTION(group_unban);
GX_COMMAND_FUNCTION(group_promote);
GX_COMMAND_FUNCTION(group_demote);
GX_COMMAND_FUNCTION(group_transfer);
GX_COMMAND_FUNCTION(requests);          /* requests.c */
GX_COMMAND_FUNCTION(accept);
GX_COMMAND_FUNCTION(refuse);
GX_COMMAND_FUNCTION(invite);            /* invites.c */
GX_COMMAND_FUNCTION(invites);
GX_COMMAND_FUNCTION(revoke);
GX_COMMAND_FUNCTION(inspect);
GX_COMMAND_FUNCTION(join);
GX_COMMAND_FUNCTION(send);              /* talk.c */
GX_COMMAND_FUNCTION(read);
GX_COMMAND_FUNCTION(watch);
GX_COMMAND_FUNCTION(peers);             /* network.c */
GX_COMMAND_FUNCTION(peer_add);
GX_COMMAND_FUNCTION(peer_drop);

/* Help of one command (all its subcommands when sub is NULL), or of all when name is NULL.  False: there is none of this name. */
bool gx_cli_help(FILE *out, const char *name, const char *sub);

/* The program. */
int gx_cli_main(int argc, char **argv);

#endif
