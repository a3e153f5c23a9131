/* tests/vectors/keys.py computed keys.txt from KEYS.md alone; here the C code must give the same bytes. */
#include "tests/unit/crypto/support.h"

#include <stdio.h>

#include "crypto/card.h"
#include "crypto/epoch.h"
#include "crypto/gate.h"
#include "crypto/hash.h"
#include "crypto/invite.h"
#include "crypto/lan.h"
#include "crypto/member.h"
#include "crypto/message.h"
#include "crypto/near.h"
#include "crypto/person.h"
#include "crypto/rng.h"
#include "crypto/sign.h"
#include "crypto/vault.h"
#include "crypto/words.h"

#define VALUES_MAX 128u
#define VALUE_BYTES_MAX 256u

/* What the C code computed, by name. */
static struct value {
    char name[48];
    uint8_t b[VALUE_BYTES_MAX];
    size_t n;
    unsigned compared;
} values[VALUES_MAX];
static size_t n_values;

static void put(const char *name, const void *p, size_t n)
{
    assert_true(n_values < VALUES_MAX && n <= VALUE_BYTES_MAX && strlen(name) < sizeof values[0].name);
    struct value *v = &values[n_values++];

    memcpy(v->name, name, strlen(name) + 1);
    memcpy(v->b, p, n);
    v->n = n;
}

static void put_hash(const char *name, const char *label, size_t n)
{
    uint8_t input[300], out[32];

    run(input, 0x01, n);
    gx_hash(out, label, gx_span(input, n));
    put(name, out, 32);
}

static void put_keyed(const char *name, size_t key_bytes, size_t n)
{
    uint8_t key[64], input[300], out[32];

    run(key, 0x10, key_bytes);
    run(input, 0x01, n);
    gx_hash_keyed(out, "gx-test", gx_span(key, key_bytes), gx_span(input, n));
    put(name, out, 32);
}

static void compute_hashes(void)
{
    put_hash("hash.gx-event-id", "gx-event-id", 100);
    put_hash("hash.gx-body", "gx-body", 100);
    put_hash("hash.gx-log-id", "gx-log-id", 100);
    put_hash("hash.gx-token-check", "gx-token-check", 100);
    put_hash("hash.empty", "gx-test", 0);
    put_hash("hash.one_block", "gx-test", 128);
    put_hash("hash.three_blocks", "gx-test", 300);
    put_hash("hash.label_of_16", "gx-test-16-bytes", 10);
    put_keyed("hash.keyed_16", 16, 10);
    put_keyed("hash.keyed_64", 64, 200);
    put_keyed("hash.keyed_empty", 32, 0);
}

static void compute_log_ids(const struct gx_intro *intro)
{
    static const char *const names[] = {"member.log_control", "member.log_messages"};

    for (uint8_t kind = 0; kind < 2; kind++) {
        struct gx_hasher h;
        uint8_t full[32];

        gx_hash_begin(&h, "gx-log-id");
        gx_hash_add(&h, intro->member.b, 32);
        gx_hash_add(&h, intro->device.b, 32);
        gx_hash_add(&h, intro->incarnation.b, 8);
        gx_hash_add(&h, &kind, 1);
        gx_hash_end(&h, full);
        put(names[kind], full, 16);
    }
}

static void compute_person_and_member(void)
{
    struct gx_recovery rec;
    struct gx_dh_sk card_sk, e_sk, prekey_sk;
    struct gx_device_seed seed;
    struct gx_incarnation_secret inc;
    struct gx_person p;
    struct gx_dh_pk prekey;
    struct gx_intro intro;
    struct gx_sign_pk device;
    struct gx_sign_sk device_sk;
    uint8_t cert[96];

    run(rec.b, 0x00, 32);
    run(card_sk.b, 0x20, 32);
    run(e_sk.b, 0x40, 32);
    run(seed.b, 0x60, 32);
    run(inc.b, 0x80, 32);
    run(prekey_sk.b, 0xa0, 32);

    gx_person_make(&p, &rec, &card_sk, 0x01020304);
    put("person.id", p.id.b, 32);
    put("person.recovery", p.recovery.b, 32);
    put("person.card", p.card.b, 32);
    put("person.card_sig", p.card_sig.b, 64);

    gx_dh_public(&prekey, &prekey_sk);
    gx_intro_make(&intro, &e_sk, &p.recovery, &seed, &inc, &prekey);
    gx_device_key(&device, &device_sk, &seed, &intro.e);
    gx_intro_cert_bytes(cert, &intro);
    put("member.e", intro.e.b, 32);
    put("member.root", intro.member.b, 32);
    put("member.device", device.b, 32);
    put("member.device_sk", device_sk.b, 64);
    put("member.cert_bytes", cert, 96);
    put("member.cert", intro.cert.b, 64);
    put("member.incarnation", intro.incarnation.b, 8);
    put("member.prekey", intro.prekey.b, 32);
    compute_log_ids(&intro);
}

