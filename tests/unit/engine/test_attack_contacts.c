/* What people who lie, or came twice, found a way to once: promises of WIRE §6.1, §6.26, LAW §16 and KEYS about contacts and their invitations. */
#include "tests/unit/engine/people_attack.h"

static void befriend_both(struct net *net, int a, int b)
{
    befriend(net, a, b);
    assert_true(gx_contact_is_met(eng(net, a), contact(net, a, b)));
    assert_true(gx_contact_is_met(eng(net, b), contact(net, b, a)));
}

static void join_tea(struct net *net, int i, const char *token)
{
    assert_true(net_join(net, i, token, NULL));
    net_run(net, 3000);
}

/* The channel for tea on the session of `to` with `from`. */
static struct gx_channel *tea_channel(struct net *net, int from, int to)
{
    struct gx_session *s = session_of(net, from, to);

    return s == NULL || tea_if(net, to) == NULL ? NULL : gx_session_channel_of(s, tea(net, to)->row.gnum);
}

/* --- 1: who is out reads the group --- */

static unsigned given;
static uint16_t lost;           /* the channel on which n2 would prove itself first; 0: it has not tried */

static bool withholds_proof(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (from == 2 && to == 0 && gx_frame_decode(&f, bytes) == GX_OK && f.kind == GX_FRAME_PROOF) {
        for (size_t i = 0; i < f.n; i++)
            lost = gx_frame_proof_at(&f, i).channel >= GX_CHANNEL_OF_SERVER ? gx_frame_proof_at(&f, i).channel : lost;
        return false;
    }
    given += from == 0 && to == 2 && (bytes.p[0] == GX_FRAME_CHUNKS || bytes.p[0] == GX_FRAME_ENDPOINTS || bytes.p[0] == GX_FRAME_BASELINE);
    (void)net;
    return true;
}

/* KEYS "What this protects": nobody gets an event of a group without the device key of a live member or an invitation code.  WIRE §6.1, 5.
 * n2 was a member, and was removed.  In what it keeps of tea is the request by which n1 came in: n1's signature over it is bound to no connection.  n0
 * connects to n2 (they are contacts); n2 proves nothing, and says that request as ASK, on the channel where it would have proved itself.  The device in it is
 * a member's, so no MAC is looked at: if it were taken, n0 would hand out all control events, the endpoint records and the newest headers, as often as it is
 * asked. */
static void test_who_was_removed_is_given_everything_for_a_request_of_somebody_else(void **s)
{
    struct net *net = net_new(3);
    char token[600];
    struct gx_body body = {.type = 0};
    struct gx_event ev;
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_reveal mac = {{0}};
    struct gx_group *g = NULL;

    (void)s;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    join_tea(net, 2, token);
    befriend_both(net, 0, 1);
    befriend_both(net, 0, 2);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    net_run(net, 3000);
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 10000);
    assert_int_equal(members(net, 2), 3);
    /* What n2 knows. */
    g = tea(net, 2);
    for (uint32_t op = 0; op < g->law.n_ops && body.type == 0; op++) {
        if (g->ops[op].type == GX_EV_ADMIT && gx_group_read(eng(net, 2), g, &g->logs[g->ops[op].log], g->ops[op].seq, &ev, &body) &&
            body.u.admit.request.via != GX_VIA_INV)
            body.type = 0;
    }
    assert_int_equal(body.type, GX_EV_ADMIT);
    gx_frame_write_ask(&w, 0, &mac, &body.u.admit.request);
    assert_false(w.failed);
    gx_txn_abort(&eng(net, 2)->txn);
    assert_true(on_tea(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 5000);
    assert_int_equal(members(net, 0), 2);

    net_stop(net, 2);
    net->cut[2][0] = net->cut[2][1] = net->cut[1][2] = true;     /* it waits for n0 to come */
    net->pass = withholds_proof;
    given = lost = 0;
    net_start(net, 2);
    for (int i = 0; i < 400 && lost == 0; i++)
        net_run(net, 1000);
    assert_true(lost != 0);
    assert_null(tea_channel(net, 2, 0));
    memcpy(bytes + 1, &lost, sizeof lost);
    given = 0;
    inject(net, 2, 0, &w);
    net_free(net);
    assert_int_equal(given, 0);
}

