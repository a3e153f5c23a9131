#include "node/engine/reader.h"

#include "node/engine/commands.h"
#include "node/engine/people.h"
#include "node/engine/sealing.h"
#include <stdlib.h>

#define FORWARD 32u                 /* events read at once: two groups of a segment */

static_assert(GX_READER_SCRATCH >= GX_CHUNK_BYTES_MAX, "a chunk fits, or one event");

static bool walk_chunk(struct gx_engine *e, const struct gx_group *g, struct gx_span bytes, uint32_t seq,
                       void (*each)(void *ctx, uint32_t seq, const struct gx_event *ev), void *ctx)
{
    struct gx_chunk_iter it;
    struct gx_chunk chunk;
    struct gx_event ev;

    if (!gx_engine_ok(e, gx_chunk_decode(&chunk, bytes)))
        return false;
    gx_chunk_begin(&it, &chunk, &g->row.id);
    while (gx_engine_ok(e, gx_chunk_next(&it, &ev, NULL)))
        each(ctx, seq++, &ev);
    return e->fault == GX_OK;
}

bool gx_log_walk(struct gx_engine *e, const struct gx_group *g, const struct gx_log *log, uint32_t from, uint32_t to, uint8_t *scratch,
                 void (*each)(void *ctx, uint32_t seq, const struct gx_event *ev), void *ctx)
{
    while (from <= to) {
        struct gx_txn *txn = gx_engine_txn(e, false);
        struct gx_wr w = gx_wr(scratch, GX_READER_SCRATCH);
        uint32_t next = from;

        if (txn == NULL)
            return false;

        enum gx_err err = gx_events_read_chunk(txn, &w, &next, &log->row, &g->row.id, from, to - from + 1, GX_CHUNK_BYTES_MAX);

        if (err == GX_E_CORRUPT) {
            /* One bad page must not hide all the others. */
            gx_engine_drop(e, "corrupt");
            each(ctx, from++, NULL);
            continue;
        }
        if (!gx_engine_ok(e, err) || !walk_chunk(e, g, gx_wr_span(&w), from, each, ctx))
            return false;
        from = next;
    }
    return true;
}

static int by_lnum(const void *a, const void *b)
{
    const struct gx_reader_log *x = a, *y = b;

    return x->lnum < y->lnum ? -1 : x->lnum > y->lnum;
}

bool gx_reader_begin(struct gx_reader *r, struct gx_engine *e, struct gx_group *g)
{
    size_t n = 0;

    *r = (struct gx_reader){.e = e};
    for (uint32_t i = 0; i < e->n_groups; i++)
        n += g == NULL || gx_same_chat(e, g, e->groups[i]) ? e->groups[i]->n_logs : 0;
    r->logs = gx_arena_take(&e->arena, (n + 1) * sizeof *r->logs);
    r->scratch = gx_arena_room(&e->arena, GX_READER_SCRATCH);
    if (!gx_engine_ok(e, r->logs == NULL || r->scratch == NULL ? GX_E_MEMORY : GX_OK))
        return false;
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *of = e->groups[i];

        for (uint32_t k = 0; (g == NULL || gx_same_chat(e, g, of)) && k < of->n_logs; k++)
            r->logs[r->n++] = (struct gx_reader_log){
                .g = of, .log = &of->logs[k], .lnum = of->logs[k].row.lnum, .shown = gx_log_shown(of, &of->logs[k])};
    }
    if (r->n > 1)
        qsort(r->logs, r->n, sizeof *r->logs, by_lnum);        /* numbers are unique in the store: no ties */
    return true;
}

