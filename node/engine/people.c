/* People in memory: contacts, whom they invited, and which member of a group they are. */
#include "node/engine/people.h"

#include "node/engine/commands.h"
#include "proto/looks.h"
#include <stdlib.h>

/* --- finding --------------------------------------------------------------------------------------------------------------------------- */

struct gx_contact *gx_contact_by_id(struct gx_engine *e, const struct gx_sign_pk *id)
{
    for (uint32_t i = 0; i < e->people.n; i++)
        if (gx_sign_pk_equal(&e->people.contacts[i].row.card.id, id))
            return &e->people.contacts[i];
    return NULL;
}

bool gx_contact_wanted(const struct gx_contact *c)
{
    return (c->row.flags & (GX_CONTACT_BLOCKED | GX_CONTACT_REMOVED)) == 0;
}

bool gx_contact_asks(const struct gx_contact *c)
{
    unsigned flags = c->row.flags;

    return (flags & GX_CONTACT_ASKS) != 0 && (flags & GX_CONTACT_BLOCKED) == 0 && ((flags & GX_CONTACT_REMOVED) == 0 || (flags & GX_CONTACT_AGAIN) != 0);
}

struct gx_contact *gx_group_contact(struct gx_engine *e, const struct gx_group *g)
{
    for (uint32_t i = 0; gx_group_is_direct(g) && i < e->people.n; i++)
        if (e->people.contacts[i].row.mine == g->row.gnum || e->people.contacts[i].row.theirs == g->row.gnum)
            return &e->people.contacts[i];
    return NULL;
}

struct gx_contact *gx_person_contact(struct gx_engine *e, const struct gx_group *g, uint32_t person)
{
    if (person == GX_NONE || person == g->me)
        return NULL;
    if (gx_group_is_direct(g))
        return gx_group_contact(e, g);
    for (uint32_t i = 0; i < e->people.n_revealed; i++) {
        const struct gx_revealed *r = &e->people.revealed[i];

        if (gx_group_id_equal(&r->id, &g->row.id) && gx_sign_pk_equal(&r->member, &g->law.persons[person].member))
            return gx_contact_by_id(e, &r->contact);
    }
    return NULL;
}

/* Both in it, as far as this node knows. */
static bool is_met(const struct gx_group *g)
{
    return g != NULL && gx_group_is_member(g) && g->law.now.n_members == 2;
}

static struct gx_group *chat(struct gx_engine *e, uint32_t gnum)
{
    return gnum == 0 ? NULL : gx_group_by_gnum(e, gnum);
}

struct gx_group *gx_contact_chat(struct gx_engine *e, const struct gx_contact *c)
{
    struct gx_group *mine = chat(e, c->row.mine), *theirs = chat(e, c->row.theirs);

    if (is_met(mine) && is_met(theirs))
        return memcmp(mine->row.id.b, theirs->row.id.b, sizeof mine->row.id.b) < 0 ? mine : theirs;
    if (mine == NULL || is_met(theirs))
        return theirs;
    return mine;
}

bool gx_contact_is_met(struct gx_engine *e, const struct gx_contact *c)
{
    return is_met(chat(e, c->row.mine)) || is_met(chat(e, c->row.theirs));
}

bool gx_same_chat(struct gx_engine *e, const struct gx_group *a, const struct gx_group *b)
{
    const struct gx_contact *c = a == b ? NULL : gx_group_contact(e, a);

    return a == b || (c != NULL && c == gx_group_contact(e, b));
}

const char *gx_contact_label(struct gx_engine *e, const struct gx_contact *c)
{
    const uint8_t *name = c->row.petname_bytes > 0 ? c->row.petname : c->row.name;
    size_t n = c->row.petname_bytes > 0 ? c->row.petname_bytes : c->row.name_bytes;
    char digits[GX_LABEL_DIGITS + 1];

    gx_hex(digits, c->row.card.id.b, GX_LABEL_DIGITS / 2);

    const char *text = n > 0 ? gx_arena_text(&e->arena, name, n) : gx_answers_format(e, "%s", digits);

    return text == NULL ? "" : text;
}

