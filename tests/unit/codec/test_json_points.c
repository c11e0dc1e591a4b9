#include "tests/unit/codec/outcome.h"

#include <stdio.h>

enum { NOW = 1000 };

static void decode(struct outcome *outcome, struct bytes body, size_t piece_size,
                   const struct limits *limits, enum time_unit precision)
{
    struct decode_options options = {.precision = precision, .now_ns = NOW, .limits = limits};

    outcome_init(outcome, limits);
    outcome_decode(outcome, &decoder_json, &options, body, piece_size, piece_size);
}

struct json_case {
    const char *name, *body, *want;
};

static void expect(const struct json_case *cases, size_t count, enum time_unit precision)
{
    struct limits limits;

    limits_init(&limits);
    for (size_t i = 0; i < count; i++)
        for (size_t piece_size = 1; piece_size < 10000; piece_size *= 99) {
            struct outcome outcome;

            decode(&outcome, bytes_of(cases[i].body), piece_size, &limits, precision);
            if (outcome.code != OK || strcmp(outcome.text.data, cases[i].want) != 0)
                fail_msg("%s: code %d (%s)\n got: %s\nwant: %s", cases[i].name, (int)outcome.code,
                         outcome.err.text, outcome.text.data, cases[i].want);
            outcome_release(&outcome);
        }
}

#define POINT(members) "{\"points\":[{\"measurement\":\"m\"," members "}]}"
#define FIELD(value) POINT("\"time\":7,\"fields\":{\"f\":" value "}")

static void test_good_points(void **state)
{
    static const struct json_case cases[] = {
        {"no points",                         "[]",                                                                 ""                                                                 },
        {"no points, named",                  " {\"points\" : [ ] } ",                                              ""                                                                 },
        {"all members",
         "[{\"measurement\":\"cpu\",\"tags\":{\"host\":\"a\",\"dc\":\"x\"},\"time\":7,"
         "\"fields\":{\"user\":1.5,\"n\":2}}]",                                                                     "1: cpu,dc=x,host=a n=2i user=1.5 @7\n"                            },
        {"members in any order",
         "[\n{\"fields\":{\"f\":1},\t\"time\":7,\r\n\"tags\":{},\"measurement\":\"m\"}\n]",                         "1: m f=1i @7\n"                                                   },
        {"no time is now",
         "[{\"measurement\":\"m\",\"fields\":{\"f\":1}},"
         "{\"measurement\":\"m\",\"fields\":{\"f\":2}}]",                                                           "1: m f=1i @1000\n2: m f=2i @1001\n"                               },
        {"RFC 3339",                          POINT("\"time\":\"1970-01-01T00:00:01+00:00\",\"fields\":{\"f\":1}"),
         "1: m f=1i @1000000000\n"                                                                                                                                                     },
        {"a tag with an empty value is none",
         POINT("\"tags\":{\"a\":\"\",\"b\":\"c\"},\"time\":7,\"fields\":{\"f\":1}"),
         "1: m,b=c f=1i @7\n"                                                                                                                                                          },
        {"bools and null",                    POINT("\"time\":7,\"fields\":{\"t\":true,\"f\":false,\"n\":null}"),
         "1: m f=false n=null t=true @7\n"                                                                                                                                             },
        {"escapes",                           FIELD("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00é\""),
         "1: m f=\"a\"\\/\b\f\n\r\t\xc3\xa4\xf0\x9f\x98\x80é\" @7\n"                                                                                                                  },
        {"escapes in names",
         "[{\"m\\u0065asurement\":\"\\u006d\",\"time\":7,"
         "\"fields\":{\"a\\u0062\":1}}]",                                                                           "1: m ab=1i @7\n"                                                  },
        {"points of many forms",
         "[{\"measurement\":\"m\",\"time\":1,\"fields\":{\"a\":1,\"b\":2}},"
         "{\"measurement\":\"m\",\"time\":2,\"fields\":{\"b\":2,\"a\":1}},"
         "{\"measurement\":\"m\",\"time\":3,\"fields\":{\"a\":1.0}},"
         "{\"measurement\":\"n\",\"time\":3,\"fields\":{\"a\":1}}]",                                                "1: m a=1i b=2i @1\n2: m a=1i b=2i @2\n3: m a=1 @3\n4: n a=1i @3\n"},
    };

    (void)state;
    expect(cases, COUNT_OF(cases), TIME_NS);
}

