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
    char line[1024], want[128], epoch[GX_HEX_BYTES(8)];
    (void)state;

    gx_print_event(line, sizeof line, &s->ev[STORY_CREATE]);
    assert_non_null(strstr(line, "cap=500 qr_max=100"));
    gx_print_event(line, sizeof line, &s->ev[STORY_DIRECT]);
    assert_non_null(strstr(line, "direct cap=2 qr_max=0"));
    gx_print_event(line, sizeof line, &s->ev[STORY_LEAVE]);
    assert_non_null(strstr(line, "cuts=2"));
    gx_print_event(line, sizeof line, &s->ev[STORY_EPOCH]);
    assert_non_null(strstr(line, "devices=2"));
    gx_hex(epoch, s->ev[STORY_EPOCH].id.b, 8);
    snprintf(want, sizeof want, "prekey=8182838485868788 instead_of=%s", epoch);
    gx_print_event(line, sizeof line, &s->ev[STORY_PREKEY]);
    assert_non_null(strstr(line, want));
}

/* Of what is sealed: under which epoch, at which place, how long. */
static void test_a_line_tells_the_outside_of_what_is_sealed(void **state)
{
    static const struct {
        enum story_event which;
        const char *says;
    } cases[] = {
        {STORY_TOKEN, "uses=3"},      {STORY_TOKEN, "n=0 sealed=80"},  {STORY_META, "n=0 sealed=80"},    {STORY_ALIAS, "n=0 sealed=80"},
        {STORY_TEXT, "n=0 sealed=80"}, {STORY_INVITE, "n=0 sealed=528"}, {STORY_REVEAL, "n=0 sealed=144"},
    };
    const struct story *s = story();
    char line[1024];
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        gx_print_event(line, sizeof line, &s->ev[cases[i].which]);
        assert_non_null(strstr(line, " epoch=0000000000000000 "));
        assert_non_null(strstr(line, cases[i].says));
    }
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

static void test_a_line_tells_by_whose_invitation_somebody_came(void **state)
{
    const struct story *s = story();
    char line[1024], want[128], alice[GX_HEX_BYTES(8)];
    (void)state;

    gx_hex(alice, s->alice.member_pk.b, 8);
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

/* Who may read a log is not therefore a member; in the story the plain forms lie in the bodies as they are. */
static void test_nothing_of_what_is_sealed_is_printed(void **state)
{
    static const char *const said[] = {"Tea house", "Bob", "hello", "again"};
    const struct story *s = story();
    char line[1024], secret[GX_HEX_BYTES(8)], bob[GX_HEX_BYTES(8)];
    (void)state;

    gx_hex(secret, s->keys.lan.b, 8);
    gx_hex(bob, s->bob.member_pk.b, 8);
    for (size_t i = 0; i < STORY_EVENTS; i++) {
        gx_print_event(line, sizeof line, &s->ev[i]);
        assert_null(strstr(line, secret));
        for (size_t k = 0; k < GX_ARRAY_LEN(said); k++)
            assert_null(strstr(line, said[k]));
        if (i == STORY_INVITE || i == STORY_REVEAL)
            assert_null(strstr(line, bob));
    }
}

static void test_a_sealed_text_cannot_reach_the_terminal(void **state)
{
    static uint8_t room[BLIND_BYTES];
    struct gx_body b = {.type = GX_EV_TEXT};
    struct gx_event ev = story()->ev[STORY_TEXT];
    uint8_t bytes[256];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    char line[1024];
    (void)state;

    b.u.text.text = story_str("a\x1b[2J\nsecond line\xe2\x80\xae");
    blind(&b, room);
    gx_body_encode(&w, &b);
    ev.body = gx_wr_span(&w);
    ev.body_len = (uint32_t)w.n;
    assert_plain_line(line, gx_print_event(line, sizeof line, &ev));
    assert_null(strstr(line, "second line"));
}

static void test_a_name_cannot_reach_the_terminal(void **state)
{
    struct gx_frame f;
    char line[1024];
    (void)state;

    assert_int_equal(gx_frame_decode(&f, frames_get("card")), GX_OK);
    f.name = story_str("a\x1b[2J\nsecond line\xe2\x80\xae");
    assert_plain_line(line, gx_print_frame(line, sizeof line, &f));
    assert_non_null(strstr(line, "second line"));
    assert_null(strstr(line, "\xe2\x80\xae"));
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
        {"frontier", "frontier channel=1 n=2"},
        {"frontier of buckets", "frontier channel=1 of_buckets=16 n=1"},
        {"sum", "sum ask n=2"},
        {"buckets", "buckets channel=1 logs=2 records=1"},
        {"records", "records channel=1 of_buckets=2 n=2"},
        {"want control", "want channel=1 control credit=8 n=1"},
        {"want messages", "want channel=1 messages credit=2 n=2"},
        {"ended", "ended channel=1 n=2"},
        {"refused", "refused reason=full"},
        {"bye", "bye reason=stopping"},
        {"baseline", "baseline channel=0 n=1"},
        {"ask", "ask channel=1 bytes=362"},
        {"denied", "denied channel=1 reason=banned"},
        {"link", "link channel=1 eager"},
        {"ask keys", "ask_keys channel=1 n=2"},
        {"keys", "keys channel=1 n=2"},
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

/* Cut, ended and never written past, whatever the room.  One line of plain characters, and one with a name of wide ones. */
static void test_a_line_is_cut_to_any_room(void **state)
{
    const struct gx_event *ev = &story()->ev[STORY_TEXT];
    struct gx_frame card;
    (void)state;

    assert_int_equal(gx_frame_decode(&card, frames_get("card")), GX_OK);
    for (int of_card = 0; of_card < 2; of_card++) {
        char whole[1024];
        size_t n = of_card ? gx_print_frame(whole, sizeof whole, &card) : gx_print_event(whole, sizeof whole, ev);
        for (size_t cap = 1; cap <= n + 2; cap++) {
            char *line = test_malloc(cap);
            size_t got = of_card ? gx_print_frame(line, cap, &card) : gx_print_event(line, cap, ev);
            assert_int_equal(got, strlen(line));
            assert_true(got < cap && got <= n);
            assert_true(gx_utf8_ok(gx_span(line, got)));
            /* Only the last character may differ: a wide one that is cut leaves room for the quote behind it. */
            if (got > 0)
                assert_memory_equal(line, whole, got - 1);
            test_free(line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_event_is_one_line_that_begins_with_its_type),
        cmocka_unit_test(test_a_line_tells_what_the_body_says),
        cmocka_unit_test(test_a_line_tells_the_outside_of_what_is_sealed),
        cmocka_unit_test(test_a_line_tells_whom_an_operation_is_about),
        cmocka_unit_test(test_a_line_tells_by_whose_invitation_somebody_came),
        cmocka_unit_test(test_a_line_tells_yes_from_no),
        cmocka_unit_test(test_nothing_of_what_is_sealed_is_printed),
        cmocka_unit_test(test_a_sealed_text_cannot_reach_the_terminal),
        cmocka_unit_test(test_a_name_cannot_reach_the_terminal),
        cmocka_unit_test(test_what_cannot_be_read_is_said_to_be_so),
        cmocka_unit_test(test_every_frame_is_one_line_that_begins_with_its_kind),
        cmocka_unit_test(test_frames_tell_flags_and_reasons),
        cmocka_unit_test(test_every_reason_to_close_has_a_name),
        cmocka_unit_test(test_a_line_is_cut_to_any_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
