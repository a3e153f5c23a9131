/* Bodies of events.  WIRE §4.  All control bodies are exact: a byte too many or an unknown value is refused.
 * Bodies of messages end in fields (tag u8, len u16, value), ascending tags; unknown tags are skipped. */
#ifndef GX_PROTO_BODIES_H
#define GX_PROTO_BODIES_H

#include "crypto/card.h"
#include "crypto/message.h"
#include "crypto/member.h"
#include "proto/event.h"

#define GX_INTRO_BYTES 200u
void gx_intro_write(struct gx_wr *w, const struct gx_intro *intro);
/* Refuses a prekey or E that X25519 refuses (gx_dh_usable).  The cert is not verified here. */
void gx_intro_read(struct gx_rd *r, struct gx_intro *out);

/* The immutable rules of a group.  A group may choose smaller numbers, never larger. */
enum gx_group_kind { GX_GROUP_CHAT = 0, GX_GROUP_DIRECT = 1 };
#define GX_RULE_VERSION 1u
struct gx_rules {
    uint8_t rule_version;       /* GX_RULE_VERSION; another is GX_E_VERSION */
    uint8_t kind;               /* enum gx_group_kind */
    uint16_t cap;               /* 1 to GX_GROUP_MEMBERS_MAX; 2 of a direct chat */
    uint16_t qr_max;            /* 0 to GX_GROUP_QR_JOIN_MAX, at most cap: a QR admits while there are fewer members; 0 of a direct chat */
    uint16_t history;           /* last messages from before that a newcomer is told: 0 to GX_GROUP_HISTORY_MAX; 0 of a direct chat */
};

struct gx_body_create {
    struct gx_rules rules;      /* 8 bytes */
    struct gx_intro founder;
};

/* What a joiner signs.  WIRE §4.3. */
enum gx_via { GX_VIA_QR = 1, GX_VIA_INV = 2 };
struct gx_join_request {
    struct gx_group_id group;
    uint8_t via;                        /* enum gx_via */
    struct gx_event_id token;           /* QR: id of the TOKEN operation; INV: zero */
    struct gx_sign_pk inviter;          /* INV: M_pk of the member who invited; QR: zero.  Both stand in the same 32 bytes */
    uint8_t n_heads;
    const uint8_t *heads;               /* n x 32 strictly ascending: control heads the joiner knew; borrowed */
    struct gx_intro joiner;
    struct gx_sig device_sig;           /* by the joiner's device, domain JOIN, over all before */
    struct gx_sig token_sig;            /* QR: by T, domain JOIN_TOKEN, over all before device_sig; not there by INV */
};
#define GX_JOIN_REQUEST_BYTES(via, n_heads) (32u + 1u + 32u + 1u + 32u * (size_t)(n_heads) + GX_INTRO_BYTES + ((via) == GX_VIA_QR ? 128u : 64u))
#define GX_JOIN_REQUEST_MAX GX_JOIN_REQUEST_BYTES(GX_VIA_QR, 255)
/* The part both signatures cover. */
void gx_join_request_write_signed(struct gx_wr *w, const struct gx_join_request *req);
void gx_join_request_write(struct gx_wr *w, const struct gx_join_request *req);
enum gx_err gx_join_request_decode(struct gx_join_request *out, struct gx_span bytes) GX_MUST_CHECK;

/* A cut: the last accepted event of one log of the target.  A log not listed is cut at 0. */
#define GX_CUT_BYTES 52u
struct gx_cut {
    struct gx_log_id log;
    uint32_t seq;
    struct gx_event_id id;
};

/* What is for members alone: an ALIAS, a META, a message; the end of a TOKEN.  WIRE §4.16 */
struct gx_body_sealed {
    struct gx_sealed_head head;
    struct gx_span sealed;              /* the padded text and its tag */
};
#define GX_SEALED_BYTES(padded) (GX_SEALED_HEAD_BYTES + (size_t)(padded) + GX_AEAD_TAG_BYTES)
/* A secret sealed to devices.  WIRE §4.17 */
struct gx_body_epoch {
    struct gx_epoch_head head;
    uint16_t n;
    struct gx_span slots;               /* n x GX_EPOCH_SLOT_BYTES, their logs strictly ascending */
};
#define GX_EPOCH_BODY_BYTES(n) (98u + GX_EPOCH_SLOT_BYTES * (size_t)(n))
struct gx_body_prekey {                 /* WIRE §4.18 */
    struct gx_dh_pk prekey;
    struct gx_event_id epoch;           /* that its author is listed in and cannot open; zero: none */
};

