/* Verification leaves and returns: what waits for its signatures. */
#include "node/engine/people.h"
#include <stdlib.h>

#define SIGNATURES 4u           /* of an admission: the request's by device and by code, the joiner's certificate, the event's */

/* Signatures under verification. */
static uint64_t unverified(const struct gx_engine *e)
{
    return e->next_ticket - e->answered_ticket - 1;
}

struct gx_job *gx_job_new(struct gx_engine *e, enum gx_job_kind kind, struct gx_session *s, uint32_t gnum, struct gx_span bytes)
{
    uint32_t signatures = kind == GX_JOB_PATH ? GX_PATH_SIGNATURES_MAX : SIGNATURES;
    struct gx_job *job = NULL;

    if (unverified(e) + signatures > GX_VERIFIES_MAX || e->job_bytes + bytes.n > GX_JOB_BYTES_MAX) {
        gx_engine_drop(e, "jobs_full");
        return NULL;
    }
    job = calloc(1, sizeof *job);
    if (job != NULL)
        job->bytes = gx_arena_copy(&job->arena, bytes.p, bytes.n);
    if (job == NULL || job->bytes == NULL) {
        free(job);
        gx_engine_ok(e, GX_E_MEMORY);
        return NULL;
    }
    job->kind = kind;
    job->group = gnum;
    job->session = s == NULL ? 0 : s->id;
    job->live = s != NULL && s->live;
    job->n_bytes = bytes.n;
    return job;
}

void gx_job_discard(struct gx_engine *e, struct gx_job *job)
{
    (void)e;
    gx_arena_free(&job->arena);
    free(job);
}

void gx_job_verify(struct gx_engine *e, struct gx_job *job, enum gx_domain domain, const struct gx_sign_pk *pk, struct gx_span msg, const struct gx_sig *sig)
{
    struct gx_effect *effect = gx_engine_effect(e, GX_OUT_VERIFY);

    effect->domain = domain;
    effect->pk = gx_arena_copy(&job->arena, pk, sizeof *pk);
    effect->sig = gx_arena_copy(&job->arena, sig, sizeof *sig);
    effect->bytes = gx_span(gx_arena_copy(&job->arena, msg.p, msg.n), msg.n);
    effect->ticket = job->last_ticket = e->next_ticket++;
    GX_ASSERT(unverified(e) <= GX_VERIFIES_MAX);
    if (effect->pk == NULL || effect->sig == NULL || effect->bytes.p == NULL)
        gx_engine_ok(e, GX_E_MEMORY);
}

void gx_job_begin(struct gx_engine *e, struct gx_job *job)
{
    struct gx_group *g = gx_group_by_gnum(e, job->group);

    GX_ASSERT(job->last_ticket != 0);       /* every job waits for something: so jobs end in order */
    if (e->jobs_tail == NULL)
        e->jobs_head = job;
    else
        e->jobs_tail->next = job;
    e->jobs_tail = job;
    e->n_jobs++;
    e->job_bytes += job->n_bytes;
    if (g != NULL)
        g->n_jobs++;
}

void gx_jobs_kill(struct gx_engine *e, uint32_t gnum)
{
    for (struct gx_job *job = e->jobs_head; job != NULL; job = job->next)
        if (job->group == gnum)
            job->kind = GX_JOB_DEAD;
}

void gx_jobs_undo(struct gx_engine *e, uint64_t first_ticket)
{
    struct gx_job **link = &e->jobs_head;

    e->jobs_tail = NULL;
    while (*link != NULL && (*link)->last_ticket < first_ticket) {
        e->jobs_tail = *link;
        (*link)->kind = GX_JOB_DEAD;
        link = &(*link)->next;
    }
    while (*link != NULL) {
        struct gx_job *gone = *link;

        *link = gone->next;
        e->n_jobs--;
        e->job_bytes -= gone->n_bytes;
        gx_job_discard(e, gone);
    }
    e->next_ticket = first_ticket;
}

void gx_jobs_free(struct gx_engine *e)
{
    while (e->jobs_head != NULL) {
        struct gx_job *next = e->jobs_head->next;

        gx_job_discard(e, e->jobs_head);
        e->jobs_head = next;
    }
    e->jobs_tail = NULL;
}

