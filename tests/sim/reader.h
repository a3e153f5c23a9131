/* Reading scenario files: words and names.  Inside the library only. */
#ifndef GX_SIM_READER_H
#define GX_SIM_READER_H

#include "tests/sim/scenario.h"

#define TOKEN_MAX 64u

struct token {
    char text[TOKEN_MAX + 1];
    uint32_t line, column;
    bool end, begins_line;
};

struct reader {
    struct gx_scenario *scn;
    const char *at;
    uint32_t line, column;
    struct token now;
    uint32_t last_line, last_column;    /* of the token before it */
    const char *or;                     /* what else could stand where a node stands; NULL: nothing */
    char *why;
    uint32_t bad_line, bad_column;
    bool failed;
};

/* Nodes of a statement, in their order. */
struct list { uint32_t *node; uint32_t n, cap; };

/* All of them return false when what stands there is refused: then r->why says why, and r->bad_line and r->bad_column where.  Of what is refused twice the
 * first counts. */
bool read_bad(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool read_bad_last(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));      /* what was taken last is meant */
bool read_is_text(struct reader *r, size_t n);      /* all n bytes */
void read_next(struct reader *r);
bool read_is(const struct reader *r, const char *word);
bool read_take(struct reader *r, const char *word);         /* false: another one stands there, and nothing is refused */
bool read_need(struct reader *r, const char *word);
bool read_begins_statement(const struct reader *r);
bool read_is_word(const char *name);                        /* of this language: no name for a node */
bool read_ends_list(const struct reader *r);
bool read_number(struct reader *r, uint64_t *out, const char *of);
bool read_number_with(struct reader *r, double *out, const char *unit);
bool read_span(struct reader *r, uint64_t *ms);
bool read_time(struct reader *r, uint64_t *ms);             /* in a run, or of it */

uint32_t read_find(const struct gx_scn_name *names, uint32_t n, const char *name);      /* SIM_NONE: not there */
bool read_new_name(struct reader *r, struct gx_scn_name *out);
bool read_group(struct reader *r, uint32_t *out);
bool read_island(struct reader *r, uint32_t *out);
bool read_each_name(struct reader *r, bool (*call)(struct reader *r, const char *name, void *ctx), void *ctx);
bool read_nodes(struct reader *r, struct list *out);        /* name, or name[1..40]: added to the list, which the caller frees */
bool read_one_node(struct reader *r, uint32_t *out);
bool read_link(struct reader *r, struct gx_sim_link *out);

/* What stands behind `at`, and behind `link`. */
bool read_at(struct reader *r);
bool read_link_acts(struct reader *r, struct gx_scn_act a);

/* Verbs of one node, about another, in a group: "bo removes k3 from tea". */
struct scn_verb { const char *verb, *where; enum gx_scn_act_kind kind; };
#define SCN_VERBS 10u
extern const struct scn_verb scn_verbs[SCN_VERBS];
#define SCN_CARRIES 3u
extern const char *const scn_carries[SCN_CARRIES];      /* by enum gx_carry */

#endif
