/* What two nodes say to each other: one frame is one ZeroMQ message.  WIRE §6. */
#ifndef GX_PROTO_FRAME_H
#define GX_PROTO_FRAME_H

#include "crypto/gate.h"
#include "proto/addr.h"
#include "proto/bodies.h"
#include "proto/chunk.h"

#define GX_WIRE_VERSION 7u

/* kind, name.  §: WIRE. */
#define GX_FRAME_LIST(X)                                                                    \
    X(GX_FRAME_HELLO, 1, "hello")             /* both: version and nonce */                 \
    X(GX_FRAME_TAGS, 2, "tags")               /* members: which groups, hidden */           \
    X(GX_FRAME_PROOF, 3, "proof")             /* members: device keys of shared groups */   \
    X(GX_FRAME_AGAIN, 4, "again")             /* server: new groups, send your tags again */\
    X(GX_FRAME_HEADS, 5, "heads")             /* I do not know your device: these are my control heads */ \
    X(GX_FRAME_FRONTIER, 6, "frontier")       /* what I hold */                             \
    X(GX_FRAME_WANT, 7, "want")               /* what I ask for */                          \
    X(GX_FRAME_CHUNKS, 8, "chunks")           /* events */                                  \
    X(GX_FRAME_ENDPOINTS, 9, "endpoints")     /* where members can be reached */            \
    X(GX_FRAME_GUEST, 10, "guest")            /* guest: proof of the code */                \
    X(GX_FRAME_PATH, 11, "path")              /* door: CREATE, TOKEN, the issuer's ADMITs */\
    X(GX_FRAME_JOIN, 12, "join")              /* guest: join request */                     \
    X(GX_FRAME_ADMITTED, 13, "admitted")      /* door: you are in, by this event */         \
    X(GX_FRAME_REFUSED, 14, "refused")        /* door: no, because */                       \
    X(GX_FRAME_BASELINE, 15, "baseline")      /* door: where messages begin for a newcomer */ \
    X(GX_FRAME_BYE, 16, "bye")                /* closing, because */                        \
    X(GX_FRAME_PING, 17, "ping")                                                            \
    X(GX_FRAME_PONG, 18, "pong")                                                            \
    X(GX_FRAME_ENDED, 19, "ended")            /* you are no member any more, by these operations */ \
    X(GX_FRAME_CARD, 20, "card")              /* guest at a card's door: who I am, and the direct chat that I founded */ \
    X(GX_FRAME_ASK, 21, "ask")                /* members: you invited me, let me in */      \
    X(GX_FRAME_DENIED, 22, "denied")          /* members: no, because */                    \
    X(GX_FRAME_ASK_KEYS, 23, "ask_keys")      /* members: I cannot read these */            \
    X(GX_FRAME_KEYS, 24, "keys")              /* members: their message keys */             \
    X(GX_FRAME_SUM, 25, "sum")                /* members: all that I hold of these groups, as one number */ \
    X(GX_FRAME_BUCKETS, 26, "buckets")        /* members: what I hold of one group, in parts */ \
    X(GX_FRAME_RECORDS, 27, "records")        /* members: which endpoint records I hold */ \
    X(GX_FRAME_LINK, 28, "link")              /* members: what we are to each other in the tree of live events */

enum gx_frame_kind {
#define GX_X(name, number, text) name = number,
    GX_FRAME_LIST(GX_X)
#undef GX_X
};

struct gx_proof {                    /* 114 bytes */
    uint16_t channel;                /* chosen by the client; names the group on this session from here on */
    struct gx_tag tag;               /* the sender's own tag of that group */
    struct gx_sign_pk device;
    struct gx_sig sig;               /* SIG(device, "session", group_id || transcript of the sender's role) */
};
#define GX_PROOF_BYTES 114u          /* 2 + 16 + 32 + 64 */
#define GX_PROOF_SIGNED_BYTES (32u + GX_TRANSCRIPT_BYTES)
void gx_proof_signed_bytes(uint8_t out[GX_PROOF_SIGNED_BYTES], const struct gx_group_id *group, enum gx_role role, const struct gx_transcript *t);

