/* Inside the store layer only: the parts of gx_store_check.  SCHEMA §5 */
#ifndef GX_STORE_CHECK_PARTS_H
#define GX_STORE_CHECK_PARTS_H

#include "store/check.h"
#include "store/rows.h"

/* What the first pass knows of each log, in order of lnum once it is complete. */
struct gx_check_log {
    uint32_t gnum, lnum;
    uint32_t base_seq, head_seq;
    uint64_t arrivals;              /* places that name it */
};

struct gx_check {
    struct gx_txn *txn;
    struct gx_check_report *out;
    void (*say)(void *ctx, const char *line);
    void *ctx;
    struct gx_check_log *logs;
    size_t n_logs, cap_logs;
    uint64_t control_events;        /* in the group under way */
};

__attribute__((format(printf, 2, 3))) void gx_check_problem(struct gx_check *c, const char *format, ...);
/* Does err stop the whole check?  GX_E_CORRUPT is a problem and does not. */
bool gx_check_stops(enum gx_err err);

/* One log: every event found, hashed, linked, its signature verified, its arrival looked up; then the row. */
enum gx_err gx_check_log(struct gx_check *c, const struct gx_log_row *row, const struct gx_group_id *group) GX_MUST_CHECK;
/* The control events of one group against its logs. */
enum gx_err gx_check_ops(struct gx_check *c, const struct gx_group_row *group) GX_MUST_CHECK;
/* Do the rows of the small tables decode? */
enum gx_err gx_check_rows(struct gx_check *c) GX_MUST_CHECK;

#endif
