/* Pairing by six digits: WIRE §9.1, KEYS §13. */
#include "tests/unit/engine/sealing.h"

#define HEARD_MAX 1024

static struct {
    int from;
    size_t n;
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
} heard[HEARD_MAX];
static size_t n_heard;

static void hear(struct net *net, int from, struct gx_span bytes)
{
    (void)net;
    assert_true(n_heard < HEARD_MAX && bytes.n <= GX_LAN_DATAGRAM_MAX);
    heard[n_heard].from = from;
    heard[n_heard].n = bytes.n;
    memcpy(heard[n_heard++].bytes, bytes.p, bytes.n);
}

/* The last that node `from` said of so many bytes; -1: nothing. */
static int last_said(int from, size_t n)
{
    for (size_t i = n_heard; i-- > 0;)
        if (heard[i].from == from && heard[i].n == n)
            return (int)i;
    return -1;
}

static void tell_again(struct net *net, int to, const struct gx_addr *from, int i)
{
    assert_true(i >= 0);
    net_push(net, to, (struct gx_input){.kind = GX_IN_DATAGRAM, .peer_addr = *from}, gx_span(heard[i].bytes, heard[i].n));
    net_settle(net);
}

static void tell_bytes(struct net *net, int to, const struct gx_addr *from, const struct gx_wr *w)
{
    assert_false(w->failed);
    net_push(net, to, (struct gx_input){.kind = GX_IN_DATAGRAM, .peer_addr = *from}, gx_wr_span(w));
    net_settle(net);
}

/* n nodes on one LAN, tea founded by node 0, chess by node 1 where there is one. */
static struct net *room_of(int n)
{
    struct net *net = net_new(n);

    for (int i = 0; i < n; i++)
        net_lan(net, i);
    net_group(net, 0, "tea");
    n_heard = 0;
    net->said = hear;
    return net;
}

static struct gx_command offer_command(const char *group)
{
    return (struct gx_command){.method = GX_CMD_INVITE, .group = group, .nearby = true, .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_NEARBY)};
}

/* Returns the code, of that node. */
static const char *offers(struct net *net, int i, const char *group)
{
    net->node[i].code[0] = 0;
    assert_false(net_ask(net, i, offer_command(group), NULL, 0));
    assert_false(net->node[i].answered);
    assert_int_equal(strlen(net->node[i].code), GX_NEAR_DIGITS);
    return net->node[i].code;
}

static struct gx_command search_command(const char *code)
{
    return (struct gx_command){.method = GX_CMD_JOIN, .near = code, .given = 1u << GX_PARAM_NEAR};
}

static bool joins(struct net *net, int i, const char *code)
{
    return net_ask(net, i, search_command(code), "group", 60000);
}

/* As others do in the same moment. */
static void begins_to_join(struct net *net, int i, const char *code)
{
    struct gx_command cmd = search_command(code);

    net->node[i].answered = false;
    cmd.request = ++net->node[i].client;
    net_step(net, i, (struct gx_input){.kind = GX_IN_COMMAND, .client = cmd.request, .command = &cmd});
}

static const char *another(const char *code)
{
    static char other[8];

    snprintf(other, sizeof other, "%s", code);
    other[5] = other[5] == '9' ? '0' : (char)(other[5] + 1);
    return other;
}

static bool is_revoked(struct net *net, int i)
{
    assert_true(net_ask(net, i, (struct gx_command){.method = GX_CMD_INVITES}, NULL, 0));
    return strstr(net->node[i].all, "revoked=1\n") != NULL;
}

