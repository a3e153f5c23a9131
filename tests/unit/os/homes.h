/* What tests of homes share: a home in a directory of its own, seeded mutations, and cmocka. */
#ifndef GX_TESTS_UNIT_OS_HOMES_H
#define GX_TESTS_UNIT_OS_HOMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/rng.h"
#include "node/os/home.h"
#include "tests/unit/folder.h"

/* A new home below /tmp, made; *home is wholly filled. */
static inline void home_make(struct gx_home *home)
{
    char dir[] = "/tmp/gx-test-XXXXXX", data[64];
    struct gx_fail why;

    assert_non_null(mkdtemp(dir));
    snprintf(data, sizeof data, "%s/home", dir);
    assert_true(gx_home_find(home, data, NULL, &why));
    assert_true(gx_home_make(home, &why));
}

static inline void home_remove(const struct gx_home *home)
{
    char dir[GX_PATH_MAX];

    memcpy(dir, home->data, sizeof dir);
    *strrchr(dir, '/') = 0;
    assert_int_equal(strncmp(dir, "/tmp/gx-test-", 13), 0);
    assert_true(folder_remove(dir));
}

static inline void rng_seed(struct gx_rng_stream *s, uint8_t seed)
{
    uint8_t bytes[32];

    memset(bytes, seed, sizeof bytes);
    gx_rng_stream_init(s, bytes);
}

static inline uint32_t rng_below(struct gx_rng_stream *s, uint32_t n)
{
    uint32_t v;

    gx_rng_fill(&s->rng, &v, sizeof v);
    return v % n;
}

/* One to four changes: a bit flipped, a byte set to something that means something, a piece cut out, a piece doubled, the end cut off.
 * bytes has room for cap; returns the new length. */
static inline size_t mutate(struct gx_rng_stream *s, uint8_t *bytes, size_t n, size_t cap)
{
    static const char telling[] = "{}[]\",:\\0919-.eEtfnu \t\n\r=#;/\x80\xff\xc3\xed";

    for (uint32_t changes = 1 + rng_below(s, 4); changes > 0 && n > 0; changes--) {
        size_t at = rng_below(s, (uint32_t)n), len = 1 + rng_below(s, 8);
        if (len > n - at)
            len = n - at;
        switch (rng_below(s, 5)) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << rng_below(s, 8));
            break;
        case 1:
            bytes[at] = (uint8_t)telling[rng_below(s, sizeof telling)];
            break;
        case 2:
            memmove(bytes + at, bytes + at + len, n - at - len);
            n -= len;
            break;
        case 3:
            if (n + len <= cap) {
                memmove(bytes + at + len, bytes + at, n - at);
                n += len;
            }
            break;
        case 4:
            n = at;
            break;
        }
    }
    return n;
}

#endif
