/* A store whose rows of events are changed: journal, segments, arrivals, logs.  Whatever they say, nothing is read that does not join what is stored around
 * it, and where the check finds nothing every event is the one that was written.
 *
 *   which of every eight events are read u8 | edit x n: row u8 | what u8 | place u16 | value */
#include "store/arrival.h"
#include "store/schema.h"
#include "tests/fuzz/known.h"
#include "tests/unit/folder.h"
#include "tests/unit/store/support.h"

#define AUTHORS 2u
#define EVENTS_MAX 64u          /* looked at of a log, however long its row says it is */
#define EDITS_MAX 16u

/* The store as it was written. */
static struct {
    struct gx_store *store;
    struct author authors[AUTHORS];
    struct gx_event_id ids[AUTHORS][EVENTS_MAX];
    uint32_t heads[AUTHORS];
    struct row {
        enum gx_table table;
        struct gx_key key;
        uint8_t *value;
        size_t n;
    } rows[64];
    size_t n_rows;
} base;

/* --- the store ------------------------------------------------------------------------------------------------------------------------------- */

static void append(struct gx_txn *txn, unsigned a, unsigned n)
{
    while (n-- > 0) {
        author_append(txn, &base.authors[a], 20);
        base.ids[a][base.authors[a].row.head_seq] = base.authors[a].row.head_id;
        base.heads[a] = base.authors[a].row.head_seq;
    }
}

static void remember_rows(struct gx_txn *txn)
{
    static const enum gx_table tables[] = {GX_TABLE_LOG, GX_TABLE_JOURNAL, GX_TABLE_SEGMENT, GX_TABLE_ARRIVAL};

    for (size_t i = 0; i < GX_ARRAY_LEN(tables); i++) {
        struct gx_span key, value;
        struct gx_scan scan;

        GX_ASSERT(gx_scan_begin(&scan, txn, tables[i]) == GX_OK);
        while (gx_scan_next(&scan, &key, &value) == GX_OK) {
            struct row *row = &base.rows[base.n_rows++];

            GX_ASSERT(base.n_rows <= GX_ARRAY_LEN(base.rows) && key.n <= sizeof row->key.b);
            *row = (struct row){.table = tables[i], .key.n = key.n, .value = malloc(value.n), .n = value.n};
            GX_ASSERT(row->value != NULL);
            memcpy(row->key.b, key.p, key.n);
            memcpy(row->value, value.p, value.n);
        }
        gx_scan_end(&scan);
    }
}

/* Segments of more than one group, one of them no run, and a journal. */
static void base_make(void)
{
    static struct gx_rng_stream rng;
    struct gx_store_options options = {.create = true, .volatile_store = true, .roots = &place_root, .n_roots = 1, .rng = &rng.rng};
    char dir[FOLDER_MAX];
    int sys_errno;

    gx_rng_stream_init(&rng, place_root.b);
    GX_ASSERT(folder_make(dir) && gx_store_open(&base.store, dir, &options, &sys_errno) == GX_OK);
    struct gx_txn *txn = NULL;
    GX_ASSERT(gx_txn_begin(&txn, base.store, true) == GX_OK);
    group_put(txn, 1);
    for (unsigned a = 0; a < AUTHORS; a++) {
        author_make(&base.authors[a], (uint8_t)(a + 1), 1, GX_LOG_MESSAGES);
        author_register(txn, &base.authors[a]);
    }
    append(txn, 0, 18);
    append(txn, 1, 2);
    append(txn, 0, 2);
    fold_now(txn, base.authors, AUTHORS);
    append(txn, 1, 3);
    append(txn, 0, 1);
    append(txn, 1, 1);
    for (unsigned a = 0; a < AUTHORS; a++)
        GX_ASSERT(gx_log_put(txn, &base.authors[a].row) == GX_OK);
    GX_ASSERT(gx_txn_commit(&txn) == GX_OK);
    GX_ASSERT(gx_txn_begin(&txn, base.store, false) == GX_OK);
    remember_rows(txn);
    gx_txn_abort(&txn);
}