/* --- 2: who was removed lets itself in --- */

/* LAW §16: who wants to hear no more of the other removes the contact on their own node.  WIRE §6.26, 5: what was brought is kept as a request until its
 * person answers it.  n0 scanned n1's card once, and has removed n1.  n1 founds a chat and knocks: REMOVED goes (a request again, well).  It founds
 * another one and knocks: n0's node says yes by itself, for n0 once founded a chat for n1. */
static void test_who_was_removed_is_not_taken_back_without_a_yes(void **s)
{
    struct net *net = net_new(2);
    uint32_t theirs = 0;

    (void)s;
    befriend_both(net, 0, 1);           /* n0 scanned n1 */
    assert_true(scan(net, 1, 0));       /* n1 knows n0's door */
    net_run(net, 2000);
    assert_true(tell(net, 0, GX_CMD_CONTACT_REMOVE, "n1", "state"));
    net_run(net, 2000);
    for (int i = 0; i < 2; i++) {
        found_anew(net, 1, 0);
        net_run(net, 20000);
    }
    theirs = contact(net, 0, 1)->row.theirs;
    net_free(net);
    assert_int_equal(theirs, 0);
}

/* The same with one visit: REMOVED is gone from the row, and with it what silences the old chat, at the next start of n0.  n1 kept it, and is served,
 * called, and read in it, although n0's person never answered. */
static void test_who_was_removed_is_not_served_in_the_old_chat_again(void **s)
{
    struct net *net = net_new(2);
    struct gx_contact *c = NULL;
    uint32_t old = 0;
    uint64_t n = 0;

    (void)s;
    befriend_both(net, 0, 1);
    assert_true(scan(net, 1, 0));
    net_run(net, 2000);
    assert_true(tell(net, 0, GX_CMD_CONTACT_REMOVE, "n1", "state"));
    net_run(net, 2000);
    old = contact(net, 1, 0)->row.theirs;
    found_anew(net, 1, 0);
    net_run(net, 20000);
    /* n1 goes on with the old chat. */
    c = contact(net, 1, 0);
    c->row.mine = 0;
    c->row.theirs = old;
    c->dirty = true;
    keep_and_restart(net, 1);
    net_stop(net, 0);
    net_start(net, 0);
    net_send(net, 1, "@n0", "you did not want to hear this");
    net_run(net, 60000);
    for (uint32_t i = 0; i < eng(net, 0)->n_groups; i++)
        n += gx_messages_unread(eng(net, 0)->groups[i]);
    net_free(net);
    assert_int_equal(n, 0);
}

/* --- 3: a no of somebody else --- */

/* Node `from` proves its device for tea to `to` first, whether that knows it or not. */
static void proves(struct net *net, int from, int to)
{
    const struct gx_session *s = session_of(net, to, from);
    struct gx_group *g = tea(net, from);
    uint8_t bytes[256], proof_bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_proof(&w);
    struct gx_proof proof = {.channel = 77};
    struct gx_sign_sk sk;

    assert_non_null(s);
    proof.channel = (uint16_t)(proof.channel + (s->inbound ? GX_CHANNEL_OF_SERVER : 0));
    gx_gate_tag(&proof.tag, &g->gate_zero, s->inbound ? GX_ROLE_SERVER : GX_ROLE_CLIENT, &s->transcript);
    gx_author_device_key(eng(net, from), g, &proof.device, &sk);
    gx_proof_signed_bytes(proof_bytes, &g->row.id, s->inbound ? GX_ROLE_SERVER : GX_ROLE_CLIENT, &s->transcript);
    gx_sign(&proof.sig, &sk, GX_DOMAIN_SESSION, gx_span(proof_bytes, sizeof proof_bytes));
    gx_frame_put_proof(&w, &list, &proof);
    gx_frame_end(&w, &list);
    inject(net, from, to, &w);
}