static void test_numbers_are_exact(void **state)
{
    static const struct json_case cases[] = {
        {"zero",                     FIELD("0"),                    "1: m f=0i @7\n"                   },
        {"minus zero is an integer", FIELD("-0"),                   "1: m f=0i @7\n"                   },
        {"minus zero with a point",  FIELD("-0.0"),                 "1: m f=-0 @7\n"                   },
        {"last i64",                 FIELD("9223372036854775807"),  "1: m f=9223372036854775807i @7\n" },
        {"first u64",                FIELD("9223372036854775808"),  "1: m f=9223372036854775808u @7\n" },
        {"last u64",                 FIELD("18446744073709551615"), "1: m f=18446744073709551615u @7\n"},
        {"least i64",                FIELD("-9223372036854775808"), "1: m f=-9223372036854775808i @7\n"},
        {"exponent",                 FIELD("1e3"),                  "1: m f=1000 @7\n"                 },
        {"exponent signs",           FIELD("1.5E-3"),               "1: m f=0.0015 @7\n"               },
        {"seventeen digits",         FIELD("0.30000000000000004"),  "1: m f=0.30000000000000004 @7\n"  },
        {"beyond u64",               FIELD("18446744073709551616"),
         "1! number_out_of_range /points/0/fields/f: 18446744073709551616 does not fit 64 bits\n"      },
        {"below i64",                FIELD("-9223372036854775809"),
         "1! number_out_of_range /points/0/fields/f: -9223372036854775809 does not fit 64 bits\n"      },
        {"beyond doubles",           FIELD("1e999"),
         "1! number_out_of_range /points/0/fields/f: 1e999 does not fit a 64-bit float\n"              },
    };

    (void)state;
    expect(cases, COUNT_OF(cases), TIME_NS);
}

static void test_bad_points_are_told_with_their_pointer_and_alone(void **state)
{
    static const struct json_case cases[] = {
        {"bad among good",
         "[{\"measurement\":\"m\",\"time\":1,\"fields\":{\"f\":1}},7,"
         "{\"measurement\":\"m\",\"time\":2,\"fields\":{\"f\":[1,{}]}},"
         "{\"measurement\":\"m\",\"time\":3,\"fields\":{\"f\":3}}]",                                 "1: m f=1i @1\n4: m f=3i @3\n2! bad_syntax /1: a point is an object\n"
         "3! bad_syntax /2/fields/f: a field's value is a number, a text, true, false or null\n"},
        {"unknown member",         POINT("\"known_at\":1,\"fields\":{\"f\":1}"),
         "1! bad_syntax /points/0/known_at: unknown member; a point has measurement, tags, time "
         "and "
         "fields\n"                                                                                                                                                 },
        {"pointer escapes",        POINT("\"fields\":{\"a/b~c\":{}}"),
         "1! bad_syntax /points/0/fields/a~1b~0c: a field's value is a number, a text, true, false "
         "or null\n"                                                                                                                                                },
        {"no measurement",         "[{\"fields\":{\"f\":1}}]",
         "1! bad_syntax /0: the point has no measurement\n"                                                                                                         },
        {"measurement a number",   "[{\"measurement\":1,\"fields\":{\"f\":1}}]",
         "1! bad_syntax /0/measurement: the measurement is not a text\n"                                                                                            },
        {"empty measurement",      "[{\"measurement\":\"\",\"fields\":{\"f\":1}}]",
         "1! bad_syntax /0/measurement: the measurement is empty\n"                                                                                                 },
        {"no fields",              POINT("\"fields\":{}"),                                           "1! no_fields /points/0: the point has no fields\n"            },
        {"fields an array",        POINT("\"fields\":[1]"),
         "1! bad_syntax /points/0/fields: this is not an object\n"                                                                                                  },
        {"tag a number",           POINT("\"tags\":{\"a\":1},\"fields\":{\"f\":1}"),
         "1! bad_syntax /points/0/tags/a: a tag's value is a text; numbers that are measured are "
         "fields\n"                                                                                                                                                 },
        {"control byte in a name", POINT("\"fields\":{\"a\\u0001\":1}"),
         "1! bad_name /points/0/fields/a?: the field key holds the control byte 0x01; names and "
         "tag "
         "values are made of printable characters\n"                                                                                                                },
        {"NUL in a tag value",     POINT("\"tags\":{\"a\":\"x\\u0000\"},\"fields\":{\"f\":1}"),
         "1! bad_name /points/0/tags/a: the tag value holds the control byte 0x00; names and tag "
         "values are made of printable characters\n"                                                                                                                },
        {"a field twice",          POINT("\"fields\":{\"a\":1,\"b\":1,\"a\":2}"),
         "1! duplicate_field /points/0/fields/a: the field stands twice: leave one\n"                                                                               },
        {"a tag twice",            POINT("\"tags\":{\"a\":\"1\",\"a\":\"2\"},\"fields\":{\"a\":1}"),
         "1! duplicate_tag /points/0/tags: the tag \"a\" stands twice: leave one\n"                                                                                 },
        {"a member twice",         POINT("\"fields\":{\"a\":1},\"fields\":{\"b\":1}"),
         "1! bad_syntax /points/0/fields: the member stands twice\n"                                                                                                },
        {"time null",              POINT("\"time\":null,\"fields\":{\"f\":1}"),
         "1! bad_time /points/0/time: a time is an RFC 3339 text or an integer; without one it is "
         "now\n"                                                                                                                                                    },
        {"time a real",            POINT("\"time\":1.5,\"fields\":{\"f\":1}"),
         "1! bad_time /points/0/time: a time as number is an integer in the request's precision\n"                                                                  },
        {"time beyond",            POINT("\"time\":9223372036854775807,\"fields\":{\"f\":1}"),
         "1! time_out_of_range /points/0/time: the time 9223372036854775807 is outside of "
         "1677-09-21 to 2262-04-11\n"                                                                                                                               },
        {"time far beyond",        POINT("\"time\":99999999999999999999,\"fields\":{\"f\":1}"),
         "1! time_out_of_range /points/0/time: the time 99999999999999999999 is outside of "
         "1677-09-21 to 2262-04-11\n"                                                                                                                               },
    };

    (void)state;
    expect(cases, COUNT_OF(cases), TIME_NS);
}

