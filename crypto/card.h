/* Personal cards: who somebody is, said so that it can be checked; and telling a contact which member of a group one is.  KEYS §1, §16. */
#ifndef GX_CRYPTO_CARD_H
#define GX_CRYPTO_CARD_H

#include "crypto/person.h"

/* The public part of a card. */
struct gx_card {
    struct gx_sign_pk id;           /* ID_pk: who it is */
    struct gx_dh_pk key;            /* CX_pk */
    uint32_t serial;                /* of two cards of one person the one with the higher serial holds */
    struct gx_sig sig;              /* SIG(ID, "card", CX_pk || serial) */
};

void gx_card_of(struct gx_card *out, const struct gx_person *person);

/* What the identity signs: CX_pk || serial u32. */
#define GX_CARD_SIGNED_BYTES 36u
void gx_card_signed_bytes(uint8_t out[GX_CARD_SIGNED_BYTES], const struct gx_card *card);

/* Does its signature hold, and is its key one that X25519 takes? */
bool gx_card_check(const struct gx_card *card) GX_MUST_CHECK;

/* The seed in the picture of one's own card: K(card secret, "gx-card-seed", serial u32)[0..16).  T, bk and the door follow from it as from that of an
 * invitation, with ID_pk[0..16) for group16 (gx_token_keys_make, gx_door_keys_make).  The caller wipes it. */
void gx_card_seed(struct gx_token_seed *out, const struct gx_dh_sk *card_sk, uint32_t serial);

/* "In this group I am that member", to one person: a MAC and no signature, so that who is told can repeat it and not prove it.
 *
 *   K(DH(cx, CX') || DH(p, CX'), "gx-reveal", group_id || M_pk || CX || CX')
 *
 * cx and p are the secrets of the card and of the first prekey of that membership, CX' is the card key of who is told: made by nobody who does not hold
 * all of one side's. */
struct gx_reveal { uint8_t b[32]; };

/* False when X25519 refuses a key.  group_id: 32 bytes. */
bool gx_reveal_make(struct gx_reveal *out, const struct gx_dh_sk *card_sk, const struct gx_dh_sk *prekey_sk, const struct gx_dh_pk *to,
                    const uint8_t group_id[32], const struct gx_sign_pk *member) GX_MUST_CHECK;
/* card_sk: of who is told.  from, prekey: card key of who tells, and first prekey of the member it claims to be. */
bool gx_reveal_check(const struct gx_reveal *reveal, const struct gx_dh_sk *card_sk, const struct gx_dh_pk *from, const struct gx_dh_pk *prekey,
                     const uint8_t group_id[32], const struct gx_sign_pk *member) GX_MUST_CHECK;

/* The 12 words that two people read to each other: the same for both, and others for any other pair.  132 bits of 65,536 rounds of
 * H("gx-safety", before || lower ID_pk || higher ID_pk), the first with 32 zero bytes before; words as in §1, without a checksum. */
#define GX_SAFETY_WORDS 12u
#define GX_SAFETY_TEXT_BYTES 108u       /* 12 words of at most 8 letters, blanks between, and the 0 */
void gx_safety_words(char text[GX_SAFETY_TEXT_BYTES], const struct gx_sign_pk *a, const struct gx_sign_pk *b);

#endif
