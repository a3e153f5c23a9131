/* People who lie: frames by hand between engines, and strangers without an engine at a members' door or at a card's. */
#ifndef GX_TEST_ENGINE_PEOPLE_ATTACK_H
#define GX_TEST_ENGINE_PEOPLE_ATTACK_H

#include "tests/unit/engine/people.h"

/* --- engines --- */

static inline struct gx_engine *eng(struct net *net, int i)
{
    return net->node[i].engine;
}

/* The group chat of a node; NULL when it has none. */
static inline struct gx_group *tea_if(struct net *net, int i)
{
    struct gx_group *found = NULL;

    for (uint32_t k = 0; k < eng(net, i)->n_groups; k++)
        if (!gx_group_is_direct(eng(net, i)->groups[k]))
            found = eng(net, i)->groups[k];
    return found;
}

static inline struct gx_group *tea(struct net *net, int i)
{
    struct gx_group *g = tea_if(net, i);

    if (g == NULL) {
        fail_msg("n%d has no group", i);
        abort();
    }
    return g;
}

static inline struct gx_contact *contact(struct net *net, int i, int of)
{
    return gx_contact_by_id(eng(net, i), &net->node[of].config.person.id);
}

static inline struct gx_group *chat_of(struct net *net, int i, int with)
{
    return gx_contact_chat(eng(net, i), contact(net, i, with));
}

static inline uint32_t members(struct net *net, int i)
{
    return tea_if(net, i) == NULL ? 0 : tea(net, i)->law.now.n_members;
}

static inline bool on_tea(struct net *net, int i, enum gx_method method, const char *who)
{
    struct gx_command cmd = {.method = method, .group = "tea", .who = who, .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO)};

    return net_ask(net, i, cmd, "rank", 0);
}

/* What a test does inside an engine is kept, and the node begins anew from its store. */
static inline void keep_and_restart(struct net *net, int i)
{
    struct gx_engine *e = eng(net, i);

    gx_author_sign(e);
    gx_people_flush(e);
    gx_groups_flush(e);
    assert_int_equal(e->fault, GX_OK);
    assert_int_equal(gx_txn_commit(&e->txn), GX_OK);
    net_stop(net, i);
    net_start(net, i);
}

/* Node i forgets the chats with `of`, as after a loss, and founds another one; then it knocks at their card's door. */
static inline void found_anew(struct net *net, int i, int of)
{
    struct gx_contact *c = contact(net, i, of);

    gx_arena_reset(&eng(net, i)->arena);
    c->row.mine = c->row.theirs = 0;
    assert_true(gx_card_found(eng(net, i), c));
    keep_and_restart(net, i);
}

static inline struct net_link *link_of(struct net *net, int a, int b, int *side_of_b)
{
    for (int i = 0; i < NET_LINKS; i++)
        for (*side_of_b = 0; *side_of_b < 2; ++*side_of_b)
            if (net->link[i].open && net->link[i].node[*side_of_b] == b && net->link[i].node[!*side_of_b] == a)
                return &net->link[i];
    return NULL;
}

/* The session of `to` with `from`; NULL: none. */
static inline struct gx_session *session_of(struct net *net, int from, int to)
{
    int side = 0;
    struct net_link *l = link_of(net, from, to, &side);

    return l == NULL ? NULL : gx_session_find(eng(net, to), l->session[side]);
}

static inline void inject(struct net *net, int from, int to, const struct gx_wr *w)
{
    struct gx_session *s = session_of(net, from, to);

    if (s == NULL) {
        fail_msg("n%d and n%d are not connected", from, to);
        abort();
    }
    assert_false(w->failed);
    net_push(net, to, (struct gx_input){.kind = GX_IN_FRAME, .session = s->id}, gx_wr_span(w));
    net_settle(net);
}

/* --- strangers --- */

#define GHOST (NET_NODES - 1)           /* in the net's tables; no engine is started for it */
#define GHOSTS_MAX 40

