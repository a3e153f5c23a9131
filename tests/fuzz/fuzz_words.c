/* Recovery words as they are typed: as text, and as numbers of words, because few changes of a text are words.  What is taken is written again as the
 * same words, lower case and one blank between. */
#include "crypto/words.h"
#include "tests/fuzz/fuzz.h"

/* As gx_words_from_recovery would write these words. */
static void tidy(char *out, const char *text)
{
    bool gap = false;
    size_t n = 0;

    for (; *text != 0; text++) {
        if (strchr(" \t\r\n", *text) != NULL) {
            gap = true;
            continue;
        }
        if (gap && n > 0)
            out[n++] = ' ';
        gap = false;
        out[n++] = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
    }
    out[n] = 0;
}

static void as_text(const char *text)
{
    static const struct gx_recovery none;
    struct gx_recovery rec;
    char again[GX_WORDS_TEXT_BYTES];

    memset(&rec, 0x55, sizeof rec);
    if (!gx_words_to_recovery(&rec, text)) {
        GX_ASSERT(memcmp(&rec, &none, sizeof rec) == 0);
        return;
    }
    char *expected = calloc(1, strlen(text) + 1);
    GX_ASSERT(expected != NULL);
    tidy(expected, text);
    gx_words_from_recovery(again, &rec);
    GX_ASSERT(strcmp(again, expected) == 0);
    free(expected);
}

/* 24 words of 11 bits: one in 256 has the right checksum. */
static void as_numbers(const uint8_t *data, size_t size)
{
    uint8_t bits[33] = {0};
    char text[GX_WORDS_TEXT_BYTES];

    memcpy(bits, data, size < sizeof bits ? size : sizeof bits);
    gx_words_from_bits(text, bits, GX_WORDS_COUNT);
    GX_ASSERT(strlen(text) < sizeof text);
    as_text(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 33) {
        as_numbers(data, size);
        return 0;
    }
    char *text = fuzz_text(data, size);
    as_text(text);
    free(text);
    return 0;
}

/* Each word that is typed is held against all of the list in constant time, which under a sanitizer is all that a run would do. */
bool __wrap_gx_equal_ct(const void *a, const void *b, size_t n);
bool __wrap_gx_equal_ct(const void *a, const void *b, size_t n)
{
#ifdef WORDS_BY_FOUR            /* a planted bug: four letters are enough */
    n = 4;
#endif
    return *(const char *)a == *(const char *)b && memcmp(a, b, n) == 0;
}
