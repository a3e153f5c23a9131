/* Ranks, removals, bans, handing over, and those whose membership ended: real engines on real stores. */
#include "node/engine/internal.h"
#include "tests/unit/engine/net.h"

#define GIVEN_WHO ((1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO))

static bool act(struct net *net, int i, enum gx_method method, const char *who)
{
    struct gx_command cmd = {.method = method, .group = "tea", .who = who, .given = GIVEN_WHO};

    return net_ask(net, i, cmd, "rank", 0);
}

static bool answers(struct net *net, int i, enum gx_method method, const char *who)
{
    struct gx_command cmd = {.method = method, .who = who, .given = 1u << GX_PARAM_WHO};

    return net_ask(net, i, cmd, "state", 0);
}

static const char *show(struct net *net, int i, const char *key)
{
    return net_get(net, i, GX_CMD_GROUP_SHOW, "tea", key);
}

static uint64_t count(struct net *net, int i)
{
    show(net, i, "count");
    return net->node[i].number;
}

static uint64_t members(struct net *net, int i)
{
    show(net, i, "members");
    return net->node[i].number;
}

static void assert_same(struct net *net, int a, int b)
{
    char state[65], messages[65];

    snprintf(state, sizeof state, "%.64s", show(net, a, "state_hash"));
    assert_string_equal(state, show(net, b, "state_hash"));
    snprintf(messages, sizeof messages, "%.64s", show(net, a, "messages_hash"));
    assert_string_equal(messages, show(net, b, "messages_hash"));
}

static const char *why(struct net *net, int i, const char *who, const char *key)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_WHY, .group = "tea", .who = who, .given = GIVEN_WHO};

    assert_true(net_ask(net, i, cmd, key, 0));
    return net->node[i].text;
}

/* n0 founds tea; n1 to n(n-1) join by one code of its. */
static struct net *tea_of(int n, int n_members, uint64_t cap, char token[600])
{
    struct net *net = net_new(n);
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = "tea", .cap = cap, .given = (1u << GX_PARAM_NAME) | (cap ? 1u << GX_PARAM_CAP : 0)};

    assert_true(net_ask(net, 0, cmd, "group", 0));
    net_invite(net, 0, "tea", token, 0);
    for (int i = 1; i < n_members; i++)
        assert_true(net_join(net, i, token, NULL));
    net_run(net, 20000);
    return net;
}

static void test_a_removed_member_is_told_and_reads_nothing_more(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, 0, token);

    (void)state;
    net_send(net, 1, "tea", "before");
    net_run(net, 2000);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    assert_string_equal(net->node[0].text, "none");
    net_run(net, 5000);
    assert_string_equal(show(net, 1, "state"), "removed");
    net_send(net, 0, "tea", "after");
    net_run(net, 10000);
    assert_int_equal(count(net, 2), 2);
    assert_int_equal(count(net, 1), 1);
    assert_int_equal(members(net, 2), 2);
    assert_same(net, 0, 2);

    struct gx_command send = {.method = GX_CMD_SEND, .group = "tea", .text = "still here", .given = NET_TEXT_GIVEN};
    assert_false(net_ask(net, 1, send, NULL, 0));
    assert_int_equal(net->node[1].exit_code, 4);
    assert_non_null(strstr(why(net, 1, "@n1", "text"), "the removal of n1 by n0"));
    net_free(net);
}

