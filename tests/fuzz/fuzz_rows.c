/* A row of each small table with any value, and with any key.  What is read from it is put back as the same bytes; all else is said to be corrupt.
 *
 *   table u8 | how u8: the row's own key, or odd: a key of the input's, its length u8 and its bytes | value
 *
 * The larger rows, of which events are made, are those of fuzz_log. */
#include "store/events.h"
#include "store/keys.h"
#include "store/people.h"
#include "store/schema.h"
#include "store/wrap.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/folder.h"

#define GNUM 1u
#define LNUM 2u
#define CNUM 3u

static const struct gx_log_tag tag = {{7, 7}};
static const uint8_t id[32] = {5, 5, 5};

static struct gx_store *store_of(void)
{
    static const struct gx_root_key root = {{7, 7, 7}};
    static struct gx_rng_stream rng;
    static struct gx_store *store;
    struct gx_store_options options = {.create = true, .volatile_store = true, .roots = &root, .n_roots = 1, .rng = &rng.rng};
    char dir[FOLDER_MAX];
    int sys_errno;

    if (store != NULL)
        return store;
    gx_rng_stream_init(&rng, root.b);
    GX_ASSERT(folder_make(dir) && gx_store_open(&store, dir, &options, &sys_errno) == GX_OK);
    return store;
}

/* --- each row: read, and put back ---------------------------------------------------------------------------------------------------------- */

static enum gx_err group_again(struct gx_txn *txn)
{
    struct gx_group_row row;
    enum gx_err err = gx_group_next(txn, &row, 0);

    return err == GX_OK ? gx_group_put(txn, &row) : err;
}

static enum gx_err op_again(struct gx_txn *txn)
{
    struct gx_op_row row;
    enum gx_err err = gx_op_get(txn, &row, GNUM, CNUM);

    return err == GX_OK ? gx_op_put(txn, GNUM, CNUM, &row) : err;
}

static enum gx_err join_again(struct gx_txn *txn)
{
    struct gx_join_row row;
    enum gx_err err = gx_join_get(txn, &row, GNUM);

    return err == GX_OK ? gx_join_put(txn, GNUM, &row) : err;
}

static enum gx_err invite_again(struct gx_txn *txn)
{
    struct gx_event_id token;
    struct gx_invite_row row;

    memcpy(token.b, id, sizeof token.b);
    enum gx_err err = gx_invite_get(txn, &row, GNUM, &token);
    return err == GX_OK ? gx_invite_put(txn, GNUM, &row) : err;
}

static enum gx_err door_again(struct gx_txn *txn)
{
    struct gx_event_id token;
    uint16_t port;

    memcpy(token.b, id, sizeof token.b);
    enum gx_err err = gx_door_get(txn, &port, &token);
    return err == GX_OK ? gx_door_put(txn, &token, port) : err;
}

static enum gx_err endpoint_again(struct gx_txn *txn)
{
    struct gx_endpoint record;
    enum gx_err err = gx_endpoint_next(txn, &record, GNUM, NULL);

    return err == GX_OK ? gx_endpoint_put(txn, GNUM, &record) : err;
}

static enum gx_err held_again(struct gx_txn *txn)
{
    struct gx_held_row row;
    enum gx_err err = gx_held_next(txn, &row, LNUM, NULL);

    return err == GX_OK ? gx_held_put(txn, LNUM, &row) : err;
}

static enum gx_err knows_again(struct gx_txn *txn)
{
    uint32_t cnum = 0, seq;
    enum gx_err err = gx_knows_next(txn, &cnum, &seq, LNUM);

    return err == GX_OK ? gx_knows_put(txn, LNUM, cnum, seq) : err;
}

static enum gx_err addr_again(struct gx_txn *txn)
{
    struct gx_addr addr;
    enum gx_err err = gx_manual_next(txn, &addr, NULL);

    return err == GX_OK ? gx_manual_put(txn, &addr) : err;
}

static enum gx_err log_again(struct gx_txn *txn)
{
    struct gx_log_row row;
    enum gx_err err = gx_log_next(txn, &row, GNUM, 0);

    return err == GX_OK ? gx_log_put(txn, &row) : err;
}

static enum gx_err contact_again(struct gx_txn *txn)
{
    struct gx_contact_row row;
    enum gx_err err = gx_contact_next(txn, &row, NULL);

    return err == GX_OK ? gx_contact_put(txn, &row) : err;
}

static enum gx_err asked_again(struct gx_txn *txn)
{
    struct gx_asked_row row;
    enum gx_err err = gx_asked_get(txn, &row, GNUM);

    return err == GX_OK ? gx_asked_put(txn, GNUM, &row) : err;
}

static enum gx_err offered_again(struct gx_txn *txn)
{
    struct gx_sign_pk contact;
    uint64_t until_ms;
    enum gx_err err = gx_offered_next(txn, &contact, &until_ms, GNUM, NULL);

