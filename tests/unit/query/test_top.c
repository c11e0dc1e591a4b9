#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "query/top.h"

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

static void test_the_best_are_kept(void **state)
{
    enum { OFFERED = 500 };

    (void)state;
    for (uint64_t seed = 1; seed < 60; seed++) {
        struct ranked all[OFFERED];
        struct top top, whole;
        struct arena arena;
        struct random random;

        random_seed(&random, seed);
        arena_init(&arena, 1 << 20, NULL);
        top_init(&top, seed, seed % 2, &arena);
        top_init(&whole, OFFERED, seed % 2, &arena);
        for (size_t i = 0; i < OFFERED; i++) {
            all[i] = (struct ranked){.value = integer((int64_t)random_below(&random, 50)),
                                     .group = random_below(&random, 20),
                                     .time = (int64_t)i};
            if (i % 10 == 0)
                all[i].value.type = i % 20 == 0 ? TYPE_NONE : TYPE_STRING;
            assert_true(top_offer(&top, &all[i]));
            assert_true(top_offer(&whole, &all[i]));
        }
        top_sort(&top);
        top_sort(&whole);
        assert_int_equal(whole.count, OFFERED * 9 / 10);
        assert_int_equal(top.count, seed);
        for (size_t i = 0; i < top.count; i++) {
            const struct ranked *a = &whole.list[i], *b = a + 1;
            int order = datum_compare(&a->value, &b->value) * (top.bottom ? 1 : -1);

            assert_int_equal(top.list[i].time, a->time);
            assert_true(order < 0 || (order == 0 && (a->group < b->group ||
                                                     (a->group == b->group && a->time < b->time))));
        }
        top_sort_by_place(&top);
        for (size_t i = 1; i < top.count; i++)
            assert_true(top.list[i - 1].group < top.list[i].group ||
                        (top.list[i - 1].group == top.list[i].group &&
                         top.list[i - 1].time < top.list[i].time));
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_compare_exactly),
        cmocka_unit_test(test_the_best_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
