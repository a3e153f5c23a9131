/* What two people's nodes say to each other to pair by six digits, by UDP.  WIRE §9.1.  KEYS §13. */
#ifndef GX_PROTO_NEAR_H
#define GX_PROTO_NEAR_H

#include "crypto/near.h"
#include "proto/lan.h"
#include "proto/token.h"

#define GX_NEAR_ECHO_BYTES 8u

#define GX_NEAR_ASK_BYTES 64u           /* 8 + 32 + 24 */
struct gx_near_ask {
    struct gx_near_point a;
    uint8_t filler[24];
};

#define GX_NEAR_REPLY_BYTES 48u         /* 8 + 8 + 32: less than what it answers */
struct gx_near_reply {
    uint8_t echo[GX_NEAR_ECHO_BYTES];   /* the first bytes of A */
    struct gx_near_point b;
};

#define GX_NEAR_CONFIRM_BYTES 168u      /* 8 + 32 + 8 + 32 + 88 */
struct gx_near_confirm {
    struct gx_near_point a;
    uint8_t echo[GX_NEAR_ECHO_BYTES];   /* the first bytes of B */
    struct gx_near_proof proof;
    uint8_t filler[88];
};

#define GX_NEAR_GIFT_BYTES 160u         /* 8 + 8 + 144: less than what it answers */
struct gx_near_gift {
    uint8_t echo[GX_NEAR_ECHO_BYTES];   /* the first bytes of A */
    uint8_t sealed[GX_NEAR_SEALED_BYTES];
};
static_assert(GX_NEAR_REPLY_BYTES < GX_NEAR_ASK_BYTES && GX_NEAR_GIFT_BYTES < GX_NEAR_CONFIRM_BYTES, "no answer amplifies");
static_assert(GX_NEAR_CONFIRM_BYTES <= GX_LAN_DATAGRAM_MAX, "all fit a datagram");

/* Is it one of the four, by its length? */
bool gx_near_is(struct gx_span bytes);

/* Each returns GX_E_MALFORMED, GX_E_VERSION. */
enum gx_err gx_near_ask_decode(struct gx_near_ask *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_near_ask_encode(struct gx_wr *w, const struct gx_near_ask *ask);
enum gx_err gx_near_reply_decode(struct gx_near_reply *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_near_reply_encode(struct gx_wr *w, const struct gx_near_reply *reply);
enum gx_err gx_near_confirm_decode(struct gx_near_confirm *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_near_confirm_encode(struct gx_wr *w, const struct gx_near_confirm *confirm);
enum gx_err gx_near_gift_decode(struct gx_near_gift *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_near_gift_encode(struct gx_wr *w, const struct gx_near_gift *gift);

/* What is sealed: the invitation, without an address, and the port of its door at the address that this comes from.
 * Returns GX_E_MALFORMED (port 0 and filler that is not zero, too), or what gx_token_decode does.  Secrets: the caller wipes them. */
enum gx_err gx_near_plain_decode(struct gx_token *token, uint16_t *port, const uint8_t plain[GX_NEAR_PLAIN_BYTES]) GX_MUST_CHECK;
void gx_near_plain_encode(uint8_t plain[GX_NEAR_PLAIN_BYTES], const struct gx_token *token, uint16_t port);

#endif
