/* Invitations of contacts, revealing oneself, names, blocking, and strangers.  WIRE §4.14, §4.15, §6.24. */
#include "tests/unit/engine/people.h"

static const char *show(struct net *net, int i, const char *group, const char *key)
{
    return net_get(net, i, GX_CMD_GROUP_SHOW, group, key);
}

static uint64_t members(struct net *net, int i, const char *group)
{
    show(net, i, group, "members");
    return net->node[i].number;
}

/* tea admits by code up to qr_max members, and has room for cap. */
static void found_tea(struct net *net, uint64_t qr_max, uint64_t cap)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = "tea", .qr_max = qr_max, .cap = cap,
                             .given = (1u << GX_PARAM_NAME) | (1u << GX_PARAM_QR_MAX) | (1u << GX_PARAM_CAP)};

    assert_true(net_ask(net, 0, cmd, "group", 0));
}

/* How often `what` stands in the list of node i's groups. */
static unsigned rows(struct net *net, int i, const char *what)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_LIST};
    unsigned n = 0;

    assert_true(net_ask(net, i, cmd, "name", 0));
    for (const char *at = net->node[i].all; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

/* --- invitations --------------------------------------------------------------------------------------------------------------------------- */

static void test_a_contact_comes_in_where_codes_do_not_admit_any_more(void **s)
{
    struct net *net = net_new(4);
    char token[600], hash[65];

    (void)s;
    found_tea(net, 2, 10);
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 5000);
    net_send(net, 1, "tea", "before n2 came");
    net_run(net, 2000);
    assert_false(net_join(net, 3, token, NULL));
    assert_string_equal(net->node[3].error, "qr_closed");
    befriend(net, 1, 2);
    assert_true(invite_contact(net, 1, "tea", "@n2"));
    net_run(net, 3000);
    assert_int_equal(waiting(net, 2), 1);
    assert_true(tell(net, 2, GX_CMD_ACCEPT, "tea", "kind"));
    assert_string_equal(net->node[2].text, "invite");
    net_run(net, 10000);
    assert_int_equal(members(net, 2, "tea"), 3);
    for (int i = 0; i < 2; i++) {
        snprintf(hash, sizeof hash, "%s", show(net, i, "tea", "state_hash"));
        assert_string_equal(hash, show(net, 2, "tea", "state_hash"));
    }
    net_send(net, 2, "tea", "hello all");
    net_send(net, 0, "tea", "welcome");
    net_run(net, 5000);
    assert_int_equal(texts(net, 0, "tea"), 3);
    assert_int_equal(texts(net, 2, "tea"), 2);         /* and none from before */
    assert_int_equal(waiting(net, 2), 0);
    net_free(net);
}

static void test_an_accepted_invitation_survives_restarts_of_both(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    net_run(net, 3000);
    net_stop(net, 0);
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "@n0", "state"));
    net_run(net, 20000);
    assert_int_equal(rows(net, 1, "name=tea\n"), 1);    /* as the invitation called it */
    net_stop(net, 1);
    net_start(net, 1);
    assert_int_equal(rows(net, 1, "name=tea\n"), 1);
    net_stop(net, 1);
    net_start(net, 0);
    net_run(net, 20000);
    net_start(net, 1);
    net_run(net, 20000);
    assert_int_equal(members(net, 1, "tea"), 2);
    net_free(net);
}

static void test_a_group_that_one_came_into_again_is_listed_once(void **s)
{
    struct net *net = net_new(3);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    char token[600];

    (void)s;
    net_group(net, 0, "tea");
    net_group(net, 1, "cake");
    for (int again = 0; again < 2; again++) {
        net_invite(net, 0, "tea", token, 0);
        assert_true(net_join(net, 1, token, NULL));
        net_run(net, 3000);
        assert_int_equal(rows(net, 1, "state="), 2);
        assert_true(net_ask(net, 1, leave, "state", 5000));
        net_run(net, 3000);
        assert_int_equal(rows(net, 1, "state="), 2);        /* the one that was left last can still be read */
    }
    net_free(net);
}

