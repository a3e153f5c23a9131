/* Contacts and direct chats.  node/README.md §3, WIRE §6.23. */
#ifndef GX_ENGINE_PEOPLE_H
#define GX_ENGINE_PEOPLE_H

#include "node/engine/answers.h"

/* --- people.c: the tables --------------------------------------------------------------------------------------------------------------- */

enum gx_err gx_people_load(struct gx_engine *e);
void gx_people_free(struct gx_engine *e);
void gx_people_flush(struct gx_engine *e);                  /* rows that changed, at the end of a step */
/* This node is a member of g: nobody has to invite it any more. */
void gx_people_joined(struct gx_engine *e, const struct gx_group *g);
/* A group is forgotten: nothing refers to it any more. */
void gx_people_group_gone(struct gx_engine *e, const struct gx_group *g);

struct gx_contact *gx_contact_by_id(struct gx_engine *e, const struct gx_sign_pk *id);
/* A new one, or NULL when there is no room (counted) or at fault. */
struct gx_contact *gx_contact_add(struct gx_engine *e, const struct gx_card *card);
/* A card of somebody known came: keeps it if it is newer, and then warns when its key is another.  False for an older one. */
bool gx_contact_renew(struct gx_engine *e, struct gx_contact *c, const struct gx_card *card);
/* Do they wait for this person's answer? */
bool gx_contact_asks(const struct gx_contact *c);
/* Their direct chats are these from now on: others that they had are nobody's, and silent. */
void gx_contact_chats(struct gx_engine *e, struct gx_contact *c, uint32_t mine, uint32_t theirs);
/* Blocked, removed, or neither any more: their direct chats are there for nobody, or again. */
void gx_contact_set(struct gx_engine *e, struct gx_contact *c, uint8_t flags);
/* Is the person in touch with them: not blocked, not removed? */
bool gx_contact_wanted(const struct gx_contact *c);
/* The direct chat to write to: of two the one with the lower id that both are in; else what there is.  NULL: none. */
struct gx_group *gx_contact_chat(struct gx_engine *e, const struct gx_contact *c);
/* Are both of them in a direct chat? */
bool gx_contact_is_met(struct gx_engine *e, const struct gx_contact *c);
/* petname, what they call themself, or the first digits of their id.  Step arena. */
const char *gx_contact_label(struct gx_engine *e, const struct gx_contact *c);

static inline bool gx_group_is_direct(const struct gx_group *g)
{
    return g->has_create && g->rules.kind == GX_GROUP_DIRECT;
}
/* Whose direct chat it is; NULL: it is none, or they are not known any more. */
struct gx_contact *gx_group_contact(struct gx_engine *e, const struct gx_group *g);
/* The contact that a person of a group is known to be; NULL: nobody told. */
struct gx_contact *gx_person_contact(struct gx_engine *e, const struct gx_group *g, uint32_t person);
/* What to be warned of in their name: it looks like another contact's ("lookalike"), or part of it is not seen ("invisible").  NULL: nothing. */
const char *gx_contact_mark(struct gx_engine *e, const struct gx_contact *c);
void gx_reveal_note(struct gx_engine *e, const struct gx_group *g, const struct gx_sign_pk *member, const struct gx_sign_pk *contact);
/* One chat to the person: the same group, or the two that the same two people founded. */
bool gx_same_chat(struct gx_engine *e, const struct gx_group *a, const struct gx_group *b);
/* Tell who watches everything: kind is static.  what: "contact", "invite" (they ask), "met", "renamed", "keys" (their card's key is another), "denied". */
void gx_watch_people(struct gx_engine *e, const struct gx_contact *c, const char *what, const char *name);
/* Names that contacts gave themselves in direct chats: noticed when they change. */
void gx_people_look(struct gx_engine *e, struct gx_group *g);