/* --- edits ------------------------------------------------------------------------------------------------------------------------------------- */

/* A row under its own key, or under that of another of its table. */
static void put_row(struct gx_txn *txn, const struct row *row, const struct row *under, size_t n)
{
    const struct gx_key *key = under->table == row->table ? &under->key : &row->key;

    (void)!gx_table_put(txn, row->table, key, gx_span(row->value, n));
}

static void edit(struct gx_txn *txn, struct fuzz_in *in, struct row rows[])
{
    struct row *row = &rows[fuzz_u8(in) % base.n_rows];
    unsigned what = fuzz_u8(in);
    uint16_t at = fuzz_u16(in);

    switch (what % 6) {
    case 0:                             /* one byte */
        if (row->n > 0)
            row->value[at % row->n] ^= fuzz_u8(in);
        put_row(txn, row, row, row->n);
        break;
    case 1: {                           /* several */
        struct gx_span bytes = fuzz_take(in, fuzz_u8(in) % 33u);
        if (bytes.n > 0 && bytes.n <= row->n)
            memcpy(row->value + at % (row->n - bytes.n + 1), bytes.p, bytes.n);
        put_row(txn, row, row, row->n);
        break;
    }
    case 2:                             /* shorter */
        row->n = row->n == 0 ? 0 : at % row->n;
        put_row(txn, row, row, row->n);
        break;
    case 3:                             /* gone */
        (void)!gx_table_del(txn, row->table, &row->key);
        break;
    case 4:                             /* in another's place */
        put_row(txn, row, &rows[at % base.n_rows], row->n);
        break;
    default:                            /* in a place of its own */
        row->key.b[row->key.n - 1 - at % row->key.n] ^= fuzz_u8(in);
        put_row(txn, row, row, row->n);
    }
}

static void edits(struct gx_txn *txn, struct fuzz_in in)
{
    struct row rows[GX_ARRAY_LEN(base.rows)];

    for (size_t i = 0; i < base.n_rows; i++) {
        rows[i] = base.rows[i];
        rows[i].value = malloc(rows[i].n);
        GX_ASSERT(rows[i].value != NULL);
        memcpy(rows[i].value, base.rows[i].value, rows[i].n);
    }
    for (unsigned i = 0; in.left > 0 && i < EDITS_MAX; i++)
        edit(txn, &in, rows);
    for (size_t i = 0; i < base.n_rows; i++)
        free(rows[i].value);
}

/* --- reading ------------------------------------------------------------------------------------------------------------------------------------- */

static bool may_be(enum gx_err err)
{
    return err == GX_OK || err == GX_E_CORRUPT || err == GX_E_ABSENT;
}

static void read_event(struct gx_txn *txn, const struct gx_log_row *row, uint32_t seq, bool clean)
{
    const struct gx_group_id *group = &base.authors[0].group;
    struct gx_event ev;
    uint64_t arrival;
    enum gx_err err = gx_events_get(txn, &ev, row, group, seq);

    GX_ASSERT(may_be(err) && may_be(gx_events_arrival(txn, &arrival, row, seq)));
    GX_ASSERT(!clean || err == GX_OK);
    if (err == GX_OK) {
        GX_ASSERT(ev.seq == seq && gx_log_id_equal(&ev.log, &row->id));
        GX_ASSERT(seq != row->head_seq || gx_event_id_equal(&ev.id, &row->head_id));
        fuzz_touch(ev.body);
        for (unsigned a = 0; clean && a < AUTHORS; a++)
            if (gx_log_id_equal(&row->id, &base.authors[a].row.id))
                GX_ASSERT(seq < EVENTS_MAX && gx_event_id_equal(&ev.id, &base.ids[a][seq]));
    }
}

