#include "store/segment.h"

#include "store/schema.h"

#define RECORD_DELETED 0x80000000u      /* WIRE §5.2 */
#define SUM_AT (GX_SEGMENT_HEADER_BYTES - 8u)

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t le64(const uint8_t *p)
{
    return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

/* --- the sum --------------------------------------------------------------------------------------------------------------------------- */

/* It finds what disks and memory do to bytes, and nothing that anybody does on purpose: ids are there for that.  Four lanes, so that one need not wait for
 * the multiplication of the other; each step can be undone, so that what changes in one lane alone changes the sum for certain. */
#define SUM_LANES 4u
#define SUM_FACTOR 0x9e3779b97f4a7c15ull

static uint64_t sum_step(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * SUM_FACTOR;
    return lane << 29 | lane >> 35;
}

static void sum_add(uint64_t lanes[SUM_LANES], struct gx_span bytes)
{
    while (bytes.n >= 8u * SUM_LANES) {
        for (size_t i = 0; i < SUM_LANES; i++)
            lanes[i] = sum_step(lanes[i], le64(bytes.p + 8 * i));
        bytes = gx_span(bytes.p + 8u * SUM_LANES, bytes.n - 8u * SUM_LANES);
    }
    for (size_t i = 0; i < bytes.n; i++)
        lanes[0] = sum_step(lanes[0], bytes.p[i]);
}

/* Of all but itself. */
static uint64_t sum_of(struct gx_span value)
{
    uint64_t lanes[SUM_LANES] = {1, 2, 3, 4}, sum = value.n;

    sum_add(lanes, gx_span(value.p, SUM_AT));
    sum_add(lanes, gx_span(value.p + GX_SEGMENT_HEADER_BYTES, value.n - GX_SEGMENT_HEADER_BYTES));
    for (size_t i = 0; i < SUM_LANES; i++)
        sum = sum_step(sum, lanes[i]);
    return sum ^ sum >> 32;
}

bool gx_segment_sound(const struct gx_segment *seg)
{
    return sum_of(seg->value) == le64(seg->value.p + SUM_AT);
}

void gx_segment_close(struct gx_wr *w)
{
    GX_ASSERT(!w->failed && w->n == w->cap);

    struct gx_wr at = gx_wr(w->p + SUM_AT, 8);

    gx_wr_u64(&at, sum_of(gx_wr_span(w)));
}

/* --- reading ----------------------------------------------------------------------------------------------------------------------------- */

uint64_t gx_segment_arrival(const struct gx_segment *seg, uint32_t seq)
{
    uint32_t i = seq - seg->first_seq;

    GX_ASSERT(i < seg->count);
    return seg->first_arrival + (seg->deltas == NULL ? i : le16(seg->deltas + 2 * (size_t)i));
}

struct gx_event_id gx_segment_base(const struct gx_segment *seg, uint32_t group)
{
    struct gx_event_id id;

    GX_ASSERT(group <= GX_SEGMENT_GROUPS(seg->count));
    if (group == GX_SEGMENT_GROUPS(seg->count))
        return seg->last_id;
    memcpy(id.b, seg->ids + 32 * (size_t)group, sizeof id.b);
    return id;
}

enum gx_err gx_segment_group(const struct gx_segment *seg, struct gx_span *records, uint32_t g)
{
    size_t groups = GX_SEGMENT_GROUPS(seg->count);

    GX_ASSERT(g < groups);
    size_t from = le32(seg->offsets + 4 * (size_t)g);
    size_t to = g + 1u < groups ? le32(seg->offsets + 4 * ((size_t)g + 1)) : seg->records.n;
    if (from > to || to > seg->records.n)
        return GX_E_CORRUPT;
    *records = gx_span(seg->records.p + from, to - from);
    return GX_OK;
}

bool gx_segment_record(struct gx_rd *r, struct gx_span *record)
{
    if (r->left < 4)
        return false;
    *record = gx_rd_span(r, 4 + (size_t)(le32(r->p) & ~RECORD_DELETED));
    return !r->failed;
}

enum gx_err gx_segment_decode(struct gx_segment *out, uint32_t first_seq, struct gx_span value)
{
    struct gx_rd r = gx_rd(value);

    *out = (struct gx_segment){.first_seq = first_seq, .value = value, .count = gx_rd_u16(&r), .flags = gx_rd_u8(&r)};
    out->first_arrival = gx_rd_u64(&r);
    out->prev_arrival = gx_rd_u64(&r);
    (void)gx_rd_u64(&r);                /* the sum, of which gx_segment_sound asks */
    if (r.failed || out->count == 0 || out->count > GX_CHUNK_EVENTS_MAX || (out->flags & ~(GX_SEGMENT_ALL | GX_SEGMENT_RUN | GX_SEGMENT_OPEN)) != 0)
        return GX_E_CORRUPT;
    if (first_seq == 0 || out->count - 1u > GX_EVENT_SEQ_MAX - first_seq || out->prev_arrival >= out->first_arrival)
        return GX_E_CORRUPT;
    out->ids = gx_rd_span(&r, 32 * GX_SEGMENT_GROUPS(out->count)).p;
    out->offsets = gx_rd_span(&r, 4 * GX_SEGMENT_GROUPS(out->count)).p;
    gx_rd_bytes(&r, out->last_id.b, sizeof out->last_id.b);
    if ((out->flags & GX_SEGMENT_RUN) == 0)
        out->deltas = gx_rd_span(&r, 2 * (size_t)out->count).p;
    out->records = gx_rd_rest(&r);
    return r.failed ? GX_E_CORRUPT : GX_OK;
}

/* A row that LMDB found: does it belong to row's log? */
static enum gx_err decode_row(struct gx_segment *out, const struct gx_log_row *row, struct gx_span key, struct gx_span value)
{
    if (key.n != 12)
        return GX_E_CORRUPT;
    if (gx_get_be32(key.p) != row->gnum || gx_get_be32(key.p + 4) != row->lnum)
        return GX_E_ABSENT;
    return gx_segment_decode(out, gx_get_be32(key.p + 8), value);
}

enum gx_err gx_segment_find(struct gx_txn *txn, struct gx_segment *out, const struct gx_log_row *row, uint32_t seq)
{
    struct gx_key at = gx_key_u32x3(row->gnum, row->lnum, seq);
    struct gx_span key, value;
    enum gx_err err = gx_table_seek_back(txn, &key, &value, GX_TABLE_SEGMENT, &at);

    if (err == GX_OK)
        err = decode_row(out, row, key, value);
    if (err == GX_OK && seq > gx_segment_last_seq(out))
        err = GX_E_ABSENT;
    return err;
}

enum gx_err gx_segment_from(struct gx_txn *txn, struct gx_segment *out, const struct gx_log_row *row, uint32_t seq)
{
    struct gx_key from = gx_key_u32x3(row->gnum, row->lnum, seq);
    struct gx_span key, value;
    enum gx_err err = gx_table_seek(txn, &key, &value, GX_TABLE_SEGMENT, &from);

    return err == GX_OK ? decode_row(out, row, key, value) : err;
}

enum gx_err gx_segment_reserve(struct gx_txn *txn, struct gx_wr *w, const struct gx_log_row *row, uint32_t first_seq, uint16_t count,
                               uint8_t flags, uint64_t first_arrival, uint64_t prev_arrival, size_t records_bytes)
{
    struct gx_key key = gx_key_u32x3(row->gnum, row->lnum, first_seq);
    size_t deltas = (flags & GX_SEGMENT_RUN) != 0 ? 0 : 2 * (size_t)count;
    size_t n = GX_SEGMENT_HEADER_BYTES + 36 * GX_SEGMENT_GROUPS(count) + 32 + deltas + records_bytes;
    uint8_t *room;
    enum gx_err err = gx_table_reserve(txn, &room, GX_TABLE_SEGMENT, &key, n, false);

    if (err != GX_OK)
        return err;
    *w = gx_wr(room, n);
    gx_wr_u16(w, count);
    gx_wr_u8(w, flags);
    gx_wr_u64(w, first_arrival);
    gx_wr_u64(w, prev_arrival);
    gx_wr_u64(w, 0);
    return GX_OK;
}
