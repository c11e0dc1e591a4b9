#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include "tests/unit/query/feed.h"

static void test_counters_add_what_they_rose_by(void **state)
{
    const double rising[] = {5, 7, 7, 10}, reset[] = {5, 7, 2, 4}, zero[] = {3, 0, 0};

    (void)state;
    assert_true(feed_reals("increase", rising, 4) == 5);
    assert_true(feed_reals("increase", reset, 4) == 2 + 2 + 2); /* the new value counts whole */
    assert_true(feed_reals("increase", zero, 3) == 0);
    assert_true(feed_reals("rate", rising, 4) == 5.0 / 3);
    assert_true(feed_reals("rate(1m)", rising, 4) == 100);
    assert_true(feed_reals("delta", reset, 4) == -1);
    assert_true(feed_reals("derivative", reset, 4) == -1.0 / 3);
    assert_true(feed_reals("derivative(1h)", reset, 4) == -1200);
}

static void test_one_value_has_no_change(void **state)
{
    static const char *const calls[] = {"increase", "rate", "delta", "derivative"};
    const union cell one[] = {{.f64 = 5}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        assert_int_equal(feed_two(calls[i], TYPE_F64, one, 1, TYPE_F64, one, 0).type, TYPE_NONE);
        assert_int_equal(feed_two(calls[i], TYPE_F64, one, 0, TYPE_F64, one, 0).type, TYPE_NONE);
    }
}

static void test_integers_stay_exact(void **state)
{
    const union cell from[] = {{.i64 = INT64_MIN}, {.i64 = INT64_MAX}};
    const union cell to[] = {{.u64 = UINT64_MAX}}, half[] = {{.f64 = 0.5}};
    struct datum datum = feed_two("delta", TYPE_I64, from, 2, TYPE_U64, to, 1);

    (void)state;
    assert_true(datum.is_wide && datum.integer == (wide)UINT64_MAX - INT64_MIN);
    datum = feed_two("increase", TYPE_I64, from, 2, TYPE_U64, to, 1);
    assert_true(datum.is_wide && datum.integer == (wide)UINT64_MAX - INT64_MIN);
    datum = feed_two("increase", TYPE_I64, from, 2, TYPE_I64, from, 1); /* below zero: nothing */
    assert_true(datum.is_wide && datum.integer == (wide)INT64_MAX - INT64_MIN);
    datum = feed_two("delta", TYPE_I64, from + 1, 1, TYPE_F64, half, 1);
    assert_true(datum.type == TYPE_F64 && datum.cell.f64 == 0.5 - 0x1p63);
}

/* What lies between the ends has no say. */
static void test_a_delta_passes_over_spikes(void **state)
{
    const double reals[] = {1, 1e300, 1.5};

    (void)state;
    assert_true(feed_reals("delta", reals, 3) == 0.5);
}

static void test_series_are_worked_out_one_by_one(void **state)
{
    const union cell a[] = {{.i64 = 10}, {.i64 = 20}}, b[] = {{.i64 = 5}, {.i64 = 1}};
    struct feed rate, increase, delta, one;
    int64_t time = 0;

    (void)state;
    feed_init(&rate, "rate", 0);
    feed_init(&increase, "increase", 0);
    feed_init(&delta, "delta", 0);
    feed_init(&one, "rate", 0);
    feed_cells(&rate, TYPE_I64, a, 2, &time);
    feed_cells(&increase, TYPE_I64, a, 2, &time);
    feed_cells(&delta, TYPE_I64, a, 2, &time);
    feed_series(&rate);
    feed_series(&increase);
    feed_series(&delta);
    feed_cells(&rate, TYPE_I64, b, 2, &time);
    feed_cells(&increase, TYPE_I64, b, 2, &time);
    feed_cells(&delta, TYPE_I64, b, 2, &time);
    feed_cells(&one, TYPE_I64, b, 2, &time);
    assert_true(feed_answer(&rate).cell.f64 == 11);
    assert_true(feed_answer(&increase).integer == 11);
    assert_true(feed_answer(&delta).integer == 6);
    feed_merge(&rate, &one);
    assert_true(feed_answer(&rate).cell.f64 == 12);
}

