/* The measures.  Each interleaves the work and its raw cost as finely as it can, and takes their ratio once a repeat. */
#include "tools/bench/bench.h"

#include <stdio.h>

#define SLICE 3000u             /* sends between two looks at the raw cost */
#define SLICE_SIGNS 1000u

void gx_bench_note_noise(struct gx_bench *bench)
{
    if (bench->two_threads.n < GX_BENCH_REPEATS_MAX)
        gx_figures_add(&bench->two_threads, gx_raw_two_threads(bench->raw));
}

/* --- sends, one at a time ----------------------------------------------------------------------------------------------------------- */

bool gx_measure_sends_one(struct gx_bench *bench, struct gx_measure *m)
{
    uint32_t n = bench->options.quick ? 60 : 600;

    *m = (struct gx_measure){.name = "sends_one", .unit = "sends/s", .raw = "1 signature + 1 one-put commit, /s",
                             .note = "ratio: time of a send / time of its parts"};
    if (!gx_bench_ready(bench) || !gx_bench_down(&bench->b))
        return false;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        double sends = 0, parts = 0, cpu = gx_bench_cpu(&bench->a);

        gx_bench_progress(bench, "sends one at a time, %u of %u", r + 1, bench->options.repeats);
        for (uint32_t i = 0; i < n; i++) {
            double send = gx_bench_send_one(bench, NULL), sign = gx_raw_sign(bench->raw, 1), commit = gx_raw_commit(bench->raw);
            if (send < 0 || commit < 0)
                return false;
            sends += send;
            parts += sign + commit;
        }
        gx_figures_add(&m->value, n / sends);
        gx_figures_add(&m->raw_value, n / parts);
        gx_figures_add(&m->ratio, sends / parts);
        gx_figures_add(&m->cpu_us, (gx_bench_cpu(&bench->a) - cpu) / n * 1e6);
        gx_bench_note_noise(bench);
    }
    return true;
}

/* --- sends, many at once ------------------------------------------------------------------------------------------------------------ */

bool gx_measure_sends_many(struct gx_bench *bench, struct gx_measure *m)
{
    uint32_t repeats = bench->options.repeats, n = (bench->options.events + repeats - 1) / repeats;

    *m = (struct gx_measure){.name = "sends_many", .unit = "sends/s", .raw = "signatures/s, one core", .goal_is = GX_GOAL_AT_LEAST,
                             .goal = 0.8, .note = "64 outstanding on one connection"};
    if (!gx_bench_ready(bench) || !gx_bench_down(&bench->b))
        return false;
    /* The first events are for the store to be as large as real ones are. */
    for (uint32_t r = 0; r <= repeats; r++) {
        double sends = 0, signs = 0, cpu = gx_bench_cpu(&bench->a);
        uint32_t slices = 0;

        gx_bench_progress(bench, "sends 64 at once, %u of %u", r, repeats);
        for (uint32_t done = 0; done < n; slices++) {
            uint32_t slice = n - done < SLICE ? n - done : SLICE;
            double took = gx_bench_send_many(bench, slice, GX_BENCH_WINDOW);
            if (took < 0)
                return false;
            sends += took;
            signs += gx_raw_sign(bench->raw, SLICE_SIGNS);
            done += slice;
        }
        if (r == 0)
            continue;
        gx_figures_add(&m->value, n / sends);
        gx_figures_add(&m->raw_value, (double)slices * SLICE_SIGNS / signs);
        gx_figures_add(&m->ratio, n / sends / (slices * SLICE_SIGNS / signs));
        gx_figures_add(&m->cpu_us, (gx_bench_cpu(&bench->a) - cpu) / n * 1e6);
        gx_bench_note_noise(bench);
    }
    return true;
}

/* --- publish to deliver --------------------------------------------------------------------------------------------------------------- */

