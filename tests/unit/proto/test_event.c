#include "tests/unit/proto/story.h"

#include "crypto/hash.h"

static uint8_t bytes[GX_EVENT_BYTES_MAX + 64];

struct row {
    uint8_t number;
    const char *name;
    enum gx_log_class cls;
};

static const struct row rows[] = {
#define GX_X(id, number, text, cls) {number, text, cls},
    GX_EVENT_LIST(GX_X)
#undef GX_X
};

static void test_the_list_of_types_is_what_the_functions_say(void **state)
{
    unsigned known = 0;
    (void)state;

    for (unsigned type = 0; type < 256; type++) {
        enum gx_log_class cls;
        const struct row *row = NULL;
        for (size_t i = 0; i < GX_ARRAY_LEN(rows); i++)
            if (rows[i].number == type)
                row = &rows[i];
        assert_int_equal(gx_event_class(&cls, (uint8_t)type), row != NULL);
        assert_string_equal(gx_event_type_name((uint8_t)type), row == NULL ? "?" : row->name);
        if (row != NULL)
            assert_int_equal(cls, row->cls);
        known += row != NULL;
    }
    assert_int_equal(known, GX_ARRAY_LEN(rows));
}

/* DEVICE_ADD and DEVICE_REMOVE: whoever met them without knowing their rules would come to other members than the rest. */
static void test_what_is_reserved_is_refused_and_not_skipped(void **state)
{
    static const uint8_t reserved[] = {13, 14};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(reserved); i++) {
        struct gx_event ev = story()->ev[STORY_CHECKPOINT];
        ev.type = reserved[i];
        gx_event_seal(&ev, &story()->alice.device_sk);
        size_t n = story_encode(bytes, sizeof bytes, &ev);
        assert_int_equal(gx_event_decode(&ev, gx_span(bytes, n)), GX_E_VERSION);
    }
}

/* What is said to the members: the law, the newest keys and who is who are said to whoever passes events on, too. */
static void test_names_invitations_and_messages_are_sealed_and_nothing_else(void **state)
{
    static const uint8_t sealed[] = {7, 15, 16, 64, 65, 66};
    (void)state;

    for (unsigned type = 0; type < 256; type++)
        assert_int_equal(gx_event_is_sealed((uint8_t)type), memchr(sealed, (int)type, sizeof sealed) != NULL);
    for (size_t i = 0; i < GX_ARRAY_LEN(rows); i++)
        assert_true(rows[i].cls != GX_LOG_MESSAGES || gx_event_is_sealed(rows[i].number));
}

/* The story that all tests start from would prove little if it left a type out. */
static void test_the_story_has_an_event_of_every_type(void **state)
{
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(rows); i++) {
        bool told = false;
        for (size_t k = 0; k < STORY_EVENTS; k++)
            told |= s->ev[k].type == rows[i].number;
        if (!told)
            fail_msg("no event of type %s", rows[i].name);
    }
}

static void test_every_event_is_decoded_to_what_was_sealed(void **state)
{
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        const struct gx_event *want = &s->ev[i];
        struct gx_event ev;
        size_t n = story_encode(bytes, sizeof bytes, want);
        assert_int_equal(n, GX_EVENT_HDR0_BYTES(want->n_deps) + 32 + 64 + want->body_len);
        assert_int_equal(gx_event_decode(&ev, gx_span(bytes, n)), GX_OK);
        assert_int_equal(ev.type, want->type);
        assert_int_equal(ev.seq, want->seq);
        assert_int_equal(ev.tick, want->tick);
        assert_int_equal(ev.wall_ms, want->wall_ms);
        assert_int_equal(ev.n_deps, want->n_deps);
        for (size_t k = 0; k < ev.n_deps; k++)
            assert_memory_equal(gx_event_dep(&ev, k).b, want->deps + 32 * k, 32);
        assert_true(gx_event_id_equal(&ev.id, &want->id));
        assert_true(gx_event_id_equal(&ev.prev, &want->prev));
        assert_true(gx_log_id_equal(&ev.log, &want->log));
        assert_true(gx_group_id_equal(&ev.group, &want->group));
        assert_true(gx_span_equal(ev.body, want->body));
        assert_true(gx_event_verify(&ev, story_author(s, (enum story_event)i)));
    }
}

