#include "tests/unit/engine/client.h"

#include "proto/token.h"

static struct client *c;

static int setup(void **state)
{
    (void)state;
    c = client_new("Mei");
    client_listen(c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    client_free(c);
    return 0;
}

static void found(const char *name)
{
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_NEW, .name = name, .given = GIVEN(NAME)});
    assert_done(c);
}

static void show(const char *group)
{
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_SHOW, .group = group, .given = GIVEN(GROUP)});
}

static void leave(const char *group)
{
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_LEAVE, .group = group, .given = GIVEN(GROUP)});
}

static bool invite(const char *group)
{
    return client_ask(c, (struct gx_command){.method = GX_CMD_INVITE, .group = group, .given = GIVEN(GROUP)});
}

/* The door of the newest invitation opens at an IPv6 and an IPv4 address. */
static void open_door(void)
{
    const struct gx_addr addrs[2] = {{.family = 6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 7500},
                                     {.family = 4, .ip = {192, 0, 2, 1}, .port = 7500}};

    client_step(c, (struct gx_input){.kind = GX_IN_DOOR, .door = c->door, .n_addrs = 2, .addrs = addrs});
}

static void make_token(const char *group, char token[GX_TOKEN_TEXT_MAX])
{
    assert_false(invite(group));
    open_door();
    assert_done(c);
    snprintf(token, GX_TOKEN_TEXT_MAX, "%s", client_get(c, "token"));
}

static void inspect(const char *token)
{
    client_ask(c, (struct gx_command){.method = GX_CMD_INSPECT, .token = token, .given = GIVEN(TOKEN)});
}

static struct gx_command join_of(const char *token, const char *at)
{
    struct gx_command cmd = {.method = GX_CMD_JOIN, .token = token, .given = GIVEN(TOKEN)};

    if (at != NULL) {
        cmd.at[cmd.n_at++] = at;
        cmd.given |= GIVEN(AT);
    }
    return cmd;
}

/* A code that somebody else might have made: of a group that this node is not in. */
static void strange_token(char token[GX_TOKEN_TEXT_MAX], bool hint, uint64_t expires_ms)
{
    struct gx_token t = {.expires_min = gx_token_expiry_min(expires_ms), .uses = 3};

    memset(t.group16, 0xab, sizeof t.group16);
    memset(t.issuer, 0xcd, sizeof t.issuer);
    memset(t.seed.b, 0x11, sizeof t.seed.b);
    if (hint)
        t.hint = (struct gx_addr){.family = 4, .ip = {198, 51, 100, 1}, .port = 7447};
    gx_token_format(token, &t);
}

/* --- who and what --------------------------------------------------------------------------------------------------------------------- */

static void test_id_is_the_name_and_the_key(void **state)
{
    char hex[65];
    (void)state;

    client_ask(c, (struct gx_command){.method = GX_CMD_ID});
    assert_done(c);
    gx_hex(hex, c->config.person.id.b, 32);
    assert_value(c, "id", hex);
    assert_value(c, "name", "Mei");
    assert_int_equal(strncmp(client_get(c, "card"), "GX1:", 4), 0);
}

static void test_status_of_a_quiet_node(void **state)
{
    (void)state;
    found("tea");
    client_ask(c, (struct gx_command){.method = GX_CMD_STATUS});
    assert_done(c);
    assert_value(c, "peers.up", "0");
    assert_value(c, "peers.known", "0");
    assert_value(c, "peers.guest", "0");
    assert_value(c, "groups", "1");
    assert_value(c, "unread", "0");
    assert_value(c, "outbox", "0");
    assert_value(c, "store.state", "ok");
    assert_true(atoll(client_get(c, "store.used_bytes")) > 0);
    assert_true(atoll(client_get(c, "store.map_bytes")) >= 64 << 20);
    assert_value(c, "forks", "0");
    assert_value(c, "contacts", "0");
}

/* --- groups --------------------------------------------------------------------------------------------------------------------------- */

