/* What comes by UDP: beacons, answers, and the place that an answer tells.  What is taken is written again as the same bytes. */
#include "proto/lan.h"
#include "tests/fuzz/fuzz.h"

static uint8_t again[GX_BEACON_BYTES];

static void as_datagram(struct gx_span bytes)
{
    struct gx_wr w = gx_wr(again, sizeof again);
    struct gx_beacon beacon;
    struct gx_lan_answer answer;

    enum gx_err as_beacon = gx_beacon_decode(&beacon, bytes), as_answer = gx_lan_answer_decode(&answer, bytes);
    GX_ASSERT((as_beacon == GX_OK) <= (bytes.n == GX_BEACON_BYTES) && (as_answer == GX_OK) <= (bytes.n == GX_LAN_ANSWER_BYTES));
    if (as_beacon == GX_OK)
        gx_beacon_encode(&w, &beacon);
    else if (as_answer == GX_OK)
        gx_lan_answer_encode(&w, &answer);
    else
        return;
    GX_ASSERT(gx_span_equal(gx_wr_span(&w), bytes));
}

static void as_place(const uint8_t *data, size_t size)
{
    uint8_t bytes[GX_LAN_PLACE_BYTES] = {0}, written[GX_LAN_PLACE_BYTES];
    struct gx_lan_place place;

    memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
    if (gx_lan_place_decode(&place, bytes) != GX_OK)
        return;
    GX_ASSERT(place.port != 0 && place.kind <= GX_LAN_DOOR);
    gx_lan_place_encode(written, &place);
    GX_ASSERT(memcmp(written, bytes, sizeof bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    as_datagram(gx_span(data, size));
    as_place(data, size);
    return 0;
}
