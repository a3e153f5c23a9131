/* What members who lie learn, and who is out: no more than LAW §12 and WIRE §6.1 allow. */
#include "tests/unit/engine/attack.h"

/* --- ended opens the group to strangers ------------------------------------------------------------------------------------------------- */

/* KEYS, "What this protects": "nobody gets an event of a group without the device key of a live member or an invitation code".
 * WIRE §6.1: a device the view does not know is sent HEADS and nothing else; who is out is told what ended it, "and nothing else" (LAW §12). */

static void says_ended(void)
{
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_ended(&w, 5);

    gx_frame_end(&w, &list);            /* by no operations at all */
    ghost_says(&w);
}

/* All it has is what a guest is shown before it is let in: CREATE, and with it the gate. */
static void test_a_device_that_nobody_knows_gets_no_event_by_saying_ended(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    ghost_connects(net, 0, -1);
    assert_int_equal(ghost.n_heads, 1);
    assert_int_equal(ghost.n_chunks, 0);
    says_ended();
    assert_int_equal(ghost.n_chunks, 0);
    net_free(net);
}

static void test_a_removed_member_gets_nothing_written_after_by_saying_ended(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net_stop(net, 2);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    for (int i = 0; i < 5; i++)
        assert_true(name_self(net, 0, i % 2 ? "one" : "two"));
    net_start(net, 2);                  /* its keys are needed; it talks to nobody */
    net_run(net, 20000);
    ghost_connects(net, 0, 2);
    assert_int_equal(ghost.n_ended, 1);
    says_ended();
    assert_int_equal(ghost.n_chunks, 0);
    net_free(net);
}

/* --- removed here and shared there ------------------------------------------------------------------------------------------------------ */

/* LAW §12: who is out is told that, and nothing else.  WIRE §6.1, 6: only "a client that reached the server through a signed endpoint record of a member"
 * answers HEADS with control events: of a member of this group.
 *
 * n1 was removed from tea, and shares coffee with n0: so n0 still connects to it, and proves itself for tea too. */

static unsigned given;
static uint16_t channel_of_tea;         /* on which n1 would prove itself first; 0: it has not tried */

/* From n1 come no proof for tea and nothing that its engine says about it, only what the test puts in. */
static bool hears(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (net->cut[from][to])
        return false;
    if (gx_frame_decode(&f, bytes) != GX_OK)
        return true;
    if (from == 1 && to == 0 && f.kind == GX_FRAME_PROOF && f.n > 0 && gx_frame_proof_at(&f, 0).channel >= GX_CHANNEL_OF_SERVER) {
        channel_of_tea = gx_frame_proof_at(&f, 0).channel;
        return false;
    }
    if (from == 0 && to == 1 && f.kind == GX_FRAME_CHUNKS && f.channel == channel_of_tea)
        given += (unsigned)f.n;
    return true;
}

static void test_a_removed_member_that_shares_another_group_gets_nothing_of_this_one(void **state)
{
    char token[600], other[600];
    struct net *net = tea_of(2, 2, token);
    uint8_t bytes[64];

    (void)state;
    net_group(net, 0, "coffee");
    net_invite(net, 0, "coffee", other, 0);
    assert_true(net_join(net, 1, other, NULL));
    net_run(net, 20000);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    net->node[0].engine->key_look_ms = UINT64_MAX;          /* with another transport key n1 would not look for it any more */
    net_run(net, 20000);
    assert_string_equal(show(net, 1, "state"), "removed");
    assert_true(name_self(net, 0, "written after"));
    given = channel_of_tea = 0;
    net->pass = hears;

    /* n1 never dials: it waits until n0 does. */
    net->cut[1][0] = true;
    net_stop(net, 0);
    net_start(net, 0);
    net->node[0].engine->key_look_ms = UINT64_MAX;
    for (int i = 0; i < 50 && link_between(net, 1, 0, &(int){0}) == NULL; i++)
        net_run(net, 2000);
    net->cut[1][0] = false;
    net_run(net, 2000);
    for (int i = 0; i < 50 && channel_of_tea == 0; i++)
        net_run(net, 2000);
    assert_true(channel_of_tea != 0);
    assert_null(channel_with(net, 1, 0));           /* nor does n0 say anything of tea by itself */

    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_heads(&w, channel_of_tea);

    gx_frame_end(&w, &list);
    inject(net, 1, 0, gx_wr_span(&w));
    net_settle(net);
    assert_int_equal(given, 0);
    net_free(net);
}

