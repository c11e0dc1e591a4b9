#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/twin.c"

#include "query/window.h"

#include "tests/unit/query/calls.h"

/* A few thousand windows, made by a run each, backwards: found again, and sorted at the end. */
static void test_windows_are_found_again_in_any_order(void **state)
{
    enum { COUNT = 3000 };
    const struct aggregate_call count = call_of("count");
    struct limits limits = {
        .query_groups_max = COUNT, .query_memory_bytes_max = 1 << 24, .query_ms_max = 1000};
    const uint8_t numbers[] = {0};
    union cell cells[] = {{.f64 = 1}, {.f64 = 2}};
    struct rows_column column = {0, TYPE_F64, cells, NULL};
    const struct grid grid = grid_of_ns(10, 0);
    struct windows windows;
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    windows_init(&windows, &watch, &grid, 1, 1, numbers, &count, 1);
    windows_begin(&windows);
    for (int round = 0; round < 2; round++)
        for (int i = COUNT - 1; i > 0; i--) {
            const int64_t time[] = {i * 10 - 1, i * 10}; /* two windows each */
            struct run run = {.time = time, .columns = &column, .column_count = 1, .end = 2};

            assert_int_equal(windows_add(&windows, &run, NULL), OK);
        }
    assert_int_equal(windows.count, COUNT);
    assert_int_equal(windows.time_first, 9);
    windows_sort(&windows);
    for (size_t i = 0; i < COUNT; i++) {
        struct datum datum;

        assert_int_equal(windows.windows[i].start, (int64_t)i * 10);
        window_finish(&windows, &windows.windows[i], 0, &count, &datum);
        assert_int_equal(datum.cell.u64, i == 0 || i == COUNT - 1 ? 2 : 4);
    }
    {
        const int64_t time[] = {-1};
        struct run run = {.time = time, .columns = &column, .column_count = 1, .end = 1};

        assert_int_equal(windows_add(&windows, &run, NULL), E_QUERY_GROUPS);
    }
    windows_release(&windows);
    assert_int_equal(budget_used(&watch.memory), 0);
}

/* Multiples of the inverse of 2^64 / golden ratio stood at one place of the table, one behind the
 * other, when the hash was the product with that. */
static void test_times_cannot_be_chosen_to_collide(void **state)
{
    enum { COUNT = 10000, FAR = 1000 };
    const struct aggregate_call count = call_of("count");
    struct limits limits = {
        .query_groups_max = COUNT, .query_memory_bytes_max = 1 << 24, .query_ms_max = 1000};
    const uint8_t numbers[] = {0};
    union cell cells[] = {{.f64 = 1}};
    struct rows_column column = {0, TYPE_F64, cells, NULL};
    const struct grid grid = grid_of_ns(1, 0);
    uint64_t inverse = 1;
    struct windows windows;
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;
    size_t together = 0;

    (void)state;
    for (int i = 0; i < 6; i++) /* Newton: twice as many bits are right each time */
        inverse *= 2 - 0x9e3779b97f4a7c15u * inverse;
    twin_watch_init(&watch, &limits, &clock, &sink);
    windows_init(&windows, &watch, &grid, 1, 1, numbers, &count, 1);
    windows_begin(&windows);
    for (uint64_t i = 0; i < COUNT; i++) {
        const int64_t time[] = {(int64_t)(i * inverse)};
        struct run run = {.time = time, .columns = &column, .column_count = 1, .end = 1};

        assert_int_equal(windows_add(&windows, &run, NULL), OK);
    }
    for (size_t i = 0; i < windows.slot_count; i++) {
        together = windows.slots[i] ? together + 1 : 0;
        assert_true(together < FAR);
    }
    windows_release(&windows);
}

static void test_rows_without_a_value_make_no_window(void **state)
{
    const struct aggregate_call count = call_of("count");
    struct limits limits = {
        .query_groups_max = 100, .query_memory_bytes_max = 1 << 20, .query_ms_max = 1000};
    const uint8_t numbers[] = {0}, present[] = {0, 0, 1, 0};
    union cell cells[4] = {{.f64 = 0}};
    struct rows_column columns[] = {
        {0, TYPE_F64,       cells, present},
        {0, TYPE_RETRACTED, cells, NULL   }
    };
    const int64_t time[] = {1, 11, 12, 21};
    struct run run = {.time = time, .columns = columns, .column_count = 2, .end = 4};
    const struct grid grid = grid_of_ns(10, 0);
    struct windows windows;
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    windows_init(&windows, &watch, &grid, 1, 1, numbers, &count, 1);
    windows_begin(&windows);
    assert_int_equal(windows_add(&windows, &run, NULL), OK);
    assert_int_equal(windows.count, 1);
    assert_int_equal(windows.windows[0].start, 10);
    assert_int_equal(windows.time_first, 12);
    windows_release(&windows);
}

