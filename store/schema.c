#include "store/schema.h"

#include <errno.h>

#include "store/wrap.h"

static const char *const table_names[GX_TABLE_COUNT] = {
#define GX_X(name, text, key, value, written) [GX_TABLE_##name] = text,
    GX_TABLE_LIST(GX_X)
#undef GX_X
};

/* SCHEMA §2.1: two rows, so that the one written at each step stays small. */
#define META_FORMAT "format"
#define META_COUNTERS "counters"
#define FORMAT_BYTES 20u
#define COUNTERS_BYTES 24u

const char *gx_table_name(enum gx_table t)
{
    GX_ASSERT(t < GX_TABLE_COUNT);
    return table_names[t];
}

enum gx_err gx_lmdb_err(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return GX_OK;
    case MDB_NOTFOUND:
        return GX_E_ABSENT;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return GX_E_FULL;
    case MDB_VERSION_MISMATCH:
        return GX_E_VERSION;
    case MDB_KEYEXIST:          /* an append at a number that is taken: the counter lies */
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
        return GX_E_CORRUPT;
    case ENOMEM:
        return GX_E_MEMORY;
    default:
        return GX_E_STORE;
    }
}

/* LMDB's type has no const; it never writes through what we pass in. */
static MDB_val val_of(struct gx_span s)
{
    return (MDB_val){.mv_size = s.n, .mv_data = (void *)(uintptr_t)s.p};
}

static MDB_val key_of(const struct gx_key *key)
{
    return val_of(gx_span(key->b, key->n));
}

static struct gx_span span_of(MDB_val v)
{
    return gx_span(v.mv_data, v.mv_size);
}

static struct gx_key key_name(const char *name)
{
    struct gx_key key = {.n = strlen(name)};

    GX_ASSERT(key.n <= sizeof key.b);
    memcpy(key.b, name, key.n);
    return key;
}

struct gx_key gx_key_u32(uint32_t a)
{
    struct gx_key key = {.n = 4};

    gx_put_be32(key.b, a);
    return key;
}

struct gx_key gx_key_u32_u32(uint32_t a, uint32_t b)
{
    struct gx_key key = {.n = 8};

    gx_put_be32(key.b, a);
    gx_put_be32(key.b + 4, b);
    return key;
}

struct gx_key gx_key_u32x3(uint32_t a, uint32_t b, uint32_t c)
{
    struct gx_key key = {.n = 12};

    gx_put_be32(key.b, a);
    gx_put_be32(key.b + 4, b);
    gx_put_be32(key.b + 8, c);
    return key;
}

struct gx_key gx_key_u32_u64(uint32_t a, uint64_t b)
{
    struct gx_key key = {.n = 12};

    gx_put_be32(key.b, a);
    gx_put_be64(key.b + 4, b);
    return key;
}

struct gx_key gx_key_u64(uint64_t a)
{
    struct gx_key key = {.n = 8};

    gx_put_be64(key.b, a);
    return key;
}

struct gx_key gx_key_u32_id(uint32_t a, const uint8_t id[32])
{
    struct gx_key key = {.n = 36};

    gx_put_be32(key.b, a);
    memcpy(key.b + 4, id, 32);
    return key;
}

struct gx_key gx_key_id(const uint8_t id[32])
{
    struct gx_key key = {.n = 32};

    memcpy(key.b, id, 32);
    return key;
}

/* `key` and a zero byte. */
struct gx_key gx_key_after(const struct gx_key *key)
{
    struct gx_key next = *key;

    GX_ASSERT(next.n < sizeof next.b);
    next.b[next.n++] = 0;
    return next;
}

enum gx_err gx_schema_create(MDB_txn *mdb, const uint8_t uuid[16])
{
    uint8_t format[FORMAT_BYTES];
    struct gx_wr w = gx_wr(format, sizeof format);
    struct gx_key key = key_name(META_FORMAT);
    MDB_dbi meta = 0;
    int rc = 0;

