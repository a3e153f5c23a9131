#include "tests/unit/engine/client.h"

#include "proto/limits.h"
#include "store/check.h"

static struct client *c;

static int setup(void **state)
{
    (void)state;
    c = client_new("Mei");
    client_listen(c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    client_free(c);
    return 0;
}

static void found(const char *name)
{
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_NEW, .name = name, .given = GIVEN(NAME)});
    assert_done(c);
}

static void try_send(const char *group, const char *text)
{
    client_ask(c, (struct gx_command){.method = GX_CMD_SEND, .group = group, .text = text, .given = GIVEN(GROUP) | GIVEN(TEXT)});
}

static uint64_t send(const char *group, const char *text)
{
    try_send(group, text);
    assert_done(c);
    return strtoull(client_get(c, "seq"), NULL, 10);
}

static void read_with(struct gx_command cmd)
{
    cmd.method = GX_CMD_READ;
    client_ask(c, cmd);
    assert_done(c);
}

/* "message 0", "message 1", ...: which are shown? */
static void assert_shown(unsigned first, unsigned n)
{
    char path[64], text[64];

    for (unsigned i = 0; i < n; i++) {
        snprintf(path, sizeof path, "messages[%u].text", i);
        snprintf(text, sizeof text, "message %u", first + i);
        assert_value(c, path, text);
    }
    snprintf(path, sizeof path, "messages[%u].text", n);
    assert_null(client_get(c, path));
}

static void send_many(const char *group, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char text[64];

        snprintf(text, sizeof text, "message %u", i);
        send(group, text);
    }
}

/* --- send ---------------------------------------------------------------------------------------------------------------------------- */

static void test_what_is_sent_is_queued_here(void **state)
{
    char event[80];
    (void)state;

    found("tea");
    try_send("tea", "hello, \xe4\xb8\x96\xe7\x95\x8c");
    assert_done(c);
    assert_value(c, "state", "queued");
    assert_value(c, "held.by", "0");
    assert_value(c, "held.of", "0");
    snprintf(event, sizeof event, "%s", client_get(c, "event"));
    assert_int_equal(strlen(event), 64);
    read_with((struct gx_command){.group = "tea", .given = GIVEN(GROUP)});
    assert_value(c, "messages[0].event", event);
    assert_value(c, "messages[0].text", "hello, \xe4\xb8\x96\xe7\x95\x8c");
    assert_value(c, "messages[0].where", "tea");
    assert_value(c, "messages[0].alias", "Mei");
    assert_value(c, "messages[0].state", "queued");
    assert_value(c, "messages[0].held.of", "0");
    assert_value(c, "messages[0].wall_ms", "1789999980000");
    assert_null(client_get(c, "messages[0].reply"));
    assert_null(client_get(c, "messages[1].event"));
    assert_null(client_get(c, "more"));
}

static void test_texts_have_bounds(void **state)
{
    char *text = malloc(GX_TEXT_BYTES_MAX + 2);
    (void)state;

    found("tea");
    try_send("tea", "");
    assert_refused(c, 2, "usage");
    try_send("tea", "\xed\xa0\x80");
    assert_refused(c, 2, "usage");
    memset(text, 't', GX_TEXT_BYTES_MAX + 1);
    text[GX_TEXT_BYTES_MAX + 1] = 0;
    try_send("tea", text);
    assert_refused(c, 2, "usage");
    text[GX_TEXT_BYTES_MAX] = 0;
    try_send("tea", text);
    assert_done(c);
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_SHOW, .group = "tea", .given = GIVEN(GROUP)});
    assert_value(c, "count", "1");
    free(text);
}

static void test_a_reply_names_the_message_it_answers(void **state)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = "tea", .text = "yes", .given = GIVEN(GROUP) | GIVEN(TEXT) | GIVEN(REPLY)};
    char event[80];
    (void)state;

    found("tea");
    cmd.reply = send("tea", "tea?");
    snprintf(event, sizeof event, "%s", client_get(c, "event"));
    client_ask(c, cmd);
    assert_done(c);
    read_with((struct gx_command){.group = "tea", .given = GIVEN(GROUP)});
    assert_value(c, "messages[1].text", "yes");
    assert_value(c, "messages[1].reply", event);
}

