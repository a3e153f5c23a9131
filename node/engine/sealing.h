/* What is for members alone: epochs, chains and message keys.  KEYS §5 to §7, WIRE §4.16 to §4.18, §6.27, §6.28. */
#ifndef GX_ENGINE_SEALING_H
#define GX_ENGINE_SEALING_H

#include "node/engine/internal.h"

/* --- epochs.c: which epoch is spoken under ---------------------------------------------------------------------------------------- */

/* Take note of what operation `op` says of prekeys, incarnations and epochs: when it comes in, and when it is read from the store. */
bool gx_epochs_register(struct gx_engine *e, struct gx_group *g, uint32_t op, const struct gx_event *ev, const struct gx_body *body);
/* An EPOCH or PREKEY came in, and was registered: open it, or heed it. */
void gx_epochs_heard(struct gx_engine *e, struct gx_group *g, uint32_t op, const struct gx_event *ev, const struct gx_body *body);
/* Rows of the store, behind the operations. */
bool gx_epochs_load(struct gx_engine *e, struct gx_group *g);
void gx_epochs_flush(struct gx_engine *e, struct gx_group *g);
void gx_epochs_free(struct gx_group *g);
/* The newest prekey of a live device; NULL: it is none. */
const struct gx_dh_pk *gx_epoch_prekey(const struct gx_group *g, const struct gx_sign_pk *device);
/* An epoch that this node is listed in; NULL: none, or not. */
struct gx_epoch *gx_epoch_by_op(struct gx_group *g, uint32_t op);
/* The epoch that this node seals under: its devices are those that are live in my view.  Where there is none one is written first.
 * GX_OK, GX_E_TOO_BIG when more devices are live than an EPOCH has room for, or what gx_author_write says. */
enum gx_err gx_epoch_for_sending(struct gx_engine *e, struct gx_group *g, struct gx_epoch **out) GX_MUST_CHECK;
/* The body of an EPOCH that is written: sealed to the live devices.  ev has all but body and what follows from it. */
bool gx_epoch_close(struct gx_engine *e, struct gx_group *g, struct gx_event *ev, struct gx_body_epoch *body);
/* Chains into memory, where they are not.  False at fault. */
bool gx_epoch_read_chains(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch);
/* At the end of a step: an epoch without whom this node removed; and where it is listed in an epoch that it cannot open, a prekey that will do. */
void gx_epochs_finish(struct gx_engine *e, struct gx_group *g);
/* A new prekey where the present one was used and is old. */
void gx_epochs_timer(struct gx_engine *e);
/* Is a log of that person listed in the EPOCH of operation `op`? */
bool gx_epoch_lists_person(struct gx_engine *e, struct gx_group *g, uint32_t op, uint32_t person);

/* Is operation a behind b in the order that all nodes agree on? */
bool gx_op_is_later(const struct gx_group *g, uint32_t a, uint32_t b);

/* --- gates.c: by which gates a group is recognised.  KEYS §11 ------------------------------------------------------------------------ */

/* An epoch was opened, or read from the store: its gate is kept while it is one of the newest. */
void gx_gates_note(struct gx_group *g, uint32_t op);
bool gx_gates_has(const struct gx_group *g, uint32_t op);
/* The epoch goes, or its gate is kept no more. */
void gx_gate_forget(struct gx_epoch *epoch);
/* Gates that nobody has who is out, the newest first: at most n of them to out, borrowed until the epochs change. */
uint32_t gx_gates_list(struct gx_engine *e, struct gx_group *g, const struct gx_gate_key **out, uint32_t n);

/* --- chains.c: the keys of single messages ----------------------------------------------------------------------------------------- */