static void test_precision_scales_integers_alone(void **state)
{
    static const struct json_case cases[] = {
        {"milliseconds",     POINT("\"time\":1700000000123,\"fields\":{\"f\":1}"),
         "1: m f=1i @1700000000123000000\n"},
        {"text has its own", POINT("\"time\":\"1970-01-01\",\"fields\":{\"f\":1}"),
         "1: m f=1i @0\n"                  },
        {"beyond",           POINT("\"time\":9223372036855,\"fields\":{\"f\":1}"),
         "1! time_out_of_range /points/0/time: the time 9223372036855 is outside of 1677-09-21 to "
         "2262-04-11\n"                    },
    };

    (void)state;
    expect(cases, COUNT_OF(cases), TIME_MS);
}

static void test_what_is_no_json_ends_the_request_and_says_where(void **state)
{
    static const struct {
        const char *body, *where;
        enum code code;
    } cases[] = {
        {"",                                                  "line 1, column 1", E_SYNTAX  },
        {"7",                                                 "line 1, column 1", E_SYNTAX  },
        {"[",                                                 "column 2",         E_SYNTAX  },
        {"[{]",                                               "column 3",         E_SYNTAX  },
        {"[{}",                                               "column 4",         E_SYNTAX  },
        {"[{},]",                                             "column 5",         E_SYNTAX  },
        {"[] x",                                              "column 4",         E_SYNTAX  },
        {"[\n{}\n{}]",                                        "line 3, column 1", E_SYNTAX  },
        {"{}",                                                "right is",         E_SYNTAX  },
        {"{\"point\":[]}",                                    "right is",         E_SYNTAX  },
        {"{\"points\":{}}",                                   "right is",         E_SYNTAX  },
        {"{\"points\":[],\"x\":1}",                           "right is",         E_SYNTAX  },
        {FIELD("01"),                                         "begins with 0",    E_SYNTAX  },
        {FIELD("1."),                                         "behind the point", E_SYNTAX  },
        {FIELD("1e"),                                         "exponent",         E_SYNTAX  },
        {FIELD("-"),                                          "expected a digit", E_SYNTAX  },
        {FIELD("+1"),                                         "expected a value", E_SYNTAX  },
        {FIELD("NaN"),                                        "expected a value", E_SYNTAX  },
        {FIELD("tru"),                                        "expected a value", E_SYNTAX  },
        {FIELD("\"\\x\""),                                    "no escape",        E_SYNTAX  },
        {FIELD("\"\\ud800\""),                                "no escape",        E_SYNTAX  },
        {FIELD("\"\\udc00\""),                                "no escape",        E_SYNTAX  },
        {FIELD("\"\\ud800\\u0041\""),                         "no escape",        E_SYNTAX  },
        {FIELD("\"\n\""),                                     "control byte",     E_SYNTAX  },
        {FIELD("\"\xff\""),                                   "0xff",             E_BAD_UTF8},
        {FIELD("\"\\n\xff\""),                                "0xff",             E_BAD_UTF8},
        {FIELD("\"open"),                                     "the JSON ends",    E_SYNTAX  },
        {"[{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]", "nested",           E_DEPTH   },
    };
    struct limits limits;

    (void)state;
    limits_init(&limits);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome outcome;

        decode(&outcome, bytes_of(cases[i].body), 1000, &limits, TIME_NS);
        if (outcome.code != cases[i].code || strstr(outcome.err.text, cases[i].where) == NULL)
            fail_msg("%s: %d %s", cases[i].body, (int)outcome.code, outcome.err.text);
        outcome_release(&outcome);
    }
}

