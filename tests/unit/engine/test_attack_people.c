/* People who lie about contacts, direct chats and invitations, and nodes that die on the way: what held.  WIRE §6.1, §6.26, LAW §16. */
#include "tests/unit/engine/people_attack.h"
#include "node/engine/sealing.h"
#include "tests/blind.h"

/* --- who asks --- */

/* Who played n1's door to n0 knows the chat that n0 founded for n1, and where n0 is.  It is not n1. */
static void test_who_played_the_door_is_not_let_into_the_chat(void **s)
{
    struct net *net = net_new(2);
    struct ghost *g = ghost_new(net, 1);
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_group *chat = NULL;

    (void)s;
    assert_true(scan(net, 0, 1));
    net_run(net, 3000);
    chat = chat_of(net, 0, 1);
    ghost_proves(g, 0, chat);
    assert_int_equal(g->heads, 1);
    ghost_ask(g, &w, chat, &chat->row.intro.member, &g->card_sk);
    ghost_says(g, &w);
    assert_int_equal(g->denied, 1);
    assert_int_equal(g->chunks + g->endpoints + g->baselines, 0);
    assert_int_equal(chat->law.now.n_members, 1);
    /* The one who was meant still comes in. */
    net->pass = NULL;
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "n0", "state"));
    net_run(net, 20000);
    assert_int_equal(chat_of(net, 0, 1)->law.now.n_members, 2);
    ghosts_free();
    net_free(net);
}

static struct net *invited(void)
{
    struct net *net = net_new(2);

    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    net_run(net, 3000);
    return net;
}

static void test_an_invitation_is_for_the_person_and_not_for_who_knows_of_it(void **s)
{
    struct net *net = invited();
    struct ghost *g = ghost_new(net, 1);
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)s;
    ghost_proves(g, 0, tea(net, 0));
    ghost_ask(g, &w, tea(net, 0), &tea(net, 0)->row.intro.member, &g->card_sk);
    ghost_says(g, &w);
    assert_int_equal(g->denied, 1);
    assert_int_equal(g->deny, GX_DENY_TOKEN_UNKNOWN);
    assert_int_equal(g->chunks + g->endpoints + g->baselines, 0);
    assert_int_equal(members(net, 0), 1);
    ghosts_free();
    net_free(net);
}

static void test_an_invitation_ends_with_its_time(void **s)
{
    struct net *net = invited();
    struct ghost *g = ghost_new(net, 1);
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)s;
    net->now.wall_ms += 8ull * 24 * 3600 * 1000;
    ghost_proves(g, 0, tea(net, 0));
    ghost_ask(g, &w, tea(net, 0), &tea(net, 0)->row.intro.member, &net->node[1].config.card_sk);
    ghost_says(g, &w);
    assert_int_equal(g->denied, 1);
    assert_int_equal(members(net, 0), 1);
    ghosts_free();
    net_free(net);
}

static void test_an_ask_that_names_another_inviter_is_not_answered(void **s)
{
    struct net *net = invited();
    struct ghost *g = ghost_new(net, 1);
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)s;
    ghost_proves(g, 0, tea(net, 0));
    ghost_ask(g, &w, tea(net, 0), &g->intro.member, &net->node[1].config.card_sk);
    ghost_says(g, &w);
    assert_int_equal(g->denied + g->chunks, 0);
    assert_int_equal(members(net, 0), 1);
    ghosts_free();
    net_free(net);
}

static void test_an_ask_is_not_taken_from_another_device_than_the_one_that_was_proven(void **s)
{
    struct net *net = invited();
    struct ghost *g = ghost_new(net, 1), *thief = NULL;
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)s;
    g->with = 0;
    g->channel = 5;
    ghost_ask(g, &w, tea(net, 0), &tea(net, 0)->row.intro.member, &net->node[1].config.card_sk);
    thief = ghost_new(net, 2);
    ghost_proves(thief, 0, tea(net, 0));
    for (int i = 0; i < 3; i++)
        ghost_says(thief, &w);
    assert_int_equal(thief->bye, GX_BYE_MALFORMED);
    assert_int_equal(thief->chunks, 0);
    assert_int_equal(members(net, 0), 1);
    ghosts_free();
    net_free(net);
}

