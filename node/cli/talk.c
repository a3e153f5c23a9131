#include "node/cli/cli.h"

#include "proto/limits.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE 1000u
#define RETRY_S 1u
#define WAIT_DEFAULT_MS 30000
#define WAIT_GRACE_MS 15000     /* it is the node that counts */
#define LOOK_UP_MS 1000        /* a Ctrl-C just before the wait is seen after it */

/* --- send ------------------------------------------------------------------------------------------------------------------------- */

#define HELD_BYTES 64u

/* ", held by 2 of 3"; "" where nobody holds it, or all do. */
static const char *held_text(char out[HELD_BYTES], const json_t *m)
{
    const json_t *held = json_object_get(m, "held");
    uint64_t by = gx_json_number(held, "by"), of = gx_json_number(held, "of");

    out[0] = 0;
    if (by > 0 && by < of)
        snprintf(out, HELD_BYTES, ", held by %ju of %ju", (uintmax_t)by, (uintmax_t)of);
    return out;
}

/* Whatever becomes of the waiting, by the time or by Ctrl-C: the node has the message, and it goes out. */
static int send_text(const struct gx_cli *cli, const struct gx_args *args, json_t **result, json_t *params)
{
    uint64_t timeout = gx_args_has(args, GX_OPT_TIMEOUT) ? args->number[GX_OPT_TIMEOUT] : WAIT_DEFAULT_MS;
    struct gx_reply reply;
    int code = GX_EXIT_DONE;

    if (timeout > 1000000000u)
        timeout = 1000000000u;
    if (gx_args_has(args, GX_OPT_WAIT))
        (void)json_object_set_new(params, "wait", json_string(args->text[GX_OPT_WAIT]));
    if (gx_args_has(args, GX_OPT_WAIT) || gx_args_has(args, GX_OPT_TIMEOUT))
        (void)json_object_set_new(params, "timeout_ms", json_integer((json_int_t)timeout));
    gx_cli_ask(cli, &reply, "send", params, gx_args_has(args, GX_OPT_WAIT) ? (int)timeout + WAIT_GRACE_MS : GX_CALL_MS, "sending");
    if (reply.error != NULL)
        code = gx_cli_error(cli, reply.error);
    *result = json_incref(reply.result);
    gx_reply_clear(&reply);
    return code;
}

int gx_cmd_send(struct gx_cli *cli, const struct gx_args *args)
{
    const char *given = args->n_words > 1 ? args->words[1] : NULL;
    bool from_stdin = given == NULL || strcmp(given, "-") == 0;
    char *text = NULL, held[HELD_BYTES];
    struct gx_fail why;
    json_t *result;

    if (given == NULL && isatty(STDIN_FILENO) == 1)
        return gx_cli_usage(cli, "guanxi send WHERE TEXT, or - for what you type until Ctrl-D", "there is no text to send");
    bool changed = gx_contact_look(cli, args->words[0]);
    if (from_stdin && !gx_read_text(&text, GX_TEXT_BYTES_MAX, &why))
        return gx_cli_fail(cli, &why);

    json_t *params = json_pack("{s:s, s:s}", "group", args->words[0], "text", from_stdin ? text : given);
    free(text);
    if (params == NULL)
        return gx_cli_usage(cli, NULL, "this is not UTF-8 text");
    if (gx_args_has(args, GX_OPT_REPLY))
        (void)json_object_set_new(params, "reply", json_integer((json_int_t)args->number[GX_OPT_REPLY]));
    int code = send_text(cli, args, &result, params);
    if (code == GX_EXIT_DONE && changed)
        (void)json_object_set_new(result, "changed", json_true());
    if (code == GX_EXIT_DONE && cli->json)
        code = gx_show_json(result);
    else if (code == GX_EXIT_DONE && cli->out_tty)
        gx_cli_notice(cli, "#%ju %s%s", (uintmax_t)gx_json_number(result, "seq"), gx_json_text(result, "state"), held_text(held, result));
    else if (code == GX_EXIT_DONE)
        printf("%ju\t%s\n", (uintmax_t)gx_json_number(result, "seq"), gx_json_text(result, "state"));
    json_decref(result);
    return code;
}

/* --- showing messages ---------------------------------------------------------------------------------------------------------------- */

/* A name when there is one, else the id; freed by the caller. */
static char *who(const json_t *m, const char *name_key, const char *id_key)
{
    char id[GX_SHORT_ID_BYTES];

    if (gx_json_text(m, name_key)[0] != 0)
        return gx_show_text(gx_json_text(m, name_key), true);
    gx_show_id(id, gx_json_text(m, id_key));
    return gx_show_text(id, true);
}