struct gx_body_admit {
    struct gx_span request_bytes;       /* exactly one join request */
    struct gx_join_request request;
};
struct gx_body_leave {
    uint16_t n_cuts;
    struct gx_span cuts;                /* n x GX_CUT_BYTES, log ids strictly ascending */
};
struct gx_body_removal {                /* REMOVE, BAN */
    struct gx_sign_pk target;           /* M_pk */
    uint16_t n_cuts;
    struct gx_span cuts;                /* as in LEAVE, of the target's logs */
};
void gx_cut_read(struct gx_cut *out, struct gx_span cuts, size_t i);
void gx_cut_write(struct gx_wr *w, const struct gx_cut *cut);
struct gx_body_token {
    struct gx_sign_pk token_pk;         /* T_pk */
    uint32_t expires_min;               /* u24: minutes since GX_TOKEN_EPOCH_MS */
    uint8_t uses;                       /* 0: as many as the group lets in */
    struct gx_body_sealed sealed;       /* bk */
    struct gx_invite_lan_key lan;       /* bk, of a plain one: gx_plain_decode */
};
enum gx_revoke { GX_REVOKE_TOKEN = 1, GX_REVOKE_MEMBER = 2 };
struct gx_body_revoke {
    uint8_t what;                       /* enum gx_revoke: which of the two names is there, the other is zero */
    struct gx_event_id token;           /* one token, by the id of its TOKEN operation */
    struct gx_sign_pk member;           /* all tokens of one member */
};
struct gx_body_target {                 /* UNBAN, PROMOTE, DEMOTE, OFFER: a member and nothing else */
    struct gx_sign_pk target;           /* M_pk */
};
struct gx_body_transfer {
    struct gx_sign_pk target;           /* M_pk of the receiver */
    struct gx_sign_pk device;           /* its device that the group is handed to */
    struct gx_event_id offer;           /* the OFFER that the receiver said yes to */
    struct gx_sig sig;                  /* the receiver's: SIG(device, "accept", gx_accept_signed_bytes); not verified here */
};
enum gx_accept { GX_ACCEPT_NO = 0, GX_ACCEPT_YES = 1 };
struct gx_body_accept {
    uint8_t answer;                     /* enum gx_accept */
    struct gx_event_id offer;
    struct gx_sig sig;                  /* with a yes: as in TRANSFER, by the device that wrote this; zero with a no */
};
/* What the receiver of a group signs: group_id || offer || target || device.  KEYS §3 */
#define GX_ACCEPT_SIGNED_BYTES 128u
void gx_accept_signed_bytes(uint8_t out[GX_ACCEPT_SIGNED_BYTES], const struct gx_group_id *group, const struct gx_event_id *offer,
                            const struct gx_sign_pk *target, const struct gx_sign_pk *device);
struct gx_body_alias { struct gx_span name; };       /* UTF-8, 0 to GX_NAME_BYTES_MAX; 0: none */
struct gx_body_meta { struct gx_span name; };        /* title of the group, 1 to GX_NAME_BYTES_MAX */
struct gx_body_incarnation {
    struct gx_sign_pk member;
    struct gx_sign_pk device;
    struct gx_incarnation incarnation;
};
struct gx_body_text {
    uint64_t wall_ms;                   /* when it was written, by the author's clock: display only */
    struct gx_span text;                /* field 1: UTF-8, 1 to GX_TEXT_BYTES_MAX */
    bool has_reply;
    struct gx_event_id reply;           /* field 2 (optional): the event answered */
};

/* To one contact, in the direct chat: come into that group.  WIRE §4.14. */
struct gx_body_invite {
    uint64_t wall_ms;                   /* display only */
    struct gx_sign_pk inviter;          /* M_pk of who invites, there */
    struct gx_span create;              /* field 1: CREATE of the group in full form, GX_CREATE_EVENT_BYTES; its layout is checked, nothing of it verified */
    struct gx_span title;               /* field 2 (optional): what the group is called; UTF-8, 1 to GX_NAME_BYTES_MAX; p == NULL: not there */
};
#define GX_CREATE_EVENT_BYTES (113u + 32u + 64u + 8u + GX_INTRO_BYTES)
/* To one contact, in the direct chat: in that group I am this member.  WIRE §4.15, KEYS §1. */
struct gx_body_reveal {
    uint64_t wall_ms;
    struct gx_group_id group;
    struct gx_sign_pk member;           /* M_pk of who reveals itself, there */
    struct gx_reveal mac;
};

/* One decoder: the union member of ev->type is filled, borrowing from ev->body.  CHECKPOINT has none: its deps are what it says.
 * Returns GX_E_MALFORMED, GX_E_VERSION (rules), GX_E_TOO_BIG; what gx_event_decode says of the CREATE in an INVITE; GX_E_ABSENT when the body was
 * deleted. */
struct gx_body {
    uint8_t type;
    union {
        struct gx_body_create create;
        struct gx_body_admit admit;
        struct gx_body_leave leave;
        struct gx_body_removal removal;
        struct gx_body_token token;
        struct gx_body_revoke revoke;
        struct gx_body_target target;
        struct gx_body_transfer transfer;
        struct gx_body_accept accept;
        struct gx_body_alias alias;
        struct gx_body_meta meta;
        struct gx_body_incarnation incarnation;
        struct gx_body_text text;
        struct gx_body_invite invite;
        struct gx_body_reveal reveal;
        struct gx_body_epoch epoch;
        struct gx_body_prekey prekey;
        struct gx_body_sealed sealed;
    } u;
};
enum gx_err gx_body_decode(struct gx_body *out, const struct gx_event *ev) GX_MUST_CHECK;
/* Writes the body of body->type; for ADMIT request_bytes is written as it is. */
void gx_body_encode(struct gx_wr *w, const struct gx_body *body);

/* Of a type that is sealed (gx_event_is_sealed) the two above read and write the member `sealed`, of TOKEN with what stands before it.  What was sealed,
 * the plain form, is read and written here: the member of the type; of TOKEN lan alone.
 * Returns GX_E_MALFORMED, GX_E_TOO_BIG, and what gx_event_decode says of the CREATE in an INVITE. */
enum gx_err gx_plain_decode(struct gx_body *out, uint8_t type, struct gx_span plain) GX_MUST_CHECK;
void gx_plain_encode(struct gx_wr *w, const struct gx_body *body);
/* The part of a body of a sealed type that is sealed. */
const struct gx_body_sealed *gx_body_sealed(const struct gx_body *body);

#endif