static void test_the_second_asker_with_one_invitation_is_late(void **s)
{
    struct net *net = invited();
    unsigned denied = 0;

    (void)s;
    for (uint8_t i = 0; i < 2; i++) {
        struct ghost *g = ghost_new(net, (uint8_t)(i + 1));
        uint8_t bytes[1024];
        struct gx_wr w = gx_wr(bytes, sizeof bytes);

        ghost_proves(g, 0, tea(net, 0));
        ghost_ask(g, &w, tea(net, 0), &tea(net, 0)->row.intro.member, &net->node[1].config.card_sk);
        ghost_says(g, &w);
        denied += g->denied;
    }
    assert_int_equal(denied, 1);
    assert_int_equal(members(net, 0), 2);
    ghosts_free();
    net_free(net);
}

static void test_who_is_blocked_is_not_let_in_by_an_open_invitation(void **s)
{
    struct net *net = invited();
    struct ghost *g = ghost_new(net, 1);
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)s;
    assert_true(tell(net, 0, GX_CMD_CONTACT_BLOCK, "n1", "state"));
    ghost_proves(g, 0, tea(net, 0));
    ghost_ask(g, &w, tea(net, 0), &tea(net, 0)->row.intro.member, &net->node[1].config.card_sk);
    ghost_says(g, &w);
    assert_int_equal(members(net, 0), 1);
    ghosts_free();
    net_free(net);
}

/* --- two who ask --- */

static unsigned said;

static bool counts(struct net *net, int from, int to, struct gx_span bytes)
{
    said += bytes.n > 0 && bytes.p[0] != GX_FRAME_HELLO && bytes.p[0] != GX_FRAME_BYE && bytes.p[0] != GX_FRAME_PING && bytes.p[0] != GX_FRAME_PONG;
    return !net->cut[from][to];
}

