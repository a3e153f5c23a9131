#include "tests/unit/os/homes.h"

#include "node/os/vault.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#define FILE_BYTES 8192u
#define SLOT 4096u

static struct gx_identity mei;
static struct gx_home home;
static struct gx_fail why;
static const struct gx_passphrase none = {.n = 0}, good = {.text = "correct horse", .n = 13}, other = {.text = "battery", .n = 7},
                                  nearly = {.text = "correct horsf", .n = 13};

/* Stretching takes a second and 256 MiB, and is looked at in crypto/test_vault: here each passphrase is stretched once with each salt. */
bool __real_gx_vault_stretch(struct gx_vault_key *out, struct gx_span passphrase, const uint8_t salt[GX_VAULT_SALT_BYTES]);
bool __wrap_gx_vault_stretch(struct gx_vault_key *out, struct gx_span passphrase, const uint8_t salt[GX_VAULT_SALT_BYTES]);

static struct stretched {
    char text[32];
    size_t n;
    uint8_t salt[GX_VAULT_SALT_BYTES];
    struct gx_vault_key key;
} stretched[32];
static size_t n_stretched;

bool __wrap_gx_vault_stretch(struct gx_vault_key *out, struct gx_span passphrase, const uint8_t salt[GX_VAULT_SALT_BYTES])
{
    struct stretched *s = stretched;

    while (s < stretched + n_stretched && (s->n != passphrase.n || memcmp(s->text, passphrase.p, s->n) != 0 || memcmp(s->salt, salt, sizeof s->salt) != 0))
        s++;
    if (s == stretched + n_stretched) {
        assert_true(n_stretched < GX_ARRAY_LEN(stretched) && passphrase.n <= sizeof s->text);
        if (!__real_gx_vault_stretch(&s->key, passphrase, salt))
            return false;
        memcpy(s->text, passphrase.p, passphrase.n);
        s->n = passphrase.n;
        memcpy(s->salt, salt, sizeof s->salt);
        n_stretched++;
    }
    *out = s->key;
    return true;
}

