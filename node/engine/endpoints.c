/* Endpoint records: where members can be reached.  Given to those who share the group, kept when newer, passed on.  WIRE §6.2 */
#include "node/engine/internal.h"

#define ENDPOINTS_MAX (2u * GX_GROUP_MEMBERS_MAX)
#define PASS_ON_MS_MAX 10000u
#define NEWS_BYTES 512u                 /* what it costs who tells it to verify a record: all of a large group's at once are nothing, a flood of newer ones is */

void gx_endpoints_send(struct gx_engine *e, struct gx_session *s, const struct gx_channel *c, const struct gx_endpoint *records, uint32_t n)
{
    for (uint32_t at = 0; at < n; at += GX_ENDPOINTS_PER_FRAME_MAX) {
        uint32_t end = n - at < GX_ENDPOINTS_PER_FRAME_MAX ? n : at + GX_ENDPOINTS_PER_FRAME_MAX;
        struct gx_wr w = gx_engine_wr(e, 16 + GX_ENDPOINT_BYTES_MAX * (size_t)(end - at));
        struct gx_frame_list list = gx_frame_begin_endpoints(&w, c->number);

        for (uint32_t i = at; i < end; i++)
            gx_frame_put_endpoint(&w, &list, &records[i]);
        gx_frame_end(&w, &list);
        gx_engine_send(e, s, &w);
    }
}

const struct gx_endpoint *gx_endpoints_of(const struct gx_group *g, const struct gx_sign_pk *device)
{
    for (uint32_t i = 0; i < g->n_endpoints; i++)
        if (gx_sign_pk_equal(&g->endpoints[i].device, device))
            return &g->endpoints[i];
    return NULL;
}

void gx_endpoints_send_own(struct gx_engine *e, struct gx_session *s, const struct gx_channel *c)
{
    const struct gx_group *g = gx_group_by_gnum(e, c->group);
    const struct gx_endpoint *own = gx_endpoints_of(g, &g->row.intro.device);

    if (own != NULL)
        gx_endpoints_send(e, s, c, own, 1);
}

/* Of this node's own device another one is news only where its home was put back: with the same counter it may have signed another record before. */
static bool is_news(const struct gx_group *g, const struct gx_endpoint *record)
{
    const struct gx_endpoint *held = gx_endpoints_of(g, &record->device);

    if (held == NULL || !gx_sign_pk_equal(&record->device, &g->row.intro.device))
        return held == NULL ? !gx_sign_pk_equal(&record->device, &g->row.intro.device) : held->counter < record->counter;
    return !g->endpoint_raised && held->counter <= record->counter && memcmp(&held->sig, &record->sig, sizeof held->sig) != 0;
}

/* NULL: it does not share that group. */
static const struct gx_channel *shared_channel(struct gx_session *s, const struct gx_group *g)
{
    const struct gx_channel *c = s == NULL ? NULL : gx_session_channel_of(s, g->row.gnum);

    return c != NULL && gx_channel_shared(c) ? c : NULL;
}

void gx_endpoints_take(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_frame *f)
{
    struct gx_rd rd = gx_rd(f->list);
    const struct gx_channel *c = shared_channel(s, g);

    for (size_t i = 0; i < f->n; i++) {
        struct gx_endpoint record;
        uint8_t bytes[GX_ENDPOINT_SIGNED_MAX];
        struct gx_job *job = NULL;

        gx_frame_endpoint_next(&rd, &record);
        if (!is_news(g, &record))
            continue;
        if (c != NULL && !gx_budget_hears(e, g, c)) {
            gx_engine_drop(e, "endpoints_budget");
            return;
        }
        gx_budget_wasted(e, s, g, NEWS_BYTES);
        job = gx_job_new(e, GX_JOB_ENDPOINT, s, g->row.gnum, gx_span(NULL, 0));
        if (job == NULL)
            return;
        job->endpoint = record;
        gx_job_verify(e, job, GX_DOMAIN_ENDPOINT, &record.device, gx_span(bytes, gx_endpoint_signed_bytes(bytes, &record, &g->row.id)), &record.sig);
        gx_job_begin(e, job);
    }
}

/* Who is in is kept whoever tells of it; who is not yet, where a member says so: the ADMIT may be on its way. */
void gx_endpoints_verified(struct gx_engine *e, struct gx_job *job)
{
    struct gx_group *g = gx_group_by_gnum(e, job->group);
    struct gx_session *s = gx_session_find(e, job->session);

    if (g != NULL && gx_group_joining(g) && !GX_MUTANT(RECORD_EARLY))
        gx_group_settle(e, g);      /* the records come behind the operations by which their devices came in, and may be taken in the same step */
    if (job->failed)
        gx_session_strike(e, s, gx_err_name(GX_E_SIGNATURE));
    else if (g != NULL && gx_sign_pk_equal(&job->endpoint.device, &g->row.intro.device))
        gx_author_endpoint_above(e, g, job->endpoint.counter);
    else if (g != NULL && (gx_group_live(g, &job->endpoint.device) || shared_channel(s, g) != NULL))
        gx_endpoints_store(e, g, &job->endpoint);
}

/* --- passing on ------------------------------------------------------------------------------------------------------------------------- */

/* Of others it goes on together with others', some time within GX_LATE_MS: by then this node has heard, from whom the record came, who is out meanwhile
 * and is to have it no more. */
