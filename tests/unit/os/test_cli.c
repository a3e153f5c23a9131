#include "tests/unit/os/program.h"

/* The program without a running node. */
static struct gx_home home;
static const char *dir;

static int make(void **state)
{
    (void)state;
    home_make(&home);
    dir = home.data;
    return 0;
}

static int drop(void **state)
{
    (void)state;
    home_remove(&home);
    return 0;
}

static void path_of(char out[GX_PATH_MAX], const char *name)
{
    gx_home_path(out, &home, name);
}

static void test_bare_guanxi_says_what_to_do_first(void **state)
{
    (void)state;
    EXPECT(0, run_argv(dir, NULL, (char *[]){A("guanxi"), NULL}));
    assert_non_null(strstr(ran.out, "guanxi init"));
}

static void test_without_an_identity_verbs_exit_3_and_name_init(void **state)
{
    static const char *const verbs[] = {"status", "id", "read", "up", "invites"};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(verbs); i++) {
        EXPECT(3, RUN(dir, A(verbs[i])));
        assert_non_null(strstr(ran.err, "guanxi init"));
    }
}

static void test_init_without_a_terminal_puts_the_words_into_a_file_and_nowhere_else(void **state)
{
    char path[GX_PATH_MAX], words[256] = "";
    struct stat st;
    (void)state;

    EXPECT(0, RUN(dir, A("init"), A("--name"), A("Mei"), A("--json")));
    assert_int_equal(strlen(out_text("id")), 64);
    assert_string_equal(out_text("name"), "Mei");
    assert_non_null(strstr(ran.err, "recovery-words.txt"));

    path_of(path, "recovery-words.txt");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777u, 0600);
    FILE *f = fopen(path, "r");
    assert_non_null(fgets(words, sizeof words, f));
    fclose(f);
    unsigned blanks = 0;
    for (const char *p = words; *p != 0; p++)
        blanks += *p == ' ';
    assert_int_equal(blanks, 23);
    words[strcspn(words, " ")] = 0;
    assert_null(strstr(ran.out, words));
    path_of(path, "vault");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777u, 0600);
}

static void test_init_needs_a_name_and_happens_once(void **state)
{
    (void)state;
    EXPECT(2, RUN(dir, A("init")));
    EXPECT(2, RUN(dir, A("init"), A("--name"), A("")));
    EXPECT(2, RUN(dir, A("init"), A("--name"), A("a\nb")));
    EXPECT(2, RUN(dir, A("init"), A("--name"), A("\xff")));
    EXPECT(0, RUN(dir, A("init"), A("--name"), A("Mei")));
    EXPECT(1, RUN(dir, A("init"), A("--name"), A("Mei")));
    assert_non_null(strstr(ran.err, "already"));
}

static void test_errors_have_the_same_code_with_json_and_stand_on_stderr(void **state)
{
    (void)state;
    EXPECT(3, RUN(dir, A("--json"), A("status")));
    assert_int_equal(ran.n_out, 0);
    json_t *root = json_loads(ran.err, 0, NULL), *error = json_object_get(root, "error");
    assert_int_equal(json_integer_value(json_object_get(error, "code")), 3);
    assert_string_equal(json_string_value(json_object_get(error, "name")), "no_identity");
    assert_non_null(json_object_get(error, "message"));
    assert_non_null(json_object_get(error, "hint"));
    json_decref(root);
}

static void test_json_spells_out_what_a_terminal_obeys_or_hides(void **state)
{
    static const char *const word = "caf\u00e9\x7f\xc2\x9b" "2J\u202e\U000e0041\U0001f375\ufffd";
    (void)state;

    EXPECT(2, RUN(dir, A("--json"), A(word)));
    assert_non_null(strstr(ran.err, "caf\u00e9\\u007F\\u009B2J\\u202E\\uDB40\\uDC41\U0001f375\ufffd"));

    json_t *root = json_loads(ran.err, 0, NULL);
    assert_non_null(strstr(json_string_value(json_object_get(json_object_get(root, "error"), "message")), word));
    json_decref(root);
}

