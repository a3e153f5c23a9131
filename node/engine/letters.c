/* What comes through direct chats beside texts: invitations into groups, and who somebody is there.  WIRE §4.14, §4.15. */
#include "node/engine/people.h"
#include "node/engine/sealing.h"

static uint32_t waiting(const struct gx_engine *e, const struct gx_contact *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->people.n_invited; i++)
        n += gx_sign_pk_equal(&e->people.invited[i].contact, &c->row.card.id);
    return n;
}

/* Into a group that I am in, or am asking for, nobody has to invite me; and once is enough. */
static bool is_news(struct gx_engine *e, const struct gx_contact *c, const struct gx_event_id *create)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (memcmp(e->groups[i]->row.id.b, create->b, sizeof create->b) == 0 && (gx_group_is_member(e->groups[i]) || gx_group_asking(e->groups[i])))
            return false;
    for (uint32_t i = 0; i < e->people.n_invited; i++) {
        struct gx_event ev;

        if (gx_sign_pk_equal(&e->people.invited[i].contact, &c->row.card.id) &&
            gx_event_decode(&ev, gx_span(e->people.invited[i].create, GX_CREATE_EVENT_BYTES)) == GX_OK && gx_event_id_equal(&ev.id, create))
            return false;
    }
    return true;
}

static void take_invite(struct gx_engine *e, const struct gx_contact *c, const struct gx_event *ev, const struct gx_body_invite *body)
{
    struct gx_invited_row row = {.invite = ev->id, .contact = c->row.card.id, .inviter = body->inviter, .since_ms = e->now.wall_ms};
    struct gx_event create;
    struct gx_body rules;

    if (!gx_create_read(&create, &rules, body->create) || rules.u.create.rules.kind != GX_GROUP_CHAT) {
        gx_engine_drop(e, "invite");
        return;
    }
    if (!is_news(e, c, &create.id))
        return;
    if (waiting(e, c) >= GX_INVITED_MAX) {
        gx_engine_drop(e, "invited_full");
        return;
    }
    memcpy(row.create, body->create.p, sizeof row.create);
    if (body->title.n > 0) {
        memcpy(row.title, body->title.p, body->title.n);
        row.title_bytes = (uint16_t)body->title.n;
    }
    if (gx_invited_add(e, &row) != NULL)
        gx_watch_people(e, c, "invite", body->title.n == 0 ? NULL : gx_arena_text(&e->arena, body->title.p, body->title.n));
}

/* The first prekey of a member: it stands in the event that introduced it. */
static bool prekey_of(struct gx_engine *e, struct gx_group *g, uint32_t person, struct gx_dh_pk *out)
{
    uint32_t seat = gx_law_seat(&g->law, person);
    struct gx_event ev;
    struct gx_body body;
    const struct gx_intro *intro = NULL;

    if (seat == GX_LAW_NONE || !gx_group_read(e, g, &g->logs[g->ops[seat].log], g->ops[seat].seq, &ev, &body))
        return false;
    intro = gx_group_intro(&body);
    if (intro != NULL)
        *out = intro->prekey;
    return intro != NULL;
}

static uint32_t person_of(const struct gx_group *g, const struct gx_sign_pk *member)
{
    for (uint32_t i = 0; i < g->law.n_persons; i++)
        if (gx_sign_pk_equal(&g->law.persons[i].member, member))
            return i;
    return GX_NONE;
}

/* The membership of this node that knows that member.  Of two in one group the one that speaks no more may not have heard of them. */
static struct gx_group *where_known(struct gx_engine *e, const struct gx_told_row *told, uint32_t *person)
{
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        if (!gx_group_id_equal(&g->row.id, &told->group) || !gx_group_is_member(g))
            continue;
        *person = person_of(g, &told->member);
        if (*person != GX_NONE && gx_law_is_member(&g->law, *person))
            return g;
    }
    return NULL;
}

/* Is what they said of a member that is known here?  If so, it is believed or not, once and for all. */
static bool looked_at(struct gx_engine *e, const struct gx_contact *c, const struct gx_told_row *told)
{
    uint32_t person = GX_NONE;
    struct gx_group *g = where_known(e, told, &person);
    struct gx_dh_pk prekey;

    if (g == NULL || !prekey_of(e, g, person, &prekey))
        return false;
    /* Believed only from who holds the secrets of both: of the card, and of that membership.  In a direct chat it is known without. */
    if (!gx_group_is_direct(g) && gx_reveal_check(&told->mac, &e->config.card_sk, &c->row.card.key, &prekey, g->row.id.b, &told->member))
        gx_reveal_note(e, g, &told->member, &c->row.card.id);
    else
        gx_engine_drop(e, "reveal");
    return true;
}

static void take_reveal(struct gx_engine *e, const struct gx_contact *c, const struct gx_event *ev, const struct gx_body_reveal *body)
{
    struct gx_told_row told = {.reveal = ev->id, .contact = c->row.card.id, .group = body->group, .member = body->member, .mac = body->mac};
    struct gx_people *p = &e->people;
    uint32_t waiting_too = 0;

    for (uint32_t i = 0; i < e->n_groups; i++)
        if (gx_group_id_equal(&e->groups[i]->row.id, &told.group))
            gx_group_settle(e, e->groups[i]);
    for (uint32_t i = 0; i < p->n_told && e->fault == GX_OK;) {         /* of one group the latest word counts */
        bool theirs = gx_sign_pk_equal(&p->told[i].contact, &told.contact);

        if (theirs && gx_group_id_equal(&p->told[i].group, &told.group)) {
            gx_told_drop(e, i);
        } else {
            waiting_too += theirs;
            i++;
        }
    }
    if (looked_at(e, c, &told))
        return;
    if (waiting_too >= GX_TOLD_MAX)
        gx_engine_drop(e, "told_full");
    else
        gx_told_add(e, &told);
}

void gx_letters_again(struct gx_engine *e, const struct gx_group *g)
{
    struct gx_people *p = &e->people;

    for (uint32_t i = 0; i < p->n_told && e->fault == GX_OK;) {
        const struct gx_told_row *told = &p->told[i];
        const struct gx_contact *c = gx_group_id_equal(&told->group, &g->row.id) ? gx_contact_by_id(e, &told->contact) : NULL;

        /* Blocked since, too: the block may be taken back, and this is not said twice. */
        if (c != NULL && looked_at(e, c, told))
            gx_told_drop(e, i);
        else
            i++;
    }
}

void gx_letters_take_event(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_event *ev)
{
    const struct gx_contact *c = g->logs[log].own ? NULL : gx_group_contact(e, g);
    struct gx_body plain;

    if (c == NULL || !gx_contact_wanted(c) || (ev->type != GX_EV_INVITE && ev->type != GX_EV_REVEAL) || !gx_message_open_at(e, g, &g->logs[log], ev, &plain))
        return;
    if (ev->type == GX_EV_INVITE)
        take_invite(e, c, ev, &plain.u.invite);
    else
        take_reveal(e, c, ev, &plain.u.reveal);
}

void gx_letters_take(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_chunk *chunk)
{
    struct gx_chunk_iter it;
    struct gx_event ev;

    gx_chunk_begin(&it, chunk, &g->row.id);
    while (e->fault == GX_OK && gx_group_is_direct(g) && gx_chunk_next(&it, &ev, NULL) == GX_OK)
        gx_letters_take_event(e, g, log, &ev);
}
