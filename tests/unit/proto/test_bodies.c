#include "tests/unit/proto/story.h"

static uint8_t bytes[GX_EVENT_BODY_MAX + 64];

/* Decode `n` bytes as the body of a type, in the story's group. */
static enum gx_err decode(struct gx_body *out, uint8_t type, const uint8_t *p, size_t n)
{
    const struct gx_event ev = {.type = type, .group = story()->group, .body = gx_span(p, n), .body_len = (uint32_t)n};

    return gx_body_decode(out, &ev);
}

/* The same as the body of an event of the story, in its group. */
static enum gx_err decode_as(struct gx_body *out, const struct gx_event *of, const uint8_t *p, size_t n)
{
    const struct gx_event ev = {.type = of->type, .group = of->group, .body = gx_span(p, n), .body_len = (uint32_t)n};

    return gx_body_decode(out, &ev);
}

static enum gx_err decode_plain(struct gx_body *out, uint8_t type, const uint8_t *p, size_t n)
{
    return gx_plain_decode(out, type, gx_span(p, n));
}

static const uint8_t sealed_types[] = {GX_EV_TOKEN, GX_EV_ALIAS, GX_EV_META, GX_EV_TEXT, GX_EV_INVITE, GX_EV_REVEAL};
static const enum story_event sealed_events[] = {STORY_TOKEN, STORY_META, STORY_ALIAS, STORY_TEXT, STORY_REPLY, STORY_INVITE, STORY_REVEAL};

/* In the story what nobody can open lies there as it was: the plain form, without its padding. */
static struct gx_span plain_of(enum story_event which)
{
    struct gx_body outer;
    struct gx_span plain;

    assert_int_equal(gx_body_decode(&outer, &story()->ev[which]), GX_OK);
    plain = gx_body_sealed(&outer)->sealed;
    plain.n -= GX_AEAD_TAG_BYTES;
    while (plain.p[plain.n - 1] == 0)
        plain.n--;
    assert_int_equal(plain.p[plain.n - 1], 0x80);
    plain.n--;
    return plain;
}

static struct gx_body plain_body(enum story_event which)
{
    struct gx_body body;

    assert_int_equal(gx_plain_decode(&body, story()->ev[which].type, plain_of(which)), GX_OK);
    return body;
}

static void test_every_body_of_the_story_is_encoded_as_it_was_decoded(void **state)
{
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        struct gx_body body;
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        assert_int_equal(gx_body_decode(&body, &s->ev[i]), GX_OK);
        assert_int_equal(body.type, s->ev[i].type);
        gx_body_encode(&w, &body);
        assert_true(gx_span_equal(gx_wr_span(&w), s->ev[i].body));
    }
}

static void test_every_plain_form_of_the_story_is_encoded_as_it_was_decoded(void **state)
{
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(sealed_events); i++) {
        struct gx_body body = plain_body(sealed_events[i]);
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        assert_int_equal(body.type, story()->ev[sealed_events[i]].type);
        gx_plain_encode(&w, &body);
        assert_true(gx_span_equal(gx_wr_span(&w), plain_of(sealed_events[i])));
    }
}

static void test_the_fields_come_back(void **state)
{
    const struct story *s = story();
    struct gx_body b;
    (void)state;

    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_CREATE]), GX_OK);
    assert_int_equal(b.u.create.rules.cap, 500);
    assert_int_equal(b.u.create.rules.qr_max, 100);
    assert_memory_equal(&b.u.create.founder, &s->alice.intro, sizeof s->alice.intro);
    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_ADMIT]), GX_OK);
    assert_int_equal(b.u.admit.request.n_heads, 2);
    assert_memory_equal(b.u.admit.request.heads, s->request_heads, 64);
    assert_memory_equal(&b.u.admit.request.joiner, &s->bob.intro, sizeof s->bob.intro);
    assert_memory_equal(&b.u.admit.request.token_sig, &s->request.token_sig, 64);
    assert_true(gx_span_equal(b.u.admit.request_bytes, s->ev[STORY_ADMIT].body));
    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_TOKEN]), GX_OK);
    assert_memory_equal(&b.u.token.token_pk, &s->keys.pk, 32);
    assert_int_equal(b.u.token.expires_min, STORY_EXPIRES_MIN);
    assert_int_equal(b.u.token.uses, 3);
    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_REVOKE]), GX_OK);
    assert_int_equal(b.u.revoke.what, GX_REVOKE_TOKEN);
    assert_true(gx_event_id_equal(&b.u.revoke.token, &s->ev[STORY_TOKEN].id));
    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_REVOKE_MEMBER]), GX_OK);
    assert_int_equal(b.u.revoke.what, GX_REVOKE_MEMBER);
    assert_true(gx_sign_pk_equal(&b.u.revoke.member, &s->bob.member_pk));
    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_INCARNATION]), GX_OK);
    assert_true(gx_sign_pk_equal(&b.u.incarnation.member, &s->alice.member_pk));
    assert_true(gx_sign_pk_equal(&b.u.incarnation.device, &s->alice.device_pk));
    assert_memory_equal(&b.u.incarnation.incarnation, &s->second, 8);
    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_LEAVE]), GX_OK);
    assert_int_equal(b.u.leave.n_cuts, 2);
}

/* Of what is sealed only whether a key fits can be said without one: by epoch, place, nonce and commitment. */
static void test_the_outside_of_what_is_sealed_comes_back(void **state)
{
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(sealed_types); i++) {
        struct gx_body b = {.type = sealed_types[i]}, back;
        struct gx_body_sealed sealed = {.head.n = GX_CHAIN_MAX - 1};
        uint8_t text[64 + GX_AEAD_TAG_BYTES];
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        story_run(sealed.head.epoch, 0x01, 32);
        story_run(sealed.head.nonce.b, 0x31, 24);
        story_run(sealed.head.commit, 0x51, 32);
        story_run(text, 0x81, sizeof text);
        sealed.sealed = gx_span(text, sizeof text);
        if (b.type == GX_EV_TOKEN)
            b.u.token = (struct gx_body_token){.expires_min = 7, .uses = 9, .sealed = sealed};
        else
            b.u.sealed = sealed;
        gx_body_encode(&w, &b);
        assert_int_equal(w.n, (b.type == GX_EV_TOKEN ? 36 : 0) + GX_SEALED_BYTES(64));
        assert_int_equal(decode(&back, b.type, bytes, w.n), GX_OK);
        const struct gx_body_sealed *got = gx_body_sealed(&back);
        assert_memory_equal(got->head.epoch, sealed.head.epoch, 32);
        assert_int_equal(got->head.n, GX_CHAIN_MAX - 1);
        assert_memory_equal(got->head.nonce.b, sealed.head.nonce.b, 24);
        assert_memory_equal(got->head.commit, sealed.head.commit, 32);
        assert_true(gx_span_equal(got->sealed, sealed.sealed));
        if (b.type == GX_EV_TOKEN)
            assert_true(back.u.token.expires_min == 7 && back.u.token.uses == 9);
    }
}