static void test_globals_stand_before_between_and_after(void **state)
{
    char other[GX_PATH_MAX + 8];
    (void)state;

    snprintf(other, sizeof other, "%s/x", dir);
    EXPECT(0, RUN(dir, A("--home"), other, A("init"), A("--name"), A("X")));
    EXPECT(0, RUN(dir, A("group"), A("--home"), other, A("list"), A("--json")));
    assert_string_equal(ran.out, "{\"groups\":[]}\n");
    EXPECT(0, RUN(dir, A("id"), A("--json"), A("--home"), other));
    assert_string_equal(out_text("name"), "X");
    EXPECT(2, RUN(dir, A("--home"), other, A("-P"), A("y"), A("id")));
}

static void test_usage_errors_exit_2(void **state)
{
    (void)state;
    EXPECT(2, RUN(dir, A("nonsense")));
    EXPECT(2, RUN(dir, A("group")));
    EXPECT(2, RUN(dir, A("group"), A("nonsense")));
    EXPECT(2, RUN(dir, A("group"), A("new")));
    EXPECT(2, RUN(dir, A("group"), A("why"), A("tea")));
    EXPECT(2, RUN(dir, A("group"), A("ban"), A("tea"), A("-y")));
    EXPECT(2, RUN(dir, A("group"), A("promote"), A("tea"), A("@mei"), A("-y")));
    EXPECT(2, RUN(dir, A("group"), A("rename"), A("green"), A("tea"), A("house")));
    EXPECT(2, RUN(dir, A("accept")));
    EXPECT(2, RUN(dir, A("requests"), A("tea")));
    EXPECT(2, RUN(dir, A("status"), A("extra")));
    EXPECT(2, RUN(dir, A("status"), A("--nonsense")));
    EXPECT(2, RUN(dir, A("--home")));
    EXPECT(2, RUN(dir, A("read"), A("-n"), A("x")));
    EXPECT(2, RUN(dir, A("read"), A("--since"), A("-1")));
    EXPECT(2, RUN(dir, A("invite"), A("g"), A("--expires"), A("7")));
    EXPECT(2, RUN(dir, A("invite"), A("g"), A("--expires"), A("99999999999d")));
    EXPECT(2, RUN(dir, A("wait"), A("--members"), A("tea")));
    EXPECT(2, RUN(dir, A("wait"), A("--count"), A("tea=x")));
    EXPECT(2, RUN(dir, A("peer"), A("add"), A("nowhere")));
    EXPECT(2, RUN(dir, A("call"), A("status"), A("{")));
    EXPECT(2, RUN(dir, A("help"), A("nonsense")));
    EXPECT(2, RUN(dir, A("send"), A("tea"), A("\xff")));
}

static void test_no_question_is_asked_where_nobody_can_answer(void **state)
{
    static const char *const acts[] = {"remove", "ban", "transfer"};
    (void)state;

    EXPECT(2, RUN(dir, A("join"), A("GX1:AAAA")));
    assert_non_null(strstr(ran.err, "-y"));
    for (size_t i = 0; i < GX_ARRAY_LEN(acts); i++) {
        EXPECT(2, RUN_IN(dir, "y\n", A("group"), A(acts[i]), A("tea"), A("@mei")));
        assert_non_null(strstr(ran.err, "-y"));
        EXPECT(2, RUN(dir, A("group"), A(acts[i]), A("tea"), A("@mei"), A("--json")));
        assert_non_null(strstr(ran.err, "\"name\":\"usage\""));
    }
}

/* Words of the law and of the wire are for those who look inside. */
static void test_help_uses_no_word_that_only_the_specification_explains(void **state)
{
    static const char *const words[] = {"epoch", "mainline", "incarnation", "settled", "voucher"};
    (void)state;

    EXPECT(0, RUN(dir, A("help")));
    for (size_t i = 0; i < GX_ARRAY_LEN(words); i++)
        assert_null(strstr(ran.out, words[i]));
}

