/* What members who lie, and those who are out, cannot do: promises of LAW and WIRE that held when they were attacked. */
#include "store/check.h"
#include "tests/unit/engine/attack.h"

static void assert_sound(struct net *net, int i)
{
    struct gx_check_report report;
    struct gx_txn *txn = NULL;

    assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
    assert_int_equal(gx_store_check(txn, &report, NULL, NULL), GX_OK);
    gx_txn_abort(&txn);
    assert_int_equal(report.problems, 0);
}

static void restart(struct net *net, int i)
{
    net_stop(net, i);
    net_start(net, i);
}

/* --- ENDED as a weapon ---------------------------------------------------------------------------------------------------------------- */

static void test_a_member_who_is_told_that_it_is_out_believes_the_law_alone(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    uint8_t bytes[64 + 32 * GX_EVENT_DEPS_MAX];
    struct gx_event_id id;

    (void)state;
    for (int round = 0; round < 3; round++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_frame_list list = gx_frame_begin_ended(&w, channel_number(net, 2, 1));

        for (unsigned i = 0; i < (round == 0 ? 0 : GX_EVENT_DEPS_MAX); i++) {
            memset(id.b, (int)i, sizeof id.b);
            gx_frame_put_id(&w, &list, round == 1 ? &id : &tea(net, 1)->law.nodes[i % tea(net, 1)->law.n_ops].op.id);
        }
        gx_frame_end(&w, &list);
        inject(net, 2, 1, gx_wr_span(&w));
        net_settle(net);
    }
    net_run(net, 60000);
    assert_string_equal(show(net, 1, "state"), "member");
    net_send(net, 1, "tea", "still here");
    net_send(net, 2, "tea", "oh well");
    net_run(net, 5000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(show_number(net, i, "count"), 2);
    net_free(net);
}

/* --- who is out --------------------------------------------------------------------------------------------------------------------------- */

static bool is_out;
static unsigned n_after;

static bool nothing_after(struct net *net, int from, int to, struct gx_span bytes)
{
    if (net->cut[from][to])
        return false;
    if (is_out && to == 2 && bytes.n > 0 && (bytes.p[0] == GX_FRAME_CHUNKS || bytes.p[0] == GX_FRAME_FRONTIER || bytes.p[0] == GX_FRAME_ENDPOINTS))
        n_after++;
    return true;
}

/* Its own engine asks for whatever an honest one would; each event of its past it has. */
static void test_who_was_removed_while_connected_gets_no_frame_of_events_any_more(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net->pass = nothing_after;
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 3000);
    is_out = true;
    for (int i = 0; i < 3; i++) {
        net_send(net, 0, "tea", "after");
        assert_true(name_self(net, 1, i % 2 ? "one" : "two"));
        net_run(net, 70000);
        restart(net, i);
        net_run(net, 70000);
    }
    assert_int_equal(n_after, 0);
    assert_int_equal(show_number(net, 1, "count"), 3);
    net_free(net);
}

/* HEADS before any proof, and a proof of a device that nobody knows. */
static void test_a_stranger_who_shows_heads_is_shown_heads_and_no_event(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint8_t bytes[64];

    (void)state;
    ghost_connects(net, 0, -1);
    for (unsigned i = 0; i < 3; i++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_frame_list list = gx_frame_begin_heads(&w, (uint16_t)(4 + i));

        gx_frame_end(&w, &list);
        ghost_says(&w);
    }
    assert_int_equal(ghost.n_heads, 1);
    assert_int_equal(ghost.n_chunks, 0);
    assert_true(ghost.bytes < 8192 + 2048);
    net_free(net);
}

/* --- forks -------------------------------------------------------------------------------------------------------------------------------- */

static uint32_t branches(const struct gx_group *g, const struct gx_log_id *log)
{
    uint32_t n = 0;

    for (uint32_t i = gx_group_next_branch(g, log, 0); i != GX_NONE; i = gx_group_next_branch(g, log, i + 1))
        n++;
    return n;
}

