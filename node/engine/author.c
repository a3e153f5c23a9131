/* This node's own events: the only place that signs as a member. */
#include "node/engine/sealing.h"

uint64_t gx_author_minute(struct gx_time now)
{
    return now.wall_ms / 60000u * 60000u;
}

void gx_author_device_key(const struct gx_engine *e, struct gx_group *g, struct gx_sign_pk *pk, struct gx_sign_sk *sk)
{
    if (!g->has_device_sk)
        gx_device_key(pk, &g->device_sk, &e->config.device_seed, &g->row.intro.e);
    g->has_device_sk = true;
    *pk = g->row.intro.device;
    *sk = g->device_sk;
}

/* One more than the highest tick this node shows, but never beyond what every node accepts behind prev and deps.  WIRE §3 */
static uint64_t next_tick(const struct gx_group *g, const struct gx_event *ev, uint64_t prev_tick)
{
    uint64_t highest = prev_tick;

    for (size_t i = 0; i < ev->n_deps; i++) {
        struct gx_event_id dep = gx_event_dep(ev, i);
        uint32_t op = gx_group_op(g, &dep);

        if (op != GX_NONE && g->ops[op].tick > highest)
            highest = g->ops[op].tick;
    }

    uint64_t tick = g->max_tick > highest ? g->max_tick : highest;

    if (tick > highest + GX_EVENT_TICK_STEP_MAX - 1 && highest > 0)
        tick = highest + GX_EVENT_TICK_STEP_MAX - 1;
    return tick + 1;
}

/* Is the operation behind one of these heads? */
static bool shows(const struct gx_group *g, const uint32_t *heads, uint32_t n, uint32_t op)
{
    bool found = op == GX_LAW_NONE;

    for (uint32_t i = 0; i < n && !found; i++)
        found = heads[i] == op || gx_law_past(&g->law, op, heads[i]);
    return found;
}

/* What an event rests on: my admission; what the owner has witnessed, which holds the ranks; and what its body names. */
static uint32_t rests_on(const struct gx_group *g, const struct gx_body *body, const struct gx_epoch *epoch, uint32_t out[4])
{
    const struct gx_law_run *run = &g->law.now;
    uint32_t n = 0;

    out[n++] = g->me == GX_NONE ? GX_LAW_NONE : gx_law_seat(&g->law, g->me);
    if (epoch != NULL)
        out[n++] = epoch->op;
    if (gx_event_is_message(body->type))
        return n;
    out[n++] = run->n_main == 0 ? GX_LAW_NONE : run->main[run->n_main - 1];
    if (body->type == GX_EV_ADMIT && body->u.admit.request.via == GX_VIA_QR)
        out[n++] = gx_group_op(g, &body->u.admit.request.token);
    else if (body->type == GX_EV_REVOKE && body->u.revoke.what == GX_REVOKE_TOKEN)
        out[n++] = gx_group_op(g, &body->u.revoke.token);
    else if (body->type == GX_EV_TRANSFER)
        out[n++] = gx_group_op(g, &body->u.transfer.offer);
    return n;
}

/* The head that shows `op` comes among the n chosen, in place of the last of these that nothing needed yet: *kept.  All stay in ascending order, for
 * what comes in has a higher id than what was chosen at first. */
static void choose(const struct gx_group *g, uint32_t *heads, uint32_t n, uint32_t *kept, uint32_t all, uint32_t op)
{
    uint32_t i = n, at = 0;

    while (i < all && !shows(g, &heads[i], 1, op))
        i++;
    if (i == all || *kept == 0)
        return;
    at = --*kept;
    for (; at + 1 < n && gx_event_id_cmp(&g->law.nodes[heads[i]].op.id, &g->law.nodes[heads[at + 1]].op.id) > 0; at++)
        heads[at] = heads[at + 1];
    heads[at] = heads[i];
}

