/* The node's log: standard error in the foreground, a file of bounded size when detached.  Never secrets, never control characters. */
#ifndef GX_OS_LOG_H
#define GX_OS_LOG_H

#include "node/os/home.h"

/* The log file is moved to log.1 when it reaches this size. */
#define GX_LOG_BYTES_MAX (1024u * 1024u)

/* Lines go to standard error with the time before them.  Where a file is kept, standard error is it. */
void gx_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on standard error is data/log, so that what libraries say lands there too. */
bool gx_log_to_file(const struct gx_home *home, struct gx_fail *why) GX_MUST_CHECK;
/* Where it is that file already, from a program that this one took over from, it is kept as before. */
void gx_log_go_on(const struct gx_home *home);
/* Another process may have moved the file away. */
void gx_log_again(void);

#endif
