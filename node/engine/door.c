/* The guests' door: any member's node lets in who proves the code.  WIRE §6.3, KEYS §9.
 *
 * The door authenticates nobody; what a guest sees before it is admitted is CREATE, the issuer's admissions and the TOKEN. */
#include "node/engine/commands.h"
#include "node/engine/people.h"
#include "node/engine/sealing.h"

#define ASKED_MS 30000u         /* so long a door that was asked for on the LAN is kept for who asked */
#define GIVING_MS 60000u        /* how long handing over a group's control events may take */

struct gx_door *gx_doors_by_number(struct gx_engine *e, uint32_t number)
{
    if (number != 0 && e->people.door.number == number)
        return &e->people.door;
    for (uint32_t i = 0; i < e->n_doors; i++)
        if (e->doors[i].number == number)
            return &e->doors[i];
    return NULL;
}

struct gx_door *gx_doors_by_token(struct gx_engine *e, const struct gx_event_id *token)
{
    for (uint32_t i = 0; i < e->n_doors; i++)
        if (gx_event_id_equal(&e->doors[i].token, token))
            return &e->doors[i];
    return NULL;
}

/* --- which tokens have a door ------------------------------------------------------------------------------------------------------------- */

struct candidate {
    struct gx_group *g;
    const struct gx_token_info *info;
    bool live;
    bool asked;             /* for just now, on the LAN */
    uint64_t arrival;
};

static bool better(const struct candidate *a, const struct candidate *b)
{
    if (a->live != b->live)
        return a->live;
    if (a->asked != b->asked)
        return a->asked;
    return a->arrival > b->arrival;
}

/* Live tokens first, then those that ended before their time: who holds one of these is told why it is refused. */
static uint32_t choose(struct gx_engine *e, struct candidate best[GX_DOORS_MAX])
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        for (uint32_t k = 0; gx_group_is_member(g) && k < g->n_tokens; k++) {
            struct gx_token_info *info = &g->tokens[k];
            struct candidate c = {.g = g, .info = info, .arrival = g->ops[info->op].arrival};

            if (!gx_token_known(g, info) || gx_token_expired(info->expires_min, e->now) || !gx_token_open(e, g, info))
                continue;
            c.live = gx_token_deny(g, info, GX_LAW_NONE) == GX_DENY_NONE;
            c.asked = info->asked_ms != 0 && e->now.mono_ms < info->asked_ms + ASKED_MS;
            if (n == GX_DOORS_MAX && !better(&c, &best[n - 1]))
                continue;

            uint32_t at = n < GX_DOORS_MAX ? n++ : n - 1;

            for (; at > 0 && better(&c, &best[at - 1]); at--)
                best[at] = best[at - 1];
            best[at] = c;
        }
    }
    return n;
}

static void close_door(struct gx_engine *e, uint32_t i)
{
    struct gx_effect *effect = gx_engine_effect(e, GX_OUT_DOOR_CLOSE);

    effect->door = e->doors[i].number;
    for (uint32_t k = 0; k < e->n_sessions; k++)
        if (!e->sessions[k]->closed && e->sessions[k]->kind == GX_SESSION_DOOR && e->sessions[k]->door == e->doors[i].number)
            gx_session_close(e, e->sessions[k], GX_BYE_DONE);
    e->doors[i] = e->doors[--e->n_doors];
}

static void open_door(struct gx_engine *e, const struct candidate *c)
{
    struct gx_door *door = &e->doors[e->n_doors];
    struct gx_txn *txn = gx_engine_txn(e, false);
    uint16_t port = 0;

    if (txn == NULL)
        return;
    e->n_doors++;
    *door = (struct gx_door){.number = e->next_door++, .group = c->g->row.gnum, .token = c->g->law.nodes[c->info->op].op.id};
    gx_engine_ok(e, gx_door_get(txn, &port, &door->token));

    struct gx_effect *effect = gx_engine_effect(e, GX_OUT_DOOR_OPEN);

    effect->door = door->number;
    effect->port = port;
    gx_door_keys_make(&effect->door_pk, &effect->door_sk, &c->info->lan);
}

