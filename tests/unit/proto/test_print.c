#include "tests/unit/proto/frames.h"

#include "proto/print.h"
#include "proto/utf8.h"

/* One line for a screen: no control characters, well formed, ended. */
static void assert_plain_line(const char *line, size_t n)
{
    assert_int_equal(strlen(line), n);
    assert_true(gx_utf8_ok(gx_span(line, n)));
    for (size_t i = 0; i < n; i++)
        assert_true((uint8_t)line[i] >= 0x20 && line[i] != 0x7f);
}

static void test_every_event_is_one_line_that_begins_with_its_type(void **state)
{
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        char line[1024], id[GX_HEX_BYTES(8)];
        const char *type = gx_event_type_name(s->ev[i].type);
        assert_plain_line(line, gx_print_event(line, sizeof line, &s->ev[i]));
        assert_memory_equal(line, type, strlen(type));
        gx_hex(id, s->ev[i].id.b, 8);
        assert_non_null(strstr(line, id));
        assert_null(strchr(line, '('));        /* nothing was refused */
        printf("  %s\n", line);
    }
}

static void test_a_line_tells_what_the_body_says(void **state)
{
    const struct story *s = story();
    char line[1024];
    (void)state;

    gx_print_event(line, sizeof line, &s->ev[STORY_TEXT]);
    assert_non_null(strstr(line, "text=\"hello, \xe4\xb8\x96\xe7\x95\x8c\""));
    gx_print_event(line, sizeof line, &s->ev[STORY_META]);
    assert_non_null(strstr(line, "title=\"Tea house \xe8\x8c\xb6\xe9\xa6\x86\""));
    gx_print_event(line, sizeof line, &s->ev[STORY_ALIAS]);
    assert_non_null(strstr(line, "name=\"Bob\""));
    gx_print_event(line, sizeof line, &s->ev[STORY_CREATE]);
    assert_non_null(strstr(line, "cap=500 qr_max=100"));
    gx_print_event(line, sizeof line, &s->ev[STORY_DIRECT]);
    assert_non_null(strstr(line, "direct cap=2 qr_max=0"));
    gx_print_event(line, sizeof line, &s->ev[STORY_LEAVE]);
    assert_non_null(strstr(line, "cuts=2"));
}

static void test_a_line_tells_whom_an_operation_is_about(void **state)
{
    static const struct {
        enum story_event which;
        const char *says;
    } cases[] = {
        {STORY_REMOVE, "target="},   {STORY_BAN, "target="},     {STORY_UNBAN, "target="},    {STORY_PROMOTE, "target="},
        {STORY_DEMOTE, "target="},   {STORY_OFFER, "target="},   {STORY_TRANSFER, "target="}, {STORY_REVOKE_MEMBER, "member="},
    };
    const struct story *s = story();
    char line[1024], bob[GX_HEX_BYTES(8)];
    (void)state;

    gx_hex(bob, s->bob.member_pk.b, 8);
    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        gx_print_event(line, sizeof line, &s->ev[cases[i].which]);
        const char *at = strstr(line, cases[i].says);
        assert_non_null(at);
        assert_memory_equal(at + strlen(cases[i].says), bob, strlen(bob));
    }
    gx_print_event(line, sizeof line, &s->ev[STORY_BAN]);
    assert_non_null(strstr(line, "cuts=1"));
    gx_print_event(line, sizeof line, &s->ev[STORY_REVOKE]);
    assert_non_null(strstr(line, "token="));
}

static void test_a_line_tells_which_group_a_contact_speaks_of(void **state)
{
    const struct story *s = story();
    char line[1024], want[128], group[GX_HEX_BYTES(8)], alice[GX_HEX_BYTES(8)], bob[GX_HEX_BYTES(8)];
    (void)state;

    gx_hex(group, s->group.b, 8);
    gx_hex(alice, s->alice.member_pk.b, 8);
    gx_hex(bob, s->bob.member_pk.b, 8);
    gx_print_event(line, sizeof line, &s->ev[STORY_INVITE]);
    snprintf(want, sizeof want, "into=%s inviter=%s", group, bob);
    assert_non_null(strstr(line, want));
    assert_non_null(strstr(line, "title=\"Tea house"));
    gx_print_event(line, sizeof line, &s->ev[STORY_REVEAL]);
    snprintf(want, sizeof want, "in=%s member=%s", group, bob);
    assert_non_null(strstr(line, want));
    gx_print_event(line, sizeof line, &s->ev[STORY_ADMIT_CONTACT]);
    snprintf(want, sizeof want, "via=2 inviter=%s", alice);
    assert_non_null(strstr(line, want));
}

static void test_a_line_tells_yes_from_no(void **state)
{
    const struct story *s = story();
    char line[1024];
    (void)state;

    gx_print_event(line, sizeof line, &s->ev[STORY_ACCEPT]);
    assert_non_null(strstr(line, "answer=yes offer="));
    gx_print_event(line, sizeof line, &s->ev[STORY_DECLINE]);
    assert_non_null(strstr(line, "answer=no offer="));
}

