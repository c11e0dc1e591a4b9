#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/random.h"
#include "codec/column_summary.h"
#include "query/datum.h"
#include "query/pixel_extremes.h"

enum { ROWS = 64 };

static int compare(enum value_type type, union cell a, union cell b)
{
    const struct datum x = {.type = type, .cell = a}, y = {.type = type, .cell = b};

    return datum_compare(&x, &y);
}

/* Rows [first, end), one by one; NULL = all present. */
static void naive_extremes(const struct rows_column *column, uint32_t first, uint32_t end,
                           uint32_t rows[4], uint32_t *count)
{
    enum value_type type = column->type;

    *count = 0;
    for (uint32_t i = first; i < end; i++) {
        if (column->present && !column->present[i])
            continue;
        if ((*count)++ == 0)
            rows[0] = rows[1] = rows[2] = i;
        if (compare(type, column->cells[i], column->cells[rows[0]]) < 0)
            rows[0] = i;
        if (compare(type, column->cells[i], column->cells[rows[1]]) > 0)
            rows[1] = i;
        rows[3] = i;
    }
}

static void test_rows_and_headers_give_the_earliest_of_equal_ones(void **state)
{
    static const enum value_type types[] = {TYPE_F64, TYPE_I64, TYPE_U64};
    struct random random;

    (void)state;
    random_seed(&random, 1);
    for (int round = 0; round < 20000; round++) {
        union cell cells[ROWS], valid[ROWS];
        uint8_t present[ROWS];
        uint16_t numbers[ROWS];
        enum value_type type = types[random_below(&random, 3)];
        bool sparse = random_below(&random, 2);
        uint32_t first = (uint32_t)random_below(&random, 8), count, rows[4] = {0}, valid_count = 0;
        uint32_t end = first + 1 + (uint32_t)random_below(&random, ROWS - 8);
        struct rows_column column = {.type = type, .cells = cells};
        struct extremes found = {0}, taken = {0};
        struct column_summary summary;

        for (uint32_t i = 0; i < ROWS; i++) {
            int64_t value = (int64_t)random_below(&random, 9);

            cells[i].u64 = (uint64_t)value;
            if (type == TYPE_I64)
                cells[i].i64 = value - 4;
            if (type == TYPE_F64)
                cells[i].f64 = (double)(value - 4) / 2;
            present[i] = random_below(&random, 4) > 0;
        }
        if (sparse)
            column.present = present;
        naive_extremes(&column, first, end, rows, &count);
        extremes_add(&found, &column, first, end);
        for (uint32_t i = first; i < end; i++)
            if (!sparse || present[i]) {
                valid[valid_count] = cells[i];
                numbers[valid_count++] = (uint16_t)i;
            }
        column_summary_make(type, valid, numbers, valid_count, &summary);
        extremes_take(&taken, type, &summary);
        assert_int_equal(found.count, count);
        assert_int_equal(taken.count, count);
        if (count == 0)
            continue;
        assert_int_equal(found.least.row, rows[0]);
        assert_int_equal(found.greatest.row, rows[1]);
        assert_int_equal(found.first.row, rows[2]);
        assert_int_equal(found.last.row, rows[3]);
        assert_int_equal(found.last.cell.u64, cells[rows[3]].u64);
        assert_memory_equal(&taken.least, &found.least, sizeof(found.least));
        assert_memory_equal(&taken.greatest, &found.greatest, sizeof(found.greatest));
        assert_memory_equal(&taken.first, &found.first, sizeof(found.first));
        assert_memory_equal(&taken.last, &found.last, sizeof(found.last));
    }
}

static void test_types_of_one_field_are_one(void **state)
{
    const union cell reals[] = {{.f64 = 2}, {.f64 = 0}, {.f64 = 3.5}, {.f64 = 0}};
    const union cell integers[] = {{.i64 = 0}, {.i64 = 2}, {.i64 = 0}, {.i64 = 4}};
    const uint8_t real[] = {1, 0, 1, 0}, integer[] = {0, 1, 0, 1};
    const struct rows_column columns[] = {
        {0, TYPE_F64, reals,    real   },
        {0, TYPE_I64, integers, integer},
    };

    (void)state;
    for (int order = 0; order < 2; order++) { /* whichever comes first */
        struct extremes found = {0};

        extremes_add(&found, &columns[order], 0, 4);
        extremes_add(&found, &columns[!order], 0, 4);
        assert_int_equal(found.count, 4);
        assert_int_equal(found.least.row, 0); /* 2.0 stands before 2 */
        assert_int_equal(found.least.type, TYPE_F64);
        assert_int_equal(found.greatest.row, 3);
        assert_int_equal(found.greatest.type, TYPE_I64);
        assert_int_equal(found.first.row, 0);
        assert_int_equal(found.last.row, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_and_headers_give_the_earliest_of_equal_ones),
        cmocka_unit_test(test_types_of_one_field_are_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