void gx_doors_refresh(struct gx_engine *e)
{
    struct candidate best[GX_DOORS_MAX];
    uint32_t n = choose(e, best);

    e->doors_dirty = false;
    gx_card_door_open(e);
    for (uint32_t i = 0; i < e->n_doors;) {
        bool stays = false;

        for (uint32_t k = 0; k < n && !stays; k++)
            stays = gx_event_id_equal(&e->doors[i].token, &best[k].g->law.nodes[best[k].info->op].op.id);
        if (stays)
            i++;
        else
            close_door(e, i);
    }
    for (uint32_t k = 0; k < n && e->fault == GX_OK; k++)
        if (gx_doors_by_token(e, &best[k].g->law.nodes[best[k].info->op].op.id) == NULL)
            open_door(e, &best[k]);
    gx_doors_timer(e);
}

/* Doors close when their token expires. */
void gx_doors_timer(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_doors; i++) {
        struct gx_group *g = gx_group_by_gnum(e, e->doors[i].group);
        uint32_t op = g == NULL ? GX_NONE : gx_group_op(g, &e->doors[i].token);
        const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);
        uint64_t ends = info == NULL ? 0 : gx_token_expiry_ms(info->expires_min);

        if (info == NULL || gx_token_expired(info->expires_min, e->now))
            e->doors_dirty = true;
        else
            gx_engine_wake(e, e->now.mono_ms + (ends - e->now.wall_ms < 3600000u ? ends - e->now.wall_ms + 1 : 3600000u));
    }
}

void gx_doors_opened(struct gx_engine *e, const struct gx_input *in)
{
    struct gx_door *door = gx_doors_by_number(e, in->door);
    struct gx_txn *txn = NULL;
    uint16_t port = 0;

    if (door == NULL)
        return;
    if (in->n_addrs == 0) {
        door->failed = true;
        gx_engine_log(e, "a guests' door could not be opened: nobody can join by that invitation through this node");
        return;
    }
    door->open = true;
    door->n_addrs = (uint8_t)(in->n_addrs < GX_ENDPOINT_ADDRS_MAX ? in->n_addrs : GX_ENDPOINT_ADDRS_MAX);
    memcpy(door->addrs, in->addrs, door->n_addrs * sizeof door->addrs[0]);
    txn = gx_engine_txn(e, false);
    if (txn != NULL && gx_engine_ok(e, gx_door_get(txn, &port, &door->token)) && port == door->addrs[0].port)
        return;
    txn = gx_engine_txn(e, true);
    if (txn != NULL)
        gx_engine_ok(e, gx_door_put(txn, &door->token, door->addrs[0].port));
}

/* --- a guest at the door --------------------------------------------------------------------------------------------------------------------- */

static void refuse(struct gx_engine *e, struct gx_session *s, enum gx_deny deny)
{
    struct gx_wr w = gx_engine_wr(e, 4);

    gx_engine_drop(e, "guest_refused");
    gx_frame_write_reason(&w, GX_FRAME_REFUSED, (uint8_t)deny);
    gx_engine_send(e, s, &w);
    gx_session_close(e, s, GX_BYE_DONE);
}

/* May this token let in who is (not yet) a member, by the law and by this node's clock? */
static enum gx_deny may_enter(struct gx_engine *e, struct gx_group *g, const struct gx_event_id *token, uint32_t joiner)
{
    uint32_t op = gx_group_op(g, token);
    const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);

    gx_group_settle(e, g);
    if (info == NULL || !gx_group_is_member(g))
        return GX_DENY_TOKEN_UNKNOWN;
    if ((joiner == GX_NONE || !gx_law_is_member(&g->law, joiner)) && gx_token_expired(info->expires_min, e->now))
        return GX_DENY_TOKEN_EXPIRED;
    return gx_token_deny(g, info, joiner);
}