static void test_who_founds_a_group_owns_it(void **state)
{
    (void)state;
    found("tea");
    assert_value(c, "name", "tea");
    assert_value(c, "rank", "owner");
    assert_value(c, "members", "1");
    assert_value(c, "cap", "500");
    assert_value(c, "qr_max", "100");
    assert_value(c, "qr", "open");
    assert_null(client_get(c, "qr_reason"));
    assert_value(c, "count", "0");
    assert_value(c, "state", "member");
    assert_int_equal(strlen(client_get(c, "group")), 64);
    assert_int_equal(strlen(client_get(c, "state_hash")), 64);
    assert_int_equal(strlen(client_get(c, "messages_hash")), 64);

    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_MEMBERS, .group = "tea", .given = GIVEN(GROUP)});
    assert_done(c);
    assert_value(c, "members[0].alias", "Mei");
    assert_value(c, "members[0].rank", "owner");
    assert_value(c, "members[0].via", "founder");
    assert_value(c, "members[0].you", "true");
    assert_value(c, "members[0].since_ms", "1789999980000");       /* the minute */
    assert_null(client_get(c, "members[0].voucher"));
    assert_null(client_get(c, "members[1].alias"));
}

static void test_a_group_cannot_be_larger_than_the_law_allows(void **state)
{
    static const struct gx_command bad[] = {
        {.given = GIVEN(NAME) | GIVEN(CAP), .cap = 501},
        {.given = GIVEN(NAME) | GIVEN(CAP), .cap = 0},
        {.given = GIVEN(NAME) | GIVEN(QR_MAX), .qr_max = 101},
        {.given = GIVEN(NAME) | GIVEN(QR_MAX) | GIVEN(CAP), .qr_max = 11, .cap = 10},
        {.given = GIVEN(NAME) | GIVEN(HISTORY), .history = 1001},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++) {
        struct gx_command cmd = bad[i];

        cmd.method = GX_CMD_GROUP_NEW;
        cmd.name = "tea";
        client_ask(c, cmd);
        assert_refused(c, 2, "usage");
    }
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_LIST});
    assert_null(client_get(c, "groups[0].name"));
}

static void test_a_small_group_has_small_numbers(void **state)
{
    (void)state;
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_NEW, .name = "tea", .cap = 10, .given = GIVEN(NAME) | GIVEN(CAP)});
    assert_done(c);
    assert_value(c, "cap", "10");
    assert_value(c, "qr_max", "10");
}

static void test_names_are_text_and_not_blank(void **state)
{
    char longest[300];
    static const char *const bad[] = {"", " ", " \t\n", "\xc2\xa0", "\xe3\x80\x80 ", "\xff", "\xc0\x80", "abc\xe2\x82",
                                      /* what a terminal obeys, and what a group cannot be called by */
                                      "a\nb", "a\tb", "a\033[31mb", "\x7f", "a\xc2\x9b", "\xe2\x80\xae" "evil", ":colon", "@at"};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++) {
        client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_NEW, .name = bad[i], .given = GIVEN(NAME)});
        assert_refused(c, 2, "usage");
    }
    memset(longest, 'n', sizeof longest);
    longest[257] = 0;
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_NEW, .name = longest, .given = GIVEN(NAME)});
    assert_refused(c, 2, "usage");
    longest[256] = 0;
    found(longest);
    show(longest);
    assert_done(c);
    found(" \xe8\x8c\xb6\xe9\xa6\x86");
    assert_value(c, "name", " \xe8\x8c\xb6\xe9\xa6\x86");
}

static void test_a_group_is_found_by_name_or_id(void **state)
{
    char id[80], where[100];
    (void)state;

    found("tea");
    snprintf(id, sizeof id, "%s", client_get(c, "group"));
    show("tea");
    assert_done(c);
    show(id);
    assert_done(c);
    for (int digits = 4; digits <= 64; digits += 12) {
        snprintf(where, sizeof where, ":%.*s", digits, id);
        show(where);
        assert_done(c);
        assert_value(c, "group", id);
    }
    snprintf(where, sizeof where, ":%.3s", id);
    show(where);
    assert_refused(c, 2, "usage");
    snprintf(where, sizeof where, ":%.20sxyz", id);
    show(where);
    assert_refused(c, 3, "not_found");
    snprintf(where, sizeof where, ":%s0", id);
    show(where);
    assert_refused(c, 3, "not_found");
    show("Tea");
    assert_refused(c, 3, "not_found");
    show("");
    assert_refused(c, 3, "not_found");
}

