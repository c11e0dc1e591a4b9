#include "tests/unit/codec/outcome.h"

#include <stdio.h>

#include "base/random.h"

enum { NOW = 1000 };

enum how { WHOLE, BYTEWISE, RANDOM, LINES };

static void feed(struct outcome *outcome, struct decoder *decoder, struct bytes piece)
{
    /* A copy of exactly that size, so that ASan sees a byte read too far. */
    char *copy = malloc(piece.size + 1);

    memcpy(copy, piece.data, piece.size);
    if (outcome->code == OK)
        outcome->code =
            decoder_line_protocol.feed(decoder, (struct bytes){copy, piece.size}, &outcome->err);
    free(copy);
}

static size_t piece_size(struct bytes body, enum how how, struct random *random)
{
    const char *newline;
    size_t size = body.size;

    if (how == BYTEWISE)
        return 1;
    if (how == RANDOM)
        return 1 + (size_t)random_below(random, body.size < 200 ? body.size : 200);
    newline = how == LINES ? memchr(body.data, '\n', body.size) : NULL;
    return newline == NULL ? size : (size_t)(newline - body.data) + 1;
}

/* LINES takes a new decoder for each, which remembers nothing: the slow way for all. */
static void decode(struct outcome *outcome, struct bytes body, enum how how,
                   const struct limits *limits, enum time_unit precision)
{
    struct decode_options options = {.precision = precision, .now_ns = NOW, .limits = limits};
    struct decoder *decoder = NULL;
    struct random random;

    outcome_init(outcome, limits);
    random_seed(&random, body.size + 7);
    while (outcome->code == OK && (body.size > 0 || decoder == NULL)) {
        size_t size = body.size == 0 ? 0 : piece_size(body, how, &random);

        if (decoder == NULL)
            assert_int_equal(OK, decoder_line_protocol.begin(&outcome->batch, &options, &decoder,
                                                             &outcome->err));
        feed(outcome, decoder, bytes_slice(body, 0, size));
        body = bytes_slice(body, size, body.size);
        if (how == LINES && outcome->code == OK) {
            outcome->code = decoder_line_protocol.finish(decoder, &outcome->err);
            decoder_line_protocol.free(decoder);
            decoder = NULL;
            if (body.size == 0)
                break;
        }
    }
    if (outcome->code == OK && decoder != NULL)
        outcome->code = decoder_line_protocol.finish(decoder, &outcome->err);
    decoder_line_protocol.free(decoder);
    outcome_print(outcome);
}

struct line_case {
    const char *name, *body, *want;
};

static void expect(const struct line_case *cases, size_t count, enum time_unit precision)
{
    struct limits limits;

    limits_init(&limits);
    for (size_t i = 0; i < count; i++)
        for (enum how how = WHOLE; how <= RANDOM; how++) {
            struct outcome outcome;

            decode(&outcome, bytes_of(cases[i].body), how, &limits, precision);
            if (outcome.code != OK || strcmp(outcome.text.data, cases[i].want) != 0)
                fail_msg("%s (way %d): code %d (%s)\n got: %s\nwant: %s", cases[i].name, (int)how,
                         (int)outcome.code, outcome.err.text, outcome.text.data, cases[i].want);
            outcome_release(&outcome);
        }
}

