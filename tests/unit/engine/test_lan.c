#include "tests/unit/engine/sealing.h"

#ifdef GX_MUTANTS
#include "crypto/mutant.h"
int gx_mutant = GX_MUTANT_MODE_IGNORED;
#endif

#define HEARD_MAX 4096

/* What was said on the LAN, as somebody hears it who has no part in it. */
static struct {
    int from;
    struct gx_addr at;          /* a beacon: from where */
    size_t n;
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
} heard[HEARD_MAX];
static size_t n_heard;

static void hear(struct net *net, int from, struct gx_span bytes)
{
    assert_true(n_heard < HEARD_MAX && bytes.n <= GX_LAN_DATAGRAM_MAX);
    heard[n_heard].from = from;
    heard[n_heard].at = net->node[from].spoke;
    heard[n_heard].n = bytes.n;
    memcpy(heard[n_heard++].bytes, bytes.p, bytes.n);
}

static void listen_in(struct net *net)
{
    n_heard = 0;
    net->said = hear;
}

static const char *peers(struct net *net, int i)
{
    assert_true(net_ask(net, i, (struct gx_command){.method = GX_CMD_PEERS}, NULL, 0));
    return net->node[i].all;
}

static int shared_by(struct net *net, int a, int b)
{
    int n = 0;

    for (uint32_t i = 0; i < eng(net, a)->n_sessions; i++) {
        const struct gx_session *s = eng(net, a)->sessions[i];
        int side = 0;
        const struct net_link *l = net_link_of(net, a, s->id, &side);

        for (uint32_t k = 0; k < s->n_channels; k++)
            n += l != NULL && l->node[!side] == b && gx_channel_shared(&s->channels[k]);
    }
    return n;
}

/* Node i is somewhere else now, and nobody who is not connected with it can know where. */
static void move(struct net *net, int i)
{
    struct gx_addr addr = net_addr((uint16_t)(300 + i));

    for (int k = 0; k < NET_LINKS; k++) {
        struct net_link *l = &net->link[k];

        for (int side = 0; side < 2; side++)
            if (l->open && l->node[side] == i) {
                l->open = false;
                net_push(net, l->node[0], (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = l->session[0]}, gx_span(NULL, 0));
                net_push(net, l->node[1], (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = l->session[1]}, gx_span(NULL, 0));
            }
    }
    for (int k = 0; k < net->n_doors; k++)
        if (net->door[k].node == i && net->door[k].number == 0)
            net->door[k].port = addr.port;
    net_step(net, i, (struct gx_input){.kind = GX_IN_LISTENING, .n_addrs = 1, .addrs = &addr});
}

/* Both at once, so that neither can tell the other. */
static void move_both(struct net *net, int a, int b)
{
    net->cut[a][b] = net->cut[b][a] = true;
    move(net, a);
    move(net, b);
    net_settle(net);
    net->cut[a][b] = net->cut[b][a] = false;
}

static void test_two_members_that_moved_find_each_other_on_the_lan_and_not_without_it(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    (void)state;

    net_send(net, 0, "tea", "before");
    net_run(net, 3000);
    assert_int_equal(shared_by(net, 0, 1), 1);
    move_both(net, 0, 1);
    net_run(net, 600000);
    assert_int_equal(shared_by(net, 0, 1), 0);
    net_lan(net, 0);
    net_lan(net, 1);
    net_run(net, 3000);
    assert_int_equal(shared_by(net, 0, 1), 1);
    net_send(net, 1, "tea", "from there");
    net_run(net, 3000);
    assert_true(reads(net, 0, "from there"));
    /* The one that connected says by what it found the other. */
    assert_true(strstr(peers(net, 0), "via=lan\n") != NULL || strstr(peers(net, 1), "via=lan\n") != NULL);
    assert_non_null(strstr(peers(net, 0), "known=1\n"));
    assert_non_null(strstr(peers(net, 0), "name=tea\n"));
    net_free(net);
}

static void test_a_joiner_finds_any_member_when_the_address_in_the_code_is_dead(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 2, token);
    (void)state;

    net_stop(net, 0);
    net_lan(net, 1);
    assert_false(net_join(net, 2, token, NULL));
    net_lan(net, 2);
    net_run(net, 10000);
    assert_true(gx_group_is_member(tea(net, 2)));
    assert_int_equal(tea(net, 2)->law.now.n_members, 3);
    net_free(net);
}