/* Of more heads than `cap` the lowest ids; but what the event rests on is behind one of them, or it would count nowhere. */
static bool put_deps(struct gx_engine *e, struct gx_group *g, struct gx_event *ev, const struct gx_body *body, const struct gx_epoch *epoch, uint32_t cap)
{
    uint32_t *heads = gx_arena_take(&e->arena, (g->n_heads + 1u) * sizeof *heads), needs[4];
    uint32_t all = heads == NULL ? 0 : gx_group_heads(e, g, heads, g->n_heads), n = all < cap ? all : cap, kept = n;
    uint32_t n_needs = all > n ? rests_on(g, body, epoch, needs) : 0;
    uint8_t *deps = gx_arena_take(&e->arena, 32u * (size_t)n + 1);

    if (heads == NULL || deps == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    for (uint32_t k = 0; k < 2 * n_needs; k++)      /* twice: what gave way may have shown one that was there */
        if (!shows(g, heads, n, needs[k % n_needs]))
            choose(g, heads, n, &kept, all, needs[k % n_needs]);
    for (uint32_t i = 0; i < n; i++)
        memcpy(deps + 32u * (size_t)i, g->law.nodes[heads[i]].op.id.b, 32);
    ev->deps = deps;
    ev->n_deps = (uint8_t)n;
    return true;
}

/* What is sealed becomes the outer form of its body.  KEYS §6 */
static enum gx_err close_sealed(struct gx_engine *e, struct gx_group *g, struct gx_event *ev, struct gx_body *body, struct gx_epoch *epoch)
{
    struct gx_body plain = *body;
    /* Of a text: its time, what tells its fields apart, and a reply.  Many may be written in one step. */
    struct gx_wr text = gx_engine_wr(e, body->type == GX_EV_TEXT ? body->u.text.text.n + 64u : 2048u);
    struct gx_body_sealed sealed = {.sealed = gx_span(NULL, 0)};
    struct gx_message_key key;
    uint8_t hdr0[GX_EVENT_HDR_MAX], *out = NULL;
    struct gx_wr w = gx_wr(hdr0, sizeof hdr0);

    gx_plain_encode(&text, &plain);
    if (text.failed)
        return GX_E_TOO_BIG;

    size_t n = gx_sealed_padded(text.n) + GX_AEAD_TAG_BYTES;

    out = gx_arena_take(&e->arena, n);
    if (out == NULL || !gx_chain_peek(e, g, epoch, &sealed.head, &key))
        return e->fault != GX_OK ? e->fault : out == NULL ? GX_E_MEMORY : GX_E_DENIED;
    ev->body_len = (uint32_t)(GX_SEALED_HEAD_BYTES + n + (body->type == GX_EV_TOKEN ? 36u : 0u));
    gx_event_write_header0(&w, ev);
    gx_message_seal(out, &sealed.head, &key, e->config.rng, gx_wr_span(&w), gx_wr_span(&text));
    gx_wipe(&key, sizeof key);
    gx_wipe(text.p, text.n);
    sealed.sealed = gx_span(out, n);
    if (body->type == GX_EV_TOKEN)
        body->u.token.sealed = sealed;
    else
        body->u.sealed = sealed;
    return GX_OK;
}

/* All but the signature.  `body` is the outer form from then on. */
static enum gx_err close_event(struct gx_engine *e, struct gx_group *g, struct gx_event *ev, struct gx_body *body, struct gx_epoch *epoch)
{
    struct gx_wr w = {.p = NULL};

    ev->ver = GX_EVENT_VERSION;
    ev->type = body->type;
    if (body->type == GX_EV_EPOCH && !gx_epoch_close(e, g, ev, &body->u.epoch))
        return e->fault;
    if (gx_event_is_sealed(body->type)) {
        enum gx_err err = close_sealed(e, g, ev, body, epoch);

        if (err != GX_OK)
            return err;
    }
    w = gx_engine_wr(e, gx_event_is_sealed(body->type) ? GX_SEALED_HEAD_BYTES + gx_body_sealed(body)->sealed.n + 64u : GX_EVENT_BODY_MAX);
    gx_body_encode(&w, body);
    if (w.failed)
        return GX_E_TOO_BIG;
    ev->body = gx_wr_span(&w);
    gx_event_close(ev);
    return gx_event_check(ev);
}

static enum gx_err seal(struct gx_engine *e, struct gx_group *g, struct gx_event *ev, struct gx_body *body, struct gx_epoch *epoch)
{
    enum gx_err err = close_event(e, g, ev, body, epoch);
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    if (err != GX_OK)
        return err;
    gx_author_device_key(e, g, &pk, &sk);
    gx_event_sign(ev, &sk);
    gx_wipe(&sk, sizeof sk);
    return GX_OK;
}

/* --- texts: signed together --------------------------------------------------------------------------------------------------------- */

static bool sign_later(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, uint64_t arrival)
{
    struct gx_unsigned *u = gx_arena_take(&e->arena, sizeof *u);
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    if (u == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    gx_author_device_key(e, g, &pk, &sk);
    gx_wipe(&sk, sizeof sk);
    *u = (struct gx_unsigned){.next = e->unsigned_events, .ev = *ev, .sk = &g->device_sk, .arrival = arrival};
    e->unsigned_events = u;
    e->n_unsigned++;
    return true;
}

static void sign_one(void *ctx, size_t i)
{
    struct gx_unsigned *const *list = ctx;

    gx_event_sign(&list[i]->ev, list[i]->sk);
}

static void sign_all(const struct gx_engine *e, struct gx_unsigned **list, size_t n)
{
    if (e->config.hands.each != NULL) {
        e->config.hands.each(e->config.hands.self, sign_one, list, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        sign_one(list, i);
}

void gx_author_sign(struct gx_engine *e)
{
    size_t n = e->n_unsigned;
    struct gx_unsigned **list = NULL, *u = e->unsigned_events;

    if (n == 0 || e->fault != GX_OK)
        return;
    e->n_unsigned = 0;
    e->unsigned_events = NULL;
    list = gx_arena_take(&e->arena, n * sizeof(struct gx_unsigned *));
    if (list == NULL) {
        gx_engine_ok(e, GX_E_MEMORY);
        return;
    }
    for (size_t i = n; i-- > 0; u = u->next)       /* the newest is first */
        list[i] = u;
    sign_all(e, list, n);
    for (size_t i = 0; i < n && e->fault == GX_OK; i++) {
        struct gx_txn *txn = gx_engine_txn(e, true);

        if (txn != NULL && !GX_MUTANT(SIGNATURE_LOST))
            gx_engine_ok(e, gx_events_signed(txn, list[i]->arrival, &list[i]->ev));
    }
}

static enum gx_err write_create(struct gx_engine *e, struct gx_group *g, struct gx_body *body, struct gx_event_id *id)
{
    struct gx_event ev = {.seq = 1, .tick = 1, .wall_ms = gx_author_minute(e->now)};
    enum gx_err err = GX_OK;

    gx_log_id_make(&ev.log, &g->row.intro.member, &g->row.intro.device, &g->row.intro.incarnation, GX_LOG_CONTROL);
    err = seal(e, g, &ev, body, NULL);
    if (err != GX_OK)
        return err;
    memcpy(g->row.id.b, ev.id.b, sizeof g->row.id.b);
    err = gx_group_ingest(e, g, &ev, body);
    gx_group_settle(e, g);
    if (id != NULL)
        *id = ev.id;
    return err;
}

static enum gx_err write_control(struct gx_engine *e, struct gx_group *g, struct gx_body *body, const struct gx_log_id *log_id, uint64_t seq,
                                 const struct gx_event_id *prev, uint64_t prev_tick, struct gx_event_id *id, struct gx_epoch *epoch)
{
    struct gx_event ev = {.group = g->row.id, .log = *log_id, .seq = seq, .prev = *prev, .wall_ms = gx_author_minute(e->now)};
    enum gx_err err = GX_OK;

    if (!put_deps(e, g, &ev, body, epoch, GX_EVENT_DEPS_MAX))
        return GX_E_MEMORY;
    ev.tick = next_tick(g, &ev, prev_tick);
    err = seal(e, g, &ev, body, epoch);
    if (err == GX_OK)
        err = gx_group_ingest(e, g, &ev, body);
    gx_group_settle(e, g);
    if (id != NULL)
        *id = ev.id;
    return err;
}

/* A file-level restore cannot fork: with a new incarnation secret come new logs, whose first event names the last own head known.  WIRE §4.8 */
static enum gx_err open_incarnation(struct gx_engine *e, struct gx_group *g)
{
    struct gx_body body = {.type = GX_EV_INCARNATION};
    struct gx_event_id prev = {{0}};
    uint64_t prev_tick = 0;
    struct gx_log_id log;

    if (g->own_control != GX_NONE)
        return GX_OK;
    for (uint32_t i = 0; i < g->n_logs; i++) {
        const struct gx_log_row *row = &g->logs[i].row;

        if (g->logs[i].own && row->cls == GX_LOG_CONTROL && row->head_seq > 0 && row->head_tick > prev_tick) {
            prev = row->head_id;
            prev_tick = row->head_tick;
        }
    }
    body.u.incarnation.member = g->row.intro.member;
    body.u.incarnation.device = g->row.intro.device;
    body.u.incarnation.incarnation = g->incarnation;
    gx_log_id_make(&log, &g->row.intro.member, &g->row.intro.device, &g->incarnation, GX_LOG_CONTROL);
    gx_engine_log(e, "this home was restored or copied: its events go on in a new incarnation");
    return write_control(e, g, &body, &log, 1, &prev, prev_tick, NULL, NULL);
}

static enum gx_err write_message(struct gx_engine *e, struct gx_group *g, struct gx_body *body, struct gx_event_id *id, uint32_t *seq, struct gx_epoch *epoch)
{
    struct gx_log *log = &g->logs[g->own_messages];
    struct gx_txn *txn = gx_engine_txn(e, true);
    struct gx_event ev = {.group = g->row.id, .log = log->row.id, .seq = (uint64_t)log->row.head_seq + 1, .prev = log->row.head_id};
    struct gx_known_list known = {.list = NULL};
    uint64_t arrival = 0;
    enum gx_err err = GX_OK;

    if (txn == NULL)
        return e->fault;
    if (ev.seq == 1) {
        for (uint32_t i = 0; i < g->n_logs; i++)
            if (g->logs[i].own && g->logs[i].row.cls == GX_LOG_MESSAGES && i != g->own_messages && g->logs[i].row.head_seq > 0)
                ev.prev = g->logs[i].row.head_id;
        gx_log_begins_after(log, &ev.prev);
    }
    if (!g->deps_told && !put_deps(e, g, &ev, body, epoch, GX_MESSAGE_DEPS_MAX))
        return GX_E_MEMORY;
    ev.tick = next_tick(g, &ev, log->row.head_tick);
    err = close_event(e, g, &ev, body, epoch);
    if (err != GX_OK)
        return err;
    if (!gx_engine_ok(e, gx_events_append(txn, &arrival, &log->row, &ev)) || !sign_later(e, g, &ev, arrival) ||
        !gx_shown_learn(e, g, log, &known, &e->arena, &ev, UINT32_MAX) || !gx_shown_keep(e, log, &known))
        return e->fault;
    if (log->pushed_from == 0)
        log->pushed_from = (uint32_t)ev.seq;
    log->changed = true;
    gx_log_touch(e, g, log);
    log->pend_seq = log->row.head_seq;
    log->pend_id = log->row.head_id;
    log->pend_tick = log->row.head_tick;
    gx_chain_learn(e, g, g->own_messages, &ev, arrival);
    log->row.read_seq = log->row.head_seq;      /* what I wrote is not news to me */
    log->row.read_messages = log->row.n_messages;
    g->max_tick = ev.tick > g->max_tick ? ev.tick : g->max_tick;
    g->deps_told = true;
    g->hash_valid = false;
    if (id != NULL)
        *id = ev.id;
    if (seq != NULL)
        *seq = (uint32_t)ev.seq;
    return GX_OK;
}

enum gx_err gx_author_write(struct gx_engine *e, struct gx_group *g, const struct gx_body *body, struct gx_event_id *id, uint32_t *seq)
{
    struct gx_body outer = *body;
    struct gx_epoch *epoch = NULL;
    enum gx_err err = GX_OK;

    if (body->type == GX_EV_CREATE)
        return write_create(e, g, &outer, id);
    err = open_incarnation(e, g);
    if (err == GX_OK && (g->own_messages == GX_NONE || g->own_control == GX_NONE))
        err = GX_E_DENIED;
    if (err == GX_OK && gx_event_is_sealed(body->type))
        err = gx_epoch_for_sending(e, g, &epoch);
    if (err != GX_OK)
        return err;
    if (gx_event_is_message(body->type))
        return write_message(e, g, &outer, id, seq, epoch);

    const struct gx_log_row *row = &g->logs[g->own_control].row;
    const struct gx_log_row at = *row;      /* the array may move while logs are added */

    err = write_control(e, g, &outer, &at.id, (uint64_t)at.head_seq + 1, &at.head_id, at.head_tick, id, epoch);
    /* Who removes somebody closes the door behind them: nobody has to speak first. */
    g->epoch_due = g->epoch_due || (err == GX_OK && (body->type == GX_EV_REMOVE || body->type == GX_EV_BAN));
    return err;
}

/* --- the own endpoint record ------------------------------------------------------------------------------------------------------------ */

static bool same_place(const struct gx_engine *e, const struct gx_endpoint *record)
{
    if (record == NULL || record->n_addrs != e->n_addrs || memcmp(&record->transport, &e->config.transport_pk, 32) != 0)
        return false;
    for (size_t i = 0; i < e->n_addrs; i++)
        if (!gx_addr_equal(&record->addrs[i], &e->addrs[i]))
            return false;
    return true;
}

static void write_endpoint(struct gx_engine *e, struct gx_group *g)
{
    struct gx_endpoint record = {.device = g->row.intro.device, .transport = e->config.transport_pk, .n_addrs = (uint8_t)e->n_addrs};
    uint8_t bytes[GX_ENDPOINT_SIGNED_MAX];
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    struct gx_txn *txn = gx_engine_txn(e, true);

    memcpy(record.addrs, e->addrs, e->n_addrs * sizeof e->addrs[0]);
    record.counter = ++g->row.endpoint_counter;
    g->dirty = true;
    gx_author_device_key(e, g, &pk, &sk);
    gx_sign(&record.sig, &sk, GX_DOMAIN_ENDPOINT, gx_span(bytes, gx_endpoint_signed_bytes(bytes, &record, &g->row.id)));
    gx_wipe(&sk, sizeof sk);
    if (txn != NULL)
        gx_endpoints_store(e, g, &record);
}

void gx_author_endpoint(struct gx_engine *e, struct gx_group *g)
{
    const struct gx_endpoint *own = gx_endpoints_of(g, &g->row.intro.device);

    if (!gx_group_is_member(g) || !e->listening || same_place(e, own))
        return;
    if (own == NULL || memcmp(&own->transport, &e->config.transport_pk, sizeof own->transport) != 0)
        gx_transport_key_told(e, g);
    write_endpoint(e, g);
}

void gx_author_endpoint_above(struct gx_engine *e, struct gx_group *g, uint64_t counter)
{
    if (g->endpoint_raised || !gx_group_is_member(g) || !e->listening || counter == UINT64_MAX)
        return;
    g->endpoint_raised = true;
    g->row.endpoint_counter = counter;
    write_endpoint(e, g);
}
