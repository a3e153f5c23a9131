#include "tests/unit/os/program.h"

/* Contacts from the command line, without a node: what is asked for wrongly, and what is asked before. */
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

static void test_verbs_about_people_exit_2_when_used_wrongly(void **state)
{
    (void)state;
    EXPECT(2, RUN(dir, A("contact")));
    assert_non_null(strstr(ran.err, "add, list, show, verify, name, block, unblock, remove"));
    EXPECT(2, RUN(dir, A("contact"), A("nonsense")));
    EXPECT(2, RUN(dir, A("contact"), A("add")));
    EXPECT(2, RUN(dir, A("contact"), A("add"), A("GX1:A"), A("GX1:B")));
    EXPECT(2, RUN(dir, A("contact"), A("add"), A("GX1:A"), A("-y")));
    EXPECT(2, RUN(dir, A("contact"), A("add"), A("GX1:A"), A("--as"), A("\xff")));
    EXPECT(2, RUN(dir, A("contact"), A("list"), A("@mei")));
    EXPECT(2, RUN(dir, A("contact"), A("show")));
    EXPECT(2, RUN(dir, A("contact"), A("show"), A("\xff")));
    EXPECT(2, RUN(dir, A("contact"), A("verify"), A("@mei"), A("@bo")));
    EXPECT(2, RUN(dir, A("contact"), A("name"), A("@mei")));
    EXPECT(2, RUN(dir, A("contact"), A("name"), A("@mei"), A("Mei"), A("Chen")));
    EXPECT(2, RUN(dir, A("contact"), A("block")));
    EXPECT(2, RUN(dir, A("contact"), A("unblock"), A("@mei"), A("-y")));
    EXPECT(2, RUN(dir, A("block")));
    EXPECT(2, RUN(dir, A("profile")));
    EXPECT(2, RUN(dir, A("profile"), A("set"), A("name")));
    EXPECT(2, RUN(dir, A("profile"), A("set"), A("colour"), A("red")));
    assert_non_null(strstr(ran.err, "guanxi profile set name TEXT"));
    EXPECT(2, RUN(dir, A("profile"), A("set"), A("name"), A("")));
    EXPECT(2, RUN(dir, A("profile"), A("set"), A("name"), A("\033[31mred")));
    assert_non_null(strstr(ran.err, "with nothing that is not seen"));
    EXPECT(2, RUN(dir, A("id"), A("@mei")));
    EXPECT(2, RUN(dir, A("group"), A("reveal"), A("tea"), A("-y")));
    EXPECT(2, RUN(dir, A("group"), A("ban"), A("tea"), A("@mei"), A("--with-vouched"), A("-y")));
}

static void test_an_invitation_for_a_contact_has_no_code_to_show(void **state)
{
    static const char *const options[][2] = {{"--qr", "--quiet"}, {"--png", "x.png"}, {"--uses", "2"}};
    (void)state;

    EXPECT(2, RUN(dir, A("invite"), A("tea"), A("--for")));
    for (size_t i = 0; i < GX_ARRAY_LEN(options); i++) {
        EXPECT(2, RUN(dir, A("invite"), A("tea"), A("--for"), A("@mei"), A(options[i][0]), A(options[i][1])));
        assert_non_null(strstr(ran.err, "for a contact has no code"));
    }
}

static void test_a_picture_has_no_place_beside_json(void **state)
{
    (void)state;
    EXPECT(2, RUN(dir, A("id"), A("--png"), A("-"), A("--json")));
    assert_non_null(strstr(ran.err, "beside JSON"));
}

static void test_nothing_that_cannot_be_taken_back_is_done_where_nobody_can_be_asked(void **state)
{
    (void)state;
    EXPECT(2, RUN_IN(dir, "y\n", A("contact"), A("remove"), A("@mei")));
    assert_non_null(strstr(ran.err, "-y"));
    EXPECT(2, RUN_IN(dir, "y\n", A("group"), A("reveal"), A("tea"), A("@mei")));
    assert_non_null(strstr(ran.err, "-y"));
    EXPECT(2, RUN_IN(dir, "y\n", A("group"), A("remove"), A("tea"), A("@mei"), A("--with-vouched")));
    assert_non_null(strstr(ran.err, "-y"));
    EXPECT(2, RUN(dir, A("contact"), A("remove"), A("@mei"), A("--json")));
    assert_non_null(strstr(ran.err, "\"name\":\"usage\""));
}

