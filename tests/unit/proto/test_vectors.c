/* tests/vectors/wire.py computed wire.txt from WIRE.md alone; here the C code makes the same things from the same fixed bytes. */
#include "tests/unit/proto/frames.h"

#define VECTORS_PATH GX_SOURCE_DIR "/tests/vectors/wire.txt"
#define LINES_MAX 160u

static struct line {
    char name[64];
    uint8_t b[4096];
    size_t n;
    unsigned compared;
} lines[LINES_MAX];
static size_t n_lines;

static int read_vectors(void **state)
{
    static char text[2 * 4096 + 128];
    FILE *f = fopen(VECTORS_PATH, "r");
    (void)state;

    assert_non_null(f);
    while (fgets(text, sizeof text, f) != NULL) {
        assert_true(n_lines < LINES_MAX);
        struct line *l = &lines[n_lines++];
        char *equal = strstr(text, " = ");
        assert_non_null(equal);
        text[strcspn(text, "\n")] = 0;
        snprintf(l->name, sizeof l->name, "%.*s", (int)(equal - text), text);
        l->n = strlen(equal + 3) / 2;
        assert_true(l->n <= sizeof l->b && gx_unhex(l->b, l->n, equal + 3));
    }
    fclose(f);
    return 0;
}

static void same(const char *name, const void *p, size_t n)
{
    for (size_t i = 0; i < n_lines; i++) {
        if (strcmp(lines[i].name, name) != 0)
            continue;
        if (lines[i].n != n || memcmp(lines[i].b, p, n) != 0)
            fail_msg("%s differs from wire.txt", name);
        lines[i].compared++;
        return;
    }
    fail_msg("%s does not stand in wire.txt", name);
}

static void test_log_ids(void **state)
{
    const struct story *s = story();
    (void)state;

    same("log.alice.control", s->alice.control.b, 16);
    same("log.alice.messages", s->alice.messages.b, 16);
    same("log.bob.control", s->bob.control.b, 16);
    same("log.bob.messages", s->bob.messages.b, 16);
    same("log.alice.second.control", s->second_control.b, 16);
}

static void test_events_of_every_type(void **state)
{
    const struct story *s = story();
    (void)state;

    for (size_t i = 0; i < STORY_EVENTS; i++) {
        uint8_t bytes[2048];
        char name[64];
        size_t n = story_encode(bytes, sizeof bytes, &s->ev[i]);
        snprintf(name, sizeof name, "event.%s", story_names[i]);
        same(name, bytes, n);
        snprintf(name, sizeof name, "event.%s.id", story_names[i]);
        same(name, s->ev[i].id.b, 32);
        snprintf(name, sizeof name, "event.%s.sig", story_names[i]);
        same(name, s->ev[i].sig.b, 64);
    }
}

static void test_chunks(void **state)
{
    const struct story *s = story();
    uint8_t bytes[4096];
    struct gx_event deleted = s->ev[STORY_TEXT];
    (void)state;

    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    story_chunk(&w, s, story_alice_control, GX_ARRAY_LEN(story_alice_control));
    same("chunk.control", bytes, w.n);
    w = gx_wr(bytes, sizeof bytes);
    story_chunk(&w, s, story_bob_messages, GX_ARRAY_LEN(story_bob_messages));
    same("chunk.messages", bytes, w.n);

    deleted.body = gx_span(NULL, 0);
    w = gx_wr(bytes, sizeof bytes);
    gx_chunk_write_header(&w, &deleted.log, 1, &deleted.prev, 2);
    gx_record_encode(&w, &deleted);
    gx_record_encode(&w, &s->ev[STORY_REPLY]);
    same("chunk.deleted", bytes, w.n);
}

static void test_an_endpoint_record(void **state)
{
    struct gx_endpoint e = frames_endpoint(story());
    uint8_t bytes[GX_ENDPOINT_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    (void)state;

    gx_endpoint_write(&w, &e);
    same("endpoint", bytes, w.n);
}

static void test_frames_of_every_kind(void **state)
{
    const struct frames *f = frames();
    (void)state;

    for (size_t i = 0; i < f->n; i++) {
        char name[64];
        snprintf(name, sizeof name, "frame.%s", f->at[i].name);
        for (char *p = name; *p != 0; p++)
            if (*p == ' ')
                *p = '.';
        same(name, f->at[i].b, f->at[i].len);
    }
}

static void test_tokens_in_bytes_and_text(void **state)
{
    (void)state;
    for (int hint = 0; hint < 2; hint++) {
        struct gx_token token = story_token(story(), hint);
        uint8_t bytes[GX_TOKEN_BYTES_MAX];
        char text[GX_TOKEN_TEXT_MAX];
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        gx_token_encode(&w, &token);
        same(hint ? "token.hint" : "token", bytes, w.n);
        gx_token_format(text, &token);
        same(hint ? "token.hint.text" : "token.text", text, strlen(text));
    }
}

static void test_cards_in_bytes_and_text(void **state)
{
    (void)state;
    for (int hint = 0; hint < 2; hint++) {
        struct gx_card_code code = story_card(hint);
        uint8_t bytes[GX_TOKEN_BYTES_MAX];
        char text[GX_TOKEN_TEXT_MAX];
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        gx_card_encode(&w, &code);
        same(hint ? "card.hint" : "card", bytes, w.n);
        gx_card_format(text, &code);
        same(hint ? "card.hint.text" : "card.text", text, strlen(text));
    }
}

static void test_every_vector_was_compared_once(void **state)
{
    unsigned compared = 0;
    (void)state;

    for (size_t i = 0; i < n_lines; i++) {
        if (lines[i].compared != 1)
            fail_msg("%s was compared %u times", lines[i].name, lines[i].compared);
        compared++;
    }
    printf("vectors compared: %u of %zu\n", compared, n_lines);
    assert_true(compared > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_ids),
        cmocka_unit_test(test_events_of_every_type),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_an_endpoint_record),
        cmocka_unit_test(test_frames_of_every_kind),
        cmocka_unit_test(test_tokens_in_bytes_and_text),
        cmocka_unit_test(test_cards_in_bytes_and_text),
        cmocka_unit_test(test_every_vector_was_compared_once),
    };
    return cmocka_run_group_tests(tests, read_vectors, NULL);
}
