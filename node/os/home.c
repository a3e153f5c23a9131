#include "node/os/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Longest name of a file in a home, with its slash: gx_home_find leaves this much room. */
#define NAME_ROOM 32u
#define LOCK_RETRY_MS 20u

static bool plain_profile(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n > GX_PROFILE_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z');
        bool digit = s[i] >= '0' && s[i] <= '9';

        if (!letter && !digit && s[i] != '-' && s[i] != '_')
            return false;
    }
    return true;
}

static const char *env(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || value[0] == 0 ? NULL : value;
}

static bool join_path(char out[GX_PATH_MAX], const char *a, const char *b)
{
    int n = snprintf(out, GX_PATH_MAX, "%s/%s", a, b);

    return n > 0 && (size_t)n + NAME_ROOM < GX_PATH_MAX;
}

/* XDG: relative paths in these variables are to be ignored. */
static bool xdg_dir(char out[GX_PATH_MAX], const char *variable, const char *below_home)
{
    const char *dir = env(variable), *user = env("HOME");

    if (dir != NULL && dir[0] == '/')
        return join_path(out, dir, "guanxi");
    return user != NULL && user[0] == '/' &&
           (size_t)snprintf(out, GX_PATH_MAX, "%s/%s/guanxi", user, below_home) + NAME_ROOM < GX_PATH_MAX;
}

/* The runtime directory, when there is one and it is ours. */
static bool runtime_dir(char out[GX_PATH_MAX])
{
    const char *dir = env("XDG_RUNTIME_DIR");
    char usual[48];
    struct stat st;

    if (dir == NULL) {
        snprintf(usual, sizeof usual, "/run/user/%ju", (uintmax_t)geteuid());
        dir = usual;
    }
    return dir[0] == '/' && stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           join_path(out, dir, "guanxi");
}

static bool find_in_dir(struct gx_home *out, const char *dir, struct gx_fail *why)
{
    char cwd[GX_PATH_MAX];
    size_t n;

    if (dir[0] == '/')
        n = (size_t)snprintf(out->data, sizeof out->data, "%s", dir);
    else if (getcwd(cwd, sizeof cwd) != NULL)
        n = (size_t)snprintf(out->data, sizeof out->data, "%s/%s", cwd, dir);
    else
        return gx_fail_errno(why, GX_EXIT_USAGE, "usage", errno, "the current directory has no path");
    if (dir[0] == 0 || n + NAME_ROOM >= GX_PATH_MAX)
        return gx_fail(why, GX_EXIT_USAGE, "usage", NULL, "the home directory's path is empty or too long");
    while (n > 1 && out->data[n - 1] == '/')
        out->data[--n] = 0;

    gx_home_path(out->config, out, "guanxi.conf");
    memcpy(out->socket_dir, out->data, sizeof out->socket_dir);
    snprintf(out->socket_name, sizeof out->socket_name, "guanxi.sock");
    return true;
}

static bool find_profile(struct gx_home *out, const char *profile, struct gx_fail *why)
{
    char config_dir[GX_PATH_MAX], data_dir[GX_PATH_MAX], conf_name[GX_PROFILE_MAX + 8];

    if (!plain_profile(profile))
        return gx_fail(why, GX_EXIT_USAGE, "usage", "use letters, digits, - and _, at most 32", "\"%.40s\" is no name for a profile",
                       profile);
    snprintf(out->profile, sizeof out->profile, "%s", profile);
    snprintf(conf_name, sizeof conf_name, "%s.conf", profile);
    if (!xdg_dir(config_dir, "XDG_CONFIG_HOME", ".config") || !join_path(out->config, config_dir, conf_name) ||
        !xdg_dir(data_dir, "XDG_DATA_HOME", ".local/share") || !join_path(out->data, data_dir, profile))
        return gx_fail(why, GX_EXIT_USAGE, "usage", "set HOME, or use --home DIR", "there is no directory to keep things in");
    if (runtime_dir(out->socket_dir)) {
        snprintf(out->socket_name, sizeof out->socket_name, "%s.sock", profile);
    } else {
        memcpy(out->socket_dir, out->data, sizeof out->socket_dir);
        snprintf(out->socket_name, sizeof out->socket_name, "guanxi.sock");
    }
    return true;
}

bool gx_home_find(struct gx_home *out, const char *home, const char *profile, struct gx_fail *why)
{
    memset(out, 0, sizeof *out);
    if (home != NULL && profile != NULL)
        return gx_fail(why, GX_EXIT_USAGE, "usage", NULL, "--home and -P exclude each other");
    if (home != NULL) {
        out->from = "--home";
        return find_in_dir(out, home, why);
    }
    if (profile != NULL) {
        out->from = "-P";
        return find_profile(out, profile, why);
    }
    if (env("GUANXI_HOME") != NULL) {
        out->from = "GUANXI_HOME";
        return find_in_dir(out, env("GUANXI_HOME"), why);
    }
    out->from = env("GUANXI_PROFILE") != NULL ? "GUANXI_PROFILE" : "default";
    return find_profile(out, env("GUANXI_PROFILE") != NULL ? env("GUANXI_PROFILE") : "default", why);
}

void gx_home_path(char out[GX_PATH_MAX], const struct gx_home *home, const char *name)
{
    int n = snprintf(out, GX_PATH_MAX, "%s/%s", home->data, name);

    GX_ASSERT(n > 0 && (size_t)n < GX_PATH_MAX);
}

