/* Nodes that meet: joining by a code, through any member, and what happens when somebody vanishes half way. */
#define NET_NODES 100
#include "node/engine/internal.h"
#include "store/check.h"
#include "tests/unit/engine/net.h"

static void same_everywhere(struct net *net, const char *group, int n)
{
    char state[600], messages[600];

    snprintf(state, sizeof state, "%s", net_get(net, 0, GX_CMD_GROUP_SHOW, group, "state_hash"));
    snprintf(messages, sizeof messages, "%s", net_get(net, 0, GX_CMD_GROUP_SHOW, group, "messages_hash"));
    for (int i = 1; i < n; i++) {
        assert_string_equal(net_get(net, i, GX_CMD_GROUP_SHOW, group, "state_hash"), state);
        assert_string_equal(net_get(net, i, GX_CMD_GROUP_SHOW, group, "messages_hash"), messages);
    }
}

static void test_two_people_meet_by_a_code_and_talk(void **state)
{
    struct net *net = net_new(2);
    char token[600];

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_send(net, 0, "tea", "hello");
    net_settle(net);
    net_send(net, 1, "tea", "hello back");
    net_settle(net);
    net_get(net, 1, GX_CMD_GROUP_SHOW, "tea", "count");
    assert_int_equal(net->node[1].number, 2);
    same_everywhere(net, "tea", 2);
    net_free(net);
}

/* A is down; B admits C by A's code. */
static void test_any_member_admits_while_the_inviter_is_away(void **state)
{
    struct net *net = net_new(3);
    char token[600];

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_stop(net, 0);
    assert_true(net_join(net, 2, token, net_guest_door(net, 1)));
    net_run(net, 3000);
    net_send(net, 2, "tea", "is anyone there");
    net_settle(net);
    net_start(net, 0);
    net_run(net, 5000);
    net_send(net, 0, "tea", "back");
    net_run(net, 5000);
    same_everywhere(net, "tea", 3);
    net_get(net, 0, GX_CMD_GROUP_SHOW, "tea", "members");
    assert_int_equal(net->node[0].number, 3);
    net_free(net);
}

/* B admits C while A is away, and then B is gone for good: C shows A by what control events it came in. */
static void test_a_member_shows_by_what_right_it_came_when_its_admitter_is_gone(void **state)
{
    struct net *net = net_new(3);
    char token[600];

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_stop(net, 0);
    assert_true(net_join(net, 2, token, net_guest_door(net, 1)));
    net_run(net, 3000);
    net_stop(net, 1);
    net_start(net, 0);
    net_run(net, 30000);
    net_send(net, 2, "tea", "you do not know me, but");
    net_run(net, 5000);
    net_get(net, 0, GX_CMD_GROUP_SHOW, "tea", "members");
    assert_int_equal(net->node[0].number, 3);
    net_get(net, 0, GX_CMD_GROUP_SHOW, "tea", "count");
    assert_int_equal(net->node[0].number, 1);
    net_free(net);
}

/* Who was let in meanwhile connects before this node knows where to reach them: when it hears so it has a connection already, and dials nobody. */
static void test_who_is_connected_already_is_not_dialled_again(void **state)
{
    (void)state;
    for (int late = 1; late <= 2; late++) {         /* which of the two has the lower key differs */
        struct net *net = net_new(3);
        int early = 3 - late;
        char token[600];
        unsigned rounds = 0;

        net_group(net, 0, "tea");
        net_invite(net, 0, "tea", token, 0);
        assert_true(net_join(net, early, token, NULL));
        net_run(net, 3000);
        net->cut[0][early] = net->cut[early][0] = true;
        assert_true(net_join(net, late, token, NULL));
        net_run(net, 3000);
        net->cut[0][early] = net->cut[early][0] = false;
        for (; rounds < 20; rounds++) {
            const struct gx_engine *e = net->node[early].engine;

            for (uint32_t k = 0; k < e->n_targets; k++)
                if (memcmp(&e->targets[k].key, &net->node[late].config.transport_pk, sizeof e->targets[k].key) == 0)
                    assert_true(e->targets[k].session != 0);
            net_run(net, 10000);
        }
        net_free(net);
    }
}