static void test_two_who_ask_the_same_do_not_go_on_asking_each_other(void **s)
{
    struct net *net = net_new(3);

    (void)s;
    net_group(net, 0, "tea");
    befriend(net, 0, 1);
    befriend(net, 0, 2);
    befriend(net, 1, 2);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    assert_true(invite_contact(net, 0, "tea", "@n2"));
    net_run(net, 3000);
    net_stop(net, 0);
    net_run(net, 5000);
    for (int i = 1; i < 3; i++)
        assert_true(tell(net, i, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 5000);
    net->pass = counts;
    said = 0;
    net_run(net, 120000);
    assert_true(said < 40);
    net_start(net, 0);
    net_run(net, 60000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(members(net, i), 3);
    net_free(net);
}

static void test_two_who_scan_each_other_over_one_way_alone_have_their_chat(void **s)
{
    for (int closed = 0; closed < 2; closed++) {
        struct net *net = net_new(2);

        (void)s;
        net->cut[closed][!closed] = true;       /* one of them cannot connect to the other */
        for (int i = 0; i < 2; i++)
            assert_true(scan(net, i, !i));
        net_run(net, 120000);
        net->cut[closed][!closed] = false;
        net_run(net, 700000);
        for (int i = 0; i < 2; i++)
            assert_true(gx_contact_is_met(eng(net, i), contact(net, i, !i)));
        net_send(net, 0, "@n1", "hello");
        net_run(net, 3000);
        assert_int_equal(texts(net, 1, "@n0"), 1);
        net_free(net);
    }
}

/* --- in a direct chat --- */

struct hand {
    struct gx_event ev;
    uint8_t blind[BLIND_BYTES], body[1024], deps[32 * 8], bytes[2048];
    size_t n;
};

/* A control event of node i's device in its chat with `with`: behind its head, or in place of it. */
static void hand_control(struct net *net, int i, int with, struct hand *h, const struct gx_body *body, bool beside, uint64_t wall)
{
    struct gx_group *g = chat_of(net, i, with);
    const struct gx_log_row *row = &g->logs[g->own_control].row;
    struct gx_wr w = gx_wr(h->body, sizeof h->body), c = gx_wr(h->bytes, sizeof h->bytes);
    uint32_t dep = beside ? 0 : g->law.n_ops - 1;
    struct gx_body outer = *body;
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    blind(&outer, h->blind);
    gx_body_encode(&w, &outer);
    assert_false(w.failed);
    h->ev = (struct gx_event){.ver = GX_EVENT_VERSION, .type = body->type, .group = g->row.id, .log = row->id, .seq = row->head_seq + 1u, .prev = row->head_id,
                              .tick = g->max_tick + 1, .wall_ms = wall, .n_deps = 1, .deps = h->deps, .body = gx_wr_span(&w)};
    if (beside) {
        for (uint32_t op = 0; op < g->law.n_ops; op++)
            if (g->ops[op].type == GX_EV_ADMIT)
                dep = op;
        h->ev.seq = g->ops[dep].seq;
        h->ev.tick = g->ops[dep].tick;
        h->ev.prev = *gx_group_id_at(g, g->ops[dep].log, (uint32_t)h->ev.seq - 1);
        dep = gx_group_op(g, &h->ev.prev);
    }
    memcpy(h->deps, g->law.nodes[dep].op.id.b, 32);
    gx_device_key(&pk, &sk, &net->node[i].config.device_seed, &g->row.intro.e);
    gx_event_seal(&h->ev, &sk);
    gx_chunk_write_header(&c, &row->id, (uint32_t)h->ev.seq, &h->ev.prev, 1);
    gx_record_encode(&c, &h->ev);
    assert_false(c.failed);
    h->n = c.n;
}

static void push_chunk(struct net *net, int from, int to, const struct hand *h)
{
    uint8_t bytes[4096];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_channel *c = gx_session_channel_of(session_of(net, from, to), chat_of(net, to, from)->row.gnum);
    struct gx_frame_list list = gx_frame_begin_chunks(&w, c->number, GX_CHUNKS_PUSH);

    gx_frame_put_chunk(&w, &list, gx_span(h->bytes, h->n));
    gx_frame_end(&w, &list);
    inject(net, from, to, &w);
}

/* Of the joiner `g`, by whom `i` says it was invited. */
static void admit_of(struct net *net, int i, int with, struct ghost *g, const struct gx_sign_pk *inviter, struct gx_body *body, uint8_t request[1024])
{
    struct gx_wr w = gx_wr(request, 1024);

    *body = (struct gx_body){.type = GX_EV_ADMIT};
    ghost_request(g, &body->u.admit.request, chat_of(net, i, with), inviter);
    gx_join_request_write(&w, &body->u.admit.request);
    body->u.admit.request_bytes = gx_wr_span(&w);
}

static void test_nothing_is_decided_in_a_direct_chat(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    befriend(net, 0, 1);
    for (int i = 0; i < 2; i++) {
        struct gx_group *there = chat_of(net, !i, i);
        uint32_t n = there->law.n_ops;
        struct gx_body bodies[6] = {{.type = GX_EV_REMOVE}, {.type = GX_EV_TOKEN}, {.type = GX_EV_LEAVE}, {.type = GX_EV_META}, {.type = GX_EV_CHECKPOINT},
                                    {.type = GX_EV_PROMOTE}};

        bodies[0].u.removal.target = chat_of(net, !i, i)->row.intro.member;
        bodies[1].u.token.uses = 1;
        bodies[3].u.meta.name = gx_span("mine", 4);
        bodies[5].u.target.target = chat_of(net, i, !i)->row.intro.member;
        for (size_t k = 0; k < GX_ARRAY_LEN(bodies); k++) {
            struct hand *h = calloc(1, sizeof *h);

            hand_control(net, i, !i, h, &bodies[k], false, 0);
            push_chunk(net, i, !i, h);
            free(h);
            assert_int_equal(chat_of(net, !i, i)->law.n_ops, n);
            net_run(net, 20000);            /* three such things end a session */
        }
        assert_true(gx_contact_is_met(eng(net, !i), contact(net, !i, i)));
    }
    net_send(net, 1, "@n0", "still here");
    net_run(net, 3000);
    assert_int_equal(texts(net, 0, "@n1"), 1);
    net_free(net);
}

static void test_a_third_is_not_let_into_a_direct_chat_by_either(void **s)
{
    struct net *net = net_new(2);
    struct ghost *g = ghost_new(net, 1);
    uint8_t request[1024];

    (void)s;
    befriend(net, 0, 1);
    for (int i = 0; i < 2; i++) {
        struct hand *h = calloc(1, sizeof *h);
        struct gx_body body;

        admit_of(net, i, !i, g, &chat_of(net, i, !i)->row.intro.member, &body, request);
        hand_control(net, i, !i, h, &body, false, 0);
        push_chunk(net, i, !i, h);
        free(h);
        gx_group_settle(eng(net, !i), chat_of(net, !i, i));
        assert_int_equal(chat_of(net, !i, i)->law.now.n_members, 2);
        assert_true(gx_contact_is_met(eng(net, !i), contact(net, !i, i)));
        net_run(net, 5000);
    }
    ghosts_free();
    net_free(net);
}

/* Two ADMITs at one place of the founder's log: who has both comes to one of them by the law, whichever came first, and nothing breaks. */
static void test_a_founder_who_lets_two_in_at_once_has_one_of_them(void **s)
{
    for (uint64_t wall = 0; wall < 8 * 60000; wall += 60000) {
        struct net *net = net_new(2);
        struct ghost *g = ghost_new(net, 1);
        struct hand *h = calloc(1, sizeof *h);
        struct gx_body body;
        uint8_t request[1024];
        struct gx_group *there = NULL;

        (void)s;
        befriend(net, 0, 1);
        admit_of(net, 0, 1, g, &chat_of(net, 0, 1)->row.intro.member, &body, request);
        hand_control(net, 0, 1, h, &body, true, wall);
        push_chunk(net, 0, 1, h);
        net_run(net, 20000);
        for (int i = 0; i < 2; i++) {
            there = chat_of(net, 1, 0);
            assert_int_equal(there->law.now.n_members, 2);
            (void)state(net, 1, "n0");
            (void)waiting(net, 1);
            net_stop(net, 1);
            net_start(net, 1);
            net_run(net, 20000);
        }
        free(h);
        ghosts_free();
        net_free(net);
    }
}

/* --- letters --- */

static void write_letter(struct net *net, int i, int to, const struct gx_body *body)
{
    struct gx_engine *e = eng(net, i);

    gx_arena_reset(&e->arena);
    assert_int_equal(gx_author_write(e, chat_of(net, i, to), body, NULL, NULL), GX_OK);
}

static void invite_by_hand(struct net *net, int i, int to, struct ghost *founder)
{
    struct gx_body body = {.type = GX_EV_INVITE};

    body.u.invite = (struct gx_body_invite){.wall_ms = 1, .inviter = founder->intro.member, .create = gx_span(founder->create_bytes, GX_CREATE_EVENT_BYTES)};
    write_letter(net, i, to, &body);
}

static void test_invitations_into_direct_chats_and_with_wrong_signatures_are_none(void **s)
{
    struct net *net = net_new(2);
    struct ghost *direct = ghost_new(net, 1), *unsigned_one = ghost_new(net, 2), *uncertified = ghost_new(net, 3);

    (void)s;
    befriend(net, 0, 1);
    ghost_founds(direct, GX_GROUP_DIRECT, true, 1);
    ghost_founds(unsigned_one, GX_GROUP_CHAT, true, 1);
    unsigned_one->create_bytes[113 + 32] ^= 1;
    uncertified->intro.cert.b[0] ^= 1;
    ghost_founds(uncertified, GX_GROUP_CHAT, true, 1);
    for (int i = 0; i < 3; i++)
        invite_by_hand(net, 0, 1, ghosts[i]);
    keep_and_restart(net, 0);
    net_run(net, 20000);
    assert_int_equal(waiting(net, 1), 0);
    assert_int_equal(gx_engine_dropped(eng(net, 1), "invite"), 3);
    ghosts_free();
    net_free(net);
}

static void test_a_flood_of_invitations_is_bounded_and_one_group_is_one(void **s)
{
    struct net *net = net_new(2);

    (void)s;
    befriend(net, 0, 1);
    for (uint8_t i = 0; i < GX_INVITED_MAX + 8; i++) {
        struct ghost *g = ghost_new(net, (uint8_t)(i + 1));

        ghost_founds(g, GX_GROUP_CHAT, true, 1);
        for (int k = 0; k < 2; k++)
            invite_by_hand(net, 0, 1, g);
    }
    keep_and_restart(net, 0);
    net_run(net, 20000);
    assert_int_equal(waiting(net, 1), GX_INVITED_MAX);
    net_stop(net, 1);
    net_start(net, 1);
    assert_int_equal(waiting(net, 1), GX_INVITED_MAX);
    ghosts_free();
    net_free(net);
}

/* n0 told n1 who it is in tea.  n1 says it again to n2: as itself, and word by word. */
static void test_a_reveal_that_is_repeated_tells_nothing(void **s)
{
    struct net *net = net_new(3);
    char token[600];
    struct gx_command reveal = {.method = GX_CMD_GROUP_REVEAL, .group = "tea", .who = "n1", .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO)};
    struct gx_body body, plain;
    struct gx_event ev;
    struct gx_group *chat = NULL;

    (void)s;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    assert_true(net_join(net, 2, token, NULL));
    befriend(net, 0, 1);
    befriend(net, 1, 2);
    assert_true(net_ask(net, 0, reveal, "state", 0));
    net_run(net, 3000);
    assert_int_equal(eng(net, 1)->people.n_revealed, 1);
    chat = chat_of(net, 1, 0);
    gx_arena_reset(&eng(net, 1)->arena);
    for (uint32_t i = 0; i < chat->n_logs; i++)
        if (!chat->logs[i].own && chat->logs[i].row.cls == GX_LOG_MESSAGES)
            assert_true(gx_group_read(eng(net, 1), chat, &chat->logs[i], chat->logs[i].row.head_seq, &ev, &body) &&
                        gx_message_open_at(eng(net, 1), chat, &chat->logs[i], &ev, &plain));
    assert_int_equal(body.type, GX_EV_REVEAL);
    assert_int_equal(gx_author_write(eng(net, 1), chat_of(net, 1, 2), &plain, NULL, NULL), GX_OK);
    keep_and_restart(net, 1);
    net_run(net, 60000);
    assert_int_equal(gx_engine_dropped(eng(net, 2), "reveal"), 1);
    assert_int_equal(eng(net, 2)->people.n_revealed, 0);
    net_free(net);
}

/* --- what is given up, and what is full --- */

static void test_a_group_that_is_asked_for_can_be_left_in_the_middle_of_it(void **s)
{
    struct net *net = invited();
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .given = 1u << GX_PARAM_GROUP};
    char id[80] = ":";

    (void)s;
    net->cut[0][1] = net->cut[1][0] = true;
    net_stop(net, 0);
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 3000);
    gx_hex(id + 1, tea(net, 1)->row.id.b, 16);
    leave.group = id;
    assert_true(net_ask(net, 1, leave, "state", 0));
    assert_null(tea_if(net, 1));
    for (int i = 0; i < 2; i++) {
        net_stop(net, 1);
        net_start(net, 1);
        assert_int_equal(eng(net, 1)->n_groups, 1);
    }
    net->cut[0][1] = net->cut[1][0] = false;
    net_start(net, 0);
    net_run(net, 60000);
    assert_int_equal(members(net, 0), 1);
    net_free(net);
}

