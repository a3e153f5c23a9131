/* Contacts who say which member they are before that can be looked at: what waits, for how long, and what of it is believed.  SCHEMA §2.17, WIRE §4.15 */
#include "tests/unit/engine/people_attack.h"

static const struct gx_sign_pk nobody = {{9}};
static const struct gx_dh_sk no_secret = {{7}};

static bool reveal(struct net *net, int i, const char *to)
{
    return on_tea(net, i, GX_CMD_GROUP_REVEAL, to);
}

static void let_in(struct net *net, int i)
{
    char token[600];

    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, i, token, NULL));
    net_run(net, 5000);
}

/* What no command would write: node i says to its contact `to` that it is that member, with its own card, and with a secret that is not that member's. */
static void lie(struct net *net, int i, int to, const struct gx_group_id *group, const struct gx_sign_pk *member)
{
    struct gx_body body = {.type = GX_EV_REVEAL, .u.reveal = {.group = *group, .member = *member}};
    struct gx_engine *e = eng(net, i);

    assert_true(gx_reveal_make(&body.u.reveal.mac, &e->config.card_sk, &no_secret, &contact(net, i, to)->row.card.key, group->b, member));
    gx_arena_reset(&e->arena);
    assert_int_equal(gx_author_write(e, chat_of(net, i, to), &body, NULL, NULL), GX_OK);
    keep_and_restart(net, i);
    net_run(net, 20000);
}

static uint64_t rows_of_told(struct net *net, int i)
{
    struct gx_txn *txn = NULL;
    uint64_t n = 0;

    assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
    n = gx_table_rows(txn, GX_TABLE_TOLD);
    gx_txn_abort(&txn);
    return n;
}

/* How many words wait at node i, in memory as in the store, and how many members it knows by what they said. */
static void assert_waits(struct net *net, int i, uint32_t told, uint32_t revealed)
{
    assert_int_equal(eng(net, i)->people.n_told, told);
    assert_int_equal(rows_of_told(net, i), told);
    assert_int_equal(eng(net, i)->people.n_revealed, revealed);
}

/* The contact that a node knows n0 to be, who founded tea. */
static const struct gx_contact *founder_of(struct net *net, int i)
{
    const struct gx_group *g = tea(net, i);

    for (uint32_t person = 0; person < g->law.n_persons; person++)
        if (gx_sign_pk_equal(&g->law.persons[person].member, &tea(net, 0)->row.intro.member))
            return gx_person_contact(eng(net, i), g, person);
    return NULL;
}

/* --- lies ------------------------------------------------------------------------------------------------------------------------------- */

/* n2 says to be n0 before n1 can know better; n0 says so, too, after it or before. */
static void test_of_two_who_say_to_be_one_member_the_one_is_believed_who_is_it(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct net *net = net_new(3);

        net_group(net, 0, "tea");
        befriend(net, 0, 1);
        befriend(net, 1, 2);
        for (int k = 0; k < 2; k++) {
            if (k == first)
                lie(net, 2, 1, &tea(net, 0)->row.id, &tea(net, 0)->row.intro.member);
            else
                assert_true(reveal(net, 0, "@n1"));
            net_run(net, 3000);
        }
        assert_waits(net, 1, 2, 0);
        let_in(net, 1);
        assert_waits(net, 1, 0, 1);
        assert_int_equal(gx_engine_dropped(eng(net, 1), "reveal"), 1);
        assert_ptr_equal(founder_of(net, 1), contact(net, 1, 0));
        net_free(net);
    }
}

/* The bound is one of each contact, counted anew after a start, and no hindrance to a later word about the same group. */
static void test_who_says_to_be_in_many_groups_takes_the_places_of_no_other(void **state)
{
    struct net *net = net_new(3);
    struct gx_engine *e = eng(net, 0);

    (void)state;
    befriend(net, 0, 1);
    befriend(net, 1, 2);
    gx_arena_reset(&e->arena);
    for (unsigned i = 0; i < 4 * GX_TOLD_MAX; i++) {
        struct gx_body body = {.type = GX_EV_REVEAL, .u.reveal = {.group = {{(uint8_t)i, 1}}, .member = nobody}};

        assert_int_equal(gx_author_write(e, chat_of(net, 0, 1), &body, NULL, NULL), GX_OK);
    }
    keep_and_restart(net, 0);
    net_run(net, 60000);
    assert_waits(net, 1, GX_TOLD_MAX, 0);
    net_stop(net, 1);
    net_start(net, 1);
    net_run(net, 20000);
    lie(net, 0, 1, &(struct gx_group_id){{1, 2}}, &nobody);
    assert_waits(net, 1, GX_TOLD_MAX, 0);
    assert_int_equal(gx_engine_dropped(eng(net, 1), "told_full"), 1);
    lie(net, 0, 1, &(struct gx_group_id){{1, 1}}, &nobody);
    assert_waits(net, 1, GX_TOLD_MAX, 0);
    assert_int_equal(gx_engine_dropped(eng(net, 1), "told_full"), 1);
    lie(net, 2, 1, &(struct gx_group_id){{1, 2}}, &nobody);
    assert_waits(net, 1, GX_TOLD_MAX + 1, 0);
    net_free(net);
}

