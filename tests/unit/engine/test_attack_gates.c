/* Who looks for a group with what it knows of it: gate 0, gates of before its removal, proofs that do not hold.  KEYS §11, WIRE §6.1. */
#include "tests/unit/engine/sealing.h"

/* Every gate that a node could ever open, and gate 0. */
static uint32_t all_gates(struct net *net, int i, struct gx_gate_key out[GX_GATES_KEPT + 1])
{
    struct gx_group *g = tea(net, i);

    for (uint32_t k = 0; k < g->n_gates; k++)
        out[k] = gx_epoch_by_op(g, g->gates[k])->row.gate;
    out[g->n_gates] = g->gate_zero;
    return g->n_gates + 1;
}

static bool ghost_heard_tag_of(const struct gx_gate_key *gates, uint32_t n)
{
    bool found = false;

    for (uint32_t k = 0; k < n; k++) {
        struct gx_tag tag;

        gx_gate_tag(&tag, &gates[k], GX_ROLE_SERVER, &ghost.transcript);
        for (size_t i = 0; i < ghost.n_tags; i++)
            found = found || memcmp(ghost.tags[i].b, tag.b, sizeof tag.b) == 0;
    }
    return found;
}

static void ghost_shows_gates(const struct gx_gate_key *gates, uint32_t n)
{
    struct gx_tag tags[GX_GATES_KEPT + 1];

    for (uint32_t k = 0; k < n; k++)
        gx_gate_tag(&tags[k], &gates[k], GX_ROLE_CLIENT, &ghost.transcript);
    ghost_shows(tags, n);
}

/* The other way round is shown first: to a member's gates there is an answer, so that the test can see one. */
static void test_who_was_removed_learns_nothing_by_its_gates(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_gate_key gates[GX_GATES_KEPT + 1];
    uint32_t n = 0;
    unsigned frames = 0;
    size_t bytes = 0;

    (void)state;
    net_send(net, 0, "tea", "all three hear this");
    net_run(net, 5000);
    n = all_gates(net, 2, gates);
    assert_true(n > 1);
    ghost_opens(net, 0);
    ghost_shows_gates(gates, n);
    assert_int_equal(ghost.n_tags, GX_FRAME_TAGS_PAD);
    assert_true(ghost_heard_tag_of(gates, n));

    net_stop(net, 2);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 20000);
    ghost_opens(net, 0);
    ghost_shows_gates(gates, n);
    assert_int_equal(ghost.n_tags, GX_FRAME_TAGS_PAD);
    assert_false(ghost_heard_tag_of(gates, n));
    frames = ghost.n_frames;
    bytes = ghost.bytes;

    /* As much as who knows nothing at all. */
    for (uint32_t k = 0; k < n; k++)
        memset(&gates[k], (int)k + 1, sizeof gates[k]);
    ghost_opens(net, 0);
    ghost_shows_gates(gates, n);
    assert_int_equal(ghost.n_frames, frames);
    assert_int_equal(ghost.bytes, bytes);
    net_free(net);
}

static bool holds_cuts(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)bytes;
    return !net->cut[from][to];
}

/* The gates of an epoch whose author is out, or that lists somebody who is: the author of an epoch need not have seen a removal. */
static void test_gates_that_somebody_who_is_out_has_are_shown_to_nobody(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    const struct gx_gate_key *shown[GX_GATES_KEPT];
    struct gx_gate_key gates[GX_GATES_KEPT + 1];
    uint32_t n = 0, n_shown = 0;

    (void)state;
    net_send(net, 2, "tea", "by an epoch of mine, or not");
    net_run(net, 5000);
    net->pass = holds_cuts;
    net->cut[0][2] = net->cut[2][0] = net->cut[1][2] = net->cut[2][1] = true;
    net_run(net, 100000);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net->now.wall_ms += 8 * DAY_MS;
    net_send(net, 2, "tea", "I do not know that I am out");         /* an epoch beside the removal, for all three */
    net_run(net, 5000);
    memset(net->cut, 0, sizeof net->cut);
    net_run(net, 400000);
    assert_string_equal(show(net, 2, "state"), "removed");
    n = all_gates(net, 2, gates);
    n_shown = gx_gates_list(eng(net, 0), tea(net, 0), shown, GX_GATES_KEPT);
    assert_true(n_shown > 0 && n_shown < tea(net, 0)->n_gates);
    for (uint32_t i = 0; i < n_shown; i++)
        for (uint32_t k = 0; k < n; k++)
            assert_memory_not_equal(shown[i]->b, gates[k].b, sizeof gates[k].b);
    net_free(net);
}

