/* The running node: opens a home, carries inputs to the engine and effects out, until it is told to stop.  node/README.md §4. */
#ifndef GX_OS_NODE_H
#define GX_OS_NODE_H

#include "node/os/control.h"
#include "node/os/identity.h"
#include "node/os/poison.h"
#include "node/os/transport.h"
#include "node/os/verify.h"

/* Where it can be reached, told once it can. */
struct gx_node_ready {
    struct gx_addr listen;
    size_t n_addrs;                         /* for others, best first */
    struct gx_addr addrs[GX_ENDPOINT_ADDRS_MAX];
    const char *socket;                     /* path of the control socket */
};

struct gx_node_options {
    const struct gx_home *home;
    struct gx_addr listen;                  /* port 0: the kept one, else GX_DEFAULT_PORT, else any; what was found is kept */
    void (*ready)(void *ctx, const struct gx_node_ready *ready);
    void *ctx;
};

/* Returns the exit code when the node has ended; *why says it when that is not 0.  One node a process. */
int gx_node_run(const struct gx_node_options *options, struct gx_fail *why);

/* --- below: between node.c and loop.c ------------------------------------------------------------------------------------------- */

struct gx_node {
    const struct gx_node_options *options;
    struct gx_lock lock;
    struct gx_poison poison;
    struct gx_store *store;
    struct gx_rng_hedged rng;
    struct gx_engine *engine;
    struct gx_transport *transport;
    struct gx_verifier *verifier;
    struct gx_control *control;
    int signal_fd;
    struct gx_addr listen;
    size_t n_addrs;
    struct gx_addr addrs[GX_ENDPOINT_ADDRS_MAX];
    uint64_t started_ms;
    uint64_t wake_ms;               /* UINT64_MAX: none */
    uint64_t addrs_at_ms;           /* look at the own addresses again */
    unsigned store_errors;          /* in a row */
    uint64_t full_until_ms;         /* the disk or the map is held to be full */
    bool stop;
};

/* Until stopped: GX_EXIT_DONE, or GX_EXIT_STORE when the store failed twice in a row. */
int gx_loop(struct gx_node *node);

#endif