static void test_a_code_without_an_address_is_enough_where_there_is_a_lan(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 1, token);
    struct gx_token code;
    (void)state;

    assert_int_equal(gx_token_parse(&code, token), GX_OK);
    code.hint.family = 0;
    gx_token_format(token, &code);
    assert_false(net_join(net, 1, token, NULL));
    assert_string_equal(net->node[1].error, "usage");
    net_lan(net, 0);
    net_lan(net, 2);
    assert_true(net_join(net, 2, token, NULL));
    net_free(net);
}

static void test_the_door_of_a_card_is_found_on_the_lan(void **state)
{
    char card[600];
    struct net *net = net_new(2);
    struct gx_card_code code;
    struct gx_command cmd = {.method = GX_CMD_CONTACT_ADD, .token = card, .given = 1u << GX_PARAM_TOKEN};
    (void)state;

    net_lan(net, 0);
    net_lan(net, 1);
    card_of(net, 0, card);
    assert_int_equal(gx_card_parse(&code, card), GX_OK);
    code.hint = net_addr(9);
    gx_card_format(card, &code);
    assert_true(net_ask(net, 1, cmd, "state", 0));
    net_run(net, 5000);
    assert_int_equal(waiting(net, 0), 1);
    net_free(net);
}

static void test_strangers_are_heard_and_not_answered(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 2, token);
    (void)state;

    net_group(net, 2, "chess");
    net_invite(net, 2, "chess", token, 0);
    assert_true(net_join(net, 3, token, NULL));
    net_send(net, 0, "tea", "1");
    net_send(net, 2, "chess", "1");
    net_run(net, 3000);
    net_lan(net, 0);
    net_lan(net, 2);
    net_run(net, 60000);
    assert_true(net->node[0].beacons >= 4 && net->node[2].beacons >= 4);
    assert_int_equal(net->node[0].datagrams + net->node[2].datagrams, 0);
    assert_int_equal(eng(net, 0)->lan.n_nearby, 1);
    assert_int_equal(eng(net, 0)->lan.nearby[0].group, GX_NONE);
    net_free(net);
}

static void test_with_contacts_only_a_group_is_neither_looked_for_nor_recognised_and_a_code_is(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 2, token);
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    net->node[0].contacts_only = 1;
    move_both(net, 0, 1);
    net_lan(net, 0);
    net_lan(net, 1);
    net_run(net, 120000);
    assert_int_equal(net->node[0].beacons, 0);
    assert_true(net->node[1].beacons >= 4);
    assert_int_equal(net->node[0].datagrams, 0);
    assert_int_equal(shared_by(net, 0, 1), 0);
    net_lan(net, 2);
    assert_true(net_join(net, 2, token, NULL));
    net_free(net);
}

static void test_two_contacts_find_each_other_where_only_contacts_are_looked_for(void **state)
{
    struct net *net = net_new(2);
    (void)state;

    assert_true(scan(net, 0, 1));
    net_run(net, 3000);
    assert_true(tell_by_command(net, 1, GX_CMD_ACCEPT, "@n0", "state"));
    net_run(net, 5000);
    assert_int_equal(shared_by(net, 0, 1), 1);
    for (int i = 0; i < 2; i++)
        net->node[i].contacts_only = 1;
    move_both(net, 0, 1);
    net_run(net, 60000);
    assert_int_equal(shared_by(net, 0, 1), 0);
    net_lan(net, 0);
    net_lan(net, 1);
    net_run(net, 60000);
    assert_int_equal(shared_by(net, 0, 1), 1);
    net_free(net);
}

/* Beacons of node i from that address: those with a tag, and those with a capsule, by which the group is recognised. */
static void shown(struct net *net, int i, const struct gx_addr *at, struct gx_group *g, size_t *tags, size_t *capsules)
{
    const struct gx_gate_key *gate = NULL;
    struct gx_lan_key key, key_zero;

    *tags = *capsules = 0;
    assert_int_equal(gx_gates_list(eng(net, i), g, &gate, 1), 1);
    gx_lan_key_of_gate(&key, gate);
    gx_lan_key_of_gate(&key_zero, &g->gate_zero);
    for (size_t k = 0; k < n_heard; k++) {
        struct gx_beacon beacon;
        struct gx_lan_said said;
        struct gx_lan_tag tag;
        struct gx_sign_pk device;

        if (heard[k].from != i || !gx_addr_equal(&heard[k].at, at))
            continue;
        assert_int_equal(gx_beacon_decode(&beacon, gx_span(heard[k].bytes, heard[k].n)), GX_OK);
        gx_lan_said(&said, &beacon.r, at, gx_lan_slot(net->now.wall_ms));
        gx_lan_tag(&tag, &key, &said);
        for (size_t t = 0; t < GX_BEACON_TAGS; t++)
            *tags += memcmp(beacon.tags[t].b, tag.b, sizeof tag.b) == 0;
        *capsules += gx_lan_capsule_open(&device, &beacon.capsule, &key_zero, &said, g->row.id.b);
    }
}

