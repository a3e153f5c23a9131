/* What each kind of liar does when its time has come: one lie of its kind, or a few. */
#include "tests/sim/liar.h"

#include <stdio.h>
#include <stdlib.h>

/* In the tables of the node, its engine being at rest. */
struct scene {
    struct gx_sim *sim;
    uint32_t node;
    struct sim_liar *liar;
    struct gx_engine *e;
    struct gx_group *g;
    struct gx_group_id id;          /* of g, which a write may move */
};

static uint32_t pick(const struct scene *s, uint32_t n)
{
    return sim_liar_pick(s->liar, n);
}

/* What the node's own admission is: the oldest thing that its events may rest on. */
static uint32_t seat_of(const struct gx_group *g, uint32_t person)
{
    uint32_t seat = person == GX_NONE ? GX_LAW_NONE : gx_law_seat(&g->law, person);

    for (uint32_t op = 0; seat == GX_LAW_NONE && op < g->law.n_ops; op++)      /* it was removed */
        if (g->law.nodes[op].op.target == person && (g->law.nodes[op].op.kind == GX_OP_ADMIT || g->law.nodes[op].op.kind == GX_OP_CREATE))
            seat = op;
    return seat;
}

static void behind_newest(struct sim_place *at, const struct gx_group *g)
{
    sim_place_behind(at, g, g->law.n_ops - 1);
}

/* The name that it has: who is called by it goes on to be found. */
static struct gx_body alias_of(const struct scene *s, uint32_t node)
{
    const char *name = s->sim->nodes[node].config.name;

    return (struct gx_body){.type = GX_EV_ALIAS, .u.alias.name = gx_span(name, strlen(name))};
}

static gx_session_id any_session(const struct scene *s)
{
    gx_session_id found = 0;
    uint32_t n = 0;

    for (uint32_t k = 0; k < s->e->n_sessions; k++)
        if (!s->e->sessions[k]->closed && sim_peer(s->sim, s->node, s->e->sessions[k]->id) != SIM_NONE && pick(s, ++n) == 0)
            found = s->e->sessions[k]->id;
    return found;
}

static void say(const struct scene *s, gx_session_id session, const struct gx_wr *w)
{
    if (session != 0 && !w->failed)
        sim_say(s->sim, s->node, session, gx_wr_span(w));
}

/* --- equivocator -------------------------------------------------------------------------------------------------------------------------------- */

/* Two events in one place, and a few behind each; the engine hears of both from others, and then goes on in new logs. */
static void equivocate(struct scene *s)
{
    bool control = pick(s, 4) == 0;
    uint32_t log = control ? s->g->own_control : s->g->own_messages;
    struct sim_fork *fork = &s->liar->fork[control];
    struct gx_sign_sk sk;
    char text[32];

    if (!gx_group_is_member(s->g))
        return;
    if (fork->n_left == 0) {
        bool same = gx_log_id_equal(&fork->place[0].log, &s->g->logs[log].row.id);

        if (same && fork->n_forks >= 3)
            return;                 /* more branches than are kept are another lie */
        *fork = (struct sim_fork){.n_forks = same ? fork->n_forks + 1 : 1, .n_left = 4};
        fork->place[0] = fork->place[1] = sim_head_of(s->g, log);
    }
    fork->n_left--;
    sim_device_sk(s->sim, s->node, s->g, &sk);
    for (uint32_t b = 0; b < 2; b++) {
        struct sim_forged *f = &s->liar->forged;
        struct sim_place *at = &fork->place[b];
        struct gx_body alias = alias_of(s, s->node);

        if (control)
            behind_newest(at, s->g);
        at->tick += control && b == 1;          /* not the same event twice */
        snprintf(text, sizeof text, "%s %u", b == 0 ? "left" : "right", s->liar->n_acts);
        if (!control && at->seq == 1)
            sim_place_behind(at, s->g, seat_of(s->g, s->g->me));
        if (control)
            sim_forge(f, &s->id, &sk, &alias, at, gx_sim_wall_ms(s->sim));
        else
            sim_forge_text(f, &s->id, &sk, text, at);
        sim_tell(s->sim, s->node, s->g, gx_span(f->chunk, f->n), 1 + b);
        if (!control)
            sim_told(s->sim, s->node, s->g, &f->ev, false);
        sim_place_next(at, f);
    }
}

