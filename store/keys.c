#include "store/keys.h"

#include <stdlib.h>

#include "proto/limits.h"
#include "store/schema.h"
#include "store/wrap.h"

#define EPOCH_HEAD_BYTES (1u + 1u + 8u + 4u + 32u + 2u)
#define CHAIN_BYTES (8u + 4u + 32u)
#define CHAINS_MAX 1000u
#define PREKEY_ROW_BYTES 40u
#define KEY_BYTES 32u

static_assert(CHAINS_MAX == GX_EPOCH_SLOTS_MAX, "a chain for each device that an epoch lists");

static enum gx_err corrupt_unless_whole(const struct gx_rd *r)
{
    return gx_rd_finish(r) == GX_OK ? GX_OK : GX_E_CORRUPT;
}

/* --- epochs ------------------------------------------------------------------------------------------------------------------------ */

/* Chains are those of one that is open, and who could not open it has no gate. */
static bool epoch_is_whole(const struct gx_epoch_row *row)
{
    static const struct gx_gate_key none;
    bool shut = memcmp(row->gate.b, none.b, sizeof none.b) == 0;

    if (row->state == GX_EPOCH_OPEN)
        return !shut && row->n_chains <= CHAINS_MAX;
    return row->n_chains == 0 && ((row->state == GX_EPOCH_SHUT && shut) || (row->state == GX_EPOCH_SPENT && !shut));
}

enum gx_err gx_epoch_put(struct gx_txn *txn, uint32_t gnum, uint32_t cnum, const struct gx_epoch_row *row, const struct gx_chain_row *chains)
{
    struct gx_key key = gx_key_u32_u32(gnum, cnum);
    size_t n = EPOCH_HEAD_BYTES + CHAIN_BYTES * (size_t)row->n_chains;
    uint8_t *room = malloc(n);

    GX_ASSERT(epoch_is_whole(row));
    if (room == NULL)
        return GX_E_MEMORY;
    struct gx_wr w = gx_wr(room, n);
    gx_wr_u8(&w, row->state);
    gx_wr_u8(&w, row->instead);
    gx_wr_u64(&w, row->since_ms);
    gx_wr_u32(&w, row->used);
    gx_wr_bytes(&w, row->gate.b, sizeof row->gate.b);
    gx_wr_u16(&w, row->n_chains);
    for (size_t i = 0; i < row->n_chains; i++) {
        GX_ASSERT(chains[i].next <= GX_CHAIN_MAX && (i == 0 || memcmp(chains[i - 1].log.b, chains[i].log.b, sizeof chains[i].log.b) < 0));
        gx_wr_bytes(&w, chains[i].log.b, sizeof chains[i].log.b);
        gx_wr_u32(&w, chains[i].next);
        gx_wr_bytes(&w, chains[i].key.b, sizeof chains[i].key.b);
    }
    GX_ASSERT(!w.failed && w.n == n);
    enum gx_err err = gx_table_put(txn, GX_TABLE_EPOCH, &key, gx_wr_span(&w));
    gx_wipe(room, n);
    free(room);
    return err;
}

static enum gx_err epoch_read(struct gx_epoch_row *out, struct gx_rd *r)
{
    out->state = gx_rd_u8(r);
    uint8_t instead = gx_rd_u8(r);
    out->since_ms = gx_rd_u64(r);
    out->used = gx_rd_u32(r);
    gx_rd_bytes(r, out->gate.b, sizeof out->gate.b);
    out->n_chains = gx_rd_u16(r);
    out->instead = instead == 1;
    if (r->failed || instead > 1 || r->left != CHAIN_BYTES * (size_t)out->n_chains)
        return GX_E_CORRUPT;
    return epoch_is_whole(out) ? GX_OK : GX_E_CORRUPT;
}

enum gx_err gx_epoch_next(struct gx_txn *txn, uint32_t *cnum, struct gx_epoch_row *out, uint32_t gnum)
{
    struct gx_key from = gx_key_u32_u32(gnum, *cnum);
    struct gx_span key, value;
    enum gx_err err = gx_table_seek_raw(txn, &key, &value, GX_TABLE_EPOCH, &from);