static void test_two_people_pair_by_six_digits_and_each_is_told_of_the_other(void **state)
{
    struct net *net = room_of(2);
    (void)state;

    assert_true(joins(net, 1, offers(net, 0, "tea")));
    assert_true(gx_group_is_member(tea(net, 1)));
    net_run(net, 5000);
    assert_true(net->node[0].answered);
    assert_int_equal(net->node[0].exit_code, 0);
    assert_non_null(strstr(net->node[0].all, "alias=n1\n"));
    assert_non_null(strstr(net->node[0].all, "members=2\n"));
    assert_false(is_revoked(net, 0));
    net_send(net, 1, "tea", "here I am");
    net_run(net, 3000);
    assert_true(reads(net, 0, "here I am"));
    /* Nothing of it is kept. */
    assert_false(eng(net, 0)->near.offer.active || eng(net, 0)->near.has_void || eng(net, 1)->near.search.active);
    net_free(net);
}

static void test_what_is_said_is_padded_and_no_answer_is_longer_than_what_it_answers(void **state)
{
    struct net *net = room_of(2);
    static const size_t pairs[][2] = {{GX_NEAR_ASK_BYTES, GX_NEAR_REPLY_BYTES}, {GX_NEAR_CONFIRM_BYTES, GX_NEAR_GIFT_BYTES}};
    (void)state;

    assert_true(joins(net, 1, offers(net, 0, "tea")));
    for (size_t i = 0; i < GX_ARRAY_LEN(pairs); i++) {
        assert_true(last_said(1, pairs[i][0]) >= 0 && last_said(0, pairs[i][1]) >= 0);
        assert_true(pairs[i][0] > pairs[i][1]);
    }
    for (size_t i = 0; i < n_heard; i++)
        assert_memory_equal(heard[i].bytes, "guanxi\0\1", 8);
    net_free(net);
}

static void test_a_code_is_taken_as_it_is_written_on_paper_and_nothing_else_is(void **state)
{
    static const char *const bad[] = {"", "12345", "1234567", "12345a", "482.913", "٤٨٢٩١٣"};
    struct net *net = room_of(2);
    char spaced[16];
    const char *code = offers(net, 0, "tea");
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++) {
        assert_false(joins(net, 1, bad[i]));
        assert_string_equal(net->node[1].error, "usage");
    }
    snprintf(spaced, sizeof spaced, " %.3s-%s ", code, code + 3);
    assert_true(joins(net, 1, spaced));
    net_free(net);
}

static void test_what_goes_beside_a_code_of_six_digits_is_refused(void **state)
{
    struct net *net = room_of(2);
    struct gx_command offer = offer_command("tea"), search = search_command("123456");
    (void)state;

    offer.uses = 2;
    offer.given |= 1u << GX_PARAM_USES;
    assert_false(net_ask(net, 0, offer, NULL, 0));
    assert_string_equal(net->node[0].error, "usage");
    search.token = "GX1:";
    search.given |= 1u << GX_PARAM_TOKEN;
    assert_false(net_ask(net, 1, search, NULL, 0));
    assert_string_equal(net->node[1].error, "usage");
    assert_false(net_ask(net, 1, (struct gx_command){.method = GX_CMD_JOIN}, NULL, 0));
    assert_string_equal(net->node[1].error, "usage");
    assert_int_equal(tea(net, 0)->n_tokens, 0);
    net_free(net);
}

static void test_without_a_lan_both_are_told_so_at_once(void **state)
{
    struct net *net = net_new(1);
    (void)state;

    net_group(net, 0, "tea");
    assert_false(net_ask(net, 0, offer_command("tea"), NULL, 0));
    assert_string_equal(net->node[0].error, "no_lan");
    assert_false(net_ask(net, 0, search_command("123456"), NULL, 0));
    assert_string_equal(net->node[0].error, "no_lan");
    assert_int_equal(tea(net, 0)->n_tokens, 0);
    net_free(net);
}

static void test_a_node_shows_one_code_and_looks_for_one(void **state)
{
    struct net *net = room_of(1);
    (void)state;

    offers(net, 0, "tea");
    assert_false(net_ask(net, 0, offer_command("tea"), NULL, 0));
    assert_string_equal(net->node[0].error, "busy");
    assert_false(net_ask(net, 0, search_command("123456"), NULL, 0));
    assert_false(net->node[0].answered);
    assert_false(net_ask(net, 0, search_command("123456"), NULL, 0));
    assert_string_equal(net->node[0].error, "busy");
    net_free(net);
}

