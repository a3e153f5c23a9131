#include "tests/unit/os/codes.h"

#include "node/os/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t echo(uint8_t *out, size_t cap, void *arg)
{
    size_t n = strlen(arg);

    GX_ASSERT(n <= cap);
    memcpy(out, arg, n);
    return n;
}

static void test_answer_comes_back_whole(void **state)
{
    static char large[300001];
    static uint8_t out[300000];
    size_t n;
    (void)state;

    assert_true(gx_confined(out, &n, sizeof out, 5, echo, "tea"));
    assert_int_equal(n, 3);
    assert_memory_equal(out, "tea", 3);
    memset(large, 'x', 300000);                 /* more than a pipe holds */
    assert_true(gx_confined(out, &n, sizeof out, 5, echo, large));
    assert_int_equal(n, 300000);
    assert_memory_equal(out, large, 300000);
    assert_true(gx_confined(out, &n, sizeof out, 5, echo, ""));
    assert_int_equal(n, 0);
}

static size_t crash(uint8_t *out, size_t cap, void *arg)
{
    (void)out;
    (void)cap;
    raise(*(int *)arg);
    _exit(0);                   /* the signal itself may be forbidden; there is no answer either way */
}

static size_t spin(uint8_t *out, size_t cap, void *arg)
{
    volatile bool *forever = arg;

    while (*forever)
        out[0] = (uint8_t)cap;
    return 0;
}

static void test_child_that_dies_or_spins_gives_no_answer(void **state)
{
    static int signals[] = {SIGKILL, SIGABRT, SIGTERM};
    bool forever = true;
    uint8_t out[8];
    size_t n = 9;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(signals); i++) {
        assert_false(gx_confined(out, &n, sizeof out, 5, crash, &signals[i]));
        assert_int_equal(n, 0);
    }
    assert_false(gx_confined(out, &n, sizeof out, 1, spin, &forever));
}

/* A child that was taken over may claim any length. */
static size_t claim_too_much(uint8_t *out, size_t cap, void *arg)
{
    size_t n = cap + 1;
    (void)arg;

    memset(out, 'x', cap);
    if (write(STDOUT_FILENO, &n, sizeof n) != (ssize_t)sizeof n || write(STDOUT_FILENO, out, cap) != (ssize_t)cap)
        _exit(2);
    _exit(0);
}

static size_t claim_more_than_it_gives(uint8_t *out, size_t cap, void *arg)
{
    (void)arg;
    memset(out, 'x', cap);
    if (write(STDOUT_FILENO, &cap, sizeof cap) != (ssize_t)sizeof cap || write(STDOUT_FILENO, out, cap - 1) != (ssize_t)cap - 1)
        _exit(2);
    _exit(0);
}

static void test_answer_of_a_false_length_is_none(void **state)
{
    uint8_t out[8];
    size_t n = 9;
    (void)state;

    assert_false(gx_confined(out, &n, sizeof out, 5, claim_too_much, NULL));
    assert_int_equal(n, 0);
    assert_false(gx_confined(out, &n, sizeof out, 5, claim_more_than_it_gives, NULL));
    assert_int_equal(n, 0);
}

/* One character for each thing tried: 0 if it was refused. */
static size_t try_everything(uint8_t *out, size_t cap, void *arg)
{
    int fd = *(int *)arg;
    char c;
    (void)cap;

    out[0] = open("/etc/hostname", O_RDONLY) < 0 ? '0' : '1';
    out[1] = open("/tmp/gx-confined", O_CREAT | O_WRONLY, 0600) < 0 ? '0' : '1';
    out[2] = socket(AF_INET, SOCK_STREAM, 0) < 0 ? '0' : '1';
    out[3] = fork() < 0 ? '0' : '1';
    out[4] = read(fd, &c, 1) < 0 ? '0' : '1';
    out[5] = write(fd, "x", 1) < 0 ? '0' : '1';
    out[6] = kill(getppid(), 0) < 0 ? '0' : '1';
    out[7] = read(STDIN_FILENO, &c, 1) < 0 ? '0' : '1';
    return 8;
}

static void test_child_has_no_files_sockets_children_or_descriptors_of_ours(void **state)
{
    int fd = open("/dev/zero", O_RDWR);
    uint8_t out[16];
    size_t n;
    (void)state;

    assert_true(fd >= 0);
    assert_true(gx_confined(out, &n, sizeof out, 5, try_everything, &fd));
    assert_int_equal(n, 8);
    assert_memory_equal(out, "00000000", 8);
    close(fd);
}

static void test_no_descriptor_and_no_child_is_left_behind(void **state)
{
    uint8_t out[8];
    size_t n;
    int before = dup(0), after;
    (void)state;

    close(before);
    for (int i = 0; i < 20; i++)
        assert_true(gx_confined(out, &n, sizeof out, 5, echo, "tea"));
    after = dup(0);
    assert_int_equal(before, after);
    close(after);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_comes_back_whole),
        cmocka_unit_test(test_child_that_dies_or_spins_gives_no_answer),
        cmocka_unit_test(test_answer_of_a_false_length_is_none),
        cmocka_unit_test(test_child_has_no_files_sockets_children_or_descriptors_of_ours),
        cmocka_unit_test(test_no_descriptor_and_no_child_is_left_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
