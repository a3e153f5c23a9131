#include "node/cli/cli.h"

#include "node/os/system.h"

#include <stdlib.h>

/* --- status ----------------------------------------------------------------------------------------------------------------------- */

static void show_span(char *out, size_t cap, uint64_t s)
{
    unsigned long long d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;

    if (d > 0)
        snprintf(out, cap, "%llu d %llu h", d, h);
    else if (h > 0)
        snprintf(out, cap, "%llu h %llu min", h, m);
    else if (m > 0)
        snprintf(out, cap, "%llu min", m);
    else
        snprintf(out, cap, "%llu s", (unsigned long long)s);
}

static void show_node(const struct gx_cli *cli, const json_t *status)
{
    const json_t *node = json_object_get(status, "node");
    const char *listen = json_string_value(json_array_get(json_object_get(node, "listen"), 0));
    char span[48];

    if (!json_is_object(node)) {
        gx_show_pair(cli, "node", "not running");
        return;
    }
    show_span(span, sizeof span, gx_json_number(node, "uptime_s"));
    gx_show_pair(cli, "node", "%s for %s, process %ju", gx_json_text(node, "state"), span, (uintmax_t)gx_json_number(node, "pid"));
    if (listen != NULL)
        gx_show_pair(cli, "listening", "%s", listen);
}

static void show_dropped(const struct gx_cli *cli, const json_t *status)
{
    const char *reason;
    json_t *count;

    json_object_foreach(json_object_get(status, "dropped"), reason, count)
        if (json_integer_value(count) > 0)
            gx_show_pair(cli, "refused", "%s: %ju", reason, (uintmax_t)json_integer_value(count));
}

/* Whose log was written twice at one place, and whether that has ended. */
static void show_forks(const struct gx_cli *cli, const json_t *status)
{
    const json_t *list = json_object_get(status, "forked");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *fork = json_array_get(list, i);

        gx_show_pair(cli, "forked", "%s in %s wrote two different %s with number %ju: a copied home, or a lie; %s", gx_json_text(fork, "alias"),
                     gx_json_text(fork, "name"), strcmp(gx_json_text(fork, "log"), "control") == 0 ? "acts" : "messages",
                     (uintmax_t)gx_json_number(fork, "at"),
                     json_is_true(json_object_get(fork, "healed")) ? "their node has begun anew since" : "--json shows the proof");
    }
}

/* So many of each group, by its name. */
static void show_of_groups(const struct gx_cli *cli, const json_t *status, const char *key, const char *shown, const char *what)
{
    json_t *of = json_object_get(status, key), *list = NULL, *left;
    const char *group;
    size_t i;
    json_t *known;

    if (json_object_size(of) == 0 || gx_cli_call(cli, &list, "group.list", NULL) != GX_EXIT_DONE)
        return;
    json_object_foreach(of, group, left) {
        const char *name = group;

        json_array_foreach(json_object_get(list, "groups"), i, known)
            if (strcmp(gx_json_text(known, "group"), group) == 0)
                name = gx_json_text(known, "name");
        gx_show_pair(cli, shown, "%s: %ju%s", name, (uintmax_t)json_integer_value(left), what);
    }
    json_decref(list);
}

static void show_counts(const struct gx_cli *cli, const json_t *status)
{
    static const char *const keys[] = {"groups", "contacts", "unread", "outbox", "forks"};
    const json_t *peers = json_object_get(status, "peers"), *store = json_object_get(status, "store");

    if (json_is_object(peers))
        gx_show_pair(cli, "peers", "%ju connected, %ju known", (uintmax_t)gx_json_number(peers, "up"), (uintmax_t)gx_json_number(peers, "known"));
    for (size_t i = 0; i < GX_ARRAY_LEN(keys); i++)
        if (json_object_get(status, keys[i]) != NULL)
            gx_show_pair(cli, keys[i], "%ju", (uintmax_t)gx_json_number(status, keys[i]));
    show_of_groups(cli, status, "queued", "queued", "");
    show_forks(cli, status);
    show_of_groups(cli, status, "syncing", "fetching", " left");
    if (gx_json_number(status, "unopened") > 0)
        gx_show_pair(cli, "opening", "%ju left", (uintmax_t)gx_json_number(status, "unopened"));
    if (json_is_object(store))
        gx_show_pair(cli, "store", "%.1f MB used, %s", (double)gx_json_number(store, "used_bytes") / 1e6, gx_json_text(store, "state"));
    if (json_object_get(status, "traffic") != NULL)
        gx_show_pair(cli, "traffic", "%.1f MB in, %.1f MB out", (double)gx_json_number(json_object_get(status, "traffic"), "in_bytes") / 1e6,
                     (double)gx_json_number(json_object_get(status, "traffic"), "out_bytes") / 1e6);
    if (json_object_get(status, "rss_bytes") != NULL)
        gx_show_pair(cli, "memory", "%.1f MB", (double)gx_json_number(status, "rss_bytes") / 1e6);
    show_dropped(cli, status);
}