static unsigned told_of_group;

static bool tells_strangers_nothing(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)net;
    (void)to;
    told_of_group += from == 0 && bytes.p[0] != GX_FRAME_HELLO && bytes.p[0] != GX_FRAME_BYE && !(bytes.p[0] == GX_FRAME_TAGS && bytes.n == 3 + 16 * 64);
    return true;
}

/* A stranger who only has the address and the transport key of a member is told nothing: to its tags come back as many random ones, and to its proof nothing. */
static void test_a_node_without_a_shared_group_gets_nothing(void **state)
{
    struct net *net = net_new(2);
    struct gx_endpoint record = {.transport = net->node[0].config.transport_pk, .n_addrs = 1, .addrs = {net_addr(100)}};
    uint64_t frames = 0;

    (void)state;
    told_of_group = 0;
    net->pass = tells_strangers_nothing;
    net_group(net, 0, "tea");
    net_group(net, 1, "coffee");
    frames = net->node[0].frames;
    assert_int_equal(net->node[1].engine->groups[0]->n_endpoints, 1);
    record.device = net->node[1].engine->groups[0]->row.intro.device;
    net->node[1].engine->groups[0]->endpoints[0] = record;      /* as if a member's record named the stranger's victim */
    gx_targets_update(net->node[1].engine, &record);
    net_step(net, 1, (struct gx_input){.kind = GX_IN_TIMER});       /* it may sleep: nobody told it of that change */
    net_run(net, 5000);
    assert_true(net->node[0].frames - frames >= 2);             /* HELLO and TAGS, each time */
    assert_int_equal(told_of_group, 0);
    assert_true(gx_engine_dropped(net->node[0].engine, "unknown_group") > 0);
    net_free(net);
}

/* What was written before somebody joined is not theirs, so they do not count as holding it. */
static void test_a_newcomer_holds_nothing_from_before_it_joined(void **state)
{
    struct net *net = net_new(3);
    char token[600];
    uint32_t by = 0, of = 0;

    (void)state;
    net_group(net, 0, "tea");
    net_send(net, 0, "tea", "to myself");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_send(net, 0, "tea", "to one");
    net_run(net, 3000);
    gx_messages_held(net->node[0].engine->groups[0], 1, &by, &of);
    assert_int_equal(by, 0);
    gx_messages_held(net->node[0].engine->groups[0], 2, &by, &of);
    assert_int_equal(by, 1);
    assert_int_equal(of, 1);
    assert_int_equal(gx_messages_unsent(net->node[0].engine->groups[0]), 0);
    net_stop(net, 1);
    net_send(net, 0, "tea", "to nobody");
    assert_int_equal(gx_messages_unsent(net->node[0].engine->groups[0]), 1);
    net_get(net, 0, GX_CMD_READ, "tea", "state");
    assert_string_equal(net->node[0].text, "queued");
    net_free(net);
}

/* A home restored from a copy has another incarnation secret: it goes on in new logs, and nothing forks. */
static void test_a_restored_home_goes_on_in_new_logs(void **state)
{
    struct net *net = net_new(2);
    char token[600];

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_send(net, 1, "tea", "before");
    net_run(net, 3000);
    net_stop(net, 1);
    net->node[1].config.incarnation.b[0] ^= 1;
    net_start(net, 1);
    net_send(net, 1, "tea", "after");
    net_run(net, 5000);
    net_get(net, 0, GX_CMD_GROUP_SHOW, "tea", "count");
    assert_int_equal(net->node[0].number, 2);
    assert_int_equal(net->node[0].engine->groups[0]->n_logs, 6);
    assert_int_equal(gx_engine_dropped(net->node[0].engine, "fork"), 0);
    same_everywhere(net, "tea", 2);
    net_stop(net, 0);
    net_start(net, 0);
    net_run(net, 5000);
    same_everywhere(net, "tea", 2);
    net_free(net);
}

static struct gx_want_entry asked_for;
static unsigned wants;

