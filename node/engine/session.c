/* Sessions between members: hello, tags, proofs.  WIRE §6.1.  What a shared group then says is repair.c's. */
#include "node/engine/internal.h"
#include <stdlib.h>

#define STRIKES_MAX 3u          /* wrong things that one side may send before it is cut */

/* --- the table ---------------------------------------------------------------------------------------------------------------------- */

static void id_key(uint8_t key[32], gx_session_id id)
{
    memset(key, 0, 32);
    memcpy(key, &id, sizeof id);
}

struct gx_session *gx_session_find(struct gx_engine *e, gx_session_id id)
{
    uint8_t key[32];
    uint32_t at = 0;

    id_key(key, id);
    at = gx_idmap_get(&e->session_by_id, key);
    return at == GX_NONE ? NULL : e->sessions[at];
}

struct gx_session *gx_session_new(struct gx_engine *e, gx_session_id id, enum gx_session_kind kind, bool inbound)
{
    uint8_t key[32];
    struct gx_session *s = NULL;

    if (e->n_sessions >= GX_SESSIONS_MAX) {
        gx_engine_drop(e, "sessions_full");
        return NULL;
    }
    if (e->n_sessions == e->cap_sessions) {
        uint32_t cap = e->cap_sessions == 0 ? 16 : e->cap_sessions * 2;
        struct gx_session **more = realloc(e->sessions, cap * sizeof(struct gx_session *));

        if (more == NULL) {
            gx_engine_ok(e, GX_E_MEMORY);
            return NULL;
        }
        e->sessions = more;
        e->cap_sessions = cap;
    }
    id_key(key, id);
    s = calloc(1, sizeof *s);
    if (s == NULL || gx_idmap_put(&e->session_by_id, key, e->n_sessions) != GX_OK) {
        free(s);
        gx_engine_ok(e, GX_E_MEMORY);
        return NULL;
    }
    s->id = id;
    s->kind = kind;
    s->inbound = inbound;
    s->since_ms = s->heard_ms = e->now.mono_ms;
    s->deadline_ms = e->now.mono_ms + (kind == GX_SESSION_DOOR ? GX_GUEST_MS_MAX : GX_HANDSHAKE_MS);
    gx_engine_wake(e, s->deadline_ms);
    e->sessions[e->n_sessions++] = s;
    return s;
}

static void session_free(struct gx_session *s)
{
    for (uint32_t i = 0; i < s->n_channels; i++)
        free(s->channels[i].their);
    free(s->channels);
    gx_wipe(s, sizeof *s);
    free(s);
}

void gx_sessions_reap(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_sessions;) {
        struct gx_session *s = e->sessions[i];
        uint8_t key[32];

        if (!s->closed) {
            i++;
            continue;
        }
        id_key(key, s->id);
        gx_idmap_del(&e->session_by_id, key);
        e->sessions[i] = e->sessions[--e->n_sessions];
        if (i < e->n_sessions) {
            id_key(key, e->sessions[i]->id);
            gx_idmap_del(&e->session_by_id, key);
            if (gx_idmap_put(&e->session_by_id, key, i) != GX_OK)
                gx_engine_ok(e, GX_E_MEMORY);
        }
        session_free(s);
    }
}

void gx_sessions_free(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_sessions; i++)
        session_free(e->sessions[i]);
    free(e->sessions);
    e->sessions = NULL;
    e->n_sessions = e->cap_sessions = 0;
}

/* What ends with a session, however it ends. */
static void gone(struct gx_engine *e, struct gx_session *s)
{
    if (s->closed)
        return;
    s->closed = true;
    gx_repair_session_gone(e, s);
    gx_targets_down(e, s);
    if (s->kind == GX_SESSION_GUEST)
        gx_guest_gone(e, s);
}

void gx_session_close(struct gx_engine *e, struct gx_session *s, enum gx_bye why)
{
    if (s->closed)
        return;
    if (s->state != GX_SESSION_CONNECTING) {
        struct gx_wr w = gx_engine_wr(e, 2);

        gx_frame_write_reason(&w, GX_FRAME_BYE, (uint8_t)why);
        gx_engine_send(e, s, &w);
    }
    gx_engine_effect(e, GX_OUT_DISCONNECT)->session = s->id;
    gone(e, s);
}

