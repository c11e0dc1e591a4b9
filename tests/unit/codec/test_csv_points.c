#include "tests/unit/codec/csv_fixture.h"

#include <stdio.h>

struct csv_case {
    const char *name, *options, *body, *want;
};

/* Whole, cut in two at every byte, and in pieces of one to five bytes. */
static void expect(const struct csv_case *cases, size_t count)
{
    struct limits limits;

    limits_init(&limits);
    for (size_t i = 0; i < count; i++) {
        struct bytes body = bytes_of(cases[i].body);

        for (size_t first = 1; first <= body.size + 5; first++) {
            bool small = first > body.size;
            size_t piece = small ? first - body.size : SIZE_MAX / 2;
            struct outcome outcome;

            csv_fixture_decode(&outcome, cases[i].options, body, small ? piece : first, piece,
                               &limits);
            if (outcome.code != OK || strcmp(outcome.text.data, cases[i].want) != 0)
                fail_msg("%s, cut at %zu: code %d (%s)\n got: %s\nwant: %s", cases[i].name, first,
                         (int)outcome.code, outcome.err.text, outcome.text.data, cases[i].want);
            outcome_release(&outcome);
        }
    }
}

#define M "measurement=m&time_format=epoch"

static void test_rows(void **state)
{
    static const struct csv_case cases[] = {
        {"nothing",                  M,                                                  "",                                                   ""                                                                                     },
        {"a header alone",           M,                                                  "time,a\n",                                           ""                                                                                     },
        {"types by what cells hold", M,                                                  "time,a,b,c,d\n1,2,2.5,true,x\n",
         "2: m a=2i b=2.5 c=true d=\"x\" @1000000000\n"                                                                                                                                                                               },
        {"tags",                     M "&tags=h,r",                                      "time,h,v,r\n1,a,1,x\n2,b,2,\n3,a,3,x\n",
         "2: m,h=a,r=x v=1i @1000000000\n3: m,h=b v=2i @2000000000\n4: m,h=a,r=x v=3i "
         "@3000000000\n"                                                                                                                                                                                                              },
        {"quotes are not types",     M "&tags=h",                                        "\"time\",\"h\",\"v\"\n\"1\",\"a,\"\"b\",\"2.5\"\n",
         "2: m,h=a\\,\"b v=2.5 @1000000000\n"                                                                                                                                                                                         },
        {"absent cells",             M "&null=NA&null=?",                                "time,a,b\n1,,2\n2,NA,3\n3,\"?\",\n4,1,1\n",
         "2: m b=2i @1000000000\n3: m b=3i @2000000000\n5: m a=1i b=1i @4000000000\n"                                                                                                                                                 },
        {"an empty quoted string",   M "&types=a:string",                                "time,a,b\n1,\"\",\"\"\n2,,1\n",
         "2: m a=\"\" @1000000000\n3: m b=1i @2000000000\n"                                                                                                                                                                           },
        {"integers behind a real",   M,                                                  "time,a\n1,2\n2,2.5\n3,3\n4,9007199254740993\n5,0\n",
         "2: m a=2i @1000000000\n3: m a=2.5 @2000000000\n4: m a=3 @3000000000\n"
         "5: m a=9007199254740993i @4000000000\n6: m a=0 @5000000000\n"                                                                                                                                                               },
        {"declared types",           M "&types=a:f64,b:string,c:u64,d:bool,e:i64",
         "time,a,b,c,d,e\n1,2,007,3,1,-4\n",                                                                                                   "2: m a=2 b=\"007\" c=3u d=true e=-4i @1000000000\n"                                   },
        {"only these fields",        M "&fields=b",                                      "time,a,b\n1,2,3\n",                                  "2: m b=3i @1000000000\n"                                                              },
        {"ignored columns",          M "&ignore=a",                                      "time,a,b\n1,NaN,3\n",                                "2: m b=3i @1000000000\n"                                                              },
        {"no header",                M "&header=no&columns=time,,v",                     "1,x,3\n2,y,4\n",
         "1: m v=3i @1000000000\n2: m v=4i @2000000000\n"                                                                                                                                                                             },
        {"another header",           M "&header=skip&columns=time,v",                    "a,a\n1,3\n",
         "2: m v=3i @1000000000\n"                                                                                                                                                                                                    },
        {"a column of measurements", "measurement_column=what&time_format=epoch&tags=h",
         "time,what,h,v\n1,x,a,1\n2,y,a,on\n3,x,a,2\n",                                                                                        "2: x,h=a v=1i @1000000000\n3: y,h=a v=\"on\" @2000000000\n4: x,h=a v=2i @3000000000\n"},
        {"no time is now",           "measurement=m&time=",                              "v\n1\n2\n",
         "2: m v=1i @1000\n3: m v=2i @1001\n"                                                                                                                                                                                         },
        {"decimal commas",           M "&separator=;&decimal=,",                         "time;a;b\n1;2,5;\"x,y\"\n",
         "2: m a=2.5 b=\"x,y\" @1000000000\n"                                                                                                                                                                                         },
        {"a line end in a cell",     M,                                                  "time,a\r\n1,\"x\ny\"\r\n2,z\r\n",
         "2: m a=\"x\ny\" @1000000000\n4: m a=\"z\" @2000000000\n"                                                                                                                                                                    },
    };

    (void)state;
    expect(cases, COUNT_OF(cases));
}