static void test_whom_nobody_invited_is_not_let_in(void **s)
{
    struct net *net = net_new(3);
    struct gx_asked_row of = {.contact = {{0}}};
    struct gx_event ev;
    struct gx_body body;

    (void)s;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);

    /* n1 has seen CREATE somewhere, and asks as if n0 had invited it. */
    struct gx_group *tea = net->node[0].engine->groups[0];
    struct gx_engine *e = net->node[1].engine;

    assert_true(gx_group_read(net->node[0].engine, tea, &tea->logs[0], 1, &ev, &body));
    of.contact = net->node[0].config.person.id;
    of.inviter = tea->row.intro.member;
    gx_arena_reset(&e->arena);
    assert_non_null(gx_ask_begin(e, &ev, &of));
    gx_groups_flush(e);
    assert_int_equal(gx_txn_commit(&e->txn), GX_OK);
    gx_txn_abort(&net->node[0].engine->txn);
    net_stop(net, 1);
    net_start(net, 1);
    net_run(net, 60000);
    assert_true(gx_engine_dropped(net->node[0].engine, "ask_denied") > 0);
    assert_int_equal(members(net, 0, "tea"), 1);
    net_free(net);
}

static void test_a_full_group_says_no_and_lets_in_when_a_seat_is_free(void **s)
{
    struct net *net = net_new(3);
    char token[600];
    struct gx_command remove = {.method = GX_CMD_GROUP_REMOVE, .group = "tea", .who = "@n1", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO)};

    (void)s;
    found_tea(net, 2, 2);
    befriend(net, 0, 2);
    assert_true(invite_contact(net, 0, "tea", "@n2"));
    net_run(net, 3000);
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    assert_false(invite_contact(net, 0, "tea", "@n2"));
    assert_int_equal(net->node[0].exit_code, 4);
    assert_true(tell(net, 2, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 20000);
    assert_int_equal(members(net, 0, "tea"), 2);
    assert_true(net_ask(net, 0, remove, "rank", 0));
    net_run(net, 200000);
    assert_int_equal(members(net, 0, "tea"), 2);
    assert_int_equal(members(net, 2, "tea"), 2);
    net_free(net);
}

static void test_an_invitation_can_be_refused_and_the_inviter_is_not_told(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    net_run(net, 3000);
    assert_true(tell(net, 1, GX_CMD_REFUSE, "tea", "state"));
    net_run(net, 20000);
    assert_int_equal(members(net, 0, "tea"), 1);
    assert_int_equal(waiting(net, 1), 0);
    net_stop(net, 1);
    net_start(net, 1);
    net_run(net, 5000);
    assert_int_equal(waiting(net, 1), 0);
    net_free(net);
}

static void test_what_a_removed_contact_invited_into_goes_with_them(void **s)
{
    struct net *net = net_new(3);

    (void)s;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    net_group(net, 2, "coffee");
    befriend(net, 2, 1);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    assert_true(invite_contact(net, 2, "coffee", "@n1"));
    net_run(net, 3000);
    assert_int_equal(waiting(net, 1), 2);
    assert_true(tell(net, 1, GX_CMD_CONTACT_REMOVE, "@n0", "state"));
    assert_int_equal(net->node[1].engine->people.n_invited, 1);
    net_stop(net, 1);
    net_start(net, 1);
    assert_int_equal(net->node[1].engine->people.n_invited, 1);
    assert_int_equal(waiting(net, 1), 1);
    net_free(net);
}

/* --- who is who -------------------------------------------------------------------------------------------------------------------------------- */

static const char *alias_of(struct net *net, int i, const char *group, const char *rank)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_MEMBERS, .group = group, .given = 1u << GX_PARAM_GROUP};
    static char line[64];

    assert_true(net_ask(net, i, cmd, "member", 0));

    /* The alias stands before the rank. */
    const char *at = strstr(net->node[i].all, rank), *begin = at;

    assert_non_null(at);
    while (strncmp(begin, "alias=", 6) != 0)
        begin--;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(begin + 6, "\n"), begin + 6);
    return line;
}

