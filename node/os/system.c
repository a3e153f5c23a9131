#include "node/os/system.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* GX_SESSIONS_MAX sessions, the control socket's clients, and what libraries need. */
#define DESCRIPTORS_WANTED 8192u

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec t;

    int rc = clock_gettime(clock, &t);
    GX_ASSERT(rc == 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct gx_time gx_now(void)
{
    return (struct gx_time){.mono_ms = clock_ms(CLOCK_BOOTTIME), .wall_ms = clock_ms(CLOCK_REALTIME)};
}

static void system_fill(struct gx_rng *self, uint8_t *out, size_t n)
{
    (void)self;
    randombytes_buf(out, n);
}

struct gx_rng *gx_system_rng(void)
{
    static struct gx_rng rng = {.fill = system_fill};

    return &rng;
}

void gx_harden(void)
{
    struct rlimit none = {0, 0}, files;

    (void)umask(077);
    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
    /* The leak checker of a sanitizer build looks at the process from outside. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < DESCRIPTORS_WANTED) {
        files.rlim_cur = files.rlim_max < DESCRIPTORS_WANTED ? files.rlim_max : DESCRIPTORS_WANTED;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

uint64_t gx_rss_bytes(void)
{
    static int fd = -1;         /* kept: a node that is confined opens nothing of the system any more */
    unsigned long long size, resident;
    char text[128];

    if (fd < 0)
        fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    return sscanf(text, "%llu %llu", &size, &resident) == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
