#include "tests/unit/base/times.h"

#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/span.h"

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)

static void test_texts_become_spans_and_back(void **state)
{
    static const struct {
        const char *text;
        struct span want;
        const char *printed; /* NULL: the same */
    } cases[] = {
        {"10s",                {0, 0, 10 * SECOND},                      NULL   },
        {"1h30m",              {0, 0, HOUR * 3 / 2},                     NULL   },
        {"1d",                 {0, 0, 24 * HOUR},                        NULL   },
        {"2w",                 {0, 0, 14 * 24 * HOUR},                   NULL   },
        {"250ms",              {0, 0, SECOND / 4},                       NULL   },
        {"PT30M",              {0, 0, HOUR / 2},                         "30m"  },
        {"PT1H",               {0, 0, HOUR},                             "1h"   },
        {"PT60M",              {0, 0, HOUR},                             "1h"   },
        {"PT0.25S",            {0, 0, SECOND / 4},                       "250ms"},
        {"PT0,000000001S",     {0, 0, 1},                                "1ns"  },
        {"P1D",                {0, 1, 0},                                NULL   },
        {"P1W",                {0, 7, 0},                                "P7D"  },
        {"P1M",                {1, 0, 0},                                NULL   },
        {"P1Y",                {12, 0, 0},                               NULL   },
        {"P1Y6M",              {18, 0, 0},                               NULL   },
        {"P1DT12H",            {0, 1, 12 * HOUR},                        NULL   },
        {"P1Y2M3W4DT5H6M7.5S",
         {14, 25, 5 * HOUR + 6 * 60 * SECOND + 7 * SECOND + SECOND / 2},
         "P1Y2M25DT5H6M7.5S"                                                    },
        {"P1DT0.000000001S",   {0, 1, 1},                                NULL   },
        {"P2147483647D",       {0, INT32_MAX, 0},                        NULL   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *want = cases[i].printed ? cases[i].printed : cases[i].text;
        struct span got = {0};
        struct error err = {0};
        char text[SPAN_TEXT_SIZE];
        size_t size;

        if (span_parse(bytes_of(cases[i].text), &got, &err) != OK)
            fail_msg("%s: %s", cases[i].text, err.text);
        if (got.months != cases[i].want.months || got.days != cases[i].want.days ||
            got.ns != cases[i].want.ns)
            fail_msg("%s: got %d months, %d days, %lld ns", cases[i].text, got.months, got.days,
                     (long long)got.ns);
        size = span_print(&got, text);
        if (!bytes_equal((struct bytes){text, size}, bytes_of(want)))
            fail_msg("%s: printed as %.*s", cases[i].text, (int)size, text);
    }
}

static void test_what_is_no_span_is_refused_with_what_would_be(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"",                       "above zero"                  },
        {"P",                      "want a number and a unit"    },
        {"PT",                     "want a number and a unit"    },
        {"P1DT",                   "want a number and a unit"    },
        {"P1",                     "want a number and a unit"    },
        {"P0D",                    "above zero"                  },
        {"PT0S",                   "above zero"                  },
        {"-P1D",                   "want a number and a unit"    },
        {"P-1D",                   "want a number and a unit"    },
        {"P1H",                    "behind a T"                  },
        {"PT1D",                   "want H, M and S"             },
        {"P1D1M",                  "in this order"               },
        {"P1M1M",                  "in this order"               },
        {"PT1M1H",                 "in this order"               },
        {"P0.5D",                  "only seconds have a fraction"},
        {"PT0.S",                  "1 to 9 digits"               },
        {"PT0.0000000001S",        "1 to 9 digits"               },
        {"PT1STT1S",               "want a number"               },
        {"P2147483648D",           "too long"                    },
        {"P178956971Y",            "too long"                    },
        {"PT2562048H",             "too long"                    },
        {"P99999999999999999999D", "too large"                   },
        {"p1d",                    "a number and a unit"         },
        {"1month",                 "w d h m s ms us ns"          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span span = {.months = 7};
        struct error err = {0};

        if (span_parse(bytes_of(cases[i].text), &span, &err) != E_BAD_PARAMETER ||
            strstr(err.text, cases[i].want) == NULL || span.months != 7)
            fail_msg("\"%s\": %s", cases[i].text, err.text);
    }
}

