#include "tests/unit/os/program.h"

#include <sys/syscall.h>
#include <sys/un.h>

/* The program with nodes that run: each test makes its own. */
static struct gx_home home;
static char a[GX_PATH_MAX + 8], b[GX_PATH_MAX + 8];

static int make(void **state)
{
    (void)state;
    home_make(&home);
    snprintf(a, sizeof a, "%s/a", home.data);
    snprintf(b, sizeof b, "%s/b", home.data);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    (void)RUN(a, A("down"));
    (void)RUN(b, A("down"));
    (void)unsetenv("GUANXI_PASSPHRASE_CMD");
    home_remove(&home);
    return 0;
}

static pid_t start(const char *dir, const char *name)
{
    EXPECT(0, RUN(dir, A("init"), A("--name"), A(name)));
    EXPECT(0, RUN(dir, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0"), A("--json")));
    return (pid_t)out_number("pid");
}

/* One that nobody has waited for yet is gone all the same. */
static bool alive(pid_t pid)
{
    char path[64], state = 'Z';

    snprintf(path, sizeof path, "/proc/%jd/stat", (intmax_t)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    fclose(f);
    return state != 'Z';
}

/* Returns when the whole process is gone: its leader may be, while other threads still hold its sockets. */
static void kill_and_wait(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd item = {.fd = fd, .events = POLLIN};

    assert_true(fd >= 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(poll(&item, 1, 60000), 1);
    close(fd);
}

static void test_up_returns_when_it_is_ready_and_down_when_it_is_gone(void **state)
{
    char socket[GX_PATH_MAX + 32];
    (void)state;

    pid_t pid = start(a, "A");
    assert_true(alive(pid));
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"state\":\"ready\""));
    EXPECT(0, RUN(a, A("down")));
    assert_false(alive(pid));
    snprintf(socket, sizeof socket, "%s/guanxi.sock", a);
    assert_int_not_equal(access(socket, F_OK), 0);
}

static void test_a_second_node_of_a_home_exits_75_and_names_the_first(void **state)
{
    char pid_text[32];
    (void)state;

    snprintf(pid_text, sizeof pid_text, "process %jd", (intmax_t)start(a, "A"));
    EXPECT(75, RUN(a, A("up"), A("-d")));
    assert_non_null(strstr(ran.err, pid_text));
    EXPECT(75, RUN(a, A("up")));
}

static void test_kill_9_leaves_nothing_that_blocks_the_next_up(void **state)
{
    (void)state;
    pid_t pid = start(a, "A");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("send"), A("tea"), A("kept")));
    kill_and_wait(pid);
    EXPECT(0, RUN(a, A("read"), A("--json")));
    assert_string_equal(out_text("text"), "kept");
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("read"), A("--json")));
    assert_string_equal(out_text("text"), "kept");
}

static void test_the_port_is_kept_from_start_to_start(void **state)
{
    char first[64];
    (void)state;

    (void)start(a, "A");
    (void)start(b, "B");        /* whichever comes second has to find another port */
    EXPECT(0, RUN(b, A("status"), A("--json")));
    const char *listen = strstr(ran.out, "\"listen\":[\"");
    assert_non_null(listen);
    snprintf(first, sizeof first, "%.40s", listen);
    EXPECT(0, RUN(b, A("down")));
    EXPECT(0, RUN(b, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(b, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, first));
}

static void configure(const char *text)
{
    char config[GX_PATH_MAX + 32];
    FILE *f;

    snprintf(config, sizeof config, "%s/guanxi.conf", a);
    f = fopen(config, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* Beacons go out from where it can be reached, and from nowhere else; who asks for none has no port open. */
static void test_the_lan_is_looked_at_unless_told_not_to(void **state)
{
    (void)state;

    (void)start(a, "A");
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"lan\":{\"state\":\"on\",\"sources\":[\"127.0.0.1:"));
    assert_null(strstr(ran.out, "\",\"127"));
    EXPECT(0, RUN(a, A("down")));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0"), A("--no-lan")));
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"lan\":{\"state\":\"off\",\"sources\":[]"));
    EXPECT(0, RUN(a, A("down")));
    configure("lan = contacts\n");
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"lan\":{\"state\":\"contacts\""));
    EXPECT(0, RUN(a, A("config")));
    assert_non_null(strstr(ran.out, "contacts"));
    EXPECT(0, RUN(a, A("down")));
    configure("lan = off\n");
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"lan\":{\"state\":\"off\""));
}

