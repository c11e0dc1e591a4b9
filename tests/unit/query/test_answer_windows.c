#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

static void test_windows(void **state)
{
    static const struct {
        const char *name, *question, *want;
    } cases[] = {
        {"one row over all series",                  RAW "&agg=sum,count&fields=user",
         "{\"time\":10,\"sum_user\":13.75,\"count_user\":3}\n" END("1")                                                   },
        {"its time is the start that was asked for", RAW "&agg=max&fields=n&start=-5",
         "{\"time\":-5,\"max_n\":3}\n" END("1")                                                                           },
        {"windows align to the epoch",               RAW "&agg=sum&fields=n&every=25ns",
         "{\"time\":0,\"sum_n\":3}\n{\"time\":25,\"sum_n\":3}\n" END("2")                                                 },
        {"desc turns windows",                       RAW "&agg=sum&fields=n&every=25ns&order=desc",
         "{\"time\":25,\"sum_n\":3}\n{\"time\":0,\"sum_n\":3}\n" END("2")                                                 },
        {"each series for itself",                   RAW "&agg=mean&fields=user&group_by=*",
         "{\"time\":10,\"host\":\"g\",\"mean_user\":1.875}\n"
         "{\"time\":10,\"host\":\"b\",\"mean_user\":10.0}\n" END("2")                                                     },
        {"a tag that no series has is one group",    RAW "&agg=count&fields=n&group_by=rack",
         "{\"time\":10,\"count_n\":3}\n" END_WARNED(
             "1",                                                                                                           "no series of \\\"cpu\\\" has the tag \\\"rack\\\"")},
        {"numeric aggregates leave texts out",                                          RAW "&agg=max,last&match=host=b",
         "{\"time\":10,\"max_n\":null,\"last_n\":null,\"last_s\":\"x\",\"max_user\":10.0,"
         "\"last_user\":10.0}\n" END("1")},
        {"no rows, no windows",                                          RAW "&agg=count&start=500",                                                                   END("0")                     },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    fixture_refuse(&fixture, RAW "&agg=mean&fields=s", E_BAD_PARAMETER, "agg",
                   "\"s\" holds strings");
    fixture_release(&fixture);
}

static void test_numbers_of_other_kinds_are_counted_as_skipped(void **state)
{
    struct fixture fixture;
    const struct series *a;

    (void)state;
    fixture_init(&fixture);
    a = fixture_series(&fixture, "cpu", "");
    fixture_put(&fixture, a, 1, 100, "v=2");
    fixture_put(&fixture, a, 2, 100, "v=\"two\"");
    fixture_expect(&fixture, RAW "&agg=sum,count",
                   "{\"time\":1,\"sum_v\":2.0,\"count_v\":2}\n{\"_end\":{\"rows\":1," TAIL
                   ",\"skipped\":1}}\n");
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_numbers_of_other_kinds_are_counted_as_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
