/* The engine's own tables.  Nothing outside node/engine includes this.  node/README.md §3. */
#ifndef GX_ENGINE_INTERNAL_H
#define GX_ENGINE_INTERNAL_H

#include "crypto/gate.h"
#include "crypto/invite.h"
#include "crypto/mutant.h"
#include "node/engine/arena.h"
#include "node/engine/engine.h"
#include "node/engine/idmap.h"
#include "node/engine/lan.h"
#include "node/engine/near.h"
#include "proto/frame.h"
#include "proto/law.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/people.h"
#include "store/rows.h"

#define GX_NONE UINT32_MAX

#define GX_FAN_OUT 16u                  /* sessions that what is for everybody goes to; where no more share the group, to all */
#define GX_RECORD_FAN_OUT 4u            /* of an endpoint record, which its own device tells to all whom it meets */

/* How long things may take, in ms of the monotonic clock. */
#define GX_MEET_MS 10000u               /* each step of a session without a shared group, once it is connected */
#define GX_STRANGER_MS 60000u           /* one whose device my view does not know yet */
#define GX_WANT_DELAY_MS 50u            /* a push is often under way when an announcement of the same event comes in from another */
#define GX_WANT_MS 5000u                /* an unanswered WANT goes to another peer */
#define GX_UNACKED_MS 2000u             /* a push that nobody acknowledged is announced again */
#define GX_PING_MS 60000u
#define GX_SILENT_MS 90000u
#define GX_BACKOFF_FIRST_MS 1000u
#define GX_BACKOFF_MAX_MS 300000u
#define GX_REST_MAX_MS 60000u           /* without a connection after a step that was undone: what ended them all may do so again */
#define GX_HELD_FLUSH_MS 1000u          /* what others hold is written after this, for all messages since: a live send has no page to spare */
#define GX_OFFER_MS 300u                /* what came live is announced within this to those to whom it was not pushed, all of it together */
#define GX_LATE_MS 1000u                /* what others wrote is announced within this in a group with many sessions, all of it together */
#define GX_INVITE_DOOR_MS 3000u         /* how long `invite` waits for its door to open */

/* --- groups ------------------------------------------------------------------------------------------------------------------- */

/* Message seq is the first of its log that has operation `admit`, an admission of the log's author, in its past. */
struct gx_known {
    uint32_t admit, seq;
};

struct gx_known_list {
    struct gx_known *list;
    uint32_t n, cap;
};

/* Along the chain of one device, past where it stands in the store: what comes behind was not opened yet. */
struct gx_ahead {
    uint32_t gnum, op;          /* of the EPOCH; gnum 0: nowhere */
    struct gx_log_tag log;
    uint32_t n;                 /* the next place */
    struct gx_chain_key key;    /* of that */
    struct gx_message_key mk;   /* of the place before */
};

/* A message that is a log's last one of those that are looked at. */
struct gx_last {
    uint32_t seq;               /* 0: none is left */
    uint64_t tick;
    struct gx_event_id id;
};

/* What of a log this node is told of before its own admission, and how the log lay when that was found out. */
struct gx_log_history {
    uint32_t base_seq, head_seq;
    bool is_past;               /* nothing that comes behind its head is from before */
    uint32_t from;              /* the first of its messages that belongs to it; 0: none */
    struct gx_last last;        /* from before */
};

/* What a device of another cost this node since the start.  budget.c */
struct gx_account {
    uint64_t given, given_ms;   /* events that it asked for and got, since then */
    uint64_t acked;             /* events inside of logs that it told to hold since then, and that were looked for */
    uint64_t all;               /* so many events were here since then, when they were counted last */
    uint64_t given_dropped;     /* messages of the group that were kept no more then */
    struct gx_budget again;     /* what it asked for again */
    struct gx_budget waste;     /* chunks that brought nothing */
    struct gx_budget talk;      /* frames that it may still say, of those that bring no events */
    uint32_t shut_ms;           /* it was cut, and its proof is not looked at for so long */
    uint64_t shut_until_ms;
    uint32_t claim_ms;          /* it claimed control events and gave none, and is not asked for any for so long */
    uint64_t claim_until_ms;
};

struct gx_log {
    struct gx_log_row row;
    uint32_t person;            /* index in the group's law.persons; GX_NONE never */
    /* Of the first log of a device: what was said of it last, and by which operations; GX_NONE: nothing. */
    struct gx_dh_pk prekey;
    uint32_t prekey_op;
    struct gx_incarnation now;
    uint32_t now_op, intro_op;
    uint64_t heeded_ms;         /* wall clock when it last could not open an epoch, and was heeded */
    uint64_t keys_until_ms;     /* of a device: it told wrong keys, and is not asked for any before */
    struct gx_account *account; /* of the device; NULL: it cost nothing yet */
    struct gx_locked_row locked;        /* messages without a key lie between these; first 0: none; and from where on none was looked for */
    struct gx_locked_row locked_kept;   /* as the store has it */
    struct gx_log_history history;
    uint64_t counted_bytes;     /* of row.bytes, in the group's sum */
    uint32_t device;            /* index of the first log of the same device: its number to the law */
    uint32_t next_of_tag, next_of_device;   /* the next log with the same, behind this one; GX_NONE */
    bool own;
    bool touched;               /* in the group's list of these: the row is written at the end of the step */
    bool changed;               /* head moved in this step: announce it */
    bool late;                  /* in the group's list of those */
    bool has_ended;             /* messages: nothing follows what is held, as last looked at (compare.c) */
    uint32_t pushed_from;       /* own: first seq appended in this step; 0: none */
    uint32_t live_from;         /* messages of another: first seq that came live in this step and is passed on; 0: none */
    gx_session_id live_of;      /* who gave the last of what came live */
    bool live_of_author;        /* and wrote it, too */
    struct gx_known_list known; /* messages: what they know of their author's admissions */
    /* The end of what is under verification: equal to the head when nothing is. */
    uint32_t pend_seq;
    struct gx_event_id pend_id;
    uint64_t pend_tick;
    /* Catch-up of messages. */
    gx_session_id asked;        /* session a WANT for this log went to; 0: none */
    uint64_t asked_until_ms;
    uint32_t asked_pend;        /* pend_seq then, */
    uint32_t asked_seq;         /* and what that peer told to hold */
};

/* What the engine keeps of a control event beside the law's view of it. */
struct gx_op {
    uint32_t log;               /* index in group->logs */
    uint32_t introduces;        /* CREATE, ADMIT: the number of the device; GX_NONE */
    uint32_t offer;             /* ACCEPT: the OFFER that it answers; GX_NONE */
    uint8_t type;               /* enum gx_event_type */
    uint32_t seq;
    uint64_t tick;
    uint64_t wall_ms;
    uint64_t arrival;
    bool is_head;               /* no other control event names it in deps or prev */
    bool has_key;               /* of a sealed one: it can be opened here */
    bool complains;             /* PREKEY: of an epoch */
    bool stood;                 /* ADMIT: it was effective when results were last looked at */
    gx_session_id live_of;      /* who gave it, live, in this step; 0: nobody */
};

/* How far the messages of a removed member count. */
struct gx_group_cut {
    uint32_t op;                /* the REMOVE, BAN or LEAVE */
    struct gx_cut cut;
};

/* An EPOCH operation. */
struct gx_epoch {
    uint32_t op;
    uint8_t slots_hash[32];     /* of the logs it lists */
    struct gx_epoch_row row;    /* state 0: this node is not listed, or it is too old */
    struct gx_chain_row *chains;        /* row.n_chains; NULL: they are in the store */
    bool dirty;
    uint32_t *listed, n_listed; /* persons who have its gate; NULL: not looked at */
    bool lists_unknown;         /* and somebody whose log was not here when there were so many */
    uint32_t listed_logs;
};

/* An event whose key was asked for. */
struct gx_asked_key {
    uint32_t log, seq;
    struct gx_event_id id;
};

/* TOKEN operations that this node may serve a door for. */
struct gx_token_info {
    uint32_t op;                /* index in law.nodes */
    struct gx_sign_pk pk;
    bool has_lan;
    struct gx_invite_lan_key lan;       /* once it could be opened */
    uint32_t expires_min;
    uint8_t uses;
    uint64_t asked_ms;          /* a door for it was asked for on the LAN then, and was not open; 0: never */
};

/* Up to where the own messages were told to be sent, and delivered. */
struct gx_receipts {
    bool due;                   /* it may be further now */
    uint32_t lnum;              /* in this log */
    uint32_t sent, delivered;
};

struct gx_held {                /* what a device told it holds of this node's own message log */
    struct gx_held_row row;
    bool dirty;
};

struct gx_group {
    struct gx_group_row row;
    bool dirty;
    uint32_t index;             /* in engine->groups */
    struct gx_gate_key gate_zero;
    bool has_create;