static char *where(const json_t *m)
{
    char id[GX_SHORT_ID_BYTES];

    gx_show_id(id, gx_json_text(m, "where"));
    return gx_show_text(id, true);
}

/* Lines after the first stand under the text. */
static void print_lines(const char *text)
{
    for (const char *p = text; *p != 0; p++) {
        putchar(*p);
        if (*p == '\n')
            fputs("    ", stdout);
    }
    putchar('\n');
}

static void show_message(const struct gx_cli *cli, const json_t *m, bool with_where)
{
    char time[GX_TIME_BYTES], *from = who(m, "alias", "from"), *place = where(m);
    char *text = gx_show_text(gx_json_text(m, "text"), !cli->out_tty);
    bool hidden = json_is_true(json_object_get(m, "hidden"));
    const char *state = hidden ? "hidden" : gx_json_text(m, "state");
    char reply[GX_SHORT_ID_BYTES], held[HELD_BYTES];

    gx_show_id(reply, gx_json_text(m, "reply"));
    gx_show_time(time, gx_json_number(m, "wall_ms"));
    if (!cli->out_tty) {
        printf("%ju\t%s\t%s\t%s\t%s\t%s\n", (uintmax_t)gx_json_number(m, "seq"), time, place, from, state, text);
    } else {
        printf("%s%ju %s%s%s %s%s%s%s", gx_faint(cli), (uintmax_t)gx_json_number(m, "seq"), time, with_where ? " " : "",
               with_where ? place : "", gx_plain(cli), gx_bold(cli), from, gx_plain(cli));
        if (reply[0] != 0)
            printf(" (answers %s)", reply);
        if (strcmp(state, "received") != 0 && !hidden)
            printf(" (%s%s)", state, held_text(held, m));
        fputs(hidden ? ": only you see this: " : ": ", stdout);
        print_lines(text);
    }
    free(text);
    free(place);
    free(from);
}

/* --- showing who came and went --------------------------------------------------------------------------------------------------- */

/* What it is that became of somebody; freed by the caller. */
static char *sentence(const json_t *note, const char *name, const char *by)
{
    const char *what = gx_json_text(note, "what"), *rank = gx_json_text(note, "rank");
    char event[GX_SHORT_ID_BYTES], group[GX_SHORT_ID_BYTES], *out = NULL;
    int n;

    gx_show_id(event, gx_json_text(note, "event"));
    gx_show_id(group, gx_json_text(note, "group"));
    if (strcmp(what, "joined") == 0)
        n = asprintf(&out, "%s joined, let in by %s", name, by);
    else if (strcmp(what, "left") == 0)
        n = asprintf(&out, "%s left", name);
    else if (strcmp(what, "removed") == 0)
        n = asprintf(&out, "%s was removed by %s", name, by);
    else if (strcmp(what, "banned") == 0)
        n = asprintf(&out, "%s was banned by %s", name, by);
    else if (strcmp(what, "rank") == 0)
        n = asprintf(&out, "%s is %s now, by %s", name, rank, by);
    else if (strcmp(what, "bumped") == 0)
        n = asprintf(&out, "%s is no member after all; guanxi group why %s %s tells why", name, group, event);
    else
        n = asprintf(&out, "%s: %s", name, what);
    return n < 0 ? NULL : out;
}

/* Of `watch`: the columns of a message, with what happened in the place of its state. */
static void show_member(const struct gx_cli *cli, const json_t *note, bool with_where)
{
    char time[GX_TIME_BYTES], *place = where(note), *name = who(note, "alias", "member"), *by = who(note, "by_alias", "by");
    char *text = sentence(note, name, by);

    gx_show_time(time, gx_json_number(note, "wall_ms"));
    if (cli->out_tty)
        printf("%s%ju %s %s%s%s%s\n", gx_faint(cli), (uintmax_t)gx_json_number(note, "seq"), time, with_where ? place : "",
               with_where ? ": " : "", text == NULL ? "" : text, gx_plain(cli));
    else
        printf("%ju\t%s\t%s\t%s\t%s\t%s\n", (uintmax_t)gx_json_number(note, "seq"), time, place, name, gx_json_text(note, "what"),
               text == NULL ? "" : text);
    free(text);
    free(by);
    free(name);
    free(place);
}

