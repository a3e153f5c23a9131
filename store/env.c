#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/image.h"
#include "store/schema.h"
#include "store/wrap.h"

#define MAP_BYTES_MIN (16ull << 30)             /* address space only */
#define MAP_BYTES_CREATE (1u << 20)             /* a new store is a dozen pages */
#define RESERVE_BYTES_MAX (1ull << 30)
#define READER_CHECK_EVERY 4096u                /* write transactions */
#define FILE_MODE 0600

enum gx_err gx_env_path(char out[GX_ENV_PATH_BYTES], const char *dir, const char *file)
{
    int n = snprintf(out, GX_ENV_PATH_BYTES, "%s/%s", dir, file);

    return n > 0 && (size_t)n < GX_ENV_PATH_BYTES ? GX_OK : GX_E_STORE;
}

/* SCHEMA §1.1 */
static unsigned flags_of(const struct gx_store_options *options)
{
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;

    if (options->read_only)
        flags |= MDB_RDONLY;
    if (options->volatile_store)
        flags |= MDB_NOSYNC | MDB_NOLOCK;
    if (options->writemap && !options->read_only)
        flags |= MDB_WRITEMAP;
    return flags;
}

/* SCHEMA §1.1: "the larger of 16 GiB and the file with half the free disk".  Without the file a store larger than half of what is left would
 * open with no room to grow at all. */
static size_t map_bytes_of(size_t asked, const char *path)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t bytes = asked;
    struct statvfs fs;
    struct stat st;

    if (bytes == 0) {
        bytes = MAP_BYTES_MIN;
        if (statvfs(path, &fs) == 0 && stat(path, &st) == 0 && (uint64_t)st.st_size + (uint64_t)fs.f_bavail * fs.f_frsize / 2 > bytes)
            bytes = (uint64_t)st.st_size + (uint64_t)fs.f_bavail * fs.f_frsize / 2;
    }
    return (size_t)((bytes + page - 1) / page * page);
}

static int env_open(MDB_env **out, const char *path, unsigned flags, size_t map_bytes)
{
    int rc = mdb_env_create(out);

    if (rc != 0)
        return rc;
    rc = mdb_env_set_maxdbs(*out, GX_TABLE_COUNT);
    if (rc == 0)
        rc = mdb_env_set_mapsize(*out, map_bytes);
    if (rc == 0)
        rc = mdb_env_open(*out, path, flags, FILE_MODE);
    if (rc != 0) {
        mdb_env_close(*out);
        *out = NULL;
    }
    return rc;
}

int gx_env_sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    int rc = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return rc;
}

/* All tables, and what says that they are there. */
static enum gx_err fill_new(MDB_env *env, const uint8_t uuid[16], int *rc)
{
    MDB_txn *mdb;

    *rc = mdb_txn_begin(env, NULL, 0, &mdb);
    if (*rc != 0)
        return gx_lmdb_err(*rc);
    enum gx_err err = gx_schema_create(mdb, uuid);
    if (err != GX_OK) {
        mdb_txn_abort(mdb);
        return err;
    }
    *rc = mdb_txn_commit(mdb);
    return gx_lmdb_err(*rc);
}

/* A new store is made whole under another name: whatever stops us, store.mdb is either complete or not there.  An empty store.mdb is therefore
 * always damage, and is never taken for a new one: a node that forgot its own logs would fork them. */
static enum gx_err create(const char *dir, const char *path, const struct gx_store_options *options, int *rc)
{
    char fresh[GX_ENV_PATH_BYTES];
    MDB_env *env;
    enum gx_err err = gx_env_path(fresh, dir, GX_STORE_FRESH);

    if (err != GX_OK)
        return err;
    if (unlink(fresh) != 0 && errno != ENOENT) {
        *rc = errno;
        return GX_E_STORE;
    }
    *rc = env_open(&env, fresh, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOLOCK | (options->volatile_store ? MDB_NOSYNC : 0u), MAP_BYTES_CREATE);
    if (*rc != 0)
        return gx_lmdb_err(*rc) == GX_E_FULL ? GX_E_FULL : GX_E_STORE;
    err = fill_new(env, options->uuid, rc);
    mdb_env_close(env);
    if (err == GX_OK && rename(fresh, path) != 0) {
        *rc = errno;
        err = GX_E_STORE;
    }
    if (err == GX_OK && !options->volatile_store) {
        *rc = gx_env_sync_dir(dir);
        err = *rc == 0 ? GX_OK : GX_E_STORE;
    }
    if (err != GX_OK)
        unlink(fresh);
    return err;
}

