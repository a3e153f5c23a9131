/* Message keys: from their senders' chains, kept where events lie, and used to read them.  KEYS §6. */
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

void gx_chain_learn(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_event *ev, uint64_t arrival)
{
    uint8_t tag[sizeof(struct gx_log_tag)];
    struct gx_message_key key;
    struct gx_txn *txn = NULL;

    if (!gx_event_is_sealed(ev->type))
        return;
    chain_tag(tag, &g->logs[log].row);
    if (learn(e, g, log, tag, ev, &key)) {
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

static void note_locked(struct gx_engine *e, struct gx_group *g, struct gx_log *log, uint32_t seq)
{
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (log->locked.first == 0)
        log->locked = (struct gx_locked_row){.first = seq, .last = seq};
    log->locked.first = seq < log->locked.first ? seq : log->locked.first;
    log->locked.last = seq > log->locked.last ? seq : log->locked.last;
    if (txn != NULL)
        (void)gx_engine_ok(e, gx_locked_put(txn, g->row.gnum, log->row.lnum, &log->locked));
    gx_keys_hurry(e, g);
}

void gx_chain_learn_chunk(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_chunk *chunk, const struct gx_event_id *ids,
                          uint64_t first_arrival)
{
    struct gx_message_key *keys = gx_arena_take(&e->arena, chunk->count * sizeof *keys);
    bool *have = gx_arena_take(&e->arena, chunk->count * sizeof *have);
    struct gx_chunk_iter it;
    struct gx_event ev;
    struct gx_txn *txn = NULL;
    uint8_t tag[sizeof(struct gx_log_tag)];
    uint32_t n = 0;

    if (!gx_engine_ok(e, keys == NULL || have == NULL ? GX_E_MEMORY : GX_OK))
        return;
    chain_tag(tag, &g->logs[log].row);
    gx_chunk_begin_known(&it, chunk, &g->row.id, ids);
    for (; n < chunk->count && gx_chunk_next(&it, &ev, NULL) == GX_OK; n++) {
        have[n] = learn(e, g, log, tag, &ev, &keys[n]);
        if (!have[n])
            note_locked(e, g, &g->logs[log], (uint32_t)ev.seq);
    }
    txn = gx_engine_txn(e, true);
    if (txn != NULL)
        (void)gx_engine_ok(e, gx_message_keys_put(txn, g->row.gnum, first_arrival, keys, have, n));
    gx_wipe(keys, chunk->count * sizeof *keys);
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

bool gx_event_open(struct gx_engine *e, const struct gx_group *g, const struct gx_event *ev, const struct gx_body *outer, uint64_t arrival, struct gx_body *plain)
{
    const struct gx_body_sealed *sealed = gx_body_sealed(outer);
    struct gx_txn *txn = gx_engine_txn(e, false);
    uint8_t hdr0[GX_EVENT_HDR_MAX], *text = gx_arena_take(&e->arena, sealed->sealed.n);
    struct gx_wr w = gx_wr(hdr0, sizeof hdr0);
    struct gx_message_key key;
    size_t n = 0;
    bool ok = txn != NULL && gx_engine_ok(e, text == NULL ? GX_E_MEMORY : GX_OK) && gx_engine_ok(e, gx_message_key_get(txn, &key, g->row.gnum, arrival));

    if (!ok)
        return false;
    gx_event_write_header0(&w, ev);
    ok = gx_message_open(text, &n, &sealed->head, &key, gx_wr_span(&w), sealed->sealed) && gx_plain_decode(plain, ev->type, gx_span(text, n)) == GX_OK;
    gx_wipe(&key, sizeof key);
    return ok;
}

bool gx_op_open(struct gx_engine *e, struct gx_group *g, uint32_t op, struct gx_body *plain)
{
    struct gx_event ev;
    struct gx_body body;

    return gx_group_read(e, g, &g->logs[g->ops[op].log], g->ops[op].seq, &ev, &body) && gx_event_open(e, g, &ev, &body, g->ops[op].arrival, plain);
}

bool gx_message_open_at(struct gx_engine *e, const struct gx_group *g, const struct gx_log *log, const struct gx_event *ev, struct gx_body *plain)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    struct gx_body body;
    uint64_t arrival = 0;

    return txn != NULL && gx_body_decode(&body, ev) == GX_OK && gx_engine_ok(e, gx_events_arrival(txn, &arrival, &log->row, (uint32_t)ev->seq)) &&
           gx_event_open(e, g, ev, &body, arrival, plain);
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