static bool note_wants(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    (void)net;
    (void)to;
    if (from == 1 && gx_frame_decode(&f, bytes) == GX_OK && f.kind == GX_FRAME_WANT && f.flags == GX_WANT_MESSAGES && f.n == 1) {
        asked_for = gx_frame_want_at(&f, 0);
        wants++;
    }
    return true;
}

/* WIRE §6.10: whoever answers can tell whether both hold the same branch. */
static void test_a_want_says_which_event_it_goes_on_from(void **state)
{
    struct net *net = net_new(2);
    const struct gx_group *g = NULL;
    struct gx_event_id first;
    char token[600];

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_send(net, 0, "tea", "first");
    net_run(net, 3000);
    g = net->node[0].engine->groups[0];
    first = g->logs[g->own_messages].row.head_id;
    net_stop(net, 1);
    net_send(net, 0, "tea", "second");
    net->pass = note_wants;
    net_start(net, 1);
    net_run(net, 5000);
    assert_int_equal(wants, 1);
    assert_int_equal(asked_for.from_seq, 2);
    assert_memory_equal(asked_for.check, first.b, sizeof asked_for.check);
    same_everywhere(net, "tea", 2);
    net_free(net);
}

/* The 3rd member fills a group of three; the next one is told why, and the group stays as it is. */
static void test_a_full_group_turns_a_guest_away_with_the_reason(void **state)
{
    struct net *net = net_new(4);
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = "tea", .cap = 3, .qr_max = 3,
                             .given = (1u << GX_PARAM_NAME) | (1u << GX_PARAM_CAP) | (1u << GX_PARAM_QR_MAX)};
    char token[600];

    (void)state;
    assert_true(net_ask(net, 0, cmd, "group", 0));
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    assert_true(net_join(net, 2, token, NULL));
    assert_false(net_join(net, 3, token, NULL));
    assert_int_equal(net->node[3].exit_code, 4);
    assert_string_equal(net->node[3].error, "full");
    net_run(net, 3000);
    net_get(net, 0, GX_CMD_GROUP_SHOW, "tea", "members");
    assert_int_equal(net->node[0].number, 3);
    same_everywhere(net, "tea", 3);
    net_free(net);
}