/* Who comes in again is another member, with other keys; what it knew as the one before is not shown again. */
static void test_the_gates_of_before_stay_closed_to_who_comes_in_again(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    const struct gx_gate_key *shown[GX_GATES_KEPT];
    struct gx_gate_key gates[GX_GATES_KEPT + 1];
    uint32_t n = all_gates(net, 2, gates), n_shown = 0;

    (void)state;
    assert_true(n > 1);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 20000);
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    assert_int_equal(show_number(net, 0, "members"), 3);
    n_shown = gx_gates_list(eng(net, 0), tea(net, 0), shown, GX_GATES_KEPT);
    assert_true(n_shown > 0);
    for (uint32_t i = 0; i < n_shown; i++)
        for (uint32_t k = 0; k < n; k++)
            assert_memory_not_equal(shown[i]->b, gates[k].b, sizeof gates[k].b);
    net_free(net);
}

/* A proof that does not hold is answered as one of a group that is not known: not at all, and the session goes on or ends alike. */
static void test_a_proof_that_does_not_hold_tells_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_group other = *tea(net, 0);
    unsigned frames[2] = {0};
    size_t bytes[2] = {0};

    (void)state;
    memset(&other.gate_zero, 0x21, sizeof other.gate_zero);
    for (int known = 0; known < 2; known++) {
        ghost_opens(net, 0);
        ghost_shows(NULL, 0);
        for (int i = 0; i < 300; i++)
            ghost_proves(known ? tea(net, 0) : &other, 1, false);
        frames[known] = ghost.n_frames;
        bytes[known] = ghost.bytes;
        assert_null(gx_session_find(eng(net, 0), ghost.session));       /* nobody tries for ever */
        assert_int_equal(ghost.n_heads + ghost.n_ended + ghost.n_chunks, 0);
    }
    assert_int_equal(frames[0], 3);                 /* HELLO, TAGS, BYE */
    assert_int_equal(frames[0], frames[1]);
    assert_int_equal(bytes[0], bytes[1]);
    net_free(net);
}

/* Whoever looks on one connection does so a few times, and is as far as before: a next one has other tags. */
static void test_nobody_shows_tags_for_ever(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_tag tags[GX_FRAME_TAGS_PAD];
    unsigned n = 0;

    (void)state;
    memset(tags, 0x31, sizeof tags);
    ghost_opens(net, 0);
    for (; n < 2000 && gx_session_find(eng(net, 0), ghost.session) != NULL; n++)
        ghost_shows(tags, GX_ARRAY_LEN(tags));
    assert_int_equal(n, GX_GROUPS_MAX + 1);
    assert_int_equal(ghost.n_frames, 1 + GX_GROUPS_MAX + 1);        /* HELLO, TAGS, BYE */
    net_free(net);
}

/* A member's gate opens nothing: the device is what is served. */
static void test_who_shows_a_members_gate_and_proves_another_device_gets_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_gate_key gates[GX_GATES_KEPT + 1];
    uint32_t n = 0;

    (void)state;
    net_send(net, 0, "tea", "for members");
    net_run(net, 5000);
    n = all_gates(net, 1, gates);
    ghost_opens(net, 0);
    ghost_shows_gates(gates, n);
    assert_true(ghost_heard_tag_of(gates, n));
    ghost_proves(tea(net, 0), -1, true);
    assert_int_equal(ghost.n_heads, 1);
    assert_int_equal(ghost.n_chunks, 0);
    net_send(net, 0, "tea", "for members, too");
    net_run(net, 5000);
    assert_int_equal(ghost.n_chunks, 0);
    net_free(net);
}

