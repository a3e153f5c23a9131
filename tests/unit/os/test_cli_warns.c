#include "tests/unit/os/program.h"

#include <pty.h>
#include <sys/un.h>

/* What the program makes of answers that a real node gives rarely: another process sits at the home's socket and says them. */
static struct gx_home home;
static const char *dir;
static pid_t node;

#define MEI "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define BO "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"
#define CONTACT_MEI "{\"who\":\"" MEI "\",\"name\":\"Mei\",\"where\":\"@Mei\",\"state\":\"contact\",\"verified\":false,\"changed\":true}"
/* A name that would be a command, an escape sequence and a row of its own. */
#define CONTACT_EVIL "{\"who\":\"" BO "\",\"name\":\"$(id) \\u001b[31m\\n\",\"where\":\"@$(id)\",\"state\":\"contact\",\"changed\":true}"
#define WORDS "abandon ability able about above absent absorb abstract absurd abuse access accident"

static const struct reply {
    const char *method, *about, *result;        /* about: what the parameters hold; "" anything */
} replies[] = {
    {"contact.list", "", "{\"contacts\":[" CONTACT_MEI "," CONTACT_EVIL "]}"},
    {"contact.show", "@Mei", CONTACT_MEI},
    {"contact.show", "@evil", CONTACT_EVIL},
    {"contact.show", "", "{\"who\":\"" BO "\",\"name\":\"Bo\",\"where\":\"@Bo\",\"state\":\"contact\",\"verified\":true,\"changed\":false}"},
    {"contact.verify", "\"yes\":true", "{\"who\":\"" MEI "\",\"name\":\"Mei\",\"words\":\"" WORDS "\",\"verified\":true}"},
    {"contact.verify", "", "{\"who\":\"" MEI "\",\"name\":\"Mei\",\"words\":\"" WORDS "\",\"verified\":false}"},
    {"contact.remove", "", "{\"who\":\"" MEI "\",\"name\":\"Mei\",\"state\":\"removed\"}"},
    {"send", "", "{\"event\":\"" BO "\",\"seq\":7,\"state\":\"queued\"}"},
    {"group.members", "",
     "{\"members\":[{\"member\":\"" MEI "\",\"alias\":\"Ann\",\"rank\":\"owner\",\"via\":\"founder\",\"vouched\":1,\"you\":true},"
     "{\"member\":\"" BO "\",\"alias\":\"Bo\",\"rank\":\"member\",\"via\":\"qr\",\"through\":\"Ann\",\"vouched\":0,\"mark\":\"lookalike\"}]}"},
    {"group.remove", "\"yes\":true", "{\"removed\":[{\"member\":\"" BO "\",\"alias\":\"Bo\",\"event\":\"" MEI "\"}]}"},
    {"group.remove", "", "{\"would\":[{\"member\":\"" BO "\",\"alias\":\"Bo\"},{\"member\":\"" MEI "\",\"alias\":\"Mei\"}]}"},
    {"requests", "", "{\"requests\":[{\"id\":\"" MEI "\",\"kind\":\"contact\",\"from\":\"Mei\",\"mark\":\"invisible\"},"
                     "{\"id\":\"" BO "\",\"kind\":\"invite\",\"from\":\"Bo\",\"group\":\"" BO "\",\"name\":\"tea\"}]}"},
    {"inspect", "", "{\"kind\":\"card\",\"who\":\"" MEI "\",\"valid\":true}"},
};

static void answer(int fd, const char *line)
{
    json_t *root = json_loads(line, 0, NULL);
    const char *method = json_string_value(json_object_get(root, "method"));
    char *params = json_dumps(json_object_get(root, "params"), JSON_COMPACT);
    size_t i = 0;

    while (strcmp(replies[i].method, method) != 0 || (params != NULL && strstr(params, replies[i].about) == NULL))
        i++;
    dprintf(fd, "{\"jsonrpc\":\"2.0\",\"id\":%jd,\"result\":%s}\n", (intmax_t)json_integer_value(json_object_get(root, "id")), replies[i].result);
    free(params);
    json_decref(root);
}

static void serve(int listener)
{
    char line[8192];

    for (;;) {
        FILE *f = fdopen(accept(listener, NULL, NULL), "r+");
        while (f != NULL && fgets(line, sizeof line, f) != NULL)
            answer(fileno(f), line);
        if (f != NULL)
            fclose(f);
    }
}