/* seq 1 is CREATE; and a message of another group cannot be answered here. */
static void test_only_a_message_of_the_group_can_be_answered(void **state)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = "tea", .text = "yes", .given = GIVEN(GROUP) | GIVEN(TEXT) | GIVEN(REPLY)};
    uint64_t bad[] = {0, 1, 0, 1000, UINT64_MAX};
    (void)state;

    found("tea");
    found("go");
    bad[2] = send("go", "elsewhere");
    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++) {
        cmd.reply = bad[i];
        client_ask(c, cmd);
        assert_refused(c, 3, "not_found");
    }
}

/* --- read ---------------------------------------------------------------------------------------------------------------------------- */

static void test_the_last_fifty_are_read_unless_asked_otherwise(void **state)
{
    (void)state;
    found("tea");
    send_many("tea", 120);
    read_with((struct gx_command){.group = "tea", .given = GIVEN(GROUP)});
    assert_shown(70, 50);
    assert_value(c, "more", "true");
    read_with((struct gx_command){.group = "tea", .limit = 3, .given = GIVEN(GROUP) | GIVEN(LIMIT)});
    assert_shown(117, 3);
    read_with((struct gx_command){.group = "tea", .limit = 0, .given = GIVEN(GROUP) | GIVEN(LIMIT)});
    assert_shown(0, 120);
    assert_null(client_get(c, "more"));
    read_with((struct gx_command){.group = "tea", .limit = 120, .given = GIVEN(GROUP) | GIVEN(LIMIT)});
    assert_shown(0, 120);
    assert_null(client_get(c, "more"));
}

/* "subscribe {since} resumes exactly": so does reading by pages. */
static void test_reading_since_a_number_skips_and_repeats_nothing(void **state)
{
    unsigned shown = 0;
    uint64_t since = 0;
    (void)state;

    found("tea");
    send_many("tea", 100);
    for (unsigned pages = 0; pages < 100; pages++) {
        struct gx_command cmd = {.group = "tea", .since = since, .limit = 7, .given = GIVEN(GROUP) | GIVEN(SINCE) | GIVEN(LIMIT)};
        unsigned n = 100 - shown < 7 ? 100 - shown : 7;
        char path[64];

        read_with(cmd);
        assert_shown(shown, n);
        if (n == 0)
            break;
        snprintf(path, sizeof path, "messages[%u].seq", n - 1);
        assert_true(strtoull(client_get(c, path), NULL, 10) > since);
        since = strtoull(client_get(c, path), NULL, 10);
        shown += n;
        assert_int_equal(client_get(c, "more") != NULL, shown < 100);
    }
    assert_int_equal(shown, 100);
    read_with((struct gx_command){.since = UINT64_MAX, .given = GIVEN(SINCE)});
    assert_shown(0, 0);
}

static void test_all_groups_are_read_by_arrival(void **state)
{
    (void)state;
    found("tea");
    found("go");
    for (unsigned i = 0; i < 60; i++) {
        char text[64];

        snprintf(text, sizeof text, "message %u", i);
        send(i % 3 == 0 ? "tea" : "go", text);
    }
    read_with((struct gx_command){.given = 0});
    assert_shown(10, 50);
    assert_value(c, "more", "true");
    assert_value(c, "messages[2].where", "tea");
    assert_value(c, "messages[3].where", "go");
    read_with((struct gx_command){.given = GIVEN(LIMIT), .limit = 0});
    assert_shown(0, 60);
    assert_null(client_get(c, "more"));
    read_with((struct gx_command){.group = "tea", .given = GIVEN(GROUP)});
    assert_value(c, "messages[1].text", "message 3");
}

/* What I wrote is not news to me. */
static void test_own_messages_are_never_unread(void **state)
{
    (void)state;
    found("tea");
    send_many("tea", 3);
    read_with((struct gx_command){.group = "tea", .unread = true, .given = GIVEN(GROUP) | GIVEN(UNREAD)});
    assert_shown(0, 0);
    read_with((struct gx_command){.unread = true, .given = GIVEN(UNREAD)});
    assert_shown(0, 0);
    client_ask(c, (struct gx_command){.method = GX_CMD_STATUS});
    assert_value(c, "unread", "0");
}