static void test_what_was_sealed_comes_back(void **state)
{
    const struct story *s = story();
    struct gx_body b = plain_body(STORY_TOKEN);
    (void)state;

    assert_memory_equal(&b.u.token.lan, &s->keys.lan, 32);
    b = plain_body(STORY_ALIAS);
    assert_true(gx_span_equal(b.u.alias.name, story_str("Bob")));
    b = plain_body(STORY_META);
    assert_true(gx_span_equal(b.u.meta.name, story_str("Tea house \xe8\x8c\xb6\xe9\xa6\x86")));
    b = plain_body(STORY_REPLY);
    assert_int_equal(b.u.text.wall_ms, STORY_WALL_MS + 456789);
    assert_true(gx_span_equal(b.u.text.text, story_str("again")));
    assert_true(b.u.text.has_reply);
    assert_true(gx_event_id_equal(&b.u.text.reply, &s->ev[STORY_TEXT].id));
    b = plain_body(STORY_TEXT);
    assert_true(gx_span_equal(b.u.text.text, story_str("hello, \xe4\xb8\x96\xe7\x95\x8c")));
    assert_false(b.u.text.has_reply);
}

static void test_an_epoch_and_a_prekey_come_back(void **state)
{
    const struct story *s = story();
    struct gx_body b;
    uint8_t want[32];
    (void)state;

    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_EPOCH]), GX_OK);
    assert_int_equal(s->ev[STORY_EPOCH].body_len, GX_EPOCH_BODY_BYTES(2));
    story_run(want, 0x21, 32);
    assert_memory_equal(b.u.epoch.head.x.b, want, 32);
    story_run(want, 0x41, 32);
    assert_memory_equal(b.u.epoch.head.conf, want, 32);
    story_run(want, 0x61, 32);
    assert_memory_equal(b.u.epoch.head.prekey.b, want, 32);
    assert_int_equal(b.u.epoch.n, 2);
    assert_int_equal(b.u.epoch.slots.n, 2 * GX_EPOCH_SLOT_BYTES);
    assert_true(gx_epoch_lists(b.u.epoch.slots, s->alice.messages.b));
    assert_true(gx_epoch_lists(b.u.epoch.slots, s->bob.messages.b));
    assert_false(gx_epoch_lists(b.u.epoch.slots, s->alice.control.b));

    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_PREKEY]), GX_OK);
    story_run(want, 0x81, 32);
    assert_memory_equal(b.u.prekey.prekey.b, want, 32);
    assert_true(gx_event_id_equal(&b.u.prekey.epoch, &s->ev[STORY_EPOCH].id));
}

static void test_what_contacts_say_comes_back(void **state)
{
    const struct story *s = story();
    struct gx_body b;
    (void)state;

    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_DIRECT]), GX_OK);
    assert_int_equal(b.u.create.rules.kind, GX_GROUP_DIRECT);
    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_ADMIT_CONTACT]), GX_OK);
    assert_int_equal(b.u.admit.request.via, GX_VIA_INV);
    assert_true(gx_sign_pk_equal(&b.u.admit.request.inviter, &s->alice.member_pk));
    assert_memory_equal(&b.u.admit.request.device_sig, &s->contact_request.device_sig, 64);
    b = plain_body(STORY_INVITE);
    assert_int_equal(b.u.invite.wall_ms, STORY_WALL_MS + 567890);
    assert_true(gx_sign_pk_equal(&b.u.invite.inviter, &s->bob.member_pk));
    assert_true(gx_span_equal(b.u.invite.create, gx_span(s->founding, sizeof s->founding)));
    assert_true(gx_span_equal(b.u.invite.title, story_str("Tea house \xe8\x8c\xb6\xe9\xa6\x86")));
    b = plain_body(STORY_REVEAL);
    assert_int_equal(b.u.reveal.wall_ms, STORY_WALL_MS + 678901);
    assert_true(gx_group_id_equal(&b.u.reveal.group, &s->group));
    assert_true(gx_sign_pk_equal(&b.u.reveal.member, &s->bob.member_pk));
    assert_int_equal(b.u.reveal.mac.b[31], 0xd0 + 31);
}

static void test_who_is_meant_comes_back(void **state)
{
    static const enum story_event lone[] = {STORY_UNBAN, STORY_PROMOTE, STORY_DEMOTE, STORY_OFFER};
    static const enum story_event removals[] = {STORY_REMOVE, STORY_BAN};
    const struct story *s = story();
    struct gx_body b;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(lone); i++) {
        assert_int_equal(gx_body_decode(&b, &s->ev[lone[i]]), GX_OK);
        assert_true(gx_sign_pk_equal(&b.u.target.target, &s->bob.member_pk));
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(removals); i++) {
        struct gx_cut cut;
        assert_int_equal(gx_body_decode(&b, &s->ev[removals[i]]), GX_OK);
        assert_true(gx_sign_pk_equal(&b.u.removal.target, &s->bob.member_pk));
        assert_int_equal(b.u.removal.n_cuts, 1);
        gx_cut_read(&cut, b.u.removal.cuts, 0);
        assert_true(gx_log_id_equal(&cut.log, &s->bob.messages));
        assert_true(gx_event_id_equal(&cut.id, &s->ev[STORY_REPLY].id));
    }
}

static void test_a_handing_over_holds_the_consent_that_was_given_to_its_offer(void **state)
{
    const struct story *s = story();
    struct gx_body yes, no, over;
    (void)state;

    assert_int_equal(gx_body_decode(&yes, &s->ev[STORY_ACCEPT]), GX_OK);
    assert_int_equal(gx_body_decode(&no, &s->ev[STORY_DECLINE]), GX_OK);
    assert_int_equal(gx_body_decode(&over, &s->ev[STORY_TRANSFER]), GX_OK);
    assert_int_equal(yes.u.accept.answer, GX_ACCEPT_YES);
    assert_int_equal(no.u.accept.answer, GX_ACCEPT_NO);
    assert_true(gx_event_id_equal(&yes.u.accept.offer, &s->ev[STORY_OFFER].id));
    assert_true(gx_event_id_equal(&no.u.accept.offer, &s->ev[STORY_OFFER].id));
    assert_true(gx_event_id_equal(&over.u.transfer.offer, &s->ev[STORY_OFFER].id));
    assert_true(gx_sign_pk_equal(&over.u.transfer.target, &s->bob.member_pk));
    assert_true(gx_sign_pk_equal(&over.u.transfer.device, &s->bob.device_pk));
    assert_memory_equal(&over.u.transfer.sig, &yes.u.accept.sig, sizeof yes.u.accept.sig);
}

