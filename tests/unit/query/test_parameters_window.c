#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/parsing.h"

static void test_every_fault_is_named(void **state)
{
    static const struct parse_fault cases[] = {
        {M "every=1h",                      E_BAD_PARAMETER, "every",    "need agg="                                 },
        {M "group_by=host",                 E_BAD_PARAMETER, "group_by", "need agg="                                 },
        {M "fill=none",                     E_BAD_PARAMETER, "fill",     "every= and agg="                           },
        {M "agg=mean&every=0s",             E_BAD_PARAMETER, "every",    "above zero"                                },
        {M "agg=mean&every=fast",           E_BAD_PARAMETER, "every",    ""                                          },
        {M "agg=mean&every=1mo",            E_NOT_SUPPORTED, "every",    "1w, 1d, 15m"                               },
        {M "agg=mean&every=1y",             E_NOT_SUPPORTED, "every",    "months and years"                          },
        {M "agg=",                          E_BAD_PARAMETER, "agg",      "empty"                                     },
        {M "agg=average",                   E_BAD_PARAMETER, "agg",      "count, sum, min, max, mean, first and last"},
        {M "agg=mean,stddev",               E_NOT_SUPPORTED, "agg",      "\"stddev\" is not supported yet"           },
        {M "agg=p95",                       E_NOT_SUPPORTED, "agg",      "there are count"                           },
        {M "agg=mean,mean",                 E_BAD_PARAMETER, "agg",      "twice"                                     },
        {M "agg=mean&group_by=*,host",      E_BAD_PARAMETER, "group_by", "stands alone"                              },
        {M "agg=mean&group_by=a,a",         E_BAD_PARAMETER, "group_by", "twice"                                     },
        {M "agg=mean&every=1h&fill=linear", E_NOT_SUPPORTED, "fill",     "there is none"                             },
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
