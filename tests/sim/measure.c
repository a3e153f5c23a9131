/* Figures of a run.  Nothing here changes it: what is looked at is what nodes get, and their tables between two steps. */
#include "tests/sim/measuring.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SAMPLES_MAX 2048u           /* when so many are there, every other one goes, and it is looked half as often */
#define FIRST_LOOK_MS 10u
#define RESTING_MS 5000u             /* after nobody got anything new or did anything for so long, it is looked seldom */
#define SELDOM_MS 10000u
#define STORES_MS 1000u             /* a look at a file costs more than all others */
#define MANY_NODES 64u              /* above, a look at all of them costs too much to have four a second */

void *sim_zeroed(size_t n, size_t bytes)
{
    void *p = calloc(n, bytes);

    GX_ASSERT(p != NULL);
    return p;
}

struct sim_measure *sim_measure_new(uint32_t n_nodes)
{
    struct sim_measure *m = sim_zeroed(1, sizeof *m);

    m->n_nodes = n_nodes;
    m->pending = sim_zeroed(n_nodes, sizeof *m->pending);
    m->nodes = sim_zeroed(n_nodes, sizeof *m->nodes);
    m->stirred = sim_zeroed(n_nodes, sizeof *m->stirred);
    memset(m->stirred, 1, n_nodes * sizeof *m->stirred);
    m->seen = sim_zeroed(n_nodes, sizeof *m->seen);
    m->every_ms = n_nodes > MANY_NODES ? 1000 : 250;
    return m;
}

void sim_measure_free(struct sim_measure *m)
{
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->n_logs; i++)
        free(m->logs[i].acked);
    for (uint32_t i = 0; i < m->n_latency; i++)
        free(m->latency[i]);
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        free(m->pending[i].logs);
        free(m->seen[i].list);
    }
    free(m->logs);
    free(m->slots);
    free(m->got);
    free(m->latency);
    free(m->copies);
    free(m->pending);
    free(m->nodes);
    free(m->stirred);
    free(m->seen);
    free(m->samples);
    free(m->now.list);
    free(m->longest.list);
    free(m);
}

/* --- logs and what was received of them ---------------------------------------------------------------------------------------------------- */

static uint32_t *slot_of(const struct sim_measure *m, const struct gx_log_id *id)
{
    uint32_t at = 0;

    memcpy(&at, id->b, sizeof at);          /* a hash already */
    for (at &= m->n_slots - 1; m->slots[at] != SIM_NONE && !gx_log_id_equal(&m->logs[m->slots[at]].id, id); at = (at + 1) & (m->n_slots - 1))
        continue;
    return &m->slots[at];
}

static uint32_t log_of(struct sim_measure *m, const struct gx_log_id *id)
{
    if (2 * m->n_logs >= m->n_slots) {
        m->n_slots = m->n_slots == 0 ? 256 : 2 * m->n_slots;
        free(m->slots);
        m->slots = sim_zeroed(m->n_slots, sizeof *m->slots);
        memset(m->slots, 0xff, m->n_slots * sizeof *m->slots);
        for (uint32_t i = 0; i < m->n_logs; i++)
            *slot_of(m, &m->logs[i].id) = i;
    }

    uint32_t *slot = slot_of(m, id);

    if (*slot == SIM_NONE) {
        m->logs = sim_grow(m->logs, &m->cap_logs, m->n_logs, sizeof *m->logs);
        m->logs[m->n_logs] = (struct sim_log){.id = *id};
        *slot = m->n_logs++;
    }
    return *slot;
}

static bool got_add(uint64_t *list, uint64_t cap, uint64_t key)
{
    uint64_t at = key * 0x9e3779b97f4a7c15ull >> 20;

    for (at &= cap - 1; list[at] != 0 && list[at] != key; at = (at + 1) & (cap - 1))
        continue;
    if (list[at] == key)
        return false;
    list[at] = key;
    return true;
}

