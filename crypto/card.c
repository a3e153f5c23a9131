#include "crypto/card.h"

#include "crypto/hash.h"
#include "crypto/member.h"
#include "crypto/sign.h"
#include "crypto/words.h"

#define SAFETY_ROUNDS 65536u

static_assert(GX_SAFETY_TEXT_BYTES == GX_WORDS_TEXT_BYTES_OF(GX_SAFETY_WORDS), "the last blank's place holds the 0");

static void put_u32(uint8_t out[4], uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

void gx_card_of(struct gx_card *out, const struct gx_person *person)
{
    *out = (struct gx_card){.id = person->id, .key = person->card, .serial = person->card_serial, .sig = person->card_sig};
}

void gx_card_signed_bytes(uint8_t out[GX_CARD_SIGNED_BYTES], const struct gx_card *card)
{
    memcpy(out, card->key.b, sizeof card->key.b);
    put_u32(out + sizeof card->key.b, card->serial);
}

bool gx_card_check(const struct gx_card *card)
{
    uint8_t bytes[GX_CARD_SIGNED_BYTES];

    gx_card_signed_bytes(bytes, card);
    return gx_dh_usable(&card->key) && gx_verify(&card->id, GX_DOMAIN_CARD, gx_span(bytes, sizeof bytes), &card->sig);
}

void gx_card_seed(struct gx_token_seed *out, const struct gx_dh_sk *card_sk, uint32_t serial)
{
    uint8_t full[32], bytes[4];

    put_u32(bytes, serial);
    gx_hash_keyed(full, "gx-card-seed", gx_span(card_sk->b, sizeof card_sk->b), gx_span(bytes, sizeof bytes));
    memcpy(out->b, full, sizeof out->b);
    gx_wipe(full, sizeof full);
}

/* The two X25519 results, one after the other, are the key; both sides come to the same. */
static void reveal_of(struct gx_reveal *out, const uint8_t shared[64], const uint8_t group_id[32], const struct gx_sign_pk *member,
                      const struct gx_dh_pk *from, const struct gx_dh_pk *to)
{
    struct gx_hasher h;

    gx_hash_begin_keyed(&h, "gx-reveal", gx_span(shared, 64));
    gx_hash_add(&h, group_id, 32);
    gx_hash_add(&h, member->b, sizeof member->b);
    gx_hash_add(&h, from->b, sizeof from->b);
    gx_hash_add(&h, to->b, sizeof to->b);
    gx_hash_end(&h, out->b);
}

bool gx_reveal_make(struct gx_reveal *out, const struct gx_dh_sk *card_sk, const struct gx_dh_sk *prekey_sk, const struct gx_dh_pk *to,
                    const uint8_t group_id[32], const struct gx_sign_pk *member)
{
    uint8_t shared[64];
    struct gx_dh_pk from;
    bool ok = crypto_scalarmult(shared, card_sk->b, to->b) == 0 && crypto_scalarmult(shared + 32, prekey_sk->b, to->b) == 0;

    memset(out, 0, sizeof *out);
    if (ok) {
        gx_dh_public(&from, card_sk);
        reveal_of(out, shared, group_id, member, &from, to);
    }
    gx_wipe(shared, sizeof shared);
    return ok;
}

bool gx_reveal_check(const struct gx_reveal *reveal, const struct gx_dh_sk *card_sk, const struct gx_dh_pk *from, const struct gx_dh_pk *prekey,
                     const uint8_t group_id[32], const struct gx_sign_pk *member)
{
    uint8_t shared[64];
    struct gx_dh_pk to;
    struct gx_reveal expected;
    bool ok = crypto_scalarmult(shared, card_sk->b, from->b) == 0 && crypto_scalarmult(shared + 32, card_sk->b, prekey->b) == 0;

    if (ok) {
        gx_dh_public(&to, card_sk);
        reveal_of(&expected, shared, group_id, member, from, &to);
        ok = gx_equal_ct(reveal->b, expected.b, sizeof expected.b);
        gx_wipe(&expected, sizeof expected);
    }
    gx_wipe(shared, sizeof shared);
    return ok;
}

void gx_safety_words(char text[GX_SAFETY_TEXT_BYTES], const struct gx_sign_pk *a, const struct gx_sign_pk *b)
{
    bool a_first = memcmp(a->b, b->b, sizeof a->b) <= 0;
    uint8_t bytes[96] = {0};

    memcpy(bytes + 32, a_first ? a->b : b->b, 32);
    memcpy(bytes + 64, a_first ? b->b : a->b, 32);
    /* Who looks for a key whose words are nearly the same pays this for each one. */
    for (unsigned i = 0; i < SAFETY_ROUNDS; i++)
        gx_hash(bytes, "gx-safety", gx_span(bytes, sizeof bytes));
    gx_words_from_bits(text, bytes, GX_SAFETY_WORDS);
}
