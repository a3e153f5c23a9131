/* By which gates members meet: those of the newest epochs, old ones, and gate 0 where there is none.  KEYS §11, WIRE §6.1. */
#include "tests/unit/engine/sealing.h"

static void assert_met(struct net *net, int i, uint64_t by_gate, uint64_t by_gate_zero)
{
    assert_int_equal(eng(net, i)->met_by_gate, by_gate);
    assert_int_equal(eng(net, i)->met_by_gate_zero, by_gate_zero);
}

static uint64_t status(struct net *net, const char *key)
{
    struct gx_command cmd = {.method = GX_CMD_STATUS};

    net->node[0].number = UINT64_MAX;
    assert_true(net_ask(net, 0, cmd, key, 0));
    return net->node[0].number;
}

static void test_a_newcomer_is_met_by_gate_0_and_then_by_an_epochs(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    assert_met(net, 0, 0, 1);
    assert_met(net, 1, 0, 1);
    assert_int_equal(status(net, "by_gate_0"), 1);
    restart(net, 1);
    net_run(net, 20000);
    assert_met(net, 0, 1, 1);
    assert_met(net, 1, 1, 0);
    assert_int_equal(status(net, "by_gate"), 1);
    net_free(net);
}

/* No node of the three was told a tag of gate 0, once they had epochs. */
static unsigned shown_zero;

static bool looks_for_gate_0(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    for (uint32_t i = 0; gx_frame_decode(&f, bytes) == GX_OK && f.kind == GX_FRAME_TAGS && i < eng(net, from)->n_sessions; i++) {
        struct gx_session *s = eng(net, from)->sessions[i];
        struct gx_tag tag;

        gx_gate_tag(&tag, &tea(net, from)->gate_zero, s->inbound ? GX_ROLE_SERVER : GX_ROLE_CLIENT, &s->transcript);
        for (size_t k = 0; k < f.n; k++) {
            struct gx_tag other = gx_frame_tag_at(&f, k);

            shown_zero += memcmp(tag.b, other.b, sizeof tag.b) == 0;
        }
    }
    return !net->cut[from][to];
}

static void test_tags_are_never_made_with_gate_0(void **state)
{
    char token[600];
    struct net *net = net_new(3);

    (void)state;
    shown_zero = 0;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    net->pass = looks_for_gate_0;
    assert_true(net_join(net, 1, token, NULL));
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    restart(net, 2);
    net_run(net, 20000);
    assert_int_equal(show_number(net, 2, "members"), 3);
    assert_true(eng(net, 2)->met_by_gate > 0);
    assert_int_equal(shown_zero, 0);
    net_free(net);
}

/* Node 0 begins n epochs, a week after each other, which node 1 hears nothing of. */
static void weeks_without(struct net *net, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char text[32];

        net->now.wall_ms += 8 * DAY_MS;
        snprintf(text, sizeof text, "week %u", i);
        net_send(net, 0, "tea", text);
    }
}

static void test_who_missed_sixty_epochs_is_met_by_an_old_gate_and_who_missed_more_by_gate_0(void **state)
{
    static const struct { unsigned weeks; bool by_gate; } after[] = {{3, true}, {GX_GATES_KEPT - 1, true}, {GX_GATES_KEPT, false}};

    (void)state;
    for (size_t i = 0; i < GX_ARRAY_LEN(after); i++) {
        char token[600];
        struct net *net = tea_of(2, 2, token);
        uint32_t before = tea(net, 0)->n_epochs;

        net_send(net, 1, "tea", "good bye");
        net_run(net, 20000);
        net_stop(net, 1);
        weeks_without(net, after[i].weeks);
        assert_int_equal(tea(net, 0)->n_epochs, before + after[i].weeks);
        restart(net, 0);
        net_start(net, 1);
        net_run(net, 60000);
        assert_true(eng(net, 0)->met_by_gate + eng(net, 0)->met_by_gate_zero == 1);
        assert_int_equal(eng(net, 0)->met_by_gate, after[i].by_gate);
        assert_int_equal(show_number(net, 1, "count"), 1 + after[i].weeks);
        assert_same(net, 0, 1);
        net_free(net);
    }
}

/* What lies of an epoch that is over is its gate, and that only as long as it is one of the newest. */
static void test_of_epochs_that_are_over_the_newest_gates_stay(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint32_t n_gates = 0, n_spent = 0, n_open = 0;

    (void)state;
    net_stop(net, 1);
    weeks_without(net, GX_GATES_KEPT + 10);
    for (int twice = 0; twice < 2; twice++) {
        struct gx_group *g = tea(net, 0);

        n_gates = g->n_gates;
        n_spent = n_open = 0;
        for (uint32_t i = 0; i < g->n_epochs; i++) {
            n_open += g->epochs[i].row.state == GX_EPOCH_OPEN;
            n_spent += g->epochs[i].row.state == GX_EPOCH_SPENT;
            assert_true(g->epochs[i].row.state != GX_EPOCH_SPENT || (g->epochs[i].row.n_chains == 0 && gx_gates_has(g, g->epochs[i].op)));
        }
        assert_int_equal(n_gates, GX_GATES_KEPT);
        assert_int_equal(n_open, 5);                    /* 37 days, in steps of 8 */
        assert_int_equal(n_open + n_spent, GX_GATES_KEPT);
        assert_int_equal(rows(net, 0, GX_TABLE_EPOCH), GX_GATES_KEPT);
        for (uint32_t i = 1; i < n_gates; i++)
            assert_true(gx_op_is_later(g, g->gates[i - 1], g->gates[i]));
        restart(net, 0);
    }
    net_free(net);
}