static int make(void **state)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    (void)state;

    home_make(&home);
    dir = home.data;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%.90s/guanxi.sock", dir);
    assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(listener, 8), 0);
    node = fork();
    if (node == 0)
        serve(listener);
    close(listener);
    return node < 0;
}

static int drop(void **state)
{
    (void)state;
    kill(node, SIGKILL);
    (void)waitpid(node, NULL, 0);
    home_remove(&home);
    return 0;
}

/* On a terminal, with this typed at its first question; all that was shown stands in ran.out. */
static int run_on_terminal(const char *typed, char **argv)
{
    struct winsize size = {.ws_row = 50, .ws_col = 150};
    bool asked = false;
    int fd, status;

    memset(&ran, 0, sizeof ran);
    pid_t child = forkpty(&fd, NULL, NULL, &size);
    assert_true(child >= 0);
    if (child == 0) {
        setenv("GUANXI_HOME", dir, 1);
        setenv("TERM", "dumb", 1);
        execv(PROGRAM, argv);
        _exit(127);
    }
    for (;;) {
        struct pollfd item = {.fd = fd, .events = POLLIN};
        if (poll(&item, 1, 30000) <= 0) {
            kill(child, SIGKILL);
            fail_msg("guanxi %s hangs: %s", argv[1], ran.out);
        }
        ssize_t got = read(fd, ran.out + ran.n_out, OUTPUT_MAX - 1 - ran.n_out);
        if (got <= 0)
            break;
        ran.n_out += (size_t)got;
        if (!asked && strstr(ran.out, "[y/N]") != NULL) {
            assert_int_equal(write(fd, typed, strlen(typed)), strlen(typed));
            asked = true;
        }
    }
    close(fd);
    assert_int_equal(waitpid(child, &status, 0), child);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return ran.code;
}
#define TYPE(typed, ...) run_on_terminal(typed, (char *[]){(char[]){"guanxi"}, __VA_ARGS__, NULL})

static const char warning[] = "WARNING: the key on Mei's card is not the one it was.";

static void test_a_changed_key_is_told_wherever_the_contact_is_shown(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("contact"), A("list")));
    assert_non_null(strstr(ran.out, "Mei\t:a1a1a1a1\tcontact\t0\tKEY CHANGED!\n"));
    assert_non_null(strstr(ran.err, warning));
    EXPECT(0, RUN(dir, A("contact"), A("show"), A("@Mei"), A("-q")));
    assert_non_null(strstr(ran.out, "key\tCHANGED!\n"));
    assert_non_null(strstr(ran.err, warning));
    assert_non_null(strstr(ran.err, "guanxi contact verify @Mei\n"));
    EXPECT(0, RUN(dir, A("contact"), A("show"), A("@Bo")));
    assert_int_equal(ran.n_err, 0);
}

static void test_a_changed_key_is_told_before_a_text_goes_out(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("send"), A("@Mei"), A("hello")));
    assert_non_null(strstr(ran.err, warning));
    assert_string_equal(ran.out, "7\tqueued\n");
    EXPECT(0, RUN(dir, A("send"), A("@Bo"), A("hello")));
    assert_int_equal(ran.n_err, 0);
    EXPECT(0, RUN(dir, A("send"), A("tea"), A("hello")));
    assert_int_equal(ran.n_err, 0);
}

static void test_a_script_finds_a_changed_key_in_what_it_reads(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("send"), A("@Mei"), A("hello"), A("--json")));
    assert_non_null(strstr(ran.out, "\"changed\":true"));
    assert_int_equal(ran.n_err, 0);
    EXPECT(0, RUN(dir, A("send"), A("@Bo"), A("hello"), A("--json")));
    assert_null(strstr(ran.out, "changed"));
    EXPECT(0, RUN(dir, A("contact"), A("list"), A("--json")));
    assert_int_equal(ran.n_err, 0);
}

static void test_names_of_others_are_shown_safely_and_never_pasted(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("contact"), A("show"), A("@evil")));
    assert_null(strchr(ran.out, '\033'));
    assert_null(strchr(ran.err, '\033'));
    assert_non_null(strstr(ran.err, "guanxi contact verify :b2b2b2b2\n"));
    EXPECT(0, RUN(dir, A("contact"), A("list")));
    unsigned lines = 0;
    for (const char *p = ran.out; *p != 0; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 2);
}

