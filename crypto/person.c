#include "crypto/person.h"

#include "crypto/card.h"
#include "crypto/hash.h"
#include "crypto/member.h"
#include "crypto/sign.h"

/* ID = ED(K(rec, "gx-id-root", "")). */
static void identity_key(struct gx_sign_pk *pk, struct gx_sign_sk *sk, const struct gx_recovery *rec)
{
    struct gx_sign_seed seed;

    gx_hash_keyed(seed.b, "gx-id-root", gx_span(rec->b, sizeof rec->b), gx_span(NULL, 0));
    gx_sign_keypair(pk, sk, &seed);
    gx_wipe(&seed, sizeof seed);
}

/* R = X25519 from K(rec, "gx-rec-dh", ""). */
static void recovery_key(struct gx_dh_pk *pk, const struct gx_recovery *rec)
{
    struct gx_dh_sk sk;

    gx_hash_keyed(sk.b, "gx-rec-dh", gx_span(rec->b, sizeof rec->b), gx_span(NULL, 0));
    gx_dh_public(pk, &sk);
    gx_wipe(&sk, sizeof sk);
}

void gx_person_make(struct gx_person *out, const struct gx_recovery *rec, const struct gx_dh_sk *card_sk,
                    uint32_t card_serial)
{
    struct gx_sign_sk id_sk;
    struct gx_card card = {.serial = card_serial};
    uint8_t signed_bytes[GX_CARD_SIGNED_BYTES];

    identity_key(&out->id, &id_sk, rec);
    recovery_key(&out->recovery, rec);
    gx_dh_public(&out->card, card_sk);
    out->card_serial = card_serial;

    card.key = out->card;
    gx_card_signed_bytes(signed_bytes, &card);
    gx_sign(&out->card_sig, &id_sk, GX_DOMAIN_CARD, gx_span(signed_bytes, sizeof signed_bytes));
    gx_wipe(&id_sk, sizeof id_sk);
}

bool gx_person_check(const struct gx_person *p)
{
    struct gx_card card;

    gx_card_of(&card, p);
    return gx_card_check(&card);
}
