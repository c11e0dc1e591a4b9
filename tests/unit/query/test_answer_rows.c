#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

static void test_raw_rows(void **state)
{
    static const struct {
        const char *name, *question, *want;
    } cases[] = {
        {"newest version wins field by field, a retracted field is null",
         RAW "&fields=user,n&match=host=g",
         "{\"time\":10,\"host\":\"g\",\"user\":1.5,\"n\":1}\n"
         "{\"time\":20,\"host\":\"g\",\"user\":2.25,\"n\":2}\n"
         "{\"time\":30,\"host\":\"g\",\"user\":null,\"n\":3}\n" END("3")                                                                      },
        {"a row without a value of the fields is left out",                              RAW "&fields=user&match=host=g",
         "{\"time\":10,\"host\":\"g\",\"user\":1.5}\n"
         "{\"time\":20,\"host\":\"g\",\"user\":2.25}\n" END("2")                                                                              },
        {"without fields= all come, in order of name",                                   RAW "&start=10&end=11",
         "{\"time\":10,\"host\":\"g\",\"n\":1,\"s\":null,\"user\":1.5}\n"
         "{\"time\":10,\"host\":\"b\",\"n\":null,\"s\":\"x\",\"user\":10.0}\n" END("2")                                                       },
        {"desc turns time within a series",                                              RAW "&fields=n&order=desc",
         "{\"time\":30,\"host\":\"g\",\"n\":3}\n{\"time\":20,\"host\":\"g\",\"n\":2}\n"
         "{\"time\":10,\"host\":\"g\",\"n\":1}\n" END("3")                                                                                    },
        {"no such measurement is an empty answer",                                       "measurement=mem&format=ndjson",
         END_WARNED("0",                                                                                                                        "no measurement \\\"mem\\\"")},
        {"no such field is an empty answer",                                                                              RAW "&fields=nope",
         END_WARNED("0", "no field \\\"nope\\\" in \\\"cpu\\\"")},
        {"nothing matches",                                       RAW "&match=host=z",                                                                      END("0")                                                                         },
        {"JSON nests rows by series",                                                                      "measurement=cpu&fields=user&match=host=b",
         "{\"series\":[{\"measurement\":\"cpu\",\"tags\":{\"host\":\"b\"},\"columns\":[\"time\","
         "\"user\"],\"rows\":[[\"1970-01-01T00:00:00.000000010Z\",10.0]]}]," TAIL "}\n"},
        {"empty JSON", "measurement=mem",
         "{\"series\":[]," TAIL ",\"warnings\":[\"no measurement \\\"mem\\\"\"]}\n"                                                                                        },
        {"CSV",     "measurement=cpu&epoch=ns&format=csv&fields=n,s&end=11",
         "time,host,n,s\n10,g,1,\n10,b,,x\n"},
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    fixture_release(&fixture);
}

static void test_as_of_repeats_what_was_known(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture_expect(&fixture, RAW "&fields=user&match=host=g&as_of=199",
                   "{\"time\":10,\"host\":\"g\",\"user\":1.5}\n"
                   "{\"time\":20,\"host\":\"g\",\"user\":2.0}\n"
                   "{\"time\":30,\"host\":\"g\",\"user\":3.0}\n"
                   "{\"_end\":{\"rows\":3,\"next\":null,\"partial\":false,\"as_of\":"
                   "\"1970-01-01T00:00:00.000000199Z\",\"final\":true}}\n");
    assert_string_equal(fixture.sink.cache_control, "private, max-age=86400, immutable");
    assert_true(fixture.sink.etag[0] == '"');
    fixture_expect(&fixture, RAW "&fields=user&as_of=99&match=host=g",
                   "{\"_end\":{\"rows\":0,\"next\":null,\"partial\":false,\"as_of\":"
                   "\"1970-01-01T00:00:00.000000099Z\",\"final\":true}}\n");
    fixture_refuse(&fixture, RAW "&as_of=1000001", E_AS_OF_FUTURE, "as_of", "newest");
    fixture.environment.history_ns = 400;
    fixture_refuse(&fixture, RAW "&as_of=999599", E_BEFORE_HISTORY, "as_of",
                   "1970-01-01T00:00:00.000999600Z");
    fixture.environment.history_ns = INT64_MAX; /* but what was dropped is gone */
    fixture.store.history_floor = 999600;
    fixture_refuse(&fixture, RAW "&as_of=999599", E_BEFORE_HISTORY, "as_of",
                   "1970-01-01T00:00:00.000999600Z");
    assert_int_equal(fixture_ask(&fixture, RAW "&as_of=999600"), OK);
    fixture_release(&fixture);
}

/* Ten rows in one place; then two of them are corrected and one is deleted, so that the place is
 * gone through version by version. */
static void make_page_world(struct fixture *fixture, bool versions)
{
    static struct tombstone gone = {
        .ingest = 300, .selector = {.measurement = BYTES("m")}, .start = 3, .end = 4};
    const struct series *series = fixture_series(fixture, "m", "a=b");
    uint32_t first = 0;

    for (int64_t i = 0; i < 10; i++) {
        uint32_t row = fixture_row(fixture, series, i, 100, i < 2 ? "v=0" : "v=1");

        first = i == 0 ? row : first;
    }
    (void)twin_place(&fixture->store, first, first + 10);
    if (!versions)
        return;
    fixture_put(fixture, series, 1, 200, "v=0");
    fixture_put(fixture, series, 5, 200, "v=2");
    fixture->store.tombstones = &gone;
    fixture->store.tombstone_count = 1;
}

static void test_a_page_counts_what_it_goes_through(void **state)
{
    static const struct {
        const char *question;
        bool versions;
        uint64_t rows;
    } cases[] = {
        {"&limit=1",                      false, 1 },
        {"&limit=4",                      false, 4 },
        {"&limit=10",                     false, 10},
        {"&limit=11",                     false, 10},
        {"",                              false, 10},
        {"&limit=4&order=desc",           false, 4 },
        {"&limit=4&where=v>0",            false, 6 },
        {"&limit=4&where=v>0&order=desc", false, 4 },
        {"&limit=8&where=v>0&order=desc", false, 10}, /* is there another? */
        {"&limit=7&where=v>0&order=desc", false, 7 },
        {"&limit=1",                      true,  1 },
        {"&limit=2",                      true,  3 },
        {"&limit=3",                      true,  5 }, /* and the one that is deleted, up to the first of the next page */
        {"&limit=4",                      true,  6 },
        {"&limit=5",                      true,  8 },
        {"&limit=9",                      true,  12},
        {"&limit=1&order=desc",           true,  1 },
        {"&limit=5&order=desc",           true,  6 },
        {"&limit=6&order=desc",           true,  8 },
        {"&limit=1&where=v>1",            true,  12},
        {"",                              true,  12},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture fixture;
        char question[128];

        fixture_init(&fixture);
        make_page_world(&fixture, cases[i].versions);
        (void)snprintf(question, sizeof(question), "measurement=m%s", cases[i].question);
        fixture.limits.query_rows_max = cases[i].rows;
        if (fixture_ask(&fixture, question) || fixture.outcome.rows_scanned != cases[i].rows)
            fail_msg("%s: %s, %llu rows", question, fixture.err.text,
                     (unsigned long long)fixture.outcome.rows_scanned);
        fixture.limits.query_rows_max = cases[i].rows - 1;
        if (cases[i].rows > 1)
            fixture_refuse(&fixture, question, E_QUERY_ROWS, "",
                           strstr(question, "limit=") ? "a smaller limit" : "pages (limit=)");
        fixture.limits.query_rows_max = cases[i].rows + 1;
        assert_int_equal(fixture_ask(&fixture, question), OK);
        fixture_release(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_rows),
        cmocka_unit_test(test_as_of_repeats_what_was_known),
        cmocka_unit_test(test_a_page_counts_what_it_goes_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