static void pass_on_later(struct gx_engine *e, struct gx_group *g, uint32_t place)
{
    uint32_t r = 0;

    for (uint32_t i = 0; i < g->n_fresh; i++)
        if (g->fresh[i] == place)
            return;
    if (!gx_engine_grow(e, &g->fresh, &g->cap_fresh, g->n_fresh, sizeof *g->fresh))
        return;
    g->fresh[g->n_fresh++] = place;
    if (g->fresh_at_ms != 0)
        return;
    gx_rng_fill(e->config.rng, &r, sizeof r);
    g->fresh_since_ms = e->now.mono_ms;
    g->fresh_at_ms = e->now.mono_ms + GX_LATE_MS / 2 + r % (GX_LATE_MS / 2);
    gx_engine_wake(e, g->fresh_at_ms);
}

bool gx_endpoints_waits(const struct gx_group *g, const struct gx_endpoint *record)
{
    for (uint32_t k = 0; k < g->n_fresh; k++)
        if (&g->endpoints[g->fresh[k]] == record)
            return true;
    return false;
}

static void pass_on(struct gx_engine *e, struct gx_group *g)
{
    struct gx_fan_out of = gx_announce_fan_out(e, g, GX_RECORD_FAN_OUT);
    struct gx_endpoint *records = gx_arena_take(&e->arena, (g->n_fresh + 1u) * sizeof *records);

    if (records == NULL) {
        gx_engine_ok(e, GX_E_MEMORY);
        return;
    }
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];
        struct gx_channel *c = s->closed || !gx_announce_picks(&of) ? NULL : gx_session_channel_of(s, g->row.gnum);
        uint32_t n = 0;

        for (uint32_t k = 0; gx_announce_hears(c) && k < g->n_fresh; k++)
            if (!gx_sign_pk_equal(&c->device, &g->endpoints[g->fresh[k]].device))
                records[n++] = g->endpoints[g->fresh[k]];
        if (n > 0)
            gx_endpoints_send(e, s, c, records, n);
    }
    g->n_fresh = 0;
    g->fresh_at_ms = 0;
}

void gx_endpoints_timer(struct gx_engine *e, struct gx_group *g)
{
    if (g->fresh_at_ms != 0 && e->now.mono_ms >= g->fresh_at_ms) {
        /* What peers told of and is lacking may be a removal; what they never give is not waited for for ever. */
        if (gx_repair_lacks_control(e, g) && e->now.mono_ms < g->fresh_since_ms + PASS_ON_MS_MAX)
            g->fresh_at_ms = e->now.mono_ms + GX_LATE_MS / 4;
        else
            pass_on(e, g);
    }
    if (g->fresh_at_ms != 0)
        gx_engine_wake(e, g->fresh_at_ms);
}

/* --- keeping ---------------------------------------------------------------------------------------------------------------------------- */

/* The place for a record: its device's, a free one, or that of somebody who is no member (records may come before the ADMIT). */
static struct gx_endpoint *record_slot(struct gx_engine *e, struct gx_group *g, struct gx_txn *txn, const struct gx_endpoint *record)
{
    for (uint32_t i = 0; i < g->n_endpoints; i++)
        if (gx_sign_pk_equal(&g->endpoints[i].device, &record->device))
            return g->endpoints[i].counter < record->counter ? &g->endpoints[i] : NULL;
    if (g->n_endpoints >= ENDPOINTS_MAX) {
        for (uint32_t i = 0; i < g->n_endpoints; i++)
            if (!gx_group_live(g, &g->endpoints[i].device)) {
                gx_compare_record_moved(g, &g->endpoints[i].device);
                return gx_engine_ok(e, gx_endpoint_del(txn, g->row.gnum, &g->endpoints[i].device)) ? &g->endpoints[i] : NULL;
            }
        gx_engine_drop(e, "endpoints_full");
        return NULL;
    }
    if (!gx_engine_grow(e, &g->endpoints, &g->cap_endpoints, g->n_endpoints, sizeof *g->endpoints))
        return NULL;
    g->endpoints[g->n_endpoints] = (struct gx_endpoint){.n_addrs = 0};
    return &g->endpoints[g->n_endpoints++];
}

void gx_endpoints_store(struct gx_engine *e, struct gx_group *g, const struct gx_endpoint *record)
{
    struct gx_txn *txn = gx_engine_txn(e, true);
    struct gx_endpoint *slot = txn == NULL ? NULL : record_slot(e, g, txn, record);

    if (slot == NULL)
        return;
    bool moved = memcmp(&slot->transport, &record->transport, sizeof slot->transport) != 0;

    *slot = *record;
    gx_compare_record_moved(g, &record->device);
    if (!gx_engine_ok(e, gx_endpoint_put(txn, g->row.gnum, record)))
        return;
    if (gx_group_live(g, &record->device))
        gx_targets_update(e, record);
    if (!gx_sign_pk_equal(&record->device, &g->row.intro.device)) {
        for (uint32_t i = 0; i < e->n_sessions; i++)
            if (!e->sessions[i]->closed && memcmp(&e->sessions[i]->peer_key, &record->transport, sizeof record->transport) == 0)
                gx_greet_late(e, e->sessions[i], g);
        if (moved)
            gx_targets_end_spare(e, g, &record->device);
        pass_on_later(e, g, (uint32_t)(slot - g->endpoints));
        return;
    }
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *s = e->sessions[i];
        struct gx_channel *c = s->closed ? NULL : gx_session_channel_of(s, g->row.gnum);

        if (gx_announce_hears(c))
            gx_endpoints_send(e, s, c, record, 1);
    }
}
