/* Scenario files: what is read, what is refused and where, and that what is expected can fail. */
#include "tests/sim/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void refused_bytes(const char *text, size_t n, uint32_t line, uint32_t column, const char *says)
{
    struct gx_scenario scn;
    char why[300];
    uint32_t at_line = 0, at_column = 0;

    if (gx_scn_read(&scn, text, n, why, &at_line, &at_column))
        fail_msg("was read: %s", text);
    if (at_line != line || at_column != column || strstr(why, says) == NULL)
        fail_msg("%u:%u: %s, for: %s", at_line, at_column, why, text);
    gx_scn_free(&scn);
}

static void refused(const char *text, uint32_t line, uint32_t column, const char *says)
{
    refused_bytes(text, strlen(text), line, column, says);
}

static void test_what_makes_no_sense_is_refused_with_its_place_and_what_is_known(void **s)
{
    (void)s;
    refused("", 1, 1, "no nodes");
    refused("nodes ann\nfoo", 2, 1, "nodes island link at expect");
    refused("nodes ann ann", 1, 11, "already");
    refused("nodes k[1..50000]", 1, 7, "k[1..40]");
    refused("nodes k[4..2]", 1, 7, "k[1..40]");
    refused("nodes ann\nat 0s bob creates tea", 2, 7, "known: ann");
    refused("nodes ann\nat -5s ann creates tea", 2, 4, "before the beginning");
    refused("nodes ann\nat 5 ann creates tea", 2, 4, "no time");
    refused("nodes ann\nat 5s", 2, 6, "who does what");
    refused("nodes ann bob\nat 0s bob joins tea", 2, 17, "known: none");
    refused("nodes ann bob\nat 5s ann creates tea\nat 1s ann shows qr of tea", 3, 4, "not there yet");
    refused("nodes ann bob\nat 5s ann creates tea\nat 6s bob joins tea", 3, 4, "shown a QR code");
    refused("nodes ann\nat 0s ann dances", 2, 11, "creates shows revokes join");
    refused("nodes ann\nat 0s ann turns sour", 2, 17, "equivocator backdater");
    refused("nodes ann bob\nat 0s ann bob creates tea", 2, 15, "what one node does");
    refused("nodes ann bob k[1..3]\nat 0s ann bob scan k[1..3]", 2, 20, "as many on both sides");
    refused("nodes ann\nat 0s ann turns colluder", 2, 4, "with somebody else");
    refused("nodes ann\nat 0s ann turns colluder with ann", 2, 4, "with somebody else");
    refused("nodes ann bob\nat 0s ann turns talker with bob", 2, 4, "no other liar");
    refused("nodes ann\nat 0s ann disk fuller", 2, 16, "disk full for 10s");
    refused("nodes ann\nisland home ann\nat 0s flap home | elsewhere every 0s", 3, 35, "every 2s");
    refused("nodes ann bob\nat 0s ann creates tea\nat 1s ann shows qr of tea\nat 2s bob joins tea by qr of bob", 4, 4, "never has shown");
    refused("nodes ann bob\nat 0s ann creates tea\nat 1s ann shows qr of tea\nat 2s bob joins tea by digits of ann", 4, 4, "shows digits of tea");
    refused("nodes ann bob\nat 0s ann creates tea\nat 1s ann shows digits of tea\nat 2s bob joins tea by qr of ann", 4, 4, "shows qr of tea");
    refused("nodes ann bob\nat 0s ann creates tea\nat 1s ann shows digits of tea\nat 2s bob joins tea by wrong qr of ann", 4, 30, "'digits' belongs");
    refused("nodes ann\nisland home ann\nisland home ann", 3, 8, "already");
    refused("nodes ann\nlink all loss nan%", 2, 15, "not like 5%");
    refused("nodes ann\nat 0s ann creates tea cap 501", 2, 27, "2 to 500");
    refused("nodes ann\nat 0s ann creates tea\nexpect soon same state in tea", 3, 8, "by 60s, at end, never");
    refused("nodes ann\nat 0s ann creates tea\nexpect by 5s delivered tea = 100%", 3, 24, "at the end");
    refused("nodes ann\nat 0s ann creates tea\nexpect at end members of tea < 5", 3, 30, "= <= >=");
    refused("nodes ann\nlink all 5g", 2, 10, "lan wifi 3g");
    refused("nodes ann\nlink all loss 95%", 2, 15, "0% to 90%");
    refused("nodes ann\nisland home bob", 2, 13, "known: ann");
    refused("nodes ann\nisland home ann\nat 1s partition home | hom", 3, 24, "known: elsewhere home");
}