/* n1 asks n0 to be let into tea; n0 is away.  n2 is a member of tea and a contact of n1, which says nothing of tea to it; but n2 knows of the invitation, and
 * proves itself on their session. */
static struct net *asking_beside_a_member(void)
{
    struct net *net = net_new(3);
    char token[600];

    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    join_tea(net, 2, token);
    net_send(net, 2, "tea", "before n1 came");
    net_run(net, 3000);
    befriend_both(net, 0, 1);
    befriend_both(net, 1, 2);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    net_run(net, 3000);
    net_stop(net, 0);
    net_run(net, 1000);
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 2000);
    assert_null(tea_channel(net, 2, 1));
    proves(net, 2, 1);
    assert_non_null(tea_channel(net, 2, 1));
    return net;
}

/* WIRE §6.1: the one who asks believes nothing but signatures; DENIED is the answer of the inviter's node.  Anybody who knows CREATE (members, former
 * members, others who were invited) and has a session with who asks ends the join for good with one frame. */
static void test_a_no_of_who_is_not_the_inviter_ends_nothing(void **s)
{
    struct net *net = asking_beside_a_member();
    uint8_t bytes[16];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    uint32_t n = 0;

    (void)s;
    gx_frame_write_denied(&w, tea_channel(net, 2, 1)->number, GX_DENY_TOKEN_UNKNOWN);
    inject(net, 2, 1, &w);
    net_start(net, 0);
    net_run(net, 60000);
    n = members(net, 1);
    net_free(net);
    assert_int_equal(n, 3);
}

static uint8_t late_bytes[4][GX_FRAME_BYTES_MAX];
static size_t late_n[4];
static int n_late;

/* n0's BASELINE is on its way a little longer than what n0 sent before it. */
static bool baseline_is_late(struct net *net, int from, int to, struct gx_span bytes)
{
    if (from != 0 || to != 1 || bytes.p[0] != GX_FRAME_BASELINE)
        return !net->cut[from][to];
    assert_true(n_late < 4);
    memcpy(late_bytes[n_late], bytes.p, bytes.n);
    late_n[n_late++] = bytes.n;
    return false;
}

/* WIRE §4.2 (history 0), §6.18: messages up to the baseline are not given to the newcomer.  An empty BASELINE of n2 counts as the last of n0's gifts: n1 is
 * a member as soon as n0's control events are verified, n0's own BASELINE comes too late, and all old messages are asked for and shown. */
static void test_a_baseline_of_who_is_not_the_inviter_is_not_the_last_of_its_gifts(void **s)
{
    struct net *net = asking_beside_a_member();
    uint8_t bytes[16];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_baseline(&w, tea_channel(net, 2, 1)->number);
    uint64_t n = 0;

    (void)s;
    gx_frame_end(&w, &list);
    inject(net, 2, 1, &w);
    net->pass = baseline_is_late;
    n_late = 0;
    net_start(net, 0);
    for (int i = 0; i < 600 && n_late < 2; i++)
        net_run(net, 100);
    assert_int_equal(n_late, 2);            /* where messages begin, and the end of it */
    net->pass = NULL;
    for (int i = 0; i < n_late; i++) {
        w = (struct gx_wr){.p = late_bytes[i], .n = late_n[i], .cap = sizeof late_bytes[i]};
        inject(net, 0, 1, &w);
    }
    net_run(net, 60000);
    assert_int_equal(members(net, 1), 3);
    n = texts(net, 1, "tea");
    net_free(net);
    assert_int_equal(n, 0);
}

/* --- 4: two seats for one invitation --- */

/* WIRE §6.1: in a group it lets in one whose invitation is still open.  The offer is looked at before the signatures leave and closed when they are back:
 * whoever asks on several sessions in between comes in as often. */
