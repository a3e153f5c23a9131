/* One LMDB environment and its transactions.  SCHEMA §1.
 *
 * Durability is LMDB's default: a commit that returned GX_OK survives a power cut.  NOSYNC and the like exist for the simulator only. */
#ifndef GX_STORE_ENV_H
#define GX_STORE_ENV_H

#include "crypto/rng.h"
#include "crypto/vault.h"
#include "proto/err.h"

struct gx_store;
struct gx_txn;

struct gx_store_options {
    bool create;            /* make the file if it is not there */
    bool read_only;         /* offline verbs: nothing is written, not even a new table */
    bool volatile_store;    /* simulator on tmpfs: NOSYNC | NOLOCK (one thread, one process) */
    bool writemap;          /* simulator: WRITEMAP too */
    size_t map_bytes;       /* address space, set once; 0: the larger of 16 GiB and the file with half the free disk */
    uint8_t uuid[16];       /* written into a store that is made now (random, by the caller) */
    /* What is secret is sealed under the root key (SCHEMA §1.6).  Two where a vault was written and nobody knows whether the store was: the one that fits
     * is found.  None: what is sealed is GX_E_LOCKED.  Copied. */
    const struct gx_root_key *roots;
    size_t n_roots;         /* 0 to 2 */
    struct gx_rng *rng;     /* for keys and nonces; borrowed; needed with a root key where something is written */
};

struct gx_store_info {
    uint64_t used_bytes, map_bytes;
    uint64_t next_arrival;      /* the number the next event will get; 1 at first */
    uint64_t journal_events;    /* how many events wait in the journal */
    uint8_t uuid[16];
    uint32_t format;
};

#define GX_STORE_FORMAT 10u
#define GX_STORE_FILE "store.mdb"       /* MDB_NOSUBDIR: this file and store.mdb-lock */

/* Open `dir`/store.mdb.  The file's length and meta pages are checked before it is mapped (192 of 200 truncated files end in SIGBUS otherwise).
 * Returns GX_OK
 *         GX_E_ABSENT   no store there and create not set.
 *         GX_E_VERSION  another format: tell the person which program version it needs.
 *         GX_E_CORRUPT  not a store, or cut short: restore a backup, or move it away and join again.
 *         GX_E_FULL     no room to make it.
 *         GX_E_STORE    the system refuses (rights, disk): *sys_errno says why.
 *         GX_E_LOCKED   none of the root keys opens it: it belongs to another vault.
 *         GX_E_MEMORY */
enum gx_err gx_store_open(struct gx_store **out, const char *dir, const struct gx_store_options *options, int *sys_errno) GX_MUST_CHECK;
void gx_store_close(struct gx_store *store);       /* NULL does nothing */

/* Give what is free inside the file back to the file system: a copy without it takes the place of the file.  No transaction is open, and none is until it
 * returns.  Whatever stops it, `dir`/store.mdb is the one or the other, whole.  It takes as long as writing the store once, and as much disk meanwhile.
 * Out:     sizes of the file before and after.
 * Returns GX_OK
 *          GX_E_FULL    no room for the copy: nothing was done.
 *          GX_E_CORRUPT LMDB finds pages that nothing leads to, or the copy is not sound: nothing was done.
 *          GX_E_STORE   when gx_store_is_open says no afterwards, the store can only be closed: the program is to be started anew. */
struct gx_vacuumed {
    uint64_t before_bytes, after_bytes;
};
enum gx_err gx_store_vacuum(struct gx_store *store, const char *dir, struct gx_vacuumed *out, int *sys_errno) GX_MUST_CHECK;
bool gx_store_is_open(const struct gx_store *store);

/* At most one write transaction at a time.  A read transaction must not outlive 10 ms or a write of the same thread. */
enum gx_err gx_txn_begin(struct gx_txn **out, struct gx_store *store, bool write) GX_MUST_CHECK;
/* Ends the transaction either way and leaves NULL behind.
 * Returns GX_E_FULL (disk or map: free room, own events still fit in the reserve), GX_E_STORE; the transaction is then undone. */
enum gx_err gx_txn_commit(struct gx_txn **txn) GX_MUST_CHECK;
void gx_txn_abort(struct gx_txn **txn);            /* *txn may be NULL */

void gx_txn_info(struct gx_txn *txn, struct gx_store_info *out);

/* Is there room for `bytes` more of what others send?  False when the last fifth of the map or the disk (at most 1 GiB) would be touched: that
 * is the reserve for own events, folding and deleting.  To be asked before others' events are appended or put as a chunk: a write that LMDB refuses leaves
 * nothing to do with the transaction but to abort it.
 * A true answer counts the bytes as used in this transaction. */
bool gx_txn_room(struct gx_txn *txn, size_t bytes) GX_MUST_CHECK;

#endif
