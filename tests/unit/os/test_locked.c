#include "tests/unit/os/program.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* Nodes that are locked and unlocked, by clients that do it at once, in odd orders, or oddly. */
static struct gx_home home;
static char a[GX_PATH_MAX + 8];

#define UNLOCK "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"unlock\",\"params\":{\"passphrase\":\"tea leaf\"}}\n"
#define ASK(method) "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"" method "\"}\n"

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

static void with_passphrase(const char *format)
{
    char command[128];

    snprintf(command, sizeof command, "printf '%s'", format);
    assert_int_equal(setenv("GUANXI_PASSPHRASE_CMD", command, 1), 0);
}

static pid_t up(const char *locked)
{
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0"), A("--json"), A(locked)));
    return (pid_t)out_number("pid");
}

/* The same passphrase by the same command, wherever it is given: what cannot be taken later is not taken first. */
static void test_a_passphrase_is_a_line_of_text_and_not_cut(void **state)
{
    static const char *const refused[] = {"", "\\0tea", "tea\\0leaf", "tea\\0leaf\\n", "caf\\351", "caf\\351\\n", "%01024d", "%01024d\\n", "%05000d\\n"};
    static const char *const good[] = {"%01023d", "%01023d\\n", "caf\\303\\251\\n"};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(refused); i++) {
        with_passphrase(refused[i]);
        EXPECT(77, RUN(a, A("init"), A("--name"), A("A")));
        EXPECT(69, RUN(a, A("lock")));
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(good); i++) {
        with_passphrase(good[i]);
        EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
        (void)up("--locked");
        EXPECT(0, RUN(a, A("unlock")));
        EXPECT(0, RUN(a, A("down")));
        home_remove(&home);
        home_make(&home);
        snprintf(a, sizeof a, "%s/a", home.data);
    }
}

/* All that is said to these lines, which come at once, until the node hangs up. */
static void say_at_once(char *answers, size_t size, const char *lines)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = 0;
    ssize_t got;

    snprintf(addr.sun_path, sizeof addr.sun_path, "%.90s/guanxi.sock", a);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(send(fd, lines, strlen(lines), MSG_NOSIGNAL), strlen(lines));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    while (n < size - 1 && (got = read(fd, answers + n, size - 1 - n)) > 0)
        n += (size_t)got;
    answers[n] = 0;
    close(fd);
}

/* What came with the unlock is answered before anything is open. */
static void test_who_asks_while_it_is_being_unlocked_is_answered(void **state)
{
    char answers[4096];
    (void)state;

    with_passphrase("tea leaf");
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    (void)up("--locked");
    say_at_once(answers, sizeof answers, UNLOCK UNLOCK ASK("status") ASK("group.list"));
    assert_non_null(strstr(answers, "\"state\":\"locked\""));
    assert_non_null(strstr(answers, "this node is locked"));
    UNTIL("\"state\":\"ready\"", a, A("status"), A("--json"));
}

/* Seen by the passphrase being right, and the rest not opening. */
static void test_an_unlock_says_when_the_node_ended_of_it(void **state)
{
    char store[GX_PATH_MAX + 32];
    (void)state;

    with_passphrase("tea leaf");
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    snprintf(store, sizeof store, "%s/store.mdb", a);
    assert_int_equal(truncate(store, 100), 0);
    (void)up("--locked");
    EXPECT(69, RUN(a, A("unlock"), A("--json")));
    assert_non_null(strstr(ran.err, "/a/log says more"));
    EXPECT(69, RUN(a, A("lock")));
}

/* Who told it to stop waits for its end, and was promised it. */
static void test_a_node_that_is_told_to_stop_and_to_lock_stops(void **state)
{
    static const char *const orders[] = {ASK("stop") ASK("lock"), ASK("lock") ASK("stop"), ASK("lock") ASK("lock") ASK("stop")};
    char answers[4096];
    (void)state;

    with_passphrase("tea leaf");
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    for (size_t i = 0; i < GX_ARRAY_LEN(orders); i++) {
        struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, up("-q"), 0), .events = POLLIN};

        assert_true(end.fd >= 0);
        say_at_once(answers, sizeof answers, orders[i]);
        assert_int_equal(poll(&end, 1, 20000), 1);
        close(end.fd);
        EXPECT(69, RUN(a, A("lock")));
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_a_passphrase_is_a_line_of_text_and_not_cut),
        T(test_who_asks_while_it_is_being_unlocked_is_answered),
        T(test_an_unlock_says_when_the_node_ended_of_it),
        T(test_a_node_that_is_told_to_stop_and_to_lock_stops),
    };
    return cmocka_run_group_tests_name("os/locked", tests, NULL, NULL);
}
