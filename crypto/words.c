#include "crypto/words.h"

#include "crypto/words_english.h"

#include <sodium.h>

#define WORD_LETTERS_MAX 8u
#define WORD_BITS 11u
#define BITS_BYTES 33u /* 24 words of 11 bits: 256 of the secret, then 8 of the checksum */

static_assert(GX_WORDS_COUNT * WORD_BITS == BITS_BYTES * 8, "24 words are 33 bytes exactly");
static_assert(GX_ARRAY_LEN(gx_words_english) == 1u << WORD_BITS, "a word for every 11 bits");
static_assert(GX_WORDS_TEXT_BYTES == GX_WORDS_COUNT * (WORD_LETTERS_MAX + 1), "the last blank's place holds the 0");

/* BIP-39: the checksum is the first ENT / 32 bits of SHA-256(entropy): 8 bits of it here. */
static uint8_t checksum(const uint8_t entropy[32])
{
    uint8_t full[crypto_hash_sha256_BYTES];

    int rc = crypto_hash_sha256(full, entropy, 32);
    GX_ASSERT(rc == 0);

    uint8_t first = full[0];
    gx_wipe(full, sizeof full);
    return first;
}

/* Bits are numbered from the most significant one of byte 0. */
static unsigned word_bits_get(const uint8_t *bits, unsigned word)
{
    unsigned v = 0;

    for (unsigned i = word * WORD_BITS; i < (word + 1) * WORD_BITS; i++)
        v = v << 1 | ((unsigned)bits[i / 8] >> (7 - i % 8) & 1);
    return v;
}

static void word_bits_set(uint8_t bits[BITS_BYTES], unsigned word, unsigned v)
{
    for (unsigned i = word * WORD_BITS, left = WORD_BITS; left-- > 0; i++)
        bits[i / 8] = (uint8_t)(bits[i / 8] | (v >> left & 1) << (7 - i % 8));
}

void gx_words_from_bits(char *text, const uint8_t *bits, unsigned n_words)
{
    size_t at = 0;

    memset(text, 0, GX_WORDS_TEXT_BYTES_OF(n_words));
    for (unsigned i = 0; i < n_words; i++) {
        const char *word = gx_words_english[word_bits_get(bits, i)];
        size_t n = strlen(word);

        if (i > 0)
            text[at++] = ' ';
        memcpy(text + at, word, n);
        at += n;
    }
}

void gx_words_from_recovery(char text[GX_WORDS_TEXT_BYTES], const struct gx_recovery *rec)
{
    uint8_t bits[BITS_BYTES];

    memcpy(bits, rec->b, sizeof rec->b);
    bits[32] = checksum(rec->b);
    gx_words_from_bits(text, bits, GX_WORDS_COUNT);
    gx_wipe(bits, sizeof bits);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *blanks_skip(const char *text)
{
    while (is_blank(*text))
        text++;
    return text;
}

/* The number of the word that `*text` begins with, which is then behind it; -1 if the list has no such word. */
static int word_take(const char **text)
{
    char word[WORD_LETTERS_MAX + 1] = {0};
    const char *p = *text;
    size_t n = 0;
    int found = -1;

    for (; *p != '\0' && !is_blank(*p); p++) {
        if (n == WORD_LETTERS_MAX)
            goto out;
        word[n++] = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    }
    /* Every word is compared, so the time does not depend on which one it was. */
    for (unsigned i = 0; i < GX_ARRAY_LEN(gx_words_english); i++)
        if (gx_equal_ct(word, gx_words_english[i], sizeof word))
            found = (int)i;
out:
    *text = p;
    gx_wipe(word, sizeof word);
    return found;
}

/* Exactly 24 known words into their bits. */
static bool bits_read(uint8_t bits[BITS_BYTES], const char *text)
{
    text = blanks_skip(text);
    for (unsigned i = 0; i < GX_WORDS_COUNT; i++) {
        int v = word_take(&text);

        if (v < 0)
            return false;
        word_bits_set(bits, i, (unsigned)v);
        text = blanks_skip(text);
    }
    return *text == '\0';
}

bool gx_words_to_recovery(struct gx_recovery *rec, const char *text)
{
    uint8_t bits[BITS_BYTES] = {0};
    bool ok = bits_read(bits, text) && checksum(bits) == bits[32];

    if (ok)
        memcpy(rec->b, bits, sizeof rec->b);
    else
        gx_wipe(rec, sizeof *rec);
    gx_wipe(bits, sizeof bits);
    return ok;
}
