/* The world of fuzz_session: tea is n0's, whom the input is aimed at; n1 is honest and on the line; n2 is a member whose keys the input speaks with, there
 * and in a direct chat with n0, and is the owner of rum, which n0 was invited into and whose code it may follow to a door of its.  It is made once and then
 * put back before each run: what lies in the stores, and what the nodes hold in memory. */
#ifndef GX_TESTS_FUZZ_SESSION_H
#define GX_TESTS_FUZZ_SESSION_H

#define NET_NODES 6
#define N_REAL 4
#include "crypto/invite.h"
#include "crypto/lan.h"
#include "proto/lan.h"
#include "store/check.h"
#include "store/keys.h"
#include "tests/fuzz/known.h"
#include "tests/unit/engine/attack.h"

#include <fcntl.h>

#define VICTIM 0
#define HONEST 1
#define LIAR 2
#define STRANGER 3              /* what it brings to doors of n0 is heard here and not there */
#define LINES 2u                /* of the liar with the victim: as n4 and n5 */
#define HOST (N_REAL + 1)       /* the second plays the door of rum, too */

#define SAID_MAX 192u           /* frames that were said while the world was made */
#define SAID_OF_KIND_MAX 12u
#define SAID_BYTES_MAX 8192u
#define SAMPLES_MAX 48u         /* events of it */

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

/* What the liar has in a group. */
enum { TEA, CHAT, RUM, SEATS };
struct seat {
    struct gx_group_id group;
    struct gx_sign_pk device;
    struct gx_sign_sk device_sk;
    struct gx_gate_key gate;
    struct pen pens[2];         /* control, messages */
    struct gx_event_id epoch;
    struct gx_chain_row chain;
};

enum where { MEMBERS_DOOR, GUESTS_DOOR, CARD_DOOR, DOORS };
struct line_of_liar {
    enum where where;
    bool hosts;                 /* it is the victim's, at the door of rum */
    gx_session_id session;
    struct gx_transcript transcript;
};

static struct {
    struct net *net;
    char tea[GX_HEX_BYTES(32)];
    char token[600], rum[600];
    struct gx_token_keys keys[DOORS];           /* that open a door of the victim's */
    struct gx_sign_pk guests[DOORS];            /* who came to it */
    struct net_door host;
    struct said said[SAID_MAX];
    size_t n_said;
    struct sample samples[SAMPLES_MAX];
    size_t n_samples;

    /* What is put back. */
    struct gx_time now;
    struct net_node nodes[2];
    struct said files[2];
    struct seat seats[SEATS];
    uint8_t rum_chunks[4][GX_CHUNK_BYTES_MAX];  /* what a newcomer is given */
    size_t rum_bytes[4];
    unsigned n_rum;

    /* Of one run. */
    struct seat now_seats[SEATS];
    struct line_of_liar lines[LINES];
    struct gx_beacon beacon;    /* the victim's newest; no R: none yet */
    uint8_t request[GX_JOIN_REQUEST_MAX];       /* of the victim at the door of rum; n_request 0: none yet */
    size_t n_request;
    enum where visited;         /* while the world is made: which door the stranger is at */
} world;

/* --- made once ---------------------------------------------------------------------------------------------------------------------------- */

static void keep_said(struct gx_span bytes)
{
    size_t same = 0;

    for (size_t i = 0; i < world.n_said; i++)
        same += world.said[i].bytes[0] == bytes.p[0];
    if (bytes.n == 0 || bytes.n > SAID_BYTES_MAX || world.n_said == SAID_MAX || same >= SAID_OF_KIND_MAX)
        return;
    struct said *s = &world.said[world.n_said++];
    s->bytes = malloc(bytes.n);
    s->n = bytes.n;
    GX_ASSERT(s->bytes != NULL);
    memcpy(s->bytes, bytes.p, bytes.n);
}

