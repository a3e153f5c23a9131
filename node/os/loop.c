#include "node/os/node.h"

#include "node/os/log.h"
#include "node/os/system.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ADDRESSES_EVERY_MS 30000u
#define ADDRESSES_AGAIN_MS 1000u    /* where they could not be read */
#define FULL_LASTS_MS 60000u
/* Of one step's inputs: what may come from where, so that no source starves another. */
#define VERIFIED_MAX (GX_STEP_INPUTS_MAX / 2)
#define COMMANDS_MAX GX_CONTROL_COMMANDS
#define VERIFIED_STEPS 2u   /* in a row; then the others have their turn */
#define OWN_INPUTS 3u       /* TIMER, VACUUMED, and LISTENING or TRANSPORT_KEY */
static_assert(VERIFIED_MAX + COMMANDS_MAX + GX_DISCOVERY_INPUTS + OWN_INPUTS < GX_STEP_INPUTS_MAX, "frames keep their share");

#define ITEMS_MAX (GX_CONTROL_ITEMS + GX_TRANSPORT_ITEMS + GX_DISCOVERY_ITEMS + 2u)
#define ITEM_SIGNAL 0u
#define ITEM_VERIFIER 1u

struct gather {
    struct gx_input inputs[GX_STEP_INPUTS_MAX];
    size_t n;
    bool more;              /* a source was left with something to take */
    zmq_pollitem_t items[ITEMS_MAX];
    size_t n_items;
    size_t control_at, n_control;
    size_t lan_at, n_lan;
};

