/* Inside the store layer only: a look at the file before LMDB maps it.  SCHEMA §1.3. */
#ifndef GX_STORE_IMAGE_H
#define GX_STORE_IMAGE_H

#include "proto/err.h"

/* LMDB trusts its file: a page past the end is a SIGBUS.  Checked here: both meta pages, and that each page the newer one counts is either in
 * the file or on the free list (a page that was taken and given back within one transaction is never written, so a sound file may be short).
 * Returns GX_OK, GX_E_ABSENT, GX_E_VERSION, GX_E_CORRUPT, GX_E_STORE (*sys_errno), GX_E_MEMORY. */
enum gx_err gx_image_check(const char *path, int *sys_errno) GX_MUST_CHECK;

#endif
