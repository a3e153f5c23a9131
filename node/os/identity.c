#include "node/os/identity.h"

#include "crypto/hash.h"
#include "crypto/member.h"
#include "proto/codec.h"
#include "proto/ids.h"
#include "proto/name.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char keys_magic[8] = "gx keys\n";
static const char incarnation_magic[8] = "gx incar";
#define FILE_VERSION 1u
#define CHECK_BYTES 32u
#define INCARNATION_FILE_BYTES (8u + 4u + 32u + 8u + 16u + CHECK_BYTES)
#define INCARNATION_INODE_AT (8u + 4u + 32u)

bool gx_identity_name_ok(const char *name)
{
    return gx_name_ok(name, GX_NAME_BYTES_MAX) && gx_name_plain(name);
}

void gx_identity_make(struct gx_identity *out, struct gx_recovery *recovery, const char *name)
{
    GX_ASSERT(gx_identity_name_ok(name));
    memset(out, 0, sizeof *out);
    randombytes_buf(recovery->b, sizeof recovery->b);
    randombytes_buf(out->card_sk.b, sizeof out->card_sk.b);
    randombytes_buf(out->device_seed.b, sizeof out->device_seed.b);
    gx_person_make(&out->person, recovery, &out->card_sk, 1);
    gx_identity_new_transport(out);
    snprintf(out->name, sizeof out->name, "%s", name);
}

void gx_identity_new_transport(struct gx_identity *id)
{
    randombytes_buf(id->transport_sk.b, sizeof id->transport_sk.b);
    int rc = crypto_scalarmult_base(id->transport_pk.b, id->transport_sk.b);
    GX_ASSERT(rc == 0);
}

void gx_identity_wipe(struct gx_identity *id)
{
    gx_wipe(id, sizeof *id);
}

static void write_check(struct gx_wr *w, const char *label)
{
    uint8_t check[CHECK_BYTES];

    gx_hash(check, label, gx_wr_span(w));
    gx_wr_bytes(w, check, sizeof check);
}

size_t gx_identity_encode(uint8_t out[GX_IDENTITY_BYTES_MAX], const struct gx_identity *id)
{
    struct gx_wr w = gx_wr(out, GX_IDENTITY_BYTES_MAX);
    size_t name = strlen(id->name);

    gx_wr_bytes(&w, keys_magic, sizeof keys_magic);
    gx_wr_u32(&w, FILE_VERSION);
    gx_wr_bytes(&w, id->person.id.b, 32);
    gx_wr_bytes(&w, id->person.recovery.b, 32);
    gx_wr_bytes(&w, id->person.card.b, 32);
    gx_wr_u32(&w, id->person.card_serial);
    gx_wr_bytes(&w, id->person.card_sig.b, 64);
    gx_wr_bytes(&w, id->card_sk.b, 32);
    gx_wr_bytes(&w, id->device_seed.b, 32);
    gx_wr_bytes(&w, id->transport_pk.b, 32);
    gx_wr_bytes(&w, id->transport_sk.b, 32);
    gx_wr_u16(&w, (uint16_t)name);
    gx_wr_bytes(&w, id->name, name);
    write_check(&w, "gx-keys-file");
    GX_ASSERT(!w.failed);
    return w.n;
}

/* Do the public halves belong to the secret ones? */
static bool belongs_together(const struct gx_identity *id)
{
    struct gx_dh_pk card;
    struct gx_curve_pk transport;

    gx_dh_public(&card, &id->card_sk);
    return gx_person_check(&id->person) && memcmp(card.b, id->person.card.b, 32) == 0 &&
           crypto_scalarmult_base(transport.b, id->transport_sk.b) == 0 &&
           memcmp(transport.b, id->transport_pk.b, 32) == 0 && gx_identity_name_ok(id->name);
}

/* Magic, version and check; leaves *body at what stands between. */
static enum gx_err open_file(struct gx_rd *body, struct gx_span bytes, const char magic[8], const char *label)
{
    uint8_t check[CHECK_BYTES];

    if (bytes.n < 8 + 4 + CHECK_BYTES || memcmp(bytes.p, magic, 8) != 0)
        return GX_E_MALFORMED;
    struct gx_span kept = gx_span(bytes.p, bytes.n - CHECK_BYTES);
    gx_hash(check, label, kept);
    if (memcmp(check, bytes.p + kept.n, CHECK_BYTES) != 0)
        return GX_E_CORRUPT;
    *body = gx_rd(gx_span(kept.p + 8, kept.n - 8));
    return gx_rd_u32(body) == FILE_VERSION ? GX_OK : GX_E_VERSION;
}

