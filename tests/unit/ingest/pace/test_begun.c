#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pace/begun.h"
#include "tests/unit/codec/seed.h"

/* Some thousand units, put in any order, some taken back: the nth newest is that of a sorted list
 * as long as the ring has it, and never older than that beyond. */
static void test_the_nth_newest_is_that_of_a_list(void **state)
{
    enum { UNITS = 3000 };
    static int64_t list[UNITS];
    struct begun begun = BEGUN_INIT;
    struct random random;
    size_t count = 0;

    (void)state;
    seed_random(&random);
    for (int step = 0; step < 4000; step++) {
        int64_t ns =
            (int64_t)(random_chance(&random, 4) ? random_below(&random, 4000) : (uint64_t)step);
        uint32_t units = 1 + (uint32_t)random_below(&random, 3);

        if (count + units > UNITS)
            break;
        begun_put(&begun, ns, units, INT64_MIN, BEGUN_UNITS_MAX);
        for (uint32_t unit = 0; unit < units; unit++) {
            size_t at = count++;

            for (; at > 0 && list[at - 1] > ns; at--)
                list[at] = list[at - 1];
            list[at] = ns;
        }
        if (random_chance(&random, 5)) {
            begun_remove(&begun, ns, 1);
            for (size_t at = count; at-- > 0;)
                if (list[at] == ns) {
                    memmove(&list[at], &list[at + 1], (count - at - 1) * sizeof(*list));
                    break;
                }
            count--;
        }
        for (int look = 0; look < 5; look++) {
            uint64_t nth = 1 + random_below(&random, count + 2);
            int64_t want = nth <= count ? list[count - nth] : INT64_MIN;

            assert_int_equal(begun_nth(&begun, nth), want);
        }
    }
    begun_release(&begun);
}

static void test_what_is_old_makes_room_and_counts_as_the_newest_of_it(void **state)
{
    struct begun begun = BEGUN_INIT;

    (void)state;
    for (int64_t ns = 0; ns < 1000; ns++)
        begun_put(&begun, ns, 1, ns - 10, 1000);
    assert_true(begun.capacity < 100);
    assert_int_equal(begun_nth(&begun, begun.count), 1000 - (int64_t)begun.count);
    assert_int_equal(begun_nth(&begun, begun.count + 1), 999 - (int64_t)begun.count);
    assert_int_equal(begun_nth(&begun, 5000), 999 - (int64_t)begun.count);
    begun_remove(&begun, 3, 1); /* lost: nothing changes */
    assert_int_equal(begun_nth(&begun, 1), 999);
    begun_release(&begun);
}

static void test_more_units_than_there_may_be_hold_all_the_same(void **state)
{
    struct begun begun = BEGUN_INIT;

    (void)state;
    begun_put(&begun, 5, 4000000000U, INT64_MIN, 1000);
    assert_int_equal(begun.count, 1000);
    assert_int_equal(begun_nth(&begun, 1000 + 1), 5);
    begun_put(&begun, 9, 1, INT64_MIN, 1000);
    assert_int_equal(begun.count, 1000);
    assert_int_equal(begun_nth(&begun, 1), 9);
    assert_int_equal(begun_nth(&begun, 2), 5);
    begun_release(&begun);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_nth_newest_is_that_of_a_list),
        cmocka_unit_test(test_what_is_old_makes_room_and_counts_as_the_newest_of_it),
        cmocka_unit_test(test_more_units_than_there_may_be_hold_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