static void test_an_id_is_the_hash_of_the_header_and_leaves_the_signature_out(void **state)
{
    const struct gx_event *want = &story()->ev[STORY_REVOKE];
    struct gx_event ev = *want;
    uint8_t hash[32];
    (void)state;

    size_t n = story_encode(bytes, sizeof bytes, want);
    gx_hash(hash, "gx-event-id", gx_span(bytes, n - 64 - want->body_len));
    assert_memory_equal(want->id.b, hash, 32);
    memset(ev.sig.b, 0xee, sizeof ev.sig.b);
    gx_event_derive(&ev);
    assert_true(gx_event_id_equal(&ev.id, &want->id));
}

/* What a sealed body is tied to: all that was known of the event before its body was there, and how long that will be. */
static void test_the_header_before_the_hash_hangs_on_every_field_but_the_body(void **state)
{
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        struct gx_event ev = s->ev[i];
        uint8_t hdr0[GX_EVENT_HDR_MAX], again[GX_EVENT_HDR_MAX];
        struct gx_wr w = gx_wr(hdr0, sizeof hdr0);
        gx_event_write_header0(&w, &ev);
        assert_int_equal(w.n, GX_EVENT_HDR0_BYTES(ev.n_deps));
        story_encode(bytes, sizeof bytes, &ev);
        assert_memory_equal(hdr0, bytes, w.n);
        assert_memory_equal(bytes + w.n, ev.body_hash.b, 32);

        memset(&ev.body_hash, 0x77, sizeof ev.body_hash);
        memset(&ev.sig, 0x77, sizeof ev.sig);
        ev.body = gx_span(NULL, 0);
        w = gx_wr(again, sizeof again);
        gx_event_write_header0(&w, &ev);
        assert_memory_equal(again, hdr0, w.n);
        ev.body_len++;
        w = gx_wr(again, sizeof again);
        gx_event_write_header0(&w, &ev);
        assert_memory_not_equal(again, hdr0, w.n);
    }
}

static void test_the_id_of_the_founding_event_is_the_id_of_the_group(void **state)
{
    static const struct gx_group_id zero;
    const struct story *s = story();
    (void)state;

    assert_memory_equal(s->group.b, s->ev[STORY_CREATE].id.b, 32);
    assert_true(gx_group_id_equal(&s->ev[STORY_CREATE].group, &zero));
    assert_memory_equal(s->ev[STORY_REVEAL].group.b, s->ev[STORY_DIRECT].id.b, 32);
    assert_true(gx_group_id_equal(&s->ev[STORY_DIRECT].group, &zero));
}

/* What a peer can do to an event: cut it at any byte. */
static void test_every_truncation_is_refused(void **state)
{
    const struct story *s = story();
    struct tally tally = {0};
    unsigned tried = 0;
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        size_t whole = story_encode(bytes, sizeof bytes, &s->ev[i]);
        for (size_t n = 0; n < whole; n++, tried++) {
            uint8_t *exact = test_malloc(n + 1);
            struct gx_event ev;
            memcpy(exact, bytes, n);
            tally.by_err[gx_event_decode(&ev, gx_span(exact, n))]++;
            assert_int_equal(ev.type, 0);
            test_free(exact);
        }
    }
    tally_print(&tally, "truncations of events", tried);
    assert_int_equal(tally_refused(&tally), tried);
    assert_true(tried > 3000);
}

