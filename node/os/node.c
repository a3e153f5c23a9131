#include "node/os/node.h"

#include "node/os/config.h"
#include "node/os/log.h"
#include "node/os/open.h"
#include "node/os/system.h"
#include "node/os/version.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Long enough for a verb that reads the store, or for the last node to finish going. */
#define LOCK_WAIT_MS 2000u
#define VERIFY_THREADS_MAX 4u

static void set_count(json_t *dropped, const char *key, uint64_t n)
{
    if (n > 0)
        (void)json_object_set_new(dropped, key, json_integer((json_int_t)n));
}

/* What went over the wire, and what was dropped there. */
static void add_transport(const struct gx_node *node, json_t *result)
{
    json_t *dropped = json_object_get(result, "dropped");
    struct gx_transport_stats t = {0};
    struct gx_control_stats c;

    if (dropped == NULL) {
        dropped = json_object();
        (void)json_object_set_new(result, "dropped", dropped);
    }
    gx_transport_stats(node->transport, &t);
    gx_control_stats(node->control, &c);
    (void)json_object_set_new(result, "traffic", json_pack("{s:I, s:I}", "in_bytes", (json_int_t)t.in_bytes, "out_bytes", (json_int_t)t.out_bytes));
    set_count(dropped, "guest_refused", t.refused_guests);
    set_count(dropped, "session_limit", t.refused_limit);
    set_count(dropped, "send_queue", t.dropped_sends);
    set_count(dropped, "flood", t.cut_flood);
    set_count(dropped, "handshake", t.failed_handshakes);
    set_count(dropped, "control_refused", c.refused);
    set_count(dropped, "control_slow", c.slow);
    set_count(dropped, "control_busy", c.too_many);
    set_count(dropped, "control_stranger", c.strangers);
    set_count(dropped, "poison", node->poison.skipped);
}

static void add_lan(const struct gx_node *node, json_t *result)
{
    json_t *lan = json_object_get(result, "lan"), *dropped = json_object_get(result, "dropped"), *sources = json_array(), *networks = json_array();
    const char *state = "off";
    struct gx_discovery_stats s;

    if (lan == NULL) {
        lan = json_object();
        (void)json_object_set_new(result, "lan", lan);
    }
    gx_discovery_stats(node->discovery, &s);
    for (size_t i = 0; i < s.n_sources; i++) {
        char text[GX_ADDR_TEXT_BYTES];

        gx_addr_format(text, &s.sources[i]);
        (void)json_array_append_new(sources, json_string(text));
    }
    if (node->options->lan != NULL)
        state = node->discovery == NULL ? "failed" : gx_mode_text(gx_modes_most(node->options->lan));
    (void)json_object_set_new(lan, "state", json_string(state));
    for (size_t i = 0; i < s.n_networks; i++) {
        json_t *network = json_pack("{s:s, s:s}", "name", s.networks[i].name, "mode", gx_mode_text(s.networks[i].mode));

        if (s.networks[i].router[0] != 0)
            (void)json_object_set_new(network, "router", json_string(s.networks[i].router));
        (void)json_array_append_new(networks, network);
    }
    (void)json_object_set_new(lan, "sources", sources);
    (void)json_object_set_new(lan, "heard", json_integer((json_int_t)s.heard));
    (void)json_object_set_new(lan, "sent", json_integer((json_int_t)s.sent));
    (void)json_object_set_new(lan, "own", json_integer((json_int_t)s.own));
    (void)json_object_set_new(lan, "networks", networks);
    set_count(dropped, "lan_unfit", s.unfit);
    set_count(dropped, "lan_astray", s.astray);
    set_count(dropped, "lan_hasty", s.hasty);
    set_count(dropped, "lan_repeated", s.repeated);
    set_count(dropped, "lan_unsent", s.unsent);
    set_count(dropped, "lan_addresses", s.left_out);
}

static json_t *confined(const struct gx_fence *f)
{
    const struct {
        bool holds;
        const char *name;
    } parts[] = {{f->landlock, "landlock"}, {f->seccomp, "seccomp"}, {f->no_new_privs, "no_new_privs"}, {f->no_core, "no_core"}};
    json_t *list = json_array();

    for (size_t i = 0; i < GX_ARRAY_LEN(parts); i++)
        if (parts[i].holds)
            (void)json_array_append_new(list, json_string(parts[i].name));
    return list;
}