    if (err != GX_OK)
        return err;
    if (key.n != 8)
        return GX_E_CORRUPT;
    if (gx_get_be32(key.p) != gnum)
        return GX_E_ABSENT;
    err = gx_wrap_open(txn, &value, GX_TABLE_EPOCH, key, value);
    if (err != GX_OK)
        return err;
    *cnum = gx_get_be32(key.p + 4);
    struct gx_rd r = gx_rd(value);
    return epoch_read(out, &r);
}

enum gx_err gx_epoch_chains(struct gx_txn *txn, struct gx_chain_row *chains, uint16_t n, uint32_t gnum, uint32_t cnum)
{
    struct gx_key key = gx_key_u32_u32(gnum, cnum);
    struct gx_epoch_row row;
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_EPOCH, &key);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    err = epoch_read(&row, &r);
    if (err != GX_OK || row.n_chains != n)
        return GX_E_CORRUPT;
    for (size_t i = 0; i < n; i++) {
        gx_rd_bytes(&r, chains[i].log.b, sizeof chains[i].log.b);
        chains[i].next = gx_rd_u32(&r);
        gx_rd_bytes(&r, chains[i].key.b, sizeof chains[i].key.b);
        if (chains[i].next > GX_CHAIN_MAX || (i > 0 && memcmp(chains[i - 1].log.b, chains[i].log.b, sizeof chains[i].log.b) >= 0))
            return GX_E_CORRUPT;
    }
    return corrupt_unless_whole(&r);
}

enum gx_err gx_epoch_del(struct gx_txn *txn, uint32_t gnum, uint32_t cnum)
{
    struct gx_key key = gx_key_u32_u32(gnum, cnum);
    enum gx_err err = gx_table_del_prefix(txn, GX_TABLE_KEPT, &key);

    return err == GX_OK ? gx_table_del(txn, GX_TABLE_EPOCH, &key) : err;
}

/* --- prekeys ----------------------------------------------------------------------------------------------------------------------- */

enum gx_err gx_prekey_put(struct gx_txn *txn, uint32_t gnum, const struct gx_prekey_row *row)
{
    struct gx_key key = gx_key_u32_id(gnum, row->pk.b);
    uint8_t bytes[PREKEY_ROW_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_bytes(&w, row->sk.b, sizeof row->sk.b);
    gx_wr_u64(&w, row->since_ms);
    GX_ASSERT(!w.failed && w.n == sizeof bytes);
    enum gx_err err = gx_table_put(txn, GX_TABLE_PREKEY, &key, gx_wr_span(&w));
    gx_wipe(bytes, sizeof bytes);
    return err;
}

enum gx_err gx_prekey_next(struct gx_txn *txn, struct gx_prekey_row *out, uint32_t gnum, const struct gx_dh_pk *after)
{
    struct gx_key own = gx_key_u32(gnum);
    struct gx_span key, value;
    enum gx_err err = gx_table_next(txn, &key, &value, GX_TABLE_PREKEY, &own, after == NULL ? NULL : after->b);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    memcpy(out->pk.b, key.p + 4, sizeof out->pk.b);
    gx_rd_bytes(&r, out->sk.b, sizeof out->sk.b);
    out->since_ms = gx_rd_u64(&r);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_prekey_del(struct gx_txn *txn, uint32_t gnum, const struct gx_dh_pk *pk)
{
    struct gx_key key = gx_key_u32_id(gnum, pk->b);

    return gx_table_del(txn, GX_TABLE_PREKEY, &key);
}

/* --- keys that were passed over ------------------------------------------------------------------------------------------------------ */

static struct gx_key kept_key(uint32_t gnum, uint32_t cnum, const struct gx_log_tag *log, uint32_t n)
{
    struct gx_key key = gx_key_u32_u32(gnum, cnum);

    memcpy(key.b + 8, log->b, sizeof log->b);
    gx_put_be32(key.b + 16, n);
    key.n = 20;
    return key;
}

enum gx_err gx_kept_put(struct gx_txn *txn, uint32_t gnum, uint32_t cnum, const struct gx_log_tag *log, uint32_t n, const struct gx_message_key *mk)
{
    struct gx_key key = kept_key(gnum, cnum, log, n);

