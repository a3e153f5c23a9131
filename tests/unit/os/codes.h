/* What the tests of QR codes and pictures share: cmocka, seeded chance, sample texts. */
#ifndef GX_TESTS_UNIT_OS_CODES_H
#define GX_TESTS_UNIT_OS_CODES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/os/qr.h"
#include "proto/limits.h"

/* The longest text a code of version 1 to 11 holds at level L, M, Q (ISO 18004, table 7, alphanumeric). */
static const size_t capacity[3][11] = {
    {25, 47, 77, 114, 154, 195, 224, 279, 335, 395, 468},
    {20, 38, 61, 90, 122, 154, 178, 221, 262, 311, 366},
    {16, 29, 47, 67, 87, 108, 125, 157, 189, 221, 259},
};

/* splitmix64: the same numbers on every machine. */
static inline uint64_t chance(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* What a token looks like: GX1: and base32, n characters in all. */
static inline void sample(char *out, size_t n, uint64_t seed)
{
    static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    for (size_t i = 0; i < n; i++)
        out[i] = i < 4 ? "GX1:"[i] : base32[chance(&seed) % 32];
    out[n] = 0;
}

#endif