struct gx_invited_row *gx_invited_add(struct gx_engine *e, const struct gx_invited_row *row);
void gx_invited_drop(struct gx_engine *e, uint32_t i);
void gx_told_add(struct gx_engine *e, const struct gx_told_row *row);
void gx_told_drop(struct gx_engine *e, uint32_t i);
/* A contact may come into g until then; NULL-safe: false when too many are expected. */
bool gx_offer(struct gx_engine *e, const struct gx_group *g, const struct gx_sign_pk *contact, uint64_t until_ms);
void gx_offer_done(struct gx_engine *e, const struct gx_group *g, const struct gx_sign_pk *contact);

/* --- card.c: cards and their doors ------------------------------------------------------------------------------------------------------- */

/* This person's card, with the address of its door when it is open.  Step arena. */
const char *gx_card_text(struct gx_engine *e);
void gx_card_door_open(struct gx_engine *e);                /* once */
void gx_card_door_keys(const struct gx_engine *e, struct gx_curve_pk *pk, struct gx_curve_sk *sk);
void gx_card_door_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f);
void gx_card_taken(struct gx_engine *e, struct gx_job *job);
/* Going to somebody's card's door. */
void gx_cards_timer(struct gx_engine *e);
void gx_cards_hurry(struct gx_engine *e);                   /* own addresses changed: tell those who have not answered */
void gx_card_up(struct gx_engine *e, struct gx_session *s);
void gx_card_answer(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f);
/* Is this node on its way to the door of their card? */
bool gx_card_goes_to(struct gx_engine *e, const struct gx_contact *c);
/* Their door answered from there on the LAN. */
void gx_card_found_at(struct gx_engine *e, struct gx_contact *c, const struct gx_addr *at);
void gx_card_gone(struct gx_engine *e, const struct gx_session *s);
/* Found a direct chat with c.  False: no room or at fault. */
bool gx_card_found(struct gx_engine *e, struct gx_contact *c);
/* Say yes to who asks: join the direct chat that they founded. */
bool gx_card_accept(struct gx_engine *e, struct gx_contact *c);

/* --- ask.c: into a group by invitation of a contact ------------------------------------------------------------------------------------------ */

/* Does this node ask a contact's to be let into g? */
bool gx_group_asking(const struct gx_group *g);
/* A group that somebody else founded, known by its CREATE alone (verified): this node asks to be let in.  NULL: no room or at fault. */
struct gx_group *gx_ask_begin(struct gx_engine *e, const struct gx_event *create, const struct gx_asked_row *of);
/* This node was let in. */
void gx_ask_done(struct gx_engine *e, struct gx_group *g);
/* CREATE in full form, of a log that is its founder's. */
bool gx_create_decode(struct gx_event *ev, struct gx_body *body, struct gx_span bytes);
/* And its signatures verified here: few come, and never many at once. */
bool gx_create_read(struct gx_event *ev, struct gx_body *body, struct gx_span bytes);
void gx_asks_timer(struct gx_engine *e);
/* Is the other side the node of the contact that let this one know of g, which asks to be let in? */
bool gx_ask_is_for(struct gx_engine *e, const struct gx_session *s, const struct gx_group *g);
void gx_ask_send(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c);
void gx_ask_take(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f);
void gx_ask_verified(struct gx_engine *e, struct gx_job *job);
/* What it gives: control events, endpoint records, where messages begin; or no. */
void gx_ask_given(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f);

/* --- letters.c: what comes through direct chats beside texts --------------------------------------------------------------------------------- */

void gx_letters_take(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_chunk *chunk);
/* The same of one message, whose key came later. */
void gx_letters_take_event(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_event *ev);
/* The members of g changed, or it was joined: what contacts said of members that were not known then is looked at again. */
void gx_letters_again(struct gx_engine *e, const struct gx_group *g);

/* Find a contact by what somebody typed: @ and a name, : and digits of the id, either without its sign.  NULL: it was answered. */
enum gx_contact_find { GX_FIND_CONTACT, GX_FIND_ANYBODY };
struct gx_contact *gx_contact_find(struct gx_answer_builder *b, const char *who, enum gx_contact_find want);
uint32_t gx_contact_search(struct gx_engine *e, struct gx_contact **out, uint32_t cap, const char *who, enum gx_contact_find want);

#endif