/* n0 says first to be somebody who is not there, and then who it is: of one group the latest word counts, and no other waits on. */
static void test_a_word_that_is_followed_by_another_of_that_group_waits_no_more(void **state)
{
    struct net *net = net_new(2);

    (void)state;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    let_in(net, 1);
    lie(net, 0, 1, &tea(net, 0)->row.id, &nobody);
    assert_waits(net, 1, 1, 0);
    assert_true(reveal(net, 0, "@n1"));
    net_run(net, 3000);
    assert_waits(net, 1, 0, 1);
    net_free(net);
}

/* n0 says truly which member it is of their direct chat: that is known without, and no group that the two share.  In a group chat it says so to nobody. */
static void test_who_is_who_in_a_direct_chat_is_nothing_to_reveal(void **state)
{
    struct net *net = net_new(2);
    struct gx_engine *e = eng(net, 0);

    (void)state;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    let_in(net, 1);
    gx_arena_reset(&e->arena);
    for (int k = 0; k < 2; k++) {
        struct gx_group *about = k == 0 ? chat_of(net, 0, 1) : tea(net, 0);
        struct gx_body body = {.type = GX_EV_REVEAL, .u.reveal = {.group = about->row.id, .member = about->row.intro.member}};

        assert_true(gx_reveal_make(&body.u.reveal.mac, &e->config.card_sk, &about->row.prekey_sk, &contact(net, 0, 1)->row.card.key, about->row.id.b,
                                   &body.u.reveal.member));
        assert_int_equal(gx_author_write(e, about, &body, NULL, NULL), GX_OK);
    }
    keep_and_restart(net, 0);
    net_run(net, 20000);
    assert_waits(net, 1, 0, 0);
    assert_int_equal(gx_engine_dropped(eng(net, 1), "reveal"), 1);
    net_free(net);
}

/* --- order ------------------------------------------------------------------------------------------------------------------------------ */

/* n1 was removed by n2, whom n0 removed at the same time: so it never was.  n3 said who it is meanwhile. */
static void test_who_reveals_itself_to_one_who_was_removed_is_known_as_soon_as_that_one_is_back(void **state)
{
    struct net *net = net_new(4);

    (void)state;
    net_group(net, 0, "tea");
    befriend(net, 1, 3);
    for (int i = 1; i < 4; i++)
        let_in(net, i);
    assert_true(on_tea(net, 0, GX_CMD_GROUP_PROMOTE, "@n2"));
    net_run(net, 20000);
    for (int i = 1; i < 4; i++)
        net->cut[0][i] = net->cut[i][0] = true;
    net_stop(net, 0);
    net_start(net, 0);
    net_run(net, 5000);
    assert_true(on_tea(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    assert_true(on_tea(net, 2, GX_CMD_GROUP_REMOVE, "@n1"));
    net_run(net, 20000);
    assert_int_equal(tea(net, 1)->row.state, GX_GROUP_REMOVED);
    assert_true(reveal(net, 3, "@n1"));
    net_run(net, 20000);
    assert_waits(net, 1, 1, 0);
    memset(net->cut, 0, sizeof net->cut);
    for (int i = 0; i < 40000 && tea(net, 1)->row.state != GX_GROUP_MEMBER; i++)
        net_run(net, 10);
    assert_int_equal(tea(net, 1)->row.state, GX_GROUP_MEMBER);
    assert_waits(net, 1, 0, 1);
    net_free(net);
}

static bool one_way(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)bytes;
    return !net->cut[from][to];
}

/* n1 left, not knowing that it had been made the owner, and came again by a code of n2, which did not know it either: it is there twice.  Who comes
 * then and says so is known by the membership that hears of it. */
static void test_who_reveals_itself_to_one_who_is_there_twice_is_known(void **state)
{
    struct net *net = net_new(4);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    char token[600];
    uint32_t n = 0;

    (void)state;
    net_group(net, 0, "tea");
    befriend(net, 1, 3);
    for (int i = 1; i < 3; i++)
        let_in(net, i);
    assert_true(on_tea(net, 0, GX_CMD_GROUP_TRANSFER, "@n1"));
    net_run(net, 5000);
    net->pass = one_way;
    net->cut[0][1] = net->cut[0][2] = net->cut[2][0] = true;
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "@n0", "state"));
    net_run(net, 1000);
    assert_true(net_ask(net, 1, leave, NULL, 0));
    net_run(net, 5000);
    net_invite(net, 2, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    memset(net->cut, 0, sizeof net->cut);
    net_run(net, 400000);
    for (uint32_t k = 0; k < eng(net, 1)->n_groups; k++)
        n += !gx_group_is_direct(eng(net, 1)->groups[k]) && gx_group_is_member(eng(net, 1)->groups[k]);
    assert_int_equal(n, 2);
    let_in(net, 3);
    net_run(net, 20000);
    assert_true(reveal(net, 3, "@n1"));
    net_run(net, 20000);
    assert_waits(net, 1, 0, 1);
    net_free(net);
}