static void test_help_and_version_need_no_home(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("help")));
    assert_non_null(strstr(ran.out, "group members"));
    EXPECT(0, RUN(dir, A("help"), A("group")));
    assert_non_null(strstr(ran.out, "--qr-max"));
    EXPECT(0, RUN(dir, A("invite"), A("-h")));
    assert_non_null(strstr(ran.out, "--expires"));
    EXPECT(0, RUN(dir, A("--version")));
    assert_int_equal(strncmp(ran.out, "guanxi ", 7), 0);
}

/* A code, a file of one, a picture: what it is that was given, and what is wrong with it. */
static void test_what_is_no_code_is_told_by_what_it_is(void **state)
{
    char empty[GX_PATH_MAX], fifo[GX_PATH_MAX], text[GX_PATH_MAX], png[GX_PATH_MAX];
    const struct {
        const char *given, *said;
    } cases[] = {
        {"nosuch.png", "there is no file nosuch.png"},
        {"some/where", "there is no file some/where"},
        {"hello", "there is no file hello"},
        {"hello", "no code either: those begin with GX1:"},
        {"caf\xe9.png", "there is no file caf"},
        {empty, "is empty"},
        {fifo, "is no file"},
        {dir, "is no file"},
        {"/dev/zero", "is no file"},
        {text, "no code"},
        {png, "cannot be read as a picture"},
        {"", "this argument is empty"},
        {"GX1:AAAA", "cut short or mistyped"},
        {"gx1:aaaa", "cut short or mistyped"},
    };
    (void)state;

    path_of(empty, "empty.png");
    path_of(fifo, "fifo");
    path_of(text, "text");
    path_of(png, "bad.png");
    EXPECT(0, RUN(dir, A("init"), A("--name"), A("Mei")));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(gx_file_replace(&home, "empty.png", (uint8_t *)text, 0, NULL), GX_OK);
    assert_int_equal(gx_file_replace(&home, "text", (uint8_t *)text, strlen(text), NULL), GX_OK);
    assert_int_equal(gx_file_replace(&home, "bad.png", (uint8_t[]){0x89, 'P', 'N', 'G', 'x'}, 5, NULL), GX_OK);
    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        EXPECT(5, RUN(dir, A("inspect"), A(cases[i].given)));
        if (strstr(ran.err, cases[i].said) == NULL)
            fail_msg("%s: %s", cases[i].given, ran.err);
        EXPECT(5, RUN(dir, A("inspect"), A(cases[i].given), A("--json")));
        assert_non_null(strstr(ran.err, "\"name\":\"token_malformed\""));
        EXPECT(5, RUN(dir, A("join"), A("-y"), A(cases[i].given)));
    }
    EXPECT(5, RUN_IN(dir, "", A("inspect"), A("-")));
    assert_non_null(strstr(ran.err, "standard input is empty"));
    assert_int_equal(chmod(text, 0), 0);
    if (access(text, R_OK) != 0) {
        EXPECT(74, RUN(dir, A("inspect"), text));
        assert_non_null(strstr(ran.err, "Permission denied"));
    }
}

static void test_with_the_node_down_one_can_still_look(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("init"), A("--name"), A("Mei")));
    EXPECT(0, RUN(dir, A("status"), A("--json")));
    json_t *root = json_loads(ran.out, 0, NULL);
    assert_true(json_is_null(json_object_get(root, "node")));
    json_decref(root);
    EXPECT(0, RUN(dir, A("read"), A("--json")));
    assert_string_equal(ran.out, "");
    EXPECT(0, RUN(dir, A("invites"), A("--json")));
    EXPECT(0, RUN(dir, A("requests"), A("--json")));
    assert_string_equal(ran.out, "{\"requests\":[]}\n");
    EXPECT(3, RUN(dir, A("group"), A("why"), A("tea"), A("@mei")));
    EXPECT(3, RUN(dir, A("group"), A("show"), A("tea")));
    EXPECT(5, RUN(dir, A("inspect"), A("GX1:AAAA"), A("--json")));
    assert_non_null(strstr(ran.out, "\"valid\":false"));
}

