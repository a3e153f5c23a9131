/* Message keys: from their senders' chains, kept where events lie, and used to read them.  KEYS §6. */
#include "node/engine/reader.h"
#include "node/engine/sealing.h"

#include <stdlib.h>

/* --- chains --------------------------------------------------------------------------------------------------------------------------- */

bool gx_epoch_read_chains(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch)
{
    struct gx_txn *txn = NULL;

    if (epoch->row.n_chains == 0 || epoch->chains != NULL)
        return true;
    txn = gx_engine_txn(e, false);
    epoch->chains = calloc(epoch->row.n_chains, sizeof *epoch->chains);
    g->epochs_touched = true;
    if (epoch->chains == NULL)
        return gx_engine_ok(e, GX_E_MEMORY);
    return txn != NULL && gx_engine_ok(e, gx_epoch_chains(txn, epoch->chains, epoch->row.n_chains, g->row.gnum, epoch->op));
}

/* Slots ascend, and so do chains. */
static struct gx_chain_row *find_chain(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch, const uint8_t tag[sizeof(struct gx_log_tag)])
{
    uint32_t low = 0, high = epoch->row.n_chains;

    if (epoch->row.state != GX_EPOCH_OPEN || !gx_epoch_read_chains(e, g, epoch))
        return NULL;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = memcmp(epoch->chains[mid].log.b, tag, sizeof(struct gx_log_tag));