static void test_a_node_that_is_full_refuses_and_goes_on(void **s)
{
    struct net *net = net_new(3);

    (void)s;
    befriend(net, 0, 1);
    net_group(net, 1, "tea");
    assert_true(invite_contact(net, 1, "tea", "@n0"));
    net_run(net, 3000);
    while (eng(net, 0)->n_groups < GX_GROUPS_MAX)
        net_group(net, 0, "another");
    assert_false(tell(net, 0, GX_CMD_ACCEPT, "tea", "state"));
    assert_false(scan(net, 0, 2));
    assert_true(scan(net, 2, 0));
    net_run(net, 3000);
    assert_int_equal(waiting(net, 0), 2);
    assert_false(tell(net, 0, GX_CMD_ACCEPT, "n2", "state"));
    assert_int_equal(eng(net, 0)->n_groups, GX_GROUPS_MAX);
    net_stop(net, 0);
    net_start(net, 0);
    assert_int_equal(eng(net, 0)->n_groups, GX_GROUPS_MAX);
    assert_int_equal(waiting(net, 0), 2);
    net_send(net, 0, "@n1", "full, and well");
    net_run(net, 60000);
    assert_int_equal(texts(net, 1, "@n0"), 2);          /* with the invitation */
    net_free(net);
}

/* What is taken back is as before.  They are in tea together, so the session stays while one is blocked. */
static void test_who_is_unblocked_is_heard_again(void **s)
{
    for (int i = 0; i < 2; i++) {
        struct net *net = net_new(2);
        char token[600];
        const char *other = i == 0 ? "n1" : "n0", *where = i == 0 ? "@n1" : "@n0", *me = i == 0 ? "@n0" : "@n1";

        (void)s;
        net_group(net, 0, "tea");
        net_invite(net, 0, "tea", token, 0);
        assert_true(net_join(net, 1, token, NULL));
        befriend(net, 0, 1);
        assert_true(tell(net, i, GX_CMD_CONTACT_BLOCK, other, "state"));
        net_run(net, 5000);
        net_send(net, !i, me, "while I am blocked");
        net_run(net, 5000);
        assert_true(tell(net, i, GX_CMD_CONTACT_UNBLOCK, other, "state"));
        net_run(net, 60000);
        assert_int_equal(texts(net, i, where), 1);
        net_free(net);
    }
}

