/* The running node: opens a home, carries inputs to the engine and effects out, until it is told to stop.  node/README.md §4. */
#ifndef GX_OS_NODE_H
#define GX_OS_NODE_H

#include "node/os/control.h"
#include "node/os/discovery.h"
#include "node/os/fence.h"
#include "node/os/keeper.h"
#include "node/os/modes.h"
#include "node/os/poison.h"
#include "node/os/transport.h"
#include "node/os/vault.h"
#include "node/os/verify.h"

/* Where it can be reached, told once it can. */
struct gx_node_ready {
    bool locked;                            /* it waits to be unlocked; there is a socket, and nothing else yet */
    struct gx_addr listen;
    size_t n_addrs;                         /* for others, best first */
    struct gx_addr addrs[GX_ENDPOINT_ADDRS_MAX];
    const char *socket;                     /* path of the control socket */
};

struct gx_node_options {
    const struct gx_home *home;
    struct gx_carry_limits carry;
    struct gx_addr listen;                  /* port 0: the kept one, else GX_DEFAULT_PORT, else any; what was found is kept */
    const struct gx_modes *lan;             /* what is shown there; NULL: nobody is looked for */
    struct gx_passphrase *passphrase;       /* NULL: a home that has one starts locked.  Wiped once it was tried */
    void (*ready)(void *ctx, const struct gx_node_ready *ready);
    void *ctx;
};

/* Returns the exit code when the node has ended; *why says it when that is neither 0 nor GX_KEEPER_AGAIN.  One node a process. */
int gx_node_run(const struct gx_node_options *options, struct gx_fail *why);

/* --- below: between node.c, loop.c and locked.c ------------------------------------------------------------------------------------------- */

struct gx_node {
    const struct gx_node_options *options;
    struct gx_lock lock;
    struct gx_fence fence;
    struct gx_poison poison;
    struct gx_vault *vault;         /* NULL: locked */
    struct gx_store *store;
    struct gx_rng_hedged rng;
    struct gx_engine *engine;
    struct gx_transport *transport;
    struct gx_discovery *discovery; /* NULL: off, or not to be had */
    struct gx_verifier *verifier;
    struct gx_control *control;
    bool vacuum_asked, vacuum_done; /* the store is to be made smaller; it was, and the engine is to be told: */
    enum gx_err vacuum_err;
    struct gx_vacuumed vacuumed;
    int signal_fd;
    struct gx_addr listen;
    size_t n_addrs;
    struct gx_addr addrs[GX_ENDPOINT_ADDRS_MAX];
    uint64_t started_ms;
    uint64_t wake_ms;               /* UINT64_MAX: none */
    uint64_t addrs_at_ms;           /* look at the own addresses again */
    bool addrs_told;                /* the engine knows where it is reached */
    uint64_t rewrap_at_ms;          /* change the keys of the store */
    uint64_t old_key_at_ms;         /* see whether the transport key of before is answered to */
    unsigned store_errors;          /* in a row */
    uint64_t full_until_ms;         /* the disk or the map is held to be full */
    bool other_key;                 /* there is another transport key, of which the engine has to hear */
    bool stop;
    bool begin_locked;              /* stop, and begin again locked */
};

/* A signal ends the node. */
void gx_node_take_signals(struct gx_node *node);

/* locked.c: the methods of the control socket that concern the vault. */
bool gx_node_vault(void *ctx, const struct gx_request *request, struct gx_fail *why);
/* Until it is unlocked, or stopped. */
void gx_node_wait_unlocked(struct gx_node *node);
/* What a write of the vault left undone: one root key, one slot. */
bool gx_node_settle_vault(struct gx_node *node, struct gx_fail *why);
/* Another transport key, kept and used; nothing where that of before is still answered to, or its person chose the port. */
void gx_node_replace_transport_key(struct gx_node *node);
/* Change the keys of the store when it is time: SCHEMA §1.6.  Failures are logged, and it is tried again. */
void gx_node_change_keys(struct gx_node *node);

/* Until stopped: GX_EXIT_DONE, or GX_EXIT_STORE when the store failed twice in a row. */
int gx_loop(struct gx_node *node);

#endif
