#include "tests/unit/store/support.h"

#include "store/schema.h"

static void fill(void *p, uint8_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)(first + i);
}

static struct gx_addr addr4(uint8_t last, uint16_t port)
{
    return (struct gx_addr){.family = 4, .ip = {192, 0, 2, last}, .port = port};
}

static struct gx_addr addr6(uint8_t last, uint16_t port)
{
    return (struct gx_addr){.family = 6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = last}, .port = port};
}

/* Put a copy of a row with the last byte gone, and one with a byte more: each is refused when read. */
static void spoil(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, int more)
{
    struct gx_span value;
    uint8_t copy[8192] = {0};

    OK(gx_table_get(txn, &value, t, key));
    assert_true(value.n > 0 && value.n < sizeof copy);
    memcpy(copy, value.p, value.n);
    OK(gx_table_put(txn, t, key, gx_span(copy, more != 0 ? value.n + 1 : value.n - 1)));
}

/* ---- group ---- */

static struct gx_group_row some_group(uint32_t gnum)
{
    struct gx_group_row row;

    fill(&row, (uint8_t)gnum, sizeof row);
    row.gnum = gnum;
    row.state = GX_GROUP_MEMBER;
    row.control_lnum = 3;
    row.messages_lnum = 4;
    row.since_ms = 1700000000001ull;
    row.endpoint_counter = UINT64_MAX;
    row.carry = (uint8_t)(gnum % 3);
    return row;
}

static void assert_groups_equal(const struct gx_group_row *a, const struct gx_group_row *b)
{
    assert_int_equal(a->gnum, b->gnum);
    assert_memory_equal(&a->id, &b->id, sizeof a->id);
    assert_int_equal(a->state, b->state);
    assert_memory_equal(&a->intro, &b->intro, sizeof a->intro);
    assert_memory_equal(&a->prekey_sk, &b->prekey_sk, sizeof a->prekey_sk);
    assert_int_equal(a->control_lnum, b->control_lnum);
    assert_int_equal(a->messages_lnum, b->messages_lnum);
    assert_int_equal(a->since_ms, b->since_ms);
    assert_true(a->endpoint_counter == b->endpoint_counter);
}

static void test_groups_come_back_in_order_of_their_numbers(void **state)
{
    static const uint32_t order[] = {300, 2, 1, 255, 256};
    static const uint32_t sorted[] = {1, 2, 255, 256, 300};
    struct place p;
    struct gx_group_row row = {0};
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = 0; i < GX_ARRAY_LEN(order); i++) {
        struct gx_group_row put = some_group(order[i]);
        OK(gx_group_put(txn, &put));
    }
    commit(txn);
    txn = begin(&p, false);
    for (size_t i = 0; i < GX_ARRAY_LEN(sorted); i++) {
        struct gx_group_row expected = some_group(sorted[i]);
        OK(gx_group_next(txn, &row, row.gnum));
        assert_groups_equal(&row, &expected);
    }
    assert_int_equal(gx_group_next(txn, &row, row.gnum), GX_E_ABSENT);
    assert_int_equal(gx_group_next(txn, &row, UINT32_MAX), GX_E_ABSENT);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_numbers_are_given_once_and_survive(void **state)
{
    struct place p;
    uint32_t number;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (uint32_t expected = 1; expected <= 3; expected++) {
        OK(gx_group_new_number(txn, &number));
        assert_int_equal(number, expected);
        OK(gx_log_new_number(txn, &number));
        assert_int_equal(number, expected);
    }
    commit(txn);
    txn = begin(&p, true);
    OK(gx_log_new_number(txn, &number));
    assert_int_equal(number, 4);
    gx_txn_abort(&txn);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){.volatile_store = true}));
    txn = begin(&p, true);
    OK(gx_log_new_number(txn, &number));
    assert_int_equal(number, 4);        /* the aborted one was never given */
    OK(gx_group_new_number(txn, &number));
    assert_int_equal(number, 4);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_group_row_of_another_length_or_state_is_corrupt(void **state)
{
    struct place p;
    struct gx_group_row row;
    struct gx_key key = gx_key_u32(1);
    (void)state;

    place_fresh(&p);
    for (int damage = 0; damage < 3; damage++) {
        struct gx_txn *txn = begin(&p, true);
        struct gx_group_row put = some_group(1);
        OK(gx_group_put(txn, &put));
        if (damage < 2) {
            spoil(txn, GX_TABLE_GROUP, &key, damage);
        } else {
            struct gx_span value;
            uint8_t copy[1024];
            OK(gx_table_get(txn, &value, GX_TABLE_GROUP, &key));
            memcpy(copy, value.p, value.n);
            copy[32] = 9;
            OK(gx_table_put(txn, GX_TABLE_GROUP, &key, gx_span(copy, value.n)));
        }
        assert_int_equal(gx_group_next(txn, &row, 0), GX_E_CORRUPT);
        gx_txn_abort(&txn);
    }
    place_remove(&p);
}

