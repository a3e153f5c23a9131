/* Machines and links that fail for a while: a process that is stopped, a disk without room, a link that comes and goes. */
#include "tests/sim/internal.h"

#include "store/schema.h"
#include <stdlib.h>

/* --- stopped as by SIGSTOP ------------------------------------------------------------------------------------------------------------------ */

void gx_sim_pause(struct gx_sim *sim, uint32_t i, bool paused)
{
    struct sim_node *node = &sim->nodes[i];

    if (node->paused == paused)
        return;
    node->paused = paused;
    sim->counts.pauses += paused;
    sim_mark(sim, i, paused ? "stop" : "go on");
    if (!paused && node->up && node->n_inbox > 0 && !node->listed) {
        node->listed = true;
        sim->busy[sim->n_busy++] = i;
    }
    sim_settle(sim);
}

/* --- a store that cannot grow -------------------------------------------------------------------------------------------------------------- */

#define FULL_PAGES 8u           /* are left: a step that needs few succeeds at times, as it does on a disk where others free some */

/* The map is the limit that one node of many on one file system can have for itself; LMDB then says MDB_MAP_FULL, which is GX_E_FULL to all above,
 * as ENOSPC is.  No transaction is open between two steps. */
void sim_disk_limit(struct gx_sim *sim, uint32_t i)
{
    struct sim_node *node = &sim->nodes[i];
    MDB_env *env = node->store->env;
    MDB_envinfo info;
    MDB_stat stat;
    int rc = mdb_env_info(env, &info);

    if (rc == 0)
        rc = mdb_env_stat(env, &stat);
    if (rc == 0)
        rc = mdb_env_set_mapsize(env, node->full ? (info.me_last_pgno + 1 + FULL_PAGES) * stat.ms_psize : SIM_MAP_BYTES);
    GX_ASSERT(rc == 0);
}

void gx_sim_disk_full(struct gx_sim *sim, uint32_t i, bool full)
{
    struct sim_node *node = &sim->nodes[i];

    if (node->full == full)
        return;
    node->full = full;
    sim_mark(sim, i, full ? "disk full" : "room on the disk");
    if (node->up)
        sim_disk_limit(sim, i);
}

/* --- a link that comes and goes -------------------------------------------------------------------------------------------------------------- */

static void set_link(struct gx_sim *sim, uint32_t a, uint32_t b, bool down)
{
    struct sim_flap *flap = &sim->flaps[a][b];

    flap->down = sim->cut[a][b] = sim->cut[b][a] = down;
}

void gx_sim_flap(struct gx_sim *sim, uint32_t a, uint32_t b, uint64_t period_ms)
{
    struct sim_flap *flap = NULL;

    GX_ASSERT(a < GX_SIM_ISLANDS_MAX && b < GX_SIM_ISLANDS_MAX);
    flap = &sim->flaps[a < b ? a : b][a < b ? b : a];
    if (period_ms == 0 && flap->period_ms == 0)
        return;
    flap->period_ms = period_ms;
    flap->generation = ++sim->generation;
    set_link(sim, a < b ? a : b, a < b ? b : a, period_ms != 0);
    sim_mark_link(sim, period_ms != 0 ? "flap" : "flap no more", a, b);
    sim_mark_link(sim, period_ms != 0 ? "flap" : "flap no more", b, a);
    if (period_ms != 0)
        sim_at(sim, sim->now_ms, (struct sim_event){.kind = SIM_FLAP, .a = a < b ? a : b, .b = a < b ? b : a, .number = flap->generation});
}

/* It just went down, or its time to change has come; or it is down for so long that both kernels give its connections up. */
void sim_flap(struct gx_sim *sim, const struct sim_event *ev)
{
    struct sim_flap *flap = &sim->flaps[ev->a][ev->b];

    if (flap->generation != ev->number || flap->period_ms == 0)
        return;
    if (ev->kind == SIM_BROKEN) {
        sim_net_break(sim, ev->a, ev->b);
        return;
    }
    if (flap->at_ms != 0 && sim->now_ms >= flap->at_ms)
        set_link(sim, ev->a, ev->b, !flap->down);
    sim->counts.flaps += flap->down;
    flap->at_ms = sim->now_ms + flap->period_ms;
    sim_at(sim, flap->at_ms, *ev);
    if (flap->down && flap->period_ms >= SIM_BREAK_MS)
        sim_at(sim, sim->now_ms + SIM_BREAK_MS, (struct sim_event){.kind = SIM_BROKEN, .a = ev->a, .b = ev->b, .number = ev->number});
}

void sim_faults_end(struct gx_sim *sim)
{
    memset(sim->flaps, 0, sizeof sim->flaps);
    for (uint32_t i = 0; i < sim->options.n_nodes; i++) {
        gx_sim_disk_full(sim, i, false);
        gx_sim_pause(sim, i, false);
    }
}