/* Half a round trip, a signature, a verification, two commits; negative when one failed. */
static double parts_of_delivery(struct gx_raw *raw)
{
    double round_trip = gx_raw_round_trip(raw), sign = gx_raw_sign(raw, 1), verify = gx_raw_verify(raw, 1);
    double first = gx_raw_commit(raw), second = gx_raw_commit(raw);

    return round_trip < 0 || first < 0 || second < 0 ? -1 : round_trip / 2 + sign + verify + first + second;
}

bool gx_bench_watch(struct gx_client *out, struct gx_bench_node *node)
{
    struct gx_fail why;
    json_t *line = NULL;

    if (!gx_client_open(out, &node->home, &why))
        return gx_bench_fail("%s", why.message);
    /* A watch is answered by what it tells; a status behind it shows that it stands. */
    if (gx_client_ask(out, "watch", json_pack("{s:s}", "group", GX_BENCH_GROUP)) == 0)
        return gx_bench_fail("cannot watch");
    uint64_t id = gx_client_ask(out, "id", NULL);
    for (int tries = 0; id != 0 && tries < 10 && gx_client_next(out, &line, 5000) == GX_CLIENT_LINE; tries++) {
        bool done = json_integer_value(json_object_get(line, "id")) == (json_int_t)id;
        json_decref(line);
        if (done)
            return true;
    }
    return gx_bench_fail("cannot watch");
}

