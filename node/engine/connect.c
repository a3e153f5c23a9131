/* Whom to connect to: the nodes that signed endpoint records name.  One connection a pair: the lower key keeps the one it opened.  PROTOCOL 7 */
#include "node/engine/people.h"

#define HIGHER_KEY_WAITS_MS 700u    /* so that mostly one side connects at all */
#define ASKED_MAX_MS 15000u         /* the longest pause where somebody waits to be let in */
#define SPARE_MS 600000u           /* of two sessions one is ended once within this: the other side may know no other key for some group, and call again */
#define CALLED_BACK_MAX 8u          /* of those who were in a group with this node, once it was removed */
#define CALLED_BACK_PAUSE_MS 60000u
#define CALLED_BACK_PAUSE_MAX_MS 86400000u
#define FOUND_MS 60000u             /* so long a node is tried that no record names, after it answered on the LAN */
#define FOUND_MAX 8u                /* of these, in one group: who has its gate 0 alone can answer with as many as it likes */
#define FOUND_PAUSE_MS 1000u        /* who answered from two places is tried at the first, and so long nothing that was found is given up for another */
#define PUSHED_MAX_MS 60000u        /* two nodes with one key, which push each other out, do so once in that time */
#define PUSHED_PAST_MS 600000u      /* of who stayed so long it is forgotten */
#define ALIVE_MS 10000u             /* a session heard from within this is not given up for a newer one of the other direction */

struct gx_target *gx_targets_find(struct gx_engine *e, const struct gx_curve_pk *key)
{
    uint32_t at = gx_idmap_get(&e->target_by_key, key->b);

    return at == GX_NONE ? NULL : &e->targets[at];
}

static bool is_me(const struct gx_engine *e, const struct gx_curve_pk *key)
{
    return memcmp(key, &e->config.transport_pk, sizeof *key) == 0 || memcmp(key, &e->config.old_transport_pk, sizeof *key) == 0;
}

static bool i_am_lower(const struct gx_engine *e, const struct gx_curve_pk *key)
{
    return memcmp(&e->config.transport_pk, key, sizeof *key) < 0;
}

static uint64_t jitter(struct gx_engine *e, uint64_t ms)
{
    uint32_t r = 0;

    gx_rng_fill(e->config.rng, &r, sizeof r);
    return ms - ms / 4 + r % (ms / 2 + 1);
}

/* A connection with that node, open or under way; 0: there is none. */
static gx_session_id session_with(const struct gx_engine *e, const struct gx_curve_pk *key)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_session *s = e->sessions[i];

        if (!s->closed && s->kind == GX_SESSION_MEMBER && memcmp(&s->peer_key, key, sizeof *key) == 0)
            return s->id;
    }
    return 0;
}

/* A device's newest record takes the place of the one before; others' stay. */
static void take_places(struct gx_target *t, const struct gx_endpoint *record)
{
    uint8_t n = 0;

    for (uint8_t i = 0; i < t->n_places; i++)
        if (!gx_sign_pk_equal(&t->places[i].device, &record->device))
            t->places[n++] = t->places[i];
    for (uint8_t i = 0; i < record->n_addrs && n < GX_TARGET_PLACES_MAX; i++)
        t->places[n++] = (struct gx_place){.device = record->device, .addr = record->addrs[i]};
    t->n_places = n;
}

/* Is it the key of the node of a member of a group this node takes part in; or, `back`, of one it was removed from, and might hear that this does not count? */
static bool is_called(struct gx_engine *e, const struct gx_curve_pk *key, bool back)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        bool called = back ? g->row.state == GX_GROUP_REMOVED && gx_group_speaks(e, g) : gx_group_active(g) || gx_group_asking(g);
        uint32_t n = 0;

        for (uint32_t k = 0; called && !g->silent && k < g->n_endpoints && n < CALLED_BACK_MAX; k++) {
            const struct gx_endpoint *record = &g->endpoints[k];
            bool it_is = memcmp(&record->transport, key, sizeof *key) == 0;

            if ((!back && !it_is) || !gx_group_live(g, &record->device))
                continue;
            if (it_is && !gx_group_is_outdone(e, g))
                return true;
            n += back;
        }
    }
    return false;
}

static bool is_wanted(struct gx_engine *e, const struct gx_curve_pk *key)
{
    const struct gx_target *t = gx_targets_find(e, key);

    return is_called(e, key, false) || is_called(e, key, true) || (t != NULL && e->now.mono_ms < t->found_until_ms);
}

