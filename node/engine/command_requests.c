/* What waits for this person's answer: people who scanned their card, contacts' invitations, and groups that their owners want to hand over. */
#include "node/engine/commands.h"
#include "node/engine/people.h"

#define CANDIDATES_MAX 16u

enum kind { CONTACT, INVITE, TRANSFER };

struct request {
    enum kind kind;
    struct gx_contact *contact;     /* CONTACT, INVITE: who asks */
    uint32_t invited;               /* INVITE: in the table */
    struct gx_group *g;             /* TRANSFER */
    uint32_t offer;
};

/* The owner's offer, when it is to this person and was not answered. */
static uint32_t open_offer(const struct gx_group *g)
{
    uint32_t offer = gx_group_is_member(g) ? gx_group_offer(g) : GX_NONE;

    return offer != GX_NONE && g->law.nodes[offer].op.target == g->me && gx_group_reply(g, offer) == GX_NONE ? offer : GX_NONE;
}

/* The next request at or behind *at, which goes on behind it. */
static bool next(struct gx_engine *e, uint32_t *at, struct request *out)
{
    const struct gx_people *p = &e->people;

    for (; *at < p->n + p->n_invited + e->n_groups; ++*at) {
        uint32_t i = *at;

        *out = (struct request){.kind = CONTACT};
        if (i < p->n) {
            out->contact = gx_contact_asks(&p->contacts[i]) ? &p->contacts[i] : NULL;
        } else if (i < p->n + p->n_invited) {
            out->kind = INVITE;
            out->invited = i - p->n;
            out->contact = gx_contact_by_id(e, &p->invited[out->invited].contact);
            if (out->contact != NULL && !gx_contact_wanted(out->contact))
                out->contact = NULL;
        } else {
            out->kind = TRANSFER;
            out->g = e->groups[i - p->n - p->n_invited];
            out->offer = open_offer(out->g);
        }
        if (out->contact == NULL && (out->g == NULL || out->offer == GX_NONE))
            continue;
        ++*at;
        return true;
    }
    return false;
}

static const uint8_t *id_of(const struct gx_engine *e, const struct request *r)
{
    switch (r->kind) {
    case CONTACT:
        return r->contact->row.card.id.b;
    case INVITE:
        return e->people.invited[r->invited].invite.b;
    case TRANSFER:
        return r->g->law.nodes[r->offer].op.id.b;
    }
    GX_ASSERT(!"a kind of request that is not in the list");
}

static const char *from_of(struct gx_engine *e, const struct request *r)
{
    return r->kind == TRANSFER ? gx_person_label(e, r->g, r->g->law.nodes[r->offer].op.author) : gx_contact_label(e, r->contact);
}

/* The name of the group that it is about, "" when it is about none or nobody said. */
static const char *name_of(struct gx_engine *e, const struct request *r)
{
    const char *name = "";

    if (r->kind == TRANSFER)
        name = gx_group_name(e, r->g);
    else if (r->kind == INVITE)
        name = gx_arena_text(&e->arena, e->people.invited[r->invited].title, e->people.invited[r->invited].title_bytes);
    return name == NULL ? "" : name;
}

/* The id of a group that is known by its CREATE. */
static bool id_of_create(struct gx_event_id *out, const uint8_t create[GX_CREATE_EVENT_BYTES])
{
    struct gx_event ev;

    if (gx_event_decode(&ev, gx_span(create, GX_CREATE_EVENT_BYTES)) != GX_OK)
        return false;
    *out = ev.id;
    return true;
}

static void put_request(struct gx_answer_builder *b, const struct request *r)
{
    static const char *const kinds[] = {[CONTACT] = "contact", [INVITE] = "invite", [TRANSFER] = "transfer"};
    const char *mark = r->contact == NULL ? NULL : gx_contact_mark(b->e, r->contact);
    struct gx_event_id id;

    gx_answers_hex(b, "id", id_of(b->e, r), 32);
    gx_answers_kept(b, "kind", kinds[r->kind]);
    gx_answers_kept(b, "from", from_of(b->e, r));
    if (r->contact != NULL)
        gx_answers_hex(b, "who", r->contact->row.card.id.b, 32);
    if (mark != NULL)
        gx_answers_kept(b, "mark", mark);
    if (r->contact != NULL && (r->contact->row.flags & GX_CONTACT_CHANGED) != 0)
        gx_answers_bool(b, "changed", true);
    if (r->kind == TRANSFER)
        gx_answers_hex(b, "group", r->g->row.id.b, sizeof r->g->row.id.b);
    else if (r->kind == INVITE && id_of_create(&id, b->e->people.invited[r->invited].create))
        gx_answers_hex(b, "group", id.b, sizeof id.b);
    if (r->kind != CONTACT)
        gx_answers_kept(b, "name", name_of(b->e, r));
    gx_answers_number(b, "since_ms", r->kind == CONTACT  ? r->contact->row.since_ms
                                     : r->kind == INVITE ? b->e->people.invited[r->invited].since_ms
                                                         : r->g->ops[r->offer].wall_ms);
}

void gx_command_requests(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    struct request r;

    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_list(&b, "requests");
    for (uint32_t at = 0; next(e, &at, &r);) {
        gx_answers_object(&b, NULL);
        put_request(&b, &r);
        gx_answers_end(&b);
    }
    gx_answers_end(&b);
    gx_answers_send(&b);
}

