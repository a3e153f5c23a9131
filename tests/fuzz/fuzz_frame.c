/* A frame of any kind, read to the end of its list, printed, and written again as the same bytes. */
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

/* Entries are put one by one as they are read. */
static struct gx_frame_list begin_list(struct gx_wr *w, const struct gx_frame *f)
{
    const uint8_t *mask = (f->flags & GX_OF_BUCKETS) != 0 ? f->mask.p : NULL;

    switch ((int)f->kind) {
    case GX_FRAME_TAGS:
        return gx_frame_begin_tags(w);
    case GX_FRAME_PROOF:
        return gx_frame_begin_proof(w);
    case GX_FRAME_HEADS:
        return gx_frame_begin_heads(w, f->channel);
    case GX_FRAME_ENDED:
        return gx_frame_begin_ended(w, f->channel);
    case GX_FRAME_FRONTIER:
        return gx_frame_begin_frontier(w, f->channel, f->bits, mask, f->sum);
    case GX_FRAME_RECORDS:
        return gx_frame_begin_records(w, f->channel, f->bits, mask);
    case GX_FRAME_WANT:
        return gx_frame_begin_want(w, f->channel, (enum gx_want_kind)f->flags, f->credit);
    case GX_FRAME_ASK_KEYS:
        return gx_frame_begin_ask_keys(w, f->channel, &f->key);
    case GX_FRAME_KEYS:
        return gx_frame_begin_keys(w, f->channel, &f->key);
    case GX_FRAME_CHUNKS:
        return gx_frame_begin_chunks(w, f->channel, f->flags & (GX_CHUNKS_PUSH | GX_CHUNKS_LAST));
    case GX_FRAME_PATH:
        return gx_frame_begin_path(w);
    case GX_FRAME_BASELINE:
        return gx_frame_begin_baseline(w, f->channel);
    default:
        return gx_frame_begin_endpoints(w, f->channel);
    }
}

static void put_entry(struct gx_wr *w, struct gx_frame_list *list, const struct gx_frame *f, size_t i, struct gx_rd *r)
{
    switch ((int)f->kind) {
    case GX_FRAME_TAGS: {
        struct gx_tag tag = gx_frame_tag_at(f, i);
        gx_frame_put_tag(w, list, &tag);
        break;
    }
    case GX_FRAME_PROOF: {
        struct gx_proof proof = gx_frame_proof_at(f, i);
        gx_frame_put_proof(w, list, &proof);
        break;
    }
    case GX_FRAME_HEADS:
    case GX_FRAME_ENDED: {
        struct gx_event_id id = gx_frame_head_at(f, i);
        gx_frame_put_id(w, list, &id);
        break;
    }
    case GX_FRAME_RECORDS: {
        struct gx_record_entry entry = gx_frame_record_at(f, i);
        gx_frame_put_record(w, list, &entry);
        break;
    }
    case GX_FRAME_FRONTIER:
    case GX_FRAME_WANT:
        if (f->kind == GX_FRAME_WANT && f->flags == GX_WANT_MESSAGES) {
            struct gx_want_entry entry = gx_frame_want_at(f, i);
            gx_frame_put_want(w, list, &entry);
        } else {
            struct gx_frontier_entry entry = gx_frame_frontier_at(f, i);
            gx_frame_put_frontier(w, list, &entry);
        }
        break;
    case GX_FRAME_ASK_KEYS:
    case GX_FRAME_KEYS: {
        struct gx_key_entry entry = gx_frame_key_at(f, i);
        gx_frame_put_key(w, list, &entry);
        break;
    }
    case GX_FRAME_ENDPOINTS: {
        struct gx_endpoint entry;
        gx_frame_endpoint_next(r, &entry);
        gx_frame_put_endpoint(w, list, &entry);
        break;
    }
    default:
        gx_frame_put_chunk(w, list, gx_frame_chunk_next(r));
    }
}

static void write_list(struct gx_wr *w, const struct gx_frame *f)
{
    struct gx_frame_list list = begin_list(w, f);
    struct gx_rd r = gx_rd(f->list);

    for (size_t i = 0; i < f->n; i++)
        put_entry(w, &list, f, i, &r);
    gx_frame_end(w, &list);
    if (f->kind == GX_FRAME_KEYS)
        gx_wr_bytes(w, f->bytes.p, f->bytes.n);
}

