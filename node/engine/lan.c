/* Finding others on a LAN: beacons to all, answers to one.  WIRE §9, KEYS §12.
 *
 * Nothing that is heard counts for anything but a place to try: who is there shows in the session. */
#include "node/engine/lan.h"

#include "node/engine/commands.h"
#include "node/engine/people.h"
#include "node/engine/sealing.h"
#include <stdlib.h>

#define BURST_JITTER_MS 200u            /* nodes that a power cut ended start together */
#define LONELY_MS 30000u
#define SETTLED_MS 300000u
#define GATES 8u                        /* of a group by which tags are recognised */
#define ANSWERERS 4u                    /* of those who are connected, so many answer a beacon */
#define KEYS_MS 1000u                   /* the keys by which others are recognised are gathered anew after that */
#define HASHES_PER_S 200000u            /* a tenth of a core */
#define HASHES_MAX 1000000
#define ANSWERS_MS 10000u               /* so long a beacon is answered: who says an answer again later is no help */
#define AROUND 3u                       /* slots: this one, the one before, the one behind */

static const uint32_t burst_ms[] = {1000, 2000, 4000};      /* between the first four beacons */

/* --- what is looked for ------------------------------------------------------------------------------------------------------------------ */

/* Is it shown on a network?  contacts: on one where they alone are. */
static bool is_for_lan(const struct gx_group *g, bool contacts)
{
    return gx_group_active(g) && g->me != GX_NONE && (!contacts || gx_group_is_direct(g) || GX_MUTANT(MODE_IGNORED));
}

static bool is_contacts_only(const struct gx_lan *lan, uint32_t source)
{
    return (lan->contacts_only >> source & 1u) != 0;
}

/* Is there a network of that mode? */
static bool has_network(const struct gx_lan *lan, bool contacts)
{
    for (uint32_t i = 0; i < lan->n_sources; i++)
        if (is_contacts_only(lan, i) == contacts)
            return true;
    return false;
}

static uint32_t connected(const struct gx_engine *e, const struct gx_group *g)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_sessions; i++) {
        const struct gx_channel *c = e->sessions[i]->closed ? NULL : gx_session_channel_of(e->sessions[i], g->row.gnum);

        n += c != NULL && gx_channel_shared(c);
    }
    return n;
}

static bool is_lonely(const struct gx_engine *e, const struct gx_group *g, bool contacts)
{
    return is_for_lan(g, contacts) && g->law.now.n_members > 1 && connected(e, g) == 0;
}

static bool looks_for_door(const struct gx_group *g)
{
    return gx_group_joining(g) && g->has_join && !g->has_asked;
}

/* For whom a beacon's capsule is, and who it says is there. */
struct capsule {
    struct gx_lan_wish wish;
    uint8_t id[32];             /* of the group, or of an invitation or a card its group16 */
    struct gx_sign_pk pk;       /* of the device, or of the code */
    struct gx_sign_sk sk;
};

/* Of an invitation or a card: who has its code shows it. */
static void for_code(struct capsule *out, const struct gx_token_seed *seed, const uint8_t group16[16])
{
    struct gx_token_keys keys;

    gx_token_keys_make(&keys, seed, group16);
    gx_lan_key_of_invite(&out->wish.key, &keys.lan);
    gx_lan_code_id(out->id, group16);
    out->wish.door = true;
    out->pk = keys.pk;
    out->sk = keys.sk;
    gx_wipe(&keys, sizeof keys);
}

static struct gx_lan_wish *wish(struct gx_lan_wish *list, uint32_t *n, uint32_t gnum)
{
    if (*n == GX_BEACON_TAGS)
        return NULL;
    list[*n] = (struct gx_lan_wish){.group = gnum};
    return &list[(*n)++];
}

/* Groups, in turn. */
static uint32_t wishes(struct gx_engine *e, struct gx_lan_wish list[GX_BEACON_TAGS], bool contacts)
{
    struct gx_lan_wish *w = NULL;
    const struct gx_gate_key *gate = NULL;
    uint32_t n = 0, turn = e->lan.turn[contacts];

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[(turn + i) % e->n_groups];

        if (n == GX_BEACON_TAGS)
            break;
        e->lan.turn[contacts] = (turn + i + 1) % e->n_groups;
        if (!is_for_lan(g, contacts) || g->law.now.n_members < 2 || gx_gates_list(e, g, &gate, 1) == 0)
            continue;
        w = wish(list, &n, g->row.gnum);
        gx_lan_key_of_gate(&w->key, gate);
    }
    return n;
}

