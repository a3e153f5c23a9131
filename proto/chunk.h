/* Chunks: how events of one log travel and lie in segments.  WIRE §5.
 *
 *   chunk   log_id[16] | first_seq u32 | prev[32] | count u16 | record x count
 *   record  len u32 | u8 ver | u8 type | u16 flags | u64 tick | u64 wall_ms | u8 n_deps | deps | sig[64] | body
 *
 * What the key implies (group id, log id, seq, prev: 88 bytes) and body_hash (32) are not sent.  `len` counts the bytes after
 * itself; its top bit says that the body was deleted and `u32 body_len | body_hash[32]` stand in its place. */
#ifndef GX_PROTO_CHUNK_H
#define GX_PROTO_CHUNK_H

#include "proto/event.h"

#define GX_CHUNK_HEADER_BYTES 54u
#define GX_RECORD_BYTES_MAX (4u + 21u + 32u * GX_EVENT_DEPS_MAX + 64u + GX_EVENT_BODY_MAX)

/* A record whose body was left out. */
#define GX_BARE_RECORD_MAX (4u + 21u + 32u * GX_EVENT_DEPS_MAX + 64u + 4u + 32u)

struct gx_chunk {
    struct gx_log_id log;
    uint32_t first_seq;
    struct gx_event_id prev;        /* id of the event before the first; zero at the start of a log */
    uint16_t count;                 /* 1 to GX_CHUNK_EVENTS_MAX */
    struct gx_span records;         /* borrowed */
};

/* Header and record lengths are checked here, the records' insides by gx_chunk_next.
 * Returns GX_E_MALFORMED or GX_E_TOO_BIG (over GX_CHUNK_EVENTS_MAX events, or over GX_CHUNK_BYTES_MAX with more than one). */
enum gx_err gx_chunk_decode(struct gx_chunk *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_chunk_write_header(struct gx_wr *w, const struct gx_log_id *log, uint32_t first_seq, const struct gx_event_id *prev, uint16_t count);

/* Walk the events of a chunk in order, hashing each: after GX_OK `ev` is complete but for its verified signature, with id and prev
 * linked from the chunk's prev.  GX_E_ABSENT at the end. */
struct gx_chunk_iter {
    struct gx_group_id group;
    struct gx_log_id log;
    uint64_t next_seq;
    struct gx_event_id prev;
    struct gx_rd rd;
    const struct gx_event_id *known;
};
void gx_chunk_begin(struct gx_chunk_iter *it, const struct gx_chunk *chunk, const struct gx_group_id *group);
/* The same of a chunk that was walked before, with the ids that its events were found to have, in order: nothing is hashed again, and body_hash stays zero
 * where the body is there.  known is borrowed for as long as it is walked. */
void gx_chunk_begin_known(struct gx_chunk_iter *it, const struct gx_chunk *chunk, const struct gx_group_id *group, const struct gx_event_id *known);
/* record (may be NULL): the record's bytes with its length, as gx_record_decode takes them; borrowed from the chunk. */
enum gx_err gx_chunk_next(struct gx_chunk_iter *it, struct gx_event *ev, struct gx_span *record) GX_MUST_CHECK;

/* One record.  decode needs what the key implies; group is zeroed in the event when type is CREATE. */
enum gx_err gx_record_decode(struct gx_event *out, struct gx_span record, const struct gx_group_id *group, const struct gx_log_id *log,
                             uint64_t seq, const struct gx_event_id *prev) GX_MUST_CHECK;
void gx_record_encode(struct gx_wr *w, const struct gx_event *ev);

#endif