static void test_two_groups_of_one_name_are_told_apart_by_id(void **state)
{
    char first[80], where[16];
    (void)state;

    found("tea");
    snprintf(first, sizeof first, "%s", client_get(c, "group"));
    found("tea");
    show("tea");
    assert_refused(c, 3, "ambiguous");
    assert_true(c->has_hint);
    assert_value(c, "candidates[0].group", first);
    assert_value(c, "candidates[0].name", "tea");
    assert_value(c, "candidates[1].name", "tea");
    assert_null(client_get(c, "candidates[2].name"));
    snprintf(where, sizeof where, ":%.8s", first);
    show(where);
    assert_done(c);
    assert_value(c, "group", first);
}

static void test_groups_are_listed(void **state)
{
    (void)state;
    found("tea");
    found("go");
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_LIST});
    assert_done(c);
    assert_value(c, "groups[0].name", "tea");
    assert_value(c, "groups[1].name", "go");
    assert_value(c, "groups[1].members", "1");
    assert_value(c, "groups[1].unread", "0");
    assert_value(c, "groups[1].state", "member");
}

static void test_the_owner_cannot_leave(void **state)
{
    (void)state;
    found("tea");
    leave("tea");
    assert_refused(c, 4, "no_rank");
    assert_int_equal(c->deny, GX_DENY_OWNER);
    show("tea");
    assert_value(c, "state", "member");
}

/* --- parameters ----------------------------------------------------------------------------------------------------------------------- */

static void test_a_parameter_that_is_missing_is_named(void **state)
{
    (void)state;
    client_ask(c, (struct gx_command){.method = GX_CMD_SEND, .group = "tea", .given = GIVEN(GROUP)});
    assert_refused(c, 2, "usage");
    assert_non_null(strstr(c->message, "text"));
}

static void test_a_parameter_that_means_nothing_here_is_refused(void **state)
{
    (void)state;
    client_ask(c, (struct gx_command){.method = GX_CMD_STATUS, .text = "x", .given = GIVEN(TEXT)});
    assert_refused(c, 2, "usage");
    assert_non_null(strstr(c->message, "text"));
}

static void test_offline_reads_and_does_not_write(void **state)
{
    (void)state;
    found("tea");
    client_ask(c, (struct gx_command){.method = GX_CMD_SEND, .group = "tea", .text = "hello", .given = GIVEN(GROUP) | GIVEN(TEXT)});
    assert_done(c);
    client_close(c);
    client_open(c, true);
    show("tea");
    assert_done(c);
    assert_value(c, "count", "1");
    client_ask(c, (struct gx_command){.method = GX_CMD_READ, .mark = true, .given = GIVEN(MARK)});
    assert_done(c);
    assert_value(c, "messages[0].text", "hello");
    client_ask(c, (struct gx_command){.method = GX_CMD_STATUS});
    assert_value(c, "store.state", "read_only");
    client_ask(c, (struct gx_command){.method = GX_CMD_SEND, .group = "tea", .text = "hello", .given = GIVEN(GROUP) | GIVEN(TEXT)});
    assert_refused(c, 2, "usage");
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_NEW, .name = "go", .given = GIVEN(NAME)});
    assert_refused(c, 2, "usage");
}

/* --- invitations ---------------------------------------------------------------------------------------------------------------------- */

/* The address in the code is the door's, and there is room for one: an IPv4 address. */
static void test_an_invitation_waits_for_its_door(void **state)
{
    struct gx_token token;
    (void)state;

    found("tea");
    assert_false(invite("tea"));
    assert_int_equal(c->doors_opened, 2);       /* that of the card, and the invitation's */
    open_door();
    assert_done(c);
    assert_value(c, "kind", "qr");
    assert_value(c, "uses", "0");
    assert_null(client_get(c, "uses_left"));
    assert_value(c, "at[0]", "[2001:db8::1]:7500");
    assert_value(c, "at[1]", "192.0.2.1:7500");
    assert_int_equal(gx_token_parse(&token, client_get(c, "token")), GX_OK);
    assert_int_equal(token.hint.family, 4);
    assert_int_equal(token.hint.port, 7500);
    assert_int_equal(gx_token_expiry_ms(token.expires_min), strtoull(client_get(c, "expires_ms"), NULL, 10));
    /* a week, rounded up to the minute */
    assert_in_range(gx_token_expiry_ms(token.expires_min), c->now.wall_ms + GX_TOKEN_EXPIRES_DEFAULT_MS,
                    c->now.wall_ms + GX_TOKEN_EXPIRES_DEFAULT_MS + 60000);
}

