/* What the commands share: finding what a person named, and the objects that more than one of them answers with. */
#ifndef GX_ENGINE_COMMANDS_H
#define GX_ENGINE_COMMANDS_H

#include "node/engine/answers.h"

#define GX_ID_PREFIX_MIN 4u         /* hex digits that name an id at least */
#define GX_LABEL_DIGITS 8u          /* of the key of a person without an alias */

/* Groups that WHERE names: an exact title, or : and 4 or more digits of the id (the colon may be missing before all 64).
 * A title that a left group shares with one that is not is the latter's.  Out: at most cap groups, in order.  Returns how many match. */
uint32_t gx_where_find(struct gx_engine *e, struct gx_group **out, uint32_t cap, const char *where);
/* Refuse for n != 1 matches of gx_where_find. */
void gx_where_refuse(struct gx_answer_builder *b, const char *where, struct gx_group *const *found, uint32_t n);
#define GX_WHERE_CANDIDATES_MAX 16u

/* The person of g that somebody named: @ and an alias, : and 4 or more digits of the member's id; either without its sign, a name first.  GX_NONE
 * when there is not exactly one: that was answered. */
enum gx_who { GX_WHO_MEMBER, GX_WHO_BANNED, GX_WHO_ANYBODY };
uint32_t gx_who_find(struct gx_answer_builder *b, struct gx_group *g, const char *who, enum gx_who want);

/* Are these hex digits (either case), and do they begin `id`? */
bool gx_hex_prefix(const char *digits, const uint8_t *id, size_t id_bytes);
/* How many bytes of the group's id are known: 16 while joining. */
size_t gx_group_id_bytes(const struct gx_group *g);
/* What to type for it: its title, or : and the beginning of its id.  Step arena. */
const char *gx_group_label(struct gx_engine *e, struct gx_group *g);
const char *gx_group_state_text(const struct gx_group *g);
/* The alias in force, or the first 8 digits of the member's key.  Step arena. */
const char *gx_person_label(struct gx_engine *e, struct gx_group *g, uint32_t person);
const char *gx_rank_text(enum gx_rank rank);
/* May QR codes admit now?  GX_DENY_NONE, GX_DENY_NOT_MEMBER, GX_DENY_FULL, GX_DENY_QR_CLOSED. */
enum gx_deny gx_group_qr(const struct gx_group *g);
/* The latest effective admission of the author of x that it knew, or GX_LAW_NONE (CREATE's author needs none).  Each lies in the past of what its
 * joiner then wrote, so going on like this ends at CREATE. */
uint32_t gx_known_admit(const struct gx_group *g, uint32_t x);
/* Was its author ever a member here?  Other invitations are not shown and have no door. */
bool gx_token_known(const struct gx_group *g, const struct gx_token_info *info);
/* What the law says to this node letting `joiner` in by it now; GX_LAW_NONE: somebody new. */
enum gx_deny gx_token_deny(struct gx_group *g, const struct gx_token_info *info, uint32_t joiner);

/* Am I a member whose admission the owner's node has not seen yet? */
bool gx_group_provisional(const struct gx_group *g);
/* The object of `group show`, `group new`. */
void gx_group_values(struct gx_answer_builder *b, struct gx_group *g);

/* Part of it: what of the messages is kept here, by which rule, and how many are not any more. */
void gx_carry_values(struct gx_answer_builder *b, const struct gx_group *g);

/* Refuse unless this node's person is a member of g; false when refused. */
bool gx_member_or_deny(struct gx_answer_builder *b, struct gx_group *g);

/* Devices of members but this one, and what a message is that `by` of them hold: "queued", "sent", "delivered". */
uint32_t gx_messages_others(const struct gx_group *g);
const char *gx_messages_state_text(uint32_t by, uint32_t of);
/* event, seq, state, held of message seq of the own log. */
void gx_messages_put_state(struct gx_answer_builder *b, const struct gx_group *g, const struct gx_event_id *event, uint64_t arrival, uint32_t seq);

/* The code of an invitation made on this node, to be wiped.  False: it is not known here (any more), or at fault. */
bool gx_invite_code(struct gx_engine *e, struct gx_group *g, const struct gx_event_id *id, struct gx_token *out);
/* What w waited for was met: row holds its invitation, whose door is at `at`.  From now on it waits to be let in, or it was answered and is gone. */
void gx_join_paired(struct gx_engine *e, struct gx_waiter *w, const struct gx_join_row *row, const struct gx_addr *at);
/* The object of `join`, once it is over. */
void gx_join_values(struct gx_answer_builder *b, struct gx_group *g);
/* The answer to a `send` that waits: true when it was given.  The message has got as far as was asked for, or time is up. */
bool gx_send_answer(struct gx_engine *e, const struct gx_waiter *w);
#define GX_WAIT_DEFAULT_MS 30000ull
/* Give w so long from now. */
void gx_waiter_timeout(struct gx_engine *e, struct gx_waiter *w, uint64_t timeout_ms);

/* Refuse because gx_author_write returned err (or the step is at fault: then nothing is said here). */
void gx_write_refuse(struct gx_answer_builder *b, enum gx_err err);

/* How far a person's messages count when they go: the end of each log of theirs that is held, by ascending id.  Step arena.  WIRE §4.4 */
#define GX_CUTS_MAX 1000u           /* what fits a body */
struct gx_span gx_cuts_of(struct gx_engine *e, const struct gx_group *g, uint32_t person, uint16_t *n);

/* Invite a contact into g until then, through the direct chat: answers. */
void gx_invite_contact(struct gx_answer_builder *b, struct gx_group *g, const struct gx_command *cmd, uint64_t until_ms);

/* Can it be a group's name?  Refuses when not. */
bool gx_title_or_refuse(struct gx_answer_builder *b, const char *name);

#endif