    GX_ASSERT(n < GX_CHAIN_MAX);
    return gx_table_put(txn, GX_TABLE_KEPT, &key, gx_span(mk->b, sizeof mk->b));
}

enum gx_err gx_kept_get(struct gx_txn *txn, struct gx_message_key *mk, uint32_t gnum, uint32_t cnum, const struct gx_log_tag *log, uint32_t n)
{
    struct gx_key key = kept_key(gnum, cnum, log, n);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_KEPT, &key);

    if (err != GX_OK)
        return err;
    if (value.n != sizeof mk->b)
        return GX_E_CORRUPT;
    memcpy(mk->b, value.p, sizeof mk->b);
    return GX_OK;
}

enum gx_err gx_kept_take(struct gx_txn *txn, struct gx_message_key *mk, uint32_t gnum, uint32_t cnum, const struct gx_log_tag *log, uint32_t n)
{
    struct gx_key key = kept_key(gnum, cnum, log, n);
    enum gx_err err = gx_kept_get(txn, mk, gnum, cnum, log, n);

    return err == GX_OK ? gx_table_del(txn, GX_TABLE_KEPT, &key) : err;
}

/* --- message keys -------------------------------------------------------------------------------------------------------------------- */

struct block {
    uint64_t present;                   /* bit i: of arrival 64 b + i */
    struct gx_message_key keys[GX_KEY_BLOCK];
};

/* Bits of the first n places. */
static size_t count_present(uint64_t present, uint32_t n)
{
    size_t count = 0;

    for (uint32_t i = 0; i < n; i++)
        count += present >> i & 1;
    return count;
}

/* keys: one behind the other, of those that are present. */
static enum gx_err block_get(struct gx_txn *txn, uint64_t *present, struct gx_span *keys, uint32_t gnum, uint64_t at)
{
    struct gx_key key = gx_key_u32_u64(gnum, at);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_KEY, &key);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    *present = gx_rd_u64(&r);
    *keys = gx_rd_span(&r, count_present(*present, GX_KEY_BLOCK) * KEY_BYTES);
    return *present == 0 ? GX_E_CORRUPT : corrupt_unless_whole(&r);
}

static enum gx_err block_read(struct gx_txn *txn, struct block *out, uint32_t gnum, uint64_t at)
{
    struct gx_span keys;
    enum gx_err err = block_get(txn, &out->present, &keys, gnum, at);

    if (err == GX_E_ABSENT) {
        out->present = 0;
        return GX_OK;
    }
    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(keys);
    for (uint32_t i = 0; i < GX_KEY_BLOCK; i++)
        if (out->present >> i & 1)
            gx_rd_bytes(&r, out->keys[i].b, KEY_BYTES);
    return corrupt_unless_whole(&r);
}

static enum gx_err block_write(struct gx_txn *txn, const struct block *b, uint32_t gnum, uint64_t at)
{
    struct gx_key key = gx_key_u32_u64(gnum, at);
    uint8_t bytes[8 + GX_KEY_BLOCK * KEY_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_u64(&w, b->present);
    for (uint32_t i = 0; i < GX_KEY_BLOCK; i++)
        if (b->present >> i & 1)
            gx_wr_bytes(&w, b->keys[i].b, KEY_BYTES);
    enum gx_err err = gx_table_put(txn, GX_TABLE_KEY, &key, gx_wr_span(&w));
    gx_wipe(bytes, w.n);
    return err;
}

enum gx_err gx_message_keys_put(struct gx_txn *txn, uint32_t gnum, uint64_t first_arrival, const struct gx_message_key *keys, const bool *have, uint32_t n)
{
    enum gx_err err = GX_OK;

