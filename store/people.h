/* The tables about people: contacts, invitations between them, and which member is which contact.  SCHEMA §2.12 to §2.17. */
#ifndef GX_STORE_PEOPLE_H
#define GX_STORE_PEOPLE_H

#include "crypto/card.h"
#include "store/rows.h"

enum gx_contact_flags {
    GX_CONTACT_VERIFIED = 1,        /* the person compared the words */
    GX_CONTACT_BLOCKED = 2,
    GX_CONTACT_CHANGED = 4,         /* their card has another key than it had: warned about until it is verified again */
    GX_CONTACT_TOLD = 8,            /* their door took my card */
    GX_CONTACT_ASKS = 16,           /* their card came to my door and waits for an answer: `create` and `endpoint` are set */
    GX_CONTACT_REMOVED = 32,        /* the person removed or refused them: kept, so that an old card of theirs is known again */
    GX_CONTACT_AGAIN = 64           /* with ASKS and REMOVED: they founded another chat since, and ask anew */
};

/* `contact`: ID_pk -> row.  Everybody whose card was scanned here or came to this node's card door. */
struct gx_contact_row {
    struct gx_card card;            /* the newest that is known; card.id is the key */
    uint8_t flags;                  /* enum gx_contact_flags */
    uint64_t since_ms;              /* wall clock: first seen */
    uint32_t mine, theirs;          /* gnum of the direct chat that I founded, that they founded; 0: none */
    struct gx_token_seed seed;      /* of the code that was scanned; zero: none */
    uint8_t n_addrs;                /* where their card's door may be, the code's hint first */
    struct gx_addr addrs[GX_JOIN_ADDRS_MAX];
    uint16_t name_bytes;            /* what they call themself, 0 to GX_NAME_BYTES_MAX, UTF-8 */
    uint8_t name[GX_NAME_BYTES_MAX];
    uint16_t was_bytes;             /* and before that; 0: nothing else so far */
    uint8_t was[GX_NAME_BYTES_MAX];
    uint16_t petname_bytes;         /* what the person calls them; 0: nothing */
    uint8_t petname[GX_NAME_BYTES_MAX];
    /* With ASKS: */
    uint8_t create[GX_CREATE_EVENT_BYTES];  /* CREATE of the direct chat that they founded, verified */
    struct gx_endpoint endpoint;            /* where their device is, verified */
};
enum gx_err gx_contact_put(struct gx_txn *txn, const struct gx_contact_row *row) GX_MUST_CHECK;
/* In order of ID_pk: the first above `after` (NULL: the first).  GX_E_ABSENT at the end. */
enum gx_err gx_contact_next(struct gx_txn *txn, struct gx_contact_row *out, const struct gx_sign_pk *after) GX_MUST_CHECK;
enum gx_err gx_contact_del(struct gx_txn *txn, const struct gx_sign_pk *id) GX_MUST_CHECK;

/* `asked`: gnum -> row.  A group that this node was invited into by a contact and is not a member of yet. */
struct gx_asked_row {
    struct gx_sign_pk contact;      /* ID_pk of who invited */
    struct gx_sign_pk inviter;      /* its M_pk in the group */
    uint16_t title_bytes;           /* what the invitation called the group; 0: a direct chat, or nothing */
    uint8_t title[GX_NAME_BYTES_MAX];
};
enum gx_err gx_asked_put(struct gx_txn *txn, uint32_t gnum, const struct gx_asked_row *row) GX_MUST_CHECK;
enum gx_err gx_asked_get(struct gx_txn *txn, struct gx_asked_row *out, uint32_t gnum) GX_MUST_CHECK;
enum gx_err gx_asked_del(struct gx_txn *txn, uint32_t gnum) GX_MUST_CHECK;

/* `offered`: (gnum, ID_pk) -> until_ms: a contact that this node lets into the group when it asks before then (wall clock). */
enum gx_err gx_offered_put(struct gx_txn *txn, uint32_t gnum, const struct gx_sign_pk *contact, uint64_t until_ms) GX_MUST_CHECK;
enum gx_err gx_offered_next(struct gx_txn *txn, struct gx_sign_pk *contact, uint64_t *until_ms, uint32_t gnum,
                            const struct gx_sign_pk *after) GX_MUST_CHECK;
enum gx_err gx_offered_del(struct gx_txn *txn, uint32_t gnum, const struct gx_sign_pk *contact) GX_MUST_CHECK;

/* `invited`: event id of the INVITE -> row: an invitation of a contact that waits for the person's answer. */
struct gx_invited_row {
    struct gx_event_id invite;
    struct gx_sign_pk contact;      /* ID_pk of who invites */
    struct gx_sign_pk inviter;      /* its M_pk in the group */
    uint64_t since_ms;
    uint8_t create[GX_CREATE_EVENT_BYTES];  /* of the group, verified */
    uint16_t title_bytes;
    uint8_t title[GX_NAME_BYTES_MAX];
};
enum gx_err gx_invited_put(struct gx_txn *txn, const struct gx_invited_row *row) GX_MUST_CHECK;
enum gx_err gx_invited_next(struct gx_txn *txn, struct gx_invited_row *out, const struct gx_event_id *after) GX_MUST_CHECK;
enum gx_err gx_invited_del(struct gx_txn *txn, const struct gx_event_id *invite) GX_MUST_CHECK;

/* `revealed`: (gnum, M_pk) -> ID_pk of the contact who is that member. */
enum gx_err gx_revealed_put(struct gx_txn *txn, uint32_t gnum, const struct gx_sign_pk *member, const struct gx_sign_pk *contact) GX_MUST_CHECK;
enum gx_err gx_revealed_next(struct gx_txn *txn, struct gx_sign_pk *member, struct gx_sign_pk *contact, uint32_t gnum,
                             const struct gx_sign_pk *after) GX_MUST_CHECK;

/* `told`: event id of the REVEAL -> row: a contact said which member of a group they are, and this node does not know that member yet. */
struct gx_told_row {
    struct gx_event_id reveal;
    struct gx_sign_pk contact;      /* ID_pk of who says so */
    struct gx_group_id group;
    struct gx_sign_pk member;
    struct gx_reveal mac;           /* not checked */
};
enum gx_err gx_told_put(struct gx_txn *txn, const struct gx_told_row *row) GX_MUST_CHECK;
enum gx_err gx_told_next(struct gx_txn *txn, struct gx_told_row *out, const struct gx_event_id *after) GX_MUST_CHECK;
enum gx_err gx_told_del(struct gx_txn *txn, const struct gx_event_id *reveal) GX_MUST_CHECK;

#endif