/* ... or flip one bit of it: then the structure, the hash of the body or the signature says no. */
static void test_every_flipped_bit_is_refused(void **state)
{
    const struct story *s = story();
    struct tally tally = {0};
    unsigned tried = 0, by_signature = 0;
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        size_t n = story_encode(bytes, sizeof bytes, &s->ev[i]);
        for (size_t bit = 0; bit < 8 * n; bit++, tried++) {
            struct gx_event ev;
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            enum gx_err err = gx_event_decode(&ev, gx_span(bytes, n));
            if (err == GX_OK && !gx_event_verify(&ev, story_author(s, (enum story_event)i))) {
                err = GX_E_SIGNATURE;
                by_signature++;
            }
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            tally.by_err[err]++;
        }
    }
    tally_print(&tally, "flipped bits of events", tried);
    assert_int_equal(tally_refused(&tally), tried);
    /* The ways to be refused were all taken. */
    assert_true(by_signature > 1000 && tally.by_err[GX_E_SIGNATURE] > by_signature);
    assert_true(tally.by_err[GX_E_MALFORMED] > 0 && tally.by_err[GX_E_VERSION] > 0 && tally.by_err[GX_E_TOO_BIG] > 0);
}

static void test_a_byte_too_many_is_refused(void **state)
{
    const struct story *s = story();
    struct gx_event ev;
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        size_t n = story_encode(bytes, sizeof bytes, &s->ev[i]);
        bytes[n] = 0;
        assert_int_equal(gx_event_decode(&ev, gx_span(bytes, n + 1)), GX_E_MALFORMED);
    }
}

static void test_no_other_device_has_signed_it(void **state)
{
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        const struct gx_sign_pk *author = story_author(s, (enum story_event)i);
        assert_false(gx_event_verify(&s->ev[i], author == &s->bob.device_pk ? &s->alice.device_pk : &s->bob.device_pk));
    }
}

/* The group id lies inside the signature: the same bytes in another group are somebody else's event. */
static void test_an_event_cannot_be_moved_to_another_group(void **state)
{
    const struct story *s = story();
    struct gx_event ev = s->ev[STORY_TEXT];
    (void)state;

    ev.group.b[0] ^= 1;
    gx_event_derive(&ev);
    assert_false(gx_event_verify(&ev, &s->bob.device_pk));
    assert_false(gx_event_id_equal(&ev.id, &s->ev[STORY_TEXT].id));
}

static enum gx_err check(enum story_event which, void (*change)(struct gx_event *))
{
    struct gx_event ev = story()->ev[which];

    change(&ev);
    return gx_event_check(&ev);
}

static uint8_t many_deps[32 * 255];

static void set_deps(struct gx_event *ev, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        memset(many_deps + 32 * i, 0, 32);
        many_deps[32 * i] = (uint8_t)i;
    }
    ev->n_deps = (uint8_t)n;
    ev->deps = many_deps;
}

static void version_1(struct gx_event *ev) { ev->ver = 1; }
static void version_2(struct gx_event *ev) { ev->ver = 2; }
static void version_4(struct gx_event *ev) { ev->ver = 4; }
static void version_0(struct gx_event *ev) { ev->ver = 0; }
static void type_0(struct gx_event *ev) { ev->type = 0; }
static void type_unknown(struct gx_event *ev) { ev->type = 99; }
static void flag(struct gx_event *ev) { ev->flags = 1; }
static void high_flag(struct gx_event *ev) { ev->flags = 0x8000; }
static void body_at_limit(struct gx_event *ev) { ev->body_len = GX_EVENT_BODY_MAX; }
static void body_over_limit(struct gx_event *ev) { ev->body_len = GX_EVENT_BODY_MAX + 1; }
static void seq_0(struct gx_event *ev) { ev->seq = 0; }
static void seq_2(struct gx_event *ev) { ev->seq = 2; }
static void seq_at_limit(struct gx_event *ev) { ev->seq = GX_EVENT_SEQ_MAX; }
static void seq_over_limit(struct gx_event *ev) { ev->seq = GX_EVENT_SEQ_MAX + 1ull; }
static void seq_beyond_32_bits(struct gx_event *ev) { ev->seq |= 1ull << 32; }
static void tick_0(struct gx_event *ev) { ev->tick = 0; }
static void tick_highest(struct gx_event *ev) { ev->tick = UINT64_MAX; }
static void no_prev(struct gx_event *ev) { memset(&ev->prev, 0, sizeof ev->prev); }
static void some_prev(struct gx_event *ev) { ev->prev.b[31] = 1; }
static void no_group(struct gx_event *ev) { memset(&ev->group, 0, sizeof ev->group); }
static void some_group(struct gx_event *ev) { ev->group.b[31] = 1; }
static void no_deps(struct gx_event *ev) { set_deps(ev, 0); }
static void one_dep(struct gx_event *ev) { set_deps(ev, 1); }
static void deps_16(struct gx_event *ev) { set_deps(ev, 16); }
static void deps_17(struct gx_event *ev) { set_deps(ev, 17); }
static void deps_255(struct gx_event *ev) { set_deps(ev, 255); }
static void second_of_time(struct gx_event *ev) { ev->wall_ms += 1000; }
static void one_ms_of_time(struct gx_event *ev) { ev->wall_ms += 1; }
static void minute_of_time(struct gx_event *ev) { ev->wall_ms += 60000; }
static void no_time(struct gx_event *ev) { ev->wall_ms = 0; }

