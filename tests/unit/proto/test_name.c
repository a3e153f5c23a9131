/* What can be a name. */
#include "tests/unit/proto/story.h"
#include "proto/name.h"

static void test_a_name_is_text_and_not_only_blanks(void **s)
{
    char longest[GX_NAME_BYTES_MAX + 2] = {0};

    (void)s;
    memset(longest, 'x', GX_NAME_BYTES_MAX + 1);
    assert_false(gx_name_ok(longest, GX_NAME_BYTES_MAX));
    longest[GX_NAME_BYTES_MAX] = 0;
    assert_true(gx_name_ok(longest, GX_NAME_BYTES_MAX));
    assert_true(gx_name_ok("Mei Ling", GX_NAME_BYTES_MAX));
    assert_true(gx_name_ok(" \xe7\xbe\x8e", GX_NAME_BYTES_MAX));
    assert_false(gx_name_ok("", GX_NAME_BYTES_MAX));
    assert_false(gx_name_ok(" \t\xc2\xa0\xe3\x80\x80", GX_NAME_BYTES_MAX));
    assert_false(gx_name_ok("a\xff", GX_NAME_BYTES_MAX));
    assert_false(gx_name_ok("\xc0\xaf", GX_NAME_BYTES_MAX));
}

static void test_nothing_that_is_obeyed_or_hidden_is_plain(void **s)
{
    static const char *const hidden[] = {"a\x1b[2J", "a\nb", "a\tb", "\x7f", "\xc2\x9b" "2J", "a\xe2\x80\xae" "b", "a\xe2\x80\x8b" "b", "\xee\x80\x80"};

    (void)s;
    for (size_t i = 0; i < GX_ARRAY_LEN(hidden); i++)
        assert_false(gx_name_plain(hidden[i]));
    assert_true(gx_name_plain("Mei"));
    assert_true(gx_name_plain("\xe7\xbe\x8e \xd0\xbc\xd1\x8d\xd0\xb9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_text_and_not_only_blanks),
        cmocka_unit_test(test_nothing_that_is_obeyed_or_hidden_is_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
