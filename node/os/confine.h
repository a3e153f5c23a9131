/* A child process that may compute and write its answer, and nothing else: where code of others reads hostile bytes. */
#ifndef GX_OS_CONFINE_H
#define GX_OS_CONFINE_H

#include "crypto/base.h"

/* The work: read `arg`, write at most cap bytes to out, return how many. */
typedef size_t gx_confined_work(uint8_t *out, size_t cap, void *arg);

/* Do `work` in a child without files, sockets, new programs or more than `seconds` of processor time; memory is shared with nobody.
 * What it left in *out is as hostile as what it read.  Call it from programs of one thread: the child is a fork.
 * Returns false: no child to be had, or it died (a crash, the time) before its answer was whole. */
bool gx_confined(uint8_t *out, size_t *n, size_t cap, unsigned seconds, gx_confined_work *work, void *arg) GX_MUST_CHECK;

#endif
