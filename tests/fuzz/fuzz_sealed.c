/* What a member sealed: it may hold any bytes, padded or not.  What opens is what its author can have sealed, and nothing else. */
#include "crypto/hash.h"
#include "crypto/message.h"
#include "tests/fuzz/fuzz.h"

static const struct gx_message_key key = {{1, 2, 3}};
static const uint8_t hdr0[] = {1, 2, 3, 4, 5};

/* The commitment is that of an honest seal: every member can make one for what it wants to say. */
static void head_make(struct gx_sealed_head *head, uint32_t n)
{
    static const uint8_t seed[32] = {9};
    struct gx_rng_stream rng;
    uint8_t out[64 + GX_AEAD_TAG_BYTES];

    gx_rng_stream_init(&rng, seed);
    *head = (struct gx_sealed_head){.n = n};
    gx_message_seal(out, head, &key, &rng.rng, gx_span(hdr0, sizeof hdr0), gx_span(NULL, 0));
}

/* The text and its padding as the input has them, sealed. */
static uint8_t *seal(const struct gx_sealed_head *head, struct gx_span padded)
{
    uint8_t *sealed = malloc(padded.n + GX_AEAD_TAG_BYTES), ek[32];

    GX_ASSERT(sealed != NULL);
    gx_hash_keyed(ek, "gx-msg-key", gx_span(key.b, sizeof key.b), gx_span(NULL, 0));
    if (padded.n > 0)
        memcpy(sealed, padded.p, padded.n);
    gx_aead_seal(sealed, ek, &head->nonce, gx_span(head->commit, sizeof head->commit), gx_span(sealed, padded.n));
    return sealed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct gx_sealed_head head;
    size_t n = 0;

    head_make(&head, fuzz_u8(&in));
    uint8_t spoil = fuzz_u8(&in);
    /* Lengths that a text can have once padded are few: the input is filled up with zeroes to the next, unless it says no. */
    size_t cap = (spoil & 1) != 0 || in.left == 0 ? in.left : gx_sealed_padded(in.left - 1);
    uint8_t *padded = calloc(1, cap + 1), *out = malloc(cap + 1);
    GX_ASSERT(padded != NULL && out != NULL);
    if (in.left > 0)
        memcpy(padded, in.p, in.left);
    uint8_t *sealed = seal(&head, gx_span(padded, cap));

    bool ok = gx_message_open(out, &n, &head, &key, gx_span(hdr0, sizeof hdr0), gx_span(sealed, cap + GX_AEAD_TAG_BYTES));
    if (ok) {
        GX_ASSERT(gx_sealed_padded(n) == cap && memcmp(out, padded, n) == 0 && padded[n] == 0x80);
        for (size_t i = n + 1; i < cap; i++)
            GX_ASSERT(padded[i] == 0);
    }
    /* Of another event it does not open; nor with any other byte. */
    GX_ASSERT(!gx_message_open(out, &n, &head, &key, gx_span(hdr0, sizeof hdr0 - 1), gx_span(sealed, cap + GX_AEAD_TAG_BYTES)));
    sealed[(spoil >> 1) % (cap + GX_AEAD_TAG_BYTES)] ^= 1;
    GX_ASSERT(!gx_message_open(out, &n, &head, &key, gx_span(hdr0, sizeof hdr0), gx_span(sealed, cap + GX_AEAD_TAG_BYTES)));
    free(sealed);
    free(padded);
    free(out);
    return 0;
}
