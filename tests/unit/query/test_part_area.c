#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/feed.h"

static void test_areas_are_of_trapezoids(void **state)
{
    const double reals[] = {1, 3, 3, -1};

    (void)state;
    assert_true(feed_reals("integral", reals, 4) == 2 + 3 + 1);
    assert_true(feed_reals("integral(1m)", reals, 4) == 0.1);
    assert_true(feed_reals("time_weighted_mean", reals, 4) == 2);
}

static void test_a_value_alone_has_no_area_and_is_its_mean(void **state)
{
    const union cell cells[] = {{.i64 = 7}, {.i64 = 8}};
    struct feed feed;
    int64_t time = 0;

    (void)state;
    assert_int_equal(feed_two("integral", TYPE_I64, cells, 1, TYPE_I64, cells, 0).type, TYPE_NONE);
    feed_init(&feed, "time_weighted_mean", 0);
    assert_int_equal(feed_answer(&feed).type, TYPE_NONE);
    feed_cells(&feed, TYPE_I64, cells, 1, &time);
    assert_true(feed_answer(&feed).cell.f64 == 7);
    feed_series(&feed);
    feed_cells(&feed, TYPE_I64, cells + 1, 1, &time);
    assert_true(feed_answer(&feed).cell.f64 == 7.5);
    feed_cells(&feed, TYPE_I64, cells, 1, &time); /* now there is a piece */
    assert_true(feed_answer(&feed).cell.f64 == 7.5);
    feed_cells(&feed, TYPE_I64, cells, 1, &time);
    assert_true(feed_answer(&feed).cell.f64 == 7.25);
}

/* The longer a value held, the more it counts. */
static void test_means_are_weighted_by_time(void **state)
{
    const union cell cells[] = {{.f64 = 0}, {.f64 = 0}, {.f64 = 10}, {.f64 = 10}};
    const int64_t time[] = {0, 80, 80 + 10, 100};
    const struct rows_column column = {0, TYPE_F64, cells, NULL};
    struct feed feed, other;

    (void)state;
    feed_init(&feed, "time_weighted_mean", 0);
    feed_init(&other, "time_weighted_mean", 0);
    assert_true(feed_rows(&feed, &column, time, 0, 4));
    assert_true(feed_answer(&feed).cell.f64 == 1.5);
    assert_true(feed_rows(&other, &column, time, 2, 4)); /* another series: 10 for 10 ns */
    feed_merge(&feed, &other);
    assert_true(feed_answer(&feed).cell.f64 == 250.0 / 110);
}

static void test_areas_do_not_overflow_on_the_way(void **state)
{
    const union cell cells[] = {{.f64 = 8e307}, {.f64 = 8e307}, {.f64 = 8e307}};
    const int64_t time[] = {INT64_MIN, 0, INT64_MAX - 1};
    const struct rows_column column = {0, TYPE_F64, cells, NULL};
    struct feed feed;

    (void)state;
    feed_init(&feed, "time_weighted_mean", 0);
    assert_true(feed_rows(&feed, &column, time, 0, 3));
    assert_true(fabs(feed_answer(&feed).cell.f64 / 8e307 - 1) < 1e-15);
    feed.call = call_of("integral(15250w)"); /* half of the time there is */
    assert_true(fabs(feed_answer(&feed).cell.f64 / 1.6e308 - 1) < 1e-4);
    feed.call = call_of("integral"); /* beyond the doubles */
    assert_int_equal(feed_answer(&feed).type, TYPE_NONE);
}

/* A year's piece and nearly its opposite: what is left is of the last nanosecond. */
static void test_long_pieces_that_take_each_other_back_leave_the_difference(void **state)
{
    const int64_t year = 31556952000000001;
    const union cell cells[] = {{.f64 = 1}, {.f64 = 1}, {.f64 = -1}, {.f64 = -1}};
    const int64_t time[] = {0, year, year, 2 * year - 1};
    const struct rows_column column = {0, TYPE_F64, cells, NULL};
    struct feed feed;

    (void)state;
    feed_init(&feed, "integral", 0);
    assert_true(feed_rows(&feed, &column, time, 0, 4));
    assert_true(feed_answer(&feed).cell.f64 == 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_areas_are_of_trapezoids),
        cmocka_unit_test(test_a_value_alone_has_no_area_and_is_its_mean),
        cmocka_unit_test(test_means_are_weighted_by_time),
        cmocka_unit_test(test_areas_do_not_overflow_on_the_way),
        cmocka_unit_test(test_long_pieces_that_take_each_other_back_leave_the_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
