#include "ingest/rows/row_time.h"
#include "tests/unit/ingest/rows/time_fixture.h"

struct plain {
    const char *format, *zone, *text, *want; /* the time, or a part of what is told */
};

struct turned {
    const char *zone, *text, *want;
    enum source_ambiguous ambiguous;
    const char *before; /* NULL = none */
    bool falls;
};

static void expect(const char *format_name, const struct turned *row)
{
    struct source_time_format format = time_format_of(format_name);
    struct row_time_before before = {.any = row->before != NULL, .falls = row->falls};
    const struct zone *zone;
    struct error err = {0};
    struct arena arena;
    char got[TIMESTAMP_TEXT_SIZE + 1] = "";
    int64_t ns = 0;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    zone = zone_of(row->zone, &arena);
    if (row->before != NULL)
        before.ns = time_of(row->before);
    code = row_time_parse(&format, zone, row->ambiguous, bytes_of(row->text), &before, &ns, NULL,
                          &err);
    if (code == OK)
        got[timestamp_print(ns, got)] = '\0';
    if (code == OK ? strcmp(got, row->want) != 0 : strstr(err.text, row->want) == NULL)
        fail_msg("%s \"%s\": got %s%s\nwant %s", format_name, row->text, got,
                 code == OK ? "" : err.text, row->want);
    assert_true(code == OK || code == E_BAD_TIME || code == E_TIME_RANGE);
    arena_release(&arena);
}

static void expect_all(const struct plain *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct turned row = {rows[i].zone,           rows[i].text, rows[i].want,
                             SOURCE_AMBIGUOUS_ORDER, NULL,         false};

        expect(rows[i].format, &row);
    }
}

static void test_iso(void **state)
{
    static const struct plain rows[] = {
        {"iso8601", NULL,           "2024-02-29T12:00:00Z",           "2024-02-29T12:00:00Z"                          },
        {"iso8601", NULL,           "2023-12-28T15:00Z",              "2023-12-28T15:00:00Z"                          },
        {"iso8601", NULL,           "2022-10-31T11",                  "2022-10-31T11:00:00Z"                          },
        {"iso8601", NULL,           "2022-10-31 11",                  "2022-10-31T11:00:00Z"                          },
        {"iso8601", NULL,           "2022-10-31T11Z",                 "2022-10-31T11:00:00Z"                          },
        {"iso8601", NULL,           "2022-10-31T11+01",               "2022-10-31T10:00:00Z"                          },
        {"iso8601", NULL,           "2022-10-31T11-0330",             "2022-10-31T14:30:00Z"                          },
        {"iso8601", NULL,           "2018-05-19T00:30:00+01:00",      "2018-05-18T23:30:00Z"                          },
        {"iso8601", NULL,           "2018-05-19T00:30:00+0100",       "2018-05-18T23:30:00Z"                          },
        {"iso8601", NULL,           "2018-05-19 00:30:00+01",         "2018-05-18T23:30:00Z"                          },
        {"iso8601", NULL,           "2026-02-22T00:00",               "2026-02-22T00:00:00Z"                          },
        {"iso8601", NULL,           "2024-02-29",                     "2024-02-29T00:00:00Z"                          },
        {"iso8601", NULL,           "2024-02-29T12:00:00.123456789Z", "2024-02-29T12:00:00.123456789Z"                },
        {"iso8601", NULL,           "2024-02-29T12:00:00,5Z",         "2024-02-29T12:00:00.500Z"                      },
        {"iso8601", "Europe/Paris", "2024-07-01T12:00",               "2024-07-01T10:00:00Z"                          },
        {"iso8601", "Europe/Paris", "2024-07-01T12",                  "2024-07-01T10:00:00Z"                          },
        {"iso8601", "Europe/Paris", "2024-07-01",                     "2024-06-30T22:00:00Z"                          },
        {"iso8601", "Europe/Paris", "2024-07-01T12:00Z",              "2024-07-01T12:00:00Z"                          },
        {"iso8601", NULL,           "",                               "the time is empty"                             },
        {"iso8601", NULL,           "2024-02-30",                     "want a day that the month has"                 },
        {"iso8601", NULL,           "31/01/2024",                     "at byte 1: want a time as 2024-02-29T12:00:00Z"},
        {"iso8601", NULL,           "2024-02-29T",                    "want an hour"                                  },
        {"iso8601", NULL,           "2024-02-29T1",                   "want an hour"                                  },
        {"iso8601", NULL,           "2024-02-29T12:0",                "want a minute"                                 },
        {"iso8601", NULL,           "2024-02-29T1200",                "want ':'"                                      },
        {"iso8601", NULL,           "2024-02-29T12:00:60Z",           "a leap second"                                 },
        {"iso8601", NULL,           "2024-02-29T12+1",                "want the offset's hours"                       },
        {"iso8601", NULL,           "2024-02-29T12+01:",              "want the offset's minutes"                     },
        {"iso8601", NULL,           "2024-02-29T12:00:00Zx",          "want nothing behind the time"                  },
        {"iso8601", NULL,           "1500-01-01",                     "outside of 1677-09-21"                         },
    };

    (void)state;
    expect_all(rows, COUNT_OF(rows));
}