static void equal_deps(struct gx_event *ev)
{
    set_deps(ev, 2);
    many_deps[32] = 0;
}

static void falling_deps(struct gx_event *ev)
{
    set_deps(ev, 3);
    many_deps[64] = 0;
    many_deps[65] = 1;
}

/* WIRE §3.3, rule by rule. */
static void test_each_rule_of_structure_holds(void **state)
{
    static const struct {
        enum story_event which;
        void (*change)(struct gx_event *);
        enum gx_err want;
    } cases[] = {
        {STORY_META, version_0, GX_E_VERSION},
        {STORY_META, version_1, GX_E_VERSION},
        {STORY_META, version_2, GX_E_VERSION},
        {STORY_META, version_4, GX_E_VERSION},
        {STORY_META, type_0, GX_E_VERSION},
        {STORY_META, type_unknown, GX_E_VERSION},
        {STORY_META, flag, GX_E_MALFORMED},
        {STORY_TEXT, high_flag, GX_E_MALFORMED},
        {STORY_TEXT, body_at_limit, GX_OK},
        {STORY_TEXT, body_over_limit, GX_E_TOO_BIG},
        {STORY_TEXT, seq_0, GX_E_MALFORMED},
        {STORY_REPLY, seq_at_limit, GX_OK},
        {STORY_REPLY, seq_over_limit, GX_E_TOO_BIG},
        {STORY_REPLY, seq_beyond_32_bits, GX_E_TOO_BIG},
        {STORY_EPOCH, no_deps, GX_E_MALFORMED},
        {STORY_EPOCH, deps_255, GX_OK},
        {STORY_EPOCH, second_of_time, GX_E_MALFORMED},
        {STORY_PREKEY, no_deps, GX_E_MALFORMED},
        {STORY_PREKEY, deps_255, GX_OK},
        {STORY_PREKEY, one_ms_of_time, GX_E_MALFORMED},
        {STORY_META, tick_0, GX_E_MALFORMED},
        {STORY_META, tick_highest, GX_OK},
        {STORY_META, no_prev, GX_E_MALFORMED},
        {STORY_TEXT, seq_2, GX_E_MALFORMED},
        {STORY_TEXT, some_prev, GX_OK},            /* the first of a later incarnation */
        {STORY_INCARNATION, no_prev, GX_OK},       /* of a device that had said nothing */
        {STORY_META, no_group, GX_E_MALFORMED},
        {STORY_TEXT, no_group, GX_E_MALFORMED},
        {STORY_META, no_deps, GX_E_MALFORMED},
        {STORY_META, deps_16, GX_OK},
        {STORY_META, deps_255, GX_OK},
        {STORY_META, equal_deps, GX_E_MALFORMED},
        {STORY_META, falling_deps, GX_E_MALFORMED},
        {STORY_TEXT, no_deps, GX_OK},
        {STORY_TEXT, deps_16, GX_OK},
        {STORY_TEXT, deps_17, GX_E_TOO_BIG},
        {STORY_TEXT, equal_deps, GX_E_MALFORMED},
        {STORY_META, second_of_time, GX_E_MALFORMED},
        {STORY_META, one_ms_of_time, GX_E_MALFORMED},
        {STORY_META, minute_of_time, GX_OK},
        {STORY_META, no_time, GX_OK},
        {STORY_TEXT, one_ms_of_time, GX_E_MALFORMED},
        {STORY_TEXT, minute_of_time, GX_E_MALFORMED},
        {STORY_INVITE, minute_of_time, GX_E_MALFORMED},
        {STORY_REVEAL, deps_17, GX_E_TOO_BIG},
        {STORY_CREATE, one_dep, GX_E_MALFORMED},
        {STORY_CREATE, seq_2, GX_E_MALFORMED},
        {STORY_CREATE, some_prev, GX_E_MALFORMED},
        {STORY_CREATE, some_group, GX_E_MALFORMED},
        {STORY_CREATE, second_of_time, GX_E_MALFORMED},
        {STORY_CREATE, minute_of_time, GX_OK},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++)
        if (check(cases[i].which, cases[i].change) != cases[i].want)
            fail_msg("case %zu: %s", i, gx_err_name(check(cases[i].which, cases[i].change)));
}