static void test_good_lines(void **state)
{
    static const struct line_case cases[] = {
        {"nothing",                                   "",                                                                  ""                                                                                },
        {"a point",                                   "cpu,host=a user=1.5 7\n",                                           "1: cpu,host=a user=1.5 @7\n"                                                     },
        {"no newline at the end",                     "cpu user=1.5 7",                                                    "1: cpu user=1.5 @7\n"                                                            },
        {"no time is now, now + 1 per series",        "a f=1\na f=2\nb f=1\n",
         "1: a f=1 @1000\n2: a f=2 @1001\n3: b f=1 @1000\n"                                                                                                                                                  },
        {"types",                                     "m a=1,b=1i,c=1u,d=t,e=F,f=true,g=FALSE,h=\"x\",i=-2i,j=-0.5e1 7\n",
         "1: m a=1 b=1i c=1u d=true e=false f=true g=false h=\"x\" i=-2i j=-5 @7\n"                                                                                                                          },
        {"the ends of the integers",
         "m a=9223372036854775807i,b=-9223372036854775808i,c=18446744073709551615u 7\n",                                   "1: m a=9223372036854775807i b=-9223372036854775808i c=18446744073709551615u @7\n"},
        {"numbers by hand",                           "m a=-0,b=007,c=1.,d=.5,e=1E-3,f=0.1234567890123456789 7\n",
         "1: m a=-0 b=7 c=1 d=0.5 e=0.001 f=0.12345678901234568 @7\n"                                                                                                                                        },
        {"fields are sorted",                         "m b=1,a=2i 7\n",                                                    "1: m a=2i b=1 @7\n"                                                              },
        {"tags are sorted",                           "m,b=1,a=2 f=1 7\n",                                                 "1: m,a=2,b=1 f=1 @7\n"                                                           },
        {"tags in two orders are one series",         "m,b=1,a=2 f=1 7\nm,a=2,b=1 f=1 8\n",
         "1: m,a=2,b=1 f=1 @7\n2: m,a=2,b=1 f=1 @8\n"                                                                                                                                                        },
        {"escapes in names",                          "m\\ 1\\,2\\=3,a\\ b=c\\,d\\=e f\\ g\\==1 7\n",
         "1: m\\ 1\\,2\\=3,a\\ b=c\\,d\\=e f g==1 @7\n"                                                                                                                                                      },
        {"other backslashes stand for themselves",    "m\\n,a=C:\\dir f\\=1 7\nm f\\x=1 7\n",
         "2: m f\\x=1 @7\n1! bad_syntax column 14: the field \"f\\=1\" has no value; write "
         "field=value, and \\ before a space or comma in a name\n"                                                                                                                                           },
        {"escapes in strings",                        "m f=\"a\\\"b\\\\c\\d, =x\" 7\n",                                    "1: m f=\"a\"b\\c\\d, =x\" @7\n"                                                  },
        {"a newline in a string",                     "m f=\"a\nb\",g=1 7\nm f=\"\n\n\" 8\nm f=1i 9\n",
         "1: m f=\"a\nb\" g=1 @7\n3: m f=\"\n\n\" @8\n6: m f=1i @9\n"                                                                                                                                        },
        {"comments, blank lines, CRLF, spaces",
         "# no, \"x\n\n   \nm f=1 7\r\n  m   f=2   8  \r\n\t#x\nm f=3 9\n",                                                "4: m f=1 @7\n5: m f=2 @8\n7: m f=3 @9\n"                                         },
        {"a quote in a name opens nothing",           "m\",a\"=\"b f\"=1 7\nm f=1 8\n",
         "1: m\",a\"=\"b f\"=1 @7\n2: m f=1 @8\n"                                                                                                                                                            },
        {"UTF-8",                                     "größe,ort=日本 wert=\"½\" 7\n",                                "1: größe,ort=日本 wert=\"½\" @7\n"                                          },
        {"an equals sign in a measurement",           "a=b f=1 7\n",                                                       "1: a\\=b f=1 @7\n"                                                               },
        {"the ends of time",                          "m f=1 -9223372036854775806\nm f=1 9223372036854775806\n",
         "1: m f=1 @-9223372036854775806\n2: m f=1 @9223372036854775806\n"                                                                                                                                   },
        {"types change from line to line",            "m f=1 1\nm f=1i 2\nm f=\"s\" 3\nm f=t 4\nm f=2 5\n",
         "1: m f=1 @1\n2: m f=1i @2\n3: m f=\"s\" @3\n4: m f=true @4\n5: m f=2 @5\n"                                                                                                                         },
        {"fields come and go",                        "m a=1,b=2 1\nm a=1 2\nm a=1,b=2,c=3 3\nm b=2,a=1 4\nm a=1,b=3 5\n",
         "1: m a=1 b=2 @1\n2: m a=1 @2\n3: m a=1 b=2 c=3 @3\n4: m a=1 b=2 @4\n5: m a=1 b=3 @5\n"                                                                                                             },
        {"a field that begins like the one expected", "m ab=1 1\nm a=1 2\nm abc=1 3\nm ab=1 4\n",
         "1: m ab=1 @1\n2: m a=1 @2\n3: m abc=1 @3\n4: m ab=1 @4\n"                                                                                                                                          },
    };

    (void)state;
    expect(cases, COUNT_OF(cases), TIME_NS);
}

