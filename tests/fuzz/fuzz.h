/* What every fuzz target is: libFuzzer's entry point.  replay.c calls it for each file of a corpus. */
#ifndef GX_TESTS_FUZZ_H
#define GX_TESTS_FUZZ_H

#include "crypto/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read each byte, so that a span that reaches too far is seen by the sanitizer. */
static inline void fuzz_touch(struct gx_span s)
{
    static volatile uint8_t sink;

    for (size_t i = 0; i < s.n; i++)
        sink = s.p[i];
    (void)sink;
}

#endif
