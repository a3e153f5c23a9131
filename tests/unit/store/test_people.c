#include "tests/unit/store/support.h"

#include "store/people.h"
#include "store/schema.h"

static void fill(void *p, uint8_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)(first + i);
}

static struct gx_sign_pk person(uint8_t n)
{
    struct gx_sign_pk id;

    memset(id.b, n, sizeof id.b);
    return id;
}

static struct gx_addr some_addr(uint8_t n)
{
    if (n % 2 == 0)
        return (struct gx_addr){.family = 4, .ip = {192, 0, 2, n}, .port = 7447};
    return (struct gx_addr){.family = 6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = n}, .port = 7448};
}

/* Every field says something, each something else. */
static struct gx_contact_row some_contact(uint8_t n, uint8_t flags, uint8_t n_addrs, uint16_t name_bytes)
{
    struct gx_contact_row row = {.card = {.id = person(n), .serial = 0x01020304}, .flags = flags, .since_ms = 1700000000000ull + n, .mine = 5, .theirs = 6,
                                 .n_addrs = n_addrs, .name_bytes = name_bytes, .was_bytes = name_bytes / 2, .petname_bytes = name_bytes / 3};

    fill(&row.card.key, n, sizeof row.card.key);
    fill(&row.card.sig, (uint8_t)(n + 1), sizeof row.card.sig);
    fill(&row.seed, (uint8_t)(n + 2), sizeof row.seed);
    for (uint8_t i = 0; i < n_addrs; i++)
        row.addrs[i] = some_addr(i);
    memset(row.name, 'n', row.name_bytes);
    memset(row.was, 'w', row.was_bytes);
    memset(row.petname, 'p', row.petname_bytes);
    if ((flags & GX_CONTACT_ASKS) != 0) {
        fill(row.create, (uint8_t)(n + 3), sizeof row.create);
        fill(&row.endpoint.device, (uint8_t)(n + 4), sizeof row.endpoint.device);
        fill(&row.endpoint.transport, (uint8_t)(n + 5), sizeof row.endpoint.transport);
        fill(&row.endpoint.sig, (uint8_t)(n + 6), sizeof row.endpoint.sig);
        row.endpoint.counter = 77;
        row.endpoint.n_addrs = 2;
        row.endpoint.addrs[0] = some_addr(3);
        row.endpoint.addrs[1] = some_addr(4);
    }
    return row;
}

static void assert_names_equal(const uint8_t *a, uint16_t n_a, const uint8_t *b, uint16_t n_b)
{
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, GX_NAME_BYTES_MAX);       /* zeroes behind it, too */
}

static void assert_contacts_equal(const struct gx_contact_row *a, const struct gx_contact_row *b)
{
    assert_memory_equal(&a->card.id, &b->card.id, sizeof a->card.id);
    assert_memory_equal(&a->card.key, &b->card.key, sizeof a->card.key);
    assert_int_equal(a->card.serial, b->card.serial);
    assert_memory_equal(&a->card.sig, &b->card.sig, sizeof a->card.sig);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->since_ms, b->since_ms);
    assert_int_equal(a->mine, b->mine);
    assert_int_equal(a->theirs, b->theirs);
    assert_memory_equal(&a->seed, &b->seed, sizeof a->seed);
    assert_int_equal(a->n_addrs, b->n_addrs);
    for (size_t i = 0; i < a->n_addrs; i++)
        assert_true(gx_addr_equal(&a->addrs[i], &b->addrs[i]));
    assert_names_equal(a->name, a->name_bytes, b->name, b->name_bytes);
    assert_names_equal(a->was, a->was_bytes, b->was, b->was_bytes);
    assert_names_equal(a->petname, a->petname_bytes, b->petname, b->petname_bytes);
    assert_memory_equal(a->create, b->create, sizeof a->create);
    assert_memory_equal(&a->endpoint.device, &b->endpoint.device, sizeof a->endpoint.device);
    assert_memory_equal(&a->endpoint.transport, &b->endpoint.transport, sizeof a->endpoint.transport);
    assert_int_equal(a->endpoint.counter, b->endpoint.counter);
    assert_int_equal(a->endpoint.n_addrs, b->endpoint.n_addrs);
    for (size_t i = 0; i < a->endpoint.n_addrs; i++)
        assert_true(gx_addr_equal(&a->endpoint.addrs[i], &b->endpoint.addrs[i]));
    assert_memory_equal(&a->endpoint.sig, &b->endpoint.sig, sizeof a->endpoint.sig);
}