static struct gx_group *direct_of(struct net *net, int i)
{
    for (uint32_t k = 0; k < eng(net, i)->n_groups; k++)
        if (gx_group_is_direct(eng(net, i)->groups[k]))
            return eng(net, i)->groups[k];
    return NULL;
}

/* Node 0, 1 and 2 are in tea, 0 and 2 are contacts, too.  Node 0 is on two networks, and misses both of the others. */
static struct net *two_networks(void)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    net_send(net, 0, "tea", "1");
    assert_true(scan(net, 0, 2));
    net_run(net, 3000);
    assert_true(tell_by_command(net, 2, GX_CMD_ACCEPT, "@n0", "state"));
    net_run(net, 5000);
    net_stop(net, 1);
    net_stop(net, 2);
    net_run(net, 3000);
    net->node[0].aside = (struct gx_addr){.family = 4, .ip = {198, 51, 100, 7}, .port = 4007};
    listen_in(net);
    return net;
}

static void test_on_each_network_is_shown_what_its_mode_allows(void **state)
{
    struct net *net = two_networks();
    struct gx_addr gone;
    size_t tags = 0, capsules = 0;
    (void)state;

    net->node[0].contacts_only = 2;
    net_lan(net, 0);
    net_run(net, 8000);
    assert_int_equal(n_heard, 8);               /* four from each */
    shown(net, 0, &net->node[0].lan, tea(net, 0), &tags, &capsules);
    assert_int_equal(tags, 4);
    assert_int_equal(capsules, 2);              /* tea and the chat in turn */
    shown(net, 0, &net->node[0].lan, direct_of(net, 0), &tags, &capsules);
    assert_int_equal(tags, 4);
    assert_int_equal(capsules, 2);
    shown(net, 0, &net->node[0].aside, tea(net, 0), &tags, &capsules);
    assert_int_equal(tags + capsules, 0);
    shown(net, 0, &net->node[0].aside, direct_of(net, 0), &tags, &capsules);
    assert_int_equal(tags, 4);
    assert_int_equal(capsules, 4);
    /* That mode changes, and the other network is none any more. */
    listen_in(net);
    gone = net->node[0].aside;
    net->node[0].aside.family = 0;
    net->node[0].contacts_only = 1;
    net_lan(net, 0);
    net_run(net, 8000);
    assert_int_equal(n_heard, 4);
    shown(net, 0, &net->node[0].lan, tea(net, 0), &tags, &capsules);
    assert_int_equal(tags + capsules, 0);
    shown(net, 0, &gone, direct_of(net, 0), &tags, &capsules);
    assert_int_equal(tags + capsules, 0);
    net_free(net);
}

static void test_a_beacon_is_answered_as_the_mode_of_the_network_allows_that_it_came_by(void **state)
{
    struct net *net = two_networks();
    const struct gx_addr from = {.family = 4, .ip = {192, 0, 2, 2}, .port = 4002};
    (void)state;

    net_start(net, 1);
    net->cut[0][1] = net->cut[1][0] = true;
    net_lan(net, 1);
    net_run(net, 300);
    assert_true(n_heard > 0 && heard[0].from == 1);     /* of tea alone: it has no contacts */
    net->node[0].contacts_only = 1;
    net_lan(net, 0);
    net_datagram(net, 0, &from, gx_span(heard[0].bytes, heard[0].n));
    net_settle(net);
    assert_int_equal(net->node[0].datagrams, 0);
    assert_int_equal(eng(net, 0)->lan.nearby[0].group, GX_NONE);
    net->node[0].contacts_only = 0;
    net_datagram(net, 0, &from, gx_span(heard[0].bytes, heard[0].n));
    net_settle(net);
    assert_int_equal(net->node[0].datagrams, 1);
    net_free(net);
}

static void test_who_looks_for_nobody_is_silent(void **state)
{
    struct net *net = net_new(1);
    (void)state;

    net_lan(net, 0);
    net_run(net, 600000);
    net_group(net, 0, "tea");
    net_run(net, 600000);
    assert_int_equal(net->node[0].beacons, 0);
    net_free(net);
}

