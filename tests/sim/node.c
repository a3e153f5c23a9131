/* Nodes: the engine and its store, steps and their effects, what its person asks. */
#include "store/wrap.h"
#include "tests/sim/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct gx_time sim_time(const struct gx_sim *sim, const struct sim_node *node)
{
    return (struct gx_time){.mono_ms = SIM_MONO_MS + sim->now_ms, .wall_ms = SIM_WALL_MS + sim->now_ms + (uint64_t)node->skew_ms};
}

/* --- steps ---------------------------------------------------------------------------------------------------------------------------------- */

void sim_push(struct gx_sim *sim, uint32_t i, struct gx_input in, struct sim_frame *frame)
{
    struct sim_node *node = &sim->nodes[i];

    GX_ASSERT(node->up);
    node->inbox = sim_grow(node->inbox, &node->cap_inbox, node->n_inbox, sizeof *node->inbox);
    node->inbox[node->n_inbox++] = (struct sim_input){.in = in, .frame = frame};
    if (!node->listed) {
        node->listed = true;
        sim->busy[sim->n_busy++] = i;
    }
}

static void inbox_clear(struct sim_node *node)
{
    for (uint32_t k = 0; k < node->n_inbox; k++)
        free(node->inbox[k].frame);
    node->n_inbox = 0;
}

static void door_open(struct gx_sim *sim, uint32_t i, const struct gx_effect *ef)
{
    struct sim_node *node = &sim->nodes[i];
    struct sim_door *door = NULL;

    node->doors = sim_grow(node->doors, &node->cap_doors, node->n_doors, sizeof *node->doors);
    door = &node->doors[node->n_doors++];
    *door = (struct sim_door){.number = ef->door, .port = ef->port != 0 ? ef->port : node->next_port++, .pk = ef->door_pk};
    sim_push(sim, i, (struct gx_input){.kind = GX_IN_DOOR, .door = ef->door, .n_addrs = 1}, NULL);
    node->inbox[node->n_inbox - 1].addr = sim_addr(sim, i, door->port);
}

static void door_close(struct sim_node *node, uint32_t number)
{
    for (uint32_t k = 0; k < node->n_doors; k++)
        if (node->doors[k].number == number && number != 0)
            node->doors[k] = node->doors[--node->n_doors];
}

static void say(struct sim_node *node, const char *key, const char *text, uint64_t number)
{
    size_t n = (key == NULL ? 0 : strlen(key)) + (text == NULL ? 20 : strlen(text)) + 3;

    if (node->n_values + n > node->cap_values) {
        node->cap_values = 2 * (node->n_values + n);
        node->values = realloc(node->values, node->cap_values);
        GX_ASSERT(node->values != NULL);
    }
    node->n_values += (size_t)(text != NULL ? snprintf(node->values + node->n_values, n + 1, "%s=%s\n", key == NULL ? "" : key, text)
                                            : snprintf(node->values + node->n_values, n + 1, "%s=%" PRIu64 "\n", key == NULL ? "" : key, number));
}

static void answered(struct gx_sim *sim, uint32_t i, const struct gx_effect *ef)
{
    struct sim_node *node = &sim->nodes[i];
    const struct gx_answer *a = ef->answer;

    sim->counts.closed += a->name != NULL && strcmp(a->name, "qr_closed") == 0;
    if (ef->client != node->client)
        return;
    if (node->sending && a->err == GX_OK)
        sim_sent(sim, i, a);
    node->n_values = 0;
    for (size_t k = 0; k < a->n; k++)
        if (a->values[k].kind == GX_VALUE_TEXT || a->values[k].kind == GX_VALUE_NUMBER || a->values[k].kind == GX_VALUE_BOOL)
            say(node, a->values[k].key, a->values[k].kind == GX_VALUE_TEXT ? a->values[k].text : NULL, a->values[k].number);
    node->reply = (struct gx_sim_reply){.done = true, .ok = a->exit_code == 0, .exit_code = a->exit_code, .values = node->n_values == 0 ? "" : node->values};
    snprintf(node->reply.error, sizeof node->reply.error, "%s", a->name == NULL ? "" : a->name);
}

void sim_say_listening(struct gx_sim *sim, uint32_t i, enum gx_input_kind kind)
{
    struct sim_node *node = &sim->nodes[i];

    sim_push(sim, i, (struct gx_input){.kind = kind, .peer_key = node->config.transport_pk, .n_addrs = 1}, NULL);
    node->inbox[node->n_inbox - 1].addr = sim_addr(sim, i, node->own_door.port);
}