/* A copy of a value, to be damaged and put back. */
struct value {
    uint8_t b[4096];
    size_t n;
};

static struct value value_of(struct gx_txn *txn, enum gx_table t, const struct gx_key *key)
{
    struct value v = {.n = 0};
    struct gx_span value;

    OK(gx_table_get(txn, &value, t, key));
    assert_true(value.n > 0 && value.n < sizeof v.b);
    memcpy(v.b, value.p, value.n);
    v.n = value.n;
    return v;
}

static void put_value(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, const struct value *v)
{
    OK(gx_table_put(txn, t, key, gx_span(v->b, v->n)));
}

/* ---- contacts ---- */

/* Where things stand in the value of a contact.  SCHEMA §2.12 */
enum { AT_FLAGS = 100, AT_MINE = 109, AT_N_ADDRS = 133, AT_ADDR = 134 };

static void test_contacts_come_back_whatever_they_hold(void **state)
{
    static const uint16_t names[] = {0, 1, 3, 255, GX_NAME_BYTES_MAX};
    struct place p;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (uint8_t flags = 0; flags < 128; flags++) {
        struct gx_contact_row row, put = some_contact(9, flags, flags % (GX_JOIN_ADDRS_MAX + 1), names[flags % GX_ARRAY_LEN(names)]);
        OK(gx_contact_put(txn, &put));
        memset(&row, 0xee, sizeof row);
        OK(gx_contact_next(txn, &row, NULL));
        assert_contacts_equal(&row, &put);
    }
    assert_int_equal(gx_table_rows(txn, GX_TABLE_CONTACT), 1);
    commit(txn);
    place_remove(&p);
}

static void test_contacts_are_walked_in_order_of_who_they_are(void **state)
{
    static const uint8_t order[] = {7, 255, 0, 128, 127, 1};
    static const uint8_t sorted[] = {0, 1, 7, 127, 128, 255};
    struct place p;
    struct gx_contact_row row;
    const struct gx_sign_pk *after = NULL;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    assert_int_equal(gx_contact_next(txn, &row, NULL), GX_E_ABSENT);
    for (size_t i = 0; i < GX_ARRAY_LEN(order); i++) {
        struct gx_contact_row put = some_contact(order[i], 0, 1, 4);
        OK(gx_contact_put(txn, &put));
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(sorted); i++) {
        struct gx_contact_row expected = some_contact(sorted[i], 0, 1, 4);
        OK(gx_contact_next(txn, &row, after));
        assert_contacts_equal(&row, &expected);
        after = &row.card.id;       /* inside what the next is written over */
    }
    assert_int_equal(gx_contact_next(txn, &row, after), GX_E_ABSENT);
    OK(gx_contact_next(txn, &row, &(struct gx_sign_pk){{2}}));      /* of nobody: the first above it */
    assert_int_equal(row.card.id.b[0], 7);
    commit(txn);
    place_remove(&p);
}

static void test_what_a_card_brought_goes_when_it_is_answered(void **state)
{
    struct place p;
    struct gx_contact_row row, put = some_contact(1, GX_CONTACT_ASKS, 1, 4), zero = {0};
    struct gx_key key = gx_key_id(put.card.id.b);
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_contact_put(txn, &put));
    struct value asks = value_of(txn, GX_TABLE_CONTACT, &key);
    put.flags = GX_CONTACT_TOLD;
    OK(gx_contact_put(txn, &put));
    struct value told = value_of(txn, GX_TABLE_CONTACT, &key);
    assert_int_equal(asks.n - told.n, GX_CREATE_EVENT_BYTES + 32 + 32 + 8 + 1 + 2 * 19 + 64);
    OK(gx_contact_next(txn, &row, NULL));
    assert_memory_equal(row.create, zero.create, sizeof row.create);
    assert_memory_equal(&row.endpoint, &zero.endpoint, sizeof row.endpoint);
    /* Neither may it be there without the flag, nor the flag without it. */
    asks.b[AT_FLAGS] = GX_CONTACT_TOLD;
    put_value(txn, GX_TABLE_CONTACT, &key, &asks);
    assert_int_equal(gx_contact_next(txn, &row, NULL), GX_E_CORRUPT);
    told.b[AT_FLAGS] = GX_CONTACT_ASKS;
    put_value(txn, GX_TABLE_CONTACT, &key, &told);
    assert_int_equal(gx_contact_next(txn, &row, NULL), GX_E_CORRUPT);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_deleted_contact_is_absent(void **state)
{
    struct place p;
    struct gx_contact_row row, first = some_contact(1, 0, 0, 0), second = some_contact(2, 0, 0, 0);
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_contact_put(txn, &first));
    OK(gx_contact_put(txn, &second));
    OK(gx_contact_del(txn, &first.card.id));
    assert_int_equal(gx_contact_del(txn, &first.card.id), GX_E_ABSENT);
    OK(gx_contact_next(txn, &row, NULL));
    assert_contacts_equal(&row, &second);
    commit(txn);
    place_remove(&p);
}

