#include "store/events.h"

#include "crypto/mutant.h"
#include "store/arrival.h"
#include "store/journal.h"
#include "store/schema.h"
#include "store/window.h"

#include <stdlib.h>

#define CHUNK_COUNT_AT 52u      /* WIRE §5.1: log id 16, first seq 4, prev 32 come before the count */

static enum gx_err append(struct gx_txn *txn, uint64_t *arrival, struct gx_log_row *row, const struct gx_event *ev, uint8_t flags)
{
    uint64_t number = txn->counters.next_arrival;

    GX_ASSERT(txn->write && ev->seq == row->head_seq + UINT64_C(1) && ev->seq <= GX_EVENT_SEQ_MAX);
    GX_ASSERT(gx_log_id_equal(&ev->log, &row->id) && gx_event_id_equal(&ev->prev, &row->head_id));
    enum gx_err err = gx_journal_append(txn, number, row, ev, flags);
    if (err != GX_OK)
        return err;
    txn->counters.next_arrival++;
    gx_tail_appended(txn, row->lnum, (uint32_t)ev->seq, number);

    row->head_seq = (uint32_t)ev->seq;
    row->head_id = ev->id;
    row->head_tick = ev->tick;
    row->head_arrival = number;
    if (row->journal_first == 0)
        row->journal_first = row->head_seq;
    if (gx_event_is_message(ev->type))
        row->n_messages++;
    row->bytes += gx_journal_record_bytes(ev);
    *arrival = number;
    return GX_OK;
}

enum gx_err gx_events_append(struct gx_txn *txn, uint64_t *arrival, struct gx_log_row *row, const struct gx_event *ev)
{
    return append(txn, arrival, row, ev, GX_JOURNAL_VERIFIED);
}

enum gx_err gx_events_signed(struct gx_txn *txn, uint64_t arrival, const struct gx_event *ev)
{
    GX_ASSERT(txn->write && arrival >= txn->counters_begun.next_arrival && arrival < txn->counters.next_arrival);
    return gx_journal_replace(txn, arrival, ev);
}

enum gx_err gx_events_append_covered(struct gx_txn *txn, uint64_t *arrival, struct gx_log_row *row, const struct gx_event *ev)
{
    return append(txn, arrival, row, ev, 0);
}

/* ids before each group, offsets of each group, the id of the last event: what reading from the middle needs. */
static void write_index(struct gx_wr *w, const struct gx_chunk *chunk, const struct gx_event_id *ids)
{
    struct gx_rd r = gx_rd(chunk->records);

    gx_wr_bytes(w, chunk->prev.b, sizeof chunk->prev.b);
    for (size_t i = GX_SEGMENT_GROUP; i < chunk->count; i += GX_SEGMENT_GROUP)
        gx_wr_bytes(w, ids[i - 1].b, sizeof ids[i - 1].b);
    for (size_t i = 0; i < chunk->count; i++) {
        struct gx_span record;
        if (i % GX_SEGMENT_GROUP == 0)
            gx_wr_u32(w, (uint32_t)(chunk->records.n - r.left));
        bool whole = gx_segment_record(&r, &record);
        GX_ASSERT(whole);       /* the caller walked them */
    }
    GX_ASSERT(r.left == 0);
    gx_wr_bytes(w, ids[chunk->count - 1].b, sizeof ids[0].b);
}

enum gx_err gx_events_put_chunk(struct gx_txn *txn, uint64_t *first_arrival, struct gx_log_row *row, const struct gx_chunk *chunk,
                                const struct gx_event_id *ids, uint64_t last_tick, uint32_t n_texts, bool verified_all)
{
    uint64_t first = txn->counters.next_arrival;
    uint8_t flags = (uint8_t)(GX_SEGMENT_RUN | (verified_all ? GX_SEGMENT_ALL : 0));
    struct gx_wr w;

    GX_ASSERT(txn->write && chunk->count > 0 && chunk->count <= GX_CHUNK_EVENTS_MAX && n_texts <= chunk->count);
    GX_ASSERT(chunk->first_seq == row->head_seq + UINT64_C(1) && gx_event_id_equal(&chunk->prev, &row->head_id));
    GX_ASSERT(gx_log_id_equal(&chunk->log, &row->id) && chunk->count - 1u <= GX_EVENT_SEQ_MAX - chunk->first_seq);
    enum gx_err err = gx_segment_reserve(txn, &w, row, chunk->first_seq, chunk->count, flags, first, row->head_arrival, chunk->records.n);
    if (err != GX_OK)
        return err;
    write_index(&w, chunk, ids);
    gx_wr_bytes(&w, chunk->records.p, chunk->records.n);
    gx_segment_close(&w);
    err = gx_arrivals_put_run(txn, first, row->lnum, chunk->first_seq, chunk->count);
    if (err != GX_OK)
        return err;
    txn->counters.next_arrival += chunk->count;

    row->head_seq = chunk->first_seq + chunk->count - 1;
    row->head_id = ids[chunk->count - 1];
    row->head_tick = last_tick;
    row->head_arrival = first + chunk->count - 1;
    row->n_messages += GX_MUTANT(SEGMENT_UNCOUNTED) ? 0 : n_texts;
    row->bytes += chunk->records.n;
    gx_tail_chunk(txn, row->lnum, row->head_seq);
    *first_arrival = first;
    return GX_OK;
}