/* Written as no command would; its node starts anew afterwards. */
static void write_raw(struct gx_engine *e, struct gx_group *g, const struct gx_body *body)
{
    gx_arena_reset(&e->arena);
    assert_int_equal(gx_author_write(e, g, body, NULL, NULL), GX_OK);
    gx_author_sign(e);
    gx_groups_flush(e);
    assert_int_equal(gx_txn_commit(&e->txn), GX_OK);
}

static void test_a_member_is_known_to_a_contact_only_after_revealing_itself(void **s)
{
    struct net *net = net_new(2);
    char token[600];
    struct gx_command alias = {.method = GX_CMD_GROUP_ALIAS, .group = "tea", .name = "somebody", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_NAME)};
    struct gx_command name = {.method = GX_CMD_CONTACT_NAME, .who = "n0", .name = "Boss", .given = (1u << GX_PARAM_WHO) | (1u << GX_PARAM_NAME)};
    struct gx_command reveal = {.method = GX_CMD_GROUP_REVEAL, .group = "tea", .who = "n1", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO)};

    (void)s;
    net_group(net, 0, "tea");
    assert_true(net_ask(net, 0, alias, "alias", 0));
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    befriend(net, 0, 1);
    assert_true(net_ask(net, 1, name, "name", 0));
    assert_string_equal(alias_of(net, 1, "tea", "rank=owner"), "somebody");
    assert_true(net_ask(net, 0, reveal, "state", 0));
    net_run(net, 3000);
    assert_string_equal(alias_of(net, 1, "tea", "rank=owner"), "Boss");
    net_stop(net, 1);
    net_start(net, 1);
    assert_string_equal(alias_of(net, 1, "tea", "rank=owner"), "Boss");
    net_free(net);
}

/* Said too early, it waits: for the group, and for the member, through a restart. */
static void test_who_reveals_itself_before_one_is_in_the_group_is_known_when_one_is(void **s)
{
    struct net *net = net_new(2);
    char token[600];
    struct gx_command reveal = {.method = GX_CMD_GROUP_REVEAL, .group = "tea", .who = "n1", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO)};

    (void)s;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    for (int i = 0; i < 2; i++)         /* once is enough, twice is no more */
        assert_true(net_ask(net, 0, reveal, "state", 0));
    net_run(net, 3000);
    assert_int_equal(net->node[1].engine->people.n_told, 1);
    net_stop(net, 1);
    net_start(net, 1);
    assert_int_equal(net->node[1].engine->people.n_told, 1);
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 3000);
    assert_int_equal(net->node[1].engine->people.n_told, 0);
    assert_int_equal(net->node[1].engine->people.n_revealed, 1);
    assert_int_equal(gx_engine_dropped(net->node[1].engine, "reveal"), 0);
    net_stop(net, 1);
    net_start(net, 1);
    assert_int_equal(net->node[1].engine->people.n_told, 0);
    assert_int_equal(net->node[1].engine->people.n_revealed, 1);
    net_free(net);
}

/* n2 says who it is in tea to n1, who is in tea, before n0 has let it in. */
static void test_who_reveals_itself_before_its_admission_is_heard_is_known_when_it_is(void **s)
{
    struct net *net = net_new(3);
    char token[600];
    struct gx_command join = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};
    struct gx_body body = {.type = GX_EV_REVEAL};
    struct gx_group_id id;

    (void)s;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    befriend(net, 1, 2);
    id = net->node[0].engine->groups[0]->row.id;
    net_stop(net, 0);
    assert_false(net_ask(net, 2, join, "group", 0));

    struct gx_engine *e = net->node[2].engine;
    struct gx_contact *c = gx_contact_by_id(e, &net->node[1].config.person.id);
    struct gx_group *tea = gx_group_by_gnum(e, gx_contact_chat(e, c)->row.gnum + 1);

    body.u.reveal = (struct gx_body_reveal){.group = id, .member = tea->row.intro.member};
    assert_true(gx_reveal_make(&body.u.reveal.mac, &e->config.card_sk, &tea->row.prekey_sk, &c->row.card.key, id.b, &body.u.reveal.member));
    write_raw(e, gx_contact_chat(e, c), &body);
    net_stop(net, 2);
    net_start(net, 2);
    net_run(net, 20000);
    assert_int_equal(net->node[1].engine->people.n_told, 1);
    assert_int_equal(net->node[1].engine->people.n_revealed, 0);
    net_start(net, 0);
    net_run(net, 60000);
    assert_int_equal(net->node[1].engine->people.n_told, 0);
    assert_int_equal(net->node[1].engine->people.n_revealed, 1);
    net_free(net);
}

