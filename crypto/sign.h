/* Ed25519 with a 16-byte domain before every signed structure: SIG(sk, d, x) = Ed25519(sk, d || x).  KEYS §0. */
#ifndef GX_CRYPTO_SIGN_H
#define GX_CRYPTO_SIGN_H

#include "crypto/keys.h"

/* One list: the name in C, the 16 bytes that are signed (padded with zeroes). */
#define GX_DOMAIN_LIST(X)                 \
    X(GX_DOMAIN_EVENT, "gx event")        \
    X(GX_DOMAIN_DEVICE, "gx device")      \
    X(GX_DOMAIN_CARD, "gx card")          \
    X(GX_DOMAIN_TOKEN, "gx token")        \
    X(GX_DOMAIN_JOIN, "gx join")          \
    X(GX_DOMAIN_JOIN_TOKEN, "gx join token") \
    X(GX_DOMAIN_GUEST, "gx guest")        \
    X(GX_DOMAIN_SESSION, "gx session")    \
    X(GX_DOMAIN_ENDPOINT, "gx endpoint")  \
    X(GX_DOMAIN_ACCEPT, "gx accept")      \
    X(GX_DOMAIN_BEACON, "gx beacon")

enum gx_domain {
#define GX_X(name, text) name,
    GX_DOMAIN_LIST(GX_X)
#undef GX_X
        GX_DOMAIN_COUNT
};

/* Longest message that may be signed: an event header with 255 deps is 8,305 bytes. */
#define GX_SIGN_MSG_MAX 8704u

void gx_sign_keypair(struct gx_sign_pk *pk, struct gx_sign_sk *sk, const struct gx_sign_seed *seed);
/* msg.n <= GX_SIGN_MSG_MAX (asserted). */
void gx_sign(struct gx_sig *out, const struct gx_sign_sk *sk, enum gx_domain domain, struct gx_span msg);
/* False also for a message that is too long.  libsodium refuses small-order keys and non-canonical S. */
bool gx_verify(const struct gx_sign_pk *pk, enum gx_domain domain, struct gx_span msg, const struct gx_sig *sig) GX_MUST_CHECK;

#endif
