#include "node/cli/cli.h"

#include "crypto/words.h"
#include "node/os/config.h"
#include "node/os/interfaces.h"
#include "node/os/log.h"
#include "node/os/node.h"
#include "node/os/offline.h"
#include "node/os/open.h"
#include "node/os/system.h"
#include "node/os/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCK_WAIT_MS 2000u
#define STOP_MS 20000
#define READY_BYTES 4096u
#define READY_FD 3

/* --- init ------------------------------------------------------------------------------------------------------------------------- */

bool gx_name_fits(const char *name, struct gx_fail *why)
{
    return gx_identity_name_ok(name) ||
           gx_fail(why, GX_EXIT_USAGE, "usage", NULL, "a name is 1 to %u bytes of UTF-8, not only blanks, with nothing that is not seen", GX_NAME_BYTES_MAX);
}

static bool choose_name(char out[GX_NAME_BYTES_MAX + 1], const struct gx_args *args, struct gx_fail *why)
{
    const char *given = args->text[GX_OPT_NAME];

    if (given != NULL)
        snprintf(out, GX_NAME_BYTES_MAX + 1, "%s", given);
    else if (isatty(STDIN_FILENO) != 1)
        return gx_fail(why, GX_EXIT_USAGE, "usage", "guanxi init --name NAME", "there is no terminal to ask for your name on");
    else if (!gx_ask_line(out, GX_NAME_BYTES_MAX + 1, "What do you call yourself? "))
        return gx_fail(why, GX_EXIT_USAGE, "usage", NULL, "no name was given");
    return gx_name_fits(given != NULL ? given : out, why);
}

/* Somebody is there to read: /dev/tty opens for a script too that was started from a terminal nobody looks at. */
static FILE *open_terminal(void)
{
    bool somebody = isatty(STDIN_FILENO) == 1 || isatty(STDOUT_FILENO) == 1 || isatty(STDERR_FILENO) == 1;

    return somebody ? fopen("/dev/tty", "we") : NULL;
}

static void print_words(FILE *tty, const char *text)
{
    fputs("\nYour 24 recovery words.  They are shown this once and are nowhere on this machine.\n"
          "Write them down on paper: whoever has them is you.\n\n",
          tty);
    gx_show_words(tty, text);
    fputc('\n', tty);
    fflush(tty);
}

static bool hand_over_words(const struct gx_cli *cli, const struct gx_recovery *recovery, struct gx_fail *why)
{
    char text[GX_WORDS_TEXT_BYTES + 1];
    FILE *tty = open_terminal();
    bool ok = true;

    gx_words_from_recovery(text, recovery);
    if (tty != NULL) {
        print_words(tty, text);
        fclose(tty);
    } else {
        size_t n = strlen(text);
        text[n++] = '\n';
        ok = gx_file_replace(&cli->home, "recovery-words.txt", (uint8_t *)text, n, NULL) == GX_OK ||
             gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot write %s/recovery-words.txt", cli->home.data);
        if (ok) {
            char *shown = gx_show_text(cli->home.data, true);
            fprintf(stderr, "guanxi: no terminal: the 24 recovery words are in %s/recovery-words.txt; copy them to paper and delete it\n", shown);
            free(shown);
        }
    }
    gx_wipe(text, sizeof text);
    return ok;
}

/* A new store, or the empty one an init left that did not get to the keys. */
static bool make_store(uint8_t uuid[16], const struct gx_home *home, struct gx_fail *why)
{
    struct gx_store_info info = {0};
    struct gx_store *store;
    struct gx_txn *txn;

    if (!gx_open_store(&store, uuid, home, NULL, NULL, false, why))
        return false;
    bool ok = gx_txn_begin(&txn, store, false) == GX_OK;
    if (ok) {
        gx_txn_info(txn, &info);
        gx_txn_abort(&txn);
    }
    gx_store_close(store);
    if (!ok || info.next_arrival > 1)
        return gx_fail(why, GX_EXIT_STORE, "store_foreign", "put its vault back, or choose another place with --home DIR",
                       "%s holds a store, but not the vault it belongs to", home->data);
    return true;
}

static bool make_identity(const struct gx_cli *cli, const char *name, const struct gx_passphrase *passphrase, struct gx_fail *why)
{
    struct gx_incarnation_secret incarnation;
    struct gx_recovery recovery;
    struct gx_identity id;
    struct gx_vault *vault = NULL;
    uint8_t uuid[16];
    bool fresh;

    gx_identity_make(&id, &recovery, name);
    /* The vault comes last: until they stand there is no identity, and init may be run again. */
    bool ok = make_store(uuid, &cli->home, why) && gx_incarnation_load(&incarnation, &fresh, &cli->home, uuid, true, why) &&
              hand_over_words(cli, &recovery, why) && gx_vault_make(&vault, &cli->home, &id, passphrase, why);
    gx_vault_close(vault);
    gx_identity_wipe(&id);
    gx_wipe(&recovery, sizeof recovery);
    gx_wipe(&incarnation, sizeof incarnation);
    return ok;
}

