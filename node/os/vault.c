#include "node/os/vault.h"

#include "crypto/hash.h"
#include "node/os/system.h"
#include "proto/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char vault_magic[8] = "gx vault";
static const char key_magic[8] = "gx vkey\n";
#define VAULT_VERSION 2u
#define KEY_FILE_VERSION 1u
#define VAULT_FILE "vault"
#define KEY_FILE "vault.key"
#define KEY_FILE_BYTES (8u + 4u + 32u + 32u)
/* A block of the file system, so that a torn write spoils one slot. */
#define SLOT_BYTES 4096u
#define SLOTS 2u
#define CHECK_BYTES 32u
#define HEAD_BYTES (8u + 4u + 1u + 8u + GX_VAULT_SALT_BYTES + 32u + 2u)
#define SECRETS_MAX (1u + 2u * 32u + 64u + 2u + 8u + GX_IDENTITY_BYTES_MAX)
static_assert(HEAD_BYTES + SECRETS_MAX + GX_AEAD_TAG_BYTES + CHECK_BYTES <= SLOT_BYTES, "a slot holds it");

struct slot {
    enum gx_err err;                /* GX_E_ABSENT: empty */
    uint8_t kind;
    uint64_t serial;
    uint8_t salt[GX_VAULT_SALT_BYTES];
    struct gx_pepper pepper;
    struct gx_span head, sealed;
};

bool gx_vault_missing(const struct gx_home *home, struct gx_fail *why)
{
    return gx_fail(why, GX_EXIT_NOT_FOUND, "no_identity", "make one with: guanxi init", "there is no identity in %s", home->data);
}

/* --- slots --------------------------------------------------------------------------------------------------------------------------- */

static enum gx_err slot_read(struct slot *out, const uint8_t bytes[SLOT_BYTES])
{
    struct gx_rd r = gx_rd(gx_span(bytes, SLOT_BYTES - CHECK_BYTES));
    uint8_t magic[8], check[CHECK_BYTES];
    bool empty = true;

    *out = (struct slot){.head = gx_span(bytes, HEAD_BYTES)};
    for (size_t i = 0; i < SLOT_BYTES && empty; i++)
        empty = bytes[i] == 0;
    if (empty)
        return GX_E_ABSENT;
    gx_hash(check, "gx-vault-slot", gx_span(bytes, SLOT_BYTES - CHECK_BYTES));
    if (memcmp(check, bytes + SLOT_BYTES - CHECK_BYTES, CHECK_BYTES) != 0)
        return GX_E_CORRUPT;
    gx_rd_bytes(&r, magic, sizeof magic);
    if (memcmp(magic, vault_magic, sizeof magic) != 0)
        return GX_E_MALFORMED;
    if (gx_rd_u32(&r) != VAULT_VERSION)
        return GX_E_VERSION;
    out->kind = gx_rd_u8(&r);
    out->serial = gx_rd_u64(&r);
    gx_rd_bytes(&r, out->salt, sizeof out->salt);
    gx_rd_bytes(&r, out->pepper.b, sizeof out->pepper.b);
    out->sealed = gx_rd_span(&r, gx_rd_u16(&r));
    bool known = out->kind == GX_VAULT_KEY_FILE || out->kind == GX_VAULT_PASSPHRASE;
    return r.failed || !known || out->sealed.n < GX_AEAD_TAG_BYTES || out->sealed.n > SECRETS_MAX + GX_AEAD_TAG_BYTES ? GX_E_MALFORMED : GX_OK;
}

