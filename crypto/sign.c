#include "crypto/sign.h"

#include <sodium.h>

#define DOMAIN_BYTES 16u

/* KEYS §0: "a domain is 16 bytes, padded with zeroes".  Of one length, so that none can run into what follows it. */
static const char domains[GX_DOMAIN_COUNT][DOMAIN_BYTES] = {
#define GX_X(name, text) [name] = text,
    GX_DOMAIN_LIST(GX_X)
#undef GX_X
};

/* What Ed25519 sees.  Long enough that it stays on the stack: nothing here is secret, and there is no heap in this layer. */
struct framed {
    uint8_t b[DOMAIN_BYTES + GX_SIGN_MSG_MAX];
    size_t n;
};

static void frame(struct framed *f, enum gx_domain domain, struct gx_span msg)
{
    GX_ASSERT((unsigned)domain < GX_DOMAIN_COUNT);
    GX_ASSERT(msg.n <= GX_SIGN_MSG_MAX);
    memcpy(f->b, domains[domain], DOMAIN_BYTES);
    if (msg.n > 0)
        memcpy(f->b + DOMAIN_BYTES, msg.p, msg.n);
    f->n = DOMAIN_BYTES + msg.n;
}

void gx_sign_keypair(struct gx_sign_pk *pk, struct gx_sign_sk *sk, const struct gx_sign_seed *seed)
{
    int rc = crypto_sign_seed_keypair(pk->b, sk->b, seed->b);
    GX_ASSERT(rc == 0);
}

void gx_sign(struct gx_sig *out, const struct gx_sign_sk *sk, enum gx_domain domain, struct gx_span msg)
{
    struct framed f;

    frame(&f, domain, msg);
    int rc = crypto_sign_detached(out->b, NULL, f.b, f.n, sk->b);
    GX_ASSERT(rc == 0);
}

bool gx_verify(const struct gx_sign_pk *pk, enum gx_domain domain, struct gx_span msg, const struct gx_sig *sig)
{
    struct framed f;

    /* A stranger chose this length; gx_sign's caller chose that one. */
    if (msg.n > GX_SIGN_MSG_MAX)
        return false;
    frame(&f, domain, msg);
    return crypto_sign_verify_detached(sig->b, f.b, f.n, pk->b) == 0;
}
