/* The optional configuration file: `key = value`, a line each; # and ; begin comments.  What is not known is refused with its line. */
#ifndef GX_OS_CONFIG_H
#define GX_OS_CONFIG_H

#include "node/os/home.h"
#include "proto/addr.h"

#define GX_CONFIG_BYTES_MAX 65536u

/* key, member of struct gx_config, what a value must be */
#define GX_CONFIG_LIST(X) X("listen", listen, "ADDR:PORT, such as [::]:7447 or 192.0.2.1:0")

struct gx_config {
    struct gx_addr listen;
    unsigned listen_line;       /* 0: not in the file */
};

#define GX_DEFAULT_PORT 7447u
/* [::], port 0: the kept port, else GX_DEFAULT_PORT, else any. */
struct gx_addr gx_config_default_listen(void);

/* Parse a whole file.  file_name: for messages, "FILE:LINE: ...".  Fails with exit 2. */
bool gx_config_parse(struct gx_config *out, struct gx_span text, const char *file_name, struct gx_fail *why) GX_MUST_CHECK;
/* Read home->config; no file is no error and leaves the defaults. */
bool gx_config_read(struct gx_config *out, const struct gx_home *home, struct gx_fail *why) GX_MUST_CHECK;

#endif
