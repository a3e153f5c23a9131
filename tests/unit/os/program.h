/* Running the program itself: what it says, where, and its exit code. */
#ifndef GX_TESTS_UNIT_OS_PROGRAM_H
#define GX_TESTS_UNIT_OS_PROGRAM_H

#include "tests/unit/os/homes.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define PROGRAM GX_BINARY_DIR "/guanxi"
#define OUTPUT_MAX 65536u

static struct {
    char out[OUTPUT_MAX], err[OUTPUT_MAX];
    size_t n_out, n_err;
    int code;
} ran;

static inline void program_child(const char *home, char **argv, const int in[2], const int out[2], const int err[2])
{
    (void)dup2(in[0], STDIN_FILENO);
    (void)dup2(out[1], STDOUT_FILENO);
    (void)dup2(err[1], STDERR_FILENO);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    setenv("GUANXI_HOME", home, 1);
    unsetenv("GUANXI_PROFILE");
    signal(SIGINT, SIG_DFL);        /* ignored in what a script starts in the background, and inherited */
    execv(PROGRAM, argv);
    _exit(127);
}

static inline bool program_drain(int *fd, char *text, size_t *n)
{
    ssize_t got = read(*fd, text + *n, OUTPUT_MAX - 1 - *n);

    if (got > 0) {
        *n += (size_t)got;
        return true;
    }
    close(*fd);
    *fd = -1;
    return false;
}

/* Run with this input and these arguments, the last NULL; fills `ran`.  30 s at most. */
static inline int run_argv(const char *home, const char *input, char **argv)
{
    int in[2], out[2], err[2], status;

    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    memset(&ran, 0, sizeof ran);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        program_child(home, argv, in, out, err);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    if (input != NULL)
        assert_int_equal(write(in[1], input, strlen(input)), strlen(input));
    close(in[1]);
    while (out[0] >= 0 || err[0] >= 0) {
        struct pollfd items[2] = {{.fd = out[0], .events = POLLIN}, {.fd = err[0], .events = POLLIN}};
        if (poll(items, 2, 30000) <= 0) {
            kill(child, SIGKILL);
            fail_msg("guanxi %s hangs", argv[1]);
        }
        if (items[0].revents != 0)
            (void)program_drain(&out[0], ran.out, &ran.n_out);
        if (items[1].revents != 0)
            (void)program_drain(&err[0], ran.err, &ran.n_err);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return ran.code;
}

#define RUN(home, ...) run_argv(home, NULL, (char *[]){(char[]){"guanxi"}, __VA_ARGS__, NULL})
#define RUN_IN(home, input, ...) run_argv(home, input, (char *[]){(char[]){"guanxi"}, __VA_ARGS__, NULL})
/* A literal is not writable, argv is: this says so once. */
#define A(text) ((char *)(uintptr_t)(text))

/* Show what was said when the exit code is not the one expected. */
static inline void expect_(int want, int got, const char *what, int line)
{
    if (want != got)
        fail_msg("line %d: %s: exit %d, not %d\nstdout: %s\nstderr: %s", line, what, got, want, ran.out, ran.err);
}
#define EXPECT(want, run) expect_(want, run, #run, __LINE__)

/* Again until it is so, half a minute at most, where no `wait` tells of it.  A try runs the program, which takes its time: nothing sleeps. */
#define UNTIL_TRUE(condition)                                                                                 \
    for (time_t until_ = time(NULL) + 30; !(condition);)                                                      \
        if (time(NULL) > until_)                                                                              \
            fail_msg("line %d: never %s\nstdout: %s\nstderr: %s", __LINE__, #condition, ran.out, ran.err)
/* Until the program says this. */
#define UNTIL(said, ...) UNTIL_TRUE(RUN(__VA_ARGS__) == 0 && strstr(ran.out, said) != NULL)

/* A text of the JSON object on stdout; "" when absent.  Valid until the next call. */
static inline const char *out_text(const char *key)
{
    static char text[2048];
    json_t *root = json_loads(ran.out, JSON_DISABLE_EOF_CHECK, NULL);
    const char *value = json_string_value(json_object_get(root, key));

    snprintf(text, sizeof text, "%s", value == NULL ? "" : value);
    json_decref(root);
    return text;
}

static inline json_int_t out_number(const char *key)
{
    json_t *root = json_loads(ran.out, JSON_DISABLE_EOF_CHECK, NULL);
    json_int_t n = json_integer_value(json_object_get(root, key));

    json_decref(root);
    return n;
}

#endif
