/* Into a group by invitation of a contact: its node is asked over a session, and lets in whom it expects.  WIRE §6.24. */
#include "node/engine/people.h"
#include "node/engine/sealing.h"

#define PACE_MS 10000u              /* of asking on one channel: each costs the checks of all who are expected */
#define AGAIN_MS 60000u             /* after a no that time may heal */

bool gx_group_asking(const struct gx_group *g)
{
    return g->row.state == GX_GROUP_JOINING && g->has_asked && g->has_create;
}

/* --- who asks ---------------------------------------------------------------------------------------------------------------------------- */

bool gx_create_decode(struct gx_event *ev, struct gx_body *body, struct gx_span bytes)
{
    const struct gx_intro *founder = &body->u.create.founder;
    struct gx_log_id log;

    if (gx_event_decode(ev, bytes) != GX_OK || ev->type != GX_EV_CREATE || gx_body_decode(body, ev) != GX_OK)
        return false;
    gx_log_id_make(&log, &founder->member, &founder->device, &founder->incarnation, GX_LOG_CONTROL);
    return gx_log_id_equal(&log, &ev->log);
}

bool gx_create_read(struct gx_event *ev, struct gx_body *body, struct gx_span bytes)
{
    const struct gx_intro *founder = &body->u.create.founder;
    uint8_t cert[96];

    if (!gx_create_decode(ev, body, bytes) || !gx_event_verify(ev, &founder->device))
        return false;
    gx_intro_cert_bytes(cert, founder);
    return gx_verify(&founder->member, GX_DOMAIN_DEVICE, gx_span(cert, sizeof cert), &founder->cert);
}

/* One that is being joined already, by asking or by a code: of this the beginning of the id is known. */
static struct gx_group *known(struct gx_engine *e, const struct gx_event *create)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (e->groups[i]->row.state == GX_GROUP_JOINING && memcmp(e->groups[i]->row.id.b, create->id.b, 16) == 0)
            return e->groups[i];
    return NULL;
}

struct gx_group *gx_ask_begin(struct gx_engine *e, const struct gx_event *create, const struct gx_asked_row *of)
{
    struct gx_group *g = known(e, create);
    struct gx_txn *txn = NULL;
    struct gx_body body;

    if (g == NULL && (g = gx_group_add(e, GX_GROUP_JOINING)) == NULL)
        return NULL;
    if (!g->has_create) {
        memcpy(g->row.id.b, create->id.b, sizeof g->row.id.b);
        if (gx_body_decode(&body, create) != GX_OK || gx_group_ingest(e, g, create, &body) != GX_OK || e->fault != GX_OK) {
            if (e->fault == GX_OK)
                gx_group_drop(e, g);
            return NULL;
        }
        gx_group_settle(e, g);
    }
    txn = gx_engine_txn(e, true);
    if (txn == NULL || !gx_engine_ok(e, gx_asked_put(txn, g->row.gnum, of)))
        return NULL;
    g->asked_of = *of;
    g->has_asked = true;
    g->asked_again_ms = 0;
    return g;
}

