#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "base/random.h"
#include "base/time_text.h"

enum { SEED = 11, ROUNDS = 50000 };

static void test_timestamp_is_read_to_the_ns(void **state)
{
    static const struct {
        const char *name, *text;
        enum code want;
        int64_t want_ns;
    } cases[] = {
        {"epoch",                   "1970-01-01T00:00:00Z",            OK,           0                  },
        {"a bare date is midnight", "1970-01-02",                      OK,           86400000000000     },
        {"lower case",              "1970-01-01t00:00:01z",            OK,           1000000000         },
        {"a space",                 "1970-01-01 00:00:01Z",            OK,           1000000000         },
        {"offset is applied",       "1970-01-01T01:00:00+01:00",       OK,           0                  },
        {"offset back",             "1969-12-31T18:30:00-05:30",       OK,           0                  },
        {"offset -00:00",           "1970-01-01T00:00:00-00:00",       OK,           0                  },
        {"one digit",               "1970-01-01T00:00:00.5Z",          OK,           500000000          },
        {"nine digits",             "1970-01-01T00:00:00.000000001Z",  OK,           1                  },
        {"before 1970",             "1969-12-31T23:59:59.999999999Z",  OK,           -1                 },
        {"leap day",                "2024-02-29T12:00:00Z",            OK,           1709208000000000000},
        {"leap day of 2000",        "2000-02-29",                      OK,           951782400000000000 },
        {"last nanosecond",         "2262-04-11T23:47:16.854775807Z",  OK,           INT64_MAX          },
        {"one nanosecond more",     "2262-04-11T23:47:16.854775808Z",  E_TIME_RANGE, 0                  },
        {"first nanosecond",        "1677-09-21T00:12:43.145224192Z",  OK,           INT64_MIN          },
        {"one nanosecond less",     "1677-09-21T00:12:43.145224191Z",  E_TIME_RANGE, 0                  },
        {"year 0",                  "0000-01-01",                      E_TIME_RANGE, 0                  },
        {"year 9999",               "9999-12-31T23:59:59Z",            E_TIME_RANGE, 0                  },
        {"no leap day in 2023",     "2023-02-29",                      E_BAD_TIME,   0                  },
        {"no leap day in 1900",     "1900-02-29",                      E_BAD_TIME,   0                  },
        {"month 13",                "2024-13-01",                      E_BAD_TIME,   0                  },
        {"month 0",                 "2024-00-01",                      E_BAD_TIME,   0                  },
        {"day 0",                   "2024-01-00",                      E_BAD_TIME,   0                  },
        {"April has 30 days",       "2024-04-31",                      E_BAD_TIME,   0                  },
        {"hour 24",                 "2024-01-01T24:00:00Z",            E_BAD_TIME,   0                  },
        {"minute 60",               "2024-01-01T00:60:00Z",            E_BAD_TIME,   0                  },
        {"leap second",             "2016-12-31T23:59:60Z",            E_BAD_TIME,   0                  },
        {"second 61",               "2016-12-31T23:59:61Z",            E_BAD_TIME,   0                  },
        {"no zone",                 "2024-01-01T00:00:00",             E_BAD_TIME,   0                  },
        {"offset without colon",    "2024-01-01T00:00:00+0100",        E_BAD_TIME,   0                  },
        {"offset of 24 hours",      "2024-01-01T00:00:00+24:00",       E_BAD_TIME,   0                  },
        {"ten digits",              "2024-01-01T00:00:00.1234567890Z", E_BAD_TIME,   0                  },
        {"no digits",               "2024-01-01T00:00:00.Z",           E_BAD_TIME,   0                  },
        {"something behind",        "2024-01-01T00:00:00Zx",           E_BAD_TIME,   0                  },
        {"no seconds",              "2024-01-01T00:00Z",               E_BAD_TIME,   0                  },
        {"empty",                   "",                                E_BAD_TIME,   0                  },
        {"two digits of a year",    "24-01-01",                        E_BAD_TIME,   0                  },
        {"sign",                    "-024-01-01",                      E_BAD_TIME,   0                  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        int64_t ns = 0;
        enum code code = timestamp_parse(bytes_of(cases[i].text), &ns, &err);

        if (code != cases[i].want || ns != cases[i].want_ns || err.code != cases[i].want)
            fail_msg("%s: got %d and %lld (%s)", cases[i].name, code, (long long)ns, err.text);
    }
}

static void test_every_cut_of_a_timestamp_is_refused(void **state)
{
    struct bytes whole = BYTES("2024-02-29T12:34:56.789+01:00");

    (void)state;
    for (size_t size = 0; size < whole.size; size++) {
        int64_t ns;

        if (size != 10) /* the bare date */
            assert_int_equal(timestamp_parse(bytes_slice(whole, 0, size), &ns, NULL), E_BAD_TIME);
    }
}

static void test_refusal_names_the_place(void **state)
{
    struct error err = {0};
    int64_t ns;

    (void)state;
    assert_int_equal(timestamp_parse(BYTES("2024-02-30T00:00:00Z"), &ns, &err), E_BAD_TIME);
    assert_string_equal(err.text,
                        "time \"2024-02-30T00:00:00Z\": at byte 9: want a day of that month");
}

/* The C library's calendar is the independent one. */
static void test_timestamp_prints_what_gmtime_says_and_reads_back(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, SEED);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t ns = (int64_t)random_next(&random), back = 0;
        time_t seconds;
        struct tm date;
        char text[TIMESTAMP_TEXT_SIZE], want[64];
        size_t size;

        if (i % 4 == 0)
            ns -= ns % 1000000000;
        else if (i % 4 == 1)
            ns -= ns % 1000;
        seconds = (time_t)(ns / 1000000000 - (ns % 1000000000 < 0));
        assert_non_null(gmtime_r(&seconds, &date));
        (void)strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &date);
        size = timestamp_print(ns, text);
        assert_true(size <= sizeof(text));
        assert_memory_equal(text, want, 19);
        assert_int_equal(timestamp_parse((struct bytes){text, size}, &back, NULL), OK);
        assert_true(back == ns);
    }
}