        if (order == 0)
            return &epoch->chains[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

bool gx_chain_peek(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch, struct gx_sealed_head *head, struct gx_message_key *key)
{
    struct gx_chain_row *chain = find_chain(e, g, epoch, g->logs[g->own_messages].row.id.b);
    struct gx_chain_key ck;

    if (chain == NULL || chain->next >= GX_CHAIN_MAX)
        return false;
    memcpy(head->epoch, g->law.nodes[epoch->op].op.id.b, sizeof head->epoch);
    head->n = chain->next;
    ck = chain->key;
    gx_chain_step(key, &ck);
    gx_wipe(&ck, sizeof ck);
    return true;
}

bool gx_chain_used_up(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch)
{
    const struct gx_chain_row *chain = g->own_messages == GX_NONE ? NULL : find_chain(e, g, epoch, g->logs[g->own_messages].row.id.b);

    return chain != NULL && chain->next >= GX_CHAIN_MAX;
}

/* The key of place n.  Keys of places that are passed over are kept: what is sealed in control events comes another way than messages do. */
static bool take(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch, const uint8_t tag[sizeof(struct gx_log_tag)], uint32_t n,
                 struct gx_message_key *key)
{
    struct gx_chain_row *chain = find_chain(e, g, epoch, tag);
    struct gx_txn *txn = chain == NULL ? NULL : gx_engine_txn(e, true);

    if (txn == NULL)
        return false;
    if (GX_MUTANT(KEY_TWICE) && g->own_messages != GX_NONE && memcmp(tag, g->logs[g->own_messages].row.id.b, sizeof(struct gx_log_tag)) == 0) {
        struct gx_chain_key stays = chain->key;

        gx_chain_step(key, &stays);
        return true;
    }
    if (n < chain->next)
        return gx_engine_ok(e, gx_kept_take(txn, key, g->row.gnum, epoch->op, &chain->log, n));
    if (n - chain->next > GX_CHAIN_SKIP_MAX)
        return false;
    epoch->dirty = g->epochs_touched = true;
    for (; chain->next <= n; chain->next++) {
        gx_chain_step(key, &chain->key);
        if (chain->next < n && !gx_engine_ok(e, gx_kept_put(txn, g->row.gnum, epoch->op, &chain->log, chain->next, key)))
            return false;
    }
    return true;
}

/* The log that an author's chain is named by: that of its messages, for control events as well. */
static void chain_tag(uint8_t tag[sizeof(struct gx_log_tag)], const struct gx_log_row *row)
{
    struct gx_log_id id;

    gx_log_id_make(&id, &row->member, &row->device, &row->incarnation, GX_LOG_MESSAGES);
    memcpy(tag, id.b, sizeof(struct gx_log_tag));
}

/* A key is kept only where it is the one that its author sealed with: what a clone of that author wrote at the same place has another. */
static bool learn(struct gx_engine *e, struct gx_group *g, uint32_t log, const uint8_t tag[sizeof(struct gx_log_tag)], const struct gx_event *ev,
                  struct gx_message_key *key)
{
    uint8_t hdr0[GX_EVENT_HDR_MAX];
    struct gx_wr w = gx_wr(hdr0, sizeof hdr0);
    const struct gx_body_sealed *sealed = NULL;
    struct gx_body body;
    struct gx_event_id id;

    if (gx_body_decode(&body, ev) != GX_OK)
        return false;
    sealed = gx_body_sealed(&body);
    memcpy(id.b, sealed->head.epoch, sizeof id.b);

    uint32_t op = gx_group_op(g, &id);
    struct gx_epoch *epoch = op == GX_NONE ? NULL : gx_epoch_by_op(g, op);

    gx_event_write_header0(&w, ev);
    if (epoch == NULL || !take(e, g, epoch, tag, sealed->head.n, key) || !gx_message_key_fits(&sealed->head, key, gx_wr_span(&w)))
        return false;
    if (g->logs[log].row.cls == GX_LOG_MESSAGES && epoch->row.used < UINT32_MAX)
        epoch->row.used++;
    return true;
}

static uint32_t open_log(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t n);

/* A control event may stand further along its author's chain than can be passed over, because messages before it were not opened yet.  False: none was. */
static bool open_before(struct gx_engine *e, struct gx_group *g, uint32_t log)
{
    const struct gx_log_row *row = &g->logs[log].row;
    struct gx_log_id id;
    uint32_t done = 0;

    gx_log_id_make(&id, &row->member, &row->device, &row->incarnation, GX_LOG_MESSAGES);
    for (uint32_t i = gx_group_next_branch(g, &id, 0); i != GX_NONE && g->unopened; i = gx_group_next_branch(g, &id, i + 1))
        done += g->logs[i].locked.unopened != 0 ? open_log(e, g, i, UINT32_MAX) : 0;
    return done > 0;
}

void gx_chain_learn(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_event *ev, uint64_t arrival)
{
    uint8_t tag[sizeof(struct gx_log_tag)];
    struct gx_message_key key;
    struct gx_txn *txn = NULL;

    if (!gx_event_is_sealed(ev->type))
        return;
    chain_tag(tag, &g->logs[log].row);
    if (learn(e, g, log, tag, ev, &key) || (open_before(e, g, log) && learn(e, g, log, tag, ev, &key))) {
        txn = gx_engine_txn(e, true);
        if (txn != NULL)
            (void)gx_engine_ok(e, gx_message_key_put(txn, g->row.gnum, arrival, &key));
        if (gx_group_op(g, &ev->id) != GX_NONE)
            g->ops[gx_group_op(g, &ev->id)].has_key = true;
    } else {
        gx_keys_hurry(e, g);
    }
    gx_wipe(&key, sizeof key);
}

/* --- later ---------------------------------------------------------------------------------------------------------------------------- */

/* Messages come in faster than their keys can be found, and whoever reads one finds its key where its chain stands (gx_message_key_of): so a chunk is
 * only noted, and its keys are learned when there is time. */
#define OPEN_AT_ONCE 16u                /* so few are opened in the step in which they came */
#define OPEN_PAUSE_MS 20u               /* more wait until nothing has come for so long, */
#define OPEN_LATEST_MS 1000u            /* but not for longer than this: who writes on and on keeps nothing closed, */
#define OPEN_MAX 2048u                  /* and are opened so many in a step: a live message may wait for these */
#define OPEN_RUN 256u                   /* keys put at once */

static void note_locked(struct gx_engine *e, struct gx_group *g, struct gx_log *log, uint32_t seq)
{
    struct gx_locked_row *row = &log->locked;

    if (row->first == 0)
        row->first = row->last = seq;
    row->first = seq < row->first ? seq : row->first;
    row->last = seq > row->last ? seq : row->last;
    gx_log_touch(e, g, log);
    gx_keys_hurry(e, g);
}

/* From where on no key was looked for; what was dropped since needs none. */
static uint32_t unopened_from(const struct gx_log *log)
{
    return log->locked.unopened > log->row.base_seq ? log->locked.unopened : log->row.base_seq + 1;
}

static uint32_t left_of(const struct gx_log *log)
{
    return log->locked.unopened == 0 || log->row.head_seq < unopened_from(log) ? 0 : log->row.head_seq - unopened_from(log) + 1;
}

uint64_t gx_chains_left(const struct gx_group *g)
{
    uint64_t n = 0;

    for (uint32_t i = 0; g->unopened && i < g->n_logs; i++)
        n += left_of(&g->logs[i]);
    return n;
}

/* Consecutive messages of a log, one after the other. */
struct opening {
    struct gx_engine *e;
    struct gx_group *g;
    uint32_t log;
    uint8_t tag[sizeof(struct gx_log_tag)];
    uint32_t first, n;
    struct gx_message_key keys[OPEN_RUN];
    bool have[OPEN_RUN];
};

static void open_one(void *ctx, uint32_t seq, const struct gx_event *ev)
{
    struct opening *o = ctx;
    uint32_t i = seq - o->first;

    o->have[i] = ev != NULL && gx_event_is_sealed(ev->type) && learn(o->e, o->g, o->log, o->tag, ev, &o->keys[i]);
    o->n = i + 1;
    if (ev != NULL && gx_event_is_sealed(ev->type) && !o->have[i])
        note_locked(o->e, o->g, &o->g->logs[o->log], seq);
}

/* What came in one chunk has arrivals without a gap. */
static void put_opened(struct opening *o)
{
    struct gx_txn *txn = gx_engine_txn(o->e, true);
    const struct gx_log_row *row = &o->g->logs[o->log].row;
    uint64_t first = 0, last = 0;

    if (txn == NULL)
        return;
    if (gx_log_arrival(o->e, row, o->first, &first) && gx_log_arrival(o->e, row, o->first + o->n - 1, &last) && last - first == o->n - 1) {
        (void)gx_engine_ok(o->e, gx_message_keys_put(txn, o->g->row.gnum, first, o->keys, o->have, o->n));
        return;
    }
    for (uint32_t i = 0; i < o->n && o->e->fault == GX_OK; i++)
        if (o->have[i] && gx_log_arrival(o->e, row, o->first + i, &first))
            (void)gx_engine_ok(o->e, gx_message_key_put(txn, o->g->row.gnum, first, &o->keys[i]));
}

/* The oldest first: a chain only goes forward.  Returns how many of at most n. */
static uint32_t open_log(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t n)
{
    struct opening *o = gx_arena_take(&e->arena, sizeof *o);
    uint8_t *scratch = gx_arena_room(&e->arena, GX_READER_SCRATCH);
    struct gx_log *l = &g->logs[log];
    uint32_t done = 0;

    if (!gx_engine_ok(e, o == NULL || scratch == NULL ? GX_E_MEMORY : GX_OK) || gx_engine_txn(e, true) == NULL)
        return 0;
    *o = (struct opening){.e = e, .g = g, .log = log};
    chain_tag(o->tag, &l->row);
    while (done < n && left_of(l) > 0 && e->fault == GX_OK) {
        uint32_t run = left_of(l);

        run = run < n - done ? run : n - done;
        run = run < OPEN_RUN ? run : OPEN_RUN;
        o->first = unopened_from(l);
        o->n = 0;
        if (!gx_log_walk(e, g, l, o->first, o->first + run - 1, scratch, open_one, o))
            break;
        if (GX_MUTANT(OPENED_BUT_ONE))
            o->have[0] = false;
        put_opened(o);
        done += run;
        l->locked.unopened = o->first + run > l->row.head_seq ? 0 : o->first + run;
    }
    gx_wipe(o->keys, sizeof o->keys);
    gx_log_touch(e, g, l);
    return done;
}

void gx_chain_later(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t first_seq)
{
    struct gx_log *l = &g->logs[log];

    e->n_came += l->row.head_seq - first_seq + 1;
    g->unopened = true;
    if (l->locked.unopened == 0)
        l->locked.unopened = first_seq;
    /* What this node writes goes behind what it wrote before. */
    if (l->own)
        (void)open_log(e, g, log, UINT32_MAX);
}

static uint32_t open_group(struct gx_engine *e, struct gx_group *g, uint32_t n)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < g->n_logs && done < n && e->fault == GX_OK; i++)
        if (left_of(&g->logs[i]) > 0)
            done += open_log(e, g, i, n - done);
    if (done < n && e->fault == GX_OK)
        g->unopened = false;
    return done;
}