/* A sender of garbage does not get us to hash 60 KiB: the limit is read from the header first. */
static void test_limits_come_before_hashes(void **state)
{
    struct gx_event ev;
    size_t n = story_encode(bytes, sizeof bytes, &story()->ev[STORY_TEXT]);
    (void)state;

    bytes[n - 1] ^= 1;
    assert_int_equal(gx_event_decode(&ev, gx_span(bytes, n)), GX_E_SIGNATURE);
    bytes[2] = 1;        /* a flag */
    assert_int_equal(gx_event_decode(&ev, gx_span(bytes, n)), GX_E_MALFORMED);
    assert_int_equal(gx_event_decode(&ev, gx_span(bytes, sizeof bytes)), GX_E_TOO_BIG);
}

static void test_the_largest_event_goes_there_and_back(void **state)
{
    static uint8_t body[GX_EVENT_BODY_MAX];
    const struct story *s = story();
    struct gx_event ev = s->ev[STORY_META], back;
    (void)state;

    set_deps(&ev, 255);
    ev.body = gx_span(body, sizeof body);
    gx_event_seal(&ev, &s->alice.device_sk);
    size_t n = story_encode(bytes, sizeof bytes, &ev);
    assert_int_equal(n, GX_EVENT_BYTES_MAX);
    assert_int_equal(gx_event_decode(&back, gx_span(bytes, n)), GX_OK);
    assert_true(gx_event_verify(&back, &s->alice.device_pk));
}

static void test_a_deleted_body_leaves_id_and_signature_standing(void **state)
{
    const struct story *s = story();
    struct gx_event ev = s->ev[STORY_TEXT];
    (void)state;

    ev.body = gx_span(NULL, 0);
    memset(&ev.id, 0, sizeof ev.id);
    gx_event_derive(&ev);
    assert_true(gx_event_id_equal(&ev.id, &s->ev[STORY_TEXT].id));
    assert_true(gx_event_verify(&ev, &s->bob.device_pk));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_of_types_is_what_the_functions_say),
        cmocka_unit_test(test_what_is_reserved_is_refused_and_not_skipped),
        cmocka_unit_test(test_names_invitations_and_messages_are_sealed_and_nothing_else),
        cmocka_unit_test(test_the_story_has_an_event_of_every_type),
        cmocka_unit_test(test_every_event_is_decoded_to_what_was_sealed),
        cmocka_unit_test(test_an_id_is_the_hash_of_the_header_and_leaves_the_signature_out),
        cmocka_unit_test(test_the_header_before_the_hash_hangs_on_every_field_but_the_body),
        cmocka_unit_test(test_the_id_of_the_founding_event_is_the_id_of_the_group),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_a_byte_too_many_is_refused),
        cmocka_unit_test(test_no_other_device_has_signed_it),
        cmocka_unit_test(test_an_event_cannot_be_moved_to_another_group),
        cmocka_unit_test(test_each_rule_of_structure_holds),
        cmocka_unit_test(test_limits_come_before_hashes),
        cmocka_unit_test(test_the_largest_event_goes_there_and_back),
        cmocka_unit_test(test_a_deleted_body_leaves_id_and_signature_standing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
