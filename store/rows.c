/* Groups, their control events, joins under way.  SCHEMA §2.2 to §2.4 */
#include "store/rows.h"

#include "store/codec.h"
#include "store/events.h"
#include "store/schema.h"
#include "store/wrap.h"

#define PREKEY_BYTES (32u + GX_SEAL_BYTES)
#define GROUP_ROW_BYTES (32u + 1u + GX_INTRO_BYTES + PREKEY_BYTES + 4u + 4u + 8u + 8u + 4u + 8u + 8u + 1u)
#define OP_ROW_BYTES (32u + 4u + 4u + 4u + 8u)
#define JOIN_ROW_MAX (1u + GX_TOKEN_BYTES_MAX + 1u + 255u + 1u + GX_JOIN_ADDRS_MAX * GX_STORE_ADDR_BYTES)

static enum gx_err corrupt_unless_whole(const struct gx_rd *r)
{
    return gx_rd_finish(r) == GX_OK ? GX_OK : GX_E_CORRUPT;
}

enum gx_err gx_group_new_number(struct gx_txn *txn, uint32_t *gnum)
{
    GX_ASSERT(txn->write);
    if (txn->counters.next_gnum == UINT32_MAX)
        return GX_E_TOO_BIG;
    *gnum = txn->counters.next_gnum++;
    return GX_OK;
}

enum gx_err gx_group_put(struct gx_txn *txn, const struct gx_group_row *row)
{
    struct gx_key key = gx_key_u32(row->gnum);
    uint8_t bytes[GROUP_ROW_BYTES], sealed[PREKEY_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    GX_ASSERT(row->gnum != 0 && row->state >= GX_GROUP_JOINING && row->state <= GX_GROUP_REMOVED && row->carry <= GX_CARRY_OFF);
    enum gx_err err = gx_wrap_seal_field(txn, sealed, GX_TABLE_GROUP, row->gnum, gx_span(row->prekey_sk.b, sizeof row->prekey_sk.b));
    if (err != GX_OK)
        return err;
    gx_wr_bytes(&w, row->id.b, sizeof row->id.b);
    gx_wr_u8(&w, row->state);
    gx_intro_write(&w, &row->intro);
    gx_wr_bytes(&w, sealed, sizeof sealed);
    gx_wr_u32(&w, row->control_lnum);
    gx_wr_u32(&w, row->messages_lnum);
    gx_wr_u64(&w, row->since_ms);
    gx_wr_u64(&w, row->endpoint_counter);
    gx_wr_u32(&w, row->key_out);
    gx_wr_bytes(&w, row->incarnation.b, sizeof row->incarnation.b);
    gx_wr_bytes(&w, row->under.b, sizeof row->under.b);
    gx_wr_u8(&w, row->carry);
    GX_ASSERT(!w.failed && w.n == sizeof bytes);
    return gx_table_put(txn, GX_TABLE_GROUP, &key, gx_wr_span(&w));
}

/* As gx_intro_write writes it.  gx_intro_read would try each key with X25519: 0.1 ms a group at every start, for keys that are our own. */
static void intro_read(struct gx_rd *r, struct gx_intro *out)
{
    gx_rd_bytes(r, out->e.b, sizeof out->e.b);
    gx_rd_bytes(r, out->member.b, sizeof out->member.b);
    gx_rd_bytes(r, out->device.b, sizeof out->device.b);
    gx_rd_bytes(r, out->cert.b, sizeof out->cert.b);
    gx_rd_bytes(r, out->incarnation.b, sizeof out->incarnation.b);
    gx_rd_bytes(r, out->prekey.b, sizeof out->prekey.b);
}

/* Without the root key all but the prekey, which stays zero. */
static enum gx_err group_decode(struct gx_txn *txn, struct gx_group_row *out, struct gx_span key, struct gx_span value)
{
    struct gx_rd r = gx_rd(value);
    struct gx_span sealed;

    memset(out, 0, sizeof *out);
    if (key.n != 4)
        return GX_E_CORRUPT;
    out->gnum = gx_get_be32(key.p);
    gx_rd_bytes(&r, out->id.b, sizeof out->id.b);
    out->state = gx_rd_u8(&r);
    intro_read(&r, &out->intro);
    sealed = gx_rd_span(&r, PREKEY_BYTES);
    out->control_lnum = gx_rd_u32(&r);
    out->messages_lnum = gx_rd_u32(&r);
    out->since_ms = gx_rd_u64(&r);
    out->endpoint_counter = gx_rd_u64(&r);
    out->key_out = gx_rd_u32(&r);
    gx_rd_bytes(&r, out->incarnation.b, sizeof out->incarnation.b);
    gx_rd_bytes(&r, out->under.b, sizeof out->under.b);
    out->carry = gx_rd_u8(&r);
    if (out->gnum == 0 || out->carry > GX_CARRY_OFF || out->state < GX_GROUP_JOINING || out->state > GX_GROUP_REMOVED)
        gx_rd_fail(&r);
    enum gx_err err = corrupt_unless_whole(&r);
    if (err == GX_OK)
        err = gx_wrap_open_field(txn, out->prekey_sk.b, GX_TABLE_GROUP, out->gnum, sealed);
    return err == GX_E_LOCKED ? GX_OK : err;
}

enum gx_err gx_group_next(struct gx_txn *txn, struct gx_group_row *out, uint32_t after_gnum)
{
    struct gx_span key, value;

    if (after_gnum == UINT32_MAX)
        return GX_E_ABSENT;
    struct gx_key from = gx_key_u32(after_gnum + 1);
    enum gx_err err = gx_table_seek(txn, &key, &value, GX_TABLE_GROUP, &from);
    return err == GX_OK ? group_decode(txn, out, key, value) : err;
}

/* What is kept by the numbers of the group's logs. */
static enum gx_err forget_held(struct gx_txn *txn, uint32_t gnum)
{
    struct gx_log_row row = {0};
    enum gx_err err;

