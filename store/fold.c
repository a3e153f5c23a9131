/* The fold: what came alone is put together, log by log.  SCHEMA §3.6 */
#include <stdlib.h>

#include "crypto/mutant.h"
#include "store/arrival.h"
#include "store/journal.h"
#include "store/schema.h"
#include "store/segment.h"

/* "header and records of a segment fit one chunk" */
#define SEGMENT_RECORDS_MAX (GX_CHUNK_BYTES_MAX - GX_CHUNK_HEADER_BYTES)

struct entry {
    uint64_t arrival;
    uint32_t seq;
    uint32_t bytes;             /* of the record */
    uint32_t log;               /* index in logs */
    bool verified;              /* its own signature was */
};

struct fold_log {
    uint32_t gnum, lnum;
    uint32_t n, start;          /* its entries: order[start] to order[start + n - 1] */
    bool forgotten;             /* its row is gone: so are its events */
};

struct fold {
    struct gx_txn *txn;
    struct entry *entries;      /* in order of arrival */
    uint32_t *order;            /* the same by log, in order of seq within */
    struct fold_log *logs;
    uint32_t *slots;            /* hash table of logs by lnum: index + 1; 0: empty */
    uint32_t n, n_logs, n_slots;
    void (*each)(void *ctx, const struct gx_log_row *row);
    void *ctx;
};

static enum gx_err make_room(struct fold *f, uint64_t n)
{
    /* Each journal event is at least 137 bytes: a count beyond this cannot be true. */
    if (n > UINT32_MAX / 4)
        return GX_E_CORRUPT;
    f->n_slots = 16;
    while (f->n_slots < 2 * n)
        f->n_slots *= 2;
    f->entries = calloc(n, sizeof *f->entries);
    f->order = calloc(n, sizeof *f->order);
    f->logs = calloc(n, sizeof *f->logs);
    f->slots = calloc(f->n_slots, sizeof *f->slots);
    if (f->entries == NULL || f->order == NULL || f->logs == NULL || f->slots == NULL)
        return GX_E_MEMORY;
    return GX_OK;
}

static uint32_t log_index(struct fold *f, uint32_t gnum, uint32_t lnum)
{
    uint32_t i = lnum * 2654435761u >> 7 & (f->n_slots - 1);

    while (f->slots[i] != 0 && f->logs[f->slots[i] - 1].lnum != lnum)
        i = (i + 1) & (f->n_slots - 1);
    if (f->slots[i] == 0) {
        f->logs[f->n_logs] = (struct fold_log){.gnum = gnum, .lnum = lnum};
        f->slots[i] = ++f->n_logs;
    }
    return f->slots[i] - 1;
}

/* 1. One pass over the journal: who has which event, how long it is, when it came. */
static enum gx_err survey(struct fold *f, uint64_t n_rows)
{
    struct gx_scan scan;
    struct gx_span key, value;
    enum gx_err err = gx_scan_begin(&scan, f->txn, GX_TABLE_JOURNAL);

    while (err == GX_OK && (err = gx_scan_next(&scan, &key, &value)) == GX_OK) {
        struct gx_journal j;
        err = key.n == 8 && f->n < n_rows ? gx_journal_decode(&j, value) : GX_E_CORRUPT;
        if (err != GX_OK)
            break;
        struct entry *e = &f->entries[f->n++];
        *e = (struct entry){.arrival = gx_get_be64(key.p), .seq = j.seq, .bytes = (uint32_t)j.record.n, .verified = (j.flags & GX_JOURNAL_VERIFIED) != 0};
        e->log = log_index(f, j.gnum, j.lnum);
        if (f->logs[e->log].gnum != j.gnum)
            err = GX_E_CORRUPT;
        f->logs[e->log].n++;
    }
    gx_scan_end(&scan);
    return err == GX_E_ABSENT ? GX_OK : err;
}

/* 2. Counting sort by log; within a log the order of arrival is the order of seq. */
static void sort_by_log(struct fold *f)
{
    uint32_t start = 0;

    for (uint32_t i = 0; i < f->n_logs; i++) {
        f->logs[i].start = start;
        start += f->logs[i].n;
        f->logs[i].n = 0;
    }
    for (uint32_t i = 0; i < f->n; i++) {
        struct fold_log *log = &f->logs[f->entries[i].log];
        f->order[log->start + log->n++] = i;
    }
}

static const struct entry *entry_of(const struct fold *f, const struct fold_log *log, uint32_t i)
{
    return &f->entries[f->order[log->start + i]];
}

/* A segment to be: n entries of a log from i on. */
struct plan {
    uint32_t i, n;
    size_t bytes;
    uint8_t flags;
};