/* Everybody was admitted by the one before, up to the last that a code may admit: the door shows a hundred admissions, the guest checks each. */
static void test_a_code_made_by_the_99th_link_of_a_chain_is_believed(void **state)
{
    const int chain = (int)GX_GROUP_QR_JOIN_MAX;
    struct gx_command invite = {.method = GX_CMD_INVITE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    struct net *net = net_new(chain);
    char token[600];

    (void)state;
    for (int i = 2; i < chain; i++)
        net_stop(net, i);
    net_group(net, 0, "tea");
    for (int i = 0; i + 1 < chain; i++) {
        net_invite(net, i, "tea", token, 0);
        if (i > 0)
            net_start(net, i + 1);
        assert_true(net_join(net, i + 1, token, NULL));
        net_stop(net, i);
        if (i % 30 == 29) {             /* 32 unseen admissions stand on the founder's account: the founder looks in */
            net_start(net, 0);
            net_run(net, 30000);
            net_stop(net, 0);
        }
    }
    net_get(net, chain - 1, GX_CMD_GROUP_SHOW, "tea", "members");
    assert_int_equal(net->node[chain - 1].number, chain);
    /* With 99 members a code admitted the 100th; now there is none. */
    assert_false(net_ask(net, chain - 1, invite, NULL, 0));
    assert_int_equal(net->node[chain - 1].exit_code, 4);
    assert_string_equal(net->node[chain - 1].error, "qr_closed");
    net_free(net);
}

/* More control events than the step's arena would hold if each took room for the longest. */
static void test_a_group_with_thousands_of_control_events_can_still_be_joined(void **state)
{
    struct net *net = net_new(2);
    struct gx_body body = {.type = GX_EV_ALIAS, .u.alias.name = gx_span("a", 1)};
    char token[600];

    (void)state;
    net_group(net, 0, "tea");
    for (int i = 0; i < 3000; i++) {
        struct gx_engine *e = net->node[0].engine;

        gx_arena_reset(&e->arena);
        assert_int_equal(gx_author_write(e, e->groups[0], &body, NULL, NULL), GX_OK);
    }
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    assert_int_equal(gx_engine_dropped(net->node[0].engine, "send_budget"), 0);
    same_everywhere(net, "tea", 2);
    net_free(net);
}

/* A claim to hold an event that is not the one this node wrote acknowledges nothing. */
static bool lie_about_check(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;
    uint8_t *p = NULL;

    (void)net;
    (void)to;
    if (from != 1 || bytes.p[0] != GX_FRAME_FRONTIER || gx_frame_decode(&f, bytes) != GX_OK)
        return true;
    memcpy(&p, &f.list.p, sizeof p);        /* the frame is ours to change: it lies in the sender's arena */
    for (size_t i = 0; i < f.n; i++)
        p[20 * i + 16] ^= 1;
    return true;
}

static void test_a_claim_to_hold_another_branch_is_no_delivery(void **state)
{
    struct net *net = net_new(2);
    char token[600];
    uint32_t by = 0, of = 0;

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net->pass = lie_about_check;
    net_send(net, 0, "tea", "who has this");
    net_run(net, 3000);
    gx_messages_held(net->node[0].engine->groups[0], 1, &by, &of);
    assert_int_equal(by, 0);
    assert_int_equal(of, 1);
    net->pass = NULL;
    net_run(net, 100000);
    gx_messages_held(net->node[0].engine->groups[0], 1, &by, &of);
    assert_int_equal(by, 1);
    net_free(net);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t n = 0;

    assert_true(in != NULL && out != NULL);
    while (in != NULL && out != NULL && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    if (in != NULL)
        fclose(in);
    if (out != NULL)
        fclose(out);
}

static void alias(struct net *net, int i, const char *name)
{
    struct gx_engine *e = net->node[i].engine;
    struct gx_body body = {.type = GX_EV_ALIAS, .u.alias.name = gx_span(name, strlen(name))};

    assert_int_equal(gx_author_write(e, e->groups[0], &body, NULL, NULL), GX_OK);
    net_step(net, i, (struct gx_input){.kind = GX_IN_TIMER});
    net_settle(net);
}

/* A cloned machine: two nodes with one device write different things at one place of its control log, each to another member.  Both branches
 * reach everybody, and what honest members wrote on either goes on. */
static void test_a_forked_control_log_keeps_nobody_apart(void **state)
{
    struct net *net = net_new(3);
    char token[600], store[128], saved[128];

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 5000);
    snprintf(store, sizeof store, "%s/%s", net->node[2].dir, GX_STORE_FILE);
    snprintf(saved, sizeof saved, "%s/saved", net->node[2].dir);
    net_stop(net, 2);
    copy_file(store, saved);

    net_stop(net, 1);
    net_start(net, 2);
    net_run(net, 5000);
    alias(net, 2, "one");
    net_run(net, 5000);
    net_send(net, 0, "tea", "on branch one");
    net_stop(net, 2);
    net_stop(net, 0);

    copy_file(saved, store);
    net_start(net, 1);
    net_start(net, 2);
    net_run(net, 5000);
    alias(net, 2, "two");
    alias(net, 2, "three");
    net_run(net, 5000);
    net_send(net, 1, "tea", "on branch two");
    net_stop(net, 2);

    net_start(net, 0);
    net_run(net, 100000);
    assert_true(gx_engine_dropped(net->node[0].engine, "fork") > 0);
    assert_true(gx_engine_dropped(net->node[1].engine, "fork") > 0);
    net_get(net, 0, GX_CMD_GROUP_SHOW, "tea", "count");
    assert_int_equal(net->node[0].number, 2);
    same_everywhere(net, "tea", 2);
    for (int i = 0; i < 2; i++) {
        struct gx_check_report report;
        struct gx_txn *txn = NULL;

        net_stop(net, i);
        net_start(net, i);
        assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
        assert_int_equal(gx_store_check(txn, &report, NULL, NULL), GX_OK);
        gx_txn_abort(&txn);
        assert_int_equal(report.problems, 0);
    }
    net_run(net, 5000);
    same_everywhere(net, "tea", 2);
    net_free(net);
}

/* HEADS costs its answerer a walk of all control events: the same question is answered once, however often it is asked. */
static void test_heads_asked_again_and_again_is_answered_once(void **state)
{
    struct net *net = net_new(2);
    struct net_link *l = NULL;
    struct gx_session *s = NULL;
    char token[600];
    uint64_t sent = 0;

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 5000);
    for (int i = 0; i < NET_LINKS; i++)
        if (net->link[i].open)
            l = &net->link[i];
    assert_non_null(l);
    int side = l->node[0] == 0 ? 0 : 1;
    s = gx_session_find(net->node[0].engine, l->session[side]);
    assert_true(s != NULL && s->n_channels == 1);
    sent = net->node[0].frame_bytes;
    for (int i = 0; i < 50; i++) {
        uint8_t bytes[16];
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_frame_list list = gx_frame_begin_heads(&w, s->channels[0].number);

        gx_frame_end(&w, &list);
        net_push(net, 0, (struct gx_input){.kind = GX_IN_FRAME, .session = l->session[side]}, gx_wr_span(&w));
    }
    net_settle(net);
    assert_int_equal(gx_engine_dropped(net->node[0].engine, "channel"), 49);
    assert_true(net->node[0].frame_bytes - sent < 8192);
    net_free(net);
}