/* Parts of at least 6 bytes: two of the many compared here are the same by chance once in a million such tests. */
static size_t same_parts(const uint8_t *a, const uint8_t *b)
{
    size_t n = 0;

    for (size_t i = GX_LAN_MAGIC_BYTES + 1; i + 6 <= GX_BEACON_BYTES; i++)
        for (size_t k = GX_LAN_MAGIC_BYTES + 1; k + 6 <= GX_BEACON_BYTES; k++)
            n += memcmp(a + i, b + k, 6) == 0;
    return n;
}

static void test_no_two_beacons_of_a_node_have_anything_in_common_but_the_constant(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    net_stop(net, 1);
    net_stop(net, 2);
    net_lan(net, 0);
    listen_in(net);
    net_run(net, 60000);
    net->now.wall_ms += DAY_MS;
    net_run(net, 60000);
    assert_true(n_heard >= 4);
    for (size_t i = 0; i < n_heard; i++) {
        assert_int_equal(heard[i].n, GX_BEACON_BYTES);
        assert_memory_equal(heard[i].bytes, heard[0].bytes, GX_LAN_MAGIC_BYTES + 1);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(same_parts(heard[i].bytes, heard[k].bytes), 0);
    }
    net_free(net);
}

static void say_again(struct net *net, int to, const struct gx_addr *from, size_t i)
{
    net_push(net, to, (struct gx_input){.kind = GX_IN_DATAGRAM, .peer_addr = *from}, gx_span(heard[i].bytes, heard[i].n));
    net_settle(net);
}

static void test_a_beacon_is_answered_once_and_only_to_where_it_came_from(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_addr elsewhere = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4077};
    uint64_t answers = 0;
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    move_both(net, 0, 1);
    net_lan(net, 1);
    net->node[0].lan = (struct gx_addr){.family = 4, .ip = {192, 0, 2, 1}, .port = 4001};     /* it hears, and says nothing yet */
    net_run(net, 300);
    listen_in(net);
    net_run(net, 2000);
    assert_true(n_heard > 0);
    net_step(net, 0, (struct gx_input){.kind = GX_IN_LAN, .n_addrs = 1, .addrs = &net->node[0].lan});
    answers = net->node[0].datagrams;
    say_again(net, 0, &elsewhere, 0);
    assert_int_equal(net->node[0].datagrams, answers);
    say_again(net, 0, &net->node[1].lan, 0);
    assert_int_equal(net->node[0].datagrams, answers + 1);
    say_again(net, 0, &net->node[1].lan, 0);
    assert_int_equal(net->node[0].datagrams, answers + 1);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "lan_again"), 1);
    for (size_t i = 0; i < n_heard; i++)
        assert_true(heard[i].n == GX_BEACON_BYTES || heard[i].n == GX_LAN_ANSWER_BYTES);
    net_free(net);
}

static void test_a_beacon_of_another_time_is_not_answered(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    move_both(net, 0, 1);
    net_lan(net, 1);
    listen_in(net);
    net_run(net, 2000);
    net_lan(net, 0);
    net_run(net, 5000);
    net->node[0].datagrams = 0;
    eng(net, 0)->lan.n_heard = 0;
    net->now.wall_ms += 2 * GX_LAN_SLOT_MS;
    say_again(net, 0, &net->node[1].lan, 0);
    assert_int_equal(net->node[0].datagrams, 0);
    net->now.wall_ms -= GX_LAN_SLOT_MS;
    say_again(net, 0, &net->node[1].lan, 0);
    assert_int_equal(net->node[0].datagrams, 1);
    net_free(net);
}

static void test_who_was_removed_recognises_nobody_and_is_not_answered(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    net_stop(net, 2);           /* it does not hear of it */
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 3000);
    net_stop(net, 1);
    net->cut[0][2] = net->cut[2][0] = true;
    net_start(net, 2);
    net_lan(net, 0);
    net_lan(net, 2);
    net_run(net, 120000);
    assert_true(net->node[0].beacons >= 4 && net->node[2].beacons >= 4);
    assert_int_equal(net->node[0].datagrams, 0);
    net_free(net);
}

static void test_a_removal_holds_for_the_next_beacon(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    uint64_t answers = 0;
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    net->cut[0][2] = net->cut[2][0] = net->cut[1][2] = net->cut[2][1] = true;
    move(net, 2);
    net_lan(net, 0);
    net_lan(net, 2);
    net_run(net, 250);              /* heard, and recognised */
    answers = net->node[0].datagrams;
    assert_true(answers > 0);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_step(net, 2, (struct gx_input){.kind = GX_IN_LAN, .n_addrs = 1, .addrs = &net->node[2].lan});
    net_run(net, 250);
    assert_true(net->node[2].beacons > 1);
    assert_int_equal(net->node[0].datagrams, answers);
    net_free(net);
}

