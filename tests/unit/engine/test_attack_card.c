/* Strangers who lie at the door of a card.  WIRE §6.26 */
#include "tests/unit/engine/people_attack.h"

static void closed_with(struct net *net, struct ghost *g, uint8_t bye)
{
    assert_int_equal(g->byes, 1);
    assert_int_equal(g->bye, bye);
    ghosts_free();
    net_free(net);
}

static void test_a_card_that_comes_before_guest_is_not_looked_at(void **s)
{
    struct net *net = net_new(1);
    struct ghost *g = ghost_new(net, 1);
    struct gx_frame f;

    (void)s;
    ghost_founds(g, GX_GROUP_DIRECT, true, 1);
    ghost_comes_to_card(g, 0);
    ghost_card_frame(g, &f, "early");
    ghost_card(g, &f);
    assert_int_equal(waiting(net, 0), 0);
    closed_with(net, g, GX_BYE_MALFORMED);
}

static void test_a_second_guest_frame_ends_the_visit(void **s)
{
    struct net *net = net_new(1);
    struct ghost *g = ghost_new(net, 1);

    (void)s;
    ghost_founds(g, GX_GROUP_DIRECT, true, 1);
    ghost_comes_to_card(g, 0);
    ghost_guest(g, 0, &g->intro.device);
    ghost_guest(g, 0, &g->intro.device);
    closed_with(net, g, GX_BYE_MALFORMED);
}

static void test_who_has_not_seen_the_card_is_not_heard(void **s)
{
    struct net *net = net_new(2);
    struct ghost *g = ghost_new(net, 1);
    struct gx_frame f;

    (void)s;
    ghost_founds(g, GX_GROUP_DIRECT, true, 1);
    ghost_comes_to_card(g, 0);
    ghost_guest(g, 1, &g->intro.device);            /* by the card of another one */
    ghost_card_frame(g, &f, "stranger");
    ghost_card(g, &f);
    assert_int_equal(waiting(net, 0), 0);
    closed_with(net, g, GX_BYE_MALFORMED);
}

static void test_nobody_comes_with_the_card_of_another_person(void **s)
{
    struct net *net = net_new(2);
    struct ghost *g = ghost_new(net, 1);
    struct gx_frame f;

    (void)s;
    ghost_founds(g, GX_GROUP_DIRECT, true, 1);
    ghost_comes_to_card(g, 0);
    ghost_guest(g, 0, &g->intro.device);
    ghost_card_frame(g, &f, "n1");
    gx_card_of(&f.card, &net->node[1].config.person);
    ghost_card(g, &f);
    assert_int_equal(waiting(net, 0), 0);
    assert_int_equal(eng(net, 0)->people.n, 0);
    closed_with(net, g, GX_BYE_MALFORMED);
}

static void test_a_card_is_for_one_door_alone(void **s)
{
    struct net *net = net_new(2);
    struct ghost *g = ghost_new(net, 1), *thief = NULL;
    struct gx_frame f;

    (void)s;
    ghost_founds(g, GX_GROUP_DIRECT, true, 1);
    ghost_knocks(g, 1, "a friend of n1");
    assert_int_equal(g->bye, GX_BYE_DONE);
    ghost_card_frame(g, &f, "a friend of n1");      /* with the mac for n1 */
    thief = ghost_new(net, 2);
    ghost_comes_to_card(thief, 0);
    ghost_guest(thief, 0, &g->intro.device);
    ghost_card(thief, &f);
    assert_int_equal(waiting(net, 0), 0);
    closed_with(net, thief, GX_BYE_MALFORMED);
}

/* Who played n0's door has a CARD that is for n0.  It can bring it, and nothing else: the request is of who made it, and leads to them. */
static void test_a_card_that_was_passed_on_is_of_who_made_it(void **s)
{
    struct net *net = net_new(1);
    struct ghost *g = ghost_new(net, 1), *thief = NULL;
    struct gx_frame f;

    (void)s;
    ghost_founds(g, GX_GROUP_DIRECT, true, 1);
    ghost_comes_to_card(g, 0);
    ghost_card_frame(g, &f, "somebody");
    for (uint8_t i = 2; i < 5; i++) {
        thief = ghost_new(net, i);
        ghost_comes_to_card(thief, 0);
        ghost_guest(thief, 0, &g->intro.device);
        ghost_card(thief, &f);
        assert_int_equal(thief->bye, GX_BYE_DONE);
    }
    assert_int_equal(waiting(net, 0), 1);
    assert_non_null(gx_contact_by_id(eng(net, 0), &g->person.id));
    assert_int_equal(eng(net, 0)->people.n, 1);
    assert_memory_equal(&eng(net, 0)->people.contacts[0].row.endpoint.transport, &g->endpoint.transport, 32);
    /* With another place in it, it is nothing. */
    f.endpoint.addrs[0].port = 10;
    thief = ghost_new(net, 6);
    ghost_comes_to_card(thief, 0);
    ghost_guest(thief, 0, &g->intro.device);
    ghost_card(thief, &f);
    closed_with(net, thief, GX_BYE_MALFORMED);
}

static void test_guest_and_founder_are_one_device(void **s)
{
    struct net *net = net_new(1);
    struct ghost *g = ghost_new(net, 1), *other = ghost_new(net, 2);
    struct gx_frame f;

    (void)s;
    ghost_founds(g, GX_GROUP_DIRECT, true, 1);
    ghost_comes_to_card(other, 0);
    ghost_guest(other, 0, &other->intro.device);
    g->with = 0;
    ghost_card_frame(g, &f, "somebody");
    ghost_card(other, &f);
    closed_with(net, other, GX_BYE_MALFORMED);
}

