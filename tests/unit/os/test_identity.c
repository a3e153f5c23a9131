#include "tests/unit/os/homes.h"

#include "crypto/hash.h"
#include "node/os/identity.h"

#include <sodium.h>

static struct gx_identity mei;
static uint8_t bytes[GX_IDENTITY_BYTES_MAX];
static size_t n_bytes;
static struct gx_home home;
static struct gx_fail why;

static int make_mei(void **state)
{
    struct gx_recovery recovery;
    (void)state;

    if (sodium_init() < 0)
        return -1;
    gx_identity_make(&mei, &recovery, "Mei \xe6\xa2\x85");
    n_bytes = gx_identity_encode(bytes, &mei);
    return 0;
}

static int make(void **state)
{
    (void)state;
    home_make(&home);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    home_remove(&home);
    return 0;
}

static void test_what_was_written_is_what_is_read(void **state)
{
    struct gx_identity back;
    (void)state;

    assert_int_equal(gx_identity_decode(&back, gx_span(bytes, n_bytes)), GX_OK);
    assert_memory_equal(&back, &mei, sizeof mei);
}

static void test_two_identities_share_nothing(void **state)
{
    struct gx_identity other;
    struct gx_recovery recovery;
    (void)state;

    gx_identity_make(&other, &recovery, "Mei \xe6\xa2\x85");
    assert_memory_not_equal(&other.person.id, &mei.person.id, 32);
    assert_memory_not_equal(&other.device_seed, &mei.device_seed, 32);
    assert_memory_not_equal(&other.transport_sk, &mei.transport_sk, 32);
    assert_memory_not_equal(&other.card_sk, &mei.card_sk, 32);
}

static void test_every_flipped_bit_is_refused(void **state)
{
    struct gx_identity out;
    (void)state;

    for (size_t bit = 0; bit < 8 * n_bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        enum gx_err err = gx_identity_decode(&out, gx_span(bytes, n_bytes));
        assert_int_equal(err, bit < 64 ? GX_E_MALFORMED : GX_E_CORRUPT);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(gx_identity_decode(&out, gx_span(bytes, n_bytes)), GX_OK);
}

static void test_every_truncation_and_every_addition_is_refused(void **state)
{
    uint8_t longer[GX_IDENTITY_BYTES_MAX + 1] = {0};
    struct gx_identity out;
    (void)state;

    for (size_t n = 0; n < n_bytes; n++)
        assert_int_not_equal(gx_identity_decode(&out, gx_span(bytes, n)), GX_OK);
    memcpy(longer, bytes, n_bytes);
    assert_int_not_equal(gx_identity_decode(&out, gx_span(longer, n_bytes + 1)), GX_OK);
}

static void write_check(uint8_t *p, size_t n)
{
    gx_hash(p + n - 32, "gx-keys-file", gx_span(p, n - 32));
}

/* Whoever writes a matching check is no accident: each field is looked at for itself.  Whatever is accepted encodes to the same bytes. */
static void test_mutations_with_a_matching_check_are_refused_or_canonical(void **state)
{
    unsigned refused[GX_ERR_COUNT] = {0};
    struct gx_rng_stream rng;
    (void)state;

    rng_seed(&rng, 7);
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t mutant[GX_IDENTITY_BYTES_MAX], again[GX_IDENTITY_BYTES_MAX];
        struct gx_identity out;
        memcpy(mutant, bytes, n_bytes);
        size_t n = mutate(&rng, mutant, n_bytes - 32, sizeof mutant - 32) + 32;
        write_check(mutant, n);
        enum gx_err err = gx_identity_decode(&out, gx_span(mutant, n));
        refused[err]++;
        if (err == GX_OK) {
            assert_int_equal(gx_identity_encode(again, &out), n);
            assert_memory_equal(again, mutant, n);
        }
    }
    printf("mutants: %u accepted, %u malformed, %u of another version, %u that do not belong together\n", refused[GX_OK],
           refused[GX_E_MALFORMED], refused[GX_E_VERSION], refused[GX_E_SIGNATURE]);
    assert_true(refused[GX_E_MALFORMED] > 100 && refused[GX_E_SIGNATURE] > 100);
}

/* What stands behind a 0 would be kept by nobody, and is no name. */
static void test_a_name_with_a_zero_in_it_is_refused(void **state)
{
    uint8_t mutant[GX_IDENTITY_BYTES_MAX];
    struct gx_identity out;
    (void)state;

    memcpy(mutant, bytes, n_bytes);
    mutant[n_bytes - 32 - 1] = 0;
    write_check(mutant, n_bytes);
    assert_int_equal(gx_identity_decode(&out, gx_span(mutant, n_bytes)), GX_E_MALFORMED);
}

