#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "query/sum.h"

/* Any stretch of a column, with and without gaps, is what its values come to one by one. */
static void test_columns_are_summed_like_their_values(void **state)
{
    enum { ROWS = 67 };
    static const enum value_type types[] = {TYPE_F64, TYPE_I64, TYPE_U64};
    union cell cells[ROWS];
    uint8_t present[ROWS];
    struct random random;

    (void)state;
    random_seed(&random, 1);
    for (uint32_t round = 0; round < 3000; round++) {
        enum value_type type = types[round % 3];
        uint32_t first = (uint32_t)random_below(&random, ROWS);
        uint32_t end = first + (uint32_t)random_below(&random, ROWS + 1 - first);
        struct rows_column column = {0, type, cells, round % 2 ? present : NULL};
        struct sum sum = {.integer = -5, .integer_count = 1}, want = sum;

        for (uint32_t i = 0; i < ROWS; i++) {
            cells[i].u64 = random_next(&random);
            if (type == TYPE_F64) /* whole numbers: exact in any order */
                cells[i].f64 = (double)((int64_t)cells[i].u64 >> 20);
            present[i] = random_below(&random, 4) > 0;
        }
        for (uint32_t i = first; i < end; i++) {
            if (column.present && !present[i])
                continue;
            if (type == TYPE_F64)
                sum_real(&want, (struct real){cells[i].f64, 0});
            else
                sum_integer(&want, integer_of(type, cells[i]));
        }
        sum_column(&sum, &column, first, end);
        assert_true(sum.integer == want.integer);
        assert_int_equal(sum.integer_count, want.integer_count);
        assert_int_equal(sum.real_count, want.real_count);
        assert_true(real_value(sum.real) == real_value(want.real));
    }
}

static void test_integers_become_reals_without_loss(void **state)
{
    static const union cell cells[] = {{.i64 = INT64_MIN},
                                       {.i64 = -1},
                                       {.i64 = 0},
                                       {.i64 = ((int64_t)1 << 53) + 1},
                                       {.i64 = INT64_MAX}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        struct real real = real_of(TYPE_I64, cells[i]);

        assert_true((wide)real.high + (wide)real.low == cells[i].i64);
        real = real_of(TYPE_U64, cells[i]);
        assert_true((wide)real.high + (wide)real.low == (wide)cells[i].u64);
    }
}

static void test_the_mean_is_rounded_once(void **state)
{
    struct sum sum = {0};
    struct real mean;

    (void)state;
    for (int i = 0; i < 10; i++)
        sum_real(&sum, (struct real){0.1, 0});
    mean = sum_mean(&sum);
    assert_true(mean.high == 0.1 && mean.low == 0);
    sum = (struct sum){0};
    sum_integer(&sum, INT64_MAX);
    sum_integer(&sum, -INT64_MAX);
    sum_real(&sum, (struct real){1, 0});
    assert_true(real_value(sum_mean(&sum)) == 1.0 / 3);
}

static void test_merged_sums_are_the_whole(void **state)
{
    struct sum a = {0}, b = {0};
    struct datum datum;

    (void)state;
    sum_datum(&a, &datum);
    assert_int_equal(datum.type, TYPE_NONE);
    sum_integer(&a, INT64_MAX);
    sum_integer(&b, INT64_MAX);
    sum_merge(&a, &b);
    sum_datum(&a, &datum);
    assert_true(datum.is_wide && datum.integer == 2 * (wide)INT64_MAX);
    b = (struct sum){0};
    sum_real(&b, (struct real){0.5, 0x1p-60});
    sum_merge(&a, &b);
    assert_true(a.real_count == 1 && a.integer_count == 2);
    assert_true(a.real.high + a.real.low == 0.5 && a.real.low == 0x1p-60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_summed_like_their_values),
        cmocka_unit_test(test_integers_become_reals_without_loss),
        cmocka_unit_test(test_the_mean_is_rounded_once),
        cmocka_unit_test(test_merged_sums_are_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
