#include "tests/unit/os/program.h"

/* People by the program alone: three nodes, cards as pictures. */
static struct gx_home home;
static char ann[GX_PATH_MAX + 8], mei[GX_PATH_MAX + 8], bo[GX_PATH_MAX + 8], png[GX_PATH_MAX + 16];

static int make(void **state)
{
    (void)state;
    home_make(&home);
    snprintf(ann, sizeof ann, "%s/a", home.data);
    snprintf(mei, sizeof mei, "%s/m", home.data);
    snprintf(bo, sizeof bo, "%s/b", home.data);
    snprintf(png, sizeof png, "%s/card.png", home.data);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    (void)RUN(ann, A("down"));
    (void)RUN(mei, A("down"));
    (void)RUN(bo, A("down"));
    home_remove(&home);
    return 0;
}

static void start(const char *dir, const char *name)
{
    EXPECT(0, RUN(dir, A("init"), A("--name"), A(name)));
    EXPECT(0, RUN(dir, A("up"), A("-d"), A("--listen"), A("127.0.0.1:0")));
}

/* `from` scans the card of `to`, who says yes. */
static void meet(const char *from, const char *from_name, const char *to, const char *to_name)
{
    char at[80], to_at[80];

    snprintf(at, sizeof at, "@%s", from_name);
    snprintf(to_at, sizeof to_at, "@%s", to_name);
    EXPECT(0, RUN(to, A("id"), A("--png"), png));
    EXPECT(0, RUN(from, A("contact"), A("add"), png));
    UNTIL("contact", to, A("requests"));
    EXPECT(0, RUN(to, A("accept"), at));
    assert_non_null(strstr(ran.out, "accepted"));
    UNTIL("\"state\":\"contact\"", from, A("contact"), A("show"), to_at, A("--json"));
    UNTIL("\"state\":\"contact\"", to, A("contact"), A("show"), at, A("--json"));
}

static void test_a_card_is_shown_as_an_invitation_is(void **state)
{
    (void)state;
    start(ann, "Ann");
    EXPECT(0, RUN(ann, A("id"), A("--qr")));
    assert_int_equal(strncmp(ran.out, "GX1:", 4), 0);
    assert_ptr_equal(strchr(ran.out, '\n'), ran.out + ran.n_out - 1);
    assert_true(ran.n_err > 1000);      /* the picture */
    assert_null(strstr(ran.err, "where you can be reached"));
    EXPECT(0, RUN(ann, A("id"), A("--png"), A("-")));
    assert_memory_equal(ran.out, "\x89PNG", 4);
    EXPECT(0, RUN(ann, A("id"), A("--png"), png, A("--json")));
    assert_string_equal(out_text("png"), png);
    assert_int_equal(strncmp(out_text("card"), "GX1:", 4), 0);
    EXPECT(0, RUN(ann, A("inspect"), png, A("--json")));
    assert_string_equal(out_text("kind"), "card");
    assert_int_equal(strlen(out_text("who")), 64);
    EXPECT(1, RUN(ann, A("contact"), A("add"), png));
    assert_non_null(strstr(ran.err, "your own card"));
    EXPECT(0, RUN(ann, A("down")));
    EXPECT(0, RUN(ann, A("id"), A("--qr")));
    assert_non_null(strstr(ran.err, "your node is not running"));
}

static void test_a_card_and_an_invitation_are_told_apart(void **state)
{
    char code[2048];
    (void)state;

    start(ann, "Ann");
    EXPECT(0, RUN(ann, A("group"), A("new"), A("tea")));
    EXPECT(0, RUN(ann, A("invite"), A("tea"), A("--json")));
    snprintf(code, sizeof code, "%s", out_text("token"));
    EXPECT(2, RUN(ann, A("contact"), A("add"), code));
    assert_non_null(strstr(ran.err, "guanxi join"));
    EXPECT(0, RUN(ann, A("id"), A("--json")));
    snprintf(code, sizeof code, "%s", out_text("card"));
    EXPECT(2, RUN(ann, A("join"), code, A("-y")));
    assert_non_null(strstr(ran.err, "guanxi contact add"));
    code[strlen(code) - 1] = 0;
    EXPECT(5, RUN(ann, A("contact"), A("add"), code));
    assert_non_null(strstr(ran.err, "cut short or mistyped"));
}