static bool refuse_existing(const struct gx_home *home, struct gx_fail *why)
{
    return !gx_vault_exists(home) || gx_fail(why, GX_EXIT_FAILED, "identity_exists", "choose another place with --home DIR or -P PROFILE",
                                                "there is an identity in %s already", home->data);
}

/* Nobody to ask is no passphrase. */
static bool choose_passphrase(struct gx_passphrase *out, struct gx_fail *why)
{
    enum gx_asked asked = gx_ask_new_passphrase(out, false, why);

    if (asked == GX_ASKED_NOBODY)
        out->n = 0;
    return asked != GX_ASKED_FAILED;
}

static void say_next(const struct gx_cli *cli, bool has_passphrase)
{
    if (!has_passphrase)
        gx_cli_notice(cli, "There is no passphrase: whoever reads this disk reads your messages.  guanxi passwd sets one.");
    gx_cli_notice(cli, "Next: guanxi up -d");
}

int gx_cmd_init(struct gx_cli *cli, const struct gx_args *args)
{
    char name[GX_NAME_BYTES_MAX + 1];
    struct gx_passphrase passphrase = {.n = 0};
    struct gx_lock lock = {.fd = -1};
    struct gx_reply reply = {0};
    struct gx_fail why;

    gx_harden();
    bool ok = refuse_existing(&cli->home, &why) && choose_name(name, args, &why) && choose_passphrase(&passphrase, &why) &&
              gx_home_make(&cli->home, &why) && gx_lock_take(&lock, &cli->home, true, LOCK_WAIT_MS, &why) && refuse_existing(&cli->home, &why) &&
              make_identity(cli, name, &passphrase, &why);
    gx_lock_release(&lock);
    if (ok)
        gx_offline_call(&reply, &cli->home, &passphrase, "id", NULL);
    else
        gx_reply_fail(&reply, &why);
    bool has_passphrase = passphrase.n > 0;
    gx_wipe(&passphrase, sizeof passphrase);

    int code = reply.error != NULL ? gx_cli_error(cli, reply.error) : GX_EXIT_DONE;
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(reply.result);
    } else if (code == GX_EXIT_DONE) {
        gx_show_pair(cli, "id", "%s", gx_json_text(reply.result, "id"));
        gx_show_pair(cli, "name", "%s", gx_json_text(reply.result, "name"));
        say_next(cli, has_passphrase);
    }
    gx_reply_clear(&reply);
    return code;
}

/* --- up --------------------------------------------------------------------------------------------------------------------------- */

struct ready_pipe {
    int fd;             /* -1: in the foreground */
};

static json_t *ready_json(const struct gx_node_ready *ready)
{
    char text[GX_ADDR_TEXT_BYTES];
    json_t *addresses = json_array();

    for (size_t i = 0; i < ready->n_addrs; i++) {
        gx_addr_format(text, &ready->addrs[i]);
        (void)json_array_append_new(addresses, json_string(text));
    }
    if (ready->locked) {
        json_decref(addresses);
        return json_pack("{s:I, s:s}", "pid", (json_int_t)getpid(), "state", "locked");
    }
    gx_addr_format(text, &ready->listen);
    return json_pack("{s:I, s:[s], s:o, s:s}", "pid", (json_int_t)getpid(), "listen", text, "addresses", addresses, "state", "ready");
}

/* One line to the process that waits for this one; it then has its own life. */
static void tell_parent(struct ready_pipe *pipe, json_t *line)
{
    char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);

    json_decref(line);
    if (text != NULL && pipe->fd >= 0)
        (void)!write(pipe->fd, text, strlen(text));
    free(text);
    if (pipe->fd >= 0)
        close(pipe->fd);
    pipe->fd = -1;
}

static void on_ready(void *ctx, const struct gx_node_ready *ready)
{
    struct ready_pipe *pipe = ctx;
    char text[GX_ADDR_TEXT_BYTES];

    if (ready->locked) {
        if (pipe->fd >= 0)
            tell_parent(pipe, ready_json(ready));
        return;
    }
    gx_addr_format(text, &ready->listen);
    gx_log("listening at %s; control socket %s", text, ready->socket);
    for (size_t i = 0; i < ready->n_addrs; i++) {
        gx_addr_format(text, &ready->addrs[i]);
        gx_log("others reach this node at %s", text);
    }
    if (pipe->fd >= 0)
        tell_parent(pipe, ready_json(ready));
}

