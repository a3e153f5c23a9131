/* Bodies of sealed types for events made by hand: laid out as they have to be, under an epoch that is none.  Nobody can open them.  WIRE §4.16 */
#ifndef GX_TESTS_BLIND_H
#define GX_TESTS_BLIND_H

#include "proto/bodies.h"

#define BLIND_BYTES GX_EVENT_BODY_MAX       /* room that is enough for any */

/* The plain form in `body` becomes its outer form; what is sealed lies in room, as it was, with its padding, and zeroes for a tag. */
static inline void blind(struct gx_body *body, uint8_t room[BLIND_BYTES])
{
    struct gx_wr w = gx_wr(room, BLIND_BYTES);
    struct gx_body_sealed sealed = {.head = {.n = 0}};
    size_t padded = 0;

    if (!gx_event_is_sealed(body->type))
        return;
    gx_plain_encode(&w, body);
    GX_ASSERT(!w.failed);
    padded = gx_sealed_padded(w.n);
    memset(room + w.n, 0, padded + GX_AEAD_TAG_BYTES - w.n);
    room[w.n] = 0x80;
    sealed.sealed = gx_span(room, padded + GX_AEAD_TAG_BYTES);
    if (body->type == GX_EV_TOKEN)
        body->u.token.sealed = sealed;
    else
        body->u.sealed = sealed;
}

#endif
