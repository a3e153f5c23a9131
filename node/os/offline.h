/* Verbs that also work while the node is down: the same engine, reading the store of this home, in this process. */
#ifndef GX_OS_OFFLINE_H
#define GX_OS_OFFLINE_H

#include "node/os/client.h"
#include "node/os/vault.h"

/* Run one method.  params may be NULL and stays the caller's; passphrase as for gx_vault_open.  *reply is always filled. */
void gx_offline_call(struct gx_reply *reply, const struct gx_home *home, const struct gx_passphrase *passphrase, const char *method, const json_t *params);

#endif