/* Nothing can be said of what is in a home that is locked. */
static bool is_locked(const json_t *status)
{
    return json_is_true(json_object_get(status, "locked")) || strcmp(gx_json_text(json_object_get(status, "node"), "state"), "locked") == 0;
}

static int status(struct gx_cli *cli, json_t **out)
{
    int code = gx_cli_call(cli, out, "status", NULL);

    if (code == GX_EXIT_DONE && cli->json)
        return gx_show_json(*out);
    if (code == GX_EXIT_DONE) {
        show_node(cli, *out);
        if (!is_locked(*out))
            show_counts(cli, *out);
    }
    return code;
}

int gx_cmd_status(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;
    (void)args;

    int code = status(cli, &result);
    json_decref(result);
    return code;
}

static bool asked(const struct gx_cli *cli)
{
    struct gx_reply reply;

    gx_cli_ask(cli, &reply, "requests", NULL, GX_CALL_MS, NULL);
    bool some = json_array_size(json_object_get(reply.result, "requests")) > 0;
    gx_reply_clear(&reply);
    return some;
}

/* Bare `guanxi`: where things stand, and one next step. */
int gx_cmd_overview(struct gx_cli *cli, const struct gx_args *args)
{
    json_t *result;
    (void)args;

    if (!gx_vault_exists(&cli->home) && !cli->json) {
        puts("guanxi: a personal messaging node.  You have no identity here yet.\n\nNext: guanxi init\nMore: guanxi help");
        return GX_EXIT_DONE;
    }
    int code = status(cli, &result);
    if (code == GX_EXIT_DONE && !cli->json) {
        const char *next = "guanxi send WHERE TEXT, or guanxi invite GROUP";
        if (!json_is_object(json_object_get(result, "node")))
            next = "guanxi up -d";
        else if (is_locked(result))
            next = "guanxi unlock";
        else if (asked(cli))
            next = "guanxi requests";
        else if (gx_json_number(result, "unread") > 0)
            next = "guanxi read";
        else if (gx_json_number(result, "groups") == 0 && gx_json_number(result, "contacts") == 0)
            next = "guanxi group new NAME, guanxi join CODE|PICTURE, or guanxi contact add CODE|PICTURE";
        gx_cli_notice(cli, "\nNext: %s", next);
    }
    json_decref(result);
    return code;
}

/* --- wait ------------------------------------------------------------------------------------------------------------------------- */

/* Conditions on one group go to the node together, so that they held at one time; with them, those on no group. */
struct wish {
    char group[GX_NAME_BYTES_MAX + 1];      /* "": none */
    json_t *params;
};
struct wishes {
    struct wish list[GX_ARGS_LIST_MAX + 1];
    size_t n;
};

static struct wish *wish_for(struct wishes *w, const char *group, const char *key)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->list[i].group, group) == 0 && json_object_get(w->list[i].params, key) == NULL)
            return &w->list[i];
    struct wish *wish = &w->list[w->n++];
    snprintf(wish->group, sizeof wish->group, "%s", group);
    wish->params = group[0] == 0 ? json_object() : json_pack("{s:s}", "group", group);
    return wish;
}

/* G=VALUE: the last = counts, a group's name may have one. */
static bool add_wish(struct wishes *w, const char *key, bool number, const char *text)
{
    const char *equal = strrchr(text, '=');
    char group[GX_NAME_BYTES_MAX + 1];
    uint64_t value = 0;

    if (equal == NULL || equal == text || equal[1] == 0 || (size_t)(equal - text) >= sizeof group)
        return false;
    if (number && !gx_number_parse(&value, equal + 1))
        return false;
    memcpy(group, text, (size_t)(equal - text));
    group[equal - text] = 0;
    json_t *json = number ? json_integer((json_int_t)value) : json_string(equal + 1);
    return json_object_set_new(wish_for(w, group, key)->params, key, json) == 0;
}

