#include "tests/unit/proto/story.h"

#include <ctype.h>

struct listed {
    int value;
    const char *identifier, *text;
};

static const struct listed errs[] = {
#define GX_X(name, text) {name, #name, text},
    GX_ERR_LIST(GX_X)
#undef GX_X
};

static const struct {
    int value;
    const char *identifier, *json, *text;
} denials[] = {
#define GX_X(name, json, text) {name, #name, json, text},
    GX_DENY_LIST(GX_X)
#undef GX_X
};

/* "GX_E_TOO_BIG" gives "too_big", "GX_OK" gives "ok". */
static void lowered(char *out, const char *identifier, const char *prefix)
{
    size_t skip = strncmp(identifier, prefix, strlen(prefix)) == 0 ? strlen(prefix) : strlen("GX_");

    for (; identifier[skip] != 0; skip++)
        *out++ = (char)tolower((unsigned char)identifier[skip]);
    *out = 0;
}

static void test_every_error_has_its_own_name_in_lower_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < GX_ARRAY_LEN(errs); i++) {
        char want[40];
        lowered(want, errs[i].identifier, "GX_E_");
        assert_string_equal(gx_err_name((enum gx_err)errs[i].value), want);
    }
}

static void test_every_error_has_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < GX_ARRAY_LEN(errs); i++) {
        assert_int_equal(errs[i].value, (int)i);
        assert_string_equal(gx_err_text((enum gx_err)i), errs[i].text);
        assert_true(strlen(errs[i].text) > 1);
    }
}

/* The JSON names are what scripts see: they follow the identifiers, so that nobody has to learn two lists. */
static void test_every_denial_has_the_json_name_of_its_identifier(void **state)
{
    (void)state;
    for (size_t i = 0; i < GX_ARRAY_LEN(denials); i++) {
        char want[40];
        lowered(want, denials[i].identifier, "GX_DENY_");
        assert_string_equal(denials[i].json, want);
        assert_string_equal(gx_deny_name((enum gx_deny)i), want);
        assert_string_equal(gx_deny_text((enum gx_deny)i), denials[i].text);
    }
    assert_int_equal(GX_ARRAY_LEN(denials), GX_DENY_COUNT);
}

static void test_values_out_of_range_are_a_question_mark(void **state)
{
    static const int wrong[] = {-1, 200, 255};
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(wrong); i++) {
        assert_string_equal(gx_err_name((enum gx_err)wrong[i]), "?");
        assert_string_equal(gx_err_text((enum gx_err)wrong[i]), "?");
        assert_string_equal(gx_deny_name((enum gx_deny)wrong[i]), "?");
        assert_string_equal(gx_deny_text((enum gx_deny)wrong[i]), "?");
    }
    assert_string_equal(gx_err_name(GX_ERR_COUNT), "?");
    assert_string_equal(gx_deny_name(GX_DENY_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_has_its_own_name_in_lower_case),
        cmocka_unit_test(test_every_error_has_a_sentence),
        cmocka_unit_test(test_every_denial_has_the_json_name_of_its_identifier),
        cmocka_unit_test(test_values_out_of_range_are_a_question_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