const char *gx_contact_mark(struct gx_engine *e, const struct gx_contact *c)
{
    char theirs[GX_LOOKS_BYTES_MAX], other[GX_LOOKS_BYTES_MAX];

    gx_looks_skeleton(theirs, gx_contact_label(e, c));
    for (uint32_t i = 0; i < e->people.n; i++) {
        if (&e->people.contacts[i] == c || !gx_contact_wanted(&e->people.contacts[i]))
            continue;
        gx_looks_skeleton(other, gx_contact_label(e, &e->people.contacts[i]));
        if (strcmp(theirs, other) == 0)
            return "lookalike";
    }
    return gx_looks_odd(gx_contact_label(e, c)) ? "invisible" : NULL;
}

/* Of those who were refused and never had a chat here, the one seen first. */
static bool forget_one(struct gx_engine *e)
{
    struct gx_people *p = &e->people;
    uint32_t oldest = p->n;
    struct gx_txn *txn = NULL;

    for (uint32_t i = 0; i < p->n; i++) {
        const struct gx_contact_row *row = &p->contacts[i].row;

        if ((row->flags & (GX_CONTACT_REMOVED | GX_CONTACT_BLOCKED)) == GX_CONTACT_REMOVED && row->mine == 0 && row->theirs == 0 &&
            (oldest == p->n || row->since_ms < p->contacts[oldest].row.since_ms))
            oldest = i;
    }
    if (oldest == p->n || (txn = gx_engine_txn(e, true)) == NULL || !gx_engine_ok(e, gx_contact_del(txn, &p->contacts[oldest].row.card.id)))
        return false;
    p->contacts[oldest] = p->contacts[--p->n];
    return true;
}

/* --- changing -------------------------------------------------------------------------------------------------------------------------- */

struct gx_contact *gx_contact_add(struct gx_engine *e, const struct gx_card *card)
{
    struct gx_people *p = &e->people;

    if (p->n >= GX_CONTACTS_MAX && !forget_one(e)) {
        gx_engine_drop(e, "contacts_full");
        return NULL;
    }
    if (!gx_engine_grow(e, &p->contacts, &p->cap, p->n, sizeof *p->contacts))
        return NULL;

    struct gx_contact *c = &p->contacts[p->n++];

    *c = (struct gx_contact){.dirty = true, .row = {.card = *card, .since_ms = e->now.wall_ms}};
    return c;
}

/* What they said to be and nobody could look at yet. */
static void forget_told(struct gx_engine *e, const struct gx_contact *c)
{
    struct gx_people *p = &e->people;

    for (uint32_t i = 0; i < p->n_told && e->fault == GX_OK;) {
        if (gx_sign_pk_equal(&p->told[i].contact, &c->row.card.id))
            gx_told_drop(e, i);
        else
            i++;
    }
}

/* What they invited into and the person has not answered. */
static void forget_invited(struct gx_engine *e, const struct gx_contact *c)
{
    struct gx_people *p = &e->people;

    for (uint32_t i = 0; i < p->n_invited && e->fault == GX_OK;) {
        if (gx_sign_pk_equal(&p->invited[i].contact, &c->row.card.id))
            gx_invited_drop(e, i);
        else
            i++;
    }
}

bool gx_contact_renew(struct gx_engine *e, struct gx_contact *c, const struct gx_card *card)
{
    bool same = memcmp(c->row.card.key.b, card->key.b, sizeof card->key.b) == 0;

    if (card->serial < c->row.card.serial || (card->serial == c->row.card.serial && !same))
        return false;
    if (!same) {
        c->row.flags = (uint8_t)((c->row.flags & ~(unsigned)GX_CONTACT_VERIFIED) | GX_CONTACT_CHANGED);
        gx_engine_log(e, "the keys of a contact have changed: verify them before you trust what they write");
        gx_watch_people(e, c, "keys", NULL);
        gx_contact_chats(e, c, 0, 0);       /* the card's secret was lost, and with it the home in which those were */
        forget_told(e, c);                  /* made with that secret */
    }
    c->row.card = *card;
    c->dirty = true;
    return true;
}

static void silence(struct gx_engine *e, struct gx_group *g, bool silent)
{
    if (g == NULL || g->silent == silent)
        return;
    g->silent = silent;
    if (silent) {
        gx_sessions_group_gone(e, g);
        return;
    }
    gx_targets_reload(e);
    gx_sessions_new_group(e, g);
}

