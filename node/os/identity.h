/* What makes a home somebody's: the identity, which lies in the vault (node/os/vault.h), and the file `incarnation`, which backups leave out.  KEYS §1, §2.
 *
 *   identity     "gx keys\n" | version u32 = 1 | ID_pk R_pk CX_pk 32 each | card serial u32 | card signature 64 | card sk 32 | device seed 32
 *                | transport pk 32, sk 32 | name length u16, name | H("gx-keys-file", all before)
 *   incarnation  "gx incar" | version u32 = 1 | secret 32 | its own inode u64 | store uuid 16 | H("gx-incar-file", all before) */
#ifndef GX_OS_IDENTITY_H
#define GX_OS_IDENTITY_H

#include "crypto/person.h"
#include "node/os/home.h"
#include "proto/limits.h"

struct gx_identity {
    struct gx_person person;
    struct gx_dh_sk card_sk;
    struct gx_device_seed device_seed;
    struct gx_curve_pk transport_pk;
    struct gx_curve_sk transport_sk;
    char name[GX_NAME_BYTES_MAX + 1];       /* UTF-8, not empty */
};

/* Make a new person and device.  recovery: shown once as words by the caller, then wiped.  name: checked by gx_identity_name_ok. */
void gx_identity_make(struct gx_identity *out, struct gx_recovery *recovery, const char *name);
void gx_identity_wipe(struct gx_identity *id);
/* Another transport key. */
void gx_identity_new_transport(struct gx_identity *id);

/* 1 to GX_NAME_BYTES_MAX bytes of well-formed UTF-8 without control characters. */
bool gx_identity_name_ok(const char *name) GX_MUST_CHECK;

#define GX_IDENTITY_BYTES_MAX (8u + 4u + 96u + 4u + 64u + 32u + 32u + 64u + 2u + GX_NAME_BYTES_MAX + 32u)
size_t gx_identity_encode(uint8_t out[GX_IDENTITY_BYTES_MAX], const struct gx_identity *id);
/* Returns GX_E_MALFORMED (not such a file, or cut short), GX_E_VERSION, GX_E_CORRUPT (the check does not match: a bit flipped),
 * GX_E_SIGNATURE (keys that do not belong together). */
enum gx_err gx_identity_decode(struct gx_identity *out, struct gx_span bytes) GX_MUST_CHECK;

/* The secret that tells this life of the files from an older copy of them.  PROTOCOL 2: "missing or mismatched (inode, store UUID) means a new
 * incarnation".  *fresh tells that it is new; keep: write it (the node does, verbs that only read do not). */
bool gx_incarnation_load(struct gx_incarnation_secret *out, bool *fresh, const struct gx_home *home, const uint8_t store_uuid[16],
                         bool keep, struct gx_fail *why) GX_MUST_CHECK;

#endif
