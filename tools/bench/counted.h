/* Frames by their kind, as gx-bench-counted counts them and gx-bench reads them. */
#ifndef GX_BENCH_COUNTED_H
#define GX_BENCH_COUNTED_H

#include "proto/frame.h"

#define GX_COUNTED_KINDS 32u

struct gx_counted {
    uint64_t frames[GX_COUNTED_KINDS], bytes[GX_COUNTED_KINDS];     /* payloads: what CURVE and ZeroMQ add is the same for each frame */
};

/* By which nodes tell what they hold and ask for what they lack. */
static const enum gx_frame_kind gx_told_kinds[] = {GX_FRAME_SUM, GX_FRAME_BUCKETS, GX_FRAME_FRONTIER, GX_FRAME_RECORDS, GX_FRAME_ENDPOINTS, GX_FRAME_WANT};

/* sync.c: in the simulator, of two of so many nodes that meet, one of which was away while the first `authors` of the others wrote `lacking` messages. */
bool gx_sync_in_simulator(struct gx_counted *out, uint64_t seed, uint32_t nodes, uint32_t authors, uint32_t lacking);

#endif