static void test_a_file_of_a_later_version_says_so(void **state)
{
    uint8_t later[GX_IDENTITY_BYTES_MAX];
    struct gx_identity out;
    (void)state;

    memcpy(later, bytes, n_bytes);
    later[8] = 2;
    write_check(later, n_bytes);
    assert_int_equal(gx_identity_decode(&out, gx_span(later, n_bytes)), GX_E_VERSION);
}

static void test_names_are_text_that_can_be_shown(void **state)
{
    char longest[GX_NAME_BYTES_MAX + 2];
    (void)state;

    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_false(gx_identity_name_ok(longest));
    longest[GX_NAME_BYTES_MAX] = 0;
    assert_true(gx_identity_name_ok(longest));
    assert_false(gx_identity_name_ok(""));
    assert_false(gx_identity_name_ok("  "));
    assert_false(gx_identity_name_ok("a\nb"));
    assert_false(gx_identity_name_ok("\x1b[31m"));
    assert_false(gx_identity_name_ok("\xff"));
    assert_false(gx_identity_name_ok("a\xe2\x80\xae" "b"));      /* right-to-left override */
}

/* --- incarnation -------------------------------------------------------------------------------------------------------------------- */

static const uint8_t store_a[16] = {1}, store_b[16] = {2};

static struct gx_incarnation_secret load(const uint8_t uuid[16], bool keep, bool *fresh)
{
    struct gx_incarnation_secret out;

    assert_true(gx_incarnation_load(&out, fresh, &home, uuid, keep, &why));
    return out;
}

static void test_an_incarnation_lasts_from_start_to_start(void **state)
{
    bool fresh;
    (void)state;

    struct gx_incarnation_secret first = load(store_a, true, &fresh);
    assert_true(fresh);
    struct gx_incarnation_secret second = load(store_a, true, &fresh);
    assert_false(fresh);
    assert_memory_equal(&first, &second, sizeof first);
}

static void test_another_store_is_another_incarnation(void **state)
{
    bool fresh;
    (void)state;

    struct gx_incarnation_secret first = load(store_a, true, &fresh);
    struct gx_incarnation_secret second = load(store_b, true, &fresh);
    assert_true(fresh);
    assert_memory_not_equal(&first, &second, sizeof first);
}

/* What a restore of files does: the same bytes in another file. */
static void test_a_copied_file_is_another_incarnation(void **state)
{
    uint8_t file[256];
    size_t n;
    bool fresh;
    (void)state;

    struct gx_incarnation_secret first = load(store_a, true, &fresh);
    assert_int_equal(gx_file_read(file, &n, sizeof file, &home, "incarnation"), GX_OK);
    assert_int_equal(gx_file_replace(&home, "incarnation", file, n, NULL), GX_OK);
    struct gx_incarnation_secret second = load(store_a, true, &fresh);
    assert_true(fresh);
    assert_memory_not_equal(&first, &second, sizeof first);
    (void)load(store_a, true, &fresh);
    assert_false(fresh);
}

static void test_a_damaged_or_missing_file_is_another_incarnation(void **state)
{
    char path[GX_PATH_MAX];
    bool fresh;
    (void)state;

    (void)load(store_a, true, &fresh);
    gx_home_path(path, &home, "incarnation");
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, 20, SEEK_SET);
    int c = fgetc(f);
    fseek(f, 20, SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
    (void)load(store_a, true, &fresh);
    assert_true(fresh);
    assert_int_equal(unlink(path), 0);
    (void)load(store_a, true, &fresh);
    assert_true(fresh);
}

static void test_a_verb_that_only_reads_begins_no_incarnation(void **state)
{
    char path[GX_PATH_MAX];
    bool fresh;
    (void)state;

    (void)load(store_a, false, &fresh);
    assert_true(fresh);
    gx_home_path(path, &home, "incarnation");
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_what_is_read),
        cmocka_unit_test(test_two_identities_share_nothing),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_every_truncation_and_every_addition_is_refused),
        cmocka_unit_test(test_mutations_with_a_matching_check_are_refused_or_canonical),
        cmocka_unit_test(test_a_name_with_a_zero_in_it_is_refused),
        cmocka_unit_test(test_a_file_of_a_later_version_says_so),
        cmocka_unit_test(test_names_are_text_that_can_be_shown),
        cmocka_unit_test_setup_teardown(test_an_incarnation_lasts_from_start_to_start, make, drop),
        cmocka_unit_test_setup_teardown(test_another_store_is_another_incarnation, make, drop),
        cmocka_unit_test_setup_teardown(test_a_copied_file_is_another_incarnation, make, drop),
        cmocka_unit_test_setup_teardown(test_a_damaged_or_missing_file_is_another_incarnation, make, drop),
        cmocka_unit_test_setup_teardown(test_a_verb_that_only_reads_begins_no_incarnation, make, drop),
    };
    return cmocka_run_group_tests(tests, make_mei, NULL);
}
