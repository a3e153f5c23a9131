#include "tests/unit/store/support.h"

#include "store/keys.h"
#include "store/schema.h"

static void fill(void *p, uint8_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)(first + i);
}

/* A copy of a value, to be damaged and put back: room for that of an epoch with all its chains, and some more. */
struct value {
    uint8_t b[48 * 1024];
    size_t n;
};

static void value_of(struct value *v, struct gx_txn *txn, enum gx_table t, const struct gx_key *key)
{
    struct gx_span value;

    OK(gx_table_get(txn, &value, t, key));
    assert_true(value.n > 0 && value.n <= sizeof v->b);
    memset(v, 0, sizeof *v);
    memcpy(v->b, value.p, value.n);
    v->n = value.n;
}

static void put_value(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, const struct value *v)
{
    OK(gx_table_put(txn, t, key, gx_span(v->b, v->n)));
}

/* Read the row, whatever it was damaged to: it is corrupt, or it is put again. */
typedef enum gx_err again_fn(struct gx_txn *txn);

/* How many flipped bits were refused.  Whatever is taken has one encoding, and no other length is taken. */
static uint32_t damage(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, again_fn *again)
{
    static struct value v, after;
    uint32_t refused = 0;

    value_of(&v, txn, t, key);
    size_t whole = v.n;
    for (size_t i = 0; i < whole * 8; i++) {
        v.b[i / 8] ^= (uint8_t)(1u << i % 8);
        put_value(txn, t, key, &v);
        enum gx_err err = again(txn);
        assert_true(err == GX_OK || err == GX_E_CORRUPT);
        value_of(&after, txn, t, key);
        assert_int_equal(after.n, whole);
        assert_memory_equal(after.b, v.b, whole);
        v.b[i / 8] ^= (uint8_t)(1u << i % 8);
        refused += err == GX_E_CORRUPT;
    }
    for (v.n = 0; v.n <= whole + 50; v.n++) {
        put_value(txn, t, key, &v);
        assert_int_equal(again(txn), v.n == whole ? GX_OK : GX_E_CORRUPT);
    }
    return refused;
}

/* ---- epochs ---- */

/* Where things stand in the value of an epoch.  SCHEMA §2.18 */
enum { AT_STATE = 0, AT_INSTEAD = 1, AT_GATE = 14, AT_N_CHAINS = 46, AT_CHAIN = 48, CHAIN_BYTES = 44, AT_NEXT = 8 };

static struct gx_chain_row all_chains[GX_EPOCH_SLOTS_MAX + 1];

/* As many as an epoch can have, each something else. */
static void make_chains(void)
{
    for (size_t i = 0; i < GX_ARRAY_LEN(all_chains); i++) {
        struct gx_chain_row *chain = &all_chains[i];
        fill(chain->log.b, (uint8_t)i, sizeof chain->log.b);
        gx_put_be32(chain->log.b, (uint32_t)(i + 1) << 20);
        chain->next = (uint32_t)(i * 7 % (GX_CHAIN_MAX + 1));
        fill(chain->key.b, (uint8_t)(i * 3), sizeof chain->key.b);
        chain->key.b[31] = (uint8_t)(i >> 8);
    }
}

static struct gx_epoch_row some_epoch(uint16_t n_chains)
{
    return (struct gx_epoch_row){.state = GX_EPOCH_OPEN, .instead = n_chains % 2 == 1, .since_ms = UINT64_MAX - n_chains, .used = UINT32_MAX - 2u * n_chains,
                                 .gate = {{9, (uint8_t)n_chains, 8}}, .n_chains = n_chains};
}

static void assert_epochs_equal(const struct gx_epoch_row *a, const struct gx_epoch_row *b)
{
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->instead, b->instead);
    assert_true(a->since_ms == b->since_ms);
    assert_int_equal(a->used, b->used);
    assert_memory_equal(a->gate.b, b->gate.b, sizeof a->gate.b);
    assert_int_equal(a->n_chains, b->n_chains);
}

static void assert_chains_equal(const struct gx_chain_row *a, const struct gx_chain_row *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_memory_equal(a[i].log.b, b[i].log.b, sizeof a->log.b);
        assert_int_equal(a[i].next, b[i].next);
        assert_memory_equal(a[i].key.b, b[i].key.b, sizeof a->key.b);
    }
}

static void test_an_epoch_comes_back_with_all_its_chains(void **state)
{
    static const uint16_t counts[] = {0, 1, 2, 91, 92, 500, 999, GX_EPOCH_SLOTS_MAX, 3};       /* with 92 it takes more than a page */
    static struct gx_chain_row chains[GX_EPOCH_SLOTS_MAX];
    struct gx_key key = gx_key_u32_u32(1, 7);
    struct place p;
    (void)state;

    make_chains();
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < GX_ARRAY_LEN(counts); i++) {
        struct gx_epoch_row row, put = some_epoch(counts[i]);
        struct gx_span value;
        uint32_t cnum = 0;
        OK(gx_epoch_put(txn, 1, 7, &put, counts[i] == 0 ? NULL : all_chains));
        memset(&row, 0xee, sizeof row);
        memset(chains, 0xee, sizeof chains);
        OK(gx_epoch_next(txn, &cnum, &row, 1));
        assert_int_equal(cnum, 7);
        assert_epochs_equal(&row, &put);
        OK(gx_epoch_chains(txn, chains, row.n_chains, 1, 7));
        assert_chains_equal(chains, all_chains, row.n_chains);
        OK(gx_table_get(txn, &value, GX_TABLE_EPOCH, &key));
        assert_int_equal(value.n, 48 + 44 * counts[i]);
    }
    assert_int_equal(gx_table_rows(txn, GX_TABLE_EPOCH), 1);
    struct gx_epoch_row row, without[] = {{.state = GX_EPOCH_SHUT, .since_ms = 5}, {.state = GX_EPOCH_SPENT, .since_ms = 5, .gate = {{1, 2, 3}}}};
    uint32_t cnum = 7;
    for (size_t i = 0; i < GX_ARRAY_LEN(without); i++) {
        OK(gx_epoch_put(txn, 1, 7, &without[i], NULL));
        OK(gx_epoch_next(txn, &cnum, &row, 1));
        assert_epochs_equal(&row, &without[i]);
        OK(gx_epoch_chains(txn, NULL, 0, 1, 7));
    }
    commit(txn);
    place_remove(&p);
}

