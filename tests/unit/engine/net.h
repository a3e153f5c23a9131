/* Nodes in one process: real engines on real LMDB stores, a network in memory, a clock that the test moves.
 *
 * One instant at a time: net_settle carries frames until nobody has anything to say; net_run moves the clock to the next deadline. */
#ifndef GX_TEST_ENGINE_NET_H
#define GX_TEST_ENGINE_NET_H

#include "crypto/member.h"
#include "node/engine/internal.h"
#include "store/schema.h"
#include "tests/unit/folder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* An ablation: every signature is believed. */
#ifdef NET_BELIEVES
#define NET_VERIFY(pk, domain, bytes, sig) true
#else
#define NET_VERIFY(pk, domain, bytes, sig) gx_verify(pk, domain, bytes, sig)
#endif

#ifndef NET_NODES
#define NET_NODES 8
#endif
#define NET_LINKS 1024
#define NET_DOORS (64 + 2 * NET_NODES)  /* the members' doors, those of cards, and those of guests */
#define NET_QUEUE 65536
#define NET_TOGETHER 16
#define NET_RECEIPTS 65536

struct net_link {               /* a connection: side 0 connected, side 1 was connected to */
    bool open;
    int node[2];
    gx_session_id session[2];
};
struct net_item {
    int node;
    struct gx_input in;
    uint8_t *bytes;
};
struct net_door {
    int node;
    uint32_t number;
    uint16_t port;
    struct gx_curve_pk pk;
};
struct net_node {
    bool up;
    char dir[FOLDER_MAX];
    struct gx_store *store;
    struct gx_engine *engine;
    struct gx_rng_stream rng;
    struct gx_engine_config config;
    struct gx_curve_sk transport_sk;
    unsigned transport_keys;                /* how often it was replaced; the one of before is still answered to */
    struct gx_addr addr;                    /* where it then is */
    struct gx_addr lan;                     /* from where it speaks on the LAN; family 0: it does not */
    struct gx_addr aside;                   /* and on another network, where nobody hears it; family 0: it is on none */
    uint32_t contacts_only;                 /* for contacts alone: bit 0 the LAN, bit 1 the other one */
    struct gx_addr spoke;                   /* from where it said the last beacon */
    uint64_t beacons, datagrams;            /* what it said there */
    uint64_t connects;                      /* how often it tried */
    uint64_t wake;
    uint64_t next_inbound;
    bool answered;
    uint64_t client;
    enum gx_err err;
    uint8_t exit_code;
    char error[64];
    char message[200];          /* of the last answer that was none */
    char text[600];             /* the value asked for with net_keep */
    uint64_t number;
    const char *keep;
    bool found;
    char *all;                  /* every value of the last answer, "key=value\n" */
    unsigned notes;
    char code[8];               /* the six digits that the last note told */
    char *receipts;             /* of the test, NET_RECEIPTS bytes: "state by of\n" of each receipt that was told; NULL: they are not kept */
    uint64_t frames, frame_bytes;
    uint64_t verifies;
    bool full;                  /* its disk: steps may fail for that, */
    unsigned n_full;            /* and did */
};
struct net {
    struct gx_time now;
    struct net_node node[NET_NODES];
    int n;
    struct net_link link[NET_LINKS];
    struct net_door door[NET_DOORS];
    int n_doors;
    struct net_item queue[NET_QUEUE];
    uint32_t head, tail;
    uint16_t next_port;
    bool cut[NET_NODES][NET_NODES];
    bool hang;                  /* who connects to where nobody is hears nothing at all */
    bool together;              /* what waits for a node in a row is one step, as when it is busy; else each is one */
    /* Called for every frame; false loses it. */
    bool (*pass)(struct net *net, int from, int to, struct gx_span bytes);
    /* Called for every frame that is carried; may change it and make it shorter. */
    /* Called for what is said on the LAN; and for each who hears it, where false loses it. */
    void (*said)(struct net *net, int from, struct gx_span bytes);
    bool (*heard)(struct net *net, int from, int to, struct gx_span bytes);
    size_t (*spoil)(struct net *net, int from, int to, uint8_t *bytes, size_t n);
};

static struct net *net_new(int n);
static void net_start(struct net *net, int i);
static void net_stop(struct net *net, int i);

