/* Rows that are sealed, and the keys they are sealed under.  SCHEMA §1.6, KEYS §14.
 *
 * The rows of a group are sealed under that group's wrap key; message keys, which stay, under its archive key; what belongs to no group under those of
 * number 0.  Both lie in table `wrap`, sealed under the root key that the vault holds.  So one small file decides what of a store can be read, and what was
 * deleted is gone when the keys it was sealed under are. */
#ifndef GX_STORE_WRAP_H
#define GX_STORE_WRAP_H

#include "store/env.h"
#include "store/schema.h"

#define GX_SEAL_BYTES (24u + GX_AEAD_TAG_BYTES)         /* a sealed row is longer by its nonce and tag */

/* Change the keys: each group whose rows changed since the last time gets another wrap key, under which its rows are sealed anew, and all wrap keys are
 * sealed under `next`, in one transaction.  The caller has `next` in its vault beside the old root key before, and alone afterwards; only with
 * that is gone what was deleted.
 * Returns GX_E_FULL, GX_E_CORRUPT (a row that does not open), GX_E_LOCKED (opened without a root key): nothing was changed; GX_E_STORE: nobody knows
 * what of it is on the disk. */
enum gx_err gx_store_rewrap(struct gx_store *store, const struct gx_root_key *next) GX_MUST_CHECK;
/* Was something deleted since the last time that a thief of old keys could still read? */
bool gx_store_rewrap_due(const struct gx_store *store);
/* Is that the root key this store is sealed under? */
bool gx_store_root_is(const struct gx_store *store, const struct gx_root_key *root);

/* --- within the store ------------------------------------------------------------------------------------------------------------- */

/* After the tables: finds out which root key fits.  GX_E_LOCKED: none. */
enum gx_err gx_wraps_open(struct gx_store *store, const struct gx_store_options *options) GX_MUST_CHECK;
void gx_wraps_close(struct gx_store *store);
/* At the end of a transaction: what was opened is wiped, and where it is undone the keys it made are forgotten. */
void gx_wraps_end(struct gx_txn *txn, bool undone);

/* Are the rows of that table sealed? */
bool gx_wrap_seals(enum gx_table t);
/* The value of a row as LMDB has it, opened if it is sealed. */
enum gx_err gx_wrap_open(struct gx_txn *txn, struct gx_span *value, enum gx_table t, struct gx_span key, struct gx_span raw) GX_MUST_CHECK;
enum gx_err gx_wrap_put(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, struct gx_span value) GX_MUST_CHECK;
/* After rows with that key, or that begin with it, were deleted: they are gone when the keys of their group change. */
enum gx_err gx_wrap_deleted(struct gx_txn *txn, enum gx_table t, const struct gx_key *key) GX_MUST_CHECK;

/* One field of a row that is otherwise in the clear: n bytes, GX_SEAL_BYTES more when sealed. */
enum gx_err gx_wrap_seal_field(struct gx_txn *txn, uint8_t *out, enum gx_table t, uint32_t gnum, struct gx_span text) GX_MUST_CHECK;
enum gx_err gx_wrap_open_field(struct gx_txn *txn, uint8_t *out, enum gx_table t, uint32_t gnum, struct gx_span sealed) GX_MUST_CHECK;

/* Does that row of table `wrap` open? */
enum gx_err gx_wrap_check(struct gx_txn *txn, struct gx_span key) GX_MUST_CHECK;

/* The keys of a group that is forgotten: whatever was sealed under them is gone with them. */
enum gx_err gx_wrap_forget(struct gx_txn *txn, uint32_t gnum) GX_MUST_CHECK;

#endif