/* With an identity that nobody has: the words only compare bytes. */
static void compute_cards(void)
{
    struct gx_recovery rec;
    struct gx_dh_sk card_sk, prekey_sk, other_sk;
    struct gx_dh_pk other;
    struct gx_person p;
    struct gx_token_seed seed;
    struct gx_token_keys keys;
    struct gx_curve_pk door;
    struct gx_curve_sk door_sk;
    struct gx_reveal reveal;
    struct gx_sign_pk member, other_id;
    uint8_t group_id[32];
    char text[GX_SAFETY_TEXT_BYTES];

    run(rec.b, 0x00, 32);
    run(card_sk.b, 0x20, 32);
    run(prekey_sk.b, 0xa0, 32);
    run(other_sk.b, 0xe0, 32);
    gx_dh_public(&other, &other_sk);
    gx_person_make(&p, &rec, &card_sk, 0x01020304);

    gx_card_seed(&seed, &card_sk, p.card_serial);
    gx_token_keys_make(&keys, &seed, p.id.b);
    gx_door_keys_make(&door, &door_sk, &keys.lan);
    put("card.seed", seed.b, 16);
    put("card.token_pk", keys.pk.b, 32);
    put("card.door_pk", door.b, 32);

    run(group_id, 0x21, 32);
    run(member.b, 0x91, 32);
    assert_true(gx_reveal_make(&reveal, &card_sk, &prekey_sk, &other, group_id, &member));
    put("card.reveal", reveal.b, 32);

    run(other_id.b, 0x41, 32);
    gx_safety_words(text, &other_id, &p.id);
    put("card.safety", text, strlen(text));
}

static void compute_tokens(void)
{
    struct gx_token_seed seed;
    uint8_t group16[16];
    struct gx_token_keys keys;
    struct gx_curve_pk door;
    struct gx_curve_sk door_sk;

    run(seed.b, 0xc0, 16);
    run(group16, 0xd0, 16);
    gx_token_keys_make(&keys, &seed, group16);
    gx_door_keys_make(&door, &door_sk, &keys.lan);
    put("token.pk", keys.pk.b, 32);
    put("token.sk", keys.sk.b, 64);
    put("token.lan", keys.lan.b, 32);
    put("door.pk", door.b, 32);
    put("door.sk", door_sk.b, 32);
}

static void compute_vaults(void)
{
    uint8_t head[71], secrets[200], sealed[200 + GX_AEAD_TAG_BYTES];
    struct gx_vault_key key;
    struct gx_pepper pepper;

    run(key.b, 0x15, sizeof key.b);
    run(pepper.b, 0x35, sizeof pepper.b);
    run(head, 0x55, sizeof head);
    run(secrets, 0x75, sizeof secrets);
    gx_vault_seal_secrets(sealed, &key, &pepper, gx_span(head, sizeof head), gx_span(secrets, sizeof secrets));
    put("vault.sealed", sealed, sizeof sealed);
}

static void compute_gates(void)
{
    struct gx_dh_sk e_sk;
    struct gx_dh_pk e;
    struct gx_gate_key gate;
    struct gx_transcript t;
    struct gx_tag tag;
    uint8_t bytes[GX_TRANSCRIPT_BYTES];

    run(e_sk.b, 0x40, 32);
    gx_dh_public(&e, &e_sk);
    gx_gate_zero(&gate, &e);
    put("gate.zero", gate.b, 32);

    run(t.client_key.b, 0x11, 32);
    run(t.server_key.b, 0x31, 32);
    run(t.client_nonce.b, 0x51, 32);
    run(t.server_nonce.b, 0x71, 32);
    gx_transcript_bytes(bytes, GX_ROLE_CLIENT, &t);
    gx_gate_tag(&tag, &gate, GX_ROLE_CLIENT, &t);
    put("gate.transcript_client", bytes, sizeof bytes);
    put("gate.tag_client", tag.b, 16);
    gx_transcript_bytes(bytes, GX_ROLE_SERVER, &t);
    gx_gate_tag(&tag, &gate, GX_ROLE_SERVER, &t);
    put("gate.transcript_server", bytes, sizeof bytes);
    put("gate.tag_server", tag.b, 16);
}

