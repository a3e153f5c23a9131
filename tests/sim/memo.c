/* Signatures that hold, remembered by their exact bytes: a check costs 40 us, and a world asks for the same one at each of its nodes.
 *
 * Programs that link this library are linked with --wrap for both functions, so that what the engine checks inside a step goes this way too, and the
 * sources know nothing of it.  What was signed here holds: the key that is remembered is the one that belongs to the secret key. */
#include "tests/sim/internal.h"

bool __real_gx_verify(const struct gx_sign_pk *pk, enum gx_domain domain, struct gx_span msg, const struct gx_sig *sig);
bool __wrap_gx_verify(const struct gx_sign_pk *pk, enum gx_domain domain, struct gx_span msg, const struct gx_sig *sig);
void __real_gx_sign(struct gx_sig *out, const struct gx_sign_sk *sk, enum gx_domain domain, struct gx_span msg);
void __wrap_gx_sign(struct gx_sig *out, const struct gx_sign_sk *sk, enum gx_domain domain, struct gx_span msg);

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
