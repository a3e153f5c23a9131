/* Handing events out: frames of chunks, in answer to a WANT, to show by what right one came, or pushed live.  WIRE §6.10, §6.11 */
#include "node/engine/internal.h"

struct chunks_out {
    struct gx_engine *e;
    struct gx_session *s;
    struct gx_push *push;       /* frames go there instead */
    uint16_t channel;
    uint8_t flags;
    uint32_t frames_left;
    struct gx_wr w;
    struct gx_frame_list list;
    bool open;
    bool goes_on;               /* its first frame may say where the answer goes on, and has room for that in front */
    uint8_t *first_room;        /* where that begins; NULL: it was not sent */
    size_t first_effect;
    struct gx_wr scratch;       /* one chunk at a time: room for the longest would use up the step's arena in no time */
};

#define CHUNKS_CHANNEL_AT 1u    /* kind u8, channel u16, flags u8: WIRE §6.11 */
#define CHUNKS_FLAGS_AT 3u

static void push_keep(struct chunks_out *o)
{
    gx_arena_trim(&o->e->arena, o->w.p, o->w.cap, o->w.n);
    if (o->w.failed || o->w.p == NULL)
        gx_engine_drop(o->e, "send_budget");
    else if (o->push->n < GX_ARRAY_LEN(o->push->frames))
        o->push->frames[o->push->n++] = gx_wr_span(&o->w);
}

static void chunks_send(struct chunks_out *o, bool last)
{
    if (!o->open)
        return;
    if (last && o->w.p != NULL)
        o->w.p[CHUNKS_FLAGS_AT] |= GX_CHUNKS_LAST;
    gx_frame_end(&o->w, &o->list);

    size_t n_effects = o->e->n_effects;

    if (o->push != NULL)
        push_keep(o);
    else
        gx_engine_send(o->e, o->s, &o->w);
    o->open = false;
    if (o->goes_on && o->e->n_effects > n_effects) {
        o->first_room = o->w.p - GX_CHUNKS_ON_BYTES;
        o->first_effect = n_effects;
    }
    o->goes_on = false;
}

/* The answer ends before what was asked for does: its first frame says where, so that the next question need not wait for the last one. */
static void chunks_on(struct chunks_out *o, const struct gx_want_entry *on)
{
    struct gx_effect *first = o->first_room == NULL ? NULL : &o->e->effects[o->first_effect];

    if (first == NULL)
        return;
    gx_frame_chunks_on(o->first_room, on);
    first->bytes = gx_span(o->first_room, first->bytes.n + GX_CHUNKS_ON_BYTES);
}

static bool chunks_begin(struct chunks_out *o)
{
    if (o->frames_left == 0)
        return false;
    o->frames_left--;
    o->w = gx_engine_wr(o->e, GX_FRAME_BYTES_MAX);
    if (o->goes_on && o->w.p != NULL)
        o->w = gx_wr(o->w.p + GX_CHUNKS_ON_BYTES, o->w.cap - GX_CHUNKS_ON_BYTES);
    o->list = gx_frame_begin_chunks(&o->w, o->channel, o->flags);
    o->open = true;
    return o->w.p != NULL;
}

static struct gx_wr *chunks_scratch(struct chunks_out *o)
{
    if (o->scratch.p == NULL)
        o->scratch = gx_engine_wr(o->e, GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX);
    o->scratch.n = 0;
    o->scratch.failed = false;
    return o->scratch.p == NULL ? NULL : &o->scratch;
}

/* For a chunk behind its length. */
static size_t chunks_room(const struct chunks_out *o)
{
    return o->open && o->w.n + 4u < o->w.cap ? o->w.cap - o->w.n - 4u : 0;
}

/* False when the credit is used up. */
static bool chunks_put(struct chunks_out *o, struct gx_span chunk)
{
    if (o->open && (chunks_room(o) < chunk.n || o->list.n >= GX_FRAME_CHUNKS_MAX)) {
        if (o->frames_left == 0)
            return false;
        chunks_send(o, false);
    }
    if (!o->open && !chunks_begin(o))
        return false;
    gx_frame_put_chunk(&o->w, &o->list, chunk);
    return true;
}

