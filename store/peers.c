/* Invitations, doors, endpoint records, what others hold, addresses.  SCHEMA §2.5 to §2.9 */
#include "store/codec.h"
#include "store/rows.h"
#include "store/schema.h"

/* Zero where an address uses fewer bytes: one encoding.  A scope is not kept: interfaces have other numbers after the next start of the machine. */
static bool addr_ok(const struct gx_addr *addr)
{
    static const uint8_t zero[16];
    size_t used = addr->family == 4 ? 4 : addr->family == 6 ? 16 : 0;

    return (addr->family == 0 ? addr->port == 0 : used > 0) && memcmp(addr->ip + used, zero, 16 - used) == 0;
}

void gx_store_addr_write(struct gx_wr *w, const struct gx_addr *addr)
{
    GX_ASSERT(addr_ok(addr));
    gx_wr_u8(w, addr->family);
    gx_wr_bytes(w, addr->ip, sizeof addr->ip);
    gx_wr_u16(w, addr->port);
}

void gx_store_addr_read(struct gx_rd *r, struct gx_addr *out)
{
    out->family = gx_rd_u8(r);
    gx_rd_bytes(r, out->ip, sizeof out->ip);
    out->port = gx_rd_u16(r);
    out->scope = 0;
    if (!addr_ok(out))
        gx_rd_fail(r);
}

enum gx_err gx_invite_put(struct gx_txn *txn, uint32_t gnum, const struct gx_invite_row *row)
{
    struct gx_key key = gx_key_u32_id(gnum, row->token.b);
    uint8_t bytes[sizeof row->seed.b + GX_STORE_ADDR_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_bytes(&w, row->seed.b, sizeof row->seed.b);
    gx_store_addr_write(&w, &row->hint);
    enum gx_err err = gx_table_put(txn, GX_TABLE_INVITE, &key, gx_wr_span(&w));
    gx_wipe(bytes, sizeof bytes);
    return err;
}

enum gx_err gx_invite_get(struct gx_txn *txn, struct gx_invite_row *out, uint32_t gnum, const struct gx_event_id *token)
{
    struct gx_key key = gx_key_u32_id(gnum, token->b);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_INVITE, &key);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    out->token = *token;
    gx_rd_bytes(&r, out->seed.b, sizeof out->seed.b);
    gx_store_addr_read(&r, &out->hint);
    return gx_rd_finish(&r) == GX_OK ? GX_OK : GX_E_CORRUPT;
}

enum gx_err gx_door_put(struct gx_txn *txn, const struct gx_event_id *token, uint16_t port)
{
    struct gx_key key = gx_key_id(token->b);
    uint8_t bytes[2];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_u16(&w, port);
    return gx_table_put(txn, GX_TABLE_DOOR, &key, gx_wr_span(&w));
}

enum gx_err gx_door_get(struct gx_txn *txn, uint16_t *port, const struct gx_event_id *token)
{
    struct gx_key key = gx_key_id(token->b);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_DOOR, &key);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    *port = gx_rd_u16(&r);
    return gx_rd_finish(&r) == GX_OK ? GX_OK : GX_E_CORRUPT;
}

enum gx_err gx_endpoint_put(struct gx_txn *txn, uint32_t gnum, const struct gx_endpoint *record)
{
    struct gx_key key = gx_key_u32_id(gnum, record->device.b);
    uint8_t bytes[GX_ENDPOINT_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_endpoint_write(&w, record);
    GX_ASSERT(!w.failed);
    return gx_table_put(txn, GX_TABLE_ENDPOINT, &key, gx_wr_span(&w));
}

enum gx_err gx_endpoint_next(struct gx_txn *txn, struct gx_endpoint *out, uint32_t gnum, const struct gx_sign_pk *after)
{
    struct gx_key own = gx_key_u32(gnum);
    struct gx_span key, value;
    enum gx_err err = gx_table_next(txn, &key, &value, GX_TABLE_ENDPOINT, &own, after == NULL ? NULL : after->b);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    gx_endpoint_read(&r, out);
    bool whole = gx_rd_finish(&r) == GX_OK && memcmp(out->device.b, key.p + 4, sizeof out->device.b) == 0;
    /* Whoever walks on after a bad record needs the key it stands under. */
    memcpy(out->device.b, key.p + 4, sizeof out->device.b);
    return whole ? GX_OK : GX_E_CORRUPT;
}

enum gx_err gx_endpoint_del(struct gx_txn *txn, uint32_t gnum, const struct gx_sign_pk *device)
{
    struct gx_key key = gx_key_u32_id(gnum, device->b);