static void test_only_so_many_reveals_of_one_contact_wait(void **s)
{
    struct net *net = net_new(2);
    struct gx_body body = {.type = GX_EV_REVEAL};
    struct gx_engine *e = net->node[0].engine;
    struct gx_contact *c = NULL;

    (void)s;
    befriend(net, 0, 1);
    c = gx_contact_by_id(e, &net->node[1].config.person.id);
    for (uint32_t i = 0; i < GX_TOLD_MAX + 3; i++) {
        body.u.reveal = (struct gx_body_reveal){.group = {.b = {(uint8_t)i, 1}}};
        write_raw(e, gx_contact_chat(e, c), &body);
    }
    net_stop(net, 0);
    net_start(net, 0);
    net_run(net, 70000);
    assert_int_equal(net->node[1].engine->people.n_told, GX_TOLD_MAX);
    assert_int_equal(gx_engine_dropped(net->node[1].engine, "told_full"), 3);
    net_free(net);
}

/* n0 says that it is n1 there: it lacks the secret of that membership's prekey. */
static void test_nobody_can_say_to_be_another_member(void **s)
{
    struct net *net = net_new(3);
    char token[600];
    struct gx_body body = {.type = GX_EV_REVEAL};
    struct gx_engine *e = net->node[0].engine;

    (void)s;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    assert_true(net_join(net, 2, token, NULL));
    befriend(net, 0, 2);

    struct gx_contact *c = gx_contact_by_id(e, &net->node[2].config.person.id);
    struct gx_group *tea = e->groups[0], *chat = gx_contact_chat(e, c);

    body.u.reveal = (struct gx_body_reveal){.group = tea->row.id, .member = net->node[1].engine->groups[0]->row.intro.member};
    assert_true(gx_reveal_make(&body.u.reveal.mac, &e->config.card_sk, &tea->row.prekey_sk, &c->row.card.key, tea->row.id.b, &body.u.reveal.member));
    write_raw(e, chat, &body);
    net_stop(net, 0);
    net_start(net, 0);
    net_run(net, 70000);
    assert_int_equal(gx_engine_dropped(net->node[2].engine, "reveal"), 1);
    assert_int_equal(net->node[2].engine->people.n_revealed, 0);
    net_free(net);
}

static void test_a_new_name_is_heard_and_the_old_one_kept(void **s)
{
    struct net *net = net_new(2);
    struct gx_command cmd = {.method = GX_CMD_PROFILE_SET, .name = "Ling", .given = 1u << GX_PARAM_NAME};

    (void)s;
    befriend(net, 0, 1);
    assert_true(net_ask(net, 0, cmd, "name", 0));
    net_run(net, 3000);
    assert_true(tell(net, 1, GX_CMD_CONTACT_SHOW, "Ling", "was"));
    assert_string_equal(net->node[1].text, "n0");
    net_free(net);
}

/* --- verifying ---------------------------------------------------------------------------------------------------------------------------------- */