/* Event seq of a log came to a node.  Of two events with one number the second counts as the first once more: only who lies writes such. */
static bool is_new(struct sim_measure *m, uint32_t log, uint32_t seq, uint32_t node)
{
    static_assert(GX_SIM_NODES_MAX <= 1u << 14, "a node's number fits its part of the key");

    if (2 * m->n_got >= m->cap_got) {
        uint64_t cap = m->cap_got == 0 ? 4096 : 2 * m->cap_got, *more = sim_zeroed(cap, sizeof *more);

        for (uint64_t i = 0; i < m->cap_got; i++)
            if (m->got[i] != 0)
                (void)got_add(more, cap, m->got[i]);
        free(m->got);
        m->got = more;
        m->cap_got = cap;
    }

    bool fresh = got_add(m->got, m->cap_got, (uint64_t)(log + 1) << 46 ^ (uint64_t)seq << 14 ^ node);

    m->n_got += fresh;
    return fresh;
}

static void note_pending(struct sim_pending *p, uint32_t log)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->logs[i] == log)
            return;
    p->logs = sim_grow(p->logs, &p->cap, p->n, sizeof *p->logs);
    p->logs[p->n++] = log;
}

/* A copy of event seq of a log came to a node: does it belong to a message that was acknowledged, its author's own not counted?  NULL: it does not. */
static struct sim_copies *copies_of(const struct gx_sim *sim, uint32_t log, uint32_t seq)
{
    const struct sim_measure *m = sim->measure;
    const struct sim_log *l = &m->logs[log];
    uint32_t low = 0, high = l->n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (sim->acked[l->acked[mid]].seq < seq)
            low = mid + 1;
        else
            high = mid;
    }
    return low < l->n && sim->acked[l->acked[low]].seq == seq ? &m->copies[l->acked[low]] : NULL;
}

static bool note_copy(struct gx_sim *sim, uint32_t log, uint32_t seq, uint32_t node, bool pushed)
{
    bool fresh = is_new(sim->measure, log, seq, node);
    struct sim_copies *copies = copies_of(sim, log, seq);

    if (copies != NULL) {
        copies->first += fresh;
        copies->pushed += fresh && pushed;
        copies->again += !fresh;
    }
    return fresh;
}

void sim_measure_took(struct gx_sim *sim, uint32_t node, const struct gx_input *list, size_t n)
{
    struct sim_measure *m = sim->measure;
    struct gx_sim_traffic *t = m == NULL ? NULL : &m->nodes[node];

    for (size_t k = 0; m != NULL && k < n; k++) {
        struct gx_span bytes = list[k].bytes;
        struct gx_frame f;

        m->stirred[node] = m->stirred[node] || list[k].kind == GX_IN_COMMAND;
        if (list[k].kind != GX_IN_FRAME || bytes.n == 0)
            continue;
        t->frames++;
        t->bytes += bytes.n;
        m->kind_frames[bytes.p[0] % GX_SIM_KINDS_MAX]++;
        m->kind_bytes[bytes.p[0] % GX_SIM_KINDS_MAX] += bytes.n;
        if (bytes.p[0] != GX_FRAME_CHUNKS || gx_frame_decode(&f, bytes) != GX_OK)
            continue;

        struct gx_rd walk = gx_rd(f.list);
        struct gx_chunk chunk;

        for (size_t c = 0; c < f.n && gx_chunk_decode(&chunk, gx_frame_chunk_next(&walk)) == GX_OK; c++) {
            uint32_t log = log_of(m, &chunk.log), fresh = 0;

            for (uint32_t s = 0; s < chunk.count; s++)
                fresh += note_copy(sim, log, chunk.first_seq + s, node, (f.flags & GX_CHUNKS_PUSH) != 0);
            t->received += fresh;
            m->stirred_ms = fresh > 0 ? sim->now_ms : m->stirred_ms;
            m->stirred[node] = m->stirred[node] || fresh > 0;
            t->again += chunk.count - fresh;
            if (m->logs[log].n > 0)
                note_pending(&m->pending[node], log);
        }
    }
}

/* --- who holds which message since when ----------------------------------------------------------------------------------------------------- */

