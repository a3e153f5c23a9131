/* Making a scenario that breaks a rule as small as it still breaks that rule: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing
 * input", 2002. */
#ifndef GX_SIM_SHRINK_H
#define GX_SIM_SHRINK_H

#include "tests/sim/scenario.h"

/* Takes acts, nodes and expectations away while the first rule that is broken stays the same; a run that ends itself counts as a rule.
 * better: called with each smaller one, in this process.
 * Returns 0; 1: nothing is broken, and scn is as it was; a signal that stopped it, or -1, as gx_sim_jobs_run does: scn is the smallest so far. */
int gx_scn_shrink(struct gx_scenario *scn, const struct gx_scn_options *options, void (*better)(void *ctx, const struct gx_scenario *scn), void *ctx) GX_MUST_CHECK;

#endif
