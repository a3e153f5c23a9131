/* Chunks of messages: which branch of their log they continue, what is checked of them, and what becomes of them once it was.  WIRE §3.4, §5 */
#include "node/engine/fetch.h"
#include "node/engine/people.h"

#define FULL_AGAIN_MS 30000u        /* with a full store others' messages are asked for again after this */
#define KEPT_OUT_BYTES 256u         /* what it costs who gives it to see that a chunk is of what is not taken in */

/* --- branches --------------------------------------------------------------------------------------------------------------------------- */

uint32_t gx_group_branches(const struct gx_group *g, const struct gx_log_id *id)
{
    uint32_t n = 0;

    for (uint32_t i = gx_group_next_branch(g, id, 0); i != GX_NONE; i = gx_group_next_branch(g, id, i + 1))
        n++;
    return n;
}

bool gx_group_is_forked(const struct gx_group *g, uint32_t log)
{
    uint32_t first = gx_group_next_branch(g, &g->logs[log].row.id, 0);

    return first != log || gx_group_next_branch(g, &g->logs[log].row.id, log + 1) != GX_NONE;
}

bool gx_group_event_id(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t seq, struct gx_event_id *id)
{
    const struct gx_log_row *row = &g->logs[log].row;
    struct gx_txn *txn = NULL;
    struct gx_event ev;
    enum gx_err err = GX_OK;

    if (seq == row->head_seq || seq == row->base_seq) {
        *id = seq == row->head_seq ? row->head_id : row->base_id;
        return true;
    }
    if (seq < row->base_seq || seq > row->head_seq || (txn = gx_engine_txn(e, false)) == NULL)
        return false;
    err = gx_events_get(txn, &ev, row, &g->row.id, seq);        /* not copied: only its id is looked at */
    if (err == GX_E_CORRUPT)
        gx_engine_drop(e, "corrupt");
    else if (gx_engine_ok(e, err))
        *id = ev.id;
    return err == GX_OK;
}

static bool has_event(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t seq, const struct gx_event_id *id)
{
    struct gx_event_id held;

    return gx_group_event_id(e, g, log, seq, &held) && gx_event_id_equal(&held, id);
}

/* The branch, with an earlier beginning, on which this one begins; GX_NONE: what lies before it is not held. */
static uint32_t branch_below(struct gx_engine *e, struct gx_group *g, uint32_t log)
{
    const struct gx_log_row *row = &g->logs[log].row;
    uint32_t i = gx_group_next_branch(g, &row->id, 0);

    while (i != GX_NONE && (g->logs[i].row.base_seq >= row->base_seq || !has_event(e, g, i, row->base_seq, &row->base_id)))
        i = gx_group_next_branch(g, &row->id, i + 1);
    return i;
}

uint32_t gx_group_common(struct gx_engine *e, struct gx_group *g, uint32_t a, uint32_t b)
{
    while (a != b) {
        uint32_t later = g->logs[a].row.base_seq >= g->logs[b].row.base_seq ? a : b, other = later == a ? b : a;
        const struct gx_log_row *row = &g->logs[later].row;

        if (has_event(e, g, other, row->base_seq, &row->base_id))
            return row->base_seq;
        a = other;
        b = branch_below(e, g, later);
        if (b == GX_NONE)
            return 0;
    }
    return g->logs[a].row.head_seq;
}

/* --- a chunk comes in ------------------------------------------------------------------------------------------------------------------- */

static enum gx_err check_message(const struct gx_group *g, const struct gx_event *ev, uint64_t prev_tick, bool prev_known, uint32_t *n_texts)
{
    struct gx_body body;
    enum gx_log_class cls;
    enum gx_err err = GX_OK;

    if (!gx_event_class(&cls, ev->type) || cls != GX_LOG_MESSAGES)
        return GX_E_MALFORMED;
    err = gx_body_decode(&body, ev);
    if (err == GX_OK)
        err = gx_group_check_ticks(g, ev, prev_tick, prev_known);
    if (err == GX_OK && gx_event_is_message(ev->type))
        ++*n_texts;
    return err;
}

/* Where the events behind `seq` begin in a chunk. */
struct place {
    uint32_t seq;                   /* the last one that is held: 0 at the beginning of a log */
    struct gx_event_id id;
    uint64_t tick;
};

/* What of the chunk lies behind `place` becomes job->chunk, checked one by one.  GX_E_FORK: it does not join there. */
static enum gx_err take_tail(struct gx_engine *e, struct gx_group *g, struct gx_job *job, const struct gx_chunk *chunk, const struct place *place)
{
    struct gx_chunk_iter it;
    struct gx_event ev;
    struct gx_span record;
    enum gx_err err = GX_OK;

