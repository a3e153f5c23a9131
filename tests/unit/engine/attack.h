/* A member that lies: events made by hand with a node's own keys, and frames put into an open session as if that node had said them. */
#ifndef GX_TEST_ENGINE_ATTACK_H
#define GX_TEST_ENGINE_ATTACK_H

#include "node/engine/internal.h"
#include "tests/blind.h"
#include "tests/unit/engine/net.h"

#define GIVEN_WHO ((1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO))

/* --- commands ----------------------------------------------------------------------------------------------------------------------- */

static inline bool act(struct net *net, int i, enum gx_method method, const char *who)
{
    struct gx_command cmd = {.method = method, .group = "tea", .who = who, .given = GIVEN_WHO};

    return net_ask(net, i, cmd, "rank", 0);
}

static inline const char *show(struct net *net, int i, const char *key)
{
    return net_get(net, i, GX_CMD_GROUP_SHOW, "tea", key);
}

static inline uint64_t show_number(struct net *net, int i, const char *key)
{
    show(net, i, key);
    return net->node[i].number;
}

static inline bool name_self(struct net *net, int i, const char *name)
{
    struct gx_command cmd = {.method = GX_CMD_GROUP_ALIAS, .group = "tea", .name = name, .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_NAME)};

    return net_ask(net, i, cmd, "alias", 0);
}

static inline void assert_same(struct net *net, int a, int b)
{
    char hash[65];

    snprintf(hash, sizeof hash, "%.64s", show(net, a, "state_hash"));
    assert_string_equal(hash, show(net, b, "state_hash"));
    snprintf(hash, sizeof hash, "%.64s", show(net, a, "messages_hash"));
    assert_string_equal(hash, show(net, b, "messages_hash"));
}

static inline bool is_between(const struct net_link *l, int a, int b)
{
    return l->open && ((l->node[0] == a && l->node[1] == b) || (l->node[0] == b && l->node[1] == a));
}

/* The line between two goes, with what was under way on it; or it comes back. */
static inline void line(struct net *net, int a, int b, bool up)
{
    net->cut[a][b] = net->cut[b][a] = !up;
    for (int k = 0; k < NET_LINKS && !up; k++) {
        struct net_link *l = &net->link[k];

        if (!is_between(l, a, b))
            continue;
        l->open = false;
        for (int side = 0; side < 2; side++)
            net_push(net, l->node[side], (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = l->session[side]}, gx_span(NULL, 0));
    }
    net_settle(net);
}

/* n0 founds tea; n1 to n(n_members - 1) join by one code of its. */
static inline struct net *tea_of(int n, int n_members, char token[600])
{
    struct net *net = net_new(n);

    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    for (int i = 1; i < n_members; i++)
        assert_true(net_join(net, i, token, NULL));
    net_run(net, 20000);
    return net;
}

/* The first group of a node is tea. */
static inline struct gx_group *tea(struct net *net, int i)
{
    assert_true(net->node[i].engine->n_groups > 0);
    return net->node[i].engine->groups[0];
}

/* --- events by hand ------------------------------------------------------------------------------------------------------------------ */

struct hand {
    struct gx_event ev;
    uint8_t deps[32 * GX_EVENT_DEPS_MAX];
    uint8_t body[GX_EVENT_BODY_MAX], blind[BLIND_BYTES];
    uint8_t bytes[GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX];     /* a chunk of it alone */
    size_t n;
};

static inline struct hand *hand_new(void)
{
    return calloc(1, sizeof(struct hand));
}

