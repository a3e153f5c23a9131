/* What the parts of the law share.  Only proto/law*.c include this. */
#ifndef GX_PROTO_LAW_WORK_H
#define GX_PROTO_LAW_WORK_H

#include "crypto/mutant.h"
#include "proto/law.h"

#define NONE GX_LAW_NONE

/* An ablation is the law built for a test without one of its rules, so that theorem n of tests/prop/law_theorems.h fails; 10 n names a second rule that
 * the same theorem rests on.  The library has all of them. */
#ifdef GX_LAW_WITHOUT
#define WITHOUT(n) ((n) == GX_LAW_WITHOUT)
#else
#define WITHOUT(n) false
#endif

/* ---- law.c: memory, adding ------------------------------------------------------------------------------------------ */

/* Room for n elements of `size` bytes in *array; false: there is no memory. */
bool gx_law_room(struct gx_law *law, void *array, uint32_t *cap, uint32_t n, size_t size) GX_MUST_CHECK;
/* Does a come before b by (depth, id)? */
bool gx_law_sorts_before(const struct gx_law *law, uint32_t a, uint32_t b);

/* ---- law_past.c ------------------------------------------------------------------------------------------------------ */

/* Write the past of the next operation (law->n_ops). */
bool gx_law_past_add(struct gx_law *law, const struct gx_law_edges *edges) GX_MUST_CHECK;
/* Is everything added before x in its past? */
bool gx_law_past_is_all(const struct gx_law *law, uint32_t x);
/* Are all bits of law->mark below x in the past of x? */
bool gx_law_past_covers_mark(const struct gx_law *law, uint32_t x);
/* law->mark, of which nothing from x on is asked any more, becomes the past of x; loses what is not in the past of x. */
void gx_law_mark_past(struct gx_law *law, uint32_t x);
void gx_law_mark_common(struct gx_law *law, uint32_t x);

static inline void gx_law_set_mark(struct gx_law *law, uint32_t i)
{
    law->mark[i / 64] |= 1ull << (i % 64);
}

static inline bool gx_law_is_marked(const struct gx_law *law, uint32_t i)
{
    return law->mark[i / 64] >> (i % 64) & 1;
}

/* ---- law_mainline.c: LAW §6 ------------------------------------------------------------------------------------------ */

/* The mainline of what lies in the past of x (x >= n_ops: of everything), from nothing. */
bool gx_law_find_mainline(struct gx_law *law, struct gx_law_run *run, uint32_t x) GX_MUST_CHECK;
/* Take operation x, the newest that the mainline has heard of, into it.  False: it has to be found anew. */
bool gx_law_extend_mainline(struct gx_law *law, struct gx_law_run *run, uint32_t x);
/* S of x, known to be at least `from`. */
uint32_t gx_law_witness(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t from);

/* ---- law_rules.c: LAW §7, §8 ------------------------------------------------------------------------------------------- */

/* Every run begins with this: nothing is effective yet. */
void gx_law_run_begin(const struct gx_law *law, struct gx_law_run *run);
/* The operation at the next place of L: what it does by itself (all but ADMIT), and who is a member by it. */
void gx_law_judge(struct gx_law *law, struct gx_law_run *run, uint32_t x);
void gx_law_replay(const struct gx_law *law, struct gx_law_run *run, uint32_t x);
/* Back again, the last one first. */
void gx_law_unjudge(const struct gx_law *law, struct gx_law_run *run, uint32_t x);
void gx_law_unreplay(const struct gx_law *law, struct gx_law_run *run, uint32_t x);
/* Can the effective removal or REVOKE r, behind x in L and of the same S, make ADMIT x void? */
bool gx_law_touches(const struct gx_law *law, uint32_t r, uint32_t x);

enum gx_rank gx_law_rank_at(const struct gx_law_run *run, uint32_t person, uint32_t k);
bool gx_law_author_ok(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t person, uint32_t *culprit);
/* At least admin in both places where LAW §7 asks? */
bool gx_law_had_rank(const struct gx_law *law, const struct gx_law_run *run, uint32_t x);
/* The rule by which x fails by itself (not for want of a seat), with the operation it fails by. */
enum gx_law_rule gx_law_fault(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t *culprit);
enum gx_law_rule gx_law_seat_fault(const struct gx_law *law, const struct gx_law_run *run, uint32_t x);
bool gx_law_banned_at(const struct gx_law *law, const struct gx_law_run *run, uint32_t x, uint32_t person, uint32_t *culprit);

#endif
