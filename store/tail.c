#include "store/tail.h"

#include <stdlib.h>

#include "store/journal.h"
#include "store/schema.h"
#include "store/segment.h"

#define SLOTS_MIN 16u
#define LIST_MIN 16u

static uint32_t slot_of(uint32_t lnum, uint32_t n_slots)
{
    return lnum * 2654435761u >> 7 & (n_slots - 1);
}

static struct gx_tail *lookup(const struct gx_tails *tails, uint32_t lnum)
{
    if (tails->n_slots == 0)
        return NULL;
    uint32_t i = slot_of(lnum, tails->n_slots);
    while (tails->slots[i].lnum != 0 && tails->slots[i].lnum != lnum)
        i = (i + 1) & (tails->n_slots - 1);
    return tails->slots[i].lnum == lnum ? &tails->slots[i] : NULL;
}

/* The first free slot for lnum, which is not there. */
static struct gx_tail *vacancy(struct gx_tails *tails, uint32_t lnum)
{
    uint32_t i = slot_of(lnum, tails->n_slots);

    while (tails->slots[i].lnum != 0)
        i = (i + 1) & (tails->n_slots - 1);
    return &tails->slots[i];
}

static enum gx_err grow(struct gx_tails *tails)
{
    struct gx_tails bigger = {.n_slots = tails->n_slots == 0 ? SLOTS_MIN : tails->n_slots * 2, .n_tails = tails->n_tails};

    bigger.slots = calloc(bigger.n_slots, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return GX_E_MEMORY;
    for (uint32_t i = 0; i < tails->n_slots; i++)
        if (tails->slots[i].lnum != 0)
            *vacancy(&bigger, tails->slots[i].lnum) = tails->slots[i];
    free(tails->slots);
    *tails = bigger;
    return GX_OK;
}

static enum gx_err push(struct gx_tail_list *list, uint32_t seq, uint64_t arrival)
{
    if (list->n == list->cap) {
        uint32_t cap = list->cap == 0 ? LIST_MIN : list->cap * 2;
        struct gx_tail_entry *at = realloc(list->at, cap * sizeof *at);
        if (at == NULL)
            return GX_E_MEMORY;
        list->at = at;
        list->cap = cap;
    }
    list->at[list->n++] = (struct gx_tail_entry){.arrival = arrival, .seq = seq};
    return GX_OK;
}

static void restart(struct gx_tail *tail, const struct gx_log_row *row)
{
    tail->down.n = 0;
    tail->up.n = 0;
    tail->top_seq = row->head_seq;
    tail->walk_seq = row->head_seq;
    tail->walk_arrival = row->head_arrival;
}

/* The tail of row's log, new if there is none or if it tells of another head. */
static enum gx_err take(struct gx_tails *tails, struct gx_tail **out, const struct gx_log_row *row)
{
    struct gx_tail *tail = lookup(tails, row->lnum);

    if (tail == NULL) {
        enum gx_err err = tails->n_tails * 2 >= tails->n_slots ? grow(tails) : GX_OK;
        if (err != GX_OK)
            return err;
        tail = vacancy(tails, row->lnum);
        *tail = (struct gx_tail){.lnum = row->lnum};
        tails->n_tails++;
        restart(tail, row);
    } else if (tail->top_seq != row->head_seq) {
        restart(tail, row);
    }
    *out = tail;
    return GX_OK;
}

/* One step of the walk: over an event of the journal, or over a whole segment that a chunk put between. */
static enum gx_err step(struct gx_txn *txn, struct gx_tail *tail, const struct gx_log_row *row)
{
    struct gx_journal j;
    enum gx_err err = gx_journal_get(txn, &j, tail->walk_arrival);

    if (err == GX_OK) {
        if (j.lnum != row->lnum || j.seq != tail->walk_seq || j.prev_arrival >= tail->walk_arrival)
            return GX_E_CORRUPT;
        err = push(&tail->down, tail->walk_seq, tail->walk_arrival);
        if (err != GX_OK)
            return err;
        tail->walk_seq--;
        tail->walk_arrival = j.prev_arrival;
        return GX_OK;
    }
    if (err != GX_E_ABSENT)
        return err;

    struct gx_segment seg;
    err = gx_segment_find(txn, &seg, row, tail->walk_seq);
    if (err != GX_OK)
        return err == GX_E_ABSENT ? GX_E_CORRUPT : err;
    if (seg.prev_arrival >= tail->walk_arrival)
        return GX_E_CORRUPT;
    tail->walk_seq = seg.first_seq - 1;
    tail->walk_arrival = seg.prev_arrival;
    return GX_OK;
}

/* sign: +1 when seq ascends in the list, -1 when it descends. */
static const struct gx_tail_entry *search(const struct gx_tail_list *list, uint32_t seq, int sign)
{
    uint32_t lo = 0, hi = list->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        bool before = sign > 0 ? list->at[mid].seq < seq : list->at[mid].seq > seq;
        if (before)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < list->n && list->at[lo].seq == seq ? &list->at[lo] : NULL;
}

enum gx_err gx_tail_find(struct gx_txn *txn, uint64_t *arrival, const struct gx_log_row *row, uint32_t seq)
{
    struct gx_tail *tail;

    if (row->journal_first == 0 || seq < row->journal_first || seq > row->head_seq)
        return GX_E_ABSENT;
    enum gx_err err = take(&txn->store->tails, &tail, row);
    while (err == GX_OK && tail->walk_seq >= seq && tail->walk_seq >= row->journal_first)
        err = step(txn, tail, row);
    if (err != GX_OK)
        return err;

    const struct gx_tail_entry *entry = search(&tail->up, seq, 1);
    if (entry == NULL)
        entry = search(&tail->down, seq, -1);
    if (entry == NULL)
        return GX_E_ABSENT;
    *arrival = entry->arrival;
    return GX_OK;
}

void gx_tail_appended(struct gx_txn *txn, uint32_t lnum, uint32_t seq, uint64_t arrival)
{
    struct gx_tail *tail = lookup(&txn->store->tails, lnum);

    txn->tails_touched = true;
    if (tail == NULL || tail->top_seq + 1 != seq)
        return;     /* one that tells of another head starts anew when it is next asked */
    /* Without memory the tail keeps its old head, and so starts anew too. */
    if (push(&tail->up, seq, arrival) == GX_OK)
        tail->top_seq = seq;
}

void gx_tail_chunk(struct gx_txn *txn, uint32_t lnum, uint32_t last_seq)
{
    struct gx_tail *tail = lookup(&txn->store->tails, lnum);

    txn->tails_touched = true;
    if (tail != NULL)
        tail->top_seq = last_seq;
}

void gx_tails_drop(struct gx_tails *tails)
{
    for (uint32_t i = 0; i < tails->n_slots; i++) {
        free(tails->slots[i].down.at);
        free(tails->slots[i].up.at);
    }
    free(tails->slots);
    *tails = (struct gx_tails){0};
}
