#include <stdlib.h>

#include "proto/limits.h"
#include "store/check_parts.h"
#include "store/keys.h"
#include "store/people.h"
#include "store/schema.h"
#include "store/wrap.h"

/* Ops of one group by id, for their depths. */
struct known {
    struct gx_event_id id;
    uint32_t depth;
};

struct ops {
    struct gx_check *c;
    uint32_t gnum;
    const struct gx_group_id *group;
    struct known *known;
    size_t n, cap;
    uint64_t arrival;               /* of the op before */
};

static int by_id(const void *a, const void *b)
{
    const struct known *x = a, *y = b;

    return gx_event_id_cmp(&x->id, &y->id);
}

static enum gx_err learn(struct ops *o, const struct gx_op_row *row)
{
    if (o->n == o->cap) {
        size_t cap = o->cap == 0 ? 64 : o->cap * 2;
        struct known *known = realloc(o->known, cap * sizeof *known);
        if (known == NULL)
            return GX_E_MEMORY;
        o->known = known;
        o->cap = cap;
    }
    o->known[o->n++] = (struct known){.id = row->id, .depth = row->depth};
    return GX_OK;
}

/* LAW: "longest path over deps and the previous control event of its own log; CREATE 0". */
static uint32_t depth_of(const struct ops *o, const struct gx_event *ev)
{
    uint32_t depth = 0;

    for (size_t i = 0; i <= ev->n_deps; i++) {
        struct known key = {.id = i < ev->n_deps ? gx_event_dep(ev, i) : ev->prev};
        const struct known *found = bsearch(&key, o->known, o->n, sizeof key, by_id);
        if (found != NULL && found->depth >= depth && found->depth < UINT32_MAX)
            depth = found->depth + 1;
    }
    return depth;
}

static enum gx_err check_op(struct ops *o, uint32_t cnum, const struct gx_op_row *op)
{
    struct gx_check *c = o->c;
    struct gx_log_row row;
    struct gx_event ev;
    uint64_t arrival;
    enum gx_err err = gx_log_next(c->txn, &row, o->gnum, op->lnum - 1);

    if (err == GX_OK && (row.lnum != op->lnum || row.cls != GX_LOG_CONTROL))
        err = GX_E_ABSENT;
    if (err == GX_OK)
        err = gx_events_get(c->txn, &ev, &row, o->group, op->seq);
    if (err == GX_OK)
        err = gx_events_arrival(c->txn, &arrival, &row, op->seq);
    if (gx_check_stops(err))
        return err;
    if (err != GX_OK || !gx_event_id_equal(&ev.id, &op->id))
        gx_check_problem(c, "group %u operation %u: its event is not where it says", o->gnum, cnum);
    else if (arrival != op->arrival || op->arrival <= o->arrival)
        gx_check_problem(c, "group %u operation %u: it says arrival %llu, its event %llu", o->gnum, cnum, (unsigned long long)op->arrival,
                         (unsigned long long)arrival);
    else if (depth_of(o, &ev) != op->depth)
        gx_check_problem(c, "group %u operation %u: it says depth %u, its event %u", o->gnum, cnum, op->depth, depth_of(o, &ev));
    o->arrival = op->arrival;
    return GX_OK;
}

static enum gx_err each_op(struct ops *o, bool check)
{
    uint32_t cnum = 0;
    struct gx_op_row row;
    enum gx_err err;

    while ((err = gx_op_get(o->c->txn, &row, o->gnum, cnum)) != GX_E_ABSENT) {
        if (gx_check_stops(err))
            return err;
        if (err == GX_E_CORRUPT && check)
            gx_check_problem(o->c, "group %u operation %u: its row makes no sense", o->gnum, cnum);
        else if (err == GX_OK)
            err = check ? check_op(o, cnum, &row) : learn(o, &row);
        if (gx_check_stops(err))
            return err;
        if (check)
            o->c->out->ops++;
        cnum++;
    }
    if (check && cnum != o->c->control_events)
        gx_check_problem(o->c, "group %u: %llu control events and %u operations", o->gnum, (unsigned long long)o->c->control_events, cnum);
    return GX_OK;
}

