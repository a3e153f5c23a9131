/* Recovery words: 32 bytes as 24 English words of BIP-39, with its checksum.  KEYS §1. */
#ifndef GX_CRYPTO_WORDS_H
#define GX_CRYPTO_WORDS_H

#include "crypto/keys.h"

#define GX_WORDS_COUNT 24u
#define GX_WORDS_TEXT_BYTES_OF(n_words) (9u * (n_words))     /* words of at most 8 letters, blanks between, and the 0 */
#define GX_WORDS_TEXT_BYTES GX_WORDS_TEXT_BYTES_OF(GX_WORDS_COUNT)

/* Lower-case words, one blank between.  The caller wipes text. */
void gx_words_from_recovery(char text[GX_WORDS_TEXT_BYTES], const struct gx_recovery *rec);

/* n words of the same list for the first 11 * n bits, most significant first, without a checksum.  text: GX_WORDS_TEXT_BYTES_OF(n_words). */
void gx_words_from_bits(char *text, const uint8_t *bits, unsigned n_words);

/* False for an unknown word, a wrong count or a wrong checksum; rec is then zeroed.  Runs of blanks and upper case are accepted. */
bool gx_words_to_recovery(struct gx_recovery *rec, const char *text) GX_MUST_CHECK;

#endif