    job->chunk.count = 0;
    job->known.n = 0;
    job->n_texts = 0;
    job->last_tick = place->tick;
    gx_chunk_begin(&it, chunk, &g->row.id);
    while ((err = gx_chunk_next(&it, &ev, &record)) == GX_OK) {
        if (ev.seq <= place->seq) {
            if (ev.seq == place->seq && !gx_event_id_equal(&ev.id, &place->id))
                return GX_E_FORK;
            continue;
        }
        if (job->chunk.count == 0) {
            /* The first event of a log may follow one of an earlier incarnation: of another log. */
            if (place->seq != 0 && !gx_event_id_equal(&ev.prev, &place->id))
                return GX_E_FORK;
            job->chunk.log = chunk->log;
            job->chunk.first_seq = (uint32_t)ev.seq;
            job->chunk.prev = ev.prev;
            job->chunk.records = gx_span(record.p, (size_t)(chunk->records.p + chunk->records.n - record.p));
        }
        err = check_message(g, &ev, job->last_tick, ev.seq > 1, &job->n_texts);
        if (err != GX_OK)
            return err;
        if (!gx_shown_learn(e, g, &g->logs[job->log], &job->known, &job->arena, &ev, job->forks ? place->seq : UINT32_MAX))
            return GX_E_AGAIN;
        job->ids[job->chunk.count++] = ev.id;
        job->last_tick = ev.tick;
        job->event = ev;
    }
    if (err != GX_E_ABSENT)
        return err;
    return job->chunk.count == 0 ? GX_E_DUPLICATE : GX_OK;
}

static struct place pending_of(const struct gx_log *log)
{
    return (struct place){.seq = log->pend_seq, .id = log->pend_id, .tick = log->pend_tick};
}

/* Does the chunk go on where this branch ends, or tell what it holds? */
static enum gx_err continue_branch(struct gx_engine *e, struct gx_group *g, struct gx_job *job, const struct gx_chunk *chunk, uint32_t index)
{
    const struct gx_log *log = &g->logs[index];
    struct place place = pending_of(log);
    struct gx_chunk_iter it;
    struct gx_event ev;
    enum gx_err err = GX_OK;

    if (chunk->first_seq > (uint64_t)log->pend_seq + 1)
        return GX_E_MISSING;
    job->log = index;
    if (chunk->first_seq + chunk->count - 1u > log->pend_seq)
        return take_tail(e, g, job, chunk, &place);
    gx_chunk_begin(&it, chunk, &g->row.id);
    while ((err = gx_chunk_next(&it, &ev, NULL)) == GX_OK)
        job->event = ev;
    if (err != GX_E_ABSENT)
        return err;
    if (job->event.seq == log->pend_seq)
        return gx_event_id_equal(&job->event.id, &log->pend_id) ? GX_E_DUPLICATE : GX_E_FORK;
    /* What is still under verification lies in no place yet; it is taken for the same. */
    return job->event.seq > log->row.head_seq || has_event(e, g, index, (uint32_t)job->event.seq, &job->event.id) ? GX_E_DUPLICATE : GX_E_FORK;
}

/* The last event of the chunk, or the one before it, that this branch holds too: there the log was forked.  What lies before the branch is not compared:
 * of a log that this node holds from a later place on it is not known. */
static bool find_fork(struct gx_engine *e, struct gx_group *g, const struct gx_chunk *chunk, uint32_t index, struct place *place)
{
    const struct gx_log_row *row = &g->logs[index].row;
    struct gx_chunk_iter it;
    struct gx_event ev;
    bool joins = chunk->first_seq == 1 ? row->base_seq == 0 : has_event(e, g, index, chunk->first_seq - 1, &chunk->prev);
    struct gx_body body;

    *place = (struct place){.seq = chunk->first_seq - 1, .id = chunk->prev};
    gx_chunk_begin(&it, chunk, &g->row.id);
    while (gx_chunk_next(&it, &ev, NULL) == GX_OK && (ev.seq < row->base_seq || has_event(e, g, index, (uint32_t)ev.seq, &ev.id)))
        if (ev.seq >= row->base_seq) {
            joins = true;
            *place = (struct place){.seq = (uint32_t)ev.seq, .id = ev.id, .tick = ev.tick};
        }
    if (!joins || place->tick != 0 || place->seq == 0)
        return joins;
    if (place->seq == row->base_seq) {
        place->tick = row->base_tick;
        return true;
    }
    if (!gx_group_read(e, g, &g->logs[index], place->seq, &ev, &body))
        return false;
    place->tick = ev.tick;
    return true;
}