enum gx_err gx_check_ops(struct gx_check *c, const struct gx_group_row *group)
{
    struct ops o = {.c = c, .gnum = group->gnum, .group = &group->id};
    enum gx_err err = each_op(&o, false);

    if (o.n > 0)
        qsort(o.known, o.n, sizeof *o.known, by_id);
    if (err == GX_OK)
        err = each_op(&o, true);
    free(o.known);
    return err;
}

/* One row of a small table, looked up by its own key: does it decode? */
static enum gx_err check_join(struct gx_txn *txn, struct gx_span key)
{
    struct gx_join_row row;

    if (key.n != 4)
        return GX_E_CORRUPT;
    enum gx_err err = gx_join_get(txn, &row, gx_get_be32(key.p));
    gx_wipe(&row, sizeof row);
    return err;
}

static enum gx_err check_invite(struct gx_txn *txn, struct gx_span key)
{
    struct gx_invite_row row;
    struct gx_event_id token;

    if (key.n != 36)
        return GX_E_CORRUPT;
    memcpy(token.b, key.p + 4, sizeof token.b);
    enum gx_err err = gx_invite_get(txn, &row, gx_get_be32(key.p), &token);
    gx_wipe(&row, sizeof row);
    return err;
}

static enum gx_err check_door(struct gx_txn *txn, struct gx_span key)
{
    struct gx_event_id token;
    uint16_t port;

    if (key.n != 32)
        return GX_E_CORRUPT;
    memcpy(token.b, key.p, sizeof token.b);
    return gx_door_get(txn, &port, &token);
}

/* What lies just below the 32 bytes that a key ends in: its successor is the row itself, whatever lies between. */
static bool below(uint8_t out[32], struct gx_span key)
{
    memcpy(out, key.p + key.n - 32, 32);
    for (size_t i = 32; i-- > 0;) {
        if (out[i]-- != 0)
            return true;
    }
    return false;
}

static enum gx_err check_endpoint(struct gx_txn *txn, struct gx_span key)
{
    struct gx_endpoint record;
    struct gx_sign_pk before;

    if (key.n != 36)
        return GX_E_CORRUPT;
    bool any = below(before.b, key);
    return gx_endpoint_next(txn, &record, gx_get_be32(key.p), any ? &before : NULL);
}

static enum gx_err check_held(struct gx_txn *txn, struct gx_span key)
{
    struct gx_held_row row;
    struct gx_sign_pk before;

    if (key.n != 36)
        return GX_E_CORRUPT;
    bool any = below(before.b, key);
    return gx_held_next(txn, &row, gx_get_be32(key.p), any ? &before : NULL);
}

static enum gx_err check_knows(struct gx_txn *txn, struct gx_span key)
{
    uint32_t cnum = key.n == 8 ? gx_get_be32(key.p + 4) : 0, seq;

    return key.n == 8 ? gx_knows_next(txn, &cnum, &seq, gx_get_be32(key.p)) : GX_E_CORRUPT;
}

static enum gx_err check_contact(struct gx_txn *txn, struct gx_span key)
{
    struct gx_contact_row row;
    struct gx_sign_pk before;

    if (key.n != 32)
        return GX_E_CORRUPT;
    bool any = below(before.b, key);
    enum gx_err err = gx_contact_next(txn, &row, any ? &before : NULL);
    gx_wipe(&row, sizeof row);
    return err;
}

static enum gx_err check_asked(struct gx_txn *txn, struct gx_span key)
{
    struct gx_asked_row row;

    return key.n == 4 ? gx_asked_get(txn, &row, gx_get_be32(key.p)) : GX_E_CORRUPT;
}

