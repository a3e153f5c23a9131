#include "proto/chunk.h"

/* WIRE §5.2: the top bit of a record's length: the body was deleted. */
#define RECORD_DELETED 0x80000000u
#define RECORD_FIXED_BYTES (21u + 64u)

static_assert(GX_RECORD_BYTES_MAX + GX_CHUNK_HEADER_BYTES + 16u <= GX_FRAME_BYTES_MAX, "the longest event fits a frame");

/* The bytes of the next record with its length; empty, and the reader failed, when it is cut short. */
static struct gx_span record_next(struct gx_rd *r)
{
    const uint8_t *start = r->p;
    uint32_t len = gx_rd_u32(r) & ~RECORD_DELETED;
    struct gx_span inside = gx_rd_span(r, len);

    if (!r->failed && inside.n < RECORD_FIXED_BYTES)
        gx_rd_fail(r);
    return r->failed ? gx_span(NULL, 0) : gx_span(start, 4 + inside.n);
}

enum gx_err gx_chunk_decode(struct gx_chunk *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    struct gx_chunk c = {0};

    memset(out, 0, sizeof *out);
    if (bytes.n > GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX)
        return GX_E_TOO_BIG;
    gx_rd_bytes(&r, c.log.b, sizeof c.log.b);
    c.first_seq = gx_rd_u32(&r);
    gx_rd_bytes(&r, c.prev.b, sizeof c.prev.b);
    c.count = gx_rd_u16(&r);
    if (r.failed || c.count == 0 || c.first_seq == 0)
        return GX_E_MALFORMED;
    if (c.count > GX_CHUNK_EVENTS_MAX || (c.count > 1 && bytes.n > GX_CHUNK_BYTES_MAX))
        return GX_E_TOO_BIG;
    if (c.count - 1u > GX_EVENT_SEQ_MAX - c.first_seq || c.first_seq > GX_EVENT_SEQ_MAX)
        return GX_E_TOO_BIG;

    c.records = gx_span(r.p, r.left);
    for (size_t i = 0; i < c.count; i++)
        record_next(&r);
    enum gx_err err = gx_rd_finish(&r);
    if (err == GX_OK)
        *out = c;
    return err;
}

void gx_chunk_write_header(struct gx_wr *w, const struct gx_log_id *log, uint32_t first_seq, const struct gx_event_id *prev,
                           uint16_t count)
{
    gx_wr_bytes(w, log->b, sizeof log->b);
    gx_wr_u32(w, first_seq);
    gx_wr_bytes(w, prev->b, sizeof prev->b);
    gx_wr_u16(w, count);
}

void gx_chunk_begin(struct gx_chunk_iter *it, const struct gx_chunk *chunk, const struct gx_group_id *group)
{
    *it = (struct gx_chunk_iter){
        .group = *group,
        .log = chunk->log,
        .next_seq = chunk->first_seq,
        .prev = chunk->prev,
        .rd = gx_rd(chunk->records),
    };
}

void gx_chunk_begin_known(struct gx_chunk_iter *it, const struct gx_chunk *chunk, const struct gx_group_id *group, const struct gx_event_id *known)
{
    gx_chunk_begin(it, chunk, group);
    it->known = known;
}

