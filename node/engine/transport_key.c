/* Another transport key once somebody is out, removed or gone: they know the one of before.  KEYS §11 */
#include "node/engine/sealing.h"

#define LOOK_MS 60000u          /* a removal is mostly not alone, and not everybody who heard of it changes at once: some time within this */
#define AGAIN_MS 3600000u       /* the one of before is still answered to, or a disk is full */

/* Each removal that counts, whether or not that member came in again, and who came in in vain: all of them had the records. */
static uint32_t count_out(struct gx_engine *e, struct gx_group *g)
{
    uint32_t n = 0;

    gx_group_settle(e, g);
    for (uint32_t p = 0; p < g->law.n_persons; p++) {
        uint32_t r = g->law.now.standings[p].removals;

        n += r == GX_LAW_NONE && !gx_law_is_member(&g->law, p) && g->law.persons[p].last_admit != GX_LAW_NONE;
        for (; r != GX_LAW_NONE; r = g->law.now.results[r].next)
            n++;
    }
    return n;
}

static bool is_counted(const struct gx_group *g)
{
    return gx_group_is_member(g) && gx_endpoints_of(g, &g->row.intro.device) != NULL;
}

bool gx_transport_key_due(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (is_counted(e->groups[i]) && count_out(e, e->groups[i]) > e->groups[i]->row.key_out)
            return true;
    return false;
}

void gx_transport_key_told(struct gx_engine *e, struct gx_group *g)
{
    g->row.key_out = count_out(e, g);
    g->dirty = true;
}

void gx_transport_key_wanted(struct gx_engine *e)
{
    uint32_t r = 0;

    if (e->config.offline || e->key_look_ms != 0)
        return;
    gx_rng_fill(e->config.rng, &r, sizeof r);
    e->key_look_ms = e->now.mono_ms + 1000 + r % LOOK_MS;
    gx_engine_wake(e, e->key_look_ms);
}

/* What a step wrote that was undone is written anew; and a removal that turned out void is to count when somebody is removed once more. */
static void make_good(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        struct gx_group *g = e->groups[i];

        gx_group_settle(e, g);
        gx_author_endpoint(e, g);
        if (is_counted(g) && count_out(e, g) < g->row.key_out)
            gx_transport_key_told(e, g);
    }
}

void gx_transport_key_timer(struct gx_engine *e)
{
    if (e->key_look_ms == 0)
        return;
    if (e->now.mono_ms >= e->key_look_ms) {
        e->key_look_ms = 0;
        make_good(e);
        if (e->fault != GX_OK || GX_MUTANT(TRANSPORT_KEPT) || !gx_transport_key_due(e))
            return;
        (void)gx_engine_effect(e, GX_OUT_TRANSPORT_KEY);
        e->key_look_ms = e->now.mono_ms + AGAIN_MS;
    }
    gx_engine_wake(e, e->key_look_ms);
}

void gx_transport_key_take(struct gx_engine *e, const struct gx_input *in)
{
    if (memcmp(&e->config.transport_pk, &in->peer_key, sizeof in->peer_key) != 0)
        e->config.old_transport_pk = e->config.transport_pk;
    e->config.transport_pk = in->peer_key;
    gx_engine_take_addrs(e, in);        /* key and place in one record: of two the second might not come */
    e->key_look_ms = e->now.mono_ms;
    gx_engine_wake(e, e->key_look_ms);
}