/* A person without an engine: a card, and a membership that it would join or founded a chat with. */
struct ghost {
    struct net *net;
    int with;
    gx_session_id session;
    struct gx_transcript transcript;
    struct gx_person person;
    struct gx_dh_sk card_sk, prekey_sk;
    struct gx_intro intro;
    struct gx_sign_sk device_sk;
    struct gx_event create;
    uint8_t create_body[512], create_bytes[GX_CREATE_EVENT_BYTES];
    struct gx_endpoint endpoint;
    /* what it was told */
    unsigned frames, chunks, heads, denied, endpoints, baselines, byes, refused;
    uint8_t bye, deny;
    size_t bytes;
    uint16_t channel;           /* of the last HEADS */
};

static struct ghost *ghosts[GHOSTS_MAX];
static int n_ghosts;

static inline bool ghosts_hear(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;
    struct ghost *g = NULL;

    if (to != GHOST)
        return !net->cut[from][to];
    /* Who hears is who spoke last: ghosts speak one after the other. */
    g = n_ghosts == 0 ? NULL : ghosts[n_ghosts - 1];
    if (g == NULL || gx_frame_decode(&f, bytes) != GX_OK)
        return false;
    g->frames++;
    g->bytes += bytes.n;
    if (f.kind == GX_FRAME_HELLO)
        g->transcript.server_nonce = f.nonce;
    g->heads += f.kind == GX_FRAME_HEADS;
    if (f.kind == GX_FRAME_HEADS)
        g->channel = f.channel;
    g->denied += f.kind == GX_FRAME_DENIED;
    g->chunks += f.kind == GX_FRAME_CHUNKS;
    g->endpoints += f.kind == GX_FRAME_ENDPOINTS;
    g->baselines += f.kind == GX_FRAME_BASELINE;
    g->refused += f.kind == GX_FRAME_REFUSED;
    if (f.kind == GX_FRAME_BYE) {
        g->byes++;
        g->bye = f.reason;
    }
    if (f.kind == GX_FRAME_REFUSED || f.kind == GX_FRAME_DENIED)
        g->deny = f.reason;
    return false;
}

static inline void ghost_person(struct ghost *g, uint8_t number)
{
    struct gx_recovery rec = {{number, 1}};
    struct gx_device_seed seed = {{number, 2}};
    struct gx_incarnation_secret inc = {{number, 3}};
    struct gx_dh_sk e = {{number, 4}};
    struct gx_dh_pk prekey;
    struct gx_sign_pk pk;

    g->card_sk = (struct gx_dh_sk){{number, 5}};
    g->prekey_sk = (struct gx_dh_sk){{number, 6}};
    gx_person_make(&g->person, &rec, &g->card_sk, 1);
    gx_dh_public(&prekey, &g->prekey_sk);
    gx_intro_make(&g->intro, &e, &g->person.recovery, &seed, &inc, &prekey);
    gx_device_key(&pk, &g->device_sk, &seed, &g->intro.e);
}

/* CREATE of a chat of that kind, and the place of its founder. */
static inline void ghost_founds(struct ghost *g, uint8_t kind, bool its_own_log, uint64_t tick)
{
    struct gx_body body = {.type = GX_EV_CREATE};
    struct gx_wr w = gx_wr(g->create_body, sizeof g->create_body), c = gx_wr(g->create_bytes, sizeof g->create_bytes);
    uint8_t bytes[GX_ENDPOINT_SIGNED_MAX];
    struct gx_group_id id;

    body.u.create = (struct gx_body_create){.rules = {.rule_version = GX_RULE_VERSION, .kind = kind, .cap = 2}, .founder = g->intro};
    gx_body_encode(&w, &body);
    g->create = (struct gx_event){.ver = GX_EVENT_VERSION, .type = GX_EV_CREATE, .seq = 1, .tick = tick, .body = gx_wr_span(&w)};
    gx_log_id_make(&g->create.log, &g->intro.member, &g->intro.device, &g->intro.incarnation, GX_LOG_CONTROL);
    g->create.log.b[0] ^= its_own_log ? 0 : 0x55;
    gx_event_seal(&g->create, &g->device_sk);
    gx_event_encode(&c, &g->create);
    assert_false(c.failed);
    memcpy(id.b, g->create.id.b, sizeof id.b);
    g->endpoint = (struct gx_endpoint){.device = g->intro.device, .counter = 1, .n_addrs = 1, .addrs = {net_addr(9)}};
    memset(&g->endpoint.transport, 0x66, sizeof g->endpoint.transport);
    gx_sign(&g->endpoint.sig, &g->device_sk, GX_DOMAIN_ENDPOINT, gx_span(bytes, gx_endpoint_signed_bytes(bytes, &g->endpoint, &id)));
}

