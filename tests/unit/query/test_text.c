#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/text.h"

static void check(const char *at, const char *end, const char *want)
{
    if (!bytes_equal((struct bytes){at, (size_t)(end - at)}, bytes_of(want)))
        fail_msg("got %.*s, want %s", (int)(end - at), at, want);
}

static void test_times(void **state)
{
    static const struct {
        int64_t ns;
        const char *rfc, *seconds;
    } cases[] = {
        {0,                   "1970-01-01T00:00:00Z",           "0"          },
        {1700000000000000000, "2023-11-14T22:13:20Z",           "1700000000" },
        {1700000000500000000, "2023-11-14T22:13:20.500Z",       "1700000000" },
        {1700000000000500000, "2023-11-14T22:13:20.000500Z",    "1700000000" },
        {1700000000000000005, "2023-11-14T22:13:20.000000005Z", "1700000000" },
        {1700006399999999999, "2023-11-14T23:59:59.999999999Z", "1700006399" },
        {-1,                  "1969-12-31T23:59:59.999999999Z", "-1"         },
        {INT64_MIN,           "1677-09-21T00:12:43.145224192Z", "-9223372037"},
        {INT64_MAX,           "2262-04-11T23:47:16.854775807Z", "9223372036" },
    };
    struct time_writer rfc = {.unit_ns = 1, .day = INT64_MIN};
    struct time_writer seconds = {.epoch = true, .unit_ns = 1000000000, .day = INT64_MIN};
    char text[TEXT_TIME_SIZE], quoted[TEXT_TIME_SIZE + 8];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            check(text, text_put_time(text, &rfc, cases[i].ns, false), cases[i].rfc);
            check(text, text_put_time(text, &seconds, cases[i].ns, true), cases[i].seconds);
        }
    check(quoted, text_put_time(quoted, &rfc, 0, true), "\"1970-01-01T00:00:00Z\"");
    seconds.integer_text = true;
    check(quoted, text_put_time(quoted, &seconds, -5, true), "\"-1\"");
    check(quoted, text_put_time(quoted, &seconds, -5, false), "-1");
}

static void test_reals_are_told_from_integers(void **state)
{
    static const struct {
        double value;
        const char *want;
    } cases[] = {
        {0,                    "0.0"                   },
        {-0.0,                 "-0.0"                  },
        {1,                    "1.0"                   },
        {0.1,                  "0.1"                   },
        {-2.5,                 "-2.5"                  },
        {1e300,                "1e+300"                },
        {123456789012345680.0, "1.2345678901234568e+17"},
        {5e-324,               "5e-324"                },
    };
    char text[TEXT_NUMBER_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(text, text_put_f64(text, cases[i].value), cases[i].want);
}

static void test_wide_integers(void **state)
{
    const wide ten_19 = 10000000000000000000u;
    const struct {
        wide value;
        const char *want;
    } cases[] = {
        {0,                     "0"                                     },
        {-1,                    "-1"                                    },
        {INT64_MIN,             "-9223372036854775808"                  },
        {UINT64_MAX,            "18446744073709551615"                  },
        {(wide)UINT64_MAX + 1,  "18446744073709551616"                  },
        {-(wide)UINT64_MAX - 1, "-18446744073709551616"                 },
        {ten_19 * 3 + 7,        "30000000000000000007"                  },
        {ten_19 * ten_19 - 1,   "99999999999999999999999999999999999999"},
    };
    char text[TEXT_NUMBER_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(text, text_put_wide(text, cases[i].value), cases[i].want);
}

static void test_texts(void **state)
{
    static const struct {
        struct bytes text;
        const char *json, *csv;
    } cases[] = {
        {BYTES(""),                     "\"\"",                     "\"\""                },
        {BYTES("plain"),                "\"plain\"",                "plain"               },
        {BYTES("a,b"),                  "\"a,b\"",                  "\"a,b\""             },
        {BYTES("say \"x\""),            "\"say \\\"x\\\"\"",        "\"say \"\"x\"\"\""   },
        {BYTES("a\nb\rc"),              "\"a\\nb\\rc\"",            "\"a\nb\rc\""         },
        {BYTES("\\\b\f\t"),             "\"\\\\\\b\\f\\t\"",        "\\\b\f\t"            },
        {BYTES("\x01\x1f\x7f"),         "\"\\u0001\\u001f\x7f\"",   "\x01\x1f\x7f"        },
        {BYTES("a\0b"),                 "\"a\\u0000b\"",            NULL                  },
        {BYTES("\xc3\xa9\xe2\x82\xac"), "\"\xc3\xa9\xe2\x82\xac\"", "\xc3\xa9\xe2\x82\xac"},
    };
    char text[128];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *end = text_put_json(text, cases[i].text);

        check(text, end, cases[i].json);
        assert_true((size_t)(end - text) <= text_json_size(cases[i].text));
        if (!cases[i].csv)
            continue;
        end = text_put_csv(text, cases[i].text, true);
        check(text, end, cases[i].csv);
        assert_true((size_t)(end - text) <= text_csv_size(cases[i].text));
    }
    check(text, text_put_csv(text, BYTES(""), false), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_reals_are_told_from_integers),
        cmocka_unit_test(test_wide_integers),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
