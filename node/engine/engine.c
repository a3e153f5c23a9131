#include "node/engine/people.h"
#include "node/engine/sealing.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* --- transactions and faults ------------------------------------------------------------------------------------------------------ */

bool gx_engine_ok(struct gx_engine *e, enum gx_err err)
{
    if (err == GX_OK)
        return true;
    if (err != GX_E_ABSENT && e->fault == GX_OK)
        e->fault = err;
    return false;
}

struct gx_txn *gx_engine_txn(struct gx_engine *e, bool write)
{
    if (e->fault != GX_OK)
        return NULL;
    if (e->txn != NULL && write && !e->writing)
        gx_txn_abort(&e->txn);
    if (e->txn == NULL) {
        if (!gx_engine_ok(e, gx_txn_begin(&e->txn, e->config.store, write)))
            return NULL;
        e->writing = write;
    }
    return e->txn;
}

bool gx_engine_grow(struct gx_engine *e, void *array, uint32_t *cap, uint32_t n, size_t size)
{
    void **p = array;

    if (n < *cap)
        return true;

    uint32_t more = *cap == 0 ? (size < 64 ? 8 : 2) : *cap * 2;        /* of what is large there is often one */
    void *bigger = realloc(*p, more * size);

    if (bigger == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    *p = bigger;
    *cap = more;
    return true;
}

void gx_engine_drop(struct gx_engine *e, const char *name)
{
    for (uint32_t i = 0; i < e->n_dropped; i++) {
        if (strcmp(e->dropped[i].name, name) == 0) {
            e->dropped[i].n++;
            return;
        }
    }
    GX_ASSERT(e->n_dropped < GX_DROP_COUNTERS_MAX);     /* reasons are static texts, counted by whoever adds one */
    e->dropped[e->n_dropped++] = (struct gx_drop_counter){.name = name, .n = 1};
}

uint64_t gx_engine_dropped(const struct gx_engine *engine, const char *name)
{
    for (uint32_t i = 0; i < engine->n_dropped; i++)
        if (strcmp(engine->dropped[i].name, name) == 0)
            return engine->dropped[i].n;
    return 0;
}

/* --- effects ------------------------------------------------------------------------------------------------------------------------ */

struct gx_effect *gx_engine_effect(struct gx_engine *e, enum gx_effect_kind kind)
{
    static struct gx_effect spare;      /* written to and never read when memory is out: the step is undone */

    if (e->n_effects == e->cap_effects) {
        size_t cap = e->cap_effects == 0 ? 16 : e->cap_effects * 2;
        struct gx_effect *more = realloc(e->effects, cap * sizeof *more);

        if (more == NULL) {
            gx_engine_ok(e, GX_E_MEMORY);
            return &spare;
        }
        e->effects = more;
        e->cap_effects = cap;
    }

    struct gx_effect *effect = &e->effects[e->n_effects++];

    *effect = (struct gx_effect){.kind = kind};
    return effect;
}

void gx_engine_wake(struct gx_engine *e, uint64_t at_mono_ms)
{
    if (e->wake_ms == 0 || at_mono_ms < e->wake_ms)
        e->wake_ms = at_mono_ms == 0 ? 1 : at_mono_ms;
}

void gx_engine_log(struct gx_engine *e, const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);

    char *text = gx_arena_text(&e->arena, line, n < 0 ? 0 : strlen(line));

    if (text != NULL)
        gx_engine_effect(e, GX_OUT_LOG)->bytes = gx_span(text, strlen(text));
}

struct gx_wr gx_engine_wr(struct gx_engine *e, size_t cap)
{
    if (e->arena.bytes > GX_EFFECTS_BYTES_MAX)
        return gx_wr(NULL, 0);

    void *p = gx_arena_room(&e->arena, cap);

    return gx_wr(p, p == NULL ? 0 : cap);
}

/* What did not fit is not sent: catch-up repairs it. */
void gx_engine_send(struct gx_engine *e, struct gx_session *s, const struct gx_wr *w)
{
    gx_arena_trim(&e->arena, w->p, w->cap, w->n);       /* rooms are for the longest that may come */
    if (s->closed)
        return;
    if (w->failed || w->p == NULL) {
        gx_engine_drop(e, "send_budget");
        return;
    }

    struct gx_effect *effect = gx_engine_effect(e, GX_OUT_SEND);

    effect->session = s->id;
    effect->bytes = gx_wr_span(w);
}

/* --- life -------------------------------------------------------------------------------------------------------------------------- */

static enum gx_err load(struct gx_engine *e)
{
    enum gx_err err = gx_groups_load(e);

    if (err != GX_OK)
        return err;

    err = gx_people_load(e);
    if (err != GX_OK)
        return err;
    if (!gx_retain_load(e))
        return e->fault;