void gx_sessions_close_all(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        if (!e->sessions[i]->closed)
            gx_engine_effect(e, GX_OUT_DISCONNECT)->session = e->sessions[i]->id;
        e->sessions[i]->closed = true;
    }
    for (uint32_t i = 0; i < e->n_targets; i++)
        e->targets[i].session = 0;
}

void gx_session_strike(struct gx_engine *e, struct gx_session *s, const char *why)
{
    gx_engine_drop(e, why);
    if (s != NULL && ++s->strikes >= STRIKES_MAX)
        gx_session_close(e, s, GX_BYE_MALFORMED);
}

/* --- channels ------------------------------------------------------------------------------------------------------------------------ */

struct gx_channel *gx_session_channel(struct gx_session *s, uint16_t number)
{
    for (uint32_t i = 0; i < s->n_channels; i++)
        if (s->channels[i].number == number)
            return &s->channels[i];
    return NULL;
}

struct gx_channel *gx_session_channel_of(struct gx_session *s, uint32_t gnum)
{
    for (uint32_t i = 0; i < s->n_channels; i++)
        if (s->channels[i].group == gnum)
            return &s->channels[i];
    return NULL;
}

bool gx_channel_shared(const struct gx_channel *c)
{
    return c->mine && c->theirs;
}

static struct gx_channel *channel_add(struct gx_engine *e, struct gx_session *s, uint32_t gnum, uint16_t number)
{
    if (s->n_channels >= GX_FRAME_GROUPS_MAX)
        return NULL;
    if (s->n_channels == s->cap_channels) {
        uint32_t cap = s->cap_channels == 0 ? 4 : s->cap_channels * 2;
        struct gx_channel *more = realloc(s->channels, cap * sizeof *more);

        if (more == NULL) {
            gx_engine_ok(e, GX_E_MEMORY);
            return NULL;
        }
        s->channels = more;
        s->cap_channels = cap;
    }
    s->channels[s->n_channels] = (struct gx_channel){.number = number, .group = gnum};
    return &s->channels[s->n_channels++];
}

uint32_t gx_sessions_peers(const struct gx_engine *e)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        bool shared = false;

        for (uint32_t k = 0; k < e->sessions[i]->n_channels && !e->sessions[i]->closed; k++)
            shared |= gx_channel_shared(&e->sessions[i]->channels[k]);
        n += shared;
    }
    return n;
}

/* --- hello and tags --------------------------------------------------------------------------------------------------------------------- */

static enum gx_role my_role(const struct gx_session *s)
{
    return s->inbound ? GX_ROLE_SERVER : GX_ROLE_CLIENT;
}

static enum gx_role their_role(const struct gx_session *s)
{
    return s->inbound ? GX_ROLE_CLIENT : GX_ROLE_SERVER;
}

static void send_hello(struct gx_engine *e, struct gx_session *s)
{
    struct gx_wr w = gx_engine_wr(e, 64);
    struct gx_nonce *mine = s->inbound ? &s->transcript.server_nonce : &s->transcript.client_nonce;

    gx_rng_fill(e->config.rng, mine->b, sizeof mine->b);
    gx_frame_write_hello(&w, mine);
    gx_engine_send(e, s, &w);
}

/* Tags of all groups this node takes part in; the server names only those it recognised. */
static void send_tags(struct gx_engine *e, struct gx_session *s, const struct gx_frame *theirs)
{
    struct gx_wr w = gx_engine_wr(e, 8 + sizeof(struct gx_tag) * (GX_GROUPS_MAX + GX_FRAME_TAGS_PAD));
    struct gx_frame_list list = gx_frame_begin_tags(&w);
    struct gx_tag tag;
    uint32_t known = 0;

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        bool match = theirs == NULL;

        if (!gx_group_active(g))
            continue;
        gx_gate_tag(&tag, &g->gate, their_role(s), &s->transcript);
        for (size_t k = 0; theirs != NULL && k < theirs->n && !match; k++) {
            struct gx_tag other = gx_frame_tag_at(theirs, k);

            match = gx_equal_ct(tag.b, other.b, sizeof tag.b);
        }
        if (!match)
            continue;
        gx_gate_tag(&tag, &g->gate, my_role(s), &s->transcript);
        gx_frame_put_tag(&w, &list, &tag);
        known++;
    }
    if (theirs != NULL && known == 0) {
        gx_engine_drop(e, "stranger");
        gx_session_close(e, s, GX_BYE_DONE);
        return;
    }
    while (list.n % GX_FRAME_TAGS_PAD != 0 || list.n == 0) {
        gx_rng_fill(e->config.rng, tag.b, sizeof tag.b);
        gx_frame_put_tag(&w, &list, &tag);
    }
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    s->has_tags = true;
}