/* A door of its own for it; the one of before stays, and for longer than a world lasts. */
static void another_key(struct gx_sim *sim, uint32_t i)
{
    struct sim_node *node = &sim->nodes[i];
    struct gx_dh_sk sk;

    if (node->own_door_before.port != 0)
        return;
    node->config.old_transport_pk = node->config.transport_pk;
    gx_rng_fill(&node->store_rng.rng, sk.b, sizeof sk.b);
    gx_dh_public((struct gx_dh_pk *)(void *)&node->config.transport_pk, &sk);
    node->own_door_before = node->own_door;
    node->own_door = (struct sim_door){.number = 0, .port = SIM_DOOR_PORT + 1, .pk = node->config.transport_pk};
    node->doors = sim_grow(node->doors, &node->cap_doors, node->n_doors, sizeof *node->doors);
    node->doors[node->n_doors++] = node->own_door;
    sim->counts.transport_keys++;
    sim_say_listening(sim, i, GX_IN_TRANSPORT_KEY);
}

static void noted(struct sim_node *node, const struct gx_answer *a)
{
    for (size_t k = 0; k < a->n; k++)
        if (a->values[k].kind == GX_VALUE_TEXT && a->values[k].key != NULL && strcmp(a->values[k].key, "code") == 0)
            snprintf(node->digits, sizeof node->digits, "%s", a->values[k].text);
}

static void carry_out(struct gx_sim *sim, uint32_t i, const struct gx_effect *ef)
{
    struct sim_node *node = &sim->nodes[i];

    switch (ef->kind) {
    case GX_OUT_SEND:
        if (!sim_liar_sends(sim, i, ef))
            sim_send(sim, i, ef);
        break;
    case GX_OUT_CONNECT:
        sim_connect(sim, i, ef);
        break;
    case GX_OUT_DISCONNECT:
        sim_disconnect(sim, i, ef->session);
        break;
    case GX_OUT_DOOR_OPEN:
        door_open(sim, i, ef);
        break;
    case GX_OUT_DOOR_CLOSE:
        door_close(node, ef->door);
        break;
    case GX_OUT_VERIFY:
        sim_push(sim, i, (struct gx_input){.kind = GX_IN_VERIFIED, .ticket = ef->ticket, .ok = gx_verify(ef->pk, ef->domain, ef->bytes, ef->sig)}, NULL);
        break;
    case GX_OUT_ANSWER:
        answered(sim, i, ef);
        break;
    case GX_OUT_WAKE:
        node->wake_ms = ef->wake_mono_ms;
        if (node->wake_ms != 0)
            sim_at(sim, node->wake_ms < SIM_MONO_MS ? 0 : node->wake_ms - SIM_MONO_MS, (struct sim_event){.kind = SIM_WAKE, .a = i, .number = node->wake_ms});
        break;
    case GX_OUT_TRANSPORT_KEY:
        another_key(sim, i);
        break;
    case GX_OUT_BEACON:
    case GX_OUT_DATAGRAM:
        sim_say_on_lan(sim, i, ef);
        break;
    case GX_OUT_NOTE:
        noted(node, ef->answer);
        break;
    case GX_OUT_VACUUM:         /* nobody asks for it here */
    case GX_OUT_NAME:
    case GX_OUT_LOG:
        break;
    }
}

static void trace_number(struct gx_sim *sim, uint64_t n)
{
    uint8_t b[8];

    for (int k = 0; k < 8; k++)
        b[k] = (uint8_t)(n >> 8 * k);
    gx_hash_add(&sim->trace, b, sizeof b);
}

static void trace_inputs(struct gx_sim *sim, uint32_t i, const struct gx_input *list, size_t n)
{
    trace_number(sim, sim->now_ms);
    trace_number(sim, i);
    trace_number(sim, n);
    for (size_t k = 0; k < n; k++) {
        trace_number(sim, list[k].kind);
        trace_number(sim, list[k].session + list[k].ticket + list[k].ok);
        trace_number(sim, list[k].bytes.n);
        if (list[k].bytes.n > 0)
            gx_hash_add(&sim->trace, list[k].bytes.p, list[k].bytes.n);
    }
}

static void count_met(struct gx_sim *sim, struct sim_node *node)
{
    sim->counts.compared_same += node->engine->compared_same - node->compared_same;
    sim->counts.compared_parts += node->engine->compared_parts - node->compared_parts;
    node->compared_same = node->engine->compared_same;
    node->compared_parts = node->engine->compared_parts;
    sim->counts.met_by_gate += node->engine->met_by_gate - node->met_by_gate;
    sim->counts.met_by_gate_zero += node->engine->met_by_gate_zero - node->met_by_gate_zero;
    node->met_by_gate = node->engine->met_by_gate;
    node->met_by_gate_zero = node->engine->met_by_gate_zero;
}