static void test_each_network_has_its_mode(void **state)
{
    (void)state;
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    configure("lan = off\nlan.lo = contacts\n");
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"lan\":{\"state\":\"contacts\",\"sources\":[\"127.0.0.1:"));
    assert_non_null(strstr(ran.out, "\"networks\":[{\"name\":\"lo\",\"mode\":\"contacts\"}]"));
    EXPECT(0, RUN(a, A("doctor")));
    assert_non_null(strstr(ran.out, "networks\tok\tcontacts alone on lo; lan.NAME = on, contacts or off"));
    EXPECT(0, RUN(a, A("config")));
    assert_non_null(strstr(ran.out, "lan\toff\t"));
    assert_non_null(strstr(ran.out, "lan.lo\tcontacts\t"));
    EXPECT(0, RUN(a, A("down")));
    configure("lan.lo = off\n");
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"lan\":{\"state\":\"on\",\"sources\":[]"));
    assert_non_null(strstr(ran.out, "\"networks\":[{\"name\":\"lo\",\"mode\":\"off\"}]"));
    EXPECT(0, RUN(a, A("doctor")));
    assert_non_null(strstr(ran.out, "networks\tok\tnobody on lo;"));
    EXPECT(0, RUN(a, A("down")));
    configure("lan.my lo = off\n");
    EXPECT(2, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    assert_non_null(strstr(ran.err, "guanxi.conf:1: "));
    assert_non_null(strstr(ran.err, "named by its interface"));
}

static void with_passphrase(const char *lines)
{
    char command[128];

    snprintf(command, sizeof command, "printf '%s'", lines);
    assert_int_equal(lines == NULL ? unsetenv("GUANXI_PASSPHRASE_CMD") : setenv("GUANXI_PASSPHRASE_CMD", command, 1), 0);
}

static void test_a_home_without_a_passphrase_says_so_and_is_not_locked(void **state)
{
    (void)state;
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    assert_non_null(strstr(ran.err, "There is no passphrase"));
    EXPECT(69, RUN(a, A("lock")));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(1, RUN(a, A("lock"), A("--json")));
    assert_non_null(strstr(ran.err, "\"no_passphrase\""));
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"ready\""));
    EXPECT(0, RUN(a, A("unlock")));
    EXPECT(0, RUN(a, A("doctor"), A("--json")));
    assert_non_null(strstr(ran.out, "there is no passphrase"));
    assert_non_null(strstr(ran.out, "\"name\":\"confinement\""));
}

static void test_doctor_looks_at_the_listener_the_clock_and_the_lan_of_a_node_that_runs(void **state)
{
    (void)state;
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    EXPECT(0, RUN(a, A("doctor")));
    assert_null(strstr(ran.out, "listener"));
    assert_non_null(strstr(ran.out, "clock"));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--no-lan"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("doctor")));
    assert_non_null(strstr(ran.out, "answers on this machine"));
    assert_non_null(strstr(ran.out, "it is off (--no-lan"));
    EXPECT(0, RUN(a, A("down")));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("doctor"), A("--json")));
    assert_non_null(strstr(ran.out, "nobody is looked for"));
    EXPECT(0, RUN(a, A("down")));
}

static void test_doctor_knows_a_lan_with_nobody_on_it_from_one_that_is_not_heard(void **state)
{
    char token[1024];
    (void)state;

    (void)start(a, "A");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("invite"), A("tea")));
    snprintf(token, sizeof token, "%.*s", (int)strcspn(ran.out, "\n"), ran.out);
    (void)start(b, "B");
    EXPECT(0, RUN(b, A("join"), A(token), A("-y")));
    EXPECT(0, RUN(b, A("down")));
    EXPECT(0, RUN(a, A("down")));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    do
        EXPECT(0, RUN(a, A("status"), A("--json")));
    while (strstr(ran.out, "\"own\":0") != NULL);
    EXPECT(0, RUN(a, A("doctor")));
    assert_non_null(strstr(ran.out, "nobody else was heard"));
    EXPECT(0, RUN(a, A("down")));
}

