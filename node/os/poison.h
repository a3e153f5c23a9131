/* Frames that killed the node are skipped at the next start.
 *
 * Before a step the hashes of its frames stand in a page of the file `progress`, which outlives the process; the engine notes there at which
 * input it is.  A start that finds an input named puts that frame's hash on the list `poison`: at once when the process died of a signal of its own
 * making, after GX_POISON_KILLS times when it was killed from outside (which says little about the frame).  Another version of the program starts
 * with an empty list: it may have learnt. */
#ifndef GX_OS_POISON_H
#define GX_OS_POISON_H

#include "node/engine/engine.h"
#include "node/os/home.h"

#define GX_POISON_MAX 64u
#define GX_POISON_KILLS 3u
#define GX_POISON_HASH 16u

struct gx_poison_page;

struct gx_poison_entry {
    uint8_t hash[GX_POISON_HASH];
    uint8_t strikes;                /* GX_POISON_KILLS and more: skipped */
};

struct gx_poison {
    struct gx_poison_page *page;
    struct gx_poison_entry entries[GX_POISON_MAX];      /* oldest first; the oldest makes room */
    size_t n;
    uint64_t skipped;
};

/* Looks at how the last process ended.  *found: 1 when a frame was named, and it is in *hash.  Fails with exit 74. */
bool gx_poison_open(struct gx_poison *p, bool *found, uint8_t hash[GX_POISON_HASH], const struct gx_home *home, struct gx_fail *why) GX_MUST_CHECK;
void gx_poison_close(struct gx_poison *p);

/* For gx_engine_config.progress. */
volatile uint32_t *gx_poison_progress(struct gx_poison *p);
/* Name the frames of a step, n <= GX_STEP_INPUTS_MAX; those on the list are taken out and counted.  Returns how many inputs are left. */
size_t gx_poison_batch(struct gx_poison *p, struct gx_input *inputs, size_t n);
/* The step is over. */
void gx_poison_done(struct gx_poison *p);

#endif