/* --- what is signed ------------------------------------------------------------------------------------------------------------------- */

void gx_job_verify_event(struct gx_engine *e, struct gx_job *job, const struct gx_event *ev, const struct gx_sign_pk *device)
{
    uint8_t header[GX_EVENT_HDR_MAX];
    struct gx_wr w = gx_wr(header, sizeof header);

    gx_event_write_header(&w, ev);
    gx_job_verify(e, job, GX_DOMAIN_EVENT, device, gx_wr_span(&w), &ev->sig);
}

void gx_job_verify_intro(struct gx_engine *e, struct gx_job *job, const struct gx_intro *intro)
{
    uint8_t bytes[96];

    gx_intro_cert_bytes(bytes, intro);
    gx_job_verify(e, job, GX_DOMAIN_DEVICE, &intro->member, gx_span(bytes, sizeof bytes), &intro->cert);
}

void gx_job_verify_request(struct gx_engine *e, struct gx_job *job, const struct gx_join_request *req, const struct gx_sign_pk *token_pk)
{
    uint8_t bytes[GX_JOIN_REQUEST_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_join_request_write_signed(&w, req);
    gx_job_verify(e, job, GX_DOMAIN_JOIN, &req->joiner.device, gx_wr_span(&w), &req->device_sig);
    if (req->via == GX_VIA_QR)
        gx_job_verify(e, job, GX_DOMAIN_JOIN_TOKEN, token_pk, gx_wr_span(&w), &req->token_sig);
    gx_job_verify_intro(e, job, &req->joiner);
}

/* --- control events ------------------------------------------------------------------------------------------------------------------- */

/* Whose a log is. */
struct signer {
    struct gx_sign_pk member, device;
};

/* A log that an event still under verification introduces. */
static bool pending_signer(struct gx_engine *e, uint32_t gnum, const struct gx_log_id *log, struct signer *out)
{
    for (const struct gx_job *job = e->jobs_head; job != NULL; job = job->next) {
        if (job->kind == GX_JOB_CONTROL && job->group == gnum && gx_log_id_equal(&job->intro_log, log)) {
            *out = (struct signer){.member = job->intro_member, .device = job->intro_device};
            return true;
        }
    }
    return false;
}

static bool token_key(struct gx_engine *e, struct gx_group *g, const struct gx_event_id *token, struct gx_sign_pk *out)
{
    uint32_t op = gx_group_op(g, token);
    const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);

    if (info != NULL) {
        *out = info->pk;
        return true;
    }
    for (const struct gx_job *job = e->jobs_head; job != NULL; job = job->next) {
        if (job->kind == GX_JOB_CONTROL && job->group == g->row.gnum && job->event.type == GX_EV_TOKEN && gx_event_id_equal(&job->event.id, token)) {
            *out = job->body.u.token.token_pk;
            return true;
        }
    }
    return false;
}

static void job_introduces(struct gx_job *job, const struct gx_sign_pk *member, const struct gx_sign_pk *device, const struct gx_incarnation *inc)
{
    job->intro_member = *member;
    job->intro_device = *device;
    gx_log_id_make(&job->intro_log, member, device, inc, GX_LOG_CONTROL);
}

/* The receiver of a group agreed to this OFFER. */
static void verify_accept(struct gx_engine *e, const struct gx_group *g, struct gx_job *job, const struct gx_event_id *offer,
                          const struct gx_sign_pk *member, const struct gx_sign_pk *device, const struct gx_sig *sig)
{
    uint8_t bytes[GX_ACCEPT_SIGNED_BYTES];

    gx_accept_signed_bytes(bytes, &g->row.id, offer, member, device);
    gx_job_verify(e, job, GX_DOMAIN_ACCEPT, device, gx_span(bytes, sizeof bytes), sig);
}

/* The signatures of a control event by its type.  False: it cannot be checked yet, or makes no sense. */
static enum gx_err verify_control(struct gx_engine *e, struct gx_group *g, struct gx_job *job, const struct signer *signer)
{
    const struct gx_body *b = &job->body;
    struct gx_sign_pk token_pk;