void gx_contact_chats(struct gx_engine *e, struct gx_contact *c, uint32_t mine, uint32_t theirs)
{
    struct gx_group *before[] = {chat(e, c->row.mine), chat(e, c->row.theirs)};

    c->row.mine = mine;
    c->row.theirs = theirs;
    c->dirty = true;
    for (size_t i = 0; i < GX_ARRAY_LEN(before); i++)
        if (before[i] != NULL && gx_group_contact(e, before[i]) != c)
            silence(e, before[i], true);
}

void gx_contact_set(struct gx_engine *e, struct gx_contact *c, uint8_t flags)
{
    c->row.flags = flags;
    c->dirty = true;
    if ((flags & GX_CONTACT_REMOVED) != 0) {
        forget_told(e, c);
        forget_invited(e, c);
    }
    silence(e, chat(e, c->row.mine), !gx_contact_wanted(c));
    silence(e, chat(e, c->row.theirs), !gx_contact_wanted(c));
    if (gx_contact_wanted(c))
        gx_cards_hurry(e);
}

void gx_reveal_note(struct gx_engine *e, const struct gx_group *g, const struct gx_sign_pk *member, const struct gx_sign_pk *contact)
{
    struct gx_people *p = &e->people;
    struct gx_txn *txn = gx_engine_txn(e, true);
    uint32_t i = 0, gnum = g->row.gnum;

    while (i < p->n_revealed && (!gx_group_id_equal(&p->revealed[i].id, &g->row.id) || !gx_sign_pk_equal(&p->revealed[i].member, member)))
        i++;
    if (i < p->n_revealed)
        gnum = p->revealed[i].group;
    if (txn == NULL || !gx_engine_ok(e, gx_revealed_put(txn, gnum, member, contact)))
        return;
    if (i == p->n_revealed) {
        if (!gx_engine_grow(e, &p->revealed, &p->cap_revealed, i, sizeof *p->revealed))
            return;
        p->n_revealed++;
    }
    p->revealed[i] = (struct gx_revealed){.group = gnum, .id = g->row.id, .member = *member, .contact = *contact};
}

struct gx_invited_row *gx_invited_add(struct gx_engine *e, const struct gx_invited_row *row)
{
    struct gx_people *p = &e->people;
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_grow(e, &p->invited, &p->cap_invited, p->n_invited, sizeof *p->invited))
        return NULL;
    if (!gx_engine_ok(e, gx_invited_put(txn, row)))
        return NULL;
    p->invited[p->n_invited] = *row;
    return &p->invited[p->n_invited++];
}

void gx_invited_drop(struct gx_engine *e, uint32_t i)
{
    struct gx_people *p = &e->people;
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_ok(e, gx_invited_del(txn, &p->invited[i].invite)))
        return;
    p->invited[i] = p->invited[--p->n_invited];
}

void gx_told_add(struct gx_engine *e, const struct gx_told_row *row)
{
    struct gx_people *p = &e->people;
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn != NULL && gx_engine_grow(e, &p->told, &p->cap_told, p->n_told, sizeof *p->told) && gx_engine_ok(e, gx_told_put(txn, row)))
        p->told[p->n_told++] = *row;
}

void gx_told_drop(struct gx_engine *e, uint32_t i)
{
    struct gx_people *p = &e->people;
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn != NULL && gx_engine_ok(e, gx_told_del(txn, &p->told[i].reveal)))
        p->told[i] = p->told[--p->n_told];
}

static uint32_t offer_of(const struct gx_people *p, uint32_t gnum, const struct gx_sign_pk *contact)
{
    uint32_t i = 0;

    while (i < p->n_offered && (p->offered[i].group != gnum || !gx_sign_pk_equal(&p->offered[i].contact, contact)))
        i++;
    return i;
}

static void offer_drop(struct gx_engine *e, uint32_t i)
{
    struct gx_people *p = &e->people;
    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_ok(e, gx_offered_del(txn, p->offered[i].group, &p->offered[i].contact)))
        return;
    p->offered[i] = p->offered[--p->n_offered];
}

