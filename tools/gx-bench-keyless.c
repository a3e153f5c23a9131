/* A node that learns no keys of the messages that come to it, and is the same otherwise: gx-bench shows with it what these cost.  Linked with
 * --wrap=gx_chain_learn_chunk. */
#include "node/engine/sealing.h"

void __wrap_gx_chain_learn_chunk(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_chunk *chunk, const struct gx_event_id *ids,
                                 uint64_t first_arrival);

void __wrap_gx_chain_learn_chunk(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_chunk *chunk, const struct gx_event_id *ids,
                                 uint64_t first_arrival)
{
    (void)e;
    (void)g;
    (void)log;
    (void)chunk;
    (void)ids;
    (void)first_arrival;
}
