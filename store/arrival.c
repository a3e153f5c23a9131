#include "store/arrival.h"

#include "store/schema.h"

enum gx_err gx_arrivals_decode(struct gx_arrivals *out, struct gx_span key, struct gx_span value)
{
    if (key.n != 8)
        return GX_E_CORRUPT;
    *out = (struct gx_arrivals){.first = gx_get_be64(key.p), .run = value.n == GX_ARRIVAL_RUN_BYTES};
    if (out->run) {
        struct gx_rd r = gx_rd(value);
        out->lnum = gx_rd_u32(&r);
        out->seq = gx_rd_u32(&r);
        out->n = gx_rd_u32(&r);
        if (out->lnum == 0 || out->seq == 0 || out->n == 0 || out->n > GX_CHUNK_EVENTS_MAX)
            return GX_E_CORRUPT;
    } else {
        if (value.n == 0 || value.n % GX_ARRIVAL_PLACE_BYTES != 0 || value.n > GX_ARRIVAL_BLOCK_MAX * GX_ARRIVAL_PLACE_BYTES)
            return GX_E_CORRUPT;
        out->n = (uint32_t)(value.n / GX_ARRIVAL_PLACE_BYTES);
        out->places = value.p;
    }
    return out->first == 0 || out->first > UINT64_MAX - out->n ? GX_E_CORRUPT : GX_OK;
}

void gx_arrivals_at(const struct gx_arrivals *row, uint32_t *lnum, uint32_t *seq, uint32_t i)
{
    GX_ASSERT(i < row->n);
    if (row->run) {
        *lnum = row->lnum;
        *seq = row->seq + i;
        return;
    }
    struct gx_rd r = gx_rd(gx_span(row->places + GX_ARRIVAL_PLACE_BYTES * (size_t)i, GX_ARRIVAL_PLACE_BYTES));
    *lnum = gx_rd_u32(&r);
    *seq = gx_rd_u32(&r);
}

enum gx_err gx_arrivals_find(struct gx_txn *txn, uint32_t *lnum, uint32_t *seq, uint64_t arrival)
{
    struct gx_key at = gx_key_u64(arrival);
    struct gx_span key, value;
    struct gx_arrivals row;
    enum gx_err err = gx_table_seek_back(txn, &key, &value, GX_TABLE_ARRIVAL, &at);

    if (err == GX_OK)
        err = gx_arrivals_decode(&row, key, value);
    if (err != GX_OK)
        return err;
    if (arrival - row.first >= row.n)
        return GX_E_ABSENT;
    gx_arrivals_at(&row, lnum, seq, (uint32_t)(arrival - row.first));
    /* An event of a group that was forgotten before the fold. */
    return *lnum == 0 ? GX_E_ABSENT : GX_OK;
}

enum gx_err gx_arrivals_put_run(struct gx_txn *txn, uint64_t first, uint32_t lnum, uint32_t seq, uint32_t count)
{
    struct gx_key key = gx_key_u64(first);
    uint8_t bytes[GX_ARRIVAL_RUN_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_u32(&w, lnum);
    gx_wr_u32(&w, seq);
    gx_wr_u32(&w, count);
    return gx_table_put(txn, GX_TABLE_ARRIVAL, &key, gx_wr_span(&w));
}

static enum gx_err drop_row(struct gx_txn *txn, const struct gx_arrivals *row)
{
    struct gx_key key = gx_key_u64(row->first);

    txn->counters.gone += row->n;
    return gx_table_del(txn, GX_TABLE_ARRIVAL, &key);
}

/* Of a block: places of the first of `arrivals` that lie in it become 0.  *taken: how many these were. */
static enum gx_err clear_places(struct gx_txn *txn, const struct gx_arrivals *row, const uint64_t *arrivals, uint32_t n, uint32_t *taken)
{
    struct gx_key key = gx_key_u64(row->first);
    uint8_t places[GX_ARRIVAL_BLOCK_MAX * GX_ARRIVAL_PLACE_BYTES];
    size_t bytes = row->n * (size_t)GX_ARRIVAL_PLACE_BYTES;
    bool any = false;

    memcpy(places, row->places, bytes);
    for (*taken = 0; *taken < n && arrivals[*taken] - row->first < row->n; ++*taken)
        memset(places + (arrivals[*taken] - row->first) * GX_ARRIVAL_PLACE_BYTES, 0, GX_ARRIVAL_PLACE_BYTES);
    for (size_t i = 0; i < bytes && !any; i++)
        any = places[i] != 0;
    return any ? gx_table_put(txn, GX_TABLE_ARRIVAL, &key, gx_span(places, bytes)) : drop_row(txn, row);
}

enum gx_err gx_arrivals_drop(struct gx_txn *txn, const uint64_t *arrivals, uint32_t n)
{
    enum gx_err err = GX_OK;

    for (uint32_t i = 0, taken = 0; i < n && err == GX_OK; i += taken) {
        struct gx_key at = gx_key_u64(arrivals[i]);
        struct gx_span key, value;
        struct gx_arrivals row;

        taken = 1;
        err = gx_table_seek_back(txn, &key, &value, GX_TABLE_ARRIVAL, &at);
        if (err == GX_OK)
            err = gx_arrivals_decode(&row, key, value);
        /* A run is one chunk, which is one segment: it goes as a whole. */
        if (err == GX_OK && (arrivals[i] - row.first >= row.n || (row.run && (row.first != arrivals[i] || row.n > n - i))))
            err = GX_E_CORRUPT;
        if (err == GX_OK && row.run) {
            taken = row.n;
            err = drop_row(txn, &row);
        } else if (err == GX_OK) {
            err = clear_places(txn, &row, arrivals + i, n - i, &taken);
        } else if (err == GX_E_ABSENT || err == GX_E_CORRUPT) {
            err = GX_OK;
        }
    }
    return err;
}