static void test_what_a_span_is_about(void **state)
{
    const struct span month = {1, 0, 0}, day = {0, 1, 0}, both = {0, 1, HOUR},
                      all = {INT32_MAX, 0, 0}, none = {0};

    (void)state;
    assert_true(span_about_ns(&month) == 30 * 24 * HOUR);
    assert_true(span_about_ns(&both) == 25 * HOUR);
    assert_true(span_about_ns(&all) == INT64_MAX);
    assert_false(span_is_fixed(&month));
    assert_false(span_is_fixed(&day));
    assert_true(span_is_fixed(&none));
    assert_true(span_is_zero(&none));
    assert_false(span_is_zero(&day));
}

static void test_spans_are_added(void **state)
{
    static const struct {
        const char *zone, *from, *span;
        int64_t count;
        const char *want;
    } cases[] = {
        {NULL,            "2024-01-31T12:30:00Z",   "P1M",     1,         "2024-02-29T12:30:00Z"  },
        {NULL,            "2024-01-31T12:30:00Z",   "P1M",     2,         "2024-03-31T12:30:00Z"  },
        {NULL,            "2023-01-31T00:00:00Z",   "P1M",     1,         "2023-02-28T00:00:00Z"  },
        {NULL,            "2024-02-29T00:00:00Z",   "P1Y",     1,         "2025-02-28T00:00:00Z"  },
        {NULL,            "2024-02-29T00:00:00Z",   "P1Y",     4,         "2028-02-29T00:00:00Z"  },
        {NULL,            "2024-03-31T00:00:00Z",   "P1M",     -1,        "2024-02-29T00:00:00Z"  },
        {NULL,            "2024-01-15T00:00:00Z",   "P1M",     -13,       "2022-12-15T00:00:00Z"  },
        {NULL,            "1969-12-31T23:59:59.5Z", "P1D",     1,         "1970-01-01T23:59:59.5Z"},
        {NULL,            "1969-12-31T23:59:59.5Z", "1s",      1,         "1970-01-01T00:00:00.5Z"},
        {NULL,            "2024-01-31T00:00:00Z",   "P1M1D",   1,         "2024-03-01T00:00:00Z"  },
        {NULL,            "2024-01-01T00:00:00Z",   "30m",     -3,        "2023-12-31T22:30:00Z"  },
        {NULL,            "2024-01-01T00:00:00Z",   "P1M",     0,         "2024-01-01T00:00:00Z"  },
 /* 25 and 23 hours; half an hour stays one. */
        {"Europe/London", "2024-10-26T23:00:00Z",   "P1D",     1,         "2024-10-28T00:00:00Z"  },
        {"Europe/London", "2024-03-31T00:00:00Z",   "P1D",     1,         "2024-03-31T23:00:00Z"  },
        {"Europe/London", "2024-03-31T00:00:00Z",   "1d",      1,         "2024-04-01T00:00:00Z"  },
        {"Europe/London", "2024-10-27T00:30:00Z",   "PT30M",   1,         "2024-10-27T01:00:00Z"  },
        {"Europe/London", "2024-03-30T00:00:00Z",   "P1DT12H", 1,         "2024-03-31T12:00:00Z"  },
        {"Europe/London", "2024-10-20T23:00:00Z",   "P1W",     1,         "2024-10-28T00:00:00Z"  },
        {"Europe/London", "2024-01-01T00:00:00Z",   "P1M",     6,         "2024-06-30T23:00:00Z"  },
 /* 02:30 there never is, 01:30 there is twice. */
        {"Europe/Paris",  "2024-03-30T01:30:00Z",   "P1D",     1,         "2024-03-31T01:00:00Z"  },
        {"Europe/Paris",  "2024-10-26T00:30:00Z",   "P1D",     1,         "2024-10-27T00:30:00Z"  },
        {"Europe/Paris",  "2024-10-28T01:30:00Z",   "P1D",     -1,        "2024-10-27T00:30:00Z"  },
 /* The 30th was left out. */
        {"Pacific/Apia",  "2011-12-29T10:00:00Z",   "P1D",     1,         "2011-12-30T10:00:00Z"  },
        {"Pacific/Apia",  "2011-12-29T10:00:00Z",   "P1D",     2,         "2011-12-30T10:00:00Z"  },
        {"Pacific/Apia",  "2011-12-29T10:00:00Z",   "P1D",     3,         "2011-12-31T10:00:00Z"  },
 /* The second 01:30 stays itself where nothing is added. */
        {"Europe/London", "2024-10-27T01:30:00Z",   "P1D",     0,         "2024-10-27T01:30:00Z"  },
        {NULL,            "2262-04-10T00:00:00Z",   "P1D",     1,         "2262-04-11T00:00:00Z"  },
        {NULL,            "2262-04-10T00:00:00Z",   "P1D",     2,         NULL                    },
        {NULL,            "2262-04-10T00:00:00Z",   "P1Y",     1,         NULL                    },
        {NULL,            "1677-09-22T00:00:00Z",   "P1D",     -1,        NULL                    },
        {NULL,            "2024-01-01T00:00:00Z",   "P1Y",     INT64_MAX, NULL                    },
        {NULL,            "2024-01-01T00:00:00Z",   "P1D",     INT64_MIN, NULL                    },
        {NULL,            "2024-01-01T00:00:00Z",   "1w",      INT64_MAX, NULL                    },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct zone *zone = cases[i].zone ? zone_of(cases[i].zone, &arena) : NULL;
        struct error err = {0};
        struct span span;
        int64_t got = 7;
        enum code code;

        assert_int_equal(span_parse(bytes_of(cases[i].span), &span, &err), OK);
        code = span_add(&span, cases[i].count, zone, time_of(cases[i].from), &got, &err);
        if (cases[i].want == NULL ? code != E_TIME_RANGE || got != 7
                                  : code != OK || got != time_of(cases[i].want))
            fail_msg("%s + %lld x %s: %d, %lld", cases[i].from, (long long)cases[i].count,
                     cases[i].span, code, (long long)got);
    }
    arena_release(&arena);
}