static void test_a_node_that_is_locked_does_nothing_until_the_passphrase_comes(void **state)
{
    (void)state;
    with_passphrase("tea leaf\\n");
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("send"), A("tea"), A("hello")));
    EXPECT(0, RUN(a, A("lock")));
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"locked\""));
    assert_null(strstr(ran.out, "groups"));
    EXPECT(77, RUN(a, A("read"), A("tea"), A("--json")));
    assert_non_null(strstr(ran.err, "\"locked\""));
    EXPECT(77, RUN(a, A("group"), A("list")));
    EXPECT(0, RUN(a, A("lock")));

    with_passphrase("tea leaves\\n");
    EXPECT(77, RUN(a, A("unlock"), A("--json")));
    assert_non_null(strstr(ran.err, "\"wrong_passphrase\""));
    EXPECT(77, RUN(a, A("read"), A("tea")));
    with_passphrase(NULL);
    EXPECT(77, RUN(a, A("unlock")));
    with_passphrase("tea leaf");
    EXPECT(0, RUN(a, A("unlock")));
    EXPECT(0, RUN(a, A("read"), A("tea")));
    assert_non_null(strstr(ran.out, "hello"));
    EXPECT(0, RUN(a, A("down")));

    /* Down, it opens for whoever has the passphrase; and a start without one is locked. */
    EXPECT(0, RUN(a, A("read"), A("tea")));
    assert_non_null(strstr(ran.out, "hello"));
    with_passphrase("tea leaves");
    EXPECT(77, RUN(a, A("read"), A("tea")));
    EXPECT(77, RUN(a, A("up"), A("-d")));
    with_passphrase(NULL);
    EXPECT(77, RUN(a, A("read"), A("tea")));
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"locked\":true"));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    assert_non_null(strstr(ran.err, "locked"));
    EXPECT(77, RUN(a, A("group"), A("list")));
    EXPECT(0, RUN(a, A("down")));
}

static void test_passwd_changes_the_passphrase_also_while_the_node_runs(void **state)
{
    (void)state;
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    EXPECT(77, RUN(a, A("passwd")));                            /* nobody to ask */
    with_passphrase("first\\n");
    EXPECT(0, RUN(a, A("passwd")));
    EXPECT(77, RUN(a, A("passwd")));                            /* no second line */
    with_passphrase("first\\nsecond\\n");
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("passwd")));
    EXPECT(77, RUN(a, A("passwd")));                            /* the first one is not it any more */
    EXPECT(0, RUN(a, A("lock")));
    EXPECT(77, RUN(a, A("unlock")));
    with_passphrase("second\\n\\n");
    EXPECT(77, RUN(a, A("passwd")));                            /* it is locked */
    EXPECT(0, RUN(a, A("unlock")));
    EXPECT(0, RUN(a, A("passwd")));                             /* none any more */
    with_passphrase(NULL);
    EXPECT(1, RUN(a, A("lock")));
    EXPECT(0, RUN(a, A("down")));
    EXPECT(0, RUN(a, A("group"), A("list")));
}

static void test_an_address_of_another_machine_cannot_be_listened_at(void **state)
{
    (void)state;
    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    EXPECT(1, RUN(a, A("up"), A("-d"), A("--listen"), A("203.0.113.77:0")));
    assert_non_null(strstr(ran.err, "203.0.113.77"));
    EXPECT(2, RUN(a, A("up"), A("--listen"), A("localhost:1")));
}

static void test_an_invitation_into_a_pipe_is_the_code_alone(void **state)
{
    char png[GX_PATH_MAX + 16];
    struct stat st;
    (void)state;

    (void)start(a, "A");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("invite"), A("tea"), A("--qr")));
    assert_int_equal(strncmp(ran.out, "GX1:", 4), 0);
    assert_ptr_equal(strchr(ran.out, '\n'), ran.out + ran.n_out - 1);
    assert_true(ran.n_err > 1000);      /* the picture */
    EXPECT(0, RUN(a, A("invite"), A("tea"), A("--png"), A("-")));
    assert_memory_equal(ran.out, "\x89PNG", 4);
    EXPECT(2, RUN(a, A("invite"), A("tea"), A("--png"), A("-"), A("--json")));
    snprintf(png, sizeof png, "%s/x.png", a);
    EXPECT(0, RUN(a, A("invite"), A("tea"), A("--png"), png, A("--uses"), A("2"), A("--expires"), A("1h"), A("--json")));
    assert_string_equal(out_text("png"), png);
    assert_int_equal(out_number("uses_left"), 2);
    assert_int_equal(stat(png, &st), 0);
    assert_int_equal(st.st_mode & 0777u, 0600);
    EXPECT(0, RUN(a, A("inspect"), png, A("--json")));
    assert_string_equal(out_text("kind"), "qr");
}