/* --- removed in one step and told in the same ------------------------------------------------------------------------------------------- */

/* LAW §12: who is out is told that, and nothing else.  A script that removes and then writes does both in one step (up to 256 inputs, engine.h). */

static bool heard;

static bool hears_what_is_not_for_it(struct net *net, int from, int to, struct gx_span bytes)
{
    if (to == 2 && memmem(bytes.p, bytes.n, "not for n2", 10) != NULL)
        heard = true;
    return !net->cut[from][to];
}

static void test_what_is_written_after_a_removal_in_the_same_step_does_not_reach_the_removed(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_command remove = {.method = GX_CMD_GROUP_REMOVE, .group = "tea", .who = "@n2", .given = GIVEN_WHO, .request = 1};
    struct gx_command send = {.method = GX_CMD_SEND, .group = "tea", .text = "not for n2", .given = NET_TEXT_GIVEN, .request = 2};
    struct gx_input in[2] = {{.kind = GX_IN_COMMAND, .client = 900, .command = &remove, .now = net->now},
                             {.kind = GX_IN_COMMAND, .client = 901, .command = &send, .now = net->now}};
    struct gx_effects effects;

    (void)state;
    net->pass = hears_what_is_not_for_it;
    assert_int_equal(gx_engine_step(net->node[0].engine, &effects, in, 2), GX_OK);
    for (size_t i = 0; i < effects.n; i++)
        net_effect(net, 0, &effects.list[i]);
    net_run(net, 20000);
    assert_int_equal(show_number(net, 1, "count"), 1);
    assert_false(heard);
    net_free(net);
}

/* --- a removed member fills the stores -------------------------------------------------------------------------------------------------- */

/* WIRE §6.1: "nothing is taken from who is no member"; who was told ENDED may show control events (how it came back), not talk on. */

static void test_messages_of_a_banned_member_written_after_are_not_taken(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct hand *h = hand_new();
    char *text = calloc(1, 50001);
    struct gx_event_id prev = {{0}};
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick);

    (void)state;
    memset(text, 'x', 50000);
    net_stop(net, 2);
    assert_true(act(net, 0, GX_CMD_GROUP_BAN, "@n2"));
    net_run(net, 20000);
    net_start(net, 2);                  /* its keys are needed */
    net_run(net, 1000);

    struct gx_log_id log = tea(net, 2)->logs[tea(net, 2)->own_messages].row.id;
    uint32_t seq = 0;

    for (int session = 0; session < 3; session++) {
        ghost_connects(net, 0, 2);
        assert_int_equal(ghost.n_ended, 1);
        for (int i = 0; i < 60; i++) {
            struct gx_wr w = gx_wr(bytes, sizeof bytes);
            struct gx_frame_list list = gx_frame_begin_chunks(&w, 5, GX_CHUNKS_PUSH);

            seq++;
            hand_text(net, 2, h, text, &log, seq, &prev, &head, seq == 1, tick + seq);
            prev = h->ev.id;
            gx_frame_put_chunk(&w, &list, gx_span(h->bytes, h->n));
            gx_frame_end(&w, &list);
            ghost_says(&w);
        }
        net->link[NET_LINKS - 1].open = false;
        net_push(net, 0, (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = ghost.session}, gx_span(NULL, 0));
        net_run(net, 20000);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(tea(net, i)->logs[gx_group_log(tea(net, i), &log)].row.head_seq, 0);
    free(h);
    free(text);
    net_free(net);
}

/* --- a stranger silences a leave -------------------------------------------------------------------------------------------------------- */

/* WIRE §6.1: who leaves "goes on offering the group's tags until another device has acknowledged the LEAVE." */

static void test_a_leave_is_told_until_a_member_has_heard_it(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_ended(&w, 5);

    (void)state;
    gx_frame_end(&w, &list);
    net_stop(net, 0);
    assert_true(net_ask(net, 1, leave, NULL, 0));
    ghost_connects(net, 1, -1);         /* a device that nobody knows, with the gate that every guest is shown */
    ghost_says(&w);
    net_start(net, 0);
    net_run(net, 3600000);
    assert_int_equal(show_number(net, 0, "members"), 1);
    net_free(net);
}

/* --- a void admission buys what came after ---------------------------------------------------------------------------------------------- */

/* LAW §12: who is out "is named the operations that ended it (ENDED), gets these and their past on request"; "and nothing else".
 *
 * n2 was removed.  It admits itself once more, which is void; but what is told of a void ADMIT reaches up to the owner's newest point. */

