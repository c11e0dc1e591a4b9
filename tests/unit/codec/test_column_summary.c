#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "codec/column_summary.h"

static union cell cells[BLOCK_ROWS_MAX];

static void test_extremes_ends_and_rows(void **state)
{
    static const struct {
        const char *name;
        double values[6];
        size_t count;
        uint32_t row_min, row_max;
    } cases[] = {
        {"one",                  {5},                      1, 0, 0},
        {"two",                  {5, 4},                   2, 1, 0},
        {"ties keep the first",  {1, 2, 1, 2},             4, 0, 1},
        {"last of an odd count", {3, 2, 3, 2, 9},          5, 1, 4},
        {"least is last",        {3, 2, 3, 2, -9},         5, 4, 0},
        {"infinities",           {0, INFINITY, -INFINITY}, 3, 2, 1},
        {"zeros are equal",      {0.0, -0.0, 0.0},         3, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct column_summary summary;

        for (size_t row = 0; row < cases[i].count; row++)
            cells[row].f64 = cases[i].values[row];
        column_summary_make(TYPE_F64, cells, NULL, cases[i].count, &summary);
        if (summary.row_min != cases[i].row_min || summary.row_max != cases[i].row_max ||
            summary.row_first != 0 || summary.row_last != cases[i].count - 1 ||
            summary.valid_count != cases[i].count)
            fail_msg("%s: rows %u %u %u %u", cases[i].name, summary.row_min, summary.row_max,
                     summary.row_first, summary.row_last);
        assert_true(summary.min.f64 == cases[i].values[cases[i].row_min]);
        assert_true(summary.max.f64 == cases[i].values[cases[i].row_max]);
        assert_true(summary.last.f64 == cases[i].values[cases[i].count - 1]);
    }
}

static void test_absent_cells_shift_the_rows(void **state)
{
    static const uint16_t rows[] = {3, 10, 11, 4000};
    static const double values[] = {5, -1, 8, 2};
    struct column_summary summary;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        cells[i].f64 = values[i];
    column_summary_make(TYPE_F64, cells, rows, 4, &summary);
    assert_int_equal(summary.row_first, 3);
    assert_int_equal(summary.row_min, 10);
    assert_int_equal(summary.row_max, 11);
    assert_int_equal(summary.row_last, 4000);
}

static void test_sums_of_floats_keep_what_rounding_loses(void **state)
{
    struct column_summary summary;

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        cells[i].f64 = i == 0 ? 1e17 : i == 999 ? -1e17 : 0.1;
    column_summary_make(TYPE_F64, cells, NULL, 1000, &summary);
    assert_true(fabs(summary.sum.f64.high - 99.8) < 1e-12);
    cells[0].f64 = 1e300;
    cells[1].f64 = 1;
    column_summary_make(TYPE_F64, cells, NULL, 2, &summary);
    assert_true(summary.sum.f64.high == 1e300 && summary.sum.f64.low == 1);
}

static void test_a_sum_that_overflows_is_infinite(void **state)
{
    struct column_summary summary;

    (void)state;
    for (size_t i = 0; i < 8; i++)
        cells[i].f64 = 1.7e308;
    column_summary_make(TYPE_F64, cells, NULL, 8, &summary);
    assert_true(isinf(summary.sum.f64.high) && summary.sum.f64.low == 0);
}

static void test_sums_of_integers_are_exact(void **state)
{
    struct column_summary summary;

    (void)state;
    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        cells[i].u64 = UINT64_MAX;
    column_summary_make(TYPE_U64, cells, NULL, BLOCK_ROWS_MAX, &summary);
    assert_int_equal(summary.sum.integer.high, BLOCK_ROWS_MAX - 1);
    assert_true(summary.sum.integer.low == 0 - (uint64_t)BLOCK_ROWS_MAX);
    column_summary_make(TYPE_I64, cells, NULL, BLOCK_ROWS_MAX, &summary); /* all -1 */
    assert_int_equal(summary.sum.integer.high, -1);
    assert_true(summary.sum.integer.low == 0 - (uint64_t)BLOCK_ROWS_MAX);
    assert_true(summary.m2 == 0);
}

static void test_integers_are_ordered_by_their_type(void **state)
{
    struct column_summary summary;

    (void)state;
    cells[0].i64 = -5;
    cells[1].i64 = 5;
    cells[2].i64 = INT64_MIN;
    column_summary_make(TYPE_I64, cells, NULL, 3, &summary);
    assert_int_equal(summary.row_min, 2);
    assert_int_equal(summary.row_max, 1);
    column_summary_make(TYPE_U64, cells, NULL, 3, &summary);
    assert_int_equal(summary.row_min, 1);
    assert_int_equal(summary.row_max, 0);
}

static void test_m2_is_the_sum_of_squared_distances(void **state)
{
    struct column_summary summary;

    (void)state;
    for (size_t i = 0; i < 101; i++)
        cells[i].f64 = 1e9 + (double)i;
    column_summary_make(TYPE_F64, cells, NULL, 101, &summary);
    assert_true(fabs(summary.m2 - 85850) < 1e-3);
    for (size_t i = 0; i < 101; i++)
        cells[i].i64 = 1000000000 + (int64_t)i;
    column_summary_make(TYPE_I64, cells, NULL, 101, &summary);
    assert_true(fabs(summary.m2 - 85850) < 1e-3);
}

/* Whole numbers, decimals, and bits of any kind. */
static union cell any_cell(struct random *random, enum value_type type, size_t round)
{
    if (type == TYPE_BOOL)
        return (union cell){.u64 = 1};
    if (type == TYPE_F64 && round % 4 < 3)
        return (union cell){.f64 = ((double)random_below(random, 20000) - 10000) /
                                   (round % 4 == 0   ? 1
                                    : round % 4 == 1 ? 10
                                                     : 1e4)};
    return (union cell){.u64 = random_next(random)};
}

static void test_summaries_are_written_and_read(void **state)
{
    static const enum value_type types[] = {TYPE_F64,  TYPE_I64,    TYPE_U64,
                                            TYPE_BOOL, TYPE_STRING, TYPE_RETRACTED};
    struct random random;

    (void)state;
    random_seed(&random, 1);
    for (size_t round = 0; round < 1200; round++) {
        enum value_type type = types[round % COUNT_OF(types)];
        size_t count = (size_t)random_below(&random, 50) + round % 2;
        struct summary_form form = {.row_count = round % 2 ? (uint32_t)count : 50,
                                    .all = round % 2};
        struct column_summary made, got;
        struct buf out = BUF_INIT(1000);
        struct reader reader;

        for (size_t i = 0; i < count; i++)
            cells[i] = any_cell(&random, type, round / COUNT_OF(types));
        column_summary_make(type, cells, NULL, count, &made);
        form.decimal = column_summary_decimal(type, &made);
        column_summary_put(type, &form, &made, &out);
        reader = reader_of(buf_bytes(&out));
        assert_true(column_summary_read(type, &form, &reader, &got));
        assert_int_equal(reader_left(&reader), 0);
        assert_null(column_summary_differs(type, &made, &got));
        for (size_t size = 0; size < out.size; size++) {
            reader = reader_of((struct bytes){out.data, size});
            assert_false(column_summary_read(type, &form, &reader, &got));
        }
        buf_release(&out);
    }
}

static void test_extremes_that_are_decimals_are_written_as_integers(void **state)
{
    static const struct {
        const char *name;
        double values[3];
        uint8_t decimal;
    } cases[] = {
        {"whole",             {3, 0, -100},       17},
        {"one digit",         {0.1, 3, -100},     2 },
        {"fifteen digits",    {1e-15, 0, 0},      32},
        {"too many digits",   {1.0 / 3, 0, 0},    0 },
        {"negative zero",     {-0.0, 1, 2},       0 },
        {"infinite",          {INFINITY, 1, 2},   0 },
        {"not a number",      {NAN, NAN, NAN},    0 },
        {"below the largest", {0x1p51 - 1, 0, 1}, 1 },
        {"too large",         {0x1p52, 0, 1},     0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct column_summary summary;

        for (size_t row = 0; row < 3; row++)
            cells[row].f64 = cases[i].values[row];
        column_summary_make(TYPE_F64, cells, NULL, 3, &summary);
        if (column_summary_decimal(TYPE_F64, &summary) != cases[i].decimal)
            fail_msg("%s: %u", cases[i].name, column_summary_decimal(TYPE_F64, &summary));
    }
}

static void test_what_does_not_fit_the_block_is_refused(void **state)
{
    static const struct {
        const char *name;
        enum value_type type;
        struct summary_form form;
        bool fits;
    } cases[] = {
        {"as it is",             TYPE_I64, {10, false, 0, false},  true },
        {"a row behind it",      TYPE_I64, {9, false, 0, false},   false},
        {"more cells than rows", TYPE_I64, {4, false, 0, false},   false},
        {"decimal",              TYPE_F64, {10, false, 16, false}, true },
        {"decimal integers",     TYPE_I64, {10, false, 1, false},  false},
        {"an unknown scale",     TYPE_F64, {10, false, 33, false}, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct column_summary summary = {.valid_count = 5, .row_max = 9};
        struct summary_form form = {.row_count = 10};
        struct buf out = BUF_INIT(1000);
        struct reader reader;

        form.decimal = cases[i].type == TYPE_F64 ? 1 : 0;
        column_summary_put(cases[i].type, &form, &summary, &out);
        reader = reader_of(buf_bytes(&out));
        if (column_summary_read(cases[i].type, &cases[i].form, &reader, &summary) != cases[i].fits)
            fail_msg("%s: %s", cases[i].name, cases[i].fits ? "refused" : "taken");
        buf_release(&out);
    }
}

/* A block of ten columns of whole numbers has ten of these a few thousand rows. */
static void test_a_summary_of_whole_numbers_is_short(void **state)
{
    struct summary_form form = {.row_count = BLOCK_ROWS_MAX, .all = true};
    struct column_summary summary;
    struct buf out = BUF_INIT(1000);

    (void)state;
    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        cells[i].f64 = (double)(i * 37 % 101);
    column_summary_make(TYPE_F64, cells, NULL, BLOCK_ROWS_MAX, &summary);
    form.decimal = column_summary_decimal(TYPE_F64, &summary);
    column_summary_put(TYPE_F64, &form, &summary, &out);
    assert_in_range(out.size, 10, 22);
    buf_release(&out);
}

static void test_a_difference_is_named(void **state)
{
    struct column_summary a, b;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        cells[i].f64 = (double)i;
    column_summary_make(TYPE_F64, cells, NULL, 5, &a);
    b = a;
    assert_null(column_summary_differs(TYPE_F64, &a, &b));
    b.sum.f64.low = 1e-30;
    assert_string_equal(column_summary_differs(TYPE_F64, &a, &b), "sum");
    b = a;
    b.m2 = NAN;
    assert_string_equal(column_summary_differs(TYPE_F64, &a, &b), "m2");
    a.m2 = NAN;
    assert_null(column_summary_differs(TYPE_F64, &a, &b));
    b.max.f64 = 3;
    assert_string_equal(column_summary_differs(TYPE_F64, &a, &b), "max");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extremes_ends_and_rows),
        cmocka_unit_test(test_absent_cells_shift_the_rows),
        cmocka_unit_test(test_sums_of_floats_keep_what_rounding_loses),
        cmocka_unit_test(test_a_sum_that_overflows_is_infinite),
        cmocka_unit_test(test_sums_of_integers_are_exact),
        cmocka_unit_test(test_integers_are_ordered_by_their_type),
        cmocka_unit_test(test_m2_is_the_sum_of_squared_distances),
        cmocka_unit_test(test_summaries_are_written_and_read),
        cmocka_unit_test(test_extremes_that_are_decimals_are_written_as_integers),
        cmocka_unit_test(test_what_does_not_fit_the_block_is_refused),
        cmocka_unit_test(test_a_summary_of_whole_numbers_is_short),
        cmocka_unit_test(test_a_difference_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