static void test_two_nodes_meet_by_a_picture_and_talk(void **state)
{
    char png[GX_PATH_MAX + 16], hash[2100];
    (void)state;

    (void)start(a, "Ann");
    (void)start(b, "Bob");
    snprintf(png, sizeof png, "%s/x.png", a);
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea"), A("--json")));
    assert_int_equal(out_number("members"), 1);
    EXPECT(0, RUN(a, A("invite"), A("tea"), A("--png"), png));
    EXPECT(0, RUN(b, A("join"), png, A("-y"), A("--json")));
    assert_string_equal(out_text("state"), "member");
    EXPECT(0, RUN_IN(a, "two\nlines\n", A("send"), A("tea"), A("-"), A("--json")));
    assert_string_equal(out_text("state"), "queued");
    EXPECT(0, RUN(b, A("wait"), A("--members"), A("tea=2"), A("--count"), A("tea=1"), A("--timeout"), A("20")));
    EXPECT(0, RUN(b, A("read"), A("tea"), A("--json")));
    assert_string_equal(out_text("text"), "two\nlines");
    EXPECT(0, RUN(b, A("read"), A("tea")));
    assert_non_null(strstr(ran.out, "two\\nlines\n"));
    EXPECT(0, RUN(a, A("group"), A("show"), A("tea"), A("--json")));
    snprintf(hash, sizeof hash, "tea=%s", out_text("state_hash"));
    EXPECT(0, RUN(b, A("wait"), A("--hash"), hash, A("--peers"), A("1"), A("--idle"), A("--timeout"), A("20"), A("--json")));
    assert_string_equal(ran.out, "{}\n");
}

static void test_wait_times_out_with_6(void **state)
{
    (void)state;
    (void)start(a, "A");
    EXPECT(0, RUN(a, A("wait")));
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("group"), A("new"), A("two")));
    EXPECT(0, RUN(a, A("wait"), A("--members"), A("tea=1"), A("--members"), A("two=1"), A("--timeout"), A("5")));
    EXPECT(6, RUN(a, A("wait"), A("--members"), A("tea=1"), A("--members"), A("two=2"), A("--timeout"), A("1"), A("--json")));
    assert_non_null(strstr(ran.err, "\"name\":\"timeout\""));
    EXPECT(6, RUN(a, A("wait"), A("--peers"), A("1"), A("--timeout"), A("1")));
    /* A group may still come. */
    EXPECT(6, RUN(a, A("wait"), A("--members"), A("none=1"), A("--timeout"), A("1")));
}

/* In the foreground, as a service manager runs it. */
static pid_t spawn(const char *dir, int *out, char **argv)
{
    int fds[2], null = open("/dev/null", O_RDWR);

    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0)
        program_child(dir, argv, (int[]){null, -1}, fds, (int[]){-1, null});
    close(fds[1]);
    close(null);
    *out = fds[0];
    return child;
}

static int end_of(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_a_node_in_the_foreground_stops_in_good_order_on_sigterm(void **state)
{
    int out;
    (void)state;

    EXPECT(0, RUN(a, A("init"), A("--name"), A("A")));
    pid_t child = spawn(a, &out, (char *[]){A("guanxi"), A("up"), A("--listen"), A("127.0.0.1:0"), NULL});
    UNTIL_TRUE(RUN(a, A("wait")) == 0);
    assert_int_equal(kill(child, SIGHUP), 0);
    EXPECT(0, RUN(a, A("wait")));
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(end_of(child), 0);
    close(out);
}

static size_t read_line(int fd, char *line, size_t cap)
{
    size_t n = 0;

    while (n + 1 < cap && read(fd, line + n, 1) == 1 && line[n] != '\n')
        n++;
    line[n] = 0;
    return n;
}

static void test_watch_resumes_across_a_restart_of_the_node_and_loses_nothing(void **state)
{
    char line[4096];
    int out;
    (void)state;

    pid_t node = start(a, "A");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("send"), A("tea"), A("one")));
    pid_t watch = spawn(a, &out, (char *[]){A("guanxi"), A("watch"), A("--since"), A("0"), A("--json"), NULL});
    do
        assert_true(read_line(out, line, sizeof line) > 0);
    while (strstr(line, "\"text\":\"one\"") == NULL);
    kill_and_wait(node);
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("send"), A("tea"), A("two")));
    assert_true(read_line(out, line, sizeof line) > 0);
    assert_non_null(strstr(line, "\"text\":\"two\""));
    assert_int_equal(kill(watch, SIGINT), 0);
    assert_int_equal(end_of(watch), 0);
    close(out);
}

static int dial(const char *dir)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof addr.sun_path, "%.90s/guanxi.sock", dir);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

static void test_watch_answers_before_anything_happens(void **state)
{
    static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"watch\"}\n";
    char line[4096];
    (void)state;

    (void)start(a, "A");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("send"), A("tea"), A("one"), A("--json")));
    json_int_t seq = out_number("seq");
    int fd = dial(a);
    assert_int_equal(send(fd, ask, strlen(ask), MSG_NOSIGNAL), strlen(ask));
    assert_true(read_line(fd, line, sizeof line) > 0);
    json_t *root = json_loads(line, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "id")), 7);
    const json_t *since = json_object_get(json_object_get(root, "result"), "since");
    assert_true(json_is_integer(since) ? json_integer_value(since) == seq : atoll(json_string_value(since)) == seq);
    json_decref(root);
    EXPECT(0, RUN(a, A("send"), A("tea"), A("two")));
    assert_true(read_line(fd, line, sizeof line) > 0);
    assert_non_null(strstr(line, "\"text\":\"two\""));
    close(fd);
}

