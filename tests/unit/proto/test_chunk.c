#include "tests/unit/proto/story.h"

static uint8_t bytes[128 * 1024];

static size_t alice_chunk(void)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    story_chunk(&w, story(), story_alice_control, GX_ARRAY_LEN(story_alice_control));
    assert_false(w.failed);
    return w.n;
}

static void test_a_chunk_gives_back_its_events_with_id_and_prev(void **state)
{
    const struct story *s = story();
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;
    struct gx_span record;
    (void)state;

    size_t n = alice_chunk(), records = GX_CHUNK_HEADER_BYTES;
    assert_int_equal(gx_chunk_decode(&chunk, gx_span(bytes, n)), GX_OK);
    assert_int_equal(chunk.count, 5);
    assert_int_equal(chunk.first_seq, 1);
    assert_true(gx_log_id_equal(&chunk.log, &s->alice.control));
    gx_chunk_begin(&it, &chunk, &s->group);
    for (size_t i = 0; i < chunk.count; i++) {
        const struct gx_event *want = &s->ev[story_alice_control[i]];
        assert_int_equal(gx_chunk_next(&it, &ev, &record), GX_OK);
        assert_true(gx_event_id_equal(&ev.id, &want->id));
        assert_true(gx_event_id_equal(&ev.prev, &want->prev));
        assert_true(gx_group_id_equal(&ev.group, &want->group));
        assert_int_equal(ev.seq, i + 1);
        assert_true(gx_event_verify(&ev, &s->alice.device_pk));
        assert_ptr_equal(record.p, bytes + records);
        records += record.n;
    }
    assert_int_equal(records, n);
    assert_int_equal(gx_chunk_next(&it, &ev, NULL), GX_E_ABSENT);
    assert_int_equal(gx_chunk_next(&it, &ev, NULL), GX_E_ABSENT);
}

static void test_a_chunk_that_was_walked_is_walked_again_by_its_ids(void **state)
{
    const struct story *s = story();
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;
    struct gx_event_id ids[5];
    (void)state;

    size_t n = alice_chunk();
    assert_int_equal(gx_chunk_decode(&chunk, gx_span(bytes, n)), GX_OK);
    for (size_t i = 0; i < 5; i++)
        ids[i] = s->ev[story_alice_control[i]].id;
    gx_chunk_begin_known(&it, &chunk, &s->group, ids);
    for (size_t i = 0; i < 5; i++) {
        const struct gx_event *want = &s->ev[story_alice_control[i]];
        assert_int_equal(gx_chunk_next(&it, &ev, NULL), GX_OK);
        assert_true(gx_event_id_equal(&ev.id, &want->id));
        assert_true(gx_event_id_equal(&ev.prev, &want->prev));
        assert_int_equal(ev.body.n, want->body.n);
        assert_memory_equal(ev.body.p, want->body.p, ev.body.n);
    }
    assert_int_equal(gx_chunk_next(&it, &ev, NULL), GX_E_ABSENT);
}

/* 88 bytes of what the key implies, and the 32 of body_hash, are not sent. */
static void test_a_record_is_smaller_than_the_event_by_what_is_implied(void **state)
{
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        gx_record_encode(&w, &s->ev[i]);
        size_t record = w.n;
        size_t full = story_encode(bytes, sizeof bytes, &s->ev[i]);
        assert_int_equal(full - record, 88 + 32 + 4 - 4);
    }
}

static void test_a_record_goes_there_and_back_for_every_event(void **state)
{
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        const struct gx_event *want = &s->ev[i];
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_event ev;
        gx_record_encode(&w, want);
        assert_int_equal(gx_record_decode(&ev, gx_wr_span(&w), &want->group, &want->log, want->seq, &want->prev), GX_OK);
        assert_true(gx_event_id_equal(&ev.id, &want->id));
        assert_true(gx_span_equal(ev.body, want->body));
        assert_true(gx_event_verify(&ev, story_author(s, (enum story_event)i)));
    }
}

static void test_a_record_is_bound_to_its_place(void **state)
{
    const struct story *s = story();
    const struct gx_event *text = &s->ev[STORY_REPLY];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_event ev;
    struct gx_group_id group = s->group;
    (void)state;

    gx_record_encode(&w, text);
    assert_int_equal(gx_record_decode(&ev, gx_wr_span(&w), &s->group, &text->log, 3, &text->prev), GX_OK);
    assert_false(gx_event_verify(&ev, &s->bob.device_pk));
    assert_int_equal(gx_record_decode(&ev, gx_wr_span(&w), &s->group, &s->bob.control, 2, &text->prev), GX_OK);
    assert_false(gx_event_verify(&ev, &s->bob.device_pk));
    assert_int_equal(gx_record_decode(&ev, gx_wr_span(&w), &s->group, &text->log, 2, &text->id), GX_OK);
    assert_false(gx_event_verify(&ev, &s->bob.device_pk));
    group.b[0] ^= 1;
    assert_int_equal(gx_record_decode(&ev, gx_wr_span(&w), &group, &text->log, 2, &text->prev), GX_OK);
    assert_false(gx_event_verify(&ev, &s->bob.device_pk));
    assert_int_equal(gx_record_decode(&ev, gx_wr_span(&w), &s->group, &text->log, 0, &text->prev), GX_E_MALFORMED);
}

