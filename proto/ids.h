/* Names of things: each its own type.  Raw uint8_t pointers never carry an id. */
#ifndef GX_PROTO_IDS_H
#define GX_PROTO_IDS_H

#include "crypto/keys.h"

struct gx_group_id { uint8_t b[32]; };     /* id of the founding event CREATE */
struct gx_event_id { uint8_t b[32]; };
struct gx_log_id { uint8_t b[16]; };
struct gx_log_tag { uint8_t b[8]; };       /* the first bytes of a log id, in frontiers */

/* Class of a log: two per (group, member, device, incarnation). */
enum gx_log_class { GX_LOG_CONTROL = 0, GX_LOG_MESSAGES = 1 };

/* log_id = H("gx-log-id", M_pk || D_pk || inc_g || class u8)[0..16).  KEYS §2
 * The member goes in, so that one device key certified for two members never makes one log with two authors. */
void gx_log_id_make(struct gx_log_id *out, const struct gx_sign_pk *member, const struct gx_sign_pk *device, const struct gx_incarnation *inc,
                    enum gx_log_class cls);

/* Time comes in as a value.  Only expiry, display and retention read wall_ms. */
struct gx_time {
    uint64_t mono_ms;
    uint64_t wall_ms;      /* Unix time */
};

#define GX_HEX_BYTES(n) (2u * (n) + 1u)
/* Lower-case hex and the 0.  out holds GX_HEX_BYTES(n). */
void gx_hex(char *out, const uint8_t *p, size_t n);
/* Exactly 2n hex digits, either case; false otherwise. */
bool gx_unhex(uint8_t *out, size_t n, const char *text) GX_MUST_CHECK;

static inline bool gx_group_id_equal(const struct gx_group_id *a, const struct gx_group_id *b) { return memcmp(a->b, b->b, 32) == 0; }
static inline bool gx_event_id_equal(const struct gx_event_id *a, const struct gx_event_id *b) { return memcmp(a->b, b->b, 32) == 0; }
static inline int gx_event_id_cmp(const struct gx_event_id *a, const struct gx_event_id *b) { return memcmp(a->b, b->b, 32); }
static inline bool gx_log_id_equal(const struct gx_log_id *a, const struct gx_log_id *b) { return memcmp(a->b, b->b, 16) == 0; }
static inline bool gx_sign_pk_equal(const struct gx_sign_pk *a, const struct gx_sign_pk *b) { return memcmp(a->b, b->b, 32) == 0; }

#endif