void sim_measure_sent(struct gx_sim *sim)
{
    struct sim_measure *m = sim->measure;
    uint32_t index = sim->n_acked - 1, at = 0;

    if (m == NULL)
        return;
    at = log_of(m, &sim->acked[index].log);

    struct sim_log *log = &m->logs[at];

    log->acked = sim_grow(log->acked, &log->cap, log->n, sizeof *log->acked);
    log->acked[log->n++] = index;
    for (; m->n_latency <= index; m->n_latency++) {        /* what liars told is not measured */
        m->latency = sim_grow(m->latency, &m->cap_latency, m->n_latency, sizeof *m->latency);
        m->copies = sim_grow(m->copies, &m->cap_copies, m->n_latency, sizeof *m->copies);
        m->copies[m->n_latency] = (struct sim_copies){.first = 0};
        m->latency[m->n_latency] = m->n_latency < index ? NULL : sim_zeroed(m->n_nodes, sizeof **m->latency);
    }
}

/* Messages of a log that the node holds by now.  It holds them without a gap, so that looking back ends at the first that it is known to hold;
 * where somebody wrote two branches each is looked up. */
static void look_at_log(struct gx_sim *sim, uint32_t node, const struct gx_group *g, const struct sim_log *log, uint32_t at)
{
    const struct gx_log_row *row = &g->logs[at].row;
    bool branches = gx_group_next_branch(g, &log->id, at + 1) != GX_NONE;

    for (uint32_t k = log->n; k-- > 0;) {
        const struct sim_acked *a = &sim->acked[log->acked[k]];
        uint32_t *latency = &sim->measure->latency[log->acked[k]][node];
        bool there = *latency != 0 && *latency != GX_SIM_NEVER;

        if (!branches && a->seq > row->head_seq)
            continue;
        if (!branches && (there || a->seq <= row->base_seq))
            return;
        if (!there && ((a->seq == row->head_seq && gx_event_id_equal(&row->head_id, &a->id)) || sim_holds(sim, node, a)))
            *latency = (uint32_t)(sim->now_ms - a->at_ms) + 1;
    }
}

void sim_measure_step(struct gx_sim *sim, uint32_t node)
{
    struct sim_pending *p = sim->measure == NULL ? NULL : &sim->measure->pending[node];
    const struct gx_engine *e = sim->nodes[node].engine;

    if (p == NULL || p->n == 0)
        return;
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t k = 0; k < e->n_groups; k++) {
            const struct sim_log *log = &sim->measure->logs[p->logs[i]];
            uint32_t at = gx_group_log(e->groups[k], &log->id);

            if (at != GX_NONE)
                look_at_log(sim, node, e->groups[k], log, at);
        }
    if (e->n_jobs == 0)
        p->n = 0;           /* what has not been taken in by now is not */
}

struct sim_copies sim_measure_copies(const struct gx_sim *sim, const char *where, uint64_t after_ms)
{
    const struct sim_measure *m = sim->measure;
    struct sim_copies sum = {.first = 0};
    char hex[66] = ":";

    for (uint32_t k = 0; m != NULL && k < m->n_latency; k++) {
        gx_hex(hex + 1, sim->acked[k].group.b, sizeof sim->acked[k].group.b);
        if (m->latency[k] != NULL && sim->acked[k].at_ms >= after_ms && strcmp(hex, where) == 0) {
            sum.first += m->copies[k].first;
            sum.again += m->copies[k].again;
            sum.pushed += m->copies[k].pushed;
        }
    }
    return sum;
}

void sim_measure_missing(struct gx_sim *sim, uint32_t acked, uint32_t node)
{
    if (sim->measure != NULL && acked < sim->measure->n_latency && sim->measure->latency[acked] != NULL)
        sim->measure->latency[acked][node] = GX_SIM_NEVER;
}

/* --- what was done to the world -------------------------------------------------------------------------------------------------------------- */

bool sim_is_cut(const struct gx_sim *sim)
{
    for (uint32_t a = 0; a < GX_SIM_ISLANDS_MAX; a++)
        for (uint32_t b = 0; b < GX_SIM_ISLANDS_MAX; b++)
            if (sim->cut[a][b] || sim->flaps[a][b].period_ms > 0)
                return true;
    return false;
}