static void test_forgetting_a_group_takes_its_rows_and_no_others(void **state)
{
    struct place p;
    static struct author a;
    struct gx_endpoint endpoint = {0};
    struct gx_invite_row invite = {0};
    struct gx_op_row op = {.lnum = 1, .seq = 1, .arrival = 1};
    struct gx_log_row log;
    struct gx_held_row held;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (uint32_t gnum = 1; gnum <= 3; gnum++) {
        group_put(txn, gnum);
        author_make(&a, 1, gnum, GX_LOG_MESSAGES);
        author_register(txn, &a);
        for (uint32_t i = 0; i < 300; i++)
            OK(gx_op_put(txn, gnum, i, &op));
        for (uint8_t i = 0; i < 200; i++) {
            endpoint.device.b[0] = i;
            OK(gx_endpoint_put(txn, gnum, &endpoint));
        }
        OK(gx_invite_put(txn, gnum, &invite));
        OK(gx_held_put(txn, a.row.lnum, &(struct gx_held_row){.device = a.row.device, .seq = 5}));
    }
    OK(gx_group_forget(txn, 2));
    commit(txn);
    txn = begin(&p, false);
    for (uint32_t gnum = 1; gnum <= 3; gnum++) {
        enum gx_err expected = gnum == 2 ? GX_E_ABSENT : GX_OK;
        struct gx_group_row group;
        assert_int_equal(gx_group_next(txn, &group, gnum - 1), GX_OK);
        assert_int_equal(group.gnum == gnum, gnum != 2);
        assert_int_equal(gx_log_next(txn, &log, gnum, 0), expected);
        assert_int_equal(gx_op_get(txn, &op, gnum, 0), expected);
        assert_int_equal(gx_op_get(txn, &op, gnum, 299), expected);
        assert_int_equal(gx_endpoint_next(txn, &endpoint, gnum, NULL), expected);
        assert_int_equal(gx_invite_get(txn, &invite, gnum, &invite.token), expected);
        assert_int_equal(gx_held_next(txn, &held, gnum, NULL), expected);
    }
    assert_int_equal(gx_table_rows(txn, GX_TABLE_OP), 600);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_ENDPOINT), 400);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- log ---- */