    for (size_t t = 0; rc == 0 && t < GX_TABLE_COUNT; t++) {
        MDB_dbi dbi;
        rc = mdb_dbi_open(mdb, table_names[t], MDB_CREATE, &dbi);
        if (t == GX_TABLE_META)
            meta = dbi;
    }
    if (rc != 0)
        return gx_lmdb_err(rc);
    gx_wr_u32(&w, GX_STORE_FORMAT);
    gx_wr_bytes(&w, uuid, 16);
    MDB_val k = key_of(&key), v = val_of(gx_wr_span(&w));
    return gx_lmdb_err(mdb_put(mdb, meta, &k, &v, 0));
}

static enum gx_err format_read(struct gx_store *store, MDB_txn *mdb)
{
    struct gx_key key = key_name(META_FORMAT);
    MDB_val k = key_of(&key), v;
    int rc = mdb_get(mdb, store->dbi[GX_TABLE_META], &k, &v);

    if (rc != 0)
        return rc == MDB_NOTFOUND ? GX_E_CORRUPT : gx_lmdb_err(rc);
    struct gx_rd r = gx_rd(span_of(v));
    uint32_t format = gx_rd_u32(&r);
    if (r.failed)
        return GX_E_CORRUPT;
    if (format != GX_STORE_FORMAT)
        return GX_E_VERSION;
    gx_rd_bytes(&r, store->uuid, sizeof store->uuid);
    return gx_rd_finish(&r) == GX_OK ? GX_OK : GX_E_CORRUPT;
}

/* The format is read before the other tables are looked for: a later version may have others. */
enum gx_err gx_schema_open(struct gx_store *store, MDB_txn *mdb)
{
    static_assert(GX_TABLE_META == 0, "meta is opened first");

    for (size_t t = 0; t < GX_TABLE_COUNT; t++) {
        int rc = mdb_dbi_open(mdb, table_names[t], 0, &store->dbi[t]);
        if (rc != 0)
            return rc == MDB_NOTFOUND ? GX_E_CORRUPT : gx_lmdb_err(rc);
        if (t == GX_TABLE_META) {
            enum gx_err err = format_read(store, mdb);
            if (err != GX_OK)
                return err;
        }
    }
    return GX_OK;
}

enum gx_err gx_counters_read(struct gx_txn *txn, struct gx_counters *out)
{
    struct gx_key key = key_name(META_COUNTERS);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_META, &key);

    if (err == GX_E_ABSENT) {
        *out = (struct gx_counters){.next_arrival = 1, .next_gnum = 1, .next_lnum = 1};
        return GX_OK;
    }
    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    out->next_arrival = gx_rd_u64(&r);
    out->next_gnum = gx_rd_u32(&r);
    out->next_lnum = gx_rd_u32(&r);
    out->gone = gx_rd_u64(&r);
    if (gx_rd_finish(&r) != GX_OK || out->next_arrival == 0 || out->next_gnum == 0 || out->next_lnum == 0)
        return GX_E_CORRUPT;
    return GX_OK;
}

enum gx_err gx_counters_follow(struct gx_txn *txn, struct gx_counters *c)
{
    MDB_cursor *cursor;
    MDB_val k = {0}, v = {0};
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbi[GX_TABLE_JOURNAL], &cursor);

    if (rc != 0)
        return gx_lmdb_err(rc);
    rc = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
    mdb_cursor_close(cursor);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? GX_OK : gx_lmdb_err(rc);
    if (k.mv_size != 8 || gx_get_be64(k.mv_data) == UINT64_MAX)
        return GX_E_CORRUPT;
    if (gx_get_be64(k.mv_data) >= c->next_arrival)
        c->next_arrival = gx_get_be64(k.mv_data) + 1;
    return GX_OK;
}

