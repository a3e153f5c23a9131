#include "tests/unit/proto/frames.h"

static uint8_t bytes[GX_FRAME_BYTES_MAX + 64];

static const struct {
    uint8_t number;
    const char *name;
} rows[] = {
#define GX_X(id, number, text) {number, text},
    GX_FRAME_LIST(GX_X)
#undef GX_X
};

static void test_the_list_of_kinds_is_what_the_functions_say(void **state)
{
    unsigned known = 0;
    (void)state;

    for (unsigned kind = 0; kind < 256; kind++) {
        const char *want = "?";
        for (size_t i = 0; i < GX_ARRAY_LEN(rows); i++)
            if (rows[i].number == kind)
                want = rows[i].name;
        assert_string_equal(gx_frame_kind_name((uint8_t)kind), want);
        known += strcmp(want, "?") != 0;
    }
    assert_int_equal(known, GX_ARRAY_LEN(rows));
}

static void test_there_is_a_sample_of_every_kind_and_it_decodes(void **state)
{
    const struct frames *f = frames();
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(rows); i++) {
        bool seen = false;
        for (size_t k = 0; k < f->n; k++)
            seen |= f->at[k].b[0] == rows[i].number;
        if (!seen)
            fail_msg("no sample of %s", rows[i].name);
    }
    for (size_t k = 0; k < f->n; k++) {
        struct gx_frame frame;
        enum gx_err err = gx_frame_decode(&frame, gx_span(f->at[k].b, f->at[k].len));
        if (err != GX_OK)
            fail_msg("%s: %s", f->at[k].name, gx_err_name(err));
        assert_int_equal(frame.kind, f->at[k].b[0]);
    }
}

static struct gx_frame decoded(const char *name)
{
    struct gx_frame f;

    assert_int_equal(gx_frame_decode(&f, frames_get(name)), GX_OK);
    return f;
}

static void test_short_frames_come_back(void **state)
{
    const struct story *s = story();
    struct gx_transcript t;
    uint8_t signed_bytes[GX_GUEST_SIGNED_BYTES];
    (void)state;

    frames_transcript(&t);
    struct gx_frame f = decoded("hello");
    assert_int_equal(f.version, GX_WIRE_VERSION);
    assert_memory_equal(&f.nonce, &t.client_nonce, 32);
    f = decoded("ping");
    assert_int_equal(f.echo, 0x0102030405060708);
    f = decoded("admitted");
    assert_true(gx_event_id_equal(&f.event, &s->ev[STORY_ADMIT].id));
    f = decoded("refused");
    assert_int_equal(f.reason, GX_DENY_FULL);
    f = decoded("bye");
    assert_int_equal(f.reason, GX_BYE_STOPPING);
    f = decoded("guest");
    assert_true(gx_sign_pk_equal(&f.device, &s->bob.device_pk));
    gx_guest_signed_bytes(signed_bytes, &f.device, &t);
    assert_true(gx_verify(&s->keys.pk, GX_DOMAIN_GUEST, gx_span(signed_bytes, sizeof signed_bytes), &f.sig));
    f = decoded("link");
    assert_int_equal(f.channel, 1);
    assert_int_equal(f.flags, GX_LINK_EAGER);
}

static void test_a_join_frame_holds_the_request(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("join");
    struct gx_join_request req;
    (void)state;

    assert_true(gx_span_equal(f.bytes, s->ev[STORY_ADMIT].body));
    assert_int_equal(gx_join_request_decode(&req, f.bytes), GX_OK);
    assert_true(gx_sign_pk_equal(&req.joiner.device, &s->bob.device_pk));
}

static void test_a_card_frame_tells_who_founded_what_and_where(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("card");
    struct gx_event create;
    uint8_t signed_bytes[GX_ENDPOINT_SIGNED_MAX];
    (void)state;

    assert_true(gx_card_check(&f.card));
    assert_int_equal(f.card.serial, 0x01020304);
    assert_true(gx_span_equal(f.name, story_str("Alice \xe7\x88\xb1")));
    assert_int_equal(f.mac.b[0], 0xd8);
    assert_int_equal(gx_event_decode(&create, f.create), GX_OK);
    assert_memory_equal(create.id.b, s->direct.b, 32);
    assert_int_equal(f.endpoint.n_addrs, 2);
    size_t n = gx_endpoint_signed_bytes(signed_bytes, &f.endpoint, &s->direct);
    assert_true(gx_verify(&s->alice.device_pk, GX_DOMAIN_ENDPOINT, gx_span(signed_bytes, n), &f.endpoint.sig));
}

static void test_who_asks_a_contact_to_be_let_in_names_channel_and_request(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("ask");
    struct gx_join_request req;
    (void)state;

    assert_int_equal(f.channel, 1);
    assert_int_equal(f.mac.b[31], 0xe0 + 31);
    assert_true(gx_span_equal(f.bytes, s->ev[STORY_ADMIT_CONTACT].body));
    assert_int_equal(gx_join_request_decode(&req, f.bytes), GX_OK);
    assert_true(gx_sign_pk_equal(&req.inviter, &s->alice.member_pk));
    f = decoded("denied");
    assert_int_equal(f.channel, 1);
    assert_int_equal(f.reason, GX_DENY_BANNED);
    assert_int_equal(decoded("baseline").channel, 0);
}

