/* Where a node's things lie, who may have them open, and files that are either old or new.  node/README.md §5.
 *
 *   config   $XDG_CONFIG_HOME/guanxi/PROFILE.conf     or DIR/guanxi.conf with --home DIR
 *   data     $XDG_DATA_HOME/guanxi/PROFILE/           or DIR/
 *   socket   $XDG_RUNTIME_DIR/guanxi/PROFILE.sock     or DIR/guanxi.sock; without a runtime directory in the data directory
 *
 * In the data directory, all 0600: vault, vault.key, incarnation, lock, port, store.mdb, log, log.1, progress, poison. */
#ifndef GX_OS_HOME_H
#define GX_OS_HOME_H

#include "node/os/fail.h"

#include <sys/socket.h>
#include <sys/un.h>

#define GX_PATH_MAX 1024u
#define GX_PROFILE_MAX 32u

struct gx_home {
    char data[GX_PATH_MAX];             /* absolute, no slash at the end */
    char config[GX_PATH_MAX];
    char socket_dir[GX_PATH_MAX];       /* where a node started from here binds */
    char socket_name[GX_PROFILE_MAX + 8];
    char profile[GX_PROFILE_MAX + 1];   /* "" with --home */
    const char *from;                   /* what chose it: "--home", "GUANXI_HOME", "-P", "GUANXI_PROFILE", "default" */
};

/* Find the home.  home, profile: from the command line, NULL when not given; the environment is asked after them.
 * Fails with exit 2: both given, a profile that is no plain word, a path that is too long, no HOME. */
bool gx_home_find(struct gx_home *out, const char *home, const char *profile, struct gx_fail *why) GX_MUST_CHECK;

/* Make the data and socket directories (0700) where they are missing; refuse those of somebody else, close those open to others. */
bool gx_home_make(const struct gx_home *home, struct gx_fail *why) GX_MUST_CHECK;

/* data/name.  Names are the program's own and short; gx_home_find leaves room for them. */
void gx_home_path(char out[GX_PATH_MAX], const struct gx_home *home, const char *name);
/* The whole path of the socket a node binds, for messages. */
void gx_home_socket_path(char out[GX_PATH_MAX], const struct gx_home *home);

/* An address for bind or connect.  A path beyond the 107 bytes of sun_path goes through a descriptor of its directory, which the caller
 * closes after the call (*dir_fd; -1 when none was needed).  name: NULL for home->socket_name. */
bool gx_home_socket_addr(struct sockaddr_un *out, int *dir_fd, const char *dir, const char *name) GX_MUST_CHECK;

/* One holder of the data directory, or many readers. */
struct gx_lock {
    int fd;             /* -1: not held */
};
/* exclusive: the node, which leaves its pid in the file; else a verb that works while the node is down.
 * Tries for wait_ms.  Fails with exit 75 and names the holder's pid. */
bool gx_lock_take(struct gx_lock *out, const struct gx_home *home, bool exclusive, unsigned wait_ms, struct gx_fail *why) GX_MUST_CHECK;
void gx_lock_release(struct gx_lock *lock);

/* Read a small file of the data directory, at most cap bytes.
 * Returns GX_OK, GX_E_ABSENT, GX_E_TOO_BIG (longer than cap), GX_E_STORE (errno says why). */
enum gx_err gx_file_read(uint8_t *out, size_t *n, size_t cap, const struct gx_home *home, const char *name) GX_MUST_CHECK;
/* Put a file in its place: new file, fsync, rename, fsync of the directory.  A crash leaves the old or the new one.
 * Before the bytes are written `prepare` (may be NULL) may change them, knowing the inode the file will have. */
enum gx_err gx_file_replace(const struct gx_home *home, const char *name, uint8_t *bytes, size_t n,
                            void (*prepare)(uint8_t *bytes, size_t n, uint64_t inode)) GX_MUST_CHECK;

/* The port this home had before; 0 when none was kept (or the file makes no sense: a new one is kept then). */
uint16_t gx_home_port(const struct gx_home *home);
enum gx_err gx_home_keep_port(const struct gx_home *home, uint16_t port) GX_MUST_CHECK;

#endif
