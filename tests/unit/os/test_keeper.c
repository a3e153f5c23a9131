#include "tests/unit/os/program.h"

#include "node/os/keeper.h"

#include <sys/syscall.h>

/* A node and the process that keeps it: each ends with the other, as it did. */
static struct gx_home home;
static char a[GX_PATH_MAX + 8];

static int make(void **state)
{
    (void)state;
    home_make(&home);
    snprintf(a, sizeof a, "%s/a", home.data);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    (void)RUN(a, A("down"));
    (void)unsetenv("GUANXI_PASSPHRASE_CMD");
    home_remove(&home);
    return 0;
}

static pid_t start(void)
{
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0"), A("--json")));
    return (pid_t)out_number("pid");
}

static pid_t keeper_of(pid_t node)
{
    char path[64];
    int parent = 0;

    snprintf(path, sizeof path, "/proc/%jd/stat", (intmax_t)node);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*d (%*[^)]) %*c %d", &parent), 1);
    fclose(f);
    assert_true(parent > 1);
    return parent;
}

static struct pollfd watch(pid_t pid)
{
    struct pollfd item = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

    assert_true(item.fd >= 0);
    return item;
}

static void await_end(struct pollfd *item)
{
    assert_int_equal(poll(item, 1, 60000), 1);
    close(item->fd);
}

static void test_a_node_and_its_keeper_end_together(void **state)
{
    pid_t node = start();
    pid_t pids[2] = {node, keeper_of(node)};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct pollfd first = watch(pids[i]), second = watch(pids[1 - i]);

        assert_int_equal(kill(pids[i], SIGKILL), 0);
        await_end(&first);
        await_end(&second);
        EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0"), A("--json")));
        pids[0] = (pid_t)out_number("pid");
        pids[1] = keeper_of(pids[0]);
    }
}

/* A service manager knows the keeper. */
static void test_a_keeper_that_is_told_to_stop_stops_the_node_in_good_order(void **state)
{
    pid_t node = start();
    struct pollfd end = watch(node), last = watch(keeper_of(node));
    char path[GX_PATH_MAX + 32];
    (void)state;

    assert_int_equal(kill(keeper_of(node), SIGTERM), 0);
    await_end(&end);
    await_end(&last);
    snprintf(path, sizeof path, "%s/guanxi.sock", a);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* Of the node's memory nothing is left, for it is another process; of the keeper's neither, for it is another program. */
static void test_a_locked_node_is_another_process_of_the_same_keeper(void **state)
{
    char log[GX_PATH_MAX + 32], old[GX_PATH_MAX + 32], text[4096];
    (void)state;

    assert_int_equal(setenv("GUANXI_PASSPHRASE_CMD", "printf tea", 1), 0);
    pid_t node = start(), keeper = keeper_of(node);
    struct pollfd end = watch(node);
    /* As the node does when it is long. */
    snprintf(log, sizeof log, "%s/log", a);
    snprintf(old, sizeof old, "%s/log.1", a);
    assert_int_equal(rename(log, old), 0);
    EXPECT(0, RUN(a, A("lock")));
    await_end(&end);
    EXPECT(0, RUN(a, A("status"), A("--json")));
    json_t *status = json_loads(ran.out, 0, NULL);
    pid_t next = (pid_t)json_integer_value(json_object_get(json_object_get(status, "node"), "pid"));
    json_decref(status);
    assert_int_not_equal(next, node);
    assert_int_equal(keeper_of(next), keeper);
    FILE *f = fopen(log, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    assert_non_null(strstr(text, "waiting for guanxi unlock"));
}

/* --- without a node ------------------------------------------------------------------------------------------------------------------- */

static void let_go(void *ctx)
{
    close(*(int *)ctx);
}

/* What this program's exit would be, were it the keeper of a process that does this. */
static int kept(void (*work)(void), int *ends)
{
    char *none[] = {NULL};
    int status, code = 0;
    pid_t child = fork();

    if (child == 0) {
        if (gx_keep(&code, none, let_go, &ends[1])) {
            work();
            _exit(0);
        }
        _exit(code);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void end_with_74(void)
{
    _exit(74);
}

static void end_by_abort(void)
{
    (void)raise(SIGABRT);
}

static void test_a_keeper_ends_as_its_node_did(void **state)
{
    int ends[2];
    (void)state;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(kept(end_with_74, ends), 74);
    assert_int_equal(kept(end_by_abort, ends), -SIGABRT);
    /* A service manager may have it that the ends of children are not told of. */
    (void)signal(SIGCHLD, SIG_IGN);
    int code = 0;
    char *none[] = {NULL};
    pid_t child = fork();
    if (child == 0) {
        if (gx_keep(&code, none, let_go, &ends[1]))
            _exit(3);
        _exit(code == 3 ? 0 : 1);
    }
    (void)signal(SIGCHLD, SIG_DFL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_a_node_and_its_keeper_end_together),
        T(test_a_keeper_that_is_told_to_stop_stops_the_node_in_good_order),
        T(test_a_locked_node_is_another_process_of_the_same_keeper),
        cmocka_unit_test(test_a_keeper_ends_as_its_node_did),
    };
    return cmocka_run_group_tests_name("os/keeper", tests, NULL, NULL);
}