    return err == GX_OK ? gx_offered_put(txn, GNUM, &contact, until_ms) : err;
}

static enum gx_err invited_again(struct gx_txn *txn)
{
    struct gx_invited_row row;
    enum gx_err err = gx_invited_next(txn, &row, NULL);

    return err == GX_OK ? gx_invited_put(txn, &row) : err;
}

static enum gx_err revealed_again(struct gx_txn *txn)
{
    struct gx_sign_pk member, contact;
    enum gx_err err = gx_revealed_next(txn, &member, &contact, GNUM, NULL);

    return err == GX_OK ? gx_revealed_put(txn, GNUM, &member, &contact) : err;
}

static enum gx_err told_again(struct gx_txn *txn)
{
    struct gx_told_row row;
    enum gx_err err = gx_told_next(txn, &row, NULL);

    return err == GX_OK ? gx_told_put(txn, &row) : err;
}

static enum gx_err epoch_again(struct gx_txn *txn)
{
    struct gx_epoch_row row;
    struct gx_chain_row *chains;
    uint32_t cnum = 0;
    enum gx_err err = gx_epoch_next(txn, &cnum, &row, GNUM);

    if (err != GX_OK)
        return err;
    GX_ASSERT(row.n_chains <= GX_EPOCH_SLOTS_MAX);
    chains = malloc((row.n_chains + 1u) * sizeof *chains);
    GX_ASSERT(chains != NULL);
    err = gx_epoch_chains(txn, chains, row.n_chains, GNUM, cnum);
    if (err == GX_OK)
        err = gx_epoch_put(txn, GNUM, cnum, &row, chains);
    free(chains);
    return err;
}

static enum gx_err prekey_again(struct gx_txn *txn)
{
    struct gx_prekey_row row;
    enum gx_err err = gx_prekey_next(txn, &row, GNUM, NULL);

    return err == GX_OK ? gx_prekey_put(txn, GNUM, &row) : err;
}

static enum gx_err kept_again(struct gx_txn *txn)
{
    struct gx_message_key key;
    enum gx_err err = gx_kept_get(txn, &key, GNUM, CNUM, &tag, 9);

    return err == GX_OK ? gx_kept_put(txn, GNUM, CNUM, &tag, 9, &key) : err;
}

/* Of a block of 64 the keys that are there, one by one. */
static enum gx_err key_again(struct gx_txn *txn)
{
    enum gx_err err = GX_E_ABSENT;
    struct gx_message_key key;

    for (uint64_t arrival = 0; arrival < GX_KEY_BLOCK; arrival++) {
        enum gx_err one = gx_message_key_get(txn, &key, GNUM, arrival);
        GX_ASSERT(one == GX_OK || one == GX_E_ABSENT || (one == GX_E_CORRUPT && arrival == 0));
        if (one == GX_E_CORRUPT)
            return one;
        if (one == GX_OK)
            err = gx_message_key_put(txn, GNUM, arrival, &key);
    }
    return err;
}

static enum gx_err locked_again(struct gx_txn *txn)
{
    struct gx_locked_row row;
    enum gx_err err = gx_locked_get(txn, &row, GNUM, LNUM);

    return err == GX_OK ? gx_locked_put(txn, GNUM, LNUM, &row) : err;
}

static enum gx_err days_again(struct gx_txn *txn)
{
    static struct gx_day days[GX_DAYS_MAX];
    uint32_t n;
    enum gx_err err = gx_days_get(txn, days, &n);

    return err == GX_OK ? gx_days_put(txn, days, n) : err;
}

static enum gx_err counters_again(struct gx_txn *txn)
{
    struct gx_counters counters;
    enum gx_err err = gx_counters_read(txn, &counters);

    return err == GX_OK ? gx_counters_write(txn, &counters) : err;
}

static enum gx_err wrap_again(struct gx_txn *txn)
{
    uint8_t key[4];

    gx_put_be32(key, GNUM);
    return gx_wrap_check(txn, gx_span(key, sizeof key));
}

/* --- the tables --------------------------------------------------------------------------------------------------------------------------- */