static bool take_wishes(struct wishes *w, const struct gx_args *args, const char **wrong)
{
    for (size_t i = 0; i < args->n_list; i++) {
        enum gx_option o = args->list[i].option;
        const char *key = o == GX_OPT_MEMBERS ? "members" : o == GX_OPT_COUNT ? "count" : "hash";
        *wrong = args->list[i].text;
        if (!add_wish(w, key, o != GX_OPT_HASH, args->list[i].text))
            return false;
    }
    if (w->n == 0)
        (void)wish_for(w, "", "");
    for (size_t i = 0; i < w->n; i++) {
        if (gx_args_has(args, GX_OPT_PEERS))
            (void)json_object_set_new(w->list[i].params, "peers", json_integer((json_int_t)args->number[GX_OPT_PEERS]));
        if (gx_args_has(args, GX_OPT_IDLE))
            (void)json_object_set_new(w->list[i].params, "idle", json_true());
    }
    return true;
}

/* One pass over all.  Returns the exit code; *reply has the error.  give_ms: how long each may take at most. */
static int grant(const struct gx_cli *cli, struct gx_reply *reply, struct wishes *w, uint64_t until_ms, bool at_once)
{
    for (size_t i = 0; i < w->n; i++) {
        uint64_t now = gx_now().mono_ms;
        uint64_t left = at_once ? 1 : until_ms > now ? until_ms - now : 1;

        gx_reply_clear(reply);
        (void)json_object_set_new(w->list[i].params, "timeout_ms", json_integer((json_int_t)left));
        gx_cli_ask(cli, reply, "wait", json_incref(w->list[i].params), (int)left + GX_CALL_MS, "waiting");
        if (reply->error != NULL)
            return (int)gx_json_number(reply->error, "code");
    }
    return GX_EXIT_DONE;
}

/* What was granted early may have passed while a later one was waited for: all are looked at once more, until they hold together. */
static int grant_together(const struct gx_cli *cli, struct gx_reply *reply, struct wishes *w, uint64_t until_ms)
{
    for (;;) {
        int code = grant(cli, reply, w, until_ms, false);
        if (code != GX_EXIT_DONE || w->n < 2)
            return code;
        code = grant(cli, reply, w, until_ms, true);
        if (code != GX_EXIT_TIMEOUT || gx_now().mono_ms >= until_ms)
            return code;
    }
}

int gx_cmd_wait(struct gx_cli *cli, const struct gx_args *args)
{
    static struct wishes w;
    uint64_t timeout = gx_args_has(args, GX_OPT_TIMEOUT) ? args->number[GX_OPT_TIMEOUT] : 30000;
    struct gx_reply reply = {0};
    const char *wrong = NULL;
    int code;

    if (timeout > 1000000000u)
        timeout = 1000000000u;
    if (!take_wishes(&w, args, &wrong)) {
        code = gx_cli_usage(cli, "such as --members tea=3 or --hash tea=HEX", "%s makes no sense here", wrong);
    } else {
        code = grant_together(cli, &reply, &w, gx_now().mono_ms + timeout);
        if (reply.error != NULL)
            code = gx_cli_error(cli, reply.error);
        else if (cli->json)
            code = gx_show_json(reply.result);
    }
    gx_reply_clear(&reply);
    for (size_t i = 0; i < w.n; i++)
        json_decref(w.list[i].params);
    return code;
}

/* --- tools ------------------------------------------------------------------------------------------------------------------------ */

int gx_cmd_call(struct gx_cli *cli, const struct gx_args *args)
{
    struct gx_refusal refusal;
    json_t *params = NULL, *result;

    if (args->n_words > 1) {
        params = gx_json_parse(&refusal, args->words[1], strlen(args->words[1]));
        if (params == NULL)
            return gx_cli_usage(cli, NULL, "%s", refusal.message);
    }
    int code = gx_cli_call(cli, &result, args->words[0], params);
    if (code == GX_EXIT_DONE && cli->out_tty && !cli->json)
        gx_json_put(stdout, result, JSON_INDENT(2));
    else if (code == GX_EXIT_DONE)
        code = gx_show_json(result);
    json_decref(result);
    return code;
}