/* The value before goes from window to window and from type to type, but not to another series. */
static void test_series_carry_their_last_value(void **state)
{
    const struct aggregate_call increase = call_of("increase");
    struct limits limits = {
        .query_groups_max = 100, .query_memory_bytes_max = 1 << 20, .query_ms_max = 1000};
    const uint8_t numbers[] = {1}, reals_at[] = {1, 0, 0, 1}, integers_at[] = {0, 1, 0, 0},
                  texts_at[] = {0, 0, 1, 0};
    const union cell reals[] = {{.f64 = 1.5}, {.f64 = 0}, {.f64 = 0}, {.f64 = 9}};
    const union cell integers[] = {{.i64 = 0}, {.i64 = 4}, {.i64 = 0}, {.i64 = 0}};
    static const struct text text = {0};
    const union cell texts[] = {{.text = &text}, {.text = &text}, {.text = &text}, {.text = &text}};
    const struct rows_column columns[] = {
        {0, TYPE_F64,    reals,    reals_at   },
        {0, TYPE_I64,    integers, integers_at},
        {0, TYPE_STRING, texts,    texts_at   },
    };
    const int64_t time[] = {1, 2, 3, 14};
    const struct run run = {.time = time, .columns = columns, .column_count = 3, .end = 4};
    const struct grid grid = grid_of_ns(10, 0);
    struct windows windows;
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;
    struct datum datum;

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    windows_init(&windows, &watch, &grid, 1, 1, numbers, &increase, 1);
    for (int group = 0; group < 2; group++) {
        windows_begin(&windows);
        for (int series = 1; series <= 3; series++) {
            assert_int_equal(windows_series_begin(&windows, NULL), OK);
            assert_int_equal(windows_add(&windows, &run, NULL), OK);
            assert_int_equal(windows.count, 2);
            window_finish(&windows, &windows.windows[0], 0, &increase, &datum);
            assert_true(datum.cell.f64 == series * 2.5);
            window_finish(&windows, &windows.windows[1], 0, &increase, &datum);
            assert_true(datum.cell.f64 == series * 5.0);
        }
    }
    assert_int_equal(windows.skipped, 6);
    windows_release(&windows);
    limits.query_memory_bytes_max = 0;
    watch_init(&watch, &limits, &clock.clock, &sink.sink);
    windows_init(&windows, &watch, &grid, 1, 1, numbers, &increase, 1);
    windows_begin(&windows);
    assert_true(windows_series_begin(&windows, NULL) != OK);
    windows_release(&windows);
}

static void test_windows_merge_as_if_added(void **state)
{
    const struct aggregate_call sum = call_of("sum");
    struct limits limits = {
        .query_groups_max = 3, .query_memory_bytes_max = 1 << 20, .query_ms_max = 1000};
    const uint8_t numbers[] = {1};
    const union cell cells[] = {{.i64 = 1}, {.i64 = 10}, {.i64 = 100}};
    const struct rows_column column = {0, TYPE_I64, cells, NULL};
    const int64_t early[] = {1, 11, 12}, late[] = {11, 21, 22};
    const struct run runs[] = {
        {.time = early, .columns = &column, .column_count = 1, .end = 3},
        {.time = late,  .columns = &column, .column_count = 1, .end = 3}
    };
    static const int64_t want[] = {1, 111, 110};
    const struct grid grid = grid_of_ns(10, 0);
    struct windows windows[2];
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    for (size_t i = 0; i < 2; i++) {
        windows_init(&windows[i], &watch, &grid, 1, 1, numbers, &sum, 1);
        windows[i].apart = true;
        windows_begin(&windows[i]);
        assert_int_equal(windows_add(&windows[i], &runs[1 - i], NULL), OK);
    }
    assert_int_equal(watch.cells, 0);
    windows_swap(&windows[0], &windows[1]);
    windows[0].apart = false;
    assert_int_equal(windows_count(&windows[0], NULL), OK);
    assert_int_equal(windows_merge(&windows[0], &windows[1], NULL), OK);
    assert_int_equal(watch.cells, 3); /* one is in both */
    assert_int_equal(windows[0].count, 3);
    assert_int_equal(windows[0].time_first, 1);
    windows_sort(&windows[0]);
    for (size_t i = 0; i < 3; i++) {
        struct datum datum;

        window_finish(&windows[0], &windows[0].windows[i], 0, &sum, &datum);
        assert_true(datum.is_wide && datum.integer == want[i]);
    }
    limits.query_groups_max = 2;
    windows_begin(&windows[0]);
    watch.cells = 0;
    assert_int_equal(windows_add(&windows[0], &runs[0], NULL), OK);
    assert_int_equal(windows_merge(&windows[0], &windows[1], NULL), E_QUERY_GROUPS);
    windows_release(&windows[0]);
    windows_release(&windows[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_are_found_again_in_any_order),
        cmocka_unit_test(test_times_cannot_be_chosen_to_collide),
        cmocka_unit_test(test_rows_without_a_value_make_no_window),
        cmocka_unit_test(test_series_carry_their_last_value),
        cmocka_unit_test(test_windows_merge_as_if_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