static void test_words_are_compared_on_a_terminal_and_marked_by_a_yes(void **state)
{
    (void)state;
    EXPECT(0, TYPE("y\n", A("contact"), A("verify"), A("@Mei")));
    assert_non_null(strstr(ran.out, "   1 abandon      2 ability      3 able         4 about"));
    assert_non_null(strstr(ran.out, "   9 absurd      10 abuse       11 access      12 accident"));
    assert_non_null(strstr(ran.out, "Do both of you have the same words? [y/N] "));
    assert_non_null(strstr(ran.out, "Mei is verified."));
    EXPECT(1, TYPE("n\n", A("contact"), A("verify"), A("@Mei")));
    assert_null(strstr(ran.out, "is verified"));
    assert_non_null(strstr(ran.out, "Nothing was done."));
}

static void test_words_are_only_shown_where_there_is_no_terminal(void **state)
{
    (void)state;
    EXPECT(0, RUN_IN(dir, "y\n", A("contact"), A("verify"), A("@Mei")));
    assert_string_equal(ran.out, "name\tMei\nwords\t" WORDS "\nverified\tno\n");
    EXPECT(0, RUN(dir, A("contact"), A("verify"), A("@Mei"), A("-y")));
    assert_non_null(strstr(ran.out, "verified\tyes\n"));
}

static void test_who_would_go_is_shown_before_they_are_removed(void **state)
{
    (void)state;
    EXPECT(1, TYPE("\n", A("group"), A("remove"), A("tea"), A("@Bo"), A("--with-vouched")));
    assert_non_null(strstr(ran.out, "  :b2b2b2b2  Bo"));
    assert_non_null(strstr(ran.out, "  :a1a1a1a1  Mei"));
    assert_non_null(strstr(ran.out, "Remove these 2 members?"));
    assert_null(strstr(ran.out, "was removed"));
    EXPECT(0, TYPE("y\n", A("group"), A("remove"), A("tea"), A("@Bo"), A("--with-vouched")));
    assert_non_null(strstr(ran.out, "Bo was removed from tea."));
    EXPECT(0, RUN(dir, A("group"), A("remove"), A("tea"), A("@Bo"), A("--with-vouched"), A("-y")));
    assert_string_equal(ran.out, ":a1a1a1a1\t:b2b2b2b2\tBo\t\tseen\n");
}

static void test_a_contact_is_removed_after_a_yes(void **state)
{
    (void)state;
    EXPECT(1, TYPE("no\n", A("contact"), A("remove"), A("@Mei")));
    assert_non_null(strstr(ran.out, "Mei is :a1a1a1a1."));
    EXPECT(0, TYPE("yes\n", A("contact"), A("remove"), A("@Mei")));
    assert_non_null(strstr(ran.out, "Mei is your contact no more."));
}

static void test_members_show_through_whom_they_came(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("group"), A("members"), A("tea")));
    assert_string_equal(ran.out, "Ann\t:a1a1a1a1\towner\tfounder\t1\t\tyou\n"
                                 "Bo, through Ann\t:b2b2b2b2\tmember\tqr\t0\t\tlooks like another name here!\n");
}

static void test_requests_say_what_to_type_next(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("requests")));
    assert_string_equal(ran.out, ":a1a1a1a1\tcontact\t\tMei\t\thas invisible characters in the name!\n:b2b2b2b2\tinvite\ttea\tBo\t\t\n");
    EXPECT(0, TYPE("", A("requests")));
    assert_non_null(strstr(ran.out, "contact: they have your card"));
    assert_non_null(strstr(ran.out, "invite: a contact asks you into the group"));
    assert_null(strstr(ran.out, "transfer: "));
    assert_non_null(strstr(ran.out, "guanxi accept REQUEST or guanxi refuse REQUEST; after guanxi block REQUEST"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_a_changed_key_is_told_wherever_the_contact_is_shown),
        T(test_a_changed_key_is_told_before_a_text_goes_out),
        T(test_a_script_finds_a_changed_key_in_what_it_reads),
        T(test_names_of_others_are_shown_safely_and_never_pasted),
        T(test_words_are_compared_on_a_terminal_and_marked_by_a_yes),
        T(test_words_are_only_shown_where_there_is_no_terminal),
        T(test_who_would_go_is_shown_before_they_are_removed),
        T(test_a_contact_is_removed_after_a_yes),
        T(test_members_show_through_whom_they_came),
        T(test_requests_say_what_to_type_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