enum gx_err gx_events_get(struct gx_txn *txn, struct gx_event *out, const struct gx_log_row *row, const struct gx_group_id *group, uint32_t seq)
{
    struct gx_window win;
    enum gx_err err = gx_window_find(txn, &win, row, seq, 1);

    if (err == GX_OK)
        err = gx_window_check(&win, row, group);
    if (err == GX_OK)
        *out = win.events[seq - win.first];
    return err;
}

#define CACHE_LOGS 256u         /* a window takes some 5 KB */

struct gx_events_cache {
    const struct gx_txn *txn;
    uint32_t lnum[CACHE_LOGS];      /* 0: nothing there */
    struct gx_window *windows[CACHE_LOGS];
};

struct gx_events_cache *gx_events_cache_new(void)
{
    return calloc(1, sizeof(struct gx_events_cache));
}

void gx_events_cache_free(struct gx_events_cache *cache)
{
    for (uint32_t i = 0; cache != NULL && i < CACHE_LOGS; i++)
        free(cache->windows[i]);
    free(cache);
}

enum gx_err gx_events_get_cached(struct gx_txn *txn, struct gx_events_cache *cache, struct gx_event *out, const struct gx_log_row *row,
                                 const struct gx_group_id *group, uint32_t seq)
{
    uint32_t at = row->lnum % CACHE_LOGS;
    struct gx_window *win = cache->windows[at];
    enum gx_err err = GX_OK;

    GX_ASSERT(cache->txn == NULL || cache->txn == txn);
    cache->txn = txn;
    if (txn->write)             /* the next write may move what was lent */
        return gx_events_get(txn, out, row, group, seq);
    if (win == NULL && (win = cache->windows[at] = malloc(sizeof *win)) == NULL)
        return GX_E_MEMORY;
    if (cache->lnum[at] != row->lnum || seq < win->first || seq - win->first >= win->n) {
        cache->lnum[at] = 0;
        err = gx_window_find(txn, win, row, seq, GX_SEGMENT_GROUP);
        if (err == GX_OK)
            err = gx_window_check(win, row, group);
        if (err != GX_OK)
            return err;
        cache->lnum[at] = row->lnum;
    }
    *out = win->events[seq - win->first];
    return GX_OK;
}

/* A chunk that is being put together in w. */
struct reading {
    struct gx_wr *w;
    size_t begin;               /* where it begins in w */
    uint32_t n, max_events;
    size_t max_bytes;           /* header included */
    uint32_t sound;             /* the first event of the segment whose sum was found to be right last; 0: none yet */
    uint32_t proved_n;          /* up to its last event whose own signature was verified: so many events, */
    size_t proved_end;          /* so far in w */
};

/* Need the window not be hashed?  That costs more than all else: whoever is sent it hashes it, and a page that went bad shows in the sum of its segment.
 * What is asked for from the middle of a group on is hashed to know the id before it. */
static bool is_sound(struct reading *rd, const struct gx_window *win, uint32_t seq)
{
    if (win->in_journal || (rd->n == 0 && seq != win->first))
        return false;
    if (rd->sound != win->seg.first_seq && gx_segment_sound(&win->seg))
        rd->sound = win->seg.first_seq;
    return rd->sound == win->seg.first_seq;
}

