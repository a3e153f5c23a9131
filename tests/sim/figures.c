/* What was measured, as figures. */
#include "tests/sim/measuring.h"

#include <stdio.h>
#include <stdlib.h>

static void put_pairs(struct gx_sim_figures *out, const struct gx_sim *sim, const struct sim_measure *m)
{
    size_t n = 0;

    for (int pass = 0; pass < 2; pass++) {          /* counted, then written */
        out->n_pairs = n;
        if (pass == 1)
            out->pairs = sim_zeroed(n + 1, sizeof *out->pairs);
        n = 0;
        for (uint32_t k = 0; k < m->n_latency; k++)
            for (uint32_t i = 0; i < m->n_nodes && m->latency[k] != NULL; i++) {
                const struct sim_acked *a = &sim->acked[k];
                uint32_t latency = m->latency[k][i];

                if (i == a->node || latency == 0 || (a->due[i / 8] & 1u << i % 8) == 0 || !sim_is_honest(sim, i) || !sim_is_honest(sim, a->node))
                    continue;
                if (pass == 1) {
                    out->pairs[n] = (struct gx_sim_pair){.written_ms = a->at_ms, .latency_ms = latency == GX_SIM_NEVER ? latency : latency - 1};
                    out->never += latency == GX_SIM_NEVER;
                }
                n++;
            }
    }
}

static void put_groups(struct gx_sim_figures *out, struct gx_sim *sim, struct sim_measure *m)
{
    out->n_groups = m->n_groups;
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        struct gx_engine *e = sim->nodes[i].engine;

        for (uint32_t k = 0; e != NULL && k < e->n_groups; k++) {
            uint32_t at = sim_counts(sim, i, e->groups[k]) ? sim_group_index(m, &e->groups[k]->row.id) : GX_SIM_SERIES_MAX;
            struct gx_sim_group_figures *g = &out->groups[at % GX_SIM_SERIES_MAX];
            uint8_t hash[32];
            char hex[65];

            if (at >= GX_SIM_SERIES_MAX)
                continue;
            sim_state_hash(e->groups[k], hash);
            gx_hex(hex, hash, sizeof hash);
            if (g->state_hash[0] == 0) {
                memcpy(g->state_hash, hex, sizeof hex);
                g->members = e->groups[k]->law.now.n_members;
                g->agreed = true;
                snprintf(g->name, sizeof g->name, "%.39s", gx_group_name(e, e->groups[k]));
                gx_txn_abort(&e->txn);
            }
            g->agreed = g->agreed && strcmp(g->state_hash, hex) == 0;
        }
    }
}

static void *copied(const void *list, size_t n, size_t item)
{
    void *p = sim_zeroed(n + 1, item);

    if (n > 0)
        memcpy(p, list, n * item);
    return p;
}

/* The longest; or the last, where all do not agree even now. */
static void put_healing(struct gx_sim_figures *out, const struct sim_measure *m)
{
    const struct sim_healing *h = &m->now;

    if (!m->now.healed || (m->now.agreed && m->longest.healed && m->now.agreed_ms - m->now.healed_ms < m->longest.agreed_ms - m->longest.healed_ms))
        h = &m->longest;
    out->healing = copied(h->list, h->n, sizeof *h->list);
    out->n_healing = h->n;
    out->healed = h->healed;
    out->converged = h->healed && h->agreed;
    out->healed_ms = h->healed_ms;
    out->converge_ms = out->converged ? h->agreed_ms - h->healed_ms : 0;
}

bool gx_sim_figures(struct gx_sim_figures *out, struct gx_sim *sim)
{
    struct sim_measure *m = sim->measure != NULL ? sim->measure : sim->measured;

    *out = (struct gx_sim_figures){.seed = sim->options.seed, .n_nodes = sim->options.n_nodes};
    if (m == NULL)
        return false;
    if (m == sim->measure)
        sim_last_sample(sim);
    out->end_ms = m->end_ms;
    out->marks = copied(m->marks, m->n_marks, sizeof *m->marks);
    out->n_marks = m->n_marks;
    out->more_marks = m->more_marks;
    out->samples = copied(m->samples, m->n_samples, sizeof *m->samples);
    out->n_samples = m->n_samples;
    out->nodes = copied(m->nodes, m->n_nodes, sizeof *m->nodes);
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        out->all.bytes += m->nodes[i].bytes;
        out->all.frames += m->nodes[i].frames;
        out->all.received += m->nodes[i].received;
        out->all.again += m->nodes[i].again;
        out->all.store_bytes += m->nodes[i].store_bytes;
    }
    memcpy(out->kind_bytes, m->kind_bytes, sizeof out->kind_bytes);
    memcpy(out->kind_frames, m->kind_frames, sizeof out->kind_frames);
    put_pairs(out, sim, m);
    put_groups(out, sim, m);
    put_healing(out, m);
    return true;
}

void gx_sim_figures_free(struct gx_sim_figures *figures)
{
    free(figures->marks);
    free(figures->samples);
    free(figures->healing);
    free(figures->pairs);
    free(figures->nodes);
    *figures = (struct gx_sim_figures){.n_nodes = 0};
}
