#include "tests/unit/os/homes.h"

#include "node/os/log.h"

#include <sys/wait.h>

static struct gx_home home;

static int make(void **state)
{
    (void)state;
    home_make(&home);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    home_remove(&home);
    return 0;
}

/* Standard error belongs to the process, so the log of a node is tried in another one. */
static void in_child(void (*work)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (!gx_log_to_file(&home, NULL))
            _exit(1);
        work();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static long size_of(const char *name)
{
    char path[GX_PATH_MAX];
    struct stat st;

    gx_home_path(path, &home, name);
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void say_much(void)
{
    for (unsigned i = 0; i < 40000; i++)
        gx_log("line %u of a log that would fill a disk if nobody cared for its length", i);
}

static void test_a_log_never_grows_beyond_two_files_of_a_mebibyte(void **state)
{
    (void)state;
    in_child(say_much);
    assert_true(size_of("log") > 0 && size_of("log") <= (long)GX_LOG_BYTES_MAX + 2048);
    assert_true(size_of("log.1") >= (long)GX_LOG_BYTES_MAX && size_of("log.1") <= (long)GX_LOG_BYTES_MAX + 2048);
}

static void say_nasty(void)
{
    gx_log("%s", "a\x1b[2J\nb\xff");
}

static void test_a_line_stays_one_line_and_commands_no_terminal(void **state)
{
    uint8_t text[512];
    size_t n;
    (void)state;

    in_child(say_nasty);
    assert_int_equal(gx_file_read(text, &n, sizeof text, &home, "log"), GX_OK);
    assert_ptr_equal(memchr(text, '\n', n), text + n - 1);
    assert_null(memchr(text, 0x1b, n));
}

static void test_what_libraries_say_lands_in_the_log_too(void **state)
{
    uint8_t text[512];
    size_t n;
    (void)state;

    int fd = dup(STDERR_FILENO);
    assert_true(gx_log_to_file(&home, NULL));
    (void)!write(STDERR_FILENO, "Assertion failed\n", 17);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
    assert_int_equal(gx_file_read(text, &n, sizeof text, &home, "log"), GX_OK);
    assert_int_equal(n, 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_log_never_grows_beyond_two_files_of_a_mebibyte, make, drop),
        cmocka_unit_test_setup_teardown(test_a_line_stays_one_line_and_commands_no_terminal, make, drop),
        cmocka_unit_test_setup_teardown(test_what_libraries_say_lands_in_the_log_too, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