/* The join request by which n2 came in, said again by n2. */
static void admit_self(struct net *net, struct hand *h)
{
    struct gx_group *g = tea(net, 2);
    struct gx_engine *e = net->node[2].engine;
    uint32_t seat = gx_law_seat(&g->law, g->me);
    const struct gx_log_row *own = &g->logs[g->own_control].row;
    struct gx_event ev;
    struct gx_body body;
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick);

    assert_true(gx_group_read(e, g, &g->logs[g->ops[seat].log], g->ops[seat].seq, &ev, &body));
    hand_make(net, 2, h, &body, &own->id, own->head_seq + 1, &own->head_id, &head, 1, tick + 1);
    gx_txn_abort(&e->txn);
}

static void test_a_removed_member_that_admits_itself_hears_nothing_of_what_came_after(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_command rename = {.method = GX_CMD_GROUP_RENAME, .group = "tea", .name = "tea", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_NAME)};
    struct hand *h = hand_new();
    uint8_t bytes[2000];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)state;
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 20000);
    assert_string_equal(show(net, 2, "state"), "removed");
    for (int i = 0; i < 5; i++) {
        rename.name = i % 2 ? "tea" : "green tea";
        rename.group = i % 2 ? "green tea" : "tea";
        assert_true(net_ask(net, 0, rename, "name", 0));
    }
    net_run(net, 20000);

    uint32_t all = tea(net, 0)->law.n_ops;

    ghost_connects(net, 0, 2);
    assert_int_equal(ghost.n_ended, 1);
    admit_self(net, h);

    struct gx_frame_list list = gx_frame_begin_chunks(&w, 5, 0);

    gx_frame_put_chunk(&w, &list, gx_span(h->bytes, h->n));
    gx_frame_end(&w, &list);
    ghost_says(&w);
    assert_int_equal(tea(net, 0)->law.n_ops, all);

    w = gx_wr(bytes, sizeof bytes);
    list = gx_frame_begin_heads(&w, 5);

    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick);

    gx_frame_put_id(&w, &list, &head);
    gx_frame_end(&w, &list);
    ghost_says(&w);
    assert_int_equal(ghost.n_chunks, 0);
    free(h);
    net_free(net);
}

/* --- endpoint records of others --------------------------------------------------------------------------------------------------------- */

/* KEYS §11: an endpoint record is signed by the device with the group's id, "so that nobody sends members to an address of their choice".
 * engine.h, 6: "Every table has a bound". */

/* n2 says that n0's node is its own, and lives where nobody does. */
static void test_a_member_cannot_move_another_members_node(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_endpoint record = {.transport = net->node[0].config.transport_pk, .counter = UINT64_MAX, .n_addrs = 1, .addrs = {net_addr(9999)}};
    struct gx_sign_sk sk;

    (void)state;
    gx_device_key(&record.device, &sk, &net->node[2].config.device_seed, &tea(net, 2)->row.intro.e);
    sign_record(net, &record, &sk);
    tell_record(net, 2, 1, &record);
    net_run(net, 5000);

    struct gx_target *t = gx_targets_find(net->node[1].engine, &net->node[0].config.transport_pk);

    assert_non_null(t);
    assert_int_equal(t->places[0].addr.port, 100);
    net_free(net);
}

static void test_records_of_devices_that_nobody_knows_stay_within_the_bound(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    for (uint32_t i = 0; i < 1500; i++) {
        struct gx_endpoint record = {.counter = 1, .n_addrs = 1, .addrs = {net_addr(9999)}};
        struct gx_sign_seed seed = {{0}};
        struct gx_sign_sk sk;

        memcpy(seed.b, &i, sizeof i);
        gx_sign_keypair(&record.device, &sk, &seed);
        memcpy(record.transport.b, record.device.b, 32);
        sign_record(net, &record, &sk);
        tell_record(net, 2, 1, &record);
    }

    uint32_t before = tea(net, 1)->n_endpoints;
    bool has_0 = false;

    net_stop(net, 1);
    net_start(net, 1);
    for (uint32_t i = 0; i < tea(net, 1)->n_endpoints; i++)
        has_0 |= memcmp(&tea(net, 1)->endpoints[i].transport, &net->node[0].config.transport_pk, 32) == 0;
    assert_true(has_0);
    assert_true(before <= 2 * GX_GROUP_MEMBERS_MAX);
    assert_true(tea(net, 1)->n_endpoints <= 2 * GX_GROUP_MEMBERS_MAX);
    net_free(net);
}

