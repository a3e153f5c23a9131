/* Cards: the door of one's own, and going to others'.  WIRE §6.23, KEYS §1.
 *
 * Whoever scans a card founds the direct chat and brings CREATE and the own card to the card's door.  The door authenticates nobody, as with
 * invitations: what comes through counts by its signatures and by the MAC that only the holder of the card's secret could make. */
#include "node/engine/people.h"

#include "proto/card.h"

#define CREATE_HEADER_BYTES (GX_CREATE_EVENT_BYTES - 64u - 8u - GX_INTRO_BYTES)     /* what the id covers, and the signature does not */
#define TOLD_AGAIN_MS 600000u       /* their door took the card, and no answer came: said again, for they may have lost it, or I moved */
#define CARD_BACKOFF_MAX_MS 60000u

/* --- the own card ---------------------------------------------------------------------------------------------------------------------- */

static void own_keys(const struct gx_engine *e, struct gx_token_keys *keys)
{
    struct gx_token_seed seed;

    gx_card_seed(&seed, &e->config.card_sk, e->config.person.card_serial);
    gx_token_keys_make(keys, &seed, e->config.person.id.b);
    gx_wipe(&seed, sizeof seed);
}

void gx_card_door_keys(const struct gx_engine *e, struct gx_curve_pk *pk, struct gx_curve_sk *sk)
{
    struct gx_token_keys keys;

    own_keys(e, &keys);
    gx_door_keys_make(pk, sk, &keys.lan);
    gx_wipe(&keys, sizeof keys);
}

const char *gx_card_text(struct gx_engine *e)
{
    const struct gx_door *door = &e->people.door;
    struct gx_card_code code = {.hint = {0}};
    char text[GX_TOKEN_TEXT_MAX];

    gx_card_of(&code.card, &e->config.person);
    gx_card_seed(&code.seed, &e->config.card_sk, e->config.person.card_serial);
    for (uint8_t i = 0; door->open && i < door->n_addrs && code.hint.family == 0; i++)
        if (door->addrs[i].family == 4)
            code.hint = door->addrs[i];
    gx_card_format(text, &code);
    gx_wipe(&code, sizeof code);

    const char *kept = gx_arena_text(&e->arena, text, strlen(text));

    gx_wipe(text, sizeof text);
    return kept == NULL ? "" : kept;
}

/* Its port is kept under the name of the person, as those of invitations are under theirs. */
void gx_card_door_open(struct gx_engine *e)
{
    struct gx_door *door = &e->people.door;
    struct gx_txn *txn = door->number == 0 ? gx_engine_txn(e, false) : NULL;
    struct gx_effect *effect = NULL;
    uint16_t port = 0;

    if (txn == NULL)
        return;
    *door = (struct gx_door){.number = e->next_door++, .group = GX_NONE};
    memcpy(door->token.b, e->config.person.id.b, sizeof door->token.b);
    gx_engine_ok(e, gx_door_get(txn, &port, &door->token));
    effect = gx_engine_effect(e, GX_OUT_DOOR_OPEN);
    effect->door = door->number;
    effect->port = port;
    gx_card_door_keys(e, &effect->door_pk, &effect->door_sk);
}

/* --- somebody at the own card's door -------------------------------------------------------------------------------------------------------- */