/* A branch that nothing here continues: both signed, both kept.  It leaves the branch with which it has most. */
static enum gx_err begin_fork(struct gx_engine *e, struct gx_group *g, struct gx_job *job, const struct gx_chunk *chunk)
{
    struct place last = {.seq = 0};
    uint32_t from = GX_NONE;

    for (uint32_t i = gx_group_next_branch(g, &chunk->log, 0); i != GX_NONE; i = gx_group_next_branch(g, &chunk->log, i + 1)) {
        struct place place;

        if (!find_fork(e, g, chunk, i, &place) || (from != GX_NONE && place.seq <= last.seq))
            continue;
        last = place;
        from = i;
    }
    if (from == GX_NONE)
        return GX_E_FORK;           /* it joins nothing here: what lies before has to come first */
    if (gx_group_branches(g, &chunk->log) >= GX_LOG_BRANCHES_MAX)
        return GX_E_TOO_BIG;
    job->log = from;
    job->forks = true;
    job->fork_tick = last.tick;
    return take_tail(e, g, job, chunk, &last);
}

static enum gx_err find_place(struct gx_engine *e, struct gx_group *g, struct gx_job *job, const struct gx_chunk *chunk)
{
    enum gx_err best = GX_E_MISSING;
    uint32_t first = gx_group_next_branch(g, &chunk->log, 0);

    if (first != GX_NONE && chunk->first_seq + chunk->count - 1u <= g->logs[first].row.base_seq)
        return GX_E_DUPLICATE;      /* all of it lies before what this node holds of the log */
    for (uint32_t i = first; i != GX_NONE; i = gx_group_next_branch(g, &chunk->log, i + 1)) {
        enum gx_err err = continue_branch(e, g, job, chunk, i);

        if (err != GX_E_FORK && err != GX_E_MISSING)
            return err;
        best = err == GX_E_FORK ? err : best;
    }
    return best == GX_E_FORK && !GX_MUTANT(BRANCH_REFUSED) ? begin_fork(e, g, job, chunk) : best;
}

static void not_taken(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_log_id *log, enum gx_err err, size_t n_bytes)
{
    if (err == GX_E_MISSING)        /* its first number says so */
        gx_budget_wasted(e, s, g, n_bytes);
    else if (err != GX_E_AGAIN)
        gx_budget_chunk_wasted(e, s, g, log, n_bytes);
    if (err == GX_E_DUPLICATE) {
        gx_engine_drop(e, "duplicate");
        s->n_again++;
    } else if (err == GX_E_FORK) {
        gx_engine_drop(e, "fork_unjoined");
        gx_repair_note_forked(e, s, g, log);
    } else if (err == GX_E_TOO_BIG) {
        gx_engine_drop(e, "branches_full");
    } else if (err == GX_E_MISSING) {
        gx_engine_drop(e, "missing");
        gx_repair_look_by(e, g, e->now.mono_ms + GX_WANT_DELAY_MS);
    } else if (err != GX_E_AGAIN) {
        gx_session_strike(e, s, gx_err_name(err));
    }
}

/* Of an author of whom no more is taken in, or there was no room.  Nothing of it is hashed; and what follows on it joins nothing here, which who gives it does
 * not know. */
static bool is_kept_out(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_span bytes)
{
    struct gx_chunk chunk;
    uint32_t first = gx_chunk_decode(&chunk, bytes) == GX_OK ? gx_group_next_branch(g, &chunk.log, 0) : GX_NONE;
    bool is_full = e->now.mono_ms < e->full_until_ms;

    if (first == GX_NONE || (!is_full && !gx_retain_refuses(e, g, first, chunk.records.n, false)))
        return false;
    gx_budget_wasted(e, s, g, KEPT_OUT_BYTES);
    gx_engine_drop(e, is_full ? gx_err_name(GX_E_FULL) : "quota");
    return true;
}