/* --- backdater ---------------------------------------------------------------------------------------------------------------------------------- */

static void fill_backdated(const struct scene *s, struct gx_body *body, uint32_t author, const struct gx_group *g)
{
    uint32_t victim = pick(s, g->law.n_persons);
    bool friend = victim == g->me || gx_sign_pk_equal(&g->law.persons[victim].member, &s->g->row.intro.member);

    switch (friend ? 1 : pick(s, 5)) {
    case 0:
        *body = (struct gx_body){.type = GX_EV_REMOVE, .u.removal.target = g->law.persons[victim].member};
        break;
    case 1:
        *body = (struct gx_body){.type = GX_EV_PROMOTE, .u.target.target = g->row.intro.member};
        break;
    case 2:
        *body = (struct gx_body){.type = GX_EV_UNBAN, .u.target.target = g->row.intro.member};
        break;
    case 3:
        *body = (struct gx_body){.type = GX_EV_REVOKE, .u.revoke = {.what = GX_REVOKE_MEMBER, .member = g->law.persons[victim].member}};
        break;
    default:
        *body = alias_of(s, author);
        break;
    }
}

/* By `author`'s keys and tables, told by the node of the scene: an event that knows no more than how its author came in, or goes on where its log was
 * long ago. */
static void backdate(struct scene *s, uint32_t author, struct gx_group *its)
{
    struct gx_engine *e = s->sim->nodes[author].engine;
    bool control = pick(s, 2) == 0, at_head = pick(s, 2) == 0;
    uint32_t log = control ? its->own_control : its->own_messages, seat = seat_of(its, its->me);
    const struct gx_log_row *row = &its->logs[log].row;
    struct sim_place at = sim_head_of(its, log);
    struct sim_forged *f = &s->liar->forged;
    struct gx_body body;
    struct gx_sign_sk sk;

    if (seat == GX_LAW_NONE || (!at_head && row->head_seq > row->base_seq &&
                                !sim_place_of(e, its, log, row->base_seq + 1 + pick(s, row->head_seq - row->base_seq), &at)))
        return;
    sim_device_sk(s->sim, author, its, &sk);
    sim_place_behind(&at, its, seat);
    if (control) {
        fill_backdated(s, &body, author, its);
        sim_forge(f, &s->id, &sk, &body, &at, SIM_WALL_MS);
    } else {
        sim_forge_text(f, &s->id, &sk, "written long ago", &at);
    }
    sim_tell(s->sim, s->node, s->g, gx_span(f->chunk, f->n), 0);
    if (!control && at.seq == (uint64_t)row->head_seq + 1)
        sim_told(s->sim, author, its, &f->ev, true);
}

/* A seat for somebody, by a code that is known to it, as if it were given at the beginning. */
static void backdate_admission(struct scene *s)
{
    struct sim_place at = sim_head_of(s->g, s->g->own_control);
    uint32_t seat = seat_of(s->g, s->g->me), token = gx_group_op(s->g, &s->liar->token);
    struct gx_body body = {.type = GX_EV_ADMIT};
    uint8_t request[GX_JOIN_REQUEST_MAX];
    struct sim_made *who = NULL;
    struct gx_sign_sk sk;

    if (!sim_has_token(s->sim, s->node, &s->id, 0) || token == GX_NONE || seat == GX_LAW_NONE || (who = sim_make_up(s->sim, s->node, s->g)) == NULL)
        return;
    body.u.admit.request_bytes = gx_span(request, sim_request(s->liar, who, s->g, NULL, request, &body.u.admit.request));
    sim_place_behind(&at, s->g, seat);
    sim_place_behind(&at, s->g, token);
    sim_device_sk(s->sim, s->node, s->g, &sk);
    sim_forge(&s->liar->forged, &s->id, &sk, &body, &at, SIM_WALL_MS);
    sim_tell(s->sim, s->node, s->g, gx_span(s->liar->forged.chunk, s->liar->forged.n), 0);
    s->liar->n_made++;
}

static void backdater(struct scene *s)
{
    if (pick(s, 5) == 0)
        backdate_admission(s);
    else
        backdate(s, s->node, s->g);
}

/* --- replayer, garbage --------------------------------------------------------------------------------------------------------------------------- */

static const struct sim_frame *any_seen(const struct scene *s)
{
    return s->liar->n_seen == 0 ? NULL : s->liar->seen[pick(s, s->liar->n_seen)];
}