static void test_two_people_meet_by_a_card_talk_and_compare_words(void **state)
{
    char words[2048];
    (void)state;

    start(ann, "Ann");
    start(mei, "Mei");
    meet(ann, "Ann", mei, "Mei");
    EXPECT(0, RUN(ann, A("send"), A("@Mei"), A("the kettle is on")));
    EXPECT(0, RUN(mei, A("wait"), A("--count"), A("@Ann=1")));
    EXPECT(0, RUN(mei, A("read"), A("@Ann"), A("--json")));
    assert_string_equal(out_text("text"), "the kettle is on");

    EXPECT(0, RUN(ann, A("contact"), A("verify"), A("@Mei"), A("--json")));
    snprintf(words, sizeof words, "%s", out_text("words"));
    EXPECT(0, RUN(mei, A("contact"), A("verify"), A("@Ann"), A("-y"), A("--json")));
    assert_string_equal(out_text("words"), words);
    EXPECT(0, RUN(mei, A("contact"), A("list")));
    assert_non_null(strstr(ran.out, "verified"));
    EXPECT(0, RUN(ann, A("contact"), A("list")));
    assert_null(strstr(ran.out, "verified"));

    EXPECT(0, RUN(ann, A("contact"), A("name"), A("@Mei"), A("Mei from work")));
    EXPECT(0, RUN(ann, A("send"), A("@Mei from work"), A("and tea")));
    EXPECT(0, RUN(mei, A("profile"), A("set"), A("name"), A("Mei L")));
    UNTIL("their name\tMei L\n", ann, A("contact"), A("show"), A("@Mei from work"));
    EXPECT(0, RUN(ann, A("contact"), A("name"), A("@Mei from work"), A("")));
    assert_non_null(strstr(ran.out, "\tMei L\n"));
}

static void test_a_contact_is_invited_and_reveals_which_member_it_is(void **state)
{
    (void)state;
    start(ann, "Ann");
    start(mei, "Mei");
    start(bo, "Bo");
    meet(ann, "Ann", mei, "Mei");
    meet(bo, "Bo", mei, "Mei");
    EXPECT(0, RUN(ann, A("group"), A("new"), A("tea"), A("--qr-max"), A("0")));
    EXPECT(0, RUN(ann, A("invite"), A("tea"), A("--for"), A("@Mei"), A("--expires"), A("1h"), A("--json")));
    assert_string_equal(out_text("state"), "sent");
    UNTIL("invite\ttea\tAnn\t", mei, A("requests"));
    EXPECT(0, RUN(mei, A("accept"), A("tea")));
    EXPECT(0, RUN(mei, A("wait"), A("--members"), A("tea=2")));
    EXPECT(0, RUN(ann, A("wait"), A("--members"), A("tea=2")));
    UNTIL("\"state\":\"member\"", mei, A("group"), A("show"), A("tea"), A("--json"));
    EXPECT(0, RUN(mei, A("invite"), A("tea"), A("--for"), A("@Bo")));
    UNTIL("invite\ttea\tMei\t", bo, A("requests"));
    EXPECT(0, RUN(bo, A("accept"), A("tea")));
    EXPECT(0, RUN(ann, A("wait"), A("--members"), A("tea=3")));
    UNTIL("Mei, through Ann\t", ann, A("group"), A("members"), A("tea"));      /* their names come behind their admissions */
    UNTIL("Bo, through Mei\t", ann, A("group"), A("members"), A("tea"));

    /* Ann knows Bo, and that some Bo is in her group; that it is the same one is Bo's to tell. */
    meet(bo, "Bo", ann, "Ann");
    EXPECT(0, RUN(ann, A("contact"), A("show"), A("@Bo")));
    assert_null(strstr(ran.out, "member of"));
    UNTIL("\"state\":\"member\"", bo, A("group"), A("show"), A("tea"), A("--json"));
    EXPECT(0, RUN(bo, A("group"), A("reveal"), A("tea"), A("@Ann"), A("-y")));
    UNTIL("member of\ttea ", ann, A("contact"), A("show"), A("@Bo"));

    EXPECT(0, RUN(ann, A("group"), A("remove"), A("tea"), A("@Mei"), A("--with-vouched"), A("-y"), A("--json")));
    EXPECT(0, RUN(ann, A("wait"), A("--members"), A("tea=1")));
}

static void test_who_is_blocked_waits_for_no_answer(void **state)
{
    (void)state;
    start(ann, "Ann");
    start(bo, "Bo");
    EXPECT(0, RUN(ann, A("id"), A("--png"), png));
    EXPECT(0, RUN(bo, A("contact"), A("add"), png, A("--as"), A("Annie")));
    EXPECT(0, RUN(bo, A("contact"), A("list")));
    assert_int_equal(strncmp(ran.out, "Annie\t", 6), 0);
    UNTIL("contact", ann, A("requests"));
    EXPECT(0, RUN(ann, A("block"), A("@Bo")));
    EXPECT(0, RUN(ann, A("requests"), A("--json")));
    assert_string_equal(ran.out, "{\"requests\":[]}\n");
    EXPECT(0, RUN(ann, A("contact"), A("list")));
    assert_non_null(strstr(ran.out, "blocked"));
    EXPECT(0, RUN(ann, A("contact"), A("unblock"), A("@Bo")));
    EXPECT(0, RUN(ann, A("refuse"), A("@Bo")));
    EXPECT(3, RUN(ann, A("accept"), A("@Bo")));
    EXPECT(3, RUN(ann, A("contact"), A("show"), A("@nobody")));
    assert_non_null(strstr(ran.err, "guanxi contact list"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        T(test_a_card_is_shown_as_an_invitation_is),
        T(test_a_card_and_an_invitation_are_told_apart),
        T(test_two_people_meet_by_a_card_talk_and_compare_words),
        T(test_a_contact_is_invited_and_reveals_which_member_it_is),
        T(test_who_is_blocked_waits_for_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
