/* What the commands answer when there is somebody else: members, messages of others, who holds what. */
#include "tests/unit/engine/client.h"
#include "tests/unit/engine/net.h"

static struct net *net;
static char *text, *notes;          /* the last answer and its notes, as lines */
static unsigned n_notes;

static int setup(void **state)
{
    (void)state;
    text = calloc(1, CLIENT_TEXT);
    notes = calloc(1, CLIENT_TEXT);
    return text == NULL || notes == NULL;
}

static int teardown(void **state)
{
    (void)state;
    net_free(net);
    free(text);
    free(notes);
    return 0;
}

/* A command that is answered in its own step, or a subscription to what was before. */
static void ask(int i, struct gx_command cmd)
{
    struct gx_input in = {.kind = GX_IN_COMMAND, .now = net->now, .client = ++net->node[i].client, .command = &cmd};
    struct gx_effects effects;
    size_t at = 0;

    text[0] = notes[0] = 0;
    n_notes = 0;
    assert_int_equal(gx_engine_step(net->node[i].engine, &effects, &in, 1), GX_OK);
    for (size_t k = 0; k < effects.n; k++) {
        const struct gx_effect *ef = &effects.list[k];
        char path[16];

        if (ef->kind == GX_OUT_ANSWER)
            lines_of(text, CLIENT_TEXT, "", ef->answer);
        if (ef->kind == GX_OUT_NOTE) {
            snprintf(path, sizeof path, "%u", n_notes++);
            at += lines_of(notes + at, CLIENT_TEXT - at, path, ef->answer);
        }
        net_effect(net, i, ef);
    }
}

static void ask_group(int i, enum gx_method method, const char *group)
{
    ask(i, (struct gx_command){.method = method, .group = group, .given = GIVEN(GROUP)});
}

/* The value stays until the next ask. */
static const char *get(const char *path)
{
    const char *value = line_get(text, path);

    assert_non_null(value);
    return value;
}

static bool has(const char *path)
{
    return line_get(text, path) != NULL;
}

static uint64_t number(int i, const char *path)
{
    ask(i, (struct gx_command){.method = GX_CMD_STATUS});
    return strtoull(get(path), NULL, 10);
}

/* A group "tea" that node 0 founded and all others joined, in order. */
static void meet(int n)
{
    char token[600];

    net = net_new(n);
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    for (int i = 1; i < n; i++) {
        assert_true(net_join(net, i, token, NULL));
        net_run(net, 3000);
    }
}

static void settle(void)
{
    net_settle(net);
    net_run(net, 3000);
}

/* --- members -------------------------------------------------------------------------------------------------------------------------- */

static void test_join_tells_who_let_us_in(void **state)
{
    char token[600], owner[80];
    (void)state;

    net = net_new(2);
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    ask_group(0, GX_CMD_GROUP_MEMBERS, "tea");
    snprintf(owner, sizeof owner, "%s", get("members[0].member"));
    assert_true(net_join(net, 1, token, NULL));
    assert_non_null(strstr(net->node[1].all, "members=2\n"));
    assert_non_null(strstr(net->node[1].all, "state=member"));
    assert_non_null(strstr(net->node[1].all, "name=tea"));
    assert_non_null(strstr(net->node[1].all, owner));
}

static void test_every_node_lists_the_same_members_in_the_same_order(void **state)
{
    static const char *const keys[] = {"member", "alias", "rank", "via", "since_ms"};
    char first[15][128], path[64];
    (void)state;

    meet(3);
    ask_group(0, GX_CMD_GROUP_MEMBERS, "tea");
    for (unsigned i = 0; i < 15; i++) {
        snprintf(path, sizeof path, "members[%u].%s", i / 5, keys[i % 5]);
        snprintf(first[i], sizeof first[i], "%s", get(path));
    }
    assert_string_equal(get("members[0].rank"), "owner");
    assert_string_equal(get("members[1].rank"), "member");
    assert_string_equal(get("members[1].via"), "qr");
    assert_string_equal(get("members[1].voucher"), get("members[0].member"));
    assert_string_equal(get("members[0].you"), "true");
    assert_false(has("members[3].member"));
    for (int node = 1; node < 3; node++) {
        ask_group(node, GX_CMD_GROUP_MEMBERS, "tea");
        for (unsigned i = 0; i < 15; i++) {
            snprintf(path, sizeof path, "members[%u].%s", i / 5, keys[i % 5]);
            assert_string_equal(get(path), first[i]);
        }
        assert_string_equal(get("members[0].you"), "false");
    }
}