/* Where a name begins in a CARD, and behind it the length of a CREATE. */
#define CARD_NAME_AT (1u + 132u + 32u)

static enum gx_err card_with_name(const void *name, size_t n)
{
    struct gx_span sample = frames_get("card");
    struct gx_frame f;
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    size_t rest = CARD_NAME_AT + 2 + decoded("card").name.n;

    gx_wr_bytes(&w, sample.p, CARD_NAME_AT);
    gx_wr_u16(&w, (uint16_t)n);
    gx_wr_bytes(&w, name, n);
    gx_wr_bytes(&w, sample.p + rest, sample.n - rest);
    return gx_frame_decode(&f, gx_wr_span(&w));
}

static void test_the_name_on_a_card_is_utf8_of_1_to_256_bytes(void **state)
{
    static char longest[GX_NAME_BYTES_MAX + 1];
    (void)state;

    memset(longest, 'n', sizeof longest);
    assert_int_equal(card_with_name(longest, 1), GX_OK);
    assert_int_equal(card_with_name(longest, GX_NAME_BYTES_MAX), GX_OK);
    assert_int_equal(card_with_name(longest, GX_NAME_BYTES_MAX + 1), GX_E_TOO_BIG);
    assert_int_equal(card_with_name(longest, 0), GX_E_MALFORMED);
    assert_int_equal(card_with_name("\xc3", 1), GX_E_MALFORMED);
}

static void test_a_card_with_a_key_that_x25519_refuses_is_refused(void **state)
{
    struct gx_span sample = frames_get("card");
    struct gx_frame f;
    (void)state;

    memcpy(bytes, sample.p, sample.n);
    memset(bytes + 1 + 32, 0, 32);
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, sample.n)), GX_E_MALFORMED);
}

static void test_tags_and_proofs_come_back(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("tags");
    struct gx_transcript t;
    uint8_t signed_bytes[GX_PROOF_SIGNED_BYTES];
    (void)state;

    struct gx_tag own = frames_gate_tag(s), first = gx_frame_tag_at(&f, 0), last = gx_frame_tag_at(&f, 63);
    assert_int_equal(f.n, GX_FRAME_TAGS_PAD);
    assert_memory_equal(&first, &own, 16);
    assert_int_equal(last.b[0], 63);

    f = decoded("proof");
    assert_int_equal(f.n, 1);
    struct gx_proof proof = gx_frame_proof_at(&f, 0);
    assert_int_equal(proof.channel, 1);
    assert_true(gx_sign_pk_equal(&proof.device, &s->bob.device_pk));
    frames_transcript(&t);
    gx_proof_signed_bytes(signed_bytes, &s->group, GX_ROLE_CLIENT, &t);
    assert_true(gx_verify(&proof.device, GX_DOMAIN_SESSION, gx_span(signed_bytes, sizeof signed_bytes), &proof.sig));
    /* The same proof sent back by the server proves nothing. */
    gx_proof_signed_bytes(signed_bytes, &s->group, GX_ROLE_SERVER, &t);
    assert_false(gx_verify(&proof.device, GX_DOMAIN_SESSION, gx_span(signed_bytes, sizeof signed_bytes), &proof.sig));
}

static void test_sums_buckets_and_records_come_back(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("sum");
    struct gx_record_entry record;
    (void)state;

    assert_int_equal(f.flags, GX_SUM_ASK);
    assert_int_equal(f.n, 2);
    assert_int_equal(gx_frame_channel_at(&f, 0), 1);
    assert_int_equal(gx_frame_channel_at(&f, 1), 0x8001);
    assert_memory_equal(f.sum, "\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7", 8);

    f = decoded("buckets");
    assert_int_equal(f.bits, 1);
    assert_int_equal(f.record_bits, 0);
    assert_memory_equal(f.list.p, "\x10\x11\x12\x13\x14\x15\x16\x17", 8);
    assert_memory_equal(f.bytes.p, "\x18\x19\x1a\x1b", 4);

    f = decoded("records");
    assert_int_equal(f.n, 2);
    record = gx_frame_record_at(&f, 0);
    assert_memory_equal(record.device, s->bob.device_pk.b, 8);
    assert_int_equal(record.counter, 7);
    assert_memory_equal(record.check, "\xd0\xd1\xd2\xd3", 4);
    assert_int_equal(gx_frame_record_at(&f, 1).counter, 0);
}