/* Said to one offer of one group, as one member on one device: shown anywhere else it is worth nothing. */
static void test_consent_holds_for_its_group_offer_member_and_device_alone(void **state)
{
    const struct story *s = story();
    struct gx_group_id group = s->group;
    struct gx_event_id offer = s->ev[STORY_OFFER].id;
    struct gx_sign_pk target = s->bob.member_pk, device = s->bob.device_pk;
    uint8_t *const parts[] = {group.b, offer.b, target.b, device.b};
    struct gx_body b;
    (void)state;

    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_TRANSFER]), GX_OK);
    gx_accept_signed_bytes(bytes, &group, &offer, &target, &device);
    assert_true(gx_verify(&s->bob.device_pk, GX_DOMAIN_ACCEPT, gx_span(bytes, GX_ACCEPT_SIGNED_BYTES), &b.u.transfer.sig));
    assert_false(gx_verify(&s->bob.device_pk, GX_DOMAIN_EVENT, gx_span(bytes, GX_ACCEPT_SIGNED_BYTES), &b.u.transfer.sig));
    for (size_t i = 0; i < GX_ARRAY_LEN(parts); i++) {
        parts[i][31] ^= 1;
        gx_accept_signed_bytes(bytes, &group, &offer, &target, &device);
        parts[i][31] ^= 1;
        assert_memory_equal(bytes + 32 * i, parts[i], 31);
        assert_false(gx_verify(&s->bob.device_pk, GX_DOMAIN_ACCEPT, gx_span(bytes, GX_ACCEPT_SIGNED_BYTES), &b.u.transfer.sig));
    }
}

static void test_an_answer_is_yes_with_a_signature_or_no_without(void **state)
{
    struct gx_body out;
    (void)state;

    memset(bytes, 0x5a, 97);
    for (unsigned answer = 0; answer < 256; answer++) {
        bytes[0] = (uint8_t)answer;
        enum gx_err with = decode(&out, GX_EV_ACCEPT, bytes, 97), without = decode(&out, GX_EV_ACCEPT, bytes, 33);
        assert_int_equal(with, answer == GX_ACCEPT_YES ? GX_OK : GX_E_MALFORMED);
        assert_int_equal(without, answer == GX_ACCEPT_NO ? GX_OK : GX_E_MALFORMED);
    }
}

static void test_a_checkpoint_says_nothing_but_its_deps(void **state)
{
    struct gx_body out;
    (void)state;

    assert_int_equal(decode(&out, GX_EV_CHECKPOINT, bytes, 0), GX_OK);
    memset(bytes, 0, 64);
    for (size_t n = 1; n <= 64; n++)
        assert_int_equal(decode(&out, GX_EV_CHECKPOINT, bytes, n), GX_E_MALFORMED);
}

static void test_cuts_are_read_one_by_one(void **state)
{
    const struct story *s = story();
    struct gx_body b;
    unsigned control = 0, messages = 0;
    (void)state;

    assert_int_equal(gx_body_decode(&b, &s->ev[STORY_LEAVE]), GX_OK);
    for (size_t i = 0; i < b.u.leave.n_cuts; i++) {
        struct gx_cut cut;
        gx_cut_read(&cut, b.u.leave.cuts, i);
        if (gx_log_id_equal(&cut.log, &s->bob.control)) {
            assert_int_equal(cut.seq, 1);
            assert_true(gx_event_id_equal(&cut.id, &s->ev[STORY_ALIAS].id));
            control++;
        } else {
            assert_int_equal(cut.seq, 2);
            assert_true(gx_event_id_equal(&cut.id, &s->ev[STORY_REPLY].id));
            messages++;
        }
    }
    assert_int_equal(control, 1);
    assert_int_equal(messages, 1);
}

/* What ends before its last field, which nobody has to write. */
static bool ends_early(enum story_event which, size_t whole, size_t n)
{
    return (which == STORY_REPLY && n == whole - 35) || (which == STORY_INVITE && n == whole - 19);
}

/* A length that a sealed text can have; written as WIRE does and not as the code does. */
static bool is_padded(size_t n)
{
    return n == 64 || n == 128 || n == 256 || n == 512 || (n > 0 && n % 1024 == 0);
}

/* What was sealed and cut at another length a text can have: no key opens it, and that is all that tells. */
static bool cut_where_a_text_may_end(enum story_event which, size_t n)
{
    size_t before = which == STORY_TOKEN ? 36 + GX_SEALED_BYTES(0) : GX_SEALED_BYTES(0);

    return gx_event_is_sealed(story()->ev[which].type) && n > before && is_padded(n - before);
}

/* Control bodies are exact, and a message ends with its last field: a cut is either refused, or at a field's end. */
static void test_every_truncation_and_every_byte_too_many_is_refused(void **state)
{
    const struct story *s = story();
    struct tally tally = {0};
    unsigned tried = 0, padded = 0;
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        struct gx_span body = s->ev[i].body;
        struct gx_body out;
        for (size_t n = 0; n <= body.n + 1; n++) {
            if (n == body.n)
                continue;
            uint8_t *exact = test_calloc(1, n + 1);
            memcpy(exact, body.p, n < body.n ? n : body.n);
            enum gx_err err = decode_as(&out, &s->ev[i], exact, n);
            test_free(exact);
            if (cut_where_a_text_may_end((enum story_event)i, n)) {
                assert_int_equal(err, GX_OK);
                padded++;
                continue;
            }
            tally.by_err[err]++;
            tried++;
        }
    }
    tally_print(&tally, "truncations and overlong bodies", tried);
    assert_int_equal(tally_refused(&tally), tried);
    assert_int_equal(padded, 3 + 1);        /* of the invitation, of the reveal */
}

static void test_every_truncation_of_a_plain_form_and_every_byte_too_many_is_refused(void **state)
{
    struct tally tally = {0};
    unsigned tried = 0;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(sealed_events); i++) {
        struct gx_span plain = plain_of(sealed_events[i]);
        struct gx_body out;
        for (size_t n = 0; n <= plain.n + 1; n++) {
            if (n == plain.n || ends_early(sealed_events[i], plain.n, n))
                continue;
            uint8_t *exact = test_calloc(1, n + 1);
            memcpy(exact, plain.p, n < plain.n ? n : plain.n);
            tally.by_err[decode_plain(&out, story()->ev[sealed_events[i]].type, exact, n)]++;
            test_free(exact);
            tried++;
        }
    }
    tally_print(&tally, "truncations and overlong plain forms", tried);
    assert_int_equal(tally_refused(&tally), tried);
}

static void test_a_deleted_body_is_absent_and_an_unknown_type_is_of_another_version(void **state)
{
    struct gx_event ev = story()->ev[STORY_TEXT];
    struct gx_body out;
    (void)state;

    ev.body = gx_span(NULL, 0);
    assert_int_equal(gx_body_decode(&out, &ev), GX_E_ABSENT);
    assert_int_equal(decode(&out, 99, (const uint8_t *)"x", 1), GX_E_VERSION);
    assert_int_equal(decode(&out, 0, (const uint8_t *)"x", 1), GX_E_VERSION);
}

/* Whoever left the sealing out would show it to all who pass it on. */
static void test_what_has_to_be_sealed_is_not_taken_in_the_clear(void **state)
{
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(sealed_events); i++) {
        struct gx_span plain = plain_of(sealed_events[i]);
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_body out;
        if (sealed_events[i] == STORY_TOKEN)
            gx_wr_bytes(&w, story()->ev[STORY_TOKEN].body.p, 36);
        gx_wr_bytes(&w, plain.p, plain.n);
        assert_int_equal(decode_as(&out, &story()->ev[sealed_events[i]], bytes, w.n), GX_E_MALFORMED);
    }
}

/* A body of `type` whose sealed part has `padded` bytes before its tag, at place n. */
static enum gx_err sealed_of(uint8_t type, uint32_t place, size_t padded)
{
    size_t before = type == GX_EV_TOKEN ? 36 : 0, n = before + GX_SEALED_BYTES(padded);
    struct gx_wr w = gx_wr(bytes + before + 32, 4);
    struct gx_body out;