/* Who may read a log may not therefore open the guests' door. */
static void test_the_door_key_of_a_token_is_not_printed(void **state)
{
    const struct story *s = story();
    char line[1024], secret[GX_HEX_BYTES(8)];
    (void)state;

    gx_print_event(line, sizeof line, &s->ev[STORY_TOKEN]);
    gx_hex(secret, s->keys.lan.b, 8);
    assert_null(strstr(line, secret));
    assert_non_null(strstr(line, "uses=3"));
}

static void test_a_text_cannot_reach_the_terminal(void **state)
{
    struct gx_body b = {.type = GX_EV_TEXT};
    struct gx_event ev = story()->ev[STORY_TEXT];
    uint8_t bytes[256];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    char line[1024];
    (void)state;

    b.u.text.text = story_str("a\x1b[2J\nsecond line\xe2\x80\xae");
    gx_body_encode(&w, &b);
    ev.body = gx_wr_span(&w);
    ev.body_len = (uint32_t)w.n;
    assert_plain_line(line, gx_print_event(line, sizeof line, &ev));
    assert_non_null(strstr(line, "second line"));
}

static void test_what_cannot_be_read_is_said_to_be_so(void **state)
{
    struct gx_event ev = story()->ev[STORY_TEXT];
    char line[1024];
    (void)state;

    ev.body = gx_span("x", 1);
    gx_print_event(line, sizeof line, &ev);
    assert_non_null(strstr(line, "(malformed)"));
    ev.body = gx_span(NULL, 0);
    gx_print_event(line, sizeof line, &ev);
    assert_non_null(strstr(line, "(deleted)"));
    ev.type = 99;
    ev.body = gx_span("x", 1);
    gx_print_event(line, sizeof line, &ev);
    assert_memory_equal(line, "? id=", 5);
    assert_non_null(strstr(line, "(version)"));
}

static void test_every_frame_is_one_line_that_begins_with_its_kind(void **state)
{
    const struct frames *f = frames();
    (void)state;

    for (size_t i = 0; i < f->n; i++) {
        char line[512];
        struct gx_frame frame;
        assert_int_equal(gx_frame_decode(&frame, gx_span(f->at[i].b, f->at[i].len)), GX_OK);
        assert_plain_line(line, gx_print_frame(line, sizeof line, &frame));
        const char *kind = gx_frame_kind_name(frame.kind);
        assert_memory_equal(line, kind, strlen(kind));
        printf("  %s\n", line);
    }
}

static void test_frames_tell_flags_and_reasons(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"frontier", "frontier channel=1 full n=2"},
        {"want control", "want channel=1 control credit=8 n=1"},
        {"want messages", "want channel=1 messages credit=2 n=2"},
        {"ended", "ended channel=1 n=2"},
        {"refused", "refused reason=full"},
        {"bye", "bye reason=stopping"},
        {"baseline", "baseline channel=0 n=1"},
        {"ask", "ask channel=1 bytes=362"},
        {"denied", "denied channel=1 reason=banned"},
        {"again", "again"},
        {"tags", "tags n=64"},
        {"ping", "ping echo=72623859790382856"},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        char line[512];
        struct gx_frame frame;
        assert_int_equal(gx_frame_decode(&frame, frames_get(cases[i].name)), GX_OK);
        gx_print_frame(line, sizeof line, &frame);
        assert_string_equal(line, cases[i].want);
    }
}

static void test_every_reason_to_close_has_a_name(void **state)
{
    (void)state;
    for (uint8_t reason = GX_BYE_DONE; reason <= GX_BYE_VERSION; reason++) {
        char line[64];
        struct gx_frame frame = {.kind = GX_FRAME_BYE, .reason = reason};
        gx_print_frame(line, sizeof line, &frame);
        assert_null(strchr(line, '?'));
    }
}

/* Cut, ended and never written past, whatever the room. */
static void test_a_line_is_cut_to_any_room(void **state)
{
    const struct gx_event *ev = &story()->ev[STORY_TEXT];
    char whole[1024];
    size_t n = gx_print_event(whole, sizeof whole, ev);
    (void)state;

    for (size_t cap = 1; cap <= n + 2; cap++) {
        char *line = test_malloc(cap);
        size_t got = gx_print_event(line, cap, ev);
        assert_int_equal(got, strlen(line));
        assert_true(got < cap && got <= n);
        assert_true(gx_utf8_ok(gx_span(line, got)));
        /* Only the last character may differ: a wide one that is cut leaves room for the quote behind it. */
        if (got > 0)
            assert_memory_equal(line, whole, got - 1);
        test_free(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_event_is_one_line_that_begins_with_its_type),
        cmocka_unit_test(test_a_line_tells_what_the_body_says),
        cmocka_unit_test(test_a_line_tells_whom_an_operation_is_about),
        cmocka_unit_test(test_a_line_tells_which_group_a_contact_speaks_of),
        cmocka_unit_test(test_a_line_tells_yes_from_no),
        cmocka_unit_test(test_the_door_key_of_a_token_is_not_printed),
        cmocka_unit_test(test_a_text_cannot_reach_the_terminal),
        cmocka_unit_test(test_what_cannot_be_read_is_said_to_be_so),
        cmocka_unit_test(test_every_frame_is_one_line_that_begins_with_its_kind),
        cmocka_unit_test(test_frames_tell_flags_and_reasons),
        cmocka_unit_test(test_every_reason_to_close_has_a_name),
        cmocka_unit_test(test_a_line_is_cut_to_any_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
