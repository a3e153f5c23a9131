#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/engine/answers.h"

static struct gx_engine *e;

static int setup(void **state)
{
    (void)state;
    e = calloc(1, sizeof *e);
    return e == NULL;
}

static int teardown(void **state)
{
    (void)state;
    gx_arena_free(&e->arena);
    free(e->effects);
    free(e);
    return 0;
}

static const struct gx_answer *last(void)
{
    assert_true(e->n_effects > 0);
    return e->effects[e->n_effects - 1].answer;
}

static void test_an_answer_is_a_flat_list_of_named_values(void **state)
{
    static const enum gx_value_kind kinds[] = {GX_VALUE_TEXT, GX_VALUE_NUMBER, GX_VALUE_LIST, GX_VALUE_OBJECT, GX_VALUE_BOOL,
                                               GX_VALUE_END,  GX_VALUE_END,    GX_VALUE_TEXT};
    struct gx_answer_builder b;
    uint8_t id[4] = {0xde, 0xad, 0xbe, 0xef};
    (void)state;

    gx_answers_begin(&b, e, 3, 4);
    gx_answers_text(&b, "name", "tea");
    gx_answers_number(&b, "members", 7);
    gx_answers_list(&b, "list");
    gx_answers_object(&b, NULL);
    gx_answers_bool(&b, "you", true);
    gx_answers_end(&b);
    gx_answers_end(&b);
    gx_answers_hex(&b, "id", id, sizeof id);
    gx_answers_send(&b);

    const struct gx_effect *effect = &e->effects[0];
    const struct gx_answer *a = last();

    assert_int_equal(e->n_effects, 1);
    assert_int_equal(effect->kind, GX_OUT_ANSWER);
    assert_int_equal(effect->client, 3);
    assert_int_equal(effect->request, 4);
    assert_int_equal(a->err, GX_OK);
    assert_int_equal(a->exit_code, 0);
    assert_null(a->name);
    assert_null(a->message);
    assert_false(a->more);
    assert_int_equal(a->n, GX_ARRAY_LEN(kinds));
    for (size_t i = 0; i < a->n; i++)
        assert_int_equal(a->values[i].kind, kinds[i]);
    assert_string_equal(a->values[0].text, "tea");
    assert_int_equal(a->values[1].number, 7);
    assert_null(a->values[3].key);
    assert_string_equal(a->values[7].text, "deadbeef");
}

/* The caller's text may be gone when the answer is read. */
static void test_text_is_copied(void **state)
{
    struct gx_answer_builder b;
    char text[] = "tea";
    (void)state;

    gx_answers_begin(&b, e, 1, 1);
    gx_answers_text(&b, "name", text);
    memset(text, 'x', sizeof text);
    gx_answers_send(&b);
    assert_string_equal(last()->values[0].text, "tea");
}

static void test_values_keep_their_place_while_the_list_grows(void **state)
{
    struct gx_answer_builder b;
    (void)state;

    gx_answers_begin(&b, e, 1, 1);
    gx_answers_list(&b, "list");
    for (uint64_t i = 0; i < 10000; i++)
        gx_answers_number(&b, NULL, i);
    gx_answers_end(&b);
    gx_answers_send(&b);
    assert_int_equal(last()->n, 10002);
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(last()->values[i + 1].number, i);
}

static void test_room_made_beforehand_is_used(void **state)
{
    struct gx_answer_builder b;
    (void)state;

    gx_answers_begin(&b, e, 1, 1);
    gx_answers_number(&b, "first", 1);
    gx_answers_reserve(&b, 500);

    const struct gx_value *values = b.values;

    for (uint64_t i = 0; i < 500; i++)
        gx_answers_number(&b, "more", i);
    assert_ptr_equal(b.values, values);
    assert_int_equal(b.values[0].number, 1);
}

/* A group may be called "state"; what stands in an inner object is not the answer's own. */
static void test_find_looks_at_the_outermost_object_only(void **state)
{
    struct gx_answer_builder b;
    (void)state;

    gx_answers_begin(&b, e, 1, 1);
    gx_answers_object(&b, "store");
    gx_answers_kept(&b, "state", "inner");
    gx_answers_end(&b);
    gx_answers_list(&b, "list");
    gx_answers_kept(&b, NULL, "state");
    gx_answers_end(&b);
    gx_answers_kept(&b, "state", "outer");
    gx_answers_send(&b);
    assert_string_equal(gx_answer_find(last(), "state")->text, "outer");
    assert_int_equal(gx_answer_find(last(), "store")->kind, GX_VALUE_OBJECT);
    assert_null(gx_answer_find(last(), "absent"));
}

static void test_an_empty_answer_has_nothing_to_find(void **state)
{
    struct gx_answer_builder b;
    (void)state;

    gx_answers_begin(&b, e, 1, 1);
    gx_answers_send(&b);
    assert_int_equal(last()->n, 0);
    assert_null(gx_answer_find(last(), "state"));
}

static void test_a_note_says_that_more_follows(void **state)
{
    struct gx_answer_builder b;
    (void)state;

    gx_answers_begin(&b, e, 1, 2);
    gx_answers_kept(&b, "type", "message");
    gx_answers_note(&b);
    assert_int_equal(e->effects[0].kind, GX_OUT_NOTE);
    assert_int_equal(e->effects[0].request, 2);
    assert_true(last()->more);
}

struct expected {
    enum gx_err err;
    const char *name;
    unsigned exit_code;
};

