/* Joining: this node as a guest at somebody's door.  WIRE §6.3, KEYS §9.
 *
 * Any holder of the code can play the door, so everything that comes through it counts only by hash, signature and the law. */
#include "node/engine/people.h"
#include "node/engine/sealing.h"
#include <stdlib.h>

#define GIVING_MS 60000u
#define JOIN_BACKOFF_MAX_MS 60000u
#define PATH_EVENTS_MAX (2u * (GX_GROUP_MEMBERS_MAX + 2u))      /* CREATE, everybody admitted by the one before, TOKEN; what opened the log of each */
static_assert(2 * PATH_EVENTS_MAX + 2 <= GX_PATH_SIGNATURES_MAX, "each event's and the certificate in it; the code's");

/* --- connecting -------------------------------------------------------------------------------------------------------------------------- */

void gx_guest_connect(struct gx_engine *e, struct gx_session *s, const struct gx_token_seed *seed, const uint8_t group16[16])
{
    struct gx_token_keys keys;
    struct gx_dh_sk sk;
    struct gx_dh_pk pk;
    struct gx_curve_sk door_sk;
    struct gx_effect *effect = gx_engine_effect(e, GX_OUT_CONNECT);

    /* A fresh key each time: two visits cannot be linked by it. */
    gx_rng_fill(e->config.rng, sk.b, sizeof sk.b);
    gx_dh_public(&pk, &sk);
    gx_token_keys_make(&keys, seed, group16);
    effect->session = s->id;
    effect->addr = s->addr;
    effect->as_guest = true;
    memcpy(effect->guest_pk.b, pk.b, sizeof pk.b);
    memcpy(effect->guest_sk.b, sk.b, sizeof sk.b);
    gx_door_keys_make(&effect->server_key, &door_sk, &keys.lan);
    s->peer_key = effect->server_key;
    memcpy(s->transcript.client_key.b, pk.b, sizeof pk.b);
    gx_wipe(&sk, sizeof sk);
    gx_wipe(&door_sk, sizeof door_sk);
    gx_wipe(&keys, sizeof keys);
}

static void knock(struct gx_engine *e, struct gx_group *g)
{
    struct gx_session *s = gx_session_new(e, e->next_session, GX_SESSION_GUEST, false);

    if (s == NULL)
        return;
    e->next_session += 2;
    s->group = g->row.gnum;
    if (g->join_found.family != 0)
        s->addr = g->join_found;
    else
        s->addr = g->join.addrs[g->join_addr++ % g->join.n_addrs];
    g->join_found.family = 0;           /* found again, if it is there: beacons go out as long as somebody waits */
    g->join_session = s->id;
    g->join_given = false;
    g->n_collected = 0;
    gx_guest_connect(e, s, &g->join.token.seed, g->join.token.group16);
}

/* What had ended an earlier membership of that group counts for nothing by now: a second one would lack what was said before it.  Not while a door may
 * have let me in already. */
static bool give_up_join(struct gx_engine *e, struct gx_group *g)
{
    const struct gx_group *seat = NULL;

    for (uint32_t i = 0; i < e->n_groups; i++)
        if (e->groups[i] != g && gx_group_is_member(e->groups[i]) &&
            memcmp(e->groups[i]->row.id.b, g->join.token.group16, sizeof g->join.token.group16) == 0)
            seat = e->groups[i];
    if (seat == NULL || g->join_unsure || g->has_asked)
        return false;
    for (uint32_t i = 0; i < e->n_waiters; i++)
        if (e->waiters[i].kind == GX_WAIT_JOIN && e->waiters[i].group == g->row.gnum)
            e->waiters[i].group = seat->row.gnum;
    if (gx_group_bumped(g))
        gx_ended_give_up(e, g);
    else
        gx_group_drop(e, g);
    return true;
}

