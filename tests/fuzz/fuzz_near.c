/* What two nodes say to each other to pair by six digits, as who shows the code and who types it hear it, and the invitation that is given.  What is taken
 * is written again as the same bytes; a point that is taken gives one answer, and the keys that belong to it. */
#include "proto/near.h"
#include "tests/fuzz/fuzz.h"

static const struct gx_near_code code = {.digits = "271828"};
static const struct gx_near_secret secret = {.b = {1}};
static const struct gx_near_scalar x = {.b = {2}};         /* any point that is given will do for its A: nobody proves anything here */

static void as_told(const struct gx_wr *w, struct gx_span bytes, size_t length)
{
    GX_ASSERT(bytes.n == length && gx_near_is(bytes) && gx_span_equal(gx_wr_span(w), bytes));
}

/* A or B of somebody else, to who shows the code and to who types it. */
static void as_point(const struct gx_near_point *p)
{
    struct gx_near_point b = {.b = {0}}, again = {.b = {0}};
    struct gx_near_keys inviter, joiner;
    uint8_t sealed[GX_NEAR_SEALED_BYTES], plain[GX_NEAR_PLAIN_BYTES] = {0}, opened[GX_NEAR_PLAIN_BYTES];
    bool taken = gx_near_reply(&b, &secret, &code, p);

    GX_ASSERT(gx_near_inviter_keys(&inviter, &again, &secret, &code, p) == taken && gx_near_joiner_keys(&joiner, &x, p, p) == taken);
    if (!taken)
        return;
    GX_ASSERT(memcmp(&b, &again, sizeof b) == 0 && memcmp(&b, p, sizeof b) != 0);
    GX_ASSERT(memcmp(&inviter.proof, &joiner.proof, sizeof inviter.proof) != 0);
    gx_near_seal(sealed, &inviter, plain);
    GX_ASSERT(gx_near_open(opened, &inviter, sealed) && memcmp(opened, plain, sizeof plain) == 0);
    GX_ASSERT(!gx_near_open(opened, &joiner, sealed));
}

static void as_datagram(struct gx_span bytes)
{
    uint8_t written[GX_LAN_DATAGRAM_MAX];
    struct gx_wr w = gx_wr(written, sizeof written);
    struct gx_near_ask ask;
    struct gx_near_reply reply;
    struct gx_near_confirm confirm;
    struct gx_near_gift gift;

    if (gx_near_ask_decode(&ask, bytes) == GX_OK) {
        gx_near_ask_encode(&w, &ask);
        as_told(&w, bytes, GX_NEAR_ASK_BYTES);
        as_point(&ask.a);
    } else if (gx_near_reply_decode(&reply, bytes) == GX_OK) {
        gx_near_reply_encode(&w, &reply);
        as_told(&w, bytes, GX_NEAR_REPLY_BYTES);
        as_point(&reply.b);
    } else if (gx_near_confirm_decode(&confirm, bytes) == GX_OK) {
        gx_near_confirm_encode(&w, &confirm);
        as_told(&w, bytes, GX_NEAR_CONFIRM_BYTES);
        as_point(&confirm.a);
    } else if (gx_near_gift_decode(&gift, bytes) == GX_OK) {
        struct gx_near_keys keys = {.gift = {3}};
        uint8_t plain[GX_NEAR_PLAIN_BYTES];

        gx_near_gift_encode(&w, &gift);
        as_told(&w, bytes, GX_NEAR_GIFT_BYTES);
        GX_ASSERT(!gx_near_open(plain, &keys, gift.sealed));
    }
}

/* Under a check that is right, and then one byte of it is another: that is found, but for another port. */
static void as_plain(struct fuzz_in in)
{
    uint8_t plain[GX_NEAR_PLAIN_BYTES], written[GX_NEAR_PLAIN_BYTES];
    struct gx_token token = {.expires_min = fuzz_u16(&in)}, taken;
    uint16_t port = fuzz_u16(&in), read = 0;
    size_t at = fuzz_u8(&in) % GX_NEAR_PLAIN_BYTES;
    uint8_t flip = fuzz_u8(&in);
    struct gx_span seed = fuzz_take(&in, sizeof token.seed.b), sig = fuzz_take(&in, sizeof token.sig.b);

    if (seed.n > 0)
        memcpy(token.seed.b, seed.p, seed.n);
    if (sig.n > 0)
        memcpy(token.sig.b, sig.p, sig.n);
    gx_near_plain_encode(plain, &token, port);
    plain[at] ^= flip;

    enum gx_err err = gx_near_plain_decode(&taken, &read, plain);

    GX_ASSERT((err == GX_OK) == (plain[0] + plain[1] > 0 && (flip == 0 || at < 2)));
    if (err != GX_OK)
        return;
    GX_ASSERT(taken.hint.family == 0 && taken.expires_min == token.expires_min && memcmp(&taken.seed, &token.seed, sizeof taken.seed) == 0);
    gx_near_plain_encode(written, &taken, read);
    GX_ASSERT(memcmp(written, plain, sizeof plain) == 0);
}

/* Only four lengths are any: of what is longer than one the beginning, too. */
static size_t cut(size_t size)
{
    static const size_t lengths[] = {GX_NEAR_CONFIRM_BYTES, GX_NEAR_GIFT_BYTES, GX_NEAR_ASK_BYTES, GX_NEAR_REPLY_BYTES};

    for (size_t i = 0; i < GX_ARRAY_LEN(lengths); i++)
        if (size >= lengths[i])
            return lengths[i];
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    as_datagram(gx_span(data, size));
    if (cut(size) < size)
        as_datagram(gx_span(data, cut(size)));
    as_plain((struct fuzz_in){.p = data, .left = size});
    return 0;
}