/* WIRE §6.2: who shows how somebody came in may be the only one to know where they are; and it may be out itself. */
static void test_of_who_is_out_records_are_taken_that_members_signed_and_no_others(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    uint8_t bytes[2000];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list;

    (void)state;
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 20000);
    ghost_connects(net, 0, 2);
    assert_int_equal(ghost.n_ended, 1);

    list = gx_frame_begin_endpoints(&w, ghost.channel);
    for (int of = 1; of <= 2; of++) {
        struct gx_endpoint record = {.counter = 99, .n_addrs = 1, .addrs = {net_addr(9999)}};
        struct gx_sign_sk sk;

        memset(record.transport.b, 0x60 + of, sizeof record.transport.b);
        gx_device_key(&record.device, &sk, &net->node[of].config.device_seed, &tea(net, of)->row.intro.e);
        sign_record(net, &record, &sk);
        gx_frame_put_endpoint(&w, &list, &record);
    }
    gx_frame_end(&w, &list);
    ghost_says(&w);
    assert_int_equal(record_of(net, 0, 1)->counter, 99);
    assert_int_not_equal(record_of(net, 0, 2)->counter, 99);
    net_free(net);
}

/* --- who was removed and let in again hears nothing ------------------------------------------------------------------------------------- */

/* LAW §8: who was removed may be admitted again; then it is a member like any other, and is served.  Nobody lies here. */

static uint64_t messages_of_member(struct net *net, int i)
{
    struct gx_engine *e = net->node[i].engine;

    for (uint32_t k = 0; k < e->n_groups; k++)
        if (gx_group_is_member(e->groups[k]))
            return gx_messages_count(e->groups[k]);
    return 0;
}

static void come_back(struct net *net, bool starts)
{
    char token[600];

    net_invite(net, 0, "tea", token, 0);
    net_run(net, 5000);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 20000);
    if (starts) {
        net_stop(net, 1);
        net_start(net, 1);
        net_run(net, 20000);
    }
    for (int i = 0; i < 3; i++)
        net_send(net, 0, "tea", "welcome back");
    net_run(net, 600000);
    assert_int_equal(messages_of_member(net, 1), 3);
}

static void test_who_was_removed_and_joined_again_hears_what_is_written(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    net_run(net, 20000);
    come_back(net, false);
    net_free(net);
}

static void test_who_left_and_joined_again_hears_what_is_written_after_a_start(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};

    (void)state;
    assert_true(net_ask(net, 1, leave, NULL, 0));
    net_run(net, 20000);
    come_back(net, true);
    net_free(net);
}

/* n1 removes n2 while n0 removes n1, so that it does not count; and n0 cannot call n2, but be called. */
static void test_who_was_removed_calls_and_hears_that_it_does_not_count(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    assert_true(act(net, 0, GX_CMD_GROUP_PROMOTE, "@n1"));
    net_run(net, 5000);
    line(net, 0, 1, false);
    line(net, 0, 2, false);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    assert_true(act(net, 1, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 20000);
    assert_string_equal(show(net, 2, "state"), "removed");
    line(net, 1, 2, false);
    net->cut[2][0] = false;
    net_run(net, 600000);
    assert_string_equal(show(net, 2, "state"), "member");
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_device_that_nobody_knows_gets_no_event_by_saying_ended),
        cmocka_unit_test(test_a_removed_member_gets_nothing_written_after_by_saying_ended),
        cmocka_unit_test(test_a_removed_member_that_shares_another_group_gets_nothing_of_this_one),
        cmocka_unit_test(test_what_is_written_after_a_removal_in_the_same_step_does_not_reach_the_removed),
        cmocka_unit_test(test_messages_of_a_banned_member_written_after_are_not_taken),
        cmocka_unit_test(test_a_leave_is_told_until_a_member_has_heard_it),
        cmocka_unit_test(test_a_removed_member_that_admits_itself_hears_nothing_of_what_came_after),
        cmocka_unit_test(test_a_member_cannot_move_another_members_node),
        cmocka_unit_test(test_records_of_devices_that_nobody_knows_stay_within_the_bound),
        cmocka_unit_test(test_of_who_is_out_records_are_taken_that_members_signed_and_no_others),
        cmocka_unit_test(test_who_was_removed_and_joined_again_hears_what_is_written),
        cmocka_unit_test(test_who_left_and_joined_again_hears_what_is_written_after_a_start),
        cmocka_unit_test(test_who_was_removed_calls_and_hears_that_it_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