static unsigned n_split;

/* A path comes in as many frames as it has events. */
static bool split_path(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;
    struct gx_rd rd;

    if (bytes.p[0] != GX_FRAME_PATH || gx_frame_decode(&f, bytes) != GX_OK || f.n == 1)
        return true;
    rd = gx_rd(f.list);
    for (int k = 0; k < NET_LINKS; k++) {
        struct net_link *l = &net->link[k];
        int side = l->node[0] == to ? 0 : 1;

        if (!l->open || l->node[side] != to || l->node[!side] != from)
            continue;
        for (size_t i = 0; i < f.n; i++) {
            uint8_t one[GX_FRAME_BYTES_MAX];
            struct gx_wr w = gx_wr(one, sizeof one);
            struct gx_frame_list list = gx_frame_begin_path(&w);

            gx_frame_put_chunk(&w, &list, gx_frame_chunk_next(&rd));
            gx_frame_end(&w, &list);
            net_push(net, to, (struct gx_input){.kind = GX_IN_FRAME, .session = l->session[side]}, gx_wr_span(&w));
            n_split++;
        }
        return false;
    }
    return true;
}

static void test_a_path_may_come_in_many_frames(void **state)
{
    struct net *net = net_new(3);
    char token[600];

    (void)state;
    net->pass = split_path;
    n_split = 0;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    net_invite(net, 1, "tea", token, 0);
    assert_true(net_join(net, 2, token, NULL));
    assert_int_equal(n_split, 2 + 3);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_people_meet_by_a_code_and_talk),
        cmocka_unit_test(test_any_member_admits_while_the_inviter_is_away),
        cmocka_unit_test(test_a_member_shows_by_what_right_it_came_when_its_admitter_is_gone),
        cmocka_unit_test(test_who_is_connected_already_is_not_dialled_again),
        cmocka_unit_test(test_a_node_without_a_shared_group_gets_nothing),
        cmocka_unit_test(test_a_newcomer_holds_nothing_from_before_it_joined),
        cmocka_unit_test(test_a_restored_home_goes_on_in_new_logs),
        cmocka_unit_test(test_a_want_says_which_event_it_goes_on_from),
        cmocka_unit_test(test_a_full_group_turns_a_guest_away_with_the_reason),
        cmocka_unit_test(test_a_code_made_by_the_99th_link_of_a_chain_is_believed),
        cmocka_unit_test(test_a_path_may_come_in_many_frames),
        cmocka_unit_test(test_heads_asked_again_and_again_is_answered_once),
        cmocka_unit_test(test_a_forked_control_log_keeps_nobody_apart),
        cmocka_unit_test(test_a_group_with_thousands_of_control_events_can_still_be_joined),
        cmocka_unit_test(test_a_claim_to_hold_another_branch_is_no_delivery),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