static struct gx_sim_mark *find_mark(struct sim_measure *m, uint64_t at_ms, const char *text)
{
    for (uint32_t i = m->n_marks; i-- > 0 && m->marks[i].at_ms == at_ms;)
        if (strcmp(m->marks[i].text, text) == 0)
            return &m->marks[i];
    return NULL;
}

static void mark(struct gx_sim *sim, uint32_t node, const char *text, bool cut)
{
    struct sim_measure *m = sim->measure;
    struct gx_sim_mark *at = find_mark(m, sim->now_ms, text);

    m->stirred_ms = sim->now_ms;
    if (at == NULL && m->n_marks == SIM_MARKS_MAX) {
        m->more_marks++;
        return;
    }
    if (at == NULL) {
        at = &m->marks[m->n_marks++];
        *at = (struct gx_sim_mark){.at_ms = sim->now_ms};
        snprintf(at->text, sizeof at->text, "%s", text);
    }
    at->cut = cut;
    if (node != SIM_NONE)
        m->stirred[node] = true;
    if (node != SIM_NONE && at->n++ < GX_ARRAY_LEN(at->first))
        at->first[at->n - 1] = node;
}

void sim_mark(struct gx_sim *sim, uint32_t node, const char *format, ...)
{
    char text[sizeof sim->measure->marks[0].text];
    va_list args;

    if (sim->measure == NULL || sim->measure->healing)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mark(sim, node, text, sim_is_cut(sim));
}

static const char *island(const struct gx_sim *sim, uint32_t at, char number[12])
{
    const char *name = sim->options.islands == NULL ? "" : sim->options.islands + at * sim->options.island_bytes;

    snprintf(number, 12, "%u", at);
    return name[0] == 0 ? number : name;
}

void sim_mark_link(struct gx_sim *sim, const char *what, uint32_t from, uint32_t to)
{
    struct gx_sim_mark *back = NULL;
    char numbers[2][12], text[sizeof back->text];
    const char *a = island(sim, from, numbers[0]), *b = island(sim, to, numbers[1]);

    snprintf(text, sizeof text, "%s %s > %s", what, b, a);
    back = sim->measure == NULL || from == to ? NULL : find_mark(sim->measure, sim->now_ms, text);
    if (back == NULL) {
        sim_mark(sim, SIM_NONE, "%s %s > %s", what, a, b);
        return;
    }
    snprintf(back->text, sizeof back->text, "%s %s | %s", what, b, a);
    back->cut = sim_is_cut(sim);
}

/* --- over time ------------------------------------------------------------------------------------------------------------------------------- */

uint32_t sim_group_index(struct sim_measure *m, const struct gx_group_id *id)
{
    uint32_t i = 0;

    while (i < m->n_groups && !gx_group_id_equal(&m->groups[i], id))
        i++;
    if (i == m->n_groups && i < GX_SIM_SERIES_MAX)
        m->groups[m->n_groups++] = *id;
    return i;
}

void sim_state_hash(struct gx_group *g, uint8_t out[32])
{
    uint32_t *scratch = sim_zeroed(g->law.n_persons + 1u, sizeof *scratch);

    gx_law_state_hash(&g->law, out, scratch);
    free(scratch);
}

static const struct sim_seen *look_at_group(struct gx_sim *sim, uint32_t node, struct gx_group *g)
{
    struct sim_seen_list *seen = &sim->measure->seen[node];
    uint8_t hash[32];
    uint32_t i = 0;

    while (i < seen->n && seen->list[i].gnum != g->row.gnum)
        i++;
    if (i == seen->n) {
        seen->list = sim_grow(seen->list, &seen->cap, i, sizeof *seen->list);
        seen->list[seen->n++] = (struct sim_seen){.gnum = g->row.gnum};
    }
    if (seen->list[i].life != sim->nodes[node].life || seen->list[i].generation != g->law.generation) {
        seen->list[i] = (struct sim_seen){.gnum = g->row.gnum, .life = sim->nodes[node].life, .generation = g->law.generation,
                                      .group = sim_group_index(sim->measure, &g->row.id)};
        sim_state_hash(g, hash);
        memcpy(&seen->list[i].state, hash, sizeof seen->list[i].state);
    }
    return &seen->list[i];
}