static void send_proof(struct gx_engine *e, struct gx_session *s, struct gx_wr *w, struct gx_frame_list *list, struct gx_group *g, uint16_t channel)
{
    struct gx_proof proof = {.channel = channel};
    uint8_t bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_sign_sk sk;

    gx_gate_tag(&proof.tag, &g->gate, my_role(s), &s->transcript);
    gx_author_device_key(e, g, &proof.device, &sk);
    gx_proof_signed_bytes(bytes, &g->row.id, my_role(s), &s->transcript);
    gx_sign(&proof.sig, &sk, GX_DOMAIN_SESSION, gx_span(bytes, sizeof bytes));
    gx_wipe(&sk, sizeof sk);
    gx_frame_put_proof(w, list, &proof);
}

static void send_one_proof(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    struct gx_wr w = gx_engine_wr(e, 8 + GX_PROOF_BYTES);
    struct gx_frame_list list = gx_frame_begin_proof(&w);

    send_proof(e, s, &w, &list, g, c->number);
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    c->mine = true;
}

static uint16_t free_channel(struct gx_session *s)
{
    uint16_t number = 0;

    while (gx_session_channel(s, number) != NULL)
        number++;
    return number;
}

/* The server's tags: prove what both know. */
static void tags_as_client(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_wr w = gx_engine_wr(e, 8 + GX_PROOF_BYTES * GX_GROUPS_MAX);
    struct gx_frame_list list = gx_frame_begin_proof(&w);

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        struct gx_tag tag;
        bool match = false;
        struct gx_channel *c = NULL;

        if (!gx_group_active(g) || gx_session_channel_of(s, g->row.gnum) != NULL)
            continue;
        gx_gate_tag(&tag, &g->gate, GX_ROLE_SERVER, &s->transcript);
        for (size_t k = 0; k < f->n && !match; k++) {
            struct gx_tag other = gx_frame_tag_at(f, k);

            match = gx_equal_ct(tag.b, other.b, sizeof tag.b);
        }
        if (!match || (c = channel_add(e, s, g->row.gnum, free_channel(s))) == NULL)
            continue;
        send_proof(e, s, &w, &list, g, c->number);
        c->mine = true;
    }
    if (list.n == 0)
        return;
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
}

/* --- proofs ----------------------------------------------------------------------------------------------------------------------------- */

static struct gx_group *group_of_tag(struct gx_engine *e, struct gx_session *s, const struct gx_tag *tag)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_tag mine;

        if (!gx_group_active(e->groups[i]))
            continue;
        gx_gate_tag(&mine, &e->groups[i]->gate, their_role(s), &s->transcript);
        if (gx_equal_ct(mine.b, tag->b, sizeof mine.b))
            return e->groups[i];
    }
    return NULL;
}

static void take_proof(struct gx_engine *e, struct gx_session *s, const struct gx_proof *proof)
{
    struct gx_group *g = group_of_tag(e, s, &proof->tag);
    uint8_t bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_job *job = NULL;

    if (g == NULL) {
        gx_engine_drop(e, "unknown_group");
        return;
    }
    job = gx_job_new(e, GX_JOB_PROOF, s, g->row.gnum, gx_span(NULL, 0));
    if (job == NULL)
        return;
    job->proof = *proof;
    gx_proof_signed_bytes(bytes, &g->row.id, their_role(s), &s->transcript);
    gx_job_verify(e, job, GX_DOMAIN_SESSION, &proof->device, gx_span(bytes, sizeof bytes), &proof->sig);
    gx_job_begin(e, job);
}