static void test_what_needs_the_node_exits_69_and_names_up(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("init"), A("--name"), A("Mei")));
    EXPECT(69, RUN(dir, A("send"), A("tea"), A("hello")));
    assert_non_null(strstr(ran.err, "guanxi up"));
    EXPECT(69, RUN(dir, A("group"), A("new"), A("tea")));
    EXPECT(69, RUN(dir, A("group"), A("remove"), A("tea"), A("@mei"), A("-y")));
    EXPECT(69, RUN(dir, A("group"), A("alias"), A("tea"), A("")));
    EXPECT(69, RUN(dir, A("accept"), A("tea")));
    EXPECT(69, RUN(dir, A("down")));
    EXPECT(69, RUN(dir, A("watch")));
    EXPECT(69, RUN(dir, A("wait"), A("--json")));
    assert_non_null(strstr(ran.err, "\"code\":69"));
}

static void test_a_damaged_vault_is_named(void **state)
{
    char path[GX_PATH_MAX];
    (void)state;

    EXPECT(0, RUN(dir, A("init"), A("--name"), A("Mei")));
    path_of(path, "vault");
    FILE *f = fopen(path, "r+b");
    fseek(f, 60, SEEK_SET);
    int c = fgetc(f);
    fseek(f, 60, SEEK_SET);
    fputc(c ^ 0x10, f);
    fclose(f);
    EXPECT(74, RUN(dir, A("id")));
    assert_non_null(strstr(ran.err, "vault"));
    EXPECT(74, RUN(dir, A("up"), A("-d")));
    EXPECT(1, RUN(dir, A("init"), A("--name"), A("Again")));
}

static void test_a_store_that_is_no_store_is_named(void **state)
{
    char path[GX_PATH_MAX];
    (void)state;

    EXPECT(0, RUN(dir, A("init"), A("--name"), A("Mei")));
    path_of(path, "store.mdb");
    assert_int_equal(truncate(path, 100), 0);
    EXPECT(74, RUN(dir, A("status")));
    EXPECT(74, RUN(dir, A("up"), A("-d")));
    assert_non_null(strstr(ran.err, "store"));
}

static void test_settings_show_where_they_come_from(void **state)
{
    char line[] = "# x\nlisten = 127.0.0.1:7001\n", bad[] = "\nfoo = 1\n";
    (void)state;

    EXPECT(0, RUN(dir, A("config")));
    assert_non_null(strstr(ran.out, "listen\t[::]:7447\tdefault\n"));
    assert_non_null(strstr(ran.out, "lan\ton\tdefault\n"));
    assert_int_equal(gx_file_replace(&home, "guanxi.conf", (uint8_t *)line, strlen(line), NULL), GX_OK);
    EXPECT(0, RUN(dir, A("config")));
    assert_non_null(strstr(ran.out, "listen\t127.0.0.1:7001\t"));
    assert_non_null(strstr(ran.out, "guanxi.conf:2\n"));
    assert_int_equal(gx_file_replace(&home, "guanxi.conf", (uint8_t *)bad, strlen(bad), NULL), GX_OK);
    EXPECT(2, RUN(dir, A("config")));
    assert_non_null(strstr(ran.err, "guanxi.conf:2: "));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_bare_guanxi_says_what_to_do_first),
        T(test_without_an_identity_verbs_exit_3_and_name_init),
        T(test_init_without_a_terminal_puts_the_words_into_a_file_and_nowhere_else),
        T(test_init_needs_a_name_and_happens_once),
        T(test_errors_have_the_same_code_with_json_and_stand_on_stderr),
        T(test_json_spells_out_what_a_terminal_obeys_or_hides),
        T(test_globals_stand_before_between_and_after),
        T(test_usage_errors_exit_2),
        T(test_no_question_is_asked_where_nobody_can_answer),
        T(test_help_uses_no_word_that_only_the_specification_explains),
        T(test_help_and_version_need_no_home),
        T(test_what_is_no_code_is_told_by_what_it_is),
        T(test_with_the_node_down_one_can_still_look),
        T(test_what_needs_the_node_exits_69_and_names_up),
        T(test_a_damaged_vault_is_named),
        T(test_a_store_that_is_no_store_is_named),
        T(test_settings_show_where_they_come_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