/* Two people at one node, in one breath: the second one's words are not for who the first one removed. */
static void test_what_is_done_in_the_same_step_as_a_removal_does_not_reach_the_removed(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, 0, token);
    struct gx_command ban = {.method = GX_CMD_GROUP_BAN, .request = 1, .group = "tea", .who = "@n1", .given = GIVEN_WHO};
    struct gx_command send = {.method = GX_CMD_SEND, .request = 2, .group = "tea", .text = "at last", .given = NET_TEXT_GIVEN};
    struct gx_input in[2] = {{.kind = GX_IN_COMMAND, .now = net->now, .client = 1, .command = &ban},
                             {.kind = GX_IN_COMMAND, .now = net->now, .client = 2, .command = &send}};
    struct gx_effects effects;

    (void)state;
    assert_int_equal(gx_engine_step(net->node[0].engine, &effects, in, 2), GX_OK);
    for (size_t i = 0; i < effects.n; i++)
        net_effect(net, 0, &effects.list[i]);
    net_run(net, 20000);
    assert_string_equal(show(net, 1, "state"), "removed");
    assert_int_equal(count(net, 2), 1);
    assert_int_equal(count(net, 1), 0);

    const struct gx_group *g = net->node[1].engine->groups[0];

    for (uint32_t op = 0; op < g->law.n_ops; op++)
        assert_int_not_equal(g->ops[op].type, GX_EV_REVOKE);        /* a ban ends the code that its target came by */
    net_free(net);
}

/* Up to the operations that ended it, and not one further. */
static void test_who_was_away_when_removed_hears_that_and_nothing_else(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, 0, token);
    struct gx_command rename = {.method = GX_CMD_GROUP_RENAME, .group = "tea", .name = "green tea", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_NAME)};

    (void)state;
    net_stop(net, 1);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    net_run(net, 20000);
    assert_true(net_ask(net, 0, rename, "name", 0));
    net_run(net, 20000);

    uint32_t before = net->node[0].engine->groups[0]->law.n_ops;

    net_start(net, 1);
    net_run(net, 20000);
    assert_string_equal(show(net, 1, "state"), "removed");
    assert_string_equal(show(net, 1, "name"), "tea");
    assert_true(net->node[1].engine->groups[0]->law.n_ops < before);
    for (int i = 0; i < 3; i += 2) {            /* and nobody serves it any more */
        net_stop(net, 2 - i);
        net_run(net, 400000);
        net_start(net, 2 - i);
    }
    assert_true(net->node[1].engine->groups[0]->law.n_ops < before);
    net_free(net);
}

/* The first message that names the admission of its author is not the first that knows it: of a log held from the middle on, those before count too. */
static void test_who_came_later_is_shown_what_was_on_its_way(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 2, 0, token);
    struct gx_command alias = {.method = GX_CMD_GROUP_ALIAS, .group = "tea", .name = "Bo", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_NAME)};

    (void)state;
    net_send(net, 1, "tea", "one");
    net_run(net, 2000);
    for (int i = 0; i < 3; i += 2)
        net->cut[i][1] = net->cut[1][i] = true;
    net_stop(net, 0);
    net_start(net, 0);
    assert_true(net_join(net, 2, token, NULL));
    net_send(net, 1, "tea", "two, without having heard of anybody new");
    memset(net->cut, 0, sizeof net->cut);
    net_run(net, 400000);
    assert_int_equal(count(net, 2), 1);
    assert_true(net_ask(net, 1, alias, NULL, 0));
    net_send(net, 1, "tea", "three");
    net_run(net, 20000);
    assert_int_equal(count(net, 0), 3);
    assert_int_equal(count(net, 2), 2);
    net_free(net);
}

static bool join_again(struct net *net, int i)
{
    char token[600];

    net_invite(net, 0, "tea", token, 0);
    return net_join(net, i, token, NULL);
}

/* All talk, and all hear it: `n` messages each from then on. */
static void assert_all_talk(struct net *net, uint64_t n)
{
    for (int i = 0; i < 3; i++)
        net_send(net, i, "tea", "hello again");
    net_run(net, 20000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(count(net, i), n);
        assert_int_equal(members(net, i), 3);
    }
    assert_same(net, 0, 1);
    assert_same(net, 0, 2);
}

/* A removed node keeps the old membership, and listens whether its end counts; what members call is the new one. */
static void test_who_was_removed_and_let_in_again_is_served_as_who_they_are_now(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, 0, token);

    (void)state;
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    net_run(net, 5000);
    assert_true(join_again(net, 1));
    net_run(net, 20000);
    assert_all_talk(net, 3);
    net_stop(net, 1);
    net_start(net, 1);
    net_run(net, 20000);
    assert_all_talk(net, 6);
    net_free(net);
}