static void test_heads_frontiers_and_wants_come_back(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("heads");
    (void)state;

    struct gx_event_id head = gx_frame_head_at(&f, 0);
    assert_int_equal(f.channel, 1);
    assert_true(gx_event_id_equal(&head, &s->ev[STORY_LEAVE].id));

    f = decoded("frontier");
    assert_int_equal(f.flags, 0);
    assert_int_equal(f.n, 2);
    struct gx_frontier_entry e = gx_frame_frontier_at(&f, 0);
    assert_memory_equal(e.tag.b, s->alice.control.b, 8);
    assert_int_equal(e.seq, 5);
    assert_memory_equal(e.check, s->ev[STORY_REVOKE].id.b, 4);
    e = gx_frame_frontier_at(&f, 1);
    assert_memory_equal(e.tag.b, s->bob.control.b, 8);
    assert_int_equal(e.base_seq, 1);
    assert_int_equal(e.seq, 2);

    f = decoded("frontier of buckets");
    assert_int_equal(f.flags, GX_OF_BUCKETS);
    assert_int_equal(f.bits, 4);
    assert_true(gx_mask_has(f.mask, 1) && gx_mask_has(f.mask, 15));
    assert_false(gx_mask_has(f.mask, 0) || gx_mask_has(f.mask, 14) || gx_mask_has(f.mask, 16));
    assert_int_equal(f.sum[0], 0xa0);
    assert_int_equal(f.sum[GX_SUM_BYTES - 1], 0xa0 + GX_SUM_BYTES - 1);
    assert_int_equal(gx_frame_frontier_at(&f, 0).seq, 5);

    f = decoded("want control");
    assert_int_equal(f.flags, GX_WANT_CONTROL);
    assert_int_equal(f.credit, 8);
    assert_int_equal(gx_frame_frontier_at(&f, 0).seq, 5);
    f = decoded("want messages");
    assert_int_equal(f.flags, GX_WANT_MESSAGES);
    assert_int_equal(f.credit, 2);
    assert_int_equal(f.n, 2);
    struct gx_want_entry want = gx_frame_want_at(&f, 0);
    assert_memory_equal(want.tag.b, s->bob.messages.b, 8);
    assert_int_equal(want.from_seq, 2);
    assert_memory_equal(want.check, s->ev[STORY_TEXT].id.b, 4);
    want = gx_frame_want_at(&f, 1);
    assert_memory_equal(want.tag.b, s->bob.messages.b, 8);
    assert_int_equal(want.from_seq, 1);
    assert_memory_equal(want.check, "\0\0\0", 4);
}

static void test_ended_names_the_operations(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("ended");
    (void)state;

    assert_int_equal(f.channel, 1);
    assert_int_equal(f.n, 2);
    struct gx_event_id id = gx_frame_head_at(&f, 0);
    assert_true(gx_event_id_equal(&id, &s->ev[STORY_REMOVE].id));
    id = gx_frame_head_at(&f, 1);
    assert_true(gx_event_id_equal(&id, &s->ev[STORY_BAN].id));
}

static void test_who_cannot_read_names_events_and_a_key_and_is_told_of_the_same(void **state)
{
    static const enum story_event asked[] = {STORY_REPLY, STORY_META};
    const struct story *s = story();
    struct gx_frame f = decoded("ask keys"), told = decoded("keys");
    uint8_t want[80];
    (void)state;

    assert_int_equal(f.channel, 1);
    assert_int_equal(f.n, 2);
    story_run(want, 0x21, 32);
    assert_memory_equal(f.key.b, want, 32);
    assert_int_equal(f.bytes.n, 0);
    for (size_t i = 0; i < GX_ARRAY_LEN(asked); i++) {
        struct gx_key_entry e = gx_frame_key_at(&f, i);
        assert_memory_equal(e.tag.b, s->ev[asked[i]].log.b, 8);
        assert_int_equal(e.seq, s->ev[asked[i]].seq);
        assert_memory_equal(e.check, s->ev[asked[i]].id.b, 4);
    }
    /* The entries as they stand are what the keys are sealed with: KEYS §7. */
    assert_int_equal(told.channel, 1);
    assert_int_equal(told.n, 2);
    assert_true(gx_span_equal(told.list, f.list));
    assert_int_equal(told.list.n, 2 * GX_KEY_ENTRY_BYTES);
    story_run(want, 0x41, 32);
    assert_memory_equal(told.key.b, want, 32);
    story_run(want, 0x90, 80);
    assert_true(gx_span_equal(told.bytes, gx_span(want, 80)));
}

/* Channel and a key, n entries of events 1, and as many sealed keys, when they are told. */
static enum gx_err keys_of(uint8_t kind, size_t n, size_t n_sealed)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame f;

    gx_wr_u8(&w, kind);
    gx_wr_u16(&w, 1);
    for (uint8_t i = 0; i < 32; i++)
        gx_wr_u8(&w, (uint8_t)(0x21 + i));
    gx_wr_u16(&w, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        gx_wr_u64(&w, i);
        gx_wr_u32(&w, 1);
        gx_wr_u32(&w, 0);
    }
    memset(bytes + w.n, 0x5a, n_sealed);
    enum gx_err err = gx_frame_decode(&f, gx_span(bytes, w.n + n_sealed));
    if (err == GX_OK)
        assert_int_equal(f.n, n);
    return err;
}

