#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include "tests/unit/query/feed.h"

static void test_samples_divide_by_one_less(void **state)
{
    const double reals[] = {2, 4, 4, 4, 5, 5, 7, 9};

    (void)state;
    assert_true(feed_reals("variance", reals, 8) == 32.0 / 7);
    assert_true(feed_reals("stddev", reals, 8) == sqrt(32.0 / 7));
    assert_int_equal(
        feed_two("variance", TYPE_F64, (const union cell *)reals, 1, TYPE_F64, NULL, 0).type,
        TYPE_NONE);
    assert_int_equal(feed_two("stddev", TYPE_F64, NULL, 0, TYPE_F64, NULL, 0).type, TYPE_NONE);
}

static void test_equal_values_do_not_vary(void **state)
{
    const double reals[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};

    (void)state;
    assert_true(feed_reals("variance", reals, 7) == 0);
}

/* Where squares would have lost everything. */
static void test_large_values_keep_small_distances(void **state)
{
    const union cell low[] = {{.i64 = INT64_MIN}, {.i64 = INT64_MIN + 1}, {.i64 = INT64_MIN + 2}};
    const union cell high[] = {{.u64 = UINT64_MAX}, {.u64 = UINT64_MAX - 1}};
    const double reals[] = {1e9, 1e9 + 0.25, 1e9 + 0.5};

    (void)state;
    assert_true(feed_two("variance", TYPE_I64, low, 3, TYPE_I64, NULL, 0).cell.f64 == 1);
    assert_true(feed_two("variance", TYPE_U64, high, 2, TYPE_I64, NULL, 0).cell.f64 == 0.5);
    assert_true(feed_reals("variance", reals, 3) == 0.0625);
}

static void test_squares_beyond_the_doubles_are_null(void **state)
{
    const union cell cells[] = {{.f64 = 1e200}, {.f64 = -1e200}};

    (void)state;
    assert_int_equal(feed_two("variance", TYPE_F64, cells, 2, TYPE_F64, NULL, 0).type, TYPE_NONE);
    assert_int_equal(feed_two("stddev", TYPE_F64, cells, 2, TYPE_F64, NULL, 0).type, TYPE_NONE);
}

/* Stretches of a column, summaries of blocks and single values come to the same. */
static void test_stretches_are_put_together(void **state)
{
    enum { ROWS = 4000 };
    static union cell cells[ROWS];
    struct rows_column column = {0, TYPE_F64, cells, NULL};
    struct feed whole, single, summed;
    struct random random;
    double a;

    (void)state;
    random_seed(&random, 3);
    for (uint32_t i = 0; i < ROWS; i++)
        cells[i].f64 = 1e6 + (double)random_below(&random, 1000) / 7;
    feed_init(&whole, "variance", 0);
    feed_init(&single, "variance", 0);
    feed_init(&summed, "variance", 0);
    assert_true(feed_rows(&whole, &column, NULL, 0, ROWS));
    for (uint32_t i = 0; i < ROWS; i++)
        assert_true(feed_rows(&single, &column, NULL, i, i + 1));
    for (uint32_t i = 0; i < ROWS; i += 500) {
        struct moments_state part = {0};
        struct column_summary summary;
        struct part_summary input = {TYPE_F64, &summary, 0, 0, 500};
        struct part_input rows = {.column = &column, .first = i, .end = i + 500};

        assert_true(moments_add(&part, &rows));
        summary = (struct column_summary){
            .valid_count = 500,
            .min.f64 = 1,
            .max.f64 = 2,
            .sum.f64 = {part.sum.real.high, part.sum.real.low},
            .m2 = part.m2
        };
        moments_take(summed.state, &input);
    }
    a = feed_answer(&whole).cell.f64;
    assert_true(fabs(feed_answer(&single).cell.f64 - a) < a * 1e-12);
    assert_true(fabs(feed_answer(&summed).cell.f64 - a) < a * 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_divide_by_one_less),
        cmocka_unit_test(test_equal_values_do_not_vary),
        cmocka_unit_test(test_large_values_keep_small_distances),
        cmocka_unit_test(test_squares_beyond_the_doubles_are_null),
        cmocka_unit_test(test_stretches_are_put_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
