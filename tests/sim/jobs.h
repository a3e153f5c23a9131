/* Many runs, each in a process of its own: as many at once as there are processors, told of in their order, and one that ends itself is one that is
 * broken and no more.  What a run writes lies in a folder of its own on a tmpfs that is gone when the run is, however it ended. */
#ifndef GX_SIM_JOBS_H
#define GX_SIM_JOBS_H

#include "crypto/base.h"

#include <stdio.h>

struct gx_sim_job {
    uint64_t index;
    int signal;             /* that ended it; 0: it ended by itself */
    int code;               /* what work returned */
    bool no_room;           /* where its folder was, when it ended */
    const char *text;       /* what it printed; ends in 0 */
    const void *result;     /* zeroes when a signal ended it */
};

struct gx_sim_jobs {
    uint64_t first, n;      /* indexes */
    uint32_t at_once;       /* 0: as many as processors */
    uint32_t seconds;       /* of a processor: SIGXCPU ends one that takes longer; 0: no limit */
    size_t result_bytes;
    int (*work)(void *ctx, uint64_t index, const char *dir, void *result, FILE *out);       /* in a process of its own; 0 to 99 */
    bool (*done)(void *ctx, const struct gx_sim_job *job);          /* in order; false: enough */
    void *ctx;
};

/* Returns 0; the signal that ended it (INT, TERM, HUP, QUIT or PIPE), when all its processes have ended and what they had is removed; or -1: no process
 * or no folder can be made, and errno says why. */
int gx_sim_jobs_run(const struct gx_sim_jobs *jobs);
uint32_t gx_sim_jobs_processors(void);

#endif