/* An event of node i's device, in any log, at any place. */
static inline void hand_make(struct net *net, int i, struct hand *h, const struct gx_body *body, const struct gx_log_id *log, uint64_t seq,
                             const struct gx_event_id *prev, const struct gx_event_id *deps, size_t n_deps, uint64_t tick)
{
    struct gx_group *g = tea(net, i);
    struct gx_wr w = gx_wr(h->body, sizeof h->body);
    struct gx_body outer = *body;
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    blind(&outer, h->blind);
    gx_body_encode(&w, &outer);
    assert_false(w.failed);
    for (size_t k = 0; k < n_deps; k++)
        memcpy(h->deps + 32 * k, deps[k].b, 32);
    h->ev = (struct gx_event){.ver = GX_EVENT_VERSION, .type = body->type, .group = g->row.id, .log = *log, .seq = seq, .tick = tick, .n_deps = (uint8_t)n_deps,
                              .deps = h->deps, .body = gx_wr_span(&w), .wall_ms = gx_event_is_message(body->type) ? 0 : gx_author_minute(net->now)};
    if (prev != NULL)
        h->ev.prev = *prev;
    gx_device_key(&pk, &sk, &net->node[i].config.device_seed, &g->row.intro.e);
    gx_event_seal(&h->ev, &sk);

    struct gx_wr c = gx_wr(h->bytes, sizeof h->bytes);

    gx_chunk_write_header(&c, log, (uint32_t)seq, &h->ev.prev, 1);
    gx_record_encode(&c, &h->ev);
    assert_false(c.failed);
    h->n = c.n;
}

static inline void hand_text(struct net *net, int i, struct hand *h, const char *text, const struct gx_log_id *log, uint64_t seq,
                             const struct gx_event_id *prev, const struct gx_event_id *deps, size_t n_deps, uint64_t tick)
{
    struct gx_body body = {.type = GX_EV_TEXT, .u.text = {.wall_ms = 1, .text = gx_span(text, strlen(text))}};

    hand_make(net, i, h, &body, log, seq, prev, deps, n_deps, tick);
}

static inline void hand_alias(struct net *net, int i, struct hand *h, const char *name, const struct gx_log_id *log, uint64_t seq,
                              const struct gx_event_id *prev, const struct gx_event_id *deps, size_t n_deps, uint64_t tick)
{
    struct gx_body body = {.type = GX_EV_ALIAS, .u.alias.name = gx_span(name, strlen(name))};

    hand_make(net, i, h, &body, log, seq, prev, deps, n_deps, tick);
}

/* A new incarnation of node i's device, numbered. */
static inline void hand_incarnation(struct net *net, int i, struct hand *h, uint32_t number, const struct gx_event_id *deps, size_t n_deps, uint64_t tick)
{
    struct gx_group *g = tea(net, i);
    struct gx_body body = {.type = GX_EV_INCARNATION};
    struct gx_log_id log;

    body.u.incarnation.member = g->row.intro.member;
    body.u.incarnation.device = g->row.intro.device;
    memset(body.u.incarnation.incarnation.b, 0xaa, sizeof body.u.incarnation.incarnation.b);
    memcpy(body.u.incarnation.incarnation.b, &number, sizeof number);
    gx_log_id_make(&log, &g->row.intro.member, &g->row.intro.device, &body.u.incarnation.incarnation, GX_LOG_CONTROL);
    hand_make(net, i, h, &body, &log, 1, NULL, deps, n_deps, tick);
}

/* The newest operation that node i took in. */
static inline struct gx_event_id newest_op(struct net *net, int i, uint64_t *tick)
{
    struct gx_group *g = tea(net, i);

    *tick = g->ops[g->law.n_ops - 1].tick;
    return g->law.nodes[g->law.n_ops - 1].op.id;
}

/* --- frames by hand -------------------------------------------------------------------------------------------------------------------- */

static inline struct net_link *link_between(struct net *net, int a, int b, int *side_of_b)
{
    for (int i = 0; i < NET_LINKS; i++)
        for (*side_of_b = 0; *side_of_b < 2; ++*side_of_b)
            if (net->link[i].open && net->link[i].node[*side_of_b] == b && net->link[i].node[!*side_of_b] == a)
                return &net->link[i];
    return NULL;
}

