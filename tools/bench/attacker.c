/* A member that lies as fast as it can.  Its home is a real one that joined the group, and its node is down: engine and transport run here, in a process of
 * their own, and greet as they are.  What is said on a session once both sides proved who they are is not the engine's. */
#include "tools/bench/attacked.h"

#include "node/engine/internal.h"
#include "node/os/open.h"
#include "node/os/system.h"
#include "node/os/transport.h"
#include "tests/blind.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORGED 400u             /* events in a chain whose signatures do not hold: a frame full of chunks of one */
#define UNKNOWN_LOGS 64u        /* that nobody ever opened, and it claims to have */
#define BURST 64u               /* frames to one session before what came in is looked at */
#define AGAIN_MS 100u           /* it connects anew at most so often, */
#define PATIENT_MS 1000u        /* so long it claims no faster than it is listened to: who is cut before it is asked was not believed */
#define DOUBT_MS 500u           /* and gives up a session on which the other side proves nothing in this time */
#define SESSIONS_MAX 16u
#define NICE 19                 /* its own work is not what is measured */

struct liar {
    enum gx_attack how;
    struct gx_attack_seen *seen;
    struct gx_vault *vault;
    struct gx_store *store;
    struct gx_engine *engine;
    struct gx_transport *transport;
    struct gx_input inputs[GX_STEP_INPUTS_MAX];
    struct gx_input verified[GX_VERIFIES_MAX];      /* not told to the engine yet */
    size_t n_verified;
    struct gx_input gone[SESSIONS_MAX];         /* sessions that it gave up */
    size_t n_gone;
    uint64_t wake_ms, again_ms;
    bool listening;
    uint8_t bytes[GX_FRAME_BYTES_MAX], other[GX_FRAME_BYTES_MAX];
    uint8_t forged[FORGED * 400u];              /* chunks behind their lengths */
    size_t n_forged;
};

/* --- what it says ------------------------------------------------------------------------------------------------------------------------- */

/* Its own messages, each in its place behind the one before; but the signatures do not hold. */
static void forge(struct liar *l, struct gx_group *g)
{
    const struct gx_log_row *row = &g->logs[g->own_messages].row;
    static uint8_t room[BLIND_BYTES], text[256];
    struct gx_wr out = gx_wr(l->forged, sizeof l->forged);
    struct gx_body body = {.type = GX_EV_TEXT, .u.text = {.wall_ms = 1, .text = gx_span((const uint8_t *)"word", 4)}};
    struct gx_wr w = gx_wr(text, sizeof text);
    struct gx_event ev = {.ver = GX_EVENT_VERSION, .type = GX_EV_TEXT, .group = g->row.id, .log = row->id, .prev = row->head_id};
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    blind(&body, room);
    gx_body_encode(&w, &body);
    ev.body = gx_wr_span(&w);
    gx_device_key(&pk, &sk, &l->vault->id.device_seed, &g->row.intro.e);
    for (uint32_t i = 0; i < FORGED; i++) {
        uint8_t chunk[400];
        struct gx_wr c = gx_wr(chunk, sizeof chunk);

        ev.seq = row->head_seq + 1u + i;
        ev.tick = g->max_tick + 1 + i;
        gx_event_seal(&ev, &sk);
        ev.sig.b[0] ^= 1;
        gx_chunk_write_header(&c, &row->id, (uint32_t)ev.seq, &ev.prev, 1);
        gx_record_encode(&c, &ev);
        gx_wr_u32(&out, (uint32_t)c.n);
        gx_wr_bytes(&out, chunk, c.n);
        ev.prev = ev.id;
    }
    GX_ASSERT(!out.failed);
    l->n_forged = out.n;
}

static struct gx_span say_forged(struct liar *l, const struct gx_channel *c)
{
    struct gx_wr w = gx_wr(l->bytes, sizeof l->bytes);
    struct gx_frame_list list = gx_frame_begin_chunks(&w, c->number, GX_CHUNKS_PUSH);
    struct gx_rd rd = gx_rd(gx_span(l->forged, l->n_forged));

    for (uint32_t i = 0; i < FORGED; i++) {
        uint32_t n = gx_rd_u32(&rd);

        if (w.cap - w.n < n + 4u)
            break;
        gx_frame_put_chunk(&w, &list, gx_rd_span(&rd, n));
    }
    gx_frame_end(&w, &list);
    return gx_wr_span(&w);
}

/* All messages, or all control events, as if it had none. */
static struct gx_span say_wants(struct liar *l, const struct gx_group *g, const struct gx_channel *c, bool control)
{
    uint8_t *bytes = control ? l->other : l->bytes;
    struct gx_wr w = gx_wr(bytes, GX_FRAME_BYTES_MAX);
    struct gx_frame_list list = gx_frame_begin_want(&w, c->number, control ? GX_WANT_CONTROL : GX_WANT_MESSAGES, GX_WANT_CHUNKS_MAX);