/* The shapes of published files. */
static void test_published_shapes(void **state)
{
    static const struct csv_case cases[] = {
        {.name = "date and time in two columns",
         .options = "measurement=h&separator=semicolon&time=Date,Time&time_format=%d/%m/%Y "
                    "%H:%M:%S&null=?",                                                              .body = "Date;Time;P;V\n31/1/2007;23:45:00;0.234;245.880\n3/2/2007;00:51:00;?;239.710\n4/"
                 "2/2007;00:00:00;?;?",                                                                                                                        .want =
             "2: h P=0.234 V=245.88 @1170287100000000000\n3: h V=239.71 @1170463860000000000\n"                                                                           },
        {.name = "a day number and a period",
         .options =
             "measurement=v&time=Date&time_format=excel&period=Period&period_length=30m&tz=+10:00", .body =
             "\"Date\",\"Period\",\"Temp\"\r\n36526,1,13.7\r\n36526,48,13.5\r\n42063,2,18.9\r\n", .want = "2: v Temp=13.7 @946648800000000000\n3: v Temp=13.5 @946733400000000000\n4: v "
                 "Temp=18.9 @1425047400000000000\n"},
        {.name = "a bare time",
         .options = "measurement=s&time=timestamp",
         .body = "timestamp,value\n2013-12-02 21:20:00,74.93588199999998\n",
         .want = "2: s value=74.93588199999998 @1386019200000000000\n"                                                                                                                                                                                 },
        {.name = "a day and a text",
         .options = "measurement=w&time=date",
         .body = "date,rain,weather\n2012-01-01,0.0,drizzle\n2012-01-02,10.9,rain\n",
         .want = "2: w rain=0 weather=\"drizzle\" @1325376000000000000\n3: w rain=10.9 "
                 "weather=\"rain\" @1325462400000000000\n"                                                                                                                                                                                             },
        {.name = "a night in which clocks go back",
         .options = "measurement=l&tz=Europe/London&tags=h",
         .body = "time,h,v\n2024-10-27 01:30,a,1\n2024-10-27 01:30,b,2\n2024-10-27 "
                 "01:00,a,3\n2024-10-27 01:30,a,4\n",                                                                                                                                                .want = "2: l,h=a v=1i @1729989000000000000\n3: l,h=b v=2i @1729989000000000000\n4: l,h=a "
                 "v=3i @1729990800000000000\n"
                 "5: l,h=a v=4i @1729992600000000000\n"                                                                                                                                           },
    };

    (void)state;
    expect(cases, COUNT_OF(cases));
}

