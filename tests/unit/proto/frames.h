/* One frame of every kind out of the story, with what each needs: shared by test_frame.c, test_print.c and test_vectors.c. */
#ifndef GX_TESTS_PROTO_FRAMES_H
#define GX_TESTS_PROTO_FRAMES_H

#include "tests/unit/proto/story.h"

#define FRAMES_MAX 33u

struct frames {
    size_t n;
    struct {
        const char *name;
        uint8_t b[4096];
        size_t len;
    } at[FRAMES_MAX];
};

static inline void frames_transcript(struct gx_transcript *t)
{
    story_run(t->client_key.b, 0x01, 32);
    story_run(t->server_key.b, 0x21, 32);
    story_run(t->client_nonce.b, 0x41, 32);
    story_run(t->server_nonce.b, 0x61, 32);
}

static inline struct gx_wr frames_begin(struct frames *f, const char *name)
{
    assert_true(f->n < FRAMES_MAX);
    f->at[f->n].name = name;
    return gx_wr(f->at[f->n].b, sizeof f->at[0].b);
}

static inline void frames_end(struct frames *f, const struct gx_wr *w)
{
    assert_false(w->failed);
    f->at[f->n++].len = w->n;
}

/* Somebody's record in a group, with an address of each family. */
static inline struct gx_endpoint frames_endpoint_of(const struct story_person *p, const struct gx_group_id *group)
{
    uint8_t bytes[GX_ENDPOINT_SIGNED_MAX];
    struct gx_endpoint e = {.device = p->device_pk, .counter = 7, .n_addrs = 2};

    story_run(e.transport.b, 0xc0, 32);
    e.addrs[0] = (struct gx_addr){.family = 4, .ip = {192, 0, 2, 7}, .port = 7447};
    e.addrs[1] = (struct gx_addr){.family = 6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 443};
    size_t n = gx_endpoint_signed_bytes(bytes, &e, group);
    gx_sign(&e.sig, &p->device_sk, GX_DOMAIN_ENDPOINT, gx_span(bytes, n));
    return e;
}

static inline struct gx_endpoint frames_endpoint(const struct story *s)
{
    return frames_endpoint_of(&s->bob, &s->group);
}

static inline struct gx_tag frames_gate_tag(const struct story *s)
{
    struct gx_transcript t;
    struct gx_gate_key gate;
    struct gx_tag tag;

    frames_transcript(&t);
    gx_gate_zero(&gate, &s->alice.intro.e);
    gx_gate_tag(&tag, &gate, GX_ROLE_CLIENT, &t);
    return tag;
}

static inline struct gx_frontier_entry frames_frontier(const struct gx_event *ev)
{
    struct gx_frontier_entry e = {.seq = (uint32_t)ev->seq};

    memcpy(e.tag.b, ev->log.b, 8);
    memcpy(e.check, ev->id.b, 4);
    return e;
}