/* What the engine cannot know of this process. */
static void decorate(void *ctx, json_t *result)
{
    const struct gx_node *node = ctx;
    char listen[GX_ADDR_TEXT_BYTES];
    uint64_t now = gx_now().mono_ms;

    if (node->transport == NULL) {      /* or just unlocked, and not open yet */
        (void)json_object_set_new(result, "node",
                                  json_pack("{s:I, s:I, s:s, s:[], s:s, s:o}", "pid", (json_int_t)getpid(), "uptime_s",
                                            (json_int_t)((now - node->started_ms) / 1000), "version", GX_VERSION, "listen", "state", "locked",
                                            "confined", confined(&node->fence)));
        (void)json_object_set_new(result, "rss_bytes", json_integer((json_int_t)gx_rss_bytes()));
        return;
    }
    gx_addr_format(listen, &node->listen);
    (void)json_object_set_new(result, "node",
                              json_pack("{s:I, s:I, s:s, s:[s], s:s, s:o}", "pid", (json_int_t)getpid(), "uptime_s",
                                        (json_int_t)((now - node->started_ms) / 1000), "version", GX_VERSION,
                                        "listen", listen, "state", now < node->full_until_ms ? "full" : "ready",
                                        "confined", confined(&node->fence)));
    (void)json_object_set_new(result, "rss_bytes", json_integer((json_int_t)gx_rss_bytes()));
    add_transport(node, result);
    add_lan(node, result);
}

/* Blocked before any thread exists, so that all inherit it and only the descriptor sees them. */
static bool open_signals(struct gx_node *node, struct gx_fail *why)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    node->signal_fd = sigprocmask(SIG_BLOCK, &set, NULL) != 0 ? -1 : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return node->signal_fd >= 0 || gx_fail_errno(why, GX_EXIT_FAILED, "system", errno, "cannot watch signals");
}

static bool open_engine(struct gx_node *node, const struct gx_identity *id, struct gx_fail *why)
{
    const struct gx_home *home = node->options->home;
    uint8_t uuid[16];
    bool fresh;

    gx_rng_hedged_init(&node->rng, gx_system_rng(), &id->device_seed);
    if (!gx_open_store(&node->store, uuid, home, node->vault, &node->rng.rng, false, why) || !gx_node_settle_vault(node, why))
        return false;
    struct gx_open_engine how = {.home = home, .id = id, .old_transport_pk = &node->vault->old.pk, .store = node->store, .store_uuid = uuid, .rng = &node->rng.rng,
                                 .carry = node->options->carry,
                                 .hands = {.each = gx_verifier_each, .self = node->verifier}, .progress = gx_poison_progress(&node->poison)};
    if (!gx_open_engine(&node->engine, &fresh, &how, why))
        return false;
    if (fresh)
        gx_log("a new life of this home begins: it is new, or was restored or copied");
    return true;
}

static bool transport_fail(struct gx_fail *why, enum gx_err err, int sys_errno, const struct gx_addr *listen)
{
    char text[GX_ADDR_TEXT_BYTES];

    gx_addr_format(text, listen);
    if (err == GX_E_USAGE && sys_errno == EADDRINUSE)
        return gx_fail(why, GX_EXIT_FAILED, "listen", "choose another with --listen ADDR:PORT; port 0 picks a free one",
                       "cannot listen at %s: the port is taken", text);
    return gx_fail_errno(why, err == GX_E_USAGE ? GX_EXIT_FAILED : GX_EXIT_STORE, "listen", sys_errno, "cannot listen at %s", text);
}

static bool open_transport(struct gx_node *node, const struct gx_identity *id, struct gx_fail *why)
{
    const struct gx_home *home = node->options->home;
    const struct gx_vault *v = node->vault;
    struct gx_transport_config config = {.pk = id->transport_pk, .sk = id->transport_sk, .listen = node->options->listen};
    uint16_t kept = gx_home_port(home);
    int sys_errno = 0;

    /* Not where the key of before is answered to: a crash may have kept this from being noted. */
    if (config.listen.port == 0)
        config.preferred_port = kept == 0 ? GX_DEFAULT_PORT : kept;
    if (config.preferred_port == v->old.port)
        config.preferred_port = 0;
    enum gx_err err = gx_transport_open(&node->transport, &config, &sys_errno);
    /* A machine without IPv6. */
    if (err == GX_E_USAGE && sys_errno == EAFNOSUPPORT && config.listen.family == 6) {
        config.listen = (struct gx_addr){.family = 4, .port = config.listen.port};
        err = gx_transport_open(&node->transport, &config, &sys_errno);
    }
    gx_wipe(&config.sk, sizeof config.sk);
    if (err != GX_OK)
        return transport_fail(why, err, sys_errno, &node->options->listen);

    node->listen = config.listen;
    node->listen.port = gx_transport_port(node->transport);
    if (config.listen.port == 0 && node->listen.port != kept && gx_home_keep_port(home, node->listen.port) != GX_OK)
        gx_log("the port could not be kept: %s", strerror(errno));
    return true;
}

/* A node that finds nobody on the LAN is of use all the same. */
static bool open_lan(struct gx_node *node)
{
    struct gx_fail why;

    if (node->options->lan != NULL && !gx_discovery_open(&node->discovery, &node->listen, node->options->lan, &why))
        gx_log("%s", why.message);
    return true;
}