static void test_messages_survive_a_restart_with_their_hash(void **state)
{
    struct gx_command show = {.method = GX_CMD_GROUP_SHOW, .group = "tea", .given = GIVEN(GROUP)};
    char hash[80], empty[80];
    (void)state;

    found("tea");
    snprintf(empty, sizeof empty, "%s", client_get(c, "messages_hash"));
    send_many("tea", 40);
    client_ask(c, show);
    snprintf(hash, sizeof hash, "%s", client_get(c, "messages_hash"));
    assert_string_not_equal(hash, empty);
    client_close(c);
    client_open(c, false);
    client_ask(c, show);
    assert_value(c, "messages_hash", hash);
    assert_value(c, "count", "40");
    read_with((struct gx_command){.group = "tea", .given = GIVEN(GROUP)});
    assert_shown(0, 40);
}

/* --- watch --------------------------------------------------------------------------------------------------------------------------- */

static void watch(const char *group, bool since_start)
{
    struct gx_command cmd = {.method = GX_CMD_WATCH, .group = group, .given = group == NULL ? 0 : GIVEN(GROUP)};

    if (since_start)
        cmd.given |= GIVEN(SINCE);
    assert_true(client_ask(c, cmd));
    assert_done(c);
}

/* From another client, so that the notes stay. */
static void send_beside(const char *group, const char *text)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = group, .text = text, .given = GIVEN(GROUP) | GIVEN(TEXT), .request = 1999};

    c->answered = false;
    client_step(c, (struct gx_input){.kind = GX_IN_COMMAND, .client = 999, .command = &cmd});
    assert_done(c);
}

static const char *note_get(const char *path)
{
    return line_get(c->notes, path);
}

static void test_watch_tells_what_happens_from_now_on(void **state)
{
    (void)state;
    found("tea");
    found("go");
    send("tea", "before");
    watch(NULL, false);
    assert_int_equal(c->n_notes, 0);
    send_beside("tea", "one");
    send_beside("go", "two");
    assert_int_equal(c->n_notes, 2);
    assert_string_equal(note_get("0.type"), "message");
    assert_string_equal(note_get("0.text"), "one");
    assert_string_equal(note_get("0.where"), "tea");
    assert_string_equal(note_get("1.where"), "go");
    assert_non_null(note_get("1.seq"));
}

/* A program knows that it is subscribed, and from where: it can resume before anything has happened. */
static void test_watch_says_at_once_from_where_it_goes_on(void **state)
{
    uint64_t seq, since;
    (void)state;

    found("tea");
    send("tea", "one");
    seq = strtoull(client_get(c, "seq"), NULL, 10);
    watch("tea", false);
    since = strtoull(client_get(c, "since"), NULL, 10);
    assert_int_equal(since, seq);
    watch("tea", true);
    assert_value(c, "since", "0");
    assert_int_equal(c->n_notes, 1);
    assert_true(client_ask(c, (struct gx_command){.method = GX_CMD_WATCH, .since = 1000, .given = GIVEN(SINCE)}));
    assert_int_equal(strtoull(client_get(c, "since"), NULL, 10), seq);
}

static void test_watch_of_one_group_hears_of_no_other(void **state)
{
    (void)state;
    found("tea");
    found("go");
    watch("tea", false);
    send_beside("go", "two");
    assert_int_equal(c->n_notes, 0);
    send_beside("tea", "one");
    assert_int_equal(c->n_notes, 1);
    client_ask(c, (struct gx_command){.method = GX_CMD_WATCH, .group = "none", .given = GIVEN(GROUP)});
    assert_refused(c, 3, "not_found");
}

/* A step does so much; what is left comes with the next, in order, none twice. */
static void test_watch_since_the_start_goes_on_step_by_step(void **state)
{
    unsigned steps = 0;
    char path[32], text[64];
    (void)state;

    found("tea");
    send_many("tea", 1000);
    watch("tea", true);
    assert_int_equal(c->n_notes, 256);
    while (c->n_notes < 1000 && steps++ < 10)
        client_pass(c, 1);
    assert_int_equal(c->n_notes, 1000);
    assert_in_range(steps, 2, 5);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "%u.text", i);
        snprintf(text, sizeof text, "message %u", i);
        assert_string_equal(note_get(path), text);
    }
}

static void test_watch_ends_with_its_client(void **state)
{
    (void)state;
    found("tea");
    watch("tea", false);
    client_step(c, (struct gx_input){.kind = GX_IN_CLIENT_GONE, .client = c->id});
    send_beside("tea", "one");
    assert_int_equal(c->n_notes, 0);
}

/* --- wait ---------------------------------------------------------------------------------------------------------------------------- */

static struct gx_command wait_of(const char *group, uint32_t given)
{
    return (struct gx_command){.method = GX_CMD_WAIT, .group = group, .given = given | (group == NULL ? 0 : GIVEN(GROUP))};
}

