#include "tests/unit/os/homes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static struct gx_home home;
static struct gx_fail why;

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

static unsigned mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777u;
}

static void test_home_puts_all_three_under_one_directory(void **state)
{
    char socket[GX_PATH_MAX];
    (void)state;

    assert_true(gx_home_find(&home, "/srv/mei/", NULL, &why));
    assert_string_equal(home.data, "/srv/mei");
    assert_string_equal(home.config, "/srv/mei/guanxi.conf");
    gx_home_socket_path(socket, &home);
    assert_string_equal(socket, "/srv/mei/guanxi.sock");
    assert_string_equal(home.from, "--home");
}

static void test_a_relative_home_becomes_absolute_for_a_node_that_changes_its_directory(void **state)
{
    char cwd[GX_PATH_MAX], want[GX_PATH_MAX + 8];
    (void)state;

    assert_non_null(getcwd(cwd, sizeof cwd));
    snprintf(want, sizeof want, "%s/n1", cwd);
    assert_true(gx_home_find(&home, "n1", NULL, &why));
    assert_string_equal(home.data, want);
}

static void test_profile_follows_the_xdg_directories(void **state)
{
    char runtime[] = "/tmp/gx-test-XXXXXX", want[64];
    (void)state;

    assert_non_null(mkdtemp(runtime));
    setenv("XDG_CONFIG_HOME", "/c", 1);
    setenv("XDG_DATA_HOME", "/d", 1);
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    assert_true(gx_home_find(&home, NULL, "work", &why));
    assert_string_equal(home.config, "/c/guanxi/work.conf");
    assert_string_equal(home.data, "/d/guanxi/work");
    snprintf(want, sizeof want, "%s/guanxi", runtime);
    assert_string_equal(home.socket_dir, want);
    assert_string_equal(home.socket_name, "work.sock");

    /* A runtime directory that is not there: the socket lies with the data. */
    assert_int_equal(rmdir(runtime), 0);
    assert_true(gx_home_find(&home, NULL, "work", &why));
    assert_string_equal(home.socket_dir, "/d/guanxi/work");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_DATA_HOME");
    unsetenv("XDG_RUNTIME_DIR");
}

static void test_the_command_line_goes_before_the_environment(void **state)
{
    (void)state;
    setenv("GUANXI_HOME", "/from/env", 1);
    setenv("GUANXI_PROFILE", "env", 1);
    assert_true(gx_home_find(&home, "/given", NULL, &why));
    assert_string_equal(home.data, "/given");
    assert_true(gx_home_find(&home, NULL, "given", &why));
    assert_string_equal(home.from, "-P");
    assert_true(gx_home_find(&home, NULL, NULL, &why));
    assert_string_equal(home.data, "/from/env");
    unsetenv("GUANXI_HOME");
    assert_true(gx_home_find(&home, NULL, NULL, &why));
    assert_string_equal(home.from, "GUANXI_PROFILE");
    unsetenv("GUANXI_PROFILE");
}

static void test_a_profile_is_a_plain_word_and_never_a_path(void **state)
{
    static const char *const bad[] = {"", "..", "a/b", "/etc", "a b", "\xc3\xa9", "012345678901234567890123456789012"};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++) {
        assert_false(gx_home_find(&home, NULL, bad[i], &why));
        assert_int_equal(why.code, GX_EXIT_USAGE);
    }
    assert_false(gx_home_find(&home, "/x", "y", &why));
    assert_int_equal(why.code, GX_EXIT_USAGE);
}

static void test_a_home_that_is_too_long_is_refused(void **state)
{
    char longest[GX_PATH_MAX + 16];
    (void)state;

    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = 0;
    assert_false(gx_home_find(&home, longest, NULL, &why));
    longest[GX_PATH_MAX - 10] = 0;
    assert_false(gx_home_find(&home, longest, NULL, &why));
    assert_false(gx_home_find(&home, "", NULL, &why));
}

static void test_directories_are_closed_to_others(void **state)
{
    (void)state;
    assert_int_equal(mode_of(home.data), 0700);
    assert_int_equal(chmod(home.data, 0755), 0);
    assert_true(gx_home_make(&home, &why));
    assert_int_equal(mode_of(home.data), 0700);
}

static void test_a_file_in_the_way_of_the_home_is_an_error(void **state)
{
    struct gx_home inner;
    char path[GX_PATH_MAX];
    uint8_t byte = 0;
    (void)state;

    assert_int_equal(gx_file_replace(&home, "file", &byte, 1, NULL), GX_OK);
    gx_home_path(path, &home, "file");
    assert_true(gx_home_find(&inner, path, NULL, &why));
    assert_false(gx_home_make(&inner, &why));
    assert_int_equal(why.code, GX_EXIT_STORE);
}