static void test_keys_of_1_to_256_events_are_asked_for_and_told_at_once(void **state)
{
    static const size_t right[] = {1, 2, 255, 256};
    struct gx_frame f;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(right); i++) {
        size_t n = right[i];
        assert_int_equal(keys_of(GX_FRAME_ASK_KEYS, n, 0), GX_OK);
        assert_int_equal(keys_of(GX_FRAME_ASK_KEYS, n, 1), GX_E_MALFORMED);
        assert_int_equal(keys_of(GX_FRAME_KEYS, n, 32 * n + 16), GX_OK);
        /* A key too few or too many, or no tag. */
        assert_int_equal(keys_of(GX_FRAME_KEYS, n, 32 * (n - 1) + 16), GX_E_MALFORMED);
        assert_int_equal(keys_of(GX_FRAME_KEYS, n, 32 * (n + 1) + 16), GX_E_MALFORMED);
        assert_int_equal(keys_of(GX_FRAME_KEYS, n, 32 * n), GX_E_MALFORMED);
        assert_int_equal(keys_of(GX_FRAME_KEYS, n, 0), GX_E_MALFORMED);
    }
    assert_int_equal(keys_of(GX_FRAME_ASK_KEYS, 0, 0), GX_E_MALFORMED);
    assert_int_equal(keys_of(GX_FRAME_KEYS, 0, 16), GX_E_MALFORMED);
    assert_int_equal(keys_of(GX_FRAME_ASK_KEYS, 257, 0), GX_E_TOO_BIG);
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, 1 + 2 + 32 + 2)), GX_E_TOO_BIG);
    assert_int_equal(keys_of(GX_FRAME_KEYS, 257, 32 * 257 + 16), GX_E_TOO_BIG);
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, 1 + 2 + 32 + 2)), GX_E_TOO_BIG);
    /* A count alone costs nothing: the entries must be there. */
    keys_of(GX_FRAME_ASK_KEYS, 256, 0);
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, 1 + 2 + 32 + 2)), GX_E_MALFORMED);
}

static void test_a_key_that_x25519_refuses_neither_asks_nor_tells(void **state)
{
    static const char *const names[] = {"ask keys", "keys"};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(names); i++)
        for (uint8_t low = 0; low < 2; low++) {
            struct gx_span span = frames_get(names[i]);
            struct gx_frame f;
            memcpy(bytes, span.p, span.n);
            memset(bytes + 3, 0, 32);
            bytes[3] = low;
            assert_int_equal(gx_frame_decode(&f, gx_span(bytes, span.n)), GX_E_MALFORMED);
        }
}

/* There is no event 0, and so no other way to say that nothing is held. */
static void test_who_asks_from_the_first_event_on_has_nothing_to_check(void **state)
{
    struct gx_span span = frames_get("want messages");
    struct gx_frame f;
    (void)state;

    memcpy(bytes, span.p, span.n);
    for (size_t at = span.n - 4; at < span.n; at++) {
        bytes[at] = 1;
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, span.n)), GX_E_MALFORMED);
        bytes[at] = 0;
    }
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, span.n)), GX_OK);
    memset(bytes + span.n - 20, 0, 4);        /* an id may begin with zeroes */
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, span.n)), GX_OK);
}

static void test_chunks_and_path_are_walked_chunk_by_chunk(void **state)
{
    struct gx_frame f = decoded("chunks");
    struct gx_rd r = gx_rd(f.list);
    struct gx_chunk chunk;
    (void)state;

    assert_int_equal(f.n, 2);
    assert_int_equal(f.flags, GX_CHUNKS_LAST);
    assert_int_equal(gx_chunk_decode(&chunk, gx_frame_chunk_next(&r)), GX_OK);
    assert_int_equal(chunk.count, 5);
    assert_int_equal(gx_chunk_decode(&chunk, gx_frame_chunk_next(&r)), GX_OK);
    assert_int_equal(chunk.count, 2);
    assert_int_equal(gx_rd_finish(&r), GX_OK);

    f = decoded("path");
    r = gx_rd(f.list);
    for (size_t i = 0; i < f.n; i++) {
        assert_int_equal(gx_chunk_decode(&chunk, gx_frame_chunk_next(&r)), GX_OK);
        assert_int_equal(chunk.count, 1);
    }
    assert_int_equal(gx_rd_finish(&r), GX_OK);
}

static void test_chunks_say_where_their_answer_goes_on(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("chunks on");
    (void)state;

    assert_int_equal(f.flags, GX_CHUNKS_LAST | GX_CHUNKS_ON);
    assert_memory_equal(f.on.tag.b, s->ev[STORY_TEXT].log.b, sizeof f.on.tag.b);
    assert_int_equal(f.on.from_seq, 2);
    assert_memory_equal(f.on.check, s->ev[STORY_TEXT].id.b, sizeof f.on.check);
    assert_int_equal(f.n, 1);
}

static void test_a_baseline_shows_the_newest_event_of_a_log_without_its_body(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("baseline");
    struct gx_rd r = gx_rd(f.list);
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;
    (void)state;

    assert_int_equal(gx_chunk_decode(&chunk, gx_frame_chunk_next(&r)), GX_OK);
    gx_chunk_begin(&it, &chunk, &s->group);
    assert_int_equal(gx_chunk_next(&it, &ev, NULL), GX_OK);
    assert_true(gx_event_id_equal(&ev.id, &s->ev[STORY_REPLY].id));
    assert_null(ev.body.p);
    assert_true(gx_event_verify(&ev, &s->bob.device_pk));
}