    struct gx_log *logs;
    uint32_t n_logs, cap_logs;
    struct gx_idmap log_by_tag, log_by_device;      /* the first of them */
    struct gx_parts *parts;     /* digests of what is held, to compare it with others; NULL: not compared yet */
    uint32_t *touched;          /* logs that this step changed: a group may have 1,000, and a step moves one or two */
    uint32_t n_touched, cap_touched;
    uint32_t *late;             /* logs of others that moved and are announced at late_at_ms */
    uint32_t n_late, cap_late;
    uint64_t late_at_ms;
    uint32_t *fresh;            /* records of others, by place in endpoints, that are passed on at fresh_at_ms */
    uint32_t n_fresh, cap_fresh;
    uint64_t fresh_at_ms, fresh_since_ms;
    bool endpoint_raised;       /* the own record was signed anew above one of this device that this node does not know */
    uint32_t n_hearers;         /* sessions that share it, as counted in that step */
    uint64_t hearers_step;
    uint64_t tree_at_ms;        /* look then whether there are links enough; 0: no need */
    uint32_t live_ops;          /* the first operation that came live in this step, and one more; 0: none did */
    uint64_t again_at_ms;       /* send full FRONTIERs again at this time; 0: no need */
    uint32_t own_control, own_messages;     /* index in logs; GX_NONE before ADMIT */

    struct gx_law law;
    struct gx_rules rules;
    uint32_t cap_ops;
    uint32_t me;                /* person; GX_NONE */
    struct gx_op *ops;          /* law.n_ops of them */
    struct gx_group_cut *cuts;  /* of all removals, in their order */
    uint32_t n_cuts, cap_cuts;
    struct gx_idmap op_by_id;   /* id -> op */
    bool members_changed;       /* in this step */
    uint32_t looked_at;         /* law.generation that the owner's part has seen */
    uint64_t witness_at_ms;     /* when this node, the owner's, writes a CHECKPOINT; 0: no need */
    uint64_t witnessed_ms;      /* when it did so last */
    uint32_t n_offers;

    struct gx_token_info *tokens;
    uint32_t n_tokens, cap_tokens;

    struct gx_endpoint *endpoints;
    uint32_t n_endpoints, cap_endpoints;
    struct gx_held *held;
    uint32_t n_held, cap_held;
    struct gx_receipts receipts;

    struct gx_incarnation incarnation;      /* of this node in this group, now */
    bool has_device_sk;
    struct gx_sign_sk device_sk;            /* made when it is first needed: making it costs as much as a signature */
    char title[GX_NAME_BYTES_MAX + 1];      /* as operation title_op says it; GX_LAW_NONE: none was read yet */
    uint32_t title_op;
    uint32_t n_heads;
    uint32_t n_jobs;            /* verifications under way for it */
    bool silent;                /* a direct chat with somebody whom the person blocked or removed: it is not there for others */
    bool proved;                /* on a session, since this is the membership that speaks */
    bool left_told;             /* LEFT: another device holds the LEAVE, so that nothing is left to tell */
    uint64_t max_tick;
    bool deps_told;             /* the own message log's newest event came after the newest control event */

    /* Sealing. */
    struct gx_epoch *epochs;    /* in order of their operations */
    uint32_t n_epochs, cap_epochs;
    bool epochs_touched;        /* one is dirty, or its chains were read */
    uint32_t gates[GX_GATES_KEPT];      /* operations of the epochs whose gates are kept, the newest first */
    uint32_t n_gates;
    uint8_t live_hash[32];      /* of the logs that live devices write into, at that generation of the law */
    bool live_known;
    bool epoch_due;             /* somebody was removed in this step: an epoch without them is written at its end */
    uint32_t live_generation;
    uint32_t shut_op;           /* an EPOCH that lists this node and could not be opened; GX_NONE */
    uint64_t complained_ms;     /* wall clock when that was last said */
    uint64_t prekey_at_ms;      /* look then whether another prekey is due; 0: not before the present one is used */
    struct gx_asked_key *asked_keys;    /* asked for in session keys_session, under keys_sk */
    uint32_t n_asked_keys;
    gx_session_id keys_session;
    struct gx_dh_sk keys_sk;
    uint64_t keys_at_ms;        /* look for keys that are lacking at this time; 0: not before something changes */
    uint32_t keys_from;         /* of what does not find room in one question this comes first */
    bool keys_lack;             /* some may be lacking */
    bool unopened;              /* and of some messages none was looked for yet */
    uint8_t *given_keys;        /* KEYS frames of the door, until what they are of is verified */
    size_t n_given_keys;
    uint32_t keys_wait_ms, keys_turn;
    uint32_t history_seat;      /* the admission of which so many logs know the history; GX_LAW_NONE: of none */
    uint32_t history_logs;

    /* Catch-up of control. */
    gx_session_id asked;
    uint64_t asked_until_ms;
    uint32_t asked_ops;         /* law.n_ops then */
    bool asked_all;             /* it was asked for all that is unknown here, and not for some logs' alone */
    uint32_t asked_frames;      /* of the answer, so far */
    bool answered;              /* the answer is in; look whether it brought anything once it is verified */
    uint64_t verifying_ms;      /* since when that, or a question, waits for what is under verification; 0: nothing does */
    uint64_t want_at_ms;        /* look for what is lacking at this time; 0: nothing to look for */
    uint64_t dry_at_ms;         /* who claimed something and gave none may be asked again then; 0: nobody did */

    uint64_t bytes;             /* of the messages held */
    bool retain_due;            /* look whether some are to be dropped */
    bool hash_valid;
    uint8_t messages_hash[32];

    /* state JOINING */
    struct gx_join_row join;
    bool has_join;              /* the row is there: while joining, and until the owner has seen me */
    gx_session_id join_session;
    uint64_t join_next_ms;
    uint32_t join_backoff_ms;
    uint32_t join_addr;         /* next of join.addrs to try */
    struct gx_addr join_found;  /* a door that answered on the LAN, to be tried next; family 0: none */
    bool has_asked;             /* a contact invited me: its node is asked to let me in */
    struct gx_asked_row asked_of;
    uint64_t asked_again_ms;    /* it said no for now: it is not asked again before */
    bool join_unsure;           /* a door took my request and did not answer: perhaps I am a member */
    bool join_given;            /* a door gave everything it had to give */
    uint8_t *waiting;           /* joining: chunks of control that cannot be verified yet, each behind its length; what is before waits_from was begun */
    size_t n_waiting, cap_waiting, waits_from;
    gx_session_id waiting_of;   /* who gave them */
    uint8_t *collected;         /* lists of PATH frames until TOKEN came, then of BASELINE frames until the logs are known */
    size_t n_collected;
    enum gx_deny join_deny;     /* why the last door refused */
    struct gx_sign_pk admitted_by;
};

/* --- sessions ------------------------------------------------------------------------------------------------------------------ */

/* What a peer told it holds of a log.  There are as many as logs for each session, a quarter of a million in a group of 500. */
struct gx_their_log {
    uint32_t base_seq, seq;     /* base_seq + 1 to seq */
    uint32_t doubt;             /* the place of its doubt in the channel, and one more; 0: there is none */
};

/* What it told and did not give, or has of another branch; few logs of few peers have such. */
struct gx_doubt {
    bool forked;                /* of the first of a log's branches: it has one that I lack */
    bool asked_haves;           /* it was asked for that, and has not answered yet */
    uint64_t haves_until_ms;    /* and it is not asked for that again before */
    /* It was asked from here in vain, and is not asked again before something changes: control events known then, or the time. */
    uint32_t dry_seq;
    uint32_t dry_ops;
    uint64_t dry_held;          /* events of all branches of the log */
    uint64_t dry_until_ms;
    uint32_t dry_ms;            /* so long it was not asked, each time twice as long as before */
};