/* The later value's window has the change. */
static void test_windows_add_up_to_the_whole(void **state)
{
    const union cell cells[] = {{.i64 = 3}, {.i64 = 8}, {.i64 = 2}, {.i64 = 9}};
    const int64_t time[] = {0, 10, 20, 30};
    const uint8_t present[] = {1, 0, 1, 1};
    const struct rows_column column = {0, TYPE_I64, cells, present};
    struct feed first, second;

    (void)state;
    feed_init(&first, "increase", 0);
    feed_init(&second, "increase", 0);
    assert_true(feed_rows(&first, &column, time, 0, 2));
    second.carry = first.carry;
    assert_true(feed_rows(&second, &column, time, 2, 4));
    assert_int_equal(feed_answer(&first).type, TYPE_NONE);
    assert_true(feed_answer(&second).integer == 2 + 7);
    feed_init(&second, "delta", 0);
    second.carry = first.carry;
    assert_true(feed_rows(&second, &column, time, 2, 4));
    assert_true(feed_answer(&second).integer == 6);
}

/* A column at once is what its rows come to one by one, whatever came before. */
static void test_columns_rise_like_their_rows(void **state)
{
    enum { ROWS = 40 };
    static const enum value_type types[] = {TYPE_F64, TYPE_I64, TYPE_U64};
    struct random random;

    (void)state;
    random_seed(&random, 5);
    for (uint32_t round = 0; round < 3000; round++) {
        union cell cells[2][ROWS];
        int64_t time[ROWS];
        uint8_t present[ROWS];
        struct feed whole, single;
        struct datum a, b;

        feed_init(&whole, "increase", 0);
        feed_init(&single, "increase", 0);
        for (uint32_t part = 0; part < 2; part++) {
            enum value_type type = types[random_below(&random, 3)];
            const struct rows_column column = {0, type, cells[part],
                                               random_below(&random, 2) ? present : NULL};

            for (uint32_t i = 0; i < ROWS; i++) {
                int64_t value = (int64_t)random_below(&random, 20) - (type == TYPE_U64 ? 0 : 5);

                time[i] = part * ROWS + i;
                present[i] = random_below(&random, 3) > 0;
                cells[part][i].i64 = random_below(&random, 9) ? value : INT64_MIN + 5 + value;
                if (type == TYPE_F64)
                    cells[part][i].f64 = (double)value / 4;
            }
            assert_true(feed_rows(&whole, &column, time, 0, ROWS));
            for (uint32_t i = 0; i < ROWS; i++)
                assert_true(feed_rows(&single, &column, time, i, i + 1));
        }
        a = feed_answer(&whole);
        b = feed_answer(&single);
        assert_true(datum_equal(&a, &b));
        whole.call = single.call = call_of("rate");
        a = feed_answer(&whole);
        b = feed_answer(&single);
        assert_true(datum_equal(&a, &b));
    }
}

static void test_times_from_end_to_end(void **state)
{
    const union cell cells[] = {{.f64 = 0}, {.f64 = 0x1p34}};
    const int64_t time[] = {INT64_MIN, INT64_MAX - 1};
    const struct rows_column column = {0, TYPE_F64, cells, NULL};
    struct feed feed;

    (void)state;
    feed_init(&feed, "rate(1ns)", 0);
    assert_true(feed_rows(&feed, &column, time, 0, 2));
    assert_true(feed_answer(&feed).cell.f64 == 0x1p-30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_add_what_they_rose_by),
        cmocka_unit_test(test_one_value_has_no_change),
        cmocka_unit_test(test_integers_stay_exact),
        cmocka_unit_test(test_a_delta_passes_over_spikes),
        cmocka_unit_test(test_series_are_worked_out_one_by_one),
        cmocka_unit_test(test_windows_add_up_to_the_whole),
        cmocka_unit_test(test_columns_rise_like_their_rows),
        cmocka_unit_test(test_times_from_end_to_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
