/* Making a scenario that breaks a rule as small as it still breaks that rule: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing
 * input", 2002. */
#ifndef GX_SIM_SHRINK_H
#define GX_SIM_SHRINK_H

#include "tests/sim/scenario.h"

/* Takes acts, nodes and expectations away while the first rule that is broken stays the same: of a line of the file that line, and of one about members the
 * number that was found; a run that ends itself counts as a rule.  What is left can be written, and read again.
 * better: called with scn itself once it is known to break one, and with each smaller one, in this process.
 * Returns 0; 1: nothing is broken, and scn is as it was; a signal that stopped it, or -1, as gx_sim_jobs_run does; or -2: there
 * was no room in /dev/shm for a run.  Then scn is the smallest so far. */
int gx_scn_shrink(struct gx_scenario *scn, const struct gx_scn_options *options, void (*better)(void *ctx, const struct gx_scenario *scn), void *ctx) GX_MUST_CHECK;

#endif