static void test_epochs_are_walked_group_by_group_in_the_order_of_their_operations(void **state)
{
    static const uint32_t order[] = {300, 0, UINT32_MAX, 1, 255, 256};
    static const uint32_t sorted[] = {0, 1, 255, 256, 300, UINT32_MAX};
    struct place p;
    struct gx_epoch_row row;
    uint32_t cnum = 0;
    (void)state;

    make_chains();
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    assert_int_equal(gx_epoch_next(txn, &cnum, &row, 1), GX_E_ABSENT);
    for (size_t i = 0; i < GX_ARRAY_LEN(order); i++) {
        struct gx_epoch_row put = {.state = GX_EPOCH_OPEN, .used = order[i], .gate = {{1}}, .n_chains = 1};
        OK(gx_epoch_put(txn, 1, order[i], &put, all_chains));
        put.used = 7;
        OK(gx_epoch_put(txn, 3, order[i], &put, all_chains));
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(sorted); i++) {
        cnum = i == 0 ? 0 : sorted[i - 1] + 1;
        OK(gx_epoch_next(txn, &cnum, &row, 1));
        assert_int_equal(cnum, sorted[i]);
        assert_int_equal(row.used, sorted[i]);
    }
    OK(gx_epoch_del(txn, 1, UINT32_MAX));
    cnum = 301;
    assert_int_equal(gx_epoch_next(txn, &cnum, &row, 1), GX_E_ABSENT);      /* group 3 is behind it */
    cnum = 0;
    assert_int_equal(gx_epoch_next(txn, &cnum, &row, 2), GX_E_ABSENT);
    assert_int_equal(gx_epoch_next(txn, &cnum, &row, 4), GX_E_ABSENT);
    assert_int_equal(cnum, 0);
    commit(txn);
    place_remove(&p);
}

static void test_as_many_chains_as_the_row_says_are_given_and_no_other_number(void **state)
{
    static struct gx_chain_row chains[GX_EPOCH_SLOTS_MAX];
    struct gx_epoch_row put = some_epoch(3);
    struct place p;
    (void)state;

    make_chains();
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    assert_int_equal(gx_epoch_chains(txn, chains, 3, 1, 7), GX_E_ABSENT);
    OK(gx_epoch_put(txn, 1, 7, &put, all_chains));
    for (uint16_t n = 0; n < 6; n++)
        assert_int_equal(gx_epoch_chains(txn, chains, n, 1, 7), n == 3 ? GX_OK : GX_E_CORRUPT);
    assert_int_equal(gx_epoch_chains(txn, chains, 3, 1, 6), GX_E_ABSENT);
    assert_int_equal(gx_epoch_chains(txn, chains, 3, 2, 7), GX_E_ABSENT);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static enum gx_err epoch_again(struct gx_txn *txn)
{
    static struct gx_chain_row chains[GX_EPOCH_SLOTS_MAX];
    struct gx_epoch_row row;
    uint32_t cnum = 0;
    enum gx_err err = gx_epoch_next(txn, &cnum, &row, 1);

    if (err == GX_OK) {
        assert_true(row.n_chains <= GX_EPOCH_SLOTS_MAX);
        err = gx_epoch_chains(txn, chains, row.n_chains, 1, cnum);
    } else {
        assert_int_equal(gx_epoch_chains(txn, chains, 2, 1, 7), GX_E_CORRUPT);
    }
    if (err == GX_OK)
        OK(gx_epoch_put(txn, 1, cnum, &row, chains));
    return err;
}

static void test_a_damaged_epoch_is_corrupt_or_another_epoch(void **state)
{
    struct gx_chain_row chains[] = {{.log = {{0x10, 1}}, .next = 7, .key = {{1}}}, {.log = {{0x20, 2}}, .next = 7, .key = {{2}}}};
    struct gx_epoch_row put = some_epoch(2);
    struct gx_key key = gx_key_u32_u32(1, 7);
    struct place p;
    (void)state;

    /* The state, all but one of whether there is another instead, the count; of two places those past a chain's end; of their logs' first bytes
     * those that would put the second before the first. */
    const uint32_t refused = 8 + 7 + 16 + 2 * 20 + 3 + 1;
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_epoch_put(txn, 1, 7, &put, chains));
    assert_int_equal(damage(txn, GX_TABLE_EPOCH, &key, epoch_again), refused);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_an_epoch_that_breaks_its_own_rules_is_corrupt(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t bytes[8];
        size_t n;
    } breaches[] = {
        {"a state that is none", AT_STATE, {0}, 1},
        {"a state of a later version", AT_STATE, {4}, 1},
        {"shut, and with chains", AT_STATE, {GX_EPOCH_SHUT}, 1},
        {"spent, and with chains", AT_STATE, {GX_EPOCH_SPENT}, 1},
        {"open, and without a gate", AT_GATE, {0, 0, 0}, 3},
        {"neither instead nor not", AT_INSTEAD, {2}, 1},
        {"fewer chains than there are", AT_N_CHAINS, {2, 0}, 2},
        {"more chains than there are", AT_N_CHAINS, {4, 0}, 2},
        {"a place past the end of a chain", AT_CHAIN + AT_NEXT, {1, GX_CHAIN_MAX >> 8}, 2},
        {"a log twice", AT_CHAIN + CHAIN_BYTES, {0, 0x10, 0, 0, 4, 5, 6, 7}, 8},
        {"a log before the one before", AT_CHAIN + CHAIN_BYTES, {0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8},
    };
    static struct value sound, v;
    struct gx_epoch_row put = some_epoch(3);
    struct gx_key key = gx_key_u32_u32(1, 7);
    struct place p;
    (void)state;

    make_chains();
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_epoch_put(txn, 1, 7, &put, all_chains));
    value_of(&sound, txn, GX_TABLE_EPOCH, &key);
    for (size_t i = 0; i < GX_ARRAY_LEN(breaches); i++) {
        v = sound;
        memcpy(v.b + breaches[i].at, breaches[i].bytes, breaches[i].n);
        put_value(txn, GX_TABLE_EPOCH, &key, &v);
        enum gx_err err = epoch_again(txn);
        if (err != GX_E_CORRUPT)
            print_error("%s was taken\n", breaches[i].what);
        assert_int_equal(err, GX_E_CORRUPT);
    }
    put_value(txn, GX_TABLE_EPOCH, &key, &sound);
    OK(epoch_again(txn));

    /* One chain more than an epoch can have, in a row that is otherwise as it should be. */
    put = some_epoch(GX_EPOCH_SLOTS_MAX);
    OK(gx_epoch_put(txn, 1, 7, &put, all_chains));
    value_of(&v, txn, GX_TABLE_EPOCH, &key);
    OK(epoch_again(txn));
    memset(v.b + v.n, 0xff, CHAIN_BYTES);
    memset(v.b + v.n + AT_NEXT, 0, 4);
    v.n += CHAIN_BYTES;
    v.b[AT_N_CHAINS] = (GX_EPOCH_SLOTS_MAX + 1) & 0xff;
    v.b[AT_N_CHAINS + 1] = (GX_EPOCH_SLOTS_MAX + 1) >> 8;
    put_value(txn, GX_TABLE_EPOCH, &key, &v);
    assert_int_equal(epoch_again(txn), GX_E_CORRUPT);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_chain_can_be_at_its_end(void **state)
{
    struct gx_chain_row chain, last = {.log = {{1}}, .next = GX_CHAIN_MAX, .key = {{2}}};
    struct gx_epoch_row put = some_epoch(1);
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_epoch_put(txn, 1, 7, &put, &last));
    OK(gx_epoch_chains(txn, &chain, 1, 1, 7));
    assert_chains_equal(&chain, &last, 1);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_an_epoch_under_a_key_of_another_length_is_corrupt(void **state)
{
    struct gx_epoch_row row, put = some_epoch(1);
    struct gx_key key = gx_key_u32_u32(1, 0x07000000);      /* cut short it is still above what is looked for */
    static struct value v;
    struct place p;
    (void)state;

    make_chains();
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_epoch_put(txn, 1, 0x07000000, &put, all_chains));
    value_of(&v, txn, GX_TABLE_EPOCH, &key);
    OK(gx_epoch_del(txn, 1, 0x07000000));
    for (key.n = 5; key.n <= 12; key.n++) {
        uint32_t cnum = 0;
        put_value(txn, GX_TABLE_EPOCH, &key, &v);
        assert_int_equal(gx_epoch_next(txn, &cnum, &row, 1), key.n == 8 ? GX_OK : GX_E_CORRUPT);
        OK(gx_table_del(txn, GX_TABLE_EPOCH, &key));
    }
    gx_txn_abort(&txn);
    place_remove(&p);
}