static void test_a_code_that_nobody_answers_is_a_time_out(void **state)
{
    struct net *net = room_of(2);
    (void)state;

    assert_false(joins(net, 1, "123456"));
    assert_int_equal(net->node[1].exit_code, 6);
    assert_int_equal(eng(net, 1)->n_groups, 0);
    assert_true(net->node[1].beacons >= 10);
    net_free(net);
}

static void test_a_wrong_code_is_told_soon_and_the_right_one_is_good_after_it(void **state)
{
    struct net *net = room_of(2);
    const char *code = offers(net, 0, "tea");
    uint64_t before = net->now.mono_ms;
    (void)state;

    assert_false(net_ask(net, 1, search_command(another(code)), NULL, 10000));
    assert_int_equal(net->node[1].exit_code, 5);
    assert_true(net->now.mono_ms <= before + 10000);
    assert_int_equal(eng(net, 0)->near.offer.n_wrong, 1);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "near_wrong"), 1);
    assert_true(joins(net, 1, code));
    net_free(net);
}

static void test_five_wrong_codes_end_it_and_the_right_one_comes_too_late(void **state)
{
    struct net *net = room_of(2);
    char code[8];
    (void)state;

    snprintf(code, sizeof code, "%s", offers(net, 0, "tea"));
    for (uint32_t i = 0; i < GX_NEAR_TRIES_MAX; i++) {
        assert_false(net->node[0].answered);
        assert_false(joins(net, 1, another(code)));
        assert_int_equal(net->node[1].exit_code, 5);
    }
    assert_true(net->node[0].answered);
    assert_string_equal(net->node[0].error, "wrong_codes");
    assert_true(is_revoked(net, 0));
    assert_false(joins(net, 1, code));
    assert_int_equal(net->node[1].exit_code, 6);
    assert_int_equal(tea(net, 0)->law.now.n_members, 1);
    net_free(net);
}

static void test_who_interrupts_takes_the_invitation_back(void **state)
{
    struct net *net = room_of(2);
    const char *code = offers(net, 0, "tea");
    (void)state;

    net_step(net, 0, (struct gx_input){.kind = GX_IN_CLIENT_GONE, .client = net->node[0].client});
    net_run(net, 100);
    assert_true(is_revoked(net, 0));
    assert_false(eng(net, 0)->near.offer.active);
    assert_false(joins(net, 1, code));
    assert_int_equal(net->node[1].exit_code, 6);
    /* And shows another one. */
    assert_true(joins(net, 1, offers(net, 0, "tea")));
    net_free(net);
}

static void test_a_code_that_nobody_types_ends_with_its_time(void **state)
{
    struct net *net = room_of(2);
    const char *code = offers(net, 0, "tea");
    (void)state;

    net_run(net, GX_NEAR_MS_MAX - 1000);
    assert_false(net->node[0].answered);
    net_run(net, 2000);
    assert_int_equal(net->node[0].exit_code, 6);
    assert_true(is_revoked(net, 0));
    assert_false(joins(net, 1, code));
    net_free(net);
}

static void test_who_already_is_a_member_is_told_so(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    (void)state;

    net_lan(net, 0);
    net_lan(net, 1);
    assert_true(joins(net, 1, offers(net, 0, "tea")));
    assert_int_equal(tea(net, 0)->law.now.n_members, 2);
    assert_int_equal(eng(net, 1)->n_groups, 1);
    net_free(net);
}

/* --- others in the room ------------------------------------------------------------------------------------------------------------------ */

