/* Giving disk space back: LMDB never makes a file smaller, so a compacted copy takes its place.  SCHEMA §1.7 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/image.h"
#include "store/schema.h"

#define SPARE_BYTES (1u << 20)      /* of disk beside the copy: what is written beside us must not be what fails */

static enum gx_err size_of(const char *path, uint64_t *bytes)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return GX_E_STORE;
    *bytes = (uint64_t)st.st_size;
    return GX_OK;
}

/* Rows now, without what is free: about as long as the copy will be. */
static enum gx_err room_for(struct gx_store *store, const char *dir)
{
    struct gx_txn *txn;
    struct statvfs fs;
    enum gx_err err = gx_txn_begin(&txn, store, false);

    if (err != GX_OK)
        return err;
    uint64_t used = gx_table_bytes(txn);
    gx_txn_abort(&txn);
    if (statvfs(dir, &fs) != 0)
        return GX_E_STORE;
    return (uint64_t)fs.f_bavail * fs.f_frsize < used + SPARE_BYTES ? GX_E_FULL : GX_OK;
}

static enum gx_err copy_to(struct gx_store *store, const char *fresh, int *rc)
{
    if (unlink(fresh) != 0 && errno != ENOENT) {
        *rc = errno;
        return GX_E_STORE;
    }
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        *rc = errno;
        return gx_lmdb_err(errno) == GX_E_FULL ? GX_E_FULL : GX_E_STORE;
    }
    *rc = mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT);
    enum gx_err err = *rc == MDB_INCOMPATIBLE ? GX_E_CORRUPT : gx_lmdb_err(*rc);
    if (err == GX_OK && !store->volatile_store && fsync(fd) != 0) {
        *rc = errno;
        err = gx_lmdb_err(errno) == GX_E_FULL ? GX_E_FULL : GX_E_STORE;
    }
    close(fd);
    return err;
}

/* From here on the file is the new one, whatever happens. */
static enum gx_err change_over(struct gx_store *store, const char *dir, const char *fresh, const char *path, int *rc)
{
    if (rename(fresh, path) != 0) {
        *rc = errno;
        return GX_E_STORE;
    }
    /* Not told: the next commit would be on a file whose name a power cut may still take back. */
    int synced = store->volatile_store ? 0 : gx_env_sync_dir(dir);
    mdb_env_close(store->env);
    store->env = NULL;
    gx_tails_drop(&store->tails);
    enum gx_err err = gx_env_open(store, dir, rc);
    if (err == GX_OK && synced != 0) {
        *rc = synced;
        err = GX_E_STORE;
    }
    if (err != GX_OK && store->env != NULL) {
        mdb_env_close(store->env);
        store->env = NULL;
    }
    return err == GX_OK ? GX_OK : GX_E_STORE;
}

enum gx_err gx_store_vacuum(struct gx_store *store, const char *dir, struct gx_vacuumed *out, int *sys_errno)
{
    char fresh[GX_ENV_PATH_BYTES], path[GX_ENV_PATH_BYTES];
    int rc = 0;

    GX_ASSERT(!store->writing && !store->read_only);
    *out = (struct gx_vacuumed){0};
    enum gx_err err = gx_env_path(fresh, dir, GX_STORE_FRESH);
    if (err == GX_OK)
        err = gx_env_path(path, dir, GX_STORE_FILE);
    if (err == GX_OK)
        err = size_of(path, &out->before_bytes);
    if (err == GX_OK)
        err = room_for(store, dir);
    if (err == GX_OK)
        err = copy_to(store, fresh, &rc);
    if (err == GX_OK)
        err = gx_image_check(fresh, &rc);
    if (err == GX_OK)
        err = change_over(store, dir, fresh, path, &rc);
    else
        (void)unlink(fresh);
    if (err == GX_OK)
        err = size_of(path, &out->after_bytes);
    *sys_errno = err == GX_OK ? 0 : rc > 0 ? rc : EIO;
    return err;
}

bool gx_store_is_open(const struct gx_store *store)
{
    return store->env != NULL;
}