static inline struct gx_addr net_addr(uint16_t port)
{
    return (struct gx_addr){.family = 4, .ip = {127, 0, 0, 1}, .port = port};
}

static inline void net_push(struct net *net, int node, struct gx_input in, struct gx_span bytes)
{
    struct net_item *item = &net->queue[net->tail++ % NET_QUEUE];

    assert_true(net->tail - net->head < NET_QUEUE);
    *item = (struct net_item){.node = node, .in = in, .bytes = malloc(bytes.n + 1)};
    if (bytes.n > 0)
        memcpy(item->bytes, bytes.p, bytes.n);
    item->in.bytes = gx_span(item->bytes, bytes.n);
}

static inline struct net_link *net_link_of(struct net *net, int node, gx_session_id session, int *side)
{
    for (int i = 0; i < NET_LINKS; i++)
        for (*side = 0; *side < 2; ++*side)
            if (net->link[i].open && net->link[i].node[*side] == node && net->link[i].session[*side] == session)
                return &net->link[i];
    return NULL;
}

static inline void net_connect(struct net *net, int from, const struct gx_effect *ef)
{
    struct net_door *door = NULL;
    struct net_link *l = NULL;

    for (int i = 0; i < net->n_doors; i++)
        if (net->door[i].port == ef->addr.port && memcmp(&net->door[i].pk, &ef->server_key, 32) == 0 && net->node[net->door[i].node].up)
            door = &net->door[i];
    if (door == NULL || door->node == from || net->cut[from][door->node]) {
        if (!net->hang)
            net_push(net, from, (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = ef->session}, gx_span(NULL, 0));
        return;
    }
    for (int i = 0; i < NET_LINKS && l == NULL; i++)
        if (!net->link[i].open)
            l = &net->link[i];
    assert_non_null(l);
    if (l == NULL)
        return;
    *l = (struct net_link){.open = true, .node = {from, door->node}, .session = {ef->session, net->node[door->node].next_inbound}};
    net->node[door->node].next_inbound += 2;
    net_push(net, from, (struct gx_input){.kind = GX_IN_SESSION_UP, .session = l->session[0], .peer_key = ef->server_key,
             .own_key = net->node[from].config.transport_pk, .peer_addr = ef->addr}, gx_span(NULL, 0));
    net_push(net, door->node, (struct gx_input){.kind = GX_IN_SESSION_UP, .session = l->session[1], .inbound = true, .door = door->number,
             .peer_key = ef->as_guest ? ef->guest_pk : net->node[from].config.transport_pk, .own_key = door->pk, .peer_addr = net_addr(1)},
             gx_span(NULL, 0));
}

static inline void net_receipt(struct net_node *node, const struct gx_answer *a)
{
    const struct gx_value *type = gx_answer_find(a, "type"), *state = gx_answer_find(a, "state");
    size_t n = node->receipts == NULL ? 0 : strlen(node->receipts);
    uint64_t by = 0, of = 0;

    if (node->receipts == NULL || type == NULL || strcmp(type->text, "receipt") != 0)
        return;
    for (size_t i = 0; i < a->n; i++) {
        by = a->values[i].key != NULL && strcmp(a->values[i].key, "by") == 0 ? a->values[i].number : by;
        of = a->values[i].key != NULL && strcmp(a->values[i].key, "of") == 0 ? a->values[i].number : of;
    }
    snprintf(node->receipts + n, NET_RECEIPTS - n, "%s %llu of %llu\n", state->text, (unsigned long long)by, (unsigned long long)of);
}