/* By the id's beginning, by the group's name, or by who asks. */
static bool is_meant(struct gx_engine *e, const struct request *r, const char *text)
{
    const char *digits = text[0] == ':' ? text + 1 : text, *name = text[0] == '@' ? text + 1 : text;

    if (strlen(digits) >= GX_ID_PREFIX_MIN && gx_hex_prefix(digits, id_of(e, r), 32))
        return true;
    return strcmp(name, from_of(e, r)) == 0 || (text[0] != 0 && strcmp(text, name_of(e, r)) == 0);
}

static bool find(struct gx_answer_builder *b, struct request *out, const char *text)
{
    struct request found[CANDIDATES_MAX], r;
    uint32_t n = 0;

    for (uint32_t at = 0; n < CANDIDATES_MAX && next(b->e, &at, &r);)
        if (is_meant(b->e, &r, text))
            found[n++] = r;
    if (n == 1)
        *out = found[0];
    if (n == 1)
        return true;
    if (n == 0) {
        gx_answers_refuse(b, GX_E_ABSENT, "see `guanxi requests`", "nothing like that waits for an answer");
        return false;
    }
    gx_answers_list(b, "candidates");
    for (uint32_t i = 0; i < n; i++) {
        gx_answers_object(b, NULL);
        put_request(b, &found[i]);
        gx_answers_end(b);
    }
    gx_answers_end(b);
    gx_answers_refuse(b, GX_E_AMBIGUOUS, "name it by : and the beginning of its id", "%u requests are meant by that", n);
    return false;
}

/* --- answering --------------------------------------------------------------------------------------------------------------------------- */

/* Who is refused is not told. */
static bool reply_contact(struct gx_answer_builder *b, struct gx_contact *c, bool yes)
{
    if (!yes) {
        gx_contact_set(b->e, c, (uint8_t)((c->row.flags | GX_CONTACT_REMOVED) & ~(unsigned)GX_CONTACT_AGAIN));
        return true;
    }
    if (gx_card_accept(b->e, c))
        return true;
    if (b->e->fault == GX_OK)
        gx_answers_refuse(b, GX_E_TOO_BIG, NULL, "a node has room for %u groups and direct chats, and is full", GX_GROUPS_MAX);
    return false;
}

static bool reply_invite(struct gx_answer_builder *b, uint32_t invited, bool yes)
{
    struct gx_engine *e = b->e;
    const struct gx_invited_row row = e->people.invited[invited];
    struct gx_asked_row asked = {.contact = row.contact, .inviter = row.inviter, .title_bytes = row.title_bytes};
    struct gx_group *g = NULL;
    struct gx_event ev;

    memcpy(asked.title, row.title, row.title_bytes);
    if (yes && gx_event_decode(&ev, gx_span(row.create, sizeof row.create)) == GX_OK) {
        for (uint32_t i = 0; i < e->n_groups; i++) {
            if (!gx_group_is_member(e->groups[i]) || memcmp(e->groups[i]->row.id.b, ev.id.b, sizeof ev.id.b) != 0)
                continue;
            gx_answers_no(b, "member_already", NULL, "you are a member of %s already", gx_group_label(e, e->groups[i]));
            gx_invited_drop(e, invited);
            return false;
        }
        g = gx_ask_begin(e, &ev, &asked);
    }
    if (yes && g == NULL) {
        if (e->fault == GX_OK)
            gx_answers_refuse(b, GX_E_TOO_BIG, NULL, "a node has room for %u groups and direct chats, and is full", GX_GROUPS_MAX);
        return false;
    }
    gx_invited_drop(e, invited);
    if (yes)
        gx_sessions_new_group(e, g);
    return e->fault == GX_OK;
}

static bool reply_transfer(struct gx_answer_builder *b, struct gx_group *g, uint32_t offer, bool yes)
{
    struct gx_body body = {.type = GX_EV_ACCEPT};
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    body.u.accept.answer = yes ? GX_ACCEPT_YES : GX_ACCEPT_NO;
    body.u.accept.offer = g->law.nodes[offer].op.id;
    if (yes) {
        uint8_t bytes[GX_ACCEPT_SIGNED_BYTES];

        gx_author_device_key(b->e, g, &pk, &sk);
        gx_accept_signed_bytes(bytes, &g->row.id, &body.u.accept.offer, &g->row.intro.member, &pk);
        gx_sign(&body.u.accept.sig, &sk, GX_DOMAIN_ACCEPT, gx_span(bytes, sizeof bytes));
        gx_wipe(&sk, sizeof sk);
    }

    enum gx_err err = gx_author_write(b->e, g, &body, NULL, NULL);

    if (err == GX_OK && b->e->fault == GX_OK)
        return true;
    gx_write_refuse(b, err);
    return false;
}

static void reply(struct gx_engine *e, uint64_t client, const struct gx_command *cmd, bool yes)
{
    struct gx_answer_builder b;
    struct request r;
    bool ok = false;

    gx_answers_begin(&b, e, client, cmd->request);
    if (!find(&b, &r, cmd->who))
        return;
    put_request(&b, &r);
    switch (r.kind) {
    case CONTACT:
        ok = reply_contact(&b, r.contact, yes);
        break;
    case INVITE:
        ok = reply_invite(&b, r.invited, yes);
        break;
    case TRANSFER:
        ok = reply_transfer(&b, r.g, r.offer, yes);
        break;
    }
    if (!ok)
        return;
    gx_answers_kept(&b, "state", yes ? "accepted" : "refused");
    gx_answers_send(&b);
}

void gx_command_accept(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    reply(e, client, cmd, true);
}

void gx_command_refuse(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    reply(e, client, cmd, false);
}
