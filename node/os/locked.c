/* A node and its vault: locked and unlocked, the passphrase, and the keys of the store.  KEYS §14. */
#include "node/os/log.h"
#include "node/os/node.h"
#include "node/os/system.h"

#include "store/wrap.h"

#define REWRAP_FIRST_MS (10u * 60u * 1000u)
#define REWRAP_SOON_MS (60u * 1000u)            /* after a group was forgotten: several mostly go together */
#define REWRAP_EVERY_MS (24u * 3600u * 1000u)
#define OLD_KEY_EVERY_MS (30u * 1000u)
#define OLD_KEY_UP_MS (3600u * 1000u)

/* --- what the control socket asks ----------------------------------------------------------------------------------------------------- */

static bool take_passphrase(struct gx_passphrase *out, const char *text, struct gx_fail *why)
{
    out->n = strlen(text);
    if (out->n > GX_PASSPHRASE_BYTES_MAX)
        return gx_fail(why, GX_EXIT_USAGE, "usage", NULL, "a passphrase has at most %u bytes", GX_PASSPHRASE_BYTES_MAX);
    memcpy(out->text, text, out->n + 1);
    return true;
}

static bool lock(struct gx_node *node, struct gx_fail *why)
{
    if (node->vault == NULL)
        return true;
    if (node->vault->kind != GX_VAULT_PASSPHRASE)
        return gx_fail(why, GX_EXIT_FAILED, "no_passphrase", "set one with: guanxi passwd",
                       "there is no passphrase to lock this home with: whoever has its disk has all that is in it");
    /* Whoever told it to stop, by a signal or here, waits for its end. */
    if (!node->stop)
        node->begin_locked = node->stop = true;
    return true;
}

static bool unlock(struct gx_node *node, const struct gx_request *request, struct gx_fail *why)
{
    struct gx_passphrase passphrase;

    if (node->vault != NULL)
        return true;
    bool ok = take_passphrase(&passphrase, request->passphrase, why) && gx_vault_open(&node->vault, node->options->home, &passphrase, why);
    gx_wipe(&passphrase, sizeof passphrase);
    return ok;
}

/* Who asks has the vault open already; the old passphrase shows that it is its owner, and no program that found a terminal. */
static bool change(struct gx_node *node, const struct gx_request *request, struct gx_fail *why)
{
    struct gx_passphrase passphrase, next;
    struct gx_vault *same = NULL;
    bool ok = take_passphrase(&passphrase, request->passphrase, why) && take_passphrase(&next, request->next, why);

    ok = ok && gx_vault_open(&same, node->options->home, &passphrase, why);
    gx_vault_close(same);
    if (ok && node->vault == NULL)
        ok = gx_fail(why, GX_EXIT_PASSPHRASE, "locked", "unlock it with: guanxi unlock", "this node is locked");
    ok = ok && gx_vault_change(node->vault, &next, why);
    if (ok)
        node->rewrap_at_ms = 0;     /* what was sealed under keys that the old passphrase opens is to be gone soon */
    gx_wipe(&passphrase, sizeof passphrase);
    gx_wipe(&next, sizeof next);
    return ok;
}

bool gx_node_vault(void *ctx, const struct gx_request *request, struct gx_fail *why)
{
    struct gx_node *node = ctx;

    if (request->os == GX_OS_LOCK)
        return lock(node, why);
    return request->os == GX_OS_UNLOCK ? unlock(node, request, why) : change(node, request, why);
}

/* --- locked --------------------------------------------------------------------------------------------------------------------------- */

void gx_node_wait_unlocked(struct gx_node *node)
{
    static struct gx_input inputs[GX_CONTROL_COMMANDS];
    static zmq_pollitem_t items[1 + GX_CONTROL_ITEMS];

    gx_log("locked: waiting for guanxi unlock");
    gx_control_set_locked(node->control, true);
    while (!node->stop && node->vault == NULL) {
        struct gx_time now = gx_now();

        items[0] = (zmq_pollitem_t){.fd = node->signal_fd, .events = ZMQ_POLLIN};
        size_t n = gx_control_items(node->control, items + 1, GX_CONTROL_ITEMS, now);
        /* Not for ever: where descriptors ran out the socket rests for a while. */
        if (!gx_control_waiting(node->control) && zmq_poll(items, (int)n + 1, 1000) < 0)
            n = 0;
        gx_node_take_signals(node);
        n = gx_control_take(node->control, inputs, GX_ARRAY_LEN(inputs), items + 1, n, now);
        GX_ASSERT(n == 0);          /* nothing of it is for an engine */
        gx_control_flush(node->control);
        node->stop = node->stop || gx_control_stop_asked(node->control);
    }
    gx_control_set_locked(node->control, false);
}

/* --- keys of the store ------------------------------------------------------------------------------------------------------------------ */