static enum gx_err open_tables(struct gx_store *store, bool *stale_lock, int *rc)
{
    MDB_envinfo info;
    MDB_txn *mdb;
    int stale;

    if (!store->read_only && !store->volatile_store)
        *rc = mdb_reader_check(store->env, &stale);
    if (*rc == 0)
        *rc = mdb_env_info(store->env, &info);
    if (*rc == 0)
        *rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &mdb);
    if (*rc != 0)
        return gx_lmdb_err(*rc);
    *stale_lock = !store->read_only && !store->volatile_store && mdb_txn_id(mdb) != info.me_last_txnid;
    enum gx_err err = *stale_lock ? GX_OK : gx_schema_open(store, mdb);
    if (err != GX_OK || *stale_lock) {
        mdb_txn_abort(mdb);
        return err;
    }
    *rc = mdb_txn_commit(mdb);      /* keeps the handles */
    return gx_lmdb_err(*rc);
}

/* The lock file says which transaction was the last.  Who reads the file that was there before a compaction keeps that lock file open, and with it a number
 * that is not of the new file: by it LMDB would read the wrong one of two meta pages.  Only one process writes, so it may begin another lock file. */
enum gx_err gx_env_open(struct gx_store *store, const char *dir, int *rc)
{
    char path[GX_ENV_PATH_BYTES], lock[GX_ENV_PATH_BYTES];
    bool stale_lock = false;
    enum gx_err err = gx_env_path(path, dir, GX_STORE_FILE);

    if (err == GX_OK)
        err = gx_env_path(lock, dir, GX_STORE_FILE "-lock");
    for (unsigned tries = 0; err == GX_OK && tries < 2; tries++) {
        *rc = env_open(&store->env, path, store->flags, map_bytes_of(store->map_bytes, path));
        err = gx_lmdb_err(*rc);
        if (err == GX_OK)
            err = open_tables(store, &stale_lock, rc);
        if (err != GX_OK || !stale_lock)
            return err;
        mdb_env_close(store->env);
        store->env = NULL;
        if (unlink(lock) != 0 && errno != ENOENT) {
            *rc = errno;
            err = GX_E_STORE;
        }
    }
    return err == GX_OK ? GX_E_STORE : err;
}

static enum gx_err open_at(struct gx_store **out, const char *dir, const struct gx_store_options *options, int *rc)
{
    char path[GX_ENV_PATH_BYTES], fresh[GX_ENV_PATH_BYTES];
    enum gx_err err = gx_env_path(path, dir, GX_STORE_FILE);

    if (err == GX_OK)
        err = gx_env_path(fresh, dir, GX_STORE_FRESH);
    if (err == GX_OK)
        err = gx_image_check(path, rc);
    if (err == GX_E_ABSENT && options->create && !options->read_only)
        err = create(dir, path, options, rc);
    if (err != GX_OK)
        return err;

    struct gx_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return GX_E_MEMORY;
    store->read_only = options->read_only;
    store->volatile_store = options->volatile_store;
    store->flags = flags_of(options);
    store->map_bytes = options->map_bytes;
    if (!options->read_only)
        (void)unlink(fresh);        /* of a compaction, or of a beginning, that was cut short */
    err = gx_env_open(store, dir, rc);
    if (err == GX_OK)
        err = gx_wraps_open(store, options);
    if (err != GX_OK) {
        gx_store_close(store);
        return err;
    }
    *out = store;
    return GX_OK;
}

enum gx_err gx_store_open(struct gx_store **out, const char *dir, const struct gx_store_options *options, int *sys_errno)
{
    int rc = 0;
    enum gx_err err = open_at(out, dir, options, &rc);

    if (err != GX_OK)
        *out = NULL;
    /* LMDB's own codes are negative and mean nothing to strerror. */
    *sys_errno = err == GX_OK ? 0 : rc > 0 ? rc : EIO;
    return err;
}

void gx_store_close(struct gx_store *store)
{
    if (store == NULL)
        return;
    GX_ASSERT(!store->writing);
    gx_tails_drop(&store->tails);
    gx_wraps_close(store);
    if (store->env != NULL)
        mdb_env_close(store->env);
    free(store);
}

/* A program that was killed while it read keeps old pages from being used again, until its slot is cleaned. */
static int clean_readers(struct gx_store *store)
{
    int stale;

    if (store->volatile_store || store->begun++ % READER_CHECK_EVERY != 0)
        return 0;
    return mdb_reader_check(store->env, &stale);
}