static void test_help_lists_what_there_is_about_people(void **state)
{
    static const char *const lines[] = {
        "contact add CODE|PICTURE", "contact list", "contact show WHO", "contact verify WHO", "contact name WHO PETNAME",
        "contact block WHO|:REQUEST", "contact unblock WHO", "contact remove WHO", "block WHO|:REQUEST", "profile set name TEXT",
        "group reveal GROUP WHO",
    };
    (void)state;

    EXPECT(0, RUN(dir, A("help")));
    assert_non_null(strstr(ran.out, "\nPeople\n"));
    for (size_t i = 0; i < GX_ARRAY_LEN(lines); i++)
        if (strstr(ran.out, lines[i]) == NULL)
            fail_msg("help does not list: %s", lines[i]);
}

/* One option means one thing to each command: --as names oneself to a group, and a contact to oneself. */
static void test_help_of_a_command_shows_its_own_options(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("help"), A("contact"), A("add")));
    assert_non_null(strstr(ran.out, "--as PETNAME"));
    assert_null(strstr(ran.out, "ALIAS"));
    assert_non_null(strstr(ran.out, "--at ADDR:PORT"));
    EXPECT(0, RUN(dir, A("help"), A("join")));
    assert_non_null(strstr(ran.out, "--as ALIAS"));
    assert_null(strstr(ran.out, "PETNAME"));
    EXPECT(0, RUN(dir, A("contact"), A("-h")));
    assert_non_null(strstr(ran.out, "guanxi contact verify WHO"));
    EXPECT(0, RUN(dir, A("contact"), A("verify"), A("--help")));
    assert_non_null(strstr(ran.out, "-y, --yes"));
    EXPECT(0, RUN(dir, A("invite"), A("-h")));
    assert_non_null(strstr(ran.out, "--for WHO"));
    EXPECT(0, RUN(dir, A("id"), A("-h")));
    assert_non_null(strstr(ran.out, "--png FILE"));
    EXPECT(0, RUN(dir, A("help"), A("group"), A("remove")));
    assert_non_null(strstr(ran.out, "--with-vouched"));
}

static void test_what_needs_the_node_exits_69(void **state)
{
    (void)state;
    EXPECT(0, RUN(dir, A("init"), A("--name"), A("Ann")));
    EXPECT(69, RUN(dir, A("contact"), A("name"), A("@mei"), A("Mei")));
    assert_non_null(strstr(ran.err, "guanxi up"));
    EXPECT(69, RUN(dir, A("contact"), A("block"), A("@mei")));
    EXPECT(69, RUN(dir, A("block"), A("@mei")));
    EXPECT(69, RUN(dir, A("contact"), A("unblock"), A("@mei")));
    EXPECT(69, RUN(dir, A("contact"), A("remove"), A("@mei"), A("-y")));
    EXPECT(69, RUN(dir, A("group"), A("reveal"), A("tea"), A("@mei"), A("-y")));
    EXPECT(69, RUN(dir, A("group"), A("remove"), A("tea"), A("@mei"), A("--with-vouched"), A("-y")));
    EXPECT(69, RUN(dir, A("invite"), A("tea"), A("--for"), A("@mei"), A("--expires"), A("1h")));
    EXPECT(69, RUN(dir, A("profile"), A("set"), A("name"), A("Anna")));
}

static void test_what_is_no_card_is_told_by_what_it_is(void **state)
{
    const struct {
        const char *given, *said;
    } cases[] = {
        {"nosuch.png", "there is no file nosuch.png"},
        {"caf\xe9.png", "there is no file caf"},
        {"", "this argument is empty"},
        {dir, "is no file"},
        {"GX1:AIAAAA", "cut short or mistyped"},
    };
    (void)state;

    EXPECT(0, RUN(dir, A("init"), A("--name"), A("Ann")));
    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        EXPECT(5, RUN(dir, A("contact"), A("add"), A(cases[i].given)));
        if (strstr(ran.err, cases[i].said) == NULL)
            fail_msg("%s: %s", cases[i].given, ran.err);
    }
    EXPECT(5, RUN_IN(dir, "", A("contact"), A("add"), A("-"), A("--json")));
    assert_non_null(strstr(ran.err, "\"name\":\"token_malformed\""));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_verbs_about_people_exit_2_when_used_wrongly),
        T(test_an_invitation_for_a_contact_has_no_code_to_show),
        T(test_a_picture_has_no_place_beside_json),
        T(test_nothing_that_cannot_be_taken_back_is_done_where_nobody_can_be_asked),
        T(test_help_lists_what_there_is_about_people),
        T(test_help_of_a_command_shows_its_own_options),
        T(test_what_needs_the_node_exits_69),
        T(test_what_is_no_card_is_told_by_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