static inline void frames_of_a_session(struct frames *f, const struct story *s)
{
    struct gx_transcript t;
    struct gx_proof proof = {.channel = 1, .tag = frames_gate_tag(s), .device = s->bob.device_pk};
    uint8_t bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_tag tag = proof.tag;
    struct gx_frontier_entry e;
    struct gx_want_entry want = {.from_seq = 2};

    frames_transcript(&t);
    struct gx_wr w = frames_begin(f, "hello");
    gx_frame_write_hello(&w, &t.client_nonce);
    frames_end(f, &w);

    w = frames_begin(f, "tags");
    struct gx_frame_list l = gx_frame_begin_tags(&w);
    for (unsigned i = 0; i < GX_FRAME_TAGS_PAD; i++) {
        if (i > 0)
            story_run(tag.b, (uint8_t)i, 16);
        gx_frame_put_tag(&w, &l, &tag);
    }
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    w = frames_begin(f, "proof");
    gx_proof_signed_bytes(bytes, &s->group, GX_ROLE_CLIENT, &t);
    gx_sign(&proof.sig, &s->bob.device_sk, GX_DOMAIN_SESSION, gx_span(bytes, sizeof bytes));
    l = gx_frame_begin_proof(&w);
    gx_frame_put_proof(&w, &l, &proof);
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    w = frames_begin(f, "again");
    gx_frame_write_simple(&w, GX_FRAME_AGAIN);
    frames_end(f, &w);

    w = frames_begin(f, "heads");
    l = gx_frame_begin_heads(&w, 1);
    gx_frame_put_id(&w, &l, &s->ev[STORY_LEAVE].id);
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    w = frames_begin(f, "frontier");
    l = gx_frame_begin_frontier(&w, 1, 0, NULL, NULL);
    e = frames_frontier(&s->ev[STORY_REVOKE]);
    gx_frame_put_frontier(&w, &l, &e);
    e = frames_frontier(&s->ev[STORY_LEAVE]);
    e.base_seq = 1;
    gx_frame_put_frontier(&w, &l, &e);
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    w = frames_begin(f, "want control");
    l = gx_frame_begin_want(&w, 1, GX_WANT_CONTROL, GX_WANT_CHUNKS_MAX);
    e = frames_frontier(&s->ev[STORY_REVOKE]);
    gx_frame_put_frontier(&w, &l, &e);
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    w = frames_begin(f, "want messages");
    l = gx_frame_begin_want(&w, 1, GX_WANT_MESSAGES, 2);
    memcpy(want.tag.b, s->bob.messages.b, 8);
    memcpy(want.check, s->ev[STORY_TEXT].id.b, 4);
    gx_frame_put_want(&w, &l, &want);
    want.from_seq = 1;
    memset(want.check, 0, 4);
    gx_frame_put_want(&w, &l, &want);
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    w = frames_begin(f, "ended");
    l = gx_frame_begin_ended(&w, 1);
    gx_frame_put_id(&w, &l, &s->ev[STORY_REMOVE].id);
    gx_frame_put_id(&w, &l, &s->ev[STORY_BAN].id);
    gx_frame_end(&w, &l);
    frames_end(f, &w);
}

/* What two nodes say to find what one has and the other lacks. */
static inline void frames_of_parts(struct frames *f, const struct story *s)
{
    static const uint8_t mask[2] = {0x02, 0x80}, both = 0x03;
    static const uint16_t channels[2] = {1, GX_CHANNEL_OF_SERVER + 1};
    struct gx_frontier_entry e = frames_frontier(&s->ev[STORY_REVOKE]);
    struct gx_record_entry record = {.counter = 7};
    uint8_t sum[GX_SUM_BYTES], logs[2 * GX_BUCKET_BYTES], records[GX_BUCKET_BYTES];

    story_run(sum, 0xa0, sizeof sum);
    struct gx_wr w = frames_begin(f, "frontier of buckets");
    struct gx_frame_list l = gx_frame_begin_frontier(&w, 1, 4, mask, sum);
    gx_frame_put_frontier(&w, &l, &e);
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    story_run(sum, 0xb0, sizeof sum);
    w = frames_begin(f, "sum");
    gx_frame_write_sum(&w, GX_SUM_ASK, channels, 2, sum);
    frames_end(f, &w);

    story_run(logs, 0x10, sizeof logs);
    story_run(records, 0x18, sizeof records);
    w = frames_begin(f, "buckets");
    gx_frame_write_buckets(&w, 1, 1, logs, 0, records);
    frames_end(f, &w);

    w = frames_begin(f, "records");
    l = gx_frame_begin_records(&w, 1, 1, &both);
    memcpy(record.device, s->bob.device_pk.b, sizeof record.device);
    story_run(record.check, 0xd0, sizeof record.check);
    gx_frame_put_record(&w, &l, &record);
    memcpy(record.device, s->alice.device_pk.b, sizeof record.device);
    record.counter = 0;
    memset(record.check, 0, sizeof record.check);
    gx_frame_put_record(&w, &l, &record);
    gx_frame_end(&w, &l);
    frames_end(f, &w);
}

static inline void frames_put_chunk(struct gx_wr *w, struct gx_frame_list *l, const struct story *s, const enum story_event *which,
                                    size_t n)
{
    uint8_t bytes[4096];
    struct gx_wr chunk = gx_wr(bytes, sizeof bytes);

    story_chunk(&chunk, s, which, n);
    assert_false(chunk.failed);
    gx_frame_put_chunk(w, l, gx_wr_span(&chunk));
}

