/* Answers of the engine: a flat stream of named values that os turns into JSON one to one.
 * The engine knows nothing of JSON, and every client, the simulator included, can read the same answer. */
#ifndef GX_ENGINE_ANSWER_H
#define GX_ENGINE_ANSWER_H

#include "proto/err.h"

enum gx_value_kind { GX_VALUE_TEXT, GX_VALUE_NUMBER, GX_VALUE_BOOL, GX_VALUE_NULL, GX_VALUE_OBJECT, GX_VALUE_LIST, GX_VALUE_END };

struct gx_value {
    enum gx_value_kind kind;
    const char *key;        /* static text; NULL inside a list, and for END */
    uint64_t number;        /* NUMBER, BOOL */
    const char *text;       /* TEXT: UTF-8, in the step arena, ends in 0 */
};

/* An answer is one object (its braces are implied).  When err is not GX_OK the values may still carry detail (`candidates`). */
struct gx_answer {
    enum gx_err err;
    enum gx_deny deny;              /* with GX_E_DENIED */
    const char *name;               /* JSON error name: "qr_closed", "token_expired", "not_found", "timeout" ...; NULL when ok */
    const char *message;            /* what went wrong and why; NULL when ok */
    const char *hint;               /* what to do next; may be NULL */
    uint8_t exit_code;              /* INTERFACE's exit codes; 0 when ok */
    bool more;                      /* NOTE: the subscription goes on */
    size_t n;
    const struct gx_value *values;
};

/* Find a value of the outermost object by key; NULL when absent. */
const struct gx_value *gx_answer_find(const struct gx_answer *a, const char *key);

#endif