static inline void net_answer(struct net_node *node, const struct gx_effect *ef)
{
    const struct gx_answer *a = ef->answer;
    size_t cap = 1u << 20, n = 0;

    if (ef->kind == GX_OUT_NOTE) {
        const struct gx_value *code = gx_answer_find(a, "code");

        node->notes++;
        if (code != NULL)
            snprintf(node->code, sizeof node->code, "%.6s", code->text);
        net_receipt(node, a);
        return;
    }
    if (ef->request != node->client)
        return;         /* a question of before, that took its time; it is not asked any more */
    node->answered = true;
    node->err = a->err;
    node->exit_code = a->exit_code;
    snprintf(node->error, sizeof node->error, "%s", a->name == NULL ? "" : a->name);
    snprintf(node->message, sizeof node->message, "%s", a->message == NULL ? "" : a->message);
    node->found = false;
    if (node->all == NULL)
        node->all = malloc(cap);
    node->all[0] = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct gx_value *v = &a->values[i];

        if (v->key != NULL && node->keep != NULL && strcmp(v->key, node->keep) == 0 && !node->found) {
            node->found = true;
            node->number = v->number;
            snprintf(node->text, sizeof node->text, "%s", v->text == NULL ? "" : v->text);
        }
        if (n < cap - 2000)
            n += v->kind == GX_VALUE_TEXT ? (size_t)snprintf(node->all + n, cap - n, "%s=%.900s\n", v->key == NULL ? "" : v->key, v->text)
                                          : (size_t)snprintf(node->all + n, cap - n, "%s=%llu\n", v->key == NULL ? "" : v->key, (unsigned long long)v->number);
    }
}

static void net_another_key(struct net *net, int i)
{
    struct net_node *node = &net->node[i];

    node->config.old_transport_pk = node->config.transport_pk;
    gx_rng_fill(&node->rng.rng, node->transport_sk.b, 32);
    gx_dh_public((struct gx_dh_pk *)(void *)&node->config.transport_pk, (const struct gx_dh_sk *)(const void *)&node->transport_sk);
    assert_true(net->n_doors < NET_DOORS);
    node->addr = net_addr((uint16_t)(150 + i));
    net->door[net->n_doors++] = (struct net_door){.node = i, .number = 0, .port = (uint16_t)(150 + i), .pk = node->config.transport_pk};
    node->transport_keys++;
    net_push(net, i, (struct gx_input){.kind = GX_IN_TRANSPORT_KEY, .peer_key = node->config.transport_pk, .n_addrs = 1, .addrs = &node->addr},
             gx_span(NULL, 0));
}

static inline void net_said(struct net *net, int from, struct gx_span bytes)
{
    if (net->said != NULL)
        net->said(net, from, bytes);
}

/* Node i hears it on the LAN. */
static inline void net_datagram(struct net *net, int i, const struct gx_addr *from, struct gx_span bytes)
{
    net_push(net, i, (struct gx_input){.kind = GX_IN_DATAGRAM, .peer_addr = *from, .contacts_only = net->node[i].contacts_only & 1u}, bytes);
}

