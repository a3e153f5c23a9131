/* People: cards, contacts, and who somebody is. */
#include "node/engine/commands.h"
#include "node/engine/people.h"
#include "proto/card.h"
#include "proto/name.h"

/* --- finding ----------------------------------------------------------------------------------------------------------------------------- */

/* Whoever has a petname goes by it alone: what others call themselves takes nobody's name away. */
static bool is_named(const struct gx_contact *c, const char *name, bool petname)
{
    size_t n = strlen(name);

    if (petname)
        return n == c->row.petname_bytes && memcmp(name, c->row.petname, n) == 0;
    return c->row.petname_bytes == 0 && n == c->row.name_bytes && memcmp(name, c->row.name, n) == 0;
}

static bool is_meant(const struct gx_contact *c, enum gx_contact_find want)
{
    return want == GX_FIND_ANYBODY || (gx_contact_wanted(c) && (c->row.mine != 0 || c->row.theirs != 0));
}

struct search {
    struct gx_engine *e;
    struct gx_contact **out;
    uint32_t cap, n;
    enum gx_contact_find want;
};

static void found(struct search *s, struct gx_contact *c)
{
    for (uint32_t i = 0; i < s->n && i < s->cap; i++)
        if (s->out[i] == c)
            return;
    if (s->n < s->cap)
        s->out[s->n] = c;
    s->n++;
}

static void by_name(struct search *s, const char *name, bool petname, bool in_touch)
{
    for (uint32_t i = 0; i < s->e->people.n; i++) {
        struct gx_contact *c = &s->e->people.contacts[i];

        if (is_meant(c, s->want) && gx_contact_wanted(c) == in_touch && is_named(c, name, petname))
            found(s, c);
    }
}

static void by_digits(struct search *s, const char *digits)
{
    for (uint32_t i = 0; i < s->e->people.n; i++)
        if (is_meant(&s->e->people.contacts[i], s->want) && gx_hex_prefix(digits, s->e->people.contacts[i].row.card.id.b, 32))
            found(s, &s->e->people.contacts[i]);
}

/* Petnames first, then what people call themselves; those who were blocked or removed only when nobody else is meant.  Digits count beside a name that
 * somebody gave themself: it may have been chosen to look like another's. */
uint32_t gx_contact_search(struct gx_engine *e, struct gx_contact **out, uint32_t cap, const char *who, enum gx_contact_find want)
{
    struct search s = {.e = e, .out = out, .cap = cap, .want = want};
    bool is_id = who[0] == ':', is_name = who[0] == '@';
    const char *text = is_id || is_name ? who + 1 : who;

    if (!is_id && text[0] != 0) {
        by_name(&s, text, true, true);
        if (s.n > 0)
            return s.n;
        by_name(&s, text, false, true);
    }
    if (strlen(text) >= GX_ID_PREFIX_MIN)
        by_digits(&s, text);
    if (s.n == 0 && !is_id && text[0] != 0) {
        by_name(&s, text, true, false);
        by_name(&s, text, false, false);
    }
    return s.n;
}

static void put_name(struct gx_answer_builder *b, const struct gx_contact *c)
{
    gx_answers_hex(b, "who", c->row.card.id.b, 32);
    gx_answers_kept(b, "name", gx_contact_label(b->e, c));
}

struct gx_contact *gx_contact_find(struct gx_answer_builder *b, const char *who, enum gx_contact_find want)
{
    struct gx_contact *found[GX_WHERE_CANDIDATES_MAX];
    uint32_t n = gx_contact_search(b->e, found, GX_WHERE_CANDIDATES_MAX, who, want);