struct gx_frontier_entry {           /* 20 bytes */
    struct gx_log_tag tag;
    uint32_t base_seq;               /* all after here are held: who joined later holds messages from there on; 0 for control */
    uint32_t seq;                    /* and up to here; at least base_seq */
    uint8_t check[4];                /* the first bytes of the id of event seq */
};
struct gx_want_entry {               /* 16 bytes */
    struct gx_log_tag tag;
    uint32_t from_seq;
    uint8_t check[4];                /* the first bytes of the id of event from_seq - 1 as the asker holds it; zero when from_seq is 1 */
};
/* One event, named so that it is found without an index of ids. */
struct gx_key_entry {                /* 16 bytes */
    struct gx_log_tag tag;
    uint32_t seq;                    /* at least 1 */
    uint8_t check[4];                /* the first bytes of its id */
};
#define GX_KEY_ENTRY_BYTES 16u
struct gx_endpoint {
    struct gx_sign_pk device;
    struct gx_curve_pk transport;
    uint64_t counter;                /* the highest wins */
    uint8_t n_addrs;
    struct gx_addr addrs[GX_ENDPOINT_ADDRS_MAX];
    struct gx_sig sig;               /* SIG(device, "endpoint", group_id || all before) */
};

/* How far one device's endpoint record goes. */
struct gx_record_entry {             /* 20 bytes */
    uint8_t device[8];               /* the first bytes of its key */
    uint64_t counter;                /* 0: none is held */
    uint8_t check[4];                /* the first bytes of its signature: a device that was put back from a copy may have made two with one counter */
};

enum gx_sum_flags { GX_SUM_ASK = 1 };           /* and tell me whether it is the same with you */
enum gx_parts_flags { GX_OF_BUCKETS = 1 };      /* FRONTIER, RECORDS: all that I hold of the buckets in mask, which differ; else: what changed, or is lacking */
enum gx_want_kind {
    GX_WANT_CONTROL = 0,        /* whatever is not below my control frontier */
    GX_WANT_MESSAGES = 1,
    GX_WANT_CONTROL_OF = 2      /* of these control logs alone what is behind my place in them */
};
enum gx_chunks_flags {
    GX_CHUNKS_PUSH = 1,         /* unasked, live */
    GX_CHUNKS_LAST = 2,         /* the last frame that answers a WANT */
    GX_CHUNKS_ON = 4            /* the credit ends before what was asked for does: `on` says where */
};
enum gx_link { GX_LINK_APART = 0, GX_LINK_LAZY = 1, GX_LINK_EAGER = 2 };     /* nothing; announced to; pushed to, both ways */
enum gx_bye { GX_BYE_DONE = 0, GX_BYE_MALFORMED = 1, GX_BYE_LIMIT = 2, GX_BYE_DUPLICATE = 3, GX_BYE_STOPPING = 4, GX_BYE_IDLE = 5, GX_BYE_VERSION = 6 };

#define GX_SUM_BYTES 8u
#define GX_BUCKET_BYTES 4u           /* of one bucket's digest in BUCKETS */
#define GX_MASK_BYTES(bits) ((bits) < 3u ? 1u : 1u << ((bits) - 3u))

/* A decoded frame.  Lists stay encoded in `list` (borrowed), `n` entries, all checked; read them with the *_at functions. */
struct gx_frame {
    uint8_t kind;                    /* enum gx_frame_kind */
    uint8_t version;                 /* HELLO */
    struct gx_nonce nonce;           /* HELLO */
    uint64_t echo;                   /* PING, PONG */
    uint16_t channel;                /* HEADS FRONTIER WANT CHUNKS ENDPOINTS BASELINE ENDED ASK DENIED ASK_KEYS KEYS BUCKETS RECORDS LINK */
    uint8_t flags;                   /* FRONTIER, RECORDS, CHUNKS, SUM; WANT: enum gx_want_kind; LINK: enum gx_link */
    uint8_t bits;                    /* FRONTIER, RECORDS with GX_OF_BUCKETS: mask is of 2^bits buckets; BUCKETS: of logs, in list */
    struct gx_span mask;             /* bit i % 8 of byte i / 8: bucket i differs */
    uint8_t record_bits;             /* BUCKETS: of endpoint records, in bytes */
    uint8_t sum[GX_SUM_BYTES];       /* SUM; FRONTIER with GX_OF_BUCKETS: of all that do not differ */
    struct gx_want_entry on;         /* CHUNKS with GX_CHUNKS_ON: what to ask for next */
    uint8_t credit;                  /* WANT messages: frames of chunks wanted, 1 to GX_WANT_CHUNKS_MAX */
    uint8_t reason;                  /* REFUSED, DENIED: enum gx_deny; BYE: enum gx_bye */
    struct gx_event_id event;        /* ADMITTED */
    struct gx_sign_pk device;        /* GUEST: the device key it will join with */
    struct gx_sig sig;               /* GUEST: SIG(T, "guest", device || transcript of the client's role) */
    struct gx_dh_pk key;             /* ASK_KEYS: P, made for this; KEYS: X */
    struct gx_span bytes;            /* JOIN, ASK: the request; KEYS: the sealed keys; BUCKETS: those of records */
    struct gx_reveal mac;            /* ASK, CARD: that the joiner, or the founder, is the person of the card */
    struct gx_card card;             /* CARD */
    struct gx_span name;             /* CARD: what they call themself, UTF-8, 1 to GX_NAME_BYTES_MAX; borrowed */
    struct gx_span create;           /* CARD: CREATE of the direct chat in full form, GX_CREATE_EVENT_BYTES; borrowed, not looked into */
    struct gx_endpoint endpoint;     /* CARD: where its founder's device can be reached; its signature is not verified here */
    size_t n;                        /* entries of list */
    struct gx_span list;
};