static void test_one_invitation_is_one_seat(void **s)
{
    struct net *net = net_new(2);
    uint8_t bytes[2][1024];
    struct gx_wr w[2];
    struct ghost *g[2];
    uint32_t n = 0;

    (void)s;
    net_group(net, 0, "tea");
    befriend_both(net, 0, 1);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    net_run(net, 3000);
    for (int i = 0; i < 2; i++) {
        g[i] = ghost_new(net, (uint8_t)(50 + i));
        ghost_proves(g[i], 0, tea(net, 0));
        assert_int_equal(g[i]->heads, 1);
        w[i] = gx_wr(bytes[i], sizeof bytes[i]);
        ghost_ask(g[i], &w[i], tea(net, 0), &tea(net, 0)->row.intro.member, &net->node[1].config.card_sk);
    }
    for (int i = 0; i < 2; i++)
        net_push(net, 0, (struct gx_input){.kind = GX_IN_FRAME, .session = g[i]->session}, gx_wr_span(&w[i]));
    net_settle(net);
    n = members(net, 0);
    ghosts_free();
    net_free(net);
    assert_int_equal(n, 2);
}

/* --- 5: who is blocked --- */

static unsigned spoken;

static bool counts_gifts(struct net *net, int from, int to, struct gx_span bytes)
{
    spoken += from == 0 && to == 1 &&
              (bytes.p[0] == GX_FRAME_CHUNKS || bytes.p[0] == GX_FRAME_ENDPOINTS || bytes.p[0] == GX_FRAME_BASELINE || bytes.p[0] == GX_FRAME_DENIED);
    return !net->cut[from][to];
}

/* LAW §16, people.h: their direct chats are there for nobody.  Where the session stays (they are in tea together), the channel of the chat stays too, and an
 * ASK on it is answered with all there is: control events, places. */
static void test_who_is_blocked_is_not_answered_when_it_asks(void **s)
{
    struct net *net = net_new(2);
    char token[600];
    struct gx_join_request req;
    struct gx_event ev;
    struct gx_body body;
    struct gx_group *chat = NULL;
    struct gx_channel *c = NULL;
    struct gx_reveal mac = {{0}};
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    (void)s;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    join_tea(net, 1, token);
    befriend_both(net, 0, 1);           /* n0 founded the chat */
    chat = chat_of(net, 1, 0);
    for (uint32_t op = 0; op < chat->law.n_ops; op++)
        if (chat->ops[op].type == GX_EV_ADMIT && gx_group_read(eng(net, 1), chat, &chat->logs[chat->ops[op].log], chat->ops[op].seq, &ev, &body))
            req = body.u.admit.request;
    assert_true(tell(net, 0, GX_CMD_CONTACT_BLOCK, "n1", "state"));
    net_run(net, 2000);
    c = gx_session_channel_of(session_of(net, 1, 0), chat_of(net, 0, 1)->row.gnum);
    assert_non_null(c);
    gx_frame_write_ask(&w, c->number, &mac, &req);
    gx_txn_abort(&eng(net, 1)->txn);
    net->pass = counts_gifts;
    spoken = 0;
    net_run(net, 20000);
    assert_int_equal(spoken, 0);
    inject(net, 1, 0, &w);
    net_free(net);
    assert_int_equal(spoken, 0);
}

/* n1 founds a second chat, which n0 says yes to: `theirs` is overwritten, and the first chat belongs to nobody here any more.  Blocking n1 silences the
 * second one alone: in the first n1 is served, called, and heard. */
