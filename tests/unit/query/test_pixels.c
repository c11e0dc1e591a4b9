/* Buckets, gaps and what is told of a series; random series are in test_answer_pixels.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#define ASK "measurement=m&epoch=ns&format=csv&downsample="

static void put(struct fixture *fixture, const int64_t *times, const char *const *fields,
                size_t count)
{
    const struct series *series = fixture_series(fixture, "m", "");

    for (size_t i = 0; i < count; i++)
        fixture_put(fixture, series, times[i], 100, fields[i]);
}

static void test_what_is_told(void **state)
{
    static const int64_t times[] = {0, 10, 20, 29, 30, 40, 59, 60, 89};
    static const char *const fields[] = {"v=5",         "v=1 s=\"x\"", "v=9", "v=5",     "v=2 n=1i",
                                         "v=2 on=true", "v=2",         "v=3", "v=7 n=3i"};
    static const struct {
        const char *name, *question, *want;
    } cases[] = {
        {"the first, last, least and greatest of each bucket", ASK "m4&points=3&end=90&fields=v",
         "time,v\n0,5.0\n10,1.0\n20,9.0\n29,5.0\n30,2.0\n59,2.0\n60,3.0\n89,7.0\n"                                                   },
        {"the extremes alone, the earliest of equal ones",     ASK "minmax&points=3&end=90&fields=v",
         "time,v\n10,1.0\n20,9.0\n30,2.0\n60,3.0\n89,7.0\n"                                                                          },
        {"a time at a border is of the bucket behind it",
         ASK "minmax&points=3&start=0&end=90&fields=v",
         "time,v\n10,1.0\n20,9.0\n30,2.0\n60,3.0\n89,7.0\n"                                                                          },
        {"no more rows than points come as they are",          ASK "m4&points=9&fields=v",
         "time,v\n0,5.0\n10,1.0\n20,9.0\n29,5.0\n30,2.0\n40,2.0\n59,2.0\n60,3.0\n89,7.0\n"                                           },
        {"a row that was chosen for one field tells no other", ASK "minmax&points=1&fields=v,n",
         "time,v,n\n10,1.0,\n20,9.0,\n30,,1\n89,,3\n"                                                                                },
        {"a gap is a row of nulls",                            ASK "minmax&points=3&end=90&gap=28ns&fields=v",
         "time,v\n10,1.0\n20,9.0\n30,2.0\n60,3.0\n89,7.0\n"                                                                          },
        {"gaps between rows as they are",                      ASK "m4&points=9&gap=18ns&fields=v",
         "time,v\n0,5.0\n10,1.0\n20,9.0\n29,5.0\n30,2.0\n40,2.0\n41,\n59,2.0\n60,3.0\n61,\n"
         "89,7.0\n"                                                                                                                  },
        {"a gap is longer than asked",                         ASK "m4&points=9&gap=19ns&fields=v&start=40&end=60",
         "time,v\n40,2.0\n59,2.0\n"                                                                                                  },
        {"line protocol has no row of nulls",
         "measurement=m&format=line_protocol&downsample=m4&points=9&gap=18ns&fields=v&start=40&"
         "end=60",                                                                                                  "m v=2.0 40\nm v=2.0 59\n# "
         "{\"_end\":{\"rows\":2,\"next\":null,\"partial\":false,\"as_of\":"
         "\"1970-01-01T00:00:00.001Z\",\"final\":false}}\n"                                                        },
        {"nothing is there",                                   ASK "m4&start=100",                                  "time,n,on,s,v\n"},
        {"no number is there",                                 ASK "lttb&fields=s",                                 "time,s\n"       },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    put(&fixture, times, fields, COUNT_OF(times));
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    fixture_release(&fixture);
}

static void test_all_of_time_is_a_range(void **state)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, INT64_MAX - 1};
    static const char *const fields[] = {"v=1i", "v=2i", "v=3i", "v=4i"};
    static const char *const methods[] = {"m4", "minmax", "lttb"};
    static const char want[] = "time,v\n-9223372036854775808,1\n-1,2\n0,3\n9223372036854775806,4\n";
    struct fixture fixture;
    char question[160];

    (void)state;
    fixture_init(&fixture);
    put(&fixture, times, fields, COUNT_OF(times));
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        for (int points = 2; points < 5; points++) {
            (void)snprintf(question, sizeof(question), ASK "%s&points=%d", methods[i], points);
            if (i == 2 && points == 3) /* one between the ends */
                fixture_expect(&fixture, question,
                               "time,v\n-9223372036854775808,1\n-1,2\n9223372036854775806,4\n");
            else if (i < 2 || points == 4)
                fixture_expect(&fixture, question, want);
        }
    fixture_release(&fixture);
}

static void test_each_series_is_a_plot(void **state)
{
    struct fixture fixture;
    const struct series *a, *b;

    (void)state;
    fixture_init(&fixture);
    a = fixture_series(&fixture, "m", "host=g");
    b = fixture_series(&fixture, "m", "host=b");
    for (int64_t i = 0; i < 10; i++) {
        fixture_put(&fixture, a, i, 100, i == 4 ? "v=9i" : "v=1i");
        fixture_put(&fixture, b, 1000 + i, 100, i == 6 ? "v=-9i" : "v=2i");
    }
    fixture_expect(&fixture, ASK "minmax&points=2",
                   "time,host,v\n1000,b,2\n1005,b,2\n1006,b,-9\n0,g,1\n4,g,9\n5,g,1\n");
    fixture_release(&fixture);
}

static void test_memory_is_capped_and_given_back(void **state)
{
    static const char *const questions[] = {ASK "m4&points=300", ASK "m4&points=2000",
                                            ASK "lttb&points=300"};
    struct fixture fixture;
    const struct series *series;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "m", "");
    for (int64_t i = 0; i < 1500; i++)
        (void)fixture_row(&fixture, series, i, 100, "v=1.25");
    (void)twin_place(&fixture.store, 0, 1500);
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        enum code code = E_QUERY_MEMORY;
        bool refused = false;

        for (uint64_t most = 4096; code; most += 8192) {
            fixture.limits.query_memory_bytes_max = most;
            code = fixture_ask(&fixture, questions[i]);
            assert_true(code == OK || code == E_QUERY_MEMORY || code == E_MEMORY);
            refused |= code == E_QUERY_MEMORY;
            assert_true(most < 4 << 20);
        }
        assert_true(refused);
    }
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told),
        cmocka_unit_test(test_all_of_time_is_a_range),
        cmocka_unit_test(test_each_series_is_a_plot),
        cmocka_unit_test(test_memory_is_capped_and_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
