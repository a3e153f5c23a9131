#include "tools/bench/bench.h"

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "node/os/system.h"
#include "proto/event.h"

#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define MAP_BYTES (8ull << 30)
#define ECHO_TIMEOUT_MS 10000
#define JOURNAL_PLACE_BYTES 53u         /* store/SCHEMA.md §3.1: what lies before the record */
#define RECORD_BYTES (4u + 21u + 64u)   /* WIRE §5.2: lengths, fixed part, signature */
#define BODY_BYTES (10u + GX_BENCH_TEXT_BYTES)
#define SEALED_BYTES (108u + 128u)      /* KEYS §6: epoch, place, nonce, commitment and tag; the body, padded */
#define HDR0_BYTES 145u
#define FRAME_BYTES (70u + RECORD_BYTES + BODY_BYTES)
#define NOISE_VERIFIES 1500u

struct gx_raw {
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;
    struct gx_sig sig;
    uint8_t header[GX_EVENT_HDR_MAX];
    size_t header_n;
    uint64_t signed_count;              /* makes each message another one */
    MDB_env *env;
    MDB_dbi dbi;
    uint64_t next_key;
    void *client_ctx, *server_ctx, *client, *server;
    pthread_t echo;
    bool echoing;
};

/* --- signatures ------------------------------------------------------------------------------------------------------------------- */

/* As long as what an event's signature covers. */
static void make_header(struct gx_raw *raw)
{
    struct gx_event ev = {.ver = GX_EVENT_VERSION, .type = GX_EV_TEXT, .seq = 2, .tick = 2, .body_len = BODY_BYTES};
    struct gx_wr w = gx_wr(raw->header, sizeof raw->header);

    gx_event_write_header(&w, &ev);
    raw->header_n = w.n;
}

double gx_raw_sign(struct gx_raw *raw, size_t n)
{
    double begin = gx_bench_now();

    for (size_t i = 0; i < n; i++) {
        raw->signed_count++;
        memcpy(raw->header, &raw->signed_count, sizeof raw->signed_count);
        gx_sign(&raw->sig, &raw->sk, GX_DOMAIN_EVENT, gx_span(raw->header, raw->header_n));
    }
    return gx_bench_now() - begin;
}

static double verify(const struct gx_raw *raw, size_t n)
{
    double begin = gx_bench_now();

    for (size_t i = 0; i < n; i++) {
        bool ok = gx_verify(&raw->pk, GX_DOMAIN_EVENT, gx_span(raw->header, raw->header_n), &raw->sig);
        GX_ASSERT(ok);
    }
    return gx_bench_now() - begin;
}

double gx_raw_verify(struct gx_raw *raw, size_t n)
{
    return verify(raw, n);
}

double gx_raw_hash(struct gx_raw *raw, size_t n)
{
    struct gx_event_id id;
    double begin = gx_bench_now();

    for (size_t i = 0; i < n; i++) {
        raw->header[0] ^= 1;
        gx_hash(id.b, "gx-event-id", gx_span(raw->header, raw->header_n));
    }
    double took = gx_bench_now() - begin;
    (void)gx_raw_sign(raw, 1);          /* the header that the signature is of */
    return took;
}

size_t gx_raw_event_bytes(const struct gx_raw *raw)
{
    return raw->header_n + sizeof raw->sig + SEALED_BYTES;
}

uint32_t gx_raw_per_chunk(void)
{
    return GX_CHUNK_BYTES_MAX / (RECORD_BYTES + SEALED_BYTES);
}

double gx_raw_keys(size_t n)
{
    uint8_t chain[32] = {1}, key[32], next[32], commit[32], said[HDR0_BYTES + 60] = {2}, salt[16] = {0}, personal[16] = {3};
    double begin = gx_bench_now();

    for (size_t i = 0; i < n; i++) {
        (void)crypto_generichash_blake2b_salt_personal(key, sizeof key, NULL, 0, chain, sizeof chain, salt, personal);
        (void)crypto_generichash_blake2b_salt_personal(next, sizeof next, NULL, 0, chain, sizeof chain, salt, personal);
        (void)crypto_generichash_blake2b_salt_personal(commit, sizeof commit, said, sizeof said, key, sizeof key, salt, personal);
        memcpy(chain, next, sizeof chain);
    }
    return gx_bench_now() - begin;
}