static uint32_t open_all(struct gx_engine *e, uint32_t n)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < e->n_groups && done < n && e->fault == GX_OK; i++)
        done += e->groups[i]->unopened ? open_group(e, e->groups[i], n - done) : 0;
    return done;
}

static uint64_t all_left(const struct gx_engine *e)
{
    uint64_t left = 0;

    for (uint32_t i = 0; i < e->n_groups; i++)
        left += gx_chains_left(e->groups[i]);
    return left;
}

static void open_at(struct gx_engine *e, uint64_t at_ms)
{
    uint64_t latest_ms = 0;

    if (e->open_since_ms == 0)
        e->open_since_ms = e->now.mono_ms;
    latest_ms = e->open_since_ms + OPEN_LATEST_MS;
    e->open_at_ms = at_ms < latest_ms ? at_ms : latest_ms;
    gx_engine_wake(e, e->open_at_ms);
}

void gx_chains_timer(struct gx_engine *e)
{
    if (e->open_at_ms == 0)
        return;
    if (e->now.mono_ms < e->open_at_ms) {
        gx_engine_wake(e, e->open_at_ms);
        return;
    }
    e->open_at_ms = 0;
    if (e->n_jobs > 0 && all_left(e) > 0 && e->now.mono_ms < e->open_since_ms + OPEN_LATEST_MS) {
        open_at(e, e->now.mono_ms + OPEN_PAUSE_MS);
        return;
    }
    e->open_since_ms = 0;
    if (open_all(e, OPEN_MAX) == OPEN_MAX)
        open_at(e, e->now.mono_ms + 1);
}

