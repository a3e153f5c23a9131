#include "node/os/open.h"

#include "node/os/system.h"

#include <errno.h>
#include <stdio.h>

static bool store_fail(struct gx_fail *why, enum gx_err err, int sys_errno, const struct gx_home *home)
{
    const char *dir = home->data;

    if (err == GX_E_ABSENT)
        return gx_fail(why, GX_EXIT_STORE, "store_missing", "guanxi up starts with an empty one", "there is no store in %s", dir);
    if (err == GX_E_VERSION)
        return gx_fail(why, GX_EXIT_STORE, "store_version", "use the newer program", "the store in %s was written by another version", dir);
    if (err == GX_E_CORRUPT)
        return gx_fail(why, GX_EXIT_STORE, "store_damaged", "put back a copy of store.mdb, or move it away and join your groups again",
                       "the store in %s is damaged or cut short", dir);
    if (err == GX_E_LOCKED)
        return gx_fail(why, GX_EXIT_STORE, "store_foreign", "put back the vault and the store that belong together", "the store in %s was not sealed with the keys of %s/vault", dir,
                       dir);
    if (err == GX_E_STORE && sys_errno != 0)
        return gx_fail_errno(why, GX_EXIT_STORE, "store", sys_errno, "cannot open the store in %s", dir);
    return gx_fail(why, GX_EXIT_STORE, "store", NULL, "cannot open the store in %s: %s", dir, gx_err_text(err));
}

bool gx_open_store(struct gx_store **out, uint8_t uuid[16], const struct gx_home *home, const struct gx_vault *vault, struct gx_rng *rng, bool read_only, struct gx_fail *why)
{
    struct gx_store_options options = {.create = !read_only, .read_only = read_only, .rng = rng};
    struct gx_store_info info;
    struct gx_txn *txn;
    int sys_errno = 0;

    if (vault != NULL) {
        options.roots = vault->roots;
        options.n_roots = vault->n_roots;
    }
    gx_rng_fill(gx_system_rng(), options.uuid, sizeof options.uuid);
    enum gx_err err = gx_store_open(out, home->data, &options, &sys_errno);
    if (err != GX_OK)
        return store_fail(why, err, sys_errno, home);
    err = gx_txn_begin(&txn, *out, false);
    if (err != GX_OK) {
        gx_store_close(*out);
        *out = NULL;
        return store_fail(why, err, 0, home);
    }
    gx_txn_info(txn, &info);
    gx_txn_abort(&txn);
    memcpy(uuid, info.uuid, 16);
    return true;
}

bool gx_open_engine(struct gx_engine **out, bool *fresh, const struct gx_open_engine *how, struct gx_fail *why)
{
    struct gx_engine_config config = {
        .store = how->store,
        .offline = how->offline,
        .rng = how->rng,
        .person = how->id->person,
        .card_sk = how->id->card_sk,
        .device_seed = how->id->device_seed,
        .transport_pk = how->id->transport_pk,
        .carry = how->carry,
        .hands = how->hands,
        .progress = how->progress,
    };

    *out = NULL;
    if (how->old_transport_pk != NULL)
        config.old_transport_pk = *how->old_transport_pk;
    snprintf(config.name, sizeof config.name, "%s", how->id->name);
    bool ok = gx_incarnation_load(&config.incarnation, fresh, how->home, how->store_uuid, !how->offline, why);
    if (ok) {
        enum gx_err err = gx_engine_new(out, &config, gx_now());
        ok = err == GX_OK || store_fail(why, err, 0, how->home);
    }
    gx_wipe(&config, sizeof config);
    return ok;
}
