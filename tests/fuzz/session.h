/* The world of fuzz_session: tea is n0's, whom the input is aimed at; n1 is honest and on the line; n2 is a member whose keys the input speaks with.  It is
 * made once and then put back before each run: what lies in the stores, and what the nodes hold in memory. */
#ifndef GX_TESTS_FUZZ_SESSION_H
#define GX_TESTS_FUZZ_SESSION_H

#define NET_NODES 6
#define N_REAL 4
#include "crypto/invite.h"
#include "store/check.h"
#include "store/keys.h"
#include "tests/fuzz/known.h"
#include "tests/unit/engine/attack.h"

#include <fcntl.h>

#define VICTIM 0
#define HONEST 1
#define LIAR 2
#define STRANGER 3              /* asked to join, and was kept from it */
#define LINES 2u                /* of the liar with the victim: as n4 and n5 */

#define SAID_MAX 96u            /* frames that were said while the world was made */
#define SAID_OF_KIND_MAX 4u
#define SAMPLES_MAX 32u         /* events of it */

struct said {
    uint8_t *bytes;
    size_t n;
};

struct sample {
    uint8_t type;
    uint8_t *body;
    size_t n;
};

/* A log of the liar's, as far as it was written. */
struct pen {
    struct gx_log_id log;
    uint32_t seq;
    struct gx_event_id id;
    uint64_t tick;
};

struct line_of_liar {
    bool guest;
    gx_session_id session;
    struct gx_transcript transcript;
    uint16_t channel;
};

static struct {
    struct net *net;
    char token[600];
    struct gx_token_keys token_keys;
    struct said said[SAID_MAX];
    size_t n_said;
    struct sample samples[SAMPLES_MAX];
    size_t n_samples;

    /* What is put back. */
    struct gx_time now;
    struct net_node nodes[2];
    struct said files[2];

    /* The liar. */
    struct gx_group_id group;
    struct gx_sign_pk device;
    struct gx_sign_sk device_sk;
    struct gx_gate_key gate;
    struct pen pens[2];         /* control, messages */
    struct gx_event_id epoch;
    struct gx_chain_row chain;

    /* Of one run. */
    struct pen now_pens[2];
    struct gx_chain_row now_chain;
    struct line_of_liar lines[LINES];
} world;

/* --- made once ---------------------------------------------------------------------------------------------------------------------------- */

static void keep_said(struct gx_span bytes)
{
    size_t same = 0;

    for (size_t i = 0; i < world.n_said; i++)
        same += world.said[i].bytes[0] == bytes.p[0];
    if (bytes.n == 0 || bytes.n > 4096 || world.n_said == SAID_MAX || same >= SAID_OF_KIND_MAX)
        return;
    struct said *s = &world.said[world.n_said++];
    s->bytes = malloc(bytes.n);
    s->n = bytes.n;
    GX_ASSERT(s->bytes != NULL);
    memcpy(s->bytes, bytes.p, bytes.n);
}

static bool hears_all(struct net *net, int from, int to, struct gx_span bytes)
{
    if (to == VICTIM || from == VICTIM)
        keep_said(bytes);
    return !net->cut[from][to] && !(from == STRANGER && bytes.n > 0 && bytes.p[0] == GX_FRAME_JOIN);
}

static void keep_sample(struct net *net, const struct gx_log *log, uint32_t seq)
{
    struct gx_txn *txn = NULL;
    struct gx_event ev;

    if (world.n_samples == SAMPLES_MAX)
        return;
    GX_ASSERT(gx_txn_begin(&txn, net->node[VICTIM].store, false) == GX_OK);
    GX_ASSERT(gx_events_get(txn, &ev, &log->row, &world.group, seq) == GX_OK);
    struct sample *s = &world.samples[world.n_samples++];
    *s = (struct sample){.type = ev.type, .body = malloc(ev.body.n + 1), .n = ev.body.n};
    GX_ASSERT(s->body != NULL);
    memcpy(s->body, ev.body.p, ev.body.n);
    gx_txn_abort(&txn);
}

static void keep_samples(struct net *net)
{
    struct gx_group *g = tea(net, VICTIM);

    for (uint32_t i = 0; i < g->law.n_ops; i++)
        keep_sample(net, &g->logs[g->ops[i].log], g->ops[i].seq);
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].row.cls == GX_LOG_MESSAGES && g->logs[i].row.head_seq > g->logs[i].row.base_seq)
            keep_sample(net, &g->logs[i], g->logs[i].row.head_seq);
}

/* Where the liar's node would go on. */
static void keep_liar(struct net *net)
{
    struct gx_group *g = tea(net, LIAR);
    const uint32_t logs[2] = {g->own_control, g->own_messages};
    struct gx_txn *txn = NULL;
    struct gx_epoch_row row;
    struct gx_chain_row *chains = calloc(GX_EPOCH_SLOTS_MAX, sizeof *chains);

    for (unsigned i = 0; i < 2; i++) {
        const struct gx_log_row *log = &g->logs[logs[i]].row;
        world.pens[i] = (struct pen){.log = log->id, .seq = log->head_seq, .id = log->head_id, .tick = log->head_tick};
    }
    gx_device_key(&world.device, &world.device_sk, &net->node[LIAR].config.device_seed, &g->row.intro.e);
    world.gate = g->gate_zero;
    GX_ASSERT(chains != NULL && gx_txn_begin(&txn, net->node[LIAR].store, false) == GX_OK);
    for (uint32_t cnum = 0; gx_epoch_next(txn, &cnum, &row, g->row.gnum) == GX_OK; cnum++) {
        GX_ASSERT(gx_epoch_chains(txn, chains, row.n_chains, g->row.gnum, cnum) == GX_OK);
        for (unsigned i = 0; i < row.n_chains; i++)
            if (memcmp(chains[i].log.b, world.pens[1].log.b, sizeof chains[i].log.b) == 0) {
                world.chain = chains[i];
                world.epoch = g->law.nodes[cnum].op.id;
            }
    }
    GX_ASSERT(world.chain.next > 0 || memcmp(world.chain.log.b, world.pens[1].log.b, sizeof world.chain.log.b) == 0);
    gx_txn_abort(&txn);
    free(chains);
}