    struct gx_txn *txn = gx_engine_txn(e, false);

    e->n_manual = 0;
    while (txn != NULL && e->n_manual < GX_ADDRS_MANUAL_MAX &&
           gx_engine_ok(e, gx_manual_next(txn, &e->manual[e->n_manual], e->n_manual == 0 ? NULL : &e->manual[e->n_manual - 1])))
        e->n_manual++;
    gx_txn_abort(&e->txn);
    gx_targets_reload(e);
    e->doors_dirty = true;
    return e->fault;
}

enum gx_err gx_engine_new(struct gx_engine **out, const struct gx_engine_config *config, struct gx_time now)
{
    struct gx_engine *e = gx_secret_alloc(sizeof *e);        /* the device seed and the card's key are in it */

    if (e == NULL)
        return GX_E_MEMORY;
    e->config = *config;
    e->now = now;
    e->next_ticket = 1;
    e->next_session = 1;
    e->next_door = 1;
    gx_idmap_init(&e->session_by_id, config->rng);
    gx_idmap_init(&e->target_by_key, config->rng);

    enum gx_err err = load(e);

    if (err != GX_OK) {
        gx_engine_free(e);
        return err;
    }
    gx_engine_wake(e, now.mono_ms + 1);
    *out = e;
    return GX_OK;
}

void gx_engine_free(struct gx_engine *e)
{
    if (e == NULL)
        return;
    gx_txn_abort(&e->txn);
    gx_sessions_free(e);
    gx_jobs_free(e);
    gx_groups_free(e);
    gx_people_free(e);
    gx_lan_free(e);
    gx_idmap_free(&e->session_by_id);
    gx_idmap_free(&e->target_by_key);
    gx_arena_free(&e->arena);
    free(e->targets);
    free(e->effects);
    free(e->waiters);
    gx_secret_free(e);
}

/* --- a step ------------------------------------------------------------------------------------------------------------------------- */

void gx_engine_take_addrs(struct gx_engine *e, const struct gx_input *in)
{
    e->n_addrs = in->n_addrs < GX_ENDPOINT_ADDRS_MAX ? in->n_addrs : GX_ENDPOINT_ADDRS_MAX;
    if (e->n_addrs > 0)
        memcpy(e->addrs, in->addrs, e->n_addrs * sizeof e->addrs[0]);
}

/* What os does not say again, whatever becomes of the step. */
static void take_listening(struct gx_engine *e, const struct gx_input *in)
{
    gx_engine_take_addrs(e, in);
    if (!e->listening)
        gx_engine_wake(e, in->now.mono_ms);
    e->listening = true;
}

static void listening(struct gx_engine *e, const struct gx_input *in)
{
    take_listening(e, in);
    for (uint32_t i = 0; i < e->n_groups; i++)
        gx_author_endpoint(e, e->groups[i]);
    gx_transport_key_wanted(e);
    e->doors_dirty = true;
    gx_cards_hurry(e);
}

static void dispatch(struct gx_engine *e, const struct gx_input *in)
{
    if (in->kind != GX_IN_COMMAND)
        gx_author_sign(e);          /* a peer may ask for what was written */
    switch (in->kind) {
    case GX_IN_FRAME:
        gx_session_frame(e, in);
        break;
    case GX_IN_SESSION_UP:
        gx_session_up(e, in);
        break;
    case GX_IN_SESSION_DOWN:
        gx_session_down(e, in->session);
        break;
    case GX_IN_COMMAND:
        gx_groups_settle(e);
        gx_command_run(e, in->client, in->command);
        break;
    case GX_IN_CLIENT_GONE:
        gx_waiters_client_gone(e, in->client);
        break;
    case GX_IN_VERIFIED:
        gx_jobs_verified(e, in->ticket, in->ok);
        break;
    case GX_IN_LISTENING:
        listening(e, in);
        break;
    case GX_IN_DOOR:
        gx_doors_opened(e, in);
        break;
    case GX_IN_TRANSPORT_KEY:
        gx_transport_key_take(e, in);
        break;
    case GX_IN_LAN:
        gx_lan_take_sources(e, in);
        break;
    case GX_IN_DATAGRAM:
        gx_lan_take(e, in);
        break;
    case GX_IN_VACUUMED:
        gx_vacuum_take(e, in);
        break;
    case GX_IN_TIMER:
        break;
    }
}

