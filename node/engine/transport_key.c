/* Another transport key once somebody is out, removed or gone: they know the one of before.  KEYS §11 */
#include "node/engine/sealing.h"

#define LOOK_MS 60000u          /* a removal is mostly not alone, and not everybody who heard of it changes at once: some time within this */
#define AGAIN_MS 3600000u       /* the one of before is still answered to, or a disk is full */

bool gx_group_is_out(const struct gx_group *g, const struct gx_sign_pk *device)
{
    uint32_t person = gx_group_person_of_device(g, device);

    return person != GX_NONE && !gx_law_is_member(&g->law, person) && g->law.now.standings[person].removals != GX_LAW_NONE;
}

/* A record of somebody who is out is here: it goes when the key does, so that it tells whether that is still to be done. */
bool gx_transport_key_due(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        gx_group_settle(e, g);
        for (uint32_t k = 0; gx_group_is_member(g) && k < g->n_endpoints; k++)
            if (gx_group_is_out(g, &g->endpoints[k].device))
                return true;
    }
    return false;
}

void gx_transport_key_wanted(struct gx_engine *e)
{
    uint32_t r = 0;

    if (e->key_look_ms != 0 || e->config.offline)
        return;
    gx_rng_fill(e->config.rng, &r, sizeof r);
    e->key_look_ms = e->now.mono_ms + 1000 + r % LOOK_MS;
    gx_engine_wake(e, e->key_look_ms);
}

void gx_transport_key_timer(struct gx_engine *e)
{
    if (e->key_look_ms == 0)
        return;
    if (e->now.mono_ms >= e->key_look_ms) {
        e->key_look_ms = 0;
        if (GX_MUTANT(TRANSPORT_KEPT) || !gx_transport_key_due(e))
            return;
        (void)gx_engine_effect(e, GX_OUT_TRANSPORT_KEY);
        e->key_look_ms = e->now.mono_ms + AGAIN_MS;
    }
    gx_engine_wake(e, e->key_look_ms);
}

static void forget_those_out(struct gx_engine *e, struct gx_group *g)
{
    struct gx_txn *txn = gx_engine_txn(e, true);
    uint32_t n = 0;

    for (uint32_t k = 0; txn != NULL && k < g->n_endpoints; k++)
        if (!gx_group_is_out(g, &g->endpoints[k].device))
            g->endpoints[n++] = g->endpoints[k];
        else if (!gx_engine_ok(e, gx_endpoint_del(txn, g->row.gnum, &g->endpoints[k].device)))
            return;
    if (txn != NULL)
        g->n_endpoints = n;
}

void gx_transport_key_take(struct gx_engine *e, const struct gx_input *in)
{
    e->config.old_transport_pk = e->config.transport_pk;
    e->config.transport_pk = in->peer_key;
    gx_engine_take_addrs(e, in);        /* key and place in one record: of two the second might not come */
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        gx_group_settle(e, e->groups[i]);
        forget_those_out(e, e->groups[i]);
        gx_author_endpoint(e, e->groups[i]);
    }
}