static bool make_request(struct gx_engine *e, struct gx_group *g, struct gx_join_request *req)
{
    uint32_t heads[GX_EVENT_DEPS_MAX], n = gx_group_heads(e, g, heads, GX_EVENT_DEPS_MAX);
    uint8_t *ids = gx_arena_take(&e->arena, 32u * (size_t)n + 1), bytes[GX_JOIN_REQUEST_MAX];
    struct gx_wr signed_part = gx_wr(bytes, sizeof bytes);
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    if (ids == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    for (uint32_t i = 0; i < n; i++)
        memcpy(ids + 32u * (size_t)i, g->law.nodes[heads[i]].op.id.b, 32);
    *req = (struct gx_join_request){.group = g->row.id, .via = GX_VIA_INV, .inviter = g->asked_of.inviter, .n_heads = (uint8_t)n, .heads = ids,
                                    .joiner = g->row.intro};
    gx_join_request_write_signed(&signed_part, req);
    gx_author_device_key(e, g, &pk, &sk);
    gx_sign(&req->device_sig, &sk, GX_DOMAIN_JOIN, gx_wr_span(&signed_part));
    gx_wipe(&sk, sizeof sk);
    return true;
}

/* Is it their node?  CURVE proved whose transport key that is, and a record that their device signed in our chat names it. */
static bool is_node_of(struct gx_engine *e, const struct gx_session *s, const struct gx_contact *c)
{
    const uint32_t chats[] = {c->row.mine, c->row.theirs};

    for (size_t i = 0; i < GX_ARRAY_LEN(chats); i++) {
        const struct gx_group *chat = chats[i] == 0 ? NULL : gx_group_by_gnum(e, chats[i]);

        for (uint32_t k = 0; chat != NULL && k < chat->n_endpoints; k++)
            if (memcmp(&chat->endpoints[k].transport, &s->peer_key, sizeof s->peer_key) == 0 && gx_group_live(chat, &chat->endpoints[k].device))
                return true;
    }
    return false;
}

bool gx_ask_is_for(struct gx_engine *e, const struct gx_session *s, const struct gx_group *g)
{
    const struct gx_contact *who = gx_group_asking(g) ? gx_contact_by_id(e, &g->asked_of.contact) : NULL;

    return who != NULL && gx_contact_wanted(who) && is_node_of(e, s, who);
}

void gx_ask_send(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c)
{
    const struct gx_contact *who = gx_contact_by_id(e, &g->asked_of.contact);
    struct gx_wr w = gx_engine_wr(e, GX_JOIN_REQUEST_MAX + 64);
    struct gx_join_request req;
    struct gx_reveal mac;

    if (c->asked || !gx_ask_is_for(e, s, g))
        return;
    if (!gx_reveal_make(&mac, &e->config.card_sk, &g->row.prekey_sk, &who->row.card.key, g->row.id.b, &g->row.intro.member) || !make_request(e, g, &req))
        return;
    c->asked = true;
    g->join_given = false;              /* what another one gave may have ended half way */
    g->n_collected = 0;
    g->asked_again_ms = e->now.mono_ms + AGAIN_MS;
    gx_engine_wake(e, g->asked_again_ms);
    gx_frame_write_ask(&w, c->number, &mac, &req);
    gx_engine_send(e, s, &w);
    if (s->deadline_ms != 0) {
        gx_session_deadline(e, s, e->now.mono_ms + GX_STRANGER_MS);
    }
}

/* Those who said no for now are asked again. */
void gx_asks_timer(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        if (!gx_group_asking(g) || g->asked_again_ms == 0)
            continue;
        if (e->now.mono_ms < g->asked_again_ms) {
            gx_engine_wake(e, g->asked_again_ms);
            continue;
        }
        g->asked_again_ms = 0;
        for (uint32_t k = 0; k < e->n_sessions; k++) {
            struct gx_channel *c = e->sessions[k]->closed ? NULL : gx_session_channel_of(e->sessions[k], g->row.gnum);

            if (c == NULL)
                continue;
            c->asked = false;
            gx_ask_send(e, e->sessions[k], g, c);
        }
    }
}

/* Time may heal some: a seat comes free, the owner looks in.  The others are the end of it. */
static bool is_final(enum gx_deny deny)
{
    return deny != GX_DENY_FULL && deny != GX_DENY_QUOTA;
}

static void denied(struct gx_engine *e, struct gx_group *g, enum gx_deny deny)
{
    struct gx_contact *c = gx_contact_by_id(e, &g->asked_of.contact);

    gx_engine_log(e, "a group that a contact invited into cannot be joined: %s", gx_deny_text(deny));
    g->join_deny = deny;
    g->asked_again_ms = e->now.mono_ms + AGAIN_MS;
    gx_engine_wake(e, g->asked_again_ms);
    if (!is_final(deny))
        return;
    if (c != NULL)
        gx_watch_people(e, c, "denied", gx_deny_text(deny));
    if (c != NULL && gx_group_is_direct(g))
        gx_contact_set(e, c, (uint8_t)(c->row.flags | GX_CONTACT_REMOVED));     /* they do not want the chat any more */
    gx_group_drop(e, g);
}