/* Those whose time is over make room. */
static uint32_t expected(struct gx_engine *e, uint32_t gnum)
{
    struct gx_people *p = &e->people;
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->n_offered && e->fault == GX_OK;) {
        if (p->offered[i].until_ms <= e->now.wall_ms) {
            offer_drop(e, i);
        } else {
            n += p->offered[i].group == gnum;
            i++;
        }
    }
    return n;
}

bool gx_offer(struct gx_engine *e, const struct gx_group *g, const struct gx_sign_pk *contact, uint64_t until_ms)
{
    struct gx_people *p = &e->people;
    struct gx_txn *txn = gx_engine_txn(e, true);
    uint32_t n = expected(e, g->row.gnum), i = offer_of(p, g->row.gnum, contact);

    if (i == p->n_offered && n >= GX_OFFERED_MAX)
        return false;
    if (txn == NULL || !gx_engine_grow(e, &p->offered, &p->cap_offered, p->n_offered, sizeof *p->offered))
        return false;
    if (!gx_engine_ok(e, gx_offered_put(txn, g->row.gnum, contact, until_ms)))
        return false;
    p->offered[i] = (struct gx_offered){.group = g->row.gnum, .contact = *contact, .until_ms = until_ms};
    p->n_offered += i == p->n_offered;
    return true;
}

void gx_offer_done(struct gx_engine *e, const struct gx_group *g, const struct gx_sign_pk *contact)
{
    uint32_t i = offer_of(&e->people, g->row.gnum, contact);

    if (i < e->people.n_offered)
        offer_drop(e, i);
}

void gx_people_joined(struct gx_engine *e, const struct gx_group *g)
{
    struct gx_people *p = &e->people;

    for (uint32_t i = 0; i < p->n_invited && e->fault == GX_OK;) {
        struct gx_event ev;

        if (gx_event_decode(&ev, gx_span(p->invited[i].create, GX_CREATE_EVENT_BYTES)) == GX_OK && memcmp(ev.id.b, g->row.id.b, sizeof ev.id.b) == 0)
            gx_invited_drop(e, i);
        else
            i++;
    }
}

void gx_people_group_gone(struct gx_engine *e, const struct gx_group *g)
{
    struct gx_people *p = &e->people;

    for (uint32_t i = 0; i < p->n; i++) {
        if (p->contacts[i].row.mine != g->row.gnum && p->contacts[i].row.theirs != g->row.gnum)
            continue;
        if (p->contacts[i].row.mine == g->row.gnum)
            p->contacts[i].row.mine = 0;
        else
            p->contacts[i].row.theirs = 0;
        p->contacts[i].dirty = true;
    }
    for (uint32_t i = 0; i < p->n_offered;) {
        if (p->offered[i].group == g->row.gnum)
            p->offered[i] = p->offered[--p->n_offered];
        else
            i++;
    }
    for (uint32_t i = 0; i < p->n_revealed;) {
        if (p->revealed[i].group == g->row.gnum)
            p->revealed[i] = p->revealed[--p->n_revealed];
        else
            i++;
    }
}

/* --- names ----------------------------------------------------------------------------------------------------------------------------- */

/* What the other one of a direct chat calls themself there. */
static const char *claimed(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t person = 0; person < g->law.n_persons; person++)
        if (person != g->me && gx_law_is_member(&g->law, person))
            return gx_group_alias(e, g, person);
    return "";
}

void gx_people_look(struct gx_engine *e, struct gx_group *g)
{
    struct gx_contact *c = gx_group_contact(e, g);
    const char *name = c == NULL || gx_contact_chat(e, c) != g ? "" : claimed(e, g);
    size_t n = strlen(name);

    if (n == 0 || n > GX_NAME_BYTES_MAX || (n == c->row.name_bytes && memcmp(name, c->row.name, n) == 0))
        return;
    memcpy(c->row.was, c->row.name, c->row.name_bytes);
    c->row.was_bytes = c->row.name_bytes;
    memcpy(c->row.name, name, n);
    c->row.name_bytes = (uint16_t)n;
    c->dirty = true;
    if (c->row.was_bytes > 0)
        gx_watch_people(e, c, "renamed", gx_arena_text(&e->arena, c->row.was, c->row.was_bytes));
    else
        gx_watch_people(e, c, "met", NULL);
}

/* --- from and to the store --------------------------------------------------------------------------------------------------------------- */