static void slot_write(uint8_t bytes[SLOT_BYTES], const struct gx_vault *v)
{
    uint8_t identity[GX_IDENTITY_BYTES_MAX], secrets[SECRETS_MAX];
    struct gx_wr s = gx_wr(secrets, sizeof secrets), w = gx_wr(bytes, SLOT_BYTES);
    struct gx_pepper pepper;
    size_t n = gx_identity_encode(identity, &v->id);

    GX_ASSERT(v->n_roots == 1 || v->n_roots == 2);
    gx_wr_u8(&s, (uint8_t)v->n_roots);
    for (size_t i = 0; i < v->n_roots; i++)
        gx_wr_bytes(&s, v->roots[i].b, sizeof v->roots[i].b);
    gx_wr_bytes(&s, v->old.pk.b, sizeof v->old.pk.b);
    gx_wr_bytes(&s, v->old.sk.b, sizeof v->old.sk.b);
    gx_wr_u16(&s, v->old.port);
    gx_wr_u64(&s, v->old.since_ms);
    gx_wr_bytes(&s, identity, n);
    gx_wipe(identity, sizeof identity);

    memset(bytes, 0, SLOT_BYTES);
    gx_rng_fill(gx_system_rng(), pepper.b, sizeof pepper.b);
    gx_wr_bytes(&w, vault_magic, sizeof vault_magic);
    gx_wr_u32(&w, VAULT_VERSION);
    gx_wr_u8(&w, (uint8_t)v->kind);
    gx_wr_u64(&w, v->serial);
    gx_wr_bytes(&w, v->salt, sizeof v->salt);
    gx_wr_bytes(&w, pepper.b, sizeof pepper.b);
    gx_wr_u16(&w, (uint16_t)(s.n + GX_AEAD_TAG_BYTES));
    GX_ASSERT(!s.failed && !w.failed && w.n == HEAD_BYTES);
    gx_vault_seal_secrets(bytes + HEAD_BYTES, &v->key, &pepper, gx_span(bytes, HEAD_BYTES), gx_wr_span(&s));
    gx_hash(bytes + SLOT_BYTES - CHECK_BYTES, "gx-vault-slot", gx_span(bytes, SLOT_BYTES - CHECK_BYTES));
    gx_wipe(secrets, sizeof secrets);
}

/* GX_E_DENIED: another key than the one it was sealed with. */
static enum gx_err slot_open(struct gx_vault *v, const struct slot *slot)
{
    uint8_t secrets[SECRETS_MAX], n_roots;
    enum gx_err err = GX_E_DENIED;

    if (gx_vault_open_secrets(secrets, &v->key, &slot->pepper, slot->head, slot->sealed)) {
        struct gx_rd r = gx_rd(gx_span(secrets, slot->sealed.n - GX_AEAD_TAG_BYTES));

        n_roots = gx_rd_u8(&r);
        for (size_t i = 0; i < n_roots && i < 2; i++)
            gx_rd_bytes(&r, v->roots[i].b, sizeof v->roots[i].b);
        v->n_roots = n_roots;
        gx_rd_bytes(&r, v->old.pk.b, sizeof v->old.pk.b);
        gx_rd_bytes(&r, v->old.sk.b, sizeof v->old.sk.b);
        v->old.port = gx_rd_u16(&r);
        v->old.since_ms = gx_rd_u64(&r);
        err = n_roots < 1 || n_roots > 2 || r.failed ? GX_E_MALFORMED : gx_identity_decode(&v->id, gx_span(r.p, r.left));
    }
    gx_wipe(secrets, sizeof secrets);
    return err;
}

/* --- files --------------------------------------------------------------------------------------------------------------------------- */

static bool io_fail(struct gx_fail *why, const struct gx_home *home, const char *what, const char *file, int sys_errno)
{
    return gx_fail_errno(why, GX_EXIT_STORE, "io", sys_errno, "cannot %s %s/%s", what, home->data, file);
}

static bool damaged(struct gx_fail *why, const struct gx_home *home, enum gx_err err)
{
    if (err == GX_E_VERSION)
        return gx_fail(why, GX_EXIT_STORE, "vault_version", "use the newer program", "%s/" VAULT_FILE " was written by another version", home->data);
    return gx_fail(why, GX_EXIT_STORE, "vault_damaged", "put back a copy of this file, or move the home away and run: guanxi init",
                   "%s/" VAULT_FILE " is damaged: %s", home->data,
                   err == GX_E_CORRUPT ? "its bytes do not match their check" : err == GX_E_SIGNATURE ? "its keys do not belong together"
                                                                                                     : "it is cut short or not such a file");
}

