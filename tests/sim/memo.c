/* Signatures that hold, and what X25519 gives, remembered by their exact bytes: either costs 40 us, and a world asks for the same at many of its nodes.
 * The two sides of a key exchange come to the same, so the second one is given what the first one computed.
 *
 * Programs that link this library are linked with --wrap for these functions, so that what the engine checks inside a step goes this way too, and the
 * sources know nothing of it.  What was signed here holds: the key that is remembered is the one that belongs to the secret key. */
#include "tests/sim/internal.h"

#include "crypto/member.h"

bool __real_gx_verify(const struct gx_sign_pk *pk, enum gx_domain domain, struct gx_span msg, const struct gx_sig *sig);
bool __wrap_gx_verify(const struct gx_sign_pk *pk, enum gx_domain domain, struct gx_span msg, const struct gx_sig *sig);
void __real_gx_sign(struct gx_sig *out, const struct gx_sign_sk *sk, enum gx_domain domain, struct gx_span msg);
void __wrap_gx_sign(struct gx_sig *out, const struct gx_sign_sk *sk, enum gx_domain domain, struct gx_span msg);

bool __real_gx_dh(uint8_t out[32], const struct gx_dh_sk *sk, const struct gx_dh_pk *pk);
bool __wrap_gx_dh(uint8_t out[32], const struct gx_dh_sk *sk, const struct gx_dh_pk *pk);
void __real_gx_dh_public(struct gx_dh_pk *pk, const struct gx_dh_sk *sk);
void __wrap_gx_dh_public(struct gx_dh_pk *pk, const struct gx_dh_sk *sk);

static _Thread_local struct gx_sim *world;      /* whose nodes this thread runs now */

void sim_memo_use(struct gx_sim *sim)
{
    world = sim;
}

/* Where the memo has it, or would. */
static uint8_t *slot(uint8_t id[32], const uint8_t pk[32], enum gx_domain domain, struct gx_span msg, const struct gx_sig *sig)
{
    struct gx_hasher h;
    uint8_t name = (uint8_t)domain;
    uint32_t at = 0;

    gx_hash_begin(&h, "gx-sim-memo");
    gx_hash_add(&h, &name, 1);
    gx_hash_add(&h, pk, sizeof(struct gx_sign_pk));
    gx_hash_add(&h, sig->b, sizeof sig->b);
    gx_hash_add(&h, msg.p, msg.n);
    gx_hash_end(&h, id);
    for (uint32_t k = 0; k < 4; k++)
        at |= (uint32_t)id[k] << 8 * k;
    return world->memo[at % SIM_MEMO];
}

/* One that does not hold is looked at each time. */
bool __wrap_gx_verify(const struct gx_sign_pk *pk, enum gx_domain domain, struct gx_span msg, const struct gx_sig *sig)
{
    uint8_t id[32], *at = NULL;

    if (world == NULL)
        return __real_gx_verify(pk, domain, msg, sig);
    world->counts.verifies++;
    if (world->options.no_memo)
        return __real_gx_verify(pk, domain, msg, sig);
    at = slot(id, pk->b, domain, msg, sig);
    if (memcmp(at, id, sizeof id) == 0) {
        world->counts.verified_before++;
        return true;
    }
    if (!__real_gx_verify(pk, domain, msg, sig))
        return false;
    memcpy(at, id, sizeof id);
    return true;
}

void __wrap_gx_sign(struct gx_sig *out, const struct gx_sign_sk *sk, enum gx_domain domain, struct gx_span msg)
{
    uint8_t id[32];

    __real_gx_sign(out, sk, domain, msg);
    if (world == NULL || world->options.no_memo)
        return;

    uint8_t *at = slot(id, sk->b + sizeof sk->b - sizeof(struct gx_sign_pk), domain, msg, out);

    memcpy(at, id, sizeof id);
}

/* --- X25519 ----------------------------------------------------------------------------------------------------------------------------------- */

static struct sim_dh *dh_slot(uint8_t id[32], const uint8_t a[32], const uint8_t b[32])
{
    struct gx_hasher h;
    uint32_t at = 0;

    gx_hash_begin(&h, "gx-sim-dh");
    gx_hash_add(&h, a, 32);
    gx_hash_add(&h, b, 32);
    gx_hash_end(&h, id);
    for (uint32_t k = 0; k < 4; k++)
        at |= (uint32_t)id[k] << 8 * k;
    return &world->dh[at % SIM_DH];
}

void __wrap_gx_dh_public(struct gx_dh_pk *pk, const struct gx_dh_sk *sk)
{
    static const uint8_t alone[32];
    uint8_t id[32];
    struct sim_dh *at = world == NULL || world->options.no_memo ? NULL : dh_slot(id, sk->b, alone);

    if (at != NULL && memcmp(at->id, id, sizeof id) == 0) {
        memcpy(pk->b, at->out, sizeof pk->b);
        return;
    }
    __real_gx_dh_public(pk, sk);
    if (at == NULL)
        return;
    memcpy(at->id, id, sizeof id);
    memcpy(at->out, pk->b, sizeof pk->b);
}

bool __wrap_gx_dh(uint8_t out[32], const struct gx_dh_sk *sk, const struct gx_dh_pk *pk)
{
    struct gx_dh_pk mine;
    uint8_t id[32];
    struct sim_dh *at = NULL;

    if (world == NULL || world->options.no_memo)
        return __real_gx_dh(out, sk, pk);
    __wrap_gx_dh_public(&mine, sk);

    bool swap = memcmp(mine.b, pk->b, sizeof mine.b) > 0;

    at = dh_slot(id, swap ? pk->b : mine.b, swap ? mine.b : pk->b);
    if (memcmp(at->id, id, sizeof id) == 0) {
        memcpy(out, at->out, 32);
        return true;
    }
    if (!__real_gx_dh(out, sk, pk))
        return false;
    memcpy(at->id, id, sizeof id);
    memcpy(at->out, out, 32);
    return true;
}