/* Copy what fits of a checked window, from seq on; false when the chunk is complete. */
static bool take_window(struct reading *rd, const struct gx_window *win, uint32_t seq)
{
    for (uint32_t i = seq - win->first; i < win->n; i++) {
        size_t so_far = rd->w->n - rd->begin;
        if (rd->n == rd->max_events || (rd->n > 0 && so_far + win->records[i].n > rd->max_bytes))
            return false;
        if (rd->n > 0 && win->records[i].n > rd->w->cap - rd->w->n)
            return false;
        gx_wr_bytes(rd->w, win->records[i].p, win->records[i].n);
        if (rd->w->failed)
            return false;
        rd->n++;
        if (win->verified[i]) {
            rd->proved_n = rd->n;
            rd->proved_end = rd->w->n;
        }
    }
    return rd->n < rd->max_events;
}

/* Windows one after the other, until the chunk is complete or something is bad. */
static enum gx_err read_windows(struct gx_txn *txn, struct reading *rd, const struct gx_log_row *row, const struct gx_group_id *group, uint32_t from_seq)
{
    bool more = true;

    while (more && (rd->n == 0 || from_seq + rd->n <= row->head_seq)) {
        struct gx_window win;
        uint32_t seq = from_seq + rd->n;
        enum gx_err err = gx_window_find(txn, &win, row, seq, rd->max_events - rd->n);
        if (err == GX_OK && !is_sound(rd, &win, seq))
            err = gx_window_check(&win, row, group);
        if (err != GX_OK)
            return err;
        if (rd->n == 0) {
            const struct gx_event_id *prev = seq == win.first ? &win.prev : &win.events[seq - win.first - 1].id;
            gx_chunk_write_header(rd->w, &row->id, seq, prev, 0);
        }
        more = take_window(rd, &win, seq);
    }
    return GX_OK;
}

enum gx_err gx_events_read_chunk(struct gx_txn *txn, struct gx_wr *w, uint32_t *next_seq, const struct gx_log_row *row, const struct gx_group_id *group,
                                 uint32_t from_seq, uint32_t max_events, size_t max_bytes)
{
    struct reading rd = {.w = w, .begin = w->n};

    rd.max_events = max_events == 0 ? 1 : max_events < GX_CHUNK_EVENTS_MAX ? max_events : GX_CHUNK_EVENTS_MAX;
    rd.max_bytes = max_bytes < GX_CHUNK_BYTES_MAX ? max_bytes : GX_CHUNK_BYTES_MAX;
    enum gx_err err = read_windows(txn, &rd, row, group, from_seq);
    if (err == GX_OK && rd.n == 0)
        err = GX_E_TOO_BIG;         /* not even one event fits what w has left */
    /* What lies before a bad page is still good. */
    if (err != GX_OK && (err != GX_E_CORRUPT || rd.n == 0)) {
        w->n = rd.begin;
        return err;
    }
    /* Events that came in a chunk proved by its last one may have wrong signatures of their own, for all we know: who got a part that ends
     * among them would have no proof. */
    if (rd.proved_n > 0) {
        rd.n = rd.proved_n;
        w->n = rd.proved_end;
    }
    gx_wr_patch_u16(w, rd.begin + CHUNK_COUNT_AT, (uint16_t)rd.n);
    *next_seq = from_seq + rd.n;
    return GX_OK;
}

enum gx_err gx_events_at(struct gx_txn *txn, uint32_t *lnum, uint32_t *seq, uint64_t arrival)
{
    struct gx_journal j;
    enum gx_err err = gx_journal_get(txn, &j, arrival);

    if (err == GX_OK) {
        *lnum = j.lnum;
        *seq = j.seq;
        return GX_OK;
    }
    return err == GX_E_ABSENT ? gx_arrivals_find(txn, lnum, seq, arrival) : err;
}

enum gx_err gx_events_arrival(struct gx_txn *txn, uint64_t *arrival, const struct gx_log_row *row, uint32_t seq)
{
    struct gx_segment seg;

    if (seq <= row->base_seq || seq > row->head_seq)
        return GX_E_ABSENT;
    if (seq == row->head_seq) {
        *arrival = row->head_arrival;
        return GX_OK;
    }
    enum gx_err err = gx_segment_find(txn, &seg, row, seq);
    if (err == GX_OK) {
        *arrival = gx_segment_arrival(&seg, seq);
        return GX_OK;
    }
    if (err == GX_E_ABSENT)
        err = gx_tail_find(txn, arrival, row, seq);
    return err == GX_E_ABSENT ? GX_E_CORRUPT : err;
}