    while ((err = gx_log_next(txn, &row, gnum, row.lnum)) == GX_OK) {
        struct gx_key lnum = gx_key_u32(row.lnum);
        err = gx_table_del_prefix(txn, GX_TABLE_HELD, &lnum);
        if (err == GX_OK)
            err = gx_table_del_prefix(txn, GX_TABLE_KNOWS, &lnum);
        if (err != GX_OK)
            return err;
    }
    return err == GX_E_ABSENT ? GX_OK : err;
}

enum gx_err gx_group_forget(struct gx_txn *txn, uint32_t gnum)
{
    static const enum gx_table by_gnum[] = {GX_TABLE_GROUP,  GX_TABLE_JOIN,     GX_TABLE_OP,    GX_TABLE_LOG,     GX_TABLE_SEGMENT,
                                            GX_TABLE_INVITE, GX_TABLE_ENDPOINT, GX_TABLE_ASKED, GX_TABLE_OFFERED, GX_TABLE_REVEALED,
                                            GX_TABLE_EPOCH,  GX_TABLE_PREKEY,   GX_TABLE_KEPT,  GX_TABLE_KEY,
                                            GX_TABLE_LOCKED};
    struct gx_key prefix = gx_key_u32(gnum);
    enum gx_err err = forget_held(txn, gnum);

    for (size_t i = 0; err == GX_OK && i < GX_ARRAY_LEN(by_gnum); i++)
        err = gx_table_del_prefix(txn, by_gnum[i], &prefix);
    if (err == GX_OK)
        err = gx_wrap_forget(txn, gnum);
    if (err != GX_OK && txn->failed == GX_OK)
        txn->failed = err;      /* half a group may never be committed */
    txn->tails_touched = true;
    gx_tails_drop(&txn->store->tails);
    return err;
}

enum gx_err gx_op_put(struct gx_txn *txn, uint32_t gnum, uint32_t cnum, const struct gx_op_row *row)
{
    struct gx_key key = gx_key_u32_u32(gnum, cnum);
    uint8_t bytes[OP_ROW_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_wr_bytes(&w, row->id.b, sizeof row->id.b);
    gx_wr_u32(&w, row->lnum);
    gx_wr_u32(&w, row->seq);
    gx_wr_u32(&w, row->depth);
    gx_wr_u64(&w, row->arrival);
    GX_ASSERT(!w.failed && w.n == sizeof bytes);
    return gx_table_put(txn, GX_TABLE_OP, &key, gx_wr_span(&w));
}

enum gx_err gx_op_get(struct gx_txn *txn, struct gx_op_row *out, uint32_t gnum, uint32_t cnum)
{
    struct gx_key key = gx_key_u32_u32(gnum, cnum);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_OP, &key);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    gx_rd_bytes(&r, out->id.b, sizeof out->id.b);
    out->lnum = gx_rd_u32(&r);
    out->seq = gx_rd_u32(&r);
    out->depth = gx_rd_u32(&r);
    out->arrival = gx_rd_u64(&r);
    if (out->lnum == 0 || out->seq == 0 || out->arrival == 0)
        gx_rd_fail(&r);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_join_put(struct gx_txn *txn, uint32_t gnum, const struct gx_join_row *row)
{
    struct gx_key key = gx_key_u32(gnum);
    uint8_t token[GX_TOKEN_BYTES_MAX], bytes[JOIN_ROW_MAX];
    struct gx_wr t = gx_wr(token, sizeof token), w = gx_wr(bytes, sizeof bytes);

    GX_ASSERT(row->n_addrs <= GX_JOIN_ADDRS_MAX);
    gx_token_encode(&t, &row->token);
    gx_wr_u8(&w, (uint8_t)t.n);
    gx_wr_bytes(&w, token, t.n);
    gx_wr_u8(&w, row->alias_bytes);
    gx_wr_bytes(&w, row->alias, row->alias_bytes);
    gx_wr_u8(&w, row->n_addrs);
    for (size_t i = 0; i < row->n_addrs; i++)
        gx_store_addr_write(&w, &row->addrs[i]);
    GX_ASSERT(!t.failed && !w.failed);
    enum gx_err err = gx_table_put(txn, GX_TABLE_JOIN, &key, gx_wr_span(&w));
    gx_wipe(token, sizeof token);
    gx_wipe(bytes, sizeof bytes);
    return err;
}

enum gx_err gx_join_get(struct gx_txn *txn, struct gx_join_row *out, uint32_t gnum)
{
    struct gx_key key = gx_key_u32(gnum);
    struct gx_span value;
    enum gx_err err = gx_table_get(txn, &value, GX_TABLE_JOIN, &key);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(value);
    memset(out, 0, sizeof *out);
    struct gx_span token = gx_rd_span(&r, gx_rd_u8(&r));
    if (gx_token_decode(&out->token, token) != GX_OK)
        gx_rd_fail(&r);
    out->alias_bytes = gx_rd_u8(&r);
    gx_rd_bytes(&r, out->alias, out->alias_bytes);
    out->n_addrs = gx_rd_u8(&r);
    if (out->n_addrs > GX_JOIN_ADDRS_MAX) {
        out->n_addrs = 0;
        gx_rd_fail(&r);
    }
    for (size_t i = 0; i < out->n_addrs; i++)
        gx_store_addr_read(&r, &out->addrs[i]);
    return corrupt_unless_whole(&r);
}

enum gx_err gx_join_del(struct gx_txn *txn, uint32_t gnum)
{
    struct gx_key key = gx_key_u32(gnum);

    return gx_table_del(txn, GX_TABLE_JOIN, &key);
}
