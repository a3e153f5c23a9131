#include "node/os/log.h"

#include "proto/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Standard error belongs to the process, and so does this. */
static struct {
    bool to_file;
    char path[GX_PATH_MAX], old_path[GX_PATH_MAX];
    size_t bytes;
} the_log;

static bool open_log(void)
{
    struct stat st;
    int fd = open(the_log.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return false;
    the_log.bytes = fstat(fd, &st) == 0 ? (size_t)st.st_size : 0;
    bool ok = dup2(fd, STDERR_FILENO) >= 0;
    int saved = errno;
    if (fd != STDERR_FILENO)
        close(fd);
    errno = saved;
    return ok;
}

bool gx_log_to_file(const struct gx_home *home, struct gx_fail *why)
{
    gx_home_path(the_log.path, home, "log");
    gx_home_path(the_log.old_path, home, "log.1");
    if (!open_log())
        return gx_fail_errno(why, GX_EXIT_STORE, "io", errno, "cannot write %s", the_log.path);
    the_log.to_file = true;
    return true;
}

void gx_log_go_on(const struct gx_home *home)
{
    struct stat out, log;
    char path[GX_PATH_MAX];

    gx_home_path(path, home, "log");
    if (fstat(STDERR_FILENO, &out) == 0 && lstat(path, &log) == 0 && out.st_dev == log.st_dev && out.st_ino == log.st_ino)
        the_log.to_file = gx_log_to_file(home, NULL);
}

void gx_log_again(void)
{
    if (the_log.to_file)
        (void)open_log();
}

void gx_log(const char *format, ...)
{
    char text[1024], shown[1200], stamp[32] = "";
    struct timespec now;
    struct tm day;
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return;
    gx_utf8_show(shown, sizeof shown, gx_span(text, strlen(text)), false);
    clock_gettime(CLOCK_REALTIME, &now);
    if (localtime_r(&now.tv_sec, &day) != NULL)
        strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &day);

    if (the_log.to_file && the_log.bytes >= GX_LOG_BYTES_MAX && rename(the_log.path, the_log.old_path) == 0)
        (void)open_log();
    int wrote = dprintf(STDERR_FILENO, "%s %s\n", stamp, shown);
    if (wrote > 0)
        the_log.bytes += (size_t)wrote;
}