static void compute_beacons(void)
{
    struct gx_gate_key gate;
    struct gx_lan_key key;
    struct gx_lan_said said;
    struct gx_lan_tag tag;
    struct gx_lan_capsule capsule;
    struct gx_lan_sealed answer;
    struct gx_rng_stream rng;
    struct gx_dh_sk r_sk;
    struct gx_dh_pk r;
    struct gx_sign_seed seed;
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;
    uint8_t stream[32], group[32], place[GX_LAN_PLACE_BYTES];

    run(gate.b, 0x20, 32);
    run(r_sk.b, 0x41, 32);
    run(seed.b, 0x55, 32);
    run(stream, 0x77, 32);
    run(group, 0x91, 32);
    run(place, 0xb1, sizeof place);
    gx_lan_key_of_gate(&key, &gate);
    gx_dh_public(&r, &r_sk);
    memcpy(said.b, r.b, 32);
    run(said.b + 32, 0x61, sizeof said.b - 32);
    gx_sign_keypair(&pk, &sk, &seed);
    put("beacon.key", key.b, 32);
    gx_lan_tag(&tag, &key, &said);
    put("beacon.tag", tag.b, 8);
    gx_lan_capsule_seal(&capsule, &key, &said, group, &pk, &sk);
    put("beacon.old_tag", capsule.tag.b, 8);
    put("beacon.capsule", capsule.sealed, sizeof capsule.sealed);
    gx_rng_stream_init(&rng, stream);
    assert_true(gx_lan_answer_seal(&answer, &rng.rng, &key, &said, place));
    put("beacon.answer", answer.bytes, sizeof answer.bytes);
}

static void compute_near(void)
{
    const struct gx_near_code code = {.digits = {'4', '8', '2', '9', '1', '3'}};
    struct gx_near_secret s;
    struct gx_near_scalar x;
    struct gx_near_point a, b;
    struct gx_near_keys keys;
    struct gx_rng_stream rng;
    uint8_t seed[32], plain[GX_NEAR_PLAIN_BYTES], sealed[GX_NEAR_SEALED_BYTES];

    run(seed, 0x77, 32);
    gx_rng_stream_init(&rng, seed);
    run(s.b, 0x35, 32);
    gx_near_ask(&x, &a, &code, &rng.rng);
    put("near.a", a.b, 32);
    assert_true(gx_near_inviter_keys(&keys, &b, &s, &code, &a));
    put("near.b", b.b, 32);
    put("near.proof", keys.proof.b, 32);
    run(plain, 0xb1, sizeof plain);
    gx_near_seal(sealed, &keys, plain);
    put("near.sealed", sealed, sizeof sealed);
}

static void compute_signatures(void)
{
    static const char *const domains[GX_DOMAIN_COUNT] = {
#define GX_X(name, text) [name] = text,
        GX_DOMAIN_LIST(GX_X)
#undef GX_X
    };
    static uint8_t longest[GX_SIGN_MSG_MAX];
    struct gx_sign_seed seed;
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;
    struct gx_sig sig;
    uint8_t message[50];

    run(seed.b, 0x55, 32);
    run(message, 0x01, sizeof message);
    run(longest, 0x00, sizeof longest);
    gx_sign_keypair(&pk, &sk, &seed);
    put("sign.pk", pk.b, 32);
    for (unsigned d = 0; d < GX_DOMAIN_COUNT; d++) {
        char name[48];

        snprintf(name, sizeof name, "sign.%s", domains[d]);
        for (char *c = name; *c != '\0'; c++)
            if (*c == ' ')
                *c = '-';
        gx_sign(&sig, &sk, (enum gx_domain)d, gx_span(message, sizeof message));
        put(name, sig.b, 64);
    }
    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, gx_span(NULL, 0));
    put("sign.empty", sig.b, 64);
    gx_sign(&sig, &sk, GX_DOMAIN_EVENT, gx_span(longest, sizeof longest));
    put("sign.longest", sig.b, 64);
}