struct gx_channel {
    uint16_t number;
    uint32_t group;             /* gnum */
    struct gx_sign_pk device;   /* of the other side, once its proof came */
    bool theirs;                /* its proof holds and it is live in my view: it is served */
    bool unknown;               /* its proof holds, but my view does not know it (yet) */
    bool mine;                  /* my proof is sent */
    bool first;                 /* and was so before theirs came: I begin */
    bool started;               /* frontiers were exchanged, or mine is out: events may go */
    uint64_t started_ms;
    bool asked_heads;           /* I sent HEADS already */
    bool ended;                 /* it was told that it is no member */
    bool told;                  /* it told me so, and I asked what it is about */
    bool asked;                 /* I asked it to let me in */
    uint64_t ask_after_ms;      /* it asked me, and is not answered again before */
    uint64_t keys_after_ms;     /* it asked for message keys, and is not told more before */
    uint32_t shown_ops;         /* control events there were when its HEADS was answered; 0: not yet */
    struct gx_their_log *their; /* by log index */
    uint32_t n_their, cap_their;
    struct gx_doubt *doubts;
    uint32_t n_doubts, cap_doubts;
    bool ahead;                 /* it named logs that my view does not know: it has control events I lack */
    bool blind;                 /* and what it said of these was lost: it is asked to say it again */
    bool more;                  /* it told of events that I lacked then, or of a branch: whether I still do is seen when it is looked at */
    uint8_t n_asked;            /* questions for messages that it has not answered to the end; two, when an answer said where it goes on */
    uint64_t asked_until_ms;    /* and it is not asked another before, unless they are answered */
    uint64_t asked_pend;        /* events known of the logs that it was asked for, when it was asked last */
    uint64_t given_since_ms;    /* since then it gave */
    size_t n_given;             /* so many bytes of these logs that were taken */
    uint64_t crawls_until_ms;   /* that was little: only what nobody else can give is asked of it before */
    uint64_t again_ms;          /* when I asked so last */
    bool sum_due;               /* what both hold is to be compared at the end of the step */
    uint64_t unheard_at_ms;     /* no answer came by then: it is begun again; 0: none is waited for */
    uint32_t unheard_ms;        /* how long that was waited for; 0: it was not asked since */
    uint32_t n_told;            /* digests of its parts that were told and not answered yet */
    uint64_t rounds_since_ms;   /* since then it began */
    uint32_t n_rounds;          /* so many */
    uint64_t unacked_at_ms;     /* look for own events it did not acknowledge */
    uint32_t unacked_wait_ms;
    /* In the tree of live events: tree.c */
    bool is_double;             /* the device is met on another session, too, which counts in the place of this one */
    enum gx_link link;
    bool link_mine;             /* this node chose it */
    bool link_offers;           /* it told of live events that are lacking here: it may be asked for them, */
    bool link_owes;             /* and was: what it answers is live */
    uint64_t link_after_ms;     /* it would not, and is not asked again before */
    uint64_t link_told_ms;      /* when it was told last that the link is none of that kind */
    uint64_t link_words_ms, link_shut_ms;       /* since when its words are counted; until when they are not heeded */
    uint32_t link_words;
};

/* GUEST: I am the guest; DOOR: a guest is at mine; CARD: I am at the door of somebody's card */
enum gx_session_kind { GX_SESSION_MEMBER, GX_SESSION_GUEST, GX_SESSION_DOOR, GX_SESSION_CARD };
enum gx_session_state { GX_SESSION_CONNECTING, GX_SESSION_HELLO, GX_SESSION_OPEN };

struct gx_session {
    gx_session_id id;
    enum gx_session_kind kind;
    enum gx_session_state state;
    bool inbound;
    bool closed;                /* DISCONNECT is out: forget it at the end of the step */
    bool pushed_out;            /* the other side ended it, for it has another one with this node's key */
    uint32_t door;              /* number of the guests' door it came in by */
    struct gx_curve_pk peer_key;
    struct gx_addr addr;
    struct gx_transcript transcript;
    bool has_tags;              /* my TAGS are out */
    bool is_asked;              /* inbound: the next PROOF answers them */
    bool is_greeted;            /* and theirs were answered: what is not proved by now is because one of the two did not know of the other */
    bool is_waited_for;         /* a device that my view did not know was proved: the deadline was put off, */
    bool is_told;               /* or one that it was told is out; each once, for it may prove itself on other channels for ever */
    uint32_t *met;              /* gnums of groups that both showed a gate of an epoch of */
    uint32_t n_met, cap_met;
    uint64_t since_ms, heard_ms, pinged_ms;
    uint32_t rtt_ms;
    uint64_t deadline_ms;       /* without a shared group by then: closed; 0: none */
    uint64_t bytes;             /* what a guest, or a device my view does not know, sent */
    uint32_t strikes;           /* malformed or wrongly signed things */
    uint32_t n_tags;            /* frames of tags that were looked through */
    uint32_t n_unserved;        /* WANTs and FRONTIERs that were not looked at because of what it cost before */
    struct gx_budget talk;      /* frames that it may still say, of those that bring no events, as long as it shares nothing: then it is the device's */
    uint32_t misses;            /* proofs of groups that are not known here, or that do not hold */
    bool live;                  /* the chunks that are being taken from it are passed on */
    uint32_t n_again;           /* and so many of them were here already */

    struct gx_channel *channels;
    uint32_t n_channels, cap_channels;

    uint32_t group;             /* GUEST, DOOR: gnum; GX_NONE at the door of my card */
    struct gx_event_id token;   /* DOOR: the TOKEN operation */
    struct gx_sign_pk person;   /* CARD: whose */
    struct gx_sign_pk guest;    /* DOOR of my card: the device that GUEST named, and its signature with T */
    struct gx_sig guest_sig;
    uint8_t stage;              /* GUEST, DOOR: enum gx_guest_stage */
};

/* Where a device says that a node is.  A node has a device in each group; and another member may name it, with addresses that are not its own: nobody's
 * record takes the place of somebody else's. */
struct gx_place {
    struct gx_sign_pk device;
    struct gx_addr addr;
};

/* A node to be connected to: a transport key that signed endpoint records name. */
struct gx_target {
    struct gx_curve_pk key;
    struct gx_place places[GX_TARGET_PLACES_MAX];
    uint8_t n_places;
    gx_session_id session;      /* open or under way; 0: none */
    uint64_t next_ms;
    uint32_t backoff_ms;
    uint32_t next_addr;         /* of its own and then the manual addresses */
    struct gx_addr found;       /* where it was found on the LAN last; family 0: nowhere */
    uint64_t found_ms;          /* when; or when the place before it was */
    bool found_waits;           /* that one is tried still, and found is next */
    uint64_t found_until_ms;    /* so long it is tried, though no record names it */
    uint32_t found_by;          /* gnum of the group by whose key it answered */
    uint64_t spare_ms;          /* when a session with it was ended that was made with an own key of before; 0: never */
    uint32_t n_pushed;          /* sessions in a row that it ended for another one with this node's key, which is not this node's: a copy of the home runs */
};

struct gx_door {
    uint32_t number;
    uint32_t group;             /* gnum */
    struct gx_event_id token;
    bool open;
    bool failed;                /* it could not be bound */
    uint8_t n_addrs;
    struct gx_addr addrs[GX_ENDPOINT_ADDRS_MAX];
};

/* --- verification ------------------------------------------------------------------------------------------------------------- */

enum gx_job_kind { GX_JOB_DEAD, GX_JOB_CONTROL, GX_JOB_MESSAGES, GX_JOB_PROOF, GX_JOB_GUEST, GX_JOB_JOIN, GX_JOB_PATH, GX_JOB_BASELINE, GX_JOB_ENDPOINT, GX_JOB_CARD, GX_JOB_ASK };

/* One thing whose signatures are out.  Jobs end in the order they began, because tickets are answered in order. */
struct gx_job {
    struct gx_job *next;
    enum gx_job_kind kind;
    uint64_t last_ticket;
    bool failed;
    bool live;                  /* what comes of it is passed on */
    uint32_t group;             /* gnum */
    gx_session_id session;      /* who sent it; 0: nobody */
    size_t n_bytes;
    uint8_t *bytes;             /* a copy of what was sent, in the arena; spans below point into it */
    struct gx_event event;      /* CONTROL */
    struct gx_log_id intro_log; /* CONTROL: the control log that this event introduces, and whose it is */
    struct gx_sign_pk intro_member, intro_device;
    struct gx_body body;
    struct gx_chunk chunk;      /* MESSAGES: beginning right behind the (pending) head */
    struct gx_event_id *ids;
    uint64_t last_tick;
    uint32_t n_texts;
    struct gx_known_list known; /* MESSAGES: in the arena */
    uint32_t log;               /* MESSAGES: index in group->logs: that it continues, or from which it branches off */
    bool forks;                 /* MESSAGES: it stands beside what is held */
    uint64_t fork_tick;         /* the tick of the last event that both have */
    struct gx_proof proof;
    struct gx_join_request request;
    struct gx_endpoint endpoint;
    struct gx_sig guest_sig;
    struct gx_frame frame;      /* CARD: what was said, in the arena */
    struct gx_sign_pk person;   /* ASK: the contact that asks */
    struct gx_arena arena;      /* what the job's spans and signatures point into */
};

/* --- clients ------------------------------------------------------------------------------------------------------------------- */

enum gx_waiter_kind {
    GX_WAIT_CONDITION,
    GX_WAIT_JOIN,
    GX_WAIT_INVITE,
    GX_WAIT_SEND,
    GX_WAIT_WATCH,
    GX_WAIT_VACUUM,
    GX_WAIT_NEAR_OFFER,         /* a code of six digits is shown */
    GX_WAIT_NEAR_SEARCH         /* or looked for; once it was met, it is a JOIN */
};

struct gx_waiter {
    enum gx_waiter_kind kind;
    uint64_t client, request;
    uint64_t until_ms;          /* monotonic; 0: no end */
    uint32_t group;             /* gnum; GX_NONE: any */
    uint32_t given;             /* CONDITION: bits of enum gx_param */
    uint64_t peers, members, count;
    char hash[65];
    char where[GX_NAME_BYTES_MAX + 1];      /* CONDITION: the group, which may not be there yet */
    struct gx_event_id token;   /* INVITE, NEAR_OFFER */
    struct gx_event_id event;   /* SEND: the message, where it stands, */
    uint32_t lnum, seq;
    uint64_t arrival;
    bool delivered;             /* and whether all others have to hold it, not one */
    uint64_t next_arrival;      /* WATCH */
    uint64_t dropped;           /* VACUUM: messages that were not kept any more when it was asked for */
    bool is_asked;              /* VACUUM: it is under way */
};