/* Read the only row, whatever it was damaged to: it is corrupt, or it is put again and is the same bytes. */
typedef enum gx_err again_fn(struct gx_txn *txn);

static enum gx_err contact_again(struct gx_txn *txn)
{
    struct gx_contact_row row;
    enum gx_err err = gx_contact_next(txn, &row, NULL);

    assert_true(row.n_addrs <= GX_JOIN_ADDRS_MAX && row.endpoint.n_addrs <= GX_ENDPOINT_ADDRS_MAX);
    assert_true(row.name_bytes <= GX_NAME_BYTES_MAX && row.was_bytes <= GX_NAME_BYTES_MAX && row.petname_bytes <= GX_NAME_BYTES_MAX);
    if (err == GX_OK)
        OK(gx_contact_put(txn, &row));
    return err;
}

static enum gx_err invited_again(struct gx_txn *txn)
{
    struct gx_invited_row row;
    enum gx_err err = gx_invited_next(txn, &row, NULL);

    assert_true(row.title_bytes <= GX_NAME_BYTES_MAX);
    if (err == GX_OK)
        OK(gx_invited_put(txn, &row));
    return err;
}

/* How many flipped bits were refused.  Whatever is taken has one encoding, and no other length is taken. */
static uint32_t damage(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, again_fn *again)
{
    struct value v = value_of(txn, t, key);
    size_t whole = v.n;
    uint32_t refused = 0;

    for (size_t i = 0; i < whole * 8; i++) {
        v.b[i / 8] ^= (uint8_t)(1u << i % 8);
        put_value(txn, t, key, &v);
        enum gx_err err = again(txn);
        assert_true(err == GX_OK || err == GX_E_CORRUPT);
        struct value after = value_of(txn, t, key);
        assert_int_equal(after.n, whole);
        assert_memory_equal(after.b, v.b, whole);
        v.b[i / 8] ^= (uint8_t)(1u << i % 8);
        refused += err == GX_E_CORRUPT;
    }
    for (v.n = 0; v.n <= whole + 1; v.n++) {
        put_value(txn, t, key, &v);
        assert_int_equal(again(txn), v.n == whole ? GX_OK : GX_E_CORRUPT);
    }
    return refused;
}

static void test_a_damaged_contact_is_corrupt_or_another_contact(void **state)
{
    struct place p;
    (void)state;

    place_fresh(&p);
    /* One flag and ASKS, the count of addresses, their families, what IPv4 leaves unused, three lengths, the high bit of each letter. */
    const uint32_t fixed = 2 + 8 + 22 + 2 * 96 + 3 * 16 + 22;
    /* And of the endpoint record: the count of addresses, their families, what IPv4 leaves unused. */
    const uint32_t asks = 8 + 15 + 96;
    for (uint8_t flags = 0; flags <= GX_CONTACT_ASKS; flags += GX_CONTACT_ASKS) {
        struct gx_contact_row put = some_contact(1, flags, 3, 12);
        struct gx_key key = gx_key_id(put.card.id.b);
        struct gx_txn *txn = begin(&p, true);
        OK(gx_contact_put(txn, &put));
        assert_int_equal(damage(txn, GX_TABLE_CONTACT, &key, contact_again), fixed + (flags == 0 ? 0 : asks));
        gx_txn_abort(&txn);
    }
    place_remove(&p);
}