/* The door proves nothing; the signature is what a joiner checks. */
static void test_the_code_is_signed_by_this_device_for_this_group(void **state)
{
    char text[GX_TOKEN_TEXT_MAX];
    uint8_t bytes[GX_TOKEN_SIGNED_BYTES], other[GX_TOKEN_SIGNED_BYTES];
    struct gx_token_keys keys;
    struct gx_group_id group;
    struct gx_token token;
    (void)state;

    found("tea");
    assert_true(gx_unhex(group.b, 32, client_get(c, "group")));
    make_token("tea", text);
    assert_int_equal(gx_token_parse(&token, text), GX_OK);
    assert_memory_equal(token.group16, group.b, 16);
    gx_token_keys_make(&keys, &token.seed, token.group16);
    gx_token_signed_bytes(bytes, &token, &group, &keys.pk);
    group.b[31] ^= 1;
    gx_token_signed_bytes(other, &token, &group, &keys.pk);
    assert_memory_not_equal(bytes, other, sizeof bytes);

    struct gx_curve_pk door;
    struct gx_curve_sk door_sk;

    gx_door_keys_make(&door, &door_sk, &keys.lan);
    assert_memory_equal(door.b, c->door_pk.b, 32);          /* the joiner computes the same door key */
}

static void test_an_invitation_without_a_door_has_no_address(void **state)
{
    struct gx_token token;
    (void)state;

    found("tea");
    assert_false(invite("tea"));
    client_pass(c, 2999);
    assert_false(c->answered);
    client_pass(c, 1);
    assert_done(c);
    assert_null(client_get(c, "at[0]"));
    assert_int_equal(gx_token_parse(&token, client_get(c, "token")), GX_OK);
    assert_int_equal(token.hint.family, 0);
}

static void test_terms_of_an_invitation_have_bounds(void **state)
{
    struct gx_command cmd = {.method = GX_CMD_INVITE, .group = "tea", .given = GIVEN(GROUP) | GIVEN(EXPIRES_MS)};
    uint64_t bad[] = {0, 1, c->now.wall_ms - 1, c->now.wall_ms + 54999, c->now.wall_ms + 366ull * 24 * 3600 * 1000, UINT64_MAX};
    (void)state;

    found("tea");
    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++) {
        cmd.expires_ms = bad[i];
        client_ask(c, cmd);
        assert_refused(c, 2, "usage");
    }
    client_ask(c, (struct gx_command){.method = GX_CMD_INVITE, .group = "tea", .uses = 256, .given = GIVEN(GROUP) | GIVEN(USES)});
    assert_refused(c, 2, "usage");
    client_ask(c, (struct gx_command){.method = GX_CMD_INVITES});
    assert_null(client_get(c, "invites[0].invite"));
    cmd.expires_ms = c->now.wall_ms + 60000;
    assert_false(client_ask(c, cmd));
    open_door();
    assert_done(c);
}

static void test_invitations_are_shown_again_with_their_code(void **state)
{
    char token[GX_TOKEN_TEXT_MAX], group[80];
    (void)state;

    found("tea");
    snprintf(group, sizeof group, "%s", client_get(c, "group"));
    client_ask(c, (struct gx_command){.method = GX_CMD_INVITE, .group = "tea", .uses = 2, .given = GIVEN(GROUP) | GIVEN(USES)});
    open_door();
    assert_done(c);
    assert_value(c, "uses_left", "2");
    snprintf(token, sizeof token, "%s", client_get(c, "token"));
    found("go");
    client_ask(c, (struct gx_command){.method = GX_CMD_INVITES});
    assert_done(c);
    assert_value(c, "invites[0].token", token);
    assert_value(c, "invites[0].group", group);
    assert_value(c, "invites[0].kind", "qr");
    assert_value(c, "invites[0].uses", "2");
    assert_value(c, "invites[0].uses_left", "2");
    assert_value(c, "invites[0].revoked", "false");
    assert_value(c, "invites[0].mine", "true");
    assert_value(c, "invites[0].at[1]", "192.0.2.1:7500");
    client_ask(c, (struct gx_command){.method = GX_CMD_INVITES, .group = "go", .given = GIVEN(GROUP)});
    assert_done(c);
    assert_null(client_get(c, "invites[0].invite"));
}