/* A group whose others may not have the gate that this node has, or not any more: one a time. */
static bool for_missed(struct gx_engine *e, struct capsule *out, bool contacts)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[(e->lan.capsule_turn[contacts] + i) % e->n_groups];

        if (!is_lonely(e, g, contacts))
            continue;
        e->lan.capsule_turn[contacts] = (e->lan.capsule_turn[contacts] + i + 1) % e->n_groups;
        out->wish = (struct gx_lan_wish){.group = g->row.gnum};
        gx_lan_key_of_gate(&out->wish.key, &g->gate_zero);      /* of all gates the one that each has */
        memcpy(out->id, g->row.id.b, sizeof out->id);
        gx_author_device_key(e, g, &out->pk, &out->sk);
        return true;
    }
    return false;
}

/* A door in front of which somebody waits: one a time. */
static bool for_door(struct gx_engine *e, struct capsule *out, bool contacts)
{
    uint32_t all = e->n_groups + e->people.n;

    for (uint32_t i = 0; i < all; i++) {
        uint32_t at = (e->lan.door_turn[contacts] + i) % all;
        struct gx_group *g = at < e->n_groups ? e->groups[at] : NULL;
        struct gx_contact *c = g == NULL ? &e->people.contacts[at - e->n_groups] : NULL;

        if (g != NULL ? !looks_for_door(g) : !gx_card_goes_to(e, c))
            continue;
        e->lan.door_turn[contacts] = (at + 1) % all;
        out->wish = (struct gx_lan_wish){.group = g != NULL ? g->row.gnum : GX_NONE};
        if (g != NULL) {
            for_code(out, &g->join.token.seed, g->join.token.group16);
        } else {
            out->wish.person = c->row.card.id;
            for_code(out, &c->row.seed, c->row.card.id.b);
        }
        return true;
    }
    return false;
}

/* Doors and groups by turns, where there are both. */
static bool next_capsule(struct gx_engine *e, struct capsule *out, bool contacts)
{
    bool door = e->lan.n_capsules[contacts]++ % 2 == 0;

    return door ? for_door(e, out, contacts) || for_missed(e, out, contacts) : for_missed(e, out, contacts) || for_door(e, out, contacts);
}

static void forget_asked(struct gx_lan *lan)
{
    gx_wipe(lan->asked, sizeof lan->asked);
    lan->n_asked = 0;
}

/* What is sent from one address: of the last two beacons the answers can be read. */
static void send_from(struct gx_engine *e, const struct gx_addr *from, const struct gx_lan_wish *list, uint32_t n, const struct capsule *capsule)
{
    struct gx_lan *lan = &e->lan;
    struct gx_lan_asked *asked = &lan->asked[lan->n_asked++ % GX_LAN_ASKED_MAX];
    struct gx_beacon beacon;
    struct gx_wr w = gx_engine_wr(e, GX_BEACON_BYTES);

    gx_rng_fill(e->config.rng, &beacon, sizeof beacon);
    gx_rng_fill(e->config.rng, asked->r.b, sizeof asked->r.b);
    gx_dh_public(&beacon.r, &asked->r);
    gx_lan_said(&asked->said, &beacon.r, from, gx_lan_slot(e->now.wall_ms));
    memcpy(asked->wishes, list, n * sizeof list[0]);
    asked->n = n;
    asked->until_ms = e->now.mono_ms + ANSWERS_MS;
    asked->n_taken = 0;
    for (uint32_t i = 0; i < n; i++)
        gx_lan_tag(&beacon.tags[i], &list[i].key, &asked->said);
    if (capsule != NULL && (capsule->wish.door || !GX_MUTANT(CAPSULE_NONE))) {
        asked->wishes[asked->n++] = capsule->wish;
        gx_lan_capsule_seal(&beacon.capsule, &capsule->wish.key, &asked->said, capsule->id, &capsule->pk, &capsule->sk);
    }
    gx_beacon_encode(&w, &beacon);

    struct gx_effect *effect = gx_engine_effect(e, GX_OUT_BEACON);

    effect->addr = *from;
    effect->bytes = gx_wr_span(&w);
}