/* Events from_seq and up of a log.  Returns the next one not sent. */
static uint32_t put_log(struct chunks_out *o, struct gx_group *g, struct gx_log *log, uint32_t from)
{
    while (from <= log->row.head_seq && o->e->fault == GX_OK) {
        struct gx_txn *txn = gx_engine_txn(o->e, false);
        struct gx_wr *w = chunks_scratch(o);
        uint32_t next = from;

        if (txn == NULL || w == NULL)
            return from;

        /* As long as may be: what came in one chunk, of which only the last event is proved, fits one; a part of it would prove nothing. */
        enum gx_err err = gx_events_read_chunk(txn, w, &next, &log->row, &g->row.id, from, GX_CHUNK_EVENTS_MAX, GX_CHUNK_BYTES_MAX);

        if (err == GX_E_CORRUPT) {
            gx_engine_drop(o->e, "corrupt");
            return log->row.head_seq + 1;
        }
        if (!gx_engine_ok(o->e, err) || w->failed || !chunks_put(o, gx_wr_span(w)))
            return from;
        from = next;
    }
    return from;
}

static bool put_op(struct chunks_out *o, struct gx_group *g, uint32_t op)
{
    struct gx_log *log = &g->logs[g->ops[op].log];
    struct gx_txn *txn = gx_engine_txn(o->e, false);
    struct gx_wr *w = chunks_scratch(o);
    uint32_t next = 0;

    if (txn == NULL || w == NULL)
        return false;

    enum gx_err err = gx_events_read_chunk(txn, w, &next, &log->row, &g->row.id, g->ops[op].seq, 1, GX_CHUNK_BYTES_MAX);

    if (err == GX_E_CORRUPT) {
        gx_engine_drop(o->e, "corrupt");
        return true;
    }
    return gx_engine_ok(o->e, err) && chunks_put(o, gx_wr_span(w));
}

void gx_serve_all_control(struct gx_engine *e, struct gx_session *s, struct gx_group *g, uint16_t channel)
{
    struct chunks_out o = {.e = e, .s = s, .channel = channel, .frames_left = UINT32_MAX};

    for (uint32_t op = 0; op < g->law.n_ops && put_op(&o, g, op); op++)
        ;
    chunks_send(&o, true);
}

static bool withheld_op(const struct gx_group *g, uint32_t op)
{
    uint32_t log = g->ops[op].log;

    return g->ops[op].seq > gx_announce_shown_seq(g, log);
}

/* `ops` and everything in their past; what is unknown here is left out. */
static bool *past_of(struct gx_engine *e, const struct gx_group *g, const uint32_t *ops, uint32_t n)
{
    bool *in = gx_arena_take(&e->arena, (g->law.n_ops + 1u) * sizeof *in);

    if (in == NULL) {
        gx_engine_ok(e, GX_E_MEMORY);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        in[ops[i]] = true;
        for (uint32_t y = 0; y < ops[i]; y++)
            in[y] = in[y] || gx_law_past(&g->law, y, ops[i]);
    }
    return in;
}

static bool *past_of_heads(struct gx_engine *e, const struct gx_group *g, const struct gx_frame *heads)
{
    uint32_t ops[GX_EVENT_DEPS_MAX], n = 0;

    for (size_t i = 0; i < heads->n && n < GX_EVENT_DEPS_MAX; i++) {
        struct gx_event_id id = gx_frame_head_at(heads, i);
        uint32_t op = gx_group_op(g, &id);

        if (op != GX_NONE)
            ops[n++] = op;
    }
    return past_of(e, g, ops, n);
}

#define SHOWN_FRAMES_MAX 64u    /* 4 MiB: the most an unproven node takes */

void gx_serve_missing(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *heads)
{
    const bool *seen = past_of_heads(e, g, heads);
    struct chunks_out o = {.e = e, .s = s, .channel = c->number, .frames_left = SHOWN_FRAMES_MAX};

    for (uint32_t op = 0; seen != NULL && op < g->law.n_ops; op++) {
        if (seen[op] && g->row.state == GX_GROUP_LEFT && g->ops[op].log == g->own_control && g->ops[op].seq == g->logs[g->own_control].row.head_seq)
            gx_ended_heard(e, g);       /* who asks by what right I speak knows that I left */
        if (!seen[op] && !withheld_op(g, op) && !put_op(&o, g, op))
            break;
    }
    chunks_send(&o, true);
}

void gx_serve_past(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *heads, const uint32_t *ops,
                   uint32_t n)
{
    const bool *seen = past_of_heads(e, g, heads), *wanted = past_of(e, g, ops, n);
    struct chunks_out o = {.e = e, .s = s, .channel = c->number, .frames_left = SHOWN_FRAMES_MAX};

    for (uint32_t op = 0; seen != NULL && wanted != NULL && op < g->law.n_ops; op++)
        if (wanted[op] && !seen[op] && !put_op(&o, g, op))
            break;
    chunks_send(&o, true);
}