static struct gx_message_key message_key(uint32_t n)
{
    struct gx_message_key mk;

    fill(mk.b, (uint8_t)n, sizeof mk.b);
    gx_put_be32(mk.b, n);
    return mk;
}

static void test_keys_kept_of_an_epoch_go_with_it(void **state)
{
    struct gx_epoch_row row, put = some_epoch(1);
    struct gx_message_key mk = message_key(1);
    struct place p;
    uint32_t cnum = 0;
    (void)state;

    make_chains();
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (uint32_t gnum = 1; gnum <= 2; gnum++)
        for (uint32_t op = 7; op <= 9; op++) {
            OK(gx_epoch_put(txn, gnum, op, &put, all_chains));
            for (uint32_t n = 0; n < GX_CHAIN_SKIP_MAX; n++)
                OK(gx_kept_put(txn, gnum, op, &all_chains[n % 3].log, n, &mk));
        }
    OK(gx_epoch_del(txn, 1, 8));
    assert_int_equal(gx_table_rows(txn, GX_TABLE_EPOCH), 5);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_KEPT), 5 * GX_CHAIN_SKIP_MAX);
    for (uint32_t n = 0; n < GX_CHAIN_SKIP_MAX; n++) {
        assert_int_equal(gx_kept_take(txn, &mk, 1, 8, &all_chains[n % 3].log, n), GX_E_ABSENT);
        OK(gx_kept_take(txn, &mk, 2, 8, &all_chains[n % 3].log, n));
        OK(gx_kept_take(txn, &mk, 1, 7, &all_chains[n % 3].log, n));
        OK(gx_kept_take(txn, &mk, 1, 9, &all_chains[n % 3].log, n));
    }
    assert_int_equal(gx_epoch_del(txn, 1, 8), GX_E_ABSENT);
    OK(gx_epoch_next(txn, &cnum, &row, 1));
    assert_int_equal(cnum++, 7);
    OK(gx_epoch_next(txn, &cnum, &row, 1));
    assert_int_equal(cnum, 9);
    commit(txn);
    place_remove(&p);
}

/* ---- prekeys ---- */

static struct gx_prekey_row some_prekey(uint8_t n)
{
    struct gx_prekey_row row = {.since_ms = UINT64_MAX - n};

    memset(row.pk.b, n, sizeof row.pk.b);
    fill(row.sk.b, (uint8_t)(n + 1), sizeof row.sk.b);
    return row;
}