    assert_true(n <= sizeof bytes);
    gx_wr_u32(&w, place);
    return decode(&out, type, bytes, n);
}

/* A text has one length, and none of a length that its type cannot need. */
static void test_what_is_sealed_has_one_of_few_lengths_and_none_over_what_its_type_needs(void **state)
{
    static const struct {
        uint8_t type;
        size_t max;
        unsigned lengths;
    } cases[] = {
        {GX_EV_TOKEN, 64, 1},    {GX_EV_ALIAS, 512, 4},       {GX_EV_META, 512, 4},
        {GX_EV_TEXT, 58368, 61}, {GX_EV_INVITE, 58368, 61}, {GX_EV_REVEAL, 58368, 61},
    };
    (void)state;

    memset(bytes, 0x5a, sizeof bytes);
    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        unsigned taken = 0;
        for (size_t n = 0; n <= 60000; n++) {
            enum gx_err want = n > cases[i].max ? GX_E_TOO_BIG : is_padded(n) ? GX_OK : GX_E_MALFORMED, err = sealed_of(cases[i].type, 7, n);
            if (err != want)
                fail_msg("%s of %zu bytes: %s", gx_event_type_name(cases[i].type), n, gx_err_name(err));
            taken += err == GX_OK;
        }
        assert_int_equal(taken, cases[i].lengths);
    }
}

static void test_a_chain_has_4096_places(void **state)
{
    static const uint32_t beyond[] = {4096, 4097, 0x1000000, 0x80000000, 0xffffffff};
    (void)state;

    memset(bytes, 0x5a, 512);
    for (size_t i = 0; i < GX_ARRAY_LEN(sealed_types); i++) {
        assert_int_equal(sealed_of(sealed_types[i], 0, 64), GX_OK);
        assert_int_equal(sealed_of(sealed_types[i], 4095, 64), GX_OK);
        for (size_t k = 0; k < GX_ARRAY_LEN(beyond); k++)
            assert_int_equal(sealed_of(sealed_types[i], beyond[k], 64), GX_E_MALFORMED);
    }
}

/* As long as a type lets it be: what may be written can be sealed, too. */
static void test_the_longest_of_each_type_has_room_in_its_sealed_form(void **state)
{
    static char longest[GX_TEXT_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_body b = {.type = GX_EV_TEXT};
    (void)state;

    memset(longest, 't', sizeof longest);
    b.u.text = (struct gx_body_text){.text = gx_span(longest, sizeof longest), .has_reply = true};
    gx_plain_encode(&w, &b);
    assert_false(w.failed);
    assert_int_equal(sealed_of(GX_EV_TEXT, 0, gx_sealed_padded(w.n)), GX_OK);
    b = (struct gx_body){.type = GX_EV_META, .u.meta.name = gx_span(longest, GX_NAME_BYTES_MAX)};
    w = gx_wr(bytes, sizeof bytes);
    gx_plain_encode(&w, &b);
    assert_int_equal(sealed_of(GX_EV_META, 0, gx_sealed_padded(w.n)), GX_OK);
    b = (struct gx_body){.type = GX_EV_ALIAS, .u.alias.name = gx_span(longest, GX_NAME_BYTES_MAX)};
    w = gx_wr(bytes, sizeof bytes);
    gx_plain_encode(&w, &b);
    assert_int_equal(sealed_of(GX_EV_ALIAS, 0, gx_sealed_padded(w.n)), GX_OK);
}

/* An EPOCH for so many devices, whose logs count up. */
static size_t epoch_of(uint16_t n)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    for (unsigned i = 0; i < 3; i++) {
        uint8_t key[32];
        story_run(key, (uint8_t)(0x21 + 0x20 * i), sizeof key);
        gx_wr_bytes(&w, key, sizeof key);
    }
    gx_wr_u16(&w, n);
    for (unsigned i = 0; i < n; i++) {
        uint8_t slot[GX_EPOCH_SLOT_BYTES] = {(uint8_t)(i >> 8), (uint8_t)i};
        gx_wr_bytes(&w, slot, sizeof slot);
    }
    assert_false(w.failed);
    assert_int_equal(w.n, GX_EPOCH_BODY_BYTES(n));
    return w.n;
}

static uint8_t *slot_at(size_t i)
{
    return bytes + GX_EPOCH_BODY_BYTES(i);
}

static void test_an_epoch_is_for_1_to_1000_devices(void **state)
{
    struct gx_body out;
    (void)state;

    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, epoch_of(1)), GX_OK);
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, epoch_of(1000)), GX_OK);
    assert_int_equal(out.u.epoch.n, 1000);
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, epoch_of(0)), GX_E_MALFORMED);
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, epoch_of(1001)), GX_E_TOO_BIG);
    /* The number alone is enough to say so, before anything of that length is there. */
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, GX_EPOCH_BODY_BYTES(0)), GX_E_TOO_BIG);
    epoch_of(1000);
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, GX_EPOCH_BODY_BYTES(999)), GX_E_MALFORMED);
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, GX_EPOCH_BODY_BYTES(1000) + 1), GX_E_MALFORMED);
}

/* One slot a device, and one encoding of whom it is for: which secret is in it does not make it another's. */
static void test_slots_of_an_epoch_ascend_strictly_by_their_logs(void **state)
{
    struct gx_body out;
    size_t n = epoch_of(3);
    (void)state;

    memset(slot_at(1) + GX_EPOCH_LOG_BYTES, 0xff, 48);
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, n), GX_OK);
    slot_at(2)[1] = 1;
    memset(slot_at(2) + GX_EPOCH_LOG_BYTES, 0xff, 48);
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, n), GX_E_MALFORMED);        /* twice the same */
    memset(slot_at(1) + GX_EPOCH_LOG_BYTES, 0, 48);
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, n), GX_E_MALFORMED);        /* the same with another secret */
    slot_at(2)[GX_EPOCH_LOG_BYTES - 1] = 1;
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, n), GX_OK);
    slot_at(2)[1] = 0;
    assert_int_equal(decode(&out, GX_EV_EPOCH, bytes, n), GX_E_MALFORMED);        /* falling */
}

static void test_a_prekey_may_name_no_epoch(void **state)
{
    static const struct gx_event_id none;
    struct gx_body out;
    (void)state;

    story_run(bytes, 0x81, 32);
    memset(bytes + 32, 0, 32);
    assert_int_equal(decode(&out, GX_EV_PREKEY, bytes, 64), GX_OK);
    assert_true(gx_event_id_equal(&out.u.prekey.epoch, &none));
    assert_int_equal(decode(&out, GX_EV_PREKEY, bytes, 32), GX_E_MALFORMED);
}

static enum gx_err rules_of(const struct gx_rules *rules)
{
    struct gx_body b = {.type = GX_EV_CREATE}, out;
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    b.u.create.rules = *rules;
    b.u.create.founder = story()->alice.intro;
    gx_body_encode(&w, &b);
    return decode(&out, GX_EV_CREATE, bytes, w.n);
}

