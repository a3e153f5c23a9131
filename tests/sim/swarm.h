/* Random worlds: which faults there are is drawn by seed, then what people do and when. */
#ifndef GX_SIM_SWARM_H
#define GX_SIM_SWARM_H

#include "tests/sim/sim.h"

struct gx_sim_swarm {
    uint64_t seed;
    uint32_t n_nodes;       /* at least 4 */
    uint32_t n_acts;
    const char *dir;        /* as in struct gx_sim_options, with the next two */
    bool no_writemap, no_memo;
};

/* What was done, so that a test can show that it reached what it is for. */
struct gx_sim_acts {
    uint64_t joins, joined, sends, refused, removals, bans, leaves, promotions, closed, revokes, expired, away, scans, accepted, invited;
    uint64_t crashes, restarts, saved, cuts, skews;
};

/* Runs it, heals it, checks it.  The caller frees *out (NULL on an error of gx_sim_new) after having looked at it; acts are added to. */
enum gx_err gx_sim_swarm(struct gx_sim **out, struct gx_sim_acts *acts, const struct gx_sim_swarm *swarm) GX_MUST_CHECK;

#endif
