/* A small group with one event of every type, made from fixed bytes: what most tests here, and tests/vectors/wire.py, start from.
 *
 *   alice   founds the group, invites, admits bob, titles it, takes the invitation back, comes back with a second incarnation
 *   bob     joins, calls himself Bob, writes twice, leaves
 *
 * and then the two go through all that the law knows, the group's handing over and bob's removal included.  Here the bytes are looked at and
 * not the law, which would let few of these stand behind one another.  Last alice founds a direct chat and bob comes in, invites her into the group
 * and tells her who he is there; what nobody would do, with the keys that both have in the group.  Then she makes an epoch for the two, and he a prekey.
 * What is for members alone is laid out as sealed bodies are, under no epoch, and lies there as it was (tests/blind.h). */
#ifndef GX_TESTS_PROTO_STORY_H
#define GX_TESTS_PROTO_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/invite.h"
#include "proto/card.h"
#include "proto/frame.h"
#include "proto/token.h"
#include "tests/blind.h"

#define STORY_WALL_MS (29000000ull * 60000ull)
#define STORY_EXPIRES_MIN 81920u        /* a week after STORY_WALL_MS */

enum story_event {
    STORY_CREATE,
    STORY_TOKEN,
    STORY_ADMIT,
    STORY_META,
    STORY_ALIAS,
    STORY_REVOKE,
    STORY_INCARNATION,
    STORY_TEXT,
    STORY_REPLY,
    STORY_LEAVE,
    STORY_PROMOTE,
    STORY_DEMOTE,
    STORY_OFFER,
    STORY_ACCEPT,
    STORY_DECLINE,
    STORY_TRANSFER,
    STORY_CHECKPOINT,
    STORY_REMOVE,
    STORY_BAN,
    STORY_UNBAN,
    STORY_REVOKE_MEMBER,
    STORY_DIRECT,
    STORY_ADMIT_CONTACT,
    STORY_INVITE,
    STORY_REVEAL,
    STORY_EPOCH,
    STORY_PREKEY,
    STORY_EVENTS
};

static const char *const story_names[STORY_EVENTS] = {
    "create",  "token", "admit",  "meta",    "alias",    "revoke",     "incarnation", "text", "reply", "leave",         "promote",
    "demote",  "offer", "accept", "decline", "transfer", "checkpoint", "remove",      "ban",  "unban", "revoke.member", "direct",
    "admit.contact", "invite", "reveal", "epoch", "prekey",
};

struct story_person {
    struct gx_sign_pk device_pk, member_pk;
    struct gx_sign_sk device_sk, member_sk;
    struct gx_intro intro;
    struct gx_log_id control, messages;
};

struct story {
    struct story_person alice, bob;
    struct gx_incarnation second;              /* alice's */
    struct gx_log_id second_control;
    struct gx_token_seed seed;
    struct gx_token_keys keys;
    struct gx_group_id group;
    struct gx_join_request request;
    uint8_t request_heads[64];
    struct gx_group_id direct;                 /* the direct chat, and what bob asks for it */
    struct gx_join_request contact_request;
    uint8_t founding[GX_CREATE_EVENT_BYTES];   /* the group's CREATE in full form: what an invitation holds */
    struct gx_event ev[STORY_EVENTS];
    uint8_t bodies[STORY_EVENTS][2048], blind[BLIND_BYTES];
    uint8_t deps[STORY_EVENTS][64];
};

/* start, start + 1, ... */
static inline void story_run(void *out, uint8_t start, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)(start + i);
}

static inline struct gx_span story_str(const char *s)
{
    return gx_span(s, strlen(s));
}