static void test_wait_without_a_condition_is_over_at_once(void **state)
{
    (void)state;
    assert_true(client_ask(c, wait_of(NULL, 0)));
    assert_done(c);
}

static void test_wait_ends_when_all_conditions_hold(void **state)
{
    struct gx_command cmd = wait_of("tea", GIVEN(COUNT) | GIVEN(MEMBERS) | GIVEN(IDLE));
    (void)state;

    cmd.count = 2;
    cmd.members = 1;
    cmd.idle = true;
    assert_false(client_ask(c, cmd));           /* the group need not be there yet */

    struct gx_command group = {.method = GX_CMD_GROUP_NEW, .name = "tea", .given = GIVEN(NAME), .request = 1999};
    uint64_t waiting = c->id;
    unsigned answers = 0;

    for (unsigned i = 0; i < 3; i++) {
        struct gx_command text = {.method = GX_CMD_SEND, .group = "tea", .text = "x", .given = GIVEN(GROUP) | GIVEN(TEXT), .request = 1999};
        struct gx_input in = {.kind = GX_IN_COMMAND, .now = c->now, .client = 999, .command = i == 0 ? &group : &text};
        struct gx_effects effects;

        assert_int_equal(gx_engine_step(c->engine, &effects, &in, 1), GX_OK);
        for (size_t k = 0; k < effects.n; k++)
            if (effects.list[k].kind == GX_OUT_ANSWER && effects.list[k].client == waiting) {
                assert_int_equal(effects.list[k].answer->exit_code, 0);
                answers++;
            }
        assert_int_equal(answers, i == 2);
    }
}

static void assert_times_out(struct gx_command cmd, const char *says)
{
    cmd.given |= GIVEN(TIMEOUT_MS);
    cmd.timeout_ms = 2000;
    assert_false(client_ask(c, cmd));
    client_pass(c, 1999);
    assert_false(c->answered);
    client_pass(c, 1);
    assert_refused(c, 6, "timeout");
    assert_true(c->has_hint);
    assert_non_null(strstr(c->message, says));
}

static void test_wait_says_what_did_not_come_true(void **state)
{
    struct gx_command cmd = wait_of("tea", GIVEN(COUNT));
    (void)state;

    assert_times_out(cmd, "no group tea");
    found("tea");
    send_many("tea", 3);
    cmd.count = 5;
    assert_times_out(cmd, "3 messages, not 5");
    cmd = wait_of("tea", GIVEN(MEMBERS));
    cmd.members = 2;
    assert_times_out(cmd, "1 members, not 2");
    cmd = wait_of(NULL, GIVEN(PEERS));
    cmd.peers = 1;
    assert_times_out(cmd, "0 peers");
    cmd = wait_of("tea", GIVEN(HASH));
    cmd.hash = "0000000000000000000000000000000000000000000000000000000000000000";
    assert_times_out(cmd, "hash");
}

static void test_wait_gives_up_after_thirty_seconds_by_itself(void **state)
{
    (void)state;
    assert_false(client_ask(c, wait_of("tea", 0)));
    client_pass(c, 29999);
    assert_false(c->answered);
    client_pass(c, 1);
    assert_refused(c, 6, "timeout");
}

static void test_wait_takes_either_hash_in_either_case(void **state)
{
    static const char *const which[] = {"state_hash", "messages_hash"};
    struct gx_command cmd = wait_of("tea", GIVEN(HASH));
    (void)state;

    found("tea");
    send_many("tea", 3);
    for (size_t i = 0; i < 2; i++) {
        char hash[80];

        client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_SHOW, .group = "tea", .given = GIVEN(GROUP)});
        snprintf(hash, sizeof hash, "%s", client_get(c, which[i]));
        for (char *p = hash; *p != 0; p++)
            *p = (char)(*p >= 'a' ? *p - 'a' + 'A' : *p);
        cmd.hash = hash;
        assert_true(client_ask(c, cmd));
        assert_done(c);
    }
}

static void test_conditions_that_make_no_sense_are_refused(void **state)
{
    struct gx_command cmd = wait_of("tea", GIVEN(HASH));
    (void)state;

    assert_true(client_ask(c, wait_of(NULL, GIVEN(COUNT))));
    assert_refused(c, 2, "usage");
    cmd.hash = "abc";
    assert_true(client_ask(c, cmd));
    assert_refused(c, 2, "usage");
}

