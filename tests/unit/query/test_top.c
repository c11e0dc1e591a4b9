#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "query/top.h"

static struct datum integer(int64_t value)
{
    return (struct datum){.type = TYPE_I64, .cell.i64 = value};
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
        cmocka_unit_test(test_the_best_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
