/* The measures of what is sealed at rest: a vault is opened, rows are written and read, the keys of a store change; each beside the calls of libsodium that
 * it cannot do without. */
#include "tools/bench/bench.h"

#include "node/os/vault.h"
#include "store/keys.h"
#include "store/wrap.h"
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK 256u
#define CHUNKS 400u
#define GROUPS 100u
#define DEVICES 100u

/* An empty folder in memory. */
static bool make_dir(char out[64])
{
    memcpy(out, "/dev/shm/gx-bench-XXXXXX", sizeof "/dev/shm/gx-bench-XXXXXX");
    return mkdtemp(out) != NULL || gx_bench_fail("no folder can be made in /dev/shm");
}

static void drop_dir(const char *dir)
{
    static const char *const files[] = {GX_STORE_FILE, GX_STORE_FILE "-lock", "vault", "vault.key"};
    char path[96];

    for (size_t i = 0; i < GX_ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

/* Both in seconds; scale: how many of the measure's unit one second is. */
static void note(struct gx_measure *m, double value, double raw, double scale)
{
    gx_figures_add(&m->value, value * scale);
    gx_figures_add(&m->cpu_us, value * 1e6);
    gx_figures_add(&m->raw_value, raw * scale);
    gx_figures_add(&m->ratio, value / raw);
}

/* --- the vault ------------------------------------------------------------------------------------------------------------------------ */

static double raw_stretch(void)
{
    uint8_t key[32], salt[16] = {1};
    double begin = gx_bench_now();

    if (crypto_pwhash_argon2id(key, sizeof key, "passphrase", 10, salt, crypto_pwhash_argon2id_OPSLIMIT_MODERATE,
                               crypto_pwhash_argon2id_MEMLIMIT_MODERATE, crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        return -1;
    return gx_bench_now() - begin;
}

bool gx_measure_unlock(struct gx_bench *bench, struct gx_measure *m)
{
    static const struct gx_passphrase passphrase = {.text = "passphrase", .n = 10};
    struct gx_recovery recovery;
    struct gx_identity id;
    struct gx_home home;
    struct gx_fail why;
    char dir[64];

    *m = (struct gx_measure){.name = "unlock", .unit = "s", .raw = "Argon2id alone, s", .note = "a vault with a passphrase is opened"};
    if (!make_dir(dir))
        return false;
    gx_identity_make(&id, &recovery, "bench");
    struct gx_vault *v = NULL;
    bool ok = gx_home_find(&home, dir, NULL, &why) && gx_vault_make(&v, &home, &id, &passphrase, &why);
    for (uint32_t r = 0; ok && r < bench->options.repeats && !gx_bench_stopped(); r++) {
        double raw = raw_stretch(), begin = gx_bench_now();

        gx_vault_close(v);
        ok = gx_vault_open(&v, &home, &passphrase, &why);
        note(m, gx_bench_now() - begin, raw, 1);
        gx_bench_note_noise(bench);
    }
    gx_vault_close(v);
    drop_dir(dir);
    return (ok || gx_bench_fail("the vault did not open")) && !gx_bench_stopped();
}

/* --- rows ------------------------------------------------------------------------------------------------------------------------------ */

static const struct gx_root_key root = {{7}};

static bool open_store(struct gx_store **out, struct gx_rng *rng, char dir[64])
{
    struct gx_store_options options = {.create = true, .volatile_store = true, .roots = &root, .n_roots = 1, .rng = rng};
    int sys = 0;

    return make_dir(dir) && (gx_store_open(out, dir, &options, &sys) == GX_OK || gx_bench_fail("no store can be made in /dev/shm"));
}

/* Seconds to seal n bytes. */
static double raw_seal(size_t n)
{
    static uint8_t text[1 << 16], out[sizeof text + 16];
    uint8_t key[32] = {1}, nonce[24] = {2};
    double begin = gx_bench_now();

    for (unsigned i = 0; i < 1000; i++) {
        memcpy(nonce, &i, sizeof i);
        crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, text, n, NULL, 0, NULL, nonce, key);
    }
    return (gx_bench_now() - begin) / 1000;
}

/* Message keys as a catch-up brings them, a chunk of 256 a transaction, and as `read` asks for them, one by one. */
bool gx_measure_key_rows(struct gx_bench *bench, struct gx_measure m[2])
{
    static struct gx_message_key keys[CHUNK];
    static bool have[CHUNK];
    struct gx_rng_stream rng;

    m[0] = (struct gx_measure){.name = "key_rows_put", .unit = "us", .raw = "its five rows by XChaCha20-Poly1305 alone, us", .note = "the keys of a chunk of 256 messages, in the store"};
    m[1] = (struct gx_measure){.name = "key_rows_get", .unit = "us", .raw = "its row by XChaCha20-Poly1305 alone, us", .note = "the key of one message"};
    for (uint32_t i = 0; i < CHUNK; i++)
        have[i] = true;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        double took[2] = {0, 0}, raw = raw_seal(8 + GX_KEY_BLOCK * 32);
        struct gx_store *store = NULL;
        struct gx_txn *txn;
        char dir[64];

        gx_rng_stream_init(&rng, (const uint8_t[32]){9});
        bool ok = open_store(&store, &rng.rng, dir) && gx_txn_begin(&txn, store, true) == GX_OK;
        double begin = gx_bench_now();
        for (uint32_t i = 0; ok && i < CHUNKS; i++)
            ok = gx_message_keys_put(txn, 1, 1 + (uint64_t)i * CHUNK, keys, have, CHUNK) == GX_OK;
        took[0] = gx_bench_now() - begin;
        begin = gx_bench_now();
        for (uint32_t i = 0; ok && i < CHUNKS * CHUNK; i++)
            ok = gx_message_key_get(txn, &keys[0], 1, 1 + i) == GX_OK;
        took[1] = gx_bench_now() - begin;
        if (txn != NULL)
            gx_txn_abort(&txn);
        gx_store_close(store);
        drop_dir(dir);
        if (!ok)
            return gx_bench_fail("keys were not kept");
        note(&m[0], took[0] / CHUNKS, 5 * raw, 1e6);
        note(&m[1], took[1] / (CHUNKS * CHUNK), raw, 1e6);
        gx_bench_note_noise(bench);
    }
    return !gx_bench_stopped();
}

/* A node in many groups changes the keys of its store. */
bool gx_measure_rewrap(struct gx_bench *bench, struct gx_measure *m)
{
    static struct gx_chain_row chains[DEVICES];
    struct gx_rng_stream rng;

    *m = (struct gx_measure){.name = "rewrap", .unit = "ms", .raw = "its rows opened and sealed by XChaCha20-Poly1305 alone, ms",
                             .note = "the keys of a store with 100 groups change, each with four epochs of 100 devices; once a day"};
    for (uint32_t i = 0; i < DEVICES; i++)
        chains[i].log.b[0] = (uint8_t)i;
    for (uint32_t r = 0; r < bench->options.repeats; r++) {
        const struct gx_root_key next = {{8}};
        struct gx_epoch_row epoch = {.state = GX_EPOCH_OPEN, .n_chains = DEVICES, .gate = {{1}}};
        double raw = 2 * 4 * GROUPS * raw_seal(16 + 44 * DEVICES);
        struct gx_store *store = NULL;
        struct gx_txn *txn = NULL;
        char dir[64];

        gx_rng_stream_init(&rng, (const uint8_t[32]){9});
        bool ok = open_store(&store, &rng.rng, dir) && gx_txn_begin(&txn, store, true) == GX_OK;
        for (uint32_t i = 0; ok && i < 4 * GROUPS; i++)
            ok = gx_epoch_put(txn, 1 + i / 4, i % 4, &epoch, chains) == GX_OK;
        ok = ok && gx_txn_commit(&txn) == GX_OK;
        double begin = gx_bench_now();
        ok = ok && gx_store_rewrap(store, &next) == GX_OK;
        note(m, gx_bench_now() - begin, raw, 1e3);
        gx_txn_abort(&txn);
        gx_store_close(store);
        drop_dir(dir);
        if (!ok)
            return gx_bench_fail("the keys did not change");
        gx_bench_note_noise(bench);
    }
    return !gx_bench_stopped();
}