/* 69 means that no node runs.  One that has no place left says so, and can be looked at and stopped. */
static void test_a_busy_node_says_that_it_is_busy(void **state)
{
    int fds[200];
    (void)state;

    (void)start(a, "A");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    for (size_t i = 0; i < GX_ARRAY_LEN(fds); i++) {
        /* Once it has answered, the node has seen that the client before is gone: whose place is taken by the last ones, too. */
        if (i == GX_ARRAY_LEN(fds) - 8)
            EXPECT(0, RUN(a, A("status"), A("--json")));
        fds[i] = dial(a);
        (void)!send(fds[i], "{\"half", 6, MSG_NOSIGNAL);
    }
    for (unsigned i = 0; i < 8; i++) {
        EXPECT(1, RUN(a, A("send"), A("tea"), A("x"), A("--json")));
        assert_non_null(strstr(ran.err, "\"name\":\"busy\""));
        assert_non_null(strstr(ran.err, "\"hint\":\""));
    }
    EXPECT(1, RUN(a, A("wait"), A("--timeout"), A("5")));
    EXPECT(1, RUN(a, A("watch")));
    EXPECT(1, RUN(a, A("read")));
    assert_null(strstr(ran.err, "guanxi up"));
    EXPECT(75, RUN(a, A("up"), A("-d")));
    for (unsigned i = 0; i < 8; i++)
        EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "\"state\":\"ready\""));
    EXPECT(0, RUN(a, A("down")));
    for (size_t i = 0; i < GX_ARRAY_LEN(fds); i++)
        close(fds[i]);
    EXPECT(69, RUN(a, A("down")));
}

/* What is printed to be pasted does what it says, whatever a group is called. */
static void test_hints_can_be_pasted(void **state)
{
    static const char *const names[] = {"x'; touch /tmp/gx-pasted; echo '", "-dash", "$(id)", "tea"};
    static const char *const bad[] = {":colon", "@at", "a\nb", "a\033[31mb", "\xe2\x80\xae" "evil"};
    char *hint, id[16];
    (void)state;

    (void)start(a, "A");
    for (size_t i = 0; i < GX_ARRAY_LEN(names); i++) {
        EXPECT(0, RUN(a, A("group"), A("new"), A("--"), A(names[i])));
        hint = strstr(ran.err, "Next: guanxi invite ");
        assert_non_null(hint);
        assert_int_equal(sscanf(hint, "Next: guanxi invite %15s --qr\n", id), 1);
        assert_int_equal(strlen(hint), strlen("Next: guanxi invite  --qr\n") + strlen(id));
        assert_int_equal(id[0], ':');
        assert_int_equal(strspn(id + 1, "0123456789abcdef"), strlen(id + 1));
        EXPECT(0, RUN(a, A("invite"), id));
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++) {
        EXPECT(2, RUN(a, A("group"), A("new"), A(bad[i])));
        assert_non_null(strstr(ran.err, "control characters"));
    }
    EXPECT(2, RUN(a, A("group"), A("new"), A("")));
}

static void test_a_text_that_cannot_be_sent_is_exit_2_wherever_it_comes_from(void **state)
{
    static char text[57346];
    (void)state;

    (void)start(a, "A");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    memset(text, 'y', sizeof text - 1);
    EXPECT(2, RUN(a, A("send"), A("tea"), text));
    EXPECT(2, RUN_IN(a, text, A("send"), A("tea"), A("-")));
    EXPECT(2, RUN(a, A("send"), A("tea"), A("\xff")));
    EXPECT(2, RUN_IN(a, "\xff", A("send"), A("tea"), A("-")));
    EXPECT(2, RUN(a, A("send"), A("tea"), A("")));
    EXPECT(2, RUN_IN(a, "", A("send"), A("tea"), A("-")));
    text[sizeof text - 2] = 0;
    EXPECT(0, RUN_IN(a, text, A("send"), A("tea"), A("-")));
}