static void test_bad_rows_are_told_and_harm_no_other(void **state)
{
    static const struct csv_case cases[] = {
        {.name = "cells",
         .options = M,
         .body = "time,a\n1\n2,3,4\n5,6\n",
         .want = "4: m a=6i @5000000000\n2! bad_syntax the row has 1 cells, there are 2 columns; "
                 "separator= says what stands between cells\n"
                 "3! bad_syntax the row has 3 cells, there are 2 columns\n"                       },
        {.name = "kinds",
         .options = M,
         .body = "time,a\n1,12\n2,abc\n3,13\n",
         .want = "2: m a=12i @1000000000\n4: m a=13i @3000000000\n3! field_type_conflict column "
                 "\"a\": \"abc\" is a string, and line 2 made it a "
                 "column of numbers; types=a:string takes all as text, null=abc leaves this out\n"},
        {.name = "the kind is of what was taken",
         .options = M,
         .body = "time,a\nx,abc\n2,1\n",
         .want = "3: m a=1i @2000000000\n2! bad_time time \"x\": at byte 1: want an integer of its "
                 "unit since 1970, or a decimal above that of a nanosecond\n"                     },
        {.name = "not finite",
         .options = M,
         .body = "time,a\n1,NaN\n",
         .want = "2! not_finite column \"a\": NaN cannot be stored as a number; null=NaN leaves "
                 "such values out\n"                                                              },
        {.name = "declared",
         .options = M "&types=a:i64",
         .body = "time,a\n1,1.5\n",
         .want = "2! bad_number column \"a\": \"1.5\" is no i64, which types= says it is\n"       },
        {.name = "quotes",
         .options = M,
         .body = "time,a\n1,x\"y\n2,3\n",
         .want = "3: m a=3i @2000000000\n2! bad_syntax byte 4: a quote stands within a cell that "
                 "does not begin with one; write the cell as "
                 "\"...\" and the quote as \"\"\n"                                                },
        {.name = "UTF-8",
         .options = M "&tags=h",
         .body = "time,h,a\n1,\xff,1\n2,x,\xff\n",
         .want = "2! bad_utf8 column \"h\": the byte 0xff of the tag value is not UTF-8\n"
                 "3! bad_utf8 column \"a\": the byte 0xff of the text is not UTF-8\n"             },
        {.name = "a control byte",
         .options = M "&tags=h",
         .body = "time,h,a\n1,\x01,1\n",
         .want = "2! bad_name column \"h\": the tag value holds the control byte 0x01; names and "
                 "tag values are made of printable characters\n"                                  },
        {.name = "no measurement",
         .options = "measurement_column=w&time_format=epoch",
         .body = "time,w,a\n1,,1\n",
         .want = "2! bad_syntax column \"w\": the measurement is empty\n"                         },
        {.name = "periods",
         .options = "measurement=m&time_format=excel&period=p&period_length=30m",
         .body = "time,p,a\n36526,0,1\n36526,49,1\n36526,x,1\n",
         .want = "2! bad_time column \"p\": \"0\" is no period of a day, 1 to 48\n3! bad_time "
                 "column \"p\": \"49\" is no period of a day, 1 to 48\n"
                 "4! bad_time column \"p\": \"x\" is no period of a day, 1 to 48\n"               },
        {.name = "periods at the end of 64 bits",
         .options = "measurement=m&time_format=epoch&period=p&period_length=1h",
         .body = "time,p,a\n9223372036854775807,2,1\n-9223372036854775808,24,1\n",
         .want = "2! time_out_of_range the time is outside of 1677-09-21 to 2262-04-11\n"
                 "3! time_out_of_range the time is outside of 1677-09-21 to 2262-04-11\n"         },
        {.name = "forward",
         .options = "measurement=m&tz=Europe/London",
         .body = "time,a\n2024-03-31 01:30,1\n",
         .want = "2! bad_time 2024-03-31 01:30:00 was on no clock of tz=: clocks were turned "
                 "forward over it; check tz=, which may be an offset "
                 "as +01:00\n"                                                                    },
        {.name = "range",
         .options = M,
         .body = "time,a\n9223372037,1\n",
         .want = "2! time_out_of_range the time is outside of 1677-09-21 to 2262-04-11\n"         },
    };

    (void)state;
    expect(cases, COUNT_OF(cases));
}

static void test_a_bad_header_ends_the_request(void **state)
{
    static const struct {
        const char *options, *body;
        enum code code;
        const char *want;
    } cases[] = {
        {M,                          "date,a\n1,2\n",       E_BAD_PARAMETER,
         "line 1, the header: time=: there is no column \"time\""                                                        },
        {M "&tags=b",                "time,a\n1,2\n",       E_BAD_PARAMETER,
         "line 1, the header: tags=: there is no column \"b\""                                                           },
        {M,                          "\n\ntime,a,a\n1,2\n", E_DUPLICATE_FIELD, "line 3, the header: columns 2 and 3"     },
        {M,                          "time\n1\n",           E_NO_FIELDS,       "line 1, the header: no column is a field"},
        {M,                          "ti\"me,a\n1,2\n",     E_SYNTAX,          "line 1, the header: byte 3: a quote"     },
        {M "&header=no&columns=a,b", "1,2\n",               E_BAD_PARAMETER,   "there is no column \"time\""             },
        {"measurement=a\nb",         "time,a\n",            E_BAD_NAME,        "the measurement holds the control byte"  },
    };
    struct limits limits;

    (void)state;
    limits_init(&limits);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome outcome;

        csv_fixture_decode(&outcome, cases[i].options, bytes_of(cases[i].body), 3, 3, &limits);
        if (outcome.code != cases[i].code || strstr(outcome.err.text, cases[i].want) == NULL)
            fail_msg("%s: %d: %s", cases[i].body, (int)outcome.code, outcome.err.text);
        assert_int_equal(outcome.batch.row_count, 0);
        outcome_release(&outcome);
    }
}