void gx_guest_timer(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        if (!gx_group_joining(g) || g->join_session != 0 || (g->join.n_addrs == 0 && g->join_found.family == 0))
            continue;
        if (give_up_join(e, g)) {
            i--;                    /* of the others, the next has its place */
            continue;
        }
        if (!e->listening || e->now.mono_ms < g->join_next_ms || gx_jobs_of(g))      /* what was given may be enough */
            gx_engine_wake(e, g->join_next_ms > e->now.mono_ms ? g->join_next_ms : e->now.mono_ms + GX_BACKOFF_FIRST_MS);
        else
            knock(e, g);
    }
}

/* Better than an address that nobody has answered at. */
void gx_guest_found(struct gx_engine *e, struct gx_group *g, const struct gx_addr *at)
{
    struct gx_session *s = g->join_session == 0 ? NULL : gx_session_find(e, g->join_session);

    if (s != NULL && s->state != GX_SESSION_CONNECTING)
        return;
    g->join_found = *at;
    if (s != NULL)
        gx_session_close(e, s, GX_BYE_DONE);
    g->join_next_ms = e->now.mono_ms;
    gx_engine_wake(e, e->now.mono_ms);
}

void gx_guest_gone(struct gx_engine *e, const struct gx_session *s)
{
    struct gx_group *g = gx_group_by_gnum(e, s->group);

    if (g == NULL || g->join_session != s->id)
        return;
    g->join_session = 0;                /* of a member, too: should its seat not last it knocks again */
    if (!gx_group_joining(g))
        return;
    g->join_unsure = g->join_unsure || s->stage >= GX_GUEST_REQUESTED;
    if (g->join.n_addrs > 0 && g->join_addr % g->join.n_addrs != 0) {
        g->join_next_ms = e->now.mono_ms + 50;
    } else {
        uint32_t next = g->join_backoff_ms == 0 ? GX_BACKOFF_FIRST_MS : g->join_backoff_ms * 2;

        g->join_backoff_ms = next > JOIN_BACKOFF_MAX_MS ? JOIN_BACKOFF_MAX_MS : next;
        g->join_next_ms = e->now.mono_ms + g->join_backoff_ms;
    }
    gx_engine_wake(e, g->join_next_ms);
    g->members_changed = true;          /* perhaps everything is here already */
}

/* The door said hello: prove the code, over both keys and both nonces, without sending it. */
void gx_guest_up(struct gx_engine *e, struct gx_session *s)
{
    struct gx_group *g = gx_group_by_gnum(e, s->group);
    struct gx_token_keys keys;
    uint8_t bytes[GX_GUEST_SIGNED_BYTES];
    struct gx_sig sig;
    struct gx_wr w = gx_engine_wr(e, 128);

    if (g == NULL)
        return;
    gx_token_keys_make(&keys, &g->join.token.seed, g->join.token.group16);
    gx_guest_signed_bytes(bytes, &g->row.intro.device, &s->transcript);
    gx_sign(&sig, &keys.sk, GX_DOMAIN_GUEST, gx_span(bytes, sizeof bytes));
    gx_wipe(&keys, sizeof keys);
    gx_frame_write_guest(&w, &g->row.intro.device, &sig);
    gx_engine_send(e, s, &w);
    s->stage = GX_GUEST_PROOF;
}

/* --- the path ---------------------------------------------------------------------------------------------------------------------------- */

struct path {
    struct gx_group_id group;
    struct gx_sign_pk members[PATH_EVENTS_MAX];     /* introduced so far, their devices and control logs */
    struct gx_sign_pk devices[PATH_EVENTS_MAX];
    struct gx_log_id logs[PATH_EVENTS_MAX];
    uint32_t n;
    bool has_token;
    struct gx_event_id token;
};

static void path_introduce(struct path *p, const struct gx_sign_pk *member, const struct gx_sign_pk *device, const struct gx_incarnation *inc)
{
    p->members[p->n] = *member;
    p->devices[p->n] = *device;
    gx_log_id_make(&p->logs[p->n], member, device, inc, GX_LOG_CONTROL);
    p->n++;
}