static void file_path(char path[FOLDER_MAX + 16], int i)
{
    snprintf(path, FOLDER_MAX + 16, "%.63s/" GX_STORE_FILE, world.net->node[i].dir);
}

static void keep_file(int i)
{
    char path[FOLDER_MAX + 16];
    struct stat st;

    file_path(path, i);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    GX_ASSERT(fd >= 0 && fstat(fd, &st) == 0);
    world.files[i] = (struct said){.bytes = malloc((size_t)st.st_size), .n = (size_t)st.st_size};
    GX_ASSERT(world.files[i].bytes != NULL && read(fd, world.files[i].bytes, world.files[i].n) == st.st_size);
    close(fd);
}

static void make_world(void)
{
    struct gx_token token;
    struct net *net = world.net = net_new(N_REAL);

    net->pass = hears_all;
    net_group(net, VICTIM, "tea");
    net_invite(net, VICTIM, "tea", world.token, 0);
    GX_ASSERT(net_join(net, HONEST, world.token, NULL) && net_join(net, LIAR, world.token, NULL));
    net_run(net, 20000);
    world.group = tea(net, VICTIM)->row.id;
    for (int i = 0; i <= LIAR; i++)
        net_send(net, i, "tea", "said while this was made");
    name_self(net, LIAR, "Liu");
    net_run(net, 5000);
    line(net, VICTIM, LIAR, false);
    net_send(net, LIAR, "tea", "said alone");
    net_run(net, 3000);
    line(net, VICTIM, LIAR, true);
    net_run(net, 60000);
    struct gx_command join = {.method = GX_CMD_JOIN, .token = world.token, .given = 1u << GX_PARAM_TOKEN};
    net_ask(net, STRANGER, join, NULL, 2000);
    GX_ASSERT(gx_token_parse(&token, world.token) == GX_OK);
    gx_token_keys_make(&world.token_keys, &token.seed, token.group16);
    keep_samples(net);
    keep_liar(net);
    for (int i = 0; i < N_REAL; i++)
        net_stop(net, i);
    net_settle(net);
    for (int i = 0; i < 2; i++) {
        world.nodes[i] = net->node[i];
        keep_file(i);
    }
    world.now = net->now;
}

/* --- put back ------------------------------------------------------------------------------------------------------------------------------ */

/* As net_start, without syncing. */
static void start(int i)
{
    static const struct gx_root_key root = {{4}};
    struct net *net = world.net;
    struct net_node *node = &net->node[i];
    struct gx_store_options options = {.volatile_store = true, .map_bytes = 64u << 20, .roots = &root, .n_roots = 1, .rng = &node->rng.rng};
    struct gx_addr addr = net_addr((uint16_t)(100 + i));
    int sys = 0;

    GX_ASSERT(gx_store_open(&node->store, node->dir, &options, &sys) == GX_OK);
    node->config.store = node->store;
    GX_ASSERT(gx_engine_new(&node->engine, &node->config, net->now) == GX_OK);
    node->up = true;
    node->wake = net->now.mono_ms;
    net->door[net->n_doors++] = (struct net_door){.node = i, .number = 0, .port = (uint16_t)(100 + i), .pk = node->config.transport_pk};
    net_step(net, i, (struct gx_input){.kind = GX_IN_LISTENING, .n_addrs = 1, .addrs = &addr});
}

static void put_file(int i)
{
    char path[FOLDER_MAX + 16];

    file_path(path, i);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    GX_ASSERT(fd >= 0 && write(fd, world.files[i].bytes, world.files[i].n) == (ssize_t)world.files[i].n);
    close(fd);
}

static bool hears(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (to < N_REAL)
        return !net->cut[from][to];
    /* What is said to the liar: whoever says it is expected to say it well. */
    GX_ASSERT(gx_frame_decode(&f, bytes) == GX_OK);
    if (f.kind == GX_FRAME_HELLO)
        world.lines[to - N_REAL].transcript.server_nonce = f.nonce;
    return false;
}

static void begin_world(void)
{
    struct net *net = world.net;

    net->now = world.now;
    net->n_doors = 0;
    net->next_port = 1000;
    net->pass = hears;
    net->head = net->tail = 0;
    memset(net->link, 0, sizeof net->link);
    memset(net->cut, 0, sizeof net->cut);
    memset(world.lines, 0, sizeof world.lines);
    memcpy(world.now_pens, world.pens, sizeof world.pens);
    world.now_chain = world.chain;
    for (int i = 0; i < 2; i++) {
        char *all = net->node[i].all;

        net->node[i] = world.nodes[i];
        net->node[i].all = all;
        put_file(i);
        start(i);
    }
    net_run(net, 3000);
}

static void end_world(void)
{
    struct net *net = world.net;

    for (int i = 0; i < 2; i++)
        if (net->node[i].up)
            net_stop(net, i);
    while (net->head != net->tail)
        free(net->queue[net->head++ % NET_QUEUE].bytes);
}

#endif