/* Another group keeps the sessions open on which the old membership ended. */
static void test_who_was_let_in_again_is_served_on_the_sessions_there_are(void **state)
{
    char token[600], cake[600];
    struct net *net = tea_of(3, 3, 0, token);

    (void)state;
    for (int founder = 0; founder < 2; founder++) {         /* either side may have connected */
        net_group(net, founder, founder == 0 ? "cake" : "pie");
        net_invite(net, founder, founder == 0 ? "cake" : "pie", cake, 0);
        for (int i = 0; i < 3; i++)
            assert_true(i == founder || net_join(net, i, cake, NULL));
    }
    net_run(net, 20000);
    for (unsigned k = 1; k < 4; k++) {
        assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
        net_run(net, 5000);
        assert_true(join_again(net, 1));
        net_run(net, 20000);
        for (int i = 0; i < 3; i++)
            net_send(net, i, "tea", "hello again");
        net_run(net, 2000);
        assert_int_equal(count(net, 0), 3 * k);
        assert_int_equal(count(net, 1), 3);         /* of what was said before they came, nothing */
        assert_same(net, 0, 2);
    }
    net_free(net);
}

/* Who joined after the removal is unknown to the removed, whose node asks by what right they speak; another group has the two nodes connected. */
static void test_a_newcomer_shows_the_removed_nothing(void **state)
{
    (void)state;
    for (int removed = 1; removed < 3; removed++) {         /* the newcomer has connected once, and was connected to once */
        struct net *net = net_new(3);
        char cake[600], tea[600], who[16];
        int newcomer = 3 - removed;

        net_group(net, removed, "cake");
        net_invite(net, removed, "cake", cake, 0);
        assert_true(net_join(net, newcomer, cake, NULL));
        net_group(net, 0, "tea");
        net_invite(net, 0, "tea", tea, 0);
        assert_true(net_join(net, removed, tea, NULL));
        net_run(net, 5000);
        snprintf(who, sizeof who, "@n%d", removed);
        assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, who));
        net_run(net, 5000);

        const struct gx_group *g = net->node[removed].engine->groups[1];
        uint32_t n = g->law.n_ops;

        assert_true(net_join(net, newcomer, tea, NULL));
        net_run(net, 60000);
        assert_int_equal(members(net, newcomer), 2);
        assert_int_equal(g->law.n_ops, n);
        net_free(net);
    }
}

static void test_who_left_unheard_and_came_back_is_heard_as_both(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, 0, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};

    (void)state;
    net_stop(net, 0);
    net_stop(net, 2);
    assert_true(net_ask(net, 1, leave, NULL, 0));
    net_start(net, 0);
    net_start(net, 2);
    assert_true(join_again(net, 1));
    net_run(net, 400000);
    assert_all_talk(net, 3);
    net_free(net);
}

/* The only one who heard of it is set back to before, by a restored home: who calls is told again. */
static void test_who_left_and_is_taken_for_a_member_says_so_again(void **state)
{
    char token[600], path[128], saved[128], line[300];
    struct net *net = tea_of(3, 3, 0, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};

    (void)state;
    snprintf(path, sizeof path, "%s/%s", net->node[0].dir, GX_STORE_FILE);
    snprintf(saved, sizeof saved, "%s/saved", net->node[0].dir);
    net_stop(net, 2);
    net_stop(net, 0);
    snprintf(line, sizeof line, "cp %s %s", path, saved);
    assert_int_equal(system(line), 0);
    net_start(net, 0);
    net_run(net, 20000);
    assert_true(net_ask(net, 1, leave, NULL, 0));
    net_run(net, 20000);
    assert_int_equal(members(net, 0), 2);
    net_stop(net, 0);
    snprintf(line, sizeof line, "cp %s %s", saved, path);
    assert_int_equal(system(line), 0);
    gx_rng_fill(&net->node[0].rng.rng, net->node[0].config.incarnation.b, 32);
    net_start(net, 0);
    net_start(net, 2);
    net_run(net, 400000);
    assert_int_equal(members(net, 0), 2);
    assert_int_equal(members(net, 2), 2);
    net_free(net);
}

