/* Random histories of one group under attack, by members who lie. */
#ifndef GX_TESTS_LAW_LIARS_H
#define GX_TESTS_LAW_LIARS_H

#include "tests/prop/law_history.h"

/* From the seed alone.  They backdate, claim ranks they have not, fork the owner's log, write from second devices, hand the group over, use tokens
 * again, copy join requests, and leave as a weapon.  Caps are small, so that they are reached. */
void liars_write(struct history *h, uint64_t seed);

#endif
