/* The tree of a large group's live events, and those who bend it: neighbours that lie about links, that are many, that are put out.  WIRE §6.1 */
#define NET_NODES 26
#include "tests/unit/engine/attack.h"

#define LIAR 2

static struct gx_channel *link_of(struct net *net, int i, int with)
{
    return channel_with(net, with, i);
}

static unsigned links(struct net *net, int i, enum gx_link link)
{
    unsigned n = 0;

    for (int k = 0; k < net->n; k++) {
        const struct gx_channel *c = k == i || !net->node[k].up ? NULL : link_of(net, i, k);

        n += c != NULL && gx_channel_shared(c) && c->link == link;
    }
    return n;
}

static void say_link(struct net *net, int from, int to, enum gx_link link)
{
    uint8_t bytes[8];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_frame_write_link(&w, channel_number(net, from, to), link);
    inject(net, from, to, gx_wr_span(&w));
    net_settle(net);
}

/* --- one that is many ------------------------------------------------------------------------------------------------------------------- */

/* A ghost that shares the group with `to` says what it holds: nothing. */
static void ghost_begins(struct net *net, int to, int as, uint8_t number)
{
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    ghost_connects_as(net, to, as, number);

    struct gx_frame_list list = gx_frame_begin_frontier(&w, ghost.channel, 0, NULL, NULL);

    gx_frame_end(&w, &list);
    ghost_says(&w);
}

/* "Where more than 16 sessions share the group": one device that is connected many times is one that shares it. */
static void test_one_member_with_many_sessions_makes_no_group_large(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net_run(net, 20000);
    for (uint8_t k = 0; k < 20; k++)
        ghost_begins(net, 0, LIAR, k);
    net_run(net, 1000);
    for (int i = 1; i <= 20; i++) {
        net_send(net, 0, "tea", "to all at once");
        assert_int_equal(show_number(net, 1, "count"), i);
    }
    net_free(net);
}

/* Where the group is large one that is connected many times has one link all the same. */
static void test_one_member_with_many_sessions_has_one_link(void **state)
{
    char token[600];
    struct net *net = tea_of(20, 20, token);
    unsigned n = 0;

    (void)state;
    for (int i = 6; i < 20; i++)
        net_stop(net, i);
    net_run(net, 20000);
    for (uint8_t k = 0; k < 20; k++) {
        uint8_t bytes[8];
        struct gx_wr w = gx_wr(bytes, sizeof bytes);

        ghost_begins(net, 0, LIAR, k);
        gx_frame_write_link(&w, ghost.channel, GX_LINK_EAGER);
        ghost_says(&w);
    }
    net_run(net, 1000);
    for (uint32_t i = 0; i < net->node[0].engine->n_sessions; i++) {
        const struct gx_channel *c = gx_session_channel_of(net->node[0].engine->sessions[i], tea(net, 0)->row.gnum);

        n += c != NULL && gx_sign_pk_equal(&c->device, &tea(net, LIAR)->row.intro.device) && c->link != GX_LINK_APART;
    }
    assert_true(n <= 1);
    net_free(net);
}

/* --- one that is put out ------------------------------------------------------------------------------------------------------------------- */

/* It shares another group, so that its session stays: a lazy link becomes eager at once, and there are 5 again. */
static void test_a_neighbour_that_is_removed_is_none_any_more(void **state)
{
    char token[600];
    struct net *net = tea_of(20, 20, token);
    int out = 0;

    (void)state;
    net_group(net, 0, "water");
    net_invite(net, 0, "water", token, 0);
    for (int i = 1; i < 20; i++)
        assert_true(net_join(net, i, token, NULL));
    net_run(net, 20000);
    assert_true(links(net, 0, GX_LINK_EAGER) + links(net, 0, GX_LINK_LAZY) >= 5);
    while (links(net, 0, GX_LINK_EAGER) > 0) {
        char who[16];

        for (out = 1; link_of(net, 0, out) == NULL || !gx_channel_shared(link_of(net, 0, out)) || link_of(net, 0, out)->link != GX_LINK_EAGER; out++)
            ;
        snprintf(who, sizeof who, "@n%d", out);
        assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, who));
        net_settle(net);
        assert_int_equal(link_of(net, 0, out)->link, GX_LINK_APART);
        assert_non_null(link_between(net, 0, out, &(int){0}));
        net_run(net, 1000);
        if (tea(net, 0)->law.now.n_members <= 18)
            break;
        assert_true(links(net, 0, GX_LINK_EAGER) > 0);
        assert_true(links(net, 0, GX_LINK_EAGER) + links(net, 0, GX_LINK_LAZY) >= 5);
    }
    net_free(net);
}

/* --- one that lies about links ----------------------------------------------------------------------------------------------------------------- */

/* Who says more than 64 LINKs in 10 s has no link for a minute; and nobody else is short of one. */
static void test_a_flood_of_links_costs_the_flooder_its_own(void **state)
{
    char token[600];
    struct net *net = tea_of(20, 20, token);
    uint64_t frames = 0;

    (void)state;
    net_run(net, 20000);
    frames = net->node[0].frames;
    for (unsigned i = 0; i < 3000; i++)
        say_link(net, LIAR, 0, i % 3 == 0 ? GX_LINK_EAGER : i % 3 == 1 ? GX_LINK_LAZY : GX_LINK_APART);
    assert_true(gx_engine_dropped(net->node[0].engine, "link_flood") > 2900);
    assert_true(net->node[0].frames - frames < 200);
    assert_int_equal(link_of(net, 0, LIAR)->link, GX_LINK_APART);
    net_run(net, 1000);
    assert_true(links(net, 0, GX_LINK_EAGER) > 0 && links(net, 0, GX_LINK_EAGER) + links(net, 0, GX_LINK_LAZY) >= 5);
    net_send(net, 0, "tea", "all the same");
    net_run(net, 1000);
    for (int i = 1; i < 20; i++)
        assert_int_equal(show_number(net, i, "count"), 1);
    net_free(net);
}