/* The names and numbers that INTERFACE promises to scripts. */
static void test_errors_have_the_names_and_exit_codes_of_the_interface(void **state)
{
    static const struct expected cases[] = {
        {GX_E_USAGE, "usage", 2},           {GX_E_ABSENT, "not_found", 3},       {GX_E_AMBIGUOUS, "ambiguous", 3},
        {GX_E_MALFORMED, "token_malformed", 5}, {GX_E_SIGNATURE, "token_signature", 5}, {GX_E_VERSION, "token_version", 5},
        {GX_E_EXPIRED, "token_expired", 5}, {GX_E_FULL, "store", 74},            {GX_E_STORE, "store", 74},
        {GX_E_CORRUPT, "store", 74},        {GX_E_MEMORY, "store", 74},          {GX_E_AGAIN, "busy", 1},
        {GX_E_TOO_BIG, "too_big", 1},
    };
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(cases); i++) {
        struct gx_answer_builder b;

        gx_answers_begin(&b, e, 1, 1);
        gx_answers_refuse(&b, cases[i].err, "do this", "what %s", "happened");
        assert_int_equal(last()->err, cases[i].err);
        assert_string_equal(last()->name, cases[i].name);
        assert_int_equal(last()->exit_code, cases[i].exit_code);
        assert_string_equal(last()->message, "what happened");
        assert_string_equal(last()->hint, "do this");
    }
}

static void test_what_the_law_denies_goes_by_the_name_of_the_reason(void **state)
{
    (void)state;
    for (unsigned deny = GX_DENY_QR_CLOSED; deny < GX_DENY_COUNT; deny++) {
        struct gx_answer_builder b;

        gx_answers_begin(&b, e, 1, 1);
        gx_answers_deny(&b, (enum gx_deny)deny, NULL, "%s", gx_deny_text((enum gx_deny)deny));
        assert_int_equal(last()->err, GX_E_DENIED);
        assert_int_equal(last()->deny, deny);
        assert_string_equal(last()->name, deny == GX_DENY_OWNER ? "no_rank" : gx_deny_name((enum gx_deny)deny));
        assert_int_equal(last()->exit_code, deny == GX_DENY_TOKEN_EXPIRED ? 5 : 4);
        assert_null(last()->hint);
    }
}

static void test_a_timeout_has_its_own_name_and_exit_code(void **state)
{
    struct gx_answer_builder b;
    (void)state;

    gx_answers_begin(&b, e, 1, 1);
    gx_answers_timeout(&b, NULL, "%u of %u", 1, 2);
    assert_string_equal(last()->name, "timeout");
    assert_int_equal(last()->exit_code, 6);
    assert_string_equal(last()->message, "1 of 2");
}

static void test_a_refusal_carries_the_values_put_before(void **state)
{
    struct gx_answer_builder b;
    (void)state;

    gx_answers_begin(&b, e, 1, 1);
    gx_answers_list(&b, "candidates");
    gx_answers_kept(&b, NULL, "tea");
    gx_answers_end(&b);
    gx_answers_refuse(&b, GX_E_AMBIGUOUS, NULL, "which");
    assert_int_equal(gx_answer_find(last(), "candidates")->kind, GX_VALUE_LIST);
}

/* A name can be 256 bytes long, and is quoted whole: cutting could split a character. */
static void test_a_long_message_is_not_cut(void **state)
{
    struct gx_answer_builder b;
    char name[5000];
    (void)state;

    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    gx_answers_begin(&b, e, 1, 1);
    gx_answers_refuse(&b, GX_E_ABSENT, NULL, "there is no %s", name);
    assert_int_equal(strlen(last()->message), strlen("there is no ") + strlen(name));
}

/* The engine itself answers the commands of a step that failed; nothing may be said twice. */
static void test_a_step_at_fault_says_nothing(void **state)
{
    struct gx_answer_builder b;
    (void)state;

    e->fault = GX_E_STORE;
    gx_answers_begin(&b, e, 1, 1);
    gx_answers_text(&b, "name", "tea");
    gx_answers_send(&b);
    gx_answers_begin(&b, e, 1, 1);
    gx_answers_refuse(&b, GX_E_STORE, NULL, "the store failed");
    assert_int_equal(e->n_effects, 0);
}

static void test_an_address_is_shown_as_people_write_it(void **state)
{
    struct gx_answer_builder b;
    struct gx_addr addr = {.family = 4, .ip = {192, 0, 2, 7}, .port = 7447};
    (void)state;

    gx_answers_begin(&b, e, 1, 1);
    gx_answers_addr(&b, "at", &addr);
    gx_answers_send(&b);
    assert_string_equal(last()->values[0].text, "192.0.2.7:7447");
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_answer_is_a_flat_list_of_named_values),
        TEST(test_text_is_copied),
        TEST(test_values_keep_their_place_while_the_list_grows),
        TEST(test_room_made_beforehand_is_used),
        TEST(test_find_looks_at_the_outermost_object_only),
        TEST(test_an_empty_answer_has_nothing_to_find),
        TEST(test_a_note_says_that_more_follows),
        TEST(test_errors_have_the_names_and_exit_codes_of_the_interface),
        TEST(test_what_the_law_denies_goes_by_the_name_of_the_reason),
        TEST(test_a_timeout_has_its_own_name_and_exit_code),
        TEST(test_a_refusal_carries_the_values_put_before),
        TEST(test_a_long_message_is_not_cut),
        TEST(test_a_step_at_fault_says_nothing),
        TEST(test_an_address_is_shown_as_people_write_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