bool sim_counts(const struct gx_sim *sim, uint32_t node, const struct gx_group *g)
{
    return sim_is_honest(sim, node) && g->has_create && g->rules.kind != GX_GROUP_DIRECT && gx_group_is_member(g);
}

/* Groups as all nodes see them now. */
static void look(struct gx_sim *sim, struct gx_sim_sample *s)
{
    uint64_t(*states)[GX_SIM_NODES_MAX] = sim->measure->states;

    for (uint32_t i = 0; i < sim->measure->n_nodes; i++) {
        struct gx_engine *e = sim->nodes[i].engine;

        s->up += sim->nodes[i].up;
        for (uint32_t k = 0; e != NULL && k < e->n_groups; k++) {
            if (!sim_counts(sim, i, e->groups[k]))
                continue;

            const struct sim_seen *seen = look_at_group(sim, i, e->groups[k]);
            struct gx_sim_group_sample *g = &s->groups[seen->group];
            uint32_t n = e->groups[k]->law.now.n_members, at = 0;

            if (seen->group >= GX_SIM_SERIES_MAX)
                continue;
            g->least = g->members == 0 || n < g->least ? n : g->least;
            g->most = n > g->most ? n : g->most;
            g->members++;
            while (at < g->states && states[seen->group][at] != seen->state)
                at++;
            if (at == g->states)
                states[seen->group][g->states++] = seen->state;
        }
    }
}

static void look_at_stores(struct gx_sim *sim)
{
    sim->measure->stores_ms = sim->now_ms + STORES_MS;
    for (uint32_t i = 0; i < sim->measure->n_nodes; i++) {
        if (!sim->measure->stirred[i])
            continue;
        sim->measure->stirred[i] = false;

        char path[sizeof sim->nodes[i].dir + sizeof GX_STORE_FILE + 1];
        struct stat st;

        snprintf(path, sizeof path, "%s/%s", sim->nodes[i].dir, GX_STORE_FILE);
        sim->measure->nodes[i].store_bytes = stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
    }
}

static void keep(struct gx_sim_sample **list, uint32_t *n, uint32_t *cap, const struct gx_sim_sample *s)
{
    struct gx_sim_sample same = *s;

    if (*n > 0) {
        same.at_ms = (*list)[*n - 1].at_ms;
        if (memcmp(&same, &(*list)[*n - 1], sizeof same) == 0)
            return;
    }
    *list = sim_grow(*list, cap, *n, sizeof **list);
    (*list)[(*n)++] = *s;
}

static void sample(struct gx_sim *sim, uint64_t at_ms)
{
    struct sim_measure *m = sim->measure;
    struct gx_sim_sample s = {.at_ms = at_ms};

    look(sim, &s);
    if (sim->now_ms >= m->stores_ms)
        look_at_stores(sim);
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        s.store_bytes += m->nodes[i].store_bytes;
        s.store_most = m->nodes[i].store_bytes > s.store_most ? m->nodes[i].store_bytes : s.store_most;
    }
    keep(&m->samples, &m->n_samples, &m->cap_samples, &s);
    if (m->n_samples == SAMPLES_MAX) {
        m->every_ms *= 2;
        m->n_samples /= 2;
        for (uint32_t i = 1; i < m->n_samples; i++)
            m->samples[i] = m->samples[2 * i];
    }
}

static bool all_agree(const struct gx_sim_sample *s)
{
    for (uint32_t k = 0; k < GX_SIM_SERIES_MAX; k++)
        if (s->groups[k].states > 1)
            return false;
    return true;
}

