/* Preloaded: for the program the wall clock is off by as many seconds as the file says that GX_OTHER_DAY names, a number of 64 bits, which may change. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *off;

/* Before the program closes itself in. */
__attribute__((constructor)) static void look_at_it(void)
{
    const char *path = getenv("GX_OTHER_DAY");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *off, PROT_READ, MAP_SHARED, fd, 0);

    off = at == MAP_FAILED ? NULL : at;
    if (fd >= 0)
        close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, t);

    if (rc == 0 && clock == CLOCK_REALTIME && off != NULL)
        t->tv_sec += *off;
    return rc;
}
