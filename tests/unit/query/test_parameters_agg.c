#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/parsing.h"

static void test_every_fault_is_named(void **state)
{
    static const struct parse_fault cases[] = {
        {M "agg=",                          E_BAD_PARAMETER, "agg", "empty"                        },
        {M "agg=mean,",                     E_BAD_PARAMETER, "agg", "empty"                        },
        {M "agg=average",                   E_BAD_PARAMETER, "agg", "there are count, sum, min"    },
        {M "agg=mean,stdev",                E_BAD_PARAMETER, "agg", "did you mean \"stddev\"?"     },
        {M "agg=mean,mean",                 E_BAD_PARAMETER, "agg", "twice"                        },
        {M "agg=p100",                      E_BAD_PARAMETER, "agg", "below 100"                    },
        {M "agg=p0",                        E_BAD_PARAMETER, "agg", "above 0"                      },
        {M "agg=p99.1234567",               E_BAD_PARAMETER, "agg", "six digits"                   },
        {M "agg=rate()",                    E_BAD_PARAMETER, "agg", "as in rate(1m)"               },
        {M "agg=integral(1x)",              E_BAD_PARAMETER, "agg", "as in integral(1m)"           },
        {M "agg=mean(1h)",                  E_BAD_PARAMETER, "agg", "mean has no unit"             },
        {M "agg=increase(1h)",              E_BAD_PARAMETER, "agg", "rate, derivative and integral"},
        {M "agg=integral(1h),integral(1m)", E_BAD_PARAMETER, "agg", "columns are named without"    },
        {M "agg=rate,rate(1s)",             E_BAD_PARAMETER, "agg", "want one unit"                },
    };

    (void)state;
    parse_faults(cases, COUNT_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