static inline void ghost_says(struct ghost *g, const struct gx_wr *w)
{
    assert_false(w->failed);
    net_push(g->net, g->with, (struct gx_input){.kind = GX_IN_FRAME, .session = g->session}, gx_wr_span(w));
    net_settle(g->net);
}

static inline struct ghost *ghost_new(struct net *net, uint8_t number)
{
    struct ghost *g = calloc(1, sizeof *g);

    assert_true(n_ghosts < GHOSTS_MAX);
    g->net = net;
    ghosts[n_ghosts++] = g;
    ghost_person(g, number);
    return g;
}

static inline void ghosts_free(void)
{
    while (n_ghosts > 0)
        free(ghosts[--n_ghosts]);
}

/* It comes to a door of node `to`: 0 the members', else that of the card. */
static inline void ghost_comes(struct ghost *g, int to, uint32_t door, bool says_hello)
{
    struct net *net = g->net;
    struct net_link *l = &net->link[NET_LINKS - n_ghosts];
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_curve_sk sk;

    g->with = to;
    g->session = net->node[to].next_inbound;
    net->node[to].next_inbound += 2;
    assert_false(l->open);
    *l = (struct net_link){.open = true, .node = {GHOST, to}, .session = {g->session, g->session}};
    net->pass = ghosts_hear;
    memset(&g->transcript.client_key, 0x33, 32);
    g->transcript.client_key.b[0] = (uint8_t)n_ghosts;
    memcpy(g->transcript.client_key.b + 1, &g->session, sizeof g->session);
    memset(&g->transcript.client_nonce, 0x44, sizeof g->transcript.client_nonce);
    if (door == 0)
        g->transcript.server_key = net->node[to].config.transport_pk;
    else
        gx_card_door_keys(eng(net, to), &g->transcript.server_key, &sk);
    net_push(net, to, (struct gx_input){.kind = GX_IN_SESSION_UP, .session = g->session, .inbound = true, .door = door,
             .peer_key = g->transcript.client_key, .own_key = g->transcript.server_key, .peer_addr = net_addr(9)}, gx_span(NULL, 0));
    net_settle(net);
    if (!says_hello)
        return;
    gx_frame_write_hello(&w, &g->transcript.client_nonce);
    ghost_says(g, &w);
}

static inline void ghost_comes_to_card(struct ghost *g, int to)
{
    ghost_comes(g, to, eng(g->net, to)->people.door.number, true);
}

/* GUEST with device d, by the card of node `of`. */
static inline void ghost_guest(struct ghost *g, int of, const struct gx_sign_pk *d)
{
    uint8_t frame[128], bytes[GX_GUEST_SIGNED_BYTES];
    struct gx_wr w = gx_wr(frame, sizeof frame);
    struct gx_token_seed seed;
    struct gx_token_keys keys;
    struct gx_sig sig;

    gx_card_seed(&seed, &g->net->node[of].config.card_sk, g->net->node[of].config.person.card_serial);
    gx_token_keys_make(&keys, &seed, g->net->node[of].config.person.id.b);
    gx_guest_signed_bytes(bytes, d, &g->transcript);
    gx_sign(&sig, &keys.sk, GX_DOMAIN_GUEST, gx_span(bytes, sizeof bytes));
    gx_frame_write_guest(&w, d, &sig);
    ghost_says(g, &w);
}

