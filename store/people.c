/* Contacts, invitations between them, which member is which contact.  SCHEMA §2.12 to §2.17 */
#include "store/people.h"

#include "proto/utf8.h"
#include "store/codec.h"
#include "store/schema.h"

#define CONTACT_FLAGS (GX_CONTACT_VERIFIED | GX_CONTACT_BLOCKED | GX_CONTACT_CHANGED | GX_CONTACT_TOLD | GX_CONTACT_ASKS | GX_CONTACT_REMOVED | \
                       GX_CONTACT_AGAIN)
#define NAME_ROW_MAX (2u + GX_NAME_BYTES_MAX)
#define ASKS_BYTES_MAX (GX_CREATE_EVENT_BYTES + GX_ENDPOINT_BYTES_MAX)
#define CONTACT_ROW_MAX (134u + GX_JOIN_ADDRS_MAX * GX_STORE_ADDR_BYTES + 3u * NAME_ROW_MAX + ASKS_BYTES_MAX)
#define ASKED_ROW_MAX (32u + 32u + NAME_ROW_MAX)
#define TOLD_ROW_BYTES (4u * 32u)
#define INVITED_ROW_MAX (32u + 32u + 8u + GX_CREATE_EVENT_BYTES + NAME_ROW_MAX)

static enum gx_err corrupt_unless_whole(const struct gx_rd *r)
{
    return gx_rd_finish(r) == GX_OK ? GX_OK : GX_E_CORRUPT;
}

static bool name_ok(const uint8_t *name, size_t n)
{
    return n <= GX_NAME_BYTES_MAX && gx_utf8_ok(gx_span(name, n));
}

static void name_write(struct gx_wr *w, const uint8_t *name, uint16_t n)
{
    GX_ASSERT(name_ok(name, n));
    gx_wr_u16(w, n);
    gx_wr_bytes(w, name, n);
}

static void name_read(struct gx_rd *r, uint8_t name[GX_NAME_BYTES_MAX], uint16_t *n)
{
    struct gx_span bytes = gx_rd_span(r, gx_rd_u16(r));

    *n = 0;
    if (r->failed || !name_ok(bytes.p, bytes.n)) {
        gx_rd_fail(r);
        return;
    }
    *n = (uint16_t)bytes.n;
    if (bytes.n > 0)
        memcpy(name, bytes.p, bytes.n);
}

/* One group has one founder. */
static bool chats_ok(const struct gx_contact_row *row)
{
    return row->mine == 0 || row->mine != row->theirs;
}