/* What the keeper of a node has no use for. */
static void let_go(void *ctx)
{
    const struct gx_node_options *options = ctx;
    const struct ready_pipe *pipe = options->ctx;

    if (pipe->fd >= 0)
        close(pipe->fd);
    if (options->passphrase != NULL)
        gx_wipe(options->passphrase, sizeof *options->passphrase);
}

/* The child: nothing of the terminal is left to it. */
static int run_detached(const struct gx_cli *cli, struct gx_node_options *options, char *const *again, struct ready_pipe *pipe)
{
    struct gx_reply reply = {0};
    struct gx_fail why;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)setsid();
    bool ok = gx_log_to_file(&cli->home, &why) && null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
              chdir("/") == 0;
    int code = GX_EXIT_STORE;
    if (ok && !gx_keep(&code, again, let_go, options))
        return code;
    if (ok)
        code = gx_node_run(options, &why);
    if (code != GX_EXIT_DONE && code != GX_KEEPER_AGAIN) {
        gx_log("%s", why.message);
        gx_reply_fail(&reply, &why);
        tell_parent(pipe, json_pack("{s:O}", "error", reply.error));
        gx_reply_clear(&reply);
    }
    return code;
}

static int show_ready(const struct gx_cli *cli, const json_t *ready)
{
    const json_t *addresses = json_object_get(ready, "addresses");

    if (cli->json)
        return gx_show_json(ready);
    gx_show_pair(cli, "pid", "%ju", (uintmax_t)gx_json_number(ready, "pid"));
    if (strcmp(gx_json_text(ready, "state"), "locked") == 0) {
        gx_cli_notice(cli, "It is locked.  Next: guanxi unlock");
        return GX_EXIT_DONE;
    }
    gx_show_pair(cli, "listen", "%s", json_string_value(json_array_get(json_object_get(ready, "listen"), 0)));
    for (size_t i = 0; i < json_array_size(addresses); i++)
        gx_show_pair(cli, i == 0 ? "reached at" : "", "%s", json_string_value(json_array_get(addresses, i)));
    return GX_EXIT_DONE;
}

/* The parent: returns when socket and listener are ready, or with what went wrong. */
static int await_ready(const struct gx_cli *cli, int fd, pid_t child)
{
    char line[READY_BYTES];
    struct gx_refusal refusal;
    size_t n = 0;
    ssize_t got;
    int code;

    while (n < sizeof line && ((got = read(fd, line + n, sizeof line - n)) > 0 || (got < 0 && errno == EINTR)))
        n += got > 0 ? (size_t)got : 0;
    close(fd);
    json_t *ready = gx_json_parse(&refusal, line, n);
    const json_t *error = json_object_get(ready, "error");
    if (ready == NULL) {
        struct gx_fail why;
        (void)waitpid(child, NULL, 0);
        gx_fail(&why, GX_EXIT_FAILED, "start", NULL, "the node ended while it started; %s/log says more", cli->home.data);
        code = gx_cli_fail(cli, &why);
    } else if (error != NULL) {
        (void)waitpid(child, NULL, 0);
        code = gx_cli_error(cli, error);
    } else {
        code = show_ready(cli, ready);
    }
    json_decref(ready);
    return code;
}

static int up_detached(const struct gx_cli *cli, struct gx_node_options *options, char *const *again)
{
    struct ready_pipe ready;
    struct gx_fail why;
    int fds[2];

    fflush(NULL);
    if (pipe2(fds, O_CLOEXEC) != 0) {
        gx_fail_errno(&why, GX_EXIT_STORE, "system", errno, "cannot make a pipe");
        return gx_cli_fail(cli, &why);
    }
    pid_t child = fork();
    if (child < 0) {
        gx_fail_errno(&why, GX_EXIT_STORE, "system", errno, "cannot start another process");
        return gx_cli_fail(cli, &why);
    }
    if (child == 0) {
        /* Whatever else the caller had open is not kept open by a node that lives on. */
        ready.fd = dup3(fds[1], READY_FD, O_CLOEXEC) == READY_FD || fds[1] == READY_FD ? READY_FD : fds[1];
        if (ready.fd == READY_FD)
            closefrom(READY_FD + 1);
        options->ctx = &ready;
        int code = run_detached(cli, options, again, &ready);
        exit(code);
    }
    close(fds[1]);
    return await_ready(cli, fds[0], child);
}

/* The same node, locked: what its keeper executes. */
#define AGAIN_WORDS 9
static void write_again(char *out[AGAIN_WORDS], const struct gx_cli *cli, const struct gx_args *args)
{
    size_t n = 0;

    out[n++] = (char *)(uintptr_t)"guanxi";
    out[n++] = (char *)(uintptr_t)(cli->home.profile[0] == 0 ? "--home" : "-P");
    out[n++] = (char *)(uintptr_t)(cli->home.profile[0] == 0 ? cli->home.data : cli->home.profile);
    out[n++] = (char *)(uintptr_t)"up";
    out[n++] = (char *)(uintptr_t)"--locked";
    if (args->text[GX_OPT_LISTEN] != NULL) {
        out[n++] = (char *)(uintptr_t)"--listen";
        out[n++] = (char *)(uintptr_t)args->text[GX_OPT_LISTEN];
    }
    if (gx_args_has(args, GX_OPT_NO_LAN))
        out[n++] = (char *)(uintptr_t)"--no-lan";
    out[n] = NULL;
}