/* The session of `to` with `from`; there must be one. */
static inline gx_session_id session_with(struct net *net, int from, int to)
{
    int side = 0;
    const struct net_link *l = link_between(net, from, to, &side);

    if (l == NULL) {
        fail_msg("n%d and n%d are not connected", from, to);
        abort();
    }
    return l->session[side];
}

static inline void inject(struct net *net, int from, int to, struct gx_span bytes)
{
    net_push(net, to, (struct gx_input){.kind = GX_IN_FRAME, .session = session_with(net, from, to)}, bytes);
}

/* The channel of tea on the session of `to` with `from`, or NULL. */
static inline struct gx_channel *channel_with(struct net *net, int from, int to)
{
    int side = 0;
    struct net_link *l = link_between(net, from, to, &side);
    struct gx_session *s = l == NULL ? NULL : gx_session_find(net->node[to].engine, l->session[side]);

    return s == NULL ? NULL : gx_session_channel_of(s, tea(net, to)->row.gnum);
}

/* Its number, by which `from` speaks on it; there must be one. */
static inline uint16_t channel_number(struct net *net, int from, int to)
{
    const struct gx_channel *c = channel_with(net, from, to);

    if (c == NULL) {
        fail_msg("n%d has no channel with n%d", to, from);
        abort();
    }
    return c->number;
}

static inline void tell(struct net *net, int from, int to, const struct hand *h)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_number(net, from, to), GX_CHUNKS_PUSH);

    gx_frame_put_chunk(&w, &list, gx_span(h->bytes, h->n));
    gx_frame_end(&w, &list);
    inject(net, from, to, gx_wr_span(&w));
}

/* --- endpoint records by hand ------------------------------------------------------------------------------------------------------------ */

/* What a node holds of where another one is; NULL: nothing. */
static inline const struct gx_endpoint *record_of(struct net *net, int holder, int of)
{
    return gx_endpoints_of(tea(net, holder), &tea(net, of)->row.intro.device);
}

static inline void tell_record(struct net *net, int from, int to, const struct gx_endpoint *record)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_endpoints(&w, channel_number(net, from, to));

    gx_frame_put_endpoint(&w, &list, record);
    gx_frame_end(&w, &list);
    inject(net, from, to, gx_wr_span(&w));
    net_settle(net);
}

static inline void sign_record(struct net *net, struct gx_endpoint *record, const struct gx_sign_sk *sk)
{
    uint8_t bytes[GX_ENDPOINT_SIGNED_MAX];

    gx_sign(&record->sig, sk, GX_DOMAIN_ENDPOINT, gx_span(bytes, gx_endpoint_signed_bytes(bytes, record, &tea(net, 0)->row.id)));
}

/* --- a stranger: a connection without an engine behind it -------------------------------------------------------------------------------- */

#define GHOST (NET_NODES - 1)           /* in the net's tables; no engine is started for it */

static struct {
    struct net *net;
    int with;
    struct gx_transcript transcript;
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;
    gx_session_id session;
    uint16_t channel;                                   /* by which it proves */
    unsigned n_frames, n_chunks, n_heads, n_ended;      /* what it was told */
    struct gx_tag tags[GX_FRAME_TAGS_MAX];              /* and which tags last */
    size_t n_tags;
    size_t bytes;
} ghost;

static inline bool ghost_hears(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    (void)from;
    if (to != GHOST)
        return !net->cut[from][to];
    ghost.n_frames++;
    ghost.bytes += bytes.n;
    if (gx_frame_decode(&f, bytes) != GX_OK)
        return false;
    if (f.kind == GX_FRAME_HELLO)
        ghost.transcript.server_nonce = f.nonce;
    if (f.kind == GX_FRAME_TAGS)
        for (ghost.n_tags = 0; ghost.n_tags < f.n; ghost.n_tags++)
            ghost.tags[ghost.n_tags] = gx_frame_tag_at(&f, ghost.n_tags);
    ghost.n_heads += f.kind == GX_FRAME_HEADS;
    ghost.n_ended += f.kind == GX_FRAME_ENDED;
    if (f.kind == GX_FRAME_CHUNKS)
        ghost.n_chunks += (unsigned)f.n;
    return false;
}