static void test_seats_of_an_invitation_are_counted(void **state)
{
    char token[600];
    (void)state;

    net = net_new(3);
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 1);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    ask_group(0, GX_CMD_INVITES, "tea");
    assert_string_equal(get("invites[0].uses_left"), "0");
    assert_false(net_join(net, 2, token, NULL));
    assert_true(net->node[2].answered);
    assert_string_equal(net->node[2].error, "token_used_up");
    assert_int_equal(net->node[2].exit_code, 4);
    ask(2, (struct gx_command){.method = GX_CMD_GROUP_LIST});
    assert_false(has("groups[0].state"));
}

static void restored(int i)
{
    net_stop(net, i);
    gx_rng_fill(&net->node[i].rng.rng, net->node[i].config.incarnation.b, sizeof net->node[i].config.incarnation.b);    /* what a restored home draws */
    net_start(net, i);
    net_run(net, 20000);
}

/* What they write stands in logs that an INCARNATION opened: codes, and the admissions of those who let in the next. */
static void test_who_restored_their_home_lets_others_in(void **state)
{
    char token[600];
    (void)state;

    net = net_new(5);
    net_group(net, 0, "tea");
    for (int i = 0; i < 4; i++) {
        if (i != 2)
            restored(i);
        net_invite(net, i, "tea", token, 0);
        assert_true(net_join(net, i + 1, token, NULL));
        net_run(net, 20000);
    }
    restored(1);                /* once more: by a log of a later life, through a chain of earlier ones */
    net_invite(net, 1, "tea", token, 0);
    ask_group(4, GX_CMD_GROUP_LEAVE, "tea");
    net_run(net, 20000);
    assert_true(net_join(net, 4, token, NULL));
}

static struct {
    size_t left_out, n;         /* which event of a path is left out; of how many */
} path_of;

static size_t leaves_out(struct net *of, int from, int to, uint8_t *bytes, size_t n)
{
    uint8_t less[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(less, sizeof less);
    struct gx_frame_list list = gx_frame_begin_path(&w);
    struct gx_frame f;
    struct gx_rd rd;

    (void)of;
    (void)from;
    (void)to;
    if (bytes[0] != GX_FRAME_PATH || gx_frame_decode(&f, gx_span(bytes, n)) != GX_OK)
        return n;
    path_of.n = f.n;
    rd = gx_rd(f.list);
    for (size_t i = 0; i < f.n; i++) {
        struct gx_span chunk = gx_frame_chunk_next(&rd);

        if (i != path_of.left_out)
            gx_frame_put_chunk(&w, &list, chunk);
    }
    gx_frame_end(&w, &list);
    memcpy(bytes, less, w.n);
    return w.n;
}

/* Whoever plays the door: each link of the chain has to be there, that a log belongs to somebody whom the chain has named included. */
static void test_a_path_without_one_of_its_events_is_not_believed(void **state)
{
    char token[600];
    (void)state;

    net = net_new(3);
    net_group(net, 0, "tea");
    restored(0);
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 20000);
    restored(1);
    net_invite(net, 1, "tea", token, 0);
    net->spoil = leaves_out;
    path_of.n = 6;
    for (path_of.left_out = 0; path_of.left_out + 1 < path_of.n; path_of.left_out++) {      /* without TOKEN it is not whole, and waited for */
        uint64_t before = gx_engine_dropped(net->node[2].engine, "path");

        if (path_of.left_out == 0)
            assert_false(net_join(net, 2, token, NULL));
        net_run(net, 120000);
        assert_true(gx_engine_dropped(net->node[2].engine, "path") > before);
    }
    assert_int_equal(path_of.n, 5);     /* CREATE, INCARNATION and ADMIT of its log, INCARNATION and TOKEN of the next */
    net->spoil = NULL;
    net_run(net, 120000);
    ask_group(2, GX_CMD_GROUP_SHOW, "tea");
    assert_string_equal(get("members"), "3");
}

