#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#define ROOM "measurement=room"

static void fill(struct fixture *fixture)
{
    fixture_put(fixture, fixture_series(fixture, "room", "floor=1"), 10, 100,
                "temperature=1.5 wind=2");
}

/* The answer ends with, or where `text` is empty lacks, the warnings as JSON. */
static void expect(struct fixture *fixture, const char *question, const char *text)
{
    char want[1024];

    if (fixture_ask(fixture, question))
        fail_msg("%s: %s: %s", question, fixture->err.pointer, fixture->err.text);
    (void)snprintf(want, sizeof(want), ",\"warnings\":[%s]}\n", text);
    buf_put_char(&fixture->sink.body, 0);
    if (text[0] == '\0' ? strstr(fixture->sink.body.data, "warnings") != NULL
                        : strstr(fixture->sink.body.data, want) == NULL)
        fail_msg("%s: got %swant %s", question, fixture->sink.body.data, want);
}

static void test_unknown_names_are_told(void **state)
{
    static const struct {
        const char *question, *warnings;
    } cases[] = {
        {ROOM,                                                                        ""                                        },
        {ROOM "&fields=temperature,x&let=x=wind*2&let=y=x+1&where=y>1&match=floor=1", ""                                        },
        {ROOM "&agg=mean&group_by=floor",                                             ""                                        },
        {ROOM "&agg=mean&group_by=*",                                                 ""                                        },
        {ROOM "&start=100",                                                           ""                                        }, /* no row, but the names are right */
        {ROOM "&match=floor=7",                                                       ""                                        },
        {ROOM "&fields=temprature",
         "\"no field \\\"temprature\\\" in \\\"room\\\"; the nearest is \\\"temperature\\\"\""                                  },
        {ROOM "&where=foo>5",                                                         "\"no field \\\"foo\\\" in \\\"room\\\"\""},
        {ROOM "&where=foo>5&fields=foo,wind",                                         "\"no field \\\"foo\\\" in \\\"room\\\"\""},
        {ROOM "&let=x=wnd+1",
         "\"no field \\\"wnd\\\" in \\\"room\\\"; the nearest is \\\"wind\\\"\""                                                },
        {ROOM "&group_by=flor&agg=count",
         "\"no series of \\\"room\\\" has the tag \\\"flor\\\"; the nearest is \\\"floor\\\"\""                                 },
        {ROOM "&where=floor=1",
         "\"no field \\\"floor\\\" in \\\"room\\\"; it is a tag, for match and group_by\""                                      },
        {ROOM "&match=wind=2",                                                        "\"no series of \\\"room\\\" has the tag \\\"wind\\\"; it is a "
                               "field, for fields and where\""                                    },
        {"{\"measurement\":\"room\",\"fields\":\"wind\\u0000\"}",
         "\"no field \\\"wind\\u0000\\\" in \\\"room\\\"; the nearest is \\\"wind\\\"\""                                        },
        {ROOM "&match=flor!=1",
         "\"no series of \\\"room\\\" has the tag \\\"flor\\\"; the nearest is \\\"floor\\\"\""                                 },
        {"measurement=rooms&fields=a&match=b=c",
         "\"no measurement \\\"rooms\\\"; the nearest is \\\"room\\\"\""                                                        },
        {"measurement=nope",                                                          "\"no measurement \\\"nope\\\"\""         },
        {ROOM "&fields=aaaa,bbbb,cccc,dddd,eeee",
         "\"no field \\\"aaaa\\\" in \\\"room\\\"\",\"no field \\\"bbbb\\\" in \\\"room\\\"\","
         "\"no field \\\"cccc\\\" in \\\"room\\\"\",\"no field \\\"dddd\\\" in \\\"room\\\"\""                                  },
        {ROOM "&fields=wnd&shape=rows",
         "\"no field \\\"wnd\\\" in \\\"room\\\"; the nearest is \\\"wind\\\"\""                                                },
        {ROOM "&fields=wnd&explain=true",
         "\"no field \\\"wnd\\\" in \\\"room\\\"; the nearest is \\\"wind\\\"\""                                                },
        {ROOM "&fields=wnd&since=0",
         "\"no field \\\"wnd\\\" in \\\"room\\\"; the nearest is \\\"wind\\\"\""                                                },
        {"{\"selections\":{\"a\":{\"measurement\":\"room\",\"fields\":\"wnd\"},"
         "\"b\":{\"measurement\":\"rom\"}}}",                                "\"selection \\\"a\\\": no field \\\"wnd\\\" in \\\"room\\\"; the nearest is "
         "\\\"wind\\\"\",\"selection \\\"b\\\": no measurement \\\"rom\\\"; the nearest is "
         "\\\"room\\\"\""                                                 },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fill(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&fixture, cases[i].question, cases[i].warnings);
    fixture.stats = true;
    expect(&fixture, ROOM "&fields=temprature",
           "\"no field \\\"temprature\\\" in \\\"room\\\"; the nearest is \\\"temperature\\\"\"");
    fixture_release(&fixture);
}

static void test_where_nothing_was_ever_written(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fixture.environment.tenant = NULL;
    expect(&fixture, ROOM "&fields=wind", "\"no measurement \\\"room\\\"\"");
    fixture_release(&fixture);
}

/* The names that were wrong are a part of what is cached. */
static void test_heads(void **state)
{
    struct fixture fixture;
    char etag[64];

    (void)state;
    fixture_init(&fixture);
    fill(&fixture);
    assert_int_equal(fixture_ask(&fixture, ROOM "&fields=wind,later&as_of=500&format=csv"), OK);
    assert_int_equal(fixture.sink.head.warning_count, 1);
    assert_string_equal(fixture.sink.cache_control, "no-cache");
    memcpy(etag, fixture.sink.etag, sizeof(etag));
    assert_int_equal(catalog_claim(fixture.catalog, fixture.tenant, BYTES("room"), BYTES("later"),
                                   TYPE_F64, 9, NULL),
                     OK);
    assert_int_equal(fixture_ask(&fixture, ROOM "&fields=wind,later&as_of=500&format=csv"), OK);
    assert_int_equal(fixture.sink.head.warning_count, 0);
    assert_non_null(strstr(fixture.sink.cache_control, "immutable"));
    assert_string_not_equal(etag, fixture.sink.etag);
    fixture_release(&fixture);
}

static void test_long_names_are_cut_between_characters(void **state)
{
    char question[512] = ROOM "&fields=x", want[256] = "\"no field \\\"x";
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fill(&fixture);
    for (int i = 0; i < 40; i++)
        (void)strcat(question, "\xc3\xa9");
    for (int i = 0; i < 31; i++) /* 63 bytes: half of another would be the 64th */
        (void)strcat(want, "\xc3\xa9");
    expect(&fixture, question, strcat(want, "...\\\" in \\\"room\\\"\""));
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_names_are_told),
        cmocka_unit_test(test_where_nothing_was_ever_written),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_long_names_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
