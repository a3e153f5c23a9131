/* Inside the store layer only: many consecutive events of one log in one value.  SCHEMA §3.2 */
#ifndef GX_STORE_SEGMENT_H
#define GX_STORE_SEGMENT_H

#include "store/events.h"

/* count u16 | flags u8 | first arrival u64 | previous arrival u64 | sum u64 | ids[32] x groups | offsets u32 x groups | last id[32]
 * | deltas u16 x count unless RUN | records.  A group is 16 events (the last may be fewer); ids[g] is the id of the event BEFORE its first. */
#define GX_SEGMENT_GROUP 16u
#define GX_SEGMENT_GROUPS(count) (((size_t)(count) + GX_SEGMENT_GROUP - 1) / GX_SEGMENT_GROUP)
#define GX_SEGMENT_HEADER_BYTES 27u
#define GX_SEGMENT_ARRIVALS_MAX 0xffffu     /* a segment spans at most this many arrivals more than its first */

enum gx_segment_flags {
    GX_SEGMENT_ALL = 1,     /* the signature of every event was verified; else: of the last */
    GX_SEGMENT_RUN = 2,     /* its events arrived one after the other, nothing between */
    GX_SEGMENT_OPEN = 4     /* not even that of the last: a later event proves them all */
};

struct gx_segment {
    uint32_t first_seq;
    uint16_t count;
    uint8_t flags;
    uint64_t first_arrival;
    uint64_t prev_arrival;          /* of event first_seq - 1; 0: it is not held */
    struct gx_event_id last_id;
    const uint8_t *ids, *offsets, *deltas;      /* borrowed; deltas is NULL in a run */
    struct gx_span records;                     /* borrowed */
    struct gx_span value;                       /* all of it, borrowed */
};

static inline uint32_t gx_segment_last_seq(const struct gx_segment *seg)
{
    return seg->first_seq + seg->count - 1u;
}
uint64_t gx_segment_arrival(const struct gx_segment *seg, uint32_t seq);    /* seq within */
struct gx_event_id gx_segment_base(const struct gx_segment *seg, uint32_t group);   /* id before group; the last id for group == groups */
/* Records of group g; GX_E_CORRUPT when the offsets make no sense. */
enum gx_err gx_segment_group(const struct gx_segment *seg, struct gx_span *records, uint32_t g) GX_MUST_CHECK;
/* Take one record with its length from r; false at a length that goes past the end. */
bool gx_segment_record(struct gx_rd *r, struct gx_span *record) GX_MUST_CHECK;

enum gx_err gx_segment_decode(struct gx_segment *out, uint32_t first_seq, struct gx_span value) GX_MUST_CHECK;
/* The segment that holds event seq; the first one that begins at seq or later.  GX_E_ABSENT when there is none. */
enum gx_err gx_segment_find(struct gx_txn *txn, struct gx_segment *out, const struct gx_log_row *row, uint32_t seq) GX_MUST_CHECK;
enum gx_err gx_segment_from(struct gx_txn *txn, struct gx_segment *out, const struct gx_log_row *row, uint32_t seq) GX_MUST_CHECK;

/* Is it as it was written, by its sum?  A hundredth of what hashing its events takes. */
bool gx_segment_sound(const struct gx_segment *seg);

/* Room for a new segment.  w: to be filled with ids, offsets, last id, deltas and records, exactly, and closed, before the next call. */
enum gx_err gx_segment_reserve(struct gx_txn *txn, struct gx_wr *w, const struct gx_log_row *row, uint32_t first_seq, uint16_t count,
                               uint8_t flags, uint64_t first_arrival, uint64_t prev_arrival, size_t records_bytes) GX_MUST_CHECK;
/* It is whole: its sum. */
void gx_segment_close(struct gx_wr *w);

#endif