static void test_endpoint_records_come_back_and_their_signature_holds_in_their_group(void **state)
{
    const struct story *s = story();
    struct gx_frame f = decoded("endpoints");
    struct gx_rd r = gx_rd(f.list);
    struct gx_endpoint e;
    uint8_t signed_bytes[GX_ENDPOINT_SIGNED_MAX];
    struct gx_group_id other = s->group;
    (void)state;

    gx_frame_endpoint_next(&r, &e);
    assert_int_equal(gx_rd_finish(&r), GX_OK);
    assert_int_equal(e.counter, 7);
    assert_int_equal(e.n_addrs, 2);
    assert_int_equal(e.addrs[0].family, 4);
    assert_int_equal(e.addrs[1].family, 6);
    assert_int_equal(e.addrs[1].port, 443);
    size_t n = gx_endpoint_signed_bytes(signed_bytes, &e, &s->group);
    assert_true(gx_verify(&e.device, GX_DOMAIN_ENDPOINT, gx_span(signed_bytes, n), &e.sig));
    other.b[0] ^= 1;
    n = gx_endpoint_signed_bytes(signed_bytes, &e, &other);
    assert_false(gx_verify(&e.device, GX_DOMAIN_ENDPOINT, gx_span(signed_bytes, n), &e.sig));
}

static void test_every_truncation_and_every_byte_too_many_is_refused(void **state)
{
    const struct frames *f = frames();
    struct tally tally = {0};
    unsigned tried = 0;
    (void)state;

    for (size_t k = 0; k < f->n; k++)
        for (size_t n = 0; n <= f->at[k].len + 1; n++) {
            /* The insides of a request are not looked at here, so it may look like a longer or shorter one. */
            bool join = f->at[k].b[0] == GX_FRAME_JOIN && n >= 1 + GX_JOIN_REQUEST_BYTES(GX_VIA_QR, 0);
            bool ask = f->at[k].b[0] == GX_FRAME_ASK && n >= 1 + 2 + 32 + GX_JOIN_REQUEST_BYTES(GX_VIA_INV, 0);
            if (n == f->at[k].len || join || ask)
                continue;
            struct gx_frame frame;
            uint8_t *exact = test_calloc(1, n + 1);
            memcpy(exact, f->at[k].b, n < f->at[k].len ? n : f->at[k].len);
            tally.by_err[gx_frame_decode(&frame, gx_span(exact, n))]++;
            assert_int_equal(frame.kind, 0);
            test_free(exact);
            tried++;
        }
    tally_print(&tally, "truncated and overlong frames", tried);
    assert_int_equal(tally_refused(&tally), tried);
}

/* Read everything a decoded frame offers: the sanitizer watches. */
static void read_all(const struct gx_frame *f)
{
    struct gx_rd r = gx_rd(f->list);
    struct gx_endpoint e;

    for (size_t i = 0; i < f->n; i++) {
        if (f->kind == GX_FRAME_TAGS)
            (void)gx_frame_tag_at(f, i);
        else if (f->kind == GX_FRAME_PROOF)
            (void)gx_frame_proof_at(f, i);
        else if (f->kind == GX_FRAME_HEADS || f->kind == GX_FRAME_ENDED)
            (void)gx_frame_head_at(f, i);
        else if (f->kind == GX_FRAME_FRONTIER || (f->kind == GX_FRAME_WANT && f->flags != GX_WANT_MESSAGES))
            (void)gx_frame_frontier_at(f, i);
        else if (f->kind == GX_FRAME_WANT)
            (void)gx_frame_want_at(f, i);
        else if (f->kind == GX_FRAME_ASK_KEYS || f->kind == GX_FRAME_KEYS)
            assert_true(gx_frame_key_at(f, i).seq >= 1);
        else if (f->kind == GX_FRAME_ENDPOINTS)
            gx_frame_endpoint_next(&r, &e);
        else if (f->kind == GX_FRAME_SUM)
            (void)gx_frame_channel_at(f, i);
        else if (f->kind == GX_FRAME_RECORDS)
            (void)gx_frame_record_at(f, i);
        else if (f->kind == GX_FRAME_BUCKETS)
            assert_int_equal(f->list.n, f->n * GX_BUCKET_BYTES);
        else
            assert_true(gx_frame_chunk_next(&r).n >= GX_CHUNK_HEADER_BYTES);
    }
}

static void test_a_frame_with_a_flipped_bit_is_refused_or_another_well_formed_frame(void **state)
{
    const struct frames *f = frames();
    struct tally tally = {0};
    unsigned tried = 0;
    (void)state;

    for (size_t k = 0; k < f->n; k++) {
        uint8_t *copy = test_malloc(f->at[k].len);
        memcpy(copy, f->at[k].b, f->at[k].len);
        for (size_t bit = 0; bit < 8 * f->at[k].len; bit++, tried++) {
            struct gx_frame frame;
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            enum gx_err err = gx_frame_decode(&frame, gx_span(copy, f->at[k].len));
            if (err == GX_OK)
                read_all(&frame);
            tally.by_err[err]++;
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        test_free(copy);
    }
    tally_print(&tally, "flipped bits of frames", tried);
    printf("... and %u are another well-formed frame\n", tally.by_err[GX_OK]);
    assert_true(tally.by_err[GX_OK] > 1000 && tally_refused(&tally) > 500);
}

static void test_bytes_without_a_kind_are_refused(void **state)
{
    struct gx_frame f;
    (void)state;

    assert_int_equal(gx_frame_decode(&f, gx_span(NULL, 0)), GX_E_MALFORMED);
    for (unsigned kind = 0; kind < 256; kind++) {
        uint8_t b = (uint8_t)kind;
        assert_int_equal(gx_frame_decode(&f, gx_span(&b, 1)), kind == GX_FRAME_AGAIN ? GX_OK : GX_E_MALFORMED);
    }
}

/* A later HELLO may be longer: its version is what the other side can be told. */
static void test_a_hello_of_another_version_is_refused_by_that_name(void **state)
{
    struct gx_frame f;
    (void)state;

    memset(bytes, 0, 100);
    bytes[0] = GX_FRAME_HELLO;
    for (unsigned version = 0; version < 256; version++) {
        if (version == GX_WIRE_VERSION)
            continue;
        bytes[1] = (uint8_t)version;
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, 34)), GX_E_VERSION);
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, 100)), GX_E_VERSION);
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, 2)), GX_E_VERSION);
    }
    bytes[1] = GX_WIRE_VERSION;
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, 34)), GX_OK);
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, 100)), GX_E_MALFORMED);
}