static void take_guest(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_frame *f)
{
    uint32_t op = gx_group_op(g, &s->token);
    const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);
    struct gx_job *job = info == NULL ? NULL : gx_job_new(e, GX_JOB_GUEST, s, g->row.gnum, gx_span(NULL, 0));
    uint8_t bytes[GX_GUEST_SIGNED_BYTES];

    if (job == NULL)
        return;
    s->stage = GX_GUEST_PROOF;
    job->proof.device = f->device;
    gx_guest_signed_bytes(bytes, &f->device, &s->transcript);
    gx_job_verify(e, job, GX_DOMAIN_GUEST, &info->pk, gx_span(bytes, sizeof bytes), &f->sig);
    gx_job_begin(e, job);
}

/* One event into a PATH frame; a full frame is sent and another one begun. */
static void put_op(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_wr *w, struct gx_frame_list *list,
                   const struct gx_wr *scratch, uint32_t op)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_log *log = &g->logs[g->ops[op].log];
    struct gx_wr chunk = *scratch;
    uint32_t next = 0;

    if (txn == NULL || !gx_engine_ok(e, gx_events_read_chunk(txn, &chunk, &next, &log->row, &g->row.id, g->ops[op].seq, 1, GX_CHUNK_BYTES_MAX)))
        return;
    if (list->n > 0 && w->n + 4u + chunk.n > GX_FRAME_BYTES_MAX) {
        gx_frame_end(w, list);
        gx_engine_send(e, s, w);
        *w = gx_engine_wr(e, GX_FRAME_BYTES_MAX);
        *list = gx_frame_begin_path(w);
    }
    gx_frame_put_chunk(w, list, gx_wr_span(&chunk));
}

/* The INCARNATION that opened the control log in which an operation stands; GX_LAW_NONE: its author's admission, or CREATE, did. */
static uint32_t opening_of(const struct gx_group *g, uint32_t op)
{
    const struct gx_log_id *log = &g->logs[g->ops[op].log].row.id;

    for (uint32_t y = op; y-- > 0;)
        if (g->ops[y].type == GX_EV_INCARNATION && g->ops[y].seq == 1 && gx_log_id_equal(&g->logs[g->ops[y].log].row.id, log))
            return y;
    return GX_LAW_NONE;
}

/* CREATE, the admissions from the founder to the issuer, TOKEN; before each what opened the log it stands in, for who restored their home. */
static void send_path(struct gx_engine *e, struct gx_session *s, struct gx_group *g, uint32_t token)
{
    uint32_t *path = gx_arena_take(&e->arena, (g->law.n_persons + 1u) * sizeof *path), n = 0;
    struct gx_wr w = gx_engine_wr(e, GX_FRAME_BYTES_MAX);
    struct gx_frame_list list = gx_frame_begin_path(&w);
    struct gx_wr scratch = gx_engine_wr(e, GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX);

    for (uint32_t x = token; path != NULL && x != GX_LAW_NONE && n <= g->law.n_persons; x = gx_known_admit(g, x))
        path[n++] = x;
    while (n > 0) {
        uint32_t opening = opening_of(g, path[--n]);

        if (opening != GX_LAW_NONE)
            put_op(e, s, g, &w, &list, &scratch, opening);
        put_op(e, s, g, &w, &list, &scratch, path[n]);
    }
    gx_frame_end(&w, &list);
    gx_engine_send(e, s, &w);
    s->stage = GX_GUEST_PATH;
}

void gx_door_guest_verified(struct gx_engine *e, struct gx_job *job)
{
    struct gx_session *s = gx_session_find(e, job->session);
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    enum gx_deny deny = GX_DENY_NONE;

    if (s == NULL || s->closed || g == NULL)
        return;
    if (job->failed) {
        gx_engine_drop(e, "guest_proof");
        gx_session_close(e, s, GX_BYE_MALFORMED);
        return;
    }
    /* Who was admitted and lost the door half way is let through, whatever became of the token since. */
    deny = may_enter(e, g, &s->token, gx_group_person_of_device(g, &job->proof.device));
    if (deny != GX_DENY_NONE)
        refuse(e, s, deny);
    else
        send_path(e, s, g, gx_group_op(g, &s->token));
}