/* All that was said is kept in the job: GUEST proves that they hold the card, CARD who they are and what they founded. */
static void take_card(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_job *job = gx_job_new(e, GX_JOB_CARD, s, GX_NONE, f->create);
    struct gx_token_keys keys;
    uint8_t bytes[GX_GUEST_SIGNED_BYTES], record[GX_ENDPOINT_SIGNED_MAX];
    struct gx_event ev;
    struct gx_body body;
    struct gx_group_id id;

    if (job == NULL)
        return;
    job->frame = *f;
    job->frame.create = gx_span(job->bytes, job->n_bytes);
    job->frame.name = gx_span(gx_arena_copy(&job->arena, f->name.p, f->name.n), f->name.n);
    if (job->frame.name.p == NULL || !gx_create_decode(&ev, &body, job->frame.create) || body.u.create.rules.kind != GX_GROUP_DIRECT ||
        !gx_sign_pk_equal(&body.u.create.founder.device, &s->guest) ||
        !gx_sign_pk_equal(&f->endpoint.device, &s->guest)) {
        gx_job_discard(e, job);
        gx_engine_drop(e, "card");
        gx_session_close(e, s, GX_BYE_MALFORMED);
        return;
    }
    memcpy(id.b, ev.id.b, sizeof id.b);
    own_keys(e, &keys);
    gx_guest_signed_bytes(bytes, &s->guest, &s->transcript);
    gx_job_verify(e, job, GX_DOMAIN_GUEST, &keys.pk, gx_span(bytes, sizeof bytes), &s->guest_sig);
    gx_wipe(&keys, sizeof keys);
    gx_job_verify_event(e, job, &ev, &s->guest);
    gx_job_verify_intro(e, job, &body.u.create.founder);
    gx_job_verify(e, job, GX_DOMAIN_ENDPOINT, &f->endpoint.device, gx_span(record, gx_endpoint_signed_bytes(record, &f->endpoint, &id)), &f->endpoint.sig);
    s->stage = GX_GUEST_REQUESTED;
    gx_job_begin(e, job);
}

void gx_card_door_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    if (f->kind == GX_FRAME_GUEST && s->stage == GX_GUEST_NEW) {
        s->guest = f->device;
        s->guest_sig = f->sig;
        s->stage = GX_GUEST_PROOF;
    } else if (f->kind == GX_FRAME_CARD && s->stage == GX_GUEST_PROOF) {
        take_card(e, s, f);
    } else {
        gx_engine_drop(e, "unexpected_frame");
        gx_session_close(e, s, GX_BYE_MALFORMED);
    }
}

/* Is it truly the person of that card who founded this chat? */
static bool is_theirs(const struct gx_engine *e, const struct gx_frame *f, struct gx_group_id *id)
{
    struct gx_event ev;
    struct gx_body body;

    if (gx_event_decode(&ev, f->create) != GX_OK || gx_body_decode(&body, &ev) != GX_OK)
        return false;
    memcpy(id->b, ev.id.b, sizeof id->b);
    return gx_card_check(&f->card) &&
           gx_reveal_check(&f->mac, &e->config.card_sk, &f->card.key, &body.u.create.founder.prekey, id->b, &body.u.create.founder.member);
}

static uint32_t asking(const struct gx_engine *e)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->people.n; i++)
        n += gx_contact_asks(&e->people.contacts[i]);
    return n;
}

/* Strangers' cards come at a pace that a person can follow. */
static bool may_ask(struct gx_engine *e)
{
    struct gx_people *p = &e->people;
    uint64_t more = (e->now.mono_ms - p->fresh_ms) / GX_REQUEST_MS;

    if (more > 0) {
        p->fresh = more > GX_REQUESTS_BURST - p->fresh ? GX_REQUESTS_BURST : p->fresh + (uint32_t)more;
        p->fresh_ms = e->now.mono_ms;
    }
    if (p->fresh == 0 || asking(e) >= GX_REQUESTS_MAX) {
        gx_engine_drop(e, "requests_full");
        return false;
    }
    p->fresh--;
    return true;
}

/* The same chat again: they may have moved, and are told nothing new. */
static void hear_again(struct gx_engine *e, struct gx_contact *c, struct gx_group *g, const struct gx_frame *f)
{
    gx_endpoints_store(e, g, &f->endpoint);
    if (gx_group_asking(g) && gx_contact_wanted(c))
        gx_targets_hurry(e);
}

static void keep(struct gx_contact *c, const struct gx_frame *f, uint64_t now_ms)
{
    if (c->row.name_bytes == 0) {
        memcpy(c->row.name, f->name.p, f->name.n);
        c->row.name_bytes = (uint16_t)f->name.n;
    }
    memcpy(c->row.create, f->create.p, sizeof c->row.create);
    c->row.endpoint = f->endpoint;
    c->row.since_ms = c->row.since_ms == 0 ? now_ms : c->row.since_ms;
    c->row.flags |= GX_CONTACT_ASKS;
    c->dirty = true;
}