/* --- nodes that die --- */

#ifdef GX_SLOW
#define EVERY 7u
#else
#define EVERY 1u
#endif

/* After every number of frames all that follows is lost, and one of the two dies: what it committed stands, what it had to say is gone. */
static void test_whoever_dies_at_any_frame_of_scan_and_yes_they_become_contacts(void **s)
{
    for (unsigned k = 0; k < 40; k += EVERY) {
        for (int who = 0; who < 2; who++) {
            struct net *net = net_new(2);
            char card[600];
            struct gx_command add = {.method = GX_CMD_CONTACT_ADD, .token = card, .given = 1u << GX_PARAM_TOKEN};

            (void)s;
            card_of(net, 1, card);
            net->pass = until_then;
            left_to_say = k;
            (void)net_ask(net, 0, add, "state", 0);
            net_run(net, 2000);
            if (left_to_say > 0)
                (void)tell(net, 1, GX_CMD_ACCEPT, "n0", "state");
            net_run(net, 1000);
            net->pass = NULL;
            net_stop(net, who);
            net_start(net, who);
            net_run(net, 100000);
            if (!gx_contact_is_met(eng(net, 1), contact(net, 1, 0)))
                (void)tell(net, 1, GX_CMD_ACCEPT, "n0", "state");
            net_run(net, 100000);
            for (int i = 0; i < 2; i++)
                assert_true(gx_contact_is_met(eng(net, i), contact(net, i, !i)));
            net_send(net, 0, "@n1", "hello");
            net_run(net, 5000);
            assert_int_equal(texts(net, 1, "@n0"), 1);
            net_free(net);
        }
    }
}