void gx_ask_given(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_rd rd = gx_rd(f->list);

    (void)c;
    if (f->kind == GX_FRAME_DENIED) {
        denied(e, g, (enum gx_deny)f->reason);
    } else if (f->kind == GX_FRAME_CHUNKS) {
        for (size_t i = 0; i < f->n && !s->closed; i++)
            gx_jobs_chunk(e, s, g, gx_frame_chunk_next(&rd));
    } else if (f->kind == GX_FRAME_ENDPOINTS) {
        gx_endpoints_take(e, s, g, f);
    } else if (f->kind == GX_FRAME_KEYS) {
        gx_keys_given(e, g, f);
    } else {
        gx_guest_take_baseline(e, g, f);
    }
}

void gx_ask_done(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_ok(e, gx_asked_del(txn, g->row.gnum)))
        return;
    g->has_asked = false;

    const struct gx_law_op *seat = &g->law.nodes[gx_law_seat(&g->law, g->me)].op;

    /* That its node let me in shows that it is that member; that it said so does not. */
    if (!gx_group_is_direct(g) && !seat->qr && gx_sign_pk_equal(&g->law.persons[seat->author].member, &g->asked_of.inviter))
        gx_reveal_note(e, g, &g->asked_of.inviter, &g->asked_of.contact);
}

/* --- who is asked -------------------------------------------------------------------------------------------------------------------------- */

static void deny(struct gx_engine *e, struct gx_session *s, uint16_t channel, enum gx_deny why)
{
    struct gx_wr w = gx_engine_wr(e, 8);

    gx_engine_drop(e, "ask_denied");
    gx_frame_write_denied(&w, channel, (uint8_t)why);
    gx_engine_send(e, s, &w);
}

static bool is_by(const struct gx_engine *e, const struct gx_contact *c, const struct gx_group *g, const struct gx_frame *f,
                  const struct gx_join_request *req)
{
    return c != NULL && gx_contact_wanted(c) &&
           gx_reveal_check(&f->mac, &e->config.card_sk, &c->row.card.key, &req->joiner.prekey, g->row.id.b, &req->joiner.member);
}

/* Whom this node expects in g and who is proven to ask; NULL: nobody. */
static struct gx_contact *who_asks(struct gx_engine *e, const struct gx_group *g, const struct gx_frame *f, const struct gx_join_request *req)
{
    struct gx_contact *c = gx_group_contact(e, g);

    if (gx_group_is_direct(g))
        return is_by(e, c, g, f, req) ? c : NULL;
    for (uint32_t i = 0; i < e->people.n_offered; i++) {
        if (e->people.offered[i].group != g->row.gnum || e->people.offered[i].until_ms <= e->now.wall_ms)
            continue;
        c = gx_contact_by_id(e, &e->people.offered[i].contact);
        if (is_by(e, c, g, f, req))
            return c;
    }
    return NULL;
}

void gx_ask_take(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    static const struct gx_sign_pk nobody;
    struct gx_join_request req;
    struct gx_contact *who = NULL;
    struct gx_job *job = NULL;

    /* The request is signed for whoever has it, and everybody has it later: only the device that proved itself on this session may say it. */
    if (gx_join_request_decode(&req, f->bytes) != GX_OK || req.via != GX_VIA_INV || !gx_group_id_equal(&req.group, &g->row.id) ||
        !gx_sign_pk_equal(&c->device, &req.joiner.device)) {
        gx_session_strike(e, s, "ask");
        return;
    }
    if (e->now.mono_ms < c->ask_after_ms || !gx_group_is_member(g) || !gx_sign_pk_equal(&req.inviter, &g->row.intro.member)) {
        gx_engine_drop(e, "ask");           /* another member is meant, or it has had its answer */
        return;
    }
    c->ask_after_ms = e->now.mono_ms + PACE_MS;
    who = who_asks(e, g, f, &req);
    if (who == NULL && !gx_group_live(g, &req.joiner.device)) {
        deny(e, s, c->number, GX_DENY_TOKEN_UNKNOWN);
        return;
    }
    job = gx_job_new(e, GX_JOB_ASK, s, g->row.gnum, f->bytes);
    if (job == NULL)
        return;
    if (gx_join_request_decode(&job->request, gx_span(job->bytes, job->n_bytes)) != GX_OK) {
        gx_job_discard(e, job);
        return;
    }
    job->person = who == NULL ? nobody : who->row.card.id;
    gx_job_verify_request(e, job, &job->request, NULL);
    gx_job_begin(e, job);
}

