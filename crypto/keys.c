#include "crypto/keys.h"

#include <sodium.h>

void gx_wipe(void *p, size_t n)
{
    /* Not memset: a compiler may drop a store that nobody reads. */
    sodium_memzero(p, n);
}

bool gx_equal_ct(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}