static bool read_slots(struct slot slots[SLOTS], uint8_t bytes[SLOTS * SLOT_BYTES], const struct gx_home *home, struct gx_fail *why)
{
    size_t n;
    enum gx_err err = gx_file_read(bytes, &n, SLOTS * SLOT_BYTES, home, VAULT_FILE);

    if (err == GX_E_ABSENT)
        return gx_vault_missing(home, why);
    if (err == GX_E_STORE)
        return io_fail(why, home, "read", VAULT_FILE, errno);
    if (err != GX_OK || n != SLOTS * SLOT_BYTES)
        return damaged(why, home, GX_E_MALFORMED);
    for (size_t i = 0; i < SLOTS; i++)
        slots[i].err = slot_read(&slots[i], bytes + i * SLOT_BYTES);
    return true;
}

/* The whole ones, the newest first; at least one. */
static size_t order_slots(unsigned order[SLOTS], const struct slot slots[SLOTS])
{
    size_t n = 0;

    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i].err == GX_OK)
            order[n++] = i;
    if (n == 2 && slots[1].serial > slots[0].serial) {
        order[0] = 1;
        order[1] = 0;
    }
    return n;
}

/* Over what stands there, and on the disk when it returns. */
static bool overwrite(const struct gx_home *home, const char *name, const uint8_t *bytes, size_t n, off_t at)
{
    char path[GX_PATH_MAX];
    int fd;

    gx_home_path(path, home, name);
    fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    ssize_t wrote = pwrite(fd, bytes, n, at);
    bool ok = wrote == (ssize_t)n && fdatasync(fd) == 0;
    int saved = wrote >= 0 && wrote < (ssize_t)n ? ENOSPC : errno;
    close(fd);
    errno = saved;
    return ok;
}

static bool key_file_read(struct gx_vault_key *out, const struct gx_home *home, struct gx_fail *why)
{
    uint8_t bytes[KEY_FILE_BYTES], check[CHECK_BYTES];
    size_t n;
    enum gx_err err = gx_file_read(bytes, &n, sizeof bytes, home, KEY_FILE);

    if (err == GX_E_STORE)
        return io_fail(why, home, "read", KEY_FILE, errno);
    if (err == GX_E_ABSENT)
        return gx_fail(why, GX_EXIT_STORE, "vault_key", "put it back", "%s/" KEY_FILE " is missing, without which %s/" VAULT_FILE " cannot be opened",
                       home->data, home->data);
    gx_hash(check, "gx-vault-key", gx_span(bytes, sizeof bytes - CHECK_BYTES));
    bool ok = err == GX_OK && n == sizeof bytes && memcmp(bytes, key_magic, sizeof key_magic) == 0 &&
              memcmp(check, bytes + sizeof bytes - CHECK_BYTES, CHECK_BYTES) == 0;
    memcpy(out->b, bytes + 12, sizeof out->b);
    gx_wipe(bytes, sizeof bytes);
    return ok || gx_fail(why, GX_EXIT_STORE, "vault_key", "put back a copy of it", "%s/" KEY_FILE " is damaged", home->data);
}

