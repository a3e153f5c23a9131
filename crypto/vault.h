/* Secrets at rest: the keys that seal keys, from a passphrase down to a row of the store.  KEYS §14.
 *
 *   passphrase or key file -> vault (node/os/vault.c) -> root key -> wrap keys (store/wrap.c) -> rows */
#ifndef GX_CRYPTO_VAULT_H
#define GX_CRYPTO_VAULT_H

#include "crypto/aead.h"
#include "crypto/keys.h"

struct gx_vault_key { uint8_t b[32]; };     /* A: stretched from a passphrase, or the key file's bytes */
struct gx_pepper { uint8_t b[32]; };        /* fresh at every write of the vault: what it was sealed with before cannot be found again without it */
struct gx_root_key { uint8_t b[32]; };      /* seals the wrap keys of a store */
struct gx_wrap_key { uint8_t b[32]; };      /* seals rows */

#define GX_VAULT_SALT_BYTES 16u
#define GX_PASSPHRASE_BYTES_MAX 1023u

/* Argon2id with libsodium's MODERATE limits: some half a second and 256 MiB, and so does each guess cost.  passphrase: 1 to
 * GX_PASSPHRASE_BYTES_MAX bytes, as they were typed.
 * False: there is not that much memory. */
bool gx_vault_stretch(struct gx_vault_key *out, struct gx_span passphrase, const uint8_t salt[GX_VAULT_SALT_BYTES]) GX_MUST_CHECK;

/* A pepper is used once.  out: secrets.n + GX_AEAD_TAG_BYTES.  aad: what stands before it in the file. */
void gx_vault_seal_secrets(uint8_t *out, const struct gx_vault_key *key, const struct gx_pepper *pepper, struct gx_span aad, struct gx_span secrets);
/* out: sealed.n - GX_AEAD_TAG_BYTES.  False, and zeroes in out: another key, or not what was sealed. */
bool gx_vault_open_secrets(uint8_t *out, const struct gx_vault_key *key, const struct gx_pepper *pepper, struct gx_span aad, struct gx_span sealed) GX_MUST_CHECK;

/* Memory for secrets that stay: kept out of swap and core files as far as the system lets, between guard pages, wiped when it is freed.
 * NULL: there is none.  gx_secret_free(NULL) does nothing. */
void *gx_secret_alloc(size_t n) GX_MUST_CHECK;
void gx_secret_free(void *p);

#endif