static void test_messages_behind_the_cut_are_shown_by_nobody_but_their_author(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, 0, token);

    (void)state;
    net_send(net, 1, "tea", "in time");
    net_run(net, 2000);
    net->cut[0][1] = net->cut[1][0] = net->cut[0][2] = net->cut[2][0] = true;
    net_stop(net, 0);
    net_send(net, 1, "tea", "too late");
    net_run(net, 2000);
    assert_int_equal(count(net, 2), 2);
    net_start(net, 0);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    net_run(net, 1000);
    memset(net->cut, 0, sizeof net->cut);
    net_run(net, 400000);
    assert_int_equal(count(net, 2), 1);
    assert_same(net, 0, 2);
    assert_string_equal(show(net, 1, "state"), "removed");

    struct gx_command read = {.method = GX_CMD_READ, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    assert_true(net_ask(net, 1, read, "hidden", 0));
    assert_non_null(strstr(net->node[1].all, "text=too late"));
    assert_non_null(strstr(net->node[1].all, "hidden=1"));
    assert_true(net_ask(net, 2, read, "text", 0));
    assert_null(strstr(net->node[2].all, "too late"));
    net_stop(net, 2);                           /* what is hidden is known after a start, too */
    net_start(net, 2);
    assert_int_equal(count(net, 2), 1);
    net_free(net);
}

static void test_only_rank_removes_and_only_those_below(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, 0, token);

    (void)state;
    assert_false(act(net, 1, GX_CMD_GROUP_REMOVE, "@n2"));
    assert_int_equal(net->node[1].exit_code, 4);
    assert_string_equal(net->node[1].error, "no_rank");
    assert_true(act(net, 0, GX_CMD_GROUP_PROMOTE, "@n1"));
    assert_string_equal(net->node[0].text, "admin");
    assert_true(act(net, 0, GX_CMD_GROUP_PROMOTE, "@n3"));
    net_run(net, 5000);
    assert_true(act(net, 1, GX_CMD_GROUP_REMOVE, "@n2"));
    assert_false(act(net, 1, GX_CMD_GROUP_REMOVE, "@n3"));
    assert_false(act(net, 1, GX_CMD_GROUP_REMOVE, "@n0"));
    assert_false(act(net, 1, GX_CMD_GROUP_PROMOTE, "@n3"));
    assert_string_equal(net->node[1].error, "no_rank");
    assert_false(act(net, 1, GX_CMD_GROUP_REMOVE, "@nobody"));
    assert_int_equal(net->node[1].exit_code, 3);
    assert_true(act(net, 0, GX_CMD_GROUP_DEMOTE, "@n3"));
    net_run(net, 5000);
    assert_true(act(net, 1, GX_CMD_GROUP_REMOVE, "@n3"));
    net_run(net, 20000);
    assert_int_equal(members(net, 0), 2);
    assert_same(net, 0, 1);
    net_free(net);
}

static void test_a_banned_key_is_kept_out_until_the_ban_ends(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, 0, token);

    (void)state;
    assert_true(act(net, 0, GX_CMD_GROUP_BAN, "@n1"));
    assert_non_null(strstr(net->node[0].all, "revoked="));      /* the code they came by ended with them */
    net_run(net, 5000);
    assert_string_equal(show(net, 1, "state"), "removed");
    show(net, 2, "count");
    assert_non_null(strstr(net->node[2].all, "banned="));
    assert_non_null(strstr(net->node[2].all, "alias=n1"));
    assert_int_equal(gx_law_is_banned(&net->node[2].engine->groups[0]->law, gx_group_person_of_device(net->node[2].engine->groups[0],
                     &net->node[1].engine->groups[0]->row.intro.device)), true);
    assert_true(act(net, 0, GX_CMD_GROUP_UNBAN, "@n1"));
    net_run(net, 5000);
    show(net, 2, "count");
    assert_null(strstr(net->node[2].all, "alias=n1"));
    assert_same(net, 0, 2);
    assert_false(act(net, 0, GX_CMD_GROUP_UNBAN, "@n1"));
    assert_int_equal(net->node[0].exit_code, 3);
    net_free(net);
}

