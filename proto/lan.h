/* What is said on a LAN by UDP: beacons to all, answers to one.  WIRE §9.  KEYS §12. */
#ifndef GX_PROTO_LAN_H
#define GX_PROTO_LAN_H

#include "crypto/lan.h"
#include "proto/addr.h"
#include "proto/codec.h"
#include "proto/limits.h"

#define GX_LAN_VERSION 1u
#define GX_LAN_MAGIC "guanxi"           /* seven bytes with the closing 0; the version is behind them */
#define GX_LAN_MAGIC_BYTES 7u

/* What every datagram begins with.  n: bytes that one of its kind has.  Returns GX_E_MALFORMED, GX_E_VERSION. */
enum gx_err gx_lan_magic_read(struct gx_rd *r, size_t n) GX_MUST_CHECK;
void gx_lan_magic_write(struct gx_wr *w);

#define GX_BEACON_BYTES 256u            /* 8 + 32 + 11 x 8 + 120 + 8 */
#define GX_BEACON_TAGS 11u
struct gx_beacon {
    struct gx_dh_pk r;
    struct gx_lan_tag tags[GX_BEACON_TAGS];
    struct gx_lan_capsule capsule;
    uint8_t filler[8];
};

#define GX_LAN_ANSWER_BYTES 128u        /* 8 + 8 + 32 + 80: half of what it answers */
#define GX_LAN_ECHO_BYTES 8u
struct gx_lan_answer {
    uint8_t echo[GX_LAN_ECHO_BYTES];    /* the first bytes of R */
    struct gx_lan_sealed sealed;
};

enum gx_lan_kind { GX_LAN_NODE = 0, GX_LAN_DOOR = 1 };
/* Where who answers is reached, at the address that its answer comes from. */
struct gx_lan_place {
    uint8_t kind;                       /* enum gx_lan_kind: the members' door, or that of the code */
    uint16_t port;                      /* TCP */
    struct gx_curve_pk transport;       /* NODE: its transport key; DOOR: zero, for it follows from the code */
};

/* Beacon or answer, by its length.  Returns GX_E_MALFORMED, GX_E_VERSION. */
enum gx_err gx_beacon_decode(struct gx_beacon *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_beacon_encode(struct gx_wr *w, const struct gx_beacon *beacon);
enum gx_err gx_lan_answer_decode(struct gx_lan_answer *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_lan_answer_encode(struct gx_wr *w, const struct gx_lan_answer *answer);

/* Returns GX_E_MALFORMED: another kind, port 0, a key where there is none, filler that is not zero. */
enum gx_err gx_lan_place_decode(struct gx_lan_place *out, const uint8_t bytes[GX_LAN_PLACE_BYTES]) GX_MUST_CHECK;
void gx_lan_place_encode(uint8_t out[GX_LAN_PLACE_BYTES], const struct gx_lan_place *place);

/* The slot of a wall clock. */
#define GX_LAN_SLOT_MS 300000u
static inline uint32_t gx_lan_slot(uint64_t wall_ms)
{
    return (uint32_t)(wall_ms / GX_LAN_SLOT_MS);
}
/* from: the address and UDP port that the beacon comes from; a scope is no part of it. */
void gx_lan_said(struct gx_lan_said *out, const struct gx_dh_pk *r, const struct gx_addr *from, uint32_t slot);

#endif