static void test_two_pairs_at_once_cost_each_other_a_try_and_no_more(void **state)
{
    struct net *net = room_of(4);
    char first[8], second[8];
    (void)state;

    net_group(net, 1, "chess");
    snprintf(first, sizeof first, "%s", offers(net, 0, "tea"));
    snprintf(second, sizeof second, "%s", offers(net, 1, "chess"));
    begins_to_join(net, 2, first);
    begins_to_join(net, 3, second);
    net_run(net, 10000);
    for (int i = 0; i < 4; i++) {
        assert_true(net->node[i].answered);
        assert_int_equal(net->node[i].exit_code, 0);
    }
    /* One that is not heard any more, because somebody else was right before, costs none. */
    assert_in_range(gx_engine_dropped(eng(net, 0), "near_wrong") + gx_engine_dropped(eng(net, 1), "near_wrong"), 1, 2);
    assert_string_equal(gx_group_name(eng(net, 2), eng(net, 2)->groups[0]), "tea");
    assert_string_equal(gx_group_name(eng(net, 3), eng(net, 3)->groups[0]), "chess");
    net_free(net);
}

static void test_a_code_is_for_one(void **state)
{
    struct net *net = room_of(3);
    char code[8];
    (void)state;

    snprintf(code, sizeof code, "%s", offers(net, 0, "tea"));
    assert_true(joins(net, 1, code));
    assert_false(joins(net, 2, code));
    assert_int_equal(net->node[2].exit_code, 6);
    assert_int_equal(tea(net, 0)->law.now.n_members, 2);
    net_free(net);
}

/* Who hears an ask and says it, too, hears the same reply; and what it then says wrongly is that joiner's try, if it comes first. */
static void test_what_was_heard_and_is_said_again_gives_nothing_new_and_costs_nothing(void **state)
{
    struct net *net = room_of(2);
    struct gx_addr elsewhere = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4077};
    const char *code = offers(net, 0, "tea");
    uint8_t reply[GX_NEAR_REPLY_BYTES];
    int at = 0;
    (void)state;

    assert_false(joins(net, 1, another(code)));
    memcpy(reply, heard[last_said(0, GX_NEAR_REPLY_BYTES)].bytes, sizeof reply);
    tell_again(net, 0, &elsewhere, last_said(1, GX_NEAR_ASK_BYTES));
    at = last_said(0, GX_NEAR_REPLY_BYTES);
    assert_int_equal(at, (int)n_heard - 1);
    assert_memory_equal(heard[at].bytes, reply, sizeof reply);
    for (int i = 0; i < 20; i++)
        tell_again(net, 0, &elsewhere, last_said(1, GX_NEAR_CONFIRM_BYTES));
    assert_int_equal(eng(net, 0)->near.offer.n_wrong, 1);
    assert_int_equal(last_said(0, GX_NEAR_GIFT_BYTES), -1);
    assert_true(joins(net, 1, code));
    net_free(net);
}

/* The confirm that was right, said again by who heard it: the same gift, which is sealed for the one who made it. */
static void test_a_right_confirm_said_again_is_given_the_same_bytes(void **state)
{
    struct net *net = room_of(2);
    struct gx_addr elsewhere = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4077};
    uint8_t gift[GX_NEAR_GIFT_BYTES];
    int at = -1;
    (void)state;

    net->cut[1][0] = true;              /* it stands before the door */
    assert_false(net_ask(net, 1, search_command(offers(net, 0, "tea")), NULL, 0));
    at = last_said(0, GX_NEAR_GIFT_BYTES);
    assert_true(at >= 0 && eng(net, 0)->near.offer.active);
    memcpy(gift, heard[at].bytes, sizeof gift);
    tell_again(net, 0, &elsewhere, last_said(1, GX_NEAR_CONFIRM_BYTES));
    at = last_said(0, GX_NEAR_GIFT_BYTES);
    assert_int_equal(at, (int)n_heard - 1);
    assert_memory_equal(heard[at].bytes, gift, sizeof gift);
    net_free(net);
}

