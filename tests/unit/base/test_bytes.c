#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_order_is_that_of_memcmp_then_size(void **state)
{
    static const struct {
        struct bytes a, b;
        int want;
    } cases[] = {
        {{"", 0},     {"", 0},     0 },
        {{NULL, 0},   {"", 0},     0 },
        {{"", 0},     {"a", 1},    -1},
        {{"a", 1},    {"ab", 2},   -1},
        {{"b", 1},    {"ab", 2},   1 },
        {{"\xff", 1}, {"a", 1},    1 },
        {{"a\0b", 3}, {"a\0c", 3}, -1},
        {{"same", 4}, {"same", 4}, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int there = bytes_compare(cases[i].a, cases[i].b);
        int back = bytes_compare(cases[i].b, cases[i].a);

        assert_int_equal((there > 0) - (there < 0), cases[i].want);
        assert_int_equal((back > 0) - (back < 0), -cases[i].want);
        assert_int_equal(bytes_equal(cases[i].a, cases[i].b), cases[i].want == 0);
    }
}

static void test_slice_is_first_to_end(void **state)
{
    (void)state;
    assert_true(bytes_equal(bytes_slice(BYTES("0123456"), 2, 5), BYTES("234")));
    assert_int_equal(bytes_slice(BYTES("0123"), 4, 4).size, 0);
    assert_int_equal(bytes_of("four").size, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_that_of_memcmp_then_size),
        cmocka_unit_test(test_slice_is_first_to_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
