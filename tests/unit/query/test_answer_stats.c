#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#include "query/plan.h"
#include "tests/unit/query/world.h"

#define CSV "measurement=cpu&format=csv"
#define COLUMNS "count,missing,min,max,mean,std,p5,p25,p50,p75,p95,first,last,sum\n"

/* a: three rows, one of them without v; b: one row, of another field alone; c: values of no kind
 * that has a mean. */
static void make_hosts(struct fixture *fixture)
{
    const struct series *a = fixture_series(fixture, "cpu", "host=a");
    const struct series *b = fixture_series(fixture, "cpu", "host=b");
    const struct series *c = fixture_series(fixture, "cpu", "host=c");

    fixture->stats = true;
    fixture_put(fixture, a, 10, 100, "v=1 n=1i");
    fixture_put(fixture, a, 20, 100, "v=4 n=2i");
    fixture_put(fixture, a, 30, 100, "n=6i");
    fixture_put(fixture, b, 10, 100, "n=5i");
    fixture_put(fixture, c, 10, 100, "s=\"x\"");
    fixture_put(fixture, c, 20, 100, "s=\"y\" on=true");
    fixture_put(fixture, a, 20, 200, "v=3"); /* a correction has its say */
}

static void test_rows(void **state)
{
    static const struct {
        const char *question, *want;
    } cases[] = {
        {CSV "&fields=v,n&group_by=host",
         "field,host," COLUMNS "n,a,3,0,1,6,3.0,2.6457513110645907,1.1,1.5,2.0,4.0,5.6,1,6,9\n"
         "v,a,2,1,1.0,3.0,2.0,1.4142135623730951,1.1,1.5,2.0,2.5,2.9,1.0,3.0,4.0\n"
         "n,b,1,0,5,5,5.0,,5.0,5.0,5.0,5.0,5.0,5,5,5\n"
         "v,b,0,1,,,,,,,,,,,,\n"
         "n,c,0,2,,,,,,,,,,,,\n"
         "v,c,0,2,,,,,,,,,,,,\n"                                                                                    },
        {CSV "&fields=v",
         "field," COLUMNS "v,2,4,1.0,3.0,2.0,1.4142135623730951,1.1,1.5,2.0,2.5,2.9,1.0,3.0,4.0\n"                  },
        {CSV "&match=host=c&fields=s,on",
         "field," COLUMNS "on,1,1,,,,,,,,,,true,true,\ns,2,0,,,,,,,,,,x,y,\n"                                       },
        {CSV "&fields=v&as_of=1970-01-01T00:00:00.00000015Z&match=host=a",
         "field," COLUMNS "v,2,1,1.0,4.0,2.5,2.1213203435596424,1.15,1.75,2.5,3.25,3."
         "8499999999999996,1.0,4.0,5.0\n"                                                                           },
        {CSV "&fields=v&start=10&end=20&match=host=a",
         "field," COLUMNS "v,1,0,1.0,1.0,1.0,,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0\n"                                    },
        {CSV "&fields=v&where=n>1&match=host=a",
         "field," COLUMNS "v,1,1,3.0,3.0,3.0,,3.0,3.0,3.0,3.0,3.0,3.0,3.0,3.0\n"                                    },
        {CSV "&fields=x&let=x=v*n&match=host=a",
         "field," COLUMNS
         "x,2,1,1.0,6.0,3.5,3.5355339059327378,1.25,2.25,3.5,4.75,5.75,1.0,6.0,7.0\n"                               },
        {CSV "&fields=nope&match=host=b",                                  "field," COLUMNS "nope,0,1,,,,,,,,,,,,\n"},
        {CSV "&start=500",                                                 "field," COLUMNS                         },
        {"measurement=nope&format=csv",                                    "field," COLUMNS                         },
        {"measurement=cpu&match=host=b&fields=n",
         "{\"series\":[{\"measurement\":\"cpu\",\"tags\":{},\"columns\":[\"field\",\"count\","
         "\"missing\",\"min\",\"max\",\"mean\",\"std\",\"p5\",\"p25\",\"p50\",\"p75\",\"p95\","
         "\"first\",\"last\",\"sum\"],\"rows\":[[\"n\",1,0,5,5,5.0,null,5.0,5.0,5.0,5.0,5.0,5,5,"
         "5]]}],"
         "\"next\":null,\"partial\":false,\"as_of\":\"1970-01-01T00:00:00.001Z\",\"final\":false}"
         "\n"                                                                                                       },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_hosts(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    fixture_release(&fixture);
}

/* A tag that is called like the first column gets another name. */
static void test_a_tag_called_field(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fixture.stats = true;
    fixture_put(&fixture, fixture_series(&fixture, "cpu", "field=a,count=b"), 1, 100, "v=1");
    fixture_expect(&fixture, CSV "&group_by=field,count",
                   "field,tag.field,tag.count," COLUMNS
                   "v,a,b,1,0,1.0,1.0,1.0,,1.0,1.0,1.0,1.0,1.0,1.0,1.0,1.0\n");
    fixture_release(&fixture);
}

/* Rows x columns count, at limit - 1, limit and limit + 1. */
static void test_limit(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_hosts(&fixture);
    fixture.limits.query_groups_max = 2 * stats_column_count + 1;
    assert_int_equal(fixture_ask(&fixture, CSV "&match=host=a&fields=v,n"), OK);
    fixture.limits.query_groups_max = 2 * stats_column_count;
    assert_int_equal(fixture_ask(&fixture, CSV "&match=host=a&fields=v,n"), OK);
    fixture.limits.query_groups_max = 2 * stats_column_count - 1;
    fixture_refuse(&fixture, CSV "&match=host=a&fields=v,n", E_QUERY_GROUPS, "",
                   "query_groups_max");
    fixture_release(&fixture);
}

/* Another field is another question, also where it has no value: its row is there. */
static void test_etag(void **state)
{
    struct fixture fixture;
    char etag[48];

    (void)state;
    fixture_init(&fixture);
    make_hosts(&fixture);
    assert_int_equal(fixture_ask(&fixture, CSV "&fields=v"), OK);
    memcpy(etag, fixture.outcome.etag, sizeof(etag));
    assert_int_equal(fixture_ask(&fixture, CSV "&fields=n"), OK);
    assert_string_not_equal(etag, fixture.outcome.etag);
    assert_int_equal(fixture_ask(&fixture, CSV "&fields=v"), OK);
    assert_string_equal(etag, fixture.outcome.etag);
    fixture.stats = false;
    assert_int_equal(fixture_ask(&fixture, CSV "&fields=v"), OK);
    assert_string_not_equal(etag, fixture.outcome.etag);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_a_tag_called_field),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_etag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
