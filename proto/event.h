/* Signed events: append-only, hash-linked logs.  WIRE §3.
 *
 *   hdr0  u8 ver | u8 type | u16 flags | u32 body_len | group_id[32] | log_id[16] | u64 seq | prev[32] | u64 tick | u64 wall_ms
 *         | u8 n_deps | deps[n][32]
 *   hdr   hdr0 | body_hash[32]      id = H("gx-event-id", hdr)     sig = SIG(D, "event", hdr)     body_hash = H("gx-body", body)
 *   event hdr | sig[64] | body
 *
 * In CREATE the field group_id is zero and the id of the event is the id of the group. */
#ifndef GX_PROTO_EVENT_H
#define GX_PROTO_EVENT_H

#include "crypto/sign.h"
#include "proto/codec.h"
#include "proto/ids.h"
#include "proto/limits.h"

#define GX_EVENT_VERSION 3u

/* type number, name, class of log.  What the law does not know yet is refused, not skipped. */
#define GX_EVENT_LIST(X)                               \
    X(GX_EV_CREATE, 1, "create", GX_LOG_CONTROL)       \
    X(GX_EV_ADMIT, 2, "admit", GX_LOG_CONTROL)         \
    X(GX_EV_LEAVE, 3, "leave", GX_LOG_CONTROL)         \
    X(GX_EV_REMOVE, 4, "remove", GX_LOG_CONTROL)       \
    X(GX_EV_BAN, 5, "ban", GX_LOG_CONTROL)             \
    X(GX_EV_UNBAN, 6, "unban", GX_LOG_CONTROL)         \
    X(GX_EV_TOKEN, 7, "token", GX_LOG_CONTROL)         \
    X(GX_EV_REVOKE, 8, "revoke", GX_LOG_CONTROL)       \
    X(GX_EV_PROMOTE, 9, "promote", GX_LOG_CONTROL)     \
    X(GX_EV_DEMOTE, 10, "demote", GX_LOG_CONTROL)      \
    X(GX_EV_TRANSFER, 11, "transfer", GX_LOG_CONTROL)  \
    X(GX_EV_CHECKPOINT, 12, "checkpoint", GX_LOG_CONTROL) \
    X(GX_EV_ALIAS, 15, "alias", GX_LOG_CONTROL)        \
    X(GX_EV_META, 16, "meta", GX_LOG_CONTROL)          \
    X(GX_EV_EPOCH, 17, "epoch", GX_LOG_CONTROL)        \
    X(GX_EV_INCARNATION, 18, "incarnation", GX_LOG_CONTROL) \
    X(GX_EV_OFFER, 19, "offer", GX_LOG_CONTROL)        \
    X(GX_EV_ACCEPT, 20, "accept", GX_LOG_CONTROL)      \
    X(GX_EV_PREKEY, 21, "prekey", GX_LOG_CONTROL)      \
    X(GX_EV_TEXT, 64, "text", GX_LOG_MESSAGES)         \
    X(GX_EV_INVITE, 65, "invite", GX_LOG_MESSAGES)     \
    X(GX_EV_REVEAL, 66, "reveal", GX_LOG_MESSAGES)

enum gx_event_type {
#define GX_X(name, number, text, cls) name = number,
    GX_EVENT_LIST(GX_X)
#undef GX_X
};

/* 113 bytes and 32 a dep; then body_hash. */
#define GX_EVENT_HDR0_BYTES(n_deps) (113u + 32u * (size_t)(n_deps))
#define GX_EVENT_HDR_MAX (GX_EVENT_HDR0_BYTES(GX_EVENT_DEPS_MAX) + 32u)
#define GX_EVENT_BYTES_MAX (GX_EVENT_HDR_MAX + 64u + GX_EVENT_BODY_MAX)

struct gx_event {
    uint8_t ver;
    uint8_t type;                   /* enum gx_event_type, checked by decode */
    uint16_t flags;                 /* 0 in this version */
    uint32_t body_len;
    struct gx_group_id group;       /* zero in CREATE */
    struct gx_log_id log;
    uint64_t seq;                   /* from 1 */
    struct gx_event_id prev;        /* zero at seq 1 of a first incarnation */
    uint64_t tick;
    uint64_t wall_ms;               /* rounded to a minute on control events, 0 on messages */
    uint8_t n_deps;
    const uint8_t *deps;            /* n_deps x 32 bytes, strictly ascending; borrowed */
    struct gx_hash body_hash;
    struct gx_sig sig;
    struct gx_span body;            /* borrowed; p == NULL when the body was deleted here (body_len > 0 still) */
    struct gx_event_id id;          /* derived, set by decode, seal and gx_event_derive */
};

/* Class of a type; false for a type this version does not know. */
bool gx_event_class(enum gx_log_class *out, uint8_t type) GX_MUST_CHECK;
/* Of the class of messages: a text, or what one contact tells another. */
static inline bool gx_event_is_message(uint8_t type)
{
    enum gx_log_class cls;

    return gx_event_class(&cls, type) && cls == GX_LOG_MESSAGES;
}
/* Is its body, or the end of it, sealed to the members?  WIRE §4.16 */
bool gx_event_is_sealed(uint8_t type);
const char *gx_event_type_name(uint8_t type);      /* "?" when unknown */
struct gx_event_id gx_event_dep(const struct gx_event *ev, size_t i);

/* hdr0, all before body_hash: what a sealed body is tied to.  body_len is set. */
void gx_event_write_header0(struct gx_wr *w, const struct gx_event *ev);
/* Write hdr (with body_hash) of ev to w; the bytes that are hashed and signed. */
void gx_event_write_header(struct gx_wr *w, const struct gx_event *ev);

/* Set body_hash (when the body is there) and id from the other fields. */
void gx_event_derive(struct gx_event *ev);

/* For an author: sets body_len, body_hash, id and sig from all other fields. */
void gx_event_seal(struct gx_event *ev, const struct gx_sign_sk *device_sk);
/* The same in two: all but the signature, which no id covers, and the signature. */
void gx_event_close(struct gx_event *ev);
void gx_event_sign(struct gx_event *ev, const struct gx_sign_sk *device_sk);

/* Structure alone, of an event whose fields are set: limits, known type, flags, class against wall_ms and deps rules, deps strictly
 * ascending, seq range.  GX_E_VERSION, GX_E_TOO_BIG or GX_E_MALFORMED.  Both decoders call it. */
enum gx_err gx_event_check(const struct gx_event *ev) GX_MUST_CHECK;

/* Full form.  Decode checks limits before anything is hashed, then structure, then body against body_hash; the signature is the
 * caller's next step (gx_event_verify_job).  Out borrows from bytes.
 * Returns GX_E_MALFORMED, GX_E_VERSION, GX_E_TOO_BIG, GX_E_SIGNATURE (body does not match its hash). */
enum gx_err gx_event_decode(struct gx_event *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_event_encode(struct gx_wr *w, const struct gx_event *ev);

/* Verify the event's own signature at once (tests, tools; the node goes by VERIFY effects). */
bool gx_event_verify(const struct gx_event *ev, const struct gx_sign_pk *device) GX_MUST_CHECK;

#endif