static void test_whoever_dies_at_any_frame_of_an_invitation_the_guest_comes_in(void **s)
{
    for (unsigned k = 0; k < 40; k += EVERY) {
        for (int who = 0; who < 2; who++) {
            struct net *net = net_new(2);

            (void)s;
            net_group(net, 0, "tea");
            net_send(net, 0, "tea", "before n1 came");
            befriend(net, 0, 1);
            net->pass = until_then;
            left_to_say = k;
            assert_true(invite_contact(net, 0, "tea", "@n1"));
            net_run(net, 1000);
            if (left_to_say > 0)
                (void)tell(net, 1, GX_CMD_ACCEPT, "tea", "state");
            net_run(net, 1000);
            net->pass = NULL;
            net_stop(net, who);
            net_start(net, who);
            net_run(net, 100000);
            if (tea_if(net, 1) == NULL)
                (void)tell(net, 1, GX_CMD_ACCEPT, "tea", "state");
            net_run(net, 100000);
            assert_int_equal(members(net, 1), 2);
            net_send(net, 0, "tea", "hello");
            net_run(net, 5000);
            assert_int_equal(texts(net, 1, "tea"), 1);
            net_free(net);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_played_the_door_is_not_let_into_the_chat),
        cmocka_unit_test(test_an_invitation_is_for_the_person_and_not_for_who_knows_of_it),
        cmocka_unit_test(test_an_invitation_ends_with_its_time),
        cmocka_unit_test(test_an_ask_that_names_another_inviter_is_not_answered),
        cmocka_unit_test(test_an_ask_is_not_taken_from_another_device_than_the_one_that_was_proven),
        cmocka_unit_test(test_the_second_asker_with_one_invitation_is_late),
        cmocka_unit_test(test_who_is_blocked_is_not_let_in_by_an_open_invitation),
        cmocka_unit_test(test_two_who_ask_the_same_do_not_go_on_asking_each_other),
        cmocka_unit_test(test_two_who_scan_each_other_over_one_way_alone_have_their_chat),
        cmocka_unit_test(test_nothing_is_decided_in_a_direct_chat),
        cmocka_unit_test(test_a_third_is_not_let_into_a_direct_chat_by_either),
        cmocka_unit_test(test_a_founder_who_lets_two_in_at_once_has_one_of_them),
        cmocka_unit_test(test_invitations_into_direct_chats_and_with_wrong_signatures_are_none),
        cmocka_unit_test(test_a_flood_of_invitations_is_bounded_and_one_group_is_one),
        cmocka_unit_test(test_a_reveal_that_is_repeated_tells_nothing),
        cmocka_unit_test(test_a_group_that_is_asked_for_can_be_left_in_the_middle_of_it),
        cmocka_unit_test(test_a_node_that_is_full_refuses_and_goes_on),
        cmocka_unit_test(test_who_is_unblocked_is_heard_again),
        cmocka_unit_test(test_whoever_dies_at_any_frame_of_scan_and_yes_they_become_contacts),
        cmocka_unit_test(test_whoever_dies_at_any_frame_of_an_invitation_the_guest_comes_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