/* Whose rank is not higher cannot end another's invitation; who made it and the owner can. */
static void test_invitations_are_revoked_by_who_made_them_or_a_higher_rank(void **state)
{
    struct gx_command revoke = {.method = GX_CMD_REVOKE, .given = GIVEN(INVITE)};
    char token[600], id[80];
    (void)state;

    meet(2);
    ask_group(1, GX_CMD_INVITES, "tea");
    assert_string_equal(get("invites[0].mine"), "false");
    assert_false(has("invites[0].token"));
    snprintf(id, sizeof id, "%s", get("invites[0].invite"));
    revoke.invite = id;
    assert_false(net_ask(net, 1, revoke, NULL, 0));
    assert_string_equal(net->node[1].error, "no_rank");
    assert_int_equal(net->node[1].exit_code, 4);

    net_invite(net, 1, "tea", token, 0);
    settle();
    ask_group(1, GX_CMD_INVITES, "tea");
    snprintf(id, sizeof id, "%s", get("invites[1].invite"));
    assert_true(net_ask(net, 0, revoke, NULL, 0));
    settle();
    ask_group(1, GX_CMD_INVITES, "tea");
    assert_string_equal(get("invites[1].revoked"), "true");
    assert_false(has("invites[1].token"));
}

static void test_who_left_is_no_member_and_can_join_again(void **state)
{
    char token[600];
    struct gx_command text_of = {.method = GX_CMD_SEND, .group = "tea", .text = "late", .given = GIVEN(GROUP) | GIVEN(TEXT)};
    (void)state;

    meet(2);
    net_send(net, 1, "tea", "bye");
    settle();
    ask_group(1, GX_CMD_GROUP_LEAVE, "tea");
    assert_string_equal(get("state"), "left");
    settle();
    assert_false(net_ask(net, 1, text_of, NULL, 0));
    assert_string_equal(net->node[1].error, "not_member");
    ask_group(1, GX_CMD_GROUP_SHOW, "tea");
    assert_string_equal(get("state"), "left");
    ask_group(0, GX_CMD_GROUP_SHOW, "tea");
    assert_string_equal(get("members"), "1");
    assert_string_equal(get("count"), "1");         /* what was said stays */

    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    settle();
    ask_group(0, GX_CMD_GROUP_SHOW, "tea");
    assert_string_equal(get("members"), "2");
    assert_true(net_ask(net, 1, text_of, NULL, 0));         /* the name is the new membership's */
}

/* --- messages ------------------------------------------------------------------------------------------------------------------------- */

static void read_tea(int i, uint32_t given, uint64_t limit)
{
    struct gx_command cmd = {.method = GX_CMD_READ, .group = "tea", .limit = limit, .given = GIVEN(GROUP) | given};

    cmd.unread = (given & GIVEN(UNREAD)) != 0;
    cmd.mark = (given & GIVEN(MARK)) != 0;
    ask(i, cmd);
}

/* By (tick, log id), whatever the order of arrival was; two write at once without hearing of each other. */
static void test_every_node_shows_messages_in_the_same_order(void **state)
{
    char events[60][80], path[64];
    (void)state;

    meet(3);
    for (unsigned i = 0; i < 20; i++) {
        for (int node = 0; node < 3; node++)
            net_send(net, node, "tea", "x");
        settle();
    }
    for (int node = 0; node < 3; node++) {
        read_tea(node, GIVEN(LIMIT), 0);
        for (unsigned i = 0; i < 60; i++) {
            snprintf(path, sizeof path, "messages[%u].event", i);
            if (node == 0)
                snprintf(events[i], sizeof events[i], "%s", get(path));
            assert_string_equal(get(path), events[i]);
        }
        assert_false(has("messages[60].event"));
        /* the last of them are the last of all */
        read_tea(node, GIVEN(LIMIT), 5);
        assert_string_equal(get("messages[0].event"), events[55]);
        assert_string_equal(get("messages[4].event"), events[59]);
    }
}