/* On the networks of that mode. */
static void send_beacons(struct gx_engine *e, bool contacts)
{
    struct gx_lan_wish list[GX_BEACON_TAGS];
    uint32_t n = wishes(e, list, contacts);
    struct capsule capsule;
    bool any = next_capsule(e, &capsule, contacts);

    for (uint32_t i = 0; i < e->lan.n_sources && (n > 0 || any); i++)
        if (is_contacts_only(&e->lan, i) == contacts)
            send_from(e, &e->lan.sources[i], list, n, any ? &capsule : NULL);
    gx_wipe(&capsule, sizeof capsule);
    gx_wipe(list, sizeof list);
}

static bool is_in_need(struct gx_engine *e)
{
    bool contacts = !has_network(&e->lan, false);

    for (uint32_t i = 0; i < e->n_groups; i++)
        if (looks_for_door(e->groups[i]) || is_lonely(e, e->groups[i], contacts))
            return true;
    for (uint32_t i = 0; i < e->people.n; i++)
        if (gx_card_goes_to(e, &e->people.contacts[i]))
            return true;
    return false;
}

static uint64_t about(struct gx_engine *e, uint32_t ms)
{
    uint32_t r = 0;

    gx_rng_fill(e->config.rng, &r, sizeof r);
    return ms - ms / 4 + r % (ms / 2 + 1);
}

bool gx_lan_is_on(const struct gx_engine *e)
{
    return e->lan.n_sources > 0;
}

void gx_lan_hurry(struct gx_engine *e)
{
    if (!gx_lan_is_on(e))
        return;
    e->lan.burst = 0;
    e->lan.next_ms = e->now.mono_ms;
    gx_engine_wake(e, e->lan.next_ms);
}

void gx_lan_timer(struct gx_engine *e)
{
    if (!gx_lan_is_on(e) || !e->listening)
        return;
    if (e->now.mono_ms >= e->lan.next_ms) {
        for (unsigned contacts = 0; contacts < 2; contacts++)
            if (has_network(&e->lan, contacts != 0))
                send_beacons(e, contacts != 0);
        if (e->lan.burst < GX_ARRAY_LEN(burst_ms))
            e->lan.next_ms = e->now.mono_ms + burst_ms[e->lan.burst++];
        else
            e->lan.next_ms = e->now.mono_ms + about(e, is_in_need(e) ? LONELY_MS : SETTLED_MS);
    }
    gx_engine_wake(e, e->lan.next_ms);
}

void gx_lan_take_sources(struct gx_engine *e, const struct gx_input *in)
{
    struct gx_lan *lan = &e->lan;
    uint32_t r = 0;

    GX_ASSERT(in->n_addrs <= GX_LAN_SOURCES_MAX);
    memcpy(lan->sources, in->addrs, in->n_addrs * sizeof in->addrs[0]);
    lan->n_sources = (uint32_t)in->n_addrs;
    lan->contacts_only = in->contacts_only;
    forget_asked(lan);
    gx_lan_hurry(e);
    gx_rng_fill(e->config.rng, &r, sizeof r);
    lan->next_ms += r % BURST_JITTER_MS;
    /* Who moved into another network finds the others there, and they may be where they were before. */
    gx_targets_hurry(e);
}

/* --- what is recognised ------------------------------------------------------------------------------------------------------------------ */

static struct gx_lan_known *know(struct gx_engine *e)
{
    struct gx_lan *lan = &e->lan;

    if (!gx_engine_grow(e, &lan->known, &lan->cap_known, lan->n_known, sizeof *lan->known))
        return NULL;
    lan->known[lan->n_known] = (struct gx_lan_known){.group = GX_NONE};
    return &lan->known[lan->n_known++];
}

static void know_group(struct gx_engine *e, struct gx_group *g)
{
    const struct gx_gate_key *gates[GATES];
    uint32_t n = gx_gates_list(e, g, gates, GATES);
    struct gx_lan_known *k = NULL;

    for (uint32_t i = 0; i < n && (k = know(e)) != NULL; i++) {
        k->group = g->row.gnum;
        gx_lan_key_of_gate(&k->key, gates[i]);
    }
    if ((k = know(e)) != NULL) {
        k->group = g->row.gnum;
        k->capsule = true;
        memcpy(k->id, g->row.id.b, sizeof k->id);
        gx_lan_key_of_gate(&k->key, &g->gate_zero);
    }
}