static bool open_poison(struct gx_node *node, struct gx_fail *why)
{
    uint8_t hash[GX_POISON_HASH];
    char hex[GX_HEX_BYTES(GX_POISON_HASH)];
    bool found;

    if (!gx_poison_open(&node->poison, &found, hash, node->options->home, why))
        return false;
    if (found) {
        gx_hex(hex, hash, sizeof hash);
        gx_log("the last run ended in the middle of a frame (hash %s): it is noted, and skipped if it does harm", hex);
    }
    return true;
}

static bool open_threads(struct gx_node *node, struct gx_fail *why)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = cores < 1 ? 1 : cores > (long)VERIFY_THREADS_MAX ? VERIFY_THREADS_MAX : (unsigned)cores;
    enum gx_err err = gx_verifier_open(&node->verifier, threads);

    return err == GX_OK || gx_fail(why, GX_EXIT_STORE, "memory", NULL, "cannot start the verifier: %s", gx_err_text(err));
}

static void tell_ready(struct gx_node *node)
{
    struct gx_node_ready ready = {.listen = node->listen, .locked = node->vault == NULL};
    char socket[GX_PATH_MAX];

    gx_home_socket_path(socket, node->options->home);
    ready.socket = socket;
    if (!ready.locked && !gx_transport_addresses(node->transport, ready.addrs, &ready.n_addrs, GX_ENDPOINT_ADDRS_MAX, node->listen.port))
        ready.n_addrs = 0;
    node->options->ready(node->options->ctx, &ready);
}

/* The home, and the socket: what there is also while it is locked.  All else lies in the home, and is opened from behind the fence. */
static bool open_first(struct gx_node *node, struct gx_fail *why)
{
    const struct gx_home *home = node->options->home;
    struct gx_control_config control = {.home = home, .decorate = decorate, .vault = gx_node_vault, .ctx = node};

    if (!gx_vault_exists(home))
        return gx_vault_missing(home, why);
    if (!gx_home_make(home, why) || !gx_lock_take(&node->lock, home, true, LOCK_WAIT_MS, why) || !open_signals(node, why) ||
        !gx_control_open(&node->control, &control, why))
        return false;
    gx_fence_close(&node->fence, home);
    return true;
}

static bool open_vault(struct gx_node *node, struct gx_fail *why)
{
    struct gx_passphrase *passphrase = node->options->passphrase;

    if (passphrase == NULL && gx_vault_asks(node->options->home)) {
        tell_ready(node);
        gx_node_wait_unlocked(node);
        return true;
    }
    bool ok = gx_vault_open(&node->vault, node->options->home, passphrase, why);
    if (passphrase != NULL)
        gx_wipe(passphrase, sizeof *passphrase);
    return ok;
}

static bool open_rest(struct gx_node *node, struct gx_fail *why)
{
    const struct gx_identity *id = &node->vault->id;

    return open_poison(node, why) && open_threads(node, why) && open_engine(node, id, why) && open_transport(node, id, why) &&
           open_lan(node);
}

/* In reverse order; what was not opened is skipped. */
static void close_all(struct gx_node *node)
{
    gx_control_close(node->control);
    gx_discovery_close(node->discovery);
    gx_transport_close(node->transport);
    gx_verifier_close(node->verifier);
    gx_engine_free(node->engine);
    gx_store_close(node->store);
    gx_vault_close(node->vault);
    gx_poison_close(&node->poison);
    if (node->signal_fd >= 0)
        close(node->signal_fd);
    gx_wipe(&node->rng, sizeof node->rng);
    gx_lock_release(&node->lock);
}

int gx_node_run(const struct gx_node_options *options, struct gx_fail *why)
{
    struct gx_node *node = gx_secret_alloc(sizeof *node);       /* the device seed is in its source of randomness */
    int code;

    if (node == NULL) {
        gx_fail(why, GX_EXIT_STORE, "memory", NULL, "out of memory");
        return GX_EXIT_STORE;
    }
    *node = (struct gx_node){.options = options, .lock = {.fd = -1}, .signal_fd = -1, .wake_ms = UINT64_MAX, .rewrap_at_ms = UINT64_MAX};
    gx_harden();
    gx_json_wipe_memory();
    node->started_ms = gx_now().mono_ms;
    bool ok = open_first(node, why) && open_vault(node, why) && (node->stop || open_rest(node, why));
    if (ok && !node->stop) {
        tell_ready(node);
        code = gx_loop(node);
        if (code != GX_EXIT_DONE)
            gx_fail(why, code, "store", "look at the disk, then: guanxi up -d", "the store failed twice in a row");
    } else {
        code = ok ? GX_EXIT_DONE : why->code;
    }
    close_all(node);
    if (code == GX_EXIT_DONE && node->begin_locked)
        code = GX_KEEPER_AGAIN;         /* with the process goes all that was in its memory, in registers, on stacks, and in what libraries keep */
    gx_secret_free(node);
    return code;
}