/* A third node that answers in the inviter's place has one guess with each B; the joiner proves to five. */
static void test_a_joiner_proves_to_five_whoever_they_are(void **state)
{
    struct net *net = room_of(1);
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    (void)state;

    assert_false(net_ask(net, 0, search_command("123456"), NULL, 0));
    net_run(net, 10);
    for (uint32_t i = 0; i < 20; i++) {
        struct gx_addr from = {.family = 4, .ip = {192, 0, 2, (uint8_t)(100 + i)}, .port = 4077};
        struct gx_near_code guess = {.digits = {'1', '1', '1', '1', '1', (char)('0' + i % 10)}};
        struct gx_near_reply reply;
        struct gx_near_scalar y;
        struct gx_wr w = gx_wr(bytes, sizeof bytes);

        memcpy(reply.echo, eng(net, 0)->near.search.a.b, sizeof reply.echo);
        gx_near_ask(&y, &reply.b, &guess, net->node[0].config.rng);
        gx_near_reply_encode(&w, &reply);
        tell_bytes(net, 0, &from, &w);
    }
    assert_int_equal(eng(net, 0)->near.search.n_tried, GX_NEAR_TRIES_MAX);
    assert_int_equal(net->node[0].datagrams, GX_NEAR_TRIES_MAX);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "near_many"), 20 - GX_NEAR_TRIES_MAX);
    net_free(net);
}

static bool hear_nothing(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)net;
    (void)from;
    (void)to;
    (void)bytes;
    return false;
}

static void test_false_replies_and_gifts_by_a_third_node_do_not_keep_the_right_one_away(void **state)
{
    struct net *net = room_of(2);
    struct gx_addr from = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4077};
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    const char *code = offers(net, 0, "tea");
    (void)state;

    net->heard = hear_nothing;
    assert_false(net_ask(net, 1, search_command(code), NULL, 0));
    for (uint32_t i = 0; i + 1 < GX_NEAR_TRIES_MAX; i++) {
        struct gx_near_code guess = {.digits = {'1', '1', '1', '1', '1', (char)('0' + i)}};
        struct gx_near_reply reply;
        struct gx_near_gift gift = {.sealed = {1}};
        struct gx_near_scalar y;
        struct gx_wr w = gx_wr(bytes, sizeof bytes);

        memcpy(reply.echo, eng(net, 1)->near.search.a.b, sizeof reply.echo);
        memcpy(gift.echo, reply.echo, sizeof gift.echo);
        gx_near_ask(&y, &reply.b, &guess, net->node[0].config.rng);
        gx_near_reply_encode(&w, &reply);
        tell_bytes(net, 1, &from, &w);
        w = gx_wr(bytes, sizeof bytes);
        gx_near_gift_encode(&w, &gift);
        tell_bytes(net, 1, &from, &w);
    }
    assert_int_equal(gx_engine_dropped(eng(net, 1), "near_stray"), GX_NEAR_TRIES_MAX - 1);
    net->heard = NULL;
    net_run(net, 10000);
    assert_int_equal(net->node[1].exit_code, 0);
    assert_true(net->node[1].answered);
    assert_int_equal(tea(net, 1)->law.now.n_members, 2);
    net_free(net);
}

static bool no_replies(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)net;
    (void)from;
    (void)to;
    return bytes.n != GX_NEAR_REPLY_BYTES;
}

/* Who heard the reply, or asked for it with the same A, says it to the joiner before the inviter does, from where nobody gives anything. */
static void test_the_right_reply_said_first_by_somebody_else_does_not_keep_the_inviter_away(void **state)
{
    struct net *net = room_of(2);
    struct gx_addr elsewhere = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4077};
    (void)state;

    net->heard = no_replies;
    begins_to_join(net, 1, offers(net, 0, "tea"));
    net_run(net, 100);
    for (uint8_t i = 0; i < 20; i++) {
        elsewhere.ip[3] = (uint8_t)(77 + i);
        tell_again(net, 1, &elsewhere, last_said(0, GX_NEAR_REPLY_BYTES));
    }
    assert_int_equal(eng(net, 1)->near.search.n_tried, 1);
    assert_int_equal(net->node[1].datagrams, GX_NEAR_PLACES_MAX);
    net->heard = NULL;
    net_run(net, 10000);
    assert_true(net->node[1].answered);
    assert_int_equal(net->node[1].exit_code, 0);
    assert_int_equal(tea(net, 1)->law.now.n_members, 2);
    net_free(net);
}