static void take_join(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_frame *f)
{
    struct gx_job *job = gx_job_new(e, GX_JOB_JOIN, s, g->row.gnum, f->bytes);
    const struct gx_token_info *info = gx_group_token(g, gx_group_op(g, &s->token));
    enum gx_err err = GX_OK;

    if (job == NULL)
        return;
    err = gx_join_request_decode(&job->request, gx_span(job->bytes, job->n_bytes));
    if (err != GX_OK || info == NULL || job->request.via != GX_VIA_QR || !gx_group_id_equal(&job->request.group, &g->row.id) ||
        !gx_event_id_equal(&job->request.token, &s->token)) {
        gx_job_discard(e, job);
        gx_engine_drop(e, "join_request");
        gx_session_close(e, s, GX_BYE_MALFORMED);
        return;
    }
    s->stage = GX_GUEST_REQUESTED;
    gx_job_verify_request(e, job, &job->request, &info->pk);
    gx_job_begin(e, job);
}

/* An event of a message log without its body: signed by its author, so that a door cannot invent where a log begins. */
static bool put_bare(struct gx_engine *e, struct gx_group *g, const struct gx_log *log, uint32_t seq, struct gx_wr *w, struct gx_frame_list *list)
{
    uint8_t bytes[GX_CHUNK_HEADER_BYTES + GX_BARE_RECORD_MAX];
    struct gx_wr chunk = gx_wr(bytes, sizeof bytes);
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_event ev;

    if (txn == NULL || !gx_engine_ok(e, gx_events_get(txn, &ev, &log->row, &g->row.id, seq)))
        return false;
    ev.body = gx_span(NULL, 0);
    gx_chunk_write_header(&chunk, &ev.log, (uint32_t)ev.seq, &ev.prev, 1);
    gx_record_encode(&chunk, &ev);
    if (chunk.failed || w->n + 4u + chunk.n > GX_FRAME_BYTES_MAX)
        return false;
    gx_frame_put_chunk(w, list, gx_wr_span(&chunk));
    return true;
}

/* Of each message log where it begins for the newcomer; and behind that the newest event too, should the other one's own signature not hold: that of a later
 * one may be all that proves it. */
static void send_baseline(struct gx_engine *e, struct gx_session *s, struct gx_group *g, uint16_t channel, const struct gx_sign_pk *device)
{
    struct gx_history history = {.person = gx_group_person_of_device(g, device)};
    /* What was written in a direct chat before the other came is for nobody else. */
    uint32_t at = gx_group_is_direct(g) || GX_MUTANT(BASELINE_NONE) ? 2 * g->n_logs : 0;
    uint16_t sent = 0;

    do {                /* the last one is empty: it tells that the gifts are complete */
        struct gx_wr w = gx_engine_wr(e, GX_FRAME_BYTES_MAX);
        struct gx_frame_list list = gx_frame_begin_baseline(&w, channel);

        for (; at < 2 * g->n_logs && list.n < GX_FRAME_CHUNKS_MAX; at++) {
            const struct gx_log *log = &g->logs[at / 2];
            uint32_t base = log->row.cls == GX_LOG_MESSAGES ? gx_history_base(e, g, &history, at / 2) : 0;

            if (base == 0 || base == log->row.base_seq || (at % 2 == 1 && base == log->row.head_seq))
                continue;
            if (!put_bare(e, g, log, at % 2 == 0 ? base : log->row.head_seq, &w, &list) && list.n > 0)
                break;          /* the frame is full: the next one goes on here */
        }
        gx_frame_end(&w, &list);
        gx_engine_send(e, s, &w);
        sent = list.n;
    } while (sent > 0);
}