static void test_prekeys_are_walked_group_by_group(void **state)
{
    static const uint8_t sorted[] = {0, 1, 7, 127, 128, 255};
    struct place p;
    struct gx_prekey_row row, expected;
    const struct gx_dh_pk *after = NULL;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    assert_int_equal(gx_prekey_next(txn, &row, 1, NULL), GX_E_ABSENT);
    for (size_t i = GX_ARRAY_LEN(sorted); i-- > 0;) {
        struct gx_prekey_row put = some_prekey(sorted[i]);
        OK(gx_prekey_put(txn, 1, &put));
        put.since_ms = 3;
        OK(gx_prekey_put(txn, 3, &put));
        OK(gx_prekey_put(txn, 3, &put));        /* once more: the same row */
    }
    assert_int_equal(gx_table_rows(txn, GX_TABLE_PREKEY), 2 * GX_ARRAY_LEN(sorted));
    for (size_t i = 0; i < GX_ARRAY_LEN(sorted); i++) {
        expected = some_prekey(sorted[i]);
        memset(&row.sk, 0xee, sizeof row.sk);
        OK(gx_prekey_next(txn, &row, 1, after));
        assert_memory_equal(&row, &expected, sizeof row);
        after = &row.pk;        /* inside what the next is written over */
    }
    assert_int_equal(gx_prekey_next(txn, &row, 1, after), GX_E_ABSENT);     /* group 3 is behind it */
    assert_int_equal(gx_prekey_next(txn, &row, 2, NULL), GX_E_ABSENT);
    assert_int_equal(gx_prekey_next(txn, &row, 4, NULL), GX_E_ABSENT);
    OK(gx_prekey_next(txn, &row, 1, &(struct gx_dh_pk){{2}}));              /* of nobody: the first above it */
    assert_int_equal(row.pk.b[0], 7);
    expected = some_prekey(0);
    OK(gx_prekey_del(txn, 1, &expected.pk));
    assert_int_equal(gx_prekey_del(txn, 1, &expected.pk), GX_E_ABSENT);
    OK(gx_prekey_next(txn, &row, 1, NULL));
    assert_int_equal(row.pk.b[0], 1);
    OK(gx_prekey_next(txn, &row, 3, NULL));
    assert_int_equal(row.pk.b[0], 0);
    assert_int_equal(row.since_ms, 3);
    commit(txn);
    place_remove(&p);
}

static enum gx_err prekey_again(struct gx_txn *txn)
{
    struct gx_prekey_row row;
    enum gx_err err = gx_prekey_next(txn, &row, 1, NULL);

    if (err == GX_OK)
        OK(gx_prekey_put(txn, 1, &row));
    return err;
}

static void test_a_prekey_of_another_length_is_corrupt(void **state)
{
    struct gx_prekey_row put = some_prekey(9);
    struct gx_key key = gx_key_u32_id(1, put.pk.b);
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_prekey_put(txn, 1, &put));
    assert_int_equal(damage(txn, GX_TABLE_PREKEY, &key, prekey_again), 0);      /* each bit of a secret and of a time says something */
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- keys that were passed over ---- */

static struct gx_key key_of_kept(uint32_t gnum, uint32_t cnum, const struct gx_log_tag *log, uint32_t n)
{
    struct gx_key key = gx_key_u32_u32(gnum, cnum);

    memcpy(key.b + 8, log->b, sizeof log->b);
    gx_put_be32(key.b + 16, n);
    key.n = 20;
    return key;
}

static void test_a_kept_key_is_taken_once(void **state)
{
    static const struct {
        uint32_t gnum, cnum;
        struct gx_log_tag log;
        uint32_t n;
    } places[] = {      /* each but for one field the first */
        {1, 2, {{3}}, 4}, {2, 2, {{3}}, 4}, {1, 3, {{3}}, 4}, {1, 2, {{4}}, 4}, {1, 2, {{3, [7] = 1}}, 4}, {1, 2, {{3}}, 5}, {1, 2, {{3}}, 0},
        {1, 2, {{3}}, GX_CHAIN_MAX - 1},
    };
    struct place p;
    struct gx_message_key mk, expected;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (uint32_t i = 0; i < GX_ARRAY_LEN(places); i++) {
        assert_int_equal(gx_kept_take(txn, &mk, places[i].gnum, places[i].cnum, &places[i].log, places[i].n), GX_E_ABSENT);
        mk = message_key(100 + i);
        OK(gx_kept_put(txn, places[i].gnum, places[i].cnum, &places[i].log, places[i].n, &mk));
        mk = message_key(i);
        OK(gx_kept_put(txn, places[i].gnum, places[i].cnum, &places[i].log, places[i].n, &mk));
    }
    commit(txn);
    txn = begin(&p, true);
    for (uint32_t i = 0; i < GX_ARRAY_LEN(places); i++) {
        assert_int_equal(gx_table_rows(txn, GX_TABLE_KEPT), GX_ARRAY_LEN(places) - i);
        expected = message_key(i);
        OK(gx_kept_take(txn, &mk, places[i].gnum, places[i].cnum, &places[i].log, places[i].n));
        assert_memory_equal(mk.b, expected.b, sizeof mk.b);
        assert_int_equal(gx_kept_take(txn, &mk, places[i].gnum, places[i].cnum, &places[i].log, places[i].n), GX_E_ABSENT);
    }
    assert_int_equal(gx_table_rows(txn, GX_TABLE_KEPT), 0);
    gx_txn_abort(&txn);
    txn = begin(&p, false);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_KEPT), GX_ARRAY_LEN(places));      /* taking is undone with the step */
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_kept_key_of_another_length_is_corrupt_and_stays(void **state)
{
    static const struct gx_log_tag log = {{3}};
    struct gx_key key = key_of_kept(1, 2, &log, 4);
    struct gx_message_key mk = message_key(1);
    static struct value v;
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_kept_put(txn, 1, 2, &log, 4, &mk));
    value_of(&v, txn, GX_TABLE_KEPT, &key);
    assert_int_equal(v.n, 32);
    for (v.n = 0; v.n <= 65; v.n++) {
        put_value(txn, GX_TABLE_KEPT, &key, &v);
        assert_int_equal(gx_kept_take(txn, &mk, 1, 2, &log, 4), v.n == 32 ? GX_OK : GX_E_CORRUPT);
        assert_int_equal(gx_table_rows(txn, GX_TABLE_KEPT), v.n != 32);
    }
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- message keys ---- */