    if (n == 1)
        return found[0];
    if (n == 0) {
        gx_answers_refuse(b, GX_E_ABSENT, "see `guanxi contact list`", "there is no contact %s here",
                          strlen(who) > GX_NAME_BYTES_MAX + 1 ? "of so long a name" : who);
        return NULL;
    }
    gx_answers_list(b, "candidates");
    for (uint32_t i = 0; i < n && i < GX_WHERE_CANDIDATES_MAX; i++) {
        gx_answers_object(b, NULL);
        put_name(b, found[i]);
        gx_answers_end(b);
    }
    gx_answers_end(b);
    gx_answers_refuse(b, GX_E_AMBIGUOUS, "name one by : and the beginning of their id, as `guanxi contact list` shows it",
                      "%u contacts are meant by %s", n, who);
    return NULL;
}

/* --- showing ----------------------------------------------------------------------------------------------------------------------------- */

static const char *state_of(struct gx_engine *e, const struct gx_contact *c)
{
    if ((c->row.flags & GX_CONTACT_REMOVED) != 0)
        return "removed";
    if (gx_contact_is_met(e, c))
        return "contact";
    return (c->row.flags & GX_CONTACT_ASKS) != 0 ? "asks" : "asked";
}

static void put_contact(struct gx_answer_builder *b, const struct gx_contact *c)
{
    struct gx_engine *e = b->e;
    const struct gx_group *chat = gx_contact_chat(e, c);

    const char *mark = gx_contact_mark(e, c);

    put_name(b, c);
    if (mark != NULL)
        gx_answers_kept(b, "mark", mark);
    if (c->row.petname_bytes > 0)
        gx_answers_kept(b, "petname", gx_contact_label(e, c));
    gx_answers_bool(b, "verified", (c->row.flags & GX_CONTACT_VERIFIED) != 0);
    gx_answers_bool(b, "blocked", (c->row.flags & GX_CONTACT_BLOCKED) != 0);
    gx_answers_bool(b, "changed", (c->row.flags & GX_CONTACT_CHANGED) != 0);
    gx_answers_kept(b, "state", state_of(e, c));
    if (chat != NULL && gx_contact_wanted(c)) {
        gx_answers_kept(b, "where", gx_answers_format(e, "@%s", gx_contact_label(e, c)));
        gx_answers_number(b, "unread", gx_messages_unread(chat));
    }
}

void gx_command_contact_list(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_list(&b, "contacts");
    for (uint32_t i = 0; i < e->people.n; i++) {
        const struct gx_contact *c = &e->people.contacts[i];

        /* Who only asks is a request; who was removed and is not blocked is nobody's any more. */
        if ((c->row.flags & (GX_CONTACT_REMOVED | GX_CONTACT_BLOCKED)) == GX_CONTACT_REMOVED ||
            (c->row.mine == 0 && c->row.theirs == 0 && gx_contact_asks(c)))
            continue;
        gx_answers_object(&b, NULL);
        put_contact(&b, c);
        gx_answers_end(&b);
    }
    gx_answers_end(&b);
    gx_answers_send(&b);
}

static void put_text(struct gx_answer_builder *b, const char *key, const uint8_t *p, size_t n)
{
    const char *text = n == 0 ? NULL : gx_arena_text(&b->e->arena, p, n);

    if (text != NULL)
        gx_answers_kept(b, key, text);
}

void gx_command_contact_show(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    const struct gx_contact *c = NULL;

    gx_answers_begin(&b, e, client, cmd->request);
    c = gx_contact_find(&b, cmd->who, GX_FIND_ANYBODY);
    if (c == NULL)
        return;
    put_contact(&b, c);
    put_text(&b, "claimed", c->row.name, c->row.name_bytes);
    put_text(&b, "was", c->row.was, c->row.was_bytes);
    gx_answers_number(&b, "since_ms", c->row.since_ms);
    gx_answers_list(&b, "groups");
    for (uint32_t i = 0; i < e->people.n_revealed; i++) {
        const struct gx_revealed *r = &e->people.revealed[i];
        struct gx_group *g = gx_group_by_gnum(e, r->group);

        if (g == NULL || !gx_sign_pk_equal(&r->contact, &c->row.card.id))
            continue;
        gx_answers_object(&b, NULL);
        gx_answers_hex(&b, "group", g->row.id.b, sizeof g->row.id.b);
        gx_answers_kept(&b, "name", gx_group_name(e, g));
        gx_answers_hex(&b, "member", r->member.b, 32);
        gx_answers_end(&b);
    }
    gx_answers_end(&b);
    gx_answers_send(&b);
}

