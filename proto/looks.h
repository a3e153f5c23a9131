/* Names that look like others to a person, and names with something in them that a person does not see.  What is compared and marked here is
 * never what is stored or signed.
 *
 * Likeness is UTS #39's, as a table that tools/unicode-tables computes from ICU 72 (Unicode 15.0), and not ICU itself.  Linked to libicui18n and
 * libicuuc, which bring 31 MB of data, every command took 3 ms more to start: 15.3 for 12.7 (`guanxi version`, the least of 200; the medians on
 * a busy machine are 40 for 33), 16.3 with one name looked at.  An idle node grew by 0.3 MB.  The table is 36 KB that are read when the first
 * name is, takes no measurable time to start, and depends on no library's version: two nodes of one release mark the same names. */
#ifndef GX_PROTO_LOOKS_H
#define GX_PROTO_LOOKS_H

#include "proto/limits.h"

/* A skeleton is at most three times as long as its name. */
#define GX_LOOKS_BYTES_MAX (3u * GX_NAME_BYTES_MAX + 1)

/* Two names look alike when their skeletons are equal.  A skeleton is for comparing, not for showing.  Case, compatibility forms (fullwidth,
 * mathematical, ligatures), likeness between letters (a Cyrillic or Greek one for a Latin one; rn and m, vv and w), the order of marks on a
 * letter, runs of blanks and what is not seen make no difference; nor do 0 and O, nor I, i, l, 1 and |: a capital I is an i as well as an l,
 * so that Lia and Ila are alike.  Too much is marked here rather than too little.  Accents do make a difference.
 * Names are UTF-8; a byte that is none counts as U+FFFD, as it is shown.  Empty for a name that shows nothing.  Of what is longer than
 * GX_NAME_BYTES_MAX only so much is looked at. */
void gx_looks_skeleton(char out[GX_LOOKS_BYTES_MAX], const char *name);

/* Does the name hold characters that are not seen (invisible, format, direction and control characters; variation selectors and joiners where
 * nothing is written with them; private use, not assigned), or that draw over others (more than GX_UTF8_MARKS_MAX marks on one letter, one
 * twice, one on no letter), or letters of two of the Latin, Greek and Cyrillic alphabets in one word?  Or is it only blanks, not UTF-8, or
 * longer than a name may be? */
bool gx_looks_odd(const char *name) GX_MUST_CHECK;

#endif