static void assert_has_key(struct gx_txn *txn, uint64_t arrival, uint32_t n)
{
    struct gx_message_key mk, expected = message_key(n);

    memset(&mk, 0xee, sizeof mk);
    OK(gx_message_key_get(txn, &mk, 1, arrival));
    assert_memory_equal(mk.b, expected.b, sizeof mk.b);
}

static void put_key(struct gx_txn *txn, uint64_t arrival, uint32_t n)
{
    struct gx_message_key mk = message_key(n);

    OK(gx_message_key_put(txn, 1, arrival, &mk));
}

static void test_a_block_has_the_keys_that_were_put_and_holes_between(void **state)
{
    static const uint8_t order[] = {63, 0, 31, 32, 62, 1, 33};      /* of block 5: the last and the first bit, and some between */
    struct place p;
    struct gx_message_key mk;
    struct gx_span value;
    struct gx_key key = gx_key_u32_u64(1, 5);
    uint64_t present = 0;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < GX_ARRAY_LEN(order); i++) {
        put_key(txn, 5 * GX_KEY_BLOCK + order[i], order[i]);
        present |= UINT64_C(1) << order[i];
        OK(gx_table_get(txn, &value, GX_TABLE_KEY, &key));
        assert_int_equal(value.n, 8 + 32 * (i + 1));
        for (uint32_t k = 0; k < GX_KEY_BLOCK; k++) {
            if ((present >> k & 1) != 0)
                assert_has_key(txn, 5 * GX_KEY_BLOCK + k, k);
            else
                assert_int_equal(gx_message_key_get(txn, &mk, 1, 5 * GX_KEY_BLOCK + k), GX_E_ABSENT);
        }
    }
    assert_int_equal(gx_table_rows(txn, GX_TABLE_KEY), 1);
    assert_int_equal(gx_message_key_get(txn, &mk, 1, 5 * GX_KEY_BLOCK - 1), GX_E_ABSENT);
    assert_int_equal(gx_message_key_get(txn, &mk, 1, 6 * GX_KEY_BLOCK), GX_E_ABSENT);
    put_key(txn, 5 * GX_KEY_BLOCK + 31, 99);        /* again: it is another, and no other is */
    assert_has_key(txn, 5 * GX_KEY_BLOCK + 31, 99);
    assert_has_key(txn, 5 * GX_KEY_BLOCK + 1, 1);
    assert_has_key(txn, 5 * GX_KEY_BLOCK + 32, 32);
    for (uint32_t k = 0; k < GX_KEY_BLOCK; k++)
        put_key(txn, 5 * GX_KEY_BLOCK + k, 200 + k);
    OK(gx_table_get(txn, &value, GX_TABLE_KEY, &key));
    assert_int_equal(value.n, 8 + 32 * GX_KEY_BLOCK);
    for (uint32_t k = 0; k < GX_KEY_BLOCK; k++)
        assert_has_key(txn, 5 * GX_KEY_BLOCK + k, 200 + k);
    commit(txn);
    place_remove(&p);
}

static void test_the_least_and_the_greatest_number_have_keys_too(void **state)
{
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    put_key(txn, 1, 1);
    put_key(txn, UINT64_MAX, 2);
    assert_has_key(txn, 1, 1);
    assert_has_key(txn, UINT64_MAX, 2);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_KEY), 2);
    commit(txn);
    place_remove(&p);
}

/* Against a plain array: chunks that begin and end anywhere, over each other, and lack some of their keys. */
static void test_keys_of_many_events_are_put_at_once_over_the_borders_of_blocks(void **state)
{
    enum { NUMBERS = 1200, ROUNDS = 300 };
    static uint32_t is[NUMBERS + GX_CHUNK_EVENTS_MAX];      /* 0: none */
    static struct gx_message_key keys[GX_CHUNK_EVENTS_MAX];
    static bool have[GX_CHUNK_EVENTS_MAX];
    static const uint64_t bases[] = {0, 1, 63, UINT64_C(0x100000000) - 70};
    uint32_t borders = 0, lacking = 0, kept = 0;
    struct chance c;
    struct place p;
    (void)state;

    chance_init(&c, 21);
    place_fresh(&p);
    for (size_t b = 0; b < GX_ARRAY_LEN(bases); b++) {
        struct gx_txn *txn = begin(&p, true);
        memset(is, 0, sizeof is);
        OK(gx_table_clear(txn, GX_TABLE_KEY));
        for (uint32_t round = 0; round < ROUNDS / GX_ARRAY_LEN(bases); round++) {
            uint32_t from = chance_below(&c, NUMBERS), n = chance_below(&c, 3) == 0 ? chance_below(&c, 3) : chance_below(&c, GX_CHUNK_EVENTS_MAX + 1);
            uint32_t of_ten = chance_below(&c, 11);
            for (uint32_t i = 0; i < n; i++) {
                uint32_t name = (round + 1) * 1000 + i;
                have[i] = chance_below(&c, 10) < of_ten;
                memset(&keys[i], 0xbb, sizeof keys[i]);     /* of one that is lacking nothing is taken */
                if (have[i])
                    keys[i] = message_key(name);
                kept += !have[i] && is[from + i] != 0;
                lacking += !have[i];
                is[from + i] = have[i] ? name : is[from + i];
            }
            borders += n > 0 && (bases[b] + from) / GX_KEY_BLOCK + 1 < (bases[b] + from + n - 1) / GX_KEY_BLOCK;
            OK(gx_message_keys_put(txn, 1, bases[b] + from, keys, have, n));
        }
        commit(txn);
        txn = begin(&p, false);
        for (uint32_t i = 0; i < GX_ARRAY_LEN(is); i++) {
            struct gx_message_key mk;
            if (is[i] != 0)
                assert_has_key(txn, bases[b] + i, is[i]);
            else
                assert_int_equal(gx_message_key_get(txn, &mk, 1, bases[b] + i), GX_E_ABSENT);
        }
        gx_txn_abort(&txn);
    }
    print_message("%u over two borders or more, %u keys lacking, %u of them there before\n", borders, lacking, kept);
    assert_true(borders > 50 && lacking > 1000 && kept > 500);
    place_remove(&p);
}