static bool load_contacts(struct gx_engine *e, struct gx_txn *txn)
{
    struct gx_people *p = &e->people;
    struct gx_contact_row row;

    while (gx_engine_ok(e, gx_contact_next(txn, &row, p->n == 0 ? NULL : &p->contacts[p->n - 1].row.card.id))) {
        if (!gx_engine_grow(e, &p->contacts, &p->cap, p->n, sizeof *p->contacts))
            return false;
        p->contacts[p->n++] = (struct gx_contact){.row = row};
    }
    return e->fault == GX_OK;
}

static bool load_invited(struct gx_engine *e, struct gx_txn *txn)
{
    struct gx_people *p = &e->people;
    struct gx_invited_row row;

    while (gx_engine_ok(e, gx_invited_next(txn, &row, p->n_invited == 0 ? NULL : &p->invited[p->n_invited - 1].invite))) {
        if (!gx_engine_grow(e, &p->invited, &p->cap_invited, p->n_invited, sizeof *p->invited))
            return false;
        p->invited[p->n_invited++] = row;
    }
    return e->fault == GX_OK;
}

static bool load_told(struct gx_engine *e, struct gx_txn *txn)
{
    struct gx_people *p = &e->people;
    struct gx_told_row row;

    while (gx_engine_ok(e, gx_told_next(txn, &row, p->n_told == 0 ? NULL : &p->told[p->n_told - 1].reveal))) {
        if (!gx_engine_grow(e, &p->told, &p->cap_told, p->n_told, sizeof *p->told))
            return false;
        p->told[p->n_told++] = row;
    }
    return e->fault == GX_OK;
}

static bool load_group(struct gx_engine *e, struct gx_txn *txn, struct gx_group *g)
{
    struct gx_people *p = &e->people;
    struct gx_offered offered = {.group = g->row.gnum};
    struct gx_revealed revealed = {.group = g->row.gnum, .id = g->row.id};
    bool first = true;

    g->has_asked = gx_engine_ok(e, gx_asked_get(txn, &g->asked_of, g->row.gnum));
    for (; gx_engine_ok(e, gx_offered_next(txn, &offered.contact, &offered.until_ms, g->row.gnum, first ? NULL : &offered.contact)); first = false) {
        if (!gx_engine_grow(e, &p->offered, &p->cap_offered, p->n_offered, sizeof *p->offered))
            return false;
        p->offered[p->n_offered++] = offered;
    }
    for (first = true; gx_engine_ok(e, gx_revealed_next(txn, &revealed.member, &revealed.contact, g->row.gnum, first ? NULL : &revealed.member));
         first = false) {
        if (!gx_engine_grow(e, &p->revealed, &p->cap_revealed, p->n_revealed, sizeof *p->revealed))
            return false;
        p->revealed[p->n_revealed++] = revealed;
    }
    return e->fault == GX_OK;
}

enum gx_err gx_people_load(struct gx_engine *e)
{
    struct gx_txn *txn = gx_engine_txn(e, false);

    gx_people_free(e);
    if (txn == NULL || !load_contacts(e, txn) || !load_invited(e, txn) || !load_told(e, txn))
        return e->fault;
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (!load_group(e, txn, e->groups[i]))
            return e->fault;
    for (uint32_t i = 0; i < e->n_groups; i++) {
        const struct gx_contact *c = gx_group_contact(e, e->groups[i]);

        e->groups[i]->silent = gx_group_is_direct(e->groups[i]) && (c == NULL || !gx_contact_wanted(c));
    }
    e->people.fresh = GX_REQUESTS_BURST;
    return GX_OK;
}

void gx_people_free(struct gx_engine *e)
{
    struct gx_door door = e->people.door;       /* it is open, whatever is read anew */

    free(e->people.contacts);
    free(e->people.invited);
    free(e->people.offered);
    free(e->people.revealed);
    free(e->people.told);
    e->people = (struct gx_people){.door = door};
}

void gx_people_flush(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->people.n && e->fault == GX_OK; i++) {
        struct gx_contact *c = &e->people.contacts[i];
        struct gx_txn *txn = c->dirty ? gx_engine_txn(e, true) : NULL;

        if (txn != NULL && gx_engine_ok(e, gx_contact_put(txn, &c->row)))
            c->dirty = false;
    }
}