/* --- becoming contacts --------------------------------------------------------------------------------------------------------------------- */

struct fault {
    enum gx_err err;
    const char *text, *hint;
};

static struct fault fault_of(enum gx_err err, const char *text)
{
    if (gx_code_kind(text) == GX_TOKEN_KIND_INVITE)
        return (struct fault){GX_E_USAGE, "this is an invitation to a group, and no card", "guanxi join takes it"};
    if (err == GX_E_VERSION)
        return (struct fault){err, "this card is of a later version", "update guanxi"};
    if (err == GX_E_SIGNATURE)
        return (struct fault){err, "this card was misread, or is a forgery", "scan or paste it again"};
    return (struct fault){GX_E_MALFORMED, "this is no card", "a card begins with GX1: and is shown by `guanxi id --qr`"};
}

static bool read_places(struct gx_answer_builder *b, struct gx_contact_row *row, const struct gx_addr *hint, const struct gx_command *cmd)
{
    row->n_addrs = 0;
    if (hint->family != 0)
        row->addrs[row->n_addrs++] = *hint;
    for (size_t i = 0; i < cmd->n_at; i++) {
        struct gx_addr addr;

        if (gx_addr_parse(&addr, cmd->at[i], false) != GX_OK) {
            gx_answers_refuse(b, GX_E_USAGE, "like 192.168.1.5:7448 or [fe80::1]:7448", "%s is no address with a port", cmd->at[i]);
            return false;
        }
        if (row->n_addrs < GX_JOIN_ADDRS_MAX)
            row->addrs[row->n_addrs++] = addr;
    }
    return true;
}

static bool set_petname(struct gx_answer_builder *b, struct gx_contact *c, const char *name)
{
    size_t n = strlen(name);

    if (n > 0 && (!gx_name_ok(name, GX_NAME_BYTES_MAX) || !gx_name_plain(name) || name[0] == ':' || name[0] == '@')) {
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a name is 1 to %u bytes of UTF-8, not only blanks, with nothing that is not seen, and "
                          "does not begin with : or @", GX_NAME_BYTES_MAX);
        return false;
    }
    memcpy(c->row.petname, name, n);
    c->row.petname_bytes = (uint16_t)n;
    c->dirty = true;
    return true;
}

/* Whom the code names: known, or new. */
static struct gx_contact *meet(struct gx_answer_builder *b, const struct gx_card *card)
{
    struct gx_contact *c = gx_contact_by_id(b->e, &card->id);

    if (c == NULL) {
        c = gx_contact_add(b->e, card);
        if (c == NULL)
            gx_answers_refuse(b, GX_E_TOO_BIG, "remove some", "a node knows %u people and does", GX_CONTACTS_MAX);
        return c;
    }
    if ((c->row.flags & GX_CONTACT_BLOCKED) != 0) {
        gx_answers_no(b, "blocked", "guanxi contact unblock takes it back", "you have blocked %s", gx_contact_label(b->e, c));
        return NULL;
    }
    if (!gx_contact_renew(b->e, c, card)) {
        gx_answers_refuse(b, GX_E_EXPIRED, "ask them for their card of today", "this card of %s is an old one: they have had a newer since",
                          gx_contact_label(b->e, c));
        return NULL;
    }
    return c;
}

