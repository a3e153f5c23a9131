/* A chunk, walked to its end.  A record that is taken is written again as the same bytes. */
#include "proto/chunk.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gx_group_id group = {{1}};
    static uint8_t again[GX_RECORD_BYTES_MAX];
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;
    struct gx_span record;

    if (gx_chunk_decode(&chunk, gx_span(data, size)) != GX_OK)
        return 0;
    gx_chunk_begin(&it, &chunk, &group);
    while (gx_chunk_next(&it, &ev, &record) == GX_OK) {
        struct gx_wr w = gx_wr(again, sizeof again);

        gx_record_encode(&w, &ev);
        GX_ASSERT(gx_span_equal(gx_wr_span(&w), record));
    }
    return 0;
}
