#include "proto/err.h"

static const char *const err_texts[] = {
#define GX_X(name, text) [name] = text,
    GX_ERR_LIST(GX_X)
#undef GX_X
};

/* The preprocessor cannot make lower case; a test holds these against the list. */
static const char *const err_names[] = {
    [GX_OK] = "ok",
    [GX_E_MALFORMED] = "malformed",
    [GX_E_VERSION] = "version",
    [GX_E_SIGNATURE] = "signature",
    [GX_E_TOO_BIG] = "too_big",
    [GX_E_EXPIRED] = "expired",
    [GX_E_DENIED] = "denied",
    [GX_E_ABSENT] = "absent",
    [GX_E_AMBIGUOUS] = "ambiguous",
    [GX_E_DUPLICATE] = "duplicate",
    [GX_E_FORK] = "fork",
    [GX_E_MISSING] = "missing",
    [GX_E_AGAIN] = "again",
    [GX_E_FULL] = "full",
    [GX_E_STORE] = "store",
    [GX_E_CORRUPT] = "corrupt",
    [GX_E_LOCKED] = "locked",
    [GX_E_MEMORY] = "memory",
    [GX_E_USAGE] = "usage",
};
static_assert(GX_ARRAY_LEN(err_names) == GX_ERR_COUNT, "every error has a name");

static const struct {
    const char *name, *text;
} denials[] = {
#define GX_X(id, json, sentence) [id] = {json, sentence},
    GX_DENY_LIST(GX_X)
#undef GX_X
};

const char *gx_err_text(enum gx_err err)
{
    return (unsigned)err < GX_ERR_COUNT ? err_texts[err] : "?";
}

const char *gx_err_name(enum gx_err err)
{
    return (unsigned)err < GX_ERR_COUNT ? err_names[err] : "?";
}

const char *gx_deny_name(enum gx_deny deny)
{
    return (unsigned)deny < GX_DENY_COUNT ? denials[deny].name : "?";
}

const char *gx_deny_text(enum gx_deny deny)
{
    return (unsigned)deny < GX_DENY_COUNT ? denials[deny].text : "?";
}
