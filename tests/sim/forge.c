/* Events made by hand with keys that somebody has, in any place, and the frames to tell them. */
#include "tests/sim/liar.h"

#include "node/engine/people.h"
#include "tests/blind.h"

struct gx_group *sim_group(struct gx_engine *e, const struct gx_group_id *id)
{
    struct gx_group *found = NULL;

    for (uint32_t k = 0; k < e->n_groups; k++)          /* who came in again has a row of before, too */
        if (gx_group_id_equal(&e->groups[k]->row.id, id) && (found == NULL || gx_group_is_member(e->groups[k])))
            found = e->groups[k];
    return found;
}

struct gx_group *sim_pick_group(struct gx_sim *sim, uint32_t node)
{
    struct gx_engine *e = sim->nodes[node].engine;
    struct gx_group *found = NULL;
    uint32_t n = 0;

    for (uint32_t k = 0; k < e->n_groups; k++) {
        struct gx_group *g = e->groups[k];

        if (!g->has_create || gx_group_is_direct(g) || g->own_control == GX_NONE || g->own_messages == GX_NONE || sim_group(e, &g->row.id) != g)
            continue;
        if (sim_liar_pick(sim->nodes[node].liar, ++n) == 0)
            found = g;
    }
    return found;
}

void sim_device_sk(const struct gx_sim *sim, uint32_t node, const struct gx_group *g, struct gx_sign_sk *sk)
{
    struct gx_sign_pk pk;

    gx_device_key(&pk, sk, &sim->nodes[node].config.device_seed, &g->row.intro.e);
}

/* --- places ----------------------------------------------------------------------------------------------------------------------------------- */

struct sim_place sim_head_of(const struct gx_group *g, uint32_t log)
{
    const struct gx_log_row *row = &g->logs[log].row;

    return (struct sim_place){.log = row->id, .seq = (uint64_t)row->head_seq + 1, .tick = row->head_tick, .prev = row->head_id};
}

bool sim_place_of(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t seq, struct sim_place *out)
{
    const struct gx_log_row *row = &g->logs[log].row;
    struct gx_event ev;
    struct gx_body body;
    bool ok = true;

    *out = (struct sim_place){.log = row->id, .seq = seq};
    if (seq == row->base_seq + 1) {
        out->prev = row->base_id;
        out->tick = row->base_tick;
        return true;
    }
    ok = seq > row->base_seq && gx_group_read(e, g, &g->logs[log], seq - 1, &ev, &body);
    if (ok) {
        out->prev = ev.id;
        out->tick = ev.tick;
    }
    gx_txn_abort(&e->txn);
    return ok;
}

void sim_place_behind(struct sim_place *at, const struct gx_group *g, uint32_t op)
{
    const struct gx_event_id *id = &g->law.nodes[op].op.id;
    uint32_t k = 0;

    while (k < at->n_deps && gx_event_id_cmp(&at->deps[k], id) < 0)
        k++;
    if ((k < at->n_deps && gx_event_id_equal(&at->deps[k], id)) || at->n_deps == GX_ARRAY_LEN(at->deps))
        return;
    memmove(&at->deps[k + 1], &at->deps[k], (at->n_deps - k) * sizeof at->deps[0]);
    at->deps[k] = *id;
    at->n_deps++;
    at->tick = g->ops[op].tick > at->tick ? g->ops[op].tick : at->tick;
}

void sim_place_next(struct sim_place *at, const struct sim_forged *f)
{
    at->seq = f->ev.seq + 1;
    at->prev = f->ev.id;
    at->tick = f->ev.tick;
    at->n_deps = 0;
}

/* --- events ----------------------------------------------------------------------------------------------------------------------------------- */

void sim_forged_chunk(struct sim_forged *f)
{
    struct gx_wr w = gx_wr(f->chunk, sizeof f->chunk);

    gx_chunk_write_header(&w, &f->ev.log, (uint32_t)f->ev.seq, &f->ev.prev, 1);
    gx_record_encode(&w, &f->ev);
    GX_ASSERT(!w.failed);
    f->n = w.n;
}

void sim_forge_body(struct sim_forged *f, const struct gx_group_id *group, const struct gx_sign_sk *sk, uint8_t type, struct gx_span body,
                    const struct sim_place *at, uint64_t wall_ms)
{
    for (uint32_t k = 0; k < at->n_deps; k++)
        memcpy(f->deps + 32u * (size_t)k, at->deps[k].b, 32);
    f->ev = (struct gx_event){.ver = GX_EVENT_VERSION, .type = type, .group = *group, .log = at->log, .seq = at->seq, .prev = at->prev,
                              .tick = at->tick + 1, .n_deps = (uint8_t)at->n_deps, .deps = f->deps, .body = body,
                              .wall_ms = gx_event_is_message(type) ? 0 : wall_ms / 60000u * 60000u};
    gx_event_seal(&f->ev, sk);
    sim_forged_chunk(f);
}

void sim_forge(struct sim_forged *f, const struct gx_group_id *group, const struct gx_sign_sk *sk, const struct gx_body *body, const struct sim_place *at,
               uint64_t wall_ms)
{
    struct gx_wr w = gx_wr(f->body, sizeof f->body);
    struct gx_body outer = *body;

    blind(&outer, f->blind);
    gx_body_encode(&w, &outer);
    GX_ASSERT(!w.failed);
    sim_forge_body(f, group, sk, body->type, gx_wr_span(&w), at, wall_ms);
}

void sim_forge_text(struct sim_forged *f, const struct gx_group_id *group, const struct gx_sign_sk *sk, const char *text, const struct sim_place *at)
{
    struct gx_body body = {.type = GX_EV_TEXT, .u.text = {.wall_ms = 1, .text = gx_span(text, strlen(text))}};

    sim_forge(f, group, sk, &body, at, 0);
}

/* --- frames ----------------------------------------------------------------------------------------------------------------------------------- */

void sim_tell(struct gx_sim *sim, uint32_t node, const struct gx_group *g, struct gx_span chunk, uint32_t half)
{
    struct gx_engine *e = sim->nodes[node].engine;
    uint8_t bytes[GX_FRAME_BYTES_MAX];

    for (uint32_t k = 0; k < e->n_sessions; k++) {
        struct gx_session *s = e->sessions[k];
        const struct gx_channel *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);
        uint32_t peer = sim_peer(sim, node, s->id);
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_frame_list list;

        if (c == NULL || !c->mine || peer == SIM_NONE || (half != 0 && peer % 2 != half - 1))
            continue;
        list = gx_frame_begin_chunks(&w, c->number, GX_CHUNKS_PUSH);
        gx_frame_put_chunk(&w, &list, chunk);
        gx_frame_end(&w, &list);
        if (!w.failed)
            sim_say(sim, node, s->id, gx_wr_span(&w));
    }
}