    for (uint32_t i = 0; i < g->n_logs && !control; i++) {
        struct gx_want_entry entry = {.from_seq = 1};

        memcpy(entry.tag.b, g->logs[i].row.id.b, sizeof entry.tag.b);
        if (g->logs[i].row.cls == GX_LOG_MESSAGES)
            gx_frame_put_want(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    return gx_wr_span(&w);
}

/* It has everything that there will ever be of the logs, and some that nobody opened. */
static struct gx_span say_claims(struct liar *l, const struct gx_group *g, const struct gx_channel *c)
{
    struct gx_wr w = gx_wr(l->bytes, sizeof l->bytes);
    struct gx_frame_list list = gx_frame_begin_frontier(&w, c->number, 0, NULL, NULL);

    for (uint32_t i = 0; i < g->n_logs + UNKNOWN_LOGS; i++) {
        struct gx_frontier_entry entry = {.seq = GX_EVENT_SEQ_MAX};

        gx_rng_fill(gx_system_rng(), entry.check, sizeof entry.check);
        if (i < g->n_logs)
            memcpy(entry.tag.b, g->logs[i].row.id.b, sizeof entry.tag.b);
        else
            gx_rng_fill(gx_system_rng(), entry.tag.b, sizeof entry.tag.b);
        gx_frame_put_frontier(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    return gx_wr_span(&w);
}

/* As many as the line takes. */
static void flood(struct liar *l, struct gx_session *s, struct gx_group *g, const struct gx_channel *c)
{
    struct gx_span frames[2] = {{0}};
    struct gx_transport_stats before, now;
    bool patient = l->how == GX_ATTACK_CLAIMS && gx_now().mono_ms < c->started_ms + PATIENT_MS;

    frames[0] = l->how == GX_ATTACK_SIGNATURES ? say_forged(l, c) : l->how == GX_ATTACK_WANTS ? say_wants(l, g, c, false) : say_claims(l, g, c);
    frames[1] = l->how == GX_ATTACK_WANTS ? say_wants(l, g, c, true) : frames[0];
    for (uint32_t i = 0; i < (patient ? 1u : BURST); i++) {
        gx_transport_stats(l->transport, &before);
        gx_transport_do(l->transport, &(struct gx_effect){.kind = GX_OUT_SEND, .session = s->id, .bytes = frames[i % 2]});
        gx_transport_stats(l->transport, &now);
        if (now.out_bytes == before.out_bytes)
            break;
        l->seen->frames++;
        l->seen->bytes += now.out_bytes - before.out_bytes;
    }
}

/* --- being a node ---------------------------------------------------------------------------------------------------------------------------- */

static bool be_open(struct liar *l, struct gx_bench_node *node)
{
    struct gx_transport_config config = {.listen = {.family = 4, .ip = {127, 0, 0, 1}}, .preferred_port = gx_home_port(&node->home)};
    struct gx_fail why;
    uint8_t uuid[16];
    bool fresh;
    int sys = 0;

    if (!gx_vault_open(&l->vault, &node->home, NULL, &why) || !gx_open_store(&l->store, uuid, &node->home, l->vault, gx_system_rng(), false, &why))
        return gx_bench_fail("%s", why.message);
    struct gx_open_engine how = {.home = &node->home, .id = &l->vault->id, .store = l->store, .store_uuid = uuid, .rng = gx_system_rng()};
    config.pk = l->vault->id.transport_pk;
    config.sk = l->vault->id.transport_sk;
    if (!gx_open_engine(&l->engine, &fresh, &how, &why))
        return gx_bench_fail("%s", why.message);
    return gx_transport_open(&l->transport, &config, &sys) == GX_OK || gx_bench_fail("no transport: %s", strerror(sys));
}

static void carry_out(struct liar *l, const struct gx_effects *effects)
{
    for (size_t i = 0; i < effects->n; i++) {
        const struct gx_effect *e = &effects->list[i];

        if (e->kind == GX_OUT_WAKE)
            l->wake_ms = e->wake_mono_ms;
        else if (e->kind == GX_OUT_VERIFY)
            l->verified[l->n_verified++] = (struct gx_input){.kind = GX_IN_VERIFIED, .ticket = e->ticket, .ok = gx_verify(e->pk, e->domain, e->bytes, e->sig)};
        else
            gx_transport_do(l->transport, e);
    }
}

static bool step(struct liar *l)
{
    static struct gx_addr own;
    struct gx_time now = gx_now();
    struct gx_effects effects = {0};
    size_t n = 0, told = 0;

    if (!l->listening) {
        size_t n_own = 0;

        if (!gx_transport_addresses(l->transport, &own, &n_own, 1, gx_transport_port(l->transport)))
            return false;
        l->inputs[n++] = (struct gx_input){.kind = GX_IN_LISTENING, .now = now, .n_addrs = n_own, .addrs = &own};
        l->listening = true;
    }
    if (now.mono_ms >= l->wake_ms) {
        l->wake_ms = UINT64_MAX;
        l->inputs[n++] = (struct gx_input){.kind = GX_IN_TIMER, .now = now};
    }
    for (; told < l->n_verified && n < GX_STEP_INPUTS_MAX / 2; told++) {
        l->inputs[n] = l->verified[told];
        l->inputs[n++].now = now;
    }
    memmove(l->verified, l->verified + told, (l->n_verified - told) * sizeof l->verified[0]);
    l->n_verified -= told;
    for (; l->n_gone > 0; l->n_gone--)
        l->inputs[n++] = l->gone[l->n_gone - 1];
    n += gx_transport_take(l->transport, l->inputs + n, GX_STEP_INPUTS_MAX - n, GX_STEP_BYTES_MAX, now);
    if (n == 0)
        return true;

    enum gx_err err = gx_engine_step(l->engine, &effects, l->inputs, n);

    carry_out(l, &effects);
    return err == GX_OK || gx_bench_fail("the attacker's engine: %s", gx_err_text(err));
}

/* Whom it is not let in by is asked again and again. */
static void press(struct liar *l)
{
    struct gx_time now = gx_now();

    if (now.mono_ms < l->again_ms)
        return;
    l->again_ms = now.mono_ms + AGAIN_MS;
    for (uint32_t i = 0; i < l->engine->n_sessions && l->n_gone < SESSIONS_MAX; i++) {
        const struct gx_session *s = l->engine->sessions[i];

        if (s->n_channels == 0 || gx_channel_shared(&s->channels[0]) || now.mono_ms < s->since_ms + DOUBT_MS)
            continue;
        gx_transport_do(l->transport, &(struct gx_effect){.kind = GX_OUT_DISCONNECT, .session = s->id});
        l->gone[l->n_gone++] = (struct gx_input){.kind = GX_IN_SESSION_DOWN, .now = now, .session = s->id};
    }
    l->engine->now = now;
    gx_targets_hurry(l->engine);
    l->wake_ms = now.mono_ms;
}

static void attack(struct liar *l)
{
    for (uint32_t i = 0; i < l->engine->n_sessions; i++) {
        struct gx_session *s = l->engine->sessions[i];

        for (uint32_t k = 0; k < s->n_channels; k++) {
            struct gx_group *g = gx_group_by_gnum(l->engine, s->channels[k].group);

            if (g == NULL || !gx_channel_shared(&s->channels[k]))
                continue;
            if (l->n_forged == 0)
                forge(l, g);
            flood(l, s, g, &s->channels[k]);
        }
    }
}

static void be_liar(struct gx_bench_node *node, enum gx_attack how, struct gx_attack_seen *seen)
{
    struct liar *l = calloc(1, sizeof *l);

    if (l == NULL || nice(NICE) < 0 || !be_open(l, node))
        _exit(1);
    l->how = how;
    l->seen = seen;
    while (step(l)) {
        zmq_pollitem_t items[GX_TRANSPORT_ITEMS];

        attack(l);
        press(l);
        (void)zmq_poll(items, (int)gx_transport_items(l->transport, items, GX_ARRAY_LEN(items)), l->n_verified > 0 ? 0 : 1);
    }
    _exit(1);
}

bool gx_attack_begin(struct gx_attacker *out, struct gx_bench_node *node, enum gx_attack how)
{
    pid_t parent = getpid();

    *out = (struct gx_attacker){.seen = mmap(NULL, sizeof *out->seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
    if (out->seen == MAP_FAILED)
        return gx_bench_fail("no memory");
    out->pid = fork();
    if (out->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            be_liar(node, how, out->seen);
        _exit(1);
    }
    return out->pid > 0 || gx_bench_fail("no process");
}

bool gx_attack_end(struct gx_attacker *a, struct gx_attack_seen *seen)
{
    int status = 0;
    bool ran = false;

    if (a->pid > 0) {
        kill(a->pid, SIGKILL);
        ran = waitpid(a->pid, &status, 0) == a->pid && WIFSIGNALED(status);
    }
    *seen = *a->seen;
    (void)munmap(a->seen, sizeof *a->seen);
    return ran || gx_bench_fail("the attacker gave up");
}