static void test_a_contact_that_breaks_its_own_rules_is_corrupt(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t bytes[4];
        size_t n;
    } breaches[] = {
        {"a flag of a later version", AT_FLAGS, {128}, 1},
        {"one chat for both", AT_MINE, {6, 0, 0, 0}, 4},
        {"more addresses than there is room for", AT_N_ADDRS, {GX_JOIN_ADDRS_MAX + 1}, 1},
        {"an address of no family with a port", AT_ADDR, {0}, 1},
        {"something behind the four bytes of IPv4", AT_ADDR + 1 + 4, {1}, 1},
        {"a name with half a character", AT_ADDR + 19 + 2 + 3, {0xc3}, 1},
        {"a name with a zero", AT_ADDR + 19 + 2, {0}, 1},
        {"a name that is longer than the row", AT_ADDR + 19, {255, 0}, 2},
    };
    struct place p;
    struct gx_contact_row row, put = some_contact(1, 0, 1, 4);
    struct gx_key key = gx_key_id(put.card.id.b);
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_contact_put(txn, &put));
    struct value sound = value_of(txn, GX_TABLE_CONTACT, &key);
    for (size_t i = 0; i < GX_ARRAY_LEN(breaches); i++) {
        struct value v = sound;
        memcpy(v.b + breaches[i].at, breaches[i].bytes, breaches[i].n);
        put_value(txn, GX_TABLE_CONTACT, &key, &v);
        enum gx_err err = gx_contact_next(txn, &row, NULL);
        if (err != GX_E_CORRUPT)
            print_error("%s was taken\n", breaches[i].what);
        assert_int_equal(err, GX_E_CORRUPT);
    }
    put_value(txn, GX_TABLE_CONTACT, &key, &sound);
    OK(gx_contact_next(txn, &row, NULL));
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* A name that is one byte too long, in a row that is otherwise as it should be. */
static void test_a_name_has_256_bytes_at_most(void **state)
{
    struct place p;
    struct gx_contact_row row, put = some_contact(1, 0, 0, GX_NAME_BYTES_MAX);
    struct gx_key key = gx_key_id(put.card.id.b);
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_contact_put(txn, &put));
    struct value v = value_of(txn, GX_TABLE_CONTACT, &key);
    assert_int_equal(v.b[AT_ADDR] | v.b[AT_ADDR + 1] << 8, GX_NAME_BYTES_MAX);
    v.b[AT_ADDR]++;
    memmove(v.b + AT_ADDR + 3, v.b + AT_ADDR + 2, v.n - AT_ADDR - 2);
    v.n++;
    put_value(txn, GX_TABLE_CONTACT, &key, &v);
    assert_int_equal(gx_contact_next(txn, &row, NULL), GX_E_CORRUPT);
    assert_int_equal(row.name_bytes, 0);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_walk_goes_on_after_a_contact_that_makes_no_sense(void **state)
{
    struct place p;
    struct gx_contact_row row, bad = some_contact(1, 0, 0, 4), good = some_contact(2, 0, 0, 4);
    struct gx_key key = gx_key_id(bad.card.id.b);
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_contact_put(txn, &good));
    OK(gx_table_put(txn, GX_TABLE_CONTACT, &key, gx_span("?", 1)));
    assert_int_equal(gx_contact_next(txn, &row, NULL), GX_E_CORRUPT);
    assert_memory_equal(&row.card.id, &bad.card.id, sizeof row.card.id);
    OK(gx_contact_next(txn, &row, &row.card.id));
    assert_contacts_equal(&row, &good);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_a_contact_under_a_key_of_another_length_is_corrupt(void **state)
{
    struct place p;
    struct gx_contact_row row, put = some_contact(1, 0, 0, 4);
    struct gx_key key = gx_key_id(put.card.id.b);
    (void)state;

    place_fresh(&p);
    for (size_t n = 31; n <= 33; n += 2) {
        struct gx_txn *txn = begin(&p, true);
        OK(gx_contact_put(txn, &put));
        struct value v = value_of(txn, GX_TABLE_CONTACT, &key);
        OK(gx_contact_del(txn, &put.card.id));
        struct gx_key other = key;
        other.n = n;
        put_value(txn, GX_TABLE_CONTACT, &other, &v);
        assert_int_equal(gx_contact_next(txn, &row, NULL), GX_E_CORRUPT);
        gx_txn_abort(&txn);
    }
    place_remove(&p);
}

/* ---- what would be corrupt is never put ---- */

static struct gx_txn *wrong_txn;

