/* The optional configuration file: `key = value`, a line each; # and ; begin comments.  What is not known is refused with its line. */
#ifndef GX_OS_CONFIG_H
#define GX_OS_CONFIG_H

#include "node/engine/engine.h"
#include "node/os/home.h"
#include "node/os/modes.h"
#include "proto/addr.h"

#define GX_CONFIG_BYTES_MAX 65536u

/* Beside listen, numbers: key, member of struct gx_carry_limits, the lowest, the highest, what is usual, what a value must be.  Of bytes K, M and G are 2^10, 2^20, 2^30. */
#define GX_CONFIG_CARRY_LIST(X)                                                                                                              \
    X("carry_recent_days", recent_days, 1, GX_DAYS_MAX, GX_CARRY_RECENT_DAYS, "1 to 366 days")                                                 \
    X("carry_recent_bytes", recent_bytes, GX_CARRY_BYTES_LEAST, GX_CARRY_BYTES_MOST, GX_CARRY_RECENT_BYTES, "64K or more, such as 64M")        \
    X("carry_off_messages", off_messages, 1, 1000000, GX_CARRY_OFF_MESSAGES, "1 to 1000000 messages")                                           \
    X("carry_author_bytes", author_bytes, GX_CARRY_BYTES_LEAST, GX_CARRY_BYTES_MOST, GX_CARRY_AUTHOR_BYTES, "64K or more, such as 1G")         \
    X("carry_group_bytes", group_bytes, GX_CARRY_BYTES_LEAST, GX_CARRY_BYTES_MOST, GX_CARRY_GROUP_BYTES, "64K or more, such as 4G")
#define GX_CARRY_BYTES_LEAST (UINT64_C(64) << 10)
#define GX_CARRY_BYTES_MOST (UINT64_C(1) << 50)

enum gx_config_carry {
#define GX_X(key, member, least, most, usual, what) GX_CONFIG_##member,
    GX_CONFIG_CARRY_LIST(GX_X)
#undef GX_X
        GX_CONFIG_CARRY_COUNT
};

struct gx_config {
    struct gx_addr listen;
    unsigned listen_line;       /* 0: not in the file */
    struct gx_modes lan;
    struct gx_carry_limits carry;
    unsigned carry_lines[GX_CONFIG_CARRY_COUNT];        /* likewise */
};

#define GX_DEFAULT_PORT 7447u
/* [::], port 0: the kept port, else GX_DEFAULT_PORT, else any. */
struct gx_addr gx_config_default_listen(void);

/* For `guanxi config`: the key of a number, and what counts. */
const char *gx_config_carry_key(enum gx_config_carry which);
uint64_t gx_config_carry_value(const struct gx_config *config, enum gx_config_carry which);

/* Parse a whole file.  file_name: for messages, "FILE:LINE: ...".  Fails with exit 2. */
bool gx_config_parse(struct gx_config *out, struct gx_span text, const char *file_name, struct gx_fail *why) GX_MUST_CHECK;
/* Read home->config; no file is no error and leaves the defaults. */
bool gx_config_read(struct gx_config *out, const struct gx_home *home, struct gx_fail *why) GX_MUST_CHECK;

#endif