static inline void story_person(struct story_person *p, uint8_t start)
{
    struct gx_sign_seed seed;
    uint8_t cert[96];

    story_run(seed.b, start, 32);
    gx_sign_keypair(&p->device_pk, &p->device_sk, &seed);
    story_run(seed.b, (uint8_t)(start + 0x10), 32);
    gx_sign_keypair(&p->member_pk, &p->member_sk, &seed);
    story_run(p->intro.e.b, (uint8_t)(start + 0x20), 32);
    story_run(p->intro.prekey.b, (uint8_t)(start + 0x30), 32);
    story_run(p->intro.incarnation.b, (uint8_t)(start + 0x40), 8);
    p->intro.device = p->device_pk;
    p->intro.member = p->member_pk;
    gx_intro_cert_bytes(cert, &p->intro);
    gx_sign(&p->intro.cert, &p->member_sk, GX_DOMAIN_DEVICE, gx_span(cert, sizeof cert));
    gx_log_id_make(&p->control, &p->member_pk, &p->device_pk, &p->intro.incarnation, GX_LOG_CONTROL);
    gx_log_id_make(&p->messages, &p->member_pk, &p->device_pk, &p->intro.incarnation, GX_LOG_MESSAGES);
}

/* Two ids in ascending order. */
static inline void story_pair(uint8_t out[64], const struct gx_event_id *a, const struct gx_event_id *b)
{
    bool swap = gx_event_id_cmp(a, b) > 0;

    memcpy(out, swap ? b->b : a->b, 32);
    memcpy(out + 32, swap ? a->b : b->b, 32);
}

static inline bool story_by_bob(const struct story *s, const struct gx_log_id *log)
{
    return gx_log_id_equal(log, &s->bob.control) || gx_log_id_equal(log, &s->bob.messages);
}

/* Complete event `which`: body, deps on one or two others, tick one more than its number, then hash and sign. */
static inline void story_seal(struct story *s, enum story_event which, const struct gx_body *body, const struct gx_log_id *log,
                              uint64_t seq, int prev, int dep, int second_dep)
{
    struct gx_event *ev = &s->ev[which];
    struct gx_wr w = gx_wr(s->bodies[which], sizeof s->bodies[which]);
    const struct story_person *author = story_by_bob(s, log) ? &s->bob : &s->alice;
    struct gx_body outer = *body;
    enum gx_log_class cls;

    assert_true(gx_event_class(&cls, body->type));
    blind(&outer, s->blind);
    gx_body_encode(&w, &outer);
    assert_false(w.failed);
    *ev = (struct gx_event){
        .ver = GX_EVENT_VERSION,
        .type = body->type,
        .group = which >= STORY_DIRECT ? s->direct : s->group,
        .log = *log,
        .seq = seq,
        .tick = (uint64_t)which + 1,
        .wall_ms = cls == GX_LOG_MESSAGES ? 0 : STORY_WALL_MS + 60000ull * (uint64_t)which,
        .body = gx_wr_span(&w),
    };
    if (prev >= 0)
        ev->prev = s->ev[prev].id;
    if (dep >= 0 && second_dep >= 0)
        story_pair(s->deps[which], &s->ev[dep].id, &s->ev[second_dep].id);
    else if (dep >= 0)
        memcpy(s->deps[which], s->ev[dep].id.b, 32);
    ev->n_deps = (uint8_t)((dep >= 0) + (second_dep >= 0));
    ev->deps = s->deps[which];
    gx_event_seal(ev, &author->device_sk);
}

static inline void story_found(struct story *s)
{
    struct gx_body b = {.type = GX_EV_CREATE};

    b.u.create.rules = (struct gx_rules){.rule_version = GX_RULE_VERSION, .kind = GX_GROUP_CHAT, .cap = 500, .qr_max = 100};
    b.u.create.founder = s->alice.intro;
    story_seal(s, STORY_CREATE, &b, &s->alice.control, 1, -1, -1, -1);
    memcpy(s->group.b, s->ev[STORY_CREATE].id.b, 32);

    story_run(s->seed.b, 0xb0, 16);
    gx_token_keys_make(&s->keys, &s->seed, s->group.b);
    b = (struct gx_body){.type = GX_EV_TOKEN};
    b.u.token = (struct gx_body_token){
        .token_pk = s->keys.pk, .expires_min = STORY_EXPIRES_MIN, .uses = 3, .lan = s->keys.lan};
    story_seal(s, STORY_TOKEN, &b, &s->alice.control, 2, STORY_CREATE, STORY_CREATE, -1);
}