/* An own event that this step appended and has not signed yet: all of a step are signed together. */
struct gx_unsigned {
    struct gx_unsigned *next;
    struct gx_event ev;
    struct gx_sign_sk *sk;      /* of its group */
    uint64_t arrival;
};

/* --- people --------------------------------------------------------------------------------------------------------------------- */

struct gx_contact {
    struct gx_contact_row row;
    bool dirty;
    /* The way to their card's door. */
    gx_session_id session;      /* open or under way; 0: none */
    uint64_t next_ms;
    uint32_t backoff_ms;
    uint32_t next_addr;
    struct gx_addr found;       /* a door of theirs that answered on the LAN, to be tried next; family 0: none */
};

/* A contact that this node lets into a group when it asks. */
struct gx_offered {
    uint32_t group;             /* gnum */
    struct gx_sign_pk contact;
    uint64_t until_ms;          /* wall clock */
};

/* Member of a group whom a contact told to be. */
struct gx_revealed {
    uint32_t group;             /* gnum: where it was heard */
    struct gx_group_id id;      /* where it holds: in each membership of this node there */
    struct gx_sign_pk member, contact;
};

struct gx_people {
    struct gx_contact *contacts;
    uint32_t n, cap;
    struct gx_invited_row *invited;
    uint32_t n_invited, cap_invited;
    struct gx_offered *offered;
    uint32_t n_offered, cap_offered;
    struct gx_revealed *revealed;
    uint32_t n_revealed, cap_revealed;
    struct gx_told_row *told;
    uint32_t n_told, cap_told;
    struct gx_door door;        /* of my card; number 0: not asked for yet */
    uint32_t fresh;             /* requests that may come in now; one more every GX_REQUEST_MS */
    uint64_t fresh_ms;
};

struct gx_drop_counter {
    const char *name;           /* static */
    uint64_t n;
};
#define GX_DROP_COUNTERS_MAX 96u

struct gx_engine {
    struct gx_engine_config config;
    struct gx_time now;
    struct gx_txn *txn;
    bool writing;
    enum gx_err fault;          /* first failure of the machine in this step; all further store work is skipped */

    struct gx_arena arena;
    struct gx_effect *effects;
    size_t n_effects, cap_effects;
    uint64_t wake_ms;           /* earliest deadline known; 0: none */
    uint64_t wake_told_ms;
    uint64_t n_steps;
    uint64_t channels_at_ms;    /* no channel's unacked_at_ms or unheard_at_ms is before; 0: none has one */
    bool sums_due;              /* one of them is to be compared */
    uint64_t n_came;            /* messages that came in, in this step */
    uint64_t open_at_ms;        /* look then for keys of those that were not opened yet; 0: there are none */
    uint64_t open_since_ms;     /* when these were put off first; 0: they were not since */
    struct gx_ahead ahead;      /* for this step */
    uint64_t sessions_at_ms;    /* nothing is to be done about a session before */
    uint64_t full_until_ms;     /* there was no room for others' messages: none are taken in before */
    uint64_t rest_until_ms;     /* a step was undone: no connections before that */
    uint32_t rest_ms;           /* how long that was; 0 once something was written again */
    struct gx_day days[GX_DAYS_MAX];        /* on which something arrived */
    uint32_t n_days;
    bool retain_more;           /* this step dropped its portion, and the next one goes on */
    bool vacuumed;              /* the answer of os is in: */
    enum gx_err vacuum_err;
    uint64_t vacuum_before, vacuum_after;
    uint64_t fold_after_ms;     /* the journal is not folded for retention alone before */
    bool fold_due;              /* it is at the end of this step */
    uint64_t key_look_ms;       /* look then whether another transport key is due; 0: no removal was heard of since the last look */

    struct gx_group **groups;
    uint32_t n_groups;
    struct gx_session **sessions;
    uint32_t n_sessions, cap_sessions;
    bool session_closed;        /* one of them, at least: it is taken away at the end of the step */
    struct gx_idmap session_by_id;
    struct gx_target *targets;
    uint32_t n_targets, cap_targets;
    struct gx_idmap target_by_key;
    struct gx_addr manual[GX_ADDRS_MANUAL_MAX];
    uint32_t n_manual;
    struct gx_door doors[GX_DOORS_MAX];
    uint32_t n_doors;
    bool doors_dirty;
    struct gx_addr addrs[GX_ENDPOINT_ADDRS_MAX];
    size_t n_addrs;
    bool listening;

    struct gx_job *jobs_head, *jobs_tail;
    uint32_t n_jobs;
    size_t job_bytes;
    uint64_t next_ticket, answered_ticket;
    gx_session_id next_session;
    uint32_t next_door;

    struct gx_people people;
    struct gx_lan lan;
    struct gx_near near;

    struct gx_waiter *waiters;
    uint32_t n_waiters, cap_waiters;
    struct gx_waiter *waiters_before;       /* as they were before the step, should it be undone; in its arena */
    uint32_t n_waiters_before;
    struct gx_unsigned *unsigned_events;    /* in the step arena */
    size_t n_unsigned;
    bool held_dirty;
    uint64_t held_flush_ms;

    uint64_t compared_same, compared_parts;     /* how often what a peer and I hold was the same, and was looked at in parts */
    uint64_t met_by_gate, met_by_gate_zero;     /* how often a group became shared on a session, by the gate of an epoch, and by gate 0 */
    struct gx_drop_counter dropped[GX_DROP_COUNTERS_MAX];
    uint32_t n_dropped;
};

/* --- engine.c: transactions, effects, counters ---------------------------------------------------------------------------------- */