static void test_a_revoked_invitation_has_no_code_and_no_door(void **state)
{
    char id[80], prefix[8];
    (void)state;

    found("tea");
    invite("tea");
    open_door();
    snprintf(id, sizeof id, "%s", client_get(c, "invite"));
    snprintf(prefix, sizeof prefix, "%.4s", id);
    client_ask(c, (struct gx_command){.method = GX_CMD_REVOKE, .invite = prefix, .given = GIVEN(INVITE)});
    assert_done(c);
    assert_value(c, "invite", id);
    client_ask(c, (struct gx_command){.method = GX_CMD_INVITES});
    assert_value(c, "invites[0].revoked", "true");
    assert_null(client_get(c, "invites[0].token"));
    /* once more changes nothing */
    client_ask(c, (struct gx_command){.method = GX_CMD_REVOKE, .invite = id, .given = GIVEN(INVITE)});
    assert_done(c);
}

static void test_an_unknown_invitation_is_not_revoked(void **state)
{
    (void)state;
    found("tea");
    invite("tea");
    open_door();
    for (size_t i = 0; i < 2; i++) {
        static const char *const bad[] = {"000", "zzzz"};

        client_ask(c, (struct gx_command){.method = GX_CMD_REVOKE, .invite = bad[i], .given = GIVEN(INVITE)});
        assert_refused(c, 3, "not_found");
    }
}

/* The seed: "The QR code is automatically disabled once a group reaches 100 members." */
static void test_a_group_at_its_limit_makes_no_codes(void **state)
{
    (void)state;
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_NEW, .name = "one", .qr_max = 1, .given = GIVEN(NAME) | GIVEN(QR_MAX)});
    assert_value(c, "qr", "closed");
    assert_non_null(client_get(c, "qr_reason"));
    assert_true(invite("one"));
    assert_refused(c, 4, "qr_closed");
    assert_true(c->has_hint);
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_NEW, .name = "alone", .cap = 1, .given = GIVEN(NAME) | GIVEN(CAP)});
    assert_true(invite("alone"));
    assert_refused(c, 4, "full");
    assert_true(c->has_hint);
}

static void test_inspect_tells_what_a_code_says(void **state)
{
    char token[GX_TOKEN_TEXT_MAX], pasted[GX_TOKEN_TEXT_MAX + 8], group[80];
    (void)state;

    found("tea");
    snprintf(group, sizeof group, "%s", client_get(c, "group"));
    make_token("tea", token);
    snprintf(pasted, sizeof pasted, " %s\n", token);
    inspect(pasted);
    assert_done(c);
    assert_value(c, "kind", "qr");
    assert_value(c, "valid", "true");
    assert_value(c, "name", "tea");
    assert_memory_equal(client_get(c, "group"), group, 32);
    assert_int_equal(strlen(client_get(c, "issuer")), 16);
    assert_null(client_get(c, "reason"));
}

static void assert_bad_code(const char *token, const char *name)
{
    inspect(token);
    assert_refused(c, 5, name);
    assert_value(c, "valid", "false");
    assert_non_null(client_get(c, "reason"));
    client_ask(c, join_of(token, NULL));
    assert_refused(c, 5, name);
    assert_true(c->has_hint);
}

static void test_bad_codes_have_exit_code_5_and_say_why(void **state)
{
    char token[GX_TOKEN_TEXT_MAX], bad[GX_TOKEN_TEXT_MAX];
    (void)state;

    found("tea");
    make_token("tea", token);
    assert_bad_code("", "token_malformed");
    assert_bad_code("hello", "token_malformed");
    snprintf(bad, sizeof bad, "%s", token);
    bad[strlen(bad) - 1] = 0;
    assert_bad_code(bad, "token_malformed");
    snprintf(bad, sizeof bad, "%s", token);
    bad[20] = bad[20] == 'A' ? 'B' : 'A';
    assert_bad_code(bad, "token_signature");
    snprintf(bad, sizeof bad, "GX2:%s", token + 4);
    assert_bad_code(bad, "token_version");
    client_pass(c, GX_TOKEN_EXPIRES_DEFAULT_MS + 60000);
    assert_bad_code(token, "token_expired");
}

/* --- joining -------------------------------------------------------------------------------------------------------------------------- */

