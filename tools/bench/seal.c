/* The measures of sealing: a message, an epoch, keys that are told, each beside the calls of libsodium that it cannot do without. */
#include "tools/bench/bench.h"

#include "crypto/member.h"
#include "crypto/message.h"
#include "proto/bodies.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGES 20000u
#define TOLD 10000u
#define TEXT_BYTES 64u
#define DEVICES_MAX 500u
#define HDR0_BYTES 145u
#define AEADS 20000u
#define DHS 500u

/* --- raw ------------------------------------------------------------------------------------------------------------------------------ */

/* Seconds for one of these. */
static double raw_aead(size_t n)
{
    uint8_t key[32] = {1}, nonce[24] = {2}, text[4096] = {0}, out[4096 + 16];
    double begin = gx_bench_now();

    for (unsigned i = 0; i < AEADS; i++) {
        memcpy(nonce, &i, sizeof i);
        crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, text, n, NULL, 0, NULL, nonce, key);
    }
    return (gx_bench_now() - begin) / AEADS;
}

static double raw_dh(void)
{
    uint8_t sk[32] = {9}, pk[32], out[32];
    double begin = 0;

    if (crypto_scalarmult_base(pk, sk) != 0)
        return -1;
    begin = gx_bench_now();
    for (unsigned i = 0; i < DHS; i++)
        if (crypto_scalarmult(out, sk, pk) != 0)
            return -1;
    return (gx_bench_now() - begin) / DHS;
}

static void note(struct gx_measure *m, double value, double raw, double beside)
{
    gx_figures_add(&m->value, value);
    gx_figures_add(&m->raw_value, raw);
    gx_figures_add(&m->ratio, value / raw);
    gx_figures_add(&m->beside_value, beside);
    gx_figures_add(&m->beside_ratio, value / beside);
}

static struct gx_rng_stream stream(void)
{
    struct gx_rng_stream rng;

    gx_rng_stream_init(&rng, (const uint8_t[32]){7});
    return rng;
}

/* --- messages --------------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_seal(struct gx_bench *bench, struct gx_measure m[2])
{
    static struct sealed {
        struct gx_sealed_head head;
        uint8_t bytes[2 * TEXT_BYTES + GX_AEAD_TAG_BYTES];
    } list[GX_CHAIN_MAX];
    struct gx_rng_stream rng = stream();
    uint8_t hdr0[HDR0_BYTES] = {3}, text[TEXT_BYTES] = {'a'}, out[sizeof list[0].bytes];
    size_t padded = gx_sealed_padded(sizeof text);

    for (int i = 0; i < 2; i++)
        m[i] = (struct gx_measure){.name = i == 0 ? "seal_message" : "open_message", .unit = "us", .raw = "its padded text by XChaCha20-Poly1305 alone, us",
                                   .beside = "a signature, us", .note = i == 0 ? "64 bytes: key from the chain, nonce, commitment, text"
                                                                               : "key from the chain, commitment checked, text"};
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        double took[2] = {0, 0}, raw = raw_aead(padded), sign = gx_raw_sign(bench->raw, 200) / 200;

        for (uint32_t done = 0; done < MESSAGES; done += GX_CHAIN_MAX) {
            struct gx_chain_key mine = {{(uint8_t)r}}, theirs = mine;
            double begin = gx_bench_now();

            for (uint32_t i = 0; i < GX_CHAIN_MAX; i++) {
                struct gx_message_key key;

                gx_chain_step(&key, &mine);
                list[i].head = (struct gx_sealed_head){.n = i};
                gx_message_seal(list[i].bytes, &list[i].head, &key, &rng.rng, gx_span(hdr0, sizeof hdr0), gx_span(text, sizeof text));
            }
            took[0] += gx_bench_now() - begin;
            begin = gx_bench_now();
            for (uint32_t i = 0; i < GX_CHAIN_MAX; i++) {
                struct gx_message_key key;
                size_t n = 0;

                gx_chain_step(&key, &theirs);
                if (!gx_message_open(out, &n, &list[i].head, &key, gx_span(hdr0, sizeof hdr0), gx_span(list[i].bytes, padded + GX_AEAD_TAG_BYTES)))
                    return gx_bench_fail("a message did not open");
            }
            took[1] += gx_bench_now() - begin;
        }
        for (int i = 0; i < 2; i++) {
            uint32_t n = (MESSAGES + GX_CHAIN_MAX - 1) / GX_CHAIN_MAX * GX_CHAIN_MAX;

            note(&m[i], took[i] / n * 1e6, raw * 1e6, sign * 1e6);
            gx_figures_add(&m[i].cpu_us, took[i] / n * 1e6);
        }
        gx_bench_note_noise(bench);
    }
    return !gx_bench_stopped();
}

/* --- epochs ------------------------------------------------------------------------------------------------------------------------------ */

struct devices {
    struct gx_dh_sk sk[DEVICES_MAX];
    struct gx_epoch_to to[DEVICES_MAX];
    uint8_t slots[DEVICES_MAX * GX_EPOCH_SLOT_BYTES];
};

static void make(struct devices *d, struct gx_rng *rng)
{
    for (uint32_t i = 0; i < DEVICES_MAX; i++) {
        gx_rng_fill(rng, d->sk[i].b, sizeof d->sk[i].b);
        gx_dh_public(&d->to[i].prekey, &d->sk[i]);
        memset(d->to[i].log, 0, sizeof d->to[i].log);
        d->to[i].log[0] = (uint8_t)(i >> 8);
        d->to[i].log[1] = (uint8_t)i;
    }
}

