#include "node/os/offline.h"

#include "node/os/config.h"
#include "node/os/open.h"
#include "node/os/system.h"

#include <stdlib.h>

#define LOCK_WAIT_MS 2000u
/* A command that waits for verifications gets them at once; more rounds than this and it waits for something that cannot come. */
#define ROUNDS_MAX 64u

/* Answer the VERIFYs of a step; the next step's inputs. */
static size_t verify_all(struct gx_input *inputs, const struct gx_effects *effects)
{
    size_t n = 0;

    for (size_t i = 0; i < effects->n && n < GX_STEP_INPUTS_MAX; i++) {
        const struct gx_effect *e = &effects->list[i];
        if (e->kind == GX_OUT_VERIFY)
            inputs[n++] = (struct gx_input){.kind = GX_IN_VERIFIED, .now = gx_now(), .ticket = e->ticket,
                                            .ok = gx_verify(e->pk, e->domain, e->bytes, e->sig)};
    }
    return n;
}

static bool take_answer(struct gx_reply *reply, const struct gx_effects *effects)
{
    for (size_t i = 0; i < effects->n; i++) {
        const struct gx_answer *a = effects->list[i].answer;
        if (effects->list[i].kind != GX_OUT_ANSWER)
            continue;
        bool ok = a->err == GX_OK && a->exit_code == 0;
        json_t *rpc = gx_json_reply(NULL, ok ? "result" : "error", ok ? gx_json_values(a) : gx_json_error(a));
        gx_reply_from_rpc(reply, rpc);
        json_decref(rpc);
        return true;
    }
    return false;
}

static void run(struct gx_reply *reply, struct gx_engine *engine, const struct gx_command *command)
{
    static struct gx_input inputs[GX_STEP_INPUTS_MAX];
    struct gx_effects effects;
    struct gx_fail why;
    size_t n = 1;

    inputs[0] = (struct gx_input){.kind = GX_IN_COMMAND, .now = gx_now(), .client = 1, .command = command};
    for (unsigned round = 0; round < ROUNDS_MAX && n > 0; round++) {
        enum gx_err err = gx_engine_step(engine, &effects, inputs, n);
        if (take_answer(reply, &effects))
            return;
        if (err != GX_OK) {
            gx_fail(&why, GX_EXIT_STORE, "store", NULL, "%s", gx_err_text(err));
            gx_reply_fail(reply, &why);
            return;
        }
        n = verify_all(inputs, &effects);
    }
    gx_fail(&why, GX_EXIT_DOWN, "node_down", "start it with: guanxi up -d", "this needs the running node");
    gx_reply_fail(reply, &why);
}

/* What a running node does between two steps. */
static struct gx_input vacuum(struct gx_store *store, const struct gx_home *home)
{
    struct gx_input in = {.kind = GX_IN_VACUUMED};
    struct gx_vacuumed done;
    int sys_errno;

    in.err = gx_store_vacuum(store, home->data, &done, &sys_errno);
    in.before_bytes = done.before_bytes;
    in.after_bytes = done.after_bytes;
    in.now = gx_now();
    return in;
}

/* Steps until it is answered: portions of what is dropped, the file, the answer.  Connections that the engine would make are not made. */
static void run_vacuum(struct gx_reply *reply, struct gx_engine *engine, struct gx_store *store, const struct gx_home *home, const struct gx_command *command)
{
    struct gx_input in = {.kind = GX_IN_COMMAND, .now = gx_now(), .client = 1, .command = command};
    struct gx_effects effects;
    struct gx_fail why;

    for (;;) {
        enum gx_err err = gx_engine_step(engine, &effects, &in, 1);
        bool asked = false;

        if (take_answer(reply, &effects))
            return;
        for (size_t i = 0; i < effects.n; i++)
            asked |= effects.list[i].kind == GX_OUT_VACUUM;
        in = (struct gx_input){.kind = GX_IN_TIMER, .now = gx_now()};
        if (err == GX_OK && asked) {
            in = vacuum(store, home);
            err = gx_store_is_open(store) ? GX_OK : GX_E_STORE;
        }
        if (err != GX_OK) {
            gx_fail(&why, GX_EXIT_STORE, "store", NULL, "%s", gx_err_text(err));
            gx_reply_fail(reply, &why);
            return;
        }
    }
}

static bool run_in_home(struct gx_reply *reply, const struct gx_home *home, const struct gx_passphrase *passphrase, const struct gx_command *command,
                        struct gx_fail *why)
{
    struct gx_vault *vault;
    struct gx_store *store = NULL;
    struct gx_engine *engine = NULL;
    const bool writes = command->method == GX_CMD_VACUUM;
    struct gx_config config;
    uint8_t uuid[16];
    bool fresh;

    if (!gx_config_read(&config, home, why) || !gx_vault_open(&vault, home, passphrase, why))
        return false;
    bool ok = gx_open_store(&store, uuid, home, vault, gx_system_rng(), !writes, why) &&
              gx_open_engine(&engine, &fresh,
                             &(struct gx_open_engine){.home = home, .id = &vault->id, .store = store, .store_uuid = uuid,
                                                      .rng = gx_system_rng(), .carry = config.carry, .offline = !writes},
                             why);
    gx_vault_close(vault);
    if (ok && writes)
        run_vacuum(reply, engine, store, home, command);
    else if (ok)
        run(reply, engine, command);
    gx_engine_free(engine);
    gx_store_close(store);
    return ok;
}

void gx_offline_call(struct gx_reply *reply, const struct gx_home *home, const struct gx_passphrase *passphrase, const char *method, const json_t *params)
{
    struct gx_command command;
    struct gx_refusal refusal;
    struct gx_fail why;
    struct gx_lock lock;
    bool ok = true;

    if (!gx_json_command(&command, &refusal, method, params)) {
        gx_fail(&why, GX_EXIT_USAGE, "usage", NULL, "%s", refusal.message);
        ok = false;
    } else if (command.method == GX_CMD_STATUS && passphrase == NULL && gx_vault_asks(home)) {
        reply->result = json_pack("{s:b}", "locked", 1);        /* that much can be told */
    } else if (gx_vault_exists(home)) {
        command.request = 1;
        ok = gx_lock_take(&lock, home, command.method == GX_CMD_VACUUM, LOCK_WAIT_MS, &why);
        if (ok) {
            ok = run_in_home(reply, home, passphrase, &command, &why);
            gx_lock_release(&lock);
        }
    } else {
        ok = gx_vault_missing(home, &why);
    }
    if (!ok)
        gx_reply_fail(reply, &why);
    /* What only a running node has. */
    if (reply->result != NULL && command.method == GX_CMD_STATUS)
        (void)json_object_set_new(reply->result, "node", json_null());
}