static void test_the_rules_of_a_group_can_be_smaller_and_never_larger(void **state)
{
    static const struct {
        struct gx_rules rules;
        enum gx_err want;
    } cases[] = {
        {{1, 0, 500, 100, 0}, GX_OK},          {{1, 0, 1, 0, 0}, GX_OK},           {{1, 0, 50, 50, 0}, GX_OK},
        {{1, 0, 50, 51, 0}, GX_E_MALFORMED},   {{1, 0, 0, 0, 0}, GX_E_MALFORMED},  {{1, 0, 501, 100, 0}, GX_E_MALFORMED},
        {{1, 0, 500, 101, 0}, GX_E_MALFORMED}, {{0, 0, 500, 100, 0}, GX_E_VERSION}, {{2, 0, 500, 100, 0}, GX_E_VERSION},
        {{1, 2, 2, 0, 0}, GX_E_VERSION},       {{1, 0, 500, 100, 1000}, GX_OK},    {{1, 0, 65535, 65535, 0}, GX_E_MALFORMED},
        {{1, 0, 1, 0, 1}, GX_OK},              {{1, 0, 500, 100, 1001}, GX_E_MALFORMED},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        enum gx_err err = rules_of(&cases[i].rules);
        if (err != cases[i].want)
            fail_msg("case %zu: %s", i, gx_err_name(err));
    }
}

static void test_a_direct_chat_is_of_two_and_no_code_leads_in(void **state)
{
    static const struct {
        struct gx_rules rules;
        enum gx_err want;
    } cases[] = {
        {{1, 1, 2, 0, 0}, GX_OK},          {{1, 1, 1, 0, 0}, GX_E_MALFORMED}, {{1, 1, 3, 0, 0}, GX_E_MALFORMED},
        {{1, 1, 2, 1, 0}, GX_E_MALFORMED}, {{1, 1, 2, 2, 0}, GX_E_MALFORMED}, {{1, 1, 500, 100, 0}, GX_E_MALFORMED},
        {{1, 1, 2, 0, 1}, GX_E_MALFORMED}, {{2, 1, 2, 0, 0}, GX_E_VERSION},   {{1, 255, 2, 0, 0}, GX_E_VERSION},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        enum gx_err err = rules_of(&cases[i].rules);
        if (err != cases[i].want)
            fail_msg("case %zu: %s", i, gx_err_name(err));
    }
}

/* One key that X25519 refuses would stop every rekey of the group.  These are its small-order points. */
static void test_a_key_that_x25519_refuses_makes_its_body_malformed(void **state)
{
    static const uint8_t zero[32], one[32] = {1};
    static const uint8_t *const bad[] = {zero, one};
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(bad); i++)
        for (size_t at = 0; at < 2; at++) {
            static const size_t in_intro[] = {0, GX_INTRO_BYTES - 32};
            struct gx_body out;
            struct gx_span body = s->ev[STORY_CREATE].body;
            memcpy(bytes, body.p, body.n);
            memcpy(bytes + 8 + in_intro[at], bad[i], 32);
            assert_int_equal(decode(&out, GX_EV_CREATE, bytes, body.n), GX_E_MALFORMED);
            body = s->ev[STORY_ADMIT].body;
            memcpy(bytes, body.p, body.n);
            memcpy(bytes + body.n - 128 - GX_INTRO_BYTES + in_intro[at], bad[i], 32);
            assert_int_equal(decode(&out, GX_EV_ADMIT, bytes, body.n), GX_E_MALFORMED);
        }
}

static void test_an_epoch_or_a_prekey_with_a_key_that_x25519_refuses_is_malformed(void **state)
{
    static const struct {
        enum story_event which;
        size_t at;
    } cases[] = {{STORY_EPOCH, 0}, {STORY_EPOCH, 64}, {STORY_PREKEY, 0}};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++)
        for (uint8_t low = 0; low < 2; low++) {
            const struct gx_event *ev = &story()->ev[cases[i].which];
            struct gx_body out;
            memcpy(bytes, ev->body.p, ev->body.n);
            assert_int_equal(decode_as(&out, ev, bytes, ev->body.n), GX_OK);
            memset(bytes + cases[i].at, 0, 32);
            bytes[cases[i].at] = low;
            assert_int_equal(decode_as(&out, ev, bytes, ev->body.n), GX_E_MALFORMED);
        }
    /* conf, and what a PREKEY is said instead of, are no keys. */
    const struct gx_event *ev = &story()->ev[STORY_EPOCH];
    struct gx_body out;
    memcpy(bytes, ev->body.p, ev->body.n);
    memset(bytes + 32, 0, 32);
    assert_int_equal(decode_as(&out, ev, bytes, ev->body.n), GX_OK);
}

static void test_an_intro_goes_there_and_back(void **state)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_intro got;
    (void)state;

    gx_intro_write(&w, &story()->bob.intro);
    assert_int_equal(w.n, GX_INTRO_BYTES);
    struct gx_rd r = gx_rd(gx_wr_span(&w));
    gx_intro_read(&r, &got);
    assert_int_equal(gx_rd_finish(&r), GX_OK);
    assert_memory_equal(&got, &story()->bob.intro, sizeof got);
}

static size_t request_bytes(const struct gx_join_request *req)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_join_request_write(&w, req);
    assert_false(w.failed);
    assert_int_equal(w.n, GX_JOIN_REQUEST_BYTES(req->via, req->n_heads));
    return w.n;
}

static void test_both_signatures_of_a_request_cover_the_same_bytes_each_with_its_domain(void **state)
{
    const struct story *s = story();
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    gx_join_request_write_signed(&w, &s->request);
    assert_int_equal(w.n, GX_JOIN_REQUEST_BYTES(GX_VIA_QR, 2) - 128);
    assert_true(gx_verify(&s->bob.device_pk, GX_DOMAIN_JOIN, gx_wr_span(&w), &s->request.device_sig));
    assert_true(gx_verify(&s->keys.pk, GX_DOMAIN_JOIN_TOKEN, gx_wr_span(&w), &s->request.token_sig));
    assert_false(gx_verify(&s->keys.pk, GX_DOMAIN_JOIN, gx_wr_span(&w), &s->request.token_sig));
}

static void test_heads_of_a_request_are_none_to_255_and_ascend(void **state)
{
    static uint8_t heads[32 * 255];
    struct gx_join_request req = story()->request, out;
    (void)state;

    for (size_t i = 0; i < 255; i++)
        heads[32 * i] = (uint8_t)i;
    req.heads = heads;
    req.n_heads = 255;
    assert_int_equal(request_bytes(&req), GX_JOIN_REQUEST_MAX);
    assert_int_equal(gx_join_request_decode(&out, gx_span(bytes, GX_JOIN_REQUEST_MAX)), GX_OK);
    assert_int_equal(gx_join_request_decode(&out, gx_span(bytes, GX_JOIN_REQUEST_MAX + 1)), GX_E_TOO_BIG);
    heads[32 * 254] = 253;
    size_t n = request_bytes(&req);
    assert_int_equal(gx_join_request_decode(&out, gx_span(bytes, n)), GX_E_MALFORMED);
    heads[32 * 254] = 254;
    req.n_heads = 0;
    n = request_bytes(&req);
    assert_int_equal(gx_join_request_decode(&out, gx_span(bytes, n)), GX_OK);
    assert_int_equal(out.n_heads, 0);
}