/* --- against the C library's clocks --- */

static int32_t offset_at(int64_t utc_s)
{
    time_t when = (time_t)utc_s;
    struct tm wall;

    assert_non_null(localtime_r(&when, &wall));
    return (int32_t)wall.tm_gmtoff;
}

/* When the wall clock first shows `local_s`, or is turned over it; `turn_s` is the only turn near.
 */
static int64_t moment_of(int64_t local_s, int64_t turn_s)
{
    int32_t before = offset_at(turn_s - 1), behind = offset_at(turn_s);

    if (local_s - before < turn_s)
        return local_s - before;
    return local_s - behind < turn_s ? turn_s : local_s - behind;
}

/* Each quarter of an hour around the turn, come to by days from before and from behind. */
static void check_turn(const char *name, const struct zone *zone, int64_t turn_s)
{
    static const int days[] = {1, 2, 7};
    int32_t before = offset_at(turn_s - 1), behind = offset_at(turn_s);

    for (size_t i = 0; i < COUNT_OF(days); i++)
        for (int64_t local_s = turn_s + before - 3 * 3600; local_s < turn_s + before + 3 * 3600;
             local_s += 900) {
            const struct span span = {0, days[i], 0};
            int64_t want = moment_of(local_s, turn_s) * SECOND, length = days[i] * INT64_C(86400);
            int64_t ahead = 0, back = 0;

            assert_int_equal(
                span_add(&span, 1, zone, (local_s - length - before) * SECOND + 1, &ahead, NULL),
                OK);
            assert_int_equal(
                span_add(&span, -1, zone, (local_s + length - behind) * SECOND, &back, NULL), OK);
            if (ahead != want + 1 || back != want)
                fail_msg("%s: %d days to %lld, turn at %lld: got %lld and %lld, want %lld", name,
                         days[i], (long long)local_s, (long long)turn_s, (long long)ahead,
                         (long long)back, (long long)want);
        }
}

static void test_days_go_by_the_wall_clock_around_every_turn(void **state)
{
    static const char *const names[] = {"Europe/London", "Europe/Paris", "Europe/Copenhagen",
                                        "America/New_York"};
    int64_t first_s = time_of("2000-01-01") / SECOND, end_s = time_of("2031-01-01") / SECOND;
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct zone *zone = zone_of(names[i], &arena);
        int turns = 0;

        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (int64_t at_s = first_s; at_s < end_s; at_s += 900) { /* clocks turn on quarters */
            if (offset_at(at_s) == offset_at(at_s - 1))
                continue;
            check_turn(names[i], zone, at_s);
            turns++;
        }
        assert_int_equal(turns, 62);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_become_spans_and_back),
        cmocka_unit_test(test_what_is_no_span_is_refused_with_what_would_be),
        cmocka_unit_test(test_what_a_span_is_about),
        cmocka_unit_test(test_spans_are_added),
        cmocka_unit_test(test_days_go_by_the_wall_clock_around_every_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