    if (job->event.type == GX_EV_CREATE) {
        job_introduces(job, &b->u.create.founder.member, &b->u.create.founder.device, &b->u.create.founder.incarnation);
        gx_job_verify_intro(e, job, &b->u.create.founder);
    } else if (job->event.type == GX_EV_ADMIT) {
        const struct gx_join_request *req = &b->u.admit.request;

        if (!gx_group_id_equal(&req->group, &g->row.id))
            return GX_E_MALFORMED;
        if (req->via == GX_VIA_QR && !token_key(e, g, &req->token, &token_pk))
            return GX_E_MISSING;
        job_introduces(job, &req->joiner.member, &req->joiner.device, &req->joiner.incarnation);
        gx_job_verify_request(e, job, req, &token_pk);
    } else if (job->event.type == GX_EV_TRANSFER) {
        verify_accept(e, g, job, &b->u.transfer.offer, &b->u.transfer.target, &b->u.transfer.device, &b->u.transfer.sig);
    } else if (job->event.type == GX_EV_ACCEPT && b->u.accept.answer == GX_ACCEPT_YES) {
        verify_accept(e, g, job, &b->u.accept.offer, &signer->member, &signer->device, &b->u.accept.sig);
    } else if (job->event.type == GX_EV_INCARNATION) {
        job_introduces(job, &b->u.incarnation.member, &b->u.incarnation.device, &b->u.incarnation.incarnation);
    }
    gx_job_verify_event(e, job, &job->event, &signer->device);
    return GX_OK;
}

static bool signer_of(struct gx_engine *e, struct gx_group *g, const struct gx_job *job, struct signer *out)
{
    uint32_t log = gx_group_log(g, &job->event.log);

    if (log != GX_NONE) {
        *out = (struct signer){.member = g->logs[log].row.member, .device = g->logs[log].row.device};
        return true;
    }
    if (job->event.type == GX_EV_CREATE) {
        *out = (struct signer){.member = job->body.u.create.founder.member, .device = job->body.u.create.founder.device};
        return true;
    }
    if (job->event.type == GX_EV_INCARNATION) {
        *out = (struct signer){.member = job->body.u.incarnation.member, .device = job->body.u.incarnation.device};
        return true;
    }
    return pending_signer(e, g->row.gnum, &job->event.log, out);
}

/* Who was told that it is no member may show how it came back: by what others wrote.  What it writes itself is not taken from it. */
static bool is_out(struct gx_session *s, const struct gx_group *g, const struct signer *signer)
{
    const struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);
    uint32_t person = c == NULL || !c->ended ? GX_NONE : gx_group_person_of_device(g, &c->device);

    return person != GX_NONE && gx_sign_pk_equal(&g->law.persons[person].member, &signer->member);
}

/* One control event: a job of its own.  record is re-decoded from the job's copy. */
static enum gx_err begin_control(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_span record, const struct gx_event *ev)
{
    struct gx_job *job = NULL;
    struct signer signer;
    enum gx_err err = GX_OK;

    if (gx_group_op(g, &ev->id) != GX_NONE)
        return GX_E_DUPLICATE;
    job = gx_job_new(e, GX_JOB_CONTROL, s, g->row.gnum, record);
    if (job == NULL)
        return GX_E_AGAIN;
    err = gx_record_decode(&job->event, gx_span(job->bytes, job->n_bytes), &g->row.id, &ev->log, ev->seq, &ev->prev);
    if (err == GX_OK)
        err = gx_body_decode(&job->body, &job->event);
    if (err == GX_OK && !signer_of(e, g, job, &signer))
        err = GX_E_MISSING;
    if (err == GX_OK && is_out(s, g, &signer))
        err = GX_E_DENIED;

    size_t effects = e->n_effects;
    uint64_t ticket = e->next_ticket;

    if (err == GX_OK)
        err = verify_control(e, g, job, &signer);
    if (err != GX_OK) {
        e->n_effects = effects;         /* no ticket may go out that nobody waits for */
        e->next_ticket = ticket;
        gx_job_discard(e, job);
        return err;
    }
    gx_job_begin(e, job);
    return GX_OK;
}