static void test_a_group_chat_is_not_brought_to_a_cards_door(void **s)
{
    struct net *net = net_new(1);
    struct ghost *g = ghost_new(net, 1);

    (void)s;
    ghost_founds(g, GX_GROUP_CHAT, true, 1);
    ghost_knocks(g, 0, "a group");
    assert_int_equal(waiting(net, 0), 0);
    closed_with(net, g, GX_BYE_MALFORMED);
}

static void test_signatures_of_a_card_frame_are_all_looked_at(void **s)
{
    for (int i = 0; i < 5; i++) {
        struct net *net = net_new(1);
        struct ghost *g = ghost_new(net, 1);
        struct gx_frame f;

        (void)s;
        if (i == 0)
            g->intro.cert.b[0] ^= 1;
        ghost_founds(g, GX_GROUP_DIRECT, true, 1);
        if (i == 1)
            g->create_bytes[113 + 32] ^= 1;         /* its signature, behind the header */
        ghost_comes_to_card(g, 0);
        ghost_guest(g, 0, &g->intro.device);
        ghost_card_frame(g, &f, "somebody");
        if (i == 2)
            f.card.sig.b[0] ^= 1;
        if (i == 3)
            f.endpoint.sig.b[0] ^= 1;
        if (i == 4)
            f.mac.b[31] ^= 1;
        ghost_card(g, &f);
        assert_int_equal(waiting(net, 0), 0);
        closed_with(net, g, GX_BYE_MALFORMED);
    }
}

static void test_the_longest_name_is_shown_and_a_longer_one_refused(void **s)
{
    struct net *net = net_new(1);
    struct ghost *g = ghost_new(net, 1), *h = NULL;
    char name[GX_NAME_BYTES_MAX + 2];
    struct gx_frame f;
    uint8_t bytes[2048];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)s;
    memset(name, 'x', sizeof name);
    name[GX_NAME_BYTES_MAX] = 0;
    ghost_founds(g, GX_GROUP_DIRECT, true, 1);
    ghost_knocks(g, 0, name);
    assert_int_equal(waiting(net, 0), 1);
    h = ghost_new(net, 2);
    ghost_founds(h, GX_GROUP_DIRECT, true, 1);
    ghost_comes_to_card(h, 0);
    ghost_guest(h, 0, &h->intro.device);
    ghost_card_frame(h, &f, "\xff\xfe");            /* no UTF-8 */
    gx_frame_write_card(&w, &f);
    for (int i = 0; i < 3; i++)
        ghost_says(h, &w);
    assert_int_equal(waiting(net, 0), 1);
    net_stop(net, 0);
    net_start(net, 0);
    assert_int_equal(waiting(net, 0), 1);
    ghosts_free();
    net_free(net);
}

static void test_the_own_card_at_the_own_door_is_nobody(void **s)
{
    struct net *net = net_new(1);
    struct ghost *g = ghost_new(net, 1);
    struct gx_frame f;

    (void)s;
    g->card_sk = net->node[0].config.card_sk;
    g->person = net->node[0].config.person;
    ghost_founds(g, GX_GROUP_DIRECT, true, 1);
    ghost_comes_to_card(g, 0);
    ghost_guest(g, 0, &g->intro.device);
    ghost_card_frame(g, &f, "me");
    ghost_card(g, &f);
    assert_int_equal(waiting(net, 0), 0);
    assert_int_equal(eng(net, 0)->people.n, 0);
    closed_with(net, g, GX_BYE_DONE);
}

static void test_many_at_once_are_heard_up_to_the_pace_and_the_others_told_to_come_later(void **s)
{
    struct net *net = net_new(1);
    unsigned refused = 0;

    (void)s;
    for (uint8_t i = 0; i < GX_REQUESTS_BURST + 4; i++) {
        struct ghost *g = ghost_new(net, (uint8_t)(i + 1));

        ghost_founds(g, GX_GROUP_DIRECT, true, 1);
        ghost_knocks(g, 0, "one of many");
        assert_int_equal(g->bye, GX_BYE_DONE);
        refused += g->refused;
    }
    assert_int_equal(waiting(net, 0), GX_REQUESTS_BURST);
    assert_int_equal(refused, 4);
    ghosts_free();
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_card_that_comes_before_guest_is_not_looked_at),
        cmocka_unit_test(test_a_second_guest_frame_ends_the_visit),
        cmocka_unit_test(test_who_has_not_seen_the_card_is_not_heard),
        cmocka_unit_test(test_nobody_comes_with_the_card_of_another_person),
        cmocka_unit_test(test_a_card_is_for_one_door_alone),
        cmocka_unit_test(test_a_card_that_was_passed_on_is_of_who_made_it),
        cmocka_unit_test(test_guest_and_founder_are_one_device),
        cmocka_unit_test(test_a_group_chat_is_not_brought_to_a_cards_door),
        cmocka_unit_test(test_signatures_of_a_card_frame_are_all_looked_at),
        cmocka_unit_test(test_the_longest_name_is_shown_and_a_longer_one_refused),
        cmocka_unit_test(test_the_own_card_at_the_own_door_is_nobody),
        cmocka_unit_test(test_many_at_once_are_heard_up_to_the_pace_and_the_others_told_to_come_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