static enum gx_err check_offered(struct gx_txn *txn, struct gx_span key)
{
    struct gx_sign_pk before, contact;
    uint64_t until_ms;

    if (key.n != 36)
        return GX_E_CORRUPT;
    bool any = below(before.b, key);
    return gx_offered_next(txn, &contact, &until_ms, gx_get_be32(key.p), any ? &before : NULL);
}

static enum gx_err check_invited(struct gx_txn *txn, struct gx_span key)
{
    struct gx_invited_row row;
    struct gx_event_id before;

    if (key.n != 32)
        return GX_E_CORRUPT;
    bool any = below(before.b, key);
    return gx_invited_next(txn, &row, any ? &before : NULL);
}

static enum gx_err check_revealed(struct gx_txn *txn, struct gx_span key)
{
    struct gx_sign_pk before, member, contact;

    if (key.n != 36)
        return GX_E_CORRUPT;
    bool any = below(before.b, key);
    return gx_revealed_next(txn, &member, &contact, gx_get_be32(key.p), any ? &before : NULL);
}

static enum gx_err check_told(struct gx_txn *txn, struct gx_span key)
{
    struct gx_told_row row;
    struct gx_event_id before;

    if (key.n != 32)
        return GX_E_CORRUPT;
    bool any = below(before.b, key);
    return gx_told_next(txn, &row, any ? &before : NULL);
}

/* Both name an epoch by its control event: is there one? */
static enum gx_err check_of_op(struct gx_txn *txn, struct gx_span key)
{
    struct gx_op_row op;

    return gx_op_get(txn, &op, gx_get_be32(key.p), gx_get_be32(key.p + 4));
}

static enum gx_err check_epoch(struct gx_txn *txn, struct gx_span key)
{
    struct gx_epoch_row row;

    if (key.n != 8)
        return GX_E_CORRUPT;
    uint32_t gnum = gx_get_be32(key.p), cnum = gx_get_be32(key.p + 4);
    enum gx_err err = gx_epoch_next(txn, &cnum, &row, gnum);
    if (err != GX_OK)
        return err;
    struct gx_chain_row *chains = calloc(row.n_chains + 1u, sizeof *chains);
    if (chains == NULL)
        return GX_E_MEMORY;
    err = gx_epoch_chains(txn, chains, row.n_chains, gnum, cnum);
    gx_wipe(chains, row.n_chains * sizeof *chains);
    free(chains);
    return err == GX_OK ? check_of_op(txn, key) : err;
}

static enum gx_err check_prekey(struct gx_txn *txn, struct gx_span key)
{
    struct gx_prekey_row row;
    struct gx_dh_pk before;

    if (key.n != 36)
        return GX_E_CORRUPT;
    bool any = below(before.b, key);
    enum gx_err err = gx_prekey_next(txn, &row, gx_get_be32(key.p), any ? &before : NULL);
    gx_wipe(&row, sizeof row);
    return err;
}

/* Not looked up by gx_kept_take, which would take it. */
static enum gx_err check_kept(struct gx_txn *txn, struct gx_span key)
{
    struct gx_key own = {.n = key.n};
    struct gx_message_key mk;
    struct gx_span value;

    if (key.n != 20 || gx_get_be32(key.p + 16) >= GX_CHAIN_MAX)
        return GX_E_CORRUPT;
    memcpy(own.b, key.p, key.n);
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_KEPT, &own);
    if (err == GX_OK && value.n != sizeof mk.b)
        err = GX_E_CORRUPT;
    return err == GX_OK ? check_of_op(txn, key) : err;
}

/* Keys of numbers that are not given yet would be taken for those of events to come. */
static enum gx_err check_key(struct gx_txn *txn, struct gx_span key)
{
    struct gx_message_key mk;
    enum gx_err err = GX_OK;

