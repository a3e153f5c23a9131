/* The vault of a home: a slot with any head and any sealed bytes under a check that is right, secrets of any shape sealed with the right key, and the
 * identity within.  What opens is written again as the same secrets. */
#include "node/os/vault.c"          /* its slots are read by functions of its own */
#include "tests/fuzz/fuzz.h"

static const struct gx_vault_key key = {{1, 2, 3}};

static void check_right(uint8_t slot[SLOT_BYTES])
{
    gx_hash(slot + SLOT_BYTES - CHECK_BYTES, "gx-vault-slot", gx_span(slot, SLOT_BYTES - CHECK_BYTES));
}

/* head: 71 bytes of input, but for the magic and, mostly, the version and the length. */
static void head_make(uint8_t slot[SLOT_BYTES], struct fuzz_in *in, size_t n_sealed)
{
    struct gx_wr w = gx_wr(slot, HEAD_BYTES);
    uint8_t odd = fuzz_u8(in);
    struct gx_span rest;

    gx_wr_bytes(&w, vault_magic, sizeof vault_magic);
    gx_wr_u32(&w, (odd & 1) != 0 ? fuzz_u8(in) : VAULT_VERSION);
    gx_wr_u8(&w, (odd & 2) != 0 ? fuzz_u8(in) : (uint8_t)GX_VAULT_KEY_FILE);
    rest = fuzz_take(in, HEAD_BYTES - 2 - w.n);
    gx_wr_bytes(&w, rest.p, rest.n);
    w.n = HEAD_BYTES - 2;
    gx_wr_u16(&w, (odd & 4) != 0 ? fuzz_u16(in) : (uint16_t)n_sealed);
}

static void same_again(struct gx_vault *v)
{
    static struct gx_vault other;
    static uint8_t bytes[SLOT_BYTES];
    struct slot slot;

    v->kind = GX_VAULT_KEY_FILE;
    slot_write(bytes, v);
    GX_ASSERT(slot_read(&slot, bytes) == GX_OK);
    memset(&other, 0, sizeof other);
    other.key = key;
    GX_ASSERT(slot_open(&other, &slot) == GX_OK);
    GX_ASSERT(other.n_roots == v->n_roots && memcmp(other.roots, v->roots, v->n_roots * sizeof v->roots[0]) == 0);
    GX_ASSERT(memcmp(&other.old.pk, &v->old.pk, 32) == 0 && other.old.port == v->old.port && other.old.since_ms == v->old.since_ms);
    GX_ASSERT(memcmp(&other.id.person, &v->id.person, sizeof v->id.person) == 0 && strcmp(other.id.name, v->id.name) == 0);
}

/* A slot whose sealed part is what the rest of the input says, sealed with the right key. */
static void as_secrets(struct fuzz_in in)
{
    static struct gx_vault v;
    static uint8_t bytes[SLOT_BYTES];
    struct gx_pepper pepper;
    struct slot slot;

    memset(bytes, 0, sizeof bytes);
    memset(&v, 0, sizeof v);
    v.key = key;
    struct fuzz_in head = {in.p, in.left < 80 ? in.left : 80};
    in = (struct fuzz_in){in.p + head.left, in.left - head.left};
    struct gx_span secrets = fuzz_take(&in, SLOT_BYTES - HEAD_BYTES - CHECK_BYTES - GX_AEAD_TAG_BYTES);
    head_make(bytes, &head, secrets.n + GX_AEAD_TAG_BYTES);
    memcpy(pepper.b, bytes + HEAD_BYTES - 2 - sizeof pepper.b, sizeof pepper.b);
    gx_vault_seal_secrets(bytes + HEAD_BYTES, &key, &pepper, gx_span(bytes, HEAD_BYTES), secrets);
    check_right(bytes);
    if (slot_read(&slot, bytes) != GX_OK)
        return;
    GX_ASSERT(slot.sealed.n >= GX_AEAD_TAG_BYTES && slot.sealed.n <= SECRETS_MAX + GX_AEAD_TAG_BYTES);
    if (slot_open(&v, &slot) != GX_OK)
        return;
    GX_ASSERT(v.n_roots >= 1 && v.n_roots <= 2 && gx_identity_name_ok(v.id.name));
    same_again(&v);
}

/* Any slot under a check that is right. */
static void as_slot(struct fuzz_in in)
{
    static uint8_t bytes[SLOT_BYTES];
    struct gx_span some = fuzz_take(&in, SLOT_BYTES - CHECK_BYTES);
    struct slot slot;

    memset(bytes, 0, sizeof bytes);
    if (some.n > 0)
        memcpy(bytes, some.p, some.n);
    check_right(bytes);
    enum gx_err err = slot_read(&slot, bytes);
    GX_ASSERT(err != GX_E_CORRUPT && err != GX_E_ABSENT);
    if (err == GX_OK)
        fuzz_touch(slot.sealed);
    bytes[SLOT_BYTES - 1] ^= 1;
    GX_ASSERT(slot_read(&slot, bytes) == GX_E_CORRUPT);
}

/* An identity under a check that is right. */
static void as_identity(struct fuzz_in in)
{
    uint8_t bytes[GX_IDENTITY_BYTES_MAX + 64], again[GX_IDENTITY_BYTES_MAX];
    struct gx_span some = fuzz_take(&in, sizeof bytes - CHECK_BYTES);
    struct gx_identity id;

    if (some.n > 0)
        memcpy(bytes, some.p, some.n);
    gx_hash(bytes + some.n, "gx-keys-file", gx_span(bytes, some.n));
    if (gx_identity_decode(&id, gx_span(bytes, some.n + CHECK_BYTES)) != GX_OK)
        return;
    GX_ASSERT(gx_identity_name_ok(id.name));
    size_t n = gx_identity_encode(again, &id);
    GX_ASSERT(gx_span_equal(gx_span(again, n), gx_span(bytes, some.n + CHECK_BYTES)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};

    switch (fuzz_u8(&in) % 3) {
    case 0:
        as_secrets(in);
        break;
    case 1:
        as_slot(in);
        break;
    default:
        as_identity(in);
    }
    return 0;
}