static void test_what_cannot_be_meant_is_refused(void **s)
{
    (void)s;
    refused("nodes ann\nat 0s ann creates tea cap 5 qr 6", 2, 32, "at most the cap, which is 5");
    refused("nodes ann\nat 0s ann creates tea\nat 1s ann shows qr of tea for 59s", 3, 31, "60s to 8760h");
    refused("nodes ann\nat 0s ann creates tea\nat 1s ann shows digits of tea for 11m", 3, 35, "1s to 600s");
    refused("nodes ann\nat 0s ann creates tea\nat 1s ann shows qr of tea uses 0 at 2s heal", 3, 32, "1 to 255");
    refused("nodes ann bob\nisland home ann\nisland cafe ann bob", 3, 13, "ann is on 'home' already");
    refused("nodes ann bob\nisland home ann ann", 2, 17, "ann is on 'home' already");
    refused("nodes ann\nat 0s ann creates tea\nexpect at end delivered tea = 101%", 3, 31, "0% to 100%");
    refused("nodes ann\nat 0s ann creates tea\nexpect at end delivered tea >= 99.5%\nat 1s heal", 3, 32, "whole ones");
    refused("nodes ann\nat 0s ann creates tea\nexpect by 5s repeated tea = 0%", 3, 23, "at the end");
    refused("nodes ann\nat 0s ann creates tea\nexpect at end pushed tea >= 1001%", 3, 29, "whole ones");
    refused("nodes ann\nlink all delay 5ms delay 6ms", 2, 20, "a delay already");
    refused("nodes ann\nlink all loss 5% jitter 1ms loss 6%", 2, 29, "a loss already");
    refused("nodes ann\nat 1s ann restarts", 2, 4, "ann is up");
    refused("nodes ann\nat 1s ann crashes\nat 2s ann restarts\nat 3s ann restarts", 4, 4, "ann is up");
    refused("nodes ann\nat 1s ann crashes\nat 2s heal\nat 3s ann restarts", 4, 4, "ann is up");
    refused("nodes ann bob\nat 1s ann crashes\nat 2s rest without bob\nat 3s ann restarts", 4, 4, "ann is up");
    refused("nodes ann\nat 1s ann crashes\nat 2s ann restarts with old store", 3, 4, "at ... ann saves");
    refused("nodes ann bob\nat 1s bob pauses\nat 2s ann resumes", 3, 4, "at ... ann pauses");
    refused("nodes ann\nat 2s ann disk free\nat 3s ann disk full", 2, 4, "at ... ann disk full");
}

/* What may be so when it is played is read: a crash at a step may come late, or never; who went on by healing is let go on again by the `for` of its pause. */
static void test_what_may_be_meant_is_read(void **s)
{
    static const char text[] = "nodes ann bob\n"
                               "at 1s ann crashes after 9 steps at 2s ann restarts at 3s ann restarts\n"
                               "at 4s rest without bob at 5s bob restarts at 6s ann saves at 7s ann restarts\n"
                               "at 8s ann crashes at 9s ann restarts with old store at 10s ann pauses for 10s at 11s heal";
    struct gx_scenario scn;
    char why[300];
    uint32_t line = 0, column = 0, n = 0;

    (void)s;
    if (!gx_scn_read(&scn, text, sizeof text - 1, why, &line, &column))
        fail_msg("%u:%u: %s", line, column, why);
    n = scn.n_acts;
    gx_scn_drop_senseless(&scn);
    assert_int_equal(scn.n_acts, n);
    /* Without the first crash neither of the restarts behind it. */
    memmove(scn.acts, scn.acts + 1, (scn.n_acts - 1) * sizeof *scn.acts);
    scn.n_acts--;
    gx_scn_drop_senseless(&scn);
    assert_int_equal(scn.n_acts, n - 3);
    assert_int_equal(gx_scn_senseless(&scn, why), n - 3);
    gx_scn_free(&scn);
}