/* What is given to peers is a chunk that a peer can decode. */
static void read_chunks(struct gx_txn *txn, const struct gx_log_row *row, uint32_t last, bool clean)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];
    const struct gx_group_id *group = &base.authors[0].group;

    for (uint64_t seq = row->base_seq + UINT64_C(1); seq <= last;) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_chunk chunk;
        struct gx_chunk_iter it;
        struct gx_event ev;
        uint32_t next = 0, n = 0;
        enum gx_err err = gx_events_read_chunk(txn, &w, &next, row, group, (uint32_t)seq, 16, 8192);

        GX_ASSERT(may_be(err) && (!clean || err == GX_OK));
        if (err != GX_OK) {
            GX_ASSERT(w.n == 0);
            seq += 5;
            continue;
        }
        GX_ASSERT(next > seq && next - seq <= 16 && gx_chunk_decode(&chunk, gx_wr_span(&w)) == GX_OK && chunk.first_seq == seq && chunk.count == next - seq);
        gx_chunk_begin(&it, &chunk, group);
        while ((err = gx_chunk_next(&it, &ev, NULL)) == GX_OK)
            n++;
        GX_ASSERT(!clean || (err == GX_E_ABSENT && n == chunk.count));
        seq = next;
    }
}

static void read_log(struct gx_txn *txn, const struct gx_log_row *row, unsigned eighth, bool clean)
{
    uint32_t last = row->head_seq - row->base_seq > EVENTS_MAX ? row->base_seq + EVENTS_MAX : row->head_seq;
    struct gx_oldest oldest;

    /* Reading one in a segment reads all around it. */
    for (uint64_t seq = row->base_seq + UINT64_C(1); seq <= last; seq++)
        if (seq % 8 == eighth)
            read_event(txn, row, (uint32_t)seq, clean);
    read_chunks(txn, row, last, clean);
    GX_ASSERT(may_be(gx_events_oldest(txn, &oldest, row)));
}

static void read_logs(struct gx_txn *txn, unsigned eighth, bool clean)
{
    struct gx_log_row row = {0};
    enum gx_err err;

    for (uint64_t arrival = 0; arrival < EVENTS_MAX; arrival += 5) {
        uint32_t lnum, seq;
        GX_ASSERT(may_be(gx_events_at(txn, &lnum, &seq, arrival)));
    }
    for (uint32_t after = 0; (err = gx_log_next(txn, &row, 1, after)) != GX_E_ABSENT; after = row.lnum) {
        GX_ASSERT(err == GX_OK || err == GX_E_CORRUPT);
        if (row.lnum <= after)
            break;
        if (err == GX_OK)
            read_log(txn, &row, eighth, clean);
    }
}

static void drop_oldest(struct gx_txn *txn)
{
    struct gx_log_row row = {0};
    struct gx_oldest oldest;

    if (gx_log_next(txn, &row, 1, 0) != GX_OK || row.cls != GX_LOG_MESSAGES || gx_events_oldest(txn, &oldest, &row) != GX_OK || oldest.last_seq >= row.head_seq)
        return;
    GX_ASSERT(may_be(gx_events_drop(txn, &row, &base.authors[0].group)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct gx_check_report report;
    struct gx_txn *txn = NULL;
    uint32_t folded;

    if (base.store == NULL)
        base_make();
    GX_ASSERT(gx_txn_begin(&txn, base.store, true) == GX_OK);
    gx_tails_drop(&base.store->tails);
    unsigned eighth = fuzz_u8(&in) % 8u;
    edits(txn, in);
    GX_ASSERT(gx_store_check(txn, &report, NULL, NULL) == GX_OK);
    GX_ASSERT(in.left > 0 || report.problems == 0);
    read_logs(txn, eighth, report.problems == 0);
    drop_oldest(txn);
    GX_ASSERT(may_be(gx_events_fold(txn, &folded, true, NULL, NULL)));
    txn->tails_touched = true;
    gx_txn_abort(&txn);
    return 0;
}