static void test_log_rows_come_back_as_they_were_put(void **state)
{
    struct place p;
    struct gx_log_row row, put = {.gnum = 7, .lnum = 9, .cls = GX_LOG_MESSAGES, .base_seq = 10, .base_tick = 11, .head_seq = 400,
                                  .head_tick = UINT64_MAX, .head_arrival = 123456789012ull, .journal_first = 399, .n_messages = 390,
                                  .read_seq = 200, .read_messages = 190, .begun_seq = 4, .bytes = 99999};
    (void)state;

    fill(&put.id, 1, sizeof put.id);
    fill(&put.member, 6, sizeof put.member);
    fill(&put.device, 2, sizeof put.device);
    fill(&put.incarnation, 3, sizeof put.incarnation);
    fill(&put.base_id, 4, sizeof put.base_id);
    fill(&put.head_id, 5, sizeof put.head_id);
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_log_put(txn, &put));
    OK(gx_log_next(txn, &row, 7, 0));
    assert_int_equal(row.gnum, 7);
    assert_int_equal(row.lnum, 9);
    assert_int_equal(row.cls, GX_LOG_MESSAGES);
    assert_memory_equal(&row.id, &put.id, sizeof row.id);
    assert_memory_equal(&row.member, &put.member, sizeof row.member);
    assert_memory_equal(&row.device, &put.device, sizeof row.device);
    assert_memory_equal(&row.incarnation, &put.incarnation, sizeof row.incarnation);
    assert_memory_equal(&row.base_id, &put.base_id, sizeof row.base_id);
    assert_memory_equal(&row.head_id, &put.head_id, sizeof row.head_id);
    assert_int_equal(row.base_seq, 10);
    assert_int_equal(row.base_tick, 11);
    assert_int_equal(row.head_seq, 400);
    assert_true(row.head_tick == UINT64_MAX);
    assert_int_equal(row.head_arrival, 123456789012ull);
    assert_int_equal(row.journal_first, 399);
    assert_int_equal(row.n_messages, 390);
    assert_int_equal(row.read_seq, 200);
    assert_int_equal(row.read_messages, 190);
    assert_int_equal(row.begun_seq, 4);
    assert_int_equal(row.bytes, 99999);
    assert_int_equal(gx_log_next(txn, &row, 7, 9), GX_E_ABSENT);
    assert_int_equal(gx_log_next(txn, &row, 6, 0), GX_E_ABSENT);
    assert_int_equal(gx_log_next(txn, &row, 8, 0), GX_E_ABSENT);
    assert_int_equal(gx_log_next(txn, &row, 7, UINT32_MAX), GX_E_ABSENT);
    commit(txn);
    place_remove(&p);
}

/* Whatever single byte of a row becomes 0xff: it decodes to something that keeps to the rules, or not at all. */
static void test_a_log_row_that_breaks_its_own_rules_is_corrupt(void **state)
{
    struct place p;
    static struct author a;
    struct gx_span value;
    uint8_t copy[256];
    uint32_t refused = 0;
    (void)state;

    scene_make(&p, &a, 1);
    struct gx_txn *txn = begin(&p, true);
    author_append(txn, &a, 10);
    OK(gx_log_put(txn, &a.row));
    struct gx_key key = gx_key_u32_u32(1, a.row.lnum);
    OK(gx_table_get(txn, &value, GX_TABLE_LOG, &key));
    size_t n = value.n;
    assert_int_equal(n, 213);
    memcpy(copy, value.p, n);
    for (size_t i = 0; i < n; i++) {
        struct gx_log_row row;
        uint8_t before = copy[i];
        copy[i] = 0xff;
        OK(gx_table_put(txn, GX_TABLE_LOG, &key, gx_span(copy, n)));
        copy[i] = before;
        enum gx_err err = gx_log_next(txn, &row, 1, 0);
        assert_true(err == GX_E_CORRUPT || (err == GX_OK && row.base_seq <= row.head_seq && row.read_messages <= row.n_messages));
        refused += err == GX_E_CORRUPT;
    }
    assert_true(refused >= 20);
    spoil(txn, GX_TABLE_LOG, &key, 0);
    struct gx_log_row row;
    assert_int_equal(gx_log_next(txn, &row, 1, 0), GX_E_CORRUPT);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- op ---- */

static void test_ops_are_found_by_number(void **state)
{
    struct place p;
    struct gx_op_row row, put = {.lnum = 2, .seq = 3, .depth = 4, .arrival = 5};
    struct gx_key key = gx_key_u32_u32(1, 17);
    (void)state;

    fill(&put.id, 9, sizeof put.id);
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_op_put(txn, 1, 17, &put));
    OK(gx_op_get(txn, &row, 1, 17));
    assert_memory_equal(&row.id, &put.id, sizeof row.id);
    assert_int_equal(row.lnum, 2);
    assert_int_equal(row.seq, 3);
    assert_int_equal(row.depth, 4);
    assert_int_equal(row.arrival, 5);
    assert_int_equal(gx_op_get(txn, &row, 1, 16), GX_E_ABSENT);
    assert_int_equal(gx_op_get(txn, &row, 2, 17), GX_E_ABSENT);
    spoil(txn, GX_TABLE_OP, &key, 1);
    assert_int_equal(gx_op_get(txn, &row, 1, 17), GX_E_CORRUPT);
    commit(txn);
    place_remove(&p);
}

/* ---- join ---- */

static struct gx_join_row some_join(uint8_t n_addrs, uint8_t alias_bytes)
{
    struct gx_join_row row = {.alias_bytes = alias_bytes, .n_addrs = n_addrs};