/* --- wants ---------------------------------------------------------------------------------------------------------------------------------- */

/* Returns how many events were looked for. */
static uint32_t serve_control(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    uint32_t *known = gx_arena_take(&e->arena, (g->n_logs + 1u) * sizeof *known);
    struct chunks_out o = {.e = e, .s = s, .channel = c->number, .frames_left = f->credit};
    uint32_t n_looked = 0;

    if (known == NULL) {
        gx_engine_ok(e, GX_E_MEMORY);
        return 0;
    }
    for (uint32_t i = 0; i < g->n_logs && f->flags == GX_WANT_CONTROL_OF; i++)
        known[i] = UINT32_MAX;
    for (size_t i = 0; i < f->n; i++) {
        struct gx_frontier_entry entry = gx_frame_frontier_at(f, i);
        uint32_t log = gx_group_branch(g, &entry);

        n_looked += gx_group_n_inside(g, &entry.tag, entry.seq);
        for (uint32_t b = gx_group_log_by_tag(g, &entry.tag); b != GX_NONE; b = g->logs[b].next_of_tag)
            known[b] = known[b] == UINT32_MAX ? 0 : known[b];
        if (log != GX_NONE && entry.seq > known[log]) {     /* of a branch that I do not have, all of mine is news */
            known[log] = entry.seq;
            gx_theirs_note(e, g, c, log, entry.base_seq, entry.seq);
        }
    }
    for (uint32_t op = 0; op < g->law.n_ops; op++)
        if (g->ops[op].seq > known[g->ops[op].log] && !withheld_op(g, op) && !put_op(&o, g, op))
            break;
    if (!o.open && o.frames_left > 0)
        chunks_begin(&o);           /* an empty answer ends the question too */
    chunks_send(&o, true);
    return n_looked;
}

#define HAVES_MAX 64u           /* ever further apart: twice as many as the longest log needs */

#define MISSED_MAX 1024u        /* events that are read in vain for one question: all haves of a log, for each of its branches, twice over */

/* Does this branch hold the event before the one that is asked for? */
static bool fits(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_want_entry *want, uint32_t *n_missed)
{
    struct gx_event_id held;

    if (want->from_seq == 1)
        return true;
    if (!gx_group_event_id(e, g, log, want->from_seq - 1, &held))
        return false;
    if (memcmp(held.b, want->check, sizeof want->check) == 0)
        return true;
    ++*n_missed;
    return false;
}

/* Does any of them? */
static bool joins(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_want_entry *want, uint32_t *n_missed)
{
    const struct gx_log_id *id = &g->logs[log].row.id;

    for (uint32_t i = gx_group_next_branch(g, id, 0); i != GX_NONE; i = gx_group_next_branch(g, id, i + 1))
        if (fits(e, g, i, want, n_missed))
            return true;
    return false;
}

/* The first of the entries for one log whose check fits this branch says from where on it is lacking; 0: none does, or nothing is.  What fits before
 * the place where it branches off fits all of it. */
static uint32_t wanted_from(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_frame *f, size_t begin, size_t end, uint32_t *n_missed)
{
    const struct gx_log_row *row = &g->logs[log].row;
    bool is_first = gx_group_next_branch(g, &row->id, 0) == log;

    for (size_t i = begin; i < end && i < begin + HAVES_MAX && *n_missed < MISSED_MAX; i++) {
        struct gx_want_entry want = gx_frame_want_at(f, i);

        if (want.from_seq > row->head_seq + 1)
            continue;
        if (want.from_seq <= row->base_seq) {
            if (!is_first && joins(e, g, log, &want, n_missed))
                return row->base_seq + 1;
        } else if (fits(e, g, log, &want, n_missed)) {
            return want.from_seq > row->head_seq ? 0 : want.from_seq;
        }
    }
    return 0;
}

/* The credit was used up before event `next` of a log.  Where that has branches it is not said: whoever asks has to see which of them it got. */
static void answer_goes_on(struct chunks_out *o, struct gx_group *g, uint32_t log, uint32_t next)
{
    struct gx_want_entry on = {.from_seq = next};
    struct gx_event_id id;

    if (gx_group_is_forked(g, log) || (next > 1 && !gx_group_event_id(o->e, g, log, next - 1, &id)))
        return;
    memcpy(on.tag.b, g->logs[log].row.id.b, sizeof on.tag.b);
    if (next > 1)
        memcpy(on.check, id.b, sizeof on.check);
    chunks_on(o, &on);
}

