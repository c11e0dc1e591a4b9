#include "ingest/rows/row_time.h"
#include "tests/unit/ingest/rows/time_fixture.h"

typedef enum code print_function(const struct source_time_format *format, const struct zone *zone,
                                 int64_t ns, struct buf *out, struct error *err);

static void expect(print_function *print, const char *format_name, const char *zone_name,
                   int64_t ns, const char *want)
{
    struct source_time_format format = time_format_of(format_name);
    struct buf out = BUF_INIT(1000);
    struct error err = {0};
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = print(&format, zone_of(zone_name, &arena), ns, &out, &err);
    if (code == OK ? !bytes_equal(buf_bytes(&out), bytes_of(want)) : strstr(err.text, want) == NULL)
        fail_msg("%s: got %.*s%s, want %s", format_name, (int)out.size, out.data, err.text, want);
    buf_release(&out);
    arena_release(&arena);
}

static void test_formats(void **state)
{
    static const struct {
        const char *format, *zone, *time, *want;
    } rows[] = {
        {"iso8601",                  NULL,               "2024-02-29T12:00:00Z",           "2024-02-29T12:00:00Z"            },
        {"iso8601",                  "UTC",              "2024-02-29T12:00:00.25Z",        "2024-02-29T12:00:00.250Z"        },
        {"iso8601",                  "Europe/Paris",     "2024-07-01T12:00:00Z",           "2024-07-01T14:00:00+02:00"       },
        {"iso8601",                  "Europe/London",    "2024-01-01T12:00:00Z",           "2024-01-01T12:00:00Z"            },
        {"iso8601",                  "America/St_Johns", "2024-01-01T00:00:00Z",           "2023-12-31T20:30:00-03:30"       },
        {"iso8601",                  "Europe/Paris",     "1900-01-01T00:00:00Z",           "1900-01-01T00:00:00Z"            },
        {"iso8601",                  NULL,               "1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"  },
        {"date",                     NULL,               "2024-02-29T23:59:59Z",           "2024-02-29"                      },
        {"date",                     "Europe/Paris",     "2024-02-29T23:59:59Z",           "2024-03-01"                      },
        {"unix_s",                   "Europe/Paris",     "2023-11-14T22:13:20Z",           "1700000000"                      },
        {"unix_s",                   NULL,               "2023-11-14T22:13:20.120Z",       "1700000000.12"                   },
        {"unix_s",                   NULL,               "1969-12-31T23:59:59.750Z",       "-0.25"                           },
        {"unix_ms",                  NULL,               "2023-11-14T22:13:20.000000001Z", "1700000000000.000001"            },
        {"unix_us",                  NULL,               "2023-11-14T22:13:20Z",           "1700000000000000"                },
        {"unix_ns",                  NULL,               "2023-11-14T22:13:20.000000001Z", "1700000000000000001"             },
        {"excel",                    NULL,               "2024-02-29T12:00:00Z",           "45351.5"                         },
        {"excel",                    NULL,               "1899-01-01T00:00:00Z",           "no day number"                   },
        {"%Y%m%d%H%M",               NULL,               "2024-02-29T12:30:59Z",           "202402291230"                    },
        {"%Y%m%d%H%M",               "Europe/Paris",     "2024-02-29T12:30:59Z",           "202402291330"                    },
        {"%Y-%m-%dT%H:%M:%S.%fZ",    NULL,               "2024-02-29T12:00:00Z",           "2024-02-29T12:00:00.000Z"        },
        {"%Y-%m-%dT%H:%M:%S%z",      "America/New_York", "2024-07-01T12:00:00Z",
         "2024-07-01T08:00:00-0400"                                                                                          },
        {"%Y-%m-%dT%H:%M:%S%z",      "Europe/Paris",     "1900-01-01T00:00:00Z",           "1900-01-01T00:00:00+0000"        },
        {"%a, %d %b %y %I:%M:%S %p", NULL,               "2024-02-29T00:05:00Z",           "Thu, 29 Feb 24 12:05:00 AM"      },
        {"%A %B %d %Y %I%p%%",       NULL,               "1969-12-31T13:00:00Z",           "Wednesday December 31 1969 01PM%"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect(row_time_print, rows[i].format, rows[i].zone, time_of(rows[i].time), rows[i].want);
}

/* What an inclusive end of 2024-03-31 00:00 in Paris, and of 1970, is sent as. */
static void test_last_unit_before(void **state)
{
    static const struct {
        const char *format, *zone, *time, *want;
    } rows[] = {
        {"date",                 "Europe/Paris", "2024-03-30T23:00:00Z",   "2024-03-30"               },
        {"iso8601",              "Europe/Paris", "2024-03-30T23:00:00Z",   "2024-03-30T23:59:59+01:00"},
        {"iso8601",              NULL,           "2024-03-30T23:00:00.5Z", "2024-03-30T23:00:00Z"     },
        {"unix_s",               NULL,           "1970-01-01T00:00:00Z",   "-1"                       },
        {"unix_ms",              NULL,           "1970-01-01T00:00:01Z",   "999"                      },
        {"%Y-%m-%d %H:%M",       "Europe/Paris", "2024-03-30T23:00:00Z",   "2024-03-30 23:59"         },
        {"%Y-%m-%d",             "Europe/Paris", "2024-03-30T23:00:00Z",   "2024-03-30"               },
        {"%Y-%m-%d %H:%M:%S.%f", NULL,           "2024-03-31T00:00:00Z",   "2024-03-30 23:59:59.999"  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect(row_time_print_last, rows[i].format, rows[i].zone, time_of(rows[i].time),
               rows[i].want);
}

/* What is printed reads back to the same moment. */
static void test_reads_back(void **state)
{
    static const char *const formats[] = {
        "iso8601", "unix_s", "unix_ms", "unix_us", "unix_ns", "%Y-%m-%d %H:%M:%S.%f %z",
    };
    static const char *const zones[] = {
        NULL, "Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
    };
    static const int64_t times[] = {
        INT64_MIN + 2,
        -5000000000000000000,
        -1,
        0,
        1,
        999999999,
        1711846800000000000,
        1729990800123456789,
        1729987200000000001,
        INT64_MAX - 1,
    };
    struct buf out = BUF_INIT(1000);
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(formats) * COUNT_OF(zones) * COUNT_OF(times); i++) {
        struct source_time_format format = time_format_of(formats[i % COUNT_OF(formats)]);
        const struct zone *zone = zone_of(zones[i / COUNT_OF(formats) % COUNT_OF(zones)], &arena);
        int64_t ns = times[i / COUNT_OF(formats) / COUNT_OF(zones)], again = 0;
        struct error err = {0};

        buf_clear(&out);
        if (row_time_print(&format, zone, ns, &out, &err) ||
            row_time_parse(&format, zone, SOURCE_AMBIGUOUS_ORDER, buf_bytes(&out), NULL, &again,
                           NULL, &err) ||
            again != ns)
            fail_msg("%lld became %.*s became %lld: %s", (long long)ns, (int)out.size, out.data,
                     (long long)again, err.text);
    }
    buf_release(&out);
    arena_release(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_last_unit_before),
        cmocka_unit_test(test_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
