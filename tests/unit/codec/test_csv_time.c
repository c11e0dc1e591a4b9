#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/zone.h"
#include "codec/csv_time.h"

/* The time in RFC 3339, or what was refused. */
static void expect(const char *format_text, enum time_unit unit, const char *zone_name,
                   const char *text, const char *want)
{
    struct csv_time_format format;
    struct csv_moment moment;
    const struct zone *zone = NULL;
    struct error err = {0};
    struct arena arena;
    char got[TIMESTAMP_TEXT_SIZE + 1] = "";
    int64_t ns = 0;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = csv_time_format_parse(bytes_of(format_text), &format, &err);
    if (code == OK && zone_name != NULL)
        code = zone_open(bytes_of(zone_name), &arena, &zone, &err);
    if (code == OK)
        code = csv_time_read(&format, unit, bytes_of(text), &moment, &err);
    if (code == OK)
        code = csv_time_ns(&moment, zone, NULL, &ns, &err);
    if (code == OK)
        got[timestamp_print(ns, got)] = '\0';
    if (code == OK ? strcmp(got, want) != 0 : strstr(err.text, want) == NULL)
        fail_msg("%s %s: got %s%s\nwant %s", format_text, text, got, code == OK ? "" : err.text,
                 want);
    arena_release(&arena);
}

static void test_rfc3339(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"2024-02-29T12:00:00Z",           "2024-02-29T12:00:00Z"          },
        {"2024-02-29t12:00:00.5+01:00",    "2024-02-29T11:00:00.500Z"      },
        {"2024-02-29 12:00:00",            "2024-02-29T12:00:00Z"          },
        {"2024-02-29 12:00",               "2024-02-29T12:00:00Z"          },
        {"2024-02-29 12:00-0330",          "2024-02-29T15:30:00Z"          },
        {"2024-02-29 12:00+01",            "2024-02-29T11:00:00Z"          },
        {"2024-02-29 12+01",               "want ':' between hour"         },
        {"2024-02-29 12:00:00,5",          "want 'Z' or an offset"         },
        {"2024-02-29",                     "2024-02-29T00:00:00Z"          },
        {"1969-12-31 23:59:59.999999999",  "1969-12-31T23:59:59.999999999Z"},
        {"2023-02-29",                     "want a day that the month has" },
        {"2023-13-01",                     "want a month, 01 to 12"        },
        {"2023-1-01",                      "want a month, 01 to 12"        },
        {"31/1/2007",                      "time_format="                  },
        {"2024-02-29 24:00:00",            "want an hour, 00 to 23"        },
        {"2024-02-29 12:00:60",            "a leap second"                 },
        {"2024-02-29 12:00:00.",           "want 1 to 9 digits"            },
        {"2024-02-29 12:00:00.1234567890", "want at most 9 digits"         },
        {"2024-02-29 12:00:00 x",          "want 'Z' or an offset"         },
        {"2024-02-29 12:00:00Zx",          "want nothing behind the time"  },
        {"2024-02-29x",                    "want 'T' or a space"           },
        {"",                               "the time is empty"             },
        {"1500-01-01",                     "outside of 1677-09-21"         },
        {"9999-12-31",                     "outside of 1677-09-21"         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect("rfc3339", TIME_NS, NULL, cases[i].text, cases[i].want);
}

