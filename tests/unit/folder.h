/* Folders in memory, where a sync costs nothing: tests with a thousand commits would wait for the disk most of the time.  What a crash or a full
 * disk does to a store is tested elsewhere, on a disk: tests/unit/store, tests/e2e. */
#ifndef GX_TESTS_UNIT_FOLDER_H
#define GX_TESTS_UNIT_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MAX 64

static struct {
    char path[FOLDER_MAX];
    pid_t pid;
    unsigned made;
} folders;

static inline int folder_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* With all that is in it; false if something is left. */
static inline bool folder_remove(const char *path)
{
    return nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0;
}

/* A test that fails removes nothing, and an ablation has to fail.  A child has made no folder. */
static inline void folders_sweep(void)
{
    if (getpid() == folders.pid)
        (void)folder_remove(folders.path);
}

static inline bool folder_make(char path[FOLDER_MAX])
{
    if (folders.made == 0) {
        snprintf(folders.path, sizeof folders.path, "/dev/shm/gx-test-XXXXXX");
        if (mkdtemp(folders.path) == NULL)
            return false;
        folders.pid = getpid();
        (void)atexit(folders_sweep);
    }
    snprintf(path, FOLDER_MAX, "%.40s/%u", folders.path, folders.made++);
    return mkdir(path, 0700) == 0;
}

#endif