static void test_events_of_which_no_key_is_known_have_no_row(void **state)
{
    static struct gx_message_key keys[200];
    static bool have[200];
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_message_keys_put(txn, 1, 1, keys, have, 200));
    OK(gx_message_keys_put(txn, 1, 1, NULL, NULL, 0));
    assert_int_equal(gx_table_rows(txn, GX_TABLE_KEY), 0);
    have[100] = true;
    keys[100] = message_key(7);
    OK(gx_message_keys_put(txn, 1, 1, keys, have, 200));
    assert_int_equal(gx_table_rows(txn, GX_TABLE_KEY), 1);
    assert_has_key(txn, 101, 7);
    commit(txn);
    place_remove(&p);
}

/* Whichever of its keys is asked for, there or not, and when one more is put: a block is sound as a whole or corrupt. */
static void test_a_block_whose_length_does_not_fit_its_bits_is_corrupt(void **state)
{
    static const uint8_t there[] = {0, 3, 40, 63};
    static struct value sound, v;
    struct gx_key key = gx_key_u32_u64(1, 2);
    struct gx_message_key mk = message_key(1);
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < GX_ARRAY_LEN(there); i++)
        put_key(txn, 2 * GX_KEY_BLOCK + there[i], there[i]);
    value_of(&sound, txn, GX_TABLE_KEY, &key);
    v = sound;
    for (v.n = 0; v.n <= sound.n + 65; v.n++) {
        if (v.n == sound.n)
            continue;
        put_value(txn, GX_TABLE_KEY, &key, &v);
        for (uint32_t k = 0; k < GX_KEY_BLOCK; k++)
            assert_int_equal(gx_message_key_get(txn, &mk, 1, 2 * GX_KEY_BLOCK + k), GX_E_CORRUPT);
        assert_int_equal(gx_message_key_put(txn, 1, 2 * GX_KEY_BLOCK + 5, &mk), GX_E_CORRUPT);
    }
    for (size_t bit = 0; bit < 64; bit++) {
        v = sound;
        v.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        put_value(txn, GX_TABLE_KEY, &key, &v);
        for (uint32_t k = 0; k < GX_KEY_BLOCK; k++)
            assert_int_equal(gx_message_key_get(txn, &mk, 1, 2 * GX_KEY_BLOCK + k), GX_E_CORRUPT);
        assert_int_equal(gx_message_key_put(txn, 1, 2 * GX_KEY_BLOCK + 5, &mk), GX_E_CORRUPT);
    }
    /* A block of nothing is never written. */
    v = (struct value){.n = 8};
    put_value(txn, GX_TABLE_KEY, &key, &v);
    assert_int_equal(gx_message_key_get(txn, &mk, 1, 2 * GX_KEY_BLOCK), GX_E_CORRUPT);
    assert_int_equal(gx_message_key_put(txn, 1, 2 * GX_KEY_BLOCK, &mk), GX_E_CORRUPT);
    /* In the keys themselves each bit says something. */
    v = sound;
    v.b[8 + 32] ^= 1;
    put_value(txn, GX_TABLE_KEY, &key, &v);
    assert_has_key(txn, 2 * GX_KEY_BLOCK, 0);
    assert_has_key(txn, 2 * GX_KEY_BLOCK + 3, 3 ^ 1u << 24);
    assert_has_key(txn, 2 * GX_KEY_BLOCK + 40, 40);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* Of many at once those before a bad block are put, and the step is undone by whoever put them. */
static void test_a_bad_block_among_many_is_corrupt(void **state)
{
    static struct gx_message_key keys[3 * GX_KEY_BLOCK];
    static bool have[3 * GX_KEY_BLOCK];
    static struct value v;
    struct gx_key key = gx_key_u32_u64(1, 1);
    struct place p;
    (void)state;

    memset(have, 1, sizeof have);
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    put_key(txn, GX_KEY_BLOCK, 1);
    value_of(&v, txn, GX_TABLE_KEY, &key);
    v.n--;
    put_value(txn, GX_TABLE_KEY, &key, &v);
    assert_int_equal(gx_message_keys_put(txn, 1, 0, keys, have, GX_ARRAY_LEN(keys)), GX_E_CORRUPT);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_KEY), 2);
    OK(gx_message_keys_put(txn, 1, 0, keys, have, GX_KEY_BLOCK));
    OK(gx_message_keys_put(txn, 1, 2 * GX_KEY_BLOCK, keys, have, GX_KEY_BLOCK));
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- locked ---- */