static inline void ghost_card_frame(struct ghost *g, struct gx_frame *f, const char *name)
{
    struct gx_group_id id;

    memcpy(id.b, g->create.id.b, sizeof id.b);
    *f = (struct gx_frame){.kind = GX_FRAME_CARD, .name = gx_span(name, strlen(name)), .create = gx_span(g->create_bytes, sizeof g->create_bytes),
                           .endpoint = g->endpoint};
    gx_card_of(&f->card, &g->person);
    assert_true(gx_reveal_make(&f->mac, &g->card_sk, &g->prekey_sk, &g->net->node[g->with].config.person.card, id.b, &g->intro.member));
}

static inline void ghost_card(struct ghost *g, const struct gx_frame *f)
{
    uint8_t bytes[2048];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_frame_write_card(&w, f);
    ghost_says(g, &w);
}

/* As an honest guest would. */
static inline void ghost_knocks(struct ghost *g, int to, const char *name)
{
    struct gx_frame f;

    ghost_comes_to_card(g, to);
    ghost_guest(g, to, &g->intro.device);
    ghost_card_frame(g, &f, name);
    ghost_card(g, &f);
}

/* At the members' door: it knows CREATE of a group, offers its tag and proves its own device. */
static inline void ghost_proves(struct ghost *g, int to, const struct gx_group *of)
{
    uint8_t bytes[2048], proof_bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list;
    struct gx_proof proof = {.channel = 5, .device = g->intro.device};

    ghost_comes(g, to, 0, true);
    gx_gate_tag(&proof.tag, &of->gate_zero, GX_ROLE_CLIENT, &g->transcript);
    list = gx_frame_begin_tags(&w);
    gx_frame_put_tag(&w, &list, &proof.tag);
    gx_frame_end(&w, &list);
    ghost_says(g, &w);
    w = gx_wr(bytes, sizeof bytes);
    list = gx_frame_begin_proof(&w);
    gx_proof_signed_bytes(proof_bytes, &of->row.id, GX_ROLE_CLIENT, &g->transcript);
    gx_sign(&proof.sig, &g->device_sk, GX_DOMAIN_SESSION, gx_span(proof_bytes, sizeof proof_bytes));
    gx_frame_put_proof(&w, &list, &proof);
    gx_frame_end(&w, &list);
    ghost_says(g, &w);
    g->channel = 5;
}

/* A join request of the ghost's own membership, to that inviter. */
static inline void ghost_request(struct ghost *g, struct gx_join_request *req, const struct gx_group *of, const struct gx_sign_pk *inviter)
{
    uint8_t bytes[GX_JOIN_REQUEST_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    *req = (struct gx_join_request){.group = of->row.id, .via = GX_VIA_INV, .inviter = *inviter, .joiner = g->intro};
    gx_join_request_write_signed(&w, req);
    gx_sign(&req->device_sig, &g->device_sk, GX_DOMAIN_JOIN, gx_wr_span(&w));
}

/* ASK as the person of card_sk. */
static inline void ghost_ask(struct ghost *g, struct gx_wr *w, const struct gx_group *of, const struct gx_sign_pk *inviter, const struct gx_dh_sk *card_sk)
{
    struct gx_join_request req;
    struct gx_reveal mac;

    ghost_request(g, &req, of, inviter);
    assert_true(gx_reveal_make(&mac, card_sk, &g->prekey_sk, &g->net->node[g->with].config.person.card, of->row.id.b, &g->intro.member));
    gx_frame_write_ask(w, g->channel, &mac, &req);
}

/* So many frames more come through, and none after them. */
static unsigned left_to_say;

static inline bool until_then(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)bytes;
    if (left_to_say == 0)
        return false;
    left_to_say--;
    return !net->cut[from][to];
}

#endif