/* Is there room, by the law? */
static enum gx_deny may_enter(struct gx_group *g, uint32_t person)
{
    struct gx_law_op op = {.kind = GX_OP_ADMIT, .author = g->me, .target = person, .token = GX_LAW_NONE, .to_device = GX_LAW_NONE};

    return gx_law_deny(gx_law_ask(&g->law, &op));
}

/* Is the contact that asked still expected?  An invitation is good once. */
static bool is_expected(struct gx_engine *e, const struct gx_group *g, const struct gx_sign_pk *who)
{
    const struct gx_contact *c = gx_contact_by_id(e, who);

    if (c == NULL || !gx_contact_wanted(c))
        return false;
    for (uint32_t i = 0; i < e->people.n_offered; i++)
        if (e->people.offered[i].group == g->row.gnum && gx_sign_pk_equal(&e->people.offered[i].contact, who) &&
            e->people.offered[i].until_ms > e->now.wall_ms)
            return true;
    return gx_group_is_direct(g) && gx_group_contact(e, g) == c;
}

static enum gx_deny admit(struct gx_engine *e, struct gx_group *g, struct gx_job *job)
{
    struct gx_body body = {.type = GX_EV_ADMIT};
    uint32_t person = gx_group_person_of_device(g, &job->request.joiner.device);
    enum gx_deny why = may_enter(g, person == GX_NONE ? GX_LAW_NONE : person);

    if (why != GX_DENY_NONE)
        return why;
    body.u.admit.request_bytes = gx_span(job->bytes, job->n_bytes);
    body.u.admit.request = job->request;
    if (gx_author_write(e, g, &body, NULL, NULL) != GX_OK || e->fault != GX_OK)
        return GX_DENY_NOT_MEMBER;
    gx_group_settle(e, g);
    if (gx_group_live(g, &job->request.joiner.device))
        return GX_DENY_NONE;
    return gx_law_deny((enum gx_law_rule)g->law.now.results[g->law.n_ops - 1].rule);
}

void gx_ask_verified(struct gx_engine *e, struct gx_job *job)
{
    static const struct gx_sign_pk nobody;
    struct gx_session *s = gx_session_find(e, job->session);
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    struct gx_channel *c = s == NULL || s->closed ? NULL : gx_session_channel_of(s, job->group);
    enum gx_deny why = GX_DENY_NONE;

    if (c == NULL || g == NULL)
        return;
    if (job->failed) {
        gx_session_strike(e, s, gx_err_name(GX_E_SIGNATURE));
        return;
    }
    gx_group_settle(e, g);
    if (!gx_group_live(g, &job->request.joiner.device))     /* else it is a retry: the seat is theirs already */
        why = is_expected(e, g, &job->person) ? admit(e, g, job) : GX_DENY_TOKEN_UNKNOWN;
    if (why != GX_DENY_NONE) {
        deny(e, s, c->number, why);
        return;
    }
    if (!gx_sign_pk_equal(&job->person, &nobody) && !gx_group_is_direct(g)) {
        gx_offer_done(e, g, &job->person);
        gx_reveal_note(e, g, &job->request.joiner.member, &job->person);
    }
    gx_door_give(e, s, g, c->number, &c->device);
    s->deadline_ms = s->deadline_ms == 0 ? 0 : e->now.mono_ms + GX_STRANGER_MS;
}
