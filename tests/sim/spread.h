/* How times are spread: in steps of a thirty-second of their octave, below 32 ms of one, so that those of many runs can be put together.  Nothing but
 * uint64_t. */
#ifndef GX_SIM_SPREAD_H
#define GX_SIM_SPREAD_H

#include "crypto/base.h"

#define GX_SIM_SPREAD_STEPS 896u        /* up to what 32 bits hold */

struct gx_sim_spread {
    uint64_t n, most_ms;                    /* most_ms: exact */
    uint64_t steps[GX_SIM_SPREAD_STEPS];    /* how many times lie in each */
};

/* n times of so many ms; of more than 32 bits hold as of that. */
void gx_sim_spread_note(struct gx_sim_spread *s, uint64_t ms, uint64_t n);
void gx_sim_spread_add(struct gx_sim_spread *sum, const struct gx_sim_spread *more);
/* The last ms of a step. */
uint64_t gx_sim_spread_end(uint32_t step);
/* By when that share of them is over: the end of the step, or the greatest of all.  0 when there are none. */
uint64_t gx_sim_spread_quantile(const struct gx_sim_spread *s, double share);

#endif