/* Every live invitation: a door for it is made when somebody asks. */
static void know_doors(struct gx_engine *e, struct gx_group *g)
{
    struct gx_lan_known *k = NULL;

    for (uint32_t i = 0; i < g->n_tokens && gx_group_is_member(g); i++) {
        struct gx_token_info *info = &g->tokens[i];

        if (!gx_token_known(g, info) || gx_token_expired(info->expires_min, e->now) || !gx_token_open(e, g, info) ||
            gx_token_deny(g, info, GX_LAW_NONE) != GX_DENY_NONE || (k = know(e)) == NULL)
            continue;
        k->group = g->row.gnum;
        k->capsule = k->door = true;
        k->token = g->law.nodes[info->op].op.id;
        k->code = info->pk;
        gx_lan_code_id(k->id, g->row.id.b);
        gx_lan_key_of_invite(&k->key, &info->lan);
    }
}

void gx_lan_forget(struct gx_engine *e)
{
    gx_wipe(e->lan.known, e->lan.n_known * sizeof e->lan.known[0]);
    e->lan.n_known = 0;
}

static void gather(struct gx_engine *e)
{
    struct gx_lan *lan = &e->lan;
    struct gx_lan_known *k = NULL;
    struct gx_token_seed seed;
    struct gx_token_keys keys;

    if (lan->n_known > 0 && e->now.mono_ms < lan->known_ms + KEYS_MS)
        return;
    gx_lan_forget(e);
    lan->known_ms = e->now.mono_ms;
    gx_groups_settle(e);
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++) {
        if (is_for_lan(e->groups[i], false))
            know_group(e, e->groups[i]);
        know_doors(e, e->groups[i]);
    }
    if (e->people.door.open && (k = know(e)) != NULL) {
        gx_card_seed(&seed, &e->config.card_sk, e->config.person.card_serial);
        gx_token_keys_make(&keys, &seed, e->config.person.id.b);
        k->capsule = k->door = true;
        k->code = keys.pk;
        gx_lan_code_id(k->id, e->config.person.id.b);
        gx_lan_key_of_invite(&k->key, &keys.lan);
        gx_wipe(&keys, sizeof keys);
        gx_wipe(&seed, sizeof seed);
    }
}

static bool has_tag(const struct gx_beacon *beacon, const struct gx_lan_tag *tag)
{
    for (size_t i = 0; i < GX_BEACON_TAGS; i++)
        if (memcmp(beacon->tags[i].b, tag->b, sizeof tag->b) == 0)
            return true;
    return false;
}

static bool is_recognised(struct gx_engine *e, const struct gx_beacon *beacon, const struct gx_lan_known *k, const struct gx_lan_said *said, bool contacts)
{
    struct gx_group *g = k->group == GX_NONE ? NULL : gx_group_by_gnum(e, k->group);
    struct gx_lan_tag tag;
    struct gx_sign_pk who;

    if (!k->door && (g == NULL || !is_for_lan(g, contacts)))
        return false;
    if (!k->capsule) {
        gx_lan_tag(&tag, &k->key, said);
        return has_tag(beacon, &tag);
    }
    if (!gx_lan_capsule_open(&who, &beacon->capsule, &k->key, said, k->id))
        return false;
    /* Every member has the key of a door, and keeps it when it is out; the code has who was given it. */
    return k->door ? gx_sign_pk_equal(&who, &k->code) : gx_group_live(g, &who) || GX_MUTANT(CAPSULE_TRUSTED);
}

/* Heard from there again?  Somebody may send on what it heard, to see who answers. */
static bool is_again(struct gx_lan *lan, const struct gx_dh_pk *r)
{
    for (uint32_t i = 0; i < GX_LAN_HEARD_MAX && i < lan->n_heard; i++)
        if (memcmp(lan->heard[i], r->b, sizeof lan->heard[i]) == 0)
            return true;
    memcpy(lan->heard[lan->n_heard++ % GX_LAN_HEARD_MAX], r->b, sizeof lan->heard[0]);
    return false;
}

