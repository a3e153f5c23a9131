#include "crypto/gate.h"

#include "crypto/hash.h"

void gx_gate_zero(struct gx_gate_key *out, const struct gx_dh_pk *create_e)
{
    gx_hash_keyed(out->b, "gx-gate", gx_span(create_e->b, sizeof create_e->b), gx_span(NULL, 0));
}

void gx_transcript_bytes(uint8_t out[GX_TRANSCRIPT_BYTES], enum gx_role role, const struct gx_transcript *t)
{
    GX_ASSERT(role == GX_ROLE_CLIENT || role == GX_ROLE_SERVER);
    out[0] = (uint8_t)role;
    memcpy(out + 1, t->client_key.b, 32);
    memcpy(out + 33, t->server_key.b, 32);
    memcpy(out + 65, t->client_nonce.b, 32);
    memcpy(out + 97, t->server_nonce.b, 32);
}

void gx_gate_tag(struct gx_tag *out, const struct gx_gate_key *gate, enum gx_role role, const struct gx_transcript *t)
{
    uint8_t bytes[GX_TRANSCRIPT_BYTES];
    uint8_t full[32];

    gx_transcript_bytes(bytes, role, t);
    gx_hash_keyed(full, "gx-hello-tag", gx_span(gate->b, sizeof gate->b), gx_span(bytes, sizeof bytes));
    memcpy(out->b, full, sizeof out->b);
}