/* KEYS §9: the guest's proof.  KEYS §11: a device's, of the group it speaks about. */
static void compute_proofs(void)
{
    static const char *const names[] = {"proof.session_client", "proof.session_server"};
    struct gx_token_seed token_seed;
    struct gx_token_keys token;
    struct gx_device_seed seed;
    struct gx_dh_sk e_sk;
    struct gx_dh_pk e;
    struct gx_sign_pk device;
    struct gx_sign_sk device_sk;
    struct gx_transcript t;
    struct gx_sig sig;
    uint8_t group16[16], message[32 + GX_TRANSCRIPT_BYTES];

    run(t.client_key.b, 0x11, 32);
    run(t.server_key.b, 0x31, 32);
    run(t.client_nonce.b, 0x51, 32);
    run(t.server_nonce.b, 0x71, 32);

    run(token_seed.b, 0xc0, 16);
    run(group16, 0xd0, 16);
    gx_token_keys_make(&token, &token_seed, group16);
    run(message, 0x91, 32);
    gx_transcript_bytes(message + 32, GX_ROLE_CLIENT, &t);
    gx_sign(&sig, &token.sk, GX_DOMAIN_GUEST, gx_span(message, sizeof message));
    put("proof.guest", sig.b, 64);

    run(e_sk.b, 0x40, 32);
    run(seed.b, 0x60, 32);
    gx_dh_public(&e, &e_sk);
    gx_device_key(&device, &device_sk, &seed, &e);
    run(message, 0x21, 32);
    for (unsigned role = 0; role < 2; role++) {
        gx_transcript_bytes(message + 32, (enum gx_role)role, &t);
        gx_sign(&sig, &device_sk, GX_DOMAIN_SESSION, gx_span(message, sizeof message));
        put(names[role], sig.b, 64);
    }
}

static void put_words(const char *name, const struct gx_recovery *rec)
{
    char text[GX_WORDS_TEXT_BYTES];

    gx_words_from_recovery(text, rec);
    put(name, text, strlen(text));
}

static void compute_words(void)
{
    struct gx_recovery rec;

    memset(rec.b, 0x00, 32);
    put_words("words.zeroes", &rec);
    memset(rec.b, 0xff, 32);
    put_words("words.ones", &rec);
    run(rec.b, 0x00, 32);
    put_words("words.counting", &rec);
}

static void put_fills(const char *kind, struct gx_rng *rng)
{
    static const size_t sizes[] = {1, 32, 64, 200};

    for (size_t i = 0; i < GX_ARRAY_LEN(sizes); i++) {
        uint8_t out[200];
        char name[48];

        gx_rng_fill(rng, out, sizes[i]);
        snprintf(name, sizeof name, "rng.%s_%zu", kind, sizes[i]);
        put(name, out, sizes[i]);
    }
}

static void compute_rng(void)
{
    struct gx_rng_stream stream, source;
    struct gx_rng_hedged hedged;
    struct gx_device_seed device;
    uint8_t seed[32];

    run(seed, 0x77, 32);
    gx_rng_stream_init(&stream, seed);
    put_fills("stream", &stream.rng);

    run(device.b, 0x60, 32);
    gx_rng_stream_init(&source, seed);
    gx_rng_hedged_init(&hedged, &source.rng, &device);
    put_fills("hedged", &hedged.rng);
}

/* The header before body_hash that epochs and messages are tied to. */
static struct gx_span header(uint8_t bytes[145])
{
    run(bytes, 0x05, 145);
    return gx_span(bytes, 145);
}

static void compute_epochs(void)
{
    uint8_t hdr0[145], seed[32], slots[3 * GX_EPOCH_SLOT_BYTES];
    struct gx_epoch_to to[3];
    struct gx_rng_stream rng;
    struct gx_context context;
    struct gx_epoch_head head;
    struct gx_epoch_key key;
    struct gx_gate_key gate;
    struct gx_chain_key chain;
    struct gx_dh_sk sk;
    struct gx_dh_pk prekey;

    for (uint8_t i = 0; i < 3; i++) {
        to[i].log[0] = (uint8_t)(i + 1);
        run(to[i].log + 1, 0x61, 15);
        run(sk.b, (uint8_t)(0x81 + i), 32);
        gx_dh_public(&to[i].prekey, &sk);
    }
    run(sk.b, 0xa0, 32);
    gx_dh_public(&prekey, &sk);
    run(seed, 0x33, 32);
    gx_rng_stream_init(&rng, seed);
    gx_context_of(&context, header(hdr0));
    assert_true(gx_epoch_seal(&key, &head, slots, &rng.rng, &context, &prekey, to, 3));
    gx_epoch_gate(&gate, &key);
    gx_epoch_chain(&chain, &key, to[1].log);
    put("epoch.context", context.b, 32);
    put("epoch.x", head.x.b, 32);
    put("epoch.slots", slots, sizeof slots);
    put("epoch.key", key.b, 32);
    put("epoch.conf", head.conf, 32);
    put("epoch.gate", gate.b, 32);
    put("epoch.chain", chain.b, 32);
}

