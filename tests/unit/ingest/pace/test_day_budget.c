#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pace/day_budget.h"

#define HOUR (3600 * MOMENT_SECOND)

static struct moment at(int64_t wall_hours, int64_t boot_hours)
{
    return (struct moment){wall_hours * HOUR, boot_hours * HOUR};
}

static int64_t when(const struct day_budget *budget, uint64_t limit, uint32_t weight,
                    struct moment now)
{
    return day_budget_when(budget, limit, weight, &now) / HOUR;
}

static void use(struct day_budget *budget, uint32_t weight, struct moment now)
{
    day_budget_use(budget, &now, &now, weight);
}

static void test_a_day_has_so_much_and_the_next_as_much_again(void **state)
{
    struct day_budget budget = {0};

    (void)state;
    assert_int_equal(when(&budget, 10, 10, at(20, 5)), 5);
    use(&budget, 7, at(20, 5));
    assert_int_equal(when(&budget, 10, 3, at(21, 6)), 6);
    assert_int_equal(when(&budget, 10, 4, at(21, 6)), 9); /* midnight */
    use(&budget, 3, at(21, 6));
    assert_int_equal(when(&budget, 10, 1, at(23, 8)), 9);
    assert_int_equal(when(&budget, 10, 10, at(24, 9)), 9);
    use(&budget, 10, at(24, 9));
    assert_int_equal(when(&budget, 10, 1, at(30, 15)), 33);
    day_budget_give_back(&budget, &(struct moment){24 * HOUR, 9 * HOUR}, 1);
    assert_int_equal(when(&budget, 10, 1, at(30, 15)), 15);
}

static void test_a_clock_set_forward_gives_no_second_budget(void **state)
{
    struct day_budget budget = {0};

    (void)state;
    use(&budget, 10, at(20, 5));
    assert_int_equal(when(&budget, 10, 1, at(30, 6)), 9); /* ten hours in one */
    assert_int_equal(when(&budget, 10, 1, at(33, 9)), 9);
}

static void test_a_clock_set_back_finds_what_began_ahead(void **state)
{
    struct day_budget budget = {0};

    (void)state;
    use(&budget, 4, at(23, 5));
    use(&budget, 5, at(24, 6));
    assert_int_equal(when(&budget, 10, 1, at(23, 7)), 7);
    assert_int_equal(when(&budget, 10, 2, at(23, 7)), 8); /* then the first day is over */
    use(&budget, 1, at(23, 7));
    assert_int_equal(when(&budget, 10, 5, at(24, 8)), 8);
    assert_int_equal(when(&budget, 10, 6, at(24, 8)), 32);
}

static void test_days_of_a_wrong_clock_go_a_day_later_at_the_latest(void **state)
{
    struct day_budget budget = {0};

    (void)state;
    use(&budget, 10, at(24 * 9000 + 20, 5)); /* its midnight is at 9 */
    assert_int_equal(when(&budget, 10, 1, at(20, 6)), 33);
    assert_int_equal(when(&budget, 10, 1, at(47, 33)), 33);
    for (int64_t day = 0; day < 100; day++) /* there is room for some */
        use(&budget, 1, at(24 * (9000 - day), 40));
    assert_int_equal(when(&budget, 99, 1, at(48, 41)), 88);
    assert_int_equal(when(&budget, 101, 1, at(48, 41)), 41);
}

static void test_the_last_day_that_a_time_can_be_of_is_one(void **state)
{
    const struct moment last = {INT64_MAX - 3 * HOUR, 5 * HOUR};
    struct day_budget budget = {0};

    (void)state;
    use(&budget, 10, last);
    assert_int_equal(when(&budget, 10, 1, (struct moment){INT64_MAX - 2 * HOUR, 6 * HOUR}), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day_has_so_much_and_the_next_as_much_again),
        cmocka_unit_test(test_a_clock_set_forward_gives_no_second_budget),
        cmocka_unit_test(test_a_clock_set_back_finds_what_began_ahead),
        cmocka_unit_test(test_days_of_a_wrong_clock_go_a_day_later_at_the_latest),
        cmocka_unit_test(test_the_last_day_that_a_time_can_be_of_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