static void add(struct gx_answer_builder *b, const struct gx_card_code *code, const struct gx_command *cmd)
{
    struct gx_engine *e = b->e;
    struct gx_contact_row places = {.n_addrs = 0};
    struct gx_contact *c = read_places(b, &places, &code->hint, cmd) ? meet(b, &code->card) : NULL;
    bool is_new = false;

    if (c == NULL || (cmd->name != NULL && !set_petname(b, c, cmd->name)))
        return;
    c->row.seed = code->seed;
    if (places.n_addrs > 0) {
        memcpy(c->row.addrs, places.addrs, sizeof c->row.addrs);
        c->row.n_addrs = places.n_addrs;
    }
    gx_contact_set(e, c, (uint8_t)(c->row.flags & ~(unsigned)(GX_CONTACT_REMOVED | GX_CONTACT_AGAIN)));
    if (gx_contact_is_met(e, c)) {
        put_contact(b, c);
        gx_answers_send(b);
        return;
    }
    if ((c->row.flags & GX_CONTACT_ASKS) != 0)
        is_new = !gx_card_accept(e, c);         /* they asked before: this is the answer */
    else if (c->row.mine == 0 && c->row.theirs == 0)
        is_new = !gx_card_found(e, c);
    if (is_new && e->fault == GX_OK) {
        gx_answers_refuse(b, GX_E_TOO_BIG, NULL, "a node has room for %u groups and direct chats, and is full", GX_GROUPS_MAX);
        return;
    }
    c->next_ms = e->now.mono_ms;
    c->next_addr = 0;
    gx_engine_wake(e, e->now.mono_ms);
    gx_lan_hurry(e);
    put_contact(b, c);
    gx_answers_bool(b, "reachable", c->row.n_addrs > 0 || e->n_manual > 0 || gx_lan_is_on(e) || c->row.theirs != 0);
    gx_answers_send(b);
}

void gx_command_contact_add(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    struct gx_card_code code;
    enum gx_err err = gx_card_parse(&code, cmd->token);

    gx_answers_begin(&b, e, client, cmd->request);
    if (err != GX_OK) {
        struct fault fault = fault_of(err, cmd->token);

        gx_answers_refuse(&b, fault.err, fault.hint, "%s", fault.text);
    } else if (gx_sign_pk_equal(&code.card.id, &e->config.person.id)) {
        gx_answers_no(&b, "own_card", "show it to somebody else: guanxi id --qr", "this is your own card");
    } else {
        add(&b, &code, cmd);
    }
    gx_wipe(&code, sizeof code);
}

/* --- changing -------------------------------------------------------------------------------------------------------------------------------- */

void gx_command_contact_name(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    struct gx_contact *c = NULL;

    gx_answers_begin(&b, e, client, cmd->request);
    c = gx_contact_find(&b, cmd->who, GX_FIND_ANYBODY);
    if (c == NULL || !set_petname(&b, c, cmd->name))
        return;
    put_name(&b, c);
    gx_answers_send(&b);
}

void gx_command_contact_verify(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    struct gx_contact *c = NULL;
    char words[GX_SAFETY_TEXT_BYTES];

    gx_answers_begin(&b, e, client, cmd->request);
    c = gx_contact_find(&b, cmd->who, GX_FIND_ANYBODY);
    if (c == NULL)
        return;
    if (cmd->yes && e->config.offline) {
        gx_answers_refuse(&b, GX_E_USAGE, "start the node: guanxi up -d", "the mark needs a running node");
        return;
    }
    if (cmd->yes)
        gx_contact_set(e, c, (uint8_t)((c->row.flags & ~(unsigned)GX_CONTACT_CHANGED) | GX_CONTACT_VERIFIED));
    gx_safety_words(words, &e->config.person.id, &c->row.card.id);
    put_name(&b, c);
    gx_answers_text(&b, "words", words);
    gx_answers_bool(&b, "verified", (c->row.flags & GX_CONTACT_VERIFIED) != 0);
    gx_answers_bool(&b, "changed", (c->row.flags & GX_CONTACT_CHANGED) != 0);
    gx_answers_send(&b);
}