static void close_up(struct gx_sim *sim, uint64_t at_ms)
{
    struct sim_measure *m = sim->measure;
    struct gx_sim_sample s = {.at_ms = at_ms};

    look(sim, &s);
    keep(&m->now.list, &m->now.n, &m->now.cap, &s);
    if (!all_agree(&s))
        m->now.agreed = false;
    else if (!m->now.agreed) {
        m->now.agreed = true;
        m->now.agreed_ms = at_ms;
    }
}

/* Nothing happens before until_ms: it is now as it will be then. */
void sim_measure_until(struct gx_sim *sim, uint64_t until_ms)
{
    struct sim_measure *m = sim->measure;

    if (m == NULL)
        return;
    if (m->next_sample_ms < until_ms && (sim->now_ms < m->stirred_ms + RESTING_MS || m->sampled_ms + SELDOM_MS < until_ms)) {
        sample(sim, m->next_sample_ms);
        m->sampled_ms = m->next_sample_ms;
    }
    if (m->next_sample_ms < until_ms)
        m->next_sample_ms += (until_ms - m->next_sample_ms + m->every_ms - 1) / m->every_ms * m->every_ms;
    if (m->watching && m->next_look_ms < until_ms) {
        uint64_t since = m->next_look_ms - m->now.healed_ms;

        close_up(sim, m->next_look_ms);
        m->next_look_ms += since / 100 > FIRST_LOOK_MS ? since / 100 : FIRST_LOOK_MS;
        if (m->next_look_ms < until_ms)
            m->next_look_ms = until_ms;
    }
}

/* A healing that was not over before the next one says nothing. */
static void keep_longest(struct sim_measure *m)
{
    struct sim_healing before = m->longest;

    if (!m->now.agreed || (m->longest.healed && m->now.agreed_ms - m->now.healed_ms < m->longest.agreed_ms - m->longest.healed_ms))
        return;
    m->longest = m->now;
    m->now = (struct sim_healing){.list = before.list, .cap = before.cap};
}

void sim_measure_heal(struct gx_sim *sim, uint32_t away)
{
    struct sim_measure *m = sim->measure;
    bool mends = false, more = false;

    if (m == NULL)
        return;
    mends = sim_is_cut(sim);
    for (uint32_t a = 0; a < GX_SIM_ISLANDS_MAX; a++)
        for (uint32_t b = 0; b < GX_SIM_ISLANDS_MAX; b++)
            more = more || sim->links[a][b].loss_ppm > 0;
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        const struct sim_node *n = &sim->nodes[i];

        mends = mends || (i != away && !n->up) || n->paused || n->full;
        more = more || n->skew_ms != 0 || gx_sim_lies(sim, i);
    }
    m->healing = true;
    if (mends || more)
        mark(sim, SIM_NONE, "heal", false);
    if (!mends)
        return;
    keep_longest(m);
    m->watching = true;
    m->now.healed = true;
    m->now.agreed = false;
    m->now.n = 0;
    m->now.healed_ms = m->next_look_ms = sim->now_ms;
}

void sim_measure_healed(struct gx_sim *sim)
{
    if (sim->measure != NULL)
        sim->measure->healing = false;
}

void sim_measure_asked(struct gx_sim *sim, enum gx_method method)
{
    static const bool reads[] = {
#define GX_X(id, name, params, needed, offline, help) [id] = offline,
        GX_METHOD_LIST(GX_X)
#undef GX_X
    };

    if (sim->measure == NULL || reads[method])
        return;
    sim->measure->stirred_ms = sim->now_ms;
    if (sim->measure->now.agreed && method != GX_CMD_SEND)
        sim->measure->watching = false;         /* what is decided from now on is another matter */
}

void sim_last_sample(struct gx_sim *sim)
{
    sim->measure->stores_ms = 0;
    memset(sim->measure->stirred, 1, sim->measure->n_nodes * sizeof *sim->measure->stirred);
    sample(sim, sim->now_ms);
    sim->measure->end_ms = sim->now_ms;
}

void sim_measure_stop(struct gx_sim *sim)
{
    if (sim->measure == NULL)
        return;
    sim_last_sample(sim);
    sim->measured = sim->measure;
    sim->measure = NULL;
}