/* The step's transaction; NULL once the step is at fault.  Begun (or turned into a writing one) when first asked for. */
struct gx_txn *gx_engine_txn(struct gx_engine *e, bool write);
/* Note a failure of the machine (anything but GX_OK and GX_E_ABSENT); true when err is GX_OK. */
bool gx_engine_ok(struct gx_engine *e, enum gx_err err);
/* Room for one more in *array, a growing array of `cap` elements of `size` bytes that holds n; false when memory is out (noted). */
bool gx_engine_grow(struct gx_engine *e, void *array, uint32_t *cap, uint32_t n, size_t size);
/* name: static text. */
void gx_engine_drop(struct gx_engine *e, const char *name);
void gx_engine_wake(struct gx_engine *e, uint64_t at_mono_ms);
/* Where it is reached from now on. */
void gx_engine_take_addrs(struct gx_engine *e, const struct gx_input *in);
bool gx_engine_rests(const struct gx_engine *e);                    /* a step was undone just now: nobody is connected to, or let in */
struct gx_effect *gx_engine_effect(struct gx_engine *e, enum gx_effect_kind kind);
void gx_engine_log(struct gx_engine *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A writer of cap bytes in the step arena, and sending what was written. */
struct gx_wr gx_engine_wr(struct gx_engine *e, size_t cap);
void gx_engine_send(struct gx_engine *e, struct gx_session *s, const struct gx_wr *w);

/* --- groups.c ------------------------------------------------------------------------------------------------------------------ */

struct gx_group *gx_group_by_gnum(struct gx_engine *e, uint32_t gnum);
struct gx_group *gx_group_by_id(struct gx_engine *e, const struct gx_group_id *id);
enum gx_err gx_groups_load(struct gx_engine *e);
void gx_groups_free(struct gx_engine *e);
/* Room for a group in the table, with nothing in it. */
struct gx_group *gx_group_alloc(struct gx_engine *e);
/* A new, empty group with a fresh membership of this node; NULL when there is no room or at fault. */
struct gx_group *gx_group_add(struct gx_engine *e, enum gx_group_state state);
void gx_group_drop(struct gx_engine *e, struct gx_group *g);       /* forget a join that was given up */
uint32_t gx_group_log(const struct gx_group *g, const struct gx_log_id *id);              /* index or GX_NONE */
uint32_t gx_group_log_by_tag(const struct gx_group *g, const struct gx_log_tag *tag);
/* Log `index` is new in the table: it can be found from now on.  False: memory is out (noted). */
bool gx_group_index_log(struct gx_engine *e, struct gx_group *g, uint32_t index);
/* Id of event `seq` of a control log, from the tables in memory: valid until they change.  NULL when it is not held. */
const struct gx_event_id *gx_group_id_at(const struct gx_group *g, uint32_t log, uint32_t seq);
/* The control log, or branch of it, in which event `seq` has an id that begins as `check` says; GX_NONE when none has. */
uint32_t gx_group_branch(const struct gx_group *g, const struct gx_frontier_entry *entry);
/* In so many branches of a log event `seq` is not the last one: there it has to be looked for. */
uint32_t gx_group_n_inside(const struct gx_group *g, const struct gx_log_tag *tag, uint32_t seq);
uint32_t gx_group_person_of_device(const struct gx_group *g, const struct gx_sign_pk *device);
/* Is the device a live device of a member, in this node's resolved view? */
bool gx_group_live(const struct gx_group *g, const struct gx_sign_pk *device);
bool gx_group_is_member(const struct gx_group *g);                 /* am I? */
uint32_t gx_group_op(const struct gx_group *g, const struct gx_event_id *id);            /* index or GX_NONE */
/* The control heads: indices of at most cap ops, lowest ids first. */
uint32_t gx_group_heads(struct gx_engine *e, const struct gx_group *g, uint32_t *out, uint32_t cap);
struct gx_token_info *gx_group_token(const struct gx_group *g, uint32_t op);
/* The title in force ("" before one is known); borrowed from the step arena. */
const char *gx_group_name(struct gx_engine *e, struct gx_group *g);
/* The alias in force of a person, "" when none; step arena. */
const char *gx_group_alias(struct gx_engine *e, struct gx_group *g, uint32_t person);
/* Read an event of a log into the step arena, with its body decoded. */
bool gx_group_read(struct gx_engine *e, struct gx_group *g, struct gx_log *log, uint32_t seq, struct gx_event *ev, struct gx_body *body);
/* Under which number an event of a log was taken in.  False: its page is bad (counted), or at fault. */
bool gx_log_arrival(struct gx_engine *e, const struct gx_log_row *row, uint32_t seq, uint64_t *arrival);
/* Bring the law's results up to date with the operations. */
void gx_group_settle(struct gx_engine *e, struct gx_group *g);
void gx_groups_settle(struct gx_engine *e);
/* The row of one of the group's logs changed: it is written at the end of the step. */
void gx_log_touch(struct gx_engine *e, struct gx_group *g, struct gx_log *log);
/* Write rows of groups and logs that changed; at the end of the step. */
void gx_groups_flush(struct gx_engine *e);
/* --- ingest.c, load.c ---------------------------------------------------------------------------------------------------------- */

/* Index of the person whose member key this is; added when new.  GX_NONE when memory is out (noted). */
uint32_t gx_group_person(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *member);
/* The membership that an event introduces, of founder or joiner; NULL when none. */
const struct gx_intro *gx_group_intro(const struct gx_body *body);
/* Is log `index` this node's own, and of its present incarnation? */
void gx_group_note_own(struct gx_group *g, uint32_t index);
/* Take an operation into the tables: the same from the wire, from this node's author and from the store. */
bool gx_group_register(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body, uint32_t log, uint64_t arrival);
/* The number of a device of a person, to the law: the index of its first log, or of the next one that is added. */
uint32_t gx_group_device(const struct gx_group *g, uint32_t person, const struct gx_sign_pk *device);
/* Make room for, and take in, control event ev (verified, not yet stored).  GX_OK, or GX_E_DUPLICATE, GX_E_FORK, GX_E_MISSING, GX_E_MALFORMED,
 * GX_E_TOO_BIG; a failure of the machine goes to e->fault. */
enum gx_err gx_group_ingest(struct gx_engine *e, struct gx_group *g, const struct gx_event *ev, const struct gx_body *body);
/* Append messages to a log: few to the journal, many as a segment.  GX_E_FULL when the store keeps the rest for own events: nothing happened. */
enum gx_err gx_group_ingest_chunk(struct gx_engine *e, struct gx_group *g, const struct gx_job *job);
/* The first event of a log may name the last own head of an earlier incarnation: the log's base, though nothing lies there. */
void gx_log_begins_after(struct gx_log *log, const struct gx_event_id *prev);
/* A branch of log `first` that begins with `ev`, behind an event with this tick; GX_NONE: at fault. */
uint32_t gx_group_branch_add(struct gx_engine *e, struct gx_group *g, uint32_t first, const struct gx_event *ev, uint64_t tick);
/* Tick rule and deps of an event behind `prev_tick`: GX_OK, GX_E_MISSING, GX_E_MALFORMED.  WIRE §3 */
enum gx_err gx_group_check_ticks(const struct gx_group *g, const struct gx_event *ev, uint64_t prev_tick, bool prev_known);

/* --- shown.c: which messages are shown ------------------------------------------------------------------------------------------------- */

/* What message ev is the first to know of its author's admissions goes to out, in the arena.  It stands in the log, or in a branch that has the log's
 * messages up to `common`. */
bool gx_shown_learn(struct gx_engine *e, const struct gx_group *g, const struct gx_log *log, struct gx_known_list *out, struct gx_arena *arena,
                    const struct gx_event *ev, uint32_t common);
/* What lies within the log goes into its list and the store; and from there, at a start. */
bool gx_shown_keep(struct gx_engine *e, struct gx_log *log, const struct gx_known_list *fresh);
bool gx_shown_load(struct gx_engine *e, struct gx_log *log);
/* The first message of the log that knows all admissions of its author that operation `op` has in its past; UINT32_MAX: none does yet. */
uint32_t gx_shown_knows_all(const struct gx_group *g, const struct gx_log *log, uint32_t op);
/* Can any message of it be shown? */
bool gx_log_shown(const struct gx_group *g, const struct gx_log *log);
bool gx_message_shown(const struct gx_group *g, const struct gx_log *log, uint32_t seq);
/* The next messages at or behind *from that are all shown: *from to *to; false: there are none. */
bool gx_shown_run(const struct gx_group *g, const struct gx_log *log, uint32_t *from, uint32_t *to);
/* Is message seq, and all behind it, hidden for good: its author is no member, and the owner has seen the removal that cuts before it? */
bool gx_shown_ended(const struct gx_group *g, const struct gx_log *log, uint32_t seq);
/* Is what is held of log `at`, at the place where it ended, the event that was meant, and not one of another branch? */
bool gx_shown_as_cut(struct gx_engine *e, struct gx_group *g, uint32_t at);
/* How many are, at or behind `from`. */
uint32_t gx_shown_count(const struct gx_group *g, const struct gx_log *log, uint32_t from);

/* --- author.c: this node's own events ---------------------------------------------------------------------------------------------- */

/* Write an event of this node: control (deps, tick and minute are added) or TEXT.  id: may be NULL.  GX_OK or GX_E_TOO_BIG, GX_E_DENIED. */
enum gx_err gx_author_write(struct gx_engine *e, struct gx_group *g, const struct gx_body *body, struct gx_event_id *id, uint32_t *seq);
void gx_author_device_key(const struct gx_engine *e, struct gx_group *g, struct gx_sign_pk *pk, struct gx_sign_sk *sk);
/* Sign what was written and not signed yet: before anything else can read it, and before the end of the step. */
void gx_author_sign(struct gx_engine *e);
/* Sign this node's endpoint record of the group anew when its addresses changed. */
void gx_author_endpoint(struct gx_engine *e, struct gx_group *g);
/* Others hold a record of this device with that counter, from before its home was put back: theirs is to give way.  Once in a run: a copy that runs does the same. */
void gx_author_endpoint_above(struct gx_engine *e, struct gx_group *g, uint64_t counter);
/* The rounded minute that control events carry. */
uint64_t gx_author_minute(struct gx_time now);

/* --- owner.c: the owner's node ------------------------------------------------------------------------------------------------------------ */

/* Does this node make the points of the mainline? */
bool gx_group_is_giver(const struct gx_group *g);
/* The OFFER of the owner that stands: the newest, if the group was not handed over since.  GX_NONE: none. */
uint32_t gx_group_offer(const struct gx_group *g);
/* What its receiver answered last; GX_NONE: nothing yet. */
uint32_t gx_group_reply(const struct gx_group *g, uint32_t offer);
/* Something changed: is there anything for the owner to do? */
void gx_owner_look(struct gx_engine *e, struct gx_group *g);
void gx_owner_timer(struct gx_engine *e);

/* --- jobs.c -------------------------------------------------------------------------------------------------------------------- */

#define GX_PATH_SIGNATURES_MAX (GX_VERIFIES_MAX / 2u)       /* of one path to a code: it is one job, and the others of half a table go on beside it */
/* A job that copies `bytes`; NULL when it, with all the signatures that one of its kind may have, would be too much (counted).  Add signatures, then begin it. */
struct gx_job *gx_job_new(struct gx_engine *e, enum gx_job_kind kind, struct gx_session *s, uint32_t gnum, struct gx_span bytes);
/* msg, pk and sig are copied. */
void gx_job_verify(struct gx_engine *e, struct gx_job *job, enum gx_domain domain, const struct gx_sign_pk *pk, struct gx_span msg, const struct gx_sig *sig);
void gx_job_begin(struct gx_engine *e, struct gx_job *job);
void gx_job_discard(struct gx_engine *e, struct gx_job *job);       /* one that was not begun */
void gx_jobs_verified(struct gx_engine *e, uint64_t ticket, bool ok);
void gx_jobs_kill(struct gx_engine *e, uint32_t gnum);              /* their answers will be ignored */
/* The step that asked for tickets from first_ticket on is undone: those never went out.  All older jobs are killed. */
void gx_jobs_undo(struct gx_engine *e, uint64_t first_ticket);
void gx_jobs_free(struct gx_engine *e);
/* --- incoming.c: chunks of messages */
void gx_incoming_messages(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_span bytes);
void gx_incoming_done(struct gx_engine *e, struct gx_group *g, struct gx_session *s, struct gx_job *job);
/* The first log at or behind `from` with this id: a log, and then its branches.  GX_NONE: there is none. */
uint32_t gx_group_next_branch(const struct gx_group *g, const struct gx_log_id *id, uint32_t from);
uint32_t gx_group_branches(const struct gx_group *g, const struct gx_log_id *id);       /* how many there are */
bool gx_group_is_forked(const struct gx_group *g, uint32_t log);
/* Id of event `seq` of a log, that at its base included; false: not held here.  May read the store. */
bool gx_group_event_id(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t seq, struct gx_event_id *id);
/* The number of the last event that two branches of a log have in common, as far as is held here; of one with itself, its newest. */
uint32_t gx_group_common(struct gx_engine *e, struct gx_group *g, uint32_t a, uint32_t b);
/* Events from a CHUNKS frame, or handed over by a door.  `s` sent them. */
void gx_jobs_chunk(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_span chunk);
/* Is something of the group under verification, or waits for it? */
bool gx_jobs_of(const struct gx_group *g);
/* What waited goes on where there is room now. */
void gx_jobs_finish(struct gx_engine *e);
/* The signatures of a membership: certificate, request and token. */
void gx_job_verify_intro(struct gx_engine *e, struct gx_job *job, const struct gx_intro *intro);
void gx_job_verify_request(struct gx_engine *e, struct gx_job *job, const struct gx_join_request *req, const struct gx_sign_pk *token_pk);
void gx_job_verify_event(struct gx_engine *e, struct gx_job *job, const struct gx_event *ev, const struct gx_sign_pk *device);

/* --- session.c ------------------------------------------------------------------------------------------------------------------ */

struct gx_session *gx_session_find(struct gx_engine *e, gx_session_id id);
struct gx_session *gx_session_new(struct gx_engine *e, gx_session_id id, enum gx_session_kind kind, bool inbound);
void gx_session_up(struct gx_engine *e, const struct gx_input *in);
void gx_session_down(struct gx_engine *e, gx_session_id id);
void gx_session_frame(struct gx_engine *e, const struct gx_input *in);
void gx_session_close(struct gx_engine *e, struct gx_session *s, enum gx_bye why);
/* Count a wrong thing that the other side sent; the third closes. */
void gx_session_deadline(struct gx_engine *e, struct gx_session *s, uint64_t at_ms);        /* it ends then, unless it is shared before */
/* A step of beginning is done, of those that cannot be done twice: the next one gets its time, however slow the link. */
void gx_session_goes_on(struct gx_engine *e, struct gx_session *s);
/* What it sent is not looked at: it cost too much before.  Whoever goes on all the same is cut. */
void gx_session_unserved(struct gx_engine *e, struct gx_session *s, const char *why);
void gx_session_strike(struct gx_engine *e, struct gx_session *s, const char *why);
void gx_session_proved(struct gx_engine *e, struct gx_job *job);
/* Does this node take part in the group: as a member, or to tell that it left? */
bool gx_group_active(const struct gx_group *g);
/* Membership changed: proofs that waited may hold now, and devices that left are no longer served. */
void gx_sessions_recheck(struct gx_engine *e, struct gx_group *g);
/* A group was founded or joined: open it on the sessions there are. */
void gx_sessions_new_group(struct gx_engine *e, struct gx_group *g);
struct gx_channel *gx_session_channel(struct gx_session *s, uint16_t number);
struct gx_channel *gx_session_channel_of(struct gx_session *s, uint32_t gnum);
/* Is nothing said on it but on this channel? */
bool gx_session_is_for(const struct gx_session *s, const struct gx_channel *c);
bool gx_channel_shared(const struct gx_channel *c);
/* It speaks of this group no more, on any session: those that were for it alone end. */
void gx_sessions_group_gone(struct gx_engine *e, const struct gx_group *g);
void gx_sessions_timer(struct gx_engine *e);
void gx_sessions_reap(struct gx_engine *e);
void gx_sessions_close_all(struct gx_engine *e);
void gx_sessions_free(struct gx_engine *e);
uint32_t gx_sessions_peers(const struct gx_engine *e);              /* with a shared group, counted by device */

/* A channel for a group under a number that the client chose; NULL when there are too many. */
struct gx_channel *gx_session_channel_add(struct gx_engine *e, struct gx_session *s, uint32_t gnum, uint16_t number);
/* The same group, from the beginning and under another number. */
void gx_channel_anew(struct gx_channel *c, uint16_t number);

/* --- greet.c: hello, tags, proofs -------------------------------------------------------------------------------------------------- */

void gx_greet_hello(struct gx_engine *e, struct gx_session *s);
/* The client shows its groups: tags by the newest gates of all that it takes part in. */
void gx_greet_show(struct gx_engine *e, struct gx_session *s);
/* The client's tags: the server shows those that it recognises, and the client, to whom they come back, proves them. */
void gx_greet_take_tags(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f);
void gx_greet_take_proofs(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f);
/* By now it may be known whose node the other side is: prove g to it, if that was not done. */
void gx_greet_late(struct gx_engine *e, struct gx_session *s, struct gx_group *g);
/* May the other side be shown control events of the group?  To whom this node proved itself, once it is proven a member, and before that as the node that a
 * live member of this very group named: CURVE proved whose that is. */
bool gx_greet_trusts(const struct gx_session *s, const struct gx_group *g, const struct gx_channel *c);
/* HEADS: my control heads, to be shown what I lack. */
void gx_greet_heads(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c);

/* --- connect.c: whom to connect to ------------------------------------------------------------------------------------------------ */

void gx_targets_update(struct gx_engine *e, const struct gx_endpoint *record);
/* The node of that key answered from there on the LAN, by a key of that group (gnum). */
void gx_targets_found(struct gx_engine *e, uint32_t group, const struct gx_curve_pk *key, const struct gx_addr *at);
/* Connect to whoever is not connected now, and not after the pause that lets the other side begin. */
void gx_targets_hurry(struct gx_engine *e);
/* A device's record names another key than before, or the device is met on another session: one made with this node's key of before may be spare now, and ends. */
void gx_targets_end_spare(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device);
void gx_targets_reload(struct gx_engine *e);
void gx_targets_timer(struct gx_engine *e);
void gx_targets_up(struct gx_engine *e, struct gx_session *s);
void gx_targets_down(struct gx_engine *e, const struct gx_session *s);
struct gx_target *gx_targets_find(struct gx_engine *e, const struct gx_curve_pk *key);
/* A duplicate of another session with the same node?  Closes the one that has to go; true when it was `s`. */
bool gx_targets_settle(struct gx_engine *e, struct gx_session *s);

/* --- theirs.c: what peers told to hold; more of it, and fetch.c, in fetch.h -------------------------------------------------------- */

/* The peer of a channel told that it holds a log from base_seq + 1 to seq. */
void gx_theirs_note(struct gx_engine *e, struct gx_group *g, struct gx_channel *c, uint32_t log, uint32_t base_seq, uint32_t seq);
/* The peer's device holds this node's messages up to seq, from where on it held them before.  False: nothing is known of it. */
bool gx_theirs_held_again(struct gx_engine *e, struct gx_group *g, const struct gx_sign_pk *device, uint32_t seq);
/* How far it told to hold a log; 0: nothing of it. */
uint32_t gx_theirs_seq(const struct gx_channel *c, uint32_t log);

/* --- repair.c: frontiers, wants, chunks --------------------------------------------------------------------------------------------- */

void gx_repair_unacked_at(struct gx_engine *e, struct gx_channel *c, uint64_t at_ms);     /* look then for own events that it did not acknowledge */
/* Something is to be done about a channel then: a look at all of them. */
void gx_repair_look_at_channels(struct gx_engine *e, uint64_t at_ms);
/* A group became shared.  is_asked: the other side compares what both hold, and is answered. */
void gx_repair_start(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool is_asked);
void gx_repair_frontier(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f);
void gx_repair_chunks(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f);
/* CHUNKS of who is not served: control events alone, to see by what right it speaks. */
void gx_repair_shown(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f);
void gx_repair_look(struct gx_engine *e, struct gx_group *g);       /* ask for what is lacking, now */
void gx_repair_look_by(struct gx_engine *e, struct gx_group *g, uint64_t at_ms);        /* and then, at the latest */
void gx_repair_timer(struct gx_engine *e);
/* Has a peer told of control events that are not here? */
bool gx_repair_lacks_control(const struct gx_engine *e, const struct gx_group *g);
void gx_repair_session_gone(struct gx_engine *e, const struct gx_session *s);
/* What session s has of this log joins nothing here: it is asked for from where both have the same. */
void gx_repair_note_forked(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_log_id *log);
/* A branch that session s has was taken in: what s said of it could not be placed before, and is asked for again. */
void gx_repair_note_branch(struct gx_engine *e, struct gx_session *s, struct gx_group *g);
/* The end of a step: say what it did, ask for what is lacking. */
void gx_repair_flush(struct gx_engine *e);
/* In words that live until the end of the step, the first thing that this node still fetches, opens or sends to a connected peer; NULL: it is idle. */
const char *gx_repair_busy(struct gx_engine *e);
uint64_t gx_repair_left(struct gx_engine *e, struct gx_group *g);   /* events known to be lacking */

/* --- announce.c: what this node holds ---------------------------------------------------------------------------------------------- */

/* Who leaves with messages that nobody holds yet keeps its LEAVE back, the newest event of its control log: once it is known nothing more is taken
 * from the one who left. */
bool gx_announce_withheld(const struct gx_group *g, uint32_t log);
/* The newest event of a log that others may hear of. */
uint32_t gx_announce_shown_seq(const struct gx_group *g, uint32_t log);
/* May events and records go there?  NULL: no. */
bool gx_announce_hears(const struct gx_channel *c);
/* In a group that more than GX_FAN_OUT sessions share, what is for everybody goes to `to` of them, picked anew each time: who has it passes it on the same
 * way.  How many share it is counted once a step. */
struct gx_fan_out {
    uint32_t n, to;
    uint64_t chance;
};
struct gx_fan_out gx_announce_fan_out(struct gx_engine *e, struct gx_group *g, uint32_t to);
bool gx_announce_picks(struct gx_fan_out *of);
/* To who is not picked when a group became shared: what I wrote and what it wrote. */
void gx_announce_pair(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c);
/* All logs of the buckets in mask, which differ; and of those that do not, their number. */
void gx_announce_buckets(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, uint8_t bits, const uint8_t *mask,
                         const uint8_t same[GX_SUM_BYTES]);
/* It answered so: of these what it did not tell, and what it wrote. */
void gx_announce_differing(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, uint8_t bits, struct gx_span mask);
/* Own events that it did not say it holds; false: there are none. */
bool gx_announce_unacked(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c);
/* Does the peer hold the log from behind the place on where this branch leaves all those that it has?  What this branch has joins nothing there, and the
 * peer never takes it.  LAW §12 */
bool gx_announce_is_apart(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, uint32_t log);
/* These logs, which it asked about. */
void gx_announce_logs(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const uint32_t *logs, uint32_t n);
void gx_announce_timer(struct gx_engine *e, struct gx_group *g);
/* Push what was appended in this step, announce what moved. */
void gx_announce_flush(struct gx_engine *e, struct gx_group *g);

/* --- compare.c: what differs --------------------------------------------------------------------------------------------------------- */

void gx_compare_begin(struct gx_engine *e, struct gx_channel *c);   /* at the end of the step, and again while no answer comes */
void gx_compare_flush(struct gx_engine *e);
void gx_compare_timer(struct gx_engine *e, struct gx_channel *c);
void gx_compare_sum(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f);
void gx_compare_buckets(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f);
void gx_compare_records(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f);
/* A FRONTIER of buckets came, and its entries were noted. */
void gx_compare_answered(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f);
/* The row of a log changes; a device has another endpoint record. */
void gx_compare_log_moved(struct gx_group *g, const struct gx_log *log);
void gx_compare_record_moved(struct gx_group *g, const struct gx_sign_pk *device);
void gx_compare_free(struct gx_group *g);

/* --- retain.c: how much is kept ------------------------------------------------------------------------------------------------------ */

struct gx_carry_limits gx_retain_limits(const struct gx_engine *e);        /* as they are configured, or usual */
bool gx_retain_load(struct gx_engine *e);
/* The end of a step: drop what is too old or too much, a portion of it. */
void gx_retain_flush(struct gx_engine *e);
/* Is so much of the group, or of the author of a log, here already that `bytes` more are not taken in?  forks: they begin a branch of it. */
bool gx_retain_refuses(const struct gx_engine *e, const struct gx_group *g, uint32_t log, size_t bytes, bool forks);
uint64_t gx_retain_dropped(const struct gx_group *g);       /* messages that were here once and are not kept any more */
/* Look through all groups from the next portion on, and fold what lies in the journal without waiting. */
void gx_retain_hurry(struct gx_engine *e);
/* The highest message of a log that may go: not what is unsent, not the newest, not what a branch begins on. */
uint32_t gx_retain_free(const struct gx_engine *e, const struct gx_group *g, uint32_t log);

/* --- serve.c: handing events out ----------------------------------------------------------------------------------------------------- */

void gx_serve_want(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, const struct gx_frame *f);
/* The control events of g that the ids in `heads` do not have in their past, as CHUNKS.  WIRE §6.1 */
void gx_serve_missing(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *heads);
/* The operations `ops` and their past, less what `heads` have in theirs. */
void gx_serve_past(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *heads, const uint32_t *ops,
                   uint32_t n);
void gx_serve_all_control(struct gx_engine *e, struct gx_session *s, struct gx_group *g, uint16_t channel);
/* What this node's own logs of a group got in this step, read and written once, control events first; and to one session. */
struct gx_push {
    struct gx_span frames[2 * GX_WANT_CHUNKS_MAX];      /* in the step arena */
    uint32_t n;
};
void gx_serve_push_make(struct gx_engine *e, struct gx_group *g, struct gx_push *out);
void gx_serve_push(struct gx_engine *e, struct gx_session *s, const struct gx_channel *c, const struct gx_push *push);
/* Another's events, which came live: operation `op`, or where it is GX_NONE messages of a log from `from` on. */
void gx_serve_push_live(struct gx_engine *e, struct gx_group *g, uint32_t log, uint32_t from, uint32_t op, struct gx_push *out);

/* --- tree.c: how live events spread in a large group ----------------------------------------------------------------------------------- */

/* A group became shared on a channel (false: with a device that it is shared with on another one, too); a channel is not shared any more. */
bool gx_tree_started(struct gx_engine *e, struct gx_group *g, struct gx_channel *c);
void gx_tree_gone(struct gx_engine *e, struct gx_group *g, struct gx_channel *c);
void gx_tree_timer(struct gx_engine *e, struct gx_group *g);
/* LINK: what the other says that the link is. */
void gx_tree_take(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f);
/* A push came, and was news, or all of it was here already.  of_others: not only of what its sender wrote itself, which it may push to all. */
void gx_tree_fresh(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool of_others);
void gx_tree_again(struct gx_engine *e, struct gx_session *s, struct gx_channel *c, bool of_others);
/* It announced what this node lacks, and may be asked for it after so many ms: it may be that it comes by another meanwhile. */
uint32_t gx_tree_offered(struct gx_engine *e, const struct gx_group *g, struct gx_channel *c);
/* A WANT goes there: if it announced something live, then from now on it is to push. */
void gx_tree_asked(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c);
/* What a job was about is stored: if it came live it is passed on at the end of the step. */
void gx_tree_note(struct gx_engine *e, struct gx_group *g, const struct gx_job *job);
void gx_tree_flush(struct gx_engine *e, struct gx_group *g);

/* --- budget.c: what others may cost ------------------------------------------------------------------------------------------------- */

/* May a WANT of it be answered now?  And the answer is in the effects behind the first `effects_before`; n_looked events were looked for in vain, or where
 * all control events are gone through for it. */
bool gx_budget_serves(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c);
void gx_budget_served(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c, const struct gx_frame *want, size_t effects_before,
                      uint32_t n_looked);
/* May its CHUNKS be looked at now?  And so many bytes of them brought nothing. */
bool gx_budget_hears(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c);
void gx_budget_wasted(struct gx_engine *e, struct gx_session *s, struct gx_group *g, size_t bytes);
/* Of a FRONTIER so many entries acknowledge nothing new; and so many events were looked for because of these, and of all others. */
void gx_budget_claims(struct gx_engine *e, struct gx_session *s, struct gx_group *g, size_t n_idle, size_t n_looked, size_t n_acked);
/* A chunk of messages brought nothing, and events that are held were looked for to see it. */
void gx_budget_chunk_wasted(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_log_id *log, size_t bytes);
/* One more frame that brings no events, and counts for n; false: it said too many of these. */
bool gx_budget_talks(struct gx_engine *e, struct gx_session *s, uint32_t n);
/* The session is cut for what it sent: its devices are not let in again at once.  Is that so of this one now? */
void gx_budget_shut(struct gx_engine *e, const struct gx_session *s);
bool gx_budget_is_shut(const struct gx_engine *e, const struct gx_group *g, const struct gx_sign_pk *device);
/* It was asked for the control events that it claims, and none came of it: when it may be asked again. */
uint64_t gx_budget_claimed(struct gx_engine *e, struct gx_group *g, const struct gx_channel *c);
/* It gave one. */
void gx_budget_gave(struct gx_engine *e, struct gx_session *s, struct gx_group *g);
/* What it claims is not asked for before then; 0: it may be asked now. */
uint64_t gx_budget_doubts(const struct gx_engine *e, const struct gx_group *g, const struct gx_channel *c);

/* --- endpoints.c: where members can be reached ------------------------------------------------------------------------------------------ */

void gx_endpoints_send(struct gx_engine *e, struct gx_session *s, const struct gx_channel *c, const struct gx_endpoint *records, uint32_t n);
/* Is it to be passed on later?  Then nobody is told of it before. */
bool gx_endpoints_waits(const struct gx_group *g, const struct gx_endpoint *record);
void gx_endpoints_send_own(struct gx_engine *e, struct gx_session *s, const struct gx_channel *c);
void gx_endpoints_take(struct gx_engine *e, struct gx_session *s, struct gx_group *g, const struct gx_frame *f);
/* Keep a record whose signature holds, when it is newer than what is known, and tell those who share the group. */
void gx_endpoints_store(struct gx_engine *e, struct gx_group *g, const struct gx_endpoint *record);
void gx_endpoints_verified(struct gx_engine *e, struct gx_job *job);
void gx_endpoints_timer(struct gx_engine *e, struct gx_group *g);
/* The record of a device; NULL: there is none.  Valid until another one is stored. */
const struct gx_endpoint *gx_endpoints_of(const struct gx_group *g, const struct gx_sign_pk *device);

/* --- ended.c: memberships that ended --------------------------------------------------------------------------------------------------- */

/* Was I let in, and did it not last?  Then the invitation is kept and tried again. */
bool gx_group_bumped(const struct gx_group *g);
bool gx_group_joining(const struct gx_group *g);
/* Does this node answer when it is asked about the group?  Also when it was removed: it may hear that this did not count; and when it left and was
 * heard: who takes it for a member lost that, or held something else for its end. */
bool gx_group_answers(const struct gx_group *g);
/* Of several memberships of one group that this node has had: is it the one that answers? */
bool gx_group_speaks(struct gx_engine *e, struct gx_group *g);
/* Does another of them speak, and take part?  Then it is that one's to connect. */
bool gx_group_is_outdone(struct gx_engine *e, struct gx_group *g);
/* Somebody holds my LEAVE: nothing is left to tell. */
void gx_ended_heard(struct gx_engine *e, struct gx_group *g);
/* ENDED: the device of the channel is no member's any more.  False: nothing here ended it. */
bool gx_ended_tell(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c);
void gx_ended_take(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *f);
/* It asks what it was told about: those operations and their past, then the session ends. */
void gx_ended_serve(struct gx_engine *e, struct gx_session *s, struct gx_group *g, struct gx_channel *c, const struct gx_frame *heads);
/* By what rule a bumped admission failed: what the person is told until a door says something newer. */
void gx_ended_reason(struct gx_group *g);
/* A bumped join is not tried again; the group stays, as one that I was removed from. */
void gx_ended_give_up(struct gx_engine *e, struct gx_group *g);
/* Did my own membership end, come back, or become sure? */
void gx_ended_check(struct gx_engine *e, struct gx_group *g);

/* --- door.c, guest.c: joining ------------------------------------------------------------------------------------------------------ */

enum gx_guest_stage { GX_GUEST_NEW, GX_GUEST_PROOF, GX_GUEST_PATH, GX_GUEST_REQUESTED, GX_GUEST_ADMITTED };
void gx_doors_refresh(struct gx_engine *e);                         /* open and close doors so that the newest tokens have one */
void gx_doors_opened(struct gx_engine *e, const struct gx_input *in);
struct gx_door *gx_doors_by_number(struct gx_engine *e, uint32_t number);
void gx_doors_timer(struct gx_engine *e);
struct gx_door *gx_doors_by_token(struct gx_engine *e, const struct gx_event_id *token);
void gx_door_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f);
void gx_door_guest_verified(struct gx_engine *e, struct gx_job *job);
void gx_door_join_verified(struct gx_engine *e, struct gx_job *job);