/* A count never goes by a double: none has the nanoseconds of our days. */
static void test_counts(void **state)
{
    static const struct plain rows[] = {
        {"unix_s",  NULL,           "1700000000",               "2023-11-14T22:13:20Z"          },
        {"unix_s",  NULL,           "1700000000.123456789",     "2023-11-14T22:13:20.123456789Z"},
        {"unix_s",  NULL,           "-0.25",                    "1969-12-31T23:59:59.750Z"      },
        {"unix_ms", NULL,           "1700000000123.456789",     "2023-11-14T22:13:20.123456789Z"},
        {"unix_us", NULL,           "1700000000123456.789",     "2023-11-14T22:13:20.123456789Z"},
        {"unix_ns", NULL,           "1700000000123456789",      "2023-11-14T22:13:20.123456789Z"},
        {"unix_s",  "Europe/Paris", "0",                        "1970-01-01T00:00:00Z"          },
        {"unix_s",  NULL,           "1.7e9",                    "2023-11-14T22:13:20Z"          },
        {"unix_s",  NULL,           "1.700000000123456789e9",   "2023-11-14T22:13:20.123456789Z"},
        {"unix_ns", NULL,           "1.700000000123456789E+18", "2023-11-14T22:13:20.123456789Z"},
        {"unix_s",  NULL,           "15e-3",                    "1970-01-01T00:00:00.015Z"      },
        {"unix_s",  NULL,           "-15e-2",                   "1969-12-31T23:59:59.850Z"      },
        {"unix_s",  NULL,           "1e-9",                     "1970-01-01T00:00:00.000000001Z"},
        {"unix_s",  NULL,           "1e-10",                    "want an integer"               },
        {"unix_ns", NULL,           "1.5",                      "want an integer"               },
        {"unix_s",  NULL,           "1e",                       "want an integer"               },
        {"unix_s",  NULL,           "e9",                       "want an integer"               },
        {"unix_s",  NULL,           "1.2.3e9",                  "want an integer"               },
        {"unix_s",  NULL,           "1e99",                     "want an integer"               },
        {"unix_s",  NULL,           "1e++9",                    "want an integer"               },
        {"unix_s",  NULL,           "1e12",                     "outside of 1677-09-21"         },
        {"unix_s",  NULL,           "nan",                      "want an integer"               },
        {"unix_s",  NULL,           "",                         "the time is empty"             },
    };

    (void)state;
    expect_all(rows, COUNT_OF(rows));
}

static void test_other_forms(void **state)
{
    static const struct plain rows[] = {
        {"excel",               NULL,            "45351.5",                "2024-02-29T12:00:00Z"                    },
        {"excel",               "Europe/Paris",  "45351.5",                "2024-02-29T11:00:00Z"                    },
        {"excel",               NULL,            "60",                     "want a spreadsheet's"                    },
        {"%Y%m%d%H%M",          NULL,            "202402291230",           "2024-02-29T12:30:00Z"                    },
        {"%d.%m.%Y %H:%M",      "Europe/Berlin", "29.02.2024 12:30",       "2024-02-29T11:30:00Z"                    },
        {"%Y-%m-%dT%H:%M:%S%z", NULL,            "2024-02-29T12:00:00+01", "2024-02-29T11:00:00Z"                    },
        {"%d/%m/%Y",            NULL,            "2024-02-29",             "want the same character"                 },
        {"%d/%m/%Y",            NULL,            "29-02-2024",             "want the same character as in the format"},
    };

    (void)state;
    expect_all(rows, COUNT_OF(rows));
}

#define FIRST SOURCE_AMBIGUOUS_FIRST
#define SECOND SOURCE_AMBIGUOUS_SECOND
#define ORDER SOURCE_AMBIGUOUS_ORDER
#define FAIL SOURCE_AMBIGUOUS_FAIL

