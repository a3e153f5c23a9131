#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/os/system.h"

#define SLEPT_S 86400
#define CHILD_SKIPS 77

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return ok;
}

/* In a world where the machine slept for a day since it started: what children begin with, and this process does not. */
static int measure_in_child(void)
{
    struct timespec awake;
    int status = 0;

    if ((unshare(CLONE_NEWTIME) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWTIME) != 0) || !write_text("/proc/self/timens_offsets", "boottime 86400 0\n"))
        return CHILD_SKIPS;

    pid_t child = fork();

    if (child == 0) {
        (void)clock_gettime(CLOCK_MONOTONIC, &awake);
        _exit(gx_now().mono_ms >= ((uint64_t)awake.tv_sec + SLEPT_S) * 1000 ? 0 : 1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* CLOCK_MONOTONIC stands still meanwhile: a laptop that slept for hours would take its dead connections for living ones. */
static void test_the_clock_goes_on_while_the_machine_sleeps(void **state)
{
    int status = 0;
    pid_t child = fork();
    (void)state;

    if (child == 0)
        _exit(measure_in_child());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_SKIPS)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_clock_goes_on_while_the_machine_sleeps),
    };

    return cmocka_run_group_tests_name("os/system", tests, NULL, NULL);
}
