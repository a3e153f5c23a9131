/* The full form of an event; and, because few changes get past its hashes, a body alone behind the byte of its type, and what was sealed in one, which no
 * change would get out of it.  What is taken is written again as the same bytes. */
#include "proto/bodies.h"
#include "proto/print.h"
#include "tests/fuzz/fuzz.h"

static uint8_t again[GX_EVENT_BYTES_MAX];

static void body_of(const struct gx_event *ev)
{
    struct gx_wr w = gx_wr(again, sizeof again);
    struct gx_body body;
    char line[512];
    size_t cap = 1 + ev->body.n % sizeof line;

    fuzz_prints(gx_print_event(line, cap, ev), line, cap);
    if (gx_body_decode(&body, ev) != GX_OK)
        return;
    gx_body_encode(&w, &body);
    GX_ASSERT(gx_span_equal(gx_wr_span(&w), ev->body));
    if (gx_event_is_sealed(ev->type))
        fuzz_touch(gx_body_sealed(&body)->sealed);
}

static void as_plain(const uint8_t *data, size_t size)
{
    struct gx_wr w = gx_wr(again, sizeof again);
    struct gx_body body;

    if (size < 1 || !gx_event_is_sealed(data[0]) || gx_plain_decode(&body, data[0], gx_span(data + 1, size - 1)) != GX_OK)
        return;
    gx_plain_encode(&w, &body);
    /* Unknown fields of a message are skipped, and so not written again. */
    GX_ASSERT(gx_event_is_message(data[0]) ? w.n <= size - 1 : gx_span_equal(gx_wr_span(&w), gx_span(data + 1, size - 1)));
}

static void as_body(const uint8_t *data, size_t size)
{
    struct gx_event ev = {.ver = GX_EVENT_VERSION};

    if (size < 1 + sizeof ev.group.b || size - 1 > GX_EVENT_BODY_MAX)
        return;
    ev.type = data[0];
    ev.body = gx_span(data + 1, size - 1);
    ev.body_len = (uint32_t)ev.body.n;
    memcpy(ev.group.b, data + 1, sizeof ev.group.b);        /* a join request begins with its group */
    body_of(&ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gx_wr w = gx_wr(again, sizeof again);
    struct gx_event ev;

    as_body(data, size);
    as_plain(data, size);
    if (gx_event_decode(&ev, gx_span(data, size)) != GX_OK)
        return 0;
    gx_event_encode(&w, &ev);
    GX_ASSERT(gx_span_equal(gx_wr_span(&w), gx_span(data, size)));
    body_of(&ev);
    return 0;
}