/* Fine at `value`, refused at one less; `whole` when that is the whole body. */
static void test_limits(void **state)
{
    static const struct {
        const char *name, *options, *body;
        size_t offset;
        uint64_t value;
        enum code code;
        bool whole;
    } cases[] = {
        {"columns",           M,                            "time,a,b\n1,2,3\n",     offsetof(struct limits, csv_columns_max),     3,
         E_FIELDS_MANY,                                                                                                                              true },
        {"points",            M,                            "time,a\n1,2\n2,3\n",    offsetof(struct limits, points_max),          2, E_POINTS_MANY,
         true                                                                                                                                             },
        {"line",              M,                            "time,a\n1,2345678\n",   offsetof(struct limits, line_bytes_max),      9, E_LINE_LONG,
         false                                                                                                                                            },
        {"field name",        M,                            "time,abcd\n1,2\n",      offsetof(struct limits, name_bytes_max),      4,
         E_NAME_LONG,                                                                                                                                true },
        {"measurement",       "measurement=abcd&time=",     "a\n1\n",                offsetof(struct limits, name_bytes_max),
         4,                                                                                                                           E_NAME_LONG,   true },
        {"named by a column", "measurement_column=w&time=", "w,a\nabcd,1\n",
         offsetof(struct limits,                                                                             name_bytes_max),      4, E_NAME_LONG,   false},
        {"tag value",         M "&tags=h",                  "time,h,a\n1,xyz,2\n",
         offsetof(struct limits,                                                                             tag_value_bytes_max), 3, E_VALUE_LONG,  false},
        {"string",            M,                            "time,a\n1,xyz\n",       offsetof(struct limits, string_bytes_max),    3, E_VALUE_LONG,
         false                                                                                                                                            },
        {"tags",              M "&tags=h,i",                "time,h,i,a\n1,x,y,2\n", offsetof(struct limits, tags_max),            2,
         E_TAGS_MANY,                                                                                                                                false},
        {"fields",            M,                            "time,a,b,c\n1,1,,3\n",  offsetof(struct limits, fields_max),          2, E_FIELDS_MANY,
         false                                                                                                                                            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int below = -1; below < 2; below++) {
            struct outcome outcome;
            struct limits limits;
            bool fine = below < 1;
            enum code got;

            limits_init(&limits);
            *(uint64_t *)(void *)((char *)&limits + cases[i].offset) =
                cases[i].value - (uint64_t)below;
            csv_fixture_decode(&outcome, cases[i].options, bytes_of(cases[i].body), 4, 4, &limits);
            got = cases[i].whole || outcome.code != OK ? outcome.code
                  : outcome.batch.rejects == NULL      ? OK
                                                       : outcome.batch.rejects->code;
            if (got != (fine ? OK : cases[i].code))
                fail_msg("%s, %d below: %s (%s) %s", cases[i].name, below, code_row(got)->slug,
                         outcome.err.text, outcome.text.data);
            outcome_release(&outcome);
        }
}

/* Without memory the request ends; nothing leaks, whichever allocation fails. */
static void test_memory_that_runs_out(void **state)
{
    static const char body[] = "time,h,a,b\n1,x,2,text\n2,\"y\"\"\",3,\"te\"\"xt\"\n";
    struct limits limits;
    bool whole = false;

    (void)state;
    limits_init(&limits);
    for (size_t bytes_max = 4096; !whole && bytes_max < 1 << 20; bytes_max += 4096) {
        struct csv_options csv;
        struct decode_options options = {.limits = &limits, .csv = &csv};
        struct outcome outcome;
        struct arena kept;

        arena_init(&kept, SIZE_MAX, NULL);
        assert_int_equal(csv_fixture_options(&csv, M "&tags=h", &kept, NULL), OK);
        outcome_init_within(&outcome, bytes_max, &limits);
        outcome_decode(&outcome, &decoder_csv, &options, BYTES(body), 1, 1);
        whole = outcome.code == OK;
        assert_true(whole || outcome.code == E_MEMORY);
        outcome_release(&outcome);
        arena_release(&kept);
    }
    assert_true(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_published_shapes),
        cmocka_unit_test(test_bad_rows_are_told_and_harm_no_other),
        cmocka_unit_test(test_a_bad_header_ends_the_request),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_memory_that_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