static void test_who_missed_a_removal_is_found_by_a_capsule(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    net_stop(net, 1);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_send(net, 0, "tea", "2");
    net_run(net, 3000);
    net_stop(net, 2);
    net->cut[0][1] = net->cut[1][0] = true;
    net_start(net, 1);
    move(net, 0);
    move(net, 1);
    net_settle(net);
    net->cut[0][1] = net->cut[1][0] = false;
    net_lan(net, 0);
    net_lan(net, 1);
    net_run(net, 60000);
    assert_true(shared_by(net, 0, 1) > 0);
    assert_true(reads(net, 1, "2"));
    net_free(net);
}

static void test_a_newcomer_whom_no_epoch_lists_yet_is_found(void **state)
{
    char token[600];
    struct net *net = net_new(2);
    (void)state;

    /* Who calls themself nothing says nothing as they come in. */
    net_stop(net, 1);
    net->node[1].config.name[0] = 0;
    net_start(net, 1);
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    net_run(net, 1000);
    assert_int_equal(tea(net, 1)->n_gates, 0);
    move_both(net, 0, 1);
    net_run(net, 60000);
    assert_int_equal(shared_by(net, 0, 1), 0);
    net_lan(net, 0);
    net_lan(net, 1);
    net_run(net, 60000);
    assert_int_equal(shared_by(net, 0, 1), 1);
    net_free(net);
}

/* Guests come in, and members do not meet. */
static bool lose_tags(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)net;
    (void)from;
    (void)to;
    return bytes.p[0] != GX_FRAME_TAGS;
}

static void test_two_who_each_made_an_epoch_of_their_own_are_found(void **state)
{
    char token[600];
    struct net *net = net_new(2);
    (void)state;

    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    net->pass = lose_tags;
    assert_true(net_join(net, 1, token, NULL));
    net_send(net, 0, "tea", "by mine");
    net_send(net, 1, "tea", "by mine");
    move_both(net, 0, 1);
    net->pass = NULL;
    net_run(net, 60000);
    assert_int_equal(shared_by(net, 0, 1), 0);
    assert_true(tea(net, 0)->n_gates > 0 && tea(net, 1)->n_gates > 0);
    net_lan(net, 0);
    net_lan(net, 1);
    net_run(net, 60000);
    assert_int_equal(shared_by(net, 0, 1), 1);
    net_free(net);
}

static void test_of_those_who_are_connected_few_answer(void **state)
{
    char token[600];
    struct net *net = tea_of(NET_NODES, NET_NODES, token);
    uint64_t answers = 0, beacons = 0;
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 5000);
    for (int i = 0; i < NET_NODES; i++)
        net_lan(net, i);
    net_run(net, 1800000);
    for (int i = 0; i < NET_NODES; i++) {
        answers += net->node[i].datagrams;
        beacons += net->node[i].beacons;
    }
    /* 7 hear each beacon, and each of them answers with a chance of 4 in 8. */
    assert_true(beacons > 60 && answers > 2 * beacons && answers < 5 * beacons);
    net_free(net);
}

/* A power cut, and all have other addresses after it: each two connect to each other in the same moment, and go on with one connection. */
static void test_a_room_that_wakes_up_at_once_has_one_connection_a_pair(void **state)
{
    char token[600];
    struct net *net = tea_of(NET_NODES, NET_NODES, token);
    uint64_t connects = 0;
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 5000);
    memset(net->cut, 1, sizeof net->cut);
    for (int i = 0; i < NET_NODES; i++)
        move(net, i);
    net_run(net, 600000);
    memset(net->cut, 0, sizeof net->cut);
    for (int i = 0; i < NET_NODES; i++)
        connects -= net->node[i].connects;
    for (int i = 0; i < NET_NODES; i++)
        net_lan(net, i);
    net_run(net, 20000);
    for (int i = 0; i < NET_NODES; i++) {
        connects += net->node[i].connects;
        for (int k = 0; k < i; k++)
            assert_int_equal(shared_by(net, i, k), 1);
    }
    assert_in_range(connects, NET_NODES * (NET_NODES - 1) / 2, NET_NODES * (NET_NODES - 1) * 2);
    net_free(net);
}