static uint16_t door_port(struct gx_engine *e, const struct gx_lan_known *k)
{
    struct gx_group *g = k->group == GX_NONE ? NULL : gx_group_by_gnum(e, k->group);
    const struct gx_door *door = g == NULL ? &e->people.door : gx_doors_by_token(e, &k->token);
    uint32_t op = g == NULL ? GX_NONE : gx_group_op(g, &k->token);
    struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);

    if (door != NULL && door->open && door->n_addrs > 0)
        return door->addrs[0].port;
    if (info != NULL) {
        info->asked_ms = e->now.mono_ms;
        e->doors_dirty = true;              /* open by the time that it is asked for again */
    }
    return 0;
}

static void answer(struct gx_engine *e, const struct gx_addr *to, const struct gx_lan_known *k, const struct gx_lan_said *said)
{
    struct gx_lan_place place = {.kind = k->door ? GX_LAN_DOOR : GX_LAN_NODE, .transport = {{0}}};
    struct gx_group *g = k->group == GX_NONE ? NULL : gx_group_by_gnum(e, k->group);
    uint32_t n = g == NULL ? 0 : connected(e, g), r = 0;
    struct gx_lan_answer said_back;
    uint8_t bytes[GX_LAN_PLACE_BYTES];
    struct gx_wr w = gx_engine_wr(e, GX_LAN_ANSWER_BYTES);

    gx_rng_fill(e->config.rng, &r, sizeof r);
    if (r % (n + 1) >= ANSWERERS || (k->group != GX_NONE && g == NULL))
        return;
    place.port = k->door ? door_port(e, k) : e->n_addrs > 0 ? e->addrs[0].port : 0;
    if (place.port == 0)
        return;
    if (!k->door)
        place.transport = e->config.transport_pk;
    gx_lan_place_encode(bytes, &place);
    memcpy(said_back.echo, said->b, sizeof said_back.echo);
    if (!gx_lan_answer_seal(&said_back.sealed, e->config.rng, &k->key, said, bytes))
        return;
    gx_lan_answer_encode(&w, &said_back);

    struct gx_effect *effect = gx_engine_effect(e, GX_OUT_DATAGRAM);

    effect->addr = *to;
    effect->bytes = gx_wr_span(&w);
}

/* Who was heard of last, of each address. */
static void note(struct gx_engine *e, const struct gx_addr *addr, const struct gx_lan_known *k)
{
    struct gx_lan *lan = &e->lan;
    uint32_t at = 0, oldest = 0;

    for (; at < lan->n_nearby && !gx_addr_equal(&lan->nearby[at].addr, addr); at++)
        if (lan->nearby[at].at_ms < lan->nearby[oldest].at_ms)
            oldest = at;
    if (at == GX_LAN_NEARBY_MAX)
        at = oldest;
    else if (at == lan->n_nearby)
        lan->n_nearby++;
    lan->nearby[at] = (struct gx_lan_nearby){.addr = *addr, .group = k == NULL ? GX_NONE : k->group, .door = k != NULL && k->door, .at_ms = e->now.mono_ms};
}

static void take_beacon(struct gx_engine *e, const struct gx_addr *from, const struct gx_beacon *beacon, bool contacts)
{
    static const int32_t around[AROUND] = {0, -1, 1};
    struct gx_lan *lan = &e->lan;
    const struct gx_lan_known *found = NULL;
    struct gx_lan_said said;

    gather(e);
    if (!gx_budget_is_left(&lan->hashes, e->now.mono_ms, HASHES_PER_S, HASHES_MAX)) {
        gx_engine_drop(e, "lan_flood");
        return;
    }
    for (uint32_t s = 0; s < AROUND && found == NULL; s++) {
        gx_lan_said(&said, &beacon->r, from, gx_lan_slot(e->now.wall_ms) + (uint32_t)around[s]);
        lan->hashes.left -= lan->n_known;
        for (uint32_t i = 0; i < lan->n_known && found == NULL; i++)
            if (is_recognised(e, beacon, &lan->known[i], &said, contacts))
                found = &lan->known[i];
    }
    note(e, from, found);
    if (found == NULL)
        return;
    if (is_again(lan, &beacon->r)) {
        gx_engine_drop(e, "lan_again");
        return;
    }
    answer(e, from, found, &said);
}

/* --- what is answered -------------------------------------------------------------------------------------------------------------------- */