/* As many as fit.  It ends with a verified event if it can: only that one vouches for those before it that are not. */
static struct plan plan(const struct fold *f, const struct fold_log *log, uint32_t i)
{
    const struct entry *first = entry_of(f, log, i);
    struct plan all = {.i = i, .flags = GX_SEGMENT_ALL | GX_SEGMENT_RUN}, proved = {0};

    for (; i + all.n < log->n && all.n < GX_CHUNK_EVENTS_MAX; all.n++) {
        const struct entry *e = entry_of(f, log, i + all.n);
        uint64_t delta = e->arrival - first->arrival;
        if (e->seq != first->seq + all.n || delta > GX_SEGMENT_ARRIVALS_MAX || (all.n > 0 && all.bytes + e->bytes > SEGMENT_RECORDS_MAX))
            break;
        all.bytes += e->bytes;
        if (delta != all.n)
            all.flags &= (uint8_t)~GX_SEGMENT_RUN;
        if (!e->verified) {
            all.flags &= (uint8_t)~GX_SEGMENT_ALL;
            continue;
        }
        proved = all;
        proved.n = all.n + 1;
    }
    if (proved.n > 0)
        return proved;
    all.flags |= GX_SEGMENT_OPEN;       /* a chunk fits a segment with all that it proves: only a caller who took larger steps gets here */
    return all;
}

static enum gx_err journal_at(struct fold *f, struct gx_journal *j, const struct entry *e)
{
    enum gx_err err = gx_journal_get(f->txn, j, e->arrival);

    if (err == GX_OK && j->record.n != e->bytes)
        err = GX_E_CORRUPT;
    return err == GX_E_ABSENT ? GX_E_CORRUPT : err;
}

/* The id of the last event of a segment to be written: its successor in the journal, in a segment, or the row names it. */
static enum gx_err last_id(struct fold *f, struct gx_event_id *out, const struct fold_log *log, const struct gx_log_row *row, uint32_t next)
{
    uint32_t seq = entry_of(f, log, next - 1)->seq;
    struct gx_journal j;
    struct gx_segment seg;

    if (next < log->n && entry_of(f, log, next)->seq == seq + 1) {
        enum gx_err err = journal_at(f, &j, entry_of(f, log, next));
        if (err == GX_OK)
            *out = j.prev;
        return err;
    }
    if (seq == row->head_seq) {
        *out = row->head_id;
        return GX_OK;
    }
    enum gx_err err = gx_segment_from(f->txn, &seg, row, seq + 1);
    if (err == GX_OK && seg.first_seq == seq + 1) {
        *out = gx_segment_base(&seg, 0);
        return GX_OK;
    }
    return err == GX_OK || err == GX_E_ABSENT ? GX_E_CORRUPT : err;
}

/* Nothing is hashed: the journal holds the id of each event in its successor, and whoever reads the segment compares. */
static enum gx_err write_segment(struct fold *f, const struct fold_log *log, const struct gx_log_row *row, const struct plan *seg)
{
    const struct entry *first = entry_of(f, log, seg->i);
    uint32_t i = seg->i, n = seg->n;
    struct gx_event_id last;
    struct gx_journal j;
    struct gx_wr w;
    enum gx_err err = last_id(f, &last, log, row, i + n);

    if (err == GX_OK)
        err = journal_at(f, &j, first);
    if (err == GX_OK)
        err = gx_segment_reserve(f->txn, &w, row, first->seq, (uint16_t)n, seg->flags, first->arrival, j.prev_arrival, seg->bytes);
    for (uint32_t k = 0; err == GX_OK && k < n; k += GX_SEGMENT_GROUP) {
        err = journal_at(f, &j, entry_of(f, log, i + k));
        if (err == GX_OK)
            gx_wr_bytes(&w, j.prev.b, sizeof j.prev.b);
    }
    if (err != GX_OK)
        return err;
    for (uint32_t k = 0, offset = 0; k < n; offset += entry_of(f, log, i + k)->bytes, k++)
        if (k % GX_SEGMENT_GROUP == 0)
            gx_wr_u32(&w, offset);
    gx_wr_bytes(&w, last.b, sizeof last.b);
    for (uint32_t k = 0; (seg->flags & GX_SEGMENT_RUN) == 0 && k < n; k++)
        gx_wr_u16(&w, (uint16_t)(entry_of(f, log, i + k)->arrival - first->arrival));
    for (uint32_t k = 0; err == GX_OK && k < n; k++) {
        err = journal_at(f, &j, entry_of(f, log, i + k));
        if (err == GX_OK)
            gx_wr_bytes(&w, j.record.p, j.record.n);
    }
    if (err == GX_OK)
        gx_segment_close(&w);
    return err;
}