void gx_door_give(struct gx_engine *e, struct gx_session *s, struct gx_group *g, uint16_t channel, const struct gx_sign_pk *device)
{
    gx_serve_all_control(e, s, g, channel);
    for (uint32_t at = 0; at < g->n_endpoints; at += GX_ENDPOINTS_PER_FRAME_MAX) {
        struct gx_wr w = gx_engine_wr(e, GX_FRAME_BYTES_MAX);
        struct gx_frame_list list = gx_frame_begin_endpoints(&w, channel);

        for (uint32_t i = at; i < g->n_endpoints && i < at + GX_ENDPOINTS_PER_FRAME_MAX; i++)
            gx_frame_put_endpoint(&w, &list, &g->endpoints[i]);
        gx_frame_end(&w, &list);
        gx_engine_send(e, s, &w);
    }
    gx_keys_give(e, s, g, channel, device);
    send_baseline(e, s, g, channel, device);
}

/* To a guest: all it needs to resolve the group itself and to find the others. */
static void give(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_event_id *admit, const struct gx_sign_pk *device)
{
    struct gx_wr w = gx_engine_wr(e, 64);

    gx_frame_write_admitted(&w, admit);
    gx_engine_send(e, s, &w);
    gx_door_give(e, s, g, 0, device);
    s->stage = GX_GUEST_ADMITTED;
    gx_session_deadline(e, s, e->now.mono_ms + GIVING_MS);
    w = gx_engine_wr(e, 4);
    gx_frame_write_reason(&w, GX_FRAME_BYE, GX_BYE_DONE);       /* the guest closes when it has it all */
    gx_engine_send(e, s, &w);
}

void gx_door_join_verified(struct gx_engine *e, struct gx_job *job)
{
    struct gx_session *s = gx_session_find(e, job->session);
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    struct gx_body body = {.type = GX_EV_ADMIT};
    struct gx_event_id id = {{0}};
    enum gx_deny deny = GX_DENY_NONE;
    uint32_t person = GX_NONE;

    if (s == NULL || s->closed || g == NULL)
        return;
    if (job->failed) {
        gx_engine_drop(e, gx_err_name(GX_E_SIGNATURE));
        gx_session_close(e, s, GX_BYE_MALFORMED);
        return;
    }
    gx_group_settle(e, g);
    person = gx_group_person_of_device(g, &job->request.joiner.device);
    if (person != GX_NONE && gx_law_is_member(&g->law, person)) {
        give(e, s, g, &g->law.nodes[gx_law_seat(&g->law, person)].op.id, &job->request.joiner.device);      /* a retry: the seat is theirs already */
        return;
    }
    deny = may_enter(e, g, &s->token, person);
    if (deny != GX_DENY_NONE) {
        refuse(e, s, deny);
        return;
    }
    body.u.admit.request_bytes = gx_span(job->bytes, job->n_bytes);
    body.u.admit.request = job->request;
    if (gx_author_write(e, g, &body, &id, NULL) != GX_OK || e->fault != GX_OK) {
        refuse(e, s, GX_DENY_TOKEN_UNKNOWN);
        return;
    }
    gx_group_settle(e, g);
    if (!gx_group_live(g, &job->request.joiner.device)) {       /* the law says otherwise than it did when asked: a stale request */
        refuse(e, s, gx_law_deny((enum gx_law_rule)g->law.now.results[g->law.n_ops - 1].rule));
        return;
    }
    give(e, s, g, &id, &job->request.joiner.device);
}

void gx_door_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_group *g = gx_group_by_gnum(e, s->group);

    if (s->group == GX_NONE) {
        gx_card_door_frame(e, s, f);
    } else if (g == NULL) {
        gx_session_close(e, s, GX_BYE_DONE);
    } else if (f->kind == GX_FRAME_GUEST && s->stage == GX_GUEST_NEW) {
        take_guest(e, s, g, f);
    } else if (f->kind == GX_FRAME_JOIN && s->stage == GX_GUEST_PATH) {
        take_join(e, s, g, f);
    } else {
        gx_engine_drop(e, "unexpected_frame");
        gx_session_close(e, s, GX_BYE_MALFORMED);
    }
}