static char *person_sentence(const json_t *note, const char *name)
{
    const char *what = gx_json_text(note, "what");
    char *out = NULL, *other = gx_show_text(gx_json_text(note, "name"), true);
    int n = -1;

    if (strcmp(what, "contact") == 0)
        n = asprintf(&out, "%s wants to be your contact; see guanxi requests", name);
    else if (strcmp(what, "invite") == 0)
        n = asprintf(&out, "%s invites you to %s; see guanxi requests", name, other == NULL || *other == 0 ? "a group" : other);
    else if (strcmp(what, "met") == 0)
        n = asprintf(&out, "%s is your contact now", name);
    else if (strcmp(what, "renamed") == 0)
        n = asprintf(&out, "%s has a new name; it was %s", name, other == NULL ? "" : other);
    else if (strcmp(what, "denied") == 0)
        n = asprintf(&out, "%s's node did not let you in: %s", name, other == NULL ? "" : other);
    else if (strcmp(what, "keys") == 0)
        n = asprintf(&out, "the keys of %s have CHANGED: compare the words, guanxi contact verify @%s", name, name);
    else
        n = asprintf(&out, "%s: %s", name, what);
    free(other);
    return n < 0 ? NULL : out;
}

/* Of `watch`: somebody asks, or is known by another name or another key from now on. */
static void show_person(const struct gx_cli *cli, const json_t *note)
{
    char time[GX_TIME_BYTES], *name = who(note, "alias", "who"), *text = person_sentence(note, name);

    gx_show_time(time, gx_json_number(note, "wall_ms"));
    if (cli->out_tty)
        printf("%s- %s %s%s\n", gx_faint(cli), time, text == NULL ? "" : text, gx_plain(cli));
    else
        printf("-\t%s\t\t%s\t%s\t%s\n", time, name, gx_json_text(note, "what"), text == NULL ? "" : text);
    free(text);
    free(name);
}

/* Of `watch`: how far one's own message got. */
static void show_receipt(const struct gx_cli *cli, const json_t *note, bool with_where)
{
    char *place = where(note), held[HELD_BYTES];

    if (cli->out_tty)
        printf("%s%ju %s%s%s%s%s\n", gx_faint(cli), (uintmax_t)gx_json_number(note, "seq"), with_where ? place : "", with_where ? ": " : "",
               gx_json_text(note, "state"), held_text(held, note), gx_plain(cli));
    else
        printf("%ju\t\t%s\t\t%s\t\n", (uintmax_t)gx_json_number(note, "seq"), place, gx_json_text(note, "state"));
    free(place);
}

/* --- read ------------------------------------------------------------------------------------------------------------------------- */

/* Messages since a number, without a limit, are fetched a page at a time; `since` then is the last one seen. */
static json_t *read_params(const struct gx_cli *cli, const struct gx_args *args, bool paged, uint64_t since)
{
    json_t *params = json_object();

    if (args->n_words > 0)
        (void)json_object_set_new(params, "group", json_string(args->words[0]));
    if (gx_args_has(args, GX_OPT_SINCE))
        (void)json_object_set_new(params, "since", json_integer((json_int_t)since));
    if (gx_args_has(args, GX_OPT_UNREAD))
        (void)json_object_set_new(params, "unread", json_true());
    if (paged || gx_args_has(args, GX_OPT_LIMIT))
        (void)json_object_set_new(params, "limit", json_integer((json_int_t)(paged ? PAGE : args->number[GX_OPT_LIMIT])));
    /* A script that reads is no person who has read; and nothing can be marked while the node is down. */
    if (!cli->json && gx_cli_node_up(cli))
        (void)json_object_set_new(params, "mark", json_true());
    return params;
}

/* Returns whether there are more; *since is the last one shown. */
static bool show_page(const struct gx_cli *cli, const json_t *page, bool with_where, uint64_t *since)
{
    const json_t *list = json_object_get(page, "messages");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        if (cli->json)
            (void)gx_show_json(m);
        else
            show_message(cli, m, with_where);
        *since = gx_json_number(m, "seq");
    }
    return json_array_size(list) > 0 && json_is_true(json_object_get(page, "more"));
}

int gx_cmd_read(struct gx_cli *cli, const struct gx_args *args)
{
    bool unlimited = !gx_args_has(args, GX_OPT_LIMIT) || args->number[GX_OPT_LIMIT] == 0;
    bool paged = gx_args_has(args, GX_OPT_SINCE) && unlimited, more;
    uint64_t since = args->number[GX_OPT_SINCE];
    json_t *result;
    int code;

    if (args->n_words > 0 && !cli->json)
        (void)gx_contact_look(cli, args->words[0]);
    do {
        code = gx_cli_call(cli, &result, "read", read_params(cli, args, paged, since));
        more = show_page(cli, result, args->n_words == 0, &since);
        json_decref(result);
    } while (code == GX_EXIT_DONE && paged && more);
    return code;
}