static bool key_file_write(const struct gx_home *home, const struct gx_vault_key *key, struct gx_fail *why)
{
    uint8_t bytes[KEY_FILE_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_bytes(&w, key_magic, sizeof key_magic);
    gx_wr_u32(&w, KEY_FILE_VERSION);
    gx_wr_bytes(&w, key->b, sizeof key->b);
    gx_hash(bytes + w.n, "gx-vault-key", gx_wr_span(&w));
    bool ok = gx_file_replace(home, KEY_FILE, bytes, sizeof bytes, NULL) == GX_OK;
    int saved = errno;
    gx_wipe(bytes, sizeof bytes);
    return ok || io_fail(why, home, "write", KEY_FILE, saved);
}

/* A key file that opens nothing any more. */
static void key_file_drop(const struct gx_home *home)
{
    static const uint8_t zeroes[KEY_FILE_BYTES];
    char path[GX_PATH_MAX];

    gx_home_path(path, home, KEY_FILE);
    (void)overwrite(home, KEY_FILE, zeroes, sizeof zeroes, 0);
    (void)unlink(path);
}

/* --- keys ---------------------------------------------------------------------------------------------------------------------------- */

static bool stretch(struct gx_vault *v, const struct gx_passphrase *passphrase, struct gx_fail *why)
{
    return gx_vault_stretch(&v->key, gx_span(passphrase->text, passphrase->n), v->salt) ||
           gx_fail(why, GX_EXIT_STORE, "memory", "end another program, and try again", "a passphrase takes 256 MiB of memory to check, and there are not that many");
}

/* A fresh key of the kind that is wanted; a key file is there before anything is sealed under it. */
static bool draw_key(struct gx_vault *v, const struct gx_passphrase *passphrase, struct gx_fail *why)
{
    struct gx_rng *rng = gx_system_rng();

    v->kind = passphrase->n > 0 ? GX_VAULT_PASSPHRASE : GX_VAULT_KEY_FILE;
    memset(v->salt, 0, sizeof v->salt);
    if (v->kind == GX_VAULT_PASSPHRASE) {
        gx_rng_fill(rng, v->salt, sizeof v->salt);
        return stretch(v, passphrase, why);
    }
    gx_rng_fill(rng, v->key.b, sizeof v->key.b);
    return key_file_write(v->home, &v->key, why);
}

static struct gx_vault *new_vault(const struct gx_home *home, struct gx_fail *why)
{
    struct gx_vault *v = gx_secret_alloc(sizeof *v);

    if (v == NULL)
        gx_fail(why, GX_EXIT_STORE, "memory", NULL, "out of memory");
    else
        v->home = home;
    return v;
}

/* --- the vault ----------------------------------------------------------------------------------------------------------------------- */

bool gx_vault_exists(const struct gx_home *home)
{
    char path[GX_PATH_MAX];
    struct stat st;

    gx_home_path(path, home, VAULT_FILE);
    return lstat(path, &st) == 0;
}

bool gx_vault_asks(const struct gx_home *home)
{
    uint8_t bytes[SLOTS * SLOT_BYTES];
    struct slot slots[SLOTS];
    unsigned order[SLOTS];

    return read_slots(slots, bytes, home, NULL) && order_slots(order, slots) > 0 && slots[order[0]].kind == GX_VAULT_PASSPHRASE;
}

bool gx_vault_make(struct gx_vault **out, const struct gx_home *home, const struct gx_identity *id, const struct gx_passphrase *passphrase,
                   struct gx_fail *why)
{
    uint8_t bytes[SLOTS * SLOT_BYTES] = {0};
    struct gx_vault *v = new_vault(home, why);

    *out = NULL;
    if (v == NULL)
        return false;
    v->serial = 1;
    v->id = *id;
    v->n_roots = 1;
    gx_rng_fill(gx_system_rng(), v->roots[0].b, sizeof v->roots[0].b);
    bool ok = draw_key(v, passphrase, why);
    if (ok) {
        slot_write(bytes, v);
        ok = gx_file_replace(home, VAULT_FILE, bytes, sizeof bytes, NULL) == GX_OK || io_fail(why, home, "write", VAULT_FILE, errno);
    }
    if (!ok) {
        gx_vault_close(v);
        return false;
    }
    *out = v;
    return true;
}

static bool take_key(struct gx_vault *v, const struct gx_passphrase *passphrase, struct gx_fail *why)
{
    if (v->kind == GX_VAULT_KEY_FILE)
        return key_file_read(&v->key, v->home, why);
    if (passphrase == NULL)
        return gx_fail(why, GX_EXIT_PASSPHRASE, "locked", "set GUANXI_PASSPHRASE_CMD to a command that prints it, or run this in a terminal",
                       "%s is locked with a passphrase, and there is nobody to ask for it", v->home->data);
    if (passphrase->n == 0)
        return gx_fail(why, GX_EXIT_PASSPHRASE, "wrong_passphrase", "try again", "no passphrase was given, and %s has one", v->home->data);
    return stretch(v, passphrase, why);
}

static bool open_with(struct gx_vault *v, const struct slot slots[SLOTS], const struct gx_passphrase *passphrase, struct gx_fail *why)
{
    unsigned order[SLOTS];
    size_t n = order_slots(order, slots);
    enum gx_err err = slots[0].err == GX_E_ABSENT ? slots[1].err : slots[0].err;

    for (size_t i = 0; i < n; i++) {
        const struct slot *slot = &slots[order[i]];

        /* One key mostly opens both; of a change of passphrase that was cut off only one. */
        if (i == 0 || slot->kind != v->kind || memcmp(slot->salt, v->salt, sizeof v->salt) != 0) {
            v->kind = slot->kind;
            memcpy(v->salt, slot->salt, sizeof v->salt);
            if (!take_key(v, passphrase, why))
                return false;
        }
        err = slot_open(v, slot);
        v->serial = slots[order[0]].serial;
        v->slot = order[i];
        v->stale = slots[1 - order[i]].err != GX_E_ABSENT;
        if (err == GX_OK)
            return true;
        if (err != GX_E_DENIED)
            break;
    }
    if (err == GX_E_DENIED && v->kind == GX_VAULT_PASSPHRASE)
        return gx_fail(why, GX_EXIT_PASSPHRASE, "wrong_passphrase", "try again", "this is not the passphrase of %s", v->home->data);
    if (err == GX_E_DENIED)
        return gx_fail(why, GX_EXIT_STORE, "vault_key", "put back the one that belongs to it", "%s/" KEY_FILE " does not open %s/" VAULT_FILE, v->home->data,
                       v->home->data);
    return damaged(why, v->home, err);
}

bool gx_vault_open(struct gx_vault **out, const struct gx_home *home, const struct gx_passphrase *passphrase, struct gx_fail *why)
{
    uint8_t bytes[SLOTS * SLOT_BYTES];
    struct slot slots[SLOTS];
    struct gx_vault *v;

    *out = NULL;
    if (!read_slots(slots, bytes, home, why) || (v = new_vault(home, why)) == NULL)
        return false;
    if (!open_with(v, slots, passphrase, why)) {
        gx_vault_close(v);
        return false;
    }
    *out = v;
    return true;
}

bool gx_vault_write(struct gx_vault *v, struct gx_fail *why)
{
    static const uint8_t zeroes[SLOT_BYTES];
    uint8_t bytes[SLOT_BYTES];
    unsigned other = 1 - v->slot;

    v->serial++;
    slot_write(bytes, v);
    /* Whatever stops us here: one of the two is whole, and opens. */
    if (!overwrite(v->home, VAULT_FILE, bytes, sizeof bytes, (off_t)(other * SLOT_BYTES)))
        return io_fail(why, v->home, "write", VAULT_FILE, errno);
    v->stale = true;
    if (!overwrite(v->home, VAULT_FILE, zeroes, sizeof zeroes, (off_t)(v->slot * SLOT_BYTES)))
        return io_fail(why, v->home, "write", VAULT_FILE, errno);
    v->slot = other;
    v->stale = false;
    return true;
}

bool gx_vault_change(struct gx_vault *v, const struct gx_passphrase *passphrase, struct gx_fail *why)
{
    struct gx_vault *next = NULL;

    /* The one key file there is must go on opening the vault until another is in it: so it stays the same. */
    if (passphrase->n == 0 && v->kind == GX_VAULT_KEY_FILE)
        return gx_vault_write(v, why);
    next = new_vault(v->home, why);
    if (next == NULL)
        return false;
    *next = *v;
    bool ok = draw_key(next, passphrase, why) && gx_vault_write(next, why);
    if (ok) {
        *v = *next;
        if (v->kind == GX_VAULT_PASSPHRASE)
            key_file_drop(v->home);
    }
    gx_vault_close(next);
    return ok;
}

void gx_vault_close(struct gx_vault *v)
{
    gx_secret_free(v);
}
