#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/csv_columns.h"
#include "tests/unit/codec/csv_fixture.h"

static struct bytes names[] = {BYTES("time"), BYTES("host"), BYTES("a"), BYTES("b"), BYTES("p")};
static const struct csv_names five = {names, COUNT_OF(names)};

static void put_list(struct buf *text, const char *what, const struct csv_columns *columns,
                     const uint32_t *indexes, uint32_t count)
{
    buf_put_text(text, what);
    for (uint32_t i = 0; i < count; i++)
        buf_printf(text, " %.*s", BYTES_ARG(columns->items[indexes[i]].name));
    buf_put_char(text, ';');
}

/* "time: time; tags: host; fields: a b;", or what was refused. */
static void expect(const char *options_text, const struct csv_names *header, const char *want)
{
    struct buf text = BUF_INIT(1 << 16);
    struct csv_columns columns;
    struct csv_options options;
    struct error err = {0};
    struct limits limits;
    struct arena arena;
    enum code code;

    limits_init(&limits);
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(csv_fixture_options(&options, options_text, &arena, &err), OK);
    code = csv_columns_make(&columns, &options, header, &limits, &arena, &err);
    if (code == OK) {
        put_list(&text, "time:", &columns, columns.time, columns.time_count);
        put_list(&text, " tags:", &columns, columns.tags, columns.tag_count);
        put_list(&text, " fields:", &columns, columns.fields, columns.field_count);
        put_list(&text, " period:", &columns, &columns.period, columns.period != CSV_NO_COLUMN);
        put_list(&text, " measurement:", &columns, &columns.measurement,
                 columns.measurement != CSV_NO_COLUMN);
    } else {
        buf_printf(&text, "%s at \"%s\": %s", code_row(code)->slug, err.pointer, err.text);
    }
    buf_put_char(&text, '\0');
    if (strstr(text.data, want) == NULL)
        fail_msg("%s:\n got %s\nwant %s", options_text, text.data, want);
    buf_release(&text);
    arena_release(&arena);
}

static void test_roles(void **state)
{
    static const struct {
        const char *options, *want;
    } cases[] = {
        {"measurement=m",                           "time: time; tags:; fields: host a b p; period:; measurement:;"},
        {"measurement=m&tags=host&ignore=b",
         "time: time; tags: host; fields: a p; period:; measurement:;"                                             },
        {"measurement=m&fields=b,a",                "time: time; tags:; fields: b a; period:; measurement:;"       },
        {"measurement=m&time=a,b",                  "time: a b; tags:; fields: time host p; period:; measurement:;"},
        {"measurement=m&time=",                     "time:; tags:; fields: time host a b p; period:; measurement:;"},
        {"measurement_column=host",
         "time: time; tags:; fields: a b p; period:; measurement: host;"                                           },
        {"measurement=m&period=p&period_length=1h",
         "time: time; tags:; fields: host a b; period: p; measurement:;"                                           },
        {"measurement=m&tags=x",                    "bad_parameter at \"tags\": tags=: there is no column \"x\"; "
                                 "there are: time, host, a, b, p"                  },
        {"measurement=m&types=x:f64",
         "bad_parameter at \"types\": types=: there is no column \"x\""                                            },
        {"measurement=m&time=x",
         "bad_parameter at \"time\": time=: there is no column \"x\"; there are"                                   },
        {"measurement=m&tags=a&ignore=a",
         "bad_parameter at \"ignore\": the column \"a\" is named by tags= and by ignore="                          },
        {"measurement=m&tags=time",
         "bad_parameter at \"tags\": the column \"time\" is named by time= and"                                    },
        {"measurement=m&tags=host&types=host:f64",
         "bad_parameter at \"types\": types=: the column \"host\" is no field"                                     },
        {"measurement=m&fields=a&types=b:f64",      "the column \"b\" is no field"                                 },
        {"measurement=m&fields=",                   "no_fields at \"\": no column is a field"                      },
        {"measurement=m&ignore=host,a,b,p",         "no_fields"                                                    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(cases[i].options, &five, cases[i].want);
}

static void test_names(void **state)
{
    struct bytes without_time[] = {BYTES("date"), BYTES("v")};
    struct bytes nameless[] = {BYTES("time"), BYTES("")};
    struct bytes twice[] = {BYTES("time"), BYTES("v"), BYTES("v")};
    struct bytes not_utf8[] = {BYTES("time"), BYTES("v\xff")};
    struct bytes control[] = {BYTES("time"), BYTES("v\n")};
    struct bytes unsplit[] = {BYTES("time;v")}, unsplit_comma[] = {BYTES("time,v")};

    (void)state;
    expect("measurement=m", &(struct csv_names){without_time, 2},
           "bad_parameter at \"time\": time=: there is no column \"time\" (say time=COLUMN, or an "
           "empty time= for rows of now); there are: date, v");
    expect("measurement=m", &(struct csv_names){unsplit, 1},
           "there are: time;v; is separator=semicolon meant?");
    expect("measurement=m&separator=pipe", &(struct csv_names){unsplit_comma, 1},
           "there are: time,v; is separator=comma meant?");
    expect("measurement=m", &(struct csv_names){nameless, 2},
           "bad_syntax at \"\": column 2 has no name");
    expect("measurement=m&header=skip&columns=time,,v", &(struct csv_names){nameless, 2},
           "no_fields");
    expect("measurement=m", &(struct csv_names){twice, 3},
           "duplicate_field at \"\": columns 2 and 3 are both named \"v\"");
    expect("measurement=m", &(struct csv_names){not_utf8, 2}, "bad_utf8 at \"\": column 2: ");
    expect("measurement=m", &(struct csv_names){control, 2}, "bad_name at \"\": column 2: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