static void chunk_control(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_chunk *chunk)
{
    struct gx_chunk_iter it;
    struct gx_event ev;
    struct gx_span record;
    enum gx_err err = GX_OK;
    bool again = true;

    gx_chunk_begin(&it, chunk, &g->row.id);
    while (err == GX_OK && (err = gx_chunk_next(&it, &ev, &record)) == GX_OK) {
        enum gx_log_class cls;

        if (!gx_event_class(&cls, ev.type))
            err = GX_E_MALFORMED;
        else if (cls != GX_LOG_CONTROL)         /* of a log that I know, or of one that is opened by what is still being verified */
            err = gx_group_log(g, &chunk->log) != GX_NONE ? GX_E_MALFORMED : GX_E_MISSING;
        else
            err = begin_control(e, s, g, record, &ev);
        if (err == GX_E_DUPLICATE || err == GX_E_MISSING)
            gx_budget_wasted(e, s, g, record.n);
        again = again && err == GX_E_DUPLICATE;
        if (err == GX_E_DUPLICATE)
            err = GX_OK;
    }
    if (s != NULL && again)
        s->n_again++;
    if (err == GX_E_MISSING) {
        struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);

        gx_engine_drop(e, "missing");
        if (c != NULL)
            c->ahead = true;            /* it holds more than it told of */
        gx_repair_look_by(e, g, e->now.mono_ms + GX_WANT_DELAY_MS);
    } else if (err == GX_E_MALFORMED || err == GX_E_TOO_BIG || err == GX_E_VERSION || err == GX_E_SIGNATURE) {
        gx_session_strike(e, s, gx_err_name(err));
    }
}

/* --- what waits until there is room -------------------------------------------------------------------------------------------------- */

bool gx_jobs_of(const struct gx_group *g)
{
    return g->n_jobs > 0 || g->n_waiting > 0;
}

/* Half of all is left to what else is said meanwhile: the same door's records, proofs, messages. */
static bool has_room(const struct gx_engine *e, const struct gx_chunk *chunk)
{
    return unverified(e) + (uint64_t)chunk->count * SIGNATURES <= GX_VERIFIES_MAX / 2 || unverified(e) == 0;
}

/* Room for so many bytes more of what waits. */
static bool waits_fit(struct gx_engine *e, struct gx_group *g, size_t n)
{
    size_t cap = 2 * g->cap_waiting > g->n_waiting + n ? 2 * g->cap_waiting : g->n_waiting + n;
    uint8_t *more = NULL;

    if (g->n_waiting + n <= g->cap_waiting)
        return true;
    more = realloc(g->waiting, cap);
    if (more == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    g->waiting = more;
    g->cap_waiting = cap;
    return true;
}

static void wait_with(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_span chunk)
{
    uint32_t n = (uint32_t)chunk.n;

    if (g->n_waiting + sizeof n + n > GX_WAITING_BYTES_MAX) {
        gx_engine_drop(e, "jobs_full");
        return;
    }
    if (!waits_fit(e, g, sizeof n + n))
        return;
    memcpy(g->waiting + g->n_waiting, &n, sizeof n);
    memcpy(g->waiting + g->n_waiting + sizeof n, chunk.p, n);
    g->n_waiting += sizeof n + n;
    g->waiting_of = s == NULL ? 0 : s->id;
}

/* In the order in which it came. */
static void go_on(struct gx_engine *e, struct gx_group *g)
{
    struct gx_session *s = g->waiting_of == 0 ? NULL : gx_session_find(e, g->waiting_of);

    while (g->waits_from < g->n_waiting && e->fault == GX_OK) {
        const uint8_t *at = g->waiting + g->waits_from;
        struct gx_chunk chunk;
        uint32_t n = 0;

        memcpy(&n, at, sizeof n);
        if (gx_chunk_decode(&chunk, gx_span(at + sizeof n, n)) == GX_OK) {
            if (!has_room(e, &chunk))
                return;
            chunk_control(e, s, g, &chunk);
        }
        g->waits_from += sizeof n + n;
    }
    free(g->waiting);
    g->waiting = NULL;
    g->n_waiting = g->cap_waiting = g->waits_from = 0;
    g->members_changed = true;          /* perhaps everything was here already */
}

void gx_jobs_finish(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++)
        if (e->groups[i]->n_waiting > 0)
            go_on(e, e->groups[i]);
}

