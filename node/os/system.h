/* What only the operating system knows: time, randomness, and how this process is run. */
#ifndef GX_OS_SYSTEM_H
#define GX_OS_SYSTEM_H

#include "crypto/rng.h"
#include "proto/ids.h"

/* mono_ms goes on while the machine sleeps (CLOCK_BOOTTIME): waits end when they should. */
struct gx_time gx_now(void);

/* Asks the system at every call. */
struct gx_rng *gx_system_rng(void);

/* Files for this user only, no core dumps, no reading of this process's memory by others of the same user; as many descriptors as are allowed, up to a bound. */
void gx_harden(void);

/* Resident memory of this process; 0 when unknown. */
uint64_t gx_rss_bytes(void);

#endif