static void found_door(struct gx_engine *e, const struct gx_lan_wish *w, const struct gx_addr *at)
{
    struct gx_group *g = w->group == GX_NONE ? NULL : gx_group_by_gnum(e, w->group);
    struct gx_contact *c = g == NULL ? gx_contact_by_id(e, &w->person) : NULL;

    if (g != NULL && looks_for_door(g))
        gx_guest_found(e, g, at);
    else if (c != NULL && gx_card_goes_to(e, c))
        gx_card_found_at(e, c, at);
}

/* The beacon that it answers; NULL: none, or long ago. */
static struct gx_lan_asked *asked_by(struct gx_engine *e, const struct gx_lan_answer *answer)
{
    struct gx_lan *lan = &e->lan;

    for (uint32_t i = 0; i < lan->n_asked && i < GX_LAN_ASKED_MAX; i++)
        if (memcmp(lan->asked[i].said.b, answer->echo, sizeof answer->echo) == 0 && e->now.mono_ms < lan->asked[i].until_ms)
            return &lan->asked[i];
    return NULL;
}

/* Whoever hears an answer can say it again, with an address that is not its own. */
static bool was_taken(const struct gx_lan_asked *asked, const struct gx_lan_answer *answer)
{
    for (uint32_t i = 0; i < asked->n_taken && i < GX_LAN_TAKEN_MAX; i++)
        if (memcmp(asked->taken[i], answer->sealed.y.b, sizeof asked->taken[i]) == 0)
            return true;
    return false;
}

/* What it asks for is there; NULL: none of all. */
static const struct gx_lan_wish *open_answer(struct gx_lan_place *place, const struct gx_lan_asked *asked, const struct gx_lan_answer *answer)
{
    uint8_t bytes[GX_LAN_PLACE_BYTES];

    for (uint32_t k = 0; k < asked->n; k++) {
        const struct gx_lan_wish *w = &asked->wishes[k];

        if (gx_lan_answer_open(bytes, &answer->sealed, &w->key, &asked->said, &asked->r))
            return gx_lan_place_decode(place, bytes) == GX_OK && (place->kind == GX_LAN_DOOR) == w->door ? w : NULL;
    }
    return NULL;
}

static void take_answer(struct gx_engine *e, const struct gx_addr *from, const struct gx_lan_answer *answer)
{
    struct gx_lan_asked *asked = asked_by(e, answer);
    const struct gx_lan_wish *w = NULL;
    struct gx_lan_place place;
    struct gx_addr at = *from;

    if (asked != NULL && was_taken(asked, answer)) {
        gx_engine_drop(e, "lan_again");
        return;
    }
    w = asked == NULL ? NULL : open_answer(&place, asked, answer);
    if (w == NULL) {
        gx_engine_drop(e, "lan_answer");
        return;
    }
    memcpy(asked->taken[asked->n_taken++ % GX_LAN_TAKEN_MAX], answer->sealed.y.b, sizeof asked->taken[0]);
    at.port = place.port;
    if (w->door)
        found_door(e, w, &at);
    else if (!GX_MUTANT(FOUND_NOWHERE))
        gx_targets_found(e, w->group, &place.transport, &at);
}

void gx_lan_take(struct gx_engine *e, const struct gx_input *in)
{
    struct gx_beacon beacon;
    struct gx_lan_answer answer;
    bool is_answer = in->bytes.n == GX_LAN_ANSWER_BYTES;
    enum gx_err err = GX_OK;

    if (!gx_lan_is_on(e) || !e->listening || gx_engine_rests(e))
        return;
    for (uint32_t i = 0; i < e->lan.n_sources; i++)
        if (gx_addr_equal(&e->lan.sources[i], &in->peer_addr))
            return;             /* the own one, come back */
    if (gx_near_is(in->bytes)) {
        gx_near_take(e, in);
        return;
    }
    err = is_answer ? gx_lan_answer_decode(&answer, in->bytes) : gx_beacon_decode(&beacon, in->bytes);
    if (err != GX_OK)
        gx_engine_drop(e, err == GX_E_VERSION ? "lan_version" : "lan_malformed");
    else if (is_answer)
        take_answer(e, &in->peer_addr, &answer);
    else
        take_beacon(e, &in->peer_addr, &beacon, in->contacts_only != 0);
}

void gx_lan_free(struct gx_engine *e)
{
    forget_asked(&e->lan);
    gx_lan_forget(e);
    free(e->lan.known);
}