/* From whom there is to ask, unless it is to start locked. */
static bool take_passphrase(struct gx_node_options *options, struct gx_passphrase *room, const struct gx_args *args, struct gx_fail *why)
{
    if (gx_args_has(args, GX_OPT_LOCKED) || !gx_vault_asks(options->home))
        return true;
    enum gx_asked asked = gx_ask_passphrase(room, why);
    if (asked == GX_ASKED_GIVEN)
        options->passphrase = room;
    return asked != GX_ASKED_FAILED;
}

int gx_cmd_up(struct gx_cli *cli, const struct gx_args *args)
{
    struct gx_node_options options = {.home = &cli->home, .ready = on_ready};
    struct gx_passphrase passphrase = {.n = 0};
    struct ready_pipe foreground = {.fd = -1};
    struct gx_config config;
    struct gx_fail why;
    char *again[AGAIN_WORDS];

    if (!gx_vault_exists(&cli->home) && !gx_vault_missing(&cli->home, &why))
        return gx_cli_fail(cli, &why);
    if (!gx_config_read(&config, &cli->home, &why))
        return gx_cli_fail(cli, &why);
    options.listen = config.listen;
    options.carry = config.carry;
    options.lan = gx_args_has(args, GX_OPT_NO_LAN) || gx_modes_most(&config.lan) == GX_MODE_OFF ? NULL : &config.lan;
    if (args->text[GX_OPT_LISTEN] != NULL && gx_interfaces_addr_parse(&options.listen, args->text[GX_OPT_LISTEN], true) != GX_OK)
        return gx_cli_usage(cli, "such as [::]:7447 or 192.0.2.1:0", "--listen %s is no ADDR:PORT", args->text[GX_OPT_LISTEN]);
    gx_harden();
    write_again(again, cli, args);
    if (!take_passphrase(&options, &passphrase, args, &why))
        return gx_cli_fail(cli, &why);
    if (gx_args_has(args, GX_OPT_DETACH)) {
        int code = up_detached(cli, &options, again);

        gx_wipe(&passphrase, sizeof passphrase);
        return code;
    }
    options.ctx = &foreground;
    gx_log_go_on(&cli->home);
    int code;
    if (gx_keep(&code, again, let_go, &options)) {
        code = gx_node_run(&options, &why);
        if (code != GX_EXIT_DONE && code != GX_KEEPER_AGAIN)
            code = gx_cli_fail(cli, &why);
    }
    gx_wipe(&passphrase, sizeof passphrase);
    return code;
}

/* --- down ------------------------------------------------------------------------------------------------------------------------- */

/* Wait until the process is gone: its descriptor becomes readable then. */
static bool await_end(pid_t pid, struct gx_fail *why)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd item = {.fd = fd, .events = POLLIN};

    if (fd < 0)
        return errno == ESRCH || gx_fail_errno(why, GX_EXIT_FAILED, "system", errno, "cannot watch process %jd", (intmax_t)pid);
    int rc;
    do
        rc = poll(&item, 1, STOP_MS);
    while (rc < 0 && errno == EINTR);
    close(fd);
    return rc > 0 || gx_fail(why, GX_EXIT_TIMEOUT, "timeout", NULL, "process %jd was told to stop and has not ended yet", (intmax_t)pid);
}

int gx_cmd_down(struct gx_cli *cli, const struct gx_args *args)
{
    struct gx_reply reply = {0};
    struct gx_client client;
    struct gx_fail why;
    json_t *message;
    (void)args;

    if (!gx_client_open(&client, &cli->home, &why))
        return gx_cli_fail(cli, &why);
    pid_t pid = client.pid;
    /* One that was stopping already hangs up instead of answering. */
    if (gx_client_ask(&client, "stop", NULL) != 0 && gx_client_next(&client, &message, STOP_MS) == GX_CLIENT_LINE) {
        gx_reply_from_rpc(&reply, message);
        json_decref(message);
    }
    gx_client_close(&client);
    int code = reply.error != NULL ? gx_cli_error(cli, reply.error) : GX_EXIT_DONE;
    gx_reply_clear(&reply);
    if (code != GX_EXIT_DONE)
        return code;
    if (!await_end(pid, &why))
        return gx_cli_fail(cli, &why);
    if (cli->json)
        puts("{}");
    else
        gx_cli_notice(cli, "The node has stopped.");
    return GX_EXIT_DONE;
}