static void put_with(uint8_t flags, uint8_t n_addrs, uint16_t was_bytes, uint8_t letter, uint32_t theirs)
{
    struct gx_contact_row row = some_contact(1, 0, 0, 4);

    row.flags = flags;
    row.n_addrs = n_addrs;
    row.was_bytes = was_bytes;
    row.petname[0] = letter;
    row.theirs = theirs;
    (void)!gx_contact_put(wrong_txn, &row);
}

static void a_later_flag(void)
{
    put_with(128, 0, 2, 'p', 6);
}

static void too_many_addresses(void)
{
    put_with(0, GX_JOIN_ADDRS_MAX + 1, 2, 'p', 6);
}

static void a_name_too_long(void)
{
    put_with(0, 0, GX_NAME_BYTES_MAX + 1, 'p', 6);
}

static void a_name_that_is_no_text(void)
{
    put_with(0, 0, 2, 0xff, 6);
}

static void one_chat_for_both(void)
{
    put_with(0, 0, 2, 'p', 5);
}

static void no_mistake(void)
{
    put_with(0, 0, 2, 'p', 6);
}

static void test_what_would_be_corrupt_is_never_put(void **state)
{
    void (*const mistakes[])(void) = {a_later_flag, too_many_addresses, a_name_too_long, a_name_that_is_no_text, one_chat_for_both};
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

/* ---- invitations of contacts ---- */

static void test_a_group_is_asked_for_by_its_number(void **state)
{
    struct place p;
    struct gx_asked_row row, first = {.contact = person(1), .inviter = person(2)},
                        second = {.contact = person(3), .inviter = person(4), .title_bytes = 3, .title = "tea"};
    struct gx_key key = gx_key_u32(7);
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    assert_int_equal(gx_asked_get(txn, &row, 7), GX_E_ABSENT);
    OK(gx_asked_put(txn, 7, &first));
    OK(gx_asked_put(txn, 8, &second));
    OK(gx_asked_get(txn, &row, 7));
    assert_memory_equal(&row, &first, sizeof row);
    OK(gx_asked_put(txn, 7, &second));
    OK(gx_asked_get(txn, &row, 7));
    assert_memory_equal(&row, &second, sizeof row);
    struct value v = value_of(txn, GX_TABLE_ASKED, &key);
    size_t whole = v.n;
    assert_int_equal(whole, 64 + 2 + 3);
    for (v.n = 0; v.n <= whole + 1; v.n++) {
        put_value(txn, GX_TABLE_ASKED, &key, &v);
        assert_int_equal(gx_asked_get(txn, &row, 7), v.n == whole ? GX_OK : GX_E_CORRUPT);
    }
    OK(gx_asked_del(txn, 7));
    assert_int_equal(gx_asked_del(txn, 7), GX_E_ABSENT);
    assert_int_equal(gx_asked_get(txn, &row, 7), GX_E_ABSENT);
    OK(gx_asked_get(txn, &row, 8));
    commit(txn);
    place_remove(&p);
}

static void test_offers_are_walked_group_by_group(void **state)
{
    static const uint8_t sorted[] = {0, 3, 9, 255};
    struct place p;
    struct gx_sign_pk contact;
    const struct gx_sign_pk *after = NULL;
    uint64_t until_ms;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (size_t i = GX_ARRAY_LEN(sorted); i-- > 0;) {
        contact = person(sorted[i]);
        OK(gx_offered_put(txn, 1, &contact, 1));
        OK(gx_offered_put(txn, 1, &contact, UINT64_MAX - sorted[i]));       /* invited again */
        OK(gx_offered_put(txn, 2, &contact, 2));
    }
    for (size_t i = 0; i < GX_ARRAY_LEN(sorted); i++) {
        OK(gx_offered_next(txn, &contact, &until_ms, 1, after));
        assert_int_equal(contact.b[31], sorted[i]);
        assert_true(until_ms == UINT64_MAX - sorted[i]);
        after = &contact;
    }
    assert_int_equal(gx_offered_next(txn, &contact, &until_ms, 1, after), GX_E_ABSENT);
    assert_int_equal(gx_offered_next(txn, &contact, &until_ms, 3, NULL), GX_E_ABSENT);
    contact = person(0);
    OK(gx_offered_del(txn, 1, &contact));
    assert_int_equal(gx_offered_del(txn, 1, &contact), GX_E_ABSENT);
    OK(gx_offered_next(txn, &contact, &until_ms, 1, NULL));
    assert_int_equal(contact.b[0], 3);
    OK(gx_offered_next(txn, &contact, &until_ms, 2, NULL));
    assert_int_equal(contact.b[0], 0);
    assert_int_equal(until_ms, 2);
    struct gx_key key = gx_key_u32_id(2, contact.b);
    struct value v = value_of(txn, GX_TABLE_OFFERED, &key);
    size_t whole = v.n;
    for (v.n = 0; v.n <= whole + 1; v.n++) {
        put_value(txn, GX_TABLE_OFFERED, &key, &v);
        assert_int_equal(gx_offered_next(txn, &contact, &until_ms, 2, NULL), v.n == whole ? GX_OK : GX_E_CORRUPT);
    }
    commit(txn);
    place_remove(&p);
}

static struct gx_invited_row some_invited(uint8_t n, uint16_t title_bytes)
{
    struct gx_invited_row row = {.contact = person((uint8_t)(n + 1)), .inviter = person((uint8_t)(n + 2)), .since_ms = 1700000000000ull + n,
                                 .title_bytes = title_bytes};

    memset(row.invite.b, n, sizeof row.invite.b);
    fill(row.create, n, sizeof row.create);
    memset(row.title, 't', title_bytes);
    return row;
}

static void assert_invited_equal(const struct gx_invited_row *a, const struct gx_invited_row *b)
{
    assert_memory_equal(&a->invite, &b->invite, sizeof a->invite);
    assert_memory_equal(&a->contact, &b->contact, sizeof a->contact);
    assert_memory_equal(&a->inviter, &b->inviter, sizeof a->inviter);
    assert_int_equal(a->since_ms, b->since_ms);
    assert_memory_equal(a->create, b->create, sizeof a->create);
    assert_names_equal(a->title, a->title_bytes, b->title, b->title_bytes);
}

static void test_invitations_wait_until_they_are_answered(void **state)
{
    static const uint16_t titles[] = {0, 1, GX_NAME_BYTES_MAX};
    struct place p;
    struct gx_invited_row row;
    const struct gx_event_id *after = NULL;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    assert_int_equal(gx_invited_next(txn, &row, NULL), GX_E_ABSENT);
    for (uint8_t i = GX_ARRAY_LEN(titles); i-- > 0;) {
        struct gx_invited_row put = some_invited((uint8_t)(i * 100), titles[i]);
        OK(gx_invited_put(txn, &put));
    }
    for (uint8_t i = 0; i < GX_ARRAY_LEN(titles); i++) {
        struct gx_invited_row expected = some_invited((uint8_t)(i * 100), titles[i]);
        OK(gx_invited_next(txn, &row, after));
        assert_invited_equal(&row, &expected);
        after = &row.invite;
    }
    assert_int_equal(gx_invited_next(txn, &row, after), GX_E_ABSENT);
    OK(gx_invited_del(txn, &row.invite));
    assert_int_equal(gx_invited_del(txn, &row.invite), GX_E_ABSENT);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_INVITED), GX_ARRAY_LEN(titles) - 1);
    commit(txn);
    place_remove(&p);
}

