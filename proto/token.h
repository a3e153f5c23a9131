/* Invitation tokens: what a QR code holds.  WIRE §7.1.  KEYS §8.
 *
 *   kind u8 = 1 | group16 | issuer[8] | as_of[8] | seed[16] | expires_min u24 | uses u8 | sig[64] | hint 0 or 7 | check[4]     121 or 128 bytes
 *   hint   family u8 = 4 | ip[4] | port u16
 *   sig    SIG(issuer's device, "token", group_id[32] || all before sig with T_pk in the seed's place)
 *   check  H("gx-token-check", all before)[0..4)
 *   text   "GX1:" and base32 (RFC 4648, upper case, no padding), the one form for picture, paste and link */
#ifndef GX_PROTO_TOKEN_H
#define GX_PROTO_TOKEN_H

#include "crypto/invite.h"
#include "crypto/sign.h"
#include "proto/addr.h"
#include "proto/codec.h"
#include "proto/ids.h"
#include "proto/limits.h"

#define GX_TOKEN_EPOCH_MS 1735689600000ull      /* 2025-01-01T00:00Z: u24 minutes reach into 2056 */
#define GX_TOKEN_KIND_INVITE 1u

struct gx_token {
    uint8_t group16[16];            /* the first bytes of the group id */
    uint8_t issuer[8];              /* the first bytes of the issuer's device key */
    uint8_t as_of[8];               /* the first bytes of the TOKEN operation's id */
    struct gx_token_seed seed;      /* the secret: wiped by the caller */
    uint32_t expires_min;           /* minutes since GX_TOKEN_EPOCH_MS, u24 */
    uint8_t uses;                   /* 0: no limit of its own */
    struct gx_sig sig;
    struct gx_addr hint;            /* family 4, or 0 when there is none */
};

/* Returns GX_E_MALFORMED, GX_E_VERSION (kind of a later version), GX_E_SIGNATURE (check hash). */
enum gx_err gx_token_decode(struct gx_token *out, struct gx_span bytes) GX_MUST_CHECK;
void gx_token_encode(struct gx_wr *w, const struct gx_token *token);

/* Text form.  parse drops white space before and after (a paste brings it along) and takes nothing else: a prefix "GXn:" with another digit
 * is GX_E_VERSION; lower case, other characters, non-zero left-over bits and padding are GX_E_MALFORMED. */
void gx_token_format(char out[GX_TOKEN_TEXT_MAX], const struct gx_token *token);
enum gx_err gx_token_parse(struct gx_token *out, const char *text) GX_MUST_CHECK;

/* The bytes the issuer signs: group_id || public form up to sig.  out: GX_TOKEN_SIGNED_BYTES. */
#define GX_TOKEN_SIGNED_BYTES (32u + 1u + 16u + 8u + 8u + 32u + 3u + 1u)
void gx_token_signed_bytes(uint8_t out[GX_TOKEN_SIGNED_BYTES], const struct gx_token *token, const struct gx_group_id *group,
                           const struct gx_sign_pk *token_pk);

/* Expiry.  to_min rounds up; past is judged by the joiner and the admitter by their own clocks, and is no part of the law. */
uint32_t gx_token_expiry_min(uint64_t wall_ms);
uint64_t gx_token_expiry_ms(uint32_t expires_min);
bool gx_token_expired(uint32_t expires_min, struct gx_time now);

#endif