void sim_step(struct gx_sim *sim, uint32_t i)
{
    struct sim_node *node = &sim->nodes[i];
    struct gx_input list[GX_STEP_INPUTS_MAX];
    struct sim_frame *frames[GX_STEP_INPUTS_MAX];
    size_t n = 0;
    struct gx_effects effects;

    if (!node->up || node->paused || node->n_inbox == 0)
        return;
    for (; n < node->n_inbox && n < GX_STEP_INPUTS_MAX; n++) {
        struct sim_input *in = &node->inbox[n];

        list[n] = in->in;
        list[n].now = sim_time(sim, node);
        if (in->frame != NULL)
            list[n].bytes = gx_span(in->frame->bytes, in->frame->n);
        if (in->in.n_addrs > 0)
            list[n].addrs = &in->addr;
        frames[n] = in->frame;
    }
    trace_inputs(sim, i, list, n);
    sim->counts.steps++;
    sim->counts.inputs += n;

    sim_measure_took(sim, i, list, n);
    sim_memo_use(sim);

    enum gx_err err = gx_engine_step(node->engine, &effects, list, n);

    if (err == GX_E_FULL && node->full) {
        sim->counts.full_steps++;       /* the real node goes on too: later steps may work */
    } else if (err != GX_OK) {
        sim->ran_full = sim->ran_full || !gx_sim_has_room(sim->dir);
        sim_violated(sim, GX_SIM_STEP, i, "a step failed: %s", gx_err_text(err));
    }
    for (size_t k = 0; k < n; k++)
        free(frames[k]);
    node->n_inbox -= (uint32_t)n;
    memmove(node->inbox, node->inbox + n, node->n_inbox * sizeof *node->inbox);
    if (node->n_inbox == 0 && node->cap_inbox > SIM_INBOX_KEPT) {
        free(node->inbox);
        node->inbox = NULL;
        node->cap_inbox = 0;
    }
    if (node->crash_in > 0 && --node->crash_in == 0) {
        sim->counts.crashes_at_commit++;
        sim_mark(sim, i, "crash between commit and effects");
        sim_close(sim, i);
        return;
    }
    for (size_t k = 0; k < effects.n; k++)
        carry_out(sim, i, &effects.list[k]);
    count_met(sim, node);
    sim_measure_step(sim, i);
    sim_removal_step(sim, i);
    sim_look(sim, i);
    if (node->n_inbox > 0 && !node->listed) {
        node->listed = true;
        sim->busy[sim->n_busy++] = i;
    }
}

/* --- up and down ------------------------------------------------------------------------------------------------------------------------------ */

const char *gx_sim_node_name(const struct gx_sim *sim, uint32_t node)
{
    return sim->nodes[node].config.name;
}

bool gx_sim_is_up(const struct gx_sim *sim, uint32_t node)
{
    return sim->nodes[node].up;
}

/* Only what was written: the map is much longer, and a tmpfs keeps no page for the rest. */
static bool copy_data(int from, int to)
{
    char bytes[65536];
    off_t at = 0, hole = 0, size = lseek(from, 0, SEEK_END);
    ssize_t n = 1;

    if (size < 0 || ftruncate(to, size) != 0)
        return false;
    while (n > 0 && (at = lseek(from, hole, SEEK_DATA)) >= 0 && (hole = lseek(from, at, SEEK_HOLE)) > at)
        for (; at < hole && n > 0; at += n) {
            n = pread(from, bytes, hole - at < (off_t)sizeof bytes ? (size_t)(hole - at) : sizeof bytes, at);
            n = n > 0 && pwrite(to, bytes, (size_t)n, at) == n ? n : 0;
        }
    return n > 0;
}

static bool copy(const char *from_dir, const char *from_name, const char *to_dir, const char *to_name)
{
    char from_path[256], to_path[256];
    int from = 0, to = 0;
    bool ok = false;

    snprintf(from_path, sizeof from_path, "%s/%s", from_dir, from_name);
    snprintf(to_path, sizeof to_path, "%s/%s", to_dir, to_name);
    from = open(from_path, O_RDONLY | O_CLOEXEC);
    to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = from >= 0 && to >= 0 && copy_data(from, to);
    if (from >= 0)
        close(from);
    return (to < 0 || close(to) == 0) && ok;
}

static void empty_dir(const struct gx_sim *sim, char out[160])
{
    snprintf(out, 160, "%s/" SIM_EMPTY, sim->dir);
}