/* Said to who watches, but for those who are not to be heard of, or whom this person asked. */
static void announce(struct gx_engine *e, const struct gx_contact *c)
{
    if (gx_contact_asks(c))
        gx_watch_people(e, c, "contact", NULL);
}

/* What the door answers: GX_DENY_NONE says no more than that it was heard. */
static enum gx_deny hear(struct gx_engine *e, const struct gx_frame *f, const struct gx_group_id *id)
{
    struct gx_contact *c = gx_contact_by_id(e, &f->card.id);
    struct gx_group *theirs = c == NULL || c->row.theirs == 0 ? NULL : gx_group_by_gnum(e, c->row.theirs);

    if (c == NULL) {
        if (!may_ask(e))
            return GX_DENY_QUOTA;
        c = gx_contact_add(e, &f->card);
        if (c == NULL)
            return GX_DENY_QUOTA;
        keep(c, f, e->now.wall_ms);
        announce(e, c);
        return GX_DENY_NONE;
    }
    if ((c->row.flags & GX_CONTACT_BLOCKED) != 0 || !gx_contact_renew(e, c, &f->card)) {
        gx_engine_drop(e, "card_ignored");
        return GX_DENY_NONE;
    }
    if (theirs != NULL && gx_group_id_equal(&theirs->row.id, id)) {
        hear_again(e, c, theirs, f);
        return GX_DENY_NONE;
    }
    if ((c->row.flags & GX_CONTACT_ASKS) != 0 && memcmp(c->row.create, f->create.p, CREATE_HEADER_BYTES) == 0) {
        c->row.endpoint = f->endpoint;          /* asked before: still waiting, or refused for good */
        c->dirty = true;
        return GX_DENY_NONE;
    }
    /* Who is known hears nothing of the pace: to who is blocked it would tell that they are. */
    if (!may_ask(e))
        return GX_DENY_NONE;
    keep(c, f, e->now.wall_ms);
    /* Whom this person asked, and did not take that back, needs no second yes.  Who was refused or removed, and founded a chat anew, may ask anew. */
    if ((c->row.flags & GX_CONTACT_REMOVED) != 0)
        c->row.flags |= GX_CONTACT_AGAIN;
    else if (c->row.mine != 0 && theirs == NULL)
        (void)gx_card_accept(e, c);
    announce(e, c);
    return GX_DENY_NONE;
}

void gx_card_taken(struct gx_engine *e, struct gx_job *job)
{
    struct gx_session *s = gx_session_find(e, job->session);
    struct gx_group_id id;
    enum gx_deny deny = GX_DENY_NONE;

    if (s == NULL || s->closed)
        return;
    if (job->failed || !is_theirs(e, &job->frame, &id)) {
        gx_engine_drop(e, "card_proof");
        gx_session_close(e, s, GX_BYE_MALFORMED);
        return;
    }
    if (!gx_sign_pk_equal(&job->frame.card.id, &e->config.person.id))
        deny = hear(e, &job->frame, &id);
    if (deny != GX_DENY_NONE) {
        struct gx_wr w = gx_engine_wr(e, 4);

        gx_frame_write_reason(&w, GX_FRAME_REFUSED, (uint8_t)deny);
        gx_engine_send(e, s, &w);
    }
    gx_session_close(e, s, GX_BYE_DONE);
}

/* --- at somebody's card's door ---------------------------------------------------------------------------------------------------------------- */

bool gx_card_found(struct gx_engine *e, struct gx_contact *c)
{
    struct gx_group *g = gx_group_add(e, GX_GROUP_MEMBER);
    struct gx_body create = {.type = GX_EV_CREATE};
    struct gx_body alias = {.type = GX_EV_ALIAS, .u.alias.name = gx_span(e->config.name, strlen(e->config.name))};

    if (g == NULL)
        return false;
    create.u.create = (struct gx_body_create){
        .rules = {.rule_version = GX_RULE_VERSION, .kind = GX_GROUP_DIRECT, .cap = 2}, .founder = g->row.intro};

    enum gx_err err = gx_author_write(e, g, &create, NULL, NULL);

    if (err == GX_OK && alias.u.alias.name.n > 0)
        err = gx_author_write(e, g, &alias, NULL, NULL);
    GX_ASSERT(err == GX_OK || e->fault != GX_OK);
    gx_author_endpoint(e, g);
    gx_contact_chats(e, c, g->row.gnum, c->row.theirs);
    c->next_ms = e->now.mono_ms;
    c->backoff_ms = c->next_addr = 0;
    gx_engine_wake(e, e->now.mono_ms);
    return e->fault == GX_OK;
}

