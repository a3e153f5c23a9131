#include "store/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/arrival.h"
#include "store/check_parts.h"
#include "store/journal.h"
#include "store/schema.h"

void gx_check_problem(struct gx_check *c, const char *format, ...)
{
    char line[256];
    va_list args;

    c->out->problems++;
    if (c->say == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    c->say(c->ctx, line);
}

bool gx_check_stops(enum gx_err err)
{
    return err != GX_OK && err != GX_E_ABSENT && err != GX_E_CORRUPT;
}

static enum gx_err remember(struct gx_check *c, const struct gx_log_row *row)
{
    if (c->n_logs == c->cap_logs) {
        size_t cap = c->cap_logs == 0 ? 64 : c->cap_logs * 2;
        struct gx_check_log *logs = realloc(c->logs, cap * sizeof *logs);
        if (logs == NULL)
            return GX_E_MEMORY;
        c->logs = logs;
        c->cap_logs = cap;
    }
    c->logs[c->n_logs++] =
        (struct gx_check_log){.gnum = row->gnum, .lnum = row->lnum, .base_seq = row->base_seq, .head_seq = row->head_seq};
    return GX_OK;
}

static enum gx_err check_logs_of(struct gx_check *c, const struct gx_group_row *group)
{
    struct gx_log_row row = {0};
    uint32_t after = 0;
    enum gx_err err;

    while ((err = gx_log_next(c->txn, &row, group->gnum, after)) != GX_E_ABSENT) {
        if (gx_check_stops(err))
            return err;
        c->out->logs++;
        if (row.lnum <= after) {
            gx_check_problem(c, "group %u: the table of logs cannot be walked", group->gnum);
            return GX_OK;
        }
        after = row.lnum;
        /* The key was read before the value: the walk goes on behind it. */
        if (err == GX_E_CORRUPT) {
            gx_check_problem(c, "group %u log %u: its row makes no sense", group->gnum, row.lnum);
            continue;
        }
        err = remember(c, &row);
        if (err == GX_OK)
            err = gx_check_log(c, &row, &group->id);
        if (err != GX_OK)
            return err;
    }
    return GX_OK;
}

static enum gx_err check_own_log(struct gx_check *c, const struct gx_group_row *group, uint32_t lnum, enum gx_log_class cls)
{
    struct gx_log_row row;

    if (lnum == 0)
        return GX_OK;
    enum gx_err err = gx_log_next(c->txn, &row, group->gnum, lnum - 1);
    if (gx_check_stops(err))
        return err;
    if (err != GX_OK || row.lnum != lnum || row.cls != cls || !gx_sign_pk_equal(&row.device, &group->intro.device))
        gx_check_problem(c, "group %u: its own log %u is not there or not its own", group->gnum, lnum);
    return GX_OK;
}

static enum gx_err check_group(struct gx_check *c, const struct gx_group_row *group)
{
    c->control_events = 0;
    enum gx_err err = check_logs_of(c, group);
    if (err == GX_OK)
        err = check_own_log(c, group, group->control_lnum, GX_LOG_CONTROL);
    if (err == GX_OK)
        err = check_own_log(c, group, group->messages_lnum, GX_LOG_MESSAGES);
    if (err == GX_OK)
        err = gx_check_ops(c, group);
    if (group->gnum >= c->txn->counters.next_gnum)
        gx_check_problem(c, "group %u: the next number is %u", group->gnum, c->txn->counters.next_gnum);
    return err;
}

static enum gx_err check_groups(struct gx_check *c)
{
    struct gx_group_row group = {0};
    uint32_t after = 0;
    enum gx_err err;

    while ((err = gx_group_next(c->txn, &group, after)) != GX_E_ABSENT) {
        if (gx_check_stops(err))
            break;
        c->out->groups++;
        if (err == GX_E_CORRUPT)
            gx_check_problem(c, "group %u: its row makes no sense", group.gnum);
        else
            err = check_group(c, &group);
        if (gx_check_stops(err))
            break;
        if (group.gnum <= after) {
            gx_check_problem(c, "the table of groups cannot be walked");
            break;
        }
        after = group.gnum;
    }
    gx_wipe(&group.prekey_sk, sizeof group.prekey_sk);
    return gx_check_stops(err) ? err : GX_OK;
}

static int by_lnum(const void *a, const void *b)
{
    const struct gx_check_log *x = a, *y = b;

    return x->lnum < y->lnum ? -1 : x->lnum > y->lnum;
}

static void check_log_numbers(struct gx_check *c)
{
    if (c->n_logs > 0)
        qsort(c->logs, c->n_logs, sizeof *c->logs, by_lnum);
    for (size_t i = 1; i < c->n_logs; i++)
        if (c->logs[i].lnum == c->logs[i - 1].lnum)
            gx_check_problem(c, "log number %u stands for two logs", c->logs[i].lnum);
    if (c->n_logs > 0 && c->logs[c->n_logs - 1].lnum >= c->txn->counters.next_lnum)
        gx_check_problem(c, "log %u: the next number is %u", c->logs[c->n_logs - 1].lnum, c->txn->counters.next_lnum);
    if (c->out->logs != gx_table_rows(c->txn, GX_TABLE_LOG))
        gx_check_problem(c, "the table of logs has %llu rows, groups know of %llu", (unsigned long long)gx_table_rows(c->txn, GX_TABLE_LOG),
                         (unsigned long long)c->out->logs);
    if (c->out->segments != gx_table_rows(c->txn, GX_TABLE_SEGMENT))
        gx_check_problem(c, "there are %llu segments, logs know of %llu", (unsigned long long)gx_table_rows(c->txn, GX_TABLE_SEGMENT),
                         (unsigned long long)c->out->segments);
}

/* One place that is named for an arrival. */
static void count_place(struct gx_check *c, uint64_t arrival, uint32_t lnum, uint32_t seq)
{
    struct gx_check_log key = {.lnum = lnum}, *log = NULL;

    if (c->n_logs > 0)
        log = bsearch(&key, c->logs, c->n_logs, sizeof *c->logs, by_lnum);
    if (log == NULL)
        return;     /* of a group that was forgotten */
    log->arrivals++;
    if (seq <= log->base_seq || seq > log->head_seq)
        gx_check_problem(c, "arrival %llu names event %u of log %u, which is not held", (unsigned long long)arrival, seq, lnum);
}

/* The journal and the table of arrivals, both in order, together: each number once, none left out but those that were dropped. */
struct arrivals_walk {
    struct gx_scan journal, rows;
    uint64_t journal_at;            /* arrival of the next row; 0: at the end */
    struct gx_journal j;
    struct gx_arrivals row;
    bool row_there;
    uint64_t gone;                  /* numbers that were passed over */
};

static enum gx_err journal_forward(struct gx_check *c, struct arrivals_walk *w)
{
    struct gx_span key, value;
    enum gx_err err = gx_scan_next(&w->journal, &key, &value);

    w->journal_at = 0;
    if (err != GX_OK)
        return err == GX_E_ABSENT ? GX_OK : err;
    c->out->journal++;
    if (key.n != 8 || gx_get_be64(key.p) == 0)
        return GX_E_CORRUPT;
    w->journal_at = gx_get_be64(key.p);
    if (gx_journal_decode(&w->j, value) != GX_OK) {
        gx_check_problem(c, "journal row %llu makes no sense", (unsigned long long)w->journal_at);
        w->j = (struct gx_journal){0};
    }
    return GX_OK;
}

static enum gx_err rows_forward(struct gx_check *c, struct arrivals_walk *w)
{
    struct gx_span key, value;
    enum gx_err err;

    w->row_there = false;
    while ((err = gx_scan_next(&w->rows, &key, &value)) == GX_OK) {
        if (gx_arrivals_decode(&w->row, key, value) == GX_OK) {
            w->row_there = true;
            return GX_OK;
        }
        gx_check_problem(c, "a row of the table of arrivals makes no sense");
    }
    return err == GX_E_ABSENT ? GX_OK : err;
}

static enum gx_err walk_arrivals(struct gx_check *c, struct arrivals_walk *w)
{
    uint64_t expected = 1;
    enum gx_err err = journal_forward(c, w);

    if (err == GX_OK)
        err = rows_forward(c, w);
    while (err == GX_OK && (w->journal_at != 0 || w->row_there)) {
        bool from_journal = !w->row_there || (w->journal_at != 0 && w->journal_at < w->row.first);
        uint64_t first = from_journal ? w->journal_at : w->row.first;
        if (first > expected)
            w->gone += first - expected;
        else if (first < expected)
            gx_check_problem(c, "arrival %llu is expected and %llu follows", (unsigned long long)expected, (unsigned long long)first);
        if (from_journal) {
            count_place(c, first, w->j.lnum, w->j.seq);
            expected = first + 1;
            err = journal_forward(c, w);
            continue;
        }
        for (uint32_t i = 0; i < w->row.n; i++) {
            uint32_t lnum, seq;
            gx_arrivals_at(&w->row, &lnum, &seq, i);
            count_place(c, first + i, lnum, seq);
        }
        expected = first + w->row.n;
        err = rows_forward(c, w);
    }
    if (err != GX_OK)
        return err;
    if (expected > c->txn->counters.next_arrival)
        gx_check_problem(c, "arrivals end before %llu, the next number is %llu", (unsigned long long)expected,
                         (unsigned long long)c->txn->counters.next_arrival);
    else if (w->gone + (c->txn->counters.next_arrival - expected) != c->txn->counters.gone)
        gx_check_problem(c, "%llu of the arrivals up to %llu are not named, %llu were dropped",
                         (unsigned long long)(w->gone + (c->txn->counters.next_arrival - expected)), (unsigned long long)c->txn->counters.next_arrival,
                         (unsigned long long)c->txn->counters.gone);
    return err;
}

static enum gx_err check_arrivals(struct gx_check *c)
{
    struct arrivals_walk w = {0};
    enum gx_err err = gx_scan_begin(&w.journal, c->txn, GX_TABLE_JOURNAL);

    if (err == GX_OK)
        err = gx_scan_begin(&w.rows, c->txn, GX_TABLE_ARRIVAL);
    if (err == GX_OK)
        err = walk_arrivals(c, &w);
    gx_scan_end(&w.journal);
    gx_scan_end(&w.rows);
    if (err == GX_E_CORRUPT)
        gx_check_problem(c, "the journal or the table of arrivals cannot be walked");
    /* Each event was found under its number already; as many places as events make it one to one. */
    for (size_t i = 0; i < c->n_logs; i++)
        if (c->logs[i].arrivals != c->logs[i].head_seq - c->logs[i].base_seq)
            gx_check_problem(c, "log %u: %u events and %llu arrivals", c->logs[i].lnum, c->logs[i].head_seq - c->logs[i].base_seq,
                             (unsigned long long)c->logs[i].arrivals);
    return gx_check_stops(err) ? err : GX_OK;
}

enum gx_err gx_store_check(struct gx_txn *txn, struct gx_check_report *out, void (*say)(void *ctx, const char *line), void *ctx)
{
    struct gx_check c = {.txn = txn, .out = out, .say = say, .ctx = ctx};

    *out = (struct gx_check_report){0};
    enum gx_err err = check_groups(&c);
    if (err == GX_OK) {
        check_log_numbers(&c);
        err = check_arrivals(&c);
    }
    if (err == GX_OK)
        err = gx_check_rows(&c);
    free(c.logs);
    return err;
}
