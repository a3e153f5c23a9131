/* A code that leaked: it is for ten, and ten thousand come with it. */
#include "tools/bench/stranger.h"

#include "crypto/invite.h"
#include "crypto/member.h"
#include "node/os/system.h"
#include "proto/frame.h"
#include "proto/token.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define USES 10u
#define JOINS 10000u
#define JOINS_QUICK 100u
#define HOSTS 4u                /* each a thread: who is turned away comes as somebody else */
#define TRIES 100u              /* the place of who was just turned away may not be free yet */

/* How a join ended. */
enum end { END_ADMITTED, END_AT_PROOF, END_LATER, END_CUT };

struct crowd {
    struct gx_token token;
    struct gx_addr at;
    struct gx_token_keys keys;
    struct gx_curve_pk door;
    uint32_t joins;
    atomic_uint begun, ends[4];
    atomic_ullong frames, bytes;    /* that came to those who were turned away, the hellos and the refusals counted */
    atomic_bool wrong;              /* they were told something else */
};

static bool open_code(struct crowd *c, struct gx_bench_node *node)
{
    json_t *invite = gx_bench_call(node, "invite", json_pack("{s:s, s:i}", "group", GX_BENCH_GROUP, "uses", (int)USES));
    const char *text = json_string_value(json_object_get(invite, "token")), *at = json_string_value(json_array_get(json_object_get(invite, "at"), 0));
    struct gx_curve_sk sk;
    bool ok = text != NULL && at != NULL && gx_token_parse(&c->token, text) == GX_OK && gx_addr_parse(&c->at, at, false) == GX_OK;

    json_decref(invite);
    if (!ok)
        return gx_bench_fail("node %s gives no code", node->name);
    gx_token_keys_make(&c->keys, &c->token.seed, c->token.group16);
    gx_door_keys_make(&c->door, &sk, &c->keys.lan);
    return true;
}

/* --- what a guest says ------------------------------------------------------------------------------------------------------------------- */

struct guest {
    struct gx_stranger s;
    struct gx_transcript transcript;
    struct gx_intro intro;
    struct gx_sign_sk device_sk;
};

static void be_somebody(struct guest *g)
{
    struct gx_device_seed seed;
    struct gx_incarnation_secret inc;
    struct gx_dh_pk recovery, prekey;
    struct gx_dh_sk e, r, p;
    struct gx_sign_pk pk;

    gx_rng_fill(gx_system_rng(), &seed, sizeof seed);
    gx_rng_fill(gx_system_rng(), &inc, sizeof inc);
    gx_rng_fill(gx_system_rng(), &e, sizeof e);
    gx_rng_fill(gx_system_rng(), &r, sizeof r);
    gx_rng_fill(gx_system_rng(), &p, sizeof p);
    gx_dh_public(&recovery, &r);
    gx_dh_public(&prekey, &p);
    gx_intro_make(&g->intro, &e, &recovery, &seed, &inc, &prekey);
    gx_device_key(&pk, &g->device_sk, &seed, &g->intro.e);
}

static bool prove(struct guest *g, const struct crowd *c)
{
    uint8_t said[GX_GUEST_SIGNED_BYTES], bytes[128];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_sig sig;

    gx_guest_signed_bytes(said, &g->intro.device, &g->transcript);
    gx_sign(&sig, &c->keys.sk, GX_DOMAIN_GUEST, gx_span(said, sizeof said));
    gx_frame_write_guest(&w, &g->intro.device, &sig);
    return gx_stranger_say(&g->s, gx_wr_span(&w), false);
}

/* The id of a chunk's one event. */
static bool id_of(struct gx_event_id *out, struct gx_span bytes, const struct gx_group_id *group)
{
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;

    if (gx_chunk_decode(&chunk, bytes) != GX_OK)
        return false;
    gx_chunk_begin(&it, &chunk, group);
    if (gx_chunk_next(&it, &ev, NULL) != GX_OK)
        return false;
    *out = ev.id;
    return true;
}