/* With what could stand there, and what a number may be. */
static void test_what_is_not_known_is_answered_with_what_is(void **s)
{
    (void)s;
    refused("nodes ann bob\nat 1s partion home | cafe", 2, 7, "known: ann bob; or what happens to all: partition cut mend flap steady link heal rest, members of");
    refused("nodes ann bob\nat 1s ann creates tea\nexpect at end delivred tea = 100%", 3, 15, "known: ann bob; or: same state in, members of, delivered");
    refused("nodes ann k[1..100]\nat 1s ann scans bob", 2, 17, "k13 k14");
    refused("nodes k[1..12001]", 1, 7, "at most 12000");
    refused("nodes k[5..1]", 1, 7, "from the lesser to the greater");
    refused("nodes k[1]", 1, 7, "not like k[1..40]");
    refused("nodes ann\nat 9000000h heal", 2, 4, "at most 277777h");
    refused("nodes ann\nat 1001h heal", 2, 4, "1000h at most");
    refused("nodes ann\nat 1s ann pauses for 2000h", 2, 22, "1000h at most");
    refused("nodes ann\nat 1s ann creates tea\nexpect by 1001h same state in tea", 3, 11, "1000h at most");
    refused("nodes k[1..12000]\nat 1s k1 creates tea\nat 2s members of tea send 100000", 3, 27, "1000000 acts");
    refused("nodes ann heal", 1, 11, "no name for a node");
    refused("nodes members", 1, 7, "no name for a node");
    refused("nodes remove", 1, 7, "no name for a node");
    refused("nodes ann\nisland all ann", 2, 8, "'all'");
}

/* What is wrong with a value is said where it stands, not of what comes next. */
static void test_a_value_is_refused_at_its_place(void **s)
{
    (void)s;
    refused("nodes ann\nat 0s ann creates tea cap 0\nat 1s heal", 2, 27, "2 to 500");
    refused("nodes ann\nat 0s ann creates tea qr 101\nat 1s heal", 2, 26, "1 to 100");
    refused("nodes ann\nlink all loss 101%\nat 1s heal", 2, 15, "0% to 90%");
    refused("nodes ann\nlink all rate 0kB/s\nat 1s heal", 2, 15, "1kB/s to 1000000kB/s");
    refused("nodes ann\nlink all delay 0ms\nat 1s heal", 2, 16, "1ms to 60s");
    refused("nodes ann\nlink all jitter 61s", 2, 17, "at most 60s");
    refused("nodes ann bob\nat 0s ann creates tea\nat 1s ann sends 0 to tea\nat 2s heal", 3, 17, "1 to 100000");
    refused("nodes ann bob\nat 0s ann creates tea\nat 1s ann sends 1000000 to tea", 3, 17, "1 to 100000");
    refused("nodes ann bob\nat 0s ann creates tea\nat 1s ann sends 1 to teal", 3, 22, "known: tea");
    refused("nodes ann bob\nat 0s ann crashes after 0 steps\nat 1s heal", 2, 25, "after 3 steps");
    refused("nodes ann bob\nat 0s ann creates tea\nexpect at end ann reads what k[1..2] sent", 3, 30, "known: ann bob");
    refused("nodes k[1..2]\nat 0s k1 creates tea\nexpect at end k1 reads what k[1..2] sent\nat 1s heal", 3, 29, "one node");
}

/* Nothing that cannot be seen in a file decides what is in it. */
static void test_what_is_no_text_is_refused_at_its_place(void **s)
{
    static const char nul[] = "nodes ann\n\0\nexpect at end members of tea = 77\n";

    (void)s;
    refused_bytes(nul, sizeof nul - 1, 2, 1, "0x00");
    refused("nodes ann\rat 0s ann creates tea\r# words\rfoo", 1, 10, "CR LF");
    refused("nodes ann # words\rfoo\n", 1, 18, "CR LF");
    refused("nodes ann\n# \x01\n", 2, 3, "0x01");
    refused("nodes ann\nnodes b\xff\n", 2, 8, "0xff");
}

static void test_a_comment_begins_in_a_word_too_and_lines_may_end_as_on_windows(void **s)
{
    static const char text[] = "nodes ann#c bob\r\n\tnodes k\xc3\xa4the # \xe2\x80\xa6\r\nat 0s ann creates tea#\n";
    struct gx_scenario scn;
    char why[300];
    uint32_t line = 0, column = 0;

    (void)s;
    assert_true(gx_scn_read(&scn, text, sizeof text - 1, why, &line, &column));
    assert_int_equal(scn.n_nodes, 2);
    assert_string_equal(scn.nodes[0].text, "ann");
    assert_string_equal(scn.nodes[1].text, "k\xc3\xa4the");
    assert_string_equal(scn.groups[0].text, "tea");
    gx_scn_free(&scn);
}

static const char small[] = "nodes ann bob      # two\n"
                            "at 0s ann creates tea cap 5 qr 3    at 1s ann shows qr of tea uses 2\n"
                            "at 2s bob joins tea\n"
                            "at 10s ann sends 3 to tea over 6s\n";