/* Forks of forks, one after the other: the ninth branch is not kept, and the eight are the same after a start. */
static void test_of_a_tree_of_forks_eight_branches_are_kept(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_log_id log = g->logs[g->own_messages].row.id;
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 2, &tick), prev[4] = {{{0}}};
    struct hand *h = hand_new();

    (void)state;
    for (unsigned seq = 1; seq <= 3; seq++) {
        for (unsigned twin = 0; twin < 4; twin++) {
            char text[32];

            snprintf(text, sizeof text, "%u of %u", twin, seq);
            hand_text(net, 2, h, text, &log, seq, &prev[seq - 1], &head, seq == 1, tick + seq);
            tell(net, 2, 1, h);
            net_settle(net);
            prev[seq] = h->ev.id;
        }
    }
    assert_int_equal(branches(tea(net, 1), &log), GX_LOG_BRANCHES_MAX);
    assert_true(gx_engine_dropped(net->node[1].engine, "branches_full") > 0);

    char hash[65];

    snprintf(hash, sizeof hash, "%.64s", show(net, 1, "messages_hash"));
    restart(net, 1);
    assert_string_equal(hash, show(net, 1, "messages_hash"));
    assert_int_equal(branches(tea(net, 1), &log), GX_LOG_BRANCHES_MAX);
    assert_sound(net, 1);
    free(h);
    net_free(net);
}

/* --- handing over --------------------------------------------------------------------------------------------------------------------------- */

static bool answers(struct net *net, int i, enum gx_method method, const char *who)
{
    struct gx_command cmd = {.method = method, .who = who, .given = 1u << GX_PARAM_WHO};

    return net_ask(net, i, cmd, "state", 0);
}

/* The newest TRANSFER, as it was written. */
static void last_transfer(struct net *net, int i, struct gx_body *body)
{
    struct gx_group *g = tea(net, i);
    uint32_t op = g->law.n_ops;
    struct gx_event ev;

    while (op-- > 0 && g->ops[op].type != GX_EV_TRANSFER)
        ;
    assert_true(gx_group_read(net->node[i].engine, g, &g->logs[g->ops[op].log], g->ops[op].seq, &ev, body));
    gx_txn_abort(&net->node[i].engine->txn);
}

/* n0 to n1, back, and once more with the acceptance of the first time. */
static void test_an_agreement_to_take_a_group_over_is_good_once(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_body body;
    uint32_t op = 0;

    (void)state;
    assert_true(act(net, 0, GX_CMD_GROUP_TRANSFER, "@n1"));
    net_run(net, 5000);
    assert_true(answers(net, 1, GX_CMD_ACCEPT, "tea"));
    net_run(net, 5000);
    last_transfer(net, 0, &body);
    assert_true(act(net, 1, GX_CMD_GROUP_TRANSFER, "@n0"));
    net_run(net, 5000);
    assert_true(answers(net, 0, GX_CMD_ACCEPT, "tea"));
    net_run(net, 5000);
    assert_string_equal(show(net, 0, "rank"), "owner");

    struct hand *h = hand_new();
    struct gx_group *g = tea(net, 0);
    const struct gx_log_row own = g->logs[g->own_control].row;
    uint64_t tick = 0;
    struct gx_event_id head = newest_op(net, 0, &tick);

    hand_make(net, 0, h, &body, &own.id, own.head_seq + 1, &own.head_id, &head, 1, tick + own.head_tick + 1);
    for (int i = 1; i < 3; i++)
        tell(net, 0, i, h);
    net_run(net, 5000);
    for (int i = 1; i < 3; i++) {
        op = gx_group_op(tea(net, i), &h->ev.id);
        assert_int_not_equal(op, GX_NONE);
        assert_int_equal(tea(net, i)->law.now.results[op].rule, GX_RULE_TARGET);
        assert_string_equal(show(net, i, "rank"), "admin\0member" + (i == 1 ? 0 : 6));
    }
    assert_same(net, 1, 2);
    free(h);
    net_free(net);
}

