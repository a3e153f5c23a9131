/* The process that began a node, and stays: it waits for the node, which is a process of its own.  node/README.md §5. */
#ifndef GX_OS_KEEPER_H
#define GX_OS_KEEPER_H

#include "node/os/fail.h"

/* What a node's process ends with when the same node is to begin again, locked. */
#define GX_KEEPER_AGAIN 100

/* Become two processes: the node, in which this returns true, and its keeper, in which it returns false when the node has ended, with what is to be
 * this program's exit code in *code.
 * SIGTERM and SIGINT to the keeper are handed on to the node.  A node that ended by a signal takes the keeper with it by the same one, and a keeper that
 * is gone takes the node with it.  After GX_KEEPER_AGAIN the keeper executes this program with the arguments `again`: its number stays, and of the
 * node's memory nothing.
 * let_go: called in the keeper, which is to have none of what is the node's alone: descriptors, secrets.  Call this before there are threads. */
bool gx_keep(int *code, char *const *again, void (*let_go)(void *ctx), void *ctx) GX_MUST_CHECK;

#endif