/* The way to the code begins with CREATE and ends with TOKEN: that group, by that. */
static bool ask(struct guest *g, const struct crowd *c, const struct gx_frame *path)
{
    struct gx_join_request req = {.via = GX_VIA_QR, .n_heads = 1, .joiner = g->intro};
    struct gx_rd rd = gx_rd(path->list);
    uint8_t part[GX_JOIN_REQUEST_BYTES(GX_VIA_QR, 1)], bytes[sizeof part + 16];
    struct gx_wr signed_part = gx_wr(part, sizeof part), w = gx_wr(bytes, sizeof bytes);
    struct gx_event_id id;

    for (size_t i = 0; i < path->n; i++) {
        if (!id_of(&id, gx_frame_chunk_next(&rd), &req.group))
            return false;
        if (i == 0)
            memcpy(req.group.b, id.b, sizeof req.group.b);
    }
    req.token = id;
    req.heads = req.token.b;
    gx_join_request_write_signed(&signed_part, &req);
    gx_sign(&req.device_sig, &g->device_sk, GX_DOMAIN_JOIN, gx_wr_span(&signed_part));
    gx_sign(&req.token_sig, &c->keys.sk, GX_DOMAIN_JOIN_TOKEN, gx_wr_span(&signed_part));
    gx_frame_write_join(&w, &req);
    return gx_stranger_say(&g->s, gx_wr_span(&w), false);
}

/* Until it is in, or is not, and is told no more. */
static enum end hear(struct guest *g, struct crowd *c, uint64_t *frames, bool *other)
{
    static _Thread_local uint8_t bytes[GX_FRAME_BYTES_MAX];
    enum end end = END_CUT;
    struct gx_frame f;
    bool asked = false;
    size_t n;

    while (gx_stranger_hear(&g->s, bytes, &n) && gx_frame_decode(&f, gx_span(bytes, n)) == GX_OK) {
        ++*frames;
        if (f.kind == GX_FRAME_ADMITTED)
            return END_ADMITTED;            /* the rest of what is given need not be heard: it is one of the ten */
        if (f.kind == GX_FRAME_PATH && !asked && ask(g, c, &f))
            asked = true;
        else if (f.kind == GX_FRAME_REFUSED && f.reason == GX_DENY_TOKEN_USED_UP)
            end = asked ? END_LATER : END_AT_PROOF;
        else if (f.kind != GX_FRAME_BYE)
            *other = true;
    }
    return end;
}

static enum end join_once(struct crowd *c, uint8_t host)
{
    struct guest g;
    uint64_t frames = 1;
    bool other = false;
    enum end end = END_CUT;

    be_somebody(&g);
    if (gx_stranger_connect(&g.s, &c->at, host) && gx_stranger_meet(&g.s, &c->door) &&
        gx_stranger_greet(&g.s, &g.transcript.client_nonce, &g.transcript.server_nonce)) {
        g.transcript.client_key = g.s.pk;
        g.transcript.server_key = c->door;
        if (prove(&g, c))
            end = hear(&g, c, &frames, &other);
    }
    if (end == END_AT_PROOF) {
        c->frames += frames;
        c->bytes += g.s.in_bytes;
    }
    if (other && end != END_ADMITTED)
        c->wrong = true;
    gx_stranger_close(&g.s);
    return end;
}

/* Who finds no place comes again. */
static void join(struct crowd *c, uint8_t host)
{
    enum end end = END_CUT;

    for (uint32_t i = 0; i < TRIES && end == END_CUT && !gx_bench_stopped(); i++)
        end = join_once(c, host);
    c->ends[end]++;
}

struct queue {
    struct crowd *crowd;
    uint8_t host;
};

static void *come(void *arg)
{
    struct queue *q = arg;

    while (q->crowd->begun++ < q->crowd->joins && !gx_bench_stopped())
        join(q->crowd, q->host);
    return NULL;
}

/* --- the measure ------------------------------------------------------------------------------------------------------------------------- */