static size_t deleted_record(const struct gx_event *of)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_event ev = *of;

    ev.body = gx_span(NULL, 0);
    gx_record_encode(&w, &ev);
    assert_false(w.failed);
    return w.n;
}

static void test_a_deleted_body_leaves_its_length_and_hash(void **state)
{
    const struct story *s = story();
    const struct gx_event *text = &s->ev[STORY_TEXT];
    struct gx_event ev;
    (void)state;

    size_t n = deleted_record(text);
    assert_int_equal(n, 4 + 21 + 32 + 64 + 36);
    assert_int_equal(bytes[3], 0x80);
    assert_int_equal(gx_record_decode(&ev, gx_span(bytes, n), &s->group, &text->log, 1, &text->prev), GX_OK);
    assert_null(ev.body.p);
    assert_int_equal(ev.body_len, text->body_len);
    assert_true(gx_event_id_equal(&ev.id, &text->id));
    assert_true(gx_event_verify(&ev, &s->bob.device_pk));
}

/* Else an event without a body would have two encodings. */
static void test_an_empty_body_cannot_be_deleted(void **state)
{
    const struct story *s = story();
    const struct gx_event *text = &s->ev[STORY_TEXT];
    struct gx_event ev;
    (void)state;

    size_t n = deleted_record(text);
    memset(bytes + n - 36, 0, 4);
    assert_int_equal(gx_record_decode(&ev, gx_span(bytes, n), &s->group, &text->log, 1, &text->prev), GX_E_MALFORMED);
    memset(bytes + n - 36, 0xff, 4);
    assert_int_equal(gx_record_decode(&ev, gx_span(bytes, n), &s->group, &text->log, 1, &text->prev), GX_E_TOO_BIG);
}

/* Decode, and walk to the end: what is refused only inside a record counts as refused. */
static enum gx_err walk(struct gx_span span, struct gx_event_id *last)
{
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;
    enum gx_err err = gx_chunk_decode(&chunk, span);
    unsigned n = 0;

    if (err != GX_OK)
        return err;
    gx_chunk_begin(&it, &chunk, &story()->group);
    while ((err = gx_chunk_next(&it, &ev, NULL)) == GX_OK) {
        *last = ev.id;
        n++;
    }
    if (err != GX_E_ABSENT)
        return err;
    assert_int_equal(n, chunk.count);
    return GX_OK;
}

static void test_every_truncation_of_a_chunk_is_refused(void **state)
{
    struct tally tally = {0};
    size_t whole = alice_chunk();
    (void)state;

    for (size_t n = 0; n < whole; n++) {
        struct gx_event_id last;
        uint8_t *exact = test_malloc(n + 1);
        memcpy(exact, bytes, n);
        tally.by_err[walk(gx_span(exact, n), &last)]++;
        test_free(exact);
    }
    tally_print(&tally, "truncations of a chunk", (unsigned)whole);
    assert_int_equal(tally_refused(&tally), whole);
}

/* A chunk holds no hashes of its own: but a change anywhere but in a signature changes the id of the last event, which its one
 * signature covers. */
static void test_every_flipped_bit_of_a_chunk_is_refused_or_changes_the_last_id(void **state)
{
    const struct story *s = story();
    struct tally tally = {0};
    unsigned changed = 0, signatures = 0;
    size_t n = alice_chunk();
    (void)state;

    for (size_t bit = 0; bit < 8 * n; bit++) {
        struct gx_event_id last = {{0}};
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum gx_err err = walk(gx_span(bytes, n), &last);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        tally.by_err[err]++;
        if (err == GX_OK && gx_event_id_equal(&last, &s->ev[STORY_REVOKE].id))
            signatures++;
        else if (err == GX_OK)
            changed++;
    }
    printf("flipped bits of a chunk: %u refused, %u change the last id, %u lie in signatures\n", tally_refused(&tally), changed, signatures);
    assert_int_equal(signatures, 5 * 64 * 8);
    assert_int_equal(tally_refused(&tally) + changed + signatures, 8 * n);
    assert_true(changed > 1000 && tally_refused(&tally) > 100);
}

static void test_a_walk_that_failed_keeps_failing(void **state)
{
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;
    (void)state;

    size_t n = alice_chunk();
    bytes[GX_CHUNK_HEADER_BYTES + 4] = GX_EVENT_VERSION - 1;        /* the first record is of the former version */
    assert_int_equal(gx_chunk_decode(&chunk, gx_span(bytes, n)), GX_OK);
    gx_chunk_begin(&it, &chunk, &story()->group);
    assert_int_equal(gx_chunk_next(&it, &ev, NULL), GX_E_VERSION);
    assert_int_equal(ev.type, 0);
    assert_int_equal(gx_chunk_next(&it, &ev, NULL), GX_E_MALFORMED);
    assert_int_equal(gx_chunk_next(&it, &ev, NULL), GX_E_MALFORMED);
}

