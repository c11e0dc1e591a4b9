#include "tests/unit/base/times.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/date.h"
#include "base/random.h"
#include "query/grid.h"

static const int64_t second = 1000000000, hour = 3600000000000, day = 24 * 3600000000000;

static void expect(const char *name, const struct grid *grid, int64_t time, int64_t want_start,
                   int64_t want_end)
{
    int64_t end = 0, start = grid_start(grid, time, &end);

    if (start != want_start || end != want_end)
        fail_msg("%s at %lld: got %lld..%lld, want %lld..%lld", name, (long long)time,
                 (long long)start, (long long)end, (long long)want_start, (long long)want_end);
}

static void test_fixed_windows_align_to_the_epoch_and_weeks_to_monday(void **state)
{
    const struct {
        int64_t every, offset, time, start, end;
    } cases[] = {
        {10,                  0,        0,                    0,                   10                  },
        {10,                  0,        9,                    0,                   10                  },
        {10,                  0,        -1,                   -10,                 0                   },
        {10,                  0,        -10,                  -10,                 0                   },
        {10,                  3,        2,                    -7,                  3                   },
        {10,                  3,        3,                    3,                   13                  },
        {10,                  -3,       6,                    -3,                  7                   },
        {10,                  -3,       7,                    7,                   17                  },
        {hour,                0,        1700000000000000000,  1699999200000000000, 1700002800000000000 },
        {day,                 0,        -1,                   -day,                0                   },
        {day,                 6 * hour, 0,                    -18 * hour,          6 * hour            },
        {7 * day,             0,        0,                    -3 * day,            4 * day             }, /* the epoch was a Thursday */
        {7 * day,             0,        4 * day,              4 * day,             11 * day            }, /* a Monday begins its own */
        {7 * day,             0,        4 * day - 1,          -3 * day,            4 * day             },
        {7 * day,             -day,     3 * day,              3 * day,             10 * day            }, /* from Sunday */
        {14 * day,            0,        0,                    -10 * day,           4 * day             },
        {8 * day,             0,        0,                    0,                   8 * day             },
        {10,                  0,        INT64_MIN,            INT64_MIN,           INT64_MIN + 8       }, /* it began before */
        {10,                  0,        INT64_MAX - 1,        INT64_MAX - 7,       INT64_MAX           },
        {INT64_MAX,           0,        5,                    0,                   INT64_MAX           },
        {INT64_MAX,           0,        -5,                   -INT64_MAX,          0                   },
        {INT64_MAX,           -1,       INT64_MAX - 1,        INT64_MAX - 1,       INT64_MAX           },
 /* 15250 weeks: time % every - first would leave 64 bits */
        {9223200000000000000, 0,        -9223100000000000000, INT64_MIN,           -9222854400000000000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct grid grid = grid_of_ns(cases[i].every, cases[i].offset);

        expect("fixed", &grid, cases[i].time, cases[i].start, cases[i].end);
    }
}

static void test_no_grid_is_one_window_over_all_of_time(void **state)
{
    struct grid grid = {0};

    (void)state;
    assert_true(grid_is_whole(&grid));
    expect("whole", &grid, INT64_MIN, INT64_MIN, INT64_MAX);
    expect("whole", &grid, 5, INT64_MIN, INT64_MAX);
}

/* 'd' days, 'm' months. */
static void test_calendar_windows(void **state)
{
    static const struct {
        const char *zone;
        char unit;
        int64_t every;
        const char *time, *start, *end;
        int64_t offset;
    } cases[] = {
        {"Europe/London",       'd', 1,   "2024-03-31T12:00:00Z",           "2024-03-31T00:00:00Z",
         "2024-03-31T23:00:00Z",                                                                                            0                },
        {"Europe/London",       'd', 1,   "2024-10-27T00:30:00Z",           "2024-10-26T23:00:00Z",
         "2024-10-28T00:00:00Z",                                                                                            0                },
        {"Europe/Berlin",       'd', 1,   "2024-03-30T23:00:00Z",           "2024-03-30T23:00:00Z",
         "2024-03-31T22:00:00Z",                                                                                            0                },
        {"Europe/Berlin",       'd', 1,   "2024-03-30T22:59:59.999999999Z", "2024-03-29T23:00:00Z",
         "2024-03-30T23:00:00Z",                                                                                            0                },
        {"+05:45",              'd', 1,   "2024-01-01T00:00:00Z",           "2023-12-31T18:15:00Z", "2024-01-01T18:15:00Z",
         0                                                                                                                                   },
        {"UTC",                 'd', 3,   "1970-01-02T00:00:00Z",           "1970-01-01T00:00:00Z", "1970-01-04T00:00:00Z", 0                },
        {"UTC",                 'd', 3,   "1969-12-31T00:00:00Z",           "1969-12-29T00:00:00Z", "1970-01-01T00:00:00Z", 0                },
 /* Weeks begin on Monday, on that of the zone. */
        {"America/New_York",    'd', 7,   "2024-03-11T03:59:59Z",           "2024-03-04T05:00:00Z",
         "2024-03-11T04:00:00Z",                                                                                            0                },
        {"America/New_York",    'd', 7,   "2024-03-11T04:00:00Z",           "2024-03-11T04:00:00Z",
         "2024-03-18T04:00:00Z",                                                                                            0                },
        {"Australia/Sydney",    'd', 7,   "2024-04-08T00:00:00Z",           "2024-04-07T14:00:00Z",
         "2024-04-14T14:00:00Z",                                                                                            0                },
 /* Months, quarters, years. */
        {"UTC",                 'm', 1,   "2024-02-29T23:59:59Z",           "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z", 0                },
        {"Europe/Paris",        'm', 1,   "2024-03-31T22:00:00Z",           "2024-03-31T22:00:00Z",
         "2024-04-30T22:00:00Z",                                                                                            0                },
        {"Europe/Paris",        'm', 3,   "2024-03-31T21:59:59Z",           "2023-12-31T23:00:00Z",
         "2024-03-31T22:00:00Z",                                                                                            0                },
        {"UTC",                 'm', 12,  "1969-12-31T23:59:59Z",           "1969-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0                },
        {"UTC",                 'm', 5,   "1970-02-01T00:00:00Z",           "1970-01-01T00:00:00Z", "1970-06-01T00:00:00Z",
         0                                                                                                                                   }, /* 1970 * 12 is divisible by 5 */
        {"UTC",                 'm', 120, "2024-06-01T00:00:00Z",           "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z",
         0                                                                                                                                   },
 /* Days from another hour of the wall clock. */
        {"Europe/Berlin",       'd', 1,   "2024-03-31T03:59:59Z",           "2024-03-30T05:00:00Z",
         "2024-03-31T04:00:00Z",                                                                                            6 * 3600000000000},
        {"Europe/Berlin",       'd', 1,   "2024-03-31T04:00:00Z",           "2024-03-31T04:00:00Z",
         "2024-04-01T04:00:00Z",                                                                                            6 * 3600000000000},
        {"Europe/Berlin",       'd', 1,   "2024-03-31T00:00:00Z",           "2024-03-30T22:00:00Z",
         "2024-03-31T21:00:00Z",                                                                                            -3600000000000   },
        {"Europe/Berlin",       'd', 1,   "2024-03-31T01:00:00Z",           "2024-03-31T01:00:00Z",
         "2024-04-01T00:30:00.5Z",                                                                                          9000500000000    }, /* 02:30:00.5 was left out */
        {"UTC",                 'm', 1,   "2024-02-01T05:59:59Z",           "2024-01-01T06:00:00Z", "2024-02-01T06:00:00Z",
         6 * 3600000000000                                                                                                                   },
 /* Midnights that are left out: the day begins with its first moment. */
        {"America/Sao_Paulo",   'd', 1,   "2017-10-15T03:00:00Z",           "2017-10-15T03:00:00Z",
         "2017-10-16T02:00:00Z",                                                                                            0                },
        {"America/Sao_Paulo",   'd', 1,   "2017-10-15T02:59:59Z",           "2017-10-14T03:00:00Z",
         "2017-10-15T03:00:00Z",                                                                                            0                },
        {"America/Sao_Paulo",   'd', 1,   "2018-02-18T02:30:00Z",           "2018-02-17T02:00:00Z",
         "2018-02-18T03:00:00Z",                                                                                            0                },
        {"Asia/Beirut",         'd', 1,   "2024-03-30T22:00:00Z",           "2024-03-30T22:00:00Z",
         "2024-03-31T21:00:00Z",                                                                                            0                },
        {"Asia/Beirut",         'd', 1,   "2024-10-26T20:30:00Z",           "2024-10-25T21:00:00Z",
         "2024-10-26T22:00:00Z",                                                                                            0                },
 /* Midnight came twice, one minute apart from where it began: St. John's turned at 00:01. */
        {"America/St_Johns",    'd', 1,   "2006-10-29T02:31:00Z",           "2006-10-29T02:30:00Z",
         "2006-10-30T03:30:00Z",                                                                                            0                },
 /* A day that was left out has no window. */
        {"Pacific/Apia",        'd', 1,   "2011-12-30T09:59:59Z",           "2011-12-29T10:00:00Z",
         "2011-12-30T10:00:00Z",                                                                                            0                },
        {"Pacific/Apia",        'd', 1,   "2011-12-30T10:00:00Z",           "2011-12-30T10:00:00Z",
         "2011-12-31T10:00:00Z",                                                                                            0                },
        {"Australia/Lord_Howe", 'd', 1,   "2024-04-06T14:00:00Z",           "2024-04-06T13:00:00Z",
         "2024-04-07T13:30:00Z",                                                                                            0                },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct zone *zone = zone_of(cases[i].zone, &arena);
        struct grid grid = cases[i].unit == 'd'
                               ? grid_of_days(cases[i].every, cases[i].offset, zone)
                               : grid_of_months(cases[i].every, cases[i].offset, zone);
        char name[120];

        (void)snprintf(name, sizeof(name), "%s %lld%c %s", cases[i].zone, (long long)cases[i].every,
                       cases[i].unit, cases[i].time);
        expect(name, &grid, time_of(cases[i].time), time_of(cases[i].start), time_of(cases[i].end));
    }
    arena_release(&arena);
}

/* Moments of the C library: the first of that local day. */
static int64_t day_begins(int year, int month, int day_of_month)
{
    struct tm at = {
        .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day_of_month, .tm_isdst = -1};
    time_t moment = mktime(&at), before;
    struct tm shown;

    /* Whatever mktime() made of a midnight that is not there or is there twice: back to the first
     * second that shows this day. */
    for (;; moment = before) {
        before = moment - 1800;
        (void)localtime_r(&before, &shown);
        if (shown.tm_mday != at.tm_mday)
            return (int64_t)moment;
    }
}

/* Every day of 31 years, in zones of both halves of the year: begins and ends where the C library
 * says, and so has 23, 24 or 25 hours; months and years are made of such days. */
static void test_days_months_and_years_of_zones_against_the_c_library(void **state)
{
    static const struct {
        const char *zone;
        uint32_t short_days, long_days; /* of 2000 to 2030 */
    } zones[] = {
        {"Europe/London",     31, 31},
        {"Europe/Paris",      31, 31},
        {"America/New_York",  31, 31},
        {"Australia/Sydney",  31, 31},
        {"America/Sao_Paulo", 19, 20}, /* no more after February 2019 */
        {"Asia/Beirut",       31, 31},
        {"UTC",               0,  0 },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t z = 0; z < COUNT_OF(zones); z++) {
        const struct zone *zone = zone_of(zones[z].zone, &arena);
        struct grid days = grid_of_days(1, 0, zone), months = grid_of_months(1, 0, zone),
                    years = grid_of_months(12, 0, zone);
        int64_t start = 0, month_start = 0, year_start = 0;
        uint32_t short_days = 0, long_days = 0;

        assert_int_equal(setenv("TZ", zones[z].zone, 1), 0);
        tzset();
        for (int64_t n = date_days(2000, 1, 1); n <= date_days(2031, 1, 1); n++) {
            int year, month, day_of_month;
            int64_t begin, length;

            date_of_days(n, &year, &month, &day_of_month);
            begin = day_begins(year, month, day_of_month) * second;
            length = begin - start;
            if (start != 0) {
                expect(zones[z].zone, &days, start, start, begin);
                expect(zones[z].zone, &days, start + length / 2, start, begin);
                expect(zones[z].zone, &days, begin - 1, start, begin);
                short_days += length == 23 * hour;
                long_days += length == 25 * hour;
                if (length != 23 * hour && length != 24 * hour && length != 25 * hour)
                    fail_msg("%s: a day of %lld ns", zones[z].zone, (long long)length);
            }
            if (day_of_month == 1 && month_start != 0)
                expect(zones[z].zone, &months, begin - 1, month_start, begin);
            if (day_of_month == 1 && month == 1 && year_start != 0)
                expect(zones[z].zone, &years, begin - hour, year_start, begin);
            month_start = day_of_month == 1 ? begin : month_start;
            year_start = day_of_month == 1 && month == 1 ? begin : year_start;
            start = begin;
        }
        if (short_days != zones[z].short_days || long_days != zones[z].long_days)
            fail_msg("%s: %u short days, %u long ones", zones[z].zone, short_days, long_days);
    }
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
    arena_release(&arena);
}

/* Whatever the grid: a time is in its window, both ends of a window lead to it, and the next one
 * begins where it ends. */
static void check_holds_together(const char *name, const struct grid *grid, int64_t time)
{
    int64_t end, start = grid_start(grid, time, &end), next_end;

    if (start > time || (end <= time && end != INT64_MAX))
        fail_msg("%s: %lld is not in %lld..%lld", name, (long long)time, (long long)start,
                 (long long)end);
    expect(name, grid, start, start, end);
    expect(name, grid, end - 1, start, end);
    if (end < INT64_MAX && grid_start(grid, end, &next_end) != end)
        fail_msg("%s: no window begins at %lld", name, (long long)end);
}

static void test_windows_follow_one_another_over_all_of_time(void **state)
{
    static const char *const names[] = {"UTC",          "Europe/London",    "America/Sao_Paulo",
                                        "Pacific/Apia", "America/St_Johns", "Africa/Casablanca",
                                        "-12:00",       "Asia/Manila",      "America/Juneau"};
    const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    struct random random;
    struct arena arena;

    (void)state;
    random_seed(&random, 20);
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t z = 0; z < COUNT_OF(names); z++) {
        const struct zone *zone = zone_of(names[z], &arena);

        for (int round = 0; round < 3000; round++) {
            int64_t every = round % 3 == 0 ? 1 : 1 + (int64_t)(random_next(&random) % 3504);
            int64_t offset = (int64_t)(random_next(&random) % (uint64_t)(2 * day)) - day;
            int64_t time = (int64_t)random_next(&random);
            struct grid grid;

            if (round % 4 == 0)
                grid = grid_of_ns(1 + (int64_t)(random_next(&random) >> 1) % INT64_MAX, offset);
            else if (round % 2 == 0)
                grid = grid_of_days(every, round % 8 == 2 ? offset : 0, zone);
            else
                grid = grid_of_months(every, round % 8 == 1 ? offset : 0, zone);
            if (round % 5 == 0)
                time = ends[(size_t)round / 5 % COUNT_OF(ends)];
            check_holds_together(names[z], &grid, time);
        }
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_windows_align_to_the_epoch_and_weeks_to_monday),
        cmocka_unit_test(test_no_grid_is_one_window_over_all_of_time),
        cmocka_unit_test(test_calendar_windows),
        cmocka_unit_test(test_days_months_and_years_of_zones_against_the_c_library),
        cmocka_unit_test(test_windows_follow_one_another_over_all_of_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