static void test_statements_stand_in_lines_or_beside_each_other_and_are_played_in_time(void **s)
{
    struct gx_scenario scn;
    char why[300];
    uint32_t line = 0, column = 0;

    (void)s;
    assert_true(gx_scn_read(&scn, small, strlen(small), why, &line, &column));
    assert_int_equal(scn.n_nodes, 2);
    assert_int_equal(scn.n_acts, 6);
    assert_int_equal(scn.acts[0].kind, GX_SCN_CREATE);
    assert_int_equal(scn.acts[0].n, 5);
    assert_int_equal(scn.acts[0].m, 3);
    assert_int_equal(scn.acts[1].n, 2);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(scn.acts[3 + i].at_ms, 10000 + 2000 * i);
    gx_scn_free(&scn);
}

/* Plays `small` and one line more; how many expectations did not hold, the first of them when, and as what is said. */
static size_t broken_first(const char *expects, uint64_t *at_ms, char says[200])
{
    struct gx_scenario scn;
    struct gx_sim *sim = NULL;
    struct gx_scn_done done = {.expired = 0};
    char why[300], text[1000];
    uint32_t line = 0, column = 0;
    size_t n = 0;

    snprintf(text, sizeof text, "%s%s", small, expects);
    assert_true(gx_scn_read(&scn, text, strlen(text), why, &line, &column));
    assert_int_equal(gx_scn_play(&sim, &scn, &done, &(struct gx_scn_options){.seed = 1}), GX_OK);

    const struct gx_sim_violation *v = gx_sim_violations(sim, &n);

    for (size_t i = 0; i < n; i++)
        assert_int_equal(v[i].oracle, GX_SIM_EXPECT);
    *at_ms = n == 0 ? 0 : v[0].at_ms;
    snprintf(says, 200, "%s", n == 0 ? "" : v[0].text);
    gx_sim_free(sim);
    gx_scn_free(&scn);
    return n;
}

static size_t broken(const char *expects)
{
    char says[200];
    uint64_t at_ms = 0;

    return broken_first(expects, &at_ms, says);
}

static void test_what_is_expected_holds_or_is_said_not_to(void **s)
{
    (void)s;
    assert_int_equal(broken("expect at end delivered tea = 100% expect at end members of tea = 2 expect by 9s same state in tea"), 0);
    assert_int_equal(broken("expect by 9s bob is member of tea expect by 1s bob is not member of tea expect never ann reads what bob sent"), 0);
    assert_int_equal(broken("expect at end bob reads what ann sent after 11s"), 0);
    assert_int_equal(broken("expect at end repeated tea = 0% expect at end pushed tea = 100% after 11s"), 0);
    assert_int_equal(broken("expect at end repeated tea >= 1%"), 1);
    assert_int_equal(broken("expect at end pushed tea <= 99%"), 1);
    assert_int_equal(broken("expect at end pushed tea = 100% after 60s"), 1);      /* nothing was said: it is neither so nor not so */
    assert_int_equal(broken("expect at end members of tea >= 3"), 1);
    assert_int_equal(broken("expect at end delivered tea <= 99%"), 1);
    assert_int_equal(broken("expect by 9s bob is not member of tea"), 1);
    assert_int_equal(broken("expect never bob reads what ann sent after 11s"), 1);
    assert_int_equal(broken("expect at end bob reads what ann sent after 60s"), 1);
    assert_int_equal(broken("expect by 1ms same state in tea"), 0);
    /* One message of several is enough to read, and enough for never. */
    assert_int_equal(broken("expect by 11s bob reads what ann sent"), 0);
    assert_int_equal(broken("expect never bob reads what ann sent"), 1);
}

static void said(const char *expects, uint64_t at_ms, const char *says)
{
    char found[200];
    uint64_t found_ms = 0;

    assert_int_equal(broken_first(expects, &found_ms, found), 1);
    assert_string_equal(found, says);
    assert_int_equal(found_ms, at_ms);
}

static void test_of_a_node_that_is_down_nothing_is_so(void **s)
{
    (void)s;
    said("at 20s bob crashes expect by 40s bob is not member of tea", 40000, "line 5 does not hold: bob is down");
    said("at 20s bob crashes expect by 40s bob is member of tea", 40000, "line 5 does not hold: bob is down");
    said("at 20s bob crashes expect by 40s bob reads what ann sent", 40000, "line 5 does not hold: bob is down");
    said("at 20s bob crashes after 1 step expect by 20001ms bob is member of tea", 20001, "line 5 does not hold: bob is down");
    said("at 20s bob pauses for 30s expect by 40s bob is member of tea", 40000, "line 5 does not hold: bob is paused");
    assert_int_equal(broken("at 20s bob crashes expect never bob reads what ann sent after 30s at 30s ann sends 1 to tea"), 1);
    assert_int_equal(broken("at 20s bob crashes expect never bob reads what ann sent after 60s at 30s ann sends 1 to tea"), 0);
    said("at 0s ann creates yam expect never bob is not member of yam at 0s bob crashes at 1500ms bob restarts", 2000, "line 5 does not hold: is not a member");
    assert_int_equal(broken("at 20s ann bob crash expect by 40s members of tea = 2 expect by 40s same state in tea"), 2);
}