    for (uint32_t i = 0; i < n && err == GX_OK;) {
        uint64_t at = (first_arrival + i) / GX_KEY_BLOCK;
        struct block b;
        bool any = false;

        err = block_read(txn, &b, gnum, at);
        for (; err == GX_OK && i < n && (first_arrival + i) / GX_KEY_BLOCK == at; i++) {
            uint32_t k = (uint32_t)((first_arrival + i) % GX_KEY_BLOCK);

            if (!have[i])
                continue;
            b.keys[k] = keys[i];
            b.present |= UINT64_C(1) << k;
            any = true;
        }
        if (any)
            err = block_write(txn, &b, gnum, at);
        gx_wipe(&b, sizeof b);
    }
    return err;
}

enum gx_err gx_message_key_put(struct gx_txn *txn, uint32_t gnum, uint64_t arrival, const struct gx_message_key *mk)
{
    return gx_message_keys_put(txn, gnum, arrival, mk, &(bool){true}, 1);
}

enum gx_err gx_message_key_get(struct gx_txn *txn, struct gx_message_key *out, uint32_t gnum, uint64_t arrival)
{
    uint32_t k = (uint32_t)(arrival % GX_KEY_BLOCK);
    uint64_t present;
    struct gx_span keys;
    enum gx_err err = block_get(txn, &present, &keys, gnum, arrival / GX_KEY_BLOCK);

    if (err != GX_OK)
        return err;
    if ((present >> k & 1) == 0)
        return GX_E_ABSENT;
    memcpy(out->b, keys.p + count_present(present, k) * KEY_BYTES, sizeof out->b);
    return GX_OK;
}

enum gx_err gx_message_keys_drop(struct gx_txn *txn, uint32_t gnum, const uint64_t *arrivals, uint32_t n)
{
    enum gx_err err = GX_OK;

    for (uint32_t i = 0; i < n && err == GX_OK;) {
        uint64_t at = arrivals[i] / GX_KEY_BLOCK, gone = 0;
        struct gx_key key = gx_key_u32_u64(gnum, at);
        struct block b;

        for (; i < n && arrivals[i] / GX_KEY_BLOCK == at; i++)
            gone |= UINT64_C(1) << arrivals[i] % GX_KEY_BLOCK;
        if (gone == UINT64_MAX) {           /* of a block that goes as a whole nothing needs to be opened */
            err = gx_table_del(txn, GX_TABLE_KEY, &key);
            err = err == GX_E_ABSENT ? GX_OK : err;
            continue;
        }
        err = block_read(txn, &b, gnum, at);
        if (err == GX_OK && (b.present & gone) != 0) {
            b.present &= ~gone;
            err = b.present == 0 ? gx_table_del(txn, GX_TABLE_KEY, &key) : block_write(txn, &b, gnum, at);
        }
        err = err == GX_E_CORRUPT ? GX_OK : err;
        gx_wipe(&b, sizeof b);
    }
    return err;
}

/* --- events that are locked ------------------------------------------------------------------------------------------------------------ */

/* A row that says nothing is none. */
static bool locked_ok(const struct gx_locked_row *row)
{
    return row->first == 0 ? row->last == 0 && row->unopened != 0 : row->first <= row->last;
}

enum gx_err gx_locked_put(struct gx_txn *txn, uint32_t gnum, uint32_t lnum, const struct gx_locked_row *row)
{
    struct gx_key key = gx_key_u32_u32(gnum, lnum);
    uint8_t bytes[12];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    GX_ASSERT(locked_ok(row));
    gx_wr_u32(&w, row->first);
    gx_wr_u32(&w, row->last);
    gx_wr_u32(&w, row->unopened);
    return gx_table_put(txn, GX_TABLE_LOCKED, &key, gx_wr_span(&w));
}

enum gx_err gx_locked_get(struct gx_txn *txn, struct gx_locked_row *out, uint32_t gnum, uint32_t lnum)
{
    struct gx_key key = gx_key_u32_u32(gnum, lnum);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_LOCKED, &key);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    out->first = gx_rd_u32(&r);
    out->last = gx_rd_u32(&r);
    out->unopened = gx_rd_u32(&r);
    if (!locked_ok(out))
        gx_rd_fail(&r);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_locked_del(struct gx_txn *txn, uint32_t gnum, uint32_t lnum)
{
    struct gx_key key = gx_key_u32_u32(gnum, lnum);

    return gx_table_del(txn, GX_TABLE_LOCKED, &key);
}
