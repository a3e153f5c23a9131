/* What can be said of a group's messages without showing them: how many, which, and who holds them. */
#include "node/engine/commands.h"

#include "crypto/hash.h"
#include "proto/codec.h"
#include <stdlib.h>

uint64_t gx_messages_count(const struct gx_group *g)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < g->n_logs; i++)
        n += gx_shown_count(g, &g->logs[i], 1);
    return n;
}

uint64_t gx_messages_unread(const struct gx_group *g)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < g->n_logs; i++)
        if (!g->logs[i].own)
            n += gx_shown_count(g, &g->logs[i], g->logs[i].row.read_seq + 1);
    return n;
}

/* FIXME: one device a member, until a person can have more. */
uint32_t gx_messages_others(const struct gx_group *g)
{
    bool me = g->me != GX_NONE && gx_law_is_member(&g->law, g->me);

    return g->law.now.n_members - (me ? 1 : 0);
}

const char *gx_messages_state_text(uint32_t by, uint32_t of)
{
    return by == 0 ? "queued" : by < of ? "sent" : "delivered";
}

void gx_messages_held(const struct gx_group *g, uint32_t seq, uint32_t *by, uint32_t *of)
{
    *by = 0;
    *of = gx_messages_others(g);
    for (uint32_t i = 0; i < g->n_held; i++) {
        const struct gx_held_row *h = &g->held[i].row;
        bool behind = h->base_seq >= seq, holds = !behind && seq <= h->seq;

        if ((behind || holds) && gx_group_live(g, &h->device)) {
            *of -= behind;
            *by += holds;
        }
    }
}

void gx_messages_reached(const struct gx_group *g, uint32_t *sent, uint32_t *delivered)
{
    uint32_t n = 0, least = UINT32_MAX;

    *sent = 0;
    for (uint32_t i = 0; i < g->n_held; i++) {
        const struct gx_held_row *h = &g->held[i].row;

        if (!gx_group_live(g, &h->device) || gx_sign_pk_equal(&h->device, &g->row.intro.device))
            continue;
        n++;
        *sent = h->seq > h->base_seq && h->seq > *sent ? h->seq : *sent;
        least = h->seq < least ? h->seq : least;
    }
    *delivered = n > 0 && n >= gx_messages_others(g) ? least : 0;
}

void gx_messages_put_state(struct gx_answer_builder *b, const struct gx_group *g, const struct gx_event_id *event, uint64_t arrival, uint32_t seq)
{
    uint32_t by = 0, of = 0;

    gx_messages_held(g, seq, &by, &of);
    gx_answers_hex(b, "event", event->b, sizeof event->b);
    gx_answers_number(b, "seq", arrival);
    gx_answers_kept(b, "state", gx_messages_state_text(by, of));
    gx_answers_object(b, "held");
    gx_answers_number(b, "by", by);
    gx_answers_number(b, "of", of);
    gx_answers_end(b);
}

void gx_messages_keep_held(struct gx_engine *e)
{
    if (e->held_dirty && gx_engine_txn(e, true) != NULL)
        e->held_flush_ms = e->now.mono_ms;
}

/* Does some other member still want the messages up to `seq`?  Not who joined behind them: a newcomer is not given what was written before. */
static bool wanted(const struct gx_group *g, uint32_t seq)
{
    uint32_t behind = 0;

    for (uint32_t i = 0; i < g->n_held; i++)
        behind += g->held[i].row.base_seq >= seq && gx_group_live(g, &g->held[i].row.device);
    return behind < gx_messages_others(g);
}