static void test_a_group_changes_hands_only_when_the_receiver_agrees(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, 0, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};

    (void)state;
    assert_false(act(net, 1, GX_CMD_GROUP_TRANSFER, "@n2"));
    assert_true(act(net, 0, GX_CMD_GROUP_TRANSFER, "@n1"));
    net_run(net, 5000);
    assert_false(answers(net, 2, GX_CMD_ACCEPT, "tea"));
    assert_int_equal(net->node[2].exit_code, 3);
    assert_true(answers(net, 1, GX_CMD_REFUSE, "tea"));
    net_run(net, 5000);
    assert_string_equal(show(net, 0, "rank"), "owner");
    assert_true(act(net, 0, GX_CMD_GROUP_TRANSFER, "@n1"));
    net_run(net, 5000);
    assert_true(answers(net, 1, GX_CMD_ACCEPT, "@n0"));
    net_run(net, 5000);
    assert_string_equal(show(net, 1, "rank"), "owner");
    assert_string_equal(show(net, 0, "rank"), "admin");
    assert_string_equal(show(net, 2, "rank"), "member");
    assert_true(act(net, 1, GX_CMD_GROUP_PROMOTE, "@n2"));
    assert_true(net_ask(net, 0, leave, NULL, 0));
    net_run(net, 20000);
    assert_int_equal(members(net, 1), 2);
    assert_int_equal(members(net, 2), 2);
    assert_same(net, 1, 2);
    net_free(net);
}

static bool one_way(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)bytes;
    return !net->cut[from][to];
}

/* The owner cannot leave.  Who was made that, and left before hearing of it, is back. */
static void test_who_leaves_while_made_the_owner_stays_and_knows_it(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, 0, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};

    (void)state;
    assert_true(act(net, 0, GX_CMD_GROUP_TRANSFER, "@n1"));
    net_run(net, 5000);
    net->pass = one_way;
    net->cut[0][1] = net->cut[2][1] = true;
    assert_true(answers(net, 1, GX_CMD_ACCEPT, "@n0"));
    net_run(net, 1000);
    assert_string_equal(show(net, 0, "rank"), "admin");
    assert_true(net_ask(net, 1, leave, NULL, 0));
    memset(net->cut, 0, sizeof net->cut);
    net_run(net, 400000);
    assert_string_equal(show(net, 1, "state"), "member");
    assert_string_equal(show(net, 1, "rank"), "owner");
    assert_int_equal(members(net, 0), 3);
    assert_true(act(net, 1, GX_CMD_GROUP_PROMOTE, "@n2"));
    net_run(net, 20000);
    assert_same(net, 0, 1);
    assert_same(net, 0, 2);
    net_free(net);
}

static bool admission_is_lost(struct net *net, int from, int to, struct gx_span bytes)
{
    if (to == 3 && bytes.n > 0 && bytes.p[0] == GX_FRAME_ADMITTED)
        net->cut[from][to] = true;              /* and what follows it */
    return one_way(net, from, to, bytes);
}