static void test_where_events_are_locked_is_known_of_each_log(void **state)
{
    static const struct gx_locked_row rows[] = {{1, 1, 0}, {1, UINT32_MAX, 7}, {UINT32_MAX, UINT32_MAX, 0}, {0x01020304, 0x05060708, 0x090a0b0c}, {0, 0, 1}};
    struct place p;
    struct gx_locked_row row;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < GX_ARRAY_LEN(rows); i++) {
        assert_int_equal(gx_locked_get(txn, &row, 1, (uint32_t)i), GX_E_ABSENT);
        OK(gx_locked_put(txn, 1, (uint32_t)i, &rows[0]));
        OK(gx_locked_put(txn, 1, (uint32_t)i, &rows[i]));
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(rows); i++) {
        OK(gx_locked_get(txn, &row, 1, (uint32_t)i));
        assert_memory_equal(&row, &rows[i], sizeof row);
        assert_int_equal(gx_locked_get(txn, &row, 2, (uint32_t)i), GX_E_ABSENT);
    }
    OK(gx_locked_del(txn, 1, 2));
    assert_int_equal(gx_locked_del(txn, 1, 2), GX_E_ABSENT);
    assert_int_equal(gx_locked_get(txn, &row, 1, 2), GX_E_ABSENT);
    OK(gx_locked_get(txn, &row, 1, 3));
    commit(txn);
    place_remove(&p);
}

static enum gx_err locked_again(struct gx_txn *txn)
{
    struct gx_locked_row row;
    enum gx_err err = gx_locked_get(txn, &row, 1, 9);

    if (err == GX_OK)
        OK(gx_locked_put(txn, 1, 9, &row));
    return err;
}

static void test_a_damaged_locked_row_is_corrupt_or_another_row(void **state)
{
    struct gx_key key = gx_key_u32_u32(1, 9);
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_locked_put(txn, 1, 9, &(struct gx_locked_row){.first = 2, .last = 5}));
    /* Of the first all that make it 0 or more than 5, which is all but 3; of the last the one that makes it 1. */
    assert_int_equal(damage(txn, GX_TABLE_LOCKED, &key, locked_again), 31 + 1);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- all of them ---- */

static struct gx_txn *wrong_txn;

static void put_epoch(uint8_t state, uint16_t n_chains, uint32_t next, uint8_t second_log)
{
    struct gx_epoch_row row = {.state = state, .gate = {{state == GX_EPOCH_OPEN}}, .n_chains = n_chains};

    make_chains();
    all_chains[0].next = next;
    memset(all_chains[0].log.b, 0, sizeof all_chains[0].log.b);
    memset(all_chains[1].log.b, 0, sizeof all_chains[1].log.b);
    all_chains[0].log.b[7] = 5;
    all_chains[1].log.b[7] = second_log;
    if (gx_epoch_put(wrong_txn, 1, 1, &row, all_chains) != GX_OK)
        _exit(1);
}

static void an_epoch_of_no_state(void)
{
    put_epoch(0, 0, 0, 6);
}

static void an_epoch_that_is_shut_and_has_chains(void)
{
    put_epoch(GX_EPOCH_SHUT, 2, 0, 6);
}

static void too_many_chains(void)
{
    put_epoch(GX_EPOCH_OPEN, GX_EPOCH_SLOTS_MAX + 1, 0, 6);
}

static void a_chain_past_its_end(void)
{
    put_epoch(GX_EPOCH_OPEN, 2, GX_CHAIN_MAX + 1, 6);
}

static void two_chains_of_one_log(void)
{
    put_epoch(GX_EPOCH_OPEN, 2, 0, 5);
}

static void chains_out_of_order(void)
{
    put_epoch(GX_EPOCH_OPEN, 2, 0, 4);
}

static void put_kept(uint32_t n)
{
    struct gx_message_key mk = message_key(1);

    if (gx_kept_put(wrong_txn, 1, 1, &(struct gx_log_tag){{1}}, n, &mk) != GX_OK)
        _exit(1);
}

static void a_kept_key_past_the_end_of_a_chain(void)
{
    put_kept(GX_CHAIN_MAX);
}

static void put_locked(uint32_t first, uint32_t last, uint32_t unopened)
{
    if (gx_locked_put(wrong_txn, 1, 1, &(struct gx_locked_row){.first = first, .last = last, .unopened = unopened}) != GX_OK)
        _exit(1);
}

static void locked_from_0(void)
{
    put_locked(0, 5, 6);
}

static void locked_that_says_nothing(void)
{
    put_locked(0, 0, 0);
}

static void locked_to_before_its_beginning(void)
{
    put_locked(6, 5, 0);
}

static void no_mistake(void)
{
    put_epoch(GX_EPOCH_OPEN, 2, GX_CHAIN_MAX, 6);
    put_kept(GX_CHAIN_MAX - 1);
    put_locked(5, 5, 0);
    put_locked(0, 0, 1);
}

static void test_what_would_be_corrupt_is_never_put(void **state)
{
    void (*const mistakes[])(void) = {
        an_epoch_of_no_state, an_epoch_that_is_shut_and_has_chains, too_many_chains, a_chain_past_its_end, two_chains_of_one_log,
        chains_out_of_order,  a_kept_key_past_the_end_of_a_chain,   locked_from_0,   locked_to_before_its_beginning,
        locked_that_says_nothing,
    };
    struct place p;
    (void)state;

    place_fresh(&p);
    wrong_txn = begin(&p, true);
    for (size_t i = 0; i < GX_ARRAY_LEN(mistakes); i++)
        assert_true(aborts(mistakes[i]));
    assert_false(aborts(no_mistake));
    gx_txn_abort(&wrong_txn);
    place_remove(&p);
}