/* An event without its body, as a baseline shows it. */
static inline void frames_put_newest(struct gx_wr *w, struct gx_frame_list *l, const struct gx_event *ev)
{
    uint8_t bytes[4096];
    struct gx_wr chunk = gx_wr(bytes, sizeof bytes);
    struct gx_event bare = *ev;

    bare.body = gx_span(NULL, 0);
    gx_chunk_write_header(&chunk, &ev->log, (uint32_t)ev->seq, &ev->prev, 1);
    gx_record_encode(&chunk, &bare);
    gx_frame_put_chunk(w, l, gx_wr_span(&chunk));
}

static inline void frames_of_events(struct frames *f, const struct story *s)
{
    static const enum story_event create = STORY_CREATE, token = STORY_TOKEN;
    struct gx_endpoint endpoint = frames_endpoint(s);

    struct gx_wr w = frames_begin(f, "chunks");
    struct gx_frame_list l = gx_frame_begin_chunks(&w, 1, GX_CHUNKS_LAST);
    frames_put_chunk(&w, &l, s, story_alice_control, GX_ARRAY_LEN(story_alice_control));
    frames_put_chunk(&w, &l, s, story_bob_messages, GX_ARRAY_LEN(story_bob_messages));
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    uint8_t room[4096];
    struct gx_want_entry on = {.from_seq = 2};
    struct gx_wr inside = gx_wr(room + GX_CHUNKS_ON_BYTES, sizeof room - GX_CHUNKS_ON_BYTES);

    l = gx_frame_begin_chunks(&inside, 1, GX_CHUNKS_LAST);
    frames_put_chunk(&inside, &l, s, story_bob_messages, GX_ARRAY_LEN(story_bob_messages));
    gx_frame_end(&inside, &l);
    memcpy(on.tag.b, s->ev[STORY_TEXT].log.b, sizeof on.tag.b);
    memcpy(on.check, s->ev[STORY_TEXT].id.b, sizeof on.check);
    gx_frame_chunks_on(room, &on);
    w = frames_begin(f, "chunks on");
    gx_wr_bytes(&w, room, GX_CHUNKS_ON_BYTES + inside.n);
    frames_end(f, &w);

    w = frames_begin(f, "endpoints");
    l = gx_frame_begin_endpoints(&w, 1);
    gx_frame_put_endpoint(&w, &l, &endpoint);
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    w = frames_begin(f, "path");
    l = gx_frame_begin_path(&w);
    frames_put_chunk(&w, &l, s, &create, 1);
    frames_put_chunk(&w, &l, s, &token, 1);
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    w = frames_begin(f, "baseline");
    l = gx_frame_begin_baseline(&w, 0);
    frames_put_newest(&w, &l, &s->ev[STORY_REPLY]);
    gx_frame_end(&w, &l);
    frames_end(f, &w);
}

static inline void frames_short(struct frames *f, const struct story *s)
{
    struct gx_transcript t;
    uint8_t bytes[GX_GUEST_SIGNED_BYTES];
    struct gx_sig sig;

    frames_transcript(&t);
    gx_guest_signed_bytes(bytes, &s->bob.device_pk, &t);
    gx_sign(&sig, &s->keys.sk, GX_DOMAIN_GUEST, gx_span(bytes, sizeof bytes));
    struct gx_wr w = frames_begin(f, "guest");
    gx_frame_write_guest(&w, &s->bob.device_pk, &sig);
    frames_end(f, &w);

    w = frames_begin(f, "join");
    gx_frame_write_join(&w, &s->request);
    frames_end(f, &w);
    w = frames_begin(f, "admitted");
    gx_frame_write_admitted(&w, &s->ev[STORY_ADMIT].id);
    frames_end(f, &w);
    w = frames_begin(f, "refused");
    gx_frame_write_reason(&w, GX_FRAME_REFUSED, GX_DENY_FULL);
    frames_end(f, &w);
    w = frames_begin(f, "bye");
    gx_frame_write_reason(&w, GX_FRAME_BYE, GX_BYE_STOPPING);
    frames_end(f, &w);
    w = frames_begin(f, "ping");
    gx_frame_write_echo(&w, GX_FRAME_PING, 0x0102030405060708);
    frames_end(f, &w);
    w = frames_begin(f, "pong");
    gx_frame_write_echo(&w, GX_FRAME_PONG, 0x0102030405060708);
    frames_end(f, &w);
}