/* All that n2 knows lists n1, which is out: it is met by gate 0, and proves a device that is live. */
static void test_who_missed_a_removal_is_met_by_gate_0(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net_stop(net, 2);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    net_send(net, 0, "tea", "without n1");
    net_run(net, 5000);
    net_stop(net, 1);
    eng(net, 0)->met_by_gate = eng(net, 0)->met_by_gate_zero = 0;
    net_start(net, 2);
    net_run(net, 5000);
    assert_met(net, 0, 0, 1);
    assert_same(net, 0, 2);
    assert_true(reads(net, 2, "without n1"));
    net_free(net);
}

/* The client does not know whose node it came to: that one proves itself first. */
static unsigned begun_by_server;

static bool counts_begun(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (gx_frame_decode(&f, bytes) == GX_OK && f.kind == GX_FRAME_PROOF)
        for (size_t i = 0; i < f.n; i++)
            begun_by_server += gx_frame_proof_at(&f, i).channel >= GX_CHANNEL_OF_SERVER;
    (void)net;
    (void)from;
    (void)to;
    return true;
}

static void test_where_the_server_alone_knows_the_other_node_it_proves_first(void **state)
{
    (void)state;
    for (int dials = 0; dials < 2; dials++) {
        char token[600], other[600];
        struct net *net = tea_of(2, 2, token);

        begun_by_server = 0;
        net_group(net, 0, "coffee");
        net_invite(net, 0, "coffee", other, 0);
        assert_true(net_join(net, 1, other, NULL));
        net_run(net, 20000);
        net->cut[0][1] = net->cut[1][0] = true;
        restart(net, 0);
        restart(net, 1);
        /* Of both groups they know no gate; of coffee the one that dials has no record of the other. */
        for (int i = 0; i < 2; i++)
            for (uint32_t k = 0; k < eng(net, i)->n_groups; k++)
                eng(net, i)->groups[k]->n_gates = 0;
        for (uint32_t k = 0; k < eng(net, dials)->groups[1]->n_endpoints; k++)
            if (!gx_sign_pk_equal(&eng(net, dials)->groups[1]->endpoints[k].device, &eng(net, dials)->groups[1]->row.intro.device))
                memset(&eng(net, dials)->groups[1]->endpoints[k].transport, 0x77, 32);
        net->cut[dials][!dials] = false;
        net->pass = counts_begun;
        net_run(net, 60000);
        assert_true(begun_by_server > 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(eng(net, i)->met_by_gate_zero, 2);
        net_free(net);
    }
}

/* The server proved first, and proves anew before the answer has come: that one is dropped, and the newer proof is what counts. */
static void test_a_server_that_proves_anew_is_answered_anew(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    int server = gx_session_find(eng(net, 0), session_with(net, 1, 0))->inbound ? 0 : 1, client = !server;
    struct gx_channel *there = channel_with(net, client, server), *here = channel_with(net, server, client);
    uint8_t bytes[4];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)state;
    here->number = there->number = GX_CHANNEL_OF_SERVER;
    here->first = false;
    there->first = true;
    there->theirs = false;
    gx_frame_write_simple(&w, GX_FRAME_AGAIN);
    inject(net, server, client, gx_wr_span(&w));        /* the client begins with tags once more */
    net_run(net, 5000);
    here = channel_with(net, server, client);
    there = channel_with(net, client, server);
    assert_int_equal(here->number, GX_CHANNEL_OF_SERVER + 1);
    assert_int_equal(there->number, GX_CHANNEL_OF_SERVER + 1);
    assert_true(gx_channel_shared(here) && gx_channel_shared(there) && here->started && there->started);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_server_that_proves_anew_is_answered_anew),
        cmocka_unit_test(test_a_newcomer_is_met_by_gate_0_and_then_by_an_epochs),
        cmocka_unit_test(test_tags_are_never_made_with_gate_0),
        cmocka_unit_test(test_who_missed_sixty_epochs_is_met_by_an_old_gate_and_who_missed_more_by_gate_0),
        cmocka_unit_test(test_of_epochs_that_are_over_the_newest_gates_stay),
        cmocka_unit_test(test_who_missed_a_removal_is_met_by_gate_0),
        cmocka_unit_test(test_where_the_server_alone_knows_the_other_node_it_proves_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