/* n1 let the guest in, who did not hear of it; n0, which knows neither that nor of the seat that is free, refuses.  The seat is the guest's all the same. */
static void test_who_may_have_been_let_in_is_not_put_off_by_another_door(void **state)
{
    char token[600], at[32] = "";
    struct net *net = tea_of(4, 3, 3, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};

    (void)state;
    for (int i = 0; i < net->n_doors; i++)
        if (net->door[i].node == 1 && net->door[i].number != 0)
            snprintf(at, sizeof at, "127.0.0.1:%u", net->door[i].port);
    net->pass = admission_is_lost;
    for (int i = 1; i < 3; i++)
        net->cut[0][i] = net->cut[i][0] = true;
    assert_true(net_ask(net, 2, leave, NULL, 0));
    net_run(net, 5000);
    net->cut[3][0] = true;
    assert_false(net_join(net, 3, token, at));
    assert_int_equal(members(net, 1), 3);
    net->cut[3][0] = false;
    net->cut[3][1] = true;
    net_run(net, 100000);
    memset(net->cut, 0, sizeof net->cut);
    net->pass = one_way;
    net_run(net, 400000);
    assert_int_equal(members(net, 0), 3);
    assert_string_equal(show(net, 3, "state"), "member");
    assert_same(net, 0, 1);
    net_free(net);
}

/* n0 and n2 here, n1 and n3 there.  Connections that are open end. */
static void cut_in_half(struct net *net)
{
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            net->cut[a][b] = a % 2 != b % 2;
    net_stop(net, 0);
    net_start(net, 0);
}

/* Two halves of a group of two each let somebody in to the last seat. */
static void test_of_two_joins_for_one_seat_one_is_bumped_and_comes_back_when_a_seat_is_free(void **state)
{
    char token[600], other[600];
    struct net *net = tea_of(4, 2, 3, token);
    const int bumped = 3;

    (void)state;
    net_invite(net, 1, "tea", other, 0);
    net_run(net, 20000);
    cut_in_half(net);
    assert_true(net_join(net, 2, token, NULL));
    assert_true(net_join(net, 3, other, NULL));
    assert_string_equal(show(net, 3, "state"), "member");
    assert_non_null(strstr(net->node[3].all, "provisional=1"));
    assert_int_equal(members(net, 0), 3);
    assert_int_equal(members(net, 1), 3);
    memset(net->cut, 0, sizeof net->cut);
    net_run(net, 400000);
    assert_int_equal(members(net, 0), 3);
    assert_same(net, 0, 1);
    assert_string_equal(show(net, 2, "state"), "member");       /* the owner saw that one first */
    assert_string_equal(show(net, bumped, "state"), "joining");
    assert_non_null(strstr(net->node[bumped].all, "\nreason="));
    assert_non_null(strstr(why(net, bumped, "@n3", "text"), "others came first"));
    assert_string_equal(why(net, 0, "@n3", "rule"), "full");
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n1"));       /* who issued the code that n3 came by */
    net_run(net, 200000);
    assert_string_equal(show(net, bumped, "state"), "joining"); /* its code ended with its issuer, whose door is closed: it needs another */

    struct gx_command join = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};
    assert_true(net_ask(net, bumped, join, "state", 40000));
    net_run(net, 30000);
    assert_int_equal(members(net, 0), 3);
    assert_int_equal(members(net, 2), 3);
    assert_same(net, 0, 2);
    net_free(net);
}

static void test_a_bumped_joiner_takes_a_seat_that_comes_free_by_itself(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 2, 3, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    char at[32];

    (void)state;
    snprintf(at, sizeof at, "127.0.0.1:%u", net->door[net->n_doors - 1].port);
    for (int i = 0; i < net->n_doors; i++)
        if (net->door[i].node == 1 && net->door[i].number != 0)
            snprintf(at, sizeof at, "127.0.0.1:%u", net->door[i].port);
    cut_in_half(net);
    assert_true(net_join(net, 2, token, NULL));
    assert_true(net_join(net, 3, token, at));
    memset(net->cut, 0, sizeof net->cut);
    net_run(net, 400000);
    assert_string_equal(show(net, 3, "state"), "joining");
    for (int i = 0; i < 3; i++)
        net->cut[3][i] = true;
    net_stop(net, 3);                           /* it is still tried after a start, and known why it has to be before a door says so again */
    net_start(net, 3);
    show(net, 3, "state");
    assert_non_null(strstr(net->node[3].all, "\nreason="));
    memset(net->cut, 0, sizeof net->cut);
    assert_true(net_ask(net, 1, leave, NULL, 0));
    net_run(net, 400000);
    assert_string_equal(show(net, 3, "state"), "member");
    assert_int_equal(members(net, 0), 3);
    assert_same(net, 0, 2);
    net_send(net, 3, "tea", "here at last");
    net_run(net, 5000);
    assert_int_equal(count(net, 0), 1);
    assert_int_equal(count(net, 3), 1);
    net_free(net);
}