static void test_a_code_that_was_cut_short_is_not_said_to_begin_wrongly(void **state)
{
    char code[2048], other[2050];
    (void)state;

    (void)start(a, "A");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("invite"), A("tea"), A("--json")));
    snprintf(code, sizeof code, "%s", out_text("token"));
    EXPECT(0, RUN(a, A("inspect"), code));
    snprintf(other, sizeof other, "%.*s", (int)strlen(code) - 1, code);
    EXPECT(5, RUN(a, A("inspect"), other));
    assert_non_null(strstr(ran.err, "cut short or mistyped"));
    snprintf(other, sizeof other, "%sA", code);
    EXPECT(5, RUN(a, A("join"), other, A("-y"), A("--json")));
    assert_non_null(strstr(ran.err, "cut short or mistyped"));
    assert_non_null(strstr(ran.err, "\"name\":\"token_malformed\""));
    EXPECT(5, RUN_IN(a, "GX1:\n", A("inspect"), A("-")));
    assert_non_null(strstr(ran.err, "cut short or mistyped"));
}

/* Ctrl-C ends the command, kill -9 the node; the request outlives both. */
/* Both sides are told so at once, and no invitation is left behind. */
static void test_six_digits_need_a_lan(void **state)
{
    (void)state;
    EXPECT(0, RUN(a, A("init"), A("--name"), A("Ann")));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0"), A("--no-lan")));
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(1, RUN(a, A("invite"), A("tea"), A("--nearby")));
    assert_non_null(strstr(ran.err, "no LAN"));
    EXPECT(1, RUN(a, A("invite"), A("tea"), A("--nearby"), A("--timeout"), A("5"), A("--json")));
    assert_non_null(strstr(ran.err, "\"name\":\"no_lan\""));
    EXPECT(0, RUN(a, A("invites"), A("--json")));
    assert_non_null(strstr(ran.out, "\"invites\":[]"));
    EXPECT(1, RUN(a, A("join"), A("--nearby"), A("482"), A("913")));
    EXPECT(1, RUN(a, A("join"), A("--nearby"), A("482913")));
    assert_non_null(strstr(ran.err, "no LAN"));
    EXPECT(2, RUN(a, A("join"), A("--nearby"), A("482a913")));
    EXPECT(2, RUN(a, A("join"), A("--nearby"), A("4829131")));
    EXPECT(2, RUN(a, A("join"), A("--nearby"), A("482913"), A("--at"), A("192.0.2.1:7447")));
    EXPECT(2, RUN(a, A("join"), A("482"), A("913")));
    EXPECT(2, RUN(a, A("invite"), A("tea"), A("--nearby"), A("--uses"), A("2")));
    EXPECT(2, RUN(a, A("invite"), A("tea"), A("--nearby"), A("--qr")));
    EXPECT(2, RUN(a, A("invite"), A("tea"), A("--timeout"), A("5")));
}