enum gx_err gx_counters_write(struct gx_txn *txn, const struct gx_counters *c)
{
    struct gx_key key = key_name(META_COUNTERS);
    uint8_t bytes[COUNTERS_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_u64(&w, c->next_arrival);
    gx_wr_u32(&w, c->next_gnum);
    gx_wr_u32(&w, c->next_lnum);
    gx_wr_u64(&w, c->gone);
    return gx_table_put(txn, GX_TABLE_META, &key, gx_wr_span(&w));
}

/* After a write that failed LMDB may hold half of it, and has one answer to all that comes then, MDB_BAD_TXN: the transaction can only be undone, and
 * why is what failed first.  SCHEMA §1.4 */
static enum gx_err err_of(const struct gx_txn *txn, int rc)
{
    return rc != 0 && rc != MDB_NOTFOUND && txn->failed != GX_OK ? txn->failed : gx_lmdb_err(rc);
}

enum gx_err gx_table_get(struct gx_txn *txn, struct gx_span *value, enum gx_table t, const struct gx_key *key)
{
    MDB_val k = key_of(key), v = {0};
    int rc = mdb_get(txn->mdb, txn->store->dbi[t], &k, &v);

    return rc == 0 ? gx_wrap_open(txn, value, t, gx_span(key->b, key->n), span_of(v)) : err_of(txn, rc);
}

enum gx_err gx_table_seek_raw(struct gx_txn *txn, struct gx_span *key, struct gx_span *raw, enum gx_table t, const struct gx_key *from)
{
    MDB_val k = key_of(from), v = {0};
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbi[t], &cursor);

    if (rc != 0)
        return err_of(txn, rc);
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    mdb_cursor_close(cursor);
    *key = span_of(k);
    *raw = span_of(v);
    return err_of(txn, rc);
}

enum gx_err gx_table_seek(struct gx_txn *txn, struct gx_span *key, struct gx_span *value, enum gx_table t, const struct gx_key *from)
{
    enum gx_err err = gx_table_seek_raw(txn, key, value, t, from);

    return err == GX_OK ? gx_wrap_open(txn, value, t, *key, *value) : err;
}

enum gx_err gx_table_seek_back(struct gx_txn *txn, struct gx_span *key, struct gx_span *value, enum gx_table t, const struct gx_key *at)
{
    MDB_val k = key_of(at), v = {0};
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbi[t], &cursor);

    if (rc != 0)
        return err_of(txn, rc);
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    if (rc == MDB_NOTFOUND)
        rc = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
    else if (rc == 0 && !gx_span_equal(span_of(k), gx_span(at->b, at->n)))
        rc = mdb_cursor_get(cursor, &k, &v, MDB_PREV);
    mdb_cursor_close(cursor);
    *key = span_of(k);
    return rc == 0 ? gx_wrap_open(txn, value, t, span_of(k), span_of(v)) : err_of(txn, rc);
}

enum gx_err gx_table_next(struct gx_txn *txn, struct gx_span *key, struct gx_span *value, enum gx_table t, const struct gx_key *prefix,
                          const uint8_t after[32])
{
    struct gx_key from = *prefix;

    GX_ASSERT(from.n + 32 < sizeof from.b);
    if (after != NULL) {
        memcpy(from.b + from.n, after, 32);
        from.n += 32;
    }
    /* LMDB takes no empty key: one zero byte is its lowest. */
    if (after != NULL || from.n == 0)
        from = gx_key_after(&from);
    enum gx_err err = gx_table_seek_raw(txn, key, value, t, &from);
    if (err == GX_OK && key->n != prefix->n + 32)
        err = GX_E_CORRUPT;
    if (err == GX_OK && memcmp(key->p, prefix->b, prefix->n) != 0)
        err = GX_E_ABSENT;
    return err == GX_OK ? gx_wrap_open(txn, value, t, *key, *value) : err;
}

static enum gx_err wrote(struct gx_txn *txn, int rc)
{
    enum gx_err err = err_of(txn, rc);

    if (err != GX_OK && txn->failed == GX_OK)
        txn->failed = err;
    return err;
}

enum gx_err gx_table_put(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, struct gx_span value)
{
    MDB_val k = key_of(key), v = val_of(value);

    GX_ASSERT(txn->write);
    if (gx_wrap_seals(t))
        return gx_wrap_put(txn, t, key, value);
    return wrote(txn, mdb_put(txn->mdb, txn->store->dbi[t], &k, &v, 0));
}