/* The place of a key that nobody has any more: there are new ones with each removal, and a member can tell of as many as it likes. */
static struct gx_target *free_place(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_targets; i++)
        if (e->targets[i].session == 0 && !is_wanted(e, &e->targets[i].key)) {
            gx_idmap_del(&e->target_by_key, e->targets[i].key.b);
            return &e->targets[i];
        }
    return NULL;
}

/* A new target, at t if that is free; NULL: there is no room (counted), or memory (noted). */
static struct gx_target *target_new(struct gx_engine *e, struct gx_target *t, const struct gx_curve_pk *key)
{
    if (t == NULL && e->n_targets >= GX_SESSIONS_MAX && (t = free_place(e)) == NULL) {
        gx_engine_drop(e, "targets_full");
        return NULL;
    }
    if (t == NULL && !gx_engine_grow(e, &e->targets, &e->cap_targets, e->n_targets, sizeof *e->targets))
        return NULL;
    if (t == NULL)
        t = &e->targets[e->n_targets++];
    if (!gx_engine_ok(e, gx_idmap_put(&e->target_by_key, key->b, (uint32_t)(t - e->targets))))
        return NULL;
    *t = (struct gx_target){.key = *key, .session = session_with(e, key)};      /* it may have come before its record */
    t->next_ms = e->now.mono_ms + (i_am_lower(e, &t->key) ? 0 : HIGHER_KEY_WAITS_MS);
    return t;
}

static struct gx_target *target_of(struct gx_engine *e, const struct gx_curve_pk *key)
{
    struct gx_target *t = gx_targets_find(e, key);

    return t != NULL ? t : target_new(e, NULL, key);
}

void gx_targets_update(struct gx_engine *e, const struct gx_endpoint *record)
{
    struct gx_target *t = is_me(e, &record->transport) ? NULL : target_of(e, &record->transport);

    if (t == NULL)
        return;
    take_places(t, record);
    if (t->next_ms == UINT64_MAX)
        t->next_ms = e->now.mono_ms;
    gx_engine_wake(e, t->next_ms);
}

/* Of a node that no record names: a new place, or that of another such of that group; NULL: none yet (counted). */
static struct gx_target *target_unnamed(struct gx_engine *e, uint32_t group, const struct gx_curve_pk *key)
{
    struct gx_target *oldest = NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_targets; i++) {
        struct gx_target *t = &e->targets[i];

        if (t->n_places > 0 || t->found.family == 0 || t->found_by != group)
            continue;
        n++;
        if (t->session == 0 && e->now.mono_ms >= t->found_ms + FOUND_PAUSE_MS && (oldest == NULL || t->found_ms < oldest->found_ms))
            oldest = t;
    }
    if (n < FOUND_MAX)
        return target_new(e, NULL, key);
    if (oldest == NULL)
        gx_engine_drop(e, "found_many");
    else
        gx_idmap_del(&e->target_by_key, oldest->key.b);
    return oldest == NULL ? NULL : target_new(e, oldest, key);
}

/* Where it was found is tried now.  A connection under way that nobody answered yet may be to an address of before. */
static void try_found(struct gx_engine *e, struct gx_target *t)
{
    struct gx_session *s = t->session == 0 ? NULL : gx_session_find(e, t->session);

    t->found_ms = e->now.mono_ms;
    t->found_waits = false;
    if (s != NULL && s->state == GX_SESSION_CONNECTING && !gx_addr_equal(&s->addr, &t->found))
        gx_session_close(e, s, GX_BYE_DONE);
    if (t->session == 0) {
        t->next_addr = 0;               /* found comes first */
        t->next_ms = e->now.mono_ms;
        t->backoff_ms = 0;
    }
    gx_engine_wake(e, e->now.mono_ms);
}

void gx_targets_found(struct gx_engine *e, uint32_t group, const struct gx_curve_pk *key, const struct gx_addr *at)
{
    struct gx_target *t = gx_targets_find(e, key);

    t = is_me(e, key) ? NULL : t != NULL ? t : target_unnamed(e, group, key);
    if (t == NULL)
        return;
    bool again = t->found.family != 0 && e->now.mono_ms < t->found_ms + FOUND_PAUSE_MS;

    t->found = *at;
    t->found_until_ms = e->now.mono_ms + FOUND_MS;
    t->found_by = group;
    if (!again) {
        try_found(e, t);
        return;
    }
    t->found_waits = true;
    gx_engine_wake(e, t->found_ms + FOUND_PAUSE_MS);
}

void gx_targets_hurry(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_targets; i++)
        if (e->targets[i].session == 0 && e->targets[i].next_ms != UINT64_MAX)
            e->targets[i].next_ms = e->now.mono_ms;
    gx_engine_wake(e, e->now.mono_ms);
}