static void test_what_is_no_beacon_is_counted_and_a_flood_is_not_looked_at(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_addr stranger = {.family = 4, .ip = {192, 0, 2, 99}, .port = 4099};
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    net_lan(net, 0);
    heard[0].n = 255;
    memcpy(heard[0].bytes, "guanxi\0\1", 8);
    say_again(net, 0, &stranger, 0);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "lan_malformed"), 1);
    heard[0].n = GX_BEACON_BYTES;
    heard[0].bytes[7] = 2;
    say_again(net, 0, &stranger, 0);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "lan_version"), 1);
    heard[0].bytes[7] = 1;
    for (unsigned i = 0; i < 300000; i++) {
        memcpy(heard[0].bytes + 8, &i, sizeof i);
        say_again(net, 0, &stranger, 0);
    }
    assert_true(gx_engine_dropped(eng(net, 0), "lan_flood") > 0);
    assert_int_equal(net->node[0].datagrams, 0);
    net_free(net);
}

static void test_an_answer_of_a_liar_costs_a_try(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    net_lan(net, 0);
    net_lan(net, 1);
    net_run(net, 10000);
    listen_in(net);
    heard[0].n = GX_LAN_ANSWER_BYTES;
    memset(heard[0].bytes, 7, sizeof heard[0].bytes);
    memcpy(heard[0].bytes, "guanxi\0\1", 8);
    say_again(net, 0, &net->node[1].lan, 0);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "lan_answer"), 1);
    assert_int_equal(shared_by(net, 0, 1), 1);
    net_free(net);
}

/* --- answers of liars --------------------------------------------------------------------------------------------------------------------- */

static bool not_by_1(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)net;
    (void)from;
    return to != 1 || bytes.n != GX_LAN_ANSWER_BYTES;
}

/* Nodes 0 and 1 moved, and node 1 is answered and does not hear it. */
static struct net *answered_in_vain(void)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    move_both(net, 0, 1);
    net->cut[0][1] = net->cut[1][0] = true;
    net->heard = not_by_1;
    net_lan(net, 0);
    net_lan(net, 1);
    net_run(net, 20000);
    assert_int_equal(shared_by(net, 1, 0), 0);
    return net;
}

/* What node `from` says next of so many bytes. */
static size_t next_word(struct net *net, int from, size_t n)
{
    for (listen_in(net);; net_run(net, 100))
        for (size_t i = 0; i < n_heard; i++)
            if (heard[i].from == from && heard[i].n == n)
                return i;
}

static struct gx_addr host(unsigned nth)
{
    return (struct gx_addr){.family = 4, .ip = {192, 0, 2, (uint8_t)(100 + nth % 100)}, .port = 4400};
}