enum gx_err gx_contact_put(struct gx_txn *txn, const struct gx_contact_row *row)
{
    struct gx_key key = gx_key_id(row->card.id.b);
    uint8_t bytes[CONTACT_ROW_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    GX_ASSERT((row->flags & ~CONTACT_FLAGS) == 0 && row->n_addrs <= GX_JOIN_ADDRS_MAX && chats_ok(row));
    gx_wr_bytes(&w, row->card.key.b, sizeof row->card.key.b);
    gx_wr_u32(&w, row->card.serial);
    gx_wr_bytes(&w, row->card.sig.b, sizeof row->card.sig.b);
    gx_wr_u8(&w, row->flags);
    gx_wr_u64(&w, row->since_ms);
    gx_wr_u32(&w, row->mine);
    gx_wr_u32(&w, row->theirs);
    gx_wr_bytes(&w, row->seed.b, sizeof row->seed.b);
    gx_wr_u8(&w, row->n_addrs);
    for (size_t i = 0; i < row->n_addrs; i++)
        gx_store_addr_write(&w, &row->addrs[i]);
    name_write(&w, row->name, row->name_bytes);
    name_write(&w, row->was, row->was_bytes);
    name_write(&w, row->petname, row->petname_bytes);
    if ((row->flags & GX_CONTACT_ASKS) != 0) {
        gx_wr_bytes(&w, row->create, sizeof row->create);
        gx_endpoint_write(&w, &row->endpoint);
    }
    GX_ASSERT(!w.failed);
    enum gx_err err = gx_table_put(txn, GX_TABLE_CONTACT, &key, gx_wr_span(&w));
    gx_wipe(bytes, sizeof bytes);
    return err;
}

static void contact_read(struct gx_rd *r, struct gx_contact_row *out)
{
    gx_rd_bytes(r, out->card.key.b, sizeof out->card.key.b);
    out->card.serial = gx_rd_u32(r);
    gx_rd_bytes(r, out->card.sig.b, sizeof out->card.sig.b);
    out->flags = gx_rd_u8(r);
    out->since_ms = gx_rd_u64(r);
    out->mine = gx_rd_u32(r);
    out->theirs = gx_rd_u32(r);
    gx_rd_bytes(r, out->seed.b, sizeof out->seed.b);
    out->n_addrs = gx_rd_u8(r);
    if (out->n_addrs > GX_JOIN_ADDRS_MAX) {
        out->n_addrs = 0;
        gx_rd_fail(r);
    }
    for (size_t i = 0; i < out->n_addrs; i++)
        gx_store_addr_read(r, &out->addrs[i]);
    name_read(r, out->name, &out->name_bytes);
    name_read(r, out->was, &out->was_bytes);
    name_read(r, out->petname, &out->petname_bytes);
    if ((out->flags & GX_CONTACT_ASKS) != 0) {
        gx_rd_bytes(r, out->create, sizeof out->create);
        gx_endpoint_read(r, &out->endpoint);
    }
    if ((out->flags & ~CONTACT_FLAGS) != 0 || !chats_ok(out))
        gx_rd_fail(r);
}

enum gx_err gx_contact_next(struct gx_txn *txn, struct gx_contact_row *out, const struct gx_sign_pk *after)
{
    static const struct gx_key all = {.n = 0};
    struct gx_span key, value;
    enum gx_err err = gx_table_next(txn, &key, &value, GX_TABLE_CONTACT, &all, after == NULL ? NULL : after->b);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    /* After the seek: `after` may lie in `out`.  Whoever walks on after a bad row needs the key it stands under. */
    memset(out, 0, sizeof *out);
    memcpy(out->card.id.b, key.p, sizeof out->card.id.b);
    contact_read(&r, out);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_contact_del(struct gx_txn *txn, const struct gx_sign_pk *id)
{
    struct gx_key key = gx_key_id(id->b);

    return gx_table_del(txn, GX_TABLE_CONTACT, &key);
}

enum gx_err gx_asked_put(struct gx_txn *txn, uint32_t gnum, const struct gx_asked_row *row)
{
    struct gx_key key = gx_key_u32(gnum);
    uint8_t bytes[ASKED_ROW_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_bytes(&w, row->contact.b, sizeof row->contact.b);
    gx_wr_bytes(&w, row->inviter.b, sizeof row->inviter.b);
    name_write(&w, row->title, row->title_bytes);
    GX_ASSERT(!w.failed);
    return gx_table_put(txn, GX_TABLE_ASKED, &key, gx_wr_span(&w));
}

enum gx_err gx_asked_get(struct gx_txn *txn, struct gx_asked_row *out, uint32_t gnum)
{
    struct gx_key key = gx_key_u32(gnum);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_ASKED, &key);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    memset(out, 0, sizeof *out);
    gx_rd_bytes(&r, out->contact.b, sizeof out->contact.b);
    gx_rd_bytes(&r, out->inviter.b, sizeof out->inviter.b);
    name_read(&r, out->title, &out->title_bytes);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_asked_del(struct gx_txn *txn, uint32_t gnum)
{
    struct gx_key key = gx_key_u32(gnum);

    return gx_table_del(txn, GX_TABLE_ASKED, &key);
}

enum gx_err gx_offered_put(struct gx_txn *txn, uint32_t gnum, const struct gx_sign_pk *contact, uint64_t until_ms)
{
    struct gx_key key = gx_key_u32_id(gnum, contact->b);
    uint8_t bytes[8];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_u64(&w, until_ms);
    return gx_table_put(txn, GX_TABLE_OFFERED, &key, gx_wr_span(&w));
}

enum gx_err gx_offered_next(struct gx_txn *txn, struct gx_sign_pk *contact, uint64_t *until_ms, uint32_t gnum, const struct gx_sign_pk *after)
{
    struct gx_key own = gx_key_u32(gnum);
    struct gx_span key, value;
    enum gx_err err = gx_table_next(txn, &key, &value, GX_TABLE_OFFERED, &own, after == NULL ? NULL : after->b);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    memcpy(contact->b, key.p + 4, sizeof contact->b);
    *until_ms = gx_rd_u64(&r);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_offered_del(struct gx_txn *txn, uint32_t gnum, const struct gx_sign_pk *contact)
{
    struct gx_key key = gx_key_u32_id(gnum, contact->b);

    return gx_table_del(txn, GX_TABLE_OFFERED, &key);
}

enum gx_err gx_invited_put(struct gx_txn *txn, const struct gx_invited_row *row)
{
    struct gx_key key = gx_key_id(row->invite.b);
    uint8_t bytes[INVITED_ROW_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_bytes(&w, row->contact.b, sizeof row->contact.b);
    gx_wr_bytes(&w, row->inviter.b, sizeof row->inviter.b);
    gx_wr_u64(&w, row->since_ms);
    gx_wr_bytes(&w, row->create, sizeof row->create);
    name_write(&w, row->title, row->title_bytes);
    GX_ASSERT(!w.failed);
    return gx_table_put(txn, GX_TABLE_INVITED, &key, gx_wr_span(&w));
}

enum gx_err gx_invited_next(struct gx_txn *txn, struct gx_invited_row *out, const struct gx_event_id *after)
{
    static const struct gx_key all = {.n = 0};
    struct gx_span key, value;
    enum gx_err err = gx_table_next(txn, &key, &value, GX_TABLE_INVITED, &all, after == NULL ? NULL : after->b);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    memset(out, 0, sizeof *out);
    memcpy(out->invite.b, key.p, sizeof out->invite.b);
    gx_rd_bytes(&r, out->contact.b, sizeof out->contact.b);
    gx_rd_bytes(&r, out->inviter.b, sizeof out->inviter.b);
    out->since_ms = gx_rd_u64(&r);
    gx_rd_bytes(&r, out->create, sizeof out->create);
    name_read(&r, out->title, &out->title_bytes);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_invited_del(struct gx_txn *txn, const struct gx_event_id *invite)
{
    struct gx_key key = gx_key_id(invite->b);

    return gx_table_del(txn, GX_TABLE_INVITED, &key);
}

enum gx_err gx_revealed_put(struct gx_txn *txn, uint32_t gnum, const struct gx_sign_pk *member, const struct gx_sign_pk *contact)
{
    struct gx_key key = gx_key_u32_id(gnum, member->b);