static void change(struct gx_engine *e, uint64_t client, const struct gx_command *cmd, unsigned on, unsigned off, const char *state)
{
    struct gx_answer_builder b;
    struct gx_contact *c = NULL;

    gx_answers_begin(&b, e, client, cmd->request);
    c = gx_contact_find(&b, cmd->who, GX_FIND_ANYBODY);
    if (c == NULL)
        return;
    gx_contact_set(e, c, (uint8_t)((c->row.flags | on) & ~off));
    put_name(&b, c);
    gx_answers_kept(&b, "state", state);
    gx_answers_send(&b);
}

/* By the id of a request too: of the invitation, who sent it. */
static const char *asker(struct gx_engine *e, const char *who)
{
    const char *digits = who[0] == ':' ? who + 1 : who;

    for (uint32_t i = 0; i < e->people.n_invited && strlen(digits) >= GX_ID_PREFIX_MIN; i++) {
        char id[GX_HEX_BYTES(32)];

        if (!gx_hex_prefix(digits, e->people.invited[i].invite.b, 32))
            continue;
        gx_hex(id, e->people.invited[i].contact.b, 32);
        return gx_answers_format(e, ":%s", id);
    }
    return who;
}

void gx_command_contact_block(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_command by = *cmd;

    by.who = asker(e, cmd->who);
    cmd = &by;
    change(e, client, cmd, GX_CONTACT_BLOCKED, 0, "blocked");
}

void gx_command_contact_unblock(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    change(e, client, cmd, 0, GX_CONTACT_BLOCKED, "unblocked");
}

void gx_command_contact_remove(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    change(e, client, cmd, GX_CONTACT_REMOVED, GX_CONTACT_VERIFIED, "removed");
}

/* Everybody who has this person for a contact hears the new name; groups do not. */
void gx_command_profile_set(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_body body = {.type = GX_EV_ALIAS, .u.alias.name = gx_span(cmd->name, strlen(cmd->name))};
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    if (!gx_name_ok(cmd->name, GX_NAME_BYTES_MAX) || !gx_name_plain(cmd->name)) {
        gx_answers_refuse(&b, GX_E_USAGE, NULL, "a name is 1 to %u bytes of UTF-8, not only blanks, with nothing that is not seen", GX_NAME_BYTES_MAX);
        return;
    }
    for (uint32_t i = 0; i < e->n_groups && e->fault == GX_OK; i++)
        if (gx_group_is_direct(e->groups[i]) && gx_group_is_member(e->groups[i]))
            (void)gx_author_write(e, e->groups[i], &body, NULL, NULL);

    char *kept = gx_arena_text(&e->arena, cmd->name, strlen(cmd->name));

    if (kept == NULL || e->fault != GX_OK)
        return;
    memcpy(e->config.name, kept, strlen(kept) + 1);
    gx_engine_effect(e, GX_OUT_NAME)->bytes = gx_span(kept, strlen(kept));
    gx_answers_kept(&b, "name", kept);
    gx_answers_send(&b);
}

/* --- who is who ------------------------------------------------------------------------------------------------------------------------------ */

/* The direct chat in which something can be said to them now; refuses when there is none. */
static struct gx_group *chat_or_deny(struct gx_answer_builder *b, const struct gx_contact *c)
{
    struct gx_group *chat = gx_contact_chat(b->e, c);

    if (chat != NULL && gx_group_is_member(chat) && gx_contact_is_met(b->e, c))
        return chat;
    gx_answers_no(b, "not_yet", "it goes when they have answered", "%s has not said yes to being your contact yet", gx_contact_label(b->e, c));
    return NULL;
}

