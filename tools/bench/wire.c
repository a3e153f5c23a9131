/* What two real nodes say to each other to find what one has and the other lacks, held against the same in the simulator: by kinds of frames, in bytes. */
#include "tools/bench/bench.h"
#include "tools/bench/counted.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LAST (GX_BENCH_WIRE - 1u)       /* who was away */
#define LACKING 32u
#define FEW 4u                          /* authors of these */
#define SEEDS 8u                        /* which logs share a part of what is compared is chance */
#define SAID_MS 5000                    /* after that nothing more is said before the two look once more */
#define SAID_QUICK_MS 2500           /* what was not acknowledged is announced again after 2 s */

static struct gx_counted *counted;      /* of all nodes together */

static bool open_counts(const struct gx_bench *bench)
{
    char path[300];
    int fd;

    snprintf(path, sizeof path, "%s/frames", bench->dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *counted) != 0 || setenv("GX_BENCH_FRAMES", path, 1) != 0)
        return gx_bench_fail("cannot make %s", path);
    counted = mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return counted != MAP_FAILED || gx_bench_fail("no memory");
}

static bool call(struct gx_bench_node *node, const char *method, json_t *params)
{
    json_t *result = gx_bench_call(node, method, params);

    json_decref(result);
    return result != NULL;
}

/* As in the simulator: all come in by one code, and each says something. */
static bool group_of_all(struct gx_bench *bench)
{
    struct gx_bench_node *w = bench->wire;
    json_t *invite = NULL;
    const char *token = NULL;
    bool ok = true;
    uint64_t none = 0;

    for (uint32_t i = 0; i < GX_BENCH_WIRE && ok; i++) {
        char name[8];

        snprintf(name, sizeof name, "w%u", i);
        ok = gx_bench_init(bench, &w[i], name) && gx_bench_up(&w[i], bench->options.counted);
        if (ok && i == 0) {
            ok = call(&w[0], "group.new", json_pack("{s:s}", "name", GX_BENCH_GROUP));
            invite = ok ? gx_bench_call(&w[0], "invite", json_pack("{s:s}", "group", GX_BENCH_GROUP)) : NULL;
            token = json_string_value(json_object_get(invite, "token"));
            ok = token != NULL;
        } else if (ok) {
            ok = call(&w[i], "join", json_pack("{s:s, s:I}", "token", token, "timeout_ms", (json_int_t)30000));
        }
    }
    json_decref(invite);
    for (uint32_t i = 0; i < GX_BENCH_WIRE && ok; i++)
        ok = gx_bench_meet(&w[i], LAST) && gx_bench_send_from(&w[i], &none, 1, 1) >= 0;
    for (uint32_t i = 0; i < GX_BENCH_WIRE && ok; i++)
        ok = gx_bench_meet(&w[i], LAST);
    (void)poll(NULL, 0, SAID_MS);
    return ok;
}

/* The last was away while the first `authors` wrote so much; the two meet alone. */
static bool meet(struct gx_bench *bench, struct gx_counted *out, uint32_t authors, uint32_t lacking)
{
    struct gx_bench_node *w = bench->wire;
    uint64_t none = 0;
    int said_ms = bench->options.quick ? SAID_QUICK_MS : SAID_MS;
    bool ok = gx_bench_down(&w[LAST]);

    for (uint32_t i = 0; i < lacking && ok; i++)
        ok = gx_bench_send_from(&w[i % authors], &none, 1, 1) >= 0;
    for (uint32_t i = 0; i < LAST && ok; i++)
        ok = gx_bench_meet(&w[i], LAST - 1);
    (void)poll(NULL, 0, said_ms);
    for (uint32_t i = 1; i < LAST && ok; i++)
        ok = gx_bench_down(&w[i]);
    (void)poll(NULL, 0, said_ms / 5);
    memset(counted, 0, sizeof *counted);
    ok = ok && gx_bench_up(&w[LAST], bench->options.counted) && gx_bench_meet(&w[LAST], 1) && gx_bench_meet(&w[0], 1);
    (void)poll(NULL, 0, said_ms);
    *out = *counted;
    for (uint32_t i = 1; i < LAST && ok; i++)
        ok = gx_bench_up(&w[i], bench->options.counted);
    for (uint32_t i = 0; i <= LAST && ok; i++)
        ok = gx_bench_meet(&w[i], LAST);
    return ok && !gx_bench_stopped();
}

