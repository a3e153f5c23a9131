#include "crypto/hash.h"

/* KEYS §0: "the personal field is the label, padded with zeroes to 16 bytes". */
static void begin(struct gx_hasher *h, const char *label, struct gx_span key)
{
    uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = {0};
    size_t n = strlen(label);

    GX_ASSERT(n >= 1 && n <= sizeof personal);
    memcpy(personal, label, n);

    int rc = crypto_generichash_blake2b_init_salt_personal(&h->st, key.p, key.n, 32, NULL, personal);
    GX_ASSERT(rc == 0);
}

void gx_hash_begin(struct gx_hasher *h, const char *label)
{
    begin(h, label, gx_span(NULL, 0));
}

void gx_hash_begin_keyed(struct gx_hasher *h, const char *label, struct gx_span key)
{
    /* A shorter key would silently be another function: with none at all libsodium hashes without a key. */
    GX_ASSERT(key.n >= crypto_generichash_blake2b_KEYBYTES_MIN && key.n <= crypto_generichash_blake2b_KEYBYTES_MAX);
    begin(h, label, key);
}

void gx_hash_add(struct gx_hasher *h, const void *p, size_t n)
{
    int rc = crypto_generichash_blake2b_update(&h->st, p, n);
    GX_ASSERT(rc == 0);
}

/* libsodium 1.0.18 leaves a copy of the result, and message words, on the stack below its caller (seen in a test). */
#define BLAKE2B_STACK_BYTES 1024u

void gx_hash_end(struct gx_hasher *h, uint8_t out[32])
{
    int rc = crypto_generichash_blake2b_final(&h->st, out, 32);
    GX_ASSERT(rc == 0);
    sodium_stackzero(BLAKE2B_STACK_BYTES);
    /* The state of a keyed hash over public bytes is as good as the key. */
    gx_wipe(h, sizeof *h);
}

void gx_hash(uint8_t out[32], const char *label, struct gx_span x)
{
    struct gx_hasher h;

    gx_hash_begin(&h, label);
    gx_hash_add(&h, x.p, x.n);
    gx_hash_end(&h, out);
}

void gx_hash_keyed(uint8_t out[32], const char *label, struct gx_span key, struct gx_span x)
{
    struct gx_hasher h;

    gx_hash_begin_keyed(&h, label, key);
    gx_hash_add(&h, x.p, x.n);
    gx_hash_end(&h, out);
}

uint64_t gx_hash_table(const uint8_t seed[16], const uint8_t id[32])
{
    uint64_t v = 0;

    static_assert(crypto_shorthash_BYTES == sizeof v && crypto_shorthash_KEYBYTES == 16, "SipHash-2-4");
    crypto_shorthash((uint8_t *)&v, id, 32, seed);
    return v;
}
