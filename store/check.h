/* Rebuild what can be derived from the events and compare.  SCHEMA §5. */
#ifndef GX_STORE_CHECK_H
#define GX_STORE_CHECK_H

#include "store/events.h"

struct gx_check_report {
    uint64_t groups, logs, events, segments, journal, ops;
    uint64_t covered_unsigned;      /* events that a later signature proves and whose own does not hold: no problem, but whoever relayed them lied */
    uint64_t unopened;              /* sealed rows that were not read: the store was opened without a root key */
    uint64_t dropped;               /* events that were here once and are not kept any more */
    uint64_t problems;
};

/* Reads everything: every event hashed and linked, its signature verified, every head, base, arrival number and op row compared.
 * say: called with one line for each problem; may be NULL.  Returns GX_OK also when there are problems: look at the report. */
enum gx_err gx_store_check(struct gx_txn *txn, struct gx_check_report *out, void (*say)(void *ctx, const char *line), void *ctx) GX_MUST_CHECK;

#endif
