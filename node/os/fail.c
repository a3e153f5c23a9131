#include "node/os/fail.h"

#include "proto/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static void fill(struct gx_fail *why, int code, const char *name, const char *hint, const char *format,
                 va_list args)
{
    why->code = code;
    snprintf(why->name, sizeof why->name, "%s", name);
    snprintf(why->hint, sizeof why->hint, "%s", hint == NULL ? "" : hint);
    vsnprintf(why->message, sizeof why->message, format, args);
    /* The name of a file can be any bytes, and a long one is cut; a message is text. */
    if (!gx_utf8_ok(gx_span(why->message, strlen(why->message)))) {
        char shown[sizeof why->message];
        size_t n = gx_utf8_show(shown, sizeof shown, gx_span(why->message, strlen(why->message)), false);

        memcpy(why->message, shown, n + 1);
    }
}

bool gx_fail(struct gx_fail *why, int code, const char *name, const char *hint, const char *format, ...)
{
    if (why != NULL) {
        va_list args;

        va_start(args, format);
        fill(why, code, name, hint, format, args);
        va_end(args);
    }
    return false;
}

bool gx_fail_errno(struct gx_fail *why, int code, const char *name, int sys_errno, const char *format, ...)
{
    if (why != NULL) {
        va_list args;

        va_start(args, format);
        fill(why, code, name, NULL, format, args);
        va_end(args);

        size_t n = strlen(why->message);
        snprintf(why->message + n, sizeof why->message - n, ": %s", strerror(sys_errno));
    }
    return false;
}
