#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/seen_rows.h"

static void add(struct seen_rows *seen, uint64_t hash)
{
    struct error err = {0};

    assert_int_equal(seen_rows_add(seen, hash, &err), OK);
}

static void test_what_was_seen_is_known(void **state)
{
    struct seen_rows seen = {0};

    (void)state;
    seen_rows_sort(&seen);
    assert_false(seen_rows_has(&seen, 0));
    for (uint64_t i = 0; i < 5000; i++)
        add(&seen, i * 0x9e3779b97f4a7c15U);
    seen_rows_sort(&seen);
    for (uint64_t i = 0; i < 5000; i++)
        assert_true(seen_rows_has(&seen, i * 0x9e3779b97f4a7c15U));
    assert_false(seen_rows_has(&seen, 1));
    assert_false(seen_rows_has(&seen, UINT64_MAX));
    seen_rows_release(&seen);
    assert_int_equal(seen.count, 0);
}

static void test_a_page_that_fails_is_forgotten_and_none_before_it(void **state)
{
    struct seen_rows seen = {0};

    (void)state;
    add(&seen, 9);
    seen_rows_keep(&seen);
    add(&seen, 5);
    seen_rows_forget(&seen);
    add(&seen, 3);
    seen_rows_sort(&seen);
    assert_true(seen_rows_has(&seen, 9) && seen_rows_has(&seen, 3));
    assert_false(seen_rows_has(&seen, 5));
    seen_rows_forget(&seen); /* which is which is not known any more */
    assert_true(seen_rows_has(&seen, 9) && seen_rows_has(&seen, 3));
    seen_rows_release(&seen);
}

static void test_there_is_an_end_to_it(void **state)
{
    struct seen_rows seen = {0};
    struct error err = {0};

    (void)state;
    for (uint64_t i = 0; i < SEEN_ROWS_MAX; i++)
        add(&seen, i);
    assert_int_equal(seen_rows_add(&seen, 1, &err), E_POINTS_MANY);
    assert_non_null(strstr(err.text, "4000000"));
    seen_rows_release(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_seen_is_known),
        cmocka_unit_test(test_a_page_that_fails_is_forgotten_and_none_before_it),
        cmocka_unit_test(test_there_is_an_end_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