static void test_bad_lines_are_told_exactly_and_alone(void **state)
{
    static const struct line_case cases[] = {
        {"no fields",                                               "m\nm,a=b\nm f=1 7\n",
         "3: m f=1 @7\n"
         "1! no_fields column 2: no fields; right is: measurement,tag=value field=value time\n"
         "2! no_fields column 6: no fields; right is: measurement,tag=value field=value time\n"                                                        },
        {"nothing of a bad line stays",                             "m,a=b f=1,g=x 7\nm,a=b f=1 7\n",
         "2: m,a=b f=1 @7\n1! bad_number column 13: field \"g\": x: right are 1.5 or 1e3 (float), "
         "1i (integer), 1u (unsigned), true or false, and \"text\"\n"                                                                                  },
        {"bad after good",                                          "m f=1 7\nm f=1x 8\nm f=1 9\n",
         "1: m f=1 @7\n3: m f=1 @9\n2! bad_number column 5: field \"f\": 1x: right are 1.5 or 1e3 "
         "(float), 1i (integer), 1u (unsigned), true or false, and \"text\"\n"                                                                         },
        {"a field without value",                                   "m f= 7\nm f 7\nm =1 7\nm f=1,,g=2 7\nm f=1, 7\n",
         "1! bad_syntax column 5: the field \"f\" has no value\n"
         "2! bad_syntax column 3: the field \"f\" has no value; write field=value, and \\ before a "
         "space or comma in a name\n"
         "3! bad_syntax column 3: the field key is empty\n"
         "4! bad_syntax column 7: the field \"\" has no value; write field=value, and \\ before a "
         "space or comma in a name\n"
         "5! bad_syntax column 7: the field \"\" has no value; write field=value, and \\ before a "
         "space or comma in a name\n"                                                                                                                  },
        {"tags",                                                    "m,a f=1\nm,a= f=1\nm,=a f=1\nm,a=b=c f=1\n,a=b f=1\nm,a=1,b=2,a=3 f=1\n",
         "1! bad_syntax column 3: the tag \"a\" has no value; write tag=value, and \\, for a comma "
         "in a name\n"
         "2! bad_syntax column 5: the tag \"a\" has an empty value; leave the tag out\n"
         "3! bad_syntax column 3: the tag key is empty\n"
         "4! bad_syntax column 6: a second '=' in the tag \"a\"; write \\= for one in a name or "
         "value\n"
         "5! bad_syntax column 1: the measurement is empty\n"
         "6! duplicate_tag the tag \"a\" stands twice: leave one\n"                                                                                    },
        {"duplicate fields",                                        "m a=1,b=2,a=3 7\n",
         "1! duplicate_field the field \"a\" stands twice: leave one\n"                                                                                },
        {"not finite",                                              "m f=NaN 7\nm f=-inf 7\nm f=Infinity 7\n",
         "1! not_finite column 5: field \"f\": NaN: NaN and infinities are not stored; leave the "
         "field out\n"
         "2! not_finite column 5: field \"f\": -inf: NaN and infinities are not stored; leave the "
         "field out\n"
         "3! not_finite column 5: field \"f\": Infinity: NaN and infinities are not stored; leave "
         "the field out\n"                                                                                                                             },
        {"integers out of range",                                   "m f=9223372036854775808i 7\nm f=18446744073709551616u 7\n",
         "1! number_out_of_range column 5: field \"f\": 9223372036854775808i: the value does not "
         "fit its type\n"
         "2! number_out_of_range column 5: field \"f\": 18446744073709551616u: the value does not "
         "fit its type\n"                                                                                                                              },
        {"a float out of range, a negative unsigned",               "m f=1e999 7\nm f=-1u 7\n",
         "1! number_out_of_range column 5: field \"f\": 1e999: the value does not fit its type\n"
         "2! bad_number column 5: field \"f\": -1u: right are 1.5 or 1e3 (float), 1i (integer), 1u "
         "(unsigned), true or false, and \"text\"\n"                                                                                                   },
        {"times",
         "m f=1 x\nm f=1 1.5\nm f=1 9223372036854775807\nm f=1 -9223372036854775807\n"
         "m f=1 99999999999999999999\nm f=1 7 8\n",                                                                                            "1! bad_time column 7: the time \"x\" is not an integer number of nanoseconds since 1970\n"
         "2! bad_time column 7: the time \"1.5\" is not an integer number of nanoseconds since "
         "1970\n"
         "3! time_out_of_range column 7: the time 9223372036854775807, read as nanoseconds, is "
         "outside of "
         "1677-09-21 to 2262-04-11\n"
         "4! time_out_of_range column 7: the time -9223372036854775807, read as nanoseconds, is "
         "outside "
         "of 1677-09-21 to 2262-04-11\n"
         "5! time_out_of_range column 7: the time 99999999999999999999, read as nanoseconds, is "
         "outside "
         "of 1677-09-21 to 2262-04-11\n"
         "6! bad_syntax column 9: text behind the time: \"8\"\n"                                    },
        {"not UTF-8",                                               "m\xff f=1\nm,a=\xc3 f=1\nm f\xed\xa0\x80=1\nm f=\"\xff\"\n",
         "1! bad_utf8 column 2: the byte 0xff of the measurement is not UTF-8\n"
         "2! bad_utf8 column 5: the byte 0xc3 of the tag value is not UTF-8\n"
         "3! bad_utf8 column 4: the byte 0xed of the field key is not UTF-8\n"
         "4! bad_utf8 column 6: field \"f\": the byte 0xff is not UTF-8\n"                                                                             },
        {"control bytes",                                           "m\x01 f=1\nm,a\x7f=b f=1\nm,a=b\tc f=1\n",
         "1! bad_name column 2: the measurement holds the control byte 0x01; names and tag values "
         "are made of printable characters\n"
         "2! bad_name column 4: the tag key holds the control byte 0x7f; names and tag values are "
         "made of printable characters\n"
         "3! bad_name column 6: the tag value holds the control byte 0x09; names and tag values "
         "are made of printable characters\n"                                                                                                          },
        {"a string that is not closed takes no other line with it",
         "m f=\"abc 7\nm f=1 8\nm f=\"x\" 9\nm f=\"\nm g=2 5\n",                                                                               "2: m f=1 @8\n3: m f=\"x\" @9\n5: m g=2 @5\n"
         "1! bad_syntax column 5: the string of field \"f\" is not closed by a quote\n"
         "4! bad_syntax column 5: the string of field \"f\" is not closed by a quote\n"},
        {"text behind a string",                                    "m f=\"a\"b 7\nm f=1 8\n",
         "2: m f=1 @8\n1! bad_syntax column 8: text behind the string of field \"f\"; write \\\" "
         "for a quote in it\n"                                                                                                                         },
        {"columns count from the line's beginning",                 "   m f=x\n",
         "1! bad_number column 8: field \"f\": x: right are 1.5 or 1e3 (float), 1i (integer), 1u "
         "(unsigned), true or false, and \"text\"\n"                                                                                                   },
    };

    (void)state;
    expect(cases, COUNT_OF(cases), TIME_NS);
}