static inline void frames_of_contacts(struct frames *f, const struct story *s)
{
    uint8_t create[GX_CREATE_EVENT_BYTES];
    struct gx_frame card = {.card = story_card(false).card, .name = story_str("Alice \xe7\x88\xb1"), .create = gx_span(create, sizeof create)};
    struct gx_reveal mac;

    story_encode(create, sizeof create, &s->ev[STORY_DIRECT]);
    story_run(card.mac.b, 0xd8, 32);
    card.endpoint = frames_endpoint_of(&s->alice, &s->direct);
    struct gx_wr w = frames_begin(f, "card");
    gx_frame_write_card(&w, &card);
    frames_end(f, &w);

    story_run(mac.b, 0xe0, 32);
    w = frames_begin(f, "ask");
    gx_frame_write_ask(&w, 1, &mac, &s->contact_request);
    frames_end(f, &w);
    w = frames_begin(f, "denied");
    gx_frame_write_denied(&w, 1, GX_DENY_BANNED);
    frames_end(f, &w);
}

/* In the tree of live events. */
static inline void frames_of_links(struct frames *f)
{
    struct gx_wr w = frames_begin(f, "link");

    gx_frame_write_link(&w, 1, GX_LINK_EAGER);
    frames_end(f, &w);
}

static inline struct gx_key_entry frames_key(const struct gx_event *ev)
{
    struct gx_key_entry e = {.seq = (uint32_t)ev->seq};

    memcpy(e.tag.b, ev->log.b, 8);
    memcpy(e.check, ev->id.b, 4);
    return e;
}

/* What somebody cannot read, and the answer, which nobody can open. */
static inline void frames_of_keys(struct frames *f, const struct story *s)
{
    const struct gx_key_entry asked[2] = {frames_key(&s->ev[STORY_REPLY]), frames_key(&s->ev[STORY_META])};
    uint8_t sealed[2 * sizeof(struct gx_message_key) + GX_AEAD_TAG_BYTES];
    struct gx_dh_pk key;

    story_run(key.b, 0x21, 32);
    struct gx_wr w = frames_begin(f, "ask keys");
    struct gx_frame_list l = gx_frame_begin_ask_keys(&w, 1, &key);
    gx_frame_put_key(&w, &l, &asked[0]);
    gx_frame_put_key(&w, &l, &asked[1]);
    gx_frame_end(&w, &l);
    frames_end(f, &w);

    story_run(key.b, 0x41, 32);
    story_run(sealed, 0x90, sizeof sealed);
    w = frames_begin(f, "keys");
    l = gx_frame_begin_keys(&w, 1, &key);
    gx_frame_put_key(&w, &l, &asked[0]);
    gx_frame_put_key(&w, &l, &asked[1]);
    gx_frame_end(&w, &l);
    gx_wr_bytes(&w, sealed, sizeof sealed);
    frames_end(f, &w);
}

static inline const struct frames *frames(void)
{
    static struct frames f;

    if (f.n == 0) {
        frames_of_a_session(&f, story());
        frames_of_parts(&f, story());
        frames_of_events(&f, story());
        frames_short(&f, story());
        frames_of_contacts(&f, story());
        frames_of_keys(&f, story());
        frames_of_links(&f);
    }
    return &f;
}

/* The frame of that name; the test ends when there is none. */
static inline struct gx_span frames_get(const char *name)
{
    const struct frames *f = frames();

    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->at[i].name, name) == 0)
            return gx_span(f->at[i].b, f->at[i].len);
    fail_msg("no frame %s", name);
    return gx_span(NULL, 0);
}

#endif