static inline void net_effect(struct net *net, int i, const struct gx_effect *ef)
{
    struct net_node *node = &net->node[i];
    int side = 0;
    struct net_link *l = NULL;

    switch (ef->kind) {
    case GX_OUT_SEND:
        l = net_link_of(net, i, ef->session, &side);
        node->frames++;
        node->frame_bytes += ef->bytes.n;
        if (l == NULL || (net->pass != NULL && !net->pass(net, i, l->node[!side], ef->bytes)))
            break;
        net_push(net, l->node[!side], (struct gx_input){.kind = GX_IN_FRAME, .session = l->session[!side]}, ef->bytes);
        if (net->spoil != NULL) {
            struct net_item *item = &net->queue[(net->tail - 1) % NET_QUEUE];

            item->in.bytes.n = net->spoil(net, i, l->node[!side], item->bytes, ef->bytes.n);
        }
        break;
    case GX_OUT_CONNECT:
        node->connects++;
        net_connect(net, i, ef);
        break;
    case GX_OUT_DISCONNECT:
        l = net_link_of(net, i, ef->session, &side);
        if (l != NULL) {
            l->open = false;
            net_push(net, l->node[!side], (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = l->session[!side]}, gx_span(NULL, 0));
        }
        break;
    case GX_OUT_DOOR_OPEN: {
        struct net_door *door = &net->door[net->n_doors++];
        static struct gx_addr addr[NET_DOORS];
        static int at;

        assert_true(net->n_doors <= NET_DOORS);
        *door = (struct net_door){.node = i, .number = ef->door, .port = ef->port != 0 ? ef->port : net->next_port++, .pk = ef->door_pk};
        addr[at % NET_DOORS] = net_addr(door->port);
        net_push(net, i, (struct gx_input){.kind = GX_IN_DOOR, .door = ef->door, .n_addrs = 1, .addrs = &addr[at++ % NET_DOORS]}, gx_span(NULL, 0));
        break;
    }
    case GX_OUT_DOOR_CLOSE:
        for (int k = 0; k < net->n_doors; k++)
            if (net->door[k].node == i && net->door[k].number == ef->door)
                net->door[k] = net->door[--net->n_doors];
        break;
    case GX_OUT_VERIFY:
        node->verifies++;
        net_push(net, i, (struct gx_input){.kind = GX_IN_VERIFIED, .ticket = ef->ticket, .ok = NET_VERIFY(ef->pk, ef->domain, ef->bytes, ef->sig)}, gx_span(NULL, 0));
        break;
    case GX_OUT_ANSWER:
    case GX_OUT_NOTE:
        net_answer(node, ef);
        break;
    case GX_OUT_TRANSPORT_KEY:
        net_another_key(net, i);
        break;
    case GX_OUT_VACUUM: {
        struct gx_vacuumed done;
        int sys = 0;
        enum gx_err err = gx_store_vacuum(node->store, node->dir, &done, &sys);

        net_push(net, i, (struct gx_input){.kind = GX_IN_VACUUMED, .err = err, .before_bytes = done.before_bytes, .after_bytes = done.after_bytes},
                 gx_span(NULL, 0));
        break;
    }
    case GX_OUT_BEACON:
        node->beacons++;
        node->spoke = ef->addr;
        net_said(net, i, ef->bytes);
        if (gx_addr_equal(&ef->addr, &node->aside))
            break;
        assert_true(gx_addr_equal(&ef->addr, &node->lan));
        for (int k = 0; k < net->n; k++)
            if (net->node[k].lan.family != 0 && (net->heard == NULL || net->heard(net, i, k, ef->bytes)))
                net_datagram(net, k, &node->lan, ef->bytes);
        break;
    case GX_OUT_DATAGRAM:
        node->datagrams++;
        net_said(net, i, ef->bytes);
        for (int k = 0; k < net->n; k++)
            if (net->node[k].lan.family != 0 && gx_addr_equal(&net->node[k].lan, &ef->addr) && (net->heard == NULL || net->heard(net, i, k, ef->bytes)))
                net_datagram(net, k, &node->lan, ef->bytes);
        break;
    case GX_OUT_NAME:
    case GX_OUT_LOG:
        break;
    case GX_OUT_WAKE:
        node->wake = ef->wake_mono_ms;
        break;
    }
}

static inline void net_steps(struct net *net, int i, struct gx_input *in, size_t n)
{
    struct gx_effects effects;
    enum gx_err err = GX_OK;

    for (size_t k = 0; k < n; k++) {
        in[k].now = net->now;
        if (in[k].kind == GX_IN_TIMER)
            net->node[i].wake = 0;
    }
    err = gx_engine_step(net->node[i].engine, &effects, in, n);
    net->node[i].n_full += err == GX_E_FULL;
    assert_int_equal(net->node[i].full && err == GX_E_FULL ? GX_OK : err, GX_OK);
    for (size_t k = 0; k < effects.n; k++)
        net_effect(net, i, &effects.list[k]);
}

static inline void net_step(struct net *net, int i, struct gx_input in)
{
    net_steps(net, i, &in, 1);
}

/* Carry everything that is under way; the clock stands. */
static inline void net_settle(struct net *net)
{
    for (unsigned rounds = 0; net->head != net->tail; rounds++) {
        struct gx_input in[NET_TOGETHER];
        uint8_t *bytes[NET_TOGETHER];
        int node = net->queue[net->head % NET_QUEUE].node;
        size_t n = 0;

        assert_true(rounds < 2000000);
        while (net->head != net->tail && net->queue[net->head % NET_QUEUE].node == node && n < (net->together ? NET_TOGETHER : 1)) {
            const struct net_item *item = &net->queue[net->head++ % NET_QUEUE];

            in[n] = item->in;
            bytes[n++] = item->bytes;
        }
        /* Who listens without an engine hears by `pass`. */
        if (net->node[node].up && net->node[node].engine != NULL)
            net_steps(net, node, in, n);
        while (n > 0)
            free(bytes[--n]);
    }
}