static inline void ghost_says(const struct gx_wr *w)
{
    net_push(ghost.net, ghost.with, (struct gx_input){.kind = GX_IN_FRAME, .session = ghost.session}, gx_wr_span(w));
    net_settle(ghost.net);
}

/* Connect to the members' door of node `to`, and say HELLO.  Those with another number have other transport keys, and stay connected; the last one speaks. */
static inline void ghost_opens_as(struct net *net, int to, uint8_t number)
{
    struct net_link *l = &net->link[NET_LINKS - 1 - number];
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    memset(&ghost, 0, sizeof ghost);
    ghost.net = net;
    ghost.with = to;
    ghost.session = net->node[to].next_inbound;
    ghost.channel = 5;
    net->node[to].next_inbound += 2;
    *l = (struct net_link){.open = true, .node = {GHOST, to}, .session = {1, ghost.session}};
    net->pass = ghost_hears;
    memset(&ghost.transcript.client_key, 0x33, 32);
    ghost.transcript.client_key.b[0] = number;
    ghost.transcript.server_key = net->node[to].config.transport_pk;
    memset(&ghost.transcript.client_nonce, 0x44, sizeof ghost.transcript.client_nonce);
    net_push(net, to, (struct gx_input){.kind = GX_IN_SESSION_UP, .session = ghost.session, .inbound = true, .peer_key = ghost.transcript.client_key,
             .own_key = ghost.transcript.server_key, .peer_addr = net_addr(9)}, gx_span(NULL, 0));
    gx_frame_write_hello(&w, &ghost.transcript.client_nonce);
    ghost_says(&w);
}

static inline void ghost_opens(struct net *net, int to)
{
    ghost_opens_as(net, to, 0);
}

static inline void ghost_shows(const struct gx_tag *tags, size_t n)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_tags(&w);

    for (size_t i = 0; i < n; i++)
        gx_frame_put_tag(&w, &list, &tags[i]);
    gx_frame_end(&w, &list);
    ghost_says(&w);
}

/* A proof for that group of the device of `as`, or of one that nobody ever saw (-1); or one that says no true word. */
static inline void ghost_proves(const struct gx_group *g, int as, bool true_word)
{
    uint8_t bytes[512], proof_bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_proof(&w);
    struct gx_proof proof = {.channel = ghost.channel};
    struct gx_sign_seed seed;

    memset(&seed, 0x55, sizeof seed);
    gx_sign_keypair(&ghost.pk, &ghost.sk, &seed);
    if (as >= 0)
        gx_device_key(&ghost.pk, &ghost.sk, &ghost.net->node[as].config.device_seed, &tea(ghost.net, as)->row.intro.e);
    gx_gate_tag(&proof.tag, &g->gate_zero, GX_ROLE_CLIENT, &ghost.transcript);
    proof.device = ghost.pk;
    gx_proof_signed_bytes(proof_bytes, &g->row.id, GX_ROLE_CLIENT, &ghost.transcript);
    gx_sign(&proof.sig, &ghost.sk, GX_DOMAIN_SESSION, gx_span(proof_bytes, sizeof proof_bytes));
    proof.sig.b[0] ^= !true_word;
    gx_frame_put_proof(&w, &list, &proof);
    gx_frame_end(&w, &list);
    ghost_says(&w);
}

/* Connect, show gate 0 of tea, and prove a device key for it. */
static inline void ghost_connects_as(struct net *net, int to, int as, uint8_t number)
{
    struct gx_tag tag;

    ghost_opens_as(net, to, number);
    gx_gate_tag(&tag, &tea(net, to)->gate_zero, GX_ROLE_CLIENT, &ghost.transcript);
    ghost_shows(&tag, 1);
    ghost_proves(tea(net, to), as, true);
}

static inline void ghost_connects(struct net *net, int to, int as)
{
    ghost_connects_as(net, to, as, 0);
}

#endif