static void test_joining_a_group_one_is_in_changes_nothing(void **state)
{
    char token[GX_TOKEN_TEXT_MAX];
    (void)state;

    found("tea");
    make_token("tea", token);
    client_ask(c, join_of(token, NULL));
    assert_done(c);
    assert_value(c, "state", "member");
    assert_value(c, "members", "1");
    assert_int_equal(c->connects, 0);
}

static void test_a_join_that_nobody_answers_times_out_and_stays(void **state)
{
    char token[GX_TOKEN_TEXT_MAX];
    (void)state;

    strange_token(token, true, c->now.wall_ms + 3600000);
    assert_false(client_ask(c, join_of(token, NULL)));
    assert_int_equal(c->connects, 1);
    client_pass(c, 29999);
    assert_false(c->answered);
    client_pass(c, 1);
    assert_refused(c, 6, "timeout");
    assert_true(c->has_hint);
    assert_value(c, "state", "joining");
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_LIST});
    assert_value(c, "groups[0].state", "joining");
    assert_value(c, "groups[0].group", "abababababababababababababababab");
    show(":abab");
    assert_done(c);
    assert_null(client_get(c, "members"));
    leave(":abab");
    assert_done(c);
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_LIST});
    assert_null(client_get(c, "groups[0].state"));
}

static void test_a_join_without_any_address_asks_for_one(void **state)
{
    char token[GX_TOKEN_TEXT_MAX];
    (void)state;

    strange_token(token, false, c->now.wall_ms + 3600000);
    client_ask(c, join_of(token, NULL));
    assert_refused(c, 2, "usage");
    assert_true(c->has_hint);
    /* asked again with one: the same request goes on */
    assert_false(client_ask(c, join_of(token, "198.51.100.7:7447")));
    assert_int_equal(c->connects, 1);
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_LIST});
    assert_value(c, "groups[0].state", "joining");
    assert_null(client_get(c, "groups[1].state"));
}

static void test_a_join_that_is_given_up_ends_its_wait(void **state)
{
    char token[GX_TOKEN_TEXT_MAX];
    struct gx_input in = {.kind = GX_IN_COMMAND};
    struct gx_command forget = {.method = GX_CMD_GROUP_LEAVE, .group = ":abab", .given = GIVEN(GROUP)};
    struct gx_effects effects;
    unsigned done = 0, refused = 0;
    (void)state;

    strange_token(token, true, c->now.wall_ms + 3600000);
    assert_false(client_ask(c, join_of(token, NULL)));
    in.now = c->now;
    in.client = 77;
    in.command = &forget;
    assert_int_equal(gx_engine_step(c->engine, &effects, &in, 1), GX_OK);
    for (size_t i = 0; i < effects.n; i++) {
        if (effects.list[i].kind != GX_OUT_ANSWER)
            continue;
        done += effects.list[i].client == 77 && effects.list[i].answer->exit_code == 0;
        refused += effects.list[i].client == c->id && effects.list[i].answer->exit_code == 3;
    }
    assert_int_equal(done, 1);
    assert_int_equal(refused, 1);
}

static void test_addresses_and_names_of_a_join_are_checked(void **state)
{
    char token[GX_TOKEN_TEXT_MAX], name[300];
    struct gx_command cmd;
    (void)state;

    strange_token(token, true, c->now.wall_ms + 3600000);
    client_ask(c, join_of(token, "example.org:7447"));
    assert_refused(c, 2, "usage");
    client_ask(c, join_of(token, "192.0.2.1"));
    assert_refused(c, 2, "usage");
    cmd = join_of(token, NULL);
    memset(name, 'n', sizeof name);
    name[256] = 0;
    cmd.name = name;
    cmd.given |= GIVEN(NAME);
    client_ask(c, cmd);
    assert_refused(c, 2, "usage");
    client_ask(c, (struct gx_command){.method = GX_CMD_GROUP_LIST});
    assert_null(client_get(c, "groups[0].state"));
    name[255] = 0;
    assert_false(client_ask(c, cmd));
}

static void test_nothing_is_sent_to_a_group_not_joined_yet(void **state)
{
    char token[GX_TOKEN_TEXT_MAX];
    (void)state;

    strange_token(token, true, c->now.wall_ms + 3600000);
    client_ask(c, join_of(token, NULL));
    client_ask(c, (struct gx_command){.method = GX_CMD_SEND, .group = ":abab", .text = "hello", .given = GIVEN(GROUP) | GIVEN(TEXT)});
    assert_refused(c, 4, "not_member");
    invite(":abab");
    assert_refused(c, 4, "not_member");
}