enum gx_err gx_identity_decode(struct gx_identity *out, struct gx_span bytes)
{
    struct gx_rd r;

    memset(out, 0, sizeof *out);
    enum gx_err err = open_file(&r, bytes, keys_magic, "gx-keys-file");
    if (err != GX_OK)
        return err;
    gx_rd_bytes(&r, out->person.id.b, 32);
    gx_rd_bytes(&r, out->person.recovery.b, 32);
    gx_rd_bytes(&r, out->person.card.b, 32);
    out->person.card_serial = gx_rd_u32(&r);
    gx_rd_bytes(&r, out->person.card_sig.b, 64);
    gx_rd_bytes(&r, out->card_sk.b, 32);
    gx_rd_bytes(&r, out->device_seed.b, 32);
    gx_rd_bytes(&r, out->transport_pk.b, 32);
    gx_rd_bytes(&r, out->transport_sk.b, 32);
    size_t name = gx_rd_u16(&r);
    if (name > GX_NAME_BYTES_MAX)
        gx_rd_fail(&r);
    else
        gx_rd_bytes(&r, (uint8_t *)out->name, name);
    if (strlen(out->name) != name)
        gx_rd_fail(&r);
    err = gx_rd_finish(&r);
    if (err == GX_OK && !belongs_together(out))
        err = GX_E_SIGNATURE;
    if (err != GX_OK)
        gx_identity_wipe(out);
    return err;
}

/* The file as it stands, when it belongs to this store and was not copied: a copy has another inode. */
static bool incarnation_read(struct gx_incarnation_secret *out, const struct gx_home *home, const uint8_t store_uuid[16])
{
    uint8_t bytes[INCARNATION_FILE_BYTES], uuid[16];
    char path[GX_PATH_MAX];
    struct stat st;
    struct gx_rd r;
    size_t n;

    gx_home_path(path, home, "incarnation");
    if (gx_file_read(bytes, &n, sizeof bytes, home, "incarnation") != GX_OK || lstat(path, &st) != 0)
        return false;
    bool ok = open_file(&r, gx_span(bytes, n), incarnation_magic, "gx-incar-file") == GX_OK;
    if (ok) {
        gx_rd_bytes(&r, out->b, sizeof out->b);
        uint64_t inode = gx_rd_u64(&r);
        gx_rd_bytes(&r, uuid, sizeof uuid);
        ok = gx_rd_finish(&r) == GX_OK && inode == (uint64_t)st.st_ino && memcmp(uuid, store_uuid, 16) == 0;
    }
    gx_wipe(bytes, sizeof bytes);
    return ok;
}

static void incarnation_prepare(uint8_t *bytes, size_t n, uint64_t inode)
{
    GX_ASSERT(n == INCARNATION_FILE_BYTES);
    struct gx_wr w = gx_wr(bytes + INCARNATION_INODE_AT, 8);
    gx_wr_u64(&w, inode);
    gx_hash(bytes + n - CHECK_BYTES, "gx-incar-file", gx_span(bytes, n - CHECK_BYTES));
}

bool gx_incarnation_load(struct gx_incarnation_secret *out, bool *fresh, const struct gx_home *home, const uint8_t store_uuid[16],
                         bool keep, struct gx_fail *why)
{
    uint8_t bytes[INCARNATION_FILE_BYTES] = {0};

    *fresh = !incarnation_read(out, home, store_uuid);
    if (!*fresh)
        return true;
    randombytes_buf(out->b, sizeof out->b);
    if (!keep)
        return true;

    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    gx_wr_bytes(&w, incarnation_magic, sizeof incarnation_magic);
    gx_wr_u32(&w, FILE_VERSION);
    gx_wr_bytes(&w, out->b, sizeof out->b);
    gx_wr_u64(&w, 0);
    gx_wr_bytes(&w, store_uuid, 16);
    enum gx_err err = gx_file_replace(home, "incarnation", bytes, sizeof bytes, incarnation_prepare);
    int saved = errno;
    gx_wipe(bytes, sizeof bytes);
    return err == GX_OK ? true : gx_fail_errno(why, GX_EXIT_STORE, "io", saved, "cannot write %s/incarnation", home->data);
}