/* Everything that a deadline may concern; whoever still waits asks to be woken again. */
static void timers(struct gx_engine *e)
{
    if (e->config.offline || e->wake_ms == 0 || e->now.mono_ms < e->wake_ms)
        return;
    e->wake_ms = e->wake_told_ms = 0;
    gx_sessions_timer(e);
    if (gx_engine_rests(e)) {
        gx_engine_wake(e, e->rest_until_ms);
    } else {
        gx_targets_timer(e);
        gx_lan_timer(e);
        gx_guest_timer(e);
        gx_cards_timer(e);
    }
    gx_asks_timer(e);
    gx_doors_timer(e);
    gx_near_timer(e);
    gx_owner_timer(e);
    gx_repair_timer(e);
    gx_chains_timer(e);
    gx_keys_timer(e);
    gx_epochs_timer(e);
    gx_transport_key_timer(e);
    if (e->held_dirty && e->now.mono_ms >= e->held_flush_ms)
        (void)gx_engine_txn(e, true);
    else if (e->held_dirty)
        gx_engine_wake(e, e->held_flush_ms);
}

static void members_changed(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        struct gx_group *g = e->groups[i];

        if (!g->members_changed)
            continue;
        g->members_changed = false;
        gx_lan_forget(e);
        gx_transport_key_wanted(e);
        g->receipts.due = true;         /* fewer may have to hold it */
        g->hash_valid = g->hash_valid && GX_MUTANT(HASH_STALE);     /* whose messages are shown depends on it */
        e->doors_dirty = true;
        gx_guest_check(e, g);
        gx_ended_check(e, g);
        gx_letters_again(e, g);             /* as a member, also where one only now is one again */
        gx_sessions_recheck(e, g);
        gx_keys_recheck(e, g);
        for (uint32_t k = 0; k < g->n_endpoints; k++)       /* records may come before the ADMIT of their device */
            if (gx_group_live(g, &g->endpoints[k].device))
                gx_targets_update(e, &g->endpoints[k]);
    }
}

static void owners_look(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        struct gx_group *g = e->groups[i];

        if (g->looked_at == g->law.generation)
            continue;
        if (!gx_group_is_direct(g))
            gx_owner_look(e, g);
        gx_people_look(e, g);
        g->looked_at = g->law.generation;
    }
}

static void finish(struct gx_engine *e)
{
    gx_jobs_finish(e);
    gx_author_sign(e);
    gx_groups_settle(e);
    owners_look(e);
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++)
        gx_epochs_finish(e, e->groups[i]);
    members_changed(e);             /* who is out is told so (ENDED says to who left that it was heard), and not what else this step did */
    if (e->fault != GX_OK)          /* the step is undone, and the law may not be settled: it can answer nothing */
        return;
    gx_retain_flush(e);
    gx_repair_flush(e);
    gx_chains_finish(e);
    if (e->doors_dirty && !e->config.offline && e->listening)
        gx_doors_refresh(e);
    gx_waiters_run(e);
    gx_people_flush(e);
    gx_groups_flush(e);
}

bool gx_engine_rests(const struct gx_engine *e)
{
    return e->now.mono_ms < e->rest_until_ms;
}

/* All connections ended with the step.  Made anew at once they would bring the same again, and that step would be undone as well.  What the person asks
 * for meanwhile, and fails too, makes it no longer. */
static void rest(struct gx_engine *e)
{
    uint32_t r = 0;

    if (gx_engine_rests(e)) {
        gx_engine_wake(e, e->rest_until_ms);
        return;
    }
    e->rest_ms = e->rest_ms == 0 ? GX_BACKOFF_FIRST_MS : e->rest_ms * 2 > GX_REST_MAX_MS ? GX_REST_MAX_MS : e->rest_ms * 2;
    gx_rng_fill(e->config.rng, &r, sizeof r);
    e->rest_until_ms = e->now.mono_ms + e->rest_ms - r % (e->rest_ms / 4);
    gx_engine_wake(e, e->rest_until_ms);
}

/* Someone is told even when the step was undone. */
static void answer_failed(struct gx_engine *e, const struct gx_input *inputs, size_t n, enum gx_err err)
{
    for (size_t i = 0; i < n; i++) {
        struct gx_answer *a = NULL;

        if (inputs[i].kind != GX_IN_COMMAND || (a = gx_arena_take(&e->arena, sizeof *a)) == NULL)
            continue;
        *a = (struct gx_answer){.err = err,
                                .name = err == GX_E_FULL ? "full_disk" : "store",
                                .message = err == GX_E_FULL ? "the disk or the store is full; nothing was changed"
                                                            : "the store failed; nothing was changed",
                                .hint = err == GX_E_FULL ? "free some room and try again" : "see the log, and check the disk",
                                .exit_code = 74};

        struct gx_effect *effect = gx_engine_effect(e, GX_OUT_ANSWER);

        effect->client = inputs[i].client;
        effect->request = inputs[i].command->request;
        effect->answer = a;
    }
}

/* The step is undone on disk: undo it in memory too, by reading everything anew. */
static enum gx_err undo(struct gx_engine *e, const struct gx_input *inputs, size_t n, size_t taken, uint64_t first_ticket)
{
    enum gx_err err = e->fault;

