#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/datum.h"

static struct datum real(double value)
{
    return (struct datum){.type = TYPE_F64, .cell.f64 = value};
}

static struct datum integer(int64_t value)
{
    return (struct datum){.type = TYPE_I64, .cell.i64 = value};
}

static void test_numbers_compare_exactly(void **state)
{
    const struct datum huge = {.type = TYPE_I64, .is_wide = true, .integer = (wide)1 << 100};
    const struct datum natural = {.type = TYPE_U64, .cell.u64 = UINT64_MAX};
    const struct datum line[] = {real(-1e300),     integer(INT64_MIN),
                                 real(-0.5),       integer(0),
                                 real(0.25),       integer((1LL << 53) + 1),
                                 real(0x1p53 + 2), natural,
                                 real(0x1p64),     huge,
                                 real(0x1p101)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(line); i++)
        for (size_t j = 0; j < COUNT_OF(line); j++)
            assert_int_equal(datum_compare(&line[i], &line[j]), i < j ? -1 : i > j);
    assert_int_equal(datum_compare(&(struct datum){.type = TYPE_F64, .cell.f64 = 0x1p100}, &huge),
                     0);
}

static void test_cells_of_any_types_compare_as_numbers(void **state)
{
    static const struct {
        enum value_type type_a, type_b;
        union cell a, b;
        int want;
    } cases[] = {
        {TYPE_F64, TYPE_F64, {.f64 = 1.5},                    {.f64 = 2},                      -1},
        {TYPE_F64, TYPE_F64, {.f64 = -0.0},                   {.f64 = 0.0},                    0 },
        {TYPE_I64, TYPE_I64, {.i64 = INT64_MIN},              {.i64 = INT64_MAX},              -1},
        {TYPE_I64, TYPE_U64, {.i64 = -1},                     {.u64 = UINT64_MAX},             -1},
        {TYPE_U64, TYPE_I64, {.u64 = 7},                      {.i64 = 7},                      0 },
        {TYPE_I64, TYPE_F64, {.i64 = (INT64_C(1) << 53) + 1}, {.f64 = 0x1p53},                 1 },
        {TYPE_F64, TYPE_I64, {.f64 = 0x1p53},                 {.i64 = (INT64_C(1) << 53) + 1}, -1},
        {TYPE_F64, TYPE_I64, {.f64 = 0x1p63},                 {.i64 = INT64_MAX},              1 },
        {TYPE_F64, TYPE_U64, {.f64 = 1e300},                  {.u64 = UINT64_MAX},             1 },
        {TYPE_I64, TYPE_F64, {.i64 = INT64_MIN},              {.f64 = -1e300},                 1 },
        {TYPE_I64, TYPE_F64, {.i64 = -2},                     {.f64 = -1.5},                   -1},
        {TYPE_I64, TYPE_F64, {.i64 = -1},                     {.f64 = -1.5},                   1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (datum_compare(&(struct datum){.type = cases[i].type_a, .cell = cases[i].a},
                          &(struct datum){.type = cases[i].type_b, .cell = cases[i].b}) !=
            cases[i].want)
            fail_msg("case %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_compare_exactly),
        cmocka_unit_test(test_cells_of_any_types_compare_as_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