void gx_guest_frame(struct gx_engine *e, struct gx_session *s, const struct gx_frame *f);
void gx_guest_up(struct gx_engine *e, struct gx_session *s);
/* A door of the invitation by which this node joins g answered from there on the LAN. */
void gx_guest_found(struct gx_engine *e, struct gx_group *g, const struct gx_addr *at);
void gx_guest_gone(struct gx_engine *e, const struct gx_session *s);
void gx_guest_path_verified(struct gx_engine *e, struct gx_job *job);
void gx_guest_baseline_verified(struct gx_engine *e, struct gx_job *job);
void gx_guest_timer(struct gx_engine *e);
/* Ask for the connection of s to the door at s->addr that follows from the seed of an invitation or a card.  KEYS §8 */
void gx_guest_connect(struct gx_engine *e, struct gx_session *s, const struct gx_token_seed *seed, const uint8_t group16[16]);
/* Lists that come in several frames are put together. */
bool gx_guest_collect(struct gx_engine *e, struct gx_group *g, struct gx_span list);
void gx_guest_take_baseline(struct gx_engine *e, struct gx_group *g, const struct gx_frame *f);
/* Everything a new member needs: control events, endpoint records, where messages begin. */
void gx_door_give(struct gx_engine *e, struct gx_session *s, struct gx_group *g, uint16_t channel, const struct gx_sign_pk *device);
/* Own admission may have come in: become a member. */
void gx_guest_check(struct gx_engine *e, struct gx_group *g);

