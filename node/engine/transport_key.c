/* Another transport key once somebody is out, removed or gone: they know the one of before.  KEYS §11 */
#include "node/engine/sealing.h"

#define LOOK_MS 60000u          /* a removal is mostly not alone, and not everybody who heard of it changes at once: some time within this */
#define AGAIN_MS 3600000u       /* the one of before is still answered to, or a disk is full */

static uint32_t count_out(struct gx_engine *e, struct gx_group *g)
{
    uint32_t n = 0;

    gx_group_settle(e, g);
    for (uint32_t p = 0; p < g->law.n_persons; p++)
        n += !gx_law_is_member(&g->law, p) && g->law.now.standings[p].removals != GX_LAW_NONE;
    return n;
}

bool gx_transport_key_due(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        if (gx_group_is_member(g) && g->row.key_out != GX_NONE && count_out(e, g) > g->row.key_out)
            return true;
    }
    return false;
}

/* Who was out before this node was in never had its key; who comes in again is not out any more. */
static void count_all(struct gx_engine *e, bool anew)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        uint32_t n = gx_group_is_member(g) ? count_out(e, g) : g->row.key_out;

        if (n == g->row.key_out || (!anew && g->row.key_out != GX_NONE && n > g->row.key_out))
            continue;
        g->row.key_out = n;
        g->dirty = true;
    }
}

void gx_transport_key_wanted(struct gx_engine *e)
{
    uint32_t r = 0;

    if (e->config.offline)
        return;
    count_all(e, false);
    if (e->key_look_ms != 0)
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

void gx_transport_key_take(struct gx_engine *e, const struct gx_input *in)
{
    e->config.old_transport_pk = e->config.transport_pk;
    e->config.transport_pk = in->peer_key;
    gx_engine_take_addrs(e, in);        /* key and place in one record: of two the second might not come */
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        gx_group_settle(e, e->groups[i]);
        gx_author_endpoint(e, e->groups[i]);
    }
    count_all(e, true);
}
