/* A person: what 24 words recover, and what a node keeps of it.  KEYS §1. */
#ifndef GX_CRYPTO_PERSON_H
#define GX_CRYPTO_PERSON_H

#include "crypto/keys.h"

/* Public part, kept by the node.  The secrets ID_sk and R_sk exist only while the words do. */
struct gx_person {
    struct gx_sign_pk id;          /* ID_pk */
    struct gx_dh_pk recovery;      /* R_pk: memberships are made towards it, the words recompute them */
    struct gx_dh_pk card;          /* CX_pk */
    uint32_t card_serial;
    struct gx_sig card_sig;        /* SIG(ID, "card", CX_pk || serial u32) */
};

/* Derive the person of `rec` and sign the card key of `card_sk`.  The caller wipes rec once the words were shown. */
void gx_person_make(struct gx_person *out, const struct gx_recovery *rec, const struct gx_dh_sk *card_sk, uint32_t card_serial);

/* Does the card signature hold?  Checked when the key file is read: a bit flipped there in id, card, card_serial or card_sig is found
 * here.  One in `recovery` is not, and would only show when the words are needed: that file needs a check of its own over it.  KEYS §1. */
bool gx_person_check(const struct gx_person *p) GX_MUST_CHECK;

#endif