static void test_counts_since_1970(void **state)
{
    static const struct {
        enum time_unit unit;
        const char *text, *want;
    } cases[] = {
        {TIME_S,  "1700000000",           "2023-11-14T22:13:20Z"          },
        {TIME_S,  "-1",                   "1969-12-31T23:59:59Z"          },
        {TIME_S,  "-0.25",                "1969-12-31T23:59:59.750Z"      },
        {TIME_S,  "1700000000.123456789", "2023-11-14T22:13:20.123456789Z"},
        {TIME_MS, "1700000000000.5",      "2023-11-14T22:13:20.000500Z"   },
        {TIME_NS, "1700000000000000001",  "2023-11-14T22:13:20.000000001Z"},
        {TIME_NS, "1.0",                  "1970-01-01T00:00:00.000000001Z"},
        {TIME_NS, "1.5",                  "want an integer"               },
        {TIME_NS, "1.05",                 "want an integer"               },
        {TIME_S,  "1.0000000001",         "want an integer"               },
        {TIME_S,  "1.00000000001",        "want an integer"               },
        {TIME_S,  "1.000000000000",       "1970-01-01T00:00:01Z"          },
        {TIME_S,  "1e9",                  "want an integer"               },
        {TIME_S,  "2024-01-01",           "want an integer"               },
        {TIME_S,  "9223372037",           "outside of 1677-09-21"         },
        {TIME_S,  "9223372036854775807",  "outside of 1677-09-21"         },
        {TIME_S,  "-9223372036854775808", "outside of 1677-09-21"         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect("epoch", cases[i].unit, NULL, cases[i].text, cases[i].want);
}

static void test_day_numbers_of_spreadsheets(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"25569",              "1970-01-01T00:00:00Z"    },
        {"36526",              "2000-01-01T00:00:00Z"    },
        {"45351.5",            "2024-02-29T12:00:00Z"    },
        {"61",                 "1900-03-01T00:00:00Z"    },
        {"42063.979166666664", "2015-02-28T23:30:00Z"    },
        {"42063.999999999",    "2015-03-01T00:00:00Z"    },
        {"36526.00000011574",  "2000-01-01T00:00:00.010Z"},
        {"60",                 "want a spreadsheet's"    },
        {"-1",                 "want a spreadsheet's"    },
        {"2958466",            "want a spreadsheet's"    },
        {"1/1/2000",           "want a spreadsheet's"    },
        {"nan",                "want a spreadsheet's"    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect("excel", TIME_NS, NULL, cases[i].text, cases[i].want);
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *text, *want;
    } cases[] = {
        {"%d/%m/%Y %H:%M:%S",        "31/1/2007 23:45:00",              "2007-01-31T23:45:00Z"        },
        {"%d/%m/%Y %H:%M:%S",        "3/2/2007  0:1:2",                 "2007-02-03T00:01:02Z"        },
        {"%m/%d/%y %I:%M %p",        "12/31/99 12:05 am",               "1999-12-31T00:05:00Z"        },
        {"%m/%d/%y %I:%M %p",        "12/31/68 12:05 PM",               "2068-12-31T12:05:00Z"        },
        {"%Y%m%d%H%M%S",             "20240229235959",                  "2024-02-29T23:59:59Z"        },
        {"%a, %d %b %Y %H:%M:%S %z", "Thu, 29 Feb 2024 12:00:00 +0100", "2024-02-29T11:00:00Z"        },
        {"%A %B %d %Y",              "thursday February 29 2024",       "2024-02-29T00:00:00Z"        },
        {"%Y-%m-%d %H:%M:%S.%f",     "2024-02-29 12:00:00.250",         "2024-02-29T12:00:00.250Z"    },
        {"%Y%%%m%%%d",               "2024%02%29",                      "2024-02-29T00:00:00Z"        },
        {"%d/%m/%Y",                 "31/13/2007",                      "at byte 4: want a month"     },
        {"%d/%m/%Y",                 "29/2/2007",                       "want a day that the month"   },
        {"%d/%m/%Y",                 "29-2-2008",                       "at byte 3: want the same"    },
        {"%d/%m/%Y",                 "29/2/08",                         "want a year of four digits"  },
        {"%d/%m/%Y",                 "29/2/2008 12:00",                 "want nothing behind"         },
        {"%d/%m/%Y %H",              "29/2/2008",                       "want a space"                },
        {"%d %b %Y",                 "29 Fxb 2008",                     "English name of a month"     },
        {"%a %Y%m%d",                "x 20240229",                      "English name of a weekday"   },
        {"%Y%m%d %I%p",              "20240229 13PM",                   "want an hour, 1 to 12"       },
        {"%Y%m%d %I%p",              "20240229 12XM",                   "want AM or PM"               },
        {"%Y%m%d %I%p",              "20240229 12",                     "want AM or PM"               },
        {"%Y%m%d %S",                "20240229 60",                     "a leap second"               },
        {"%Y%m%d%z",                 "20240229",                        "want 'Z' or an offset"       },
 /* The pattern itself. */
        {"%H:%M",                    "12:00",                           "has no year (%Y or %y)"      },
        {"%Y-%m",                    "2024-02",                         "has no day (%d)"             },
        {"%Y-%d",                    "2024-02",                         "has no month (%m or %b)"     },
        {"%Y%m%d%Q",                 "",                                "byte 8 is no part of a time" },
        {"%Y%m%d%",                  "",                                "byte 8 is no part of a time" },
        {"%Y%m%d%Y",                 "",                                "%Y says a part again"        },
        {"%Y%m%d %I",                "",                                "an hour is %H"               },
        {"%Y%m%d %H%p",              "",                                "an hour is %H"               },
        {"iso",                      "",                                "time_format=iso is not known"},
        {"",                         "",                                "is not known"                },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(cases[i].pattern, TIME_NS, NULL, cases[i].text, cases[i].want);
}

static void test_a_pattern_by_itself(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(csv_time_pattern_check(BYTES("%Y-%m"), false, &err), OK);
    assert_int_equal(csv_time_pattern_check(BYTES("%Y-%m-%dT%H"), true, &err), OK);
    assert_int_equal(csv_time_pattern_check(BYTES("%Y-%m"), true, &err), E_BAD_PARAMETER);
    assert_null(strstr(err.text, "time_format")); /* which is a parameter of the API */
    assert_int_equal(csv_time_pattern_check(BYTES("%Y-%Q"), false, &err), E_BAD_PARAMETER);
}

static void test_zones(void **state)
{
    static const struct {
        const char *zone, *text, *want;
    } cases[] = {
        {"Europe/London",       "2024-07-01 12:00:00",       "2024-07-01T11:00:00Z"         },
        {"Europe/London",       "2024-07-01 12:00:00Z",      "2024-07-01T12:00:00Z"         },
        {"Europe/London",       "2024-07-01 12:00:00+02:00", "2024-07-01T10:00:00Z"         },
        {"Europe/London",       "2024-03-31 01:30:00",       "2024-03-31 01:30:00 was on no"},
        {"Europe/London",       "2024-10-27 01:30:00",       "2024-10-27T00:30:00Z"         },
        {"America/New_York",    "2024-03-10 02:00:00",       "was on no clock"              },
        {"America/New_York",    "2024-03-10 03:00:00",       "2024-03-10T07:00:00Z"         },
        {"Australia/Melbourne", "2024-01-01",                "2023-12-31T13:00:00Z"         },
        {"+10:00",              "2024-01-01",                "2023-12-31T14:00:00Z"         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect("rfc3339", TIME_NS, cases[i].zone, cases[i].text, cases[i].want);
}

/* Half hours through the night in which clocks go back: none falls onto another. */
static void test_an_hour_that_comes_twice_goes_on(void **state)
{
    static const struct {
        const char *local, *utc;
    } rows[] = {
        {"2024-10-27 00:30", "2024-10-26T23:30:00Z"},
        {"2024-10-27 01:00", "2024-10-27T00:00:00Z"},
        {"2024-10-27 01:30", "2024-10-27T00:30:00Z"},
        {"2024-10-27 01:00", "2024-10-27T01:00:00Z"},
        {"2024-10-27 01:30", "2024-10-27T01:30:00Z"},
        {"2024-10-27 02:00", "2024-10-27T02:00:00Z"},
        {"2024-10-27 01:00", "2024-10-27T00:00:00Z"}, /* out of order: the earlier */
    };
    struct csv_time_format format = {.kind = CSV_TIME_RFC3339};
    const struct zone *zone;
    int64_t last_ns = 0;
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(zone_open(BYTES("Europe/London"), &arena, &zone, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char got[TIMESTAMP_TEXT_SIZE + 1];
        struct csv_moment moment;
        int64_t ns;

        assert_int_equal(csv_time_read(&format, TIME_NS, bytes_of(rows[i].local), &moment, NULL),
                         OK);
        assert_int_equal(csv_time_ns(&moment, zone, i == 0 ? NULL : &last_ns, &ns, NULL), OK);
        got[timestamp_print(ns, got)] = '\0';
        assert_string_equal(got, rows[i].utc);
        last_ns = ns;
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_counts_since_1970),
        cmocka_unit_test(test_day_numbers_of_spreadsheets),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_a_pattern_by_itself),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_an_hour_that_comes_twice_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