/* Everybody wants to be linked with n0: it has 8 at most, and those that it chose itself stay. */
static void test_all_that_ask_for_a_link_do_not_get_one(void **state)
{
    char token[600];
    struct net *net = tea_of(24, 24, token);
    bool mine[NET_NODES] = {false};

    (void)state;
    net_run(net, 20000);
    for (int i = 1; i < 24; i++)
        mine[i] = link_of(net, 0, i) != NULL && link_of(net, 0, i)->link != GX_LINK_APART && link_of(net, 0, i)->link_mine;
    for (int round = 0; round < 3; round++)
        for (int i = 1; i < 24; i++)
            if (!mine[i])
                say_link(net, i, 0, GX_LINK_EAGER);
    assert_true(links(net, 0, GX_LINK_EAGER) + links(net, 0, GX_LINK_LAZY) <= 8);
    for (int i = 1; i < 24; i++)
        assert_true(!mine[i] || link_of(net, 0, i)->link != GX_LINK_APART);
    net_free(net);
}

/* All of its neighbours say that they have everything already: it goes on being heard within a second, and has an eager link again. */
static void test_who_is_pruned_by_all_is_heard_all_the_same(void **state)
{
    char token[600];
    struct net *net = tea_of(20, 20, token);

    (void)state;
    net_run(net, 20000);
    for (int i = 1; i < 20; i++)
        if (link_of(net, 0, i)->link != GX_LINK_APART)
            say_link(net, i, 0, i % 2 ? GX_LINK_LAZY : GX_LINK_APART);
    net_run(net, 100);
    assert_true(links(net, 0, GX_LINK_EAGER) > 0);
    net_send(net, 0, "tea", "is anybody there");
    net_run(net, 1000);
    for (int i = 1; i < 20; i++)
        assert_int_equal(show_number(net, i, "count"), 1);
    net_free(net);
}

/* --- what was announced and never given -------------------------------------------------------------------------------------------------------- */

static uint8_t lost;                    /* this kind of frames of the liar's */
static unsigned pushed_on;

static bool the_liar_does_not_say_all(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    pushed_on += from == 0 && gx_frame_decode(&f, bytes) == GX_OK && f.kind == GX_FRAME_CHUNKS && (f.flags & GX_CHUNKS_PUSH);
    return !net->cut[from][to] && !(from == LIAR && bytes.n > 0 && bytes.p[0] == lost);
}

/* What it answers much later, to another question, is no live event. */
static void test_what_was_owed_and_never_given_makes_nothing_live_later(void **state)
{
    char token[600];
    struct net *net = tea_of(20, 20, token);

    (void)state;
    net_run(net, 20000);
    net->pass = the_liar_does_not_say_all;
    lost = GX_FRAME_CHUNKS;
    for (int i = 0; i < 20; i++)
        line(net, LIAR, i, i == 0);
    net_send(net, LIAR, "tea", "announced, and not given");
    net_run(net, 8000);
    assert_true(link_of(net, 0, LIAR)->link_owes);
    lost = GX_FRAME_FRONTIER;
    link_of(net, 0, LIAR)->link_offers = false;         /* the next question is about nothing that was announced live */
    pushed_on = 0;
    net_run(net, 120000);
    for (int i = 0; i < 20; i++)
        assert_int_equal(show_number(net, i, "count"), 1);
    assert_int_equal(pushed_on, 0);
    net_free(net);
}

/* --- at rest -------------------------------------------------------------------------------------------------------------------------------------- */

/* Who is alone in a large group, or has links with all that are there, waits for nobody to come. */
static void test_who_has_nobody_to_be_linked_with_does_not_look_again_and_again(void **state)
{
    char token[600];
    struct net *net = tea_of(19, 19, token);

    (void)state;
    net_run(net, 20000);
    for (int i = 3; i < 19; i++)
        net_stop(net, i);
    net_run(net, 200000);
    assert_int_equal(links(net, 0, GX_LINK_LAZY) + links(net, 0, GX_LINK_EAGER), 2);
    assert_int_equal(tea(net, 0)->tree_at_ms, 0);
    net_stop(net, 1);
    net_stop(net, 2);
    net_run(net, 200000);
    assert_int_equal(tea(net, 0)->tree_at_ms, 0);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_member_with_many_sessions_makes_no_group_large),
        cmocka_unit_test(test_one_member_with_many_sessions_has_one_link),
        cmocka_unit_test(test_a_neighbour_that_is_removed_is_none_any_more),
        cmocka_unit_test(test_a_flood_of_links_costs_the_flooder_its_own),
        cmocka_unit_test(test_all_that_ask_for_a_link_do_not_get_one),
        cmocka_unit_test(test_who_is_pruned_by_all_is_heard_all_the_same),
        cmocka_unit_test(test_what_was_owed_and_never_given_makes_nothing_live_later),
        cmocka_unit_test(test_who_has_nobody_to_be_linked_with_does_not_look_again_and_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
