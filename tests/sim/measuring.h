/* Inside measure.c and figures.c only. */
#ifndef GX_SIM_MEASURING_H
#define GX_SIM_MEASURING_H

#include "tests/sim/internal.h"

#define SIM_MARKS_MAX 1024u

struct sim_log {
    struct gx_log_id id;
    uint32_t *acked, n, cap;        /* messages of it that were acknowledged, in their order */
};

/* What a node was sent events of, and may not have taken in yet. */
struct sim_pending {
    uint32_t *logs, n, cap;
};

/* The state of a group as a node had it: hashed anew when the law found something else. */
struct sim_seen {
    uint32_t gnum, life, generation, group;
    uint64_t state;
};

struct sim_seen_list {
    struct sim_seen *list;
    uint32_t n, cap;
};

/* A healing, in close-up. */
struct sim_healing {
    bool healed, agreed;
    uint64_t healed_ms, agreed_ms;
    struct gx_sim_sample *list;
    uint32_t n, cap;
};

struct sim_measure {
    uint32_t n_nodes;
    struct sim_log *logs;
    uint32_t n_logs, cap_logs;
    uint32_t *slots, n_slots;       /* of logs, by id; a power of two; SIM_NONE: free */
    uint64_t *got, n_got, cap_got;  /* log, seq and node of each event that a node received; 0: free */
    uint32_t **latency;             /* of each acknowledged message, by node: ms and one more; 0: not there; GX_SIM_NEVER */
    uint32_t n_latency, cap_latency;
    struct sim_copies *copies;      /* likewise */
    uint32_t cap_copies;
    struct sim_pending *pending;        /* by node */
    struct gx_sim_traffic *nodes;
    bool *stirred;                  /* by node: its store may have another size since it was looked at */
    uint64_t kind_bytes[GX_SIM_KINDS_MAX], kind_frames[GX_SIM_KINDS_MAX];
    struct gx_group_id groups[GX_SIM_SERIES_MAX];
    uint32_t n_groups;
    struct sim_seen_list *seen;         /* by node */
    struct gx_sim_mark marks[SIM_MARKS_MAX];
    uint32_t n_marks;
    uint64_t more_marks;
    struct gx_sim_sample *samples;
    uint32_t n_samples, cap_samples;
    uint64_t next_sample_ms, every_ms, sampled_ms, stirred_ms, stores_ms, end_ms;
    uint64_t states[GX_SIM_SERIES_MAX][GX_SIM_NODES_MAX];       /* scratch: different ones of a group */
    struct sim_healing now, longest;
    bool watching, healing;         /* healing: what is done meanwhile is no fault */
    uint64_t next_look_ms;
};

/* Filled with zeroes; there, or the program ends. */
void *sim_zeroed(size_t n, size_t bytes);
/* Is it a group that is looked at, as an honest member's node sees it? */
bool sim_counts(const struct gx_sim *sim, uint32_t node, const struct gx_group *g);
uint32_t sim_group_index(struct sim_measure *m, const struct gx_group_id *id);      /* GX_SIM_SERIES_MAX: one too many */
void sim_state_hash(struct gx_group *g, uint8_t out[32]);
void sim_last_sample(struct gx_sim *sim);      /* how it is now, whenever it was looked last */

#endif