/* Numbers of channels are each side's own: who takes one of the other's gets no answer. */
static void test_a_client_that_takes_a_channel_of_the_server_is_not_heard(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint8_t bytes[512], proof_bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_proof proof = {.channel = GX_CHANNEL_OF_SERVER};
    struct gx_sign_sk sk;

    (void)state;
    ghost_opens(net, 0);
    ghost_shows(NULL, 0);

    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_proof(&w);

    gx_gate_tag(&proof.tag, &tea(net, 0)->gate_zero, GX_ROLE_CLIENT, &ghost.transcript);
    gx_device_key(&proof.device, &sk, &net->node[1].config.device_seed, &tea(net, 1)->row.intro.e);
    gx_proof_signed_bytes(proof_bytes, &tea(net, 0)->row.id, GX_ROLE_CLIENT, &ghost.transcript);
    gx_sign(&proof.sig, &sk, GX_DOMAIN_SESSION, gx_span(proof_bytes, sizeof proof_bytes));
    gx_frame_put_proof(&w, &list, &proof);
    gx_frame_end(&w, &list);
    ghost_says(&w);
    assert_int_equal(ghost.n_frames, 2);            /* HELLO, TAGS */
    assert_int_equal(gx_session_find(eng(net, 0), ghost.session)->n_channels, 0);
    ghost_proves(tea(net, 0), 1, true);             /* as it should be */
    assert_int_equal(ghost.n_frames, 3);
    net_free(net);
}

/* Who knows CREATE has its minute to be heard of, once: proofs on ever new channels hold nothing open. */
static void test_a_device_that_nobody_knows_is_waited_for_once(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    ghost_connects(net, 0, -1);
    assert_int_equal(ghost.n_heads, 1);
    net_run(net, 50000);
    assert_non_null(gx_session_find(eng(net, 0), ghost.session));
    ghost.channel++;
    ghost_proves(tea(net, 0), -1, true);
    net_run(net, 20000);
    assert_null(gx_session_find(eng(net, 0), ghost.session));
    net_free(net);
}

/* Who was removed is told so, and has time to ask by what: as often as it likes, and not as long. */
static void test_who_was_removed_holds_no_session_by_proving_again(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net->pass = holds_cuts;
    net->cut[0][2] = net->cut[2][0] = net->cut[1][2] = net->cut[2][1] = true;
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 100000);
    ghost_connects(net, 0, 2);
    assert_int_equal(ghost.n_ended, 1);
    for (int i = 0; i < 3; i++) {
        net_run(net, 8000);
        ghost.channel++;
        ghost_proves(tea(net, 0), 2, true);
    }
    assert_null(gx_session_find(eng(net, 0), ghost.session));
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_was_removed_learns_nothing_by_its_gates),
        cmocka_unit_test(test_gates_that_somebody_who_is_out_has_are_shown_to_nobody),
        cmocka_unit_test(test_the_gates_of_before_stay_closed_to_who_comes_in_again),
        cmocka_unit_test(test_a_proof_that_does_not_hold_tells_nothing),
        cmocka_unit_test(test_nobody_shows_tags_for_ever),
        cmocka_unit_test(test_who_shows_a_members_gate_and_proves_another_device_gets_nothing),
        cmocka_unit_test(test_a_client_that_takes_a_channel_of_the_server_is_not_heard),
        cmocka_unit_test(test_a_device_that_nobody_knows_is_waited_for_once),
        cmocka_unit_test(test_who_was_removed_holds_no_session_by_proving_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