enum gx_err gx_txn_begin(struct gx_txn **out, struct gx_store *store, bool write)
{
    GX_ASSERT(!write || (!store->writing && !store->read_only));
    *out = NULL;
    struct gx_txn *txn = calloc(1, sizeof *txn);
    if (txn == NULL)
        return GX_E_MEMORY;
    txn->store = store;
    txn->write = write;
    int rc = write ? clean_readers(store) : 0;
    if (rc == 0)
        rc = mdb_txn_begin(store->env, NULL, write ? 0 : MDB_RDONLY, &txn->mdb);
    enum gx_err err = gx_lmdb_err(rc);
    if (err == GX_OK) {
        err = gx_counters_read(txn, &txn->counters_row);
        txn->counters = txn->counters_row;
        if (err == GX_OK)
            err = gx_counters_follow(txn, &txn->counters);
        if (err != GX_OK)
            mdb_txn_abort(txn->mdb);
    }
    if (err != GX_OK) {
        free(txn);
        return err == GX_E_ABSENT ? GX_E_STORE : err;
    }
    txn->counters_begun = txn->counters;
    store->writing = store->writing || write;
    *out = txn;
    return GX_OK;
}

/* An aborted transaction leaves no trace in the tail index. */
static void end(struct gx_txn **txn, bool undone)
{
    struct gx_txn *t = *txn;

    if (undone && t->tails_touched)
        gx_tails_drop(&t->store->tails);
    if (t->write)
        t->store->writing = false;
    gx_wraps_end(t, undone);
    free(t);
    *txn = NULL;
}

/* A live event is its own witness: its number is the journal's last key, and the row need not be written for it.  What a fold or a chunk
 * leaves behind no longer tells. */
static enum gx_err counters_keep(struct gx_txn *t)
{
    struct gx_counters told = t->counters_row;
    enum gx_err err = gx_counters_follow(t, &told);

    if (err != GX_OK)
        return err;
    if (told.next_arrival == t->counters.next_arrival && told.next_gnum == t->counters.next_gnum && told.next_lnum == t->counters.next_lnum &&
        told.gone == t->counters.gone)
        return GX_OK;
    return gx_counters_write(t, &t->counters);
}

enum gx_err gx_txn_commit(struct gx_txn **txn)
{
    struct gx_txn *t = *txn;
    enum gx_err err = t->failed;

    if (err == GX_OK && t->write)
        err = counters_keep(t);
    if (err != GX_OK) {
        gx_txn_abort(txn);
        return err;
    }
    err = gx_lmdb_err(mdb_txn_commit(t->mdb));
    end(txn, err != GX_OK);
    /* What LMDB cannot find while it commits is not the caller's key. */
    return err == GX_E_ABSENT ? GX_E_STORE : err;
}

void gx_txn_abort(struct gx_txn **txn)
{
    if (*txn == NULL)
        return;
    mdb_txn_abort((*txn)->mdb);
    end(txn, true);
}

static void env_info(const struct gx_txn *txn, MDB_envinfo *info)
{
    int rc = mdb_env_info(txn->store->env, info);
    GX_ASSERT(rc == 0);
}

void gx_txn_info(struct gx_txn *txn, struct gx_store_info *out)
{
    MDB_envinfo info;

    env_info(txn, &info);
    *out = (struct gx_store_info){
        .used_bytes = gx_table_bytes(txn),
        .map_bytes = info.me_mapsize,
        .next_arrival = txn->counters.next_arrival,
        .journal_events = gx_table_rows(txn, GX_TABLE_JOURNAL),
        .format = GX_STORE_FORMAT,
    };
    memcpy(out->uuid, txn->store->uuid, sizeof out->uuid);
}

/* How large the store can become: the map, or the file and the free disk. */
static uint64_t capacity(const struct gx_txn *txn)
{
    MDB_envinfo info;
    struct statvfs fs;
    struct stat st;
    int fd;

    env_info(txn, &info);
    uint64_t bytes = info.me_mapsize;
    if (txn->store->volatile_store || mdb_env_get_fd(txn->store->env, &fd) != 0 || fstat(fd, &st) != 0 || fstatvfs(fd, &fs) != 0)
        return bytes;
    uint64_t disk = (uint64_t)st.st_size + (uint64_t)fs.f_bavail * fs.f_frsize;
    return disk < bytes ? disk : bytes;
}

bool gx_txn_room(struct gx_txn *txn, size_t bytes)
{
    uint64_t all = capacity(txn);
    uint64_t reserve = all / 5 < RESERVE_BYTES_MAX ? all / 5 : RESERVE_BYTES_MAX;

    if (txn->used_bytes == 0)
        txn->used_bytes = gx_table_bytes(txn);
    if (txn->used_bytes + bytes > all - reserve)
        return false;
    txn->used_bytes += bytes;
    return true;
}