static void compute_messages(void)
{
    static const struct { const char *nonce, *commit, *sealed; size_t n; } texts[] = {
        {"message.nonce_short", "message.commit_short", "message.sealed_short", 40},
        {"message.nonce_whole", "message.commit_whole", "message.sealed_whole", 64},
    };
    uint8_t hdr0[145], seed[32], text[64], sealed[128 + GX_AEAD_TAG_BYTES], group[32], ids[96];
    struct gx_sealed_head head = {.n = 2};
    struct gx_message_key keys[3];
    struct gx_chain_key chain;
    struct gx_rng_stream rng;
    struct gx_dh_sk sk;
    struct gx_dh_pk prekey, x;

    run(chain.b, 0x13, 32);
    for (size_t i = 0; i < 3; i++)
        gx_chain_step(&keys[i], &chain);
    put("message.key", keys[2].b, 32);
    put("message.chain", chain.b, 32);
    run(head.epoch, 0x41, 32);
    run(seed, 0x34, 32);
    gx_rng_stream_init(&rng, seed);
    run(text, 0x20, sizeof text);
    for (size_t i = 0; i < GX_ARRAY_LEN(texts); i++) {
        gx_message_seal(sealed, &head, &keys[2], &rng.rng, header(hdr0), gx_span(text, texts[i].n));
        put(texts[i].nonce, head.nonce.b, 24);
        put(texts[i].commit, head.commit, 32);
        put(texts[i].sealed, sealed, gx_sealed_padded(texts[i].n) + GX_AEAD_TAG_BYTES);
    }
    run(group, 0x51, 32);
    run(ids, 0x61, 32);
    run(ids + 32, 0x71, 32);
    run(ids + 64, 0x81, 32);
    run(sk.b, 0xa0, 32);
    gx_dh_public(&prekey, &sk);
    assert_true(gx_keys_seal(sealed, &x, &rng.rng, group, &prekey, gx_span(ids, sizeof ids), keys, 3));
    put("keys.x", x.b, 32);
    put("keys.sealed", sealed, 96 + GX_AEAD_TAG_BYTES);
}

static int compute(void **state)
{
    (void)state;
    compute_hashes();
    compute_person_and_member();
    compute_cards();
    compute_tokens();
    compute_gates();
    compute_vaults();
    compute_beacons();
    compute_near();
    compute_signatures();
    compute_proofs();
    compute_epochs();
    compute_messages();
    compute_words();
    compute_rng();
    return 0;
}

static struct value *find(const char *name)
{
    for (size_t i = 0; i < n_values; i++)
        if (strcmp(values[i].name, name) == 0)
            return &values[i];
    return NULL;
}

/* One line: name = hex. */
static void compare(char *line)
{
    char *name_end = strstr(line, " = ");
    uint8_t want[VALUE_BYTES_MAX];
    size_t n = 0;

    if (name_end == NULL) {
        fail_msg("not a line of vectors: %s", line);
        return;
    }
    *name_end = '\0';
    const char *hex = name_end + 3;
    assert_int_equal(sodium_hex2bin(want, sizeof want, hex, strcspn(hex, "\n"), NULL, &n, NULL), 0);

    struct value *v = find(line);
    if (v == NULL) {
        fail_msg("nothing here computes %s", line);
        return;
    }
    if (v->n != n || memcmp(v->b, want, n) != 0)
        fail_msg("%s differs", line);
    v->compared++;
}

static void test_every_line_of_the_vectors_is_what_the_code_computes(void **state)
{
    char line[1024];
    size_t lines = 0;
    FILE *f = fopen(GX_SOURCE_DIR "/tests/vectors/keys.txt", "r");
    (void)state;

    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        compare(line);
        lines++;
    }
    fclose(f);

    /* Neither side may know more than the other, and an empty file proves nothing. */
    assert_true(lines > 0);
    assert_int_equal(lines, n_values);
    for (size_t i = 0; i < n_values; i++)
        assert_int_equal(values[i].compared, 1);
    print_message("%zu values compared\n", lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_of_the_vectors_is_what_the_code_computes),
    };
    return cmocka_run_group_tests_name("crypto/vectors", tests, compute, NULL);
}