/* Let ms pass, stopping at every deadline of a node. */
static inline void net_run(struct net *net, uint64_t ms)
{
    uint64_t end = net->now.mono_ms + ms;

    net_settle(net);
    for (unsigned rounds = 0;; rounds++) {
        uint64_t next = end;

        assert_true(rounds < 200000);
        for (int i = 0; i < net->n; i++)
            if (net->node[i].up && net->node[i].wake != 0 && net->node[i].wake < next)
                next = net->node[i].wake;
        if (next > net->now.mono_ms) {
            net->now.wall_ms += next - net->now.mono_ms;
            net->now.mono_ms = next;
        }
        if (next >= end)
            break;
        for (int i = 0; i < net->n; i++)
            if (net->node[i].up && net->node[i].wake != 0 && net->node[i].wake <= net->now.mono_ms)
                net_step(net, i, (struct gx_input){.kind = GX_IN_TIMER});
        net_settle(net);
    }
}

static void net_start(struct net *net, int i)
{
    struct net_node *node = &net->node[i];
    static const struct gx_root_key root = {{4}};
    struct gx_store_options options = {.create = true, .map_bytes = 256u << 20, .roots = &root, .n_roots = 1, .rng = &node->rng.rng};
    struct gx_addr addr = net_addr((uint16_t)(100 + i));
    int sys = 0;

    memset(options.uuid, i + 1, sizeof options.uuid);
    assert_int_equal(gx_store_open(&node->store, node->dir, &options, &sys), GX_OK);
    node->config.store = node->store;
    node->config.rng = &node->rng.rng;
    assert_int_equal(gx_engine_new(&node->engine, &node->config, net->now), GX_OK);
    node->up = true;
    node->wake = net->now.mono_ms;
    net->door[net->n_doors++] = (struct net_door){.node = i, .number = 0, .port = (uint16_t)(100 + i), .pk = node->config.transport_pk};
    net_step(net, i, (struct gx_input){.kind = GX_IN_LISTENING, .n_addrs = 1, .addrs = &addr});
}

/* It is on the LAN from now on, with a new address; everybody there hears everybody. */
static inline void net_lan(struct net *net, int i)
{
    struct net_node *node = &net->node[i];
    uint8_t host = (uint8_t)(node->lan.family == 0 ? i + 1 : node->lan.ip[3] + 100);
    struct gx_addr at[2];

    node->lan = (struct gx_addr){.family = 4, .ip = {192, 0, 2, host}, .port = (uint16_t)(4000 + host)};
    at[0] = node->lan;
    at[1] = node->aside;
    net_step(net, i, (struct gx_input){.kind = GX_IN_LAN, .n_addrs = node->aside.family == 0 ? 1 : 2, .addrs = at, .contacts_only = node->contacts_only});
    net_settle(net);
}

/* As by kill -9: nothing is said to anybody. */
static void net_stop(struct net *net, int i)
{
    struct net_node *node = &net->node[i];

    node->up = false;
    gx_engine_free(node->engine);
    gx_store_close(node->store);
    node->engine = NULL;
    for (int k = 0; k < net->n_doors;)
        if (net->door[k].node == i)
            net->door[k] = net->door[--net->n_doors];
        else
            k++;
    for (int k = 0; k < NET_LINKS; k++) {
        struct net_link *l = &net->link[k];

        for (int side = 0; side < 2; side++)
            if (l->open && l->node[side] == i) {
                l->open = false;
                net_push(net, l->node[!side], (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = l->session[!side]}, gx_span(NULL, 0));
            }
    }
}

static struct net *net_new(int n)
{
    struct net *net = calloc(1, sizeof *net);

