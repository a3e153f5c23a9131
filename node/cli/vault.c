/* Passphrases: asking for them, and lock, unlock, passwd. */
#include "node/cli/cli.h"

#include "node/os/system.h"
#include "proto/utf8.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCK_MS 10000u

/* --- asking --------------------------------------------------------------------------------------------------------------------------- */

static const char *command(void)
{
    const char *text = getenv("GUANXI_PASSPHRASE_CMD");

    return text == NULL || text[0] == 0 ? NULL : text;
}

/* It goes to the node as JSON. */
static bool is_text(const struct gx_passphrase *passphrase)
{
    return gx_utf8_ok(gx_span(passphrase->text, passphrase->n));
}

/* A line, which may be empty; too long, without the right to be one, or no text: false. */
static bool take_line(struct gx_passphrase *out, FILE *f)
{
    int c;

    out->n = 0;
    while ((c = getc(f)) != EOF && c != '\n') {
        if (c == 0 || out->n == GX_PASSPHRASE_BYTES_MAX)
            return false;
        out->text[out->n++] = (char)c;
    }
    out->text[out->n] = 0;
    return (c == '\n' || out->n > 0) && is_text(out);
}

/* What the command prints in one of its first two lines. */
static enum gx_asked ask_command(struct gx_passphrase *out, bool second, struct gx_fail *why)
{
    FILE *f = popen(command(), "re");
    bool got = f != NULL && take_line(out, f) && (!second || take_line(out, f));
    int status = f == NULL ? -1 : pclose(f);

    /* It may have more to say than was read, and be stopped by that. */
    if (got && (status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE)))
        return GX_ASKED_GIVEN;
    gx_fail(why, GX_EXIT_PASSPHRASE, "no_passphrase", "it is to print the passphrase in one line of UTF-8, for passwd a new one in the line after",
            "the command in GUANXI_PASSPHRASE_CMD gave none");
    return GX_ASKED_FAILED;
}

/* Somebody is there to read the question: /dev/tty opens also for what runs where nobody looks. */
static bool somebody(void)
{
    return isatty(STDIN_FILENO) == 1 || isatty(STDOUT_FILENO) == 1 || isatty(STDERR_FILENO) == 1;
}

static enum gx_asked ask_terminal(struct gx_passphrase *out, const char *question, struct gx_fail *why)
{
    char text[sizeof out->text + 1];        /* what is too long is cut, and so seen */
    bool ok = false;

    if (!somebody())
        return GX_ASKED_NOBODY;
    if (readpassphrase(question, text, sizeof text, RPP_REQUIRE_TTY | RPP_ECHO_OFF) == NULL) {
        gx_fail_errno(why, GX_EXIT_PASSPHRASE, "no_passphrase", errno, "cannot read a passphrase from the terminal");
        return GX_ASKED_FAILED;
    }
    out->n = strlen(text);
    if (out->n < sizeof out->text) {
        memcpy(out->text, text, out->n + 1);
        ok = is_text(out);
    }
    gx_wipe(text, sizeof text);
    if (!ok)
        gx_fail(why, GX_EXIT_PASSPHRASE, "no_passphrase", "try again", "a passphrase is UTF-8 text of %u bytes at most", GX_PASSPHRASE_BYTES_MAX);
    return ok ? GX_ASKED_GIVEN : GX_ASKED_FAILED;
}

enum gx_asked gx_ask_passphrase(struct gx_passphrase *out, struct gx_fail *why)
{
    return command() != NULL ? ask_command(out, false, why) : ask_terminal(out, "Passphrase: ", why);
}

enum gx_asked gx_ask_new_passphrase(struct gx_passphrase *out, bool second_line, struct gx_fail *why)
{
    struct gx_passphrase again = {.n = 0};
    enum gx_asked asked;

    if (command() != NULL)
        return ask_command(out, second_line, why);
    asked = ask_terminal(out, "New passphrase (empty: none): ", why);
    if (asked == GX_ASKED_GIVEN)
        asked = ask_terminal(&again, "The same again: ", why);
    if (asked == GX_ASKED_GIVEN && (again.n != out->n || !gx_equal_ct(again.text, out->text, out->n))) {
        gx_fail(why, GX_EXIT_FAILED, "not_the_same", "nothing was done; try again", "the two were not the same");
        asked = GX_ASKED_FAILED;
    }
    gx_wipe(&again, sizeof again);
    return asked;
}

static bool need_somebody(enum gx_asked asked, struct gx_fail *why)
{
    if (asked == GX_ASKED_NOBODY)
        gx_fail(why, GX_EXIT_PASSPHRASE, "no_passphrase", "run it in a terminal, or set GUANXI_PASSPHRASE_CMD to a command that prints the passphrase",
                "there is nobody to ask for a passphrase");
    return asked == GX_ASKED_GIVEN;
}