/* n1 leaves and joins again, before or after n0 says who it is. */
static void test_who_came_again_knows_who_revealed_itself_before(void **state)
{
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};

    (void)state;
    for (int first = 0; first < 2; first++) {
        struct net *net = net_new(2);

        net_group(net, 0, "tea");
        befriend(net, 0, 1);
        let_in(net, 1);
        for (int k = 0; k < 2; k++) {
            if ((k == 0) == (first == 0))
                assert_true(reveal(net, 0, "@n1"));
            else
                assert_true(net_ask(net, 1, leave, NULL, 0));
            net_run(net, 20000);
        }
        let_in(net, 1);
        for (int starts = 0; starts < 2; starts++) {
            assert_true(gx_group_is_member(tea(net, 1)));
            assert_non_null(founder_of(net, 1));
            net_stop(net, 1);
            net_start(net, 1);
        }
        assert_true(reveal(net, 0, "@n1"));         /* to be sure */
        net_run(net, 3000);
        assert_waits(net, 1, 0, 1);
        net_free(net);
    }
}

/* n2 was removed and does not know it yet: it is no member, and its word waits.  It comes again with other keys, and says who it is now. */
static void test_who_was_removed_is_known_by_what_they_say_when_they_are_back(void **state)
{
    struct net *net = net_new(3);

    (void)state;
    net_group(net, 0, "tea");
    befriend(net, 1, 2);
    let_in(net, 1);
    let_in(net, 2);
    net->cut[0][2] = net->cut[2][0] = net->cut[1][2] = net->cut[2][1] = true;
    net_stop(net, 2);
    net_start(net, 2);
    assert_true(on_tea(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    assert_true(reveal(net, 2, "@n1"));
    net_run(net, 20000);
    memset(net->cut, 0, sizeof net->cut);
    net_run(net, 400000);
    assert_int_equal(members(net, 1), 2);
    assert_waits(net, 1, 1, 0);
    let_in(net, 2);
    net_run(net, 20000);
    assert_int_equal(members(net, 1), 3);
    assert_waits(net, 1, 1, 0);
    assert_true(reveal(net, 2, "@n1"));
    net_run(net, 20000);
    assert_waits(net, 1, 0, 1);
    net_free(net);
}

/* --- nodes that die, and are full ---------------------------------------------------------------------------------------------------------- */

/* n0 says who it is, and n1 joins by a code; after every few frames all that follows is lost, and n1 dies: what it committed stands. */
static void test_whoever_dies_at_any_frame_knows_who_revealed_itself(void **state)
{
    unsigned n_out = 0, n_waits = 0;

    (void)state;
    for (unsigned k = 0; k < 20; k++) {
        struct net *net = net_new(2);
        char token[600];
        struct gx_command join = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};

        net_group(net, 0, "tea");
        net_invite(net, 0, "tea", token, 0);
        befriend(net, 0, 1);
        net->pass = until_then;
        left_to_say = k;
        assert_true(reveal(net, 0, "@n1"));
        (void)net_ask(net, 1, join, "group", 2000);
        net->pass = NULL;
        net_stop(net, 1);
        net_start(net, 1);
        if (members(net, 1) != 2) {
            n_out++;
            n_waits += eng(net, 1)->people.n_told;
        }
        net_run(net, 200000);
        assert_int_equal(members(net, 1), 2);
        assert_waits(net, 1, 0, 1);
        net_free(net);
    }
    print_message("of 20 times it died %u before it was in, and %u of these after it was told\n", n_out, n_waits);
    assert_in_range(n_waits, 1, n_out - 1);
}

/* At whatever write of the step that is: it is undone, and the word comes again. */
static void test_a_word_that_finds_no_room_waits_when_there_is(void **state)
{
    unsigned n_full = 0;

    (void)state;
    for (size_t pages = 0; pages < 16; pages++) {
        struct net *net = net_new(2);
        struct gx_txn *reader = NULL;

        net_group(net, 0, "tea");
        befriend(net, 0, 1);
        assert_int_equal(gx_txn_begin(&reader, net->node[1].store, false), GX_OK);
        for (int i = 0; i < 40; i++)        /* what was free before it read */
            net_send(net, 1, "@n0", "mine");
        net_run(net, 3000);
        net_leave_pages(net, 1, pages);
        net->node[1].full = true;
        assert_true(reveal(net, 0, "@n1"));
        net_run(net, 3000);
        n_full += net->node[1].n_full > 0;
        net_leave_pages(net, 1, 1u << 16);
        gx_txn_abort(&reader);
        net->node[1].full = false;
        net_run(net, 400000);
        assert_waits(net, 1, 1, 0);
        net_free(net);
    }
    print_message("without room %u of 16 times\n", n_full);
    assert_in_range(n_full, 2, 15);
}

/* --- who says it -------------------------------------------------------------------------------------------------------------------------- */

/* README: "`unblock` takes it back".  They said it once, and are not asked to say it again. */
static void test_what_the_blocked_said_before_is_known_when_they_are_unblocked(void **state)
{
    struct net *net = net_new(2);

    (void)state;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    assert_true(reveal(net, 0, "@n1"));
    net_run(net, 3000);
    assert_true(tell(net, 1, GX_CMD_CONTACT_BLOCK, "n0", "state"));
    let_in(net, 1);
    assert_true(tell(net, 1, GX_CMD_CONTACT_UNBLOCK, "n0", "state"));
    net_run(net, 20000);
    assert_waits(net, 1, 0, 1);
    net_free(net);
}

static void befriend_and_lie(struct net *net)
{
    befriend(net, 0, 1);
    for (uint8_t i = 0; i < 3; i++)
        lie(net, 0, 1, &(struct gx_group_id){{i, 1}}, &nobody);
    assert_waits(net, 1, 3, 0);
}

/* A row that no contact stands behind any more is none that anything would ever drop. */
static void test_nothing_waits_of_who_was_removed(void **state)
{
    struct net *net = net_new(2);

    (void)state;
    befriend_and_lie(net);
    assert_true(tell(net, 1, GX_CMD_CONTACT_REMOVE, "n0", "state"));
    assert_waits(net, 1, 0, 0);
    net_free(net);
}

/* n0 comes back from its words: what it said with the card from before shows nothing about the one it has now. */
static void test_nothing_waits_of_who_has_another_card_key(void **state)
{
    struct net *net = net_new(2);
    uint8_t seed[32] = {1, 77};
    struct gx_rng_stream rng;
    struct gx_recovery rec;
    struct gx_dh_sk card = {{42}};

    (void)state;
    befriend_and_lie(net);
    gx_rng_stream_init(&rng, seed);
    gx_rng_fill(&rng.rng, rec.b, sizeof rec.b);         /* as net_new drew it */
    net_stop(net, 0);
    gx_person_make(&net->node[0].config.person, &rec, &card, 2);
    net->node[0].config.card_sk = card;
    net_start(net, 0);
    net_run(net, 2000);
    assert_true(scan(net, 1, 0));
    assert_true(tell(net, 1, GX_CMD_CONTACT_SHOW, "n0", "changed"));
    assert_non_null(strstr(net->node[1].all, "changed=1"));
    assert_waits(net, 1, 0, 0);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_two_who_say_to_be_one_member_the_one_is_believed_who_is_it),
        cmocka_unit_test(test_who_says_to_be_in_many_groups_takes_the_places_of_no_other),
        cmocka_unit_test(test_a_word_that_is_followed_by_another_of_that_group_waits_no_more),
        cmocka_unit_test(test_who_is_who_in_a_direct_chat_is_nothing_to_reveal),
        cmocka_unit_test(test_who_reveals_itself_to_one_who_was_removed_is_known_as_soon_as_that_one_is_back),
        cmocka_unit_test(test_who_reveals_itself_to_one_who_is_there_twice_is_known),
        cmocka_unit_test(test_who_came_again_knows_who_revealed_itself_before),
        cmocka_unit_test(test_who_was_removed_is_known_by_what_they_say_when_they_are_back),
        cmocka_unit_test(test_whoever_dies_at_any_frame_knows_who_revealed_itself),
        cmocka_unit_test(test_a_word_that_finds_no_room_waits_when_there_is),
        cmocka_unit_test(test_what_the_blocked_said_before_is_known_when_they_are_unblocked),
        cmocka_unit_test(test_nothing_waits_of_who_was_removed),
        cmocka_unit_test(test_nothing_waits_of_who_has_another_card_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