/* One epoch for n devices is made, and opened by the last of them. */
static bool epoch(struct gx_rng *rng, struct devices *d, uint32_t n, double took[2])
{
    struct gx_context context = {{1}};
    struct gx_epoch_head head;
    struct gx_epoch_key key;
    double begin = gx_bench_now();
    bool ok = gx_epoch_seal(&key, &head, d->slots, rng, &context, &d->to[0].prekey, d->to, n);

    took[0] = gx_bench_now() - begin;
    begin = gx_bench_now();
    ok = ok && gx_epoch_open(&key, &head, gx_span(d->slots, n * GX_EPOCH_SLOT_BYTES), &context, d->to[n - 1].log, &d->to[n - 1].prekey, &d->sk[n - 1]);
    took[1] = gx_bench_now() - begin;
    return ok || gx_bench_fail("an epoch did not open");
}

bool gx_measure_epoch(struct gx_bench *bench, struct gx_measure m[6])
{
    static const struct { const char *make, *open; uint32_t n; } sizes[] = {
        {"epoch_make_10", "epoch_open_10", 10}, {"epoch_make_100", "epoch_open_100", 100}, {"epoch_make_500", "epoch_open_500", DEVICES_MAX}};
    struct gx_rng_stream rng = stream();
    struct devices *d = malloc(sizeof *d);
    bool ok = d != NULL || gx_bench_fail("out of memory");

    for (size_t k = 0; k < 2 * GX_ARRAY_LEN(sizes); k++)
        m[k] = (struct gx_measure){.name = k % 2 == 0 ? sizes[k / 2].make : sizes[k / 2].open, .unit = "ms",
                                   .raw = k % 2 == 0 ? "X25519 once a device, ms" : "X25519 once, ms", .beside = "a verification, ms",
                                   .counts = {{.what = "devices", .n = sizes[k / 2].n}, {.what = "bytes", .n = GX_EPOCH_BODY_BYTES(sizes[k / 2].n)}}};
    if (ok)
        make(d, &rng.rng);
    for (uint32_t r = 0; r < bench->options.repeats && ok; r++) {
        double dh = raw_dh(), verify = gx_raw_verify(bench->raw, 100) / 100;

        for (size_t k = 0; k < GX_ARRAY_LEN(sizes) && ok; k++) {
            double took[2];

            ok = epoch(&rng.rng, d, sizes[k].n, took);
            note(&m[2 * k], took[0] * 1e3, dh * sizes[k].n * 1e3, verify * 1e3);
            note(&m[2 * k + 1], took[1] * 1e3, dh * 1e3, verify * 1e3);
            gx_figures_add(&m[2 * k].cpu_us, took[0] * 1e6);
            gx_figures_add(&m[2 * k + 1].cpu_us, took[1] * 1e6);
        }
        gx_bench_note_noise(bench);
    }
    free(d);
    return ok && !gx_bench_stopped();
}

/* --- keys that are told -------------------------------------------------------------------------------------------------------------------- */

bool gx_measure_keys(struct gx_bench *bench, struct gx_measure *m)
{
    struct gx_rng_stream rng = stream();
    static struct gx_message_key keys[GX_KEYS_MAX], got[GX_KEYS_MAX];
    static struct gx_sealed_head heads[GX_KEYS_MAX];
    static uint8_t sealed[sizeof keys + GX_AEAD_TAG_BYTES], which[16 * GX_KEYS_MAX], scratch[256];
    uint8_t hdr0[HDR0_BYTES] = {3}, group[32] = {4};
    struct gx_chain_key chain = {{5}};
    struct gx_dh_sk sk = {{6}};
    struct gx_dh_pk to, x;

    *m = (struct gx_measure){.name = "keys_told", .unit = "ms", .raw = "X25519 twice for each 256, ms", .beside = "a verification for each key, ms",
                             .note = "10,000 message keys sealed, opened, and each held against what its author signed"};
    gx_dh_public(&to, &sk);
    for (uint32_t i = 0; i < GX_KEYS_MAX; i++) {
        gx_chain_step(&keys[i], &chain);
        heads[i] = (struct gx_sealed_head){.n = i};
        gx_message_seal(scratch, &heads[i], &keys[i], &rng.rng, gx_span(hdr0, sizeof hdr0), gx_span("a", 1));
    }
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        uint32_t rounds = (TOLD + GX_KEYS_MAX - 1) / GX_KEYS_MAX;
        double dh = raw_dh(), verify = gx_raw_verify(bench->raw, 100) / 100, begin = gx_bench_now(), took = 0;

        for (uint32_t k = 0; k < rounds; k++) {
            bool ok = gx_keys_seal(sealed, &x, &rng.rng, group, &to, gx_span(which, sizeof which), keys, GX_KEYS_MAX) &&
                      gx_keys_open(got, GX_KEYS_MAX, &x, group, &sk, gx_span(which, sizeof which), gx_span(sealed, sizeof sealed));

            for (uint32_t i = 0; i < GX_KEYS_MAX && ok; i++)
                ok = gx_message_key_fits(&heads[i], &got[i], gx_span(hdr0, sizeof hdr0));
            if (!ok)
                return gx_bench_fail("a key that was told does not fit");
        }
        took = gx_bench_now() - begin;
        note(m, took * 1e3, 2 * dh * rounds * 1e3, verify * GX_KEYS_MAX * rounds * 1e3);
        gx_figures_add(&m->cpu_us, took / (rounds * GX_KEYS_MAX) * 1e6);
        gx_bench_note_noise(bench);
    }
    return !gx_bench_stopped();
}
