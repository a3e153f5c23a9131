/* What can be said of a group's messages without showing them: how many, which, and who holds them. */
#include "node/engine/commands.h"
#include "node/engine/reader.h"

#include "crypto/hash.h"
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

struct ids {
    struct gx_event_id *list;
    size_t n, cap;
};

static void take_id(void *ctx, uint32_t seq, const struct gx_event *ev)
{
    struct ids *ids = ctx;

    (void)seq;
    GX_ASSERT(ids->n < ids->cap);
    if (ev != NULL)
        ids->list[ids->n++] = ev->id;
}

static int by_id(const void *a, const void *b)
{
    return gx_event_id_cmp(a, b);
}

const uint8_t *gx_messages_hash(struct gx_engine *e, struct gx_group *g)
{
    struct ids ids = {.list = NULL};
    uint8_t *scratch = NULL;

    if (g->hash_valid)
        return g->messages_hash;
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (gx_log_shown(g, &g->logs[i]))
            ids.cap += g->logs[i].row.head_seq - g->logs[i].row.base_seq;
    ids.list = gx_arena_take(&e->arena, (ids.cap + 1) * sizeof *ids.list);
    scratch = gx_arena_room(&e->arena, GX_READER_SCRATCH);
    if (!gx_engine_ok(e, ids.list == NULL || scratch == NULL ? GX_E_MEMORY : GX_OK))
        return g->messages_hash;
    for (uint32_t i = 0; i < g->n_logs; i++) {
        uint32_t from = 1, to = 0;

        for (; gx_shown_run(g, &g->logs[i], &from, &to); from = to + 1)
            if (!gx_log_walk(e, g, &g->logs[i], from, to, scratch, take_id, &ids))
                return g->messages_hash;
    }
    if (ids.n > 1)
        qsort(ids.list, ids.n, sizeof *ids.list, by_id);       /* ids are unique: no ties */
    gx_hash(g->messages_hash, "gx-messages", gx_span(ids.list, ids.n * sizeof *ids.list));
    g->hash_valid = true;
    return g->messages_hash;
}
