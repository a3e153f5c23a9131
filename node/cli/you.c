#include "node/cli/cli.h"

#include "crypto/keys.h"
#include "node/os/config.h"
#include "proto/card.h"

#include <stdlib.h>
#include <unistd.h>

/* --- id and profile ----------------------------------------------------------------------------------------------------------------- */

static void show_me(const struct gx_cli *cli, const json_t *me)
{
    gx_show_pair(cli, "id", "%s", gx_json_text(me, "id"));
    gx_show_pair(cli, "name", "%s", gx_json_text(me, "name"));
    if (cli->out_tty)
        gx_cli_notice(cli, "Next: guanxi id --qr shows your card, by which others ask you to be their contact.");
}

/* Does it say where to knock? */
static bool has_hint(const char *text)
{
    struct gx_card_code card;
    bool has = gx_card_parse(&card, text) == GX_OK && card.hint.family != 0;

    gx_wipe(&card, sizeof card);
    return has;
}

static void show_card(const struct gx_cli *cli, const json_t *me)
{
    const char *text = gx_json_text(me, "card");

    puts(text);
    gx_cli_notice(cli, "Your card.  Whoever has it can ask you to be their contact, with: guanxi contact add");
    if (!has_hint(text))
        gx_cli_notice(cli, "It does not say where you can be reached: %s",
                      gx_cli_node_up(cli) ? "tell them an address too, for: guanxi contact add --at ADDR:PORT"
                                          : "your node is not running.  guanxi up -d starts it.");
}

int gx_cmd_id(struct gx_cli *cli, const struct gx_args *args)
{
    bool card = gx_args_has(args, GX_OPT_QR) || gx_args_has(args, GX_OPT_PNG);
    json_t *result = NULL;

    int code = gx_code_may_show(cli, args);
    if (code == GX_EXIT_DONE)
        code = gx_cli_call(cli, &result, "id", NULL);
    if (code == GX_EXIT_DONE)
        code = gx_code_show(cli, args, result, "card", card ? show_card : show_me);
    json_decref(result);
    return code;
}

int gx_cmd_profile_set(struct gx_cli *cli, const struct gx_args *args)
{
    struct gx_fail why;
    json_t *result;

    if (strcmp(args->words[0], "name") != 0)
        return gx_cli_usage(cli, "guanxi profile set name TEXT", "a profile has no %.60s", args->words[0]);
    if (!gx_name_fits(args->words[1], &why))
        return gx_cli_fail(cli, &why);
    int code = gx_cli_call(cli, &result, "profile.set", json_pack("{s:s}", "name", args->words[1]));
    if (code == GX_EXIT_DONE && cli->json) {
        code = gx_show_json(result);
    } else if (code == GX_EXIT_DONE) {
        char *name = gx_show_text(gx_json_text(result, "name"), true);

        if (cli->out_tty)
            gx_cli_notice(cli, "You call yourself %s now.  In each group you keep the name you have there; guanxi group alias changes it.", name);
        else
            puts(name);
        free(name);
    }
    json_decref(result);
    return code;
}

/* --- config ------------------------------------------------------------------------------------------------------------------------- */

static void add_setting(json_t *list, const char *key, const char *value, const char *from)
{
    json_t *setting = json_pack("{s:s, s:s, s:s}", "key", key, "value", value, "from", from);

    if (setting != NULL)
        (void)json_array_append_new(list, setting);
}

static void add_listen(json_t *list, const struct gx_cli *cli, const struct gx_config *config)
{
    struct gx_addr listen = config->listen;
    uint16_t kept = gx_home_port(&cli->home);
    char text[GX_ADDR_TEXT_BYTES], from[GX_PATH_MAX + 64];

    if (listen.port == 0)
        listen.port = kept != 0 ? kept : GX_DEFAULT_PORT;
    gx_addr_format(text, &listen);
    if (config->listen_line != 0)
        snprintf(from, sizeof from, "%s:%u%s", cli->home.config, config->listen_line, config->listen.port == 0 ? ", port kept" : "");
    else
        snprintf(from, sizeof from, "%s", kept != 0 ? "default, port kept" : "default");
    add_setting(list, "listen", text, from);
}

static void add_lan(json_t *list, const struct gx_cli *cli, const struct gx_config *config)
{
    char from[GX_PATH_MAX + 64] = "default";

    if (config->lan.line != 0)
        snprintf(from, sizeof from, "%s:%u", cli->home.config, config->lan.line);
    add_setting(list, "lan", gx_mode_text(config->lan.usual), from);
    for (size_t i = 0; i < config->lan.n; i++) {
        char key[sizeof "lan." + GX_NETWORK_BYTES];

        snprintf(key, sizeof key, "lan.%s", config->lan.named[i].network);
        snprintf(from, sizeof from, "%s:%u", cli->home.config, config->lan.named[i].line);
        add_setting(list, key, gx_mode_text(config->lan.named[i].mode), from);
    }
}

static void add_carry(json_t *list, const struct gx_cli *cli, const struct gx_config *config, enum gx_config_carry which)
{
    char value[24], from[GX_PATH_MAX + 64] = "default";

    snprintf(value, sizeof value, "%ju", (uintmax_t)gx_config_carry_value(config, which));
    if (config->carry_lines[which] != 0)
        snprintf(from, sizeof from, "%s:%u", cli->home.config, config->carry_lines[which]);
    add_setting(list, gx_config_carry_key(which), value, from);
}

int gx_cmd_config(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"SETTING", "VALUE", "FROM"};
    char socket[GX_PATH_MAX];
    struct gx_config config;
    struct gx_fail why;
    (void)args;

    if (!gx_config_read(&config, &cli->home, &why))
        return gx_cli_fail(cli, &why);
    json_t *list = json_array();
    gx_home_socket_path(socket, &cli->home);
    add_setting(list, "home", cli->home.data, cli->home.from);
    add_setting(list, "config", cli->home.config, access(cli->home.config, F_OK) == 0 ? cli->home.from : "absent");
    add_setting(list, "socket", socket, cli->home.from);
    add_listen(list, cli, &config);
    add_lan(list, cli, &config);
    for (unsigned i = 0; i < GX_CONFIG_CARRY_COUNT; i++)
        add_carry(list, cli, &config, (enum gx_config_carry)i);
    if (cli->json) {
        json_t *out = json_pack("{s:O}", "settings", list);
        (void)gx_show_json(out);
        json_decref(out);
    } else {
        struct gx_columns t;
        gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
        t.whole = true;
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *s = json_array_get(list, i);
            gx_columns_text(&t, gx_json_text(s, "key"));
            gx_columns_text(&t, gx_json_text(s, "value"));
            gx_columns_text(&t, gx_json_text(s, "from"));
        }
        gx_columns_end(cli, &t);
    }
    json_decref(list);
    return GX_EXIT_DONE;
}
