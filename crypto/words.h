/* Recovery words: 32 bytes as 24 English words of BIP-39, with its checksum.  KEYS §1. */
#ifndef GX_CRYPTO_WORDS_H
#define GX_CRYPTO_WORDS_H

#include "crypto/keys.h"

#define GX_WORDS_COUNT 24u
#define GX_WORDS_TEXT_BYTES 216u     /* 24 words of at most 8 letters, blanks between, and the 0 */

/* Lower-case words, one blank between.  The caller wipes text. */
void gx_words_from_recovery(char text[GX_WORDS_TEXT_BYTES], const struct gx_recovery *rec);

/* False for an unknown word, a wrong count or a wrong checksum; rec is then zeroed.  Runs of blanks and upper case are accepted. */
bool gx_words_to_recovery(struct gx_recovery *rec, const char *text) GX_MUST_CHECK;

#endif