static void test_precision_scales_times_with_overflow_told(void **state)
{
    static const struct line_case seconds[] = {
        {"scaled",   "m f=1 1700000000\nm f=1 -5\n",
         "1: m f=1 @1700000000000000000\n2: m f=1 @-5000000000\n"                     },
        {"last",     "m f=1 9223372036\n",           "1: m f=1 @9223372036000000000\n"},
        {"one more", "m f=1 1\nm f=1 9223372037\n",
         "1: m f=1 @1000000000\n2! time_out_of_range column 7: the time 9223372037, read as "
         "seconds, is "
         "outside of 1677-09-21 to 2262-04-11\n"                                      },
    };

    static const struct line_case guessed[] = {
        {"of any length",
         "m f=1 1700000000\nm f=1 1700000000001\nm f=1 1700000000000002\n"
         "m f=1 1700000000000000003\nm f=1 -5\n", "1: m f=1 @1700000000000000000\n2: m f=1 @1700000000001000000\n"
         "3: m f=1 @1700000000000002000\n4: m f=1 @1700000000000000003\n"
         "5: m f=1 @-5000000000\n"},
    };

    (void)state;
    expect(seconds, COUNT_OF(seconds), TIME_S);
    expect(guessed, COUNT_OF(guessed), TIME_GUESSED);
}