/* Fixed fields of a kind, then a count and so many entries of zeroes (with 1 in what may not be 0). */
static enum gx_err list_of(const char *fixed, size_t n_fixed, size_t count, size_t size, size_t one_at)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame f;

    gx_wr_bytes(&w, fixed, n_fixed);
    gx_wr_u16(&w, (uint16_t)count);
    assert_true(w.n + count * size <= sizeof bytes);
    memset(bytes + w.n, 0, count * size);
    for (size_t i = 0; i < count; i++)
        bytes[w.n + i * size + one_at] = 1;
    return gx_frame_decode(&f, gx_span(bytes, w.n + count * size));
}

static void test_every_list_has_a_limit(void **state)
{
    static const struct {
        const char *fixed;
        size_t n_fixed, max, size, one_at;
    } cases[] = {
        {"\x02", 1, GX_FRAME_TAGS_MAX, 16, 0},
        {"\x03", 1, GX_FRAME_GROUPS_MAX, 114, 0},
        {"\x05\x01\x00", 3, GX_EVENT_DEPS_MAX, 32, 0},
        {"\x06\x01\x00\x00", 4, GX_FRONTIER_ENTRIES_MAX, 20, 0},
        {"\x06\x01\x00\x01\x08xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxssssssss", 45, GX_FRONTIER_ENTRIES_MAX, 20, 0},
        {"\x1b\x01\x00\x00", 4, GX_FRAME_RECORDS_MAX, 20, 0},
        {"\x07\x01\x00\x00\x08", 5, GX_FRONTIER_ENTRIES_MAX, 20, 0},
        {"\x07\x01\x00\x01\x08", 5, GX_FRONTIER_ENTRIES_MAX, 16, 8},
        {"\x13\x01\x00", 3, GX_EVENT_DEPS_MAX, 32, 0},
        {"\x09\x01\x00", 3, GX_ENDPOINTS_PER_FRAME_MAX, 32 + 32 + 8 + 1 + 64, 0},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        assert_int_equal(list_of(cases[i].fixed, cases[i].n_fixed, 0, cases[i].size, cases[i].one_at), GX_OK);
        assert_int_equal(list_of(cases[i].fixed, cases[i].n_fixed, cases[i].max, cases[i].size, cases[i].one_at), GX_OK);
        assert_int_equal(list_of(cases[i].fixed, cases[i].n_fixed, cases[i].max + 1, cases[i].size, cases[i].one_at), GX_E_TOO_BIG);
        /* A count alone costs nothing: the entries must be there. */
        struct gx_frame f;
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, cases[i].n_fixed + 2)), GX_E_TOO_BIG);
        bytes[cases[i].n_fixed] = 1;
        bytes[cases[i].n_fixed + 1] = 0;
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, cases[i].n_fixed + 2)), GX_E_MALFORMED);
    }
}

static void test_a_frame_of_chunks_holds_at_most_512(void **state)
{
    static const char *const fixed[] = {"\x08\x01\x00\x02", "\x0b", "\x0f\x01\x00"};
    static const size_t n_fixed[] = {4, 1, 3};
    struct gx_frame f;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(fixed); i++) {
        memcpy(bytes, fixed[i], n_fixed[i]);
        memcpy(bytes + n_fixed[i], "\x00\x00", 2);
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, n_fixed[i] + 2)), GX_OK);
        memcpy(bytes + n_fixed[i], "\x01\x02", 2);        /* 513 */
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, n_fixed[i] + 2)), GX_E_TOO_BIG);
        memcpy(bytes + n_fixed[i], "\x00\x02", 2);        /* 512, and they are not there */
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, n_fixed[i] + 2)), GX_E_MALFORMED);
    }
}

static void test_a_frame_over_72_kib_is_refused_unread(void **state)
{
    struct gx_frame f;
    (void)state;

    memset(bytes, 0, sizeof bytes);
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, GX_FRAME_BYTES_MAX)), GX_E_MALFORMED);
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, GX_FRAME_BYTES_MAX + 1)), GX_E_TOO_BIG);
}

/* Change one byte of a sample. */
static enum gx_err with(const char *name, size_t at, uint8_t value)
{
    struct gx_span span = frames_get(name);
    struct gx_frame f;

    assert_true(at < span.n);
    memcpy(bytes, span.p, span.n);
    bytes[at] = value;
    return gx_frame_decode(&f, gx_span(bytes, span.n));
}