    gx_txn_abort(&e->txn);
    e->n_effects = 0;
    e->fault = GX_OK;
    gx_sessions_close_all(e);
    gx_sessions_reap(e);
    gx_jobs_undo(e, first_ticket);
    e->n_waiters = e->n_waiters_before;
    if (e->waiters_before != NULL)
        memcpy(e->waiters, e->waiters_before, e->n_waiters * sizeof e->waiters[0]);
    for (size_t i = 0; i < n; i++) {            /* what no later input will say again */
        if (i >= taken && inputs[i].kind == GX_IN_VERIFIED)
            gx_jobs_verified(e, inputs[i].ticket, inputs[i].ok);
        else if (inputs[i].kind == GX_IN_CLIENT_GONE)
            gx_waiters_client_gone(e, inputs[i].client);
        else if (inputs[i].kind == GX_IN_TRANSPORT_KEY)
            gx_transport_key_take(e, &inputs[i]);
        else if (inputs[i].kind == GX_IN_LISTENING)
            take_listening(e, &inputs[i]);
        else if (inputs[i].kind == GX_IN_LAN)
            gx_lan_take_sources(e, &inputs[i]);
        else if (inputs[i].kind == GX_IN_VACUUMED)
            gx_vacuum_take(e, &inputs[i]);
    }
    e->key_look_ms = 0;
    gx_transport_key_wanted(e);
    gx_groups_free(e);

    enum gx_err again = load(e);

    /* The step may have been the wake-up itself, undone before a deadline was looked at: all are looked at again, and not before the rest is over, for
     * whatever is due would be undone as well, at once and again. */
    e->wake_ms = e->wake_told_ms = 0;
    gx_engine_log(e, "a step failed and was undone: %s", gx_err_text(err));
    answer_failed(e, inputs, n, err);
    rest(e);
    return again != GX_OK ? again : err;
}

/* Not written where nothing changes: that page is in a file, and a node that rests writes nothing. */
static void note_progress(struct gx_engine *e, uint32_t at)
{
    if (e->config.progress != NULL && *e->config.progress != at)
        *e->config.progress = at;
}

bool gx_input_is_marked(const struct gx_input *in)
{
    bool echo = in->bytes.n > 0 && (in->bytes.p[0] == GX_FRAME_PING || in->bytes.p[0] == GX_FRAME_PONG);

    return (in->kind == GX_IN_FRAME && !echo) || in->kind == GX_IN_DATAGRAM;
}

enum gx_err gx_engine_step(struct gx_engine *e, struct gx_effects *effects, const struct gx_input *inputs, size_t n)
{
    enum gx_err err = GX_OK;
    uint64_t first_ticket = e->next_ticket;
    size_t taken = 0;

    GX_ASSERT(n <= GX_STEP_INPUTS_MAX);
    gx_arena_reset(&e->arena);
    e->n_steps++;
    e->n_effects = 0;
    e->n_came = 0;
    gx_wipe(&e->ahead, sizeof e->ahead);
    e->unsigned_events = NULL;
    e->n_unsigned = 0;
    e->n_waiters_before = e->n_waiters;
    e->waiters_before = e->n_waiters == 0 ? NULL : gx_arena_copy(&e->arena, e->waiters, e->n_waiters * sizeof e->waiters[0]);
    if (e->n_waiters > 0 && e->waiters_before == NULL)
        (void)gx_engine_ok(e, GX_E_MEMORY);
    e->wake_told_ms = e->wake_told_ms == e->wake_ms ? e->wake_told_ms : 0;
    for (; taken < n && e->fault == GX_OK; taken++) {
        note_progress(e, gx_input_is_marked(&inputs[taken]) ? (uint32_t)taken : UINT32_MAX);
        e->now = inputs[taken].now;
        dispatch(e, &inputs[taken]);
    }
    note_progress(e, UINT32_MAX);
    if (e->fault == GX_OK)
        timers(e);
    if (e->fault == GX_OK)
        finish(e);
    GX_ASSERT(e->fault != GX_OK || e->n_unsigned == 0);
    if (e->fault == GX_OK && e->txn != NULL && e->writing && gx_engine_ok(e, gx_txn_commit(&e->txn)) && !gx_engine_rests(e))
        e->rest_ms = 0;
    gx_txn_abort(&e->txn);
    if (e->fault != GX_OK)
        err = undo(e, inputs, n, taken, first_ticket);
    gx_sessions_reap(e);
    if (e->wake_ms != 0 && e->wake_ms != e->wake_told_ms) {
        gx_engine_effect(e, GX_OUT_WAKE)->wake_mono_ms = e->wake_ms;
        e->wake_told_ms = e->wake_ms;
    }
    *effects = (struct gx_effects){.list = e->effects, .n = e->n_effects};
    return err;
}
