/* Endpoint records: where members can be reached.  Given to those who share the group, kept when newer, passed on.  WIRE §6.2 */
#include "node/engine/internal.h"

#define ENDPOINTS_MAX (2u * GX_GROUP_MEMBERS_MAX)

static void send_records(struct gx_engine *e, struct gx_session *s, uint16_t channel, const struct gx_endpoint *records, uint32_t n)
{
    for (uint32_t at = 0; at < n; at += GX_ENDPOINTS_PER_FRAME_MAX) {
        uint32_t end = n - at < GX_ENDPOINTS_PER_FRAME_MAX ? n : at + GX_ENDPOINTS_PER_FRAME_MAX;
        struct gx_wr w = gx_engine_wr(e, 16 + GX_ENDPOINT_BYTES_MAX * (size_t)(end - at));
        struct gx_frame_list list = gx_frame_begin_endpoints(&w, channel);

        for (uint32_t i = at; i < end; i++)
            gx_frame_put_endpoint(&w, &list, &records[i]);
        gx_frame_end(&w, &list);
        gx_engine_send(e, s, &w);
    }
}

void gx_endpoints_send(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool all)
{
    struct gx_group *g = gx_group_by_gnum(e, c->group);

    if (all)
        send_records(e, s, c->number, g->endpoints, g->n_endpoints);
    for (uint32_t i = 0; i < g->n_endpoints && !all; i++)
        if (gx_sign_pk_equal(&g->endpoints[i].device, &g->row.intro.device))
            send_records(e, s, c->number, &g->endpoints[i], 1);
}

void gx_endpoints_take(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_frame *f)
{
    struct gx_rd rd = gx_rd(f->list);

    for (size_t i = 0; i < f->n; i++) {
        struct gx_endpoint record;
        uint8_t bytes[GX_ENDPOINT_SIGNED_MAX];
        struct gx_job *job = NULL;
        bool known = false;

        gx_frame_endpoint_next(&rd, &record);
        for (uint32_t k = 0; k < g->n_endpoints && !known; k++)
            known = gx_sign_pk_equal(&g->endpoints[k].device, &record.device) && g->endpoints[k].counter >= record.counter;
        if (known || gx_sign_pk_equal(&record.device, &g->row.intro.device))
            continue;
        job = gx_job_new(e, GX_JOB_ENDPOINT, s, g->row.gnum, gx_span(NULL, 0));
        if (job == NULL)
            return;
        job->endpoint = record;
        gx_job_verify(e, job, GX_DOMAIN_ENDPOINT, &record.device, gx_span(bytes, gx_endpoint_signed_bytes(bytes, &record, &g->row.id)), &record.sig);
        gx_job_begin(e, job);
    }
}

static bool is_shared(struct gx_session *s, const struct gx_group *g)
{
    const struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);

    return c != NULL && gx_channel_shared(c);
}

/* Who is in is kept whoever tells of it; who is not yet, where a member says so: the ADMIT may be on its way. */
void gx_endpoints_verified(struct gx_engine *e, struct gx_job *job)
{
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    struct gx_session *s = gx_session_find(e, job->session);

    if (job->failed)
        gx_session_strike(e, s, gx_err_name(GX_E_SIGNATURE));
    else if (g != NULL && (gx_group_live(g, &job->endpoint.device) || is_shared(s, g)))
        gx_endpoints_store(e, g, &job->endpoint);
}

/* The place for a record: its device's, a free one, or that of somebody who is no member (records may come before the ADMIT). */
static struct gx_endpoint *record_slot(struct gx_engine *e, struct gx_group *g, struct gx_txn *txn, const struct gx_endpoint *record)
{
    for (uint32_t i = 0; i < g->n_endpoints; i++)
        if (gx_sign_pk_equal(&g->endpoints[i].device, &record->device))
            return g->endpoints[i].counter < record->counter ? &g->endpoints[i] : NULL;
    if (g->n_endpoints >= ENDPOINTS_MAX) {
        for (uint32_t i = 0; i < g->n_endpoints; i++)
            if (!gx_group_live(g, &g->endpoints[i].device))
                return gx_engine_ok(e, gx_endpoint_del(txn, g->row.gnum, &g->endpoints[i].device)) ? &g->endpoints[i] : NULL;
        gx_engine_drop(e, "endpoints_full");
        return NULL;
    }
    if (!gx_engine_grow(e, &g->endpoints, &g->cap_endpoints, g->n_endpoints, sizeof *g->endpoints))
        return NULL;
    return &g->endpoints[g->n_endpoints++];
}

void gx_endpoints_store(struct gx_engine *e, struct gx_group *g, const struct gx_endpoint *record)
{
    struct gx_txn *txn = gx_engine_txn(e, true);
    struct gx_endpoint *slot = txn == NULL ? NULL : record_slot(e, g, txn, record);

    if (slot == NULL)
        return;
    *slot = *record;
    if (!gx_engine_ok(e, gx_endpoint_put(txn, g->row.gnum, record)))
        return;
    if (gx_group_live(g, &record->device))
        gx_targets_update(e, record);

    bool own = gx_sign_pk_equal(&record->device, &g->row.intro.device);

    for (uint32_t i = 0; i < e->n_sessions && !own; i++)
        if (!e->sessions[i]->closed && memcmp(&e->sessions[i]->peer_key, &record->transport, sizeof record->transport) == 0)
            gx_greet_late(e, e->sessions[i], g);

    struct gx_fan_out of = gx_announce_fan_out(e, g, GX_RECORD_FAN_OUT);

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];
        struct gx_channel *c = s->closed || !(own || gx_announce_picks(&of)) ? NULL : gx_session_channel_of(s, g->row.gnum);

        if (gx_announce_hears(c) && !gx_sign_pk_equal(&c->device, &record->device))
            send_records(e, s, c->number, record, 1);
    }
}
