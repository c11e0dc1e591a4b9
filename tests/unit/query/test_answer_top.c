#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

#define CSV "measurement=cpu&epoch=ns&format=csv"

/* Three hosts; by id c comes before b. */
static void make_hosts(struct fixture *fixture)
{
    const struct series *a = fixture_series(fixture, "cpu", "host=a");
    const struct series *b = fixture_series(fixture, "cpu", "host=b");
    const struct series *c = fixture_series(fixture, "cpu", "host=c");

    fixture_put(fixture, a, 10, 100, "v=1 n=1i s=\"a1\"");
    fixture_put(fixture, a, 20, 100, "v=5 n=2i s=\"a2\"");
    fixture_put(fixture, a, 30, 100, "v=3 n=3i");
    fixture_put(fixture, b, 10, 100, "v=4 n=9i s=\"b1\"");
    fixture_put(fixture, b, 20, 100, "v=2 n=4i");
    fixture_put(fixture, c, 10, 100, "n=9i s=\"c1\"");
    assert_true(series_id_compare(c->id, b->id) < 0);
    fixture_put(fixture, a, 30, 200, "v=9"); /* a correction has its say */
}

static void test_groups(void **state)
{
    static const struct {
        const char *question, *want;
    } cases[] = {
        {CSV "&agg=max,sum&fields=v&group_by=host&top=1,max_v",
         "time,host,max_v,sum_v\n10,a,9.0,15.0\n"                                                                     },
        {CSV "&agg=max,sum&fields=v&group_by=host&bottom=5,max_v",
         "time,host,max_v,sum_v\n10,b,4.0,6.0\n10,a,9.0,15.0\n"                                                       },
 /* the whole range ranks, the windows are told; equal ones stand in order of groups */
        {CSV "&agg=max&fields=n&group_by=host&top=2,max_n&every=20ns&start=0",
         "time,host,max_n\n0,b,9\n20,b,4\n0,c,9\n"                                                                    },
        {CSV "&agg=max&fields=n&group_by=host&top=1,max_n&every=20ns&start=0&order=desc",
         "time,host,max_n\n20,b,4\n0,b,9\n"                                                                           },
        {CSV "&agg=count,last&fields=s&group_by=host&top=9,count_s",
         "time,host,count_s,last_s\n10,a,2,a2\n10,b,1,b1\n10,c,1,c1\n"                                                },
        {CSV "&agg=last&fields=s&group_by=host&top=9,last_s",                             "time,host,last_s\n"        },
        {CSV "&agg=sum&fields=n,x&let=x=n*v&group_by=host&bottom=1,sum_x",
         "time,host,sum_n,sum_x\n10,a,6,38.0\n"                                                                       },
        {CSV "&agg=sum&fields=n&where=v<5&group_by=host&top=1,sum_n",                     "time,host,sum_n\n10,b,13\n"},
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_hosts(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    fixture_release(&fixture);
}

static void test_rows(void **state)
{
    static const struct {
        const char *question, *want;
    } cases[] = {
        {CSV "&fields=v,s&top=3,v",                                   "time,host,v,s\n30,a,9.0,\n20,a,5.0,a2\n10,b,4.0,b1\n"},
        {CSV "&fields=v&bottom=2,v",                                  "time,host,v\n10,a,1.0\n20,b,2.0\n"                   },
        {CSV "&fields=n,s&top=2,n",                                   "time,host,n,s\n10,c,9,c1\n10,b,9,b1\n"               },
        {CSV "&fields=n,x&let=x=v-n&top=2,x",                         "time,host,n,x\n30,a,3,6.0\n20,a,2,3.0\n"             },
        {CSV "&fields=n&where=v<9&top=2,n&start=20",                  "time,host,n\n20,b,4\n20,a,2\n"                       },
        {CSV "&fields=s&top=2,s",                                     "time,host,s\n"                                       },
        {CSV "&fields=v&top=1,v&as_of=1970-01-01T00:00:00.00000015Z", "time,host,v\n20,a,5.0\n"                             },
        {"measurement=cpu&epoch=ns&fields=v&top=2,v&start=10&end=21",
         "{\"series\":[{\"measurement\":\"cpu\",\"tags\":{\"host\":\"a\"},\"columns\":[\"time\","
         "\"v\"],"
         "\"rows\":[[20,5.0]]},{\"measurement\":\"cpu\",\"tags\":{\"host\":\"b\"},\"columns\":["
         "\"time\",\"v\"],\"rows\":[[10,4.0]]}]," TAIL "}\n"                                                                },
        {"measurement=nope&format=csv&top=2,v",                       "time\n"                                              },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_hosts(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    fixture_release(&fixture);
}

static void test_refusals(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_hosts(&fixture);
    fixture_refuse(&fixture, CSV "&fields=v&top=2,n", E_BAD_PARAMETER, "top",
                   "no column of the answer");
    fixture_refuse(&fixture, CSV "&agg=max&fields=v&bottom=2,v", E_BAD_PARAMETER, "bottom",
                   "its first is \"max_v\"");
    fixture_refuse(&fixture, CSV "&agg=min,max&fields=v&bottom=2,maxv", E_BAD_PARAMETER, "bottom",
                   "its nearest is \"max_v\"");
    fixture.limits.page_rows_max = 3;
    fixture_refuse(&fixture, CSV "&fields=v&top=4,v", E_BAD_PARAMETER, "top", "at most 3");
    assert_int_equal(fixture_ask(&fixture, CSV "&fields=v&top=3,v"), OK);
    assert_int_equal(fixture_ask(&fixture, CSV "&fields=v&top=2,v"), OK);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