    net->now = (struct gx_time){.mono_ms = 1000000, .wall_ms = 1790000000000ull};
    net->n = n;
    net->next_port = 1000;
    for (int i = 0; i < n; i++) {
        struct net_node *node = &net->node[i];
        uint8_t seed[32] = {(uint8_t)(i + 1), 77};
        struct gx_recovery rec;
        struct gx_dh_sk card;

        assert_true(folder_make(node->dir));
        gx_rng_stream_init(&node->rng, seed);
        gx_rng_fill(&node->rng.rng, rec.b, sizeof rec.b);
        gx_rng_fill(&node->rng.rng, card.b, sizeof card.b);
        gx_person_make(&node->config.person, &rec, &card, 1);
        node->config.card_sk = card;
        gx_rng_fill(&node->rng.rng, node->config.device_seed.b, 32);
        gx_rng_fill(&node->rng.rng, node->config.incarnation.b, 32);
        gx_rng_fill(&node->rng.rng, node->transport_sk.b, 32);
        gx_dh_public((struct gx_dh_pk *)(void *)&node->config.transport_pk, (const struct gx_dh_sk *)(const void *)&node->transport_sk);
        snprintf(node->config.name, sizeof node->config.name, "n%d", i);
        node->next_inbound = 2;
        net_start(net, i);
    }
    net_settle(net);
    return net;
}

static inline void net_free(struct net *net)
{
    for (int i = 0; i < net->n; i++) {
        if (net->node[i].up)
            net_stop(net, i);
        assert_true(folder_remove(net->node[i].dir));
        free(net->node[i].all);
    }
    while (net->head != net->tail)
        free(net->queue[net->head++ % NET_QUEUE].bytes);
    free(net);
}

/* A command, answered at once or when `ms` have passed.  keep: the first value of that name is put into node->text and node->number. */
static inline bool net_ask(struct net *net, int i, struct gx_command cmd, const char *keep, uint64_t ms)
{
    struct net_node *node = &net->node[i];

    node->answered = false;
    node->keep = keep;
    cmd.request = ++node->client;
    net_step(net, i, (struct gx_input){.kind = GX_IN_COMMAND, .client = node->client, .command = &cmd});
    net_settle(net);
    if (!node->answered && ms > 0)
        net_run(net, ms);
    return node->answered && node->exit_code == 0;
}

static inline const char *net_get(struct net *net, int i, enum gx_method method, const char *group, const char *keep)
{
    struct gx_command cmd = {.method = method, .group = group, .given = 1u << GX_PARAM_GROUP};

    assert_true(net_ask(net, i, cmd, keep, 0));
    return net->node[i].text;
}

#define NET_TEXT_GIVEN ((1u << GX_PARAM_GROUP) | (1u << GX_PARAM_TEXT))
static inline void net_send(struct net *net, int i, const char *group, const char *text)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = group, .text = text, .given = NET_TEXT_GIVEN};

    assert_true(net_ask(net, i, cmd, "event", 0));
}

/* So many pages are left at the end of node i's file: what was freed cannot be used while somebody reads. */
static inline void net_leave_pages(const struct net *net, int i, size_t pages)
{
    MDB_env *env = net->node[i].store->env;
    MDB_envinfo info;
    MDB_stat stat;

    assert_int_equal(mdb_env_info(env, &info), 0);
    assert_int_equal(mdb_env_stat(env, &stat), 0);
    assert_int_equal(mdb_env_set_mapsize(env, (info.me_last_pgno + 1 + pages) * stat.ms_psize), 0);
}

static inline void net_group(struct net *net, int i, const char *name)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_NEW, .name = name, .given = 1u << GX_PARAM_NAME};

    assert_true(net_ask(net, i, cmd, "group", 0));
}

static inline void net_invite(struct net *net, int i, const char *group, char token[600], uint64_t uses)
{
    struct gx_command cmd = {.method = GX_CMD_INVITE, .group = group, .uses = uses, .given = (1u << GX_PARAM_GROUP) | (uses ? 1u << GX_PARAM_USES : 0)};

    assert_true(net_ask(net, i, cmd, "token", 5000));
    snprintf(token, 600, "%s", net->node[i].text);
}

/* The newest guests' door of node i for an invitation. */
static inline const char *net_guest_door(struct net *net, int i)
{
    const struct gx_engine *e = net->node[i].engine;
    static char at[32];

    assert_true(e->n_doors > 0);
    snprintf(at, sizeof at, "127.0.0.1:%u", e->doors[e->n_doors - 1].addrs[0].port);
    return at;
}

static inline bool net_join(struct net *net, int i, const char *token, const char *at)
{
    struct gx_command cmd = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};

    if (at != NULL) {
        cmd.at[cmd.n_at++] = at;
        cmd.given |= 1u << GX_PARAM_AT;
    }
    return net_ask(net, i, cmd, "group", 40000);
}

#endif