/* The same bytes to somebody else; or the events in them as if they were another group's. */
static void replay(struct scene *s)
{
    const struct sim_frame *seen = any_seen(s);
    gx_session_id session = any_session(s);
    struct gx_session *to = session == 0 ? NULL : gx_session_find(s->e, session);
    uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame f;

    if (seen == NULL || to == NULL)
        return;
    if (pick(s, 2) == 0 || to->n_channels == 0 || gx_frame_decode(&f, gx_span(seen->bytes, seen->n)) != GX_OK || f.kind != GX_FRAME_CHUNKS) {
        sim_say(s->sim, s->node, session, gx_span(seen->bytes, seen->n));
        return;
    }

    struct gx_frame_list list = gx_frame_begin_chunks(&w, to->channels[pick(s, to->n_channels)].number, GX_CHUNKS_PUSH);
    struct gx_rd rd = gx_rd(f.list);

    for (size_t i = 0; i < f.n; i++)
        gx_frame_put_chunk(&w, &list, gx_frame_chunk_next(&rd));
    gx_frame_end(&w, &list);
    say(s, session, &w);
}

/* An event of somebody else says something else, with the signature that it had. */
static void alter(struct scene *s)
{
    uint32_t log = pick(s, s->g->n_logs);
    const struct gx_log_row *row = &s->g->logs[log].row;
    struct sim_forged *f = &s->liar->forged;
    struct gx_body body;
    bool read = row->head_seq > row->base_seq && !s->g->logs[log].own &&
                gx_group_read(s->e, s->g, &s->g->logs[log], row->head_seq - pick(s, row->head_seq - row->base_seq), &f->ev, &body);

    if (read && body.type == GX_EV_TEXT) {
        memcpy(f->body, f->ev.body.p, f->ev.body.n);
        f->body[pick(s, (uint32_t)f->ev.body.n)] ^= (uint8_t)(1u << pick(s, 8));
        f->ev.body.p = f->body;
    } else if (read) {
        f->ev.tick += 1 + pick(s, 3);
    }
    if (read) {
        gx_event_close(&f->ev);
        sim_forged_chunk(f);
    }
    gx_txn_abort(&s->e->txn);
    if (read)
        sim_tell(s->sim, s->node, s->g, gx_span(f->chunk, f->n), 0);
}

/* Whoever asks it for keys is told others. */
static void spoil_keys(struct scene *s)
{
    struct gx_message_key key;
    struct gx_txn *txn = NULL;

    if (gx_txn_begin(&txn, s->sim->nodes[s->node].store, true) != GX_OK)
        return;
    sim_liar_bytes(s->liar, key.b, sizeof key.b);
    for (uint32_t k = 0; k < s->g->n_logs; k++) {
        const struct gx_log_row *row = &s->g->logs[k].row;
        uint64_t arrival = 0;

        for (uint32_t seq = row->base_seq + 1; row->cls == GX_LOG_MESSAGES && seq <= row->head_seq; seq++)
            if (gx_events_arrival(txn, &arrival, row, seq) != GX_OK || gx_message_key_put(txn, s->g->row.gnum, arrival, &key) != GX_OK)
                break;
    }
    if (gx_txn_commit(&txn) == GX_OK)
        sim_lied(s->sim, s->node);
}

static void garbage(struct scene *s)
{
    const struct sim_frame *seen = any_seen(s);
    uint8_t bytes[GX_FRAME_BYTES_MAX];
    size_t n = 0;

    switch (pick(s, 5)) {
    case 0:
        n = 1 + pick(s, 200);
        sim_liar_bytes(s->liar, bytes, n);
        bytes[0] = (uint8_t)(1 + pick(s, GX_FRAME_DENIED));
        break;
    case 1:
        n = seen == NULL || seen->n > sizeof bytes ? 0 : seen->n;
        if (n == 0)
            return;
        memcpy(bytes, seen->bytes, n);
        bytes[pick(s, (uint32_t)n)] ^= (uint8_t)(1u << pick(s, 8));
        break;
    case 2:
        spoil_keys(s);
        return;
    default:
        alter(s);
        return;
    }
    if (any_session(s) != 0)
        sim_say(s->sim, s->node, any_session(s), gx_span(bytes, n));
}

/* --- oversize ------------------------------------------------------------------------------------------------------------------------------------- */