static void test_points_that_are_none_are_refused_and_cost_no_try(void **state)
{
    struct net *net = room_of(2);
    struct gx_addr from = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4077};
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    struct gx_near_ask ask = {.a = {{0}}};
    struct gx_near_confirm confirm = {.a = {{0}}};
    struct gx_near_reply reply = {.b = {{0}}};
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    offers(net, 0, "tea");
    assert_false(net_ask(net, 1, search_command("123456"), NULL, 0));
    net_run(net, 1);
    memset(confirm.a.b, 0xff, 32);
    gx_near_ask_encode(&w, &ask);
    tell_bytes(net, 0, &from, &w);
    w = gx_wr(bytes, sizeof bytes);
    gx_near_confirm_encode(&w, &confirm);
    tell_bytes(net, 0, &from, &w);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "near_point"), 2);
    memcpy(reply.echo, eng(net, 1)->near.search.a.b, sizeof reply.echo);
    w = gx_wr(bytes, sizeof bytes);
    gx_near_reply_encode(&w, &reply);
    tell_bytes(net, 1, &from, &w);
    assert_int_equal(gx_engine_dropped(eng(net, 1), "near_point"), 1);
    net_free(net);
}

/* A confirm by who never heard the reply: from another network, or with an address that is not its own. */
static void test_a_confirm_that_does_not_name_the_reply_costs_no_try(void **state)
{
    struct net *net = room_of(1);
    struct gx_addr from = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4077};
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    (void)state;

    offers(net, 0, "tea");
    for (uint32_t i = 0; i < 20; i++) {
        struct gx_near_code guess = {.digits = {'1', '1', '1', '1', '1', (char)('0' + i % 10)}};
        struct gx_near_confirm confirm = {.echo = {1}};
        struct gx_near_scalar x;
        struct gx_wr w = gx_wr(bytes, sizeof bytes);

        gx_near_ask(&x, &confirm.a, &guess, net->node[0].config.rng);
        gx_near_confirm_encode(&w, &confirm);
        tell_bytes(net, 0, &from, &w);
    }
    assert_int_equal(eng(net, 0)->near.offer.n_wrong, 0);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "near_stray"), 20);
    net_free(net);
}

/* And the sixth is not looked at, though nothing came between: it would be right. */
static void test_wrong_codes_that_come_in_one_step_are_five_as_well(void **state)
{
    enum { N = GX_NEAR_TRIES_MAX + 1 };
    struct net *net = room_of(1);
    struct gx_near_offer *offer = NULL;
    uint8_t bytes[N][GX_LAN_DATAGRAM_MAX];
    struct gx_input in[N];
    (void)state;

    offers(net, 0, "tea");
    offer = &eng(net, 0)->near.offer;
    for (uint32_t i = 0; i < N; i++) {
        struct gx_near_confirm confirm = {.proof = {{0}}};
        struct gx_near_scalar x;
        struct gx_near_keys keys;
        struct gx_near_point b;
        struct gx_wr w = gx_wr(bytes[i], sizeof bytes[i]);

        gx_near_ask(&x, &confirm.a, &offer->code, net->node[0].config.rng);
        assert_true(gx_near_inviter_keys(&keys, &b, &offer->secret, &offer->code, &confirm.a));
        memcpy(confirm.echo, b.b, sizeof confirm.echo);
        if (i + 1 == N)
            confirm.proof = keys.proof;
        gx_near_confirm_encode(&w, &confirm);
        in[i] = (struct gx_input){.kind = GX_IN_DATAGRAM, .peer_addr = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4077}, .bytes = gx_wr_span(&w)};
    }
    net_steps(net, 0, in, N);
    net_settle(net);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "near_wrong"), GX_NEAR_TRIES_MAX);
    assert_int_equal(net->node[0].datagrams, 0);
    assert_string_equal(net->node[0].error, "wrong_codes");
    net_free(net);
}