static void test_values_out_of_range_are_refused(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
        enum gx_err want;
    } cases[] = {
        {"frontier", 3, 0, GX_OK},                  /* flags */
        {"frontier", 3, 2, GX_E_MALFORMED},
        {"frontier of buckets", 4, 9, GX_E_TOO_BIG},        /* bits */
        {"records", 3, 3, GX_E_MALFORMED},
        {"records", 5, 2, GX_OK},
        {"records", 5, 4, GX_E_MALFORMED},          /* a bucket that there is not */
        {"records", 5, 0x80, GX_E_MALFORMED},
        {"sum", 1, 0, GX_OK},
        {"sum", 1, 2, GX_E_MALFORMED},
        {"sum", 2, 0, GX_E_MALFORMED},              /* of no group */
        {"sum", 3, 2, GX_E_TOO_BIG},
        {"sum", 7, 0, GX_E_MALFORMED},              /* the same channel twice */
        {"sum", 5, 0x90, GX_E_MALFORMED},           /* not in order */
        {"buckets", 3, 9, GX_E_TOO_BIG},
        {"buckets", 12, 9, GX_E_TOO_BIG},
        {"frontier", 3, 0x81, GX_E_MALFORMED},
        {"chunks", 3, 0, GX_OK},
        {"chunks", 3, 3, GX_OK},
        {"chunks", 3, 8, GX_E_MALFORMED},
        {"chunks on", 3, 4, GX_OK},
        {"chunks on", 3, 5, GX_E_MALFORMED},        /* nobody asked for what is pushed */
        {"chunks on", 12, 0, GX_E_MALFORMED},       /* from 0 */
        {"chunks on", 12, 1, GX_E_MALFORMED},       /* before the first nothing has an id */
        {"want control", 3, 2, GX_OK},              /* kind */
        {"want control", 3, 3, GX_E_MALFORMED},
        {"want control", 4, 0, GX_E_MALFORMED},     /* credit */
        {"want control", 4, 1, GX_OK},
        {"want control", 4, 9, GX_E_MALFORMED},
        {"want messages", 4, 9, GX_E_MALFORMED},
        {"want messages", 15, 0, GX_E_MALFORMED},   /* from 0 */
        {"ask keys", 45, 0, GX_E_MALFORMED},        /* event 0 */
        {"keys", 45, 0, GX_E_MALFORMED},
        {"ask keys", 61, 0, GX_E_MALFORMED},        /* the second */
        {"refused", 1, GX_DENY_NONE, GX_E_MALFORMED},
        {"refused", 1, 1, GX_OK},
        {"refused", 1, GX_DENY_COUNT - 1, GX_OK},
        {"refused", 1, GX_DENY_COUNT, GX_E_MALFORMED},
        {"denied", 3, GX_DENY_NONE, GX_E_MALFORMED},
        {"denied", 3, GX_DENY_COUNT - 1, GX_OK},
        {"denied", 3, GX_DENY_COUNT, GX_E_MALFORMED},
        {"link", 3, GX_LINK_APART, GX_OK},
        {"link", 3, GX_LINK_EAGER + 1, GX_E_MALFORMED},
        {"card", CARD_NAME_AT + 2 + 9, 0xa0, GX_E_MALFORMED},        /* bytes of CREATE */
        {"card", CARD_NAME_AT + 2 + 9, 0xa2, GX_E_MALFORMED},
        {"bye", 1, GX_BYE_DONE, GX_OK},
        {"bye", 1, GX_BYE_VERSION, GX_OK},
        {"bye", 1, GX_BYE_VERSION + 1, GX_E_MALFORMED},
        {"endpoints", 77, 5, GX_E_MALFORMED},       /* addresses of one record */
        {"endpoints", 78, 5, GX_E_MALFORMED},       /* family */
        {"endpoints", 78, 0, GX_E_MALFORMED},
        {"endpoints", 78, 6, GX_OK},
        {"endpoints", 83, 1, GX_E_MALFORMED},       /* what IPv4 does not use */
        {"endpoints", 94, 1, GX_E_MALFORMED},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        enum gx_err err = with(cases[i].name, cases[i].at, cases[i].value);
        if (err != cases[i].want)
            fail_msg("%s byte %zu = %u: %s", cases[i].name, cases[i].at, cases[i].value, gx_err_name(err));
    }
}

static void test_a_frontier_that_ends_before_it_begins_is_refused(void **state)
{
    struct gx_span span = frames_get("frontier");
    struct gx_frame f;
    (void)state;

    memcpy(bytes, span.p, span.n);
    bytes[6 + 8] = 0xff;        /* base_seq of the first entry */
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, span.n)), GX_E_MALFORMED);
}

static void test_a_number_no_event_can_have_is_refused(void **state)
{
    static const struct {
        const char *name;
        size_t at;
    } cases[] = {{"frontier", 18}, {"want control", 19}, {"want messages", 15}, {"ask keys", 45}, {"ask keys", 61}, {"keys", 45}, {"keys", 61}};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        struct gx_span span = frames_get(cases[i].name);
        struct gx_frame f;
        memcpy(bytes, span.p, span.n);
        memset(bytes + cases[i].at, 0xff, 4);
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, span.n)), GX_E_MALFORMED);
        bytes[cases[i].at] = 0xfe;
        assert_int_equal(gx_frame_decode(&f, gx_span(bytes, span.n)), GX_OK);
    }
}

