/* What a run was like, in figures: how fast messages spread, what that cost, when all agreed.  Only where gx_sim_options.measure asks for it: then
 * a run takes a little longer, and is the same run. */
#ifndef GX_SIM_MEASURE_H
#define GX_SIM_MEASURE_H

#include "tests/sim/sim.h"

#define GX_SIM_SERIES_MAX 8u        /* groups whose members are counted over time: the first ones; direct chats are none */
#define GX_SIM_KINDS_MAX 32u        /* kinds of frames: enum gx_frame_kind */
#define GX_SIM_NEVER UINT32_MAX

/* Something was done to the world. */
struct gx_sim_mark {
    uint64_t at_ms;
    char text[96];
    uint32_t first[3], n;           /* whom it happened to at that instant, the first three of them; n: how many; 0: to no node */
    bool cut;                       /* some link is cut from then on */
};

/* How it was from at_ms on, until the next one.  Looked at now and then: a sample is there where something had changed. */
struct gx_sim_group_sample {
    uint32_t members;               /* nodes that are up, never lied, and hold themselves for members */
    uint32_t least, most;           /* and how many members these count */
    uint32_t states;                /* different states among these */
};
struct gx_sim_sample {
    uint64_t at_ms, store_bytes, store_most;        /* of all nodes together; of the largest */
    uint32_t up;
    struct gx_sim_group_sample groups[GX_SIM_SERIES_MAX];
};

/* A message, and somebody who was a member when it was written and is not its author. */
struct gx_sim_pair {
    uint64_t written_ms;
    uint32_t latency_ms;            /* until the node first held it; GX_SIM_NEVER: it should, and does not */
};

/* What a node got.  An event is received again when it came before, from whomever. */
struct gx_sim_traffic {
    uint64_t bytes, frames, received, again, store_bytes;
};

struct gx_sim_group_figures {
    char name[40];
    bool agreed;                    /* all members' nodes have the same state */
    uint32_t members;               /* as the first of these says */
    char state_hash[65];
};

struct gx_sim_figures {
    uint64_t seed, end_ms;
    uint32_t n_nodes;
    struct gx_sim_mark *marks;
    uint32_t n_marks;
    uint64_t more_marks;            /* that found no room */
    struct gx_sim_sample *samples;
    uint32_t n_samples;
    struct gx_sim_sample *healing;  /* the same in close-up, from healed_ms on; groups alone */
    uint32_t n_healing;
    struct gx_sim_pair *pairs;      /* who was out before a message came is not waited for, and is in none of these */
    size_t n_pairs;
    uint64_t never;
    struct gx_sim_traffic *nodes;
    struct gx_sim_traffic all;
    uint64_t kind_bytes[GX_SIM_KINDS_MAX], kind_frames[GX_SIM_KINDS_MAX];
    struct gx_sim_group_figures groups[GX_SIM_SERIES_MAX];
    uint32_t n_groups;
    /* From a healing that found a cut or somebody down until all members' nodes agree, and go on to until a command decides something new; to 1 %.
     * Of several the longest; converged: false when they do not agree now. */
    bool healed, converged;
    uint64_t healed_ms, converge_ms;
};

/* The figures so far; after gx_sim_check, which knows what should have come and did not.  False: the world does not measure.  The caller frees them. */
bool gx_sim_figures(struct gx_sim_figures *out, struct gx_sim *sim) GX_MUST_CHECK;
void gx_sim_figures_free(struct gx_sim_figures *figures);

#endif