    if (key.n != 12 || gx_get_be64(key.p + 4) > UINT64_MAX / GX_KEY_BLOCK)
        return GX_E_CORRUPT;
    for (uint32_t i = 0; i < GX_KEY_BLOCK && err == GX_OK; i++) {
        uint64_t arrival = gx_get_be64(key.p + 4) * GX_KEY_BLOCK + i;
        err = gx_message_key_get(txn, &mk, gx_get_be32(key.p), arrival);
        if (err == GX_OK && (arrival == 0 || arrival >= txn->counters.next_arrival))
            err = GX_E_CORRUPT;
        if (err == GX_E_ABSENT)
            err = GX_OK;
    }
    gx_wipe(&mk, sizeof mk);
    return err;
}

static enum gx_err check_locked(struct gx_txn *txn, struct gx_span key)
{
    struct gx_locked_row row;

    return key.n == 8 ? gx_locked_get(txn, &row, gx_get_be32(key.p), gx_get_be32(key.p + 4)) : GX_E_CORRUPT;
}

static enum gx_err check_table(struct gx_check *c, enum gx_table t, enum gx_err (*check)(struct gx_txn *txn, struct gx_span key))
{
    struct gx_scan scan;
    struct gx_span key, value;

    if (c->txn->store->wraps == NULL && (gx_wrap_seals(t) || t == GX_TABLE_WRAP)) {
        c->out->unopened += gx_table_rows(c->txn, t);
        return GX_OK;
    }
    enum gx_err err = gx_scan_begin(&scan, c->txn, t);
    while (err == GX_OK && (err = gx_scan_next(&scan, &key, &value)) == GX_OK) {
        err = check(c->txn, key);
        if (err == GX_E_ABSENT || err == GX_E_CORRUPT) {
            gx_check_problem(c, "table %s: a row makes no sense", gx_table_name(t));
            err = GX_OK;
        }
    }
    gx_scan_end(&scan);
    if (err == GX_E_CORRUPT)
        gx_check_problem(c, "table %s cannot be walked", gx_table_name(t));
    return gx_check_stops(err) ? err : GX_OK;
}

static enum gx_err check_addrs(struct gx_check *c)
{
    struct gx_addr addr;
    enum gx_err err = gx_manual_next(c->txn, &addr, NULL);

    while (err == GX_OK)
        err = gx_manual_next(c->txn, &addr, &addr);
    if (err == GX_E_CORRUPT)
        gx_check_problem(c, "table %s: a row makes no sense", gx_table_name(GX_TABLE_ADDR));
    return gx_check_stops(err) ? err : GX_OK;
}

enum gx_err gx_check_rows(struct gx_check *c)
{
    static const struct {
        enum gx_table table;
        enum gx_err (*check)(struct gx_txn *txn, struct gx_span key);
    } small[] = {
        {GX_TABLE_JOIN, check_join},         {GX_TABLE_INVITE, check_invite},   {GX_TABLE_DOOR, check_door},
        {GX_TABLE_ENDPOINT, check_endpoint}, {GX_TABLE_HELD, check_held},       {GX_TABLE_KNOWS, check_knows},
        {GX_TABLE_CONTACT, check_contact},   {GX_TABLE_ASKED, check_asked},     {GX_TABLE_OFFERED, check_offered},
        {GX_TABLE_INVITED, check_invited},   {GX_TABLE_REVEALED, check_revealed},
        {GX_TABLE_TOLD, check_told},         {GX_TABLE_EPOCH, check_epoch},     {GX_TABLE_PREKEY, check_prekey},
        {GX_TABLE_KEPT, check_kept},         {GX_TABLE_KEY, check_key},         {GX_TABLE_LOCKED, check_locked},
        {GX_TABLE_WRAP, gx_wrap_check},
    };
    enum gx_err err = GX_OK;

    for (size_t i = 0; err == GX_OK && i < GX_ARRAY_LEN(small); i++)
        err = check_table(c, small[i].table, small[i].check);
    return err == GX_OK ? check_addrs(c) : err;
}