static void test_an_address_without_a_port_is_refused(void **state)
{
    struct gx_span span = frames_get("endpoints");
    struct gx_frame f;
    (void)state;

    memcpy(bytes, span.p, span.n);
    memset(bytes + 95, 0, 2);
    assert_int_equal(gx_frame_decode(&f, gx_span(bytes, span.n)), GX_E_MALFORMED);
}

/* The list was begun, the room ran out: the writer says so, and nothing was written where nothing is. */
static void test_a_frame_that_does_not_fit_fails_at_every_room(void **state)
{
    struct gx_span whole = frames_get("endpoints");
    struct gx_endpoint e = frames_endpoint(story());
    (void)state;

    for (size_t cap = 0; cap <= whole.n; cap++) {
        uint8_t *room = test_malloc(cap + 1);
        struct gx_wr w = gx_wr(room, cap);
        struct gx_frame_list l = gx_frame_begin_endpoints(&w, 1);
        gx_frame_put_endpoint(&w, &l, &e);
        gx_frame_end(&w, &l);
        assert_int_equal(w.failed, cap < whole.n);
        test_free(room);
    }
}

static void test_the_longest_event_fits_a_chunks_frame(void **state)
{
    static uint8_t chunk[GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX], body[GX_EVENT_BODY_MAX], deps[32 * 255];
    const struct story *s = story();
    struct gx_event ev = s->ev[STORY_META];
    struct gx_wr cw = gx_wr(chunk, sizeof chunk), w = gx_wr(bytes, GX_FRAME_BYTES_MAX);
    struct gx_frame f;
    (void)state;

    for (size_t i = 0; i < 255; i++)
        deps[32 * i] = (uint8_t)i;
    ev.deps = deps;
    ev.n_deps = 255;
    ev.body = gx_span(body, sizeof body);
    gx_event_seal(&ev, &s->alice.device_sk);
    gx_chunk_write_header(&cw, &ev.log, 4, &ev.prev, 1);
    gx_record_encode(&cw, &ev);
    struct gx_frame_list l = gx_frame_begin_chunks(&w, 1, GX_CHUNKS_PUSH);
    gx_frame_put_chunk(&w, &l, gx_wr_span(&cw));
    gx_frame_end(&w, &l);
    assert_false(cw.failed || w.failed);
    assert_int_equal(gx_frame_decode(&f, gx_wr_span(&w)), GX_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_of_kinds_is_what_the_functions_say),
        cmocka_unit_test(test_there_is_a_sample_of_every_kind_and_it_decodes),
        cmocka_unit_test(test_short_frames_come_back),
        cmocka_unit_test(test_a_join_frame_holds_the_request),
        cmocka_unit_test(test_a_card_frame_tells_who_founded_what_and_where),
        cmocka_unit_test(test_who_asks_a_contact_to_be_let_in_names_channel_and_request),
        cmocka_unit_test(test_the_name_on_a_card_is_utf8_of_1_to_256_bytes),
        cmocka_unit_test(test_a_card_with_a_key_that_x25519_refuses_is_refused),
        cmocka_unit_test(test_tags_and_proofs_come_back),
        cmocka_unit_test(test_heads_frontiers_and_wants_come_back),
        cmocka_unit_test(test_sums_buckets_and_records_come_back),
        cmocka_unit_test(test_ended_names_the_operations),
        cmocka_unit_test(test_who_cannot_read_names_events_and_a_key_and_is_told_of_the_same),
        cmocka_unit_test(test_keys_of_1_to_256_events_are_asked_for_and_told_at_once),
        cmocka_unit_test(test_a_key_that_x25519_refuses_neither_asks_nor_tells),
        cmocka_unit_test(test_who_asks_from_the_first_event_on_has_nothing_to_check),
        cmocka_unit_test(test_chunks_and_path_are_walked_chunk_by_chunk),
        cmocka_unit_test(test_chunks_say_where_their_answer_goes_on),
        cmocka_unit_test(test_a_baseline_shows_the_newest_event_of_a_log_without_its_body),
        cmocka_unit_test(test_endpoint_records_come_back_and_their_signature_holds_in_their_group),
        cmocka_unit_test(test_every_truncation_and_every_byte_too_many_is_refused),
        cmocka_unit_test(test_a_frame_with_a_flipped_bit_is_refused_or_another_well_formed_frame),
        cmocka_unit_test(test_bytes_without_a_kind_are_refused),
        cmocka_unit_test(test_a_hello_of_another_version_is_refused_by_that_name),
        cmocka_unit_test(test_every_list_has_a_limit),
        cmocka_unit_test(test_a_frame_of_chunks_holds_at_most_512),
        cmocka_unit_test(test_a_frame_over_72_kib_is_refused_unread),
        cmocka_unit_test(test_values_out_of_range_are_refused),
        cmocka_unit_test(test_a_frontier_that_ends_before_it_begins_is_refused),
        cmocka_unit_test(test_a_number_no_event_can_have_is_refused),
        cmocka_unit_test(test_an_address_without_a_port_is_refused),
        cmocka_unit_test(test_a_frame_that_does_not_fit_fails_at_every_room),
        cmocka_unit_test(test_the_longest_event_fits_a_chunks_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