static bool deliver_round(struct gx_bench *bench, struct gx_client *watching, struct gx_samples *took, struct gx_samples *parts, uint32_t n)
{
    if (!gx_samples_room(took, n) || !gx_samples_room(parts, n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        double one = gx_bench_send_one(bench, watching), sum = parts_of_delivery(bench->raw);
        if (one < 0 || sum < 0)
            return gx_bench_fail("a message did not come through");
        gx_samples_add(took, one);
        gx_samples_add(parts, sum);
    }
    return true;
}

bool gx_measure_deliver(struct gx_bench *bench, struct gx_measure m[2])
{
    static const double quantiles[2] = {0.5, 0.99};
    uint32_t n = bench->options.quick ? 40 : 500;
    struct gx_samples took = {0}, parts = {0};
    struct gx_client watching = {.fd = -1};
    bool ok = gx_bench_ready(bench) && gx_bench_watch(&watching, &bench->b);

    m[0] = (struct gx_measure){.name = "deliver_p50", .unit = "us", .raw = "half a CURVE round trip + signature + verification + 2 commits, us",
                               .goal_is = GX_GOAL_AT_MOST, .goal = 1.4};
    m[1] = m[0];
    m[1].name = "deliver_p99";
    m[1].goal = 1.7;
    for (uint32_t r = 0; ok && r < bench->options.repeats; r++) {
        double cpu = gx_bench_cpu(&bench->a) + gx_bench_cpu(&bench->b);

        gx_bench_progress(bench, "publish to deliver, %u of %u", r + 1, bench->options.repeats);
        ok = deliver_round(bench, &watching, &took, &parts, n);
        cpu = gx_bench_cpu(&bench->a) + gx_bench_cpu(&bench->b) - cpu;
        for (size_t i = 0; ok && i < 2; i++) {
            double value = gx_samples_quantile(&took, quantiles[i]), raw = gx_samples_quantile(&parts, quantiles[i]);
            gx_figures_add(&m[i].value, value * 1e6);
            gx_figures_add(&m[i].raw_value, raw * 1e6);
            gx_figures_add(&m[i].ratio, value / raw);
            gx_figures_add(&m[i].cpu_us, cpu / n * 1e6);
        }
        gx_bench_note_noise(bench);
    }
    gx_samples_free(&took);
    gx_samples_free(&parts);
    if (watching.fd >= 0)
        gx_client_close(&watching);
    return ok;
}

/* --- catch-up --------------------------------------------------------------------------------------------------------------------------- */

struct catching_up {
    double first, listed, opened;   /* seconds until the first message could be read, all were held, the key of each was found; opened 0: not waited for */
    double cpu, cpu_opened;         /* of both nodes, until then */
    double verifies;                /* a second on two cores, before and after */
    double wire;                    /* bytes that came in, to the node that was away */
};

static double bytes_in(struct gx_bench_node *node)
{
    json_t *status = gx_bench_call(node, "status", NULL);
    double n = (double)json_integer_value(json_object_get(json_object_get(status, "traffic"), "in_bytes"));

    json_decref(status);
    return n;
}

/* When the first message is told to who watches, with its text; the watch stands when the node has just come up. */
static bool first_told(struct gx_client *watching, double begin, double *took)
{
    json_t *line = NULL;

    while (gx_client_next(watching, &line, GX_BENCH_WAIT_MS) == GX_CLIENT_LINE) {
        bool note = json_object_get(line, "method") != NULL;

        json_decref(line);
        *took = gx_bench_now() - begin;
        if (note)
            return true;
    }
    return gx_bench_fail("no message came");
}

/* That node is down, and comes up to take in what it missed until it holds `count`, and where `opens` until it has nothing left to do. */
static bool catch_up(struct gx_bench *bench, struct gx_bench_node *node, const char *program, uint64_t count, uint32_t verifies, bool opens,
                     struct catching_up *out)
{
    double limit = gx_raw_verify_threads(bench->raw, verifies);
    double cpu = gx_bench_cpu(&bench->a), wire = 0;
    struct gx_client watching = {.fd = -1};

    *out = (struct catching_up){.first = 0};
    if (!gx_bench_up(node, program) || !gx_bench_watch(&watching, node))
        return false;
    /* From the first moment they talk: how soon they find each other is another measure. */
    bool ok = gx_bench_wait(node, json_pack("{s:i}", "peers", 1));
    double begin = gx_bench_now();
    ok = ok && first_told(&watching, begin, &out->first);
    gx_client_close(&watching);
    if (!ok || !gx_bench_wait(node, json_pack("{s:s, s:I}", "group", GX_BENCH_GROUP, "count", (json_int_t)count)))
        return false;
    out->listed = gx_bench_now() - begin;
    out->cpu = gx_bench_cpu(&bench->a) + gx_bench_cpu(node) - cpu;
    wire = bytes_in(node);
    if (opens && !gx_bench_wait(node, json_pack("{s:b}", "idle", 1)))
        return false;
    out->opened = gx_bench_now() - begin;
    out->cpu_opened = gx_bench_cpu(&bench->a) + gx_bench_cpu(node) - cpu;
    limit = (limit + gx_raw_verify_threads(bench->raw, verifies)) / 2;
    out->verifies = 2 * verifies / limit;
    out->wire = wire;
    return true;
}

static void note_catch_up(struct gx_measure *m, const struct catching_up *c, double took, double cpu, uint32_t n)
{
    gx_figures_add(&m->value, n / took);
    gx_figures_add(&m->raw_value, c->verifies);
    gx_figures_add(&m->ratio, n / took / c->verifies);
    gx_figures_add(&m->cpu_us, cpu / n * 1e6);
}

static uint32_t verifies_beside(uint32_t n)
{
    return n / 20 < 4000 ? n / 20 : 4000;
}

bool gx_measure_catch_up(struct gx_bench *bench, struct gx_measure m[4])
{
    uint32_t n = bench->options.events;

    m[0] = (struct gx_measure){.name = "catch_up", .unit = "events/s", .raw = "verifications/s, two cores", .goal_is = GX_GOAL_AT_LEAST, .goal = 20,
                               .note = "until all are held"};
    m[1] = (struct gx_measure){.name = "catch_up_opened", .unit = "events/s", .raw = "verifications/s, two cores", .note = "until the key of each was found, too"};
    m[2] = (struct gx_measure){.name = "catch_up_first", .unit = "ms", .raw = "CURVE round trip, ms", .note = "until the first message is told"};
    m[3] = (struct gx_measure){.name = "catch_up_bytes", .unit = "bytes", .raw = "an event has, whole", .note = "a message, on the wire"};
    if (!gx_bench_ready(bench))
        return false;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        double round_trip = gx_raw_round_trip(bench->raw), event = (double)gx_raw_event_bytes(bench->raw);
        struct catching_up c;

        gx_bench_progress(bench, "catch-up, %u of %u", r + 1, bench->options.repeats);
        if (round_trip < 0 || !gx_bench_down(&bench->b) || gx_bench_send_many(bench, n, GX_BENCH_WINDOW) < 0 ||
            !catch_up(bench, &bench->b, bench->options.guanxi, bench->events, verifies_beside(n), true, &c))
            return false;
        note_catch_up(&m[0], &c, c.listed, c.cpu, n);
        note_catch_up(&m[1], &c, c.opened, c.cpu_opened, n);
        gx_figures_add(&m[2].value, c.first * 1e3);
        gx_figures_add(&m[2].raw_value, round_trip * 1e3);
        gx_figures_add(&m[2].ratio, c.first / round_trip);
        gx_figures_add(&m[3].value, c.wire / n);
        gx_figures_add(&m[3].raw_value, event);
        gx_figures_add(&m[3].ratio, c.wire / n / event);
        for (int k = 2; k < 4; k++)
            gx_figures_add(&m[k].cpu_us, c.cpu / n * 1e6);
        gx_bench_note_noise(bench);
    }
    return true;
}

