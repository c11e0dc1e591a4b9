#include "store/packs/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/time_text.h"

static int64_t at(const char *text)
{
    int64_t ns = 0;

    assert_int_equal(timestamp_parse(bytes_of(text), &ns, NULL), OK);
    return ns;
}

static void test_a_period_holds_its_times(void **state)
{
    static const struct {
        enum period period;
        const char *time, *start, *end;
    } cases[] = {
        {PERIOD_HOUR,  "2024-02-29T12:34:56.5Z",         "2024-02-29T12:00:00Z", "2024-02-29T13:00:00Z"},
        {PERIOD_HOUR,  "2024-02-29T13:00:00Z",           "2024-02-29T13:00:00Z", "2024-02-29T14:00:00Z"},
        {PERIOD_DAY,   "2024-02-29T23:59:59.999999999Z", "2024-02-29T00:00:00Z",
         "2024-03-01T00:00:00Z"                                                                        },
        {PERIOD_MONTH, "2024-02-29T12:34:56Z",           "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
        {PERIOD_MONTH, "2023-12-31T23:59:59Z",           "2023-12-01T00:00:00Z", "2024-01-01T00:00:00Z"},
        {PERIOD_MONTH, "1969-12-31T23:59:59Z",           "1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z"},
        {PERIOD_DAY,   "1969-12-31T23:59:59Z",           "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
        {PERIOD_HOUR,  "1969-12-31T23:59:59Z",           "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t time = at(cases[i].time);

        if (period_start(cases[i].period, time) != at(cases[i].start) ||
            period_end(cases[i].period, time) != at(cases[i].end))
            fail_msg("%s", cases[i].time);
    }
}

/* Neither the first nor the last of all times is past its period, and periods leave no gap. */
static void test_the_ends_of_time(void **state)
{
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX};

    (void)state;
    for (enum period period = PERIOD_HOUR; period <= PERIOD_MONTH; period++)
        for (size_t i = 0; i < COUNT_OF(times); i++) {
            int64_t start = period_start(period, times[i]), end = period_end(period, times[i]);

            assert_true(start <= times[i]);
            assert_true(end > times[i] || end == INT64_MAX);
            if (end != INT64_MAX)
                assert_int_equal(period_start(period, end), end);
        }
}

static void test_dense_data_gets_short_periods(void **state)
{
    static const int64_t day = INT64_C(86400) * 1000000000;
    static const uint64_t mib = 1024 * 1024;
    static const struct {
        uint64_t bytes;
        int64_t span;
        enum period want;
    } cases[] = {
        {100 * mib,    31 * day, PERIOD_MONTH},
        {129 * mib,    31 * day, PERIOD_DAY  },
        {4 * mib,      day,      PERIOD_MONTH},
        {100 * mib,    day,      PERIOD_DAY  },
        {129 * mib,    day,      PERIOD_HOUR },
        {100000 * mib, 1,        PERIOD_HOUR },
        {1,            1,        PERIOD_HOUR },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (period_choose(cases[i].bytes, 0, cases[i].span - 1, 128 * mib) != cases[i].want)
            fail_msg("case %zu", i);
    assert_int_equal(period_choose(1000, INT64_MIN, INT64_MAX, 128 * mib), PERIOD_MONTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_period_holds_its_times),
        cmocka_unit_test(test_the_ends_of_time),
        cmocka_unit_test(test_dense_data_gets_short_periods),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