void gx_node_take_signals(struct gx_node *node)
{
    struct signalfd_siginfo info;

    while (read(node->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        /* SIGHUP has no meaning here: a terminal that closes does not end a node. */
        if (info.ssi_signo == SIGHUP)
            continue;
        gx_log("stopping on signal %u", info.ssi_signo);
        node->stop = true;
    }
}

/* The own addresses, when they changed or were never told. */
static void take_addresses(struct gx_node *node, struct gather *g, struct gx_time now)
{
    struct gx_addr addrs[GX_ENDPOINT_ADDRS_MAX] = {{0}};
    size_t n;

    if (now.mono_ms < node->addrs_at_ms)
        return;
    bool read = gx_transport_addresses(node->transport, addrs, &n, GX_ENDPOINT_ADDRS_MAX, node->listen.port);
    node->addrs_at_ms = now.mono_ms + (read ? ADDRESSES_EVERY_MS : ADDRESSES_AGAIN_MS);
    if (!read)
        return;
    bool same = n == node->n_addrs;
    for (size_t i = 0; same && i < n; i++)
        same = gx_addr_equal(&addrs[i], &node->addrs[i]);
    if (same && node->addrs_told && !node->other_key)
        return;
    node->addrs_told = true;
    memcpy(node->addrs, addrs, sizeof addrs);
    node->n_addrs = n;
    g->inputs[g->n++] = (struct gx_input){.kind = node->other_key ? GX_IN_TRANSPORT_KEY : GX_IN_LISTENING, .now = now, .n_addrs = n, .addrs = node->addrs,
                                          .peer_key = node->vault->id.transport_pk};
    node->other_key = false;
}

/* What a change of the interfaces means for the LAN, it may mean for the own addresses. */
static void take_lan(struct gx_node *node, struct gather *g, struct gx_time now)
{
    uint64_t before = gx_discovery_looked_ms(node->discovery);

    g->n += gx_discovery_take(node->discovery, g->inputs + g->n, GX_DISCOVERY_INPUTS, g->items + g->lan_at, g->n_lan, now);
    if (gx_discovery_looked_ms(node->discovery) != before && now.mono_ms < node->addrs_at_ms)
        node->addrs_at_ms = now.mono_ms;
}

static void take_timer(struct gx_node *node, struct gather *g, struct gx_time now)
{
    if (now.mono_ms < node->wake_ms)
        return;
    node->wake_ms = UINT64_MAX;
    g->inputs[g->n++] = (struct gx_input){.kind = GX_IN_TIMER, .now = now};
}

static void take_vacuumed(struct gx_node *node, struct gather *g, struct gx_time now)
{
    if (!node->vacuum_done)
        return;
    node->vacuum_done = false;
    g->inputs[g->n++] = (struct gx_input){.kind = GX_IN_VACUUMED, .now = now, .err = node->vacuum_err,
                                          .before_bytes = node->vacuumed.before_bytes, .after_bytes = node->vacuumed.after_bytes};
}

static void take_all(struct gx_node *node, struct gather *g)
{
    struct gx_time now = gx_now();
    size_t n;

    g->n = 0;
    gx_node_take_signals(node);
    take_timer(node, g, now);
    take_vacuumed(node, g, now);
    take_lan(node, g, now);
    take_addresses(node, g, now);

    n = gx_verifier_take(node->verifier, g->inputs + g->n, VERIFIED_MAX, now);
    g->n += n;
    g->more = n == VERIFIED_MAX;
    g->n += gx_control_take(node->control, g->inputs + g->n, COMMANDS_MAX, g->items + g->control_at, g->n_control, now);
    size_t room = GX_STEP_INPUTS_MAX - g->n;
    n = gx_transport_take(node->transport, g->inputs + g->n, room, GX_STEP_BYTES_MAX, now);
    g->n += n;
    g->more = g->more || n == room;
}

static void keep_name(struct gx_node *node, struct gx_span name)
{
    struct gx_identity *id = &node->vault->id;
    char before[sizeof id->name];
    struct gx_fail why;
    bool ok = name.n < sizeof id->name;

    memcpy(before, id->name, sizeof before);
    if (ok) {
        memcpy(id->name, name.p, name.n);
        id->name[name.n] = 0;
        ok = gx_identity_name_ok(id->name) && gx_vault_write(node->vault, &why);      /* else nothing would read it again */
    }
    if (!ok) {
        memcpy(id->name, before, sizeof before);
        gx_log("the new name could not be kept, and is forgotten at the next start");
    }
}

static void carry_out(struct gx_node *node, const struct gx_effect *e)
{
    switch (e->kind) {
    case GX_OUT_SEND:
    case GX_OUT_CONNECT:
    case GX_OUT_DISCONNECT:
    case GX_OUT_DOOR_OPEN:
    case GX_OUT_DOOR_CLOSE:
        gx_transport_do(node->transport, e);
        break;
    case GX_OUT_BEACON:
    case GX_OUT_DATAGRAM:
        gx_discovery_do(node->discovery, e);
        break;
    case GX_OUT_VERIFY:
        gx_verifier_add(node->verifier, e);
        break;
    case GX_OUT_ANSWER:
    case GX_OUT_NOTE:
        gx_control_do(node->control, e);
        break;
    case GX_OUT_NAME:
        keep_name(node, e->bytes);
        break;
    case GX_OUT_TRANSPORT_KEY:
        gx_node_replace_transport_key(node);
        break;
    case GX_OUT_VACUUM:
        node->vacuum_asked = true;
        break;
    case GX_OUT_LOG:
        gx_log("%.*s", (int)e->bytes.n, (const char *)e->bytes.p);
        break;
    case GX_OUT_WAKE:
        node->wake_ms = e->wake_mono_ms;
        break;
    }
}

/* GX_EXIT_DONE: go on. */
static int judge(struct gx_node *node, enum gx_err err)
{
    uint64_t now = gx_now().mono_ms;
    bool failed = err != GX_OK && err != GX_E_FULL;

    /* A step that wrote nothing succeeds on a full disk too, so fullness is held to last a while. */
    if (err == GX_E_FULL && now >= node->full_until_ms)
        gx_log("the disk or the store is full: nothing new is kept until there is room");
    if (err == GX_E_FULL)
        node->full_until_ms = now + FULL_LASTS_MS;
    if (failed)
        gx_log("the store failed: %s", gx_err_text(err));
    node->store_errors = failed ? node->store_errors + 1 : 0;
    return node->store_errors >= 2 ? GX_EXIT_STORE : GX_EXIT_DONE;
}

static void carry_out_notes(struct gx_node *node, const struct gx_effects *effects)
{
    bool any = false;

    for (size_t i = 0; i < effects->n; i++) {
        if (effects->list[i].kind != GX_OUT_NOTE)
            continue;
        carry_out(node, &effects->list[i]);
        any = true;
    }
    if (any)
        gx_control_flush(node->control);
}

static int step(struct gx_node *node, struct gather *g)
{
    struct gx_effects effects = {0};

    g->n = gx_poison_batch(&node->poison, g->inputs, g->n);
    enum gx_err err = gx_engine_step(node->engine, &effects, g->inputs, g->n);
    gx_poison_done(&node->poison);
    /* Whom a message is for first, here and elsewhere; then who waits to be told that it was taken. */
    carry_out_notes(node, &effects);
    for (size_t i = 0; i < effects.n; i++)
        if (effects.list[i].kind != GX_OUT_NOTE && effects.list[i].kind != GX_OUT_ANSWER)
            carry_out(node, &effects.list[i]);
    for (size_t i = 0; i < effects.n; i++)
        if (effects.list[i].kind == GX_OUT_ANSWER)
            carry_out(node, &effects.list[i]);
    gx_verifier_flush(node->verifier);
    return judge(node, err);
}

/* A few signatures are checked where they are found: their results need no look at the sockets first. */
static int step_verified(struct gx_node *node, struct gather *g)
{
    int code = GX_EXIT_DONE;

    for (unsigned i = 0; i < VERIFIED_STEPS && code == GX_EXIT_DONE && gx_verifier_ready(node->verifier); i++) {
        g->n = gx_verifier_take(node->verifier, g->inputs, VERIFIED_MAX, gx_now());
        code = step(node, g);
    }
    return code;
}

static long timeout_ms(const struct gx_node *node, const struct gather *g)
{
    uint64_t now = gx_now().mono_ms;
    uint64_t until = node->wake_ms < node->addrs_at_ms ? node->wake_ms : node->addrs_at_ms;

    until = until < node->rewrap_at_ms ? until : node->rewrap_at_ms;
    int64_t transport = gx_transport_due_ms(node->transport, now), lan = gx_discovery_due_ms(node->discovery, now);
    int64_t left = until > now ? (int64_t)(until - now) : 0;

    if (g->more || node->vacuum_done || gx_control_waiting(node->control))
        return 0;
    left = transport >= 0 && transport < left ? transport : left;
    return (long)(lan >= 0 && lan < left ? lan : left);
}

static void poll_all(struct gx_node *node, struct gather *g)
{
    g->items[ITEM_SIGNAL] = (zmq_pollitem_t){.fd = node->signal_fd, .events = ZMQ_POLLIN};
    g->items[ITEM_VERIFIER] = (zmq_pollitem_t){.fd = gx_verifier_fd(node->verifier), .events = ZMQ_POLLIN};
    g->n_items = 2;
    g->n_items += gx_transport_items(node->transport, g->items + g->n_items, GX_TRANSPORT_ITEMS);
    g->lan_at = g->n_items;
    g->n_lan = gx_discovery_items(node->discovery, g->items + g->n_items, GX_DISCOVERY_ITEMS, gx_now());
    g->n_items += g->n_lan;
    g->control_at = g->n_items;
    g->n_control = gx_control_items(node->control, g->items + g->n_items, GX_CONTROL_ITEMS, gx_now());
    g->n_items += g->n_control;
    /* Interrupted or failed: what is ready is found by looking. */
    if (zmq_poll(g->items, (int)g->n_items, timeout_ms(node, g)) < 0)
        g->n_control = g->n_lan = 0;
}

/* Between two steps no transaction is open.  Nothing else happens meanwhile; what comes in waits in the queues of the sockets. */
static int vacuum(struct gx_node *node)
{
    int sys_errno = 0;

    node->vacuum_asked = false;
    node->vacuum_done = true;
    node->vacuum_err = gx_store_vacuum(node->store, node->options->home->data, &node->vacuumed, &sys_errno);
    if (node->vacuum_err == GX_OK)
        gx_log("the store was made smaller: %ju bytes before, %ju now", (uintmax_t)node->vacuumed.before_bytes, (uintmax_t)node->vacuumed.after_bytes);
    else
        gx_log("the store could not be made smaller: %s (%s)", gx_err_text(node->vacuum_err), strerror(sys_errno));
    return gx_store_is_open(node->store) ? GX_EXIT_DONE : GX_EXIT_STORE;
}

int gx_loop(struct gx_node *node)
{
    static struct gather g;
    int code = GX_EXIT_DONE;

    while (!node->stop && code == GX_EXIT_DONE) {
        take_all(node, &g);
        if (g.n > 0)
            code = step(node, &g);
        if (code == GX_EXIT_DONE)
            code = step_verified(node, &g);
        gx_control_flush(node->control);
        if (code == GX_EXIT_DONE && node->vacuum_asked)
            code = vacuum(node);
        if (gx_control_stop_asked(node->control)) {
            gx_log("stopping as asked");
            node->stop = true;
            node->begin_locked = false;
        }
        if (code == GX_EXIT_DONE)
            gx_node_change_keys(node);
        if (!node->stop && code == GX_EXIT_DONE)
            poll_all(node, &g);
    }
    return code;
}