/* --- control events: each signature is verified ------------------------------------------------------------------------------------------- */

/* The name of somebody, changed n times: control events of one log, of which no signature stands for another. */
static bool say_names(struct gx_bench *bench, uint32_t n)
{
    char name[16];

    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "name %u", i);
        json_t *result = gx_bench_call(&bench->a, "group.alias", json_pack("{s:s, s:s}", "group", GX_BENCH_GROUP, "name", name));

        json_decref(result);
        if (result == NULL || gx_bench_stopped())
            return false;
    }
    return true;
}

/* Until the other shows the same state. */
static bool takes_in_names(struct gx_bench *bench, double *took)
{
    json_t *shown = gx_bench_call(&bench->a, "group.show", json_pack("{s:s}", "group", GX_BENCH_GROUP));
    const char *hash = json_string_value(json_object_get(shown, "state_hash"));
    bool ok = hash != NULL && gx_bench_up(&bench->b, bench->options.guanxi) &&
              gx_bench_wait(&bench->b, json_pack("{s:i}", "peers", 1));
    double begin = gx_bench_now();

    ok = ok && gx_bench_wait(&bench->b, json_pack("{s:s, s:s}", "group", GX_BENCH_GROUP, "hash", hash));
    *took = gx_bench_now() - begin;
    json_decref(shown);
    return ok;
}

bool gx_measure_ingest(struct gx_bench *bench, struct gx_measure *m)
{
    uint32_t n = bench->options.quick ? 200 : 8000;

    *m = (struct gx_measure){.name = "ingest", .unit = "events/s", .raw = "verifications/s, two cores", .goal_is = GX_GOAL_AT_LEAST, .goal = 0.95,
                             .note = "control events, each signature verified, durable, under the law"};
    if (!gx_bench_ready(bench))
        return false;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        double took = 0, cpu = 0, limit = 0;

        gx_bench_progress(bench, "control events, %u of %u", r + 1, bench->options.repeats);
        if (!gx_bench_down(&bench->b) || !say_names(bench, n))
            return false;
        limit = gx_raw_verify_threads(bench->raw, verifies_beside(n));
        cpu = gx_bench_cpu(&bench->a);
        if (!takes_in_names(bench, &took))
            return false;
        cpu = gx_bench_cpu(&bench->a) + gx_bench_cpu(&bench->b) - cpu;
        limit = (limit + gx_raw_verify_threads(bench->raw, verifies_beside(n))) / 2;
        note_catch_up(m, &(struct catching_up){.verifies = 2 * verifies_beside(n) / limit}, took, cpu, n);
        gx_bench_note_noise(bench);
    }
    return true;
}