static void test_the_owners_node_settles_what_others_did(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 2, 0, token);
    char at[32];

    (void)state;
    for (int i = 0; i < net->n_doors; i++)
        if (net->door[i].node == 1 && net->door[i].number != 0)
            snprintf(at, sizeof at, "127.0.0.1:%u", net->door[i].port);
    net_stop(net, 0);
    assert_true(net_join(net, 2, token, at));
    assert_non_null(strstr(net->node[2].all, "provisional=1"));
    net_run(net, 20000);
    show(net, 2, "unsettled");
    assert_int_equal(net->node[2].number, 1);
    net_start(net, 0);
    net_run(net, 60000);
    show(net, 2, "unsettled");
    assert_int_equal(net->node[2].number, 0);
    assert_null(strstr(net->node[2].all, "provisional"));
    net_free(net);
}

static void test_names_change_by_who_may_change_them(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, 0, token);
    struct gx_command rename = {.method = GX_CMD_GROUP_RENAME, .group = "tea", .name = "coffee", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_NAME)};
    struct gx_command alias = {.method = GX_CMD_GROUP_ALIAS, .group = "tea", .name = "Mei", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_NAME)};

    (void)state;
    assert_false(net_ask(net, 1, rename, NULL, 0));
    assert_string_equal(net->node[1].error, "no_rank");
    assert_true(net_ask(net, 1, alias, "alias", 0));
    net_run(net, 5000);
    assert_true(act(net, 0, GX_CMD_GROUP_PROMOTE, "@Mei"));
    net_run(net, 5000);
    assert_true(net_ask(net, 1, rename, NULL, 0));
    net_run(net, 5000);
    net_get(net, 0, GX_CMD_GROUP_SHOW, "coffee", "name");
    assert_string_equal(net->node[0].text, "coffee");
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_removed_member_is_told_and_reads_nothing_more),
        cmocka_unit_test(test_what_is_done_in_the_same_step_as_a_removal_does_not_reach_the_removed),
        cmocka_unit_test(test_who_was_away_when_removed_hears_that_and_nothing_else),
        cmocka_unit_test(test_who_came_later_is_shown_what_was_on_its_way),
        cmocka_unit_test(test_who_was_removed_and_let_in_again_is_served_as_who_they_are_now),
        cmocka_unit_test(test_who_was_let_in_again_is_served_on_the_sessions_there_are),
        cmocka_unit_test(test_a_newcomer_shows_the_removed_nothing),
        cmocka_unit_test(test_who_left_unheard_and_came_back_is_heard_as_both),
        cmocka_unit_test(test_who_left_and_is_taken_for_a_member_says_so_again),
        cmocka_unit_test(test_messages_behind_the_cut_are_shown_by_nobody_but_their_author),
        cmocka_unit_test(test_only_rank_removes_and_only_those_below),
        cmocka_unit_test(test_a_banned_key_is_kept_out_until_the_ban_ends),
        cmocka_unit_test(test_a_group_changes_hands_only_when_the_receiver_agrees),
        cmocka_unit_test(test_who_leaves_while_made_the_owner_stays_and_knows_it),
        cmocka_unit_test(test_who_may_have_been_let_in_is_not_put_off_by_another_door),
        cmocka_unit_test(test_of_two_joins_for_one_seat_one_is_bumped_and_comes_back_when_a_seat_is_free),
        cmocka_unit_test(test_a_bumped_joiner_takes_a_seat_that_comes_free_by_itself),
        cmocka_unit_test(test_the_owners_node_settles_what_others_did),
        cmocka_unit_test(test_names_change_by_who_may_change_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