static void test_clocks_that_are_turned(void **state)
{
    static const struct turned rows[] = {
        {"Europe/London",  "2024-03-31T00:59:59",    "2024-03-31T00:59:59Z",                      ORDER,  NULL,                   false},
        {"Europe/London",  "2024-03-31T01:00",       "2024-03-31 01:00:00 was on no clock of tz", ORDER,
         NULL,                                                                                                                    false},
        {"Europe/London",  "2024-03-31T01:59:59",    "clocks were turned forward",                SECOND, NULL,                   false},
        {"Europe/London",  "2024-03-31T02:00",       "2024-03-31T01:00:00Z",                      ORDER,  NULL,                   false},
        {"Europe/London",  "2024-03-31T01:30Z",      "2024-03-31T01:30:00Z",                      ORDER,  NULL,                   false},
        {"Europe/London",  "2024-10-27T01:30",       "2024-10-27T00:30:00Z",                      FIRST,  NULL,                   false},
        {"Europe/London",  "2024-10-27T01:30",       "2024-10-27T01:30:00Z",                      SECOND, NULL,                   false},
        {"Europe/London",  "2024-10-27T01:30",       "showed it twice",                           FAIL,   NULL,                   false},
        {"Europe/London",  "2024-10-27T01:30+01:00", "2024-10-27T00:30:00Z",                      FAIL,   NULL,                   false},
        {"Europe/London",  "2024-10-27T02:00",       "2024-10-27T02:00:00Z",                      FAIL,   NULL,                   false},
        {"Europe/London",  "2024-10-27T01:30",       "2024-10-27T00:30:00Z",                      ORDER,  NULL,                   false},
        {"Europe/London",  "2024-10-27T01:30",       "2024-10-27T00:30:00Z",                      ORDER,  "2024-10-27T00:00:00Z",
         false                                                                                                                         },
        {"Europe/London",  "2024-10-27T01:30",       "2024-10-27T01:30:00Z",                      ORDER,  "2024-10-27T00:30:00Z",
         false                                                                                                                         },
        {"Europe/London",  "2024-10-27T01:00",       "2024-10-27T01:00:00Z",                      ORDER,  "2024-10-27T00:30:00Z",
         false                                                                                                                         },
        {"Europe/London",  "2024-10-27T01:30",       "2024-10-27T00:30:00Z",                      ORDER,  "2024-10-27T01:30:00Z",
         false                                                                                                                         },
 /* The same, newest first. */
        {"Europe/London",  "2024-10-27T01:30",       "2024-10-27T01:30:00Z",                      ORDER,  "2024-10-27T02:00:00Z",
         true                                                                                                                          },
        {"Europe/London",  "2024-10-27T01:00",       "2024-10-27T01:00:00Z",                      ORDER,  "2024-10-27T01:30:00Z",
         true                                                                                                                          },
        {"Europe/London",  "2024-10-27T01:30",       "2024-10-27T00:30:00Z",                      ORDER,  "2024-10-27T01:00:00Z",
         true                                                                                                                          },
        {"Europe/London",  "2024-10-27T01:00",       "2024-10-27T00:00:00Z",                      ORDER,  "2024-10-27T00:30:00Z",
         true                                                                                                                          },
 /* Where midnight is turned over, a day begins with the turn; on Samoa one was left out. */
        {"America/Havana", "2024-03-10",             "2024-03-10T05:00:00Z",                      ORDER,  NULL,                   false},
        {"America/Havana", "2024-03-10T00:00",       "was on no clock",                           ORDER,  NULL,                   false},
        {"America/Havana", "2024-11-03",             "2024-11-03T04:00:00Z",                      SECOND, NULL,                   false},
        {"America/Havana", "2024-11-03",             "2024-11-03T04:00:00Z",                      FAIL,   NULL,                   false},
        {"Pacific/Apia",   "2011-12-30",             "2011-12-30 00:00:00 was on no clock",       ORDER,  NULL,                   false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect("iso8601", &rows[i]);
}

static void test_a_date_alone_is_told(void **state)
{
    static const struct {
        const char *format, *text;
        bool date_only;
    } rows[] = {
        {"iso8601",       "2024-02-29",       true },
        {"iso8601",       "2024-02-29T00",    false},
        {"iso8601",       "2024-02-29T00:00", false},
        {"%d/%m/%Y",      "29/02/2024",       true },
        {"%d/%m/%Y %H",   "29/02/2024 00",    false},
        {"%d/%m/%Y %I%p", "29/02/2024 12am",  false},
        {"unix_s",        "0",                false},
        {"excel",         "45351",            false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct source_time_format format = time_format_of(rows[i].format);
        bool date_only = !rows[i].date_only;
        int64_t ns;

        assert_int_equal(row_time_parse(&format, NULL, SOURCE_AMBIGUOUS_ORDER,
                                        bytes_of(rows[i].text), NULL, &ns, &date_only, NULL),
                         OK);
        if (date_only != rows[i].date_only)
            fail_msg("%s", rows[i].text);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iso),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_other_forms),
        cmocka_unit_test(test_clocks_that_are_turned),
        cmocka_unit_test(test_a_date_alone_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
