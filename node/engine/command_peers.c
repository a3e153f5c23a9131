#include "node/engine/commands.h"

#define NEARBY_MS 660000u           /* who is there says so every 5 minutes, or a quarter later */

static uint32_t manual_find(const struct gx_engine *e, const struct gx_addr *addr)
{
    uint32_t i = 0;

    while (i < e->n_manual && !gx_addr_equal(&e->manual[i], addr))
        i++;
    return i;
}

/* How it was met, where that is known: addresses that members tell each other are none of these. */
static const char *via_text(struct gx_engine *e, const struct gx_session *s)
{
    const struct gx_target *t = gx_targets_find(e, &s->peer_key);

    if (s->kind != GX_SESSION_MEMBER)
        return "invite";
    if (!s->inbound && t != NULL && t->found.family != 0 && gx_addr_equal(&s->addr, &t->found))
        return "lan";
    return !s->inbound && manual_find(e, &s->addr) < e->n_manual ? "manual" : NULL;
}

static const char *state_text(const struct gx_session *s, uint32_t shared)
{
    if (s->state == GX_SESSION_CONNECTING)
        return "connecting";
    return s->kind != GX_SESSION_MEMBER ? "guest" : shared > 0 ? "up" : "hello";
}

/* Whoever was heard on the LAN of late; of whom this node has nothing in common with, nothing else is known. */
static void put_nearby(struct gx_answer_builder *b)
{
    const struct gx_lan *lan = &b->e->lan;

    gx_answers_list(b, "nearby");
    for (uint32_t i = 0; i < lan->n_nearby; i++) {
        const struct gx_lan_nearby *near = &lan->nearby[i];
        struct gx_group *g = near->group == GX_NONE ? NULL : gx_group_by_gnum(b->e, near->group);

        if (b->e->now.mono_ms > near->at_ms + NEARBY_MS)
            continue;
        gx_answers_object(b, NULL);
        gx_answers_addr(b, "addr", &near->addr);
        gx_answers_number(b, "ago_ms", b->e->now.mono_ms - near->at_ms);
        gx_answers_bool(b, "known", near->group != GX_NONE || near->door);
        gx_answers_bool(b, "asks", near->door);
        if (g != NULL) {
            gx_answers_hex(b, "group", g->row.id.b, sizeof g->row.id.b);
            gx_answers_kept(b, "name", gx_group_name(b->e, g));
        }
        gx_answers_end(b);
    }
    gx_answers_end(b);
}

static void put_session(struct gx_answer_builder *b, const struct gx_session *s)
{
    const char *via = via_text(b->e, s);
    uint32_t shared = 0;

    for (uint32_t i = 0; i < s->n_channels; i++)
        shared += gx_channel_shared(&s->channels[i]);
    gx_answers_object(b, NULL);
    gx_answers_hex(b, "peer", s->peer_key.b, sizeof s->peer_key.b);
    if (s->addr.family != 0)
        gx_answers_addr(b, "addr", &s->addr);
    if (via != NULL)
        gx_answers_kept(b, "via", via);
    gx_answers_kept(b, "state", state_text(s, shared));
    if (s->rtt_ms > 0)
        gx_answers_number(b, "rtt_ms", s->rtt_ms);
    gx_answers_number(b, "groups", shared);
    gx_answers_end(b);
}

static bool has_session(const struct gx_engine *e, const struct gx_curve_pk *key)
{
    for (uint32_t i = 0; i < e->n_sessions; i++)
        if (!e->sessions[i]->closed && memcmp(e->sessions[i]->peer_key.b, key->b, sizeof key->b) == 0)
            return true;
    return false;
}

void gx_command_peers(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_list(&b, "peers");
    for (uint32_t i = 0; i < e->n_sessions; i++)
        if (!e->sessions[i]->closed)
            put_session(&b, e->sessions[i]);
    for (uint32_t i = 0; i < e->n_targets; i++) {
        const struct gx_target *t = &e->targets[i];

        if (has_session(e, &t->key) || t->next_ms == UINT64_MAX)      /* nobody's any more */
            continue;
        gx_answers_object(&b, NULL);
        gx_answers_hex(&b, "peer", t->key.b, sizeof t->key.b);
        if (t->n_places > 0)
            gx_answers_addr(&b, "addr", &t->places[0].addr);
        gx_answers_kept(&b, "state", "down");
        gx_answers_end(&b);
    }
    gx_answers_end(&b);
    gx_answers_list(&b, "manual");
    for (uint32_t i = 0; i < e->n_manual; i++)
        gx_answers_addr(&b, NULL, &e->manual[i]);
    gx_answers_end(&b);
    put_nearby(&b);
    gx_answers_send(&b);
}

static bool read_addr(struct gx_answer_builder *b, struct gx_addr *out, const char *text)
{
    if (gx_addr_parse(out, text, false) == GX_OK)
        return true;
    gx_answers_refuse(b, GX_E_USAGE, "write 192.0.2.1:7447 or [2001:db8::1]:7447; names are not looked up", "this is no address and port");
    return false;
}

/* An address says nothing about whose it is: every target that is not connected is tried there.  CURVE keys tell who answers. */
static void try_now(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_targets; i++)
        if (e->targets[i].session == 0)
            e->targets[i].next_ms = e->now.mono_ms;
    gx_engine_wake(e, e->now.mono_ms);
}

void gx_command_peer_add(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    struct gx_addr addr;

    gx_answers_begin(&b, e, client, cmd->request);
    if (!read_addr(&b, &addr, cmd->addr))
        return;
    if (manual_find(e, &addr) == e->n_manual) {
        if (e->n_manual >= GX_ADDRS_MANUAL_MAX) {
            gx_answers_refuse(&b, GX_E_TOO_BIG, "drop one first: guanxi peer drop ADDR:PORT", "%u addresses are known already", e->n_manual);
            return;
        }

        struct gx_txn *txn = gx_engine_txn(e, true);

        if (txn == NULL || !gx_engine_ok(e, gx_manual_put(txn, &addr)))
            return;
        e->manual[e->n_manual++] = addr;
    }
    try_now(e);
    gx_answers_addr(&b, "addr", &addr);
    gx_answers_send(&b);
}

void gx_command_peer_drop(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    struct gx_addr addr;

    gx_answers_begin(&b, e, client, cmd->request);
    if (!read_addr(&b, &addr, cmd->addr))
        return;

    uint32_t at = manual_find(e, &addr);

    if (at == e->n_manual) {
        gx_answers_refuse(&b, GX_E_ABSENT, "see `guanxi peers`", "%s was not added here", cmd->addr);
        return;
    }

    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_ok(e, gx_manual_del(txn, &addr)))
        return;
    e->n_manual--;
    memmove(&e->manual[at], &e->manual[at + 1], (e->n_manual - at) * sizeof addr);
    gx_answers_addr(&b, "addr", &addr);
    gx_answers_send(&b);
}