/* A chunk of `count` shortest records, with `body` bytes in the last. */
static size_t plain_chunk(uint32_t first_seq, unsigned count, size_t body)
{
    static uint8_t filler[GX_EVENT_BODY_MAX];
    const struct story *s = story();
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_event ev = s->ev[STORY_REPLY];

    gx_chunk_write_header(&w, &s->bob.messages, first_seq, &s->ev[STORY_TEXT].id, (uint16_t)count);
    for (unsigned i = 0; i < count; i++) {
        ev.body = gx_span(filler, i + 1 == count ? body : 0);
        ev.body_len = (uint32_t)ev.body.n;
        gx_record_encode(&w, &ev);
    }
    assert_false(w.failed);
    return w.n;
}

static void test_limits_of_count_length_and_numbers(void **state)
{
    static const struct {
        uint32_t first_seq;
        unsigned count;
        size_t body;
        enum gx_err want;
    } cases[] = {
        {2, 1, 0, GX_OK},
        {2, 0, 0, GX_E_MALFORMED},
        {0, 1, 0, GX_E_MALFORMED},
        {2, 256, 0, GX_OK},
        {2, 257, 0, GX_E_TOO_BIG},
        {2, 1, GX_EVENT_BODY_MAX, GX_OK},
        {2, 2, GX_EVENT_BODY_MAX, GX_OK},
        {2, 50, GX_EVENT_BODY_MAX, GX_E_TOO_BIG},
        {2, 50, GX_CHUNK_BYTES_MAX - 54 - 50 * 89, GX_OK},
        {2, 50, GX_CHUNK_BYTES_MAX - 54 - 50 * 89 + 1, GX_E_TOO_BIG},
        {GX_EVENT_SEQ_MAX, 1, 0, GX_OK},
        {GX_EVENT_SEQ_MAX, 2, 0, GX_E_TOO_BIG},
        {GX_EVENT_SEQ_MAX - 1, 2, 0, GX_OK},
        {0xffffffff, 1, 0, GX_E_TOO_BIG},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        struct gx_event_id last;
        size_t n = plain_chunk(cases[i].first_seq, cases[i].count, cases[i].body);
        enum gx_err err = walk(gx_span(bytes, n), &last);
        if (err != cases[i].want)
            fail_msg("case %zu: %s", i, gx_err_name(err));
    }
}

/* The one event of a chunk may be longer than 64 KiB, by its deps. */
static void test_a_chunk_of_the_largest_event_is_taken(void **state)
{
    static uint8_t body[GX_EVENT_BODY_MAX], deps[32 * 255];
    const struct story *s = story();
    struct gx_event ev = s->ev[STORY_META];
    struct gx_event_id last;
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    for (size_t i = 0; i < 255; i++)
        deps[32 * i] = (uint8_t)i;
    ev.deps = deps;
    ev.n_deps = 255;
    ev.body = gx_span(body, sizeof body);
    gx_event_seal(&ev, &s->alice.device_sk);
    gx_chunk_write_header(&w, &ev.log, 4, &ev.prev, 1);
    gx_record_encode(&w, &ev);
    assert_int_equal(w.n, GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX);
    assert_int_equal(walk(gx_wr_span(&w), &last), GX_OK);
    assert_true(gx_event_id_equal(&last, &ev.id));
    bytes[w.n] = 0;
    assert_int_equal(walk(gx_span(bytes, w.n + 1), &last), GX_E_TOO_BIG);
}

static void test_a_record_shorter_than_its_fixed_fields_is_refused(void **state)
{
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_chunk chunk;
    static const uint8_t zero[84];
    (void)state;

    gx_chunk_write_header(&w, &story()->bob.messages, 1, &(struct gx_event_id){{0}}, 1);
    gx_wr_u32(&w, sizeof zero);
    gx_wr_bytes(&w, zero, sizeof zero);
    assert_int_equal(gx_chunk_decode(&chunk, gx_wr_span(&w)), GX_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chunk_gives_back_its_events_with_id_and_prev),
        cmocka_unit_test(test_a_chunk_that_was_walked_is_walked_again_by_its_ids),
        cmocka_unit_test(test_a_record_is_smaller_than_the_event_by_what_is_implied),
        cmocka_unit_test(test_a_record_goes_there_and_back_for_every_event),
        cmocka_unit_test(test_a_record_is_bound_to_its_place),
        cmocka_unit_test(test_a_deleted_body_leaves_its_length_and_hash),
        cmocka_unit_test(test_an_empty_body_cannot_be_deleted),
        cmocka_unit_test(test_every_truncation_of_a_chunk_is_refused),
        cmocka_unit_test(test_every_flipped_bit_of_a_chunk_is_refused_or_changes_the_last_id),
        cmocka_unit_test(test_a_walk_that_failed_keeps_failing),
        cmocka_unit_test(test_limits_of_count_length_and_numbers),
        cmocka_unit_test(test_a_chunk_of_the_largest_event_is_taken),
        cmocka_unit_test(test_a_record_shorter_than_its_fixed_fields_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