static void test_each_limit_answers_with_its_code(void **state)
{
    static const struct {
        const char *name, *body;
        size_t offset;
        uint64_t limit;
        enum code point, whole;
    } cases[] = {
        {"name",      POINT("\"fields\":{\"ab\":1}"),                                   offsetof(struct limits, name_bytes_max),      1,
         E_NAME_LONG,                                                                                                                                  OK           },
        {"tag key",   POINT("\"tags\":{\"ab\":\"\"},\"fields\":{\"a\":1}"),
         offsetof(struct limits,                                                                                name_bytes_max),      1, E_NAME_LONG,  OK           },
        {"tag value", POINT("\"tags\":{\"a\":\"bcd\"},\"fields\":{\"a\":1}"),
         offsetof(struct limits,                                                                                tag_value_bytes_max), 2, E_VALUE_LONG, OK           },
        {"string",    FIELD("\"abc\""),                                                 offsetof(struct limits, string_bytes_max),    2, E_VALUE_LONG,
         OK                                                                                                                                                         },
        {"tags",      POINT("\"tags\":{\"a\":\"b\",\"c\":\"d\"},\"fields\":{\"a\":1}"),
         offsetof(struct limits,                                                                                tags_max),            1, E_TAGS_MANY,  OK           },
        {"fields",    POINT("\"fields\":{\"a\":1,\"b\":2}"),                            offsetof(struct limits, fields_max),          1,
         E_FIELDS_MANY,                                                                                                                                OK           },
        {"points",    "[{},{}]",                                                        offsetof(struct limits, points_max),          1, E_SYNTAX,     E_POINTS_MANY},
        {"body",      "[             ]",                                                offsetof(struct limits, body_bytes_max),      5, OK,           E_BODY_LARGE },
        {"depth",     FIELD("1"),                                                       offsetof(struct limits, json_depth_max),      3, OK,           E_DEPTH      },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct limits limits;
        struct outcome outcome;
        enum code got;

        limits_init(&limits);
        memcpy((char *)&limits + cases[i].offset, &cases[i].limit, sizeof(uint64_t));
        decode(&outcome, bytes_of(cases[i].body), 1000, &limits, TIME_NS);
        got = outcome.batch.rejects == NULL ? OK : outcome.batch.rejects->code;
        if (outcome.code != cases[i].whole || got != cases[i].point)
            fail_msg("%s: %d and %d: %s", cases[i].name, (int)outcome.code, (int)got,
                     outcome.text.data);
        outcome_release(&outcome);
    }
}

static void test_memory_that_runs_out_is_an_answer(void **state)
{
    struct limits limits;
    struct buf body = BUF_INIT(1 << 20);

    (void)state;
    limits_init(&limits);
    buf_put_char(&body, '[');
    for (int i = 0; i < 300; i++)
        buf_printf(&body,
                   "%s{\"measurement\":\"m\",\"tags\":{\"\\u0061\":\"%d\"},\"fields\":"
                   "{\"f%d\":1,\"s\":\"xyz\"}}",
                   i == 0 ? "" : ",", i, i % 20);
    buf_put_char(&body, ']');
    for (size_t bytes_max = 1024; bytes_max < 1 << 20; bytes_max += 4096) {
        struct decode_options options = {.now_ns = NOW, .limits = &limits};
        struct outcome outcome;

        outcome_init_within(&outcome, bytes_max, &limits);
        outcome_decode(&outcome, &decoder_json, &options, buf_bytes(&body), body.size, 0);
        assert_true(outcome.code == E_MEMORY ||
                    (outcome.code == OK && outcome.batch.row_count == 300));
        assert_int_equal(outcome.err.code, outcome.code);
        outcome_release(&outcome);
    }
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_points),
        cmocka_unit_test(test_numbers_are_exact),
        cmocka_unit_test(test_bad_points_are_told_with_their_pointer_and_alone),
        cmocka_unit_test(test_precision_scales_integers_alone),
        cmocka_unit_test(test_what_is_no_json_ends_the_request_and_says_where),
        cmocka_unit_test(test_each_limit_answers_with_its_code),
        cmocka_unit_test(test_memory_that_runs_out_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
