/* What a running node has no need of is taken from it, so that whoever takes it over by hostile bytes has nothing of it either.  node/README.md §5. */
#ifndef GX_OS_FENCE_H
#define GX_OS_FENCE_H

#include "node/os/home.h"

/* What holds.  All of it on Linux 5.13 and later; what a kernel lacks is false, and the rest holds all the same. */
struct gx_fence {
    bool landlock;              /* of files it has those of its home, and may start no program */
    bool seccomp;               /* of the kernel's calls it has those it makes */
    bool no_new_privs;          /* no program gives it rights it has not */
    bool no_core;               /* its memory is written to no file, and read by no other process of the same user */
};

/* Close this process in, for good.  What it has open it keeps: its lock, its control socket, its log.  Later it may read, write, make, rename and remove files
 * in home->data, remove files in home->socket_dir, start threads, and make TCP and UDP sockets and such that ask for routes; of all else see fence.c.
 * Landlock closes in the calling thread and those it starts, so call this before there are others.  Says in the log what holds. */
void gx_fence_close(struct gx_fence *out, const struct gx_home *home);

#endif