/* The key that this node's next sealed event is sealed with; its chain moves on when that event is taken in. */
bool gx_chain_peek(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch, struct gx_sealed_head *head, struct gx_message_key *key) GX_MUST_CHECK;
/* Has this node's own chain of that epoch no place left?  Names take places, too, and are no messages. */
bool gx_chain_used_up(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch);
/* A sealed control event came in: its key from its author's chain. */
void gx_chain_learn(struct gx_engine *e, struct gx_group *g, uint32_t log, const struct gx_event *ev, uint64_t arrival);
/* Messages from first_seq to the head of a log came in: their keys are learned when there is time; of an own log, at once. */
void gx_chain_later(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t first_seq);
/* The end of a step: keys of what came in, where that is little, else a time for them; and then. */
void gx_chains_finish(struct gx_engine *e);
void gx_chains_timer(struct gx_engine *e);
/* Messages of a group whose keys were not looked for yet. */
uint64_t gx_chains_left(const struct gx_group *g);

/* The key of a message that is held; it changes nothing.  False: it is not here. */
bool gx_message_key_of(struct gx_engine *e, struct gx_group *g, const struct gx_log *log, const struct gx_event *ev, const struct gx_sealed_head *head,
                       struct gx_message_key *key) GX_MUST_CHECK;
/* The plain form of an operation and of a message that are held, in the step arena.  False: no key of it is here, or what its author sealed makes no sense. */
bool gx_op_open(struct gx_engine *e, struct gx_group *g, uint32_t op, struct gx_body *plain);
bool gx_message_open_at(struct gx_engine *e, struct gx_group *g, const struct gx_log *log, const struct gx_event *ev, struct gx_body *plain);
bool gx_has_key(struct gx_engine *e, const struct gx_group *g, uint64_t arrival);
/* bk of an invitation, when it can be read here. */
bool gx_token_open(struct gx_engine *e, struct gx_group *g, struct gx_token_info *info);

/* --- history.c: what newcomers are told of before.  WIRE §6.29 ----------------------------------------------------------------------- */

/* The last messages from before a person's admission, as many as CREATE says, of all that are held here.  Zero but for `person` at first. */
struct gx_history {
    uint32_t person;
    bool known;                 /* the rest is filled in */
    uint64_t before;            /* tick of the admission */
    uint64_t after;             /* up to this tick nothing is told: some of it was dropped here */
    uint32_t *from;             /* by log: the first of its messages that belongs to them; 0: none; in the step arena */
};
/* Is message ev of a log one of them?  Found out when it is first asked for. */
bool gx_history_has(struct gx_engine *e, struct gx_group *g, struct gx_history *h, uint32_t log, const struct gx_event *ev);
/* Up to where a newcomer, who is h->person, is not given messages of that log; 0: it is given all of it. */
uint32_t gx_history_base(struct gx_engine *e, struct gx_group *g, struct gx_history *h, uint32_t log);

/* --- ask_keys.c: telling message keys ------------------------------------------------------------------------------------------------ */

/* Something may be asked for, or somebody is there who may know. */
void gx_keys_hurry(struct gx_engine *e, struct gx_group *g);
/* Members changed: other names are in force. */
void gx_keys_recheck(struct gx_engine *e, struct gx_group *g);
void gx_keys_timer(struct gx_engine *e);
void gx_keys_asked(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f);
void gx_keys_told(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_frame *f);
/* To who came in just now: the keys of what is in force, sealed to that device's prekey. */
void gx_keys_give(struct gx_engine *e, struct gx_session *s, struct gx_group *g, uint16_t channel, const struct gx_sign_pk *device);
/* A door gives them: kept, and looked at once the events are there. */
void gx_keys_given(struct gx_engine *e, struct gx_group *g, const struct gx_frame *f);
void gx_keys_take_given(struct gx_engine *e, struct gx_group *g);
void gx_keys_free(struct gx_group *g);

/* --- transport_key.c --------------------------------------------------------------------------------------------------------------- */

/* Members changed, or the node has just begun: look soon whether another transport key is due. */
void gx_transport_key_wanted(struct gx_engine *e);
void gx_transport_key_timer(struct gx_engine *e);
/* There is one: all are told, in this step or, where that is undone, in a later one. */
void gx_transport_key_take(struct gx_engine *e, const struct gx_input *in);
bool gx_transport_key_due(struct gx_engine *e);
/* The members of a group are told of the present key: who is out by now never has it. */
void gx_transport_key_told(struct gx_engine *e, struct gx_group *g);

#endif