static inline void story_request(struct story *s)
{
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    story_pair(s->request_heads, &s->ev[STORY_CREATE].id, &s->ev[STORY_TOKEN].id);
    s->request = (struct gx_join_request){
        .group = s->group,
        .via = GX_VIA_QR,
        .token = s->ev[STORY_TOKEN].id,
        .n_heads = 2,
        .heads = s->request_heads,
        .joiner = s->bob.intro,
    };
    gx_join_request_write_signed(&w, &s->request);
    gx_sign(&s->request.device_sig, &s->bob.device_sk, GX_DOMAIN_JOIN, gx_wr_span(&w));
    gx_sign(&s->request.token_sig, &s->keys.sk, GX_DOMAIN_JOIN_TOKEN, gx_wr_span(&w));
}

static inline void story_join(struct story *s)
{
    uint8_t request[1024];
    struct gx_wr w = gx_wr(request, sizeof request);
    struct gx_body b = {.type = GX_EV_ADMIT};

    story_request(s);
    gx_join_request_write(&w, &s->request);
    b.u.admit.request_bytes = gx_wr_span(&w);
    story_seal(s, STORY_ADMIT, &b, &s->alice.control, 3, STORY_TOKEN, STORY_TOKEN, -1);

    b = (struct gx_body){.type = GX_EV_META, .u.meta.name = story_str("Tea house \xe8\x8c\xb6\xe9\xa6\x86")};
    story_seal(s, STORY_META, &b, &s->alice.control, 4, STORY_ADMIT, STORY_ADMIT, -1);
    b = (struct gx_body){.type = GX_EV_ALIAS, .u.alias.name = story_str("Bob")};
    story_seal(s, STORY_ALIAS, &b, &s->bob.control, 1, -1, STORY_META, -1);
    b = (struct gx_body){.type = GX_EV_REVOKE, .u.revoke = {.what = GX_REVOKE_TOKEN, .token = s->ev[STORY_TOKEN].id}};
    story_seal(s, STORY_REVOKE, &b, &s->alice.control, 5, STORY_META, STORY_ALIAS, -1);
}

