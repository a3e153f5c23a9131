/* Cards: what the QR code of a person holds.  WIRE §7.2.  KEYS §1.
 *
 *   kind u8 = 2 | ID_pk[32] | CX_pk[32] | serial u32 | card_sig[64] | seed[16] | hint 0 or 7 | check[4]     153 or 160 bytes
 *
 * Hint, check and text form are those of an invitation (proto/token.h). */
#ifndef GX_PROTO_CARD_H
#define GX_PROTO_CARD_H

#include "crypto/card.h"
#include "proto/token.h"

#define GX_TOKEN_KIND_CARD 2u

/* The public part, 132 bytes: as in a code and in a CARD.  Refuses a key that X25519 refuses; the signature is not verified here. */
void gx_card_write(struct gx_wr *w, const struct gx_card *card);
void gx_card_read(struct gx_rd *r, struct gx_card *out);

struct gx_card_code {
    struct gx_card card;
    struct gx_token_seed seed;      /* the secret: wiped by the caller */
    struct gx_addr hint;            /* family 4, or 0 when there is none */
};

/* Returns GX_E_MALFORMED, GX_E_VERSION (kind of a later version), GX_E_SIGNATURE (the check, or the card's own signature). */
enum gx_err gx_card_decode(struct gx_card_code *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_card_encode(struct gx_wr *w, const struct gx_card_code *code);
void gx_card_format(char out[GX_TOKEN_TEXT_MAX], const struct gx_card_code *code);
enum gx_err gx_card_parse(struct gx_card_code *out, const char *text) GX_MUST_CHECK;

/* What a code is, by its kind: GX_TOKEN_KIND_INVITE or GX_TOKEN_KIND_CARD.  0 for what is neither or does not parse so far. */
uint8_t gx_code_kind(const char *text);

#endif
