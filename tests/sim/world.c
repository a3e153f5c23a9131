/* The clock, the heap of what is to come, and the streams of chance. */
#include "tests/sim/internal.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- chance: splitmix64 ------------------------------------------------------------------------------------------------------------------ */

struct sim_rng sim_rng(uint64_t seed, uint64_t stream)
{
    struct sim_rng r = {.state = seed ^ stream * 0xd1342543de82ef95ull};

    (void)sim_draw(&r);
    return r;
}

uint64_t sim_draw(struct sim_rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

uint32_t sim_pick(struct sim_rng *r, uint32_t n)
{
    return (uint32_t)((sim_draw(r) >> 32) * n >> 32);
}

uint32_t gx_sim_pick(struct gx_sim *sim, uint32_t n)
{
    return sim_pick(&sim->people, n);
}

/* --- memory -------------------------------------------------------------------------------------------------------------------------------- */

void *sim_grow(void *list, uint32_t *cap, uint32_t n, size_t item)
{
    if (n < *cap)
        return list;

    uint32_t more = *cap == 0 ? 16 : 2 * *cap;
    void *p = realloc(list, more * item);

    GX_ASSERT(p != NULL);
    *cap = more;
    return p;
}

/* --- the heap -------------------------------------------------------------------------------------------------------------------------------- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

void sim_at(struct gx_sim *sim, uint64_t at_ms, struct sim_event ev)
{
    uint32_t i = sim->n_heap++;

    sim->heap = sim_grow(sim->heap, &sim->cap_heap, i, sizeof *sim->heap);
    ev.at_ms = at_ms < sim->now_ms ? sim->now_ms : at_ms;
    ev.seq = sim->next_seq++;
    while (i > 0 && before(&ev, &sim->heap[(i - 1) / 2])) {
        sim->heap[i] = sim->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    sim->heap[i] = ev;
}

static struct sim_event pop(struct gx_sim *sim)
{
    struct sim_event first = sim->heap[0], last = sim->heap[--sim->n_heap];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= sim->n_heap)
            break;
        if (child + 1 < sim->n_heap && before(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!before(&sim->heap[child], &last))
            break;
        sim->heap[i] = sim->heap[child];
        i = child;
    }
    if (sim->n_heap > 0)
        sim->heap[i] = last;
    return first;
}

/* --- running --------------------------------------------------------------------------------------------------------------------------------- */

static void happen(struct gx_sim *sim, const struct sim_event *ev)
{
    struct sim_node *node = NULL;

    if (ev->kind == SIM_LIE) {
        sim_lie(sim, ev);
        return;
    }
    if (ev->kind == SIM_FLAP || ev->kind == SIM_BROKEN) {
        sim_flap(sim, ev);
        return;
    }
    if (ev->kind == SIM_DATAGRAM) {
        sim_lan_event(sim, ev);
        return;
    }
    if (ev->kind != SIM_WAKE) {
        sim_net_event(sim, ev);
        return;
    }
    node = &sim->nodes[ev->a];
    if (!node->up || node->wake_ms != ev->number)
        return;
    node->wake_ms = 0;
    sim_push(sim, ev->a, (struct gx_input){.kind = GX_IN_TIMER}, NULL);
}

/* All inputs of one instant that are there for a node go into one step, as they do in a busy node. */
void sim_settle(struct gx_sim *sim)
{
    uint64_t rounds = 0;

    for (;;) {
        while (sim->n_heap > 0 && sim->heap[0].at_ms <= sim->now_ms) {
            struct sim_event ev = pop(sim);

            happen(sim, &ev);
        }
        if (sim->n_busy == 0)
            return;

        uint32_t n = sim->n_busy, *list = sim->busy;

        sim->busy = sim->busy_next;
        sim->busy_next = list;
        sim->n_busy = 0;
        for (uint32_t i = 0; i < n; i++)
            sim->nodes[list[i]].listed = false;
        for (uint32_t i = 0; i < n; i++)
            sim_step(sim, list[i]);
        GX_ASSERT(++rounds < 1000000);          /* nodes that go on forever without time passing */
    }
}

bool gx_sim_ran_full(const struct gx_sim *sim)
{
    return sim->ran_full || !gx_sim_has_room(sim->dir);
}

uint64_t gx_sim_now_ms(const struct gx_sim *sim)
{
    return sim->now_ms;
}

uint64_t gx_sim_wall_ms(const struct gx_sim *sim)
{
    return SIM_WALL_MS + sim->now_ms;
}

void gx_sim_run(struct gx_sim *sim, uint64_t ms)
{
    uint64_t end = sim->now_ms + ms;

    sim_settle(sim);
    while (sim->n_heap > 0 && sim->heap[0].at_ms <= end) {
        sim_measure_until(sim, sim->heap[0].at_ms);
        sim->now_ms = sim->heap[0].at_ms;
        sim_settle(sim);
    }
    sim_measure_until(sim, end);
    sim->now_ms = end;
}

/* --- beginning and end ------------------------------------------------------------------------------------------------------------------------ */

static void person_make(struct gx_sim *sim, uint32_t i)
{
    struct sim_node *node = &sim->nodes[i];
    struct sim_rng chance = sim_rng(sim->options.seed, 1000 + i);
    uint8_t seed[32];
    struct gx_recovery rec;
    struct gx_curve_sk transport_sk;

    for (size_t k = 0; k < sizeof seed; k++)
        seed[k] = (uint8_t)sim_draw(&chance);
    gx_rng_stream_init(&node->rng, seed);
    seed[0] ^= 1;       /* another stream, so that what is sealed at rest moves nothing else */
    gx_rng_stream_init(&node->store_rng, seed);
    gx_rng_fill(&node->store_rng.rng, node->root.b, sizeof node->root.b);
    gx_rng_fill(&node->rng.rng, rec.b, sizeof rec.b);
    gx_rng_fill(&node->rng.rng, node->config.card_sk.b, sizeof node->config.card_sk.b);
    gx_person_make(&node->config.person, &rec, &node->config.card_sk, 1);
    gx_rng_fill(&node->rng.rng, node->config.device_seed.b, sizeof node->config.device_seed.b);
    gx_rng_fill(&node->rng.rng, node->config.incarnation.b, sizeof node->config.incarnation.b);
    gx_rng_fill(&node->rng.rng, transport_sk.b, sizeof transport_sk.b);
    node->config.carry = (struct gx_carry_limits){.recent_bytes = SIM_RECENT_BYTES, .off_messages = SIM_OFF_MESSAGES};
    gx_dh_public((struct gx_dh_pk *)(void *)&node->config.transport_pk, (const struct gx_dh_sk *)(const void *)&transport_sk);
    if (sim->options.names == NULL)
        snprintf(node->config.name, sizeof node->config.name, "n%u", i);
    else
        snprintf(node->config.name, sizeof node->config.name, "%s", sim->options.names + i * sim->options.name_bytes);
    snprintf(node->dir, sizeof node->dir, "%s/%u", sim->dir, i);
    node->next_inbound = 2;
}

enum gx_err gx_sim_new(struct gx_sim **out, const struct gx_sim_options *options)
{
    static const struct gx_sim_link lan = {.delay_ms = 1};
    struct gx_sim *sim = calloc(1, sizeof *sim);

    *out = NULL;
    /* LMDB asks for 2 MB of zeroes an environment and uses little of it.  From the heap, where glibc takes them once some were freed, they are
     * written; from the system they are there for nothing: 40 % of the time of a world of 50 nodes. */
    (void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
    (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);      /* nor does the heap shrink each time that some of it is free at its end */
    GX_ASSERT(options->n_nodes > 0 && options->n_nodes <= GX_SIM_NODES_MAX);
    if (sim == NULL || (sim->nodes = calloc(options->n_nodes, sizeof *sim->nodes)) == NULL ||
        (sim->busy = calloc(options->n_nodes, sizeof *sim->busy)) == NULL ||
        (sim->busy_next = calloc(options->n_nodes, sizeof *sim->busy)) == NULL || (sim->memo = calloc(SIM_MEMO, sizeof *sim->memo)) == NULL ||
        (sim->dh = calloc(SIM_DH, sizeof *sim->dh)) == NULL) {
        gx_sim_free(sim);
        return GX_E_MEMORY;
    }
    sim->options = *options;
    sim->measure = options->measure ? sim_measure_new(options->n_nodes) : NULL;
    sim->network = sim_rng(options->seed, 1);
    sim->people = sim_rng(options->seed, 2);
    sim->lan = sim_rng(options->seed, 3);
    gx_hash_begin(&sim->trace, "gx-sim");
    for (uint32_t a = 0; a < GX_SIM_ISLANDS_MAX; a++)
        for (uint32_t b = 0; b < GX_SIM_ISLANDS_MAX; b++)
            sim->links[a][b] = lan;
    snprintf(sim->dir, sizeof sim->dir, "%s/gx-sim-XXXXXX", options->dir == NULL ? "/dev/shm" : options->dir);
    if (mkdtemp(sim->dir) == NULL) {
        sim->dir[0] = 0;
        gx_sim_free(sim);
        return GX_E_STORE;
    }
    *out = sim;
    if (!sim_make_empty(sim)) {
        *out = NULL;
        gx_sim_free(sim);
        return GX_E_STORE;
    }
    for (uint32_t i = 0; i < options->n_nodes; i++) {
        person_make(sim, i);
        if (mkdir(sim->nodes[i].dir, 0700) != 0 || !sim_make_store(sim, i) || !sim_open(sim, i)) {
            *out = NULL;
            gx_sim_free(sim);
            return GX_E_STORE;
        }
    }
    sim_settle(sim);
    return GX_OK;
}

/* Only what a signal handler may call. */
static void clean_dir(const char *dir)
{
    static const char *const files[] = {GX_STORE_FILE, GX_STORE_FILE "-lock", GX_STORE_FILE ".new", GX_STORE_FILE ".new-lock", "saved"};
    char path[sizeof((struct sim_node *)NULL)->dir + 32];
    size_t n = strlen(dir);

    for (size_t k = 0; k < GX_ARRAY_LEN(files); k++) {
        memcpy(path, dir, n);
        path[n] = '/';
        memcpy(path + n + 1, files[k], strlen(files[k]) + 1);
        (void)unlink(path);
    }
    if (n > 0)
        (void)rmdir(dir);
}

void gx_sim_clean(const struct gx_sim *sim)
{
    char dir[sizeof sim->dir + sizeof SIM_EMPTY + 1];

    if (sim == NULL || sim->dir[0] == 0)
        return;
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)
        clean_dir(sim->nodes[i].dir);
    memcpy(dir, sim->dir, strlen(sim->dir));
    memcpy(dir + strlen(sim->dir), "/" SIM_EMPTY, sizeof "/" SIM_EMPTY);
    clean_dir(dir);
    (void)rmdir(sim->dir);
}

void gx_sim_free(struct gx_sim *sim)
{
    if (sim == NULL)
        return;
    sim_memo_use(NULL);
    for (uint32_t i = 0; sim->nodes != NULL && i < sim->options.n_nodes; i++)
        if (sim->nodes[i].up)
            sim_close(sim, i);
    for (uint32_t i = 0; sim->nodes != NULL && i < sim->options.n_nodes; i++) {
        struct sim_node *node = &sim->nodes[i];

        free(node->doors);
        free(node->inbox);
        free(node->conns);
        free(node->by_session);
        free(node->members);
        free(node->values);
        sim_liar_free(node->liar);
    }
    sim_lan_free(sim);
    sim_net_free(sim);
    sim_measure_free(sim->measure);
    sim_measure_free(sim->measured);
    gx_sim_clean(sim);
    for (uint32_t i = 0; i < sim->n_acked; i++) {
        free(sim->acked[i].due);
        free(sim->acked[i].old);
    }
    free(sim->acked);
    for (uint32_t i = 0; i < sim->n_rooms; i++)
        free(sim->rooms[i].nodes);
    free(sim->rooms);
    sim_removals_free(sim);
    free(sim->heap);
    free(sim->nodes);
    free(sim->busy);
    free(sim->busy_next);
    free(sim->memo);
    free(sim->dh);
    free(sim);
}

const struct gx_sim_counts *gx_sim_counts(const struct gx_sim *sim)
{
    return &sim->counts;
}

void sim_add(void *sum, const void *more, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t a = 0, b = 0;

        memcpy(&a, (uint8_t *)sum + 8 * i, sizeof a);
        memcpy(&b, (const uint8_t *)more + 8 * i, sizeof b);
        a += b;
        memcpy((uint8_t *)sum + 8 * i, &a, sizeof a);
    }
}

void gx_sim_counts_add(struct gx_sim_counts *sum, const struct gx_sim_counts *more)
{
    sim_add(sum, more, sizeof *sum / sizeof(uint64_t));
}

void gx_sim_trace(const struct gx_sim *sim, uint8_t out[32])
{
    struct gx_hasher so_far = sim->trace;

    gx_hash_end(&so_far, out);
}