bool gx_card_accept(struct gx_engine *e, struct gx_contact *c)
{
    struct gx_event ev;
    struct gx_body body;
    struct gx_group *g = NULL;

    if (!gx_create_read(&ev, &body, gx_span(c->row.create, sizeof c->row.create)))
        return false;           /* it was verified when it came */
    g = gx_ask_begin(e, &ev, &(struct gx_asked_row){.contact = c->row.card.id, .inviter = body.u.create.founder.member});
    if (g == NULL)
        return false;
    gx_endpoints_store(e, g, &c->row.endpoint);
    /* Who founded a chat before, and founds another, has lost it: what is written there reaches nobody. */
    gx_contact_chats(e, c, c->row.theirs != 0 ? 0 : c->row.mine, g->row.gnum);
    c->row.flags &= (uint8_t)~(unsigned)(GX_CONTACT_ASKS | GX_CONTACT_REMOVED | GX_CONTACT_AGAIN);
    gx_targets_hurry(e);
    gx_sessions_new_group(e, g);
    return true;
}

/* A chat that I founded, and they have not come into. */
static struct gx_group *waits(struct gx_engine *e, const struct gx_contact *c)
{
    struct gx_group *g = c->row.mine == 0 || !gx_contact_wanted(c) || gx_contact_is_met(e, c) ? NULL : gx_group_by_gnum(e, c->row.mine);

    return g != NULL && gx_group_is_member(g) && g->law.now.n_members < 2 ? g : NULL;
}

static void knock(struct gx_engine *e, struct gx_contact *c)
{
    uint32_t n = c->row.n_addrs + e->n_manual, at = n == 0 ? 0 : c->next_addr % n;
    struct gx_session *s = gx_session_new(e, e->next_session, GX_SESSION_CARD, false);

    if (s == NULL)
        return;
    e->next_session += 2;
    s->group = GX_NONE;
    s->person = c->row.card.id;
    if (c->found.family != 0)
        s->addr = c->found;
    else
        s->addr = at < c->row.n_addrs ? c->row.addrs[at] : e->manual[at - c->row.n_addrs];
    if (c->found.family == 0)
        c->next_addr++;
    c->found.family = 0;
    c->session = s->id;
    gx_guest_connect(e, s, &c->row.seed, c->row.card.id.b);
}

void gx_cards_timer(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->people.n; i++) {
        struct gx_contact *c = &e->people.contacts[i];

        if (c->session != 0 || (c->row.n_addrs + e->n_manual == 0 && c->found.family == 0) || waits(e, c) == NULL)
            continue;
        if (!e->listening || e->now.mono_ms < c->next_ms)
            gx_engine_wake(e, c->next_ms > e->now.mono_ms ? c->next_ms : e->now.mono_ms + GX_BACKOFF_FIRST_MS);
        else
            knock(e, c);
    }
}

bool gx_card_goes_to(struct gx_engine *e, const struct gx_contact *c)
{
    static const struct gx_token_seed none = {{0}};

    return (c->row.flags & GX_CONTACT_TOLD) == 0 && memcmp(&c->row.seed, &none, sizeof none) != 0 && waits(e, c) != NULL;
}

void gx_card_found_at(struct gx_engine *e, struct gx_contact *c, const struct gx_addr *at)
{
    struct gx_session *s = c->session == 0 ? NULL : gx_session_find(e, c->session);

    if (s != NULL && s->state != GX_SESSION_CONNECTING)
        return;
    c->found = *at;
    if (s != NULL)
        gx_session_close(e, s, GX_BYE_DONE);
    c->next_ms = e->now.mono_ms;
    gx_engine_wake(e, e->now.mono_ms);
}

void gx_cards_hurry(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->people.n; i++)
        e->people.contacts[i].next_ms = e->now.mono_ms;
    gx_engine_wake(e, e->now.mono_ms);
}