bool gx_node_settle_vault(struct gx_node *node, struct gx_fail *why)
{
    struct gx_vault *v = node->vault;
    bool two = v->n_roots == 2;

    if (two && gx_store_root_is(node->store, &v->roots[1]))
        v->roots[0] = v->roots[1];
    v->n_roots = 1;
    return (!two && !v->stale) || gx_vault_write(v, why);
}

static bool change_keys(struct gx_node *node, struct gx_fail *why)
{
    struct gx_vault *v = node->vault;

    /* Two are there when a change failed.  Whether the last page of it is on the disk nobody knows, so none is given up before one is in use for certain. */
    if (v->n_roots == 1) {
        gx_rng_fill(&node->rng.rng, v->roots[1].b, sizeof v->roots[1].b);
        v->n_roots = 2;
        if (!gx_vault_write(v, why)) {
            v->n_roots = 1;
            return false;
        }
    }
    enum gx_err err = gx_store_rewrap(node->store, &v->roots[1]);
    if (err != GX_OK)
        return gx_fail(why, GX_EXIT_STORE, "store", NULL, "%s", gx_err_text(err));
    return gx_node_settle_vault(node, why);
}

/* Forgotten: on the disk too. */
static void retire_transport_key(struct gx_node *node)
{
    struct gx_vault *v = node->vault;
    struct gx_fail why;

    gx_transport_retire_key(node->transport);
    gx_wipe(&v->old, sizeof v->old);
    if (!gx_vault_write(v, &why))
        gx_log("the transport key of before could not be forgotten: %s", why.message);
}

void gx_node_replace_transport_key(struct gx_node *node)
{
    struct gx_vault *v = node->vault;
    struct gx_identity before = v->id;
    struct gx_fail why;

    if (v->old.port != 0 || node->options->listen.port != 0)
        return;
    v->old.pk = before.transport_pk;
    v->old.sk = before.transport_sk;
    v->old.port = node->listen.port;
    v->old.since_ms = gx_now().wall_ms;
    gx_identity_new_transport(&v->id);
    /* Kept before it is told: nobody is to look for a key that this node has not any more. */
    bool ok = gx_vault_write(v, &why);
    if (ok && gx_transport_replace_key(node->transport, &v->id.transport_pk, &v->id.transport_sk)) {
        node->listen.port = gx_transport_port(node->transport);
        if (gx_home_keep_port(node->options->home, node->listen.port) != GX_OK)
            gx_log("the port could not be kept");
        node->addrs_at_ms = 0;
        node->other_key = true;
        gx_log("somebody is out: there is another transport key, at port %u", node->listen.port);
    } else {
        v->id = before;
        gx_wipe(&v->old, sizeof v->old);
        if (ok && !gx_vault_write(v, &why))
            gx_log("the vault could not be written: %s", why.message);
    }
    gx_identity_wipe(&before);
}

/* Answered to while its time lasts: also where its port was taken for a while, and, of two nodes that were both off for longer than that, so long that they
 * find each other.  A clock that was ahead when the key was replaced makes it no longer. */
static void keep_old_key(struct gx_node *node, struct gx_time now)
{
    struct gx_vault *v = node->vault;

    if (v->old.port == 0 || now.mono_ms < node->old_key_at_ms)
        return;
    bool first = node->old_key_at_ms == 0;
    node->old_key_at_ms = now.mono_ms + OLD_KEY_EVERY_MS;
    if (v->old.since_ms > now.wall_ms)
        v->old.since_ms = now.wall_ms;          /* goes into the file with whatever is written next */
    if (now.wall_ms > v->old.since_ms + GX_TRANSPORT_KEY_MS && now.mono_ms > node->started_ms + OLD_KEY_UP_MS)
        retire_transport_key(node);
    else if (!gx_transport_answer_old_key(node->transport, &v->old.pk, &v->old.sk, v->old.port) && first)
        gx_log("port %u, where the transport key of before is looked for, is taken; it is tried again", v->old.port);
}

void gx_node_change_keys(struct gx_node *node)
{
    uint64_t now = gx_now().mono_ms;
    struct gx_fail why;

    keep_old_key(node, gx_now());
    if (node->rewrap_at_ms == UINT64_MAX)
        node->rewrap_at_ms = now + REWRAP_FIRST_MS;
    if (gx_store_rewrap_due(node->store) && node->rewrap_at_ms > now + REWRAP_SOON_MS)
        node->rewrap_at_ms = now + REWRAP_SOON_MS;
    if (node->stop || now < node->rewrap_at_ms)
        return;
    node->rewrap_at_ms = now + REWRAP_EVERY_MS;
    if (!change_keys(node, &why)) {
        gx_log("the keys of the store could not be changed: %s", why.message);
        node->rewrap_at_ms = now + REWRAP_FIRST_MS;
    }
}