/* --- commands ---------------------------------------------------------------------------------------------------------------------- */

struct gx_answer_builder;
void gx_command_run(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_status(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_id(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_peers(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_peer_add(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_peer_drop(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_new(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_list(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_show(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_members(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_leave(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_remove(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_ban(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_unban(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_promote(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_demote(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_transfer(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_rename(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_alias(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_why(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_carry(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_group_reveal(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_profile_set(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_contact_add(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_contact_list(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_contact_show(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_contact_verify(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_contact_name(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_contact_block(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_contact_unblock(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_contact_remove(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_requests(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_accept(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_refuse(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_invite(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_invites(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_revoke(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_inspect(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_join(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_send(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_read(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_watch(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_vacuum(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
void gx_command_wait(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);

/* Find a group by WHERE; answers the client itself and returns NULL when there is none or more than one. */
struct gx_group *gx_command_group(struct gx_engine *e, uint64_t client, const struct gx_command *cmd);
/* A new waiter, or NULL when the table is full (answered). */
struct gx_waiter *gx_waiter_new(struct gx_engine *e, enum gx_waiter_kind kind, uint64_t client, uint64_t request);
void gx_waiters_client_gone(struct gx_engine *e, uint64_t client);
void gx_waiter_end(struct gx_engine *e, const struct gx_waiter *w);      /* it was answered */
void gx_waiters_run(struct gx_engine *e);                           /* at the end of a step: answer those whose time has come */
/* The answer to `join`: a member now, or refused. */
void gx_waiters_join_done(struct gx_engine *e, struct gx_group *g);
/* The store's file was made smaller, or could not be. */
void gx_vacuum_take(struct gx_engine *e, const struct gx_input *in);
/* True when it was answered. */
bool gx_vacuum_run(struct gx_engine *e, struct gx_waiter *w);
void gx_invite_answer(struct gx_engine *e, const struct gx_waiter *w);
/* The same on two nodes that show the same messages.  node/README §8 */
const uint8_t *gx_messages_hash(struct gx_engine *e, struct gx_group *g);
uint64_t gx_messages_count(const struct gx_group *g);
uint64_t gx_messages_unread(const struct gx_group *g);
void gx_messages_watch(struct gx_engine *e, struct gx_waiter *w);
/* Tell watchers that an admission does not stand any more. */
void gx_watch_bumped(struct gx_engine *e, struct gx_group *g, uint32_t admit);
/* Own messages no other device holds. */
uint64_t gx_messages_unsent(const struct gx_group *g);
/* How many member devices but this one hold message seq of the own log, and of how many: those that joined behind it are not given it, and do not count. */
void gx_messages_held(const struct gx_group *g, uint32_t seq, uint32_t *by, uint32_t *of);
/* Up to which seq some other device, and every other member's, told to hold the own log; who came in behind some of it does not want that.  0: none does. */
void gx_messages_reached(const struct gx_group *g, uint32_t *sent, uint32_t *delivered);
/* What others hold is on the disk with this step: somebody is told of it now. */
void gx_messages_keep_held(struct gx_engine *e);
/* Tell watchers which of the own messages are sent or delivered since they were told last. */
void gx_receipts_run(struct gx_engine *e);
void gx_receipts_skip(struct gx_group *g);      /* what was until now is no news */
bool gx_receipts_are_due(const struct gx_engine *e, const struct gx_group *g);      /* does somebody watch who was not told yet? */

#endif