static void test_a_flood_of_asks_is_answered_by_a_hundred_a_second_and_nothing_is_kept_of_it(void **state)
{
    struct net *net = room_of(2);
    struct gx_addr from = {.family = 4, .ip = {192, 0, 2, 77}, .port = 4077};
    const char *code = offers(net, 0, "tea");
    uint8_t bytes[GX_LAN_DATAGRAM_MAX];
    struct gx_near_ask ask = {.filler = {0}};
    struct gx_near_scalar x;
    (void)state;

    gx_near_ask(&x, &ask.a, &(struct gx_near_code){.digits = {'1', '1', '1', '1', '1', '1'}}, net->node[0].config.rng);
    for (int i = 0; i < 500; i++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);

        gx_near_ask_encode(&w, &ask);
        tell_bytes(net, 0, &from, &w);
    }
    assert_int_equal(net->node[0].datagrams, 100);
    assert_int_equal(gx_engine_dropped(eng(net, 0), "near_flood"), 400);
    assert_int_equal(eng(net, 0)->near.offer.n_wrong, 0);
    assert_true(joins(net, 1, code));
    net_free(net);
}

static void test_who_shows_no_code_answers_to_none_of_it(void **state)
{
    struct net *net = room_of(3);
    (void)state;

    assert_false(joins(net, 1, "123456"));
    assert_int_equal(net->node[0].datagrams + net->node[2].datagrams, 0);
    assert_int_equal(eng(net, 0)->n_dropped, 0);
    net_free(net);
}

/* --- what is lost ------------------------------------------------------------------------------------------------------------------------ */

static unsigned lost[GX_LAN_DATAGRAM_MAX + 1];

/* The first two of each kind. */
static bool lose_some(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)net;
    return from == to || ++lost[bytes.n] > 2;
}

static void test_what_is_lost_is_said_again(void **state)
{
    struct net *net = room_of(2);
    const char *code = offers(net, 0, "tea");
    (void)state;

    memset(lost, 0, sizeof lost);
    net->heard = lose_some;
    assert_true(joins(net, 1, code));
    assert_true(lost[GX_NEAR_ASK_BYTES] > 2 && lost[GX_NEAR_REPLY_BYTES] > 2 && lost[GX_NEAR_CONFIRM_BYTES] > 2 && lost[GX_NEAR_GIFT_BYTES] > 2);
    assert_int_equal(eng(net, 0)->near.offer.n_wrong, 0);
    net_free(net);
}

/* --- a disk that is full ----------------------------------------------------------------------------------------------------------------- */

static struct gx_txn *fill_disk(struct net *net, int i)
{
    struct gx_txn *reader = NULL;

    assert_int_equal(gx_txn_begin(&reader, net->node[i].store, false), GX_OK);
    for (int k = 0; k < 40 && i == 0; k++)      /* what was free before it read */
        net_send(net, i, "tea", "mine");
    net_leave_pages(net, i, 0);
    net->node[i].full = true;
    return reader;
}

static void free_disk(struct net *net, int i, struct gx_txn *reader)
{
    assert_true(net->node[i].n_full > 0);
    gx_txn_abort(&reader);
    net_leave_pages(net, i, 1u << 16);
    net->node[i].full = false;
}

static void test_a_gift_that_cannot_be_kept_is_asked_for_again(void **state)
{
    struct net *net = room_of(2);
    const char *code = offers(net, 0, "tea");
    struct gx_txn *reader = fill_disk(net, 1);
    (void)state;

    assert_false(net_ask(net, 1, search_command(code), NULL, 0));
    assert_false(net->node[1].answered);
    free_disk(net, 1, reader);
    net_run(net, 10000);
    assert_true(net->node[1].answered);
    assert_int_equal(net->node[1].exit_code, 0);
    assert_int_equal(eng(net, 0)->near.offer.n_wrong, 0);
    net_free(net);
}

