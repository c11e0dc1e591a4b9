#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include "tests/unit/query/feed.h"

static void test_extremes_compare_exactly_across_types(void **state)
{
    const union cell real[] = {{.f64 = 0x1p63}}, below[] = {{.i64 = INT64_MAX}};
    const union cell above[] = {{.u64 = ((uint64_t)1 << 63) + 1}},
                     same[] = {{.u64 = (uint64_t)1 << 63}};
    const union cell half[] = {{.f64 = -2.5}}, two[] = {{.i64 = -2}}, three[] = {{.i64 = -3}};
    const union cell zero[] = {{.f64 = -0.0}}, huge[] = {{.f64 = 1e300}};

    (void)state;
    assert_int_equal(feed_two("max", TYPE_F64, real, 1, TYPE_I64, below, 1).type, TYPE_F64);
    assert_int_equal(feed_two("min", TYPE_F64, real, 1, TYPE_I64, below, 1).type, TYPE_I64);
    assert_int_equal(feed_two("max", TYPE_F64, real, 1, TYPE_U64, above, 1).type, TYPE_U64);
    assert_int_equal(feed_two("max", TYPE_U64, same, 1, TYPE_F64, real, 1).type, TYPE_F64);
    assert_int_equal(feed_two("min", TYPE_U64, same, 1, TYPE_F64, real, 1).type, TYPE_F64);
    assert_int_equal(feed_two("max", TYPE_U64, above, 1, TYPE_I64, below, 1).type, TYPE_U64);
    assert_int_equal(feed_two("min", TYPE_F64, half, 1, TYPE_I64, two, 1).type, TYPE_F64);
    assert_int_equal(feed_two("max", TYPE_F64, half, 1, TYPE_I64, three, 1).type, TYPE_F64);
    assert_int_equal(feed_two("min", TYPE_F64, huge, 1, TYPE_I64, two, 1).type, TYPE_I64);
    assert_true(feed_two("min", TYPE_F64, zero, 1, TYPE_F64, zero, 1).cell.u64 == 0);
}

/* Stretches of all lengths, with and without gaps: whatever lane the extreme stands in. */
static void test_no_row_is_left_out(void **state)
{
    enum { ROWS = 23 };
    static const enum value_type types[] = {TYPE_F64, TYPE_I64, TYPE_U64};
    struct random random;
    union cell cells[ROWS];
    uint8_t present[ROWS];

    (void)state;
    random_seed(&random, 2);
    for (uint32_t round = 0; round < 6000; round++) {
        struct rows_column column = {0, types[round % 3], cells, round % 2 ? present : NULL};
        uint32_t first = (uint32_t)random_below(&random, ROWS), end;
        struct feed least, greatest;
        int64_t low = INT64_MAX, high = INT64_MIN;

        end = first + (uint32_t)random_below(&random, ROWS + 1 - first);
        for (uint32_t i = 0; i < ROWS; i++) {
            int64_t value = (int64_t)random_below(&random, 1000);

            present[i] = random_below(&random, 3) > 0;
            if (column.type == TYPE_F64)
                cells[i].f64 = (double)(value - 500);
            else
                cells[i].i64 = column.type == TYPE_I64 ? value - 500 : value;
            if (i < first || i >= end || (column.present && !present[i]))
                continue;
            value = column.type == TYPE_U64 ? value : value - 500;
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        feed_init(&least, "min", 0);
        feed_init(&greatest, "max", 0);
        assert_true(feed_rows(&least, &column, NULL, first, end));
        assert_true(feed_rows(&greatest, &column, NULL, first, end));
        if (low > high) {
            assert_int_equal(feed_answer(&least).type, TYPE_NONE);
        } else if (column.type == TYPE_F64) {
            assert_true(feed_answer(&least).cell.f64 == (double)low);
            assert_true(feed_answer(&greatest).cell.f64 == (double)high);
        } else {
            assert_int_equal(feed_answer(&least).cell.i64, low);
            assert_int_equal(feed_answer(&greatest).cell.i64, high);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extremes_compare_exactly_across_types),
        cmocka_unit_test(test_no_row_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
