/* What may be spent, and fills again with the time. */
#ifndef GX_ENGINE_BUDGET_H
#define GX_ENGINE_BUDGET_H

#include "crypto/base.h"

struct gx_budget {
    int64_t left;
    uint64_t at_ms;
    uint32_t thousandths;       /* of what came until then: who looks every millisecond loses none of it */
};

/* Is anything left, where per_s comes in a second, up to `most`?  It may be overdrawn by what it is spent on last. */
bool gx_budget_is_left(struct gx_budget *b, uint64_t now_ms, uint64_t per_s, int64_t most);

#endif
