#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

#define ASK "measurement=cpu&explain=true"

static void make_places(struct fixture *fixture)
{
    const struct series *a = fixture_series(fixture, "cpu", "host=a");
    const struct series *b = fixture_series(fixture, "cpu", "host=b");
    uint32_t first = fixture_row(fixture, a, 10, 100, "v=1 n=1i"), second;

    (void)fixture_row(fixture, a, 20, 100, "v=2");
    (void)fixture_row(fixture, a, 30, 100, "v=3");
    twin_place(&fixture->store, first, first + 3)->block = true;
    second = fixture_row(fixture, b, 40, 100, "v=5");
    (void)fixture_row(fixture, b, 50, 100, "v=6");
    twin_place(&fixture->store, second, second + 2)->block = true;
    (void)fixture_put(fixture, b, 60, 100, "v=9");
}

static void expect(struct fixture *fixture, const char *question, const char *part)
{
    if (fixture_ask(fixture, question))
        fail_msg("%s: %s: %s", question, fixture->err.pointer, fixture->err.text);
    buf_put_char(&fixture->sink.body, 0);
    if (fixture->sink.body.failed || !strstr(fixture->sink.body.data, part))
        fail_msg("%s: got %swant %s", question, fixture->sink.body.data, part);
    assert_int_equal(fixture->store.places_read, 0);
    assert_int_equal(fixture->store.headers_read, 0);
    assert_int_equal(fixture->outcome.rows_scanned, 0);
}

static void test_plans(void **state)
{
    static const struct {
        const char *question, *part;
    } cases[] = {
        {ASK,
         "{\"series\":2,\"groups\":2,\"columns\":2,\"places\":{\"head\":1,\"blocks\":2,"
         "\"summarised\":0},\"rows_at_least\":6,\"rows_at_most\":6,\"bytes_at_least\":500,"
         "\"bytes_at_most\":500,\"windows\":null,\"refused\":null,\"limits\":{\"query_ms_max\":"                                                      },
        {ASK,                                                      "\"range\":{\"start\":null,\"end\":null},\"as_of\":\"1970-01-01T00:00:00.001Z\"}\n"},
        {ASK "&agg=sum&match=host=a",
         "\"places\":{\"head\":0,\"blocks\":1,\"summarised\":1},\"rows_at_least\":0,"
         "\"rows_at_most\":3,\"bytes_at_least\":0,\"bytes_at_most\":300,\"windows\":1,"                                                               },
        {ASK "&agg=sum&match=host=a&every=10ns&start=0&end=95",
         "\"summarised\":0},\"rows_at_least\":3,\"rows_at_most\":3,\"bytes_at_least\":300,"
         "\"bytes_at_most\":300,\"windows\":10,"                                                                                                      },
        {ASK "&match=host=a&start=0&end=95",                       "\"range\":{\"start\":\"1970-01-01T00:00:00Z\","
                                             "\"end\":\"1970-01-01T00:00:00.000000095Z\"}"                },
        {ASK "&agg=sum&every=1mo&start=2000-01-15&end=2001-01-02", "\"windows\":13,"                                                                  },
        {ASK "&agg=sum&every=1mo&start=0",                         "\"windows\":null,"                                                                },
        {ASK "&match=host=a&top=2,v",
         "\"rows_at_least\":0,\"rows_at_most\":6,\"bytes_at_least\":0,\"bytes_at_most\":600,"                                                         },
        {ASK "&where=v>2&match=host=a",                            "\"summarised\":1}"                                                                },
        {ASK "&match=host=none",                                   "{\"series\":0,\"groups\":0,"                                                      },
        {"measurement=none&explain=true",                          "{\"series\":0,\"groups\":0,"                                                      },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_places(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&fixture, cases[i].question, cases[i].part);
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&explain=false"), OK);
    assert_int_equal(fixture.outcome.rows_out, 6);
    fixture_release(&fixture);
}

/* A question that would be refused is told to be so, and by which limits. */
static void test_refused(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_places(&fixture);
    fixture.limits.query_rows_max = 6;
    expect(&fixture, ASK, "\"refused\":null");
    fixture.limits.query_rows_max = 5;
    expect(&fixture, ASK, "\"refused\":\"query_rows_limit\"");
    expect(&fixture, ASK, "\"query_rows_max\":5,");
    fixture.limits.query_rows_max = 6;
    fixture.limits.query_bytes_max = 499;
    expect(&fixture, ASK, "\"refused\":\"query_bytes_limit\"");
    fixture_refuse(&fixture, ASK "&format=csv", E_BAD_PARAMETER, "explain", "format=json");
    fixture_refuse(&fixture, "measurement=cpu&explain=perhaps", E_BAD_PARAMETER, "explain",
                   "true or false");
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