struct verifying {
    const struct gx_raw *raw;
    size_t n;
};

static void *verify_beside(void *arg)
{
    const struct verifying *v = arg;

    (void)verify(v->raw, v->n);
    return NULL;
}

double gx_raw_verify_threads(struct gx_raw *raw, size_t n)
{
    struct verifying v = {.raw = raw, .n = n};
    pthread_t thread;
    double begin = gx_bench_now();

    if (pthread_create(&thread, NULL, verify_beside, &v) != 0)
        return 2 * verify(raw, n);
    (void)verify(raw, n);
    pthread_join(thread, NULL);
    return gx_bench_now() - begin;
}

double gx_raw_two_threads(struct gx_raw *raw)
{
    double one = verify(raw, NOISE_VERIFIES);
    double both = gx_raw_verify_threads(raw, NOISE_VERIFIES);

    return 2 * one / both;
}

/* --- commits ---------------------------------------------------------------------------------------------------------------------- */

static bool open_env(struct gx_raw *raw, const char *dir)
{
    char path[512];
    MDB_txn *txn;

    snprintf(path, sizeof path, "%s/raw.mdb", dir);
    if (mdb_env_create(&raw->env) != 0 || mdb_env_set_mapsize(raw->env, MAP_BYTES) != 0 || mdb_env_set_maxdbs(raw->env, 1) != 0 ||
        mdb_env_open(raw->env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600) != 0 || mdb_txn_begin(raw->env, NULL, 0, &txn) != 0)
        return false;
    if (mdb_dbi_open(txn, "journal", MDB_CREATE, &raw->dbi) != 0) {
        mdb_txn_abort(txn);
        return false;
    }
    return mdb_txn_commit(txn) == 0;
}

double gx_raw_commit(struct gx_raw *raw)
{
    uint8_t key[8], value[JOURNAL_PLACE_BYTES + RECORD_BYTES + BODY_BYTES] = {0};
    MDB_val k = {.mv_size = sizeof key, .mv_data = key}, v = {.mv_size = sizeof value, .mv_data = value};
    MDB_txn *txn;

    raw->next_key++;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(raw->next_key >> (56 - 8 * i));
    double begin = gx_bench_now();
    if (mdb_txn_begin(raw->env, NULL, 0, &txn) != 0)
        return -1;
    if (mdb_put(txn, raw->dbi, &k, &v, MDB_APPEND) != 0) {
        mdb_txn_abort(txn);
        return -1;
    }
    if (mdb_txn_commit(txn) != 0)
        return -1;
    return gx_bench_now() - begin;
}

/* --- round trips ------------------------------------------------------------------------------------------------------------------ */