static void test_a_block_covers_all_chats_with_the_person(void **s)
{
    struct net *net = net_new(2);
    struct gx_contact *c = NULL;
    uint32_t old = 0;
    uint64_t n = 0;

    (void)s;
    befriend_both(net, 1, 0);           /* n1 founded the first */
    old = contact(net, 1, 0)->row.mine;
    found_anew(net, 1, 0);
    net_run(net, 20000);
    assert_int_equal(waiting(net, 0), 1);
    assert_true(tell(net, 0, GX_CMD_ACCEPT, "n1", "state"));
    net_run(net, 20000);
    assert_true(tell(net, 0, GX_CMD_CONTACT_BLOCK, "n1", "state"));
    net_run(net, 2000);
    c = contact(net, 1, 0);
    c->row.mine = old;
    c->dirty = true;
    keep_and_restart(net, 1);
    for (uint32_t i = 0; i < eng(net, 0)->n_groups; i++)
        n -= gx_messages_unread(eng(net, 0)->groups[i]);
    net_send(net, 1, "@n0", "you have blocked me");
    net_run(net, 60000);
    for (uint32_t i = 0; i < eng(net, 0)->n_groups; i++)
        n += gx_messages_unread(eng(net, 0)->groups[i]);
    net_free(net);
    assert_int_equal(n, 0);
}

/* WIRE §6.26, 4: nobody learns whether the person is new, known or blocked.  While too many wait (sixteen cards made up for it will do), who is blocked
 * still hears done, and who is not hears quota. */
static void test_the_door_says_the_same_to_who_is_blocked(void **s)
{
    struct net *net = net_new(1);
    uint8_t said[2] = {0, 0};
    struct gx_contact *c = NULL;

    (void)s;
    for (int i = 0; i < 2; i++) {       /* two persons who asked; one of them is blocked */
        struct ghost *g = ghost_new(net, (uint8_t)(100 + i));

        ghost_founds(g, GX_GROUP_DIRECT, true, 1);
        ghost_knocks(g, 0, i == 0 ? "blocked" : "pending");
    }
    assert_true(tell(net, 0, GX_CMD_CONTACT_BLOCK, "blocked", "state"));
    for (uint8_t i = 0; i < GX_REQUESTS_BURST - 2; i++) {
        struct ghost *g = ghost_new(net, (uint8_t)(i + 1));

        ghost_founds(g, GX_GROUP_DIRECT, true, 1);
        ghost_knocks(g, 0, "made up");
    }
    for (int i = 0; i < 2; i++) {       /* each comes again with another chat */
        struct ghost *g = ghost_new(net, (uint8_t)(100 + i));

        ghost_founds(g, GX_GROUP_DIRECT, true, 2);
        ghost_knocks(g, 0, "again");
        c = gx_contact_by_id(eng(net, 0), &g->person.id);
        assert_non_null(c);
        said[i] = (uint8_t)g->refused;
    }
    ghosts_free();
    net_free(net);
    assert_int_equal(said[0], said[1]);
}

/* --- 6: who somebody is --- */

/* WIRE §4.15: it is believed only from who holds the secrets of both.  n2, a contact of n1 who has seen tea, invites n1 in the name of n0's member.  Nobody
 * lets n1 in on that; n1 comes in by a code instead, and from then on takes n0's member for its contact n2. */