static void send_heads(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    uint32_t heads[GX_EVENT_DEPS_MAX];
    uint32_t n = gx_group_heads(e, g, heads, GX_EVENT_DEPS_MAX);
    struct gx_wr w = gx_engine_wr(e, 16 + 32u * (size_t)n);
    struct gx_frame_list list = gx_frame_begin_heads(&w, c->number);

    for (uint32_t i = 0; i < n; i++)
        gx_frame_put_id(&w, &list, &g->law.ops[heads[i]].id);
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    c->asked_heads = true;
}

/* The other side proved its device: serve it, or ask it to show by what right. */
static void settle_channel(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    bool was_shared = gx_channel_shared(c);

    gx_group_settle(e, g);
    if (gx_group_live(g, &c->device)) {
        c->theirs = true;
        c->unknown = false;
    } else {
        c->theirs = false;
        c->unknown = true;
        if (!c->asked_heads) {
            send_heads(e, s, g, c);
            s->deadline_ms = s->deadline_ms == 0 ? 0 : e->now.mono_ms + GX_STRANGER_MS;
        }
        return;
    }
    if (s->inbound && !c->mine)
        send_one_proof(e, s, g, c);
    if (!was_shared && gx_channel_shared(c)) {
        s->deadline_ms = 0;
        gx_targets_up(e, s);
        /* The client speaks first: what a server sent now would come in before the client has verified its proof.  WIRE §6.1 */
        if (!s->inbound)
            gx_repair_start(e, s, c);
    }
}

void gx_session_proved(struct gx_engine *e, struct gx_job *job)
{
    struct gx_session *s = gx_session_find(e, job->session);
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    struct gx_channel *c = NULL;

    if (s == NULL || s->closed || g == NULL)
        return;
    if (job->failed) {
        gx_session_strike(e, s, gx_err_name(GX_E_SIGNATURE));
        return;
    }
    c = gx_session_channel_of(s, g->row.gnum);
    if (c == NULL && s->inbound && gx_session_channel(s, job->proof.channel) == NULL)
        c = channel_add(e, s, g->row.gnum, job->proof.channel);
    if (c == NULL || c->number != job->proof.channel || gx_sign_pk_equal(&job->proof.device, &g->row.intro.device)) {
        gx_session_strike(e, s, "proof_place");
        return;
    }
    c->device = job->proof.device;
    settle_channel(e, s, g, c);
}

void gx_sessions_recheck(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];
        struct gx_channel *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);

        if (c == NULL)
            continue;
        if (c->unknown && gx_group_live(g, &c->device))
            settle_channel(e, s, g, c);
        else if (c->theirs && !gx_group_live(g, &c->device)) {
            c->theirs = false;          /* left: what comes from here on is not theirs to read */
            if (s->n_channels == 1)
                gx_session_close(e, s, GX_BYE_DONE);
        }
    }
}

void gx_sessions_new_group(struct gx_engine *e, struct gx_group *g)
{
    (void)g;
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];

        if (s->closed || s->kind != GX_SESSION_MEMBER || s->state != GX_SESSION_OPEN)
            continue;
        if (!s->inbound) {
            send_tags(e, s, NULL);
        } else {
            struct gx_wr w = gx_engine_wr(e, 4);

            gx_frame_write_simple(&w, GX_FRAME_AGAIN);
            gx_engine_send(e, s, &w);
        }
    }
}

/* --- inputs ---------------------------------------------------------------------------------------------------------------------------- */