    fill(row.token.group16, 1, sizeof row.token.group16);
    fill(row.token.seed.b, 2, sizeof row.token.seed.b);
    fill(row.token.sig.b, 3, sizeof row.token.sig.b);
    row.token.expires_min = 123456;
    row.token.uses = 10;
    row.token.hint = addr4(1, 7447);
    memset(row.alias, 'x', alias_bytes);
    for (uint8_t i = 0; i < n_addrs; i++)
        row.addrs[i] = i % 2 == 0 ? addr4(i, 1000) : addr6(i, 1001);
    return row;
}

static void test_joins_come_back_whatever_they_hold(void **state)
{
    struct place p;
    (void)state;

    place_fresh(&p);
    for (uint8_t n = 0; n <= GX_JOIN_ADDRS_MAX; n++) {
        struct gx_join_row row, put = some_join(n, (uint8_t)(n * 31));
        struct gx_txn *txn = begin(&p, true);
        OK(gx_join_put(txn, 1, &put));
        OK(gx_join_get(txn, &row, 1));
        assert_int_equal(row.token.expires_min, 123456);
        assert_memory_equal(row.token.seed.b, put.token.seed.b, sizeof row.token.seed.b);
        assert_true(gx_addr_equal(&row.token.hint, &put.token.hint));
        assert_int_equal(row.alias_bytes, put.alias_bytes);
        assert_memory_equal(row.alias, put.alias, sizeof row.alias);
        assert_int_equal(row.n_addrs, n);
        for (size_t i = 0; i < n; i++)
            assert_true(gx_addr_equal(&row.addrs[i], &put.addrs[i]));
        commit(txn);
    }
    place_remove(&p);
}

static void test_a_join_that_ended_is_absent(void **state)
{
    struct place p;
    struct gx_join_row row, put = some_join(1, 4);
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_join_put(txn, 1, &put));
    OK(gx_join_del(txn, 1));
    assert_int_equal(gx_join_get(txn, &row, 1), GX_E_ABSENT);
    assert_int_equal(gx_join_del(txn, 1), GX_E_ABSENT);
    commit(txn);
    place_remove(&p);
}

/* Each byte of the row turned over in turn: corrupt or another well-formed row, never beyond its arrays. */
static void test_a_damaged_join_is_never_read_past_its_arrays(void **state)
{
    struct place p;
    struct gx_join_row row, put = some_join(GX_JOIN_ADDRS_MAX, 20);
    struct gx_key key = gx_key_u32(1);
    struct gx_span value;
    uint8_t copy[1024];
    uint32_t refused = 0;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_join_put(txn, 1, &put));
    OK(gx_table_get(txn, &value, GX_TABLE_JOIN, &key));
    size_t n = value.n;
    memcpy(copy, value.p, n);
    for (size_t i = 0; i < n; i++) {
        copy[i] ^= 0xff;
        OK(gx_table_put(txn, GX_TABLE_JOIN, &key, gx_span(copy, n)));
        copy[i] ^= 0xff;
        enum gx_err err = gx_join_get(txn, &row, 1);
        assert_true(err == GX_OK || err == GX_E_CORRUPT);
        assert_true(row.n_addrs <= GX_JOIN_ADDRS_MAX);
        refused += err == GX_E_CORRUPT;
    }
    assert_true(refused > 128);         /* the token has a check of its own */
    for (size_t cut = 0; cut < n; cut++) {
        OK(gx_table_put(txn, GX_TABLE_JOIN, &key, gx_span(copy, cut)));
        assert_int_equal(gx_join_get(txn, &row, 1), GX_E_CORRUPT);
    }
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- invitations, doors ---- */