/* A device that was introduced goes on in another log: its INCARNATION is the first event there. */
static bool path_reopen(struct path *p, const struct gx_event *ev, const struct gx_body_incarnation *b)
{
    uint32_t i = 0;

    while (i < p->n && !(gx_sign_pk_equal(&p->members[i], &b->member) && gx_sign_pk_equal(&p->devices[i], &b->device)))
        i++;
    if (i == p->n || ev->seq != 1)
        return false;
    path_introduce(p, &b->member, &b->device, &b->incarnation);
    return gx_log_id_equal(&p->logs[p->n - 1], &ev->log);
}

static const struct gx_sign_pk *path_author(const struct path *p, const struct gx_log_id *log)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (gx_log_id_equal(&p->logs[i], log))
            return &p->devices[i];
    return NULL;
}

/* The TOKEN must be the one the code names, made by its issuer; the code itself must be signed by that issuer for this group. */
static bool path_token(struct gx_engine *e, struct gx_job *job, const struct gx_token *code, struct path *p, const struct gx_event *ev,
                       const struct gx_body *body, const struct gx_sign_pk *author)
{
    struct gx_token_keys keys;
    uint8_t bytes[GX_TOKEN_SIGNED_BYTES];
    bool ok = false;

    gx_token_keys_make(&keys, &code->seed, code->group16);
    ok = memcmp(ev->id.b, code->as_of, sizeof code->as_of) == 0 && memcmp(author->b, code->issuer, sizeof code->issuer) == 0 &&
         gx_sign_pk_equal(&body->u.token.token_pk, &keys.pk);
    if (ok) {
        gx_token_signed_bytes(bytes, code, &p->group, &keys.pk);
        gx_job_verify(e, job, GX_DOMAIN_TOKEN, author, gx_span(bytes, sizeof bytes), &code->sig);
        p->has_token = true;
        p->token = ev->id;
    }
    gx_wipe(&keys, sizeof keys);
    return ok;
}

static bool path_event(struct gx_engine *e, struct gx_job *job, const struct gx_token *code, struct path *p, struct gx_span bytes, bool first)
{
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;
    struct gx_body body;
    const struct gx_sign_pk *author = NULL;

    if (p->has_token || p->n == PATH_EVENTS_MAX || gx_chunk_decode(&chunk, bytes) != GX_OK || chunk.count != 1)
        return false;
    gx_chunk_begin(&it, &chunk, &p->group);
    if (gx_chunk_next(&it, &ev, NULL) != GX_OK || gx_body_decode(&body, &ev) != GX_OK)
        return false;
    if (first) {
        if (ev.type != GX_EV_CREATE || memcmp(ev.id.b, code->group16, sizeof code->group16) != 0)
            return false;
        memcpy(p->group.b, ev.id.b, sizeof p->group.b);
        path_introduce(p, &body.u.create.founder.member, &body.u.create.founder.device, &body.u.create.founder.incarnation);
        gx_job_verify_intro(e, job, &body.u.create.founder);
    } else if (ev.type == GX_EV_INCARNATION && !path_reopen(p, &ev, &body.u.incarnation)) {
        return false;
    }
    author = path_author(p, &ev.log);
    if (author == NULL)
        return false;
    if (ev.type == GX_EV_ADMIT) {
        const struct gx_intro *joiner = &body.u.admit.request.joiner;

        if (!gx_group_id_equal(&body.u.admit.request.group, &p->group))
            return false;
        path_introduce(p, &joiner->member, &joiner->device, &joiner->incarnation);
        gx_job_verify_intro(e, job, joiner);
    } else if (ev.type == GX_EV_TOKEN) {
        if (!path_token(e, job, code, p, &ev, &body, author))
            return false;
    } else if (!first && ev.type != GX_EV_INCARNATION) {
        return false;
    }
    gx_job_verify_event(e, job, &ev, author);
    return true;
}

