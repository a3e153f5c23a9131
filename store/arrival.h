/* Inside the store layer only: which event arrived as which number.  SCHEMA §3.3 */
#ifndef GX_STORE_ARRIVAL_H
#define GX_STORE_ARRIVAL_H

#include "store/env.h"

#define GX_ARRIVAL_BLOCK_MAX 500u       /* 8 bytes each: a block fills one page */
#define GX_ARRIVAL_PLACE_BYTES 8u
#define GX_ARRIVAL_RUN_BYTES 12u        /* no multiple of 8: the length tells the kinds apart */

/* One row: n events from arrival `first` on. */
struct gx_arrivals {
    uint64_t first;
    uint32_t n;
    bool run;
    uint32_t lnum, seq;                 /* of a run */
    const uint8_t *places;              /* else: n x (lnum u32, seq u32); borrowed */
};
enum gx_err gx_arrivals_decode(struct gx_arrivals *out, struct gx_span key, struct gx_span value) GX_MUST_CHECK;
void gx_arrivals_at(const struct gx_arrivals *row, uint32_t *lnum, uint32_t *seq, uint32_t i);

enum gx_err gx_arrivals_find(struct gx_txn *txn, uint32_t *lnum, uint32_t *seq, uint64_t arrival) GX_MUST_CHECK;
/* These n numbers, ascending, lead to nothing any more.  A row that makes no sense stays as it is. */
enum gx_err gx_arrivals_drop(struct gx_txn *txn, const uint64_t *arrivals, uint32_t n) GX_MUST_CHECK;
enum gx_err gx_arrivals_put_run(struct gx_txn *txn, uint64_t first, uint32_t lnum, uint32_t seq, uint32_t count) GX_MUST_CHECK;

#endif