void gx_chains_finish(struct gx_engine *e)
{
    uint64_t left = e->config.offline ? 0 : all_left(e);

    if (left == 0)
        return;
    if (left <= OPEN_AT_ONCE)
        (void)open_all(e, OPEN_AT_ONCE);
    else if (e->open_at_ms == 0 || e->n_came > OPEN_AT_ONCE)
        open_at(e, e->now.mono_ms + OPEN_PAUSE_MS);
}

/* --- reading -------------------------------------------------------------------------------------------------------------------------- */

bool gx_has_key(struct gx_engine *e, const struct gx_group *g, uint64_t arrival)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_message_key key;
    bool has = txn != NULL && gx_engine_ok(e, gx_message_key_get(txn, &key, g->row.gnum, arrival));

    gx_wipe(&key, sizeof key);
    return has;
}

/* How far the chain of a message that was not opened yet was followed, for the next one of it. */
static void follow(struct gx_message_key *key, struct gx_ahead *at, uint32_t n)
{
    for (; at->n <= n; at->n++)
        gx_chain_step(key, &at->key);
    at->mk = *key;
}

/* Of a message that was not opened yet, from where its author's chain stands, which stays there: it moves on over all messages in their order. */
static bool key_ahead(struct gx_engine *e, struct gx_group *g, const struct gx_log *log, const struct gx_event *ev, const struct gx_sealed_head *head,
                      struct gx_message_key *key)
{
    struct gx_event_id id;
    struct gx_ahead *at = &e->ahead;
    struct gx_txn *txn = NULL;

