/* Wiping and comparing, and what every function of this layer leaves behind on its stack. */
#include "tests/unit/crypto/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/card.h"
#include "crypto/epoch.h"
#include "crypto/gate.h"
#include "crypto/hash.h"
#include "crypto/invite.h"
#include "crypto/member.h"
#include "crypto/message.h"
#include "crypto/near.h"
#include "crypto/person.h"
#include "crypto/rng.h"
#include "crypto/sign.h"
#include "crypto/vault.h"
#include "crypto/words.h"

static void test_wipe_zeroes_exactly_what_it_was_given(void **state)
{
    uint8_t bytes[34];
    (void)state;

    memset(bytes, 0xee, sizeof bytes);
    gx_wipe(bytes + 1, 32);
    assert_int_equal(bytes[0], 0xee);
    assert_true(all_zero(bytes + 1, 32));
    assert_int_equal(bytes[33], 0xee);
    gx_wipe(bytes, 0);
    assert_int_equal(bytes[0], 0xee);
}

static void test_equal_ct_sees_every_flipped_bit(void **state)
{
    uint8_t a[64], b[64];
    (void)state;

    run(a, 1, sizeof a);
    run(b, 1, sizeof b);
    assert_true(gx_equal_ct(a, b, sizeof a));
    for (unsigned bit = 0; bit < 512; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(gx_equal_ct(a, b, sizeof a));
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    b[63] ^= 1;
    assert_true(gx_equal_ct(a, b, 63));
    assert_true(gx_equal_ct(a, b, 0));
}

/* A stack of our own to run one call on, so that it can be searched afterwards. */
#define STACK_BYTES (1024u * 1024u)
static uint8_t *stack;

/* Far below where a thread starts: what it does at its end must not cover what the call left behind. */
static void *call(void *arg)
{
    void (*const *subject)(void) = arg;
    volatile uint8_t distance[STACK_BYTES / 4];

    distance[0] = 0;
    (*subject)();
    distance[sizeof distance - 1] = 0;
    return NULL;
}

static void run_on_own_stack(void (*subject)(void))
{
    pthread_attr_t attr;
    pthread_t thread;

    /* Once before: the first call of a library's function may save all registers while its address is looked up. */
    subject();

    stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(stack, MAP_FAILED);
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstack(&attr, stack, STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &attr, call, &subject), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
}

/* How often a run of `piece` bytes of the secret stands on that stack.  Address sanitizer must not mind what it finds there. */
__attribute__((no_sanitize("address"), noinline)) static unsigned leftovers(const void *secret, size_t n, size_t piece)
{
    const uint8_t *s = secret;
    unsigned found = 0;

    for (size_t from = 0; from + piece <= n; from += piece)
        for (size_t at = 0; at + piece <= STACK_BYTES; at++) {
            size_t same = 0;

            while (same < piece && stack[at + same] == s[from + same])
                same++;
            found += same == piece;
        }
    return found;
}

#define PIECE 8u

/* Inputs live outside the searched stack; what is derived from them is computed here first. */
static struct gx_recovery rec;
static struct gx_dh_sk card_sk, e_sk, prekey_sk;
static struct gx_device_seed seed;
static struct gx_incarnation_secret inc;
static struct gx_token_seed token_seed;
static struct gx_dh_pk prekey;
static struct gx_person person;
static uint8_t group16[16];

static int make_inputs(void **state)
{
    (void)state;

    /* Not counting bytes: those might stand anywhere. */
    gx_hash(rec.b, "gx-test", gx_span("rec", 3));
    gx_hash(card_sk.b, "gx-test", gx_span("card", 4));
    gx_hash(e_sk.b, "gx-test", gx_span("e", 1));
    gx_hash(seed.b, "gx-test", gx_span("seed", 4));
    gx_hash(inc.b, "gx-test", gx_span("inc", 3));
    gx_hash(prekey_sk.b, "gx-test", gx_span("prekey", 6));
    memcpy(token_seed.b, inc.b, 16);
    run(group16, 0xd0, 16);
    gx_dh_public(&prekey, &prekey_sk);
    gx_person_make(&person, &rec, &card_sk, 1);
    return 0;
}

static struct gx_person made_person;
static struct gx_intro made_intro;
static struct gx_token_keys made_token;
static struct gx_sign_pk made_pk;
static struct gx_sign_sk made_sk;
static struct gx_recovery made_rec;
static char made_text[GX_WORDS_TEXT_BYTES];
static uint8_t made_bytes[64];
static struct gx_token_seed made_seed;
static struct gx_reveal made_reveal;

static void person_subject(void)
{
    gx_person_make(&made_person, &rec, &card_sk, 1);
}

static void intro_subject(void)
{
    gx_intro_make(&made_intro, &e_sk, &person.recovery, &seed, &inc, &prekey);
}

static void device_subject(void)
{
    gx_device_key(&made_pk, &made_sk, &seed, &made_intro.e);
}

static void token_subject(void)
{
    gx_token_keys_make(&made_token, &token_seed, group16);
}

static void card_seed_subject(void)
{
    gx_card_seed(&made_seed, &card_sk, 1);
}

/* To herself, so that one card secret serves both sides. */
static void reveal_subject(void)
{
    if (!gx_reveal_make(&made_reveal, &card_sk, &prekey_sk, &person.card, rec.b, &person.id))
        abort();
}

static void reveal_check_subject(void)
{
    made_bytes[0] = gx_reveal_check(&made_reveal, &card_sk, &person.card, &prekey, rec.b, &person.id);
}

static struct gx_rng_stream epoch_rng;
static const struct gx_context made_context = {{1}};
static struct gx_epoch_to made_to;
static struct gx_epoch_head made_head;
static struct gx_epoch_key made_key;
static struct gx_chain_key made_chain;
static struct gx_message_key made_message_key;
static struct gx_sealed_head made_sealed_head;
static struct gx_dh_pk made_x;
static uint8_t made_slot[GX_EPOCH_SLOT_BYTES], made_sealed[64 + GX_AEAD_TAG_BYTES], made_open[64];

static void epoch_seal_subject(void)
{
    if (!gx_epoch_seal(&made_key, &made_head, made_slot, &epoch_rng.rng, &made_context, &prekey, &made_to, 1))
        abort();
}

static void epoch_open_subject(void)
{
    if (!gx_epoch_open(&made_key, &made_head, gx_span(made_slot, sizeof made_slot), &made_context, made_to.log, &prekey, &prekey_sk))
        abort();
}

static void chain_subject(void)
{
    memcpy(made_chain.b, rec.b, sizeof made_chain.b);
    gx_chain_step(&made_message_key, &made_chain);
}

static void message_seal_subject(void)
{
    gx_message_seal(made_sealed, &made_sealed_head, &made_message_key, &epoch_rng.rng, gx_span("header", 6), gx_span(seed.b, 32));
}

static void message_open_subject(void)
{
    size_t n = 0;

    if (!gx_message_open(made_open, &n, &made_sealed_head, &made_message_key, gx_span("header", 6), gx_span(made_sealed, sizeof made_sealed)) || n != 32)
        abort();
}

static void keys_seal_subject(void)
{
    if (!gx_keys_seal(made_sealed, &made_x, &epoch_rng.rng, rec.b, &prekey, gx_span(rec.b, 32), &made_message_key, 1))
        abort();
}

static void keys_open_subject(void)
{
    if (!gx_keys_open(&made_message_key, 1, &made_x, rec.b, &prekey_sk, gx_span(rec.b, 32), gx_span(made_sealed, 32 + GX_AEAD_TAG_BYTES)))
        abort();
}

static struct gx_rng_stream near_rng;
static const struct gx_near_code near_code = {.digits = {'4', '8', '2', '9', '1', '3'}};
static struct gx_near_secret near_secret;
static struct gx_near_scalar made_scalar;
static struct gx_near_point made_a, made_b;
static struct gx_near_keys made_near;

static void near_ask_subject(void)
{
    gx_near_ask(&made_scalar, &made_a, &near_code, &near_rng.rng);
}

static void near_joiner_subject(void)
{
    if (!gx_near_joiner_keys(&made_near, &made_scalar, &made_a, &made_b))
        abort();
}

static void near_inviter_subject(void)
{
    if (!gx_near_inviter_keys(&made_near, &made_b, &near_secret, &near_code, &made_a))
        abort();
}

static void words_out_subject(void)
{
    gx_words_from_recovery(made_text, &rec);
}

static void words_in_subject(void)
{
    if (!gx_words_to_recovery(&made_rec, made_text))
        abort();
}

static void hash_subject(void)
{
    gx_hash_keyed(made_bytes, "gx-test", gx_span(rec.b, 32), gx_span(seed.b, 32));
}

static void sign_subject(void)
{
    struct gx_sig sig;

    gx_sign(&sig, &made_sk, GX_DOMAIN_EVENT, gx_span("x", 1));
}

static struct gx_rng_stream stream_rng;
static struct gx_rng_hedged hedged_rng;

static void stream_subject(void)
{
    gx_rng_fill(&stream_rng.rng, made_bytes, sizeof made_bytes);
}

static void hedged_subject(void)
{
    gx_rng_fill(&hedged_rng.rng, made_bytes, sizeof made_bytes);
}

static void forgetful_subject(void)
{
    uint8_t id_seed[32];

    gx_hash_keyed(id_seed, "gx-id-root", gx_span(rec.b, 32), gx_span(NULL, 0));
    /* The address escapes, so the compiler keeps the bytes in memory; nobody wipes them. */
    __asm__ volatile("" : : "r"(id_seed) : "memory");
}

/* Without this one all the others might be looking at the wrong place. */
static void test_secret_that_is_not_wiped_is_found(void **state)
{
    uint8_t id_seed[32];
    (void)state;

    gx_hash_keyed(id_seed, "gx-id-root", gx_span(rec.b, 32), gx_span(NULL, 0));
    run_on_own_stack(forgetful_subject);
    assert_true(leftovers(id_seed, 32, PIECE) >= 4);
    munmap(stack, STACK_BYTES);
}

/* libsodium leaves BLAKE2b's result below; gx_hash_end clears that. */
static void test_keyed_hash_leaves_neither_key_nor_input_nor_result_behind(void **state)
{
    (void)state;
    run_on_own_stack(hash_subject);
    assert_int_equal(leftovers(rec.b, 32, PIECE), 0);
    assert_int_equal(leftovers(seed.b, 32, PIECE), 0);
    assert_int_equal(leftovers(made_bytes, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

static void test_signing_leaves_no_secret_behind(void **state)
{
    struct gx_sign_seed sign_seed;
    uint8_t expanded[64];
    (void)state;

    memcpy(sign_seed.b, seed.b, 32);
    gx_sign_keypair(&made_pk, &made_sk, &sign_seed);
    assert_int_equal(crypto_hash_sha512(expanded, sign_seed.b, 32), 0);
    run_on_own_stack(sign_subject);
    assert_int_equal(leftovers(made_sk.b, 32, PIECE), 0);
    /* The first and last byte of the scalar are clamped, so what stands between. */
    assert_int_equal(leftovers(expanded + 8, 16, PIECE), 0);
    assert_int_equal(leftovers(expanded + 32, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

static void test_making_a_person_leaves_no_secret_behind(void **state)
{
    uint8_t id_seed[32], rec_dh[32];
    (void)state;

    gx_hash_keyed(id_seed, "gx-id-root", gx_span(rec.b, 32), gx_span(NULL, 0));
    gx_hash_keyed(rec_dh, "gx-rec-dh", gx_span(rec.b, 32), gx_span(NULL, 0));
    run_on_own_stack(person_subject);
    assert_int_equal(leftovers(id_seed, 32, PIECE), 0);
    assert_int_equal(leftovers(rec_dh, 32, PIECE), 0);
    assert_int_equal(leftovers(rec.b, 32, PIECE), 0);
    assert_int_equal(leftovers(card_sk.b, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

/* Who found m on the stack could speak as the member root, which is on no device. */
static void test_making_an_intro_leaves_no_secret_behind(void **state)
{
    uint8_t shared[32], input[64], m[32], d[32];
    struct gx_dh_pk e;
    (void)state;

    gx_dh_public(&e, &e_sk);
    assert_int_equal(crypto_scalarmult(shared, e_sk.b, person.recovery.b), 0);
    memcpy(input, e.b, 32);
    memcpy(input + 32, person.recovery.b, 32);
    gx_hash_keyed(m, "gx-member-root", gx_span(shared, 32), gx_span(input, 64));
    gx_hash_keyed(d, "gx-device", gx_span(seed.b, 32), gx_span(e.b, 32));

    run_on_own_stack(intro_subject);
    assert_int_equal(leftovers(m, 32, PIECE), 0);
    assert_int_equal(leftovers(shared, 32, PIECE), 0);
    assert_int_equal(leftovers(d, 32, PIECE), 0);
    assert_int_equal(leftovers(e_sk.b, 32, PIECE), 0);
    assert_int_equal(leftovers(seed.b, 32, PIECE), 0);
    assert_int_equal(leftovers(inc.b, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

static void test_device_key_leaves_no_secret_behind(void **state)
{
    (void)state;
    intro_subject();
    run_on_own_stack(device_subject);
    assert_int_equal(leftovers(made_sk.b, 32, PIECE), 0);
    assert_int_equal(leftovers(seed.b, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

static void test_epochs_leave_no_secret_behind(void **state)
{
    uint8_t x_sk[32], es[32], shared[32];
    struct gx_rng_stream before;
    (void)state;

    gx_rng_stream_init(&epoch_rng, seed.b);
    made_to.prekey = prekey;
    before = epoch_rng;
    run_on_own_stack(epoch_seal_subject);
    for (int twice = 0; twice < 2; twice++) {           /* it is called once before */
        gx_rng_fill(&before.rng, x_sk, 32);
        gx_rng_fill(&before.rng, es, 32);
    }
    assert_int_equal(crypto_scalarmult(shared, x_sk, prekey.b), 0);
    assert_int_equal(leftovers(x_sk, 32, PIECE), 0);
    assert_int_equal(leftovers(es, 32, PIECE), 0);
    assert_int_equal(leftovers(shared, 32, PIECE), 0);
    assert_int_equal(leftovers(made_key.b, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);

    run_on_own_stack(epoch_open_subject);
    assert_int_equal(leftovers(prekey_sk.b, 32, PIECE), 0);
    assert_int_equal(leftovers(es, 32, PIECE), 0);
    assert_int_equal(leftovers(shared, 32, PIECE), 0);
    assert_int_equal(leftovers(made_key.b, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

static void test_a_chain_that_moved_on_leaves_nothing_of_where_it_was(void **state)
{
    (void)state;
    run_on_own_stack(chain_subject);
    assert_int_equal(leftovers(rec.b, 32, PIECE), 0);
    assert_int_equal(leftovers(made_chain.b, 32, PIECE), 0);
    assert_int_equal(leftovers(made_message_key.b, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

static void test_messages_leave_neither_key_nor_text_behind(void **state)
{
    uint8_t ek[32], sub[32];
    (void)state;

    gx_rng_stream_init(&epoch_rng, seed.b);
    chain_subject();
    run_on_own_stack(message_seal_subject);
    gx_hash_keyed(ek, "gx-msg-key", gx_span(made_message_key.b, 32), gx_span(NULL, 0));
    assert_int_equal(crypto_core_hchacha20(sub, made_sealed_head.nonce.b, ek, NULL), 0);
    for (int open = 0; open < 2; open++) {
        assert_int_equal(leftovers(made_message_key.b, 32, PIECE), 0);
        assert_int_equal(leftovers(ek, 32, PIECE), 0);
        assert_int_equal(leftovers(sub, 32, PIECE), 0);
        assert_int_equal(leftovers(seed.b, 32, PIECE), 0);
        munmap(stack, STACK_BYTES);
        if (open == 0)
            run_on_own_stack(message_open_subject);
    }
    assert_memory_equal(made_open, seed.b, 32);
}

static void test_disclosing_keys_leaves_none_behind(void **state)
{
    uint8_t shared[32];
    (void)state;

    gx_rng_stream_init(&epoch_rng, seed.b);
    chain_subject();
    run_on_own_stack(keys_seal_subject);
    assert_int_equal(crypto_scalarmult(shared, prekey_sk.b, made_x.b), 0);
    assert_int_equal(leftovers(made_message_key.b, 32, PIECE), 0);
    assert_int_equal(leftovers(shared, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
    run_on_own_stack(keys_open_subject);
    assert_int_equal(leftovers(made_message_key.b, 32, PIECE), 0);
    assert_int_equal(leftovers(prekey_sk.b, 32, PIECE), 0);
    assert_int_equal(leftovers(shared, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

/* What a multiplication works with: libsodium's digits of a scalar, from -8 to 8. */
static void digits_of(int8_t out[64], const uint8_t scalar[32])
{
    int8_t carry = 0;

    for (size_t i = 0; i < 64; i++) {
        out[i] = (int8_t)((i % 2 == 0 ? scalar[i / 2] & 15 : scalar[i / 2] >> 4) + carry);
        carry = i < 63 && out[i] >= 8;
        out[i] = (int8_t)(out[i] - 16 * carry);
    }
}

static void test_pairing_leaves_no_secret_behind(void **state)
{
    uint8_t random[64], y[32], shared[32], both[64], hash[64], generator[32];
    int8_t digits[64];
    (void)state;

    gx_hash(hash, "gx-near-1", gx_span(near_code.digits, sizeof near_code.digits));
    gx_hash(hash + 32, "gx-near-2", gx_span(near_code.digits, sizeof near_code.digits));
    assert_int_equal(crypto_core_ristretto255_from_hash(generator, hash), 0);
    gx_rng_stream_init(&near_rng, inc.b);
    memcpy(near_secret.b, seed.b, 32);
    run_on_own_stack(near_ask_subject);
    digits_of(digits, made_scalar.b);
    assert_int_equal(leftovers(digits, 64, PIECE), 0);
    assert_int_equal(leftovers(made_scalar.b, 32, PIECE), 0);
    assert_int_equal(leftovers(generator, 32, PIECE), 0);
    assert_int_equal(leftovers(hash, 64, PIECE), 0);
    munmap(stack, STACK_BYTES);

    run_on_own_stack(near_inviter_subject);
    gx_hash_keyed(random, "gx-near-y1", gx_span(near_secret.b, 32), gx_span(made_a.b, 32));
    gx_hash_keyed(random + 32, "gx-near-y2", gx_span(near_secret.b, 32), gx_span(made_a.b, 32));
    crypto_core_ristretto255_scalar_reduce(y, random);
    assert_int_equal(crypto_scalarmult_ristretto255(shared, y, made_a.b), 0);
    memcpy(both, made_a.b, 32);
    memcpy(both + 32, made_b.b, 32);
    gx_hash_keyed(hash, "gx-near", gx_span(shared, 32), gx_span(both, 64));
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(leftovers(random, 64, PIECE), 0);
        assert_int_equal(leftovers(y, 32, PIECE), 0);
        digits_of(digits, twice == 0 ? y : made_scalar.b);
        assert_int_equal(leftovers(digits, 64, PIECE), 0);
        assert_int_equal(leftovers(shared, 32, PIECE), 0);
        assert_int_equal(leftovers(hash, 32, PIECE), 0);
        assert_int_equal(leftovers(made_scalar.b, 32, PIECE), 0);
        assert_int_equal(leftovers(near_secret.b, 32, PIECE), 0);
        assert_int_equal(leftovers(made_near.gift, 32, PIECE), 0);
        munmap(stack, STACK_BYTES);
        if (twice == 0)
            run_on_own_stack(near_joiner_subject);
    }
}

static void test_token_keys_leave_no_secret_behind(void **state)
{
    (void)state;
    run_on_own_stack(token_subject);
    assert_int_equal(leftovers(made_token.sk.b, 32, PIECE), 0);
    assert_int_equal(leftovers(made_token.lan.b, 32, PIECE), 0);
    assert_int_equal(leftovers(token_seed.b, 16, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

static void test_card_seed_leaves_no_secret_behind(void **state)
{
    uint8_t full[32];
    (void)state;

    gx_hash_keyed(full, "gx-card-seed", gx_span(card_sk.b, 32), gx_span("\x01\x00\x00\x00", 4));
    run_on_own_stack(card_seed_subject);
    assert_memory_equal(made_seed.b, full, 16);
    assert_int_equal(leftovers(full, 32, PIECE), 0);
    assert_int_equal(leftovers(card_sk.b, 32, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

/* What a wrong one was compared with would be a right one. */
static void test_reveals_leave_no_secret_behind(void **state)
{
    static void (*const subjects[])(void) = {reveal_subject, reveal_check_subject, reveal_check_subject};
    uint8_t shared[64];
    struct gx_reveal right;
    (void)state;

    assert_int_equal(crypto_scalarmult(shared, card_sk.b, person.card.b), 0);
    assert_int_equal(crypto_scalarmult(shared + 32, prekey_sk.b, person.card.b), 0);
    for (size_t i = 0; i < GX_ARRAY_LEN(subjects); i++) {
        run_on_own_stack(subjects[i]);
        if (i == 0)
            right = made_reveal;
        assert_int_equal(leftovers(shared, sizeof shared, PIECE), 0);
        assert_int_equal(leftovers(right.b, 32, PIECE), 0);
        assert_int_equal(leftovers(card_sk.b, 32, PIECE), 0);
        assert_int_equal(leftovers(prekey_sk.b, 32, PIECE), 0);
        munmap(stack, STACK_BYTES);
        if (i > 0)
            assert_int_equal(made_bytes[0], i == 1);
        if (i == 1)
            made_reveal.b[31] ^= 1;
    }
}

/* What the vault seals are keys, and what it is opened with is a passphrase. */
static struct gx_vault_key made_vault_key, vault_key;
static struct gx_pepper pepper;
static uint8_t made_vault[32 + GX_AEAD_TAG_BYTES];
static char passphrase[64];

static void vault_stretch_subject(void)
{
    assert_true(gx_vault_stretch(&made_vault_key, gx_span(passphrase, sizeof passphrase), group16));
}

static void vault_seal_subject(void)
{
    gx_vault_seal_secrets(made_vault, &vault_key, &pepper, gx_span("head", 4), gx_span(card_sk.b, 32));
}

static void vault_open_subject(void)
{
    assert_true(gx_vault_open_secrets(made_bytes, &vault_key, &pepper, gx_span("head", 4), gx_span(made_vault, sizeof made_vault)));
}

static void test_the_vault_leaves_no_secret_behind(void **state)
{
    static void (*const subjects[])(void) = {vault_stretch_subject, vault_seal_subject, vault_open_subject};
    uint8_t slot_key[32];
    (void)state;

    memcpy(passphrase, seed.b, 32);
    memcpy(passphrase + 32, inc.b, 32);
    memcpy(vault_key.b, prekey_sk.b, 32);
    gx_hash_keyed(slot_key, "gx-vault", gx_span(vault_key.b, 32), gx_span(pepper.b, 32));
    for (size_t i = 0; i < GX_ARRAY_LEN(subjects); i++) {
        run_on_own_stack(subjects[i]);
        assert_int_equal(leftovers((const uint8_t *)passphrase, sizeof passphrase, PIECE), 0);
        assert_int_equal(leftovers(made_vault_key.b, 32, PIECE), 0);
        assert_int_equal(leftovers(vault_key.b, 32, PIECE), 0);
        assert_int_equal(leftovers(slot_key, 32, PIECE), 0);
        assert_int_equal(leftovers(card_sk.b, 32, PIECE), 0);
        munmap(stack, STACK_BYTES);
    }
    assert_memory_equal(made_bytes, card_sk.b, 32);
}

static void test_words_leave_no_secret_behind(void **state)
{
    (void)state;
    run_on_own_stack(words_out_subject);
    assert_int_equal(leftovers(rec.b, 32, PIECE), 0);
    assert_int_equal(leftovers(made_text, strlen(made_text), PIECE), 0);
    munmap(stack, STACK_BYTES);

    run_on_own_stack(words_in_subject);
    assert_memory_equal(made_rec.b, rec.b, 32);
    assert_int_equal(leftovers(rec.b, 32, PIECE), 0);
    assert_int_equal(leftovers(made_text, strlen(made_text), PIECE), 0);
    munmap(stack, STACK_BYTES);
}

/* Who takes the state later cannot go back, and finds nothing that goes forward elsewhere. */
static void test_stream_leaves_no_key_and_no_output_behind(void **state)
{
    (void)state;
    gx_rng_stream_init(&stream_rng, inc.b);
    run_on_own_stack(stream_subject);
    assert_int_equal(leftovers(stream_rng.key, 32, PIECE), 0);
    assert_int_equal(leftovers(made_bytes, sizeof made_bytes, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

static void test_hedged_randomness_leaves_no_key_and_no_output_behind(void **state)
{
    struct gx_rng_stream twin;
    uint8_t input[40] = {0}, key[32];
    (void)state;

    /* The subject runs twice, once to warm up: what the second call drew from its source. */
    gx_rng_stream_init(&twin, inc.b);
    gx_rng_fill(&twin.rng, input, 32);
    gx_rng_fill(&twin.rng, input, 32);
    input[32] = 1;
    gx_hash_keyed(key, "gx-hedge", gx_span(seed.b, 32), gx_span(input, sizeof input));

    gx_rng_stream_init(&stream_rng, inc.b);
    gx_rng_hedged_init(&hedged_rng, &stream_rng.rng, &seed);
    run_on_own_stack(hedged_subject);
    assert_memory_equal(stream_rng.key, twin.key, 32);
    assert_int_equal(leftovers(key, 32, PIECE), 0);
    assert_int_equal(leftovers(input, 32, PIECE), 0);
    assert_int_equal(leftovers(seed.b, 32, PIECE), 0);
    assert_int_equal(leftovers(made_bytes, sizeof made_bytes, PIECE), 0);
    munmap(stack, STACK_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wipe_zeroes_exactly_what_it_was_given),
        cmocka_unit_test(test_equal_ct_sees_every_flipped_bit),
        cmocka_unit_test(test_secret_that_is_not_wiped_is_found),
        cmocka_unit_test(test_keyed_hash_leaves_neither_key_nor_input_nor_result_behind),
        cmocka_unit_test(test_signing_leaves_no_secret_behind),
        cmocka_unit_test(test_making_a_person_leaves_no_secret_behind),
        cmocka_unit_test(test_making_an_intro_leaves_no_secret_behind),
        cmocka_unit_test(test_device_key_leaves_no_secret_behind),
        cmocka_unit_test(test_epochs_leave_no_secret_behind),
        cmocka_unit_test(test_a_chain_that_moved_on_leaves_nothing_of_where_it_was),
        cmocka_unit_test(test_messages_leave_neither_key_nor_text_behind),
        cmocka_unit_test(test_disclosing_keys_leaves_none_behind),
        cmocka_unit_test(test_pairing_leaves_no_secret_behind),
        cmocka_unit_test(test_token_keys_leave_no_secret_behind),
        cmocka_unit_test(test_card_seed_leaves_no_secret_behind),
        cmocka_unit_test(test_reveals_leave_no_secret_behind),
        cmocka_unit_test(test_the_vault_leaves_no_secret_behind),
        cmocka_unit_test(test_words_leave_no_secret_behind),
        cmocka_unit_test(test_stream_leaves_no_key_and_no_output_behind),
        cmocka_unit_test(test_hedged_randomness_leaves_no_key_and_no_output_behind),
    };
    /* Twice: with libsodium's portable code, and with what it picks for this processor. */
    const int failed = cmocka_run_group_tests_name("crypto/keys, portable", tests, make_inputs, NULL);

    if (sodium_init() < 0)
        return 1;
    return failed + cmocka_run_group_tests_name("crypto/keys, this processor", tests, make_inputs, NULL);
}