/* Those in no other member's range, and wanted by one: ranges need not begin at the start, for who joined later holds only what came after. */
uint64_t gx_messages_unsent(const struct gx_group *g)
{
    const struct gx_log_row *row = g->own_messages == GX_NONE ? NULL : &g->logs[g->own_messages].row;
    uint64_t unsent = 0;

    if (row == NULL || gx_messages_others(g) == 0)
        return 0;
    for (uint32_t at = row->base_seq; at < row->head_seq;) {
        uint32_t reach = at, next = row->head_seq;

        for (uint32_t i = 0; i < g->n_held; i++) {
            const struct gx_held_row *h = &g->held[i].row;

            if (h->seq <= at || !gx_group_live(g, &h->device))
                continue;
            if (h->base_seq <= at)
                reach = h->seq > reach ? h->seq : reach;
            else if (h->base_seq < next)
                next = h->base_seq;
        }
        if (reach == at) {
            unsent += wanted(g, next) ? next - at : 0;
            reach = next;
        }
        at = reach;
    }
    return unsent;
}

/* --- their hash ---------------------------------------------------------------------------------------------------------------------- */

/* Messages of one log that follow each other and are shown, between two places where it may have forked or been cut. */
struct run {
    struct gx_log_id log;
    uint32_t from, to;
    struct gx_event_id last;        /* zero: it cannot be read */
};

static int by_log(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    int order = memcmp(&x->log, &y->log, sizeof x->log);

    if (order == 0)
        order = (x->from > y->from) - (x->from < y->from);
    return order != 0 ? order : gx_event_id_cmp(&x->last, &y->last);
}

/* Branches hold what they have in common once, in whichever came first here: so that a run ends, on every node, where a branch begins. */
static uint32_t end_of(const struct gx_group *g, const struct gx_log *log, uint32_t from, uint32_t to)
{
    for (uint32_t i = gx_group_next_branch(g, &log->row.id, 0); i != GX_NONE; i = gx_group_next_branch(g, &log->row.id, i + 1))
        if (g->logs[i].row.base_seq >= from && g->logs[i].row.base_seq < to)
            to = g->logs[i].row.base_seq;
    return to;
}

/* At most cap of them are written; how many there are. */
static size_t runs_of(struct gx_engine *e, struct gx_group *g, struct run *out, size_t cap)
{
    size_t n = 0;

    for (uint32_t i = 0; i < g->n_logs; i++) {
        uint32_t from = 1, to = 0;

        for (; gx_shown_run(g, &g->logs[i], &from, &to); from = to + 1, n++) {
            to = end_of(g, &g->logs[i], from, to);
            if (n >= cap)
                continue;
            out[n] = (struct run){.log = g->logs[i].row.id, .from = from, .to = to};
            (void)gx_group_event_id(e, g, i, to, &out[n].last);
        }
    }
    return n;
}

/* An id covers all that its log holds before it: so few ids tell which messages these are, however many they are. */
const uint8_t *gx_messages_hash(struct gx_engine *e, struct gx_group *g)
{
    struct gx_hasher hasher;
    struct run *runs = NULL;
    size_t n = 0;

    if (g->hash_valid)
        return g->messages_hash;
    n = runs_of(e, g, NULL, 0);
    runs = gx_arena_take(&e->arena, (n + 1) * sizeof *runs);
    if (!gx_engine_ok(e, runs == NULL ? GX_E_MEMORY : GX_OK) || runs_of(e, g, runs, n) != n || e->fault != GX_OK)
        return g->messages_hash;
    if (n > 1)
        qsort(runs, n, sizeof *runs, by_log);       /* no event is held twice: no ties */
    gx_hash_begin(&hasher, "gx-messages");
    for (const struct run *r = runs; r < runs + n; r++) {
        uint8_t bounds[8];

        gx_put_be32(bounds, r->from);
        gx_put_be32(bounds + 4, r->to);
        gx_hash_add(&hasher, r->log.b, sizeof r->log.b);
        gx_hash_add(&hasher, bounds, sizeof bounds);
        gx_hash_add(&hasher, r->last.b, sizeof r->last.b);
    }
    gx_hash_end(&hasher, g->messages_hash);
    g->hash_valid = true;
    return g->messages_hash;
}
