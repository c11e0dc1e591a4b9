#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/parsing.h"

static void test_every_fault_is_named(void **state)
{
    static const struct parse_fault cases[] = {
        {"",                             E_MISSING_PARAMETER, "measurement", "is needed"                              },
        {"measurement=",                 E_BAD_PARAMETER,     "measurement", "empty"                                  },
        {M "mesurement=x",               E_UNKNOWN_PARAMETER, "mesurement",  "did you mean \"measurement\"?"          },
        {M "zzzzzz=x",                   E_UNKNOWN_PARAMETER, "zzzzzz",      "no parameter of a query"                },
        {M "fields=a,\xff",              E_BAD_PARAMETER,     "fields",      "not UTF-8"                              },
        {M "start=1&start=2",            E_BAD_PARAMETER,     "start",       "given twice"                            },
        {M "start=yesterday",            E_BAD_PARAMETER,     "start",       "want RFC 3339"                          },
        {M "end=2024-02-30T00:00:00Z",   E_BAD_PARAMETER,     "end",         "2024-02-30"                             },
        {M "start=99999999999999999999", E_BAD_PARAMETER,     "start",       "64-bit"                                 },
        {M "start=5&end=5",              E_BAD_PARAMETER,     "end",         "end must be after start"                },
        {M "as_of=later",                E_BAD_PARAMETER,     "as_of",       "want RFC 3339"                          },
        {M "fields=",                    E_BAD_PARAMETER,     "fields",      "leave fields= out"                      },
        {M "fields=a,,b",                E_BAD_PARAMETER,     "fields",      "a name is empty"                        },
        {M "fields=a,b,a",               E_BAD_PARAMETER,     "fields",      "\"a\" stands there twice"               },
        {M "match=host",                 E_BAD_PARAMETER,     "match",       ""                                       },
        {M "match=host=~(",              E_BAD_PARAMETER,     "match",       ""                                       },
        {M "order=up",                   E_BAD_PARAMETER,     "order",       "want asc or desc"                       },
        {M "limit=0",                    E_BAD_PARAMETER,     "limit",       "from 1 on"                              },
        {M "limit=-1",                   E_BAD_PARAMETER,     "limit",       "from 1 on"                              },
        {M "limit=many",                 E_BAD_PARAMETER,     "limit",       "from 1 on"                              },
        {M "versions=some",              E_BAD_PARAMETER,     "versions",    "want latest or all"                     },
        {M "strict=yes",                 E_BAD_PARAMETER,     "strict",      "want true or false"                     },
        {M "format=xml",                 E_BAD_PARAMETER,     "format",      "want json, ndjson, csv or line_protocol"},
        {M "shape=tree",                 E_BAD_PARAMETER,     "shape",       "want series or rows"                    },
        {M "shape=series&format=csv",    E_BAD_PARAMETER,     "shape",       "csv is flat"                            },
        {M "epoch=h",                    E_BAD_PARAMETER,     "epoch",       "want ns, us, ms or s"                   },
        {M "int64=text",                 E_BAD_PARAMETER,     "int64",       "want number or string"                  },
        {M "agg=mean&versions=all",      E_BAD_PARAMETER,     "versions",    "raw rows"                               },
        {M "cursor=x",                   E_BAD_CURSOR,        "cursor",      "not a cursor"                           },
    };

    (void)state;
    parse_faults(cases, COUNT_OF(cases));
}

static void test_a_question_is_read_whatever_the_order(void **state)
{
    struct query *query;
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(parse("end=now&every=2w&agg=max,mean&group_by=host,a\\,b&start=5&epoch=s&"
                           "fields=x\\\\y,z&measurement=m&match=host=a&match=host!=b&order=desc&"
                           "limit=10&strict=true&int64=string",
                           "text/csv", &arena, &query, &err),
                     OK);
    assert_true(query->start == 5000000000 && query->start_given);
    assert_true(query->end == 1000000000000);
    assert_true(query->grid.every == 14 * 86400000000000);
    assert_int_equal(query->format, FORMAT_CSV);
    assert_true(query->flat && query->descending && query->strict && query->integer_text);
    assert_int_equal(query->aggregate_count, 2);
    assert_string_equal(query->aggregates[1].row->name, "mean");
    assert_int_equal(query->grouping, GROUP_TAGS);
    assert_true(bytes_equal(query->group_tags[1], BYTES("a,b")));
    assert_true(bytes_equal(query->fields[0], BYTES("x\\y")));
    assert_int_equal(query->selector.matcher_count, 2);
    assert_int_equal(query->limit, 10);
    assert_int_equal(parse("measurement=m", "", &arena, &query, &err), OK);
    assert_true(query->start == INT64_MIN && query->end == INT64_MAX && !query->flat);
    assert_true(query_is_raw(query));
    arena_release(&arena);
}

static void test_identity_is_of_what_chooses_rows(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"measurement=m&start=1",          "start=1&measurement=m",                                     true },
        {"measurement=m",                  "measurement=m&limit=5&format=csv&int64=string&strict=true", true },
        {"measurement=m&start=1",          "measurement=m&start=2",                                     false},
        {"measurement=m&match=a=b",        "measurement=m&match=a=c",                                   false},
        {"measurement=m&fields=ab",        "measurement=m&fields=a,b",                                  false},
        {"measurement=m&order=desc",       "measurement=m",                                             false},
        {"measurement=m&epoch=s",          "measurement=m",                                             false},
        {"measurement=m&agg=sum&every=1d", "measurement=m&agg=sum&every=1d&tz=UTC",                     false},
        {"measurement=m&agg=sum&every=1d", "measurement=m&agg=sum&every=1d&offset=1h",                  false},
        {"measurement=m&agg=sum&every=1d", "measurement=m&agg=sum&every=1d&fill=null",                  false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct query *a, *b;
        struct arena arena;

        arena_init(&arena, 1 << 20, NULL);
        assert_int_equal(parse(cases[i].a, "", &arena, &a, NULL), OK);
        assert_int_equal(parse(cases[i].b, "", &arena, &b, NULL), OK);
        if ((a->identity == b->identity) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_is_named),
        cmocka_unit_test(test_a_question_is_read_whatever_the_order),
        cmocka_unit_test(test_identity_is_of_what_chooses_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
