/* What must hold of the law, said once more in terms of past(x), S, L and what is effective, and held against its answers.
 *
 * T1  Convergence.  Members, ranks, bans, names, state hash, and of every operation rule, seat, S and place in L depend on the set alone: not on the
 *     order of delivery (any that is causal), nor on when results are brought up to date, nor on the form, incremental or batch.
 * T2  Caps.  At no place of L has the group more than `cap` members.  Who takes a seat finds one free; by QR, fewer than `qr_max` members, and fewer than
 *     `uses` seats taken by the token.  Of the seats with one S no sponsor has more than `quota`.  Who is a member already takes no seat.
 * T3  Finality.  Let P be a mainline point with its past, and P in G' in G, closed, where no log of a mainline device is forked in G.  Then L of G' begins
 *     with L of P, and S, rule and seat of all in P are what they are in P.
 * T4  Strong removal.  A member has an effective ADMIT with every effective removal of theirs in its past.  An effective ADMIT written by, or invited by a
 *     token of, somebody whom r removes is in past(r), or witnessed before r, or knows an effective ADMIT of theirs that knows r; or r is a LEAVE that it
 *     does not know.  An effective ADMIT of somebody who left knows no effective LEAVE that the join request did not.
 * T5  Rank safety.  Ranks are what the effective operations make of them, in the order of L, by steps of S.  Each effective operation that needs a rank had
 *     it both when it was witnessed and by what its author knew; nobody is removed by an equal; no two of one S, concurrent, remove each other.
 * T6  Ban safety.  An effective ADMIT of j has no effective BAN of j earlier in L, but those that an UNBAN which it knows answers, of at least the same rank.
 *     No member is banned.
 * T7  No state reset.  Who is a member in P, as in T3, and is named by no effective removal outside P, is a member in G; and keeps the rank, unless a
 *     PROMOTE, DEMOTE or TRANSFER outside P names them too.
 * T8  Liveness.  What is effective by all that its author knew, is effective in every closed set of which nothing is concurrent with it.  And what the law
 *     answers to a question before an operation is written is what becomes of it then.
 * T9  No weapons.  Let G be G' and one more operation y that nothing in G' knows, in no log of the mainline.
 *     By somebody who has no effective ADMIT, y changes nothing, if an ADMIT or a LEAVE.
 *     A copy of an ADMIT, by whoever, that knows all effective removals of the joiner: the ADMITs of that joiner want for no seat because of it.
 *     A LEAVE: no ADMIT is banned, revoked, or without consent by it, and none is without an author or issuer but whose own ADMIT fell for want of a seat;
 *     where nobody waited for a seat, and the leaver was admitted once, none falls at all.
 * T10 The owner is a member: who gives the mainline, and nobody else, has that rank. */
#ifndef GX_TESTS_LAW_THEOREMS_H
#define GX_TESTS_LAW_THEOREMS_H

#include "tests/prop/law_history.h"

enum { THEOREMS = 10 };

/* How often each was put to the test, and failed. */
extern uint64_t theorem_tried[THEOREMS + 1], theorem_failed[THEOREMS + 1];

/* A closed set, what the law makes of it, and who is concerned by what. */
struct ground {
    const struct history *h;
    struct verdict v;
    uint64_t admits[CAST_MAX], removals[CAST_MAX];  /* effective, about each */
    uint64_t mainline_logs;                         /* all operations of devices that give or gave */
    bool forked;                                    /* one of these logs is */
};

void ground_make(struct ground *g, const struct history *h, const struct verdict *v);
/* All operations of a device. */
uint64_t ground_log(const struct ground *g, uint32_t author, uint32_t device);

static inline const struct act *act_of(const struct ground *g, uint32_t x)
{
    return &g->h->acts[x];
}

static inline bool is_seat_rule(uint8_t rule)
{
    return rule == GX_RULE_USED_UP || rule == GX_RULE_QUOTA || rule == GX_RULE_FULL || rule == GX_RULE_QR_CLOSED;
}

/* Counts a failure; the first of each theorem is told, with its history. */
void theorem_fails(int theorem, const struct history *h, const char *what, uint32_t x);
/* The number of theorems that failed; each is named. */
int theorems_report(void);

/* T1, with as many random deliveries; with `prefixes` the results of every prefix are compared too. */
void check_convergence(const struct history *h, const struct verdict *v, unsigned deliveries, bool prefixes);
/* T1: one delivery, results brought up to date after each. */
void check_delivery(const struct history *h, const struct verdict *v, const uint8_t *order);
void check_caps(const struct ground *g);            /* T2 */
void check_removal(const struct ground *g);         /* T4 */
void check_ranks(const struct ground *g);           /* T5, T10 */
void check_bans(const struct ground *g);            /* T6 */
void check_finality(const struct ground *g, bool between);                  /* T3, T7; between: with a random set between P and G too */
void check_liveness(const struct ground *g, uint32_t x);                    /* T8 */
void check_last(const struct ground *g, uint32_t y);                        /* T9: y is known by nothing */

#endif