static void test_a_join_goes_on_after_whoever_asked_for_it_and_its_node_were_ended(void **state)
{
    char code[2048];
    int out;
    (void)state;

    (void)start(a, "Ann");
    pid_t node = start(b, "Bob");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("invite"), A("tea"), A("--json")));
    snprintf(code, sizeof code, "%s", out_text("token"));
    EXPECT(0, RUN(a, A("down")));

    pid_t join = spawn(b, &out, (char *[]){A("guanxi"), A("join"), code, A("-y"), NULL});
    UNTIL("joining", b, A("group"), A("list"));
    assert_int_equal(kill(join, SIGINT), 0);
    assert_int_equal(end_of(join), -SIGINT);        /* 130 in a shell */
    close(out);
    kill_and_wait(node);
    EXPECT(0, RUN(b, A("group"), A("list")));
    assert_non_null(strstr(ran.out, "joining"));
    EXPECT(0, RUN(b, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(a, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
    EXPECT(0, RUN(b, A("wait"), A("--members"), A("tea=2"), A("--timeout"), A("25")));
}

static void show_members_until(const char *dir, const char *text)
{
    UNTIL(text, dir, A("group"), A("members"), A("tea"));
}

/* Ann's group, which Bob came into by her code.  Names come after whom they are of: each then knows the other's. */
static void meet(void)
{
    char code[2048];

    (void)start(a, "Ann");
    (void)start(b, "Bob");
    EXPECT(0, RUN(a, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(a, A("invite"), A("tea"), A("--json")));
    snprintf(code, sizeof code, "%s", out_text("token"));
    EXPECT(0, RUN(b, A("join"), code, A("-y")));
    show_members_until(a, "Bob, through Ann\t");
    show_members_until(b, "Ann\t");
}

static void test_what_the_rules_do_not_allow_is_exit_4_and_whom_nobody_knows_exit_3(void **state)
{
    static const char *const acts[] = {"remove", "ban", "promote", "demote", "transfer"};
    (void)state;

    meet();
    for (size_t i = 0; i < GX_ARRAY_LEN(acts); i++) {
        const char *yes = i == 2 || i == 3 ? "--json" : "-y";
        EXPECT(4, RUN(b, A("group"), A(acts[i]), A("tea"), A("@Ann"), A("--json"), A(yes)));
        assert_non_null(strstr(ran.err, "\"name\":\"no_rank\""));
        EXPECT(3, RUN(a, A("group"), A(acts[i]), A("tea"), A("@Nobody"), A(yes)));
        assert_non_null(strstr(ran.err, "Nobody"));
        EXPECT(3, RUN(a, A("group"), A(acts[i]), A("none"), A("@Bob"), A(yes)));
    }
    EXPECT(3, RUN(a, A("group"), A("unban"), A("tea"), A("@Bob")));
    EXPECT(3, RUN(a, A("group"), A("why"), A("tea"), A("@Nobody")));
    EXPECT(3, RUN(a, A("accept"), A("tea")));
    EXPECT(3, RUN(b, A("refuse"), A("@Ann")));
    EXPECT(4, RUN(b, A("group"), A("rename"), A("tea"), A("mine"), A("--json")));
    assert_non_null(strstr(ran.err, "\"name\":\"no_rank\""));
    EXPECT(4, RUN(a, A("group"), A("leave"), A("tea"), A("--json")));
    assert_non_null(strstr(ran.err, "\"name\":\"no_rank\""));
    EXPECT(2, RUN(a, A("group"), A("remove"), A("tea"), A("@Ann"), A("-y")));
}

static void test_several_who_are_meant_are_listed(void **state)
{
    (void)state;
    meet();
    EXPECT(0, RUN(a, A("group"), A("alias"), A("tea"), A("Bob")));
    EXPECT(3, RUN(a, A("group"), A("remove"), A("tea"), A("@Bob"), A("-y")));
    char *first = strstr(ran.err, "\n  Bob  :");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "\n  Bob  :"));
}

static void test_a_ban_ends_the_invitation_and_is_shown_with_its_reason(void **state)
{
    char event[2048];
    (void)state;

    meet();
    EXPECT(0, RUN(a, A("group"), A("ban"), A("tea"), A("Bob"), A("-y"), A("--json")));
    assert_string_equal(out_text("rank"), "none");
    assert_int_equal(strlen(out_text("revoked")), 64);
    snprintf(event, sizeof event, ":%.64s", out_text("event"));
    EXPECT(0, RUN(a, A("invites")));
    assert_non_null(strstr(ran.out, "\trevoked\t"));
    EXPECT(0, RUN(a, A("group"), A("show"), A("tea")));
    assert_non_null(strstr(ran.out, "members\t1 of at most 500, up to 100 by QR code\n"));
    assert_non_null(strstr(ran.out, "changes\teverything is seen by the owner's node\n"));
    assert_non_null(strstr(ran.out, "banned\tBob :"));
    EXPECT(0, RUN(a, A("group"), A("why"), A("tea"), A("@Bob")));
    assert_non_null(strstr(ran.out, "the ban of Bob by Ann"));
    EXPECT(0, RUN(a, A("group"), A("why"), A("tea"), event, A("--json")));
    assert_string_equal(out_text("subject"), event + 1);
    EXPECT(0, RUN(a, A("group"), A("unban"), A("tea"), A("Bob")));
    assert_non_null(strstr(ran.out, "\tBob\tnone\tseen\n"));
    EXPECT(0, RUN(a, A("group"), A("show"), A("tea")));
    assert_null(strstr(ran.out, "banned"));
    EXPECT(0, RUN(a, A("down")));
    EXPECT(0, RUN(a, A("group"), A("why"), A("tea"), event));
}

/* A group changes hands only when both want it: an offer that was refused changes nothing. */
static void test_a_group_is_handed_over_by_an_offer_and_its_acceptance(void **state)
{
    (void)state;
    meet();
    EXPECT(0, RUN(a, A("group"), A("transfer"), A("tea"), A("@Bob"), A("-y"), A("--json")));
    assert_string_equal(out_text("state"), "offered");
    UNTIL_TRUE(RUN(b, A("refuse"), A("tea")) != 3);
    assert_non_null(strstr(ran.out, "\ttransfer\ttea\trefused\n"));
    EXPECT(0, RUN(b, A("requests")));
    assert_string_equal(ran.out, "");
    EXPECT(0, RUN(a, A("group"), A("show"), A("tea"), A("--json")));
    assert_string_equal(out_text("rank"), "owner");

    EXPECT(0, RUN(a, A("group"), A("transfer"), A("tea"), A("@Bob"), A("-y")));
    UNTIL("\ttransfer\ttea\tAnn\t", b, A("requests"));
    EXPECT(0, RUN(b, A("accept"), A("@Ann"), A("--json")));
    assert_string_equal(out_text("state"), "accepted");
    UNTIL("you are\towner\n", b, A("group"), A("show"), A("tea"));
    EXPECT(4, RUN(a, A("group"), A("promote"), A("tea"), A("@Bob")));
    EXPECT(0, RUN(b, A("group"), A("demote"), A("tea"), A("@Ann")));
    assert_non_null(strstr(ran.out, "\tAnn\tmember\tseen\n"));
    EXPECT(0, RUN(b, A("group"), A("rename"), A("tea"), A("green tea")));
    EXPECT(0, RUN(b, A("group"), A("show"), A("green tea")));
}

static void test_watch_tells_of_ranks_and_removals_in_sentences(void **state)
{
    char line[4096];
    int out;
    (void)state;

    meet();
    pid_t watch = spawn(a, &out, (char *[]){A("guanxi"), A("watch"), A("--since"), A("0"), NULL});
    EXPECT(0, RUN(a, A("group"), A("promote"), A("tea"), A("@Bob")));
    EXPECT(0, RUN(a, A("group"), A("remove"), A("tea"), A("@Bob"), A("-y")));
    assert_true(read_line(out, line, sizeof line) > 0);
    assert_non_null(strstr(line, "\tBob\tjoined\tBob joined, let in by Ann"));
    assert_true(read_line(out, line, sizeof line) > 0);
    assert_non_null(strstr(line, "\tBob\trank\tBob is admin now, by Ann"));
    assert_true(read_line(out, line, sizeof line) > 0);
    assert_non_null(strstr(line, "\tBob\tremoved\tBob was removed by Ann"));
    assert_int_equal(kill(watch, SIGINT), 0);
    assert_int_equal(end_of(watch), 0);
    close(out);
}

static void test_garbage_on_the_control_socket_leaves_the_node_serving(void **state)
{
    struct gx_rng_stream rng;
    (void)state;

    (void)start(a, "A");
    rng_seed(&rng, 21);
    for (unsigned i = 0; i < 40; i++) {
        uint8_t junk[5000];
        int fd = dial(a);
        gx_rng_fill(&rng.rng, junk, sizeof junk);
        (void)!send(fd, junk, sizeof junk, MSG_NOSIGNAL);
        close(fd);
    }
    EXPECT(0, RUN(a, A("status"), A("--json")));
    assert_non_null(strstr(ran.out, "control_refused"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_up_returns_when_it_is_ready_and_down_when_it_is_gone),
        T(test_a_second_node_of_a_home_exits_75_and_names_the_first),
        T(test_kill_9_leaves_nothing_that_blocks_the_next_up),
        T(test_the_port_is_kept_from_start_to_start),
        T(test_the_lan_is_looked_at_unless_told_not_to),
        T(test_each_network_has_its_mode),
        T(test_a_home_without_a_passphrase_says_so_and_is_not_locked),
        T(test_doctor_looks_at_the_listener_the_clock_and_the_lan_of_a_node_that_runs),
        T(test_doctor_knows_a_lan_with_nobody_on_it_from_one_that_is_not_heard),
        T(test_a_node_that_is_locked_does_nothing_until_the_passphrase_comes),
        T(test_passwd_changes_the_passphrase_also_while_the_node_runs),
        T(test_an_address_of_another_machine_cannot_be_listened_at),
        T(test_an_invitation_into_a_pipe_is_the_code_alone),
        T(test_two_nodes_meet_by_a_picture_and_talk),
        T(test_wait_times_out_with_6),
        T(test_a_node_in_the_foreground_stops_in_good_order_on_sigterm),
        T(test_watch_resumes_across_a_restart_of_the_node_and_loses_nothing),
        T(test_watch_answers_before_anything_happens),
        T(test_a_busy_node_says_that_it_is_busy),
        T(test_hints_can_be_pasted),
        T(test_a_text_that_cannot_be_sent_is_exit_2_wherever_it_comes_from),
        T(test_a_code_that_was_cut_short_is_not_said_to_begin_wrongly),
        T(test_six_digits_need_a_lan),
        T(test_a_join_goes_on_after_whoever_asked_for_it_and_its_node_were_ended),
        T(test_what_the_rules_do_not_allow_is_exit_4_and_whom_nobody_knows_exit_3),
        T(test_several_who_are_meant_are_listed),
        T(test_a_ban_ends_the_invitation_and_is_shown_with_its_reason),
        T(test_a_group_is_handed_over_by_an_offer_and_its_acceptance),
        T(test_watch_tells_of_ranks_and_removals_in_sentences),
        T(test_garbage_on_the_control_socket_leaves_the_node_serving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