static void test_an_invitation_does_not_tell_who_a_member_is(void **s)
{
    struct net *net = net_new(3);
    char token[600];
    struct gx_event ev;
    struct gx_body create, body = {.type = GX_EV_INVITE};
    uint8_t create_bytes[GX_CREATE_EVENT_BYTES];
    struct gx_wr w = gx_wr(create_bytes, sizeof create_bytes);
    struct gx_contact *who = NULL;
    bool is_n2 = false;

    (void)s;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    join_tea(net, 2, token);
    befriend_both(net, 1, 2);
    gx_arena_reset(&eng(net, 2)->arena);
    assert_true(gx_group_read(eng(net, 2), tea(net, 2), &tea(net, 2)->logs[tea(net, 2)->ops[0].log], 1, &ev, &create));
    gx_event_encode(&w, &ev);
    body.u.invite = (struct gx_body_invite){.wall_ms = 1, .inviter = tea(net, 0)->row.intro.member, .create = gx_wr_span(&w), .title = gx_span("tea", 3)};
    assert_int_equal(gx_author_write(eng(net, 2), chat_of(net, 2, 1), &body, NULL, NULL), GX_OK);
    keep_and_restart(net, 2);
    net_run(net, 20000);
    assert_true(tell(net, 1, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 2000);
    join_tea(net, 1, token);
    assert_int_equal(members(net, 1), 3);
    for (uint32_t p = 0; p < tea(net, 1)->law.n_persons; p++) {
        if (!gx_sign_pk_equal(&tea(net, 1)->law.persons[p].member, &tea(net, 0)->row.intro.member))
            continue;
        who = gx_person_contact(eng(net, 1), tea(net, 1), p);
        is_n2 = who != NULL && gx_sign_pk_equal(&who->row.card.id, &net->node[2].config.person.id);
    }
    net_free(net);
    assert_false(is_n2);
}

/* A name that somebody chose here (petname) means that one.  Another contact takes it for its own name: `send @Bob` does not go any more. */
static void test_a_petname_is_not_taken_away_by_who_calls_themself_so(void **s)
{
    struct net *net = net_new(3);
    struct gx_command name = {.method = GX_CMD_CONTACT_NAME, .who = "n1", .name = "Bob", .given = (1u << GX_PARAM_WHO) | (1u << GX_PARAM_NAME)};
    struct gx_command profile = {.method = GX_CMD_PROFILE_SET, .name = "Bob", .given = 1u << GX_PARAM_NAME};
    struct gx_command send = {.method = GX_CMD_SEND, .group = "@Bob", .text = "hello", .given = NET_TEXT_GIVEN};
    bool sent = false;

    (void)s;
    befriend_both(net, 0, 1);
    befriend_both(net, 0, 2);
    assert_true(net_ask(net, 0, name, "name", 0));
    assert_true(net_ask(net, 2, profile, "name", 0));
    net_run(net, 5000);
    sent = net_ask(net, 0, send, "event", 0);
    net_free(net);
    assert_true(sent);
}

/* --- 7: CREATE that is none --- */

/* WIRE §6.26, 3 and §3.4, 5: log_id is one of that member's device's.  The door takes a CREATE that stands in a log of nobody; a yes to it fails ("a node has
 * room for 256 groups"), cannot be answered but by no, and leaves an empty group behind, in the store too, each time. */
static void test_a_create_in_a_log_of_nobody_is_not_taken(void **s)
{
    struct net *net = net_new(1);
    struct ghost *g = ghost_new(net, 1);
    uint32_t n = 0;

    (void)s;
    ghost_founds(g, GX_GROUP_DIRECT, false, 1);
    ghost_knocks(g, 0, "evil");
    for (int i = 0; i < 3; i++)
        (void)tell(net, 0, GX_CMD_ACCEPT, "evil", "state");
    net_stop(net, 0);
    net_start(net, 0);
    n = eng(net, 0)->n_groups;
    ghosts_free();
    net_free(net);
    assert_int_equal(n, 0);
}

/* --- 8: sessions that stay --- */

/* n(a) invites, n(b) accepts and gives up (group leave), is invited again and accepts again: on the session that they have, nothing is asked any more. */
static void invited_again(int a, int b)
{
    struct net *net = net_new(2);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .given = 1u << GX_PARAM_GROUP};
    const char *guest = b == 0 ? "@n0" : "@n1";
    char id[80] = ":";
    uint32_t n = 0;

    net_group(net, a, "tea");
    befriend_both(net, 0, 1);
    assert_true(invite_contact(net, a, "tea", guest));
    net_run(net, 3000);
    contact(net, a, b)->row.card.key.b[0] ^= 1;         /* n(a) does not know its card of today: it says no */
    assert_true(tell(net, b, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 5000);
    contact(net, a, b)->row.card.key.b[0] ^= 1;
    if (tea_if(net, b) != NULL) {
        gx_hex(id + 1, tea(net, b)->row.id.b, 16);
        leave.group = id;
        assert_true(net_ask(net, b, leave, "state", 0));
    }
    assert_null(tea_if(net, b));
    net_run(net, 5000);
    assert_true(invite_contact(net, a, "tea", guest));
    net_run(net, 3000);
    assert_true(tell(net, b, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 300000);
    n = members(net, b);
    net_free(net);
    assert_int_equal(n, 2);
}

static void test_who_is_invited_again_comes_in(void **s)
{
    (void)s;
    invited_again(1, 0);        /* holds: n0 connected */
    invited_again(0, 1);
}

/* --- 9: two ways into one group --- */

/* n1 was invited and has not answered, and comes in by a code.  Then it says yes to the invitation: the node asks for a second membership, speaks as that
 * one alone (ended.c: of two of the same urgency the newer), and takes a second seat. */
static void test_a_yes_to_an_invitation_is_nothing_to_who_is_a_member(void **s)
{
    struct net *net = net_new(2);
    char token[600];
    uint32_t n = 0;

    (void)s;
    net_group(net, 0, "tea");
    befriend_both(net, 0, 1);
    assert_true(invite_contact(net, 0, "tea", "@n1"));
    net_run(net, 3000);
    net_invite(net, 0, "tea", token, 0);
    join_tea(net, 1, token);
    assert_int_equal(members(net, 0), 2);
    (void)tell(net, 1, GX_CMD_ACCEPT, "@n0", "state");
    net_stop(net, 1);
    net_start(net, 1);
    net_run(net, 20000);
    n = members(net, 0);
    net_free(net);
    assert_int_equal(n, 2);
}

/* --- 10: who comes back --- */

/* WIRE §7.2: a new card of the person takes its place.  n1 lost everything but its words.  n0 scans the new card: because the old chat has two members (one
 * of whom is no more) nothing is founded, nobody is asked, and n0 is told "contact". */
static void test_scanning_the_new_card_of_a_contact_who_lost_everything_reaches_them(void **s)
{
    struct net *net = net_new(2);
    uint8_t seed[32] = {2, 77};
    struct gx_rng_stream rng;
    struct gx_recovery rec;
    struct gx_dh_sk card = {{42}};
    char path[128];
    uint64_t n = 0;

    (void)s;
    befriend_both(net, 0, 1);
    gx_rng_stream_init(&rng, seed);
    gx_rng_fill(&rng.rng, rec.b, sizeof rec.b);
    net_stop(net, 1);
    snprintf(path, sizeof path, "%s/%s", net->node[1].dir, GX_STORE_FILE);
    assert_int_equal(unlink(path), 0);
    gx_person_make(&net->node[1].config.person, &rec, &card, 2);
    net->node[1].config.card_sk = card;
    net->node[1].config.device_seed.b[0] ^= 1;
    net_start(net, 1);
    net_run(net, 2000);
    assert_true(scan(net, 0, 1));
    net_run(net, 60000);
    n = waiting(net, 1);
    net_free(net);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_was_removed_is_given_everything_for_a_request_of_somebody_else),
        cmocka_unit_test(test_who_was_removed_is_not_taken_back_without_a_yes),
        cmocka_unit_test(test_who_was_removed_is_not_served_in_the_old_chat_again),
        cmocka_unit_test(test_a_no_of_who_is_not_the_inviter_ends_nothing),
        cmocka_unit_test(test_a_baseline_of_who_is_not_the_inviter_is_not_the_last_of_its_gifts),
        cmocka_unit_test(test_one_invitation_is_one_seat),
        cmocka_unit_test(test_who_is_blocked_is_not_answered_when_it_asks),
        cmocka_unit_test(test_a_block_covers_all_chats_with_the_person),
        cmocka_unit_test(test_the_door_says_the_same_to_who_is_blocked),
        cmocka_unit_test(test_an_invitation_does_not_tell_who_a_member_is),
        cmocka_unit_test(test_a_petname_is_not_taken_away_by_who_calls_themself_so),
        cmocka_unit_test(test_a_create_in_a_log_of_nobody_is_not_taken),
        cmocka_unit_test(test_who_is_invited_again_comes_in),
        cmocka_unit_test(test_a_yes_to_an_invitation_is_nothing_to_who_is_a_member),
        cmocka_unit_test(test_scanning_the_new_card_of_a_contact_who_lost_everything_reaches_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