    return gx_table_del(txn, GX_TABLE_ENDPOINT, &key);
}

enum gx_err gx_held_put(struct gx_txn *txn, uint32_t lnum, const struct gx_held_row *row)
{
    struct gx_key key = gx_key_u32_id(lnum, row->device.b);
    uint8_t bytes[8];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    GX_ASSERT(row->base_seq <= row->seq);
    gx_wr_u32(&w, row->base_seq);
    gx_wr_u32(&w, row->seq);
    return gx_table_put(txn, GX_TABLE_HELD, &key, gx_wr_span(&w));
}

enum gx_err gx_held_next(struct gx_txn *txn, struct gx_held_row *out, uint32_t lnum, const struct gx_sign_pk *after)
{
    struct gx_key own = gx_key_u32(lnum);
    struct gx_span key, value;
    enum gx_err err = gx_table_next(txn, &key, &value, GX_TABLE_HELD, &own, after == NULL ? NULL : after->b);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    memcpy(out->device.b, key.p + 4, sizeof out->device.b);
    out->base_seq = gx_rd_u32(&r);
    out->seq = gx_rd_u32(&r);
    return gx_rd_finish(&r) == GX_OK && out->base_seq <= out->seq ? GX_OK : GX_E_CORRUPT;
}

enum gx_err gx_knows_put(struct gx_txn *txn, uint32_t lnum, uint32_t cnum, uint32_t seq)
{
    struct gx_key key = gx_key_u32_u32(lnum, cnum);
    uint8_t bytes[4];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    GX_ASSERT(seq != 0);
    gx_wr_u32(&w, seq);
    return gx_table_put(txn, GX_TABLE_KNOWS, &key, gx_wr_span(&w));
}

enum gx_err gx_knows_next(struct gx_txn *txn, uint32_t *cnum, uint32_t *seq, uint32_t lnum)
{
    struct gx_key from = gx_key_u32_u32(lnum, *cnum);
    struct gx_span key, value;
    enum gx_err err = gx_table_seek(txn, &key, &value, GX_TABLE_KNOWS, &from);

    if (err != GX_OK)
        return err;
    if (key.n != 8)
        return GX_E_CORRUPT;
    if (gx_get_be32(key.p) != lnum)
        return GX_E_ABSENT;
    struct gx_rd r = gx_rd(value);
    *cnum = gx_get_be32(key.p + 4);
    *seq = gx_rd_u32(&r);
    return gx_rd_finish(&r) == GX_OK && *seq != 0 ? GX_OK : GX_E_CORRUPT;
}

/* family | ip | port, big-endian: the key is the row. */
static struct gx_key addr_key(const struct gx_addr *addr)
{
    struct gx_key key = {.n = GX_STORE_ADDR_BYTES};

    GX_ASSERT(addr_ok(addr) && addr->family != 0);
    key.b[0] = addr->family;
    memcpy(key.b + 1, addr->ip, sizeof addr->ip);
    key.b[17] = (uint8_t)(addr->port >> 8);
    key.b[18] = (uint8_t)addr->port;
    return key;
}

enum gx_err gx_manual_put(struct gx_txn *txn, const struct gx_addr *addr)
{
    struct gx_key key = addr_key(addr);

    return gx_table_put(txn, GX_TABLE_ADDR, &key, gx_span(NULL, 0));
}

enum gx_err gx_manual_del(struct gx_txn *txn, const struct gx_addr *addr)
{
    struct gx_key key = addr_key(addr);

    return gx_table_del(txn, GX_TABLE_ADDR, &key);
}

enum gx_err gx_manual_next(struct gx_txn *txn, struct gx_addr *out, const struct gx_addr *after)
{
    struct gx_key first = {.b = {0}, .n = 1}, last = after == NULL ? first : addr_key(after);
    struct gx_key from = after == NULL ? first : gx_key_after(&last);
    struct gx_span key, value;
    enum gx_err err = gx_table_seek(txn, &key, &value, GX_TABLE_ADDR, &from);

    if (err != GX_OK)
        return err;
    if (key.n != GX_STORE_ADDR_BYTES || value.n != 0)
        return GX_E_CORRUPT;
    *out = (struct gx_addr){.family = key.p[0], .port = (uint16_t)(key.p[17] << 8 | key.p[18])};
    memcpy(out->ip, key.p + 1, sizeof out->ip);
    return addr_ok(out) && out->family != 0 ? GX_OK : GX_E_CORRUPT;
}