/* The same n messages are taken in by both, by either first in turn. */
static bool keys_round(struct gx_bench *bench, uint32_t r, uint32_t n, struct catching_up c[2])
{
    struct gx_bench_node *nodes[2] = {&bench->b, &bench->keyless};
    const char *programs[2] = {bench->options.guanxi, bench->options.keyless};
    uint64_t counts[2] = {0, 0};

    if (!gx_bench_down(nodes[0]) || !gx_bench_down(nodes[1]) || gx_bench_send_many(bench, n, GX_BENCH_WINDOW) < 0)
        return false;
    counts[0] = bench->events;
    counts[1] = bench->events - bench->before_keyless;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t k = (r + i) % 2;

        if (!catch_up(bench, nodes[k], programs[k], counts[k], verifies_beside(n), k == 0, &c[k]) || !gx_bench_down(nodes[k]))
            return false;
    }
    return true;
}

bool gx_measure_catch_up_keys(struct gx_bench *bench, struct gx_measure m[3])
{
    static const char *const names[] = {"catch_up_keyed", "catch_up_keyless"};
    static char spent[160];
    struct gx_figures key_us = {.n = 0};
    uint32_t n = bench->options.events / 3, hashes = verifies_beside(n) * 10;        /* two take in each of them */

    for (int k = 0; k < 2; k++)
        m[k] = (struct gx_measure){.name = names[k], .unit = "events/s", .raw = "verifications/s, two cores", .goal_is = GX_GOAL_AT_LEAST, .goal = 20,
                                   .beside = "its calls of libsodium on one core", .note = k == 0 ? "the key of each message is learned" : "no key is"};
    m[2] = (struct gx_measure){.name = "catch_up_keys", .unit = "us", .raw = "of CPU an event without keys, us", .beside = "all its calls of libsodium",
                               .note = spent};
    if (!gx_bench_ready_keyless(bench))
        return false;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        struct catching_up c[2];

        gx_bench_progress(bench, "catch-up with keys and without, %u of %u", r + 1, bench->options.repeats);
        if (!keys_round(bench, r, n, c))
            return false;

        double keys = gx_raw_keys(hashes) / hashes, verify = gx_raw_verify(bench->raw, 100) / 100;
        double check = 2 * gx_raw_hash(bench->raw, hashes) / hashes + verify / gx_raw_per_chunk();      /* body and header, and what proves a chunk */

        for (int k = 0; k < 2; k++) {
            double alone = 1 / (k == 0 ? check + keys : check);

            note_catch_up(&m[k], &c[k], c[k].opened, c[k].cpu_opened, n);
            gx_figures_add(&m[k].beside_value, alone);
            gx_figures_add(&m[k].beside_ratio, n / c[k].opened / alone);
        }
        gx_figures_add(&m[2].value, c[0].cpu_opened / n * 1e6);
        gx_figures_add(&m[2].raw_value, c[1].cpu_opened / n * 1e6);
        gx_figures_add(&m[2].ratio, c[0].cpu_opened / c[1].cpu_opened);
        gx_figures_add(&m[2].beside_value, (check + keys) * 1e6);
        gx_figures_add(&m[2].beside_ratio, c[0].cpu_opened / n / (check + keys));
        gx_figures_add(&m[2].cpu_us, c[0].cpu_opened / n * 1e6);
        gx_figures_add(&key_us, keys * 1e6);
        gx_bench_note_noise(bench);
    }
    snprintf(spent, sizeof spent, "for its key %.2f us of these, where libsodium takes %.2f, and %.2f for all else",
             gx_figures_median(&m[2].value) - gx_figures_median(&m[2].raw_value), gx_figures_median(&key_us),
             gx_figures_median(&m[2].beside_value) - gx_figures_median(&key_us));
    return true;
}
