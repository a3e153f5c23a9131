/* What went wrong in messengers like this one, where it is about people.  Each names the report that it comes from. */
#include "tests/unit/engine/people.h"

static uint64_t members(struct net *net, int i, const char *group)
{
    net_get(net, i, GX_CMD_GROUP_SHOW, group, "members");
    return net->node[i].number;
}

static bool act(struct net *net, int i, enum gx_method method, const char *who)
{
    struct gx_command cmd = {.method = method, .group = "tea", .who = who, .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO)};

    return net_ask(net, i, cmd, "member", 0);
}

/* chatmail/core#1291 */
static void test_two_members_scan_two_cards_at_once_and_all_end_up_contacts(void **s)
{
    struct net *net = net_new(4);
    char card[2][600];

    (void)s;
    for (int i = 0; i < 2; i++)
        card_of(net, i, card[i]);
    for (int who = 2; who < 4; who++) {
        for (int i = 0; i < 2; i++) {
            struct gx_command cmd = {.method = GX_CMD_CONTACT_ADD, .token = card[i], .given = 1u << GX_PARAM_TOKEN, .request = 1};

            net_step(net, who, (struct gx_input){.kind = GX_IN_COMMAND, .client = 900, .command = &cmd});
        }
    }
    net_run(net, 10000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waiting(net, i), 2);
        assert_true(tell(net, i, GX_CMD_ACCEPT, "n2", "state"));
        assert_true(tell(net, i, GX_CMD_ACCEPT, "n3", "state"));
    }
    net_run(net, 20000);
    for (int who = 2; who < 4; who++) {
        assert_string_equal(state(net, who, "n0"), "contact");
        assert_string_equal(state(net, who, "n1"), "contact");
        net_send(net, who, "@n0", "hello");
        net_send(net, who, "@n1", "hello");
    }
    net_run(net, 3000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(texts(net, i, "@n2"), 1);
        assert_int_equal(texts(net, i, "@n3"), 1);
    }
    net_free(net);
}

/* deltachat-desktop#4599: also of a group that a contact brought them into */
static void test_who_came_by_a_contact_and_was_removed_receives_nothing_more(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    net_run(net, 3000);
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 10000);
    net_send(net, 0, "tea", "before");
    net_run(net, 3000);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    net_send(net, 0, "tea", "after");
    net_run(net, 70000);
    assert_int_equal(texts(net, 1, "tea"), 1);
    net_send(net, 0, "@n1", "no hard feelings");        /* and is a contact still */
    net_run(net, 3000);
    assert_int_equal(texts(net, 1, "@n0"), 2);          /* with the invitation */
    net_free(net);
}

/* session-android#1279 */
static void test_who_left_can_be_invited_again(void **s)
{
    struct net *net = net_new(2);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};

    (void)s;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    for (int round = 0; round < 2; round++) {
        assert_true(invite_contact(net, 0, "tea", "@n1"));
        net_run(net, 3000);
        assert_true(tell(net, 1, GX_CMD_ACCEPT, "tea", "state"));
        net_run(net, 20000);
        assert_int_equal(members(net, 0, "tea"), 2);
        assert_int_equal(members(net, 1, "tea"), 2);
        net_send(net, 0, "tea", "welcome");
        net_run(net, 3000);
        if (round == 0)
            assert_true(net_ask(net, 1, leave, "state", 0));
        net_run(net, 20000);
    }
    assert_int_equal(texts(net, 1, "tea"), 1);
    net_free(net);
}

/* toxic#586, qTox#896 */
static void test_messages_and_contacts_outlive_restarts_of_both(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    befriend(net, 0, 1);
    net_stop(net, 1);
    for (int i = 0; i < 3; i++)
        net_send(net, 0, "@n1", "while you were away");
    net_stop(net, 0);
    net_start(net, 0);
    net_stop(net, 0);
    net_start(net, 1);
    net_run(net, 20000);
    net_start(net, 0);
    net_run(net, 20000);
    assert_int_equal(texts(net, 1, "@n0"), 3);
    assert_string_equal(state(net, 1, "n0"), "contact");
    net_free(net);
}

/* quiet#1340 */
static void test_a_member_brings_a_contact_in_while_the_owner_is_away(void **s)
{
    struct net *net = net_new(3);
    char token[600];

    (void)s;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    befriend(net, 1, 2);
    net_stop(net, 0);
    assert_true(invite_contact(net, 1, "tea", "@n2"));
    net_run(net, 3000);
    assert_true(tell(net, 2, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 10000);
    assert_int_equal(members(net, 2, "tea"), 3);
    net_start(net, 0);
    net_run(net, 20000);
    assert_int_equal(members(net, 0, "tea"), 3);
    net_free(net);
}

/* core#3061: what is taken back does not let in, though it was accepted */
static void test_an_invitation_whose_time_is_over_lets_nobody_in(void **s)
{
    struct net *net = net_new(2);
    struct gx_command invite = {.method = GX_CMD_INVITE, .group = "tea", .who = "@n1", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO) | (1u << GX_PARAM_EXPIRES_MS)};

    (void)s;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    invite.expires_ms = net->now.wall_ms + 120000;
    assert_true(net_ask(net, 0, invite, "state", 0));
    net_run(net, 3000);
    net_stop(net, 0);
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 200000);
    net_start(net, 0);
    net_run(net, 60000);
    assert_int_equal(members(net, 0, "tea"), 1);
    assert_true(gx_engine_dropped(net->node[0].engine, "ask_denied") > 0);
    net_free(net);
}

/* cable 7.2.1.2: what one contact wrote is not shown as said to another */
static void test_a_message_of_one_chat_counts_in_no_other(void **s)
{
    struct net *net = net_new(3);
    struct gx_event ev;
    struct gx_body body;
    static uint8_t bytes[GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)s;
    befriend(net, 0, 1);
    befriend(net, 1, 2);
    net_send(net, 0, "@n1", "I resign");
    net_run(net, 3000);

    struct gx_engine *e = net->node[1].engine;
    struct gx_group *from = gx_contact_chat(e, gx_contact_by_id(e, &net->node[0].config.person.id));
    struct gx_group *to = gx_contact_chat(net->node[2].engine, gx_contact_by_id(net->node[2].engine, &net->node[1].config.person.id));
    uint32_t log = 0;

    while (from->logs[log].own || from->logs[log].row.cls != GX_LOG_MESSAGES)
        log++;
    gx_arena_reset(&e->arena);
    assert_true(gx_group_read(e, from, &from->logs[log], 1, &ev, &body));
    gx_chunk_write_header(&w, &ev.log, 1, &ev.prev, 1);
    gx_record_encode(&w, &ev);
    gx_txn_abort(&e->txn);
    gx_arena_reset(&net->node[2].engine->arena);
    gx_jobs_chunk(net->node[2].engine, NULL, to, gx_wr_span(&w));
    net_run(net, 3000);
    assert_int_equal(texts(net, 2, "@n1"), 0);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_members_scan_two_cards_at_once_and_all_end_up_contacts),
        cmocka_unit_test(test_who_came_by_a_contact_and_was_removed_receives_nothing_more),
        cmocka_unit_test(test_who_left_can_be_invited_again),
        cmocka_unit_test(test_messages_and_contacts_outlive_restarts_of_both),
        cmocka_unit_test(test_a_member_brings_a_contact_in_while_the_owner_is_away),
        cmocka_unit_test(test_an_invitation_whose_time_is_over_lets_nobody_in),
        cmocka_unit_test(test_a_message_of_one_chat_counts_in_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