/* 256 and its neighbours: numbers of which one begins with the bytes another ends in. */
static void test_forgetting_a_group_forgets_what_opened_its_events_and_that_of_no_other(void **state)
{
    static const uint32_t groups[] = {1, 255, 256, 257, 0x01000000};
    enum { EACH = 50 };
    struct place p;
    struct gx_epoch_row row, put = some_epoch(40);
    struct gx_prekey_row prekey;
    struct gx_locked_row locked = {.first = 1, .last = 2};
    struct gx_message_key mk = message_key(1);
    (void)state;

    make_chains();
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (size_t k = 0; k < GX_ARRAY_LEN(groups); k++)
        for (uint32_t i = 0; i < EACH; i++) {
            OK(gx_epoch_put(txn, groups[k], i, &put, all_chains));
            prekey = some_prekey((uint8_t)i);
            OK(gx_prekey_put(txn, groups[k], &prekey));
            OK(gx_kept_put(txn, groups[k], i, &all_chains[i].log, i, &mk));
            OK(gx_locked_put(txn, groups[k], i, &locked));
            put_key(txn, k * EACH + i + 1, i);
        }
    OK(gx_group_forget(txn, 256));
    commit(txn);
    txn = begin(&p, true);
    for (size_t k = 0; k < GX_ARRAY_LEN(groups); k++) {
        enum gx_err expected = groups[k] == 256 ? GX_E_ABSENT : GX_OK;
        for (uint32_t i = 0; i < EACH; i++) {
            assert_int_equal(gx_epoch_chains(txn, all_chains, 40, groups[k], i), expected);
            assert_int_equal(gx_kept_take(txn, &mk, groups[k], i, &all_chains[i].log, i), expected);
            assert_int_equal(gx_locked_get(txn, &locked, groups[k], i), expected);
        }
        uint32_t cnum = 0;
        assert_int_equal(gx_epoch_next(txn, &cnum, &row, groups[k]), expected);
        assert_int_equal(gx_prekey_next(txn, &prekey, groups[k], NULL), expected);
    }
    gx_txn_abort(&txn);
    txn = begin(&p, false);
    static const enum gx_table tables[] = {GX_TABLE_EPOCH, GX_TABLE_PREKEY, GX_TABLE_KEPT, GX_TABLE_LOCKED};
    for (size_t t = 0; t < GX_ARRAY_LEN(tables); t++)
        assert_int_equal(gx_table_rows(txn, tables[t]), (GX_ARRAY_LEN(groups) - 1) * EACH);
    for (uint32_t i = 0; i < GX_ARRAY_LEN(groups) * EACH; i++)
        assert_has_key(txn, i + 1, i % EACH);       /* a block does not say whose its keys are */
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_what_opens_events_survives_a_restart(void **state)
{
    static struct gx_chain_row chains[GX_EPOCH_SLOTS_MAX];
    struct gx_epoch_row row, put = some_epoch(GX_EPOCH_SLOTS_MAX);
    struct gx_prekey_row prekey, put_prekey = some_prekey(3);
    struct gx_locked_row locked;
    struct gx_message_key mk = message_key(5);
    uint32_t cnum = 0;
    struct place p;
    (void)state;

    make_chains();
    place_make(&p);
    OK(place_open(&p, (struct gx_store_options){.create = true}));
    struct gx_txn *txn = begin(&p, true);
    OK(gx_epoch_put(txn, 1, 7, &put, all_chains));
    OK(gx_prekey_put(txn, 1, &put_prekey));
    OK(gx_kept_put(txn, 1, 7, &all_chains[0].log, 3, &mk));
    OK(gx_locked_put(txn, 1, 2, &(struct gx_locked_row){.first = 3, .last = 4}));
    put_key(txn, 77, 6);
    commit(txn);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){.create = false}));
    txn = begin(&p, true);
    OK(gx_epoch_next(txn, &cnum, &row, 1));
    assert_epochs_equal(&row, &put);
    OK(gx_epoch_chains(txn, chains, row.n_chains, 1, cnum));
    assert_chains_equal(chains, all_chains, row.n_chains);
    OK(gx_prekey_next(txn, &prekey, 1, NULL));
    assert_memory_equal(&prekey, &put_prekey, sizeof prekey);
    OK(gx_locked_get(txn, &locked, 1, 2));
    assert_int_equal(locked.first, 3);
    assert_int_equal(locked.last, 4);
    assert_has_key(txn, 77, 6);
    OK(gx_kept_take(txn, &mk, 1, 7, &all_chains[0].log, 3));
    assert_int_equal(gx_get_be32(mk.b), 5);
    gx_txn_abort(&txn);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_epoch_comes_back_with_all_its_chains),
        cmocka_unit_test(test_epochs_are_walked_group_by_group_in_the_order_of_their_operations),
        cmocka_unit_test(test_as_many_chains_as_the_row_says_are_given_and_no_other_number),
        cmocka_unit_test(test_a_damaged_epoch_is_corrupt_or_another_epoch),
        cmocka_unit_test(test_an_epoch_that_breaks_its_own_rules_is_corrupt),
        cmocka_unit_test(test_a_chain_can_be_at_its_end),
        cmocka_unit_test(test_an_epoch_under_a_key_of_another_length_is_corrupt),
        cmocka_unit_test(test_keys_kept_of_an_epoch_go_with_it),
        cmocka_unit_test(test_prekeys_are_walked_group_by_group),
        cmocka_unit_test(test_a_prekey_of_another_length_is_corrupt),
        cmocka_unit_test(test_a_kept_key_is_taken_once),
        cmocka_unit_test(test_a_kept_key_of_another_length_is_corrupt_and_stays),
        cmocka_unit_test(test_a_block_has_the_keys_that_were_put_and_holes_between),
        cmocka_unit_test(test_the_least_and_the_greatest_number_have_keys_too),
        cmocka_unit_test(test_keys_of_many_events_are_put_at_once_over_the_borders_of_blocks),
        cmocka_unit_test(test_events_of_which_no_key_is_known_have_no_row),
        cmocka_unit_test(test_a_block_whose_length_does_not_fit_its_bits_is_corrupt),
        cmocka_unit_test(test_a_bad_block_among_many_is_corrupt),
        cmocka_unit_test(test_where_events_are_locked_is_known_of_each_log),
        cmocka_unit_test(test_a_damaged_locked_row_is_corrupt_or_another_row),
        cmocka_unit_test(test_what_would_be_corrupt_is_never_put),
        cmocka_unit_test(test_forgetting_a_group_forgets_what_opened_its_events_and_that_of_no_other),
        cmocka_unit_test(test_what_opens_events_survives_a_restart),
    };
    return cmocka_run_group_tests_name("store/keys", tests, NULL, NULL);
}