static void test_each_limit_answers_with_its_code(void **state)
{
    static const struct {
        const char *name, *body;
        size_t offset;
        uint64_t limit;
        enum code want; /* of the second line; OK = it passes */
    } cases[] = {
        {"line",                 "m f=1 7\nm f=1 77\n",            offsetof(struct limits, line_bytes_max),      7, E_LINE_LONG },
        {"line, just",           "m f=1 7\nm f=1 7\n",             offsetof(struct limits, line_bytes_max),      7, OK          },
        {"name",                 "m f=1 7\nm ff=1 7\n",            offsetof(struct limits, name_bytes_max),      1, E_NAME_LONG },
        {"measurement",          "m f=1 7\nmm f=1 7\n",            offsetof(struct limits, name_bytes_max),      1,
         E_NAME_LONG                                                                                                            },
        {"tag key",              "m f=1 7\nm,ab=c f=1 7\n",        offsetof(struct limits, name_bytes_max),      1,
         E_NAME_LONG                                                                                                            },
        {"escapes do not count", "m f=1 7\nm \\ =1 7\n",           offsetof(struct limits, name_bytes_max),      1,
         OK                                                                                                                     },
        {"tag value",            "m,a=bc f=1 7\nm,a=bcd f=1 7\n",  offsetof(struct limits, tag_value_bytes_max),
         2,                                                                                                         E_VALUE_LONG},
        {"string",               "m f=\"ab\" 7\nm f=\"abc\" 7\n",  offsetof(struct limits, string_bytes_max),    2,
         E_VALUE_LONG                                                                                                           },
        {"tags",                 "m,a=b f=1 7\nm,a=b,c=d f=1 7\n", offsetof(struct limits, tags_max),            1,
         E_TAGS_MANY                                                                                                            },
        {"fields",               "m a=1,b=2 7\nm a=1,b=2,c=3 7\n", offsetof(struct limits, fields_max),          2,
         E_FIELDS_MANY                                                                                                          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (enum how how = WHOLE; how <= LINES; how++) {
            struct limits limits;
            struct outcome outcome;
            enum code got;

            limits_init(&limits);
            memcpy((char *)&limits + cases[i].offset, &cases[i].limit, sizeof(uint64_t));
            decode(&outcome, bytes_of(cases[i].body), how, &limits, TIME_NS);
            got = outcome.batch.rejects == NULL ? OK : outcome.batch.rejects->code;
            if (outcome.code != OK || got != cases[i].want)
                fail_msg("%s (way %d): %d, wanted %d: %s", cases[i].name, (int)how, (int)got,
                         (int)cases[i].want, outcome.text.data);
            assert_int_equal(outcome.batch.row_count + outcome.batch.reject_count, 2);
            outcome_release(&outcome);
        }
}

static void test_too_many_points_end_the_body(void **state)
{
    struct limits limits;
    struct outcome outcome;

    (void)state;
    limits_init(&limits);
    limits.points_max = 2;
    for (enum how how = WHOLE; how <= RANDOM; how++) {
        decode(&outcome, BYTES("m f=1 1\nbad\n\n# fine\n"), how, &limits, TIME_NS);
        assert_int_equal(outcome.code, OK);
        outcome_release(&outcome);
        decode(&outcome, BYTES("m f=1 1\nm f=1 2\nm f=1 3\n"), how, &limits, TIME_NS);
        assert_int_equal(outcome.code, E_POINTS_MANY);
        assert_non_null(strstr(outcome.err.text, "line 3"));
        outcome_release(&outcome);
    }
}

static void test_a_line_too_long_is_skipped_whatever_the_pieces(void **state)
{
    struct limits limits;
    struct buf body = BUF_INIT(1 << 20);

    (void)state;
    limits_init(&limits);
    limits.line_bytes_max = 100;
    buf_put_text(&body, "m f=1 1\nm f=\"");
    for (int i = 0; i < 1000; i++)
        buf_put_char(&body, i % 50 == 49 ? '\n' : 'x'); /* an open string over many lines */
    buf_put_text(&body, "\nm f=1 2\nm f=");
    for (int i = 0; i < 1000; i++)
        buf_put_char(&body, '1');
    buf_put_text(&body, "\nm f=1 3\n");
    for (enum how how = WHOLE; how <= RANDOM; how++) {
        struct outcome outcome;

        decode(&outcome, buf_bytes(&body), how, &limits, TIME_NS);
        assert_int_equal(outcome.code, OK);
        assert_int_equal(outcome.batch.row_count, 3);
        assert_int_equal(outcome.batch.reject_count, 21);
        assert_non_null(strstr(outcome.text.data, "24! line_too_long"));
        assert_non_null(strstr(outcome.text.data, "25: m f=1 @3"));
        outcome_release(&outcome);
    }
    buf_release(&body);
}

static void put_number(struct buf *body, struct random *random)
{
    static const char *const odd[] = {"0",     "-0",     "1e5", "1E-7",  ".5", "5.", "00012",
                                      "1e308", "2e-308", "nan", "1.5.2", "-",  "1e", "+1"};
    uint64_t which = random_below(random, 40);

    if (which < COUNT_OF(odd)) {
        buf_put_text(body, odd[which]);
        return;
    }
    if (random_chance(random, 4))
        buf_put_char(body, '-');
    for (uint64_t i = 1 + random_below(random, random_chance(random, 3) ? 24 : 6); i > 0; i--)
        buf_put_char(body, (char)('0' + random_below(random, 10)));
    if (random_chance(random, 2))
        return;
    buf_put_char(body, '.');
    for (uint64_t i = 1 + random_below(random, random_chance(random, 3) ? 20 : 5); i > 0; i--)
        buf_put_char(body, (char)('0' + random_below(random, 10)));
}

static void put_value(struct buf *body, struct random *random, uint64_t type)
{
    static const char *const texts[] = {"t",           "false",         "\"\"",
                                        "\"a b,c=d\"", "\"q\\\"\\\\\"", "\"two\nlines\"",
                                        "\"open",      "\"\xff\"",      "\"ü\""};

    if (type < 4) {
        put_number(body, random);
    } else if (type < 6) {
        buf_printf(body, "%lli", (long long)random_next(random) >> random_below(random, 64));
        buf_put_text(body, random_chance(random, 20) ? "x" : "");
    } else if (type == 6) {
        buf_printf(body, "%lluu", (unsigned long long)random_next(random));
    } else {
        buf_put_text(body, texts[random_below(random, COUNT_OF(texts))]);
    }
}

static void put_line(struct buf *body, struct random *random)
{
    static const char *const names[] = {
        "a", "bb", "a_name_of_sixteen", "a_rather_longer_field_name", "f\\ g", "ab"};
    uint64_t fields = 1 + random_below(random, 4), series = random_below(random, 5);

    buf_printf(body, series == 4 ? "m\\ x,h=a\\,b " : "m%llu,h=a,i=%llu ",
               (unsigned long long)series % 2, (unsigned long long)series);
    for (uint64_t i = 0; i < fields; i++) {
        uint64_t name = random_chance(random, 8) ? random_below(random, COUNT_OF(names)) : i;

        buf_printf(body, "%s%s=", i == 0 ? "" : ",", names[name]);
        put_value(body, random, random_chance(random, 6) ? random_below(random, 8) : name * 2);
    }
    if (!random_chance(random, 5))
        buf_printf(body, " %lld", (long long)random_next(random) >> random_below(random, 64));
    buf_put_text(body, random_chance(random, 10) ? "\r\n" : "\n");
}

/* A line decoded by a decoder that remembers nothing goes the slow way: the fast way must come
 * to the same rows, bit for bit, and the same words. */
static void test_the_fast_way_is_the_slow_way(void **state)
{
    uint64_t seed = getenv("SEED") != NULL ? strtoull(getenv("SEED"), NULL, 10) : 20251;
    struct limits limits;
    struct random random;

    (void)state;
    printf("seed %llu\n", (unsigned long long)seed);
    random_seed(&random, seed);
    limits_init(&limits);
    for (int round = 0; round < 300; round++) {
        struct buf body = BUF_INIT(1 << 20);
        struct outcome fast, bytewise, pieces;

        for (int i = 0; i < 40; i++)
            put_line(&body, &random);
        decode(&fast, buf_bytes(&body), WHOLE, &limits, TIME_NS);
        decode(&bytewise, buf_bytes(&body), BYTEWISE, &limits, TIME_NS);
        decode(&pieces, buf_bytes(&body), RANDOM, &limits, TIME_NS);
        assert_int_equal(fast.code, OK);
        assert_string_equal(fast.text.data, bytewise.text.data);
        assert_string_equal(fast.text.data, pieces.text.data);
        outcome_release(&fast);
        outcome_release(&bytewise);
        outcome_release(&pieces);
        buf_release(&body);
    }
}

/* As above, without strings (a line then is what stands between newlines), numbered by hand. */
static void test_what_is_remembered_changes_nothing(void **state)
{
    struct limits limits;
    struct random random;

    (void)state;
    random_seed(&random, 77);
    limits_init(&limits);
    for (int round = 0; round < 3000; round++) {
        struct buf body = BUF_INIT(1 << 16);
        struct outcome fast, slow;
        const char *at;

        buf_put_text(&body, "m f=1,g=2i,h=3.5 5\nm f=1,g=2i,h=3.5 6\nm f=");
        put_number(&body, &random);
        buf_put_text(&body, ",g=");
        put_value(&body, &random, 4 + random_below(&random, 2));
        buf_put_text(&body, ",h=");
        put_number(&body, &random);
        buf_printf(&body, " %lld\n", (long long)random_next(&random) >> random_below(&random, 64));
        for (int i = 0; i < 64; i++)
            buf_put_char(&body, '\n'); /* so that the line is far from the end */
        decode(&fast, buf_bytes(&body), WHOLE, &limits, TIME_NS);
        at = strstr(body.data, "6\n") + 2;
        decode(&slow, (struct bytes){at, (size_t)(body.data + body.size - at)}, WHOLE, &limits,
               TIME_NS);
        assert_int_equal(slow.batch.row_count + slow.batch.reject_count, 1);
        assert_int_equal(fast.batch.row_count, 2 + slow.batch.row_count);
        if (strcmp(strstr(fast.text.data, "\n3") + 2, slow.text.data + 1) != 0)
            fail_msg("fast: %sslow: %s", fast.text.data, slow.text.data);
        outcome_release(&fast);
        outcome_release(&slow);
        buf_release(&body);
    }
}

static void test_a_series_is_one_however_it_is_written(void **state)
{
    static const char *const bodies[] = {
        "m,a=1,b=2 f=1 5\nm,b=2,a=1 f=2 6\nm,a=1,b=2 f=3 7\nm,a=\\1,b=2 f=4 7\n",
        "m,b=2,a=1 f=1 5\nm,a=1,b=2 f=2 6\nm,b=2,a=1 f=3 7\nm,a=\\1,b=2 f=4 7\n",
        "m,a=1 f=0 4\nm,a=1,b=2 f=1 5\nm,b=2,a=1 f=2 6\nm,a=1,b=2 f=3 7\n",
    };
    struct limits limits;

    (void)state;
    limits_init(&limits);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct outcome outcome;
        struct error why = {0};

        decode(&outcome, bytes_of(bodies[i]), WHOLE, &limits, TIME_NS);
        assert_int_equal(outcome.code, OK);
        assert_int_equal(outcome.batch.row_count, 4);
        assert_int_equal(outcome.batch.series_count, 2);
        assert_true(batch_check(&outcome.batch, &why));
        outcome_release(&outcome);
    }
}

static void test_memory_that_runs_out_is_an_answer(void **state)
{
    struct limits limits;
    struct buf body = BUF_INIT(1 << 20);

    (void)state;
    limits_init(&limits);
    for (int i = 0; i < 500; i++)
        buf_printf(&body, "m%d,a\\ b=%d f%d=1,s=\"x\\\\y\" %d\n", i % 7, i, i % 5, i);
    for (size_t bytes_max = 1024; bytes_max < 1 << 20; bytes_max += 4096) {
        struct decode_options options = {.now_ns = NOW, .limits = &limits};
        struct outcome outcome;

        outcome_init_within(&outcome, bytes_max, &limits);
        outcome_decode(&outcome, &decoder_line_protocol, &options, buf_bytes(&body), body.size, 0);
        assert_true(outcome.code == E_MEMORY ||
                    (outcome.code == OK && outcome.batch.row_count == 500));
        assert_int_equal(outcome.err.code, outcome.code);
        outcome_release(&outcome);
    }
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lines),
        cmocka_unit_test(test_bad_lines_are_told_exactly_and_alone),
        cmocka_unit_test(test_precision_scales_times_with_overflow_told),
        cmocka_unit_test(test_each_limit_answers_with_its_code),
        cmocka_unit_test(test_too_many_points_end_the_body),
        cmocka_unit_test(test_a_line_too_long_is_skipped_whatever_the_pieces),
        cmocka_unit_test(test_the_fast_way_is_the_slow_way),
        cmocka_unit_test(test_what_is_remembered_changes_nothing),
        cmocka_unit_test(test_a_series_is_one_however_it_is_written),
        cmocka_unit_test(test_memory_that_runs_out_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