/* Until an empty message, or nothing for long. */
static void *echo(void *arg)
{
    struct gx_raw *raw = arg;

    for (;;) {
        zmq_msg_t id, frame;
        zmq_msg_init(&id);
        zmq_msg_init(&frame);
        bool ok = zmq_msg_recv(&id, raw->server, 0) >= 0 && zmq_msg_recv(&frame, raw->server, 0) > 0;
        ok = ok && zmq_msg_send(&id, raw->server, ZMQ_SNDMORE) >= 0 && zmq_msg_send(&frame, raw->server, 0) >= 0;
        zmq_msg_close(&id);
        zmq_msg_close(&frame);
        if (!ok)
            return NULL;
    }
}

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool open_curve(struct gx_raw *raw)
{
    char server_pk[41], server_sk[41], client_pk[41], client_sk[41], endpoint[64];
    size_t n = sizeof endpoint;

    if (zmq_curve_keypair(server_pk, server_sk) != 0 || zmq_curve_keypair(client_pk, client_sk) != 0)
        return false;
    raw->server_ctx = zmq_ctx_new();
    raw->client_ctx = zmq_ctx_new();
    raw->server = raw->server_ctx == NULL ? NULL : zmq_socket(raw->server_ctx, ZMQ_ROUTER);
    raw->client = raw->client_ctx == NULL ? NULL : zmq_socket(raw->client_ctx, ZMQ_DEALER);
    if (raw->server == NULL || raw->client == NULL)
        return false;
    bool ok = set_int(raw->server, ZMQ_LINGER, 0) && set_int(raw->client, ZMQ_LINGER, 0) && set_int(raw->server, ZMQ_CURVE_SERVER, 1) &&
              set_int(raw->client, ZMQ_RCVTIMEO, ECHO_TIMEOUT_MS) && set_int(raw->client, ZMQ_SNDTIMEO, ECHO_TIMEOUT_MS) &&
              zmq_setsockopt(raw->server, ZMQ_CURVE_SECRETKEY, server_sk, 40) == 0 &&
              zmq_setsockopt(raw->client, ZMQ_CURVE_SERVERKEY, server_pk, 40) == 0 &&
              zmq_setsockopt(raw->client, ZMQ_CURVE_PUBLICKEY, client_pk, 40) == 0 &&
              zmq_setsockopt(raw->client, ZMQ_CURVE_SECRETKEY, client_sk, 40) == 0 &&
              zmq_bind(raw->server, "tcp://127.0.0.1:*") == 0 && zmq_getsockopt(raw->server, ZMQ_LAST_ENDPOINT, endpoint, &n) == 0 &&
              zmq_connect(raw->client, endpoint) == 0;
    raw->echoing = ok && pthread_create(&raw->echo, NULL, echo, raw) == 0;
    return raw->echoing;
}

double gx_raw_round_trip(struct gx_raw *raw)
{
    uint8_t frame[FRAME_BYTES] = {1};
    double begin = gx_bench_now();

    if (zmq_send(raw->client, frame, sizeof frame, 0) < 0 || zmq_recv(raw->client, frame, sizeof frame, 0) < 0)
        return -1;
    return gx_bench_now() - begin;
}

static void close_curve(struct gx_raw *raw)
{
    /* The other thread waits in its socket until this, or until its context ends. */
    if (raw->echoing)
        (void)!zmq_send(raw->client, "", 0, 0);
    if (raw->echoing)
        pthread_join(raw->echo, NULL);
    if (raw->client != NULL)
        zmq_close(raw->client);
    if (raw->server != NULL)
        zmq_close(raw->server);
    if (raw->client_ctx != NULL)
        zmq_ctx_term(raw->client_ctx);
    if (raw->server_ctx != NULL)
        zmq_ctx_term(raw->server_ctx);
}

/* --- all together ----------------------------------------------------------------------------------------------------------------- */

bool gx_raw_open(struct gx_raw **out, const char *dir)
{
    struct gx_raw *raw = calloc(1, sizeof *raw);
    struct gx_sign_seed seed;

    *out = raw;
    if (raw == NULL)
        return gx_bench_fail("out of memory");
    gx_rng_fill(gx_system_rng(), seed.b, sizeof seed.b);
    gx_sign_keypair(&raw->pk, &raw->sk, &seed);
    make_header(raw);
    (void)gx_raw_sign(raw, 1);
    if (!open_env(raw, dir))
        return gx_bench_fail("cannot open a plain LMDB environment in %s", dir);
    if (!open_curve(raw) || gx_raw_round_trip(raw) < 0)
        return gx_bench_fail("cannot talk CURVE on loopback");
    return true;
}

void gx_raw_close(struct gx_raw *raw)
{
    if (raw == NULL)
        return;
    close_curve(raw);
    if (raw->env != NULL)
        mdb_env_close(raw->env);
    free(raw);
}
