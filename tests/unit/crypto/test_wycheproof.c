/* The primitives of this layer against the vectors of project Wycheproof: what is known to be got wrong.  tests/vectors/wycheproof.py */
#include "tests/unit/crypto/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/aead.h"
#include "crypto/member.h"

#define FIELDS_MAX 5u
#define LINE_MAX_BYTES 8192u

struct vector {
    char name[32], id[8], result[16];
    uint8_t b[FIELDS_MAX][LINE_MAX_BYTES / 4];
    size_t n[FIELDS_MAX];
    size_t n_fields;
};

static struct counts {
    unsigned ed25519[2], x25519[2], aead[3];        /* accepted, refused; not of a length that this project uses */
} counts;

static void parse(struct vector *v, char *line)
{
    char *save = NULL, *word = strtok_r(line, " \n", &save);
    char *const into[3] = {v->name, v->id, v->result};
    const size_t sizes[3] = {sizeof v->name, sizeof v->id, sizeof v->result};

    v->n_fields = 0;
    for (size_t i = 0; i < 3; i++, word = strtok_r(NULL, " \n", &save)) {
        if (word == NULL || strlen(word) >= sizes[i])
            fail_msg("not a line of vectors: %s", line);
        else
            memcpy(into[i], word, strlen(word) + 1);
    }
    for (; word != NULL; word = strtok_r(NULL, " \n", &save)) {
        size_t i = v->n_fields++;

        assert_true(i < FIELDS_MAX);
        v->n[i] = 0;
        if (strcmp(word, "-") != 0)
            assert_int_equal(sodium_hex2bin(v->b[i], sizeof v->b[i], word, strlen(word), NULL, &v->n[i], NULL), 0);
    }
}

/* pk, sig, msg */
static void check_ed25519(const struct vector *v)
{
    bool ok = v->n[1] == 64 && crypto_sign_verify_detached(v->b[1], v->b[2], v->n[2], v->b[0]) == 0;

    if (v->n[0] != 32 || ok != (strcmp(v->result, "valid") == 0))
        fail_msg("ed25519 %s: %s, and it %s", v->id, v->result, ok ? "verifies" : "does not verify");
    counts.ed25519[!ok]++;
}

/* private, public, shared.  "acceptable": points that some refuse; here those of small order are, and no others. */
static void check_x25519(const struct vector *v)
{
    struct gx_dh_pk pk;
    uint8_t out[32];

    assert_true(v->n[0] == 32 && v->n[1] == 32 && v->n[2] == 32);
    memcpy(pk.b, v->b[1], 32);

    bool zero = all_zero(v->b[2], 32), ok = crypto_scalarmult(out, v->b[0], v->b[1]) == 0;

    if (ok == zero || (ok && memcmp(out, v->b[2], 32) != 0) || (!ok && strcmp(v->result, "valid") == 0))
        fail_msg("x25519 %s: %s, and it is %s", v->id, v->result, ok ? "another" : "refused");
    if (gx_dh_usable(&pk) != ok)
        fail_msg("x25519 %s: gx_dh_usable is of another mind", v->id);
    counts.x25519[!ok]++;
}

/* key, nonce, aad, text, sealed */
static void check_aead(const struct vector *v)
{
    static uint8_t out[LINE_MAX_BYTES];
    struct gx_aead_nonce nonce;
    struct gx_span aad = gx_span(v->b[2], v->n[2]), text = gx_span(v->b[3], v->n[3]), sealed = gx_span(v->b[4], v->n[4]);
    bool valid = strcmp(v->result, "valid") == 0;

    if (v->n[1] != sizeof nonce) {
        assert_false(valid);
        counts.aead[2]++;
        return;
    }
    memcpy(nonce.b, v->b[1], sizeof nonce);

    bool ok = gx_aead_open(out, v->b[0], &nonce, aad, sealed);

    if (ok != valid || (ok && memcmp(out, text.p, text.n) != 0))
        fail_msg("xchacha20_poly1305 %s: %s, and it %s", v->id, v->result, ok ? "opens" : "does not open");
    if (!ok)
        assert_true(all_zero(out, text.n));
    gx_aead_seal(out, v->b[0], &nonce, aad, text);
    if (valid && memcmp(out, sealed.p, sealed.n) != 0)
        fail_msg("xchacha20_poly1305 %s is sealed otherwise", v->id);
    counts.aead[!ok]++;
}

static void test_every_vector_is_judged_as_it_should_be(void **state)
{
    static struct vector v;
    static char line[LINE_MAX_BYTES];
    FILE *f = fopen(GX_SOURCE_DIR "/tests/vectors/wycheproof.txt", "r");
    (void)state;

    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (line[0] == '#')
            continue;
        parse(&v, line);
        if (strcmp(v.name, "ed25519") == 0)
            check_ed25519(&v);
        else if (strcmp(v.name, "x25519") == 0)
            check_x25519(&v);
        else
            check_aead(&v);
    }
    fclose(f);
    /* As many as the file has: one that was cut short, or said "valid" of all, is noticed. */
    assert_int_equal(counts.ed25519[0], 88);
    assert_int_equal(counts.ed25519[1], 63);
    assert_int_equal(counts.x25519[0], 487);
    assert_int_equal(counts.x25519[1], 31);
    assert_int_equal(counts.aead[0], 246);
    assert_int_equal(counts.aead[1] + counts.aead[2], 69);
    assert_int_equal(counts.aead[2], 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_vector_is_judged_as_it_should_be),
    };
    return cmocka_run_group_tests_name("crypto/wycheproof", tests, NULL, NULL);
}