static void write_sum(struct gx_wr *w, const struct gx_frame *f)
{
    uint16_t channels[GX_FRAME_GROUPS_MAX];

    GX_ASSERT(f->n <= GX_ARRAY_LEN(channels));
    for (size_t i = 0; i < f->n; i++)
        channels[i] = gx_frame_channel_at(f, i);
    gx_frame_write_sum(w, f->flags, channels, f->n, f->sum);
}

/* False where it holds a request that does not decode: that is somebody else's to refuse. */
static bool write_again(struct gx_wr *w, const struct gx_frame *f)
{
    struct gx_join_request request;

    switch ((enum gx_frame_kind)f->kind) {
    case GX_FRAME_HELLO:
        gx_frame_write_hello(w, &f->nonce);
        return true;
    case GX_FRAME_AGAIN:
        gx_frame_write_simple(w, GX_FRAME_AGAIN);
        return true;
    case GX_FRAME_PING:
    case GX_FRAME_PONG:
        gx_frame_write_echo(w, (enum gx_frame_kind)f->kind, f->echo);
        return true;
    case GX_FRAME_REFUSED:
    case GX_FRAME_BYE:
        gx_frame_write_reason(w, (enum gx_frame_kind)f->kind, f->reason);
        return true;
    case GX_FRAME_GUEST:
        gx_frame_write_guest(w, &f->device, &f->sig);
        return true;
    case GX_FRAME_JOIN:
    case GX_FRAME_ASK:
        if (gx_join_request_decode(&request, f->bytes) != GX_OK || (f->kind == GX_FRAME_ASK && request.via != GX_VIA_INV))
            return false;
        if (f->kind == GX_FRAME_JOIN)
            gx_frame_write_join(w, &request);
        else
            gx_frame_write_ask(w, f->channel, &f->mac, &request);
        return true;
    case GX_FRAME_ADMITTED:
        gx_frame_write_admitted(w, &f->event);
        return true;
    case GX_FRAME_CARD:
        gx_frame_write_card(w, f);
        return true;
    case GX_FRAME_DENIED:
        gx_frame_write_denied(w, f->channel, f->reason);
        return true;
    case GX_FRAME_SUM:
        write_sum(w, f);
        return true;
    case GX_FRAME_BUCKETS:
        gx_frame_write_buckets(w, f->channel, f->bits, f->list.p, f->record_bits, f->bytes.p);
        return true;
    case GX_FRAME_LINK:
        gx_frame_write_link(w, f->channel, (enum gx_link)f->flags);
        return true;
    case GX_FRAME_TAGS:
    case GX_FRAME_PROOF:
    case GX_FRAME_HEADS:
    case GX_FRAME_FRONTIER:
    case GX_FRAME_WANT:
    case GX_FRAME_CHUNKS:
    case GX_FRAME_ENDPOINTS:
    case GX_FRAME_PATH:
    case GX_FRAME_BASELINE:
    case GX_FRAME_ENDED:
    case GX_FRAME_ASK_KEYS:
    case GX_FRAME_KEYS:
    case GX_FRAME_RECORDS:
        write_list(w, f);
        return true;
    }
    return false;
}

static void same_again(const struct gx_frame *f, struct gx_span bytes)
{
    static uint8_t again[GX_CHUNKS_ON_BYTES + GX_FRAME_BYTES_MAX];
    uint8_t *at = again;

    bool on = f->kind == GX_FRAME_CHUNKS && (f->flags & GX_CHUNKS_ON) != 0;
    struct gx_wr w = gx_wr(on ? again + GX_CHUNKS_ON_BYTES : again, GX_FRAME_BYTES_MAX);
    if (!write_again(&w, f))
        return;
    GX_ASSERT(!w.failed);
    size_t n = w.n;
    if (on) {
        gx_frame_chunks_on(again, &f->on);
        n += GX_CHUNKS_ON_BYTES;
    } else {
        at = w.p;
    }
    GX_ASSERT(gx_span_equal(gx_span(at, n), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gx_frame f;
    struct gx_join_request request;
    char line[512];

    enum gx_err err = gx_frame_decode(&f, gx_span(data, size));
    GX_ASSERT(size <= GX_FRAME_BYTES_MAX || err == GX_E_TOO_BIG);
    if (err != GX_OK)
        return 0;
    read_list(&f);
    size_t cap = 1 + size % sizeof line;
    fuzz_prints(gx_print_frame(line, cap, &f), line, cap);
    if (f.kind == GX_FRAME_JOIN || f.kind == GX_FRAME_ASK)
        (void)!gx_join_request_decode(&request, f.bytes);
    fuzz_touch(f.bytes);
    same_again(&f, gx_span(data, size));
    return 0;
}
