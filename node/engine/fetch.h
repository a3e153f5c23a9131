/* Between repair.c, theirs.c and fetch.c: what peers told to hold, and asking them for messages.  WIRE §6.1 */
#ifndef GX_ENGINE_FETCH_H
#define GX_ENGINE_FETCH_H

#include "node/engine/internal.h"

#define GX_DRY_MS 30000u        /* a peer that had no messages for me is not asked for the same ones before */

/* --- theirs.c ----------------------------------------------------------------------------------------------------------------------- */

/* The peer's device holds this node's messages from base_seq + 1 to seq: what `sent` and `delivered` rest on. */
void gx_theirs_held(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device, uint32_t base_seq, uint32_t seq);
/* What is in doubt of a log that it told of; never NULL. */
const struct gx_doubt *gx_theirs_doubt_of(const struct gx_channel *c, uint32_t log);
/* The same, to be written; valid until the next one is made.  NULL: it told nothing of that log, or memory is out (noted). */
struct gx_doubt *gx_theirs_doubt(struct gx_engine *e, struct gx_channel *c, uint32_t log);
/* Can it give what follows my head?  Not when it joined later, nor when it had nothing the last time. */
bool gx_theirs_can_give(const struct gx_engine *e, const struct gx_group *g, const struct gx_channel *c, uint32_t log);
/* Of which branch is what it gives of the log?  True: its frontier says so, and not the chunk. */
bool gx_theirs_in_doubt(const struct gx_group *g, const struct gx_channel *c, uint32_t log);
/* It was asked for what follows the (pending) head of `log`, and did not give it in time. */
void gx_theirs_dry(struct gx_engine *e, struct gx_group *g, struct gx_doubt *d, const struct gx_log *log);
/* The same, and its answer is complete. */
void gx_theirs_nothing_came(struct gx_engine *e, struct gx_group *g, struct gx_channel *c, uint32_t at);
/* Look then for what is lacking, at the latest: it is not asked of somebody before. */
void gx_theirs_look_at(struct gx_engine *e, struct gx_group *g, uint64_t at_ms);
/* When some of what it did not give may be asked for again: look for what is lacking. */
void gx_theirs_timer(struct gx_engine *e, struct gx_group *g);
/* What it was asked about branches of the log is answered. */
void gx_theirs_haves_answered(struct gx_engine *e, struct gx_channel *c, uint32_t log);

/* --- fetch.c ------------------------------------------------------------------------------------------------------------------------ */

/* Ask for messages that are lacking, of those who have no question open. */
void gx_fetch_look(struct gx_engine *e, struct gx_group *g);
/* An answer that its credit does not cover has begun, and says where it will end (CHUNKS with ON): ask for what follows. */
void gx_fetch_on(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_want_entry *on);
/* An answer ended.  True: the question that was asked ahead is still open. */
bool gx_fetch_is_ahead(struct gx_channel *c);
/* Of a log that it was asked for so many bytes more were taken from it. */
void gx_fetch_given(struct gx_session *s, const struct gx_group *g, const struct gx_log *log, size_t n_bytes);
/* An answer ended, and it said to have more of what it was asked for: does it give too little at a time? */
void gx_fetch_gave(struct gx_engine *e, struct gx_channel *c);
/* What was asked for and not answered in time is asked of others first. */
void gx_fetch_give_up(struct gx_engine *e, struct gx_group *g);

#endif