static struct gx_told_row some_told(uint8_t n)
{
    struct gx_told_row row = {.contact = person((uint8_t)(n + 1)), .member = person((uint8_t)(n + 2))};

    memset(row.reveal.b, n, sizeof row.reveal.b);
    fill(row.group.b, n, sizeof row.group.b);
    fill(row.mac.b, (uint8_t)(n + 3), sizeof row.mac.b);
    return row;
}

static void test_what_contacts_say_to_be_waits_until_it_can_be_looked_at(void **state)
{
    struct place p;
    struct gx_told_row row, expected;
    const struct gx_event_id *after = NULL;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    assert_int_equal(gx_told_next(txn, &row, NULL), GX_E_ABSENT);
    for (uint8_t i = 3; i-- > 0;) {
        expected = some_told((uint8_t)(i * 100));
        OK(gx_told_put(txn, &expected));
    }
    for (uint8_t i = 0; i < 3; i++) {
        expected = some_told((uint8_t)(i * 100));
        OK(gx_told_next(txn, &row, after));
        assert_memory_equal(&row, &expected, sizeof row);
        after = &row.reveal;
    }
    assert_int_equal(gx_told_next(txn, &row, after), GX_E_ABSENT);

    struct gx_key key = gx_key_id(row.reveal.b);
    struct value v = value_of(txn, GX_TABLE_TOLD, &key);
    size_t whole = v.n;
    struct gx_event_id before = some_told(100).reveal;

    for (v.n = 0; v.n <= whole + 1; v.n++) {
        put_value(txn, GX_TABLE_TOLD, &key, &v);
        assert_int_equal(gx_told_next(txn, &row, &before), v.n == whole ? GX_OK : GX_E_CORRUPT);
    }
    OK(gx_told_del(txn, &expected.reveal));
    assert_int_equal(gx_told_del(txn, &expected.reveal), GX_E_ABSENT);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_TOLD), 2);
    commit(txn);
    place_remove(&p);
}

