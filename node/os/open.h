/* Store and engine of a home: the same way for the node, for verbs that work while it is down, and for init. */
#ifndef GX_OS_OPEN_H
#define GX_OS_OPEN_H

#include "node/engine/engine.h"
#include "node/os/vault.h"

/* Fails with exit 74.  The home's lock is held: exclusive, or shared with read_only.  uuid: the store's own.  vault: its root keys; NULL: none,
 * for a store in which nothing is sealed yet.  rng is borrowed. */
bool gx_open_store(struct gx_store **out, uint8_t uuid[16], const struct gx_home *home, const struct gx_vault *vault, struct gx_rng *rng, bool read_only, struct gx_fail *why) GX_MUST_CHECK;

/* id is copied; store, rng and progress (may be NULL) are borrowed.  *fresh: a new incarnation began here. */
struct gx_open_engine {
    const struct gx_home *home;
    const struct gx_identity *id;
    const struct gx_curve_pk *old_transport_pk;     /* NULL: there is none */
    struct gx_store *store;
    const uint8_t *store_uuid;
    struct gx_rng *rng;
    struct gx_carry_limits carry;
    struct gx_hands hands;
    volatile uint32_t *progress;
    bool offline;
};
bool gx_open_engine(struct gx_engine **out, bool *fresh, const struct gx_open_engine *how, struct gx_fail *why) GX_MUST_CHECK;

#endif