void gx_session_up(struct gx_engine *e, const struct gx_input *in)
{
    struct gx_session *s = gx_session_find(e, in->session);

    if (s == NULL && in->inbound) {
        struct gx_door *door = in->door == 0 ? NULL : gx_doors_by_number(e, in->door);

        if (in->door != 0 && door == NULL)
            gx_engine_drop(e, "door_closed");
        else
            s = gx_session_new(e, in->session, in->door == 0 ? GX_SESSION_MEMBER : GX_SESSION_DOOR, true);
        if (s != NULL && door != NULL) {
            s->door = door->number;
            s->group = door->group;
            s->token = door->token;
        }
    }
    if (s == NULL) {
        gx_engine_effect(e, GX_OUT_DISCONNECT)->session = in->session;
        return;
    }
    s->state = GX_SESSION_HELLO;
    s->peer_key = in->peer_key;
    s->heard_ms = e->now.mono_ms;
    if (in->peer_addr.family != 0)
        s->addr = in->peer_addr;
    if (s->inbound) {
        s->transcript.client_key = in->peer_key;
        if (s->kind == GX_SESSION_MEMBER) {
            s->transcript.server_key = e->config.transport_pk;
        } else {
            struct gx_curve_sk sk;
            struct gx_group *g = gx_group_by_gnum(e, s->group);
            uint32_t op = g == NULL ? GX_NONE : gx_group_op(g, &s->token);
            const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);

            if (info != NULL)
                gx_door_keys_make(&s->transcript.server_key, &sk, &info->lan);
            gx_wipe(&sk, sizeof sk);
        }
        return;
    }
    s->transcript.server_key = in->peer_key;
    if (s->kind == GX_SESSION_MEMBER)
        s->transcript.client_key = e->config.transport_pk;      /* a guest's key was noted when it connected */
    send_hello(e, s);
}

void gx_session_down(struct gx_engine *e, gx_session_id id)
{
    struct gx_session *s = gx_session_find(e, id);

    if (s != NULL)
        gone(e, s);
}

static void take_hello(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    if (s->state != GX_SESSION_HELLO) {
        gx_session_strike(e, s, "hello_again");
        return;
    }
    s->state = GX_SESSION_OPEN;
    if (s->inbound) {
        s->transcript.client_nonce = f->nonce;
        send_hello(e, s);
    } else {
        s->transcript.server_nonce = f->nonce;
        s->rtt_ms = (uint32_t)(e->now.mono_ms - s->heard_ms);
    }
    if (s->kind == GX_SESSION_GUEST)
        gx_guest_up(e, s);
    else if (s->kind == GX_SESSION_MEMBER && !gx_targets_settle(e, s) && !s->inbound)
        send_tags(e, s, NULL);
}

static void take_member_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_channel *c = gx_session_channel(s, f->channel);
    struct gx_group *g = c == NULL ? NULL : gx_group_by_gnum(e, c->group);

    if (g == NULL) {
        gx_engine_drop(e, "channel");
        return;
    }
    if (f->kind == GX_FRAME_HEADS) {
        /* A client came by a signed endpoint record: CURVE proved whose node this is.  A server shows itself to proven members only. */
        if (!c->mine || (s->inbound && !c->theirs))
            gx_engine_drop(e, "channel");
        else
            gx_repair_send_missing(e, s, g, c, f);
        return;
    }
    if (f->kind == GX_FRAME_CHUNKS && c->unknown && c->asked_heads) {
        s->bytes += f->list.n;
        if (s->bytes > GX_STEP_BYTES_MAX * 4ull)
            gx_session_close(e, s, GX_BYE_LIMIT);
        else
            gx_repair_chunks(e, s, c, f);
        return;
    }
    if (!gx_channel_shared(c)) {
        gx_engine_drop(e, "not_shared");
        return;
    }
    if (!c->started)
        gx_repair_start(e, s, c);
    if (f->kind == GX_FRAME_FRONTIER)
        gx_repair_frontier(e, s, c, f);
    else if (f->kind == GX_FRAME_WANT)
        gx_repair_want(e, s, c, f);
    else if (f->kind == GX_FRAME_CHUNKS)
        gx_repair_chunks(e, s, c, f);
    else
        gx_repair_take_endpoints(e, s, g, f);
}

