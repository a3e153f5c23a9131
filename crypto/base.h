/* What every layer stands on: spans of bytes, assertions that stay on, and the mark for results that must be looked at. */
#ifndef GX_CRYPTO_BASE_H
#define GX_CRYPTO_BASE_H

#include <assert.h> /* __assert_fail is declared here only without NDEBUG, which this project never defines */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GX_MUST_CHECK __attribute__((warn_unused_result))
#define GX_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Bytes somebody else owns.  p may be NULL when n is 0. */
struct gx_span {
    const uint8_t *p;
    size_t n;
};

/* Our own mistakes only, in Release too: one line that says what and where, then abort.  Hostile bytes never assert. */
#define GX_ASSERT(x) ((x) ? (void)0 : __assert_fail(#x, __FILE__, (unsigned)__LINE__, __func__))

static inline struct gx_span gx_span(const void *p, size_t n)
{
    return (struct gx_span){.p = p, .n = n};
}

static inline bool gx_span_equal(struct gx_span a, struct gx_span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