/* Returns how many events were read in vain. */
static uint32_t serve_messages(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f)
{
    struct chunks_out o = {.e = e, .s = s, .channel = c->number, .frames_left = f->credit, .goes_on = true};
    size_t i = 0;
    uint32_t stopped = GX_NONE, next = 0, n_missed = 0;

    while (i < f->n && stopped == GX_NONE) {
        struct gx_want_entry want = gx_frame_want_at(f, i);
        uint32_t first = gx_group_log_by_tag(g, &want.tag);
        size_t end = i + 1;

        for (; end < f->n; end++) {
            struct gx_want_entry other = gx_frame_want_at(f, end);

            if (memcmp(other.tag.b, want.tag.b, sizeof want.tag.b) != 0)
                break;
        }
        for (uint32_t b = first; b != GX_NONE && stopped == GX_NONE && g->logs[first].row.cls == GX_LOG_MESSAGES;
             b = gx_group_next_branch(g, &g->logs[first].row.id, b + 1)) {
            uint32_t from = GX_MUTANT(WANT_UNSERVED) ? 0 : wanted_from(e, g, b, f, i, end, &n_missed);

            next = from == 0 ? 0 : put_log(&o, g, &g->logs[b], GX_MUTANT(WANT_NEWEST) ? g->logs[b].row.head_seq : from);
            if (from != 0 && next <= g->logs[b].row.head_seq)
                stopped = b;
        }
        i = end;
    }
    if (!o.open && o.frames_left > 0)
        chunks_begin(&o);
    chunks_send(&o, true);
    if (stopped != GX_NONE && e->fault == GX_OK)
        answer_goes_on(&o, g, stopped, next);
    return n_missed;
}

void gx_serve_want(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);
    size_t effects = e->n_effects;
    uint32_t n_looked = 0;

    if (!gx_budget_serves(e, g, c)) {
        gx_session_unserved(e, s, "want_budget");
        return;
    }
    if (f->flags != GX_WANT_MESSAGES)
        n_looked = serve_control(e, s, g, c, f);
    else
        n_looked = serve_messages(e, s, g, c, f);
    gx_budget_served(e, g, c, f, effects, n_looked);
}

static void push_logs(struct gx_engine *e, struct gx_group *g, enum gx_log_class cls, struct gx_push *out)
{
    struct chunks_out o = {.e = e, .push = out, .flags = GX_CHUNKS_PUSH, .frames_left = GX_WANT_CHUNKS_MAX};

    for (uint32_t k = 0; k < g->n_touched; k++) {
        uint32_t i = g->touched[k];

        if (g->logs[i].pushed_from != 0 && g->logs[i].row.cls == cls && !gx_announce_withheld(g, i))
            put_log(&o, g, &g->logs[i], g->logs[i].pushed_from);
    }
    chunks_send(&o, false);
}

void gx_serve_push_make(struct gx_engine *e, struct gx_group *g, struct gx_push *out)
{
    out->n = 0;
    push_logs(e, g, GX_LOG_CONTROL, out);
    push_logs(e, g, GX_LOG_MESSAGES, out);
}

void gx_serve_push_live(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t from, uint32_t op, struct gx_push *out)
{
    struct chunks_out o = {.e = e, .push = out, .flags = GX_CHUNKS_PUSH, .frames_left = GX_WANT_CHUNKS_MAX};

    out->n = 0;
    if (op != GX_NONE)
        (void)put_op(&o, g, op);
    else
        (void)put_log(&o, g, &g->logs[log], from);
    chunks_send(&o, false);
}

/* The channel is all that differs. */
void gx_serve_push(struct gx_engine *e, struct gx_session *s, const struct gx_channel *c, const struct gx_push *push)
{
    for (uint32_t i = 0; i < push->n; i++) {
        struct gx_wr w = gx_engine_wr(e, push->frames[i].n);

        gx_wr_bytes(&w, push->frames[i].p, push->frames[i].n);
        if (!w.failed)
            gx_wr_patch_u16(&w, CHUNKS_CHANNEL_AT, c->number);
        gx_engine_send(e, s, &w);
    }
}