void gx_incoming_messages(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_span bytes)
{
    if (is_kept_out(e, s, g, bytes))
        return;

    struct gx_job *job = gx_job_new(e, GX_JOB_MESSAGES, s, g->row.gnum, bytes);
    struct gx_chunk chunk;
    enum gx_err err = GX_E_AGAIN;

    if (job == NULL)
        return;
    job->ids = gx_arena_room(&job->arena, GX_CHUNK_EVENTS_MAX * sizeof *job->ids);
    if (job->ids != NULL)
        err = gx_chunk_decode(&chunk, gx_span(job->bytes, job->n_bytes));
    if (err == GX_OK)
        err = find_place(e, g, job, &chunk);
    if (err != GX_OK) {
        gx_job_discard(e, job);
        not_taken(e, s, g, &chunk.log, err, bytes.n);
        return;
    }

    struct gx_log *log = &g->logs[job->log];

    /* Nobody would show it; and should its author come back it is given then. */
    if (gx_shown_ended(g, log, job->chunk.first_seq)) {
        gx_job_discard(e, job);
        gx_budget_wasted(e, s, g, bytes.n);
        gx_engine_drop(e, "removed");
        return;
    }
    if (job->forks && gx_retain_refuses(e, g, job->log, job->chunk.records.n, true)) {
        gx_job_discard(e, job);
        gx_budget_wasted(e, s, g, bytes.n);
        gx_engine_drop(e, "quota");
        return;
    }
    /* One signature covers the prefix: the last event's.  WIRE §5 */
    gx_job_verify_event(e, job, &job->event, &log->row.device);
    gx_fetch_given(s, g, log, job->chunk.records.n);
    if (!job->forks) {
        log->pend_seq = (uint32_t)job->event.seq;
        log->pend_id = job->event.id;
        log->pend_tick = job->last_tick;
    }
    gx_job_begin(e, job);
}

/* --- its signature is verified ------------------------------------------------------------------------------------------------------------ */

static bool fits(const struct gx_log *log, const struct gx_chunk *chunk)
{
    return chunk->first_seq == (uint64_t)log->row.head_seq + 1 && (gx_event_id_equal(&chunk->prev, &log->row.head_id) || log->row.head_seq == 0);
}

/* The branch that a verified fork goes on: perhaps another chunk has begun it meanwhile.  GX_NONE: it is held already, or there is no room. */
static uint32_t branch_for(struct gx_engine *e, struct gx_group *g, const struct gx_job *job)
{
    const struct gx_chunk *chunk = &job->chunk;
    struct gx_event first = {.seq = chunk->first_seq, .prev = chunk->prev};

    if (chunk->first_seq <= g->logs[job->log].row.base_seq)
        return GX_NONE;             /* where it leaves the log was dropped while it was under verification */

    for (uint32_t i = gx_group_next_branch(g, &chunk->log, 0); i != GX_NONE; i = gx_group_next_branch(g, &chunk->log, i + 1)) {
        if (fits(&g->logs[i], chunk))
            return i;
        if (g->logs[i].row.base_seq < chunk->first_seq && has_event(e, g, i, chunk->first_seq, &job->ids[0]))
            return GX_NONE;
    }
    return gx_group_branches(g, &chunk->log) >= GX_LOG_BRANCHES_MAX || g->n_logs >= GX_GROUP_LOGS_MAX ? GX_NONE : gx_group_branch_add(e, g, job->log, &first, job->fork_tick);
}

static void start_over(struct gx_engine *e, struct gx_group *g, struct gx_log *log, uint32_t after_ms)
{
    log->pend_seq = log->row.head_seq;
    log->pend_id = log->row.head_id;
    log->pend_tick = log->row.head_tick;
    g->want_at_ms = e->now.mono_ms + after_ms;
    gx_engine_wake(e, g->want_at_ms);
}

void gx_incoming_done(struct gx_engine *e, struct gx_group *g, struct gx_session *s, struct gx_job *job)
{
    uint32_t again_ms = GX_WANT_DELAY_MS;

    if (!job->failed && job->forks)
        job->log = branch_for(e, g, job);
    if (job->log == GX_NONE) {
        gx_engine_drop(e, "duplicate");
        return;
    }
    if (!job->failed && fits(&g->logs[job->log], &job->chunk)) {
        if (gx_group_ingest_chunk(e, g, job) == GX_OK) {
            gx_letters_take(e, g, job->log, &job->chunk);
            gx_tree_note(e, g, job);
            if (gx_group_is_forked(g, job->log))
                gx_repair_note_branch(e, s, g);
            return;
        }
        gx_engine_drop(e, gx_err_name(GX_E_FULL));
        again_ms = FULL_AGAIN_MS;
        e->full_until_ms = e->now.mono_ms + FULL_AGAIN_MS;
    } else if (job->failed && s != NULL) {
        gx_session_strike(e, s, gx_err_name(GX_E_SIGNATURE));
    } else {
        gx_engine_drop(e, job->failed ? gx_err_name(GX_E_SIGNATURE) : "stale");
    }
    /* What was checked behind it rests on nothing: begin again from the head. */
    if (!job->failed || !job->forks)
        start_over(e, g, &g->logs[job->log], again_ms);
}