static void test_an_invitation_that_cannot_be_taken_back_is_taken_back_later(void **state)
{
    struct net *net = room_of(1);
    struct gx_txn *reader = NULL;
    uint64_t client = 0;
    (void)state;

    offers(net, 0, "tea");
    client = net->node[0].client;
    net_run(net, 1000);
    reader = fill_disk(net, 0);
    net_step(net, 0, (struct gx_input){.kind = GX_IN_CLIENT_GONE, .client = client});
    net_run(net, 3000);
    free_disk(net, 0, reader);
    assert_false(is_revoked(net, 0));
    net_run(net, 100000);
    assert_true(is_revoked(net, 0));
    assert_false(eng(net, 0)->near.has_void);
    net_free(net);
}

static void test_a_code_that_could_not_be_kept_is_not_shown(void **state)
{
    struct net *net = room_of(2);
    struct gx_txn *reader = fill_disk(net, 0);
    (void)state;

    assert_false(net_ask(net, 0, offer_command("tea"), NULL, 0));
    assert_int_equal(net->node[0].exit_code, 74);
    assert_string_equal(net->node[0].code, "");
    free_disk(net, 0, reader);
    net_run(net, 10000);
    assert_true(joins(net, 1, offers(net, 0, "tea")));
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_people_pair_by_six_digits_and_each_is_told_of_the_other),
        cmocka_unit_test(test_what_is_said_is_padded_and_no_answer_is_longer_than_what_it_answers),
        cmocka_unit_test(test_a_code_is_taken_as_it_is_written_on_paper_and_nothing_else_is),
        cmocka_unit_test(test_what_goes_beside_a_code_of_six_digits_is_refused),
        cmocka_unit_test(test_without_a_lan_both_are_told_so_at_once),
        cmocka_unit_test(test_a_node_shows_one_code_and_looks_for_one),
        cmocka_unit_test(test_a_code_that_nobody_answers_is_a_time_out),
        cmocka_unit_test(test_a_wrong_code_is_told_soon_and_the_right_one_is_good_after_it),
        cmocka_unit_test(test_five_wrong_codes_end_it_and_the_right_one_comes_too_late),
        cmocka_unit_test(test_who_interrupts_takes_the_invitation_back),
        cmocka_unit_test(test_a_code_that_nobody_types_ends_with_its_time),
        cmocka_unit_test(test_who_already_is_a_member_is_told_so),
        cmocka_unit_test(test_two_pairs_at_once_cost_each_other_a_try_and_no_more),
        cmocka_unit_test(test_a_code_is_for_one),
        cmocka_unit_test(test_what_was_heard_and_is_said_again_gives_nothing_new_and_costs_nothing),
        cmocka_unit_test(test_a_right_confirm_said_again_is_given_the_same_bytes),
        cmocka_unit_test(test_a_joiner_proves_to_five_whoever_they_are),
        cmocka_unit_test(test_false_replies_and_gifts_by_a_third_node_do_not_keep_the_right_one_away),
        cmocka_unit_test(test_the_right_reply_said_first_by_somebody_else_does_not_keep_the_inviter_away),
        cmocka_unit_test(test_points_that_are_none_are_refused_and_cost_no_try),
        cmocka_unit_test(test_a_confirm_that_does_not_name_the_reply_costs_no_try),
        cmocka_unit_test(test_wrong_codes_that_come_in_one_step_are_five_as_well),
        cmocka_unit_test(test_a_flood_of_asks_is_answered_by_a_hundred_a_second_and_nothing_is_kept_of_it),
        cmocka_unit_test(test_who_shows_no_code_answers_to_none_of_it),
        cmocka_unit_test(test_what_is_lost_is_said_again),
        cmocka_unit_test(test_a_gift_that_cannot_be_kept_is_asked_for_again),
        cmocka_unit_test(test_an_invitation_that_cannot_be_taken_back_is_taken_back_later),
        cmocka_unit_test(test_a_code_that_could_not_be_kept_is_not_shown),
    };
    return cmocka_run_group_tests_name("engine/near", tests, NULL, NULL);
}