static enum gx_err row_of(struct fold *f, struct gx_log_row *row, const struct fold_log *log)
{
    enum gx_err err = gx_log_next(f->txn, row, log->gnum, log->lnum - 1);

    return err == GX_OK && row->lnum != log->lnum ? GX_E_ABSENT : err;
}

/* No row: gx_group_forget took it and the group's, and the events go too.  With the group still there the row is only not put yet, and
 * nothing may be lost. */
static enum gx_err forgotten(struct fold *f, struct fold_log *log)
{
    struct gx_key key = gx_key_u32(log->gnum);
    struct gx_span value;
    enum gx_err err = gx_table_get(f->txn, &value, GX_TABLE_GROUP, &key);

    if (err == GX_OK)
        return GX_E_CORRUPT;
    log->forgotten = err == GX_E_ABSENT;
    return log->forgotten ? GX_OK : err;
}

/* 3. The segments of one log, and its row. */
static enum gx_err fold_log(struct fold *f, struct fold_log *log)
{
    struct gx_log_row row;
    enum gx_err err = row_of(f, &row, log);

    if (err == GX_E_ABSENT)
        return forgotten(f, log);
    for (uint32_t i = 0; err == GX_OK && i < log->n;) {
        struct plan seg = plan(f, log, i);
        err = GX_MUTANT(FOLD_LAST) && i + seg.n == log->n ? GX_OK : write_segment(f, log, &row, &seg);
        i += seg.n;
    }
    if (err != GX_OK)
        return err;
    row.journal_first = 0;
    return gx_log_put(f->txn, &row);
}

/* 4. Places in order of arrival, a block for each stretch without a gap. */
static enum gx_err write_arrivals(struct fold *f)
{
    for (uint32_t i = 0; i < f->n;) {
        uint32_t n = 1;
        while (i + n < f->n && n < GX_ARRIVAL_BLOCK_MAX && f->entries[i + n].arrival == f->entries[i].arrival + n)
            n++;
        struct gx_key key = gx_key_u64(f->entries[i].arrival);
        size_t bytes = n * (size_t)GX_ARRIVAL_PLACE_BYTES;
        uint8_t *room;
        enum gx_err err = gx_table_reserve(f->txn, &room, GX_TABLE_ARRIVAL, &key, bytes, false);
        if (err != GX_OK)
            return err;
        struct gx_wr w = gx_wr(room, bytes);
        for (uint32_t k = i; k < i + n; k++) {
            const struct fold_log *log = &f->logs[f->entries[k].log];
            gx_wr_u32(&w, log->forgotten ? 0 : log->lnum);
            gx_wr_u32(&w, log->forgotten ? 0 : f->entries[k].seq);
        }
        i += n;
    }
    return GX_OK;
}

/* 6. Now that nothing can fail any more but reading. */
static enum gx_err tell(struct fold *f)
{
    enum gx_err err = GX_OK;

    for (uint32_t i = 0; err == GX_OK && f->each != NULL && i < f->n_logs; i++) {
        struct gx_log_row row;
        if (f->logs[i].forgotten)
            continue;
        err = row_of(f, &row, &f->logs[i]);
        if (err == GX_OK)
            f->each(f->ctx, &row);
    }
    return err;
}

enum gx_err gx_events_fold(struct gx_txn *txn, uint32_t *folded, bool force, void (*each)(void *ctx, const struct gx_log_row *row), void *ctx)
{
    uint64_t rows = gx_table_rows(txn, GX_TABLE_JOURNAL);
    struct fold f = {.txn = txn, .each = each, .ctx = ctx};

    GX_ASSERT(txn->write);
    *folded = 0;
    if (rows == 0 || (rows < (GX_MUTANT(FOLD_LAST) ? 64u : GX_JOURNAL_FOLD) && !force))
        return GX_OK;
    enum gx_err err = make_room(&f, rows);
    if (err == GX_OK)
        err = survey(&f, rows);
    if (err != GX_OK)
        goto out;
    sort_by_log(&f);
    for (uint32_t i = 0; err == GX_OK && i < f.n_logs; i++)
        err = fold_log(&f, &f.logs[i]);
    if (err == GX_OK)
        err = write_arrivals(&f);
    /* 5. The journal is empty, and with it the tail index. */
    if (err == GX_OK)
        err = gx_table_clear(txn, GX_TABLE_JOURNAL);
    if (err == GX_OK)
        err = tell(&f);
    if (err == GX_OK) {
        gx_tails_drop(&txn->store->tails);
        txn->tails_touched = true;
        *folded = f.n;
    } else if (txn->failed == GX_OK) {
        txn->failed = err;      /* half a fold may never be committed */
    }
out:
    free(f.entries);
    free(f.order);
    free(f.logs);
    free(f.slots);
    return err;
}
