/* Reading messages back: by arrival, or log by log from the newest on. */
#ifndef GX_ENGINE_READER_H
#define GX_ENGINE_READER_H

#include "node/engine/answers.h"

/* One event of a log of messages, in the step arena. */
struct gx_message {
    uint64_t tick;
    struct gx_event_id id;
    uint64_t wall_ms;               /* by the author's clock */
    const char *text;               /* NULL: it cannot be read, or was deleted; the rest is then zero */
    const char *kind;               /* NULL: a text; "invite", "reveal", "sealed" (it cannot be read here): what text then says in words */
    bool has_reply;
    struct gx_event_id reply;
};

struct gx_reader_log {
    struct gx_group *g;
    struct gx_log *log;
    uint32_t lnum;
    bool shown;                     /* a log of messages, by somebody who is or was a member */
    /* Events read so far that may be asked for again: first to first + n - 1. */
    uint32_t first, n;
    struct gx_message *messages;
    /* Of the backward merge: the next one to take, and the one to stop at. */
    uint32_t cursor, stop;
    uint64_t tick;                  /* of the event at the cursor */
    /* Made when first shown. */
    const char *where, *group, *from, *alias;
};

struct gx_reader {
    struct gx_engine *e;
    struct gx_reader_log *logs;     /* by ascending lnum */
    uint32_t n;
    uint8_t *scratch;
    /* What other members' devices told they hold of the own log of a group. */
    const struct gx_group *held_of;
    struct gx_held_row *held;
    uint32_t n_held;
};

struct gx_reader_row {
    struct gx_reader_log *l;
    uint32_t seq;
    uint64_t arrival;
    const struct gx_message *m;
};

/* All logs of g, or of all groups when NULL.  False at fault.  Valid for this step, until a log is added. */
bool gx_reader_begin(struct gx_reader *r, struct gx_engine *e, struct gx_group *g);
/* The log with that number; NULL when it is not among them. */
struct gx_reader_log *gx_reader_find(const struct gx_reader *r, uint32_t lnum);
/* Event seq of the log.  When it was not read yet, all from `from` to `to` are (from <= seq <= to).  NULL at fault. */
const struct gx_message *gx_reader_get(struct gx_reader *r, struct gx_reader_log *l, uint32_t seq, uint32_t from, uint32_t to);
/* The same in the direction of time: what follows is likely asked for next. */
const struct gx_message *gx_reader_forward(struct gx_reader *r, struct gx_reader_log *l, uint32_t seq);

/* The keys of `read` and `watch`. */
void gx_reader_values(struct gx_reader *r, struct gx_answer_builder *b, const struct gx_reader_row *row);
#define GX_READER_VALUES 16u        /* how many those are, at most */


/* Walk events from .. to of a log: each(ctx, seq, ev) with ev NULL for one that cannot be read.  ev is borrowed until the next call.
 * scratch: GX_READER_SCRATCH bytes.  False at fault. */
#define GX_READER_SCRATCH (GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX)
bool gx_log_walk(struct gx_engine *e, const struct gx_group *g, const struct gx_log *log, uint32_t from, uint32_t to, uint8_t *scratch,
                 void (*each)(void *ctx, uint32_t seq, const struct gx_event *ev), void *ctx);

#endif