enum gx_err gx_table_reserve(struct gx_txn *txn, uint8_t **room, enum gx_table t, const struct gx_key *key, size_t n, bool append)
{
    MDB_val k = key_of(key), v = {.mv_size = n};

    GX_ASSERT(txn->write);
    *room = NULL;
    int rc = mdb_put(txn->mdb, txn->store->dbi[t], &k, &v, MDB_RESERVE | (append ? MDB_APPEND : 0u));
    *room = v.mv_data;
    return wrote(txn, rc);
}

/* Rows under that key, or that begin with it. */
static enum gx_err deleted(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, int rc)
{
    enum gx_err err = wrote(txn, rc);

    if (err == GX_OK)
        err = gx_wrap_deleted(txn, t, key);
    if (err != GX_OK && txn->failed == GX_OK)
        txn->failed = err;
    return err;
}

enum gx_err gx_table_del(struct gx_txn *txn, enum gx_table t, const struct gx_key *key)
{
    MDB_val k = key_of(key);

    GX_ASSERT(txn->write);
    int rc = mdb_del(txn->mdb, txn->store->dbi[t], &k, NULL);
    return rc == MDB_NOTFOUND ? GX_E_ABSENT : deleted(txn, t, key, rc);
}

enum gx_err gx_table_del_prefix(struct gx_txn *txn, enum gx_table t, const struct gx_key *prefix)
{
    MDB_val k = key_of(prefix), v;
    MDB_cursor *cursor;
    bool any = false;

    GX_ASSERT(txn->write);
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbi[t], &cursor);
    if (rc != 0)
        return wrote(txn, rc);
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    while (rc == 0 && k.mv_size >= prefix->n && memcmp(k.mv_data, prefix->b, prefix->n) == 0) {
        rc = mdb_cursor_del(cursor, 0);
        any = true;
        /* The cursor already stands on the row after: this only reads it. */
        if (rc == 0)
            rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    rc = rc == MDB_NOTFOUND ? 0 : rc;
    return any ? deleted(txn, t, prefix, rc) : wrote(txn, rc);
}

enum gx_err gx_table_clear(struct gx_txn *txn, enum gx_table t)
{
    GX_ASSERT(txn->write);
    return wrote(txn, mdb_drop(txn->mdb, txn->store->dbi[t], 0));
}

static MDB_stat stat_of(struct gx_txn *txn, MDB_dbi dbi)
{
    MDB_stat st;

    if (mdb_stat(txn->mdb, dbi, &st) != 0)
        memset(&st, 0, sizeof st);
    return st;
}

uint64_t gx_table_rows(struct gx_txn *txn, enum gx_table t)
{
    return stat_of(txn, txn->store->dbi[t]).ms_entries;
}

uint64_t gx_table_bytes(struct gx_txn *txn)
{
    uint64_t bytes = 0;

    for (size_t t = 0; t < GX_TABLE_COUNT; t++) {
        MDB_stat st = stat_of(txn, txn->store->dbi[t]);
        bytes += (uint64_t)st.ms_psize * (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages);
    }
    return bytes;
}

enum gx_err gx_scan_begin(struct gx_scan *scan, struct gx_txn *txn, enum gx_table t)
{
    scan->cursor = NULL;
    return err_of(txn, mdb_cursor_open(txn->mdb, txn->store->dbi[t], &scan->cursor));
}

enum gx_err gx_scan_next(struct gx_scan *scan, struct gx_span *key, struct gx_span *value)
{
    MDB_val k = {0}, v = {0};
    int rc = mdb_cursor_get(scan->cursor, &k, &v, MDB_NEXT);

    *key = span_of(k);
    *value = span_of(v);
    return gx_lmdb_err(rc);
}

void gx_scan_end(struct gx_scan *scan)
{
    if (scan->cursor != NULL)
        mdb_cursor_close(scan->cursor);
    scan->cursor = NULL;
}