static void test_messages_of_others_are_unread_until_marked(void **state)
{
    char message[32];
    (void)state;

    meet(2);
    for (unsigned i = 0; i < 5; i++) {
        snprintf(message, sizeof message, "m%u", i);
        net_send(net, 0, "tea", message);
    }
    settle();
    assert_int_equal(number(1, "unread"), 5);
    assert_int_equal(number(0, "unread"), 0);
    read_tea(1, 0, 0);
    assert_string_equal(get("messages[0].state"), "received");
    assert_string_equal(get("messages[0].alias"), "n0");
    assert_false(has("messages[0].held.by"));
    assert_int_equal(number(1, "unread"), 5);       /* reading alone marks nothing */
    /* the oldest two; the others stay unread */
    read_tea(1, GIVEN(UNREAD) | GIVEN(LIMIT) | GIVEN(MARK), 2);
    assert_string_equal(get("messages[0].text"), "m0");
    assert_string_equal(get("messages[1].text"), "m1");
    assert_string_equal(get("more"), "true");
    assert_int_equal(number(1, "unread"), 3);
    net_stop(net, 1);
    net_start(net, 1);
    settle();
    assert_int_equal(number(1, "unread"), 3);       /* a restart forgets nothing */
    ask(1, (struct gx_command){.method = GX_CMD_READ, .unread = true, .mark = true, .given = GIVEN(UNREAD) | GIVEN(MARK)});
    assert_string_equal(get("messages[0].text"), "m2");
    assert_string_equal(get("messages[2].text"), "m4");
    assert_int_equal(number(1, "unread"), 0);
    net_send(net, 0, "tea", "m5");
    settle();
    assert_int_equal(number(1, "unread"), 1);
}

static void test_a_message_is_sent_when_one_holds_it_and_delivered_when_all_do(void **state)
{
    (void)state;
    meet(3);
    net_stop(net, 2);
    net_send(net, 0, "tea", "hello");
    settle();
    read_tea(0, 0, 0);
    assert_string_equal(get("messages[0].state"), "sent");
    assert_string_equal(get("messages[0].held.by"), "1");
    assert_string_equal(get("messages[0].held.of"), "2");
    assert_int_equal(number(0, "outbox"), 0);
    net_start(net, 2);
    net_run(net, 30000);
    read_tea(0, 0, 0);
    assert_string_equal(get("messages[0].state"), "delivered");
    assert_string_equal(get("messages[0].held.by"), "2");
}

static void test_what_nobody_holds_waits_in_the_outbox(void **state)
{
    (void)state;
    meet(2);
    net_stop(net, 1);
    net_send(net, 0, "tea", "one");
    net_send(net, 0, "tea", "two");
    settle();
    assert_int_equal(number(0, "outbox"), 2);
    read_tea(0, 0, 0);
    assert_string_equal(get("messages[0].state"), "queued");
    net_start(net, 1);
    net_run(net, 30000);
    assert_int_equal(number(0, "outbox"), 0);
}

/* "who joined later holds fewer" */
static void test_a_newcomer_begins_with_what_is_said_after_it_came(void **state)
{
    char token[600];
    (void)state;

    net = net_new(2);
    net_group(net, 0, "tea");
    net_send(net, 0, "tea", "before");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    settle();
    net_send(net, 0, "tea", "after");
    settle();
    read_tea(1, 0, 0);
    assert_string_equal(get("messages[0].text"), "after");
    assert_false(has("messages[1].text"));
    ask_group(1, GX_CMD_GROUP_SHOW, "tea");
    assert_string_equal(get("count"), "1");
    ask_group(0, GX_CMD_GROUP_SHOW, "tea");
    assert_string_equal(get("count"), "2");
    assert_int_equal(number(1, "unread"), 1);
    read_tea(1, GIVEN(MARK), 0);
    assert_int_equal(number(1, "unread"), 0);
}

/* --- watch and wait ------------------------------------------------------------------------------------------------------------------- */

static void test_watch_tells_of_members_and_messages_in_order_of_arrival(void **state)
{
    (void)state;
    meet(2);
    net_send(net, 1, "tea", "hello");
    settle();
    ask_group(1, GX_CMD_GROUP_LEAVE, "tea");
    settle();
    ask(0, (struct gx_command){.method = GX_CMD_WATCH, .group = "tea", .since = 0, .given = GIVEN(GROUP) | GIVEN(SINCE)});
    assert_int_equal(n_notes, 3);
    assert_string_equal(line_get(notes, "0.type"), "member");
    assert_string_equal(line_get(notes, "0.what"), "joined");
    assert_string_equal(line_get(notes, "1.type"), "message");
    assert_string_equal(line_get(notes, "1.text"), "hello");
    assert_string_equal(line_get(notes, "1.from"), line_get(notes, "0.member"));
    assert_string_equal(line_get(notes, "2.what"), "left");
    assert_string_equal(line_get(notes, "2.member"), line_get(notes, "0.member"));
    assert_string_not_equal(line_get(notes, "0.by"), line_get(notes, "0.member"));
    assert_string_equal(line_get(notes, "2.by"), line_get(notes, "0.member"));
}