static void test_replace_leaves_the_new_file_and_nothing_else(void **state)
{
    uint8_t out[8];
    char path[GX_PATH_MAX];
    size_t n;
    (void)state;

    assert_int_equal(gx_file_read(out, &n, sizeof out, &home, "thing"), GX_E_ABSENT);
    assert_int_equal(gx_file_replace(&home, "thing", (uint8_t *)(char[]){"old"}, 3, NULL), GX_OK);
    assert_int_equal(gx_file_replace(&home, "thing", (uint8_t *)(char[]){"newer"}, 5, NULL), GX_OK);
    assert_int_equal(gx_file_read(out, &n, sizeof out, &home, "thing"), GX_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(out, "newer", 5);
    gx_home_path(path, &home, "thing");
    assert_int_equal(mode_of(path), 0600);
    gx_home_path(path, &home, "thing.new");
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_a_file_longer_than_expected_is_told_from_one_that_fits(void **state)
{
    uint8_t out[4];
    size_t n;
    (void)state;

    assert_int_equal(gx_file_replace(&home, "thing", (uint8_t *)(char[]){"four"}, 4, NULL), GX_OK);
    assert_int_equal(gx_file_read(out, &n, 4, &home, "thing"), GX_OK);
    assert_int_equal(gx_file_read(out, &n, 3, &home, "thing"), GX_E_TOO_BIG);
}

static void test_a_link_is_not_followed_out_of_the_home(void **state)
{
    uint8_t out[64];
    char path[GX_PATH_MAX];
    size_t n;
    (void)state;

    gx_home_path(path, &home, "keys");
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_equal(gx_file_read(out, &n, sizeof out, &home, "keys"), GX_E_STORE);
}

static void test_the_lock_names_the_process_that_holds_it(void **state)
{
    struct gx_lock first, second;
    char pid[32];
    (void)state;

    assert_true(gx_lock_take(&first, &home, true, 0, &why));
    assert_false(gx_lock_take(&second, &home, true, 0, &why));
    assert_int_equal(why.code, GX_EXIT_LOCKED);
    snprintf(pid, sizeof pid, "process %jd", (intmax_t)getpid());
    assert_non_null(strstr(why.message, pid));
    assert_false(gx_lock_take(&second, &home, false, 0, &why));
    gx_lock_release(&first);
    assert_true(gx_lock_take(&second, &home, true, 0, &why));
    gx_lock_release(&second);
}

static void test_many_readers_share_the_lock_and_keep_a_node_out(void **state)
{
    struct gx_lock a, b, node;
    (void)state;

    assert_true(gx_lock_take(&a, &home, false, 0, &why));
    assert_true(gx_lock_take(&b, &home, false, 0, &why));
    assert_false(gx_lock_take(&node, &home, true, 40, &why));
    assert_int_equal(why.code, GX_EXIT_LOCKED);
    gx_lock_release(&a);
    gx_lock_release(&b);
    assert_true(gx_lock_take(&node, &home, true, 0, &why));
    gx_lock_release(&node);
}

static void test_a_killed_holder_leaves_nothing_that_blocks(void **state)
{
    struct gx_lock lock;
    int fds[2], status;
    char byte;
    (void)state;

    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        bool ok = gx_lock_take(&lock, &home, true, 0, &why);
        (void)!write(fds[1], ok ? "y" : "n", 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(fds[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_false(gx_lock_take(&lock, &home, true, 0, &why));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(gx_lock_take(&lock, &home, true, 0, &why));
    gx_lock_release(&lock);
    close(fds[0]);
    close(fds[1]);
}

static void test_the_port_is_kept_and_nonsense_is_no_port(void **state)
{
    static const char *const bad[] = {"", "7447", "\n", "70000\n", "12a\n", "-1\n", "123456789\n"};
    char text[16];
    (void)state;

    assert_int_equal(gx_home_port(&home), 0);
    assert_int_equal(gx_home_keep_port(&home, 40123), GX_OK);
    assert_int_equal(gx_home_port(&home), 40123);
    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof text, "%s", bad[i]);
        assert_int_equal(gx_file_replace(&home, "port", (uint8_t *)text, strlen(text), NULL), GX_OK);
        assert_int_equal(gx_home_port(&home), 0);
    }
}

/* sun_path holds 107 bytes; a home may lie deeper. */
static void test_a_socket_deeper_than_its_address_holds_can_be_bound_and_reached(void **state)
{
    char deep[GX_PATH_MAX + 200];
    struct sockaddr_un addr;
    struct gx_home below;
    int dir_fd;
    (void)state;

    snprintf(deep, sizeof deep, "%s/%080d/%080d", home.data, 1, 2);
    assert_true(gx_home_find(&below, deep, NULL, &why));
    assert_true(gx_home_make(&below, &why));
    assert_true(gx_home_socket_addr(&addr, &dir_fd, below.socket_dir, below.socket_name));
    assert_true(dir_fd >= 0);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&addr, sizeof addr), 0);
    close(dir_fd);
    close(listener);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_home_puts_all_three_under_one_directory),
        cmocka_unit_test(test_a_relative_home_becomes_absolute_for_a_node_that_changes_its_directory),
        cmocka_unit_test(test_profile_follows_the_xdg_directories),
        cmocka_unit_test(test_the_command_line_goes_before_the_environment),
        cmocka_unit_test(test_a_profile_is_a_plain_word_and_never_a_path),
        cmocka_unit_test(test_a_home_that_is_too_long_is_refused),
        cmocka_unit_test_setup_teardown(test_directories_are_closed_to_others, make, drop),
        cmocka_unit_test_setup_teardown(test_a_file_in_the_way_of_the_home_is_an_error, make, drop),
        cmocka_unit_test_setup_teardown(test_replace_leaves_the_new_file_and_nothing_else, make, drop),
        cmocka_unit_test_setup_teardown(test_a_file_longer_than_expected_is_told_from_one_that_fits, make, drop),
        cmocka_unit_test_setup_teardown(test_a_link_is_not_followed_out_of_the_home, make, drop),
        cmocka_unit_test_setup_teardown(test_the_lock_names_the_process_that_holds_it, make, drop),
        cmocka_unit_test_setup_teardown(test_many_readers_share_the_lock_and_keep_a_node_out, make, drop),
        cmocka_unit_test_setup_teardown(test_a_killed_holder_leaves_nothing_that_blocks, make, drop),
        cmocka_unit_test_setup_teardown(test_the_port_is_kept_and_nonsense_is_no_port, make, drop),
        cmocka_unit_test_setup_teardown(test_a_socket_deeper_than_its_address_holds_can_be_bound_and_reached, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