/* Neither a point of its own, nor taking the group by an OFFER and an ACCEPT of its own making. */
static void test_who_is_not_the_owner_witnesses_nothing_and_takes_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_engine *e = net->node[2].engine;
    struct gx_body body = {.type = GX_EV_CHECKPOINT};
    uint8_t bytes[GX_ACCEPT_SIGNED_BYTES];
    struct gx_event_id offer;
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;
    uint32_t points = tea(net, 1)->law.now.n_main;

    (void)state;
    net_stop(net, 0);
    assert_int_equal(gx_author_write(e, g, &body, NULL, NULL), GX_OK);
    body = (struct gx_body){.type = GX_EV_OFFER, .u.target.target = g->row.intro.member};
    assert_int_equal(gx_author_write(e, g, &body, &offer, NULL), GX_OK);
    gx_device_key(&pk, &sk, &net->node[2].config.device_seed, &g->row.intro.e);
    gx_accept_signed_bytes(bytes, &g->row.id, &offer, &g->row.intro.member, &pk);
    body = (struct gx_body){.type = GX_EV_ACCEPT, .u.accept = {.answer = GX_ACCEPT_YES, .offer = offer}};
    gx_sign(&body.u.accept.sig, &sk, GX_DOMAIN_ACCEPT, gx_span(bytes, sizeof bytes));
    assert_int_equal(gx_author_write(e, g, &body, NULL, NULL), GX_OK);

    struct gx_body transfer = {.type = GX_EV_TRANSFER, .u.transfer = {.target = g->row.intro.member, .device = pk, .offer = offer, .sig = body.u.accept.sig}};

    assert_int_equal(gx_author_write(e, g, &transfer, NULL, NULL), GX_OK);
    net_step(net, 2, (struct gx_input){.kind = GX_IN_TIMER});
    net_run(net, 20000);
    net_start(net, 0);
    net_run(net, 60000);
    assert_int_equal(tea(net, 1)->law.n_ops, tea(net, 2)->law.n_ops);
    for (int i = 0; i < 3; i++)
        assert_string_equal(show(net, i, "rank"), i == 0 ? "owner" : "member");
    assert_true(tea(net, 1)->law.now.n_main <= points + 1);     /* the owner's own, once it saw all this */
    assert_same(net, 0, 1);
    net_free(net);
}

/* --- admissions ------------------------------------------------------------------------------------------------------------------------------ */

/* The request by which n1 came in, in an ADMIT of n2 that knows CREATE and itself, and not the TOKEN. */
static void test_an_admission_that_does_not_know_its_token_is_taken_by_nobody(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = tea(net, 2);
    struct gx_event_id create = g->law.nodes[0].op.id;
    struct gx_log_id log = g->logs[g->own_control].row.id;
    uint32_t seat = gx_law_seat(&g->law, 1), before = tea(net, 1)->law.n_ops;
    struct gx_event ev;
    struct gx_body body;
    struct hand *h = hand_new();

    (void)state;
    while (g->ops[seat].type != GX_EV_ADMIT)
        seat++;
    assert_true(gx_group_read(net->node[2].engine, g, &g->logs[g->ops[seat].log], g->ops[seat].seq, &ev, &body));
    hand_make(net, 2, h, &body, &log, 1, NULL, &create, 1, 2);      /* beside the first event of its log */
    gx_txn_abort(&net->node[2].engine->txn);
    for (int i = 0; i < 2; i++)
        tell(net, 2, i, h);
    net_run(net, 60000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tea(net, i)->law.n_ops, before);
        assert_int_equal(gx_engine_dropped(net->node[i].engine, "malformed"), 1);
    }
    assert_same(net, 0, 1);
    restart(net, 1);
    assert_same(net, 0, 1);
    assert_sound(net, 1);
    free(h);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_who_is_told_that_it_is_out_believes_the_law_alone),
        cmocka_unit_test(test_who_was_removed_while_connected_gets_no_frame_of_events_any_more),
        cmocka_unit_test(test_a_stranger_who_shows_heads_is_shown_heads_and_no_event),
        cmocka_unit_test(test_of_a_tree_of_forks_eight_branches_are_kept),
        cmocka_unit_test(test_an_agreement_to_take_a_group_over_is_good_once),
        cmocka_unit_test(test_who_is_not_the_owner_witnesses_nothing_and_takes_nothing),
        cmocka_unit_test(test_an_admission_that_does_not_know_its_token_is_taken_by_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