/* Another answer to that beacon of node 1, as who has gate 0 makes it. */
static void lie(struct net *net, const struct gx_addr *from, const uint8_t beacon[GX_BEACON_BYTES], const struct gx_lan_place *place)
{
    struct gx_beacon said_by_1;
    struct gx_lan_said said;
    struct gx_lan_key key;
    struct gx_lan_answer answer;
    uint8_t plain[GX_LAN_PLACE_BYTES], bytes[GX_LAN_ANSWER_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    assert_int_equal(gx_beacon_decode(&said_by_1, gx_span(beacon, GX_BEACON_BYTES)), GX_OK);
    gx_lan_said(&said, &said_by_1.r, &net->node[1].lan, gx_lan_slot(net->now.wall_ms));
    gx_lan_key_of_gate(&key, &tea(net, 0)->gate_zero);
    gx_lan_place_encode(plain, place);
    memcpy(answer.echo, said.b, sizeof answer.echo);
    assert_true(gx_lan_answer_seal(&answer.sealed, &net->node[0].rng.rng, &key, &said, plain));
    gx_lan_answer_encode(&w, &answer);
    net_push(net, 1, (struct gx_input){.kind = GX_IN_DATAGRAM, .peer_addr = *from}, gx_wr_span(&w));
    net_settle(net);
}

/* Who hears what is not sent to all has no key, and says an answer again, from wherever it likes. */
static void test_an_answer_said_again_is_not_taken_again(void **state)
{
    struct net *net = answered_in_vain();
    size_t at = next_word(net, 0, GX_LAN_ANSWER_BYTES);
    uint64_t before = net->node[1].connects;
    (void)state;

    for (unsigned i = 0; i < 500; i++) {
        struct gx_addr elsewhere = host(i);

        say_again(net, 1, &elsewhere, at);
        net_run(net, 10);
    }
    assert_in_range(net->node[1].connects - before, 1, 10);
    assert_in_range(gx_engine_dropped(eng(net, 1), "lan_again"), 400, 500);
    net_free(net);
}

static void test_an_answer_of_yesterday_is_none(void **state)
{
    struct net *net = answered_in_vain();
    size_t at = next_word(net, 0, GX_LAN_ANSWER_BYTES);
    (void)state;

    net->now.mono_ms += DAY_MS;
    net->now.wall_ms += DAY_MS;
    say_again(net, 1, &net->node[0].lan, at);
    assert_int_equal(gx_engine_dropped(eng(net, 1), "lan_answer"), 1);
    net_free(net);
}

/* By IPv4 and by IPv6, or by a second address: each of two beacons is answered. */
static void test_who_is_found_at_two_places_is_connected_to_once(void **state)
{
    struct net *net = answered_in_vain();
    struct gx_lan_place place = {.kind = GX_LAN_NODE, .port = 300, .transport = net->node[0].config.transport_pk};
    struct gx_addr first = host(1), second = host(2);
    size_t at = next_word(net, 1, GX_BEACON_BYTES);
    uint64_t before = net->node[1].connects;
    (void)state;

    net->hang = true;
    lie(net, &first, heard[at].bytes, &place);
    assert_int_equal(net->node[1].connects, before + 1);
    lie(net, &second, heard[at].bytes, &place);
    assert_int_equal(net->node[1].connects, before + 1);
    net_free(net);
}

/* Who is always first with a place that says nothing costs a second. */
static void test_where_the_first_place_is_silent_the_next_is_tried(void **state)
{
    struct net *net = answered_in_vain();
    struct gx_lan_place place = {.kind = GX_LAN_NODE, .port = 9, .transport = net->node[0].config.transport_pk};
    struct gx_addr first = host(1), second = host(2);
    size_t at = next_word(net, 1, GX_BEACON_BYTES);
    uint64_t before = net->node[1].connects;
    (void)state;

    net_stop(net, 0);
    net_start(net, 0);                      /* it knows nobody's place, and waits */
    net->node[0].wake = 0;
    memset(net->cut, 0, sizeof net->cut);
    net->hang = true;
    lie(net, &first, heard[at].bytes, &place);
    place.port = 100;
    lie(net, &second, heard[at].bytes, &place);
    assert_int_equal(net->node[1].connects, before + 1);
    net_run(net, 1100);
    assert_int_equal(net->node[1].connects, before + 2);
    assert_int_equal(shared_by(net, 1, 0), 1);
    net_free(net);
}

/* Who was removed has gate 0: it can open the capsule, and answer. */
static void test_who_answers_with_thousands_of_places_keeps_nobody_from_being_found(void **state)
{
    struct net *net = answered_in_vain();
    struct gx_lan_place place = {.kind = GX_LAN_NODE, .port = 9};
    size_t at = next_word(net, 1, GX_BEACON_BYTES), lies = 0;
    uint64_t before = net->node[1].connects;
    (void)state;

    for (; lies < 6000; lies++) {
        struct gx_addr somewhere = host((unsigned)lies);

        memcpy(place.transport.b, &lies, sizeof lies);
        place.transport.b[31] = 1;
        lie(net, &somewhere, heard[at].bytes, &place);
        net_run(net, 10);
        if (lies % 1000 == 999)
            at = next_word(net, 1, GX_BEACON_BYTES);
    }
    assert_in_range(eng(net, 1)->n_targets, 2, 16);
    assert_in_range(net->node[1].connects - before, 1, 1000);
    memset(net->cut, 0, sizeof net->cut);
    net->heard = NULL;
    net_run(net, 60000);
    assert_int_equal(shared_by(net, 1, 0), 1);
    net_free(net);
}

/* Somebody looks for a door, and signs with that key; or has a tag of it and no capsule. */
static void say_for_door(struct net *net, const struct gx_addr *from, const struct gx_token_keys *keys, const uint8_t group16[16], bool tag)
{
    struct gx_beacon beacon;
    struct gx_lan_said said;
    struct gx_lan_key key;
    struct gx_dh_sk r;
    uint8_t id[32], bytes[GX_BEACON_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_rng_fill(&net->node[0].rng.rng, &beacon, sizeof beacon);
    gx_rng_fill(&net->node[0].rng.rng, r.b, sizeof r.b);
    gx_dh_public(&beacon.r, &r);
    gx_lan_said(&said, &beacon.r, from, gx_lan_slot(net->now.wall_ms));
    gx_lan_key_of_invite(&key, &keys->lan);
    gx_lan_code_id(id, group16);
    if (tag)
        gx_lan_tag(&beacon.tags[0], &key, &said);
    else
        gx_lan_capsule_seal(&beacon.capsule, &key, &said, id, &keys->pk, &keys->sk);
    gx_beacon_encode(&w, &beacon);
    net_push(net, 0, (struct gx_input){.kind = GX_IN_DATAGRAM, .peer_addr = *from}, gx_wr_span(&w));
    net_settle(net);
}

/* Every member has the key by which a door is found, and keeps it; the code itself it was never given. */
static void test_who_was_removed_and_knows_a_door_is_not_answered(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    struct gx_token code;
    struct gx_token_keys keys, others;
    struct gx_addr at = host(0);
    (void)state;

    net_send(net, 0, "tea", "1");
    net_run(net, 3000);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "@n2"));
    net_run(net, 100000);
    assert_string_equal(show(net, 2, "state"), "removed");
    assert_int_equal(gx_token_parse(&code, token), GX_OK);
    gx_token_keys_make(&keys, &code.seed, code.group16);
    assert_true(gx_token_open(eng(net, 2), tea(net, 2), &tea(net, 2)->tokens[0]));
    assert_memory_equal(&tea(net, 2)->tokens[0].lan, &keys.lan, sizeof keys.lan);
    net_lan(net, 0);
    others = keys;
    gx_sign_keypair(&others.pk, &others.sk, &(struct gx_sign_seed){{2}});
    for (int tag = 0; tag < 2; tag++) {
        say_for_door(net, &at, &others, code.group16, tag != 0);
        assert_int_equal(net->node[0].datagrams, 0);
    }
    say_for_door(net, &at, &keys, code.group16, false);
    assert_int_equal(net->node[0].datagrams, 1);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_members_that_moved_find_each_other_on_the_lan_and_not_without_it),
        cmocka_unit_test(test_a_joiner_finds_any_member_when_the_address_in_the_code_is_dead),
        cmocka_unit_test(test_a_code_without_an_address_is_enough_where_there_is_a_lan),
        cmocka_unit_test(test_the_door_of_a_card_is_found_on_the_lan),
        cmocka_unit_test(test_strangers_are_heard_and_not_answered),
        cmocka_unit_test(test_with_contacts_only_a_group_is_neither_looked_for_nor_recognised_and_a_code_is),
        cmocka_unit_test(test_two_contacts_find_each_other_where_only_contacts_are_looked_for),
        cmocka_unit_test(test_on_each_network_is_shown_what_its_mode_allows),
        cmocka_unit_test(test_a_beacon_is_answered_as_the_mode_of_the_network_allows_that_it_came_by),
        cmocka_unit_test(test_who_looks_for_nobody_is_silent),
        cmocka_unit_test(test_no_two_beacons_of_a_node_have_anything_in_common_but_the_constant),
        cmocka_unit_test(test_a_beacon_is_answered_once_and_only_to_where_it_came_from),
        cmocka_unit_test(test_a_beacon_of_another_time_is_not_answered),
        cmocka_unit_test(test_who_was_removed_recognises_nobody_and_is_not_answered),
        cmocka_unit_test(test_a_removal_holds_for_the_next_beacon),
        cmocka_unit_test(test_who_missed_a_removal_is_found_by_a_capsule),
        cmocka_unit_test(test_a_newcomer_whom_no_epoch_lists_yet_is_found),
        cmocka_unit_test(test_two_who_each_made_an_epoch_of_their_own_are_found),
        cmocka_unit_test(test_of_those_who_are_connected_few_answer),
        cmocka_unit_test(test_a_room_that_wakes_up_at_once_has_one_connection_a_pair),
        cmocka_unit_test(test_what_is_no_beacon_is_counted_and_a_flood_is_not_looked_at),
        cmocka_unit_test(test_an_answer_of_a_liar_costs_a_try),
        cmocka_unit_test(test_an_answer_said_again_is_not_taken_again),
        cmocka_unit_test(test_an_answer_of_yesterday_is_none),
        cmocka_unit_test(test_who_is_found_at_two_places_is_connected_to_once),
        cmocka_unit_test(test_where_the_first_place_is_silent_the_next_is_tried),
        cmocka_unit_test(test_who_answers_with_thousands_of_places_keeps_nobody_from_being_found),
        cmocka_unit_test(test_who_was_removed_and_knows_a_door_is_not_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