/* --- lock and unlock ------------------------------------------------------------------------------------------------------------------ */

/* Until it answers that it is in that state.  begins_again: it may be gone for a moment, for its keeper begins it again. */
static bool await_state(const struct gx_cli *cli, const char *state, bool begins_again, struct gx_fail *why)
{
    uint64_t until = gx_now().mono_ms + LOCK_MS;
    bool there = false;

    while (!there && gx_now().mono_ms < until) {
        struct gx_client client;
        json_t *message = NULL;

        if (!gx_client_open(&client, &cli->home, why)) {
            if (!begins_again && why->code == GX_EXIT_DOWN)
                return gx_fail(why, GX_EXIT_DOWN, "node_down", NULL, "the node ended instead of being %s; %s/log says more", state, cli->home.data);
        } else if (gx_client_ask(&client, "status", NULL) != 0 && gx_client_next(&client, &message, (int)LOCK_MS) == GX_CLIENT_LINE) {
            there = strcmp(gx_json_text(json_object_get(json_object_get(message, "result"), "node"), "state"), state) == 0;
            json_decref(message);
        }
        gx_client_close(&client);
        if (!there)
            usleep(10000);
    }
    return there || gx_fail(why, GX_EXIT_TIMEOUT, "timeout", "look into its log", "the node is not %s yet", state);
}

static int done(const struct gx_cli *cli, const char *text)
{
    if (cli->json)
        puts("{}");
    else
        gx_cli_notice(cli, "%s", text);
    return GX_EXIT_DONE;
}

int gx_cmd_lock(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;
    struct gx_fail why;
    int code = gx_cli_call(cli, &result, "lock", NULL);
    (void)args;

    json_decref(result);
    if (code != GX_EXIT_DONE)
        return code;
    return await_state(cli, "locked", true, &why) ? done(cli, "The node is locked.  Next: guanxi unlock") : gx_cli_fail(cli, &why);
}

int gx_cmd_unlock(struct gx_cli *cli, const struct gx_args *args)
{
    struct gx_passphrase passphrase = {.n = 0};
    struct gx_fail why;
    json_t *result = NULL;
    int code;
    (void)args;

    if (!gx_cli_node_up(cli))
        return gx_cli_call(cli, &result, "unlock", NULL);       /* says what to do */
    if (!gx_vault_asks(&cli->home))
        return done(cli, "There is no passphrase: the node is not locked.");
    if (!need_somebody(gx_ask_passphrase(&passphrase, &why), &why)) {
        code = gx_cli_fail(cli, &why);
    } else {
        code = gx_cli_call(cli, &result, "unlock", json_pack("{s:s}", "passphrase", passphrase.text));
        json_decref(result);
        if (code == GX_EXIT_DONE)
            code = await_state(cli, "ready", false, &why) ? done(cli, "The node is unlocked.") : gx_cli_fail(cli, &why);
    }
    gx_wipe(&passphrase, sizeof passphrase);
    return code;
}

/* --- passwd --------------------------------------------------------------------------------------------------------------------------- */

static bool change_offline(const struct gx_cli *cli, const struct gx_passphrase *old, const struct gx_passphrase *next, struct gx_fail *why)
{
    struct gx_vault *vault = NULL;
    struct gx_lock lock;

    if (!gx_lock_take(&lock, &cli->home, true, 2000, why))
        return false;
    bool ok = gx_vault_open(&vault, &cli->home, old, why) && gx_vault_change(vault, next, why);
    gx_vault_close(vault);
    gx_lock_release(&lock);
    return ok;
}

int gx_cmd_passwd(struct gx_cli *cli, const struct gx_args *args)
{
    struct gx_passphrase old = {.n = 0}, next = {.n = 0};
    struct gx_fail why;
    bool had = gx_vault_asks(&cli->home);
    int code = GX_EXIT_DONE;
    (void)args;

    gx_harden();
    bool ok = (gx_vault_exists(&cli->home) || gx_vault_missing(&cli->home, &why)) && (!had || need_somebody(gx_ask_passphrase(&old, &why), &why)) &&
              need_somebody(gx_ask_new_passphrase(&next, had, &why), &why);
    if (ok && gx_cli_node_up(cli)) {
        json_t *result;

        code = gx_cli_call(cli, &result, "passwd", json_pack("{s:s, s:s}", "passphrase", old.text, "next", next.text));
        json_decref(result);
    } else if (ok) {
        ok = change_offline(cli, &old, &next, &why);
    }
    bool none = next.n == 0;
    gx_wipe(&old, sizeof old);
    gx_wipe(&next, sizeof next);
    if (!ok)
        return gx_cli_fail(cli, &why);
    if (code != GX_EXIT_DONE)
        return code;
    return done(cli, none ? "There is no passphrase now: whoever has this disk has all that is in this home."
                          : "The passphrase is set.  Nobody can recover it.");
}