bool gx_guest_collect(struct gx_engine *e, struct gx_group *g, struct gx_span list)
{
    uint8_t *more = NULL;

    if (g->n_collected + list.n > GX_COLLECTED_BYTES_MAX) {
        gx_engine_drop(e, "collected_long");
        return false;
    }
    more = realloc(g->collected, g->n_collected + list.n + 1);
    if (more == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    g->collected = more;
    if (list.n > 0)
        memcpy(g->collected + g->n_collected, list.p, list.n);
    g->n_collected += list.n;
    return true;
}

/* The last one is empty, and the last of all that is given. */
void gx_guest_take_baseline(struct gx_engine *e, struct gx_group *g, const struct gx_frame *f)
{
    (void)gx_guest_collect(e, g, f->list);
    g->join_given = g->join_given || f->n == 0;
    g->members_changed = true;
}

static bool check_path(struct gx_engine *e, struct gx_group *g, struct gx_job *job, struct path *p)
{
    struct gx_rd rd = gx_rd(gx_span(g->collected, g->n_collected));
    bool ok = rd.left > 0;

    for (bool first = true; ok && rd.left > 0; first = false)
        ok = path_event(e, job, &g->join.token, p, gx_frame_chunk_next(&rd), first);
    return ok && p->has_token;
}

/* The last event of a path is TOKEN: with it the path is complete. */
static bool path_complete(const struct gx_frame *f)
{
    const size_t type_at = GX_CHUNK_HEADER_BYTES + 4u + 1u;     /* behind the record's length and version: WIRE §5 */
    struct gx_rd rd = gx_rd(f->list);
    struct gx_span last = {0};

    for (size_t i = 0; i < f->n; i++)
        last = gx_frame_chunk_next(&rd);
    return last.n > type_at && last.p[type_at] == GX_EV_TOKEN;
}

static void take_path(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_frame *f)
{
    bool ok = f->n > 0 && gx_guest_collect(e, g, f->list);

    if (ok && !path_complete(f))
        return;

    struct gx_job *job = gx_job_new(e, GX_JOB_PATH, s, g->row.gnum, gx_span(NULL, 0));
    struct path *p = gx_arena_take(&e->arena, sizeof *p);
    size_t effects = e->n_effects;
    uint64_t ticket = e->next_ticket;

    if (job == NULL)
        return;
    ok = ok && p != NULL && check_path(e, g, job, p);
    g->n_collected = 0;
    if (!ok) {
        e->n_effects = effects;
        e->next_ticket = ticket;
        gx_job_discard(e, job);
        gx_engine_drop(e, "path");
        gx_session_close(e, s, GX_BYE_MALFORMED);
        return;
    }
    job->request.group = p->group;
    job->request.token = p->token;
    s->stage = GX_GUEST_PATH;
    gx_job_begin(e, job);
}

void gx_guest_path_verified(struct gx_engine *e, struct gx_job *job)
{
    struct gx_session *s = gx_session_find(e, job->session);
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    struct gx_join_request req = {.via = GX_VIA_QR, .n_heads = 1};
    uint8_t bytes[GX_JOIN_REQUEST_MAX];
    struct gx_wr signed_part = gx_wr(bytes, sizeof bytes);
    struct gx_wr w = gx_engine_wr(e, GX_JOIN_REQUEST_MAX + 16);
    struct gx_token_keys keys;
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    if (s == NULL || s->closed || g == NULL || !gx_group_joining(g))
        return;
    if (job->failed) {
        gx_engine_drop(e, gx_err_name(GX_E_SIGNATURE));
        gx_session_close(e, s, GX_BYE_MALFORMED);
        return;
    }
    memcpy(g->row.id.b, job->request.group.b, sizeof g->row.id.b);
    g->dirty = true;
    req.group = job->request.group;
    req.token = job->request.token;
    req.heads = job->request.token.b;       /* all that was seen of the group's control: the TOKEN, the last of the path */
    req.joiner = g->row.intro;
    gx_join_request_write_signed(&signed_part, &req);
    gx_author_device_key(e, g, &pk, &sk);
    gx_sign(&req.device_sig, &sk, GX_DOMAIN_JOIN, gx_wr_span(&signed_part));
    gx_token_keys_make(&keys, &g->join.token.seed, g->join.token.group16);
    gx_sign(&req.token_sig, &keys.sk, GX_DOMAIN_JOIN_TOKEN, gx_wr_span(&signed_part));
    gx_wipe(&keys, sizeof keys);
    gx_wipe(&sk, sizeof sk);
    gx_frame_write_join(&w, &req);
    gx_engine_send(e, s, &w);
    s->stage = GX_GUEST_REQUESTED;
    gx_session_goes_on(e, s);
}

/* --- what a door gives ---------------------------------------------------------------------------------------------------------------------- */

/* A refusal ends the join, unless time may heal it: the owner looks in, a seat that was mine comes free, or what another door did with my request, which
 * it did not live to say, becomes known. */
static void refused(struct gx_engine *e, struct gx_session *s, struct gx_group *g, enum gx_deny deny)
{
    g->join_deny = deny;
    s->stage = GX_GUEST_NEW;            /* what this one did with it is said */
    gx_waiters_join_done(e, g);
    if (gx_group_bumped(g) && deny != GX_DENY_QUOTA && deny != GX_DENY_FULL && deny != GX_DENY_QR_CLOSED)
        gx_ended_give_up(e, g);     /* closes s */
    else if (!gx_group_bumped(g) && deny != GX_DENY_QUOTA && !g->join_unsure)
        gx_group_drop(e, g);        /* closes s */
    else
        gx_session_close(e, s, GX_BYE_DONE);
}

void gx_guest_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_group *g = gx_group_by_gnum(e, s->group);
    struct gx_rd rd = gx_rd(f->list);

    if (g == NULL || !gx_group_joining(g)) {
        gx_session_close(e, s, GX_BYE_DONE);
    } else if (f->kind == GX_FRAME_PATH && s->stage == GX_GUEST_PROOF) {
        take_path(e, s, g, f);
    } else if (f->kind == GX_FRAME_REFUSED) {
        refused(e, s, g, (enum gx_deny)f->reason);
    } else if (f->kind == GX_FRAME_ADMITTED && s->stage == GX_GUEST_REQUESTED) {
        s->stage = GX_GUEST_ADMITTED;
        gx_session_deadline(e, s, e->now.mono_ms + GIVING_MS);
    } else if (f->kind == GX_FRAME_CHUNKS && s->stage == GX_GUEST_ADMITTED) {
        for (size_t i = 0; i < f->n && !s->closed; i++)
            gx_jobs_chunk(e, s, g, gx_frame_chunk_next(&rd));
    } else if (f->kind == GX_FRAME_ENDPOINTS && s->stage == GX_GUEST_ADMITTED) {
        gx_endpoints_take(e, s, g, f);
    } else if (f->kind == GX_FRAME_KEYS && s->stage == GX_GUEST_ADMITTED) {
        gx_keys_given(e, g, f);
    } else if (f->kind == GX_FRAME_BASELINE && s->stage == GX_GUEST_ADMITTED) {
        gx_guest_take_baseline(e, g, f);
    } else {
        gx_session_strike(e, s, "unexpected_frame");
    }
}