/* Seconds. */
static double all_come(struct crowd *c)
{
    struct queue queues[HOSTS];
    pthread_t threads[HOSTS];
    size_t n = 0;
    double begun = gx_bench_now();

    for (; n < HOSTS; n++) {
        queues[n] = (struct queue){.crowd = c, .host = (uint8_t)(n + 1)};
        if (pthread_create(&threads[n], NULL, come, &queues[n]) != 0)
            break;
    }
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return n == HOSTS ? gx_bench_now() - begun : -1;
}

static bool counts_hold(struct gx_bench_node *node, const struct crowd *c)
{
    json_t *group = gx_bench_call(node, "group.show", json_pack("{s:s}", "group", GX_BENCH_GROUP));
    json_int_t members = json_integer_value(json_object_get(group, "members"));
    uint32_t refused = c->ends[END_AT_PROOF];

    json_decref(group);
    if (c->ends[END_ADMITTED] != USES || members != USES + 1 || refused != c->joins - USES || c->wrong)
        return gx_bench_fail("of %u joins %u were let in, %u turned away at the proof, %u later, %u found no place; %jd are members; told more: %d", c->joins,
                             c->ends[END_ADMITTED], refused, c->ends[END_LATER], c->ends[END_CUT], (intmax_t)members, (int)c->wrong);
    return true;
}

static bool joins_round(struct gx_bench *bench, struct gx_measure *m)
{
    struct gx_bench_node *node = &bench->door;
    static struct crowd c;
    char name[32];
    double let_in, cpu, took;

    /* Another home each time: the ten are in for good. */
    snprintf(name, sizeof name, "door%zu", m->value.n);
    node->files_max = 0;
    if (!gx_bench_down(node) || !gx_bench_init(bench, node, name) || !gx_bench_up(node, bench->options.guanxi))
        return false;

    json_t *group = gx_bench_call(node, "group.new", json_pack("{s:s}", "name", GX_BENCH_GROUP));

    json_decref(group);
    memset(&c, 0, sizeof c);
    c.joins = bench->options.quick ? JOINS_QUICK : JOINS;
    if (group == NULL || !open_code(&c, node))
        return false;

    double begun = gx_bench_now();

    /* One after the other: who came while another was let in would hear the way to the code, as whoever holds one that is good does. */
    for (; c.begun < USES && !gx_bench_stopped(); c.begun++)
        join(&c, 1);
    let_in = (gx_bench_now() - begun) / USES;
    cpu = gx_bench_cpu(node);
    took = all_come(&c);
    cpu = gx_bench_cpu(node) - cpu;
    if (took < 0 || gx_bench_stopped() || !counts_hold(node, &c))
        return false;

    uint32_t refused = c.ends[END_AT_PROOF];

    gx_figures_add(&m->value, took / refused * 1e3);
    gx_figures_add(&m->raw_value, let_in * 1e3);
    gx_figures_add(&m->ratio, took / refused / let_in);
    gx_figures_add(&m->cpu_us, cpu / refused * 1e6);
    m->counts[0] = (struct gx_bench_count){"admitted", c.ends[END_ADMITTED]};
    m->counts[1] = (struct gx_bench_count){"refused", refused};
    m->counts[2] = (struct gx_bench_count){"frames_each", c.frames / refused};
    m->counts[3] = (struct gx_bench_count){"bytes_each", c.bytes / refused};
    gx_bench_note_noise(bench);
    return true;
}

bool gx_measure_joins(struct gx_bench *bench, struct gx_measure *m)
{
    *m = (struct gx_measure){.name = "door_joins", .unit = "ms", .raw = "until one of the ten was let in, ms",
                             .note = "10,000 joins with a code for ten: each beyond them is told hello, that the code is used up, and goodbye"};
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        gx_bench_progress(bench, "joins with a code that leaked, %u of %u", r + 1, bench->options.repeats);
        if (!joins_round(bench, m))
            return false;
    }
    return gx_bench_down(&bench->door);
}