static void test_invites_are_found_by_group_and_token(void **state)
{
    struct place p;
    struct gx_invite_row row, put = {.hint = {0}}, with_hint = {.hint = addr6(3, 9)};
    (void)state;

    fill(&put.token, 1, sizeof put.token);
    fill(&with_hint.token, 2, sizeof with_hint.token);
    fill(&put.seed, 3, sizeof put.seed);
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_invite_put(txn, 4, &put));
    OK(gx_invite_put(txn, 4, &with_hint));
    OK(gx_invite_get(txn, &row, 4, &put.token));
    assert_memory_equal(&row.seed, &put.seed, sizeof row.seed);
    assert_memory_equal(&row.token, &put.token, sizeof row.token);
    assert_int_equal(row.hint.family, 0);
    OK(gx_invite_get(txn, &row, 4, &with_hint.token));
    assert_true(gx_addr_equal(&row.hint, &with_hint.hint));
    assert_int_equal(gx_invite_get(txn, &row, 5, &put.token), GX_E_ABSENT);
    struct gx_key key = gx_key_u32_id(4, put.token.b);
    spoil(txn, GX_TABLE_INVITE, &key, 0);
    assert_int_equal(gx_invite_get(txn, &row, 4, &put.token), GX_E_CORRUPT);
    commit(txn);
    place_remove(&p);
}

static void test_doors_keep_their_port(void **state)
{
    struct place p;
    struct gx_event_id token, other = {{0}};
    uint16_t port;
    (void)state;

    fill(&token, 1, sizeof token);
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_door_put(txn, &token, 40000));
    OK(gx_door_put(txn, &token, 40001));
    OK(gx_door_get(txn, &port, &token));
    assert_int_equal(port, 40001);
    assert_int_equal(gx_door_get(txn, &port, &other), GX_E_ABSENT);
    struct gx_key key = gx_key_id(token.b);
    spoil(txn, GX_TABLE_DOOR, &key, 1);
    assert_int_equal(gx_door_get(txn, &port, &token), GX_E_CORRUPT);
    commit(txn);
    place_remove(&p);
}

/* ---- endpoints, held ---- */

static void test_endpoints_are_walked_in_order_of_device(void **state)
{
    struct place p;
    struct gx_endpoint row;
    const struct gx_sign_pk *after = NULL;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (int i = 255; i >= 0; i -= 5) {
        struct gx_endpoint put = {.counter = (uint64_t)i, .n_addrs = (uint8_t)(i % (int)(GX_ENDPOINT_ADDRS_MAX + 1))};
        memset(put.device.b, i, sizeof put.device.b);
        for (uint8_t k = 0; k < put.n_addrs; k++)
            put.addrs[k] = k == 0 ? addr4(k, 5) : addr6(k, 6);
        OK(gx_endpoint_put(txn, 1, &put));
        OK(gx_endpoint_put(txn, 2, &put));
    }
    for (int i = 0; i <= 255; i += 5) {
        OK(gx_endpoint_next(txn, &row, 1, after));
        assert_int_equal(row.device.b[0], i);
        assert_int_equal(row.counter, i);
        assert_int_equal(row.n_addrs, i % (int)(GX_ENDPOINT_ADDRS_MAX + 1));
        after = &row.device;
    }
    assert_int_equal(gx_endpoint_next(txn, &row, 1, after), GX_E_ABSENT);
    assert_int_equal(gx_endpoint_next(txn, &row, 3, NULL), GX_E_ABSENT);
    commit(txn);
    place_remove(&p);
}

static void test_an_endpoint_under_another_devices_key_is_corrupt(void **state)
{
    struct place p;
    struct gx_endpoint row, put = {.counter = 1};
    struct gx_span value;
    uint8_t copy[GX_ENDPOINT_BYTES_MAX];
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_endpoint_put(txn, 1, &put));
    struct gx_key key = gx_key_u32_id(1, put.device.b);
    OK(gx_table_get(txn, &value, GX_TABLE_ENDPOINT, &key));
    memcpy(copy, value.p, value.n);
    key.b[35] = 1;
    OK(gx_table_put(txn, GX_TABLE_ENDPOINT, &key, gx_span(copy, value.n)));
    OK(gx_endpoint_next(txn, &row, 1, NULL));
    assert_int_equal(gx_endpoint_next(txn, &row, 1, &row.device), GX_E_CORRUPT);
    assert_int_equal(row.device.b[31], 1);      /* whoever walks can go on */
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_held_is_kept_by_log_and_device(void **state)
{
    struct place p;
    struct gx_held_row row, first = {.device = {{1}}, .base_seq = 3, .seq = 10}, second = {.device = {{2}}, .seq = 20};
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_held_put(txn, 1, &second));
    OK(gx_held_put(txn, 1, &first));
    OK(gx_held_put(txn, 2, &first));
    first.seq = 11;
    OK(gx_held_put(txn, 1, &first));
    OK(gx_held_next(txn, &row, 1, NULL));
    assert_int_equal(row.device.b[0], 1);
    assert_int_equal(row.base_seq, 3);
    assert_int_equal(row.seq, 11);
    OK(gx_held_next(txn, &row, 1, &first.device));
    assert_int_equal(row.device.b[0], 2);
    assert_int_equal(row.base_seq, 0);
    assert_int_equal(row.seq, 20);
    assert_int_equal(gx_held_next(txn, &row, 1, &second.device), GX_E_ABSENT);
    struct gx_key key = gx_key_u32_id(1, first.device.b);
    spoil(txn, GX_TABLE_HELD, &key, 0);
    assert_int_equal(gx_held_next(txn, &row, 1, NULL), GX_E_CORRUPT);
    commit(txn);
    place_remove(&p);
}