void gx_jobs_chunk(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_span bytes)
{
    struct gx_chunk chunk;
    enum gx_err err = gx_chunk_decode(&chunk, bytes);

    if (err != GX_OK) {
        gx_session_strike(e, s, gx_err_name(err));
        return;
    }

    uint32_t index = gx_group_log(g, &chunk.log);

    if (index != GX_NONE && g->logs[index].row.cls == GX_LOG_MESSAGES)
        gx_incoming_messages(e, s, g, bytes);
    else if (gx_group_joining(g) && (g->n_waiting > 0 || !has_room(e, &chunk)))
        wait_with(e, s, g, bytes);
    else
        chunk_control(e, s, g, &chunk);
}

/* --- answers ---------------------------------------------------------------------------------------------------------------------------- */

static void done_control(struct gx_engine *e, struct gx_group *g, struct gx_session *s, struct gx_job *job)
{
    enum gx_err err = job->failed ? GX_E_SIGNATURE : gx_group_ingest(e, g, &job->event, &job->body);

    if (err == GX_OK) {
        gx_tree_note(e, g, job);
        if (s != NULL)
            gx_budget_gave(e, s, g);
        return;
    }
    if (err == GX_E_SIGNATURE || err == GX_E_MALFORMED) {
        if (s != NULL)
            gx_session_strike(e, s, gx_err_name(err));
        else
            gx_engine_drop(e, gx_err_name(err));
        return;
    }
    gx_engine_drop(e, gx_err_name(err));
}

static void done(struct gx_engine *e, struct gx_job *job)
{
    struct gx_group *g = job->kind == GX_JOB_DEAD ? NULL : gx_group_by_gnum(e, job->group);
    struct gx_session *s = job->session == 0 ? NULL : gx_session_find(e, job->session);

    if (job->kind == GX_JOB_CARD)
        gx_card_taken(e, job);
    if (g == NULL)
        return;
    g->n_jobs--;
    switch (job->kind) {
    case GX_JOB_DEAD:
        break;
    case GX_JOB_CONTROL:
        done_control(e, g, s, job);
        break;
    case GX_JOB_MESSAGES:
        gx_incoming_done(e, g, s, job);
        break;
    case GX_JOB_PROOF:
        gx_session_proved(e, job);
        break;
    case GX_JOB_GUEST:
        gx_door_guest_verified(e, job);
        break;
    case GX_JOB_JOIN:
        gx_door_join_verified(e, job);
        break;
    case GX_JOB_PATH:
        gx_guest_path_verified(e, job);
        break;
    case GX_JOB_BASELINE:
        gx_guest_baseline_verified(e, job);
        break;
    case GX_JOB_ENDPOINT:
        gx_endpoints_verified(e, job);
        break;
    case GX_JOB_ASK:
        gx_ask_verified(e, job);
        break;
    case GX_JOB_CARD:
        break;              /* of no group: it was done above */
    }
}

void gx_jobs_verified(struct gx_engine *e, uint64_t ticket, bool ok)
{
    struct gx_job *job = e->jobs_head;

    GX_ASSERT(job != NULL && ticket <= job->last_ticket);      /* tickets are answered in order, none left out */
    e->answered_ticket = ticket;
    job->failed |= !ok && !(GX_MUTANT(MESSAGES_UNPROVED) && job->kind == GX_JOB_MESSAGES) &&
                   !(GX_MUTANT(CONTROL_UNPROVED) && job->kind == GX_JOB_CONTROL);
    if (ticket != job->last_ticket)
        return;
    e->jobs_head = job->next;
    if (e->jobs_head == NULL)
        e->jobs_tail = NULL;
    e->n_jobs--;
    e->job_bytes -= job->n_bytes;
    done(e, job);

    struct gx_group *g = gx_group_by_gnum(e, job->group);

    if (g != NULL && gx_group_joining(g) && !gx_jobs_of(g))
        g->members_changed = true;      /* a join waits for everything it was given to be checked */
    gx_job_discard(e, job);
}