static uint64_t told(const struct gx_counted *c)
{
    uint64_t n = 0;

    for (size_t i = 0; i < GX_ARRAY_LEN(gx_told_kinds); i++)
        n += c->bytes[gx_told_kinds[i]];
    return n;
}

/* Of each kind of frame: bytes on the wire, and the least and most in the simulator.  Frontiers name the logs of parts that differ, and which logs lie in one
 * part is the chance of their ids: more or fewer of them are named that do not differ. */
static void say_kinds(char *out, size_t cap, const struct gx_counted *wire, const struct gx_counted in_sim[SEEDS])
{
    size_t n = 0;

    for (size_t i = 0; i < GX_ARRAY_LEN(gx_told_kinds) && n < cap; i++) {
        enum gx_frame_kind kind = gx_told_kinds[i];
        uint64_t least = UINT64_MAX, most = 0;

        for (uint32_t s = 0; s < SEEDS; s++) {
            least = in_sim[s].bytes[kind] < least ? in_sim[s].bytes[kind] : least;
            most = in_sim[s].bytes[kind] > most ? in_sim[s].bytes[kind] : most;
        }
        if (most > 0 || wire->bytes[kind] > 0)
            n += (size_t)snprintf(out + n, cap - n, "%s%s %ju (there %ju to %ju)", n == 0 ? "" : ", ", gx_frame_kind_name(kind),
                                  (uintmax_t)wire->bytes[kind], (uintmax_t)least, (uintmax_t)most);
    }
}

bool gx_measure_sync_wire(struct gx_bench *bench, struct gx_measure m[2])
{
    static const char *const names[] = {"sync_wire_same", "sync_wire_few"};
    static struct gx_counted in_sim[2][SEEDS];
    static char notes[2][400];

    if (!open_counts(bench) || !group_of_all(bench))
        return false;
    for (uint32_t k = 0; k < 2; k++) {
        struct gx_figures simulated = {.n = 0};

        m[k] = (struct gx_measure){.name = names[k], .unit = "bytes", .raw = "in the simulator", .note = notes[k]};
        for (uint32_t s = 0; s < SEEDS; s++) {
            if (!gx_sync_in_simulator(&in_sim[k][s], 1 + s, GX_BENCH_WIRE, FEW, k == 0 ? 0 : LACKING))
                return gx_bench_fail("sync was not simulated");
            gx_figures_add(&simulated, (double)told(&in_sim[k][s]));
        }
        for (uint32_t r = 0; r < bench->options.repeats; r++) {
            struct gx_counted wire;
            double cpu = gx_bench_cpu(&bench->wire[0]);

            gx_bench_progress(bench, "%s, %u of %u", names[k], r + 1, bench->options.repeats);
            if (!meet(bench, &wire, FEW, k == 0 ? 0 : LACKING))
                return false;
            gx_figures_add(&m[k].value, (double)told(&wire));
            gx_figures_add(&m[k].raw_value, gx_figures_median(&simulated));
            gx_figures_add(&m[k].ratio, (double)told(&wire) / gx_figures_median(&simulated));
            gx_figures_add(&m[k].cpu_us, (gx_bench_cpu(&bench->wire[0]) - cpu) * 1e6);
            say_kinds(notes[k], sizeof notes[k], &wire, in_sim[k]);
            if (k == 0 && told(&wire) != told(&in_sim[k][0]))
                return gx_bench_fail("nothing differs, and that takes other bytes than in the simulator: %s", notes[k]);
            gx_bench_note_noise(bench);
        }
        m[k].counts[0] = (struct gx_bench_count){"simulated_least", (uint64_t)gx_figures_min(&simulated)};
        m[k].counts[1] = (struct gx_bench_count){"simulated_most", (uint64_t)gx_figures_max(&simulated)};
    }
    for (uint32_t i = 0; i < GX_BENCH_WIRE; i++)
        if (!gx_bench_down(&bench->wire[i]))
            return false;
    return true;
}