/* Signed as it should be, and longer than what is sealed in it can be. */
static void too_long(struct scene *s, bool name)
{
    struct sim_place at = sim_head_of(s->g, name ? s->g->own_control : s->g->own_messages);
    struct sim_forged *f = &s->liar->forged;
    struct gx_wr w = gx_wr(f->body, sizeof f->body);
    struct gx_body body = {.type = name ? GX_EV_ALIAS : GX_EV_TEXT};
    struct gx_sign_sk sk;

    memset(f->blind, 'x', sizeof f->blind);
    body.u.sealed.sealed = gx_span(f->blind, (name ? 2u : 59u) * 1024u + GX_AEAD_TAG_BYTES);
    gx_body_encode(&w, &body);
    GX_ASSERT(!w.failed);
    behind_newest(&at, s->g);
    sim_device_sk(s->sim, s->node, s->g, &sk);
    sim_forge_body(f, &s->id, &sk, body.type, gx_wr_span(&w), &at, gx_sim_wall_ms(s->sim));
    sim_tell(s->sim, s->node, s->g, gx_span(f->chunk, f->n), 0);
}

static void oversize(struct scene *s)
{
    uint32_t kind = pick(s, 5);
    gx_session_id session = any_session(s);
    size_t cap = GX_FRAME_BYTES_MAX + 1 + pick(s, 1u << 20);
    uint8_t *bytes = NULL;
    struct gx_wr w;
    struct gx_frame_list list;

    if (kind < 2) {
        too_long(s, kind == 0);
        return;
    }
    if (session == 0)
        return;
    bytes = calloc(1, cap);
    GX_ASSERT(bytes != NULL);
    w = gx_wr(bytes, cap);
    if (kind == 2) {                /* a frame of any kind that is too long */
        bytes[0] = (uint8_t)(1 + pick(s, GX_FRAME_DENIED));
        w.n = cap;
    } else if (kind == 3) {         /* more tags than fit a list */
        list = gx_frame_begin_tags(&w);
        for (uint32_t k = 0; k <= GX_FRAME_TAGS_MAX; k++)
            gx_frame_put_tag(&w, &list, &(struct gx_tag){{(uint8_t)k}});
        gx_frame_end(&w, &list);
    } else {                        /* more logs */
        list = gx_frame_begin_frontier(&w, 0, 0, NULL, NULL);
        for (uint32_t k = 0; k <= GX_FRONTIER_ENTRIES_MAX; k++)
            gx_frame_put_frontier(&w, &list, &(struct gx_frontier_entry){.seq = k});
        gx_frame_end(&w, &list);
    }
    say(s, session, &w);
    free(bytes);
}

/* --- flooder -------------------------------------------------------------------------------------------------------------------------------------- */

#define FLOOD 4u                /* frames of a kind at once, */
#define FLOOD_WANTS 16u         /* and questions for all there is: more than is answered */