/* Returns GX_E_MALFORMED, GX_E_VERSION (HELLO of another version), GX_E_TOO_BIG.  Everything is checked but the insides of chunks' records
 * and of a join request. */
enum gx_err gx_frame_decode(struct gx_frame *out, struct gx_span bytes) GX_MUST_CHECK;
const char *gx_frame_kind_name(uint8_t kind);

/* Entry i < frame->n of a decoded frame. */
struct gx_tag gx_frame_tag_at(const struct gx_frame *f, size_t i);                        /* TAGS */
struct gx_proof gx_frame_proof_at(const struct gx_frame *f, size_t i);                    /* PROOF */
struct gx_event_id gx_frame_head_at(const struct gx_frame *f, size_t i);                  /* HEADS, ENDED */
struct gx_frontier_entry gx_frame_frontier_at(const struct gx_frame *f, size_t i);        /* FRONTIER, and WANT of control: the asker's control frontier, or of some logs */
struct gx_want_entry gx_frame_want_at(const struct gx_frame *f, size_t i);                /* WANT messages: a log may be named again with a lower from_seq */
struct gx_key_entry gx_frame_key_at(const struct gx_frame *f, size_t i);                  /* ASK_KEYS, KEYS */
uint16_t gx_frame_channel_at(const struct gx_frame *f, size_t i);                         /* SUM */
struct gx_record_entry gx_frame_record_at(const struct gx_frame *f, size_t i);            /* RECORDS */
/* Of 2^bits, bits at most GX_BUCKET_BITS_MAX, the bucket of an id that begins with `first`.  WIRE §6.31 */
uint32_t gx_bucket_of(uint8_t first, uint8_t bits);
/* false past the end of mask */
bool gx_mask_has(struct gx_span mask, uint32_t bucket);
/* CHUNKS, PATH, BASELINE and ENDPOINTS have entries of varying length: walk with a reader over list. */
struct gx_span gx_frame_chunk_next(struct gx_rd *r);                                      /* one chunk's bytes, without its length */
void gx_frame_endpoint_next(struct gx_rd *r, struct gx_endpoint *out);

/* Writers: each writes one whole frame, or begins one whose entries follow and whose count is patched by gx_frame_end. */
void gx_frame_write_hello(struct gx_wr *w, const struct gx_nonce *nonce);
void gx_frame_write_simple(struct gx_wr *w, enum gx_frame_kind kind);                     /* AGAIN */
void gx_frame_write_echo(struct gx_wr *w, enum gx_frame_kind kind, uint64_t echo);        /* PING, PONG */
void gx_frame_write_reason(struct gx_wr *w, enum gx_frame_kind kind, uint8_t reason);     /* REFUSED, BYE */
void gx_frame_write_guest(struct gx_wr *w, const struct gx_sign_pk *device, const struct gx_sig *sig);
/* The bytes a guest signs with T: device || transcript of the client's role. */
#define GX_GUEST_SIGNED_BYTES (32u + GX_TRANSCRIPT_BYTES)
void gx_guest_signed_bytes(uint8_t out[GX_GUEST_SIGNED_BYTES], const struct gx_sign_pk *device, const struct gx_transcript *t);
void gx_frame_write_join(struct gx_wr *w, const struct gx_join_request *req);
void gx_frame_write_admitted(struct gx_wr *w, const struct gx_event_id *admit);

/* Of f: mac, card, name, create and endpoint. */
void gx_frame_write_card(struct gx_wr *w, const struct gx_frame *f);
void gx_frame_write_ask(struct gx_wr *w, uint16_t channel, const struct gx_reveal *mac, const struct gx_join_request *req);
void gx_frame_write_denied(struct gx_wr *w, uint16_t channel, uint8_t reason);
void gx_frame_write_link(struct gx_wr *w, uint16_t channel, enum gx_link link);

