#include "tests/unit/store/support.h"

#include "store/keys.h"
#include "store/people.h"
#include "store/wrap.h"

#define CANARY "canary-canary-canary-canary-abcd"      /* 32 bytes, as long as a key */

static const struct gx_root_key roots[3] = {{{1}}, {{2}}, {{3}}};

static struct gx_store_options with(const struct gx_root_key *first, size_t n)
{
    return (struct gx_store_options){.create = true, .volatile_store = true, .roots = first, .n_roots = n};
}

/* One secret of each kind, in the groups 1 to n and in what belongs to no group. */
static void put_secrets(struct gx_txn *txn, uint32_t n)
{
    struct gx_contact_row contact = {.card = {.id = {{9}}}};

    contact.petname_bytes = strlen(CANARY);
    memcpy(contact.petname, CANARY, strlen(CANARY));
    OK(gx_contact_put(txn, &contact));
    for (uint32_t gnum = 1; gnum <= n; gnum++) {
        struct gx_group_row group = {.gnum = gnum, .state = GX_GROUP_MEMBER, .since_ms = 1};
        struct gx_prekey_row prekey = {.pk = {{7}}};
        struct gx_epoch_row epoch = {.state = GX_EPOCH_OPEN, .n_chains = 1, .gate = {{1}}};
        struct gx_chain_row chain = {.log = {{1}}};
        struct gx_message_key mk;

        memcpy(mk.b, CANARY, sizeof mk.b);
        memcpy(prekey.sk.b, CANARY, sizeof prekey.sk.b);
        memcpy(group.prekey_sk.b, CANARY, sizeof group.prekey_sk.b);
        memcpy(chain.key.b, CANARY, sizeof chain.key.b);
        OK(gx_group_put(txn, &group));
        OK(gx_prekey_put(txn, gnum, &prekey));
        OK(gx_epoch_put(txn, gnum, 1, &epoch, &chain));
        OK(gx_kept_put(txn, gnum, 1, &chain.log, 2, &mk));
        OK(gx_message_key_put(txn, gnum, 3, &mk));
    }
}

static void assert_secrets(struct gx_txn *txn, uint32_t gnum)
{
    struct gx_contact_row contact;
    struct gx_group_row group;
    struct gx_prekey_row prekey;
    struct gx_chain_row chain;
    struct gx_message_key mk;

    OK(gx_contact_next(txn, &contact, NULL));
    assert_int_equal(contact.petname_bytes, strlen(CANARY));
    assert_memory_equal(contact.petname, CANARY, strlen(CANARY));
    OK(gx_group_next(txn, &group, gnum - 1));
    assert_int_equal(group.gnum, gnum);
    assert_memory_equal(group.prekey_sk.b, CANARY, 32);
    OK(gx_prekey_next(txn, &prekey, gnum, NULL));
    assert_memory_equal(prekey.sk.b, CANARY, 32);
    OK(gx_epoch_chains(txn, &chain, 1, gnum, 1));
    assert_memory_equal(chain.key.b, CANARY, 32);
    OK(gx_message_key_get(txn, &mk, gnum, 3));
    assert_memory_equal(mk.b, CANARY, 32);
}

static void scene(struct place *p, const struct gx_root_key *root, uint32_t n)
{
    place_make(p);
    OK(place_open(p, with(root, 1)));
    struct gx_txn *txn = begin(p, true);
    put_secrets(txn, n);
    commit(txn);
}

/* The whole file, with whatever LMDB left in it. */
struct image {
    uint8_t *b;
    size_t n;
};

static struct image image_of(const struct place *p)
{
    struct image image;
    struct stat st;
    int fd = open(p->file, O_RDONLY);

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    image.n = (size_t)st.st_size;
    image.b = malloc(image.n);
    assert_int_equal(read(fd, image.b, image.n), st.st_size);
    close(fd);
    return image;
}

/* --- what is sealed --------------------------------------------------------------------------------------------------------------- */

static void test_no_secret_lies_in_the_file(void **state)
{
    struct place p;
    (void)state;

    scene(&p, &roots[0], 3);
    place_close(&p);
    struct image image = image_of(&p);
    assert_null(memmem(image.b, image.n, CANARY, 8));
    assert_non_null(memmem(image.b, image.n, "format", 6));      /* the search finds what is there */
    free(image.b);
    place_remove(&p);
}

