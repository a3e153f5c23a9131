/* A network of one's own, for tests and the bench: what is said there nobody else hears. */
#ifndef GX_TESTS_ALONE_H
#define GX_TESTS_ALONE_H

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline bool file_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return ok;
}

/* A namespace that this process may do as it likes in: as root at once, else as root of a user namespace.  Before any thread. */
static inline bool own_namespace(void)
{
    char uids[32], gids[32];

    snprintf(uids, sizeof uids, "0 %u 1", (unsigned)getuid());
    snprintf(gids, sizeof gids, "0 %u 1", (unsigned)getgid());
    if (unshare(CLONE_NEWNET) == 0)
        return true;
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && file_write("/proc/self/setgroups", "deny") && file_write("/proc/self/uid_map", uids) &&
           file_write("/proc/self/gid_map", gids);
}

static inline bool loopback_up(void)
{
    struct ifreq what = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &what) == 0;

    what.ifr_flags |= IFF_UP;
    ok = ok && ioctl(fd, SIOCSIFFLAGS, &what) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

#endif