    if (log->locked.unopened == 0 || ev->seq < log->locked.unopened)
        return false;
    memcpy(id.b, head->epoch, sizeof id.b);

    uint32_t op = gx_group_op(g, &id);
    struct gx_epoch *epoch = op == GX_NONE ? NULL : gx_epoch_by_op(g, op);
    const struct gx_chain_row *chain = epoch == NULL ? NULL : find_chain(e, g, epoch, log->row.id.b);

    if (chain == NULL)
        return false;
    if (head->n < chain->next)
        return (txn = gx_engine_txn(e, false)) != NULL && gx_engine_ok(e, gx_kept_get(txn, key, g->row.gnum, op, &chain->log, head->n));
    if (at->gnum != g->row.gnum || at->op != op || memcmp(at->log.b, chain->log.b, sizeof at->log.b) != 0 || at->n < chain->next || at->n > head->n + 1)
        *at = (struct gx_ahead){.gnum = g->row.gnum, .op = op, .log = chain->log, .n = chain->next, .key = chain->key};
    *key = at->mk;
    follow(key, at, head->n);
    return true;
}

bool gx_message_key_of(struct gx_engine *e, struct gx_group *g, const struct gx_log *log, const struct gx_event *ev, const struct gx_sealed_head *head,
                       struct gx_message_key *key)
{
    struct gx_txn *txn = NULL;
    uint64_t arrival = 0;

    if (!gx_log_arrival(e, &log->row, (uint32_t)ev->seq, &arrival) || (txn = gx_engine_txn(e, false)) == NULL)
        return false;
    return gx_engine_ok(e, gx_message_key_get(txn, key, g->row.gnum, arrival)) || key_ahead(e, g, log, ev, head, key);
}

static bool open_with(struct gx_engine *e, const struct gx_event *ev, const struct gx_body *outer, const struct gx_message_key *key, struct gx_body *plain)
{
    const struct gx_body_sealed *sealed = gx_body_sealed(outer);
    uint8_t hdr0[GX_EVENT_HDR_MAX], *text = gx_arena_take(&e->arena, sealed->sealed.n);
    struct gx_wr w = gx_wr(hdr0, sizeof hdr0);
    size_t n = 0;

    if (!gx_engine_ok(e, text == NULL ? GX_E_MEMORY : GX_OK))
        return false;
    gx_event_write_header0(&w, ev);
    return gx_message_open(text, &n, &sealed->head, key, gx_wr_span(&w), sealed->sealed) && gx_plain_decode(plain, ev->type, gx_span(text, n)) == GX_OK;
}

bool gx_op_open(struct gx_engine *e, struct gx_group *g, uint32_t op, struct gx_body *plain)
{
    struct gx_txn *txn = NULL;
    struct gx_message_key key;
    struct gx_event ev;
    struct gx_body body;
    bool ok = gx_group_read(e, g, &g->logs[g->ops[op].log], g->ops[op].seq, &ev, &body) && (txn = gx_engine_txn(e, false)) != NULL &&
              gx_engine_ok(e, gx_message_key_get(txn, &key, g->row.gnum, g->ops[op].arrival)) && open_with(e, &ev, &body, &key, plain);

    gx_wipe(&key, sizeof key);
    return ok;
}

bool gx_message_open_at(struct gx_engine *e, struct gx_group *g, const struct gx_log *log, const struct gx_event *ev, struct gx_body *plain)
{
    struct gx_message_key key;
    struct gx_body body;
    bool ok = gx_body_decode(&body, ev) == GX_OK && gx_message_key_of(e, g, log, ev, &gx_body_sealed(&body)->head, &key) && open_with(e, ev, &body, &key, plain);

    gx_wipe(&key, sizeof key);
    return ok;
}

bool gx_token_open(struct gx_engine *e, struct gx_group *g, struct gx_token_info *info)
{
    struct gx_body plain;

    if (!info->has_lan && gx_op_open(e, g, info->op, &plain)) {
        info->lan = plain.u.token.lan;
        info->has_lan = true;
        gx_wipe(&plain, sizeof plain);
    }
    return info->has_lan;
}