void gx_command_group_reveal(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd), *chat = NULL;
    struct gx_body body = {.type = GX_EV_REVEAL};
    struct gx_answer_builder b;
    struct gx_contact *c = NULL;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (!gx_member_or_deny(&b, g) || (c = gx_contact_find(&b, cmd->who, GX_FIND_CONTACT)) == NULL || (chat = chat_or_deny(&b, c)) == NULL)
        return;
    body.u.reveal = (struct gx_body_reveal){.wall_ms = gx_author_minute(e->now), .group = g->row.id, .member = g->row.intro.member};
    if (!gx_reveal_make(&body.u.reveal.mac, &e->config.card_sk, &g->row.prekey_sk, &c->row.card.key, g->row.id.b, &g->row.intro.member)) {
        gx_answers_refuse(&b, GX_E_MALFORMED, NULL, "the key in their card cannot be used");
        return;
    }

    enum gx_err err = gx_author_write(e, chat, &body, NULL, NULL);

    if (err != GX_OK || e->fault != GX_OK) {
        gx_write_refuse(&b, err);
        return;
    }
    gx_answers_hex(&b, "group", g->row.id.b, sizeof g->row.id.b);
    put_name(&b, c);
    gx_answers_kept(&b, "state", "told");
    gx_answers_send(&b);
}

/* CREATE as it was written: what a group is known by. */
static bool put_create(struct gx_engine *e, struct gx_group *g, struct gx_body_invite *body)
{
    struct gx_wr w = gx_engine_wr(e, GX_CREATE_EVENT_BYTES);
    struct gx_event ev;
    struct gx_body create;

    if (!gx_group_read(e, g, &g->logs[g->ops[0].log], g->ops[0].seq, &ev, &create))
        return false;
    gx_event_encode(&w, &ev);
    body->create = gx_wr_span(&w);
    return !w.failed;
}

void gx_invite_contact(struct gx_answer_builder *b, struct gx_group *g, const struct gx_command *cmd, uint64_t until_ms)
{
    struct gx_engine *e = b->e;
    struct gx_contact *c = gx_contact_find(b, cmd->who, GX_FIND_CONTACT);
    struct gx_group *chat = c == NULL ? NULL : chat_or_deny(b, c);
    struct gx_body body = {.type = GX_EV_INVITE};
    const char *title = gx_group_name(e, g);

    if (chat == NULL)
        return;
    for (uint32_t i = 0; i < e->people.n_revealed; i++) {
        const struct gx_revealed *r = &e->people.revealed[i];
        uint32_t person = gx_group_id_equal(&r->id, &g->row.id) && gx_sign_pk_equal(&r->contact, &c->row.card.id) ? gx_group_person(e, g, &r->member) : GX_NONE;

        if (person != GX_NONE && gx_law_is_banned(&g->law, person)) {
            gx_answers_deny(b, GX_DENY_BANNED, "guanxi group unban lets them back in", "%s is banned from %s", gx_contact_label(e, c),
                            gx_group_label(e, g));
            return;
        }
        if (person != GX_NONE && gx_law_is_member(&g->law, person)) {
            gx_answers_no(b, "member_already", NULL, "%s is a member of %s already", gx_contact_label(e, c), gx_group_label(e, g));
            return;
        }
    }
    if (!gx_offer(e, g, &c->row.card.id, until_ms)) {
        gx_answers_refuse(b, GX_E_TOO_BIG, "wait until some have answered", "%u contacts are invited into %s and have not come", GX_OFFERED_MAX,
                          gx_group_label(e, g));
        return;
    }
    body.u.invite = (struct gx_body_invite){.wall_ms = gx_author_minute(e->now), .inviter = g->row.intro.member};
    if (title[0] != 0)
        body.u.invite.title = gx_span(title, strlen(title));

    enum gx_err err = put_create(e, g, &body.u.invite) ? gx_author_write(e, chat, &body, NULL, NULL) : e->fault;

    if (err != GX_OK || e->fault != GX_OK) {
        gx_write_refuse(b, err);
        return;
    }
    gx_answers_kept(b, "kind", "contact");
    gx_answers_hex(b, "group", g->row.id.b, sizeof g->row.id.b);
    gx_answers_hex(b, "contact", c->row.card.id.b, 32);
    gx_answers_kept(b, "name", gx_contact_label(e, c));
    gx_answers_number(b, "expires_ms", until_ms);
    gx_answers_kept(b, "state", "sent");
    gx_answers_send(b);
}