/* All but what n1 and n2 say to each other; and the stranger's last word at a door is not heard there. */
static bool hears_all(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (from != HONEST && to != HONEST)
        keep_said(bytes);
    if (from == STRANGER && to == VICTIM && gx_frame_decode(&f, bytes) == GX_OK) {
        if (f.kind == GX_FRAME_GUEST)
            world.guests[world.visited] = f.device;
        if (f.kind == GX_FRAME_JOIN || f.kind == GX_FRAME_CARD)
            return false;
    }
    return !net->cut[from][to];
}

static void keep_sample(struct net *net, const struct gx_group *g, const struct gx_log *log, uint32_t seq)
{
    struct gx_txn *txn = NULL;
    struct gx_event ev;

    if (world.n_samples == SAMPLES_MAX)
        return;
    GX_ASSERT(gx_txn_begin(&txn, net->node[VICTIM].store, false) == GX_OK);
    GX_ASSERT(gx_events_get(txn, &ev, &log->row, &g->row.id, seq) == GX_OK);
    struct sample *s = &world.samples[world.n_samples++];
    *s = (struct sample){.type = ev.type, .body = malloc(ev.body.n + 1), .n = ev.body.n};
    GX_ASSERT(s->body != NULL);
    memcpy(s->body, ev.body.p, ev.body.n);
    gx_txn_abort(&txn);
}

static void keep_samples(struct net *net, const struct gx_group *g)
{
    for (uint32_t i = 0; i < g->law.n_ops; i++)
        keep_sample(net, g, &g->logs[g->ops[i].log], g->ops[i].seq);
    for (uint32_t i = 0; i < g->n_logs; i++)
        for (uint32_t seq = g->logs[i].row.base_seq + 1; g->logs[i].row.cls == GX_LOG_MESSAGES && seq <= g->logs[i].row.head_seq; seq++)
            keep_sample(net, g, &g->logs[i], seq);
}

/* Where the liar's node would go on. */
static void keep_seat(struct net *net, struct seat *seat, const struct gx_group *g)
{
    const uint32_t logs[2] = {g->own_control, g->own_messages};
    struct gx_txn *txn = NULL;
    struct gx_epoch_row row;
    struct gx_chain_row *chains = calloc(GX_EPOCH_SLOTS_MAX, sizeof *chains);

    seat->group = g->row.id;
    for (unsigned i = 0; i < 2; i++) {
        const struct gx_log_row *log = &g->logs[logs[i]].row;
        seat->pens[i] = (struct pen){.log = log->id, .seq = log->head_seq, .id = log->head_id, .tick = log->head_tick};
    }
    gx_device_key(&seat->device, &seat->device_sk, &net->node[LIAR].config.device_seed, &g->row.intro.e);
    seat->gate = g->gate_zero;
    GX_ASSERT(chains != NULL && gx_txn_begin(&txn, net->node[LIAR].store, false) == GX_OK);
    for (uint32_t cnum = 0; gx_epoch_next(txn, &cnum, &row, g->row.gnum) == GX_OK; cnum++) {
        GX_ASSERT(gx_epoch_chains(txn, chains, row.n_chains, g->row.gnum, cnum) == GX_OK);
        for (unsigned i = 0; i < row.n_chains; i++)
            if (memcmp(chains[i].log.b, seat->pens[1].log.b, sizeof chains[i].log.b) == 0) {
                seat->chain = chains[i];
                seat->epoch = g->law.nodes[cnum].op.id;
            }
    }
    GX_ASSERT(memcmp(seat->chain.log.b, seat->pens[1].log.b, sizeof seat->chain.log.b) == 0);
    gx_txn_abort(&txn);
    free(chains);
}