static void test_both_see_the_same_words_and_the_mark_lasts(void **s)
{
    struct net *net = net_new(2);
    struct gx_command yes = {.method = GX_CMD_CONTACT_VERIFY, .who = "n1", .yes = true, .given = (1u << GX_PARAM_WHO) | (1u << GX_PARAM_YES)};
    char words[600];

    (void)s;
    befriend(net, 0, 1);
    assert_true(tell(net, 1, GX_CMD_CONTACT_VERIFY, "n0", "words"));
    memcpy(words, net->node[1].text, sizeof words);
    assert_true(net_ask(net, 0, yes, "words", 0));
    assert_string_equal(net->node[0].text, words);
    net_stop(net, 0);
    net_start(net, 0);
    assert_true(tell(net, 0, GX_CMD_CONTACT_SHOW, "n1", "verified"));
    assert_non_null(strstr(net->node[0].all, "verified=1"));
    net_free(net);
}

/* n1 comes back from its words: the same person with another card key and a higher serial. */
static void test_another_card_key_takes_the_mark_away_and_warns_until_it_is_verified_again(void **s)
{
    struct net *net = net_new(2);
    struct gx_command yes = {.method = GX_CMD_CONTACT_VERIFY, .who = "n1", .yes = true, .given = (1u << GX_PARAM_WHO) | (1u << GX_PARAM_YES)};
    uint8_t seed[32] = {2, 77};
    struct gx_rng_stream rng;
    struct gx_recovery rec;
    struct gx_dh_sk card = {{42}};

    (void)s;
    befriend(net, 0, 1);
    assert_true(net_ask(net, 0, yes, "words", 0));
    gx_rng_stream_init(&rng, seed);
    gx_rng_fill(&rng.rng, rec.b, sizeof rec.b);         /* as net_new drew it */
    net_stop(net, 1);
    gx_person_make(&net->node[1].config.person, &rec, &card, 2);
    net->node[1].config.card_sk = card;
    net_start(net, 1);
    net_run(net, 2000);
    assert_true(scan(net, 0, 1));
    for (int i = 0; i < 2; i++) {
        assert_true(tell(net, 0, GX_CMD_CONTACT_SHOW, "n1", "changed"));
        assert_non_null(strstr(net->node[0].all, "verified=0"));
        assert_non_null(strstr(net->node[0].all, "changed=1"));
        net_stop(net, 0);
        net_start(net, 0);
    }
    assert_true(net_ask(net, 0, yes, "words", 0));
    assert_non_null(strstr(net->node[0].all, "changed=0"));
    net_free(net);
}

/* --- blocking, removing, strangers ----------------------------------------------------------------------------------------------------------------- */

static unsigned heard_by_0;

static bool counts(struct net *net, int from, int to, struct gx_span bytes)
{
    heard_by_0 += from == 1 && to == 0 && bytes.n > 0 && bytes.p[0] != GX_FRAME_HELLO && bytes.p[0] != GX_FRAME_BYE &&
                  bytes.p[0] != GX_FRAME_TAGS;      /* random ones, as every stranger is told */
    return !net->cut[from][to];
}

static void test_who_is_blocked_learns_nothing_and_reaches_nobody(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    befriend(net, 0, 1);
    assert_true(tell(net, 1, GX_CMD_CONTACT_BLOCK, "n0", "state"));
    net_run(net, 1000);
    net->pass = counts;
    heard_by_0 = 0;
    net_send(net, 0, "@n1", "are you there?");
    net_run(net, 60000);
    net_stop(net, 0);
    net_start(net, 0);
    net_run(net, 60000);
    assert_true(scan(net, 0, 1));
    net_run(net, 60000);
    assert_int_equal(heard_by_0, 0);
    assert_int_equal(waiting(net, 1), 0);
    assert_false(scan(net, 1, 0));          /* the block has to be taken back first */
    assert_true(tell(net, 1, GX_CMD_CONTACT_UNBLOCK, "n0", "state"));
    net_run(net, 60000);
    assert_int_equal(texts(net, 1, "@n0"), 1);
    net_free(net);
}