static void test_a_damaged_invitation_is_corrupt_or_another_invitation(void **state)
{
    struct place p;
    struct gx_invited_row put = some_invited(1, 12);
    struct gx_key key = gx_key_id(put.invite.b);
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_invited_put(txn, &put));
    assert_int_equal(damage(txn, GX_TABLE_INVITED, &key, invited_again), 16 + 12);      /* its length, the high bit of each letter */
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* ---- who is who ---- */

static void test_members_that_revealed_themselves_are_walked_group_by_group(void **state)
{
    struct place p;
    struct gx_sign_pk member, contact;
    const struct gx_sign_pk *after = NULL;
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (int i = 250; i >= 0; i -= 50) {
        member = person((uint8_t)i);
        contact = person((uint8_t)(i + 1));
        OK(gx_revealed_put(txn, 1, &member, &member));
        OK(gx_revealed_put(txn, 1, &member, &contact));
        OK(gx_revealed_put(txn, 3, &member, &contact));
    }
    for (int i = 0; i <= 250; i += 50) {
        OK(gx_revealed_next(txn, &member, &contact, 1, after));
        assert_int_equal(member.b[31], i);
        assert_int_equal(contact.b[31], i + 1);
        after = &member;
    }
    assert_int_equal(gx_revealed_next(txn, &member, &contact, 1, after), GX_E_ABSENT);
    assert_int_equal(gx_revealed_next(txn, &member, &contact, 2, NULL), GX_E_ABSENT);
    assert_int_equal(gx_revealed_next(txn, &member, &contact, 4, NULL), GX_E_ABSENT);
    member = person(0);
    struct gx_key key = gx_key_u32_id(3, member.b);
    struct value v = value_of(txn, GX_TABLE_REVEALED, &key);
    size_t whole = v.n;
    assert_int_equal(whole, 32);
    for (v.n = 0; v.n <= whole + 1; v.n++) {
        put_value(txn, GX_TABLE_REVEALED, &key, &v);
        assert_int_equal(gx_revealed_next(txn, &member, &contact, 3, NULL), v.n == whole ? GX_OK : GX_E_CORRUPT);
    }
    commit(txn);
    place_remove(&p);
}

/* ---- all of them ---- */