static void keep_rum(struct net *net, const struct gx_group *g)
{
    struct gx_txn *txn = NULL;
    uint32_t next = 0;

    GX_ASSERT(gx_txn_begin(&txn, net->node[LIAR].store, false) == GX_OK);
    for (uint32_t i = 0; i < g->n_logs; i++) {
        struct gx_wr w = gx_wr(world.rum_chunks[world.n_rum], GX_CHUNK_BYTES_MAX);

        if (g->logs[i].row.cls != GX_LOG_CONTROL || g->logs[i].row.head_seq == 0)
            continue;
        GX_ASSERT(world.n_rum < GX_ARRAY_LEN(world.rum_chunks));
        GX_ASSERT(gx_events_read_chunk(txn, &w, &next, &g->logs[i].row, &g->row.id, 1, GX_CHUNK_EVENTS_MAX, GX_CHUNK_BYTES_MAX) == GX_OK);
        GX_ASSERT(next > g->logs[i].row.head_seq);
        world.rum_bytes[world.n_rum++] = w.n;
    }
    gx_txn_abort(&txn);
}

/* The group of node i with that id; NULL: none. */
static struct gx_group *group_at(int i, const struct gx_group_id *id)
{
    struct gx_engine *e = world.net->node[i].engine;

    for (uint32_t k = 0; k < e->n_groups; k++)
        if (gx_group_id_equal(&e->groups[k]->row.id, id))
            return e->groups[k];
    return NULL;
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

static void scan_card(struct net *net, int i, int of)
{
    struct gx_command cmd = {.method = GX_CMD_ID};
    char card[600];

    GX_ASSERT(net_ask(net, of, cmd, "card", 0));
    snprintf(card, sizeof card, "%s", net->node[of].text);
    cmd = (struct gx_command){.method = GX_CMD_CONTACT_ADD, .token = card, .given = 1u << GX_PARAM_TOKEN};
    GX_ASSERT(net_ask(net, i, cmd, "state", 0));
}

static void make_groups(struct net *net)
{
    struct gx_command yes = {.method = GX_CMD_ACCEPT, .who = "n2", .given = 1u << GX_PARAM_WHO};

    net_group(net, VICTIM, "tea");
    net_invite(net, VICTIM, "tea", world.token, 0);
    GX_ASSERT(net_join(net, HONEST, world.token, NULL) && net_join(net, LIAR, world.token, NULL));
    net_run(net, 20000);
    scan_card(net, LIAR, VICTIM);
    net_run(net, 3000);
    GX_ASSERT(net_ask(net, VICTIM, yes, "state", 0));
    net_run(net, 5000);
    for (int i = 0; i <= LIAR; i++)
        net_send(net, i, "tea", "said while this was made");
    name_self(net, LIAR, "Liu");
    net_send(net, LIAR, "@n0", "said to one");
    net_run(net, 5000);
    line(net, VICTIM, LIAR, false);
    net_send(net, LIAR, "tea", "said alone");
    net_run(net, 3000);
    line(net, VICTIM, LIAR, true);
    net_run(net, 60000);
}

/* Where strangers come to: what they say at each door of the victim's, and what they hear at one of the liar's. */
static void make_visits(struct net *net)
{
    struct gx_command join = {.method = GX_CMD_JOIN, .token = world.token, .given = 1u << GX_PARAM_TOKEN};
    const struct gx_person *person = &net->node[VICTIM].config.person;
    struct gx_token_seed seed;
    struct gx_token token;
    struct gx_curve_sk sk;

    world.visited = GUESTS_DOOR;
    net_ask(net, STRANGER, join, NULL, 2000);
    GX_ASSERT(gx_token_parse(&token, world.token) == GX_OK);
    gx_token_keys_make(&world.keys[GUESTS_DOOR], &token.seed, token.group16);
    world.visited = CARD_DOOR;
    scan_card(net, STRANGER, VICTIM);
    net_run(net, 1000);
    gx_card_seed(&seed, &net->node[VICTIM].config.card_sk, person->card_serial);
    gx_token_keys_make(&world.keys[CARD_DOOR], &seed, person->id.b);
    net_group(net, LIAR, "rum");
    net_invite(net, LIAR, "rum", world.rum, 0);
    GX_ASSERT(gx_token_parse(&token, world.rum) == GX_OK && token.hint.family == 4);
    gx_token_keys_make(&world.keys[MEMBERS_DOOR], &token.seed, token.group16);
    world.host = (struct net_door){.node = HOST, .port = token.hint.port};
    gx_door_keys_make(&world.host.pk, &sk, &world.keys[MEMBERS_DOOR].lan);
    GX_ASSERT(net_join(net, STRANGER, world.rum, NULL));
    net_run(net, 5000);
}

/* What one contact tells another. */
static void make_letters(struct net *net)
{
    struct gx_command reveal = {.method = GX_CMD_GROUP_REVEAL, .group = "tea", .who = "@n0", .given = GIVEN_WHO};
    struct gx_command invite = {.method = GX_CMD_INVITE, .group = "rum", .who = "@n0", .given = GIVEN_WHO};

    GX_ASSERT(net_ask(net, LIAR, reveal, NULL, 0) && net_ask(net, LIAR, invite, NULL, 0));
    net_send(net, LIAR, "rum", "nobody is here");
    net_run(net, 5000);
}

static void make_world(void)
{
    struct net *net = world.net = net_new(N_REAL);

    net->pass = hears_all;
    make_groups(net);
    make_visits(net);
    make_letters(net);
    for (unsigned i = 0; i < SEATS; i++)
        keep_seat(net, &world.seats[i], net->node[LIAR].engine->groups[i]);
    keep_rum(net, net->node[LIAR].engine->groups[RUM]);
    for (unsigned i = 0; i < RUM; i++) {
        const struct gx_group *g = group_at(VICTIM, &world.seats[i].group);
        GX_ASSERT(g != NULL);
        keep_samples(net, g);
    }
    gx_hex(world.tea, world.seats[TEA].group.b, 32);
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

/* The victim came to the door of rum: the second line of the liar's goes there now. */
static void host(void)
{
    struct net *net = world.net;
    const struct gx_nonce nonce = {{0x55}};
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    for (int i = 0; i < NET_LINKS; i++)
        if (net->link[i].open && net->link[i].node[0] == VICTIM && net->link[i].node[1] == HOST)
            world.lines[1] = (struct line_of_liar){.hosts = true, .session = net->link[i].session[0]};
    gx_frame_write_hello(&w, &nonce);
    net_push(net, VICTIM, (struct gx_input){.kind = GX_IN_FRAME, .session = world.lines[1].session}, gx_wr_span(&w));
}

static bool hears(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (to < N_REAL)
        return !net->cut[from][to];
    /* What is said to the liar: whoever says it is expected to say it well. */
    GX_ASSERT(gx_frame_decode(&f, bytes) == GX_OK);
    if (f.kind == GX_FRAME_JOIN && to == HOST && f.bytes.n <= sizeof world.request) {
        memcpy(world.request, f.bytes.p, f.bytes.n);
        world.n_request = f.bytes.n;
    }
    if (f.kind == GX_FRAME_HELLO && to == HOST && !net->link[NET_LINKS - 2].open)
        host();
    else if (f.kind == GX_FRAME_HELLO)
        world.lines[to - N_REAL].transcript.server_nonce = f.nonce;
    return false;
}

static void hears_on_lan(struct net *net, int from, struct gx_span bytes)
{
    struct gx_beacon beacon;

    (void)net;
    if (from == VICTIM && gx_beacon_decode(&beacon, bytes) == GX_OK)
        world.beacon = beacon;
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
    memcpy(world.now_seats, world.seats, sizeof world.seats);
    world.n_request = 0;
    net->said = hears_on_lan;
    memset(&world.beacon, 0, sizeof world.beacon);
    net->node[HOST].up = true;
    net->door[net->n_doors++] = world.host;
    for (int i = 0; i < 2; i++) {
        char *all = net->node[i].all;

        net->node[i] = world.nodes[i];
        net->node[i].all = all;
        put_file(i);
        start(i);
    }
    net_lan(net, VICTIM);
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
