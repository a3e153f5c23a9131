/* Random worlds: which faults there are is drawn by seed, then what people do and when.  What comes out is a scenario as a person could write it, so
 * that it is played, told and made smaller as any other. */
#ifndef GX_SIM_SWARM_H
#define GX_SIM_SWARM_H

#include "tests/sim/scenario.h"

struct gx_sim_swarm {
    uint64_t seed;
    uint32_t n_nodes;       /* at least 4 */
    uint32_t n_acts;        /* some more are added: founding, first joins, what belongs together */
};

/* The caller frees it. */
void gx_sim_swarm(struct gx_scenario *out, const struct gx_sim_swarm *swarm);

#endif
