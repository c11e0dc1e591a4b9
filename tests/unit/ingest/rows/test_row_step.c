#include "ingest/rows/row_step.h"
#include "tests/unit/ingest/rows/time_fixture.h"

/* Settlement periods in summer time: a well-known client takes local midnight for one of UTC, and
 * is an hour off from March to October; and it takes every day for one of 48. */
static void test_index(void **state)
{
    static const char london[] = "Europe/London";
    static const struct {
        const char *zone, *base;
        bool date;
        const char *step, *index;
        int64_t first;
        const char *want;
    } rows[] = {
        {london,         "2024-07-01T00:00:00+01:00", true,  "PT30M", "1",                   1, "2024-06-30T23:00:00Z" },
        {london,         "2024-07-01T00:00:00+01:00", true,  "PT30M", "3",                   1, "2024-07-01T00:00:00Z" },
        {london,         "2024-07-01T00:00:00+01:00", true,  "PT30M", "48",                  1, "2024-07-01T22:30:00Z" },
        {london,         "2024-07-01T00:00:00+01:00", true,  "PT30M", "49",                  1,
         "past the end of its day, which in tz has 48"                                                                 },
        {london,         "2024-03-31T00:00:00Z",      true,  "PT30M", "3",                   1, "2024-03-31T01:00:00Z" },
        {london,         "2024-03-31T00:00:00Z",      true,  "PT30M", "46",                  1, "2024-03-31T22:30:00Z" },
        {london,         "2024-03-31T00:00:00Z",      true,  "PT30M", "47",                  1,
         "the index 47 is past the end of its day"                                                                     },
        {london,         "2024-10-27T00:00:00+01:00", true,  "PT30M", "50",                  1, "2024-10-27T23:30:00Z" },
        {london,         "2024-10-27T00:00:00+01:00", true,  "PT30M", "51",                  1, "has 50 (1 to 50)"     },
        {london,         "2024-03-31T00:00:00Z",      true,  "PT15M", "92",                  1, "2024-03-31T22:45:00Z" },
        {london,         "2024-03-31T00:00:00Z",      true,  "PT15M", "93",                  1, "has 92"               },
        {london,         "2024-10-27T00:00:00+01:00", true,  "PT60M", "25",                  1, "2024-10-27T23:00:00Z" },
        {london,         "2024-10-27T00:00:00+01:00", true,  "PT60M", "26",                  1, "has 25"               },
        {london,         "2024-10-27T00:00:00+01:00", true,  "PT30M", "49",                  0, "2024-10-27T23:30:00Z" },
        {london,         "2024-10-27T00:00:00+01:00", true,  "PT30M", "50",                  0, "has 50 (0 to 49)"     },
        {london,         "2024-07-01T00:00:00+01:00", true,  "PT30M", "0",                   1,
         "the index 0 is below the first, 1"                                                                           },
        {london,         "2024-07-01T00:00:00+01:00", true,  "PT30M", "9223372036854775807", 1,
         "past the end of its day"                                                                                     },
        {london,         "2024-07-01T00:00:00+01:00", true,  "PT30M", "9223372036854775808", 1,
         "is no integer"                                                                                               },
        {london,         "2024-07-01T00:00:00+01:00", true,  "PT30M", "1.5",                 1, "is no integer"        },
        {london,         "2024-07-01T00:00:00+01:00", true,  "PT30M", "",                    1, "is no integer"        },
        {NULL,           "2024-03-31T00:00:00Z",      true,  "PT30M", "48",                  1, "2024-03-31T23:30:00Z" },
        {NULL,           "2024-03-31T00:00:00Z",      true,  "PT30M", "49",                  1, "has 48"               },
 /* A base with a time of day is the beginning of any period: of weeks, or of 25 hours. */
        {NULL,           "2024-10-26T22:00:00Z",      false, "PT60M", "25",                  1, "2024-10-27T22:00:00Z" },
        {NULL,           "2024-10-26T22:00:00Z",      false, "PT60M", "169",                 1, "2024-11-02T22:00:00Z" },
        {NULL,           "2024-10-26T22:00:00Z",      false, "PT60M", "0",                   1, "below the first"      },
 /* Steps of a calendar. */
        {"Europe/Paris", "2024-10-26T22:00:00Z",      false, "P1D",   "2",                   1, "2024-10-27T23:00:00Z" },
        {"Europe/Paris", "2023-12-31T23:00:00Z",      false, "P1M",   "8",                   1, "2024-07-31T22:00:00Z" },
        {"Europe/Paris", "2024-01-31T00:00:00+01:00", true,  "P1M",   "2",                   1, "2024-02-28T23:00:00Z" },
        {"Europe/Paris", "2024-01-31T00:00:00+01:00", true,  "P1M",   "3",                   1, "2024-03-30T23:00:00Z" },
        {NULL,           "2023-01-01T00:00:00Z",      true,  "P1Y",   "3",                   1, "2025-01-01T00:00:00Z" },
        {NULL,           "2024-01-01T00:00:00Z",      true,  "P7D",   "2",                   1, "2024-01-08T00:00:00Z" },
        {NULL,           "2024-01-01T00:00:00Z",      false, "P1Y",   "900",                 1, "outside of 1677-09-21"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct row_base base = {time_of(rows[i].base), INT64_MAX};
        struct source_time time = {.index_first = rows[i].first};
        struct row_place place = {0};
        struct error err = {0};
        struct arena arena;
        struct span step;
        char got[TIMESTAMP_TEXT_SIZE + 1] = "";
        enum code code;

        arena_init(&arena, SIZE_MAX, NULL);
        time.zone = zone_of(rows[i].zone, &arena);
        if (rows[i].date)
            base.end_ns = row_step_day_end(time.zone, base.ns);
        assert_int_equal(row_step_parse(bytes_of(rows[i].step), &step, NULL), OK);
        code = row_step_index(&time, &base, &step, bytes_of(rows[i].index), &place, &err);
        if (code == OK)
            got[timestamp_print(place.ns, got)] = '\0';
        if (code == OK ? strcmp(got, rows[i].want) != 0 : strstr(err.text, rows[i].want) == NULL)
            fail_msg("%s %s: got %s%s, want %s", rows[i].base, rows[i].index, got, err.text,
                     rows[i].want);
        arena_release(&arena);
    }
}

static void test_days(void **state)
{
    static const struct {
        const char *zone, *time, *want;
    } rows[] = {
        {NULL,             "1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z"},
        {NULL,             "2024-02-29T00:00:00Z",           "2024-03-01T00:00:00Z"},
        {"Europe/London",  "2024-03-31T00:00:00Z",           "2024-03-31T23:00:00Z"},
        {"Europe/London",  "2024-10-26T23:00:00Z",           "2024-10-28T00:00:00Z"},
        {"America/Havana", "2024-03-09T05:00:00Z",           "2024-03-10T05:00:00Z"},
        {"America/Havana", "2024-03-10T05:00:00Z",           "2024-03-11T04:00:00Z"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(row_step_day_end(zone_of(rows[i].zone, &arena), time_of(rows[i].time)),
                         time_of(rows[i].want));
    assert_int_equal(row_step_day_end(NULL, INT64_MAX - 1), INT64_MAX);
    arena_release(&arena);
}

static void test_steps_of_data(void **state)
{
    struct span step;
    struct error err = {0};

    (void)state;
    assert_int_equal(row_step_parse(BYTES("PT30M"), &step, &err), OK);
    assert_int_equal(step.ns, 1800 * INT64_C(1000000000));
    assert_int_equal(row_step_parse(BYTES("P1M"), &step, &err), OK);
    assert_int_equal(step.months, 1);
    assert_int_equal(row_step_parse(BYTES("half an hour"), &step, &err), E_BAD_TIME);
    assert_non_null(strstr(err.text, "the step: "));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_steps_of_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
