/* A chunk, walked to its end.  A record that is taken is written again as the same bytes, and so is a chunk all of whose records are. */
#include "proto/chunk.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gx_group_id group = {{1}};
    static uint8_t again[GX_CHUNK_HEADER_BYTES + GX_CHUNK_BYTES_MAX + GX_RECORD_BYTES_MAX];
    struct gx_wr w = gx_wr(again, sizeof again);
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;
    struct gx_span record;
    unsigned n = 0;
    enum gx_err err;

    if (gx_chunk_decode(&chunk, gx_span(data, size)) != GX_OK)
        return 0;
    GX_ASSERT(chunk.count >= 1 && chunk.count <= GX_CHUNK_EVENTS_MAX && (size <= GX_CHUNK_BYTES_MAX || chunk.count == 1));
    gx_chunk_write_header(&w, &chunk.log, chunk.first_seq, &chunk.prev, chunk.count);
    gx_chunk_begin(&it, &chunk, &group);
    while ((err = gx_chunk_next(&it, &ev, &record)) == GX_OK) {
        size_t before = w.n;

        gx_record_encode(&w, &ev);
        GX_ASSERT(gx_span_equal(gx_span(w.p + before, w.n - before), record));
        n++;
    }
    /* How many there are and how long each is was checked before. */
    GX_ASSERT((err == GX_E_ABSENT) == (n == chunk.count));
    GX_ASSERT(err != GX_E_ABSENT || gx_span_equal(gx_wr_span(&w), gx_span(data, size)));
    return 0;
}