static void test_who_is_refused_does_not_ask_again_with_the_same_chat(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    assert_true(scan(net, 0, 1));
    net_run(net, 3000);
    assert_true(tell(net, 1, GX_CMD_REFUSE, "n0", "state"));
    net_run(net, 3600000);
    net_stop(net, 0);
    net_start(net, 0);
    net_run(net, 60000);
    assert_int_equal(waiting(net, 1), 0);
    assert_true(scan(net, 1, 0));           /* the person changes their mind */
    net_run(net, 60000);
    assert_string_equal(state(net, 1, "n0"), "contact");
    net_free(net);
}

static void test_the_own_card_an_invitation_and_rubbish_are_answered(void **s)
{
    struct net *net = net_new(2);
    char token[600];
    struct gx_command add = {.method = GX_CMD_CONTACT_ADD, .token = token, .given = 1u << GX_PARAM_TOKEN};
    struct gx_command join = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};

    (void)s;
    assert_false(scan(net, 0, 0));
    assert_int_equal(net->node[0].exit_code, 1);
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_false(net_ask(net, 1, add, NULL, 0));
    assert_int_equal(net->node[1].exit_code, 2);
    card_of(net, 0, token);
    assert_false(net_ask(net, 1, join, NULL, 0));
    assert_int_equal(net->node[1].exit_code, 2);
    snprintf(token, sizeof token, "GX1:AAAA");
    assert_false(net_ask(net, 1, add, NULL, 0));
    assert_int_equal(net->node[1].exit_code, 5);
    assert_int_equal(net->node[1].engine->people.n, 0);
    net_free(net);
}

static void test_strangers_requests_come_at_a_bounded_pace(void **s)
{
    struct net *net = net_new(NET_NODES);

    (void)s;
    /* Seven real ones, and as many who asked before as there is room for. */
    for (uint32_t i = 0; i < GX_REQUESTS_MAX - 3; i++) {
        struct gx_card card = {.serial = 1};
        struct gx_contact *c = NULL;

        memcpy(card.id.b, &i, sizeof i);
        c = gx_contact_add(net->node[0].engine, &card);
        assert_non_null(c);
        c->row.flags = GX_CONTACT_ASKS;
        c->dirty = false;
    }
    for (int i = 1; i < NET_NODES; i++)
        assert_true(scan(net, i, 0));
    net_run(net, 20000);
    assert_int_equal(waiting(net, 0), GX_REQUESTS_MAX);
    assert_true(gx_engine_dropped(net->node[0].engine, "requests_full") > 0);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_contact_comes_in_where_codes_do_not_admit_any_more),
        cmocka_unit_test(test_an_accepted_invitation_survives_restarts_of_both),
        cmocka_unit_test(test_a_group_that_one_came_into_again_is_listed_once),
        cmocka_unit_test(test_whom_nobody_invited_is_not_let_in),
        cmocka_unit_test(test_a_full_group_says_no_and_lets_in_when_a_seat_is_free),
        cmocka_unit_test(test_an_invitation_can_be_refused_and_the_inviter_is_not_told),
        cmocka_unit_test(test_what_a_removed_contact_invited_into_goes_with_them),
        cmocka_unit_test(test_a_member_is_known_to_a_contact_only_after_revealing_itself),
        cmocka_unit_test(test_who_reveals_itself_before_one_is_in_the_group_is_known_when_one_is),
        cmocka_unit_test(test_who_reveals_itself_before_its_admission_is_heard_is_known_when_it_is),
        cmocka_unit_test(test_only_so_many_reveals_of_one_contact_wait),
        cmocka_unit_test(test_nobody_can_say_to_be_another_member),
        cmocka_unit_test(test_a_new_name_is_heard_and_the_old_one_kept),
        cmocka_unit_test(test_both_see_the_same_words_and_the_mark_lasts),
        cmocka_unit_test(test_another_card_key_takes_the_mark_away_and_warns_until_it_is_verified_again),
        cmocka_unit_test(test_who_is_blocked_learns_nothing_and_reaches_nobody),
        cmocka_unit_test(test_who_is_refused_does_not_ask_again_with_the_same_chat),
        cmocka_unit_test(test_the_own_card_an_invitation_and_rubbish_are_answered),
        cmocka_unit_test(test_strangers_requests_come_at_a_bounded_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