static const struct gx_endpoint *own_place(const struct gx_group *g)
{
    for (uint32_t i = 0; i < g->n_endpoints; i++)
        if (gx_sign_pk_equal(&g->endpoints[i].device, &g->row.intro.device))
            return &g->endpoints[i];
    return NULL;
}

/* The door said hello: prove that I hold the card, and say who I am. */
void gx_card_up(struct gx_engine *e, struct gx_session *s)
{
    struct gx_contact *c = gx_contact_by_id(e, &s->person);
    struct gx_group *g = c == NULL ? NULL : waits(e, c);
    const struct gx_endpoint *place = g == NULL ? NULL : own_place(g);
    const char *name = e->config.name[0] != 0 ? e->config.name : "?";        /* the frame has room for a name, and needs one */
    struct gx_frame f = {.name = gx_span(name, strlen(name))};
    uint8_t bytes[GX_GUEST_SIGNED_BYTES], create[GX_CREATE_EVENT_BYTES];
    struct gx_wr w = gx_engine_wr(e, 128), event = gx_wr(create, sizeof create);
    struct gx_token_keys keys;
    struct gx_event ev;
    struct gx_body body;
    struct gx_sig sig;

    if (place == NULL || !gx_group_read(e, g, &g->logs[g->ops[0].log], 1, &ev, &body) ||
        !gx_reveal_make(&f.mac, &e->config.card_sk, &g->row.prekey_sk, &c->row.card.key, g->row.id.b, &g->row.intro.member)) {
        gx_session_close(e, s, GX_BYE_DONE);
        return;
    }
    gx_token_keys_make(&keys, &c->row.seed, c->row.card.id.b);
    gx_guest_signed_bytes(bytes, &g->row.intro.device, &s->transcript);
    gx_sign(&sig, &keys.sk, GX_DOMAIN_GUEST, gx_span(bytes, sizeof bytes));
    gx_wipe(&keys, sizeof keys);
    gx_frame_write_guest(&w, &g->row.intro.device, &sig);
    gx_engine_send(e, s, &w);
    gx_event_encode(&event, &ev);
    gx_card_of(&f.card, &e->config.person);
    f.create = gx_wr_span(&event);
    f.endpoint = *place;
    w = gx_engine_wr(e, 2048);
    gx_frame_write_card(&w, &f);
    gx_engine_send(e, s, &w);
    s->stage = GX_GUEST_REQUESTED;
}

/* What a door says before it closes.  DONE: it was heard, and nothing else. */
void gx_card_answer(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f)
{
    struct gx_contact *c = gx_contact_by_id(e, &s->person);

    if (f->kind == GX_FRAME_REFUSED)
        s->stage = GX_GUEST_NEW;            /* later, when there is room */
    else if (f->kind != GX_FRAME_BYE)
        gx_session_strike(e, s, "unexpected_frame");
    else if (c != NULL && f->reason == GX_BYE_DONE && s->stage == GX_GUEST_REQUESTED) {
        c->row.flags |= GX_CONTACT_TOLD;
        c->dirty = true;
        s->stage = GX_GUEST_ADMITTED;
    }
}

void gx_card_gone(struct gx_engine *e, const struct gx_session *s)
{
    struct gx_contact *c = gx_contact_by_id(e, &s->person);

    if (c == NULL || c->session != s->id)
        return;
    c->session = 0;
    if (s->stage == GX_GUEST_ADMITTED) {
        c->next_ms = e->now.mono_ms + TOLD_AGAIN_MS;
    } else if (c->row.n_addrs + e->n_manual > 0 && c->next_addr % (c->row.n_addrs + e->n_manual) != 0) {
        c->next_ms = e->now.mono_ms + 50;
    } else {
        uint32_t next = c->backoff_ms == 0 ? GX_BACKOFF_FIRST_MS : c->backoff_ms * 2;

        c->backoff_ms = next > CARD_BACKOFF_MAX_MS ? CARD_BACKOFF_MAX_MS : next;
        c->next_ms = e->now.mono_ms + c->backoff_ms;
    }
    gx_engine_wake(e, c->next_ms);
}