    return gx_table_put(txn, GX_TABLE_REVEALED, &key, gx_span(contact->b, sizeof contact->b));
}

enum gx_err gx_revealed_next(struct gx_txn *txn, struct gx_sign_pk *member, struct gx_sign_pk *contact, uint32_t gnum,
                             const struct gx_sign_pk *after)
{
    struct gx_key own = gx_key_u32(gnum);
    struct gx_span key, value;
    enum gx_err err = gx_table_next(txn, &key, &value, GX_TABLE_REVEALED, &own, after == NULL ? NULL : after->b);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    memcpy(member->b, key.p + 4, sizeof member->b);
    gx_rd_bytes(&r, contact->b, sizeof contact->b);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_told_put(struct gx_txn *txn, const struct gx_told_row *row)
{
    struct gx_key key = gx_key_id(row->reveal.b);
    uint8_t bytes[TOLD_ROW_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_bytes(&w, row->contact.b, sizeof row->contact.b);
    gx_wr_bytes(&w, row->group.b, sizeof row->group.b);
    gx_wr_bytes(&w, row->member.b, sizeof row->member.b);
    gx_wr_bytes(&w, row->mac.b, sizeof row->mac.b);
    return gx_table_put(txn, GX_TABLE_TOLD, &key, gx_wr_span(&w));
}

enum gx_err gx_told_next(struct gx_txn *txn, struct gx_told_row *out, const struct gx_event_id *after)
{
    static const struct gx_key all = {.n = 0};
    struct gx_span key, value;
    enum gx_err err = gx_table_next(txn, &key, &value, GX_TABLE_TOLD, &all, after == NULL ? NULL : after->b);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    memcpy(out->reveal.b, key.p, sizeof out->reveal.b);
    gx_rd_bytes(&r, out->contact.b, sizeof out->contact.b);
    gx_rd_bytes(&r, out->group.b, sizeof out->group.b);
    gx_rd_bytes(&r, out->member.b, sizeof out->member.b);
    gx_rd_bytes(&r, out->mac.b, sizeof out->mac.b);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_told_del(struct gx_txn *txn, const struct gx_event_id *reveal)
{
    struct gx_key key = gx_key_id(reveal->b);

    return gx_table_del(txn, GX_TABLE_TOLD, &key);
}