/* Nobody holds a code, so there is one signature less; what it covers names the inviter. */
static void test_a_request_by_a_contacts_invitation_is_signed_by_the_joiner_alone(void **state)
{
    const struct story *s = story();
    static const struct gx_event_id no_token;
    static const struct gx_sign_pk nobody;
    struct gx_join_request req = s->contact_request, out;
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    gx_join_request_write_signed(&w, &req);
    assert_int_equal(w.n, GX_JOIN_REQUEST_BYTES(GX_VIA_INV, 1) - 64);
    assert_true(gx_verify(&s->bob.device_pk, GX_DOMAIN_JOIN, gx_wr_span(&w), &req.device_sig));
    assert_memory_equal(bytes + 33, s->alice.member_pk.b, 32);
    assert_int_equal(request_bytes(&req), 330 + 32);
    assert_int_equal(gx_join_request_decode(&out, gx_span(bytes, 330 + 32)), GX_OK);
    assert_true(gx_sign_pk_equal(&out.inviter, &s->alice.member_pk));
    assert_true(gx_event_id_equal(&out.token, &no_token));
    /* With the signature of a code behind it, it is neither. */
    assert_int_equal(gx_join_request_decode(&out, gx_span(bytes, 394 + 32)), GX_E_MALFORMED);
    bytes[32] = GX_VIA_QR;
    assert_int_equal(gx_join_request_decode(&out, gx_span(bytes, 330 + 32)), GX_E_MALFORMED);
    assert_int_equal(gx_join_request_decode(&out, gx_span(bytes, 394 + 32)), GX_OK);
    assert_true(gx_sign_pk_equal(&out.inviter, &nobody));
}

static void test_the_way_in_is_by_code_or_by_a_contacts_invitation(void **state)
{
    struct gx_join_request req = story()->request, out;
    (void)state;

    for (unsigned via = 0; via < 256; via++) {
        req.via = (uint8_t)via;
        size_t n = request_bytes(&req);
        enum gx_err want = via == GX_VIA_QR || via == GX_VIA_INV ? GX_OK : GX_E_MALFORMED;
        assert_int_equal(gx_join_request_decode(&out, gx_span(bytes, n)), want);
    }
}

/* Its signatures would hold, in the group they were made for. */
static void test_a_request_for_another_group_is_not_admitted_to_this_one(void **state)
{
    struct gx_event ev = story()->ev[STORY_ADMIT];
    struct gx_body out;
    (void)state;

    ev.group.b[5] ^= 1;
    assert_int_equal(gx_body_decode(&out, &ev), GX_E_MALFORMED);
}

/* The body of `type` with these cuts; REMOVE and BAN say first of whom. */
static enum gx_err cuts_of(uint8_t type, const struct gx_cut *cuts, uint16_t n)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_body out;

    if (type != GX_EV_LEAVE)
        gx_wr_bytes(&w, story()->bob.member_pk.b, sizeof story()->bob.member_pk.b);
    gx_wr_u16(&w, n);
    for (size_t i = 0; i < n; i++)
        gx_cut_write(&w, &cuts[i]);
    assert_false(w.failed);
    return decode(&out, type, bytes, w.n);
}

static void test_cuts_ascend_and_name_an_event(void **state)
{
    static const uint8_t types[] = {GX_EV_LEAVE, GX_EV_REMOVE, GX_EV_BAN};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(types); i++) {
        struct gx_cut two[2] = {{.log = {{1}}, .seq = 1}, {.log = {{2}}, .seq = GX_EVENT_SEQ_MAX}};
        assert_int_equal(cuts_of(types[i], two, 0), GX_OK);
        assert_int_equal(cuts_of(types[i], two, 2), GX_OK);
        two[1].log.b[0] = 1;
        assert_int_equal(cuts_of(types[i], two, 2), GX_E_MALFORMED);
        two[1].log.b[0] = 0;
        assert_int_equal(cuts_of(types[i], two, 2), GX_E_MALFORMED);
        two[0].seq = 0;
        assert_int_equal(cuts_of(types[i], two, 1), GX_E_MALFORMED);
        two[0].seq = 0xffffffff;
        assert_int_equal(cuts_of(types[i], two, 1), GX_E_MALFORMED);
    }
}

/* A log of messages for each of a thousand lives: more than anybody has. */
static void test_as_many_cuts_as_a_body_holds_can_be_named(void **state)
{
    static struct gx_cut cuts[(GX_EVENT_BODY_MAX - 34) / GX_CUT_BYTES];
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cuts); i++)
        cuts[i] = (struct gx_cut){.log = {{(uint8_t)(i >> 8), (uint8_t)i}}, .seq = 1};
    assert_true(GX_ARRAY_LEN(cuts) > 1000);
    assert_int_equal(cuts_of(GX_EV_REMOVE, cuts, GX_ARRAY_LEN(cuts)), GX_OK);
}

static void test_a_revocation_is_of_one_token_or_of_one_members(void **state)
{
    struct gx_body out;
    (void)state;

    memset(bytes, 0, 33);
    for (unsigned what = 0; what < 256; what++) {
        enum gx_err want = what == 0 ? GX_E_MALFORMED : what > GX_REVOKE_MEMBER ? GX_E_VERSION : GX_OK;
        bytes[0] = (uint8_t)what;
        assert_int_equal(decode(&out, GX_EV_REVOKE, bytes, 33), want);
    }
}

static size_t name_of(const char *name, size_t n)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_u16(&w, (uint16_t)n);
    gx_wr_bytes(&w, name, n);
    return w.n;
}

static void test_names_are_utf8_of_at_most_256_bytes(void **state)
{
    static char long_name[300];
    struct gx_body out;
    (void)state;

    memset(long_name, 'n', sizeof long_name);
    assert_int_equal(decode_plain(&out, GX_EV_ALIAS, bytes, name_of("", 0)), GX_OK);
    assert_int_equal(decode_plain(&out, GX_EV_META, bytes, name_of("", 0)), GX_E_MALFORMED);
    assert_int_equal(decode_plain(&out, GX_EV_META, bytes, name_of("x", 1)), GX_OK);
    assert_int_equal(decode_plain(&out, GX_EV_ALIAS, bytes, name_of(long_name, 256)), GX_OK);
    assert_int_equal(out.u.alias.name.n, 256);
    assert_int_equal(decode_plain(&out, GX_EV_ALIAS, bytes, name_of(long_name, 257)), GX_E_TOO_BIG);
    assert_int_equal(decode_plain(&out, GX_EV_META, bytes, name_of(long_name, 257)), GX_E_TOO_BIG);
    assert_int_equal(decode_plain(&out, GX_EV_ALIAS, bytes, name_of("\xff", 1)), GX_E_MALFORMED);
    assert_int_equal(decode_plain(&out, GX_EV_META, bytes, name_of("a\0b", 3)), GX_E_MALFORMED);
}

