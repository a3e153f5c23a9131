/* Verification off the loop's thread: VERIFY effects in, VERIFIED inputs out, in ticket order. */
#ifndef GX_OS_VERIFY_H
#define GX_OS_VERIFY_H

#include "node/engine/engine.h"

struct gx_verifier;

/* n_threads workers (1 to 16). */
enum gx_err gx_verifier_open(struct gx_verifier **out, unsigned n_threads) GX_MUST_CHECK;
void gx_verifier_close(struct gx_verifier *v);      /* joins the threads; NULL does nothing */

/* Queue one VERIFY.  Its bytes, pk and sig are borrowed until its VERIFIED was taken. */
void gx_verifier_add(struct gx_verifier *v, const struct gx_effect *effect);
/* Start what was added since.  With few (GX_VERIFY_INLINE) under way the caller's own thread does it here: handing over costs more. */
#define GX_VERIFY_INLINE 4u
void gx_verifier_flush(struct gx_verifier *v);
/* An eventfd that becomes readable when results can be taken. */
int gx_verifier_fd(const struct gx_verifier *v);
/* Results in ticket order without gaps; at most cap.  Never blocks. */
size_t gx_verifier_take(struct gx_verifier *v, struct gx_input *inputs, size_t cap, struct gx_time now);
/* For gx_engine_config.hands: work(ctx, i) for each i below n, by the workers and the caller's thread; back when all is done. */
void gx_verifier_each(void *verifier, void (*work)(void *ctx, size_t i), void *ctx, size_t n);
/* Would gx_verifier_take give something?  Told without a system call. */
bool gx_verifier_ready(struct gx_verifier *v);
/* How many are not taken yet. */
size_t gx_verifier_pending(const struct gx_verifier *v);

#endif
