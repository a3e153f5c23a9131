/* What every fuzz target is: libFuzzer's entry point.  replay.c calls it for each file of a corpus. */
#ifndef GX_TESTS_FUZZ_H
#define GX_TESTS_FUZZ_H

#include "crypto/base.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read each byte, so that a span that reaches too far is seen by the sanitizer. */
static inline void fuzz_touch(struct gx_span s)
{
    static volatile uint8_t sink;

    for (size_t i = 0; i < s.n; i++)
        sink = s.p[i];
    (void)sink;
}

/* A printed line: as long as it was said to be, within its room, and nothing in it that a terminal obeys. */
static inline void fuzz_prints(size_t n, const char *line, size_t cap)
{
    GX_ASSERT(n < cap && strlen(line) == n);
    for (size_t i = 0; i < n; i++)
        GX_ASSERT((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
}

/* The input as a text: what stands before its first 0, in memory of exactly that size.  Freed by the caller. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    size_t n = strnlen((const char *)data, size);
    char *text = malloc(n + 1);

    GX_ASSERT(text != NULL);
    memcpy(text, data, n);
    text[n] = 0;
    return text;
}

/* Small numbers and the rest of an input, one after the other; zeroes at its end. */
struct fuzz_in {
    const uint8_t *p;
    size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_in *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

static inline uint16_t fuzz_u16(struct fuzz_in *in)
{
    uint16_t low = fuzz_u8(in);

    return (uint16_t)(low | fuzz_u8(in) << 8);
}

static inline struct gx_span fuzz_take(struct fuzz_in *in, size_t n)
{
    struct gx_span s = gx_span(in->p, n < in->left ? n : in->left);

    in->p += s.n;
    in->left -= s.n;
    return s;
}

#endif