/* wall_ms, then fields given as tag and length; values are all 'v'. */
static size_t text_of(const struct gx_span *fields, const uint8_t *tags, size_t n)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_u64(&w, 1);
    for (size_t i = 0; i < n; i++) {
        gx_wr_u8(&w, tags[i]);
        gx_wr_u16(&w, (uint16_t)fields[i].n);
        gx_wr_bytes(&w, fields[i].p, fields[i].n);
    }
    assert_false(w.failed);
    return w.n;
}

static void test_fields_of_a_text_ascend_and_unknown_ones_are_skipped(void **state)
{
    static const char v[] = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
    static const struct {
        size_t n;
        uint8_t tags[4];
        size_t lens[4];
        enum gx_err want;
    } cases[] = {
        {1, {1}, {5}, GX_OK},
        {2, {1, 2}, {5, 32}, GX_OK},
        {4, {0, 1, 2, 3}, {9, 5, 32, 0}, GX_OK},
        {3, {1, 7, 255}, {5, 7, 20}, GX_OK},
        {0, {0}, {0}, GX_E_MALFORMED},                      /* no text */
        {1, {2}, {32}, GX_E_MALFORMED},
        {1, {9}, {5}, GX_E_MALFORMED},
        {1, {1}, {0}, GX_E_MALFORMED},                      /* an empty one */
        {2, {1, 1}, {5, 5}, GX_E_MALFORMED},                /* twice */
        {3, {1, 2, 2}, {5, 32, 32}, GX_E_MALFORMED},
        {2, {2, 1}, {32, 5}, GX_E_MALFORMED},               /* out of order */
        {3, {1, 9, 8}, {5, 1, 1}, GX_E_MALFORMED},
        {3, {1, 9, 9}, {5, 1, 1}, GX_E_MALFORMED},
        {2, {1, 2}, {5, 31}, GX_E_MALFORMED},               /* an id that is none */
        {2, {1, 2}, {5, 33}, GX_E_MALFORMED},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        struct gx_span fields[4];
        struct gx_body out;
        for (size_t k = 0; k < cases[i].n; k++)
            fields[k] = gx_span(v, cases[i].lens[k]);
        enum gx_err err = decode_plain(&out, GX_EV_TEXT, bytes, text_of(fields, cases[i].tags, cases[i].n));
        if (err != cases[i].want)
            fail_msg("case %zu: %s", i, gx_err_name(err));
        if (err == GX_OK)
            assert_int_equal(out.u.text.text.n, 5);
    }
}

static void test_a_text_is_utf8_of_at_most_56_kib(void **state)
{
    static char longest[GX_TEXT_BYTES_MAX + 1];
    const uint8_t tag = 1;
    struct gx_body out;
    (void)state;

    memset(longest, 't', sizeof longest);
    struct gx_span text = gx_span(longest, GX_TEXT_BYTES_MAX);
    assert_int_equal(decode_plain(&out, GX_EV_TEXT, bytes, text_of(&text, &tag, 1)), GX_OK);
    text.n++;
    assert_int_equal(decode_plain(&out, GX_EV_TEXT, bytes, text_of(&text, &tag, 1)), GX_E_TOO_BIG);
    text = story_str("\xc3");
    assert_int_equal(decode_plain(&out, GX_EV_TEXT, bytes, text_of(&text, &tag, 1)), GX_E_MALFORMED);
}

/* wall_ms and inviter, then fields. */
static enum gx_err invite_of(const struct gx_span *fields, const uint8_t *tags, size_t n)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_body out;

    gx_wr_u64(&w, 1);
    gx_wr_bytes(&w, story()->bob.member_pk.b, 32);
    for (size_t i = 0; i < n; i++) {
        gx_wr_u8(&w, tags[i]);
        gx_wr_u16(&w, (uint16_t)fields[i].n);
        gx_wr_bytes(&w, fields[i].p, fields[i].n);
    }
    assert_false(w.failed);
    return decode_plain(&out, GX_EV_INVITE, bytes, w.n);
}

static void test_an_invitation_holds_a_founding_event_and_perhaps_a_title(void **state)
{
    static uint8_t create[GX_CREATE_EVENT_BYTES + 1], token[GX_CREATE_EVENT_BYTES];
    static char longest[GX_NAME_BYTES_MAX + 1];
    const struct story *s = story();
    struct gx_event other = s->ev[STORY_TOKEN];
    uint8_t body[GX_CREATE_EVENT_BYTES] = {0};
    (void)state;

    memcpy(create, s->founding, sizeof s->founding);
    memset(longest, 't', sizeof longest);
    const struct gx_span whole = gx_span(create, GX_CREATE_EVENT_BYTES), title = gx_span(longest, GX_NAME_BYTES_MAX);
    const struct gx_span cases[][3] = {{whole, title}, {whole, gx_span(longest, 0)}, {whole, gx_span(longest, GX_NAME_BYTES_MAX + 1)},
                                       {whole, story_str("\xff")}, {gx_span(create, whole.n - 1), title}, {gx_span(create, whole.n + 1), title}};
    const enum gx_err want[] = {GX_OK, GX_E_MALFORMED, GX_E_TOO_BIG, GX_E_MALFORMED, GX_E_MALFORMED, GX_E_MALFORMED};
    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++)
        assert_int_equal(invite_of(cases[i], (const uint8_t[]){1, 2}, 2), want[i]);
    assert_int_equal(invite_of(cases[0], (const uint8_t[]){1, 9}, 2), GX_OK);        /* skipped */
    assert_int_equal(invite_of(&whole, (const uint8_t[]){1}, 1), GX_OK);
    assert_int_equal(invite_of(&title, (const uint8_t[]){2}, 1), GX_E_MALFORMED);
    assert_int_equal(invite_of(&title, (const uint8_t[]){3}, 1), GX_E_MALFORMED);
    assert_int_equal(invite_of(NULL, NULL, 0), GX_E_MALFORMED);
    assert_int_equal(invite_of((const struct gx_span[]){title, whole}, (const uint8_t[]){2, 1}, 2), GX_E_MALFORMED);
    assert_int_equal(invite_of((const struct gx_span[]){whole, whole}, (const uint8_t[]){1, 1}, 2), GX_E_MALFORMED);

    /* As long, and another event. */
    other.body = gx_span(body, GX_CREATE_EVENT_BYTES - GX_EVENT_HDR0_BYTES(1) - 96);
    gx_event_seal(&other, &s->alice.device_sk);
    assert_int_equal(story_encode(token, sizeof token, &other), GX_CREATE_EVENT_BYTES);
    const struct gx_span wrong = gx_span(token, sizeof token);
    assert_int_equal(invite_of(&wrong, (const uint8_t[]){1}, 1), GX_E_MALFORMED);
    create[GX_CREATE_EVENT_BYTES - 1] ^= 1;        /* not the body that the id is of */
    assert_int_equal(invite_of(&whole, (const uint8_t[]){1}, 1), GX_E_SIGNATURE);
    create[0] = GX_EVENT_VERSION + 1;
    assert_int_equal(invite_of(&whole, (const uint8_t[]){1}, 1), GX_E_VERSION);
}

static void test_the_door_key_of_a_token_is_32_bytes(void **state)
{
    struct gx_body out;
    (void)state;

    story_run(bytes, 0x11, 33);
    for (size_t n = 0; n <= 64; n++)
        assert_int_equal(decode_plain(&out, GX_EV_TOKEN, bytes, n), n == 32 ? GX_OK : GX_E_MALFORMED);
}