static void test_timestamp_prints_as_many_digits_as_needed(void **state)
{
    static const struct {
        int64_t ns;
        const char *want;
    } cases[] = {
        {0,         "1970-01-01T00:00:00Z"          },
        {500000000, "1970-01-01T00:00:00.500Z"      },
        {1000,      "1970-01-01T00:00:00.000001Z"   },
        {1,         "1970-01-01T00:00:00.000000001Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[TIMESTAMP_TEXT_SIZE];
        size_t size = timestamp_print(cases[i].ns, text);

        assert_true(bytes_equal((struct bytes){text, size}, bytes_of(cases[i].want)));
    }
}

static void test_parameter_takes_all_its_forms(void **state)
{
    enum { NOW_S = 1700000000 };
    static const struct {
        const char *text;
        enum time_unit unit;
        enum code want;
        int64_t want_ns;
    } cases[] = {
        {"now",                  TIME_NS, OK,           NOW_S * INT64_C(1000000000)         },
        {"now-1h",               TIME_NS, OK,           (NOW_S - 3600) * INT64_C(1000000000)},
        {"now+5m",               TIME_NS, OK,           (NOW_S + 300) * INT64_C(1000000000) },
        {"now-1h30m",            TIME_NS, OK,           (NOW_S - 5400) * INT64_C(1000000000)},
        {"1970-01-01T00:00:01Z", TIME_MS, OK,           1000000000                          },
        {"1970-01-02",           TIME_S,  OK,           86400000000000                      },
        {"5",                    TIME_NS, OK,           5                                   },
        {"5",                    TIME_US, OK,           5000                                },
        {"-5",                   TIME_MS, OK,           -5000000                            },
        {"5",                    TIME_S,  OK,           5000000000                          },
        {"9223372036854775807",  TIME_NS, OK,           INT64_MAX                           },
        {"9223372036854775807",  TIME_US, E_TIME_RANGE, 0                                   },
        {"9223372036854775808",  TIME_NS, E_TIME_RANGE, 0                                   },
        {"now+290y",             TIME_NS, E_BAD_TIME,   0                                   },
        {"now+15000w",           TIME_NS, E_TIME_RANGE, 0                                   },
        {"now 5m",               TIME_NS, E_BAD_TIME,   0                                   },
        {"now-",                 TIME_NS, E_BAD_TIME,   0                                   },
        {"now1h",                TIME_NS, E_BAD_TIME,   0                                   },
        {"tomorrow",             TIME_NS, E_BAD_TIME,   0                                   },
        {"1.5",                  TIME_S,  E_BAD_TIME,   0                                   },
        {"-",                    TIME_S,  E_BAD_TIME,   0                                   },
        {"",                     TIME_S,  E_BAD_TIME,   0                                   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        int64_t ns = 0;
        enum code code = time_parameter_parse(bytes_of(cases[i].text), cases[i].unit,
                                              NOW_S * INT64_C(1000000000), &ns, &err);

        if (code != cases[i].want || ns != cases[i].want_ns || err.code != cases[i].want)
            fail_msg("%s: got %d and %lld (%s)", cases[i].text, code, (long long)ns, err.text);
    }
}

static void test_duration_is_read_and_printed(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        int64_t want_ns;
        const char *printed; /* NULL: as it was read */
    } cases[] = {
        {"1h30m",                 OK,              5400000000000,    NULL                             },
        {"250ms",                 OK,              250000000,        NULL                             },
        {"2w",                    OK,              1209600000000000, NULL                             },
        {"14d",                   OK,              1209600000000000, "2w"                             },
        {"30d",                   OK,              2592000000000000, NULL                             },
        {"1d",                    OK,              86400000000000,   NULL                             },
        {"90s",                   OK,              90000000000,      "1m30s"                          },
        {"7us",                   OK,              7000,             NULL                             },
        {"7\xc2\xb5s",            OK,              7000,             "7us"                            },
        {"1ns",                   OK,              1,                NULL                             },
        {"1d2h3m4s5ms6us7ns",     OK,              93784005006007,   NULL                             },
        {"9223372036854775807ns", OK,              INT64_MAX,        "106751d23h47m16s854ms775us807ns"},
        {"9223372036854775808ns", E_BAD_PARAMETER, 0,                NULL                             },
        {"15251w",                E_BAD_PARAMETER, 0,                NULL                             },
        {"106751d24h",            E_BAD_PARAMETER, 0,                NULL                             },
        {"",                      E_BAD_PARAMETER, 0,                NULL                             },
        {"0s",                    E_BAD_PARAMETER, 0,                NULL                             },
        {"-1h",                   E_BAD_PARAMETER, 0,                NULL                             },
        {"1",                     E_BAD_PARAMETER, 0,                NULL                             },
        {"h",                     E_BAD_PARAMETER, 0,                NULL                             },
        {"1.5h",                  E_BAD_PARAMETER, 0,                NULL                             },
        {"1H",                    E_BAD_PARAMETER, 0,                NULL                             },
        {"1m1h",                  E_BAD_PARAMETER, 0,                NULL                             },
        {"1m1m",                  E_BAD_PARAMETER, 0,                NULL                             },
        {"1y",                    E_BAD_PARAMETER, 0,                NULL                             },
        {"1h ",                   E_BAD_PARAMETER, 0,                NULL                             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        char text[TIMESTAMP_TEXT_SIZE];
        int64_t ns = 0;
        enum code code = duration_parse(bytes_of(cases[i].text), &ns, &err);
        struct bytes printed = {text, duration_print(ns, text)};

        if (code != cases[i].want || ns != cases[i].want_ns || err.code != cases[i].want)
            fail_msg("%s: got %d and %lld (%s)", cases[i].text, code, (long long)ns, err.text);
        if (code == OK &&
            !bytes_equal(printed,
                         bytes_of(cases[i].printed == NULL ? cases[i].text : cases[i].printed)))
            fail_msg("%s: printed as %.*s", cases[i].text, BYTES_ARG(printed));
    }
}

static void test_duration_prints_zero_and_below(void **state)
{
    char text[TIMESTAMP_TEXT_SIZE];

    (void)state;
    assert_int_equal(duration_print(0, text), 2);
    assert_memory_equal(text, "0s", 2);
    assert_int_equal(duration_print(-60000000000, text), 3);
    assert_memory_equal(text, "-1m", 3);
    assert_int_equal(duration_print(INT64_MIN, text), 32);
    assert_memory_equal(text, "-106751d23h47m16s854ms775us808ns", 32);
}

static void test_units_have_their_names(void **state)
{
    static const struct {
        const char *text;
        int64_t ns; /* 0: refused */
    } cases[] = {
        {"ns",        1         },
        {"n",         1         },
        {"us",        1000      },
        {"u",         1000      },
        {"\xc2\xb5s", 1000      },
        {"ms",        1000000   },
        {"s",         1000000000},
        {"",          0         },
        {"m",         0         },
        {"S",         0         },
        {"nss",       0         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum time_unit unit = TIME_NS;
        enum code code = time_unit_parse(bytes_of(cases[i].text), &unit);

        assert_int_equal(code, cases[i].ns == 0 ? E_BAD_PARAMETER : OK);
        if (code == OK)
            assert_int_equal(time_unit_ns(unit), cases[i].ns);
    }
}

static void test_a_unit_is_guessed_from_how_large_a_time_is(void **state)
{
    static const struct {
        int64_t count;
        enum time_unit want;
    } cases[] = {
        {0,                 TIME_S },
        {4999999999,        TIME_S },
        {-4999999999,       TIME_S },
        {5000000000,        TIME_MS},
        {4999999999999,     TIME_MS},
        {5000000000000,     TIME_US},
        {-4999999999999999, TIME_US},
        {5000000000000000,  TIME_NS},
        {-5000000000000000, TIME_NS},
        {INT64_MAX,         TIME_NS},
        {INT64_MIN,         TIME_NS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(time_unit_guess(cases[i].count), cases[i].want);
    assert_int_equal(time_unit_ns(TIME_MINUTES), INT64_C(60000000000));
    assert_int_equal(time_unit_ns(TIME_HOURS), INT64_C(3600000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timestamp_is_read_to_the_ns),
        cmocka_unit_test(test_every_cut_of_a_timestamp_is_refused),
        cmocka_unit_test(test_refusal_names_the_place),
        cmocka_unit_test(test_timestamp_prints_what_gmtime_says_and_reads_back),
        cmocka_unit_test(test_timestamp_prints_as_many_digits_as_needed),
        cmocka_unit_test(test_parameter_takes_all_its_forms),
        cmocka_unit_test(test_duration_is_read_and_printed),
        cmocka_unit_test(test_duration_prints_zero_and_below),
        cmocka_unit_test(test_units_have_their_names),
        cmocka_unit_test(test_a_unit_is_guessed_from_how_large_a_time_is),
    };

    printf("seed %d\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