/* n channels, 1 to GX_FRAME_GROUPS_MAX, in strictly ascending order, which is that of the sum. */
void gx_frame_write_sum(struct gx_wr *w, uint8_t flags, const uint16_t *channels, size_t n, const uint8_t sum[GX_SUM_BYTES]);
/* 2^bits digests each, one behind the other. */
void gx_frame_write_buckets(struct gx_wr *w, uint16_t channel, uint8_t bits, const uint8_t *logs, uint8_t record_bits, const uint8_t *records);

/* begin writes kind and fixed fields with a count of 0; then put entries; end patches the count.  n counts entries put. */
struct gx_frame_list { size_t count_at; uint16_t n; };
struct gx_frame_list gx_frame_begin_tags(struct gx_wr *w);
struct gx_frame_list gx_frame_begin_proof(struct gx_wr *w);
struct gx_frame_list gx_frame_begin_heads(struct gx_wr *w, uint16_t channel);
/* mask: NULL, or GX_MASK_BYTES(bits) bytes: all that is held of these buckets follows, and same are GX_SUM_BYTES, of the others. */
struct gx_frame_list gx_frame_begin_frontier(struct gx_wr *w, uint16_t channel, uint8_t bits, const uint8_t *mask, const uint8_t *same);
struct gx_frame_list gx_frame_begin_records(struct gx_wr *w, uint16_t channel, uint8_t bits, const uint8_t *mask);
struct gx_frame_list gx_frame_begin_want(struct gx_wr *w, uint16_t channel, enum gx_want_kind kind, uint8_t credit);
struct gx_frame_list gx_frame_begin_chunks(struct gx_wr *w, uint16_t channel, uint8_t flags);
/* A whole frame of chunks stands GX_CHUNKS_ON_BYTES into `room`: make it one that says where its answer goes on.  It begins with the room then. */
#define GX_CHUNKS_ON_BYTES 16u
void gx_frame_chunks_on(uint8_t *room, const struct gx_want_entry *on);
struct gx_frame_list gx_frame_begin_endpoints(struct gx_wr *w, uint16_t channel);
struct gx_frame_list gx_frame_begin_path(struct gx_wr *w);
struct gx_frame_list gx_frame_begin_baseline(struct gx_wr *w, uint16_t channel);     /* 0 at a door */
struct gx_frame_list gx_frame_begin_ended(struct gx_wr *w, uint16_t channel);
struct gx_frame_list gx_frame_begin_ask_keys(struct gx_wr *w, uint16_t channel, const struct gx_dh_pk *p);
/* The sealed keys follow behind the entries. */
struct gx_frame_list gx_frame_begin_keys(struct gx_wr *w, uint16_t channel, const struct gx_dh_pk *x);
void gx_frame_put_key(struct gx_wr *w, struct gx_frame_list *l, const struct gx_key_entry *e);
void gx_frame_put_tag(struct gx_wr *w, struct gx_frame_list *l, const struct gx_tag *tag);
void gx_frame_put_proof(struct gx_wr *w, struct gx_frame_list *l, const struct gx_proof *proof);
void gx_frame_put_id(struct gx_wr *w, struct gx_frame_list *l, const struct gx_event_id *id);
void gx_frame_put_frontier(struct gx_wr *w, struct gx_frame_list *l, const struct gx_frontier_entry *e);
void gx_frame_put_record(struct gx_wr *w, struct gx_frame_list *l, const struct gx_record_entry *e);
void gx_frame_put_want(struct gx_wr *w, struct gx_frame_list *l, const struct gx_want_entry *e);
void gx_frame_put_chunk(struct gx_wr *w, struct gx_frame_list *l, struct gx_span chunk);   /* u32 length, then the bytes */
void gx_frame_put_endpoint(struct gx_wr *w, struct gx_frame_list *l, const struct gx_endpoint *e);
void gx_frame_end(struct gx_wr *w, const struct gx_frame_list *l);

/* Endpoint records on their own (the store keeps them encoded). */
void gx_endpoint_write(struct gx_wr *w, const struct gx_endpoint *e);
void gx_endpoint_read(struct gx_rd *r, struct gx_endpoint *out);
#define GX_ENDPOINT_BYTES_MAX (32u + 32u + 8u + 1u + 19u * GX_ENDPOINT_ADDRS_MAX + 64u)
/* The bytes the device signs: group_id || the record without sig. */
#define GX_ENDPOINT_SIGNED_MAX (32u + GX_ENDPOINT_BYTES_MAX)
size_t gx_endpoint_signed_bytes(uint8_t out[GX_ENDPOINT_SIGNED_MAX], const struct gx_endpoint *e, const struct gx_group_id *group);

#endif