static void take_member(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    switch ((enum gx_frame_kind)f->kind) {
    case GX_FRAME_TAGS:
        if (s->inbound)
            send_tags(e, s, f);
        else
            tags_as_client(e, s, f);
        break;
    case GX_FRAME_PROOF:
        for (size_t i = 0; i < f->n; i++) {
            struct gx_proof proof = gx_frame_proof_at(f, i);

            take_proof(e, s, &proof);
        }
        break;
    case GX_FRAME_AGAIN:
        if (!s->inbound)
            send_tags(e, s, NULL);
        break;
    case GX_FRAME_HEADS:
    case GX_FRAME_FRONTIER:
    case GX_FRAME_WANT:
    case GX_FRAME_CHUNKS:
    case GX_FRAME_ENDPOINTS:
        take_member_frame(e, s, f);
        break;
    case GX_FRAME_HELLO:
    case GX_FRAME_GUEST:
    case GX_FRAME_PATH:
    case GX_FRAME_JOIN:
    case GX_FRAME_ADMITTED:
    case GX_FRAME_REFUSED:
    case GX_FRAME_BASELINE:
    case GX_FRAME_BYE:
    case GX_FRAME_PING:
    case GX_FRAME_PONG:
        gx_session_strike(e, s, "unexpected_frame");
        break;
    }
}

static void take_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    if (f->kind == GX_FRAME_HELLO) {
        take_hello(e, s, f);
    } else if (f->kind == GX_FRAME_BYE) {
        gx_engine_effect(e, GX_OUT_DISCONNECT)->session = s->id;
        gone(e, s);
    } else if (s->state != GX_SESSION_OPEN) {
        gx_session_strike(e, s, "before_hello");
    } else if (f->kind == GX_FRAME_PING) {
        struct gx_wr w = gx_engine_wr(e, 16);

        gx_frame_write_echo(&w, GX_FRAME_PONG, f->echo);
        gx_engine_send(e, s, &w);
    } else if (f->kind == GX_FRAME_PONG) {
        if (f->echo == s->pinged_ms && s->pinged_ms != 0)
            s->rtt_ms = (uint32_t)(e->now.mono_ms - s->pinged_ms);
    } else if (s->kind == GX_SESSION_MEMBER) {
        take_member(e, s, f);
    } else if (s->kind == GX_SESSION_DOOR) {
        gx_door_frame(e, s, f);
    } else {
        gx_guest_frame(e, s, f);
    }
}

void gx_session_frame(struct gx_engine *e, const struct gx_input *in)
{
    struct gx_session *s = gx_session_find(e, in->session);
    struct gx_frame f;
    enum gx_err err = GX_OK;

    if (s == NULL || s->closed) {
        if (s == NULL)
            gx_engine_effect(e, GX_OUT_DISCONNECT)->session = in->session;
        return;
    }
    s->heard_ms = e->now.mono_ms;
    if (s->kind == GX_SESSION_DOOR && (s->bytes += in->bytes.n) > GX_GUEST_BYTES_MAX) {
        gx_engine_drop(e, "guest_bytes");
        gx_session_close(e, s, GX_BYE_LIMIT);
        return;
    }
    err = gx_frame_decode(&f, in->bytes);
    if (err == GX_E_VERSION) {
        gx_engine_drop(e, gx_err_name(err));
        gx_session_close(e, s, GX_BYE_VERSION);
    } else if (err != GX_OK) {
        gx_session_strike(e, s, gx_err_name(err));
    } else {
        take_frame(e, s, &f);
    }
}

void gx_sessions_timer(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];

        if (s->closed)
            continue;
        if (s->deadline_ms != 0 && e->now.mono_ms >= s->deadline_ms) {
            gx_engine_drop(e, s->kind == GX_SESSION_DOOR ? "guest_time" : "handshake_time");
            gx_session_close(e, s, GX_BYE_LIMIT);
            continue;
        }
        if (s->deadline_ms != 0) {
            gx_engine_wake(e, s->deadline_ms);
            continue;
        }
        if (e->now.mono_ms >= s->heard_ms + GX_SILENT_MS) {
            gx_session_close(e, s, GX_BYE_IDLE);
        } else if (e->now.mono_ms >= s->heard_ms + GX_PING_MS) {
            struct gx_wr w = gx_engine_wr(e, 16);

            if (s->pinged_ms <= s->heard_ms) {
                s->pinged_ms = e->now.mono_ms;
                gx_frame_write_echo(&w, GX_FRAME_PING, s->pinged_ms);
                gx_engine_send(e, s, &w);
            }
            gx_engine_wake(e, s->heard_ms + GX_SILENT_MS);
        } else {
            gx_engine_wake(e, s->heard_ms + GX_PING_MS);
        }
    }
}