void gx_home_socket_path(char out[GX_PATH_MAX], const struct gx_home *home)
{
    int n = snprintf(out, GX_PATH_MAX, "%s/%s", home->socket_dir, home->socket_name);

    GX_ASSERT(n > 0);
}

bool gx_home_socket_addr(struct sockaddr_un *out, int *dir_fd, const char *dir, const char *name)
{
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    *dir_fd = -1;
    int n = snprintf(out->sun_path, sizeof out->sun_path, "%s/%s", dir, name);
    if (n > 0 && (size_t)n < sizeof out->sun_path)
        return true;

    *dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir_fd < 0)
        return false;
    n = snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/%s", *dir_fd, name);
    return n > 0 && (size_t)n < sizeof out->sun_path;
}

/* mkdir -p; what is made is 0700.  The last one must be ours and closed to others. */
static bool make_dir(const char *path, struct gx_fail *why)
{
    char part[GX_PATH_MAX];
    struct stat st;

    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot make %s", part);
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot make %s", path);
    if (stat(path, &st) != 0)
        return gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot look at %s", path);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        return gx_fail(why, GX_EXIT_STORE, "io", "choose another with --home DIR", "%s is not a directory of yours", path);
    if ((st.st_mode & 077) != 0 && chmod(path, 0700) != 0)
        return gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot close %s to others", path);
    return true;
}

bool gx_home_make(const struct gx_home *home, struct gx_fail *why)
{
    return make_dir(home->data, why) && make_dir(home->socket_dir, why);
}

static bool lock_fail(struct gx_fail *why, int fd)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;

    if (pid > 0)
        return gx_fail(why, GX_EXIT_LOCKED, "locked", "stop it with: guanxi down", "this home is in use by process %ld", pid);
    return gx_fail(why, GX_EXIT_LOCKED, "locked", "try again in a moment", "this home is in use by another guanxi command");
}

bool gx_lock_take(struct gx_lock *out, const struct gx_home *home, bool exclusive, unsigned wait_ms, struct gx_fail *why)
{
    char path[GX_PATH_MAX], text[24];

    out->fd = -1;
    gx_home_path(path, home, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot open %s", path);
    for (unsigned waited = 0; flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0; waited += LOCK_RETRY_MS) {
        if (waited >= wait_ms) {
            lock_fail(why, fd);
            close(fd);
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = (long)LOCK_RETRY_MS * 1000000}, NULL);
    }
    /* The pid is for people only: the lock is what counts, and a stale number under a free lock means nothing. */
    if (exclusive) {
        int n = snprintf(text, sizeof text, "%jd\n", (intmax_t)getpid());
        if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
            gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot write %s", path);
            close(fd);
            return false;
        }
    }
    out->fd = fd;
    return true;
}

void gx_lock_release(struct gx_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
}

enum gx_err gx_file_read(uint8_t *out, size_t *n, size_t cap, const struct gx_home *home, const char *name)
{
    char path[GX_PATH_MAX];
    size_t got = 0;
    uint8_t extra;

    *n = 0;
    gx_home_path(path, home, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? GX_E_ABSENT : GX_E_STORE;
    while (got < cap) {
        ssize_t r = read(fd, out + got, cap - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0) {
            close(fd);
            return GX_E_STORE;
        }
        if (r == 0)
            break;
        got += (size_t)r;
    }
    bool more = got == cap && read(fd, &extra, 1) == 1;
    close(fd);
    *n = got;
    return more ? GX_E_TOO_BIG : GX_OK;
}

static bool write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

enum gx_err gx_file_replace(const struct gx_home *home, const char *name, uint8_t *bytes, size_t n,
                            void (*prepare)(uint8_t *bytes, size_t n, uint64_t inode))
{
    char fresh[NAME_ROOM];
    struct stat st;

    snprintf(fresh, sizeof fresh, "%s.new", name);
    int dir = open(home->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return GX_E_STORE;
    /* A leftover of a crash is removed, never written into: it may have an inode that counts. */
    (void)unlinkat(dir, fresh, 0);
    int fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    if (ok && prepare != NULL)
        prepare(bytes, n, (uint64_t)st.st_ino);
    ok = ok && write_all(fd, bytes, n) && fsync(fd) == 0;
    int saved = errno;
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    if (ok)
        ok = renameat(dir, fresh, dir, name) == 0 && fsync(dir) == 0;
    else
        errno = saved;
    saved = errno;
    close(dir);
    errno = saved;
    return ok ? GX_OK : GX_E_STORE;
}

uint16_t gx_home_port(const struct gx_home *home)
{
    uint8_t text[8];
    size_t n;
    unsigned v = 0;

    if (gx_file_read(text, &n, sizeof text, home, "port") != GX_OK || n < 2 || text[n - 1] != '\n')
        return 0;
    for (size_t i = 0; i + 1 < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        v = 10 * v + (unsigned)(text[i] - '0');
    }
    return v <= UINT16_MAX ? (uint16_t)v : 0;
}

enum gx_err gx_home_keep_port(const struct gx_home *home, uint16_t port)
{
    char text[8];
    int n = snprintf(text, sizeof text, "%u\n", port);

    return gx_file_replace(home, "port", (uint8_t *)text, (size_t)n, NULL);
}