static void test_what_a_later_version_adds_to_a_reveal_is_skipped(void **state)
{
    struct gx_span plain = plain_of(STORY_REVEAL);
    struct gx_body out;
    (void)state;

    memcpy(bytes, plain.p, plain.n);
    memcpy(bytes + plain.n, "\x00\x01\x00x\x09\x00\x00", 7);
    assert_int_equal(decode_plain(&out, GX_EV_REVEAL, bytes, plain.n), GX_OK);
    assert_int_equal(decode_plain(&out, GX_EV_REVEAL, bytes, plain.n + 4), GX_OK);
    assert_int_equal(decode_plain(&out, GX_EV_REVEAL, bytes, plain.n + 7), GX_OK);
    bytes[plain.n] = 9;
    assert_int_equal(decode_plain(&out, GX_EV_REVEAL, bytes, plain.n + 7), GX_E_MALFORMED);
}

/* One bit wrong: refused, or another body that is encoded as the very bytes it came from.  Nothing else. */
static void test_a_body_with_a_flipped_bit_is_refused_or_another_canonical_body(void **state)
{
    const struct story *s = story();
    unsigned refused = 0, other = 0;
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        struct gx_span body = s->ev[i].body;
        uint8_t copy[1024], again[1024];
        memcpy(copy, body.p, body.n);
        for (size_t bit = 0; bit < 8 * body.n; bit++) {
            struct gx_body out;
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (decode_as(&out, &s->ev[i], copy, body.n) == GX_OK) {
                struct gx_wr w = gx_wr(again, sizeof again);
                gx_body_encode(&w, &out);
                assert_true(gx_span_equal(gx_wr_span(&w), gx_span(copy, body.n)));
                other++;
            } else {
                refused++;
            }
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    printf("flipped bits of bodies: %u refused, %u another body\n", refused, other);
    assert_true(refused > 100 && other > 1000);
}

static void test_a_plain_form_with_a_flipped_bit_is_refused_or_another_canonical_one(void **state)
{
    unsigned refused = 0, other = 0;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(sealed_events); i++) {
        enum story_event which = sealed_events[i];
        struct gx_span plain = plain_of(which);
        uint8_t copy[1024], again[1024];
        memcpy(copy, plain.p, plain.n);
        for (size_t bit = 0; bit < 8 * plain.n; bit++) {
            struct gx_body out;
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (decode_plain(&out, story()->ev[which].type, copy, plain.n) == GX_OK) {
                struct gx_wr w = gx_wr(again, sizeof again);
                gx_plain_encode(&w, &out);
                /* A reply or a title whose tag became an unknown one is skipped, and so not written again. */
                if (!(which == STORY_REPLY && !out.u.text.has_reply) && !(which == STORY_INVITE && out.u.invite.title.p == NULL))
                    assert_true(gx_span_equal(gx_wr_span(&w), gx_span(copy, plain.n)));
                other++;
            } else {
                refused++;
            }
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    printf("flipped bits of plain forms: %u refused, %u another\n", refused, other);
    assert_true(refused > 100 && other > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_body_of_the_story_is_encoded_as_it_was_decoded),
        cmocka_unit_test(test_every_plain_form_of_the_story_is_encoded_as_it_was_decoded),
        cmocka_unit_test(test_the_fields_come_back),
        cmocka_unit_test(test_the_outside_of_what_is_sealed_comes_back),
        cmocka_unit_test(test_what_was_sealed_comes_back),
        cmocka_unit_test(test_an_epoch_and_a_prekey_come_back),
        cmocka_unit_test(test_what_contacts_say_comes_back),
        cmocka_unit_test(test_who_is_meant_comes_back),
        cmocka_unit_test(test_a_handing_over_holds_the_consent_that_was_given_to_its_offer),
        cmocka_unit_test(test_consent_holds_for_its_group_offer_member_and_device_alone),
        cmocka_unit_test(test_an_answer_is_yes_with_a_signature_or_no_without),
        cmocka_unit_test(test_a_checkpoint_says_nothing_but_its_deps),
        cmocka_unit_test(test_cuts_are_read_one_by_one),
        cmocka_unit_test(test_every_truncation_and_every_byte_too_many_is_refused),
        cmocka_unit_test(test_every_truncation_of_a_plain_form_and_every_byte_too_many_is_refused),
        cmocka_unit_test(test_a_deleted_body_is_absent_and_an_unknown_type_is_of_another_version),
        cmocka_unit_test(test_what_has_to_be_sealed_is_not_taken_in_the_clear),
        cmocka_unit_test(test_what_is_sealed_has_one_of_few_lengths_and_none_over_what_its_type_needs),
        cmocka_unit_test(test_a_chain_has_4096_places),
        cmocka_unit_test(test_the_longest_of_each_type_has_room_in_its_sealed_form),
        cmocka_unit_test(test_an_epoch_is_for_1_to_1000_devices),
        cmocka_unit_test(test_slots_of_an_epoch_ascend_strictly_by_their_logs),
        cmocka_unit_test(test_a_prekey_may_name_no_epoch),
        cmocka_unit_test(test_the_rules_of_a_group_can_be_smaller_and_never_larger),
        cmocka_unit_test(test_a_direct_chat_is_of_two_and_no_code_leads_in),
        cmocka_unit_test(test_a_key_that_x25519_refuses_makes_its_body_malformed),
        cmocka_unit_test(test_an_epoch_or_a_prekey_with_a_key_that_x25519_refuses_is_malformed),
        cmocka_unit_test(test_an_intro_goes_there_and_back),
        cmocka_unit_test(test_both_signatures_of_a_request_cover_the_same_bytes_each_with_its_domain),
        cmocka_unit_test(test_heads_of_a_request_are_none_to_255_and_ascend),
        cmocka_unit_test(test_a_request_by_a_contacts_invitation_is_signed_by_the_joiner_alone),
        cmocka_unit_test(test_the_way_in_is_by_code_or_by_a_contacts_invitation),
        cmocka_unit_test(test_a_request_for_another_group_is_not_admitted_to_this_one),
        cmocka_unit_test(test_cuts_ascend_and_name_an_event),
        cmocka_unit_test(test_as_many_cuts_as_a_body_holds_can_be_named),
        cmocka_unit_test(test_a_revocation_is_of_one_token_or_of_one_members),
        cmocka_unit_test(test_names_are_utf8_of_at_most_256_bytes),
        cmocka_unit_test(test_fields_of_a_text_ascend_and_unknown_ones_are_skipped),
        cmocka_unit_test(test_a_text_is_utf8_of_at_most_56_kib),
        cmocka_unit_test(test_an_invitation_holds_a_founding_event_and_perhaps_a_title),
        cmocka_unit_test(test_the_door_key_of_a_token_is_32_bytes),
        cmocka_unit_test(test_what_a_later_version_adds_to_a_reveal_is_skipped),
        cmocka_unit_test(test_a_body_with_a_flipped_bit_is_refused_or_another_canonical_body),
        cmocka_unit_test(test_a_plain_form_with_a_flipped_bit_is_refused_or_another_canonical_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