/* --- becoming a member ------------------------------------------------------------------------------------------------------------------------ */

/* The message log that an entry of a baseline is of, if nothing of that is held yet; else NULL. */
static struct gx_log *baseline_log(struct gx_group *g, struct gx_span bytes, struct gx_event *ev)
{
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    uint32_t index = GX_NONE;

    if (gx_chunk_decode(&chunk, bytes) != GX_OK || chunk.count != 1)
        return NULL;
    index = gx_group_log(g, &chunk.log);
    if (index == GX_NONE || g->logs[index].row.cls != GX_LOG_MESSAGES || g->logs[index].own || g->logs[index].row.head_seq != 0)
        return NULL;
    gx_chunk_begin(&it, &chunk, &g->row.id);
    return gx_chunk_next(&it, ev, NULL) == GX_OK ? &g->logs[index] : NULL;
}

/* The logs are known now, and with them who has to have signed.  False when nothing needs to be checked.  Each entry alone: of one that is spoiled the door
 * named another place behind it, and what it says of other logs stands. */
static bool begin_baseline(struct gx_engine *e, struct gx_group *g)
{
    struct gx_rd rd = gx_rd(gx_span(g->collected, g->n_collected));
    bool began = false;

    while (rd.left > 0 && !rd.failed && e->fault == GX_OK) {
        struct gx_span bytes = gx_frame_chunk_next(&rd);
        struct gx_event ev;
        const struct gx_log *log = baseline_log(g, bytes, &ev);
        struct gx_job *job = log == NULL ? NULL : gx_job_new(e, GX_JOB_BASELINE, NULL, g->row.gnum, bytes);

        if (job == NULL)
            continue;
        gx_job_verify_event(e, job, &ev, &log->row.device);
        gx_job_begin(e, job);
        began = true;
    }
    g->n_collected = 0;
    return began;
}

