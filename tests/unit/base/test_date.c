#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/date.h"

static void test_known_days(void **state)
{
    static const struct {
        int year, month, day;
        int64_t days;
    } cases[] = {
        {1970, 1,  1,  0      },
        {1969, 12, 31, -1     },
        {2000, 2,  29, 11016  },
        {2000, 3,  1,  11017  },
        {1900, 2,  28, -25509 },
        {1900, 3,  1,  -25508 },
        {2262, 4,  11, 106751 },
        {0,    1,  1,  -719528},
        {0,    3,  1,  -719468},
        {9999, 12, 31, 2932896},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int year, month, day;

        assert_int_equal(date_days(cases[i].year, cases[i].month, cases[i].day), cases[i].days);
        date_of_days(cases[i].days, &year, &month, &day);
        assert_int_equal(year, cases[i].year);
        assert_int_equal(month, cases[i].month);
        assert_int_equal(day, cases[i].day);
    }
}

static void test_every_day_follows_the_one_before(void **state)
{
    int64_t days = date_days(0, 1, 1);

    (void)state;
    for (int year = 0; year < 10000; year++)
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= date_days_in_month(year, month); day++, days++)
                if (date_days(year, month, day) != days)
                    fail_msg("%d-%d-%d", year, month, day);
    assert_int_equal(days, date_days(9999, 12, 31) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_days),
        cmocka_unit_test(test_every_day_follows_the_one_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
