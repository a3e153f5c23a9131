/* The vault of a home: the file `vault`, in which everything that opens the rest is sealed under a passphrase or a key file.  KEYS §14.
 *
 *   vault      two slots of 4,096 bytes, one of them empty; written over in place, never renamed
 *   slot       "gx vault" | version u32 = 1 | kind u8 | serial u64 | salt 16 | pepper 32 | sealed bytes u16 | sealed | zeroes
 *              | H("gx-vault-slot", all before)
 *   sealed     root keys u8, 1 or 2 | root key 32 x that | transport key of before: pk 32, sk 32 | its port u16 | since_ms u64 (all zero: none)
 *              | identity as gx_identity_encode writes it
 *   vault.key  "gx vkey\n" | version u32 = 1 | key 32 | H("gx-vault-key", all before); only where there is no passphrase */
#ifndef GX_OS_VAULT_H
#define GX_OS_VAULT_H

#include "crypto/vault.h"
#include "node/os/identity.h"

enum gx_vault_kind { GX_VAULT_KEY_FILE = 1, GX_VAULT_PASSPHRASE = 2 };

struct gx_passphrase {
    char text[GX_PASSPHRASE_BYTES_MAX + 1];
    size_t n;                       /* 0: there is none */
};

/* An open vault, in memory of its own (gx_secret_alloc).  What is changed in id or roots is kept by gx_vault_write. */
struct gx_vault {
    const struct gx_home *home;     /* borrowed */
    enum gx_vault_kind kind;
    uint64_t serial;
    unsigned slot;                  /* in which it lies */
    bool stale;                     /* the other slot is not empty: a write was cut off */
    uint8_t salt[GX_VAULT_SALT_BYTES];
    struct gx_vault_key key;
    struct gx_root_key roots[2];    /* two while the keys of the store are being changed: SCHEMA §1.6 */
    size_t n_roots;
    struct gx_identity id;
    /* The transport key of before, until GX_TRANSPORT_KEY_MS after since_ms; port 0: there is none. */
    struct {
        struct gx_curve_pk pk;
        struct gx_curve_sk sk;
        uint16_t port;              /* where it is answered to */
        uint64_t since_ms;          /* wall clock when it was replaced */
    } old;
};

bool gx_vault_exists(const struct gx_home *home);
/* Fails as gx_vault_open does where there is none. */
bool gx_vault_missing(const struct gx_home *home, struct gx_fail *why);
/* Does it take a passphrase?  False where there is none, or it cannot be read: gx_vault_open says so. */
bool gx_vault_asks(const struct gx_home *home);

/* A new one for id, which is copied; a root key is drawn.  passphrase: n 0 for a key file. */
bool gx_vault_make(struct gx_vault **out, const struct gx_home *home, const struct gx_identity *id, const struct gx_passphrase *passphrase,
                   struct gx_fail *why) GX_MUST_CHECK;
/* Fails with exit 3 and name no_identity when there is none; 77 with wrong_passphrase, or with locked when it needs one and passphrase is NULL;
 * 74 for a file that is damaged, of another version, or whose key file is missing. */
bool gx_vault_open(struct gx_vault **out, const struct gx_home *home, const struct gx_passphrase *passphrase, struct gx_fail *why) GX_MUST_CHECK;
/* Keep what is in it now, under a fresh pepper; what it was sealed with before is written over.  The home's lock is held. */
bool gx_vault_write(struct gx_vault *vault, struct gx_fail *why) GX_MUST_CHECK;
/* The same under another passphrase, or a key file (n 0). */
bool gx_vault_change(struct gx_vault *vault, const struct gx_passphrase *passphrase, struct gx_fail *why) GX_MUST_CHECK;
void gx_vault_close(struct gx_vault *vault);        /* wiped; NULL does nothing */

#endif