static void test_watch_hears_others_live(void **state)
{
    (void)state;
    meet(2);
    ask_group(0, GX_CMD_WATCH, "tea");
    net->node[0].notes = 0;
    net_send(net, 1, "tea", "one");
    net_send(net, 1, "tea", "two");
    settle();
    assert_int_equal(net->node[0].notes, 2);
}

static void test_wait_for_peers_members_and_the_others_hash(void **state)
{
    struct gx_command cmd = {.method = GX_CMD_WAIT, .given = GIVEN(PEERS) | GIVEN(IDLE), .peers = 1, .idle = true};
    char hash[80];
    (void)state;

    meet(2);
    assert_true(net_ask(net, 0, cmd, NULL, 0));
    cmd.peers = 2;
    assert_false(net_ask(net, 0, cmd, NULL, 31000));
    assert_string_equal(net->node[0].error, "timeout");
    assert_int_equal(net->node[0].exit_code, 6);
    net_send(net, 1, "tea", "hello");
    ask_group(1, GX_CMD_GROUP_SHOW, "tea");
    snprintf(hash, sizeof hash, "%s", get("messages_hash"));
    cmd = (struct gx_command){.method = GX_CMD_WAIT, .group = "tea", .hash = hash, .members = 2, .given = GIVEN(GROUP) | GIVEN(HASH) | GIVEN(MEMBERS)};
    assert_true(net_ask(net, 0, cmd, NULL, 31000));
}

static void test_wait_for_idle_says_what_is_left(void **state)
{
    struct gx_command cmd = {.method = GX_CMD_WAIT, .given = GIVEN(IDLE), .idle = true};
    (void)state;

    meet(2);
    net_stop(net, 1);
    settle();
    net_send(net, 0, "tea", "is anybody there?");
    assert_false(net_ask(net, 0, cmd, NULL, 31000));
    assert_string_equal(net->node[0].error, "timeout");
    assert_string_equal(net->node[0].message, "tea: 1 messages are held by nobody else yet");
    net_start(net, 1);
    settle();
    assert_true(net_ask(net, 0, cmd, NULL, 31000));
}

static void test_peers_shows_who_is_connected(void **state)
{
    (void)state;
    meet(2);
    ask(0, (struct gx_command){.method = GX_CMD_PEERS});
    assert_string_equal(get("peers[0].state"), "up");
    assert_string_equal(get("peers[0].groups"), "1");
    assert_int_equal(strlen(get("peers[0].peer")), 64);
    assert_int_equal(number(0, "peers.up"), 1);
    assert_int_equal(number(0, "peers.guest"), 0);
    net_stop(net, 1);
    settle();
    assert_int_equal(number(0, "peers.up"), 0);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_join_tells_who_let_us_in),
        TEST(test_every_node_lists_the_same_members_in_the_same_order),
        TEST(test_seats_of_an_invitation_are_counted),
        TEST(test_who_restored_their_home_lets_others_in),
        TEST(test_a_path_without_one_of_its_events_is_not_believed),
        TEST(test_invitations_are_revoked_by_who_made_them_or_a_higher_rank),
        TEST(test_who_left_is_no_member_and_can_join_again),
        TEST(test_every_node_shows_messages_in_the_same_order),
        TEST(test_messages_of_others_are_unread_until_marked),
        TEST(test_a_message_is_sent_when_one_holds_it_and_delivered_when_all_do),
        TEST(test_what_nobody_holds_waits_in_the_outbox),
        TEST(test_a_newcomer_begins_with_what_is_said_after_it_came),
        TEST(test_watch_tells_of_members_and_messages_in_order_of_arrival),
        TEST(test_watch_hears_others_live),
        TEST(test_wait_for_peers_members_and_the_others_hash),
        TEST(test_wait_for_idle_says_what_is_left),
        TEST(test_peers_shows_who_is_connected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