static int make_mei(void **state)
{
    struct gx_recovery recovery;
    (void)state;

    if (sodium_init() < 0)
        return -1;
    gx_identity_make(&mei, &recovery, "Mei");
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

static struct gx_vault *vault_new(const struct gx_passphrase *passphrase)
{
    struct gx_vault *v;

    assert_true(gx_vault_make(&v, &home, &mei, passphrase, &why));
    return v;
}

static struct gx_vault *reopen(struct gx_vault *v, const struct gx_passphrase *passphrase)
{
    gx_vault_close(v);
    if (!gx_vault_open(&v, &home, passphrase, &why))
        print_error("%s\n", why.message);
    assert_non_null(v);
    return v;
}

static void assert_refused(const struct gx_passphrase *passphrase, int code, const char *name)
{
    struct gx_vault *v;

    assert_false(gx_vault_open(&v, &home, passphrase, &why));
    assert_null(v);
    assert_int_equal(why.code, code);
    assert_string_equal(why.name, name);
}

static void file_get(const char *name, uint8_t *out, size_t n)
{
    size_t got;

    assert_int_equal(gx_file_read(out, &got, n, &home, name), GX_OK);
    assert_int_equal(got, n);
}

static void file_put(const char *name, const uint8_t *bytes, size_t n)
{
    char path[GX_PATH_MAX];

    gx_home_path(path, &home, name);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

/* --- opening --------------------------------------------------------------------------------------------------------------------- */

static void test_what_was_put_in_is_what_is_found(void **state)
{
    const struct gx_passphrase *const both[] = {&none, &good};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct gx_vault *v = vault_new(both[i]);
        struct gx_root_key root = v->roots[0];

        assert_int_equal(gx_vault_asks(&home), i == 1);
        v = reopen(v, both[i]);
        assert_memory_equal(&v->id, &mei, sizeof mei);
        assert_int_equal(v->n_roots, 1);
        assert_memory_equal(&v->roots[0], &root, sizeof root);
        assert_false(v->stale);
        gx_vault_close(v);
        home_remove(&home);
        home_make(&home);
    }
}

static void test_no_vault_is_told_from_a_damaged_one(void **state)
{
    static uint8_t bytes[FILE_BYTES];
    (void)state;

    assert_false(gx_vault_exists(&home));
    assert_refused(&none, GX_EXIT_NOT_FOUND, "no_identity");
    gx_vault_close(vault_new(&none));
    assert_true(gx_vault_exists(&home));
    file_get("vault", bytes, sizeof bytes);
    for (size_t at = 0; at < SLOT; at += 37) {
        bytes[at] ^= 1;
        file_put("vault", bytes, sizeof bytes);
        assert_refused(&none, GX_EXIT_STORE, "vault_damaged");
        bytes[at] ^= 1;
    }
    file_put("vault", bytes, sizeof bytes - 1);
    assert_refused(&none, GX_EXIT_STORE, "vault_damaged");
    memset(bytes, 0, sizeof bytes);
    file_put("vault", bytes, sizeof bytes);
    assert_refused(&none, GX_EXIT_STORE, "vault_damaged");
}

static void test_a_wrong_passphrase_is_refused_and_changes_nothing(void **state)
{
    static uint8_t before[FILE_BYTES], after[FILE_BYTES];
    (void)state;

    gx_vault_close(vault_new(&good));
    file_get("vault", before, sizeof before);
    assert_refused(&nearly, GX_EXIT_PASSPHRASE, "wrong_passphrase");
    assert_refused(&none, GX_EXIT_PASSPHRASE, "wrong_passphrase");
    assert_refused(NULL, GX_EXIT_PASSPHRASE, "locked");
    file_get("vault", after, sizeof after);
    assert_memory_equal(before, after, sizeof before);
    gx_vault_close(reopen(NULL, &good));
}

static void test_without_its_key_file_it_does_not_open(void **state)
{
    uint8_t key[76], another[76];
    char path[GX_PATH_MAX];
    (void)state;

    gx_vault_close(vault_new(&none));
    file_get("vault.key", key, sizeof key);
    gx_home_path(path, &home, "vault.key");
    assert_int_equal(unlink(path), 0);
    assert_refused(&none, GX_EXIT_STORE, "vault_key");

    gx_vault_close(vault_new(&none));
    file_get("vault.key", another, sizeof another);
    file_put("vault.key", key, sizeof key);
    assert_refused(&none, GX_EXIT_STORE, "vault_key");
    another[20] ^= 1;
    file_put("vault.key", another, sizeof another);
    assert_refused(&none, GX_EXIT_STORE, "vault_key");
    another[20] ^= 1;
    file_put("vault.key", another, sizeof another);
    gx_vault_close(reopen(NULL, &none));
}

/* --- writing --------------------------------------------------------------------------------------------------------------------- */

static void test_each_write_leaves_nothing_of_the_one_before(void **state)
{
    static uint8_t files[8][FILE_BYTES];
    struct gx_vault *v = vault_new(&none);
    (void)state;

    for (size_t i = 0; i < 8; i++) {
        snprintf(v->id.name, sizeof v->id.name, "Mei %zu", i);
        assert_true(gx_vault_write(v, &why));
        file_get("vault", files[i], FILE_BYTES);
        /* One slot is full, the other empty, in turns; and no pepper is ever there again. */
        size_t full = i % 2 == 0 ? SLOT : 0, empty = SLOT - full;
        for (size_t k = 0; k < SLOT; k++)
            assert_int_equal(files[i][empty + k], 0);
        for (size_t k = 0; k < i; k++)
            assert_null(memmem(files[i], FILE_BYTES, files[k] + (k % 2 == 0 ? SLOT : 0) + 37, 32));
    }
    v = reopen(v, &none);
    assert_string_equal(v->id.name, "Mei 7");
    gx_vault_close(v);
}

static void test_the_file_is_written_over_and_not_replaced(void **state)
{
    struct gx_vault *v = vault_new(&none);
    struct stat before, after;
    char path[GX_PATH_MAX];
    (void)state;

    gx_home_path(path, &home, "vault");
    assert_int_equal(stat(path, &before), 0);
    assert_true(gx_vault_write(v, &why) && gx_vault_change(v, &good, &why));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(after.st_size, FILE_BYTES);
    assert_int_equal(after.st_mode & 0777, 0600);
    gx_vault_close(v);
}

/* A write is: the new slot, then zeroes over the old one.  Stopped anywhere, one of the two is whole. */
static void test_a_write_that_was_cut_off_anywhere_opens(void **state)
{
    static uint8_t before[FILE_BYTES], after[FILE_BYTES], torn[FILE_BYTES];
    struct gx_vault *v = vault_new(&none);
    (void)state;

    file_get("vault", before, sizeof before);
    snprintf(v->id.name, sizeof v->id.name, "new");
    assert_true(gx_vault_write(v, &why));
    file_get("vault", after, sizeof after);
    gx_vault_close(v);
    for (size_t n = 0; n <= SLOT; n += 64) {           /* n bytes of the new slot are there */
        memcpy(torn, before, sizeof torn);
        memcpy(torn + SLOT, after + SLOT, n);
        file_put("vault", torn, sizeof torn);
        v = reopen(NULL, &none);
        assert_string_equal(v->id.name, n == SLOT ? "new" : "Mei");
        assert_int_equal(v->stale, n > 0);
        gx_vault_close(v);
    }
    for (size_t n = 0; n <= SLOT; n += 64) {           /* n bytes of the old one are gone */
        memcpy(torn, before, SLOT);
        memset(torn, 0, n);
        memcpy(torn + SLOT, after + SLOT, SLOT);
        file_put("vault", torn, sizeof torn);
        v = reopen(NULL, &none);
        assert_string_equal(v->id.name, "new");
        /* Written once more, nothing of it is left. */
        assert_true(gx_vault_write(v, &why));
        v = reopen(v, &none);
        assert_string_equal(v->id.name, "new");
        assert_false(v->stale);
        gx_vault_close(v);
    }
}

static void test_two_root_keys_are_kept_while_the_store_changes_from_one_to_the_other(void **state)
{
    struct gx_vault *v = vault_new(&none);
    struct gx_root_key roots[2] = {v->roots[0], {{9}}};
    (void)state;

    v->roots[1] = roots[1];
    v->n_roots = 2;
    assert_true(gx_vault_write(v, &why));
    v = reopen(v, &none);
    assert_int_equal(v->n_roots, 2);
    assert_memory_equal(v->roots, roots, sizeof roots);
    gx_vault_close(v);
}

/* --- another passphrase ---------------------------------------------------------------------------------------------------------- */

static void test_another_passphrase_takes_the_place_of_the_one_before(void **state)
{
    struct gx_vault *v = vault_new(&none);
    char path[GX_PATH_MAX];
    (void)state;

    assert_true(gx_vault_change(v, &good, &why));
    gx_home_path(path, &home, "vault.key");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_true(gx_vault_asks(&home));
    v = reopen(v, &good);
    assert_true(gx_vault_change(v, &other, &why));
    assert_refused(&good, GX_EXIT_PASSPHRASE, "wrong_passphrase");
    v = reopen(v, &other);
    assert_true(gx_vault_change(v, &none, &why));
    assert_false(gx_vault_asks(&home));
    v = reopen(v, &none);
    assert_memory_equal(&v->id, &mei, sizeof mei);
    assert_true(gx_vault_change(v, &none, &why));
    gx_vault_close(reopen(v, &none));
}

static void test_a_change_of_passphrase_that_was_cut_off_opens_with_either(void **state)
{
    static uint8_t before[FILE_BYTES], after[FILE_BYTES];
    struct gx_vault *v = vault_new(&other);
    (void)state;

    file_get("vault", before, sizeof before);
    assert_true(gx_vault_change(v, &good, &why));
    gx_vault_close(v);
    file_get("vault", after, sizeof after);
    memcpy(after, before, SLOT);                       /* both slots are full */
    file_put("vault", after, sizeof after);
    assert_refused(&nearly, GX_EXIT_PASSPHRASE, "wrong_passphrase");
    gx_vault_close(reopen(NULL, &other));
    v = reopen(NULL, &good);
    assert_true(v->stale && gx_vault_write(v, &why));
    gx_vault_close(v);
    assert_refused(&other, GX_EXIT_PASSPHRASE, "wrong_passphrase");
    gx_vault_close(reopen(NULL, &good));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_put_in_is_what_is_found, make, drop),
        cmocka_unit_test_setup_teardown(test_no_vault_is_told_from_a_damaged_one, make, drop),
        cmocka_unit_test_setup_teardown(test_a_wrong_passphrase_is_refused_and_changes_nothing, make, drop),
        cmocka_unit_test_setup_teardown(test_without_its_key_file_it_does_not_open, make, drop),
        cmocka_unit_test_setup_teardown(test_each_write_leaves_nothing_of_the_one_before, make, drop),
        cmocka_unit_test_setup_teardown(test_the_file_is_written_over_and_not_replaced, make, drop),
        cmocka_unit_test_setup_teardown(test_a_write_that_was_cut_off_anywhere_opens, make, drop),
        cmocka_unit_test_setup_teardown(test_two_root_keys_are_kept_while_the_store_changes_from_one_to_the_other, make, drop),
        cmocka_unit_test_setup_teardown(test_another_passphrase_takes_the_place_of_the_one_before, make, drop),
        cmocka_unit_test_setup_teardown(test_a_change_of_passphrase_that_was_cut_off_opens_with_either, make, drop),
    };
    return cmocka_run_group_tests_name("os/vault", tests, make_mei, NULL);
}