static void test_with_the_root_key_all_is_there_again(void **state)
{
    struct place p;
    (void)state;

    scene(&p, &roots[0], 3);
    place_close(&p);
    OK(place_open(&p, with(&roots[0], 1)));
    struct gx_txn *txn = begin(&p, false);
    for (uint32_t gnum = 1; gnum <= 3; gnum++)
        assert_secrets(txn, gnum);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_without_it_the_rest_can_be_read_and_nothing_sealed_changed(void **state)
{
    struct place p;
    struct gx_group_row group;
    struct gx_prekey_row prekey = {.pk = {{7}}};
    struct gx_check_report report;
    struct gx_message_key mk = {{0}};
    int sys_errno;
    (void)state;

    scene(&p, &roots[0], 1);
    place_close(&p);
    OK(gx_store_open(&p.store, p.dir, &(struct gx_store_options){.volatile_store = true}, &sys_errno));
    struct gx_txn *txn = begin(&p, true);
    OK(gx_group_next(txn, &group, 0));
    assert_int_equal(group.state, GX_GROUP_MEMBER);
    for (size_t i = 0; i < sizeof group.prekey_sk.b; i++)
        assert_int_equal(group.prekey_sk.b[i], 0);
    assert_int_equal(gx_message_key_get(txn, &mk, 1, 3), GX_E_LOCKED);
    assert_int_equal(gx_message_key_put(txn, 1, 3, &mk), GX_E_LOCKED);
    assert_int_equal(gx_prekey_next(txn, &prekey, 1, NULL), GX_E_LOCKED);
    assert_int_equal(gx_prekey_put(txn, 1, &prekey), GX_E_LOCKED);
    assert_int_equal(gx_group_put(txn, &group), GX_E_LOCKED);
    OK(gx_store_check(txn, &report, NULL, NULL));
    assert_int_equal(report.unopened, 7);      /* contact, epoch, prekey, kept, key, and two of wrap */
    assert_int_equal(gx_prekey_del(txn, 1, &prekey.pk), GX_E_LOCKED);
    assert_int_equal(gx_txn_commit(&txn), GX_E_LOCKED);
    gx_txn_abort(&txn);
    assert_int_equal(gx_store_rewrap(p.store, &roots[1]), GX_E_LOCKED);
    place_remove(&p);
}

static void test_a_store_of_another_vault_is_not_opened(void **state)
{
    struct place p;
    (void)state;

    scene(&p, &roots[0], 1);
    place_close(&p);
    assert_int_equal(place_open(&p, with(&roots[1], 2)), GX_E_LOCKED);
    assert_null(p.store);
    place_remove(&p);
}

static void test_of_two_root_keys_the_one_that_fits_is_found(void **state)
{
    struct place p;
    (void)state;

    for (size_t first = 0; first < 2; first++) {
        scene(&p, &roots[1], 1);
        place_close(&p);
        OK(place_open(&p, with(&roots[first], 2)));
        assert_true(gx_store_root_is(p.store, &roots[1]));
        assert_false(gx_store_root_is(p.store, &roots[0]) || gx_store_root_is(p.store, &roots[2]));
        struct gx_txn *txn = begin(&p, false);
        assert_secrets(txn, 1);
        gx_txn_abort(&txn);
        place_remove(&p);
    }
}

/* Where nothing is sealed yet, the vault of a rotation that did not get to the store has the new one last. */
static void test_an_empty_store_takes_the_newest_root_key(void **state)
{
    struct place p;
    (void)state;

    place_make(&p);
    OK(place_open(&p, with(&roots[0], 2)));
    assert_true(gx_store_root_is(p.store, &roots[1]));
    place_remove(&p);
}

static void test_a_sealed_row_that_was_changed_or_moved_is_corrupt(void **state)
{
    struct place p;
    struct gx_message_key mk;
    uint8_t copy[256];
    (void)state;

    scene(&p, &roots[0], 2);
    struct gx_txn *txn = begin(&p, true);
    struct gx_key at = gx_key_u32_u64(1, 0), other = gx_key_u32_u64(2, 0), later = gx_key_u32_u64(1, 1);
    struct gx_span key, raw;
    OK(gx_table_seek_raw(txn, &key, &raw, GX_TABLE_KEY, &at));
    size_t n = raw.n;
    assert_true(n <= sizeof copy);
    memcpy(copy, raw.p, n);
    const struct gx_key *const places[] = {&at, &other, &later};
    for (size_t i = 0; i < GX_ARRAY_LEN(places); i++) {
        uint8_t *room;

        OK(gx_table_reserve(txn, &room, GX_TABLE_KEY, places[i], n, false));
        memcpy(room, copy, n);
        uint64_t arrival = i == 2 ? GX_KEY_BLOCK + 3 : 3;
        assert_int_equal(gx_message_key_get(txn, &mk, i == 1 ? 2 : 1, arrival), i == 0 ? GX_OK : GX_E_CORRUPT);
    }
    for (size_t bit = 0; bit < 8 * n; bit++) {
        uint8_t *room;

        OK(gx_table_reserve(txn, &room, GX_TABLE_KEY, &at, n, false));
        memcpy(room, copy, n);
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(gx_message_key_get(txn, &mk, 1, 3), GX_E_CORRUPT);
    }
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *room;

        OK(gx_table_reserve(txn, &room, GX_TABLE_KEY, &at, cut, false));
        if (cut > 0)
            memcpy(room, copy, cut);
        assert_int_equal(gx_message_key_get(txn, &mk, 1, 3), GX_E_CORRUPT);
    }
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* --- changing the keys -------------------------------------------------------------------------------------------------------------- */

static void test_after_the_keys_changed_all_is_there_and_the_old_root_key_opens_nothing(void **state)
{
    struct place p;
    (void)state;

    scene(&p, &roots[0], 60);       /* more than are kept at hand */
    OK(gx_store_rewrap(p.store, &roots[1]));
    OK(gx_store_rewrap(p.store, &roots[2]));
    struct gx_txn *txn = begin(&p, false);
    for (uint32_t gnum = 1; gnum <= 60; gnum++)
        assert_secrets(txn, gnum);
    gx_txn_abort(&txn);
    place_close(&p);
    assert_int_equal(place_open(&p, with(&roots[0], 2)), GX_E_LOCKED);
    OK(place_open(&p, with(&roots[2], 1)));
    txn = begin(&p, false);
    for (uint32_t gnum = 1; gnum <= 60; gnum++)
        assert_secrets(txn, gnum);
    gx_txn_abort(&txn);
    place_remove(&p);
}

/* A thief has the file, with all that LMDB left in it, and a root key: every wrap key that it can open. */
static size_t wrap_keys_in(uint8_t keys[][32], size_t max, struct image image, const struct gx_root_key *root, uint32_t gnum)
{
    uint8_t aad[] = {4, 'w', 'r', 'a', 'p', 0, 0, 0, (uint8_t)gnum}, both[64];
    size_t n = 0;

    for (size_t at = 0; at + 24 + 64 + 16 <= image.n; at += 2) {       /* LMDB puts values at even places */
        struct gx_aead_nonce nonce;

        memcpy(nonce.b, image.b + at, sizeof nonce.b);
        if (gx_aead_open(both, root->b, &nonce, gx_span(aad, sizeof aad), gx_span(image.b + at + 24, 64 + 16))) {
            assert_true(n + 2 <= max);
            memcpy(keys[n++], both, 32);
            memcpy(keys[n++], both + 32, 32);
        }
    }
    return n;
}

/* Can it read the prekey of group 1 that was there before? */
static bool thief_reads(struct image image, const struct gx_root_key *root, struct gx_span sealed)
{
    static uint8_t keys[64][32];
    size_t n = wrap_keys_in(keys, 64, image, root, 1);
    uint8_t aad[7 + 36] = {6, 'p', 'r', 'e', 'k', 'e', 'y', 0, 0, 0, 1, 7}, text[64];
    struct gx_aead_nonce nonce;
    bool reads = false;

    assert_true(n > 0 && sealed.n == 40 + 24 + 16);
    memcpy(nonce.b, sealed.p, sizeof nonce.b);
    for (size_t i = 0; i < n; i++)
        reads = reads || gx_aead_open(text, keys[i], &nonce, gx_span(aad, sizeof aad), gx_span(sealed.p + 24, sealed.n - 24));
    return reads;
}

static void test_what_was_deleted_is_gone_once_the_keys_changed(void **state)
{
    static const struct gx_dh_pk pk = {{7}};
    struct place p;
    uint8_t sealed[128];
    (void)state;

    /* The first change since the store was opened seals all anew; later ones only what changed, and to be deleted is to change. */
    for (size_t round = 0; round < 2; round++) {
        scene(&p, &roots[0], 2);
        for (size_t i = 0; i < round; i++)
            OK(gx_store_rewrap(p.store, &roots[0]));
        struct gx_txn *txn = begin(&p, true);
        struct gx_key at = gx_key_u32_id(1, pk.b);
        struct gx_span key, raw;
        OK(gx_table_seek_raw(txn, &key, &raw, GX_TABLE_PREKEY, &at));
        size_t n = raw.n;
        assert_true(n <= sizeof sealed);
        memcpy(sealed, raw.p, n);
        OK(gx_prekey_del(txn, 1, &pk));
        commit(txn);
        struct image before = image_of(&p);
        assert_true(thief_reads(before, &roots[0], gx_span(sealed, n)));
        OK(gx_store_rewrap(p.store, &roots[1]));
        struct image after = image_of(&p);
        assert_false(thief_reads(after, &roots[1], gx_span(sealed, n)));
        free(before.b);
        free(after.b);
        place_remove(&p);
    }
}

static void test_of_a_forgotten_group_no_key_stays(void **state)
{
    static uint8_t keys[64][32];
    struct place p;
    struct gx_message_key mk;
    (void)state;

    scene(&p, &roots[0], 2);
    assert_false(gx_store_rewrap_due(p.store));
    struct gx_txn *txn = begin(&p, true);
    OK(gx_group_forget(txn, 1));
    assert_int_equal(gx_message_key_get(txn, &mk, 1, 3), GX_E_ABSENT);
    assert_secrets(txn, 2);
    commit(txn);
    assert_true(gx_store_rewrap_due(p.store));
    struct image before = image_of(&p);
    assert_true(wrap_keys_in(keys, 64, before, &roots[0], 1) > 0);
    OK(gx_store_rewrap(p.store, &roots[1]));
    assert_false(gx_store_rewrap_due(p.store));
    struct image after = image_of(&p);
    assert_int_equal(wrap_keys_in(keys, 64, after, &roots[1], 1), 0);
    assert_true(wrap_keys_in(keys, 64, after, &roots[1], 2) > 0);
    free(before.b);
    free(after.b);
    place_remove(&p);
}

static void test_keys_made_in_a_transaction_that_was_undone_are_not_used(void **state)
{
    struct place p;
    (void)state;

    place_make(&p);
    OK(place_open(&p, with(&roots[0], 1)));
    struct gx_txn *txn = begin(&p, true);
    put_secrets(txn, 2);
    gx_txn_abort(&txn);
    txn = begin(&p, true);
    put_secrets(txn, 2);
    commit(txn);
    place_close(&p);
    OK(place_open(&p, with(&roots[0], 1)));
    txn = begin(&p, false);
    assert_secrets(txn, 1);
    assert_secrets(txn, 2);
    gx_txn_abort(&txn);
    place_remove(&p);
}

static void test_where_there_is_no_room_to_change_the_keys_nothing_changes(void **state)
{
    struct gx_store_options small = with(&roots[0], 1);
    struct place p;
    struct gx_prekey_row prekey = {.pk = {{8}}};
    enum gx_err err = GX_OK;
    (void)state;

    place_make(&p);
    small.map_bytes = 512 << 10;
    OK(place_open(&p, small));
    struct gx_txn *txn = begin(&p, true);
    put_secrets(txn, 1);
    commit(txn);
    for (uint32_t i = 0; err == GX_OK; i++) {
        memcpy(prekey.pk.b + 1, &i, sizeof i);
        txn = begin(&p, true);
        err = gx_prekey_put(txn, 1, &prekey);
        if (err == GX_OK)
            err = gx_txn_commit(&txn);
        gx_txn_abort(&txn);
    }
    assert_int_equal(err, GX_E_FULL);
    assert_int_equal(gx_store_rewrap(p.store, &roots[1]), GX_E_FULL);
    assert_true(gx_store_root_is(p.store, &roots[0]));
    txn = begin(&p, false);
    assert_secrets(txn, 1);
    gx_txn_abort(&txn);
    place_close(&p);
    OK(place_open(&p, with(&roots[0], 1)));
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_secret_lies_in_the_file),
        cmocka_unit_test(test_with_the_root_key_all_is_there_again),
        cmocka_unit_test(test_without_it_the_rest_can_be_read_and_nothing_sealed_changed),
        cmocka_unit_test(test_a_store_of_another_vault_is_not_opened),
        cmocka_unit_test(test_of_two_root_keys_the_one_that_fits_is_found),
        cmocka_unit_test(test_an_empty_store_takes_the_newest_root_key),
        cmocka_unit_test(test_a_sealed_row_that_was_changed_or_moved_is_corrupt),
        cmocka_unit_test(test_after_the_keys_changed_all_is_there_and_the_old_root_key_opens_nothing),
        cmocka_unit_test(test_what_was_deleted_is_gone_once_the_keys_changed),
        cmocka_unit_test(test_of_a_forgotten_group_no_key_stays),
        cmocka_unit_test(test_keys_made_in_a_transaction_that_was_undone_are_not_used),
        cmocka_unit_test(test_where_there_is_no_room_to_change_the_keys_nothing_changes),
    };
    return cmocka_run_group_tests_name("store/wrap", tests, NULL, NULL);
}
