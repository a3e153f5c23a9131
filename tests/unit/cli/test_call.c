#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "node/cli/cli.h"

static uint64_t left_of(const char *text)
{
    json_t *status = json_loads(text, 0, NULL);
    uint64_t n = gx_status_left(status);

    assert_non_null(status);
    json_decref(status);
    return n;
}

static void test_what_is_still_to_be_fetched_is_that_of_all_groups(void **state)
{
    (void)state;
    assert_int_equal(left_of("{\"syncing\":{}}"), 0);
    assert_int_equal(left_of("{\"syncing\":{\"aa\":17300}}"), 17300);
    assert_int_equal(left_of("{\"syncing\":{\"aa\":1000000,\"bb\":4294967294,\"cc\":1}}"), 4295967295);
}

static void test_a_node_that_is_locked_says_nothing_of_it(void **state)
{
    (void)state;
    assert_int_equal(left_of("{\"locked\":true}"), 0);
    assert_int_equal(gx_status_left(NULL), 0);
}

static void test_what_makes_no_sense_counts_for_nothing(void **state)
{
    (void)state;
    assert_int_equal(left_of("{\"syncing\":{\"aa\":-5,\"bb\":\"many\",\"cc\":7}}"), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_still_to_be_fetched_is_that_of_all_groups),
        cmocka_unit_test(test_a_node_that_is_locked_says_nothing_of_it),
        cmocka_unit_test(test_what_makes_no_sense_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