/* --- peers ---------------------------------------------------------------------------------------------------------------------------- */

static void peer(enum gx_method method, const char *addr)
{
    client_ask(c, (struct gx_command){.method = method, .addr = addr, .given = GIVEN(ADDR)});
}

static void test_addresses_to_try_are_kept_until_dropped(void **state)
{
    (void)state;
    peer(GX_CMD_PEER_ADD, "192.0.2.9:7447");
    assert_done(c);
    peer(GX_CMD_PEER_ADD, "192.0.2.9:7447");
    assert_done(c);
    peer(GX_CMD_PEER_ADD, "[2001:db8::9]:7447");
    assert_done(c);
    client_close(c);
    client_open(c, false);
    client_ask(c, (struct gx_command){.method = GX_CMD_PEERS});
    assert_done(c);
    assert_null(client_get(c, "peers[0].peer"));
    assert_non_null(client_get(c, "manual[0]"));
    assert_non_null(client_get(c, "manual[1]"));
    assert_null(client_get(c, "manual[2]"));
    peer(GX_CMD_PEER_DROP, "192.0.2.9:7447");
    assert_done(c);
    peer(GX_CMD_PEER_DROP, "192.0.2.9:7447");
    assert_refused(c, 3, "not_found");
    peer(GX_CMD_PEER_ADD, "somewhere");
    assert_refused(c, 2, "usage");
    client_ask(c, (struct gx_command){.method = GX_CMD_PEERS});
    assert_value(c, "manual[0]", "[2001:db8::9]:7447");
}

static void test_addresses_to_try_are_bounded(void **state)
{
    char addr[32];
    (void)state;

    for (unsigned i = 0; i < GX_ADDRS_MANUAL_MAX; i++) {
        snprintf(addr, sizeof addr, "192.0.2.1:%u", 1000 + i);
        peer(GX_CMD_PEER_ADD, addr);
        assert_done(c);
    }
    peer(GX_CMD_PEER_ADD, "192.0.2.1:9");
    assert_refused(c, 1, "too_big");
    peer(GX_CMD_PEER_ADD, "192.0.2.1:1000");
    assert_done(c);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_id_is_the_name_and_the_key),
        TEST(test_status_of_a_quiet_node),
        TEST(test_who_founds_a_group_owns_it),
        TEST(test_a_group_cannot_be_larger_than_the_law_allows),
        TEST(test_a_small_group_has_small_numbers),
        TEST(test_names_are_text_and_not_blank),
        TEST(test_a_group_is_found_by_name_or_id),
        TEST(test_two_groups_of_one_name_are_told_apart_by_id),
        TEST(test_groups_are_listed),
        TEST(test_the_owner_cannot_leave),
        TEST(test_a_parameter_that_is_missing_is_named),
        TEST(test_a_parameter_that_means_nothing_here_is_refused),
        TEST(test_offline_reads_and_does_not_write),
        TEST(test_an_invitation_waits_for_its_door),
        TEST(test_the_code_is_signed_by_this_device_for_this_group),
        TEST(test_an_invitation_without_a_door_has_no_address),
        TEST(test_terms_of_an_invitation_have_bounds),
        TEST(test_invitations_are_shown_again_with_their_code),
        TEST(test_a_revoked_invitation_has_no_code_and_no_door),
        TEST(test_an_unknown_invitation_is_not_revoked),
        TEST(test_a_group_at_its_limit_makes_no_codes),
        TEST(test_inspect_tells_what_a_code_says),
        TEST(test_bad_codes_have_exit_code_5_and_say_why),
        TEST(test_joining_a_group_one_is_in_changes_nothing),
        TEST(test_a_join_that_nobody_answers_times_out_and_stays),
        TEST(test_a_join_without_any_address_asks_for_one),
        TEST(test_a_join_that_is_given_up_ends_its_wait),
        TEST(test_addresses_and_names_of_a_join_are_checked),
        TEST(test_nothing_is_sent_to_a_group_not_joined_yet),
        TEST(test_addresses_to_try_are_kept_until_dropped),
        TEST(test_addresses_to_try_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