/* --- watch ------------------------------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

struct watch {
    uint64_t since;
    bool has_since, any_group;
    bool began;                 /* the node has said so once */
};

static void show_note(const struct gx_cli *cli, struct watch *w, const json_t *note)
{
    bool receipt = strcmp(gx_json_text(note, "type"), "receipt") == 0;
    uint64_t seq = gx_json_number(note, "seq");

    if (seq > w->since && !receipt) {
        w->since = seq;
        w->has_since = true;
    }
    if (cli->json)
        (void)gx_show_json(note);
    else if (strcmp(gx_json_text(note, "type"), "message") == 0)
        show_message(cli, note, w->any_group);
    else if (strcmp(gx_json_text(note, "type"), "person") == 0)
        show_person(cli, note);
    else if (receipt)
        show_receipt(cli, note, w->any_group);
    else
        show_member(cli, note, w->any_group);
    fflush(stdout);
}

static json_t *watch_params(const struct watch *w, const struct gx_args *args)
{
    json_t *params = json_object();

    if (args->n_words > 0)
        (void)json_object_set_new(params, "group", json_string(args->words[0]));
    if (w->has_since)
        (void)json_object_set_new(params, "since", json_integer((json_int_t)w->since));
    return params;
}

/* Subscribed: should the node go now, it is resumed from here. */
static void note_start(const struct gx_cli *cli, struct watch *w, const json_t *result)
{
    if (!w->has_since)
        w->since = gx_json_number(result, "since");
    w->has_since = true;
    if (!w->began && !cli->json)
        gx_cli_notice(cli, "Watching what comes after #%ju; Ctrl-C ends it.", (uintmax_t)w->since);
    w->began = true;
}

/* A node that is busy when we come back may have time later. */
static int go_on(const struct gx_cli *cli, const struct watch *w, const json_t *error)
{
    if (!w->began || strcmp(gx_json_text(error, "name"), "busy") != 0)
        return gx_cli_error(cli, error);
    sleep(RETRY_S);
    return -1;
}

/* One connection.  Returns an exit code when it is over for good, -1 to connect again. */
static int watch_once(const struct gx_cli *cli, struct watch *w, const struct gx_args *args, struct gx_client *client)
{
    uint64_t id = gx_client_ask(client, "watch", watch_params(w, args));
    struct gx_reply reply = {0};
    json_t *message;
    int code = id == 0 ? -1 : GX_EXIT_DONE;

    while (code == GX_EXIT_DONE && !interrupted) {
        enum gx_client_state state = gx_client_next(client, &message, LOOK_UP_MS);
        if (state == GX_CLIENT_OVER)
            code = -1;
        if (state != GX_CLIENT_LINE)
            continue;
        if (json_object_get(message, "method") != NULL)
            show_note(cli, w, json_object_get(message, "params"));
        else
            gx_reply_from_rpc(&reply, message);
        json_decref(message);
        if (reply.result != NULL)
            note_start(cli, w, reply.result);
        else if (reply.error != NULL)
            code = go_on(cli, w, reply.error);
        gx_reply_clear(&reply);
    }
    return interrupted ? GX_EXIT_DONE : code;
}

int gx_cmd_watch(struct gx_cli *cli, const struct gx_args *args)
{
    struct watch w = {.since = args->number[GX_OPT_SINCE], .has_since = gx_args_has(args, GX_OPT_SINCE), .any_group = args->n_words == 0};
    struct sigaction action = {.sa_handler = on_interrupt};
    struct gx_client client;
    struct gx_fail why;
    int code = -1;

    if (!gx_client_open(&client, &cli->home, &why))
        return gx_cli_fail(cli, &why);
    if (args->n_words > 0 && !cli->json)
        (void)gx_contact_look(cli, args->words[0]);
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    for (;;) {
        code = watch_once(cli, &w, args, &client);
        gx_client_close(&client);
        if (code != -1 || ferror(stdout))
            break;
        /* Cut off for reading too slowly: it goes on where it was.  Else the node has stopped. */
        for (bool told = false; !interrupted && !gx_client_open(&client, &cli->home, &why); told = true) {
            if (!told)
                gx_cli_notice(cli, "The node has gone; watching goes on when it is back.");
            sleep(RETRY_S);
        }
        if (interrupted)
            break;
    }
    return code == -1 ? GX_EXIT_DONE : code;
}
