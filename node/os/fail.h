/* What went wrong, in the form every failure reaches a person or a script: an exit code, a name, what happened and what to do next. */
#ifndef GX_OS_FAIL_H
#define GX_OS_FAIL_H

#include "node/engine/answer.h"

/* Exit codes of the program; the same with and without --json. */
enum gx_exit {
    GX_EXIT_DONE = 0,
    GX_EXIT_FAILED = 1,
    GX_EXIT_USAGE = 2,
    GX_EXIT_NOT_FOUND = 3,
    GX_EXIT_DENIED = 4,
    GX_EXIT_TOKEN = 5,
    GX_EXIT_TIMEOUT = 6,
    GX_EXIT_DOWN = 69,
    GX_EXIT_STORE = 74,
    GX_EXIT_LOCKED = 75,
    GX_EXIT_PASSPHRASE = 77
};

struct gx_fail {
    int code;               /* enum gx_exit, or one the node sent */
    char name[32];
    char message[768];
    char hint[256];         /* "" when there is nothing to add */
};

/* Fills *why (which may be NULL) and returns false, so that callers write `return gx_fail(...)`. */
bool gx_fail(struct gx_fail *why, int code, const char *name, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The same with the system's reason appended: "...: No space left on device". */
bool gx_fail_errno(struct gx_fail *why, int code, const char *name, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
