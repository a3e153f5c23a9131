/* A frame of any kind, read to the end of its list, and printed. */
#include "proto/print.h"
#include "tests/fuzz/fuzz.h"

static void read_list(const struct gx_frame *f)
{
    struct gx_rd r = gx_rd(f->list);
    struct gx_endpoint endpoint;

    for (size_t i = 0; i < f->n; i++)
        switch ((enum gx_frame_kind)f->kind) {
        case GX_FRAME_TAGS:
            (void)gx_frame_tag_at(f, i);
            break;
        case GX_FRAME_PROOF:
            (void)gx_frame_proof_at(f, i);
            break;
        case GX_FRAME_HEADS:
        case GX_FRAME_ENDED:
            (void)gx_frame_head_at(f, i);
            break;
        case GX_FRAME_FRONTIER:
            (void)gx_frame_frontier_at(f, i);
            break;
        case GX_FRAME_WANT:
            if (f->flags != GX_WANT_MESSAGES)
                (void)gx_frame_frontier_at(f, i);
            else
                (void)gx_frame_want_at(f, i);
            break;
        case GX_FRAME_ASK_KEYS:
        case GX_FRAME_KEYS:
            (void)gx_frame_key_at(f, i);
            break;
        case GX_FRAME_SUM:
            (void)gx_frame_channel_at(f, i);
            break;
        case GX_FRAME_RECORDS:
            (void)gx_frame_record_at(f, i);
            (void)gx_mask_has(f->mask, (uint32_t)i);
            break;
        case GX_FRAME_BUCKETS:
            break;
        case GX_FRAME_CHUNKS:
        case GX_FRAME_PATH:
        case GX_FRAME_BASELINE:
            fuzz_touch(gx_frame_chunk_next(&r));
            break;
        case GX_FRAME_ENDPOINTS:
            gx_frame_endpoint_next(&r, &endpoint);
            break;
        case GX_FRAME_HELLO:
        case GX_FRAME_AGAIN:
        case GX_FRAME_GUEST:
        case GX_FRAME_JOIN:
        case GX_FRAME_ADMITTED:
        case GX_FRAME_REFUSED:
        case GX_FRAME_BYE:
        case GX_FRAME_PING:
        case GX_FRAME_PONG:
        case GX_FRAME_CARD:
        case GX_FRAME_ASK:
        case GX_FRAME_DENIED:
        case GX_FRAME_LINK:
            GX_ASSERT(!"a frame without a list has no entries");
        }
    GX_ASSERT(!r.failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gx_frame f;
    struct gx_join_request request;
    char line[512];

    if (gx_frame_decode(&f, gx_span(data, size)) != GX_OK)
        return 0;
    read_list(&f);
    gx_print_frame(line, sizeof line, &f);
    if (f.kind == GX_FRAME_JOIN || f.kind == GX_FRAME_ASK)
        (void)!gx_join_request_decode(&request, f.bytes);
    fuzz_touch(f.bytes);
    return 0;
}