/* A new store is made once, and its file copied: opening an environment takes a millisecond, most of it the kernel's, and making a store takes two. */
bool sim_make_empty(struct gx_sim *sim)
{
    struct gx_store_options options = {.create = true, .volatile_store = true};
    struct gx_store *store = NULL;
    char dir[160];
    int sys = 0;

    empty_dir(sim, dir);
    if (mkdir(dir, 0700) != 0 || gx_store_open(&store, dir, &options, &sys) != GX_OK)
        return false;
    gx_store_close(store);
    return true;
}

bool sim_make_store(struct gx_sim *sim, uint32_t i)
{
    char empty[160];

    empty_dir(sim, empty);
    return copy(empty, GX_STORE_FILE, sim->nodes[i].dir, GX_STORE_FILE);
}

/* What a node does each day, here at each start: what lies in its store is sealed under other keys from now on. */
static bool change_keys(struct sim_node *node)
{
    struct gx_root_key next;

    gx_rng_fill(&node->store_rng.rng, next.b, sizeof next.b);
    if (gx_store_rewrap(node->store, &next) != GX_OK)
        return false;
    node->root = next;
    return true;
}

bool sim_open(struct gx_sim *sim, uint32_t i)
{
    struct sim_node *node = &sim->nodes[i];
    struct gx_store_options options = {.volatile_store = true, .writemap = !sim->options.no_writemap, .map_bytes = SIM_MAP_BYTES};
    int sys = 0;

    sim_memo_use(sim);
    options.roots = &node->root;
    options.n_roots = 1;
    options.rng = &node->store_rng.rng;
    if (gx_store_open(&node->store, node->dir, &options, &sys) != GX_OK)
        return false;
    if (node->life > 0 && !change_keys(node)) {
        gx_store_close(node->store);
        return false;
    }
    node->config.store = node->store;
    node->config.rng = &node->rng.rng;
    if (gx_engine_new(&node->engine, &node->config, sim_time(sim, node)) != GX_OK) {
        gx_store_close(node->store);
        return false;
    }
    if (node->full)
        sim_disk_limit(sim, i);
    node->paused = false;
    node->up = true;
    node->life++;
    node->wake_ms = node->compared_same = node->compared_parts = node->met_by_gate = node->met_by_gate_zero = 0;
    node->next_port = 20000;
    if (node->own_door.port == 0)
        node->own_door = (struct sim_door){.number = 0, .port = SIM_DOOR_PORT, .pk = node->config.transport_pk};
    node->n_doors = 0;
    for (int before = 0; before < 2; before++) {
        const struct sim_door *door = before ? &node->own_door_before : &node->own_door;

        node->doors = sim_grow(node->doors, &node->cap_doors, node->n_doors, sizeof *node->doors);
        if (door->port != 0)
            node->doors[node->n_doors++] = *door;
    }
    sim_say_listening(sim, i, GX_IN_LISTENING);
    sim_lan_begin(sim, i);
    sim_push(sim, i, (struct gx_input){.kind = GX_IN_TIMER}, NULL);
    return true;
}

void sim_close(struct gx_sim *sim, uint32_t i)
{
    struct sim_node *node = &sim->nodes[i];

    sim_net_gone(sim, i);
    node->up = false;
    node->crash_in = 0;
    inbox_clear(node);
    gx_engine_free(node->engine);
    gx_store_close(node->store);
    node->engine = NULL;
    node->store = NULL;
}

void gx_sim_crash(struct gx_sim *sim, uint32_t node)
{
    if (!sim->nodes[node].up)
        return;
    sim->counts.crashes++;
    sim_mark(sim, node, "crash");
    sim_close(sim, node);
    sim_settle(sim);
}

void gx_sim_crash_at(struct gx_sim *sim, uint32_t node, uint32_t n)
{
    sim->nodes[node].crash_in = sim->nodes[node].up ? n : 0;
}

void gx_sim_save(struct gx_sim *sim, uint32_t node)
{
    GX_ASSERT(!sim->nodes[node].up);
    GX_ASSERT(copy(sim->nodes[node].dir, GX_STORE_FILE, sim->nodes[node].dir, "saved"));
    sim->nodes[node].saved_root = sim->nodes[node].root;
    sim->nodes[node].saved = true;
}

