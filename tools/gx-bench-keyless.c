/* A node that never gets round to learning the keys of the messages that come to it, and is the same otherwise: gx-bench shows with it what these cost.
 * Linked with --wrap=gx_chains_finish. */
#include "node/engine/sealing.h"

void __wrap_gx_chains_finish(struct gx_engine *e);

void __wrap_gx_chains_finish(struct gx_engine *e)
{
    (void)e;
}