/* All that there is, from the beginning. */
static void want_all(struct scene *s, struct gx_session *to, const struct gx_channel *c)
{
    uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_want(&w, c->number, GX_WANT_MESSAGES, GX_WANT_CHUNKS_MAX);

    for (uint32_t k = 0; k < s->g->n_logs && k < 500; k++) {
        struct gx_want_entry entry = {.from_seq = 1};

        memcpy(entry.tag.b, s->g->logs[k].row.id.b, sizeof entry.tag.b);
        gx_frame_put_want(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    say(s, to->id, &w);
}

/* To have what it has not, and to be told again. */
static void claim_all(struct scene *s, struct gx_session *to, const struct gx_channel *c)
{
    uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_frontier(&w, c->number, 0, NULL, NULL);

    for (uint32_t k = 0; k < s->g->n_logs && k < 500; k++) {
        struct gx_frontier_entry entry = {.seq = s->g->logs[k].row.head_seq + 1 + pick(s, 100)};

        memcpy(entry.tag.b, s->g->logs[k].row.id.b, sizeof entry.tag.b);
        sim_liar_bytes(s->liar, entry.check, sizeof entry.check);
        gx_frame_put_frontier(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    say(s, to->id, &w);
}

#define WASTE_FRAMES 64u        /* of what it wrote itself, again and again, to one peer: more than is looked at */
#define WASTE_BYTES (2u << 20)

/* The first one that shares the group. */
static struct gx_session *victim(const struct scene *s)
{
    for (uint32_t k = 0; k < s->e->n_sessions; k++)
        if (!s->e->sessions[k]->closed && gx_session_channel_of(s->e->sessions[k], s->g->row.gnum) != NULL)
            return s->e->sessions[k];
    return NULL;
}

static void say_again(struct scene *s)
{
    static uint8_t chunk[GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX], bytes[GX_FRAME_BYTES_MAX];
    const struct gx_log_row *row = s->g->own_messages == GX_NONE ? NULL : &s->g->logs[s->g->own_messages].row;
    struct gx_session *to = victim(s);
    const struct gx_channel *c = to == NULL ? NULL : gx_session_channel_of(to, s->g->row.gnum);
    struct gx_wr w = gx_wr(chunk, sizeof chunk);
    struct gx_txn *txn = NULL;
    uint32_t next = 0;

    if (row == NULL || c == NULL || row->head_seq <= row->base_seq || gx_txn_begin(&txn, s->sim->nodes[s->node].store, false) != GX_OK)
        return;

    enum gx_err err = gx_events_read_chunk(txn, &w, &next, row, &s->g->row.id, row->base_seq + 1, GX_CHUNK_EVENTS_MAX, GX_CHUNK_BYTES_MAX);

    gx_txn_abort(&txn);
    for (size_t n = 0; err == GX_OK && n < WASTE_FRAMES && n < WASTE_BYTES / w.n; n++) {
        struct gx_wr f = gx_wr(bytes, sizeof bytes);
        struct gx_frame_list list = gx_frame_begin_chunks(&f, c->number, GX_CHUNKS_PUSH);

        gx_frame_put_chunk(&f, &list, gx_wr_span(&w));
        gx_frame_end(&f, &list);
        say(s, to->id, &f);
    }
}

static void flood(struct scene *s)
{
    say_again(s);
    for (uint32_t k = 0; k < s->e->n_sessions; k++) {
        struct gx_session *to = s->e->sessions[k];
        const struct gx_channel *c = to->closed ? NULL : gx_session_channel_of(to, s->g->row.gnum);

        for (uint32_t n = 0; c != NULL && c->mine && n < FLOOD; n++) {
            uint8_t bytes[64];
            struct gx_wr w = gx_wr(bytes, sizeof bytes);
            struct gx_frame_list list;

            for (uint32_t more = 0; more < FLOOD_WANTS / FLOOD; more++)
                want_all(s, to, c);
            claim_all(s, to, c);
            gx_frame_write_echo(&w, GX_FRAME_PING, n);
            say(s, to->id, &w);
            w = gx_wr(bytes, sizeof bytes);
            list = gx_frame_begin_heads(&w, c->number);
            gx_frame_end(&w, &list);
            say(s, to->id, &w);
        }
    }
    for (uint32_t n = 0; n < 3; n++) {
        struct gx_event_id id;

        (void)sim_write_text(s->sim, s->node, &s->id, "and again", &id);
        if (!s->sim->nodes[s->node].up)
            return;
    }
}

/* --- sybil, overcap, leaker ----------------------------------------------------------------------------------------------------------------------- */

/* A made-up person lets the next one in. */
static void admit_by(struct scene *s, struct sim_made *by)
{
    struct sim_made *who = sim_make_up(s->sim, s->node, s->g);
    struct gx_body body = {.type = GX_EV_ADMIT};
    uint8_t request[GX_JOIN_REQUEST_MAX];
    struct sim_forged *f = &s->liar->forged;

    if (who == NULL)
        return;
    body.u.admit.request_bytes = gx_span(request, sim_request(s->liar, who, s->g, &by->intro.member, request, &body.u.admit.request));
    sim_forge(f, &s->id, &by->device_sk, &body, &by->control, gx_sim_wall_ms(s->sim));
    sim_tell(s->sim, s->node, s->g, gx_span(f->chunk, f->n), 0);
    sim_place_next(&by->control, f);
    who->admit = f->ev.id;
    who->control.deps[0] = who->messages.deps[0] = f->ev.id;
    who->control.n_deps = who->messages.n_deps = 1;
    who->control.tick = who->messages.tick = f->ev.tick;
    s->liar->n_made++;
}

static void sybil(struct scene *s)
{
    struct sim_made *some = s->liar->n_made == 0 ? NULL : &s->liar->made[pick(s, s->liar->n_made)];
    struct sim_made *fresh = NULL;

    if (!gx_group_is_member(s->g) || !sim_has_token(s->sim, s->node, &s->id, 0))
        return;
    if (some != NULL && gx_group_id_equal(&some->group, &s->id) && pick(s, 2) == 0) {
        sim_forge_text(&s->liar->forged, &s->id, &some->device_sk, "we are many", &some->messages);
        sim_tell(s->sim, s->node, s->g, gx_span(s->liar->forged.chunk, s->liar->forged.n), 0);
        sim_place_next(&some->messages, &s->liar->forged);
    } else if (some != NULL && gx_group_id_equal(&some->group, &s->id) && pick(s, 2) == 0) {
        admit_by(s, some);
    } else if ((fresh = sim_make_up(s->sim, s->node, s->g)) != NULL) {
        (void)sim_admit(s->sim, s->node, &s->id, fresh, pick(s, 2) == 0);
    }
}

/* As many as there are seats, and two more: by code while codes may, and beyond; by invitation, too. */
static void overcap(struct scene *s)
{
    uint32_t left = s->g->rules.cap > s->g->law.now.n_members ? s->g->rules.cap - s->g->law.now.n_members : 0;
    bool by_code = pick(s, 2) == 0;

    if (!gx_group_is_member(s->g) || !sim_has_token(s->sim, s->node, &s->id, 0))
        return;
    for (uint32_t k = 0; k < left + 2 && k < 8; k++) {
        struct sim_made *fresh = s->sim->nodes[s->node].up ? sim_make_up(s->sim, s->node, s->g) : NULL;

        if (fresh == NULL || !sim_admit(s->sim, s->node, &s->id, fresh, by_code))
            return;
        s->g = sim_group(s->sim->nodes[s->node].engine, &s->id);
    }
}

static void write_code(const struct scene *s, const struct gx_addr *at, char out[GX_TOKEN_TEXT_MAX])
{
    struct gx_token token = {.seed = s->liar->token_seed, .expires_min = s->liar->token_expires_min, .uses = 2, .hint = *at};
    uint8_t bytes[GX_TOKEN_SIGNED_BYTES];
    struct gx_sign_sk sk;

    sim_device_sk(s->sim, s->node, s->g, &sk);
    memcpy(token.group16, s->id.b, sizeof token.group16);
    memcpy(token.issuer, s->g->row.intro.device.b, sizeof token.issuer);
    memcpy(token.as_of, s->liar->token.b, sizeof token.as_of);
    gx_token_signed_bytes(bytes, &token, &s->id, &s->liar->token_keys.pk);
    gx_sign(&token.sig, &sk, GX_DOMAIN_TOKEN, gx_span(bytes, sizeof bytes));
    gx_token_format(out, &token);
}

/* A code for two goes to everybody who is not in, and all come at once. */
static void leak(struct scene *s)
{
    const struct gx_door *door = NULL;
    char text[GX_TOKEN_TEXT_MAX];
    struct gx_command join = {.method = GX_CMD_JOIN, .token = text, .given = 1u << GX_PARAM_TOKEN};

    if (!gx_group_is_member(s->g) || !sim_has_token(s->sim, s->node, &s->id, 2) || (door = gx_doors_by_token(s->e, &s->liar->token)) == NULL || !door->open ||
        door->n_addrs == 0)
        return;
    write_code(s, &door->addrs[0], text);
    for (uint32_t i = 0; i < s->sim->options.n_nodes; i++) {
        struct sim_node *n = &s->sim->nodes[i];

        if (i == s->node || !n->up || n->paused || sim_group(n->engine, &s->id) != NULL)
            continue;
        sim_order(s->sim, i, &join);
        sim_lied(s->sim, s->node);
        sim_lie_arrived(s->sim, i, s->liar->role);
    }
    s->liar->has_token = pick(s, 8) != 0;       /* another one */
}

/* --- talker, clock ---------------------------------------------------------------------------------------------------------------------------------- */

static void talk(struct scene *s)
{
    struct gx_event_id id;
    bool out = s->sim->nodes[s->node].removed_ms != 0;

    if (sim_write_text(s->sim, s->node, &s->id, out ? "I am still here" : "I am here", &id))
        sim_told_own(s->sim, s->node, &s->id, out);
}

#define TEN_YEARS_MS (10ull * 365 * 24 * 3600 * 1000)

/* The clock jumps, in the events the logical one too: as far as all others let it. */
static void clock_lie(struct scene *s)
{
    struct sim_node *n = &s->sim->nodes[s->node];
    struct gx_body alias = alias_of(s, s->node);
    struct gx_event_id id;

    n->skew_ms = (int64_t)(sim_draw(&s->liar->rng) % (2 * TEN_YEARS_MS)) - (int64_t)TEN_YEARS_MS;
    if (pick(s, 3) == 0)
        s->g->max_tick += GX_EVENT_TICK_STEP_MAX;
    if (pick(s, 4) == 0)
        (void)sim_write(s->sim, s->node, &s->id, &alias, &id);
    else if (sim_write_text(s->sim, s->node, &s->id, "what time is it?", &id))
        sim_told_own(s->sim, s->node, &s->id, false);
}

/* --- colluder ------------------------------------------------------------------------------------------------------------------------------------- */

/* Who is out is let in again by what it once asked: by an invitation only who invited then. */
static void admit_again(struct scene *s)
{
    struct gx_group *g = s->g;
    struct gx_body body;
    struct gx_event ev;
    struct gx_event_id id;
    uint8_t request[GX_JOIN_REQUEST_MAX];
    uint32_t found = GX_NONE, n = 0;

    for (uint32_t op = 0; op < g->law.n_ops; op++)
        if (g->law.nodes[op].op.kind == GX_OP_ADMIT && !gx_law_is_member(&g->law, g->law.nodes[op].op.target) &&
            (g->law.nodes[op].op.qr || g->law.nodes[op].op.author == g->me) && pick(s, ++n) == 0)
            found = op;
    if (found == GX_NONE || !gx_group_is_member(g) || !gx_group_read(s->e, g, &g->logs[g->ops[found].log], g->ops[found].seq, &ev, &body)) {
        gx_txn_abort(&s->e->txn);
        return;
    }
    memcpy(request, ev.body.p, ev.body.n);
    gx_txn_abort(&s->e->txn);
    body = (struct gx_body){.type = GX_EV_ADMIT, .u.admit.request_bytes = gx_span(request, ev.body.n)};
    if (gx_join_request_decode(&body.u.admit.request, body.u.admit.request_bytes) == GX_OK)
        (void)sim_write(s->sim, s->node, &s->id, &body, &id);
}

static void collude(struct scene *s)
{
    const struct sim_node *other = &s->sim->nodes[s->liar->with];
    struct gx_group *its = !other->up ? NULL : sim_group(other->engine, &s->id);

    if (pick(s, 3) == 0)
        admit_again(s);
    else if (its != NULL && its->own_control != GX_NONE && its->own_messages != GX_NONE && its->has_create)
        backdate(s, s->liar->with, its);
}

/* --- whose turn it is ------------------------------------------------------------------------------------------------------------------------------- */

uint32_t sim_lie_pause_ms(struct sim_liar *liar)
{
    return 200 + sim_liar_pick(liar, 1800);
}

void sim_lie_act(struct gx_sim *sim, uint32_t node)
{
    struct sim_node *n = &sim->nodes[node];
    struct scene s = {.sim = sim, .node = node, .liar = n->liar, .e = n->engine, .g = sim_pick_group(sim, node)};

    if (s.g == NULL)
        return;
    s.id = s.g->row.id;
    switch (n->liar->role) {
    case GX_SIM_EQUIVOCATOR:
        equivocate(&s);
        break;
    case GX_SIM_BACKDATER:
        backdater(&s);
        break;
    case GX_SIM_REPLAYER:
        replay(&s);
        break;
    case GX_SIM_GARBAGE:
        garbage(&s);
        break;
    case GX_SIM_OVERSIZE:
        oversize(&s);
        break;
    case GX_SIM_FLOODER:
        flood(&s);
        break;
    case GX_SIM_SYBIL:
        sybil(&s);
        break;
    case GX_SIM_LEAKER:
        leak(&s);
        break;
    case GX_SIM_OVERCAP:
        overcap(&s);
        break;
    case GX_SIM_TALKER:
        talk(&s);
        break;
    case GX_SIM_CLOCK:
        clock_lie(&s);
        break;
    case GX_SIM_COLLUDER:
        collude(&s);
        break;
    case GX_SIM_OMITTER:        /* these lie by what they do not say, or not read */
    case GX_SIM_SLOW:
    case GX_SIM_ROLE_COUNT:
        break;
    }
}