static void test_so_many_may_wait_and_no_more(void **state)
{
    uint64_t first = c->id + 1;
    (void)state;

    for (unsigned i = 0; i < GX_WAITERS_MAX; i++)
        assert_false(client_ask(c, wait_of("tea", 0)));
    assert_true(client_ask(c, wait_of("tea", 0)));
    assert_refused(c, 1, "busy");
    assert_true(c->has_hint);
    client_step(c, (struct gx_input){.kind = GX_IN_CLIENT_GONE, .client = first});
    assert_false(client_ask(c, wait_of("tea", 0)));
}

/* --- many in one step -------------------------------------------------------------------------------------------------------------------- */

static unsigned handed;

/* From the last to the first: the order is nobody's business. */
static void backward(void *self, void (*work)(void *ctx, size_t i), void *ctx, size_t n)
{
    assert_ptr_equal(self, &handed);
    handed += (unsigned)n;
    while (n-- > 0)
        work(ctx, n);
}

static void step_of_sends(unsigned n, bool cut)
{
    struct gx_command commands[8] = {{0}};
    struct gx_input inputs[9];
    struct gx_effects effects;
    size_t n_inputs = 0, answers = 0;

    for (unsigned i = 0; i < n; i++) {
        commands[i] = (struct gx_command){.method = GX_CMD_SEND, .request = i + 1, .group = i % 2 == 0 ? "tea" : "go", .text = "together",
                                          .given = GIVEN(GROUP) | GIVEN(TEXT)};
        inputs[n_inputs++] = (struct gx_input){.kind = GX_IN_COMMAND, .now = c->now, .client = 1, .command = &commands[i]};
        if (cut && i == n / 2)      /* anything else might read what was written */
            inputs[n_inputs++] = (struct gx_input){.kind = GX_IN_TIMER, .now = c->now};
    }
    assert_int_equal(gx_engine_step(c->engine, &effects, inputs, n_inputs), GX_OK);
    for (size_t i = 0; i < effects.n; i++)
        answers += effects.list[i].kind == GX_OUT_ANSWER && effects.list[i].answer->err == GX_OK;
    assert_int_equal(answers, n);
}

/* Signatures of one step are made together, by whatever hands there are; the check verifies each. */
static void test_what_is_sent_in_one_step_is_signed_together(void **state)
{
    struct gx_check_report report;
    struct gx_txn *txn;
    (void)state;

    found("tea");
    found("go");
    step_of_sends(7, false);                    /* nobody's hands */
    client_close(c);
    c->config.hands = (struct gx_hands){.each = backward, .self = &handed};
    handed = 0;
    client_open(c, false);
    step_of_sends(8, false);
    step_of_sends(5, true);
    step_of_sends(1, false);
    assert_int_equal(handed, 14);
    assert_int_equal(gx_txn_begin(&txn, c->store, false), GX_OK);
    assert_int_equal(gx_store_check(txn, &report, NULL, NULL), GX_OK);
    gx_txn_abort(&txn);
    assert_int_equal(report.problems, 0);
    assert_true(report.events >= 21);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_sent_is_queued_here),
        TEST(test_texts_have_bounds),
        TEST(test_what_is_sent_in_one_step_is_signed_together),
        TEST(test_a_reply_names_the_message_it_answers),
        TEST(test_only_a_message_of_the_group_can_be_answered),
        TEST(test_the_last_fifty_are_read_unless_asked_otherwise),
        TEST(test_reading_since_a_number_skips_and_repeats_nothing),
        TEST(test_all_groups_are_read_by_arrival),
        TEST(test_own_messages_are_never_unread),
        TEST(test_messages_survive_a_restart_with_their_hash),
        TEST(test_watch_tells_what_happens_from_now_on),
        TEST(test_watch_says_at_once_from_where_it_goes_on),
        TEST(test_watch_of_one_group_hears_of_no_other),
        TEST(test_watch_since_the_start_goes_on_step_by_step),
        TEST(test_watch_ends_with_its_client),
        TEST(test_wait_without_a_condition_is_over_at_once),
        TEST(test_wait_ends_when_all_conditions_hold),
        TEST(test_wait_says_what_did_not_come_true),
        TEST(test_wait_gives_up_after_thirty_seconds_by_itself),
        TEST(test_wait_takes_either_hash_in_either_case),
        TEST(test_conditions_that_make_no_sense_are_refused),
        TEST(test_so_many_may_wait_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