static const struct kind {
    enum gx_table table;
    char key[4];                        /* what it is made of: g gnum, l lnum, c cnum, i id, k the key of a kept one, 0 block 0, d, n by name */
    enum gx_err (*again)(struct gx_txn *txn);
} kinds[] = {
    {GX_TABLE_GROUP, "g", group_again},     {GX_TABLE_OP, "gc", op_again},          {GX_TABLE_JOIN, "g", join_again},
    {GX_TABLE_INVITE, "gi", invite_again},  {GX_TABLE_DOOR, "i", door_again},       {GX_TABLE_ENDPOINT, "gi", endpoint_again},
    {GX_TABLE_HELD, "li", held_again},      {GX_TABLE_KNOWS, "lc", knows_again},    {GX_TABLE_ADDR, "a", addr_again},
    {GX_TABLE_LOG, "gl", log_again},        {GX_TABLE_CONTACT, "i", contact_again}, {GX_TABLE_ASKED, "g", asked_again},
    {GX_TABLE_OFFERED, "gi", offered_again},{GX_TABLE_INVITED, "i", invited_again}, {GX_TABLE_REVEALED, "gi", revealed_again},
    {GX_TABLE_TOLD, "i", told_again},       {GX_TABLE_EPOCH, "gc", epoch_again},    {GX_TABLE_PREKEY, "gi", prekey_again},
    {GX_TABLE_KEPT, "gck", kept_again},     {GX_TABLE_KEY, "g0", key_again},        {GX_TABLE_LOCKED, "gl", locked_again},
    {GX_TABLE_META, "d", days_again},       {GX_TABLE_META, "n", counters_again},   {GX_TABLE_WRAP, "g", wrap_again},
};

static void key_add(struct gx_key *key, const void *bytes, size_t n)
{
    GX_ASSERT(key->n + n <= sizeof key->b);
    memcpy(key->b + key->n, bytes, n);
    key->n += n;
}

static struct gx_key key_of(const struct kind *kind)
{
    static const uint8_t place[12] = {7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}, zero[8], addr[19] = {4, 127, 0, 0, 1, [17] = 1};
    struct gx_key key = {.n = 0};
    uint8_t n[4];

    for (const char *part = kind->key; *part != 0; part++) {
        gx_put_be32(n, *part == 'g' ? GNUM : *part == 'l' ? LNUM : CNUM);
        switch (*part) {
        case 'i':
            key_add(&key, id, sizeof id);
            break;
        case 'k':
            key_add(&key, place, sizeof place);
            break;
        case '0':
            key_add(&key, zero, sizeof zero);
            break;
        case 'a':
            key_add(&key, addr, sizeof addr);
            break;
        case 'd':
            key_add(&key, "days", 4);
            break;
        case 'n':
            key_add(&key, "counters", 8);
            break;
        default:
            key_add(&key, n, sizeof n);
        }
    }
    return key;
}

/* A prekey's secret lies sealed in the row of its group: what of the input stands in its place is sealed, and sealed again it is another one. */
#define PREKEY_AT (32u + 1u + GX_INTRO_BYTES)
#define PREKEY_BYTES (32u + GX_SEAL_BYTES)
static void group_seal(struct gx_txn *txn, uint8_t *value, size_t n)
{
    uint8_t secret[32];

    if (n < PREKEY_AT + PREKEY_BYTES)
        return;
    memcpy(secret, value + PREKEY_AT, sizeof secret);
    GX_ASSERT(gx_wrap_seal_field(txn, value + PREKEY_AT, GX_TABLE_GROUP, GNUM, gx_span(secret, sizeof secret)) == GX_OK);
}

static void row(struct gx_txn *txn, const struct kind *kind, struct fuzz_in in, bool own_key)
{
    struct gx_key key = own_key ? (struct gx_key){.n = fuzz_u8(&in) % sizeof key.b} : key_of(kind);
    struct gx_span now, bytes = own_key ? fuzz_take(&in, key.n) : gx_span(NULL, 0);

    if (own_key) {
        key.n = bytes.n;
        if (bytes.n > 0)
            memcpy(key.b, bytes.p, bytes.n);
    }
    if (key.n == 0)
        return;
    uint8_t *value = malloc(in.left + 1);
    GX_ASSERT(value != NULL);
    size_t n = in.left;
    if (n > 0)
        memcpy(value, in.p, n);
    if (kind->table == GX_TABLE_GROUP)
        group_seal(txn, value, n);
    if (gx_table_put(txn, kind->table, &key, gx_span(value, n)) == GX_OK) {
        enum gx_err err = kind->again(txn);

        GX_ASSERT(err == GX_OK || err == GX_E_CORRUPT || err == GX_E_ABSENT);
        if (err == GX_OK && !own_key) {
            GX_ASSERT(gx_table_get(txn, &now, kind->table, &key) == GX_OK && now.n == n);
            size_t head = kind->table == GX_TABLE_GROUP ? PREKEY_AT : n, tail = kind->table == GX_TABLE_GROUP ? PREKEY_AT + PREKEY_BYTES : n;
            GX_ASSERT(n == 0 || (memcmp(now.p, value, head) == 0 && memcmp(now.p + tail, value + tail, n - tail) == 0));
        }
    }
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct gx_txn *txn = NULL;
    const struct kind *kind = &kinds[fuzz_u8(&in) % GX_ARRAY_LEN(kinds)];
    bool own_key = (fuzz_u8(&in) & 1) != 0;

    GX_ASSERT(gx_txn_begin(&txn, store_of(), true) == GX_OK);
    row(txn, kind, in, own_key);
    gx_txn_abort(&txn);
    return 0;
}