static void test_forgetting_a_group_forgets_whom_it_was_offered_to_and_who_is_who(void **state)
{
    struct place p;
    struct gx_asked_row asked = {.contact = person(1), .inviter = person(2)};
    struct gx_contact_row contact = some_contact(1, 0, 1, 4);
    struct gx_invited_row invited = some_invited(1, 4);
    (void)state;

    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    for (uint32_t gnum = 1; gnum <= 3; gnum++) {
        group_put(txn, gnum);
        OK(gx_asked_put(txn, gnum, &asked));
        for (int i = 0; i < 200; i++) {
            struct gx_sign_pk id = person((uint8_t)i);
            OK(gx_offered_put(txn, gnum, &id, 5));
            OK(gx_revealed_put(txn, gnum, &id, &id));
        }
    }
    OK(gx_contact_put(txn, &contact));
    OK(gx_invited_put(txn, &invited));
    OK(gx_group_forget(txn, 2));
    commit(txn);
    txn = begin(&p, false);
    for (uint32_t gnum = 1; gnum <= 3; gnum++) {
        enum gx_err expected = gnum == 2 ? GX_E_ABSENT : GX_OK;
        struct gx_sign_pk a, b;
        uint64_t until_ms;
        assert_int_equal(gx_asked_get(txn, &asked, gnum), expected);
        assert_int_equal(gx_offered_next(txn, &a, &until_ms, gnum, NULL), expected);
        assert_int_equal(gx_revealed_next(txn, &a, &b, gnum, NULL), expected);
    }
    assert_int_equal(gx_table_rows(txn, GX_TABLE_ASKED), 2);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_OFFERED), 400);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_REVEALED), 400);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_CONTACT), 1);
    assert_int_equal(gx_table_rows(txn, GX_TABLE_INVITED), 1);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_people_survive_a_restart(void **state)
{
    struct place p;
    struct gx_contact_row contact, put = some_contact(1, GX_CONTACT_ASKS | GX_CONTACT_CHANGED, 8, GX_NAME_BYTES_MAX);
    struct gx_invited_row invited, put_invited = some_invited(2, GX_NAME_BYTES_MAX);
    (void)state;

    place_make(&p);
    OK(place_open(&p, (struct gx_store_options){.create = true}));
    struct gx_txn *txn = begin(&p, true);
    OK(gx_contact_put(txn, &put));
    OK(gx_invited_put(txn, &put_invited));
    commit(txn);
    place_close(&p);
    OK(place_open(&p, (struct gx_store_options){.read_only = true}));
    txn = begin(&p, false);
    OK(gx_contact_next(txn, &contact, NULL));
    assert_contacts_equal(&contact, &put);
    OK(gx_invited_next(txn, &invited, NULL));
    assert_invited_equal(&invited, &put_invited);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* As long as a row can be: what SCHEMA says of it. */
static void test_the_longest_rows_are_as_long_as_the_specification_says(void **state)
{
    struct place p;
    struct gx_contact_row contact = some_contact(1, GX_CONTACT_ASKS, GX_JOIN_ADDRS_MAX, 0);
    struct gx_invited_row invited = some_invited(1, GX_NAME_BYTES_MAX);
    struct gx_key contact_key = gx_key_id(contact.card.id.b), invited_key = gx_key_id(invited.invite.b);
    (void)state;

    contact.name_bytes = contact.was_bytes = contact.petname_bytes = GX_NAME_BYTES_MAX;
    memset(contact.name, 'n', GX_NAME_BYTES_MAX);
    memset(contact.was, 'w', GX_NAME_BYTES_MAX);
    memset(contact.petname, 'p', GX_NAME_BYTES_MAX);
    contact.endpoint.n_addrs = GX_ENDPOINT_ADDRS_MAX;
    for (uint8_t i = 0; i < GX_ENDPOINT_ADDRS_MAX; i++)
        contact.endpoint.addrs[i] = some_addr(i);
    place_fresh(&p);
    struct gx_txn *txn = begin(&p, true);
    OK(gx_contact_put(txn, &contact));
    OK(gx_invited_put(txn, &invited));
    assert_int_equal(value_of(txn, GX_TABLE_CONTACT, &contact_key).n, 1690);
    assert_int_equal(value_of(txn, GX_TABLE_INVITED, &invited_key).n, 747);
    gx_txn_abort(&txn);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contacts_come_back_whatever_they_hold),
        cmocka_unit_test(test_contacts_are_walked_in_order_of_who_they_are),
        cmocka_unit_test(test_what_a_card_brought_goes_when_it_is_answered),
        cmocka_unit_test(test_a_deleted_contact_is_absent),
        cmocka_unit_test(test_a_damaged_contact_is_corrupt_or_another_contact),
        cmocka_unit_test(test_a_contact_that_breaks_its_own_rules_is_corrupt),
        cmocka_unit_test(test_a_name_has_256_bytes_at_most),
        cmocka_unit_test(test_a_walk_goes_on_after_a_contact_that_makes_no_sense),
        cmocka_unit_test(test_a_contact_under_a_key_of_another_length_is_corrupt),
        cmocka_unit_test(test_what_would_be_corrupt_is_never_put),
        cmocka_unit_test(test_a_group_is_asked_for_by_its_number),
        cmocka_unit_test(test_offers_are_walked_group_by_group),
        cmocka_unit_test(test_what_contacts_say_to_be_waits_until_it_can_be_looked_at),
        cmocka_unit_test(test_invitations_wait_until_they_are_answered),
        cmocka_unit_test(test_a_damaged_invitation_is_corrupt_or_another_invitation),
        cmocka_unit_test(test_members_that_revealed_themselves_are_walked_group_by_group),
        cmocka_unit_test(test_forgetting_a_group_forgets_whom_it_was_offered_to_and_who_is_who),
        cmocka_unit_test(test_people_survive_a_restart),
        cmocka_unit_test(test_the_longest_rows_are_as_long_as_the_specification_says),
    };
    return cmocka_run_group_tests_name("store/people", tests, NULL, NULL);
}