static void test_what_does_not_hold_has_the_time_at_which_it_did_not_and_what_was_found(void **s)
{
    (void)s;
    said("expect by 9s members of tea = 7", 9000, "line 5 does not hold: 2 at ann");
    said("expect by 500ms members of tea = 7 at 1s ann creates yam", 500, "line 5 does not hold: 1 at ann");
    said("at 20s ann creates yam expect by 10s members of yam = 1", 10000, "line 5 does not hold: nobody who is up is a member");
    said("at 20s ann creates yam expect by 10s same state in yam", 10000, "line 5 does not hold: nobody who is up is a member");
    said("expect never bob reads what ann sent after 11s", 13000, "line 5 does not hold: 1 message");
}

/* The file's clock stands while it rests, which takes minutes of the world's: what lies behind a rest is as far from it, and from each other, as it says. */
static void test_times_behind_a_rest_count_on_from_when_it_ended(void **s)
{
    (void)s;
    assert_int_equal(broken("at 20s rest at 30s ann sends 1 to tea expect by 28s bob reads what ann sent after 21s"), 1);
    assert_int_equal(broken("at 20s rest at 30s ann sends 1 to tea expect by 35s bob reads what ann sent after 31s"), 1);
    assert_int_equal(broken("at 20s rest at 30s ann sends 1 to tea expect at end bob reads what ann sent after 200s"), 1);
    assert_int_equal(broken("at 20s rest at 30s ann sends 1 to tea expect by 35s bob reads what ann sent after 29s"), 0);
    assert_int_equal(broken("at 20s rest without bob at 30s ann sends 1 to tea at 60s bob restarts at 61s rest at 70s ann sends 1 to tea "
                            "expect by 75s bob reads what ann sent after 69s expect by 69s bob reads what ann sent after 25s"), 0);
    assert_int_equal(broken("at 20s rest at 61s ann sends 1 to tea expect never bob reads what ann sent after 60s"), 1);
}

/* Any text is read or refused: cut short at any byte, and with any byte changed. */
static void test_no_text_breaks_the_reader(void **s)
{
    char text[sizeof small], why[300];
    uint32_t line = 0, column = 0;
    unsigned refusals = 0, reads = 0;

    (void)s;
    for (size_t cut = 0; cut < 2 * (sizeof small - 1); cut++) {
        struct gx_scenario scn;

        memcpy(text, small, sizeof small);
        if (cut < sizeof small - 1)
            text[cut] = 0;
        else
            text[cut - (sizeof small - 1)] = (char)(33 + (cut * 7) % 90);

        bool read = gx_scn_read(&scn, text, strlen(text), why, &line, &column);

        reads += read;
        refusals += !read;
        assert_true(read || why[0] != 0);
        gx_scn_free(&scn);
    }
    printf("read %u, refused %u\n", reads, refusals);
    assert_true(reads > 0 && refusals > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_makes_no_sense_is_refused_with_its_place_and_what_is_known),
        cmocka_unit_test(test_what_cannot_be_meant_is_refused),
        cmocka_unit_test(test_what_may_be_meant_is_read),
        cmocka_unit_test(test_what_is_not_known_is_answered_with_what_is),
        cmocka_unit_test(test_a_value_is_refused_at_its_place),
        cmocka_unit_test(test_what_is_no_text_is_refused_at_its_place),
        cmocka_unit_test(test_a_comment_begins_in_a_word_too_and_lines_may_end_as_on_windows),
        cmocka_unit_test(test_statements_stand_in_lines_or_beside_each_other_and_are_played_in_time),
        cmocka_unit_test(test_what_is_expected_holds_or_is_said_not_to),
        cmocka_unit_test(test_of_a_node_that_is_down_nothing_is_so),
        cmocka_unit_test(test_what_does_not_hold_has_the_time_at_which_it_did_not_and_what_was_found),
        cmocka_unit_test(test_times_behind_a_rest_count_on_from_when_it_ended),
        cmocka_unit_test(test_no_text_breaks_the_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