void gx_sim_start(struct gx_sim *sim, uint32_t i, enum gx_sim_store which)
{
    static const char *const with[] = {[GX_SIM_SAME] = "its own", [GX_SIM_SAVED] = "an old", [GX_SIM_EMPTY] = "an empty"};
    struct sim_node *node = &sim->nodes[i];

    if (node->up)
        return;
    if (which == GX_SIM_SAVED && !node->saved)
        which = GX_SIM_SAME;
    sim_mark(sim, i, "restart with %s store", with[which]);
    if (which == GX_SIM_SAVED) {
        GX_ASSERT(copy(node->dir, "saved", node->dir, GX_STORE_FILE));
        node->root = node->saved_root;
        sim->counts.restored++;
    } else if (which == GX_SIM_EMPTY) {
        GX_ASSERT(sim_make_store(sim, i));
        sim->counts.emptied++;
    }
    if (which != GX_SIM_SAME) {
        node->lost_ms = sim->now_ms;
        gx_rng_fill(&node->rng.rng, node->config.incarnation.b, sizeof node->config.incarnation.b);
    }
    if (!sim_open(sim, i)) {
        sim_violated(sim, GX_SIM_STORE, i, "its store does not open again");
        return;
    }
    sim_started(sim, i);
    sim_settle(sim);
}

void gx_sim_skew(struct gx_sim *sim, uint32_t node, int64_t ms)
{
    sim_mark(sim, node, "clock off by %+" PRId64 " s", ms / 1000);
    sim->nodes[node].skew_ms = ms;
}

void gx_sim_heal(struct gx_sim *sim)
{
    gx_sim_heal_but(sim, SIM_NONE);
}

void gx_sim_heal_but(struct gx_sim *sim, uint32_t away)
{
    sim_measure_heal(sim, away);
    sim_liars_end(sim);
    sim_faults_end(sim);
    memset(sim->cut, 0, sizeof sim->cut);
    for (uint32_t a = 0; a < GX_SIM_ISLANDS_MAX; a++)
        for (uint32_t b = 0; b < GX_SIM_ISLANDS_MAX; b++)
            sim->links[a][b].loss_ppm = 0;
    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        sim->nodes[i].skew_ms = 0;
        sim->nodes[i].crash_in = 0;
        if (i != away)
            gx_sim_start(sim, i, GX_SIM_SAME);
    }
    sim_measure_healed(sim);
}

/* --- people ------------------------------------------------------------------------------------------------------------------------------------ */

void sim_order(struct gx_sim *sim, uint32_t i, const struct gx_command *cmd)
{
    sim_push(sim, i, (struct gx_input){.kind = GX_IN_COMMAND, .client = UINT64_MAX, .command = cmd}, NULL);
    while (sim->nodes[i].up && sim->nodes[i].n_inbox > 0)
        sim_step(sim, i);
}

bool gx_sim_ask(struct gx_sim *sim, struct gx_sim_reply *reply, uint32_t i, struct gx_command cmd, uint64_t wait_ms)
{
    struct sim_node *node = &sim->nodes[i];
    uint64_t end = sim->now_ms + wait_ms;

    *reply = (struct gx_sim_reply){.values = ""};
    if (!node->up || node->paused)
        return false;
    cmd.request = ++node->client;
    node->sending = cmd.method == GX_CMD_SEND;
    if (cmd.near != NULL)
        snprintf(node->typed, sizeof node->typed, "%s", cmd.near);
    node->reply = *reply;
    sim_measure_asked(sim, cmd.method);
    sim_push(sim, i, (struct gx_input){.kind = GX_IN_COMMAND, .client = node->client, .command = &cmd}, NULL);
    /* The strings are the caller's: the command is taken now, and what waits with it. */
    while (node->up && node->n_inbox > 0)
        sim_step(sim, i);
    sim_settle(sim);
    while (!node->reply.done && sim->now_ms < end)
        gx_sim_run(sim, end - sim->now_ms < 10 ? end - sim->now_ms : 10);
    *reply = node->reply;
    return reply->ok;
}

const char *gx_sim_digits(const struct gx_sim *sim, uint32_t node)
{
    return sim->nodes[node].digits[0] == 0 ? NULL : sim->nodes[node].digits;
}

bool gx_sim_value(const struct gx_sim_reply *reply, char *out, size_t cap, const char *key)
{
    size_t n = strlen(key);

    for (const char *at = reply->values; at != NULL && *at != 0; at = strchr(at, '\n'), at += at != NULL) {
        size_t rest = strcspn(at, "\n");

        if (rest <= n || memcmp(at, key, n) != 0 || at[n] != '=')
            continue;
        if (rest - n - 1 >= cap)
            return false;
        memcpy(out, at + n + 1, rest - n - 1);
        out[rest - n - 1] = 0;
        return true;
    }
    return false;
}