void gx_targets_reload(struct gx_engine *e)
{
    e->n_targets = 0;
    gx_idmap_free(&e->target_by_key);
    for (uint32_t i = 0; i < e->n_groups; i++)
        for (uint32_t k = 0; k < e->groups[i]->n_endpoints; k++)
            if (gx_group_live(e->groups[i], &e->groups[i]->endpoints[k].device))
                gx_targets_update(e, &e->groups[i]->endpoints[k]);
}

/* Where it was found on the LAN, where records say that it is, and what the person gave. */
static uint32_t n_addrs(const struct gx_engine *e, const struct gx_target *t)
{
    return (t->found.family != 0 ? 1u : 0u) + t->n_places + e->n_manual;
}

static const struct gx_addr *pick_addr(struct gx_engine *e, struct gx_target *t)
{
    uint32_t n = n_addrs(e, t), first = t->found.family != 0 ? 1u : 0u;
    uint32_t at = n == 0 ? 0 : t->next_addr++ % n;

    if (n == 0)
        return NULL;
    if (at < first)
        return &t->found;
    return at - first < t->n_places ? &t->places[at - first].addr : &e->manual[at - first - t->n_places];
}

static void dial(struct gx_engine *e, struct gx_target *t)
{
    const struct gx_addr *addr = pick_addr(e, t);
    struct gx_session *s = NULL;

    if (addr == NULL)
        return;
    s = gx_session_new(e, e->next_session, GX_SESSION_MEMBER, false);
    if (s == NULL)
        return;
    e->next_session += 2;
    s->addr = *addr;
    s->peer_key = t->key;
    s->transcript.client_key = e->config.transport_pk;
    t->session = s->id;

    struct gx_effect *effect = gx_engine_effect(e, GX_OUT_CONNECT);

    effect->session = s->id;
    effect->addr = *addr;
    effect->server_key = t->key;
}

void gx_targets_timer(struct gx_engine *e)
{
    if (!e->listening)
        return;
    for (uint32_t i = 0; i < e->n_targets; i++) {
        struct gx_target *t = &e->targets[i];

        if (t->found_waits && e->now.mono_ms >= t->found_ms + FOUND_PAUSE_MS)
            try_found(e, t);
        else if (t->found_waits)
            gx_engine_wake(e, t->found_ms + FOUND_PAUSE_MS);
        if (t->session != 0)
            continue;
        if (e->now.mono_ms < t->next_ms) {
            if (t->next_ms != UINT64_MAX)
                gx_engine_wake(e, t->next_ms);
            continue;
        }
        if (is_wanted(e, &t->key)) {
            dial(e, t);
        } else {
            t->next_ms = UINT64_MAX;        /* nobody's now; gx_targets_update wakes it when its record counts again */
        }
    }
}

void gx_targets_up(struct gx_engine *e, struct gx_session *s)
{
    struct gx_target *t = gx_targets_find(e, &s->peer_key);

    if (t == NULL)
        return;
    t->session = s->id;
    t->backoff_ms = 0;
}

/* Somebody waits to be let in by whom it is. */
static bool is_asked(const struct gx_engine *e, const struct gx_target *t)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        for (uint32_t k = 0; gx_group_asking(e->groups[i]) && k < e->groups[i]->n_endpoints; k++)
            if (memcmp(&e->groups[i]->endpoints[k].transport, &t->key, sizeof t->key) == 0)
                return true;
    return false;
}

/* So long who was pushed out by another node with its key leaves that one its place; 0: it was not. */
static uint32_t pushed_pause(const struct gx_target *t)
{
    uint32_t ms = GX_BACKOFF_FIRST_MS;

    for (uint32_t i = 0; i < t->n_pushed && ms < PUSHED_MAX_MS; i++)
        ms *= 2;
    return t->n_pushed == 0 ? 0 : ms < PUSHED_MAX_MS ? ms : PUSHED_MAX_MS;
}

/* All addresses are tried in quick succession, then a pause that grows. */
static void back_off(struct gx_engine *e, struct gx_target *t)
{
    uint32_t n = n_addrs(e, t);

    if (n > 0 && t->next_addr % n != 0 && t->n_pushed == 0) {
        t->next_ms = e->now.mono_ms + 100;
    } else {
        bool back = !is_called(e, &t->key, false) && is_called(e, &t->key, true);
        uint32_t most = is_asked(e, t) ? ASKED_MAX_MS : back ? CALLED_BACK_PAUSE_MAX_MS : GX_BACKOFF_MAX_MS;
        uint32_t next = t->backoff_ms == 0 ? GX_BACKOFF_FIRST_MS : t->backoff_ms * 2;

        next = back && next < CALLED_BACK_PAUSE_MS ? CALLED_BACK_PAUSE_MS : next;
        next = next < pushed_pause(t) ? pushed_pause(t) : next;
        t->backoff_ms = next > most ? most : next;
        t->next_ms = e->now.mono_ms + (GX_MUTANT(DIAL_ONCE) ? UINT32_MAX : jitter(e, t->backoff_ms));
    }
    gx_engine_wake(e, t->next_ms);
}