static inline void story_rest(struct story *s)
{
    struct gx_body b = {.type = GX_EV_INCARNATION};
    uint8_t bytes[2 * GX_CUT_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    b.u.incarnation = (struct gx_body_incarnation){.member = s->alice.member_pk, .device = s->alice.device_pk, .incarnation = s->second};
    story_seal(s, STORY_INCARNATION, &b, &s->second_control, 1, STORY_REVOKE, STORY_REVOKE, -1);

    b = (struct gx_body){.type = GX_EV_TEXT};
    b.u.text = (struct gx_body_text){.wall_ms = STORY_WALL_MS + 345678, .text = story_str("hello, \xe4\xb8\x96\xe7\x95\x8c")};
    story_seal(s, STORY_TEXT, &b, &s->bob.messages, 1, -1, STORY_ADMIT, -1);
    b.u.text = (struct gx_body_text){
        .wall_ms = STORY_WALL_MS + 456789, .text = story_str("again"), .has_reply = true, .reply = s->ev[STORY_TEXT].id};
    story_seal(s, STORY_REPLY, &b, &s->bob.messages, 2, STORY_TEXT, -1, -1);

    struct gx_cut control = {.log = s->bob.control, .seq = 1, .id = s->ev[STORY_ALIAS].id};
    struct gx_cut messages = {.log = s->bob.messages, .seq = 2, .id = s->ev[STORY_REPLY].id};
    bool control_first = memcmp(&control.log, &messages.log, sizeof control.log) < 0;
    gx_cut_write(&w, control_first ? &control : &messages);
    gx_cut_write(&w, control_first ? &messages : &control);
    b = (struct gx_body){.type = GX_EV_LEAVE, .u.leave = {.n_cuts = 2, .cuts = gx_wr_span(&w)}};
    story_seal(s, STORY_LEAVE, &b, &s->bob.control, 2, STORY_ALIAS, STORY_ALIAS, STORY_INCARNATION);
}

/* bob takes the group over; what alice wants she says by OFFER and TRANSFER. */
static inline void story_consent(const struct story *s, struct gx_sig *sig)
{
    uint8_t bytes[GX_ACCEPT_SIGNED_BYTES];

    gx_accept_signed_bytes(bytes, &s->group, &s->ev[STORY_OFFER].id, &s->bob.member_pk, &s->bob.device_pk);
    gx_sign(sig, &s->bob.device_sk, GX_DOMAIN_ACCEPT, gx_span(bytes, sizeof bytes));
}

static inline void story_hand_over(struct story *s)
{
    struct gx_body b = {.type = GX_EV_PROMOTE, .u.target.target = s->bob.member_pk};

    story_seal(s, STORY_PROMOTE, &b, &s->second_control, 2, STORY_INCARNATION, STORY_LEAVE, -1);
    b.type = GX_EV_DEMOTE;
    story_seal(s, STORY_DEMOTE, &b, &s->second_control, 3, STORY_PROMOTE, STORY_PROMOTE, -1);
    b.type = GX_EV_OFFER;
    story_seal(s, STORY_OFFER, &b, &s->second_control, 4, STORY_DEMOTE, STORY_DEMOTE, -1);

    b = (struct gx_body){.type = GX_EV_ACCEPT, .u.accept = {.answer = GX_ACCEPT_YES, .offer = s->ev[STORY_OFFER].id}};
    story_consent(s, &b.u.accept.sig);
    story_seal(s, STORY_ACCEPT, &b, &s->bob.control, 3, STORY_LEAVE, STORY_OFFER, -1);
    b.u.accept.answer = GX_ACCEPT_NO;
    story_seal(s, STORY_DECLINE, &b, &s->bob.control, 4, STORY_ACCEPT, STORY_ACCEPT, -1);

    b = (struct gx_body){.type = GX_EV_TRANSFER};
    b.u.transfer = (struct gx_body_transfer){.target = s->bob.member_pk, .device = s->bob.device_pk, .offer = s->ev[STORY_OFFER].id};
    story_consent(s, &b.u.transfer.sig);
    story_seal(s, STORY_TRANSFER, &b, &s->second_control, 5, STORY_OFFER, STORY_DECLINE, -1);
    b = (struct gx_body){.type = GX_EV_CHECKPOINT};
    story_seal(s, STORY_CHECKPOINT, &b, &s->second_control, 6, STORY_TRANSFER, STORY_TRANSFER, -1);
}

/* Of bob's two logs only that of his messages is cut. */
static inline void story_removals(struct story *s)
{
    struct gx_body b = {.type = GX_EV_REMOVE};
    uint8_t bytes[GX_CUT_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_cut_write(&w, &(struct gx_cut){.log = s->bob.messages, .seq = 2, .id = s->ev[STORY_REPLY].id});
    b.u.removal = (struct gx_body_removal){.target = s->bob.member_pk, .n_cuts = 1, .cuts = gx_wr_span(&w)};
    story_seal(s, STORY_REMOVE, &b, &s->second_control, 7, STORY_CHECKPOINT, STORY_CHECKPOINT, -1);
    b.type = GX_EV_BAN;
    story_seal(s, STORY_BAN, &b, &s->second_control, 8, STORY_REMOVE, STORY_REMOVE, -1);
    b = (struct gx_body){.type = GX_EV_UNBAN, .u.target.target = s->bob.member_pk};
    story_seal(s, STORY_UNBAN, &b, &s->second_control, 9, STORY_BAN, STORY_BAN, -1);
    b = (struct gx_body){.type = GX_EV_REVOKE, .u.revoke = {.what = GX_REVOKE_MEMBER, .member = s->bob.member_pk}};
    story_seal(s, STORY_REVOKE_MEMBER, &b, &s->second_control, 10, STORY_UNBAN, STORY_UNBAN, -1);
}

/* The full form of an event; returns its length. */
static inline size_t story_encode(uint8_t *out, size_t cap, const struct gx_event *ev)
{
    struct gx_wr w = gx_wr(out, cap);

    gx_event_encode(&w, ev);
    assert_false(w.failed);
    return w.n;
}

/* bob asks alice, who invited him: no code, and so one signature. */
static inline void story_contact_request(struct story *s)
{
    uint8_t bytes[1024];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    s->contact_request = (struct gx_join_request){
        .group = s->direct,
        .via = GX_VIA_INV,
        .inviter = s->alice.member_pk,
        .n_heads = 1,
        .heads = s->ev[STORY_DIRECT].id.b,
        .joiner = s->bob.intro,
    };
    gx_join_request_write_signed(&w, &s->contact_request);
    gx_sign(&s->contact_request.device_sig, &s->bob.device_sk, GX_DOMAIN_JOIN, gx_wr_span(&w));
}

static inline void story_contacts(struct story *s)
{
    uint8_t request[1024];
    struct gx_wr w = gx_wr(request, sizeof request);
    struct gx_body b = {.type = GX_EV_CREATE};

    b.u.create.rules = (struct gx_rules){.rule_version = GX_RULE_VERSION, .kind = GX_GROUP_DIRECT, .cap = 2};
    b.u.create.founder = s->alice.intro;
    story_seal(s, STORY_DIRECT, &b, &s->alice.control, 1, -1, -1, -1);
    memcpy(s->direct.b, s->ev[STORY_DIRECT].id.b, 32);

    story_contact_request(s);
    gx_join_request_write(&w, &s->contact_request);
    b = (struct gx_body){.type = GX_EV_ADMIT, .u.admit.request_bytes = gx_wr_span(&w)};
    story_seal(s, STORY_ADMIT_CONTACT, &b, &s->alice.control, 2, STORY_DIRECT, STORY_DIRECT, -1);

    assert_int_equal(story_encode(s->founding, sizeof s->founding, &s->ev[STORY_CREATE]), sizeof s->founding);
    b = (struct gx_body){.type = GX_EV_INVITE};
    b.u.invite = (struct gx_body_invite){.wall_ms = STORY_WALL_MS + 567890,
                                         .inviter = s->bob.member_pk,
                                         .create = gx_span(s->founding, sizeof s->founding),
                                         .title = story_str("Tea house \xe8\x8c\xb6\xe9\xa6\x86")};
    story_seal(s, STORY_INVITE, &b, &s->bob.messages, 1, -1, STORY_ADMIT_CONTACT, -1);

    b = (struct gx_body){.type = GX_EV_REVEAL};
    b.u.reveal = (struct gx_body_reveal){.wall_ms = STORY_WALL_MS + 678901, .group = s->group, .member = s->bob.member_pk};
    story_run(b.u.reveal.mac.b, 0xd0, 32);
    story_seal(s, STORY_REVEAL, &b, &s->bob.messages, 2, STORY_INVITE, -1, -1);

    /* Two slots; nobody can open them. */
    uint8_t slots[2 * GX_EPOCH_SLOT_BYTES];
    const struct gx_log_id *logs[2] = {&s->alice.messages, &s->bob.messages};
    bool swap = memcmp(logs[0], logs[1], sizeof *logs[0]) > 0;

    for (size_t i = 0; i < 2; i++) {
        memcpy(slots + i * GX_EPOCH_SLOT_BYTES, logs[i ^ swap]->b, GX_EPOCH_LOG_BYTES);
        story_run(slots + i * GX_EPOCH_SLOT_BYTES + GX_EPOCH_LOG_BYTES, (uint8_t)(0x10 * i), 48);
    }
    b = (struct gx_body){.type = GX_EV_EPOCH};
    b.u.epoch = (struct gx_body_epoch){.n = 2, .slots = gx_span(slots, sizeof slots)};
    story_run(b.u.epoch.head.x.b, 0x21, 32);
    story_run(b.u.epoch.head.conf, 0x41, 32);
    story_run(b.u.epoch.head.prekey.b, 0x61, 32);
    story_seal(s, STORY_EPOCH, &b, &s->alice.control, 3, STORY_ADMIT_CONTACT, STORY_ADMIT_CONTACT, -1);
    b = (struct gx_body){.type = GX_EV_PREKEY, .u.prekey.epoch = s->ev[STORY_EPOCH].id};
    story_run(b.u.prekey.prekey.b, 0x81, 32);
    story_seal(s, STORY_PREKEY, &b, &s->bob.control, 1, -1, STORY_EPOCH, -1);
}

/* Told once; the bodies and deps of its events lie inside it, so it is not copied. */
static inline const struct story *story(void)
{
    static struct story s;
    static bool told;

    if (!told) {
        story_person(&s.alice, 0x10);
        story_person(&s.bob, 0x60);
        story_run(s.second.b, 0x58, 8);
        gx_log_id_make(&s.second_control, &s.alice.member_pk, &s.alice.device_pk, &s.second, GX_LOG_CONTROL);
        story_found(&s);
        story_join(&s);
        story_rest(&s);
        story_hand_over(&s);
        story_removals(&s);
        story_contacts(&s);
        told = true;
    }
    return &s;
}

static inline const struct gx_sign_pk *story_author(const struct story *s, enum story_event which)
{
    return story_by_bob(s, &s->ev[which].log) ? &s->bob.device_pk : &s->alice.device_pk;
}

/* alice's invitation, with or without a place to go to. */
static inline struct gx_token story_token(const struct story *s, bool hint)
{
    uint8_t bytes[GX_TOKEN_SIGNED_BYTES];
    struct gx_token t = {.seed = s->seed, .expires_min = STORY_EXPIRES_MIN, .uses = 3};

    memcpy(t.group16, s->group.b, 16);
    memcpy(t.issuer, s->alice.device_pk.b, 8);
    memcpy(t.as_of, s->ev[STORY_TOKEN].id.b, 8);
    if (hint)
        t.hint = (struct gx_addr){.family = 4, .ip = {192, 0, 2, 7}, .port = 7447};
    gx_token_signed_bytes(bytes, &t, &s->group, &s->keys.pk);
    gx_sign(&t.sig, &s->alice.device_sk, GX_DOMAIN_TOKEN, gx_span(bytes, sizeof bytes));
    return t;
}

/* alice's card, likewise. */
static inline struct gx_card_code story_card(bool hint)
{
    struct gx_card_code code = {.card.serial = 0x01020304};
    struct gx_sign_seed identity;
    struct gx_sign_sk sk;
    uint8_t bytes[GX_CARD_SIGNED_BYTES];

    story_run(identity.b, 0x98, 32);
    gx_sign_keypair(&code.card.id, &sk, &identity);
    story_run(code.card.key.b, 0x38, 32);
    gx_card_signed_bytes(bytes, &code.card);
    gx_sign(&code.card.sig, &sk, GX_DOMAIN_CARD, gx_span(bytes, sizeof bytes));
    story_run(code.seed.b, 0xa8, 16);
    if (hint)
        code.hint = (struct gx_addr){.family = 4, .ip = {192, 0, 2, 7}, .port = 7447};
    return code;
}

/* A chunk of events `first` .. of one log, as many as given. */
static inline void story_chunk(struct gx_wr *w, const struct story *s, const enum story_event *which, size_t n)
{
    const struct gx_event *first = &s->ev[which[0]];

    gx_chunk_write_header(w, &first->log, (uint32_t)first->seq, &first->prev, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        gx_record_encode(w, &s->ev[which[i]]);
}

static const enum story_event story_alice_control[] = {STORY_CREATE, STORY_TOKEN, STORY_ADMIT, STORY_META, STORY_REVOKE};
static const enum story_event story_bob_messages[] = {STORY_TEXT, STORY_REPLY};

/* How often each error was returned, for the sentence at the end of a test. */
struct tally {
    unsigned by_err[GX_ERR_COUNT];
};

static inline unsigned tally_refused(const struct tally *t)
{
    unsigned n = 0;

    for (size_t i = 0; i < GX_ERR_COUNT; i++)
        n += i == GX_OK ? 0 : t->by_err[i];
    return n;
}

static inline void tally_print(const struct tally *t, const char *what, unsigned of)
{
    printf("%s refused: %u of %u (", what, tally_refused(t), of);
    for (size_t i = 0, n = 0; i < GX_ERR_COUNT; i++)
        if (t->by_err[i] > 0)
            printf("%s%s %u", n++ ? ", " : "", gx_err_name((enum gx_err)i), t->by_err[i]);
    printf(")\n");
}

#endif