void gx_guest_baseline_verified(struct gx_engine *e, struct gx_job *job)
{
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    struct gx_event ev;
    struct gx_log *log = NULL;

    if (g == NULL || !gx_group_joining(g))
        return;
    g->members_changed = true;          /* what waited for this goes on */
    if (job->failed) {
        gx_engine_drop(e, gx_err_name(GX_E_SIGNATURE));
        return;
    }
    log = baseline_log(g, gx_span(job->bytes, job->n_bytes), &ev);
    if (log == NULL)
        return;
    log->row.begun_seq = log->row.base_seq = log->row.head_seq = log->pend_seq = (uint32_t)ev.seq;
    log->row.base_id = log->row.head_id = log->pend_id = ev.id;
    log->row.base_tick = log->row.head_tick = log->pend_tick = ev.tick;
    gx_log_touch(e, g, log);
    if (ev.tick > g->max_tick)
        g->max_tick = ev.tick;
}

static void write_alias(struct gx_engine *e, struct gx_group *g, struct gx_span alias)
{
    struct gx_body body = {.type = GX_EV_ALIAS, .u.alias.name = alias};

    if (alias.n > 0)
        (void)gx_author_write(e, g, &body, NULL, NULL);
}

void gx_guest_check(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = NULL;
    uint32_t voucher = GX_NONE;

    if (g->row.state != GX_GROUP_JOINING || g->me == GX_NONE || !gx_law_is_member(&g->law, g->me))
        return;
    /* A member that knows nobody's address would stay alone: until a door gave all it has, another one is asked. */
    if (!g->join_given || g->n_endpoints == 0 || gx_jobs_of(g) || begin_baseline(e, g))
        return;
    txn = gx_engine_txn(e, true);
    if (txn == NULL)
        return;
    g->row.state = GX_GROUP_MEMBER;
    g->dirty = true;
    g->join_unsure = false;
    voucher = gx_law_voucher(&g->law, g->me);
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].person == voucher)
            g->admitted_by = g->logs[i].row.device;
    gx_keys_take_given(e, g);
    if (g->has_asked)
        gx_ask_done(e, g);
    gx_people_joined(e, g);
    write_alias(e, g, g->has_join ? gx_span(g->join.alias, g->join.alias_bytes) : gx_span(e->config.name, strlen(e->config.name)));
    gx_author_endpoint(e, g);
    for (uint32_t i = 0; i < g->n_endpoints; i++)
        if (gx_group_live(g, &g->endpoints[i].device))
            gx_targets_update(e, &g->endpoints[i]);
    gx_targets_hurry(e);                /* nobody knows my address yet: it is for me to connect */
    gx_sessions_new_group(e, g);
    gx_keys_hurry(e, g);
    gx_waiters_join_done(e, g);
    for (uint32_t i = 0; i < e->n_sessions; i++)
        if (e->sessions[i]->kind == GX_SESSION_GUEST && e->sessions[i]->group == g->row.gnum)
            gx_session_close(e, e->sessions[i], GX_BYE_DONE);
}