void gx_targets_down(struct gx_engine *e, const struct gx_session *s)
{
    struct gx_target *t = s->kind == GX_SESSION_MEMBER ? gx_targets_find(e, &s->peer_key) : NULL;

    if (t == NULL || t->session != s->id)
        return;
    if (e->now.mono_ms >= s->since_ms + PUSHED_PAST_MS)
        t->n_pushed = 0;
    t->session = session_with(e, &t->key);
    if (t->session != 0)
        return;
    t->n_pushed += s->pushed_out;
    back_off(e, t);
}

static const struct gx_curve_pk *own_key(const struct gx_session *s)
{
    return s->inbound ? &s->transcript.server_key : &s->transcript.client_key;
}

/* Of the same two keys?  Who knows this node's key of before and its present one takes them for two nodes, and would begin anew whichever is ended. */
static bool is_double(const struct gx_session *a, const struct gx_session *b)
{
    return memcmp(&a->peer_key, &b->peer_key, sizeof a->peer_key) == 0 && memcmp(own_key(a), own_key(b), sizeof a->peer_key) == 0;
}

bool gx_targets_settle(struct gx_engine *e, struct gx_session *s)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        struct gx_session *old = e->sessions[i];

        if (old == s || old->closed || old->kind != GX_SESSION_MEMBER || !is_double(old, s))
            continue;
        if (old->inbound == s->inbound) {
            gx_session_close(e, old, GX_BYE_DUPLICATE);         /* the other side began anew: the old one is dead */
            continue;
        }

        bool keep_outbound = memcmp(own_key(s), &s->peer_key, sizeof s->peer_key) < 0;
        bool old_stays = (keep_outbound != old->inbound) && old->state == GX_SESSION_OPEN && e->now.mono_ms < old->heard_ms + ALIVE_MS;

        if (old_stays) {
            gx_session_close(e, s, GX_BYE_DUPLICATE);
            return true;
        }
        if (keep_outbound == s->inbound && old->state != GX_SESSION_OPEN)
            continue;           /* mine is still under way: it will decide when it is open */
        gx_session_close(e, old, GX_BYE_DUPLICATE);
    }

    struct gx_target *t = gx_targets_find(e, &s->peer_key);

    if (t != NULL)
        t->session = s->id;
    return false;
}

/* Made with this node's key of before, when all that is shared there is shared with the same devices on sessions made with its present one?  Each side ends
 * what was made with its own old key: of two lives of a cloned home, which are one device with two keys, nobody is to lose one. */
static bool is_spare(struct gx_engine *e, const struct gx_session *s)
{
    bool any = false;

    if (s->closed || s->kind != GX_SESSION_MEMBER || memcmp(own_key(s), &e->config.old_transport_pk, sizeof s->peer_key) != 0)
        return false;
    for (uint32_t i = 0; i < s->n_channels; i++) {
        const struct gx_channel *c = &s->channels[i];
        bool found = !gx_channel_shared(c);

        any = any || !found;
        for (uint32_t k = 0; k < e->n_sessions && !found; k++) {
            struct gx_session *other = e->sessions[k];
            const struct gx_channel *o = other->closed ? NULL : gx_session_channel_of(other, c->group);

            found = o != NULL && gx_channel_shared(o) && gx_sign_pk_equal(&o->device, &c->device) &&
                    memcmp(own_key(other), &e->config.transport_pk, sizeof s->peer_key) == 0 &&
                    (memcmp(&other->peer_key, &s->peer_key, sizeof s->peer_key) == 0 || !is_wanted(e, &s->peer_key));
        }
        if (!found)
            return false;
    }
    return any;
}

void gx_targets_end_spare(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device)
{
    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_channel *c = e->sessions[i]->closed ? NULL : gx_session_channel_of(e->sessions[i], g->row.gnum);

        struct gx_target *t = c == NULL || !gx_channel_shared(c) ? NULL : gx_targets_find(e, &e->sessions[i]->peer_key);

        if (t == NULL || (t->spare_ms != 0 && e->now.mono_ms < t->spare_ms + SPARE_MS) || !gx_sign_pk_equal(&c->device, device) || !is_spare(e, e->sessions[i]))
            continue;
        t->spare_ms = e->now.mono_ms;
        gx_session_close(e, e->sessions[i], GX_BYE_DUPLICATE);
    }
}