/* ---- addresses by hand ---- */

static void test_addresses_are_a_sorted_set(void **state)
{
    struct place p;
    struct gx_addr addr, all[] = {addr4(1, 1), addr4(1, 256), addr4(2, 1), addr6(0, 5), addr6(9, 65535)};
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = GX_ARRAY_LEN(all); i-- > 0;) {
        OK(gx_manual_put(txn, &all[i]));
        OK(gx_manual_put(txn, &all[i]));
    }
    OK(gx_manual_next(txn, &addr, NULL));
    for (size_t i = 0; i < GX_ARRAY_LEN(all); i++) {
        assert_true(gx_addr_equal(&addr, &all[i]));
        assert_int_equal(gx_manual_next(txn, &addr, &addr), i + 1 < GX_ARRAY_LEN(all) ? GX_OK : GX_E_ABSENT);
    }
    OK(gx_manual_del(txn, &all[2]));
    assert_int_equal(gx_manual_del(txn, &all[2]), GX_E_ABSENT);
    OK(gx_manual_next(txn, &addr, &all[1]));
    assert_true(gx_addr_equal(&addr, &all[3]));
    commit(txn);
    place_remove(&p);
}

static void test_rows_survive_a_restart(void **state)
{
    struct place p;
    struct gx_addr addr = addr4(1, 1), back;
    struct gx_join_row join = some_join(2, 3), join_back;
    (void)state;

    place_make(&p);
    OK(place_open(&p, (struct gx_store_options){.create = true}));
    struct gx_txn *txn = begin(&p, true);
    OK(gx_manual_put(txn, &addr));
    OK(gx_join_put(txn, 5, &join));
    commit(txn);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){.read_only = true}));
    txn = begin(&p, false);
    OK(gx_manual_next(txn, &back, NULL));
    assert_true(gx_addr_equal(&addr, &back));
    OK(gx_join_get(txn, &join_back, 5));
    gx_txn_abort(&txn);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_come_back_in_order_of_their_numbers),
        cmocka_unit_test(test_numbers_are_given_once_and_survive),
        cmocka_unit_test(test_a_group_row_of_another_length_or_state_is_corrupt),
        cmocka_unit_test(test_forgetting_a_group_takes_its_rows_and_no_others),
        cmocka_unit_test(test_log_rows_come_back_as_they_were_put),
        cmocka_unit_test(test_a_log_row_that_breaks_its_own_rules_is_corrupt),
        cmocka_unit_test(test_ops_are_found_by_number),
        cmocka_unit_test(test_joins_come_back_whatever_they_hold),
        cmocka_unit_test(test_a_join_that_ended_is_absent),
        cmocka_unit_test(test_a_damaged_join_is_never_read_past_its_arrays),
        cmocka_unit_test(test_invites_are_found_by_group_and_token),
        cmocka_unit_test(test_doors_keep_their_port),
        cmocka_unit_test(test_endpoints_are_walked_in_order_of_device),
        cmocka_unit_test(test_an_endpoint_under_another_devices_key_is_corrupt),
        cmocka_unit_test(test_held_is_kept_by_log_and_device),
        cmocka_unit_test(test_addresses_are_a_sorted_set),
        cmocka_unit_test(test_rows_survive_a_restart),
    };
    return cmocka_run_group_tests_name("store/rows", tests, NULL, NULL);
}