/* What a record says, without what follows from it: id and body hash. */
static enum gx_err record_parse(struct gx_event *out, struct gx_span record, const struct gx_group_id *group, const struct gx_log_id *log, uint64_t seq,
                                const struct gx_event_id *prev)
{
    struct gx_rd r = gx_rd(record);
    struct gx_event ev = {.log = *log, .seq = seq, .prev = *prev};
    uint32_t len = gx_rd_u32(&r);
    bool deleted = (len & RECORD_DELETED) != 0;

    memset(out, 0, sizeof *out);
    if (r.failed || (len & ~RECORD_DELETED) != r.left)
        return GX_E_MALFORMED;
    if (record.n > GX_RECORD_BYTES_MAX)
        return GX_E_TOO_BIG;
    ev.ver = gx_rd_u8(&r);
    if (!r.failed && ev.ver != GX_EVENT_VERSION)
        return GX_E_VERSION;
    ev.type = gx_rd_u8(&r);
    ev.flags = gx_rd_u16(&r);
    ev.tick = gx_rd_u64(&r);
    ev.wall_ms = gx_rd_u64(&r);
    ev.n_deps = gx_rd_u8(&r);
    ev.deps = gx_rd_span(&r, 32 * (size_t)ev.n_deps).p;
    gx_rd_bytes(&r, ev.sig.b, sizeof ev.sig.b);
    if (deleted) {
        ev.body_len = gx_rd_u32(&r);
        gx_rd_bytes(&r, ev.body_hash.b, sizeof ev.body_hash.b);
        /* An empty body cannot be deleted: there would be two encodings of one event. */
        if (ev.body_len == 0)
            gx_rd_fail(&r);
    } else {
        ev.body = gx_rd_rest(&r);
        ev.body_len = (uint32_t)ev.body.n;
    }
    enum gx_err err = gx_rd_finish(&r);
    if (err != GX_OK)
        return err;
    if (ev.type != GX_EV_CREATE)
        ev.group = *group;
    err = gx_event_check(&ev);
    if (err == GX_OK)
        *out = ev;
    return err;
}

enum gx_err gx_chunk_next(struct gx_chunk_iter *it, struct gx_event *ev, struct gx_span *record)
{
    if (!it->rd.failed && it->rd.left == 0)
        return GX_E_ABSENT;

    struct gx_span bytes = record_next(&it->rd);
    enum gx_err err = record_parse(ev, bytes, &it->group, &it->log, it->next_seq, &it->prev);

    if (record != NULL)
        *record = bytes;
    if (err != GX_OK) {
        /* What follows a bad record has no prev: this walk is over and says so each time it is asked. */
        gx_rd_fail(&it->rd);
        return err;
    }
    if (it->known != NULL)
        ev->id = *it->known++;
    else
        gx_event_derive(ev);
    it->next_seq++;
    it->prev = ev->id;
    return GX_OK;
}

enum gx_err gx_record_decode(struct gx_event *out, struct gx_span record, const struct gx_group_id *group, const struct gx_log_id *log, uint64_t seq,
                             const struct gx_event_id *prev)
{
    enum gx_err err = record_parse(out, record, group, log, seq, prev);

    if (err == GX_OK)
        gx_event_derive(out);
    return err;
}

void gx_record_encode(struct gx_wr *w, const struct gx_event *ev)
{
    bool deleted = ev->body.p == NULL && ev->body_len > 0;
    size_t tail = deleted ? 36u : ev->body.n;
    size_t len = RECORD_FIXED_BYTES + 32 * (size_t)ev->n_deps + tail;

    GX_ASSERT(ev->body_len <= GX_EVENT_BODY_MAX && (deleted || ev->body.n == ev->body_len));
    gx_wr_u32(w, (uint32_t)len | (deleted ? RECORD_DELETED : 0));
    gx_wr_u8(w, ev->ver);
    gx_wr_u8(w, ev->type);
    gx_wr_u16(w, ev->flags);
    gx_wr_u64(w, ev->tick);
    gx_wr_u64(w, ev->wall_ms);
    gx_wr_u8(w, ev->n_deps);
    gx_wr_bytes(w, ev->deps, 32 * (size_t)ev->n_deps);
    gx_wr_bytes(w, ev->sig.b, sizeof ev->sig.b);
    if (deleted) {
        gx_wr_u32(w, ev->body_len);
        gx_wr_bytes(w, ev->body_hash.b, sizeof ev->body_hash.b);
    } else {
        gx_wr_bytes(w, ev->body.p, ev->body.n);
    }
}