struct gx_reader_log *gx_reader_find(const struct gx_reader *r, uint32_t lnum)
{
    uint32_t low = 0, high = r->n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (r->logs[mid].lnum == lnum)
            return &r->logs[mid];
        if (r->logs[mid].lnum < lnum)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

struct loading {
    struct gx_engine *e;
    struct gx_group *g;
    const struct gx_log *log;
    struct gx_message *messages;
    uint32_t first;
};

/* What contacts tell each other beside texts, in words. */
static void take_letter(struct gx_engine *e, struct gx_message *m, const struct gx_body *body)
{
    if (body->type == GX_EV_INVITE) {
        const char *title = gx_arena_text(&e->arena, body->u.invite.title.p, body->u.invite.title.n);

        m->kind = "invite";
        m->wall_ms = body->u.invite.wall_ms;
        m->text = gx_answers_format(e, "[invitation to %s]", title == NULL || title[0] == 0 ? "a group" : title);
        return;
    }

    struct gx_group *g = gx_group_by_id(e, &body->u.reveal.group);

    m->kind = "reveal";
    m->wall_ms = body->u.reveal.wall_ms;
    m->text = gx_answers_format(e, "[who is who in %s]", g == NULL ? "a group" : gx_group_label(e, g));
}

static void take_message(void *ctx, uint32_t seq, const struct gx_event *ev)
{
    struct loading *l = ctx;
    struct gx_message *m = &l->messages[seq - l->first];
    struct gx_body body;

    if (ev == NULL || !gx_event_is_sealed(ev->type))
        return;
    m->tick = ev->tick;
    m->id = ev->id;
    if (!gx_message_open_at(l->e, l->g, l->log, ev, &body)) {
        m->kind = "sealed";
        m->text = "[this node has no key for it]";
        return;
    }
    if (ev->type == GX_EV_INVITE || ev->type == GX_EV_REVEAL) {
        take_letter(l->e, m, &body);
        return;
    }
    m->wall_ms = body.u.text.wall_ms;
    m->has_reply = body.u.text.has_reply;
    m->reply = body.u.text.reply;
    m->text = gx_arena_text(&l->e->arena, body.u.text.text.p, body.u.text.text.n);
    (void)gx_engine_ok(l->e, m->text == NULL ? GX_E_MEMORY : GX_OK);
}

const struct gx_message *gx_reader_get(struct gx_reader *r, struct gx_reader_log *l, uint32_t seq, uint32_t from, uint32_t to)
{
    if (seq < l->first || seq - l->first >= l->n) {
        struct loading loading = {.e = r->e, .g = l->g, .log = l->log, .first = from};

        GX_ASSERT(from <= seq && seq <= to && from > l->log->row.base_seq && to <= l->log->row.head_seq);
        loading.messages = gx_arena_take(&r->e->arena, ((size_t)to - from + 1) * sizeof *loading.messages);
        if (!gx_engine_ok(r->e, loading.messages == NULL ? GX_E_MEMORY : GX_OK))
            return NULL;
        if (!gx_log_walk(r->e, l->g, l->log, from, to, r->scratch, take_message, &loading))
            return NULL;
        l->first = from;
        l->n = to - from + 1;
        l->messages = loading.messages;
    }
    return &l->messages[seq - l->first];
}

const struct gx_message *gx_reader_forward(struct gx_reader *r, struct gx_reader_log *l, uint32_t seq)
{
    uint32_t left = l->log->row.head_seq - seq;

    return gx_reader_get(r, l, seq, seq, seq + (left < FORWARD - 1 ? left : FORWARD - 1));
}

/* --- showing ------------------------------------------------------------------------------------------------------------------------- */

static const char *hex_text(struct gx_engine *e, const uint8_t *p, size_t n)
{
    char *text = gx_arena_take(&e->arena, GX_HEX_BYTES(n));

    if (!gx_engine_ok(e, text == NULL ? GX_E_MEMORY : GX_OK))
        return "";
    gx_hex(text, p, n);
    return text;
}

static void label(struct gx_reader *r, struct gx_reader_log *l)
{
    if (l->where != NULL)
        return;
    l->where = gx_group_label(r->e, l->g);
    l->group = hex_text(r->e, l->g->row.id.b, sizeof l->g->row.id.b);
    l->from = hex_text(r->e, l->g->law.persons[l->log->person].member.b, 32);
    l->alias = gx_person_label(r->e, l->g, l->log->person);
}

/* Once a group, not once a message: whether a device is live is a search. */
static void read_held(struct gx_reader *r, const struct gx_group *g)
{
    if (r->held_of == g)
        return;
    r->held_of = g;
    r->n_held = 0;
    r->held = gx_arena_take(&r->e->arena, (g->n_held + 1u) * sizeof *r->held);
    if (!gx_engine_ok(r->e, r->held == NULL ? GX_E_MEMORY : GX_OK))
        return;
    for (uint32_t i = 0; i < g->n_held; i++)
        if (gx_group_live(g, &g->held[i].row.device))
            r->held[r->n_held++] = g->held[i].row;
}

static void put_held(struct gx_reader *r, struct gx_answer_builder *b, const struct gx_reader_row *row)
{
    const struct gx_group *g = row->l->g;
    uint32_t by = 0, of = gx_messages_others(g);

    if (g->own_messages == GX_NONE || row->l->log != &g->logs[g->own_messages]) {
        gx_answers_kept(b, "state", "sent");        /* of an earlier incarnation: others gave it back */
        return;
    }
    read_held(r, g);
    for (uint32_t i = 0; i < r->n_held; i++) {
        of -= r->held[i].base_seq >= row->seq;      /* joined behind it, and is not given it */
        by += r->held[i].base_seq < row->seq && row->seq <= r->held[i].seq;
    }
    gx_answers_kept(b, "state", gx_messages_state_text(by, of));
    gx_answers_object(b, "held");
    gx_answers_number(b, "by", by);
    gx_answers_number(b, "of", of);
    gx_answers_end(b);
}

void gx_reader_values(struct gx_reader *r, struct gx_answer_builder *b, const struct gx_reader_row *row)
{
    struct gx_reader_log *l = row->l;

    label(r, l);
    gx_answers_number(b, "seq", row->arrival);
    gx_answers_hex(b, "event", row->m->id.b, sizeof row->m->id.b);
    gx_answers_kept(b, "where", l->where);
    gx_answers_kept(b, "group", l->group);
    gx_answers_kept(b, "from", l->from);
    gx_answers_kept(b, "alias", l->alias);
    gx_answers_kept(b, "text", row->m->text);
    if (row->m->kind != NULL)
        gx_answers_kept(b, "kind", row->m->kind);
    gx_answers_number(b, "wall_ms", row->m->wall_ms);
    if (l->log->own)
        put_held(r, b, row);
    else
        gx_answers_kept(b, "state", "received");
    if (!gx_message_shown(l->g, l->log, row->seq))
        gx_answers_bool(b, "hidden", true);         /* one's own, which no other member shows */
    if (row->m->has_reply)
        gx_answers_hex(b, "reply", row->m->reply.b, sizeof row->m->reply.b);
}
